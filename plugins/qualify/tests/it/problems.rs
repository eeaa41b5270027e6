//! A script with a mistake is refused where the mistake is.

use crate::host::script_json;
use relais_qualify::{Config, Script};
use relais_sdk::{Problem, Qualification, checked};

const SCRIPT: &str = r#"
languages = ["fr", "en"]
[opening]
template = "hello"
[[steps]]
id = "one"
answer = "yes-no"
note = "one"
ask = { fr = "Un ?", en = "One?" }
[[steps]]
id = "two"
answer = "choice"
ask = "2 ?"
show = "buttons"
choices = [{ id = "a", label = "A" }, { id = "b", label = "B" }]
[booking]
ask = "? ?"
ask-day = "{% if time %}{{ time }}{% endif %} ?"
offer-times = "{{ slots }} ?"
offer-days = "{{ days }} ?"
offer-slots = "{{ slots }} ?"
taken = "{{ slots }} ?"
none-free = { fr = "Rien.", en = "Nothing." }
confirm = "{{ day }} {{ time }}"
cancelled = "OK."
[[reminders]]
before = "1h"
text = { fr = "Bientôt.", en = "Soon." }
template = "soon"
"#;

fn problems(script: &str) -> Vec<Problem> {
    checked::<Config, Script>(&script_json(script), Script::configure).err().unwrap_or_default()
}

#[test]
fn a_right_script_has_no_problem() {
    assert_eq!(problems(SCRIPT), []);
}

