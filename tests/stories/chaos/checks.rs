//! What must be true at the end of a run, whatever happened in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use relais::{
    model::{Conversation, ConversationId, Direction, Envelope, EnvelopeId, Event, Line},
    simulator::Happening,
    store::LogEntry,
    whatsapp::{Keyword, Keywords},
};

use super::Run;

/// What the harness remembers of what it did.
#[derive(Default)]
pub(super) struct Records {
    /// Texts and buttons: `wamid`, whose, and what.
    said: Vec<(String, usize, String)>,
    /// Reactions, which do not open the window.
    pub(super) reactions: BTreeSet<String>,
    /// Messages that were deleted: the flow may never have seen them.
    pub(super) revoked: BTreeSet<String>,
    /// Leads that the host refused.
    pub(super) refused: Vec<String>,
}

impl Records {
    pub(super) fn said(&mut self, wamid: String, figure: usize, text: &str) {
        self.said.push((wamid, figure, text.to_owned()));
    }

    pub(super) fn last_of(&self, figure: usize) -> Option<String> {
        self.said.iter().rev().find(|(_, of, _)| *of == figure).map(|(wamid, ..)| wamid.clone())
    }
}

/// A conversation with everything that is kept of it.
struct Kept {
    conversation: Conversation,
    log: Vec<LogEntry>,
    lines: Vec<Line>,
    envelopes: Vec<Envelope>,
    /// What the CRM took, each once, in order.
    callbacks: Vec<Callback>,
}

/// The turn and the number of the envelope in it, and the status.
type Callback = ((u64, u64), String);

/// A message that WhatsApp accepted from the host.
struct Sent {
    envelope: Option<String>,
    wamid: String,
    figure: Option<usize>,
    at: Timestamp,
    is_template: bool,
}

/// Everything that is broken, a sentence each.
pub(super) async fn of(run: &Run) -> Vec<String> {
    let kept = gather(run).await;
    let history = run.stage.simulator.history();
    let mut found = run.records.refused.iter().map(|what| format!("a lead was refused: {what}")).collect::<Vec<_>>();
    found.extend(run.wire.told().refusals.iter().map(|what| format!("a webhook was refused: {what}")));
    if history.len() >= 2_000 {
        found.push("so much happened that some of it is forgotten; make runs shorter".to_owned());
    }
    for kept in &kept {
        let before = found.len();
        ends_with_one_final_status(kept, &mut found);
        intermediate_statuses_are_in_order(kept, &mut found);
        nothing_is_left(kept, &mut found);
        for what in &mut found[before..] {
            what.insert_str(0, &format!("{} ({}): ", kept.conversation.id, kept.conversation.lead.crm_id));
        }
    }
    let sent = sent(run, &history);
    every_message_is_handled_once(run, &kept, &mut found).await;
    nothing_is_sent_twice(&kept, &sent, &mut found);
    nothing_is_sent_after_stop(run, &sent, &mut found);
    no_free_text_outside_the_window(run, &history, &sent, &mut found);
    nothing_is_sent_while_a_human_leads(&kept, &sent, &mut found);
    what_was_delivered_was_delivered(&kept, &history, &mut found);
    found
}

async fn gather(run: &Run) -> Vec<Kept> {
    let store = &run.stage.host.store;
    let mut callbacks: BTreeMap<ConversationId, Vec<Callback>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for received in run.stage.crm.received() {
        let id = received.headers["webhook-id"].as_str().unwrap().to_owned();
        if !seen.insert(id.clone()) {
            continue;
        }
        let mut parts = id.rsplit('-');
        let number: u64 = parts.next().unwrap().parse().unwrap();
        let turn: u64 = parts.next().unwrap().parse().unwrap();
        let conversation = EnvelopeId::new(id).conversation().unwrap();
        let status = received.body["status"].as_str().unwrap_or_default().to_owned();
        callbacks.entry(conversation).or_default().push(((turn, number), status));
    }
    let mut kept = Vec::new();
    for conversation in store.conversations(None, 1_000).await.unwrap() {
        let id = conversation.id.clone();
        kept.push(Kept {
            log: store.log(&id).await.unwrap(),
            lines: store.lines(&id).await.unwrap(),
            envelopes: store.envelopes(&id).await.unwrap(),
            callbacks: callbacks.remove(&id).unwrap_or_default(),
            conversation,
        });
    }
    kept
}

const FINAL: [&str; 4] = ["MEETING_BOOKED", "NOT_REACHABLE", "OPT_OUT", "NO_OUTCOME"];

