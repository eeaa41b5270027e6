//! A tenant's model that misbehaves: the lead notices no more than an ordinary question, personal data does not leave, and
//! the log holds all that is needed to run the turns again.

use std::path::Path;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use relais::simulator::Scenario;
use serde_json::{Value, json};

use super::{
    misbehaving::{Server, Way},
    scene::{Scene, at, same_again},
};

/// A variable that is always there: what it holds stands for the key.
const KEY: &str = "PATH";
const QUESTION: &str = "Je n'ai pas bien compris : connaissez-vous déjà ce produit, oui ou non ?";
const UNDERSTOOD: &str = "Parfait ! Utilisez-vous un produit similaire ?";
/// What no rule understands, with what is nobody else's business.
const SAID: &str = "ma cousine Zoé en cause souvent, demandez-lui au 06 98 76 54 32 ou zoe@example.net";
const PRIVATE: [&str; 4] = ["98 76 54 32", "zoe@example.net", "61234", "Martin"];

/// A server that speaks OpenAI's API, and has no answer to any question but those that it is told.
fn model() -> Server {
    Server::new("/v1/chat/completions", says("{\"answer\":\"unclear\"}"))
}

fn says(content: &str) -> Way {
    let message = json!({ "role": "assistant", "content": content });
    Way::Says(json!({ "choices": [{ "index": 0, "finish_reason": "stop", "message": message }] }).to_string())
}

fn refuses() -> Way {
    let message = json!({ "role": "assistant", "refusal": "I cannot help with that." });
    Way::Says(json!({ "choices": [{ "message": message }] }).to_string())
}

/// What the system message and the user's message of each request were.
fn messages(model: &Server) -> Vec<(String, String)> {
    let text = |body: &Value, at: usize| body["messages"][at]["content"].as_str().unwrap().to_owned();
    let bodies = model.asked().into_iter().map(|asked| serde_json::from_str(&asked.body).unwrap());
    bodies.map(|body: Value| (text(&body, 0), text(&body, 1))).collect()
}

/// The demonstration with a script that asks a model, and a tenant that has this one.
async fn scene(name: &str, tenant: &str) -> Scene {
    let change = |folder: &Path| {
        add(&folder.join("solaire/script.toml"), "[model]\nunderstand = true\nsummary = true\n");
        add(&folder.join("tenant.toml"), tenant);
        // The golden conversations are the demonstration's.
        std::fs::remove_dir_all(folder.join("solaire/conversations")).unwrap();
    };
    Scene::changed(name, at("2025-10-08T10:00:00+02:00"), Scenario::friendly(), change).await
}

fn add(file: &Path, text: &str) {
    let before = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, format!("{before}\n{text}")).unwrap();
}

fn tenant(url: &str, more: &str) -> String {
    format!("[model]\nbase-url = \"{url}/v1\"\nmodel = \"small\"\nkey = \"env:{KEY}\"\ntimeout-seconds = 1\n{more}\n")
}

/// A lead to whom the first question was put.
async fn lead(scene: &Scene, number: usize) -> relais::simulator::Person {
    let phone = format!("+3361234{number:04}");
    let lead = json!({ "crm_contact_id": format!("CRM_{number}"), "phone_number": phone, "name": "Claire Martin" });
    scene.stage.post_lead("demo", &lead).await.unwrap();
    scene.pass(1).await;
    scene.stage.simulator.person(&phone)
}

/// Writes, and gives what is answered within five minutes, and how long that took.
async fn writes(scene: &Scene, person: &relais::simulator::Person, text: &str) -> (Vec<String>, SignedDuration) {
    let before = person.seen().len();
    let begin: Timestamp = scene.stage.clock.now();
    person.write(text);
    scene.pass(5).await;
    let seen = person.seen();
    let last = seen.last().map_or(begin, |message| message.at);
    (seen[before..].iter().map(|message| message.text.clone()).collect(), last.duration_since(begin))
}

