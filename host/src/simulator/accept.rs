//! A POST to `messages`: what it leads to and what is answered.

use std::sync::PoisonError;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    BusinessNumber, Enforcement, Fault, Happening,
    itinerary::{Fate, later},
    message::{Draft, Message, Recipient, Stage},
    network::Network,
    outbox::Flight,
    queue::{Due, Step},
    refusal::Refusal,
    shape::set,
    validate::{self, Request},
    world::World,
};

/// What goes back to the client.
#[derive(Debug)]
pub(super) enum Answer {
    /// A body.
    Json(u16, Value),
    /// A page that is not JSON, with 502.
    Page,
    /// Nothing: the connection is closed.
    Cut,
    /// Nothing for a long time.
    Hang,
}

/// What a request leads to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// To post before answering.
    pub(super) first: Vec<Flight>,
    /// To answer.
    pub(super) answer: Answer,
}

/// The refusals of a scenario, with their codes; all come before anything is sent.
const REFUSALS: &[(Fault, i64)] = &[
    (Fault::AppRate, 4),
    (Fault::Throughput, 130_429),
    (Fault::PairRate, 131_056),
    (Fault::Portfolio, 131_048),
    (Fault::Refused131026, 131_026),
    (Fault::Refused131047, 131_047),
    (Fault::Refused131049, 131_049),
    (Fault::Refused131050, 131_050),
    (Fault::ServerError, 131_016),
];

impl Network {
    /// The number that `token` may use under the id `phone_number_id`.
    pub(super) fn authorize(&self, phone_number_id: &str, token: Option<&str>) -> Result<&BusinessNumber, Refusal> {
        let token = token.filter(|token| !token.is_empty()).ok_or_else(Refusal::token)?;
        if !self.is_strict {
            let number = self.number(phone_number_id).or_else(|| self.numbers.first());
            return number.ok_or_else(|| Refusal::unknown_object(phone_number_id));
        }
        if !self.numbers.iter().any(|number| number.token == token) {
            return Err(Refusal::token());
        }
        let number = self.number(phone_number_id).filter(|number| number.token == token);
        number.ok_or_else(|| Refusal::unknown_object(phone_number_id))
    }

    /// Carries out a POST to `messages`.
    pub(super) fn accept(&self, phone_number_id: &str, token: Option<&str>, body: &[u8]) -> Outcome {
        let mut world = self.world();
        let outcome = self.carry_out(&mut world, phone_number_id, token, body);
        drop(world);
        self.wake();
        outcome.unwrap_or_else(|refusal| self.refuse(&refusal))
    }

    /// Tells of a refusal and answers it.
    pub(super) fn refuse(&self, refusal: &Refusal) -> Outcome {
        let mut world = self.world();
        let at = self.clock.now();
        self.happened(&mut world, Happening::Refused { code: refusal.code, details: refusal.details.clone(), at });
        let trace = world.trace();
        Outcome { first: Vec::new(), answer: Answer::Json(refusal.http, refusal.body(&trace)) }
    }

    fn carry_out(
        &self,
        world: &mut World,
        phone_number_id: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> Result<Outcome, Refusal> {
        let number = self.authorize(phone_number_id, token)?;
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| Refusal::parameter(format!("The request body is not valid JSON: {error}")))?;
        let templates = self.templates.read().unwrap_or_else(PoisonError::into_inner);
        match validate::read(&body, number, &templates, self.is_strict)? {
            Request::Send(draft) => self.send(world, number, *draft),
            Request::MarkRead { wamid, is_typing } => {
                if self.is_strict && !world.inbound.contains_key(&wamid) {
                    return Err(Refusal::parameter("Param message_id is not a message that this number received."));
                }
                self.happened(world, Happening::Acknowledged { wamid, is_typing, at: self.clock.now() });
                Ok(Outcome { first: Vec::new(), answer: Answer::Json(200, json!({"success": true})) })
            }
        }
    }

