//! `relais chat`: be the lead, in the terminal.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    flow::{conversations_in, tenants_of},
    show::Show,
};
use crate::{
    flows::TenantFolder,
    model::{Conversation, ConversationId, Status},
    simulator,
    stage::{Cast, Entry, EntryKind, Golden, Mark, Media, Moment, Stage, Step, Told, When},
};

/// How long an answer may take on the virtual clock: the silence that ends a burst, and a human pause.
const ANSWER: SignedDuration = SignedDuration::from_mins(5);
/// How long the first message may take: contact hours may have to begin.
const OPENING: SignedDuration = SignedDuration::from_hours(24 * 5);
/// What follows an answer at once: its callback.
const SETTLE: SignedDuration = SignedDuration::from_secs(5);

const HELP: &str = "\
Whatever you write is what the lead writes. Beside it:
  /wait 2h        let time pass (also 13:30, or \"2025-10-08 13:30\")
  /tap 1          tap a button, by its number or its words
  /send voice     send what is no text: voice, image, video, document, sticker, location
  /react 👍       put an emoji on the last message
  /stop           write STOP
  /status         what is known of the conversation
  /save FILE      write what was said as a golden conversation, for `relais flow test`
  /quit           leave";

/// Arguments of `relais chat`.
#[derive(Debug, Parser)]
#[command(after_help = HELP)]
pub(in crate::commands) struct Args {
    /// A flow's folder, or a tenant's.
    folder: PathBuf,
    /// The flow, when the tenant has several.
    #[arg(long)]
    flow: Option<String>,
    /// When the CRM hands the lead over, on the tenant's clock, such as "2025-10-08 09:31" [default: now].
    #[arg(long)]
    begin: Option<String>,
    /// What the CRM posts, as JSON; what is left out is made up [default: the lead of the flow's first golden
    /// conversation, if the CRM has words of its own].
    #[arg(long)]
    lead: Option<String>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Something that has come.
enum News {
    Said(simulator::Received),
    Told(Told),
}

/// A chat under way.
struct Chat {
    stage: Stage,
    cast: Cast,
    conversation: ConversationId,
    person: simulator::Person,
    heard: usize,
    told: usize,
    failed: usize,
    show: Show,
    is_json: bool,
    is_terminal: bool,
    begin: Timestamp,
    lead: Value,
    /// What was said, to be saved.
    steps: Vec<Step>,
    /// The time of the step before.
    before: Timestamp,
}

pub(in crate::commands) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut chat = begin(&args).await?;
    chat.listen_until(OPENING, true).await?;
    let (sender, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    loop {
        if chat.is_terminal {
            print!("> ");
            std::io::stdout().flush()?;
        }
        let line = tokio::select! {
            line = lines.recv() => line,
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(line) = line else { break };
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if matches!(line, "/quit" | "/exit" | "/q") {
            break;
        }
        if let Err(error) = chat.obey(line).await {
            // A slip of the keyboard ends a script, not a talk.
            if !chat.is_terminal {
                return Err(error);
            }
            println!("cannot {error:#}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks the flow, and hands the lead over.
async fn begin(args: &Args) -> anyhow::Result<Chat> {
    let tenants = tenants_of(&args.folder)?;
    let [tenant] = tenants.as_slice() else {
        bail!("choose a tenant: name the folder of one in {}", args.folder.display())
    };
    let cast = match Cast::check(&Cast::sandbox()?, tenant).await? {
        Ok(cast) => cast,
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            bail!("talk with {}; mend it first:\n{}", tenant.id, problems.join("\n"));
        }
    };
    let flow = match (&args.flow, cast.flows.as_slice(), &cast.tenant.default_flow) {
        (Some(flow), ..) => flow.clone(),
        (None, [only], _) => only.flow.to_string(),
        (None, _, Some(default)) => default.to_string(),
        (None, several, None) => {
            let names: Vec<&str> = several.iter().map(|loaded| loaded.flow.as_str()).collect();
            bail!("choose a flow: write --flow with one of {}", names.join(", "));
        }
    };
    let zone = cast.tenant.zone.clone();
    let begin = match &args.begin {
        None => Timestamp::now(),
        Some(text) => serde_json::from_value::<Moment>(Value::from(text.as_str()))
            .with_context(|| format!("read --begin {text:?}"))?
            .instant(&zone),
    };
    let written = args.lead.as_deref().unwrap_or("{}");
    let mut lead: Value = serde_json::from_str(written).context("read --lead as JSON")?;
    ensure!(lead.is_object(), "read --lead: write an object, such as '{{\"name\": \"Claire Martin\"}}'");
    if let Value::Object(fields) = &mut lead {
        for (key, value) in [("crm_contact_id", "CRM_1"), ("phone_number", "+33612345604")] {
            fields.entry(key).or_insert_with(|| Value::from(value));
        }
    }
    let stage = Stage::rehearse(&cast, begin).await?;
    let (mut status, mut body) = stage.offer_lead(cast.tenant.id.as_str(), Some(&flow), &lead).await?;
    if status == 422
        && args.lead.is_none()
        && let Some(golden) = golden_lead(tenant, &flow)?
    {
        (status, body) = stage.offer_lead(cast.tenant.id.as_str(), Some(&flow), &golden).await?;
        lead = golden;
    }
    ensure!(status == 202, "hand the lead over: {status} {body}; name the CRM's fields with --lead");
    let id = body.get("conversation_id").and_then(Value::as_str).unwrap_or_default();
    let conversation = stage.host.store.conversation(&ConversationId::new(id)).await?;
    let conversation = conversation.with_context(|| format!("find conversation {id}"))?;
    let person = stage.simulator.person(conversation.lead.phone.as_e164());
    let is_terminal = std::io::stdin().is_terminal() && !args.json;
    if is_terminal {
        println!("You are the lead of {} ({flow}). /help says what else can be done.\n", cast.tenant.name);
    }
    Ok(Chat {
        conversation: conversation.id,
        person,
        heard: 0,
        told: 0,
        failed: 0,
        show: Show::new(zone),
        is_json: args.json,
        is_terminal,
        begin,
        lead,
        steps: Vec::new(),
        before: begin,
        stage,
        cast,
    })
}

/// The lead of a flow's first golden conversation.
fn golden_lead(tenant: &TenantFolder, flow: &str) -> anyhow::Result<Option<Value>> {
    let Some((_, folder)) = tenant.flows.iter().find(|(id, _)| id.as_str() == flow) else { return Ok(None) };
    let Some(path) = conversations_in(folder)?.into_iter().next() else { return Ok(None) };
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(Golden::read(&path.to_string_lossy(), &text).ok().map(|golden| golden.lead))
}

impl Chat {
    /// Does what a line asks for.
    async fn obey(&mut self, line: &str) -> anyhow::Result<()> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match word {
            "/help" => println!("{HELP}"),
            "/wait" => {
                let when = serde_json::from_value::<When>(Value::from(rest))
                    .with_context(|| format!("read {rest:?} after /wait"))?;
                let now = self.stage.clock.now();
                let until = when.instant(now, &self.cast.tenant.zone);
                ensure!(until >= now, "go back to {rest}: it is {} already", self.show.clock(now));
                self.listen_until(until.duration_since(now), false).await?;
            }
            "/status" => self.status().await?,
            "/save" => self.save(rest)?,
            "/stop" => self.say("STOP").await?,
            "/tap" => {
                let title = self.title_of(rest);
                ensure!(self.person.tap(&title).is_some(), "tap {rest:?}: the last message has no such button");
                self.did(Step { tap: Some(title.clone()), ..Step::default() }, format!("[{title}]"));
                self.listen_until(ANSWER, true).await?;
            }
            "/send" => {
                let media: Media = serde_json::from_value(Value::from(rest)).with_context(|| {
                    format!("send {rest:?}: write voice, image, video, document, sticker or location")
                })?;
                match media {
                    Media::Location => self.person.send_location(48.8566, 2.3522, None),
                    Media::Unsupported => self.person.send_unsupported(),
                    other => self.person.send_media(other.name(), None),
                };
                self.did(Step { sends: Some(media), ..Step::default() }, format!("[{}]", media.name()));
                self.listen_until(ANSWER, true).await?;
            }
            "/react" => {
                let seen = self.person.seen();
                let last = seen.last().context("react: there is no message yet")?;
                self.person.react(&last.wamid, rest);
                self.did(Step { reacts: Some(rest.to_owned()), ..Step::default() }, rest.to_owned());
                self.listen_until(ANSWER, true).await?;
            }
            _ if word.starts_with('/') => bail!("do {word}: /help says what can be done"),
            _ => self.say(line).await?,
        }
        Ok(())
    }

    async fn say(&mut self, text: &str) -> anyhow::Result<()> {
        self.person.write(text);
        self.did(Step::client(text), text.to_owned());
        self.listen_until(ANSWER, true).await
    }

    /// Remembers and shows what the person did.
    fn did(&mut self, step: Step, shown: String) {
        let now = self.stage.clock.now();
        self.keep(step, now);
        self.put(EntryKind::Client, now, shown, &[], &json!({}));
    }

    /// Lets time pass, for `pause` or until something was said, and shows what happens.
    async fn listen_until(&mut self, pause: SignedDuration, until_answered: bool) -> anyhow::Result<()> {
        let until = later(self.stage.clock.now(), pause);
        loop {
            let (person, heard) = (self.person.clone(), self.heard);
            self.stage.pass_while(until, || person.seen_count() <= heard).await;
            let has_come = self.person.seen_count() > self.heard;
            if has_come && until_answered {
                self.stage.pass_until(later(self.stage.clock.now(), SETTLE)).await;
            }
            self.tell();
            if !has_come || until_answered {
                if until_answered && !has_come && self.is_terminal {
                    println!("    {}", self.show.dim("(nothing is said; /wait 2h lets more time pass)"));
                }
                return Ok(());
            }
        }
    }

    /// Shows what has come, in order of time; then faults.
    fn tell(&mut self) {
        let messages = self.person.seen().into_iter().skip(self.heard).map(|message| (message.at, News::Said(message)));
        let told = self.stage.told(&self.conversation).into_iter().skip(self.told);
        let mut news: Vec<(Timestamp, News)> = messages.chain(told.map(|told| (told.at, News::Told(told)))).collect();
        news.sort_by_key(|(at, _)| *at);
        for (_, news) in news {
            match news {
                News::Said(message) => self.tell_message(message),
                News::Told(told) => self.tell_status(&told),
            }
        }
        for fault in self.stage.faults(&self.conversation).into_iter().skip(self.failed) {
            self.failed += 1;
            let now = self.stage.clock.now();
            self.put(EntryKind::Note, now, format!("the flow failed: {fault}"), &[], &json!({}));
        }
    }

    fn tell_message(&mut self, message: simulator::Received) {
        self.heard += 1;
        let titles: Vec<String> = message.buttons.iter().map(|button| button.title.clone()).collect();
        let buttons = (!titles.is_empty()).then(|| titles.clone());
        self.keep(Step { buttons, ..Step::agent(&message.text) }, message.at);
        self.put(EntryKind::Agent, message.at, message.text, &titles, &json!({ "template": message.template }));
    }

    fn tell_status(&mut self, told: &Told) {
        self.told += 1;
        let meeting = told.meeting.as_ref().filter(|_| told.status == Status::MeetingBooked);
        let start = meeting.map(|meeting| meeting.slot.start);
        if told.status.is_final() {
            let meeting = start.map(|at| Moment::wall(at, &self.cast.tenant.zone));
            let step = Step { status: Some(told.status), reason: told.reason.clone(), meeting, ..Step::default() };
            self.keep(step, told.at);
        }
        let mut text = told.status.name().to_owned();
        for more in [told.reason.clone(), start.map(|at| self.show.clock(at))].into_iter().flatten() {
            text = format!("{text} {more}");
        }
        let bodies = json!({ "status": told.status, "reason": told.reason, "callbacks": told.bodies });
        self.put(EntryKind::Crm, told.at, text, &[], &bodies);
    }

    /// Everything that is known of the conversation.
    async fn status(&self) -> anyhow::Result<()> {
        let found = self.stage.host.store.conversation(&self.conversation).await?;
        let known: Conversation = found.context("find the conversation")?;
        let now = self.stage.clock.now();
        let zone = &self.cast.tenant.zone;
        let start = known.meeting.as_ref().map(|meeting| Moment::wall(meeting.slot.start, zone).to_string());
        let facts = json!({
            "type": "known",
            "now": Moment::wall(now, zone).to_string(),
            "status": known.outcome.or(known.last_status),
            "meeting": start,
            "notes": known.notes,
            "summary": known.summary,
            "tags": known.tags,
            "handed-over": known.handed_over,
            "parked": known.parked.map(|fault| fault.message),
        });
        if self.is_json {
            println!("{facts}");
            return Ok(());
        }
        let facts: BTreeMap<String, Value> = serde_json::from_value(facts)?;
        for (key, value) in facts.iter().filter(|(key, value)| *key != "type" && !is_nothing(value)) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            println!("    {}", self.show.dim(&format!("{key}: {value}")));
        }
        Ok(())
    }

    fn save(&self, path: &str) -> anyhow::Result<()> {
        ensure!(!path.is_empty(), "save: name a file, such as conversations/mine.toml");
        ensure!(!std::path::Path::new(path).exists(), "save: {path} is there already");
        let zone = &self.cast.tenant.zone;
        let title = "A conversation from `relais chat`";
        let mut golden = Golden::new(title, Moment::wall(self.begin, zone), self.lead.clone());
        golden.talk.clone_from(&self.steps);
        std::fs::write(path, golden.to_toml()?).with_context(|| format!("write {path}"))?;
        if !self.is_json {
            println!("    {}", self.show.dim(&format!("saved; relais flow test {path} plays it")));
        }
        Ok(())
    }

    /// Keeps a step, with its time where the usual pause would not bring it.
    fn keep(&mut self, step: Step, at: Timestamp) {
        let pause = at.duration_since(self.before);
        let is_theirs = step.client.is_some() || step.tap.is_some() || step.sends.is_some() || step.reacts.is_some();
        let when = if is_theirs {
            Some(When::After(SignedDuration::from_secs(pause.as_secs().max(0))))
        } else {
            // What comes by itself, after minutes: a follow-up, a reminder.
            let minute =
                at.round(jiff::TimestampRound::new().smallest(jiff::Unit::Minute).mode(jiff::RoundMode::Trunc));
            let minute = minute.unwrap_or(at);
            (pause > ANSWER).then(|| When::At(Moment::wall(minute, &self.cast.tenant.zone)))
        };
        self.before = self.before.max(at);
        self.steps.push(Step { at: when, ..step });
    }

    fn title_of(&self, wanted: &str) -> String {
        let seen = self.person.seen();
        let offered = seen.iter().rev().find(|message| !message.buttons.is_empty());
        let at = wanted.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let titled = offered.zip(at).and_then(|(message, at)| message.buttons.get(at));
        titled.map_or_else(|| wanted.to_owned(), |button| button.title.clone())
    }

    fn put(&self, kind: EntryKind, at: Timestamp, text: String, buttons: &[String], more: &Value) {
        if self.is_json {
            let kind_name = match kind {
                EntryKind::Client | EntryKind::Agent => "message",
                EntryKind::Crm => "status",
                EntryKind::Note => "fault",
            };
            let at = at.to_zoned(self.cast.tenant.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
            let mut object = json!({ "type": kind_name, "at": at, "text": text });
            if let Value::Object(object) = &mut object {
                if kind_name == "message" {
                    object.insert("from".to_owned(), serde_json::to_value(kind).unwrap_or_default());
                    object.insert("buttons".to_owned(), json!(buttons));
                }
                object.extend(more.as_object().cloned().unwrap_or_default());
            }
            println!("{object}");
            return;
        }
        // The terminal shows already what was typed there.
        if self.is_terminal && kind == EntryKind::Client {
            return;
        }
        let mut text = text;
        for (number, title) in buttons.iter().enumerate() {
            text = format!("{text}\n[{}] {title}", number + 1);
        }
        let entry = Entry { at: Some(at), who: None, kind, mark: Mark::Same, text, line: None };
        println!("{}", self.show.entry(&entry));
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn later(at: Timestamp, pause: SignedDuration) -> Timestamp {
    at.checked_add(pause).unwrap_or(Timestamp::MAX)
}
