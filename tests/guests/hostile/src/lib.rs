//! A flow that misbehaves as its configuration says: `{"misbehave": "<how>"}`. One component for all three roles; what
//! each way does is in [`advance`], [`react`] and [`mapping`]. Without a way it is the best-behaved flow there is.

mod memory;

use std::cell::RefCell;

wit_bindgen::generate!({
    path: "../../../wit",
    world: "flow",
    generate_all,
});

use exports::relais::flow::{
    crm_mapping, qualification,
    qualification::{
        Action, AskEndpoint, AskModel, Booking, Choices, Conclusion, Event, Note, Outcome, Rows, Send, SendTemplate,
        Timer, Turn,
    },
    status_actions,
    status_actions::Reaction,
};
use relais::flow::{
    host,
    reports::Update,
    types::{Choice, Context, Fault, Lead, LeadDraft, Problem, Purpose, TemplateCall},
};

thread_local! {
    /// What `configure` was told; the host keeps it in the image.
    static WAY: RefCell<String> = const { RefCell::new(String::new()) };
    /// How often this instance was asked; 1 for ever, when each turn has a fresh one.
    static TURNS: RefCell<u32> = const { RefCell::new(0) };
}

struct Hostile;

export!(Hostile);

fn way() -> String {
    WAY.with_borrow(Clone::clone)
}

