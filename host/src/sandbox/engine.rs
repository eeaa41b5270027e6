//! The engine: compiles components and makes roles of them.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task,
};
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, Engine, PoolingAllocationConfig,
    component::{self, InstancePre, Linker},
};

use crate::model::TenantId;

use super::{
    Component, Limits, Options, Refusal, Role, check,
    context::Circumstances,
    fault,
    instance::{self, State},
    meter::TICK,
    since_0_1::{self, Roles},
    snapshot, wasi,
};

/// Stack of a guest's own; the host's functions run on what is left of the thread's two MiB.
const WASM_STACK_BYTES: usize = 1024 * 1024;
/// Most core modules, memories and tables of one component: a Python component has some thirty modules, which share a
/// memory and a table.
const MOST_CORE_INSTANCES: u32 = 128;
const MOST_MEMORIES: u32 = 4;
const MOST_TABLES: u32 = 16;
/// Wasmtime's own bookkeeping for one instance.
const LARGEST_INSTANCE_BYTES: usize = 4 * 1024 * 1024;
/// What a place keeps of its memory between two turns, rather than giving it back to the system.
const RESIDENT_BYTES: usize = 4 * 1024 * 1024;
/// Components configured on trial at once, while others are being compiled.
const CONFIGURATIONS: usize = 4;
/// Components whose machine code is kept at hand, whatever flows use them: the stock ones are among them.
const MOST_COMPILED: usize = 16;
/// From so many tenants on, those that are idle are forgotten.
const MANY_TENANTS: usize = 1_024;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory for compiled components cannot be used.
    #[error("cannot keep compiled components in {directory}: {reason}; name a directory that can be written, or none")]
    Cache {
        /// As given.
        directory: String,
        /// Why not.
        reason: String,
    },
    /// Wasmtime cannot run on this machine.
    #[error("cannot start the WebAssembly engine on this machine: {0}")]
    Engine(String),
}

/// One engine for all flows of a host. Clones are the same engine.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

/// What the clones and their components share.
pub(super) struct Shared {
    pub(super) engine: Engine,
    linker: Linker<State>,
    most: Limits,
    pub(super) compilations: Arc<Semaphore>,
    configurations: Arc<Semaphore>,
    compiled: Mutex<Compiled>,
    parallel: Arc<Semaphore>,
    pub(super) slow_lane: Arc<Semaphore>,
    per_tenant: usize,
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// A component that is ready to be asked.
pub(super) struct Prepared {
    pub(super) roles: Roles,
    pub(super) instances: InstancePre<State>,
    /// The configuration to be given to each instance; none when the instances start configured.
    pub(super) configuration: Option<String>,
    pub(super) limits: Limits,
    pub(super) role: Role,
    pub(super) exports: Vec<Role>,
    pub(super) contract: String,
}

impl Sandbox {
    /// Starts the engine and the thread that tells it the time.
    pub fn new(options: Options) -> Result<Self, Error> {
        let mut config = configuration(&options);
        if let Some(directory) = &options.cache_dir {
            config.cache(Some(cache(directory)?));
        }
        let engine = Engine::new(&config).map_err(engine_error)?;
        let mut linker = Linker::new(&engine);
        wasi::link(&mut linker).map_err(engine_error)?;
        since_0_1::link(&mut linker).map_err(engine_error)?;
        tick(&engine)?;
        Ok(Self {
            shared: Arc::new(Shared {
                engine,
                linker,
                most: options.most,
                compilations: Arc::new(Semaphore::new(options.compilations.max(1))),
                configurations: Arc::new(Semaphore::new(CONFIGURATIONS)),
                compiled: Mutex::default(),
                parallel: Arc::new(Semaphore::new(options.parallel.max(1))),
                slow_lane: Arc::new(Semaphore::new(options.slow_lane.max(1))),
                per_tenant: options.per_tenant.max(1),
                tenants: Mutex::default(),
            }),
        })
    }

