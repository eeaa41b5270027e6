//! A folder on disk → the immutable content of a version.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{FLOW_FILE, TENANT_FILE, stock::stock};
use crate::{
    model::{Digest, FlowId, TenantId},
    store::FlowVersion,
};

/// The pseudo-flow under which a tenant's `tenant.toml` is kept, so that it too survives its folder.
pub const TENANT_FLOW: &str = "@tenant";
/// A flow's content may be this large, in bytes; a Python component takes 18 MB.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A tenant's folder that was found.
#[derive(Clone, Debug)]
pub struct TenantFolder {
    /// Its name.
    pub id: TenantId,
    /// Where it is.
    pub path: PathBuf,
    /// Its flows: name and place.
    pub flows: Vec<(FlowId, PathBuf)>,
}

/// The tenants in `flows/`: folders with a `tenant.toml`, and in them folders with a `flow.toml`. Names that cannot be
/// identifiers (hidden folders, editors' copies) are passed over.
pub fn find_tenants(root: &Path) -> io::Result<Vec<TenantFolder>> {
    let mut tenants = Vec::new();
    for (name, path) in folders_in(root)? {
        if path.join(TENANT_FILE).is_file() {
            let flows = flows_in(&path)?;
            tenants.push(TenantFolder { id: TenantId::new(name), path, flows });
        }
    }
    Ok(tenants)
}

/// The flows in a tenant's folder: name and place.
pub fn flows_in(tenant: &Path) -> io::Result<Vec<(FlowId, PathBuf)>> {
    let folders = folders_in(tenant)?.into_iter();
    Ok(folders
        .filter(|(_, path)| path.join(FLOW_FILE).is_file())
        .map(|(name, path)| (FlowId::new(name), path))
        .collect())
}

fn folders_in(path: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str()
            && TenantId::is_valid(name)
            && entry.path().is_dir()
        {
            found.push((name.to_owned(), entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a flow's folder, with the stock components that it names: their bytes belong to the version, so that a new
/// host does not change a running conversation (P10).
pub fn read_flow(tenant: &TenantId, flow: &FlowId, folder: &Path) -> io::Result<FlowVersion> {
    let mut files = BTreeMap::new();
    let before = marks(folder)?;
    read_into(folder, "", &mut files, &mut 0)?;
    if marks(folder)? != before {
        return Err(io::ErrorKind::Interrupted.into());
    }
    Ok(seal(tenant, flow, files))
}

/// Whether a folder could not be read because someone is writing it: the next change comes by itself.
pub(super) fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::NotFound)
}

/// Path, length and time of every file: what changes when a writer is at work.
fn marks(folder: &Path) -> io::Result<Vec<(PathBuf, u64, Option<std::time::SystemTime>)>> {
    let mut marks = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(is_content) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let meta = entry.metadata()?;
                marks.push((entry.path(), meta.len(), meta.modified().ok()));
            }
        }
    }
    marks.sort();
    Ok(marks)
}

/// The digest of a version's own files, without the stock components that belong to its content.
pub(super) fn source_of(version: &FlowVersion) -> Digest {
    digest(version.files.iter().filter(|(path, _)| !path.starts_with("stock:")))
}

/// Reads files that were sent: path → bytes, as a folder would hold them. The error says which path is wrong, and why.
pub fn bundle(
    tenant: &TenantId,
    flow: &FlowId,
    files: BTreeMap<String, Vec<u8>>,
) -> Result<FlowVersion, (String, &'static str)> {
    let wrong = |path: &String| {
        let parts: Vec<&str> = path.split('/').collect();
        if path.len() > 255 {
            Some("is longer than 255 bytes")
        } else if path.contains(['\\', ':']) || path.chars().any(char::is_control) {
            Some("has a backslash, a colon or a control character; join folders with /")
        } else if parts.iter().any(|part| part.is_empty() || *part == "." || *part == "..") {
            Some("leads out of the flow's folder; write it as in the folder, such as \"conversations/a.toml\"")
        } else if !parts.iter().all(|part| is_content(part)) {
            Some("is the name of a passing file; leave it out")
        } else {
            None
        }
    };
    if let Some((path, why)) = files.keys().find_map(|path| wrong(path).map(|why| (path.clone(), why))) {
        return Err((path, why));
    }
    let needed = if flow.as_str() == TENANT_FLOW { TENANT_FILE } else { FLOW_FILE };
    if !files.contains_key(needed) {
        return Err((needed.to_owned(), "is missing"));
    }
    if flow.as_str() == TENANT_FLOW {
        return Ok(version(tenant, flow, files));
    }
    Ok(seal(tenant, flow, files))
}

