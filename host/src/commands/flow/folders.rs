//! Which tenants and flows a folder on the command line means.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use crate::{
    flows::{FLOW_FILE, TENANT_FILE, TenantFolder, find_tenants},
    model::{FlowId, TenantId},
};

/// The tenants that `folder` means, each with the flows that it means: a folder of tenants, a tenant, or one flow of it.
pub(in crate::commands) fn tenants_of(folder: &Path) -> anyhow::Result<Vec<TenantFolder>> {
    let folder = folder.canonicalize().with_context(|| format!("find {}", folder.display()))?;
    let missing = || format!("find a {TENANT_FILE} or a {FLOW_FILE} in {}, or in its folders", folder.display());
    if folder.join(FLOW_FILE).is_file() {
        let tenant = folder.parent().filter(|parent| parent.join(TENANT_FILE).is_file());
        let tenant = tenant.with_context(|| format!("find the {TENANT_FILE} above {}", folder.display()))?;
        return Ok(vec![TenantFolder {
            id: TenantId::new(name_of(tenant)?),
            path: tenant.to_owned(),
            flows: vec![(FlowId::new(name_of(&folder)?), folder.clone())],
        }]);
    }
    if folder.join(TENANT_FILE).is_file() {
        let id = TenantId::new(name_of(&folder)?);
        let root = folder.parent().with_context(missing)?;
        let found = find_tenants(root)?.into_iter().filter(|tenant| tenant.id == id).collect::<Vec<_>>();
        ensure!(
            found.iter().any(|tenant| !tenant.flows.is_empty()),
            "find a flow, a folder with a {FLOW_FILE}, in {}",
            folder.display()
        );
        return Ok(found);
    }
    let found = find_tenants(&folder).with_context(missing)?;
    if found.is_empty() {
        bail!(missing());
    }
    Ok(found)
}

/// The golden conversations of a flow's folder, by name.
pub(in crate::commands) fn conversations_in(flow: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = flow.join("conversations");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.with_context(|| format!("read {}", folder.display()))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    ensure!(
        TenantId::is_valid(&name),
        "serve {}: rename it, a folder's name here has 1 to 64 of a-z 0-9 - _",
        path.display()
    );
    Ok(name)
}
