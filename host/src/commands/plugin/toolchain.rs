//! Finding a language's tools and running them.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

/// A program, by the way that it is called.
#[derive(Clone, Debug)]
pub(super) struct Tool {
    program: PathBuf,
    first: Vec<String>,
}

impl Tool {
    pub(super) fn new(program: impl Into<PathBuf>, first: &[&str]) -> Self {
        Self { program: program.into(), first: first.iter().map(ToString::to_string).collect() }
    }

    /// Whether it answers to these arguments without complaint.
    pub(super) fn answers(&self, to: &[&str]) -> bool {
        let asked = self.command().args(to).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    }

    /// What it prints when it is asked so; none when it fails.
    pub(super) fn says(&self, to: &[&str]) -> Option<String> {
        let output = self.command().args(to).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// A run of it.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.first);
        command
    }
}

/// The first of these that answers.
pub(super) fn first_of(tools: impl IntoIterator<Item = Tool>, to: &[&str]) -> Option<Tool> {
    tools.into_iter().find(|tool| tool.answers(to))
}

/// Shows the command and runs it; what it prints is seen as it comes. Fails when the command does.
pub(super) fn run(command: &mut Command) -> anyhow::Result<()> {
    show(command);
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("run {program}"))?;
    if !status.success() {
        bail!("build the plugin: {program} ended with {status}; its messages are above");
    }
    Ok(())
}

/// As [`run`], and gives what the command printed on its standard output.
pub(super) fn output_of(command: &mut Command) -> anyhow::Result<String> {
    show(command);
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("run {program}"))?;
    if !output.status.success() {
        bail!("build the plugin: {program} ended with {}; its messages are above", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn show(command: &Command) {
    let words: Vec<_> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    eprintln!("  {}", words.join(" "));
}

/// Python 3.10 or newer.
pub(super) fn python() -> Option<Tool> {
    let is_new = ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"];
    first_of([Tool::new("python3", &[]), Tool::new("python", &[])], &is_new)
}

/// A program in a virtual environment of the folder.
pub(super) fn in_environment(environment: &Path, name: &str) -> PathBuf {
    if cfg!(windows) {
        environment.join("Scripts").join(name).with_extension("exe")
    } else {
        environment.join("bin").join(name)
    }
}
