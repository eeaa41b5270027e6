//! One attempt to send a message to a person.

use jiff::{SignedDuration, Timestamp};

use super::{
    House, Outcome, Sender,
    options::seconds,
    policy::{self, Decision, Form},
    schedule,
};
use crate::{
    model::{Direction, Envelope, EnvelopeState, Environment, Event, OutgoingMessage, Purpose},
    store::{self, Append},
    whatsapp::{self, ApiError, Recipient, Remedy, SendResult, meaning},
};

/// How often a message is tried that WhatsApp refuses for the moment, before it is parked.
const MOST_TRIES: u32 = 12;
/// How many of a tenant's latest conversations are looked at after a restart to count those opened within a day.
const MOST_REMEMBERED: usize = 20_000;
/// The longest wait after the request could not leave this machine.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(5);

/// Everything that an attempt needs.
struct Attempt<'a> {
    house: &'a House,
    envelope: &'a Envelope,
    message: &'a OutgoingMessage,
    sender: Sender,
    /// From 1.
    number: u32,
    /// When it began, its turn having come.
    now: Timestamp,
}

/// Sends the message if its conversation, the window, the hour, the pace and the opt-out register allow it at this moment.
pub(super) async fn attempt(house: &House, envelope: &Envelope, message: &OutgoingMessage) -> store::Result<Outcome> {
    let Some(sender) = house.directory.sender(&envelope.tenant, envelope.environment) else {
        tracing::error!(
            tenant = %envelope.tenant,
            "messages wait: {}",
            match envelope.environment {
                Environment::Test => "no simulator is set for test keys; start the host with --simulator URL",
                Environment::Live => "the tenant's number or its token is missing; `relais whatsapp check` says what to do",
            }
        );
        return Ok(house.rest(envelope));
    };
    let Some(_pass) = house.shares.enter(&envelope.tenant, &sender.base_url).await else {
        return Ok(house.put_back(envelope));
    };
    let (number, now) = (envelope.attempts.max(1), house.clock.now());
    Attempt { house, envelope, message, sender, number, now }.run().await
}

