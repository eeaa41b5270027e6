//! Nouns for this room's tests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::model::{
    Conversation, ConversationId, Digest, Environment, FlowId, Lead, OutgoingMessage, OwnTurns, Phone, Progress,
    Purpose, Quiet, Template, TenantId,
};

/// A conversation in which nothing has happened.
pub(super) fn conversation(tenant: &str, number: u32) -> Conversation {
    let at: Timestamp = "2026-03-10T09:00:00Z".parse().unwrap();
    Conversation {
        id: ConversationId::new(format!("cv_{tenant}{number}")),
        tenant: TenantId::from(tenant),
        flow: FlowId::from("solaire"),
        version: Digest::from("0"),
        environment: Environment::Test,
        lead: Lead {
            crm_id: number.to_string(),
            phone: phone(number),
            name: None,
            email: None,
            company: None,
            assigned_to: None,
            context: Value::Null,
        },
        business_number: phone(99),
        alias: format!("Prospect A{number}"),
        timezone: "Europe/Paris".into(),
        quiet: Quiet::default(),
        created_at: at,
        last_activity_at: at,
        next_turn: 0,
        state: None,
        notes: Map::new(),
        summary: None,
        tags: BTreeSet::new(),
        meeting: None,
        progress: Progress::default(),
        outcome: None,
        last_status: None,
        last_inbound_at: None,
        unsettled: BTreeSet::new(),
        reports: Vec::new(),
        receipts: BTreeMap::new(),
        handed_over: None,
        own_turns: OwnTurns::default(),
        faults: 0,
        parked: None,
        held: Vec::new(),
        questions: 0,
    }
}

/// An answer with this text, and a template of this name.
pub(super) fn message(text: Option<&str>, template: Option<&str>) -> OutgoingMessage {
    OutgoingMessage {
        to: phone(1),
        text: text.map(str::to_owned),
        choices: None,
        template: template.map(|name| Template {
            name: name.to_owned(),
            language: "fr".into(),
            header: None,
            parameters: Vec::new(),
            parameter_names: Vec::new(),
            shown: format!("template {name}"),
        }),
        purpose: Purpose::Answer,
        first: false,
        failures: 0,
    }
}

fn phone(number: u32) -> Phone {
    Phone::from_whatsapp(&format!("336123456{number:02}"))
}