/// Makes a version of a flow's files.
pub fn seal(tenant: &TenantId, flow: &FlowId, mut files: BTreeMap<String, Vec<u8>>) -> FlowVersion {
    let manifest = files.get(FLOW_FILE).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    for (name, bytes) in super::STOCK {
        let is_default = matches!(name, "crm-map" | "status-actions");
        if is_default || manifest.contains(&format!("stock:{name}")) {
            files.insert(format!("stock:{name}"), bytes.to_vec());
        }
    }
    version(tenant, flow, files)
}

/// Reads a tenant's own file as a version of the pseudo-flow [`TENANT_FLOW`].
pub fn read_tenant(tenant: &TenantId, folder: &Path) -> io::Result<FlowVersion> {
    let text = std::fs::read(folder.join(TENANT_FILE))?;
    let files = BTreeMap::from([(TENANT_FILE.to_owned(), text)]);
    Ok(version(tenant, &FlowId::new(TENANT_FLOW), files))
}

fn version(tenant: &TenantId, flow: &FlowId, files: BTreeMap<String, Vec<u8>>) -> FlowVersion {
    let digest = digest(files.iter());
    FlowVersion { tenant: tenant.clone(), flow: flow.clone(), digest, files }
}

fn digest<'a>(files: impl Iterator<Item = (&'a String, &'a Vec<u8>)>) -> Digest {
    let mut hash = Sha256::new();
    for (path, bytes) in files {
        // Lengths first, so that no two contents give the same stream of bytes.
        hash.update((path.len() as u64).to_be_bytes());
        hash.update(path);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    Digest::new(hex::encode(hash.finalize()))
}

/// A component's bytes: from the folder, or the stock one kept with the version.
pub(super) fn component<'a>(version: &'a FlowVersion, name: &str) -> Option<&'a [u8]> {
    let path = if name.starts_with("stock:") { name } else { name.trim_start_matches("./") };
    let kept = version.files.get(path).map(Vec::as_slice);
    kept.or_else(|| name.strip_prefix("stock:").and_then(stock))
}

fn read_into(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>, total: &mut u64) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_content(name)) else { continue };
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read_into(&entry.path(), &format!("{path}/"), files, total)?;
        } else if kind.is_file() {
            *total += entry.metadata()?.len();
            if *total > LARGEST {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("a flow may hold {} MiB at most", LARGEST / 1024 / 1024),
                ));
            }
            files.insert(path, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Editors and copy tools leave these while they write.
pub(super) fn is_content(name: &str) -> bool {
    let passing = name.starts_with('.')
        || name.starts_with('#')
        || name.ends_with('~')
        || [".tmp", ".swp", ".swx", ".part", ".partial", ".crdownload", ".bak"]
            .iter()
            .any(|ending| name.ends_with(ending));
    !passing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_is_the_same_version_and_passing_files_do_not_count() {
        let folder = std::env::temp_dir().join(format!("relais-folder-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("conversations")).unwrap();
        std::fs::write(folder.join(FLOW_FILE), "x").unwrap();
        std::fs::write(folder.join("conversations/a.toml"), "y").unwrap();
        let (tenant, flow) = (TenantId::new("acme"), FlowId::new("solaire"));
        let first = read_flow(&tenant, &flow, &folder).unwrap();
        std::fs::write(folder.join(".flow.toml.swp"), "z").unwrap();
        std::fs::write(folder.join("flow.toml~"), "z").unwrap();
        assert_eq!(read_flow(&tenant, &flow, &folder).unwrap(), first);
        std::fs::write(folder.join("conversations/a.toml"), "yy").unwrap();
        assert_ne!(read_flow(&tenant, &flow, &folder).unwrap().digest, first.digest);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
