//! What people do.

use relais::simulator::{OfferedKind, Scenario};
use serde_json::json;

use super::setting::{ANA, NUMBER, START, Stage, TOKEN, addressed, intro};

#[tokio::test]
async fn people_answer_in_every_way() {
    let stage = Stage::set(Scenario::friendly()).await;
    let mut screen = stage.ana.receives();
    let (_, answer) = stage.send(intro()).await;
    stage.pass(1).await;
    let seen = screen.try_recv().unwrap();
    assert_eq!((seen.text.as_str(), seen.template.as_deref()), ("Bonjour Ana 👋", Some("intro")));
    assert_eq!(seen.buttons[0].kind, OfferedKind::QuickReply);
    assert_eq!(answer["messages"][0]["id"], seen.wamid);

    stage.ana.tap("STOP").unwrap();
    assert_eq!(stage.ana.tap("Peut-être"), None);
    let button = json!({"type": "reply", "reply": {"id": "y", "title": "Oui"}});
    let row = json!({"id": "s1", "title": "10:00", "description": "mardi"});
    let asks = [
        json!({"type": "button", "body": {"text": "?"}, "action": {"buttons": [button]}}),
        json!({"type": "list", "body": {"text": "?"}, "action": {"button": "Heures", "sections": [{"rows": [row]}]}}),
        json!({"type": "contact_request", "body": {"text": "?"}, "action": {"name": "request_contact_info"}}),
    ];
    for (ask, tapped) in asks.into_iter().zip(["y", "10:00", "contact_request"]) {
        assert_eq!(stage.send(json!({"type": "interactive", "interactive": ask})).await.0, 200);
        stage.pass(2).await;
        stage.ana.tap(tapped).unwrap();
    }
    stage.ana.react(&seen.wamid, "👍");
    stage.ana.react(&seen.wamid, "");
    stage.ana.send_media("voice", None);
    stage.ana.send_media("image", Some("le toit"));
    stage.ana.send_location(48.85, 2.35, Some("Paris"));
    stage.ana.send_unsupported();
    stage.ana.reply(&seen.wamid, "cité");
    stage.ana.stop_marketing(true);
    stage.pass(1).await;

    let messages = stage.items("messages");
    let types: Vec<_> = messages.iter().map(|message| message["type"].as_str().unwrap()).collect();
    let expected = [
        "button",
        "interactive",
        "interactive",
        "contacts",
        "reaction",
        "reaction",
        "audio",
        "image",
        "location",
        "unsupported",
        "text",
    ];
    assert_eq!(types, expected);
    assert_eq!(messages[0]["button"], json!({"payload": "stop", "text": "STOP"}));
    assert_eq!(messages[0]["context"], json!({"from": "33186000000", "id": seen.wamid}));
    assert_eq!(messages[1]["interactive"]["button_reply"]["id"], "y");
    assert_eq!(messages[2]["interactive"]["list_reply"], json!({"id": "s1", "title": "10:00", "description": "mardi"}));
    assert_eq!(messages[3]["contacts"][0]["phones"][0]["wa_id"], "33612345604");
    assert_eq!(stage.items("user_preferences")[0]["value"], "stop");
    assert_eq!(messages[0]["timestamp"], (START + 1).to_string());

    // Having stopped marketing, she gets no marketing template; having blocked us, nothing.
    stage.send(intro()).await;
    stage.pass(2).await;
    assert_eq!(stage.failure(), 131_050);
    stage.ana.read(false);
    let before = stage.statuses().len();
    assert_eq!(stage.code("sans accusé").await, 0);
    stage.pass(60).await;
    assert_eq!(stage.statuses()[before..], ["sent", "delivered"]);
    stage.ana.block();
    stage.code("bloqué").await;
    stage.pass(60).await;
    assert_eq!(stage.items("statuses").last().unwrap()["errors"][0]["code"], 131_026);
    // Reading and typing.
    let read = json!({"messaging_product": "whatsapp", "status": "read", "message_id": messages[0]["id"], "typing_indicator": {"type": "text"}});
    assert_eq!(stage.post(NUMBER, TOKEN, &read).await.unwrap(), (200, r#"{"success":true}"#.to_owned()));
}

#[tokio::test]
async fn a_person_who_changes_number_is_followed() {
    let stage = Stage::set(Scenario::friendly()).await;
    stage.ana.write("avant");
    let old = stage.ana.user_id();
    stage.ana.change_number("+33612345699");
    stage.ana.write("après");
    stage.pass(1).await;
    let messages = stage.items("messages");
    let kinds: Vec<_> = messages.iter().map(|m| m["system"]["type"].as_str().unwrap_or("text")).collect();
    assert_eq!(kinds, ["text", "user_changed_number", "user_changed_user_id", "text"]);
    assert_eq!(messages[3]["from"], "33612345699");
    assert_ne!(stage.ana.user_id(), old);
    // The number she left has no WhatsApp.
    stage.post(NUMBER, TOKEN, &addressed(ANA, intro())).await.unwrap();
    stage.pass(60).await;
    assert_eq!(stage.failure(), 131_026);
}

#[tokio::test]
async fn people_have_habits() {
    let scenario = Scenario::from_toml("[people]\nhabit = 'tap'\nafter-ms = 2000").unwrap();
    let stage = Stage::set(scenario).await;
    stage.send(intro()).await;
    stage.pass(4).await;
    assert_eq!(stage.code("sans bouton").await, 0);
    stage.pass(4).await;
    let messages = stage.items("messages");
    assert_eq!(messages.len(), 2);
    assert_eq!((&messages[0]["button"]["text"], &messages[1]["text"]["body"]), (&json!("Oui"), &json!("sans bouton")));
    assert_eq!(messages[0]["timestamp"], (START + 3).to_string());
}
