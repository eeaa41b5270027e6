//! Where an item of a webhook was found.

use serde_json::Value;

use super::json::id;
use super::{Kind, Unreadable, Unsupported, Update};

/// Where an item was found: what all updates of one change have in common.
#[derive(Clone, Default)]
pub(super) struct Origin {
    pub(super) waba: Option<String>,
    pub(super) phone_number_id: Option<String>,
    pub(super) business_number: Option<String>,
    pub(super) field: String,
    pub(super) time: Option<jiff::Timestamp>,
}

impl Origin {
    /// An update that came from here.
    pub(super) fn update(&self, raw: &Value, kind: Kind) -> Update {
        Update {
            waba: self.waba.clone(),
            phone_number_id: self.phone_number_id.clone(),
            business_number: self.business_number.clone(),
            field: self.field.clone(),
            time: self.time,
            raw: raw.clone(),
            kind,
        }
    }

    /// An item from here that cannot be read.
    pub(super) fn unreadable(&self, raw: &Value, problem: String) -> Update {
        let error = Unreadable { id: id(raw, "id"), errors: Vec::new(), problem: Some(problem) };
        self.update(raw, Kind::Error(error))
    }

    /// An item from here that this version does not know.
    pub(super) fn unsupported(&self, raw: &Value, kind: impl Into<String>) -> Update {
        self.update(raw, Kind::Unsupported(Unsupported { kind: kind.into() }))
    }
}
