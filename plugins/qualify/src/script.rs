//! The script, ready to be played: configuration, parsed texts, word lists.

use std::collections::BTreeMap;

use relais_sdk::Problem;

use crate::check;
use crate::config::{Config, Kind};
use crate::texts::Texts;
use crate::understand::{Answer, Intents, Labels, Lexicon, YesNo};

/// What texts and conditions may use.
pub(crate) const VARIABLES: [&str; 26] = [
    // The person.
    "name",
    "first_name",
    "company",
    "email",
    "assigned_to",
    "lead",
    "language",
    // What was answered.
    "answer",
    "low",
    "high",
    "notes",
    "answers",
    "objections",
    "responded",
    // The meeting that stands, or a day and a time under discussion.
    "meeting",
    "day",
    "weekday",
    "date",
    "time",
    "with",
    "days",
    "slots",
    "moves",
    // The end.
    "ended",
    "reason",
    "silent",
];

/// A checked script with all that is parsed once.
#[derive(Debug)]
pub struct Script {
    pub(crate) config: Config,
    pub(crate) texts: Texts,
    pub(crate) yes_no: YesNo,
    pub(crate) intents: Intents,
    /// Some text or condition uses `answers`.
    pub(crate) tells_answers: bool,
    /// Each objection's words, by its place.
    pub(crate) objections: Lexicon<usize>,
    /// The words of each `yes-no` step that has some of its own, by the step's id.
    pub(crate) own_words: BTreeMap<String, Lexicon<Answer>>,
    /// The choices of each `choice` step, by the step's id.
    pub(crate) labels: BTreeMap<String, Labels>,
}

impl Script {
    pub(crate) fn build(config: Config) -> Result<Self, Vec<Problem>> {
        let (texts, used) = check::run(&config)?;
        let mut objections = Lexicon::default();
        for (at, objection) in config.objections.iter().enumerate() {
            objections.add(at, objection.words.iter().map(String::as_str));
        }
        let choices = config.steps.iter().filter(|step| step.answer == Kind::Choice);
        let labels = choices
            .map(|step| {
                let mut labels = Labels::default();
                for choice in &step.choices {
                    let shown = choice.label.sources().map(|(_, label)| label);
                    labels.push(shown, choice.words.iter().map(String::as_str));
                }
                (step.id.clone(), labels)
            })
            .collect();
        let own_words = config.steps.iter().filter(|step| !step.words.is_empty()).map(|step| {
            let mut lexicon = Lexicon::default();
            for (answer, words) in
                [(Answer::Yes, &step.words.yes), (Answer::No, &step.words.no), (Answer::Maybe, &step.words.maybe)]
            {
                lexicon.add(answer, words.iter().map(String::as_str));
            }
            (step.id.clone(), lexicon)
        });
        let own_words = own_words.collect();
        Ok(Self {
            texts,
            own_words,
            tells_answers: used.contains("answers"),
            yes_no: YesNo::new(&config.words),
            intents: Intents::new(&config.words),
            objections,
            labels,
            config,
        })
    }
}
