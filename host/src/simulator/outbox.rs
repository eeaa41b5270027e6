//! Webhooks on their way to the host: enveloped, escaped, signed, posted, and posted again until they are taken.

use std::time::Duration;

use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{WebhookTarget, chance::SplitMix64, network::Busy, update::Update};
use crate::whatsapp::{SIGNATURE_HEADER, sign};

/// For how long Meta tries (webhooks overview, 2026-04-29).
const PATIENCE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest pause between two tries. Meta says "with decreasing frequency"; the figures are this project's.
const LONGEST_PAUSE_MS: u64 = 6 * 3_600_000;

/// A body for the host, with what has been tried.
#[derive(Clone, Debug)]
pub(super) struct Post {
    /// The bytes that are signed and sent.
    pub(super) body: Bytes,
    /// What keeps posts about one person in order.
    pub(super) lane: usize,
    /// How many tries failed.
    pub(super) failures: u32,
    /// When it was first tried.
    pub(super) first_tried: Timestamp,
    /// Whether to make it once more when it was taken.
    pub(super) again: bool,
}

/// A post under way; while it exists the simulator is not idle.
#[derive(Debug)]
pub(super) struct Flight {
    /// What is posted.
    pub(super) post: Post,
    /// Counts it.
    pub(super) busy: Busy,
}

impl Post {
    /// When to try again after one more failure at `now`: at once, then after pauses that grow threefold from 5 s;
    /// none when Meta would give up.
    pub(super) fn next_try(&self, now: Timestamp) -> Option<Timestamp> {
        if now.duration_since(self.first_tried) >= PATIENCE {
            return None;
        }
        let pause = match self.failures {
            0 | 1 => 0,
            failures => 5_000_u64.saturating_mul(3_u64.saturating_pow(failures - 2)).min(LONGEST_PAUSE_MS),
        };
        Some(super::itinerary::later(now, pause))
    }

    /// Posts it and tells whether the host took it, which is to answer 200.
    pub(super) async fn send(&self, client: &reqwest::Client, target: &WebhookTarget, timeout_ms: u64) -> bool {
        let sent = client
            .post(&target.url)
            .timeout(Duration::from_millis(timeout_ms))
            .header("Content-Type", "application/json")
            .header(SIGNATURE_HEADER, sign(&target.app_secret, &self.body))
            .body(self.body.clone())
            .send();
        match sent.await {
            Ok(answer) => answer.status() == 200,
            Err(_) => false,
        }
    }
}

/// The body of one POST: an entry an account, a change a number, field and kind. With `mix`, contacts are shuffled.
pub(super) fn body(updates: Vec<Update>, mix: Option<&mut SplitMix64>) -> Bytes {
    let mut entries: Vec<(String, Vec<Change>)> = Vec::new();
    for update in updates {
        let changes = match entries.iter_mut().find(|(waba, _)| *waba == update.waba) {
            Some((_, changes)) => changes,
            None => {
                entries.push((update.waba.clone(), Vec::new()));
                let Some((_, changes)) = entries.last_mut() else { continue };
                changes
            }
        };
        match changes.iter_mut().find(|change| change.takes(&update)) {
            Some(change) => change.add(update),
            None => changes.push(Change::new(update)),
        }
    }
    if let Some(chance) = mix {
        for change in entries.iter_mut().flat_map(|(_, changes)| changes) {
            chance.shuffle(&mut change.contacts);
        }
    }
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|(waba, changes)| json!({"id": waba, "changes": changes.into_iter().map(Change::into_value).collect::<Vec<_>>()}))
        .collect();
    let document = json!({"object": "whatsapp_business_account", "entry": entries});
    Bytes::from(escape(&document.to_string()))
}

/// A change of an entry, being filled.
struct Change {
    phone_number_id: String,
    display: String,
    field: &'static str,
    list: &'static str,
    items: Vec<Value>,
    contacts: Vec<Value>,
    errors: Vec<Value>,
}

impl Change {
    fn new(update: Update) -> Self {
        Self {
            phone_number_id: update.phone_number_id,
            display: update.display,
            field: update.field,
            list: update.list,
            items: vec![update.item],
            contacts: update.contact.into_iter().collect(),
            errors: update.errors,
        }
    }

