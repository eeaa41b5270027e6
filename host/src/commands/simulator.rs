//! `relais simulator`: the emulated Graph API alone.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;

use crate::{
    config::{SIMULATOR_APP_SECRET, SIMULATOR_TOKEN, SIMULATOR_VERIFY_TOKEN},
    model::Clock,
    simulator::{BusinessNumber, Fault, Options, Scenario, WebhookTarget, serve},
    stage,
};

/// What `relais simulator --help` teaches.
const LONG_HELP: &str = "\
Run the emulated Graph API alone: a WhatsApp that nobody has to pay for, for any client that can change its base URL.

It takes what Meta takes and refuses what Meta refuses (tokens, templates, lengths, the 24-hour window, rates), makes
people receive, read and answer, and posts signed webhooks in Meta's own form. A scenario says how quick it is, what it
enforces, what people do, and what goes wrong.";

const EXAMPLES: &str = "\
Examples:
  relais simulator                                  take messages at http://127.0.0.1:9090, tell nobody
  relais simulator --flows flows --webhook http://127.0.0.1:8080/webhooks/whatsapp
                                                    with the numbers and templates of your flows, as if Meta had approved them
  relais simulator --faults                         list what can go wrong
  relais simulator --scenario bad-day.toml

  curl http://127.0.0.1:9090/v25.0/100000000000001/messages -H 'Authorization: Bearer simulator-token' \\
    -H 'Content-Type: application/json' -d '{\"messaging_product\":\"whatsapp\",\"to\":\"+33612345604\",\"type\":\"template\",
    \"template\":{\"name\":\"intro\",\"language\":{\"code\":\"fr\"}}}'

A scenario, every table and key optional:
  [latency]                                         # milliseconds
  delivered-ms = 60000
  [policy]
  window = \"sync\"                                   # refuse at once; \"async\" fails later, \"off\" lets everything through
  portfolio-limit = 250
  [people]
  habit = \"tap\"                                     # or \"silent\", \"echo\"
  [account]                                         # what `relais whatsapp check` reads
  quality = \"RED\"
  [faults]
  duplicates = { every = 3 }
  failed-131049 = { chance = 0.1 }
  lost-response = { first = 1, to = [\"+33612345604\"] }
  [[templates]]
  name = \"intro\"
  language = \"fr\"
  body = \"Bonjour\"";

/// Arguments of `relais simulator`.
#[derive(Debug, Parser)]
#[command(long_about = LONG_HELP, after_help = EXAMPLES)]
pub(super) struct Args {
    /// The port to listen on, at 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 9090)]
    port: u16,
    /// How it behaves: a TOML file; friendly without one.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// A tenants' folder: its numbers exist, and its flows' templates are approved.
    #[arg(long, value_name = "DIR")]
    flows: Option<PathBuf>,
    /// Where chance begins; the same seed and the same requests give the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where webhooks go.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// What webhooks are signed with.
    #[arg(long, default_value = SIMULATOR_APP_SECRET)]
    app_secret: String,
    /// What the handshake says.
    #[arg(long, default_value = SIMULATOR_VERIFY_TOKEN)]
    verify_token: String,
    /// Meta's identifier of its one business number, without --flows.
    #[arg(long, default_value = "100000000000001")]
    phone_number_id: String,
    /// The number itself, without --flows.
    #[arg(long, default_value = "+33612345690")]
    number: String,
    /// The token that it takes.
    #[arg(long, default_value = SIMULATOR_TOKEN)]
    token: String,
    /// Take any token, and any template.
    #[arg(long)]
    lenient: bool,
    /// List the faults that a scenario may have, and stop.
    #[arg(long)]
    faults: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.faults {
        for fault in Fault::ALL.iter().chain(&[Fault::RefusedWith(131_031), Fault::FailedWith(131_042)]) {
            println!("{:<26} {}", fault.name(), fault.explained());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let scenario = match &args.scenario {
        None => Scenario::friendly(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            Scenario::from_toml(&text).with_context(|| format!("use {}", path.display()))?
        }
    };
    let (numbers, templates) = match &args.flows {
        Some(flows) => (stage::numbers_in(flows, &args.token)?, stage::templates_in(flows)?),
        None => {
            let number = BusinessNumber {
                phone_number_id: args.phone_number_id,
                display: args.number,
                waba: stage::ACCOUNT.to_owned(),
                token: args.token,
            };
            (vec![number], Vec::new())
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
        numbers,
        templates,
        strict: !args.lenient,
    };
    serve(options, |simulator| println!("the simulator listens on {}", simulator.base_url())).await?;
    Ok(ExitCode::SUCCESS)
}
