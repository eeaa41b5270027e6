//! `relais conversations`: list them, step through one, make a test of it, continue a parked one.

use std::process::ExitCode;

use clap::Subcommand;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::{fork, source::Where, to_the_second};
use crate::{
    model::{Asked, Direction, Envelope, EnvelopeState, Event, Payload, Transcript},
    store::{Dossier, LogEntry},
};

/// Subcommands of `relais conversations`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the latest conversations.
    List {
        /// Of one tenant only.
        #[arg(long)]
        tenant: Option<String>,
        /// Only those that wait for a human because their flow failed.
        #[arg(long)]
        parked: bool,
        /// So many at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: Where,
    },
    /// Show a conversation: its transcript or, turn by turn, what happened, what the flow saw and answered, what the
    /// host's policy made of it, what was sent and what came back.
    Show {
        /// Which.
        id: String,
        /// Step through its turns.
        #[arg(long)]
        turns: bool,
        /// Print one JSON object with everything; it holds personal data.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: Where,
    },
    /// Print a golden conversation made of a real one, the person masked: `… fork ID > conversations/x.toml`. Read it
    /// before you share it: what people write of themselves is masked only where it is their name, number or address.
    Fork {
        /// Which.
        id: String,
        #[command(flatten)]
        at: Where,
    },
    /// Continue a conversation that was parked after faults, once its flow is mended.
    Retry {
        /// Which.
        id: String,
        #[command(flatten)]
        at: Where,
    },
    /// Give a conversation back to its flow, which was silent since a human answered.
    Resume {
        /// Which.
        id: String,
        #[command(flatten)]
        at: Where,
    },
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { tenant, parked, limit, json, at } => {
            let found = at.open()?.conversations(tenant.as_deref(), limit, parked).await?;
            if json {
                println!("{}", json!({ "conversations": found }));
            } else {
                found.iter().for_each(list);
            }
        }
        Command::Show { id, turns, json, at } => {
            let dossier = at.open()?.dossier(&id).await?;
            if json {
                println!("{}", serde_json::to_string(&dossier)?);
            } else {
                show(&dossier, turns);
            }
        }
        Command::Fork { id, at } => print!("{}", fork::golden(&at.open()?.dossier(&id).await?)?.to_toml()?),
        Command::Retry { id, at } => {
            at.open()?.retry(&id).await?;
            println!("continues {id}");
        }
        Command::Resume { id, at } => {
            at.open()?.resume(&id).await?;
            println!("given back to its flow: {id}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(conversation: &Value) {
    let text = |member: &str| conversation.get(member).and_then(Value::as_str).unwrap_or("-").to_owned();
    let number = |member: &str| conversation.get(member).and_then(Value::as_u64).unwrap_or(0);
    let parked = conversation.pointer("/parked/kind").and_then(Value::as_str);
    println!(
        "{}  {}/{}  {:<14} {} turns, last {}{}",
        text("conversation"),
        text("tenant"),
        text("flow"),
        text("status"),
        number("turns"),
        to_the_second(&text("last_activity_at")),
        parked.map(|kind| format!("  PARKED ({kind})")).unwrap_or_default(),
    );
}

fn show(dossier: &Dossier, turns: bool) {
    let conversation = &dossier.past.conversation;
    println!("{}  {}/{}", conversation.id, conversation.tenant, conversation.flow);
    println!("version {}, begun {}", conversation.version, conversation.created_at);
    if let Some(parked) = &conversation.parked {
        println!("PARKED: {} ({}); {} events held", parked.message, parked.kind.name(), conversation.held.len());
    }
    if !turns {
        println!("\n{}", Transcript::new(conversation, &dossier.lines).render());
        return;
    }
    let zone = TimeZone::get(&conversation.timezone).unwrap_or(TimeZone::UTC);
    for entry in &dossier.past.log {
        step(entry, dossier, &zone);
    }
}

/// One turn.
fn step(entry: &LogEntry, dossier: &Dossier, zone: &TimeZone) {
    let when = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let version = entry.version.as_str().get(..12).unwrap_or_default();
    println!("\n── turn {} · {} · version {version}", entry.turn, when(entry.at));
    println!("   event    {}", event(&entry.event));
    for call in &entry.calls {
        let input = |pointer: &str| call.input.pointer(pointer).filter(|value| !value.is_null());
        println!("   asked    {} ({} µs)", call.function, call.micros);
        for (name, pointer) in [("state", "/state"), ("notes", "/context/notes"), ("occasion", "/occasion")] {
            if let Some(value) = input(pointer) {
                println!("     saw      {name} {value}");
            }
        }
        for slots in &call.slots {
            println!("     saw      {} free slots", slots.len());
        }
        for (level, line) in &call.lines {
            println!("     log      {level}: {line}");
        }
        match call.output.get("actions").and_then(Value::as_array) {
            Some(actions) => {
                actions.iter().for_each(|action| println!("     answered {action}"));
                println!("     state    {}", call.output.get("state").unwrap_or(&Value::Null));
            }
            None => println!("     answered {}", call.output),
        }
    }
    entry.policy.iter().for_each(|what| println!("   policy   {what}"));
    if let Some(fault) = &entry.fault {
        println!("   fault    {}: {}", fault.kind.name(), fault.message);
        fault.trace.lines().for_each(|line| println!("            {line}"));
    }
    let prefix = format!("{}-{}-", dossier.past.conversation.id, entry.turn);
    for envelope in dossier.envelopes.iter().filter(|envelope| envelope.id.as_str().starts_with(&prefix)) {
        sent(envelope, dossier, &when);
    }
}

fn event(event: &Event) -> String {
    match event {
        Event::MessageReceived { messages } => {
            let texts: Vec<String> = messages.iter().map(|message| format!("{:?}", message.content.shown())).collect();
            format!("message-received {}", texts.join(", "))
        }
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

/// What left the house, and what came back.
fn sent(envelope: &Envelope, dossier: &Dossier, when: &dyn Fn(Timestamp) -> String) {
    let what = match &envelope.payload {
        Payload::Message(message) => {
            let text =
                message.text.clone().or_else(|| message.template.as_ref().map(|template| template.shown.clone()));
            format!("message {:?}", text.unwrap_or_default())
        }
        Payload::Callback(callback) => format!("callback to {}: {}", callback.endpoint, callback.body),
        Payload::Acknowledgement(shown) if shown.typing => "read, typing…".to_owned(),
        Payload::Acknowledgement(_) => "read".to_owned(),
        Payload::Question(question) => match &question.to {
            Asked::Model { input, .. } => format!("question to the model: {input:?}"),
            Asked::Endpoint { endpoint, body } => format!("question to {endpoint}: {body}"),
        },
    };
    println!("   sends    {what}");
    let state = match &envelope.state {
        EnvelopeState::Sent { at, wamid, .. } => {
            let receipts = &dossier.past.conversation.receipts;
            let receipt = wamid.as_ref().and_then(|wamid| receipts.get(wamid));
            let receipt = receipt.map(|receipt| format!(", {receipt:?}").to_lowercase()).unwrap_or_default();
            format!("sent {}{receipt}", when(*at))
        }
        EnvelopeState::Queued => format!("waits until {}", when(envelope.not_before)),
        EnvelopeState::Claimed { at } => format!("under way since {}", when(*at)),
        EnvelopeState::Unknown { since } => format!("result not known, tried {}", when(*since)),
        EnvelopeState::Answered { at, body: Ok(body) } => format!("answered {}: {body}", when(*at)),
        EnvelopeState::Answered { at, body: Err(why) } => format!("no answer {}: {why}", when(*at)),
        EnvelopeState::Dropped { reason } => format!("dropped: {reason}"),
        EnvelopeState::Parked { reason } => format!("parked: {reason}"),
    };
    println!("     came     {state} ({} attempts)", envelope.attempts);
    if let EnvelopeState::Sent { wamid: Some(wamid), .. } = &envelope.state {
        let shown =
            dossier.lines.iter().find(|line| line.direction == Direction::Out && line.wamid.as_ref() == Some(wamid));
        if let Some(line) = shown {
            println!("     as       {:?}", line.text);
        }
    }
}
