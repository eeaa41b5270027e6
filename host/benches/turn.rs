//! What the sandbox costs: one turn of the stock script in a fresh instance, against the same Rust code called natively
//! with the same configuration, state and event.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use std::{
    hint::black_box,
    path::Path,
    sync::{Arc, LazyLock},
    time::Instant,
};

use divan::Bencher;
use relais::{
    flows::STOCK,
    model::{self, Inbound, Phone},
    sandbox::{self, Asked, Call, Component, Context, Limits, NoSlots, Role, Sandbox},
};
use relais_qualify::{Script, State};
use relais_sdk::{Action, Content, Event, Message, Qualification, testing};
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

/// What the person has written before, and what the measured turn is about.
const TURNS: [(&str, &[&str], &str); 2] = [
    ("first question: \"Non\"", &[], "Non"),
    ("booking: \"Début après-midi vers 14h30\"", &["Et le prix"], "Début après-midi vers 14h30"),
];
const NAMES: [&str; 2] = [TURNS[0].0, TURNS[1].0];

/// How many turns of each kind the figures at the end are the medians of.
const ROUNDS: usize = 5_000;

const NOW: &str = "2025-10-08T09:31:36+02:00";
const WROTE_AT: &str = "2025-10-08T09:31:30+02:00";
const WINDOW_UNTIL: &str = "2025-10-09T09:31:30+02:00";

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

fn main() {
    divan::main();
    // `cargo test --benches` only wants to know that it runs.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { ROUNDS } else { 1 };
    for turn in &BENCH.turns {
        BENCH.compare(turn, rounds);
    }
}

#[divan::bench(args = NAMES)]
fn sandboxed(bencher: Bencher<'_, '_>, name: &str) {
    let turn = BENCH.turn(name);
    bencher.bench_local(|| BENCH.sandboxed(turn));
}

#[divan::bench(args = NAMES)]
fn native(bencher: Bencher<'_, '_>, name: &str) {
    let turn = BENCH.turn(name);
    bencher.bench_local(|| BENCH.native(turn));
}

/// The script, twice.
struct Bench {
    runtime: Runtime,
    component: Component,
    script: Script,
    turns: Vec<Turn>,
}

/// What is asked, as the sandbox's caller and as the script's author see it.
struct Turn {
    name: &'static str,
    context: Context,
    lead: model::Lead,
    state: Value,
    event: model::Event,
    native_call: relais_sdk::Call,
    native_state: String,
    native_event: Event,
}

