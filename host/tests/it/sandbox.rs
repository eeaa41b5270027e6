//! What the sandbox promises, on the hostile guests of `tests/guests`: whatever a flow does costs its own tenant that
//! turn, under the right name, and nobody else anything.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use relais::{
    model::{
        Action, Choice, Content, ConversationId, Event, FaultKind, FlowId, Inbound, Lead, Phone, Reaction, Slot,
        Status, TenantId, Turn,
    },
    sandbox::{
        Asked, Call, Component, Context, Limits, NoSlots, Occasion, Options, Problem, Refusal, Role, Sandbox, Slots,
        Update,
    },
};
use serde_json::{Map, Value, json};

const HOSTILE: &[u8] = include_bytes!("../../../tests/guests/built/hostile.wasm");
const WANTS_HTTP: &str = include_str!("../../../tests/guests/wants-http.wat");
const WANTS_MORE: &str = include_str!("../../../tests/guests/wants-more.wat");
const UNKNOWN_VERSION: &str = include_str!("../../../tests/guests/unknown-version.wat");
const LOOP_IN_START: &str = include_str!("../../../tests/guests/loop-in-start.wat");
const WRONG_TYPES: &str = include_str!("../../../tests/guests/wrong-types.wat");
const TABLE_BOMB: &str = include_str!("../../../tests/guests/table-bomb.wat");

const NOW: &str = "2025-10-08T07:30:00.25Z";

/// One engine for all tests of this file, as in the host; compiled components are kept for the next run.
static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox-cache");
    Sandbox::new(Options { cache_dir: Some(cache), ..Options::default() }).unwrap()
});

async fn hostile(role: Role, way: &str) -> Component {
    let config = json!({ "misbehave": way });
    SANDBOX.prepare(role, HOSTILE, &config, Limits::default()).await.unwrap()
}

async fn refused(wasm: &[u8], config: Value, limits: Limits) -> Refusal {
    SANDBOX.prepare(Role::Qualification, wasm, &config, limits).await.unwrap_err()
}

fn context(tenant: &str) -> Context {
    Context {
        now: NOW.parse().unwrap(),
        timezone: "Europe/Paris".to_owned(),
        language: "fr".to_owned(),
        tenant: TenantId::from(tenant),
        flow: FlowId::from("solaire"),
        conversation: ConversationId::from("cv_1"),
        window_until: None,
        meeting: None,
        last_status: None,
        notes: Map::new(),
    }
}

fn lead() -> Lead {
    Lead {
        crm_id: "c-1".to_owned(),
        phone: Phone::from_whatsapp("33612345604"),
        name: Some("Marie".to_owned()),
        email: None,
        company: None,
        assigned_to: None,
        context: Value::Null,
    }
}

async fn advance_with(
    component: &Component,
    context: &Context,
    seed: &str,
    slots: Arc<dyn Slots>,
    state: Option<&Value>,
    event: &Event,
) -> Asked<Turn> {
    let lead = lead();
    component.advance(Call { context, lead: &lead, slots, seed }, state, event).await
}

async fn advance(component: &Component) -> Asked<Turn> {
    let context = context("acme");
    advance_with(component, &context, "ev_1", Arc::new(NoSlots), None, &Event::LeadReceived).await
}

fn note(asked: &Asked<Turn>, wanted: &str) -> Value {
    let turn = asked.result.as_ref().unwrap();
    turn.actions
        .iter()
        .find_map(|action| match action {
            Action::Note { key, value } if key == wanted => Some(value.clone()),
            _ => None,
        })
        .unwrap_or_else(|| panic!("no note {wanted} in {turn:?}"))
}

