//! P1 and P2: the real binary is killed in the middle of its work, again and again, and loses nothing that it
//! acknowledged, does nothing by halves, and sends nobody the same message twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use relais::{
    model::{Clock, Direction, EnvelopeState, Payload},
    simulator::{ApprovedTemplate, BusinessNumber, Happening, Options, Scenario, Simulator, WebhookTarget},
    stage::Crm,
    store::{SledStore, Store as _},
};
use serde_json::{Value, json};

use super::scene::{Folder, repository};

const KILLS: u32 = 12;
const POSTERS: u32 = 4;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "token";
const APP_SECRET: &str = "app-secret";

/// The binary, killed with SIGKILL when it is dropped.
struct Host(Child);

impl Host {
    fn start(folder: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_relais"))
            .args(["serve", "--config"])
            .arg(folder.join("relais.toml"))
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder with a tenant that may be written to and called at any hour: this story runs on the machine's clock.
fn write_folder(folder: &Path, port: u16, crm: &str, simulator: &str) {
    let from = repository().join("flows/demo");
    let to = folder.join("flows/demo");
    std::fs::create_dir_all(to.join("solaire")).unwrap();
    for file in ["flow.toml", "script.toml", "crm.toml", "actions.toml"] {
        std::fs::copy(from.join("solaire").join(file), to.join("solaire").join(file)).unwrap();
    }
    let all_week =
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(|day| format!("{day} = [\"00:00-24:00\"]\n")).concat();
    let tenant = format!(
        "name = \"Crash\"\ntimezone = \"Europe/Paris\"\nregion = \"FR\"\ndefault-flow = \"solaire\"\n\
         [whatsapp]\nnumber = \"+33612345690\"\nphone-number-id = \"100000000000001\"\n\
         [endpoints.crm]\nurl = \"{crm}/callback\"\nsecret = \"file:crm.secret\"\n\
         [contact-hours]\nholidays = \"none\"\n[contact-hours.hours]\n{all_week}\
         [calendar]\nholidays = \"none\"\n[calendar.hours]\n{all_week}"
    );
    std::fs::write(to.join("tenant.toml"), tenant).unwrap();
    std::fs::write(to.join("crm.secret"), SECRET).unwrap();
    std::fs::write(folder.join("token"), TOKEN).unwrap();
    std::fs::write(folder.join("app-secret"), APP_SECRET).unwrap();
    let at = folder.display();
    let config = format!(
        "listen = \"127.0.0.1:{port}\"\nstore = \"{at}/store\"\nflows = \"{at}/flows\"\n\
         [simulator]\nbase-url = \"{simulator}\"\ntoken = \"file:{at}/token\"\napp-secret = \"file:{at}/app-secret\"\n\
         verify-token = \"file:{at}/token\"\n\
         [delivery]\nallow-private-addresses = true\nhttp-timeout-ms = 1000\nwaiting-seconds = 1\n\
         unknown-after-seconds = 8\nleft-behind-seconds = 1\ncallback-schedule = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n\
         least-wait-seconds = 1\nnumber-per-second = 1000\n"
    );
    std::fs::write(folder.join("relais.toml"), config).unwrap();
}

fn templates() -> Vec<ApprovedTemplate> {
    let text = std::fs::read_to_string(repository().join("flows/demo/solaire/flow.toml")).unwrap();
    let manifest = relais::flows::Manifest::read("flow.toml", &text).unwrap();
    manifest
        .templates
        .into_values()
        .map(|template| ApprovedTemplate::new(&template.name, &template.language, &template.body))
        .collect()
}

fn number(index: u32) -> String {
    format!("+336{:08}", 12_000_000 + index)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_loses_nothing_and_doubles_nothing() {
    let folder = Folder::new("crash");
    let port = free_port();
    let host_url = format!("http://127.0.0.1:{port}");
    let crm = Crm::open(Clock::system()).await.unwrap();
    crm.trust(SECRET).unwrap();
    let simulator = Simulator::start(Options {
        listen: ([127, 0, 0, 1], 0).into(),
        clock: Clock::system(),
        seed: 7,
        scenario: Scenario::friendly(),
        webhook: Some(WebhookTarget {
            url: format!("{host_url}/webhooks/whatsapp"),
            app_secret: APP_SECRET.to_owned(),
            verify_token: TOKEN.to_owned(),
        }),
        numbers: vec![BusinessNumber {
            phone_number_id: "100000000000001".to_owned(),
            display: "+33612345690".to_owned(),
            waba: "1".to_owned(),
            token: TOKEN.to_owned(),
        }],
        templates: templates(),
        strict: true,
    })
    .await
    .unwrap();
    write_folder(&folder.0, port, &crm.url(), &simulator.base_url());
    let made = Command::new(env!("CARGO_BIN_EXE_relais"))
        .args(["keys", "create", "--tenant", "demo", "--env", "test", "--config"])
        .arg(folder.0.join("relais.toml"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();

    // The load: leads are posted all the time; whoever sees the first message answers.
    let acknowledged = Arc::new(Mutex::new(BTreeMap::<u32, String>::new()));
    let answered = Arc::new(Mutex::new(BTreeSet::<String>::new()));
    let next = Arc::new(AtomicU32::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..POSTERS {
        let (acknowledged, next, stop) = (Arc::clone(&acknowledged), Arc::clone(&next), Arc::clone(&stop));
        let (url, key) = (format!("{host_url}/v1/leads"), key.clone());
        load.spawn(async move {
            let client = reqwest::Client::builder().timeout(Duration::from_secs(3)).build().unwrap();
            while !stop.load(Ordering::SeqCst) {
                let index = next.fetch_add(1, Ordering::SeqCst);
                let lead = json!({ "crm_contact_id": format!("CRM_{index}"), "phone_number": number(index) });
                let sent = client.post(&url).bearer_auth(&key).json(&lead).send().await;
                if let Ok(answer) = sent
                    && answer.status() == 202
                    && let Ok(body) = answer.json::<Value>().await
                {
                    let id = body["conversation_id"].as_str().unwrap().to_owned();
                    acknowledged.lock().unwrap().insert(index, id);
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        });
    }
    {
        let (simulator, answered, stop) = (simulator.clone(), Arc::clone(&answered), Arc::clone(&stop));
        let mut happenings = simulator.subscribe();
        load.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let happening = tokio::time::timeout(Duration::from_millis(100), happenings.recv()).await;
                if let Ok(Ok(Happening::Outbound { to, .. })) = happening
                    && answered.lock().unwrap().insert(to.trim_start_matches('+').to_owned())
                {
                    simulator.person(&format!("+{}", to.trim_start_matches('+'))).write("Non");
                }
            }
        });
    }

    // The kills, at moments that a small generator chooses.
    let mut chance = 0x9E37_79B9_u64;
    let mut kills = 0;
    for _ in 0..KILLS {
        let host = Host::start(&folder.0);
        wait_ready(&host_url).await;
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        tokio::time::sleep(Duration::from_millis(100 + (chance >> 33) % 900)).await;
        drop(host);
        kills += 1;
    }
    stop.store(true, Ordering::SeqCst);
    while load.join_next().await.is_some() {}
    let acknowledged = acknowledged.lock().unwrap().clone();
    let answered = answered.lock().unwrap().clone();
    assert!(acknowledged.len() > 50, "too little load to prove anything: {}", acknowledged.len());

    // Left alone, it catches up.
    let host = Host::start(&folder.0);
    wait_ready(&host_url).await;
    wait_quiet(&crm).await;
    drop(host);

    let store = SledStore::open(&folder.0.join("store")).unwrap();
    let conversations = store.conversations(None, usize::MAX).await.unwrap();
    let known: BTreeSet<String> = conversations.iter().map(|conversation| conversation.id.to_string()).collect();
    for (index, id) in &acknowledged {
        assert!(known.contains(id), "lead {index} was acknowledged as {id} and is lost");
    }
    let received: BTreeSet<String> =
        crm.received().iter().map(|callback| callback.headers["webhook-id"].as_str().unwrap().to_owned()).collect();
    let (mut unknown, mut callbacks) = (0, 0);
    for conversation in &conversations {
        let log = store.log(&conversation.id).await.unwrap();
        let turns: Vec<u64> = log.iter().map(|entry| entry.turn).collect();
        assert_eq!(turns, (0..conversation.next_turn).collect::<Vec<_>>(), "{} has turns by halves", conversation.id);
        let lines = store.lines(&conversation.id).await.unwrap();
        let inbound: Vec<_> = lines.iter().filter(|line| line.direction == Direction::In).collect();
        let wrote = answered.contains(conversation.lead.phone.as_e164().trim_start_matches('+'));
        assert_eq!(inbound.len(), usize::from(wrote), "{}: the person's answer is lost", conversation.id);
        for envelope in store.envelopes(&conversation.id).await.unwrap() {
            match (&envelope.payload, &envelope.state) {
                (Payload::Callback(_), EnvelopeState::Sent { .. }) => {
                    callbacks += 1;
                    assert!(received.contains(envelope.id.as_str()), "callback {} is lost", envelope.id);
                }
                (Payload::Message(_), EnvelopeState::Parked { reason }) if reason == "result-unknown" => unknown += 1,
                (Payload::Message(_), EnvelopeState::Sent { .. } | EnvelopeState::Queued) => {}
                // Shown at most once; nobody misses it.
                (Payload::Acknowledgement(_), _) => {}
                (_, state) => panic!("{} ended as {state:?}", envelope.id),
            }
        }
        let seen = simulator.person(conversation.lead.phone.as_e164()).seen();
        let texts: BTreeSet<&str> = seen.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(texts.len(), seen.len(), "{}: the same message twice", conversation.id);
    }
    println!(
        "survived {kills} kills: {} leads acknowledged, {} conversations, {callbacks} callbacks, {unknown} sends whose \
         fate nobody knows set aside",
        acknowledged.len(),
        conversations.len()
    );
}

async fn wait_ready(url: &str) {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(120) {
        if client.get(format!("{url}/readyz")).send().await.is_ok_and(|answer| answer.status() == 200) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the host is not ready after two minutes");
}

/// Until no callback has come for 45 s: longer than any pause of the flow, of the schedule and of the sweeps.
async fn wait_quiet(crm: &Crm) {
    let (mut count, mut since) = (crm.received().len(), Instant::now());
    while since.elapsed() < Duration::from_secs(45) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = crm.received().len();
        if now != count {
            (count, since) = (now, Instant::now());
        }
    }
}
