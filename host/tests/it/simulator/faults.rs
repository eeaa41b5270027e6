//! Every fault, on the wire.

use relais::{
    simulator::{Fault, Scenario, When},
    whatsapp::{self, Kind},
};
use serde_json::{Value, json};

use super::setting::{ALL_TOLD, ANA, NUMBER, START, Stage, TOKEN, addressed, intro};

/// Ana writes, gets the template, and hours pass.
async fn act(stage: &Stage) -> Result<(u16, String), String> {
    stage.ana.write("Bonjour é");
    stage.pass(0).await;
    let answer = stage.post(NUMBER, TOKEN, &addressed(&stage.ana.number(), intro())).await;
    stage.pass(3 * 3_600).await;
    answer.map_err(|error| error.to_string())
}

#[tokio::test]
async fn every_fault_is_seen_on_the_wire() {
    for fault in Fault::ALL.iter().chain(&[Fault::RefusedWith(131_042), Fault::FailedWith(131_048)]) {
        let mut scenario = Scenario::friendly().with(*fault, When::first(1));
        scenario.latency.hang_ms = 50;
        let brazil = *fault == Fault::WaIdRewriting;
        let stage = Stage::set_for(scenario, if brazil { "+5541988887777" } else { ANA }).await;
        check(*fault, &stage).await;
        for body in stage.door.bodies.lock().unwrap().iter() {
            let updates = whatsapp::decode(body).unwrap_or_else(|error| panic!("{fault}: {error}"));
            let strange = [Fault::UnknownType, Fault::UnknownField, Fault::ValueLevelErrors].contains(fault);
            let unread = |kind: &Kind| matches!(kind, Kind::Error(_) | Kind::Unsupported(_));
            assert!(strange || !updates.iter().any(|update| unread(&update.kind)), "{fault}: {updates:?}");
        }
        assert_eq!(stage.simulator.in_flight(), 0, "{fault}");
        stage.simulator.shutdown().await;
    }
}

