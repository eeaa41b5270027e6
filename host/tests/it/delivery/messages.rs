//! Messages to people: P5, P6, P8.

use jiff::SignedDuration;
use relais::{
    delivery::{Options, UnknownRule},
    model::{EnvelopeId, EnvelopeState, Event, OutgoingMessage, Payload, Purpose, Receipt, ReceiptStatus, TenantId},
};
use serde_json::{Value, json};

use super::{
    receiver::{Got, Reply, refused, reply},
    world::{World, dropped, eventually, message, parked, start_time, test_options, text},
};
use crate::support::phone;

#[tokio::test]
async fn stop_between_claim_and_send_wins() {
    let world = World::new(Options { per_tenant: 1, ..test_options() }).await;
    let now = start_time();
    let first = world.begin("acme", 1, Some(now), vec![(text(1, "first"), now)]).await;
    let second = world.begin("acme", 2, Some(now), vec![(text(2, "second"), now)]).await;
    world.graph.hold();
    let pump = tokio::spawn({
        let delivery = world.delivery.clone();
        async move { delivery.pump(now).await }
    });
    let got = || world.graph.got();
    eventually("one message is on its way", || got().len() == 1).await;
    let sent = got()[0].json()["text"]["body"].clone();
    let (waiting, stopped) = if sent == "first" { (2, second) } else { (1, first) };
    assert_eq!(world.delivery.in_flight().load(std::sync::atomic::Ordering::SeqCst), 2, "both are claimed");
    world.store.set_opt_out(&TenantId::from("acme"), &phone(waiting), true).await.unwrap();
    world.graph.release();
    assert_eq!(pump.await.unwrap(), 2);
    assert_eq!(got().len(), 1, "nothing more went out");
    assert_eq!(world.state(&stopped).await, dropped("opt-out"));
    assert_eq!(world.delivery.in_flight().load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_window_is_judged_at_the_moment_of_sending() {
    let world = World::new(test_options()).await;
    let wrote = start_time();
    let day_later = wrote + SignedDuration::from_hours(24);
    let both = |number| Payload::Message(message(number, Some("free"), Some("again")));
    let in_time = wrote + SignedDuration::from_hours(23);
    let open = world.begin("acme", 1, Some(wrote), vec![(both(1), in_time)]).await;
    let replaced = world.begin("acme", 2, Some(wrote), vec![(both(2), day_later)]).await;
    let left_out = world.begin("acme", 3, Some(wrote), vec![(text(3, "free"), day_later)]).await;
    assert_eq!(world.pump().await, 0, "nothing is due yet");
    assert_eq!(world.pump_after(23 * 3_600).await, 1);
    assert_eq!(world.pump_after(3_600).await, 2);

    let got: Vec<Value> = world.graph.got().iter().map(Got::json).collect();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0]["text"]["body"], "free");
    assert_eq!(got[0]["to"], phone(1).as_e164());
    assert_eq!(got[0]["biz_opaque_callback_data"], world.envelope(&open).await.id.as_str());
    assert_eq!(got[1]["template"]["name"], "again");
    let at = in_time;
    let expected = EnvelopeState::Sent { at, wamid: Some("wamid.1".into()), shown: Some("free".into()) };
    assert_eq!(world.state(&open).await, expected);
    assert_eq!(world.shown(&replaced).await, ["Bonjour Ana (again)"]);
    assert_eq!(world.state(&left_out).await, dropped("window-closed"));
    assert!(world.shown(&left_out).await.is_empty());
}

#[tokio::test]
async fn a_send_with_an_unknown_result_is_never_repeated_and_proven_by_its_receipt() {
    let world = World::new(test_options()).await;
    let now = start_time();
    let told = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now)]).await;
    let untold = world.begin("acme", 2, Some(now), vec![(text(2, "b"), now)]).await;
    world.graph.then(reply(502)).then(reply(504));
    world.pump().await;
    for id in [&told, &untold] {
        assert_eq!(world.state(id).await, EnvelopeState::Unknown { since: now });
    }
    world.pump_after(599).await;
    assert_eq!(world.graph.got().len(), 2, "neither is sent again");

    let at = now + SignedDuration::from_secs(3);
    let receipt = Receipt {
        wamid: "wamid.late".into(),
        envelope: Some(world.envelope(&told).await.id),
        status: ReceiptStatus::Sent,
        at,
        reason: None,
    };
    assert!(world.delivery.prove(&told, &receipt).await);
    let expected = EnvelopeState::Sent { at, wamid: Some("wamid.late".into()), shown: Some("a".into()) };
    assert_eq!(world.state(&told).await, expected);
    assert!(!world.delivery.prove(&told, &receipt).await, "once");
    assert_eq!(world.shown(&told).await, ["a"]);

    world.pump_after(2).await;
    assert_eq!(world.state(&untold).await, parked("result-unknown"));
    assert_eq!(world.graph.got().len(), 2);
    assert!(world.store.replay(&world.envelope(&untold).await.id, world.clock.now()).await.unwrap());
    world.pump().await;
    assert!(matches!(world.state(&untold).await, EnvelopeState::Sent { .. }));
    assert_eq!(world.graph.got().len(), 3);
}

