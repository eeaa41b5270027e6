//! Looking at conversations.

use super::{key, rows::Rows};
use crate::{
    model::{Conversation, ConversationId, TenantId},
    store::Result,
};

/// Conversations of a tenant or of all, newest first: their identifiers sort by age.
pub(super) fn conversations(rows: &Rows<'_>, tenant: Option<&TenantId>, limit: usize) -> Result<Vec<Conversation>> {
    let Some(tenant) = tenant else {
        return rows.scan_back(&key::conversations()).take(limit).collect();
    };
    rows.scan_back::<ConversationId>(&key::of_tenant(tenant))
        .take(limit)
        .filter_map(|id| id.and_then(|id| rows.get(&key::conversation(&id))).transpose())
        .collect()
}
