//! A webhook's update becomes an event of a conversation.

use jiff::Timestamp;

use crate::{
    model::{Choice, Content, EnvelopeId, Environment, Event, Inbound, Phone, Receipt, ReceiptStatus, TenantId},
    store::{Append, To},
    whatsapp::{self, Delivery, Kind, MediaKind, Sender, Update},
};

/// The event of an update, addressed. What no conversation can use is addressed to nobody: the store sets it aside with
/// its raw JSON.
pub(super) fn event_of(update: Update, from: Option<(TenantId, Environment)>, now: Timestamp) -> Append {
    let (tenant, environment) = from.unzip();
    let key = Some(update.key());
    let raw = Some(update.raw.clone());
    let to = |context: Option<String>, names: Vec<String>| To::Person { environment, context, names };
    let (to, event) = match update.kind {
        Kind::Message(message) if message.group_id.is_some() => {
            (nobody("written in a group, which no conversation is"), nothing(now))
        }
        Kind::Message(message) => {
            let to = to(message.context_id.clone(), names_of(&message));
            (to, message_event(*message, now))
        }
        Kind::Status(status) => {
            let envelope = status.envelope.as_deref().map(EnvelopeId::new);
            let names = names(
                [&status.recipient.user_id, &status.recipient.parent_user_id],
                &[&status.recipient.wa_id, &status.recipient.number],
            );
            let to = To::Message { wamid: status.wamid.clone(), envelope: envelope.clone(), names };
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
            let stops = preference.is_stop();
            (to(None, person(&preference.sender)), Event::PreferenceChanged { stops })
        }
        Kind::Echo(message) => {
            let numbers = message.to.iter().flat_map(|number| whatsapp::variants(number)).collect();
            let text = message.content.text().map(str::to_owned);
            let at = message.timestamp.unwrap_or(now);
            (to(None, numbers), Event::HumanAnswered { text, at })
        }
        Kind::NumberChange(change) => {
            // By the old names; the new ones are learnt with them, and lead here should the change be told twice.
            let mut known = names([&change.old_user_id, &change.old_parent_user_id], &[&change.old_number]);
            known.extend(names([&change.new_user_id, &change.new_parent_user_id], &[&change.new_number]));
            let number = change.new_number.as_deref().map(Phone::from_whatsapp);
            (to(None, known), Event::NumberChanged { number })
        }
        Kind::Edit(edit) => {
            let at = edit.timestamp.unwrap_or(now);
            let content = Some(content_of(edit.content));
            (to(None, person(&edit.sender)), changed(edit.original_id, content, "edit", at))
        }
        Kind::Revoke(revoke) => {
            let at = revoke.timestamp.unwrap_or(now);
            (to(None, person(&revoke.sender)), changed(revoke.original_id, None, "revoke", at))
        }
        Kind::Template(change) => {
            let event = change.event.as_deref().unwrap_or("changed");
            let name = change.name.as_deref().unwrap_or("without a name");
            let language = change.language.as_deref().unwrap_or("language unknown");
            let why = format!("{}: the template {name} ({language}) is {event}", update.field);
            tracing::warn!(tenant = ?tenant, waba = ?update.waba, template = name, language, event, "a template changed");
            (nobody(why), nothing(now))
        }
        Kind::Account(account) => {
            let event = account.event.as_deref().unwrap_or("changed");
            tracing::warn!(tenant = ?tenant, waba = ?update.waba, field = update.field, event, "the account changed");
            (nobody(format!("{}: {event}", update.field)), nothing(now))
        }
        Kind::Unsupported(unsupported) => {
            (nobody(format!("{}: this version does not know it", unsupported.kind)), nothing(now))
        }
        Kind::Error(error) => {
            let reported = error.errors.first().map(|error| whatsapp::meaning(error).name());
            let why = match (error.problem, reported) {
                (Some(problem), _) => format!("cannot be read: {problem}"),
                (None, Some(meaning)) => format!("WhatsApp reports an error beside its messages: {meaning}"),
                (None, None) => "WhatsApp reports an error beside its messages".to_owned(),
            };
            (nobody(why), nothing(now))
        }
    };
    Append { tenant, to, key, event, at: now, raw }
}

fn nobody(why: impl Into<String>) -> To {
    To::Nobody { why: why.into() }
}

/// The event of what is kept for people only: its raw JSON says it all.
fn nothing(at: Timestamp) -> Event {
    Event::Noticed { what: "kept".to_owned(), at }
}

fn changed(message: Option<String>, content: Option<Content>, kind: &str, at: Timestamp) -> Event {
    match message {
        Some(message) => Event::MessageChanged { message, content, at },
        None => Event::Noticed { what: kind.to_owned(), at },
    }
}

/// The names of whoever wrote a message; of someone who was asked for their number, also the one that they gave.
fn names_of(message: &whatsapp::Message) -> Vec<String> {
    let mut names = person(&message.sender);
    if let whatsapp::Content::Contacts(cards) = &message.content {
        let given = cards.iter().filter(|card| card.is_requested).flat_map(|card| &card.phones);
        for number in given.filter_map(|phone| whatsapp::to_e164(phone)).flat_map(|number| whatsapp::variants(&number))
        {
            if !names.contains(&number) {
                names.push(number);
            }
        }
    }
    names
}

fn person(sender: &Sender) -> Vec<String> {
    names([&sender.user_id, &sender.parent_user_id], &[&sender.wa_id, &sender.from])
}

/// All the names of a person, in the order in which they are trusted (FACTS §5): business-scoped ids, `wa_id`, the
/// number in each spelling that WhatsApp may use.
fn names(user_ids: [&Option<String>; 2], numbers: &[&Option<String>]) -> Vec<String> {
    let numbers = numbers
        .iter()
        .filter_map(|number| whatsapp::to_e164(number.as_deref()?))
        .flat_map(|number| whatsapp::variants(&number));
    let mut names: Vec<String> = Vec::new();
    for name in user_ids.into_iter().flatten().cloned().chain(numbers) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What is no answer of the person's (FACTS §3, status → outcome) is no message either.
fn message_event(message: whatsapp::Message, now: Timestamp) -> Event {
    let at = message.timestamp.unwrap_or(now);
    match &message.content {
        whatsapp::Content::Reaction { emoji, .. } if emoji.as_deref().is_none_or(str::is_empty) => {
            return Event::Noticed { what: "reaction-removed".to_owned(), at };
        }
        whatsapp::Content::System { kind, .. } => return Event::Noticed { what: kind.clone(), at },
        whatsapp::Content::RequestWelcome => return Event::Noticed { what: "request_welcome".to_owned(), at },
        _ => {}
    }
    let inbound = Inbound { id: message.id, at, content: content_of(message.content), context: message.context_id };
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
