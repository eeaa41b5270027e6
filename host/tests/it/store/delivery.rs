//! Envelopes go out.

use std::collections::BTreeSet;

use relais::{
    model::{ConversationId, Direction, Envelope, EnvelopeId, EnvelopeState, Event, Line},
    store::{Commit, Error, Store, Taken},
};

use super::{Place, turn::begin};
use crate::support::{at, callback, conversation, outgoing, sent, settlement, to, turn};

fn id() -> ConversationId {
    conversation("acme", 1).id
}

/// One turn of the conversation that queues these.
async fn queue(store: &dyn Store, envelopes: impl Fn(&Taken) -> Vec<Envelope>) -> Vec<EnvelopeId> {
    store.append(vec![to(&id(), Event::Resumed, 0)]).await.unwrap();
    let taken = store.take(at(0)).await.unwrap().unwrap();
    let envelopes = envelopes(&taken);
    let ids: Vec<_> = envelopes.iter().map(|envelope| envelope.id.clone()).collect();
    let mut commit = Commit { envelopes, ..turn(&taken, 0) };
    commit.conversation.unsettled.extend(ids.iter().cloned());
    store.commit(commit).await.unwrap();
    ids
}

async fn claimed(store: &dyn Store, ms: i64) -> Vec<EnvelopeId> {
    store.claim(at(ms), 100).await.unwrap().into_iter().map(|envelope| envelope.id).collect()
}

/// The events that wait, each taken by an empty turn.
async fn events(store: &dyn Store, ms: i64) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(taken) = store.take(at(ms)).await.unwrap() {
        store.commit(turn(&taken, ms)).await.unwrap();
        events.push(taken.event);
    }
    events
}

pub(crate) async fn a_lane_keeps_its_order(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    let ids = queue(&*store, |taken| {
        vec![
            outgoing(taken, 0, 100), // holds back the next, though that is due before
            outgoing(taken, 1, 50),
            callback(taken, 2, "crm", 70),
            callback(taken, 3, "sales", 60),
            callback(taken, 4, "crm", 10),
        ]
    })
    .await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(60)));
    assert_eq!(claimed(&*store, 59).await, []);
    assert_eq!(store.claim(at(100), 1).await.unwrap().len(), 1, "at most the limit, the longest due first");
    assert_eq!(store.next_due().await.unwrap(), Some(at(70)), "what is claimed does not count");
    let rest = store.claim(at(100), 9).await.unwrap();
    assert_eq!(rest.iter().map(|envelope| &envelope.id).collect::<Vec<_>>(), [&ids[2], &ids[0]]);
    assert_eq!((&rest[0].state, rest[0].attempts), (&EnvelopeState::Claimed { at: at(100) }, 1));
    assert_eq!(claimed(&*store, 9_999).await, [], "one of a lane at a time");
    assert_eq!(store.next_due().await.unwrap(), None);

    // Another attempt of the first comes before the second; lanes do not wait for each other.
    let retry = relais::store::Settlement { not_before: at(500), ..settlement(&ids[2], EnvelopeState::Queued, 101) };
    store.settle(retry).await.unwrap();
    store.settle(settlement(&ids[0], sent("w0", 101), 101)).await.unwrap();
    assert_eq!(claimed(&*store, 499).await, [ids[1].clone()]);
    drop(store);
    let store = place.open().await;
    // The event `settled` of the first message is ready since 101.
    assert_eq!(store.next_due().await.unwrap(), Some(at(101)));
    assert_eq!(events(&*store, 101).await.len(), 1);
    assert_eq!(store.next_due().await.unwrap(), Some(at(500)));
    let again = store.claim(at(500), 9).await.unwrap();
    assert_eq!((&again[0].id, again[0].attempts, again.len()), (&ids[2], 2, 1));
    let answered = EnvelopeState::Sent { at: at(501), wamid: None, shown: None };
    store.settle(settlement(&ids[2], answered, 501)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(10)), "the one behind was due long ago");
    assert_eq!(claimed(&*store, 501).await, [ids[4].clone()]);
    assert_eq!(events(&*store, 501).await, [], "nobody is told of a callback");
    let states: Vec<_> = store.envelopes(&id()).await.unwrap().into_iter().map(|envelope| envelope.id).collect();
    assert_eq!(states, ids);
}

