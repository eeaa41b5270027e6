//! Erasing a person (P13): every row that is theirs goes, wherever it is.
//!
//! A person's rows carry the identifier of one of their conversations or the `wamid` of one of their messages, in the key
//! or in the value; what was set aside carries one of their names. So the whole store is looked through, outside of any
//! change, and what is found is removed in one; again, until nothing is found any more, because a turn that was under
//! way may have written meanwhile.

use std::collections::BTreeSet;

use memchr::memmem::Finder;
use sled::IVec;

use super::{
    door, inbox, key,
    rows::{Effect, Rows, decode},
    tree::Tree,
};
use crate::{
    model::{Conversation, ConversationId, Envelope, EnvelopeState, Line, Phone, TenantId},
    store::{Parked, Person, Result},
};

/// Rows of no person: formats and counts, API keys, flow versions, calendars' secrets, registers of digests.
const NOBODYS: &[u8] = b"#+kvhaFrACuUBO";
/// The store is looked through so often at most; each time but the first finds only what was written in between.
pub(super) const ROUNDS: usize = 8;
/// The ends of a text in a key.
const TEXT_END: &[u8] = &[0, 1];

/// What is looked for.
pub(super) struct Traces {
    tenant: TenantId,
    /// Whose conversations.
    pub(super) conversations: BTreeSet<ConversationId>,
    /// E.164 numbers and WhatsApp's names of the person.
    names: BTreeSet<String>,
    /// What only rows of theirs contain.
    marks: BTreeSet<String>,
}

impl Traces {
    /// Everything that a person is known by: from a number or a contact to conversations, to other names, to other
    /// conversations.
    pub(super) fn of(rows: &Rows<'_>, tree: &Tree, tenant: &TenantId, person: &Person) -> Result<Self> {
        let mut traces = Self {
            tenant: tenant.clone(),
            conversations: BTreeSet::new(),
            names: BTreeSet::new(),
            marks: BTreeSet::new(),
        };
        match person {
            Person::Phone(phone) => drop(traces.names.insert(phone.as_e164().to_owned())),
            Person::Contact(crm_id) => {
                for id in rows.scan::<ConversationId>(&key::lead(tenant, crm_id)) {
                    traces.conversations.insert(id?);
                }
            }
        }
        let mut known = usize::MAX;
        while known != traces.conversations.len() + traces.names.len() {
            known = traces.conversations.len() + traces.names.len();
            for id in &traces.conversations {
                if let Some(conversation) = rows.get::<Conversation>(&key::conversation(id))? {
                    traces.names.insert(conversation.lead.phone.as_e164().to_owned());
                }
            }
            let of_tenant = key::names(tenant);
            for row in tree.range(of_tenant.bytes().to_vec(), of_tenant.end()) {
                let (bytes, value) = row?;
                let id: ConversationId = decode(of_tenant.what(), &value)?;
                let name = bytes.get(of_tenant.bytes().len()..).unwrap_or_default();
                let end = memchr::memmem::find(name, TEXT_END).unwrap_or(name.len());
                let name = String::from_utf8_lossy(name.get(..end).unwrap_or_default()).into_owned();
                if traces.names.contains(&name) || traces.conversations.contains(&id) {
                    traces.names.insert(name);
                    traces.conversations.insert(id);
                }
            }
        }
        for id in &traces.conversations {
            traces.marks.insert(id.to_string());
            if let Some(conversation) = rows.get::<Conversation>(&key::conversation(id))? {
                traces.marks.extend(conversation.receipts.into_keys());
            }
            for line in rows.scan::<Line>(&key::lines(id)) {
                traces.marks.extend(line?.wamid);
            }
            traces.marks.extend(inbox::messages(rows, id)?);
            for envelope in super::delivery::envelopes(rows, id)? {
                if let Envelope { state: EnvelopeState::Sent { wamid: Some(wamid), .. }, .. } = envelope {
                    traces.marks.insert(wamid);
                }
            }
        }
        Ok(traces)
    }

    /// The numbers among the names.
    pub(super) fn phones(&self) -> impl Iterator<Item = Phone> {
        self.names.iter().filter(|name| name.starts_with('+')).map(|name| Phone::from_whatsapp(name))
    }

    /// The keys of the rows that are the person's. Reads the whole tree.
    pub(super) fn find(&self, tree: &Tree) -> Result<Vec<IVec>> {
        let marks: Vec<Finder<'_>> = self.marks.iter().map(|mark| Finder::new(mark.as_bytes())).collect();
        // WhatsApp writes numbers without their plus.
        let names: Vec<&str> = self.names.iter().map(|name| name.trim_start_matches('+')).collect();
        let mut found = Vec::new();
        for row in tree.iter() {
            let (key, value) = row?;
            let kind = key.first().copied().unwrap_or_default();
            if NOBODYS.contains(&kind) {
                continue;
            }
            let is_marked = || marks.iter().any(|mark| mark.find(&key).is_some() || mark.find(&value).is_some());
            if self.is_set_aside(kind, &value, &names)? || is_marked() {
                found.push(key);
            }
        }
        Ok(found)
    }

    fn is_set_aside(&self, kind: u8, value: &[u8], names: &[&str]) -> Result<bool> {
        if !key::parked().bytes().contains(&kind) {
            return Ok(false);
        }
        let parked: Parked = decode(key::parked().what(), value)?;
        if parked.tenant.is_some_and(|tenant| tenant != self.tenant) {
            return Ok(false);
        }
        let raw = parked.raw.to_string();
        Ok(names.iter().any(|name| raw.contains(name)))
    }

    /// Removes rows that were found. Whoever asked for silence keeps it: the number goes, a digest of it stays on the
    /// register. Whether there was one.
    pub(super) fn remove(&self, rows: &mut Rows<'_>, found: &[IVec]) -> Result<bool> {
        for id in &self.conversations {
            if let Some(conversation) = rows.get::<Conversation>(&key::conversation(id))? {
                if conversation.is_open() {
                    door::count_running(rows, &conversation, false)?;
                }
                rows.then(Effect::Erased { conversation: id.clone() });
            }
        }
        for key in found {
            rows.remove_bytes(key);
        }
        let mut opted_out = false;
        for phone in self.phones() {
            let plain = key::opt_out(&self.tenant, phone.as_e164());
            if rows.has(&plain)? {
                rows.remove(plain);
                rows.put(key::opt_out_digest(&self.tenant, phone.as_e164()), &())?;
                opted_out = true;
            }
        }
        Ok(opted_out)
    }
}
