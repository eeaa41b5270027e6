//! The guide's `conversation_transcript`, character for character.

use std::fmt::Write as _;

use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::Conversation;

/// The guide's months; its transcript is in French whatever the tenant's language.
const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const DOUBLE_RULE: &str = "=====================================";
const SINGLE_RULE: &str = "-------------------------------------";
/// The guide signs so; CRMs may look for it.
const SIGNATURE: &str = "Conversation mise à jour automatiquement par Alvio.";

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// We did.
    Out,
    /// The person did.
    In,
}

/// One message of a conversation, as a transcript shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Who wrote.
    pub direction: Direction,
    /// When: WhatsApp's clock for the person's messages, the moment of acceptance for ours.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// WhatsApp's identifier.
    pub wamid: Option<String>,
}

/// A conversation to be shown in the guide's layout.
#[derive(Clone, Copy, Debug)]
pub struct Transcript<'a> {
    conversation: &'a Conversation,
    lines: &'a [Line],
}

impl<'a> Transcript<'a> {
    /// Of a conversation and its messages, in the order of the log.
    pub fn new(conversation: &'a Conversation, lines: &'a [Line]) -> Self {
        Self { conversation, lines }
    }

    /// The text. Phone numbers are masked and the person appears under an alias; messages keep the order of their
    /// times, those of one moment the order of arrival. Without a final line break, as in the guide.
    pub fn render(&self) -> String {
        let Conversation { alias, lead, business_number, created_at, progress, .. } = self.conversation;
        let zone = TimeZone::get(&self.conversation.timezone).unwrap_or(TimeZone::UTC);
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        lines.sort_by_key(|line| line.at);

        let company = lead.company.as_deref().unwrap_or("Non renseignée");
        let state = if self.conversation.outcome.is_some() { "resolved" } else { "open" };
        let stage = if progress.answered { "responded" } else { "contacted" };
        let begun = lines.first().map_or(*created_at, |line| line.at);
        let latest = lines.last().map_or(*created_at, |line| line.at);

        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "🗨️ RÉSUMÉ DE CONVERSATION\n\n{DOUBLE_RULE}\n\n\
             📞 Contact: {alias}\n\
             🏢 Entreprise: {company}\n\
             📱 Téléphone: {phone}\n\
             📞 Numéro société: {business}\n\
             📊 Statut actuel: {state}\n\
             🏷️ Étape Kanban: {stage}\n\
             📅 Début: {begun}\n\
             ⏰ Dernière activité: {latest}\n\n\
             {SINGLE_RULE}\n\n\
             📋 HISTORIQUE DES MESSAGES:\n",
            company = one_line(company),
            phone = lead.phone.masked(),
            business = business_number.masked(),
            begun = short_date(&begun.to_zoned(zone.clone())),
            latest = short_date(&latest.to_zoned(zone.clone())),
        );
        for line in lines {
            let who = match line.direction {
                Direction::Out => "💬 Agent",
                Direction::In => "👤 Client",
            };
            let at = long_date(&line.at.to_zoned(zone.clone()));
            let _ = writeln!(text, "{at} - {who}: {}", one_line(&line.text));
        }
        let _ = write!(text, "\n{DOUBLE_RULE}\n{SIGNATURE}");
        text
    }
}

/// `08/10/2025 09:31`
fn short_date(at: &Zoned) -> String {
    at.strftime("%d/%m/%Y %H:%M").to_string()
}

/// `8 octobre 2025 à 09:31`
fn long_date(at: &Zoned) -> String {
    let month = usize::try_from(at.month() - 1).ok().and_then(|index| MONTHS.get(index)).copied().unwrap_or_default();
    format!("{} {month} {} à {}", at.day(), at.year(), at.strftime("%H:%M"))
}

/// A message is one line of the layout, whatever line breaks it holds.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
