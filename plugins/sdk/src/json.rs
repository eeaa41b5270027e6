//! JSON in and out, with problems that say where.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Problem;

/// Reads a JSON text as `T`. What is wrong comes back as problems whose `at` is the dotted path of the value
/// (`steps.2.ask`), so use `#[serde(deny_unknown_fields)]` on your types: a misspelt key is then named too.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Problem>> {
    match salvage(text) {
        Salvaged { value: Some(value), problems, .. } if problems.is_empty() => Ok(value),
        Salvaged { problems, .. } => Err(problems),
    }
}

/// A configuration read as far as possible.
#[derive(Debug)]
pub(crate) struct Salvaged<T> {
    /// The value; where it was unreadable, something stands in for it. None when nothing would do.
    pub(crate) value: Option<T>,
    /// Everything that is wrong, not only the first thing.
    pub(crate) problems: Vec<Problem>,
    /// The paths of what was made up: what a check says of its surroundings may not be the author's doing.
    pub(crate) made_up: Vec<String>,
}

/// Reads a JSON text; what cannot be read is reported, taken out or replaced, and the rest read again, so that an author
/// is told of every mistake at once.
pub(crate) fn salvage<T: DeserializeOwned>(text: &str) -> Salvaged<T> {
    /// More mistakes than anyone wants to read at once.
    const MOST: usize = 100;
    let mut problems: Vec<Problem> = Vec::new();
    let mut made_up: Vec<String> = Vec::new();
    let mut text = text.to_owned();
    for _ in 0..MOST {
        let mut reader = serde_json::Deserializer::from_str(&text);
        let error = match serde_path_to_error::deserialize(&mut reader) {
            Ok(value) => return Salvaged { value: Some(value), problems, made_up },
            Err(error) => error,
        };
        let what = without_position(&error.inner().to_string());
        let mut at = dotted(error.path());
        let missing = what.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let is_known = |path: &String, made_up: &[String]| made_up.contains(path);
        let field = missing.map(|field| if at.is_empty() { field.to_owned() } else { format!("{at}.{field}") });
        let place = field.clone().unwrap_or_else(|| at.clone());
        let seen = made_up.iter().filter(|path| **path == place).count();
        if !is_known(&place, &made_up) {
            problems.push(problem(std::mem::take(&mut at), what.clone()));
        }
        // Twice something that does not fit: no use in guessing on.
        let Ok(mut whole) = serde_json::from_str::<Value>(&text) else { break };
        if seen > 2 || !mend(&mut whole, &place, &what) {
            break;
        }
        if !what.starts_with("unknown field") {
            made_up.push(place);
        }
        text = whole.to_string();
    }
    Salvaged { value: None, problems, made_up }
}

/// Reads a configuration and builds a plugin from it, or gives every problem of both; nothing is said beside what was
/// unreadable, since that may not be the author's doing.
pub fn checked<C: DeserializeOwned, T>(
    config: &str,
    build: impl FnOnce(C) -> Result<T, Vec<Problem>>,
) -> Result<T, Vec<Problem>> {
    let Salvaged { value, mut problems, made_up } = salvage(config);
    let Some(value) = value else { return Err(problems) };
    match build(value) {
        Ok(plugin) if problems.is_empty() => Ok(plugin),
        Ok(_) => Err(problems),
        Err(found) => {
            let beside = |at: &str| {
                made_up.iter().any(|place| {
                    let table = place.rsplit_once('.').map_or(place.as_str(), |(table, _)| table);
                    at == table || at.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
                })
            };
            problems.extend(found.into_iter().filter(|problem| !beside(&problem.at)));
            Err(problems)
        }
    }
}

/// Takes an unknown key out, or puts something readable in the place of what is wrong. False when it cannot be done.
fn mend(whole: &mut Value, place: &str, what: &str) -> bool {
    let (parent, key) = place.rsplit_once('.').unwrap_or(("", place));
    let pointer = if parent.is_empty() { String::new() } else { format!("/{}", parent.replace('.', "/")) };
    let Some(parent) = whole.pointer_mut(&pointer) else { return false };
    let stand_in = if what.starts_with("unknown field") { None } else { Some(stand_in(what)) };
    match (parent, stand_in) {
        (Value::Object(map), None) => map.remove(key).is_some(),
        (Value::Object(map), Some(value)) => {
            map.insert(key.to_owned(), value);
            true
        }
        (Value::Array(list), Some(value)) => {
            let place = key.parse::<usize>().ok().and_then(|at| list.get_mut(at));
            place.map(|place| *place = value).is_some()
        }
        _ => false,
    }
}

/// Something of the kind that the reader expected, as far as its message tells.
fn stand_in(what: &str) -> Value {
    let expected = what.rsplit("expected ").next().unwrap_or_default();
    let starts = |words: &[&str]| words.iter().any(|word| expected.starts_with(word));
    if what.starts_with("unknown variant") {
        Value::from(expected.split('`').nth(1).unwrap_or_default())
    } else if starts(&["a duration"]) {
        Value::from("1h")
    } else if starts(&["a sequence"]) {
        Value::Array(Vec::new())
    } else if starts(&["a map", "struct"]) {
        Value::Object(serde_json::Map::new())
    } else if starts(&["a boolean"]) {
        Value::Bool(true)
    } else if starts(&["u", "i", "f"]) {
        Value::from(1)
    } else {
        Value::from("…")
    }
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
        #[expect(dead_code, reason = "only its type is checked")]
        #[serde(default)]
        count: u8,
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

    #[test]
    fn every_problem_is_named_at_once() {
        let text = r#"{"steps":[{"aks":"a"},{"ask":3,"b":1},{"ask":"c"},{}],"count":"x","more":[]}"#;
        let problems = parse::<Outer>(text).unwrap_err();
        let mut places: Vec<&str> = problems.iter().map(|problem| problem.at.as_str()).collect();
        places.sort_unstable();
        assert_eq!(places, ["count", "more", "steps.0", "steps.0.aks", "steps.1.ask", "steps.1.b", "steps.3"]);
        assert!(parse::<Outer>("[").is_err());
    }
}
