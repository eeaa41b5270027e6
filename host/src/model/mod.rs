//! Plain nouns and their invariants; no I/O, no imports from other rooms.

mod action;
mod alarm;
mod clock;
mod conversation;
mod envelope;
mod event;
mod ids;
mod lead;
pub mod limits;
mod meeting;
mod phone;
mod pulse;
mod question;
mod status;
mod transcript;

pub use action::{Action, Choice, Choices, Notification, Outcome, Purpose, Reaction, TemplateCall, Turn};
pub use alarm::{Alarm, Stopped};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use conversation::{Conversation, Environment, Fault, FaultKind, OwnTurns, Progress, Quiet, Report};
pub use envelope::{
    Acknowledgement, Blank, Callback, Envelope, EnvelopeState, Lane, OutgoingMessage, Payload, Template,
};
pub use event::{Answer, Content, Event, Inbound, Receipt, ReceiptStatus, SlotRefusal};
pub use ids::{ConversationId, Digest, EnvelopeId, FlowId, TenantId};
pub use lead::{Lead, LeadDraft};
pub use meeting::{Meeting, Slot};
pub use phone::{Phone, PhoneError};
pub use pulse::{Listener, Pulse};
pub use question::{Asked, Question};
pub use status::Status;
pub use transcript::{Direction, Line, Transcript};
