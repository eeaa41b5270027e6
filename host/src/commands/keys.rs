//! `relais keys`: API keys for CRMs.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    remote::{OperatorKey, Remote, encoded},
    source::Source,
};
use crate::{
    api::{new_key, shown_key},
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
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: Where,
    },
    /// List the keys, by their identifiers; nobody knows their secrets.
    List {
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: Where,
    },
    /// Revoke a key: requests with it are refused from now on.
    Revoke {
        /// Its identifier, from the list.
        id: String,
        #[command(flatten)]
        at: Where,
    },
}

/// The store of a host that is stopped or, with `--to`, a running host.
#[derive(Debug, Args)]
pub(super) struct Where {
    /// A running host, such as http://127.0.0.1:8080; it holds its store, so that it has to be asked.
    #[arg(long = "to", alias = "url")]
    url: Option<String>,
    #[command(flatten)]
    key: OperatorKey,
    /// The operator's settings [default: relais.toml, if there is one].
    #[arg(long, env = "RELAIS_CONFIG", conflicts_with = "url")]
    config: Option<PathBuf>,
    /// The store's folder, instead of what the settings say.
    #[arg(long, conflicts_with = "url")]
    store: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Env {
    Test,
    Live,
}

impl Where {
    fn open(self) -> anyhow::Result<Source> {
        if let Some(url) = &self.url {
            return Ok(Source::Host(Remote::new(url, self.key)?));
        }
        let config = Config::read(self.config.as_deref())?;
        let folder = self.store.unwrap_or(config.store);
        let store = SledStore::open(&folder).with_context(|| {
            format!("open {}; if its host is running, ask that: --to http://127.0.0.1:8080", folder.display())
        })?;
        Ok(Source::Store(Box::new(store)))
    }
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create { tenant, env, json, at } => {
            let made = create(at.open()?, &tenant, env).await?;
            if json {
                println!("{made}");
            } else {
                println!("{}", text(&made, "key"));
                eprintln!("Keep it: it is not shown again. Send it as `Authorization: Bearer …` or `X-API-Key: …`.");
            }
        }
        Command::List { json, at } => {
            let keys = list(at.open()?).await?;
            if json {
                println!("{}", json!({ "keys": keys }));
            } else {
                for key in &keys {
                    let [id, env, at, tenant] = ["id", "env", "created_at", "tenant"].map(|member| text(key, member));
                    println!("{id}  {env}  {at}  {tenant}");
                }
            }
        }
        Command::Revoke { id, at } => {
            revoke(at.open()?, &id).await?;
            println!("revoked {id}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(source: Source, tenant: &str, env: Env) -> anyhow::Result<Value> {
    if !TenantId::is_valid(tenant) {
        bail!("make a key for {tenant:?}: a tenant is named by its folder, in a-z, 0-9, - and _");
    }
    let environment = match env {
        Env::Test => Environment::Test,
        Env::Live => Environment::Live,
    };
    match source {
        Source::Host(host) => {
            let wanted = json!({ "tenant": tenant, "env": environment });
            host.ask(Method::POST, "/v1/operator/keys", Some(&wanted)).await
        }
        Source::Store(store) => {
            let (secret, key) = new_key(TenantId::new(tenant), environment, Clock::system().now())?;
            let mut made = shown_key(&key);
            store.add_key(key).await?;
            if let Some(object) = made.as_object_mut() {
                object.insert("key".to_owned(), secret.into());
            }
            Ok(made)
        }
    }
}

async fn list(source: Source) -> anyhow::Result<Vec<Value>> {
    match source {
        Source::Host(host) => {
            let found = host.get("/v1/operator/keys").await?;
            Ok(found.get("keys").and_then(Value::as_array).cloned().unwrap_or_default())
        }
        Source::Store(store) => Ok(store.keys().await?.iter().map(shown_key).collect()),
    }
}

async fn revoke(source: Source, id: &str) -> anyhow::Result<()> {
    match source {
        Source::Host(host) => {
            host.ask(Method::DELETE, &format!("/v1/operator/keys/{}", encoded(id)), None).await.map(drop)
        }
        Source::Store(store) => {
            let keys = store.keys().await?;
            let key = keys.iter().find(|key| key.id() == id);
            let key = key.with_context(|| format!("find the key {id}; `relais keys list` shows them"))?;
            store.remove_key(&key.digest).await?;
            Ok(())
        }
    }
}

fn text<'a>(key: &'a Value, member: &str) -> &'a str {
    key.get(member).and_then(Value::as_str).unwrap_or_default()
}