    fn send(&self, world: &mut World, number: &BusinessNumber, draft: Draft) -> Result<Outcome, Refusal> {
        let now = self.clock.now();
        let index = match &draft.recipient {
            Recipient::Number(number) => world.person(number),
            Recipient::UserId(user_id) => world
                .person_of_user_id(user_id)
                .ok_or_else(|| Refusal::parameter("Param recipient is not a user that this business knows."))?,
        };
        let unknown = || Refusal::plain(131_026);
        let phone = world.people.get(index).ok_or_else(unknown)?.number.clone();
        for (fault, code) in REFUSALS {
            if world.faults.strike(*fault, &phone) {
                return Err(Refusal::plain(*code));
            }
        }
        if let Some(code) = world.faults.refused(&phone) {
            return Err(Refusal::plain(code));
        }
        if world.faults.strike(Fault::NonJsonError, &phone) {
            return Ok(Outcome { first: Vec::new(), answer: Answer::Page });
        }
        let person = world.people.get(index).ok_or_else(unknown)?;
        let in_window = person.is_in_window(&number.phone_number_id, now);
        let failure = self.policy_failure(person, &draft, in_window)?;
        let (wa_id, user_id, reads) = (person.wa_id.clone(), person.user_id.clone(), person.reads);
        let policy = &self.scenario.policy;
        world.rates.count(policy, &number.phone_number_id, index, now, !in_window).map_err(Refusal::plain)?;

        let fate = match failure.or_else(|| world.faults.failed(&phone)) {
            Some(code) => Fate::Fails(code),
            None => Fate::of(world.faults.first(Fate::FAULTS, &phone), reads),
        };
        let hold = draft
            .shown
            .template
            .is_some()
            .then(|| world.faults.first(&[Fault::HeldThenReleased, Fault::HeldThenPaused], &phone));
        let hold = hold.flatten();
        let wamid = world.wamid(&wa_id);
        let contact = match draft.recipient {
            Recipient::Number(_) => json!({"input": draft.input, "wa_id": wa_id}),
            Recipient::UserId(_) => json!({"input": draft.input, "user_id": user_id}),
        };
        let mut sent = json!({"id": wamid});
        if draft.shown.template.is_some() {
            let status = if hold.is_some() { "held_for_quality_assessment" } else { "accepted" };
            set(&mut sent, "message_status", json!(status));
        }
        let answer = json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [sent]});

        let outbound = Happening::Outbound {
            to: phone.clone(),
            text: draft.shown.text.clone(),
            buttons: draft.shown.buttons.clone(),
            template: draft.shown.template.clone(),
            at: now,
            envelope: draft.envelope.clone(),
            wamid: wamid.clone(),
        };
        self.happened(world, outbound);
        if let Some(person) = world.people.get_mut(index) {
            person.last_number = Some(number.phone_number_id.clone());
        }
        let message = Message {
            phone_number_id: number.phone_number_id.clone(),
            person: index,
            shown: draft.shown,
            envelope: draft.envelope,
            in_window,
            stage: Stage::Accepted,
            after_hold: None,
        };
        world.messages.insert(wamid.clone(), message);
        let first = self.plan(world, now, &wamid, &phone, (fate, hold, reads));
        Ok(Outcome { first, answer: Self::answer(world, &phone, answer) })
    }

    /// Whether WhatsApp's own rules let the message fail: the code of a later `failed`, or a refusal now.
    fn policy_failure(
        &self,
        person: &super::world::PersonState,
        draft: &Draft,
        in_window: bool,
    ) -> Result<Option<i64>, Refusal> {
        let policy = &self.scenario.policy;
        let is_marketing = draft.shown.category.as_deref() == Some("MARKETING");
        let rules = [
            (!person.is_on_whatsapp || person.is_blocking, 131_026, policy.undeliverable),
            (draft.shown.template.is_none() && !in_window, 131_047, policy.window),
            (is_marketing && person.stopped_marketing, 131_050, Enforcement::Async),
        ];
        for (is_broken, code, enforcement) in rules {
            match enforcement {
                Enforcement::Sync if is_broken => return Err(Refusal::plain(code)),
                Enforcement::Async if is_broken => return Ok(Some(code)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Puts in for their time the steps of a message; gives what is to be posted before the answer.
    fn plan(
        &self,
        world: &mut World,
        now: Timestamp,
        wamid: &str,
        phone: &str,
        (fate, hold, reads): (Fate, Option<Fault>, bool),
    ) -> Vec<Flight> {
        let latency = &self.scenario.latency;
        let due = |step| Due::Step { wamid: wamid.to_owned(), step };
        if let Some(hold) = hold {
            let step = if hold == Fault::HeldThenPaused { Step::Fail(132_015) } else { Step::Release };
            if let Some(message) = world.messages.get_mut(wamid) {
                message.after_hold = Some(fate);
            }
            world.queue.put(later(now, latency.held_ms), due(step));
            return Vec::new();
        }
        let jitter_ms = if latency.jitter_ms == 0 { 0 } else { world.chance.below(latency.jitter_ms) };
        let mut steps = fate.steps(now, latency, jitter_ms, reads).into_iter();
        let mut first = Vec::new();
        let is_told = fate != Fate::NoStatus;
        if is_told
            && world.faults.strike(Fault::StatusBeforeResponse, phone)
            && let Some((_, step)) = steps.next()
        {
            first = self.perform(world, now, due(step));
        }
        for (at, step) in steps {
            world.queue.put(at, due(step));
        }
        first
    }

    /// The answer to a message that goes out, or what becomes of that answer.
    fn answer(world: &mut World, phone: &str, answer: Value) -> Answer {
        match world.faults.first(&[Fault::LostResponse, Fault::ServerErrorAfterSend, Fault::Hang], phone) {
            Some(Fault::LostResponse) => Answer::Cut,
            Some(Fault::ServerErrorAfterSend) => {
                let refusal = Refusal::plain(131_000);
                let trace = world.trace();
                Answer::Json(refusal.http, refusal.body(&trace))
            }
            Some(_) => Answer::Hang,
            None => Answer::Json(200, answer),
        }
    }
}
