//! How webhooks come.

use std::sync::atomic::Ordering;

use relais::{
    simulator::{Fault, Scenario, WebhookTarget, When},
    whatsapp,
};
use serde_json::Value;

use super::setting::{OTHER, SECRET, Stage, intro};

#[tokio::test]
async fn a_batch_is_sent_whole_until_it_is_taken() {
    let mut scenario = Scenario::friendly().with(Fault::Batches, When::always());
    scenario.webhooks.batch_wait_ms = 5_000;
    let stage = Stage::set(scenario).await;
    stage.door.refusals.store(3, Ordering::SeqCst);
    let bob = stage.simulator.person("+33612345605").to_business(OTHER);
    stage.ana.burst(&["un", "deux", "trois"]);
    bob.write("moi aussi");
    stage.simulator.person("+33612345606").write("et moi");
    stage.send(intro()).await;
    stage.pass(4).await;
    assert!(stage.bodies().is_empty(), "still gathering");
    stage.pass(60).await;
    let bodies = stage.door.bodies.lock().unwrap().clone();
    assert_eq!(bodies.len(), 4, "refused at once, at once again, after 5 s, taken after 15 s");
    assert!(bodies.iter().all(|body| *body == bodies[0]), "the same bytes each time");
    let body: Value = serde_json::from_slice(&bodies[0]).unwrap();
    assert_eq!(body["entry"].as_array().unwrap().len(), 2, "an entry an account");
    let changes = body["entry"][0]["changes"].as_array().unwrap();
    let count = |change: usize, list: &str| changes[change]["value"][list].as_array().unwrap().len();
    assert_eq!((count(0, "messages"), count(0, "contacts"), count(1, "statuses")), (4, 2, 3));
    assert_eq!(whatsapp::decode(&bodies[0]).unwrap().len(), 8);
}

#[tokio::test]
async fn the_webhook_is_registered_by_a_handshake() {
    let stage = Stage::set(Scenario::friendly()).await;
    stage.simulator.register().await.unwrap();
    let url = stage.door.clone().open().await;
    stage.simulator.set_webhook(WebhookTarget { url, app_secret: SECRET.to_owned(), verify_token: "wrong".to_owned() });
    assert!(stage.simulator.register().await.is_err());
}

#[tokio::test]
async fn a_seed_replays() {
    let run = || async {
        let mut scenario = Scenario::friendly();
        scenario.latency.jitter_ms = 400;
        for fault in [Fault::Duplicates, Fault::Reorder, Fault::Failed131049, Fault::UnknownType, Fault::Batches] {
            scenario = scenario.with(fault, When::chance(0.4));
        }
        let stage = Stage::set(scenario).await;
        for text in ["a", "b", "c", "d", "e", "f"] {
            stage.ana.write(text);
            stage.send(intro()).await;
            stage.pass(10).await;
        }
        let bodies = stage.door.bodies.lock().unwrap().clone();
        assert!(stage.statuses().contains(&"failed".to_owned()) && bodies.len() > 10);
        bodies
    };
    assert_eq!(run().await, run().await, "byte for byte");
}
