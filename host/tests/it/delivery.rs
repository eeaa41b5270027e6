//! What leaves the house: P5, P6, P8, P9 and the outbound guard, over real sockets and on virtual time.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::any,
};
use jiff::{SignedDuration, Timestamp};
use relais::{
    delivery::{Delivery, Directory, Endpoint, Options, Secret, Sender, UnknownRule},
    model::{
        Callback, Clock, Conversation, ConversationId, Digest, Direction, Envelope, EnvelopeId, EnvelopeState,
        Environment, Event, FlowId, Lead, OutgoingMessage, OwnTurns, Payload, Phone, Progress, Pulse, Purpose, Quiet,
        Receipt, ReceiptStatus, Template, TenantId, VirtualClock,
    },
    store::{Commit, Committed, Intake, LogEntry, SledStore, Store},
    whatsapp::Credentials,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

// --- the other side -------------------------------------------------------------------------------------------------

/// What a receiver got.
#[derive(Clone, Debug)]
struct Got {
    headers: HeaderMap,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What a receiver answers.
#[derive(Clone, Debug)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn reply(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: "{}".into() }
}

/// A server on a port of its own: a CRM, or a Graph API. Records what it gets and answers as told.
#[derive(Clone)]
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
    /// In order; then `otherwise`.
    replies: Arc<Mutex<VecDeque<Reply>>>,
    otherwise: Arc<Mutex<Option<Reply>>>,
    /// Answers are given only as permits allow.
    gate: Arc<Semaphore>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            got: Arc::default(),
            replies: Arc::default(),
            otherwise: Arc::default(),
            gate: Arc::new(Semaphore::new(1_000_000)),
        };
        let router = Router::new().fallback(any(Self::receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    async fn receive(State(receiver): State<Self>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
        let number = {
            let mut got = receiver.got.lock().unwrap();
            got.push(Got { headers, body: String::from_utf8(body.to_vec()).unwrap() });
            got.len()
        };
        receiver.gate.acquire().await.unwrap().forget();
        let scripted = receiver.replies.lock().unwrap().pop_front();
        let otherwise = receiver.otherwise.lock().unwrap().clone();
        let reply = scripted.or(otherwise).unwrap_or_else(|| {
            let body = if uri.path().ends_with("/messages") { accepted(number) } else { "{}".into() };
            Reply { body, ..reply(200) }
        });
        let mut response = (StatusCode::from_u16(reply.status).unwrap(), reply.body).into_response();
        for (name, value) in reply.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    fn then(&self, reply: Reply) -> &Self {
        self.replies.lock().unwrap().push_back(reply);
        self
    }

    fn always(&self, reply: Reply) {
        *self.otherwise.lock().unwrap() = Some(reply);
    }

    fn hold(&self) {
        self.gate.forget_permits(usize::MAX);
    }

    fn release(&self) {
        self.gate.add_permits(1_000_000);
    }
}

/// What the Graph API says when it takes a message.
fn accepted(number: usize) -> String {
    json!({"messaging_product": "whatsapp", "contacts": [{"input": "+33", "wa_id": format!("3361234{number}")}],
        "messages": [{"id": format!("wamid.{number}")}]})
    .to_string()
}

/// What the Graph API says when it refuses one.
fn refused(code: u32) -> Reply {
    Reply { body: json!({"error": {"message": "no", "code": code}}).to_string(), ..reply(400) }
}

// --- our side -------------------------------------------------------------------------------------------------------

/// What the tenants declared.
#[derive(Default)]
struct Declared {
    endpoints: Mutex<HashMap<String, Endpoint>>,
    graph: Mutex<String>,
    hold_until: Mutex<Option<Timestamp>>,
    token: Mutex<String>,
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

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct World {
    store: Arc<dyn Store>,
    clock: VirtualClock,
    declared: Arc<Declared>,
    delivery: Delivery,
    graph: Receiver,
}

fn start_time() -> Timestamp {
    "2026-03-10T10:00:00Z".parse().unwrap()
}

fn test_options() -> Options {
    Options { allow_private_addresses: true, tier_refresh_seconds: 0, ..Options::default() }
}

impl World {
    async fn new(options: Options) -> Self {
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
    fn restarted(&self, options: Options) -> Self {
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

    fn declare(&self, tenant: &str, url: &str) {
        let endpoint = Endpoint {
            url: url.to_owned(),
            secret: Secret::parse(SECRET).unwrap(),
            previous_secret: Some(Secret::parse("the one before").unwrap()),
            headers: BTreeMap::from([("x-api-key".into(), "k".into()), ("webhook-id".into(), "forged".into())]),
        };
        self.declared.endpoints.lock().unwrap().insert(format!("{tenant}/crm"), endpoint);
    }

    /// A conversation whose first turn queued these payloads, none to leave before its moment.
    async fn begin(
        &self,
        tenant: &str,
        number: u32,
        last_inbound_at: Option<Timestamp>,
        payloads: Vec<(Payload, Timestamp)>,
    ) -> ConversationId {
        let now = self.clock.now();
        let conversation = conversation(tenant, number, now);
        let id = conversation.id.clone();
        let intake = Intake { conversation, alias_prefix: "Prospect".into(), alias_first: 1, idempotency: None };
        self.store.accept(intake).await.unwrap();
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

    async fn pump(&self) -> usize {
        self.delivery.pump(self.clock.now()).await
    }

    async fn pump_after(&self, seconds: i64) -> usize {
        self.clock.advance_to(self.clock.now() + SignedDuration::from_secs(seconds));
        self.pump().await
    }

    async fn envelope(&self, id: &ConversationId) -> Envelope {
        self.store.envelopes(id).await.unwrap().first().unwrap().clone()
    }

    async fn state(&self, id: &ConversationId) -> EnvelopeState {
        self.envelope(id).await.state
    }

    async fn shown(&self, id: &ConversationId) -> Vec<String> {
        let lines = self.store.lines(id).await.unwrap();
        lines.into_iter().filter(|line| line.direction == Direction::Out).map(|line| line.text).collect()
    }
}

fn conversation(tenant: &str, number: u32, at: Timestamp) -> Conversation {
    Conversation {
        id: ConversationId::new(format!("cv_{tenant}{number:04}")),
        tenant: TenantId::from(tenant),
        flow: FlowId::from("solaire"),
        version: Digest::from("0"),
        environment: Environment::Live,
        lead: Lead {
            crm_id: number.to_string(),
            phone: phone(number),
            name: None,
            email: None,
            company: None,
            assigned_to: None,
            context: Value::Null,
        },
        business_number: phone(9_999),
        alias: String::new(),
        timezone: "Europe/Paris".into(),
        quiet: Quiet::default(),
        created_at: at,
        last_activity_at: at,
        next_turn: 0,
        state: None,
        notes: serde_json::Map::new(),
        summary: None,
        tags: Default::default(),
        meeting: None,
        progress: Progress::default(),
        outcome: None,
        last_status: None,
        last_inbound_at: None,
        unsettled: Default::default(),
        reports: Vec::new(),
        receipts: Default::default(),
        handed_over: None,
        own_turns: OwnTurns::default(),
        faults: 0,
        parked: None,
        held: Vec::new(),
        questions: 0,
    }
}

fn phone(number: u32) -> Phone {
    Phone::from_whatsapp(&format!("33612{number:06}"))
}

fn message(number: u32, text: Option<&str>, template: Option<&str>) -> OutgoingMessage {
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

fn text(number: u32, text: &str) -> Payload {
    Payload::Message(message(number, Some(text), None))
}

fn callback(body: impl Into<String>) -> Payload {
    Payload::Callback(Callback { endpoint: "crm".into(), body: body.into(), status: None })
}

fn dropped(reason: &str) -> EnvelopeState {
    EnvelopeState::Dropped { reason: reason.into() }
}

fn parked(reason: &str) -> EnvelopeState {
    EnvelopeState::Parked { reason: reason.into() }
}

/// Waits, in real time, for what tasks do on their own.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}

// --- messages -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn stop_between_claim_and_send_wins() {
    let world = World::new(Options { per_tenant: 1, ..test_options() }).await;
    let now = start_time();
    let first = world.begin("acme", 1, Some(now), vec![(text(1, "first"), now)]).await;
    let second = world.begin("acme", 2, Some(now), vec![(text(2, "second"), now)]).await;
    world.graph.hold();
    let pump = tokio::spawn({
        let delivery = world.delivery.clone();
        async move { delivery.pump(now).await }
    });
    let got = || world.graph.got();
    eventually("one message is on its way", || got().len() == 1).await;
    let sent = got()[0].json()["text"]["body"].clone();
    let (waiting, stopped) = if sent == "first" { (2, second) } else { (1, first) };
    assert_eq!(world.delivery.in_flight().load(std::sync::atomic::Ordering::SeqCst), 2, "both are claimed");
    world.store.set_opt_out(&TenantId::from("acme"), &phone(waiting), true).await.unwrap();
    world.graph.release();
    assert_eq!(pump.await.unwrap(), 2);
    assert_eq!(got().len(), 1, "nothing more went out");
    assert_eq!(world.state(&stopped).await, dropped("opt-out"));
    assert_eq!(world.delivery.in_flight().load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_window_is_judged_at_the_moment_of_sending() {
    let world = World::new(test_options()).await;
    let wrote = start_time();
    let day_later = wrote + SignedDuration::from_hours(24);
    let both = |number| Payload::Message(message(number, Some("free"), Some("again")));
    let in_time = wrote + SignedDuration::from_hours(23);
    let open = world.begin("acme", 1, Some(wrote), vec![(both(1), in_time)]).await;
    let replaced = world.begin("acme", 2, Some(wrote), vec![(both(2), day_later)]).await;
    let left_out = world.begin("acme", 3, Some(wrote), vec![(text(3, "free"), day_later)]).await;
    assert_eq!(world.pump().await, 0, "nothing is due yet");
    assert_eq!(world.pump_after(23 * 3_600).await, 1);
    assert_eq!(world.pump_after(3_600).await, 2);

    let got: Vec<Value> = world.graph.got().iter().map(Got::json).collect();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0]["text"]["body"], "free");
    assert_eq!(got[0]["to"], phone(1).as_e164());
    assert_eq!(got[0]["biz_opaque_callback_data"], world.envelope(&open).await.id.as_str());
    assert_eq!(got[1]["template"]["name"], "again");
    let at = in_time;
    let expected = EnvelopeState::Sent { at, wamid: Some("wamid.1".into()), shown: Some("free".into()) };
    assert_eq!(world.state(&open).await, expected);
    assert_eq!(world.shown(&replaced).await, ["Bonjour Ana (again)"]);
    assert_eq!(world.state(&left_out).await, dropped("window-closed"));
    assert!(world.shown(&left_out).await.is_empty());
}

#[tokio::test]
async fn a_send_with_an_unknown_result_is_never_repeated_and_proven_by_its_receipt() {
    let world = World::new(test_options()).await;
    let now = start_time();
    let told = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now)]).await;
    let untold = world.begin("acme", 2, Some(now), vec![(text(2, "b"), now)]).await;
    world.graph.then(reply(502)).then(reply(504));
    world.pump().await;
    for id in [&told, &untold] {
        assert_eq!(world.state(id).await, EnvelopeState::Unknown { since: now });
    }
    world.pump_after(599).await;
    assert_eq!(world.graph.got().len(), 2, "neither is sent again");

    let at = now + SignedDuration::from_secs(3);
    let receipt = Receipt {
        wamid: "wamid.late".into(),
        envelope: Some(world.envelope(&told).await.id),
        status: ReceiptStatus::Sent,
        at,
        reason: None,
    };
    assert!(world.delivery.prove(&told, &receipt).await);
    let expected = EnvelopeState::Sent { at, wamid: Some("wamid.late".into()), shown: Some("a".into()) };
    assert_eq!(world.state(&told).await, expected);
    assert!(!world.delivery.prove(&told, &receipt).await, "once");
    assert_eq!(world.shown(&told).await, ["a"]);

    world.pump_after(2).await;
    assert_eq!(world.state(&untold).await, parked("result-unknown"));
    assert_eq!(world.graph.got().len(), 2);
    assert!(world.store.replay(&world.envelope(&untold).await.id, world.clock.now()).await.unwrap());
    world.pump().await;
    assert!(matches!(world.state(&untold).await, EnvelopeState::Sent { .. }));
    assert_eq!(world.graph.got().len(), 3);
}

#[tokio::test]
async fn a_receipt_that_overtakes_a_lost_answer_proves_the_send() {
    let world = World::new(test_options()).await;
    let now = start_time();
    let id = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now)]).await;
    world.graph.then(reply(502)).hold();
    let pump = tokio::spawn({
        let delivery = world.delivery.clone();
        async move { delivery.pump(now).await }
    });
    eventually("the request is on its way", || world.graph.got().len() == 1).await;
    let envelope = Some(EnvelopeId::new(world.graph.got()[0].json()["biz_opaque_callback_data"].as_str().unwrap()));
    let receipt =
        Receipt { wamid: "wamid.early".into(), envelope, status: ReceiptStatus::Delivered, at: now, reason: None };
    assert!(world.delivery.prove(&id, &receipt).await);
    world.graph.release();
    pump.await.unwrap();
    let expected = EnvelopeState::Sent { at: now, wamid: Some("wamid.early".into()), shown: Some("a".into()) };
    assert_eq!(world.state(&id).await, expected);
    assert_eq!(world.shown(&id).await, ["a"]);
}

