//! The calendar that a sales team subscribes to (RFC 5545).

use icalendar::{Calendar, Component as _, Event, EventStatus, Property};
use jiff::{Timestamp, tz::TimeZone};

use crate::model::{ConversationId, Lead, Meeting};

/// How often a subscriber shall look again. Google decides for itself.
const REFRESH: &str = "PT15M";

/// A meeting with what the salesperson wants to know.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its identity, which it keeps when it is moved.
    pub conversation: &'a ConversationId,
    /// With whom.
    pub lead: &'a Lead,
    /// The person's name in transcripts: shown when the lead has no name.
    pub alias: &'a str,
    /// As it stands, or stood when it was cancelled.
    pub meeting: &'a Meeting,
    /// What the CRM reads.
    pub summary: Option<&'a str>,
    /// In the guide's layout.
    pub transcript: &'a str,
    /// The salesperson's name; none when the tenant has one calendar.
    pub salesperson: Option<&'a str>,
    /// Booked by a lead of a test key.
    pub is_test: bool,
    /// Whether it no longer stands.
    pub cancelled: bool,
    /// How many times it was moved, cancelled or booked again.
    pub sequence: u32,
    /// When anything of this entry last changed.
    pub updated_at: Timestamp,
    /// When it was first booked.
    pub created_at: Timestamp,
}

/// The iCalendar text of a tenant's or a salesperson's meetings, called `name`.
///
/// Times are in UTC, which every client shows in its own zone; the tenant's is told for those that ask. The same
/// entries give the same bytes, so the caller may compare digests (ETag).
pub fn feed(name: &str, zone: &TimeZone, entries: &[Entry<'_>]) -> String {
    let mut calendar = Calendar::empty();
    calendar.properties =
        Property::from_array([("VERSION", "2.0"), ("PRODID", "-//Relais//Relais//FR"), ("CALSCALE", "GREGORIAN")]);
    // The library does not know that NAME (RFC 7986) is a text to escape; X-WR-CALNAME is what most clients read.
    calendar.append_property(Property::new("NAME", clean(name)).add_parameter("VALUE", "TEXT").done());
    calendar.append_property(Property::new("X-WR-CALNAME", clean(name)));
    if let Some(zone) = zone.iana_name() {
        calendar.timezone(zone);
    }
    let mut refresh = Property::new("REFRESH-INTERVAL", REFRESH);
    calendar.append_property(refresh.add_parameter("VALUE", "DURATION").done());
    calendar.append_property(("X-PUBLISHED-TTL", REFRESH));
    for entry in entries {
        calendar.push(event(entry));
    }
    calendar.to_string()
}

fn event(entry: &Entry<'_>) -> Event {
    let Entry { lead, meeting, .. } = entry;
    let name = lead.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(entry.alias);
    let status = if entry.cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed };
    let test = if entry.is_test { "[test] " } else { "" };
    let mut event = Event::new();
    event
        .uid(entry.conversation.as_str())
        .add_property("SEQUENCE", entry.sequence.to_string())
        .status(status)
        .add_property("DTSTAMP", utc(entry.updated_at))
        .add_property("LAST-MODIFIED", utc(entry.updated_at))
        .add_property("CREATED", utc(entry.created_at))
        .add_property("DTSTART", utc(meeting.slot.start))
        .add_property("DTEND", utc(meeting.slot.end))
        .add_property("TRANSP", if entry.cancelled { "TRANSPARENT" } else { "OPAQUE" })
        .summary(&clean(&format!("{test}RDV – {name}")))
        .description(&clean(&description(entry)));
    event
}

/// Contact, summary and transcript, in the guide's language.
fn description(entry: &Entry<'_>) -> String {
    let lead = entry.lead;
    let contact = [
        ("Contact", lead.name.as_deref()),
        ("Entreprise", lead.company.as_deref()),
        ("Téléphone", Some(lead.phone.as_e164())),
        ("E-mail", lead.email.as_deref()),
        ("Référence CRM", Some(&lead.crm_id)),
        ("Commercial", entry.salesperson),
    ];
    let mut text: String =
        contact.into_iter().filter_map(|(label, value)| Some(format!("{label} : {}\n", value?.trim()))).collect();
    for (label, part) in [("Résumé", entry.summary.unwrap_or_default()), ("Conversation", entry.transcript)] {
        if !part.trim().is_empty() {
            text.push_str(&format!("\n{label} :\n{}\n", part.trim()));
        }
    }
    text.trim_end().to_owned()
}

