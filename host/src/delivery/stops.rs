//! Numbers, templates and countries that are stopped because WhatsApp would refuse everything they send.
//!
//! Each stop is an [`Alarm`] in the store. What it keeps from leaving stays in the queue. It ends when an operator clears
//! it, when Meta approves the template again, or when another token takes the place of the refused one; never by
//! trying, for Meta holds each further try against a number in trouble (FACTS §3).

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::{Delivery, House, Sender, lock};
use crate::{
    model::{Alarm, ConversationId, Environment, OutgoingMessage, Payload, Phone, Receipt, Stopped, TenantId},
    store,
    whatsapp::{Meaning, Remedy},
};

/// The alarms of the store, in memory; none until they have been read.
#[derive(Debug, Default)]
pub(super) struct Stops {
    known: Option<BTreeMap<String, Alarm>>,
}

impl Stops {
    /// The first alarm that keeps from using all of `needed`.
    fn of(&self, needed: &[String]) -> Option<Alarm> {
        let known = self.known.as_ref()?;
        needed.iter().find_map(|id| known.get(id)).cloned()
    }
}

/// What happened to a template at Meta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateNews {
    /// Meta's name for it.
    pub name: String,
    /// Meta's language code.
    pub language: String,
    /// `APPROVED`, `PAUSED`, `REJECTED`…
    pub event: String,
}

impl Delivery {
    /// What is stopped, in the order of the alarms' names.
    pub async fn alarms(&self) -> store::Result<Vec<Alarm>> {
        self.house.store.alarms().await
    }

    /// Clears an alarm: what waited for it goes out within [`super::Options::stop_seconds`]. False when there is no such
    /// alarm.
    pub async fn clear_alarm(&self, id: &str) -> store::Result<bool> {
        self.house.clear(id).await
    }

    /// Meta changed a template of a tenant's number: one that cannot be sent any more is stopped, one that can be sent
    /// again is not.
    pub async fn template_changed(
        &self,
        tenant: &TenantId,
        environment: Environment,
        phone_number_id: &str,
        news: &TemplateNews,
    ) -> store::Result<()> {
        let stopped = Stopped::Template {
            phone_number_id: phone_number_id.to_owned(),
            name: news.name.clone(),
            language: news.language.clone(),
        };
        let meaning = match news.event.to_ascii_uppercase().as_str() {
            "APPROVED" | "REINSTATED" => return self.house.clear(&stopped.alarm_id(environment)).await.map(drop),
            "PAUSED" => Meaning::TemplatePaused,
            "DISABLED" | "DELETED" | "PENDING_DELETION" | "ARCHIVED" => Meaning::TemplateDisabled,
            "REJECTED" => Meaning::TemplateRefused,
            // FLAGGED and others are warnings: it can still be sent.
            _ => return Ok(()),
        };
        self.house.raise(tenant, environment, stopped, meaning, None, None).await
    }

    /// WhatsApp took a message and failed it later: what that says of its number or template stops them, as a refusal
    /// would have. To be called for each failed status before it is appended.
    pub async fn heed(&self, conversation: &ConversationId, receipt: &Receipt) -> store::Result<()> {
        let Some(meaning) = receipt.reason.as_deref().and_then(Meaning::from_name) else { return Ok(()) };
        if !matches!(meaning.remedy_of_failed(0), Remedy::StopTemplate | Remedy::StopSender | Remedy::StopCountry) {
            return Ok(());
        }
        let envelopes = self.house.store.envelopes(conversation).await?;
        let Some(envelope) = envelopes.iter().find(|envelope| receipt.envelope.as_ref() == Some(&envelope.id)) else {
            return Ok(());
        };
        let Payload::Message(message) = &envelope.payload else { return Ok(()) };
        let Some(sender) = self.house.directory.sender(&envelope.tenant, envelope.environment) else { return Ok(()) };
        if let Some(stopped) = concerned(&sender, message, message.template.is_some(), meaning) {
            self.house.raise(&envelope.tenant, envelope.environment, stopped, meaning, None, None).await?;
        }
        Ok(())
    }
}

impl House {
    /// The alarm that keeps a message from leaving in this form, if there is one.
    pub(super) async fn stopping(
        &self,
        environment: Environment,
        sender: &Sender,
        message: &OutgoingMessage,
        is_template: bool,
    ) -> store::Result<Option<Alarm>> {
        self.know_alarms().await?;
        let needed: Vec<String> =
            needed(sender, message, is_template).iter().map(|stopped| stopped.alarm_id(environment)).collect();
        let Some(alarm) = lock(&self.stops).of(&needed) else { return Ok(None) };
        if alarm.token.is_some() && alarm.token != Some(digest(&sender.credentials.token)) {
            tracing::info!(alarm = alarm.id, "cleared by a new token");
            self.clear(&alarm.id).await?;
            return Ok(lock(&self.stops).of(&needed));
        }
        Ok(Some(alarm))
    }

    /// Whether nothing at all may leave from a number.
    pub(super) async fn is_number_stopped(&self, environment: Environment, sender: &Sender) -> bool {
        if self.know_alarms().await.is_err() {
            return true;
        }
        let number = Stopped::Number { phone_number_id: sender.credentials.phone_number_id.clone() };
        lock(&self.stops).of(&[number.alarm_id(environment)]).is_some()
    }

