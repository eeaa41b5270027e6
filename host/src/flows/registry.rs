//! The versions in use, and how a folder becomes one of them.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    Error, Loaded, Problem, TENANT_FILE, TENANT_FLOW, Tenant,
    deploy::{Locks, Told},
};
use crate::{
    model::{Digest, FlowId, TenantId},
    sandbox::Sandbox,
    store::{FlowVersion, Store},
};

/// Where flows come from, and how many old ones stay.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `flows/` folder.
    pub folder: PathBuf,
    /// How many versions of a flow besides the active one and those that conversations run on are kept to roll back to.
    pub keep_versions: usize,
}

impl Options {
    /// A folder, with five versions to roll back to.
    pub fn of_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), keep_versions: 5 }
    }
}

/// The flows of all tenants. Clones share them.
#[derive(Clone)]
pub struct Flows {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    store: Arc<dyn Store>,
    sandbox: Sandbox,
    /// Where relative `file:` secrets start from, a folder a tenant in it.
    root: PathBuf,
    known: RwLock<Known>,
    /// A second asker for a version waits rather than compiling again.
    loading: Locks<Digest>,
    /// One version of a flow is deployed at a time.
    pub(super) deploying: Locks<(TenantId, FlowId)>,
    pub(super) looking: Locks<(TenantId, FlowId)>,
    /// How many versions besides the active one are kept to roll back to.
    pub(super) keep: usize,
}

#[derive(Default)]
struct Known {
    tenants: HashMap<TenantId, Arc<Tenant>>,
    active: HashMap<(TenantId, FlowId), Digest>,
    /// Every version that is loaded, active or still needed by running conversations.
    loaded: HashMap<(TenantId, FlowId, Digest), Arc<Loaded>>,
    /// What was refused, so that an unchanged folder is checked and told of once.
    told: Told,
}

impl Flows {
    /// Opens the flows that the store knows as active.
    pub async fn open(store: Arc<dyn Store>, sandbox: Sandbox, options: Options) -> Result<Self, Error> {
        let Options { folder, keep_versions: keep } = options;
        let flows = Self {
            inner: Arc::new(Inner {
                store,
                sandbox,
                root: folder,
                known: RwLock::default(),
                loading: Locks::default(),
                deploying: Locks::default(),
                looking: Locks::default(),
                keep,
            }),
        };
        for (tenant, flow, digest) in flows.inner.store.active_versions().await? {
            if flow.as_str() == TENANT_FLOW {
                if let Some(version) = flows.inner.store.version(&tenant, &flow, &digest).await?
                    && let Ok(read) = flows.read_tenant(&version)
                {
                    flows.keep_tenant(read, digest);
                }
            } else {
                flows.write().active.insert((tenant, flow), digest);
            }
        }
        Ok(flows)
    }

    /// A tenant's flows that have been checked already, for a rehearsal: nothing is read from a folder or the store.
    pub fn ready(store: Arc<dyn Store>, sandbox: Sandbox, tenant: Arc<Tenant>, versions: &[Arc<Loaded>]) -> Self {
        let mut known = Known::default();
        known.tenants.insert(tenant.id.clone(), tenant);
        for loaded in versions {
            let (tenant, flow, digest) = (loaded.tenant.clone(), loaded.flow.clone(), loaded.digest.clone());
            known.active.insert((tenant.clone(), flow.clone()), digest.clone());
            known.loaded.insert((tenant, flow, digest), Arc::clone(loaded));
        }
        Self {
            inner: Arc::new(Inner {
                store,
                sandbox,
                root: PathBuf::new(),
                known: RwLock::new(known),
                loading: Locks::default(),
                deploying: Locks::default(),
                looking: Locks::default(),
                keep: 1,
            }),
        }
    }

    /// A tenant.
    pub fn tenant(&self, id: &TenantId) -> Option<Arc<Tenant>> {
        self.read().tenants.get(id).cloned()
    }

