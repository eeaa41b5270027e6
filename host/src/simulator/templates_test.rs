//! Which parameters a template takes, as a table of requests.

use serde_json::{Value, json};

use super::{
    OfferedKind,
    validate_test::{code, draft, message},
};

fn template(name: &str, language: &str, components: Value) -> Value {
    message(
        json!({"type": "template", "template": {"name": name, "language": {"code": language}, "components": components}}),
    )
}

fn words(values: &[&str]) -> Value {
    values.iter().map(|text| json!({"type": "text", "text": text})).collect()
}

/// The components of `full` with these values for the body.
fn full(body: &[&str]) -> Value {
    json!([
        {"type": "header", "parameters": words(&["Ana"])},
        {"type": "body", "parameters": words(body)},
        {"type": "button", "sub_type": "url", "index": "1", "parameters": words(&["a"])},
    ])
}

fn named(parameters: Value) -> Value {
    template("named", "en_US", json!([{"type": "body", "parameters": parameters}]))
}

#[test]
fn template_parameters() {
    let suffix = |parameter: &str| template("full", "fr", full(&["Ana", parameter]));
    let parameter = |name: &str, text: &str| json!({"type": "text", "parameter_name": name, "text": text});
    let both = |a: Value, b: Value| named(json!([a, b]));
    let image = |kind: &str| {
        template("picture", "fr", json!([{"type": "HEADER", "parameters": [{"type": kind, kind: {"id": "1"}}]}]))
    };
    let cases = [
        (template("full", "fr", full(&["Ana", "ça va"])), 0),
        (template("full", "fr", full(&["Ana"])), 132_000),
        (template("full", "fr", full(&["Ana", "a", "b"])), 132_000),
        (template("full", "fr", json!([{"type": "body", "parameters": words(&["Ana", "x"])}])), 132_000),
        (template("full", "en_US", full(&["Ana", "x"])), 132_001),
        (template("nowhere", "fr", json!([])), 132_001),
        (template("pending", "fr", json!([])), 132_001),
        (template("paused", "fr", json!([])), 132_015),
        (template("disabled", "fr", json!([])), 132_016),
        (suffix("a\nb"), 132_018),
        (suffix("a\tb"), 132_018),
        (suffix("a     b"), 132_018),
        (suffix("a    b"), 0),
        (suffix(" "), 131_008),
        (both(parameter("name", "Ana"), parameter("day", "mardi")), 0),
        (both(parameter("day", "mardi"), parameter("name", "Ana")), 0),
        (named(words(&["Ana", "mardi"])), 100),
        (both(parameter("name", "Ana"), parameter("hour", "10")), 132_012),
        (both(parameter("name", "Ana"), parameter("name", "Bob")), 132_012),
        (image("image"), 0),
        (image("video"), 132_012),
        (template("picture", "fr", json!([])), 132_000),
        (message(json!({"type": "template", "template": {"name": "full"}})), 131_008),
    ];
    for (body, expected) in cases {
        assert_eq!(code(&body, true), expected, "{body}");
    }
    assert_eq!(code(&template("nowhere", "fr", json!([])), false), 0, "taken when not strict");
    let payload = |payload: &str| json!({"type": "BUTTON", "sub_type": "QUICK_REPLY", "index": 0, "parameters": [{"type": "payload", "payload": payload}]});
    let with = |component: Value| {
        let mut components = full(&["Ana", "x"]);
        components.as_array_mut().unwrap().push(component);
        template("full", "fr", components)
    };
    assert_eq!(code(&with(payload(&"p".repeat(129))), true), 131_009);
    assert_eq!(
        code(&with(json!({"type": "button", "sub_type": "quick_reply", "index": "7", "parameters": []})), true),
        132_012
    );
    let shown = draft(&with(payload("yes"))).shown;
    assert_eq!(shown.text, "Solaire Ana\nBonjour Ana, x ?\nSTOP pour arrêter");
    let offered: Vec<_> = shown.buttons.iter().map(|b| (b.kind, b.id.as_str(), b.title.as_str())).collect();
    assert_eq!(
        offered,
        [(OfferedKind::QuickReply, "yes", "Oui"), (OfferedKind::Link, "https://example.com/a", "Site")]
    );
}
