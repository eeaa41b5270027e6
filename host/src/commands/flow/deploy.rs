//! `relais flow push|status|diff|activate`: flows on a host, or in the store of one that is stopped.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{
    commands::{
        open_store,
        remote::{OperatorKey, Remote, encoded},
        spinner, to_the_second,
    },
    flows::{self, FLOW_FILE, Flows, Published, TENANT_FILE, TENANT_FLOW},
    model::{Clock, FlowId, TenantId},
    sandbox::{self, Sandbox},
    store::Store,
};

/// Arguments of `relais flow push`.
#[derive(Debug, Args)]
pub(in crate::commands) struct Push {
    /// A flow's folder (with a flow.toml) or a tenant's (with a tenant.toml: it and every flow in it are pushed).
    folder: PathBuf,
    /// The host, such as http://127.0.0.1:8080.
    #[arg(long)]
    to: String,
    /// The tenant, when the folder above the flow's is not named after it.
    #[arg(long)]
    tenant: Option<String>,
    /// The flow, when its folder is not named after it.
    #[arg(long)]
    flow: Option<String>,
    /// Check and keep the version, but let conversations go on taking the active one.
    #[arg(long)]
    no_activate: bool,
    #[command(flatten)]
    key: OperatorKey,
    /// Print one JSON object a flow.
    #[arg(long)]
    json: bool,
}

