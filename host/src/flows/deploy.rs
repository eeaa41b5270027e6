//! A version on its way: received, checked, active; or refused, with everything that is wrong with it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use futures::StreamExt as _;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Error, Flows, Loaded, Problem, TENANT_FLOW, Tenant,
    folder::{self, TenantFolder},
};
use crate::{
    model::{Digest, Event, FlowId, TenantId},
    store::{Append, FlowVersion, FolderSeen, Origin, VersionRecord, VersionState},
};

/// Folders looked at and checked at once. Compilations are fewer: the sandbox has its own limit.
const AT_ONCE: usize = 8;
/// Refused versions that are remembered of a flow.
const REFUSALS: usize = 5;

/// A version that someone wants to run.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its content.
    pub version: FlowVersion,
    /// How it came.
    pub origin: Origin,
    /// Whether new conversations shall take it once it is checked; else it waits to be activated.
    pub activate: bool,
}

/// What became of a folder or a push.
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
    /// A version is in order and waits to be activated.
    Checked {
        /// Whose.
        tenant: TenantId,
        /// Which flow.
        flow: FlowId,
        /// Which version.
        digest: Digest,
    },
    /// It was refused; what was active goes on.
    Refused {
        /// Whose.
        tenant: TenantId,
        /// Which flow.
        flow: FlowId,
        /// Everything that is wrong with it.
        problems: Vec<Problem>,
    },
}

/// A flow's versions, for people to choose from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct History {
    /// Whose.
    pub tenant: TenantId,
    /// Which flow.
    pub flow: FlowId,
    /// The version that new conversations take.
    pub active: Option<Digest>,
    /// What is remembered, the latest received first.
    pub versions: Vec<Known>,
}

/// A version in a [`History`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Known {
    /// Its digest.
    pub version: Digest,
    /// `active`, `checked`, `received` or `refused`.
    pub state: &'static str,
    /// How it came.
    pub origin: Origin,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it came, the last time.
    pub received_at: Timestamp,
    /// When it was activated, the last time.
    pub activated_at: Option<Timestamp>,
    /// How many conversations that have not ended run on it.
    pub running: u64,
    /// What is wrong with it, when it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<serde_json::Value>,
}

impl Flows {
    /// Publishes whatever has changed in the `flows/` folder since it was last looked at, before this host was started or
    /// after: each changed folder is checked and either becomes the active version or is refused. What has not changed is
    /// not mentioned, and does not undo a push or a roll-back that came after it.
    pub async fn publish(&self, now: Timestamp) -> Result<Vec<Published>, Error> {
        self.publish_only(None, now).await
    }

    /// The same for some tenants only, by their folders' names.
    pub(super) async fn publish_only(
        &self,
        only: Option<&BTreeSet<String>>,
        now: Timestamp,
    ) -> Result<Vec<Published>, Error> {
        let root = self.root();
        let mut tenants = folder::find_tenants(root).map_err(|why| super::registry::unreadable(root, why))?;
        tenants.retain(|tenant| only.is_none_or(|only| only.contains(tenant.id.as_str())));
        let each = futures::stream::iter(tenants).map(|tenant| async move {
            let mut published = Vec::new();
            match self.publish_tenant(&tenant, now, &mut published).await {
                // Its writer is at work: the next change brings us back.
                Err(Error::Folder { why, .. }) if folder::is_passing(&why) => Ok(published),
                // A folder that cannot be read is its tenant's trouble, nobody else's (P11).
                Err(Error::Folder { path, why }) => {
                    published.push(Published::Refused {
                        tenant: tenant.id,
                        flow: FlowId::new(TENANT_FLOW),
                        problems: vec![Problem::of_file(&path, why.to_string())],
                    });
                    Ok(published)
                }
                Err(error) => Err(error),
                Ok(()) => Ok(published),
            }
        });
        let mut published = Vec::new();
        let mut each = each.buffered(AT_ONCE);
        while let Some(of_tenant) = each.next().await {
            published.extend(of_tenant?);
        }
        Ok(published)
    }

    async fn publish_tenant(
        &self,
        tenant: &TenantFolder,
        now: Timestamp,
        published: &mut Vec<Published>,
    ) -> Result<(), Error> {
        let unreadable = super::registry::unreadable;
        let version = folder::read_tenant(&tenant.id, &tenant.path).map_err(|why| unreadable(&tenant.path, why))?;
        published.extend(self.look(version, now).await?);
        // A flow whose component takes long to compile keeps no other waiting.
        let each = futures::stream::iter(tenant.flows.clone()).map(|(flow, path)| async move {
            let version = folder::read_flow(&tenant.id, &flow, &path).map_err(|why| unreadable(&path, why))?;
            self.look(version, now).await
        });
        let mut each = each.buffered(AT_ONCE);
        while let Some(of_flow) = each.next().await {
            published.extend(of_flow?);
        }
        Ok(())
    }

