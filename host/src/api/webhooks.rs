//! `/webhooks/whatsapp`: what Meta calls.

use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
};

use super::{Api, Problem, arrivals, body};
use crate::{
    delivery::TemplateNews,
    flows::{SecretSource, Tenant},
    model::{EnvelopeId, Environment, Event, Phone, Receipt, ReceiptStatus, TenantId},
    store::{Append, Appended, To},
    turn,
    whatsapp::{self, Keyword, Kind, SIGNATURE_HEADER, Update},
};

/// Meta's limit (FACTS §2.1).
const LONGEST_WEBHOOK: usize = 3 * 1024 * 1024;

/// The handshake: repeats the challenge to whoever knows the verify token.
pub(super) async fn handshake(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<String, Problem> {
    let query = query.unwrap_or_default();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut tokens: Vec<String> =
        api.flows.tenants().iter().filter_map(|tenant| read(tenant.whatsapp.verify_token.as_ref()?)).collect();
    tokens.extend(api.options.simulator_verify_token.clone());
    tokens
        .iter()
        .find_map(|token| {
            let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            whatsapp::handshake(pairs, token).ok()
        })
        .ok_or_else(|| {
            Problem::new(
                StatusCode::FORBIDDEN,
                "handshake-refused",
                "hub.verify_token is not one of ours, or the request is not a subscription",
                "enter the same token at Meta and as whatsapp.verify-token in tenant.toml",
            )
            .about("hub.verify_token")
        })
}

/// Takes a batch of updates: 200 once every one of them is durable (P1). What cannot be handled is parked and never
/// blocks its neighbours.
pub(super) async fn receive(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<StatusCode, Problem> {
    let bytes = body::read(body, LONGEST_WEBHOOK).await?;
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    let signers = signers(&api, signature, &bytes);
    if signers.is_empty() {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "bad-signature",
            "X-Hub-Signature-256 is missing, or is not the HMAC-SHA256 of this body under a secret that is known here",
            "sign the raw bytes with the app's secret, and name that secret under whatsapp.app-secrets in tenant.toml",
        )
        .about(SIGNATURE_HEADER));
    }
    let updates = whatsapp::decode(&bytes).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-webhook",
            format!("failed to {error}"),
            "send the body that Meta documents for the object whatsapp_business_account",
        )
    })?;
    let now = api.clock.now();
    heed_templates(&api, &signers, &updates).await?;
    let events: Vec<Append> = updates
        .into_iter()
        .map(|update| {
            let from = of_tenant(&api, &update).and_then(|tenant| Some((tenant.clone(), world_of(&signers, &tenant)?)));
            arrivals::event_of(update, from, now)
        })
        .collect();
    prove_sent(&api, &events).await;
    let failures = failures(&events);
    let said = who_says(&api, &events);
    let appended = api.store.append(events).await?;
    heed_failures(&api, &failures, &appended).await?;
    register(&api, said, &appended).await?;
    api.pulse.beat();
    Ok(StatusCode::OK)
}

/// The tenant of the number that an update is about or, for what is about a whole account, of that account.
fn of_tenant(api: &Api, update: &Update) -> Option<TenantId> {
    if let Some(number) = &update.phone_number_id {
        return api.flows.tenant_of_number(number).map(|tenant| tenant.id.clone());
    }
    let account = update.waba.as_ref()?;
    let is_its = |tenant: &&std::sync::Arc<Tenant>| tenant.whatsapp.business_account_id.as_ref() == Some(account);
    api.flows.tenants().iter().find(is_its).map(|tenant| tenant.id.clone())
}

/// Someone who says STOP or START.
struct Said {
    /// The place of the event in its batch.
    event: usize,
    tenant: TenantId,
    /// Each spelling of the number, when it is told.
    numbers: Vec<Phone>,
    keyword: Keyword,
}

/// Who says STOP, in words or with WhatsApp's own control, and who says START.
fn who_says(api: &Api, events: &[Append]) -> Vec<Said> {
    let mut found = Vec::new();
    for (event, append) in events.iter().enumerate() {
        let (Some(tenant), To::Person { names, .. }) = (&append.tenant, &append.to) else { continue };
        let Some(declared) = api.flows.tenant(tenant) else { continue };
        let keywords: Vec<Keyword> = match &append.event {
            Event::MessageReceived { messages } => messages
                .iter()
                .filter_map(|message| turn::keyword(&declared.opt_out.keywords, &message.content))
                .collect(),
            Event::PreferenceChanged { stops: true } => vec![Keyword::Stop],
            _ => Vec::new(),
        };
        let numbers: Vec<Phone> =
            names.iter().filter(|name| name.starts_with('+')).map(|number| Phone::from_whatsapp(number)).collect();
        found.extend(keywords.into_iter().map(|keyword| Said {
            event,
            tenant: tenant.clone(),
            numbers: numbers.clone(),
            keyword,
        }));
    }
    found
}

