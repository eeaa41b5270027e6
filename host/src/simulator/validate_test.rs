//! What Meta takes and what it refuses, as a table of requests.

use serde_json::{Value, json};

use super::{
    ApprovedTemplate, BusinessNumber, TemplateButton, TemplateHeader,
    message::{Draft, Recipient},
    validate::{Request, read},
};

fn number() -> BusinessNumber {
    BusinessNumber {
        phone_number_id: "106540352242922".to_owned(),
        display: "+33 1 86 00 00 00".to_owned(),
        waba: "102290129340398".to_owned(),
        token: "token".to_owned(),
    }
}

fn known() -> Vec<ApprovedTemplate> {
    let full = ApprovedTemplate {
        header: Some(TemplateHeader::Text("Solaire {{1}}".to_owned())),
        footer: Some("STOP pour arrêter".to_owned()),
        buttons: vec![
            TemplateButton::QuickReply { text: "Oui".to_owned() },
            TemplateButton::Url { text: "Site".to_owned(), url: "https://example.com/{{1}}".to_owned() },
        ],
        ..ApprovedTemplate::new("full", "fr", "Bonjour {{1}}, {{2}} ?")
    };
    let status = |name: &str, status: &str| ApprovedTemplate {
        status: status.to_owned(),
        ..ApprovedTemplate::new(name, "fr", "x")
    };
    let code = ApprovedTemplate { category: "AUTHENTICATION".to_owned(), ..ApprovedTemplate::new("code", "fr", "x") };
    let picture =
        ApprovedTemplate { header: Some(TemplateHeader::Image), ..ApprovedTemplate::new("picture", "fr", "x") };
    vec![
        full,
        ApprovedTemplate::new("named", "en_US", "Hi {{name}}, {{day}}"),
        status("paused", "PAUSED"),
        status("disabled", "DISABLED"),
        status("pending", "PENDING"),
        code,
        picture,
    ]
}

