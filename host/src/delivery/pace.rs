//! The host's own pace: so many messages a second from one number, one every few seconds to one person. Meta refuses what
//! is faster (130429, 131056) and holds it against the number.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::Options;

/// How many meters are kept before those that have run out are forgotten.
const FORGET_OVER: usize = 4_096;

/// One limit: an interval between messages, of which a burst may be borrowed in advance (GCRA, the leaky bucket of ATM).
#[derive(Clone, Copy, Debug)]
struct Limit {
    interval: SignedDuration,
    burst: SignedDuration,
}

impl Limit {
    fn new(interval: SignedDuration, burst: u32) -> Self {
        let ahead = i32::try_from(burst.saturating_sub(1)).unwrap_or(i32::MAX);
        Self { interval, burst: interval.saturating_mul(ahead) }
    }

    /// When the next message may leave, given until when the earlier ones have used the time up.
    fn next(self, used_until: Option<&Timestamp>) -> Timestamp {
        used_until.map_or(Timestamp::MIN, |until| until.saturating_sub(self.burst).unwrap_or(Timestamp::MIN))
    }

    /// Until when the time is used up after one more message.
    fn used(self, used_until: Option<&Timestamp>, now: Timestamp) -> Timestamp {
        let from = used_until.map_or(now, |until| now.max(*until));
        from.saturating_add(self.interval).unwrap_or(Timestamp::MAX)
    }
}

/// The meters of all numbers and of all pairs of a number and a person. In memory: after a restart a burst is free.
#[derive(Debug)]
pub(super) struct Pace {
    pair: Limit,
    number: Limit,
    pairs: HashMap<(String, String), Timestamp>,
    numbers: HashMap<String, Timestamp>,
    forget_over: usize,
}

impl Pace {
    /// With the limits of the options and nothing sent.
    pub(super) fn new(options: &Options) -> Self {
        let pair = SignedDuration::from_millis(i64::from(options.pair_interval_ms));
        let second = SignedDuration::from_secs(1);
        let per_second = i32::try_from(options.number_per_second.max(1)).unwrap_or(i32::MAX);
        Self {
            pair: Limit::new(pair, options.pair_burst),
            number: Limit::new(second.checked_div(per_second).unwrap_or(second), options.number_per_second),
            pairs: HashMap::new(),
            numbers: HashMap::new(),
            forget_over: FORGET_OVER,
        }
    }

    /// Counts a message from `number` to `person` at `now`; when it must wait, counts nothing and says until when.
    pub(super) fn take(&mut self, number: &str, person: &str, now: Timestamp) -> Result<(), Timestamp> {
        let pair = (number.to_owned(), person.to_owned());
        let (pair_used, number_used) = (self.pairs.get(&pair), self.numbers.get(number));
        let next = self.pair.next(pair_used).max(self.number.next(number_used));
        if next > now {
            return Err(next);
        }
        let (pair_used, number_used) = (self.pair.used(pair_used, now), self.number.used(number_used, now));
        self.pairs.insert(pair, pair_used);
        self.numbers.insert(number.to_owned(), number_used);
        self.forget(now);
        Ok(())
    }

    /// Drops the meters that no longer hold anybody up, once there are many.
    fn forget(&mut self, now: Timestamp) {
        if self.pairs.len() > self.forget_over {
            self.pairs.retain(|_, until| *until > now);
            self.forget_over = FORGET_OVER.max(self.pairs.len() * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_gets_a_burst_and_then_one_message_per_interval() {
        let options = Options { pair_interval_ms: 6_000, pair_burst: 3, ..Options::default() };
        let mut pace = Pace::new(&options);
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let at = |seconds| start + SignedDuration::from_secs(seconds);
        for _ in 0..3 {
            assert_eq!(pace.take("n", "ana", start), Ok(()));
        }
        assert_eq!(pace.take("n", "ana", start), Err(at(6)));
        assert_eq!(pace.take("n", "ana", at(5)), Err(at(6)));
        assert_eq!(pace.take("n", "bob", at(5)), Ok(()), "others do not wait");
        assert_eq!(pace.take("n", "ana", at(6)), Ok(()));
        assert_eq!(pace.take("n", "ana", at(6)), Err(at(12)));
        // a long silence gives the burst back, and no more than the burst
        for _ in 0..3 {
            assert_eq!(pace.take("n", "ana", at(600)), Ok(()));
        }
        assert_eq!(pace.take("n", "ana", at(600)), Err(at(606)));
    }

    #[test]
    fn a_number_keeps_its_throughput_and_memory_stays_small() {
        let mut pace = Pace::new(&Options { number_per_second: 80, ..Options::default() });
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let (mut now, mut sent) = (start, 0);
        while now < start + SignedDuration::from_secs(100) {
            match pace.take("n", &sent.to_string(), now) {
                Ok(()) => sent += 1,
                Err(next) => now = next,
            }
        }
        assert_eq!(sent, 100 * 80 + 79, "eighty a second and the burst");
        assert!(pace.pairs.len() <= FORGET_OVER + 1, "{}", pace.pairs.len());
    }
}
