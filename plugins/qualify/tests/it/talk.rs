//! Conversations that feel like someone who listens: several things in one message, corrections, second thoughts, another
//! language.

use crate::host::Host;

const SCRIPT: &str = include_str!("talk.toml");
const OWNER: &str = "Êtes-vous propriétaire de votre maison ?";
const BILL: &str = "Quelle est votre facture mensuelle d'électricité ?";
const WHEN: &str = "Quand pouvons-nous vous appeler ?";

/// A conversation at the first question, on Wednesday, 8 October 2025.
fn started() -> Host {
    let mut host = Host::with(SCRIPT, "2025-10-08T09:31:00");
    host.opens();
    host
}

/// One in which these were said; the last answer.
fn after(messages: &[&str]) -> (Host, String) {
    let mut host = started();
    let mut last = Vec::new();
    for message in messages {
        last = host.writes(message);
    }
    (host, last.join(" | "))
}

/// The same, looking for a time.
fn booking(messages: &[&str]) -> (Host, String) {
    let mut all = vec!["oui", "maison", "150", "13001"];
    all.extend(messages);
    after(&all)
}

fn starts(host: &Host) -> Option<&str> {
    host.meeting().map(|meeting| meeting.start.get(..16).unwrap())
}

#[test]
fn all_that_a_message_says_is_heard() {
    for (messages, answer) in [
        (&["Bonjour"][..], format!("Bonjour ! {OWNER}")),
        (
            &["Oui mais vous êtes qui et comment avez-vous eu mon numéro ?"],
            "Je suis Léa, de Solaire. Vous avez rempli notre formulaire. Maison ou appartement ?".to_owned(),
        ),
        (
            &["oui", "Une villa. C'est cher ? Il y a des aides ?"],
            format!("Cela dépend de votre toit ; l'étude est gratuite. Oui, il existe des aides. {BILL}"),
        ),
        (&["oui, un pavillon"], BILL.to_owned()),
        (&["je suis proprio"], "Maison ou appartement ?".to_owned()),
        (&["Nous sommes locataires"], "Désolé, il faut être propriétaire.".to_owned()),
        (
            &["Est-ce que vous travaillez aussi en Corse ?"],
            format!("Bonne question, notre expert vous répondra. {OWNER}"),
        ),
        (&["oui", "maison", "je ne sais pas"], "Pas grave. Quel est votre code postal ?".to_owned()),
        (&["oui", "maison", "150", "13001, plutôt demain à 10h"], "C'est noté : demain à 10h.".to_owned()),
    ] {
        assert_eq!(after(messages).1, answer, "{messages:?}");
    }
}

#[test]
fn what_was_said_can_be_taken_back() {
    let (host, said) = after(&["oui", "maison", "150", "en fait plutôt 120"]);
    assert_eq!((said.as_str(), host.notes()["facture"].as_i64()), ("Quel est votre code postal ?", Some(120)));
    let (host, said) = after(&["oui", "maison", "en fait c'est un appartement"]);
    assert_eq!(said, "Désolé, maisons seulement.");
    assert_eq!(host.concluded.unwrap().1.as_deref(), Some("FLAT"));
    let (_, said) = after(&["non", "Pardon, je voulais dire oui"]);
    assert_eq!(said, "Maison ou appartement ?");
    let (mut host, _) = booking(&["demain 10h", "annulez"]);
    assert_eq!(host.meeting(), None);
    host.writes("Finalement si, je suis intéressé");
    host.writes("lundi 9h");
    assert_eq!(starts(&host), Some("2025-10-13T09:00"));
}

