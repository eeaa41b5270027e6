//! A host with everything around it embedded: the simulator, a small CRM, and virtual time. The demonstration, golden
//! conversations and the tests all play on it; nothing leaves this machine.

mod cast;
mod compare;
mod crm;
mod golden;
mod moment;
mod play;
mod record;
mod step;
mod tenants;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;

use self::record::Record;
pub(crate) use self::tenants::{ACCOUNT, numbers_in, templates_in};
use self::tenants::{approved, copy_flows, number_of};
pub use self::{
    cast::Cast,
    crm::{Crm, Received},
    golden::{Difference, Expect, Golden, Person},
    moment::{Moment, When},
    play::{Entry, EntryKind, Mark, Played},
    record::Told,
    step::{Media, Step, Texts},
};
use crate::{
    api::new_key,
    delivery,
    delivery::{Endpoint, Secret},
    flows::{self, Flows, Published},
    host::{self, Host, Rehearsal, SimulatorAccess},
    model::{Clock, ConversationId, Environment, TenantId, VirtualClock},
    sandbox,
    simulator::{ApprovedTemplate, BusinessNumber, Options as SimulatorOptions, Scenario, Simulator, WebhookTarget},
    store::{SledStore, Store},
    turn,
};

/// How long real time passes between two looks at whether all is quiet.
const LOOK: Duration = Duration::from_micros(200);

/// What a stage is set up with.
pub struct Options {
    /// A `flows/` folder; its tenants are served as they are, but for the addresses of their endpoints, which become the
    /// embedded CRM's when they begin with [`CRM_ADDRESS`].
    pub flows: PathBuf,
    /// A folder for the store and for what the stage needs; removed by whoever made it.
    pub folder: PathBuf,
    /// The virtual time at which it begins.
    pub begin: Timestamp,
    /// Where the doors are; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How the simulator behaves.
    pub scenario: Scenario,
    /// Where the simulator's chance begins.
    pub seed: u64,
    /// Hears of each committed turn.
    pub observer: Option<turn::Observer>,
    /// Hears what became of each folder.
    pub tell: Arc<dyn Fn(Published) + Send + Sync>,
}

/// What tests may want otherwise than usual.
pub struct Tuning {
    /// Where everything is kept; none makes a store in the stage's folder.
    pub store: Option<Arc<dyn Store>>,
    /// How envelopes go out. Private addresses are allowed whatever it says: the CRM is on this machine.
    pub delivery: delivery::Options,
    /// Whether a changed folder is published again.
    pub watch: bool,
    /// Whether the seed decides what is left to chance otherwise, such as identifiers, so that a run can be replayed.
    pub is_replayable: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { store: None, delivery: delivery::Options::default(), watch: true, is_replayable: false }
    }
}

/// The address that a tenant gives to the embedded CRM's endpoints.
pub const CRM_ADDRESS: &str = "http://127.0.0.1:9191";

/// Where chance begins in a rehearsal.
const SEED: u64 = 1;

/// The stage.
pub struct Stage {
    /// The host.
    pub host: Host,
    /// WhatsApp.
    pub simulator: Simulator,
    /// The CRM of every tenant.
    pub crm: Crm,
    /// The time.
    pub clock: VirtualClock,
    http: reqwest::Client,
    keys: Vec<(TenantId, String)>,
    access: SimulatorAccess,
    record: Arc<Record>,
    operator_key: String,
}

/// What both ways of setting a stage come down to.
struct Parts {
    flows: PathBuf,
    /// None publishes the folder.
    ready: Option<Ready>,
    store: Arc<dyn Store>,
    delivery: delivery::Options,
    watch: bool,
    crm: Crm,
    clock: VirtualClock,
    listen: SocketAddr,
    scenario: Scenario,
    seed: u64,
    /// What the simulator takes from the host.
    token: String,
    numbers: Vec<BusinessNumber>,
    templates: Vec<ApprovedTemplate>,
    observer: Option<turn::Observer>,
    tell: Arc<dyn Fn(Published) + Send + Sync>,
}

/// Flows that are in use already, and what makes it a rehearsal.
struct Ready {
    flows: Flows,
    rehearsal: Rehearsal,
}

impl Stage {
    /// Sets it up and starts everything.
    pub async fn set(options: Options) -> anyhow::Result<Self> {
        Self::tuned(options, Tuning::default()).await
    }

