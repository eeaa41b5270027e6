//! Events come in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    delivery, inbox, key,
    rows::{Owner, Rows},
};
use crate::{
    model::{ConversationId, EnvelopeId, Event, TenantId},
    store::{Append, Appended, Error, Parked, Result, To},
};

/// A receipt that came before its message was known.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    tenant: Option<TenantId>,
    at: Timestamp,
    event: Event,
    /// Under which keys [`key::waiting_for`] leads here.
    messages: Vec<String>,
    /// Other names of the person.
    #[serde(default)]
    names: Vec<String>,
}

/// Files an event under its conversation, or keeps it.
pub(super) fn append(rows: &mut Rows<'_>, append: Append) -> Result<Appended> {
    let Append { tenant, to, key, event, at, raw } = append;
    if let Some(key) = key {
        let key = key::seen(tenant.as_ref(), &key);
        if rows.has(&key)? {
            return Ok(Appended::Repeated);
        }
        rows.put(key, &at)?;
    }
    if let Some(owner) = find(rows, tenant.as_ref(), &to)? {
        if let (To::Message { wamid, envelope: Some(envelope), names }, Event::Receipt(_)) = (&to, &event)
            && !delivery::is_sent(rows, envelope)?
        {
            // It would be judged by a transcript that does not have its message yet.
            learn_names(rows, &owner, names)?;
            let messages = vec![wamid.clone(), envelope.to_string()];
            wait(rows, Receipt { tenant, at, event, messages, names: Vec::new() })?;
            return Ok(Appended::Waiting);
        }
        learn(rows, &owner, &to)?;
        if let Event::MessageChanged { message, content, .. } = &event {
            inbox::amend(rows, &owner.id, message, content.as_ref())?;
        }
        inbox::file(rows, &owner, event, at)?;
        return Ok(Appended::Filed(owner.id));
    }
    let why = match to {
        To::Message { wamid, envelope, names } => {
            let messages = Some(wamid).into_iter().chain(envelope.map(|id| id.to_string())).collect();
            wait(rows, Receipt { tenant, at, event, messages, names })?;
            return Ok(Appended::Waiting);
        }
        To::Conversation(_) => "the conversation is not known".to_owned(),
        To::Person { .. } if tenant.is_none() => "it is not known which tenant it is for".to_owned(),
        To::Person { .. } => "the person is in no conversation".to_owned(),
        To::Nobody { why } => why,
    };
    let raw = match raw {
        Some(raw) => raw,
        None => serde_json::to_value(&event)
            .map_err(|error| Error::Storage(format!("write something set aside: {error}")))?,
    };
    park(rows, at, tenant, &why, raw).map(Appended::Parked)
}

/// The conversation of an event; one of another tenant counts as not known.
fn find(rows: &Rows<'_>, tenant: Option<&TenantId>, to: &To) -> Result<Option<Owner>> {
    let ours = |id: &ConversationId| -> Result<Option<Owner>> {
        let owner = Owner::find(rows, id)?;
        Ok(owner.filter(|owner| tenant.is_none_or(|tenant| *tenant == owner.tenant)))
    };
    let by_wamid = |wamid: &str| match rows.get::<ConversationId>(&key::wamid(wamid))? {
        Some(id) => ours(&id),
        None => Ok(None),
    };
    match to {
        To::Conversation(id) => ours(id),
        To::Message { wamid, envelope, .. } => {
            if let Some(envelope) = envelope
                && rows.has(&key::envelope(envelope))?
                && let Some(owner) = ours(&key::owner(envelope))?
            {
                return Ok(Some(owner));
            }
            by_wamid(wamid)
        }
        To::Nobody { .. } => Ok(None),
        To::Person { environment, context, names } => {
            if let Some(wamid) = context
                && let Some(owner) = by_wamid(wamid)?
            {
                return Ok(Some(owner));
            }
            let Some(tenant) = tenant else { return Ok(None) };
            for name in names {
                for id in rows.scan_back::<ConversationId>(&key::name(tenant, name)) {
                    let id = id?;
                    if environment.is_none_or(|wanted| Owner::is_of(rows, &id, wanted)) {
                        return ours(&id);
                    }
                }
            }
            Ok(None)
        }
    }
}

/// Remembers what an event tells: that a message of ours has this `wamid`, that a person has these names.
fn learn(rows: &mut Rows<'_>, owner: &Owner, to: &To) -> Result<()> {
    match to {
        To::Conversation(_) | To::Nobody { .. } => Ok(()),
        To::Message { wamid, names, .. } => {
            learn_wamid(rows, owner, wamid)?;
            learn_names(rows, owner, names)
        }
        To::Person { names, .. } => learn_names(rows, owner, names),
    }
}

pub(super) fn learn_wamid(rows: &mut Rows<'_>, owner: &Owner, wamid: &str) -> Result<()> {
    let key = key::wamid(wamid);
    if rows.has(&key)? { Ok(()) } else { rows.put(key, &owner.id) }
}

pub(super) fn learn_names(rows: &mut Rows<'_>, owner: &Owner, names: &[String]) -> Result<()> {
    for name in names {
        let key = key::conversation_of_name(&owner.tenant, name, &owner.id);
        if !rows.has(&key)? {
            rows.put(key, &owner.id)?;
        }
    }
    Ok(())
}

fn wait(rows: &mut Rows<'_>, receipt: Receipt) -> Result<()> {
    let number = rows.last_number(&key::waitings())?.map_or(0, |last| last + 1);
    for message in &receipt.messages {
        rows.put(key::waiting_for_number(message, number), &number)?;
    }
    rows.put(key::waiting(number), &receipt)
}

/// Files the receipts that came before their message was known, in order of arrival.
pub(super) fn file_waiting(
    rows: &mut Rows<'_>,
    owner: &Owner,
    wamid: Option<&str>,
    envelope: &EnvelopeId,
) -> Result<()> {
    let mut numbers = rows.scan(&key::waiting_for(envelope.as_str())).collect::<Result<Vec<u64>>>()?;
    if let Some(wamid) = wamid {
        for number in rows.scan(&key::waiting_for(wamid)) {
            numbers.push(number?);
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        let Some(receipt) = rows.get::<Receipt>(&key::waiting(number))? else { continue };
        if receipt.tenant.as_ref().is_some_and(|tenant| *tenant != owner.tenant) {
            continue;
        }
        rows.remove(key::waiting(number));
        for message in &receipt.messages {
            rows.remove(key::waiting_for_number(message, number));
        }
        learn_names(rows, owner, &receipt.names)?;
        inbox::file(rows, owner, receipt.event, receipt.at)?;
    }
    Ok(())
}

fn park(rows: &mut Rows<'_>, at: Timestamp, tenant: Option<TenantId>, why: &str, raw: Value) -> Result<u64> {
    let number = rows.last_number(&key::parked())?.map_or(1, |last| last + 1);
    let parked = Parked { number, at, tenant, why: why.to_owned(), raw };
    rows.put(key::parked_number(number), &parked)?;
    Ok(number)
}