    /// Offers what a folder holds, unless it has been offered.
    async fn look(&self, version: FlowVersion, now: Timestamp) -> Result<Option<Published>, Error> {
        let (tenant, flow) = (version.tenant.clone(), version.flow.clone());
        // Whoever looks a second time meanwhile shall find that it has been offered.
        let _one_at_a_time = self.inner.looking.lock((tenant.clone(), flow.clone())).await;
        let now_there = FolderSeen { source: folder::source_of(&version), digest: version.digest.clone() };
        let seen = self.store().folder_seen(&tenant, &flow).await?;
        if let Some(seen) = &seen
            && seen.source == now_there.source
            && !self.is_renewed(&version, seen, &now_there).await?
        {
            return Ok(None);
        }
        let offer = Offer { version, origin: Origin::Folder, activate: true };
        let published = self.offer(offer, now).await?;
        // Afterwards: a crash in between has it offered again.
        self.store().see_folder(&tenant, &flow, now_there).await?;
        Ok(published)
    }

    /// Whether a folder that has not changed is to be offered all the same: this host has other stock components and
    /// the folder is what runs, or the folder was refused and has not been told of since this host was started.
    async fn is_renewed(&self, version: &FlowVersion, seen: &FolderSeen, there: &FolderSeen) -> Result<bool, Error> {
        let (tenant, flow) = (&version.tenant, &version.flow);
        let active = self.active_digest(tenant, flow);
        if active.as_ref() == Some(&there.digest) {
            return Ok(false);
        }
        let records = self.store().versions(tenant, flow).await?;
        let record = |digest: &Digest| records.iter().find(|record| record.digest == *digest);
        let runs_folder = active.as_ref().and_then(record).is_some_and(|active| active.source == seen.source);
        let is_refused =
            record(&there.digest).is_none_or(|record| matches!(record.state, VersionState::Refused { .. }));
        Ok((seen.digest != there.digest && runs_folder) || (is_refused && !self.was_told(version)))
    }

    /// Checks a version and, if wished, makes it active. None when it is active already. Versions of one flow are taken
    /// one after the other.
    pub async fn offer(&self, offer: Offer, now: Timestamp) -> Result<Option<Published>, Error> {
        let Offer { version, origin, activate } = offer;
        let (tenant, flow, digest) = (version.tenant.clone(), version.flow.clone(), version.digest.clone());
        let _one_at_a_time = self.inner.deploying.lock((tenant.clone(), flow.clone())).await;
        if self.active_digest(&tenant, &flow).as_ref() == Some(&digest) {
            return Ok(None);
        }
        let before = self.store().versions(&tenant, &flow).await?.into_iter().find(|record| record.digest == digest);
        let mut record = VersionRecord {
            digest: digest.clone(),
            source: folder::source_of(&version),
            origin,
            state: VersionState::Received,
            bytes: version.files.values().map(|bytes| bytes.len() as u64).sum(),
            received_at: now,
            activated_at: before.and_then(|record| record.activated_at),
        };
        self.store().record_version(&tenant, &flow, record.clone()).await?;
        match self.check(&version).await {
            Err(problems) => {
                self.tell(&version);
                let told = problems.iter().filter_map(|problem| serde_json::to_value(problem).ok()).collect();
                record.state = VersionState::Refused { problems: told };
                self.store().record_version(&tenant, &flow, record).await?;
                self.sweep(&tenant, &flow).await?;
                Ok(Some(Published::Refused { tenant, flow, problems }))
            }
            Ok(checked) => {
                self.store().put_version(version).await?;
                record.state = VersionState::Checked;
                self.store().record_version(&tenant, &flow, record).await?;
                if !activate {
                    return Ok(Some(Published::Checked { tenant, flow, digest }));
                }
                self.switch(&tenant, &flow, &digest, checked, now).await?;
                Ok(Some(Published::Active { tenant, flow, digest }))
            }
        }
    }