    /// The same, but for what `tuning` says.
    pub async fn tuned(options: Options, tuning: Tuning) -> anyhow::Result<Self> {
        let clock = match tuning.is_replayable {
            true => VirtualClock::seeded(options.begin, options.seed),
            false => VirtualClock::new(options.begin),
        };
        let crm = Crm::open(Clock::Virtual(clock.clone())).await?;
        let flows = options.folder.join("flows");
        copy_flows(&options.flows, &flows, &crm)?;
        let store: Arc<dyn Store> = match tuning.store {
            Some(store) => store,
            None => Arc::new(SledStore::open(&options.folder.join("store")).context("open the store")?),
        };
        let token = random_secret()?;
        Self::raise(Parts {
            numbers: numbers_in(&flows, &token)?,
            token,
            templates: templates_in(&flows)?,
            flows,
            ready: None,
            store,
            delivery: tuning.delivery,
            watch: tuning.watch,
            crm,
            clock,
            listen: options.listen,
            scenario: options.scenario,
            seed: options.seed,
            observer: options.observer,
            tell: options.tell,
        })
        .await
    }

    /// Sets a light one, for one conversation: a tenant whose flows have been checked already, everything in memory, and
    /// the embedded CRM in the place of every endpoint, so that nothing leaves this machine.
    pub async fn rehearse(cast: &Cast, begin: Timestamp) -> anyhow::Result<Self> {
        // Identifiers are the same in each run, and with them the variants of a script's texts.
        let clock = VirtualClock::seeded(begin, SEED);
        let crm = Crm::open(Clock::Virtual(clock.clone())).await?;
        let token = random_secret()?;
        let secret = format!("whsec_{}", STANDARD.encode(random_bytes()?));
        crm.trust(&secret)?;
        let endpoint = Endpoint {
            url: format!("{}/callback", crm.url()),
            secret: Secret::parse(&secret)?,
            previous_secret: None,
            headers: std::collections::BTreeMap::new(),
        };
        let store: Arc<dyn Store> = Arc::new(SledStore::in_memory().context("open a store in memory")?);
        let flows = Flows::ready(Arc::clone(&store), cast.sandbox.clone(), Arc::clone(&cast.tenant), &cast.flows);
        let declared = cast.flows.iter().flat_map(|loaded| loaded.templates.values().cloned());
        Self::raise(Parts {
            numbers: vec![number_of(&cast.tenant, &token)],
            token,
            templates: declared.map(approved).collect(),
            flows: PathBuf::new(),
            ready: Some(Ready { flows, rehearsal: Rehearsal { endpoint } }),
            store,
            delivery: delivery::Options::default(),
            watch: false,
            crm,
            clock,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            scenario: Scenario::friendly(),
            seed: SEED,
            observer: None,
            tell: Arc::new(|_| {}),
        })
        .await
    }

    async fn raise(parts: Parts) -> anyhow::Result<Self> {
        let Parts { clock, store, crm, .. } = parts;
        let operator_key = random_secret()?;
        let (token, app_secret, verify_token) = (parts.token, random_secret()?, random_secret()?);
        let simulator = Simulator::start(SimulatorOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Clock::Virtual(clock.clone()),
            seed: parts.seed,
            scenario: parts.scenario,
            webhook: None,
            numbers: parts.numbers,
            templates: parts.templates,
            strict: true,
        })
        .await?;
        let access = SimulatorAccess { base_url: simulator.base_url(), token, app_secret, verify_token };

        let listener = TcpListener::bind(parts.listen)
            .await
            .with_context(|| format!("listen on {}; choose another port", parts.listen))?;
        let record = Arc::<Record>::default();
        let (recorded, theirs) = (Arc::clone(&record), parts.observer);
        let observer: turn::Observer = Arc::new(move |commit| {
            recorded.hear(commit);
            if let Some(theirs) = &theirs {
                theirs(commit);
            }
        });
        let (ready, rehearsal) = match parts.ready {
            Some(ready) => (Some(ready.flows), Some(ready.rehearsal)),
            None => (None, None),
        };
        let options = host::Options {
            listener,
            store: Arc::clone(&store),
            flows: flows::Options::of_folder(parts.flows),
            watch: parts.watch,
            clock: Clock::Virtual(clock.clone()),
            graph: host::Graph::default(),
            simulator: Some(access.clone()),
            sandbox: sandbox::Options { cache_dir: component_cache(), ..sandbox::Options::default() },
            // The CRM is on this machine, without TLS.
            delivery: delivery::Options { allow_private_addresses: true, without_tls: true, ..parts.delivery },
            turns: turn::Options::default(),
            operator_key: Some(operator_key.clone()),
            observer: Some(observer),
            tell: parts.tell,
            rehearsal,
        };
        let host = match ready {
            Some(flows) => Host::with_flows(options, flows, tokio::task::JoinSet::new())?,
            None => Host::start(options).await?,
        };
        simulator.set_webhook(WebhookTarget {
            url: format!("{}/webhooks/whatsapp", host.url()),
            app_secret: access.app_secret.clone(),
            verify_token: access.verify_token.clone(),
        });
        simulator.register().await?;

