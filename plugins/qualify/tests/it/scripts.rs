//! A script that uses what the demonstration's does not: choices, buttons, conditions, endings, two languages.

use crate::host::Host;
use relais_sdk::{Choice, Content};

const SCRIPT: &str = r#"
languages = ["fr", "en"]
[opening]
template = "premier-contact"
[[steps]]
id = "home"
answer = "choice"
note = "home"
ask = { fr = "Maison ou appartement, {{ first_name or 'vous' }} ?", en = "House or flat?" }
show = "buttons"
choices = [
  { id = "house", label = { fr = "Une maison", en = "A house" }, words = ["pavillon", "villa"] },
  { id = "flat", label = { fr = "Un appartement", en = "A flat" }, words = ["appart*", "apartment"] },
]
on.flat.then = "end:not-for-flats"
[[steps]]
id = "surface"
answer = "number"
note = "surface"
ask = { fr = "Quelle surface ?", en = "How large is it?" }
min = 1
rules = [
  { if = "answer < 20", say = { fr = "C'est petit.", en = "That is small." }, then = "end:too-small" },
  { if = "answer >= 200", say = { fr = "Une grande maison !", en = "Large!" }, then = "hand-over" },
]
[[steps]]
id = "email"
answer = "email"
note = "email"
ask = { fr = "Votre e-mail ?", en = "Your e-mail?" }
skip-if = "email"
on.unknown.then = "owner"
[[steps]]
id = "owner"
answer = "yes-no"
note = "owner"
ask = { fr = "Êtes-vous propriétaire ?", en = "Do you own it?" }
buttons = { yes = { fr = "Oui", en = "Yes" }, no = { fr = "Non", en = "No" } }
on.no.then = "postcode"
[[steps]]
id = "postcode"
answer = "postcode"
note = "postcode"
ask = { fr = "Votre code postal ?", en = "Your postcode?" }
[endings.not-for-flats]
say = { fr = "Nous n'équipons que les maisons.", en = "We only equip houses." }
reason = "DISQUALIFIED"
[endings.too-small]
reason = "TOO_SMALL"
[booking]
buttons = true
ask = { fr = "Quand ?", en = "When?" }
ask-day = { fr = "Quel jour ?", en = "Which day?" }
offer-times = { fr = "{{ slots }} ?", en = "{{ day }}: {{ slots }}?" }
offer-days = "{{ days }} ?"
offer-slots = "{{ slots }} ?"
taken = "{{ slots }} ?"
none-free = { fr = "Rien.", en = "Nothing." }
confirm = { fr = "{{ meeting.day }} {{ meeting.time }}", en = "See you {{ day }} at {{ time }}" }
cancelled = { fr = "Annulé.", en = "Cancelled." }
"#;

fn started() -> Host {
    let mut host = Host::with(SCRIPT, "2025-10-08T09:31:00");
    host.call_mut().lead.name = Some("Ana Roux".to_owned());
    host.opens();
    host
}

fn pressed(host: &mut Host, id: &str) -> Vec<String> {
    let choice = Choice { id: id.to_owned(), title: "…".to_owned() };
    let at = host.now;
    host.receives(at, Content::Choice(choice))
}

#[test]
fn choices_by_word_button_and_number() {
    for text in ["une villa", "1", "maison"] {
        let mut host = started();
        assert_eq!(host.writes(text), ["Quelle surface ?"], "{text}");
        assert_eq!(host.notes()["home"], "house");
    }
    let mut host = started();
    assert_eq!(host.writes("bof"), ["Maison ou appartement, Ana ?"]);
    assert_eq!(host.choices, ["step:home:house", "step:home:flat"]);
    assert_eq!(pressed(&mut host, "step:home:flat"), ["Nous n'équipons que les maisons."]);
    assert_eq!(host.concluded.as_ref().unwrap().1.as_deref(), Some("DISQUALIFIED"));
}

#[test]
fn conditions_decide_where_it_goes_on() {
    let surface = |text: &str| {
        let mut host = started();
        host.writes("maison");
        let said = host.writes(text);
        (said, host)
    };
    let (said, host) = surface("entre 10 et 15 m2");
    assert_eq!((said, host.concluded.unwrap().1.as_deref()), (vec!["C'est petit.".to_owned()], Some("TOO_SMALL")));
    let (said, host) = surface("250");
    assert_eq!((said, host.handed_over.is_some()), (vec!["Une grande maison !".to_owned()], true));
    let (said, _) = surface("une centaine de m²");
    assert_eq!(said, ["Votre e-mail ?"]);
    let (said, _) = surface("0");
    assert_eq!(said, ["Quelle surface ?"], "outside of min");
}

#[test]
fn a_known_email_is_not_asked_and_a_refused_one_not_insisted_on() {
    let mut host = started();
    host.call_mut().lead.email = Some("ana@exemple.fr".to_owned());
    host.writes("maison");
    assert_eq!(host.writes("120"), ["Êtes-vous propriétaire ?"]);
    assert_eq!(host.choices, ["step:owner:yes", "step:owner:no"]);
    let mut host = started();
    for text in ["maison", "120"] {
        host.writes(text);
    }
    assert_eq!(host.writes("non"), ["Êtes-vous propriétaire ?"]);
    assert_eq!(pressed(&mut host, "step:owner:no"), ["Votre code postal ?"]);
    assert_eq!(host.writes("69003 Lyon"), ["Quand ?"]);
    let expected = serde_json::json!({
        "home": "house", "surface": 120, "email": null, "owner": false, "postcode": "69003",
    });
    assert_eq!(host.notes(), expected);
}

#[test]
fn another_language_when_the_crm_says_so() {
    let mut host = started();
    host.call_mut().lead.context = r#"{"language":"en-GB"}"#.to_owned();
    assert_eq!(host.writes("a house"), ["How large is it?"]);
    for text in ["100", "no", "yes", "75011"] {
        host.writes(text);
    }
    assert_eq!(host.writes("tomorrow"), ["tomorrow: 8:30 am-9 am or 2 pm-2:30 pm?"]);
    assert_eq!(host.choices, ["slot:2025-10-09T08:30:00+02:00", "slot:2025-10-09T14:00:00+02:00"]);
    assert_eq!(pressed(&mut host, "slot:2025-10-09T14:00:00+02:00"), ["See you tomorrow at 2 pm"]);
}
