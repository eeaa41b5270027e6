//! An update as one flat JSON object: what `relais whatsapp decode` prints, a line each.

use serde_json::{Map, Value};

use super::{ApiError, Content, Kind, Message, NumberChange, Sender, StatusUpdate, Update, meaning};

/// The object being written; nothing is written that is not known.
#[derive(Default)]
struct Line(Map<String, Value>);

impl Line {
    /// Sets a field, if there is something to set.
    fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    /// Sets a text field, if there is a text.
    fn text(&mut self, name: &str, value: Option<&str>) {
        self.set(name, value);
    }

    /// Who wrote.
    fn sender(&mut self, sender: &Sender) {
        self.text("from", sender.from.as_deref());
        self.text("user_id", sender.user_id.as_deref());
        self.text("name", sender.profile_name.as_deref());
        self.text("username", sender.username.as_deref());
    }

    /// The first error, and what it means.
    fn errors(&mut self, errors: &[ApiError]) {
        if let Some(error) = errors.first() {
            self.set("code", error.code);
            self.text("meaning", Some(meaning(error).name()));
            self.text("detail", error.details.as_deref().or(error.message.as_deref()));
        }
    }

    /// What was said.
    fn content(&mut self, content: &Content) {
        self.text("type", Some(content.name()));
        self.text("text", content.text());
        match content {
            Content::Button { payload, .. } => self.text("payload", Some(payload)),
            Content::ButtonReply { id, .. } | Content::ListReply { id, .. } => self.text("payload", Some(id)),
            Content::FlowReply { response, .. } => self.text("payload", Some(response)),
            Content::Media(media) => self.text("media", Some(&media.id)),
            Content::Reaction { message_id, .. } => self.text("original", Some(message_id)),
            Content::Contacts(cards) => {
                self.set("phones", Some(cards.iter().flat_map(|card| card.phones.clone()).collect::<Vec<_>>()));
            }
            Content::Location(place) => {
                self.set("latitude", Some(place.latitude));
                self.set("longitude", Some(place.longitude));
            }
            Content::CallPermission { accepted, .. } => self.set("accepted", Some(*accepted)),
            Content::Unsupported { errors, .. } => self.errors(errors),
            Content::Text { .. } | Content::Order(_) | Content::System { .. } | Content::RequestWelcome => {}
        }
    }

    /// A message.
    fn message(&mut self, message: &Message) {
        self.text("id", Some(&message.id));
        self.sender(&message.sender);
        self.text("to", message.to.as_deref());
        self.content(&message.content);
        self.text("context", message.context_id.as_deref());
        self.set("at", message.timestamp.map(|at| at.to_string()));
    }

    /// A status.
    fn status(&mut self, status: &StatusUpdate) {
        self.text("id", Some(&status.wamid));
        self.text("status", Some(status.status.name()));
        self.text("to", status.recipient.number.as_deref());
        self.text("user_id", status.recipient.user_id.as_deref());
        self.text("envelope", status.envelope.as_deref());
        self.errors(&status.errors);
        self.set("at", status.timestamp.map(|at| at.to_string()));
    }

    /// A changed number or user id.
    fn number_change(&mut self, change: &NumberChange) {
        self.text("type", Some(&change.change));
        self.text("id", change.id.as_deref());
        self.text("from", change.old_number.as_deref());
        self.text("to", change.new_number.as_deref());
        self.text("user_id", change.old_user_id.as_deref().or(change.new_user_id.as_deref()));
        self.text("new_user_id", change.new_user_id.as_deref());
        self.text("text", change.body.as_deref());
        self.set("at", change.timestamp.map(|at| at.to_string()));
    }
}

impl Kind {
    /// Its name in `relais whatsapp decode`. A message that WhatsApp does not pass on is `unsupported`.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            Self::Message(message) if matches!(message.content, Content::Unsupported { .. }) => "unsupported",
            Self::Message(_) => "message",
            Self::Status(_) => "status",
            Self::Preference(_) => "preference",
            Self::Template(_) => "template",
            Self::Account(_) => "account",
            Self::NumberChange(_) => "number-change",
            Self::Echo(_) => "echo",
            Self::Edit(_) => "edit",
            Self::Revoke(_) => "revoke",
            Self::Unsupported(_) => "unsupported",
            Self::Error(_) => "error",
        }
    }
}

impl Update {
    /// What was understood, as a flat object: `event` always, then `type`, `id`, `from`, `user_id`, `text`, `status`,
    /// `code`, `meaning` and others where they are known. It holds personal data: print it, do not log it.
    #[must_use]
    pub fn line(&self) -> Value {
        let mut line = Line::default();
        line.text("event", Some(self.kind.event()));
        match &self.kind {
            Kind::Message(message) | Kind::Echo(message) => line.message(message),
            Kind::Status(status) => line.status(status),
            Kind::NumberChange(change) => line.number_change(change),
            Kind::Preference(preference) => {
                line.text("type", preference.category.as_deref());
                line.text("status", Some(&preference.value));
                line.sender(&preference.sender);
                line.text("detail", preference.detail.as_deref());
                line.set("at", preference.timestamp.map(|at| at.to_string()));
            }
            Kind::Template(template) => {
                line.text("type", Some(&self.field));
                line.text("id", template.id.as_deref());
                line.text("name", template.name.as_deref());
                line.text("language", template.language.as_deref());
                line.text("status", template.event.as_deref());
                line.text("detail", template.reason.as_deref());
            }
            Kind::Account(account) => {
                line.text("type", Some(&self.field));
                line.text("status", account.event.as_deref());
                line.text("number", account.number.as_deref());
            }
            Kind::Edit(edit) => {
                line.text("id", Some(&edit.id));
                line.sender(&edit.sender);
                line.content(&edit.content);
                line.text("original", edit.original_id.as_deref());
                line.set("at", edit.timestamp.map(|at| at.to_string()));
            }
            Kind::Revoke(revoke) => {
                line.text("id", Some(&revoke.id));
                line.sender(&revoke.sender);
                line.text("original", revoke.original_id.as_deref());
                line.set("at", revoke.timestamp.map(|at| at.to_string()));
            }
            Kind::Unsupported(unsupported) => line.text("type", Some(&unsupported.kind)),
            Kind::Error(error) => {
                line.text("type", Some(&self.field).filter(|field| !field.is_empty()).map(String::as_str));
                line.text("id", error.id.as_deref());
                line.text("detail", error.problem.as_deref());
                line.errors(&error.errors);
            }
        }
        Value::Object(line.0)
    }
}
