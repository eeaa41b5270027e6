//! Everybody's share of the open requests, so that whoever is slow delays nobody else (P9).
//!
//! Three limits, taken in this order: of one tenant to one host, of one host, of all. Whoever waits for a narrow limit
//! holds none of the wider ones, so a slow CRM fills its own tenant's share of its own host and nothing else.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Options;
use crate::model::TenantId;

/// The limits and who waits for them.
#[derive(Debug)]
pub(super) struct Shares {
    per_tenant: usize,
    per_host: usize,
    most_waiting: usize,
    patience: Duration,
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    tenants: Mutex<HashMap<(TenantId, String), Arc<Share>>>,
}

/// A tenant's share of a host.
#[derive(Debug)]
struct Share {
    open: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// The right to have one request open; given back when dropped.
#[derive(Debug)]
pub(super) struct Pass {
    _held: [OwnedSemaphorePermit; 3],
}

/// Counts someone who waits, until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shares {
    /// With the limits of the options, all free.
    pub(super) fn new(options: &Options) -> Self {
        Self {
            per_tenant: options.per_tenant.max(1),
            per_host: options.per_host.max(1),
            most_waiting: options.waiting_per_tenant.max(1),
            patience: Duration::from_secs(u64::from(options.waiting_seconds)),
            all: Arc::new(Semaphore::new(options.workers.clamp(1, Semaphore::MAX_PERMITS))),
            hosts: Mutex::default(),
            tenants: Mutex::default(),
        }
    }

    /// Waits for the right to have a request of `tenant` to `host` open. None when too many wait already, when it takes
    /// too long, or when nothing more is to be begun: the envelope then goes back to the queue.
    pub(super) async fn enter(&self, tenant: &TenantId, host: &str) -> Option<Pass> {
        let share = self.share(tenant, host);
        if share.waiting.fetch_add(1, Ordering::Relaxed) >= self.most_waiting {
            share.waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let _waiting = Waiting(&share.waiting);
        let all_three = async {
            let own = Arc::clone(&share.open).acquire_owned().await.ok()?;
            let host = self.host(host).acquire_owned().await.ok()?;
            let any = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Pass { _held: [own, host, any] })
        };
        tokio::time::timeout(self.patience, all_three).await.ok().flatten()
    }

    /// From now on nobody enters; whoever waits stops waiting.
    pub(super) fn close(&self) {
        self.all.close();
        for share in self.tenants.lock().unwrap_or_else(PoisonError::into_inner).values() {
            share.open.close();
        }
        for host in self.hosts.lock().unwrap_or_else(PoisonError::into_inner).values() {
            host.close();
        }
    }

    fn share(&self, tenant: &TenantId, host: &str) -> Arc<Share> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let share = tenants.entry((tenant.clone(), host.to_owned())).or_insert_with(|| {
            Arc::new(Share { open: Arc::new(Semaphore::new(self.per_tenant)), waiting: AtomicUsize::new(0) })
        });
        Arc::clone(share)
    }

    fn host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let open = hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.per_host)));
        Arc::clone(open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_is_slow_fills_only_their_own_share() {
        let options = Options {
            workers: 4,
            per_host: 3,
            per_tenant: 2,
            waiting_per_tenant: 1,
            waiting_seconds: 0,
            ..Options::default()
        };
        let shares = Shares::new(&options);
        let (a, b, c) = (TenantId::from("a"), TenantId::from("b"), TenantId::from("c"));
        let first = shares.enter(&a, "crm").await;
        let second = shares.enter(&a, "crm").await;
        assert!(first.is_some() && second.is_some());
        assert!(shares.enter(&a, "crm").await.is_none(), "the tenant's share of the host");
        let other = shares.enter(&b, "crm").await;
        assert!(other.is_some(), "another tenant at the same host");
        assert!(shares.enter(&c, "crm").await.is_none(), "the host's share");
        let elsewhere = shares.enter(&a, "whatsapp").await;
        assert!(elsewhere.is_some(), "the same tenant at another host");
        assert!(shares.enter(&b, "whatsapp").await.is_none(), "all");
        drop(first);
        assert!(shares.enter(&c, "crm").await.is_some(), "given back");
        shares.close();
        assert!(shares.enter(&c, "elsewhere").await.is_none());
    }
}
