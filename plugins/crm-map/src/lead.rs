//! From the CRM's payload to a lead.

use relais_sdk::{LeadDraft, Problem, problem};
use serde_json::Value;

use crate::config::{LeadPaths, Paths};

/// Characters of an identifier or a number at most: the host takes no more.
const LONGEST: usize = 1_000;

/// Reads a lead; every problem of the payload is told at once.
pub(crate) fn read(paths: &LeadPaths, payload: &str) -> Result<LeadDraft, Vec<Problem>> {
    let payload: Value =
        serde_json::from_str(payload).map_err(|error| vec![problem("", format!("send valid JSON: {error}"))])?;
    if !payload.is_object() {
        return Err(vec![problem("", "send one JSON object with the lead's fields")]);
    }
    let mut problems = Vec::new();
    let crm_id = required(&payload, &paths.crm_id, Kind::Id, &mut problems);
    let phone_number = required(&payload, &paths.phone_number, Kind::Phone, &mut problems);
    let mut optional = |paths: &Paths| match find(&payload, paths, Kind::Text) {
        Ok(text) => text,
        Err(wrong) => {
            problems.push(wrong);
            None
        }
    };
    let draft = LeadDraft {
        name: optional(&paths.name),
        email: optional(&paths.email),
        company: optional(&paths.company),
        assigned_to: optional(&paths.assigned_to),
        crm_id: crm_id.unwrap_or_default(),
        phone_number: phone_number.unwrap_or_default(),
        context: context(&payload, &paths.context).to_string(),
    };
    if problems.is_empty() { Ok(draft) } else { Err(problems) }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Id,
    Phone,
    Text,
}

impl Kind {
    fn remedy(self) -> &'static str {
        match self {
            Self::Id => "send the contact's identifier in your CRM as a text, such as \"CRM_123456\"",
            Self::Phone => "send the phone number as a text with its country code, such as \"+33612345678\"",
            Self::Text => "send a text, or leave the field out",
        }
    }
}

fn required(payload: &Value, paths: &Paths, kind: Kind, problems: &mut Vec<Problem>) -> Option<String> {
    let found = match find(payload, paths, kind) {
        Ok(Some(text)) => return Some(text),
        Ok(None) => problem(paths.name(), format!("missing: {}", kind.remedy())),
        Err(wrong) => wrong,
    };
    problems.push(found);
    None
}

/// The first path that holds something: `Ok(None)` when none does, a problem when it is of the wrong type.
fn find(payload: &Value, paths: &Paths, kind: Kind) -> Result<Option<String>, Problem> {
    for path in paths.iter().filter(|path| !path.is_empty()) {
        let mut parts = Vec::new();
        for piece in path.split(" + ") {
            match at(payload, piece.trim()) {
                None | Some(Value::Null) => {}
                Some(value) => parts.push(text(value, kind).map_err(|what| problem(piece.trim(), what))?),
            }
        }
        parts.retain(|part| !part.is_empty());
        if !parts.is_empty() {
            return Ok(Some(parts.join(" ")));
        }
    }
    Ok(None)
}

/// A value as a text of a kind. A whole number is a fine identifier; as a phone number it has lost its `+` and zeros.
fn text(value: &Value, kind: Kind) -> Result<String, String> {
    match value {
        Value::String(text) if kind != Kind::Text && text.chars().any(char::is_control) => {
            Err(format!("has control characters: {}", kind.remedy()))
        }
        Value::String(text) if kind != Kind::Text && text.chars().count() > LONGEST => {
            Err(format!("is longer than {LONGEST} characters: {}", kind.remedy()))
        }
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Number(number) if kind != Kind::Phone && !number.is_f64() => Ok(number.to_string()),
        other => Err(format!("is {}: {}", name(other), kind.remedy())),
    }
}

fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn context<'a>(payload: &'a Value, paths: &Paths) -> &'a Value {
    let found = paths.iter().find_map(|path| if path == "*" { Some(payload) } else { at(payload, path) });
    found.unwrap_or(&Value::Null)
}

/// The value at a dotted path; a number is the place in a list. A key that itself contains dots is found too.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    let (head, tail) = path.split_once('.')?;
    let inner = match value {
        Value::Array(list) => list.get(head.parse::<usize>().ok()?)?,
        other => other.get(head)?,
    };
    match inner {
        Value::Array(list) if !tail.contains('.') => list.get(tail.parse::<usize>().ok()?),
        _ => at(inner, tail),
    }
}