#[tokio::test]
async fn the_operator_may_choose_to_resend() {
    let world = World::new(Options { unknown_rule: UnknownRule::Resend, ..test_options() }).await;
    let now = start_time();
    let id = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now)]).await;
    world.graph.then(reply(502));
    world.pump().await;
    world.pump_after(601).await;
    assert!(matches!(world.state(&id).await, EnvelopeState::Sent { .. }));
    assert_eq!(world.graph.got().len(), 2);
}

/// The third rule: go on as if it had gone out, and show it so.
#[tokio::test]
async fn the_operator_may_choose_to_assume_that_it_was_sent() {
    let world = World::new(Options { unknown_rule: UnknownRule::AssumeSent, ..test_options() }).await;
    let now = start_time();
    let id = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now), (text(1, "b"), now)]).await;
    world.graph.then(reply(503));
    world.pump().await;
    world.pump_after(601).await;
    assert!(matches!(world.state(&id).await, EnvelopeState::Sent { wamid: None, .. }));
    assert_eq!(world.shown(&id).await, ["a", "b"], "in its place, and the next goes on");
    assert_eq!(world.graph.got().len(), 2, "never a second time");
}

#[tokio::test]
async fn refusals_lead_to_their_remedies() {
    let world = World::new(test_options()).await;
    let now = start_time();
    let both = |number| Payload::Message(message(number, Some("free"), Some("again")));

    // The window is closed after all: the template, at once.
    let closed = world.begin("acme", 1, Some(now), vec![(both(1), now)]).await;
    world.graph.then(refused(131_047));
    world.pump().await;
    assert_eq!(world.shown(&closed).await, ["Bonjour Ana (again)"]);

    // The person stopped marketing: the conversation is told, nothing goes out.
    let out = world.begin("acme", 2, Some(now), vec![(both(2), now)]).await;
    world.graph.then(refused(131_050));
    world.pump().await;
    assert_eq!(world.state(&out).await, dropped("opt-out"));
    let mut told = false;
    while let Some(taken) = world.store.take(world.clock.now()).await.unwrap() {
        told |= taken.conversation.id == out && taken.event == Event::PreferenceChanged { stops: true };
        if told {
            break;
        }
        world.store.release(&taken.conversation.id, now + SignedDuration::from_hours(99)).await.unwrap();
    }
    assert!(told);

    // Too fast for this person: later, and not counted as lost.
    let paced = world.begin("acme", 3, Some(now), vec![(text(3, "a"), now)]).await;
    world.graph.then(refused(131_056));
    world.pump().await;
    let envelope = world.envelope(&paced).await;
    assert_eq!(envelope.state, EnvelopeState::Queued);
    assert!(envelope.not_before >= now + SignedDuration::from_secs(1));
    world.pump_after(2).await;
    assert_eq!(world.shown(&paced).await, ["a"]);

    // Not on WhatsApp: dropped under its name.
    let missing = world.begin("acme", 4, Some(now), vec![(text(4, "a"), now)]).await;
    world.graph.then(refused(131_026));
    world.pump().await;
    assert_eq!(world.state(&missing).await, dropped("no-whatsapp"));
}

