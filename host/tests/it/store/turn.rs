//! Turns, timers and meetings.

use std::sync::Arc;

use jiff::SignedDuration;
use relais::{
    model::{ConversationId, Direction, Event, Line, Meeting, Quiet, Status},
    store::{Append, BookingRule, CalendarSecret, Commit, Committed, Error, Store, Taken},
};
use serde_json::json;

use super::Place;
use crate::support::{at, callback, conversation, intake, meeting, message, outgoing, to, turn, words};

fn id(number: u32) -> ConversationId {
    conversation("acme", number).id
}

/// Accepts a lead and ends its first turn, so that its inbox is empty.
pub(crate) async fn begin(store: &dyn Store, number: u32) {
    store.accept(intake(conversation("acme", number))).await.unwrap();
    let taken = store.take(at(0)).await.unwrap().unwrap();
    assert_eq!((&taken.conversation.id, &taken.event), (&id(number), &Event::LeadReceived));
    store.commit(turn(&taken, 0)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
}

/// Leases a conversation for some turn.
async fn lease(store: &dyn Store, number: u32) -> Taken {
    store.append(vec![to(&id(number), Event::Resumed, 0)]).await.unwrap();
    store.take(at(0)).await.unwrap().unwrap()
}

fn writes(id: &str, ms: i64) -> Append {
    message("acme", &[conversation("acme", 1).lead.phone.as_e164()], id, ms)
}

fn burst(ids: &[&str], ms: &[i64]) -> Event {
    Event::MessageReceived { messages: ids.iter().zip(ms).map(|(id, ms)| words(id, *ms)).collect() }
}

pub(crate) async fn a_burst_is_one_event(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    // Silence of 6 s ends it.
    store.append(vec![writes("a", 0)]).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(6_000)));
    store.append(vec![writes("b", 5_000)]).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(11_000)));
    assert!(store.take(at(11_000) - SignedDuration::from_nanos(1)).await.unwrap().is_none());
    drop(store);
    let store = place.open().await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(11_000)), "the window survives a restart");
    let taken = store.take(at(11_000)).await.unwrap().unwrap();
    assert_eq!(taken.event, burst(&["a", "b"], &[0, 5_000]));

    // What arrives meanwhile is not consumed, and waits for its own silence.
    store.append(vec![writes("c", 12_000)]).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None, "a leased conversation does not count");
    store.commit(turn(&taken, 12_000)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(18_000)));

    // 30 s from its first message end it, however much is written.
    for (index, ms) in [17_000, 22_000, 27_000, 32_000, 37_000, 41_000].into_iter().enumerate() {
        store.append(vec![writes(&format!("d{index}"), ms)]).await.unwrap();
    }
    assert_eq!(store.next_due().await.unwrap(), Some(at(42_000)));
    let taken = store.take(at(42_000)).await.unwrap().unwrap();
    let Event::MessageReceived { messages } = &taken.event else { panic!("{:?}", taken.event) };
    assert_eq!(messages.len(), 7);
    store.commit(turn(&taken, 42_000)).await.unwrap();

    // Another event ends the row of messages, not the silence; the order is that of arrival.
    let timer = Event::TimerFired { name: "t".into() };
    let events = vec![writes("e", 50_000), writes("f", 51_000), to(&id(1), timer.clone(), 51_500), writes("g", 52_000)];
    store.append(events).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(57_000)));
    let mut taken = Vec::new();
    for ms in [57_000, 57_000, 58_000] {
        let next = store.take(at(ms)).await.unwrap().unwrap();
        store.commit(turn(&next, ms)).await.unwrap();
        taken.push(next.event);
    }
    assert_eq!(taken, [burst(&["e", "f"], &[50_000, 51_000]), timer, burst(&["g"], &[52_000])]);
    assert_eq!(store.next_due().await.unwrap(), None);
}

pub(crate) async fn without_a_window_messages_come_one_by_one(place: &dyn Place) {
    let store = place.open().await;
    let mut eager = conversation("acme", 1);
    eager.quiet = Quiet { window_ms: 0, most_ms: 30_000 };
    store.accept(intake(eager)).await.unwrap();
    store.append(vec![writes("a", 1), writes("b", 2)]).await.unwrap();
    let mut events = Vec::new();
    while let Some(taken) = store.take(at(2)).await.unwrap() {
        store.commit(turn(&taken, 2)).await.unwrap();
        events.push(taken.event);
    }
    assert_eq!(events, [Event::LeadReceived, burst(&["a"], &[1]), burst(&["b"], &[2])]);
}