pub(crate) async fn a_sent_message_leaves_its_marks(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    let ids = queue(&*store, |taken| vec![outgoing(taken, 0, 0)]).await;
    claimed(&*store, 0).await;
    for state in [sent("w0", 7), sent("w0", 8), EnvelopeState::Queued] {
        store.settle(settlement(&ids[0], state, 9)).await.unwrap();
    }
    drop(store);
    let store = place.open().await;
    let envelope = store.envelopes(&id()).await.unwrap().remove(0);
    assert_eq!(envelope.state, sent("w0", 7), "what is settled stays so");
    let line = Line { direction: Direction::Out, at: at(7), text: "shown w0".into(), wamid: Some("w0".into()) };
    assert_eq!(store.lines(&id()).await.unwrap(), [line]);
    let settled = Event::Settled { envelope: ids[0].clone(), sent_at: Some(at(7)), first: false };
    assert_eq!(events(&*store, 9).await, [settled]);
    let nobody = settlement(&"cv_9.0.0".into(), EnvelopeState::Queued, 9);
    assert!(matches!(store.settle(nobody).await, Err(Error::Missing(_))));
}

pub(crate) async fn what_was_not_sent_is_told(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    let ids = queue(&*store, |taken| {
        vec![outgoing(taken, 0, 0), outgoing(taken, 1, 0), outgoing(taken, 2, 0), callback(taken, 3, "crm", 0)]
    })
    .await;
    let dropped = |reason: &str| EnvelopeState::Dropped { reason: reason.into() };
    let parked = |reason: &str| EnvelopeState::Parked { reason: reason.into() };
    for (envelope, state) in
        ids.iter().zip([dropped("window-closed"), parked("exhausted"), dropped("opt-out"), parked("gone")])
    {
        claimed(&*store, 1).await;
        store.settle(settlement(envelope, state, 2)).await.unwrap();
    }
    let settled = |index: usize| Event::Settled { envelope: ids[index].clone(), sent_at: None, first: false };
    let undelivered = |index: usize, reason: &str| Event::MessageUndelivered {
        envelope: ids[index].clone(),
        text: ids[index].to_string(),
        reason: reason.into(),
    };
    let expected = [settled(0), undelivered(0, "window-closed"), settled(1), undelivered(1, "exhausted"), settled(2)];
    assert_eq!(events(&*store, 2).await, expected);
    assert_eq!(store.lines(&id()).await.unwrap(), []);
}

pub(crate) async fn a_result_not_known_blocks_its_lane(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    let ids =
        queue(&*store, |taken| vec![outgoing(taken, 0, 0), outgoing(taken, 1, 0), callback(taken, 2, "crm", 0)]).await;
    assert_eq!(claimed(&*store, 10).await, [ids[0].clone(), ids[2].clone()]);
    store.settle(settlement(&ids[0], EnvelopeState::Unknown { since: at(10) }, 20)).await.unwrap();
    drop(store);

    // After a crash nothing is tried again by itself: who was under way is listed.
    let store = place.open().await;
    assert_eq!(claimed(&*store, 9_999).await, []);
    assert_eq!(store.next_due().await.unwrap(), None);
    assert_eq!(store.unresolved(at(10)).await.unwrap(), []);
    let unresolved = store.unresolved(at(11)).await.unwrap();
    assert_eq!(unresolved.iter().map(|envelope| &envelope.id).collect::<Vec<_>>(), [&ids[0], &ids[2]]);
    assert_eq!(unresolved[0].state, EnvelopeState::Unknown { since: at(10) });
    assert_eq!(unresolved[1].state, EnvelopeState::Claimed { at: at(10) });

    store.settle(settlement(&ids[2], EnvelopeState::Queued, 30)).await.unwrap();
    store.settle(settlement(&ids[0], sent("w", 31), 31)).await.unwrap();
    assert_eq!(store.unresolved(at(99)).await.unwrap(), []);
    assert_eq!(claimed(&*store, 31).await, [ids[1].clone(), ids[2].clone()]);
}