#[tokio::test]
async fn a_refused_token_stops_the_sender_and_nobody_else() {
    let world = World::new(test_options()).await;
    let now = start_time();
    let first = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now)]).await;
    world.graph.then(refused(190));
    world.pump().await;
    let second = world.begin("acme", 2, Some(now), vec![(text(2, "b"), now)]).await;
    let other = world.begin("globex", 3, Some(now), vec![(text(3, "c"), now)]).await;
    world.pump().await;
    assert_eq!(world.graph.got().len(), 2, "the stopped sender asks no more");
    assert_eq!(world.shown(&other).await, ["c"]);
    for id in [&first, &second] {
        assert_eq!(world.state(id).await, EnvelopeState::Queued);
    }
    // Nothing tries by itself, however long it takes, and a restart changes nothing.
    for _ in 0..20 {
        world.pump_after(3_600).await;
    }
    assert_eq!(world.graph.got().len(), 2);
    let alarms = world.delivery.alarms().await.unwrap();
    let [alarm] = alarms.as_slice() else { panic!("{alarms:?}") };
    assert_eq!((alarm.reason.as_str(), alarm.code, alarm.tenant.as_str()), ("token", Some(190), "acme"));
    assert!(!format!("{alarm:?}").contains("\"t\""), "the token itself is not kept");
    let restarted = world.restarted(test_options());
    restarted.pump_after(3_600).await;
    assert_eq!(restarted.graph.got().len(), 2);
    assert!(!restarted.delivery.clear_alarm("live-1").await.unwrap());
    assert!(restarted.delivery.clear_alarm(&alarm.id).await.unwrap());
    restarted.pump_after(600).await;
    for id in [&first, &second] {
        assert!(matches!(restarted.state(id).await, EnvelopeState::Sent { .. }), "it works again");
        assert_eq!(restarted.envelope(id).await.attempts, 1, "neither waiting nor what stops the number is an attempt");
    }
    assert!(restarted.delivery.alarms().await.unwrap().is_empty());
}

