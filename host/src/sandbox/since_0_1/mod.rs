//! Version 0.1 of the contract: its bindings, and the way from the host's nouns to its types and back.
//!
//! Everything that knows the contract's types is in this folder, so that a version 0.2 is a folder beside it.

mod ask;
mod from_guest;
mod instants;
mod reader;
mod to_guest;

pub(super) use ask::{Answered, Failure, Question, Roles};

use wasmtime::component::{HasData, Linker};

use super::{
    Problem,
    instance::{Host, State},
};
use bindings::relais::flow::{host, types};

/// The version that this host speaks, as in the `package` line of `wit/`.
pub(super) const SUPPORTED: &str = "0.1.0";

/// Most slots of one answer (as promised in `wit/host.wit`).
const MOST_SLOTS: usize = 100;

/// What `bindgen` makes of `wit/`.
mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "flow",
        imports: { "relais:flow/host.free-slots": trappable },
    });
}

/// Adds the contract's `host` interface to the linker.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    host::add_to_linker::<State, Imports>(linker, |state| &mut state.host)
}

struct Imports;

impl HasData for Imports {
    type Data<'a> = &'a mut Host;
}

impl types::Host for Host {}

impl host::Host for Host {
    fn log(&mut self, level: host::Level, message: String) {
        let level = match level {
            host::Level::Debug => "debug",
            host::Level::Info => "info",
            host::Level::Warn => "warn",
            host::Level::Error => "error",
        };
        Host::log(self, level, &message);
    }

    fn free_slots(&mut self, from: String, to: String, limit: u32) -> wasmtime::Result<Vec<types::Slot>> {
        let zone = self.zone.clone();
        let (Ok(from), Ok(to)) = (instants::read(&from, &zone), instants::read(&to, &zone)) else {
            return Ok(Vec::new());
        };
        let limit = usize::try_from(limit)?.min(MOST_SLOTS);
        if from >= to || limit == 0 {
            return Ok(Vec::new());
        }
        let slots = self.free(from, to, limit)?;
        Ok(slots.iter().map(|slot| to_guest::slot(slot, &zone)).collect())
    }
}

fn problems(problems: Vec<types::Problem>) -> Vec<Problem> {
    problems.into_iter().map(|types::Problem { at, what }| Problem { at, what }).collect()
}

#[cfg(test)]
mod tests {
    use wasmtime::{
        Config, Engine,
        component::{Component, Linker},
    };

    use crate::sandbox::{instance::State, wasi};

    /// Our own stock script, built against 0.1.0.
    const QUALIFY: &[u8] = include_bytes!("../../../../plugins/built/qualify.wasm");

    /// What 0.1.1 will be: a function more in `host`, everything else as it is.
    #[test]
    fn a_component_of_0_1_0_loads_on_a_host_that_has_a_function_more() {
        let engine = Engine::new(&Config::new()).unwrap();
        let component = Component::from_binary(&engine, QUALIFY).unwrap();
        let loads = |version: &str, functions: &[&str]| {
            let mut linker = Linker::<State>::new(&engine);
            wasi::link(&mut linker).unwrap();
            let mut host = linker.instance(&format!("relais:flow/host@{version}")).unwrap();
            for function in functions {
                host.func_new(function, |_, _, _, _| Ok(())).unwrap();
            }
            linker.instantiate_pre(&component).is_ok()
        };
        assert!(loads("0.1.0", &["log", "free-slots"]));
        assert!(loads("0.1.1", &["log", "free-slots", "weather"]));
        assert!(!loads("0.1.1", &["log", "weather"]), "a function was taken away");
        assert!(!loads("0.2.0", &["log", "free-slots", "weather"]), "another version");
        // A host of 0.1.1 looks for its own version's names.
        assert!(component.get_export_index(None, "relais:flow/qualification@0.1.1").is_some());
        assert!(component.get_export_index(None, "relais:flow/qualification@0.2.0").is_none());
    }
}
