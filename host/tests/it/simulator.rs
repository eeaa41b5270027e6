//! The simulated WhatsApp, seen from outside: over real sockets and on virtual time. Every fault is seen on the wire once,
//! and every webhook is read by the host's own decoder.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use jiff::{SignedDuration, Timestamp};
use relais::{
    model::{Clock, VirtualClock},
    simulator::{
        ApprovedTemplate, BusinessNumber, Enforcement, Fault, Happening, OfferedKind, Options, Person, Policy,
        Scenario, Simulator, TemplateButton, WebhookTarget, When,
    },
    whatsapp::{self, Kind},
};
use serde_json::{Value, json};

const SECRET: &str = "app secret";
const TOKEN: &str = "token";
const NUMBER: &str = "106540352242922";
const OTHER: &str = "106540352242923";
const WABA: &str = "102290129340398";
const ANA: &str = "+33612345604";
const START: i64 = 1_795_000_000;

// --- the host's door ------------------------------------------------------------------------------------------------

/// A host that keeps every webhook whose signature is right.
#[derive(Clone, Default)]
struct Door {
    bodies: Arc<Mutex<Vec<Bytes>>>,
    /// How many more POSTs to answer with 500.
    refusals: Arc<AtomicU16>,
}

impl Door {
    async fn open(self) -> String {
        let app = Router::new().route("/webhook", post(Self::take).get(Self::register)).with_state(self);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://{address}/webhook")
    }

    async fn take(State(door): State<Self>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let signature = headers.get(whatsapp::SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
        whatsapp::verify(&[SECRET], signature, &body).expect("a webhook is signed over its bytes");
        assert!(body.is_ascii(), "a webhook is ASCII");
        door.bodies.lock().unwrap().push(body);
        let refuses =
            door.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if refuses { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
    }

    async fn register(Query(query): Query<Vec<(String, String)>>) -> Result<String, StatusCode> {
        let query = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        whatsapp::handshake(query, "verify").map_err(|_| StatusCode::FORBIDDEN)
    }
}

// --- the stage ------------------------------------------------------------------------------------------------------

/// A simulator on virtual time, a host and Ana.
struct Stage {
    simulator: Simulator,
    clock: VirtualClock,
    door: Door,
    client: reqwest::Client,
    ana: Person,
}

fn template() -> ApprovedTemplate {
    let buttons = vec![
        TemplateButton::QuickReply { text: "Oui".to_owned() },
        TemplateButton::QuickReply { text: "STOP".to_owned() },
    ];
    ApprovedTemplate { buttons, ..ApprovedTemplate::new("intro", "fr", "Bonjour {{1}} 👋") }
}

fn number(id: &str, waba: &str) -> BusinessNumber {
    BusinessNumber {
        phone_number_id: id.to_owned(),
        display: "+33186000000".to_owned(),
        waba: waba.to_owned(),
        token: TOKEN.to_owned(),
    }
}

fn options(clock: Clock, scenario: Scenario) -> Options {
    Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        clock,
        seed: 42,
        scenario,
        webhook: None,
        numbers: vec![number(NUMBER, WABA), number(OTHER, "other account")],
        templates: vec![template()],
        strict: true,
    }
}

impl Stage {
    async fn set(scenario: Scenario) -> Self {
        Self::set_for(scenario, ANA).await
    }

    async fn set_for(scenario: Scenario, person: &str) -> Self {
        let clock = VirtualClock::new(Timestamp::from_second(START).unwrap());
        let door = Door::default();
        let simulator = Simulator::start(options(Clock::Virtual(clock.clone()), scenario)).await.unwrap();
        simulator.set_webhook(WebhookTarget {
            url: door.clone().open().await,
            app_secret: SECRET.to_owned(),
            verify_token: "verify".to_owned(),
        });
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        let ana = simulator.person(person);
        Self { simulator, clock, door, client, ana }
    }