/// The messaging tier that Meta tells is kept, over a restart too.
#[tokio::test]
async fn a_business_writes_to_no_more_new_people_a_day_than_its_tier_allows() {
    let options = || Options { tier_refresh_seconds: 3_600, ..test_options() };
    let world = World::new(options()).await;
    let now = start_time();
    let tier =
        || Reply { body: json!({"whatsapp_business_manager_messaging_limit": "TIER_2"}).to_string(), ..reply(200) };
    let first = |number| Payload::Message(message(number, None, Some("intro")));
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(world.begin("acme", number, None, vec![(first(number), now)]).await);
        if number == 1 {
            world.graph.then(tier());
        }
        world.pump().await;
    }
    assert_eq!(world.graph.got().len(), 3, "the tier was asked once, two messages left");
    let answered = world.begin("acme", 4, Some(now), vec![(text(4, "a"), now)]).await;
    world.pump().await;
    assert_eq!(world.shown(&answered).await, ["a"], "whoever wrote is no new person");
    let restarted = world.restarted(options());
    restarted.clock.advance_to(now + SignedDuration::from_hours(12));
    let late = restarted.begin("acme", 5, None, vec![(first(5), now)]).await;
    restarted.graph.then(tier());
    restarted.pump().await;
    assert_eq!(restarted.shown(&late).await, Vec::<String>::new(), "whom it wrote to before the restart counts");
    restarted.graph.then(tier());
    restarted.pump_after(3_600 * 13).await;
    for id in [&ids[2], &late] {
        assert_eq!(restarted.shown(id).await, ["Bonjour Ana (intro)"], "a day later");
    }
}

