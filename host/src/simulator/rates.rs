//! How much may be sent: to a person, by a number, by the portfolio.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{PairRate, Policy};

/// One message to a person every 6 seconds (Meta, about the platform, 2025-12-05).
const PAIR_INTERVAL_MS: i64 = 6_000;
/// As many at once, borrowed from the future.
const PAIR_BURST: i64 = 45;
/// What the portfolio's limit looks back on.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What has been sent of late.
#[derive(Debug, Default)]
pub(super) struct Rates {
    pairs: HashMap<(String, usize), Pair>,
    seconds: HashMap<String, (i64, u32)>,
    opened: HashMap<usize, Timestamp>,
}

/// What a number owes to a person, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    /// When the debt is paid.
    free_at: i64,
    /// When the present burst began.
    burst_at: i64,
}

impl Rates {
    /// Counts a message of `number` to `person` at `now`, or gives the code of the limit that it would break.
    /// `opens` says that the person has not written within 24 hours.
    pub(super) fn count(
        &mut self,
        policy: &Policy,
        number: &str,
        person: usize,
        now: Timestamp,
        opens: bool,
    ) -> Result<(), i64> {
        let (second, ms) = (now.as_second(), now.as_millisecond());
        let sent = self.seconds.get(number).filter(|(at, _)| *at == second).map_or(0, |(_, sent)| *sent);
        if policy.throughput > 0 && sent >= policy.throughput {
            return Err(130_429);
        }
        let is_known = self.opened.get(&person).is_some_and(|at| now.duration_since(*at) < DAY);
        if opens && policy.portfolio_limit > 0 && !is_known {
            self.opened.retain(|_, at| now.duration_since(*at) < DAY);
            if self.opened.len() >= policy.portfolio_limit as usize {
                return Err(131_048);
            }
        }
        let pair = self.pairs.get(&(number.to_owned(), person)).copied().unwrap_or_default();
        let pair = pair.after(policy.pair_rate, ms).ok_or(131_056)?;
        self.pairs.insert((number.to_owned(), person), pair);
        self.seconds.insert(number.to_owned(), (second, sent + 1));
        if opens && !is_known {
            self.opened.insert(person, now);
        }
        Ok(())
    }
}

impl Pair {
    /// The debt after one more message at `now`; none when it may not go.
    fn after(self, rate: PairRate, now: i64) -> Option<Self> {
        let fresh = Self { free_at: now + PAIR_INTERVAL_MS, burst_at: now };
        match rate {
            PairRate::Off => Some(fresh),
            _ if now >= self.free_at => Some(fresh),
            PairRate::Bucket => {
                let has_room = self.free_at - now <= (PAIR_BURST - 1) * PAIR_INTERVAL_MS;
                has_room.then_some(Self { free_at: self.free_at + PAIR_INTERVAL_MS, ..self })
            }
            PairRate::Documented => {
                let sent = (self.free_at - self.burst_at) / PAIR_INTERVAL_MS;
                let goes_on = now - self.burst_at < PAIR_INTERVAL_MS && sent < PAIR_BURST;
                goes_on.then_some(Self { free_at: self.free_at + PAIR_INTERVAL_MS, ..self })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many messages go to one person if one is tried at each of `at` (milliseconds).
    fn gone(policy: &Policy, at: impl IntoIterator<Item = i64>) -> usize {
        let mut rates = Rates::default();
        at.into_iter()
            .filter(|ms| rates.count(policy, "1", 0, Timestamp::from_millisecond(*ms).unwrap(), true).is_ok())
            .count()
    }

    #[test]
    fn a_person_is_not_flooded() {
        let policy = |pair_rate| Policy { pair_rate, throughput: 0, ..Policy::default() };
        assert_eq!(gone(&policy(PairRate::Off), vec![0; 100]), 100);
        assert_eq!(gone(&policy(PairRate::Bucket), vec![0; 100]), 45);
        assert_eq!(gone(&policy(PairRate::Bucket), (0..100).map(|n| n * 6_000)), 100);
        // a burst of 20 costs two minutes
        let documented = policy(PairRate::Documented);
        let burst = || (0..20).map(|n| n * 100);
        assert_eq!(gone(&documented, burst().chain([119_999])), 20);
        assert_eq!(gone(&documented, burst().chain([120_000])), 21);
    }

    #[test]
    fn numbers_and_portfolio_have_limits() {
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        let policy = Policy { throughput: 3, portfolio_limit: 2, ..Policy::default() };
        let mut rates = Rates::default();
        let mut count = |person, now, opens| rates.count(&policy, "1", person, now, opens);
        assert_eq!([count(0, now, true), count(1, now, true)], [Ok(()), Ok(())]);
        assert_eq!(count(2, now, true), Err(131_048));
        assert_eq!(count(2, now, false), Ok(()), "an answer is not counted");
        assert_eq!(count(0, now, true), Err(130_429));
        let later = now + SignedDuration::from_secs(1);
        assert_eq!(count(0, later, true), Ok(()), "a known person is counted once");
        assert_eq!(count(2, later, true), Err(131_048));
        assert_eq!(count(2, now + DAY, true), Ok(()));
    }
}
