//! From the bytes of a webhook to its updates.
//!
//! Only a body that is no webhook at all is an error. One strange item becomes an update of its own
//! ([`Kind::Error`] or [`Kind::Unsupported`]) and never blocks its neighbours: Meta would repeat the whole batch
//! for seven days.

use serde_json::Value;

use super::content::{content, is_forwarded, referral};
use super::field;
use super::json::{get, id, instant, list, text, without_nul};
use super::origin::Origin;
use super::people::People;
use super::repair::{is_deeper_than, repaired};
use super::{ApiError, Content, Delivery, Edit, Kind, Message, Revoke, StatusUpdate, Unreadable, Update, to_e164};

/// How deep `serde_json` follows lists and objects; real bodies have a dozen levels.
const DEPTH: usize = 127;

/// How many updates one body may hold. Meta documents 1000; without a bound, three megabytes of `{},` would cost
/// half a gigabyte.
const UPDATES: usize = 20_000;

/// Why a body is no webhook of a WhatsApp Business Account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not JSON.
    #[error("body is not JSON: error at line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes.
        column: usize,
    },
    /// Lists and objects are nested beyond reason.
    #[error("body is nested more than {DEPTH} levels deep")]
    TooDeep,
    /// There are more items than Meta would ever put in one body.
    #[error("entry: more than {UPDATES} updates in one body")]
    TooMany,
    /// A field that every webhook has is missing or something else.
    #[error("{field}: expected {expected}, found {found}")]
    Shape {
        /// The field.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is: `nothing`, `a number`, …
        found: &'static str,
    },
}

/// Reads a webhook body: every item of every entry, in the order of the body.
///
/// Verify the signature first, on the same bytes. NUL characters, half surrogate pairs and invalid UTF-8 in texts are
/// taken out or replaced rather than refused.
///
/// # Errors
/// When the body is not JSON, is nested too deep, or is not the envelope of a WhatsApp Business Account.
pub fn decode(body: &[u8]) -> Result<Vec<Update>, DecodeError> {
    let root = parse(body)?;
    let shape = |field, expected, value: Option<&Value>| DecodeError::Shape { field, expected, found: type_of(value) };
    if !root.is_object() {
        return Err(shape("body", "an object", Some(&root)));
    }
    match root.get("object") {
        // Meta always writes it; a hand-made body without it is understood all the same.
        None => {}
        Some(Value::String(object)) if object == "whatsapp_business_account" => {}
        other => return Err(shape("object", "whatsapp_business_account", other)),
    }
    let Some(entries) = root.get("entry").and_then(Value::as_array) else {
        return Err(shape("entry", "a list of objects", root.get("entry")));
    };
    let mut updates = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        decode_entry(number, entry, &mut updates);
        if updates.len() > UPDATES {
            return Err(DecodeError::TooMany);
        }
    }
    Ok(updates)
}

/// The JSON of a body, repaired where a text in it was cut in the middle of a character.
fn parse(body: &[u8]) -> Result<Value, DecodeError> {
    let value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(_) if is_deeper_than(DEPTH, body) => return Err(DecodeError::TooDeep),
        Err(error) => {
            let not_json = DecodeError::NotJson { line: error.line(), column: error.column() };
            let repaired = repaired(body).ok_or_else(|| not_json.clone())?;
            serde_json::from_str(&repaired).map_err(|_| not_json)?
        }
    };
    let has_nul = body.windows(6).any(|bytes| bytes == br"\u0000");
    Ok(if has_nul { without_nul(value) } else { value })
}

/// What a value is, for an error message.
fn type_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "another text",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    }
}

/// The updates of one entry.
fn decode_entry(number: usize, entry: &Value, updates: &mut Vec<Update>) {
    let origin = Origin { waba: id(entry, "id"), time: instant(entry, "time"), ..Origin::default() };
    let Some(changes) = entry.get("changes").and_then(Value::as_array) else {
        let found = type_of(entry.get("changes"));
        let problem = format!("entry[{number}].changes: expected a list of objects, found {found}");
        updates.push(origin.unreadable(entry, problem));
        return;
    };
    for change in changes {
        let mut origin = origin.clone();
        origin.field = id(change, "field").unwrap_or_default();
        let Some(value) = get(change, "value").filter(|value| value.is_object()) else {
            let found = type_of(change.get("value"));
            let problem = format!("{}.value: expected an object, found {found}", origin.field);
            updates.push(origin.unreadable(change, problem));
            continue;
        };
        if let Some(metadata) = get(value, "metadata") {
            origin.phone_number_id = id(metadata, "phone_number_id");
            origin.business_number = id(metadata, "display_phone_number").and_then(|n| to_e164(&n));
        }
        let before = updates.len();
        decode_value(&origin, value, updates);
        if updates.len() == before {
            updates.push(origin.unsupported(value, origin.field.clone()));
        }
    }
}

/// The updates of one change.
fn decode_value(origin: &Origin, value: &Value, updates: &mut Vec<Update>) {
    match origin.field.as_str() {
        "messages" | "" => {
            each(origin, value, "messages", updates, |item, people| message(origin, item, people));
            each(origin, value, "statuses", updates, |item, people| status(origin, item, people));
            value_errors(origin, value, updates);
        }
        "smb_message_echoes" | "message_echoes" => {
            each(origin, value, "message_echoes", updates, |item, people| echo(origin, item, people));
            value_errors(origin, value, updates);
        }
        "user_preferences" => {
            each(origin, value, "user_preferences", updates, |item, people| field::preference(origin, item, people));
        }
        "user_id_update" if value.get("user_id_update").is_some_and(Value::is_array) => {
            each(origin, value, "user_id_update", updates, |item, _| field::user_id_update(origin, item));
        }
        _ => updates.extend(field::account_wide(origin, value)),
    }
}

