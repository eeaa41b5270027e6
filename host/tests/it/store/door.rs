//! Leads and events come in.

use relais::{
    model::{ConversationId, Environment, Event, ReceiptStatus, Status},
    store::{Append, Appended, Intake, LeadAnswer, To},
};
use serde_json::json;

use super::Place;
use crate::support::{at, conversation, intake, message, outgoing, receipt, sent, settlement, to, turn};

fn id(number: u32) -> ConversationId {
    conversation("acme", number).id
}

pub(crate) async fn a_lead_is_accepted_once(place: &dyn Place) {
    let store = place.open().await;
    let keyed = |number, key: &str, body: &str| Intake {
        idempotency: Some((key.into(), body.into())),
        ..intake(conversation("acme", number))
    };
    assert_eq!(store.accept(keyed(1, "k1", "b1")).await.unwrap(), LeadAnswer::Accepted(id(1)));
    drop(store);
    let store = place.open().await;
    assert_eq!(store.accept(keyed(2, "k1", "b1")).await.unwrap(), LeadAnswer::Repeated(id(1)));
    assert_eq!(store.accept(keyed(2, "k1", "b2")).await.unwrap(), LeadAnswer::KeyReused);
    assert_eq!(store.conversation(&id(2)).await.unwrap(), None);

    // The same CRM id with another number, and the same number with another CRM id.
    let mut same_id = conversation("acme", 3);
    same_id.lead.crm_id = "crm-1".into();
    let mut same_number = conversation("acme", 4);
    same_number.lead.phone = conversation("acme", 1).lead.phone;
    assert_eq!(store.accept(intake(same_id.clone())).await.unwrap(), LeadAnswer::Running(id(1)));
    let answer = Intake { idempotency: Some(("k4".into(), "b4".into())), ..intake(same_number.clone()) };
    assert_eq!(store.accept(answer.clone()).await.unwrap(), LeadAnswer::Running(id(1)));
    let mut elsewhere = same_number.clone();
    elsewhere.tenant = "globex".into();
    elsewhere.id = id(5);
    assert_eq!(store.accept(intake(elsewhere)).await.unwrap(), LeadAnswer::Accepted(id(5)));

    // A meeting does not end it, an outcome does; the key goes on giving the answer that it gave.
    for (outcome, answer) in
        [(Status::MeetingBooked, LeadAnswer::Running(id(1))), (Status::NoOutcome, LeadAnswer::Accepted(id(3)))]
    {
        store.append(vec![to(&id(1), Event::Resumed, 1)]).await.unwrap();
        let taken = store.take(at(1)).await.unwrap().unwrap();
        assert_eq!(taken.conversation.id, id(1));
        let mut commit = turn(&taken, 1);
        commit.conversation.outcome = Some(outcome);
        store.commit(commit).await.unwrap();
        assert_eq!(store.accept(intake(same_id.clone())).await.unwrap(), answer);
        while let Some(taken) = store.take(at(1)).await.unwrap() {
            store.commit(turn(&taken, 1)).await.unwrap();
        }
    }
    assert_eq!(store.accept(answer).await.unwrap(), LeadAnswer::Repeated(id(1)));
    let found = store.conversations_of(&"acme".into(), "crm-1").await.unwrap();
    assert_eq!(found, [id(3), id(1)]);
}

pub(crate) async fn environments_are_apart(place: &dyn Place) {
    let store = place.open().await;
    let test = |number| {
        let mut test = conversation("acme", number);
        test.environment = Environment::Test;
        test.lead = conversation("acme", 1).lead;
        Intake { idempotency: Some(("k".into(), "b".into())), ..intake(test) }
    };
    let live = Intake { idempotency: Some(("k".into(), "b".into())), ..intake(conversation("acme", 1)) };
    assert_eq!(store.accept(test(2)).await.unwrap(), LeadAnswer::Accepted(id(2)));
    assert_eq!(store.accept(live).await.unwrap(), LeadAnswer::Accepted(id(1)));
    assert_eq!(store.accept(test(3)).await.unwrap(), LeadAnswer::Repeated(id(2)));
}

pub(crate) async fn aliases_count_up(place: &dyn Place) {
    let store = place.open().await;
    let mut aliases = Vec::new();
    for number in 1..=100 {
        store.accept(intake(conversation("acme", number))).await.unwrap();
        aliases.push(store.conversation(&id(number)).await.unwrap().unwrap().alias);
    }
    assert_eq!(aliases[..2], ["Prospect A1", "Prospect A2"]);
    assert_eq!(aliases[98..], ["Prospect A99", "Prospect B1"]);
    drop(store);
    let store = place.open().await;
    let other = Intake { alias_prefix: "Contact".into(), alias_first: 12, ..intake(conversation("globex", 201)) };
    for intake in [intake(conversation("acme", 101)), other] {
        store.accept(intake).await.unwrap();
    }
    assert_eq!(store.conversation(&id(101)).await.unwrap().unwrap().alias, "Prospect B2");
    assert_eq!(store.conversation(&id(201)).await.unwrap().unwrap().alias, "Contact A12");
}

