//! From a trait to the component's exports.

use std::cell::RefCell;

use serde::de::DeserializeOwned;

use crate::bindings::qualifier::exports::relais::flow::qualification::Turn as WitTurn;
use crate::{
    Call, CrmMapping, Fault, LeadDraft, Occasion, Problem, Qualification, Reaction, StatusActions, Update, json,
};

/// Where a configured plugin waits for its calls. It lives in the component's memory, so it is part of the snapshot
/// that the host takes after `configure`.
#[doc(hidden)]
pub type Kept<T> = std::thread::LocalKey<RefCell<Option<T>>>;

/// Exports a type as one role or several: `relais_sdk::export!(MyPlugin: qualification)`,
/// `relais_sdk::export!(MyPlugin: qualification, crm_mapping, status_actions)`.
///
/// Natively it expands to nothing: a component's export names (`relais:flow/qualification@0.1.0#advance`) are no
/// symbols that every native linker accepts.
#[macro_export]
macro_rules! export {
    ($plugin:ty: $($role:ident),+ $(,)?) => { $( $crate::export_role!($plugin, $role); )+ };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_role {
    ($plugin:ty, qualification) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::qualifier::exports::relais::flow::qualification as role;
            ::std::thread_local! {
                static KEPT: ::std::cell::RefCell<Option<$plugin>> = const { ::std::cell::RefCell::new(None) };
            }
            struct Exported;
            impl role::Guest for Exported {
                fn configure(config: String) -> Result<(), Vec<$crate::Problem>> {
                    $crate::run::configure(&KEPT, &config, <$plugin as $crate::Qualification>::configure)
                }
                fn advance(
                    context: $crate::Context,
                    lead: $crate::Lead,
                    state: Option<String>,
                    event: $crate::Event,
                ) -> Result<role::Turn, $crate::Fault> {
                    $crate::run::advance(&KEPT, $crate::Call { context, lead }, state, event)
                }
            }
    $crate::bindings::qualifier::export_qualifier!(Exported with_types_in $crate::bindings::qualifier);
        };
    };
    ($plugin:ty, crm_mapping) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::mapper::exports::relais::flow::crm_mapping as role;
            ::std::thread_local! {
                static KEPT: ::std::cell::RefCell<Option<$plugin>> = const { ::std::cell::RefCell::new(None) };
            }
            struct Exported;
            impl role::Guest for Exported {
                fn configure(config: String) -> Result<(), Vec<$crate::Problem>> {
                    $crate::run::configure(&KEPT, &config, <$plugin as $crate::CrmMapping>::configure)
                }
                fn lead_from_crm(payload: String) -> Result<$crate::LeadDraft, Vec<$crate::Problem>> {
                    $crate::run::lead_from_crm(&KEPT, &payload)
                }
                fn callback_for_crm(
                    context: $crate::Context,
                    lead: $crate::Lead,
                    update: $crate::Update,
                ) -> Result<String, $crate::Fault> {
                    $crate::run::callback_for_crm(&KEPT, &$crate::Call { context, lead }, &update)
                }
            }
    $crate::bindings::mapper::export_mapper!(Exported with_types_in $crate::bindings::mapper);
        };
    };
    ($plugin:ty, status_actions) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::reactor::exports::relais::flow::status_actions as role;
            ::std::thread_local! {
                static KEPT: ::std::cell::RefCell<Option<$plugin>> = const { ::std::cell::RefCell::new(None) };
            }
            struct Exported;
            impl role::Guest for Exported {
                fn configure(config: String) -> Result<(), Vec<$crate::Problem>> {
                    $crate::run::configure(&KEPT, &config, <$plugin as $crate::StatusActions>::configure)
                }
                fn react(
                    context: $crate::Context,
                    lead: $crate::Lead,
                    occasion: $crate::Occasion,
                ) -> Result<Vec<$crate::Reaction>, $crate::Fault> {
                    $crate::run::react(&KEPT, &$crate::Call { context, lead }, &occasion)
                }
            }
    $crate::bindings::reactor::export_reactor!(Exported with_types_in $crate::bindings::reactor);
        };
    };
}

/// What the exported functions do; public only because [`export!`](crate::export) expands in the plugin.
#[doc(hidden)]
pub mod run {
    use super::*;

    /// Reads the configuration, builds the plugin, keeps it. What the plugin's own check finds is told together with what
    /// could not be read, except beside something that was unreadable.
    pub fn configure<T: 'static, C: DeserializeOwned>(
        kept: &'static Kept<T>,
        config: &str,
        build: impl FnOnce(C) -> Result<T, Vec<Problem>>,
    ) -> Result<(), Vec<Problem>> {
        let plugin = json::checked(config, build)?;
        kept.set(Some(plugin));
        Ok(())
    }

    /// See [`Qualification::advance`].
    pub fn advance<T: Qualification>(
        kept: &'static Kept<T>,
        call: Call,
        state: Option<String>,
        event: crate::Event,
    ) -> Result<WitTurn, Fault> {
        let state = match state {
            None => T::State::default(),
            Some(text) => serde_json::from_str(&text)
                .map_err(|error| Fault::Reject(format!("the state is not one that this version wrote: {error}")))?,
        };
        with(kept, |plugin| plugin.advance(&call, state, event)).map(Into::into)
    }

    /// See [`CrmMapping::lead_from_crm`].
    pub fn lead_from_crm<T: CrmMapping>(kept: &'static Kept<T>, payload: &str) -> Result<LeadDraft, Vec<Problem>> {
        kept.with_borrow(|plugin| match plugin {
            Some(plugin) => plugin.lead_from_crm(payload),
            None => Err(vec![json::problem("", "call `configure` before `lead-from-crm`")]),
        })
    }

    /// See [`CrmMapping::callback_for_crm`].
    pub fn callback_for_crm<T: CrmMapping>(
        kept: &'static Kept<T>,
        call: &Call,
        update: &Update,
    ) -> Result<String, Fault> {
        with(kept, |plugin| plugin.callback_for_crm(call, update))
    }

    /// See [`StatusActions::react`].
    pub fn react<T: StatusActions>(
        kept: &'static Kept<T>,
        call: &Call,
        occasion: &Occasion,
    ) -> Result<Vec<Reaction>, Fault> {
        with(kept, |plugin| plugin.react(call, occasion))
    }

    fn with<T, R>(kept: &'static Kept<T>, ask: impl FnOnce(&T) -> Result<R, Fault>) -> Result<R, Fault> {
        kept.with_borrow(|plugin| match plugin {
            Some(plugin) => ask(plugin),
            None => Err(Fault::Reject("call `configure` before anything else".to_owned())),
        })
    }
}
