//! The people, the messages and everything that is going to happen.

use std::collections::{HashMap, VecDeque};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use phonenumber::PhoneNumber;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::{
    Fault, Happening, Received, Scenario,
    chance::{Faults, SplitMix64},
    message::Message,
    queue::Queue,
    rates::Rates,
    shape::set,
    update::Update,
};
use crate::whatsapp::variants;

/// Meta's window for free messages.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// How many messages a person's screen keeps for those who are slow to look.
const SCREEN: usize = 256;
/// How many happenings are kept for those who come late.
const HISTORY: usize = 2_000;

/// A person with a telephone.
#[derive(Debug)]
pub(super) struct PersonState {
    /// The number, E.164.
    pub(super) number: String,
    /// WhatsApp's way of writing it.
    pub(super) wa_id: String,
    /// The business-scoped user id.
    pub(super) user_id: String,
    /// The name in the profile.
    pub(super) name: String,
    /// Whether the number is on WhatsApp.
    pub(super) is_on_whatsapp: bool,
    /// Whether the person blocked the business.
    pub(super) is_blocking: bool,
    /// Whether the person sends read receipts.
    pub(super) reads: bool,
    /// Whether webhooks tell the user id only.
    pub(super) hides_number: bool,
    /// Whether the person stopped marketing.
    pub(super) stopped_marketing: bool,
    /// When the person last wrote to each business number, by Meta's id of it.
    pub(super) wrote_at: HashMap<String, Timestamp>,
    /// The business number that wrote last.
    pub(super) last_number: Option<String>,
    /// What arrived.
    pub(super) seen: Vec<Received>,
    /// Where it shows.
    pub(super) screen: broadcast::Sender<Received>,
}

impl PersonState {
    /// Whether a free message of a business number may go at `now`.
    pub(super) fn is_in_window(&self, phone_number_id: &str, now: Timestamp) -> bool {
        self.wrote_at.get(phone_number_id).is_some_and(|at| now.duration_since(*at) < WINDOW)
    }

    /// The contact of a webhook.
    pub(super) fn contact(&self, user_ids: bool) -> Value {
        let mut contact = json!({"profile": {"name": self.name}});
        if !self.hides_number {
            set(&mut contact, "wa_id", json!(self.wa_id));
        }
        if user_ids || self.hides_number {
            set(&mut contact, "user_id", json!(self.user_id));
        }
        contact
    }
}

/// All that changes, behind one lock.
#[derive(Debug)]
pub(super) struct World {
    /// Everybody, in order of appearance.
    pub(super) people: Vec<PersonState>,
    by_number: HashMap<String, usize>,
    by_user_id: HashMap<String, usize>,
    /// The messages of the business, by `wamid`.
    pub(super) messages: HashMap<String, Message>,
    /// The messages of people, by `wamid`.
    pub(super) inbound: HashMap<String, usize>,
    /// What is going to happen.
    pub(super) queue: Queue,
    /// What goes wrong.
    pub(super) faults: Faults,
    /// What has been sent of late.
    pub(super) rates: Rates,
    /// What waits for a batch.
    pub(super) gathered: Vec<Update>,
    /// Chance, other than that of the faults.
    pub(super) chance: SplitMix64,
    /// What happened, newest last.
    pub(super) history: VecDeque<Happening>,
}

impl World {
    /// Nobody yet.
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Self {
        Self {
            people: Vec::new(),
            by_number: HashMap::new(),
            by_user_id: HashMap::new(),
            messages: HashMap::new(),
            inbound: HashMap::new(),
            queue: Queue::default(),
            faults: Faults::new(&scenario.faults, seed),
            rates: Rates::default(),
            gathered: Vec::new(),
            chance: SplitMix64::new(seed),
            history: VecDeque::new(),
        }
    }

