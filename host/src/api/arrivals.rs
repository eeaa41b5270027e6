//! A webhook's update becomes an event of a conversation.

use jiff::Timestamp;

use crate::{
    model::{Choice, Content, EnvelopeId, Event, Inbound, Receipt, ReceiptStatus, TenantId},
    store::{Append, To},
    whatsapp::{self, Delivery, Kind, MediaKind, Sender, Update},
};

/// The event of an update, addressed. What no conversation can use is addressed to nobody: the store sets it aside with
/// its raw JSON.
pub(super) fn event_of(update: Update, tenant: Option<TenantId>, now: Timestamp) -> Append {
    let key = Some(update.key());
    let raw = Some(update.raw.clone());
    let (to, event) = match update.kind {
        Kind::Message(message) => {
            let to = person(&message.sender, message.context_id.clone());
            (to, message_event(*message, now))
        }
        Kind::Status(status) => {
            let envelope = status.envelope.as_deref().map(EnvelopeId::new);
            let to = To::Message { wamid: status.wamid.clone(), envelope: envelope.clone() };
            let receipt = Receipt {
                wamid: status.wamid,
                envelope,
                status: match status.status {
                    Delivery::Failed => ReceiptStatus::Failed,
                    Delivery::Sent => ReceiptStatus::Sent,
                    Delivery::Delivered => ReceiptStatus::Delivered,
                    Delivery::Read | Delivery::Played => ReceiptStatus::Read,
                },
                at: status.timestamp.unwrap_or(now),
                reason: status.errors.first().map(|error| whatsapp::meaning(error).name().to_owned()),
            };
            (to, Event::Receipt(receipt))
        }
        Kind::Preference(preference) => {
            let to = person(&preference.sender, None);
            (to, Event::PreferenceChanged { stops: preference.is_stop() })
        }
        Kind::Echo(message) => {
            let names = message.to.iter().flat_map(|number| whatsapp::variants(number)).collect();
            let text = message.content.text().map(str::to_owned);
            let at = message.timestamp.unwrap_or(now);
            (To::Person { context: None, names }, Event::HumanAnswered { text, at })
        }
        Kind::Template(_)
        | Kind::Account(_)
        | Kind::NumberChange(_)
        | Kind::Edit(_)
        | Kind::Revoke(_)
        | Kind::Unsupported(_)
        | Kind::Error(_) => {
            let nobody = To::Person { context: None, names: Vec::new() };
            (nobody, Event::MessageReceived { messages: Vec::new() })
        }
    };
    Append { tenant, to, key, event, at: now, raw }
}

/// All the names of a person, in the order in which they are trusted (FACTS §5): business-scoped ids, `wa_id`, the
/// number in each spelling that WhatsApp may use.
fn person(sender: &Sender, context: Option<String>) -> To {
    let numbers = sender
        .wa_id
        .as_deref()
        .and_then(whatsapp::to_e164)
        .into_iter()
        .chain(sender.from.clone())
        .flat_map(|number| whatsapp::variants(&number));
    let mut names: Vec<String> = Vec::new();
    for name in sender.user_id.clone().into_iter().chain(sender.parent_user_id.clone()).chain(numbers) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    To::Person { context, names }
}

fn message_event(message: whatsapp::Message, now: Timestamp) -> Event {
    let inbound = Inbound {
        id: message.id,
        at: message.timestamp.unwrap_or(now),
        content: content_of(message.content),
        context: message.context_id,
    };
    Event::MessageReceived { messages: vec![inbound] }
}

fn content_of(content: whatsapp::Content) -> Content {
    match content {
        whatsapp::Content::Text { body } => Content::Text(body),
        whatsapp::Content::Button { payload, text } => Content::Choice(Choice { id: payload, title: text }),
        whatsapp::Content::ButtonReply { id, title } | whatsapp::Content::ListReply { id, title, .. } => {
            Content::Choice(Choice { id, title })
        }
        whatsapp::Content::Media(media) => Content::Media {
            kind: match media.kind {
                MediaKind::Audio if media.voice => "voice".to_owned(),
                kind => kind.name().to_owned(),
            },
            caption: media.caption,
        },
        whatsapp::Content::Location(place) => {
            Content::Location { latitude: place.latitude, longitude: place.longitude, name: place.name }
        }
        whatsapp::Content::Reaction { emoji, .. } => Content::Reaction(emoji.unwrap_or_default()),
        other => Content::Unsupported(other.name().to_owned()),
    }
}
