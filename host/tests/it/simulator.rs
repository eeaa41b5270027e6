//! The simulated WhatsApp, seen from outside: over real sockets and on virtual time. Every fault is seen on the wire once,
//! and every webhook is read by the host's own decoder.

mod faults;
mod people;
mod rules;
mod setting;
mod webhooks;
