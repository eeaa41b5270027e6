//! The operator's key: who may deploy flows and look at everything.

use axum::http::{HeaderMap, StatusCode};
use subtle::ConstantTimeEq as _;

use super::{Api, Problem, digest, key::secret_of};

/// Lets the operator through.
pub(super) fn authenticate(api: &Api, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(key) = &api.options.operator_key else {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "no-operator-key",
            "this host has no operator key, so that nobody may do this",
            "set operator-key = \"env:RELAIS_OPERATOR_KEY\" in relais.toml, or that variable, and start the host again",
        ));
    };
    // The digests are compared, so that the length is not told either.
    let (given, wanted) = (digest(secret_of(headers)?), digest(key));
    if bool::from(given.as_bytes().ct_eq(wanted.as_bytes())) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNAUTHORIZED,
        "not-the-operator",
        "the key is not the operator's",
        "send the host's operator-key; API keys of tenants open /v1/leads and /v1/conversations only",
    )
    .about("Authorization"))
}