#[tokio::test]
async fn every_misbehaviour_has_its_name() {
    use FaultKind::{Actions, Answer, Deadline, Memory, Output, Panic, Rejected, Retry, Stack, State as StateFault};
    for (way, kind, said) in [
        ("loop", Deadline, "longer than its limit"),
        ("memory", Memory, "64 MiB"),
        ("recursion", Stack, "recursed"),
        ("panic", Panic, "boom for cv_1"),
        ("abort", Panic, "unreachable"),
        ("exit", Panic, "exit"),
        ("huge-text", Output, "262144 bytes"),
        ("gigantic-text", Output, "far more bytes"),
        ("long-text", Answer, "actions.0.send.text has 4097 characters"),
        ("huge-state", StateFault, "70002 bytes"),
        ("many-actions", Actions, "20000 actions"),
        ("million-actions", Memory, "64 MiB"),
        ("ask-flood", Panic, "more than 64 times"),
        ("invalid-json-state", Answer, "state is not valid JSON"),
        ("invalid-json-note", Answer, "actions.0.note.value is not valid JSON"),
        ("deep-state", Answer, "recursion limit"),
        ("invisible-text", Answer, "actions.0.send.text is empty"),
        ("bad-time", Answer, "actions.0.start-timer.at is not an instant"),
        ("empty-text", Answer, "actions.0.send.text is empty"),
        ("four-buttons", Answer, "actions.0.send.buttons are 4"),
        ("long-button", Answer, "actions.0.send.buttons.0.title has"),
        ("same-titles", Answer, "same title twice"),
        ("eleven-rows", Answer, "actions.0.send.rows.rows are 11"),
        ("long-pause", Answer, "actions.0.send.after-seconds is 601"),
        ("reject", Rejected, "nobody knows what to say"),
        ("retry", Retry, "ask me later"),
    ] {
        let component = hostile(Role::Qualification, way).await;
        assert!(component.starts_configured(), "{way}");
        let fault = advance(&component).await.result.expect_err(way);
        assert_eq!(fault.kind, kind, "{way}: {fault:?}");
        assert!(fault.message.contains(said), "{way}: {fault:?}");
        let again = advance(&component).await.result.expect_err(way);
        assert_eq!(again, fault, "{way}: a fault leaves nothing behind");
    }
}

#[tokio::test]
async fn what_is_valid_gets_through() {
    for (way, action) in [
        ("", "send"),
        ("wall-time", "start_timer"),
        ("past-booking", "book"),
        ("unknown-template", "send_template"),
        ("unknown-endpoint", "ask_endpoint"),
        ("ask-model", "ask_model"),
        ("text-after-stop", "conclude"),
    ] {
        let turn = advance(&hostile(Role::Qualification, way).await).await.result.unwrap();
        let first = serde_json::to_value(turn.actions.first().unwrap()).unwrap();
        assert_eq!(first["kind"], action, "{way}");
        if way == "wall-time" {
            // In Paris the clocks skip from 2 to 3 on that day.
            assert_eq!(first["at"], "2025-03-30T01:30:00Z");
        }
    }
    let turn = advance(&hostile(Role::Qualification, "control-text").await).await.result.unwrap();
    assert!(matches!(turn.actions.first(), Some(Action::Send { text, .. }) if text == "ab\nc"), "{turn:?}");
    let turn = advance(&hostile(Role::Qualification, "nul-in-state").await).await.result.unwrap();
    assert_eq!(turn.state, Some(json!({ "a": "xy" })));
}

#[tokio::test]
async fn a_trap_shows_its_stack_and_its_last_words() {
    let fault = advance(&hostile(Role::Qualification, "panic").await).await.result.unwrap_err();
    assert!(fault.trace.contains("panicked at"), "{}", fault.trace);
    assert!(fault.trace.contains("advance"), "{}", fault.trace);

    let asked = advance(&hostile(Role::Qualification, "print-flood").await).await;
    let fault = asked.result.unwrap_err();
    assert!(fault.message.ends_with("printed a lot"), "{}", fault.message);
    for (level, text) in &asked.lines {
        assert!(text.len() <= 8 * 1024, "{level}: {}", text.len());
    }

    let asked = advance(&hostile(Role::Qualification, "log-flood").await).await;
    assert!(asked.result.is_ok(), "{:?}", asked.result);
    assert_eq!(asked.lines.len(), 200);
    assert!(asked.lines.iter().all(|(level, text)| level == "info" && text.len() == 1_000));
}

