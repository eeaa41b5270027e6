//! Templates: whether the parameters fit, and what the person sees.

use serde_json::{Value, json};

use super::{
    ApprovedTemplate, Offered, OfferedKind, TemplateButton, TemplateHeader,
    message::Shown,
    refusal::Refusal,
    shape::{Shape, list, string},
};

/// The longest payload of a quick reply.
const PAYLOAD: usize = 128;

/// Checks the `template` object of a request against the templates that exist; gives what the person will see.
pub(super) fn render(templates: &[ApprovedTemplate], call: &Value, is_strict: bool) -> Result<Shown, Refusal> {
    let shape = Shape::of(call, "template")?;
    shape.only(&["name", "language", "components", "namespace"])?;
    let name = shape.text("name", 512)?;
    let language = shape.object("language")?.text("code", 16)?;
    let components = list(call, "components");
    let Some(template) = templates.iter().find(|t| t.name == name && t.language == language) else {
        if is_strict {
            return Err(Refusal::new(132_001, format!("template name ({name}) does not exist in {language}")));
        }
        return Ok(unknown(name, components));
    };
    match template.status.as_str() {
        "APPROVED" => {}
        "PAUSED" => return Err(Refusal::plain(132_015)),
        "DISABLED" => return Err(Refusal::plain(132_016)),
        status => {
            return Err(Refusal::new(
                132_001,
                format!("template name ({name}) is {status} in {language}, not APPROVED"),
            ));
        }
    }
    let mut text = Vec::new();
    text.extend(header(template, components)?);
    let body = parameters(component(components, "body"));
    text.push(fill(&template.body, body, "body", template.is_named())?);
    text.extend(template.footer.clone());
    let mut buttons = Vec::new();
    for (index, button) in template.buttons.iter().enumerate() {
        buttons.push(offer(button, index, components)?);
    }
    for given in components.iter().filter(|c| is_kind(c, "button")) {
        let index = index_of(given);
        if index.is_none_or(|index| index >= template.buttons.len()) {
            return Err(Refusal::new(132_012, "buttons: there is no button at that index in the template"));
        }
    }
    Ok(Shown {
        text: text.join("\n"),
        buttons,
        template: Some(name.to_owned()),
        category: Some(template.category.clone()),
    })
}

/// A template that nobody declared, for trying things out.
fn unknown(name: &str, components: &[Value]) -> Shown {
    let values = parameters(component(components, "body")).iter().filter_map(|p| value(p).ok());
    let values: Vec<&str> = values.collect();
    let text = if values.is_empty() { format!("[{name}]") } else { format!("[{name}] {}", values.join(" · ")) };
    Shown { text, template: Some(name.to_owned()), category: Some("MARKETING".to_owned()), ..Shown::default() }
}

/// The header's line; media are checked and show nothing.
fn header(template: &ApprovedTemplate, components: &[Value]) -> Result<Option<String>, Refusal> {
    let given = parameters(component(components, "header"));
    let expected = match &template.header {
        None if given.is_empty() => return Ok(None),
        None => return Err(Refusal::new(132_012, "header: the template has none")),
        Some(TemplateHeader::Text(text)) => {
            let is_named = placeholders(text).iter().any(|name| name.parse::<u32>().is_err());
            return fill(text, given, "header", is_named).map(Some);
        }
        Some(TemplateHeader::Image) => "image",
        Some(TemplateHeader::Video) => "video",
        Some(TemplateHeader::Document) => "document",
        Some(TemplateHeader::Location) => "location",
    };
    match given {
        [one] if is_kind(one, expected) && one.get(expected).is_some_and(Value::is_object) => Ok(None),
        [_] => Err(Refusal::new(132_012, format!("header: format mismatch, expected {}", expected.to_uppercase()))),
        _ => Err(count("header", given.len(), 1)),
    }
}

/// A button with what was given for it.
fn offer(button: &TemplateButton, index: usize, components: &[Value]) -> Result<Offered, Refusal> {
    let given = components.iter().find(|c| is_kind(c, "button") && index_of(c) == Some(index));
    let wrong = |kind: &str| Refusal::new(132_012, format!("buttons: button at index {index} is of type {kind}"));
    let sub_type = given.map(|c| string(c, "sub_type").unwrap_or_default().to_lowercase());
    match button {
        TemplateButton::QuickReply { text } => {
            if sub_type.is_some_and(|kind| kind != "quick_reply") {
                return Err(wrong("QuickReply"));
            }
            let payload = given.and_then(|c| parameters(Some(c)).first()).and_then(|p| string(p, "payload"));
            let payload = payload.unwrap_or(text);
            if payload.chars().count() > PAYLOAD {
                return Err(Refusal::value("payload", "must be at most 128 characters long"));
            }
            Ok(Offered::new(OfferedKind::QuickReply, payload, text))
        }
        TemplateButton::Url { text, url } => {
            if sub_type.is_some_and(|kind| kind != "url") {
                return Err(wrong("Url"));
            }
            if placeholders(url).is_empty() {
                return Ok(Offered::new(OfferedKind::Link, url, text));
            }
            let missing =
                || Refusal::new(131_008, format!("buttons: Button at index {index} of type Url requires a parameter"));
            let suffix = value(parameters(given).first().ok_or_else(missing)?)?;
            Ok(Offered::new(OfferedKind::Link, substitute(url, |_| Some(suffix)), text))
        }
        TemplateButton::PhoneNumber { phone_number, .. } => {
            Ok(Offered::new(OfferedKind::Link, format!("tel:{phone_number}"), button.text()))
        }
    }
}

