//! The integration guide's own conversation: the demonstration's output, and the log of it run again (P4).

use std::process::Command;

use relais::{simulator::Scenario, stage::Golden};
use serde_json::Value;

use super::scene::{Scene, at, repository, same_again};

/// The guide's texts, in order: agent and client.
fn transcript_lines(golden: &Golden) -> Vec<(&'static str, String)> {
    let transcript = golden.expect.transcript.as_deref().unwrap();
    transcript
        .lines()
        .filter_map(|line| {
            let (_, message) = line.split_once(" - ")?;
            message
                .strip_prefix("💬 Agent: ")
                .map(|text| ("out", text.to_owned()))
                .or_else(|| message.strip_prefix("👤 Client: ").map(|text| ("in", text.to_owned())))
        })
        .collect()
}

fn golden() -> Golden {
    let path = repository().join("flows/demo/solaire/conversations/guide.toml");
    Golden::read("guide.toml", &std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_demonstration_says_what_the_guide_says() {
    let output = Command::new(env!("CARGO_BIN_EXE_relais")).args(["demo", "--headless", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();

    let golden = golden();
    let said: Vec<(String, String)> = lines
        .iter()
        .filter(|line| line["type"] == "message")
        .map(|line| (line["direction"].as_str().unwrap().to_owned(), line["text"].as_str().unwrap().to_owned()))
        .collect();
    let expected: Vec<(String, String)> =
        transcript_lines(&golden).into_iter().map(|(who, text)| (who.to_owned(), text)).collect();
    assert_eq!(expected.len(), 22);
    assert_eq!(said, expected);

    let bodies: Vec<Value> =
        lines.iter().filter(|line| line["type"] == "callback").map(|line| line["body"].clone()).collect();
    assert_eq!(golden.expect.differences(&bodies), []);
    assert_eq!(bodies[0].to_string(), r#"{"crm_id":"CRM_123456","status":"FIRST_MESSAGE_DELIVERED"}"#);
    assert_eq!(bodies[3]["meeting"].to_string(), r#"{"start":"2025-10-09T14:30:00+02:00","timezone":"Europe/Paris"}"#);
    let keys: Vec<&String> = bodies[3].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 5);
    assert!(keys.iter().all(|key| {
        ["crm_id", "status", "meeting", "ai_summary", "conversation_transcript"].contains(&key.as_str())
    }));
    assert!(lines.iter().any(|line| line["type"] == "turn" && line["role"] == "qualification.advance"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_run_again_gives_the_same_bytes() {
    let golden = golden();
    let scene = Scene::beginning("rerun", at("2025-10-08T09:31:00+02:00"), Scenario::friendly()).await;
    assert_eq!(scene.stage.play("demo", None, &golden).await.unwrap().differences, []);
    assert_eq!(golden.expect.differences(&scene.callbacks()), []);

    let conversations = scene.stage.host.store.conversations(None, 10).await.unwrap();
    let [conversation] = conversations.as_slice() else { panic!("{} conversations", conversations.len()) };
    // 15 turns of the script, and two calls for each of the six callbacks.
    assert_eq!(same_again(&scene.stage, conversation).await.len(), 27);
}
