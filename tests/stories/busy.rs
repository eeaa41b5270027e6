//! What stands in a salesperson's own calendar is not offered, whatever becomes of the address that it is read from.

use std::sync::{Arc, Mutex};

use axum::{Router, http::StatusCode, routing::get};
use serde_json::{Value, json};

use super::scene::{Scene, eventually};

/// What the outside calendar answers.
type Answer = Arc<Mutex<(StatusCode, String)>>;

async fn outside(answer: Answer) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/secret-of-anna.ics", listener.local_addr().unwrap());
    let router = Router::new().route(
        "/secret-of-anna.ics",
        get(move || {
            let answer = answer.lock().unwrap().clone();
            async move { answer }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn calendar(events: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

async fn told(scene: &Scene) -> Value {
    let url = format!("{}/v1/calendars", scene.stage.host.url());
    let answer = reqwest::Client::new().get(url).bearer_auth(scene.stage.key("demo")).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["calendars"][0]["outside_calendar"].clone()
}

/// What is answered to someone who wants Thursday at 14:30.
async fn wants_thursday(scene: &Scene, number: u32) -> String {
    let phone = format!("+336{number:08}");
    let lead = json!({ "crm_contact_id": format!("CRM_{number}"), "phone_number": phone });
    scene.stage.post_lead("demo", &lead).await.unwrap();
    let person = scene.stage.simulator.person(&phone);
    scene.pass(1).await;
    for words in ["C'est quoi le prix ?", "Jeudi à 14h30"] {
        person.write(words);
        scene.pass(2).await;
    }
    person.seen().last().unwrap().text.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_times_of_an_outside_calendar_are_respected_and_outlive_its_failures() {
    const TAKEN: &str = "Ce créneau n'est pas disponible.";
    let thursday = calendar(
        "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Dentist\r\nDTSTART;TZID=Europe/Paris:20251009T140000\r\nDURATION:PT1H\r\nEND:VEVENT\r\n",
    );
    let answer: Answer = Arc::new(Mutex::new((StatusCode::OK, thursday)));
    let url = outside(Arc::clone(&answer)).await;
    let scene = Scene::new("busy").await;
    let tenant = scene.folder.0.join("flows/demo/tenant.toml");
    std::fs::write(tenant.with_file_name("busy.secret"), &url).unwrap();
    let text = std::fs::read_to_string(&tenant).unwrap();
    std::fs::write(&tenant, text.replace("horizon-days = 30", "horizon-days = 30\nbusy-url = \"file:busy.secret\""))
        .unwrap();
    let flows = scene.stage.host.flows.clone();
    eventually("the calendar's address", || flows.tenant(&"demo".into()).unwrap().calendar.busy_url.is_some()).await;
    scene.pass(1).await;

    let said = wants_thursday(&scene, 1).await;
    assert!(said.starts_with(TAKEN) && !said.contains("14h30"), "{said}");
    assert!(told(&scene).await["read_at"].is_string());

    // It fails in every way; what was read last still counts, and it is told.
    let failures = [
        (StatusCode::INTERNAL_SERVER_ERROR, String::new(), "the server answered 500"),
        (StatusCode::FOUND, String::new(), "the server answered 302"),
        (StatusCode::OK, "<!DOCTYPE html><title>Sign in</title>".to_owned(), "find BEGIN:VCALENDAR"),
        (StatusCode::OK, calendar(&"X".repeat(9 << 20)), "is longer than"),
    ];
    let mut since = Value::Null;
    for (number, (status, text, why)) in (2..).zip(failures) {
        *answer.lock().unwrap() = (status, text);
        scene.pass(20).await;
        let said = wants_thursday(&scene, number).await;
        assert!(said.starts_with(TAKEN), "{why}: {said}");
        let outside = told(&scene).await;
        assert!(outside["why"].as_str().unwrap().contains(why), "{outside}");
        assert!(!outside.to_string().contains("secret-of-anna"), "{outside}");
        since = if since.is_null() { outside["failing_since"].clone() } else { since };
        assert_eq!(outside["failing_since"], since, "since the first failure");
    }

    *answer.lock().unwrap() = (StatusCode::OK, calendar(""));
    scene.pass(20).await;
    assert_eq!(told(&scene).await["why"], Value::Null);
    let said = wants_thursday(&scene, 9).await;
    assert!(said.contains("14h30") && !said.starts_with(TAKEN), "{said}");
}