/// Decodes every element of one list of a value, if it is there.
fn each(
    origin: &Origin,
    value: &Value,
    name: &str,
    updates: &mut Vec<Update>,
    decode: impl Fn(&Value, &People<'_>) -> Update,
) {
    match get(value, name) {
        None => {}
        Some(Value::Array(items)) => {
            let people = People::of(value, items.len());
            updates.extend(items.iter().map(|item| match item {
                Value::Object(_) => decode(item, &people),
                other => {
                    let found = type_of(Some(other));
                    origin.unreadable(other, format!("{name}[]: expected an object, found {found}"))
                }
            }));
        }
        Some(other) => {
            let found = type_of(Some(other));
            updates.push(origin.unreadable(other, format!("{name}: expected a list of objects, found {found}")));
        }
    }
}

/// Errors that Meta reports beside the messages, as one update.
fn value_errors(origin: &Origin, value: &Value, updates: &mut Vec<Update>) {
    let Some(errors) = get(value, "errors").filter(|e| e.as_array().is_none_or(|list| !list.is_empty())) else {
        return;
    };
    let read = match errors {
        Value::Array(list) => list.iter().map(ApiError::from_value).collect(),
        other => vec![ApiError::from_value(other)],
    };
    updates.push(origin.update(errors, Kind::Error(Unreadable { id: None, errors: read, problem: None })));
}

/// One inbound message.
fn message(origin: &Origin, item: &Value, people: &People<'_>) -> Update {
    let Some(id) = id(item, "id") else {
        return origin.unreadable(item, "messages[].id: expected a text, found none".to_owned());
    };
    let sender = people.sender(item);
    let timestamp = instant(item, "timestamp");
    let kind = match text(item, "type").as_deref() {
        Some("edit") => {
            let edit = get(item, "edit").unwrap_or(&Value::Null);
            let content = edited(edit);
            Kind::Edit(Edit { id, timestamp, sender, original_id: original(item, edit), content })
        }
        Some("revoke") => {
            let revoke = get(item, "revoke").unwrap_or(&Value::Null);
            Kind::Revoke(Revoke { id, timestamp, sender, original_id: original(item, revoke) })
        }
        Some("system") if field::is_number_change(item) => {
            Kind::NumberChange(field::number_change(id, timestamp, &sender, item))
        }
        _ => Kind::Message(Box::new(whole_message(id, item, people))),
    };
    origin.update(item, kind)
}

/// A message from the business's own app. An edit shows its new content, with the original as context.
fn echo(origin: &Origin, item: &Value, people: &People<'_>) -> Update {
    let Some(id) = id(item, "id") else {
        return origin.unreadable(item, "message_echoes[].id: expected a text, found none".to_owned());
    };
    let mut message = whole_message(id, item, people);
    message.to = text(item, "to").and_then(|to| to_e164(&to));
    if let Some(edit) = get(item, "edit") {
        message.content = edited(edit);
        message.context_id = original(item, edit);
    }
    origin.update(item, Kind::Echo(Box::new(message)))
}

/// All that a message object says.
fn whole_message(id: String, item: &Value, people: &People<'_>) -> Message {
    let context = get(item, "context").unwrap_or(&Value::Null);
    Message {
        id,
        timestamp: instant(item, "timestamp"),
        sender: people.sender(item),
        to: None,
        context_id: super::json::id(context, "id").or_else(|| super::json::id(context, "message_id")),
        forwarded: is_forwarded(context),
        group_id: super::json::id(item, "group_id"),
        content: content(item),
        referral: referral(item),
    }
}

/// The new content of an edited message.
fn edited(edit: &Value) -> Content {
    content(get(edit, "message").unwrap_or(&Value::Null))
}

/// The `wamid` of the message that was edited or deleted.
fn original(item: &Value, change: &Value) -> Option<String> {
    id(change, "original_message_id").or_else(|| id(item, "original_message_id"))
}

/// One status.
fn status(origin: &Origin, item: &Value, people: &People<'_>) -> Update {
    let Some(wamid) = id(item, "id") else {
        return origin.unreadable(item, "statuses[].id: expected a text, found none".to_owned());
    };
    let word = id(item, "status").unwrap_or_default().to_ascii_lowercase();
    let status = match word.as_str() {
        "sent" => Delivery::Sent,
        "delivered" => Delivery::Delivered,
        "read" => Delivery::Read,
        "played" => Delivery::Played,
        "failed" => Delivery::Failed,
        _ => return origin.unsupported(item, format!("status:{word}")),
    };
    let update = StatusUpdate {
        wamid,
        status,
        timestamp: instant(item, "timestamp"),
        recipient: people.recipient(item),
        envelope: id(item, "biz_opaque_callback_data"),
        errors: list(item, "errors").iter().map(ApiError::from_value).collect(),
        pricing_category: get(item, "pricing").and_then(|pricing| id(pricing, "category")),
    };
    origin.update(item, Kind::Status(Box::new(update)))
}
