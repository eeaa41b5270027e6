//! The content of one inbound message, read tolerantly: what cannot be read is [`Content::Unsupported`],
//! never an error, for the person did write.

use serde_json::Value;

use super::json::{get, id, instant, integer, list, number, text};
use super::{ApiError, Content, Location, Media, MediaKind, Order, OrderItem, Referral, SharedContact, to_e164};

/// The content of a message object (`{"type": …, "<type>": {…}}`).
pub(super) fn content(message: &Value) -> Content {
    let kind = id(message, "type").unwrap_or_else(|| guessed_type(message).to_owned());
    let body = get(message, &kind).unwrap_or(&Value::Null);
    let known = match kind.as_str() {
        "text" => text(body, "body").map(|body| Content::Text { body }),
        "button" => button(body),
        "interactive" => return interactive(body, message),
        "image" => media(MediaKind::Image, body),
        "audio" | "voice" => media(MediaKind::Audio, body),
        "video" => media(MediaKind::Video, body),
        "document" => media(MediaKind::Document, body),
        "sticker" => media(MediaKind::Sticker, body),
        "location" => location(body),
        "contacts" => contacts(body),
        "reaction" => reaction(body),
        "order" => body.is_object().then(|| Content::Order(order(body))),
        "system" => Some(system(body)),
        "request_welcome" => Some(Content::RequestWelcome),
        _ => None,
    };
    known.unwrap_or_else(|| unsupported(&kind, message))
}

/// The type of a message that names none: the content it carries.
fn guessed_type(message: &Value) -> &'static str {
    ["text", "button", "interactive"].into_iter().find(|name| get(message, name).is_some()).unwrap_or("unknown")
}

/// A message of which only the type is known.
fn unsupported(kind: &str, message: &Value) -> Content {
    let named = get(message, "unsupported").and_then(|body| id(body, "type"));
    let errors = list(message, "errors").iter().map(ApiError::from_value).collect();
    Content::Unsupported { kind: named.unwrap_or_else(|| kind.to_owned()), errors }
}

/// A template's quick-reply button. Payload and text may stand for each other.
fn button(body: &Value) -> Option<Content> {
    let (payload, label) = (text(body, "payload"), text(body, "text"));
    let payload = payload.or_else(|| label.clone())?;
    Some(Content::Button { text: label.unwrap_or_else(|| payload.clone()), payload })
}

/// The answer to an interactive message.
fn interactive(body: &Value, message: &Value) -> Content {
    // A reply is recognised by what it carries, whatever `type` says or does not say.
    let reply = |name: &str| get(body, name);
    let pair = |reply: &Value| Some((id(reply, "id")?, text(reply, "title").unwrap_or_default()));
    let known = if let Some(reply) = reply("button_reply") {
        pair(reply).map(|(id, title)| Content::ButtonReply { id, title })
    } else if let Some(reply) = reply("list_reply") {
        let description = text(reply, "description");
        pair(reply).map(|(id, title)| Content::ListReply { id, title, description })
    } else if let Some(reply) = reply("nfm_reply") {
        text(reply, "response_json").map(|response| Content::FlowReply {
            name: id(reply, "name"),
            body: text(reply, "body"),
            response,
        })
    } else {
        reply("call_permission_reply").and_then(|reply| {
            let response = id(reply, "response")?;
            Some(Content::CallPermission {
                accepted: response.eq_ignore_ascii_case("accept"),
                expires: instant(reply, "expiration_timestamp"),
            })
        })
    };
    known.unwrap_or_else(|| match id(body, "type") {
        Some(inner) => unsupported(&format!("interactive:{inner}"), message),
        None => unsupported("interactive", message),
    })
}

/// A media message: useless without the id that fetches it.
fn media(kind: MediaKind, body: &Value) -> Option<Content> {
    Some(Content::Media(Media {
        kind,
        id: id(body, "id")?,
        mime_type: id(body, "mime_type"),
        caption: text(body, "caption"),
        filename: text(body, "filename"),
        voice: get(body, "voice").and_then(Value::as_bool).unwrap_or_default(),
    }))
}

/// A place.
fn location(body: &Value) -> Option<Content> {
    Some(Content::Location(Location {
        latitude: number(body, "latitude")?,
        longitude: number(body, "longitude")?,
        name: text(body, "name"),
        address: text(body, "address"),
        url: text(body, "url"),
    }))
}

