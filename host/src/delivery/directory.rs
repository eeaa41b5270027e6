//! Whom delivery may talk to: it knows no address that is not declared here.

use std::{collections::BTreeMap, fmt, time::Duration};

use jiff::Timestamp;

use super::Secret;
use crate::{
    model::{Environment, TenantId},
    whatsapp,
};

/// What tenants and the operator declared. Asked at each attempt, so that a change counts for what is queued too.
pub trait Directory: Send + Sync {
    /// An endpoint of a tenant, by its name in `tenant.toml`; none when it is not declared.
    fn endpoint(&self, tenant: &TenantId, name: &str) -> Option<Endpoint>;

    /// The business number that writes for a tenant; none when it is not declared.
    fn sender(&self, tenant: &TenantId, environment: Environment) -> Option<Sender>;

    /// The model that a tenant's flows may ask; none when it has none.
    fn model(&self, tenant: &TenantId) -> Option<ModelAccess> {
        let _ = tenant;
        None
    }

    /// The next moment from `at` on at which a tenant's leads may be written to unasked: `at` itself inside contact hours.
    fn contact_hours_hold(&self, tenant: &TenantId, at: Timestamp) -> Timestamp;
}

/// Where callbacks go.
#[derive(Clone)]
pub struct Endpoint {
    /// Absolute; `https` unless private addresses are allowed.
    pub url: String,
    /// Signs each callback.
    pub secret: Secret,
    /// Signs too while the secret is being changed.
    pub previous_secret: Option<Secret>,
    /// More headers, such as an API key; those that the signature, the body and the transport need cannot be overridden.
    pub headers: BTreeMap<String, String>,
}

/// Shows the names of the headers only: the address may hold a secret, and so may the values.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Endpoint").field("headers", &headers).finish_non_exhaustive()
    }
}

/// Where a tenant's model is.
#[derive(Clone)]
pub struct ModelAccess {
    /// Of `…/chat/completions`.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// Sent as a bearer token.
    pub key: Option<String>,
    /// How long an answer may take.
    pub patience: Duration,
}

impl fmt::Debug for ModelAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelAccess").field("model", &self.model).finish_non_exhaustive()
    }
}

/// Who writes to the person.
#[derive(Clone)]
pub struct Sender {
    /// Of the Graph API, or of the simulator, without the version.
    pub base_url: String,
    /// The version of the Graph API, such as `v25.0`.
    pub api_version: String,
    /// The number's identifier and the access token.
    pub credentials: whatsapp::Credentials,
    /// What shares its limit of new people a day with other numbers: the account, or the number where that is not known.
    pub portfolio: String,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
