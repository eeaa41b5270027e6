//! The client against a server that answers, refuses, breaks off and stays silent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Client, Credentials, Options, Outgoing, ReadError, Recipient, Remedy, SendResult};

/// One request as the server saw it: `GET /v25.0/…?…`, the token, the body.
type Seen = Arc<Mutex<Vec<(String, String, Value)>>>;

#[derive(Clone)]
struct Server {
    answers: Arc<Vec<(u16, String)>>,
    seen: Seen,
}

/// Answers each request with the next answer, the last one for ever.
async fn answer(State(server): State<Server>, request: Request) -> Response {
    let line = format!("{} {}", request.method(), request.uri());
    let token = request.headers()["authorization"].to_str().unwrap().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let mut seen = server.seen.lock().unwrap();
    let (status, body_out) = server.answers.get(seen.len()).or(server.answers.last()).unwrap().clone();
    seen.push((line, token, serde_json::from_slice(&body).unwrap_or(Value::Null)));
    (StatusCode::from_u16(status).unwrap(), body_out).into_response()
}

/// A client of a server with these answers.
async fn client(answers: &[(u16, &str)]) -> (Client, Seen) {
    let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
    let server = Server { answers: Arc::new(answers), seen: Seen::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_of(&format!("http://{}", listener.local_addr().unwrap()));
    let seen = server.seen.clone();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer).with_state(server)).await });
    (client, seen)
}

fn client_of(base_url: &str) -> Client {
    let options = Options { base_url: base_url.to_owned(), timeout_ms: 500, ..Options::default() };
    Client::new(&options).unwrap()
}

fn credentials() -> Credentials {
    Credentials { phone_number_id: "77".to_owned(), token: "s3cret".to_owned() }
}

async fn send(client: &Client) -> SendResult {
    let to = Recipient::Number("+33612345678".to_owned());
    let outgoing = Outgoing::Text { body: "Bonjour".to_owned(), preview_url: false };
    client.send(&credentials(), &to, &outgoing, "env-1").await
}

#[tokio::test]
async fn a_message_is_accepted() {
    let answer =
        json!({"messaging_product": "whatsapp", "contacts": [{"input": "+33612345678", "wa_id": "33612345678"}],
        "messages": [{"id": "wamid.1", "message_status": "held_for_quality_assessment"}]})
        .to_string();
    let (client, seen) = client(&[(200, &answer), (200, "{\"success\":true}")]).await;
    let accepted = SendResult::Accepted {
        wamid: "wamid.1".to_owned(),
        wa_id: Some("33612345678".to_owned()),
        user_id: None,
        held: true,
    };
    assert_eq!(send(&client).await, accepted);
    assert_eq!(client.mark_read(&credentials(), "wamid.2", true).await, SendResult::Marked);
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0].0.as_str(), seen[0].1.as_str()), ("POST /v25.0/77/messages", "Bearer s3cret"));
    assert_eq!((&seen[0].2["to"], &seen[0].2["biz_opaque_callback_data"]), (&json!("+33612345678"), &json!("env-1")));
    assert_eq!(seen[1].2["status"], "read");
}

#[tokio::test]
async fn an_answer_is_a_refusal_only_when_nothing_can_have_gone_out() {
    let error = |code: i64| json!({"error": {"code": code, "message": "m"}}).to_string();
    let (unknown, known) = ("unknown", "refused");
    let cases = [
        (400, error(131_056), known),
        (503, error(131_056), known),
        (500, error(3), known),
        (401, error(190), known),
        (400, error(131_026), known),
        (400, error(99_999), known),
        (403, "<html>proxy</html>".to_owned(), known),
        (307, String::new(), known),
        (400, error(131_000), unknown),
        (500, error(131_000), unknown),
        (503, error(2), unknown),
        (500, error(99_999), unknown),
        (502, "<html>Bad Gateway</html>".to_owned(), unknown),
        (408, String::new(), unknown),
        (200, "<html>ok</html>".to_owned(), unknown),
        (200, "{\"messages\":[]}".to_owned(), unknown),
        (200, "{\"messages\":[{\"id\":null}]}".to_owned(), unknown),
        (200, String::new(), unknown),
    ];
    for (status, body, expected) in cases {
        let (client, seen) = client(&[(status, &body)]).await;
        let found = match send(&client).await {
            SendResult::Refused(_) => known,
            SendResult::Unknown { .. } => unknown,
            other => panic!("{status} {body}: {other:?}"),
        };
        assert_eq!(found, expected, "{status} {body}");
        assert_eq!(seen.lock().unwrap().len(), 1, "nothing is sent twice");
    }
    let (client, _) = client(&[(400, &error(131_056))]).await;
    let SendResult::Refused(error) = send(&client).await else { panic!("a refusal was expected") };
    assert_eq!(error.remedy(2), Remedy::RetryAfter { seconds: 16 });
}