/// Contact cards; the unreadable ones keep their place, empty.
fn contacts(body: &Value) -> Option<Content> {
    let cards = body.as_array()?.iter().map(|card| SharedContact {
        name: get(card, "name").and_then(|name| {
            id(name, "formatted_name").or_else(|| id(name, "first_name")).or_else(|| id(name, "last_name"))
        }),
        phones: list(card, "phones").iter().filter_map(phone).collect(),
        is_requested: id(card, "origin").as_deref() == Some("contact_request"),
    });
    Some(Content::Contacts(cards.collect()))
}

/// The number of a contact card: WhatsApp's id of it is surer than what the person typed.
fn phone(phone: &Value) -> Option<String> {
    let typed = id(phone, "phone");
    let known = id(phone, "wa_id").and_then(|digits| to_e164(&digits));
    known.or_else(|| typed.as_deref().filter(|t| t.starts_with('+')).and_then(to_e164)).or(typed)
}

/// A reaction; an empty or absent emoji takes it away.
fn reaction(body: &Value) -> Option<Content> {
    Some(Content::Reaction { message_id: id(body, "message_id")?, emoji: id(body, "emoji") })
}

/// A basket.
fn order(body: &Value) -> Order {
    let items = list(body, "product_items").iter().map(|item| OrderItem {
        product: id(item, "product_retailer_id"),
        quantity: number(item, "quantity"),
        unit_price: number(item, "item_price"),
        currency: id(item, "currency"),
    });
    Order { catalog_id: id(body, "catalog_id"), text: id(body, "text"), items: items.collect() }
}

/// A notice about the person.
fn system(body: &Value) -> Content {
    Content::System { kind: id(body, "type").unwrap_or_else(|| "system".to_owned()), body: text(body, "body") }
}

/// The advertisement that brought the person.
pub(super) fn referral(message: &Value) -> Option<Referral> {
    let from = get(message, "referral").filter(|r| r.is_object())?;
    Some(Referral {
        source_url: id(from, "source_url"),
        source_id: id(from, "source_id"),
        source_type: id(from, "source_type"),
        headline: text(from, "headline"),
        body: text(from, "body"),
        media_type: id(from, "media_type"),
        ctwa_clid: id(from, "ctwa_clid"),
    })
}

/// Whether a message was forwarded, even many times over.
pub(super) fn is_forwarded(context: &Value) -> bool {
    ["forwarded", "frequently_forwarded"].into_iter().any(|name| {
        get(context, name).and_then(Value::as_bool).unwrap_or_default() || integer(context, name) == Some(1)
    })
}

impl Content {
    /// The type in Meta's words; of an interactive answer the kind of answer (`button_reply`, …).
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Text { .. } => "text",
            Self::Button { .. } => "button",
            Self::ButtonReply { .. } => "button_reply",
            Self::ListReply { .. } => "list_reply",
            Self::FlowReply { .. } => "nfm_reply",
            Self::CallPermission { .. } => "call_permission_reply",
            Self::Media(media) => media.kind.name(),
            Self::Location(_) => "location",
            Self::Contacts(_) => "contacts",
            Self::Reaction { .. } => "reaction",
            Self::Order(_) => "order",
            Self::System { .. } => "system",
            Self::RequestWelcome => "request_welcome",
            Self::Unsupported { kind, .. } => kind,
        }
    }

    /// The words in it: the text, the button's or row's title, the caption, the emoji.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { body } => Some(body),
            Self::Button { text, .. } => Some(text),
            Self::ButtonReply { title, .. } | Self::ListReply { title, .. } => Some(title),
            Self::FlowReply { body, .. } | Self::System { body, .. } => body.as_deref(),
            Self::Media(media) => media.caption.as_deref(),
            Self::Location(place) => place.name.as_deref().or(place.address.as_deref()),
            Self::Reaction { emoji, .. } => emoji.as_deref(),
            Self::Order(order) => order.text.as_deref(),
            Self::CallPermission { .. } | Self::Contacts(_) => None,
            Self::RequestWelcome | Self::Unsupported { .. } => None,
        }
    }

    /// Whether the person said something, as RESPONSE_RECEIVED means it: not a notice, not the opening of a chat,
    /// not a reaction (an engagement, but no answer).
    #[must_use]
    pub const fn is_response(&self) -> bool {
        !matches!(self, Self::System { .. } | Self::RequestWelcome | Self::Reaction { .. })
    }
}

impl MediaKind {
    /// Meta's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }
}
