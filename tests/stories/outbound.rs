//! What leaves, when and in which form: the window, quiet hours, the pace, read receipts, headers.

use std::collections::BTreeSet;

use jiff::Timestamp;
use relais::{
    model::{EnvelopeState, Event, Payload},
    simulator::{ApprovedTemplate, Happening, Scenario},
};
use serde_json::json;

use super::scene::{Scene, at, eventually};

pub(crate) const NUMBER: &str = "+33612345604";

pub(crate) async fn hand_over(scene: &Scene) {
    let lead = json!({ "crm_contact_id": "CRM_1", "phone_number": NUMBER });
    scene.stage.post_lead("demo", &lead).await.unwrap();
}

/// The demonstration's flow, but for a patience of weeks: what WhatsApp does shows before silence ends the conversation.
pub(crate) async fn patient(name: &str, scenario: Scenario) -> Scene {
    Scene::changed(name, at("2025-10-08T10:00:00+02:00"), scenario, |tenant| {
        let script = tenant.join("solaire/script.toml");
        let text = std::fs::read_to_string(&script).unwrap();
        let patient = text.replace("give-up-after = \"24h\"", "give-up-after = \"480h\"");
        assert_ne!(text, patient);
        std::fs::write(&script, patient).unwrap();
    })
    .await
}

/// Changes files of the tenant's folder, and waits until the change is active.
async fn change(scene: &Scene, edits: &[(&str, &dyn Fn(String) -> String)]) {
    let known = scene.published.lock().unwrap().len();
    for (file, edit) in edits {
        let path = scene.folder.0.join("flows/demo").join(file);
        let before = std::fs::read_to_string(&path).unwrap();
        let after = edit(before.clone());
        assert_ne!(before, after, "{file}");
        std::fs::write(&path, after).unwrap();
    }
    eventually("the changed folder", || scene.published.lock().unwrap().len() > known).await;
    let published = scene.published.lock().unwrap();
    let last = published.last().unwrap();
    assert!(matches!(last, relais::flows::Published::Active { .. }), "{last:?}");
}

pub(crate) fn sent_at(scene: &Scene) -> Vec<Timestamp> {
    let history = scene.stage.simulator.history();
    history
        .into_iter()
        .filter_map(|happening| match happening {
            Happening::Outbound { at, .. } | Happening::Refused { at, .. } => Some(at),
            _ => None,
        })
        .collect()
}

pub(crate) fn refused_codes(scene: &Scene) -> Vec<i64> {
    let history = scene.stage.simulator.history();
    history
        .into_iter()
        .filter_map(|it| if let Happening::Refused { code, .. } = it { Some(code) } else { None })
        .collect()
}

/// The messages of all conversations that are set aside or dropped, with their reasons.
async fn not_sent(scene: &Scene) -> BTreeSet<String> {
    let store = &scene.stage.host.store;
    let mut reasons = BTreeSet::new();
    for conversation in store.conversations(None, 100).await.unwrap() {
        for envelope in store.envelopes(&conversation.id).await.unwrap() {
            if let (Payload::Message(_), EnvelopeState::Dropped { reason } | EnvelopeState::Parked { reason }) =
                (envelope.payload, envelope.state)
            {
                reasons.insert(reason);
            }
        }
    }
    reasons
}

/// A webhook that comes hours late opens only what is left of the window: Meta's timestamp counts, and nothing leaves as free
/// text in the last seconds either. The flow is told.
#[tokio::test(flavor = "multi_thread")]
async fn the_window_is_metas_not_ours() {
    for (late_seconds, leaves) in [(23 * 3_600 + 3_500, true), (24 * 3_600 - 30, false), (30 * 3_600, false)] {
        let mut scenario = Scenario::friendly();
        scenario.latency.inbound_ms = late_seconds * 1_000;
        let scene = patient("late", scenario).await;
        // Thursday evening, so that the answer is due on Friday: no follow-up is in the way.
        hand_over(&scene).await;
        scene.pass(1).await;
        let person = scene.stage.simulator.person(NUMBER);
        person.write("Non");
        let before = person.seen().len();
        scene.pass(60 * 31).await;
        let texts = person.seen().into_iter().skip(before).filter(|message| message.template.is_none()).count();
        assert_eq!(texts > 0, leaves, "{late_seconds} s late");
        let store = &scene.stage.host.store;
        let id = store.conversations(None, 1).await.unwrap().remove(0).id;
        let told =
            store.log(&id).await.unwrap().iter().any(
                |entry| matches!(&entry.event, Event::MessageUndelivered { reason, .. } if reason == "window-closed"),
            );
        assert_eq!(told, !leaves, "{late_seconds} s late: the flow is told");
        let failed = scene
            .stage
            .simulator
            .history()
            .into_iter()
            .any(|happening| matches!(happening, Happening::Status { code: Some(131_047), .. }));
        assert!(!failed, "Meta never had to say so");
    }
}

