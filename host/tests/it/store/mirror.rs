//! The store's contract once more, in the plainest way: everything in vectors, nothing indexed, nothing durable.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use relais::{
    model::{
        Conversation, ConversationId, Direction, Envelope, EnvelopeId, EnvelopeState, Event, Lane, Line, Meeting,
        Payload, TenantId,
    },
    store::{Append, Appended, Commit, Committed, Intake, LeadAnswer, LogEntry, RESULT_UNKNOWN, Settlement, Taken, To},
};

/// A store to compare with.
#[derive(Default)]
pub(crate) struct Mirror {
    pub(crate) talks: Vec<Talk>,
    names: Vec<(TenantId, String, ConversationId)>,
    wamids: BTreeMap<String, ConversationId>,
    seen: Vec<(Option<TenantId>, String)>,
    waiting: Vec<Append>,
    pub(crate) parked: u64,
    idempotency: Vec<(TenantId, String, String, ConversationId)>,
    aliases: BTreeMap<TenantId, u32>,
    /// Envelopes in the order in which their lanes hold them.
    lanes: Vec<EnvelopeId>,
    pub(crate) opted_out: Vec<(TenantId, String)>,
}

/// A conversation with all that belongs to it.
pub(crate) struct Talk {
    pub(crate) conversation: Conversation,
    inbox: Vec<Waiting>,
    /// How many of the inbox were taken.
    pub(crate) leased: Option<usize>,
    not_before: Option<Timestamp>,
    pub(crate) lines: Vec<Line>,
    pub(crate) log: Vec<LogEntry>,
    pub(crate) envelopes: Vec<Envelope>,
    timers: BTreeMap<String, Timestamp>,
    meeting: Option<Meeting>,
}

#[derive(Clone)]
struct Waiting {
    event: Event,
    at: Timestamp,
    follows: bool,
}

impl Talk {
    /// How many of the inbox the next event is made of, and from when.
    fn next(&self) -> Option<(usize, Timestamp)> {
        let head = self.inbox.first()?;
        let quiet = self.conversation.quiet;
        let is_message = |waiting: &&Waiting| matches!(waiting.event, Event::MessageReceived { .. });
        let (count, at) = if is_message(&head) && !head.follows && quiet.window_ms > 0 {
            let count = self.inbox.iter().take_while(is_message).count();
            let ms = |at: Timestamp, ms: u32| at + SignedDuration::from_millis(ms.into());
            (count, ms(self.inbox[count - 1].at, quiet.window_ms).min(ms(head.at, quiet.most_ms)))
        } else {
            (1, head.at)
        };
        Some((count, self.not_before.map_or(at, |not_before| at.max(not_before))))
    }

    fn file(&mut self, event: Event, at: Timestamp) {
        self.inbox.push(Waiting { event, at, follows: false });
    }
}

impl Mirror {
    pub(crate) fn talk(&mut self, id: &ConversationId) -> Option<&mut Talk> {
        self.talks.iter_mut().find(|talk| talk.conversation.id == *id)
    }

    fn envelope(&mut self, id: &EnvelopeId) -> Option<&mut Envelope> {
        self.talks.iter_mut().flat_map(|talk| &mut talk.envelopes).find(|envelope| envelope.id == *id)
    }

    pub(crate) fn all_envelopes(&self) -> impl Iterator<Item = &Envelope> {
        self.talks.iter().flat_map(|talk| &talk.envelopes)
    }

    pub(crate) fn accept(&mut self, intake: Intake) -> LeadAnswer {
        let Intake { mut conversation, alias_prefix, alias_first, idempotency } = intake;
        let tenant = conversation.tenant.clone();
        if let Some((key, body)) = &idempotency
            && let Some((.., used, id)) = self.idempotency.iter().find(|(of, known, ..)| *of == tenant && known == key)
        {
            return if used == body { LeadAnswer::Repeated(id.clone()) } else { LeadAnswer::KeyReused };
        }
        let same_lead = |talk: &&Talk| {
            talk.conversation.tenant == tenant && talk.conversation.lead.crm_id == conversation.lead.crm_id
        };
        let number = conversation.lead.phone.as_e164();
        let same_number = |talk: &&Talk| {
            self.names.iter().any(|(of, name, id)| *of == tenant && name == number && *id == talk.conversation.id)
        };
        let open = || self.talks.iter().rev().filter(|talk| talk.conversation.is_open());
        let running = open().find(same_lead).or_else(|| open().find(same_number));
        let (id, answer) = match running {
            Some(talk) => {
                let id = talk.conversation.id.clone();
                (id.clone(), LeadAnswer::Running(id))
            }
            None => {
                let count = self.aliases.entry(tenant.clone()).or_default();
                let index = alias_first + *count - 1;
                *count += 1;
                let letter = char::from(b'A' + u8::try_from(index / 99).unwrap());
                conversation.alias = format!("{alias_prefix} {letter}{}", index % 99 + 1);
                let id = conversation.id.clone();
                self.names.push((tenant.clone(), number.to_owned(), id.clone()));
                let inbox = vec![Waiting { event: Event::LeadReceived, at: conversation.created_at, follows: false }];
                self.talks.push(Talk {
                    conversation,
                    inbox,
                    leased: None,
                    not_before: None,
                    lines: Vec::new(),
                    log: Vec::new(),
                    envelopes: Vec::new(),
                    timers: BTreeMap::new(),
                    meeting: None,
                });
                (id.clone(), LeadAnswer::Accepted(id))
            }
        };
        if let Some((key, body)) = idempotency {
            self.idempotency.push((tenant, key, body, id));
        }
        answer
    }

