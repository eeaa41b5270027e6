//! Hostile flows on a whole host: each ends with its named fault or with a refusal of policy, its neighbour feels nothing,
//! and what was parked goes on once the flow is mended.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use relais::{
    model::{Conversation, ConversationId, Event, FaultKind},
    simulator::Person,
    stage::Stage,
    store::{Append, To},
};
use serde_json::{Value, json};

use super::scene::{Folder, at, copy, repository, run_again, stage_of};

const BEGIN: &str = "2025-10-08T10:00:00+02:00";

/// What becomes of a flow that misbehaves.
enum End {
    /// Parked, with this fault, after so many turns that failed.
    Parked(FaultKind, usize, &'static str),
    /// Overruled: the log says so, and nothing is parked.
    Overruled(&'static str),
    /// Told by a later event, whose name and reason are these.
    Told(&'static str),
    /// Carried out, harmlessly.
    Harmless,
}

/// Every way, by the role that goes it.
fn ways() -> Vec<(&'static str, &'static str, End)> {
    use End::{Harmless, Overruled, Parked, Told};
    use FaultKind::{Actions, Answer, Busy, Deadline, Memory, Output, Panic, Rejected, Retry, Stack, State};
    let script = "qualification";
    vec![
        (script, "loop", Parked(Deadline, 5, "longer than its limit")),
        (script, "memory", Parked(Memory, 5, "MiB")),
        (script, "recursion", Parked(Stack, 5, "recursed")),
        (script, "panic", Parked(Panic, 5, "boom for cv_")),
        (script, "exit", Parked(Panic, 5, "exit")),
        (script, "gigantic-text", Parked(Output, 5, "bytes")),
        (script, "huge-state", Parked(State, 5, "70002 bytes")),
        (script, "deep-state", Parked(Answer, 5, "recursion limit")),
        (script, "invalid-json-state", Parked(Answer, 5, "not valid JSON")),
        (script, "many-actions", Parked(Actions, 5, "20000 actions")),
        (script, "million-actions", Parked(Memory, 5, "MiB")),
        (script, "ask-flood", Parked(Panic, 5, "more than 64 times")),
        (script, "unknown-template", Parked(Answer, 5, "no_such_template")),
        (script, "invisible-text", Parked(Answer, 5, "is empty")),
        (script, "retry", Parked(Retry, 5, "ask me later")),
        (script, "reject", Parked(Rejected, 1, "nobody knows")),
        (script, "timer-forever", Parked(Busy, 1, "turns of its own")),
        (script, "send-forever", Parked(Busy, 1, "turns of its own")),
        // Asks for ever, is told each time that it is not to be had.
        (script, "unknown-endpoint", Parked(Busy, 1, "turns of its own")),
        (script, "past-booking", Parked(Busy, 1, "turns of its own")),
        (script, "book-neighbour", Told("SlotTaken")),
        (script, "text-after-stop", Overruled("the conversation has ended")),
        (script, "bidi-text", Harmless),
        (script, "log-flood", Harmless),
        (script, "sleep", Harmless),
        (script, "random", Harmless),
        (script, "environment", Harmless),
        (script, "connect", Harmless),
        (script, "files", Harmless),
        // The first status is tried five times; each one after it, once: what was parked may have been another component.
        ("crm-mapping", "two-objects-for-callback", Parked(Answer, 6, "not valid JSON")),
        ("crm-mapping", "half-a-callback", Parked(Answer, 6, "not valid JSON")),
        ("crm-mapping", "list-for-callback", Parked(Answer, 6, "not a JSON object")),
        ("status-actions", "endpoint-of-neighbour", Overruled("tenant.toml declares no endpoint")),
        ("status-actions", "unknown-endpoint", Overruled("tenant.toml declares no endpoint")),
        ("status-actions", "many-actions", Parked(Actions, 6, "21 reactions")),
        ("status-actions", "review-forever", Parked(Busy, 1, "turns of its own")),
    ]
}

/// A flow that plays one role badly and the others well.
pub(crate) fn write_flow(tenant: &Path, flow: &str, role: &str, way: &str) {
    let folder = tenant.join(flow);
    std::fs::create_dir_all(&folder).unwrap();
    let guest = repository().join("tests/guests/built/hostile.wasm");
    std::fs::copy(guest, folder.join("hostile.wasm")).unwrap();
    std::fs::write(folder.join("way.toml"), format!("misbehave = \"{way}\"\n")).unwrap();
    std::fs::write(folder.join("well.toml"), "misbehave = \"welcome\"\n").unwrap();
    let mut manifest = format!("[roles.{role}]\ncomponent = \"./hostile.wasm\"\nconfig = \"way.toml\"\n");
    if role != "qualification" {
        manifest += "[roles.qualification]\ncomponent = \"./hostile.wasm\"\nconfig = \"well.toml\"\n";
    }
    manifest += "[templates.hello]\nname = \"hello\"\nlanguage = \"en\"\ncategory = \"marketing\"\nbody = \"Hello\"\n";
    std::fs::write(folder.join("flow.toml"), manifest).unwrap();
}

/// A stage with the demonstration's tenant and one that is evil, a flow a way.
async fn stage(folder: &Folder, flows: &[(&str, &str)]) -> Stage {
    let published = folder.0.join("published");
    let evil = published.join("evil");
    copy(&repository().join("flows/demo"), &published.join("demo"));
    std::fs::create_dir_all(&evil).unwrap();
    for file in ["tenant.toml", "crm.secret"] {
        std::fs::copy(repository().join("examples/rust-hello").join(file), evil.join(file)).unwrap();
    }
    for (role, way) in flows {
        write_flow(&evil, &flow_of(role, way), role, way);
    }
    stage_of(published, folder, at(BEGIN)).await
}

fn flow_of(role: &str, way: &str) -> String {
    format!("{role}-{way}")
}

async fn hand_over(stage: &Stage, tenant: &str, flow: &str, person: usize) -> ConversationId {
    let lead = json!({
        "crm_contact_id": format!("{flow}-{person}"),
        "phone_number": format!("+336124{person:05}"),
        "name": "Ada Lovelace",
        "flow": flow,
    });
    let answer = stage.post_lead(tenant, &lead).await.unwrap();
    ConversationId::new(answer["conversation_id"].as_str().unwrap())
}

/// Someone who writes to the evil tenant.
fn person_of_evil(stage: &Stage, person: usize) -> Person {
    stage.simulator.person(&format!("+336124{person:05}")).to_business("100000000000009")
}

/// What the evil tenant's key gets to see.
async fn get(stage: &Stage, path: &str) -> Value {
    let url = format!("{}{path}", stage.host.url());
    reqwest::Client::new().get(url).bearer_auth(stage.key("evil")).send().await.unwrap().json().await.unwrap()
}

async fn conversation(stage: &Stage, id: &ConversationId) -> Conversation {
    stage.host.store.conversation(id).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_flow_ends_with_a_fault_or_a_refusal() {
    let folder = Folder::new("hostile");
    let ways = ways();
    assert!(ways.len() >= 20);
    let flows: Vec<_> = ways.iter().map(|(role, way, _)| (*role, *way)).collect();
    let stage = stage(&folder, &flows).await;
    let mut conversations = Vec::new();
    for (person, (role, way, _)) in ways.iter().enumerate() {
        conversations.push(hand_over(&stage, "evil", &flow_of(role, way), person).await);
    }
    // Someone answers, so that there is a status to tell and a window to write in.
    stage.pass_until(at("2025-10-08T10:10:00+02:00")).await;
    for person in 0..ways.len() {
        person_of_evil(&stage, person).write("Hello");
    }
    stage.pass_until(at("2025-10-08T11:00:00+02:00")).await;

    for ((role, way, end), id) in ways.iter().zip(&conversations) {
        let log = stage.host.store.log(id).await.unwrap();
        let conversation = conversation(&stage, id).await;
        let policy: Vec<&String> = log.iter().flat_map(|entry| &entry.policy).collect();
        match end {
            End::Parked(kind, faults, said) => {
                let parked = conversation.parked.as_ref().unwrap_or_else(|| panic!("{role} {way} is not parked"));
                let failed = log.iter().filter(|entry| entry.fault.is_some()).count();
                assert_eq!((parked.kind, failed), (*kind, *faults), "{role} {way}: {parked:?}");
                assert!(parked.message.contains(said), "{role} {way}: {parked:?}");
                let shown = get(&stage, &format!("/v1/conversations/{id}")).await;
                assert_eq!(shown["parked"]["kind"], kind.name(), "{role} {way}: {shown}");
            }
            End::Overruled(why) => {
                assert_eq!(conversation.parked, None, "{role} {way}");
                assert!(policy.iter().any(|said| said.contains(why)), "{role} {way}: {policy:?}");
            }
            End::Told(event) => {
                assert!(
                    log.iter().any(|entry| format!("{:?}", entry.event).starts_with(event)),
                    "{role} {way}: {log:?}"
                );
            }
            End::Harmless => {
                assert_eq!(conversation.parked, None, "{role} {way}");
                assert!(log.iter().all(|entry| entry.fault.is_none()), "{role} {way}");
                assert!(log.iter().flat_map(|entry| &entry.calls).all(|call| call.lines.len() <= 200), "{role} {way}");
            }
        }
        assert!(log.len() < 200, "{role} {way}: {} turns", log.len());
        // P4, whatever a flow does about it.
        for call in run_again(&stage, &conversation).await.into_iter().filter(|call| call.fault.is_none()) {
            assert!(call.is_same(), "{role} {way}: {} became {}", call.logged, call.found);
        }
    }

    // What was told and sent: nothing broken, nothing after STOP, nothing that reads otherwise than it was written.
    for callback in stage.crm.received() {
        assert!(callback.body.is_object(), "{}", callback.body);
        assert_ne!(callback.body["crm_id"], "of another");
    }
    let person = |way: &str| {
        let index = ways.iter().position(|(_, found, _)| *found == way).unwrap();
        person_of_evil(&stage, index)
    };
    assert_eq!(person("text-after-stop").seen_count(), 0);
    assert!(person("bidi-text").seen().iter().all(|message| !format!("{message:?}").contains('\u{202e}')));
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_has_the_last_word() {
    let folder = Folder::new("policy");
    let flows = [("qualification", "nag"), ("qualification", "book-once"), ("qualification", "welcome")];
    let stage = stage(&folder, &flows).await;

    // Timers that nag after STOP: the flow is not even asked.
    let nagged = hand_over(&stage, "evil", "qualification-nag", 1).await;
    let victim = person_of_evil(&stage, 1);
    stage.pass_until(at("2025-10-08T10:01:00+02:00")).await;
    victim.write("Hi");
    stage.pass_until(at("2025-10-08T10:05:00+02:00")).await;
    let before = victim.seen_count();
    assert!(before > 0, "within the window it may write");
    victim.write("STOP");
    stage.pass_until(at("2025-10-08T14:00:00+02:00")).await;
    assert_eq!(victim.seen_count(), before, "after STOP nothing more comes");
    let log = stage.host.store.log(&nagged).await.unwrap();
    let ignored = log.iter().filter(|entry| matches!(entry.event, Event::TimerFired { .. })).collect::<Vec<_>>();
    assert!(ignored.iter().all(|entry| entry.calls.is_empty()), "{ignored:?}");

    // A slot that someone has: one gets it, the other is told.
    let first = hand_over(&stage, "evil", "qualification-book-once", 2).await;
    stage.pass_until(at("2025-10-08T14:05:00+02:00")).await;
    let second = hand_over(&stage, "evil", "qualification-book-once", 3).await;
    stage.pass_until(at("2025-10-08T14:10:00+02:00")).await;
    assert!(conversation(&stage, &first).await.meeting.is_some());
    assert!(conversation(&stage, &second).await.meeting.is_none());
    let log = stage.host.store.log(&second).await.unwrap();
    assert!(
        log.iter().any(|entry| matches!(&entry.event, Event::SlotTaken { reason, .. } if reason.name() == "taken"))
    );

    // Free text to someone who never wrote: the window is closed, so nothing leaves.
    let unasked = hand_over(&stage, "evil", "qualification-welcome", 4).await;
    stage.pass_until(at("2025-10-08T16:00:00+02:00")).await;
    assert_eq!(person_of_evil(&stage, 4).seen_count(), 0);
    let log = stage.host.store.log(&unasked).await.unwrap();
    assert!(
        log.iter()
            .any(|entry| matches!(&entry.event, Event::MessageUndelivered { reason, .. } if reason == "window-closed")),
        "{log:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_parked_goes_on_after_a_fix_and_its_author_can_reproduce_it() {
    let folder = Folder::new("fault");
    let stage = stage(&folder, &[("qualification", "panic")]).await;
    let id = hand_over(&stage, "evil", "qualification-panic", 1).await;
    stage.pass_until(at("2025-10-08T10:10:00+02:00")).await;
    assert!(conversation(&stage, &id).await.parked.is_some());

    let report = get(&stage, &format!("/v1/conversations/{id}/fault")).await;
    assert_eq!(report["function"], "qualification.advance");
    assert_eq!(report["event"]["kind"], "lead_received");
    assert_eq!(report["state"], Value::Null);
    assert!(report["message"].as_str().unwrap().contains("boom for cv_"), "{report}");
    let stack: Vec<_> = report["stack"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(stack.iter().any(|line| line.contains("hostile::advance") || line.contains("advance")), "{stack:#?}");

    // On the author's desk: the same fault with the same component, none with a mended one.
    let file = folder.0.join("fault.json");
    std::fs::write(&file, report.to_string()).unwrap();
    let flow = folder.0.join("published/evil/qualification-panic");
    let reproduce = |flow: &Path| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_relais"))
            .args(["flow", "reproduce"])
            .args([&file, flow])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said + &String::from_utf8_lossy(&output.stderr))
    };
    let (is_mended, said) = reproduce(&flow);
    assert!(
        !is_mended && said.contains("now: qualification.advance fails (panic): ") && said.contains("boom"),
        "{said}"
    );
    let said = rehearse(&flow);
    assert!(said.contains("it failed (5 times in all): panic: ") && said.contains("hostile"), "{said}");
    assert_eq!(said.matches("error while executing at wasm backtrace").count(), 1, "{said}");
    std::fs::write(flow.join("way.toml"), "misbehave = \"welcome\"\n").unwrap();
    let (is_mended, said) = reproduce(&flow);
    assert!(is_mended && said.contains("now: qualification.advance answers"), "{said}");

    // A human lets it continue: the same version fails again and is parked again, its event not lost.
    let retried = Append {
        tenant: None,
        to: To::Conversation(id.clone()),
        key: None,
        event: Event::Retried,
        at: stage.clock.now(),
        raw: None,
    };
    stage.host.store.append(vec![retried]).await.unwrap();
    stage.host.beat();
    stage.pass_until(at("2025-10-08T10:20:00+02:00")).await;
    let conversation = conversation(&stage, &id).await;
    assert!(conversation.parked.is_some() && conversation.held == [Event::LeadReceived], "{conversation:?}");
}

/// What `relais flow test` says of a flow that fails.
fn rehearse(flow: &Path) -> String {
    std::fs::create_dir_all(flow.join("conversations")).unwrap();
    let golden = "title = \"It greets\"\nbegin = \"2025-10-08 10:00\"\n\
        lead = { crm_contact_id = \"C-1\", phone_number = \"+33612345604\" }\ntalk = [{ agent = \"Hello\" }]\n";
    std::fs::write(flow.join("conversations/greets.toml"), golden).unwrap();
    let tested =
        std::process::Command::new(env!("CARGO_BIN_EXE_relais")).args(["flow", "test"]).arg(flow).output().unwrap();
    assert!(!tested.status.success());
    String::from_utf8(tested.stdout).unwrap()
}

/// Leads of a neighbour, each through its mapping component and to the disk, while another tenant's flows spin.
#[tokio::test(flavor = "multi_thread")]
async fn the_neighbour_feels_nothing() {
    const LEADS: usize = 150;
    let folder = Folder::new("neighbour");
    let stage = stage(&folder, &[("qualification", "loop"), ("qualification", "memory")]).await;
    let mut figures = BTreeMap::new();
    for (round, is_attacked) in [(0, false), (1, true)] {
        if is_attacked {
            for person in 0..40 {
                let flow = if person % 2 == 0 { "qualification-loop" } else { "qualification-memory" };
                hand_over(&stage, "evil", flow, 500 + person).await;
            }
        }
        let mut delays = Vec::new();
        for lead in 0..LEADS {
            let begun = Instant::now();
            hand_over(&stage, "demo", "solaire", 1_000 * (round + 1) + lead).await;
            delays.push(begun.elapsed());
        }
        delays.sort();
        figures.insert(is_attacked, (delays[LEADS / 2], delays[LEADS * 99 / 100]));
    }
    let (quiet, attacked) = (figures[&false], figures[&true]);
    println!("a neighbour's leads, p50 and p99: quiet {quiet:?}, beside an attack {attacked:?}");
    assert!(stage.host.is_busy(), "the attack lasted as long as the measurement");
    // Twice, and room for a machine that runs other tests as well: far below the 250 ms of one spinning turn.
    assert!(attacked.1 < quiet.1 * 2 + Duration::from_millis(60), "{figures:?}");
    stage.pass_until(at(BEGIN) + SignedDuration::from_mins(1)).await;
}
