//! P10 and P11: a changed folder becomes a version, a bad one never replaces a good one, and a conversation stays on
//! the version that it began with.

use std::path::PathBuf;

use relais::{flows::Published, model::Digest};
use serde_json::json;

use super::scene::{Scene, eventually};

fn active(scene: &Scene) -> Digest {
    scene.stage.host.flows.active().into_iter().find(|(tenant, ..)| tenant.as_str() == "demo").unwrap().2
}

fn script(scene: &Scene) -> PathBuf {
    scene.folder.0.join("flows/demo/solaire/script.toml")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_live_a_moment_after_it_changes_and_a_broken_one_is_refused() {
    let scene = Scene::new("deploy").await;
    let first = active(&scene);
    let text = std::fs::read_to_string(script(&scene)).unwrap();

    let lead = json!({ "crm_contact_id": "CRM_1", "phone_number": "+33612345604" });
    scene.stage.post_lead("demo", &lead).await.unwrap();
    scene.pass(1).await;

    // Broken: an unknown key, named with its file and line.
    std::fs::write(script(&scene), format!("colour = \"green\"\n{text}")).unwrap();
    let published = std::sync::Arc::clone(&scene.published);
    let refused = move || {
        let published = published.lock().unwrap();
        published.iter().find_map(|published| match published {
            Published::Refused { problems, .. } => Some(problems.clone()),
            _ => None,
        })
    };
    eventually("the refusal", || refused().is_some()).await;
    let problem = refused().unwrap().remove(0);
    assert_eq!(
        (problem.file.as_str(), problem.line, problem.key.as_str()),
        ("solaire/script.toml", Some(1), "colour"),
        "{problem}"
    );
    assert_eq!(active(&scene), first);

    // Mended, with other words.
    let changed = text.replace("Quel est votre contexte actuel ?", "Et votre contexte ?");
    assert_ne!(changed, text);
    std::fs::write(script(&scene), &changed).unwrap();
    eventually("the new version", || active(&scene) != first).await;

    // The running conversation keeps the old words, even with the folder gone; a new one has the new words.
    let other = json!({ "crm_contact_id": "CRM_2", "phone_number": "+33612345605" });
    scene.stage.post_lead("demo", &other).await.unwrap();
    std::fs::remove_dir_all(scene.folder.0.join("flows/demo/solaire")).unwrap();
    let people = ["+33612345604", "+33612345605"].map(|number| scene.stage.simulator.person(number));
    for _ in 0..2 {
        scene.pass(2).await;
        people.iter().for_each(|person| drop(person.write("Non")));
    }
    scene.pass(2).await;
    let [old, new] = people.map(|person| person.seen().pop().unwrap().text);
    assert_eq!(old, "Merci pour votre réponse. Quel est votre contexte actuel ?");
    assert_eq!(new, "Merci pour votre réponse. Et votre contexte ?");
}
