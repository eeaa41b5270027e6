//! A small host: applies a flow's actions on a clock of its own, with the opening hours of the demonstration.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};
use relais_qualify::{Script, State};
use relais_sdk::{
    Action, Answer, AskModel, Call, Choices, Content, Event, Meeting, Message, Qualification, Slot, SlotTaken,
    TemplateCall, parse, testing,
};

const OFFSET: &str = "+02:00";

/// One line of the transcript.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) at: DateTime,
    pub(crate) agent: bool,
    pub(crate) text: String,
}

/// A conversation with the script.
pub(crate) struct Host {
    script: Script,
    templates: BTreeMap<String, String>,
    call: Call,
    state: Option<String>,
    pub(crate) now: DateTime,
    window_until: Option<DateTime>,
    pub(crate) timers: BTreeMap<String, DateTime>,
    pub(crate) lines: Vec<Line>,
    pub(crate) sent_templates: Vec<String>,
    pub(crate) choices: Vec<String>,
    pub(crate) concluded: Option<(String, Option<String>)>,
    pub(crate) handed_over: Option<String>,
    pub(crate) summary: String,
    pub(crate) blocked: Vec<DateTime>,
    /// What a model was asked.
    pub(crate) asked: Vec<AskModel>,
}

pub(crate) fn flow() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../flows/demo/solaire")
}

pub(crate) fn script_json(toml: &str) -> String {
    let value: toml::Value = toml::from_str(toml).unwrap();
    serde_json::to_string(&value).unwrap()
}

impl Host {
    /// The demonstration's flow at a wall time.
    pub(crate) fn demo(now: &str) -> Self {
        let script = std::fs::read_to_string(flow().join("script.toml")).unwrap();
        Self::with(&script, now)
    }

    pub(crate) fn with(script_toml: &str, now: &str) -> Self {
        let config = parse(&script_json(script_toml)).unwrap_or_else(|problems| panic!("{problems:?}"));
        let script = Script::configure(config).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let flow: toml::Value = toml::from_str(&std::fs::read_to_string(flow().join("flow.toml")).unwrap()).unwrap();
        let bodies = flow["templates"].as_table().unwrap().iter();
        let templates =
            bodies.map(|(name, template)| (name.clone(), template["body"].as_str().unwrap().to_owned())).collect();
        Self {
            script,
            templates,
            call: testing::call(""),
            state: None,
            now: now.parse().unwrap(),
            window_until: None,
            timers: BTreeMap::new(),
            lines: Vec::new(),
            sent_templates: Vec::new(),
            choices: Vec::new(),
            concluded: None,
            handed_over: None,
            summary: String::new(),
            blocked: Vec::new(),
            asked: Vec::new(),
        }
    }

    pub(crate) fn call_mut(&mut self) -> &mut Call {
        &mut self.call
    }

    pub(crate) fn meeting(&self) -> Option<&Meeting> {
        self.call.context.meeting.as_ref()
    }

    pub(crate) fn notes(&self) -> serde_json::Value {
        serde_json::from_str(&self.call.context.notes).unwrap()
    }

    pub(crate) fn state(&self) -> State {
        serde_json::from_str(self.state.as_deref().unwrap()).unwrap()
    }

    pub(crate) fn opens(&mut self) {
        self.turn(Event::LeadReceived);
    }

    /// The person writes at a wall time; the turn runs six seconds later. Gives what was answered.
    pub(crate) fn writes_at(&mut self, at: &str, text: &str) -> Vec<String> {
        let at: DateTime = at.parse().unwrap();
        self.run_until(at);
        self.lines.push(Line { at, agent: false, text: text.to_owned() });
        self.receives(at, Content::Text(text.to_owned()))
    }

    /// The person writes a minute after the last thing that happened.
    pub(crate) fn writes(&mut self, text: &str) -> Vec<String> {
        let at = self.now + 1.minute();
        self.writes_at(&at.to_string(), text)
    }

    pub(crate) fn receives(&mut self, at: DateTime, content: Content) -> Vec<String> {
        self.now = at + 6.seconds();
        self.window_until = Some(at + 24.hours());
        let message = Message { id: "wamid".to_owned(), at: instant(at), content };
        let before = self.lines.len();
        self.turn(Event::MessageReceived(vec![message]));
        let said = self.lines[before..].iter().filter(|line| line.agent).map(|line| line.text.clone()).collect();
        self.now = self.lines.last().map_or(self.now, |line| line.at.max(self.now));
        said
    }

    /// The model answers what it was asked last; gives what is said to the person.
    pub(crate) fn model_answers(&mut self, body: Result<serde_json::Value, String>) -> Vec<String> {
        self.model_answers_nth(self.asked.len() - 1, body)
    }

    pub(crate) fn model_answers_nth(&mut self, nth: usize, body: Result<serde_json::Value, String>) -> Vec<String> {
        let before = self.lines.len();
        let id = self.asked[nth].id.clone();
        self.turn(Event::AnswerArrived(Answer { id, body: body.map(|body| body.to_string()) }));
        self.lines[before..].iter().map(|line| line.text.clone()).collect()
    }

