//! What WhatsApp refuses, at once or after a 200, and what becomes of the lead (FACTS §3): each code by way of the simulator.

use jiff::{SignedDuration, Timestamp};
use relais::{
    model::EnvelopeState,
    simulator::{ApprovedTemplate, Fault, Scenario, When},
};
use serde_json::{Value, json};

use super::{
    outbound::{NUMBER, hand_over, patient, refused_codes, sent_at},
    scene::Scene,
};

fn lead(number: usize) -> Value {
    json!({ "crm_contact_id": format!("CRM_{number}"), "phone_number": format!("+336123456{number:02}") })
}

/// Codes that say something of the person, in the answer or later: the first status that the CRM hears, and its reason.
#[tokio::test(flavor = "multi_thread")]
async fn each_code_about_the_person_leads_to_its_status() {
    let table =
        [(131_026, "NO_WHATSAPP"), (131_021, "INVALID_NUMBER"), (130_472, "EXPERIMENT"), (131_036, "UNDELIVERABLE")];
    for (code, reason) in table {
        for fault in [Fault::RefusedWith(code), Fault::FailedWith(code)] {
            let scene = Scene::with("person", Scenario::friendly().with(fault, When::always())).await;
            hand_over(&scene).await;
            scene.pass(60 * 24 * 6).await;
            let bodies: Vec<String> = scene.callbacks().iter().map(Value::to_string).collect();
            let expected =
                format!(r#"{{"crm_id":"CRM_1","status":"NOT_REACHABLE","details":{{"reason":"{reason}"}}}}"#);
            assert_eq!(bodies, [expected], "{fault}");
            assert_eq!(sent_at(&scene).len(), 1, "{fault}: not tried again");
        }
    }
}

/// Codes that say nothing of the person: no NOT_REACHABLE, the message is set aside for a human, and goes out when replayed.
#[tokio::test(flavor = "multi_thread")]
async fn our_own_mistakes_leave_the_lead_untouched() {
    for code in [100, 131_008, 131_009, 131_030, 130_403, 131_062, 135_000, 99_999] {
        let fault = Fault::RefusedWith(code);
        let scene = Scene::with("ours", Scenario::friendly().with(fault, When::first(1))).await;
        hand_over(&scene).await;
        scene.pass(30).await;
        assert_eq!(scene.statuses(), Vec::<String>::new(), "{fault}");
        let store = &scene.stage.host.store;
        let id = store.conversations(None, 1).await.unwrap().remove(0).id;
        let envelope = store.envelopes(&id).await.unwrap().remove(0);
        assert!(matches!(envelope.state, EnvelopeState::Parked { .. }), "{fault}: {:?}", envelope.state);
        assert!(store.replay(&envelope.id, scene.stage.clock.now()).await.unwrap());
        scene.stage.host.beat();
        scene.pass(5).await;
        assert_eq!(scene.statuses(), ["FIRST_MESSAGE_DELIVERED", "FIRST_MESSAGE_READ"], "{fault}");
    }
}

/// What passes is tried again by itself, and what Meta says was never sent is sent again after a later failure too.
#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_tried_again() {
    let table = [
        (Fault::AppRate, 60, 30 * 60),
        (Fault::RefusedWith(80_007), 60, 30 * 60),
        (Fault::Throughput, 1, 60),
        (Fault::PairRate, 1, 60),
        (Fault::RefusedWith(134_101), 600, 3_600),
        (Fault::FailedWith(131_000), 60, 3_600),
        (Fault::FailedWith(131_056), 1, 3_600),
        (Fault::Refused131049, 86_400, 86_400 * 3 / 2),
        (Fault::Failed131049, 86_400, 86_400 * 3 / 2),
    ];
    for (fault, least, most) in table {
        let scene = patient("passes", Scenario::friendly().with(fault, When::first(1))).await;
        hand_over(&scene).await;
        scene.pass(60 * 24 * 2).await;
        let times = sent_at(&scene);
        let waited = times[1].duration_since(times[0]).as_secs();
        assert!((least..=most).contains(&waited), "{fault}: {waited} s");
        assert_eq!(scene.statuses()[..2], ["FIRST_MESSAGE_DELIVERED", "FIRST_MESSAGE_READ"], "{fault}");
        assert!(!scene.statuses().contains(&"NOT_REACHABLE".to_owned()), "{fault}");
    }
}

