//! The wire form of messages, and their limits.

use serde_json::{Value, json};

use super::{
    Button, ButtonParameter, Header, LimitProblem, MediaLink, Outgoing, Parameter, Recipient, Row, Section,
    TemplateCall,
};

fn number(text: &str) -> Recipient {
    Recipient::Number(text.to_owned())
}

fn text(body: &str) -> Outgoing {
    Outgoing::Text { body: body.to_owned(), preview_url: false }
}

fn button(id: &str, title: &str) -> Button {
    Button { id: id.to_owned(), title: title.to_owned() }
}

fn row(id: &str, title: &str, description: Option<&str>) -> Row {
    Row { id: id.to_owned(), title: title.to_owned(), description: description.map(str::to_owned) }
}

fn filling(name: Option<&str>, text: &str) -> Parameter {
    Parameter { name: name.map(str::to_owned), text: text.to_owned() }
}

fn call(body: Vec<Parameter>) -> TemplateCall {
    TemplateCall { name: "intro".to_owned(), language: "fr".to_owned(), header: None, body, buttons: vec![] }
}

#[test]
fn every_form_has_its_wire_form() {
    let buttons = Outgoing::Buttons {
        header: Some("H".to_owned()),
        body: "B".to_owned(),
        footer: None,
        buttons: vec![button("y", "Oui")],
    };
    let list = Outgoing::List {
        body: "B".to_owned(),
        button: "Créneaux".to_owned(),
        sections: vec![Section {
            title: "Mardi".to_owned(),
            rows: vec![row("s1", "10:00", Some("d")), row("s2", "11:00", None)],
        }],
    };
    let template = Outgoing::Template(TemplateCall {
        header: Some(Header::Image(MediaLink::Id("9".to_owned()))),
        buttons: vec![ButtonParameter::QuickReply { index: 0, payload: "yes".to_owned() }],
        ..call(vec![filling(None, "Ana\n\tLéa     x"), filling(Some("when"), "10:00")])
    });
    let cases = [
        (text("Bonjour"), "text", json!({"body": "Bonjour", "preview_url": false})),
        (
            buttons,
            "interactive",
            json!({"type": "button", "header": {"type": "text", "text": "H"}, "body": {"text": "B"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "y", "title": "Oui"}}]}}),
        ),
        (
            list,
            "interactive",
            json!({"type": "list", "body": {"text": "B"}, "action": {"button": "Créneaux", "sections": [
            {"title": "Mardi", "rows": [{"id": "s1", "title": "10:00", "description": "d"}, {"id": "s2", "title": "11:00"}]}]}}),
        ),
        (
            template,
            "template",
            json!({"name": "intro", "language": {"code": "fr"}, "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"id": "9"}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Ana Léa x"}, {"type": "text", "parameter_name": "when", "text": "10:00"}]},
            {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{"type": "payload", "payload": "yes"}]}]}),
        ),
        (Outgoing::Template(call(vec![])), "template", json!({"name": "intro", "language": {"code": "fr"}})),
    ];
    for (outgoing, kind, content) in cases {
        let expected = json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+33612345678",
            "type": kind, kind: content, "biz_opaque_callback_data": "env-1", "context": {"message_id": "w0"}});
        assert_eq!(outgoing.body(&number("+33612345678"), "env-1", Some("w0")), expected);
        let stored = serde_json::to_string(&outgoing).unwrap();
        assert_eq!(serde_json::from_str::<Outgoing>(&stored).unwrap(), outgoing);
    }
}

#[test]
fn a_number_always_goes_with_its_plus_and_a_user_id_apart() {
    let to = |recipient: Recipient| {
        let body = text("x").body(&recipient, "e", None);
        assert!(body.get("context").is_none());
        (body["to"].clone(), body["recipient"].clone())
    };
    assert_eq!(to(number("33612345678")), (json!("+33612345678"), Value::Null));
    assert_eq!(to(number("+33 6 12 34 56 78")), (json!("+33612345678"), Value::Null));
    assert_eq!(to(Recipient::UserId("FR.1".to_owned())), (Value::Null, json!("FR.1")));
    let read = |typing| Outgoing::MarkRead { message_id: "w".to_owned(), typing }.body(&number("+33"), "e", None);
    assert_eq!(read(false), json!({"messaging_product": "whatsapp", "status": "read", "message_id": "w"}));
    assert_eq!(read(true)["typing_indicator"], json!({"type": "text"}));
}

