//! What one webhook body says, item by item.

use jiff::Timestamp;
use serde_json::Value;

use super::{ApiError, Content, Message, Sender, json};

/// One item of a webhook body: a message, a status, a change of a template…
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The WhatsApp Business Account's id (`entry[].id`).
    pub waba: Option<String>,
    /// The id of the business number concerned (`metadata.phone_number_id`), absent for account-wide fields.
    pub phone_number_id: Option<String>,
    /// The business number itself, E.164 (`metadata.display_phone_number`).
    pub business_number: Option<String>,
    /// The webhook field it came in: `messages`, `user_preferences`, …; empty when there was none.
    pub field: String,
    /// When Meta made the webhook (`entry[].time`), where it says so.
    pub time: Option<Timestamp>,
    /// The item as it came, without NUL characters.
    pub raw: Value,
    /// What it says.
    pub kind: Kind,
}

/// What an update says.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Someone wrote to the business.
    Message(Box<Message>),
    /// What became of a message that the business sent.
    Status(Box<StatusUpdate>),
    /// Someone stopped or resumed marketing messages with WhatsApp's own control.
    Preference(Preference),
    /// A template was approved, paused, recategorised…
    Template(TemplateChange),
    /// Something happened to the account or the business number.
    Account(Account),
    /// A person's number or user id changed.
    NumberChange(NumberChange),
    /// A human of the business wrote from the Business app: the automation should pause.
    Echo(Box<Message>),
    /// A person changed a message already sent.
    Edit(Edit),
    /// A person deleted a message already sent.
    Revoke(Revoke),
    /// A webhook field or an item that this version does not know.
    Unsupported(Unsupported),
    /// Errors that Meta reports, or an item that cannot be read.
    Error(Unreadable),
}

/// What became of a message. In order, but never received in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It left Meta.
    Sent,
    /// It reached the phone.
    Delivered,
    /// It was read; delivery is implied.
    Read,
    /// It was a voice message, and it was played; reading is implied.
    Played,
    /// It will not arrive, says Meta; a later `delivered` may still contradict it.
    Failed,
}

impl Delivery {
    /// Its place in "only move up": sent 1, delivered 2, read and played 3. A failure has none: it does not undo a delivery.
    #[must_use]
    pub const fn rank(self) -> Option<u8> {
        match self {
            Self::Sent => Some(1),
            Self::Delivered => Some(2),
            Self::Read | Self::Played => Some(3),
            Self::Failed => None,
        }
    }

    /// Meta's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
        }
    }
}

/// A status of a message that the business sent.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusUpdate {
    /// The message's id. It may come before the answer to the request that sent the message.
    pub wamid: String,
    /// What became of it.
    pub status: Delivery,
    /// When, by Meta's clock.
    pub timestamp: Option<Timestamp>,
    /// To whom. Never correlate by number: WhatsApp rewrites some.
    pub recipient: StatusRecipient,
    /// The envelope id given at sending (`biz_opaque_callback_data`).
    pub envelope: Option<String>,
    /// Why it failed.
    pub errors: Vec<ApiError>,
    /// `marketing`, `utility`, …: what Meta bills it as.
    pub pricing_category: Option<String>,
}

/// The person whom a status is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusRecipient {
    /// Their number, E.164.
    pub number: Option<String>,
    /// WhatsApp's id of them.
    pub wa_id: Option<String>,
    /// Their business-scoped user id.
    pub user_id: Option<String>,
    /// The same for a parent portfolio.
    pub parent_user_id: Option<String>,
    /// `individual` or `group`, where said.
    pub kind: Option<String>,
}

/// A choice made with WhatsApp's own marketing control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// Who chose.
    pub sender: Sender,
    /// What about: `marketing_messages`.
    pub category: Option<String>,
    /// `stop`, `resume` or `signup`.
    pub value: String,
    /// Meta's sentence.
    pub detail: Option<String>,
    /// When.
    pub timestamp: Option<Timestamp>,
}

