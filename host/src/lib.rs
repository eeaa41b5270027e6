//! Relais takes over a sales lead after a failed call: it writes on WhatsApp, qualifies, books a meeting, reminds, moves
//! it, and reports to the company's CRM.
//!
//! # Layout
//!
//! The data path is one direction: [`api`] (the doors) → [`store`] → [`turn`] → [`sandbox`] → commit → [`delivery`].
//! [`schedule`] turns time into events, [`flows`] folders into versions, [`calendar`] opening hours into slots;
//! [`whatsapp`] knows Meta's ways and [`simulator`] imitates them. [`model`] holds the nouns. [`host`] puts the rooms
//! together, [`stage`] surrounds it with all that a demonstration needs, [`config`] reads the operator's settings, [`commands`] are the command line.

pub mod api;
pub mod calendar;
pub mod commands;
pub mod config;
pub mod delivery;
pub mod flows;
pub mod host;
pub mod model;
pub mod sandbox;
pub mod schedule;
pub mod simulator;
pub mod stage;
pub mod store;
pub mod turn;
pub mod whatsapp;
