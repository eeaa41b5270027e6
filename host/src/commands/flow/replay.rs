//! `relais flow replay`: past conversations run again on a candidate version.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::json;

use crate::{
    commands::{
        open_store,
        remote::{OperatorKey, Remote, encoded},
    },
    flows::{self, Loaded},
    model::{FlowId, TenantId},
    stage::Cast,
    store::Past,
    turn::{Replayed, Verdict, replay},
};

/// Conversations run again at once.
const AT_ONCE: usize = 8;
/// Conversations of a kind that are named on the screen; `--json` names all.
const NAMED: usize = 20;

/// Arguments of `relais flow replay`.
#[derive(Debug, Args)]
pub(in crate::commands) struct Replay {
    /// The candidate: a flow's folder.
    folder: PathBuf,
    /// Whose past: a running host (http://…), or the store's folder of one that is stopped.
    #[arg(long)]
    against: String,
    #[command(flatten)]
    key: OperatorKey,
    /// Only conversations that began so long ago at most, such as 30d, 2w or 12h.
    #[arg(long)]
    last: Option<Span>,
    /// The tenant, when the folder above the flow's is not named after it.
    #[arg(long)]
    tenant: Option<String>,
    /// The flow, when its folder is not named after it.
    #[arg(long)]
    flow: Option<String>,
    /// End with 1 when a conversation comes out so: `outcome` (another end, an unknown one, or a failure) or `text`
    /// (any difference).
    #[arg(long)]
    fail_on: Option<FailOn>,
    /// Say what was said then and now where a conversation differs.
    #[arg(long, short)]
    verbose: bool,
    /// Print one JSON object: the counts, and every conversation that differs.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Outcome,
    Text,
}