/// Registers them at once, START last and only without a STOP: a turn may have to wait for the rest of a burst, or behind a
/// flow that fails, and nothing may leave meanwhile (P5). What Meta merely repeats changes nothing: a START may have come
/// since. People are registered under the number of their conversation too, for WhatsApp may know them by another name.
async fn register(api: &Api, said: Vec<Said>, appended: &[Appended]) -> Result<(), Problem> {
    let mut stopped: Vec<(TenantId, Phone)> = Vec::new();
    let mut started = Vec::new();
    for Said { event, tenant, mut numbers, keyword } in said {
        match appended.get(event) {
            None | Some(Appended::Repeated) => continue,
            Some(Appended::Filed(conversation)) => {
                let known = api.store.conversation(conversation).await?.map(|conversation| conversation.lead.phone);
                let spellings = known.iter().flat_map(|phone| whatsapp::variants(phone.as_e164()));
                numbers.extend(spellings.map(|number| Phone::from_whatsapp(&number)));
            }
            Some(_) => {}
        }
        let named = numbers.into_iter().map(|phone| (tenant.clone(), phone));
        match keyword {
            Keyword::Stop => stopped.extend(named),
            Keyword::Start => started.extend(named),
        }
    }
    for (tenant, phone) in &stopped {
        api.store.set_opt_out(tenant, phone, true).await?;
    }
    for person in started.iter().filter(|person| !stopped.contains(person)) {
        api.store.set_opt_out(&person.0, &person.1, false).await?;
    }
    Ok(())
}

/// Whose secret signed a webhook.
enum Signer {
    Tenant(TenantId),
    /// The simulator, which may speak for any tenant of this host.
    Simulator,
}

/// The world that a webhook about a tenant comes from; none when nobody signed it who may speak for that tenant.
fn world_of(signers: &[Signer], tenant: &TenantId) -> Option<Environment> {
    let is_tenant = |signer: &Signer| matches!(signer, Signer::Tenant(own) if own == tenant);
    if signers.iter().any(is_tenant) {
        return Some(Environment::Live);
    }
    signers.iter().any(|signer| matches!(signer, Signer::Simulator)).then_some(Environment::Test)
}

fn signers(api: &Api, signature: Option<&str>, bytes: &[u8]) -> Vec<Signer> {
    let verifies = |secret: String| whatsapp::verify(&[secret], signature, bytes).is_ok();
    let mut signers: Vec<Signer> = api
        .flows
        .tenants()
        .iter()
        .filter(|tenant| tenant.whatsapp.app_secrets.iter().filter_map(read).any(verifies))
        .map(|tenant| Signer::Tenant(tenant.id.clone()))
        .collect();
    if api.options.simulator_app_secret.clone().is_some_and(verifies) {
        signers.push(Signer::Simulator);
    }
    signers
}

/// A status that carries an envelope's id proves that the envelope went out, whatever its attempt seemed to end in (P8).
async fn prove_sent(api: &Api, events: &[Append]) {
    for append in events {
        if let Event::Receipt(receipt) = &append.event
            && let Some(conversation) = receipt.envelope.as_ref().and_then(EnvelopeId::conversation)
        {
            api.delivery.prove(&conversation, receipt).await;
        }
    }
}

/// The messages that failed after they were taken, by the places of their events in the batch.
fn failures(events: &[Append]) -> Vec<(usize, Receipt)> {
    let failed = |(place, append): (usize, &Append)| match &append.event {
        Event::Receipt(receipt) if receipt.status == ReceiptStatus::Failed => Some((place, receipt.clone())),
        _ => None,
    };
    events.iter().enumerate().filter_map(failed).collect()
}

/// What failed may tell that its number or its template is stopped. What Meta merely repeats tells nothing: the alarm may
/// have been cleared since.
async fn heed_failures(api: &Api, failures: &[(usize, Receipt)], appended: &[Appended]) -> Result<(), Problem> {
    for (place, receipt) in failures {
        if !matches!(appended.get(*place), None | Some(Appended::Repeated))
            && let Some(conversation) = receipt.envelope.as_ref().and_then(EnvelopeId::conversation)
        {
            api.delivery.heed(&conversation, receipt).await?;
        }
    }
    Ok(())
}

/// A template that was paused, rejected or disabled stops what needs it; one that is approved goes on (FACTS §2.6). Such
/// webhooks name the account, not the number.
async fn heed_templates(api: &Api, signers: &[Signer], updates: &[Update]) -> Result<(), Problem> {
    for update in updates {
        if let Kind::Template(change) = &update.kind
            && update.field == "message_template_status_update"
            && let (Some(waba), Some(name), Some(language), Some(event)) =
                (&update.waba, &change.name, &change.language, &change.event)
        {
            let news = TemplateNews { name: name.clone(), language: language.clone(), event: event.clone() };
            for tenant in api.flows.tenants() {
                let whatsapp = &tenant.whatsapp;
                if whatsapp.business_account_id.as_ref() != Some(waba) {
                    continue;
                }
                if let Some(world) = world_of(signers, &tenant.id) {
                    api.delivery.template_changed(&tenant.id, world, &whatsapp.phone_number_id, &news).await?;
                }
            }
        }
    }
    Ok(())
}

fn read(secret: &SecretSource) -> Option<String> {
    secret.read().inspect_err(|error| tracing::error!(%error, "secret not read")).ok()
}
