//! What a simulator is started with.

use std::net::SocketAddr;

use serde::Deserialize;

use super::{Scenario, templates::placeholders};
use crate::model::Clock;

/// What a simulator is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The time. With a virtual clock nothing happens by itself: call [`super::Simulator::run_due`].
    pub clock: Clock,
    /// Where chance begins; the same seed and the same requests give the same run.
    pub seed: u64,
    /// How it behaves.
    pub scenario: Scenario,
    /// Where webhooks go; none keeps them to itself until [`super::Simulator::set_webhook`].
    pub webhook: Option<WebhookTarget>,
    /// The business numbers, at least one.
    pub numbers: Vec<BusinessNumber>,
    /// The templates, approved or not.
    pub templates: Vec<ApprovedTemplate>,
    /// True to refuse all that Meta refuses. False to take any token, to take an unknown `phone_number_id` for the first
    /// number and to show an unknown template by its name and values: for trying things out.
    pub strict: bool,
}

/// Where webhooks go.
#[derive(Clone)]
pub struct WebhookTarget {
    /// The host's address for WhatsApp.
    pub url: String,
    /// What webhooks are signed with.
    pub app_secret: String,
    /// What the handshake shows.
    pub verify_token: String,
}

impl std::fmt::Debug for WebhookTarget {
    /// Without its secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookTarget").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A number of the business.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BusinessNumber {
    /// Meta's id of it.
    pub phone_number_id: String,
    /// The number itself, E.164.
    pub display: String,
    /// The id of the WhatsApp Business Account that it belongs to.
    pub waba: String,
    /// The access token that may use it.
    pub token: String,
}

impl BusinessNumber {
    /// Its digits, as in `metadata.display_phone_number`.
    #[must_use]
    pub fn digits(&self) -> String {
        self.display.chars().filter(char::is_ascii_digit).collect()
    }

    /// Its country code, which Meta puts before a recipient that lacks its `+`.
    pub(super) fn country_code(&self) -> Option<u16> {
        phonenumber::parse(None, format!("+{}", self.digits())).ok().map(|number| number.code().value())
    }
}

impl std::fmt::Debug for BusinessNumber {
    /// Without its token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BusinessNumber").field("phone_number_id", &self.phone_number_id).finish_non_exhaustive()
    }
}

/// A template as Meta keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ApprovedTemplate {
    /// Lower-case letters, digits and `_`.
    pub name: String,
    /// Meta's code, such as `fr` or `en_US`.
    pub language: String,
    /// `APPROVED`, `PENDING`, `REJECTED`, `PAUSED` or `DISABLED`.
    #[serde(default = "approved")]
    pub status: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    #[serde(default = "marketing")]
    pub category: String,
    /// Above the body.
    #[serde(default)]
    pub header: Option<TemplateHeader>,
    /// With `{{1}}` or `{{name}}` where values go; which of the two decides how values are given.
    pub body: String,
    /// Below the body.
    #[serde(default)]
    pub footer: Option<String>,
    /// What can be tapped.
    #[serde(default)]
    pub buttons: Vec<TemplateButton>,
}

fn approved() -> String {
    "APPROVED".to_owned()
}

fn marketing() -> String {
    "MARKETING".to_owned()
}

/// The header of a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateHeader {
    /// Words, with at most one placeholder.
    Text(String),
    /// A picture, given with each message.
    Image,
    /// A film, given with each message.
    Video,
    /// A file, given with each message.
    Document,
    /// A place, given with each message.
    Location,
}

/// A button of a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum TemplateButton {
    /// Comes back as a message.
    QuickReply {
        /// Its label.
        text: String,
    },
    /// Opens a page.
    Url {
        /// Its label.
        text: String,
        /// The address; may end in `{{1}}`.
        url: String,
    },
    /// Calls a number.
    PhoneNumber {
        /// Its label.
        text: String,
        /// The number.
        phone_number: String,
    },
}

impl TemplateButton {
    /// Its label.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::QuickReply { text } | Self::Url { text, .. } | Self::PhoneNumber { text, .. } => text,
        }
    }
}

impl ApprovedTemplate {
    /// An approved marketing template that is a body and nothing else.
    #[must_use]
    pub fn new(name: &str, language: &str, body: &str) -> Self {
        Self {
            name: name.to_owned(),
            language: language.to_owned(),
            status: approved(),
            category: marketing(),
            header: None,
            body: body.to_owned(),
            footer: None,
            buttons: Vec::new(),
        }
    }

    /// Whether its values go by name rather than by position.
    #[must_use]
    pub fn is_named(&self) -> bool {
        placeholders(&self.body).iter().any(|name| name.parse::<u32>().is_err())
    }
}
