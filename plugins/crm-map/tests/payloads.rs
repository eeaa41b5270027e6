//! The guide's payloads, and a CRM that has other words for everything.

#![expect(clippy::unwrap_used, reason = "a test that goes wrong shall stop where it does")]

use relais_crm_map::Mapping;
use relais_sdk::{Call, CrmMapping, Meeting, Status, Update, parse, testing};

fn mapping(config: &str) -> Mapping {
    Mapping::configure(parse(config).unwrap()).unwrap()
}

fn call() -> Call {
    let mut call = testing::call("2026-01-23T10:00:00+01:00");
    call.context.notes = r#"{"budget":3500,"need":"toiture","empty":null}"#.to_owned();
    call
}

fn update(status: Status) -> Update {
    Update {
        status,
        reason: Some("WHY".to_owned()),
        meeting: Some(Meeting {
            start: "2026-01-24T14:30:00+01:00".to_owned(),
            end: "2026-01-24T15:00:00+01:00".to_owned(),
            with: Some("Léa".to_owned()),
            moves: 1,
        }),
        summary: Some("Intéressé.".to_owned()),
        transcript: "…".to_owned(),
    }
}

#[test]
fn each_status_has_the_guides_body_to_the_byte() {
    let default = mapping("{}");
    let told = |status| default.callback_for_crm(&call(), &update(status)).unwrap();
    assert_eq!(
        told(Status::MeetingBooked),
        r#"{"crm_id":"CRM_123456","status":"MEETING_BOOKED","meeting":{"start":"2026-01-24T14:30:00+01:00","timezone":"Europe/Paris"},"ai_summary":"Intéressé.","conversation_transcript":"…"}"#
    );
    assert_eq!(
        told(Status::NotReachable),
        r#"{"crm_id":"CRM_123456","status":"NOT_REACHABLE","details":{"reason":"WHY"}}"#
    );
    assert_eq!(told(Status::OptOut), r#"{"crm_id":"CRM_123456","status":"OPT_OUT","details":{"reason":"WHY"}}"#);
    let without =
        r#"{"crm_id":"CRM_123456","status":"NO_OUTCOME","ai_summary":"Intéressé.","conversation_transcript":"…"}"#;
    assert_eq!(told(Status::NoOutcome), without);
    for (status, name) in [
        (Status::FirstMessageDelivered, "FIRST_MESSAGE_DELIVERED"),
        (Status::FirstMessageRead, "FIRST_MESSAGE_READ"),
        (Status::ResponseReceived, "RESPONSE_RECEIVED"),
    ] {
        assert_eq!(told(status), format!(r#"{{"crm_id":"CRM_123456","status":"{name}"}}"#));
    }

    let with_reason = mapping(r#"{"no-outcome-reason":true}"#);
    let body = with_reason.callback_for_crm(&call(), &update(Status::NoOutcome)).unwrap();
    assert!(body.contains(r#""status":"NO_OUTCOME","details":{"reason":"WHY"},"ai_summary""#), "{body}");
    let mut silent = update(Status::NoOutcome);
    silent.reason = None;
    assert_eq!(with_reason.callback_for_crm(&call(), &silent).unwrap(), without);
}

#[test]
fn a_crm_may_have_its_own_words() {
    let own = mapping(
        r#"{"lead":{"crm-id":"contact.id","phone-number":["contact.mobile","contact.phones.0"],"name":"contact.first + contact.last","context":"*"},
            "callback":{"crm-id":"contact.id","status":"contact.state","meeting-start":"rdv","meeting-timezone":"","transcript":"","meeting-moves":"moved"},
            "statuses":{"MEETING_BOOKED":"rdv_pris"},"constants":{"source":"relais"},"notes":{"extra.budget":"budget","extra.none":"empty"}}"#,
    );
    let payload = r#"{"contact":{"id":77,"phones":["06 12 34 56 78"],"first":"Ana","last":"Roux"}}"#;
    let lead = own.lead_from_crm(payload).unwrap();
    assert_eq!(
        (lead.crm_id.as_str(), lead.phone_number.as_str(), lead.name.as_deref()),
        ("77", "06 12 34 56 78", Some("Ana Roux"))
    );
    assert!(lead.context.contains(r#""first":"Ana""#), "{}", lead.context);
    assert_eq!(
        own.callback_for_crm(&call(), &update(Status::MeetingBooked)).unwrap(),
        r#"{"contact":{"id":"CRM_123456","state":"rdv_pris"},"rdv":"2026-01-24T14:30:00+01:00","ai_summary":"Intéressé.","moved":1,"extra":{"budget":3500},"source":"relais"}"#
    );
}

#[test]
fn the_guides_lead_with_and_without_optional_fields() {
    let default = mapping("{}");
    let lead = default
        .lead_from_crm(r#"{"crm_contact_id":"CRM_123456","phone_number":"+33612345678","ignored":[1]}"#)
        .unwrap();
    assert_eq!((lead.name, lead.context.as_str()), (None, "null"));
    let full = r#"{"crm_contact_id":1,"phone_number":"+33612345678","name":" Ana ","email":"","company":null,"assigned_to":42,"context":{"a":1}}"#;
    let lead = default.lead_from_crm(full).unwrap();
    assert_eq!(
        (lead.crm_id.as_str(), lead.name.as_deref(), lead.email, lead.assigned_to.as_deref()),
        ("1", Some("Ana"), None, Some("42"))
    );
    assert_eq!(lead.context, r#"{"a":1}"#);
}

#[test]
fn problems_name_the_field_and_the_remedy() {
    let default = mapping("{}");
    for (payload, at, what) in [
        (
            r#"{"crm_contact_id":"1"}"#,
            "phone_number",
            "missing: send the phone number as a text with its country code, such as \"+33612345678\"",
        ),
        (
            r#"{"crm_contact_id":"1","phone_number":33612345678}"#,
            "phone_number",
            "is a number: send the phone number as a text",
        ),
        (
            r#"{"crm_contact_id":{},"phone_number":"1"}"#,
            "crm_contact_id",
            "is an object: send the contact's identifier",
        ),
        (r#"{"crm_contact_id":" ","phone_number":"1"}"#, "crm_contact_id", "missing"),
        (r#"{"crm_contact_id":1.5,"phone_number":"1"}"#, "crm_contact_id", "is a number"),
        (
            r#"{"crm_contact_id":"1","phone_number":"1","name":["a"]}"#,
            "name",
            "is a list: send a text, or leave the field out",
        ),
        ("[]", "", "one JSON object"),
        ("{", "", "valid JSON"),
    ] {
        let problems = default.lead_from_crm(payload).unwrap_err();
        assert_eq!(problems.len(), 1, "{payload}: {problems:?}");
        assert_eq!(problems[0].at, at, "{payload}");
        assert!(
            problems[0].what.starts_with(what) || problems[0].what.contains(what),
            "{payload}: {}",
            problems[0].what
        );
    }
    assert_eq!(default.lead_from_crm("{}").unwrap_err().len(), 2);
}

#[test]
fn a_wrong_configuration_is_refused_where_it_is_wrong() {
    let refused = |config: &str| Mapping::configure(parse(config).unwrap()).unwrap_err();
    assert_eq!(refused(r#"{"statuses":{"BOOKED":"x"}}"#)[0].at, "statuses.BOOKED");
    assert_eq!(refused(r#"{"lead":{"phone-number":""}}"#)[0].at, "lead.phone-number");
    assert_eq!(refused(r#"{"callback":{"reason":"status"}}"#)[0].at, "callback.reason");
    assert_eq!(refused(r#"{"constants":{"meeting":1}}"#)[0].at, "constants.meeting");
    let unknown = parse::<relais_crm_map::Config>(r#"{"lead":{"phone":"x"}}"#).unwrap_err();
    assert_eq!(unknown[0].at, "lead.phone");
}
