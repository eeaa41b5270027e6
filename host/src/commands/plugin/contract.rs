//! The contract as bindings of a language, and a core module as a component of it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_bindgen_core::{
    Files, WorldGenerator,
    wit_parser::{Resolve, WorldId},
};
use wit_component::{ComponentEncoder, StringEncoding};

/// The files of `wit/`, as they are where this binary was built.
pub(super) const WIT: [(&str, &str); 3] = [
    ("types.wit", include_str!("../../../../wit/types.wit")),
    ("host.wit", include_str!("../../../../wit/host.wit")),
    ("roles.wit", include_str!("../../../../wit/roles.wit")),
];

/// The contract, seen from one of its worlds.
pub(super) struct Contract {
    resolve: Resolve,
    world: WorldId,
}

impl Contract {
    /// Writes the contract's files into a folder `wit` of `build`, and reads them there.
    pub(super) fn write(build: &Path, world: &str) -> anyhow::Result<(Self, PathBuf)> {
        let wit = build.join("wit");
        for (name, text) in WIT {
            write(&wit.join(name), text.as_bytes())?;
        }
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(&wit).context("read the contract")?;
        let world = resolve.select_world(&[package], Some(world)).context("find the world in the contract")?;
        Ok((Self { resolve, world }, wit))
    }

    /// Writes bindings for C: `WORLD.h`, `WORLD.c` and an object with the component's type.
    pub(super) fn bindings_for_c(&mut self, folder: &Path) -> anyhow::Result<()> {
        self.bindings(wit_bindgen_c::Opts::default().build(), folder)
    }

    /// Writes bindings for Go: a module `wit_component`.
    pub(super) fn bindings_for_go(&mut self, folder: &Path) -> anyhow::Result<()> {
        self.bindings(wit_bindgen_go::Opts::default().build(), folder)
    }

    fn bindings(&mut self, mut generator: Box<dyn WorldGenerator>, folder: &Path) -> anyhow::Result<()> {
        let mut files = Files::default();
        generator.generate(&mut self.resolve, self.world, &mut files).context("generate the bindings")?;
        files.iter().try_for_each(|(name, bytes)| write(&folder.join(name), bytes))
    }

    /// Puts the world's types into a core module that does not have them yet.
    pub(super) fn embed(&self, module: &mut Vec<u8>) -> anyhow::Result<()> {
        wit_component::embed_component_metadata(module, &self.resolve, self.world, StringEncoding::UTF8)
            .context("describe the module")
    }
}

/// A component of a core module that has its types; what the module wants of WASI 0.1 it gets from an adapter.
pub(super) fn component(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| {
            encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
        })
        .and_then(|encoder| encoder.validate(true).encode())
        .context("make a component of the module")
}

/// Writes a file, its folders too.
pub(super) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
}
