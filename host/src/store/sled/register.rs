//! The opt-out register and the flow versions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sled::Tree;

use super::{
    key,
    rows::{Rows, storage},
};
use crate::{
    model::{Digest, FlowId, Phone, TenantId},
    store::{Error, FlowVersion, Result},
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

/// Puts a number on a tenant's register, or takes it off.
pub(super) fn set_opt_out(rows: &mut Rows<'_>, tenant: &TenantId, phone: &Phone, opted_out: bool) -> Result<()> {
    let key = key::opt_out(tenant, phone.as_e164());
    if opted_out {
        rows.put(key, &())
    } else {
        rows.remove(key);
        Ok(())
    }
}

/// Keeps the content of a version's files, each once.
pub(super) fn put_files(files: &Tree, version: &FlowVersion) -> Result<()> {
    for bytes in version.files.values() {
        let digest = Sha256::digest(bytes).into();
        for (number, piece) in (0..).zip(bytes.chunks(PIECE)) {
            let key = key::piece(&digest, number);
            if !files.contains_key(key.bytes()).map_err(storage)? {
                files.insert(key.into_bytes(), piece).map_err(storage)?;
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
        if let Some(piece) = files.get(key::piece(&stored.digest, number).bytes()).map_err(storage)? {
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
