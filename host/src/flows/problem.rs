//! What is wrong with a folder, said so that its author can mend it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing wrong with a tenant's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Path inside the tenant's folder, such as `solaire/script.toml`.
    pub file: String,
    /// From 1; none when the file as a whole is meant.
    pub line: Option<usize>,
    /// Keys joined by dots, such as `steps.2.ask`; empty when it is not about a key.
    pub key: String,
    /// What is wrong and what to write instead.
    pub what: String,
}

impl Problem {
    /// About a file as a whole.
    pub fn of_file(file: &str, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, key: String::new(), what: what.into() }
    }

    /// About a key of a TOML file; its line is looked up in the file's text.
    pub fn of_key(file: &str, text: &str, key: &str, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: line_of_key(text, key), key: key.to_owned(), what: what.into() }
    }

    /// Everything that the TOML reader says of a file that is no TOML, not only the first thing.
    pub fn all_of_toml(file: &str, text: &str, error: &toml::de::Error) -> Vec<Self> {
        let (_, errors) = toml::de::DeTable::parse_recoverable(text);
        let mut found: Vec<Self> = errors.iter().map(|error| Self::of_toml(file, text, error)).collect();
        found.dedup_by(|later, earlier| later.line == earlier.line);
        if found.is_empty() { vec![Self::of_toml(file, text, error)] } else { found }
    }

    /// What the TOML reader says of a file.
    pub fn of_toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
        let what = error.message().trim().to_owned();
        // serde names the unknown key between back-quotes.
        let key =
            what.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()).unwrap_or_default().to_owned();
        Self { file: file.to_owned(), line, key, what }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// The line of the value at a dotted path (indices count from 0), or of the nearest parent that can be found.
fn line_of_key(text: &str, path: &str) -> Option<usize> {
    let root = toml::de::DeTable::parse(text).ok()?;
    let mut offset = None;
    let mut here = Step::Table(root.get_ref());
    for part in path.split('.') {
        let value = match here {
            Step::Table(table) => table.get(part),
            Step::Array(array) => part.parse::<usize>().ok().and_then(|index| array.get(index)),
        };
        let Some(value) = value else { break };
        offset = Some(value.span().start);
        here = match value.get_ref() {
            toml::de::DeValue::Table(table) => Step::Table(table),
            toml::de::DeValue::Array(array) => Step::Array(array),
            _ => break,
        };
    }
    let before = text.get(..offset?)?;
    Some(before.matches('\n').count() + 1)
}

enum Step<'a, 'text> {
    Table(&'a toml::de::DeTable<'text>),
    Array(&'a toml::de::DeArray<'text>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_on_its_line() {
        let text = "name = \"x\"\n\n[[steps]]\nid = \"a\"\n[[steps]]\nid = \"b\"\nask = \"?\"\n";
        assert_eq!(line_of_key(text, "steps.1.ask"), Some(7));
        assert_eq!(line_of_key(text, "steps.1.answer"), Some(5));
        assert_eq!(line_of_key(text, "nothing"), None);
        let error = toml::from_str::<Strict>("name = \"x\"\ncolour = 1\n").unwrap_err();
        let problem = Problem::of_toml("flow.toml", "name = \"x\"\ncolour = 1\n", &error);
        assert_eq!((problem.line, problem.key.as_str()), (Some(2), "colour"));
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading matters")]
    struct Strict {
        name: String,
    }
}
