//! `relais when`: what is understood of a phrase about time.

use std::{io::BufRead as _, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Parser;
use jiff::{Timestamp, civil, tz::TimeZone};
use relais_when::{Grain, Interval, Lang, understand};
use serde_json::{Value, json};

/// Arguments of `relais when`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// The phrase; without one, each line of standard input is a phrase.
    text: Option<String>,
    /// The languages it may be in, best first.
    #[arg(long, value_name = "fr|en", default_values = ["fr", "en"])]
    lang: Vec<String>,
    /// The moment at which it is said, RFC 3339 [default: now].
    #[arg(long)]
    now: Option<Timestamp>,
    /// The zone of the person (IANA).
    #[arg(long, default_value = "Europe/Paris")]
    tz: String,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let zone = TimeZone::get(&args.tz)
        .with_context(|| format!("find the time zone {:?}; write one such as Europe/Paris", args.tz))?;
    let mut langs = Vec::new();
    for lang in args.lang.iter().flat_map(|langs| langs.split(',')) {
        match lang.parse::<Lang>() {
            Ok(lang) => langs.push(lang),
            Err(_) => bail!("read --lang {lang:?}: fr and en are understood"),
        }
    }
    let now = args.now.unwrap_or_else(Timestamp::now).to_zoned(zone.clone()).datetime();
    let show = |text: &str| {
        let understood = understand(text, now, &langs);
        let shown = |intervals: &[Interval]| -> Vec<Value> {
            intervals.iter().map(|interval| interval_json(interval, &zone)).collect()
        };
        println!(
            "{}",
            json!({
                "text": text,
                "alternatives": shown(&understood.alternatives),
                "excluded": shown(&understood.excluded),
            })
        );
    };
    match args.text {
        Some(text) => show(&text),
        None => {
            for line in std::io::stdin().lock().lines() {
                show(&line.context("read standard input as UTF-8 text")?);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn interval_json(interval: &Interval, zone: &TimeZone) -> Value {
    let grain = match interval.grain {
        Grain::Minute => "minute",
        Grain::Hour => "hour",
        Grain::Day => "day",
        Grain::Week => "week",
        Grain::Month => "month",
    };
    json!({
        "from": interval.from.and_then(|at| instant(at, zone)),
        "to": interval.to.and_then(|at| instant(at, zone)),
        "grain": grain,
    })
}

/// Wall time with the zone's offset; one that a clock change skips moves forward, one that it repeats means the first.
fn instant(wall: civil::DateTime, zone: &TimeZone) -> Option<String> {
    let at = wall.to_zoned(zone.clone()).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}
