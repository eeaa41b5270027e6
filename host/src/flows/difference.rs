//! What differs between two versions of a flow.

use std::collections::BTreeSet;

use serde::Serialize;
use similar::TextDiff;

use crate::store::FlowVersion;

/// Texts longer than this are compared as a whole, in bytes.
const LONGEST: usize = 1 << 20;

/// A file in which two versions differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Its path in the flow's folder; `stock:NAME` for a stock component, which changes with the host.
    pub path: String,
    /// How.
    pub change: Change,
    /// Its size before, in bytes.
    pub bytes_before: Option<usize>,
    /// Its size after.
    pub bytes_after: Option<usize>,
    /// The lines that differ, in unified format; none when it is not text.
    pub lines: Option<String>,
}

/// How a file differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Only the later version has it.
    Added,
    /// Only the earlier version has it.
    Removed,
    /// Both have it, with other content.
    Changed,
}

/// Every file in which `to` differs from `from`, by path.
pub fn difference(from: &FlowVersion, to: &FlowVersion) -> Vec<FileChange> {
    let paths: BTreeSet<&String> = from.files.keys().chain(to.files.keys()).collect();
    let mut changes = Vec::new();
    for path in paths {
        let (before, after) = (from.files.get(path), to.files.get(path));
        let change = match (before, after) {
            (None, Some(_)) => Change::Added,
            (Some(_), None) => Change::Removed,
            (Some(before), Some(after)) if before != after => Change::Changed,
            _ => continue,
        };
        changes.push(FileChange {
            path: path.clone(),
            change,
            bytes_before: before.map(Vec::len),
            bytes_after: after.map(Vec::len),
            lines: lines(path, before, after),
        });
    }
    changes
}

fn lines(path: &str, before: Option<&Vec<u8>>, after: Option<&Vec<u8>>) -> Option<String> {
    let text = |bytes: Option<&Vec<u8>>| match bytes {
        None => Some(String::new()),
        Some(bytes) if bytes.len() > LONGEST || bytes.contains(&0) => None,
        Some(bytes) => String::from_utf8(bytes.clone()).ok(),
    };
    let (before, after) = (text(before)?, text(after)?);
    let diff = TextDiff::from_lines(&before, &after);
    Some(diff.unified_diff().context_radius(2).header(path, path).to_string())
}
