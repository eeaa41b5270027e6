//! `relais flow fault`: what a flow failed of.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;
use serde_json::Value;

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
    let answer = crate::stage::http_client(&to)?
        .get(format!("{}/v1/conversations/{conversation}/fault", to.trim_end_matches('/')))
        .bearer_auth(key)
        .send()
        .await
        .with_context(|| format!("reach the host at {to}; is `relais serve` running there?"))?;
    let status = answer.status();
    let body: Value = answer.json().await.context("read the host's answer")?;
    if !status.is_success() {
        bail!("find the fault: the host answered {status} {body}");
    }
    println!("{}", serde_json::to_string_pretty(&body)?);
    Ok(ExitCode::SUCCESS)
}
