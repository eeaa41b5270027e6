//! WhatsApp, emulated: a server that behaves like Meta's Graph API, people who answer, and all that goes wrong between them.
//!
//! The host talks to it through its ordinary client and gets its webhooks at its ordinary door: only the base URL differs.
//! Time comes from a [`Clock`](crate::model::Clock). With the machine's clock things happen by themselves. With a virtual
//! one nothing happens until [`Simulator::run_due`]: advance the clock to [`Simulator::next_due`], run what is due, wait
//! until the host is idle, and so on; the same seed then gives the same run.
//!
//! One numbered walk, "a message": `server` takes the request, `accept` carries it out (`validate`, `templates`, `rates`),
//! `itinerary` decides what becomes of it, `queue` keeps that for its time, `network` does it, `tell`, `update` and `outbox`
//! tell the host. People are in `people` and `inbound`; what can go wrong is in `scenario`.

mod accept;
mod chance;
mod happening;
mod inbound;
mod interactive;
mod itinerary;
mod message;
mod network;
mod options;
mod outbox;
mod people;
mod queue;
mod rates;
mod refusal;
mod scenario;
mod server;
mod shape;
mod tell;
mod templates;
#[cfg(test)]
mod templates_test;
mod update;
mod validate;
#[cfg(test)]
mod validate_test;
mod wire;
mod world;

use std::{
    future::IntoFuture,
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::{broadcast, watch},
};

pub use self::{
    chance::When,
    happening::{Happening, Offered, OfferedKind, Received},
    options::{ApprovedTemplate, BusinessNumber, Options, TemplateButton, TemplateHeader, WebhookTarget},
    people::Person,
    scenario::{Account, Enforcement, Fault, Habit, Latency, PairRate, People, Policy, Scenario, Webhooks},
};
use self::{network::Network, wire::Listener, wire::Scissors};
use crate::model::Clock;

