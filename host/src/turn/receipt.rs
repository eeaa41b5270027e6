//! What WhatsApp tells of a message of ours: a status only moves up (P7).

use super::draft::Draft;
use crate::{
    model::{Direction, Event, Line, Receipt, ReceiptStatus, Status},
    whatsapp::{Meaning, not_reachable_reason},
};

/// Takes a receipt in. `lines` is the transcript so far; its first line of ours is the first message.
pub(super) fn receive(draft: &mut Draft, receipt: &Receipt, lines: &[Line]) {
    let before = draft.conversation.receipts.get(&receipt.wamid).copied();
    if before >= Some(receipt.status) {
        return;
    }
    draft.conversation.receipts.insert(receipt.wamid.clone(), receipt.status);
    let ours = |line: &&Line| line.direction == Direction::Out;
    let first = lines.iter().find(ours).and_then(|line| line.wamid.as_deref());
    let is_first = first == Some(receipt.wamid.as_str());
    match receipt.status {
        ReceiptStatus::Failed => failed(draft, receipt, lines, is_first),
        ReceiptStatus::Sent => {}
        ReceiptStatus::Delivered | ReceiptStatus::Read if is_first => reached(draft, receipt.status),
        ReceiptStatus::Delivered | ReceiptStatus::Read => {}
    }
}

/// The first message arrived, or was read, which implies the former. A late one undoes NOT_REACHABLE.
fn reached(draft: &mut Draft, status: ReceiptStatus) {
    if draft.conversation.outcome == Some(Status::NotReachable) {
        draft.conversation.outcome = None;
    }
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

fn failed(draft: &mut Draft, receipt: &Receipt, lines: &[Line], is_first: bool) {
    let reason = receipt.reason.as_deref().unwrap_or("unknown");
    if reason == Meaning::OptedOut.name() {
        super::inbound::opt_out(draft, super::WHATSAPP);
        return;
    }
    if is_first && unreachable(draft, reason) {
        return;
    }
    let line = lines.iter().find(|line| line.wamid.as_deref() == Some(&receipt.wamid));
    if let (Some(line), Some(envelope)) = (line, &receipt.envelope) {
        draft.follow_ups.push(Event::MessageUndelivered {
            envelope: envelope.clone(),
            text: line.text.clone(),
            reason: reason.to_owned(),
        });
    }
}

/// Ends the conversation as NOT_REACHABLE when that is what the failure of a first message means.
pub(super) fn unreachable(draft: &mut Draft, reason: &str) -> bool {
    let progress = draft.conversation.progress;
    let Some(meaning) = Meaning::from_name(reason) else { return false };
    let Some(reason) = not_reachable_reason(meaning, progress.delivered || progress.answered) else {
        return false;
    };
    draft.conclude(Status::NotReachable, Some(reason));
    true
}
