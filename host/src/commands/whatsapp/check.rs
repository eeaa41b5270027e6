//! `relais whatsapp check`: which tenants, against which Graph API, and how the findings are shown.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Parser;
use serde_json::json;

use super::{
    finding::{Finding, Verdict},
    inspection::{Access, Inspection},
};
use crate::{
    config::{self, Config},
    flows::{self, FLOW_FILE, Manifest, TENANT_FILE, Tenant, TenantFolder},
    model::Clock,
    whatsapp::{Client, Options},
};

/// What `relais whatsapp check --help` teaches.
const LONG_HELP: &str = "\
Verify what a team sets up once with Meta, before the first lead; exit 1 if anything is wrong.

For each tenant of the flows folder, one line each, with what to do about it:

  secrets       the access token, the app's secret and the verify token of tenant.toml can be read
  token         is in force, does not expire soon, and has the two permissions for the tenant's account
  number        belongs to the account, is connected, and is the one that tenant.toml names
  quality       of the number at Meta: RED is about to be restricted
  subscription  the token's app receives the account's webhooks
  fields        the app's secret is right, and the app asked for the webhook fields that the host lives on
  handshake     the address that Meta posts to answers with the challenge, as it does when Meta registers it
  template      each one that a flow declares: there, approved, same language, same parameters and header

Nothing is sent to anybody and nothing is changed. The flows folder is read, not the store, so that a flow can be
verified before it is deployed.";

const EXAMPLES: &str = "\
Examples:
  relais whatsapp check                                 every tenant of flows/, against Meta
  relais whatsapp check acme --json                     one tenant, for a script
  relais whatsapp check --simulator                     against the simulator of relais.toml
  relais simulator --flows flows &                      against a simulator that knows the flows' numbers and templates
  relais whatsapp check --simulator http://127.0.0.1:9090";

