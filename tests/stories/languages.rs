//! Plugins in other languages: the same conversation comes out of each, a turn run again gives the same bytes, and what
//! `relais plugin new` makes can be built and played.
//!
//! The examples' components are not in the repository. `examples/build` makes those whose tools it finds; what is missing
//! here is passed over loudly, unless `RELAIS_EXAMPLES` names it (as the gate does).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use jiff::{SignedDuration, Timestamp};
use relais::stage::{Golden, Stage};
use serde_json::{Value, json};

use super::scene::{Folder, at, copy, repository, same_again, stage_of};

/// An example's folder, if its component was built.
fn example(name: &str) -> Option<PathBuf> {
    let folder = repository().join("examples").join(name);
    if folder.join("flow/plugin.wasm").is_file() {
        return Some(folder);
    }
    let wanted = std::env::var("RELAIS_EXAMPLES").unwrap_or_default();
    assert!(!wanted.split(',').any(|wanted| wanted == name), "{name} is not built: run examples/build");
    eprintln!("\n*** NOT TESTED: examples/{name} is not built; run examples/build ***\n");
    None
}

/// A stage where the plugin's folder is a tenant.
async fn stage(plugin: &Path, begin: Timestamp, folder: &Folder) -> (Stage, String) {
    let tenant = plugin.file_name().unwrap().to_str().unwrap().to_owned();
    let flows = folder.0.join("published");
    copy(&plugin.join("flow"), &flows.join(&tenant).join("flow"));
    for file in ["tenant.toml", "crm.secret"] {
        std::fs::copy(plugin.join(file), flows.join(&tenant).join(file)).unwrap();
    }
    let stage = stage_of(flows, folder, begin).await;
    (stage, tenant)
}

/// Plays a plugin's golden conversation and gives the bodies of its callbacks.
async fn play(plugin: &Path) -> Vec<Value> {
    let conversations = plugin.join("flow/conversations");
    let path = std::fs::read_dir(conversations).unwrap().next().unwrap().unwrap().path();
    let golden = Golden::read("golden", &std::fs::read_to_string(path).unwrap()).unwrap();
    let folder = Folder::new("languages");
    let (stage, tenant) = stage(plugin, at("2025-10-08T09:31:00+02:00"), &folder).await;
    let played = stage.play(&tenant, None, &golden).await.unwrap();
    assert_eq!(played.differences, [], "{}: {:#?}", plugin.display(), played.entries);
    stage.crm.received().into_iter().map(|callback| callback.body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_conversation_comes_out_of_every_language() {
    for group in
        [["rust-hello", "js-hello", "python-hello", "c-hello", "go-hello"].as_slice(), &["rust-roles", "js-roles"]]
    {
        let mut played = BTreeMap::new();
        for name in group {
            if let Some(plugin) = example(name) {
                played.insert(name, play(&plugin).await);
            }
        }
        let mut bodies = played.iter();
        if let Some((first, expected)) = bodies.next() {
            for (name, found) in bodies {
                assert_eq!(found, expected, "{name} differs from {first}");
            }
        }
    }
}

/// Those that share a conversation have the very same one, and the very same company around it.
#[test]
fn examples_share_what_is_not_about_their_language() {
    let examples = repository().join("examples");
    let read = |name: &str, path: &str| std::fs::read_to_string(examples.join(name).join(path)).unwrap();
    for (first, others, path) in [
        ("rust-hello", ["js-hello", "python-hello", "c-hello", "go-hello"].as_slice(), "flow/conversations/book.toml"),
        ("rust-roles", &["js-roles"], "flow/conversations/roles.toml"),
        ("rust-hello", &["js-hello", "python-hello", "c-hello", "go-hello", "rust-roles", "js-roles"], "tenant.toml"),
    ] {
        for other in others {
            assert_eq!(read(other, path), read(first, path), "{other}/{path} is not that of {first}");
        }
    }
}

/// P4, in three languages: 200 people at once, who want the same slot, one of whom gets it.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_turns_run_again_give_the_same_bytes() {
    const PEOPLE: usize = 200;
    for name in ["rust-hello", "js-hello", "python-hello"] {
        let Some(plugin) = example(name) else { continue };
        let begin = at("2025-10-08T09:31:00+02:00");
        let folder = Folder::new("determinism");
        let (stage, tenant) = stage(&plugin, begin, &folder).await;
        let mut people = Vec::new();
        for person in 0..PEOPLE {
            let number = format!("+336123{person:05}");
            let lead = json!({ "crm_contact_id": format!("C-{person}"), "phone_number": number, "name": format!("Zoé {person}") });
            stage.post_lead(&tenant, &lead).await.unwrap();
            people.push(stage.simulator.person(&number));
        }
        for (minute, says) in (1..).zip(["Hello", "Solar panels ☀", "Yes"]) {
            stage.pass_until(begin + SignedDuration::from_mins(minute)).await;
            for (index, person) in people.iter().enumerate() {
                person.write(&format!("{says} {index}"));
            }
        }
        stage.pass_until(begin + SignedDuration::from_mins(15)).await;

        let mut turns = 0;
        for conversation in stage.host.store.conversations(None, PEOPLE).await.unwrap() {
            for call in same_again(&stage, &conversation).await {
                assert!(!call.logged.is_null(), "{name}: a fault in turn {}", call.turn);
                turns += usize::from(call.function == "qualification.advance");
            }
        }
        assert!(turns >= 5 * PEOPLE, "{name}: only {turns} turns");
    }
}

/// `relais` with these arguments; what it printed when it succeeded.
fn relais(arguments: &[&str]) -> String {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    let output = Command::new(env!("CARGO_BIN_EXE_relais"))
        .args(arguments)
        // Kept for the next run of this test.
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "relais {arguments:?}:\n{out}\n{err}");
    out.into_owned()
}