    pub(crate) fn append(&mut self, append: Append) -> Appended {
        if let Some(key) = &append.key {
            let seen = (append.tenant.clone(), key.clone());
            if self.seen.contains(&seen) {
                return Appended::Repeated;
            }
            self.seen.push(seen);
        }
        let Some(id) = self.find(&append) else {
            if matches!(append.to, To::Message { .. }) {
                self.waiting.push(append);
                return Appended::Waiting;
            }
            self.parked += 1;
            return Appended::Parked(self.parked);
        };
        if let (To::Message { envelope: Some(envelope), .. }, Event::Receipt(_)) = (&append.to, &append.event)
            && !self.envelope(envelope).is_some_and(|envelope| matches!(envelope.state, EnvelopeState::Sent { .. }))
        {
            self.waiting.push(append);
            return Appended::Waiting;
        }
        match &append.to {
            To::Conversation(_) | To::Nobody { .. } => {}
            To::Message { wamid, .. } => {
                self.wamids.entry(wamid.clone()).or_insert(id.clone());
            }
            To::Person { names, .. } => self.learn(&id, names),
        }
        self.talk(&id).unwrap().file(append.event, append.at);
        Appended::Filed(id)
    }

    fn learn(&mut self, id: &ConversationId, names: &[String]) {
        let tenant = self.talk(id).unwrap().conversation.tenant.clone();
        self.names.extend(names.iter().map(|name| (tenant.clone(), name.clone(), id.clone())));
    }

    fn find(&mut self, append: &Append) -> Option<ConversationId> {
        let id = match &append.to {
            To::Conversation(id) => Some(id.clone()),
            To::Nobody { .. } => None,
            To::Message { wamid, envelope, .. } => {
                let of =
                    envelope.as_ref().and_then(|id| self.envelope(id)).map(|envelope| envelope.conversation.clone());
                of.filter(|id| self.is_of(id, append.tenant.as_ref())).or_else(|| self.wamids.get(wamid).cloned())
            }
            To::Person { context, names, .. } => {
                let quoted = context.as_ref().and_then(|wamid| self.wamids.get(wamid)).cloned();
                let tenant = append.tenant.as_ref()?;
                quoted.filter(|id| self.is_of(id, Some(tenant))).or_else(|| {
                    names.iter().find_map(|wanted| {
                        let known = self.names.iter().filter(|(of, name, _)| of == tenant && name == wanted);
                        known.map(|(.., id)| id.clone()).max()
                    })
                })
            }
        };
        id.filter(|id| self.is_of(id, append.tenant.as_ref()))
    }

    fn is_of(&mut self, id: &ConversationId, tenant: Option<&TenantId>) -> bool {
        self.talk(id).is_some_and(|talk| tenant.is_none_or(|tenant| talk.conversation.tenant == *tenant))
    }

    /// Takes what the store has taken, if it may be taken.
    pub(crate) fn take(&mut self, now: Timestamp, taken: Option<&Taken>) {
        let ready = |talk: &Talk| talk.next().filter(|(_, at)| talk.leased.is_none() && *at <= now).map(|(_, at)| at);
        let Some(taken) = taken else {
            assert!(self.talks.iter().all(|talk| ready(talk).is_none()), "something is ready");
            return;
        };
        let tenant = &taken.conversation.tenant;
        let longest = self.talks.iter().filter(|talk| talk.conversation.tenant == *tenant).filter_map(ready).min();
        let talk = self.talk(&taken.conversation.id).unwrap();
        assert!(ready(talk).is_some(), "it is not ready");
        assert_eq!(ready(talk), longest, "another one waits longer");
        assert_eq!(taken.conversation, talk.conversation);
        let (count, _) = talk.next().unwrap();
        let event = match &talk.inbox[..count] {
            [one] => one.event.clone(),
            many => {
                let all = many.iter().flat_map(|waiting| match &waiting.event {
                    Event::MessageReceived { messages } => messages.clone(),
                    _ => Vec::new(),
                });
                Event::MessageReceived { messages: all.collect() }
            }
        };
        assert_eq!(taken.event, event);
        talk.leased = Some(count);
        talk.not_before = None;
    }

