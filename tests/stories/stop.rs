//! P5: STOP wins, whatever is queued.

use relais::model::{EnvelopeState, Payload, Phone};
use serde_json::json;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn after_stop_nothing_more_goes_out() {
    let scene = Scene::new("stop").await;
    let lead = json!({ "crm_contact_id": "CRM_1", "phone_number": "+33612345604" });
    scene.stage.post_lead("demo", &lead).await.unwrap();
    scene.pass(1).await;
    let person = scene.stage.simulator.person("+33612345604");
    person.write("Non");
    // The answer is queued behind its human pause; STOP comes before it leaves.
    let soon = scene.stage.clock.now() + jiff::SignedDuration::from_secs(8);
    scene.stage.pass_until(soon).await;
    let store = &scene.stage.host.store;
    let id = store.conversations(None, 1).await.unwrap().remove(0).id;
    let queued = |envelopes: &[relais::model::Envelope]| {
        envelopes
            .iter()
            .filter(|envelope| matches!(envelope.payload, Payload::Message(_)))
            .filter(|envelope| envelope.state == EnvelopeState::Queued)
            .count()
    };
    assert_eq!(queued(&store.envelopes(&id).await.unwrap()), 1);
    person.write("Stop !");
    scene.pass(60 * 24 * 8).await;

    assert_eq!(person.seen().len(), 1, "only the first message was ever seen");
    assert_eq!(queued(&store.envelopes(&id).await.unwrap()), 0);
    assert_eq!(scene.statuses().last().map(String::as_str), Some("OPT_OUT"));
    let last = scene.callbacks().pop().unwrap();
    assert_eq!(last.to_string(), r#"{"crm_id":"CRM_1","status":"OPT_OUT","details":{"reason":"STOP"}}"#);
    let phone = Phone::parse("+33612345604", None).unwrap();
    assert!(store.opted_out(&"demo".into(), &phone).await.unwrap());
    let refusal = scene.stage.post_lead("demo", &lead).await.unwrap_err().to_string();
    assert!(refusal.contains("opted-out"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_counts_from_the_moment_it_is_received() {
    let scene = Scene::new("stop-at-once").await;
    let lead = json!({ "crm_contact_id": "CRM_1", "phone_number": "+33612345604" });
    scene.stage.post_lead("demo", &lead).await.unwrap();
    scene.pass(1).await;
    scene.stage.simulator.person("+33612345604").write("STOP");
    // Before the quiet window of the burst ends, and so before the turn.
    let soon = scene.stage.clock.now() + jiff::SignedDuration::from_secs(2);
    scene.stage.pass_until(soon).await;
    let phone = Phone::parse("+33612345604", None).unwrap();
    assert!(scene.stage.host.store.opted_out(&"demo".into(), &phone).await.unwrap());
    assert!(!scene.statuses().contains(&"OPT_OUT".to_owned()));
}
