//! The stock CRM mapping (`stock:crm-map`).
//!
//! Without configuration it speaks the integration guide's payloads to the letter, key order included. `crm.toml`
//! renames fields both ways, renames statuses, adds constants and notes; `README.md` lists every key.

mod callback;
mod config;
mod lead;
mod ordered;

pub use config::Config;

use relais_sdk::{Call, CrmMapping, Fault, LeadDraft, Problem, Update};

/// The mapping with its checked configuration.
#[derive(Debug)]
pub struct Mapping {
    config: Config,
}

impl CrmMapping for Mapping {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Problem>> {
        let problems = config.problems();
        if problems.is_empty() { Ok(Self { config }) } else { Err(problems) }
    }

    fn lead_from_crm(&self, payload: &str) -> Result<LeadDraft, Vec<Problem>> {
        lead::read(&self.config.lead, payload)
    }

    fn callback_for_crm(&self, call: &Call, update: &Update) -> Result<String, Fault> {
        callback::write(&self.config, call, update)
    }
}

relais_sdk::export!(Mapping: crm_mapping);
