//! WhatsApp Business Cloud API, without a store and without a server: the signature and decoding of
//! webhooks, the wire form of messages and the client that sends them, and what Meta's error codes,
//! 24-hour window and templates mean for a lead.
//!
//! Everything here is a pure function but [`Client`], the only transport: production and the
//! simulator differ by its base URL alone.

mod account;
mod api_error;
mod blanks;
mod client;
mod content;
mod decode;
mod field;
mod inbound;
mod json;
mod limits;
mod line;
mod meaning;
mod message;
mod number;
mod origin;
mod people;
mod remedy;
mod repair;
mod signature;
mod stop;
mod template;
mod update;
mod window;

#[cfg(test)]
mod client_test;
#[cfg(test)]
mod content_test;
#[cfg(test)]
mod decode_test;
#[cfg(test)]
mod field_test;
#[cfg(test)]
mod fixtures_test;
#[cfg(test)]
mod hostile_test;
#[cfg(test)]
mod message_test;
#[cfg(test)]
mod template_test;

pub use account::{
    GranularScope, ListedTemplate, PhoneNumber, ReadError, SubscribedApp, SubscribedField, Subscription, TokenInfo,
    WebhookConfiguration,
};
pub use api_error::ApiError;
pub use client::{Client, ClientError, Credentials, Options, SendResult};
pub use decode::{DecodeError, decode};
pub use inbound::{Content, Location, Media, MediaKind, Message, Order, OrderItem, Referral, Sender, SharedContact};
pub use limits::LimitProblem;
pub use meaning::{Meaning, meaning, not_reachable_reason};
pub use message::{
    Button, ButtonParameter, Header, MediaLink, Outgoing, Parameter, Recipient, Row, Section, TemplateCall,
};
pub use number::{to_e164, variants};
pub use remedy::Remedy;
pub use signature::{HandshakeError, SIGNATURE_HEADER, SignatureError, handshake, sign, verify};
pub use stop::{Keyword, Keywords};
pub use template::{Category, Template, TemplateProblem};
pub use update::{
    Account, Delivery, Edit, Kind, NumberChange, Preference, Revoke, StatusRecipient, StatusUpdate, TemplateChange,
    Unreadable, Unsupported, Update,
};
pub use window::Window;
