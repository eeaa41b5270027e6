//! `relais serve`: run the host.

use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::Parser;
use tokio::net::TcpListener;

use crate::{
    config::{Config, SIMULATOR_APP_SECRET, SIMULATOR_TOKEN, SIMULATOR_VERIFY_TOKEN},
    flows::{self, Published},
    host::{self, Host},
    model::Clock,
    sandbox,
    store::SledStore,
    turn,
};

/// Arguments of `relais serve`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// The operator's settings [default: relais.toml, if there is one].
    #[arg(long, env = "RELAIS_CONFIG")]
    config: Option<PathBuf>,
    /// Where to listen, instead of what the settings say.
    #[arg(long)]
    listen: Option<String>,
    /// The store's folder, instead of what the settings say.
    #[arg(long)]
    store: Option<PathBuf>,
    /// The tenants' folder, instead of what the settings say.
    #[arg(long)]
    flows: Option<PathBuf>,
    /// Where the `relais simulator` is that test keys talk to, such as http://127.0.0.1:9090; with its usual secrets, which
    /// everybody knows: for trying things out. One with other secrets is set in relais.toml.
    #[arg(long, value_name = "URL")]
    simulator: Option<String>,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut config = Config::read(args.config.as_deref())?;
    config.listen = args.listen.unwrap_or(config.listen);
    config.store = args.store.unwrap_or(config.store);
    config.flows = args.flows.unwrap_or(config.flows);

    let listener = TcpListener::bind(&config.listen)
        .await
        .with_context(|| format!("listen on {}; is another program there?", config.listen))?;
    let store = SledStore::open(&config.store).context("open the store")?;
    let operator_key = config.operator_key()?;
    let simulator = match args.simulator {
        Some(url) => Some(usual_simulator(url)),
        None => config.simulator.as_ref().map(simulator_access).transpose()?,
    };
    let host = Host::start(host::Options {
        listener,
        store: Arc::new(store),
        flows: flows::Options { folder: config.flows.clone(), keep_versions: config.keep_versions },
        watch: true,
        clock: Clock::system(),
        graph: host::Graph { base_url: config.graph.base_url.clone(), api_version: config.graph.api_version.clone() },
        simulator,
        sandbox: sandbox::Options { cache_dir: Some(config.store.join("components")), ..sandbox::Options::default() },
        delivery: config.delivery.clone(),
        turns: turn::Options::default(),
        operator_key,
        observer: None,
        tell: Arc::new(|published| tell(&published)),
        rehearsal: None,
    })
    .await?;
    println!("relais listens on {}", host.url());
    tokio::select! {
        () = host.run() => {}
        _ = tokio::signal::ctrl_c() => println!("relais stops; nothing acknowledged is lost"),
    }
    Ok(ExitCode::SUCCESS)
}

fn simulator_access(simulator: &crate::config::Simulator) -> anyhow::Result<host::SimulatorAccess> {
    Ok(host::SimulatorAccess {
        base_url: simulator.base_url.clone(),
        token: simulator.token.read()?,
        app_secret: simulator.app_secret.read()?,
        verify_token: simulator.verify_token.read()?,
    })
}

/// A simulator that was started without secrets of its own.
fn usual_simulator(base_url: String) -> host::SimulatorAccess {
    host::SimulatorAccess {
        base_url,
        token: SIMULATOR_TOKEN.to_owned(),
        app_secret: SIMULATOR_APP_SECRET.to_owned(),
        verify_token: SIMULATOR_VERIFY_TOKEN.to_owned(),
    }
}

/// What became of a changed folder, for the operator's terminal; the host goes on when that is closed.
pub(super) fn tell(published: &Published) {
    let mut terminal = std::io::stderr().lock();
    match published {
        Published::Active { tenant, flow, digest } => {
            let version = digest.as_str().get(..12).unwrap_or_default();
            let _ = writeln!(terminal, "active   {tenant}/{flow} version {version}");
        }
        Published::Checked { tenant, flow, digest } => {
            let version = digest.as_str().get(..12).unwrap_or_default();
            let _ = writeln!(terminal, "checked  {tenant}/{flow} version {version}");
        }
        Published::Refused { tenant, flow, problems } => {
            let _ = writeln!(terminal, "refused  {tenant}/{flow}; what was active goes on");
            for problem in problems {
                let _ = writeln!(terminal, "         {tenant}/{problem}");
            }
        }
    }
}