pub(crate) async fn follow_ups_come_first(place: &dyn Place) {
    let store = place.open().await;
    let reviewed = |name: &str| Event::ScheduleFired { name: name.into() };
    store.accept(intake(conversation("acme", 1))).await.unwrap();
    store.append(vec![writes("later", 0)]).await.unwrap();
    let mut order = Vec::new();
    // The first turn is followed by x and y, x by z (before y), and z by a message that waits for no silence.
    for follow_ups in
        [vec![reviewed("x"), reviewed("y")], vec![reviewed("z")], vec![burst(&["own"], &[0])], vec![], vec![]]
    {
        let taken = store.take(at(1)).await.unwrap().unwrap();
        order.push(taken.event.clone());
        let commit = Commit { follow_ups, ..turn(&taken, 1) };
        store.commit(commit).await.unwrap();
    }
    assert_eq!(order, [Event::LeadReceived, reviewed("x"), reviewed("z"), burst(&["own"], &[0]), reviewed("y")]);
    assert_eq!(store.next_due().await.unwrap(), Some(at(6_000)));
}

pub(crate) async fn one_lease_at_a_time(place: &dyn Place) {
    let store = place.open().await;
    store.accept(intake(conversation("acme", 1))).await.unwrap();
    store.append(vec![to(&id(1), Event::Resumed, 0)]).await.unwrap();
    let taken = store.take(at(0)).await.unwrap().unwrap();
    assert!(store.take(at(0)).await.unwrap().is_none());
    store.release(&id(1), at(500)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(500)));
    assert!(store.take(at(499)).await.unwrap().is_none());
    assert!(matches!(store.commit(turn(&taken, 499)).await, Err(Error::NotLeased(_))));
    assert!(matches!(store.release(&id(1), at(1)).await, Err(Error::NotLeased(_))));
    let again = store.take(at(500)).await.unwrap().unwrap();
    assert_eq!((&again.event, again.consumed), (&taken.event, taken.consumed));
    drop(store);

    // A lease ends with the process.
    let store = place.open().await;
    assert!(matches!(store.commit(turn(&again, 500)).await, Err(Error::NotLeased(_))));
    let again = store.take(at(0)).await.unwrap().unwrap();
    assert_eq!(again.event, Event::LeadReceived);
    store.commit(turn(&again, 500)).await.unwrap();
    assert_eq!(store.take(at(500)).await.unwrap().unwrap().event, Event::Resumed);
}

pub(crate) async fn the_longest_waiting_first_and_tenants_in_turn(place: &dyn Place) {
    let store = place.open().await;
    for (number, tenant, ms) in
        [(1, "acme", 30), (2, "acme", 10), (3, "acme", 20), (4, "globex", 40), (5, "initech", 50)]
    {
        let mut conversation = conversation(tenant, number);
        conversation.created_at = at(ms);
        store.accept(intake(conversation)).await.unwrap();
    }
    let mut order = Vec::new();
    while let Some(taken) = store.take(at(45)).await.unwrap() {
        order.push(taken.conversation.id);
    }
    assert_eq!(order, [id(2), id(4), id(3), id(1)]);
    assert_eq!(store.next_due().await.unwrap(), Some(at(50)));
}

pub(crate) async fn a_failed_turn_keeps_its_event(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    let taken = lease(&*store, 1).await;
    let mut failed = turn(&taken, 0);
    failed.conversation.faults = 1;
    failed.consumed = None;
    failed.not_before = Some(at(900));
    store.commit(failed).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(900)));
    assert!(store.take(at(899)).await.unwrap().is_none());
    let again = store.take(at(900)).await.unwrap().unwrap();
    assert_eq!((again.event.clone(), again.conversation.faults), (taken.event, 1));
    store.commit(turn(&again, 900)).await.unwrap();
    assert!(store.take(at(900)).await.unwrap().is_none());
}

