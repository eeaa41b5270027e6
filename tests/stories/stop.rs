//! P5: STOP wins, whatever is queued.

use jiff::SignedDuration;
use relais::{
    model::{EnvelopeState, Payload, Phone},
    simulator::{ApprovedTemplate, Fault, Scenario, TemplateButton, When},
};
use serde_json::{Value, json};

use super::scene::{Scene, at, eventually};

const NUMBER: &str = "+33612345604";
const CONFIRMATION: &str = "C'est noté, nous ne vous écrirons plus. Pour reprendre : START.";

/// Adds a table to the tenant's file, and waits until it counts.
async fn declare(scene: &Scene, table: &str) {
    let path = scene.folder.0.join("flows/demo/tenant.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let known = scene.published.lock().unwrap().len();
    std::fs::write(&path, format!("{text}\n{table}\n")).unwrap();
    eventually("the tenant's new file", || scene.published.lock().unwrap().len() > known).await;
}

fn lead() -> Value {
    json!({ "crm_contact_id": "CRM_1", "phone_number": NUMBER })
}

async fn is_opted_out(scene: &Scene) -> bool {
    scene.stage.host.store.opted_out(&"demo".into(), &Phone::parse(NUMBER, None).unwrap()).await.unwrap()
}

async fn pass_seconds(scene: &Scene, seconds: i64) {
    scene.stage.pass_until(scene.stage.clock.now() + SignedDuration::from_secs(seconds)).await;
}

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

/// The confirmation is the one thing that leaves after STOP: once, however often it is said and however WhatsApp repeats
/// itself; and what the tenant declares as STOP words counts, what it takes out does not.
#[tokio::test(flavor = "multi_thread")]
async fn stop_is_confirmed_once_in_the_tenants_own_words() {
    let scene = Scene::with("confirmed", Scenario::friendly().with(Fault::Duplicates, When::always())).await;
    let table = format!(
        "[opt-out]\nstop-words = [\"Laissez-moi tranquille\"]\nexcept = [\"quit\"]\nconfirmation = {CONFIRMATION:?}"
    );
    declare(&scene, &table).await;
    scene.stage.post_lead("demo", &lead()).await.unwrap();
    scene.pass(1).await;
    let person = scene.stage.simulator.person(NUMBER);
    person.write("Quit");
    pass_seconds(&scene, 3).await;
    assert!(!is_opted_out(&scene).await, "taken out by the tenant");
    person.write("laissez moi tranquille !!");
    pass_seconds(&scene, 8).await;
    person.write("STOP");
    person.write("stop stop");
    scene.pass(60 * 24 * 8).await;
    let texts: Vec<String> = person.seen().into_iter().skip(1).map(|message| message.text).collect();
    assert_eq!(texts, [CONFIRMATION]);
    assert_eq!(scene.statuses().iter().filter(|status| *status == "OPT_OUT").count(), 1);
    let store = &scene.stage.host.store;
    let id = store.conversations(None, 1).await.unwrap().remove(0).id;
    let lines = store.lines(&id).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.text == CONFIRMATION).count(), 1, "and the transcript shows it once");
}

