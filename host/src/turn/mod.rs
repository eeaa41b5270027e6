//! Takes an event, asks the flow, applies policy, commits: one event through one flow is one store transaction.

mod asking;
mod booking;
mod draft;
mod effects;
mod inbound;
mod mask;
mod migration;
mod receipt;
mod replay;
mod report;
mod rerun;
mod retry;
mod waiting;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use jiff::{Timestamp, ToSpan as _};
use tokio::sync::Semaphore;

pub use inbound::keyword;
pub use mask::replace_numbers;
pub use replay::{Point, Replayed, Verdict, replay};
pub use rerun::{Rerun, rerun};

use self::{asking::Asking, booking::Booking, draft::Draft, inbound::Next};
use crate::{
    flows::{Flows, OptOut},
    model::{Clock, EnvelopeState, Event, Fault, FaultKind, Inbound, OwnTurns, Pulse, ReceiptStatus, Status},
    store::{self, Commit, Committed, Store, Taken},
};

/// Pauses after a fault, in seconds; after as many faults in a row as there are pauses plus one, the conversation is
/// parked for a human.
const FAULT_PAUSES: [i64; 4] = [1, 5, 30, 120];
/// A flow may cause so many turns of its own an hour: by timers, bookings, reviews and questions, without a word from the
/// person. Far more than any script needs, far less than one that chases its own tail.
const MOST_OWN_TURNS: u32 = 60;
/// A slot that is lost to another lead while a turn is made is looked for again this many times.
const BOOKING_TRIES: usize = 5;

/// The reason of an opt-out that WhatsApp's own control, or Meta's 131050, told of.
const WHATSAPP: &str = "WHATSAPP";

/// How the turn loop runs.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Turns under way at once; each belongs to another conversation. Many share one flush of the store.
    pub at_once: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { at_once: 64 }
    }
}

/// Told after each committed turn: the demonstration and the metrics listen.
pub type Observer = Arc<dyn Fn(&Commit) + Send + Sync>;

/// The turn loop. Clones share it.
#[derive(Clone)]
pub struct Turns {
    store: Arc<dyn Store>,
    flows: Flows,
    clock: Clock,
    pulse: Pulse,
    observer: Option<Observer>,
    slots: Arc<Semaphore>,
    busy: Arc<AtomicUsize>,
}

impl Turns {
    /// Makes the loop; it does nothing until [`Turns::run`].
    pub fn new(
        store: Arc<dyn Store>,
        flows: Flows,
        clock: Clock,
        pulse: Pulse,
        options: Options,
        observer: Option<Observer>,
    ) -> Self {
        Self {
            store,
            flows,
            clock,
            pulse,
            observer,
            slots: Arc::new(Semaphore::new(options.at_once)),
            busy: Arc::default(),
        }
    }

    /// How many turns are under way.
    pub fn in_flight(&self) -> usize {
        self.busy.load(Ordering::SeqCst)
    }

    /// Takes turns until the task is dropped. A store that fails is tried again, a second later.
    pub async fn run(self) {
        let mut listener = self.pulse.listen();
        loop {
            let pause = match self.start_ready().await {
                Ok(()) => self.store.next_due().await,
                Err(error) => Err(error),
            };
            let now = self.clock.now();
            let until = match pause {
                // What is due but was not taken belongs to another loop, whose commit will beat the pulse.
                Ok(Some(due)) if due > now => due,
                Ok(_) => now.checked_add(1.second()).unwrap_or(Timestamp::MAX),
                Err(error) => {
                    tracing::error!(%error, "turns wait for the store");
                    now.checked_add(1.second()).unwrap_or(Timestamp::MAX)
                }
            };
            listener.wait(&self.clock, until).await;
        }
    }