impl Attempt<'_> {
    async fn run(&self) -> store::Result<Outcome> {
        let Some(conversation) = self.house.store.conversation(&self.envelope.conversation).await? else {
            return Ok(Outcome::dropped("conversation-gone"));
        };
        let to = conversation.lead.phone.clone();
        let hours = self.house.directory.contact_hours_hold(&self.envelope.tenant, self.now);
        let margin = self.house.options.window_margin();
        match policy::decide(self.message, &conversation, self.now, hours, margin) {
            Decision::Drop(reason) => Ok(Outcome::dropped(reason)),
            Decision::Wait(until) => Ok(Outcome::deferred(until)),
            // The person may have changed number since the message was queued.
            Decision::Send(form) if to != self.message.to => {
                let message = OutgoingMessage { to, ..self.message.clone() };
                Attempt { message: &message, sender: self.sender.clone(), ..*self }.send(form).await
            }
            Decision::Send(form) => self.send(form).await,
        }
    }

    /// Sends in this form; once more as a template when WhatsApp says that the window is closed after all.
    async fn send(&self, form: Form<'_>) -> store::Result<Outcome> {
        let result = match self.request(form).await? {
            Ok(result) => result,
            Err(outcome) => return Ok(outcome),
        };
        let is_window_closed = matches!(&result, SendResult::Refused(error)
            if matches!(error.remedy(self.number - 1), Remedy::WindowClosed { .. }));
        match (form, &self.message.template) {
            (Form::Text(_), Some(template)) if is_window_closed => {
                let form = Form::Template(template);
                match self.request(form).await? {
                    Ok(result) => self.judge(form, result).await,
                    Err(outcome) => Ok(outcome),
                }
            }
            _ => self.judge(form, result).await,
        }
    }

    /// The request itself, unless something speaks against it at the last moment.
    async fn request(&self, form: Form<'_>) -> store::Result<Result<SendResult, Outcome>> {
        let outgoing = form.outgoing(self.message.choices.as_ref());
        if let Err(problems) = outgoing.check() {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            tracing::error!(envelope.id = %self.envelope.id, ?problems, "the message is not one that WhatsApp takes");
            return Ok(Err(Outcome::dropped("invalid-message")));
        }
        let client = match self.house.graph(&self.sender) {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(tenant = %self.envelope.tenant, %error, "the sender is misconfigured; its messages wait");
                return Ok(Err(self.house.rest(self.envelope)));
            }
        };
        let is_template = matches!(form, Form::Template(_));
        if self.house.stopping(self.envelope.environment, &self.sender, self.message, is_template).await?.is_some() {
            return Ok(Err(self.house.rest(self.envelope)));
        }
        if let Err(until) = self.pace(form, &client).await? {
            return Ok(Err(Outcome::deferred(until)));
        }
        // Last, so that nothing comes between the register and the request (P5).
        let is_confirmation = self.message.purpose == Purpose::Confirmation;
        if !is_confirmation && self.house.store.opted_out(&self.envelope.tenant, &self.message.to).await? {
            return Ok(Err(Outcome::dropped("opt-out")));
        }
        let to = Recipient::Number(self.message.to.as_e164().to_owned());
        Ok(Ok(client.send(&self.sender.credentials, &to, &outgoing, self.envelope.id.as_str()).await))
    }

    /// Keeps to the limits of the number, the person and the business; else until when to wait.
    async fn pace(&self, form: Form<'_>, client: &whatsapp::Client) -> store::Result<Result<(), Timestamp>> {
        let (number, person) = (self.channel(&self.sender.credentials.phone_number_id), self.message.to.as_e164());
        if matches!(form, Form::Template(_))
            && let Some(conversation) = self.house.store.conversation(&self.envelope.conversation).await?
            && !policy::is_window_open(&conversation, self.now, SignedDuration::ZERO)
            && let Some(limit) = self.people_per_day(&number, client).await?
        {
            let opened = self.house.pace().open(&self.channel(&self.sender.portfolio), person, limit, self.now);
            if let Err(until) = opened {
                return Ok(Err(until));
            }
        }
        Ok(self.house.pace().take(&number, person, self.now))
    }

    /// What is counted together: the simulator's messages and WhatsApp's are not.
    fn channel(&self, id: &str) -> String {
        format!("{:?} {id}", self.envelope.environment)
    }

    /// What a result means for the envelope.
    async fn judge(&self, form: Form<'_>, result: SendResult) -> store::Result<Outcome> {
        match result {
            SendResult::Accepted { wamid, wa_id, user_id, .. } => {
                let at = self.house.clock.now();
                let state = EnvelopeState::Sent { at, wamid: Some(wamid), shown: Some(form.shown()) };
                Ok(Outcome::Settled { state, names: wa_id.into_iter().chain(user_id).collect() })
            }
            SendResult::Refused(error) => self.refused(form, &error).await,
            SendResult::Unknown { why, error } => {
                let code = error.and_then(|error| error.code);
                tracing::warn!(envelope.id = %self.envelope.id, code, why, "it is not known whether the message went out");
                Ok(self.unknown())
            }
            SendResult::Marked => Ok(self.unknown()),
            SendResult::NotSent { why } => {
                tracing::warn!(envelope.id = %self.envelope.id, why, "the request could not leave");
                let wait = SignedDuration::from_secs(4_i64.saturating_pow(self.number)).min(LONGEST_WAIT);
                Ok(self.again(wait))
            }
        }
    }

    /// Nothing went out, for certain: what now.
    async fn refused(&self, form: Form<'_>, error: &ApiError) -> store::Result<Outcome> {
        let reason = meaning(error).name();
        let remedy = error.remedy(self.number - 1);
        Ok(match remedy {
            Remedy::RetryAfter { .. } | Remedy::LaterDays { .. } if self.number >= MOST_TRIES => {
                Outcome::parked("exhausted")
            }
            Remedy::RetryAfter { seconds } => {
                self.again(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
            }
            Remedy::LaterDays { days } => self.again(SignedDuration::from_hours(24 * i64::from(days))),
            // The template has been tried already, or there is none. Meta says so wrongly at times (FACTS §3).
            Remedy::WindowClosed { retry_seconds: Some(seconds) } if matches!(form, Form::Text(_)) => {
                self.again(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
            }
            Remedy::Ambiguous => self.unknown(),
            Remedy::OptOut => {
                self.file_opt_out().await?;
                Outcome::dropped("opt-out")
            }
            Remedy::StopSender | Remedy::RefreshToken | Remedy::StopTemplate | Remedy::StopCountry => {
                let whose = (&self.envelope.tenant, self.envelope.environment);
                let is_template = matches!(form, Form::Template(_));
                let why = (meaning(error), error.code);
                if self.house.stop(whose, &self.sender, self.message, is_template, why).await? {
                    self.house.rest(self.envelope)
                } else {
                    Outcome::parked(reason)
                }
            }
            // The lead is not to blame: a human looks, and replays the message.
            Remedy::OurBug | Remedy::Alert => {
                tracing::error!(envelope.id = %self.envelope.id, code = error.code, reason, "WhatsApp refused a message; see to it");
                Outcome::parked(reason)
            }
            Remedy::Undeliverable | Remedy::InvalidNumber | Remedy::Nothing | Remedy::WindowClosed { .. } => {
                Outcome::dropped(reason)
            }
        })
    }

    /// The person stopped this business's marketing with WhatsApp's own control: the conversation must know.
    async fn file_opt_out(&self) -> store::Result<()> {
        self.house.store.set_opt_out(&self.envelope.tenant, &self.message.to, true).await?;
        let (tenant, conversation) = (self.envelope.tenant.clone(), self.envelope.conversation.clone());
        let stops = Event::PreferenceChanged { stops: true };
        let append = Append::to_conversation(tenant, conversation, stops, self.house.clock.now());
        let once = Append { key: Some(format!("opt-out:{}", self.envelope.id)), ..append };
        self.house.store.append(vec![once]).await.map(drop)
    }

    fn unknown(&self) -> Outcome {
        let state = EnvelopeState::Unknown { since: self.now };
        Outcome::Settled { state, names: Vec::new() }
    }

    /// Another attempt after about `wait`.
    fn again(&self, wait: SignedDuration) -> Outcome {
        // Never sooner than asked: WhatsApp counts what comes too soon against the number.
        let least = self.house.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        let at = schedule::spread(least, wait / 5, &self.envelope.id);
        Outcome::Again { at, was_tried: true }
    }
}

impl Attempt<'_> {
    /// To how many new people a day the number may write, as Meta said when it was last asked; none for no limit.
    async fn people_per_day(&self, number: &str, client: &whatsapp::Client) -> store::Result<Option<u32>> {
        let refresh = seconds(self.house.options.tier_refresh_seconds);
        if refresh.is_zero() {
            return Ok(None);
        }
        let mut tiers = self.house.tiers.lock().await;
        let known = tiers.get(number).copied();
        if let Some((at, limit)) = known
            && self.now.duration_since(at) < refresh
        {
            return Ok(limit);
        }
        let limit = match client.phone_number(&self.sender.credentials).await {
            Ok(answer) => answer.people_per_day(),
            Err(error) => {
                tracing::warn!(%error, "Meta did not say to how many people this number may write; the last word counts");
                known.and_then(|(_, limit)| limit)
            }
        };
        if known.is_none() && limit.is_some() {
            self.remember_opened().await?;
        }
        tiers.insert(number.to_owned(), (self.now, limit));
        Ok(limit)
    }

    /// After a restart: to whom the tenant's conversations of the last day have been opened already.
    async fn remember_opened(&self) -> store::Result<()> {
        let day = self.now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        let portfolio = self.channel(&self.sender.portfolio);
        let newest = self.house.store.conversations(Some(&self.envelope.tenant), MOST_REMEMBERED).await?;
        let ours = newest
            .iter()
            .take_while(|conversation| conversation.created_at >= day)
            .filter(|conversation| conversation.environment == self.envelope.environment);
        for conversation in ours {
            let lines = self.house.store.lines(&conversation.id).await?;
            if let Some(first) = lines.iter().find(|line| line.direction == Direction::Out) {
                self.house.pace().opened(&portfolio, conversation.lead.phone.as_e164(), first.at);
            }
        }
        Ok(())
    }
}
