//! Prospects: what they see, and what they do.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::{
    Offered, Received, inbound::Said, network::Network, queue::Due, shape::set, update::Update, world::PersonState,
};

/// A person who can be written to and who writes. Clones are the same person. What they do happens at the clock's moment;
/// the webhook of it is due then too.
#[derive(Clone)]
pub struct Person {
    network: Arc<Network>,
    index: usize,
    /// The business number written to; none for the one that wrote last, or the first.
    business: Option<String>,
}

impl Person {
    pub(super) const fn new(network: Arc<Network>, index: usize) -> Self {
        Self { network, index, business: None }
    }

    /// The same person, writing to the business number of that id.
    #[must_use]
    pub fn to_business(&self, phone_number_id: &str) -> Self {
        Self { business: Some(phone_number_id.to_owned()), ..self.clone() }
    }

    /// What arrives from now on.
    #[must_use]
    pub fn receives(&self) -> broadcast::Receiver<Received> {
        self.look(|person| person.screen.subscribe()).unwrap_or_else(|| broadcast::Sender::new(1).subscribe())
    }

    /// What arrived so far, oldest first.
    #[must_use]
    pub fn seen(&self) -> Vec<Received> {
        self.look(|person| person.seen.clone()).unwrap_or_default()
    }

    /// How much arrived so far.
    #[must_use]
    pub fn seen_count(&self) -> usize {
        self.look(|person| person.seen.len()).unwrap_or_default()
    }

    /// The person's number, E.164.
    #[must_use]
    pub fn number(&self) -> String {
        self.look(|person| person.number.clone()).unwrap_or_default()
    }

    /// The person's business-scoped user id.
    #[must_use]
    pub fn user_id(&self) -> String {
        self.look(|person| person.user_id.clone()).unwrap_or_default()
    }

    /// Sets the name in the profile.
    pub fn set_name(&self, name: &str) {
        self.change(|person| name.clone_into(&mut person.name));
    }

    /// Turns read receipts on or off; they are on.
    pub fn read(&self, receipts: bool) {
        self.change(|person| person.reads = receipts);
    }

    /// Blocks the business: nothing arrives any more.
    pub fn block(&self) {
        self.change(|person| person.is_blocking = true);
    }

    /// Unblocks the business.
    pub fn unblock(&self) {
        self.change(|person| person.is_blocking = false);
    }

    /// Has no WhatsApp at all.
    pub fn not_on_whatsapp(&self) {
        self.change(|person| person.is_on_whatsapp = false);
    }

    /// Is known to the business by a user id only: webhooks carry no number from now on.
    pub fn hide_number(&self) {
        self.change(|person| person.hides_number = true);
    }

    /// Writes a text; gives its `wamid`.
    pub fn write(&self, text: &str) -> String {
        self.say(Said::text(text))
    }

