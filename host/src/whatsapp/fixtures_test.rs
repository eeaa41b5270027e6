//! Webhook bodies published by others, when they lie beside the repository: each is read, and read right.

use std::path::PathBuf;

use serde_json::Value;

use super::{Update, decode};

/// What one body must say, besides the event of its kind: fields of its line.
const CONTENTS: &[(&str, &[(&str, &str)])] = &[
    (
        "metadocs_account_update_volume_tier",
        &[("type", "account_update"), ("status", "VOLUME_BASED_PRICING_TIER_UPDATE")],
    ),
    (
        "metadocs_message_interactive_button_reply",
        &[
            ("type", "button_reply"),
            ("payload", "change-button"),
            ("text", "Change"),
            ("from", "+16505551234"),
            ("name", "Pablo Morales"),
        ],
    ),
    (
        "metadocs_message_interactive_list_reply",
        &[("type", "list_reply"), ("payload", "priority_express"), ("text", "Priority Mail Express")],
    ),
    (
        "metadocs_message_text_bsuid_only",
        &[
            ("user_id", "US.13491208655302741918"),
            ("username", "@realsheenanelson"),
            ("text", "Does it come in another color?"),
        ],
    ),
    ("metadocs_status_delivered_bsuid_only", &[("status", "delivered"), ("user_id", "US.13491208655302741918")]),
    (
        "metadocs_status_delivered_phone_plus_bsuid",
        &[("status", "delivered"), ("to", "+16505551234"), ("user_id", "US.13491208655302741918")],
    ),
    (
        "metadocs_status_failed_131049",
        &[("status", "failed"), ("meaning", "throttled-by-meta"), ("to", "+16505551234")],
    ),
    ("metadocs_status_sent_v23_conversation", &[("status", "sent"), ("at", "2025-06-15T23:27:53Z")]),
    ("metadocs_status_v24_no_conversation_no_pricing", &[("status", "sent"), ("to", "+16505551234")]),
    (
        "metadocs_user_preferences_resume_no_profile",
        &[("status", "resume"), ("from", "+16505551234"), ("at", "2024-11-15T21:22:01Z")],
    ),
    ("openapi_button_message", &[("type", "button"), ("payload", "Unsubscribe"), ("text", "Unsubscribe")]),
    ("openapi_group_create_message", &[("type", "group_lifecycle_update")]),
    ("openapi_group_remove_participants", &[("type", "group_participants_update")]),
    ("openapi_group_settings_update", &[("type", "group_settings_update")]),
    ("openapi_image_message", &[("type", "image"), ("text", "Taj Mahal"), ("media", "1003383421387256")]),
    ("openapi_location_message", &[("type", "location"), ("text", "Philz Coffee")]),
    ("openapi_order_message", &[("type", "order"), ("name", "Sheena Nelson")]),
    ("openapi_reaction_message", &[("type", "reaction"), ("text", "👍")]),
    ("openapi_system_message", &[("type", "user_changed_number"), ("from", "+16505551234"), ("to", "+12195555358")]),
    ("openapi_text_message_from_click_to_whatsapp_ad", &[("text", "Hello! Can I get more info on this?")]),
    (
        "openapi_text_message_with_context_product_inquiry",
        &[("text", "Is this still available?"), ("context", "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGA9wcm9kdWN0X2lucXVpcnkA")],
    ),
    ("openapi_text_message", &[("type", "text"), ("text", "Does it come in another color?")]),
    ("openapi_contact_sharing_message", &[("type", "contacts")]),
    (
        "openapi_unsupported_message",
        &[("type", "unsupported"), ("meaning", "unsupported-type"), ("from", "+16505551234")],
    ),
    (
        "pywa_callback_button_quick_reply",
        &[("payload", "callback_data"), ("text", "title"), ("context", "wamid.xyzxyz==")],
    ),
    ("pywa_callback_selection_callback", &[("type", "list_reply"), ("payload", "callback_data")]),
    ("pywa_message_image", &[("media", "65463453")]),
    ("pywa_message_reaction", &[("text", "😮"), ("original", "wamid.yzxyzx=")]),
    ("pywa_message_reply", &[("text", "replied text"), ("context", "wamid.xyzxyz==")]),
    ("pywa_message_status_failed", &[("status", "failed"), ("meaning", "experiment")]),
    ("pywa_message_text", &[("text", "Body Text"), ("from", "+972987654321"), ("name", "Test Name")]),
    ("pywa_message_unsupported", &[("meaning", "unsupported-type")]),
    ("pywa_message_voice", &[("type", "audio"), ("media", "1234567890987654321")]),
    ("pywa_system_phone_number_change", &[("from", "+972987654321"), ("to", "+972912345678")]),
    (
        "pywa_template_status_update_approved",
        &[("name", "order_confirmation"), ("status", "APPROVED"), ("language", "en_US")],
    ),
    ("pywa_user_marketing_preferences_signup", &[("status", "signup"), ("from", "+16505551234")]),
    ("read_without_delivered", &[("status", "read"), ("id", "wamid.BATCH9"), ("user_id", "US.13491208655302741918")]),
    (
        "status_failed_131026_contact_wa_id_only",
        &[("status", "failed"), ("meaning", "no-whatsapp"), ("envelope", "lead-42:first")],
    ),
];

/// The folder of the bodies, if it is there.
fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/whatsapp/fixtures");
    folder.join("INDEX.json").is_file().then_some(folder)
}

/// The event of a kind of the index: `message:text`, `status:failed:131026`, `field:user_preferences`, …
fn event(kind: &str) -> &'static str {
    match kind.split(':').collect::<Vec<_>>().as_slice() {
        ["message", "system"] => "number-change",
        ["message", "unsupported"] => "unsupported",
        ["message", ..] => "message",
        ["status", ..] => "status",
        ["field", "user_preferences", ..] => "preference",
        ["field", "message_template_status_update", ..] => "template",
        ["field", "account_update", ..] => "account",
        ["field", field, ..] if field.starts_with("group_") => "unsupported",
        other => panic!("no event is known for {other:?}"),
    }
}

#[test]
fn published_bodies_are_read_right() {
    let Some(folder) = folder() else { return };
    let index = std::fs::read(folder.join("INDEX.json")).unwrap();
    let index: Vec<Value> = serde_json::from_slice(&index).unwrap();
    assert!(index.len() >= 40, "the index lists {} bodies", index.len());
    let mut told = 0;
    for described in &index {
        let file = described["file"].as_str().unwrap();
        let updates = decode(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let kinds: Vec<&str> = described["kinds"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let lines: Vec<Value> = updates.iter().map(Update::line).collect();
        assert_eq!(lines.len(), kinds.len(), "{file}");
        for ((line, kind), update) in lines.iter().zip(kinds).zip(&updates) {
            assert_eq!(line["event"], event(kind), "{file}: {line}");
            assert!(update.waba.is_some() && update.raw.is_object(), "{file}");
            if let ["status", status, code @ ..] = kind.split(':').collect::<Vec<_>>().as_slice() {
                assert_eq!(line["status"], *status, "{file}");
                assert_eq!(line.get("code").map(Value::to_string), code.first().map(|c| (*c).to_owned()), "{file}");
            }
        }
        let name = file.trim_end_matches(".json");
        for (field, expected) in CONTENTS.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, fields)| fields) {
            assert_eq!(lines[0][field], *expected, "{file}: {}", lines[0]);
            told += 1;
        }
    }
    assert_eq!(told, CONTENTS.iter().map(|(_, fields)| fields.len()).sum::<usize>(), "a body of the table is gone");
}
