//! P13: a person is erased everywhere, and the bytes with them; and a backup taken while the host works is whole.

use std::{path::Path, process::Command, sync::Arc};

use relais::store::{Dossier, SledStore, Store};
use serde_json::{Value, json};

use super::scene::Scene;

fn relais(key: &str, arguments: &[&str]) -> (i32, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_relais")).args(arguments).env("RELAIS_OPERATOR_KEY", key).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Files under a folder that hold one of the texts.
fn holding(folder: &Path, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, texts));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for text in texts.iter().filter(|text| memchr::memmem::find(&bytes, text.as_bytes()).is_some()) {
            found.push(format!("{} holds {text}", path.display()));
        }
    }
    found
}

async fn talk(scene: &Scene, number: u32, name: &str, says: &[&str]) -> String {
    let lead = json!({ "crm_contact_id": format!("CRM_{number}"), "phone_number": format!("+336123456{number}"), "name": name });
    let id = scene.stage.post_lead("demo", &lead).await.unwrap()["conversation_id"].as_str().unwrap().to_owned();
    scene.pass(2).await;
    for text in says {
        scene.stage.simulator.person(&format!("+336123456{number}")).write(text);
        scene.pass(3).await;
    }
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_forgotten_to_the_last_byte_and_stays_silent() {
    let scene = Scene::new("erase").await;
    let (key, url) = (scene.stage.operator_key().to_owned(), scene.stage.host.url());
    let booked = ["Non", "Non", "Un contexte bien à moi", "Entre 6,5 et 7", "Demain 14h30"];
    let one = talk(&scene, 40, "Zoé Lefèvre", &booked).await;
    let two = talk(&scene, 41, "Autre Personne", &["Non"]).await;
    let gone = talk(&scene, 42, "Partie Avant", &["STOP"]).await;
    let store = Arc::clone(&scene.stage.host.store);
    let dossier = Dossier::read(&*store, &one.as_str().into()).await.unwrap().unwrap();
    assert!(dossier.past.conversation.meeting.is_some());
    let neighbour = Dossier::read(&*store, &two.as_str().into()).await.unwrap().unwrap();
    let mut texts: Vec<String> = ["33612345640", "Lefèvre", "contexte bien à moi", "CRM_40"].map(str::to_owned).into();
    texts.push(one.clone());
    texts.extend(dossier.lines.iter().filter_map(|line| line.wamid.clone()));
    assert!(texts.len() > 10);

    // While the host runs: gone for everyone who asks.
    let (code, told, error) = relais(&key, &["erase", "--tenant", "demo", "--phone", "+33612345640", "--to", &url]);
    assert!(code == 0 && told.contains("erased 1 conversations"), "{told}{error}");
    let erased = relais(&key, &["erase", "--tenant", "demo", "--contact", "CRM_42", "--to", &url]).1;
    assert!(erased.contains("they had opted out"), "{erased}");
    assert_eq!(
        relais(&key, &["erase", "--tenant", "demo", "--phone", "+33612345640", "--to", &url]).1.trim(),
        "nothing is known of that person"
    );
    for id in [&one, &gone] {
        assert!(store.conversation(&id.as_str().into()).await.unwrap().is_none());
    }
    assert_eq!(store.meetings(&"demo".into(), jiff::Timestamp::UNIX_EPOCH).await.unwrap(), []);
    scene.pass(60 * 30).await;
    assert_eq!(
        scene.stage.simulator.person("+33612345640").seen().len(),
        dossier.lines.iter().filter(|line| line.direction == relais::model::Direction::Out).count()
    );
    // Who had said STOP is left alone, although nobody knows them any more.
    assert!(store.opted_out(&"demo".into(), &relais::model::Phone::from_whatsapp("33612345642")).await.unwrap());
    let again = json!({ "crm_contact_id": "CRM_42", "phone_number": "+33612345642" });
    assert!(scene.stage.post_lead("demo", &again).await.unwrap_err().to_string().contains("opted-out"));
    // A neighbour keeps everything.
    let kept = Dossier::read(&*store, &two.as_str().into()).await.unwrap().unwrap();
    assert_eq!(kept.lines[..neighbour.lines.len()], neighbour.lines[..]);
    assert_eq!(kept.past.log[..neighbour.past.log.len()], neighbour.past.log[..]);

    // A backup does not know them either; the files' old segments may, until they are written anew.
    let backup = scene.folder.0.join("copy");
    let (code, told, error) = relais(&key, &["backup", backup.to_str().unwrap(), "--to", &url]);
    assert!(code == 0, "{told}{error}");
    let bytes = std::fs::read(&backup).unwrap();
    for text in &texts {
        assert!(memchr::memmem::find(&bytes, text.as_bytes()).is_none(), "the backup holds {text}");
    }
    drop(store);
    let Scene { stage, folder, .. } = scene;
    drop(stage);
    let place = folder.0.join("store");
    let (code, told, error) =
        relais("", &["erase", "--tenant", "demo", "--contact", "CRM_40", "--store", place.to_str().unwrap()]);
    assert!(code == 0, "{told}{error}");
    assert_eq!(holding(&place, &texts), Vec::<String>::new());
    let store = SledStore::open(&place).unwrap();
    let after = Dossier::read(&store, &two.as_str().into()).await.unwrap().unwrap();
    assert_eq!(after, kept);
    assert_eq!(store.active_versions().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_under_load_is_the_store_at_one_moment() {
    let scene = Scene::new("backup").await;
    let (key, url) = (scene.stage.operator_key().to_owned(), scene.stage.host.url());
    for number in 50..60 {
        talk(&scene, number, "Quelqu'un", &[]).await;
    }
    // Leads keep coming while the copy is taken.
    let (host, bearer) = (url.clone(), scene.stage.key("demo").to_owned());
    let load = tokio::spawn(async move {
        let client = reqwest::Client::new();
        for number in 0..400 {
            let lead =
                json!({ "crm_contact_id": format!("L{number}"), "phone_number": format!("+3361200{number:04}") });
            let sent = client.post(format!("{host}/v1/leads")).bearer_auth(&bearer).json(&lead).send().await;
            assert_eq!(sent.unwrap().status(), 202);
        }
    });
    let backup = scene.folder.0.join("copy");
    let mut copies = Vec::new();
    for number in 0..3 {
        let copy = backup.with_extension(number.to_string());
        let (code, told, error) = relais(&key, &["backup", copy.to_str().unwrap(), "--to", &url]);
        assert_eq!(code, 0, "{told}{error}");
        copies.push(copy);
    }
    load.await.unwrap();
    let mut counts = Vec::new();
    for copy in &copies {
        let place = copy.with_extension("restored");
        let _ = std::fs::remove_dir_all(&place);
        let (code, told, error) = relais("", &["restore", copy.to_str().unwrap(), "--store", place.to_str().unwrap()]);
        assert_eq!(code, 0, "{told}{error}");
        let store = SledStore::open(&place).unwrap();
        let conversations = store.conversations(None, usize::MAX).await.unwrap();
        // Whole: each is found by its lead and counted on its version, and has every turn of its log.
        for known in &conversations {
            assert_eq!(
                store.conversations_of(&known.tenant, &known.lead.crm_id).await.unwrap(),
                std::slice::from_ref(&known.id)
            );
            let turns: Vec<u64> = store.log(&known.id).await.unwrap().iter().map(|entry| entry.turn).collect();
            assert_eq!(turns, (0..known.next_turn).collect::<Vec<_>>());
        }
        let running = store.running(&"demo".into(), &"solaire".into()).await.unwrap();
        assert_eq!(running.iter().map(|(_, count)| *count).sum::<u64>(), conversations.len() as u64);
        let (tenant, flow, digest) = store.active_versions().await.unwrap().pop().unwrap();
        assert!(store.version(&tenant, &flow, &digest).await.unwrap().is_some());
        counts.push(conversations.len());
    }
    assert!(counts.is_sorted() && counts[0] >= 10, "{counts:?}");

    // Cut off or changed, it is refused, and nothing is made of it; nor is a store that is there replaced.
    let whole = std::fs::read(&copies[0]).unwrap();
    let place = scene.folder.0.join("nothing");
    for (bytes, why) in
        [(&whole[..whole.len() - 50], "cut off"), (&[&whole[..900], b"x", &whole[901..]].concat()[..], "backup")]
    {
        std::fs::write(&backup, bytes).unwrap();
        let (code, _, error) = relais("", &["restore", backup.to_str().unwrap(), "--store", place.to_str().unwrap()]);
        assert!(code != 0 && error.contains(why) && !place.exists(), "{error}");
    }
    let taken = scene.folder.0.join("store");
    let (code, _, error) = relais("", &["restore", copies[0].to_str().unwrap(), "--store", taken.to_str().unwrap()]);
    assert!(code != 0 && error.contains("not empty"), "{error}");
    let (_, problem): (_, Value) = {
        let answer = reqwest::Client::new()
            .post(format!("{url}/v1/operator/erase"))
            .bearer_auth(&key)
            .json(&json!({ "tenant": "demo" }))
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap())
    };
    assert_eq!(problem["field"], "phone_number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_shown_and_revoked_while_the_host_runs() {
    let scene = Scene::new("keys").await;
    let (operator, url) = (scene.stage.operator_key().to_owned(), scene.stage.host.url());
    let knock = async |key: &str| {
        let request = reqwest::Client::new().get(format!("{url}/v1/leads/CRM_1")).bearer_auth(key);
        request.send().await.unwrap().status().as_u16()
    };
    let made = relais(&operator, &["keys", "create", "--tenant", "demo", "--env", "test", "--json", "--to", &url]);
    let made: Value = serde_json::from_str(&made.1).unwrap();
    let (id, secret) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert_eq!(knock(secret).await, 404, "the key opens the door; there is no such lead");

    let (_, listed, _) = relais(&operator, &["keys", "list", "--to", &url]);
    assert!(listed.contains(id) && !listed.contains(secret), "{listed}");
    assert_eq!(relais(&operator, &["keys", "revoke", id, "--to", &url]).0, 0);
    assert_eq!(knock(secret).await, 401);
    let (code, _, said) = relais(&operator, &["keys", "revoke", id, "--to", &url]);
    assert!(code == 1 && said.contains("lists them"), "{said}");

    let (code, _, said) = relais(&operator, &["keys", "create", "--tenant", "nobody", "--env", "test", "--to", &url]);
    assert!(code == 1 && said.contains("no tenant"), "{said}");
    let (code, _, said) = relais("not-the-operator's-key", &["keys", "list", "--to", &url]);
    assert!(code == 1 && said.contains("operator"), "{said}");
}