/// French law and courtesy: nobody is canvassed at night, on Sundays or on public holidays; whoever just wrote is answered.
#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_hold_outreach_and_never_an_answer() {
    // (handed over, first message)
    let table = [
        ("2025-10-08T22:30:00+02:00", "2025-10-09T09:00:00+02:00"),
        ("2025-10-09T06:00:00+02:00", "2025-10-09T09:00:00+02:00"),
        ("2025-10-11T11:00:00+02:00", "2025-10-13T09:00:00+02:00"),
        // Monday evening; Tuesday is 11 November.
        ("2025-11-10T21:00:00+01:00", "2025-11-12T09:00:00+01:00"),
        ("2025-10-08T10:00:00+02:00", "2025-10-08T10:00:00+02:00"),
    ];
    for (handed_over, first) in table {
        let scene = Scene::beginning("quiet", at(handed_over), Scenario::friendly()).await;
        hand_over(&scene).await;
        scene.pass(60 * 24 * 3).await;
        assert_eq!(sent_at(&scene).first(), Some(&at(first)), "{handed_over}");
        let paris = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
        for sent in sent_at(&scene) {
            let there = sent.to_zoned(paris.clone());
            assert!((9..20).contains(&there.hour()) && there.weekday().to_monday_one_offset() <= 5, "{there}");
        }
    }

    // The follow-up is due at 01:00 and waits for the morning; the person writes at 23:00 and is answered at once, without
    // the follow-up coming after.
    let scene = Scene::beginning("quiet-answer", at("2025-10-08T18:00:00+02:00"), Scenario::friendly()).await;
    hand_over(&scene).await;
    scene.stage.pass_until(at("2025-10-08T23:30:00+02:00")).await;
    let person = scene.stage.simulator.person(NUMBER);
    assert_eq!(person.seen().len(), 1);
    person.write("Non");
    scene.stage.pass_until(at("2025-10-08T23:35:00+02:00")).await;
    assert_eq!(person.seen().len(), 2, "answered at night");
    assert_eq!(not_sent(&scene).await, BTreeSet::from(["answered".to_owned()]), "the follow-up is beside the point");

    // Someone writes before our first message leaves: it leaves now, at night, and so does the answer.
    let scene = Scene::beginning("quiet-first", at("2025-10-08T22:00:00+02:00"), Scenario::friendly()).await;
    hand_over(&scene).await;
    scene.pass(5).await;
    let person = scene.stage.simulator.person(NUMBER);
    assert!(person.seen().is_empty());
    person.write("Bonsoir");
    scene.pass(5).await;
    assert!(person.seen().first().is_some_and(|message| message.template.is_some()), "{:?}", person.seen());
    assert!(person.seen().len() >= 2, "and the answer");
}

