//! Questions and their answers.

use relais_sdk::Choice;
use serde_json::{Value, json};

use crate::booking;
use crate::config::{Kind, Show, Step};
use crate::events::Heard;
use crate::exchange::Exchange;
use crate::sides::{self, Answered, Question, go};
use crate::state::Stage;
use crate::understand::{Answer as YesNoAnswer, How, Number, Reading, choice, email, number, number_in_unit, postcode};
use crate::when;

/// What was answered: the branch it takes and what is noted.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    /// `yes`, `no`, `maybe`, or a choice's id; empty for other kinds.
    branch: String,
    value: Value,
    number: Option<Number>,
}

/// Puts a step's question, or the next one's when this one is to be left out.
pub(crate) fn ask(exchange: &mut Exchange<'_>, id: &str) {
    let config = &exchange.script.config;
    let mut id = id.to_owned();
    // A script has no more steps to leave out than it has steps.
    for _ in 0..config.steps.len() {
        let Some((index, step)) = config.step(&id) else { break };
        if !step.skip_if.as_ref().is_some_and(|condition| exchange.holds(condition)) {
            put(exchange, step);
            return;
        }
        let next = step.then.as_deref().unwrap_or_else(|| config.after(index));
        if config.step(next).is_none() {
            go(exchange, next);
            return;
        }
        next.clone_into(&mut id);
    }
    booking::open(exchange);
}

fn put(exchange: &mut Exchange<'_>, step: &Step) {
    if exchange.state.stage != Stage::Step(step.id.clone()) {
        exchange.state.misunderstood = 0;
    }
    exchange.state.stage = Stage::Step(step.id.clone());
    exchange.say(&step.ask);
    show_choices(exchange, step);
}

fn show_choices(exchange: &mut Exchange<'_>, step: &Step) {
    if let Some(buttons) = &step.buttons {
        let titled = [("yes", &buttons.yes), ("no", &buttons.no)];
        let choices =
            titled.map(|(name, title)| Choice { id: button_id(&step.id, name), title: exchange.render(title) });
        exchange.offer(None, choices.into());
    }
    if step.show != Show::Text {
        let choices = step
            .choices
            .iter()
            .map(|choice| Choice { id: button_id(&step.id, &choice.id), title: exchange.render(&choice.label) });
        let choices = choices.collect();
        let title = step.list_title.as_ref().filter(|_| step.show == Show::List).map(|title| exchange.render(title));
        exchange.offer(title, choices);
    }
}

fn button_id(step: &str, answer: &str) -> String {
    format!("step:{step}:{answer}")
}

/// The person answered while this step's question was open.
pub(crate) fn answer(exchange: &mut Exchange<'_>, id: &str, heard: &Heard) {
    let config = &exchange.script.config;
    let Some((index, step)) = config.step(id) else {
        // The script has changed under a running conversation (a migration): go on with its first question.
        return match config.first() {
            Some(first) => ask(exchange, &first.id),
            None => booking::open(exchange),
        };
    };
    let reading = read(exchange, step, heard);
    if heard.reaction && reading.is_none() {
        return;
    }
    // A free text is an answer in itself, unless it plainly is something else: a few words, or a question.
    let is_sure = reading.as_ref().is_some_and(|reading| reading.how == How::Sure);
    let to_the_point = heard.words.len() <= 4 || heard.text.contains('?');
    let answered = match step.answer {
        Kind::Text if to_the_point => Answered::No,
        Kind::Text => Answered::Yes,
        _ if is_sure => Answered::Yes,
        _ => Answered::No,
    };
    if (step.answer != Kind::Text || heard.words.len() <= 8) && sides::instead(exchange, heard, answered) {
        // "Anglais, vous pouvez m'appeler vers 18h ?" has answered all the same.
        if let (Some(key), Some(reading), Stage::Booking) = (&step.note, &reading, &exchange.state.stage)
            && is_sure
            && step.answer != Kind::Text
            && !(step.answer == Kind::Number && booking::names_a_time(exchange, heard))
        {
            exchange.note(key, reading.what.value.clone());
        }
        return;
    }
    let questions = match step.answer {
        Kind::Text if !to_the_point => Vec::new(),
        _ => sides::questions(exchange, heard, answered),
    };
    if questions.is_empty()
        && corrects_before(exchange, Some(&step.id), reading.as_ref().map(|reading| reading.how), heard)
    {
        return;
    }
    let is_courtesy = step.answer == Kind::Text && exchange.script.intents.is_courtesy(&heard.words);
    // "Pourquoi cette question ?" is no free text either, where the script has something to say to it.
    let asks_back = step.answer == Kind::Text
        && (3..=8).contains(&heard.words.len())
        && heard.text.trim_end().ends_with('?')
        && config.replies.question.is_some();
    let accepted = reading.filter(|reading| match reading.how {
        _ if is_courtesy || asks_back => false,
        How::Sure => step.answer != Kind::Text || questions.is_empty(),
        How::Likely => questions.is_empty(),
        How::Unsure => questions.is_empty() && exchange.state.misunderstood > 0,
    });
    match accepted {
        Some(reading) => accept(exchange, (index, step), &reading.what, &questions, heard),
        None if !questions.is_empty() => match sides::answer_questions(exchange, &questions) {
            Some(then) => go(exchange, &then),
            None => sides::repeat(exchange),
        },
        // "Can I come on Thursday at 3pm?": more than was asked.
        None if step.answer != Kind::Time && booking::names_a_day(exchange, heard) => {
            booking::open_with(exchange, heard, None);
        }
        None => {
            sides::misunderstood(exchange, heard, &step.again);
            let goes_on = exchange.is_waiting() && exchange.state.stage == Stage::Step(step.id.clone());
            if goes_on && !exchange.is_silent() {
                show_choices(exchange, step);
            }
        }
    }
}

