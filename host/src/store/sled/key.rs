//! Keys: one byte for the kind of row, then its parts, each so encoded that keys sort as their parts do.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::model::{ConversationId, Digest, EnvelopeId, Environment, FlowId, Lane, TenantId};

/// A row's key, or the beginning of the keys of several rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    bytes: Vec<u8>,
    what: &'static str,
}

impl Key {
    fn new(kind: u8, what: &'static str) -> Self {
        Self { bytes: vec![kind], what }
    }

    /// A text ends with `00 01`, and `00` inside it is followed by `FF`: no text is the beginning of another.
    fn text(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            self.bytes.push(byte);
            if byte == 0 {
                self.bytes.push(0xFF);
            }
        }
        self.bytes.extend([0, 1]);
        self
    }

    fn number(mut self, number: u64) -> Self {
        self.bytes.extend(number.to_be_bytes());
        self
    }

    /// To the nanosecond, because what is due must be exactly what [`crate::store::Store::next_due`] says.
    fn time(mut self, time: Timestamp) -> Self {
        let from_the_least = time.as_nanosecond().cast_unsigned() ^ (1 << 127);
        self.bytes.extend(from_the_least.to_be_bytes());
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What a row under this key is, for errors.
    pub(super) fn what(&self) -> &'static str {
        self.what
    }

    /// The least bytes after every key that begins like this one.
    pub(super) fn end(&self) -> Vec<u8> {
        let mut end = self.bytes.clone();
        while let Some(last) = end.pop() {
            if last < 0xFF {
                end.push(last + 1);
                break;
            }
        }
        end
    }
}

/// The format of everything else.
pub(super) fn format() -> Key {
    Key::new(b'#', "the store's format")
}

/// How many changes there have been.
pub(super) fn count() -> Key {
    Key::new(b'+', "the count of changes")
}

// --- by conversation ----------------------------------------------------------------------------------------------

pub(super) fn conversation(id: &ConversationId) -> Key {
    conversations().text(id.as_str())
}

pub(super) fn conversations() -> Key {
    Key::new(b'c', "a conversation")
}

pub(super) fn lines(id: &ConversationId) -> Key {
    Key::new(b'x', "a line of a transcript").text(id.as_str())
}

pub(super) fn line(id: &ConversationId, number: u64) -> Key {
    lines(id).number(number)
}

pub(super) fn log(id: &ConversationId) -> Key {
    Key::new(b'g', "a turn of a log").text(id.as_str())
}

pub(super) fn turn(id: &ConversationId, turn: u64) -> Key {
    log(id).number(turn)
}

pub(super) fn inboxes() -> Key {
    Key::new(b'i', "an event in an inbox")
}

pub(super) fn inbox(id: &ConversationId) -> Key {
    inboxes().text(id.as_str())
}

pub(super) fn entry(id: &ConversationId, number: u64) -> Key {
    inbox(id).number(number)
}

pub(super) fn timers() -> Key {
    Key::new(b't', "a timer")
}

pub(super) fn timer(due: Timestamp, id: &ConversationId, name: &str) -> Key {
    timers().time(due).text(id.as_str()).text(name)
}

/// When a timer is due, by its name.
pub(super) fn timer_name(id: &ConversationId, name: &str) -> Key {
    Key::new(b'n', "a timer's name").text(id.as_str()).text(name)
}

// --- delivery -----------------------------------------------------------------------------------------------------

/// The conversation that an envelope's identifier begins with.
pub(super) fn owner(envelope: &EnvelopeId) -> ConversationId {
    let text = envelope.as_str();
    ConversationId::new(text.split_once('-').map_or(text, |(owner, _)| owner))
}

pub(super) fn all_envelopes() -> Key {
    Key::new(b'e', "an envelope")
}

pub(super) fn envelopes(id: &ConversationId) -> Key {
    all_envelopes().text(id.as_str())
}

pub(super) fn envelope(id: &EnvelopeId) -> Key {
    envelopes(&owner(id)).text(id.as_str())
}

pub(super) fn lane(id: &ConversationId, lane: &Lane) -> Key {
    let key = Key::new(b'l', "a place in a lane").text(id.as_str());
    match lane {
        Lane::Messages => key.text("messages"),
        Lane::Questions => key.text("questions"),
        Lane::Callbacks(endpoint) => key.text("callbacks").text(endpoint),
    }
}

pub(super) fn place(id: &ConversationId, of: &Lane, place: u64) -> Key {
    lane(id, of).number(place)
}

pub(super) fn dues() -> Key {
    Key::new(b'd', "an envelope that is due")
}