/// A load that Meta would throttle: the host keeps the pace of each person, of the number and of the portfolio by itself,
/// and Meta never has to say so.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_paced_so_that_meta_never_has_to_say_so() {
    let mut scenario = Scenario::friendly();
    scenario.policy.pair_rate = relais::simulator::PairRate::Documented;
    scenario.policy.throughput = 80;
    scenario.policy.portfolio_limit = 60;
    scenario.people.habit = relais::simulator::Habit::Echo;
    scenario.people.after_ms = 1_000;
    let scene = Scene::with("load", scenario).await;
    for number in 0..150 {
        let lead = json!({ "crm_contact_id": format!("CRM_{number}"), "phone_number": format!("+3361234{number:04}") });
        scene.stage.post_lead("demo", &lead).await.unwrap();
    }
    scene.pass(5).await;
    let reached = |scene: &Scene| {
        let people = (0..150).map(|number| scene.stage.simulator.person(&format!("+3361234{number:04}")));
        people.filter(|person| !person.seen().is_empty()).count()
    };
    assert_eq!(reached(&scene), 60, "as many as the portfolio may open in a day");
    scene.stage.pass_until(at("2025-10-09T12:00:00+02:00")).await;
    assert_eq!(reached(&scene), 120);
    scene.stage.pass_until(at("2025-10-10T12:00:00+02:00")).await;
    assert_eq!(reached(&scene), 150);
    assert_eq!(refused_codes(&scene), Vec::<i64>::new(), "no 131056, 130429 or 131048");
}

/// The person sees that the message was read and that someone is typing, before the answer; unless the tenant wants neither.
#[tokio::test(flavor = "multi_thread")]
async fn messages_are_marked_as_read_before_they_are_answered() {
    for (declared, expected) in [("", Some(true)), ("typing = false", Some(false)), ("mark-read = false", None)] {
        let scene = Scene::new("read").await;
        if !declared.is_empty() {
            let edit = |text: String| text.replace("[whatsapp]\n", &format!("[whatsapp]\n{declared}\n"));
            change(&scene, &[("tenant.toml", &edit)]).await;
        }
        hand_over(&scene).await;
        scene.pass(1).await;
        let wamids = scene.stage.simulator.person(NUMBER).burst(&["Euh", "Non"]);
        scene.pass(2).await;
        let history = scene.stage.simulator.history();
        let marked: Vec<(usize, &Happening)> =
            history.iter().enumerate().filter(|(_, it)| matches!(it, Happening::Acknowledged { .. })).collect();
        let answer = history.iter().rposition(|it| matches!(it, Happening::Outbound { template: None, .. })).unwrap();
        match (expected, marked.as_slice()) {
            (None, []) => {}
            (Some(typing), [(place, Happening::Acknowledged { wamid, is_typing, .. })]) => {
                assert_eq!((*is_typing, wamid), (typing, &wamids[1]), "the last of the burst");
                assert!(*place < answer, "before the answer");
            }
            other => panic!("{declared}: {other:?}"),
        }
    }
}

/// A template whose header has a blank: the flow's first value fills it, and Meta, the person and the transcript see it.
#[tokio::test(flavor = "multi_thread")]
async fn a_template_with_a_header_is_filled_in() {
    let scene = Scene::new("header").await;
    let named = "header = \"Pour {{societe}}\"\nbody = \"Bonjour {{prenom}}, je suis";
    let opening = "template = \"premier-contact\"\nparameters = [\"Acme\", \"{{ first_name }}\"]";
    let edits: [(&str, &dyn Fn(String) -> String); 2] = [
        ("solaire/flow.toml", &|text| text.replace("body = \"Bonjour, je suis", named)),
        ("solaire/script.toml", &|text| text.replace("template = \"premier-contact\"", opening)),
    ];
    change(&scene, &edits).await;
    scene.stage.simulator.set_template(ApprovedTemplate {
        header: Some(relais::simulator::TemplateHeader::Text("Pour {{societe}}".to_owned())),
        ..ApprovedTemplate::new("premier_contact", "fr", "Bonjour {{prenom}}, je suis là.")
    });
    let lead = json!({ "crm_contact_id": "CRM_1", "phone_number": NUMBER, "name": "Ada" });
    scene.stage.post_lead("demo", &lead).await.unwrap();
    scene.pass(1).await;
    let seen = scene.stage.simulator.person(NUMBER).seen();
    assert_eq!(seen.first().map(|message| message.text.as_str()), Some("Pour Acme\nBonjour Ada, je suis là."));
    let store = &scene.stage.host.store;
    let id = store.conversations(None, 1).await.unwrap().remove(0).id;
    let line = store.lines(&id).await.unwrap().remove(0);
    assert!(line.text.starts_with("Pour Acme\nBonjour Ada, je suis"), "{}", line.text);
}
