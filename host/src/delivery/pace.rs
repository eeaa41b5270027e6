//! The host's own pace: so many messages a second from one number, so many to one person, so many new people a day. Meta
//! refuses what is faster (130429, 131056, 131048) and holds it against the number.
//!
//! What must wait is given a place in time that nobody else is given, so that a crowd that was refused at once does not
//! come back at once.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::Options;

/// How many meters are kept before those that have run out are forgotten.
const FORGET_OVER: usize = 4_096;
/// Over how long Meta counts the people to whom a conversation was opened (FACTS §4).
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The meters of all numbers, of all pairs of a number and a person, and of all portfolios. In memory: after a restart a
/// burst is free.
#[derive(Debug)]
pub(super) struct Pace {
    pair_interval: SignedDuration,
    pair_burst: u32,
    /// Between two messages of a number, and how much of it may be borrowed.
    interval: SignedDuration,
    ahead: SignedDuration,
    pairs: HashMap<(String, String), Pair>,
    numbers: HashMap<String, Meter>,
    portfolios: HashMap<String, Portfolio>,
    forget_over: usize,
}

/// What a number owes to a person.
#[derive(Clone, Copy, Debug)]
struct Pair {
    /// When the debt is paid.
    free_at: Timestamp,
    /// When the present burst began.
    burst_at: Timestamp,
    /// How many it has.
    sent: u32,
}

/// What a number has used up.
#[derive(Clone, Copy, Debug)]
struct Meter {
    /// Until when the time is used up by what was sent.
    used_until: Timestamp,
    /// Until when places have been given to what waits.
    given_until: Timestamp,
}

/// To whom the numbers of a business opened a conversation of late.
#[derive(Debug, Default)]
struct Portfolio {
    opened: HashMap<String, Timestamp>,
    /// How many places were given to people who wait.
    given: usize,
}

impl Pace {
    /// With the limits of the options and nothing sent.
    pub(super) fn new(options: &Options) -> Self {
        let second = SignedDuration::from_secs(1);
        // Of what Meta allows, four fifths and a small burst: in no second more than nine tenths, for answers that come in
        // count too (FACTS §4) and two requests may come closer together than they left.
        let limit = i32::try_from(options.number_per_second.max(1)).unwrap_or(i32::MAX);
        let interval = second.saturating_mul(5).checked_div(limit.saturating_mul(4)).unwrap_or(second);
        let burst = (limit / 10).max(1);
        Self {
            pair_interval: SignedDuration::from_millis(i64::from(options.pair_interval_ms)),
            pair_burst: options.pair_burst.max(1),
            interval,
            ahead: interval.saturating_mul(burst - 1),
            pairs: HashMap::new(),
            numbers: HashMap::new(),
            portfolios: HashMap::new(),
            forget_over: FORGET_OVER,
        }
    }

    /// Counts a message from `number` to `person` at `now`; when it must wait, counts nothing and says until when.
    pub(super) fn take(&mut self, number: &str, person: &str, now: Timestamp) -> Result<(), Timestamp> {
        let key = (number.to_owned(), person.to_owned());
        let pair = self.pair_after(self.pairs.get(&key).copied(), now)?;
        self.pass(number, now)?;
        self.pairs.insert(key, pair);
        self.forget(now);
        Ok(())
    }

    /// Counts that a conversation with `person` is opened by a business that may open `limit` within 24 hours; when it
    /// must wait, counts nothing and says until when. Whoever was written to within 24 hours counts no more.
    pub(super) fn open(&mut self, portfolio: &str, person: &str, limit: u32, now: Timestamp) -> Result<(), Timestamp> {
        let portfolio = self.portfolios.entry(portfolio.to_owned()).or_default();
        portfolio.opened.retain(|_, at| now.duration_since(*at) < DAY);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if portfolio.opened.contains_key(person) || portfolio.opened.len() < limit {
            portfolio.opened.entry(person.to_owned()).or_insert(now);
            portfolio.given = portfolio.given.saturating_sub(1);
            return Ok(());
        }
        let mut ends: Vec<Timestamp> = portfolio.opened.values().copied().collect();
        ends.sort_unstable();
        // The nth who waits gets the nth place that becomes free, after a day the first again.
        let (days, place) = (portfolio.given / ends.len().max(1), portfolio.given % ends.len().max(1));
        portfolio.given += 1;
        let days = i32::try_from(days + 1).unwrap_or(i32::MAX);
        let free = ends.get(place).copied().unwrap_or(now);
        Err(free.saturating_add(DAY.saturating_mul(days)).unwrap_or(Timestamp::MAX))
    }

    /// A conversation with `person` was opened at `at`, before this process began.
    pub(super) fn opened(&mut self, portfolio: &str, person: &str, at: Timestamp) {
        self.portfolios.entry(portfolio.to_owned()).or_default().opened.insert(person.to_owned(), at);
    }