/// Every turn of every conversation gives the same bytes again, and no log holds the key.
async fn runs_again(scene: &Scene) {
    let host = &scene.stage.host;
    let key = std::env::var(KEY).unwrap();
    for conversation in host.store.conversations(None, 100).await.unwrap() {
        let log = host.store.log(&conversation.id).await.unwrap();
        let envelopes = host.store.envelopes(&conversation.id).await.unwrap();
        assert!(!format!("{log:?}{envelopes:?}{conversation:?}").contains(&key), "the key is in the log");
        assert!(same_again(&scene.stage, &conversation).await.len() > 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_misbehaves_costs_the_lead_an_ordinary_question_at_most() {
    let yes = || says("{\"answer\":\"yes\"}");
    let model = model();
    let scene = scene("model", &tenant(&model.open().await, "")).await;
    let broken = Way::Fails(StatusCode::INTERNAL_SERVER_ERROR, None);
    let cases: [(&[Way], usize, &str); 11] = [
        (&[yes()], 1, UNDERSTOOD),
        (&[says("```json\n{\"answer\": \"yes\"}\n```")], 1, UNDERSTOOD),
        (&[broken.clone(), yes()], 2, UNDERSTOOD),
        (&[Way::Fails(StatusCode::TOO_MANY_REQUESTS, Some(4)), yes()], 2, UNDERSTOOD),
        (&[broken.clone(), broken], 2, QUESTION),
        (&[Way::Fails(StatusCode::UNAUTHORIZED, None)], 1, QUESTION),
        (&[Way::Hangs], 1, QUESTION),
        (&[refuses()], 1, QUESTION),
        (&[Way::Says("<html>Bad gateway</html>".to_owned())], 1, QUESTION),
        (&[says("{\"answer\":\"certainly\",\"and\":1}")], 1, QUESTION),
        (&[says(&"{\"answer\":\"yes\"} ".repeat(100_000))], 1, QUESTION),
    ];
    let (_, plain) = writes(&scene, &lead(&scene, 99).await, "Oui").await;
    for (number, (ways, times, said)) in cases.into_iter().enumerate() {
        let person = lead(&scene, number).await;
        model.will(ways);
        let (answered, after) = writes(&scene, &person, SAID).await;
        assert_eq!(answered, [said], "{ways:?}");
        assert_eq!(model.asked().len(), times, "{ways:?}");
        assert!(after >= plain, "{ways:?}: the pause of a human is kept");
        // Asked again after as long as the server wanted.
        if let Way::Fails(_, Some(seconds)) = ways[0] {
            assert!(after >= plain + SignedDuration::from_secs(seconds.into()), "{after} {plain}");
        }
    }
    // A line that breaks is tried once more, and heals or does not.
    for (number, (ways, said)) in
        (20..).zip([([Way::Breaks, yes()], UNDERSTOOD), ([Way::Breaks, Way::Breaks], QUESTION)])
    {
        let person = lead(&scene, number).await;
        model.will(&ways);
        assert_eq!(writes(&scene, &person, SAID).await.0, [said], "{ways:?}");
        assert_eq!(model.asked().len(), 2);
    }
    runs_again(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_is_told_is_masked_and_its_summary_held_to_the_facts() {
    const TRUE: &str = "Prospect intéressé par l'offre, a demandé le prix. RDV confirmé avec un expert jeudi à 14h30.";
    const FALSE: &str = "Claire veut 30 panneaux. RDV confirmé jeudi à 14h30.";
    let model = model();
    let scene = scene("model-masked", &tenant(&model.open().await, "")).await;
    let summary = |text: &str| json!({ "summary": text }).to_string();
    for (number, written, told) in [
        (1, summary(TRUE), TRUE),
        (2, summary(FALSE), "Prospect intéressé par l'offre. A demandé le prix. RDV confirmé avec un expert."),
        (3, "nothing".to_owned(), "Prospect intéressé par l'offre. A demandé le prix. RDV confirmé avec un expert."),
    ] {
        let person = lead(&scene, number).await;
        model.will(&[says("{\"answer\":\"yes\"}"), says(&written)]);
        for text in [SAID, "Et le prix ?", "Jeudi à 14h30"] {
            writes(&scene, &person, text).await;
        }
        let callback = scene.callbacks().pop().unwrap();
        assert_eq!((&callback["status"], &callback["ai_summary"]), (&json!("MEETING_BOOKED"), &json!(told)));
        let asked = messages(&model);
        assert_eq!(asked.len(), 2);
        assert!(asked[0].1.contains("souvent"), "{asked:?}");
        for (system, user) in &asked {
            assert!(PRIVATE.iter().all(|private| !system.contains(private) && !user.contains(private)), "{asked:?}");
        }
        let bearer = format!("Bearer {}", std::env::var(KEY).unwrap());
        assert!(model.asked().iter().all(|asked| asked.headers["authorization"] == *bearer));
        // Another time; one callback for each.
        assert_eq!(scene.statuses().iter().filter(|status| *status == "MEETING_BOOKED").count(), number);
        writes(&scene, &person, "Finalement il faut annuler").await;
    }
    runs_again(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_data_leaves_only_when_the_tenant_says_so_and_without_a_model_the_rules_go_on() {
    let model = model();
    let open = scene("model-open", &tenant(&model.open().await, "mask = false")).await;
    writes(&open, &lead(&open, 1).await, SAID).await;
    assert_eq!(messages(&model)[0].1, SAID);

    let without = scene("model-none", "").await;
    let person = lead(&without, 1).await;
    assert_eq!(writes(&without, &person, SAID).await.0, [QUESTION]);
    writes(&without, &person, "Et le prix ?").await;
    writes(&without, &person, "Jeudi à 14h30").await;
    assert_eq!(without.statuses().last().map(String::as_str), Some("MEETING_BOOKED"));
    runs_again(&without).await;
}