/// Arguments of `relais whatsapp check`.
#[derive(Debug, Parser)]
#[command(long_about = LONG_HELP, after_help = EXAMPLES)]
pub(in crate::commands) struct Args {
    /// Only this tenant, by its folder's name; every tenant without one.
    tenant: Option<String>,
    /// The operator's settings [default: relais.toml, if there is one].
    #[arg(long, env = "RELAIS_CONFIG")]
    config: Option<PathBuf>,
    /// The tenants' folder, instead of what the settings say.
    #[arg(long)]
    flows: Option<PathBuf>,
    /// Ask the simulator that test keys talk to instead of Meta: the one of the settings, or at this address.
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    simulator: Option<String>,
    /// Where the host takes webhooks; without it the address that Meta has.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(in crate::commands) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut config = Config::read(args.config.as_deref())?;
    config.flows = args.flows.clone().unwrap_or(config.flows);
    let folders = flows::find_tenants(&config.flows)
        .with_context(|| format!("read {}; name the tenants' folder with --flows", config.flows.display()))?;
    let folders: Vec<TenantFolder> = folders
        .into_iter()
        .filter(|folder| args.tenant.as_deref().is_none_or(|name| folder.id.as_str() == name))
        .collect();
    if folders.is_empty() {
        let which = args.tenant.as_deref().unwrap_or("any tenant");
        bail!("find {which} in {}: a tenant is a folder with a tenant.toml", config.flows.display());
    }
    let mut findings = Vec::new();
    for folder in &folders {
        findings.extend(inspect(&args, &config, folder).await?);
    }
    let is_wrong = findings.iter().any(|finding| finding.verdict.is_wrong());
    if args.json {
        println!("{}", json!({ "ok": !is_wrong, "findings": findings }));
    } else {
        show(&findings);
    }
    Ok(if is_wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Everything about one tenant.
async fn inspect(args: &Args, config: &Config, folder: &TenantFolder) -> anyhow::Result<Vec<Finding>> {
    let name = folder.id.as_str();
    let text = std::fs::read_to_string(folder.path.join(TENANT_FILE))?;
    let tenant = match Tenant::read(folder.id.clone(), &text, &folder.path) {
        Ok(tenant) => tenant,
        Err(problems) => {
            let wrong = |problem: flows::Problem| {
                Finding::new(name, "tenant.toml", Verdict::Wrong, problem.to_string()).advise("mend the file")
            };
            return Ok(problems.into_iter().map(wrong).collect());
        }
    };
    let (base_url, access, trouble) = match &args.simulator {
        None => live(config, &tenant),
        Some(address) => simulated(config, address)?,
    };
    let graph =
        Options { base_url, api_version: config.graph.api_version.clone(), timeout_ms: 15_000, ..Options::default() };
    let client = Client::new(&graph).context("use the address of the Graph API")?;
    let mut inspection = Inspection::new(client, access, &tenant, args.webhook.clone(), Clock::system().now());
    for what in trouble {
        inspection.note(
            "secrets",
            Verdict::Wrong,
            what,
            "name a secret that can be read, as \"env:NAME\" or \"file:PATH\"",
        );
    }
    let mut declared = Vec::new();
    for (flow, path) in &folder.flows {
        let text = std::fs::read_to_string(path.join(FLOW_FILE))?;
        match Manifest::read(&format!("{flow}/{FLOW_FILE}"), &text) {
            Ok(manifest) => {
                declared.extend(manifest.templates.into_iter().map(|(key, template)| (flow.clone(), key, template)))
            }
            Err(problems) => {
                for problem in problems {
                    inspection.note(
                        "flow.toml",
                        Verdict::Wrong,
                        problem.to_string(),
                        "mend the file; `relais flow check` tells more",
                    );
                }
            }
        }
    }
    inspection.run(&declared).await;
    Ok(inspection.findings())
}

/// Meta's address, the tenant's secrets, and those that could not be had.
fn live(config: &Config, tenant: &Tenant) -> (String, Access, Vec<String>) {
    let mut trouble = Vec::new();
    let mut read = |key: &str, source: Option<&flows::SecretSource>| match source {
        None => {
            trouble.push(format!("tenant.toml has no whatsapp.{key}"));
            None
        }
        Some(source) => source.read().map_err(|error| trouble.push(format!("whatsapp.{key}: {error}"))).ok(),
    };
    let whatsapp = &tenant.whatsapp;
    let token = read("token", whatsapp.token.as_ref());
    let verify_token = read("verify-token", whatsapp.verify_token.as_ref());
    let app_secrets = if whatsapp.app_secrets.is_empty() {
        read("app-secrets", None).into_iter().collect()
    } else {
        whatsapp.app_secrets.iter().filter_map(|source| read("app-secrets", Some(source))).collect()
    };
    (config.graph.base_url.clone(), Access { token, app_secrets, verify_token }, trouble)
}

/// The simulator's address and secrets: those of the settings, or those that `relais simulator` starts with.
fn simulated(config: &Config, address: &str) -> anyhow::Result<(String, Access, Vec<String>)> {
    let settings = match &config.simulator {
        Some(settings) => settings,
        None if address.is_empty() => bail!(
            "find the simulator: the settings have no [simulator]; give its address, as in --simulator http://127.0.0.1:9090"
        ),
        None => {
            let access = Access {
                token: Some(config::SIMULATOR_TOKEN.to_owned()),
                app_secrets: vec![config::SIMULATOR_APP_SECRET.to_owned()],
                verify_token: Some(config::SIMULATOR_VERIFY_TOKEN.to_owned()),
            };
            return Ok((address.to_owned(), access, Vec::new()));
        }
    };
    let access = Access {
        token: Some(settings.token.read()?),
        app_secrets: vec![settings.app_secret.read()?],
        verify_token: Some(settings.verify_token.read()?),
    };
    let base_url = if address.is_empty() { settings.base_url.clone() } else { address.to_owned() };
    Ok((base_url, access, Vec::new()))
}

/// A line a finding, under the tenant's name.
fn show(findings: &[Finding]) {
    let mut tenant = "";
    for finding in findings {
        if finding.tenant != tenant {
            tenant = &finding.tenant;
            println!("{tenant}");
        }
        println!("{finding}");
    }
    let count = |verdict: Verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (wrong, skipped, warnings) = (count(Verdict::Wrong), count(Verdict::Skipped), count(Verdict::Warning));
    match (wrong, skipped, warnings) {
        (0, 0, 0) => println!("ready"),
        (0, 0, warnings) => println!("ready, with {warnings} to look at"),
        (wrong, 0, _) => println!("{wrong} to mend"),
        (wrong, skipped, _) => println!("{wrong} to mend; {skipped} could not be looked at"),
    }
}
