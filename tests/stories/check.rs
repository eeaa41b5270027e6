//! `relais flow check` finds all that a careful colleague would, at once, each with its file and line.

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::Value;

use super::scene::{Folder, repository};

/// A script with a mistake on each line that ends with `#! KEY | some of what is said about it`.
const SCRIPT: &str = r##"
languages = ["fr", "en"]
colour = "blue" #! colour | unknown field `colour`
[opening]
template = "bonjour" #! opening.template | there is no [templates.bonjour] in flow.toml; it declares rappel
[[steps]]
id = "toit"
answer = "yes-no"
note = "toit"
ask = { fr = "Avez-vous un toit ?" } #! steps.0.ask.en | missing in `en`
on.no.then = "end:apart" #! steps.0.on.no.then | there is no [endings.apart]
rules = [{ if = "notes.surface > 3", then = "booking" }] #! steps.0.rules.0.if | nothing is noted under `surface`
[[steps]]
id = "genre"
answer = "choice"
show = "buttons"
ask = { fr = "Maison ?", en = "{{ home }}?" } #! steps.1.ask.en | there is no variable `home`
choices = [
  { id = "a", label = { fr = "Maison individuelle de plain-pied", en = "House" } }, #! steps.1.choices.0.label.fr | 33 characters: WhatsApp takes 20 here
  { id = "b", label = { fr = "Appartement", en = "Flat" } },
]
[[steps]]
id = "age"
answer = "nombre" #! steps.2.answer | unknown variant `nombre`
ask = { fr = "Votre âge ?", en = "Your age?" }
[booking]
ask = { fr = "Quand {{ slots }} ?", en = "When?" } #! booking.ask.fr | `slots` has a value only in booking.offer-times
ask-day = { fr = "Quel jour ?", en = "Which day?" }
offer-times = "{{ slots }} ?"
offer-days = "{{ days }} ?"
offer-slots = "{{ slots }} ?"
taken = "{{ slots }} ?"
none-free = "Rien de libre." #! booking.none-free | one text for all the languages
confirm = "{{ day }} {{ time }}"
cancelled = "OK."
[[reminders]] #! reminders.0.template | name a template of flow.toml
before = "2h"
text = "{{ time }}"
[[reminders]]
before = "1h"
text = "{{ time }}"
template = "rappel" #! reminders.1.template | has 1 blanks in flow.toml and `parameters` fills 0
[[follow-ups.messages]]
after = "bientôt" #! follow-ups.messages.0.after | a duration such as
text = "?"
template = "rappel"
parameters = ["?"]
[[follow-ups.messages]]
after = "1d"
text = "?"
template = "rappel"
parameters = ["{{ first_name"] #! follow-ups.messages.1.parameters.0 | the text cannot be read
[model]
understand = true #! model.understand | there is no [model] in tenant.toml
summary = false
"##;

const FLOW: &str = r#"
[roles.qualification]
component = "stock:qualify"
config = "script.toml"
[roles.status-actions]
component = "stock:status-actions"
config = "actions.toml"
[templates.rappel]
name = "rappel"
language = "fr"
category = "utility"
body = "À {{1}}."
"#;

const ACTIONS: &str = r#"
endpoint = "crm"
[[on]]
status = "NO_OUTCOME"
notify = ["slack"] #! on.0.notify.0 | there is no [endpoints.slack] in tenant.toml; it declares crm
[[on-schedule]]
name = "matin" #! on-schedule.0.name | there is no [[schedules]] with the name "matin"
tag = "x"
"#;

/// What a file's marks expect: line, key, words.
fn marks(file: &str, text: &str) -> Vec<(String, u64, String, String)> {
    let marked = text.lines().enumerate().filter_map(|(at, line)| {
        let (key, what) = line.split_once("#! ")?.1.split_once(" | ")?;
        Some((file.to_owned(), at as u64 + 1, key.to_owned(), what.to_owned()))
    });
    marked.collect()
}

fn check(folder: &Path) -> Value {
    let ran =
        Command::new(env!("CARGO_BIN_EXE_relais")).args(["flow", "check", "--json"]).arg(folder).output().unwrap();
    assert_eq!(ran.status.code(), Some(1), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn every_mistake_is_found_at_once_on_its_line() {
    let folder = Folder::new("check");
    let flow = folder.0.join("solaire");
    std::fs::create_dir_all(&flow).unwrap();
    let tenant = std::fs::read_to_string(repository().join("flows/demo/tenant.toml")).unwrap();
    let tenant = tenant
        .replace("default-flow = \"solaire\"", "default-flow = \"solar\" #! default-flow | there is no folder solar");
    for (path, text) in
        [("solaire/script.toml", SCRIPT), ("solaire/flow.toml", FLOW), ("solaire/actions.toml", ACTIONS)]
    {
        std::fs::write(folder.0.join(path), text).unwrap();
    }
    std::fs::write(folder.0.join("tenant.toml"), &tenant).unwrap();

    let told = check(&folder.0);
    let mut expected = marks("solaire/script.toml", SCRIPT);
    expected.extend(marks("solaire/actions.toml", ACTIONS));
    expected.extend(marks("tenant.toml", &tenant));
    let problems = told["problems"].as_array().unwrap();
    let mut unexpected = BTreeSet::from_iter(0..problems.len());
    for (file, line, key, what) in &expected {
        let found = problems.iter().position(|problem| {
            problem["file"] == *file
                && problem["line"] == *line
                && problem["key"] == *key
                && problem["what"].as_str().unwrap().contains(what)
        });
        unexpected.remove(&found.unwrap_or_else(|| panic!("{file}:{line}: {key}: {what}\n{told:#}")));
    }
    let unexpected: Vec<_> = unexpected.into_iter().map(|at| &problems[at]).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

#[test]
fn a_file_that_is_no_toml_has_all_its_broken_lines_named() {
    let folder = Folder::new("no-toml");
    let script = "languages = [\"fr\"]\nsteps = = 3\n\n[booking]\nask = \"?\nhorizon = 2d\n";
    std::fs::write(folder.0.join("flow.toml"), FLOW).unwrap();
    std::fs::write(folder.0.join("actions.toml"), "").unwrap();
    std::fs::write(folder.0.join("script.toml"), script).unwrap();
    let told = check(&folder.0);
    let lines: Vec<u64> = told["problems"].as_array().unwrap().iter().filter_map(|it| it["line"].as_u64()).collect();
    assert_eq!(lines, [2, 5, 6], "{told:#}");
}
