//! How delivery behaves.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// What an operator may set. Seconds and milliseconds as named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// How many requests may be open at once, to whomever.
    pub workers: usize,
    /// How many requests to one host may be open at once, whoever's they are.
    pub per_host: usize,
    /// How many requests of one tenant to one host may be open at once.
    pub per_tenant: usize,
    /// How many envelopes of one tenant may wait for one host in memory; those beyond go back to the queue.
    pub waiting_per_tenant: usize,
    /// How long an envelope waits for its host in memory before it goes back to the queue.
    pub waiting_seconds: u32,
    /// How many envelopes are claimed at once.
    pub batch: usize,
    /// How many envelopes may be claimed and not settled.
    pub most_in_hand: usize,
    /// How often the queue is looked at when nobody says that something was queued, in milliseconds.
    pub poll_ms: u64,
    /// How long a request may take, answer included, in milliseconds.
    pub http_timeout_ms: u64,
    /// How long the result of a send may stay unknown before [`Options::unknown_rule`] applies.
    pub unknown_after_seconds: u32,
    /// Over the time that an attempt may take, before a claimed callback counts as left behind by a crash and is tried
    /// again.
    pub left_behind_seconds: u32,
    /// What becomes of a message whose result stays unknown.
    pub unknown_rule: UnknownRule,
    /// Free text is no longer sent in the last seconds of the 24-hour window, for the request takes time.
    pub window_margin_seconds: u32,
    /// How long to wait after the first, second… failed attempt of a callback; after the last it is parked.
    pub callback_schedule: Vec<u32>,
    /// How far a wait may deviate from the schedule, in per cent either way; at most 100.
    pub jitter_percent: u8,
    /// The shortest wait after an endpoint said 429 or did not answer in time.
    pub least_wait_seconds: u32,
    /// Callbacks may go to private addresses and over plain HTTP: demonstrations and tests.
    pub allow_private_addresses: bool,
    /// Everything is asked over plain HTTP: the system's certificates are not read, which takes its time and fails where
    /// there are none. For stages, whose whole world is on this machine.
    #[serde(skip)]
    pub without_tls: bool,
    /// The pace of messages to one person, in milliseconds (Meta: 6 s, FACTS §4; half a second more for the way there).
    pub pair_interval_ms: u32,
    /// How many messages to one person may go out within an interval (Meta: up to 45); after n of them the person gets
    /// nothing for n intervals, by Meta's rule.
    pub pair_burst: u32,
    /// What one business number may send a second (Meta: 80, or 1000 once upgraded, FACTS §4); nine tenths are used at most.
    pub number_per_second: u32,
    /// How often the number is asked to how many new people a day it may write (its messaging tier); 0 never asks and
    /// keeps no such limit.
    pub tier_refresh_seconds: u32,
    /// How long messages that an alarm holds rest before they look whether it still stands.
    pub stop_seconds: u32,
}

/// What becomes of a message whose result stays unknown (P8). WhatsApp has no idempotency key, so each of them risks something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownRule {
    /// Set it aside for a human: perhaps it never went out.
    #[default]
    Park,
    /// Send it again: perhaps the person reads it twice.
    Resend,
    /// Go on as if it had gone out: perhaps the person misses it.
    AssumeSent,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 512,
            per_host: 128,
            per_tenant: 16,
            waiting_per_tenant: 256,
            waiting_seconds: 30,
            batch: 64,
            most_in_hand: 8_192,
            poll_ms: 1_000,
            http_timeout_ms: 30_000,
            unknown_after_seconds: 600,
            left_behind_seconds: 60,
            unknown_rule: UnknownRule::Park,
            window_margin_seconds: 60,
            callback_schedule: vec![5, 300, 1_800, 7_200, 18_000, 36_000, 36_000],
            jitter_percent: 20,
            least_wait_seconds: 60,
            allow_private_addresses: false,
            without_tls: false,
            pair_interval_ms: 6_500,
            pair_burst: 10,
            number_per_second: 80,
            tier_refresh_seconds: 6 * 3_600,
            stop_seconds: 300,
        }
    }
}

impl Options {
    /// [`Options::window_margin_seconds`] as a duration.
    pub(super) fn window_margin(&self) -> SignedDuration {
        seconds(self.window_margin_seconds)
    }
}

/// A setting in seconds as a duration.
pub(super) fn seconds(seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(seconds))
}