/// The text with its values, which must be as many as its placeholders and, when these are named, carry their names.
fn fill(text: &str, given: &[Value], part: &str, is_named: bool) -> Result<String, Refusal> {
    let wanted = placeholders(text);
    if given.len() != wanted.len() {
        return Err(count(part, given.len(), wanted.len()));
    }
    let mut values = Vec::with_capacity(given.len());
    for (index, parameter) in given.iter().enumerate() {
        let name = match string(parameter, "parameter_name").filter(|name| !name.is_empty()) {
            Some(name) if is_named => name.to_owned(),
            None if is_named => return Err(Refusal::parameter("Parameter name is missing or empty")),
            Some(_) => return Err(Refusal::new(132_012, format!("{part}: the template has numbered parameters"))),
            None => wanted.get(index).map_or_else(String::new, |name| (*name).to_owned()),
        };
        if !wanted.contains(&name.as_str()) {
            return Err(Refusal::new(132_012, format!("{part}: the template has no parameter {name}")));
        }
        values.push((name, value(parameter)?));
    }
    if let Some(missing) = wanted.iter().find(|name| !values.iter().any(|(given, _)| given == *name)) {
        return Err(Refusal::new(132_012, format!("{part}: parameter {missing} is missing")));
    }
    Ok(substitute(text, |name| values.iter().find(|(given, _)| given == name).map(|(_, value)| *value)))
}

/// The text of a parameter.
fn value(parameter: &Value) -> Result<&str, Refusal> {
    let text = match string(parameter, "type").unwrap_or("text").to_lowercase().as_str() {
        "text" => string(parameter, "text"),
        kind @ ("currency" | "date_time") => parameter.get(kind).and_then(|value| string(value, "fallback_value")),
        kind => return Err(Refusal::new(132_012, format!("a parameter of type {kind} does not fit here"))),
    };
    let text = text.filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Refusal::new(131_008, "Parameter of type text is missing text value"))?;
    if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
        let details = "Param text cannot have new-line/tab characters or more than 4 consecutive spaces";
        return Err(Refusal::new(132_018, details));
    }
    Ok(text)
}

fn count(part: &str, given: usize, wanted: usize) -> Refusal {
    let details = format!(
        "{part}: number of localizable_params ({given}) does not match the expected number of params ({wanted})"
    );
    Refusal::new(132_000, details)
}

/// The first component of a kind, whatever the case that a client writes it in.
fn component<'v>(components: &'v [Value], kind: &str) -> Option<&'v Value> {
    components.iter().find(|component| is_kind(component, kind))
}

fn is_kind(value: &Value, kind: &str) -> bool {
    string(value, "type").is_some_and(|given| given.eq_ignore_ascii_case(kind))
}

fn parameters(component: Option<&Value>) -> &[Value] {
    component.map_or(&[], |component| list(component, "parameters"))
}

/// The index of a button: a number or, with some clients, a string.
fn index_of(component: &Value) -> Option<usize> {
    let index = component.get("index")?;
    let number = index.as_u64().and_then(|number| usize::try_from(number).ok());
    number.or_else(|| index.as_str()?.parse().ok())
}

/// The placeholders of a text, each once, in order.
pub(super) fn placeholders(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for piece in text.split("{{").skip(1) {
        if let Some((name, _)) = piece.split_once("}}") {
            let name = name.trim();
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// The text with each placeholder replaced.
fn substitute<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut pieces = text.split("{{");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once("}}") {
            Some((name, rest)) => {
                filled.push_str(value(name.trim()).unwrap_or_default());
                filled.push_str(rest);
            }
            None => filled.push_str(piece),
        }
    }
    filled
}

/// Meta's id of a template, by its place among those that are known.
pub(super) fn id(place: usize) -> u64 {
    1_000_000 + place as u64
}

/// The template as the listing shows it; `place` is its place among those that are known.
pub(super) fn listing(template: &ApprovedTemplate, place: usize) -> Value {
    let mut components = Vec::new();
    match &template.header {
        Some(TemplateHeader::Text(text)) => components.push(json!({"type": "HEADER", "format": "TEXT", "text": text})),
        Some(other) => {
            let format = match other {
                TemplateHeader::Image => "IMAGE",
                TemplateHeader::Video => "VIDEO",
                TemplateHeader::Document => "DOCUMENT",
                TemplateHeader::Location | TemplateHeader::Text(_) => "LOCATION",
            };
            components.push(json!({"type": "HEADER", "format": format}));
        }
        None => {}
    }
    components.push(json!({"type": "BODY", "text": template.body}));
    if let Some(footer) = &template.footer {
        components.push(json!({"type": "FOOTER", "text": footer}));
    }
    if !template.buttons.is_empty() {
        let buttons = template.buttons.iter().map(|button| match button {
            TemplateButton::QuickReply { text } => json!({"type": "QUICK_REPLY", "text": text}),
            TemplateButton::Url { text, url } => json!({"type": "URL", "text": text, "url": url}),
            TemplateButton::PhoneNumber { text, phone_number } => {
                json!({"type": "PHONE_NUMBER", "text": text, "phone_number": phone_number})
            }
        });
        components.push(json!({"type": "BUTTONS", "buttons": buttons.collect::<Vec<_>>()}));
    }
    json!({
        "id": id(place).to_string(),
        "name": template.name,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "parameter_format": if template.is_named() { "NAMED" } else { "POSITIONAL" },
        "components": components,
    })
}
