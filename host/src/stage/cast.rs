//! A tenant with its flows, checked once and ready for many stages.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;

use super::component_cache;
use crate::{
    flows::{self, Loaded, Problem, TENANT_FILE, Tenant, TenantFolder},
    sandbox::{self, Sandbox},
};

/// A tenant with its flows.
#[derive(Clone)]
pub struct Cast {
    pub(super) sandbox: Sandbox,
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// Its flows.
    pub flows: Vec<Arc<Loaded>>,
}

impl Cast {
    /// A sandbox for short runs: what is compiled is kept for the next run.
    pub fn sandbox() -> anyhow::Result<Sandbox> {
        let options = sandbox::Options { cache_dir: component_cache(), ..sandbox::Options::default() };
        Ok(Sandbox::new(options)?)
    }

    /// Checks a tenant's folder and the flows named in it; every problem that can be found is found at once, its file
    /// named from the tenant's folder on.
    pub async fn check(sandbox: &Sandbox, folder: &TenantFolder) -> anyhow::Result<Result<Self, Vec<Problem>>> {
        let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()));
        let text = read(&folder.path.join(TENANT_FILE))?;
        // The first number that is read loads the numbering plans of the world, which takes a while: beside the components.
        let (id, path) = (folder.id.clone(), folder.path.clone());
        let tenant = tokio::task::spawn_blocking(move || Tenant::read(id, &text, &path));
        let (mut loaded, mut in_flows) = (Vec::new(), Vec::new());
        for (flow, path) in &folder.flows {
            let version =
                flows::read_flow(&folder.id, flow, path).with_context(|| format!("read {}", path.display()))?;
            match Loaded::check(sandbox, &version).await {
                Ok(flow) => loaded.push(Arc::new(flow)),
                Err(found) => in_flows.extend(found),
            }
        }
        let (tenant, mut problems) = match tenant.await.context("read the tenant")? {
            Ok(tenant) => (Some(tenant), Vec::new()),
            Err(problems) => (None, problems),
        };
        problems.extend(in_flows);
        Ok(match tenant {
            Some(tenant) if problems.is_empty() => {
                Ok(Self { sandbox: sandbox.clone(), tenant: Arc::new(tenant), flows: loaded })
            }
            _ => Err(problems),
        })
    }
}
