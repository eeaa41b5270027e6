//! `relais demo`: the integration guide's conversation with everything embedded, then a page to be the prospect oneself.

mod page;
mod screen;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow, ensure};
use clap::Parser;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::Value;
use tokio::sync::{broadcast::error::RecvError, mpsc};

use self::screen::{Screen, Shown};
use crate::{
    flows::Published,
    simulator::{Happening, Scenario},
    stage::{self, Golden, Received, Stage},
    turn,
};

/// The demonstration's folder, `flows/demo` of the repository, carried in the binary.
const FILES: [(&str, &str); 6] = [
    ("tenant.toml", include_str!("../../../../flows/demo/tenant.toml")),
    ("crm.secret", include_str!("../../../../flows/demo/crm.secret")),
    ("solaire/flow.toml", include_str!("../../../../flows/demo/solaire/flow.toml")),
    ("solaire/script.toml", include_str!("../../../../flows/demo/solaire/script.toml")),
    ("solaire/crm.toml", include_str!("../../../../flows/demo/solaire/crm.toml")),
    ("solaire/actions.toml", include_str!("../../../../flows/demo/solaire/actions.toml")),
];
/// The conversation that is played.
const GUIDE: &str = include_str!("../../../../flows/demo/solaire/conversations/guide.toml");
const TENANT: &str = "demo";

/// Arguments of `relais demo`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// Stop after the conversation; exit 0 only if everything came out as the guide says.
    #[arg(long)]
    headless: bool,
    /// Print one JSON object a line: messages, callbacks, turns.
    #[arg(long)]
    json: bool,
    /// The port of the host's doors; the chat page takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let folder = Folder::new()?;
    let golden =
        Golden::read("guide.toml", GUIDE).map_err(|problems| anyhow!("read the guide's conversation: {problems:?}"))?;
    let zone = TimeZone::get("Europe/Paris")?;
    let screen = Screen::new(args.json, zone.clone());
    screen.say(&format!("{}, on virtual time\n", golden.title));

    let (shown, mut to_show) = mpsc::unbounded_channel();
    let stage = Stage::set(stage::Options {
        flows: folder.0.join("source"),
        folder: folder.0.join("stage"),
        begin: golden.begin.instant(&zone),
        // Without a page nobody needs to know the port.
        listen: SocketAddr::from(([127, 0, 0, 1], if args.headless { 0 } else { args.port })),
        scenario: Scenario::friendly(),
        seed: 1,
        observer: Some(observer(shown.clone())),
        tell: Arc::new(|published| {
            if matches!(published, Published::Refused { .. }) {
                super::serve::tell(&published);
            }
        }),
    })
    .await?;
    ensure!(!stage.host.flows.active().is_empty(), "activate the demonstration's flow");
    listen(&stage, shown);
    let showing = {
        let screen = screen.clone();
        tokio::spawn(async move {
            while let Some(shown) = to_show.recv().await {
                screen.show(&shown);
            }
        })
    };

    let began = std::time::Instant::now();
    let played = stage.play(TENANT, None, &golden).await?;
    // What was told last is still on its way to the screen.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let bodies: Vec<Value> = stage.crm.received().into_iter().map(|callback| callback.body).collect();
    let mut differences = played.differences;
    // What the CRM has really got, beside what was sent to it.
    differences.extend(golden.expect.differences(&bodies));
    for difference in &differences {
        eprintln!(
            "\n{} otherwise than the guide says\n--- expected\n{}\n--- found\n{}",
            difference.what, difference.expected, difference.found
        );
    }
    if differences.is_empty() {
        screen.say(&format!(
            "\n✓ six days in {:.1} s; {} callbacks, payloads and transcript as in the guide, to the letter",
            began.elapsed().as_secs_f64(),
            bodies.len()
        ));
    }
    if args.headless {
        showing.abort();
        return Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    page::stay(stage, &screen).await?;
    Ok(ExitCode::SUCCESS)
}

/// A temporary folder with the demonstration's flows; removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let folder = Self(std::env::temp_dir().join(format!("relais-demo-{}", std::process::id())));
        for (path, text) in FILES {
            let path = folder.0.join("source").join(TENANT).join(path);
            let parent = path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
            std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A temporary folder that stays behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Each component that a turn asked, with its time.
fn observer(shown: mpsc::UnboundedSender<Shown>) -> turn::Observer {
    Arc::new(move |commit| {
        for call in &commit.log.calls {
            // The screen going away is no reason to stop turns.
            let _ = shown.send(Shown::Turn { role: call.function.clone(), micros: call.micros });
        }
    })
}

/// Passes on what the simulator and the CRM see.
fn listen(stage: &Stage, shown: mpsc::UnboundedSender<Shown>) {
    let mut happenings = stage.simulator.subscribe();
    let mut callbacks = stage.crm.subscribe();
    let to_screen = shown.clone();
    tokio::spawn(async move {
        loop {
            let message = match happenings.recv().await {
                Ok(Happening::Outbound { text, at, .. }) => Shown::Message { is_out: true, at, text },
                Ok(Happening::Inbound { text, at, .. }) => Shown::Message { is_out: false, at, text },
                Ok(_) | Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            if to_screen.send(message).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        loop {
            match callbacks.recv().await {
                Ok(Received { at, headers, body }) => {
                    if shown.send(Shown::Callback { at, headers, body }).is_err() {
                        return;
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}

/// A moment, `seconds` after another.
fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(seconds.seconds()).unwrap_or(Timestamp::MAX)
}
