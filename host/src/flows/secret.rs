//! Secrets of `tenant.toml`: named, never written.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Deserializer, de::Error as _};

/// Where a secret is kept: `env:NAME` or `file:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; a final line break is not part of the secret.
    File(PathBuf),
}

/// A secret cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the secret {source_name}: {why}")]
pub struct SecretError {
    source_name: String,
    why: String,
}

impl SecretSource {
    /// Reads `env:NAME` or `file:PATH`; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Some(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Some(Self::File(path.into())),
            _ => None,
        }
    }

    /// The secret itself, read now.
    pub fn read(&self) -> Result<String, SecretError> {
        let found = match self {
            Self::Env(name) => std::env::var(name).map_err(|error| error.to_string()),
            Self::File(path) => std::fs::read_to_string(path)
                .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|error| error.to_string()),
        };
        found.map_err(|why| SecretError { source_name: self.to_string(), why })
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom("a secret is not written here; say where it is: \"env:NAME\" or \"file:PATH\"")
        })
    }
}
