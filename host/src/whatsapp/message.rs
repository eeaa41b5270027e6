//! What the business sends: its forms, how they go over the wire, and what a person sees of them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::to_e164;

/// To whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// A phone number, E.164.
    Number(String),
    /// A business-scoped user id, for people whose number is unknown.
    UserId(String),
}

/// A message to send, or a message to mark as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outgoing {
    /// Plain text. Only inside the 24-hour window, as all but templates.
    Text {
        /// The text.
        body: String,
        /// Whether WhatsApp shows a preview of the first link.
        preview_url: bool,
    },
    /// A text with one to three buttons.
    Buttons {
        /// A title above.
        header: Option<String>,
        /// The text.
        body: String,
        /// A line below.
        footer: Option<String>,
        /// The buttons.
        buttons: Vec<Button>,
    },
    /// A text with a menu of up to ten rows.
    List {
        /// The text.
        body: String,
        /// The label that opens the menu.
        button: String,
        /// The menu.
        sections: Vec<Section>,
    },
    /// A template approved by Meta: the only form allowed outside the window.
    Template(TemplateCall),
    /// Marks a person's message as read.
    MarkRead {
        /// The message's `wamid`.
        message_id: String,
        /// Whether to show "typing…" (until the next message, 25 seconds at most).
        typing: bool,
    },
}

/// A button of an interactive message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What comes back when it is tapped.
    pub id: String,
    /// What it says.
    pub title: String,
}

/// A titled part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its title; may be empty when it is the only one.
    pub title: String,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What comes back when it is chosen.
    pub id: String,
    /// What it says.
    pub title: String,
    /// A second line.
    pub description: Option<String>,
}

/// A template with its blanks filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateCall {
    /// The template's name.
    pub name: String,
    /// Its language, as Meta writes it (`fr`, `en_US`).
    pub language: String,
    /// What fills its header.
    pub header: Option<Header>,
    /// What fills its body, in order.
    pub body: Vec<Parameter>,
    /// What fills its buttons. A quick reply needs nothing: without a payload its text comes back.
    pub buttons: Vec<ButtonParameter>,
}

/// What fills a template's header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    /// The blank of a text header.
    Text(Parameter),
    /// A picture.
    Image(MediaLink),
    /// A film.
    Video(MediaLink),
    /// A file.
    Document(MediaLink),
}

/// A media file already uploaded to Meta, or to be fetched by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaLink {
    /// The id of an uploaded file.
    Id(String),
    /// A public address.
    Link(String),
}

/// What fills one blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// The blank's name, for templates with named blanks.
    pub name: Option<String>,
    /// The text. Line breaks and runs of spaces, which Meta refuses here, become one space.
    pub text: String,
}

/// What fills one button of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonParameter {
    /// What comes back when a quick reply is tapped.
    QuickReply {
        /// The button's place, from 0.
        index: u8,
        /// What comes back.
        payload: String,
    },
    /// The end of a link button's address.
    Url {
        /// The button's place, from 0.
        index: u8,
        /// The end of the address.
        suffix: String,
    },
}

impl Outgoing {
    /// The JSON body of the request that sends it.
    ///
    /// `envelope_id` comes back in every status of the message (at most 512 characters); `context` is the `wamid` of
    /// the message to quote. A number always goes with `+`: without it Meta would put the business's own country before
    /// it and write to a stranger. A read receipt has neither recipient nor envelope.
    #[must_use]
    pub fn body(&self, to: &Recipient, envelope_id: &str, context: Option<&str>) -> Value {
        let (kind, content) = match self {
            Self::Text { body, preview_url } => ("text", json!({"body": body, "preview_url": preview_url})),
            Self::Buttons { header, body, footer, buttons } => {
                ("interactive", buttons_body(header.as_deref(), body, footer.as_deref(), buttons))
            }
            Self::List { body, button, sections } => ("interactive", list_body(body, button, sections)),
            Self::Template(call) => ("template", call.body()),
            Self::MarkRead { message_id, typing } => return read_body(message_id, *typing),
        };
        let mut message = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "type": kind,
            "biz_opaque_callback_data": envelope_id,
        });
        let mut set = |name: &str, value: Value| {
            if let Value::Object(fields) = &mut message {
                fields.insert(name.to_owned(), value);
            }
        };
        set(kind, content);
        match to {
            // What is no number goes as it is: Meta's refusal names it better than a guess would.
            Recipient::Number(number) => set("to", to_e164(number).unwrap_or_else(|| number.clone()).into()),
            Recipient::UserId(user_id) => set("recipient", user_id.as_str().into()),
        }
        if let Some(context) = context {
            set("context", json!({"message_id": context}));
        }
        message
    }

    /// The text a person sees: header, body and footer on lines of their own, then the buttons in brackets. Of a template
    /// only the filled-in texts are known here; [`Template::render`](super::Template::render) gives the whole.
    #[must_use]
    pub fn preview(&self) -> String {
        match self {
            Self::Text { body, .. } => body.clone(),
            Self::Buttons { header, body, footer, buttons } => {
                let titles: Vec<&str> = buttons.iter().map(|button| button.title.as_str()).collect();
                page(header.as_deref(), body, footer.as_deref(), &titles)
            }
            Self::List { body, sections, .. } => {
                let rows = sections.iter().flat_map(|section| &section.rows);
                let titles: Vec<&str> = rows.map(|row| row.title.as_str()).collect();
                page(None, body, None, &titles)
            }
            Self::Template(call) => {
                let texts: Vec<String> = call.body.iter().map(|parameter| flat(&parameter.text)).collect();
                if texts.is_empty() { call.name.clone() } else { format!("{}: {}", call.name, texts.join(", ")) }
            }
            Self::MarkRead { .. } => String::new(),
        }
    }
}

