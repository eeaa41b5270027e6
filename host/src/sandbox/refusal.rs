//! Why a component does not become a role.

use std::fmt;

use crate::model::Fault;

use super::Role;

/// Something wrong with a configuration or with a payload, as a flow told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Keys and indices joined by dots, such as `steps.2.text`; empty when it concerns the whole.
    pub at: String,
    /// What is wrong and what to write instead.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.at, self.what) }
    }
}

/// Why a component does not become a role. Each message says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The file is something else.
    #[error(
        "this is not a WebAssembly component but {found}; build it for the target wasm32-wasip2, or make a component of it with `wasm-tools component new`"
    )]
    NotAComponent {
        /// What it is.
        found: &'static str,
    },
    /// The file is a component that cannot be compiled.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// It does not play this role.
    #[error("the component does not export `{}`, so it cannot play the role of {role}; {}", role.interface(), exported(exports))]
    Missing {
        /// The role asked for.
        role: Role,
        /// The roles that it does play.
        exports: Vec<Role>,
    },
    /// It speaks another version of the contract.
    #[error(
        "the component was built for version {found} of the contract `relais:flow`, and this host speaks {supported}; build it again on the wit/ files of this host"
    )]
    WrongVersion {
        /// The component's.
        found: String,
        /// The host's.
        supported: &'static str,
    },
    /// It needs something that flows do not get.
    #[error(
        "the component needs `{interface}`, which flows do not get: no network, files or processes; remove what uses it, and use `ask-endpoint` to reach the outside"
    )]
    Needs {
        /// The interface's name without its version.
        interface: String,
    },
    /// Its imports or exports do not have the contract's types.
    #[error("the component does not fit the contract: {0}; build it again on the wit/ files of this host")]
    Contract(String),
    /// A limit is zero or beyond what the operator allows.
    #[error("the limit `{key}` is {wanted}; write 1 to {most}")]
    Limit {
        /// As written in `flow.toml`.
        key: &'static str,
        /// As written.
        wanted: u64,
        /// The operator's.
        most: u64,
    },
    /// Its `configure` found the configuration wrong.
    #[error("the configuration is refused: {}", listed(.0))]
    Problems(Vec<Problem>),
    /// It failed before it could be asked anything.
    #[error("the component fails when it is started and configured ({}): {}{}", .0.kind.name(), .0.message, below(&.0.trace))]
    Fault(Fault),
    /// The host failed; trying again may help.
    #[error("the host could not prepare the component: {0}; try again")]
    Host(String),
}

/// What the guest printed and its stack, for its author, below the sentence.
fn below(trace: &str) -> String {
    trace.lines().map(|line| format!("\n    {line}")).collect()
}

fn exported(roles: &[Role]) -> String {
    match roles {
        [] => "it plays none".to_owned(),
        roles => {
            let names: Vec<_> = roles.iter().map(ToString::to_string).collect();
            format!("it plays {}", names.join(", "))
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
    shown.join("; ")
}