/// The question before is answered anew when a time is being looked for. True when that was it.
pub(crate) fn corrects_last(exchange: &mut Exchange<'_>, heard: &Heard) -> bool {
    corrects_before(exchange, None, None, heard)
}

/// "En fait c'est un appartement": the question before is answered anew, and it goes on from there, unless the message
/// answers the open question as surely. True when that was it.
fn corrects_before(exchange: &mut Exchange<'_>, open: Option<&str>, how: Option<How>, heard: &Heard) -> bool {
    let Some(previous) = exchange.state.previous.clone().filter(|id| Some(id.as_str()) != open) else { return false };
    let config = &exchange.script.config;
    let Some((index, step)) = config.step(&previous).filter(|(_, step)| step.answer != Kind::Text) else {
        return false;
    };
    if !exchange.script.intents.corrects(&heard.words) {
        return false;
    }
    let Some(reading) = read(exchange, step, heard).filter(|reading| reading.how > How::Unsure) else { return false };
    if how.is_some_and(|how| how >= reading.how) {
        return false;
    }
    accept(exchange, (index, step), &reading.what, &[], heard);
    true
}

/// Notes the answer and goes on. With a question in the same breath, its answer replaces the branch's words.
fn accept(
    exchange: &mut Exchange<'_>,
    (index, step): (usize, &Step),
    answer: &Answer,
    questions: &[Question],
    heard: &Heard,
) {
    exchange.state.misunderstood = 0;
    exchange.state.previous = Some(step.id.clone());
    exchange.set("answer", answer.number.map_or_else(|| answer.value.clone(), |number| json!(number.middle())));
    if let Some(number) = answer.number {
        exchange.set("low", number.low.map_or(Value::Null, Value::from));
        exchange.set("high", number.high.map_or(Value::Null, Value::from));
    }
    if let Some(key) = &step.note {
        exchange.note(key, answer.value.clone());
    }
    // Who cannot say has given nothing that a rule could compare.
    let rules = if answer.branch == UNKNOWN { &[][..] } else { step.rules.as_slice() };
    let rule = rules.iter().find(|rule| exchange.holds(&rule.condition));
    let branch = step.on.get(&answer.branch);
    let (own, then) = match (rule, branch) {
        (Some(rule), _) => (rule.say.as_ref(), rule.then.as_deref()),
        (None, Some(branch)) => (branch.say.as_ref(), branch.then.as_deref()),
        (None, None) => (None, None),
    };
    // "Thanks, that helps." before "we have nothing for you" would be odd.
    let usual = step.say.as_ref().filter(|_| !then.is_some_and(|then| then.starts_with("end:")));
    let say = own.or(usual);
    let config = &exchange.script.config;
    let then = then.or(step.then.as_deref()).unwrap_or_else(|| config.after(index));
    if questions.is_empty() {
        exchange.say_any(say);
        return go_on(exchange, step, then, heard);
    }
    let wanted = sides::answer_questions(exchange, questions);
    // Who is disqualified is told so, whatever else was asked.
    if then.starts_with("end:") {
        exchange.say_any(say);
        go(exchange, then);
    } else {
        go(exchange, wanted.as_deref().unwrap_or(then));
    }
}

/// Goes on after an answer. What the same message says to the next question as well is not asked again: "oui, une maison",
/// "13001, plutôt demain".
fn go_on(exchange: &mut Exchange<'_>, answered: &Step, then: &str, heard: &Heard) {
    let free = matches!(answered.answer, Kind::Text | Kind::Number | Kind::Time);
    if then == "booking" && !free {
        return booking::open_after(exchange, heard);
    }
    let config = &exchange.script.config;
    let next = config.step(then).filter(|(_, next)| !free && next.id != answered.id);
    if let Some((index, next)) = next
        && !next.skip_if.as_ref().is_some_and(|condition| exchange.holds(condition))
        && let Some(answer) = said_already(exchange, next, heard)
    {
        return accept(exchange, (index, next), &answer, &[], heard);
    }
    go(exchange, then);
}

