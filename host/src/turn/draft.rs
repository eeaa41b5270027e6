//! A turn while it is being made: what will be committed, all of it or nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    model::{Conversation, Envelope, EnvelopeId, EnvelopeState, Event, Fault, Line, Meeting, Payload, Report, Status},
    store::{BookingRule, Call, Commit, LogEntry, Taken},
};

/// Everything that a turn changes.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) conversation: Conversation,
    pub(super) event: Event,
    pub(super) now: Timestamp,
    pub(super) lines: Vec<Line>,
    pub(super) follow_ups: Vec<Event>,
    pub(super) timers: BTreeMap<String, Option<Timestamp>>,
    pub(super) envelopes: Vec<Envelope>,
    /// How many envelopes were made, those taken back included.
    made: usize,
    pub(super) drop_queued: Option<String>,
    /// A message that waits and may leave at once when this turn is committed.
    pub(super) wake: Option<EnvelopeId>,
    pub(super) opt_out: Option<bool>,
    pub(super) meeting: Option<(Option<Meeting>, BookingRule)>,
    pub(super) calls: Vec<Call>,
    policy: Vec<String>,
    consumed: u64,
}

impl Draft {
    pub(super) fn new(taken: &Taken, now: Timestamp) -> Self {
        Self {
            conversation: taken.conversation.clone(),
            event: taken.event.clone(),
            now,
            lines: Vec::new(),
            follow_ups: Vec::new(),
            timers: BTreeMap::new(),
            envelopes: Vec::new(),
            made: 0,
            drop_queued: None,
            wake: None,
            opt_out: None,
            meeting: None,
            calls: Vec::new(),
            policy: Vec::new(),
            consumed: taken.consumed,
        }
    }

    /// Notes in the log that the host did otherwise than the flow asked, and why.
    pub(super) fn overrule(&mut self, why: impl Into<String>) {
        self.policy.push(why.into());
    }

    /// Queues an envelope of this turn.
    pub(super) fn send(&mut self, payload: Payload, not_before: Timestamp) {
        let envelope = self.envelope(payload, not_before);
        // A question too: what its answer changes shall be in what is told of the conversation.
        if matches!(envelope.payload, Payload::Message(_) | Payload::Question(_)) {
            self.conversation.unsettled.insert(envelope.id.clone());
        }
        self.envelopes.push(envelope);
    }

    /// Takes back envelopes of this turn.
    pub(super) fn withdraw(&mut self, which: impl Fn(&Envelope) -> bool) {
        for envelope in self.envelopes.extract_if(.., |envelope| which(envelope)) {
            self.conversation.unsettled.remove(&envelope.id);
        }
    }

    /// Queues an envelope before the others of this turn.
    pub(super) fn send_first(&mut self, payload: Payload) {
        let envelope = self.envelope(payload, self.now);
        self.envelopes.insert(0, envelope);
    }

    fn envelope(&mut self, payload: Payload, not_before: Timestamp) -> Envelope {
        let number = self.made;
        self.made += 1;
        Envelope {
            id: EnvelopeId::of_turn(&self.conversation.id, self.conversation.next_turn, number),
            tenant: self.conversation.tenant.clone(),
            environment: self.conversation.environment,
            conversation: self.conversation.id.clone(),
            payload,
            created_at: self.now,
            not_before,
            attempts: 0,
            state: EnvelopeState::Queued,
        }
    }

    /// Has a status told, in its turn.
    pub(super) fn report(&mut self, status: Status, reason: Option<&str>) {
        self.conversation.reports.push(Report { status, reason: reason.map(str::to_owned) });
    }

    /// Ends the conversation with a final status and has it told. Exactly one final status stands: a second one is
    /// overruled, unless it corrects a meeting that no longer stands.
    pub(super) fn conclude(&mut self, status: Status, reason: Option<&str>) {
        let corrects = match self.conversation.outcome {
            None => true,
            Some(Status::MeetingBooked) => true,
            Some(_) => status == Status::OptOut && self.conversation.outcome != Some(status),
        };
        if corrects {
            self.conversation.outcome = Some(status);
            self.report(status, reason);
        } else {
            self.overrule(format!("{} not told: the conversation has ended already", status.name()));
        }
    }

    /// Nothing more goes to the person: not what is queued, not the meeting, not the flow's timers (a closed conversation
    /// ignores them).
    pub(super) fn silence(&mut self, why: &str) {
        self.drop_queued = Some(why.to_owned());
        self.conversation.unsettled.clear();
        self.cancel_meeting();
    }

    /// Gives up the meeting, if one stands.
    pub(super) fn cancel_meeting(&mut self) -> Option<Meeting> {
        let meeting = self.conversation.meeting.take()?;
        self.meeting = Some((None, BookingRule { capacity: 1, buffer_seconds: 0 }));
        Some(meeting)
    }

    /// The turn, to be committed.
    pub(super) fn into_commit(mut self) -> Commit {
        self.release_reports();
        let log = self.log(None);
        self.conversation.next_turn += 1;
        self.conversation.faults = 0;
        Commit {
            conversation: self.conversation,
            consumed: Some(self.consumed),
            not_before: None,
            log,
            lines: self.lines,
            follow_ups: self.follow_ups,
            timers: self.timers,
            envelopes: self.envelopes,
            drop_queued: self.drop_queued,
            opt_out: self.opt_out,
            meeting: self.meeting,
            now: self.now,
        }
    }

    /// A turn that failed: nothing of it but the fault. The event is tried again at `retry_at`; when there is none, the
    /// conversation is parked, and the event held until a human lets it continue.
    pub(super) fn into_failure(self, taken: &Taken, fault: Fault, retry_at: Option<Timestamp>) -> Commit {
        let log = self.log(Some(fault.clone()));
        let mut failed = Self::new(taken, self.now);
        failed.conversation.next_turn += 1;
        failed.conversation.faults += 1;
        if retry_at.is_none() {
            failed.conversation.parked = Some(fault);
            failed.conversation.held.push(taken.event.clone());
        }
        Commit {
            conversation: failed.conversation,
            consumed: retry_at.is_none().then_some(self.consumed),
            not_before: retry_at,
            log,
            lines: Vec::new(),
            follow_ups: Vec::new(),
            timers: BTreeMap::new(),
            envelopes: Vec::new(),
            drop_queued: None,
            opt_out: None,
            meeting: None,
            now: self.now,
        }
    }

    /// A status that carries the transcript waits until the messages before it have left, so that the transcript holds
    /// them; the others only keep their order.
    fn release_reports(&mut self) {
        let settled = self.conversation.unsettled.is_empty();
        let reports = &mut self.conversation.reports;
        let ready = reports
            .iter()
            .take_while(|report| settled || !matches!(report.status, Status::MeetingBooked | Status::NoOutcome))
            .count();
        for Report { status, reason } in reports.drain(..ready) {
            self.follow_ups.push(Event::StatusReached { status, reason });
        }
    }

    fn log(&self, fault: Option<Fault>) -> LogEntry {
        LogEntry {
            turn: self.conversation.next_turn,
            at: self.now,
            version: self.conversation.version.clone(),
            event: self.event.clone(),
            calls: self.calls.clone(),
            policy: self.policy.clone(),
            fault,
        }
    }
}
