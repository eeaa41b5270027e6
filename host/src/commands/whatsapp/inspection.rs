//! One tenant's account at Meta, looked at: token, number, webhooks, templates.

use jiff::{SignedDuration, Timestamp};

use super::finding::{Finding, Verdict};
use crate::{
    flows::Tenant,
    model::FlowId,
    whatsapp::{
        Client, Credentials, ListedTemplate, ReadError, Subscription, Template, TemplateProblem, TokenInfo, to_e164,
    },
};

/// What sending needs, and what reading the rest needs (FACTS §1.1).
const SCOPES: [&str; 2] = ["whatsapp_business_messaging", "whatsapp_business_management"];
/// Without this one nothing ever comes in.
const MESSAGES: &str = "messages";
/// What else the host acts upon.
const FIELDS: [&str; 4] = ["message_template_status_update", "user_preferences", "user_id_update", "account_update"];
/// A token that expires within this time is told of.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What a handshake asks to have repeated.
const CHALLENGE: &str = "1158201444";

/// By what right to look.
pub(super) struct Access {
    /// The access token.
    pub(super) token: Option<String>,
    /// The app's secrets.
    pub(super) app_secrets: Vec<String>,
    /// What the handshake says.
    pub(super) verify_token: Option<String>,
}

/// A tenant being looked at.
pub(super) struct Inspection<'t> {
    client: Client,
    access: Access,
    tenant: &'t Tenant,
    /// Where the host takes webhooks, when it was said.
    webhook: Option<String>,
    now: Timestamp,
    findings: Vec<Finding>,
}

impl<'t> Inspection<'t> {
    /// Nothing found yet.
    pub(super) fn new(
        client: Client,
        access: Access,
        tenant: &'t Tenant,
        webhook: Option<String>,
        now: Timestamp,
    ) -> Self {
        Self { client, access, tenant, webhook, now, findings: Vec::new() }
    }

    /// What was found, in the order in which it was looked for.
    pub(super) fn findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Keeps a finding.
    pub(super) fn note(&mut self, check: &'static str, verdict: Verdict, found: impl Into<String>, remedy: &str) {
        self.findings.push(Finding::new(self.tenant.id.as_str(), check, verdict, found).advise(remedy));
    }

    fn fine(&mut self, check: &'static str, found: impl Into<String>) {
        self.note(check, Verdict::Ok, found, "");
    }

    fn wrong(&mut self, check: &'static str, found: impl Into<String>, remedy: &str) {
        self.note(check, Verdict::Wrong, found, remedy);
    }

    /// Looks at everything; `templates` are those that flows declare: flow, the flow's name for it, declaration.
    pub(super) async fn run(&mut self, templates: &[(FlowId, String, Template)]) {
        let Some(token) = self.access.token.clone() else {
            self.skip("there is no token to look with");
            return;
        };
        let waba = self.tenant.whatsapp.business_account_id.clone();
        let Some(waba) = waba else {
            self.wrong(
                "account",
                "tenant.toml has no whatsapp.business-account-id",
                "copy the WhatsApp Business Account's id from WhatsApp Manager",
            );
            self.token(&token, "").await;
            return;
        };
        let Some(info) = self.token(&token, &waba).await else {
            self.skip("the token is refused");
            return;
        };
        let posted_to = self.number(&token, &waba).await;
        self.subscription(&token, &waba, info.app_id.as_deref()).await;
        let subscribed = self.fields(info.app_id.as_deref()).await;
        self.handshake(posted_to.or(subscribed)).await;
        self.templates(&token, &waba, templates).await;
    }

    /// Says that the rest could not be looked at.
    fn skip(&mut self, why: &str) {
        for check in ["number", "subscription", "fields", "handshake", "template"] {
            self.note(check, Verdict::Skipped, format!("not looked at: {why}"), "mend the token first");
        }
    }

