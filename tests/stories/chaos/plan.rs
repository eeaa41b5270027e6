//! What happens in a run: everything follows from its seed.

use jiff::SignedDuration;
use relais::simulator::{Enforcement, Fault, Latency, Policy, Scenario, Webhooks, When};

use super::wire::Habits;

/// A generator of pseudo-random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    pub(super) fn is(&mut self, probability: f64) -> bool {
        ((self.bits() >> 11) as f64 / (1_u64 << 53) as f64) < probability
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Someone whom the CRM hands over.
pub(super) struct Figure {
    pub(super) crm_id: String,
    pub(super) number: String,
    /// Theirs after a change of number.
    pub(super) other_number: String,
}

/// What someone does at a moment of a run.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    HandOver,
    /// A burst, if it is more than one.
    Say(Vec<&'static str>),
    Quote(&'static str),
    Tap(&'static str),
    /// With this emoji; the empty one takes it back.
    React(&'static str),
    Photo,
    Voice,
    Place,
    Poll,
    StopMarketing(bool),
    ChangeNumber,
    ChangeUserId,
    HideNumber,
    Block,
    Unblock,
    Edit(&'static str),
    Revoke,
    HumanAnswers,
    CrmFails(Option<u16>),
}

/// A run.
pub(super) struct Plan {
    pub(super) scenario: Scenario,
    pub(super) habits: Habits,
    pub(super) people: Vec<Figure>,
    /// After the beginning, whose and what; in order.
    pub(super) agenda: Vec<(SignedDuration, usize, Deed)>,
}

const WORDS: &[&str] = &[
    "Oui",
    "Non",
    "Je ne sais pas",
    "Bonjour",
    "ok",
    "Peut-être",
    "Environ 12",
    "Nous sommes 40 personnes dans un entrepôt",
    "Début après-midi vers 14h30",
    "demain à 10h",
    "mardi vers 15h",
    "jeudi matin",
    "Combien ça coûte ?",
    "Comment ça marche ?",
    "vendredi 14h",
    "On peut décaler à lundi 11h ?",
    "Je préfère annuler le rendez-vous",
    "Pas intéressé",
    "Je veux parler à un humain",
    "C'est qui ?",
    "👍",
    "Merci !",
    "stop, j'arrive dans 5 minutes",
    "rappelez-moi plus tard",
    "…",
    "START",
];
const STOPS: &[&str] = &["STOP", "Stop !", "stop", "STOP STOP", "unsubscribe", "Baja"];

/// A pause before someone does the next thing, in seconds: inside a burst, a conversation, an evening, about the window's end.
const PAUSES: &[i64] = &[1, 4, 8, 20, 45, 90, 300, 2_400, 14_400, 50_000, 86_300, 86_430, 200_000];

const FAULTS: &[Fault] = &[
    Fault::AppRate,
    Fault::Throughput,
    Fault::PairRate,
    Fault::Portfolio,
    Fault::Refused131026,
    Fault::Refused131047,
    Fault::Refused131049,
    Fault::Refused131050,
    Fault::ServerError,
    Fault::NonJsonError,
    Fault::ServerErrorAfterSend,
    Fault::LostResponse,
    Fault::Failed131026,
    Fault::Failed131047,
    Fault::Failed131049,
    Fault::Failed131050,
    Fault::HeldThenReleased,
    Fault::HeldThenPaused,
    Fault::DeliveredAfterFailed,
    Fault::FailedAfterDelivered,
    Fault::NoStatus,
    Fault::ReadWithoutDelivered,
    Fault::Reorder,
    Fault::StatusBeforeResponse,
    Fault::FailedWithContacts,
    Fault::FailedWaIdOnly,
    Fault::Duplicates,
    Fault::Batches,
    Fault::ResendWholeBatch,
    Fault::BsuidOnly,
    Fault::BsuidChange,
    Fault::WaIdRewriting,
    Fault::UnknownType,
    Fault::UnknownField,
    Fault::ValueLevelErrors,
];

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        // Some runs are calm, so that conversations come to a meeting.
        let wildness = chance.pick(&[0.0, 0.1, 0.25, 0.5]);
        let people: Vec<Figure> = (0..1 + chance.below(3)).map(|index| figure(&mut chance, index)).collect();
        let mut agenda = Vec::new();
        for index in 0..people.len() {
            deeds_of(&mut chance, index, wildness, &mut agenda);
        }
        if chance.is(wildness) {
            let from = chance.below(200_000) as i64;
            let for_seconds = chance.pick(&[60, 4_000, 60_000]);
            agenda.push((SignedDuration::from_secs(from), 0, Deed::CrmFails(Some(chance.pick(&[500, 503, 429, 404])))));
            agenda.push((SignedDuration::from_secs(from + for_seconds), 0, Deed::CrmFails(None)));
        }
        agenda.sort_by_key(|(after, ..)| *after);
        let habits = Habits {
            loses: chance.pick(&[0.0, 0.0, 0.05, 0.2]) * wildness,
            refuses: chance.pick(&[0.0, 0.3, 0.7]) * wildness,
            repeats: chance.pick(&[0.0, 0.3, 0.8]) * wildness,
            forgets: chance.pick(&[0.0, 0.2]) * wildness,
            strips: chance.pick(&[0.0, 0.3, 1.0]) * wildness,
        };
        Self { scenario: scenario(&mut chance, wildness), habits, people, agenda }
    }
}

fn figure(chance: &mut Chance, index: usize) -> Figure {
    let tail = 10 + 2 * index;
    let country =
        chance.pick(&["+336123456", "+336123456", "+336123456", "+55419888877", "+52551234567", "+549112345678"]);
    Figure { crm_id: format!("CRM_{index}"), number: number(country, tail), other_number: number(country, tail + 1) }
}

/// A number of a country: as many digits of `tail` as it lacks.
fn number(prefix: &str, tail: usize) -> String {
    let digits = match prefix.get(..3) {
        Some("+33") => 12,
        Some("+52") => 13,
        _ => 14,
    };
    let tail = format!("{tail:02}");
    format!("{prefix}{}", &tail[tail.len() - (digits - prefix.len()).min(2)..])
}

fn deeds_of(chance: &mut Chance, index: usize, wildness: f64, agenda: &mut Vec<(SignedDuration, usize, Deed)>) {
    let mut after = chance.pick(&[0, 0, 30, 7_000, 100_000]);
    agenda.push((SignedDuration::from_secs(after), index, Deed::HandOver));
    for _ in 0..chance.below(14) {
        after += chance.pick(PAUSES);
        let deed = if chance.is(wildness) { strange_deed(chance) } else { Deed::Say(vec![chance.pick(WORDS)]) };
        agenda.push((SignedDuration::from_secs(after), index, deed));
    }
}

fn strange_deed(chance: &mut Chance) -> Deed {
    match chance.below(22) {
        0 => Deed::HandOver,
        1..=3 => Deed::Say((0..2 + chance.below(3)).map(|_| chance.pick(WORDS)).collect()),
        4 => Deed::Say(vec![chance.pick(STOPS)]),
        5 => Deed::Say(vec![chance.pick(WORDS), chance.pick(STOPS), chance.pick(WORDS)]),
        6 => Deed::Quote(chance.pick(WORDS)),
        7 => Deed::Tap(chance.pick(&["Oui", "Non", "Oui", "Non", "STOP"])),
        8 => Deed::React(chance.pick(&["👍", "❤️", ""])),
        9 => Deed::Photo,
        10 => Deed::Voice,
        11 => Deed::Place,
        12 => Deed::Poll,
        13 => Deed::StopMarketing(!chance.is(0.3)),
        14 => Deed::ChangeNumber,
        15 => Deed::ChangeUserId,
        16 => Deed::HideNumber,
        17 => Deed::Block,
        18 => Deed::Unblock,
        19 => Deed::Edit(chance.pick(WORDS)),
        20 => Deed::Revoke,
        _ => Deed::HumanAnswers,
    }
}

fn scenario(chance: &mut Chance, wildness: f64) -> Scenario {
    let enforcement = |chance: &mut Chance| chance.pick(&[Enforcement::Async, Enforcement::Sync]);
    let mut scenario = Scenario {
        latency: Latency {
            sent_ms: chance.pick(&[0, 300, 5_000]),
            delivered_ms: chance.pick(&[0, 1_000, 60_000, 90_000_000]),
            read_ms: chance.pick(&[0, 3_000, 600_000, 100_000_000]),
            jitter_ms: chance.pick(&[0, 10_000]),
            inbound_ms: chance.pick(&[0, 0, 2_000, 30_000]),
            ..Latency::default()
        },
        policy: Policy { window: enforcement(chance), undeliverable: enforcement(chance), ..Policy::default() },
        webhooks: Webhooks { user_ids: chance.is(0.8), ..Webhooks::default() },
        ..Scenario::friendly()
    };
    for fault in FAULTS {
        if chance.is(wildness * 0.6) {
            let when = match chance.below(4) {
                0 => When::first(1),
                1 => When::every(2),
                _ => When::chance(chance.pick(&[0.1, 0.3, 0.6])),
            };
            scenario = scenario.with(*fault, when);
        }
    }
    // In the machine's time, so seldom.
    if chance.is(0.02) { scenario.with(Fault::Hang, When::first(1)) } else { scenario }
}
