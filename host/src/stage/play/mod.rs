//! Playing a golden conversation, and noticing what comes out otherwise than its file says.

mod expectation;

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;
use serde_json::Value;

use super::{
    Difference, Golden, Stage, Told,
    moment::{Moment, When},
    step::{Kind, Media, Step, Texts},
};
use crate::{
    model::{ConversationId, Status, TenantId},
    simulator,
};

/// People write a minute after what came before, unless a step says when.
const THOUGHT: SignedDuration = SignedDuration::from_mins(1);
/// What must be so has to come within this, unless a step says when.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// What is to come at a time may be so much earlier and later.
const EARLIER: SignedDuration = SignedDuration::from_mins(1);
const LATER: SignedDuration = SignedDuration::from_mins(5);
/// How much happens after the last step: what would be said by mistake, and the last callbacks.
const AFTERWARDS: SignedDuration = SignedDuration::from_mins(10);
/// Between two texts of one step; shorter than the silence that ends a burst.
const BREATH: SignedDuration = SignedDuration::from_secs(2);

/// What came of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// What was said and told, in order, with what was expected instead.
    pub entries: Vec<Entry>,
    /// Everything that came out otherwise.
    pub differences: Vec<Difference>,
}

/// Something in the course of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When; none for what did not come.
    pub at: Option<Timestamp>,
    /// Which of the others; none for the lead.
    pub who: Option<String>,
    /// What kind of thing.
    pub kind: EntryKind,
    /// Whether it is as it should be.
    pub mark: Mark,
    /// The words; for a status its name and what goes with it.
    pub text: String,
    /// The line of the file.
    pub line: Option<usize>,
}

/// What kind of thing an [`Entry`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// The person.
    Client,
    /// Us.
    Agent,
    /// A status for the CRM.
    Crm,
    /// Nothing is said; what is noted; a lead is handed over.
    Note,
}

/// Whether an [`Entry`] is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// As expected, or not looked at.
    Same,
    /// Should have come, and did not come so.
    Expected,
    /// Came, and should not have come so.
    Found,
}

/// A lead that was handed over.
struct Actor {
    person: simulator::Person,
    conversation: ConversationId,
    /// How many of our messages have been looked at.
    heard: usize,
    /// How many statuses have been looked at.
    told: usize,
}

struct Play<'a> {
    stage: &'a Stage,
    tenant: &'a TenantId,
    flow: Option<&'a str>,
    golden: &'a Golden,
    zone: TimeZone,
    actors: BTreeMap<Option<String>, Actor>,
    /// The time of the step before.
    before: Timestamp,
    played: Played,
}

/// Plays a conversation with a flow of a tenant; with its default one when `flow` is none.
pub(super) async fn play(
    stage: &Stage,
    tenant: &TenantId,
    flow: Option<&str>,
    golden: &Golden,
) -> anyhow::Result<Played> {
    let zone = stage.host.flows.tenant(tenant).with_context(|| format!("find the tenant {tenant}"))?.zone.clone();
    let begin = golden.begin.instant(&zone);
    let mut play =
        Play { stage, tenant, flow, golden, zone, actors: BTreeMap::new(), before: begin, played: Played::default() };
    stage.pass_until(begin).await;
    if play.hand_over(None, &golden.lead, None).await? {
        for (index, step) in golden.talk.iter().enumerate() {
            play.step(step, golden.lines.get(index).copied()).await?;
        }
        play.end().await;
    }
    Ok(play.played)
}

