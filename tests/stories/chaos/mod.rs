//! P5 to P9 all at once: full conversations with everything that can go wrong between the host, WhatsApp, the person and the
//! CRM, on virtual time, a thousand seeds of it. A seed that fails prints the command that plays it again.

mod checks;
mod plan;
mod wire;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use relais::{
    delivery,
    simulator::{Person, WebhookTarget},
    stage::{Options, Stage, Tuning},
    store::SledStore,
};
use serde_json::json;

use self::{
    checks::Records,
    plan::{Deed, Figure, Plan},
    wire::Wire,
};
use super::scene::{Folder, at, copy, repository};

/// How many seeds are played; `RELAIS_RUNS` plays another number of them, `.ci/run` a thousand.
const RUNS: u64 = 60;
/// Runs at once: each waits for timers of the machine most of the time.
const AT_ONCE: usize = 6;
/// How often what humans lead is given back to the flow before a conversation must have ended.
const RESUMPTIONS: usize = 8;

#[test]
fn seeded_runs_keep_every_promise() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (first, last) = match number("RELAIS_SEED") {
        Some(seed) => (seed, seed),
        None => (1, number("RELAIS_RUNS").unwrap_or(RUNS)),
    };
    let flows = flows();
    let next = AtomicU64::new(first);
    let failures = Mutex::new(Vec::new());
    let told = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed > last {
                        break;
                    }
                    let played = catch_unwind(AssertUnwindSafe(|| play(seed, &flows.0)));
                    match played {
                        Ok((messages, found)) if found.is_empty() => *told.lock().unwrap() += messages,
                        Ok((_, found)) => failures.lock().unwrap().push((seed, found)),
                        Err(_) => failures.lock().unwrap().push((seed, vec!["it broke off".to_owned()])),
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    for (seed, found) in failures.iter().take(20) {
        eprintln!("seed {seed}:");
        for what in found.iter().take(8) {
            eprintln!("    {what}");
        }
        eprintln!("    RELAIS_SEED={seed} cargo test --release --workspace --test stories chaos:: -- --nocapture");
    }
    assert!(failures.is_empty(), "{} of {} seeds broke a promise", failures.len(), last - first + 1);
    let told = told.into_inner().unwrap();
    assert!(first == last || told > last, "people wrote only {told} messages in {last} runs");
}

/// The demonstration's tenant, its first template with buttons.
fn flows() -> Folder {
    let folder = Folder::new("chaos-flows");
    copy(&repository().join("flows/demo"), &folder.0.join("demo"));
    let manifest = folder.0.join("demo/solaire/flow.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let with_buttons = text.replacen(
        "category = \"marketing\"\n",
        "category = \"marketing\"\nquick-replies = [\"Oui\", \"Non\", \"STOP\"]\n",
        1,
    );
    std::fs::write(&manifest, with_buttons).unwrap();
    folder
}

/// Plays a seed; how many messages people wrote that the host heard of, and what was broken.
fn play(seed: u64, flows: &Path) -> (u64, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = runtime.block_on(Run::play(seed, flows));
    runtime.shutdown_background();
    found
}

/// One seed on its stage.
struct Run {
    stage: Stage,
    wire: Wire,
    people: Vec<(Figure, Person)>,
    records: Records,
    _folder: Folder,
}

impl Run {
    async fn play(seed: u64, flows: &Path) -> (u64, Vec<String>) {
        let plan = Plan::of(seed);
        let begin = at("2025-10-08T10:00:00+02:00");
        let folder = Folder::new("chaos");
        let options = Options {
            flows: flows.to_owned(),
            folder: folder.0.clone(),
            begin,
            listen: ([127, 0, 0, 1], 0).into(),
            scenario: plan.scenario,
            seed,
            observer: None,
            tell: Arc::new(|_| {}),
        };
        let tuning = Tuning {
            store: Some(Arc::new(SledStore::temporary().unwrap())),
            // Only a `hang` waits for it, in the machine's time.
            delivery: delivery::Options { http_timeout_ms: 1_500, ..delivery::Options::default() },
            watch: false,
            is_replayable: true,
        };
        let stage = Stage::tuned(options, tuning).await.unwrap();
        let url = format!("{}/webhooks/whatsapp", stage.host.url());
        let wire = Wire::between(seed, plan.habits, url, stage.app_secret(), stage.clock.clone()).await;
        let secret = stage.app_secret().to_owned();
        stage.simulator.set_webhook(WebhookTarget { url: wire.url(), app_secret: secret, verify_token: String::new() });
        let people = plan.people.into_iter().map(|figure| {
            let person = stage.simulator.person(&figure.number);
            (figure, person)
        });
        let people = people.collect();
        let mut run = Self { stage, wire, people, records: Records::default(), _folder: folder };
        for (after, figure, deed) in plan.agenda {
            run.stage.pass_until(begin + after).await;
            run.carry_out(figure, deed).await;
        }
        run.end().await;
        let heard = run.wire.told().messages.len() as u64;
        (heard, checks::of(&run).await)
    }

