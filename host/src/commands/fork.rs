//! A golden conversation made of a real one, the person masked.

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::{
    model::{Content, Direction, Event, Lead, Payload, ReceiptStatus},
    stage::{Golden, Media, Moment, Person, Step, When},
    store::Dossier,
    turn::replace_numbers,
};

/// Who the person becomes.
const PHONE: &str = "+33612345600";
const LOCAL_PHONE: &str = "06 12 34 56 00";
const NAME: (&str, &str) = ("Camille", "Martin");
const EMAIL: &str = "camille.martin@example.com";
const COMPANY: &str = "Exemple SA";
/// Digits in a row, spaces and the like aside, that may be a phone number.
const LONG_NUMBER: usize = 9;
/// What is expected comes soon after the step before it, unless the file says when.
const SOON: SignedDuration = SignedDuration::from_mins(10);

/// The conversation as a test: what the person did and when, what we said, and the final statuses.
pub(super) fn golden(dossier: &Dossier) -> anyhow::Result<Golden> {
    let conversation = &dossier.past.conversation;
    let zone = TimeZone::get(&conversation.timezone).context("find the conversation's time zone")?;
    let mask = Mask::of(&conversation.lead);

    let mut steps: Vec<(Timestamp, Step)> = Vec::new();
    for entry in &dossier.past.log {
        if let (Event::MessageReceived { messages }, None) = (&entry.event, &entry.fault) {
            steps.extend(messages.iter().map(|message| (message.at, person(&message.content, &mask))));
        }
    }
    for line in dossier.lines.iter().filter(|line| line.direction == Direction::Out) {
        steps.push((line.at, Step::agent(&mask.text(&line.text))));
    }
    for envelope in &dossier.envelopes {
        let Payload::Callback(callback) = &envelope.payload else { continue };
        let Some(status) = callback.status.filter(|status| status.is_final()) else { continue };
        let body: Value = serde_json::from_str(&callback.body).unwrap_or_default();
        let meeting = body.pointer("/meeting/start").and_then(Value::as_str).and_then(|start| start.parse().ok());
        let reason = body.pointer("/details/reason").and_then(Value::as_str).map(str::to_owned);
        let meeting = meeting.map(|start: Timestamp| Moment::wall(start, &zone));
        steps.push((envelope.created_at, Step { status: Some(status), meeting, reason, ..Step::default() }));
    }
    steps.sort_by_key(|(at, _)| *at);

    let mut before = conversation.created_at;
    let mut talk = Vec::new();
    for (at, step) in steps {
        let is_persons = step.client.is_some() || step.tap.is_some() || step.sends.is_some() || step.reacts.is_some();
        let is_late = before.duration_until(at) > SOON;
        talk.push(if is_persons || is_late { step.at(When::At(Moment::wall(at, &zone))) } else { step });
        before = at;
    }
    let reads = conversation.receipts.is_empty()
        || conversation.receipts.values().any(|receipt| *receipt == ReceiptStatus::Read);
    Ok(Golden {
        title: format!("As in {}", conversation.id),
        begin: Moment::wall(conversation.created_at, &zone),
        lead: mask.lead(&conversation.lead),
        others: std::collections::BTreeMap::new(),
        person: Person { on_whatsapp: true, reads },
        talk,
        expect: crate::stage::Expect::default(),
        lines: Vec::new(),
    })
}

fn person(content: &Content, mask: &Mask) -> Step {
    let sends = |media| Step { sends: Some(media), ..Step::default() };
    match content {
        Content::Text(text) => Step::client(&mask.text(text)),
        Content::Choice(choice) => Step { tap: Some(choice.title.clone()), ..Step::default() },
        Content::Reaction(emoji) if emoji.is_empty() => sends(Media::Unsupported),
        Content::Reaction(emoji) => Step { reacts: Some(emoji.clone()), ..Step::default() },
        Content::Location { .. } => sends(Media::Location),
        Content::Media { kind, .. } => sends(match kind.as_str() {
            "image" => Media::Image,
            "audio" => Media::Audio,
            "voice" => Media::Voice,
            "video" => Media::Video,
            "document" => Media::Document,
            "sticker" => Media::Sticker,
            _ => Media::Unsupported,
        }),
        Content::Unsupported(_) => sends(Media::Unsupported),
    }
}

/// What of a person is replaced by what.
struct Mask(Vec<(String, String)>);