    /// Lets time pass, everything due in between being done at its moment.
    async fn pass(&self, seconds: i64) {
        let end = self.clock.now() + SignedDuration::from_secs(seconds);
        while let Some(due) = self.simulator.next_due().filter(|due| *due <= end) {
            self.clock.advance_to(due);
            self.simulator.run_due().await;
        }
        self.clock.advance_to(end);
    }

    async fn post(&self, number: &str, token: &str, body: &Value) -> reqwest::Result<(u16, String)> {
        let url = format!("{}/v25.0/{number}/messages", self.simulator.base_url());
        let answer = self.client.post(url).bearer_auth(token).json(body).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await?))
    }

    /// Sends a body of its own to the person and gives the status and the JSON of the answer.
    async fn send(&self, body: Value) -> (u16, Value) {
        let (status, answer) = self.post(NUMBER, TOKEN, &addressed(&self.ana.number(), body)).await.unwrap();
        (status, serde_json::from_str(&answer).unwrap())
    }

    /// The code of the answer to a text; 0 when it was taken.
    async fn code(&self, text: &str) -> i64 {
        let (_, answer) = self.send(json!({"type": "text", "text": {"body": text}})).await;
        answer["error"]["code"].as_i64().unwrap_or(0)
    }

    /// The bodies that the host got.
    fn bodies(&self) -> Vec<Value> {
        self.door.bodies.lock().unwrap().iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
    }

    /// The `value`s that the host got, in order.
    fn values(&self) -> Vec<Value> {
        let changes = |entry: &Value| entry["changes"].as_array().unwrap().clone();
        let entries = |body: Value| body["entry"].as_array().unwrap().clone();
        let changes = self.bodies().into_iter().flat_map(entries).flat_map(|entry| changes(&entry));
        changes.map(|change| change["value"].clone()).collect()
    }

    fn items(&self, list: &str) -> Vec<Value> {
        self.values().iter().filter_map(|value| value[list].as_array().cloned()).flatten().collect()
    }

    /// The words of the statuses that the host got, in order.
    fn statuses(&self) -> Vec<String> {
        self.items("statuses").iter().map(|status| status["status"].as_str().unwrap().to_owned()).collect()
    }

    /// The code of the only failed status.
    fn failure(&self) -> i64 {
        let failed: Vec<_> = self.items("statuses").into_iter().filter(|status| status["status"] == "failed").collect();
        assert_eq!(failed.len(), 1, "{failed:?}");
        failed[0]["errors"][0]["code"].as_i64().unwrap()
    }
}

