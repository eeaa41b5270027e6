//! What WhatsApp tells of a message of ours: a status only moves up (P7).

use super::{draft::Draft, retry};
use crate::{
    model::{Direction, Envelope, Event, Line, Payload, Receipt, ReceiptStatus, Status},
    whatsapp::{Meaning, not_reachable_reason},
};

/// What is known besides the conversation and the receipt.
pub(super) struct Known<'k> {
    /// The transcript so far; its first line of ours is the first message.
    pub(super) lines: &'k [Line],
    /// The conversation's envelopes.
    pub(super) envelopes: &'k [Envelope],
    /// Whether the person was reached in another conversation.
    pub(super) reached_before: bool,
}

/// Takes a receipt in.
pub(super) fn receive(draft: &mut Draft, receipt: &Receipt, known: &Known<'_>) {
    let lines = known.lines;
    let before = draft.conversation.receipts.get(&receipt.wamid).copied();
    if !is_news(before, receipt.status) {
        return;
    }
    draft.conversation.receipts.insert(receipt.wamid.clone(), receipt.status);
    let ours = |line: &&Line| line.direction == Direction::Out && line.wamid.is_some();
    let first = lines.iter().find(ours).and_then(|line| line.wamid.as_deref());
    // A first message that was sent again has another `wamid`.
    let sent_as_first = retry::of(receipt, known.envelopes)
        .is_some_and(|envelope| matches!(&envelope.payload, Payload::Message(message) if message.first));
    let is_first = sent_as_first || first == Some(receipt.wamid.as_str());
    match receipt.status {
        ReceiptStatus::Failed => failed(draft, receipt, known),
        ReceiptStatus::Sent => {}
        ReceiptStatus::Delivered | ReceiptStatus::Read => {
            undo_not_reachable(draft);
            if is_first {
                reached(draft, receipt.status);
            }
        }
    }
}

/// A status only moves up. `failed` may come after `sent`, never after `delivered`; of `failed` and `sent` the former counts,
/// in whichever order they come.
fn is_news(before: Option<ReceiptStatus>, status: ReceiptStatus) -> bool {
    use ReceiptStatus::{Failed, Sent};
    match (before, status) {
        (None, _) => true,
        (Some(Sent), Failed) => true,
        (Some(Failed), Sent) => false,
        (Some(before), status) => before < status,
    }
}

/// Something arrived after all: the conversation goes on, and its flow, whose timers may have come due meanwhile, is told.
fn undo_not_reachable(draft: &mut Draft) {
    if draft.conversation.outcome == Some(Status::NotReachable) {
        draft.conversation.outcome = None;
        if draft.conversation.handed_over.is_none() {
            draft.follow_ups.push(Event::Resumed);
        }
    }
}

/// The first message arrived, or was read, which implies the former.
fn reached(draft: &mut Draft, status: ReceiptStatus) {
    if !draft.conversation.progress.delivered {
        draft.conversation.progress.delivered = true;
        draft.report(Status::FirstMessageDelivered, None);
    }
    // READ after an answer would come out of order, and tells nothing new.
    let progress = draft.conversation.progress;
    if status == ReceiptStatus::Read && !progress.read && !progress.answered {
        draft.conversation.progress.read = true;
        draft.report(Status::FirstMessageRead, None);
    }
}

fn failed(draft: &mut Draft, receipt: &Receipt, known: &Known<'_>) {
    let reason = receipt.reason.as_deref().unwrap_or("unknown");
    if reason == Meaning::OptedOut.name() {
        super::inbound::opt_out(draft, super::WHATSAPP);
        return;
    }
    let line = known.lines.iter().find(|line| line.wamid.as_deref() == Some(&receipt.wamid));
    // Whoever wrote after a message was sent can be reached, whatever is said of that message.
    let wrote_since = line.is_some_and(|line| draft.conversation.last_inbound_at >= Some(line.at));
    if retry::again(draft, receipt, known.envelopes, wrote_since) {
        return;
    }
    if !wrote_since && unreachable(draft, reason, known.reached_before) {
        return;
    }
    if let (Some(line), Some(envelope)) = (line, &receipt.envelope) {
        draft.follow_ups.push(Event::MessageUndelivered {
            envelope: envelope.clone(),
            text: line.text.clone(),
            reason: reason.to_owned(),
        });
    }
}

/// Ends the conversation as NOT_REACHABLE when that is what the failure of a message means. Of someone who was reached
/// before, only that nothing can be delivered any more counts; and a meeting that stands is not given up for it. `reached_before`: in another conversation.
pub(super) fn unreachable(draft: &mut Draft, reason: &str, reached_before: bool) -> bool {
    let conversation = &draft.conversation;
    if conversation.outcome.is_some() || conversation.meeting.is_some() {
        return false;
    }
    let was_reached = conversation.progress.answered
        || conversation.progress.delivered
        || conversation.receipts.values().any(|status| *status >= ReceiptStatus::Delivered);
    let Some(meaning) = Meaning::from_name(reason) else { return false };
    if was_reached && meaning != Meaning::NoWhatsapp {
        return false;
    }
    let Some(reason) = not_reachable_reason(meaning, was_reached || reached_before) else {
        return false;
    };
    draft.conclude(Status::NotReachable, Some(reason));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_only_moves_up() {
        use ReceiptStatus::{Delivered, Failed, Read, Sent};
        let news = |before: Option<ReceiptStatus>| {
            [Failed, Sent, Delivered, Read].into_iter().filter(|status| is_news(before, *status)).collect::<Vec<_>>()
        };
        assert_eq!(news(None), [Failed, Sent, Delivered, Read]);
        assert_eq!(news(Some(Sent)), [Failed, Delivered, Read]);
        assert_eq!(news(Some(Failed)), [Delivered, Read]);
        assert_eq!(news(Some(Delivered)), [Read]);
        assert_eq!(news(Some(Read)), []);
    }
}
