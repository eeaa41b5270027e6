//! Which conversations have an event waiting, and from when each may be taken. In memory, rebuilt from the inboxes at
//! start and true to the inboxes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
};

use jiff::{SignedDuration, Timestamp};

use super::rows::Owner;
use crate::model::{ConversationId, TenantId};

/// Conversations with an event, none of them leased.
#[derive(Default)]
pub(super) struct Queue {
    waiting: HashMap<ConversationId, Waiting>,
    /// By tenant, so that one with many events does not hold up the others.
    ready: BTreeMap<TenantId, BTreeSet<(Timestamp, ConversationId)>>,
    last_served: Option<TenantId>,
    /// Conversations without an event that are not to be taken before a time, should one arrive.
    held: HashMap<ConversationId, Timestamp>,
}

/// A conversation with an event.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) owner: Owner,
    pub(super) head: Head,
    /// Given back, and not to be taken before.
    pub(super) not_before: Option<Timestamp>,
}

/// What an inbox begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Anything that is taken at once.
    Single { at: Timestamp },
    /// Messages in a row. `is_last` says whether nothing else follows them, so that another one would join them.
    Burst { first: Timestamp, last: Timestamp, is_last: bool },
}

impl Waiting {
    /// When it may be taken.
    fn ready_at(&self) -> Timestamp {
        let head = match self.head {
            Head::Single { at } => at,
            Head::Burst { first, last, .. } => {
                let after =
                    |at: Timestamp, ms: u32| at.checked_add(SignedDuration::from_millis(ms.into())).unwrap_or(at);
                let quiet = self.owner.quiet;
                after(last, quiet.window_ms).min(after(first, quiet.most_ms))
            }
        };
        self.not_before.map_or(head, |not_before| head.max(not_before))
    }
}

impl Owner {
    /// What an inbox begins with when `at` is its first event.
    pub(super) fn head(&self, at: Timestamp, is_message: bool) -> Head {
        if is_message && self.quiet.window_ms > 0 {
            Head::Burst { first: at, last: at, is_last: true }
        } else {
            Head::Single { at }
        }
    }
}

impl Queue {
    /// Notes an event at the end of an inbox.
    pub(super) fn note(&mut self, owner: Owner, at: Timestamp, is_message: bool) {
        let waiting = match self.remove(&owner.id) {
            None => {
                let not_before = self.held.remove(&owner.id);
                Waiting { head: owner.head(at, is_message), owner, not_before }
            }
            Some(mut waiting) => {
                if let Head::Burst { last, is_last, .. } = &mut waiting.head
                    && *is_last
                {
                    if is_message {
                        *last = at;
                    } else {
                        *is_last = false;
                    }
                }
                waiting
            }
        };
        self.insert(waiting);
    }

    /// Notes that a conversation without an event is not to be taken before a time.
    pub(super) fn hold(&mut self, id: ConversationId, not_before: Timestamp) {
        self.held.insert(id, not_before);
    }

    pub(super) fn insert(&mut self, waiting: Waiting) {
        let Owner { id, tenant, .. } = &waiting.owner;
        let ready = self.ready.entry(tenant.clone()).or_default();
        ready.insert((waiting.ready_at(), id.clone()));
        self.waiting.insert(id.clone(), waiting);
    }

    /// Forgets a conversation that is no more.
    pub(super) fn forget(&mut self, id: &ConversationId) {
        self.remove(id);
        self.held.remove(id);
    }

    fn remove(&mut self, id: &ConversationId) -> Option<Waiting> {
        let waiting = self.waiting.remove(id)?;
        if let Some(ready) = self.ready.get_mut(&waiting.owner.tenant) {
            ready.remove(&(waiting.ready_at(), id.clone()));
            if ready.is_empty() {
                self.ready.remove(&waiting.owner.tenant);
            }
        }
        Some(waiting)
    }

    /// Takes out a conversation that may be taken at `now`: tenants in turn, the longest waiting of each.
    pub(super) fn pick(&mut self, now: Timestamp) -> Option<Owner> {
        let after = self.last_served.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let others = self.ready.range::<TenantId, _>((after, Bound::Unbounded));
        let (tenant, id) = others.chain(&self.ready).find_map(|(tenant, ready)| match ready.first() {
            Some((at, id)) if *at <= now => Some((tenant.clone(), id.clone())),
            _ => None,
        })?;
        self.last_served = Some(tenant);
        self.remove(&id).map(|waiting| waiting.owner)
    }

    /// When the next conversation may be taken.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.ready.values().filter_map(|ready| ready.first()).map(|(at, _)| *at).min()
    }
}
