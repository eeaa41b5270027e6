//! Webhook bodies of our own: messages, statuses, echoes, keys.

use serde_json::{Value, json};

use super::{Kind, Update, decode};

/// A body with one change.
fn body(field: &str, value: Value) -> Vec<u8> {
    let value = match value {
        Value::Object(mut fields) => {
            fields
                .entry("metadata")
                .or_insert(json!({"display_phone_number": "33 9 00 00 00 90", "phone_number_id": "77"}));
            Value::Object(fields)
        }
        other => other,
    };
    let body = json!({"object": "whatsapp_business_account", "entry": [
        {"id": "1", "time": 1_764_000_000, "changes": [{"field": field, "value": value}]}]});
    body.to_string().into_bytes()
}

fn decoded(field: &str, value: Value) -> Vec<Update> {
    decode(&body(field, value)).unwrap()
}

/// The named fields of the lines, absent as null.
fn lines(updates: &[Update], names: &[&str]) -> Value {
    let pick = |line: Value| names.iter().map(|name| line[name].clone()).collect::<Vec<_>>();
    updates.iter().map(|update| pick(update.line())).collect()
}

#[test]
fn a_batch_with_shuffled_contacts_and_strange_items() {
    let updates = decoded(
        "messages",
        json!({
            "contacts": [
                {"wa_id": "33600000002", "profile": {"name": "Léa"}},
                {"wa_id": "33600000001", "user_id": "FR.1", "profile": {"name": "Ana"}}],
            "messages": [
                {"from": "33600000001", "id": "w1", "timestamp": "1764000001", "type": "text", "text": {"body": "Bonjour"}, "context": {"id": "w0", "forwarded": true}},
                7,
                {"from": "33600000002", "id": "w2", "timestamp": 1_764_000_002, "type": "hologram", "hologram": {}},
                {"from": "33600000002", "type": "text", "text": {"body": "no id"}},
                {"from_user_id": "FR.9", "id": "w3", "type": "interactive"},
                {"from": "33600000002", "id": "w4", "timestamp": "later", "type": "text", "text": {"body": 5}}],
            "errors": [{"code": 131_000, "title": "Something went wrong", "error_data": "Unsupported webhook payload"}]
        }),
    );
    assert_eq!(
        lines(&updates, &["event", "type", "id", "from", "user_id", "name", "text", "meaning"]),
        json!([
            ["message", "text", "w1", "+33600000001", "FR.1", "Ana", "Bonjour", null],
            ["error", "messages", null, null, null, null, null, null],
            ["unsupported", "hologram", "w2", "+33600000002", null, "Léa", null, null],
            ["error", "messages", null, null, null, null, null, null],
            ["unsupported", "interactive", "w3", null, "FR.9", null, null, null],
            ["message", "text", "w4", "+33600000002", null, "Léa", "5", null],
            ["error", "messages", null, null, null, null, null, "meta-failed"],
        ])
    );
    let Kind::Message(first) = &updates[0].kind else { panic!("a message was expected") };
    assert_eq!((first.context_id.as_deref(), first.forwarded), (Some("w0"), true));
    assert_eq!(first.timestamp.map(|t| t.as_second()), Some(1_764_000_001));
    assert_eq!(updates[0].business_number.as_deref(), Some("+33900000090"));
    assert_eq!((updates[0].waba.as_deref(), updates[0].phone_number_id.as_deref()), (Some("1"), Some("77")));
    assert_eq!(updates[1].raw, json!(7));
    assert_eq!(updates[3].raw["text"]["body"], "no id");
}

#[test]
fn statuses_with_and_without_contacts() {
    let error = json!([{"code": "131026", "title": "Undeliverable", "error_data": {"details": "…"}}]);
    let updates = decoded(
        "messages",
        json!({
            "contacts": [{"wa_id": "33600000001"}],
            "statuses": [
                {"id": "w1", "status": "failed", "timestamp": "1", "recipient_id": "33600000001", "biz_opaque_callback_data": "env-1", "errors": error},
                {"id": "w1", "status": "played", "recipient_user_id": "FR.1", "recipient_type": "individual"},
                {"id": "w1", "status": "warning"},
                {"id": 12, "status": "read", "pricing": {"category": "marketing"}},
                {"status": "read"}]
        }),
    );
    assert_eq!(
        lines(&updates, &["event", "id", "status", "to", "user_id", "envelope", "code", "meaning"]),
        json!([
            ["status", "w1", "failed", "+33600000001", null, "env-1", 131_026, "no-whatsapp"],
            ["status", "w1", "played", null, "FR.1", null, null, null],
            ["unsupported", null, null, null, null, null, null, null],
            ["status", "12", "read", null, null, null, null, null],
            ["error", null, null, null, null, null, null, null],
        ])
    );
}