    /// The debt to a person after one more message, to the letter of Meta's documentation: after a burst of n messages
    /// within an interval nothing for n intervals (FACTS §4).
    fn pair_after(&self, pair: Option<Pair>, now: Timestamp) -> Result<Pair, Timestamp> {
        let later = |from: Timestamp| from.saturating_add(self.pair_interval).unwrap_or(Timestamp::MAX);
        match pair {
            Some(pair) if now < pair.free_at => {
                let goes_on = now.duration_since(pair.burst_at) < self.pair_interval && pair.sent < self.pair_burst;
                let more = Pair { free_at: later(pair.free_at), sent: pair.sent + 1, ..pair };
                if goes_on { Ok(more) } else { Err(pair.free_at) }
            }
            _ => Ok(Pair { free_at: later(now), burst_at: now, sent: 1 }),
        }
    }

    /// A bucket that gains a message each interval and holds a few (GCRA, the leaky bucket of ATM).
    fn pass(&mut self, number: &str, now: Timestamp) -> Result<(), Timestamp> {
        let fresh = Meter { used_until: now, given_until: now };
        let meter = self.numbers.entry(number.to_owned()).or_insert(fresh);
        let next = meter.used_until.saturating_sub(self.ahead).unwrap_or(Timestamp::MIN);
        if next > now {
            let place = next.max(meter.given_until);
            meter.given_until = place.saturating_add(self.interval).unwrap_or(Timestamp::MAX);
            return Err(place);
        }
        meter.used_until = meter.used_until.max(now).saturating_add(self.interval).unwrap_or(Timestamp::MAX);
        Ok(())
    }

    /// Drops the meters that no longer hold anybody up, once there are many.
    fn forget(&mut self, now: Timestamp) {
        if self.pairs.len() > self.forget_over {
            self.pairs.retain(|_, pair| pair.free_at > now);
            self.forget_over = FORGET_OVER.max(self.pairs.len() * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_person_gets_a_burst_and_then_nothing_until_it_is_paid() {
        let options = Options { pair_interval_ms: 6_000, pair_burst: 3, ..Options::default() };
        let mut pace = Pace::new(&options);
        for _ in 0..3 {
            assert_eq!(pace.take("n", "ana", at(0)), Ok(()));
        }
        assert_eq!(pace.take("n", "ana", at(0)), Err(at(18)));
        assert_eq!(pace.take("n", "ana", at(17)), Err(at(18)));
        assert_eq!(pace.take("n", "bob", at(17)), Ok(()), "others do not wait");
        assert_eq!(pace.take("n", "ana", at(18)), Ok(()));
        assert_eq!(pace.take("n", "ana", at(23)), Ok(()));
        assert_eq!(pace.take("n", "ana", at(24)), Err(at(30)), "the burst lasts no longer than an interval");
        assert_eq!(pace.take("n", "ana", at(30)), Ok(()));
    }

    #[test]
    fn a_number_keeps_its_throughput_in_every_second_and_a_crowd_comes_back_in_single_file() {
        let mut pace = Pace::new(&Options { number_per_second: 80, ..Options::default() });
        // A thousand come at once; each that must wait comes back when told.
        let mut waiting: std::collections::BTreeMap<(Timestamp, u32), u32> =
            (0..1_000).map(|who| ((at(0), who), who)).collect();
        let (mut sent, mut asked) = (Vec::new(), 0);
        while let Some(((now, _), who)) = waiting.pop_first() {
            asked += 1;
            match pace.take("n", &who.to_string(), now) {
                Ok(()) => sent.push(now),
                Err(until) => {
                    waiting.insert((until, who), who);
                }
            }
        }
        assert_eq!(sent.len(), 1_000);
        assert!(asked <= 2_100, "{asked} tries for a thousand messages");
        for (index, from) in sent.iter().enumerate() {
            let within = sent[index..].iter().take_while(|at| at.duration_since(*from).as_millis() < 1_000).count();
            assert!(within <= 72, "{within} within a second");
        }
        let took = sent.last().unwrap().duration_since(at(0)).as_millis();
        assert!((15_000..17_000).contains(&took), "{took} ms at 64 a second");
    }

    #[test]
    fn a_business_opens_no_more_conversations_a_day_than_it_may() {
        let mut pace = Pace::new(&Options::default());
        assert_eq!(pace.open("p", "ana", 2, at(0)), Ok(()));
        assert_eq!(pace.open("p", "bob", 2, at(60)), Ok(()));
        assert_eq!(pace.open("p", "ana", 2, at(90)), Ok(()), "the same person counts once");
        let day = 86_400;
        let told: Vec<_> = ["cy", "di", "ed"].into_iter().map(|who| pace.open("p", who, 2, at(100))).collect();
        assert_eq!(told, [Err(at(day)), Err(at(day + 60)), Err(at(2 * day))]);
        assert_eq!(pace.open("q", "cy", 2, at(100)), Ok(()), "another business");
        assert_eq!(pace.open("p", "cy", 2, at(day)), Ok(()));
        assert_eq!(pace.open("p", "di", 2, at(day + 60)), Ok(()));
    }

    #[test]
    fn memory_stays_small() {
        let mut pace = Pace::new(&Options { number_per_second: 1_000_000, ..Options::default() });
        for who in 0..20_000 {
            assert_eq!(pace.take("n", &who.to_string(), at(who)), Ok(()));
        }
        assert!(pace.pairs.len() <= FORGET_OVER + 1, "{}", pace.pairs.len());
    }
}
