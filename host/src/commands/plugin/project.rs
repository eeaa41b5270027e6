//! A plugin's folder: `plugin.toml` says what is in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use serde::Deserialize;

/// The file that makes a folder a plugin's.
pub(super) const PLUGIN_FILE: &str = "plugin.toml";

/// What a plugin is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(in crate::commands) enum Language {
    /// With the SDK of plugins/sdk.
    Rust,
    /// One file, for the engine that componentize-js packs in.
    #[value(name = "js", alias = "javascript")]
    Js,
    /// One file, for the interpreter that componentize-py packs in.
    Python,
    /// C11 and a small libc.
    C,
    /// Standard Go, 1.25 or newer.
    Go,
}

/// `plugin.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Plugin {
    pub(super) language: Language,
    /// A world of `wit/roles.wit`.
    pub(super) world: String,
    /// Where the component goes, from the folder.
    pub(super) component: PathBuf,
}

/// The worlds of the contract.
const WORLDS: [&str; 4] = ["qualifier", "mapper", "reactor", "flow"];

impl Plugin {
    /// Reads a folder's `plugin.toml`.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(PLUGIN_FILE);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("read {}; `relais plugin new --lang rust NAME` makes a plugin that has one", path.display())
        })?;
        let plugin: Self = toml::from_str(&text).with_context(|| format!("understand {}", path.display()))?;
        ensure!(
            WORLDS.contains(&plugin.world.as_str()),
            "understand {}: there is no world {:?}; write one of {}",
            path.display(),
            plugin.world,
            WORLDS.join(", ")
        );
        Ok(plugin)
    }
}
