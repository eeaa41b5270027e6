//! The embedded components are those of the sources: their manifest's digests are not stale.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::scene::repository;

#[derive(Deserialize)]
struct Built {
    digest: String,
    sources: String,
}

#[test]
fn the_stock_components_were_built_from_these_sources() {
    let plugins = repository().join("plugins");
    let manifest = std::fs::read_to_string(plugins.join("built/manifest.toml")).unwrap();
    let manifest: BTreeMap<String, Built> = toml::from_str(&manifest).unwrap();
    assert_eq!(manifest.keys().collect::<Vec<_>>(), ["crm-map", "qualify", "status-actions"]);
    for (name, built) in manifest {
        let wasm = std::fs::read(plugins.join(format!("built/{name}.wasm"))).unwrap();
        assert_eq!(hex::encode(Sha256::digest(&wasm)), built.digest, "{name}.wasm is not the one of the manifest");
        assert_eq!(
            sources(&name),
            built.sources,
            "{name} is stale: its sources changed since it was built; run plugins/rebuild"
        );
    }
}

/// As `plugins/rebuild` computes it: SHA-256 over the lines `sha256  path` of all source files, sorted.
fn sources(name: &str) -> String {
    let root = repository();
    let mut files = Vec::new();
    for folder in ["wit", "plugins/sdk", "plugins/when", &format!("plugins/{name}")] {
        walk(&root, &root.join(folder), &mut files);
    }
    let mut lines: Vec<String> = files
        .into_iter()
        .map(|path| {
            let digest = hex::encode(Sha256::digest(std::fs::read(root.join(&path)).unwrap()));
            format!("{digest}  {path}\n")
        })
        .collect();
    lines.sort();
    hex::encode(Sha256::digest(lines.concat()))
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !["tests", "phrases", "built", "target"].contains(&name) {
                walk(root, &path, files);
            }
        } else if name != "README.md" {
            files.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}
