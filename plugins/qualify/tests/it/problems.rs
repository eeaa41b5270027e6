//! A script with a mistake is refused where the mistake is.

use crate::host::script_json;
use relais_qualify::{Config, Script};
use relais_sdk::{Problem, Qualification, parse};

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
ask = "Deux ?"
show = "buttons"
choices = [{ id = "a", label = "A" }, { id = "b", label = "B" }]
[booking]
ask = "Quand ?"
ask-day = "Quel jour ?"
offer-times = "{{ slots }} ?"
offer-days = "{{ days }} ?"
offer-slots = "{{ slots }} ?"
taken = "{{ slots }} ?"
none-free = "Rien."
confirm = "{{ day }} {{ time }}"
cancelled = "Annulé."
[[reminders]]
before = "1h"
text = "Bientôt."
template = "soon"
"#;

fn problems(script: &str) -> Vec<Problem> {
    match parse::<Config>(&script_json(script)) {
        Err(problems) => problems,
        Ok(config) => Script::configure(config).err().unwrap_or_default(),
    }
}

#[test]
fn a_right_script_has_no_problem() {
    assert_eq!(problems(SCRIPT), []);
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let long = "x".repeat(4_097);
    let long_with_buttons = format!("ask = \"{}\"\nshow", "x".repeat(1_025));
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
        ("Rien.", &long, "booking.none-free", "4097 characters: WhatsApp takes 4096 here"),
        ("ask = \"Deux ?\"\nshow", &long_with_buttons, "steps.1.ask", "1025 characters: WhatsApp takes 1024 here"),
        (
            "label = \"B\"",
            "label = \"Un appartement à Paris\"",
            "steps.1.choices.1.label",
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
        ("ask-day = \"Quel jour ?\"\n", "", "booking", "missing field `ask-day`"),
        ("note = \"one\"", "then = \"booking\"\non.yes.then = \"two\"\nmin = 3", "steps.0.min", "only a number"),
        (
            "[booking]",
            "[[objections]]\nid = \"o\"\nwords = []\nsay = \"?\"\n[booking]",
            "objections.0.words",
            "list the words",
        ),
    ] {
        let script = SCRIPT.replacen(from, to, 1);
        assert_ne!(script, SCRIPT, "{from}");
        let found = problems(&script);
        assert!(found.iter().any(|it| it.at == at && it.what.contains(what)), "{at}: {what}\n{found:#?}");
        // A loop is told at each of its questions.
        assert!(found.len() == 1 || what.starts_with("go round"), "{at}: {found:#?}");
    }
}
