//! What lies between WhatsApp and the host: it loses, refuses, repeats, forgets to answer and takes names off, and it knows
//! when the host was told what.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use jiff::Timestamp;
use relais::{
    model::VirtualClock,
    whatsapp::{SIGNATURE_HEADER, sign},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::plan::Chance;

/// How often it does what, 0 to 1.
pub(super) struct Habits {
    /// Takes a webhook and does not pass it on.
    pub(super) loses: f64,
    /// Refuses it with 503, so that WhatsApp makes it again later: things come late and in another order.
    pub(super) refuses: f64,
    /// Passes it on twice.
    pub(super) repeats: f64,
    /// Passes it on and answers 500, so that WhatsApp makes it again.
    pub(super) forgets: f64,
    /// Takes `contacts` off and, where a user id remains, `from` and `recipient_id`.
    pub(super) strips: f64,
}

/// What the host has taken.
#[derive(Clone, Default)]
pub(super) struct Told {
    /// Messages by `wamid`: when, and whether without a number.
    pub(super) messages: BTreeMap<String, (Timestamp, bool)>,
    /// Choices about marketing messages: when, whose (every name in it), and whether they stop.
    pub(super) preferences: Vec<(Timestamp, Vec<String>, bool)>,
    /// What the host answered other than 200, which it has no reason to.
    pub(super) refusals: Vec<String>,
}

/// The wire. Clones are the same one.
#[derive(Clone)]
pub(super) struct Wire {
    shared: Arc<Shared>,
    address: std::net::SocketAddr,
}

struct Shared {
    seed: u64,
    habits: Habits,
    host: String,
    secret: String,
    clock: VirtualClock,
    client: reqwest::Client,
    tries: Mutex<HashMap<u64, u64>>,
    told: Mutex<Told>,
}

impl Wire {
    pub(super) async fn between(seed: u64, habits: Habits, host: String, secret: &str, clock: VirtualClock) -> Self {
        let shared = Arc::new(Shared {
            seed,
            habits,
            host,
            secret: secret.to_owned(),
            clock,
            client: reqwest::Client::new(),
            tries: Mutex::default(),
            told: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(carry)).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { shared, address }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(super) fn client(&self) -> &reqwest::Client {
        &self.shared.client
    }

    pub(super) fn told(&self) -> Told {
        self.shared.told.lock().unwrap().clone()
    }

    /// Tells the host of an item that the simulator does not make.
    pub(super) async fn tell(&self, field: &str, list: &str, item: Value) {
        let mut value = json!({ "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "33612345690", "phone_number_id": "100000000000001" } });
        value[list] = json!([item]);
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": field, "value": value }] }] });
        self.shared.pass(&body).await;
    }
}

async fn carry(State(wire): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let key = hasher.finish();
    let tries = {
        let mut tries = wire.tries.lock().unwrap();
        let count = tries.entry(key).or_default();
        *count += 1;
        *count
    };
    let mut chance = Chance::new(wire.seed ^ key ^ (tries << 48));
    let habits = &wire.habits;
    if tries < 6 && chance.is(habits.refuses) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if chance.is(habits.loses) {
        return StatusCode::OK;
    }
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    if chance.is(habits.strips) {
        strip(&mut body, &mut chance);
    }
    wire.pass(&body).await;
    if chance.is(habits.repeats) {
        wire.pass(&body).await;
    }
    if tries < 6 && chance.is(habits.forgets) { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}

impl Shared {
    /// Passes a body on and notes what the host has been told by it.
    async fn pass(&self, body: &Value) {
        let bytes = body.to_string().into_bytes();
        let signature = sign(&self.secret, &bytes);
        let answer = self.client.post(&self.host).header(SIGNATURE_HEADER, signature).body(bytes).send().await.unwrap();
        let now = self.clock.now();
        let mut told = self.told.lock().unwrap();
        if answer.status() != 200 {
            told.refusals.push(format!("{} to {body}", answer.status()));
            return;
        }
        for value in values(body) {
            for message in value["messages"].as_array().into_iter().flatten() {
                let Some(id) = message["id"].as_str() else { continue };
                told.messages.entry(id.to_owned()).or_insert((now, message.get("from").is_none()));
            }
            for preference in value["user_preferences"].as_array().into_iter().flatten() {
                let names = ["wa_id", "user_id"].iter().filter_map(|name| Some(preference[*name].as_str()?.to_owned()));
                told.preferences.push((now, names.collect(), preference["value"] == "stop"));
            }
        }
    }
}

fn values(body: &Value) -> impl Iterator<Item = &Value> {
    let changes = body["entry"].as_array().into_iter().flatten().filter_map(|entry| entry["changes"].as_array());
    changes.flatten().map(|change| &change["value"])
}

/// Takes names off, as WhatsApp does at times.
fn strip(body: &mut Value, chance: &mut Chance) {
    let entries = body["entry"].as_array_mut().into_iter().flatten();
    for change in entries.filter_map(|entry| entry["changes"].as_array_mut()).flatten() {
        let Some(value) = change["value"].as_object_mut() else { continue };
        value.remove("contacts");
        for (list, number, user_id) in
            [("messages", "from", "from_user_id"), ("statuses", "recipient_id", "recipient_user_id")]
        {
            for item in value.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if item.get(user_id).is_some() && chance.is(0.3) {
                    item.as_object_mut().unwrap().remove(number);
                }
            }
        }
    }
}