/// `20251015T120000Z`
fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// What RFC 5545 allows in a TEXT: line breaks as `\n`, no other control characters.
fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|character| matches!(character, '\n' | '\t') || !character.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Phone, Slot};

    fn lead(name: Option<&str>) -> Lead {
        Lead {
            crm_id: "CRM_123456".to_owned(),
            phone: Phone::parse("+33612345604", None).unwrap(),
            name: name.map(str::to_owned),
            email: Some("zoe@example.com".to_owned()),
            company: Some("Dupont, Fils; & Cie".to_owned()),
            assigned_to: None,
            context: serde_json::Value::Null,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A thousand meetings with long transcripts: `cargo test --release how_long_a_feed -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn how_long_a_feed_takes() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let (lead, conversation) = (lead(None), ConversationId::from("cv_1"));
        let start = at("2025-10-15T14:00+02:00");
        let meeting = Meeting { slot: Slot { start, end: start, with: None }, moves: 0 };
        let transcript = "8 octobre 2025 à 09:31 - 👤 Client: bonjour, ça ira ?\n".repeat(80);
        let entry = Entry {
            conversation: &conversation,
            lead: &lead,
            alias: "Prospect A12",
            meeting: &meeting,
            summary: None,
            transcript: &transcript,
            salesperson: None,
            is_test: false,
            cancelled: false,
            sequence: 0,
            updated_at: start,
            created_at: start,
        };
        let started = std::time::Instant::now();
        let bytes = feed("Acme", &zone, &vec![entry; 1_000]).len();
        println!("{bytes} bytes in {:?}", started.elapsed());
    }

    /// What every reader must cope with; `tests/calendar` has others read what the host serves.
    fn sample() -> String {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let transcript = format!(
            "🗨️ RÉSUMÉ DE CONVERSATION\n\n{}\r\n8 octobre 2025 à 09:31 - 👤 Client: a;b,c\\n \\ \"d\" 👩‍👩‍👧\u{7}\n{}",
            "=".repeat(37),
            "Après-midi, vers 14h30 ; ça ira… ".repeat(40),
        );
        let (named, unnamed) = (lead(Some("Zoé “Z” Martin, née Lefèvre; BEGIN:VEVENT")), lead(None));
        let slot = |start: &str, end: &str| Slot { start: at(start), end: at(end), with: Some("anna".to_owned()) };
        let moved = Meeting { slot: slot("2025-10-15T14:00+02:00", "2025-10-15T14:30+02:00"), moves: 2 };
        let cancelled = Meeting { slot: slot("2025-10-26T00:30Z", "2025-10-26T01:00Z"), moves: 0 };
        let first = Entry {
            conversation: &ConversationId::from("cv_01K70000000000000000000001"),
            lead: &named,
            alias: "Prospect A12",
            meeting: &moved,
            summary: Some("Prospect intéressé par l'offre, prix demandé."),
            transcript: &transcript,
            salesperson: Some("Anna Roux"),
            is_test: false,
            cancelled: false,
            sequence: 2,
            updated_at: at("2025-10-13T13:36:00+02:00"),
            created_at: at("2025-10-08T09:45:00+02:00"),
        };
        let second = Entry {
            conversation: &ConversationId::from("cv_01K70000000000000000000002"),
            lead: &unnamed,
            meeting: &cancelled,
            summary: None,
            transcript: "",
            cancelled: true,
            sequence: 1,
            is_test: true,
            ..first
        };
        feed("Rendez-vous, Acme; Solaire", &zone, &[first, second])
    }

    #[test]
    fn the_feed_is_what_rfc_5545_asks_for() {
        let text = sample();
        assert!(text.ends_with("END:VCALENDAR\r\n"));
        for line in text.split_terminator("\r\n") {
            assert!(line.len() <= 75, "{line}");
            assert!(!line.contains(['\r', '\n', '\u{7}']), "{line:?}");
        }
        let unfolded = text.replace("\r\n ", "");
        let count = |line: &str| unfolded.split("\r\n").filter(|found| *found == line).count();
        for (line, times) in [
            ("BEGIN:VEVENT", 2),
            ("END:VEVENT", 2),
            ("UID:cv_01K70000000000000000000001", 1),
            ("SEQUENCE:2", 1),
            ("STATUS:CONFIRMED", 1),
            ("DTSTART:20251015T120000Z", 1),
            ("DTEND:20251015T123000Z", 1),
            ("CREATED:20251008T074500Z", 2),
            ("DTSTAMP:20251013T113600Z", 2),
            ("SEQUENCE:1", 1),
            ("STATUS:CANCELLED", 1),
            ("SUMMARY:RDV – Zoé “Z” Martin\\, née Lefèvre\\; BEGIN:VEVENT", 1),
            ("SUMMARY:[test] RDV – Prospect A12", 1),
            ("NAME;VALUE=TEXT:Rendez-vous\\, Acme\\; Solaire", 1),
            ("X-WR-CALNAME:Rendez-vous\\, Acme\\; Solaire", 1),
            ("X-WR-TIMEZONE:Europe/Paris", 1),
            ("REFRESH-INTERVAL;VALUE=DURATION:PT15M", 1),
            ("X-PUBLISHED-TTL:PT15M", 1),
        ] {
            assert_eq!(count(line), times, "{line}");
        }
        assert!(unfolded.contains("Entreprise : Dupont\\, Fils\\; & Cie\\nTéléphone : +33612345604\\n"));
        assert!(unfolded.contains("Client: a\\;b\\,c\\\\n \\\\ \"d\" 👩‍👩‍👧\\n"));
    }
}