    /// Lets time pass; timers fire on the way.
    pub(crate) fn run_until(&mut self, until: DateTime) {
        while let Some((name, at)) = self.timers.iter().min_by_key(|(_, at)| **at).map(|(name, at)| (name.clone(), *at))
        {
            if at > until || self.concluded.is_some() && self.meeting().is_none() {
                break;
            }
            self.timers.remove(&name);
            self.now = self.now.max(at);
            self.turn(Event::TimerFired(name));
        }
        self.now = self.now.max(until);
    }

    pub(crate) fn turn(&mut self, event: Event) {
        let blocked = self.blocked.clone();
        let now = self.now;
        testing::set_free_slots(move |from, to, limit| free(now, &blocked, from, to, limit));
        self.call.context.now = instant(self.now);
        self.call.context.window_until = self.window_until.map(instant);
        let state = self.state.as_deref().map(|json| serde_json::from_str(json).unwrap()).unwrap_or_default();
        let turn = self.script.advance(&self.call, state, event).unwrap();
        self.state = turn.state_json().map(str::to_owned);
        for action in turn.actions().to_vec() {
            self.apply(action);
        }
    }

    fn apply(&mut self, action: Action) {
        match action {
            Action::Send(send) => {
                self.choices = match &send.choices {
                    Some(Choices::Buttons(list)) => list.iter().map(|choice| choice.id.clone()).collect(),
                    Some(Choices::Rows(rows)) => rows.rows.iter().map(|choice| choice.id.clone()).collect(),
                    None => Vec::new(),
                };
                let open = self.window_until.is_some_and(|until| self.now < until);
                match send.fallback {
                    Some(template) if !open => self.send_template(&template, send.after_seconds),
                    _ if open => self.agent(send.text, send.after_seconds),
                    _ => panic!("a free text outside the window: {}", send.text),
                }
            }
            Action::SendTemplate(send) => self.send_template(&send.template, send.after_seconds),
            Action::StartTimer(timer) => {
                self.timers.insert(timer.name, wall(&timer.at));
            }
            Action::CancelTimer(name) => {
                self.timers.remove(&name);
            }
            Action::Note(note) => {
                let mut notes = self.notes();
                notes[&note.key] = serde_json::from_str(&note.value).unwrap();
                self.call.context.notes = notes.to_string();
            }
            Action::Summarise(text) => self.summary = text,
            Action::Book(booking) => self.book(wall(&booking.start)),
            Action::CancelMeeting(_) => {
                if let Some(meeting) = self.call.context.meeting.take() {
                    self.turn(Event::MeetingCancelled(meeting));
                }
            }
            Action::HandOver(why) => self.handed_over = Some(why),
            Action::Conclude(end) => self.concluded = Some((format!("{:?}", end.outcome), end.reason)),
            Action::AskModel(asked) => self.asked.push(asked),
            Action::AskEndpoint(_) => panic!("the stock script asks no endpoint"),
        }
    }

    fn book(&mut self, start: DateTime) {
        let day = start.date().to_datetime(Time::midnight());
        let all = free(self.now, &self.blocked, &day.to_string(), &(day + 8.days()).to_string(), 100);
        if all.iter().any(|slot| wall(&slot.start) == start) {
            let moves = self.meeting().map_or(0, |meeting| meeting.moves + 1);
            let meeting = Meeting { start: instant(start), end: instant(start + 30.minutes()), with: None, moves };
            self.call.context.meeting = Some(meeting.clone());
            self.turn(Event::MeetingBooked(meeting));
        } else {
            let taken = SlotTaken {
                wanted: instant(start),
                reason: "taken".to_owned(),
                nearest: all.into_iter().take(5).collect(),
            };
            self.turn(Event::SlotTaken(taken));
        }
    }

    fn send_template(&mut self, template: &TemplateCall, after: u32) {
        let mut body = self.templates[&template.name].clone();
        for (at, parameter) in template.parameters.iter().enumerate() {
            body = body.replace(&format!("{{{{{}}}}}", at + 1), parameter);
        }
        self.sent_templates.push(template.name.clone());
        self.agent(body, after);
    }

    fn agent(&mut self, text: String, after: u32) {
        assert!(!text.contains("{{") && !text.trim().is_empty(), "an unfinished text: {text:?}");
        let at = self.now + i64::from(after).seconds();
        self.lines.push(Line { at, agent: true, text });
    }
}

fn instant(at: DateTime) -> String {
    format!("{at}{OFFSET}")
}

fn wall(text: &str) -> DateTime {
    text.get(..19).unwrap().parse().unwrap()
}

/// Monday to Friday, 8:30 to 12:00 and 14:00 to 18:00, half an hour each, not within the next half hour.
fn free(now: DateTime, blocked: &[DateTime], from: &str, to: &str, limit: u32) -> Vec<Slot> {
    let (from, to) = (wall(from), wall(to));
    let mut out = Vec::new();
    let mut day: Date = from.date();
    while day <= to.date() && out.len() < 100 {
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            for minutes in (510..720).step_by(30).chain((840..1080).step_by(30)) {
                let start = day.to_datetime(Time::midnight()) + i64::from(minutes).minutes();
                if start >= from && start < to && start > now + 30.minutes() && !blocked.contains(&start) {
                    out.push(Slot { start: instant(start), end: instant(start + 30.minutes()), with: None });
                }
            }
        }
        day = day.tomorrow().unwrap();
    }
    out.truncate(limit as usize);
    out
}
