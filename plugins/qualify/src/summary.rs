//! What the CRM reads about a conversation: the script's sentences, or, without any, sentences composed from what was
//! noted and how it ended.

use serde_json::Value;

use crate::exchange::Exchange;
use crate::names::Tongue;

/// An answer in the person's words is told up to so many characters.
const MOST_QUOTED: usize = 80;

/// The text that tells a value as people say it.
pub(crate) const VALUE: &str = "{{ answer }}";

/// The sentences that hold now, in order.
pub(crate) fn sentences(exchange: &mut Exchange<'_>) -> Vec<String> {
    let script = exchange.script;
    let reason = exchange.state.ended.clone().unwrap_or_default();
    exchange.set("ended", exchange.state.ended.is_some());
    exchange.set("silent", reason == script.config.follow_ups.reason);
    exchange.set("reason", reason);
    if script.config.summary.is_empty() {
        return composed(exchange);
    }
    let mut sentences = Vec::new();
    for sentence in &script.config.summary {
        if sentence.condition.as_ref().is_none_or(|condition| exchange.holds(condition)) {
            sentences.push(exchange.render(&sentence.say));
        }
    }
    sentences
}

fn composed(exchange: &mut Exchange<'_>) -> Vec<String> {
    let tongue = exchange.tongue;
    let reason = exchange.state.ended.clone();
    let silent = reason.as_deref() == Some(exchange.script.config.follow_ups.reason.as_str());
    let first = match (exchange.state.responded, &exchange.meeting, silent) {
        (false, ..) => tongue.either("Premier message envoyé, sans réponse.", "First message sent, no answer."),
        (_, Some(_), _) => tongue.either("Prospect intéressé par l'offre.", "Interested in the offer."),
        (_, None, true) => tongue.either(
            "Conversation initiée. Prospect a répondu partiellement puis silence.",
            "Conversation begun. Answered partly, then silence.",
        ),
        (_, None, false) => tongue.either("Conversation initiée.", "Conversation begun."),
    };
    let mut sentences = vec![first.to_owned()];
    sentences.extend(brought_up(exchange));
    sentences.extend(asked(exchange));
    sentences.extend(facts(exchange));
    sentences.extend(ending(exchange, reason.as_deref().filter(|_| !silent)));
    sentences
}

/// "A posé des questions techniques et demandé le prix."
fn brought_up(exchange: &mut Exchange<'_>) -> Option<String> {
    let script = exchange.script;
    let tongue = exchange.tongue;
    let mut did = Vec::new();
    let mut ids = Vec::new();
    for objection in script.config.objections.iter().filter(|each| exchange.state.objections.contains(&each.id)) {
        match &objection.summary {
            Some(text) => did.push((objection, text)),
            None => ids.push(objection.id.clone()),
        }
    }
    let mut did: Vec<String> = did.into_iter().map(|(_, text)| exchange.render(text)).collect();
    if !ids.is_empty() {
        did.push(format!("{} {}", tongue.either("parlé de :", "brought up:"), ids.join(", ")));
    }
    let (last, head) = did.split_last()?;
    let and = tongue.either(" et ", " and ");
    let all = if head.is_empty() { last.clone() } else { format!("{}{and}{last}", head.join(", ")) };
    Some(format!("{} {all}.", tongue.either("A", "Has")))
}

/// "A demandé : « Combien de temps ça prend ? »"
fn asked(exchange: &Exchange<'_>) -> Option<String> {
    let quotes: Vec<String> = exchange.state.asked.iter().map(|question| quoted(question)).collect();
    let all = quotes.join(exchange.tongue.either(" », « ", "”, “"));
    let (before, after) = (exchange.tongue.either("A demandé : « ", "Asked: “"), exchange.tongue.either(" »", "”"));
    (!quotes.is_empty()).then(|| format!("{before}{all}{after}."))
}

/// "Surface : 80 m²." for each answer that was noted.
fn facts(exchange: &mut Exchange<'_>) -> Vec<String> {
    let mut facts = Vec::new();
    for step in &exchange.script.config.steps {
        let Some(key) = &step.note else { continue };
        let Some(value) = exchange.told(key) else { continue };
        let value = match value {
            Value::String(text) => Value::from(quoted(&text)),
            other => other,
        };
        exchange.set("answer", value);
        let said = match &step.summary {
            Some(text) => exchange.render(text),
            None => format!("{}{}{}", title(key), exchange.tongue.either(" : ", ": "), exchange.render(&VALUE.into())),
        };
        facts.push(ended_by_a_stop(said));
    }
    facts
}

/// "connait_produit" → "Connait produit".
fn title(key: &str) -> String {
    let mut letters = key.chars().map(|c| if c == '_' || c == '-' || c == '.' { ' ' } else { c });
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

fn quoted(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= MOST_QUOTED {
        return flat;
    }
    let head: String = flat.chars().take(MOST_QUOTED).collect();
    format!("{}…", head.trim_end())
}

fn ended_by_a_stop(sentence: String) -> String {
    if sentence.ends_with(['.', '!', '?', '…']) { sentence } else { format!("{sentence}.") }
}

/// How it stands or ended: "RDV confirmé avec un expert pour le 13/10 à 14h30."
fn ending(exchange: &Exchange<'_>, reason: Option<&str>) -> Option<String> {
    let tongue = exchange.tongue;
    if let Some(meeting) = &exchange.meeting {
        return Some(appointment(tongue, meeting));
    }
    let text = match reason {
        None if exchange.state.with_human => tongue.either("Transmis à un conseiller.", "Handed over to a colleague."),
        None => return None,
        Some("NOT_INTERESTED") => tongue.either("N'est pas intéressé.", "Is not interested."),
        Some("WRONG_PERSON") => tongue.either("Ce n'est pas la bonne personne.", "Is not the right person."),
        Some("CANCELLED") => tongue.either("A annulé son rendez-vous.", "Cancelled the meeting."),
        Some("STOP") => tongue.either("A demandé à ne plus être contacté.", "Asked not to be contacted any more."),
        Some("") => tongue.either("Conversation terminée sans rendez-vous.", "Ended without a meeting."),
        Some(other) => {
            let ended = tongue.either("Conversation terminée", "Ended");
            return Some(format!("{ended} ({other})."));
        }
    };
    Some(text.to_owned())
}

fn appointment(tongue: Tongue, meeting: &relais_sdk::Meeting) -> String {
    let moved = meeting.moves > 0;
    let confirmed = match (moved, meeting.with.is_some()) {
        (false, false) => tongue.either("RDV confirmé avec un expert", "Meeting with an expert confirmed"),
        (true, false) => {
            tongue.either("RDV déplacé et confirmé avec un expert", "Meeting with an expert moved and confirmed")
        }
        (false, true) => tongue.either("RDV confirmé", "Meeting confirmed"),
        (true, true) => tongue.either("RDV déplacé et confirmé", "Meeting moved and confirmed"),
    };
    let Some(start) = crate::clock::Instant::read(&meeting.start) else { return format!("{confirmed}.") };
    let on = tongue.either("le", "on");
    let day = format!("{} {}", tongue.weekday(start.date()), tongue.date(start.date()));
    format!("{confirmed}, {on} {day} {} {}.", tongue.either("à", "at"), tongue.time(start.time()))
}