fn addressed(to: &str, body: Value) -> Value {
    let mut message = json!({"messaging_product": "whatsapp", "to": to, "biz_opaque_callback_data": "envelope-1"});
    for (name, value) in body.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

fn intro() -> Value {
    let body = json!({"type": "body", "parameters": [{"type": "text", "text": "Ana"}]});
    let button = json!({"type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [{"type": "payload", "payload": "stop"}]});
    json!({"type": "template", "template": {"name": "intro", "language": {"code": "fr"}, "components": [body, button]}})
}

const ALL_TOLD: [&str; 3] = ["sent", "delivered", "read"];

// --- the faults -----------------------------------------------------------------------------------------------------

/// Ana writes, gets the template, and hours pass.
async fn act(stage: &Stage) -> Result<(u16, String), String> {
    stage.ana.write("Bonjour é");
    stage.pass(0).await;
    let answer = stage.post(NUMBER, TOKEN, &addressed(&stage.ana.number(), intro())).await;
    stage.pass(3 * 3_600).await;
    answer.map_err(|error| error.to_string())
}

#[tokio::test]
async fn every_fault_is_seen_on_the_wire() {
    for fault in Fault::ALL.iter().chain(&[Fault::RefusedWith(131_042), Fault::FailedWith(131_048)]) {
        let mut scenario = Scenario::friendly().with(*fault, When::first(1));
        scenario.latency.hang_ms = 50;
        let brazil = *fault == Fault::WaIdRewriting;
        let stage = Stage::set_for(scenario, if brazil { "+5541988887777" } else { ANA }).await;
        check(*fault, &stage).await;
        for body in stage.door.bodies.lock().unwrap().iter() {
            let updates = whatsapp::decode(body).unwrap_or_else(|error| panic!("{fault}: {error}"));
            let strange = [Fault::UnknownType, Fault::UnknownField, Fault::ValueLevelErrors].contains(fault);
            let unread = |kind: &Kind| matches!(kind, Kind::Error(_) | Kind::Unsupported(_));
            assert!(strange || !updates.iter().any(|update| unread(&update.kind)), "{fault}: {updates:?}");
        }
        assert_eq!(stage.simulator.in_flight(), 0, "{fault}");
        stage.simulator.shutdown().await;
    }
}

async fn check(fault: Fault, stage: &Stage) {
    let failing = [Fault::FailedWithContacts, Fault::FailedWithoutContacts, Fault::FailedWaIdOnly];
    if failing.contains(&fault) {
        stage.ana.not_on_whatsapp();
    }
    if fault == Fault::StatusBeforeResponse {
        stage.post(NUMBER, TOKEN, &addressed(ANA, intro())).await.unwrap();
        assert_eq!(stage.statuses(), ["sent"], "though no time has passed");
        stage.pass(10).await;
        assert_eq!(stage.statuses(), ALL_TOLD);
        return;
    }
    let answer = act(stage).await;
    let code =
        answer.as_ref().ok().and_then(|(_, body)| serde_json::from_str::<Value>(body).ok()?["error"]["code"].as_i64());
    let status = answer.as_ref().ok().map(|(status, _)| *status);
    let (told, arrived) = (stage.statuses(), stage.ana.seen().len());
    let refused = |expected: i64, http: u16| {
        assert_eq!((code, status), (Some(expected), Some(http)), "{fault}");
        assert!(told.is_empty() && arrived == 0, "{fault}: {told:?}");
    };
    let failed = |expected: i64| {
        assert_eq!((status, stage.failure(), arrived), (Some(200), expected, 0), "{fault}");
        assert_eq!(told, ["failed"], "{fault}");
    };
    let messages = stage.items("messages");
    let contacts = || stage.values().iter().rfind(|value| value["statuses"].is_array()).unwrap()["contacts"].clone();
    let sent_anyway = || {
        assert_eq!((told.clone(), arrived), (ALL_TOLD.map(str::to_owned).to_vec(), 1), "{fault}");
        assert!(
            stage.items("statuses").iter().all(|status| status["biz_opaque_callback_data"] == "envelope-1"),
            "{fault}"
        );
    };
    match fault {
        Fault::AppRate => refused(4, 400),
        Fault::Throughput => refused(130_429, 400),
        Fault::PairRate => refused(131_056, 400),
        Fault::Portfolio => refused(131_048, 400),
        Fault::Refused131026 => refused(131_026, 400),
        Fault::Refused131047 => refused(131_047, 400),
        Fault::Refused131049 => refused(131_049, 400),
        Fault::Refused131050 => refused(131_050, 400),
        Fault::ServerError => refused(131_016, 503),
        Fault::NonJsonError => {
            let (status, body) = answer.unwrap();
            assert!(status == 502 && body.starts_with("<html>") && told.is_empty() && arrived == 0, "{body}");
        }
        Fault::ServerErrorAfterSend => {
            assert_eq!((code, status), (Some(131_000), Some(500)));
            sent_anyway();
        }
        Fault::LostResponse | Fault::Hang => {
            assert!(answer.is_err(), "{answer:?}");
            sent_anyway();
        }
        Fault::Failed131026 => failed(131_026),
        Fault::Failed131047 => failed(131_047),
        Fault::Failed131049 => failed(131_049),
        Fault::Failed131050 => failed(131_050),
        Fault::HeldThenReleased | Fault::HeldThenPaused => {
            let answer: Value = serde_json::from_str(&answer.unwrap().1).unwrap();
            assert_eq!(answer["messages"][0]["message_status"], "held_for_quality_assessment");
            if fault == Fault::HeldThenPaused {
                failed(132_015);
            } else {
                sent_anyway();
                let first: i64 = stage.items("statuses")[0]["timestamp"].as_str().unwrap().parse().unwrap();
                assert_eq!(first, START + 1_800, "after half an hour");
            }
        }
        Fault::DeliveredAfterFailed => assert_eq!(told, ["failed", "delivered", "read"]),
        Fault::FailedAfterDelivered => assert_eq!(told, ["sent", "delivered", "failed"]),
        Fault::NoStatus => assert!(told.is_empty() && arrived == 1),
        Fault::ReadWithoutDelivered => assert_eq!(told, ["sent", "read"]),
        Fault::Reorder => {
            assert_eq!(told, ["read", "delivered", "sent"]);
            let times: Vec<_> = stage.items("statuses").iter().map(|status| status["timestamp"].to_string()).collect();
            assert!(times[0] > times[2], "each with its own time: {times:?}");
        }
        Fault::RefusedWith(code) => refused(code, 400),
        Fault::FailedWith(code) => failed(code),
        Fault::StatusBeforeResponse => unreachable!(),
        Fault::FailedWithContacts => {
            assert_eq!(contacts()[0]["profile"]["name"], "Person 5604");
            failed(131_026);
        }
        Fault::FailedWithoutContacts => {
            assert!(contacts().is_null());
            failed(131_026);
        }
        Fault::FailedWaIdOnly => {
            assert_eq!(contacts(), json!([{"wa_id": "33612345604"}]));
            failed(131_026);
        }
        Fault::Duplicates => {
            assert_eq!(messages.len(), 2);
            assert_eq!(messages[0], messages[1]);
        }
        Fault::Batches => assert_eq!(messages.len(), 1),
        Fault::ResendWholeBatch => assert_eq!(messages.len(), 2, "though it was taken"),
        Fault::BsuidOnly => {
            assert!(messages[0]["from"].is_null() && messages[0]["from_user_id"] == stage.ana.user_id());
            for value in stage.values() {
                assert!(
                    value["contacts"][0]["wa_id"].is_null() && !value["contacts"][0]["user_id"].is_null(),
                    "{value}"
                );
            }
            assert!(
                stage
                    .items("statuses")
                    .iter()
                    .all(|s| s["recipient_id"].is_null() && s["recipient_user_id"].is_string())
            );
        }
        Fault::NumberChange => {
            assert_eq!(messages[1]["system"]["type"], "user_changed_number");
            let new = messages[1]["system"]["wa_id"].as_str().unwrap();
            assert_eq!(format!("+{new}"), stage.ana.number());
            assert_eq!(messages[1]["from"], "33612345604");
        }
        Fault::BsuidChange => {
            assert_eq!(messages[1]["system"]["type"], "user_changed_user_id");
            let change = &stage.items("user_id_update")[0]["user_id"];
            assert_eq!(change["current"], stage.ana.user_id());
            assert_eq!(change["previous"], messages[0]["from_user_id"]);
        }
        Fault::WaIdRewriting => {
            let answer: Value = serde_json::from_str(&answer.unwrap().1).unwrap();
            assert_eq!(answer["contacts"], json!([{"input": "+5541988887777", "wa_id": "554188887777"}]));
            assert_eq!(messages[0]["from"], "554188887777");
            assert_eq!(told, ALL_TOLD);
        }
        Fault::UnknownType => assert_eq!((messages.len(), &messages[0]["type"]), (2, &json!("hologram"))),
        Fault::UnknownField => {
            let fields: Vec<_> =
                stage.bodies().iter().map(|body| body["entry"][0]["changes"][0]["field"].clone()).collect();
            assert_eq!(fields[..2], [json!("hologram_update"), json!("messages")]);
        }
        Fault::ValueLevelErrors => {
            let value = &stage.values()[0];
            assert_eq!(
                (&value["errors"][0]["code"], &value["messages"][0]["type"]),
                (&json!(131_000), &json!("interactive"))
            );
            assert!(value["messages"][0]["interactive"].is_null());
        }
    }
}

// --- what Meta enforces ---------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_window_opens_when_the_person_writes_and_closes_a_day_later() {
    let stage = Stage::set(Scenario::friendly()).await;
    assert_eq!(stage.code("too soon").await, 0, "200 first");
    stage.pass(60).await;
    assert_eq!((stage.failure(), stage.ana.seen().len()), (131_047, 0));

    let mut scenario = Scenario::friendly();
    scenario.policy.window = Enforcement::Sync;
    let stage = Stage::set(scenario).await;
    assert_eq!(stage.code("too soon").await, 131_047);
    stage.ana.write("Bonjour");
    assert_eq!(stage.code("in time").await, 0);
    stage.pass(24 * 3_600 - 1).await;
    assert_eq!(stage.code("just in time").await, 0);
    stage.pass(1).await;
    assert_eq!(stage.code("too late").await, 131_047);
    assert_eq!(stage.send(intro()).await.0, 200, "a template goes at any time");
    let refused =
        stage.simulator.history().iter().filter(|h| matches!(h, Happening::Refused { code: 131_047, .. })).count();
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn rates_are_limited() {
    let scenario =
        Scenario { policy: Policy { throughput: 50, portfolio_limit: 2, ..Policy::default() }, ..Scenario::default() };
    let stage = Stage::set(scenario).await;
    stage.ana.write("Bonjour");
    for sent in 0..45 {
        assert_eq!(stage.code("x").await, 0, "{sent}");
    }
    assert_eq!(stage.code("x").await, 131_056);
    stage.pass(6).await;
    assert_eq!(stage.code("x").await, 0);
    assert_eq!(stage.code("x").await, 131_056);
    for (to, expected) in [("+33612345601", 0), ("+33612345602", 0), ("+33612345603", 131_048), ("+33612345601", 0)] {
        let (_, answer) = stage.post(NUMBER, TOKEN, &addressed(to, intro())).await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["error"]["code"].as_i64().unwrap_or(0), expected, "{to}");
    }
}

#[tokio::test]
async fn tokens_numbers_and_recipients() {
    let stage = Stage::set(Scenario::friendly()).await;
    let body = addressed(ANA, intro());
    let code = |answer: &str| serde_json::from_str::<Value>(answer).unwrap()["error"]["code"].clone();
    let (status, answer) = stage.post(NUMBER, "another", &body).await.unwrap();
    assert_eq!((status, code(&answer)), (401, json!(190)));
    let (status, answer) = stage.post("1", TOKEN, &body).await.unwrap();
    assert_eq!((status, code(&answer)), (400, json!(100)));
    // Without its +, the number gets the business's own country code, and nobody has that number.
    let (status, _) = stage.post(NUMBER, TOKEN, &addressed("33612345604", intro())).await.unwrap();
    assert_eq!(status, 200);
    stage.pass(60).await;
    assert_eq!((stage.failure(), stage.ana.seen().len()), (131_026, 0));
    // A user id does as well as a number.
    let mut to_user = intro();
    to_user["messaging_product"] = json!("whatsapp");
    to_user["recipient"] = json!(stage.ana.user_id());
    let (_, answer) = stage.post(NUMBER, TOKEN, &to_user).await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["contacts"], json!([{"input": stage.ana.user_id(), "user_id": stage.ana.user_id()}]));
    stage.pass(60).await;
    assert_eq!(stage.ana.seen().len(), 1);
}

// --- webhooks -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_batch_is_sent_whole_until_it_is_taken() {
    let mut scenario = Scenario::friendly().with(Fault::Batches, When::always());
    scenario.webhooks.batch_wait_ms = 5_000;
    let stage = Stage::set(scenario).await;
    stage.door.refusals.store(3, Ordering::SeqCst);
    let bob = stage.simulator.person("+33612345605").to_business(OTHER);
    stage.ana.burst(&["un", "deux", "trois"]);
    bob.write("moi aussi");
    stage.simulator.person("+33612345606").write("et moi");
    stage.send(intro()).await;
    stage.pass(4).await;
    assert!(stage.bodies().is_empty(), "still gathering");
    stage.pass(60).await;
    let bodies = stage.door.bodies.lock().unwrap().clone();
    assert_eq!(bodies.len(), 4, "refused at once, at once again, after 5 s, taken after 15 s");
    assert!(bodies.iter().all(|body| *body == bodies[0]), "the same bytes each time");
    let body: Value = serde_json::from_slice(&bodies[0]).unwrap();
    assert_eq!(body["entry"].as_array().unwrap().len(), 2, "an entry an account");
    let changes = body["entry"][0]["changes"].as_array().unwrap();
    let count = |change: usize, list: &str| changes[change]["value"][list].as_array().unwrap().len();
    assert_eq!((count(0, "messages"), count(0, "contacts"), count(1, "statuses")), (4, 2, 3));
    assert_eq!(whatsapp::decode(&bodies[0]).unwrap().len(), 8);
}