#[test]
fn edits_revocations_changes_of_number_and_echoes() {
    let updates = decoded(
        "messages",
        json!({"messages": [
            {"from": "336000000", "id": "w1", "type": "edit", "edit": {"original_message_id": "w0", "message": {"type": "text", "text": {"body": "demain"}}}},
            {"from": "336000000", "id": "w2", "type": "revoke", "revoke": {"original_message_id": "w0"}},
            {"from": "336000000", "id": "w3", "type": "revoke", "original_message_id": "w0"},
            {"from": "336000000", "id": "w4", "type": "system", "system": {"type": "user_changed_number", "wa_id": "337000000", "body": "changed"}},
            {"id": "w5", "type": "system", "system": {"type": "customer_changed_number", "customer": "336000000", "new_wa_id": "337000000"}},
            {"id": "w6", "from_user_id": "FR.1", "type": "system", "system": {"type": "user_changed_user_id", "user_id": "FR.2"}},
            {"from": "336000000", "id": "w7", "type": "system", "system": {"type": "customer_identity_changed", "body": "key"}}
        ]}),
    );
    assert_eq!(
        lines(&updates, &["event", "type", "id", "from", "to", "user_id", "new_user_id", "original", "text"]),
        json!([
            ["edit", "text", "w1", "+336000000", null, null, null, "w0", "demain"],
            ["revoke", null, "w2", "+336000000", null, null, null, "w0", null],
            ["revoke", null, "w3", "+336000000", null, null, null, "w0", null],
            ["number-change", "user_changed_number", "w4", "+336000000", "+337000000", null, null, null, "changed"],
            ["number-change", "customer_changed_number", "w5", "+336000000", "+337000000", null, null, null, null],
            ["number-change", "user_changed_user_id", "w6", null, null, "FR.1", "FR.2", null, null],
            ["message", "system", "w7", "+336000000", null, null, null, null, "key"],
        ])
    );
    let echoes = decoded(
        "smb_message_echoes",
        json!({"message_echoes": [
            {"from": "33900000090", "to": "336000000", "id": "e1", "timestamp": "1", "type": "text", "text": {"body": "je vous appelle"}},
            {"from": "33900000090", "to": "336000000", "id": "e2", "type": "edit", "edit": {"original_message_id": "e1", "message": {"type": "text", "text": {"body": "à 15h"}}}}
        ]}),
    );
    assert_eq!(
        lines(&echoes, &["event", "id", "from", "to", "text", "context"]),
        json!([
            ["echo", "e1", "+33900000090", "+336000000", "je vous appelle", null],
            ["echo", "e2", "+33900000090", "+336000000", "à 15h", "e1"]
        ])
    );
}

#[test]
fn keys_tell_repeats_from_news() {
    let message = |id: &str, time: i64| {
        json!({"id": "1", "time": time, "changes": [{"field": "messages", "value": {
        "messages": [{"id": id, "from": "336000000", "type": "text", "text": {"body": "x"}}],
        "statuses": [{"id": id, "status": "sent"}, {"id": id, "status": "read"}]}}]})
    };
    let template = |time: i64| {
        json!({"id": "1", "time": time, "changes": [
        {"field": "message_template_status_update", "value": {"event": "APPROVED"}}]})
    };
    let body = json!({"entry": [message("w1", 1), message("w1", 2), template(1), template(1), template(2)]});
    let keys: Vec<String> = decode(body.to_string().as_bytes()).unwrap().iter().map(Update::key).collect();
    assert_eq!(keys[..3], ["message:w1", "status:w1:sent", "status:w1:read"]);
    assert_eq!(keys[..3], keys[3..6]);
    assert_eq!(keys[6], keys[7]);
    assert_ne!(keys[7], keys[8]);
    assert!(keys[6].starts_with("other:") && keys[6].len() == 38);
}
