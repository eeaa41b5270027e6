//! A script that has a tenant's model understand what its rules cannot, and write the summary. The model is what the tests
//! say it is.

use crate::host::Host;
use relais_sdk::Content;
use serde_json::{Value, json};

/// The script of talk.rs, with a model.
fn script() -> String {
    format!("{}\n[model]\nunderstand = true\nsummary = true\n", include_str!("talk.toml"))
}

/// A conversation in which these were said, on Wednesday, 8 October 2025.
fn after(messages: &[&str]) -> Host {
    let mut host = Host::with(&script(), "2025-10-08T09:31:00");
    host.opens();
    for message in messages {
        host.writes(message);
    }
    host
}

/// The same without a model.
fn by_the_rules(messages: &[&str]) -> Vec<String> {
    let mut host = Host::with(include_str!("talk.toml"), "2025-10-08T09:31:00");
    host.opens();
    messages.iter().fold(Vec::new(), |_, message| host.writes(message))
}

/// Asks the model about a message, and gives what is said once it has answered.
fn told(host: &mut Host, message: &str, answer: &Value) -> Vec<String> {
    assert_eq!(host.writes(message), Vec::<String>::new(), "{message:?} is asked, and nothing is said meanwhile");
    host.model_answers(Ok(json!({ "answer": answer })))
}

/// What no rule understands.
const ODD: &str = "ben chez nous c'est comme au temps de mamie";

#[test]
fn what_the_model_understood_is_the_answer() {
    let owner: &[&str] = &[];
    let home: &[&str] = &["oui"];
    let bill: &[&str] = &["oui", "maison"];
    let when: &[&str] = &["oui", "maison", "150", "13001"];
    for (messages, answer, said) in [
        (owner, json!("yes"), "Maison ou appartement ?"),
        (owner, json!("no"), "Désolé, il faut être propriétaire."),
        (home, json!("house"), "Quelle est votre facture mensuelle d'électricité ?"),
        (home, json!("flat"), "Désolé, maisons seulement."),
        (bill, json!(120), "Quel est votre code postal ?"),
        (bill, json!(62.5), "Quel est votre code postal ?"),
        (bill, json!(20), "Ce n'est pas rentable pour vous."),
        (when, json!({ "day": "2025-10-13", "time": "14:30" }), "C'est noté : lundi à 14h30."),
        (when, json!({ "day": "2025-10-10", "time": null }), "vendredi : 8h30-9h, 14h-14h30 ou 17h30-18h ?"),
        (when, json!({ "day": null, "time": "16:00" }), "Quel jour à 16h ?"),
    ] {
        let mut host = after(messages);
        assert_eq!(told(&mut host, ODD, &answer), [said], "{answer}");
    }
    let mut host = after(bill);
    told(&mut host, ODD, &json!(62.5));
    assert_eq!(host.notes()["facture"], 62.5);
}

#[test]
fn what_the_rules_understand_is_never_asked() {
    let host = after(&["Bonjour", "oui", "c'est cher ?", "maison", "150", "13001", "demain 10h", "merci"]);
    let understanding = host.asked.iter().filter(|asked| asked.id.starts_with("understand")).count();
    assert_eq!(understanding, 0, "{:?}", host.asked);
}

#[test]
fn without_an_answer_the_rules_go_on_as_if_nobody_had_been_asked() {
    let nonsense = |value: Value| Ok(json!({ "answer": value }));
    for (messages, answers) in [
        (&[][..], vec![nonsense(json!("unclear")), nonsense(json!("house")), nonsense(json!(1))]),
        (&["oui"][..], vec![nonsense(json!("unclear")), nonsense(json!("castle")), nonsense(json!(null))]),
        (&["oui", "maison"][..], vec![nonsense(json!(null)), nonsense(json!(3)), nonsense(json!("120"))]),
        (
            &["oui", "maison", "150", "13001"][..],
            vec![
                nonsense(json!({ "day": null, "time": null })),
                nonsense(json!({ "day": "soon", "time": "25:99" })),
                nonsense(json!({ "day": "2025-10-01", "time": "10:00" })),
                nonsense(json!("2025-10-13")),
            ],
        ),
    ] {
        let failures = ["no-model", "timeout", "refused"].map(|why| Err(why.to_owned()));
        for answer in failures.into_iter().chain(answers).chain([Ok(json!([])), Ok(json!({}))]) {
            let mut host = after(messages);
            host.writes(ODD);
            let said = host.model_answers(answer.clone());
            let all: Vec<&str> = messages.iter().copied().chain([ODD]).collect();
            assert_eq!(said, by_the_rules(&all), "{messages:?} {answer:?}");
            assert!(!said.is_empty() && host.timers.contains_key("silence"));
        }
    }
}