    /// The token; none when nothing can be asked with it.
    async fn token(&mut self, token: &str, waba: &str) -> Option<TokenInfo> {
        const NEW: &str =
            "make a token that does not expire for a system user in Business Settings, with both permissions";
        let info = match self.client.token_info(token).await {
            Ok(info) => info,
            Err(error) => {
                self.wrong("token", error.to_string(), remedy_of(&error, NEW));
                return None;
            }
        };
        if !info.is_valid {
            self.wrong("token", "Meta says that it is not valid", NEW);
            return None;
        }
        let expires = Timestamp::from_second(info.expires_at).ok().filter(|_| info.expires_at != 0);
        match expires {
            Some(at) if at <= self.now => {
                self.wrong("token", format!("expired on {at}"), NEW);
                return None;
            }
            Some(at) if at.duration_since(self.now) < SOON => {
                self.note("token", Verdict::Warning, format!("expires on {at}"), NEW);
            }
            Some(at) => self.fine("token", format!("in force until {at}")),
            None => self.fine("token", "in force, does not expire"),
        }
        for scope in SCOPES {
            if info.may(scope, waba) {
                self.fine("permission", scope);
            } else if info.scopes.iter().any(|held| held == scope) {
                let found = format!("{scope} does not cover the account {waba}");
                self.wrong(
                    "permission",
                    found,
                    "assign the account to the system user in Business Settings, then renew the token",
                );
            } else {
                self.wrong("permission", format!("{scope} is missing"), NEW);
            }
        }
        Some(info)
    }

    /// The number; gives the address that Meta posts its webhooks to, if it tells.
    async fn number(&mut self, token: &str, waba: &str) -> Option<String> {
        let whatsapp = &self.tenant.whatsapp;
        let (id, own) = (whatsapp.phone_number_id.clone(), whatsapp.number.clone());
        let credentials = Credentials { phone_number_id: id.clone(), token: token.to_owned() };
        let number = match self.client.phone_number(&credentials).await {
            Ok(number) => number,
            Err(error) => {
                let remedy = "copy the number's id (not the number) from WhatsApp Manager to whatsapp.phone-number-id";
                self.wrong("number", format!("{id}: {error}"), remedy_of(&error, remedy));
                return None;
            }
        };
        let shown = number.display_phone_number.as_deref().and_then(to_e164).unwrap_or_default();
        let status = number.status.as_deref().unwrap_or("UNKNOWN");
        if shown != own {
            let found = format!("{id} is {shown} at Meta, tenant.toml says {own}");
            self.wrong("number", found, "correct whatsapp.number or whatsapp.phone-number-id");
        } else if status != "CONNECTED" {
            self.wrong(
                "number",
                format!("{own} is {status}"),
                "register the number for the Cloud API in WhatsApp Manager",
            );
        } else {
            self.fine("number", format!("{own} is connected"));
        }
        match self.client.phone_numbers(waba, token).await {
            Ok(numbers) if numbers.iter().any(|listed| listed.id == id) => {
                self.fine("account", format!("{waba} has the number"));
            }
            Ok(_) => {
                let remedy = "correct whatsapp.business-account-id: webhooks and templates belong to the account";
                self.wrong("account", format!("{waba} does not have the number {id}"), remedy);
            }
            Err(error) => self.wrong(
                "account",
                format!("{waba}: {error}"),
                remedy_of(&error, "correct whatsapp.business-account-id"),
            ),
        }
        let limit = number.people_per_day().map_or_else(
            || "no limit of people a day".to_owned(),
            |people| format!("at most {people} new people a day, which the host keeps"),
        );
        match number.quality_rating.as_deref().unwrap_or("UNKNOWN") {
            "RED" => self.wrong(
                "quality",
                format!("RED; {limit}"),
                "people block or report this number: stop campaigns and look at templates and opt-ins before Meta restricts it",
            ),
            "YELLOW" => self.note("quality", Verdict::Warning, format!("YELLOW; {limit}"), "write to fewer people until it is GREEN"),
            quality => self.fine("quality", format!("{quality}; {limit}")),
        }
        match number.name_status.as_deref() {
            None | Some("APPROVED" | "AVAILABLE_WITHOUT_REVIEW") => {}
            Some(status) => self.note(
                "name",
                Verdict::Warning,
                format!("the display name is {status}"),
                "people see the number instead of the name until Meta approves it",
            ),
        }
        number.webhook_configuration.and_then(|configuration| configuration.address().map(str::to_owned))
    }

