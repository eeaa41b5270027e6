//! Many operations by chance: one after the other compared with the mirror, and all at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use relais::{
    model::{ConversationId, Direction, EnvelopeState, Event, Line, Quiet, ReceiptStatus, Status, TenantId},
    store::{Append, BookingRule, Commit, Committed, Intake, Store, Taken, To},
};

use super::{Place, mirror::Mirror};
use crate::support::{
    Chance, at, callback, conversation, intake, meeting, message, outgoing, phone, receipt, sent, settlement, to, turn,
};

const TENANTS: [&str; 2] = ["acme", "globex"];
const STEPS: usize = 2_000;

/// `RELAIS_SEED` repeats a run.
fn seed() -> u64 {
    let given = std::env::var("RELAIS_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| at(0).duration_until(jiff::Timestamp::now()).as_nanos() as u64)
}

struct Run {
    chance: Chance,
    mirror: Mirror,
    leased: Vec<Taken>,
    accepted: u32,
    now: i64,
}

pub(crate) async fn it_behaves_like_its_mirror(place: &dyn Place) {
    let seed = seed();
    // Shown only when the test fails.
    println!("RELAIS_SEED={seed}");
    let mut run = Run { chance: Chance::new(seed), mirror: Mirror::default(), leased: Vec::new(), accepted: 0, now: 0 };
    let mut store = place.open().await;
    for step in 0..STEPS {
        println!("step {step}");
        if run.chance.one_in(100) {
            drop(store);
            store = place.open().await;
            run.mirror.restart();
            run.leased.clear();
        }
        run.step(&*store).await;
        assert_eq!(store.next_due().await.unwrap(), run.mirror.next_due());
        if step % 50 == 0 {
            run.compare(&*store).await;
        }
    }
    run.compare(&*store).await;
}

impl Run {
    async fn step(&mut self, store: &dyn Store) {
        match self.chance.below(12) {
            0 => self.accept(store).await,
            1..=3 => self.append(store).await,
            4..=5 => {
                let taken = store.take(at(self.now)).await.unwrap();
                self.mirror.take(at(self.now), taken.as_ref());
                self.leased.extend(taken);
            }
            6 | 7 => self.commit(store).await,
            8 => {
                let limit = 1 + self.chance.below(3);
                let fired = store.fire(at(self.now), limit).await.unwrap();
                assert_eq!(fired, self.mirror.fire(at(self.now), limit));
            }
            9 => {
                let limit = 1 + self.chance.below(4);
                let claimed = store.claim(at(self.now), limit).await.unwrap();
                assert_eq!(claimed, self.mirror.claim(at(self.now), limit));
            }
            10 => self.settle(store).await,
            _ => self.now += i64::try_from(self.chance.below(4_000)).unwrap(),
        }
    }

    fn tenant(&mut self) -> &'static str {
        TENANTS[self.chance.below(2)]
    }

    /// One of a few numbers, so that they meet again.
    fn number(&mut self) -> String {
        phone(u32::try_from(self.chance.below(12)).unwrap()).as_e164().to_owned()
    }

    async fn accept(&mut self, store: &dyn Store) {
        let tenant = self.tenant();
        let mut new = conversation(tenant, self.accepted);
        self.accepted += 1;
        new.created_at = at(self.now);
        new.lead.crm_id = format!("crm-{}", self.chance.below(15));
        new.lead.phone = phone(u32::try_from(self.chance.below(12)).unwrap());
        new.quiet.window_ms = [0, 1_000, 6_000][self.chance.below(3)];
        let key = || ("key".to_owned(), "body".to_owned());
        let mut intake = Intake { idempotency: self.chance.one_in(4).then(key), ..intake(new) };
        if let Some((key, body)) = &mut intake.idempotency {
            *key += &self.chance.below(5).to_string();
            *body += &self.chance.below(2).to_string();
        }
        let expected = self.mirror.accept(intake.clone());
        assert_eq!(store.accept(intake).await.unwrap(), expected);
    }

    async fn append(&mut self, store: &dyn Store) {
        let mut events = Vec::new();
        for _ in 0..=self.chance.below(3) {
            let (tenant, now) = (self.tenant(), self.now);
            let wamid = format!("w{}", self.chance.below(40));
            let names = [self.number(), format!("bs{}", self.chance.below(9)), self.number()];
            let of: Vec<_> = self.mirror.all_envelopes().map(|envelope| envelope.id.clone()).collect();
            events.push(match self.chance.below(4) {
                0 => {
                    let status = [ReceiptStatus::Delivered, ReceiptStatus::Read][self.chance.below(2)];
                    let envelope = if self.chance.one_in(2) { self.chance.pick(&of).cloned() } else { None };
                    receipt(tenant, &wamid, envelope, status, now)
                }
                1 => {
                    let id = conversation("", u32::try_from(self.chance.below(20)).unwrap()).id;
                    to(&id, Event::Resumed, now)
                }
                _ => {
                    let id = format!("in{}", self.chance.below(2_000));
                    let names = &names[self.chance.below(3)..];
                    let mut append = message(tenant, &[], &id, now);
                    let context = self.chance.one_in(5).then_some(wamid);
                    append.to = To::Person { environment: None, context, names: names.to_vec() };
                    Append { key: append.key.filter(|_| !self.chance.one_in(4)), ..append }
                }
            });
        }
        // At once, in this order: the later see what the earlier have not been answered for yet.
        let (first, second) = events.split_at(events.len() / 2);
        let now = at(self.now);
        let (first_filed, second_filed, fired, taken) = tokio::join!(
            biased;
            store.append(first.to_vec()),
            store.append(second.to_vec()),
            store.fire(now, 1),
            store.take(now),
        );
        let filed = first_filed.unwrap().into_iter().chain(second_filed.unwrap());
        let expected: Vec<_> = events.iter().cloned().map(|event| self.mirror.append(event)).collect();
        assert_eq!(filed.collect::<Vec<_>>(), expected);
        assert_eq!(fired.unwrap(), self.mirror.fire(now, 1));
        let taken = taken.unwrap();
        self.mirror.take(now, taken.as_ref());
        self.leased.extend(taken);
    }

    async fn commit(&mut self, store: &dyn Store) {
        if self.leased.is_empty() {
            return;
        }
        let index = self.chance.below(self.leased.len());
        let taken = self.leased.swap_remove(index);
        let id = taken.conversation.id.clone();
        let later = i64::try_from(self.chance.below(9_000)).unwrap() + self.now;
        if self.chance.one_in(6) {
            store.release(&id, at(later)).await.unwrap();
            self.mirror.release(&id, at(later));
            return;
        }
        let commit = self.some_turn(&taken, later);
        let committed = store.commit(commit.clone()).await.unwrap();
        assert_eq!(committed, self.mirror.commit(commit));
        if committed == Committed::SlotTaken {
            self.leased.push(taken);
        }
    }

    fn some_turn(&mut self, taken: &Taken, later: i64) -> Commit {
        let chance = &mut self.chance;
        let mut commit = turn(taken, self.now);
        if chance.one_in(8) {
            commit.consumed = None;
        }
        commit.not_before = chance.one_in(6).then(|| at(later));
        if chance.one_in(4) {
            let line = |text: &str| Line { direction: Direction::In, at: at(later), text: text.into(), wamid: None };
            commit.lines = vec![line("a"), line("b")];
        }
        if chance.one_in(4) {
            let Append { event, .. } = message("", &[], "own", self.now);
            commit.follow_ups = vec![Event::ReviewDue, event];
        }
        for name in ["a", "b", "c"] {
            if chance.one_in(4) {
                let due = (!chance.one_in(3)).then(|| at(self.now + i64::try_from(chance.below(20_000)).unwrap()));
                commit.timers.insert(name.into(), due);
            }
        }
        for index in 0..chance.below(4) {
            let not_before = self.now + i64::try_from(chance.below(5_000)).unwrap();
            let envelope = match chance.below(3) {
                0 => callback(taken, index, "crm", not_before),
                1 => callback(taken, index, "sales", not_before),
                _ => outgoing(taken, index, not_before),
            };
            commit.conversation.unsettled.insert(envelope.id.clone());
            commit.envelopes.push(envelope);
        }
        commit.drop_queued = chance.one_in(10).then(|| "opt-out".into());
        commit.opt_out = chance.one_in(10).then(|| chance.one_in(2));
        if chance.one_in(4) {
            let with = [None, Some("lea")][chance.below(2)];
            let wanted = (!chance.one_in(5)).then(|| meeting(i64::try_from(chance.below(300)).unwrap(), with));
            let rule = BookingRule {
                capacity: 1 + u32::try_from(chance.below(2)).unwrap(),
                buffer_seconds: 600 * u32::try_from(chance.below(2)).unwrap(),
            };
            commit.conversation.meeting = wanted.clone();
            commit.meeting = Some((wanted, rule));
        }
        let outcomes = [None, Some(Status::MeetingBooked), Some(Status::NoOutcome), Some(Status::OptOut)];
        commit.conversation.outcome = outcomes[chance.below(8).min(3)];
        commit.conversation.version = ["d1", "d2"][chance.below(2)].into();
        commit
    }

    async fn settle(&mut self, store: &dyn Store) {
        let all: Vec<_> = self.mirror.all_envelopes().cloned().collect();
        let flying: Vec<_> = all
            .iter()
            .filter(|envelope| matches!(envelope.state, EnvelopeState::Claimed { .. } | EnvelopeState::Unknown { .. }))
            .cloned()
            .collect();
        // Mostly one under way, at times any.
        let from = if self.chance.one_in(5) { &all } else { &flying };
        let Some(envelope) = self.chance.pick(from).cloned() else { return };
        let now = self.now;
        let reason = || ["opt-out", "exhausted"][usize::from(now % 2 == 0)].to_owned();
        let state = match self.chance.below(7) {
            0 => {
                assert_eq!(
                    store.replay(&envelope.id, at(now)).await.unwrap(),
                    self.mirror.replay(&envelope.id, at(now))
                );
                return;
            }
            1 => EnvelopeState::Queued,
            2 => EnvelopeState::Unknown { since: at(now) },
            3 => EnvelopeState::Dropped { reason: reason() },
            4 => EnvelopeState::Parked { reason: reason() },
            _ => sent(&format!("w{}", self.chance.below(40)), now),
        };
        let mut settlement = settlement(&envelope.id, state, now);
        settlement.not_before = at(now + i64::try_from(self.chance.below(5_000)).unwrap());
        settlement.names = (0..self.chance.below(2)).map(|_| format!("bs{}", self.chance.below(9))).collect();
        self.mirror.settle(settlement.clone());
        store.settle(settlement).await.unwrap();
    }

    async fn compare(&mut self, store: &dyn Store) {
        let mirror = &self.mirror;
        for talk in &mirror.talks {
            let id = &talk.conversation.id;
            assert_eq!(store.conversation(id).await.unwrap().as_ref(), Some(&talk.conversation));
            assert_eq!(store.lines(id).await.unwrap(), talk.lines);
            assert_eq!(store.log(id).await.unwrap(), talk.log);
            assert_eq!(store.envelopes(id).await.unwrap(), talk.envelopes);
        }
        let ids = |found: Vec<relais::model::Conversation>| -> Vec<ConversationId> {
            found.into_iter().map(|conversation| conversation.id).collect()
        };
        for tenant in TENANTS.map(TenantId::new) {
            let ours = || {
                mirror
                    .talks
                    .iter()
                    .rev()
                    .map(|talk| &talk.conversation)
                    .filter(|conversation| conversation.tenant == tenant)
            };
            let listed = ids(store.conversations(Some(&tenant), 7).await.unwrap());
            assert_eq!(listed, ours().take(7).map(|conversation| conversation.id.clone()).collect::<Vec<_>>());
            let from = at(i64::try_from(self.chance.below(300)).unwrap() * 60_000);
            assert_eq!(store.meetings(&tenant, from).await.unwrap(), mirror.meetings(&tenant, from));
            let mut running = BTreeMap::new();
            for conversation in ours().filter(|conversation| conversation.is_open()) {
                *running.entry(conversation.version.clone()).or_insert(0) += 1;
            }
            let counted = store.running(&tenant, &"solaire".into()).await.unwrap();
            assert_eq!(counted, running.into_iter().collect::<Vec<_>>());
            for number in 0..12 {
                let entry = (tenant.clone(), phone(number).as_e164().to_owned());
                let opted_out = store.opted_out(&tenant, &phone(number)).await.unwrap();
                assert_eq!(opted_out, mirror.opted_out.contains(&entry));
            }
        }
        let unresolved =
            store.unresolved(at(self.now)).await.unwrap().into_iter().map(|envelope| envelope.id).collect::<Vec<_>>();
        assert_eq!(unresolved, mirror.unresolved(at(self.now)));
        assert_eq!(store.parked(usize::MAX).await.unwrap().len() as u64, mirror.parked);
    }
}

