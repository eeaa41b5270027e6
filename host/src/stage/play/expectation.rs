//! What a step wants to come, and what comes instead.

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{EARLIER, Entry, EntryKind, LATER, Mark, PATIENCE, Play, later};
use crate::{
    model::Status,
    stage::{
        compare::{differs, fits, has_within},
        step::{Step, Texts},
    },
};

impl Play<'_> {
    /// We are to say something.
    pub(super) async fn hear(&mut self, step: &Step, line: Option<usize>) -> anyhow::Result<()> {
        let (earliest, deadline) = self.span(step);
        let Some(message) = self.next_message(&step.who, deadline).await else {
            let expected = said(step);
            self.enter_expected(EntryKind::Agent, step.who.clone(), expected.clone(), line);
            let found = format!("nothing was said until {}", self.clock(deadline));
            self.differ(line, "what we say", expected, found);
            return Ok(());
        };
        let titles: Vec<String> = message.buttons.iter().map(|button| button.title.clone()).collect();
        let shown =
            if titles.is_empty() { message.text.clone() } else { format!("{} [{}]", message.text, titles.join("] [")) };
        let fit = says(step, &message.text) && step.buttons.as_ref().is_none_or(|buttons| *buttons == titles);
        if !fit {
            self.enter_expected(EntryKind::Agent, step.who.clone(), said(step), line);
            self.differ(line, "what we say", said(step), shown.clone());
        }
        let mark = if fit { Mark::Same } else { Mark::Found };
        self.enter_at(message.at, EntryKind::Agent, mark, step.who.clone(), shown, line);
        if earliest.is_some_and(|earliest| message.at < earliest) {
            let expected = step.at.map_or(deadline, |when| when.instant(self.before, &self.zone));
            let (expected, found) = (self.clock(expected), self.clock(message.at));
            self.differ(line, "the time", expected, found);
        }
        self.before = self.before.max(message.at);
        if step.looks() {
            let now = self.stage.clock.now();
            self.look(step, line, now).await?;
        }
        Ok(())
    }

    /// Nothing is to be said.
    pub(super) async fn silence(&mut self, step: &Step, line: Option<usize>) {
        let until = step.silence.map_or(self.before, |when| when.instant(self.before, &self.zone));
        let expected = format!("silence until {}", self.clock(until));
        match self.next_message(&step.who, until).await {
            None => self.enter(EntryKind::Note, Mark::Same, step.who.clone(), expected, line),
            Some(message) => {
                self.enter_expected(EntryKind::Note, step.who.clone(), expected.clone(), line);
                self.enter_at(message.at, EntryKind::Agent, Mark::Found, step.who.clone(), message.text.clone(), line);
                let found = format!("{}: {}", self.clock(message.at), message.text);
                self.differ(line, "what we say", expected, found);
                self.stage.pass_until(until).await;
            }
        }
        self.before = self.before.max(until);
    }

    /// The CRM is to be told something.
    pub(super) async fn status(&mut self, step: &Step, line: Option<usize>) -> anyhow::Result<()> {
        let (earliest, deadline) = self.span(step);
        let expected = self.expected_status(step);
        let found = loop {
            match self.next_told(&step.who, deadline).await {
                Some(told) if Some(told.status) != step.status && told.status.is_intermediate() => {
                    let (at, kind, text) = (Some(told.at), EntryKind::Crm, self.shown(&told));
                    self.insert(Entry { at, who: step.who.clone(), kind, mark: Mark::Same, text, line: None });
                }
                other => break other,
            }
        };
        let Some(told) = found else {
            self.enter_expected(EntryKind::Crm, step.who.clone(), expected.clone(), line);
            let found = format!("nothing was told until {}", self.clock(deadline));
            self.differ(line, "what the CRM is told", expected, found);
            return Ok(());
        };
        let is_meant = Some(told.status) == step.status
            && step.reason.as_ref().is_none_or(|reason| told.reason.as_ref() == Some(reason))
            && step.meeting.is_none_or(|start| {
                told.meeting.as_ref().is_some_and(|meeting| meeting.slot.start == start.instant(&self.zone))
            });
        if !is_meant {
            self.enter_expected(EntryKind::Crm, step.who.clone(), expected.clone(), line);
            self.differ(line, "what the CRM is told", expected, self.shown(&told));
        }
        let mark = if is_meant { Mark::Same } else { Mark::Found };
        self.enter_at(told.at, EntryKind::Crm, mark, step.who.clone(), self.shown(&told), line);
        if earliest.is_some_and(|earliest| told.at < earliest) {
            let found = self.clock(told.at);
            self.differ(line, "the time", step.at.map_or_else(String::new, |at| at.to_string()), found);
        }
        if let Some(summary) =
            step.summary.as_ref().filter(|summary| !fits(summary, told.summary.as_deref().unwrap_or_default()))
        {
            self.differ(line, "the summary", summary.clone(), told.summary.clone().unwrap_or_default());
        }
        if let Some(expected) =
            step.callback.as_ref().filter(|callback| !told.bodies.iter().any(|body| has_within(callback, body)))
        {
            let found: Vec<String> = told.bodies.iter().map(Value::to_string).collect();
            self.differ(line, "the callback", expected.to_string(), found.join("\n"));
        }
        self.before = self.before.max(told.at);
        if step.looks() {
            let step = Step { summary: None, ..step.clone() };
            let now = self.stage.clock.now();
            self.look(&step, line, now).await?;
        }
        Ok(())
    }

    /// What is noted is to be so, at `deadline` at the latest.
    pub(super) async fn look(&mut self, step: &Step, line: Option<usize>, deadline: Timestamp) -> anyhow::Result<()> {
        let Some(id) = self.actors.get(&step.who).map(|actor| actor.conversation.clone()) else { return Ok(()) };
        loop {
            let store = &self.stage.host.store;
            let conversation = store.conversation(&id).await?.with_context(|| format!("find conversation {id}"))?;
            let mut wrong: Vec<(&str, String, String)> = Vec::new();
            let summary = conversation.summary.clone().unwrap_or_default();
            if let Some(expected) = step.summary.as_ref().filter(|expected| !fits(expected, &summary)) {
                wrong.push(("the summary", expected.clone(), summary));
            }
            for (key, expected) in &step.notes {
                let found = conversation.notes.get(key).cloned().unwrap_or_default();
                if differs(expected, &found) {
                    wrong.push(("what is noted", format!("{key} = {expected}"), format!("{key} = {found}")));
                }
            }
            for tag in step.tags.iter().filter(|tag| !conversation.tags.contains(*tag)) {
                let tags: Vec<&str> = conversation.tags.iter().map(String::as_str).collect();
                wrong.push(("the tags", tag.clone(), tags.join(", ")));
            }
            if step.handed_over.is_some_and(|is_so| is_so != conversation.handed_over.is_some()) {
                let shown = |is_so: bool| if is_so { "a human leads" } else { "the script leads" }.to_owned();
                wrong.push(("who leads", shown(step.handed_over == Some(true)), shown(step.handed_over != Some(true))));
            }
            if wrong.is_empty() {
                return Ok(());
            }
            if self.stage.clock.now() >= deadline {
                for (what, expected, found) in wrong {
                    self.differ(line, what, expected, found);
                }
                return Ok(());
            }
            self.stage.pass_until(later(self.stage.clock.now(), SignedDuration::from_secs(10)).min(deadline)).await;
        }
    }

    /// When something has to come: not before, and until when.
    fn span(&self, step: &Step) -> (Option<Timestamp>, Timestamp) {
        match step.at {
            None => (None, later(self.before, PATIENCE)),
            Some(when) => {
                let at = when.instant(self.before, &self.zone);
                (at.checked_sub(EARLIER).ok(), later(at, LATER))
            }
        }
    }

    fn expected_status(&self, step: &Step) -> String {
        let status = step.status.map_or("", Status::name);
        let meeting = step.meeting.map(|start| self.clock(start.instant(&self.zone)));
        let parts = [Some(status.to_owned()), step.reason.clone(), meeting];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Whether a text is what a step wants us to say.
fn says(step: &Step, text: &str) -> bool {
    let has = |part: &String| text.to_lowercase().contains(&part.to_lowercase());
    step.agent.as_ref().is_none_or(|wanted| wanted.all().iter().any(|wanted| fits(wanted, text)))
        && step.contains.iter().flat_map(Texts::all).all(has)
        && !step.lacks.iter().flat_map(Texts::all).any(has)
}

/// What a step wants us to say, for people.
fn said(step: &Step) -> String {
    let mut parts = Vec::new();
    if let Some(texts) = &step.agent {
        parts.push(texts.all().join("\n or: "));
    }
    let quoted = |texts: &Texts| texts.all().iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(" and ");
    parts.extend(step.contains.as_ref().map(|texts| format!("something with {}", quoted(texts))));
    parts.extend(step.lacks.as_ref().map(|texts| format!("(without {})", quoted(texts))));
    parts.extend(step.buttons.as_ref().map(|titles| format!("[{}]", titles.join("] ["))));
    parts.join(" ")
}