/// `body` with what every message has.
pub(super) fn message(body: Value) -> Value {
    let mut message = json!({"messaging_product": "whatsapp", "to": "+33612345604"});
    for (name, value) in body.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

fn text(body: &str) -> Value {
    message(json!({"type": "text", "text": {"body": body}}))
}

fn interactive(kind: &str, body: &str, action: Value) -> Value {
    message(json!({"type": "interactive", "interactive": {"type": kind, "body": {"text": body}, "action": action}}))
}

fn buttons(titles: &[&str]) -> Value {
    let buttons = titles
        .iter()
        .enumerate()
        .map(|(n, title)| json!({"type": "reply", "reply": {"id": format!("b{n}"), "title": title}}));
    interactive("button", "?", json!({"buttons": buttons.collect::<Vec<_>>()}))
}

fn list(sections: &[usize], title: Option<&str>) -> Value {
    let sections = sections.iter().enumerate().map(|(s, rows)| {
        let rows: Vec<Value> =
            (0..*rows).map(|r| json!({"id": format!("{s}.{r}"), "title": format!("Row {s}.{r}")})).collect();
        let mut section = json!({"rows": rows});
        if let Some(title) = title {
            section["title"] = json!(title);
        }
        section
    });
    interactive("list", "?", json!({"button": "Slots", "sections": sections.collect::<Vec<_>>()}))
}

/// 0 for a request that is taken, the code of the refusal otherwise.
pub(super) fn code(body: &Value, is_strict: bool) -> i64 {
    match read(body, &number(), &known(), is_strict) {
        Ok(_) => 0,
        Err(refusal) => refusal.code,
    }
}

/// The draft of a request that is taken.
pub(super) fn draft(body: &Value) -> Draft {
    match read(body, &number(), &known(), true) {
        Ok(Request::Send(draft)) => *draft,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn free_messages() {
    let location =
        |latitude: f64| message(json!({"type": "location", "location": {"latitude": latitude, "longitude": 2.35}}));
    let cases = [
        (text(&"é".repeat(4096)), 0),
        (text(&"é".repeat(4097)), 131_009),
        (text("  "), 131_008),
        (message(json!({"text": {"body": "no type is text"}})), 0),
        (message(json!({"type": "text"})), 131_008),
        (message(json!({"type": "text", "text": "Bonjour"})), 100),
        (message(json!({"type": "text", "text": {"body": 5}})), 100),
        (message(json!({"type": "text", "text": {"body": "x", "colour": "red"}})), 100),
        (message(json!({"type": "hologram", "hologram": {}})), 100),
        (message(json!({"type": "text", "text": {"body": "x"}, "biz_opaque_callback_data": "e".repeat(513)})), 131_009),
        (message(json!({"type": "text", "text": {"body": "x"}, "context": {}})), 131_008),
        (message(json!({"type": "text", "text": {"body": "x"}, "recipient_type": "group"})), 131_009),
        (json!({"to": "+33612345604", "type": "text", "text": {"body": "x"}}), 100),
        (json!({"messaging_product": "sms", "to": "+33612345604", "type": "text", "text": {"body": "x"}}), 100),
        (json!({"messaging_product": "whatsapp", "type": "text", "text": {"body": "x"}}), 100),
        (json!([]), 100),
        (buttons(&["Oui"]), 0),
        (buttons(&["Oui", "Non", "Peut-être"]), 0),
        (buttons(&["Oui", "Non", "Peut-être", "Jamais"]), 131_009),
        (buttons(&[]), 131_009),
        (buttons(&["Oui", "Oui"]), 131_009),
        (buttons(&["12345678901234567890"]), 0),
        (buttons(&["123456789012345678901"]), 131_009),
        (
            interactive(
                "button",
                &"x".repeat(1025),
                json!({"buttons": [{"type": "reply", "reply": {"id": "a", "title": "A"}}]}),
            ),
            131_009,
        ),
        (interactive("carousel", "?", json!({})), 100),
        (list(&[10], None), 0),
        (list(&[5, 5], Some("Mardi")), 0),
        (list(&[5, 5], None), 131_008),
        (list(&[5, 6], Some("Mardi")), 131_009),
        (list(&[11], None), 131_009),
        (list(&[1], Some("1234567890123456789012345")), 131_009),
        (
            interactive(
                "cta_url",
                "?",
                json!({"name": "cta_url", "parameters": {"display_text": "Voir", "url": "https://example.com"}}),
            ),
            0,
        ),
        (
            interactive(
                "cta_url",
                "?",
                json!({"name": "cta_url", "parameters": {"display_text": "Voir", "url": "example.com"}}),
            ),
            131_009,
        ),
        (interactive("contact_request", "?", json!({"name": "request_contact_info"})), 0),
        (location(48.85), 0),
        (location(148.85), 131_009),
        (message(json!({"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": ""}})), 0),
        (message(json!({"type": "reaction", "reaction": {"message_id": "wamid.x"}})), 131_008),
        (message(json!({"type": "image", "image": {"link": "https://example.com/a.jpg", "caption": "Toit"}})), 0),
        (message(json!({"type": "image", "image": {"caption": "Toit"}})), 100),
        (message(json!({"type": "audio", "audio": {"id": "1", "caption": "x"}})), 100),
        (
            json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x", "typing_indicator": {"type": "text"}}),
            0,
        ),
        (json!({"messaging_product": "whatsapp", "status": "read"}), 131_008),
        (json!({"messaging_product": "whatsapp", "status": "delivered", "message_id": "wamid.x"}), 100),
    ];
    for (body, expected) in cases {
        assert_eq!(code(&body, true), expected, "{body}");
    }
}

#[test]
fn recipients() {
    let to = |to: &str| {
        let body = json!({"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "x"}});
        match read(&body, &number(), &[], true) {
            Ok(Request::Send(draft)) => Ok(draft.recipient),
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => Err(refusal.code),
        }
    };
    let phone = |text: &str| Ok(Recipient::Number(text.to_owned()));
    assert_eq!(to("+33 (6) 12-34 56 04"), phone("+33612345604"));
    assert_eq!(to("612345604"), phone("+33612345604"));
    assert_eq!(to("33612345604"), phone("+3333612345604"), "without + Meta prepends the business's own country");
    assert_eq!(to("+33 6 12 FLOWERS"), Err(131_009));
    assert_eq!(to("+33"), Err(131_009));
    let mut body = json!({"messaging_product": "whatsapp", "recipient": "FR.1349", "text": {"body": "x"}});
    assert_eq!(draft(&body).recipient, Recipient::UserId("FR.1349".to_owned()));
    body["to"] = json!("+33612345604");
    assert_eq!(draft(&body).recipient, Recipient::Number("+33612345604".to_owned()), "to wins");
    let to_user = |template: &str| {
        json!({"messaging_product": "whatsapp", "recipient": "FR.1349", "type": "template",
        "template": {"name": template, "language": {"code": "fr"}}})
    };
    assert_eq!(code(&to_user("code"), true), 131_062);
}