#[tokio::test]
async fn a_receipt_that_overtakes_a_lost_answer_proves_the_send() {
    let world = World::new(test_options()).await;
    let now = start_time();
    let id = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now)]).await;
    world.graph.then(reply(502)).hold();
    let pump = tokio::spawn({
        let delivery = world.delivery.clone();
        async move { delivery.pump(now).await }
    });
    eventually("the request is on its way", || world.graph.got().len() == 1).await;
    let envelope = Some(EnvelopeId::new(world.graph.got()[0].json()["biz_opaque_callback_data"].as_str().unwrap()));
    let receipt =
        Receipt { wamid: "wamid.early".into(), envelope, status: ReceiptStatus::Delivered, at: now, reason: None };
    assert!(world.delivery.prove(&id, &receipt).await);
    world.graph.release();
    pump.await.unwrap();
    let expected = EnvelopeState::Sent { at: now, wamid: Some("wamid.early".into()), shown: Some("a".into()) };
    assert_eq!(world.state(&id).await, expected);
    assert_eq!(world.shown(&id).await, ["a"]);
}

#[tokio::test]
async fn the_operator_may_choose_to_resend() {
    let world = World::new(Options { unknown_rule: UnknownRule::Resend, ..test_options() }).await;
    let now = start_time();
    let id = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now)]).await;
    world.graph.then(reply(502));
    world.pump().await;
    world.pump_after(601).await;
    assert!(matches!(world.state(&id).await, EnvelopeState::Sent { .. }));
    assert_eq!(world.graph.got().len(), 2);
}

/// The third rule: go on as if it had gone out, and show it so.
#[tokio::test]
async fn the_operator_may_choose_to_assume_that_it_was_sent() {
    let world = World::new(Options { unknown_rule: UnknownRule::AssumeSent, ..test_options() }).await;
    let now = start_time();
    let id = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now), (text(1, "b"), now)]).await;
    world.graph.then(reply(503));
    world.pump().await;
    world.pump_after(601).await;
    assert!(matches!(world.state(&id).await, EnvelopeState::Sent { wamid: None, .. }));
    assert_eq!(world.shown(&id).await, ["a", "b"], "in its place, and the next goes on");
    assert_eq!(world.graph.got().len(), 2, "never a second time");
}

#[tokio::test]
async fn refusals_lead_to_their_remedies() {
    let world = World::new(test_options()).await;
    let now = start_time();
    let both = |number| Payload::Message(message(number, Some("free"), Some("again")));

    // The window is closed after all: the template, at once.
    let closed = world.begin("acme", 1, Some(now), vec![(both(1), now)]).await;
    world.graph.then(refused(131_047));
    world.pump().await;
    assert_eq!(world.shown(&closed).await, ["Bonjour Ana (again)"]);

    // The person stopped marketing: the conversation is told, nothing goes out.
    let out = world.begin("acme", 2, Some(now), vec![(both(2), now)]).await;
    world.graph.then(refused(131_050));
    world.pump().await;
    assert_eq!(world.state(&out).await, dropped("opt-out"));
    let mut told = false;
    while let Some(taken) = world.store.take(world.clock.now()).await.unwrap() {
        told |= taken.conversation.id == out && taken.event == Event::PreferenceChanged { stops: true };
        if told {
            break;
        }
        world.store.release(&taken.conversation.id, now + SignedDuration::from_hours(99)).await.unwrap();
    }
    assert!(told);

    // Too fast for this person: later, and not counted as lost.
    let paced = world.begin("acme", 3, Some(now), vec![(text(3, "a"), now)]).await;
    world.graph.then(refused(131_056));
    world.pump().await;
    let envelope = world.envelope(&paced).await;
    assert_eq!(envelope.state, EnvelopeState::Queued);
    assert!(envelope.not_before >= now + SignedDuration::from_secs(1));
    world.pump_after(2).await;
    assert_eq!(world.shown(&paced).await, ["a"]);

    // Not on WhatsApp: dropped under its name.
    let missing = world.begin("acme", 4, Some(now), vec![(text(4, "a"), now)]).await;
    world.graph.then(refused(131_026));
    world.pump().await;
    assert_eq!(world.state(&missing).await, dropped("no-whatsapp"));
}

