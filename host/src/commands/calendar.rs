//! `relais calendar`: the secret addresses that sales teams subscribe to.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::remote::Remote;
use crate::{
    api::{new_secret, path_of},
    config::Config,
    flows::{TENANT_FILE, Tenant},
    model::{Clock, TenantId},
    store::{SledStore, Store as _},
};

/// Subcommands of `relais calendar`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the address of a calendar: subscribe to it in Google Calendar, Outlook or Apple Calendar.
    Url(Which),
    /// Change the secret of a calendar and print its new address; the old one ends at once.
    Rotate(Which),
}

/// Which calendar, and who is asked for it: a running host (with an API key), else the store (while the host is stopped).
#[derive(Args, Debug)]
pub(super) struct Which {
    /// The tenant's folder name; with --key it is the key's tenant.
    #[arg(long, required_unless_present = "key")]
    tenant: Option<String>,
    /// The id of a salesperson in tenant.toml [default: everybody's meetings].
    #[arg(long)]
    person: Option<String>,
    /// An API key of the tenant: asks the running host. Better kept in the environment.
    #[arg(long, env = "RELAIS_API_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The host's address, as calendar programs see it.
    #[arg(long, alias = "url", default_value = "http://127.0.0.1:8080")]
    to: String,
    /// The operator's settings [default: relais.toml, if there is one].
    #[arg(long, env = "RELAIS_CONFIG")]
    config: Option<PathBuf>,
    /// The store's folder, instead of what the settings say.
    #[arg(long)]
    store: Option<PathBuf>,
    /// The tenants' folder, instead of what the settings say.
    #[arg(long)]
    flows: Option<PathBuf>,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let (which, rotates) = match command {
        Command::Url(which) => (which, false),
        Command::Rotate(which) => (which, true),
    };
    let path = match &which.key {
        Some(key) => of_host(&which, key, rotates).await?,
        None => of_store(&which, rotates).await?,
    };
    let url = format!("{}{path}", which.to.trim_end_matches('/'));
    if which.json {
        println!("{}", json!({ "tenant": which.tenant, "person": which.person, "url": url }));
    } else {
        println!("{url}");
        eprintln!("Whoever has this address reads the meetings. `relais calendar rotate` ends it and makes another.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn of_host(which: &Which, key: &str, rotates: bool) -> anyhow::Result<String> {
    let host = Remote::with_key(&which.to, key.to_owned())?;
    let body = if rotates {
        host.ask(Method::POST, "/v1/calendars/rotate", Some(&json!({ "person": which.person }))).await?
    } else {
        host.get("/v1/calendars").await?
    };
    let person = json!(which.person);
    let found = if rotates {
        Some(&body)
    } else {
        let calendars = body.get("calendars").and_then(Value::as_array);
        calendars.into_iter().flatten().find(|calendar| calendar.get("person") == Some(&person))
    };
    let path = found.and_then(|calendar| calendar.get("path")).and_then(Value::as_str);
    path.map(str::to_owned).with_context(|| {
        format!("find a salesperson {:?}; list them under [[calendar.people]] of tenant.toml", which.person)
    })
}

async fn of_store(which: &Which, rotates: bool) -> anyhow::Result<String> {
    let id = which.tenant.as_deref().unwrap_or_default();
    if !TenantId::is_valid(id) {
        bail!("show the calendar of {id:?}: a tenant is named by its folder, in a-z, 0-9, - and _");
    }
    let tenant = TenantId::new(id);
    let config = Config::read(which.config.as_deref())?;
    let folder = which.flows.clone().unwrap_or(config.flows).join(id);
    let file = folder.join(TENANT_FILE);
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("read {}; name the tenants' folder with --flows", file.display()))?;
    let people = Tenant::read(tenant.clone(), &text, &folder)
        .map_err(|problems| {
            anyhow::anyhow!(
                "read {}: {}",
                file.display(),
                problems.first().map_or_else(String::new, ToString::to_string)
            )
        })?
        .calendar
        .people;
    if let Some(person) = &which.person
        && !people.iter().any(|known| known.id == *person)
    {
        let known: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
        bail!("find the salesperson {person:?}: [[calendar.people]] of {} has {known:?}", file.display());
    }
    let store = SledStore::open(&which.store.clone().unwrap_or(config.store))
        .context("open the store; if the host runs it holds the store: ask it with --key instead")?;
    let known = store.calendar_secret(&tenant, which.person.as_deref()).await?.filter(|_| !rotates);
    if let Some(secret) = known {
        return Ok(path_of(&secret));
    }
    let secret = new_secret(tenant, which.person.clone(), Clock::system().now())?;
    store.put_calendar_secret(secret.clone()).await?;
    Ok(path_of(&secret))
}