    /// Starts a task for every conversation that is ready.
    async fn start_ready(&self) -> store::Result<()> {
        loop {
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return Ok(()) };
            let under_way = UnderWay::new(&self.busy);
            let Some(taken) = self.store.take(self.clock.now()).await? else { return Ok(()) };
            let turns = self.clone();
            tokio::spawn(async move {
                turns.turn(taken).await;
                drop(under_way);
                turns.pulse.beat();
                drop(slot);
            });
        }
    }

    /// One turn, from the event to the commit.
    async fn turn(&self, taken: Taken) {
        let conversation = taken.conversation.id.clone();
        if let Err(error) = self.take_turn(&taken).await {
            tracing::error!(%error, conversation = %conversation, "turn not committed");
            let retry_at = self.clock.now().checked_add(1.second()).unwrap_or(Timestamp::MAX);
            if let Err(error) = self.store.release(&conversation, retry_at).await {
                tracing::error!(%error, conversation = %conversation, "lease not released");
            }
        }
    }

    async fn take_turn(&self, taken: &Taken) -> store::Result<()> {
        for _ in 0..BOOKING_TRIES {
            let now = self.clock.now();
            let mut wake = None;
            let commit = match self.draft(taken, now).await? {
                Ok(mut draft) => {
                    wake = draft.wake.take();
                    draft.into_commit()
                }
                Err((draft, fault)) => {
                    let retry_at = retry_at(taken.conversation.faults, &fault, now);
                    tracing::warn!(
                        conversation = %taken.conversation.id,
                        tenant = %taken.conversation.tenant,
                        fault = fault.kind.name(),
                        parked = retry_at.is_none(),
                        "flow failed; its author sees why with `relais flow fault {}`",
                        taken.conversation.id
                    );
                    draft.into_failure(taken, fault, retry_at)
                }
            };
            let told = self.observer.as_ref().map(|observer| (observer, commit.clone()));
            match self.store.commit(commit).await? {
                Committed::Done => {
                    if let Some((observer, commit)) = told {
                        observer(&commit);
                    }
                    if let Some(envelope) = wake {
                        self.requeue(envelope, EnvelopeState::Queued, now).await?;
                    }
                    return Ok(());
                }
                // Someone was faster: look at the calendar again.
                Committed::SlotTaken => {}
            }
        }
        let now = self.clock.now();
        self.store.release(&taken.conversation.id, now).await
    }

    /// What the turn would commit, or the fault that it ends in.
    async fn draft(&self, taken: &Taken, now: Timestamp) -> store::Result<Result<Draft, (Draft, Fault)>> {
        let mut draft = Draft::new(taken, now);
        let done = self.advance(&mut draft).await?;
        Ok(match done {
            Ok(()) => Ok(draft),
            Err(fault) => Err((draft, fault)),
        })
    }

    async fn advance(&self, draft: &mut Draft) -> store::Result<Result<(), Fault>> {
        let words = self.words(draft);
        if draft.conversation.parked.is_some() && inbound::hold(draft, &words.keywords) {
            return Ok(Ok(()));
        }
        match draft.event.clone() {
            Event::MessageReceived { messages } => match inbound::receive(draft, &words, &messages) {
                Next::Ask => self.answer(draft, &messages).await,
                Next::Done => Ok(Ok(())),
            },
            Event::TimerFired { name } if name == effects::REVIEW_TIMER => {
                draft.event = Event::ReviewDue;
                self.ask_reactions(draft).await
            }
            Event::MeetingBooked { .. } => {
                if draft.conversation.meeting.is_none() {
                    return Ok(Ok(()));
                }
                draft.conversation.outcome = Some(Status::MeetingBooked);
                let asked = self.ask_script(draft).await;
                draft.report(Status::MeetingBooked, None);
                asked
            }
            Event::MessageUndelivered { reason, .. } => {
                let reached_before = self.was_reached_before(draft).await?;
                if receipt::unreachable(draft, &reason, reached_before) {
                    return Ok(Ok(()));
                }
                self.ask_script(draft).await
            }
            Event::LeadReceived
            | Event::TimerFired { .. }
            | Event::SlotTaken { .. }
            | Event::MeetingCancelled { .. }
            | Event::AnswerArrived(_) => self.ask_script(draft).await,
            Event::Resumed => {
                draft.conversation.handed_over = None;
                self.ask_script(draft).await
            }
            Event::StatusReached { .. } | Event::ScheduleFired { .. } | Event::ReviewDue => {
                self.ask_reactions(draft).await
            }
            Event::Receipt(receipt) => {
                let lines = self.store.lines(&draft.conversation.id).await?;
                let envelopes = self.store.envelopes(&draft.conversation.id).await?;
                let has_failed = receipt.status == ReceiptStatus::Failed;
                let reached_before = has_failed && self.was_reached_before(draft).await?;
                let known = receipt::Known { lines: &lines, envelopes: &envelopes, reached_before };
                receipt::receive(draft, &receipt, &known);
                Ok(Ok(()))
            }
            Event::Settled { envelope, sent_at, .. } => {
                draft.conversation.unsettled.remove(&envelope);
                let latest = draft.conversation.last_activity_at;
                draft.conversation.last_activity_at = sent_at.map_or(latest, |at| at.max(latest));
                Ok(Ok(()))
            }
            Event::PreferenceChanged { stops } => {
                if stops {
                    inbound::opt_out(draft, WHATSAPP);
                } else {
                    self.resume(draft).await?;
                }
                Ok(Ok(()))
            }
            Event::HumanAnswered { text, at } => {
                inbound::human_answered(draft, text, at);
                Ok(Ok(()))
            }
            Event::VersionActivated { version } => self.migrate(draft, &version).await.map(Ok),
            Event::MeetingWithdrawn { start, no_show, .. } => {
                booking::withdraw(draft, start, no_show);
                Ok(Ok(()))
            }
            Event::NumberChanged { number } => {
                let conversation = &mut draft.conversation;
                let is_out = self.store.opted_out(&conversation.tenant, &conversation.lead.phone).await?;
                if let Some(number) = number {
                    conversation.lead.phone = number;
                    draft.opt_out = is_out.then_some(true);
                }
                Ok(Ok(()))
            }
            // The store has given the message and the transcript their new words.
            Event::MessageChanged { .. } | Event::Noticed { .. } => Ok(Ok(())),
            Event::Retried => {
                draft.conversation.own_turns = OwnTurns::default();
                draft.conversation.parked = None;
                draft.follow_ups.append(&mut draft.conversation.held);
                Ok(Ok(()))
            }
        }
    }

    /// Asks the script for an answer to someone who just wrote.
    async fn answer(&self, draft: &mut Draft, messages: &[Inbound]) -> store::Result<Result<(), Fault>> {
        self.overtake(draft).await?;
        let asked = self.ask_script(draft).await?;
        if let (Ok(()), None, Some(last)) = (&asked, &draft.conversation.handed_over, messages.last())
            && let Some(tenant) = self.flows.tenant(&draft.conversation.tenant)
        {
            effects::acknowledge(draft, &tenant, last);
        }
        Ok(asked)
    }

    /// Whether the person was ever reached in another conversation: then they are on WhatsApp, whatever Meta says now.
    async fn was_reached_before(&self, draft: &Draft) -> store::Result<bool> {
        let conversation = &draft.conversation;
        for id in self.store.conversations_with(&conversation.tenant, conversation.lead.phone.as_e164()).await? {
            if id != conversation.id
                && let Some(other) = self.store.conversation(&id).await?
                && (other.progress.delivered || other.progress.answered)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The tenant's words for STOP and START; the usual ones when it has no valid `tenant.toml`.
    fn words(&self, draft: &Draft) -> OptOut {
        self.flows.tenant(&draft.conversation.tenant).map(|tenant| tenant.opt_out.clone()).unwrap_or_default()
    }

    /// The person resumed marketing with WhatsApp's own control. That takes back what the control took and nothing more
    /// (FACTS §3): who said STOP in words is left alone until they say START.
    async fn resume(&self, draft: &mut Draft) -> store::Result<()> {
        let log = self.store.log(&draft.conversation.id).await?;
        let reason = log.iter().rev().find_map(|entry| match &entry.event {
            Event::StatusReached { status: Status::OptOut, reason } => Some(reason.as_deref().unwrap_or_default()),
            _ => None,
        });
        if reason == Some(WHATSAPP) {
            draft.opt_out = Some(false);
        } else {
            draft.overrule(
                "not taken off the opt-out register: it was not WhatsApp's control that put the person on it",
            );
        }
        Ok(())
    }

    /// Asks the qualification script, unless the conversation has ended or a human leads it.
    async fn ask_script(&self, draft: &mut Draft) -> store::Result<Result<(), Fault>> {
        // What was asked before the end may still complete the summary.
        let completes = matches!(draft.event, Event::AnswerArrived(_))
            && draft.conversation.outcome == Some(Status::NoOutcome)
            && !draft.conversation.reports.is_empty();
        if !(draft.conversation.is_open() || completes) || draft.conversation.handed_over.is_some() {
            draft.overrule("flow not asked: the conversation has ended, or a human leads it");
            return Ok(Ok(()));
        }
        if let Some(fault) = busy(draft) {
            return Ok(Err(fault));
        }
        let asking = match Asking::prepare(&self.flows, draft).await {
            Ok(asking) => asking,
            Err(fault) => return Ok(Err(fault)),
        };
        let booking = Booking::load(&*self.store, &asking.tenant, &draft.conversation, draft.now).await?;
        let booking = Arc::new(booking);
        let asked = asking.script(draft, &booking).await;
        self.one_at_a_time(draft).await?;
        Ok(asked)
    }

    /// Asks the status-to-action logic, and the mapping for the body of each callback.
    async fn ask_reactions(&self, draft: &mut Draft) -> store::Result<Result<(), Fault>> {
        if let Some(fault) = busy(draft) {
            return Ok(Err(fault));
        }
        let asking = match Asking::prepare(&self.flows, draft).await {
            Ok(asking) => asking,
            Err(fault) => return Ok(Err(fault)),
        };
        let lines = self.store.lines(&draft.conversation.id).await?;
        Ok(report::react(draft, &asking, &lines).await)
    }
}

/// The fault of a flow that keeps itself busy; counts the turn.
fn busy(draft: &mut Draft) -> Option<Fault> {
    let is_own = matches!(
        draft.event,
        Event::TimerFired { .. }
            | Event::ReviewDue
            | Event::SlotTaken { .. }
            | Event::MeetingBooked { .. }
            | Event::MeetingCancelled { .. }
            | Event::MessageUndelivered { .. }
            | Event::AnswerArrived(_)
    );
    if !is_own {
        // A status follows from what the flow does as well as from what the person does.
        if !matches!(draft.event, Event::StatusReached { .. }) {
            draft.conversation.own_turns = OwnTurns::default();
        }
        return None;
    }
    (draft.conversation.own_turns.count(draft.now) > MOST_OWN_TURNS).then(|| Fault {
        kind: FaultKind::Busy,
        message: format!(
            "caused {MOST_OWN_TURNS} turns of its own within an hour; look for a timer, a booking or a question that is \
             answered by the next one"
        ),
        trace: String::new(),
    })
}

/// When to try a failed event again; none when a human has to look first.
fn retry_at(faults: u32, fault: &Fault, now: Timestamp) -> Option<Timestamp> {
    if matches!(fault.kind, FaultKind::Rejected | FaultKind::Busy) {
        return None;
    }
    let pause = FAULT_PAUSES.get(usize::try_from(faults).unwrap_or(usize::MAX))?;
    now.checked_add(pause.seconds()).ok()
}

/// Counts a turn from before it is taken until after it is committed, so that virtual time does not pass meanwhile.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn new(busy: &Arc<AtomicUsize>) -> Self {
        busy.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(busy))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