#[tokio::test]
async fn a_refused_token_stops_the_sender_and_nobody_else() {
    let world = World::new(test_options()).await;
    let now = start_time();
    let first = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now)]).await;
    world.graph.then(refused(190));
    world.pump().await;
    let second = world.begin("acme", 2, Some(now), vec![(text(2, "b"), now)]).await;
    let other = world.begin("globex", 3, Some(now), vec![(text(3, "c"), now)]).await;
    world.pump().await;
    assert_eq!(world.graph.got().len(), 2, "the stopped sender asks no more");
    assert_eq!(world.shown(&other).await, ["c"]);
    for id in [&first, &second] {
        assert_eq!(world.state(id).await, EnvelopeState::Queued);
    }
    // Nothing tries by itself, however long it takes, and a restart changes nothing.
    for _ in 0..20 {
        world.pump_after(3_600).await;
    }
    assert_eq!(world.graph.got().len(), 2);
    let alarms = world.delivery.alarms().await.unwrap();
    let [alarm] = alarms.as_slice() else { panic!("{alarms:?}") };
    assert_eq!((alarm.reason.as_str(), alarm.code, alarm.tenant.as_str()), ("token", Some(190), "acme"));
    assert!(!format!("{alarm:?}").contains("\"t\""), "the token itself is not kept");
    let restarted = world.restarted(test_options());
    restarted.pump_after(3_600).await;
    assert_eq!(restarted.graph.got().len(), 2);
    assert!(!restarted.delivery.clear_alarm("live-1").await.unwrap());
    assert!(restarted.delivery.clear_alarm(&alarm.id).await.unwrap());
    restarted.pump_after(600).await;
    for id in [&first, &second] {
        assert!(matches!(restarted.state(id).await, EnvelopeState::Sent { .. }), "it works again");
        assert_eq!(restarted.envelope(id).await.attempts, 1, "neither waiting nor what stops the number is an attempt");
    }
    assert!(restarted.delivery.alarms().await.unwrap().is_empty());
}

/// The messaging tier that Meta tells is kept, over a restart too.
#[tokio::test]
async fn a_business_writes_to_no_more_new_people_a_day_than_its_tier_allows() {
    let options = || Options { tier_refresh_seconds: 3_600, ..test_options() };
    let world = World::new(options()).await;
    let now = start_time();
    let tier =
        || Reply { body: json!({"whatsapp_business_manager_messaging_limit": "TIER_2"}).to_string(), ..reply(200) };
    let first = |number| Payload::Message(message(number, None, Some("intro")));
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(world.begin("acme", number, None, vec![(first(number), now)]).await);
        if number == 1 {
            world.graph.then(tier());
        }
        world.pump().await;
    }
    assert_eq!(world.graph.got().len(), 3, "the tier was asked once, two messages left");
    let answered = world.begin("acme", 4, Some(now), vec![(text(4, "a"), now)]).await;
    world.pump().await;
    assert_eq!(world.shown(&answered).await, ["a"], "whoever wrote is no new person");
    let restarted = world.restarted(options());
    restarted.clock.advance_to(now + SignedDuration::from_hours(12));
    let late = restarted.begin("acme", 5, None, vec![(first(5), now)]).await;
    restarted.graph.then(tier());
    restarted.pump().await;
    assert_eq!(restarted.shown(&late).await, Vec::<String>::new(), "whom it wrote to before the restart counts");
    restarted.graph.then(tier());
    restarted.pump_after(3_600 * 13).await;
    for id in [&ids[2], &late] {
        assert_eq!(restarted.shown(id).await, ["Bonjour Ana (intro)"], "a day later");
    }
}

/// A new token clears the alarm that the old one raised.
#[tokio::test]
async fn another_token_works_again_by_itself() {
    let world = World::new(test_options()).await;
    let now = start_time();
    let first = world.begin("acme", 1, Some(now), vec![(text(1, "a"), now)]).await;
    world.graph.then(refused(190));
    world.pump().await;
    world.pump_after(600).await;
    assert_eq!(world.state(&first).await, EnvelopeState::Queued);
    *world.declared.token.lock().unwrap() = "another".into();
    world.pump_after(600).await;
    assert!(matches!(world.state(&first).await, EnvelopeState::Sent { .. }));
    assert!(world.delivery.alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn outreach_waits_for_contact_hours_and_a_person_is_not_flooded() {
    let world = World::new(Options { pair_burst: 2, pair_interval_ms: 6_000, ..test_options() }).await;
    let now = start_time();
    let morning = now + SignedDuration::from_hours(12);
    *world.declared.hold_until.lock().unwrap() = Some(morning);
    let outreach = OutgoingMessage { purpose: Purpose::Outreach, ..message(1, None, Some("intro")) };
    let held = world.begin("acme", 1, None, vec![(Payload::Message(outreach), now)]).await;
    let answers = (0..4).map(|index| (text(2, &index.to_string()), now)).collect();
    let chatty = world.begin("acme", 2, Some(now), answers).await;
    world.pump().await;
    assert_eq!(world.envelope(&held).await.not_before, morning);
    assert_eq!(world.shown(&chatty).await, ["0", "1"]);
    // Two at once cost two intervals (FACTS §4).
    world.pump_after(11).await;
    assert_eq!(world.shown(&chatty).await.len(), 2);
    world.pump_after(1).await;
    assert_eq!(world.shown(&chatty).await, ["0", "1", "2", "3"]);
    world.pump_after(12 * 3_600).await;
    assert_eq!(world.shown(&held).await, ["Bonjour Ana (intro)"]);
}