#[test]
fn a_time_is_found_however_it_is_put() {
    for (messages, start) in [
        (&["demain 10h", "Finalement plutôt 11h"][..], "2025-10-09T11:00"),
        (&["demain 10h", "je ne peux plus", "vendredi", "la 2e"], "2025-10-10T14:00"),
        (&["le 16 à 14h", "pas possible, sinon le 17"], "2025-10-17T14:00"),
        (&["le matin peu importe le jour", "plutôt l'après midi", "le premier"], "2025-10-08T14:00"),
        (&["vendredi", "C'est un robot ?", "14h"], "2025-10-10T14:00"),
        (&["vendredi", "ok", "le dernier"], "2025-10-10T17:30"),
        (&["mercredi de 14 à 16", "le premier"], "2025-10-15T14:00"),
        (&["dès que possible", "ça marche pour le premier"], "2025-10-08T10:30"),
        (&["le 25 octobre", "ok pour le premier"], "2025-10-24T08:30"),
        (&["Next tuesday at 10am"], "2025-10-14T10:00"),
    ] {
        let (host, _) = booking(messages);
        let told: Vec<_> = host.lines.iter().skip(9).map(|line| line.text.as_str()).collect();
        assert_eq!(starts(&host), Some(start), "{messages:?}: {told:#?}");
    }
}

#[test]
fn what_is_too_early_or_too_late_brings_other_times() {
    for (messages, said) in [
        (&["jeudi matin", "trop tôt"][..], "demain : 14h-14h30, 15h30-16h ou 17h30-18h ?"),
        (&["jeudi après-midi", "vous n'avez rien de plus tôt ?"], "demain : 8h30-9h, 10h-10h30 ou 11h30-12h ?"),
        (
            &["mercredi ou jeudi", "c'est un peu tôt pour moi"],
            "Je propose demain à 15h30, demain à 17h30 ou mercredi 15/10 à 15h30.",
        ),
        (&["demain", "trop tôt"], "Plutôt vendredi, lundi ou mardi ?"),
        (&["ça dépend, vous proposez quoi ?"], "Je propose aujourd'hui à 10h30, demain à 8h30 ou vendredi à 8h30."),
        (
            &["je peux pas avant 3 semaines"],
            "Je propose mercredi 29/10 à 8h30, jeudi 30/10 à 8h30 ou vendredi 31/10 à 8h30.",
        ),
        (&["demain 10h", "finalement c'est trop tôt"], "Plutôt vendredi, lundi ou mardi ?"),
    ] {
        assert_eq!(booking(messages).1, said, "{messages:?}");
    }
}

#[test]
fn who_says_hello_after_booking_is_greeted_once() {
    let (mut host, _) = booking(&["demain 10h"]);
    assert_eq!(host.writes("Bonjour"), ["Bonjour !"]);
    assert!(host.writes("Bonsoir").is_empty());
}

#[test]
fn days_that_were_turned_down_are_not_offered_again() {
    let (mut host, said) = booking(&["mercredi ou jeudi"]);
    assert_eq!(said, "Je propose demain à 8h30, mercredi 15/10 à 8h30 ou mercredi 15/10 à 14h.");
    assert_eq!(host.writes("aucun des deux"), ["Plutôt vendredi, lundi ou mardi ?"]);
    assert_eq!(host.choices, ["day:2025-10-10", "day:2025-10-13", "day:2025-10-14"]);
    assert_eq!(host.writes("non"), ["Plutôt jeudi 16/10, vendredi 17/10 ou lundi 20/10 ?"]);
    assert_eq!(host.writes("je ne sais pas encore, je dois voir avec ma femme"), ["Pas de souci, à plus tard."]);
}

#[test]
fn the_language_is_the_persons_and_the_summary_the_companys() {
    let (mut host, said) = after(&["Yes", "A house please"]);
    assert_eq!(said, "What is your monthly electricity bill?");
    for message in ["how much does it cost?", "120", "13001", "tomorrow at 3pm"] {
        host.writes(message);
    }
    assert_eq!(host.writes("What time is it again?"), ["It is tomorrow at 3 pm."]);
    assert_eq!(
        host.summary,
        "Prospect intéressé par l'offre. A demandé le prix. Proprietaire : oui. Type : Maison. Facture : 120. \
         Code postal : 13001. RDV confirmé avec un expert, le jeudi 09/10 à 15h."
    );
    // One borrowed word changes nothing.
    assert_eq!(after(&["Yes"]).1, "Maison ou appartement ?");
}

