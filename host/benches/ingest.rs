//! How many leads a second come to rest behind `POST /v1/leads`, against a server that only checks the key.
//!
//! Both are asked by the same clients over the same kind of keep-alive connections, on this machine and in turns, so that
//! the ratio is what the mapping in its sandbox, the checks and the durable store cost. The loops behind the door (turns,
//! timers, delivery) do not run: this is the door and the store alone. Each lead is a new person, and each 202 of the
//! door's was flushed to the disk that holds the build folder.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    routing::post,
};
use jiff::Timestamp;
use relais::{
    api::{self, Api, digest, new_key},
    delivery::{self, Delivery, Directory, Endpoint, Sender},
    flows::Flows,
    model::{Clock, Environment, Pulse, TenantId},
    sandbox::{self, Sandbox},
    store::{ApiKey, SledStore, Store},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

/// Keep-alive connections, each with one request under way.
const CONNECTIONS: [usize; 3] = [8, 32, 256];
/// How often each server has its turn.
const ROUNDS: usize = 4;
const ROUND: Duration = Duration::from_secs(1);
const WARM_UP: Duration = Duration::from_millis(300);

/// A tenant of the repository's `flows/`.
const TENANT: &str = "demo";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // `cargo test --benches` only wants to know that it runs.
    let measures = std::env::args().any(|argument| argument == "--bench");
    let (rounds, round, warm_up) = if measures { (ROUNDS, ROUND, WARM_UP) } else { (1, WARM_UP / 4, WARM_UP / 4) };
    // A provider that is installed already will do.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let folder = Folder::new()?;
    let store: Arc<dyn Store> = Arc::new(SledStore::open(&folder.0)?);
    let (secret, key) = new_key(TenantId::new(TENANT), Environment::Test, Timestamp::now())?;
    store.add_key(key.clone()).await?;
    let door = serve(door(&store).await?).await?;
    let plain = serve(plain(key)).await?;

    let load = Load { secret, next: AtomicU32::new(0) };
    let load = Arc::new(load);
    let mut taken = 0;
    for connections in CONNECTIONS {
        let at_door = Load::clients(connections)?;
        let at_plain = Load::clients(connections)?;
        taken += load.run(door, &at_door, warm_up).await?.requests;
        load.run(plain, &at_plain, warm_up).await?;
        let (mut durable, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let ran = load.run(door, &at_door, round).await?;
            taken += ran.requests;
            durable.push(ran.per_second());
            bare.push(load.run(plain, &at_plain, round).await?.per_second());
        }
        let (durable, bare) = (median(durable), median(bare));
        println!(
            "ingest, {connections} connections: {durable:.0} durable leads/s; a server that only checks the key {bare:.0} \
             requests/s; {:.1} % of it, {:.1} times fewer (medians of {rounds} rounds each, in turns)",
            100.0 * durable / bare,
            bare / durable,
        );
    }
    let kept: u64 =
        store.running(&TenantId::new(TENANT), &"solaire".into()).await?.iter().map(|(_, count)| count).sum();
    ensure!(kept == taken, "{taken} leads were accepted, {kept} are in the store");
    println!("ingest: all {taken} accepted leads are in the store");
    Ok(())
}

/// The doors of a host whose loops do not run.
async fn door(store: &Arc<dyn Store>) -> anyhow::Result<Router> {
    let components = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-components");
    let sandbox = Sandbox::new(sandbox::Options { cache_dir: Some(components), ..sandbox::Options::default() })?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows");
    let flows = Flows::open(Arc::clone(store), sandbox, relais::flows::Options::of_folder(&root)).await?;
    flows.publish(Timestamp::now()).await?;
    let (clock, pulse) = (Clock::system(), Pulse::default());
    let delivery =
        Delivery::new(Arc::clone(store), clock.clone(), Arc::new(Nobody), pulse.clone(), delivery::Options::default())?;
    Ok(Api::new(Arc::clone(store), flows, clock, pulse, delivery, api::Options::default()).router())
}

/// Whom delivery would write to, if it ran.
struct Nobody;

impl Directory for Nobody {
    fn endpoint(&self, _: &TenantId, _: &str) -> Option<Endpoint> {
        None
    }

    fn sender(&self, _: &TenantId, _: Environment) -> Option<Sender> {
        None
    }

    fn contact_hours_hold(&self, _: &TenantId, at: Timestamp) -> Timestamp {
        at
    }
}

/// What is compared with: reads the request, looks the key up by its digest, answers as the door does.
fn plain(key: ApiKey) -> Router {
    let keys = Arc::new(HashMap::from([(key.digest.clone(), key)]));
    Router::new().route("/v1/leads", post(answer)).with_state(keys)
}

async fn answer(
    State(keys): State<Arc<HashMap<String, ApiKey>>>,
    headers: HeaderMap,
    _: Bytes,
) -> (StatusCode, Json<Value>) {
    let secret = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match secret.and_then(|secret| keys.get(&digest(secret))) {
        Some(_) => {
            let answer = json!({ "conversation_id": "cv_01k6z5m1v8c1j3f5r7t9w1y3a5", "status": "accepted" });
            (StatusCode::ACCEPTED, Json(answer))
        }
        None => (StatusCode::UNAUTHORIZED, Json(Value::Null)),
    }
}

/// Serves until the process ends.
async fn serve(router: Router) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Leads without end, no two of the same person.
struct Load {
    secret: String,
    next: AtomicU32,
}

/// What one round came to.
struct Ran {
    requests: u64,
    took: Duration,
}

impl Ran {
    fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.requests).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }
}

impl Load {
    /// A client for each connection, which it keeps.
    fn clients(connections: usize) -> reqwest::Result<Vec<reqwest::Client>> {
        (0..connections).map(|_| reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()).collect()
    }

    /// Each client posts one lead after the other for so long.
    async fn run(self: &Arc<Self>, to: SocketAddr, clients: &[reqwest::Client], time: Duration) -> anyhow::Result<Ran> {
        let begun = Instant::now();
        let mut running = JoinSet::new();
        for client in clients {
            let (load, client) = (Arc::clone(self), client.clone());
            running.spawn(async move {
                let mut requests = 0_u64;
                while begun.elapsed() < time {
                    load.post(&client, to).await?;
                    requests += 1;
                }
                anyhow::Ok(requests)
            });
        }
        let mut requests = 0;
        while let Some(ran) = running.join_next().await {
            requests += ran??;
        }
        Ok(Ran { requests, took: begun.elapsed() })
    }

    async fn post(&self, client: &reqwest::Client, to: SocketAddr) -> anyhow::Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let lead = json!({
            "crm_contact_id": format!("CRM_{number}"),
            "phone_number": format!("+3361{number:07}"),
            "name": "Marie Martin",
            "email": "marie@example.com",
        });
        let answer = client.post(format!("http://{to}/v1/leads")).bearer_auth(&self.secret).json(&lead).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        ensure!(status == StatusCode::ACCEPTED, "hand a lead over: {status} {}", String::from_utf8_lossy(&body));
        Ok(())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The store's folder, on the disk of the build folder; removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-ingest-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
