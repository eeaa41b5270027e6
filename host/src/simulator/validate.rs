//! Requests to send, checked the way Meta checks them.

use serde_json::Value;

use super::{
    ApprovedTemplate, BusinessNumber,
    interactive::interactive,
    message::{Draft, Recipient, Shown},
    refusal::Refusal,
    shape::Shape,
    templates,
};

// The limits of Meta's pages on messages (April and May 2026).
const TEXT: usize = 4096;
const CAPTION: usize = 1024;
const CALLBACK_DATA: usize = 512;
/// The longest address.
pub(super) const URL: usize = 2000;

/// The types that can be sent.
const TYPES: &str = "text, template, interactive, location, reaction, image, audio, video, document, sticker, contacts";

/// What a POST to `messages` asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Request {
    /// To send.
    Send(Box<Draft>),
    /// To mark a message as read, perhaps showing that an answer is being typed.
    MarkRead {
        /// The person's message.
        wamid: String,
        /// Whether to show typing.
        is_typing: bool,
    },
}

/// Checks a body sent to `number`.
pub(super) fn read(
    body: &Value,
    number: &BusinessNumber,
    known: &[ApprovedTemplate],
    is_strict: bool,
) -> Result<Request, Refusal> {
    let shape = Shape::of(body, "")?;
    match shape.get("messaging_product").map(|value| value.as_str().unwrap_or_default()) {
        None => return Err(Refusal::parameter("The parameter messaging_product is required.")),
        Some("whatsapp") => {}
        Some(_) => return Err(Refusal::parameter("Param messaging_product must be one of {WHATSAPP}.")),
    }
    if let Some(status) = shape.get("status") {
        return mark_read(&shape, status);
    }
    if shape.get("recipient_type").is_some_and(|value| value != "individual") {
        return Err(Refusal::value("recipient_type", "must be individual"));
    }
    let (recipient, input) = recipient(&shape, number)?;
    let envelope = shape.optional_text("biz_opaque_callback_data", CALLBACK_DATA)?.map(str::to_owned);
    if let Some(context) = shape.optional_object("context")? {
        context.text("message_id", 512)?;
    }
    let kind = match shape.get("type") {
        None => "text",
        Some(kind) => kind.as_str().ok_or_else(|| Refusal::parameter("Param type must be a string."))?,
    };
    let content = shape.object(kind);
    let shown = match kind {
        "text" => text(&content?)?,
        "template" => templates::render(known, shape.get(kind).ok_or_else(|| Refusal::missing(kind))?, is_strict)?,
        "interactive" => interactive(&content?)?,
        "location" => location(&content?)?,
        "reaction" => reaction(&content?)?,
        "image" | "audio" | "video" | "document" | "sticker" => media(kind, &content?)?,
        "contacts" => {
            shape.items(kind, 257)?;
            labelled(kind, None)
        }
        other => return Err(Refusal::parameter(format!("Param type must be one of {{{TYPES}}} - got \"{other}\"."))),
    };
    if matches!(recipient, Recipient::UserId(_)) && shown.category.as_deref() == Some("AUTHENTICATION") {
        return Err(Refusal::plain(131_062));
    }
    Ok(Request::Send(Box::new(Draft { recipient, input, shown, envelope })))
}

fn mark_read(shape: &Shape<'_>, status: &Value) -> Result<Request, Refusal> {
    if status != "read" {
        return Err(Refusal::parameter("Param status must be one of {read}."));
    }
    let wamid = shape.text("message_id", 512)?.to_owned();
    let typing = shape.optional_object("typing_indicator")?;
    if let Some(typing) = &typing
        && typing.text("type", 16)? != "text"
    {
        return Err(Refusal::value("typing_indicator.type", "must be text"));
    }
    Ok(Request::MarkRead { wamid, is_typing: typing.is_some() })
}

/// `to` wins over `recipient`.
fn recipient(shape: &Shape<'_>, number: &BusinessNumber) -> Result<(Recipient, String), Refusal> {
    if let Some(to) = shape.optional_text("to", 128)? {
        return Ok((Recipient::Number(phone(to, number)?), to.to_owned()));
    }
    if let Some(user_id) = shape.optional_text("recipient", 160)? {
        let well_formed = user_id.split_once('.').is_some_and(|(country, rest)| {
            country.len() == 2 && !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
        });
        if !well_formed {
            return Err(Refusal::parameter("Param recipient must be a business-scoped user ID."));
        }
        return Ok((Recipient::UserId(user_id.to_owned()), user_id.to_owned()));
    }
    Err(Refusal::parameter("The parameter to is required."))
}

/// A recipient as E.164. Without a `+` Meta takes it for a number of the business's own country: the documentation's
/// example turns `(631) 555-1234` of an Indian business into `+916315551234`.
fn phone(to: &str, number: &BusinessNumber) -> Result<String, Refusal> {
    let invalid = || Refusal::new(131_009, "Param to is not a valid phone number of the recipient");
    let mut digits = String::new();
    for character in to.trim().trim_start_matches('+').chars() {
        match character {
            '0'..='9' => digits.push(character),
            ' ' | '-' | '(' | ')' => {}
            _ => return Err(invalid()),
        }
    }
    if !to.trim().starts_with('+') {
        let code = number.country_code().ok_or_else(invalid)?;
        digits = format!("{code}{digits}");
    }
    if (7..=20).contains(&digits.len()) { Ok(format!("+{digits}")) } else { Err(invalid()) }
}

fn text(text: &Shape<'_>) -> Result<Shown, Refusal> {
    text.only(&["body", "preview_url"])?;
    Ok(Shown { text: text.text("body", TEXT)?.to_owned(), ..Shown::default() })
}

/// What has no words of its own: its type in square brackets, and a caption.
fn labelled(kind: &str, caption: Option<&str>) -> Shown {
    let text = caption.map_or_else(|| format!("[{kind}]"), |caption| format!("[{kind}] {caption}"));
    Shown { text, ..Shown::default() }
}

fn media(kind: &str, media: &Shape<'_>) -> Result<Shown, Refusal> {
    media.only(&["id", "link", "caption", "filename", "voice", "provider"])?;
    let id = media.optional_text("id", 512)?;
    let link = media.optional_text("link", URL)?;
    if id.is_some() == link.is_some() {
        return Err(Refusal::parameter(format!("Param {kind} needs either id or link.")));
    }
    let caption = media.optional_text("caption", CAPTION)?;
    if caption.is_some() && matches!(kind, "audio" | "sticker") {
        return Err(Refusal::parameter(format!("Unexpected key \"caption\" on param \"{kind}\".")));
    }
    Ok(labelled(kind, caption))
}

fn location(location: &Shape<'_>) -> Result<Shown, Refusal> {
    let (latitude, longitude) = (location.number("latitude")?, location.number("longitude")?);
    if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
        return Err(Refusal::value("location", "must have a latitude within ±90 and a longitude within ±180"));
    }
    Ok(labelled("location", location.optional_text("name", 1000)?))
}

fn reaction(reaction: &Shape<'_>) -> Result<Shown, Refusal> {
    reaction.text("message_id", 512)?;
    let emoji = reaction.get("emoji").and_then(Value::as_str);
    let emoji = emoji.ok_or_else(|| Refusal::missing("reaction.emoji"))?;
    Ok(Shown { text: emoji.to_owned(), ..Shown::default() })
}