impl Preference {
    /// Whether it forbids marketing messages.
    #[must_use]
    pub fn is_stop(&self) -> bool {
        self.value.eq_ignore_ascii_case("stop")
    }
}

/// A change of a template's status, category, quality or components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateChange {
    /// The template's id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// `APPROVED`, `REJECTED`, `PAUSED`, …; for a quality or category change the new score or category.
    pub event: Option<String>,
    /// Why, where said.
    pub reason: Option<String>,
}

/// Something that happened to the account or to the business number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `DISABLED_UPDATE`, `ACCOUNT_RESTRICTION`, a quality event, …
    pub event: Option<String>,
    /// The business number concerned, E.164 where it can be read.
    pub number: Option<String>,
}

/// A person's number or user id changed: what was known of the old one belongs to the new one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberChange {
    /// The notice's `wamid`, when it came as a system message.
    pub id: Option<String>,
    /// When, by Meta's clock.
    pub timestamp: Option<Timestamp>,
    /// `user_changed_number`, `customer_changed_number`, `user_changed_user_id` or `user_id_update`.
    pub change: String,
    /// The number until then, E.164.
    pub old_number: Option<String>,
    /// The number from now on, E.164, if it changed.
    pub new_number: Option<String>,
    /// The user id until then.
    pub old_user_id: Option<String>,
    /// The user id from now on, if it changed.
    pub new_user_id: Option<String>,
    /// The parent portfolio's user id until then.
    pub old_parent_user_id: Option<String>,
    /// The parent portfolio's user id from now on, if it changed.
    pub new_parent_user_id: Option<String>,
    /// WhatsApp's sentence.
    pub body: Option<String>,
}

/// A message changed after it was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The `wamid` of the notice, not of the message concerned.
    pub id: String,
    /// When, by Meta's clock.
    pub timestamp: Option<Timestamp>,
    /// Whose message.
    pub sender: Sender,
    /// The `wamid` of the message concerned.
    pub original_id: Option<String>,
    /// What the message says now.
    pub content: Content,
}

/// A message deleted after it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoke {
    /// The `wamid` of the notice, not of the message concerned.
    pub id: String,
    /// When, by Meta's clock.
    pub timestamp: Option<Timestamp>,
    /// Whose message.
    pub sender: Sender,
    /// The `wamid` of the message concerned.
    pub original_id: Option<String>,
}

/// An item that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// What it is, in Meta's words.
    pub kind: String,
}

/// Errors that Meta reports outside a message, or an item that cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// The item's id, if it had one.
    pub id: Option<String>,
    /// What Meta reports.
    pub errors: Vec<ApiError>,
    /// Where the item departs from the documented form, if it is that.
    pub problem: Option<String>,
}

impl Update {
    /// The key under which this update is handled once, however often Meta repeats it:
    /// `message:<wamid>`, `status:<wamid>:<status>`, or a digest of the item, its field and its time.
    #[must_use]
    pub fn key(&self) -> String {
        let id = match &self.kind {
            Kind::Message(message) | Kind::Echo(message) => Some(&message.id),
            Kind::Edit(edit) => Some(&edit.id),
            Kind::Revoke(revoke) => Some(&revoke.id),
            Kind::NumberChange(change) => change.id.as_ref(),
            Kind::Status(status) => {
                return format!("status:{}:{}", status.wamid, status.status.name());
            }
            Kind::Preference(_) | Kind::Template(_) | Kind::Account(_) => None,
            Kind::Unsupported(_) | Kind::Error(_) => None,
        };
        if let Some(id) = id {
            return format!("message:{id}");
        }
        // Without the time, a template that is approved, paused and approved again would be approved once.
        let time = self.time.map_or(0, Timestamp::as_second);
        let whole = serde_json::json!([self.waba, self.phone_number_id, self.field, time, self.raw]);
        format!("other:{}", json::digest(&whole))
    }
}
