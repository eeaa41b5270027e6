//! The command line, a file a subcommand.

mod alarms;
mod backup;
mod calendar;
mod callbacks;
mod chat;
mod conversations;
mod demo;
mod erase;
mod flow;
mod fork;
mod keys;
mod lead;
mod plugin;
mod remote;
mod serve;
mod show;
mod simulator;
mod source;
mod whatsapp;
mod when;

use clap::{Parser, Subcommand};

/// Relais takes over a sales lead after a failed call: it writes on WhatsApp, qualifies, books a meeting, reminds, and
/// tells the CRM.
#[derive(Debug, Parser)]
#[command(name = "relais", version, about, long_about = None, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play the integration guide's conversation with everything embedded; nothing leaves this machine.
    Demo(demo::Args),
    /// Run the host.
    Serve(serve::Args),
    /// Make API keys for CRMs.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Show, or change, the secret addresses that sales teams subscribe to.
    #[command(subcommand)]
    Calendar(calendar::Command),
    /// Be the lead, in the terminal: talk with a flow on virtual time; nothing leaves this machine.
    Chat(chat::Args),
    /// Make, check, try, deploy, compare and roll back flows.
    #[command(subcommand)]
    Flow(flow::Command),
    /// Hand a lead over, as a CRM would.
    #[command(subcommand)]
    Lead(lead::Command),
    /// Look at conversations, step through their turns, make tests of them, continue parked ones.
    #[command(subcommand)]
    Conversations(conversations::Command),
    /// Look at callbacks that no CRM took, and send them again.
    #[command(subcommand)]
    Callbacks(callbacks::Command),
    /// Write a plugin: begin one in your language, build its component.
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Erase a person: conversations, messages, log, meetings, and what is still to be sent.
    Erase(erase::Args),
    /// Copy a host's whole store into a file, while the host runs.
    Backup(backup::Backup),
    /// Make a store of a backup.
    Restore(backup::Restore),
    /// Look at what WhatsApp sends, and verify what is set up with Meta.
    #[command(subcommand)]
    Whatsapp(whatsapp::Command),
    /// See what WhatsApp keeps from leaving, and let it leave again.
    Alarms(alarms::Args),
    /// Run the emulated Graph API alone.
    Simulator(simulator::Args),
    /// Show what is understood of a phrase about time.
    When(when::Args),
}

impl Cli {
    /// What is logged unless the environment says otherwise. Commands that rehearse a flow show its faults themselves.
    pub fn log_filter(&self) -> &'static str {
        match self.command {
            Command::Chat(_) | Command::Flow(flow::Command::Test(_) | flow::Command::Chat(_)) => {
                "warn,relais=info,relais::turn=error"
            }
            _ => "warn,relais=info",
        }
    }
}

/// A bar for work whose length is not known.
fn spinner(message: String) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

/// A moment as a host's JSON gives it, to the second.
fn to_the_second(moment: &str) -> String {
    moment.parse::<jiff::Timestamp>().map_or_else(|_| moment.to_owned(), |at| format!("{at:.0}"))
}

/// Opens the store of a host that is stopped.
fn open_store(folder: &std::path::Path) -> anyhow::Result<crate::store::SledStore> {
    use anyhow::Context as _;
    anyhow::ensure!(folder.is_dir(), "open the store {}: there is no such folder", folder.display());
    crate::store::SledStore::open(folder)
        .context("open the store; while a host has it open, ask the host instead: its address in place of the folder, with its operator key")
}

/// Runs the command line; what it gives is the process's exit code.
pub async fn run(cli: Cli) -> anyhow::Result<std::process::ExitCode> {
    match cli.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Keys(command) => keys::run(command).await,
        Command::Calendar(command) => calendar::run(command).await,
        Command::Chat(args) => chat::run(args).await,
        Command::Flow(command) => flow::run(command).await,
        Command::Lead(command) => lead::run(command).await,
        Command::Conversations(command) => conversations::run(command).await,
        Command::Callbacks(command) => callbacks::run(command).await,
        Command::Plugin(command) => plugin::run(command).await,
        Command::Erase(args) => erase::run(args).await,
        Command::Backup(args) => backup::backup(args).await,
        Command::Restore(args) => backup::restore(&args),
        Command::Whatsapp(command) => whatsapp::run(command).await,
        Command::Alarms(args) => alarms::run(args).await,
        Command::Simulator(args) => simulator::run(args).await,
        Command::When(args) => when::run(args),
    }
}
