//! `relais flow test`: play golden conversations and compare.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use super::folders::{conversations_in, tenants_of};
use crate::{
    commands::show::Show,
    flows::{Problem, TenantFolder},
    stage::{Cast, Golden, Played, Stage},
};

/// Conversations played at once: each spends most of its time waiting for its own sockets.
const AT_ONCE: usize = 16;

/// Arguments of `relais flow test`.
#[derive(Debug, Parser)]
pub(in crate::commands) struct Args {
    /// A folder of tenants, a tenant's folder, one flow's, or one conversation's file.
    folder: PathBuf,
    /// Play only the conversations with this in their path or title.
    #[arg(long)]
    filter: Option<String>,
    /// Show the course of every conversation, not only of those that came out otherwise.
    #[arg(long)]
    show: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A conversation to play.
struct Case {
    cast: Arc<Cast>,
    flow: String,
    /// As shown: from the folder of the command line on.
    file: String,
    golden: Golden,
}

/// What came of one.
struct Outcome {
    case: Case,
    played: Played,
    seconds: f64,
}

pub(in crate::commands) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let (folder, only) = conversation_of(&args.folder);
    let (mut cases, problems) = gather(&folder).await?;
    let wanted = |case: &Case| {
        let holds =
            |text: &str| args.filter.as_ref().is_none_or(|filter| text.to_lowercase().contains(&filter.to_lowercase()));
        let is_only = only.as_ref().is_none_or(|only| case.file.ends_with(only.as_str()));
        is_only && (holds(&case.file) || holds(&case.golden.title))
    };
    cases.retain(wanted);
    let loaded = begun.elapsed().as_secs_f64();
    let outcomes = play(cases, args.json).await?;
    let failed = outcomes.iter().filter(|outcome| !outcome.played.differences.is_empty()).count();
    if args.json {
        let conversations: Vec<Value> = outcomes.iter().map(Outcome::json).collect();
        println!(
            "{}",
            json!({
                "passed": outcomes.len() - failed,
                "failed": failed,
                "seconds": begun.elapsed().as_secs_f64(),
                "loading_seconds": loaded,
                "problems": problems,
                "conversations": conversations,
            })
        );
    } else {
        report(&outcomes, &problems, args.show);
        let count = outcomes.len();
        // The first time after a build, loading compiles the components.
        let seconds = begun.elapsed().as_secs_f64() - loaded;
        let time = format!("in {seconds:.2} s, after {loaded:.2} s of loading the flows");
        match (count, failed) {
            (0, _) if problems.is_empty() => println!("no conversation to play in {}", args.folder.display()),
            (0, _) => {}
            (count, 0) => println!("{count} conversations came out as their files say, {time}"),
            (count, failed) => println!("{failed} of {count} conversations came out otherwise, {time}"),
        }
        if !problems.is_empty() {
            println!("{} to mend", problems.len());
        }
    }
    let is_well = failed == 0 && problems.is_empty() && !outcomes.is_empty();
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The flow's folder and the file's name, when the command line names a conversation.
fn conversation_of(path: &Path) -> (PathBuf, Option<String>) {
    let file = path.file_name().map(|name| format!("/{}", name.to_string_lossy()));
    match path.parent().and_then(Path::parent) {
        Some(flow) if path.is_file() => {
            (if flow.as_os_str().is_empty() { PathBuf::from(".") } else { flow.to_owned() }, file)
        }
        _ => (path.to_owned(), None),
    }
}

/// Checks every flow and reads every conversation; what is wrong keeps nobody else from being played.
async fn gather(folder: &Path) -> anyhow::Result<(Vec<Case>, Vec<Problem>)> {
    let sandbox = Cast::sandbox()?;
    let mut checks = JoinSet::new();
    for (place, tenant) in tenants_of(folder)?.into_iter().enumerate() {
        let sandbox = sandbox.clone();
        checks.spawn(async move { (place, Cast::check(&sandbox, &tenant).await, tenant) });
    }
    let mut checked = checks.join_all().await;
    checked.sort_by_key(|(place, ..)| *place);
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    for (_, cast, tenant) in checked {
        let cast = cast?;
        let read = read_conversations(&tenant)?;
        match cast {
            Err(found) => problems.extend(found.into_iter().map(|problem| within(&tenant, problem))),
            Ok(cast) => {
                let cast = Arc::new(cast);
                for (flow, file, golden) in read {
                    match golden {
                        Ok(golden) => cases.push(Case { cast: Arc::clone(&cast), flow, file, golden }),
                        Err(found) => problems.extend(found),
                    }
                }
            }
        }
    }
    Ok((cases, problems))
}

type Read = (String, String, Result<Golden, Vec<Problem>>);

fn read_conversations(tenant: &TenantFolder) -> anyhow::Result<Vec<Read>> {
    let mut read = Vec::new();
    for (flow, path) in &tenant.flows {
        for path in conversations_in(path)? {
            let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let file = format!("{}/{flow}/conversations/{name}", tenant.id);
            let golden = Golden::read(&file, &text);
            read.push((flow.to_string(), file, golden));
        }
    }
    Ok(read)
}

/// A problem of a tenant's folder, its file named from the folder of tenants on.
fn within(tenant: &TenantFolder, problem: Problem) -> Problem {
    Problem { file: format!("{}/{}", tenant.id, problem.file), ..problem }
}

/// Plays all of them, several at once; given in the order of their files.
async fn play(cases: Vec<Case>, quiet: bool) -> anyhow::Result<Vec<Outcome>> {
    let bar = progress(cases.len(), quiet);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = JoinSet::new();
    for (index, case) in cases.into_iter().enumerate() {
        let (places, bar) = (Arc::clone(&places), bar.clone());
        playing.spawn(async move {
            let _place = places.acquire_owned().await;
            let begun = Instant::now();
            let played = play_one(&case).await.with_context(|| format!("play {}", case.file));
            bar.inc(1);
            played.map(|played| (index, Outcome { case, played, seconds: begun.elapsed().as_secs_f64() }))
        });
    }
    let mut outcomes = playing.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    bar.finish_and_clear();
    outcomes.sort_by_key(|(index, _)| *index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

async fn play_one(case: &Case) -> anyhow::Result<Played> {
    let tenant = &case.cast.tenant;
    let stage = Stage::rehearse(&case.cast, case.golden.begin.instant(&tenant.zone)).await?;
    stage.play(tenant.id.as_str(), Some(&case.flow), &case.golden).await
}

fn progress(count: usize, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or_default());
    match ProgressStyle::with_template("{bar:30} {pos} of {len} conversations") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn report(outcomes: &[Outcome], problems: &[Problem], shows_all: bool) {
    for problem in problems {
        println!("{problem}");
    }
    for outcome in outcomes {
        let zone = &outcome.case.cast.tenant.zone;
        let show = Show::new(zone.clone());
        let is_well = outcome.played.differences.is_empty();
        if is_well && !shows_all {
            continue;
        }
        let sign = if is_well { show.good("✓") } else { show.bad("✗") };
        println!("{sign} {}: {}", outcome.case.file, outcome.case.golden.title);
        for entry in &outcome.played.entries {
            println!("{}", show.entry(entry));
        }
        for difference in &outcome.played.differences {
            println!("{}", show.difference(&outcome.case.file, difference));
        }
        println!();
    }
}

impl Outcome {
    fn json(&self) -> Value {
        let zone: &TimeZone = &self.case.cast.tenant.zone;
        let entries: Vec<Value> = self
            .played
            .entries
            .iter()
            .map(|entry| {
                let at = entry.at.map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
                json!({
                    "at": at, "who": entry.who, "kind": entry.kind, "mark": entry.mark, "text": entry.text,
                    "line": entry.line,
                })
            })
            .collect();
        json!({
            "file": self.case.file,
            "title": self.case.golden.title,
            "passed": self.played.differences.is_empty(),
            "seconds": self.seconds,
            "differences": self.played.differences,
            "course": entries,
        })
    }
}