    /// Keeps a happening, forgetting the oldest.
    pub(super) fn remember(&mut self, happening: Happening) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(happening);
    }

    /// The person of `number` (E.164), who appears when first spoken of: on WhatsApp, if the number can exist.
    pub(super) fn person(&mut self, number: &str) -> usize {
        let known = variants(number).into_iter().find_map(|spelling| self.by_number.get(&spelling).copied());
        if let Some(index) = known {
            return index;
        }
        let read = phonenumber::parse(None, number).ok();
        let is_on_whatsapp = read.as_ref().is_some_and(phonenumber::is_valid);
        let user_id = self.user_id(read.as_ref());
        let digits = number.trim_start_matches('+').to_owned();
        let other = variants(number).into_iter().nth(1);
        let wa_id = match other {
            Some(other) if self.faults.strike(Fault::WaIdRewriting, number) => other.trim_start_matches('+').to_owned(),
            _ => digits.clone(),
        };
        let name = digits.get(digits.len().saturating_sub(4)..).map_or_else(String::new, |end| format!("Person {end}"));
        let index = self.people.len();
        self.people.push(PersonState {
            number: number.to_owned(),
            wa_id,
            user_id: user_id.clone(),
            name,
            is_on_whatsapp,
            is_blocking: false,
            reads: true,
            hides_number: self.faults.strike(Fault::BsuidOnly, number),
            stopped_marketing: false,
            wrote_at: HashMap::new(),
            last_number: None,
            seen: Vec::new(),
            screen: broadcast::Sender::new(SCREEN),
        });
        self.by_number.insert(number.to_owned(), index);
        self.by_user_id.insert(user_id, index);
        index
    }

    /// The person of a business-scoped user id, past ones excluded.
    pub(super) fn person_of_user_id(&self, user_id: &str) -> Option<usize> {
        self.by_user_id.get(user_id).copied()
    }

    /// A business-scoped user id: the country and digits.
    fn user_id(&mut self, number: Option<&PhoneNumber>) -> String {
        let country = number.and_then(|number| number.country().id());
        let country = country.map_or_else(|| "ZZ".to_owned(), |id| id.as_ref().to_owned());
        format!("{country}.{}", 10_000_000_000_000_000 + self.chance.bits() % 10_000_000_000_000_000)
    }

    /// Gives the person another user id; returns the old one and the new one.
    pub(super) fn change_user_id(&mut self, index: usize) -> Option<(String, String)> {
        let number = phonenumber::parse(None, &self.people.get(index)?.number).ok();
        let new = self.user_id(number.as_ref());
        let person = self.people.get_mut(index)?;
        let old = std::mem::replace(&mut person.user_id, new.clone());
        self.by_user_id.remove(&old);
        self.by_user_id.insert(new.clone(), index);
        Some((old, new))
    }

    /// Gives the person another number, E.164; the old one is left without WhatsApp. Returns the old `wa_id`.
    pub(super) fn change_number(&mut self, index: usize, number: &str) -> Option<String> {
        let person = self.people.get_mut(index)?;
        let old = std::mem::replace(&mut person.number, number.to_owned());
        let old_wa_id = std::mem::replace(&mut person.wa_id, number.trim_start_matches('+').to_owned());
        self.by_number.remove(&old);
        self.by_number.insert(number.to_owned(), index);
        let abandoned = self.person(&old);
        if let Some(nobody) = self.people.get_mut(abandoned) {
            nobody.is_on_whatsapp = false;
        }
        Some(old_wa_id)
    }

    /// A number that nobody has, like the person's own but for its last two digits.
    pub(super) fn spare_number(&self, index: usize) -> Option<String> {
        let number = &self.people.get(index)?.number;
        let (head, tail) = number.split_at_checked(number.len().checked_sub(2)?)?;
        let tail: u32 = tail.parse().ok()?;
        let others = (1..100).map(|step| format!("{head}{:02}", (tail + step) % 100));
        others.into_iter().find(|other| !self.by_number.contains_key(other))
    }

    /// A new message id. As Meta's, it holds the person's number in clear under base64.
    pub(super) fn wamid(&mut self, digits: &str) -> String {
        let mut bytes = vec![0x1c, 0x18, u8::try_from(digits.len()).unwrap_or(u8::MAX)];
        bytes.extend(digits.bytes());
        bytes.extend([0x15, 0x02, 0x00, 0x11, 0x18, 0x14]);
        bytes.extend(format!("{:016X}{:04X}", self.chance.bits(), self.chance.below(0x1_0000)).bytes());
        bytes.push(0);
        format!("wamid.{}", STANDARD.encode(bytes))
    }

    /// What Meta calls `fbtrace_id`.
    pub(super) fn trace(&mut self) -> String {
        format!("A{:016x}", self.chance.bits())
    }
}
