//! A running conversation moves to a newer version of its flow, when that version can go on from where it stands.

use std::sync::Arc;

use super::{Asking, Booking, Turns, asking, draft::Draft};
use crate::{
    flows::Tenant,
    model::{Digest, Event, Fault},
    store,
};

impl Turns {
    /// Moves the conversation, once trial turns on a copy have gone well: the state must be readable, and what the flow
    /// wants must be possible. Otherwise it stays, and the log says why. Nothing of a trial is kept.
    pub(super) async fn migrate(&self, draft: &mut Draft, to: &Digest) -> store::Result<()> {
        let conversation = &draft.conversation;
        let (tenant, flow, from) = (&conversation.tenant, &conversation.flow, conversation.version.clone());
        // Another version was activated meanwhile; its own event follows.
        let is_active = self.flows.active_digest(tenant, flow).as_ref() == Some(to);
        if !conversation.is_open() || from == *to || !is_active {
            return Ok(());
        }
        let Some(settings) = self.flows.tenant(tenant) else { return Ok(()) };
        let tried = match self.flows.version(tenant, flow, to).await {
            Ok(loaded) => {
                let quiet = loaded.quiet;
                let asking = Asking::on(Arc::clone(&settings), loaded, draft);
                self.try_turns(draft, &settings, &asking).await?.map(|()| quiet).map_err(|(event, fault)| {
                    format!("the trial turn `{event}` fails ({}): {}", fault.kind.name(), fault.message)
                })
            }
            Err(error) => Err(error.to_string()),
        };
        match tried {
            Ok(quiet) => {
                draft.conversation.version = to.clone();
                draft.conversation.quiet = quiet;
                draft.overrule(format!("moved from version {from} to {to}"));
            }
            Err(why) => {
                tracing::warn!(conversation = %draft.conversation.id, "a conversation stays on its flow version");
                draft.overrule(format!("stays on version {from}: on {to} {why}"));
            }
        }
        Ok(())
    }

    /// Asks the version as if a human gave the conversation back, and what it was asked last; the first fault.
    async fn try_turns(
        &self,
        draft: &Draft,
        tenant: &Arc<Tenant>,
        asking: &Asking,
    ) -> store::Result<Result<(), (&'static str, Fault)>> {
        let booking = Booking::load(&*self.store, tenant, &draft.conversation, draft.now).await?;
        let booking = Arc::new(booking);
        let log = self.store.log(&draft.conversation.id).await?;
        let last = log.iter().rev().find(|entry| entry.calls.iter().any(|call| call.function == asking::ADVANCE));
        let events = [("resumed", Some(Event::Resumed)), ("as before", last.map(|entry| entry.event.clone()))];
        for (name, event) in events {
            let Some(event) = event else { continue };
            let mut trial = draft.clone();
            trial.event = event;
            if let Err(fault) = asking.script(&mut trial, &booking).await {
                return Ok(Err((name, fault)));
            }
        }
        Ok(Ok(()))
    }
}
