//! Calls a component's functions and reads their answers.

use jiff::tz::TimeZone;
use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

use crate::model::{self, Fault, Reaction};
use crate::sandbox::{Limits, Problem, Role, instance::State};

use super::{
    bindings::{
        exports::relais::flow::{crm_mapping, qualification, status_actions},
        relais::flow::{reports, types},
    },
    from_guest, problems,
    reader::Reader,
    to_guest,
};

/// Where a component's functions are, for one role.
pub(in crate::sandbox) enum Roles {
    Qualification(qualification::GuestIndices),
    CrmMapping(crm_mapping::GuestIndices),
    StatusActions(status_actions::GuestIndices),
}

/// What to ask, in the contract's types.
pub(in crate::sandbox) enum Question {
    /// `qualification.advance`
    Advance { context: types::Context, lead: types::Lead, state: Option<String>, event: qualification::Event },
    /// `crm-mapping.lead-from-crm`
    Lead { payload: String },
    /// `crm-mapping.callback-for-crm`
    Callback { context: types::Context, lead: types::Lead, update: reports::Update },
    /// `status-actions.react`
    React { context: types::Context, lead: types::Lead, occasion: status_actions::Occasion },
}

/// What was answered, in the host's nouns.
pub(in crate::sandbox) enum Answered {
    Turn(model::Turn),
    Lead(Result<model::LeadDraft, Vec<Problem>>),
    Callback(String),
    Reactions(Vec<Reaction>),
}

/// Why there is no answer.
pub(in crate::sandbox) enum Failure {
    /// The guest trapped or could not be started.
    Error(wasmtime::Error),
    /// The guest answered, but not with what may be answered.
    Fault(Fault),
    /// The question is not one for this role.
    OtherRole,
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        Self::Error(error)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Question {
    /// About an event; none when the event is not for a qualification script.
    pub(in crate::sandbox) fn advance(
        call: &crate::sandbox::Call<'_>,
        zone: &TimeZone,
        state: Option<&serde_json::Value>,
        event: &model::Event,
    ) -> Option<Self> {
        Some(Self::Advance {
            context: to_guest::context(call.context, zone),
            lead: to_guest::lead(call.lead),
            state: state.map(serde_json::Value::to_string),
            event: to_guest::event(event, zone)?,
        })
    }

    /// About a payload.
    pub(in crate::sandbox) fn lead(payload: &serde_json::Value) -> Self {
        Self::Lead { payload: payload.to_string() }
    }

    /// About a callback.
    pub(in crate::sandbox) fn callback(
        call: &crate::sandbox::Call<'_>,
        zone: &TimeZone,
        update: &crate::sandbox::Update,
    ) -> Self {
        Self::Callback {
            context: to_guest::context(call.context, zone),
            lead: to_guest::lead(call.lead),
            update: to_guest::update(update, zone),
        }
    }

    /// About an occasion.
    pub(in crate::sandbox) fn react(
        call: &crate::sandbox::Call<'_>,
        zone: &TimeZone,
        occasion: &crate::sandbox::Occasion,
    ) -> Self {
        Self::React {
            context: to_guest::context(call.context, zone),
            lead: to_guest::lead(call.lead),
            occasion: to_guest::occasion(occasion, zone),
        }
    }
}

impl Roles {
    /// Finds the functions of a role; an error names the one that is missing.
    pub(in crate::sandbox) fn find(role: Role, component: &InstancePre<State>) -> wasmtime::Result<Self> {
        Ok(match role {
            Role::Qualification => Self::Qualification(qualification::GuestIndices::new(component)?),
            Role::CrmMapping => Self::CrmMapping(crm_mapping::GuestIndices::new(component)?),
            Role::StatusActions => Self::StatusActions(status_actions::GuestIndices::new(component)?),
        })
    }

    /// The interface that its functions are in.
    pub(in crate::sandbox) fn interface(&self) -> &'static str {
        match self {
            Self::Qualification(_) => Role::Qualification.interface(),
            Self::CrmMapping(_) => Role::CrmMapping.interface(),
            Self::StatusActions(_) => Role::StatusActions.interface(),
        }
    }

    /// Whether the functions of an instance have the contract's types.
    pub(in crate::sandbox) fn fit(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<()> {
        match self {
            Self::Qualification(role) => role.load(store, instance).map(drop),
            Self::CrmMapping(role) => role.load(store, instance).map(drop),
            Self::StatusActions(role) => role.load(store, instance).map(drop),
        }
    }

    /// Gives the role its configuration; the inner error is what the component found wrong with it.
    pub(in crate::sandbox) fn configure(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        config: &str,
    ) -> wasmtime::Result<Result<(), Vec<Problem>>> {
        // The bindings take no `&str` for an alias of `string`.
        let config = &config.to_owned();
        let configured = match self {
            Self::Qualification(role) => role.load(&mut *store, instance)?.call_configure(&mut *store, config),
            Self::CrmMapping(role) => role.load(&mut *store, instance)?.call_configure(&mut *store, config),
            Self::StatusActions(role) => role.load(&mut *store, instance)?.call_configure(&mut *store, config),
        };
        Ok(configured?.map_err(problems))
    }

    /// Asks an instance and checks what it answers.
    pub(in crate::sandbox) fn ask(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        question: &Question,
        limits: &Limits,
    ) -> Result<Answered, Failure> {
        let zone = store.data().host.zone.clone();
        let mut reader = Reader::new(&zone, limits);
        match (self, question) {
            (Self::Qualification(role), Question::Advance { context, lead, state, event }) => {
                let answer = role.load(&mut *store, instance)?.call_advance(
                    &mut *store,
                    context,
                    lead,
                    state.as_ref(),
                    event,
                )?;
                let turn = answer.map_err(from_guest::fault)?;
                Ok(Answered::Turn(from_guest::turn(turn, &mut reader, limits)?))
            }
            (Self::CrmMapping(role), Question::Lead { payload }) => {
                let answer = role.load(&mut *store, instance)?.call_lead_from_crm(&mut *store, payload)?;
                Ok(Answered::Lead(match answer {
                    Ok(draft) => from_guest::lead(draft, &mut reader)?,
                    Err(found) => Err(problems(found)),
                }))
            }
            (Self::CrmMapping(role), Question::Callback { context, lead, update }) => {
                let answer =
                    role.load(&mut *store, instance)?.call_callback_for_crm(&mut *store, context, lead, update)?;
                let body = answer.map_err(from_guest::fault)?;
                Ok(Answered::Callback(reader.object("the callback's body", body)?))
            }
            (Self::StatusActions(role), Question::React { context, lead, occasion }) => {
                let answer = role.load(&mut *store, instance)?.call_react(&mut *store, context, lead, occasion)?;
                let reactions = answer.map_err(from_guest::fault)?;
                Ok(Answered::Reactions(from_guest::reactions(reactions, &mut reader, limits)?))
            }
            _ => Err(Failure::OtherRole),
        }
    }
}
