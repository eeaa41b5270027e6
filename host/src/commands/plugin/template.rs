//! `relais plugin new`: the examples of this repository, embedded, are the templates.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use super::{
    RoleSet,
    contract::{WIT, write as write_file},
    project::Language,
};

/// The files of an example, by their path in it.
type Files = &'static [(&'static str, &'static str)];

macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../", $folder, "/", $path)))),+]
    };
}

const RUST_HELLO: Files = files!("examples/rust-hello":
    "Cargo.toml", "src/lib.rs", "plugin.toml", "tenant.toml", "crm.secret", "flow/flow.toml", "flow/conversations/book.toml");
const RUST_ROLES: Files = files!("examples/rust-roles":
    "Cargo.toml", "src/lib.rs", "src/script.rs", "src/mapping.rs", "src/actions.rs", "plugin.toml", "tenant.toml",
    "crm.secret", "flow/flow.toml", "flow/conversations/roles.toml");
const JS_HELLO: Files = files!("examples/js-hello":
    "package.json", "plugin.js", "plugin.toml", "tenant.toml", "crm.secret", "flow/flow.toml",
    "flow/conversations/book.toml");
const JS_ROLES: Files = files!("examples/js-roles":
    "package.json", "plugin.js", "plugin.toml", "tenant.toml", "crm.secret", "flow/flow.toml",
    "flow/conversations/roles.toml");
const PYTHON_HELLO: Files = files!("examples/python-hello":
    "requirements.txt", "plugin.py", "plugin.toml", "tenant.toml", "crm.secret", "flow/flow.toml",
    "flow/conversations/book.toml");
const C_HELLO: Files = files!("examples/c-hello":
    "plugin.c", "plugin.toml", "tenant.toml", "crm.secret", "flow/flow.toml", "flow/conversations/book.toml");
const GO_HELLO: Files = files!("examples/go-hello":
    "plugin.go", "plugin.toml", "tenant.toml", "crm.secret", "flow/flow.toml", "flow/conversations/book.toml");

/// The Rust SDK; a plugin gets a copy, so that it builds without this repository.
const SDK: Files = files!("plugins/sdk":
    "Cargo.toml", "src/lib.rs", "src/bindings.rs", "src/export.rs", "src/host.rs", "src/json.rs", "src/roles.rs",
    "src/seconds.rs", "src/testing.rs", "src/turn.rs");

/// What the Go bindings need beside them.
pub(super) const GO_RUNTIME: Files =
    files!("plugins/go": "go.mod", "wit/types/types.go", "wit/runtime/runtime.go", "wit/runtime/empty.s");

/// What a plugin's Cargo.toml has that an example, which belongs to this repository's workspace, has not.
const RUST_WORKSPACE: &str = r#"
[workspace]
members = ["relais/plugins/sdk"]

# What the SDK's Cargo.toml refers to.
[workspace.package]
version = "0.1.0"
edition = "2024"
rust-version = "1.95"
license = "MIT OR Apache-2.0"
publish = false

[workspace.lints]

# Small, with the names of functions: a fault's stack shows them.
[profile.release]
opt-level = "s"
lto = true
codegen-units = 1
strip = "debuginfo"
"#;

/// Begins a plugin in a folder that does not exist yet, or is empty.
pub(super) fn write(folder: &Path, language: Language, roles: RoleSet) -> anyhow::Result<()> {
    let name = folder.file_name().and_then(|name| name.to_str()).context("read the folder's name")?;
    ensure!(
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && name.len() <= 64,
        "name the plugin {name:?}; use lower-case letters, digits and hyphens, such as my-plugin"
    );
    ensure!(
        folder.read_dir().is_ok_and(|mut entries| entries.next().is_none()) || !folder.exists(),
        "make {}: it exists already; choose another name",
        folder.display()
    );
    let files = files(name, language, roles)?;
    files.iter().try_for_each(|(path, text)| write_file(&folder.join(path), text.as_bytes()))?;
    println!("{} is there: {}", folder.display(), language.source());
    println!("now: relais plugin build {0} && relais flow test {0}", folder.display());
    Ok(())
}

/// The files of a new plugin.
fn files(name: &str, language: Language, roles: RoleSet) -> anyhow::Result<Vec<(String, String)>> {
    let (example, template) = match (language, roles) {
        (Language::Rust, RoleSet::Qualification) => ("rust-hello", RUST_HELLO),
        (Language::Rust, RoleSet::All) => ("rust-roles", RUST_ROLES),
        (Language::Js, RoleSet::Qualification) => ("js-hello", JS_HELLO),
        (Language::Js, RoleSet::All) => ("js-roles", JS_ROLES),
        (Language::Python, RoleSet::Qualification) => ("python-hello", PYTHON_HELLO),
        (Language::C, RoleSet::Qualification) => ("c-hello", C_HELLO),
        (Language::Go, RoleSet::Qualification) => ("go-hello", GO_HELLO),
        (_, RoleSet::All) => bail!(
            "find a template of all roles in this language; there is one in rust and in js. Any language can play them: \
             begin with --role qualification and set `world` in plugin.toml"
        ),
    };
    let own = template.iter().map(|(path, text)| {
        let text = match *path {
            "Cargo.toml" => {
                text.replace("../../plugins/sdk", "relais/plugins/sdk").replace(example, name) + RUST_WORKSPACE
            }
            "package.json" => text.replace(example, name),
            _ => (*text).to_owned(),
        };
        ((*path).to_owned(), text)
    });
    let mut files: Vec<_> = own.collect();
    files.push((".gitignore".to_owned(), language.leaves_behind().to_owned()));
    if language == Language::Rust {
        let copied = |prefix: &'static str, files: &'static [(&str, &str)]| {
            files.iter().map(move |(path, text)| (format!("{prefix}/{path}"), (*text).to_owned()))
        };
        files.extend(copied("relais/plugins/sdk", SDK));
        files.extend(copied("relais/wit", &WIT));
    }
    Ok(files)
}

impl Language {
    /// Where an author begins to read.
    fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Js => "plugin.js",
            Self::Python => "plugin.py",
            Self::C => "plugin.c",
            Self::Go => "plugin.go",
        }
    }

    /// What a build makes and nobody keeps.
    fn leaves_behind(self) -> &'static str {
        match self {
            Self::Rust => "target\n*.wasm\n",
            Self::Js => "build\nnode_modules\n*.wasm\n",
            Self::Python => "build\n.venv\n__pycache__\n*.wasm\n",
            Self::C | Self::Go => "build\n*.wasm\n",
        }
    }
}