/// A new token clears the alarm that the old one raised.
#[tokio::test]
async fn another_token_works_again_by_itself() {
    let world = World::new(test_options()).await;
    let now = start_time();
    let first = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now)]).await;
    world.graph.then(refused(190));
    world.pump().await;
    world.pump_after(600).await;
    assert_eq!(world.state(&first).await, EnvelopeState::Queued);
    *world.declared.token.lock().unwrap() = "another".into();
    world.pump_after(600).await;
    assert!(matches!(world.state(&first).await, EnvelopeState::Sent { .. }));
    assert!(world.delivery.alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn outreach_waits_for_contact_hours_and_a_person_is_not_flooded() {
    let world = World::new(Options { pair_burst: 2, pair_interval_ms: 6_000, ..test_options() }).await;
    let now = start_time();
    let morning = now + SignedDuration::from_hours(12);
    *world.declared.hold_until.lock().unwrap() = Some(morning);
    let outreach = OutgoingMessage { purpose: Purpose::Outreach, ..message(1, None, Some("intro")) };
    let held = world.begin("acme", 1, None, vec![(Payload::Message(outreach), now)]).await;
    let answers = (0..4).map(|index| (text(2, &index.to_string()), now)).collect();
    let chatty = world.begin("acme", 2, Some(now), answers).await;
    world.pump().await;
    assert_eq!(world.envelope(&held).await.not_before, morning);
    assert_eq!(world.shown(&chatty).await, ["0", "1"]);
    // Two at once cost two intervals (FACTS §4).
    world.pump_after(11).await;
    assert_eq!(world.shown(&chatty).await.len(), 2);
    world.pump_after(1).await;
    assert_eq!(world.shown(&chatty).await, ["0", "1", "2", "3"]);
    world.pump_after(12 * 3_600).await;
    assert_eq!(world.shown(&held).await, ["Bonjour Ana (intro)"]);
}

// --- callbacks ------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn callbacks_arrive_in_order_and_signed_while_another_tenants_crm_hangs() {
    let world = World::new(Options { per_tenant: 2, waiting_per_tenant: 4, ..test_options() }).await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    world.declare("slow", &format!("{}/hook", slow.url));
    world.declare("quick", &format!("{}/hook", quick.url));
    slow.hold();
    let now = start_time();
    for number in 0..20 {
        world.begin("slow", number, None, vec![(callback(format!("{{\"lead\":{number}}}")), now)]).await;
    }
    let mut leads = Vec::new();
    for number in 20..23 {
        let all = (0..10).map(|index| (callback(format!("{{\"lead\":{number},\"index\":{index}}}")), now));
        leads.push(world.begin("quick", number, None, all.collect()).await);
    }
    // A failure in the middle of a lane holds up its own lane only.
    quick.then(reply(500));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = tokio::spawn(world.delivery.clone().run(async move { drop(stopped.await) }));
    eventually("all but the failed lane have arrived", || quick.got().len() == 21).await;
    world.clock.advance_to(now + SignedDuration::from_secs(6));
    eventually("everything has arrived", || quick.got().len() == 31).await;
    assert!(slow.got().len() <= 2, "the slow one has its share and no more");

    let mut seen: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let failed = quick.got()[0].json();
    for got in quick.got().iter().skip(1) {
        let body = got.json();
        seen.entry(body["lead"].as_u64().unwrap()).or_default().push(body["index"].as_u64().unwrap());
    }
    assert_eq!(failed["index"], 0);
    assert_eq!(seen.len(), 3);
    assert!(seen.values().all(|order| *order == (0..10).collect::<Vec<_>>()), "{seen:?}");

    let got = quick.got()[30].clone();
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(got.header("x-api-key"), "k");
    assert!(got.header("user-agent").starts_with("Relais/"));
    assert_ne!(got.header("webhook-id"), "forged");
    let timestamp: i64 = got.header("webhook-timestamp").parse().unwrap();
    assert_eq!(timestamp, (now + SignedDuration::from_secs(6)).as_second());
    let expected = standardwebhooks::Webhook::new(SECRET)
        .unwrap()
        .sign(got.header("webhook-id"), timestamp, got.body.as_bytes())
        .unwrap();
    let signatures: Vec<&str> = got.header("webhook-signature").split(' ').collect();
    assert_eq!(signatures.len(), 2);
    assert_eq!(signatures[0], expected);

    slow.release();
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), run).await.unwrap().unwrap();
    for id in &leads {
        let envelopes = world.store.envelopes(id).await.unwrap();
        assert!(envelopes.iter().all(|envelope| matches!(envelope.state, EnvelopeState::Sent { .. })));
    }
    // Nothing is left in anybody's hands.
    let later = world.clock.now() + SignedDuration::from_hours(1);
    assert!(world.store.unresolved(later).await.unwrap().is_empty());
}

