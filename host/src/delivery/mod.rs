//! The one door out: envelopes that are due leave, and what came of them is recorded.
//!
//! A **message** is judged again right before the request: the opt-out register, the 24-hour window, contact hours and the
//! pace as they are at that moment ([`policy`], [`message`]). A send whose result is unknown is never repeated blindly
//! ([`unknown`], P8). A **callback** is signed and tried on a schedule until it is taken ([`callback`], P9). Order within a
//! lane is the store's: it gives out the first envelope of each lane only.
//!
//! Nothing but this room and the WhatsApp client opens an outbound connection, and callbacks only to what the
//! [`Directory`] declares and the [`guard`] lets through.

mod acknowledge;
mod callback;
mod directory;
pub mod guard;
mod message;
mod options;
mod pace;
mod policy;
mod question;
mod reader;
mod rounds;
#[cfg(test)]
mod sample;
mod schedule;
mod schema;
mod secret;
mod shares;
mod stops;
mod unknown;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
};

use jiff::{SignedDuration, Timestamp};

pub use directory::{Directory, Endpoint, ModelAccess, Sender};
pub use options::{Options, UnknownRule};
pub use reader::{ReadError, Reader};
pub use secret::Secret;
pub use stops::TemplateNews;
pub use unknown::prove;

use crate::{
    model::{Clock, Envelope, EnvelopeId, EnvelopeState, Payload, Pulse, Receipt},
    store::{self, Settlement, Store},
    whatsapp,
};
use options::seconds;
use pace::Pace;
use shares::Shares;
use stops::Stops;

/// Why delivery cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A `whsec_` secret that cannot be decoded.
    #[error("read the secret: what follows whsec_ must be base64")]
    SecretEncoding,
    /// A secret without a byte.
    #[error("read the secret: it is empty")]
    SecretEmpty,
    /// A header that HTTP does not allow.
    #[error("use header {0}: its name or value has characters that HTTP does not allow")]
    Header(String),
    /// TLS or DNS of this machine.
    #[error("set up the client for callbacks")]
    Client(#[source] reqwest::Error),
}

/// How often an outcome is written before delivery gives up on it and leaves it to [`Delivery::resolve`].
const SETTLE_TRIES: u32 = 4;
/// How long an envelope waits that the store could not tell us all about.
const AFTER_STORE_ERROR: SignedDuration = SignedDuration::from_secs(5);

/// Delivers envelopes. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Delivery {
    house: Arc<House>,
}

/// What all attempts share.
struct House {
    store: Arc<dyn Store>,
    clock: Clock,
    directory: Arc<dyn Directory>,
    pulse: Pulse,
    options: Options,
    http: reqwest::Client,
    shares: Shares,
    graphs: Mutex<HashMap<(String, String), whatsapp::Client>>,
    pace: Mutex<Pace>,
    stops: Mutex<Stops>,
    /// Envelopes claimed by this process, with the receipt that proved one of them meanwhile.
    in_hand: Mutex<HashMap<EnvelopeId, Option<Receipt>>>,
    /// To how many new people a day a business number may write, and when it was asked.
    tiers: tokio::sync::Mutex<HashMap<String, (Timestamp, Option<u32>)>>,
    in_flight: Arc<AtomicUsize>,
}

/// What came of an attempt.
#[derive(Debug)]
enum Outcome {
    /// This, as far as delivery is concerned.
    Settled { state: EnvelopeState, names: Vec<String> },
    /// Another attempt, not before `at`. `was_tried` tells whether this one counts.
    Again { at: Timestamp, was_tried: bool },
}

impl Outcome {
    fn dropped(reason: &str) -> Self {
        Self::Settled { state: EnvelopeState::Dropped { reason: reason.to_owned() }, names: Vec::new() }
    }

    fn parked(reason: &str) -> Self {
        Self::Settled { state: EnvelopeState::Parked { reason: reason.to_owned() }, names: Vec::new() }
    }

    /// Its time has not come.
    fn deferred(at: Timestamp) -> Self {
        Self::Again { at, was_tried: false }
    }
}

impl Delivery {
    /// Delivery from a store to what a directory declares. It listens to `pulse`, and beats it whenever an envelope is
    /// settled. Fails when this machine's TLS cannot be set up.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        directory: Arc<dyn Directory>,
        pulse: Pulse,
        options: Options,
    ) -> Result<Self, Error> {
        let house = House {
            http: callback::client(&options)?,
            shares: Shares::new(&options),
            pace: Mutex::new(Pace::new(&options)),
            stops: Mutex::default(),
            graphs: Mutex::default(),
            in_hand: Mutex::default(),
            tiers: tokio::sync::Mutex::default(),
            in_flight: Arc::default(),
            store,
            clock,
            directory,
            pulse,
            options,
        };
        Ok(Self { house: Arc::new(house) })
    }

    /// How many envelopes are claimed and not settled, and claims under way. Zero, and nothing due in the store, means
    /// that all is quiet: virtual time may move on.
    pub fn in_flight(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.house.in_flight)
    }
}

