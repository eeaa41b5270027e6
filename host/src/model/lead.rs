//! A person handed over by a CRM.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Phone;

/// A lead whose number has been validated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lead {
    /// The CRM's own identifier, given back in each callback.
    pub crm_id: String,
    /// Where WhatsApp reaches the person.
    pub phone: Phone,
    /// The person's name.
    pub name: Option<String>,
    /// The person's e-mail address.
    pub email: Option<String>,
    /// The person's company.
    pub company: Option<String>,
    /// The salesperson in charge, in the CRM's words.
    pub assigned_to: Option<String>,
    /// Anything else that the CRM sent; `null` when nothing.
    pub context: Value,
}

/// A lead as a flow's mapping read it, its number not yet validated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadDraft {
    /// As in [`Lead`].
    pub crm_id: String,
    /// As the CRM wrote it.
    pub phone_number: String,
    /// As in [`Lead`].
    pub name: Option<String>,
    /// As in [`Lead`].
    pub email: Option<String>,
    /// As in [`Lead`].
    pub company: Option<String>,
    /// As in [`Lead`].
    pub assigned_to: Option<String>,
    /// As in [`Lead`].
    pub context: Value,
}

impl LeadDraft {
    /// The lead, once its number is known to be one.
    pub fn with_phone(self, phone: Phone) -> Lead {
        Lead {
            crm_id: self.crm_id,
            phone,
            name: self.name,
            email: self.email,
            company: self.company,
            assigned_to: self.assigned_to,
            context: self.context,
        }
    }
}
