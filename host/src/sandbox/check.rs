//! What a component says of itself: which roles it plays, by which contract, and what it needs.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::{Engine, component};

use super::{Refusal, since_0_1, wasi};

/// The first eight bytes of a component, of a core module and of a text: magic number, version and layer.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// The contract's package.
const PACKAGE: &str = "relais:flow/";

/// A part that a component plays in a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Plays the qualification script.
    Qualification,
    /// Maps the CRM's fields.
    CrmMapping,
    /// Decides what statuses set in motion.
    StatusActions,
}

impl Role {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Qualification, Self::CrmMapping, Self::StatusActions];

    /// The interface of the contract that stands for it.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Qualification => "relais:flow/qualification",
            Self::CrmMapping => "relais:flow/crm-mapping",
            Self::StatusActions => "relais:flow/status-actions",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.interface().strip_prefix(PACKAGE).unwrap_or_default())
    }
}

/// What a component that may play a role says of itself.
pub(super) struct Passport {
    pub(super) roles: Vec<Role>,
    /// The contract's version that it was built on.
    pub(super) contract: String,
}

/// Whether the bytes can be a component at all; tells in milliseconds what a compilation would tell in seconds.
pub(super) fn is_component(wasm: &[u8]) -> Result<(), Refusal> {
    if wasm.starts_with(COMPONENT) {
        Ok(())
    } else if wasm.starts_with(MODULE) {
        Err(Refusal::NotAComponent { found: "a core module" })
    } else if wasm.is_empty() {
        Err(Refusal::NotAComponent { found: "an empty file" })
    } else {
        Err(Refusal::NotAComponent { found: "some other kind of file" })
    }
}

/// Reads a component's exports and imports, and refuses it when it does not play `role`, speaks another version of the
/// contract, or needs what is not linked.
pub(super) fn passport(engine: &Engine, component: &component::Component, role: Role) -> Result<Passport, Refusal> {
    let ty = component.component_type();
    let mut roles = Vec::new();
    let mut contract = None;
    for (name, _) in ty.exports(engine) {
        let (interface, version) = parts(name);
        let Some(played) = Role::ALL.into_iter().find(|role| role.interface() == interface) else {
            continue;
        };
        known(version)?;
        roles.push(played);
        contract = Some(version.to_owned());
    }
    for (name, _) in ty.imports(engine) {
        let (interface, version) = parts(name);
        if interface.starts_with(PACKAGE) {
            known(version)?;
        } else if !wasi::is_linked(interface, version) {
            return Err(Refusal::Needs { interface: interface.to_owned() });
        }
    }
    match contract {
        Some(contract) if roles.contains(&role) => Ok(Passport { roles, contract }),
        _ => Err(Refusal::Missing { role, exports: roles }),
    }
}

/// A name as components write it, such as `wasi:io/poll@0.2.6`, and its version.
fn parts(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

fn known(version: &str) -> Result<(), Refusal> {
    let mut numbers = version.split('.');
    let track = (numbers.next(), numbers.next());
    // A pre-release (`0.1.0-rc1`) promises no compatibility.
    if track == (Some("0"), Some("1")) && !version.contains('-') {
        Ok(())
    } else {
        Err(Refusal::WrongVersion {
            found: if version.is_empty() { "none".to_owned() } else { version.to_owned() },
            supported: since_0_1::SUPPORTED,
        })
    }
}
