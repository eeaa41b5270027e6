//! A message as a webhook brings it.

use jiff::Timestamp;

use super::ApiError;

/// A message, from a person or (in an [`Kind::Echo`](super::Kind::Echo)) from the business.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The message's `wamid`. It contains the person's number in clear: keep it out of logs.
    pub id: String,
    /// When the person sent it, by Meta's clock: what the 24-hour window counts from.
    pub timestamp: Option<Timestamp>,
    /// Who wrote.
    pub sender: Sender,
    /// To whom, E.164: only on echoes.
    pub to: Option<String>,
    /// The `wamid` of the message that this one answers or quotes.
    pub context_id: Option<String>,
    /// Whether it was forwarded from another chat.
    pub forwarded: bool,
    /// The group it was written in, if it is no private message.
    pub group_id: Option<String>,
    /// What it says.
    pub content: Content,
    /// The advertisement that brought the person, on their first message.
    pub referral: Option<Referral>,
}

/// The person at the other end. Every field may be absent since user names exist (2026).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sender {
    /// Their number, E.164 with `+`.
    pub from: Option<String>,
    /// WhatsApp's id of them: digits, mostly but not always those of the number.
    pub wa_id: Option<String>,
    /// Their business-scoped user id (`US.1349…`). It changes with their number.
    pub user_id: Option<String>,
    /// The same for a parent portfolio (`US.ENT.…`).
    pub parent_user_id: Option<String>,
    /// The name they show.
    pub profile_name: Option<String>,
    /// Their user name.
    pub username: Option<String>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Plain text.
    Text {
        /// The text.
        body: String,
    },
    /// A quick-reply button of a template was tapped. It may be tapped twice, or days later.
    Button {
        /// The payload given when the template was sent, else the button's text.
        payload: String,
        /// The button's text.
        text: String,
    },
    /// A button of an interactive message was tapped.
    ButtonReply {
        /// The button's id.
        id: String,
        /// The button's title.
        title: String,
    },
    /// A row of a list was chosen.
    ListReply {
        /// The row's id.
        id: String,
        /// The row's title.
        title: String,
        /// The row's description.
        description: Option<String>,
    },
    /// A WhatsApp Flow (form) was filled in.
    FlowReply {
        /// The flow's name.
        name: Option<String>,
        /// The text shown.
        body: Option<String>,
        /// The answers: JSON written as text.
        response: String,
    },
    /// An answer to a request for permission to call.
    CallPermission {
        /// Whether calls are allowed.
        accepted: bool,
        /// Until when, if not for ever.
        expires: Option<Timestamp>,
    },
    /// A picture, a voice message, a file…
    Media(Media),
    /// A place.
    Location(Location),
    /// Contact cards.
    Contacts(Vec<SharedContact>),
    /// An emoji set on a message, or taken away.
    Reaction {
        /// The `wamid` of the message reacted to.
        message_id: String,
        /// The emoji; nothing when the reaction was taken away.
        emoji: Option<String>,
    },
    /// A basket of a catalogue.
    Order(Order),
    /// A notice of WhatsApp's about the person, other than a change of number (`customer_identity_changed`, …).
    System {
        /// Its `system.type`.
        kind: String,
        /// Its text.
        body: Option<String>,
    },
    /// The person opened the chat for the first time and wrote nothing yet.
    RequestWelcome,
    /// A type that WhatsApp does not pass on, that this version does not know, or without its content.
    /// The person did write something.
    Unsupported {
        /// The message's `type`, or `unsupported.type` where Meta names it.
        kind: String,
        /// Meta's reasons (131051).
        errors: Vec<ApiError>,
    },
}

/// The kind of a media message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A voice message or an audio file.
    Audio,
    /// A film.
    Video,
    /// A file.
    Document,
    /// A sticker.
    Sticker,
}

/// A media message. The bytes are fetched with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// The id that fetches its bytes.
    pub id: String,
    /// Its type.
    pub mime_type: Option<String>,
    /// The words written under it.
    pub caption: Option<String>,
    /// A document's name.
    pub filename: Option<String>,
    /// Recorded in the chat, rather than an audio file.
    pub voice: bool,
}

/// A place, in degrees.
#[derive(Debug, Clone, PartialEq)]
pub struct Location {
    /// Positive in the north.
    pub latitude: f64,
    /// Positive in the east.
    pub longitude: f64,
    /// The place's name.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<String>,
    /// Its page.
    pub url: Option<String>,
}

/// A contact card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedContact {
    /// The name as displayed.
    pub name: Option<String>,
    /// Its numbers, E.164 where they can be read, else as written.
    pub phones: Vec<String>,
    /// Whether it answers a request for the person's own number (`contact_request`).
    pub is_requested: bool,
}

/// A basket.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The catalogue's id.
    pub catalog_id: Option<String>,
    /// What the person wrote with it.
    pub text: Option<String>,
    /// Its lines.
    pub items: Vec<OrderItem>,
}

/// A line of a basket.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderItem {
    /// The product's id in the catalogue.
    pub product: Option<String>,
    /// How many.
    pub quantity: Option<f64>,
    /// The price of one, in `currency`.
    pub unit_price: Option<f64>,
    /// ISO 4217.
    pub currency: Option<String>,
}

/// The advertisement or post that the person came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Referral {
    /// The advertisement or post.
    pub source_url: Option<String>,
    /// Its id.
    pub source_id: Option<String>,
    /// `ad` or `post`.
    pub source_type: Option<String>,
    /// Its title.
    pub headline: Option<String>,
    /// Its text.
    pub body: Option<String>,
    /// `image` or `video`.
    pub media_type: Option<String>,
    /// Meta's click id, for attribution.
    pub ctwa_clid: Option<String>,
}