    async fn carry_out(&mut self, figure: usize, deed: Deed) {
        let (Figure { crm_id, number, other_number }, person) = &self.people[figure];
        match deed {
            Deed::HandOver => {
                let lead = json!({ "crm_contact_id": crm_id, "phone_number": number, "name": "Ada" });
                if let Err(error) = self.stage.post_lead("demo", &lead).await {
                    // Whoever opted out is refused; nothing else may be.
                    let error = error.to_string();
                    if !error.contains("opted-out") {
                        self.records.refused.push(error);
                    }
                }
            }
            Deed::Say(texts) => {
                for text in &texts {
                    let wamid = person.write(text);
                    self.records.said(wamid, figure, text);
                }
            }
            Deed::Quote(text) => {
                let Some(last) = person.seen().pop() else { return };
                let wamid = person.reply(&last.wamid, text);
                self.records.said(wamid, figure, text);
            }
            Deed::Tap(button) => {
                if let Some(wamid) = person.tap(button) {
                    self.records.said(wamid, figure, button);
                }
            }
            Deed::React(emoji) => {
                let Some(last) = person.seen().pop() else { return };
                let wamid = person.react(&last.wamid, emoji);
                self.records.reactions.insert(wamid);
            }
            Deed::Photo => drop(person.send_media("image", Some("mon toit"))),
            Deed::Voice => drop(person.send_media("voice", None)),
            Deed::Place => drop(person.send_location(48.85, 2.35, None)),
            Deed::Poll => drop(person.send_unsupported()),
            Deed::StopMarketing(stops) => person.stop_marketing(stops),
            Deed::ChangeNumber => person.change_number(other_number),
            Deed::ChangeUserId => person.change_user_id(),
            Deed::HideNumber => person.hide_number(),
            Deed::Block => person.block(),
            Deed::Unblock => person.unblock(),
            Deed::Edit(text) => self.change(figure, "edit", Some(text)).await,
            Deed::Revoke => self.change(figure, "revoke", None).await,
            Deed::HumanAnswers => {
                let to = person.number();
                let now = self.now();
                let id = format!("wamid.echo.{figure}.{}", now.as_second());
                let echo = json!({ "from": "33612345690", "to": to.trim_start_matches('+'), "id": id, "timestamp": now.as_second().to_string(),
                    "type": "text", "text": { "body": "Bonjour, ici Claire." } });
                self.wire.tell("smb_message_echoes", "message_echoes", echo).await;
            }
            Deed::CrmFails(status) => self.stage.crm.refuse_with(status),
        }
    }

    /// The person edits or deletes their last message.
    async fn change(&mut self, figure: usize, kind: &str, text: Option<&str>) {
        let Some(original) = self.records.last_of(figure) else { return };
        let now = self.now();
        let mut item = json!({ "from": self.people[figure].1.number().trim_start_matches('+'), "id": format!("{original}.{kind}.{}", now.as_second()),
            "timestamp": now.as_second().to_string(), "type": kind });
        item[kind] = match text {
            Some(text) => {
                json!({ "original_message_id": original, "message": { "type": "text", "text": { "body": text } } })
            }
            None => json!({ "original_message_id": original }),
        };
        if text.is_none() {
            self.records.revoked.insert(original);
        }
        self.wire.tell("messages", "messages", item).await;
    }

    /// Lets everything come to its end; humans give back what they lead, operators clear the alarms.
    async fn end(&mut self) {
        self.stage.crm.refuse_with(None);
        for _ in 0..RESUMPTIONS {
            self.pass_days(9).await;
            let conversations = self.stage.host.store.conversations(None, 100).await.unwrap();
            let led: Vec<_> =
                conversations.into_iter().filter(|conversation| conversation.handed_over.is_some()).collect();
            let alarms = self.stage.host.store.alarms().await.unwrap();
            if led.is_empty() && alarms.is_empty() {
                return;
            }
            for alarm in alarms {
                let url = format!("{}/v1/alarms/{}", self.stage.host.url(), alarm.id);
                let answer = self.wire.client().delete(url).bearer_auth(self.stage.key("demo")).send().await.unwrap();
                assert!(answer.status().is_success(), "{}", answer.status());
            }
            for conversation in led {
                let url = format!("{}/v1/conversations/{}/resume", self.stage.host.url(), conversation.id);
                let answer = self.wire.client().post(url).bearer_auth(self.stage.key("demo")).send().await.unwrap();
                assert_eq!(answer.status(), 202);
            }
        }
    }

    async fn pass_days(&self, days: i64) {
        self.stage.pass_until(self.now() + SignedDuration::from_hours(24 * days)).await;
    }

    fn now(&self) -> Timestamp {
        self.stage.clock.now()
    }
}
