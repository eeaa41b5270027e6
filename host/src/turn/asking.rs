//! Asking a flow's components, with everything recorded that asking again needs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{booking::Booking, draft::Draft, effects};
use crate::{
    flows::{Flows, Loaded, Tenant},
    model::{Conversation, Event, Fault, FaultKind, Lead},
    sandbox::{self, Asked, Context, NoSlots, Occasion, Slots, Update},
    store::Call,
};

/// The names of the contract's functions, as the log has them.
pub(super) const ADVANCE: &str = "qualification.advance";
pub(super) const REACT: &str = "status-actions.react";
pub(super) const CALLBACK: &str = "crm-mapping.callback-for-crm";

/// A flow version about to be asked in a turn.
pub(super) struct Asking {
    pub(super) tenant: Arc<Tenant>,
    pub(super) loaded: Arc<Loaded>,
    context: Context,
    lead: Lead,
    seed: String,
}

/// Everything that a component is given; kept in the log, so that the turn can be run again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Input {
    pub(super) context: Context,
    pub(super) lead: Lead,
    pub(super) seed: String,
    #[serde(flatten)]
    pub(super) question: Question,
}

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "asked", rename_all = "snake_case")]
pub(super) enum Question {
    Advance { state: Option<Value>, event: Event },
    React { occasion: Occasion },
    Callback { update: Update },
}

impl Asking {
    /// The version that the conversation began with, and what a component may know of this turn.
    pub(super) async fn prepare(flows: &Flows, draft: &mut Draft) -> Result<Self, Fault> {
        let Conversation { tenant, flow, version, .. } = &draft.conversation;
        let unavailable = |message: String| Fault { kind: FaultKind::Unavailable, message, trace: String::new() };
        let tenant =
            flows.tenant(tenant).ok_or_else(|| unavailable("the tenant has no valid tenant.toml".to_owned()))?;
        let loaded =
            flows.version_or_active(&tenant, flow, version).await.map_err(|error| unavailable(error.to_string()))?;
        if loaded.digest != *version {
            draft.overrule(format!("version {version} is not kept any more; the active one is asked"));
            draft.conversation.version = loaded.digest.clone();
        }
        Ok(Self::on(tenant, loaded, draft))
    }

    /// With a version that is at hand.
    pub(super) fn on(tenant: Arc<Tenant>, loaded: Arc<Loaded>, draft: &Draft) -> Self {
        let conversation = &draft.conversation;
        let context = Context {
            now: draft.now,
            timezone: tenant.timezone.clone(),
            language: tenant.language.clone(),
            tenant: conversation.tenant.clone(),
            flow: conversation.flow.clone(),
            conversation: conversation.id.clone(),
            window_until: conversation.window_until(),
            meeting: conversation.meeting.clone(),
            last_status: conversation.last_status,
            notes: conversation.notes.clone(),
        };
        let seed = format!("{}.{}", conversation.id, conversation.next_turn);
        Self { tenant, loaded, context, lead: conversation.lead.clone(), seed }
    }

    /// Asks the qualification script and applies what it wants.
    pub(super) async fn script(&self, draft: &mut Draft, booking: &Arc<Booking>) -> Result<(), Fault> {
        let state = draft.conversation.state.clone();
        let event = draft.event.clone();
        let slots: Arc<dyn Slots> = Arc::<Booking>::clone(booking);
        let asked = self.loaded.qualification.advance(self.call(slots), state.as_ref(), &event).await;
        let turn = self.record(draft, ADVANCE, Question::Advance { state, event }, asked)?;
        draft.conversation.state = turn.state;
        effects::apply(draft, &self.tenant, &self.loaded, booking, turn.actions)
    }

    /// Asks the status-to-action logic and applies what it wants; gives the endpoints of the callbacks.
    pub(super) async fn reactions(&self, draft: &mut Draft, occasion: Occasion) -> Result<Vec<String>, Fault> {
        let asked = self.loaded.status_actions.react(self.call(Arc::new(NoSlots)), &occasion).await;
        let reactions = self.record(draft, REACT, Question::React { occasion }, asked)?;
        Ok(effects::apply_reactions(draft, &self.tenant, reactions))
    }

    /// Asks the mapping for the body of a callback.
    pub(super) async fn callback(&self, draft: &mut Draft, update: &Update) -> Result<String, Fault> {
        let asked = self.loaded.crm_mapping.callback_for_crm(self.call(Arc::new(NoSlots)), update).await;
        self.record(draft, CALLBACK, Question::Callback { update: update.clone() }, asked)
    }

    fn call(&self, slots: Arc<dyn Slots>) -> sandbox::Call<'_> {
        sandbox::Call { context: &self.context, lead: &self.lead, slots, seed: &self.seed }
    }

    fn record<T: Serialize>(
        &self,
        draft: &mut Draft,
        function: &str,
        question: Question,
        asked: Asked<T>,
    ) -> Result<T, Fault> {
        let input = Input { context: self.context.clone(), lead: self.lead.clone(), seed: self.seed.clone(), question };
        draft.calls.push(Call {
            function: function.to_owned(),
            input: json(&input),
            slots: asked.slots,
            output: asked.result.as_ref().map_or(Value::Null, json),
            lines: asked.lines,
            micros: asked.micros,
        });
        asked.result
    }
}

/// A record as JSON. Every type that goes through here has texts as keys and finite numbers, which always can be.
pub(super) fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
