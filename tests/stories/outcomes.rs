//! How conversations end, with WhatsApp at its worst: P7, and the guide's payloads of NOT_REACHABLE and NO_OUTCOME.

use relais::simulator::{Fault, Scenario, When};
use serde_json::{Value, json};

use super::scene::Scene;

const NUMBER: &str = "+33612345604";

async fn hand_over(scene: &Scene) -> Value {
    let lead = json!({ "crm_contact_id": "CRM_1", "phone_number": NUMBER });
    scene.stage.post_lead("demo", &lead).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_whatsapp_is_not_reachable() {
    let scene = Scene::new("no-whatsapp").await;
    scene.stage.simulator.person(NUMBER).not_on_whatsapp();
    hand_over(&scene).await;
    scene.pass(60 * 24 * 8).await;
    let bodies: Vec<String> = scene.callbacks().iter().map(Value::to_string).collect();
    assert_eq!(bodies, [r#"{"crm_id":"CRM_1","status":"NOT_REACHABLE","details":{"reason":"NO_WHATSAPP"}}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_delivery_undoes_not_reachable() {
    let scene = Scene::with("late", Scenario::friendly().with(Fault::DeliveredAfterFailed, When::first(1))).await;
    hand_over(&scene).await;
    scene.pass(60).await;
    assert_eq!(scene.statuses()[..2], ["NOT_REACHABLE", "FIRST_MESSAGE_DELIVERED"]);
    // The conversation goes on.
    let person = scene.stage.simulator.person(NUMBER);
    person.write("Non");
    scene.pass(2).await;
    assert_eq!(person.seen().len(), 2);
    assert!(scene.statuses().contains(&"RESPONSE_RECEIVED".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_and_shuffled_receipts_tell_each_status_once_in_order() {
    let scenario = Scenario::friendly()
        .with(Fault::Duplicates, When::always())
        .with(Fault::Reorder, When::always())
        .with(Fault::StatusBeforeResponse, When::always());
    let scene = Scene::with("shuffled", scenario).await;
    hand_over(&scene).await;
    scene.pass(5).await;
    let person = scene.stage.simulator.person(NUMBER);
    person.write("Oui");
    scene.pass(10).await;
    assert_eq!(scene.statuses(), ["FIRST_MESSAGE_DELIVERED", "FIRST_MESSAGE_READ", "RESPONSE_RECEIVED"]);
    assert_eq!(person.seen().len(), 2, "one answer to one message");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_on_the_way_is_proven_by_its_receipt_and_not_sent_twice() {
    let scene = Scene::with("lost", Scenario::friendly().with(Fault::LostResponse, When::first(1))).await;
    hand_over(&scene).await;
    scene.pass(30).await;
    assert_eq!(scene.stage.simulator.person(NUMBER).seen().len(), 1);
    assert_eq!(scene.statuses(), ["FIRST_MESSAGE_DELIVERED", "FIRST_MESSAGE_READ"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_as_no_outcome_once() {
    let scene = Scene::new("silence").await;
    hand_over(&scene).await;
    scene.pass(1).await;
    scene.stage.simulator.person(NUMBER).write("Non");
    scene.pass(60 * 24 * 14).await;
    let finals: Vec<Value> = scene
        .callbacks()
        .into_iter()
        .filter(|body| {
            let status = body["status"].as_str().unwrap();
            !status.starts_with("FIRST_MESSAGE") && status != "RESPONSE_RECEIVED"
        })
        .collect();
    let [body] = finals.as_slice() else { panic!("{} final statuses", finals.len()) };
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["crm_id", "status", "ai_summary", "conversation_transcript"]);
    assert_eq!(body["status"], "NO_OUTCOME");
    assert!(body["conversation_transcript"].as_str().unwrap().contains("👤 Client: Non"));
}