    pub(crate) fn release(&mut self, id: &ConversationId, at: Timestamp) {
        let talk = self.talk(id).unwrap();
        assert!(talk.leased.take().is_some());
        talk.not_before = Some(at);
    }

    pub(crate) fn commit(&mut self, commit: Commit) -> Committed {
        let Commit { conversation, log, lines, follow_ups, timers, envelopes, now, .. } = commit;
        let tenant = conversation.tenant.clone();
        if let Some((Some(meeting), rule)) = &commit.meeting {
            let buffer = SignedDuration::from_secs(rule.buffer_seconds.into());
            let mut kept = meeting.slot.clone();
            kept.start -= buffer;
            kept.end += buffer;
            let others = self
                .talks
                .iter()
                .filter(|talk| talk.conversation.id != conversation.id && talk.conversation.tenant == tenant);
            let meetings = others.filter_map(|talk| talk.meeting.as_ref());
            let count = meetings.filter(|other| other.slot.with == kept.with && other.slot.overlaps(&kept)).count();
            if count >= rule.capacity as usize {
                return Committed::SlotTaken;
            }
        }
        if let Some(opted_out) = commit.opt_out {
            let entry = (tenant, conversation.lead.phone.as_e164().to_owned());
            self.opted_out.retain(|known| *known != entry);
            self.opted_out.extend(opted_out.then_some(entry));
        }
        let lanes = self.lanes.clone();
        self.lanes.extend(envelopes.iter().map(|envelope| envelope.id.clone()));
        let talk = self.talk(&conversation.id).unwrap();
        let count = talk.leased.take().unwrap();
        talk.conversation = conversation;
        talk.not_before = commit.not_before;
        if commit.consumed.is_some() {
            talk.inbox.drain(..count);
        }
        let mut dropped = Vec::new();
        if let Some(reason) = commit.drop_queued {
            for id in &lanes {
                let Some(envelope) = talk.envelopes.iter_mut().find(|envelope| envelope.id == *id) else { continue };
                if envelope.lane() == Lane::Messages && envelope.state == EnvelopeState::Queued {
                    envelope.state = EnvelopeState::Dropped { reason: reason.clone() };
                    if talk.conversation.unsettled.remove(id) {
                        dropped.push(Event::Settled { envelope: id.clone(), sent_at: None, first: false });
                    }
                }
            }
        }
        let first = dropped.into_iter().chain(follow_ups).map(|event| Waiting { event, at: now, follows: true });
        talk.inbox.splice(0..0, first);
        talk.lines.extend(lines);
        talk.log.push(log);
        for (name, due) in timers {
            talk.timers.remove(&name);
            talk.timers.extend(due.map(|due| (name, due)));
        }
        talk.envelopes.extend(envelopes);
        if let Some((meeting, _)) = commit.meeting {
            talk.meeting = meeting;
        }
        Committed::Done
    }

    pub(crate) fn fire(&mut self, now: Timestamp, limit: usize) -> usize {
        let mut due: Vec<(Timestamp, ConversationId, String)> = Vec::new();
        for talk in &self.talks {
            let id = &talk.conversation.id;
            due.extend(
                talk.timers.iter().filter(|(_, due)| **due <= now).map(|(name, due)| (*due, id.clone(), name.clone())),
            );
        }
        due.sort();
        due.truncate(limit);
        for (at, id, name) in &due {
            let talk = self.talk(id).unwrap();
            talk.timers.remove(name);
            talk.file(Event::TimerFired { name: name.clone() }, *at);
        }
        due.len()
    }

    /// The first of each lane that is queued.
    fn due(&mut self) -> Vec<(Timestamp, EnvelopeId)> {
        let mut lanes = Vec::new();
        let mut due = Vec::new();
        for id in self.lanes.clone() {
            let envelope = self.envelope(&id).unwrap();
            let lane = (envelope.conversation.clone(), envelope.lane());
            if envelope.state.is_settled() || lanes.contains(&lane) {
                continue;
            }
            lanes.push(lane);
            if envelope.state == EnvelopeState::Queued {
                due.push((envelope.not_before, id));
            }
        }
        due.sort();
        due
    }

    pub(crate) fn claim(&mut self, now: Timestamp, limit: usize) -> Vec<Envelope> {
        let due = self.due().into_iter().filter(|(at, _)| *at <= now).take(limit).collect::<Vec<_>>();
        due.into_iter()
            .map(|(_, id)| {
                let envelope = self.envelope(&id).unwrap();
                envelope.attempts += 1;
                envelope.state = EnvelopeState::Claimed { at: now };
                envelope.clone()
            })
            .collect()
    }

