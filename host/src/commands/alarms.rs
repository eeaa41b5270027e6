//! `relais alarms`: what WhatsApp keeps from leaving, and the operator's word that it may leave again.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use reqwest::Method;
use serde_json::Value;

use super::remote::{Remote, encoded};

const LONG_HELP: &str = "\
List what WhatsApp keeps from leaving, or clear an alarm.

When WhatsApp refuses everything that a number, a template or a country would be sent (the account is locked or unpaid,
people report the number, the token is refused, the template is paused), the host stops it, raises an alarm and keeps the
messages. Nothing is lost and nothing is tried meanwhile: Meta holds each further try against the number.

Mend the cause at Meta first; `relais whatsapp check` tells what is left to mend. Then clear the alarm: what waited goes out
within five minutes, at the usual pace. A template that Meta approves again and a refused token that is replaced clear their
alarms by themselves.";

const EXAMPLES: &str = "\
Examples:
  relais alarms                                      what stands
  relais alarms --clear live-100000000000001         a number works again
  relais alarms --json";

/// Arguments of `relais alarms`.
#[derive(Debug, Parser)]
#[command(long_about = LONG_HELP, after_help = EXAMPLES)]
pub(super) struct Args {
    /// Clear this alarm.
    #[arg(long, value_name = "ID")]
    clear: Option<String>,
    /// The host.
    #[arg(long, alias = "url", default_value = "http://127.0.0.1:8080")]
    to: String,
    /// The host's operator-key [env: RELAIS_OPERATOR_KEY], or an API key of a tenant [env: RELAIS_API_KEY], which sees what
    /// is the tenant's: a live key what WhatsApp stopped, a test key what the simulator did.
    #[arg(long)]
    key: Option<String>,
    /// Print the host's JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let from = |name: &str| std::env::var(name).ok().filter(|key| !key.is_empty());
    let key = args.key.or_else(|| from("RELAIS_OPERATOR_KEY")).or_else(|| from("RELAIS_API_KEY")).context(
        "find a key; give it with --key or in the environment variable RELAIS_OPERATOR_KEY or RELAIS_API_KEY",
    )?;
    let host = Remote::with_key(&args.to, key)?;
    if let Some(id) = &args.clear {
        host.ask(Method::DELETE, &format!("/v1/alarms/{}", encoded(id)), None).await?;
        println!("cleared; what waited goes out within five minutes");
        return Ok(ExitCode::SUCCESS);
    }
    let answer = host.get("/v1/alarms").await?;
    if args.json {
        println!("{answer}");
        return Ok(ExitCode::SUCCESS);
    }
    let alarms = answer.get("alarms").and_then(Value::as_array).cloned().unwrap_or_default();
    if alarms.is_empty() {
        println!("nothing is stopped");
    }
    for alarm in alarms {
        let text = |key: &str| alarm.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let code = alarm.get("code").and_then(Value::as_i64).map(|code| format!(" ({code})")).unwrap_or_default();
        println!("{}  {}  since {}  {}{code}", text("id"), text("tenant"), text("since"), text("reason"));
    }
    Ok(ExitCode::SUCCESS)
}