pub(crate) async fn an_event_is_filed_once(place: &dyn Place) {
    let store = place.open().await;
    store.accept(intake(conversation("acme", 1))).await.unwrap();
    store.accept(intake(conversation("globex", 2))).await.unwrap();
    let phone = |number| conversation("", number).lead.phone.as_e164().to_owned();
    let hello = |tenant, number| message(tenant, &[&phone(number)], "wamid.hello", 10);
    let answers = store.append(vec![hello("acme", 1), hello("acme", 1), hello("globex", 2)]).await.unwrap();
    assert_eq!(answers, [Appended::Filed(id(1)), Appended::Repeated, Appended::Filed(id(2))]);
    drop(store);
    let store = place.open().await;
    assert_eq!(store.append(vec![hello("acme", 1)]).await.unwrap(), [Appended::Repeated]);
    let keyless = to(&id(1), Event::Resumed, 11);
    let answers = store.append(vec![keyless.clone(), keyless]).await.unwrap();
    assert_eq!(answers, [Appended::Filed(id(1)), Appended::Filed(id(1))]);

    let mut events = Vec::new();
    while let Some(taken) = store.take(at(60_000)).await.unwrap() {
        events.push((taken.conversation.id.clone(), taken.event.clone()));
        store.commit(turn(&taken, 60_000)).await.unwrap();
    }
    let of = |id: &ConversationId| events.iter().filter(|(of, _)| of == id).map(|(_, event)| event).collect::<Vec<_>>();
    let Append { event: hello, .. } = hello("acme", 1);
    assert_eq!(of(&id(1)), [&Event::LeadReceived, &hello, &Event::Resumed, &Event::Resumed]);
    assert_eq!(of(&id(2)), [&Event::LeadReceived, &hello]);
}

pub(crate) async fn a_person_is_known_by_many_names(place: &dyn Place) {
    let store = place.open().await;
    store.accept(intake(conversation("acme", 1))).await.unwrap();
    let taken = store.take(at(0)).await.unwrap().unwrap();
    let mut commit = turn(&taken, 0);
    commit.envelopes = vec![outgoing(&taken, 0, 0)];
    commit.conversation.outcome = Some(Status::NoOutcome);
    store.commit(commit).await.unwrap();
    let envelope = store.claim(at(0), 10).await.unwrap().remove(0);
    let mut settled = settlement(&envelope.id, sent("wamid.1", 1), 1);
    settled.names = vec!["wa-1".into()];
    store.settle(settled).await.unwrap();

    // Through the name learnt from the send, which teaches the business-scoped one.
    let number = conversation("acme", 1).lead.phone.as_e164().to_owned();
    let filed = |number| vec![Appended::Filed(id(number))];
    assert_eq!(store.append(vec![message("acme", &["BS.1"], "m0", 2)]).await.unwrap(), [Appended::Parked(1)]);
    assert_eq!(store.append(vec![message("acme", &["BS.1", "wa-1"], "m1", 2)]).await.unwrap(), filed(1));
    assert_eq!(store.append(vec![message("acme", &["BS.1"], "m2", 3)]).await.unwrap(), filed(1));
    assert_eq!(
        store.append(vec![message("globex", &["BS.1", "wa-1", &number], "m3", 3)]).await.unwrap(),
        [Appended::Parked(2)]
    );

    // The latest conversation of the number; the first name that leads anywhere decides; a quoted message beats names.
    let mut again = conversation("acme", 2);
    again.lead.phone = conversation("acme", 1).lead.phone;
    assert_eq!(store.accept(intake(again)).await.unwrap(), LeadAnswer::Accepted(id(2)));
    assert_eq!(store.append(vec![message("acme", &["unknown", &number, "wa-1"], "m4", 4)]).await.unwrap(), filed(2));
    assert_eq!(store.append(vec![message("acme", &["unknown"], "m5", 4)]).await.unwrap(), filed(2));
    let mut quoting = message("acme", &[&number], "m6", 5);
    quoting.to = To::Person { environment: None, context: Some("wamid.1".into()), names: vec![number.clone()] };
    assert_eq!(store.append(vec![quoting.clone()]).await.unwrap(), filed(1));
    // A conversation in the simulator is not the one on WhatsApp.
    let live = conversation("acme", 1).environment;
    let mut test = conversation("acme", 3);
    test.lead.phone = conversation("acme", 1).lead.phone;
    test.environment = Environment::Test;
    assert_ne!(live, Environment::Test);
    assert_eq!(store.accept(intake(test)).await.unwrap(), LeadAnswer::Accepted(id(3)));
    for (world, expected) in [(live, 2), (Environment::Test, 3)] {
        let mut said = message("acme", &[&number], &format!("{world:?}"), 5);
        said.to = To::Person { environment: Some(world), context: None, names: vec![number.clone()] };
        assert_eq!(store.append(vec![said]).await.unwrap(), filed(expected));
    }
    quoting.tenant = Some("globex".into());
    assert_eq!(store.append(vec![quoting]).await.unwrap(), [Appended::Parked(3)], "a wamid of another tenant");
}

