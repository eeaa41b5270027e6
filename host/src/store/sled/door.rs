//! Leads come in.

use serde::{Deserialize, Serialize};

use super::{
    inbox, key,
    rows::{Owner, Rows},
};
use crate::{
    model::{Conversation, ConversationId, Event, TenantId},
    store::{Intake, LeadAnswer, Result},
};

/// What an idempotency key was used for.
#[derive(Debug, Serialize, Deserialize)]
struct Used {
    body: String,
    conversation: ConversationId,
}

/// Accepts a lead, unless it was accepted before.
pub(super) fn accept(rows: &mut Rows<'_>, intake: Intake) -> Result<LeadAnswer> {
    let Intake { mut conversation, alias_prefix, alias_first, idempotency } = intake;
    let idempotency =
        idempotency.map(|(key, body)| (key::idempotency(&conversation.tenant, conversation.environment, &key), body));
    if let Some((key, body)) = &idempotency
        && let Some(used) = rows.get::<Used>(key)?
    {
        return Ok(if used.body == *body { LeadAnswer::Repeated(used.conversation) } else { LeadAnswer::KeyReused });
    }
    let answer = match running(rows, &conversation)? {
        Some(running) => LeadAnswer::Running(running),
        None => {
            conversation.alias = next_alias(rows, &conversation.tenant, &alias_prefix, alias_first)?;
            begin(rows, &conversation)?;
            LeadAnswer::Accepted(conversation.id)
        }
    };
    if let Some((key, body)) = idempotency
        && let LeadAnswer::Accepted(conversation) | LeadAnswer::Running(conversation) = answer.clone()
    {
        rows.put(key, &Used { body, conversation })?;
    }
    Ok(answer)
}

/// The conversation that the same lead is in, in the same environment.
fn running(rows: &Rows<'_>, new: &Conversation) -> Result<Option<ConversationId>> {
    let by_lead = rows.scan_back::<ConversationId>(&key::lead(&new.tenant, &new.lead.crm_id));
    let by_number = rows.scan_back::<ConversationId>(&key::name(&new.tenant, new.lead.phone.as_e164()));
    for id in by_lead.chain(by_number) {
        let known: Option<Conversation> = rows.get(&key::conversation(&id?))?;
        if let Some(known) = known
            && known.environment == new.environment
            && known.is_open()
        {
            return Ok(Some(known.id));
        }
    }
    Ok(None)
}

fn begin(rows: &mut Rows<'_>, conversation: &Conversation) -> Result<()> {
    let Conversation { id, tenant, lead, .. } = conversation;
    rows.put(key::conversation(id), conversation)?;
    rows.put(key::conversation_of_tenant(tenant, id), id)?;
    rows.put(key::conversation_of_lead(tenant, &lead.crm_id, id), id)?;
    rows.put(key::conversation_of_name(tenant, lead.phone.as_e164(), id), id)?;
    count_running(rows, conversation, true)?;
    inbox::file(rows, &Owner::of(conversation), Event::LeadReceived, conversation.created_at)
}

/// Counts a conversation in or out of those that run on its version.
pub(super) fn count_running(rows: &mut Rows<'_>, conversation: &Conversation, begins: bool) -> Result<()> {
    let Conversation { tenant, flow, version, .. } = conversation;
    let key = key::running_on(tenant, flow, version);
    let count = rows.get::<(String, u64)>(&key)?.map_or(0, |(_, count)| count);
    match if begins { count + 1 } else { count.saturating_sub(1) } {
        0 => rows.remove(key),
        count => rows.put(key, &(version, count))?,
    }
    Ok(())
}

/// `Prospect A1` … `Prospect A99`, `Prospect B1` …
fn next_alias(rows: &mut Rows<'_>, tenant: &TenantId, prefix: &str, first: u32) -> Result<String> {
    let key = key::aliases(tenant);
    let count: u32 = rows.get(&key)?.unwrap_or(0);
    rows.put(key, &count.saturating_add(1))?;
    let index = first.saturating_add(count).saturating_sub(1);
    Ok(format!("{prefix} {}{}", letters(index / 99), index % 99 + 1))
}

/// A … Z, AA, AB …, as spreadsheets name their columns.
fn letters(mut index: u32) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from_digit(index % 26 + 10, 36).unwrap_or('a').to_ascii_uppercase());
        match (index / 26).checked_sub(1) {
            Some(next) => index = next,
            None => return letters.iter().rev().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn letters_go_on_after_z() {
        let named = [0, 1, 25, 26, 27, 51, 52, 701, 702].map(super::letters);
        assert_eq!(named, ["A", "B", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA"]);
    }
}
