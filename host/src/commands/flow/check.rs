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
    sandbox::{self, Sandbox},
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
    let sandbox = Sandbox::new(sandbox::Options::default())?;
    let mut checked = Vec::new();
    let mut problems = Vec::new();
    let mut flow_folders = Vec::new();
    if folder.join(TENANT_FILE).is_file() {
        let text = std::fs::read_to_string(folder.join(TENANT_FILE))?;
        checked.push(TENANT_FILE.to_owned());
        if let Err(found) = Tenant::read(TenantId::new(name(folder)), &text, folder) {
            problems.extend(found);
        }
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.join(FLOW_FILE).is_file() {
                flow_folders.push(path);
            }
        }
        flow_folders.sort();
    } else if folder.join(FLOW_FILE).is_file() {
        flow_folders.push(folder.to_owned());
    } else {
        anyhow::bail!("check {}: there is neither a {TENANT_FILE} nor a {FLOW_FILE} in it", folder.display());
    }
    for path in flow_folders {
        let tenant = TenantId::new(path.parent().map(name).unwrap_or_default());
        let version = flows::read_flow(&tenant, &FlowId::new(name(&path)), &path)?;
        checked.push(name(&path));
        if let Err(found) = Loaded::check(&sandbox, &version).await {
            problems.extend(found);
        }
    }
    Ok((checked, problems))
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