fn ends_with_one_final_status(kept: &Kept, found: &mut Vec<String>) {
    let told: Vec<&str> =
        kept.callbacks.iter().map(|(_, status)| status.as_str()).filter(|status| FINAL.contains(status)).collect();
    let outcome = kept.conversation.outcome.map(|status| status.name());
    match (told.last(), outcome) {
        (Some(last), Some(outcome)) if *last == outcome => {}
        _ => found.push(format!("ended as {outcome:?}, told {told:?}")),
    }
    let is_undone = |by: &[&str]| {
        kept.log.iter().any(|entry| match &entry.event {
            Event::MessageReceived { .. } => by.contains(&"message"),
            Event::Receipt(_) => by.contains(&"receipt"),
            _ => false,
        })
    };
    let restarted = kept.log.iter().any(|entry| match &entry.event {
        Event::MessageReceived { messages } => {
            messages.iter().any(|message| Keywords::default().of(&message.content.shown()) == Some(Keyword::Start))
        }
        _ => false,
    });
    for pair in told.windows(2) {
        let is_correction = match (pair[0], pair[1]) {
            // Moved, cancelled, or the person wants to be left alone.
            ("MEETING_BOOKED", "MEETING_BOOKED" | "NO_OUTCOME" | "OPT_OUT") => true,
            // Something arrived after all, or the person wrote.
            ("NOT_REACHABLE", _) => is_undone(&["message", "receipt"]),
            // The CRM has to know, whatever it was told before.
            ("NO_OUTCOME", "OPT_OUT") => true,
            ("OPT_OUT", _) => restarted,
            _ => false,
        };
        if !is_correction {
            found.push(format!("told {told:?}"));
        }
    }
}

fn intermediate_statuses_are_in_order(kept: &Kept, found: &mut Vec<String>) {
    if !kept.callbacks.is_sorted_by(|(a, _), (b, _)| a < b) {
        found.push(format!("callbacks out of order: {:?}", kept.callbacks));
    }
    let rank = |status: &str| {
        ["FIRST_MESSAGE_DELIVERED", "FIRST_MESSAGE_READ", "RESPONSE_RECEIVED"].iter().position(|name| *name == status)
    };
    let told: Vec<usize> = kept.callbacks.iter().filter_map(|(_, status)| rank(status)).collect();
    if !told.is_sorted_by(|a, b| a < b) || told.first().is_some_and(|first| *first != 0) {
        found.push(format!("intermediate statuses: {:?}", kept.callbacks));
    }
}

fn nothing_is_left(kept: &Kept, found: &mut Vec<String>) {
    let Conversation { unsettled, reports, parked, handed_over, .. } = &kept.conversation;
    if !unsettled.is_empty() || !reports.is_empty() || parked.is_some() || handed_over.is_some() {
        found.push(format!("left: {unsettled:?}, {reports:?}, parked {parked:?}, handed over {handed_over:?}"));
    }
    for envelope in kept.envelopes.iter().filter(|envelope| !envelope.state.is_settled()) {
        found.push(format!("{} is still {:?}", envelope.id, envelope.state));
    }
    let ours: Vec<&String> = kept.lines.iter().filter_map(|line| line.wamid.as_ref()).collect();
    if ours.iter().collect::<BTreeSet<_>>().len() != ours.len() {
        found.push("a message is in the transcript twice".to_owned());
    }
}

async fn every_message_is_handled_once(run: &Run, kept: &[Kept], found: &mut Vec<String>) {
    let mut handled: HashMap<String, usize> = HashMap::new();
    for entry in kept.iter().flat_map(|kept| &kept.log).filter(|entry| entry.fault.is_none()) {
        if let Event::MessageReceived { messages } = &entry.event {
            for message in messages {
                *handled.entry(message.id.clone()).or_default() += 1;
            }
        }
    }
    let parked = run.stage.host.store.parked(10_000).await.unwrap();
    let parked: Vec<&str> = parked.iter().filter_map(|parked| parked.raw["id"].as_str()).collect();
    let told = run.wire.told();
    for (wamid, ..) in &run.records.said {
        let Some((_, is_nameless)) = told.messages.get(wamid) else { continue };
        let (handled, parked) = (handled.remove(wamid).unwrap_or(0), parked.iter().filter(|id| **id == wamid).count());
        let is_right = match (handled, parked) {
            (1, 0) => true,
            // Nobody can know who it is from.
            (0, 1) => *is_nameless,
            (0, 0) => run.records.revoked.contains(wamid),
            _ => false,
        };
        if !is_right {
            found.push(format!("{wamid} was handled {handled} times and set aside {parked} times"));
        }
    }
    found.extend(
        handled
            .into_iter()
            .filter(|(_, times)| *times != 1)
            .map(|(id, times)| format!("{id} was handled {times} times")),
    );
}

fn sent(run: &Run, history: &[Happening]) -> Vec<Sent> {
    let sent = history.iter().filter_map(|happening| match happening {
        Happening::Outbound { to, template, at, envelope, wamid, .. } => Some(Sent {
            envelope: envelope.clone(),
            wamid: wamid.clone(),
            figure: run.figure_of(to),
            at: *at,
            is_template: template.is_some(),
        }),
        _ => None,
    });
    sent.collect()
}

