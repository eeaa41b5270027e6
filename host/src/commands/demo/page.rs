//! After the conversation: a page where one is the prospect oneself.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::Html,
    routing::{get, post},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use super::{TENANT, later, screen::Screen};
use crate::{simulator::Happening, stage::Stage};

/// Virtual seconds to a real one while somebody looks: an answer that takes a human pause comes within a second or two.
const PACE: i64 = 20;
const TICK: Duration = Duration::from_millis(100);
/// The first of the numbers that new prospects get.
const FIRST_NUMBER: u32 = 12_345_700;

struct Page {
    stage: Stage,
    /// The number of the prospect that the page plays.
    number: Mutex<String>,
    next_number: AtomicU32,
    /// Hours to skip.
    skips: mpsc::UnboundedSender<i64>,
    zone: TimeZone,
}

/// Serves the page and lets time pass until Ctrl-C.
pub(super) async fn stay(stage: Stage, screen: &Screen) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (skips, mut to_skip) = mpsc::unbounded_channel();
    let page = Arc::new(Page {
        stage,
        number: Mutex::new(String::new()),
        next_number: AtomicU32::new(FIRST_NUMBER),
        skips,
        zone: TimeZone::get("Europe/Paris")?,
    });
    begin_conversation(&page).await?;
    let calendar = calendar_url(&page.stage).await?;

    screen.say(&format!(
        "\nBe the prospect yourself: {url}\nOr hand a lead over as a CRM would:\n\n  \
         curl -X POST {host}/v1/leads \\\n    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\\n    \
         -d '{{\"crm_contact_id\":\"CRM_1\",\"phone_number\":\"+33612345678\"}}'\n\n\
         The sales team's calendar, for any calendar program: {calendar}\n\n\
         Time goes {PACE} times faster here. Ctrl-C ends it.",
        host = page.stage.host.url(),
        key = page.stage.key(TENANT),
        calendar = calendar,
    ));
    if screen.is_json() {
        screen.print(
            &json!({ "type": "ready", "page": url, "host": page.stage.host.url(), "key": page.stage.key(TENANT), "calendar": calendar }),
        );
    }

    let router = Router::new()
        .route("/", get(html))
        .route("/state", get(state))
        .route("/say", post(say))
        .route("/new", post(new))
        .route("/skip", post(skip))
        .with_state(Arc::clone(&page));
    let time = async {
        loop {
            let hours: i64 = std::iter::from_fn(|| to_skip.try_recv().ok()).sum();
            let now = page.stage.clock.now();
            let tick = i64::try_from(TICK.as_millis()).unwrap_or(100) * PACE / 1_000;
            page.stage.pass_until(later(now, tick + hours * 3_600)).await;
            tokio::time::sleep(TICK).await;
        }
    };
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served?,
        () = time => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

/// The address of the tenant's calendar.
async fn calendar_url(stage: &Stage) -> anyhow::Result<String> {
    let secret = crate::api::new_secret(TENANT.into(), None, stage.clock.now())?;
    stage.host.store.put_calendar_secret(secret.clone()).await?;
    Ok(format!("{}{}", stage.host.url(), crate::api::path_of(&secret)))
}

async fn begin_conversation(page: &Page) -> anyhow::Result<()> {
    let index = page.next_number.fetch_add(1, Ordering::SeqCst);
    let number = format!("+336{index:08}");
    let lead = json!({ "crm_contact_id": format!("CRM_{index}"), "phone_number": number });
    *page.number.lock().unwrap_or_else(PoisonError::into_inner) = number;
    page.stage.post_lead(TENANT, &lead).await?;
    Ok(())
}

impl Page {
    fn number(&self) -> String {
        self.number.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn html() -> Html<&'static str> {
    Html(include_str!("page.html"))
}

#[derive(Deserialize)]
struct Which {
    /// Show another prospect than the page's own.
    number: Option<String>,
}

/// Everything that the page shows.
async fn state(State(page): State<Arc<Page>>, Query(which): Query<Which>) -> Json<Value> {
    let number = which.number.unwrap_or_else(|| page.number());
    let at = |at: Timestamp| at.to_zoned(page.zone.clone()).strftime("%d/%m %H:%M").to_string();
    let same = |other: &str| other.trim_start_matches('+') == number.trim_start_matches('+');
    let messages: Vec<Value> = page
        .stage
        .simulator
        .history()
        .iter()
        .filter_map(|happening| match happening {
            Happening::Outbound { to, text, buttons, at: when, .. } if same(to) => Some(json!({
                "from": "agent",
                "text": text,
                "at": at(*when),
                "buttons": buttons.iter().map(|button| &button.title).collect::<Vec<_>>(),
            })),
            Happening::Inbound { from, text, at: when, .. } if same(from) => {
                Some(json!({ "from": "me", "text": text, "at": at(*when) }))
            }
            _ => None,
        })
        .collect();
    let crm_id = format!("CRM_{}", number.trim_start_matches("+336").trim_start_matches('0'));
    let callbacks: Vec<Value> = page
        .stage
        .crm
        .received()
        .iter()
        .filter(|callback| callback.body.get("crm_id").and_then(Value::as_str) == Some(&crm_id))
        .map(|callback| json!({ "at": at(callback.at), "body": callback.body }))
        .collect();
    Json(json!({
        "now": page.stage.clock.now().to_zoned(page.zone.clone()).strftime("%A %d/%m/%Y %H:%M:%S").to_string(),
        "number": number,
        "messages": messages,
        "callbacks": callbacks,
    }))
}

#[derive(Deserialize)]
struct Said {
    text: String,
}

async fn say(State(page): State<Arc<Page>>, Json(said): Json<Said>) -> StatusCode {
    let person = page.stage.simulator.person(&page.number());
    // A tap on what was offered is a choice; anything else is a text.
    if person.tap(&said.text).is_none() {
        person.write(&said.text);
    }
    StatusCode::NO_CONTENT
}

async fn new(State(page): State<Arc<Page>>) -> StatusCode {
    match begin_conversation(&page).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(error) => {
            tracing::error!(%error, "no new conversation");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

#[derive(Deserialize)]
struct Skip {
    hours: u8,
}

async fn skip(State(page): State<Arc<Page>>, Json(skip): Json<Skip>) -> StatusCode {
    match page.skips.send(i64::from(skip.hours)) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::GONE,
    }
}
