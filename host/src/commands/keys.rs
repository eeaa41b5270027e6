//! `relais keys`: API keys for CRMs.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};

use crate::{
    api::new_key,
    config::Config,
    model::{Clock, Environment, TenantId},
    store::{SledStore, Store as _},
};

/// Subcommands of `relais keys`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key and print it, once: only its digest is kept.
    Create {
        /// The tenant's folder name.
        #[arg(long)]
        tenant: String,
        /// `test` keys talk to the simulator, `live` keys to WhatsApp.
        #[arg(long)]
        env: Env,
        /// The operator's settings [default: relais.toml, if there is one].
        #[arg(long, env = "RELAIS_CONFIG")]
        config: Option<PathBuf>,
        /// The store's folder, instead of what the settings say.
        #[arg(long)]
        store: Option<PathBuf>,
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Env {
    Test,
    Live,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Create { tenant, env, config, store, json } = command;
    if !TenantId::is_valid(&tenant) {
        bail!("make a key for {tenant:?}: a tenant is named by its folder, in a-z, 0-9, - and _");
    }
    let config = Config::read(config.as_deref())?;
    let store = SledStore::open(&store.unwrap_or(config.store))
        .context("open the store; stop the host first if it runs: it holds the store")?;
    let environment = match env {
        Env::Test => Environment::Test,
        Env::Live => Environment::Live,
    };
    let (secret, key) = new_key(TenantId::new(&tenant), environment, Clock::system().now())?;
    store.add_key(key).await?;
    if json {
        println!("{}", serde_json::json!({ "tenant": tenant, "env": environment, "key": secret }));
    } else {
        println!("{secret}");
        eprintln!("Keep it: it is not shown again. Send it as `Authorization: Bearer …` or `X-API-Key: …`.");
    }
    Ok(ExitCode::SUCCESS)
}
