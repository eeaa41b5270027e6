//! `relais plugin`: from nothing to a component, in the language that one knows.

mod build;
mod contract;
mod project;
mod template;
mod toolchain;

use std::{path::PathBuf, process::ExitCode};

use clap::{Subcommand, ValueEnum};

use self::project::Language;

/// Subcommands of `relais plugin`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Begin a plugin: its source, a company to try it with, and a conversation that must come out.
    New {
        /// The folder to make; its name becomes the plugin's: letters, digits and hyphens.
        folder: PathBuf,
        /// What it is written in.
        #[arg(long, value_enum)]
        lang: Language,
        /// What it plays: the qualification script, or all three roles (Rust and JavaScript).
        #[arg(long, value_enum, default_value_t = RoleSet::Qualification)]
        role: RoleSet,
    },
    /// Build a plugin's component with its language's own tools; says what to install when they are missing.
    Build {
        /// A folder with a plugin.toml.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
}

/// Which roles a new plugin begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleSet {
    /// The qualification script.
    Qualification,
    /// All three.
    All,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::New { folder, lang, role } => template::write(&folder, lang, role)?,
        Command::Build { folder } => build::run(&folder).await?,
    }
    Ok(ExitCode::SUCCESS)
}