#[tokio::test]
async fn callbacks_are_tried_on_schedule_parked_and_replayed() {
    let world = World::new(test_options()).await;
    let crm = Receiver::start().await;
    world.declare("acme", &crm.url);
    crm.always(reply(503));
    let id = world.begin("acme", 1, None, vec![(callback("{}"), start_time())]).await;
    let mut tried_at = Vec::new();
    for attempt in 1..=8 {
        assert_eq!(world.pump().await, 1, "attempt {attempt}");
        tried_at.push(world.clock.now());
        let envelope = world.envelope(&id).await;
        if attempt < 8 {
            assert_eq!(envelope.state, EnvelopeState::Queued);
            let just_before = envelope.not_before - SignedDuration::from_millis(1);
            world.clock.advance_to(just_before);
            assert_eq!(world.pump().await, 0, "not a moment too soon");
            world.clock.advance_to(envelope.not_before);
        }
    }
    assert_eq!(world.state(&id).await, parked("exhausted"));
    let scheduled = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
    for (pair, seconds) in tried_at.windows(2).zip(scheduled) {
        let waited = pair[1].duration_since(pair[0]).as_millis();
        let base = i128::from(seconds * 1_000);
        assert!(waited * 10 >= base * 8 && waited * 10 <= base * 12, "{waited} ms, not about {seconds} s");
    }
    let got = crm.got();
    assert_eq!(got.len(), 8);
    assert!(got.iter().all(|each| each.header("webhook-id") == got[0].header("webhook-id")));
    assert_ne!(got[0].header("webhook-timestamp"), got[7].header("webhook-timestamp"));

    crm.always(reply(204));
    let envelope = world.envelope(&id).await.id;
    assert!(world.store.replay(&envelope, world.clock.now()).await.unwrap());
    assert_eq!(world.pump().await, 1);
    assert!(matches!(world.state(&id).await, EnvelopeState::Sent { .. }));
    assert!(!world.store.replay(&envelope, world.clock.now()).await.unwrap());
}

