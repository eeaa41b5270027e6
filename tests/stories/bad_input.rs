//! P14: every refusal names the field and the remedy, none is a 500, and nothing is lost.

use relais::model::Environment;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::scene::Scene;

/// A refused request, and what the refusal must say.
struct Case {
    name: &'static str,
    request: RequestBuilder,
    status: u16,
    code: &'static str,
    /// The empty text where the problem is with the whole.
    field: &'static str,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_says_what_to_do() {
    let scene = Scene::new("bad-input").await;
    let url = scene.stage.host.url();
    let key = scene.stage.key("demo").to_owned();
    let client = Client::new();
    let lead = |body: String| {
        client.post(format!("{url}/v1/leads")).bearer_auth(&key).header("content-type", "application/json").body(body)
    };
    let webhook = |body: Vec<u8>| client.post(format!("{url}/webhooks/whatsapp")).body(body);
    let good = json!({ "crm_contact_id": "CRM_1", "phone_number": "+33612345604" });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        lead(body.to_string())
    };
    let case = |name, request, status, code, field| Case { name, request, status, code, field };
    let cases = [
        case("no key", client.post(format!("{url}/v1/leads")).json(&good), 401, "missing-key", "Authorization"),
        case(
            "wrong key",
            client.post(format!("{url}/v1/leads")).header("x-api-key", "rl_test_wrong").json(&good),
            401,
            "unknown-key",
            "Authorization",
        ),
        case("not JSON", lead("{crm".to_owned()), 400, "invalid-json", ""),
        case("not an object", lead("[]".to_owned()), 400, "invalid-json", ""),
        case("nested too deep", lead("[".repeat(100_000)), 400, "invalid-json", ""),
        case("no phone", lead(json!({ "crm_contact_id": "CRM_1" }).to_string()), 422, "invalid-field", "phone_number"),
        case(
            "no identifier",
            lead(json!({ "phone_number": "+33612345604" }).to_string()),
            422,
            "invalid-field",
            "crm_contact_id",
        ),
        case("not a phone", with("phone_number", json!("bonjour")), 422, "invalid-field", "phone_number"),
        case("a phone of another type", with("phone_number", json!({})), 422, "invalid-field", "phone_number"),
        case("an impossible phone", with("phone_number", json!("+33000000000")), 422, "invalid-field", "phone_number"),
        case("too large", with("context", json!("x".repeat(300_000))), 413, "body-too-large", ""),
        case(
            "a phone with a NUL",
            with("phone_number", json!("+336123\u{0}45604")),
            422,
            "invalid-field",
            "phone_number",
        ),
        case(
            "a phone with too many digits",
            with("phone_number", json!("9".repeat(5_000))),
            422,
            "invalid-field",
            "phone_number",
        ),
        case("cut off", lead(good.to_string()[..20].to_owned()), 400, "invalid-json", ""),
        case("unknown flow", with("flow", json!("nothing")), 422, "unknown-flow", "flow"),
        case("a flow of another type", with("flow", json!(1)), 422, "invalid-field", "flow"),
        case(
            "bad idempotency key",
            lead(good.to_string()).header("idempotency-key", "x".repeat(300)),
            422,
            "invalid-field",
            "Idempotency-Key",
        ),
        case("unsigned webhook", webhook(b"{}".to_vec()), 401, "bad-signature", "x-hub-signature-256"),
        case(
            "wrongly signed webhook",
            webhook(b"{}".to_vec()).header("x-hub-signature-256", format!("sha256={}", "0".repeat(64))),
            401,
            "bad-signature",
            "x-hub-signature-256",
        ),
        case("a webhook too large", webhook(vec![b' '; 3 * 1024 * 1024 + 1]), 413, "body-too-large", ""),
        case(
            "a bad handshake",
            client.get(format!("{url}/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=x&hub.challenge=1")),
            403,
            "handshake-refused",
            "hub.verify_token",
        ),
        case("another address", client.get(format!("{url}/v2/leads")), 404, "no-such-address", ""),
        case("another method", client.delete(format!("{url}/v1/leads")), 405, "method-not-allowed", ""),
        case(
            "an unknown conversation",
            client.get(format!("{url}/v1/conversations/cv_nothing")).bearer_auth(&key),
            404,
            "not-found",
            "",
        ),
        case(
            "an unknown lead",
            client.get(format!("{url}/v1/leads/%00%F0%9F")).bearer_auth(&key),
            400,
            "invalid-address",
            "",
        ),
    ];
    for Case { name, request, status, code, field } in cases {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{name}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{name}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], format!("urn:relais:problem:{code}"), "{name}: {problem}");
        assert_eq!(problem["field"].as_str().unwrap_or_default().to_lowercase(), field.to_lowercase(), "{name}");
        assert!(problem["remedy"].as_str().is_some_and(|remedy| remedy.len() > 10), "{name}: {problem}");
    }
    assert!(scene.stage.host.store.conversations(None, 1).await.unwrap().is_empty(), "nothing was accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_has_the_same_answer_and_a_tenant_sees_only_its_own() {
    let scene = Scene::new("idempotent").await;
    let url = scene.stage.host.url();
    let key = scene.stage.key("demo").to_owned();
    let client = Client::new();
    let post = |body: Value, idempotency: Option<&'static str>| {
        let request = client.post(format!("{url}/v1/leads")).header("x-api-key", &key).json(&body);
        match idempotency {
            Some(idempotency) => request.header("idempotency-key", idempotency),
            None => request,
        }
        .send()
    };
    let lead = json!({ "crm_contact_id": 42, "phone_number": "06 12 34 56 04", "name": "Ada" });
    let first = post(lead.clone(), Some("k1")).await.unwrap();
    assert_eq!(first.status(), 202);
    let first: Value = first.json().await.unwrap();
    let again: Value = post(lead.clone(), Some("k1")).await.unwrap().json().await.unwrap();
    assert_eq!(first, again);
    let other = json!({ "crm_contact_id": 43, "phone_number": "06 12 34 56 05" });
    let reused = post(other, Some("k1")).await.unwrap();
    assert_eq!(reused.status(), 409);
    let running: Value = post(lead, None).await.unwrap().json().await.unwrap();
    assert_eq!(running["conversation_id"], first["conversation_id"]);
    assert_eq!(running["status"], "running");

    // A key of another tenant sees neither the conversation nor the lead.
    let now = scene.stage.clock.now();
    let (secret, stranger) = relais::api::new_key("stranger".into(), Environment::Test, now).unwrap();
    scene.stage.host.store.add_key(stranger).await.unwrap();
    let conversation = first["conversation_id"].as_str().unwrap();
    for address in [format!("/v1/conversations/{conversation}"), "/v1/leads/42".to_owned()] {
        let get = |key: &str| client.get(format!("{url}{address}")).bearer_auth(key).send();
        assert_eq!(get(&secret).await.unwrap().status(), 404, "{address}");
        assert_eq!(get(&key).await.unwrap().status(), 200, "{address}");
    }
}

