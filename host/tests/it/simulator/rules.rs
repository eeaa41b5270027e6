//! What Meta enforces, and what the account says.

use std::time::Duration;

use relais::{
    model::Clock,
    simulator::{ApprovedTemplate, Enforcement, Happening, Options, Policy, Scenario, Simulator, WebhookTarget},
    whatsapp,
};
use serde_json::{Value, json};

use super::setting::{ALL_TOLD, ANA, Door, NUMBER, SECRET, Stage, TOKEN, WABA, addressed, intro, options};

#[tokio::test]
async fn the_window_opens_when_the_person_writes_and_closes_a_day_later() {
    let stage = Stage::set(Scenario::friendly()).await;
    assert_eq!(stage.code("too soon").await, 0, "200 first");
    stage.pass(60).await;
    assert_eq!((stage.failure(), stage.ana.seen().len()), (131_047, 0));

    let mut scenario = Scenario::friendly();
    scenario.policy.window = Enforcement::Sync;
    let stage = Stage::set(scenario).await;
    assert_eq!(stage.code("too soon").await, 131_047);
    stage.ana.write("Bonjour");
    assert_eq!(stage.code("in time").await, 0);
    stage.pass(24 * 3_600 - 1).await;
    assert_eq!(stage.code("just in time").await, 0);
    stage.pass(1).await;
    assert_eq!(stage.code("too late").await, 131_047);
    assert_eq!(stage.send(intro()).await.0, 200, "a template goes at any time");
    let refused =
        stage.simulator.history().iter().filter(|h| matches!(h, Happening::Refused { code: 131_047, .. })).count();
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn rates_are_limited() {
    let scenario =
        Scenario { policy: Policy { throughput: 50, portfolio_limit: 2, ..Policy::default() }, ..Scenario::default() };
    let stage = Stage::set(scenario).await;
    stage.ana.write("Bonjour");
    for sent in 0..45 {
        assert_eq!(stage.code("x").await, 0, "{sent}");
    }
    assert_eq!(stage.code("x").await, 131_056);
    stage.pass(6).await;
    assert_eq!(stage.code("x").await, 0);
    assert_eq!(stage.code("x").await, 131_056);
    for (to, expected) in [("+33612345601", 0), ("+33612345602", 0), ("+33612345603", 131_048), ("+33612345601", 0)] {
        let (_, answer) = stage.post(NUMBER, TOKEN, &addressed(to, intro())).await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["error"]["code"].as_i64().unwrap_or(0), expected, "{to}");
    }
}

#[tokio::test]
async fn tokens_numbers_and_recipients() {
    let stage = Stage::set(Scenario::friendly()).await;
    let body = addressed(ANA, intro());
    let code = |answer: &str| serde_json::from_str::<Value>(answer).unwrap()["error"]["code"].clone();
    let (status, answer) = stage.post(NUMBER, "another", &body).await.unwrap();
    assert_eq!((status, code(&answer)), (401, json!(190)));
    let (status, answer) = stage.post("1", TOKEN, &body).await.unwrap();
    assert_eq!((status, code(&answer)), (400, json!(100)));
    // Without its +, the number gets the business's own country code, and nobody has that number.
    let (status, _) = stage.post(NUMBER, TOKEN, &addressed("33612345604", intro())).await.unwrap();
    assert_eq!(status, 200);
    stage.pass(60).await;
    assert_eq!((stage.failure(), stage.ana.seen().len()), (131_026, 0));
    // A user id does as well as a number.
    let mut to_user = intro();
    to_user["messaging_product"] = json!("whatsapp");
    to_user["recipient"] = json!(stage.ana.user_id());
    let (_, answer) = stage.post(NUMBER, TOKEN, &to_user).await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["contacts"], json!([{"input": stage.ana.user_id(), "user_id": stage.ana.user_id()}]));
    stage.pass(60).await;
    assert_eq!(stage.ana.seen().len(), 1);
}

#[tokio::test]
async fn the_hosts_client_reads_the_account() {
    let stage = Stage::set(Scenario::friendly()).await;
    for extra in 0..130 {
        stage.simulator.set_template(ApprovedTemplate::new(&format!("extra_{extra}"), "fr", "x"));
    }
    let options = whatsapp::Options { base_url: stage.simulator.base_url(), ..whatsapp::Options::default() };
    let client = whatsapp::Client::new(&options).unwrap();
    let credentials = whatsapp::Credentials { phone_number_id: NUMBER.to_owned(), token: TOKEN.to_owned() };
    assert!(client.token_info(TOKEN).await.unwrap().is_valid);
    assert_eq!(client.phone_number(&credentials).await.unwrap().status.as_deref(), Some("CONNECTED"));
    assert_eq!(client.subscribed_apps(WABA, TOKEN).await.unwrap().len(), 1);
    assert_eq!(client.templates(WABA, TOKEN).await.unwrap().len(), 131, "over several pages");
    assert!(client.templates("1", TOKEN).await.is_err() && client.token_info("wrong").await.is_err());
    let call = whatsapp::TemplateCall {
        name: "intro".to_owned(),
        language: "fr".to_owned(),
        header: None,
        body: vec![whatsapp::Parameter { name: None, text: "Ana".to_owned() }],
        buttons: Vec::new(),
    };
    let to = whatsapp::Recipient::Number(ANA.to_owned());
    let sent = client.send(&credentials, &to, &whatsapp::Outgoing::Template(call), "envelope-2").await;
    assert!(matches!(sent, whatsapp::SendResult::Accepted { held: false, .. }), "{sent:?}");
}

#[tokio::test]
async fn with_the_machines_clock_things_happen_by_themselves() {
    let mut scenario = Scenario::friendly();
    (scenario.latency.sent_ms, scenario.latency.delivered_ms, scenario.latency.read_ms) = (10, 20, 30);
    let door = Door::default();
    let webhook = WebhookTarget {
        url: door.clone().open().await,
        app_secret: SECRET.to_owned(),
        verify_token: "verify".to_owned(),
    };
    let options = Options { webhook: Some(webhook), strict: false, ..options(Clock::system(), scenario) };
    let simulator = Simulator::start(options).await.unwrap();
    let mut happenings = simulator.subscribe();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v25.0/unknown/messages", simulator.base_url());
    // Not strict: any token, any number, a template that nobody declared.
    let body = addressed(ANA, json!({"type": "template", "template": {"name": "other", "language": {"code": "fr"}}}));
    assert_eq!(client.post(url).bearer_auth("x").json(&body).send().await.unwrap().status(), 200);
    let mut told = Vec::new();
    while told.len() < 3 {
        let happening = tokio::time::timeout(Duration::from_secs(10), happenings.recv()).await.unwrap().unwrap();
        if let Happening::Status { status, .. } = happening {
            told.push(status);
        }
    }
    assert_eq!(told, ALL_TOLD);
    while simulator.in_flight() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(door.bodies.lock().unwrap().len(), 3);
    let address = simulator.address();
    simulator.shutdown().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
