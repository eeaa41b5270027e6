//! The `relais` command.

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;
use relais::commands::{Cli, run};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,relais=info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("relais failed to {error:#}");
            ExitCode::FAILURE
        }
    }
}
