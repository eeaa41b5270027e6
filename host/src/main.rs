//! The `relais` command.

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;
use relais::commands::{Cli, run};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    end_when_nobody_reads();
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(cli.log_filter()));
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

/// Ends quietly when nobody reads any more what is printed, as in `relais … | head`; the standard library panics then.
fn end_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}
