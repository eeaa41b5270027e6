//! P12, and what a sales team sees: the calendar that it subscribes to, meetings moved, cancelled and missed, and 200 leads
//! that want one slot.
//!
//! With `FEED_OUT=<folder>` the calendar and what must be found in it are also written there, for `tests/calendar`.

use relais::{model::ConversationId, simulator::Person};
use serde_json::{Value, json};

use super::scene::{Scene, at, eventually};

/// A name and words that a reader of calendars could stumble over.
const NAME: &str = "Zoé “Z” Martin, née Lefèvre; BEGIN:VEVENT";
const COMPANY: &str = "Dupont, Fils; & Cie";
const HARD_WORDS: &str = "a;b,c\\n \\ \"d\" 👩‍👩‍👧 merci !";

async fn hand_over(scene: &Scene, number: u32) -> (ConversationId, Person) {
    let phone = format!("+336{number:08}");
    let lead = json!({
        "crm_contact_id": format!("CRM_{number}"), "phone_number": phone, "name": NAME, "company": COMPANY,
        "email": "zoe@example.com",
    });
    let answer = scene.stage.post_lead("demo", &lead).await.unwrap();
    (ConversationId::new(answer["conversation_id"].as_str().unwrap()), scene.stage.simulator.person(&phone))
}

/// Straight to the booking: the price leads there.
async fn book(scene: &Scene, number: u32, when: &str) -> (ConversationId, Person) {
    let (id, person) = hand_over(scene, number).await;
    scene.pass(1).await;
    person.write("C'est quoi le prix ?");
    scene.pass(1).await;
    person.write(when);
    scene.pass(5).await;
    let conversation = scene.stage.host.store.conversation(&id).await.unwrap().unwrap();
    assert!(conversation.meeting.is_some(), "{when}: {:?}", last_seen(&person));
    (id, person)
}

fn last_seen(person: &Person) -> String {
    person.seen().last().map(|received| received.text.clone()).unwrap_or_default()
}