pub(super) fn due(at: Timestamp, id: &EnvelopeId) -> Key {
    dues().time(at).text(id.as_str())
}

pub(super) fn flights() -> Key {
    Key::new(b'f', "an attempt under way")
}

pub(super) fn flight(since: Timestamp, id: &EnvelopeId) -> Key {
    flights().time(since).text(id.as_str())
}

pub(super) fn wamid(wamid: &str) -> Key {
    Key::new(b'w', "the owner of a wamid").text(wamid)
}

pub(super) fn waiting(number: u64) -> Key {
    waitings().number(number)
}

pub(super) fn waitings() -> Key {
    Key::new(b'q', "a receipt that waits")
}

/// Receipts that wait for a message, by its `wamid` or its envelope.
pub(super) fn waiting_for(message: &str) -> Key {
    Key::new(b'Q', "the number of a receipt that waits").text(message)
}

pub(super) fn waiting_for_number(message: &str, number: u64) -> Key {
    waiting_for(message).number(number)
}

// --- by tenant ----------------------------------------------------------------------------------------------------

pub(super) fn of_tenant(tenant: &TenantId) -> Key {
    Key::new(b'T', "a conversation of a tenant").text(tenant.as_str())
}

pub(super) fn conversation_of_tenant(tenant: &TenantId, id: &ConversationId) -> Key {
    of_tenant(tenant).text(id.as_str())
}

pub(super) fn names(tenant: &TenantId) -> Key {
    Key::new(b'N', "a conversation of a person").text(tenant.as_str())
}

pub(super) fn name(tenant: &TenantId, name: &str) -> Key {
    names(tenant).text(name)
}

pub(super) fn conversation_of_name(tenant: &TenantId, of: &str, id: &ConversationId) -> Key {
    name(tenant, of).text(id.as_str())
}

pub(super) fn lead(tenant: &TenantId, crm_id: &str) -> Key {
    Key::new(b'L', "a conversation of a lead").text(tenant.as_str()).text(crm_id)
}

pub(super) fn conversation_of_lead(tenant: &TenantId, crm_id: &str, id: &ConversationId) -> Key {
    lead(tenant, crm_id).text(id.as_str())
}

pub(super) fn seen(tenant: Option<&TenantId>, key: &str) -> Key {
    Key::new(b's', "a key seen before").text(tenant.map_or("", TenantId::as_str)).text(key)
}

pub(super) fn idempotency(tenant: &TenantId, environment: Environment, key: &str) -> Key {
    let world = match environment {
        Environment::Test => 0,
        Environment::Live => 1,
    };
    Key::new(b'I', "an idempotency key").text(tenant.as_str()).number(world).text(key)
}

pub(super) fn aliases(tenant: &TenantId) -> Key {
    Key::new(b'A', "the count of aliases").text(tenant.as_str())
}

pub(super) fn calendars(tenant: &TenantId) -> Key {
    Key::new(b'C', "a calendar").text(tenant.as_str())
}

/// The calendar of a salesperson, or that of the tenant.
pub(super) fn calendar(tenant: &TenantId, with: Option<&str>) -> Key {
    of_calendar(calendars(tenant), with)
}

pub(super) fn meetings(tenant: &TenantId, with: Option<&str>) -> Key {
    of_calendar(Key::new(b'm', "a meeting").text(tenant.as_str()), with)
}

fn of_calendar(key: Key, with: Option<&str>) -> Key {
    match with {
        None => key.number(0),
        Some(with) => key.number(1).text(with),
    }
}

pub(super) fn meetings_from(tenant: &TenantId, with: Option<&str>, start: Timestamp) -> Key {
    meetings(tenant, with).time(start)
}

pub(super) fn meeting(tenant: &TenantId, with: Option<&str>, start: Timestamp, id: &ConversationId) -> Key {
    meetings_from(tenant, with, start).text(id.as_str())
}

/// The meeting of a conversation.
pub(super) fn meeting_of(id: &ConversationId) -> Key {
    Key::new(b'M', "the meeting of a conversation").text(id.as_str())
}

/// The calendar's entry of a conversation.
pub(super) fn entry_of(id: &ConversationId) -> Key {
    Key::new(b'y', "an entry of a calendar").text(id.as_str())
}

/// Which conversations have entries from a start on.
pub(super) fn entries_from(tenant: &TenantId, start: Timestamp) -> Key {
    entries(tenant).time(start)
}

pub(super) fn entries(tenant: &TenantId) -> Key {
    Key::new(b'Y', "the conversation of a calendar's entry").text(tenant.as_str())
}