#[tokio::test]
async fn a_flow_sees_nothing_of_the_machine() {
    for way in ["environment", "files", "connect", "read"] {
        let way_or_input = if way == "read" { "standard-input" } else { way };
        let asked = advance(&hostile(Role::Qualification, way_or_input).await).await;
        assert_eq!(note(&asked, way), 0, "{way}");
    }
    let asked = advance(&hostile(Role::Qualification, "clock").await).await;
    assert_eq!(note(&asked, "clock"), NOW.parse::<jiff::Timestamp>().unwrap().as_second());
}

#[tokio::test]
async fn a_sleep_returns_at_once() {
    for way in ["sleep", "sleep-loop"] {
        let component = hostile(Role::Qualification, way).await;
        let begun = Instant::now();
        let asked = advance(&component).await;
        assert_eq!(note(&asked, "slept"), 3_600, "{way}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{way}: {:?}", begun.elapsed());
    }
}

/// An hour of slots, every half hour; remembers what it was asked.
#[derive(Default)]
struct Calendar {
    asked: Mutex<Vec<(String, String, usize)>>,
}

impl Slots for Calendar {
    fn free(&self, from: jiff::Timestamp, to: jiff::Timestamp, limit: usize) -> Vec<Slot> {
        self.asked.lock().unwrap().push((from.to_string(), to.to_string(), limit));
        let hour = jiff::SignedDuration::from_hours(1);
        (1..10_i32)
            .map(|hours| from + hour * hours)
            .map(|start| Slot { start, end: start + hour / 2, with: None })
            .collect()
    }
}

/// Answers from a recording, as when a turn is run again.
struct Recording(Mutex<std::vec::IntoIter<Vec<Slot>>>);

impl Slots for Recording {
    fn free(&self, _: jiff::Timestamp, _: jiff::Timestamp, _: usize) -> Vec<Slot> {
        self.0.lock().unwrap().next().unwrap()
    }
}

#[tokio::test]
async fn a_turn_run_again_gives_the_same_bytes() {
    let context = context("acme");
    let component = hostile(Role::Qualification, "ask-slots").await;
    let calendar = Arc::new(Calendar::default());
    let live = advance_with(&component, &context, "ev_1", calendar.clone(), None, &Event::LeadReceived).await;
    assert_eq!(
        *calendar.asked.lock().unwrap(),
        [("2025-10-08T07:30:00Z".to_owned(), "2025-10-30T23:00:00Z".to_owned(), 3)]
    );
    assert_eq!(
        note(&live, "slots"),
        json!([0, "2025-10-08T10:30:00+02:00", "2025-10-08T11:30:00+02:00", "2025-10-08T12:30:00+02:00"])
    );
    let recording = Arc::new(Recording(Mutex::new(live.slots.clone().into_iter())));
    let again = advance_with(&component, &context, "ev_1", recording, None, &Event::LeadReceived).await;
    assert_eq!(
        serde_json::to_string(&live.result.unwrap()).unwrap(),
        serde_json::to_string(&again.result.unwrap()).unwrap()
    );
    assert_eq!(live.slots, again.slots);

    for way in ["random", "clock", "echo"] {
        // Prepared twice: two hosts, or one host on two days.
        let (one, other) = (hostile(Role::Qualification, way).await, hostile(Role::Qualification, way).await);
        let bytes = async |component: &Component, seed: &str| {
            let asked = advance_with(component, &context, seed, Arc::new(NoSlots), None, &Event::LeadReceived).await;
            serde_json::to_string(&asked.result.unwrap()).unwrap()
        };
        assert_eq!(bytes(&one, "ev_1").await, bytes(&other, "ev_1").await, "{way}");
        if way == "random" {
            assert_ne!(bytes(&one, "ev_1").await, bytes(&one, "ev_2").await);
        }
    }
}

