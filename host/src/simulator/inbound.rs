//! What people send, on its way to the business.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    BusinessNumber, Fault, Habit, Happening, Offered, OfferedKind, Received,
    itinerary::later,
    network::Network,
    queue::Due,
    shape::set,
    update::{Update, seconds},
    world::{PersonState, World},
};

/// What a person sends.
pub(super) struct Said {
    /// The type and what goes with it, as in a webhook.
    pub(super) body: Value,
    /// As a log shows it.
    pub(super) shown: String,
    /// The message that it answers to.
    pub(super) context: Option<String>,
    /// Whether it opens the 24-hour window. For a reaction Meta does not say: it does not.
    pub(super) opens_window: bool,
}

impl Said {
    /// Something that answers to nothing and opens the window.
    pub(super) fn new(body: Value, shown: impl Into<String>) -> Self {
        Self { body, shown: shown.into(), context: None, opens_window: true }
    }

    /// The same, as an answer to the message `wamid`.
    pub(super) fn to(self, wamid: &str) -> Self {
        Self { context: Some(wamid.to_owned()), ..self }
    }
}

impl Said {
    /// What comes of tapping `offered` under `message`; nothing for a link.
    pub(super) fn tapping(offered: &Offered, message: &Received, person: &PersonState) -> Option<Self> {
        let (id, title) = (&offered.id, &offered.title);
        let body = match offered.kind {
            OfferedKind::Link => return None,
            OfferedKind::QuickReply => json!({"type": "button", "button": {"payload": id, "text": title}}),
            OfferedKind::Button => {
                let reply = json!({"type": "button_reply", "button_reply": {"id": id, "title": title}});
                json!({"type": "interactive", "interactive": reply})
            }
            OfferedKind::Row => {
                let mut row = json!({"id": id, "title": title});
                if let Some(description) = &offered.description {
                    set(&mut row, "description", json!(description));
                }
                json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": row}})
            }
            OfferedKind::ContactRequest => {
                let phone = json!({"phone": person.number, "wa_id": person.wa_id, "type": "CELL"});
                let name = json!({"formatted_name": person.name, "first_name": person.name});
                json!({"type": "contacts", "contacts": [{"name": name, "phones": [phone], "origin": "contact_request"}]})
            }
        };
        Some(Self::new(body, title.as_str()).to(&message.wamid))
    }

    /// A text.
    pub(super) fn text(text: &str) -> Self {
        Self::new(json!({"type": "text", "text": {"body": text}}), text)
    }
}

impl Network {
    /// The person answers the message `wamid` as the scenario says that people do.
    pub(super) fn answer_by_habit(&self, world: &mut World, wamid: &str) {
        let Some(index) = world.messages.get(wamid).map(|message| message.person) else { return };
        let Some(person) = world.people.get(index) else { return };
        let Some(message) = person.seen.iter().rfind(|message| message.wamid == wamid) else { return };
        let tapped = match self.scenario.people.habit {
            Habit::Tap => message.buttons.iter().find_map(|offered| Said::tapping(offered, message, person)),
            Habit::Silent | Habit::Echo => None,
        };
        let said = tapped.unwrap_or_else(|| Said::text(&message.text));
        let business = message.phone_number_id.clone();
        self.inbound(world, index, Some(&business), said);
    }

    /// The business number that a person writes to: the one asked for, the one that wrote last, or the first.
    pub(super) fn business_of(&self, person: &PersonState, asked: Option<&str>) -> Option<&BusinessNumber> {
        let asked = asked.or(person.last_number.as_deref());
        asked.and_then(|id| self.number(id)).or_else(|| self.numbers.first())
    }

    /// The person sends something now; gives its `wamid`.
    pub(super) fn inbound(
        &self,
        world: &mut World,
        index: usize,
        business: Option<&str>,
        said: Said,
    ) -> Option<String> {
        let now = self.clock.now();
        let person = world.people.get_mut(index)?;
        let number = self.business_of(person, business)?;
        if said.opens_window {
            person.wrote_at.insert(number.phone_number_id.clone(), now);
        }
        person.last_number = Some(number.phone_number_id.clone());
        let (wa_id, phone) = (person.wa_id.clone(), person.number.clone());
        let wamid = world.wamid(&wa_id);
        world.inbound.insert(wamid.clone(), index);
        let happening = Happening::Inbound { from: phone.clone(), text: said.shown, at: now, wamid: wamid.clone() };
        self.happened(world, happening);

        let person = world.people.get(index)?;
        let mut item = self.message_head(person, &wamid, now);
        if let Some(context) = said.context {
            item.insert("context".to_owned(), json!({"from": number.digits(), "id": context}));
        }
        if let Value::Object(body) = said.body {
            item.extend(body);
        }
        let contact = person.contact(self.scenario.webhooks.user_ids);
        let update = Update::new(number, (index, person), "messages", Value::Object(item)).with_contact(contact);
        let at = later(now, self.scenario.latency.inbound_ms);
        self.strange_company(world, at, &update, &phone);
        world.queue.put(at, Due::Tell(Box::new(update)));
        Some(wamid)
    }

