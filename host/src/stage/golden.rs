//! Golden conversations: who says what, when, and what must come out.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    moment::Moment,
    step::{Kind, Step, Texts},
};
use crate::{flows::Problem, model::Status};

/// A golden conversation, as `conversations/*.toml` holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Golden {
    /// What it shows, for people.
    pub title: String,
    /// When the CRM hands the lead over.
    pub begin: Moment,
    /// The payload that the CRM posts.
    pub lead: Value,
    /// Payloads of other leads, by the name that steps call them; a step `lead = NAME` hands one over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, Value>,
    /// What is particular about the person.
    #[serde(default, skip_serializing_if = "Person::is_ordinary")]
    pub person: Person,
    /// Who says what, in order, and what must come of it.
    pub talk: Vec<Step>,
    /// What the CRM must have received at the end, to the letter.
    #[serde(default, skip_serializing_if = "Expect::is_empty")]
    pub expect: Expect,
    /// The line of each step in the file; empty when it was not read from one.
    #[serde(skip)]
    pub lines: Vec<usize>,
}

/// What is particular about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Person {
    /// Whether the number is on WhatsApp.
    pub on_whatsapp: bool,
    /// Whether WhatsApp tells when they have read a message.
    pub reads: bool,
}

impl Default for Person {
    fn default() -> Self {
        Self { on_whatsapp: true, reads: true }
    }
}

impl Person {
    fn is_ordinary(&self) -> bool {
        *self == Self::default()
    }
}

/// What the CRM must have received at the end, to the letter; what is left out is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Expect {
    /// `status` of every callback, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<Status>,
    /// `meeting.start` of each callback that has one, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meetings: Vec<String>,
    /// `conversation_transcript` of the last callback that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
}

/// One thing that came out otherwise than expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The line of the file that expects it.
    pub line: Option<usize>,
    /// Of what.
    pub what: String,
    /// As it should be.
    pub expected: String,
    /// As it is.
    pub found: String,
}

impl Golden {
    /// A conversation in which nothing is said yet. `lead` is the payload that the CRM posts.
    pub fn new(title: &str, begin: Moment, lead: Value) -> Self {
        Self {
            title: title.to_owned(),
            begin,
            lead,
            others: BTreeMap::new(),
            person: Person::default(),
            talk: Vec::new(),
            expect: Expect::default(),
            lines: Vec::new(),
        }
    }

    /// Reads a file; `file` is its path for problems.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut golden: Self = toml::from_str(text).map_err(|error| {
            let problem = Problem::of_toml(file, text, &error);
            // Whatever follows `[lead]` belongs to it.
            let swallowed = problem.what.contains("missing field `talk`") && text.contains("talk");
            let what = if swallowed {
                "`talk` stands below [lead] and so belongs to it: write it above, or as [[talk]]"
            } else {
                &problem.what
            };
            vec![Problem { what: what.to_owned(), ..problem }]
        })?;
        golden.lines = lines_of(text);
        let problems = golden.problems(file, text);
        if problems.is_empty() { Ok(golden) } else { Err(problems) }
    }

    fn problems(&self, file: &str, text: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |key: &str, what: &str| problems.push(Problem::of_key(file, text, key, what));
        if !self.lead.is_object() {
            wrong(
                "lead",
                "is the payload that the CRM posts, such as { crm_contact_id = \"CRM_1\", phone_number = \"+33612345604\" }",
            );
        }
        for (index, step) in self.talk.iter().enumerate() {
            let key = format!("talk.{index}");
            if let Err(what) = step.kind() {
                wrong(&key, &what);
            }
            for name in [&step.who, &step.lead].into_iter().flatten().filter(|name| !self.others.contains_key(*name)) {
                wrong(
                    &key,
                    &format!("{name:?} is not one of the others: write `others.{name} = {{ … }}` above the talk"),
                );
            }
        }
        problems
    }

    /// The file's text: what [`Golden::read`] reads, a line a step.
    ///
    /// # Errors
    /// A value that TOML has no word for, such as null.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let mut text = String::new();
        let mut put = |key: &str, value: String| {
            // Writing into a text cannot fail.
            let _ = writeln!(text, "{key} = {value}");
        };
        put("title", inline(&self.title)?);
        put("begin", inline(&self.begin)?);
        put("lead", inline(&self.lead)?);
        for (name, lead) in &self.others {
            put(&format!("others.{name}"), inline(lead)?);
        }
        if !self.person.is_ordinary() {
            put("person", inline(&self.person)?);
        }
        text.push_str("\ntalk = [\n");
        for step in &self.talk {
            // What we say is compared word by word: a line break is as good as a space, and keeps the step on its line.
            let agent = step.agent.as_ref().map(Texts::on_one_line);
            let _ = writeln!(text, "  {},", inline(&Step { agent, ..step.clone() })?);
        }
        text.push_str("]\n");
        if !self.expect.is_empty() {
            let _ = write!(text, "\n[expect]\n{}", toml::to_string(&self.expect)?);
        }
        Ok(text)
    }

    /// Whether everything that we say must be expected: when anything is.
    pub(super) fn judges_words(&self) -> bool {
        self.talk.iter().any(|step| step.kind() == Ok(Kind::Agent))
    }

    /// Whether every final status must be expected: when any is.
    pub(super) fn judges_statuses(&self) -> bool {
        self.talk.iter().any(|step| step.status.is_some_and(Status::is_final))
    }
}