#[tokio::test]
async fn nothing_leaks_from_one_turn_to_the_next() {
    let component = hostile(Role::Qualification, "count-turns").await;
    for _ in 0..3 {
        assert_eq!(note(&advance(&component).await, "turns"), 1);
    }
    let component = hostile(Role::Qualification, "echo").await;
    let context = context("acme");
    let asked = advance(&component).await;
    assert_eq!(note(&asked, "before"), Value::Null);
    assert_eq!(note(&asked, "now"), "2025-10-08T09:30:00+02:00");
    let message = Event::MessageReceived {
        messages: vec![Inbound {
            id: "wamid.1".to_owned(),
            at: NOW.parse().unwrap(),
            content: Content::Choice(Choice { id: "yes".to_owned(), title: "Oui".to_owned() }),
            context: None,
        }],
    };
    let state = asked.result.unwrap().state;
    let asked = advance_with(&component, &context, "ev_2", Arc::new(NoSlots), state.as_ref(), &message).await;
    assert_eq!(note(&asked, "before"), state.unwrap());
    let seen = asked.result.unwrap().state.unwrap().to_string();
    assert!(seen.contains("MessageReceived") && seen.contains("Oui"), "{seen}");
}

#[tokio::test]
async fn a_component_without_an_image_is_configured_each_time() {
    let component = hostile(Role::Qualification, "print-in-configure").await;
    assert!(!component.starts_configured());
    for _ in 0..2 {
        let asked = advance(&component).await;
        let turn = asked.result.unwrap();
        assert!(matches!(turn.actions.first(), Some(Action::Send { text, .. }) if text == "Hello"));
        assert_eq!(asked.lines, [], "what was printed while it was configured is not of the turn");
    }
}