#[test]
fn buttons_come_back_with_the_question_and_a_human_after_two_re_askings() {
    let again = "again = [{ fr = \"Plutôt maison ?\", en = \"A house?\" }]";
    let script = script().replace("id = \"type\"\n", &format!("id = \"type\"\n{again}\n"));
    let mut host = Host::with(&script, "2025-10-08T09:31:00");
    host.opens();
    host.writes("oui");
    for said in ["Plutôt maison ?", "Maison ou appartement ?"] {
        host.writes(ODD);
        assert_eq!(host.model_answers(Err("timeout".to_owned())), [said]);
        assert_eq!(host.choices, ["step:type:house", "step:type:flat"]);
    }
    host.writes(ODD);
    assert_eq!(host.model_answers(Err("timeout".to_owned())), ["Un conseiller arrive."]);
    assert!(host.handed_over.is_some());
}

#[test]
fn who_writes_on_while_the_model_thinks_has_said_both() {
    let mut host = after(&["oui"]);
    host.writes(ODD);
    let bill = "Quelle est votre facture mensuelle d'électricité ?";
    assert_eq!(host.writes("une maison quoi"), [bill]);
    // The answer to what was overtaken changes nothing.
    assert_eq!(host.model_answers(Ok(json!({ "answer": "flat" }))), Vec::<String>::new());
    assert_eq!((host.notes()["type"].as_str(), host.concluded.clone()), (Some("house"), None));

    // Both together are asked about when neither is understood.
    let mut host = after(&["oui"]);
    host.writes(ODD);
    host.writes("enfin vous voyez le truc");
    assert_eq!(host.asked.len(), 2);
    assert_eq!(host.asked[1].input, format!("{ODD}\nenfin vous voyez le truc"));
    assert_eq!(host.model_answers_nth(0, Ok(json!({ "answer": "flat" }))), Vec::<String>::new());
    assert_eq!(host.model_answers_nth(1, Ok(json!({ "answer": "house" }))), [bill]);

    // STOP is obeyed whatever is being asked.
    let mut host = after(&["oui"]);
    host.writes(ODD);
    host.writes("Arrêtez de m'écrire");
    assert_eq!(host.concluded.as_ref().and_then(|end| end.1.as_deref()), Some("STOP"));
    assert_eq!(host.model_answers(Ok(json!({ "answer": "house" }))), Vec::<String>::new());
}

#[test]
fn a_picture_or_an_essay_is_asked_nobody() {
    let mut host = after(&[]);
    host.writes(&"blabla ".repeat(200));
    let at = host.now;
    host.receives(at, Content::Reaction("🦖".to_owned()));
    assert!(host.asked.is_empty());
}

/// The summary in the end, when the model wrote this one.
fn summary(text: &str) -> (String, String) {
    let mut host = after(&["oui", "une villa", "150", "13001", "demain 10h"]);
    let rules = host.summary.clone();
    assert_eq!(host.asked.len(), 1, "{:?}", host.asked);
    assert_eq!(host.model_answers(Ok(json!({ "summary": text }))), Vec::<String>::new());
    (rules, host.summary)
}

#[test]
fn a_summary_that_holds_to_the_facts_is_told_and_no_other() {
    let faithful = "Propriétaire d'une maison, facture de 150, code postal 13001. RDV jeudi 09/10 à 10h.";
    assert_eq!(summary(faithful).1, faithful);
    for invented in [
        "Propriétaire d'une maison de 90 m². RDV jeudi 09/10 à 10h.",
        "RDV jeudi 09/10 à 11h.",
        "RDV vendredi 09/10 à 10h.",
        "Propriétaire d'une maison à Marseille, facture de 150.",
        "Madame Durand est propriétaire, facture de 150.",
        "Facture de 150, environ deux cents l'hiver.",
        "",
    ] {
        let (rules, told) = summary(invented);
        assert_eq!(told, rules, "{invented}");
    }
    let mut host = after(&["oui", "une villa", "150", "13001", "demain 10h"]);
    let rules = host.summary.clone();
    host.model_answers(Err("timeout".to_owned()));
    assert_eq!(host.summary, rules);
    // A later word does not bring the rules' summary back, a move does, and asks anew.
    let mut host = after(&["oui", "une villa", "150", "13001", "demain 10h"]);
    host.model_answers(Ok(json!({ "summary": faithful })));
    host.writes("merci");
    assert_eq!(host.summary, faithful);
    host.writes("plutôt lundi 11h");
    assert!(host.summary.contains("lundi 13/10 à 11h"), "{}", host.summary);
    assert_eq!(host.asked.len(), 2);
}
