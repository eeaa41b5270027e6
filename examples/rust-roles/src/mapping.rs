//! The CRM mapping: this CRM calls things `ref` and `person`.

use relais_sdk::*;
use serde::Deserialize;
use serde_json::json;

use crate::Plugin;

/// What the CRM posts. What is missing becomes a problem that names the field, by itself.
#[derive(Deserialize)]
struct Contact {
    r#ref: String,
    phone_number: String,
    #[serde(default)]
    person: Person,
}

#[derive(Default, Deserialize)]
struct Person {
    first: Option<String>,
    last: Option<String>,
}

impl CrmMapping for Plugin {
    type Config = Nothing;

    fn configure(_: Nothing) -> Result<Self, Vec<Problem>> {
        Ok(Plugin)
    }

    fn lead_from_crm(&self, payload: &str) -> Result<LeadDraft, Vec<Problem>> {
        let contact: Contact = parse(payload)?;
        let names: Vec<_> = [contact.person.first, contact.person.last].into_iter().flatten().collect();
        Ok(LeadDraft {
            crm_id: contact.r#ref,
            phone_number: contact.phone_number,
            name: (!names.is_empty()).then(|| names.join(" ")),
            email: None,
            company: None,
            assigned_to: None,
            context: "null".to_owned(),
        })
    }

    fn callback_for_crm(&self, call: &Call, update: &Update) -> Result<String, Fault> {
        let status = status_name(update.status);
        let meeting = update.meeting.as_ref().map(|meeting| &meeting.start);
        let body = json!({ "ref": call.lead.crm_id, "status": status, "call_at": meeting, "note": update.summary });
        Ok(body.to_string())
    }
}
