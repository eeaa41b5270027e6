//! `relais whatsapp`: look at what WhatsApp sends, and at what a team has set up with Meta.

mod check;
mod finding;
mod inspection;

use std::{io::Read as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Subcommand;

use crate::whatsapp::decode;

/// Subcommands of `relais whatsapp`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show a webhook body as the host understands it: one JSON line an event.
    Decode {
        /// The body; standard input without one.
        file: Option<PathBuf>,
    },
    /// Verify what a team sets up once with Meta, before the first lead; exit 1 if anything is wrong.
    Check(check::Args),
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Decode { file } => show(file),
        Command::Check(args) => check::run(args).await,
    }
}

fn show(file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let mut body = Vec::new();
    match &file {
        Some(path) => {
            body = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        }
        None => {
            std::io::stdin().read_to_end(&mut body).context("read standard input")?;
        }
    }
    for update in decode(&body).context("decode the body as a webhook of WhatsApp")? {
        println!("{}", update.line());
    }
    Ok(ExitCode::SUCCESS)
}