#[test]
fn the_example_of_the_readme_is_right() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(problems(example), []);
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let long = "1 ".repeat(2_049);
    let long_with_buttons = format!("ask = \"{}\"\nshow", "1 ".repeat(513));
    for (from, to, at, what) in [
        (
            "id = \"one\"",
            "id = \"one\"\nask-again = 1",
            "steps.0.ask-again",
            "unknown field `ask-again`, expected one of",
        ),
        ("answer = \"yes-no\"", "answer = \"yesno\"", "steps.0.answer", "unknown variant `yesno`"),
        ("note = \"one\"", "then = \"three\"", "steps.0.then", "there is no step `three`"),
        ("note = \"one\"", "on.yes.then = \"end:nope\"", "steps.0.on.yes.then", "there is no [endings.nope]"),
        ("note = \"one\"", "on.perhaps.say = \"?\"", "steps.0.on.perhaps", "yes, no and maybe"),
        ("note = \"one\"", "then = \"booking\"", "steps.1", "never asked"),
        (
            "show = \"buttons\"",
            "on.a.then = \"two\"\non.b.then = \"two\"\nshow = \"buttons\"",
            "steps.0.then",
            "go round for ever",
        ),
        ("note = \"one\"", "note = \"\"", "steps.0.note", "1 to 64 characters"),
        (", en = \"One?\"", "", "steps.0.ask.en", "missing in `en`"),
        (", en = \"One?\"", ", en = \"One?\", de = \"Eins?\"", "steps.0.ask.de", "not among the script's languages"),
        ("fr = \"Un ?\"", "fr = \"{{ prenom }} ?\"", "steps.0.ask.fr", "there is no variable `prenom`"),
        ("fr = \"Un ?\"", "fr = \"{{ notes.age }} ?\"", "steps.0.ask.fr", "nothing is noted under `age`"),
        ("fr = \"Un ?\"", "fr = \"{{ name ?\"", "steps.0.ask.fr", "cannot be read"),
        ("note = \"one\"", "skip-if = \"notes.one ==\"", "steps.0.skip-if", "the condition cannot be read"),
        ("Rien.", &long, "booking.none-free.fr", "4098 characters: WhatsApp takes 4096 here"),
        ("ask = \"2 ?\"\nshow", &long_with_buttons, "steps.1.ask", "1026 characters: WhatsApp takes 1024 here"),
        (
            "label = \"B\"",
            "label = { fr = \"Un appartement à Paris\", en = \"A flat\" }",
            "steps.1.choices.1.label.fr",
            "22 characters: WhatsApp takes 20 here",
        ),
        ("id = \"b\"", "id = \"a\"", "steps.1.choices.1.id", "id of its own"),
        ("template = \"soon\"", "", "reminders.0.template", "name a template"),
        (
            "[[reminders]]",
            "[[follow-ups.messages]]\nafter = \"1h\"\ntext = \"?\"\n[[reminders]]",
            "follow-ups.messages.0.template",
            "name a template",
        ),
        ("before = \"1h\"", "before = \"one hour\"", "reminders.0.before", "a duration such as"),
        ("[booking]", "[endings.bye]\n[booking]", "endings.bye", "no `then` leads to this ending"),
        ("ask-day = \"{% if time %}{{ time }}{% endif %} ?\"\n", "", "booking", "missing field `ask-day`"),
        ("note = \"one\"", "then = \"booking\"\non.yes.then = \"two\"\nmin = 3", "steps.0.min", "only a number"),
        (
            "[booking]",
            "[[objections]]\nid = \"o\"\nwords = []\nsay = \"?\"\n[booking]",
            "objections.0.words",
            "list the words",
        ),
        ("\"2 ?\"", "\"Deux ?\"", "steps.1.ask", "one text for all the languages of this script"),
        ("template = \"hello\"", "template = { fr = \"bonjour\" }", "opening.template.en", "missing in `en`"),
        ("template = \"soon\"", "template = \"\"", "reminders.0.template", "name a template"),
        ("fr = \"Un ?\"", "fr = \"{{ slots }} ?\"", "steps.0.ask.fr", "`slots` has a value only in booking.offer"),
        ("fr = \"Un ?\"", "fr = \"{{ day }} ?\"", "steps.0.ask.fr", "no meeting is being spoken of"),
        ("fr = \"Rien.\"", "fr = \"{{ reason }}\"", "booking.none-free.fr", "has a value only in [[summary]]"),
        ("fr = \"Bientôt.\"", "fr = \"{{ answers.age }} !\"", "reminders.0.text.fr", "nothing is noted under `age`"),
        ("label = \"B\"", "label = \"A\"", "steps.1.choices.1.label", "two titles are \"A\""),
        (
            "note = \"one\"",
            "buttons = { yes = { fr = \"Oui\", en = \"OK\" }, no = { fr = \"Non\", en = \"OK\" } }",
            "steps.0.buttons.no",
            "two titles are \"OK\"",
        ),
        (
            "{ id = \"b\", label = \"B\" }",
            "{ id = \"b\", label = \"B\" }, { id = \"c\", label = \"C\" }, { id = \"d\", label = \"D\" }",
            "steps.1.choices",
            "at most 3",
        ),
        ("note = \"one\"", "then = \"return\"", "steps.0.then", "only an objection can return"),
        ("note = \"one\"", "on.no.then = \"hand-over\"", "steps.0.on.no.then", "the person would be told nothing"),
        (
            "[booking]",
            "[endings.bye]\n[[objections]]\nid = \"o\"\nwords = [\"o\"]\nsay = \"O\"\nthen = \"end:by\"\n[booking]",
            "objections.0.then",
            "there is no [endings.by]",
        ),
        (
            "[[steps]]\nid = \"two\"",
            "on.no.then = \"end:bye\"\n[endings.bye]\n[[steps]]\nid = \"two\"",
            "steps.0.on.no.then",
            "write a `say` here or a text in [endings.bye]",
        ),
        (
            "note = \"one\"",
            "rules = [{ if = \"answer\", say = \"A\" }, { if = \"answer\", say = \"B\" }]",
            "steps.0.rules.1.if",
            "never counts",
        ),
        ("before = \"1h\"", "before = \"0s\"", "reminders.0.before", "how long before the meeting"),
        (
            "[[reminders]]",
            "[[follow-ups.messages]]\nafter = \"1m\"\ntext = \"?\"\ntemplate = \"soon\"\n[[reminders]]",
            "follow-ups.messages.0.after",
            "at least 5 minutes",
        ),
        (
            "cancelled = \"OK.\"",
            "cancelled = \"OK.\"\noffers = 5\nbuttons = true",
            "booking.offers",
            "at most 3 buttons",
        ),
        ("cancelled = \"OK.\"", "cancelled = \"OK.\"\noffers = 5", "booking.offers", "too many for a sentence"),
        ("{% if time %}{{ time }}{% endif %} ?", "{{ time }} ?", "booking.ask-day", "named no one time"),
        ("note = \"one\"", "summary = \"Un\"", "steps.0.summary", "only what is noted"),
        (
            "[[reminders]]",
            "[follow-ups]\nreason = \"\"\n[[reminders]]",
            "follow-ups.reason",
            "a short word for the CRM",
        ),
        (
            "[booking]",
            "[[objections]]\nid = \"o\"\nwords = [\"prix\"]\nsay = \"?\"\nthen = \"end:bye\"\n[endings.bye]\nreason = \" \"\n[booking]",
            "endings.bye.reason",
            "a short word for the CRM",
        ),
        ("[booking]", "[[summary]]\nsay = \" \"\n[booking]", "summary.0.say", "write the sentence"),
        (
            "[booking]",
            "[[objections]]\nid = \"o\"\nwords = [\"prix\"]\nsay = \"?\"\n[[objections]]\nid = \"p\"\nwords = [\"cher\", \"Prix\"]\nsay = \"?\"\n[booking]",
            "objections.1.words.1",
            "the objection `o` has these words already",
        ),
    ] {
        let script = SCRIPT.replacen(from, to, 1);
        assert_ne!(script, SCRIPT, "{from}");
        let found = problems(&script);
        assert!(found.iter().any(|it| it.at == at && it.what.contains(what)), "{at}: {what}\n{found:#?}");
        // A loop is told at each of its questions; what stands beside something unreadable is not judged.
        assert!(found.len() == 1 || what.starts_with("go round"), "{at}: {found:#?}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let mut script = SCRIPT.to_owned();
    for (from, to) in [
        ("note = \"one\"", "nota = \"one\"\nthen = \"three\""),
        ("\"2 ?\"", "3"),
        ("show = \"buttons\"", "show = \"button\""),
        ("ask-day = \"{% if time %}{{ time }}{% endif %} ?\"\n", ""),
        ("before = \"1h\"", "before = \"soon\""),
        ("fr = \"Rien.\"", "fr = \"{{ rien }}\""),
        ("template = \"hello\"", "template = \"\""),
    ] {
        assert!(script.contains(from), "{from}");
        script = script.replacen(from, to, 1);
    }
    let found = problems(&script);
    let places: Vec<&str> = found.iter().map(|problem| problem.at.as_str()).collect();
    let expected = [
        "steps.0.nota",
        "steps.1.ask",
        "steps.1.show",
        "booking",
        "reminders.0.before",
        "opening.template",
        "steps.0.then",
    ];
    let missing: Vec<_> = expected.iter().filter(|place| !places.contains(place)).collect();
    assert!(missing.is_empty() && places.len() == expected.len(), "{missing:?}\n{found:#?}");
}
