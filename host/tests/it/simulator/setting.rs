//! A simulator with someone who hears its webhooks.

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
        ApprovedTemplate, BusinessNumber, Options, Person, Scenario, Simulator, TemplateButton, WebhookTarget,
    },
    whatsapp,
};
use serde_json::{Value, json};

pub(super) const SECRET: &str = "app secret";
pub(super) const TOKEN: &str = "token";
pub(super) const NUMBER: &str = "106540352242922";
pub(super) const OTHER: &str = "106540352242923";
pub(super) const WABA: &str = "102290129340398";
pub(super) const ANA: &str = "+33612345604";
pub(super) const START: i64 = 1_795_000_000;

/// A host that keeps every webhook whose signature is right.
#[derive(Clone, Default)]
pub(super) struct Door {
    pub(super) bodies: Arc<Mutex<Vec<Bytes>>>,
    /// How many more POSTs to answer with 500.
    pub(super) refusals: Arc<AtomicU16>,
}

impl Door {
    pub(super) async fn open(self) -> String {
        let app = Router::new().route("/webhook", post(Self::take).get(Self::register)).with_state(self);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://{address}/webhook")
    }

    pub(super) async fn take(State(door): State<Self>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let signature = headers.get(whatsapp::SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
        whatsapp::verify(&[SECRET], signature, &body).expect("a webhook is signed over its bytes");
        assert!(body.is_ascii(), "a webhook is ASCII");
        door.bodies.lock().unwrap().push(body);
        let refuses =
            door.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if refuses { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
    }

    pub(super) async fn register(Query(query): Query<Vec<(String, String)>>) -> Result<String, StatusCode> {
        let query = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        whatsapp::handshake(query, "verify").map_err(|_| StatusCode::FORBIDDEN)
    }
}

/// A simulator on virtual time, a host and Ana.
pub(super) struct Stage {
    pub(super) simulator: Simulator,
    pub(super) clock: VirtualClock,
    pub(super) door: Door,
    pub(super) client: reqwest::Client,
    pub(super) ana: Person,
}

pub(super) fn template() -> ApprovedTemplate {
    let buttons = vec![
        TemplateButton::QuickReply { text: "Oui".to_owned() },
        TemplateButton::QuickReply { text: "STOP".to_owned() },
    ];
    ApprovedTemplate { buttons, ..ApprovedTemplate::new("intro", "fr", "Bonjour {{1}} 👋") }
}

pub(super) fn number(id: &str, waba: &str) -> BusinessNumber {
    BusinessNumber {
        phone_number_id: id.to_owned(),
        display: "+33186000000".to_owned(),
        waba: waba.to_owned(),
        token: TOKEN.to_owned(),
    }
}

pub(super) fn options(clock: Clock, scenario: Scenario) -> Options {
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
    pub(super) async fn set(scenario: Scenario) -> Self {
        Self::set_for(scenario, ANA).await
    }

    pub(super) async fn set_for(scenario: Scenario, person: &str) -> Self {
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
    pub(super) async fn pass(&self, seconds: i64) {
        let end = self.clock.now() + SignedDuration::from_secs(seconds);
        while let Some(due) = self.simulator.next_due().filter(|due| *due <= end) {
            self.clock.advance_to(due);
            self.simulator.run_due().await;
        }
        self.clock.advance_to(end);
    }

    pub(super) async fn post(&self, number: &str, token: &str, body: &Value) -> reqwest::Result<(u16, String)> {
        let url = format!("{}/v25.0/{number}/messages", self.simulator.base_url());
        let answer = self.client.post(url).bearer_auth(token).json(body).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await?))
    }

    /// Sends a body of its own to the person and gives the status and the JSON of the answer.
    pub(super) async fn send(&self, body: Value) -> (u16, Value) {
        let (status, answer) = self.post(NUMBER, TOKEN, &addressed(&self.ana.number(), body)).await.unwrap();
        (status, serde_json::from_str(&answer).unwrap())
    }

    /// The code of the answer to a text; 0 when it was taken.
    pub(super) async fn code(&self, text: &str) -> i64 {
        let (_, answer) = self.send(json!({"type": "text", "text": {"body": text}})).await;
        answer["error"]["code"].as_i64().unwrap_or(0)
    }

    /// The bodies that the host got.
    pub(super) fn bodies(&self) -> Vec<Value> {
        self.door.bodies.lock().unwrap().iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
    }

    /// The `value`s that the host got, in order.
    pub(super) fn values(&self) -> Vec<Value> {
        let changes = |entry: &Value| entry["changes"].as_array().unwrap().clone();
        let entries = |body: Value| body["entry"].as_array().unwrap().clone();
        let changes = self.bodies().into_iter().flat_map(entries).flat_map(|entry| changes(&entry));
        changes.map(|change| change["value"].clone()).collect()
    }

    pub(super) fn items(&self, list: &str) -> Vec<Value> {
        self.values().iter().filter_map(|value| value[list].as_array().cloned()).flatten().collect()
    }

    /// The words of the statuses that the host got, in order.
    pub(super) fn statuses(&self) -> Vec<String> {
        self.items("statuses").iter().map(|status| status["status"].as_str().unwrap().to_owned()).collect()
    }

    /// The code of the only failed status.
    pub(super) fn failure(&self) -> i64 {
        let failed: Vec<_> = self.items("statuses").into_iter().filter(|status| status["status"] == "failed").collect();
        assert_eq!(failed.len(), 1, "{failed:?}");
        failed[0]["errors"][0]["code"].as_i64().unwrap()
    }
}

pub(super) fn addressed(to: &str, body: Value) -> Value {
    let mut message = json!({"messaging_product": "whatsapp", "to": to, "biz_opaque_callback_data": "envelope-1"});
    for (name, value) in body.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

pub(super) fn intro() -> Value {
    let body = json!({"type": "body", "parameters": [{"type": "text", "text": "Ana"}]});
    let button = json!({"type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [{"type": "payload", "payload": "stop"}]});
    json!({"type": "template", "template": {"name": "intro", "language": {"code": "fr"}, "components": [body, button]}})
}

pub(super) const ALL_TOLD: [&str; 3] = ["sent", "delivered", "read"];
