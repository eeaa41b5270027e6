//! Webhook fields other than messages.

use serde_json::{Value, json};

use super::{Update, decode};

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
fn other_fields() {
    let one = |field: &str, value: Value| {
        let updates = decoded(field, value);
        assert_eq!(updates.len(), 1, "{field}");
        lines(&updates, &["event", "type", "status", "from", "user_id", "new_user_id", "detail"])[0].clone()
    };
    let preference = |value: &str| {
        json!({"contacts": [{"wa_id": "336000000"}], "user_preferences": [
        {"wa_id": "336000000", "category": "marketing_messages", "value": value, "timestamp": 1_764_000_000}]})
    };
    assert_eq!(
        one("user_preferences", preference("stop")),
        json!(["preference", "marketing_messages", "stop", "+336000000", null, null, null])
    );
    assert_eq!(
        one(
            "message_template_status_update",
            json!({"event": "REJECTED", "message_template_name": "t", "reason": "NONE", "rejection_info": {"reason": "no sample"}})
        ),
        json!(["template", "message_template_status_update", "REJECTED", null, null, null, "no sample"])
    );
    assert_eq!(
        one("template_category_update", json!({"new_category": "MARKETING", "previous_category": "UTILITY"})),
        json!(["template", "template_category_update", "MARKETING", null, null, null, null])
    );
    assert_eq!(
        one("phone_number_quality_update", json!({"event": "DOWNGRADE", "display_phone_number": "33900000090"})),
        json!(["account", "phone_number_quality_update", "DOWNGRADE", null, null, null, null])
    );
    let change = json!(["number-change", "user_id_update", null, "+336000000", "FR.1", "FR.2", null]);
    let ids = json!({"wa_id": "336000000", "user_id": {"previous": "FR.1", "current": "FR.2"}});
    assert_eq!(one("user_id_update", json!({"user_id_update": [ids]})), change);
    assert_eq!(one("user_id_update", json!({"user_id_update": ids})), change);
    assert_eq!(one("user_id_update", json!({"wa_id": "336000000", "previous": "FR.1", "current": "FR.2"})), change);
    assert_eq!(one("history", json!({"x": 1})), json!(["unsupported", "history", null, null, null, null, null]));
    assert_eq!(
        one("messages", json!({"messages": []})),
        json!(["unsupported", "messages", null, null, null, null, null])
    );
    assert_eq!(
        one("messages", json!({"messages": {"a": 1}})),
        json!(["error", "messages", null, null, null, null, "messages: expected a list of objects, found an object"])
    );
    assert_eq!(
        one("messages", json!([1])),
        json!(["error", "messages", null, null, null, null, "messages.value: expected an object, found a list"])
    );
}