    /// All tenants, by name.
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        let mut tenants: Vec<_> = self.read().tenants.values().cloned().collect();
        tenants.sort_by(|left, right| left.id.cmp(&right.id));
        tenants
    }

    /// The tenant that a business number belongs to, by Meta's identifier of the number.
    pub fn tenant_of_number(&self, phone_number_id: &str) -> Option<Arc<Tenant>> {
        let known = self.read();
        known.tenants.values().find(|tenant| tenant.whatsapp.phone_number_id == phone_number_id).cloned()
    }

    /// The active flows: tenant, flow, version.
    pub fn active(&self) -> Vec<(TenantId, FlowId, Digest)> {
        let known = self.read();
        let mut active: Vec<_> = known
            .active
            .iter()
            .filter(|((_, flow), _)| flow.as_str() != TENANT_FLOW)
            .map(|((tenant, flow), digest)| (tenant.clone(), flow.clone(), digest.clone()))
            .collect();
        active.sort();
        active
    }

    /// The active version of a flow; of the tenant's only flow, or its default one, when none is named.
    pub async fn active_version(&self, tenant: &Tenant, flow: Option<&FlowId>) -> Result<Option<Arc<Loaded>>, Error> {
        let chosen = {
            let known = self.read();
            let mut of_tenant =
                known.active.iter().filter(|((id, flow), _)| *id == tenant.id && flow.as_str() != TENANT_FLOW);
            let wanted = flow.or(tenant.default_flow.as_ref());
            match wanted {
                Some(wanted) => of_tenant.find(|((_, flow), _)| flow == wanted),
                None => of_tenant.next().filter(|_| of_tenant.next().is_none()),
            }
            .map(|((_, flow), digest)| (flow.clone(), digest.clone()))
        };
        match chosen {
            Some((flow, digest)) => self.version(&tenant.id, &flow, &digest).await.map(Some),
            None => Ok(None),
        }
    }

    /// A version, loaded from the store if it is not in memory: a conversation stays on the one that it began with,
    /// whatever became of the folder (P10).
    pub async fn version(&self, tenant: &TenantId, flow: &FlowId, digest: &Digest) -> Result<Arc<Loaded>, Error> {
        let key = (tenant.clone(), flow.clone(), digest.clone());
        if let Some(loaded) = self.read().loaded.get(&key) {
            return Ok(Arc::clone(loaded));
        }
        let _one_at_a_time = self.inner.loading.lock(digest.clone()).await;
        if let Some(loaded) = self.read().loaded.get(&key) {
            return Ok(Arc::clone(loaded));
        }
        let refused =
            |problems| Error::Version { tenant: tenant.clone(), flow: flow.clone(), digest: digest.clone(), problems };
        let version = self.inner.store.version(tenant, flow, digest).await?.ok_or_else(|| refused(Vec::new()))?;
        let loaded = Loaded::check(&self.inner.sandbox, &version).await.map_err(refused)?;
        loaded.improve();
        let loaded = Arc::new(loaded);
        self.write().loaded.insert(key, Arc::clone(&loaded));
        Ok(loaded)
    }

    /// The version that new conversations take.
    pub fn active_digest(&self, tenant: &TenantId, flow: &FlowId) -> Option<Digest> {
        self.read().active.get(&(tenant.clone(), flow.clone())).cloned()
    }

    /// Where everything is kept.
    pub(super) fn store(&self) -> &dyn Store {
        &*self.inner.store
    }

    /// The version of a conversation or, when it is not kept any more, the active one: conversations that have ended
    /// do not keep a version, and may be asked about all the same.
    pub async fn version_or_active(
        &self,
        tenant: &Tenant,
        flow: &FlowId,
        digest: &Digest,
    ) -> Result<Arc<Loaded>, Error> {
        match self.version(&tenant.id, flow, digest).await {
            Err(Error::Version { problems, .. }) if problems.is_empty() => {
                let active = self.active_version(tenant, Some(flow)).await?;
                active.ok_or_else(|| Error::Version {
                    tenant: tenant.id.clone(),
                    flow: flow.clone(),
                    digest: digest.clone(),
                    problems,
                })
            }
            found => found,
        }
    }

    /// The sandbox that its components run in.
    pub fn sandbox(&self) -> &Sandbox {
        &self.inner.sandbox
    }

    /// The folder that is published from.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    pub(super) fn read_tenant(&self, version: &FlowVersion) -> Result<Tenant, Vec<Problem>> {
        let bytes = version.files.get(TENANT_FILE).map(Vec::as_slice).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| vec![Problem::of_file(TENANT_FILE, "is not UTF-8 text")])?;
        let folder = self.inner.root.join(version.tenant.as_str());
        Tenant::read(version.tenant.clone(), text, &folder)
    }

    /// A version that is in memory.
    pub(super) fn loaded(&self, version: &FlowVersion) -> Option<Arc<Loaded>> {
        let key = (version.tenant.clone(), version.flow.clone(), version.digest.clone());
        self.read().loaded.get(&key).cloned()
    }

    /// Forgets a version that was in memory.
    pub(super) fn unload(&self, tenant: &TenantId, flow: &FlowId, digest: &Digest) {
        self.write().loaded.remove(&(tenant.clone(), flow.clone(), digest.clone()));
    }

    /// Notes that a refusal is told.
    pub(super) fn tell(&self, version: &FlowVersion) {
        let key = (version.tenant.clone(), version.flow.clone(), version.digest.clone());
        self.write().told.insert(key);
    }

    /// Whether a refusal was told.
    pub(super) fn was_told(&self, version: &FlowVersion) -> bool {
        let key = (version.tenant.clone(), version.flow.clone(), version.digest.clone());
        self.read().told.contains(&key)
    }

    /// New conversations take this version from now on.
    pub(super) fn keep_flow(&self, loaded: &Arc<Loaded>) {
        loaded.improve();
        let mut known = self.write();
        let (tenant, flow, digest) = (loaded.tenant.clone(), loaded.flow.clone(), loaded.digest.clone());
        known.active.insert((tenant.clone(), flow.clone()), digest.clone());
        known.loaded.insert((tenant, flow, digest), Arc::clone(loaded));
    }

    pub(super) fn keep_tenant(&self, tenant: Tenant, digest: Digest) {
        let mut known = self.write();
        let key = (tenant.id.clone(), FlowId::new(TENANT_FLOW));
        known.active.insert(key, digest);
        known.tenants.insert(tenant.id.clone(), Arc::new(tenant));
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.inner.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.inner.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn unreadable(path: &Path, why: std::io::Error) -> Error {
    Error::Folder { path: path.display().to_string(), why }
}
