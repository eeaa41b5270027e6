//! `relais flow fault`: what a flow failed of.

use std::process::ExitCode;

use clap::Parser;

use crate::commands::remote::{Remote, encoded};

/// Arguments of `relais flow fault`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  relais flow fault cv_01J… > fault.json\n  relais flow reproduce fault.json flows/acme/solaire"
)]
pub(in crate::commands) struct Args {
    /// The conversation's identifier; the host's log names it.
    conversation: String,
    /// The host.
    #[arg(long, alias = "url", default_value = "http://127.0.0.1:8080")]
    to: String,
    /// The tenant's API key; better kept in the environment.
    #[arg(long, env = "RELAIS_API_KEY", hide_env_values = true)]
    key: String,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { conversation, to, key } = args;
    let fault = Remote::with_key(&to, key)?.get(&format!("/v1/conversations/{}/fault", encoded(&conversation))).await?;
    println!("{}", serde_json::to_string_pretty(&fault)?);
    Ok(ExitCode::SUCCESS)
}
