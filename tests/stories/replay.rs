//! What operators look at: a candidate against the past, conversations turn by turn, forked into tests, continued.

use std::{path::Path, process::Command, sync::Arc};

use relais::{
    model::{EnvelopeState, Payload},
    simulator::Scenario,
    stage::Golden,
    store::{Dossier, SledStore, Store},
};
use serde_json::{Value, json};

use super::scene::{Scene, repository};

const CONTEXT: &str = "Quel est votre contexte actuel ?";

/// The demonstration's script, in which those who use something similar are not bothered any more.
fn base() -> String {
    let script = std::fs::read_to_string(repository().join("flows/demo/solaire/script.toml")).unwrap();
    let similar = "say = \"Merci pour votre réponse.\"";
    assert!(script.contains(similar) && script.contains(CONTEXT));
    let script = script.replacen(similar, &format!("{similar}\non.yes.then = \"end:equipe\""), 1);
    format!(
        "{script}\n[endings.equipe]\nsay = \"Très bien, bonne continuation !\"\noutcome = \"opt-out\"\nreason = \"EQUIPE\"\n"
    )
}

/// A candidate's folder with this script.
fn candidate(scene: &Scene, name: &str, script: &str) -> String {
    let folder = scene.folder.0.join("candidates").join(name).join("solaire");
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["flow.toml", "crm.toml", "actions.toml"] {
        std::fs::copy(repository().join("flows/demo/solaire").join(file), folder.join(file)).unwrap();
    }
    std::fs::write(folder.join("script.toml"), script).unwrap();
    folder.to_str().unwrap().to_owned()
}

