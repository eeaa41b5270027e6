//! Callbacks to CRMs: P9 and the outbound guard.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use relais::{delivery::Options, model::EnvelopeState};

use super::{
    receiver::{Receiver, Reply, reply},
    world::{SECRET, World, callback, dropped, eventually, parked, start_time, test_options, text},
};

#[tokio::test]
async fn callbacks_arrive_in_order_and_signed_while_another_tenants_crm_hangs() {
    let world = World::new(Options { per_tenant: 2, waiting_per_tenant: 4, ..test_options() }).await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    world.declare("slow", &format!("{}/hook", slow.url));
    world.declare("quick", &format!("{}/hook", quick.url));
    slow.hold();
    let now = start_time();
    for number in 0..20 {
        world.begin("slow", number, None, vec![(callback(format!("{{\"lead\":{number}}}")), now)]).await;
    }
    let mut leads = Vec::new();
    for number in 20..23 {
        let all = (0..10).map(|index| (callback(format!("{{\"lead\":{number},\"index\":{index}}}")), now));
        leads.push(world.begin("quick", number, None, all.collect()).await);
    }
    // A failure in the middle of a lane holds up its own lane only.
    quick.then(reply(500));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = tokio::spawn(world.delivery.clone().run(async move { drop(stopped.await) }));
    eventually("all but the failed lane have arrived", || quick.got().len() == 21).await;
    world.clock.advance_to(now + SignedDuration::from_secs(6));
    eventually("everything has arrived", || quick.got().len() == 31).await;
    assert!(slow.got().len() <= 2, "the slow one has its share and no more");

    let mut seen: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let failed = quick.got()[0].json();
    for got in quick.got().iter().skip(1) {
        let body = got.json();
        seen.entry(body["lead"].as_u64().unwrap()).or_default().push(body["index"].as_u64().unwrap());
    }
    assert_eq!(failed["index"], 0);
    assert_eq!(seen.len(), 3);
    assert!(seen.values().all(|order| *order == (0..10).collect::<Vec<_>>()), "{seen:?}");

    let got = quick.got()[30].clone();
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(got.header("x-api-key"), "k");
    assert!(got.header("user-agent").starts_with("Relais/"));
    assert_ne!(got.header("webhook-id"), "forged");
    let timestamp: i64 = got.header("webhook-timestamp").parse().unwrap();
    assert_eq!(timestamp, (now + SignedDuration::from_secs(6)).as_second());
    let expected = standardwebhooks::Webhook::new(SECRET)
        .unwrap()
        .sign(got.header("webhook-id"), timestamp, got.body.as_bytes())
        .unwrap();
    let signatures: Vec<&str> = got.header("webhook-signature").split(' ').collect();
    assert_eq!(signatures.len(), 2);
    assert_eq!(signatures[0], expected);

    slow.release();
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), run).await.unwrap().unwrap();
    for id in &leads {
        let envelopes = world.store.envelopes(id).await.unwrap();
        assert!(envelopes.iter().all(|envelope| matches!(envelope.state, EnvelopeState::Sent { .. })));
    }
    // Nothing is left in anybody's hands.
    let later = world.clock.now() + SignedDuration::from_hours(1);
    assert!(world.store.unresolved(later).await.unwrap().is_empty());
}

#[tokio::test]
async fn callbacks_are_tried_on_schedule_parked_and_replayed() {
    let world = World::new(test_options()).await;
    let crm = Receiver::start().await;
    world.declare("acme", &crm.url);
    crm.always(reply(503));
    let id = world.begin("acme", 1, None, vec![(callback("{}"), start_time())]).await;
    let mut tried_at = Vec::new();
    for attempt in 1..=8 {
        assert_eq!(world.pump().await, 1, "attempt {attempt}");
        tried_at.push(world.clock.now());
        let envelope = world.envelope(&id).await;
        if attempt < 8 {
            assert_eq!(envelope.state, EnvelopeState::Queued);
            let just_before = envelope.not_before - SignedDuration::from_millis(1);
            world.clock.advance_to(just_before);
            assert_eq!(world.pump().await, 0, "not a moment too soon");
            world.clock.advance_to(envelope.not_before);
        }
    }
    assert_eq!(world.state(&id).await, parked("exhausted"));
    let scheduled = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
    for (pair, seconds) in tried_at.windows(2).zip(scheduled) {
        let waited = pair[1].duration_since(pair[0]).as_millis();
        let base = i128::from(seconds * 1_000);
        assert!(waited * 10 >= base * 8 && waited * 10 <= base * 12, "{waited} ms, not about {seconds} s");
    }
    let got = crm.got();
    assert_eq!(got.len(), 8);
    assert!(got.iter().all(|each| each.header("webhook-id") == got[0].header("webhook-id")));
    assert_ne!(got[0].header("webhook-timestamp"), got[7].header("webhook-timestamp"));

    crm.always(reply(204));
    let envelope = world.envelope(&id).await.id;
    assert!(world.store.replay(&envelope, world.clock.now()).await.unwrap());
    assert_eq!(world.pump().await, 1);
    assert!(matches!(world.state(&id).await, EnvelopeState::Sent { .. }));
    assert!(!world.store.replay(&envelope, world.clock.now()).await.unwrap());
}

