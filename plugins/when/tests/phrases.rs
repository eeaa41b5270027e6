//! The labelled phrases of `phrases/`: a score for each language and section.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use jiff::civil::DateTime;
use relais_when::{Grain, Interval, Lang, understand};

/// Below this share of phrases understood as labelled, the test fails.
const FLOOR: f64 = 0.97;

/// A date and time without what is obvious: no midnight, no seconds.
fn moment(at: Option<DateTime>) -> String {
    match at {
        None => "*".to_owned(),
        Some(at) if at.hour() == 0 && at.minute() == 0 => at.date().to_string(),
        Some(at) => format!("{}T{:02}:{:02}", at.date(), at.hour(), at.minute()),
    }
}

/// The notation documented at the top of `phrases/fr.tsv`.
fn written(interval: &Interval) -> String {
    if let (Some(from), Some(to)) = (interval.from, interval.to) {
        let seconds = to.duration_since(from).as_secs();
        match (interval.grain, seconds) {
            (Grain::Day, 86_400) => return from.date().to_string(),
            (Grain::Hour, 3_600) if from.minute() == 0 => {
                return format!("{}T{:02}h", from.date(), from.hour());
            }
            (Grain::Minute, 60) => {
                return format!("{}T{:02}:{:02}", from.date(), from.hour(), from.minute());
            }
            _ => {}
        }
    }
    format!("{}..{} {}", moment(interval.from), moment(interval.to), interval.grain)
}

fn list(intervals: &[Interval]) -> String {
    intervals.iter().map(written).collect::<Vec<_>>().join(" | ")
}

fn answer(phrase: &str, now: DateTime, lang: Lang) -> String {
    let understood = understand(phrase, now, &[lang]);
    let mut out = list(&understood.alternatives);
    if !understood.excluded.is_empty() {
        out = format!("{out} ! {}", list(&understood.excluded));
    }
    if out.is_empty() { "-".to_owned() } else { out.trim().to_owned() }
}

/// Scores one file, prints each miss, and gives the share understood and the number of phrases.
fn score(lang: Lang, name: &str, text: &str) -> (f64, usize) {
    let (mut right, mut all) = (0, 0);
    let mut section = String::new();
    let mut in_section = (0, 0);
    let tell = |section: &str, (right, all): (usize, usize)| {
        if all > 0 {
            println!("{name} {section}: {right}/{all}");
        }
    };
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            tell(&section, in_section);
            section = title.to_owned();
            in_section = (0, 0);
            continue;
        }
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let [now, phrase, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{name}: three columns are needed in {line:?}");
        };
        let got = answer(phrase, now.parse().unwrap(), lang);
        all += 1;
        in_section.1 += 1;
        if got == expected {
            right += 1;
            in_section.0 += 1;
        } else {
            println!("{name} MISS {phrase:?} at {now}: expected {expected}, got {got}");
        }
    }
    tell(&section, in_section);
    let share = right as f64 / all as f64;
    println!("{name}: {right}/{all} = {:.1} %", 100.0 * share);
    (share, all)
}

#[test]
fn french_phrases() {
    let (share, all) = score(Lang::Fr, "fr", include_str!("../phrases/fr.tsv"));
    assert!(all >= 250);
    assert!(share >= FLOOR, "{share} of the French phrases are understood");
}

#[test]
fn english_phrases() {
    let (share, all) = score(Lang::En, "en", include_str!("../phrases/en.tsv"));
    assert!(all >= 250);
    assert!(share >= FLOOR, "{share} of the English phrases are understood");
}

/// With both languages allowed, French phrases stay French and English ones English.
#[test]
fn the_language_is_found() {
    let files = [
        (Lang::Fr, [Lang::Fr, Lang::En], include_str!("../phrases/fr.tsv")),
        (Lang::En, [Lang::En, Lang::Fr], include_str!("../phrases/en.tsv")),
        (Lang::Fr, [Lang::En, Lang::Fr], include_str!("../phrases/fr.tsv")),
        (Lang::En, [Lang::Fr, Lang::En], include_str!("../phrases/en.tsv")),
    ];
    for (lang, langs, text) in files {
        let (mut same, mut all) = (0, 0);
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let [now, phrase, _] = line.split('\t').collect::<Vec<_>>()[..] else {
                continue;
            };
            let now = now.parse().unwrap();
            all += 1;
            if understand(phrase, now, &langs) == understand(phrase, now, &[lang]) {
                same += 1;
            } else {
                println!("{langs:?}: {phrase:?} is read in the other language");
            }
        }
        println!("{langs:?}: {same}/{all} as {lang:?} alone");
        let floor = if langs[0] == lang { 0.97 } else { 0.9 };
        assert!(f64::from(same) >= floor * f64::from(all));
    }
}
