//! What became of a send that did not tell (P8). WhatsApp has no idempotency key, so a message whose answer was lost is not
//! sent again: a status webhook that carries its envelope's identifier proves that it went out; without one, after a while,
//! the operator's rule applies. A callback may arrive twice, so it is simply tried again.

use jiff::Timestamp;

use super::{Delivery, House, MOMENT, Options, UnknownRule, lock, options::seconds, policy};
use crate::{
    model::{ConversationId, Envelope, EnvelopeState, OutgoingMessage, Payload, Purpose, Receipt},
    store::{self, RESULT_UNKNOWN, Settlement, Store},
};

impl Delivery {
    /// Looks at what has been claimed or unknown for too long at `now`: after a crash, or when no status came. Callbacks are
    /// queued again; messages follow [`Options::unknown_rule`]. How many envelopes it settled.
    pub async fn resolve(&self, now: Timestamp) -> usize {
        let house = &*self.house;
        let before = |age| now.saturating_sub(seconds(age)).unwrap_or(Timestamp::MIN);
        let message_limit = before(house.options.unknown_after_seconds);
        let callback_limit = before(house.longest_attempt_seconds());
        let unresolved = match house.store.unresolved(message_limit.max(callback_limit)).await {
            Ok(unresolved) => unresolved,
            Err(error) => {
                tracing::error!(%error, "unresolved envelopes could not be looked at");
                return 0;
            }
        };
        let mut settled = 0;
        for envelope in unresolved {
            let limit = match envelope.payload {
                Payload::Message(_) => message_limit,
                Payload::Callback(_) | Payload::Acknowledgement(_) | Payload::Question(_) => callback_limit,
            };
            let is_ours = lock(&house.in_hand).contains_key(&envelope.id);
            if is_ours || begun_at(&envelope).is_none_or(|at| at >= limit) {
                continue;
            }
            settled += usize::from(house.give_up_waiting(&envelope, now).await);
        }
        settled
    }

    /// When [`Delivery::resolve`] next has something to give up waiting for; none when every attempt has told what came of it
    /// or is under way in this process.
    pub async fn next_given_up(&self) -> Option<Timestamp> {
        let house = &*self.house;
        let unresolved = house.store.unresolved(Timestamp::MAX).await.unwrap_or_default();
        let in_hand = lock(&house.in_hand);
        let deadline = |envelope: &Envelope| {
            let patience = match envelope.payload {
                Payload::Message(_) => house.options.unknown_after_seconds,
                Payload::Callback(_) | Payload::Acknowledgement(_) | Payload::Question(_) => {
                    house.longest_attempt_seconds()
                }
            };
            // Longer than the patience, not as long.
            let end = begun_at(envelope)?.saturating_add(seconds(patience)).unwrap_or(Timestamp::MAX);
            end.saturating_add(MOMENT).ok()
        };
        unresolved.iter().filter(|envelope| !in_hand.contains_key(&envelope.id)).filter_map(deadline).min()
    }

    /// A receipt proves that a message went out whose answer was lost: see [`prove`]. While the request is still on its
    /// way in this process the receipt is kept, for the answer says the same and more. Whether the envelope is proven.
    ///
    /// To be called for each status webhook before it is appended.
    pub async fn prove(&self, conversation: &ConversationId, receipt: &Receipt) -> bool {
        if let Some(envelope) = &receipt.envelope
            && let Some(proof) = lock(&self.house.in_hand).get_mut(envelope)
        {
            *proof = Some(receipt.clone());
            return true;
        }
        self.house.prove(conversation, receipt).await
    }
}

impl House {
    /// What the person read, if the message went out: in the form that its attempt chose then.
    async fn shown_then(&self, envelope: &Envelope, message: &OutgoingMessage) -> Option<String> {
        let conversation = self.store.conversation(&envelope.conversation).await.ok()??;
        let form = policy::form(message, &conversation, begun_at(envelope)?, self.options.window_margin());
        form.map(policy::Form::shown)
    }