#[tokio::test]
async fn the_webhook_is_registered_by_a_handshake() {
    let stage = Stage::set(Scenario::friendly()).await;
    stage.simulator.register().await.unwrap();
    let url = stage.door.clone().open().await;
    stage.simulator.set_webhook(WebhookTarget { url, app_secret: SECRET.to_owned(), verify_token: "wrong".to_owned() });
    assert!(stage.simulator.register().await.is_err());
}

#[tokio::test]
async fn a_seed_replays() {
    let run = || async {
        let mut scenario = Scenario::friendly();
        scenario.latency.jitter_ms = 400;
        for fault in [Fault::Duplicates, Fault::Reorder, Fault::Failed131049, Fault::UnknownType, Fault::Batches] {
            scenario = scenario.with(fault, When::chance(0.4));
        }
        let stage = Stage::set(scenario).await;
        for text in ["a", "b", "c", "d", "e", "f"] {
            stage.ana.write(text);
            stage.send(intro()).await;
            stage.pass(10).await;
        }
        let bodies = stage.door.bodies.lock().unwrap().clone();
        assert!(stage.statuses().contains(&"failed".to_owned()) && bodies.len() > 10);
        bodies
    };
    assert_eq!(run().await, run().await, "byte for byte");
}

// --- people ---------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn people_answer_in_every_way() {
    let stage = Stage::set(Scenario::friendly()).await;
    let mut screen = stage.ana.receives();
    let (_, answer) = stage.send(intro()).await;
    stage.pass(1).await;
    let seen = screen.try_recv().unwrap();
    assert_eq!((seen.text.as_str(), seen.template.as_deref()), ("Bonjour Ana 👋", Some("intro")));
    assert_eq!(seen.buttons[0].kind, OfferedKind::QuickReply);
    assert_eq!(answer["messages"][0]["id"], seen.wamid);

    stage.ana.tap("STOP").unwrap();
    assert_eq!(stage.ana.tap("Peut-être"), None);
    let button = json!({"type": "reply", "reply": {"id": "y", "title": "Oui"}});
    let row = json!({"id": "s1", "title": "10:00", "description": "mardi"});
    let asks = [
        json!({"type": "button", "body": {"text": "?"}, "action": {"buttons": [button]}}),
        json!({"type": "list", "body": {"text": "?"}, "action": {"button": "Heures", "sections": [{"rows": [row]}]}}),
        json!({"type": "contact_request", "body": {"text": "?"}, "action": {"name": "request_contact_info"}}),
    ];
    for (ask, tapped) in asks.into_iter().zip(["y", "10:00", "contact_request"]) {
        assert_eq!(stage.send(json!({"type": "interactive", "interactive": ask})).await.0, 200);
        stage.pass(2).await;
        stage.ana.tap(tapped).unwrap();
    }
    stage.ana.react(&seen.wamid, "👍");
    stage.ana.react(&seen.wamid, "");
    stage.ana.send_media("voice", None);
    stage.ana.send_media("image", Some("le toit"));
    stage.ana.send_location(48.85, 2.35, Some("Paris"));
    stage.ana.send_unsupported();
    stage.ana.reply(&seen.wamid, "cité");
    stage.ana.stop_marketing(true);
    stage.pass(1).await;

    let messages = stage.items("messages");
    let types: Vec<_> = messages.iter().map(|message| message["type"].as_str().unwrap()).collect();
    let expected = [
        "button",
        "interactive",
        "interactive",
        "contacts",
        "reaction",
        "reaction",
        "audio",
        "image",
        "location",
        "unsupported",
        "text",
    ];
    assert_eq!(types, expected);
    assert_eq!(messages[0]["button"], json!({"payload": "stop", "text": "STOP"}));
    assert_eq!(messages[0]["context"], json!({"from": "33186000000", "id": seen.wamid}));
    assert_eq!(messages[1]["interactive"]["button_reply"]["id"], "y");
    assert_eq!(messages[2]["interactive"]["list_reply"], json!({"id": "s1", "title": "10:00", "description": "mardi"}));
    assert_eq!(messages[3]["contacts"][0]["phones"][0]["wa_id"], "33612345604");
    assert_eq!(stage.items("user_preferences")[0]["value"], "stop");
    assert_eq!(messages[0]["timestamp"], (START + 1).to_string());

    // Having stopped marketing, she gets no marketing template; having blocked us, nothing.
    stage.send(intro()).await;
    stage.pass(2).await;
    assert_eq!(stage.failure(), 131_050);
    stage.ana.read(false);
    let before = stage.statuses().len();
    assert_eq!(stage.code("sans accusé").await, 0);
    stage.pass(60).await;
    assert_eq!(stage.statuses()[before..], ["sent", "delivered"]);
    stage.ana.block();
    stage.code("bloqué").await;
    stage.pass(60).await;
    assert_eq!(stage.items("statuses").last().unwrap()["errors"][0]["code"], 131_026);
    // Reading and typing.
    let read = json!({"messaging_product": "whatsapp", "status": "read", "message_id": messages[0]["id"], "typing_indicator": {"type": "text"}});
    assert_eq!(stage.post(NUMBER, TOKEN, &read).await.unwrap(), (200, r#"{"success":true}"#.to_owned()));
}

#[tokio::test]
async fn a_person_who_changes_number_is_followed() {
    let stage = Stage::set(Scenario::friendly()).await;
    stage.ana.write("avant");
    let old = stage.ana.user_id();
    stage.ana.change_number("+33612345699");
    stage.ana.write("après");
    stage.pass(1).await;
    let messages = stage.items("messages");
    let kinds: Vec<_> = messages.iter().map(|m| m["system"]["type"].as_str().unwrap_or("text")).collect();
    assert_eq!(kinds, ["text", "user_changed_number", "user_changed_user_id", "text"]);
    assert_eq!(messages[3]["from"], "33612345699");
    assert_ne!(stage.ana.user_id(), old);
    // The number she left has no WhatsApp.
    stage.post(NUMBER, TOKEN, &addressed(ANA, intro())).await.unwrap();
    stage.pass(60).await;
    assert_eq!(stage.failure(), 131_026);
}

#[tokio::test]
async fn people_have_habits() {
    let scenario = Scenario::from_toml("[people]\nhabit = 'tap'\nafter-ms = 2000").unwrap();
    let stage = Stage::set(scenario).await;
    stage.send(intro()).await;
    stage.pass(4).await;
    assert_eq!(stage.code("sans bouton").await, 0);
    stage.pass(4).await;
    let messages = stage.items("messages");
    assert_eq!(messages.len(), 2);
    assert_eq!((&messages[0]["button"]["text"], &messages[1]["text"]["body"]), (&json!("Oui"), &json!("sans bouton")));
    assert_eq!(messages[0]["timestamp"], (START + 3).to_string());
}

// --- the host's own client, and the machine's clock -----------------------------------------------------------------

#[tokio::test]
async fn the_hosts_client_reads_the_account() {
    let stage = Stage::set(Scenario::friendly()).await;
    for extra in 0..130 {
        stage.simulator.set_template(ApprovedTemplate::new(&format!("extra_{extra}"), "fr", "x"));
    }
    let options = whatsapp::Options { base_url: stage.simulator.base_url(), ..whatsapp::Options::default() };
    let client = whatsapp::Client::new(&options).unwrap();
    let credentials = whatsapp::Credentials { phone_number_id: NUMBER.to_owned(), token: TOKEN.to_owned() };
    assert!(client.token_info(TOKEN).await.unwrap().is_valid);
    assert_eq!(client.phone_number(&credentials).await.unwrap().status.as_deref(), Some("CONNECTED"));
    assert_eq!(client.subscribed_apps(WABA, TOKEN).await.unwrap().len(), 1);
    assert_eq!(client.templates(WABA, TOKEN).await.unwrap().len(), 131, "over several pages");
    assert!(client.templates("1", TOKEN).await.is_err() && client.token_info("wrong").await.is_err());
    let call = whatsapp::TemplateCall {
        name: "intro".to_owned(),
        language: "fr".to_owned(),
        header: None,
        body: vec![whatsapp::Parameter { name: None, text: "Ana".to_owned() }],
        buttons: Vec::new(),
    };
    let to = whatsapp::Recipient::Number(ANA.to_owned());
    let sent = client.send(&credentials, &to, &whatsapp::Outgoing::Template(call), "envelope-2").await;
    assert!(matches!(sent, whatsapp::SendResult::Accepted { held: false, .. }), "{sent:?}");
}

#[tokio::test]
async fn with_the_machines_clock_things_happen_by_themselves() {
    let mut scenario = Scenario::friendly();
    (scenario.latency.sent_ms, scenario.latency.delivered_ms, scenario.latency.read_ms) = (10, 20, 30);
    let door = Door::default();
    let webhook = WebhookTarget {
        url: door.clone().open().await,
        app_secret: SECRET.to_owned(),
        verify_token: "verify".to_owned(),
    };
    let options = Options { webhook: Some(webhook), strict: false, ..options(Clock::system(), scenario) };
    let simulator = Simulator::start(options).await.unwrap();
    let mut happenings = simulator.subscribe();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v25.0/unknown/messages", simulator.base_url());
    // Not strict: any token, any number, a template that nobody declared.
    let body = addressed(ANA, json!({"type": "template", "template": {"name": "other", "language": {"code": "fr"}}}));
    assert_eq!(client.post(url).bearer_auth("x").json(&body).send().await.unwrap().status(), 200);
    let mut told = Vec::new();
    while told.len() < 3 {
        let happening = tokio::time::timeout(Duration::from_secs(10), happenings.recv()).await.unwrap().unwrap();
        if let Happening::Status { status, .. } = happening {
            told.push(status);
        }
    }
    assert_eq!(told, ALL_TOLD);
    while simulator.in_flight() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(door.bodies.lock().unwrap().len(), 3);
    let address = simulator.address();
    simulator.shutdown().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
