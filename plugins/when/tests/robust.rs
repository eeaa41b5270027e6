//! Whatever is written: no panic, and a time linear in the length.

use std::time::{Duration, Instant};

use jiff::civil::{DateTime, date};
use relais_when::{Lang, understand};

/// A small generator of pseudo-random numbers (SplitMix64), so that a failure can be replayed.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

const WORDS: &[&str] = &[
    "lundi",
    "mardi",
    "le",
    "la",
    "de",
    "du",
    "au",
    "à",
    "et",
    "ou",
    "pas",
    "sauf",
    "non",
    "plutôt",
    "demain",
    "14h30",
    "14",
    "h",
    "30",
    "3",
    "31",
    "2026",
    "0",
    "99999",
    "semaine",
    "prochaine",
    "en",
    "huit",
    "mars",
    "février",
    "début",
    "mi",
    "fin",
    "premier",
    "dernier",
    "dans",
    "jours",
    "il y a",
    "entre",
    "avant",
    "après",
    "jusqu'à",
    "d'ici",
    "matin",
    "soir",
    "midi",
    "minuit",
    "et demie",
    "moins le quart",
    "noël",
    "pâques",
    "monday",
    "next",
    "last",
    "week",
    "month",
    "year",
    "of",
    "the",
    "on",
    "at",
    "from",
    "to",
    "until",
    "by",
    "half",
    "past",
    "quarter",
    "tonight",
    "am",
    "pm",
    "third",
    "1st",
    "31st",
    "/",
    "-",
    ".",
    ",",
    ":",
    "!",
    "?",
    "\n",
    "€",
    "%",
    "🙂",
    "é",
    "ß",
    "日",
    "\u{301}",
    "\u{200b}",
    "'",
    "’",
    "+33",
    "06",
    "12.5",
    "6,5",
    "ans",
    "rue",
    "Q1",
    "T4",
    "semaine 53",
    "29/02",
    "4294967296",
    "@",
    "#",
    "décaler",
    "impossible",
    "a week from",
    "d'après",
    "suivant",
    "ish",
];

fn nows() -> [DateTime; 4] {
    [
        date(2025, 10, 8).at(9, 41, 0, 0),
        date(2024, 2, 29).at(23, 59, 59, 999_999_999),
        date(9999, 12, 31).at(23, 59, 0, 0),
        date(-9999, 1, 1).at(0, 0, 0, 0),
    ]
}

#[test]
fn nothing_panics() {
    let mut random = Seeded(20_251_008);
    for round in 0..6_000 {
        let mut text = String::new();
        for _ in 0..random.below(14) + 1 {
            if random.below(12) == 0 {
                let scalar = u32::try_from(random.below(0x1_1000)).unwrap();
                text.extend(char::from_u32(scalar));
            }
            text.push_str(WORDS[random.below(WORDS.len())]);
            if random.below(5) > 0 {
                text.push(' ');
            }
        }
        let now = nows()[round % 4];
        for langs in [&[Lang::Fr, Lang::En][..], &[Lang::En], &[]] {
            let understood = understand(&text, now, langs);
            for it in understood.alternatives.iter().chain(&understood.excluded) {
                if let (Some(from), Some(to)) = (it.from, it.to) {
                    // At the calendar's end there is no next day.
                    assert!(from < to || now.year().abs() == 9999, "{text:?} at {now}: {it:?}");
                }
                assert!(it.from.is_some() || it.to.is_some(), "{text:?} at {now}");
            }
        }
    }
}

#[test]
fn time_is_linear() {
    let now = date(2025, 10, 8).at(9, 41, 0, 0);
    let mut random = Seeded(7);
    let mut worst = Duration::ZERO;
    let mut soups: Vec<String> = WORDS.iter().map(|w| format!("{w} ").repeat(10_000 / (w.len() + 1))).collect();
    soups.extend((0..40).map(|_| {
        let (a, b, c) = (random.below(WORDS.len()), random.below(WORDS.len()), random.below(WORDS.len()));
        let piece = format!("{} {} {} ", WORDS[a], WORDS[b], WORDS[c]);
        piece.repeat(10_000 / piece.len())
    }));
    // What could nest.
    let nests = [
        "semaine du premier ",
        "3 de ce ",
        "la semaine du 3 de ce premier ",
        "début de la ",
        "week of the first ",
        "last past ",
        "this past ",
        "le lendemain de ",
        "the first week of ",
        "mardi de la semaine du ",
        "week-end du ",
        "first monday of this ",
        "the day after ",
        "1, 2, ",
        "14 ou ",
        "a week from ",
        "plutôt que ",
        "pas ",
        "non ",
    ];
    soups.extend(nests.iter().map(|n| n.repeat(10_000 / n.len())));
    for soup in &soups {
        let start = Instant::now();
        let _ = understand(soup, now, &[Lang::Fr, Lang::En]);
        let took = start.elapsed();
        if took > worst {
            worst = took;
            println!("{took:?} for {:?}…", soup.chars().take(40).collect::<String>());
        }
    }
    println!("the worst message of 10,000 characters takes {worst:?}");
    // Some milliseconds; quadratic growth would take many seconds.
    assert!(worst < Duration::from_millis(1_500), "{worst:?}");
}