#[tokio::test]
async fn the_other_roles_answer_too() {
    let context = context("acme");
    let lead = lead();
    let call = || Call { context: &context, lead: &lead, slots: Arc::new(NoSlots), seed: "ev_1" };
    let update = Update {
        status: Status::OptOut,
        reason: Some("STOP".to_owned()),
        meeting: None,
        summary: None,
        transcript: "…".to_owned(),
    };
    let mapping = |way| hostile(Role::CrmMapping, way);
    let body = mapping("").await.callback_for_crm(call(), &update).await.result.unwrap();
    assert_eq!(body, r#"{ "status":"Status::OptOut", "crm_id" : "c-1","a":1.50 }"#);
    for (way, kind) in [
        ("list-for-callback", FaultKind::Answer),
        ("text-for-callback", FaultKind::Answer),
        ("loop", FaultKind::Deadline),
        ("retry", FaultKind::Retry),
    ] {
        let fault = mapping(way).await.callback_for_crm(call(), &update).await.result.unwrap_err();
        assert_eq!(fault.kind, kind, "{way}");
    }

    let payload = json!({ "b": 1, "a": [true] });
    let tenant = TenantId::from("acme");
    let read = async |way| {
        let component = mapping(way).await;
        component.lead_from_crm(&tenant, context.now, "Europe/Paris", "req_1", &payload).await.result
    };
    let draft = read("").await.unwrap().unwrap();
    assert_eq!((draft.crm_id.as_str(), draft.phone_number.as_str()), ("c-1", "06 12 34 56 04"));
    assert_eq!((draft.name.as_deref(), draft.company), (Some("Marie Dupont"), None));
    assert_eq!(draft.context, payload);
    assert_eq!(read("refuse-payload").await.unwrap().unwrap_err()[0].at, "phone");
    assert_eq!(read("no-number").await.unwrap().unwrap_err()[0].at, "phone-number");
    assert_eq!(read("loop").await.unwrap_err().kind, FaultKind::Deadline);

    for (way, wanted) in [
        ("", Ok(vec![Reaction::Tag { name: "seen".to_owned() }, Reaction::ReviewAfter { seconds: 60 }])),
        ("unknown-endpoint", Ok(vec![Reaction::Callback { endpoint: "no-such-endpoint".to_owned() }])),
        ("many-actions", Err(FaultKind::Actions)),
        ("long-wait", Err(FaultKind::Answer)),
        ("reject", Err(FaultKind::Rejected)),
        ("loop", Err(FaultKind::Deadline)),
    ] {
        let component = hostile(Role::StatusActions, way).await;
        let occasion = Occasion::StatusReached(update.clone());
        let asked = component.react(call(), &occasion).await;
        assert_eq!(asked.result.map_err(|fault| fault.kind), wanted, "{way}");
    }

    let wrong = mapping("").await.react(call(), &Occasion::ReviewDue).await;
    assert_eq!(wrong.result.unwrap_err().kind, FaultKind::Unavailable);
    let script = hostile(Role::Qualification, "").await;
    let wrong = script.advance(call(), None, &Event::ReviewDue).await;
    assert_eq!(wrong.result.unwrap_err().kind, FaultKind::Unavailable);
}

#[tokio::test]
async fn what_cannot_be_a_role_is_refused_with_a_reason() {
    let none = Value::Null;
    let limits = Limits::default;
    let assembled = |text: &str| wat::parse_str(text).unwrap();

    for bytes in [b"".as_slice(), b"#!/bin/sh", b"\0asm\x01\0\0\0"] {
        let refusal = refused(bytes, none.clone(), limits()).await;
        assert!(matches!(refusal, Refusal::NotAComponent { .. }), "{refusal}");
    }
    let torn = HOSTILE.get(..HOSTILE.len() / 2).unwrap();
    assert!(matches!(refused(torn, none.clone(), limits()).await, Refusal::Invalid(_)));

    let refusal = refused(&assembled(WANTS_HTTP), none.clone(), limits()).await;
    assert_eq!(refusal, Refusal::Needs { interface: "wasi:http/outgoing-handler".to_owned() });
    // Built for a 0.1.9 that has a function more than this host.
    let refusal = refused(&assembled(WANTS_MORE), none.clone(), limits()).await.to_string();
    assert!(refusal.contains("weather") && refusal.contains("build it again on the wit/ files"), "{refusal}");
    let refusal = refused(&assembled(UNKNOWN_VERSION), none.clone(), limits()).await;
    assert_eq!(refusal, Refusal::WrongVersion { found: "9.9.0".to_owned(), supported: "0.1.0" });
    let refusal = refused(&assembled("(component)"), none.clone(), limits()).await;
    assert_eq!(refusal, Refusal::Missing { role: Role::Qualification, exports: vec![] });
    let refusal = refused(&assembled(WRONG_TYPES), none.clone(), limits()).await;
    assert!(matches!(&refusal, Refusal::Contract(why) if why.contains("qualification")), "{refusal}");

    let short = Limits { configure_ms: 100, ..limits() };
    for (wasm, way, kind) in [
        (assembled(LOOP_IN_START), "", FaultKind::Deadline),
        (assembled(TABLE_BOMB), "", FaultKind::Memory),
        (HOSTILE.to_vec(), "loop-in-configure", FaultKind::Deadline),
        (HOSTILE.to_vec(), "memory-in-configure", FaultKind::Memory),
        (HOSTILE.to_vec(), "panic-in-configure", FaultKind::Panic),
    ] {
        let refusal = refused(&wasm, json!({ "misbehave": way }), short.clone()).await;
        assert!(matches!(&refusal, Refusal::Fault(fault) if fault.kind == kind), "{way}: {refusal}");
    }
    let small = Limits { memory_mib: 1, ..limits() };
    let refusal = refused(HOSTILE, none.clone(), small).await;
    assert!(matches!(&refusal, Refusal::Fault(fault) if fault.kind == FaultKind::Memory), "{refusal}");

    let refusal = refused(HOSTILE, json!({ "misbehave": "refuse-configuration" }), limits()).await;
    let problem = |at: &str, what: &str| Problem { at: at.to_owned(), what: what.to_owned() };
    assert_eq!(refusal, Refusal::Problems(vec![problem("steps.2.text", "is too rude"), problem("", "smells")]));
    assert_eq!(refusal.to_string(), "the configuration is refused: steps.2.text: is too rude; smells");

    let greedy = Limits { memory_mib: 100_000, ..limits() };
    let refusal = refused(HOSTILE, none, greedy).await;
    assert_eq!(refusal, Refusal::Limit { key: "memory-mib", wanted: 100_000, most: 512 });
}

/// The neighbour's delays with nobody else about, beside one tenant that spins, and beside four.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_spins_delays_nobody_else() {
    const TURNS: usize = 400;
    let neighbour = hostile(Role::Qualification, "").await;
    let spinner = hostile(Role::Qualification, "loop").await;
    let context_of_neighbour = context("neighbour");
    let mut p99 = BTreeMap::new();
    for attackers in [0, 1, 4] {
        let over = Arc::new(AtomicBool::new(false));
        let attacks: Vec<_> = (0..attackers)
            // Ten turns of each attacker always wait or run.
            .flat_map(|attacker| (0..10).map(move |_| attacker))
            .map(|attacker| {
                let (spinner, over) = (spinner.clone(), over.clone());
                tokio::spawn(async move {
                    let context = context(&format!("evil-{attacker}"));
                    while !over.load(Ordering::Relaxed) {
                        let asked =
                            advance_with(&spinner, &context, "ev_1", Arc::new(NoSlots), None, &Event::LeadReceived)
                                .await;
                        assert_eq!(asked.result.unwrap_err().kind, FaultKind::Deadline);
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut delays = Vec::new();
        for _ in 0..TURNS {
            let begun = Instant::now();
            let asked =
                advance_with(&neighbour, &context_of_neighbour, "ev_1", Arc::new(NoSlots), None, &Event::LeadReceived)
                    .await;
            assert!(asked.result.is_ok());
            delays.push(begun.elapsed());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        over.store(true, Ordering::Relaxed);
        delays.sort();
        println!("{attackers} tenants spin: p50 {:?}, p99 {:?}", delays[TURNS / 2], delays[TURNS * 99 / 100]);
        p99.insert(attackers, delays[TURNS * 99 / 100]);
        for attack in attacks {
            attack.await.unwrap();
        }
    }
    let ratio = p99[&1].as_secs_f64() / p99[&0].as_secs_f64();
    println!("p99 beside one spinning tenant / alone: {ratio:.2}");
    // Twice, and room for a machine that runs other tests as well: far below the 250 ms of one spinning turn.
    let bearable = p99[&0] * 2 + Duration::from_millis(50);
    assert!(p99[&1] < bearable && p99[&4] < bearable, "{p99:?}");
}

/// Not a test of speed but a look at it: what the host adds to a turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_costs_little() {
    const TURNS: usize = 2_000;
    let component = hostile(Role::Qualification, "").await;
    let (mut ran, mut instantiated, mut waited) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let begun = Instant::now();
        let asked = advance(&component).await;
        waited.push(begun.elapsed().as_micros());
        ran.push(u128::from(asked.micros));
        instantiated.push(u128::from(asked.instantiate_micros));
    }
    for (what, mut figures) in [("waited", waited), ("ran", ran), ("instantiated", instantiated)] {
        figures.sort_unstable();
        println!("{what}: p50 {} µs, p99 {} µs", figures[TURNS / 2], figures[TURNS * 99 / 100]);
        assert!(figures[TURNS / 2] < 5_000, "{what}");
    }
}