pub(super) fn entry_at(tenant: &TenantId, start: Timestamp, id: &ConversationId) -> Key {
    entries_from(tenant, start).text(id.as_str())
}

/// The secret of a calendar.
pub(super) fn calendar_secret(tenant: &TenantId, person: Option<&str>) -> Key {
    of_calendar(Key::new(b'u', "a calendar's secret").text(tenant.as_str()), person)
}

/// The calendar that a secret opens.
pub(super) fn calendar_of_secret(secret: &str) -> Key {
    Key::new(b'U', "the calendar of a secret").text(secret)
}

pub(super) fn busy_times(tenant: &TenantId) -> Key {
    Key::new(b'B', "the busy times of an outside calendar").text(tenant.as_str())
}

pub(super) fn busy_times_of(tenant: &TenantId, person: Option<&str>) -> Key {
    of_calendar(busy_times(tenant), person)
}

pub(super) fn opt_out(tenant: &TenantId, phone: &str) -> Key {
    Key::new(b'o', "an opt-out").text(tenant.as_str()).text(phone)
}

pub(super) fn alarms() -> Key {
    Key::new(b'!', "an alarm")
}

pub(super) fn alarm(id: &str) -> Key {
    alarms().text(id)
}

/// The opt-out of someone who was erased.
pub(super) fn opt_out_digest(tenant: &TenantId, phone: &str) -> Key {
    let digest = Sha256::digest(format!("{tenant}\0{phone}"));
    Key::new(b'O', "an opt-out of someone erased").text(tenant.as_str()).text(&hex::encode(digest))
}

pub(super) fn api_keys() -> Key {
    Key::new(b'k', "an API key")
}

pub(super) fn api_key(digest: &str) -> Key {
    api_keys().text(digest)
}

pub(super) fn version(tenant: &TenantId, flow: &FlowId, digest: &Digest) -> Key {
    Key::new(b'v', "a flow version").text(tenant.as_str()).text(flow.as_str()).text(digest.as_str())
}

/// The files of versions of all flows, to see who shares what.
pub(super) fn versions() -> Key {
    Key::new(b'v', "a flow version")
}

pub(super) fn all_records() -> Key {
    Key::new(b'h', "the record of a flow version")
}

pub(super) fn records(tenant: &TenantId, flow: &FlowId) -> Key {
    all_records().text(tenant.as_str()).text(flow.as_str())
}

pub(super) fn record(tenant: &TenantId, flow: &FlowId, digest: &Digest) -> Key {
    records(tenant, flow).text(digest.as_str())
}

pub(super) fn folder_seen(tenant: &TenantId, flow: &FlowId) -> Key {
    Key::new(b'F', "the content of a flow's folder").text(tenant.as_str()).text(flow.as_str())
}

/// A piece of a file, in the tree of files.
pub(super) fn piece(of: &[u8; 32], number: u64) -> Key {
    let mut key = Key::new(b'b', "a file of a flow version");
    key.bytes.extend(of);
    key.number(number)
}

/// The digest of the file that a piece is of.
pub(super) fn digest_of_piece(key: &[u8]) -> Option<[u8; 32]> {
    key.get(1..)?.first_chunk().copied()
}

pub(super) fn actives() -> Key {
    Key::new(b'a', "an active version")
}

pub(super) fn active(tenant: &TenantId, flow: &FlowId) -> Key {
    actives().text(tenant.as_str()).text(flow.as_str())
}

pub(super) fn running(tenant: &TenantId, flow: &FlowId) -> Key {
    Key::new(b'r', "a count of conversations").text(tenant.as_str()).text(flow.as_str())
}

pub(super) fn running_on(tenant: &TenantId, flow: &FlowId, version: &Digest) -> Key {
    running(tenant, flow).text(version.as_str())
}

pub(super) fn parked() -> Key {
    Key::new(b'p', "something set aside")
}

pub(super) fn parked_number(number: u64) -> Key {
    parked().number(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_parts_do() {
        let key = |text: &str, number| Key::new(b'?', "").text(text).number(number);
        let sorted = [key("", 9), key("a", 1), key("a", 256), key("a\0", 0), key("a\0b", 0), key("ab", 0)];
        assert!(sorted.is_sorted());
        let time = |text: &str| Key::new(b'?', "").time(text.parse().unwrap());
        let sorted = ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2026-11-23T08:00:00.000000001Z"].map(time);
        assert!(sorted.is_sorted());
        assert!(key("a", 1).into_bytes() < Key::new(b'?', "").text("a").end());
        assert!(key("a\0", 1).into_bytes() > Key::new(b'?', "").text("a").end());
    }
}