/// Outside the window, and with an unknown result, it does not leave a second time or at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_never_leaves_twice_nor_outside_the_window() {
    let scenario = Scenario::friendly().with(Fault::ServerError, When::every(2)).with(Fault::NoStatus, When::always());
    let scene = Scene::with("confirmed-lost", scenario).await;
    declare(&scene, &format!("[opt-out]\nconfirmation = {CONFIRMATION:?}")).await;
    scene.stage.post_lead("demo", &lead()).await.unwrap();
    scene.pass(1).await;
    let person = scene.stage.simulator.person(NUMBER);
    person.write("STOP");
    scene.pass(60 * 24).await;
    assert_eq!(person.seen().len(), 1, "its fate is unknown, so it is not sent again");

    // A webhook that comes a day late opens no window.
    let mut scenario = Scenario::friendly();
    scenario.latency.inbound_ms = 24 * 3_600 * 1_000;
    let scene = Scene::with("confirmed-late", scenario).await;
    declare(&scene, &format!("[opt-out]\nconfirmation = {CONFIRMATION:?}")).await;
    scene.stage.post_lead("demo", &lead()).await.unwrap();
    scene.pass(1).await;
    let person = scene.stage.simulator.person(NUMBER);
    person.write("STOP");
    scene.pass(60 * 30).await;
    assert!(is_opted_out(&scene).await);
    assert!(person.seen().iter().all(|message| message.text != CONFIRMATION));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_button_stops_and_start_reopens() {
    let scene = Scene::new("button").await;
    scene.stage.simulator.set_template(ApprovedTemplate {
        buttons: vec![TemplateButton::QuickReply { text: "Stop promotions".to_owned() }],
        ..ApprovedTemplate::new("premier_contact", "fr", "Bonjour")
    });
    scene.stage.post_lead("demo", &lead()).await.unwrap();
    scene.pass(1).await;
    let person = scene.stage.simulator.person(NUMBER);
    person.tap("Stop promotions").unwrap();
    scene.pass(1).await;
    assert!(is_opted_out(&scene).await);
    assert_eq!(scene.statuses().last().map(String::as_str), Some("OPT_OUT"));
    // WhatsApp's own "resume" takes back what WhatsApp's control took, not this.
    person.stop_marketing(false);
    scene.pass(1).await;
    assert!(is_opted_out(&scene).await);
    let seen = person.seen().len();
    person.write("START");
    scene.pass(1).await;
    assert!(!is_opted_out(&scene).await);
    assert!(person.seen().len() > seen, "the flow goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatsapps_own_control_stops_and_resumes() {
    let scene = Scene::new("control").await;
    scene.stage.post_lead("demo", &lead()).await.unwrap();
    scene.pass(1).await;
    let person = scene.stage.simulator.person(NUMBER);
    person.stop_marketing(true);
    scene.pass(1).await;
    assert!(is_opted_out(&scene).await);
    assert_eq!(scene.callbacks().pop().unwrap()["details"]["reason"], "WHATSAPP");
    person.stop_marketing(false);
    scene.pass(1).await;
    assert!(!is_opted_out(&scene).await);
}

/// 131050 says that the person stopped marketing elsewhere: in the answer to the request, or in a later status.
#[tokio::test(flavor = "multi_thread")]
async fn metas_word_for_an_opt_out_is_one() {
    for fault in [Fault::Refused131050, Fault::Failed131050] {
        let scene = Scene::with("131050", Scenario::friendly().with(fault, When::first(1))).await;
        scene.stage.post_lead("demo", &lead()).await.unwrap();
        scene.pass(60 * 24 * 8).await;
        assert!(is_opted_out(&scene).await, "{fault}");
        assert_eq!(scene.statuses(), ["OPT_OUT"], "{fault}");
        assert!(scene.stage.simulator.person(NUMBER).seen().is_empty(), "{fault}");
    }
}

/// The CRM vouches that the person asked to be contacted again; a request repeated later does not.
#[tokio::test(flavor = "multi_thread")]
async fn the_crm_reopens_only_in_so_many_words() {
    let scene = Scene::beginning("opt-in", at("2025-10-08T10:00:00+02:00"), Scenario::friendly()).await;
    scene.stage.post_lead("demo", &lead()).await.unwrap();
    scene.pass(1).await;
    let person = scene.stage.simulator.person(NUMBER);
    person.write("STOP");
    scene.pass(1).await;
    let client = reqwest::Client::new();
    let post = |body: Value| {
        let request = client.post(format!("{}/v1/leads", scene.stage.host.url())).bearer_auth(scene.stage.key("demo"));
        request.header("idempotency-key", "again").json(&body).send()
    };
    for opt_in in [Value::Null, json!(false)] {
        let mut body = lead();
        body["opt_in"] = opt_in;
        let answer = post(body).await.unwrap();
        assert_eq!(answer.status(), 409);
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["remedy"].as_str().unwrap().contains("opt_in"), "{problem}");
    }
    let mut again = lead();
    again["opt_in"] = json!("yes");
    assert_eq!(post(again.clone()).await.unwrap().status(), 422);
    again["opt_in"] = json!(true);
    assert_eq!(post(again.clone()).await.unwrap().status(), 202);
    scene.pass(1).await;
    assert_eq!(person.seen().len(), 2, "the first message of the new conversation");
    person.write("STOP");
    scene.pass(1).await;
    // The CRM's retry of the same request is answered as before, and opts nobody in.
    assert_eq!(post(again).await.unwrap().status(), 202);
    assert!(is_opted_out(&scene).await);
    scene.pass(60 * 24 * 8).await;
    assert_eq!(person.seen().len(), 2);
}