    /// Makes a version that is kept the active one: a roll-back, or the end of a push that waited. It is checked again,
    /// because the host may have changed since.
    pub async fn activate(
        &self,
        tenant: &TenantId,
        flow: &FlowId,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Published, Error> {
        let _one_at_a_time = self.inner.deploying.lock((tenant.clone(), flow.clone())).await;
        let version = self.store().version(tenant, flow, digest).await?.ok_or_else(|| Error::Version {
            tenant: tenant.clone(),
            flow: flow.clone(),
            digest: digest.clone(),
            problems: Vec::new(),
        })?;
        let (tenant, flow, digest) = (tenant.clone(), flow.clone(), digest.clone());
        match self.check(&version).await {
            Err(problems) => Ok(Published::Refused { tenant, flow, problems }),
            Ok(checked) => {
                self.switch(&tenant, &flow, &digest, checked, now).await?;
                Ok(Published::Active { tenant, flow, digest })
            }
        }
    }

    async fn check(&self, version: &FlowVersion) -> Result<Checked, Vec<Problem>> {
        if version.flow.as_str() == TENANT_FLOW {
            return self.read_tenant(version).map(|tenant| Checked::Tenant(Box::new(tenant)));
        }
        if let Some(loaded) = self.loaded(version) {
            return Ok(Checked::Flow(loaded));
        }
        Loaded::check(self.sandbox(), version).await.map(|loaded| Checked::Flow(Arc::new(loaded)))
    }

    /// The moment from which new conversations take the version.
    async fn switch(
        &self,
        tenant: &TenantId,
        flow: &FlowId,
        digest: &Digest,
        checked: Checked,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.store().activate(tenant, flow, digest, now).await?;
        match checked {
            Checked::Tenant(read) => self.keep_tenant(*read, digest.clone()),
            Checked::Flow(loaded) => {
                self.keep_flow(&loaded);
                if loaded.migrates {
                    self.migrate(tenant, flow, digest, now).await?;
                }
            }
        }
        self.sweep(tenant, flow).await
    }

    /// Asks the conversations that run on other versions to move to this one; each decides in a turn of its own.
    async fn migrate(&self, tenant: &TenantId, flow: &FlowId, to: &Digest, now: Timestamp) -> Result<(), Error> {
        let events: Vec<Append> = self
            .store()
            .conversations(Some(tenant), usize::MAX)
            .await?
            .into_iter()
            .filter(|conversation| conversation.flow == *flow && conversation.version != *to && conversation.is_open())
            .map(|conversation| {
                let activated = Event::VersionActivated { version: to.clone() };
                Append::to_conversation(tenant.clone(), conversation.id, activated, now)
            })
            .collect();
        if !events.is_empty() {
            self.store().append(events).await?;
        }
        Ok(())
    }

    /// Every flow of which a version was ever received, tenants' own files included.
    pub async fn names(&self) -> Result<Vec<(TenantId, FlowId)>, Error> {
        Ok(self.store().recorded_flows().await?)
    }

    /// The versions of a flow.
    pub async fn history(&self, tenant: &TenantId, flow: &FlowId) -> Result<History, Error> {
        let active = self.active_digest(tenant, flow);
        let running: HashMap<Digest, u64> = self.store().running(tenant, flow).await?.into_iter().collect();
        let versions = self.store().versions(tenant, flow).await?.into_iter().map(|record| {
            let (state, problems) = match record.state {
                _ if active.as_ref() == Some(&record.digest) => ("active", Vec::new()),
                VersionState::Received => ("received", Vec::new()),
                VersionState::Checked => ("checked", Vec::new()),
                VersionState::Refused { problems } => ("refused", problems),
            };
            Known {
                state,
                origin: record.origin,
                bytes: record.bytes,
                received_at: record.received_at,
                activated_at: record.activated_at,
                running: running.get(&record.digest).copied().unwrap_or(0),
                version: record.digest,
                problems,
            }
        });
        let versions = versions.collect();
        Ok(History { tenant: tenant.clone(), flow: flow.clone(), active, versions })
    }

    /// Removes the versions of a flow that nobody needs: not active, not among the last that were in order (which are
    /// kept to roll back to), and no conversation that has not ended runs on them.
    pub async fn sweep(&self, tenant: &TenantId, flow: &FlowId) -> Result<(), Error> {
        let mut records = self.store().versions(tenant, flow).await?;
        records.sort_by_key(|record| std::cmp::Reverse(record.activated_at.unwrap_or(record.received_at)));
        let (refused, sound): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| matches!(record.state, VersionState::Refused { .. }));
        let active = self.active_digest(tenant, flow);
        let others = sound.into_iter().filter(|record| Some(&record.digest) != active.as_ref());
        let old = others.skip(self.inner.keep).chain(refused.into_iter().skip(REFUSALS));
        for record in old {
            if self.store().forget_version(tenant, flow, &record.digest).await? {
                self.unload(tenant, flow, &record.digest);
            }
        }
        Ok(())
    }
}

/// A version that is in order.
pub(super) enum Checked {
    Tenant(Box<Tenant>),
    Flow(Arc<Loaded>),
}

/// One lock a name.
pub(super) struct Locks<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K> Default for Locks<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Locks<K> {
    /// Waits for the lock of this name.
    pub(super) async fn lock(&self, name: K) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(name).or_default())
        };
        lock.lock_owned().await
    }
}

/// Versions whose refusal this host has told.
pub(super) type Told = HashSet<(TenantId, FlowId, Digest)>;
