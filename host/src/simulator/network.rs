//! The simulated WhatsApp: what it is made of, and what it does when something is due.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock,
    atomic::{AtomicUsize, Ordering},
};

use jiff::Timestamp;
use tokio::sync::{Notify, broadcast, mpsc};

use super::{
    ApprovedTemplate, BusinessNumber, Error, Fault, Habit, Happening, Options, Received, Scenario, WebhookTarget,
    itinerary::later,
    message::Stage,
    outbox::Flight,
    queue::{Due, Step},
    update::Update,
    world::World,
};
use crate::model::Clock;

/// How many happenings a subscriber may lag behind.
const HAPPENINGS: usize = 4_096;

/// The simulated WhatsApp.
pub(super) struct Network {
    pub(super) clock: Clock,
    pub(super) scenario: Scenario,
    pub(super) is_strict: bool,
    pub(super) numbers: Vec<BusinessNumber>,
    pub(super) templates: RwLock<Vec<ApprovedTemplate>>,
    pub(super) webhook: RwLock<Option<WebhookTarget>>,
    pub(super) happenings: broadcast::Sender<Happening>,
    pub(super) client: reqwest::Client,
    world: Mutex<World>,
    busy: Arc<AtomicUsize>,
    wake: Notify,
    /// Held by whoever does what is due, so that two drivers do not mix.
    driver: tokio::sync::Mutex<()>,
}