pub(crate) async fn what_belongs_to_nobody_is_kept(place: &dyn Place) {
    let store = place.open().await;
    store.accept(intake(conversation("acme", 1))).await.unwrap();
    let number = conversation("acme", 1).lead.phone.as_e164().to_owned();
    let mut no_tenant = message("acme", &[&number], "m1", 1);
    no_tenant.tenant = None;
    no_tenant.raw = Some(json!({"as": "it arrived"}));
    let mut other_tenant = to(&id(1), Event::Resumed, 2);
    other_tenant.tenant = Some("globex".into());
    let events = vec![no_tenant.clone(), other_tenant, to(&id(9), Event::Resumed, 3), no_tenant];
    let answers = store.append(events).await.unwrap();
    assert_eq!(answers, [Appended::Parked(1), Appended::Parked(2), Appended::Parked(3), Appended::Repeated]);
    drop(store);
    let store = place.open().await;
    let parked = store.parked(10).await.unwrap();
    assert_eq!(parked.iter().map(|parked| parked.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(parked[0].raw, json!({"as": "it arrived"}));
    assert_eq!(parked[1].tenant, Some("globex".into()));
    assert_eq!((parked[2].at, parked[2].raw.clone()), (at(3), json!({"kind": "resumed"})));
    assert_eq!(store.parked(2).await.unwrap().len(), 2);
}

pub(crate) async fn receipts_wait_for_their_message(place: &dyn Place) {
    let store = place.open().await;
    store.accept(intake(conversation("acme", 1))).await.unwrap();
    let taken = store.take(at(0)).await.unwrap().unwrap();
    let mut commit = turn(&taken, 0);
    commit.envelopes = vec![outgoing(&taken, 0, 0), outgoing(&taken, 1, 0)];
    store.commit(commit).await.unwrap();
    let first = store.claim(at(0), 10).await.unwrap().remove(0);

    // One that overtakes the answer to its send waits too, though it names its envelope.
    use ReceiptStatus::{Delivered, Read, Sent};
    let early = receipt("acme", "wamid.1", Some(first.id.clone()), Sent, 1);
    assert_eq!(store.append(vec![early.clone()]).await.unwrap(), [Appended::Waiting]);
    let known = receipt("acme", "wamid.1", None, Delivered, 2);
    assert_eq!(store.append(vec![known.clone()]).await.unwrap(), [Appended::Waiting]);

    // One whose message is not known waits, across a restart, until the send is settled.
    let read = receipt("acme", "wamid.2", None, Read, 3);
    let delivered = receipt("acme", "wamid.2", Some("cv_other.0.0".into()), Delivered, 4);
    let foreign = receipt("globex", "wamid.2", None, Sent, 4);
    let answers = store.append(vec![read.clone(), delivered.clone(), foreign, read.clone()]).await.unwrap();
    assert_eq!(answers, [Appended::Waiting, Appended::Waiting, Appended::Waiting, Appended::Repeated]);
    store.settle(settlement(&first.id, sent("wamid.1", 5), 5)).await.unwrap();
    drop(store);
    let store = place.open().await;
    let second = store.claim(at(5), 10).await.unwrap().remove(0);
    store.settle(settlement(&second.id, sent("wamid.2", 6), 6)).await.unwrap();
    let mut events = Vec::new();
    while let Some(taken) = store.take(at(10)).await.unwrap() {
        events.push(taken.event.clone());
        store.commit(turn(&taken, 10)).await.unwrap();
    }
    let settled = |envelope, ms| Event::Settled { envelope, sent_at: Some(at(ms)), first: true };
    let of_first = [settled(first.id, 5), early.event, known.event];
    let of_second = [settled(second.id, 6), read.event, delivered.event];
    assert_eq!(events[..], [of_first, of_second].concat());
}
