//! Identifiers, each a type of its own so that one cannot be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is; whoever reads it from outside checks it first.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

id!(
    /// A company: the name of its folder in `flows/`.
    TenantId
);
id!(
    /// A flow of a tenant: the name of its folder.
    FlowId
);
id!(
    /// A conversation: `cv_` and a ULID, so that they sort by age.
    ConversationId
);
id!(
    /// An envelope: the conversation's identifier, the turn's number and a counter, so that running a turn again names
    /// the same envelopes.
    EnvelopeId
);
id!(
    /// A flow version: the SHA-256 of its content, in hexadecimal.
    Digest
);

impl EnvelopeId {
    /// The conversation that it names; none when it is not of the form that [`EnvelopeId::of_turn`] gives.
    pub fn conversation(&self) -> Option<ConversationId> {
        let (conversation, _) = self.0.split_once('-')?;
        Some(ConversationId::new(conversation))
    }

    /// The `index`-th envelope of turn number `turn` of a conversation. No full stop in it: it is a `webhook-id`, and the
    /// text that Standard Webhooks sign is joined by full stops.
    pub fn of_turn(conversation: &ConversationId, turn: u64, index: usize) -> Self {
        Self(format!("{conversation}-{turn}-{index}"))
    }
}

impl TenantId {
    /// Whether a folder's name can be a tenant's or a flow's identifier: 1 to 64 of `a-z 0-9 - _`.
    pub fn is_valid(text: &str) -> bool {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    }
}