async fn check(fault: Fault, stage: &Stage) {
    let failing = [Fault::FailedWithContacts, Fault::FailedWithoutContacts, Fault::FailedWaIdOnly];
    if failing.contains(&fault) {
        stage.ana.not_on_whatsapp();
    }
    if fault == Fault::StatusBeforeResponse {
        stage.post(NUMBER, TOKEN, &addressed(ANA, intro())).await.unwrap();
        assert_eq!(stage.statuses(), ["sent"], "though no time has passed");
        stage.pass(10).await;
        assert_eq!(stage.statuses(), ALL_TOLD);
        return;
    }
    let answer = act(stage).await;
    let code =
        answer.as_ref().ok().and_then(|(_, body)| serde_json::from_str::<Value>(body).ok()?["error"]["code"].as_i64());
    let status = answer.as_ref().ok().map(|(status, _)| *status);
    let (told, arrived) = (stage.statuses(), stage.ana.seen().len());
    let refused = |expected: i64, http: u16| {
        assert_eq!((code, status), (Some(expected), Some(http)), "{fault}");
        assert!(told.is_empty() && arrived == 0, "{fault}: {told:?}");
    };
    let failed = |expected: i64| {
        assert_eq!((status, stage.failure(), arrived), (Some(200), expected, 0), "{fault}");
        assert_eq!(told, ["failed"], "{fault}");
    };
    let messages = stage.items("messages");
    let contacts = || stage.values().iter().rfind(|value| value["statuses"].is_array()).unwrap()["contacts"].clone();
    let sent_anyway = || {
        assert_eq!((told.clone(), arrived), (ALL_TOLD.map(str::to_owned).to_vec(), 1), "{fault}");
        assert!(
            stage.items("statuses").iter().all(|status| status["biz_opaque_callback_data"] == "envelope-1"),
            "{fault}"
        );
    };
    match fault {
        Fault::AppRate => refused(4, 400),
        Fault::Throughput => refused(130_429, 400),
        Fault::PairRate => refused(131_056, 400),
        Fault::Portfolio => refused(131_048, 400),
        Fault::Refused131026 => refused(131_026, 400),
        Fault::Refused131047 => refused(131_047, 400),
        Fault::Refused131049 => refused(131_049, 400),
        Fault::Refused131050 => refused(131_050, 400),
        Fault::ServerError => refused(131_016, 503),
        Fault::NonJsonError => {
            let (status, body) = answer.unwrap();
            assert!(status == 502 && body.starts_with("<html>") && told.is_empty() && arrived == 0, "{body}");
        }
        Fault::ServerErrorAfterSend => {
            assert_eq!((code, status), (Some(131_000), Some(500)));
            sent_anyway();
        }
        Fault::LostResponse | Fault::Hang => {
            assert!(answer.is_err(), "{answer:?}");
            sent_anyway();
        }
        Fault::Failed131026 => failed(131_026),
        Fault::Failed131047 => failed(131_047),
        Fault::Failed131049 => failed(131_049),
        Fault::Failed131050 => failed(131_050),
        Fault::HeldThenReleased | Fault::HeldThenPaused => {
            let answer: Value = serde_json::from_str(&answer.unwrap().1).unwrap();
            assert_eq!(answer["messages"][0]["message_status"], "held_for_quality_assessment");
            if fault == Fault::HeldThenPaused {
                failed(132_015);
            } else {
                sent_anyway();
                let first: i64 = stage.items("statuses")[0]["timestamp"].as_str().unwrap().parse().unwrap();
                assert_eq!(first, START + 1_800, "after half an hour");
            }
        }
        Fault::DeliveredAfterFailed => assert_eq!(told, ["failed", "delivered", "read"]),
        Fault::FailedAfterDelivered => assert_eq!(told, ["sent", "delivered", "failed"]),
        Fault::NoStatus => assert!(told.is_empty() && arrived == 1),
        Fault::ReadWithoutDelivered => assert_eq!(told, ["sent", "read"]),
        Fault::Reorder => {
            assert_eq!(told, ["read", "delivered", "sent"]);
            let times: Vec<_> = stage.items("statuses").iter().map(|status| status["timestamp"].to_string()).collect();
            assert!(times[0] > times[2], "each with its own time: {times:?}");
        }
        Fault::RefusedWith(code) => refused(code, 400),
        Fault::FailedWith(code) => failed(code),
        Fault::StatusBeforeResponse => unreachable!(),
        Fault::FailedWithContacts => {
            assert_eq!(contacts()[0]["profile"]["name"], "Person 5604");
            failed(131_026);
        }
        Fault::FailedWithoutContacts => {
            assert!(contacts().is_null());
            failed(131_026);
        }
        Fault::FailedWaIdOnly => {
            assert_eq!(contacts(), json!([{"wa_id": "33612345604"}]));
            failed(131_026);
        }
        Fault::Duplicates => {
            assert_eq!(messages.len(), 2);
            assert_eq!(messages[0], messages[1]);
        }
        Fault::Batches => assert_eq!(messages.len(), 1),
        Fault::ResendWholeBatch => assert_eq!(messages.len(), 2, "though it was taken"),
        Fault::BsuidOnly => {
            assert!(messages[0]["from"].is_null() && messages[0]["from_user_id"] == stage.ana.user_id());
            for value in stage.values() {
                assert!(
                    value["contacts"][0]["wa_id"].is_null() && !value["contacts"][0]["user_id"].is_null(),
                    "{value}"
                );
            }
            assert!(
                stage
                    .items("statuses")
                    .iter()
                    .all(|s| s["recipient_id"].is_null() && s["recipient_user_id"].is_string())
            );
        }
        Fault::NumberChange => {
            assert_eq!(messages[1]["system"]["type"], "user_changed_number");
            let new = messages[1]["system"]["wa_id"].as_str().unwrap();
            assert_eq!(format!("+{new}"), stage.ana.number());
            assert_eq!(messages[1]["from"], "33612345604");
        }
        Fault::BsuidChange => {
            assert_eq!(messages[1]["system"]["type"], "user_changed_user_id");
            let change = &stage.items("user_id_update")[0]["user_id"];
            assert_eq!(change["current"], stage.ana.user_id());
            assert_eq!(change["previous"], messages[0]["from_user_id"]);
        }
        Fault::WaIdRewriting => {
            let answer: Value = serde_json::from_str(&answer.unwrap().1).unwrap();
            assert_eq!(answer["contacts"], json!([{"input": "+5541988887777", "wa_id": "554188887777"}]));
            assert_eq!(messages[0]["from"], "554188887777");
            assert_eq!(told, ALL_TOLD);
        }
        Fault::UnknownType => assert_eq!((messages.len(), &messages[0]["type"]), (2, &json!("hologram"))),
        Fault::UnknownField => {
            let fields: Vec<_> =
                stage.bodies().iter().map(|body| body["entry"][0]["changes"][0]["field"].clone()).collect();
            assert_eq!(fields[..2], [json!("hologram_update"), json!("messages")]);
        }
        Fault::ValueLevelErrors => {
            let value = &stage.values()[0];
            assert_eq!(
                (&value["errors"][0]["code"], &value["messages"][0]["type"]),
                (&json!(131_000), &json!("interactive"))
            );
            assert!(value["messages"][0]["interactive"].is_null());
        }
    }
}