impl House {
    /// One attempt, and what came of it into the store.
    async fn deliver(&self, envelope: &Envelope) {
        let outcome = match self.attempt(envelope).await {
            Ok(outcome) => outcome,
            // Nothing was sent: the store was asked before the request.
            Err(error) => {
                tracing::error!(envelope.id = %envelope.id, %error, "an envelope goes back to the queue");
                Outcome::deferred(self.in_future(AFTER_STORE_ERROR))
            }
        };
        let is_unknown = matches!(&outcome, Outcome::Settled { state: EnvelopeState::Unknown { .. }, .. });
        self.settle(&envelope.id, outcome).await;
        let proof = lock(&self.in_hand).remove(&envelope.id).flatten();
        if let (true, Some(receipt)) = (is_unknown, proof) {
            self.prove(&envelope.conversation, &receipt).await;
        }
    }

    async fn attempt(&self, envelope: &Envelope) -> store::Result<Outcome> {
        match &envelope.payload {
            Payload::Message(message) => message::attempt(self, envelope, message).await,
            Payload::Callback(callback) => Ok(callback::attempt(self, envelope, callback).await),
            Payload::Acknowledgement(asked) => Ok(acknowledge::attempt(self, envelope, asked).await),
            Payload::Question(question) => question::attempt(self, envelope, question).await,
        }
    }

    /// Records an outcome, trying again for a while: the request cannot be taken back.
    async fn settle(&self, envelope: &EnvelopeId, outcome: Outcome) {
        let now = self.clock.now();
        let (state, names, not_before, was_tried) = match outcome {
            Outcome::Settled { state, names } => (state, names, now, true),
            // Later than now in any case, or a round would never end.
            Outcome::Again { at, was_tried } => {
                (EnvelopeState::Queued, Vec::new(), at.max(self.in_future(MOMENT)), was_tried)
            }
        };
        tracing::debug!(envelope.id = %envelope, state = name(&state), "settled");
        let settlement = Settlement { envelope: envelope.clone(), state, not_before, was_tried, names, now };
        for attempt in 1..=SETTLE_TRIES {
            match self.store.settle(settlement.clone()).await {
                Ok(()) => {
                    self.pulse.beat();
                    return;
                }
                Err(error) => {
                    tracing::error!(envelope.id = %envelope, attempt, %error, "an outcome could not be recorded")
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(200 * u64::from(attempt))).await;
        }
    }

    /// Back to the queue because its destination is busy.
    fn put_back(&self, envelope: &Envelope) -> Outcome {
        let wait = seconds(self.options.waiting_seconds.max(1));
        Outcome::deferred(schedule::spread(self.in_future(wait), wait, &envelope.id))
    }

    /// Back to the queue until the alarm that holds it may be cleared.
    fn rest(&self, envelope: &Envelope) -> Outcome {
        let wait = seconds(self.options.stop_seconds);
        Outcome::deferred(schedule::spread(self.in_future(wait), wait / 5, &envelope.id))
    }

    fn in_future(&self, wait: SignedDuration) -> Timestamp {
        self.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX)
    }

    /// The client for a sender's Graph API; one for each address, so that connections are used again.
    fn graph(&self, sender: &Sender) -> Result<whatsapp::Client, whatsapp::ClientError> {
        let key = (sender.base_url.clone(), sender.api_version.clone());
        let mut graphs = lock(&self.graphs);
        if let Some(client) = graphs.get(&key) {
            return Ok(client.clone());
        }
        let client = whatsapp::Client::new(&whatsapp::Options {
            base_url: sender.base_url.clone(),
            api_version: sender.api_version.clone(),
            timeout_ms: self.options.http_timeout_ms,
            ..whatsapp::Options::default()
        })?;
        graphs.insert(key, client.clone());
        Ok(client)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        lock(&self.pace)
    }
}

/// The least that an envelope waits before it is tried again.
const MOMENT: SignedDuration = SignedDuration::from_millis(1);

/// A state's name for logs.
fn name(state: &EnvelopeState) -> &'static str {
    match state {
        EnvelopeState::Queued => "queued",
        EnvelopeState::Claimed { .. } => "claimed",
        EnvelopeState::Unknown { .. } => "unknown",
        EnvelopeState::Sent { .. } => "sent",
        EnvelopeState::Answered { .. } => "answered",
        EnvelopeState::Dropped { .. } => "dropped",
        EnvelopeState::Parked { .. } => "parked",
    }
}

/// Whoever panicked while holding a lock left whole values behind: each is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
