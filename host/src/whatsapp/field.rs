//! Webhook fields other than messages: preferences, changed numbers, templates, the account.

use jiff::Timestamp;
use serde_json::Value;

use super::json::{get, id, instant, text};
use super::origin::Origin;
use super::people::People;
use super::{Account, Kind, NumberChange, Preference, Sender, TemplateChange, Update, to_e164};

/// One choice about marketing messages.
pub(super) fn preference(origin: &Origin, item: &Value, people: &People<'_>) -> Update {
    let Some(value) = id(item, "value") else {
        return origin.unreadable(item, "user_preferences[].value: expected a text, found none".to_owned());
    };
    let preference = Preference {
        sender: people.chooser(item),
        category: id(item, "category"),
        value,
        detail: text(item, "detail"),
        timestamp: instant(item, "timestamp"),
    };
    origin.update(item, Kind::Preference(preference))
}

/// Whether a system message tells of a changed number or user id.
pub(super) fn is_number_change(item: &Value) -> bool {
    const CHANGES: [&str; 3] = ["user_changed_number", "customer_changed_number", "user_changed_user_id"];
    let change = get(item, "system").and_then(|system| id(system, "type"));
    change.is_some_and(|change| CHANGES.contains(&change.as_str()))
}

/// A changed number or user id, from a system message. The message comes from the old one.
pub(super) fn number_change(id_: String, timestamp: Option<Timestamp>, sender: &Sender, item: &Value) -> NumberChange {
    let system = get(item, "system").unwrap_or(&Value::Null);
    let number = |name: &str| id(system, name).and_then(|digits| to_e164(&digits));
    let old_user_id = id(system, "previous_user_id").or_else(|| sender.user_id.clone());
    let old_parent = id(system, "previous_parent_user_id").or_else(|| sender.parent_user_id.clone());
    let old_number = sender.from.clone().or_else(|| number("customer"));
    NumberChange {
        id: Some(id_),
        timestamp,
        change: id(system, "type").unwrap_or_default(),
        new_number: number("wa_id").or_else(|| number("new_wa_id")).filter(|new| Some(new) != old_number.as_ref()),
        new_user_id: id(system, "user_id").filter(|new| Some(new) != old_user_id.as_ref()),
        new_parent_user_id: id(system, "parent_user_id").filter(|new| Some(new) != old_parent.as_ref()),
        old_number,
        old_user_id,
        old_parent_user_id: old_parent,
        body: text(system, "body"),
    }
}

/// A changed user id, from the field of that name: `{previous, current}`, alone or under `user_id`.
pub(super) fn user_id_update(origin: &Origin, item: &Value) -> Update {
    let ids = get(item, "user_id").filter(|ids| ids.is_object()).unwrap_or(item);
    let parents = get(item, "parent_user_id").unwrap_or(&Value::Null);
    let current = id(ids, "current");
    if current.is_none() && id(parents, "current").is_none() {
        return origin.unreadable(item, "user_id_update.current: expected a text, found none".to_owned());
    }
    let change = NumberChange {
        timestamp: instant(item, "timestamp"),
        change: "user_id_update".to_owned(),
        // the number is the same before and after
        old_number: id(item, "wa_id").and_then(|digits| to_e164(&digits)),
        old_user_id: id(ids, "previous"),
        new_user_id: current,
        old_parent_user_id: id(parents, "previous"),
        new_parent_user_id: id(parents, "current"),
        body: text(item, "detail"),
        ..NumberChange::default()
    };
    origin.update(item, Kind::NumberChange(change))
}

/// A field whose value is one item: templates, the account, a changed user id. Other fields are unsupported.
pub(super) fn account_wide(origin: &Origin, value: &Value) -> Option<Update> {
    let field = origin.field.as_str();
    Some(if field == "user_id_update" {
        user_id_update(origin, get(value, field).unwrap_or(value))
    } else if field.starts_with("message_template_") || field.starts_with("template_") {
        origin.update(value, Kind::Template(template(value)))
    } else if is_about_account(field) {
        origin.update(value, Kind::Account(account(value)))
    } else {
        return None;
    })
}

/// Whether a field is about the account or the business number.
fn is_about_account(field: &str) -> bool {
    const PREFIXES: [&str; 4] = ["account_", "phone_number_", "business_", "payment_configuration"];
    field == "security" || PREFIXES.iter().any(|prefix| field.starts_with(prefix))
}

/// A change of a template.
fn template(value: &Value) -> TemplateChange {
    let rejection = get(value, "rejection_info").and_then(|info| text(info, "reason"));
    TemplateChange {
        id: id(value, "message_template_id"),
        name: id(value, "message_template_name"),
        language: id(value, "message_template_language"),
        event: ["event", "new_quality_score", "new_category"].into_iter().find_map(|name| id(value, name)),
        reason: rejection.or_else(|| id(value, "reason").filter(|reason| reason != "NONE")),
    }
}

/// A change of the account.
fn account(value: &Value) -> Account {
    let alert = get(value, "alert_info").unwrap_or(&Value::Null);
    let number = id(value, "phone_number").or_else(|| id(value, "display_phone_number"));
    Account {
        event: id(value, "event").or_else(|| id(value, "decision")).or_else(|| id(alert, "alert_type")),
        number: number.map(|number| to_e164(&number).unwrap_or(number)),
    }
}
