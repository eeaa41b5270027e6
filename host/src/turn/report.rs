//! A status is told: what it sets in motion, and the callbacks that carry it to the CRM.

use super::{asking::Asking, draft::Draft};
use crate::{
    model::{Callback, Event, Fault, Line, Payload, Status, Transcript},
    sandbox::{Occasion, Update},
};

/// Asks what the occasion sets in motion, and queues the callbacks. `lines` is the transcript so far.
pub(super) async fn react(draft: &mut Draft, asking: &Asking, lines: &[Line]) -> Result<(), Fault> {
    let transcript = Transcript::new(&draft.conversation, lines).render();
    let conversation = &draft.conversation;
    let update = |status: Status, reason: Option<String>| Update {
        status,
        reason,
        meeting: conversation.meeting.clone(),
        summary: conversation.summary.clone(),
        transcript: transcript.clone(),
    };
    let (update, occasion) = match &draft.event {
        Event::StatusReached { status, reason } => {
            let update = update(*status, reason.clone());
            (Some(update.clone()), Occasion::StatusReached(update))
        }
        event => {
            let update = conversation.outcome.or(conversation.last_status).map(|status| update(status, None));
            let occasion = match event {
                Event::ScheduleFired { name } => Occasion::ScheduleFired(name.clone()),
                _ => Occasion::ReviewDue,
            };
            (update, occasion)
        }
    };
    if let Event::StatusReached { status, .. } = draft.event {
        draft.conversation.last_status = Some(status);
    }
    let endpoints = asking.reactions(draft, occasion).await?;
    for endpoint in endpoints {
        let Some(update) = &update else {
            draft.overrule("no callback: the conversation has no status yet");
            continue;
        };
        let body = asking.callback(draft, update).await?;
        let callback = Callback { endpoint, body, status: Some(update.status) };
        draft.send(Payload::Callback(callback), draft.now);
    }
    Ok(())
}
