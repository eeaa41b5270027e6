//! What a flow asks a model or an endpoint: the answer comes as an event.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A question on its way out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Comes back with the answer.
    pub id: String,
    /// Who is asked what.
    pub to: Asked,
}

/// Who is asked what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "asked", rename_all = "snake_case")]
pub enum Asked {
    /// The tenant's model. Personal data is masked already, unless the tenant says otherwise.
    Model {
        /// The task.
        instructions: String,
        /// What to work on.
        input: String,
        /// What the answer must satisfy; none for free text.
        schema: Option<Value>,
    },
    /// An endpoint of the tenant.
    Endpoint {
        /// Its name in `tenant.toml`.
        endpoint: String,
        /// The exact bytes to sign and send.
        body: String,
    },
}
