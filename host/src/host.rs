//! The rooms put together: what `relais serve`, the demonstration and the tests all start.

mod outside;

use std::{io, sync::Arc};

use jiff::Timestamp;
use tokio::{net::TcpListener, task::JoinSet};

use self::outside::OutsideCalendars;
use crate::{
    api::{self, Api},
    delivery::{self, Delivery, Directory, Endpoint, ModelAccess, Reader, Secret, Sender},
    flows::{self, Flows, Published},
    model::{Clock, Environment, Pulse, TenantId},
    sandbox::{self, Sandbox},
    schedule::Schedule,
    store::Store,
    turn::{self, Turns},
    whatsapp::Credentials,
};

/// What a host is started with.
pub struct Options {
    /// Where the doors are.
    pub listener: TcpListener,
    /// The truth.
    pub store: Arc<dyn Store>,
    /// The `flows/` folder, and how many old versions stay.
    pub flows: flows::Options,
    /// Whether to publish the folder again whenever it changes.
    pub watch: bool,
    /// The time.
    pub clock: Clock,
    /// Meta's servers, for live keys.
    pub graph: Graph,
    /// The simulator, for test keys; none refuses to send for them.
    pub simulator: Option<SimulatorAccess>,
    /// Limits of components.
    pub sandbox: sandbox::Options,
    /// How envelopes go out.
    pub delivery: delivery::Options,
    /// How turns run.
    pub turns: turn::Options,
    /// Opens the operator's doors; none keeps them shut.
    pub operator_key: Option<String>,
    /// Hears of each committed turn.
    pub observer: Option<turn::Observer>,
    /// Hears what became of each changed folder.
    pub tell: Arc<dyn Fn(Published) + Send + Sync>,
    /// Makes it a rehearsal; none for a host that works.
    pub rehearsal: Option<Rehearsal>,
}

/// What is otherwise when flows are tried: nothing leaves this machine, whatever a tenant declares.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// Takes the place of every endpoint of every tenant.
    pub endpoint: Endpoint,
}

/// Where WhatsApp is.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Without the version.
    pub base_url: String,
    /// Such as `v25.0` (FACTS §1.1).
    pub api_version: String,
}

impl Default for Graph {
    fn default() -> Self {
        Self { base_url: "https://graph.facebook.com".to_owned(), api_version: "v25.0".to_owned() }
    }
}

/// How to talk with a simulator.
#[derive(Clone)]
pub struct SimulatorAccess {
    /// Its address, without the version.
    pub base_url: String,
    /// The token that it takes.
    pub token: String,
    /// What it signs webhooks with.
    pub app_secret: String,
    /// What it says in the handshake.
    pub verify_token: String,
}