impl Play<'_> {
    async fn step(&mut self, step: &Step, line: Option<usize>) -> anyhow::Result<()> {
        let Ok(kind) = step.kind() else { return Ok(()) };
        if kind == Kind::Lead {
            let lead = step.lead.clone();
            self.pass_to(step, line, SignedDuration::ZERO).await;
            if let Some(payload) = lead.as_ref().and_then(|name| self.golden.others.get(name)) {
                self.hand_over(lead.clone(), payload, line).await?;
            }
            return Ok(());
        }
        if !self.actors.contains_key(&step.who) {
            let name = step.who.clone().unwrap_or_default();
            self.differ(
                line,
                "people",
                format!("{name} was handed over before"),
                "a step `lead` is missing".to_owned(),
            );
            return Ok(());
        }
        match kind {
            Kind::Client | Kind::Tap | Kind::Sends | Kind::Reacts => {
                self.pass_to(step, line, THOUGHT).await;
                self.unexpected();
                self.act(step, line).await;
            }
            Kind::Agent => self.hear(step, line).await?,
            Kind::Silence => self.silence(step, line).await,
            Kind::Status => self.status(step, line).await?,
            Kind::Look => {
                let deadline = later(self.stage.clock.now(), LATER);
                self.look(step, line, deadline).await?;
            }
            Kind::Lead => {}
        }
        Ok(())
    }

    /// Posts a lead as the CRM would; false when the host refused it.
    async fn hand_over(&mut self, who: Option<String>, payload: &Value, line: Option<usize>) -> anyhow::Result<bool> {
        let (status, body) = self.stage.offer_lead(self.tenant.as_str(), self.flow, payload).await?;
        let id = body.get("conversation_id").and_then(Value::as_str).filter(|_| status == 202);
        let conversation = match id {
            Some(id) => self.stage.host.store.conversation(&ConversationId::new(id)).await?,
            None => None,
        };
        let Some(conversation) = conversation else {
            let found = body.get("detail").or_else(|| body.get("title")).and_then(Value::as_str);
            let found = found.map_or_else(|| body.to_string(), str::to_owned);
            self.differ(line, "the lead", "the host takes it".to_owned(), format!("{status}: {found}"));
            return Ok(false);
        };
        let person = self.stage.simulator.person(conversation.lead.phone.as_e164());
        let person = match self.stage.host.flows.tenant(self.tenant) {
            Some(tenant) => person.to_business(&tenant.whatsapp.phone_number_id),
            None => person,
        };
        if who.is_none() {
            if !self.golden.person.on_whatsapp {
                person.not_on_whatsapp();
            }
            person.read(self.golden.person.reads);
        }
        if who.is_some() {
            self.enter(EntryKind::Note, Mark::Same, who.clone(), "handed over by the CRM".to_owned(), line);
        }
        self.actors.insert(who, Actor { person, conversation: conversation.id, heard: 0, told: 0 });
        self.before = self.stage.clock.now();
        Ok(true)
    }

    /// Lets time pass until the step's time, `unless` it says when so long after the step before.
    async fn pass_to(&mut self, step: &Step, line: Option<usize>, unless: SignedDuration) {
        let now = self.stage.clock.now();
        let at = step.at.map_or_else(|| later(self.before, unless), |when| when.instant(self.before, &self.zone));
        if at < now && matches!(step.at, Some(When::At(_))) {
            let (expected, found) = (self.clock(at), self.clock(now));
            self.differ(line, "the time", expected, format!("it is {found} already"));
        }
        self.stage.pass_until(at).await;
        self.before = self.stage.clock.now();
    }

    /// The person does something.
    async fn act(&mut self, step: &Step, line: Option<usize>) {
        let Some(person) = self.actors.get(&step.who).map(|actor| actor.person.clone()) else { return };
        for (index, text) in step.client.iter().flat_map(Texts::all).enumerate() {
            if index > 0 {
                self.stage.pass_until(later(self.stage.clock.now(), BREATH)).await;
            }
            person.write(text);
            self.enter(EntryKind::Client, Mark::Same, step.who.clone(), text.clone(), line);
        }
        if let Some(wanted) = &step.tap {
            let seen = person.seen();
            let offered = seen.iter().rev().find(|message| !message.buttons.is_empty());
            let titles: Vec<&str> =
                offered.iter().flat_map(|message| &message.buttons).map(|button| button.title.as_str()).collect();
            let numbered = wanted.parse::<usize>().ok().and_then(|number| titles.get(number.checked_sub(1)?));
            let title = numbered.map_or(wanted.as_str(), |title| *title);
            if person.tap(title).is_some() {
                self.enter(EntryKind::Client, Mark::Same, step.who.clone(), format!("[{title}]"), line);
            } else {
                let found = if titles.is_empty() { "nothing to tap".to_owned() } else { titles.join(", ") };
                self.differ(line, "what can be tapped", wanted.clone(), found);
            }
        }
        if let Some(media) = step.sends {
            match media {
                Media::Location => person.send_location(48.8566, 2.3522, None),
                Media::Unsupported => person.send_unsupported(),
                other => person.send_media(other.name(), None),
            };
            self.enter(EntryKind::Client, Mark::Same, step.who.clone(), format!("[{}]", media.name()), line);
        }
        if let Some(emoji) = &step.reacts {
            match person.seen().last() {
                Some(last) => {
                    person.react(&last.wamid, emoji);
                    self.enter(EntryKind::Client, Mark::Same, step.who.clone(), emoji.clone(), line);
                }
                None => self.differ(line, "a reaction", emoji.clone(), "there is no message to react to".to_owned()),
            }
        }
        self.before = self.stage.clock.now();
    }

    /// Puts what no step was waiting for where it belongs in time.
    fn insert(&mut self, entry: Entry) {
        let later = |other: &Entry| other.at.is_some_and(|at| entry.at.is_some_and(|mine| at > mine));
        let place = self.played.entries.iter().position(later).unwrap_or(self.played.entries.len());
        self.played.entries.insert(place, entry);
    }

    /// What no step expected, and what must hold whatever the steps say.
    async fn end(&mut self) {
        self.stage.pass_until(later(self.stage.clock.now(), AFTERWARDS)).await;
        self.unexpected();
        let names: Vec<Option<String>> = self.actors.keys().cloned().collect();
        for who in names {
            while let Some(told) = self.told_already(&who) {
                let is_surprise = self.golden.judges_statuses() && told.status.is_final();
                let shown = self.shown(&told);
                let mark = if is_surprise { Mark::Found } else { Mark::Same };
                let (at, kind) = (Some(told.at), EntryKind::Crm);
                self.insert(Entry { at, who: who.clone(), kind, mark, text: shown.clone(), line: None });
                if is_surprise {
                    self.differ(None, "what the CRM is told", "nothing more".to_owned(), shown);
                }
            }
            let Some(actor) = self.actors.get(&who) else { continue };
            // A turn that failed is tried again, and mostly fails again in the same way.
            let mut faults = self.stage.record.faults(&actor.conversation);
            let times = faults.len();
            faults.dedup();
            for fault in faults {
                let found = format!("it failed ({times} times in all): {fault}");
                self.differ(None, "the flow", "it answers".to_owned(), found);
            }
        }
        if let Some(actor) = self.actors.get(&None) {
            let told = self.stage.record.told(&actor.conversation);
            let bodies: Vec<Value> = told.into_iter().flat_map(|told| told.bodies).collect();
            self.played.differences.extend(self.golden.expect.differences(&bodies));
        }
    }

    /// Takes note of what we have said that no step was waiting for.
    fn unexpected(&mut self) {
        let names: Vec<Option<String>> = self.actors.keys().cloned().collect();
        let mark = if self.golden.judges_words() { Mark::Found } else { Mark::Same };
        for who in names {
            while let Some(message) = self.message_already(&who) {
                self.enter_at(message.at, EntryKind::Agent, mark, who.clone(), message.text.clone(), None);
                if mark == Mark::Found {
                    let found = format!("{}: {}", self.clock(message.at), message.text);
                    self.differ(None, "what we say", "nothing".to_owned(), found);
                }
            }
        }
    }

    async fn next_message(&mut self, who: &Option<String>, deadline: Timestamp) -> Option<simulator::Received> {
        let actor = self.actors.get(who)?;
        let (person, heard) = (actor.person.clone(), actor.heard);
        self.stage.pass_while(deadline, || person.seen_count() <= heard).await;
        self.message_already(who)
    }

    fn message_already(&mut self, who: &Option<String>) -> Option<simulator::Received> {
        let actor = self.actors.get_mut(who)?;
        let message = actor.person.seen().into_iter().nth(actor.heard)?;
        actor.heard += 1;
        Some(message)
    }

    async fn next_told(&mut self, who: &Option<String>, deadline: Timestamp) -> Option<Told> {
        let actor = self.actors.get(who)?;
        let (conversation, known) = (actor.conversation.clone(), actor.told);
        let record = &self.stage.record;
        self.stage.pass_while(deadline, || record.told(&conversation).len() <= known).await;
        self.told_already(who)
    }

    fn told_already(&mut self, who: &Option<String>) -> Option<Told> {
        let actor = self.actors.get_mut(who)?;
        let told = self.stage.record.told(&actor.conversation).into_iter().nth(actor.told)?;
        actor.told += 1;
        Some(told)
    }

    fn shown(&self, told: &Told) -> String {
        let meeting = told.meeting.as_ref().filter(|_| told.status == Status::MeetingBooked);
        let meeting = meeting.map(|meeting| self.clock(meeting.slot.start));
        let parts = [Some(told.status.name().to_owned()), told.reason.clone(), meeting];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn clock(&self, at: Timestamp) -> String {
        Moment::wall(at, &self.zone).to_string()
    }

    fn differ(&mut self, line: Option<usize>, what: &str, expected: String, found: String) {
        self.played.differences.push(Difference { line, what: what.to_owned(), expected, found });
    }

    fn enter(&mut self, kind: EntryKind, mark: Mark, who: Option<String>, text: String, line: Option<usize>) {
        self.enter_at(self.stage.clock.now(), kind, mark, who, text, line);
    }

    fn enter_expected(&mut self, kind: EntryKind, who: Option<String>, text: String, line: Option<usize>) {
        self.played.entries.push(Entry { at: None, who, kind, mark: Mark::Expected, text, line });
    }

    fn enter_at(
        &mut self,
        at: Timestamp,
        kind: EntryKind,
        mark: Mark,
        who: Option<String>,
        text: String,
        line: Option<usize>,
    ) {
        self.played.entries.push(Entry { at: Some(at), who, kind, mark, text, line });
    }
}

fn later(at: Timestamp, pause: SignedDuration) -> Timestamp {
    at.checked_add(pause).unwrap_or(Timestamp::MAX)
}
