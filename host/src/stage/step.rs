//! One line of a golden conversation's `talk`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::moment::When;
use crate::model::Status;

/// One thing that someone does, or that must be so. Exactly one of `client`, `tap`, `sends`, `reacts`, `agent` or
/// `contains`, `silence`, `status`, `lead` says what kind of step it is; a step with none of them looks at what is
/// noted (`notes`, `summary`, `tags`, `handed-over`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Step {
    /// The person writes this; several texts are written one after the other, as people do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Texts>,
    /// The person taps the button or row with this title (or its number, from 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tap: Option<String>,
    /// The person sends what is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sends: Option<Media>,
    /// The person puts an emoji on our last message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reacts: Option<String>,
    /// We say this, to the letter, but that `…` stands for anything; of several texts one must fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Texts>,
    /// What we say has all of these in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<Texts>,
    /// And none of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks: Option<Texts>,
    /// The titles of the buttons or rows under it, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Vec<String>>,
    /// Nothing is said by us until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<When>,
    /// The CRM is told this status next, whatever its own word for it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The start of the meeting told with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meeting: Option<super::moment::Moment>,
    /// The reason told with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The summary for the CRM; `…` stands for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What has been noted; other notes are not looked at.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub notes: Map<String, Value>,
    /// Marks that the conversation bears.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether a human leads the conversation from here on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handed_over: Option<bool>,
    /// What the CRM receives, in its own words; fields that are not written here are not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<Value>,
    /// The CRM hands over this one of the `others`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    /// Which of the `others` it is about; the lead itself when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// When. What people do is done then; by default a minute after the step before. What must be so has to come within
    /// five minutes of it; by default within 15 minutes of the step before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<When>,
}

/// One text or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "write a text or a list of texts")]
pub enum Texts {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Texts {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }
}

impl Texts {
    /// The same words, without line breaks.
    pub(super) fn on_one_line(&self) -> Self {
        let plain = |text: &String| text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
        match self {
            Self::One(text) => Self::One(plain(text)),
            Self::Several(texts) => Self::Several(texts.iter().map(plain).collect()),
        }
    }
}

impl From<&str> for Texts {
    fn from(text: &str) -> Self {
        Self::One(text.to_owned())
    }
}

/// What people send beside texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is WhatsApp's own word")]
pub enum Media {
    Voice,
    Audio,
    Image,
    Video,
    Document,
    Sticker,
    Location,
    Unsupported,
}

impl Media {
    /// WhatsApp's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Audio => "audio",
            Self::Image => "image",
            Self::Video => "video",
            Self::Document => "document",
            Self::Sticker => "sticker",
            Self::Location => "location",
            Self::Unsupported => "unsupported",
        }
    }
}

/// The kind of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Client,
    Tap,
    Sends,
    Reacts,
    Agent,
    Silence,
    Status,
    Lead,
    Look,
}

impl Step {
    /// A message of the person.
    pub fn client(text: &str) -> Self {
        Self { client: Some(text.into()), ..Self::default() }
    }

    /// A message of ours.
    pub fn agent(text: &str) -> Self {
        Self { agent: Some(text.into()), ..Self::default() }
    }

    /// The same, then.
    #[must_use]
    pub fn at(self, at: When) -> Self {
        Self { at: Some(at), ..self }
    }

    /// What kind of step it is, or what is wrong with it.
    pub(super) fn kind(&self) -> Result<Kind, String> {
        let says = self.agent.is_some() || self.contains.is_some();
        let kinds = [
            ("client", Kind::Client, self.client.is_some()),
            ("tap", Kind::Tap, self.tap.is_some()),
            ("sends", Kind::Sends, self.sends.is_some()),
            ("reacts", Kind::Reacts, self.reacts.is_some()),
            ("agent", Kind::Agent, says),
            ("silence", Kind::Silence, self.silence.is_some()),
            ("status", Kind::Status, self.status.is_some()),
            ("lead", Kind::Lead, self.lead.is_some()),
        ];
        let found: Vec<_> = kinds.iter().filter(|(.., is)| *is).collect();
        let kind = match found.as_slice() {
            [] => Kind::Look,
            [(_, kind, _)] => *kind,
            several => {
                let names: Vec<_> = several.iter().map(|(name, ..)| *name).collect();
                return Err(format!("{} stand in one step: write a step for each", names.join(" and ")));
            }
        };
        let belongs = |is_there: bool, name: &str, to: &str, kinds: &[Kind]| {
            if is_there && !kinds.contains(&kind) {
                Err(format!("`{name}` belongs to a step with {to}"))
            } else {
                Ok(())
            }
        };
        belongs(self.lacks.is_some(), "lacks", "`agent` or `contains`", &[Kind::Agent])?;
        belongs(self.buttons.is_some(), "buttons", "`agent` or `contains`", &[Kind::Agent])?;
        belongs(self.meeting.is_some(), "meeting", "`status`", &[Kind::Status])?;
        belongs(self.reason.is_some(), "reason", "`status`", &[Kind::Status])?;
        belongs(self.callback.is_some(), "callback", "`status`", &[Kind::Status])?;
        let looks = [Kind::Status, Kind::Look, Kind::Agent];
        belongs(self.summary.is_some(), "summary", "`status` or `agent`", &looks)?;
        belongs(!self.notes.is_empty(), "notes", "`status` or `agent`", &looks)?;
        belongs(!self.tags.is_empty(), "tags", "`status` or `agent`", &looks)?;
        belongs(self.handed_over.is_some(), "handed-over", "`status` or `agent`", &looks)?;
        if kind == Kind::Look && !self.looks() {
            return Err(
                "says nothing: write `client`, `agent`, `silence`, `status`, `tap`, `sends`, `reacts`, `lead`, \
                        or what is noted"
                    .to_owned(),
            );
        }
        if kind == Kind::Silence && self.at.is_some() {
            return Err("`silence` says itself until when: leave `at` out".to_owned());
        }
        Ok(kind)
    }

    /// Whether it looks at what is noted.
    pub(super) fn looks(&self) -> bool {
        self.summary.is_some() || !self.notes.is_empty() || !self.tags.is_empty() || self.handed_over.is_some()
    }
}