#[test]
fn limits_are_checked_to_the_character() {
    let buttons = |header: usize, body: usize, titles: &[&str]| Outgoing::Buttons {
        header: Some("h".repeat(header)),
        body: "b".repeat(body),
        footer: None,
        buttons: titles.iter().map(|title| button(&format!("id {title}"), title)).collect(),
    };
    let list = |sections: &[(&str, usize)]| {
        let mut n = 0;
        let rows = |count: usize, n: &mut usize| -> Vec<Row> {
            (0..count)
                .map(|_| {
                    *n += 1;
                    row(&n.to_string(), "10:00", None)
                })
                .collect()
        };
        let sections =
            sections.iter().map(|(title, count)| Section { title: (*title).to_owned(), rows: rows(*count, &mut n) });
        Outgoing::List { body: "b".to_owned(), button: "Choisir".to_owned(), sections: sections.collect() }
    };
    let template = |text: &str| Outgoing::Template(call(vec![filling(None, text)]));
    let title = "t".repeat(20);
    let cases = [
        (text(&"é".repeat(4096)), None),
        (text(&"é".repeat(4097)), Some("text is 4097 characters long, 4096 are allowed")),
        (text(&"😀".repeat(2049)), Some("text is 4098 characters long, 4096 are allowed")),
        (text(" \n"), Some("text is empty")),
        (buttons(60, 1024, &[&title, "b", "c"]), None),
        (buttons(61, 1024, &["a"]), Some("header is 61 characters long, 60 are allowed")),
        (buttons(0, 1025, &["a"]), Some("body is 1025 characters long, 1024 are allowed")),
        (buttons(0, 1, &[]), Some("buttons is empty")),
        (buttons(0, 1, &["a", "b", "c", "d"]), Some("buttons: 4, 3 are allowed")),
        (
            buttons(0, 1, &["a", "ttttttttttttttttttttt"]),
            Some("title of button 2 is 21 characters long, 20 are allowed"),
        ),
        (list(&[("", 10)]), None),
        (list(&[("Mardi", 5), ("Mercredi", 5)]), None),
        (list(&[("Mardi", 5), ("Mercredi", 6)]), Some("rows of all sections: 11, 10 are allowed")),
        (list(&[("Mardi", 5), ("", 5)]), Some("title of section 2 is empty")),
        (list(&[]), Some("sections is empty, rows of all sections is empty")),
        (template("a b"), None),
        (template(&"a \n\t".repeat(512)), None),
        (template(" \t\n"), Some("body parameter 1 is empty")),
        (
            Outgoing::Template(TemplateCall { name: "Intro!".to_owned(), ..call(vec![]) }),
            Some("template name may contain only a-z, 0-9 and _"),
        ),
    ];
    for (outgoing, expected) in cases {
        let found =
            outgoing.check().err().map(|all| all.iter().map(LimitProblem::to_string).collect::<Vec<_>>().join(", "));
        assert_eq!(found.as_deref(), expected);
    }
    let twice = Outgoing::Buttons {
        header: None,
        body: "b".to_owned(),
        footer: None,
        buttons: vec![button("1", "Oui"), button("2", "Oui")],
    };
    assert_eq!(twice.check(), Err(vec![LimitProblem::Repeated { part: "title of button 2".to_owned() }]));
}

#[test]
fn previews_show_what_a_person_sees() {
    let buttons = Outgoing::Buttons {
        header: Some("Rendez-vous".to_owned()),
        body: "Quand ?".to_owned(),
        footer: Some("STOP pour arrêter".to_owned()),
        buttons: vec![button("1", "Mardi"), button("2", "Jeudi")],
    };
    assert_eq!(buttons.preview(), "Rendez-vous\nQuand ?\nSTOP pour arrêter\n[Mardi] [Jeudi]");
    assert_eq!(text("Bonjour").preview(), "Bonjour");
    assert_eq!(Outgoing::Template(call(vec![filling(None, "Ana\nB")])).preview(), "intro: Ana B");
}
