//! Bodies that are cut, too deep, too big, or of wrong types everywhere.

use serde_json::{Value, json};

use super::{Content, DecodeError, Kind, Update, decode};

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

#[test]
fn a_body_that_is_no_webhook_says_what_is_wrong() {
    let deep = |levels: usize| format!("{{\"entry\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let many = format!("{{\"entry\":[{}{{}}]}}", "{},".repeat(30_000));
    let cases = [
        ("", "body is not JSON: error at line 1, column 0"),
        ("hello", "body is not JSON: error at line 1, column 1"),
        ("{\"entry\":[]} x", "body is not JSON: error at line 1, column 14"),
        ("[]", "body: expected an object, found a list"),
        ("null", "body: expected an object, found null"),
        ("{}", "entry: expected a list of objects, found nothing"),
        ("{\"entry\":{}}", "entry: expected a list of objects, found an object"),
        ("{\"entry\":\"x\"}", "entry: expected a list of objects, found another text"),
        ("{\"object\":\"page\",\"entry\":[]}", "object: expected whatsapp_business_account, found another text"),
        (&deep(200), "body is nested more than 127 levels deep"),
        (&deep(1_000_000), "body is nested more than 127 levels deep"),
        (&many, "entry: more than 20000 updates in one body"),
    ];
    for (body, message) in cases {
        assert_eq!(decode(body.as_bytes()).unwrap_err().to_string(), message);
    }
    assert_eq!(decode(&b"{\"entry\":[]}"[..]), Ok(vec![]));
    assert_eq!(decode(deep(120).as_bytes()).map(|updates| updates.len()), Ok(1));
}

#[test]
fn cut_emoji_and_nul_do_not_block_a_batch() {
    let with_text = |text: &str| {
        let body = String::from_utf8(body(
            "messages",
            json!({"messages": [
            {"id": "w1", "from": "336000000", "type": "text", "text": {"body": "§"}},
            {"id": "w2", "from": "336000000", "type": "text", "text": {"body": "next"}}]}),
        ))
        .unwrap();
        body.replace('§', text).into_bytes()
    };
    let cases: &[(&[u8], &str)] = &[
        (br"caf\u00e9 \ud83d\ude00", "café 😀"),
        (br"cut \ud83d", "cut \u{fffd}"),
        (br"nul\u0000 inside", "nul inside"),
        (br"\\u0000", r"\u0000"),
        (b"bad \xff byte", "bad \u{fffd} byte"),
    ];
    for (raw, text) in cases {
        let mut body = with_text("§");
        let at = body.windows(2).position(|w| w == "§".as_bytes()).unwrap();
        body.splice(at..at + 2, raw.iter().copied());
        let updates = decode(&body).unwrap();
        let Kind::Message(first) = &updates[0].kind else { panic!("a message was expected") };
        assert_eq!(first.content, Content::Text { body: (*text).to_owned() });
        assert_eq!(updates[0].raw["text"]["body"], *text, "the raw item is clean too");
        assert_eq!(updates[1].key(), "message:w2");
    }
}

/// A body with about every field there is.
fn everything() -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "time": 2, "changes": [
        {"field": "messages", "value": {"metadata": {"display_phone_number": "339", "phone_number_id": "7"},
            "contacts": [{"wa_id": "336000000", "user_id": "FR.1", "profile": {"name": "A", "username": "@a"}}],
            "messages": [
                {"from": "336000000", "id": "w", "timestamp": "1", "type": "text", "text": {"body": "x"}, "context": {"id": "c", "forwarded": true}, "referral": {"source_id": "1"}},
                {"from": "336000000", "id": "w", "type": "order", "order": {"catalog_id": "1", "product_items": [{"quantity": 1}]}},
                {"from": "336000000", "id": "w", "type": "contacts", "contacts": [{"name": {"first_name": "x"}, "phones": [{"phone": "1"}]}]},
                {"from": "336000000", "id": "w", "type": "location", "location": {"latitude": 1, "longitude": 2}},
                {"from": "336000000", "id": "w", "type": "image", "image": {"id": "1", "caption": "x"}},
                {"from": "336000000", "id": "w", "type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "x"}}},
                {"from": "336000000", "id": "w", "type": "system", "system": {"type": "user_changed_number", "wa_id": "2"}},
                {"from": "336000000", "id": "w", "type": "edit", "edit": {"original_message_id": "1", "message": {"type": "text", "text": {"body": "x"}}}},
                {"from": "336000000", "id": "w", "type": "unsupported", "errors": [{"code": 131_051, "error_data": {"details": "x"}}]}],
            "statuses": [{"id": "w", "status": "failed", "timestamp": "1", "recipient_id": "336", "pricing": {"category": "x"}, "errors": [{"code": 1}]}],
            "errors": [{"code": 1, "error_data": {"details": "x"}}]}},
        {"field": "user_preferences", "value": {"user_preferences": [{"wa_id": "336", "value": "stop", "timestamp": 1}]}},
        {"field": "user_id_update", "value": {"user_id_update": [{"user_id": {"previous": "a", "current": "b"}}]}},
        {"field": "smb_message_echoes", "value": {"message_echoes": [{"from": "1", "to": "2", "id": "w", "type": "text", "text": {"body": "x"}}]}},
        {"field": "message_template_status_update", "value": {"event": "APPROVED", "rejection_info": {"reason": "x"}}},
        {"field": "account_update", "value": {"event": "X", "alert_info": {"alert_type": "x"}}}]}]})
}