/// Writers, turns and delivery in parallel: each message is taken once and in order, each envelope sent once.
pub(crate) async fn many_at_once_lose_nothing(place: &dyn Place) {
    const PEOPLE: u32 = 20;
    const MESSAGES: usize = 15;
    let store = place.open().await;
    for number in 0..PEOPLE {
        let mut new = conversation("acme", number);
        new.quiet = Quiet { window_ms: u32::from(number % 2 == 0), most_ms: 1 };
        store.accept(intake(new)).await.unwrap();
    }
    let mut writers = Vec::new();
    for number in 0..PEOPLE {
        let store = Arc::clone(&store);
        writers.push(tokio::spawn(async move {
            let name = phone(number).as_e164().to_owned();
            for index in 0..MESSAGES {
                let write = message("acme", &[&name], &format!("{number}.{index}"), 0);
                store.append(vec![write.clone(), write]).await.unwrap();
            }
        }));
    }
    let ended = Arc::new(AtomicBool::new(false));
    let sent_count = Arc::new(AtomicUsize::new(0));
    let mut hosts = Vec::new();
    for _ in 0..6 {
        let (store, ended, sent_count) = (Arc::clone(&store), Arc::clone(&ended), Arc::clone(&sent_count));
        hosts.push(tokio::spawn(async move {
            loop {
                let was_ended = ended.load(Ordering::SeqCst);
                let mut idle = true;
                if let Some(taken) = store.take(at(9)).await.unwrap() {
                    idle = false;
                    let mut commit = turn(&taken, 9);
                    if !matches!(taken.event, Event::Settled { .. }) {
                        commit.envelopes = vec![outgoing(&taken, 0, 0)];
                    }
                    store.commit(commit).await.unwrap();
                }
                for envelope in store.claim(at(9), 3).await.unwrap() {
                    idle = false;
                    sent_count.fetch_add(1, Ordering::SeqCst);
                    let state = EnvelopeState::Sent { at: at(9), wamid: None, shown: None };
                    store.settle(settlement(&envelope.id, state, 9)).await.unwrap();
                }
                if idle && was_ended {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    ended.store(true, Ordering::SeqCst);
    for host in hosts {
        host.await.unwrap();
    }
    let mut turns = 0;
    for number in 0..PEOPLE {
        let id = conversation("acme", number).id;
        let log = store.log(&id).await.unwrap();
        turns += log.iter().filter(|entry| !matches!(entry.event, Event::Settled { .. })).count();
        let turns: Vec<_> = log.iter().map(|entry| entry.turn).collect();
        assert_eq!(turns, (0..log.len() as u64).collect::<Vec<_>>());
        let read: Vec<_> = log
            .into_iter()
            .flat_map(|entry| match entry.event {
                Event::MessageReceived { messages } => messages,
                _ => Vec::new(),
            })
            .map(|message| message.id)
            .collect();
        assert_eq!(read, (0..MESSAGES).map(|index| format!("{number}.{index}")).collect::<Vec<_>>());
        let envelopes = store.envelopes(&id).await.unwrap();
        assert_eq!(envelopes.len(), envelopes.iter().map(|envelope| &envelope.id).collect::<BTreeSet<_>>().len());
        assert!(envelopes.iter().all(|envelope| envelope.state.is_settled() && envelope.attempts == 1));
    }
    assert_eq!(sent_count.load(Ordering::SeqCst), turns);
}
