//! `relais lead`: hand a lead over, as a CRM would.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde_json::{Value, json};

/// Subcommands of `relais lead`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// POST a lead to a host and print its answer.
    Send {
        /// The host.
        #[arg(long, alias = "url", default_value = "http://127.0.0.1:8080")]
        to: String,
        /// The API key; better kept in the environment.
        #[arg(long, env = "RELAIS_API_KEY", hide_env_values = true)]
        key: String,
        /// The CRM's identifier of the person.
        #[arg(long)]
        crm_id: String,
        /// The person's number, with its country code.
        #[arg(long)]
        phone: String,
        /// The person's name.
        #[arg(long)]
        name: Option<String>,
        /// The flow that shall lead the conversation.
        #[arg(long)]
        flow: Option<String>,
    },
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Send { to, key, crm_id, phone, name, flow } = command;
    let mut payload = json!({ "crm_contact_id": crm_id, "phone_number": phone });
    if let Some(object) = payload.as_object_mut() {
        object.extend(name.map(|name| ("name".to_owned(), Value::from(name))));
        object.extend(flow.map(|flow| ("flow".to_owned(), Value::from(flow))));
    }
    let answer = super::remote::http_client(&to)?
        .post(format!("{}/v1/leads", to.trim_end_matches('/')))
        .bearer_auth(key)
        .json(&payload)
        .send()
        .await
        .with_context(|| format!("reach the host at {to}; is `relais serve` running there?"))?;
    let status = answer.status();
    let body = answer.text().await.context("read the host's answer")?;
    println!("{body}");
    if !status.is_success() {
        bail!("send the lead: the host answered {status}");
    }
    Ok(ExitCode::SUCCESS)
}