#[tokio::test]
async fn what_a_crm_answers_decides_what_follows() {
    let world = World::new(test_options()).await;
    let (crm, elsewhere) = (Receiver::start().await, Receiver::start().await);
    world.declare("acme", &crm.url);
    let now = start_time();
    let after = |status, seconds: &str| Reply { headers: vec![("retry-after", seconds.to_owned())], ..reply(status) };
    let location = Reply { headers: vec![("location", elsewhere.url.clone())], ..reply(307) };
    // what is answered, and the least and the most to wait then
    let table = [
        (after(429, "86400"), 120.0, 120.0),
        (after(429, "1"), 60.0, 60.0),
        (after(503, "7"), 7.0, 7.0),
        (after(503, "86400"), 10.0, 10.0),
        (reply(429), 60.0, 72.0),
        (reply(404), 4.0, 6.0),
        (location, 4.0, 6.0),
    ];
    let mut number = 0;
    for (answer, least, most) in table {
        number += 1;
        crm.then(answer);
        let id = world.begin("acme", number, None, vec![(callback("{}"), now)]).await;
        world.pump().await;
        let envelope = world.envelope(&id).await;
        assert_eq!(envelope.state, EnvelopeState::Queued, "row {number}");
        let waited = envelope.not_before.duration_since(now).as_secs_f64();
        assert!(waited >= least && waited <= most, "row {number}: {waited}");
    }
    assert!(elsewhere.got().is_empty(), "redirects are not followed");

    crm.then(reply(410));
    let gone = world.begin("acme", 50, None, vec![(callback("{}"), now)]).await;
    let long = Reply { body: "x".repeat(1 << 20), ..reply(200) };
    world.pump().await;
    assert_eq!(world.state(&gone).await, dropped("gone"));
    crm.then(long);
    let verbose = world.begin("acme", 51, None, vec![(callback("{}"), now)]).await;
    world.pump().await;
    assert!(matches!(world.state(&verbose).await, EnvelopeState::Sent { .. }));

    let nowhere = world.begin("globex", 53, None, vec![(callback("{}"), now)]).await;
    world.pump().await;
    assert_eq!(world.state(&nowhere).await, parked("endpoint-missing"));
}

#[tokio::test]
async fn a_crm_that_does_not_answer_in_time_is_given_a_minute() {
    let world = World::new(Options { http_timeout_ms: 100, ..test_options() }).await;
    let crm = Receiver::start().await;
    world.declare("acme", &crm.url);
    crm.hold();
    let id = world.begin("acme", 1, None, vec![(callback("{}"), start_time())]).await;
    world.pump().await;
    assert_eq!(world.state(&id).await, EnvelopeState::Queued);
    let waited = world.envelope(&id).await.not_before.duration_since(start_time());
    assert!(waited >= SignedDuration::from_secs(60) && waited <= SignedDuration::from_secs(72), "{waited}");
}

#[tokio::test]
async fn waiting_for_a_busy_crm_is_not_an_attempt() {
    let options = Options {
        per_tenant: 1,
        waiting_per_tenant: 1,
        waiting_seconds: 10,
        callback_schedule: vec![5],
        ..test_options()
    };
    let world = World::new(options).await;
    let crm = Receiver::start().await;
    world.declare("acme", &crm.url);
    let now = start_time();
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(world.begin("acme", number, None, vec![(callback("{}"), now)]).await);
    }
    crm.hold();
    let pump = tokio::spawn({
        let delivery = world.delivery.clone();
        async move { delivery.pump(now).await }
    });
    eventually("one has its turn", || crm.got().len() == 1).await;
    crm.release();
    assert_eq!(pump.await.unwrap(), 3);
    assert_eq!(crm.got().len(), 2, "the third went back to the queue");
    let mut queued = Vec::new();
    for id in &ids {
        queued.extend((world.state(id).await == EnvelopeState::Queued).then_some(id));
    }
    let [waiting] = queued[..] else { panic!("one waits, not {}", queued.len()) };
    crm.always(reply(500));
    world.pump_after(20).await;
    assert_eq!(world.envelope(waiting).await.attempts, 1, "waiting is no attempt");
    assert_eq!(world.state(waiting).await, EnvelopeState::Queued, "one attempt failed, one is left");
    world.pump_after(6).await;
    assert_eq!(world.state(waiting).await, parked("exhausted"));
}

#[tokio::test]
async fn private_addresses_are_refused() {
    let world = World::new(Options::default()).await;
    let crm = Receiver::start().await;
    let port = crm.url.rsplit(':').next().unwrap().to_owned();
    let urls = [
        crm.url.clone(),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        "https://169.254.169.254/latest/meta-data".into(),
    ];
    for (number, url) in (1..).zip(urls) {
        world.declare("acme", &url);
        let id = world.begin("acme", number, None, vec![(callback("{}"), start_time())]).await;
        world.pump().await;
        assert_eq!(world.state(&id).await, parked("address-refused"), "{url}");
    }
    assert!(crm.got().is_empty());
}

#[tokio::test]
async fn what_a_crash_left_claimed_is_resolved() {
    let world = World::new(test_options()).await;
    let crm = Receiver::start().await;
    world.declare("acme", &crm.url);
    let now = start_time();
    let told = world.begin("acme", 1, None, vec![(callback("{}"), now)]).await;
    let written = world.begin("acme", 2, Some(now), vec![(text(2, "a"), now)]).await;
    // Another process claimed both and died.
    assert_eq!(world.store.claim(now, 10).await.unwrap().len(), 2);
    world.pump().await;
    assert!(crm.got().is_empty());
    world.pump_after(200).await;
    assert!(matches!(world.state(&told).await, EnvelopeState::Sent { .. }), "a callback may arrive twice");
    assert!(matches!(world.state(&written).await, EnvelopeState::Claimed { .. }));
    world.pump_after(401).await;
    assert_eq!(world.state(&written).await, parked("result-unknown"), "a message may not");
    assert!(world.graph.got().is_empty());
}