impl Bench {
    fn new() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/demo/solaire/script.toml");
        let config: Value = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let runtime = Runtime::new().unwrap();
        let sandbox = Sandbox::new(sandbox::Options::default()).unwrap();
        let (_, wasm) = STOCK.iter().find(|(name, _)| *name == "qualify").unwrap();
        let prepared = sandbox.prepare(Role::Qualification, wasm, &config, Limits::default());
        let component = runtime.block_on(prepared).unwrap();
        assert!(component.starts_configured(), "a turn starts from the snapshot");
        let script = Script::configure(relais_sdk::parse(&config.to_string()).unwrap()).unwrap();
        let turns = TURNS.map(|(name, before, text)| Turn::after(&script, name, before, text)).into();
        let bench = Self { runtime, component, script, turns };
        for turn in &bench.turns {
            bench.check(turn);
        }
        bench
    }

    fn turn(&self, name: &str) -> &Turn {
        self.turns.iter().find(|turn| turn.name == name).unwrap()
    }

    fn sandboxed(&self, turn: &Turn) -> Asked<model::Turn> {
        let call = Call { context: &turn.context, lead: &turn.lead, slots: Arc::new(NoSlots), seed: "1" };
        self.runtime.block_on(self.component.advance(call, Some(&turn.state), &turn.event))
    }

    /// What the component's export does with the call that it is given, and no more.
    fn native(&self, turn: &Turn) -> relais_sdk::Turn {
        let (call, event) = (turn.native_call.clone(), turn.native_event.clone());
        let state: State = serde_json::from_str(&turn.native_state).unwrap();
        self.script.advance(&call, state, event).unwrap()
    }

    /// Both must answer the same, or there is nothing to compare.
    fn check(&self, turn: &Turn) {
        let (sandboxed, native) = (self.sandboxed(turn).result.unwrap(), self.native(turn));
        let said: Vec<&str> = sandboxed
            .actions
            .iter()
            .filter_map(|action| match action {
                model::Action::Send { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert!(!said.is_empty(), "{}: the script answers", turn.name);
        assert_eq!(said, native.texts(), "{}", turn.name);
        assert_eq!(sandboxed.actions.len(), native.actions().len(), "{}", turn.name);
        assert_eq!(sandboxed.state, native.state_json().map(|text| serde_json::from_str(text).unwrap()));
    }

    /// Prints what the sandbox costs, both measured in turns so that they share the machine's moods.
    fn compare(&self, turn: &Turn, rounds: usize) {
        let (mut sandboxed, mut native, mut instantiation) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let begun = Instant::now();
            let asked = black_box(self.sandboxed(turn));
            sandboxed.push(micros(begun));
            instantiation.push(f64::from(u32::try_from(asked.instantiate_micros).unwrap()));
            let begun = Instant::now();
            black_box(self.native(turn));
            native.push(micros(begun));
        }
        let (sandboxed, native, instantiation) = (median(sandboxed), median(native), median(instantiation));
        println!(
            "turn, {}: sandboxed {sandboxed:.1} µs, native {native:.1} µs, ratio {:.1}; the host adds {:.1} µs, \
             instantiation {instantiation:.0} µs of it (medians of {rounds}, in turns)",
            turn.name,
            sandboxed / native,
            sandboxed - native,
        );
    }
}

impl Turn {
    /// The turn about `text`, after the opening and after what was written `before`.
    fn after(script: &Script, name: &'static str, before: &[&str], text: &str) -> Self {
        let mut call = testing::call(NOW);
        call.context.window_until = Some(WINDOW_UNTIL.to_owned());
        let mut notes = Map::new();
        let mut state = State::default();
        let opening = std::iter::once(Event::LeadReceived);
        for event in opening.chain(before.iter().map(|text| wrote(text))) {
            let turn = script.advance(&call, state, event).unwrap();
            for action in turn.actions() {
                if let Action::Note(note) = action {
                    notes.insert(note.key.clone(), serde_json::from_str(&note.value).unwrap());
                }
            }
            call.context.notes = Value::Object(notes.clone()).to_string();
            state = serde_json::from_str(turn.state_json().unwrap()).unwrap();
        }
        let message = Inbound {
            id: "wamid.1".to_owned(),
            at: WROTE_AT.parse().unwrap(),
            content: model::Content::Text(text.to_owned()),
            context: None,
        };
        Self {
            name,
            context: Context {
                now: NOW.parse().unwrap(),
                timezone: call.context.timezone.clone(),
                language: call.context.language.clone(),
                tenant: call.context.tenant.as_str().into(),
                flow: call.context.flow.as_str().into(),
                conversation: call.context.conversation.as_str().into(),
                window_until: Some(WINDOW_UNTIL.parse().unwrap()),
                meeting: None,
                last_status: None,
                notes,
            },
            lead: model::Lead {
                crm_id: call.lead.crm_id.clone(),
                phone: Phone::parse(&call.lead.phone_number, None).unwrap(),
                name: None,
                email: None,
                company: None,
                assigned_to: None,
                context: Value::Null,
            },
            state: serde_json::to_value(&state).unwrap(),
            event: model::Event::MessageReceived { messages: vec![message] },
            native_state: serde_json::to_string(&state).unwrap(),
            native_call: call,
            native_event: wrote(text),
        }
    }
}

/// The person writes one text.
fn wrote(text: &str) -> Event {
    let content = Content::Text(text.to_owned());
    Event::MessageReceived(vec![Message { id: "wamid.1".to_owned(), at: WROTE_AT.to_owned(), content }])
}

fn micros(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
