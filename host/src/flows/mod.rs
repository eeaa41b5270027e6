//! Folders become checked, immutable, activated versions; what runs is what is in the store.

mod deploy;
mod difference;
mod folder;
mod loaded;
mod manifest;
mod opt_out;
mod problem;
mod references;
mod registry;
mod secret;
mod stock;
mod tenant;
mod watch;

pub use deploy::{History, Known, Offer, Published};
pub use difference::{Change, FileChange, difference};
pub use folder::{TENANT_FLOW, TenantFolder, bundle, find_tenants, flows_in, read_flow, read_tenant, seal};
pub use loaded::Loaded;
pub use manifest::{FLOW_FILE, Manifest, Migrate, RoleEntry, Schedule};
pub use opt_out::OptOut;
pub use problem::Problem;
pub use references::undeclared;
pub use registry::{Flows, Options};
pub use secret::{SecretError, SecretSource};
pub use stock::STOCK;
pub use tenant::{Endpoint, Model, TENANT_FILE, Tenant, TranscriptNames, WhatsApp};
pub use watch::watch;

/// Why a folder or a version could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// The folder cannot be read.
    #[error("read {path}: {why}")]
    Folder {
        /// Which.
        path: String,
        /// What the system says.
        why: std::io::Error,
    },
    /// The folder cannot be watched.
    #[error("watch {path} for changes: {why}")]
    Watch {
        /// Which.
        path: String,
        /// What the system says.
        why: notify::Error,
    },
    /// A version that passed once no longer does.
    #[error("load version {digest} of {tenant}/{flow}: {}", first(problems))]
    Version {
        /// Whose.
        tenant: crate::model::TenantId,
        /// Which flow.
        flow: crate::model::FlowId,
        /// Which version.
        digest: crate::model::Digest,
        /// What is wrong with it.
        problems: Vec<Problem>,
    },
}

fn first(problems: &[Problem]) -> String {
    problems.first().map_or_else(|| "it is not in the store".to_owned(), Problem::to_string)
}
