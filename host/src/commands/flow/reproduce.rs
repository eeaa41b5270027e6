//! `relais flow reproduce`: a turn that failed, run again on a flow's folder.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::Parser;
use serde::Deserialize;

use super::check::name;
use crate::{
    flows::{self, Loaded},
    model::{FlowId, TenantId},
    stage::Cast,
    store::LogEntry,
    turn::{Rerun, rerun},
};

/// Arguments of `relais flow reproduce`.
#[derive(Debug, Parser)]
pub(in crate::commands) struct Args {
    /// What `relais flow fault` printed.
    fault: PathBuf,
    /// The folder of the flow that shall take the turn: the one that failed, or the mended one.
    flow: PathBuf,
}

/// What of the file matters here.
#[derive(Deserialize)]
struct Report {
    entry: LogEntry,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(&args.fault).with_context(|| format!("read {}", args.fault.display()))?;
    let report: Report = serde_json::from_str(&text)
        .with_context(|| format!("understand {}; it is what `relais flow fault` prints", args.fault.display()))?;
    let loaded = load(&args.flow).await?;
    let before = report.entry.fault.as_ref().map(|fault| fault.message.as_str()).unwrap_or_default();
    println!("then: {before}");
    let calls = rerun(&loaded, std::slice::from_ref(&report.entry)).await;
    let Some(call) = calls.last() else {
        bail!("run the turn again: no component was asked in it; the flow itself could not be loaded ({before})");
    };
    show(call);
    Ok(if call.fault.is_some() || call.is_same() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn load(folder: &Path) -> anyhow::Result<Loaded> {
    let folder = folder.canonicalize().with_context(|| format!("find {}", folder.display()))?;
    let tenant = TenantId::new(folder.parent().map(name).unwrap_or_default());
    let version = flows::read_flow(&tenant, &FlowId::new(name(&folder)), &folder)?;
    let sandbox = Cast::sandbox()?;
    match Loaded::check(&sandbox, &version).await {
        Ok(loaded) => Ok(loaded),
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            bail!("load the flow: {} to mend", problems.len())
        }
    }
}

fn show(call: &Rerun) {
    let is_in_trace = |text: &str| call.fault.as_ref().is_some_and(|fault| fault.trace.starts_with(text.trim_end()));
    for (level, text) in call.lines.iter().filter(|(level, text)| level != "stderr" || !is_in_trace(text)) {
        println!("{level}: {}", text.trim_end());
    }
    match &call.fault {
        Some(fault) => {
            println!("now: {} fails ({}): {}", call.function, fault.kind.name(), fault.message);
            if !fault.trace.is_empty() {
                println!("{}", fault.trace.trim_end());
            }
        }
        None if call.is_same() => {
            println!("now: {} answers as it did; the host refused that answer: {}", call.function, call.found);
        }
        None => println!("now: {} answers {}", call.function, call.found),
    }
}