        let mut keys = Vec::new();
        for tenant in host.flows.tenants() {
            let (secret, key) = new_key(tenant.id.clone(), Environment::Test, clock.now())?;
            store.add_key(key).await?;
            keys.push((tenant.id.clone(), secret));
        }
        // Only the host on this machine is called: no certificates need to be read.
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
        Ok(Self { host, simulator, crm, clock, http, keys, access, record, operator_key })
    }

    /// A tenant's test key.
    pub fn key(&self, tenant: &str) -> &str {
        self.keys.iter().find(|(id, _)| id.as_str() == tenant).map_or("", |(_, key)| key)
    }

    /// What opens the operator's doors.
    pub fn operator_key(&self) -> &str {
        &self.operator_key
    }

    /// What the simulator signs webhooks with.
    pub fn app_secret(&self) -> &str {
        &self.access.app_secret
    }

    /// How to talk with the simulator as the host does.
    pub fn access(&self) -> &SimulatorAccess {
        &self.access
    }

    /// Hands a lead over, as a CRM would; gives the answer's body.
    pub async fn post_lead(&self, tenant: &str, payload: &Value) -> anyhow::Result<Value> {
        let (status, body) = self.offer_lead(tenant, None, payload).await?;
        ensure!(status == 202, "hand the lead over: {status} {body}");
        Ok(body)
    }

    /// Hands a lead over to a flow (the default one when none is named); gives the answer's status and body, whatever
    /// they are.
    pub async fn offer_lead(&self, tenant: &str, flow: Option<&str>, payload: &Value) -> anyhow::Result<(u16, Value)> {
        // A flow's name needs no escaping: it is a folder's, of a-z 0-9 - _.
        let which = flow.map(|flow| format!("?flow={flow}")).unwrap_or_default();
        let request = self.http.post(format!("{}/v1/leads{which}", self.host.url()));
        let answer = request.bearer_auth(self.key(tenant)).json(payload).send().await.context("reach the host")?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await.context("read the host's answer")?))
    }

    /// What the CRM was told of a conversation, oldest first.
    pub fn told(&self, conversation: &ConversationId) -> Vec<Told> {
        self.record.told(conversation)
    }

    /// How a conversation's flow failed, each time: the message, what it had logged, and its stack.
    pub fn faults(&self, conversation: &ConversationId) -> Vec<String> {
        self.record.faults(conversation)
    }

    /// Plays a golden conversation with a flow of a tenant (the default one when none is named), to ten minutes after its
    /// last step.
    pub async fn play(&self, tenant: &str, flow: Option<&str>, golden: &Golden) -> anyhow::Result<Played> {
        play::play(self, &TenantId::new(tenant), flow, golden).await
    }

    /// Lets everything happen that is due until `until`, one virtual moment after the other: time passes only while
    /// nothing is under way.
    pub async fn pass_until(&self, until: Timestamp) {
        self.pass_while(until, || true).await;
    }

    /// The same, but stops at the first moment at which `waits` no longer holds.
    pub async fn pass_while(&self, until: Timestamp, waits: impl Fn() -> bool) {
        loop {
            if self.simulator.run_due().await > 0 || !self.is_quiet() {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            let revision = self.host.store.revision();
            if !self.is_quiet() {
                continue;
            }
            if !waits() {
                return;
            }
            let next = [self.host.next_due().await, self.simulator.next_due()].into_iter().flatten().min();
            // Something may have begun while the store was asked, or even have begun and ended.
            if !self.is_quiet() || self.host.store.revision() != revision {
                continue;
            }
            match next {
                Some(next) if next <= self.clock.now() => {
                    self.host.catch_up().await;
                    tokio::time::sleep(LOOK).await;
                }
                Some(next) if next <= until => self.clock.advance_to(next),
                _ => break,
            }
        }
        self.clock.advance_to(until);
    }

    fn is_quiet(&self) -> bool {
        !self.host.is_busy() && self.simulator.in_flight() == 0
    }
}

fn random_bytes() -> anyhow::Result<[u8; 24]> {
    let mut random = [0_u8; 24];
    getrandom::fill(&mut random)?;
    Ok(random)
}

fn random_secret() -> anyhow::Result<String> {
    Ok(hex::encode(random_bytes()?))
}

/// Where compiled components are kept between runs: the user's own folder, because machine code that others could put
/// there would be run. None where this process has no such folder: then nothing is kept.
fn component_cache() -> Option<PathBuf> {
    let home = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    home.map(|folder| folder.join("relais/components")).filter(|folder| std::fs::create_dir_all(folder).is_ok())
}