impl Mask {
    fn of(lead: &Lead) -> Self {
        let mut replaced = Vec::new();
        let full = format!("{} {}", NAME.0, NAME.1);
        if let Some(name) = &lead.name {
            replaced.push((name.trim().to_owned(), full));
            for (index, part) in name.split_whitespace().enumerate() {
                let other = if index == 0 { NAME.0 } else { NAME.1 };
                replaced.push((part.to_owned(), other.to_owned()));
            }
        }
        replaced.extend(lead.email.iter().map(|email| (email.clone(), EMAIL.to_owned())));
        replaced.extend(lead.company.iter().map(|company| (company.clone(), COMPANY.to_owned())));
        replaced.retain(|(text, _)| text.chars().count() >= 3);
        Self(replaced)
    }

    /// A text without the person's name, company, addresses and numbers.
    fn text(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for (from, to) in &self.0 {
            masked = replace_words(&masked, from, to);
        }
        replace_numbers(&without_addresses(&masked), LONG_NUMBER, LOCAL_PHONE)
    }

    /// The lead as a CRM would hand the masked person over.
    fn lead(&self, lead: &Lead) -> Value {
        let mut payload = Map::new();
        payload.insert("crm_contact_id".to_owned(), "CRM_1".into());
        payload.insert("phone_number".to_owned(), PHONE.into());
        let name = lead.name.as_ref().map(|name| {
            if name.split_whitespace().count() > 1 { format!("{} {}", NAME.0, NAME.1) } else { NAME.0.to_owned() }
        });
        for (member, value) in [
            ("name", name),
            ("email", lead.email.as_ref().map(|_| EMAIL.to_owned())),
            ("company", lead.company.as_ref().map(|_| COMPANY.to_owned())),
            ("assigned_to", lead.assigned_to.clone()),
        ] {
            payload.extend(value.map(|value| (member.to_owned(), json!(value))));
        }
        let context = self.value(&lead.context);
        if !context.is_null() {
            payload.insert("context".to_owned(), context);
        }
        payload.into()
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            // TOML has no null.
            Value::Object(members) => members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), self.value(value)))
                .collect::<Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }
}

/// Whole words, whatever their case.
fn replace_words(text: &str, from: &str, to: &str) -> String {
    let is_letter = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let (lower, from) = (text.to_lowercase(), from.to_lowercase());
    // Where lower case is longer or shorter, places do not correspond; such texts are rare, and are blanked.
    if lower.len() != text.len() {
        return if lower.contains(&from) { "…".to_owned() } else { text.to_owned() };
    }
    let mut replaced = String::new();
    let mut rest = 0;
    for (at, found) in lower.match_indices(&from) {
        let end = at + found.len();
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(end..).unwrap_or_default());
        if at < rest || is_letter(before.chars().next_back()) || is_letter(after.chars().next()) {
            continue;
        }
        replaced.push_str(text.get(rest..at).unwrap_or_default());
        replaced.push_str(to);
        rest = end;
    }
    replaced.push_str(text.get(rest..).unwrap_or_default());
    replaced
}

fn without_addresses(text: &str) -> String {
    let masked = |word: &str| {
        // What follows an address in a sentence stays.
        let (address, punctuation) = word.split_at(word.trim_end_matches(|c: char| !c.is_alphanumeric()).len());
        match address.split_once('@') {
            Some((name, domain)) if !name.is_empty() && domain.contains('.') => format!("{EMAIL}{punctuation}"),
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(masked).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Phone;

    #[test]
    fn the_person_is_masked_and_the_rest_is_not() {
        let lead = Lead {
            crm_id: "CRM_9".into(),
            phone: Phone::parse("+33698765432", None).unwrap(),
            name: Some("Zoé Lefèvre".into()),
            email: Some("zoe@lefevre.fr".into()),
            company: None,
            assigned_to: None,
            context: json!({ "note": "Rappeler Mme LEFÈVRE au 06.98.76.54.32", "rooms": 7, "none": null }),
        };
        let mask = Mask::of(&lead);
        assert_eq!(
            mask.text("Bonjour zoé, ici Zoé Lefèvre, +33 6 98 76 54 32 ou zoe@lefevre.fr, vers 14h30"),
            "Bonjour Camille, ici Camille Martin, 06 12 34 56 00 ou camille.martin@example.com, vers 14h30"
        );
        assert_eq!(mask.text("Entre 6,5 et 7, le 13/10 à 14 h 30"), "Entre 6,5 et 7, le 13/10 à 14 h 30");
        let payload = mask.lead(&lead);
        assert_eq!(payload["context"], json!({ "note": "Rappeler Mme Martin au 06 12 34 56 00", "rooms": 7 }));
        assert_eq!((&payload["name"], &payload["phone_number"]), (&json!("Camille Martin"), &json!(PHONE)));
        let text = payload.to_string().to_lowercase();
        assert!(!text.contains("lef") && !text.contains("987"), "{text}");
    }
}