    /// Stops what a refusal concerns. Nothing when it concerns the message alone.
    pub(super) async fn stop(
        &self,
        (tenant, environment): (&TenantId, Environment),
        sender: &Sender,
        message: &OutgoingMessage,
        is_template: bool,
        (meaning, code): (Meaning, Option<i64>),
    ) -> store::Result<bool> {
        let Some(stopped) = concerned(sender, message, is_template, meaning) else { return Ok(false) };
        let token = (meaning == Meaning::Token).then(|| digest(&sender.credentials.token));
        self.raise(tenant, environment, stopped, meaning, code, token).await?;
        Ok(true)
    }

    async fn raise(
        &self,
        tenant: &TenantId,
        environment: Environment,
        stopped: Stopped,
        meaning: Meaning,
        code: Option<i64>,
        token: Option<String>,
    ) -> store::Result<()> {
        self.know_alarms().await?;
        let id = stopped.alarm_id(environment);
        let alarm = Alarm {
            id: id.clone(),
            tenant: tenant.clone(),
            environment,
            stopped,
            reason: meaning.name().to_owned(),
            code,
            since: self.clock.now(),
            token,
        };
        let is_new = match &mut lock(&self.stops).known {
            Some(known) if known.contains_key(&id) => false,
            Some(known) => known.insert(id.clone(), alarm.clone()).is_none(),
            None => true,
        };
        if is_new {
            tracing::error!(tenant = %alarm.tenant, alarm = id, reason = alarm.reason, code,
                "WhatsApp would refuse what leaves from here; it waits until the alarm is cleared: `relais alarms`");
            self.store.raise_alarm(alarm).await?;
        }
        Ok(())
    }

    async fn clear(&self, id: &str) -> store::Result<bool> {
        self.know_alarms().await?;
        let was_there = self.store.clear_alarm(id).await?;
        if let Some(known) = &mut lock(&self.stops).known {
            known.remove(id);
        }
        if was_there {
            tracing::info!(alarm = id, "cleared; what waited goes out");
            self.pulse.beat();
        }
        Ok(was_there)
    }

    /// Reads the alarms of the store, once.
    async fn know_alarms(&self) -> store::Result<()> {
        if lock(&self.stops).known.is_some() {
            return Ok(());
        }
        let alarms = self.store.alarms().await?;
        let known = alarms.into_iter().map(|alarm| (alarm.id.clone(), alarm)).collect();
        lock(&self.stops).known.get_or_insert(known);
        Ok(())
    }
}

/// Everything that must not be stopped for a message to leave in this form.
fn needed(sender: &Sender, message: &OutgoingMessage, is_template: bool) -> Vec<Stopped> {
    let phone_number_id = sender.credentials.phone_number_id.clone();
    let mut needed = vec![Stopped::Number { phone_number_id: phone_number_id.clone() }];
    needed.extend(country(&phone_number_id, &message.to));
    if let Some(template) = message.template.as_ref().filter(|_| is_template) {
        let (name, language) = (template.name.clone(), template.language.clone());
        needed.push(Stopped::Template { phone_number_id, name, language });
    }
    needed
}

/// Which of them a refusal is about.
fn concerned(sender: &Sender, message: &OutgoingMessage, is_template: bool, meaning: Meaning) -> Option<Stopped> {
    let wanted = meaning.remedy(0);
    needed(sender, message, is_template).into_iter().find(|stopped| {
        matches!(
            (stopped, wanted),
            (Stopped::Number { .. }, Remedy::StopSender | Remedy::RefreshToken)
                | (Stopped::Template { .. }, Remedy::StopTemplate)
                | (Stopped::Country { .. }, Remedy::StopCountry)
        )
    })
}

fn country(phone_number_id: &str, phone: &Phone) -> Option<Stopped> {
    let number = phonenumber::parse(None, phone.as_e164()).ok()?;
    Some(Stopped::Country { phone_number_id: phone_number_id.to_owned(), calling_code: number.code().value() })
}

/// A token's name: itself it is never kept.
fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{delivery::sample, whatsapp::Credentials};

    #[test]
    fn a_refusal_stops_what_it_is_about_and_nothing_else() {
        let sender = Sender {
            base_url: String::new(),
            api_version: String::new(),
            credentials: Credentials { phone_number_id: "1".into(), token: "t".into() },
            portfolio: "1".into(),
        };
        let message = sample::message(Some("hello"), Some("intro"));
        let id = |meaning, is_template| {
            concerned(&sender, &message, is_template, meaning).map(|stopped| stopped.alarm_id(Environment::Live))
        };
        let table = [
            (Meaning::SpamLimit, true, Some("live-1")),
            (Meaning::AccountLocked, false, Some("live-1")),
            (Meaning::Payment, false, Some("live-1")),
            (Meaning::Token, false, Some("live-1")),
            (Meaning::CountryRestricted, true, Some("live-1-country-33")),
            (Meaning::TemplatePaused, true, Some("live-1-template-intro-fr")),
            (Meaning::TemplatePaused, false, None),
            (Meaning::NoWhatsapp, true, None),
            (Meaning::PairRate, true, None),
        ];
        for (meaning, is_template, expected) in table {
            assert_eq!(id(meaning, is_template).as_deref(), expected, "{}", meaning.name());
        }
    }
}
