//! Our side: a store, what tenants declared, and what delivers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use relais::{
    delivery::{Delivery, Directory, Endpoint, Options, Secret, Sender},
    model::{
        Callback, Clock, Conversation, ConversationId, Direction, Envelope, EnvelopeId, EnvelopeState, Environment,
        OutgoingMessage, Payload, Pulse, Purpose, Quiet, Template, TenantId, VirtualClock,
    },
    store::{Commit, Committed, LogEntry, SledStore, Store},
    whatsapp::Credentials,
};

use super::receiver::Receiver;
use crate::support::{self, intake, phone};

/// What the tenants declared.
#[derive(Default)]
pub(super) struct Declared {
    pub(super) endpoints: Mutex<HashMap<String, Endpoint>>,
    pub(super) graph: Mutex<String>,
    pub(super) hold_until: Mutex<Option<Timestamp>>,
    pub(super) token: Mutex<String>,
}

impl Directory for Declared {
    fn endpoint(&self, tenant: &TenantId, name: &str) -> Option<Endpoint> {
        self.endpoints.lock().unwrap().get(&format!("{tenant}/{name}")).cloned()
    }

    fn sender(&self, tenant: &TenantId, _environment: Environment) -> Option<Sender> {
        let phone_number_id = format!("100{}", tenant.as_str().len());
        let credentials = Credentials { phone_number_id, token: self.token.lock().unwrap().clone() };
        let base_url = self.graph.lock().unwrap().clone();
        Some(Sender { base_url, api_version: "v25.0".into(), credentials, portfolio: "1".into() })
    }

    fn contact_hours_hold(&self, _tenant: &TenantId, at: Timestamp) -> Timestamp {
        self.hold_until.lock().unwrap().map_or(at, |until| until.max(at))
    }
}

pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(super) struct World {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: VirtualClock,
    pub(super) declared: Arc<Declared>,
    pub(super) delivery: Delivery,
    pub(super) graph: Receiver,
}

pub(super) fn start_time() -> Timestamp {
    "2026-03-10T10:00:00Z".parse().unwrap()
}

pub(super) fn test_options() -> Options {
    Options { allow_private_addresses: true, tier_refresh_seconds: 0, ..Options::default() }
}

impl World {
    pub(super) async fn new(options: Options) -> Self {
        let store: Arc<dyn Store> = Arc::new(SledStore::temporary().unwrap());
        let clock = VirtualClock::new(start_time());
        let graph = Receiver::start().await;
        let declared = Arc::new(Declared::default());
        declared.graph.lock().unwrap().clone_from(&graph.url);
        *declared.token.lock().unwrap() = "t".into();
        let directory: Arc<dyn Directory> = Arc::clone(&declared) as Arc<dyn Directory>;
        let delivery =
            Delivery::new(Arc::clone(&store), Clock::Virtual(clock.clone()), directory, Pulse::default(), options)
                .unwrap();
        Self { store, clock, declared, delivery, graph }
    }

    /// The same after a restart: what was in memory is gone.
    pub(super) fn restarted(&self, options: Options) -> Self {
        let clock = Clock::Virtual(self.clock.clone());
        let directory: Arc<dyn Directory> = Arc::clone(&self.declared) as Arc<dyn Directory>;
        let delivery = Delivery::new(Arc::clone(&self.store), clock, directory, Pulse::default(), options).unwrap();
        Self {
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            declared: Arc::clone(&self.declared),
            delivery,
            graph: self.graph.clone(),
        }
    }

    pub(super) fn declare(&self, tenant: &str, url: &str) {
        let endpoint = Endpoint {
            url: url.to_owned(),
            secret: Secret::parse(SECRET).unwrap(),
            previous_secret: Some(Secret::parse("the one before").unwrap()),
            headers: BTreeMap::from([("x-api-key".into(), "k".into()), ("webhook-id".into(), "forged".into())]),
        };
        self.declared.endpoints.lock().unwrap().insert(format!("{tenant}/crm"), endpoint);
    }

