//! The integration guide's conversation, character for character and minute for minute.

use crate::host::Host;

const CLIENT: [(&str, &str); 10] = [
    ("2025-10-08T09:31:30", "Non"),
    ("2025-10-08T09:33:05", "Non"),
    ("2025-10-08T09:34:40", "Entre 6,5 et 7"),
    ("2025-10-08T09:40:40", "Et le prix"),
    ("2025-10-08T09:41:50", "Début après-midi vers 14h30"),
    ("2025-10-08T09:44:40", "Demain"),
    ("2025-10-08T11:58:30", "Lundi 13"),
    ("2025-10-13T13:31:40", "Pas possible"),
    ("2025-10-13T13:32:40", "Mercredi"),
    ("2025-10-13T13:33:30", "14h"),
];

const TRANSCRIPT: &str = "\
8 09:31 A Bonjour, je suis [Prénom] de [Société]. Merci pour votre demande, est-ce que vous connaissez ce produit ?
8 09:31 C Non
8 09:32 A D'accord ! [Description produit et bénéfices]. Utilisez-vous un produit similaire ?
8 09:33 C Non
8 09:33 A Merci pour votre réponse. Quel est votre contexte actuel ?
8 09:34 C Entre 6,5 et 7
8 09:35 A D'accord, c'est pertinent. De combien pensez-vous avoir besoin ?
8 09:40 C Et le prix
8 09:41 A Je vais vous proposer un appel avec l'un de nos experts pour discuter en détail du prix. Quand seriez-vous disponible ?
8 09:41 C Début après-midi vers 14h30
8 09:43 A Pour quel jour souhaitez-vous organiser l'appel à 14h30 ?
8 09:44 C Demain
8 09:45 A C'est réservé ! Vous avez un appel avec un expert demain à 14h30.
8 11:58 C Lundi 13
8 12:00 A C'est réservé pour lundi 13/10 à 14h30. Un expert vous appellera.
13 13:30 A Bonjour, juste un petit rappel : notre appel est prévu dans environ une heure.
13 13:31 C Pas possible
13 13:32 A Je vous propose un nouveau créneau. Êtes-vous dispo mardi ou mercredi ?
13 13:32 C Mercredi
13 13:33 A D'accord pour mercredi. Préférez-vous 8h30-9h ou 14h-14h30 ?
13 13:33 C 14h
13 13:36 A Merci ! Votre appel est confirmé pour mercredi à 14h.
";

fn play() -> Host {
    let mut host = Host::demo("2025-10-08T09:31:00");
    host.opens();
    for (at, text) in CLIENT {
        host.writes_at(at, text);
    }
    host
}

#[test]
fn the_guides_conversation_to_the_letter_and_to_the_minute() {
    let host = play();
    let mut told = String::new();
    for line in &host.lines {
        let who = if line.agent { 'A' } else { 'C' };
        told += &format!("{} {:02}:{:02} {who} {}\n", line.at.day(), line.at.hour(), line.at.minute(), line.text);
    }
    assert_eq!(told, TRANSCRIPT);
    assert_eq!(host.sent_templates, ["premier-contact", "rappel"]);
    assert_eq!(host.meeting().unwrap().start, "2025-10-15T14:00:00+02:00");
    assert_eq!(host.meeting().unwrap().moves, 2);
    assert_eq!(host.timers.keys().collect::<Vec<_>>(), ["reminder-0"]);
    assert_eq!(
        host.summary,
        "Prospect intéressé par l'offre. A demandé le prix. RDV déplacé et confirmé avec un expert."
    );
    assert_eq!(
        host.notes(),
        serde_json::json!({
            "connait_produit": false, "produit_similaire": false, "contexte": "Entre 6,5 et 7", "demande_prix": true,
        })
    );
}

#[test]
fn a_refusal_that_is_not_followed_up_cancels_the_meeting_at_its_start() {
    let mut host = Host::demo("2025-10-08T09:31:00");
    host.opens();
    for (at, text) in CLIENT.iter().take(8) {
        host.writes_at(at, text);
    }
    host.run_until("2025-10-13T14:31:00".parse().unwrap());
    assert_eq!(host.meeting(), None);
    assert_eq!(host.concluded, Some(("Outcome::NoOutcome".to_owned(), Some("SILENCE".to_owned()))));
    assert_eq!(host.summary, "Conversation initiée. Prospect a répondu partiellement puis silence. A demandé le prix.");
}

#[test]
fn the_same_turns_give_the_same_bytes() {
    let (one, two) = (play(), play());
    assert_eq!(one.lines, two.lines);
    assert_eq!(one.state(), two.state());
}