fn has_wasm_target() -> bool {
    let asked = Command::new("rustc").args(["--print", "target-libdir", "--target", "wasm32-wasip2"]).output();
    asked.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_plugin_in_rust_is_built_and_played() {
    if !has_wasm_target() {
        assert!(std::env::var("RELAIS_EXAMPLES").is_err(), "install the target wasm32-wasip2");
        eprintln!("\n*** NOT TESTED: a new plugin in Rust; run `rustup target add wasm32-wasip2` ***\n");
        return;
    }
    let folder = Folder::new("plugin");
    for (name, role) in [("first-one", "qualification"), ("all-three", "all")] {
        let plugin = folder.0.join(name);
        let path = plugin.to_str().unwrap();
        relais(&["plugin", "new", path, "--lang", "rust", "--role", role]);
        relais(&["plugin", "build", path]);
        relais(&["flow", "check", path]);
        play(&plugin).await;
    }
}

#[test]
fn a_new_plugin_is_complete_in_every_language() {
    let folder = Folder::new("new");
    for lang in ["rust", "js", "python", "c", "go"] {
        let name = format!("my-{lang}");
        let plugin = folder.0.join(&name);
        relais(&["plugin", "new", plugin.to_str().unwrap(), "--lang", lang]);
        for file in
            ["plugin.toml", "tenant.toml", "crm.secret", "flow/flow.toml", "flow/conversations/book.toml", ".gitignore"]
        {
            assert!(plugin.join(file).is_file(), "{name} has no {file}");
        }
        for file in ["package.json", "Cargo.toml"] {
            if let Ok(text) = std::fs::read_to_string(plugin.join(file)) {
                assert!(text.contains(&name) && !text.contains("-hello"), "{text}");
            }
        }
    }
    let refused = Command::new(env!("CARGO_BIN_EXE_relais"))
        .args(["plugin", "new", folder.0.join("my-rust").to_str().unwrap(), "--lang", "rust"])
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("it exists already"));
}