pub(crate) async fn stop_drops_what_is_queued(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    let ids = queue(&*store, |taken| {
        (0..3).map(|index| outgoing(taken, index, 0)).chain([callback(taken, 3, "crm", 5)]).collect()
    })
    .await;
    assert_eq!(claimed(&*store, 0).await, [ids[0].clone()]);
    store.append(vec![to(&id(), Event::Resumed, 0)]).await.unwrap();
    let taken = store.take(at(0)).await.unwrap().unwrap();
    let commit =
        Commit { drop_queued: Some("opt-out".into()), envelopes: vec![outgoing(&taken, 0, 8)], ..turn(&taken, 1) };
    let goodbye = commit.envelopes[0].id.clone();
    store.commit(commit).await.unwrap();

    let states: Vec<_> = store.envelopes(&id()).await.unwrap().into_iter().map(|envelope| envelope.state).collect();
    let dropped = EnvelopeState::Dropped { reason: "opt-out".into() };
    let claimed_at = EnvelopeState::Claimed { at: at(0) };
    assert_eq!(states, [claimed_at, dropped.clone(), dropped, EnvelopeState::Queued, EnvelopeState::Queued]);
    let left = BTreeSet::from([ids[0].clone(), ids[3].clone()]);
    assert_eq!(store.conversation(&id()).await.unwrap().unwrap().unsettled, left);
    let told = ids[1..3].iter().cloned().map(|envelope| Event::Settled { envelope, sent_at: None, first: false });
    assert_eq!(events(&*store, 99).await, told.collect::<Vec<_>>());
    store.settle(settlement(&ids[0], EnvelopeState::Dropped { reason: "opt-out".into() }, 2)).await.unwrap();
    assert_eq!(events(&*store, 99).await.len(), 1);
    assert_eq!(claimed(&*store, 99).await, [ids[3].clone(), goodbye]);
}

pub(crate) async fn what_was_parked_can_be_replayed(place: &dyn Place) {
    let store = place.open().await;
    begin(&*store, 1).await;
    let ids = queue(&*store, |taken| (0..3).map(|index| callback(taken, index, "crm", 0)).collect()).await;
    claimed(&*store, 0).await;
    assert!(!store.replay(&ids[0], at(1)).await.unwrap(), "it is not parked");
    assert!(!store.replay(&"cv_9.0.0".into(), at(1)).await.unwrap());
    store.settle(settlement(&ids[0], EnvelopeState::Parked { reason: "exhausted".into() }, 1)).await.unwrap();
    assert_eq!(claimed(&*store, 1).await, [ids[1].clone()]);
    drop(store);
    let store = place.open().await;
    assert!(store.replay(&ids[0], at(2)).await.unwrap());
    assert!(!store.replay(&ids[0], at(2)).await.unwrap(), "it is queued already");
    assert_eq!(claimed(&*store, 2).await, [], "behind what is under way");
    for next in [&ids[1], &ids[2]] {
        store.settle(settlement(next, EnvelopeState::Dropped { reason: "gone".into() }, 3)).await.unwrap();
        let Some(envelope) = store.claim(at(3), 9).await.unwrap().pop() else { panic!("the lane goes on") };
        assert_eq!(envelope.id == ids[0], *next == ids[2], "behind what is queued");
        assert_eq!(envelope.attempts, 1);
    }
}