async fn call(scene: &Scene, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("{}{path}", scene.stage.host.url());
    let mut request = reqwest::Client::new().request(method, url).bearer_auth(scene.stage.key("demo"));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn path_of(scene: &Scene, person: Option<&str>) -> String {
    let (status, body) = call(scene, reqwest::Method::GET, "/v1/calendars", None).await;
    assert_eq!(status, 200, "{body}");
    let calendars = body["calendars"].as_array().unwrap();
    let found = calendars.iter().find(|calendar| calendar["person"] == json!(person));
    found.unwrap_or_else(|| panic!("{body}"))["path"].as_str().unwrap().to_owned()
}

async fn fetch(scene: &Scene, path: &str) -> reqwest::Response {
    reqwest::Client::new().get(format!("{}{path}", scene.stage.host.url())).send().await.unwrap()
}

/// The lines of each event, unfolded.
async fn events(scene: &Scene, path: &str) -> Vec<Vec<String>> {
    let text = fetch(scene, path).await.text().await.unwrap().replace("\r\n ", "");
    text.split("\r\nBEGIN:VEVENT\r\n")
        .skip(1)
        .map(|event| event.split("\r\nEND:VEVENT\r\n").next().unwrap().lines().map(str::to_owned).collect())
        .collect()
}

fn has(event: &[String], line: &str) -> bool {
    event.iter().any(|found| found == line)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calendar_shows_moved_and_cancelled_meetings_behind_a_secret_that_can_be_changed() {
    let scene = Scene::new("calendar").await;
    let (moved, first) = book(&scene, 1, "Jeudi à 14h30").await;
    let (cancelled, second) = book(&scene, 2, "Vendredi à 9h").await;
    first.write("Finalement plutôt vendredi à 10h");
    scene.pass(5).await;
    first.write(HARD_WORDS);
    scene.pass(5).await;
    let path = format!("/v1/conversations/{cancelled}/cancel-meeting");
    let (status, body) = call(&scene, reqwest::Method::POST, &path, Some(json!({ "reason": "Anna is ill" }))).await;
    assert_eq!(status, 202, "{body}");
    scene.pass(5).await;
    assert!(last_seen(&second).starts_with("Nous devons malheureusement décaler"), "{}", last_seen(&second));

    let calendar = path_of(&scene, None).await;
    let answer = fetch(&scene, &calendar).await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/calendar; charset=utf-8");
    assert_eq!(header("cache-control"), "private, no-cache");
    let tag = header("etag");
    let text = answer.text().await.unwrap();
    let again = reqwest::Client::new().get(format!("{}{calendar}", scene.stage.host.url()));
    assert_eq!(again.header("if-none-match", &tag).send().await.unwrap().status(), 304);

    let expected = json!([
        {
            "uid": cancelled.as_str(), "sequence": 1, "status": "CANCELLED",
            "start": "2025-10-10T07:00:00Z", "end": "2025-10-10T07:30:00Z", "summary": format!("[test] RDV – {NAME}"),
            "description": [],
        },
        {
            "uid": moved.as_str(), "sequence": 1, "status": "CONFIRMED",
            "start": "2025-10-10T08:00:00Z", "end": "2025-10-10T08:30:00Z", "summary": format!("[test] RDV – {NAME}"),
            "description": [
                format!("Contact : {NAME}\nEntreprise : {COMPANY}\nTéléphone : +33600000001\nE-mail : zoe@example.com\n"),
                "Résumé :\nProspect intéressé par l'offre.",
                format!("🗨️ RÉSUMÉ DE CONVERSATION\n\n{}\n", "=".repeat(37)),
                format!("👤 Client: {HARD_WORDS}\n"),
            ],
        },
    ]);
    if let Some(folder) = std::env::var_os("FEED_OUT") {
        std::fs::create_dir_all(&folder).unwrap();
        let folder = std::path::Path::new(&folder);
        std::fs::write(folder.join("feed.ics"), &text).unwrap();
        let expected = json!({ "name": "Démo Solaire", "events": expected });
        std::fs::write(folder.join("expected.json"), expected.to_string()).unwrap();
    }
    let found = events(&scene, &calendar).await;
    let [gone, stands] = found.as_slice() else { panic!("{found:#?}") };
    for line in ["SEQUENCE:1", "STATUS:CANCELLED", "DTSTART:20251010T070000Z", &format!("UID:{cancelled}")] {
        assert!(has(gone, line), "{line} {gone:#?}");
    }
    for line in ["SEQUENCE:1", "STATUS:CONFIRMED", "DTSTART:20251010T080000Z", &format!("UID:{moved}")] {
        assert!(has(stands, line), "{line} {stands:#?}");
    }

    // Booked again after it was cancelled: the same event, further on.
    second.write("Lundi à 11h");
    scene.pass(5).await;
    let found = events(&scene, &calendar).await;
    let rebooked = found.iter().find(|event| has(event, &format!("UID:{cancelled}"))).unwrap();
    assert!(has(rebooked, "SEQUENCE:2") && has(rebooked, "STATUS:CONFIRMED"), "{rebooked:#?}");
    assert!(has(rebooked, "DTSTART:20251013T090000Z"), "{rebooked:#?}");
    let booked: Vec<Value> = scene.callbacks().into_iter().filter(|body| body["status"] == "MEETING_BOOKED").collect();
    assert_eq!(booked.last().unwrap()["meeting"]["start"], "2025-10-13T11:00:00+02:00");

    // The secret: unknown, changed.
    for wrong in ["/calendar/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.ics", "/calendar/x", "/calendar/%ff.ics"] {
        let answer = fetch(&scene, wrong).await;
        assert_eq!(answer.status(), 404, "{wrong}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let (status, rotated) = call(&scene, reqwest::Method::POST, "/v1/calendars/rotate", None).await;
    assert_eq!(status, 200);
    assert_eq!(fetch(&scene, &calendar).await.status(), 404, "the old secret ends at once");
    assert_eq!(fetch(&scene, rotated["path"].as_str().unwrap()).await.status(), 200);
    assert_eq!(path_of(&scene, None).await, rotated["path"]);
    let (status, problem) =
        call(&scene, reqwest::Method::POST, "/v1/calendars/rotate", Some(json!({ "person": "nobody" }))).await;
    assert_eq!((status, problem["field"].as_str()), (422, Some("person")));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_salesperson_has_hours_leads_and_a_calendar_of_their_own() {
    let scene = Scene::new("salespeople").await;
    let tenant = scene.folder.0.join("flows/demo/tenant.toml");
    let people = "\n[[calendar.people]]\nid = \"anna\"\nname = \"Anna Roux\"\nhours = { thu = [\"09:00-12:00\"] }\n\
                  \n[[calendar.people]]\nid = \"ben\"\nname = \"Ben\"\n";
    std::fs::write(&tenant, std::fs::read_to_string(&tenant).unwrap() + people).unwrap();
    let flows = scene.stage.host.flows.clone();
    eventually("the salespeople", || flows.tenant(&"demo".into()).unwrap().calendar.people.len() == 2).await;

    // 14:30 is outside Anna's hours: Ben has it, unless the lead is Anna's.
    book(&scene, 1, "Jeudi à 14h30").await;
    let lead = json!({ "crm_contact_id": "CRM_2", "phone_number": "+33600000002", "assigned_to": "Anna Roux" });
    scene.stage.post_lead("demo", &lead).await.unwrap();
    let annas = scene.stage.simulator.person("+33600000002");
    scene.pass(1).await;
    annas.write("C'est quoi le prix ?");
    scene.pass(1).await;
    annas.write("Jeudi à 15h");
    scene.pass(5).await;
    assert!(last_seen(&annas).starts_with("Ce créneau n'est pas disponible."), "{}", last_seen(&annas));
    annas.write("jeudi 10h");
    scene.pass(5).await;
    let store = &scene.stage.host.store;
    let meetings = store.meetings(&"demo".into(), at("2025-10-08T00:00Z")).await.unwrap();
    let who: Vec<_> = meetings.iter().map(|(_, meeting)| meeting.slot.with.as_deref()).collect();
    assert_eq!(who, [Some("anna"), Some("ben")], "{}", last_seen(&annas));

    let (anna, ben) = (path_of(&scene, Some("anna")).await, path_of(&scene, Some("ben")).await);
    let (of_anna, of_ben) = (events(&scene, &anna).await, events(&scene, &ben).await);
    assert_eq!((of_anna.len(), of_ben.len()), (1, 1));
    assert!(of_anna[0].iter().any(|line| line.contains("Commercial : Anna Roux")), "{of_anna:#?}");
    assert_eq!(events(&scene, &path_of(&scene, None).await).await.len(), 2);

    // Anna leaves the company.
    let text = std::fs::read_to_string(&tenant).unwrap().replace("id = \"anna\"", "id = \"claire\"");
    std::fs::write(&tenant, text).unwrap();
    eventually("Claire", || flows.tenant(&"demo".into()).unwrap().calendar.people[0].id == "claire").await;
    assert_eq!(fetch(&scene, &anna).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_come_is_asked_for_another_time_and_told_of_when_they_stay_silent() {
    let scene = Scene::new("no-show").await;
    let (id, person) = book(&scene, 1, "Jeudi à 14h30").await;
    let path = format!("/v1/conversations/{id}/no-show");
    let (status, problem) = call(&scene, reqwest::Method::POST, &path, None).await;
    assert_eq!((status, problem["type"].as_str()), (409, Some("urn:relais:problem:meeting-not-begun")));
    // More than 24 hours after their last words, so that only a template can reach them.
    scene.stage.pass_until(at("2025-10-09T14:50:00+02:00")).await;
    assert_eq!(call(&scene, reqwest::Method::POST, &path, None).await.0, 202);
    scene.pass(5).await;
    assert!(
        last_seen(&person).starts_with("Bonjour, nous n'avons pas réussi à vous joindre."),
        "{}",
        last_seen(&person)
    );
    let (status, problem) = call(&scene, reqwest::Method::POST, &path, None).await;
    assert_eq!((status, problem["type"].as_str()), (409, Some("urn:relais:problem:no-meeting")));
    scene.pass(60 * 24 * 7).await;
    let conversation = scene.stage.host.store.conversation(&id).await.unwrap().unwrap();
    assert!(conversation.tags.contains("no-show") && conversation.notes["no_show"] == true);
    assert_eq!(scene.statuses()[3..], ["MEETING_BOOKED", "NO_OUTCOME"]);
    let (status, _) = call(&scene, reqwest::Method::POST, "/v1/conversations/cv_nobody/no-show", None).await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_leads_that_want_one_slot_one_has_it_and_199_are_offered_others() {
    const LEADS: u32 = 200;
    let scene = Scene::new("race").await;
    let mut people = Vec::new();
    for number in 1..=LEADS {
        people.push(hand_over(&scene, number).await.1);
    }
    scene.pass(2).await;
    for words in ["C'est quoi le prix ?", "Jeudi à 14h30"] {
        for person in &people {
            person.write(words);
        }
        scene.pass(5).await;
    }
    let store = &scene.stage.host.store;
    let meetings = store.meetings(&"demo".into(), at("2025-10-08T00:00Z")).await.unwrap();
    let [(winner, meeting)] = meetings.as_slice() else { panic!("{} meetings", meetings.len()) };
    assert_eq!(meeting.slot.start, at("2025-10-09T14:30:00+02:00"));
    let (mut booked, mut offered) = (0, 0);
    for person in &people {
        let last = last_seen(person);
        booked += usize::from(last.starts_with("C'est réservé !"));
        offered += usize::from(last.starts_with("Ce créneau n'est pas disponible. Je peux vous proposer "));
        assert!(last.starts_with("C'est") || !last.contains("14h30"), "the slot is offered to nobody else: {last}");
    }
    assert_eq!((booked, offered), (1, usize::try_from(LEADS).unwrap() - 1), "won by {winner}");
}