#[tokio::test]
async fn what_a_crm_answers_decides_what_follows() {
    let world = World::new(test_options()).await;
    let (crm, elsewhere) = (Receiver::start().await, Receiver::start().await);
    world.declare("acme", &crm.url);
    let now = start_time();
    let after = |status, seconds: &str| Reply { headers: vec![("retry-after", seconds.to_owned())], ..reply(status) };
    let location = Reply { headers: vec![("location", elsewhere.url.clone())], ..reply(307) };
    // what is answered, and the least and the most to wait then
    let table = [
        (after(429, "86400"), 120.0, 120.0),
        (after(429, "1"), 60.0, 60.0),
        (after(503, "7"), 7.0, 7.0),
        (after(503, "86400"), 10.0, 10.0),
        (reply(429), 60.0, 72.0),
        (reply(404), 4.0, 6.0),
        (location, 4.0, 6.0),
    ];
    let mut number = 0;
    for (answer, least, most) in table {
        number += 1;
        crm.then(answer);
        let id = world.begin("acme", number, None, vec![(callback("{}"), now)]).await;
        world.pump().await;
        let envelope = world.envelope(&id).await;
        assert_eq!(envelope.state, EnvelopeState::Queued, "row {number}");
        let waited = envelope.not_before.duration_since(now).as_secs_f64();
        assert!(waited >= least && waited <= most, "row {number}: {waited}");
    }
    assert!(elsewhere.got().is_empty(), "redirects are not followed");

    crm.then(reply(410));
    let gone = world.begin("acme", 50, None, vec![(callback("{}"), now)]).await;
    let long = Reply { body: "x".repeat(1 << 20), ..reply(200) };
    world.pump().await;
    assert_eq!(world.state(&gone).await, dropped("gone"));
    crm.then(long);
    let verbose = world.begin("acme", 51, None, vec![(callback("{}"), now)]).await;
    world.pump().await;
    assert!(matches!(world.state(&verbose).await, EnvelopeState::Sent { .. }));

    let nowhere = world.begin("globex", 53, None, vec![(callback("{}"), now)]).await;
    world.pump().await;
    assert_eq!(world.state(&nowhere).await, parked("endpoint-missing"));
}

