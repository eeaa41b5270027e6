//! One component that plays all three roles of a flow, a file a role.

mod actions;
mod mapping;
mod script;

/// The plugin. None of its roles has a configuration, so there is nothing to keep.
pub struct Plugin;

relais_sdk::export!(Plugin: qualification, crm_mapping, status_actions);