    /// Whether the token's app receives the account's webhooks.
    async fn subscription(&mut self, token: &str, waba: &str, app: Option<&str>) {
        match self.client.subscribed_apps(waba, token).await {
            Ok(apps) if apps.iter().any(|found| app.is_none_or(|app| found.id == app)) => {
                self.fine("subscription", format!("the app receives the webhooks of {waba}"));
            }
            Ok(_) => self.wrong(
                "subscription",
                format!("the app does not receive the webhooks of {waba}: no answer would ever come in"),
                "subscribe it: POST /{account id}/subscribed_apps with the token",
            ),
            Err(error) => self.wrong(
                "subscription",
                error.to_string(),
                remedy_of(&error, "give the token whatsapp_business_management"),
            ),
        }
    }

    /// The app's secrets and the webhook fields; gives the address that the app had registered.
    async fn fields(&mut self, app: Option<&str>) -> Option<String> {
        let Some(app) = app else {
            self.note(
                "fields",
                Verdict::Warning,
                "Meta does not say to which app the token belongs",
                "look at the app's webhooks yourself",
            );
            return None;
        };
        let mut address = None;
        for (place, secret) in (1..).zip(self.access.app_secrets.clone()) {
            match self.client.subscriptions(app, &secret).await {
                Ok(subscriptions) => address = self.asked_for(&subscriptions).or(address),
                Err(error @ ReadError::Refused(_)) => {
                    let found = format!("app secret {place} is not the app's: {error}");
                    self.wrong(
                        "fields",
                        found,
                        "copy the app secret from the app's basic settings; every webhook would be refused",
                    );
                }
                Err(error) => self.wrong("fields", error.to_string(), remedy_of(&error, "")),
            }
        }
        address
    }

    fn asked_for(&mut self, subscriptions: &[Subscription]) -> Option<String> {
        let of_whatsapp = subscriptions.iter().find(|found| found.object == "whatsapp_business_account");
        let Some(found) = of_whatsapp.filter(|found| found.active) else {
            let remedy =
                "register https://YOUR-HOST/webhooks/whatsapp in the app's dashboard, under WhatsApp, Configuration";
            self.wrong("fields", "the app secret is right, but the app has no webhook registered", remedy);
            return None;
        };
        let has = |field: &str| found.fields.iter().any(|asked| asked.name == field);
        let missing: Vec<&str> = FIELDS.into_iter().filter(|field| !has(field)).collect();
        if !has(MESSAGES) {
            self.wrong(
                "fields",
                "the app did not subscribe to messages: no answer and no status would come in",
                "subscribe to it in the app's dashboard",
            );
        } else if missing.is_empty() {
            self.fine("fields", "the app secret is right, and all fields are subscribed to");
        } else {
            let remedy = "subscribe to them in the app's dashboard: the host learns of paused templates, opt-outs and changed ids by them";
            self.note(
                "fields",
                Verdict::Warning,
                format!("the app did not subscribe to {}", missing.join(", ")),
                remedy,
            );
        }
        found.callback_url.clone()
    }

    /// What Meta does when it registers the address, done from here.
    async fn handshake(&mut self, posted_to: Option<String>) {
        let Some(verify_token) = self.access.verify_token.clone() else { return };
        let Some(address) = self.webhook.clone().or_else(|| posted_to.clone()) else {
            self.wrong(
                "handshake",
                "Meta has no address to post to",
                "register https://YOUR-HOST/webhooks/whatsapp in the app's dashboard, or name it with --webhook",
            );
            return;
        };
        if let (Some(own), Some(posted_to)) = (&self.webhook, &posted_to)
            && own.trim_end_matches('/') != posted_to.trim_end_matches('/')
        {
            self.wrong(
                "handshake",
                format!("Meta posts to {posted_to}, not to {own}"),
                "register the right address in the app's dashboard",
            );
        }
        match shake(&address, &verify_token).await {
            Ok(()) => self.fine("handshake", format!("{address} answers with the challenge")),
            Err(why) => {
                let remedy = "start `relais serve` there, and register the same verify token at Meta as in tenant.toml";
                self.wrong("handshake", format!("{address} {why}"), remedy);
            }
        }
    }

