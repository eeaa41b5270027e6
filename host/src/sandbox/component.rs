//! A component that plays a role, ready to be asked.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::task;
use wasmtime::Store;

use crate::model::{self, Fault, FaultKind, LeadDraft, Reaction, Slot, TenantId};

use super::{
    Call, NoSlots, Occasion, Problem, Role, Update,
    context::{self, Circumstances},
    engine::{self, Prepared, Shared},
    fault,
    instance::{self, State},
    since_0_1::{Answered, Failure, Question},
};

/// A checked and configured component. Clones are the same one. Each question is answered by a fresh instance.
#[derive(Clone)]
pub struct Component {
    shared: Arc<Shared>,
    /// As it was prepared first: what it is does not change.
    first: Arc<Prepared>,
    /// As it answers now.
    current: Arc<RwLock<Arc<Prepared>>>,
    /// What its image can still be made of.
    source: Arc<Mutex<Option<Source>>>,
}

/// A component and the configuration that its image begins with.
struct Source {
    wasm: Arc<[u8]>,
    config: String,
}

/// How long an image waits to be made: whoever changes a flow changes it again soon.
const PAUSE: Duration = Duration::from_secs(1);

/// What came of a question, and what is worth keeping of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked<T> {
    /// The answer, checked; or what went wrong inside the flow.
    pub result: Result<T, Fault>,
    /// The answers that the flow got to `free-slots`, in order: what it takes to run it again.
    pub slots: Vec<Vec<Slot>>,
    /// Level and text of what it logged and printed. May hold what people wrote: not for the host's own logs.
    pub lines: Vec<(String, String)>,
    /// How long it ran, instantiation and checks included, waiting for a place not.
    pub micros: u64,
    /// How long the instantiation took of that.
    pub instantiate_micros: u64,
}

impl Component {
    pub(super) fn new(shared: Arc<Shared>, prepared: Prepared) -> Self {
        let first = Arc::new(prepared);
        let current = Arc::new(RwLock::new(Arc::clone(&first)));
        Self { shared, first, current, source: Arc::default() }
    }

    pub(super) fn with_source(self, wasm: Arc<[u8]>, config: String) -> Self {
        *self.source.lock().unwrap_or_else(PoisonError::into_inner) = Some(Source { wasm, config });
        self
    }

    /// Has the image of its configured memory made in the background, which its instances start from once it is there:
    /// the same answers, sooner. Once is enough; it ends when nobody uses the component any more. Must be called
    /// within a runtime.
    pub fn improve(&self) {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Source { wasm, config }) = source else { return };
        let (shared, first) = (Arc::clone(&self.shared), Arc::clone(&self.first));
        let current = Arc::downgrade(&self.current);
        task::spawn(async move {
            tokio::time::sleep(PAUSE).await;
            if current.strong_count() == 0 {
                return;
            }
            let prepared = engine::prepare_whole(&shared, first.role, wasm, config, first.limits.clone()).await;
            let (Ok(prepared), Some(current)) = (prepared, current.upgrade()) else { return };
            if prepared.configuration.is_none() {
                *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(prepared);
            } else {
                tracing::warn!(
                    role = %first.role,
                    "no image can be kept of a component, so each call configures it anew, which takes longer: it prints \
                     in `configure`, holds a stream open, or changes its tables while it runs"
                );
            }
        });
    }

    fn current(&self) -> Arc<Prepared> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The role that it was prepared for.
    pub fn role(&self) -> Role {
        self.first.role
    }

    /// All the roles that it could play.
    pub fn exports(&self) -> &[Role] {
        &self.first.exports
    }

    /// The version of the contract that it was built on.
    pub fn contract(&self) -> &str {
        &self.first.contract
    }

    /// Whether its instances start configured; else each call configures its own, which takes longer.
    pub fn starts_configured(&self) -> bool {
        self.current().configuration.is_none()
    }

    /// Asks the qualification script for a turn. An event that is not for scripts is the fault `unavailable`.
    pub async fn advance(&self, call: Call<'_>, state: Option<&Value>, event: &model::Event) -> Asked<model::Turn> {
        let zone = context::zone(&call.context.timezone);
        let question = Question::advance(&call, &zone, state, event);
        self.ask_call(&call, question).await.map(|answered| match answered {
            Answered::Turn(turn) => Some(turn),
            _ => None,
        })
    }

    /// Asks the mapping for the lead in a payload; the inner error is what is wrong with the payload.
    /// `seed` is what random numbers come from, such as the request's identifier.
    pub async fn lead_from_crm(
        &self,
        tenant: &TenantId,
        now: Timestamp,
        timezone: &str,
        seed: &str,
        payload: &Value,
    ) -> Asked<Result<LeadDraft, Vec<Problem>>> {
        let circumstances = Circumstances::of_turn(now, timezone, seed, Arc::new(NoSlots));
        self.ask(tenant, circumstances, Some(Question::lead(payload))).await.map(|answered| match answered {
            Answered::Lead(lead) => Some(lead),
            _ => None,
        })
    }

    /// Asks the mapping for the body of a callback: a JSON object, byte for byte as the flow wrote it.
    pub async fn callback_for_crm(&self, call: Call<'_>, update: &Update) -> Asked<String> {
        let zone = context::zone(&call.context.timezone);
        let question = Question::callback(&call, &zone, update);
        self.ask_call(&call, Some(question)).await.map(|answered| match answered {
            Answered::Callback(body) => Some(body),
            _ => None,
        })
    }

    /// Asks the status actions what follows from an occasion.
    pub async fn react(&self, call: Call<'_>, occasion: &Occasion) -> Asked<Vec<Reaction>> {
        let zone = context::zone(&call.context.timezone);
        let question = Question::react(&call, &zone, occasion);
        self.ask_call(&call, Some(question)).await.map(|answered| match answered {
            Answered::Reactions(reactions) => Some(reactions),
            _ => None,
        })
    }

    async fn ask_call(&self, call: &Call<'_>, question: Option<Question>) -> Asked<Answered> {
        let Call { context, slots, seed, .. } = call;
        let circumstances = Circumstances::of_turn(context.now, &context.timezone, seed, slots.clone());
        self.ask(&context.tenant, circumstances, question).await
    }

    async fn ask(
        &self,
        tenant: &TenantId,
        circumstances: Circumstances,
        question: Option<Question>,
    ) -> Asked<Answered> {
        let Some(question) = question else {
            return Asked::unavailable("events of this kind are not for qualification scripts");
        };
        let Some(place) = self.shared.place(tenant).await else {
            return Asked::unavailable("the host is shutting down");
        };
        let (shared, prepared) = (self.shared.clone(), self.current());
        let ran = task::spawn_blocking(move || {
            let asked = run(&shared, &prepared, circumstances, &question);
            // The place is held for as long as the guest runs, even when nobody waits for it any more.
            drop(place);
            asked
        });
        ran.await.unwrap_or_else(|_| Asked::unavailable("the host failed while the flow was running"))
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("role", &self.first.role)
            .field("contract", &self.first.contract)
            .finish_non_exhaustive()
    }
}