fn relais(key: &str, arguments: &[&str]) -> (i32, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_relais")).args(arguments).env("RELAIS_OPERATOR_KEY", key).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Everything that is known of every conversation.
async fn everything(store: &dyn Store) -> Vec<Dossier> {
    let mut all = Vec::new();
    for conversation in store.conversations(None, usize::MAX).await.unwrap() {
        all.push(Dossier::read(store, &conversation.id).await.unwrap().unwrap());
    }
    all
}

async fn lead(scene: &Scene, number: u32) -> String {
    let lead = json!({
        "crm_contact_id": format!("CRM_{number}"), "phone_number": format!("+336123456{number}"),
        "name": "Zoé Lefèvre", "email": "zoe@lefevre.fr",
    });
    scene.stage.post_lead("demo", &lead).await.unwrap()["conversation_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn past_conversations_tell_what_a_candidate_would_change() {
    let scene = Scene::new("replay").await;
    let key = scene.stage.operator_key().to_owned();
    let url = scene.stage.host.url();
    let (code, told, error) =
        relais(&key, &["flow", "push", &candidate(&scene, "base", &base()), "--to", &url, "--tenant", "demo"]);
    assert!(code == 0, "{told}{error}");

    // One stays silent; the others say more and more, one of them ends it.
    let said: [&[&str]; 5] = [&[], &["Non"], &["Non", "Non"], &["Non", "Oui"], &["Non", "Non", "Deux bureaux"]];
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(lead(&scene, 10 + number).await);
    }
    scene.pass(3).await;
    for round in 0..3 {
        for (number, texts) in (10..).zip(said) {
            if let Some(text) = texts.get(round) {
                scene.stage.simulator.person(&format!("+336123456{number}")).write(text);
            }
        }
        scene.pass(3).await;
    }
    let before = everything(&*scene.stage.host.store).await;
    let sent = |scene: &Scene| {
        (10..15).map(|number| scene.stage.simulator.person(&format!("+336123456{number}")).seen().len()).sum::<usize>()
    };
    let sent_before = sent(&scene);
    assert_eq!(before.iter().filter(|dossier| dossier.past.conversation.outcome.is_some()).count(), 1);

    let against = |folder: &str, more: &[&str]| {
        let mut arguments = vec!["flow", "replay", folder, "--tenant", "demo", "--against", &url, "--last", "30000d"];
        arguments.extend(more);
        relais(&key, &arguments)
    };
    // The same flow: all the same.
    let (code, told, error) = against(&candidate(&scene, "same", &base()), &["--fail-on", "text"]);
    assert!(code == 0 && told.trim() == "5 the same", "{told}{error}");

    // Other words.
    let words = base().replace(CONTEXT, "Et votre contexte ?");
    let folder = candidate(&scene, "words", &words);
    let (code, told, _) = against(&folder, &["--fail-on", "outcome"]);
    assert!(code == 0 && told.contains("3 the same") && told.contains("2 say it differently"), "{told}");
    assert!(told.contains(&format!("conversation {}, at message 2", ids[2])), "{told}");
    assert_eq!(against(&folder, &["--fail-on", "text"]).0, 1);

    // Another end, and another question in between.
    let step = "[[steps]]\nid = \"delai\"\nanswer = \"text\"\nnote = \"delai\"\nask = \"Pour quand ?\"\n\n[[steps]]\nid = \"besoin\"";
    let other = words.replacen("[[steps]]\nid = \"besoin\"", step, 1).replacen(
        "outcome = \"opt-out\"",
        "outcome = \"no-outcome\"",
        1,
    );
    let folder = candidate(&scene, "other", &other);
    let (code, told, _) = against(&folder, &["--fail-on", "outcome"]);
    assert_eq!(code, 1);
    let ends = format!("OPT_OUT → NO_OUTCOME (EQUIPE) (conversation {}, diverges at message 2)", ids[3]);
    for wanted in ["2 the same", "1 say it differently", "1 end differently", &ends, "1 go another way"] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    let (_, told, _) = against(&folder, &["--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["counts"], json!({ "same": 2, "words": 1, "outcome": 1, "course": 1, "fault": 0, "nothing": 0 }));
    let course = told["differing"].as_array().unwrap().iter().find(|found| found["verdict"]["is"] == "course").unwrap();
    assert_eq!((&course["conversation"], &course["at"]["message"]), (&json!(ids[4]), &json!(3)));

    // A recent past only, in which there is nothing: not the same as no difference. A store in use; a candidate that is
    // not in order.
    let (code, _, error) =
        relais(&key, &["flow", "replay", &folder, "--tenant", "demo", "--against", &url, "--last", "1h"]);
    assert!(code == 1 && error.contains("no conversation of demo/solaire"), "{error}");
    let store = scene.folder.0.join("store");
    let in_store = ["flow", "replay", &folder, "--tenant", "demo", "--against", store.to_str().unwrap()];
    let (code, _, error) = relais(&key, &in_store);
    assert!(code != 0 && error.contains("ask the host instead"), "{error}");
    let (code, _, error) = against(&candidate(&scene, "broken", &format!("colour = 1\n{words}")), &[]);
    assert!(code != 0 && error.contains("script.toml:1"), "{error}");

    // Nothing was written, nothing was sent.
    assert_eq!(everything(&*scene.stage.host.store).await, before);
    assert_eq!(sent(&scene), sent_before);

    // Step by step; and forked into a test that passes on the same flow, without the person.
    let (code, told, error) = relais(&key, &["conversations", "show", &ids[3], "--turns", "--to", &url]);
    assert_eq!(code, 0, "{error}");
    for wanted in [
        "event    message-received \"Oui\"",
        "answered {\"kind\":\"conclude\"",
        "sends    message",
        "came     sent",
        "state    {",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    let (_, told, error) = relais(&key, &["conversations", "fork", &ids[3], "--to", &url]);
    let golden = Golden::read("forked.toml", &told).unwrap_or_else(|problems| panic!("{problems:?} {error} {told}"));
    assert!(!told.contains("efèvre") && !told.contains("+33612345613") && told.contains("OPT_OUT"), "{told}");
    let begin = golden.begin.instant(&jiff::tz::TimeZone::get("Europe/Paris").unwrap());
    let again = Scene::beginning("forked", begin, Scenario::friendly()).await;
    let url = again.stage.host.url();
    let pushed = relais(
        again.stage.operator_key(),
        &["flow", "push", &candidate(&again, "base", &base()), "--to", &url, "--tenant", "demo"],
    );
    assert_eq!(pushed.0, 0, "{}", pushed.2);
    let played = again.stage.play("demo", None, &golden).await.unwrap();
    assert_eq!(played.differences, [], "{told}");

    // The host stopped, its store can be asked.
    drop(again);
    let Scene { stage, folder: _folder, .. } = scene;
    drop(stage);
    let (code, told, error) = relais("", &in_store);
    assert!(code == 0 && told.contains("2 the same") && told.contains(&ends), "{told}{error}");
    let store = SledStore::open(Path::new(in_store[6])).unwrap();
    assert_eq!(everything(&store).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_conversation_is_seen_and_continued_after_the_flow_is_mended() {
    let scene = Scene::new("retry").await;
    let (key, url) = (scene.stage.operator_key().to_owned(), scene.stage.host.url());
    let store = Arc::clone(&scene.stage.host.store);
    let folder = candidate(&scene, "broken", &base());
    let manifest = format!("{folder}/flow.toml");
    let whole = std::fs::read_to_string(&manifest).unwrap();
    let broken = whole.replacen("stock:qualify", "./q.wasm", 1).replacen("\"script.toml\"", "\"h.toml\"", 1);
    std::fs::write(&manifest, &broken).unwrap();
    std::fs::copy(repository().join("tests/guests/built/hostile.wasm"), format!("{folder}/q.wasm")).unwrap();
    std::fs::write(format!("{folder}/h.toml"), "misbehave = \"panic\"\n").unwrap();
    let push = ["flow", "push", &folder, "--to", &url, "--tenant", "demo"];
    assert_eq!(relais(&key, &push).0, 0);

    let id = lead(&scene, 20).await;
    scene.pass(10).await;
    let (_, told, _) = relais(&key, &["conversations", "list", "--parked", "--to", &url]);
    assert!(told.contains(&id) && told.contains("PARKED (panic)"), "{told}");
    let log = store.log(&id.as_str().into()).await.unwrap();
    assert_eq!(log.iter().filter(|entry| entry.fault.is_some()).count(), 5, "parked after five faults in a row");
    let (_, told, _) = relais(&key, &["conversations", "show", &id, "--turns", "--to", &url]);
    assert!(told.contains("fault    panic") && told.contains("boom for"), "{told}");

    // Mended, in a version that takes running conversations over; then continued.
    std::fs::write(&manifest, format!("migrate = \"latest\"\n{whole}")).unwrap();
    let (code, _, error) = relais(&key, &push);
    assert_eq!(code, 0, "{error}");
    scene.pass(1).await;
    let person = scene.stage.simulator.person("+33612345620");
    assert_eq!(person.seen().len(), 0);
    let (code, _, error) = relais(&key, &["conversations", "retry", &id, "--to", &url]);
    assert_eq!(code, 0, "{error}");
    scene.pass(3).await;
    assert_eq!(person.seen().len(), 1);
    let (code, _, error) = relais(&key, &["conversations", "retry", &id, "--to", &url]);
    assert!(code != 0 && error.contains("not parked"), "{error}");

    // A CRM that takes nothing: its callbacks are parked, listed, and sent again.
    scene.stage.crm.refuse_with(Some(500));
    person.write("Non");
    scene.pass(60 * 24 * 2).await;
    let (_, told, _) = relais(&key, &["callbacks", "list", "--to", &url]);
    assert!(told.contains("RESPONSE_RECEIVED to crm"), "{told}");
    let listed: Vec<String> =
        told.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect();
    scene.stage.crm.refuse_with(None);
    let (code, told, error) = relais(&key, &["callbacks", "replay", "--all", "--to", &url]);
    assert_eq!(code, 0, "{told}{error}");
    scene.pass(60 * 24).await;
    assert!(scene.statuses().contains(&"RESPONSE_RECEIVED".to_owned()));
    let envelopes = store.envelopes(&id.as_str().into()).await.unwrap();
    let parked = |envelope: &&relais::model::Envelope| {
        matches!((&envelope.payload, &envelope.state), (Payload::Callback(_), EnvelopeState::Parked { .. }))
    };
    assert!(!envelopes.iter().filter(parked).any(|envelope| listed.contains(&envelope.id.to_string())));
}