    /// Each template that a flow declares.
    async fn templates(&mut self, token: &str, waba: &str, declared: &[(FlowId, String, Template)]) {
        let listed = match self.client.templates(waba, token).await {
            Ok(listed) => listed,
            Err(error) => {
                self.wrong(
                    "template",
                    format!("cannot be listed: {error}"),
                    remedy_of(&error, "give the token whatsapp_business_management"),
                );
                return;
            }
        };
        for (flow, key, template) in declared {
            self.template(flow, key, template, &listed);
        }
    }

    fn template(&mut self, flow: &FlowId, key: &str, template: &Template, listed: &[ListedTemplate]) {
        let what = format!("{} ({}), {key:?} of {flow}", template.name, template.language);
        let problems = template.compare(listed);
        if problems.is_empty() {
            self.fine("template", what.clone());
        }
        for problem in problems {
            let verdict = if problem.is_fatal() { Verdict::Wrong } else { Verdict::Warning };
            let (found, remedy) = explain(&problem);
            self.note("template", verdict, format!("{what}: {found}"), &remedy);
        }
    }
}

/// What a difference means, and what to do about it.
fn explain(problem: &TemplateProblem) -> (String, String) {
    match problem {
        TemplateProblem::Missing { language, others, .. } => (
            format!("not at Meta in {language}, {others}"),
            "create it in WhatsApp Manager, or correct name or language in flow.toml".to_owned(),
        ),
        TemplateProblem::Unfillable { part, found, .. } => (
            format!("its {part} asks for {found} with each message, which flows cannot give"),
            "have a version without it approved under another name".to_owned(),
        ),
        TemplateProblem::Differs { part: "status", found, .. } => {
            let remedy = match found.as_str() {
                "PENDING" | "IN_APPEAL" => "wait for Meta's approval",
                "PAUSED" => "people reported it; Meta unpauses it by itself, mend its wording meanwhile",
                "REJECTED" => "read the reason in WhatsApp Manager, mend it and submit it again",
                "DISABLED" => "it will not come back: have another one approved and name that in flow.toml",
                _ => "look at it in WhatsApp Manager",
            };
            (format!("is {found}, not APPROVED"), remedy.to_owned())
        }
        TemplateProblem::Differs { part, expected, found, .. } => {
            let remedy = match *part {
                "parameters" | "header parameters" => {
                    "make flow.toml and Meta's template the same: Meta refuses every message of it"
                }
                "category" => "correct flow.toml: Meta decides the category, and bills by it",
                _ => "correct flow.toml: the transcript would show another text than the person reads",
            };
            (format!("{part} at Meta: {found}; in flow.toml: {expected}"), remedy.to_owned())
        }
        other => (other.to_string(), "mend the declaration in flow.toml".to_owned()),
    }
}

/// What to do when something cannot be read: without an answer, nothing but the network is to blame.
fn remedy_of<'r>(error: &ReadError, otherwise: &'r str) -> &'r str {
    match error {
        ReadError::NoAnswer(_) => "check the network, and graph.base-url in relais.toml",
        _ => otherwise,
    }
}

/// Asks an address for the challenge; else why it was not given.
async fn shake(address: &str, verify_token: &str) -> Result<(), String> {
    let mut url = url::Url::parse(address).map_err(|_| "is not a web address".to_owned())?;
    let query = [("hub.mode", "subscribe"), ("hub.verify_token", verify_token), ("hub.challenge", CHALLENGE)];
    url.query_pairs_mut().extend_pairs(query);
    let client = crate::commands::remote::http_client(address).map_err(|error| error.to_string())?;
    let answer = client.get(url).send().await.map_err(|_| "does not answer".to_owned())?;
    let status = answer.status();
    let body = answer.text().await.unwrap_or_default();
    match status.as_u16() {
        200 if body.trim() == CHALLENGE => Ok(()),
        200 => Err("answers with something else than the challenge".to_owned()),
        _ => Err(format!("refuses the verify token ({status})")),
    }
}