/// The answer to a question that was not put yet, when it cannot be meant for another: a choice by its name, an e-mail
/// address, a postcode.
fn said_already(exchange: &Exchange<'_>, step: &Step, heard: &Heard) -> Option<Answer> {
    let is_new = step.note.as_ref().is_none_or(|key| exchange.noted(key).is_none());
    if !is_new || heard.choice.is_some() || exchange.state.previous.as_deref() == Some(step.id.as_str()) {
        return None;
    }
    let reading = match step.answer {
        Kind::Choice => {
            let named = exchange.script.labels.get(&step.id)?.named(&heard.words)?;
            Reading::sure(branch_answer(&step.choices.get(named)?.id))
        }
        Kind::Email | Kind::Postcode => read_kind(exchange, step, heard)?,
        Kind::YesNo | Kind::Text | Kind::Number | Kind::Time => return None,
    };
    (reading.how == How::Sure).then_some(reading.what)
}

/// The branch of those who do not know or do not want to say.
pub(crate) const UNKNOWN: &str = "unknown";

/// What a message answers to a step's question.
fn read(exchange: &Exchange<'_>, step: &Step, heard: &Heard) -> Option<Reading<Answer>> {
    if let Some(chosen) = heard.choice.as_deref().and_then(|id| id.strip_prefix("step:")) {
        let (of, branch) = chosen.split_once(':')?;
        if of == step.id {
            return Some(Reading::sure(branch_answer(branch)));
        }
    }
    let read = read_kind(exchange, step, heard);
    if read.is_some() || !step.on.contains_key(UNKNOWN) {
        return read;
    }
    // "Je ne sais pas", "non": the script goes on without this answer.
    let declined = exchange.script.yes_no.read(&heard.words)?;
    let what = Answer { branch: UNKNOWN.to_owned(), value: Value::Null, number: None };
    (declined.what != YesNoAnswer::Yes).then_some(Reading { what, how: declined.how })
}

/// The same, for what the kind of answer is expected to look like.
fn read_kind(exchange: &Exchange<'_>, step: &Step, heard: &Heard) -> Option<Reading<Answer>> {
    let plain = |value: Value| Answer { branch: String::new(), value, number: None };
    let told = |reading: Reading<String>| Reading { what: plain(Value::from(reading.what)), how: reading.how };
    match step.answer {
        Kind::YesNo => {
            // "Comment ça marche ?" is no "ça marche".
            let words = exchange.script.objections.strike(&heard.words);
            let own = exchange.script.own_words.get(&step.id).map(|own| own.scan(&words)).unwrap_or_default();
            let reading = match own.as_slice() {
                [first, rest @ ..] if rest.iter().all(|hit| hit.what == first.what) => Reading::sure(first.what),
                _ => exchange.script.yes_no.read(&words)?,
            };
            Some(Reading { what: branch_answer(reading.what.name()), how: reading.how })
        }
        Kind::Text => Some(Reading::sure(plain(Value::from(heard.text.trim())))),
        Kind::Number => {
            let is_english = exchange.language.starts_with("en");
            // "68, pardon 69 ans": the last word counts.
            let corrected = corrected(&heard.text).and_then(|text| number(text, is_english));
            let reading = corrected.or_else(|| number(&heard.text, is_english))?;
            let question = step.ask.variants_for(&exchange.language).first().map_or("", String::as_str);
            let in_unit = Some(&reading)
                .filter(|reading| reading.how == How::Unsure)
                .and_then(|_| number_in_unit(&heard.text, question, is_english));
            let reading = in_unit.unwrap_or(reading);
            let middle = reading.what.middle();
            let fits = step.min.is_none_or(|min| middle >= min) && step.max.is_none_or(|max| middle <= max);
            let what = Answer { branch: String::new(), value: reading.what.to_json(), number: Some(reading.what) };
            fits.then_some(Reading { what, how: reading.how })
        }
        Kind::Choice => {
            let reading = choice(exchange.script.labels.get(&step.id)?, &heard.words)?;
            let chosen = step.choices.get(reading.what)?;
            Some(Reading { what: branch_answer(&chosen.id), how: reading.how })
        }
        Kind::Email => email(&heard.text).map(told),
        Kind::Postcode => postcode(&heard.text).map(told),
        Kind::Time => {
            let wishes = when::read(&heard.text, exchange.now.civil, &[exchange.language.as_str()]);
            let wish = wishes.wanted.first()?;
            let day = wish.days.map(|(first, _)| first.to_string());
            let time = wish.times.map(|(first, _)| first.to_string());
            let parts: Vec<String> = [day, time].into_iter().flatten().collect();
            Some(Reading::sure(plain(Value::from(parts.join("T")))))
        }
    }
}

/// What follows the last word with which people correct themselves.
fn corrected(text: &str) -> Option<&str> {
    const WORDS: [&str; 9] =
        ["pardon", "désolé", "désolée", "oups", "je voulais dire", "sorry", "oops", "i mean", "i meant"];
    let small = text.to_lowercase();
    // Where small letters take as many bytes as large ones, places in one text are places in the other.
    let at = WORDS.iter().filter_map(|word| Some(small.rfind(word)? + word.len())).max()?;
    text.get(at..).filter(|_| small.len() == text.len())
}

/// An answer that chooses a branch. Yes and no are noted as true and false.
fn branch_answer(branch: &str) -> Answer {
    let value = match branch {
        "yes" => Value::Bool(true),
        "no" => Value::Bool(false),
        other => Value::from(other),
    };
    Answer { branch: branch.to_owned(), value, number: None }
}
