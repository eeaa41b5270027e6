//! What people and WhatsApp tell, in every form it comes in: P7, P8, P14.

use jiff::SignedDuration;
use relais::{
    model::{ConversationId, Direction, EnvelopeState, Event, Phone},
    simulator::{Fault, Happening, Latency, Scenario, When},
    whatsapp::sign,
};
use serde_json::{Value, json};

use super::scene::Scene;

const NUMBER: &str = "+33612345604";

/// A lead in conversation, its first message delivered and read.
async fn begun(name: &str, number: &str, scenario: Scenario) -> (Scene, ConversationId) {
    let scene = Scene::with(name, scenario).await;
    let lead = json!({ "crm_contact_id": "CRM_1", "phone_number": number });
    let answer = scene.stage.post_lead("demo", &lead).await.unwrap();
    scene.pass(1).await;
    (scene, ConversationId::new(answer["conversation_id"].as_str().unwrap()))
}

/// Tells the host of `value` in the webhook field `field`, as WhatsApp would; its status.
async fn tell(scene: &Scene, field: &str, value: Value) -> u16 {
    let mut value = value;
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({ "display_phone_number": "33612345690", "phone_number_id": "100000000000001" });
    send(scene, json!({ "id": "200000000000001", "changes": [{ "field": field, "value": value }] })).await
}

async fn send(scene: &Scene, entry: Value) -> u16 {
    let body = json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string();
    let signature = sign(scene.stage.app_secret(), body.as_bytes());
    let request = reqwest::Client::new().post(format!("{}/webhooks/whatsapp", scene.stage.host.url()));
    request.header("x-hub-signature-256", signature).body(body).send().await.unwrap().status().as_u16()
}

/// A message object, sent now.
fn message(scene: &Scene, id: &str, from: Option<&str>, kind: &str, body: Value) -> Value {
    let now = scene.stage.clock.now().as_second().to_string();
    let mut message = json!({ "id": id, "timestamp": now, "type": kind, kind: body });
    if let Some(from) = from {
        message["from"] = json!(from.trim_start_matches('+'));
    }
    message
}

