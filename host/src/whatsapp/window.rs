//! The customer-service window: free text is allowed for 24 hours after the person's last message.

use jiff::{SignedDuration, Timestamp};

/// How long the window stays open after the person's last message or call (Meta, "Send messages").
const LENGTH: SignedDuration = SignedDuration::from_hours(24);

/// The window opened by a person's last message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    last_message: Timestamp,
}

impl Window {
    /// The window opened by a message. `meta_timestamp` is the message's own `timestamp`, not the time at which
    /// the webhook arrived: a webhook may be hours late.
    #[must_use]
    pub const fn from_last_message(meta_timestamp: Timestamp) -> Self {
        Self { last_message: meta_timestamp }
    }

    /// The instant from which only templates may be sent.
    #[must_use]
    pub fn closes_at(self) -> Timestamp {
        self.last_message.saturating_add(LENGTH).unwrap_or(Timestamp::MAX)
    }

    /// Whether free text sent at `now` still falls inside the window, `margin` before its end.
    /// To be asked right before the send, not when the message was written.
    #[must_use]
    pub fn is_open(self, now: Timestamp, margin: SignedDuration) -> bool {
        now.saturating_add(margin).unwrap_or(Timestamp::MAX) < self.closes_at()
    }

    /// The later of two windows: webhooks arrive in any order, an old message never shortens the window.
    #[must_use]
    pub fn later_of(self, other: Self) -> Self {
        self.max(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_open_until_a_margin_before_24_hours() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let window = Window::from_last_message(at("2026-03-28T10:00:00Z"));
        let minute = SignedDuration::from_mins(1);
        let cases = [
            ("2026-03-28T10:00:00Z", true),
            ("2026-03-28T09:59:00Z", true),
            ("2026-03-29T09:58:59Z", true),
            ("2026-03-29T09:59:00Z", false),
            ("2026-03-29T10:00:00Z", false),
            ("2026-04-29T10:00:00Z", false),
        ];
        for (now, open) in cases {
            assert_eq!(window.is_open(at(now), minute), open, "{now}");
        }
        assert!(window.is_open(at("2026-03-29T09:59:59Z"), SignedDuration::ZERO));
        assert_eq!(window.closes_at(), at("2026-03-29T10:00:00Z"));
        let older = Window::from_last_message(at("2026-03-28T09:00:00Z"));
        assert_eq!(window.later_of(older), window);
        assert_eq!(older.later_of(window), window);
    }

    #[test]
    fn extreme_instants_do_not_overflow() {
        assert!(!Window::from_last_message(Timestamp::MIN).is_open(Timestamp::MAX, SignedDuration::MAX));
        assert!(Window::from_last_message(Timestamp::MAX).is_open(Timestamp::MIN, SignedDuration::ZERO));
    }
}
