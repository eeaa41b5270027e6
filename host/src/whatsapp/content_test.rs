//! The content of messages of every type.

use super::content::content;
use super::{Content, SharedContact};
use serde_json::{Value, json};

/// Name and words of a message's content.
fn seen(message: &Value) -> (String, Option<String>) {
    let content = content(message);
    (content.name().to_owned(), content.text().map(str::to_owned))
}

#[test]
fn every_type_gives_its_name_and_words() {
    let interactive = |body: Value| json!({"type": "interactive", "interactive": body});
    let cases = [
        (json!({"type": "text", "text": {"body": "Oui"}}), "text", Some("Oui")),
        (json!({"type": "text", "text": {"body": ""}}), "text", Some("")),
        (json!({"text": {"body": "no type"}}), "text", Some("no type")),
        (json!({"type": "button", "button": {"payload": "p", "text": "Oui"}}), "button", Some("Oui")),
        (json!({"type": "button", "button": {"payload": "p"}}), "button", Some("p")),
        (
            interactive(json!({"type": "button_reply", "button_reply": {"id": "y", "title": "Yes"}})),
            "button_reply",
            Some("Yes"),
        ),
        (
            interactive(json!({"type": "list_reply", "list_reply": {"id": "s", "title": "10:00"}})),
            "list_reply",
            Some("10:00"),
        ),
        (
            interactive(json!({"type": "nfm_reply", "nfm_reply": {"body": "Sent", "response_json": "{}"}})),
            "nfm_reply",
            Some("Sent"),
        ),
        (
            interactive(json!({"call_permission_reply": {"response": "accept", "expiration_timestamp": "1800000000"}})),
            "call_permission_reply",
            None,
        ),
        (interactive(json!({"type": "hologram_reply", "hologram_reply": {}})), "interactive:hologram_reply", None),
        (json!({"type": "interactive"}), "interactive", None),
        (json!({"type": "image", "image": {"id": "1", "caption": "Toit"}}), "image", Some("Toit")),
        (json!({"type": "sticker", "sticker": {"id": 12, "animated": true}}), "sticker", None),
        (json!({"type": "document", "document": {"filename": "x.pdf"}}), "document", None),
        (
            json!({"type": "location", "location": {"latitude": "48.85", "longitude": 2.35, "name": "Paris"}}),
            "location",
            Some("Paris"),
        ),
        (json!({"type": "reaction", "reaction": {"message_id": "w", "emoji": "👍"}}), "reaction", Some("👍")),
        (json!({"type": "reaction", "reaction": {"message_id": "w", "emoji": ""}}), "reaction", None),
        (json!({"type": "order", "order": {"product_items": [{"quantity": 2}]}}), "order", None),
        (json!({"type": "system", "system": {"type": "customer_identity_changed", "body": "…"}}), "system", Some("…")),
        (json!({"type": "request_welcome"}), "request_welcome", None),
        (json!({"type": "unsupported", "unsupported": {"type": "poll_creation"}}), "poll_creation", None),
        (json!({"type": "hologram", "hologram": {"body": "x"}}), "hologram", None),
        (json!({}), "unknown", None),
    ];
    for (message, name, words) in cases {
        assert_eq!(seen(&message), (name.to_owned(), words.map(str::to_owned)), "{message}");
    }
}

#[test]
fn a_contact_card_prefers_whatsapps_own_digits() {
    let message = json!({"type": "contacts", "contacts": [
        {"name": {"formatted_name": "Léa"}, "origin": "contact_request",
         "phones": [{"phone": "06 12 34 56 78", "wa_id": "33612345678"}, {"phone": "+33 1 02 03 04 05"}, {"phone": "06"}, {}]},
        7
    ]});
    let Content::Contacts(cards) = content(&message) else { panic!("contacts expected") };
    assert_eq!(cards[0].phones, ["+33612345678", "+33102030405", "06"]);
    assert!(cards[0].is_requested && cards[0].name.as_deref() == Some("Léa"));
    assert_eq!(cards[1], SharedContact { name: None, phones: vec![], is_requested: false });
}

#[test]
fn a_basket_keeps_its_lines() {
    let message = json!({"type": "order", "order": {"catalog_id": 5, "text": "", "product_items": [
        {"product_retailer_id": "p1", "quantity": "2", "item_price": 30.5, "currency": "EUR"}]}});
    let Content::Order(order) = content(&message) else { panic!("order expected") };
    assert_eq!((order.catalog_id.as_deref(), order.text), (Some("5"), None));
    assert_eq!(order.items[0].quantity.zip(order.items[0].unit_price), Some((2.0, 30.5)));
}