#[tokio::test]
async fn a_crm_that_does_not_answer_in_time_is_given_a_minute() {
    let world = World::new(Options { http_timeout_ms: 100, ..test_options() }).await;
    let crm = Receiver::start().await;
    world.declare("acme", &crm.url);
    crm.hold();
    let id = world.begin("acme", 1, None, vec![(callback("{}"), start_time())]).await;
    world.pump().await;
    assert_eq!(world.state(&id).await, EnvelopeState::Queued);
    let waited = world.envelope(&id).await.not_before.duration_since(start_time());
    assert!(waited >= SignedDuration::from_secs(60) && waited <= SignedDuration::from_secs(72), "{waited}");
}

#[tokio::test]
async fn waiting_for_a_busy_crm_is_not_an_attempt() {
    let options = Options {
        per_tenant: 1,
        waiting_per_tenant: 1,
        waiting_seconds: 10,
        callback_schedule: vec![5],
        ..test_options()
    };
    let world = World::new(options).await;
    let crm = Receiver::start().await;
    world.declare("acme", &crm.url);
    let now = start_time();
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(world.begin("acme", number, None, vec![(callback("{}"), now)]).await);
    }
    crm.hold();
    let pump = tokio::spawn({
        let delivery = world.delivery.clone();
        async move { delivery.pump(now).await }
    });
    eventually("one has its turn", || crm.got().len() == 1).await;
    crm.release();
    assert_eq!(pump.await.unwrap(), 3);
    assert_eq!(crm.got().len(), 2, "the third went back to the queue");
    let mut queued = Vec::new();
    for id in &ids {
        queued.extend((world.state(id).await == EnvelopeState::Queued).then_some(id));
    }
    let [waiting] = queued[..] else { panic!("one waits, not {}", queued.len()) };
    crm.always(reply(500));
    world.pump_after(20).await;
    assert_eq!(world.envelope(waiting).await.attempts, 1, "waiting is no attempt");
    assert_eq!(world.state(waiting).await, EnvelopeState::Queued, "one attempt failed, one is left");
    world.pump_after(6).await;
    assert_eq!(world.state(waiting).await, parked("exhausted"));
}

#[tokio::test]
async fn private_addresses_are_refused() {
    let world = World::new(Options::default()).await;
    let crm = Receiver::start().await;
    let port = crm.url.rsplit(':').next().unwrap().to_owned();
    let urls = [
        crm.url.clone(),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        "https://169.254.169.254/latest/meta-data".into(),
    ];
    for (number, url) in (1..).zip(urls) {
        world.declare("acme", &url);
        let id = world.begin("acme", number, None, vec![(callback("{}"), start_time())]).await;
        world.pump().await;
        assert_eq!(world.state(&id).await, parked("address-refused"), "{url}");
    }
    assert!(crm.got().is_empty());
}

#[tokio::test]
async fn what_a_crash_left_claimed_is_resolved() {
    let world = World::new(test_options()).await;
    let crm = Receiver::start().await;
    world.declare("acme", &crm.url);
    let now = start_time();
    let told = world.begin("acme", 1, None, vec![(callback("{}"), now)]).await;
    let written = world.begin("acme", 2, Some(now), vec![(text(2, "a"), now)]).await;
    // Another process claimed both and died.
    assert_eq!(world.store.claim(now, 10).await.unwrap().len(), 2);
    world.pump().await;
    assert!(crm.got().is_empty());
    world.pump_after(200).await;
    assert!(matches!(world.state(&told).await, EnvelopeState::Sent { .. }), "a callback may arrive twice");
    assert!(matches!(world.state(&written).await, EnvelopeState::Claimed { .. }));
    world.pump_after(401).await;
    assert_eq!(world.state(&written).await, parked("result-unknown"), "a message may not");
    assert!(world.graph.got().is_empty());
}