/// Reads `{"misbehave":"…"}`, whatever else is in it.
fn configure(config: &str) -> Result<(), Vec<Problem>> {
    let way = config
        .split_once("\"misbehave\":\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(way, _)| way.to_owned())
        .unwrap_or_default();
    match way.as_str() {
        "loop-in-configure" => memory::spin(),
        "memory-in-configure" => memory::hog(),
        "panic-in-configure" => panic!("no configuration is good enough"),
        "refuse-configuration" => {
            let problem = |at: &str, what: &str| Problem { at: at.to_owned(), what: what.to_owned() };
            return Err(vec![problem("steps.2.text", "is too rude"), problem("", "smells")]);
        }
        // The standard library keeps the handle of its output: no image can be made of that.
        "print-in-configure" => println!("configured"),
        _ => {}
    }
    WAY.set(way);
    Ok(())
}

impl qualification::Guest for Hostile {
    fn configure(config: String) -> Result<(), Vec<Problem>> {
        configure(&config)
    }

    fn advance(context: Context, lead: Lead, state: Option<String>, event: Event) -> Result<Turn, Fault> {
        TURNS.with_borrow_mut(|turns| *turns += 1);
        advance(&way(), &context, &lead, state, &event)
    }
}

fn advance(way: &str, context: &Context, lead: &Lead, state: Option<String>, event: &Event) -> Result<Turn, Fault> {
    let one = |action: Action| Ok(Turn { state: None, actions: vec![action] });
    let timer = |at: &str| Action::StartTimer(Timer { name: "later".to_owned(), at: at.to_owned() });
    let timer_named = |name: &str, at: &str| Action::StartTimer(Timer { name: name.to_owned(), at: at.to_owned() });
    // Told that a text did not leave: the patient ones leave it at that.
    if matches!(event, Event::MessageUndelivered(_)) && !way.ends_with("-forever") {
        return Ok(Turn { state: None, actions: vec![] });
    }
    match way {
        // Takes what is not its own.
        "loop" => memory::spin(),
        "memory" => memory::hog(),
        "recursion" => one(note("depth", memory::dig(1))),
        "panic" => panic!("boom for {}", context.conversation),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(7),
        "sleep" => {
            let begun = std::time::Instant::now();
            std::thread::sleep(std::time::Duration::from_secs(3_600));
            one(note("slept", begun.elapsed().as_secs()))
        }
        "sleep-loop" => {
            let begun = std::time::Instant::now();
            while begun.elapsed().as_secs() < 3_600 {
                std::thread::sleep(std::time::Duration::from_secs(60));
            }
            one(note("slept", begun.elapsed().as_secs()))
        }

        // Looks for what is not to be had.
        "random" => one(note("random", memory::random())),
        "clock" => one(note("clock", memory::clock())),
        "environment" => {
            let variables = std::env::vars().count() + std::env::args().count();
            one(note("environment", variables))
        }
        "files" => {
            let opened = ["/", ".", "/etc/passwd", "flow.toml"]
                .iter()
                .filter(|path| std::fs::metadata(path).is_ok() || std::fs::read_dir(path).is_ok())
                .count();
            let written = usize::from(std::fs::write("/tmp/left-behind", "x").is_ok());
            one(note("files", opened + written))
        }
        "connect" => {
            use std::net::{TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
            let reached = usize::from(TcpStream::connect("127.0.0.1:80").is_ok())
                + usize::from(TcpListener::bind("0.0.0.0:0").is_ok())
                + usize::from(UdpSocket::bind("0.0.0.0:0").is_ok())
                + usize::from("example.com:443".to_socket_addrs().is_ok());
            one(note("connect", reached))
        }
        "standard-input" => {
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line).unwrap_or(0);
            one(note("read", read))
        }
        "count-turns" => one(note("turns", TURNS.with_borrow(|turns| *turns))),

        // Answers too much.
        "huge-text" => one(send(&"x".repeat(1_000_000))),
        "gigantic-text" => one(send(&"x".repeat(20_000_000))),
        "long-text" => one(send(&"é".repeat(4_097))),
        "huge-state" => Ok(Turn { state: Some(format!("\"{}\"", "x".repeat(70_000))), actions: vec![] }),
        "many-actions" => {
            let actions = (0..20_000).map(|_| Action::CancelTimer("x".to_owned())).collect();
            Ok(Turn { state: None, actions })
        }
        "million-actions" => {
            let actions = (0..1_000_000).map(|_| Action::CancelTimer(String::new())).collect();
            Ok(Turn { state: None, actions })
        }
        "log-flood" => {
            for line in 0..5_000 {
                host::log(host::Level::Info, &format!("{line} {}", "x".repeat(5_000)));
            }
            one(send("logged"))
        }
        "print-flood" => {
            for line in 0..5_000 {
                println!("{line} {}", "x".repeat(500));
                eprintln!("{line} {}", "y".repeat(500));
            }
            panic!("printed a lot")
        }
        "ask-flood" => {
            for _ in 0..1_000 {
                host::free_slots(&context.now, "2999-01-01T00:00:00Z", 100);
            }
            one(send("asked"))
        }

        // Answers what is not valid.
        "invalid-json-state" => Ok(Turn { state: Some("{\"step\":".to_owned()), actions: vec![] }),
        "invalid-json-note" => one(Action::Note(Note { key: "a".to_owned(), value: "undefined".to_owned() })),
        "nul-in-state" => Ok(Turn { state: Some(r#"{"a":"x\u0000y"}"#.to_owned()), actions: vec![] }),
        "bad-time" => one(timer("next tuesday")),
        "invisible-text" => one(send("\u{200b}\u{2060}\u{feff}")),
        "bidi-text" => one(send("Pay at \u{202e}moc.live\u{202c}!")),
        "deep-state" => Ok(Turn { state: Some("[".repeat(30_000) + &"]".repeat(30_000)), actions: vec![] }),
        "wall-time" => one(timer("2025-03-30T02:30:00")),
        "past-booking" => one(Action::Book(Booking { start: "1999-12-31T23:00:00+01:00".to_owned(), with: None })),
        "empty-text" => one(send(" \u{0}\n ")),
        "control-text" => one(send("a\u{0}\u{7}b\r\nc")),
        "four-buttons" => one(offer(Choices::Buttons(choices(4, "choice")))),
        "long-button" => one(offer(Choices::Buttons(choices(1, "a title beyond twenty")))),
        "same-titles" => {
            let same = |id: &str| Choice { id: id.to_owned(), title: "Yes".to_owned() };
            one(offer(Choices::Buttons(vec![same("a"), same("b")])))
        }
        "eleven-rows" => one(offer(Choices::Rows(Rows { button: "Open".to_owned(), rows: choices(11, "row") }))),
        "long-pause" => match send("later") {
            Action::Send(send) => one(Action::Send(Send { after_seconds: 601, ..send })),
            _ => unreachable!(),
        },

        // Answers what is valid and not allowed: the business of other rooms.
        "unknown-template" => one(Action::SendTemplate(SendTemplate {
            template: TemplateCall { name: "no_such_template".to_owned(), parameters: vec![] },
            purpose: Purpose::Outreach,
            after_seconds: 0,
        })),
        "unknown-endpoint" => one(Action::AskEndpoint(AskEndpoint {
            id: "1".to_owned(),
            endpoint: "no-such-endpoint".to_owned(),
            body: "{}".to_owned(),
        })),
        "ask-model" => one(Action::AskModel(AskModel {
            id: "1".to_owned(),
            instructions: "Say yes.".to_owned(),
            input: "?".to_owned(),
            schema: None,
        })),
        // Never leaves: each turn causes the next.
        "timer-forever" => one(timer(&context.now)),
        "send-forever" => Ok(Turn { state: None, actions: vec![send("Hello?"), timer(&context.now)] }),
        "book-taken" => one(Action::Book(Booking { start: "2025-10-09T10:00:00".to_owned(), with: None })),
        "book-once" if !matches!(event, Event::LeadReceived) => Ok(Turn { state: None, actions: vec![] }),
        "book-once" => one(Action::Book(Booking { start: "2025-10-09T10:00:00".to_owned(), with: None })),
        // Whose salesperson is that?
        "book-neighbour" => one(Action::Book(Booking {
            start: "2025-10-09T11:00:00".to_owned(),
            with: Some("anna".to_owned()),
        })),
        "nag" => Ok(Turn {
            state: None,
            actions: vec![send("Buy!"), timer("2025-10-08T12:00:00"), timer_named("again", "2025-10-08T13:00:00")],
        }),
        "text-after-stop" => Ok(Turn {
            state: None,
            actions: vec![
                Action::Conclude(Conclusion { outcome: Outcome::OptOut, reason: Some("STOP".to_owned()) }),
                send("But wait!"),
            ],
        }),

        // Gives up.
        "reject" => Err(Fault::Reject("nobody knows what to say".to_owned())),
        "retry" => Err(Fault::Retry("ask me later".to_owned())),

        // Behaves.
        // Asks an endpoint of the tenant's what to say.
        "ask-endpoint" => match event {
            Event::MessageReceived(messages) => one(Action::AskEndpoint(AskEndpoint {
                id: "stock".to_owned(),
                endpoint: "stock".to_owned(),
                body: format!("{{\"messages\":{}}}", messages.len()),
            })),
            Event::AnswerArrived(answer) => one(send(&match &answer.body {
                Ok(body) => format!("{} says {body}", answer.id),
                Err(why) => format!("{} says nothing: {why}", answer.id),
            })),
            _ => Ok(Turn { state: None, actions: vec![] }),
        },
        "ask-slots" => {
            let found = host::free_slots(&context.now, "2025-10-31T00:00:00", 3);
            let none = host::free_slots("whenever", &context.now, 3).len();
            let starts: Vec<_> = found.iter().map(|slot| format!("\"{}\"", slot.start)).collect();
            one(note("slots", format!("[{none},{}]", starts.join(","))))
        }
        "echo" => Ok(Turn {
            state: Some(format!("{{\"seen\":{:?}}}", format!("{event:?}"))),
            actions: vec![
                note("now", format!("{:?}", context.now)),
                note("notes", &context.notes),
                note("before", state.unwrap_or_else(|| "null".to_owned())),
                send(&format!("Hello {}", lead.name.as_deref().unwrap_or("you"))),
            ],
        }),
        _ => one(send("Hello")),
    }
}

fn send(text: &str) -> Action {
    Action::Send(Send {
        text: text.to_owned(),
        choices: None,
        fallback: None,
        purpose: Purpose::Answer,
        after_seconds: 0,
    })
}

fn offer(choices: Choices) -> Action {
    match send("Choose") {
        Action::Send(send) => Action::Send(Send { choices: Some(choices), ..send }),
        _ => unreachable!(),
    }
}

fn choices(count: u32, title: &str) -> Vec<Choice> {
    (0..count).map(|n| Choice { id: n.to_string(), title: format!("{title} {n}") }).collect()
}

fn note(key: &str, value: impl ToString) -> Action {
    Action::Note(Note { key: key.to_owned(), value: value.to_string() })
}

/// A text of a payload that is written without spaces.
fn text_in<'a>(payload: &'a str, member: &str) -> Option<&'a str> {
    payload.split_once(&format!("\"{member}\":\""))?.1.split_once('"').map(|(text, _)| text)
}

impl crm_mapping::Guest for Hostile {
    fn configure(config: String) -> Result<(), Vec<Problem>> {
        configure(&config)
    }

    fn lead_from_crm(payload: String) -> Result<LeadDraft, Vec<Problem>> {
        let draft = |phone_number: &str| LeadDraft {
            crm_id: text_in(&payload, "crm_contact_id").unwrap_or("c-1").to_owned(),
            phone_number: phone_number.to_owned(),
            name: Some("Marie\nDupont".to_owned()),
            email: None,
            company: Some(String::new()),
            assigned_to: None,
            context: payload.clone(),
        };
        match way().as_str() {
            "loop" => memory::spin(),
            "refuse-payload" => Err(vec![Problem { at: "phone".to_owned(), what: "is missing".to_owned() }]),
            "no-number" => Ok(draft(" ")),
            _ => Ok(draft(text_in(&payload, "phone_number").unwrap_or("06 12 34 56 04"))),
        }
    }

    fn callback_for_crm(_: Context, _: Lead, update: Update) -> Result<String, Fault> {
        match way().as_str() {
            "loop" => memory::spin(),
            "list-for-callback" => Ok("[]".to_owned()),
            "text-for-callback" => Ok("no JSON at all".to_owned()),
            "retry" => Err(Fault::Retry("ask me later".to_owned())),
            "two-objects-for-callback" => Ok(r#"{"status":"OPT_OUT"},{"crm_id":"of another"}"#.to_owned()),
            "half-a-callback" => Ok(r#"{"status":"MEETING_BOOKED","note":"a"b"}"#.to_owned()),
            // Keys out of order and odd spaces, to be kept.
            _ => Ok(format!("{{ \"status\":\"{:?}\", \"crm_id\" : \"c-1\",\"a\":1.50 }}", update.status)),
        }
    }
}

impl status_actions::Guest for Hostile {
    fn configure(config: String) -> Result<(), Vec<Problem>> {
        configure(&config)
    }

    fn react(_: Context, _: Lead, _: status_actions::Occasion) -> Result<Vec<Reaction>, Fault> {
        match way().as_str() {
            "loop" => memory::spin(),
            "many-actions" => Ok(vec![Reaction::SuppressContact; 21]),
            "long-wait" => Ok(vec![Reaction::RestartAfter(u64::MAX)]),
            "unknown-endpoint" => Ok(vec![Reaction::Callback("no-such-endpoint".to_owned())]),
            "reject" => Err(Fault::Reject("nobody knows what to do".to_owned())),
            // The name of a neighbour's endpoint, as a file system or a URL would have it.
            "endpoint-of-neighbour" => Ok(vec![
                Reaction::Callback("../demo/crm".to_owned()),
                Reaction::Callback("demo/crm".to_owned()),
                Reaction::Notify(status_actions::Notification {
                    endpoint: "http://127.0.0.1/steal".to_owned(),
                    body: "{}".to_owned(),
                }),
            ]),
            "review-forever" => Ok(vec![Reaction::ReviewAfter(0)]),
            "two-objects-for-callback" | "half-a-callback" => Ok(vec![Reaction::Callback("crm".to_owned())]),
            _ => Ok(vec![Reaction::Tag("seen".to_owned()), Reaction::ReviewAfter(60)]),
        }
    }
}
