//! `relais callbacks`: what no CRM took.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;

use super::source::Where;
use crate::model::{Callback, EnvelopeState, Payload};

/// Subcommands of `relais callbacks`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the callbacks that were tried until nothing helped, and why they were parked.
    List {
        /// Of one tenant only.
        #[arg(long)]
        tenant: Option<String>,
        /// So many at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Print one JSON object, bodies included.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: Where,
    },
    /// Send parked callbacks again, as if they had never been tried; with the same webhook-id.
    Replay {
        /// Which, as `list` names them.
        ids: Vec<String>,
        /// All that are parked.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// With --all: of one tenant only.
        #[arg(long, requires = "all")]
        tenant: Option<String>,
        #[command(flatten)]
        at: Where,
    },
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { tenant, limit, json, at } => {
            let parked = at.open()?.callbacks(tenant.as_deref(), limit).await?;
            if json {
                println!("{}", json!({ "parked": parked }));
                return Ok(ExitCode::SUCCESS);
            }
            for envelope in &parked {
                let Payload::Callback(Callback { endpoint, status, .. }) = &envelope.payload else { continue };
                let EnvelopeState::Parked { reason } = &envelope.state else { continue };
                let status = status.map_or("notification", crate::model::Status::name);
                println!(
                    "{}  {}  {status} to {endpoint}  {reason} after {} attempts",
                    envelope.id, envelope.tenant, envelope.attempts
                );
            }
            if parked.is_empty() {
                println!("no callback is parked");
            }
        }
        Command::Replay { mut ids, all, tenant, at } => {
            let source = at.open()?;
            if all {
                let parked = source.callbacks(tenant.as_deref(), usize::MAX).await?;
                ids = parked.into_iter().map(|envelope| envelope.id.to_string()).collect();
            } else if ids.is_empty() {
                bail!("name the callbacks, or say --all; `relais callbacks list` shows them");
            }
            for id in &ids {
                source.replay(id).await?;
                println!("queued   {id}");
            }
            println!("{} queued", ids.len());
        }
    }
    Ok(ExitCode::SUCCESS)
}
