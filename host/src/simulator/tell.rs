//! From what happened to what the host is told of it.

use jiff::Timestamp;
use serde_json::json;

use super::{
    Fault,
    itinerary::later,
    message::Stage,
    network::Network,
    outbox::{self, Flight, Post},
    queue::Due,
    update::{self, FailedContact, Update},
    world::World,
};

impl Network {
    /// The update that tells of a stage reached at `at`.
    pub(super) fn status(&self, world: &World, wamid: &str, stage: Stage, at: Timestamp) -> Option<Update> {
        let message = world.messages.get(wamid)?;
        let person = world.people.get(message.person)?;
        let user_ids = self.scenario.webhooks.user_ids || person.hides_number;
        let status = update::status(wamid, message, person, user_ids, stage, at);
        let update = Update::new(self.number(&message.phone_number_id)?, (message.person, person), "statuses", status);
        Some(update.with_contact(person.contact(user_ids)))
    }

    /// The update that tells of a failure.
    pub(super) fn failed(&self, world: &mut World, wamid: &str, code: i64, at: Timestamp) -> Option<Update> {
        const SHAPES: [Fault; 3] = [Fault::FailedWithContacts, Fault::FailedWaIdOnly, Fault::FailedWithoutContacts];
        let index = world.messages.get(wamid)?.person;
        let number = world.people.get(index)?.number.clone();
        let contact = match world.faults.first(&SHAPES, &number) {
            Some(Fault::FailedWithContacts) => FailedContact::Full,
            Some(Fault::FailedWaIdOnly) => FailedContact::WaIdOnly,
            _ => FailedContact::None,
        };
        let message = world.messages.get(wamid)?;
        let person = world.people.get(index)?;
        let status = update::failed(wamid, message, person, contact == FailedContact::Full, code, at);
        let update = Update::new(self.number(&message.phone_number_id)?, (index, person), "statuses", status);
        Some(match contact {
            FailedContact::None => update,
            FailedContact::Full => update.with_contact(person.contact(true)),
            FailedContact::WaIdOnly => update.with_contact(json!({"wa_id": person.wa_id})),
        })
    }

    /// The host is to know: at once, or with others in a batch; perhaps twice.
    pub(super) fn tell(&self, world: &mut World, now: Timestamp, update: Update) -> Vec<Flight> {
        let copies = if world.faults.strike(Fault::Duplicates, &update.number) { 2 } else { 1 };
        if !world.faults.strike(Fault::Batches, &update.number) {
            return (0..copies).flat_map(|_| self.post(world, now, vec![update.clone()], false)).collect();
        }
        if world.gathered.is_empty() {
            world.queue.put(later(now, self.scenario.webhooks.batch_wait_ms), Due::Flush);
        }
        world.gathered.extend(std::iter::repeat_n(update, copies));
        if world.gathered.len() < self.scenario.webhooks.batch_size {
            return Vec::new();
        }
        let updates = std::mem::take(&mut world.gathered);
        self.post(world, now, updates, true)
    }

    /// The POST with `updates`; none when there is nowhere to post to.
    pub(super) fn post(&self, world: &mut World, now: Timestamp, updates: Vec<Update>, mixes: bool) -> Vec<Flight> {
        let Some(first) = updates.first().filter(|_| self.target().is_some()) else { return Vec::new() };
        let lane = first.person;
        let again = world.faults.strike(Fault::ResendWholeBatch, &first.number);
        let body = outbox::body(updates, mixes.then_some(&mut world.chance));
        vec![Flight { post: Post { body, lane, failures: 0, first_tried: now, again }, busy: self.busy() }]
    }
}