/// Why the simulator does not start, or does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken, or not allowed.
    #[error("listen on {address}: {source}; choose another port")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The client for webhooks cannot be made.
    #[error("make the client that posts webhooks: {0}")]
    Client(#[source] reqwest::Error),
    /// There is no business number.
    #[error("no business number is given; give at least one")]
    NoNumber,
    /// The scenario is not one.
    #[error("read scenario: {0}")]
    Scenario(#[source] Box<toml::de::Error>),
    /// A selector cannot be meant.
    #[error("read scenario: fault {fault}: {reason}")]
    Selector {
        /// Which fault.
        fault: Fault,
        /// What to do.
        reason: &'static str,
    },
    /// The host did not take the handshake.
    #[error("register the webhook: {0}")]
    Handshake(&'static str),
    /// The server stopped by itself.
    #[error("serve: {0}")]
    Serve(#[source] io::Error),
}

/// How long requests under way have to end once the simulator is asked to stop.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Returns once the simulator is asked to stop.
async fn stopping(mut stops: watch::Receiver<bool>) {
    // An error means that every handle is gone; the server stays with its runtime.
    if stops.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A running simulator. Clones are the same one; it stops at [`Simulator::shutdown`] or with its runtime.
#[derive(Clone)]
pub struct Simulator {
    network: Arc<Network>,
    address: SocketAddr,
    stop: Arc<watch::Sender<bool>>,
    stopped: watch::Receiver<bool>,
}

impl Simulator {
    /// Listens and, with the machine's clock, begins to do things by itself.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start(options: Options) -> Result<Self, Error> {
        let network = Arc::new(Network::new(&options)?);
        let refused = |source| Error::Listen { address: options.listen, source };
        let listener = Listener(TcpListener::bind(options.listen).await.map_err(refused)?);
        let address = listener.address().map_err(refused)?;
        let (stop, stops) = watch::channel(false);
        let (finished, stopped) = watch::channel(false);
        let app = server::router(Arc::clone(&network)).into_make_service_with_connect_info::<Scissors>();
        let by_itself = matches!(options.clock, Clock::System(_));
        let running = Arc::clone(&network);
        tokio::spawn(async move {
            let serving = axum::serve(listener, app).with_graceful_shutdown(stopping(stops.clone())).into_future();
            let living = async move {
                if by_itself {
                    running.run().await;
                }
                std::future::pending::<()>().await;
            };
            let leaving = async move {
                stopping(stops).await;
                // A request that hangs on purpose would keep its connection for minutes.
                tokio::time::sleep(LAST_ANSWERS).await;
            };
            tokio::select! {
                _ = serving => {}
                () = living => {}
                () = leaving => {}
            }
            finished.send_replace(true);
        });
        Ok(Self { network, address, stop: Arc::new(stop), stopped })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to give a client as base URL, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening and doing things; returns when it has.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        // An error means that the server is gone already.
        let _ = self.stopped.clone().wait_for(|stopped| *stopped).await;
    }

    /// The person of a number in E.164, who appears when first spoken of: on WhatsApp if the number can exist.
    #[must_use]
    pub fn person(&self, number: &str) -> Person {
        let index = self.network.world().person(number);
        Person::new(Arc::clone(&self.network), index)
    }

    /// What happens from now on; a subscriber that lags more than 4096 happenings behind misses some.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Happening> {
        self.network.happenings.subscribe()
    }

    /// What happened so far, oldest first, at most 2000.
    #[must_use]
    pub fn history(&self) -> Vec<Happening> {
        self.network.world().history.iter().cloned().collect()
    }

    /// Sends webhooks there from now on.
    pub fn set_webhook(&self, target: WebhookTarget) {
        *self.network.webhook.write().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }

    /// Adds a template, or replaces the one of that name and language.
    pub fn set_template(&self, template: ApprovedTemplate) {
        let mut known = self.network.templates.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|other| other.name != template.name || other.language != template.language);
        known.push(template);
    }

    /// Removes a template, as someone may at Meta; whether there was one.
    pub fn remove_template(&self, name: &str, language: &str) -> bool {
        let mut known = self.network.templates.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        known.retain(|template| template.name != name || template.language != language);
        known.len() < before
    }

    /// Gives a template another status (`PAUSED`, `APPROVED`, …) and tells the host of it by webhook.
    pub fn set_template_status(&self, name: &str, language: &str, status: &str) {
        self.network.change_template(name, language, status);
    }

    /// Makes the handshake with which Meta registers a webhook: a GET whose challenge the host is to give back.
    ///
    /// # Errors
    /// [`Error::Handshake`], with what is wrong.
    pub async fn register(&self) -> Result<(), Error> {
        let target = self.network.target().ok_or(Error::Handshake("no webhook is set"))?;
        let challenge = self.network.world().chance.below(u64::from(u32::MAX)).to_string();
        let query = [
            ("hub.mode", "subscribe"),
            ("hub.verify_token", target.verify_token.as_str()),
            ("hub.challenge", challenge.as_str()),
        ];
        let mut url = reqwest::Url::parse(&target.url).map_err(|_| Error::Handshake("the webhook is not a URL"))?;
        url.query_pairs_mut().extend_pairs(query);
        let asked = self.network.client.get(url).send().await;
        let answer = asked.map_err(|_| Error::Handshake("the host did not answer; is it running at that address?"))?;
        if answer.status() != 200 {
            return Err(Error::Handshake("the host refused; is it the same verify token?"));
        }
        match answer.text().await {
            Ok(body) if body == challenge => Ok(()),
            _ => Err(Error::Handshake("the host did not give the bare challenge back")),
        }
    }

    /// When the next thing is due; none when nothing is.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.network.world().queue.next_due()
    }

    /// Does what is due now and gives how many things that were. Returns once the host has answered each webhook, or
    /// failed to.
    pub async fn run_due(&self) -> usize {
        self.network.run_due().await
    }

    /// How many requests and webhooks are under way. The simulator is idle when there are none and nothing is due.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.network.in_flight()
    }
}

/// Runs a simulator until Ctrl-C, for `relais simulator`. `ready` is called once it listens, to say where. With a webhook,
/// the handshake is tried first; a host that refuses or is not there yet is only warned about.
///
/// # Errors
/// See [`Error`].
pub async fn serve(options: Options, ready: impl FnOnce(&Simulator)) -> Result<(), Error> {
    let has_webhook = options.webhook.is_some();
    let simulator = Simulator::start(options).await?;
    ready(&simulator);
    if has_webhook && let Err(error) = simulator.register().await {
        tracing::warn!(%error, "webhook is used all the same");
    }
    tokio::signal::ctrl_c().await.map_err(Error::Serve)?;
    simulator.shutdown().await;
    Ok(())
}
