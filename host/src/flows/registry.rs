//! The versions in use, and how a folder becomes one of them.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;

use super::{
    Error, Loaded, Problem, TENANT_FILE, TENANT_FLOW, Tenant,
    folder::{self, TenantFolder},
};
use crate::{
    model::{Digest, FlowId, TenantId},
    sandbox::Sandbox,
    store::{FlowVersion, Store},
};

/// The flows of all tenants. Clones share them.
#[derive(Clone)]
pub struct Flows {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    sandbox: Sandbox,
    /// Where relative `file:` secrets start from, a folder a tenant in it.
    root: PathBuf,
    known: RwLock<Known>,
    /// Versions are loaded one at a time a digest; a second asker waits rather than compiling again.
    loading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    tenants: HashMap<TenantId, Arc<Tenant>>,
    active: HashMap<(TenantId, FlowId), Digest>,
    /// Every version that is loaded, active or still needed by running conversations.
    loaded: HashMap<(TenantId, FlowId, Digest), Arc<Loaded>>,
    /// What was refused last, so that an unchanged folder is not checked again.
    refused: HashMap<(TenantId, FlowId), Digest>,
}

/// What became of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// A new version is active.
    Active {
        /// Whose.
        tenant: TenantId,
        /// Which flow.
        flow: FlowId,
        /// Which version.
        digest: Digest,
    },
    /// The folder was refused; what was active goes on.
    Refused {
        /// Whose.
        tenant: TenantId,
        /// Which flow.
        flow: FlowId,
        /// Everything that is wrong with it.
        problems: Vec<Problem>,
    },
}

impl Flows {
    /// Opens the flows that the store knows as active. `root` is the `flows/` folder.
    pub async fn open(store: Arc<dyn Store>, sandbox: Sandbox, root: &Path) -> Result<Self, Error> {
        let flows = Self {
            inner: Arc::new(Inner {
                store,
                sandbox,
                root: root.to_owned(),
                known: RwLock::default(),
                loading: tokio::sync::Mutex::new(()),
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

    /// Publishes whatever has changed in the `flows/` folder since the last time: each changed folder is checked and
    /// either becomes the active version or is refused. What has not changed is not mentioned.
    pub async fn publish(&self, now: Timestamp) -> Result<Vec<Published>, Error> {
        let root = &self.inner.root;
        let tenants = folder::find_tenants(root).map_err(|why| unreadable(root, why))?;
        let mut published = Vec::new();
        for tenant in tenants {
            // A folder that cannot be read is its tenant's trouble, nobody else's (P11).
            match self.publish_tenant(&tenant, now, &mut published).await {
                Ok(()) => {}
                Err(Error::Folder { path, why }) => published.push(Published::Refused {
                    tenant: tenant.id,
                    flow: FlowId::new(TENANT_FLOW),
                    problems: vec![Problem::of_file(&path, why.to_string())],
                }),
                Err(error) => return Err(error),
            }
        }
        Ok(published)
    }

    async fn publish_tenant(
        &self,
        tenant: &TenantFolder,
        now: Timestamp,
        published: &mut Vec<Published>,
    ) -> Result<(), Error> {
        let version = folder::read_tenant(&tenant.id, &tenant.path).map_err(|why| unreadable(&tenant.path, why))?;
        published.extend(self.offer(version, now).await?);
        for (flow, path) in &tenant.flows {
            let version = folder::read_flow(&tenant.id, flow, path).map_err(|why| unreadable(path, why))?;
            published.extend(self.offer(version, now).await?);
        }
        Ok(())
    }

    /// Checks a version and makes it active. None when it is active, or refused, already.
    pub async fn offer(&self, version: FlowVersion, now: Timestamp) -> Result<Option<Published>, Error> {
        let key = (version.tenant.clone(), version.flow.clone());
        {
            let mut known = self.write();
            if known.active.get(&key) == Some(&version.digest) {
                // Mended by going back: the same mistake made again is to be told again.
                known.refused.remove(&key);
                return Ok(None);
            }
            if known.refused.get(&key) == Some(&version.digest) {
                return Ok(None);
            }
        }
        let checked = if version.flow.as_str() == TENANT_FLOW {
            self.read_tenant(&version).map(|tenant| Checked::Tenant(Box::new(tenant)))
        } else {
            Loaded::check(&self.inner.sandbox, &version).await.map(Checked::Flow)
        };
        let (tenant, flow) = key.clone();
        match checked {
            Err(problems) => {
                self.write().refused.insert(key, version.digest);
                Ok(Some(Published::Refused { tenant, flow, problems }))
            }
            Ok(checked) => {
                let digest = version.digest.clone();
                self.inner.store.put_version(version).await?;
                self.inner.store.activate(&tenant, &flow, &digest, now).await?;
                match checked {
                    Checked::Tenant(read) => self.keep_tenant(*read, digest.clone()),
                    Checked::Flow(loaded) => {
                        let mut known = self.write();
                        let version = (tenant.clone(), flow.clone(), digest.clone());
                        known.loaded.insert(version, Arc::new(loaded));
                        known.active.insert(key.clone(), digest.clone());
                        known.refused.remove(&key);
                    }
                }
                Ok(Some(Published::Active { tenant, flow, digest }))
            }
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
        let _one_at_a_time = self.inner.loading.lock().await;
        if let Some(loaded) = self.read().loaded.get(&key) {
            return Ok(Arc::clone(loaded));
        }
        let refused =
            |problems| Error::Version { tenant: tenant.clone(), flow: flow.clone(), digest: digest.clone(), problems };
        let version = self.inner.store.version(tenant, flow, digest).await?.ok_or_else(|| refused(Vec::new()))?;
        let loaded = Loaded::check(&self.inner.sandbox, &version).await.map_err(refused)?;
        let loaded = Arc::new(loaded);
        self.write().loaded.insert(key, Arc::clone(&loaded));
        Ok(loaded)
    }

    /// The sandbox that its components run in.
    pub fn sandbox(&self) -> &Sandbox {
        &self.inner.sandbox
    }

    /// The folder that is published from.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    fn read_tenant(&self, version: &FlowVersion) -> Result<Tenant, Vec<Problem>> {
        let bytes = version.files.get(TENANT_FILE).map(Vec::as_slice).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| vec![Problem::of_file(TENANT_FILE, "is not UTF-8 text")])?;
        let folder = self.inner.root.join(version.tenant.as_str());
        Tenant::read(version.tenant.clone(), text, &folder)
    }

    fn keep_tenant(&self, tenant: Tenant, digest: Digest) {
        let mut known = self.write();
        let key = (tenant.id.clone(), FlowId::new(TENANT_FLOW));
        known.refused.remove(&key);
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

enum Checked {
    Tenant(Box<Tenant>),
    Flow(Loaded),
}

fn unreadable(path: &Path, why: std::io::Error) -> Error {
    Error::Folder { path: path.display().to_string(), why }
}