#[test]
fn follow_ups_come_so_many_times_in_all() {
    let mut host = started();
    for day in [9, 11, 13, 15] {
        host.run_until(format!("2025-10-{day:02}T09:00:00").parse().unwrap());
        if host.concluded.is_none() {
            host.writes("hmm");
        }
    }
    host.run_until("2025-10-20T09:00:00".parse().unwrap());
    let sent = host.sent_templates.iter().filter(|name| *name == "relance").count()
        + host.lines.iter().filter(|line| line.agent && line.text == "Toujours là ?").count();
    assert_eq!(sent, 3);
    assert_eq!(host.concluded.unwrap().1.as_deref(), Some("SILENCE"));
}

#[test]
fn slots_in_a_list() {
    let script =
        SCRIPT.replace("buttons = true\noffers = 3", "list-title = { fr = \"Horaires\", en = \"Times\" }\noffers = 8");
    let mut host = Host::with(&script, "2025-10-08T09:31:00");
    host.opens();
    for message in ["oui", "maison", "150", "13001", "peu importe"] {
        host.writes(message);
    }
    assert_eq!(host.choices.len(), 8, "{:?}", host.choices);
    assert!(host.lines.last().unwrap().text.starts_with("Je propose"), "{WHEN}");
}

#[test]
fn the_hour_of_a_call_is_no_answer_to_how_many() {
    let (host, said) = after(&["oui", "maison", "vous pouvez m'appeler demain vers 16h ?"]);
    assert_eq!((said.as_str(), host.notes().get("facture")), ("C'est noté : demain à 16h.", None));
    let (host, _) = after(&["oui", "maison", "150 et vous pouvez m'appeler"]);
    assert_eq!(host.notes()["facture"], 150);
}

#[test]
fn what_is_offered_is_near_to_what_was_asked_for() {
    // On the only one of two days that is open, as many as usual.
    let (_, said) = booking(&["dimanche ou lundi"]);
    assert_eq!(said, "Je propose lundi à 8h30, lundi à 14h ou lundi à 17h30.");
    // A time that is far from all that the day has: the next days at that time as well.
    let (mut host, _) = booking(&[]);
    host.blocked = (28..36)
        .map(|half| format!("2025-10-09T{:02}:{:02}:00", half / 2, half % 2 * 30))
        .map(|at| at.parse().unwrap())
        .collect();
    assert_eq!(host.writes("demain 17h"), ["Pas libre ; demain à 11h30, vendredi à 17h ou lundi à 17h ?"]);
    // "After 16h": of the days just proposed.
    let (mut host, said) = booking(&["demain 10h", "Je ne peux pas"]);
    assert_eq!(said, "Plutôt vendredi, lundi ou mardi ?");
    assert_eq!(host.writes("après 16h"), ["Je propose vendredi à 16h, lundi à 16h ou mardi à 16h."]);
}

#[test]
fn the_earlier_or_the_later_of_what_is_offered() {
    for (text, start) in [
        ("le plus tard", "2025-10-09T17:30"),
        ("le plus tôt possible", "2025-10-09T08:30"),
        ("the later one please", "2025-10-09T17:30"),
    ] {
        let (mut host, said) = booking(&["demain"]);
        assert_eq!(said, "demain : 8h30-9h, 14h-14h30 ou 17h30-18h ?");
        host.writes(text);
        assert_eq!(starts(&host), Some(start), "{text}");
    }
    let (host, said) = booking(&["plus tard"]);
    assert_eq!((starts(&host), said.as_str()), (None, "Pas de souci, à plus tard."));
}

#[test]
fn a_part_of_the_day_that_is_ruled_out_is_not_offered() {
    for (messages, said) in [
        (&["pas le matin", "demain"][..], "demain : 14h-14h30, 15h30-16h ou 17h30-18h ?"),
        (&["pas l'après-midi", "demain"], "demain : 8h30-9h, 10h-10h30 ou 11h30-12h ?"),
        (&["demain", "pas le matin"], "demain : 14h-14h30, 15h30-16h ou 17h30-18h ?"),
        (&["demain 10h", "finalement pas le matin"], "demain : 14h-14h30, 15h30-16h ou 17h30-18h ?"),
    ] {
        assert_eq!(booking(messages).1, said, "{messages:?}");
    }
    assert_eq!(booking(&["not in the morning"]).1, "Which day?");
}