impl<T> Asked<T> {
    /// A recorded question that this host cannot read.
    pub fn unreadable() -> Self {
        Self::unavailable("the recorded question is not one that this version of relais wrote")
    }

    fn unavailable(message: &str) -> Self {
        Self {
            result: Err(fault::of_answer(FaultKind::Unavailable, message)),
            slots: Vec::new(),
            lines: Vec::new(),
            micros: 0,
            instantiate_micros: 0,
        }
    }

    /// The same, with the answer as JSON.
    pub fn as_json(self) -> Asked<Value>
    where
        T: Serialize,
    {
        // Every answer has texts as keys and finite numbers, which always can be written.
        self.map(|answer| Some(serde_json::to_value(answer).unwrap_or_default()))
    }

    fn map<U>(self, pick: impl FnOnce(T) -> Option<U>) -> Asked<U> {
        let Self { result, slots, lines, micros, instantiate_micros } = self;
        let other = || fault::of_answer(FaultKind::Unavailable, OTHER_ROLE);
        let result = result.and_then(|answered| pick(answered).ok_or_else(other));
        Asked { result, slots, lines, micros, instantiate_micros }
    }
}

const OTHER_ROLE: &str = "the component was prepared for another role";

/// Starts an instance, asks it, and lets it go.
fn run(shared: &Shared, prepared: &Prepared, circumstances: Circumstances, question: &Question) -> Asked<Answered> {
    let begun = Instant::now();
    let (mut store, later) = match &prepared.configuration {
        None => (instance::store(shared, circumstances, &prepared.limits), None),
        Some(config) => {
            let store = instance::store(shared, Circumstances::of_configuration(), &prepared.limits);
            (store, Some((config.as_str(), circumstances)))
        }
    };
    let mut instantiate_micros = 0;
    let answered = answer(&mut store, prepared, later, question, |store| {
        instantiate_micros = micros(begun);
        instance::give_time(store, prepared.limits.turn_ms);
    });
    let state = store.into_data();
    let printed = state.console.err.text();
    let result = answered.map_err(|failure| match failure {
        Failure::Error(error) => fault::of_error(&error, &printed),
        Failure::Fault(fault) => Fault { trace: printed.clone(), ..fault },
        Failure::OtherRole => fault::of_answer(FaultKind::Unavailable, OTHER_ROLE),
    });
    let mut lines = state.host.lines;
    for (level, text) in [("stdout", state.console.out.text()), ("stderr", printed)] {
        if !text.is_empty() {
            lines.push((level.to_owned(), text));
        }
    }
    Asked { result, slots: state.host.answers, lines, micros: micros(begun), instantiate_micros }
}

/// Instantiates, configures when that is not in the image, and asks. `instantiated` is called right before the question.
fn answer(
    store: &mut Store<State>,
    prepared: &Prepared,
    configure_for: Option<(&str, Circumstances)>,
    question: &Question,
    instantiated: impl FnOnce(&mut Store<State>),
) -> Result<Answered, Failure> {
    let Prepared { roles, instances, limits, .. } = prepared;
    let to_start = if configure_for.is_some() { limits.configure_ms } else { limits.turn_ms };
    instance::give_time(store, to_start);
    let instance = instances.instantiate(&mut *store)?;
    if let Some((config, circumstances)) = configure_for {
        if roles.configure(store, &instance, config)?.is_err() {
            let message = "refused a configuration that it took when it was activated";
            return Err(fault::of_answer(FaultKind::Answer, message).into());
        }
        store.data_mut().enter(circumstances);
    }
    instantiated(store);
    roles.ask(store, &instance, question, limits)
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
