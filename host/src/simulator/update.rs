//! One update of a webhook: a message, a status, a notice.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    BusinessNumber,
    message::{Message, Stage},
    refusal::status_error,
    world::PersonState,
};

/// One update, not yet in an envelope.
#[derive(Clone, Debug)]
pub(super) struct Update {
    /// The account that it is about.
    pub(super) waba: String,
    /// The business number that it is about.
    pub(super) phone_number_id: String,
    /// Its digits.
    pub(super) display: String,
    /// The webhook field: `messages`, `user_preferences`, …
    pub(super) field: &'static str,
    /// The list of the `value` in which the item goes: `messages`, `statuses`, …
    pub(super) list: &'static str,
    /// The item.
    pub(super) item: Value,
    /// The person, if it is told.
    pub(super) contact: Option<Value>,
    /// Errors beside the list.
    pub(super) errors: Vec<Value>,
    /// The person's index: updates about one person are posted one after the other.
    pub(super) person: usize,
    /// The person's number, which selects faults.
    pub(super) number: String,
}

impl Update {
    /// An item of `list` in the field `messages`.
    pub(super) fn new(number: &BusinessNumber, person: (usize, &PersonState), list: &'static str, item: Value) -> Self {
        Self {
            waba: number.waba.clone(),
            phone_number_id: number.phone_number_id.clone(),
            display: number.digits(),
            field: "messages",
            list,
            item,
            contact: None,
            errors: Vec::new(),
            person: person.0,
            number: person.1.number.clone(),
        }
    }

    /// What concerns an account and nobody in particular: `item` is the whole `value`.
    pub(super) fn of_account(number: &BusinessNumber, field: &'static str, item: Value) -> Self {
        Self {
            waba: number.waba.clone(),
            phone_number_id: String::new(),
            display: String::new(),
            field,
            list: "",
            item,
            contact: None,
            errors: Vec::new(),
            person: 0,
            number: String::new(),
        }
    }

    /// The same with the person's contact.
    pub(super) fn with_contact(mut self, contact: Value) -> Self {
        self.contact = Some(contact);
        self
    }

    /// The same in another field.
    pub(super) fn in_field(mut self, field: &'static str) -> Self {
        self.field = field;
        self
    }
}

/// What a `failed` status says about the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailedContact {
    /// Nothing, as documented.
    None,
    /// Everything.
    Full,
    /// The `wa_id`, as seen in production.
    WaIdOnly,
}

/// Seconds since the epoch, as the string that Meta writes.
pub(super) fn seconds(at: Timestamp) -> String {
    at.as_second().to_string()
}

/// The status of `message` at `stage`.
pub(super) fn status(
    wamid: &str,
    message: &Message,
    person: &PersonState,
    user_ids: bool,
    stage: Stage,
    at: Timestamp,
) -> Value {
    let mut status = status_head(wamid, message, person, stage.name(), at);
    if user_ids {
        status.insert("recipient_user_id".to_owned(), json!(person.user_id));
    }
    // Pricing comes with `sent` and with one of the two others.
    if stage <= Stage::Delivered {
        let category = message.shown.category.as_deref().map_or_else(|| "service".to_owned(), str::to_lowercase);
        let is_free = message.in_window && category != "marketing";
        let kind = if is_free { "free_customer_service" } else { "regular" };
        let pricing = json!({"billable": !is_free, "pricing_model": "PMP", "type": kind, "category": category});
        status.insert("pricing".to_owned(), pricing);
    }
    Value::Object(status)
}

/// The status of `message` that failed with `code`.
pub(super) fn failed(
    wamid: &str,
    message: &Message,
    person: &PersonState,
    full: bool,
    code: i64,
    at: Timestamp,
) -> Value {
    let mut status = status_head(wamid, message, person, "failed", at);
    if full || person.hides_number {
        status.insert("recipient_user_id".to_owned(), json!(person.user_id));
    }
    status.insert("errors".to_owned(), json!([status_error(code)]));
    Value::Object(status)
}

fn status_head(
    wamid: &str,
    message: &Message,
    person: &PersonState,
    status: &str,
    at: Timestamp,
) -> Map<String, Value> {
    let mut head = Map::new();
    head.insert("id".to_owned(), json!(wamid));
    head.insert("status".to_owned(), json!(status));
    head.insert("timestamp".to_owned(), json!(seconds(at)));
    if !person.hides_number {
        head.insert("recipient_id".to_owned(), json!(person.wa_id));
    }
    if let Some(envelope) = &message.envelope {
        head.insert("biz_opaque_callback_data".to_owned(), json!(envelope));
    }
    head
}
