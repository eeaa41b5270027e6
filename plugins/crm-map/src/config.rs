//! `crm.toml`.

use std::collections::BTreeMap;

use relais_sdk::{Problem, problem};
use serde::Deserialize;
use serde_json::Value;

/// The statuses that may be renamed: those of the integration guide.
const STATUSES: [&str; 7] = [
    "FIRST_MESSAGE_DELIVERED",
    "FIRST_MESSAGE_READ",
    "RESPONSE_RECEIVED",
    "MEETING_BOOKED",
    "NOT_REACHABLE",
    "OPT_OUT",
    "NO_OUTCOME",
];

/// The whole file; everything has a default, and the defaults are the guide's payloads.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Adds `details.reason` to NO_OUTCOME. Off, because the guide's example has none.
    pub no_outcome_reason: bool,
    /// Where the CRM's payload has each field of a lead.
    pub lead: LeadPaths,
    /// Where the callback shall have each field of an update.
    pub callback: CallbackPaths,
    /// The CRM's words for the guide's statuses: `MEETING_BOOKED = "rdv_pris"`.
    pub statuses: BTreeMap<String, String>,
    /// Fields that are always the same: dotted path = any value.
    pub constants: BTreeMap<String, Value>,
    /// Collected answers for final statuses: dotted path = the note's key.
    pub notes: BTreeMap<String, String>,
}

/// Dotted paths in what the CRM posts. Several paths: the first that is there counts. `a + b` joins two texts with a space.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LeadPaths {
    /// The contact's identifier.
    pub crm_id: Paths,
    /// The phone number, with its country code.
    pub phone_number: Paths,
    /// The person's name.
    pub name: Paths,
    /// The e-mail address.
    pub email: Paths,
    /// The company.
    pub company: Paths,
    /// The salesperson in charge.
    pub assigned_to: Paths,
    /// `*` stands for the whole payload.
    pub context: Paths,
}

/// One path, or several in order of preference.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Paths {
    /// The only place to look.
    One(String),
    /// The first of them that holds something.
    Several(Vec<String>),
}

impl Paths {
    /// The paths, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let slice = match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Several(paths) => paths,
        };
        slice.iter().map(String::as_str)
    }

    /// The first path: the name of the field in a problem.
    pub(crate) fn name(&self) -> &str {
        self.iter().next().unwrap_or_default()
    }
}

impl Default for LeadPaths {
    fn default() -> Self {
        let one = |path: &str| Paths::One(path.to_owned());
        Self {
            crm_id: one("crm_contact_id"),
            phone_number: one("phone_number"),
            name: one("name"),
            email: one("email"),
            company: one("company"),
            assigned_to: one("assigned_to"),
            context: one("context"),
        }
    }
}

/// Dotted paths in what the CRM gets; an empty path leaves the field out. The first seven have the guide's names by
/// default, the others are left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CallbackPaths {
    /// The contact's identifier, as the CRM gave it.
    pub crm_id: String,
    /// The status.
    pub status: String,
    /// When the meeting starts.
    pub meeting_start: String,
    /// The zone of that time.
    pub meeting_timezone: String,
    /// Why.
    pub reason: String,
    /// The summary.
    pub summary: String,
    /// The whole conversation.
    pub transcript: String,
    /// When the meeting ends.
    pub meeting_end: String,
    /// Whose slot it is.
    pub meeting_with: String,
    /// How many times it was moved.
    pub meeting_moves: String,
    /// The person's number in E.164.
    pub phone_number: String,
    /// The person's name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// The company.
    pub company: String,
    /// The salesperson in charge.
    pub assigned_to: String,
    /// The conversation's identifier.
    pub conversation: String,
}

impl Default for CallbackPaths {
    fn default() -> Self {
        let none = String::new;
        Self {
            crm_id: "crm_id".to_owned(),
            status: "status".to_owned(),
            meeting_start: "meeting.start".to_owned(),
            meeting_timezone: "meeting.timezone".to_owned(),
            reason: "details.reason".to_owned(),
            summary: "ai_summary".to_owned(),
            transcript: "conversation_transcript".to_owned(),
            meeting_end: none(),
            meeting_with: none(),
            meeting_moves: none(),
            phone_number: none(),
            name: none(),
            email: none(),
            company: none(),
            assigned_to: none(),
            conversation: none(),
        }
    }
}

impl CallbackPaths {
    /// Every path with its key in `crm.toml`.
    fn all(&self) -> [(&'static str, &str); 16] {
        [
            ("crm-id", &self.crm_id),
            ("status", &self.status),
            ("meeting-start", &self.meeting_start),
            ("meeting-timezone", &self.meeting_timezone),
            ("reason", &self.reason),
            ("summary", &self.summary),
            ("transcript", &self.transcript),
            ("meeting-end", &self.meeting_end),
            ("meeting-with", &self.meeting_with),
            ("meeting-moves", &self.meeting_moves),
            ("phone-number", &self.phone_number),
            ("name", &self.name),
            ("email", &self.email),
            ("company", &self.company),
            ("assigned-to", &self.assigned_to),
            ("conversation", &self.conversation),
        ]
    }
}

impl Config {
    /// What is wrong with the file beyond its types.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (key, paths) in [("lead.crm-id", &self.lead.crm_id), ("lead.phone-number", &self.lead.phone_number)] {
            if paths.iter().all(str::is_empty) {
                problems.push(problem(key, "a lead needs this field: name the place where the CRM sends it"));
            }
        }
        for name in self.statuses.keys().filter(|name| !STATUSES.contains(&name.as_str())) {
            let what = format!("there is no such status; the statuses are {}", STATUSES.join(", "));
            problems.push(problem(format!("statuses.{name}"), what));
        }
        self.check_outgoing(&mut problems);
        problems
    }

    /// Every outgoing path must be a place of its own: neither another's, nor inside another's.
    fn check_outgoing(&self, problems: &mut Vec<Problem>) {
        let fields = self.callback.all().into_iter().map(|(key, path)| (format!("callback.{key}"), path));
        let constants = self.constants.keys().map(|path| (format!("constants.{path}"), path.as_str()));
        let notes = self.notes.keys().map(|path| (format!("notes.{path}"), path.as_str()));
        let mut seen: Vec<(String, &str)> = Vec::new();
        for (key, path) in fields.chain(constants).chain(notes).filter(|(_, path)| !path.is_empty()) {
            if path.split('.').any(str::is_empty) {
                problems.push(problem(&key, format!("`{path}` has an empty part: write names joined by single dots")));
            }
            if let Some((other, taken)) = seen.iter().find(|(_, taken)| collides(taken, path)) {
                problems
                    .push(problem(&key, format!("`{path}` collides with `{taken}` of {other}: choose another name")));
            }
            seen.push((key, path));
        }
    }
}

/// True when both are the same place or one lies inside the other.
fn collides(one: &str, other: &str) -> bool {
    let inside = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    one == other || inside(one, other) || inside(other, one)
}