pub(crate) async fn timers_are_replaced_cancelled_and_fired(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    let set = async |timers: &[(&str, Option<i64>)]| {
        let taken = lease(&*store, 1).await;
        let timers = timers.iter().map(|(name, ms)| (name.to_string(), ms.map(at))).collect();
        store.commit(Commit { timers, ..turn(&taken, 0) }).await.unwrap();
    };
    set(&[("a", Some(100)), ("b", Some(200)), ("c", Some(50)), ("d", Some(400))]).await;
    set(&[("a", Some(300)), ("c", None), ("never", None)]).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(200)));
    assert_eq!(store.fire(at(199), 10).await.unwrap(), 0);
    drop(store);
    let store = place.open().await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(200)));
    assert_eq!(store.fire(at(400), 2).await.unwrap(), 2);
    assert_eq!(store.fire(at(400), 2).await.unwrap(), 1);
    assert_eq!(store.fire(at(9_999), 2).await.unwrap(), 0);
    assert!(store.next_due().await.unwrap().unwrap() <= at(400));
    for name in ["b", "a", "d"] {
        let taken = store.take(at(400)).await.unwrap().unwrap();
        assert_eq!(taken.event, Event::TimerFired { name: name.into() });
        store.commit(turn(&taken, 400)).await.unwrap();
    }
    assert_eq!(store.next_due().await.unwrap(), None);
}

async fn book(
    store: &dyn Store,
    taken: &Taken,
    meeting: Option<Meeting>,
    capacity: u32,
    buffer_seconds: u32,
) -> Committed {
    let mut commit = turn(taken, 0);
    commit.conversation.meeting = meeting.clone();
    commit.meeting = Some((meeting, BookingRule { capacity, buffer_seconds }));
    store.commit(commit).await.unwrap()
}

pub(crate) async fn a_slot_is_booked_once(place: &dyn Place) {
    let store = place.open().await;
    for number in 0..200 {
        store.accept(intake(conversation("acme", number))).await.unwrap();
    }
    let mut tasks = Vec::new();
    while let Some(taken) = store.take(at(0)).await.unwrap() {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move { (book(&*store, &taken, Some(meeting(60, None)), 1, 0).await, taken) }));
    }
    assert_eq!(tasks.len(), 200);
    let mut booked = 0;
    for task in tasks {
        let (committed, taken) = task.await.unwrap();
        if committed == Committed::Done {
            booked += 1;
            continue;
        }
        // Nothing of it was done, and the lease is kept for the turn that says so.
        let id = &taken.conversation.id;
        assert_eq!(store.conversation(id).await.unwrap().unwrap(), taken.conversation);
        assert_eq!(store.log(id).await.unwrap(), []);
        assert_eq!(store.commit(turn(&taken, 0)).await.unwrap(), Committed::Done);
    }
    assert_eq!(booked, 1);
    assert_eq!(store.meetings(&"acme".into(), at(0)).await.unwrap().len(), 1);
}

pub(crate) async fn capacity_buffers_and_salespeople(place: &dyn Place) {
    use Committed::{Done, SlotTaken};
    let store = place.open().await;
    for number in 1..=3 {
        begin(&*store, number).await;
    }
    // Conversation, start, with whom, capacity, buffer: one table, each line after those before it.
    for (number, meeting_at, capacity, buffer, expected) in [
        (1, Some((60, None)), 2, 0, Done),
        (2, Some((75, None)), 2, 0, Done),
        (3, Some((80, None)), 2, 0, SlotTaken),
        (3, Some((80, None)), 3, 0, Done),
        (3, Some((80, Some("lea"))), 1, 0, Done), // moved to another calendar: the old one is given up
        (1, Some((65, None)), 1, 0, SlotTaken),   // the second still has its own
        (2, None, 1, 0, Done),                    // which is cancelled
        (1, Some((65, None)), 1, 0, Done),        // a meeting is not in its own way
        (2, Some((95, None)), 1, 0, Done),        // 65 + 30: they touch
        (2, Some((95, None)), 1, 60, SlotTaken),  // but not with a minute between them
        (2, Some((96, None)), 1, 60, Done),
        (2, Some((34, None)), 1, 60, Done), // before as after
        (2, Some((35, None)), 1, 60, SlotTaken),
    ] {
        let taken = lease(&*store, number).await;
        let wanted = meeting_at.map(|(start, with)| meeting(start, with));
        let committed = book(&*store, &taken, wanted, capacity, buffer).await;
        assert_eq!(committed, expected, "{number} {meeting_at:?} {capacity} {buffer}");
        if committed == SlotTaken {
            store.commit(turn(&taken, 0)).await.unwrap();
        }
    }
    // A long meeting that began long before is found too.
    let mut long = meeting(0, None);
    long.slot.start = at(-86_400_000);
    long.slot.end = at(31 * 60_000);
    let taken = lease(&*store, 3).await;
    assert_eq!(book(&*store, &taken, Some(long.clone()), 1, 0).await, Done);
    let taken = lease(&*store, 2).await;
    assert_eq!(book(&*store, &taken, Some(meeting(30, None)), 1, 0).await, SlotTaken);
    store.release(&id(2), at(0)).await.unwrap();

    drop(store);
    let store = place.open().await;
    let all = [(id(3), long), (id(2), meeting(34, None)), (id(1), meeting(65, None))];
    assert_eq!(store.meetings(&"acme".into(), at(0)).await.unwrap(), all);
    assert_eq!(store.meetings(&"acme".into(), at(31 * 60_000)).await.unwrap(), all[1..]);
    assert_eq!(store.meetings(&"globex".into(), at(0)).await.unwrap(), []);
}

