//! When a fault strikes: every nth time, the first n times, or by chance, from a seed so that a run replays.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde::Deserialize;

use super::{Error, Fault};

/// A small generator of pseudo-random numbers (SplitMix64, Steele, Lea and Flood 2014): a seed gives the same numbers on
/// every machine. Not for secrets.
#[derive(Clone, Debug)]
pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    /// The generator of `seed`.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(super) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to 1, 1 excluded.
    pub(super) fn unit(&mut self) -> f64 {
        // 53 bits fit a double exactly.
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `limit`; 0 when `limit` is 0.
    pub(super) const fn below(&mut self, limit: u64) -> u64 {
        let bits = self.bits();
        if limit == 0 { 0 } else { bits % limit }
    }

    /// Puts `items` in another order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

/// When a fault strikes. At most one of `first`, `every` and `chance`; none of them means always. `to` restricts it (and
/// what is counted) to some people.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct When {
    /// The first so many occasions.
    pub first: Option<u64>,
    /// Every so manyth occasion.
    pub every: Option<u64>,
    /// With this probability, 0 to 1.
    pub chance: Option<f64>,
    /// Only for these numbers, in E.164; empty for everybody.
    pub to: Vec<String>,
}

impl When {
    /// On every occasion.
    #[must_use]
    pub fn always() -> Self {
        Self::default()
    }

    /// On the first `n` occasions.
    #[must_use]
    pub fn first(n: u64) -> Self {
        Self { first: Some(n), ..Self::default() }
    }

    /// On the `n`th occasion, twice that, and so on.
    #[must_use]
    pub fn every(n: u64) -> Self {
        Self { every: Some(n), ..Self::default() }
    }

    /// With probability `p`, 0 to 1.
    #[must_use]
    pub fn chance(p: f64) -> Self {
        Self { chance: Some(p), ..Self::default() }
    }

    /// The same, for `number` (E.164) only; several calls add up.
    #[must_use]
    pub fn to(mut self, number: &str) -> Self {
        self.to.push(number.to_owned());
        self
    }

    /// Refuses what cannot be meant.
    pub(super) fn check(&self, fault: Fault) -> Result<(), Error> {
        let refuse = |reason| Err(Error::Selector { fault, reason });
        let given = [self.first.is_some(), self.every.is_some(), self.chance.is_some()];
        if given.into_iter().filter(|is_given| *is_given).count() > 1 {
            return refuse("give one of first, every and chance");
        }
        if self.every == Some(0) {
            return refuse("every must be 1 or more");
        }
        if self.chance.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
            return refuse("chance must be between 0 and 1");
        }
        Ok(())
    }
}

/// The faults of a scenario, with what has been counted so far.
#[derive(Debug)]
pub(super) struct Faults {
    rules: BTreeMap<Fault, Rule>,
}

#[derive(Debug)]
struct Rule {
    when: When,
    occasions: u64,
    /// Chance for each person: what happens to one does not move the others, nor does a fault more in the scenario.
    chances: HashMap<String, SplitMix64>,
    seed: u64,
}

impl Faults {
    /// Nothing counted yet.
    pub(super) fn new(rules: &BTreeMap<Fault, When>, seed: u64) -> Self {
        let rules = rules.iter().map(|(fault, when)| {
            let seed = seed ^ (place_of(*fault) + 1).wrapping_mul(0xff51_afd7_ed55_8ccd);
            (*fault, Rule { when: when.clone(), occasions: 0, chances: HashMap::new(), seed })
        });
        Self { rules: rules.collect() }
    }

    /// Counts an occasion for `fault` with the person of `number` (E.164) and tells whether it strikes.
    pub(super) fn strike(&mut self, fault: Fault, number: &str) -> bool {
        let Some(rule) = self.rules.get_mut(&fault) else { return false };
        if !rule.when.to.is_empty() && !rule.when.to.iter().any(|only| only == number) {
            return false;
        }
        rule.occasions += 1;
        match &rule.when {
            When { first: Some(first), .. } => rule.occasions <= *first,
            When { every: Some(every), .. } => rule.occasions.is_multiple_of(*every),
            When { chance: Some(chance), .. } => {
                let seed = rule.seed;
                let own = rule.chances.entry(number.to_owned()).or_insert_with(|| SplitMix64::new(seed ^ hash(number)));
                own.unit() < *chance
            }
            _ => true,
        }
    }

    /// The code of the first of the `refused-…` that strikes.
    pub(super) fn refused(&mut self, number: &str) -> Option<i64> {
        self.code(number, |fault| if let Fault::RefusedWith(code) = fault { Some(code) } else { None })
    }

    /// The code of the first of the `failed-…` that strikes.
    pub(super) fn failed(&mut self, number: &str) -> Option<i64> {
        self.code(number, |fault| if let Fault::FailedWith(code) = fault { Some(code) } else { None })
    }

    fn code(&mut self, number: &str, code: impl Fn(Fault) -> Option<i64>) -> Option<i64> {
        let codes: Vec<(Fault, i64)> = self.rules.keys().filter_map(|fault| Some((*fault, code(*fault)?))).collect();
        codes.into_iter().find(|(fault, _)| self.strike(*fault, number)).map(|(_, code)| code)
    }

    /// The first of `faults` that strikes; an occasion is counted for each of them up to that one.
    pub(super) fn first(&mut self, faults: &[Fault], number: &str) -> Option<Fault> {
        faults.iter().copied().find(|fault| self.strike(*fault, number))
    }
}

/// A number of its own for each fault, the same in every run.
fn place_of(fault: Fault) -> u64 {
    match fault {
        Fault::RefusedWith(code) | Fault::FailedWith(code) => code.unsigned_abs() << 8,
        named => Fault::ALL.iter().position(|known| *known == named).map_or(0, |place| place as u64),
    }
}

/// The same on every machine: `DefaultHasher::new` has fixed keys.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_numbers() {
        // First outputs of the reference implementation for seed 1234567.
        let mut generator = SplitMix64::new(1_234_567);
        assert_eq!([generator.bits(), generator.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn selectors_count_as_they_say() {
        let strikes = |when: When| {
            let rules = BTreeMap::from([(Fault::Duplicates, when)]);
            let mut faults = Faults::new(&rules, 7);
            (0..6).map(|_| u8::from(faults.strike(Fault::Duplicates, "+33612345604"))).collect::<Vec<_>>()
        };
        assert_eq!(strikes(When::first(2)), [1, 1, 0, 0, 0, 0]);
        assert_eq!(strikes(When::every(3)), [0, 0, 1, 0, 0, 1]);
        assert_eq!(strikes(When::always()), [1; 6]);
        assert_eq!(strikes(When::always().to("+33612345605")), [0; 6]);
        assert_eq!(strikes(When::chance(0.0)), [0; 6]);
        assert_eq!(strikes(When::chance(0.5)), strikes(When::chance(0.5)), "a seed replays");
    }

    #[test]
    fn a_shuffle_keeps_everything() {
        let mut items: Vec<u32> = (0..20).collect();
        SplitMix64::new(3).shuffle(&mut items);
        assert_ne!(items, (0..20).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..20).collect::<Vec<_>>());
    }
}