    /// A conversation whose first turn queued these payloads, none to leave before its moment.
    pub(super) async fn begin(
        &self,
        tenant: &str,
        number: u32,
        last_inbound_at: Option<Timestamp>,
        payloads: Vec<(Payload, Timestamp)>,
    ) -> ConversationId {
        let now = self.clock.now();
        let conversation = conversation(tenant, number, now);
        let id = conversation.id.clone();
        self.store.accept(intake(conversation)).await.unwrap();
        let envelopes = |conversation: &Conversation| {
            let numbered = payloads.iter().cloned().enumerate();
            numbered
                .map(|(index, (payload, not_before))| Envelope {
                    id: EnvelopeId::of_turn(&conversation.id, conversation.next_turn, index),
                    tenant: conversation.tenant.clone(),
                    environment: conversation.environment,
                    conversation: conversation.id.clone(),
                    payload,
                    created_at: now,
                    not_before,
                    attempts: 0,
                    state: EnvelopeState::Queued,
                })
                .collect::<Vec<_>>()
        };
        while let Some(taken) = self.store.take(now).await.unwrap() {
            let is_ours = taken.conversation.id == id;
            let envelopes = if is_ours { envelopes(&taken.conversation) } else { Vec::new() };
            let turn = taken.conversation.next_turn;
            let mut conversation = taken.conversation;
            conversation.next_turn += 1;
            if is_ours {
                conversation.last_inbound_at = last_inbound_at;
            }
            let log = LogEntry {
                turn,
                at: now,
                version: conversation.version.clone(),
                event: taken.event,
                calls: Vec::new(),
                policy: Vec::new(),
                fault: None,
            };
            let commit = Commit {
                conversation,
                consumed: Some(taken.consumed),
                not_before: None,
                log,
                lines: Vec::new(),
                follow_ups: Vec::new(),
                timers: BTreeMap::new(),
                envelopes,
                drop_queued: None,
                opt_out: None,
                meeting: None,
                now,
            };
            assert_eq!(self.store.commit(commit).await.unwrap(), Committed::Done);
            if is_ours {
                break;
            }
        }
        id
    }

    pub(super) async fn pump(&self) -> usize {
        self.delivery.pump(self.clock.now()).await
    }

    pub(super) async fn pump_after(&self, seconds: i64) -> usize {
        self.clock.advance_to(self.clock.now() + SignedDuration::from_secs(seconds));
        self.pump().await
    }

    pub(super) async fn envelope(&self, id: &ConversationId) -> Envelope {
        self.store.envelopes(id).await.unwrap().first().unwrap().clone()
    }

    pub(super) async fn state(&self, id: &ConversationId) -> EnvelopeState {
        self.envelope(id).await.state
    }

    pub(super) async fn shown(&self, id: &ConversationId) -> Vec<String> {
        let lines = self.store.lines(id).await.unwrap();
        lines.into_iter().filter(|line| line.direction == Direction::Out).map(|line| line.text).collect()
    }
}

/// A conversation of the store's suite, of a tenant among several and begun at a time.
fn conversation(tenant: &str, number: u32, at: Timestamp) -> Conversation {
    Conversation {
        id: ConversationId::new(format!("cv_{tenant}{number:04}")),
        quiet: Quiet::default(),
        created_at: at,
        last_activity_at: at,
        ..support::conversation(tenant, number)
    }
}

pub(super) fn message(number: u32, text: Option<&str>, template: Option<&str>) -> OutgoingMessage {
    OutgoingMessage {
        to: phone(number),
        text: text.map(str::to_owned),
        choices: None,
        template: template.map(|name| Template {
            name: name.to_owned(),
            language: "fr".into(),
            parameters: vec!["Ana".into()],
            header: None,
            parameter_names: Vec::new(),
            shown: format!("Bonjour Ana ({name})"),
        }),
        purpose: Purpose::Answer,
        first: false,
        failures: 0,
    }
}

pub(super) fn text(number: u32, text: &str) -> Payload {
    Payload::Message(message(number, Some(text), None))
}

pub(super) fn callback(body: impl Into<String>) -> Payload {
    Payload::Callback(Callback { endpoint: "crm".into(), body: body.into(), status: None })
}

pub(super) fn dropped(reason: &str) -> EnvelopeState {
    EnvelopeState::Dropped { reason: reason.into() }
}

pub(super) fn parked(reason: &str) -> EnvelopeState {
    EnvelopeState::Parked { reason: reason.into() }
}

/// Waits, in real time, for what tasks do on their own.
pub(super) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}
