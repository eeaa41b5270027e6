//! Texts with variables, and conditions: all parsed when the version is activated, so that a turn only fills them in.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, UndefinedBehavior, Value};

/// What texts and conditions may use: see `script::VARIABLES` for the names.
pub(crate) type Variables = BTreeMap<&'static str, serde_json::Value>;

/// The parsed texts; each is found again by its own source.
#[derive(Debug)]
pub(crate) struct Texts {
    environment: Environment<'static>,
}

impl Texts {
    pub(crate) fn new() -> Self {
        let mut environment = Environment::new();
        // A person without a name is no error: the text simply has nothing there.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_formatter(|out, state, value| {
            let french =
                state.lookup("language").is_some_and(|tag| tag.as_str().is_some_and(|tag| tag.starts_with("fr")));
            out.write_str(&said(value, french)).map_err(minijinja::Error::from)
        });
        Self { environment }
    }

    /// Parses a text; gives the variables it uses, nested ones with their dots.
    pub(crate) fn add(&mut self, source: &str) -> Result<BTreeSet<String>, String> {
        self.add_named(source.to_owned(), source.to_owned())
    }

    /// Parses a condition such as `notes.surface > 80 and answer == "yes"`.
    pub(crate) fn add_condition(&mut self, condition: &str) -> Result<BTreeSet<String>, String> {
        self.add_named(condition_name(condition), format!("{{% if {condition} %}}true{{% endif %}}"))
    }

    /// Fills in a text, on one line where the template has none of its own. An unknown source (it would not have
    /// passed `configure`) is given back as it is.
    pub(crate) fn render(&self, source: &str, variables: &Variables) -> String {
        if !source.contains('{') {
            return source.to_owned();
        }
        let template = self.environment.get_template(source);
        let text = template.and_then(|template| template.render(Value::from(Serde(variables))));
        text.unwrap_or_else(|_| source.to_owned())
    }

    /// Whether a condition holds.
    pub(crate) fn holds(&self, condition: &str, variables: &Variables) -> bool {
        let template = self.environment.get_template(&condition_name(condition));
        let text = template.and_then(|template| template.render(Value::from(Serde(variables))));
        text.is_ok_and(|text| text == "true")
    }

    fn add_named(&mut self, name: String, source: String) -> Result<BTreeSet<String>, String> {
        let told = |error: minijinja::Error| error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        self.environment.add_template_owned(name.clone(), source).map_err(told)?;
        let template = self.environment.get_template(&name).map_err(told)?;
        Ok(template.undeclared_variables(true).into_iter().collect())
    }
}

/// A value as people write it: "oui", "6,5 à 7", "au moins 10", and nothing for what is not known.
fn said(value: &Value, french: bool) -> String {
    let either = |in_french: &str, in_english: &str| if french { in_french.to_owned() } else { in_english.to_owned() };
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => String::new(),
        ValueKind::Bool if value.is_true() => either("oui", "yes"),
        ValueKind::Bool => either("non", "no"),
        ValueKind::Number if french => value.to_string().replace('.', ","),
        ValueKind::Map => {
            let end = |key: &str| {
                let end = value.get_attr(key).ok().filter(|end| !end.is_undefined() && !end.is_none());
                end.map(|end| said(&end, french))
            };
            match (end("from"), end("to")) {
                (Some(from), Some(to)) => format!("{from} {} {to}", either("à", "to")),
                (Some(from), None) => format!("{} {from}", either("au moins", "at least")),
                (None, Some(to)) => format!("{} {to}", either("au plus", "at most")),
                (None, None) => value.to_string(),
            }
        }
        _ => value.to_string(),
    }
}

fn condition_name(condition: &str) -> String {
    format!("if {condition}")
}