fn nothing_is_sent_twice(kept: &[Kept], sent: &[Sent], found: &mut Vec<String>) {
    let known: BTreeSet<&str> =
        kept.iter().flat_map(|kept| &kept.envelopes).map(|envelope| envelope.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    for Sent { envelope, wamid, .. } in sent {
        match envelope {
            Some(envelope) if !known.contains(envelope.as_str()) => {
                found.push(format!("{envelope} was sent and is not kept"))
            }
            Some(envelope) if !seen.insert(envelope) => found.push(format!("{envelope} was sent again")),
            Some(_) => {}
            None => found.push(format!("{wamid} says not which envelope it is")),
        }
    }
}

fn nothing_is_sent_after_stop(run: &Run, sent: &[Sent], found: &mut Vec<String>) {
    let told = run.wire.told();
    let keywords = Keywords::default();
    // When the host was told what: true for STOP, false for START.
    let mut words: Vec<(Timestamp, usize, bool)> = Vec::new();
    for (wamid, figure, text) in &run.records.said {
        if let (Some((at, _)), Some(word)) = (told.messages.get(wamid), keywords.of(text)) {
            words.push((*at, *figure, word == Keyword::Stop));
        }
    }
    for (at, names, stops) in &told.preferences {
        let figure = (0..run.people.len()).find(|index| names.iter().any(|name| run.is_named(*index, name)));
        words.extend(figure.map(|figure| (*at, figure, *stops)));
    }
    // Those whom the host cannot tell from anybody count for nothing.
    let nameless = |figure: usize| {
        run.records
            .said
            .iter()
            .any(|(wamid, of, _)| *of == figure && told.messages.get(wamid).is_some_and(|(_, nameless)| *nameless))
    };
    words.sort();
    for message in sent {
        let Some(figure) = message.figure else { continue };
        let last = words.iter().rev().find(|(at, of, _)| *of == figure && *at < message.at);
        if last.is_some_and(|(.., stops)| *stops) && !nameless(figure) {
            let stop = last.unwrap().0;
            found.push(format!(
                "CRM_{figure} was sent something at {}, having said STOP at {stop}: {:?}",
                message.at, message.envelope
            ));
        }
    }
}

fn no_free_text_outside_the_window(run: &Run, history: &[Happening], sent: &[Sent], found: &mut Vec<String>) {
    for message in sent.iter().filter(|message| !message.is_template) {
        let is_open = history.iter().any(|happening| match happening {
            Happening::Inbound { from, at, wamid, .. } => {
                run.figure_of(from) == message.figure
                    && !run.records.reactions.contains(wamid)
                    && *at <= message.at
                    && message.at.duration_since(*at) < SignedDuration::from_hours(24)
            }
            _ => false,
        });
        if !is_open {
            found.push(format!("free text at {} outside the window: {:?}", message.at, message.envelope));
        }
    }
}

fn nothing_is_sent_while_a_human_leads(kept: &[Kept], sent: &[Sent], found: &mut Vec<String>) {
    for kept in kept {
        let mut since = None;
        for entry in &kept.log {
            match entry.event {
                Event::HumanAnswered { .. } => since = Some(entry.at),
                Event::Resumed => {
                    if let Some(since) = since.take() {
                        between(kept, sent, since, entry.at, found);
                    }
                }
                _ => {}
            }
        }
    }
}

fn between(kept: &Kept, sent: &[Sent], since: Timestamp, until: Timestamp, found: &mut Vec<String>) {
    for message in sent.iter().filter(|message| message.at > since && message.at < until) {
        let conversation = message.envelope.as_deref().and_then(|id| EnvelopeId::new(id).conversation());
        if conversation.as_ref() == Some(&kept.conversation.id) {
            found.push(format!("{:?} was sent while a human led the conversation", message.envelope));
        }
    }
}

fn what_was_delivered_was_delivered(kept: &[Kept], history: &[Happening], found: &mut Vec<String>) {
    let delivered: BTreeSet<&str> = history
        .iter()
        .filter_map(|happening| match happening {
            Happening::Status { wamid, status: "delivered" | "read", .. } => Some(wamid.as_str()),
            _ => None,
        })
        .collect();
    for kept in kept {
        let is_told = kept.callbacks.iter().any(|(_, status)| status == "FIRST_MESSAGE_DELIVERED");
        let is_so = kept.lines.iter().any(|line| {
            line.direction == Direction::In || line.wamid.as_deref().is_some_and(|id| delivered.contains(id))
        });
        if is_told && !is_so {
            found.push(format!("{}: FIRST_MESSAGE_DELIVERED was told and nothing arrived", kept.conversation.id));
        }
    }
}

impl Run {
    /// Whose number it is.
    fn figure_of(&self, number: &str) -> Option<usize> {
        self.people.iter().position(|(figure, _)| figure.number == number || figure.other_number == number)
    }

    fn is_named(&self, index: usize, name: &str) -> bool {
        let (figure, person) = &self.people[index];
        let numbers = [&figure.number, &figure.other_number].map(|number| relais::whatsapp::variants(number)).concat();
        person.user_id() == name || numbers.iter().any(|number| number.trim_start_matches('+') == name)
    }
}
