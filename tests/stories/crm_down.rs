//! P9: callbacks wait for a CRM that is down, in order, each with one `webhook-id`.

use serde_json::json;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_arrive_in_order_once_the_crm_is_back() {
    let scene = Scene::new("crm-down").await;
    scene.stage.crm.refuse_with(Some(503));
    let lead = json!({ "crm_contact_id": "CRM_1", "phone_number": "+33612345604" });
    scene.stage.post_lead("demo", &lead).await.unwrap();
    scene.pass(2).await;
    scene.stage.simulator.person("+33612345604").write("Oui");
    scene.pass(30).await;
    assert_eq!(scene.statuses(), Vec::<String>::new());
    scene.stage.crm.refuse_with(None);
    scene.pass(60 * 6).await;

    assert_eq!(scene.statuses()[..3], ["FIRST_MESSAGE_DELIVERED", "FIRST_MESSAGE_READ", "RESPONSE_RECEIVED"]);
    let received = scene.stage.crm.received();
    let ids: std::collections::BTreeSet<_> =
        received.iter().map(|callback| callback.headers["webhook-id"].to_string()).collect();
    assert_eq!(ids.len(), received.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_that_never_answers_has_its_callbacks_parked_and_replayed() {
    let scene = Scene::new("crm-gone").await;
    scene.stage.crm.refuse_with(Some(500));
    let lead = json!({ "crm_contact_id": "CRM_1", "phone_number": "+33612345604" });
    scene.stage.post_lead("demo", &lead).await.unwrap();
    scene.pass(60 * 24 * 3).await;
    let store = &scene.stage.host.store;
    let id = store.conversations(None, 1).await.unwrap().remove(0).id;
    let parked: Vec<_> = store
        .envelopes(&id)
        .await
        .unwrap()
        .into_iter()
        .filter(|envelope| matches!(envelope.state, relais::model::EnvelopeState::Parked { .. }))
        .collect();
    assert!(!parked.is_empty());
    // The first try and the seven of the schedule.
    assert_eq!(parked[0].attempts, 8);
    scene.stage.crm.refuse_with(None);
    let now = scene.stage.clock.now();
    assert!(store.replay(&parked[0].id, now).await.unwrap());
    // Behind whatever is still being tried in its lane.
    scene.pass(60 * 24).await;
    assert!(scene.statuses().contains(&"FIRST_MESSAGE_DELIVERED".to_owned()), "{:?}", scene.statuses());
}