    /// Makes a role of a component as [`Sandbox::prepare`] does, but without the image: its machine code is shared with
    /// all that have the same bytes, so that another configuration of a known component is ready as soon as it is
    /// configured. Each call configures its own instance until [`Component::improve`] has made the image.
    pub async fn prepare_soon(
        &self,
        role: Role,
        wasm: &[u8],
        config: &Value,
        limits: Limits,
    ) -> Result<Component, Refusal> {
        limits.check(&self.shared.most)?;
        check::is_component(wasm)?;
        let wasm: Arc<[u8]> = wasm.into();
        let component = self.compiled(&wasm).await?;
        let permit = self.shared.configurations.clone().acquire_owned().await.map_err(host)?;
        let (shared, config) = (self.shared.clone(), config.to_string());
        let (text, most) = (config.clone(), limits.clone());
        let prepared = task::spawn_blocking(move || {
            let prepared = prepare_plain(&shared, role, &component, text, most);
            drop(permit);
            prepared
        });
        let prepared = prepared.await.map_err(host)??;
        Ok(Component::new(self.shared.clone(), prepared).with_source(wasm, config))
    }

    /// Compiles a component, unless its machine code is at hand.
    pub async fn compile(&self, wasm: &[u8]) -> Result<(), Refusal> {
        self.compiled(&wasm.into()).await.map(drop)
    }

    async fn compiled(&self, wasm: &Arc<[u8]>) -> Result<component::Component, Refusal> {
        let digest: [u8; 32] = Sha256::digest(wasm).into();
        let known = || self.shared.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&digest);
        if let Some(component) = known() {
            return Ok(component);
        }
        let permit = self.shared.compilations.clone().acquire_owned().await.map_err(host)?;
        // Someone else wanted it too, and was first.
        if let Some(component) = known() {
            return Ok(component);
        }
        let (shared, wasm) = (self.shared.clone(), wasm.clone());
        let compiled = task::spawn_blocking(move || {
            let component = compile(&shared, &wasm)?;
            shared.compiled.lock().unwrap_or_else(PoisonError::into_inner).keep(digest, component.clone());
            // Held as long as the machine is at work, even when nobody waits for it any more.
            drop(permit);
            Ok(component)
        });
        compiled.await.map_err(host)?
    }

    /// Makes a role of a component: checks what it is and needs, compiles it, starts one instance on trial, gives it its
    /// configuration, and keeps the memory that this leaves as the image of all instances to come.
    ///
    /// A component that cannot be kept so (it holds open streams, or changes its tables while it runs) is configured
    /// anew for each call. Nothing is kept of a component that is refused.
    pub async fn prepare(&self, role: Role, wasm: &[u8], config: &Value, limits: Limits) -> Result<Component, Refusal> {
        limits.check(&self.shared.most)?;
        check::is_component(wasm)?;
        let prepared = prepare_whole(&self.shared, role, wasm.into(), config.to_string(), limits).await?;
        Ok(Component::new(self.shared.clone(), prepared))
    }
}

/// [`Sandbox::prepare`], checked.
pub(super) async fn prepare_whole(
    shared: &Arc<Shared>,
    role: Role,
    wasm: Arc<[u8]>,
    config: String,
    limits: Limits,
) -> Result<Prepared, Refusal> {
    let permit = Arc::new(shared.compilations.clone().acquire_owned().await.map_err(host)?);
    let prepare = |with_snapshot: bool| {
        let (shared, wasm, config) = (shared.clone(), wasm.clone(), config.clone());
        let (limits, permit) = (limits.clone(), Arc::clone(&permit));
        task::spawn_blocking(move || {
            let prepared = prepare(&shared, role, &wasm, config, limits, with_snapshot);
            drop(permit);
            prepared
        })
    };
    match prepare(true).await {
        Ok(prepared) => prepared,
        // The snapshot is taken by a library that panics on what it does not know.
        Err(error) if error.is_panic() => prepare(false).await.map_err(host)?,
        Err(error) => Err(host(error)),
    }
}

/// Machine code by the digest of the component, the latest used last.
#[derive(Default)]
struct Compiled(Vec<([u8; 32], component::Component)>);

