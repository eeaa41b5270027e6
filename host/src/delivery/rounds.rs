//! The rounds: claim what is due, deliver each envelope in a task of its own, look again.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::{task::JoinSet, time};

use super::{Delivery, House, lock};

/// How often what stayed unresolved is looked at.
const SWEEP: Duration = Duration::from_secs(5);

/// Counts something under way, until dropped.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn begin(house: &House) -> Self {
        house.in_flight.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&house.in_flight))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Delivery {
    /// Delivers until `shutdown`: whenever the pulse beats (an envelope was queued or settled), an envelope comes due, or
    /// [`super::Options::poll_ms`] have passed. Then begins nothing more, finishes what is on its way, puts back what only
    /// waits, and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let mut pulse = self.house.pulse.listen();
        let mut sweep = time::interval(SWEEP);
        sweep.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let poll = Duration::from_millis(self.house.options.poll_ms.max(1));
        let mut tasks = JoinSet::new();
        loop {
            let claimed = self.claim(self.house.clock.now(), &mut tasks).await;
            while tasks.try_join_next().is_some() {}
            // A full batch: there may be more.
            let until = if claimed == self.house.options.batch { Timestamp::MIN } else { self.next_due().await };
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                _ = sweep.tick() => { self.resolve(self.house.clock.now()).await; }
                () = pulse.wait(&self.house.clock, until) => {}
                () = time::sleep(poll) => {}
            }
        }
        self.house.shares.close();
        while tasks.join_next().await.is_some() {}
    }

    /// Claims and delivers everything that is due at `now`, and what becomes due at `now` by that; how many envelopes
    /// that were. For virtual time: the clock is expected to show `now`.
    pub async fn pump(&self, now: Timestamp) -> usize {
        self.resolve(now).await;
        let (mut tasks, mut delivered) = (JoinSet::new(), 0);
        loop {
            let claimed = self.claim(now, &mut tasks).await;
            delivered += claimed;
            if claimed == 0 && tasks.join_next().await.is_none() {
                return delivered;
            }
        }
    }

    /// Claims what is due at `now`, as far as there is room, and begins to deliver it; how many envelopes.
    async fn claim(&self, now: Timestamp, tasks: &mut JoinSet<()>) -> usize {
        let options = &self.house.options;
        let room = options.most_in_hand.saturating_sub(lock(&self.house.in_hand).len());
        let limit = options.batch.min(room);
        if limit == 0 {
            return 0;
        }
        let _claiming = UnderWay::begin(&self.house);
        let envelopes = match self.house.store.claim(now, limit).await {
            Ok(envelopes) => envelopes,
            Err(error) => {
                tracing::error!(%error, "envelopes could not be claimed");
                return 0;
            }
        };
        let claimed = envelopes.len();
        for envelope in envelopes {
            lock(&self.house.in_hand).insert(envelope.id.clone(), None);
            let (house, under_way) = (Arc::clone(&self.house), UnderWay::begin(&self.house));
            tasks.spawn(async move {
                let _under_way = under_way;
                house.deliver(&envelope).await;
            });
        }
        claimed
    }

    /// When something in the store comes due. What is due already was not for us, or there was no room for it: the end of
    /// time, for the pulse will tell.
    async fn next_due(&self) -> Timestamp {
        match self.house.store.next_due().await {
            Ok(Some(due)) if due > self.house.clock.now() => due,
            Ok(_) => Timestamp::MAX,
            Err(error) => {
                tracing::error!(%error, "the store could not say what comes due next");
                Timestamp::MAX
            }
        }
    }
}
