//! `relais flow`: check and try a flow before it is deployed.

mod check;

use std::process::ExitCode;

use clap::Subcommand;

/// Subcommands of `relais flow`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Find everything that is wrong with a tenant's folder, or with one flow of it; exit 1 if anything is.
    Check(check::Args),
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(args) => check::run(args).await,
    }
}
