//! JSON in and out, with problems that say where.

use serde::de::DeserializeOwned;

use crate::Problem;

/// Reads a JSON text as `T`. What is wrong comes back as one problem whose `at` is the dotted path of the value
/// (`steps.2.ask`), so use `#[serde(deny_unknown_fields)]` on your types: a misspelt key is then named too.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Problem>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let at = dotted(error.path());
        vec![problem(at, without_position(&error.inner().to_string()))]
    })
}

/// A problem at a dotted path (empty: the whole) with a sentence that says what to write instead.
pub fn problem(at: impl Into<String>, what: impl Into<String>) -> Problem {
    Problem { at: at.into(), what: what.into() }
}

/// `steps[2].ask` as `steps.2.ask`, the notation of the contract.
fn dotted(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut out = String::new();
    for segment in path {
        let piece = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(&piece);
    }
    out
}

/// Without " at line 1 column 2431": the JSON was made from TOML, its lines mean nothing to the author.
fn without_position(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(end) => message.get(..end).unwrap_or(message).to_owned(),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its type is checked")]
        steps: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its type is checked")]
        ask: String,
    }

    #[test]
    fn a_problem_names_the_dotted_path() {
        let problems = parse::<Outer>(r#"{"steps":[{"ask":"a"},{"ask":3}]}"#).unwrap_err();
        assert_eq!(problems[0].at, "steps.1.ask");
        assert_eq!(problems[0].what, "invalid type: integer `3`, expected a string");

        let problems = parse::<Outer>(r#"{"steps":[{"aks":"a"}]}"#).unwrap_err();
        assert_eq!(problems[0].at, "steps.0.aks");
        assert!(problems[0].what.contains("expected `ask`"), "{}", problems[0].what);
    }
}