/// Counts something under way for as long as it exists.
#[derive(Debug)]
pub(super) struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Network {
    /// Nothing has happened yet.
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        if options.numbers.is_empty() {
            return Err(Error::NoNumber);
        }
        for (fault, when) in &options.scenario.faults {
            when.check(*fault)?;
        }
        // Another provider may be installed already: any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        if !options.webhook.as_ref().is_some_and(|webhook| webhook.url.starts_with("https:")) {
            // Only a webhook elsewhere needs the system's certificates.
            client = client.tls_certs_only([]);
        }
        Ok(Self {
            clock: options.clock.clone(),
            scenario: options.scenario.clone(),
            is_strict: options.strict,
            numbers: options.numbers.clone(),
            templates: RwLock::new([options.templates.as_slice(), &options.scenario.templates].concat()),
            webhook: RwLock::new(options.webhook.clone()),
            happenings: broadcast::Sender::new(HAPPENINGS),
            client: client.build().map_err(Error::Client)?,
            world: Mutex::new(World::new(&options.scenario, options.seed)),
            busy: Arc::new(AtomicUsize::new(0)),
            wake: Notify::new(),
            driver: tokio::sync::Mutex::new(()),
        })
    }

    /// The world, for a moment; never across an await.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where webhooks go.
    pub(super) fn target(&self) -> Option<WebhookTarget> {
        self.webhook.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts something under way.
    pub(super) fn busy(&self) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(&self.busy))
    }

    /// How much is under way.
    pub(super) fn in_flight(&self) -> usize {
        self.busy.load(Ordering::SeqCst)
    }

    /// Tells whoever waits for something due that there is something new.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Keeps a happening and tells it.
    pub(super) fn happened(&self, world: &mut World, happening: Happening) {
        world.remember(happening.clone());
        // Nobody may be listening.
        let _ = self.happenings.send(happening);
    }

    /// Does what is due now, one thing after the other, each webhook answered before the next; gives how much was done.
    pub(super) async fn run_due(&self) -> usize {
        let _turn = self.driver.lock().await;
        let mut done = 0;
        while let Some(flights) = self.next_due_flights() {
            done += 1;
            for flight in flights {
                self.fly(flight).await;
            }
        }
        done
    }

    /// Takes the next thing due and does it, but for the posting.
    fn next_due_flights(&self) -> Option<Vec<Flight>> {
        let now = self.clock.now();
        let mut world = self.world();
        let due = world.queue.take(now)?;
        Some(self.perform(&mut world, now, due))
    }

    /// Does what is due as the clock goes, until dropped. Posts about one person stay in order, others run side by side.
    pub(super) async fn run(self: Arc<Self>) {
        let lanes: Vec<mpsc::UnboundedSender<Flight>> = (0..self.scenario.webhooks.lanes.max(1))
            .map(|_| {
                let (lane, mut flights) = mpsc::unbounded_channel();
                let network = Arc::clone(&self);
                tokio::spawn(async move {
                    while let Some(flight) = flights.recv().await {
                        network.fly(flight).await;
                    }
                });
                lane
            })
            .collect();
        loop {
            {
                let _turn = self.driver.lock().await;
                while let Some(flights) = self.next_due_flights() {
                    for flight in flights {
                        if let Some(lane) = lanes.get(flight.post.lane % lanes.len()) {
                            // The other end lives as long as this loop.
                            let _ = lane.send(flight);
                        }
                    }
                }
            }
            let next = self.world().queue.next_due();
            match next {
                Some(next) => tokio::select! {
                    () = self.clock.sleep_until(next) => {}
                    () = self.wake.notified() => {}
                },
                None => self.wake.notified().await,
            }
        }
    }

    /// Posts, and puts in for another try what was not taken.
    pub(super) async fn fly(&self, flight: Flight) {
        let Flight { mut post, busy } = flight;
        let Some(target) = self.target() else { return };
        let is_taken = post.send(&self.client, &target, self.scenario.webhooks.timeout_ms).await;
        let now = self.clock.now();
        let next = if is_taken {
            let again = std::mem::take(&mut post.again);
            post.failures = 0;
            again.then(|| later(now, 1_000))
        } else {
            post.failures += 1;
            post.next_try(now)
        };
        if let Some(next) = next {
            self.world().queue.put(next, Due::Repost(post));
            self.wake();
        } else if !is_taken {
            tracing::warn!("webhook was not taken for seven days and is dropped");
        }
        drop(busy);
    }

    /// Does what is due; gives what is to be posted.
    pub(super) fn perform(&self, world: &mut World, now: Timestamp, due: Due) -> Vec<Flight> {
        match due {
            Due::Step { wamid, step } => match self.step(world, now, &wamid, step) {
                Some(update) => self.tell(world, now, update),
                None => Vec::new(),
            },
            Due::Answer(wamid) => {
                self.answer_by_habit(world, &wamid);
                Vec::new()
            }
            Due::Tell(update) => self.tell(world, now, *update),
            Due::Flush => {
                let updates = std::mem::take(&mut world.gathered);
                if updates.is_empty() { Vec::new() } else { self.post(world, now, updates, true) }
            }
            Due::Repost(post) => vec![Flight { post, busy: self.busy() }],
        }
    }

    /// Something happens to a message; gives what the host is to know.
    fn step(&self, world: &mut World, now: Timestamp, wamid: &str, step: Step) -> Option<Update> {
        match step {
            Step::Reach(stage) => {
                self.reach(world, now, wamid, stage).then_some(())?;
                self.status(world, wamid, stage, now)
            }
            Step::ReachQuietly(stage) => {
                self.reach(world, now, wamid, stage);
                None
            }
            Step::Report(stage, at) => {
                (world.messages.get(wamid)?.stage >= stage).then_some(())?;
                self.status(world, wamid, stage, at)
            }
            Step::Fail(code) => {
                let status = Happening::Status { wamid: wamid.to_owned(), status: "failed", code: Some(code), at: now };
                self.happened(world, status);
                self.failed(world, wamid, code, now)
            }
            Step::Release => {
                let message = world.messages.get_mut(wamid)?;
                let fate = message.after_hold.take()?;
                let reads = world.people.get(message.person)?.reads;
                for (at, step) in fate.steps(now, &self.scenario.latency, 0, reads) {
                    world.queue.put(at, Due::Step { wamid: wamid.to_owned(), step });
                }
                None
            }
        }
    }

    /// Brings a message to `stage`, if the person's telephone lets it.
    fn reach(&self, world: &mut World, now: Timestamp, wamid: &str, stage: Stage) -> bool {
        let Some(message) = world.messages.get_mut(wamid) else { return false };
        let Some(person) = world.people.get_mut(message.person) else { return false };
        let is_let = match stage {
            Stage::Accepted | Stage::Sent => true,
            Stage::Delivered => person.is_on_whatsapp && !person.is_blocking,
            Stage::Read => person.reads && message.stage >= Stage::Delivered,
        };
        if !is_let || message.stage >= stage {
            return false;
        }
        message.stage = stage;
        let index = message.person;
        if stage == Stage::Delivered {
            let received = Received {
                wamid: wamid.to_owned(),
                phone_number_id: message.phone_number_id.clone(),
                text: message.shown.text.clone(),
                buttons: message.shown.buttons.clone(),
                template: message.shown.template.clone(),
                at: now,
            };
            person.seen.push(received.clone());
            // Nobody may be looking.
            let _ = person.screen.send(received);
            let number = person.number.clone();
            let people = &self.scenario.people;
            if people.habit != Habit::Silent {
                world.queue.put(later(now, people.after_ms), Due::Answer(wamid.to_owned()));
            }
            if world.faults.strike(Fault::NumberChange, &number)
                && let Some(spare) = world.spare_number(index)
            {
                self.change_number(world, index, &spare);
            }
            if world.faults.strike(Fault::BsuidChange, &number) {
                self.change_user_id(world, index);
            }
        }
        let status = Happening::Status { wamid: wamid.to_owned(), status: stage.name(), code: None, at: now };
        self.happened(world, status);
        true
    }

    /// Gives a template another status and tells the host, as Meta does in `message_template_status_update`.
    pub(super) fn change_template(&self, name: &str, language: &str, status: &str) {
        let mut templates = self.templates.write().unwrap_or_else(PoisonError::into_inner);
        let changed = templates.iter_mut().enumerate().find(|(_, t)| t.name == name && t.language == language);
        let Some((index, template)) = changed else { return };
        status.clone_into(&mut template.status);
        let reason = if status == "REJECTED" { "INVALID_FORMAT" } else { "NONE" };
        let value = serde_json::json!({
            "event": status, "message_template_id": super::templates::id(index), "message_template_name": name,
            "message_template_language": language, "reason": reason,
        });
        drop(templates);
        let now = self.clock.now();
        let mut accounts: Vec<&BusinessNumber> = Vec::new();
        for number in &self.numbers {
            if !accounts.iter().any(|known| known.waba == number.waba) {
                accounts.push(number);
            }
        }
        let mut world = self.world();
        for number in accounts {
            let update = Update::of_account(number, "message_template_status_update", value.clone());
            world.queue.put(now, Due::Tell(Box::new(update)));
        }
        drop(world);
        self.wake();
    }

    /// The business number of an id.
    pub(super) fn number(&self, phone_number_id: &str) -> Option<&BusinessNumber> {
        self.numbers.iter().find(|number| number.phone_number_id == phone_number_id)
    }
}
