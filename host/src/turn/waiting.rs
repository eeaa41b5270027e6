//! Messages of ours that still wait to leave: for contact hours, or because WhatsApp refused them for now.

use jiff::Timestamp;

use super::{Turns, draft::Draft};
use crate::{
    model::{Envelope, EnvelopeId, EnvelopeState, OutgoingMessage, Payload, Purpose},
    store::{self, Settlement},
};

impl Turns {
    /// The person writes while outreach waits, for contact hours perhaps: an answer must not wait behind it. A follow-up on
    /// silence is beside the point now; a first message leaves at once.
    pub(super) async fn overtake(&self, draft: &mut Draft) -> store::Result<()> {
        if draft.conversation.unsettled.is_empty() {
            return Ok(());
        }
        for envelope in self.store.envelopes(&draft.conversation.id).await? {
            let (Some(message), EnvelopeState::Queued) = (outreach(&envelope), &envelope.state) else { continue };
            if message.first {
                // Only once it is committed that the person wrote does contact hours not matter.
                draft.wake = Some(envelope.id);
            } else {
                draft.conversation.unsettled.remove(&envelope.id);
                draft.overrule("a follow-up was not sent: the person wrote before it left");
                let reason = store::ANSWERED.to_owned();
                self.requeue(envelope.id, EnvelopeState::Dropped { reason }, draft.now).await?;
            }
        }
        Ok(())
    }

    /// Gives an envelope that waits another state; one that is queued is due now.
    pub(super) async fn requeue(
        &self,
        envelope: EnvelopeId,
        state: EnvelopeState,
        now: Timestamp,
    ) -> store::Result<()> {
        let settlement = Settlement { envelope, state, not_before: now, was_tried: true, names: Vec::new(), now };
        self.store.settle(settlement).await
    }

    /// Outreach that still waits is enough: another on top of it would leave in the same breath.
    pub(super) async fn one_at_a_time(&self, draft: &mut Draft) -> store::Result<()> {
        if !draft.envelopes.iter().any(|envelope| outreach(envelope).is_some()) {
            return Ok(());
        }
        let known = self.store.envelopes(&draft.conversation.id).await?;
        if known.iter().any(|envelope| envelope.state == EnvelopeState::Queued && outreach(envelope).is_some()) {
            draft.withdraw(|envelope| outreach(envelope).is_some());
            draft.overrule("not sent: an earlier message to someone who has not answered still waits to leave");
        }
        Ok(())
    }
}

fn outreach(envelope: &Envelope) -> Option<&OutgoingMessage> {
    match &envelope.payload {
        Payload::Message(message) if message.purpose == Purpose::Outreach => Some(message),
        _ => None,
    }
}
