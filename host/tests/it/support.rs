//! What tests make: leads, messages, turns, folders that vanish, and chance that can be repeated.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use relais::{
    model::{
        Callback, Content, Conversation, ConversationId, Envelope, EnvelopeId, EnvelopeState, Environment, Event,
        Inbound, Lead, Meeting, OutgoingMessage, OwnTurns, Payload, Phone, Progress, Purpose, Quiet, Receipt,
        ReceiptStatus, Slot,
    },
    store::{Append, Commit, Intake, LogEntry, Settlement, Taken, To},
};
use serde_json::{Map, Value};

/// A moment, so many milliseconds after a Monday at nine.
pub(crate) fn at(ms: i64) -> Timestamp {
    let monday: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
    monday + SignedDuration::from_millis(ms)
}

/// A folder that is removed when the test ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("relais-it-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Numbers that look like chance and come again with the same seed (SplitMix64).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % bound as u64).unwrap()
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }
}

pub(crate) fn phone(number: u32) -> Phone {
    Phone::from_whatsapp(&format!("336{number:08}"))
}

/// The `number`-th conversation of a tenant, with a person of their own.
pub(crate) fn conversation(tenant: &str, number: u32) -> Conversation {
    Conversation {
        id: ConversationId::new(format!("cv_{number:08}")),
        tenant: tenant.into(),
        flow: "solaire".into(),
        version: "d1".into(),
        environment: Environment::Live,
        lead: Lead {
            crm_id: format!("crm-{number}"),
            phone: phone(number),
            name: Some("Marie Martin".into()),
            email: None,
            company: None,
            assigned_to: None,
            context: Value::Null,
        },
        business_number: phone(99_999_999),
        alias: String::new(),
        timezone: "Europe/Paris".into(),
        quiet: Quiet { window_ms: 6_000, most_ms: 30_000 },
        created_at: at(0),
        last_activity_at: at(0),
        next_turn: 0,
        state: None,
        notes: Map::new(),
        summary: None,
        tags: BTreeSet::new(),
        meeting: None,
        progress: Progress::default(),
        outcome: None,
        last_status: None,
        last_inbound_at: None,
        unsettled: BTreeSet::new(),
        reports: Vec::new(),
        receipts: BTreeMap::new(),
        handed_over: None,
        own_turns: OwnTurns::default(),
        faults: 0,
        parked: None,
        held: Vec::new(),
        questions: 0,
    }
}

pub(crate) fn intake(conversation: Conversation) -> Intake {
    Intake { conversation, alias_prefix: "Prospect".into(), alias_first: 1, idempotency: None }
}

/// What a person writes; the message's identifier is also its text.
pub(crate) fn words(id: &str, ms: i64) -> Inbound {
    Inbound { id: id.into(), at: at(ms), content: Content::Text(id.into()), context: None }
}

/// A message of a person that arrives at `ms`.
pub(crate) fn message(tenant: &str, names: &[&str], id: &str, ms: i64) -> Append {
    Append {
        tenant: Some(tenant.into()),
        to: To::Person { environment: None, context: None, names: names.iter().map(ToString::to_string).collect() },
        key: Some(id.into()),
        event: Event::MessageReceived { messages: vec![words(id, ms)] },
        at: at(ms),
        raw: None,
    }
}

/// A receipt for a message of ours that arrives at `ms`.
pub(crate) fn receipt(
    tenant: &str,
    wamid: &str,
    envelope: Option<EnvelopeId>,
    status: ReceiptStatus,
    ms: i64,
) -> Append {
    let event =
        Event::Receipt(Receipt { wamid: wamid.into(), envelope: envelope.clone(), status, at: at(ms), reason: None });
    Append {
        tenant: Some(tenant.into()),
        to: To::Message { wamid: wamid.into(), envelope, names: Vec::new() },
        key: Some(format!("{wamid} {status:?}")),
        event,
        at: at(ms),
        raw: None,
    }
}

/// An event for a conversation.
pub(crate) fn to(conversation: &ConversationId, event: Event, ms: i64) -> Append {
    Append { tenant: None, to: To::Conversation(conversation.clone()), key: None, event, at: at(ms), raw: None }
}

/// A turn that does nothing but take its event.
pub(crate) fn turn(taken: &Taken, ms: i64) -> Commit {
    let mut conversation = taken.conversation.clone();
    conversation.next_turn += 1;
    Commit {
        consumed: Some(taken.consumed),
        not_before: None,
        log: LogEntry {
            turn: taken.conversation.next_turn,
            at: at(ms),
            version: conversation.version.clone(),
            event: taken.event.clone(),
            calls: Vec::new(),
            policy: Vec::new(),
            fault: None,
        },
        conversation,
        lines: Vec::new(),
        follow_ups: Vec::new(),
        timers: BTreeMap::new(),
        envelopes: Vec::new(),
        drop_queued: None,
        opt_out: None,
        meeting: None,
        now: at(ms),
    }
}

/// A message for the person, the `index`-th envelope of the turn; its text is its identifier.
pub(crate) fn outgoing(taken: &Taken, index: usize, not_before: i64) -> Envelope {
    let id = EnvelopeId::of_turn(&taken.conversation.id, taken.conversation.next_turn, index);
    let payload = Payload::Message(OutgoingMessage {
        to: taken.conversation.lead.phone.clone(),
        text: Some(id.to_string()),
        choices: None,
        template: None,
        purpose: Purpose::Answer,
        first: taken.conversation.next_turn == 0,
        failures: 0,
    });
    envelope(taken, id, payload, not_before)
}

/// A callback for an endpoint.
pub(crate) fn callback(taken: &Taken, index: usize, endpoint: &str, not_before: i64) -> Envelope {
    let id = EnvelopeId::of_turn(&taken.conversation.id, taken.conversation.next_turn, index);
    let callback = Callback { endpoint: endpoint.into(), body: "{}".into(), status: None };
    envelope(taken, id, Payload::Callback(callback), not_before)
}

fn envelope(taken: &Taken, id: EnvelopeId, payload: Payload, not_before: i64) -> Envelope {
    Envelope {
        id,
        tenant: taken.conversation.tenant.clone(),
        environment: taken.conversation.environment,
        conversation: taken.conversation.id.clone(),
        payload,
        created_at: at(0),
        not_before: at(not_before),
        attempts: 0,
        state: EnvelopeState::Queued,
    }
}

pub(crate) fn settlement(envelope: &EnvelopeId, state: EnvelopeState, ms: i64) -> Settlement {
    Settlement {
        envelope: envelope.clone(),
        state,
        not_before: at(ms),
        was_tried: true,
        names: Vec::new(),
        now: at(ms),
    }
}

pub(crate) fn sent(wamid: &str, ms: i64) -> EnvelopeState {
    EnvelopeState::Sent { at: at(ms), wamid: Some(wamid.into()), shown: Some(format!("shown {wamid}")) }
}

/// A meeting of half an hour.
pub(crate) fn meeting(start_minute: i64, with: Option<&str>) -> Meeting {
    let start = at(start_minute * 60_000);
    let end = at((start_minute + 30) * 60_000);
    Meeting { slot: Slot { start, end, with: with.map(Into::into) }, moves: 0 }
}
