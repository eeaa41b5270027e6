//! What the configuration of a stock component names, against what the manifests declare.
//!
//! A component cannot see `flow.toml` and `tenant.toml`, so it cannot notice this itself. Components of one's own are not
//! looked into: only they know what their configuration means.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FLOW_FILE, Manifest, Problem, Tenant, loaded::text_of};
use crate::{store::FlowVersion, whatsapp::Template};

/// A configuration file, read.
pub(super) struct Configuration {
    /// Its path inside the tenant's folder.
    pub(super) file: String,
    /// As written.
    pub(super) text: String,
    /// As read.
    pub(super) value: Value,
}

/// Templates that `script.toml` names: each must be declared, with as many blanks as the script fills.
pub(super) fn templates(script: &Configuration, declared: &BTreeMap<String, Template>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let messages = |path: &str, list: Option<&Value>| -> Vec<(String, Value)> {
        let list = list.and_then(Value::as_array).cloned().unwrap_or_default();
        list.into_iter().enumerate().map(|(at, message)| (format!("{path}.{at}"), message)).collect()
    };
    let opening = script.value.get("opening").cloned().map(|opening| ("opening".to_owned(), opening));
    let reminders = messages("reminders", script.value.get("reminders"));
    let follow_ups = messages("follow-ups.messages", script.value.pointer("/follow-ups/messages"));
    for (at, message) in opening.into_iter().chain(reminders).chain(follow_ups) {
        let filled = message.get("parameters").and_then(Value::as_array).map_or(0, Vec::len);
        for (path, name) in names(message.get("template")) {
            let key = format!("{at}.template{path}");
            let what = match declared.get(&name) {
                None => {
                    format!("there is no [templates.{name}] in {FLOW_FILE}; {}", listed("templates", declared.keys()))
                }
                Some(template) if template.values() != filled => format!(
                    "the template has {} blanks in {FLOW_FILE} and `parameters` fills {filled}: write one text for each",
                    template.values(),
                ),
                Some(_) => continue,
            };
            problems.push(Problem::of_key(&script.file, &script.text, &key, what));
        }
    }
    problems
}

/// Cron rules that `actions.toml` names: each must be declared in `flow.toml`.
pub(super) fn schedules(actions: &Configuration, manifest: &Manifest) -> Vec<Problem> {
    let rules = actions.value.get("on-schedule").and_then(Value::as_array).cloned().unwrap_or_default();
    let unknown = rules.iter().enumerate().filter_map(|(at, rule)| {
        let name = rule.get("name").and_then(Value::as_str).filter(|name| !name.is_empty())?;
        let is_declared = manifest.schedules.iter().any(|schedule| schedule.name == name);
        let what = format!("there is no [[schedules]] with the name {name:?} in {FLOW_FILE}");
        let key = format!("on-schedule.{at}.name");
        (!is_declared).then(|| Problem::of_key(&actions.file, &actions.text, &key, what))
    });
    unknown.collect()
}

/// What the stock components of a flow want and its tenant does not declare: endpoints, and a model.
pub fn undeclared(version: &FlowVersion, tenant: &Tenant) -> Vec<Problem> {
    let Ok(manifest) =
        text_of(version, FLOW_FILE).map_err(|_| ()).and_then(|text| Manifest::read(FLOW_FILE, &text).map_err(|_| ()))
    else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    if manifest.qualification.component == "stock:qualify" && tenant.model.is_none() {
        let script = stock_configuration(version, manifest.qualification.config.as_deref());
        problems.extend(script.iter().flat_map(undeclared_model));
    }
    if manifest.status_actions.component == "stock:status-actions" {
        let actions = stock_configuration(version, manifest.status_actions.config.as_deref());
        problems.extend(actions.iter().flat_map(|actions| undeclared_endpoints(actions, tenant)));
    }
    problems
}

/// The configuration of a stock component, if it can be read; an empty one when there is none.
fn stock_configuration(version: &FlowVersion, path: Option<&str>) -> Option<Configuration> {
    let path = path.unwrap_or_default().trim_start_matches("./");
    let text = text_of(version, path).unwrap_or_default();
    let value = toml::from_str::<Value>(&text).ok()?;
    let file = if path.is_empty() { FLOW_FILE } else { path };
    Some(Configuration { file: format!("{}/{file}", version.flow), text, value })
}

/// What a script asks of a model, when there is none: it would go by its rules alone, and nobody would know why.
fn undeclared_model(script: &Configuration) -> Vec<Problem> {
    let wanted = ["understand", "summary"].map(|key| format!("model.{key}"));
    let asked = wanted.into_iter().filter(|key| {
        let value = script.value.pointer(&format!("/{}", key.replace('.', "/")));
        value == Some(&Value::Bool(true))
    });
    asked
        .map(|key| {
            let what = format!("there is no [model] in {}: the script would go by its rules alone", super::TENANT_FILE);
            Problem::of_key(&script.file, &script.text, &key, what)
        })
        .collect()
}

/// Endpoints that the stock status actions name and that the tenant does not declare.
fn undeclared_endpoints(actions: &Configuration, tenant: &Tenant) -> Vec<Problem> {
    let Configuration { file, text, value } = actions;
    let mut named =
        vec![("endpoint".to_owned(), value.get("endpoint").and_then(Value::as_str).unwrap_or("crm").to_owned())];
    for list in ["on", "on-schedule", "on-review"] {
        let rules = value.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        for (at, rule) in rules.iter().enumerate() {
            for key in ["callback", "notify"] {
                let found = names(rule.get(key)).into_iter();
                named.extend(found.map(|(path, name)| (format!("{list}.{at}.{key}{path}"), name)));
            }
        }
    }
    let unknown = named.into_iter().filter(|(_, name)| !name.is_empty() && !tenant.endpoints.contains_key(name));
    unknown
        .map(|(key, name)| {
            let what = format!(
                "there is no [endpoints.{name}] in {}; {}",
                super::TENANT_FILE,
                listed("endpoints", tenant.endpoints.keys())
            );
            Problem::of_key(file, text, &key, what)
        })
        .collect()
}

/// The names in a value: a text, a list of texts, or texts by language; each with its path below the value's own.
fn names(value: Option<&Value>) -> Vec<(String, String)> {
    match value {
        Some(Value::String(name)) => vec![(String::new(), name.clone())],
        Some(Value::Array(list)) => {
            let texts = list.iter().enumerate();
            texts.filter_map(|(at, name)| Some((format!(".{at}"), name.as_str()?.to_owned()))).collect()
        }
        Some(Value::Object(map)) => {
            map.iter().filter_map(|(key, name)| Some((format!(".{key}"), name.as_str()?.to_owned()))).collect()
        }
        _ => Vec::new(),
    }
}

fn listed<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { format!("it declares no {what}") } else { format!("it declares {}", names.join(", ")) }
}