pub(super) async fn run(args: Replay) -> anyhow::Result<ExitCode> {
    let folder = args.folder.canonicalize().with_context(|| format!("find {}", args.folder.display()))?;
    let name = |path: Option<&std::path::Path>| {
        path.and_then(std::path::Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let tenant = TenantId::new(args.tenant.clone().unwrap_or_else(|| name(folder.parent())));
    let flow = FlowId::new(args.flow.clone().unwrap_or_else(|| name(Some(&folder))));
    let candidate = flows::read_flow(&tenant, &flow, &folder).with_context(|| format!("read {}", folder.display()))?;
    let sandbox = Cast::sandbox()?;
    let loaded = match Loaded::check(&sandbox, &candidate).await {
        Ok(loaded) => loaded,
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            bail!("replay {}: the candidate is not in order", folder.display());
        }
    };
    loaded.improve();

    let since = args.last.map(ago).transpose()?;
    let (count, past) = past(&args, &tenant, &flow, since).await?;
    let bar = indicatif::ProgressBar::new(count)
        .with_style(indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} conversations, {eta} left")?);
    let results: Vec<Replayed> = past
        .map_ok(async |past| {
            let replayed = replay(&loaded, &past.conversation, &past.log).await;
            bar.inc(1);
            Ok::<_, anyhow::Error>(replayed)
        })
        .try_buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    bar.finish_and_clear();
    report(&args, &results);
    let is_other = |replayed: &Replayed| match replayed.verdict {
        Verdict::Same | Verdict::Nothing => false,
        Verdict::Words => args.fail_on == Some(FailOn::Text),
        Verdict::Outcome { .. } | Verdict::Course | Verdict::Fault { .. } => args.fail_on.is_some(),
    };
    Ok(if results.iter().any(is_other) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// That long before now.
fn ago(span: Span) -> anyhow::Result<Timestamp> {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    Ok(now.checked_sub(span.abs()).context("count back from now with --last; write 30d or 12h")?.timestamp())
}

/// The past of a flow, and how many conversations it has.
async fn past(
    args: &Replay,
    tenant: &TenantId,
    flow: &FlowId,
    since: Option<Timestamp>,
) -> anyhow::Result<(u64, BoxStream<'static, anyhow::Result<Past>>)> {
    if args.against.starts_with("http://") || args.against.starts_with("https://") {
        let remote = Remote::new(&args.against, args.key.clone())?;
        let since = since.map(|since| format!("?since={since}")).unwrap_or_default();
        let path = format!("/v1/flows/{}/{}/log{since}", encoded(tenant.as_str()), encoded(flow.as_str()));
        let mut lines = remote.lines(&path).await?;
        let first = lines.next().await.context("read the log from the host: it is empty")??;
        let count = serde_json::from_slice::<serde_json::Value>(&first)?.get("count").and_then(|count| count.as_u64());
        ensure!(count != Some(0), "{}", nothing_to_compare(args, tenant, flow));
        let past = lines.map(|line| serde_json::from_slice(&line?).context("read a conversation's log"));
        return Ok((count.unwrap_or(0), past.boxed()));
    }
    let store = open_store(std::path::Path::new(&args.against))?;
    let ids = Past::of_flow(&store, tenant, flow, since).await?;
    ensure!(!ids.is_empty(), "{}", nothing_to_compare(args, tenant, flow));
    let count = ids.len() as u64;
    let store = std::sync::Arc::new(store);
    let past = futures::stream::iter(ids).then(move |id| {
        let store = std::sync::Arc::clone(&store);
        async move { Ok(Past::read(&*store, &id).await?) }
    });
    Ok((count, past.try_filter_map(async |past| Ok(past)).boxed()))
}

/// A comparison with nothing must not look like one that found no difference.
fn nothing_to_compare(args: &Replay, tenant: &TenantId, flow: &FlowId) -> String {
    format!(
        "replay: no conversation of {tenant}/{flow} in {} began since then; look at --tenant, --flow and --last",
        args.against
    )
}

fn report(args: &Replay, results: &[Replayed]) {
    let mut kinds: BTreeMap<&str, Vec<&Replayed>> = BTreeMap::new();
    for replayed in results {
        let kind = match replayed.verdict {
            Verdict::Same => "same",
            Verdict::Words => "words",
            Verdict::Outcome { .. } => "outcome",
            Verdict::Course => "course",
            Verdict::Fault { .. } => "fault",
            Verdict::Nothing => "nothing",
        };
        kinds.entry(kind).or_default().push(replayed);
    }
    let of = |kind: &str| kinds.get(kind).map(Vec::as_slice).unwrap_or_default();
    if args.json {
        let counts: serde_json::Map<_, _> = ["same", "words", "outcome", "course", "fault", "nothing"]
            .into_iter()
            .map(|kind| (kind.to_owned(), of(kind).len().into()))
            .collect();
        let differing: Vec<&Replayed> =
            results.iter().filter(|found| !matches!(found.verdict, Verdict::Same | Verdict::Nothing)).collect();
        println!("{}", json!({ "conversations": results.len(), "counts": counts, "differing": differing }));
        return;
    }
    let lines = [
        ("same", "the same"),
        ("words", "say it differently"),
        ("outcome", "end differently"),
        ("course", "go another way, whose end the log cannot tell"),
        ("fault", "fail"),
        ("nothing", "not compared: the script was never asked, or the log is of another kind"),
    ];
    for (kind, words) in lines {
        let found = of(kind);
        if found.is_empty() && kind != "same" {
            continue;
        }
        println!("{:>6} {words}", found.len());
        if kind == "same" || kind == "nothing" {
            continue;
        }
        for replayed in found.iter().take(NAMED) {
            let at = replayed.at.as_ref().map(ToString::to_string).unwrap_or_default();
            let id = &replayed.conversation;
            match &replayed.verdict {
                Verdict::Outcome { from, to } => println!("         {from} → {to} (conversation {id}, diverges {at})"),
                Verdict::Fault { kind, message } => println!("         {kind}: {message} (conversation {id}, {at})"),
                _ => println!("         conversation {id}, {at}"),
            }
            if let (true, Some(at)) = (args.verbose, &replayed.at) {
                println!("           then: {}\n           now:  {}", at.then, at.now);
            }
        }
        if found.len() > NAMED {
            println!("         … and {} more; --json names them all", found.len() - NAMED);
        }
    }
}
