//! `relais flow check`: find what is wrong with a tenant's folder.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Parser;
use serde_json::json;

use crate::{
    flows::{self, FLOW_FILE, Loaded, Problem, TENANT_FILE, Tenant},
    model::{FlowId, TenantId},
    stage::Cast,
};

/// Arguments of `relais flow check`.
#[derive(Debug, Parser)]
pub(in crate::commands) struct Args {
    /// A folder with a tenant.toml or a flow.toml.
    folder: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { folder, json } = args;
    let folder = folder.canonicalize().with_context(|| format!("find {}", folder.display()))?;
    let (checked, problems) = check(&folder).await?;
    if json {
        println!("{}", json!({ "checked": checked, "problems": problems }));
    } else {
        for problem in &problems {
            println!("{problem}");
        }
        match problems.len() {
            0 => println!("{} in order", checked.join(", ")),
            count => println!("{count} to mend"),
        }
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was checked, and everything wrong with it.
async fn check(folder: &Path) -> anyhow::Result<(Vec<String>, Vec<Problem>)> {
    let sandbox = Cast::sandbox()?;
    let mut checked = Vec::new();
    let mut problems = Vec::new();
    let mut flow_folders = Vec::new();
    let mut tenant = None;
    if folder.join(TENANT_FILE).is_file() {
        let text = std::fs::read_to_string(folder.join(TENANT_FILE))?;
        checked.push(TENANT_FILE.to_owned());
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.join(FLOW_FILE).is_file() {
                flow_folders.push(path);
            }
        }
        flow_folders.sort();
        match Tenant::read(TenantId::new(name(folder)), &text, folder) {
            Ok(read) => {
                problems.extend(unusable_names(&flow_folders));
                problems.extend(missing_default(&read, &text, &flow_folders));
                tenant = Some(read);
            }
            Err(found) => problems.extend(found),
        }
    } else if folder.join(FLOW_FILE).is_file() {
        flow_folders.push(folder.to_owned());
        tenant = folder.parent().and_then(|parent| {
            let text = std::fs::read_to_string(parent.join(TENANT_FILE)).ok()?;
            Tenant::read(TenantId::new(name(parent)), &text, parent).ok()
        });
    } else {
        anyhow::bail!("check {}: there is neither a {TENANT_FILE} nor a {FLOW_FILE} in it", folder.display());
    }
    for path in flow_folders {
        let of = TenantId::new(path.parent().map(name).unwrap_or_default());
        let version = flows::read_flow(&of, &FlowId::new(name(&path)), &path)?;
        checked.push(name(&path));
        if let Err(found) = Loaded::check(&sandbox, &version).await {
            problems.extend(found);
        }
        if let Some(tenant) = &tenant {
            problems.extend(flows::undeclared(&version, tenant));
        }
    }
    Ok((checked, problems))
}

/// Folders that the host would pass over without a word.
fn unusable_names(folders: &[PathBuf]) -> Vec<Problem> {
    let unusable = folders.iter().map(|path| name(path)).filter(|name| !TenantId::is_valid(name));
    let what = "the host passes this folder over: name it with 1 to 64 of a-z, 0-9, - and _";
    unusable.map(|name| Problem::of_file(&format!("{name}/{FLOW_FILE}"), what)).collect()
}

/// A `default-flow` that is in no folder.
fn missing_default(tenant: &Tenant, text: &str, folders: &[PathBuf]) -> Option<Problem> {
    let wanted = tenant.default_flow.as_ref()?;
    let names: Vec<String> = folders.iter().map(|path| name(path)).collect();
    if names.iter().any(|name| *name == wanted.to_string()) {
        return None;
    }
    let what = format!("there is no folder {wanted} with a {FLOW_FILE} here; there is {}", names.join(", "));
    Some(Problem::of_key(TENANT_FILE, text, "default-flow", what))
}

pub(super) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