    /// Writes several texts at once; gives their `wamid`s.
    pub fn burst(&self, texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| self.write(text)).collect()
    }

    /// Writes a text that quotes the message `wamid`; gives its own `wamid`.
    pub fn reply(&self, wamid: &str, text: &str) -> String {
        self.say(Said::text(text).to(wamid))
    }

    /// Taps the button or row with this id or title, on the newest message that has one; gives the `wamid`. None when there
    /// is no such button, or when it is a link, which tells the business nothing.
    pub fn tap(&self, button: &str) -> Option<String> {
        let is_meant = |offered: &&Offered| offered.id == button || offered.title == button;
        let seen = self.seen();
        let (message, offered) =
            seen.iter().rev().find_map(|message| Some((message, message.buttons.iter().find(is_meant)?)))?;
        let said = self.look(|person| Said::tapping(offered, message, person))??;
        Some(self.to_business(&message.phone_number_id).say(said))
    }

    /// Reacts to the message `wamid`; an empty emoji takes the reaction back.
    pub fn react(&self, wamid: &str, emoji: &str) -> String {
        let mut reaction = json!({"message_id": wamid});
        if !emoji.is_empty() {
            set(&mut reaction, "emoji", json!(emoji));
        }
        let said = Said::new(json!({"type": "reaction", "reaction": reaction}), emoji);
        self.say(Said { opens_window: false, ..said })
    }

    /// Sends a file. `kind` is `image`, `audio`, `voice`, `video`, `document` or `sticker`.
    pub fn send_media(&self, kind: &str, caption: Option<&str>) -> String {
        let (kind, mime, is_voice) = match kind {
            "voice" => ("audio", "audio/ogg; codecs=opus", true),
            "audio" => ("audio", "audio/mpeg", false),
            "video" => ("video", "video/mp4", false),
            "document" => ("document", "application/pdf", false),
            "sticker" => ("sticker", "image/webp", false),
            _ => ("image", "image/jpeg", false),
        };
        let id = self.network.world().chance.below(1_000_000_000_000_000).to_string();
        let mut media = json!({"id": id, "mime_type": mime, "sha256": "RLwXBPWaDhfUmSGQ7hwVAoZ8HNSgUYnZTkHhLrnWcJQ="});
        if kind == "audio" {
            set(&mut media, "voice", json!(is_voice));
        }
        if kind == "document" {
            set(&mut media, "filename", json!("document.pdf"));
        }
        if let Some(caption) = caption {
            set(&mut media, "caption", json!(caption));
        }
        let shown = caption.map_or_else(|| format!("[{kind}]"), |caption| format!("[{kind}] {caption}"));
        self.say(Said::new(json!({"type": kind, kind: media}), shown))
    }

    /// Sends a place, in degrees.
    pub fn send_location(&self, latitude: f64, longitude: f64, name: Option<&str>) -> String {
        let mut place = json!({"latitude": latitude, "longitude": longitude});
        if let Some(name) = name {
            set(&mut place, "name", json!(name));
        }
        self.say(Said::new(json!({"type": "location", "location": place}), "[location]"))
    }

    /// Sends what the API does not support, such as a poll.
    pub fn send_unsupported(&self) -> String {
        let error = json!({
            "code": 131_051, "title": "Message type unknown", "message": "Message type unknown",
            "error_data": {"details": "Message type is currently not supported."},
        });
        let body = json!({"type": "unsupported", "errors": [error], "unsupported": {"type": "poll_creation"}});
        self.say(Said::new(body, "[unsupported]"))
    }

    /// Stops (or resumes) marketing messages with WhatsApp's own control.
    pub fn stop_marketing(&self, stops: bool) {
        self.change(|person| person.stopped_marketing = stops);
        let now = self.network.clock.now();
        self.notice("user_preferences", "user_preferences", |person| {
            let word = if stops { "stop" } else { "resume" };
            let detail = format!("User requested to {word} marketing messages");
            let mut item = json!({"detail": detail, "category": "marketing_messages", "value": word, "timestamp": now.as_second()});
            if person.hides_number {
                set(&mut item, "user_id", json!(person.user_id));
            } else {
                set(&mut item, "wa_id", json!(person.wa_id));
            }
            item
        });
    }

    /// Changes to another number, E.164; the user id changes with it. The business is told of both.
    pub fn change_number(&self, number: &str) {
        let mut world = self.network.world();
        self.network.change_number(&mut world, self.index, number);
        self.network.change_user_id(&mut world, self.index);
        drop(world);
        self.network.wake();
    }

    /// Changes the business-scoped user id.
    pub fn change_user_id(&self) {
        self.network.change_user_id(&mut self.network.world(), self.index);
        self.network.wake();
    }

    fn say(&self, said: Said) -> String {
        let wamid = self.network.inbound(&mut self.network.world(), self.index, self.business.as_deref(), said);
        self.network.wake();
        wamid.unwrap_or_default()
    }

    fn notice(&self, field: &'static str, list: &'static str, item: impl FnOnce(&PersonState) -> Value) {
        let now = self.network.clock.now();
        let mut world = self.network.world();
        if let Some(person) = world.people.get(self.index)
            && let Some(number) = self.network.business_of(person, self.business.as_deref())
        {
            let user_ids = self.network.scenario.webhooks.user_ids;
            let update = Update::new(number, (self.index, person), list, item(person)).in_field(field);
            let update = update.with_contact(person.contact(user_ids));
            world.queue.put(now, Due::Tell(Box::new(update)));
        }
        drop(world);
        self.network.wake();
    }

    fn look<T>(&self, at: impl FnOnce(&PersonState) -> T) -> Option<T> {
        self.network.world().people.get(self.index).map(at)
    }

    fn change(&self, what: impl FnOnce(&mut PersonState)) {
        if let Some(person) = self.network.world().people.get_mut(self.index) {
            what(person);
        }
    }
}
