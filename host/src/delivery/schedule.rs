//! When to try again. Every wait is a pure function of the envelope, its attempt and what happened, so that a test, or an
//! operator with a calculator, finds the same moment.

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use sha2::{Digest as _, Sha256};

use super::{Options, options::seconds};
use crate::model::EnvelopeId;

/// How an attempt to deliver a callback failed, as far as the next attempt depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Failure {
    /// It asks for patience: 429, or no answer in time.
    pub(super) is_busy: bool,
    /// What the answer's `Retry-After` asks for.
    pub(super) retry_after: Option<SignedDuration>,
}

/// How long to wait after attempt number `attempt` (from 1) of a callback failed; none when it was the last.
///
/// The schedule's wait, deviating by the jitter; at least [`Options::least_wait_seconds`] when the endpoint asks for
/// patience; what `Retry-After` says, between that wait and its double (Svix's policy).
pub(super) fn callback_wait(
    options: &Options,
    envelope: &EnvelopeId,
    attempt: u32,
    failure: Failure,
) -> Option<SignedDuration> {
    let index = usize::try_from(attempt.saturating_sub(1)).ok()?;
    let scheduled = seconds(*options.callback_schedule.get(index)?);
    let least = if failure.is_busy { seconds(options.least_wait_seconds) } else { SignedDuration::ZERO };
    let base = scheduled.max(least);
    Some(match failure.retry_after {
        Some(wanted) => wanted.clamp(base, base.saturating_mul(2)),
        None => jittered(base, options.jitter_percent, envelope, attempt).max(least),
    })
}

/// `wait` give or take up to `percent` per cent, the same each time for one attempt of one envelope: envelopes that
/// failed together do not come back together.
pub(super) fn jittered(wait: SignedDuration, percent: u8, envelope: &EnvelopeId, attempt: u32) -> SignedDuration {
    let percent = i128::from(percent.min(100));
    let draw = i128::from(draw(envelope, attempt));
    // from -percent to +percent, in millionths
    let deviation = percent * 10_000 * (2 * draw - i128::from(u16::MAX)) / i128::from(u16::MAX);
    let millis = wait.as_millis() * (1_000_000 + deviation) / 1_000_000;
    SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// A moment up to `most` after `from`, spread over envelopes.
pub(super) fn spread(from: Timestamp, most: SignedDuration, envelope: &EnvelopeId) -> Timestamp {
    let millis = most.as_millis() * i128::from(draw(envelope, 0)) / i128::from(u16::MAX);
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    from.saturating_add(SignedDuration::from_millis(millis)).unwrap_or(Timestamp::MAX)
}

/// A number that looks random and is not.
fn draw(envelope: &EnvelopeId, attempt: u32) -> u16 {
    let digest = Sha256::new().chain_update(envelope.as_str()).chain_update(attempt.to_be_bytes()).finalize();
    match digest.as_slice() {
        [a, b, ..] => u16::from_be_bytes([*a, *b]),
        _ => 0,
    }
}

/// The value of a `Retry-After` header: seconds, or a date (RFC 9110 §10.2.3).
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<SignedDuration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(SignedDuration::from_secs(i64::from(seconds)));
    }
    let at = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(at.duration_since(now).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: SignedDuration = SignedDuration::from_secs(1);

    #[test]
    fn callbacks_wait_as_scheduled_within_the_jitter() {
        let options = Options::default();
        let scheduled = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
        for (attempt, base) in (1_u32..).zip(scheduled) {
            let mut seen = std::collections::BTreeSet::new();
            for number in 0..200 {
                let envelope = EnvelopeId::new(format!("cv_{number}-0-0"));
                let wait = callback_wait(&options, &envelope, attempt, Failure::default()).unwrap();
                assert!(wait >= SECOND * base * 8 / 10 && wait <= SECOND * base * 12 / 10, "{wait}");
                assert_eq!(callback_wait(&options, &envelope, attempt, Failure::default()), Some(wait));
                seen.insert(wait);
            }
            // they spread over the whole range
            assert!(*seen.first().unwrap() < SECOND * base * 85 / 100);
            assert!(*seen.last().unwrap() > SECOND * base * 115 / 100);
        }
        let envelope = EnvelopeId::from("cv_1.0.0");
        assert_eq!(callback_wait(&options, &envelope, 8, Failure::default()), None);
        assert_eq!(callback_wait(&options, &envelope, u32::MAX, Failure::default()), None);
    }

    #[test]
    fn endpoints_that_ask_for_patience_get_it_within_reason() {
        let options = Options::default();
        let envelope = EnvelopeId::from("cv_1.0.0");
        let wait = |attempt, is_busy, after: Option<i64>| {
            let retry_after = after.map(SignedDuration::from_secs);
            callback_wait(&options, &envelope, attempt, Failure { is_busy, retry_after }).unwrap()
        };
        assert!(wait(1, true, None) >= SECOND * 60 && wait(1, true, None) <= SECOND * 72);
        assert_eq!(wait(1, true, Some(1)), SECOND * 60);
        assert_eq!(wait(1, true, Some(90)), SECOND * 90);
        assert_eq!(wait(1, true, Some(86_400)), SECOND * 120);
        assert_eq!(wait(1, false, Some(7)), SECOND * 7);
        assert_eq!(wait(2, false, Some(0)), SECOND * 300);
        assert_eq!(wait(2, true, Some(86_400)), SECOND * 600);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2015-10-21T07:27:00Z".parse().unwrap();
        let table = [
            ("120", Some(SECOND * 120)),
            (" 0 ", Some(SignedDuration::ZERO)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(SECOND * 60)),
            ("Wed, 21 Oct 2015 07:26:00 GMT", Some(SignedDuration::ZERO)),
            ("soon", None),
            ("-5", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in table {
            assert_eq!(retry_after(text, now), expected, "{text}");
        }
    }
}