/// Where versions are looked at: a running host, or the store of one that is stopped.
#[derive(Debug, Args)]
pub(in crate::commands) struct Where {
    /// A running host.
    #[arg(long, alias = "url", default_value = "http://127.0.0.1:8080")]
    to: String,
    #[command(flatten)]
    key: OperatorKey,
    /// The store of a host that is stopped, instead of a running host.
    #[arg(long, conflicts_with = "to")]
    store: Option<PathBuf>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Arguments of `relais flow status`.
#[derive(Debug, Args)]
pub(in crate::commands) struct Status {
    /// TENANT or TENANT/FLOW; all when it is left out.
    of: Option<String>,
    #[command(flatten)]
    at: Where,
}

/// Arguments of `relais flow diff`.
#[derive(Debug, Args)]
pub(in crate::commands) struct Diff {
    /// TENANT/FLOW
    of: String,
    /// A version, by six digits of it or more.
    from: String,
    /// Another.
    to_version: String,
    #[command(flatten)]
    at: Where,
}

/// Arguments of `relais flow activate`.
#[derive(Debug, Args)]
pub(in crate::commands) struct Activate {
    /// TENANT/FLOW
    of: String,
    /// A version, by six digits of it or more.
    version: String,
    #[command(flatten)]
    at: Where,
}

pub(super) async fn push(args: Push) -> anyhow::Result<ExitCode> {
    let Push { folder, to, tenant, flow, no_activate, key, json } = args;
    let folder = folder.canonicalize().with_context(|| format!("find {}", folder.display()))?;
    let remote = Remote::new(&to, key)?;
    let mut failed = 0;
    for (tenant, flow, files) in read(&folder, tenant, flow)? {
        let bar = spinner(format!("{tenant}/{flow}: sent, checked and compiled"));
        let path = format!("/v1/flows/{}/{}?activate={}", encoded(&tenant), encoded(&flow), !no_activate);
        let answer = remote.ask(Method::PUT, &path, Some(&json!({ "files": files }))).await;
        bar.finish_and_clear();
        match answer {
            Ok(answer) if json => println!("{answer}"),
            Ok(answer) => println!(
                "{:<8} {tenant}/{flow} version {}{}",
                text(&answer, "state"),
                short(text(&answer, "version")),
                if answer.get("changed") == Some(&Value::Bool(true)) || no_activate { "" } else { " (it was already)" }
            ),
            Err(error) => {
                failed += 1;
                eprintln!("refused  {tenant}/{flow}: {error:#}");
            }
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tenant, flow and files.
type Pushed = (String, String, Map<String, Value>);

/// Everything in a folder that can be pushed.
fn read(folder: &Path, tenant: Option<String>, flow: Option<String>) -> anyhow::Result<Vec<Pushed>> {
    let of_folder = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    if folder.join(FLOW_FILE).is_file() {
        let tenant = tenant.or_else(|| folder.parent().and_then(of_folder)).unwrap_or_default();
        let flow = flow.or_else(|| of_folder(folder)).unwrap_or_default();
        let version = flows::read_flow(&TenantId::new(&tenant), &FlowId::new(&flow), folder)
            .with_context(|| format!("read {}", folder.display()))?;
        return Ok(vec![(tenant, flow, sent(version.files))]);
    }
    ensure!(
        folder.join(TENANT_FILE).is_file(),
        "push {}: there is neither a {TENANT_FILE} nor a {FLOW_FILE} in it",
        folder.display()
    );
    ensure!(flow.is_none(), "push a tenant's folder without --flow: its flows are named by their folders");
    let name = tenant.or_else(|| of_folder(folder)).unwrap_or_default();
    let id = TenantId::new(&name);
    let tenant = flows::read_tenant(&id, folder).with_context(|| format!("read {}", folder.display()))?;
    let mut found = vec![(name.clone(), TENANT_FLOW.to_owned(), sent(tenant.files))];
    for (flow, path) in flows::flows_in(folder)? {
        let version = flows::read_flow(&id, &flow, &path).with_context(|| format!("read {}", path.display()))?;
        found.push((name.clone(), flow.to_string(), sent(version.files)));
    }
    Ok(found)
}

/// Files as a push carries them; stock components are the host's own.
fn sent(files: BTreeMap<String, Vec<u8>>) -> Map<String, Value> {
    files
        .into_iter()
        .filter(|(path, _)| !path.starts_with("stock:"))
        .map(|(path, bytes)| {
            let file = match String::from_utf8(bytes) {
                Ok(text) => Value::from(text),
                Err(error) => json!({ "base64": BASE64_STANDARD.encode(error.as_bytes()) }),
            };
            (path, file)
        })
        .collect()
}

pub(super) async fn status(args: Status) -> anyhow::Result<ExitCode> {
    let Status { of, at } = args;
    let mut flows = match &at.store {
        None => Remote::new(&at.to, at.key.clone())?.get("/v1/flows").await?.get("flows").cloned().unwrap_or_default(),
        Some(folder) => {
            let flows = stopped(folder).await?;
            let mut all = Vec::new();
            for (tenant, flow) in flows.names().await? {
                all.push(serde_json::to_value(flows.history(&tenant, &flow).await?)?);
            }
            all.into()
        }
    };
    if let (Some(of), Some(flows)) = (&of, flows.as_array_mut()) {
        let is_wanted = |flow: &Value| {
            let (tenant, name) = (text(flow, "tenant"), text(flow, "flow"));
            of == tenant || *of == format!("{tenant}/{name}")
        };
        flows.retain(is_wanted);
        ensure!(!flows.is_empty(), "show {of}: no version of it was ever received");
    }
    if at.json {
        println!("{}", json!({ "flows": flows }));
        return Ok(ExitCode::SUCCESS);
    }
    for flow in flows.as_array().into_iter().flatten() {
        println!("{}/{}", text(flow, "tenant"), text(flow, "flow"));
        for version in list(flow, "versions") {
            let when = if text(version, "activated_at").is_empty() { "received_at" } else { "activated_at" };
            println!(
                "  {:<8} {}  {:>5} running  {} {}  from {}",
                text(version, "state"),
                short(text(version, "version")),
                version.get("running").and_then(Value::as_u64).unwrap_or(0),
                when.trim_end_matches("_at"),
                to_the_second(text(version, when)),
                text(version, "origin"),
            );
            for problem in list(version, "problems") {
                if let Ok(problem) = serde_json::from_value::<flows::Problem>(problem.clone()) {
                    println!("           {problem}");
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn diff(args: Diff) -> anyhow::Result<ExitCode> {
    let Diff { of, from, to_version, at } = args;
    let (tenant, flow) = named(&of)?;
    let changes = match &at.store {
        None => {
            let (tenant, flow) = (encoded(tenant.as_str()), encoded(flow.as_str()));
            let path = format!("/v1/flows/{tenant}/{flow}/diff?from={}&to={}", encoded(&from), encoded(&to_version));
            Remote::new(&at.to, at.key.clone())?.get(&path).await?
        }
        Some(folder) => {
            let store = open_store(folder)?;
            let content = async |version: &str| -> anyhow::Result<_> {
                let records = store.versions(&tenant, &flow).await?;
                let digest = one(records.into_iter().map(|record| record.digest), version)?;
                store.version(&tenant, &flow, &digest).await?.context("find its content: it was refused")
            };
            let (from, to) = (content(&from).await?, content(&to_version).await?);
            json!({ "from": from.digest, "to": to.digest, "files": flows::difference(&from, &to) })
        }
    };
    if at.json {
        println!("{changes}");
        return Ok(ExitCode::SUCCESS);
    }
    for file in list(&changes, "files") {
        println!("{} {}", text(file, "change"), text(file, "path"));
        print!("{}", text(file, "lines"));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn activate(args: Activate) -> anyhow::Result<ExitCode> {
    let Activate { of, version, at } = args;
    let (tenant, flow) = named(&of)?;
    let answer = match &at.store {
        None => {
            let path = format!(
                "/v1/flows/{}/{}/versions/{}/activate",
                encoded(tenant.as_str()),
                encoded(flow.as_str()),
                encoded(&version)
            );
            Remote::new(&at.to, at.key.clone())?.ask(Method::POST, &path, None).await?
        }
        Some(folder) => {
            let flows = stopped(folder).await?;
            let known = flows.history(&tenant, &flow).await?.versions;
            let digest = one(known.into_iter().map(|known| known.version), &version)?;
            match flows.activate(&tenant, &flow, &digest, Clock::system().now()).await? {
                Published::Refused { problems, .. } => {
                    problems.iter().for_each(|problem| eprintln!("{problem}"));
                    bail!("activate {version}: it is not in order any more; what was active goes on");
                }
                _ => json!({ "tenant": tenant, "flow": flow, "version": digest, "state": "active" }),
            }
        }
    };
    if at.json {
        println!("{answer}");
    } else {
        println!("active   {of} version {}", short(text(&answer, "version")));
    }
    Ok(ExitCode::SUCCESS)
}

/// The flows in the store of a host that is stopped.
async fn stopped(folder: &Path) -> anyhow::Result<Flows> {
    let store: Arc<dyn Store> = Arc::new(open_store(folder)?);
    let sandbox =
        Sandbox::new(sandbox::Options { cache_dir: Some(folder.join("components")), ..sandbox::Options::default() })?;
    Ok(Flows::open(store, sandbox, flows::Options::of_folder("flows")).await?)
}

fn named(of: &str) -> anyhow::Result<(TenantId, FlowId)> {
    let (tenant, flow) = of.split_once('/').with_context(|| format!("read {of:?}: write TENANT/FLOW"))?;
    Ok((TenantId::new(tenant), FlowId::new(flow)))
}

/// The one digest that begins so.
fn one(digests: impl Iterator<Item = crate::model::Digest>, start: &str) -> anyhow::Result<crate::model::Digest> {
    ensure!(start.len() >= 6, "name a version by six digits or more");
    let mut found = digests.filter(|digest| digest.as_str().starts_with(start));
    let digest = found.next().with_context(|| format!("find a version that begins with {start:?}"))?;
    ensure!(found.next().is_none(), "more than one version begins with {start:?}; write more of it");
    Ok(digest)
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn short(version: &str) -> &str {
    version.get(..12).unwrap_or(version)
}
