//! WhatsApp took a message and failed it later: whether it goes out once more. Most refusals come this way, after a 200
//! (FACTS §3), and a failed message did not arrive, so sending it again cannot send it twice.

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use crate::{
    model::{Envelope, EnvelopeState, OutgoingMessage, Payload, Purpose, Receipt},
    whatsapp::{Meaning, Remedy},
};

/// How often a message is sent again that fails for a passing reason.
const MOST_TRIES: u32 = 4;
/// How long a message rests that a stopped template or number has failed; delivery holds it while the alarm stands.
const AFTER_STOP_SECONDS: i64 = 60;
/// Before a text is tried once more that Meta says came too late, though our clock said otherwise: Meta errs at times.
const AFTER_WINDOW_SECONDS: i64 = 60;

/// The envelope that a receipt is about.
pub(super) fn of<'e>(receipt: &Receipt, envelopes: &'e [Envelope]) -> Option<&'e Envelope> {
    let named = envelopes.iter().find(|envelope| receipt.envelope.as_ref() == Some(&envelope.id));
    named.or_else(|| {
        envelopes.iter().find(|envelope| {
            matches!(&envelope.state, EnvelopeState::Sent { wamid: Some(wamid), .. } if *wamid == receipt.wamid)
        })
    })
}

/// Queues the failed message again where that is the remedy; whether it was. Not outreach to someone who wrote since.
pub(super) fn again(draft: &mut Draft, receipt: &Receipt, envelopes: &[Envelope], wrote_since: bool) -> bool {
    let Some(envelope) = of(receipt, envelopes) else { return false };
    let Payload::Message(message) = &envelope.payload else { return false };
    let Some(meaning) = receipt.reason.as_deref().and_then(Meaning::from_name) else { return false };
    if !draft.conversation.is_open() || (wrote_since && message.purpose == Purpose::Outreach) {
        return false;
    }
    let (seconds, text) = match meaning.remedy_of_failed(message.failures) {
        Remedy::RetryAfter { seconds } if message.failures < MOST_TRIES => {
            (i64::try_from(seconds).unwrap_or(i64::MAX), message.text.clone())
        }
        Remedy::LaterDays { days } => (i64::from(days) * 86_400, message.text.clone()),
        Remedy::StopTemplate | Remedy::StopSender | Remedy::StopCountry | Remedy::RefreshToken => {
            (AFTER_STOP_SECONDS, message.text.clone())
        }
        Remedy::WindowClosed { .. } if was_text(envelope, message) && message.failures == 0 => {
            (AFTER_WINDOW_SECONDS, message.text.clone())
        }
        Remedy::WindowClosed { .. } if was_text(envelope, message) && message.template.is_some() => (0, None),
        _ => return false,
    };
    let again = OutgoingMessage { text, failures: message.failures + 1, ..message.clone() };
    let wait = SignedDuration::from_secs(seconds);
    let at = draft.now.saturating_add(wait).unwrap_or(Timestamp::MAX);
    draft.send(Payload::Message(again), at);
    draft.overrule(format!("sent again: WhatsApp took the message and failed it later ({})", meaning.name()));
    true
}

/// Whether the message left as free text rather than as its template.
fn was_text(envelope: &Envelope, message: &OutgoingMessage) -> bool {
    matches!(&envelope.state, EnvelopeState::Sent { shown, .. } if message.text.is_some() && *shown == message.text)
}