#[tokio::test]
async fn no_connection_is_not_sent_and_a_broken_one_is_unknown() {
    // a port on which nothing listens any more
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let nobody = send(&client_of(&address)).await;
    assert!(matches!(&nobody, SendResult::NotSent { why } if why.starts_with("no connection")), "{nobody:?}");
    let nowhere = send(&client_of("http://nothing.invalid")).await;
    assert!(matches!(nowhere, SendResult::NotSent { .. }), "{nowhere:?}");

    // reads the request, then: closes, closes in the middle of the answer, stays silent
    for reply in [Some(&b""[..]), Some(&b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"messages\""[..]), None] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = client_of(&format!("http://{}", listener.local_addr().unwrap()));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                match reply {
                    Some(bytes) => stream.write_all(bytes).await.unwrap(),
                    None => tokio::time::sleep(Duration::from_secs(5)).await,
                }
            }
        });
        let found = send(&client).await;
        assert!(matches!(&found, SendResult::Unknown { why, .. } if !why.contains("127.0.0.1")), "{found:?}");
    }
}

#[tokio::test]
async fn an_account_can_be_read() {
    let page = |name: &str, next: bool| {
        let mut page = json!({"data": [{"id": "1", "name": name, "language": "fr", "status": "APPROVED", "category": "MARKETING",
            "components": [{"type": "BODY", "text": "x"}]}], "paging": {"cursors": {"before": "b", "after": name}}});
        if next {
            page["paging"]["next"] = json!("https://elsewhere.example/?access_token=s3cret");
        }
        page.to_string()
    };
    let (client, seen) = client(&[
        (200, &json!({"data": {"is_valid": true, "app_id": "5", "expires_at": 0, "scopes": ["whatsapp_business_messaging"], "type": "SYSTEM_USER"}}).to_string()),
        (200, &json!({"id": "77", "quality_rating": "GREEN", "verified_name": "Acme", "throughput": {"level": "STANDARD"}}).to_string()),
        (200, &json!({"data": [{"whatsapp_business_api_data": {"id": "5", "name": "Relais", "link": "x"}}]}).to_string()),
        (200, &page("first", true)),
        (200, &page("second", false)),
        (400, "{\"error\":{\"code\":100,\"message\":\"nonexisting field\"}}"),
    ]).await;
    let token = client.token_info("s3cret").await.unwrap();
    assert!(
        token.is_valid
            && token.scopes == ["whatsapp_business_messaging"]
            && token.kind.as_deref() == Some("SYSTEM_USER")
    );
    let number = client.phone_number(&credentials()).await.unwrap();
    assert_eq!((number.quality_rating.as_deref(), number.verified_name.as_deref()), (Some("GREEN"), Some("Acme")));
    assert_eq!(client.subscribed_apps("12", "s3cret").await.unwrap()[0].name.as_deref(), Some("Relais"));
    let templates = client.templates("12", "s3cret").await.unwrap();
    assert_eq!(templates.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(templates[0].body().as_deref(), Some("x"));
    let refused = client.subscribed_apps("12", "s3cret").await.unwrap_err();
    assert_eq!(refused.to_string(), "refused by Meta: error 100 (nonexisting field)");
    assert!(matches!(client.subscribed_apps("../me", "s3cret").await, Err(ReadError::NotAnId(_))));
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].0, "GET /v25.0/debug_token?input_token=s3cret");
    assert!(seen[4].0.ends_with("&limit=100&after=first"), "{}", seen[4].0);
}

#[tokio::test]
async fn options_ids_and_secrets() {
    let options = |base_url: &str, api_version: &str| {
        Client::new(&Options {
            base_url: base_url.to_owned(),
            api_version: api_version.to_owned(),
            ..Options::default()
        })
        .map(|client| client.url(&["77", "messages"]).unwrap().to_string())
        .map_err(|error| error.to_string())
    };
    assert_eq!(
        options("https://graph.facebook.com/", "v25.0").as_deref(),
        Ok("https://graph.facebook.com/v25.0/77/messages")
    );
    assert_eq!(
        options("http://127.0.0.1:8080/graph", "v30.1").as_deref(),
        Ok("http://127.0.0.1:8080/graph/v30.1/77/messages")
    );
    assert_eq!(options("graph.facebook.com", "v25.0").unwrap_err(), "base-url is not an http or https address");
    assert_eq!(options("ftp://x", "v25.0").unwrap_err(), "base-url is not an http or https address");
    for version in ["25.0", "v25", "v25.0/../x", ""] {
        assert_eq!(options("https://x.example", version).unwrap_err(), "api-version must look like v25.0");
    }
    assert!(!format!("{:?}", credentials()).contains("s3cret"));
    let elsewhere = Credentials { phone_number_id: "../me".to_owned(), ..credentials() };
    let result = client_of("http://127.0.0.1:1").mark_read(&elsewhere, "w", false).await;
    assert_eq!(result, SendResult::NotSent { why: "the phone number id is not an id".to_owned() });
}
