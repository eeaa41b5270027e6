//! A model, where the script wants one: it is asked what the rules could not understand, and for the summary.
//!
//! What it answers is held to what was asked: a choice among those of the question, a number, a day and a time, and for the
//! summary to the facts noted ([`crate::facts`]). Anything else, a refusal and silence included, and the rules go on as if
//! nobody had been asked.

use jiff::civil::{Date, Time};
use relais_sdk::{Action, Answer, AskModel};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::{Kind, Step};
use crate::events::{self, Heard};
use crate::exchange::Exchange;
use crate::facts;
use crate::state::Stage;
use crate::understand::tokens;

/// What a model is asked to understand is no longer than this many characters; more is no answer to a question.
const LONGEST: usize = 1_000;
/// The longest summary, in characters.
const LONGEST_SUMMARY: usize = 600;

/// A message that a model was asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asked {
    id: String,
    stage: Stage,
    pub(crate) text: String,
}

/// Asks what a message means that the rules could not understand. True when it is asked: nothing is to be said until the
/// answer comes.
pub(crate) fn ask(exchange: &mut Exchange<'_>, heard: &Heard) -> bool {
    let is_text = !heard.reaction && heard.choice.is_none() && !heard.text.trim().is_empty();
    if !exchange.script.config.model.understand || exchange.rereads || !is_text || heard.text.chars().count() > LONGEST
    {
        return false;
    }
    let Some((instructions, answer)) = question(exchange) else { return false };
    let schema = json!({
        "type": "object", "required": ["answer"], "additionalProperties": false, "properties": { "answer": answer },
    });
    let id = exchange.question_id("understand");
    exchange.state.model_asked =
        Some(Asked { id: id.clone(), stage: exchange.state.stage.clone(), text: heard.text.clone() });
    let input = heard.text.clone();
    exchange.act(Action::AskModel(AskModel { id, instructions, input, schema: Some(schema.to_string()) }));
    true
}

/// What the model is told, and the schema of its `answer`.
fn question(exchange: &mut Exchange<'_>) -> Option<(String, Value)> {
    let today = exchange.now.date();
    let stage = exchange.state.stage.clone();
    let Stage::Step(id) = stage else {
        let instructions = format!(
            "A company and a person are looking for a time for a call, in a chat. Today is {today} ({}). Give the day \
             (YYYY-MM-DD) and the time (HH:MM, 24 hours) that the person proposes in their message; null for what it \
             does not say. Guess nothing.",
            today.strftime("%A"),
        );
        let part = |length: usize| json!({ "anyOf": [{ "type": "null" }, { "type": "string", "maxLength": length }] });
        let answer = json!({
            "type": "object", "required": ["day", "time"], "additionalProperties": false,
            "properties": { "day": part(10), "time": part(5) },
        });
        return Some((instructions, answer));
    };
    let script = exchange.script;
    let (_, step) = script.config.step(&id)?;
    let asked = exchange.render(&step.ask);
    let (how, answer) = match step.answer {
        Kind::YesNo => (
            "Does the message mean yes, no or maybe? Answer \"unclear\" when it answers something else.".to_owned(),
            json!({ "enum": branches_or_unclear(step) }),
        ),
        Kind::Choice => {
            let labels: Vec<String> = step
                .choices
                .iter()
                .map(|choice| format!("{:?}: {}", choice.id, exchange.render(&choice.label)))
                .collect();
            let how =
                format!("Which of these does the message choose? {}. Answer \"unclear\" when none.", labels.join("; "));
            (how, json!({ "enum": branches_or_unclear(step) }))
        }
        Kind::Number => (
            "Which number does the message give? Answer null when it gives none.".to_owned(),
            json!({ "type": ["number", "null"] }),
        ),
        Kind::Text | Kind::Email | Kind::Postcode | Kind::Time => return None,
    };
    Some((format!("In a chat, a company asked a person: {asked:?}\nThe message is the person's reply. {how}"), answer))
}

/// What a question with branches can be answered.
fn branches(step: &Step) -> Vec<&str> {
    match step.answer {
        Kind::YesNo => vec!["yes", "no", "maybe"],
        _ => step.choices.iter().map(|choice| choice.id.as_str()).collect(),
    }
}

