//! The labelled answers of `phrases/answers.tsv`: a score for each kind.

use std::collections::BTreeMap;

use super::{Answer, How, Intent, Intents, Labels, Reading, YesNo, choice, email, language, number, postcode, tokens};
use crate::config::Words;

/// So many of the phrases may be misunderstood before the test fails.
const MOST_MISSED: usize = 6;

fn how(how: How) -> &'static str {
    match how {
        How::Sure => "sure",
        How::Likely => "likely",
        How::Unsure => "unsure",
    }
}

fn told<T>(reading: Option<Reading<T>>, show: impl Fn(&T) -> String) -> String {
    reading.map_or("-".to_owned(), |reading| format!("{} {}", show(&reading.what), how(reading.how)))
}

fn intent(found: &[Intent]) -> String {
    let names: Vec<String> = found.iter().map(|intent| format!("{intent:?}").to_lowercase()).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(" ") }
}

struct Reader {
    yes_no: YesNo,
    intents: Intents,
    labels: Labels,
}

impl Reader {
    fn new() -> Self {
        let mut labels = Labels::default();
        labels.push(["Maison", "House"], ["pavillon", "villa"]);
        labels.push(["Appartement", "Flat"], ["appart*", "studio", "apartment"]);
        labels.push(["Local professionnel", "Business premises"], ["bureau*", "entrepôt", "office*"]);
        Self { yes_no: YesNo::new(&Words::default()), intents: Intents::new(&Words::default()), labels }
    }

    fn read(&self, kind: &str, text: &str) -> String {
        let words = tokens(text);
        let shown = |value: &String| value.clone();
        match kind {
            "yes-no" => told(self.yes_no.read(&words), |answer: &Answer| answer.name().to_owned()),
            "number" => told(number(text, false), |number| number.to_json().to_string()),
            "number-en" => told(number(text, true), |number| number.to_json().to_string()),
            "choice" => told(choice(&self.labels, &words), |at| (at + 1).to_string()),
            "email" => told(email(text), shown),
            "postcode" => told(postcode(text), shown),
            "intent" => intent(&self.intents.read(&words)),
            "language" => language(&words).unwrap_or("-").to_owned(),
            other => panic!("there is no kind {other:?}"),
        }
    }
}

#[test]
fn answers_are_understood_as_labelled() {
    let reader = Reader::new();
    let mut scores: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for line in include_str!("../../phrases/answers.tsv").lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let [kind, phrase, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("three columns are needed in {line:?}");
        };
        let score = scores.entry(kind).or_default();
        score.1 += 1;
        let got = reader.read(kind, phrase);
        if got == expected {
            score.0 += 1;
        } else {
            println!("MISS {kind} {phrase:?}: expected {expected}, got {got}");
        }
    }
    for (kind, (right, all)) in &scores {
        println!("{kind}: {right}/{all}");
    }
    let (right, all) = scores.values().fold((0, 0), |sum, score| (sum.0 + score.0, sum.1 + score.1));
    println!("answers: {right}/{all}");
    assert!(all >= 250, "{all}");
    assert!(all - right <= MOST_MISSED, "{} of {all} are misunderstood", all - right);
}
