//! The stock status actions (`stock:status-actions`).
//!
//! Without configuration: each status is told to the endpoint `crm`, an OPT_OUT puts the person on the opt-out
//! register. `actions.toml` adds rules: notifications, reviews, tags, restarts; `README.md` lists every key.

mod config;
mod fill;

pub use config::Config;

use config::{Callback, Rule};
use relais_sdk::{Call, Fault, Notification, Occasion, Problem, Reaction, Status, StatusActions, Update, status_name};

/// The rules, checked.
#[derive(Debug)]
pub struct Actions {
    config: Config,
}

impl StatusActions for Actions {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Problem>> {
        let problems = config.problems();
        if problems.is_empty() { Ok(Self { config }) } else { Err(problems) }
    }

    fn react(&self, call: &Call, occasion: &Occasion) -> Result<Vec<Reaction>, Fault> {
        Ok(match occasion {
            Occasion::StatusReached(update) => self.reached(call, update),
            Occasion::ScheduleFired(name) => {
                let rules = self.config.on_schedule.iter().filter(|rule| rule.is_for(name, call));
                rules.flat_map(|rule| reactions(&rule.then, call, None)).collect()
            }
            Occasion::ReviewDue => {
                let rules = self.config.on_review.iter().filter(|rule| rule.is_for(call));
                rules.flat_map(|rule| reactions(&rule.then, call, None)).collect()
            }
        })
    }
}

impl Actions {
    fn reached(&self, call: &Call, update: &Update) -> Vec<Reaction> {
        let rules: Vec<_> = self.config.on.iter().filter(|rule| rule.is_for(update)).collect();
        let mut out = Vec::new();
        if update.status == Status::OptOut {
            out.push(Reaction::SuppressContact);
        }
        // The last rule that speaks of a callback wins; otherwise each status is told to the one endpoint.
        match rules.iter().rev().find_map(|rule| rule.then.callback.as_ref()) {
            Some(Callback::Endpoint(name)) => out.push(Reaction::Callback(name.clone())),
            Some(Callback::Wanted(false)) => {}
            Some(Callback::Wanted(true)) => out.push(Reaction::Callback(self.config.endpoint.clone())),
            None if self.config.intermediate || is_final(update.status) => {
                out.push(Reaction::Callback(self.config.endpoint.clone()));
            }
            None => {}
        }
        if let (Status::NoOutcome, Some(pause)) = (update.status, self.config.review_after) {
            out.push(Reaction::ReviewAfter(pause.0));
        }
        out.extend(rules.iter().flat_map(|rule| reactions(&rule.then, call, Some(update))));
        out
    }
}

/// What a rule sets in motion, its callback apart.
fn reactions(rule: &Rule, call: &Call, update: Option<&Update>) -> Vec<Reaction> {
    let mut out = Vec::new();
    for endpoint in rule.notify.iter() {
        let body = fill::body(rule, call, update);
        out.push(Reaction::Notify(Notification { endpoint: endpoint.to_owned(), body }));
    }
    out.extend(rule.tag.iter().map(|tag| Reaction::Tag(tag.to_owned())));
    out.extend(rule.review_after.map(|pause| Reaction::ReviewAfter(pause.0)));
    out.extend(rule.restart_after.map(|pause| Reaction::RestartAfter(pause.0)));
    if rule.suppress_contact {
        out.push(Reaction::SuppressContact);
    }
    if update.is_none() {
        // On a schedule or a review nothing is told to the CRM unless the rule names an endpoint.
        if let Some(Callback::Endpoint(name)) = &rule.callback {
            out.push(Reaction::Callback(name.clone()));
        }
    }
    out
}

/// True for the four statuses that end a conversation.
fn is_final(status: Status) -> bool {
    matches!(status, Status::MeetingBooked | Status::NotReachable | Status::OptOut | Status::NoOutcome)
}

/// True when a rule's list of statuses is empty or holds this one.
fn names(list: &config::Words, status: Option<Status>) -> bool {
    list.is_empty() || status.is_some_and(|status| list.iter().any(|name| name == status_name(status)))
}

relais_sdk::export!(Actions: status_actions);