/// 3 MB of hostile JSON, deep nesting and truncation behind a right signature are 4xx or parked; the neighbours live.
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_that_makes_no_sense_loses_no_neighbour() {
    let scene = Scene::new("bad-webhook").await;
    let lead = json!({ "crm_contact_id": "CRM_1", "phone_number": "+33612345604" });
    scene.stage.post_lead("demo", &lead).await.unwrap();
    scene.pass(1).await;
    let secret = scene.stage.app_secret().to_owned();
    let client = Client::new();
    let send = |body: Vec<u8>| {
        let signature = relais::whatsapp::sign(&secret, &body);
        client
            .post(format!("{}/webhooks/whatsapp", scene.stage.host.url()))
            .header("x-hub-signature-256", signature)
            .body(body)
            .send()
    };
    let nested = format!("{{\"object\":\"whatsapp_business_account\",\"entry\":{}", "[".repeat(3_000_000));
    for body in [b"{".to_vec(), nested.into_bytes(), b"null".to_vec(), b"{\"entry\":3}".to_vec(), vec![0xff; 64]] {
        let status = send(body).await.unwrap().status();
        assert!(status.is_client_error(), "{status}");
    }
    let message = |id: &str, body: Value| json!({ "id": id, "from": "33612345604", "timestamp": "1759910500", "type": "text", "text": body });
    let batch = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "33612345690", "phone_number_id": "100000000000001" },
        "messages": [message("wamid.A", json!(7)), message("wamid.B", json!({ "body": "Non\u{0}" })), 12, null],
    } }] }] });
    for _ in 0..2 {
        assert_eq!(send(batch.to_string().into_bytes()).await.unwrap().status(), 200);
    }
    scene.pass(2).await;
    let store = &scene.stage.host.store;
    let id = store.conversations(None, 1).await.unwrap().remove(0).id;
    let said: Vec<String> = store
        .lines(&id)
        .await
        .unwrap()
        .into_iter()
        .filter(|line| line.direction == relais::model::Direction::In)
        .map(|line| line.text)
        .collect();
    assert_eq!(said.iter().filter(|text| *text == "Non").count(), 1, "{said:?}");
    assert!(!store.parked(10).await.unwrap().is_empty(), "what made no sense was set aside");
}