    pub(super) async fn prove(&self, conversation: &ConversationId, receipt: &Receipt) -> bool {
        match prove(&*self.store, &self.options, conversation, receipt, self.clock.now()).await {
            Ok(is_proven) => is_proven,
            Err(error) => {
                tracing::error!(conversation = %conversation, %error, "a receipt could not prove its message");
                false
            }
        }
    }

    /// How long an envelope may be in somebody's hands: waiting for its share, then twice a request.
    fn longest_attempt_seconds(&self) -> u32 {
        let request = u32::try_from(self.options.http_timeout_ms / 1_000).unwrap_or(u32::MAX);
        let attempt = self.options.waiting_seconds.saturating_add(request.saturating_mul(2));
        attempt.saturating_add(self.options.left_behind_seconds)
    }

    async fn give_up_waiting(&self, envelope: &Envelope, now: Timestamp) -> bool {
        let rule = self.options.unknown_rule;
        let state = match (&envelope.payload, rule) {
            (Payload::Callback(_) | Payload::Question(_), _) => EnvelopeState::Queued,
            (Payload::Acknowledgement(_), _) => EnvelopeState::Dropped { reason: "not-acknowledged".to_owned() },
            // It is to leave once at most, whatever the operator prefers for the rest.
            (Payload::Message(message), UnknownRule::Resend) if message.purpose != Purpose::Confirmation => {
                EnvelopeState::Queued
            }
            (Payload::Message(message), UnknownRule::AssumeSent) => {
                EnvelopeState::Sent { at: now, wamid: None, shown: self.shown_then(envelope, message).await }
            }
            (Payload::Message(_), _) => EnvelopeState::Parked { reason: RESULT_UNKNOWN.to_owned() },
        };
        tracing::warn!(envelope.id = %envelope.id, ?rule, "what became of an attempt was never told");
        let settlement = Settlement {
            envelope: envelope.id.clone(),
            state,
            not_before: now,
            names: Vec::new(),
            was_tried: true,
            now,
        };
        match self.store.settle(settlement).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(envelope.id = %envelope.id, %error, "an unresolved envelope could not be settled");
                false
            }
        }
    }
}

/// Settles the message that `receipt` is about as sent, when its result was unknown (or its claim left behind, or it was set
/// aside for that): WhatsApp
/// vouches for it. `conversation` is the one that the envelope belongs to. False, and nothing done, for any other receipt.
pub async fn prove(
    store: &dyn Store,
    options: &Options,
    conversation: &ConversationId,
    receipt: &Receipt,
    now: Timestamp,
) -> store::Result<bool> {
    let Some(id) = &receipt.envelope else {
        return Ok(false);
    };
    let envelopes = store.envelopes(conversation).await?;
    let Some(envelope) = envelopes.iter().find(|envelope| envelope.id == *id) else {
        return Ok(false);
    };
    let set_aside = matches!(&envelope.state, EnvelopeState::Parked { reason } if reason == RESULT_UNKNOWN);
    let begun = begun_at(envelope).or(set_aside.then_some(receipt.at));
    let (Payload::Message(message), Some(begun)) = (&envelope.payload, begun) else {
        return Ok(false);
    };
    let Some(conversation) = store.conversation(conversation).await? else {
        return Ok(false);
    };
    // In the form that the attempt chose then.
    let form = policy::form(message, &conversation, begun, options.window_margin());
    let state = EnvelopeState::Sent {
        at: receipt.at,
        wamid: Some(receipt.wamid.clone()),
        shown: form.map(policy::Form::shown),
    };
    store
        .settle(Settlement { envelope: id.clone(), state, not_before: now, names: Vec::new(), was_tried: true, now })
        .await?;
    Ok(true)
}

/// When an attempt began whose result nobody knows yet.
fn begun_at(envelope: &Envelope) -> Option<Timestamp> {
    match envelope.state {
        EnvelopeState::Claimed { at } | EnvelopeState::Unknown { since: at } => Some(at),
        _ => None,
    }
}