/// A value on one line.
fn inline(value: &impl Serialize) -> Result<String, toml::ser::Error> {
    let mut text = String::new();
    value.serialize(toml::ser::ValueSerializer::new(&mut text))?;
    Ok(text)
}

/// The line of each step, from 1.
fn lines_of(text: &str) -> Vec<usize> {
    let Ok(root) = toml::de::DeTable::parse(text) else { return Vec::new() };
    let Some(talk) = root.get_ref().get("talk").and_then(|talk| talk.get_ref().as_array()) else { return Vec::new() };
    let line = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    talk.iter().map(|step| line(step.span().start)).collect()
}

impl Expect {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Everything in which the callbacks of a conversation differ from what is expected.
    pub fn differences(&self, callbacks: &[Value]) -> Vec<Difference> {
        let texts = |pointer: &str| -> Vec<String> {
            callbacks.iter().filter_map(|body| body.pointer(pointer)?.as_str().map(str::to_owned)).collect()
        };
        let mut differences = Vec::new();
        let mut compare = |what: &str, expected: String, found: String| {
            if expected != found {
                differences.push(Difference { line: None, what: what.to_owned(), expected, found });
            }
        };
        if !self.statuses.is_empty() {
            let expected: Vec<_> = self.statuses.iter().map(|status| status.name()).collect();
            compare("statuses", expected.join(", "), texts("/status").join(", "));
        }
        if !self.meetings.is_empty() {
            compare("meetings", self.meetings.join(", "), texts("/meeting/start").join(", "));
        }
        if let Some(expected) = &self.transcript {
            let found = texts("/conversation_transcript").pop().unwrap_or_default();
            compare("transcript", expected.clone(), found);
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"title = "Two of them"
begin = "2025-10-08 09:31"
lead = { crm_contact_id = "CRM_1", phone_number = "+33612345604" }
others.bob = { crm_contact_id = "CRM_2", phone_number = "+33612345605" }

talk = [
  { agent = "Bonjour …" },
  { client = ["Oui", "Demain 14h"], at = "+2h" },
  { agent = ["C'est réservé !", "Réservé !"], lacks = "désolé", notes = { besoin = 7 } },
  { status = "MEETING_BOOKED", meeting = "2025-10-09 14:00", callback = { statut = "rdv" } },
  { lead = "bob", at = "13:30" },
  { silence = "+2d" },
]
"#;

    #[test]
    fn what_is_written_is_read_again() {
        let golden = Golden::read("x.toml", TEXT).unwrap();
        assert_eq!(golden.lines, [7, 8, 9, 10, 11, 12]);
        let written = golden.to_toml().unwrap();
        assert_eq!(written.lines().count(), TEXT.lines().count(), "{written}");
        assert_eq!(Golden::read("x.toml", &written).unwrap(), golden, "{written}");
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (from, to, line, words) in [
            ("at = \"+2h\"", "at = \"soon\"", 8, "write \"+2h\""),
            ("lacks =", "lack =", 9, "unknown field `lack`"),
            ("silence = \"+2d\"", "silence = \"+2d\", client = \"Oui\"", 12, "client and silence stand in one step"),
            ("lead = \"bob\"", "lead = \"alice\"", 11, "\"alice\" is not one of the others"),
            ("{ agent = \"Bonjour …\" }", "{ at = \"+2h\" }", 7, "says nothing"),
            ("meeting = \"2025-10-09 14:00\", ", "meeting = \"demain\", ", 10, "write a day and a time"),
            ("begin = \"2025-10-08 09:31\"", "begin = 2025-10-08", 2, "write a day and a time"),
            ("MEETING_BOOKED", "BOOKED", 10, "unknown variant"),
        ] {
            assert!(TEXT.contains(from));
            let problems = Golden::read("x.toml", &TEXT.replace(from, to)).unwrap_err();
            let problem = problems.first().unwrap();
            assert!(problem.line == Some(line) && problem.what.contains(words), "{to}: {problem}");
        }
        let below = "title = \"x\"\nbegin = \"2025-10-08 09:31\"\n[lead]\nphone_number = \"1\"\ntalk = []\n";
        assert!(Golden::read("x.toml", below).unwrap_err()[0].what.contains("belongs to it"));
    }
}
