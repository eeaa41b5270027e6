//! The values that texts and conditions use.

use serde_json::{Map, Value, json};

use super::Exchange;
use crate::clock::Instant;
use crate::config;

impl Exchange<'_> {
    /// Gives texts a value to use in this turn.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.variables.insert(name, value.into());
    }

    pub(super) fn describe_lead(&mut self) {
        let lead = &self.call.lead;
        let texts = [
            ("name", lead.name.clone()),
            ("first_name", Some(self.call.first_name()).filter(|name| !name.is_empty())),
            ("company", lead.company.clone()),
            ("email", lead.email.clone()),
            ("assigned_to", lead.assigned_to.clone()),
            ("language", Some(self.language.clone())),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                self.variables.insert(name, Value::from(text));
            }
        }
        self.variables.insert("lead", self.call.lead_context());
    }

    /// Sets `meeting`, and `day`, `weekday`, `date`, `time`, `with`, `moves` with it.
    pub(crate) fn describe_meeting(&mut self) {
        let Some(meeting) = self.meeting.clone() else { return };
        let Some(start) = Instant::read(&meeting.start) else { return };
        let (date, today) = (start.date(), self.now.date());
        self.set("day", self.tongue.day(date, today));
        self.set("weekday", self.tongue.weekday(date));
        self.set("date", self.tongue.date(date));
        self.set("time", self.tongue.time(start.time()));
        self.set("with", meeting.with.clone().unwrap_or_default());
        self.set("moves", meeting.moves);
        let described: Value = ["day", "weekday", "date", "time", "with", "moves"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.variables.get(name)?.clone())))
            .collect::<Map<_, _>>()
            .into();
        self.set("meeting", described);
    }

    /// Sets what was noted and brought up so far.
    pub(super) fn describe_answers(&mut self) {
        if self.script.tells_answers {
            let told = self.told_answers();
            self.variables.insert("answers", Value::Object(told));
        }
        self.variables.insert("notes", Value::Object(self.notes.clone()));
        self.variables.insert("objections", json!(self.state.objections));
        self.variables.insert("responded", Value::from(self.state.responded));
    }

    /// The notes as people say them: a choice by its label instead of its id.
    pub(super) fn told_answers(&mut self) -> Map<String, Value> {
        let script = self.script;
        let mut told = self.notes.clone();
        for step in &script.config.steps {
            let Some(key) = &step.note else { continue };
            let chosen = told.get(key).and_then(Value::as_str);
            if step.answer == config::Kind::YesNo && chosen == Some("maybe") {
                told.insert(key.clone(), Value::from(self.tongue.either("peut-être", "maybe")));
                continue;
            }
            if let Some(choice) = step.choices.iter().find(|choice| chosen == Some(choice.id.as_str())) {
                let label = choice.label.variants_for(&self.language).first().cloned().unwrap_or_default();
                told.insert(key.clone(), Value::from(label));
            }
        }
        told
    }

    /// What was noted under a key, as people say it; none for nothing and for "I do not know".
    pub(crate) fn told(&mut self, key: &str) -> Option<Value> {
        self.told_answers().remove(key).filter(|value| !value.is_null())
    }

    /// Whether a condition holds now.
    pub(crate) fn holds(&mut self, condition: &str) -> bool {
        self.describe_answers();
        self.script.texts.holds(condition, &self.variables)
    }
}