fn branches_or_unclear(step: &Step) -> Vec<&str> {
    let mut all = branches(step);
    all.push("unclear");
    all
}

/// An answer came, or there will be none.
pub(crate) fn answered(exchange: &mut Exchange<'_>, answer: &Answer) {
    let body = answer.body.as_ref().ok().and_then(|body| serde_json::from_str::<Value>(body).ok());
    if exchange.state.summary_asked.as_ref() == Some(&answer.id) {
        exchange.state.summary_asked = None;
        let told = body.as_ref().and_then(|body| body.get("summary")).and_then(Value::as_str).map(str::trim);
        let rules = exchange.state.summary.clone();
        if let Some(text) = told.filter(|text| facts::hold(text, &format!("{rules}\n{}", exchange.facts()))) {
            exchange.act(Action::Summarise(text.to_owned()));
        }
        return;
    }
    // Of a question that was overtaken by another message, perhaps.
    let Some(asked) = exchange.state.model_asked.take_if(|asked| asked.id == answer.id) else { return };
    if asked.stage != exchange.state.stage || exchange.state.ended.is_some() {
        return;
    }
    exchange.rereads = true;
    if exchange.meeting.is_none() {
        exchange.wait();
    }
    let understood = body.as_ref().and_then(|body| body.get("answer")).and_then(|answer| reread(exchange, answer));
    let said = Heard { words: tokens(&asked.text), text: asked.text, ..Heard::default() };
    events::dispatch(exchange, &understood.unwrap_or(said));
}

/// The answer as words that the rules understand; none when it says nothing.
fn reread(exchange: &Exchange<'_>, answer: &Value) -> Option<Heard> {
    let words = |text: String| Heard { words: tokens(&text), text, ..Heard::default() };
    let Stage::Step(id) = &exchange.state.stage else {
        let part = |name: &str| answer.get(name).and_then(Value::as_str);
        let day = part("day").and_then(|day| day.parse::<Date>().ok());
        let time = part("time").and_then(|time| Time::strptime("%H:%M", time).ok());
        let is_english = exchange.language.starts_with("en");
        let day = day.map(|day| day.strftime(if is_english { "%B %-d, %Y" } else { "%d/%m/%Y" }).to_string());
        let time = time.map(|time| time.strftime(if is_english { "%H:%M" } else { "%Hh%M" }).to_string());
        let at = if is_english { " at " } else { " à " };
        let parts: Vec<String> = [day, time].into_iter().flatten().collect();
        return (!parts.is_empty()).then(|| words(parts.join(at)));
    };
    let (_, step): (usize, &Step) = exchange.script.config.step(id)?;
    match (step.answer, answer) {
        (Kind::Number, Value::Number(number)) => Some(words(number.to_string())),
        (Kind::YesNo | Kind::Choice, Value::String(branch)) if branches(step).contains(&branch.as_str()) => {
            Some(Heard { choice: Some(format!("step:{id}:{branch}")), ..Heard::default() })
        }
        _ => None,
    }
}

/// Asks for the summary of a conversation that has just come to its end or to its meeting.
pub(crate) fn ask_summary(exchange: &mut Exchange<'_>, language: &str) {
    if !exchange.script.config.model.summary || !exchange.state.responded || exchange.state.summary.is_empty() {
        return;
    }
    let id = exchange.question_id("summary");
    exchange.state.summary_asked = Some(id.clone());
    let instructions = format!(
        "Write, for a salesperson, the summary of a chat with a lead: one to three sentences in the language {language:?}, \
         in the third person. Use the facts of the input only: add no number, name, date or judgement that is not in them. \
         Write no name of the person, no contact data and no formatting. Answer {{\"summary\": \"…\"}}."
    );
    let input = json!({ "facts": exchange.facts(), "so_far": exchange.state.summary }).to_string();
    let schema = json!({
        "type": "object", "required": ["summary"], "additionalProperties": false,
        "properties": { "summary": { "type": "string", "minLength": 1, "maxLength": LONGEST_SUMMARY } },
    });
    exchange.act(Action::AskModel(AskModel { id, instructions, input, schema: Some(schema.to_string()) }));
}