/// Every body made from `value` by putting `odd` in the place of one of its parts.
fn mutants(value: &Value, odd: &Value) -> Vec<Value> {
    let mut all = vec![odd.clone()];
    match value {
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                all.extend(mutants(item, odd).into_iter().map(|mutant| {
                    let mut items = items.clone();
                    items[place] = mutant;
                    Value::Array(items)
                }));
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields {
                all.extend(mutants(item, odd).into_iter().map(|mutant| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), mutant);
                    Value::Object(fields)
                }));
            }
        }
        _ => {}
    }
    all
}

#[test]
fn no_wrong_type_anywhere_panics_or_blocks_the_neighbours() {
    let whole = everything();
    let expected = decode(whole.to_string().as_bytes()).unwrap().len();
    assert_eq!(expected, 16);
    let odds = [
        json!(null),
        json!(-1),
        json!(1.5e308),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(true),
        json!(""),
        json!("\u{0}é🛑"),
        json!([]),
        json!([null, [[]]]),
        json!({}),
        json!({"id": {"id": 1}}),
    ];
    for odd in &odds {
        for mutant in mutants(&whole, odd) {
            let Ok(updates) = decode(mutant.to_string().as_bytes()) else {
                continue;
            };
            for update in &updates {
                assert!(update.line()["event"].is_string());
                assert!(!update.key().is_empty());
            }
            // one part is wrong: its item at worst becomes another, its list or change one item, and the others stay
            let entries = mutant["entry"].as_array().map_or(0, |entries| {
                entries.iter().filter(|entry| entry["changes"].as_array().is_some_and(|c| c.len() == 6)).count()
            });
            assert!(entries == 0 || updates.len() >= 6, "{} updates of {mutant}", updates.len());
        }
    }
    // a wrong message is still one update among sixteen
    for odd in &odds {
        let mut mutant = whole.clone();
        mutant["entry"][0]["changes"][0]["value"]["messages"][0] = odd.clone();
        assert_eq!(decode(mutant.to_string().as_bytes()).unwrap().len(), expected, "{odd}");
    }
}

#[test]
fn a_body_cut_anywhere_is_an_error() {
    let whole = everything().to_string();
    for end in 0..whole.len() {
        let cut = whole.as_bytes().get(..end).unwrap();
        assert!(matches!(decode(cut), Err(DecodeError::NotJson { .. })), "cut at {end}");
    }
}

#[test]
fn three_megabytes_are_read() {
    let message = |n: usize| json!({"from": format!("336{n:08}"), "id": format!("w{n}"), "timestamp": "1", "type": "text", "text": {"body": "é".repeat(1400)}});
    let contact = |n: usize| json!({"wa_id": format!("336{n:08}"), "profile": {"name": n.to_string()}});
    let updates = decoded(
        "messages",
        json!({
        "contacts": (0..1000).rev().map(contact).collect::<Vec<_>>(),
        "messages": (0..1000).map(message).collect::<Vec<_>>()}),
    );
    assert_eq!(updates.len(), 1000);
    assert!(updates.iter().enumerate().all(|(n, update)| update.line()["name"] == format!("{n}").as_str()));
}
