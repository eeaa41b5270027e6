//! P10 and P11: versions come by folder and by push, are checked, activated, compared, rolled back and swept; running
//! conversations keep theirs over a restart and a deleted folder, or move on purpose; half-done writers do no harm.

use std::{io::Write as _, path::PathBuf, process::Command, sync::Arc, time::Duration};

use relais::{
    flows::{self, Flows, Published},
    model::Event,
    sandbox::{self, Sandbox},
    store::{SledStore, Store as _},
};
use serde_json::{Value, json};

use super::scene::{Scene, eventually, repository};

const CONTEXT: &str = "Quel est votre contexte actuel ?";

fn flow(scene: &Scene) -> PathBuf {
    scene.folder.0.join("flows/demo/solaire")
}

fn script(scene: &Scene) -> String {
    std::fs::read_to_string(flow(scene).join("script.toml")).unwrap()
}

fn active(scene: &Scene) -> String {
    let (tenant, flow) = ("demo".into(), "solaire".into());
    scene.stage.host.flows.active_digest(&tenant, &flow).unwrap().to_string()
}

async fn ask(scene: &Scene, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = reqwest::Client::new()
        .request(method, format!("{}{path}", scene.stage.host.url()))
        .bearer_auth(scene.stage.operator_key());
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The flow's files as a push carries them, with another script.
fn files(scene: &Scene, script: &str) -> Value {
    let text = |name: &str| std::fs::read_to_string(flow(scene).join(name)).unwrap();
    json!({ "files": {
        "flow.toml": text("flow.toml"), "crm.toml": text("crm.toml"), "actions.toml": text("actions.toml"),
        "script.toml": script,
    }})
}

async fn lead(scene: &Scene, number: u32) -> String {
    let lead = json!({ "crm_contact_id": format!("CRM_{number}"), "phone_number": format!("+336123456{number}") });
    scene.stage.post_lead("demo", &lead).await.unwrap()["conversation_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_version_is_checked_compared_and_rolled_back_and_stands_against_the_folder() {
    let scene = Scene::new("push").await;
    let path = "/v1/flows/demo/solaire";
    let first = active(&scene);
    let changed = script(&scene).replace(CONTEXT, "Et votre contexte ?");

    // Only the operator; what is wrong is named with its file and line, and what is active goes on.
    let refused = reqwest::Client::new()
        .put(format!("{}{path}", scene.stage.host.url()))
        .bearer_auth(scene.stage.key("demo"))
        .json(&files(&scene, &changed))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);
    let broken = files(&scene, &format!("colour = \"green\"\n{changed}"));
    let (status, problem) = ask(&scene, "PUT", path, Some(&broken)).await;
    assert_eq!((status, &problem["problems"][0]["line"]), (422, &json!(1)), "{problem}");
    for (bad, field) in [
        (json!({ "files": { "../flow.toml": "x" } }), "files.../flow.toml"),
        (json!({ "files": { "a.toml": "x" } }), "files.flow.toml"),
        (json!({ "files": { "flow.toml": { "base64": "!" } } }), "files.flow.toml"),
        (json!({ "folder": {} }), "files"),
    ] {
        let (status, problem) = ask(&scene, "PUT", path, Some(&bad)).await;
        assert!((400..500).contains(&status) && problem["field"] == field, "{status} {problem}");
    }
    assert_eq!(active(&scene), first);

    // A good one, first only checked, then active; the same content is the same version.
    let (status, answer) = ask(&scene, "PUT", &format!("{path}?activate=false"), Some(&files(&scene, &changed))).await;
    assert_eq!((status, &answer["state"]), (200, &json!("checked")), "{answer}");
    assert_eq!(active(&scene), first);
    let (_, answer) = ask(&scene, "PUT", path, Some(&files(&scene, &changed))).await;
    let second = answer["version"].as_str().unwrap().to_owned();
    assert_eq!((&answer["state"], active(&scene)), (&json!("active"), second.clone()));
    let (_, again) = ask(&scene, "PUT", path, Some(&files(&scene, &changed))).await;
    assert_eq!((&again["version"], &again["changed"]), (&json!(second), &json!(false)));

    let (_, history) = ask(&scene, "GET", path, None).await;
    let states: Vec<&str> =
        history["versions"].as_array().unwrap().iter().map(|version| version["state"].as_str().unwrap()).collect();
    assert_eq!(states.iter().filter(|state| **state == "active").count(), 1, "{history}");
    assert!(states.contains(&"refused") && states.contains(&"checked"), "{history}");
    let (_, diff) = ask(&scene, "GET", &format!("{path}/diff?from={first}&to={}", &second[..8]), None).await;
    let files_changed = diff["files"].as_array().unwrap();
    // Golden conversations were not pushed with it.
    let (golden, others): (Vec<_>, Vec<_>) =
        files_changed.iter().partition(|file| file["path"].as_str().unwrap().starts_with("conversations/"));
    assert!(golden.iter().all(|file| file["change"] == "removed"), "{diff}");
    assert!(golden.iter().any(|file| file["path"] == "conversations/guide.toml"), "{diff}");
    let [script] = others[..] else { panic!("{diff}") };
    assert_eq!((&script["path"], &script["change"]), (&json!("script.toml"), &json!("changed")));
    let lines = script["lines"].as_str().unwrap();
    assert!(lines.contains("-") && lines.contains("+") && lines.contains("Et votre contexte ?"), "{lines}");

    // The folder has not changed since: another file of the tenant's does not bring it back, nor does a restart.
    let tenant = scene.folder.0.join("flows/demo/tenant.toml");
    let text = std::fs::read_to_string(&tenant).unwrap();
    std::fs::write(&tenant, format!("{text}\n# a remark\n")).unwrap();
    let published = Arc::clone(&scene.published);
    eventually("the tenant's new version", move || {
        let published = published.lock().unwrap();
        published
            .iter()
            .filter(|found| matches!(found, Published::Active { flow, .. } if flow.as_str() == "@tenant"))
            .count()
            == 2
    })
    .await;
    assert_eq!(active(&scene), second);

    // Rolled back, from the command line; then the folder says something new, and is heard.
    let relais = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_relais"))
            .args(arguments)
            .env("RELAIS_OPERATOR_KEY", scene.stage.operator_key())
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let url = scene.stage.host.url();
    let (done, ..) = relais(&["flow", "activate", "demo/solaire", &first[..10], "--to", &url]);
    assert!(done && active(&scene) == first);
    let folder = scene.folder.0.join("solaire-new");
    std::fs::create_dir(&folder).unwrap();
    for name in ["flow.toml", "crm.toml", "actions.toml"] {
        std::fs::copy(flow(&scene).join(name), folder.join(name)).unwrap();
    }
    std::fs::write(folder.join("script.toml"), "colour = 1\n").unwrap();
    let push = ["flow", "push", folder.to_str().unwrap(), "--to", &url, "--tenant", "demo", "--flow", "solaire"];
    let (done, _, told) = relais(&push);
    assert!(!done && told.contains("script.toml:1"), "{told}");
    std::fs::write(folder.join("script.toml"), &changed).unwrap();
    let (done, told, _) = relais(&push);
    assert!(done && told.contains("active") && active(&scene) == second, "{told}");
    let (_, told, _) = relais(&["flow", "status", "demo/solaire", "--to", &url]);
    assert!(told.lines().any(|line| line.trim_start().starts_with("active") && line.contains(&second[..12])), "{told}");
    std::fs::write(flow(&scene).join("script.toml"), changed.replace("Et votre contexte", "Votre contexte")).unwrap();
    eventually("the folder's new version", || ![&first, &second].contains(&&active(&scene))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_keeps_its_version_over_a_restart_without_the_folder_and_old_versions_go() {
    let scene = Scene::new("keep").await;
    let first = active(&scene);
    let old = lead(&scene, 10).await;
    scene.pass(1).await;
    let text = script(&scene);
    // More versions than are kept.
    for number in 0..8 {
        let changed = text.replace(CONTEXT, &format!("Et votre contexte {number} ?"));
        let (status, answer) = ask(&scene, "PUT", "/v1/flows/demo/solaire", Some(&files(&scene, &changed))).await;
        assert_eq!(status, 200, "{answer}");
    }
    let last = active(&scene);
    let (_, history) = ask(&scene, "GET", "/v1/flows/demo/solaire", None).await;
    let versions = history["versions"].as_array().unwrap();
    // The active one, five to roll back to, and the one that a conversation runs on.
    assert_eq!(versions.len(), 7, "{history}");
    let running =
        |digest: &str| versions.iter().find(|version| version["version"] == digest).unwrap()["running"].clone();
    assert_eq!((running(&first), running(&last)), (json!(1), json!(0)));

    // The folder goes, the host stops; another one opens the same store.
    let Scene { stage, folder, .. } = scene;
    std::fs::remove_dir_all(folder.0.join("flows/demo")).unwrap();
    drop(stage);
    let store = Arc::new(SledStore::open(&folder.0.join("store")).unwrap());
    let sandbox = Sandbox::new(sandbox::Options {
        cache_dir: Some(std::env::temp_dir().join("relais-components")),
        ..sandbox::Options::default()
    })
    .unwrap();
    let flows = Flows::open(store.clone(), sandbox, flows::Options::of_folder(folder.0.join("flows"))).await.unwrap();
    assert_eq!(flows.publish(jiff::Timestamp::UNIX_EPOCH).await.unwrap(), []);
    let conversation = store.conversation(&old.as_str().into()).await.unwrap().unwrap();
    assert_eq!(conversation.version.as_str(), first);
    let (tenant, flow) = ("demo".into(), "solaire".into());
    let loaded = flows.version(&tenant, &flow, &conversation.version).await.unwrap();
    assert_eq!(loaded.digest.as_str(), first);
    assert_eq!(flows.active_digest(&tenant, &flow).unwrap().as_str(), last);
    // Its log run again on what the store kept.
    let log = store.log(&conversation.id).await.unwrap();
    let again = relais::turn::rerun(&loaded, &log).await;
    assert!(!again.is_empty() && again.iter().all(relais::turn::Rerun::is_same));
}

#[tokio::test(flavor = "multi_thread")]
async fn running_conversations_move_when_the_flow_says_so_and_their_state_can_be_read() {
    let scene = Scene::new("migrate").await;
    let first = active(&scene);
    let person = |number: u32| scene.stage.simulator.person(&format!("+336123456{number}"));
    let (one, two) = (lead(&scene, 10).await, lead(&scene, 11).await);
    scene.pass(2).await;
    person(10).write("Non");
    person(11).write("Non");
    scene.pass(2).await;
    let manifest = std::fs::read_to_string(flow(&scene).join("flow.toml")).unwrap();
    let with = |script: &str, manifest: String| {
        let mut files = files(&scene, script);
        files["files"]["flow.toml"] = manifest.into();
        files
    };

    // A component that traps whatever it is asked cannot take anything over.
    let traps = std::fs::read(repository().join("tests/guests/built/hostile.wasm")).unwrap();
    let mut hostile = with(
        &script(&scene),
        format!(
            "migrate = \"latest\"\n{}",
            manifest.replacen("stock:qualify", "./q.wasm", 1).replacen(
                "config = \"script.toml\"",
                "config = \"h.toml\"",
                1
            )
        ),
    );
    hostile["files"]["q.wasm"] = json!({ "base64": base64(&traps) });
    hostile["files"]["h.toml"] = "misbehave = \"panic\"\n".into();
    let (status, answer) = ask(&scene, "PUT", "/v1/flows/demo/solaire", Some(&hostile)).await;
    assert_eq!(status, 200, "{answer}");
    scene.pass(1).await;
    let store = Arc::clone(&scene.stage.host.store);
    let version = async |id: &str| store.conversation(&id.into()).await.unwrap().unwrap().version.to_string();
    assert_eq!((version(&one).await, version(&two).await), (first.clone(), first.clone()));
    let log = store.log(&one.as_str().into()).await.unwrap();
    let last = log.iter().rfind(|entry| matches!(entry.event, Event::VersionActivated { .. })).unwrap();
    assert!(
        last.policy[0].contains("stays on version") && last.policy[0].contains("fails (panic)"),
        "{:?}",
        last.policy
    );

    // Other words, same steps: they move, and go on in the new words.
    let changed = script(&scene).replace(CONTEXT, "Et votre contexte ?");
    let good = with(&changed, format!("migrate = \"latest\"\n{manifest}"));
    let (status, answer) = ask(&scene, "PUT", "/v1/flows/demo/solaire", Some(&good)).await;
    assert_eq!(status, 200, "{answer}");
    scene.pass(1).await;
    assert_eq!((version(&one).await, version(&two).await), (active(&scene), active(&scene)));
    person(10).write("Non");
    scene.pass(2).await;
    assert!(person(10).seen().pop().unwrap().text.contains("Et votre contexte ?"));
    let running = store.running(&"demo".into(), &"solaire".into()).await.unwrap();
    assert_eq!(
        running.iter().map(|(digest, count)| (digest.as_str(), *count)).collect::<Vec<_>>(),
        [(active(&scene).as_str(), 2)]
    );
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(bytes)
}

/// What was told of the flow since, oldest first.
fn told(scene: &Scene) -> Vec<Published> {
    let published = scene.published.lock().unwrap();
    published
        .iter()
        .filter(|found| {
            let (Published::Active { flow, .. } | Published::Checked { flow, .. } | Published::Refused { flow, .. }) =
                found;
            flow.as_str() == "solaire"
        })
        .cloned()
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_is_half_done_is_waited_for() {
    let scene = Scene::new("writers").await;
    let first = active(&scene);
    let text = script(&scene);
    let words = |number: u32| text.replace(CONTEXT, &format!("Et votre contexte {number} ?"));
    assert_eq!(told(&scene).len(), 1);

    // An editor: a swap file held open, a backup by rename, a new file in its place.
    let folder = flow(&scene);
    let _swap = std::fs::File::create(folder.join(".script.toml.swp")).unwrap();
    std::fs::rename(folder.join("script.toml"), folder.join("script.toml~")).unwrap();
    std::fs::write(folder.join("script.toml"), words(1)).unwrap();
    eventually("the edited version", || active(&scene) != first).await;
    let edited = active(&scene);

    // A slow copy in pieces, each pause longer than the silence: half a script is valid TOML, half a component is not
    // one. Meanwhile other tenants are not kept waiting.
    let component = std::fs::read(repository().join("plugins/built/qualify.wasm")).unwrap();
    let manifest = std::fs::read_to_string(folder.join("flow.toml")).unwrap();
    let mut wasm = std::fs::File::create(folder.join("qualify.wasm")).unwrap();
    wasm.write_all(&component[..component.len() / 2]).unwrap();
    std::fs::write(folder.join("flow.toml"), manifest.replacen("stock:qualify", "./qualify.wasm", 1)).unwrap();
    let mut copy = std::fs::File::create(folder.join("script.toml")).unwrap();
    let whole = words(2);
    let cut = whole.find("\n\n[[").unwrap();
    copy.write_all(&whole.as_bytes()[..cut]).unwrap();
    let other = scene.folder.0.join("flows/other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("tenant.toml"), "colour = 1\n").unwrap();
    let published = Arc::clone(&scene.published);
    eventually("the neighbour's refusal", move || {
        published
            .lock()
            .unwrap()
            .iter()
            .any(|found| matches!(found, Published::Refused { tenant, .. } if tenant.as_str() == "other"))
    })
    .await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!((active(&scene), told(&scene).len()), (edited.clone(), 2));
    wasm.write_all(&component[component.len() / 2..]).unwrap();
    copy.write_all(&whole.as_bytes()[cut..]).unwrap();
    drop((wasm, copy));
    eventually("the copied version", || active(&scene) != edited).await;
    let copied = active(&scene);

    // A folder built beside and renamed into place, the old one moved away in between.
    let beside = scene.folder.0.join("flows/demo/.solaire.new");
    std::fs::create_dir(&beside).unwrap();
    std::fs::write(beside.join("script.toml"), words(3)).unwrap();
    for name in ["flow.toml", "crm.toml", "actions.toml", "qualify.wasm"] {
        std::fs::copy(folder.join(name), beside.join(name)).unwrap();
    }
    std::fs::rename(&folder, scene.folder.0.join("flows/demo/.solaire.old")).unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(active(&scene), copied, "nothing that is active is lost");
    std::fs::rename(&beside, &folder).unwrap();
    eventually("the renamed version", || active(&scene) != copied).await;

    // Nothing was refused on the way, and every version was whole.
    let told = told(&scene);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.iter().all(|found| matches!(found, Published::Active { .. })), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_script_serves_in_a_fraction_of_the_time_that_its_component_takes_to_compile() {
    let scene = Scene::new("speed").await;
    let first = active(&scene);
    let words =
        |number: u32| script(&scene).replace(CONTEXT, &format!("Et votre contexte {number}{} ?", std::process::id()));
    // Compiled by this host from the start; the first push waits for it if need be.
    let (status, answer) = ask(&scene, "PUT", "/v1/flows/demo/solaire", Some(&files(&scene, &words(1)))).await;
    assert_eq!(status, 200, "{answer}");
    let second = active(&scene);
    let begun = std::time::Instant::now();
    ask(&scene, "PUT", "/v1/flows/demo/solaire", Some(&files(&scene, &words(2)))).await;
    let pushed = begun.elapsed();
    let third = active(&scene);
    assert!(second != first && third != second);
    let dropped = std::time::Instant::now();
    std::fs::write(flow(&scene).join("script.toml"), words(3)).unwrap();
    while active(&scene) == third {
        assert!(dropped.elapsed() < Duration::from_secs(30), "30 s went by without the version");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let dropped = dropped.elapsed();

    // What it takes without what this host has at hand.
    let begun = std::time::Instant::now();
    let cold = Sandbox::new(sandbox::Options::default()).unwrap();
    let wasm = std::fs::read(repository().join("plugins/built/qualify.wasm")).unwrap();
    let config: Value = toml::from_str(&words(4)).unwrap();
    cold.prepare_soon(sandbox::Role::Qualification, &wasm, &config, sandbox::Limits::default()).await.unwrap();
    let compiled = begun.elapsed();
    println!(
        "pushed and serving in {pushed:?}, dropped and serving in {dropped:?}; compiling alone takes {compiled:?}"
    );
    assert!(pushed * 2 < compiled, "{pushed:?} against {compiled:?}");

    // The image follows, and turns start from it.
    let flows = scene.stage.host.flows.clone();
    let digest = flows.active_digest(&"demo".into(), &"solaire".into()).unwrap();
    let loaded = flows.version(&"demo".into(), &"solaire".into(), &digest).await.unwrap();
    eventually("the image", || loaded.qualification.starts_configured()).await;
}