    pub(crate) fn settle(&mut self, settlement: Settlement) {
        let Settlement { envelope: id, state, not_before, was_tried, names, now } = settlement;
        let envelope = self.envelope(&id).unwrap();
        let was_unknown = envelope.state == EnvelopeState::Parked { reason: RESULT_UNKNOWN.to_owned() };
        let is_proof = was_unknown
            && matches!(envelope.payload, Payload::Message(_))
            && matches!(state, EnvelopeState::Sent { .. });
        if envelope.state.is_settled() && !is_proof {
            return;
        }
        if state == EnvelopeState::Queued {
            envelope.not_before = not_before;
            envelope.attempts -= u32::from(!was_tried);
        }
        envelope.state = state;
        let envelope = envelope.clone();
        let owner = envelope.conversation;
        self.learn(&owner, &names);
        let Payload::Message(message) = envelope.payload else { return };
        let settled = |sent_at| Event::Settled { envelope: id.clone(), sent_at, first: message.first };
        let text = message.text.clone().unwrap_or_default();
        match envelope.state {
            EnvelopeState::Sent { at, wamid, shown } => {
                let talk = self.talk(&owner).unwrap();
                talk.lines.push(Line {
                    direction: Direction::Out,
                    at,
                    text: shown.unwrap_or(text),
                    wamid: wamid.clone(),
                });
                talk.file(settled(Some(at)), now);
                let tenant = talk.conversation.tenant.clone();
                let (mut mine, mut rest) = (Vec::new(), Vec::new());
                for waiting in std::mem::take(&mut self.waiting) {
                    let To::Message { wamid: of, envelope, .. } = &waiting.to else { continue };
                    let is_mine = wamid.as_ref() == Some(of) || envelope.as_ref() == Some(&id);
                    let is_ours = waiting.tenant.as_ref().is_none_or(|of| *of == tenant);
                    if is_mine && is_ours { mine.push(waiting) } else { rest.push(waiting) }
                }
                self.waiting = rest;
                for waiting in mine {
                    self.talk(&owner).unwrap().file(waiting.event, waiting.at);
                }
                if let Some(wamid) = wamid {
                    self.wamids.entry(wamid).or_insert(owner);
                }
            }
            EnvelopeState::Dropped { reason } | EnvelopeState::Parked { reason } => {
                let talk = self.talk(&owner).unwrap();
                talk.file(settled(None), now);
                if reason != "opt-out" {
                    talk.file(Event::MessageUndelivered { envelope: id, text, reason }, now);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn replay(&mut self, id: &EnvelopeId, now: Timestamp) -> bool {
        let Some(envelope) = self.envelope(id) else { return false };
        if !matches!(envelope.state, EnvelopeState::Parked { .. }) {
            return false;
        }
        envelope.state = EnvelopeState::Queued;
        envelope.attempts = 0;
        envelope.not_before = now;
        self.lanes.retain(|listed| listed != id);
        self.lanes.push(id.clone());
        true
    }

    pub(crate) fn unresolved(&self, before: Timestamp) -> Vec<EnvelopeId> {
        let since = |envelope: &Envelope| match envelope.state {
            EnvelopeState::Claimed { at } => Some(at),
            EnvelopeState::Unknown { since } => Some(since),
            _ => None,
        };
        let found = self.all_envelopes().filter_map(|envelope| Some((since(envelope)?, envelope.id.clone())));
        let mut found: Vec<_> = found.filter(|(since, _)| *since < before).collect();
        found.sort();
        found.into_iter().map(|(_, id)| id).collect()
    }

    pub(crate) fn meetings(&self, tenant: &TenantId, from: Timestamp) -> Vec<(ConversationId, Meeting)> {
        let of_tenant = self.talks.iter().filter(|talk| talk.conversation.tenant == *tenant);
        let mut found: Vec<_> = of_tenant
            .filter_map(|talk| Some((talk.conversation.id.clone(), talk.meeting.clone()?)))
            .filter(|(_, meeting)| meeting.slot.end > from)
            .collect();
        found.sort_by(|(a, at), (b, bt)| (&at.slot, a).cmp(&(&bt.slot, b)));
        found
    }

    pub(crate) fn next_due(&mut self) -> Option<Timestamp> {
        let envelopes = self.due().into_iter().map(|(at, _)| at);
        let timers = self.talks.iter().flat_map(|talk| talk.timers.values().copied());
        let waiting = self.talks.iter().filter(|talk| talk.leased.is_none());
        let ready = waiting.filter_map(|talk| talk.next()).map(|(_, at)| at);
        envelopes.chain(timers).chain(ready).min()
    }

    /// What a restart forgets.
    pub(crate) fn restart(&mut self) {
        for talk in &mut self.talks {
            talk.leased = None;
            talk.not_before = None;
        }
    }
}
