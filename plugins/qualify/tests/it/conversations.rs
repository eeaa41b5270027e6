//! What real people write, played against the demonstration's script.

use crate::host::Host;
use relais_sdk::{Content, Event, Media};

/// A conversation at the first question.
fn started() -> Host {
    let mut host = Host::demo("2025-10-08T09:31:00");
    host.opens();
    host
}

/// A conversation that looks for a time.
fn booking() -> Host {
    let mut host = started();
    host.writes("c'est combien le prix ?");
    host
}

/// A conversation with a meeting on Thursday at 14:30.
fn booked() -> Host {
    let mut host = booking();
    host.writes("demain 14h30");
    assert_eq!(host.meeting().unwrap().start, "2025-10-09T14:30:00+02:00");
    host
}

fn last(host: &Host) -> &str {
    &host.lines.last().unwrap().text
}

#[test]
fn an_answer_and_an_objection_in_one_breath() {
    let mut host = started();
    let said = host.writes("Non, mais c'est quoi le prix ?");
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("Je vais vous proposer un appel"), "{said:?}");
    assert_eq!(host.notes()["connait_produit"], false);
    let mut host = started();
    let said = host.writes("Comment ça marche ?");
    assert_eq!(
        said,
        [
            "Bonne question ! Un de nos experts pourra vous répondre précisément. Est-ce que vous connaissez ce produit ?"
        ]
    );
}

#[test]
fn a_question_back_is_no_free_text() {
    let mut host = started();
    for text in ["oui", "oui", "Pourquoi cette question ?"] {
        host.writes(text);
    }
    let said = last(&host);
    assert!(said.starts_with("Bonne question !") && said.ends_with("Quel est votre contexte actuel ?"), "{said}");
    assert_eq!(host.notes().get("contexte"), None);
    host.writes("Une maison de 100 m², est-ce que cela suffit pour vous en général d'habitude ?");
    assert!(host.notes().get("contexte").is_some());
}

#[test]
fn an_answer_that_sounds_like_something_else_is_an_answer() {
    for text in ["Non pas pour le moment", "non pas besoin", "Non je travaille avec autre chose"] {
        let mut host = started();
        host.writes(text);
        assert_eq!(host.notes()["connait_produit"], false, "{text}");
        assert_eq!(host.concluded, None, "{text}");
    }
    let mut host = started();
    host.writes("oui");
    host.writes("oui");
    host.writes("Je travaille dans une petite entreprise et le prix compte beaucoup pour nous");
    assert!(last(&host).starts_with("D'accord, c'est pertinent."), "{}", last(&host));
    host.writes("aucune idée");
    assert_eq!(last(&host), "Pas de souci, un expert pourra l'estimer avec vous. Quand seriez-vous disponible ?");
}

#[test]
fn refusals_end_politely_and_stop_ends_at_once() {
    for (text, reason, says) in [
        ("Je ne suis plus intéressé", "NOT_INTERESTED", true),
        ("Vous faites erreur, ce n'est pas moi", "WRONG_PERSON", true),
        ("Arrêtez de m'écrire", "STOP", false),
        ("retirez-moi de vos listes", "STOP", false),
    ] {
        let mut host = started();
        let said = host.writes(text);
        let (outcome, told) = host.concluded.clone().unwrap();
        assert_eq!(told.as_deref(), Some(reason), "{text}");
        assert_eq!(outcome.contains("OptOut"), !says, "{text}");
        assert_eq!(said.is_empty(), !says, "{text}");
        assert!(!host.timers.contains_key("silence"), "{text}");
    }
}

#[test]
fn not_understood_is_asked_differently_twice_then_a_human() {
    let mut host = started();
    let first = host.writes("blablabla");
    let second = host.writes("xyz xyz");
    assert_ne!(first, second);
    assert_eq!(host.handed_over, None);
    host.writes("hmm hmm");
    assert!(host.handed_over.is_some());
    assert!(last(&host).starts_with("Je préfère"), "{}", last(&host));
}

#[test]
fn questions_about_us_are_answered_and_the_question_comes_back() {
    for text in ["Vous êtes qui ?", "C'est un robot ?", "qui etes vous"] {
        let mut host = started();
        let said = host.writes(text);
        assert!(said[0].ends_with("Est-ce que vous connaissez ce produit ?"), "{text}: {said:?}");
    }
    let mut host = started();
    host.writes("Je veux parler à un humain");
    assert!(host.handed_over.is_some());
    let mut host = started();
    host.writes("c'est du harcèlement !!!");
    assert!(host.handed_over.is_some());
}

#[test]
fn call_me_books_with_what_was_said() {
    let mut host = started();
    host.writes("Appelez-moi demain à 10h");
    assert_eq!(host.meeting().unwrap().start, "2025-10-09T10:00:00+02:00");
    assert_eq!(last(&host), "C'est réservé ! Vous avez un appel avec un expert demain à 10h.");
    let mut host = started();
    let said = host.writes("Rappelez-moi svp");
    assert_eq!(said, ["Avec plaisir, un expert peut vous appeler. Quand seriez-vous disponible ?"]);
}

#[test]
fn pictures_are_answered_once() {
    let mut host = started();
    let voice = || Content::Media(Media { kind: "voice".to_owned(), caption: None });
    let at = host.now;
    assert_eq!(host.receives(at, voice()).len(), 1);
    assert_eq!(host.receives(at, voice()).len(), 0);
    let captioned = Content::Media(Media { kind: "image".to_owned(), caption: Some("non".to_owned()) });
    host.receives(at, captioned);
    assert_eq!(host.notes()["connait_produit"], false);
    assert_eq!(host.receives(at, Content::Reaction("❤️".to_owned())).len(), 0);
}