    /// What a message begins with.
    fn message_head(&self, person: &PersonState, wamid: &str, at: Timestamp) -> Map<String, Value> {
        let mut head = Map::new();
        if !person.hides_number {
            head.insert("from".to_owned(), json!(person.wa_id));
        }
        if self.scenario.webhooks.user_ids || person.hides_number {
            head.insert("from_user_id".to_owned(), json!(person.user_id));
        }
        head.insert("id".to_owned(), json!(wamid));
        head.insert("timestamp".to_owned(), json!(seconds(at)));
        head
    }

    /// Updates that nobody can understand, just before one that everybody can.
    fn strange_company(&self, world: &mut World, at: Timestamp, update: &Update, phone: &str) {
        let strange = |world: &mut World, kind: &str, body: Value| {
            let wamid = world.wamid(phone.trim_start_matches('+'));
            let mut strange = update.clone();
            if let Some(item) = strange.item.as_object_mut() {
                let kept = ["from", "from_user_id", "timestamp"];
                item.retain(|name, _| kept.contains(&name.as_str()));
                item.insert("id".to_owned(), json!(wamid));
                item.insert("type".to_owned(), json!(kind));
                if !body.is_null() {
                    item.insert(kind.to_owned(), body);
                }
            }
            strange
        };
        if world.faults.strike(Fault::UnknownType, phone) {
            let unknown = strange(world, "hologram", json!({"depth": 3}));
            world.queue.put(at, Due::Tell(Box::new(unknown)));
        }
        if world.faults.strike(Fault::UnknownField, phone) {
            let unknown = Update { field: "hologram_update", list: "holograms", ..update.clone() };
            world.queue.put(at, Due::Tell(Box::new(unknown)));
        }
        if world.faults.strike(Fault::ValueLevelErrors, phone) {
            let mut broken = strange(world, "interactive", Value::Null);
            broken.errors = vec![json!({
                "code": 131_000, "title": "Something went wrong", "message": "Something went wrong",
                "error_data": {"details": "Unsupported webhook payload"},
            })];
            world.queue.put(at, Due::Tell(Box::new(broken)));
        }
    }

    /// The person changes number and the business is told.
    pub(super) fn change_number(&self, world: &mut World, index: usize, number: &str) {
        let Some(old_wa_id) = world.change_number(index, number) else { return };
        let Some(person) = world.people.get(index) else { return };
        let (name, new_wa_id) = (person.name.clone(), person.wa_id.clone());
        let system = json!({
            "body": format!("User {name} changed from {old_wa_id} to {new_wa_id}"),
            "wa_id": new_wa_id,
            "type": "user_changed_number",
        });
        self.system(world, index, Some(&old_wa_id), &system);
    }

    /// The person gets another user id and the business is told, by a message and by a field of its own.
    pub(super) fn change_user_id(&self, world: &mut World, index: usize) {
        let Some((old, new)) = world.change_user_id(index) else { return };
        let Some(person) = world.people.get(index) else { return };
        let (name, wa_id) = (person.name.clone(), (!person.hides_number).then(|| person.wa_id.clone()));
        let system = json!({
            "body": format!("User {name} changed from {old} to {new}"),
            "user_id": new,
            "previous_user_id": old,
            "type": "user_changed_user_id",
        });
        self.system(world, index, wa_id.as_deref(), &system);
        let now = self.clock.now();
        let Some(person) = world.people.get(index) else { return };
        let Some(number) = self.business_of(person, None) else { return };
        let mut item = json!({"user_id": {"previous": old, "current": new}, "timestamp": now.as_second()});
        if let Some(wa_id) = wa_id {
            set(&mut item, "wa_id", json!(wa_id));
        }
        let update = Update::new(number, (index, person), "user_id_update", item).in_field("user_id_update");
        let update = update.with_contact(person.contact(true));
        world.queue.put(now, Due::Tell(Box::new(update)));
    }

    /// A notice about a person among the messages; it comes without contacts.
    fn system(&self, world: &mut World, index: usize, from: Option<&str>, system: &Value) {
        let now = self.clock.now();
        let wamid = world.wamid(from.unwrap_or_default());
        let Some(person) = world.people.get(index) else { return };
        let Some(number) = self.business_of(person, None) else { return };
        let mut item = json!({"id": wamid, "timestamp": seconds(now), "type": "system", "system": system});
        if let Some(from) = from {
            set(&mut item, "from", json!(from));
        }
        let update = Update::new(number, (index, person), "messages", item);
        world.queue.put(now, Due::Tell(Box::new(update)));
    }
}
