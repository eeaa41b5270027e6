//! What follows from a status, a schedule and a review.

#![expect(clippy::unwrap_used, reason = "a test that goes wrong shall stop where it does")]

use relais_sdk::{Meeting, Occasion, Reaction, Status, StatusActions, Update, parse, testing};
use relais_status_actions::Actions;

fn actions(config: &str) -> Actions {
    Actions::configure(parse(config).unwrap()).unwrap()
}

fn reached(status: Status) -> Occasion {
    Occasion::StatusReached(Update {
        status,
        reason: Some("SILENCE".to_owned()),
        meeting: (status == Status::MeetingBooked).then(|| Meeting {
            start: "2026-01-24T14:30:00+01:00".to_owned(),
            end: "2026-01-24T15:00:00+01:00".to_owned(),
            with: None,
            moves: 0,
        }),
        summary: Some("Résumé.".to_owned()),
        transcript: String::new(),
    })
}

fn react(actions: &Actions, occasion: &Occasion) -> Vec<Reaction> {
    let mut call = testing::call("2026-01-23T10:00:00+01:00");
    call.lead.name = Some("Ana".to_owned());
    call.context.last_status = Some(Status::NoOutcome);
    actions.react(&call, occasion).unwrap()
}

fn crm() -> Reaction {
    Reaction::Callback("crm".to_owned())
}

#[test]
fn by_default_each_status_is_told_and_an_opt_out_is_respected() {
    let default = actions("{}");
    for status in [Status::FirstMessageDelivered, Status::MeetingBooked, Status::NotReachable, Status::NoOutcome] {
        assert_eq!(react(&default, &reached(status)), [crm()]);
    }
    assert_eq!(react(&default, &reached(Status::OptOut)), [Reaction::SuppressContact, crm()]);
    assert_eq!(react(&default, &Occasion::ReviewDue), []);
}

#[test]
fn intermediate_statuses_and_the_review_are_switches() {
    let quiet = actions(r#"{"intermediate":false,"endpoint":"hub","review-after":"24h"}"#);
    assert_eq!(react(&quiet, &reached(Status::FirstMessageRead)), []);
    let told = [Reaction::Callback("hub".to_owned()), Reaction::ReviewAfter(86_400)];
    assert_eq!(react(&quiet, &reached(Status::NoOutcome)), told);
}

#[test]
fn rules_add_to_the_callback_or_replace_it() {
    let ruled = actions(
        r#"{"on":[{"status":"MEETING_BOOKED","moved":false,"notify":"slack","message":"{name}: {meeting} {oops","tag":["hot","rdv"]},
                  {"status":["NO_OUTCOME"],"reason":"SILENCE","callback":false,"restart-after":"3d"},
                  {"status":"NO_OUTCOME","reason":"OTHER","tag":"never"}],
            "on-schedule":[{"name":"morning","status":"NO_OUTCOME","notify":"slack"},{"name":"evening","tag":"never"}],
            "on-review":[{"status":"NO_OUTCOME","restart-after":"1h"},{"status":"OPT_OUT","tag":"never"}]}"#,
    );
    let booked = react(&ruled, &reached(Status::MeetingBooked));
    let Reaction::Notify(told) = &booked[1] else { panic!("{booked:?}") };
    assert_eq!(
        (told.endpoint.as_str(), told.body.as_str()),
        ("slack", r#"{"text":"Ana: 2026-01-24T14:30:00+01:00 {oops"}"#)
    );
    assert_eq!(booked[2..], [Reaction::Tag("hot".to_owned()), Reaction::Tag("rdv".to_owned())]);
    assert_eq!(react(&ruled, &reached(Status::NoOutcome)), [Reaction::RestartAfter(259_200)]);
    let morning = react(&ruled, &Occasion::ScheduleFired("morning".to_owned()));
    let [Reaction::Notify(facts)] = morning.as_slice() else { panic!("{morning:?}") };
    assert!(facts.body.contains(r#""status":"NO_OUTCOME""#), "{}", facts.body);
    assert_eq!(react(&ruled, &Occasion::ReviewDue), [Reaction::RestartAfter(3600)]);
}

#[test]
fn a_wrong_configuration_is_refused_where_it_is_wrong() {
    for (config, at) in [
        (r#"{"on":[{"status":"BOOKED"}]}"#, "on.0.status"),
        (r#"{"on":[{"tag":"x"}]}"#, "on.0.status"),
        (r#"{"on":[{"status":"OPT_OUT","message":"x"}]}"#, "on.0.notify"),
        (r#"{"on":[{"status":"OPT_OUT","notify":"a","body":{"x":["{nom}"]}}]}"#, "on.0.body"),
        (r#"{"on-schedule":[{"tag":"x"}]}"#, "on-schedule.0.name"),
        (r#"{"endpoint":""}"#, "endpoint"),
    ] {
        let problems = Actions::configure(parse(config).unwrap()).unwrap_err();
        assert_eq!((problems.len(), problems[0].at.as_str()), (1, at), "{problems:?}");
    }
    for (config, at) in
        [(r#"{"on":[{"statut":"OPT_OUT"}]}"#, "on.0.statut"), (r#"{"review-after":"one day"}"#, "review-after")]
    {
        assert_eq!(parse::<relais_status_actions::Config>(config).unwrap_err()[0].at, at);
    }
}
