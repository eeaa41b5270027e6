//! Flow versions: their content, what is remembered of them, and which are active.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{flush::Changes, key, rows::Rows, tree::Tree};
use crate::{
    model::{Digest, FlowId, TenantId},
    store::{Error, FlowVersion, Result, VersionRecord, VersionState},
};

/// How much of a file is in one row, in bytes: a page of the tree holds up to 16 rows and must be small.
const PIECE: usize = 64 << 10;

/// Where the content of a version's file is: versions of one flow share what they have in common.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    digest: [u8; 32],
    length: usize,
}

/// The version that new conversations take.
#[derive(Debug, Serialize, Deserialize)]
struct Active {
    tenant: TenantId,
    flow: FlowId,
    digest: Digest,
    since: Timestamp,
}

/// Keeps the content of a version's files, each once.
pub(super) fn put_files(files: &Tree, version: &FlowVersion) -> Result<()> {
    for bytes in version.files.values() {
        let digest = Sha256::digest(bytes).into();
        for (number, piece) in (0..).zip(bytes.chunks(PIECE)) {
            let key = key::piece(&digest, number);
            if files.get(key.bytes())?.is_none() {
                files.apply(&Changes::from([(key.into_bytes(), Some(piece.into()))]))?;
            }
        }
    }
    Ok(())
}

/// Keeps a version whose files are kept.
pub(super) fn put_version(rows: &mut Rows<'_>, version: &FlowVersion) -> Result<()> {
    let stored: BTreeMap<&str, Stored> = version
        .files
        .iter()
        .map(|(path, bytes)| {
            let digest = Sha256::digest(bytes).into();
            (path.as_str(), Stored { digest, length: bytes.len() })
        })
        .collect();
    rows.put(key::version(&version.tenant, &version.flow, &version.digest), &stored)
}

/// A version with its files.
pub(super) fn version(
    rows: &Rows<'_>,
    files: &Tree,
    tenant: &TenantId,
    flow: &FlowId,
    digest: &Digest,
) -> Result<Option<FlowVersion>> {
    let key = key::version(tenant, flow, digest);
    let Some(stored) = rows.get::<BTreeMap<String, Stored>>(&key)? else {
        return Ok(None);
    };
    let files = stored
        .into_iter()
        .map(|(path, stored)| Ok((path.clone(), file(files, &path, &stored)?)))
        .collect::<Result<_>>()?;
    Ok(Some(FlowVersion { tenant: tenant.clone(), flow: flow.clone(), digest: digest.clone(), files }))
}

fn file(files: &Tree, path: &str, stored: &Stored) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(stored.length);
    for number in 0..stored.length.div_ceil(PIECE) as u64 {
        if let Some(piece) = files.get(key::piece(&stored.digest, number).bytes())? {
            bytes.extend_from_slice(&piece);
        }
    }
    if Sha256::digest(&bytes)[..] == stored.digest {
        Ok(bytes)
    } else {
        Err(Error::Damaged {
            what: format!("the file {path} of a flow version"),
            why: "its digest does not match".to_owned(),
        })
    }
}

/// Makes a version that is kept the active one.
pub(super) fn activate(
    rows: &mut Rows<'_>,
    tenant: &TenantId,
    flow: &FlowId,
    digest: &Digest,
    now: Timestamp,
) -> Result<()> {
    if !rows.has(&key::version(tenant, flow, digest))? {
        return Err(Error::Missing(format!("version {digest} of the flow {tenant}/{flow}")));
    }
    if let Some(mut recorded) = rows.get::<Recorded>(&key::record(tenant, flow, digest))? {
        recorded.record.activated_at = Some(now);
        recorded.record.state = VersionState::Checked;
        rows.put(key::record(tenant, flow, digest), &recorded)?;
    }
    let active = Active { tenant: tenant.clone(), flow: flow.clone(), digest: digest.clone(), since: now };
    rows.put(key::active(tenant, flow), &active)
}

/// The active version of each flow.
pub(super) fn active_versions(rows: &Rows<'_>) -> Result<Vec<(TenantId, FlowId, Digest)>> {
    rows.scan::<Active>(&key::actives())
        .map(|active| active.map(|Active { tenant, flow, digest, .. }| (tenant, flow, digest)))
        .collect()
}

/// How many open conversations run on each version of a flow.
pub(super) fn running(rows: &Rows<'_>, tenant: &TenantId, flow: &FlowId) -> Result<Vec<(Digest, u64)>> {
    rows.scan(&key::running(tenant, flow)).collect()
}

/// A record under its flow's name.
#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    tenant: TenantId,
    flow: FlowId,
    record: VersionRecord,
}

/// Remembers how far a version got.
pub(super) fn record(rows: &mut Rows<'_>, tenant: &TenantId, flow: &FlowId, record: &VersionRecord) -> Result<()> {
    let recorded = Recorded { tenant: tenant.clone(), flow: flow.clone(), record: record.clone() };
    rows.put(key::record(tenant, flow, &record.digest), &recorded)
}

/// Every flow of which a version is remembered.
pub(super) fn recorded_flows(rows: &Rows<'_>) -> Result<Vec<(TenantId, FlowId)>> {
    let mut flows = Vec::new();
    for recorded in rows.scan::<Recorded>(&key::all_records()) {
        let Recorded { tenant, flow, .. } = recorded?;
        flows.push((tenant, flow));
    }
    flows.dedup();
    Ok(flows)
}

/// The versions that are remembered, the latest received first.
pub(super) fn records(rows: &Rows<'_>, tenant: &TenantId, flow: &FlowId) -> Result<Vec<VersionRecord>> {
    let recorded = rows.scan::<Recorded>(&key::records(tenant, flow));
    let mut records = recorded.map(|recorded| Ok(recorded?.record)).collect::<Result<Vec<_>>>()?;
    records.sort_by_key(|record| std::cmp::Reverse(record.received_at));
    Ok(records)
}

/// Forgets a version, unless someone needs it.
pub(super) fn forget(rows: &mut Rows<'_>, tenant: &TenantId, flow: &FlowId, digest: &Digest) -> Result<bool> {
    let active: Option<Active> = rows.get(&key::active(tenant, flow))?;
    let is_active = active.is_some_and(|active| active.digest == *digest);
    if is_active || rows.has(&key::running_on(tenant, flow, digest))? {
        return Ok(false);
    }
    rows.remove(key::version(tenant, flow, digest));
    rows.remove(key::record(tenant, flow, digest));
    Ok(true)
}

/// Removes the pieces of files that no version names any more.
pub(super) fn sweep_files(rows: &Rows<'_>, files: &Tree) -> Result<()> {
    let mut named = HashSet::new();
    for version in rows.scan::<BTreeMap<String, Stored>>(&key::versions()) {
        named.extend(version?.into_values().map(|stored| stored.digest));
    }
    let mut unnamed = Changes::new();
    for row in files.iter() {
        let (piece, _) = row?;
        if key::digest_of_piece(&piece).is_some_and(|digest| !named.contains(&digest)) {
            unnamed.insert(piece.to_vec(), None);
        }
    }
    files.apply(&unnamed)
}
