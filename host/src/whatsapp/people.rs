//! Who an item is about: its own ids, completed from the `contacts` of its batch.

use std::collections::HashMap;

use serde_json::Value;

use super::json::{get, id, list};
use super::{Sender, StatusRecipient, to_e164, variants};

/// The ids of a person as one item writes them.
#[derive(Default)]
struct Ids {
    number: Option<String>,
    user_id: Option<String>,
    parent_user_id: Option<String>,
}

/// The contacts of one batch, by id: their order is not that of the messages.
pub(super) struct People<'v> {
    by_number: HashMap<String, &'v Value>,
    by_user_id: HashMap<String, &'v Value>,
    only: Option<&'v Value>,
}

impl<'v> People<'v> {
    /// Those of a `value`. `items` is the number of messages or statuses in it: a lone contact next to a lone item
    /// needs no common id.
    pub(super) fn of(value: &'v Value, items: usize) -> Self {
        let contacts = list(value, "contacts");
        let (mut by_number, mut by_user_id) = (HashMap::new(), HashMap::new());
        for contact in contacts.iter().filter(|c| c.is_object()) {
            if let Some(wa_id) = id(contact, "wa_id") {
                by_number.entry(wa_id).or_insert(contact);
            }
            for name in ["user_id", "parent_user_id"] {
                if let Some(user_id) = id(contact, name) {
                    by_user_id.entry(user_id).or_insert(contact);
                }
            }
        }
        let only = match contacts {
            [contact] if items == 1 => Some(contact),
            _ => None,
        };
        Self { by_number, by_user_id, only }
    }

    /// The sender of a message, an edit, a revocation.
    pub(super) fn sender(&self, message: &Value) -> Sender {
        self.complete(Ids {
            number: id(message, "from"),
            user_id: id(message, "from_user_id"),
            parent_user_id: id(message, "from_parent_user_id"),
        })
    }

    /// The person of a preference, who is named as a contact is.
    pub(super) fn chooser(&self, preference: &Value) -> Sender {
        self.complete(Ids {
            number: id(preference, "wa_id"),
            user_id: id(preference, "user_id"),
            parent_user_id: id(preference, "parent_user_id"),
        })
    }

    /// The recipient of a status.
    pub(super) fn recipient(&self, status: &Value) -> StatusRecipient {
        let sender = self.complete(Ids {
            number: id(status, "recipient_id"),
            user_id: id(status, "recipient_user_id"),
            parent_user_id: id(status, "recipient_parent_user_id"),
        });
        StatusRecipient {
            number: sender.from,
            wa_id: sender.wa_id,
            user_id: sender.user_id,
            parent_user_id: sender.parent_user_id,
            kind: id(status, "recipient_type"),
        }
    }

    /// The ids, with what the matching contact adds.
    fn complete(&self, mut ids: Ids) -> Sender {
        // A user id where a number was documented is still a user id.
        if ids.user_id.is_none() && ids.number.as_deref().is_some_and(is_user_id) {
            ids.user_id = ids.number.take();
        }
        let empty = Value::Null;
        let contact = self.matching(&ids).unwrap_or(&empty);
        let wa_id = id(contact, "wa_id").or_else(|| ids.number.clone());
        let profile = get(contact, "profile").unwrap_or(&empty);
        Sender {
            from: ids.number.as_deref().or(wa_id.as_deref()).and_then(to_e164),
            user_id: ids.user_id.or_else(|| id(contact, "user_id")),
            parent_user_id: ids.parent_user_id.or_else(|| id(contact, "parent_user_id")),
            profile_name: id(profile, "name"),
            username: id(profile, "username").or_else(|| id(contact, "username")),
            wa_id,
        }
    }

    /// The contact with one of these ids, or the only one when nothing contradicts it.
    fn matching(&self, ids: &Ids) -> Option<&'v Value> {
        let by_user_id = |user_id: &Option<String>| self.by_user_id.get(user_id.as_ref()?).copied();
        by_user_id(&ids.user_id)
            .or_else(|| self.with_number(ids.number.as_deref()?))
            .or_else(|| by_user_id(&ids.parent_user_id))
            .or_else(|| self.only.filter(|contact| !contradicts(contact, ids)))
    }

    /// The contact with this number, or with another spelling of it (Brazil, Mexico, Argentina).
    fn with_number(&self, number: &str) -> Option<&'v Value> {
        self.by_number.get(number).copied().or_else(|| {
            let spellings = variants(&to_e164(number)?);
            spellings.iter().find_map(|e164| self.by_number.get(e164.trim_start_matches('+')).copied())
        })
    }
}

/// Whether a contact and an item both have an id of the same kind: since they did not match, they are two people.
fn contradicts(contact: &Value, ids: &Ids) -> bool {
    (ids.number.is_some() && id(contact, "wa_id").is_some())
        || (ids.user_id.is_some() && id(contact, "user_id").is_some())
}

/// Two letters of a country and a point: `US.1349…`, `US.ENT.…`.
fn is_user_id(text: &str) -> bool {
    matches!(text.as_bytes(), [a, b, b'.', ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn contacts_are_matched_by_id_and_never_by_place() {
        let value = json!({"contacts": [
            {"wa_id": "5541988887777", "profile": {"name": "Zé"}},
            {"user_id": "FR.2", "profile": {"name": "Léa", "username": "@lea"}},
            {"wa_id": "33612345678", "user_id": "FR.1", "profile": {"name": "Ana"}},
            7, {}, {"profile": {"name": "nobody"}}
        ]});
        let people = People::of(&value, 3);
        let name = |message: Value| people.sender(&message).profile_name;
        assert_eq!(name(json!({"from": "33612345678"})).as_deref(), Some("Ana"));
        assert_eq!(name(json!({"from": 33612345678_i64})).as_deref(), Some("Ana"));
        assert_eq!(name(json!({"from_user_id": "FR.2"})).as_deref(), Some("Léa"));
        assert_eq!(name(json!({"from": "FR.2"})).as_deref(), Some("Léa"));
        assert_eq!(name(json!({"from": "554188887777"})).as_deref(), Some("Zé"));
        assert_eq!(name(json!({"from": "33600000000"})), None);
        assert_eq!(name(json!({})), None);
        let zé = people.sender(&json!({"from": "554188887777"}));
        assert_eq!((zé.from.as_deref(), zé.wa_id.as_deref()), (Some("+554188887777"), Some("5541988887777")));
        let ana = people.recipient(&json!({"recipient_id": "33612345678"}));
        assert_eq!((ana.number.as_deref(), ana.user_id.as_deref()), (Some("+33612345678"), Some("FR.1")));
    }

    #[test]
    fn a_lone_contact_completes_a_lone_item_unless_they_differ() {
        let value = json!({"contacts": [{"user_id": "FR.1", "profile": {"name": "Ana"}}]});
        let sender = |items, message: Value| People::of(&value, items).sender(&message).profile_name;
        assert_eq!(sender(1, json!({"from": "33612345678"})).as_deref(), Some("Ana"));
        assert_eq!(sender(2, json!({"from": "33612345678"})), None);
        assert_eq!(sender(1, json!({"from_user_id": "FR.2"})), None);
        assert_eq!(sender(1, json!({})).as_deref(), Some("Ana"));
    }
}