#[test]
fn silence_is_followed_up_twice_and_then_ended() {
    let mut host = started();
    host.run_until("2025-10-10T14:00:00".parse().unwrap());
    assert_eq!(host.sent_templates, ["premier-contact", "relance", "relance"]);
    assert_eq!(host.concluded.as_ref().unwrap().1.as_deref(), Some("SILENCE"));
    assert_eq!(host.summary, "Premier message envoyé, sans réponse.");
    // Within the window the follow-up is a plain text, and an answer begins the count anew.
    let mut host = started();
    host.writes("non");
    host.run_until("2025-10-08T13:40:00".parse().unwrap());
    assert_eq!(last(&host), "Je reste disponible si vous avez un moment pour répondre à ma question.");
    host.writes("non");
    assert_eq!(host.timers["silence"].to_string(), "2025-10-08T17:41:06");
}

#[test]
fn ways_to_say_when() {
    for (texts, start) in [
        (vec!["demain matin", "la première"], "2025-10-09T08:30:00+02:00"),
        (vec!["vendredi", "l'après-midi"], "2025-10-10T14:00:00+02:00"),
        (vec!["vendredi", "plutôt 16h"], "2025-10-10T16:00:00+02:00"),
        (vec!["vendredi", "8h30-9h"], "2025-10-10T08:30:00+02:00"),
        (vec!["vendredi", "les deux me vont"], "2025-10-10T08:30:00+02:00"),
        (vec!["14h30", "lundi"], "2025-10-13T14:30:00+02:00"),
        (vec!["peu importe", "le deuxième"], "2025-10-09T08:30:00+02:00"),
        (vec!["mardi à 15h ou mercredi à 10h"], "2025-10-14T15:00:00+02:00"),
        (vec!["samedi", "le premier"], "2025-10-10T08:30:00+02:00"),
        (vec!["demain 13h", "14h"], "2025-10-09T14:00:00+02:00"),
        (vec!["la semaine prochaine", "mardi"], "2025-10-14T08:30:00+02:00"),
        (vec!["oui", "non", "lundi 9h"], "2025-10-13T09:00:00+02:00"),
    ] {
        let mut host = booking();
        for text in &texts {
            host.writes(text);
        }
        let told: Vec<_> = host.lines.iter().map(|line| line.text.as_str()).skip(3).collect();
        assert_eq!(host.meeting().map(|meeting| meeting.start.as_str()), Some(start), "{texts:?}: {told:#?}");
    }
}

#[test]
fn a_slot_that_is_not_free_brings_the_nearest() {
    let mut host = booking();
    host.blocked = vec!["2025-10-09T14:30:00".parse().unwrap()];
    host.writes("demain 14h30");
    assert_eq!(last(&host), "Ce créneau n'est pas disponible. Je peux vous proposer demain à 14h ou demain à 15h.");
    host.writes("le premier");
    assert_eq!(host.meeting().unwrap().start, "2025-10-09T14:00:00+02:00");
}

#[test]
fn a_standing_meeting_is_moved_only_when_that_is_meant() {
    for (text, start) in [
        ("Merci, à demain !", "2025-10-09T14:30:00+02:00"),
        ("Merci et bon week-end", "2025-10-09T14:30:00+02:00"),
        ("Parfait pour 14h30", "2025-10-09T14:30:00+02:00"),
        ("👍", "2025-10-09T14:30:00+02:00"),
        ("Finalement plutôt 16h", "2025-10-09T16:00:00+02:00"),
        ("Pas possible, mardi 10h plutôt ?", "2025-10-14T10:00:00+02:00"),
        ("vendredi", "2025-10-10T14:30:00+02:00"),
        ("Merci, à vendredi !", "2025-10-09T14:30:00+02:00"),
        ("ok see you monday", "2025-10-09T14:30:00+02:00"),
        ("Merci, plutôt à vendredi", "2025-10-10T14:30:00+02:00"),
        ("à vendredi 10h ?", "2025-10-10T10:00:00+02:00"),
    ] {
        let mut host = booked();
        host.writes(text);
        assert_eq!(host.meeting().unwrap().start, start, "{text}: {:?}", last(&host));
    }
    let mut host = booked();
    host.writes("Merci, à vendredi !");
    assert_eq!(last(&host), "Votre appel est prévu demain à 14h30.");
    let mut host = booked();
    host.writes("C'est à quelle heure déjà ?");
    assert_eq!(last(&host), "Votre appel est prévu demain à 14h30.");
    host.writes("je ne peux pas demain");
    assert_eq!(last(&host), "Je vous propose un nouveau créneau. Êtes-vous dispo vendredi ou lundi ?");
    host.writes("finalement demain 14h30 c'est bon");
    assert_eq!((host.meeting().unwrap().moves, host.timers.contains_key("unanswered")), (0, false));
    host.writes("Annulez svp");
    assert_eq!((host.meeting(), host.concluded.as_ref().unwrap().1.as_deref()), (None, Some("CANCELLED")));
}

#[test]
fn a_meeting_that_the_company_cancels_is_proposed_anew() {
    let mut host = booked();
    let meeting = host.call_mut().context.meeting.take().unwrap();
    host.turn(Event::MeetingCancelled(meeting));
    assert_eq!(
        last(&host),
        "Nous devons malheureusement décaler notre appel. Êtes-vous dispo demain ou vendredi ?"
            .replace("demain", "jeudi")
    );
    assert!(!host.timers.contains_key("reminder-0"));
    host.writes("vendredi à 9h");
    assert_eq!(host.meeting().unwrap().start, "2025-10-10T09:00:00+02:00");
}
