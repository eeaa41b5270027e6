//! Something that keeps messages from leaving until it is cleared.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Environment, TenantId};

/// Whatever WhatsApp would refuse from here on. What it stops stays in the queue, and goes out once the alarm is cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Names it; made of what is stopped, so that the same trouble raises one alarm.
    pub id: String,
    /// Whose messages wait.
    pub tenant: TenantId,
    /// Of the messages to the simulator, or of those to WhatsApp.
    pub environment: Environment,
    /// What is stopped.
    #[serde(flatten)]
    pub stopped: Stopped,
    /// What WhatsApp's refusal means, a short word in kebab-case.
    pub reason: String,
    /// Meta's code, when it came with one.
    pub code: Option<i64>,
    /// Since when.
    pub since: Timestamp,
    /// Digest of the access token that was refused: another token clears the alarm by itself.
    pub token: Option<String>,
}

/// What can be stopped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "stopped", rename_all = "snake_case")]
pub enum Stopped {
    /// A business number: locked, unpaid, reported too often, its token refused…
    Number {
        /// Meta's id of it.
        phone_number_id: String,
    },
    /// A template of a business number: missing, paused, disabled…
    Template {
        /// Meta's id of the number.
        phone_number_id: String,
        /// Meta's name for the template.
        name: String,
        /// Meta's language code.
        language: String,
    },
    /// Everything that a business number sends to one country.
    Country {
        /// Meta's id of the number.
        phone_number_id: String,
        /// The country's calling code, such as 33.
        calling_code: u16,
    },
}

impl Stopped {
    /// The identity of its alarm: letters, digits and `-._`, so that it can be part of an address.
    pub fn alarm_id(&self, environment: Environment) -> String {
        let world = match environment {
            Environment::Test => "test",
            Environment::Live => "live",
        };
        match self {
            Self::Number { phone_number_id } => format!("{world}-{phone_number_id}"),
            Self::Template { phone_number_id, name, language } => {
                format!("{world}-{phone_number_id}-template-{name}-{language}")
            }
            Self::Country { phone_number_id, calling_code } => {
                format!("{world}-{phone_number_id}-country-{calling_code}")
            }
        }
    }
}