/// Why a host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sandbox.
    #[error(transparent)]
    Sandbox(#[from] sandbox::Error),
    /// The flows.
    #[error(transparent)]
    Flows(#[from] flows::Error),
    /// Delivery.
    #[error(transparent)]
    Delivery(#[from] delivery::Error),
    /// The listener.
    #[error("listen: {0}")]
    Listen(#[from] io::Error),
}

/// A running host. Dropping it stops its loops at once, as a crash would: nothing acknowledged is lost.
pub struct Host {
    /// The truth.
    pub store: Arc<dyn Store>,
    /// The flows in use.
    pub flows: Flows,
    /// Where the doors are.
    pub address: std::net::SocketAddr,
    turns: Turns,
    delivery: Delivery,
    schedule: Schedule,
    outside: OutsideCalendars,
    clock: Clock,
    pulse: Pulse,
    tasks: JoinSet<()>,
}

impl Host {
    /// Opens the flows, publishes the folder, then opens the doors and starts the loops.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let sandbox = Sandbox::new(options.sandbox.clone())?;
        let flows = Flows::open(Arc::clone(&options.store), sandbox, options.flows.clone()).await?;
        let mut tasks = JoinSet::new();
        // Beforehand, so that the first flow that uses them is ready within a moment.
        for (_, wasm) in flows::STOCK {
            let flows = flows.clone();
            tasks.spawn(async move {
                if let Err(error) = flows.sandbox().compile(wasm).await {
                    tracing::error!(%error, "a stock component is not compiled");
                }
            });
        }
        for published in flows.publish(options.clock.now()).await? {
            (options.tell)(published);
        }
        for (tenant, flow, _) in flows.active() {
            flows.sweep(&tenant, &flow).await?;
        }
        Self::with_flows(options, flows, tasks)
    }

    /// Opens the doors and starts the loops with flows that are in use already; `tasks` run with them.
    pub fn with_flows(options: Options, flows: Flows, mut tasks: JoinSet<()>) -> Result<Self, Error> {
        let Options { listener, store, clock, tell, .. } = options;
        let pulse = Pulse::default();
        let api_options = api::Options {
            simulator_app_secret: options.simulator.as_ref().map(|access| access.app_secret.clone()),
            simulator_verify_token: options.simulator.as_ref().map(|access| access.verify_token.clone()),
            operator_key: options.operator_key,
        };
        let directory = Declared {
            flows: flows.clone(),
            graph: options.graph,
            simulator: options.simulator,
            rehearsal: options.rehearsal,
        };
        let turns = Turns::new(
            Arc::clone(&store),
            flows.clone(),
            clock.clone(),
            pulse.clone(),
            options.turns,
            options.observer,
        );
        let reader = Reader::new(&options.delivery)?;
        let delivery =
            Delivery::new(Arc::clone(&store), clock.clone(), Arc::new(directory), pulse.clone(), options.delivery)?;
        let schedule = Schedule::new(Arc::clone(&store), flows.clone(), clock.clone(), pulse.clone());
        let api =
            Api::new(Arc::clone(&store), flows.clone(), clock.clone(), pulse.clone(), delivery.clone(), api_options);

        let outside = OutsideCalendars::new(Arc::clone(&store), flows.clone(), clock.clone(), reader);
        let address = listener.local_addr()?;
        tasks.spawn(turns.clone().run());
        tasks.spawn(schedule.clone().run());
        tasks.spawn(outside.clone().run());
        tasks.spawn(delivery.clone().run(std::future::pending()));
        if options.watch {
            let (flows, clock, pulse) = (flows.clone(), clock.clone(), pulse.clone());
            let tell = move |published| {
                tell(published);
                // Conversations may have been asked to move to it.
                pulse.beat();
            };
            tasks.spawn(async move {
                if let Err(error) = flows::watch(flows, clock, tell).await {
                    tracing::error!(%error, "the flows folder is not watched");
                }
            });
        }
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, api.router()).await {
                tracing::error!(%error, "the doors are closed");
            }
        });
        Ok(Self { store, flows, address, turns, delivery, schedule, outside, clock, pulse, tasks })
    }

    /// Where the doors are.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Tells the loops that something changed behind their backs: a virtual clock was moved, a record was written.
    pub fn beat(&self) {
        self.pulse.beat();
    }

    /// Whether a turn, a firing timer or an attempt is under way.
    pub fn is_busy(&self) -> bool {
        self.turns.in_flight()
            + self.delivery.in_flight().load(std::sync::atomic::Ordering::SeqCst)
            + self.schedule.in_flight()
            + self.outside.in_flight()
            > 0
    }

    /// When something next comes due: an event, a timer, an envelope, the end of waiting for what became of one.
    pub async fn next_due(&self) -> Option<Timestamp> {
        let scheduled = self.schedule.next(self.clock.now()).await;
        let given_up = self.delivery.next_given_up().await;
        scheduled.into_iter().chain(given_up).chain(self.outside.next_due()).min()
    }

    /// For virtual time: looks at what has come due by itself on the machine's clock only, and wakes the loops.
    pub async fn catch_up(&self) {
        self.delivery.resolve(self.clock.now()).await;
        self.beat();
    }

    /// Runs until it is dropped.
    pub async fn run(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// What tenants and the operator declared.
struct Declared {
    flows: Flows,
    graph: Graph,
    simulator: Option<SimulatorAccess>,
    rehearsal: Option<Rehearsal>,
}

impl Directory for Declared {
    fn endpoint(&self, tenant: &TenantId, name: &str) -> Option<Endpoint> {
        let tenant = self.flows.tenant(tenant)?;
        let declared = tenant.endpoints.get(name)?;
        if let Some(rehearsal) = &self.rehearsal {
            return Some(rehearsal.endpoint.clone());
        }
        let secret = |source: &flows::SecretSource| {
            let text = source
                .read()
                .inspect_err(|error| tracing::error!(%error, tenant = %tenant.id, "secret not read"))
                .ok()?;
            Secret::parse(&text)
                .inspect_err(|error| tracing::error!(%error, tenant = %tenant.id, "secret not used"))
                .ok()
        };
        Some(Endpoint {
            url: declared.url.clone(),
            secret: secret(&declared.secret)?,
            previous_secret: declared.previous_secret.as_ref().and_then(secret),
            headers: std::collections::BTreeMap::new(),
        })
    }

    fn sender(&self, tenant: &TenantId, environment: Environment) -> Option<Sender> {
        let tenant = self.flows.tenant(tenant)?;
        let (base_url, token) = match environment {
            Environment::Test => {
                let access = self.simulator.as_ref()?;
                (access.base_url.clone(), access.token.clone())
            }
            Environment::Live => {
                let token = tenant
                    .whatsapp
                    .token
                    .as_ref()?
                    .read()
                    .inspect_err(|error| tracing::error!(%error, tenant = %tenant.id, "token not read"))
                    .ok()?;
                (self.graph.base_url.clone(), token)
            }
        };
        Some(Sender {
            base_url,
            api_version: self.graph.api_version.clone(),
            credentials: Credentials { phone_number_id: tenant.whatsapp.phone_number_id.clone(), token },
            portfolio: tenant
                .whatsapp
                .business_account_id
                .clone()
                .unwrap_or_else(|| tenant.whatsapp.phone_number_id.clone()),
        })
    }

    fn model(&self, tenant: &TenantId) -> Option<ModelAccess> {
        let tenant = self.flows.tenant(tenant)?;
        let model = tenant.model.as_ref()?;
        let key = match &model.key {
            None => None,
            Some(source) => {
                let read = source.read();
                Some(read.inspect_err(|error| tracing::error!(%error, tenant = %tenant.id, "key not read")).ok()?)
            }
        };
        Some(ModelAccess {
            url: format!("{}/chat/completions", model.base_url.trim_end_matches('/')),
            model: model.model.clone(),
            key,
            patience: std::time::Duration::from_secs(u64::from(model.timeout_seconds)),
        })
    }

    fn contact_hours_hold(&self, tenant: &TenantId, at: Timestamp) -> Timestamp {
        self.flows.tenant(tenant).map_or(at, |tenant| tenant.contact_hours.next_allowed(at, &tenant.zone))
    }
}