async fn heard(scene: &Scene, id: &ConversationId) -> Vec<String> {
    let lines = scene.stage.host.store.lines(id).await.unwrap();
    lines.into_iter().filter(|line| line.direction == Direction::In).map(|line| line.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_any_of_their_names() {
    // WhatsApp leaves out the 9 of this Brazilian mobile.
    let (scene, id) = begun("names", "+5541988887777", Scenario::friendly()).await;
    let store = &scene.stage.host.store;
    let person = scene.stage.simulator.person("+5541988887777");
    let hello = |scene: &Scene, id: &str, from: Option<&str>| message(scene, id, from, "text", json!({ "body": id }));
    let rewritten = hello(&scene, "rewritten", Some("554188887777"));
    assert_eq!(tell(&scene, "messages", json!({ "messages": [rewritten] })).await, 200);
    // Neither `from` nor `contacts`: the quoted message says who it is, days later.
    scene.pass(60 * 24 * 2).await;
    let ours = store.lines(&id).await.unwrap().remove(0).wamid.unwrap();
    let mut tapped = message(&scene, "tapped", None, "button", json!({ "payload": "tapped", "text": "tapped" }));
    tapped["context"] = json!({ "id": ours });
    assert_eq!(tell(&scene, "messages", json!({ "messages": [tapped] })).await, 200);
    // A user id that only the statuses of our own message told.
    person.hide_number();
    person.write("oui");
    scene.pass(1).await;
    person.change_user_id();
    person.write("Entre 6 et 7");
    scene.pass(1).await;
    person.change_number("+5541988886666");
    scene.pass(1).await;
    person.write("Et le prix");
    scene.pass(1).await;
    let said = ["rewritten", "tapped", "oui", "Entre 6 et 7", "Et le prix"];
    assert_eq!(heard(&scene, &id).await, said);
    assert!(store.parked(10).await.unwrap().is_empty());

    // From now on messages go to the new number, and STOP counts for it.
    assert_eq!(store.conversation(&id).await.unwrap().unwrap().lead.phone.as_e164(), "+5541988886666");
    let to = |happening: &Happening| match happening {
        Happening::Outbound { to, .. } => Some(to.clone()),
        _ => None,
    };
    assert_eq!(scene.stage.simulator.history().iter().filter_map(to).next_back().as_deref(), Some("+5541988886666"));
    person.write("STOP");
    let soon = scene.stage.clock.now() + SignedDuration::from_secs(1);
    scene.stage.pass_until(soon).await;
    let phone = Phone::parse("+5541988886666", None).unwrap();
    assert!(store.opted_out(&"demo".into(), &phone).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_is_not_told_as_one() {
    let (scene, id) = begun("no-answer", NUMBER, Scenario::friendly()).await;
    let ours = scene.stage.simulator.person(NUMBER).seen().remove(0).wamid;
    let from = Some(NUMBER);
    let notices = [
        message(&scene, "s", from, "system", json!({ "type": "customer_identity_changed", "body": "new code" })),
        message(&scene, "w", from, "request_welcome", Value::Null),
        message(&scene, "r", from, "reaction", json!({ "message_id": ours, "emoji": "" })),
        message(
            &scene,
            "e",
            from,
            "edit",
            json!({ "original_message_id": "unknown", "message": { "type": "text", "text": { "body": "x" } } }),
        ),
        message(&scene, "d", from, "revoke", json!({ "original_message_id": "unknown" })),
    ];
    assert_eq!(tell(&scene, "messages", json!({ "messages": notices })).await, 200);
    scene.pass(2).await;
    assert_eq!(scene.statuses(), ["FIRST_MESSAGE_DELIVERED", "FIRST_MESSAGE_READ"]);
    assert!(heard(&scene, &id).await.is_empty());
    let log = scene.stage.host.store.log(&id).await.unwrap();
    let kept = log.iter().filter(|entry| matches!(entry.event, Event::Noticed { .. } | Event::MessageChanged { .. }));
    assert_eq!(kept.count(), 5, "each is kept");

    // A kind that nobody knows: the person did write.
    let hologram = message(&scene, "h", from, "hologram", json!({ "depth": 3 }));
    assert_eq!(tell(&scene, "messages", json!({ "messages": [hologram] })).await, 200);
    scene.pass(2).await;
    assert_eq!(scene.statuses().pop().as_deref(), Some("RESPONSE_RECEIVED"));
    assert_eq!(heard(&scene, &id).await, ["[hologram]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_counts_as_long_as_the_flow_has_not_been_asked() {
    let (scene, id) = begun("edit", NUMBER, Scenario::friendly()).await;
    let person = scene.stage.simulator.person(NUMBER);
    let from = Some(NUMBER);
    let seconds = async |seconds| {
        scene.stage.pass_until(scene.stage.clock.now() + SignedDuration::from_secs(seconds)).await;
    };
    let edit = |notice: &str, original: &str, text: &str| {
        let edit = json!({ "original_message_id": original, "message": { "type": "text", "text": { "body": text } } });
        json!({ "messages": [message(&scene, notice, from, "edit", edit)] })
    };
    let regretted = person.write("STOP");
    let typed = person.write("Non");
    seconds(2).await;
    let revoke = message(&scene, "d", from, "revoke", json!({ "original_message_id": regretted }));
    assert_eq!(tell(&scene, "messages", json!({ "messages": [revoke] })).await, 200);
    assert_eq!(tell(&scene, "messages", edit("e1", &typed, "Oui")).await, 200);
    scene.pass(2).await;
    assert_eq!(heard(&scene, &id).await, ["Oui"]);
    let log = scene.stage.host.store.log(&id).await.unwrap();
    let asked = log.iter().find(|entry| matches!(entry.event, Event::MessageReceived { .. })).unwrap();
    assert!(asked.calls[0].input.to_string().contains("Oui"));

    // Too late for the flow; the transcript shows it.
    let turns =
        log.iter().flat_map(|entry| &entry.calls).filter(|call| call.function == "qualification.advance").count();
    assert_eq!(tell(&scene, "messages", edit("e2", &typed, "Peut-être")).await, 200);
    scene.pass(2).await;
    assert_eq!(heard(&scene, &id).await, ["Peut-être"]);
    let log = scene.stage.host.store.log(&id).await.unwrap();
    let calls = log.iter().flat_map(|entry| &entry.calls);
    assert_eq!(calls.filter(|call| call.function == "qualification.advance").count(), turns);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_short_messages_is_one_turn() {
    let (scene, id) = begun("burst", NUMBER, Scenario::friendly()).await;
    let person = scene.stage.simulator.person(NUMBER);
    // Never 6 seconds of silence between them.
    for text in ["Alors", "non", "pas du tout", "jamais entendu parler"] {
        person.write(text);
        scene.stage.pass_until(scene.stage.clock.now() + SignedDuration::from_secs(5)).await;
    }
    scene.pass(2).await;
    let log = scene.stage.host.store.log(&id).await.unwrap();
    let bursts: Vec<usize> = log
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::MessageReceived { messages } => Some(messages.len()),
            _ => None,
        })
        .collect();
    assert_eq!(bursts, [4]);
    assert_eq!(person.seen().len(), 2, "one answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_concerns_no_conversation_is_kept_and_blocks_nobody() {
    let (scene, id) = begun("kept", NUMBER, Scenario::friendly()).await;
    let template = json!({ "event": "PAUSED", "message_template_id": 7, "message_template_name": "relance", "message_template_language": "fr", "reason": "NONE" });
    let account = json!({ "event": "ACCOUNT_RESTRICTION" });
    let changes = json!([
        { "field": "message_template_status_update", "value": template },
        { "field": "account_update", "value": account },
        { "field": "hologram_update", "value": { "depth": 3 } },
        { "field": "messages", "value": {
            "metadata": { "phone_number_id": "100000000000001" },
            "messages": [{ "id": "broken" }, 7, message(&scene, "good", Some(NUMBER), "text", json!({ "body": "Non" }))],
            "errors": [{ "code": 131000, "title": "Something went wrong" }],
        } },
    ]);
    assert_eq!(send(&scene, json!({ "id": "200000000000001", "changes": changes })).await, 200);
    scene.pass(1).await;
    assert_eq!(heard(&scene, &id).await, ["Non"]);
    let url = format!("{}/v1/parked", scene.stage.host.url());
    let get = reqwest::Client::new().get(url).bearer_auth(scene.stage.key("demo"));
    let answer: Value = get.send().await.unwrap().json().await.unwrap();
    let parked = answer["parked"].as_array().unwrap();
    let whys: Vec<&str> = parked.iter().map(|parked| parked["why"].as_str().unwrap()).collect();
    for wanted in [
        "the template relance (fr) is PAUSED",
        "account_update: ACCOUNT_RESTRICTION",
        "hologram_update",
        "cannot be read",
        "reports an error",
    ] {
        assert!(whys.iter().any(|why| why.contains(wanted)), "{wanted} in {whys:?}");
    }
    assert!(parked.iter().any(|parked| parked["raw"]["depth"] == 3), "{parked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_proves_what_was_set_aside_because_nobody_knew() {
    let hour = 3_600_000;
    let latency = Latency { sent_ms: hour, delivered_ms: hour, read_ms: 2 * hour, ..Latency::default() };
    let scenario = Scenario { latency, ..Scenario::friendly() }.with(Fault::LostResponse, When::first(1));
    let (scene, id) = begun("proof", NUMBER, scenario).await;
    let store = &scene.stage.host.store;
    scene.pass(30).await;
    let state = store.envelopes(&id).await.unwrap().remove(0).state;
    assert!(matches!(&state, EnvelopeState::Parked { reason } if reason == "result-unknown"), "{state:?}");
    assert!(scene.statuses().is_empty());
    scene.pass(180).await;
    let state = store.envelopes(&id).await.unwrap().remove(0).state;
    assert!(matches!(state, EnvelopeState::Sent { .. }), "{state:?}");
    assert_eq!(scene.statuses(), ["FIRST_MESSAGE_DELIVERED", "FIRST_MESSAGE_READ"]);
    assert_eq!(scene.stage.simulator.person(NUMBER).seen().len(), 1);
    assert_eq!(store.lines(&id).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_human_who_answers_silences_the_flow_until_it_is_resumed() {
    let (scene, id) = begun("human", NUMBER, Scenario::friendly()).await;
    let person = scene.stage.simulator.person(NUMBER);
    let mut echo = message(&scene, "echo", Some("33612345690"), "text", json!({ "body": "Bonjour, ici Claire." }));
    echo["to"] = json!(NUMBER.trim_start_matches('+'));
    assert_eq!(tell(&scene, "smb_message_echoes", json!({ "message_echoes": [echo] })).await, 200);
    scene.pass(1).await;
    person.write("Non");
    scene.pass(60 * 24 * 9).await;
    assert_eq!(person.seen().len(), 1, "the flow is silent");
    assert_eq!(scene.statuses().pop().as_deref(), Some("RESPONSE_RECEIVED"));

    let resume = || {
        let url = format!("{}/v1/conversations/{id}/resume", scene.stage.host.url());
        reqwest::Client::new().post(url).bearer_auth(scene.stage.key("demo")).send()
    };
    assert_eq!(resume().await.unwrap().status(), 202);
    scene.pass(1).await;
    let again: Value = resume().await.unwrap().json().await.unwrap();
    assert_eq!(again["type"], "urn:relais:problem:not-handed-over");
    person.write("Non");
    scene.pass(2).await;
    assert_eq!(person.seen().len(), 2);
    scene.pass(60 * 24 * 9).await;
    assert_eq!(scene.statuses().pop().as_deref(), Some("NO_OUTCOME"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatsapps_own_stop_ends_the_conversation() {
    let (scene, _) = begun("preference", NUMBER, Scenario::friendly()).await;
    scene.stage.simulator.person(NUMBER).stop_marketing(true);
    scene.pass(60 * 24 * 9).await;
    assert_eq!(scene.statuses().pop().as_deref(), Some("OPT_OUT"));
    assert_eq!(scene.stage.simulator.person(NUMBER).seen().len(), 1);
}