impl Compiled {
    fn get(&mut self, digest: &[u8; 32]) -> Option<component::Component> {
        let place = self.0.iter().position(|(known, _)| known == digest)?;
        let found = self.0.remove(place);
        let component = found.1.clone();
        self.0.push(found);
        Some(component)
    }

    fn keep(&mut self, digest: [u8; 32], component: component::Component) {
        if self.0.len() >= MOST_COMPILED {
            self.0.remove(0);
        }
        self.0.push((digest, component));
    }
}

impl Shared {
    /// Waits for a place among the turns of a tenant and then of all.
    pub(super) async fn place(&self, tenant: &TenantId) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let places = {
            let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            if tenants.len() >= MANY_TENANTS {
                tenants.retain(|_, places| Arc::strong_count(places) > 1);
            }
            tenants.entry(tenant.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.per_tenant))).clone()
        };
        let of_tenant = places.acquire_owned().await.ok()?;
        let of_all = self.parallel.clone().acquire_owned().await.ok()?;
        Some((of_tenant, of_all))
    }
}

fn configuration(options: &Options) -> Config {
    let mut config = Config::new();
    config
        .allocation_strategy(pool(options))
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        // No two machines shall compute differently.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // A flow is asked, answers and is gone.
        .concurrency_support(false);
    config
}

/// Places for instances, used again and again: what a turn has dirtied is put back as it was, which was measured at half
/// the cost of mapping memory anew. Reserved addresses cost nothing until they are written to.
fn pool(options: &Options) -> PoolingAllocationConfig {
    let trials = options.compilations.saturating_add(CONFIGURATIONS);
    let instances = u32::try_from(options.parallel.saturating_add(trials)).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .max_component_instance_size(LARGEST_INSTANCE_BYTES)
        .total_core_instances(instances.saturating_mul(MOST_CORE_INSTANCES))
        .max_core_instances_per_component(MOST_CORE_INSTANCES)
        .max_core_instance_size(LARGEST_INSTANCE_BYTES)
        .total_memories(instances.saturating_mul(MOST_MEMORIES))
        .max_memories_per_component(MOST_MEMORIES)
        .max_memory_size(options.most.memory_mib.saturating_mul(1024 * 1024))
        .linear_memory_keep_resident(RESIDENT_BYTES)
        .total_tables(instances.saturating_mul(MOST_TABLES))
        .max_tables_per_component(MOST_TABLES)
        .table_elements(instance::MOST_TABLE_ELEMENTS)
        .table_keep_resident(RESIDENT_BYTES)
        // Guests run on the threads' own stacks.
        .total_stacks(0)
        .pagemap_scan(Enabled::Auto);
    pool
}

fn cache(directory: &Path) -> Result<Cache, Error> {
    let failed = |reason: String| Error::Cache { directory: directory.display().to_string(), reason };
    let absolute = std::path::absolute(directory).map_err(|error| failed(error.to_string()))?;
    let mut config = CacheConfig::new();
    config.with_directory(absolute);
    Cache::new(config).map_err(|error| failed(format!("{error:#}")))
}