pub(crate) async fn a_turn_is_written_whole(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    let taken = lease(&*store, 1).await;
    let line = |text: &str| Line { direction: Direction::In, at: at(0), text: text.into(), wamid: None };
    let mut commit = turn(&taken, 5);
    commit.conversation.state = Some(json!({"step": "roof", "share": 0.1}));
    commit.conversation.outcome = Some(Status::OptOut);
    commit.lines = vec![line("un"), line("deux")];
    commit.envelopes = vec![outgoing(&taken, 0, 5), callback(&taken, 1, "crm", 5)];
    commit.opt_out = Some(true);
    commit.log.policy = vec!["left out a message: the person said STOP".into()];
    store.commit(commit.clone()).await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(store.conversation(&id(1)).await.unwrap(), Some(commit.conversation.clone()));
    assert_eq!(store.lines(&id(1)).await.unwrap(), commit.lines);
    assert_eq!(store.log(&id(1)).await.unwrap()[1..], [commit.log]);
    assert_eq!(store.envelopes(&id(1)).await.unwrap(), commit.envelopes);
    assert!(store.opted_out(&"acme".into(), &commit.conversation.lead.phone).await.unwrap());
    assert!(store.take(at(99)).await.unwrap().is_none(), "the event was consumed");
    let taken = lease(&*store, 1).await;
    store.commit(Commit { opt_out: Some(false), lines: vec![line("trois")], ..turn(&taken, 6) }).await.unwrap();
    assert!(!store.opted_out(&"acme".into(), &commit.conversation.lead.phone).await.unwrap());
    assert_eq!(store.lines(&id(1)).await.unwrap().last(), Some(&line("trois")));
}

pub(crate) async fn calendars_keep_what_was_cancelled_and_secrets_end(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    let tenant = "acme".into();
    for (wanted, sequence, cancelled) in [
        (Some(meeting(60, None)), 0, false),
        (Some(meeting(90, Some("lea"))), 1, false),
        (None, 2, true),
        (Some(meeting(30, None)), 3, false),
    ] {
        let taken = lease(&*store, 1).await;
        assert_eq!(book(&*store, &taken, wanted.clone(), 1, 0).await, Committed::Done);
        let entries = store.calendar_entries(&tenant, at(0)).await.unwrap();
        let [entry] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((entry.sequence, entry.cancelled), (sequence, cancelled));
        assert_eq!(entry.meeting, wanted.unwrap_or_else(|| meeting(90, Some("lea"))));
    }
    assert_eq!(store.calendar_entries(&tenant, at(31 * 60_000)).await.unwrap(), []);

    let secret = |text: &str, person: Option<&str>| CalendarSecret {
        secret: text.into(),
        tenant: "acme".into(),
        person: person.map(str::to_owned),
        created_at: at(0),
    };
    for one in [secret("a", None), secret("l", Some("lea")), secret("b", None)] {
        store.put_calendar_secret(one).await.unwrap();
    }
    drop(store);
    let store = place.open().await;
    assert_eq!(store.calendar_of_secret("a").await.unwrap(), None, "replaced");
    assert_eq!(store.calendar_of_secret("b").await.unwrap(), Some(secret("b", None)));
    assert_eq!(store.calendar_secret(&tenant, Some("lea")).await.unwrap(), Some(secret("l", Some("lea"))));
}