/// Too much marketing for that person, says Meta, whatever we do: after some tries, a day apart each, that is the reason.
#[tokio::test(flavor = "multi_thread")]
async fn throttling_that_does_not_end_has_a_reason_of_its_own() {
    for fault in [Fault::Refused131049, Fault::Failed131049] {
        let scene = patient("throttled", Scenario::friendly().with(fault, When::always())).await;
        hand_over(&scene).await;
        scene.pass(60 * 24 * 10).await;
        let last = scene.callbacks().pop().unwrap().to_string();
        assert_eq!(
            last, r#"{"crm_id":"CRM_1","status":"NOT_REACHABLE","details":{"reason":"THROTTLED_BY_META"}}"#,
            "{fault}"
        );
        // What follows may be tried before its turn has ended the conversation.
        let times: Vec<Timestamp> = sent_at(&scene).into_iter().take(4).collect();
        assert!((4..=5).contains(&sent_at(&scene).len()), "{fault}: {:?}", sent_at(&scene));
        let apart = |pair: &[Timestamp]| pair[1].duration_since(pair[0]) >= SignedDuration::from_hours(24);
        assert!(times.windows(2).all(apart), "{fault}: sooner would extend the block: {times:?}");
    }
}

/// NO_WHATSAPP is for people who were never reached: not in this conversation, and not in an earlier one either.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_ever_reached_is_on_whatsapp() {
    let scene = Scene::new("reached").await;
    hand_over(&scene).await;
    scene.pass(1).await;
    let person = scene.stage.simulator.person(NUMBER);
    person.write("Non merci, pas intéressé");
    scene.pass(60 * 24 * 14).await;
    person.block();
    let other = json!({ "crm_contact_id": "CRM_2", "phone_number": NUMBER });
    scene.stage.post_lead("demo", &other).await.unwrap();
    scene.pass(60).await;
    let last = scene.callbacks().pop().unwrap().to_string();
    assert_eq!(last, r#"{"crm_id":"CRM_2","status":"NOT_REACHABLE","details":{"reason":"UNDELIVERABLE"}}"#);
}

/// Codes that stop the number: one refusal, an alarm, nothing tried and nothing lost; once an operator clears it, everything
/// goes out.
#[tokio::test(flavor = "multi_thread")]
async fn what_stops_the_number_loses_nothing() {
    let table = [
        (Fault::RefusedWith(131_048), "spam-limit"),
        (Fault::RefusedWith(131_031), "account-locked"),
        (Fault::RefusedWith(368), "account-locked"),
        (Fault::RefusedWith(190), "token"),
        (Fault::RefusedWith(131_042), "payment"),
        (Fault::RefusedWith(133_010), "sender-not-registered"),
        (Fault::RefusedWith(10), "permission"),
        (Fault::FailedWith(131_031), "account-locked"),
        (Fault::FailedWith(131_042), "payment"),
        (Fault::RefusedWith(130_497), "country-restricted"),
    ];
    for (fault, reason) in table {
        let scene = patient("stopped", Scenario::friendly().with(fault, When::first(1))).await;
        scene.stage.post_lead("demo", &lead(1)).await.unwrap();
        scene.pass(1).await;
        for number in [2, 3] {
            scene.stage.post_lead("demo", &lead(number)).await.unwrap();
        }
        scene.pass(60 * 3).await;
        assert_eq!(sent_at(&scene).len(), 1, "{fault}: nothing is tried while the alarm stands");
        assert_eq!(scene.statuses(), Vec::<String>::new(), "{fault}");
        let alarms = alarms(&scene).await;
        assert_eq!(alarms.len(), 1, "{fault}: {alarms:?}");
        assert_eq!(alarms[0]["reason"], reason, "{fault}");
        clear(&scene, alarms[0]["id"].as_str().unwrap());
        scene.pass(15).await;
        let delivered = scene.statuses().iter().filter(|status| *status == "FIRST_MESSAGE_DELIVERED").count();
        assert_eq!(delivered, 3, "{fault}");
        assert_eq!(sent_at(&scene).len(), 4, "{fault}: each once, and the refused one again");
    }
}

