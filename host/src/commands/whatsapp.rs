//! `relais whatsapp`: look at what WhatsApp sends.

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
}

pub(super) fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Decode { file } = command;
    let mut body = Vec::new();
    match &file {
        Some(path) => {
            body = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        }
        None => {
            std::io::stdin().read_to_end(&mut body).context("read standard input")?;
        }
    }
    for update in decode(&body)? {
        println!("{}", update.line());
    }
    Ok(ExitCode::SUCCESS)
}
