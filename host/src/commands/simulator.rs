//! `relais simulator`: the emulated Graph API alone.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;

use crate::{
    model::Clock,
    simulator::{BusinessNumber, Options, Scenario, WebhookTarget, serve},
};

/// Arguments of `relais simulator`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// The port to listen on, at 127.0.0.1.
    #[arg(long, default_value_t = 9090)]
    port: u16,
    /// How it behaves: a TOML file; friendly without one.
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Where chance begins; the same seed and the same requests give the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where webhooks go.
    #[arg(long)]
    webhook: Option<String>,
    /// What webhooks are signed with.
    #[arg(long, default_value = "simulator-app-secret")]
    app_secret: String,
    /// What the handshake says.
    #[arg(long, default_value = "simulator-verify-token")]
    verify_token: String,
    /// Meta's identifier of its one business number.
    #[arg(long, default_value = "100000000000001")]
    phone_number_id: String,
    /// The number itself.
    #[arg(long, default_value = "+33612345690")]
    number: String,
    /// The token that it takes.
    #[arg(long, default_value = "simulator-token")]
    token: String,
    /// Take any token, and any template.
    #[arg(long)]
    lenient: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let scenario = match &args.scenario {
        None => Scenario::friendly(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            Scenario::from_toml(&text).with_context(|| format!("read {}", path.display()))?
        }
    };
    let options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], args.port)),
        clock: Clock::system(),
        seed: args.seed,
        scenario,
        webhook: args.webhook.map(|url| WebhookTarget {
            url,
            app_secret: args.app_secret,
            verify_token: args.verify_token,
        }),
        numbers: vec![BusinessNumber {
            phone_number_id: args.phone_number_id,
            display: args.number,
            waba: "200000000000001".to_owned(),
            token: args.token,
        }],
        templates: Vec::new(),
        strict: !args.lenient,
    };
    serve(options, |simulator| println!("the simulator listens on {}", simulator.base_url())).await?;
    Ok(ExitCode::SUCCESS)
}