/// A message as it is laid out on a phone.
pub(super) fn page(header: Option<&str>, body: &str, footer: Option<&str>, buttons: &[&str]) -> String {
    let buttons: Vec<String> = buttons.iter().map(|title| format!("[{title}]")).collect();
    let buttons = buttons.join(" ");
    let parts = [header.unwrap_or_default(), body, footer.unwrap_or_default(), &buttons];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

/// A text without line breaks, tabs and runs of spaces: what a template's blank may hold.
pub(super) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Marks read, with or without "typing…".
fn read_body(message_id: &str, typing: bool) -> Value {
    let mut body = json!({"messaging_product": "whatsapp", "status": "read", "message_id": message_id});
    if let (true, Value::Object(fields)) = (typing, &mut body) {
        fields.insert("typing_indicator".to_owned(), json!({"type": "text"}));
    }
    body
}

/// The `interactive` object of buttons.
fn buttons_body(header: Option<&str>, body: &str, footer: Option<&str>, buttons: &[Button]) -> Value {
    let buttons: Vec<Value> = buttons
        .iter()
        .map(|button| json!({"type": "reply", "reply": {"id": button.id, "title": button.title}}))
        .collect();
    let mut content = json!({"type": "button", "body": {"text": body}, "action": {"buttons": buttons}});
    if let Value::Object(fields) = &mut content {
        if let Some(header) = header.filter(|text| !text.is_empty()) {
            fields.insert("header".to_owned(), json!({"type": "text", "text": header}));
        }
        if let Some(footer) = footer.filter(|text| !text.is_empty()) {
            fields.insert("footer".to_owned(), json!({"text": footer}));
        }
    }
    content
}

/// The `interactive` object of a list.
fn list_body(body: &str, button: &str, sections: &[Section]) -> Value {
    let row = |row: &Row| match row.description.as_deref().filter(|text| !text.is_empty()) {
        Some(description) => json!({"id": row.id, "title": row.title, "description": description}),
        None => json!({"id": row.id, "title": row.title}),
    };
    let section = |section: &Section| {
        let rows: Vec<Value> = section.rows.iter().map(row).collect();
        if section.title.is_empty() { json!({"rows": rows}) } else { json!({"title": section.title, "rows": rows}) }
    };
    let sections: Vec<Value> = sections.iter().map(section).collect();
    json!({"type": "list", "body": {"text": body}, "action": {"button": button, "sections": sections}})
}

impl TemplateCall {
    /// The `template` object.
    fn body(&self) -> Value {
        let mut components = Vec::new();
        if let Some(header) = &self.header {
            components.push(json!({"type": "header", "parameters": [header.body()]}));
        }
        if !self.body.is_empty() {
            let parameters: Vec<Value> = self.body.iter().map(Parameter::body).collect();
            components.push(json!({"type": "body", "parameters": parameters}));
        }
        components.extend(self.buttons.iter().map(ButtonParameter::body));
        let mut template = json!({"name": self.name, "language": {"code": self.language}});
        if let (false, Value::Object(fields)) = (components.is_empty(), &mut template) {
            fields.insert("components".to_owned(), Value::Array(components));
        }
        template
    }
}

impl Header {
    fn body(&self) -> Value {
        match self {
            Self::Text(parameter) => parameter.body(),
            Self::Image(media) => json!({"type": "image", "image": media.body()}),
            Self::Video(media) => json!({"type": "video", "video": media.body()}),
            Self::Document(media) => json!({"type": "document", "document": media.body()}),
        }
    }
}

impl MediaLink {
    fn body(&self) -> Value {
        match self {
            Self::Id(id) => json!({"id": id}),
            Self::Link(link) => json!({"link": link}),
        }
    }
}

impl Parameter {
    fn body(&self) -> Value {
        let text = flat(&self.text);
        match &self.name {
            Some(name) => json!({"type": "text", "parameter_name": name, "text": text}),
            None => json!({"type": "text", "text": text}),
        }
    }
}

impl ButtonParameter {
    fn body(&self) -> Value {
        let (kind, index, parameter) = match self {
            Self::QuickReply { index, payload } => {
                ("quick_reply", index, json!({"type": "payload", "payload": payload}))
            }
            Self::Url { index, suffix } => ("url", index, json!({"type": "text", "text": suffix})),
        };
        json!({"type": "button", "sub_type": kind, "index": index.to_string(), "parameters": [parameter]})
    }
}
