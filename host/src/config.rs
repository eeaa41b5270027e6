//! `relais.toml`: what the operator sets. Composes the rooms' options; no room imports it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use crate::{delivery, flows::SecretSource};

/// The access token that `relais simulator` takes unless told otherwise.
pub const SIMULATOR_TOKEN: &str = "simulator-token";
/// What it signs webhooks with.
pub const SIMULATOR_APP_SECRET: &str = "simulator-app-secret";
/// What it says in the handshake.
pub const SIMULATOR_VERIFY_TOKEN: &str = "simulator-verify-token";

/// The operator's settings; every one has a default, so that no file is needed to begin with.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Where the doors are, such as `127.0.0.1:8080`.
    pub listen: String,
    /// The folder of the store.
    pub store: PathBuf,
    /// The folder of the tenants.
    pub flows: PathBuf,
    /// How many versions of a flow, besides the active one and those that conversations run on, are kept to roll back to.
    pub keep_versions: usize,
    /// The key of the operator's doors, of 16 characters at least; without one the environment variable
    /// `RELAIS_OPERATOR_KEY`, and without that the doors stay shut.
    pub operator_key: Option<SecretSource>,
    /// Meta's servers.
    pub graph: Graph,
    /// The simulator that test keys talk to.
    pub simulator: Option<Simulator>,
    /// How envelopes go out.
    pub delivery: delivery::Options,
}

/// `[graph]`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Graph {
    /// Without the version.
    pub base_url: String,
    /// Such as `v25.0`.
    pub api_version: String,
}

/// `[simulator]`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Simulator {
    /// Its address.
    pub base_url: String,
    /// The token that it takes.
    pub token: SecretSource,
    /// What it signs webhooks with.
    pub app_secret: SecretSource,
    /// What it says in the handshake.
    pub verify_token: SecretSource,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            store: PathBuf::from("relais-store"),
            flows: PathBuf::from("flows"),
            keep_versions: 5,
            operator_key: None,
            graph: Graph::default(),
            simulator: None,
            delivery: delivery::Options::default(),
        }
    }
}

impl Default for Graph {
    fn default() -> Self {
        let crate::host::Graph { base_url, api_version } = crate::host::Graph::default();
        Self { base_url, api_version }
    }
}

impl Config {
    /// The key of the operator's doors.
    pub fn operator_key(&self) -> anyhow::Result<Option<String>> {
        let key = match &self.operator_key {
            Some(source) => Some(source.read().context("read operator-key")?),
            None => std::env::var("RELAIS_OPERATOR_KEY").ok(),
        };
        let key = key.filter(|key| !key.is_empty());
        anyhow::ensure!(
            key.as_ref().is_none_or(|key| key.len() >= 16),
            "use operator-key: it is shorter than 16 characters; make one with `openssl rand -hex 24`"
        );
        Ok(key)
    }

    /// Reads the file; without one, `relais.toml` of this folder if there is one, else the defaults.
    pub fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let default = Path::new("relais.toml");
        let path = match path {
            Some(path) => path,
            None if default.exists() => default,
            None => return Ok(Self::default()),
        };
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("read {}", path.display()))
    }
}
