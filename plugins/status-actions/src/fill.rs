//! The body of a notification, with its `{names}` filled in.

use relais_sdk::{Call, Update, status_name};
use serde_json::{Map, Value, json};

use crate::config::Rule;

/// What may stand in braces in a `message` or a `body`.
pub(crate) const NAMES: [&str; 12] = [
    "crm-id",
    "name",
    "phone-number",
    "email",
    "company",
    "assigned-to",
    "status",
    "reason",
    "meeting",
    "with",
    "summary",
    "conversation",
];

/// The JSON body for a rule's endpoint: its `body` or `{"text": message}` filled in, or else the plain facts.
pub(crate) fn body(rule: &Rule, call: &Call, update: Option<&Update>) -> String {
    let value = |name: &str| value(name, call, update);
    match (&rule.body, &rule.message) {
        (Some(body), _) => filled(body, &value),
        (None, Some(message)) => json!({ "text": fill(message, &value) }),
        (None, None) => facts(&value),
    }
    .to_string()
}

/// Every text of a rule in which names may stand, with the key under which it is written.
pub(crate) fn texts(rule: &Rule) -> Vec<(&'static str, &str)> {
    fn walk<'a>(value: &'a Value, out: &mut Vec<(&'static str, &'a str)>) {
        match value {
            Value::String(text) => out.push(("body", text)),
            Value::Array(list) => list.iter().for_each(|inner| walk(inner, out)),
            Value::Object(map) => map.values().for_each(|inner| walk(inner, out)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut out = Vec::new();
    out.extend(rule.message.as_deref().map(|text| ("message", text)));
    if let Some(body) = &rule.body {
        walk(body, &mut out);
    }
    out
}

/// The names in braces that are none of [`NAMES`].
pub(crate) fn unknown_names(text: &str) -> Vec<String> {
    pieces(text)
        .filter_map(|piece| match piece {
            Piece::Name(name) if !NAMES.contains(&name) => Some(name.to_owned()),
            Piece::Name(_) | Piece::Text(_) => None,
        })
        .collect()
}

fn facts(value: &dyn Fn(&str) -> Option<String>) -> Value {
    let facts = NAMES.iter().filter_map(|name| Some(((*name).replace('-', "_"), Value::from(value(name)?))));
    Value::Object(facts.collect::<Map<_, _>>())
}

fn filled(body: &Value, value: &dyn Fn(&str) -> Option<String>) -> Value {
    match body {
        Value::String(text) => Value::from(fill(text, value)),
        Value::Array(list) => list.iter().map(|inner| filled(inner, value)).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, inner)| (key.clone(), filled(inner, value))).collect())
        }
        plain => plain.clone(),
    }
}

fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    pieces(text)
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Name(name) => value(name).unwrap_or_default(),
        })
        .collect()
}

fn value(name: &str, call: &Call, update: Option<&Update>) -> Option<String> {
    let lead = &call.lead;
    match name {
        "crm-id" => Some(lead.crm_id.clone()),
        "name" => lead.name.clone(),
        "phone-number" => Some(lead.phone_number.clone()),
        "email" => lead.email.clone(),
        "company" => lead.company.clone(),
        "assigned-to" => lead.assigned_to.clone(),
        "status" => update.map(|update| update.status).or(call.context.last_status).map(|s| status_name(s).to_owned()),
        "reason" => update?.reason.clone(),
        "meeting" => Some(meeting(call, update)?.start.clone()),
        "with" => meeting(call, update)?.with.clone(),
        "summary" => update?.summary.clone(),
        "conversation" => Some(call.context.conversation.clone()),
        _ => None,
    }
}

fn meeting<'a>(call: &'a Call, update: Option<&'a Update>) -> Option<&'a relais_sdk::Meeting> {
    update.and_then(|update| update.meeting.as_ref()).or(call.context.meeting.as_ref())
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Cuts a text at its `{names}`; a brace that opens no name is plain text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let name = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')).filter(|(name, _)| is_name(name));
        if let Some((name, after)) = name {
            rest = after;
            return Some(Piece::Name(name));
        }
        let end = rest.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(Piece::Text(piece))
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}