/// Lets the engine's epoch pass until the engine is gone.
fn tick(engine: &Engine) -> Result<(), Error> {
    let engine = engine.weak();
    thread::Builder::new()
        .name("sandbox-epoch".to_owned())
        .spawn(move || {
            loop {
                thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })
        .map(drop)
        .map_err(|error| Error::Engine(error.to_string()))
}

fn engine_error(error: wasmtime::Error) -> Error {
    Error::Engine(format!("{error:#}"))
}

fn host(error: impl std::fmt::Display) -> Refusal {
    Refusal::Host(error.to_string())
}

/// [`Sandbox::prepare`], on a thread that may take its time.
fn prepare(
    shared: &Shared,
    role: Role,
    wasm: &[u8],
    config: String,
    limits: Limits,
    with_snapshot: bool,
) -> Result<Prepared, Refusal> {
    let instrumented = if with_snapshot { snapshot::instrument(wasm) } else { None };
    let compiled = instrumented.as_ref().and_then(|(_, instrumented)| compile(shared, instrumented).ok());
    let (component, context) = match (compiled, &instrumented) {
        (Some(component), Some((context, _))) => (component, Some(context)),
        _ => (compile(shared, wasm)?, None),
    };
    let passport = check::passport(&shared.engine, &component, role)?;
    let (instances, roles) = link(shared, role, &component)?;

    let image = configure(shared, &instances, &roles, &config, &limits, context)?;
    let configured = image.and_then(|image| start(shared, role, &image, &limits));
    let (instances, roles, configuration) = match (configured, context) {
        (Some((instances, roles)), _) => (instances, roles, None),
        // Without the accessors, which nothing needs any more.
        (None, Some(_)) => {
            let (instances, roles) = link(shared, role, &compile(shared, wasm)?)?;
            (instances, roles, Some(config))
        }
        (None, None) => (instances, roles, Some(config)),
    };
    Ok(Prepared { roles, instances, configuration, limits, role, exports: passport.roles, contract: passport.contract })
}

/// [`Sandbox::prepare_soon`], on a thread that may take its time.
fn prepare_plain(
    shared: &Shared,
    role: Role,
    component: &component::Component,
    config: String,
    limits: Limits,
) -> Result<Prepared, Refusal> {
    let passport = check::passport(&shared.engine, component, role)?;
    let (instances, roles) = link(shared, role, component)?;
    configure(shared, &instances, &roles, &config, &limits, None)?;
    let configuration = Some(config);
    Ok(Prepared { roles, instances, configuration, limits, role, exports: passport.roles, contract: passport.contract })
}

fn compile(shared: &Shared, wasm: &[u8]) -> Result<component::Component, Refusal> {
    component::Component::from_binary(&shared.engine, wasm).map_err(|error| Refusal::Invalid(format!("{error:#}")))
}

fn link(shared: &Shared, role: Role, component: &component::Component) -> Result<(InstancePre<State>, Roles), Refusal> {
    let instances = shared.linker.instantiate_pre(component).map_err(contract)?;
    let roles = Roles::find(role, &instances).map_err(contract)?;
    Ok((instances, roles))
}

fn contract(error: wasmtime::Error) -> Refusal {
    Refusal::Contract(format!("{error:#}"))
}

/// Starts an instance on trial and configures it; gives the image of it, where there can be one.
fn configure(
    shared: &Shared,
    instances: &InstancePre<State>,
    roles: &Roles,
    config: &str,
    limits: &Limits,
    context: Option<&wasmtime_wizer::ComponentContext<'_>>,
) -> Result<Option<Vec<u8>>, Refusal> {
    let mut store = instance::store(shared, Circumstances::of_configuration(), limits);
    instance::give_time(&mut store, limits.configure_ms);
    let instance = match instances.instantiate(&mut store) {
        Ok(instance) => instance,
        Err(error) => return Err(failed(&error, &store)),
    };
    roles.fit(&mut store, &instance).map_err(|error| Refusal::Contract(format!("{}: {error:#}", roles.interface())))?;
    match roles.configure(&mut store, &instance, config) {
        Ok(Ok(())) => {}
        Ok(Err(problems)) => return Err(Refusal::Problems(problems)),
        Err(error) => return Err(failed(&error, &store)),
    }
    Ok(context.and_then(|context| snapshot::take(context, &mut store, instance)))
}

/// Compiles an image and starts an instance of it on trial; none when that fails, whatever the reason.
fn start(shared: &Shared, role: Role, image: &[u8], limits: &Limits) -> Option<(InstancePre<State>, Roles)> {
    let component = compile(shared, image).ok()?;
    let (instances, roles) = link(shared, role, &component).ok()?;
    let mut store = instance::store(shared, Circumstances::of_configuration(), limits);
    instance::give_time(&mut store, limits.turn_ms);
    let instance = instances.instantiate(&mut store).ok()?;
    roles.fit(&mut store, &instance).ok()?;
    Some((instances, roles))
}

fn failed(error: &wasmtime::Error, store: &wasmtime::Store<State>) -> Refusal {
    Refusal::Fault(fault::of_error(error, &store.data().console.err.text()))
}