/// What the door says is stopped.
async fn alarms(scene: &Scene) -> Vec<Value> {
    let asked = reqwest::Client::new().get(format!("{}/v1/alarms", scene.stage.host.url()));
    let answer = asked.bearer_auth(scene.stage.key("demo")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json::<Value>().await.unwrap()["alarms"].as_array().unwrap().clone()
}

/// As an operator does it.
fn clear(scene: &Scene, id: &str) {
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_relais"))
            .args(["alarms", "--to", &scene.stage.host.url(), "--key", scene.stage.key("demo")])
            .args(arguments)
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (_, listed) = run(&[]);
    assert!(listed.contains(id), "{listed}");
    assert!(!run(&["--clear", "live-1"]).0, "there is no such alarm");
    assert!(run(&["--clear", id]).0);
    assert_eq!(run(&[]).1.trim(), "nothing is stopped");
}

/// A template that is paused, learnt from Meta's webhook or from a refusal, stops only what needs it; the lead waits, and
/// goes on when it is approved again.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_template_stops_only_what_needs_it() {
    // By webhook: first messages go on, the follow-up waits.
    let scene = patient("paused", Scenario::friendly()).await;
    let simulator = &scene.stage.simulator;
    simulator.set_template_status("relance", "fr", "PAUSED");
    scene.pass(1).await;
    let known = alarms(&scene).await;
    assert_eq!(known.len(), 1);
    assert_eq!((&known[0]["reason"], &known[0]["stopped"]["name"]), (&json!("template-paused"), &json!("relance")));
    hand_over(&scene).await;
    scene.pass(60 * 8).await;
    let person = simulator.person(NUMBER);
    assert_eq!(person.seen().len(), 1, "the first message left");
    assert_eq!(refused_codes(&scene), Vec::<i64>::new(), "and the paused one was not even tried");
    simulator.set_template_status("relance", "fr", "APPROVED");
    scene.pass(20).await;
    assert_eq!(person.seen().len(), 2, "the follow-up waited");
    assert!(alarms(&scene).await.is_empty());

    // By a refusal, or by a message that was held and then dropped: the lead waits, and is not called unreachable.
    let held = Scenario::friendly().with(Fault::HeldThenPaused, When::first(1));
    for (scenario, status) in [(Scenario::friendly(), "PAUSED"), (Scenario::friendly(), "DISABLED"), (held, "APPROVED")]
    {
        let scene = patient("paused-first", scenario).await;
        let simulator = &scene.stage.simulator;
        let text = "Bonjour, je suis [Prénom] de [Société].";
        simulator.set_template(ApprovedTemplate {
            status: status.to_owned(),
            ..ApprovedTemplate::new("premier_contact", "fr", text)
        });
        hand_over(&scene).await;
        scene.pass(60 * 3).await;
        assert_eq!(scene.statuses(), Vec::<String>::new(), "{status}");
        assert_eq!(alarms(&scene).await.len(), 1, "{status}");
        assert_eq!(sent_at(&scene).len(), 1, "{status}");
        simulator.set_template_status("premier_contact", "fr", "APPROVED");
        scene.pass(60).await;
        assert_eq!(scene.statuses(), ["FIRST_MESSAGE_DELIVERED", "FIRST_MESSAGE_READ"], "{status}");
    }
}

/// Meta says that the window is closed though it is open, as it does at times: once more, then the template, else the flow
/// is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_meta_calls_closed_is_tried_once_more() {
    let scene = Scene::with("window", Scenario::friendly().with(Fault::Failed131047, When::every(2))).await;
    hand_over(&scene).await;
    scene.pass(5).await;
    let person = scene.stage.simulator.person(NUMBER);
    person.write("Non");
    scene.pass(30).await;
    assert_eq!(person.seen().len(), 2, "the second message failed once, its second try arrived");
}
