//! Templates declared, filled in and compared.

use serde_json::json;

use super::{Category, Header, ListedTemplate, Parameter, Template, TemplateCall, TemplateProblem};

fn filling(name: Option<&str>, text: &str) -> Parameter {
    Parameter { name: name.map(str::to_owned), text: text.to_owned() }
}

fn call(body: Vec<Parameter>) -> TemplateCall {
    TemplateCall { name: "intro".to_owned(), language: "fr".to_owned(), header: None, body, buttons: vec![] }
}

fn declared(toml: &str) -> Template {
    toml::from_str(&format!("name = \"intro\"\nlanguage = \"fr\"\ncategory = \"marketing\"\n{toml}")).unwrap()
}

#[test]
fn a_template_is_filled_as_the_person_sees_it() {
    let numbered = declared(
        "header = \"Bonjour {{1}}\"\nbody = \"{{2}}, {{1}} et {{2}} {{ x\"\nfooter = \"STOP\"\nquick-replies = [\"Oui\", \"Non\"]",
    );
    let header = |text: &str| Some(Header::Text(filling(None, text)));
    let full = TemplateCall { header: header("Ana"), ..call(vec![filling(None, "un"), filling(None, "deux\n {{1}}")]) };
    assert_eq!(numbered.render(&full).unwrap(), "Bonjour Ana\ndeux {{1}}, un et deux {{1}} {{ x\nSTOP\n[Oui] [Non]");
    assert_eq!(numbered.parameters(), ["1", "2"]);

    let named = declared("body = \"{{first_name}} à {{ time }}\"");
    let both = vec![filling(Some("time"), "10h"), filling(Some("first_name"), "Léa")];
    assert_eq!(named.render(&call(both)).unwrap(), "Léa à 10h");
    assert!(named.is_named() && !numbered.is_named());

    let refused = [
        (
            &numbered,
            call(vec![filling(None, "a"), filling(None, "b")]),
            "template intro: header takes 1, got no parameter",
        ),
        (
            &numbered,
            TemplateCall { header: header("x"), ..call(vec![filling(None, "a")]) },
            "template intro: body takes 1, 2, got 1",
        ),
        (
            &named,
            call(vec![filling(None, "a"), filling(None, "b")]),
            "template intro: body takes first_name, time, got 1, 2",
        ),
        (
            &named,
            call(vec![filling(Some("time"), "a"), filling(Some("name"), "b")]),
            "template intro: body takes first_name, time, got time, name",
        ),
        (
            &named,
            call(vec![filling(Some("time"), "a"), filling(Some("first_name"), " \n")]),
            "template intro: parameter first_name is empty",
        ),
        (
            &named,
            TemplateCall { language: "en".to_owned(), ..call(vec![]) },
            "template intro: the call is of another template or language",
        ),
    ];
    for (template, call, problem) in refused {
        assert_eq!(template.render(&call).unwrap_err().to_string(), problem);
    }
}

#[test]
fn a_wrong_declaration_is_explained() {
    let problems =
        |toml: &str| declared(toml).check().iter().map(TemplateProblem::to_string).collect::<Vec<_>>().join("; ");
    assert_eq!(problems("body = \"a {{1}} b {{2}}\""), "");
    assert_eq!(problems("body = \"a {{name}}\"\nheader = \"{{1}}\""), "");
    let cases = [
        ("body = \"a {{1}} {{name}}\"", "template intro: body mixes numbered and named blanks"),
        ("body = \"a {{2}} {{3}}\"", "template intro: body must number its blanks from 1 without a gap, has 2, 3"),
        ("body = \"\"", "template intro: body is empty"),
        ("body = \"a\"\nfooter = \"{{1}}\"", "template intro: footer cannot have blanks"),
        ("body = \"a\"\nheader = \"{{1}} {{2}}\"", "template intro: header has more than one blank"),
        (
            "body = \"a\"\nquick-replies = [\"12345678901234567890123456\"]",
            "template intro: quick-replies is 26 characters long, 25 are allowed",
        ),
    ];
    for (toml, expected) in cases {
        assert_eq!(problems(toml), expected);
    }
    let unknown = toml::from_str::<Template>(
        "name = \"x\"\nlanguage = \"fr\"\ncategory = \"utility\"\nbody = \"b\"\nfoter = \"f\"",
    );
    assert!(unknown.unwrap_err().to_string().contains("unknown field `foter`"));
}

#[test]
fn a_declaration_is_compared_with_metas_listing() {
    let template = declared("body = \"Bonjour {{1}}\"\nfooter = \"STOP\"\nquick-replies = [\"Oui\"]");
    let listed: ListedTemplate = serde_json::from_value(json!({"id": "1", "name": "intro", "language": "fr", "status": "APPROVED",
        "category": "MARKETING", "components": [
            {"type": "BODY", "text": "Bonjour {{1}}"}, {"type": "footer", "text": "STOP"},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Oui"}, {"type": "URL", "text": "Site"}]}]})).unwrap();
    assert_eq!(template.compare(std::slice::from_ref(&listed)), []);
    let other = ListedTemplate { status: "PAUSED".to_owned(), category: "UTILITY".to_owned(), ..listed.clone() };
    let found: Vec<String> = template.compare(&[other]).iter().map(TemplateProblem::to_string).collect();
    assert_eq!(
        found,
        [
            "template intro: status at Meta is PAUSED, here it is APPROVED",
            "template intro: category at Meta is UTILITY, here it is MARKETING"
        ]
    );
    let english = ListedTemplate { language: "en".to_owned(), ..listed };
    assert!(matches!(template.compare(&[english])[..], [TemplateProblem::Missing { .. }]));
    assert_eq!(template.category, Category::Marketing);
}