    /// Whether `update` goes in the same `value`. An error stays alone with what it is about.
    fn takes(&self, update: &Update) -> bool {
        let is_same = !self.is_account_wide()
            && self.phone_number_id == update.phone_number_id
            && self.field == update.field
            && self.list == update.list;
        is_same && self.errors.is_empty() && update.errors.is_empty()
    }

    fn add(&mut self, update: Update) {
        self.items.push(update.item);
        self.contacts.extend(update.contact.filter(|contact| !self.contacts.contains(contact)));
    }

    /// Of the account and nobody in particular: the item is the whole value.
    fn is_account_wide(&self) -> bool {
        self.list.is_empty()
    }

    fn into_value(mut self) -> Value {
        if self.is_account_wide() {
            return json!({"value": self.items.pop(), "field": self.field});
        }
        let mut value = Map::new();
        value.insert("messaging_product".to_owned(), json!("whatsapp"));
        let metadata = json!({"display_phone_number": self.display, "phone_number_id": self.phone_number_id});
        value.insert("metadata".to_owned(), metadata);
        if !self.contacts.is_empty() {
            value.insert("contacts".to_owned(), Value::Array(self.contacts));
        }
        value.insert(self.list.to_owned(), Value::Array(self.items));
        if !self.errors.is_empty() {
            value.insert("errors".to_owned(), Value::Array(self.errors));
        }
        json!({"value": value, "field": self.field})
    }
}

/// JSON in ASCII, as Meta writes it: `\u00e9` for é, a surrogate pair for what is beyond, `\/` for a slash.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            // Outside strings JSON has no slash.
            '/' => escaped.push_str("\\/"),
            _ if character.is_ascii() => escaped.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(waba: &str, number: &str, list: &'static str, item: Value) -> Update {
        Update {
            waba: waba.to_owned(),
            phone_number_id: number.to_owned(),
            display: "33100000000".to_owned(),
            field: "messages",
            list,
            item,
            contact: Some(json!({"wa_id": number})),
            errors: Vec::new(),
            person: 0,
            number: String::new(),
        }
    }

    #[test]
    fn writes_ascii_that_reads_back() {
        let said = "é / 👋 \"\\\" \u{7}";
        let bytes = body(vec![update("1", "2", "messages", json!({"text": {"body": said}}))], None);
        assert!(bytes.is_ascii());
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains("\\u00e9 \\/ \\ud83d\\udc4b"), "{text}");
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"], said);
    }

    #[test]
    fn groups_by_account_number_and_kind() {
        let updates = vec![
            update("1", "a", "messages", json!(1)),
            update("2", "b", "messages", json!(2)),
            update("1", "a", "messages", json!(3)),
            update("1", "a", "statuses", json!(4)),
            update("1", "c", "messages", json!(5)),
        ];
        let read: Value = serde_json::from_slice(&body(updates, None)).unwrap();
        let changes = |entry: usize| read["entry"][entry]["changes"].as_array().unwrap().len();
        assert_eq!((changes(0), changes(1)), (3, 1));
        assert_eq!(read["entry"][0]["changes"][0]["value"]["messages"], json!([1, 3]));
        assert_eq!(read["entry"][0]["changes"][0]["value"]["contacts"], json!([{"wa_id": "a"}]));
    }

    #[test]
    fn tries_again_for_seven_days() {
        let start = Timestamp::from_second(1_795_000_000).unwrap();
        let mut post = Post { body: Bytes::new(), lane: 0, failures: 0, first_tried: start, again: false };
        let (mut now, mut pauses) = (start, Vec::new());
        loop {
            post.failures += 1;
            let Some(next) = post.next_try(now) else { break };
            pauses.push(next.duration_since(now).as_secs());
            now = next;
        }
        assert_eq!(pauses[..4], [0, 5, 15, 45]);
        assert!(pauses.is_sorted() && pauses.len() < 50, "{pauses:?}");
        assert!(now.duration_since(start) >= PATIENCE);
    }
}
