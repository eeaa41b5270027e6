//! A flow asks an endpoint of its tenant, which misbehaves: the request is signed, asked once more where that may help, and
//! whatever comes of it is an event, so that the flow goes on and its turns can be run again.

use axum::http::StatusCode;
use relais::{model::ConversationId, simulator::Person, stage::Stage};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{
    hostile::write_flow,
    misbehaving::{Asked, Server, Way},
    scene::{Folder, at, repository, same_again, stage_of},
};

const TENANT: &str = "hello";

/// A tenant whose flow asks the endpoint `stock` whenever someone writes, and says what it heard.
async fn stage(folder: &Folder, url: &str) -> Stage {
    let flows = folder.0.join("published");
    let tenant = flows.join(TENANT);
    std::fs::create_dir_all(&tenant).unwrap();
    let example = repository().join("examples/rust-hello");
    std::fs::copy(example.join("crm.secret"), tenant.join("crm.secret")).unwrap();
    let settings = std::fs::read_to_string(example.join("tenant.toml")).unwrap();
    let endpoint = format!("[endpoints.stock]\nurl = \"{url}/stock\"\nsecret = \"file:crm.secret\"\n");
    std::fs::write(tenant.join("tenant.toml"), format!("{settings}\n{endpoint}")).unwrap();
    write_flow(&tenant, "asks", "qualification", "ask-endpoint");
    stage_of(flows, folder, at("2025-10-08T10:00:00+02:00")).await
}

async fn hand_over(stage: &Stage, number: usize) -> (Person, ConversationId) {
    let phone = format!("+3361238{number:04}");
    let lead = json!({ "crm_contact_id": format!("CRM_{number}"), "phone_number": phone, "name": "Ada Lovelace" });
    let answer = stage.post_lead(TENANT, &lead).await.unwrap();
    let id = answer["conversation_id"].as_str().unwrap();
    (stage.simulator.person(&phone).to_business("100000000000009"), ConversationId::new(id))
}

/// Writes, and gives what is answered within two minutes.
async fn writes(stage: &Stage, person: &Person, text: &str) -> Vec<String> {
    let before = person.seen().len();
    person.write(text);
    stage.pass_until(stage.clock.now() + jiff::SignedDuration::from_mins(2)).await;
    person.seen()[before..].iter().map(|message| message.text.clone()).collect()
}

/// As the standard has it (standardwebhooks.com), but for the age of the request: the time is virtual.
fn is_signed(webhook: &Webhook, asked: &Asked) -> bool {
    let header = |name: &str| asked.headers[name].to_str().unwrap();
    let at = header("webhook-timestamp").parse().unwrap();
    webhook.sign(header("webhook-id"), at, asked.body.as_bytes()).unwrap() == header("webhook-signature")
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_endpoint_answers_is_an_event() {
    let stock = Server::new("/stock", Way::Says("{\"left\":3}".to_owned()));
    let folder = Folder::new("endpoint");
    let stage = stage(&folder, &stock.open().await).await;
    let says = |text: &str| Way::Says(text.to_owned());
    let broken = || Way::Fails(StatusCode::BAD_GATEWAY, None);
    let good = "stock says {\"left\":3}";
    let cases: [(&[Way], usize, &str); 10] = [
        (&[], 1, good),
        (&[says("[1, \"é\"]")], 1, "stock says [1,\"é\"]"),
        (&[broken()], 2, good),
        (&[Way::Breaks], 2, good),
        (&[Way::Fails(StatusCode::TOO_MANY_REQUESTS, Some(3))], 2, good),
        (&[broken(), broken()], 2, "stock says nothing: server-error"),
        (&[Way::Fails(StatusCode::FORBIDDEN, None)], 1, "stock says nothing: refused"),
        (&[Way::Hangs], 1, "stock says nothing: timeout"),
        (&[says("<html>")], 1, "stock says nothing: not-json"),
        (&[says(&" ".repeat(300_000))], 1, "stock says nothing: too-long"),
    ];
    let secret = std::fs::read_to_string(repository().join("examples/rust-hello/crm.secret")).unwrap();
    let webhook = Webhook::new(secret.trim()).unwrap();
    let mut conversations = Vec::new();
    for (number, (ways, times, said)) in cases.iter().enumerate() {
        let (person, id) = hand_over(&stage, number).await;
        stock.will(ways);
        assert_eq!(writes(&stage, &person, "Have you got some left?").await, [*said], "{ways:?}");
        let asked = stock.asked();
        assert_eq!(asked.len(), *times, "{ways:?}");
        for asked in &asked {
            assert!(is_signed(&webhook, asked), "{ways:?}");
            assert_eq!(serde_json::from_str::<Value>(&asked.body).unwrap(), json!({ "messages": 1 }));
        }
        // The endpoint can tell a question that is asked once more from another one.
        assert!(asked.iter().all(|again| again.headers["webhook-id"] == asked[0].headers["webhook-id"]));
        conversations.push(id);
    }

    // Whoever says STOP while the endpoint thinks hears nothing any more.
    let (person, id) = hand_over(&stage, cases.len()).await;
    stock.will(&[Way::Fails(StatusCode::TOO_MANY_REQUESTS, Some(5))]);
    person.write("Have you got some left?");
    stage.pass_while(stage.clock.now() + jiff::SignedDuration::from_mins(1), || stock.asked().is_empty()).await;
    let heard = writes(&stage, &person, "STOP").await;
    assert!(heard.iter().all(|text| !text.contains("stock")), "{heard:?}");
    assert_eq!(stock.asked().len(), 1, "nothing is asked about someone who wants to be left alone");
    conversations.push(id);

    for id in &conversations {
        let conversation = stage.host.store.conversation(id).await.unwrap().unwrap();
        assert!(same_again(&stage, &conversation).await.len() > 1, "{id}");
    }
}
