//! `relais flow`: check and try a flow before it is deployed, deploy it, compare and roll back.

mod check;
mod deploy;
mod fault;
mod folders;
mod new;
mod replay;
mod reproduce;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

pub(super) use folders::{conversations_in, tenants_of};

/// Subcommands of `relais flow`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a flow to begin with: it passes `check` and `test` at once.
    New(new::Args),
    /// Find everything that is wrong with a tenant's folder, or with one flow of it; exit 1 if anything is.
    Check(check::Args),
    /// Send a flow to a running host, which checks it and makes it the active version; exit 1 if it is refused.
    Push(deploy::Push),
    /// Show the versions of each flow: which is active, which were refused and why, how many conversations run on each.
    Status(deploy::Status),
    /// Run a tenant's past conversations again on a candidate: which come out the same, which end differently. Nothing is
    /// sent, nothing is written.
    Replay(replay::Replay),
    /// Show what differs between two versions of a flow.
    Diff(deploy::Diff),
    /// Make a version that the host has kept the active one: roll back.
    Activate(deploy::Activate),
    /// Play the golden conversations (conversations/*.toml) and show what comes out otherwise; exit 1 if anything does.
    Test(test::Args),
    /// Be the lead, in the terminal, on virtual time: the same as `relais chat`.
    Chat(super::chat::Args),
    /// Print what a flow failed of: message, stack, event and state, as a file for `reproduce`.
    Fault(fault::Args),
    /// Run a turn that failed again, on a flow's folder as it is now; exit 1 if it still fails.
    Reproduce(reproduce::Args),
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::New(args) => new::run(args),
        Command::Check(args) => check::run(args).await,
        Command::Push(args) => deploy::push(args).await,
        Command::Status(args) => deploy::status(args).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Diff(args) => deploy::diff(args).await,
        Command::Activate(args) => deploy::activate(args).await,
        Command::Test(args) => test::run(args).await,
        Command::Chat(args) => super::chat::run(args).await,
        Command::Fault(args) => fault::run(args).await,
        Command::Reproduce(args) => reproduce::run(args).await,
    }
}
