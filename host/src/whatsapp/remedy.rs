//! What to do about an error: try again and when, or whom it concerns.

use super::{ApiError, Meaning, meaning};

/// How often a message throttled by Meta (131049) is tried again, a day apart at least: sooner would extend the block.
const MARKETING_TRIES: u32 = 3;

/// What to do about a message that was not accepted, or that failed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// This person cannot be reached: [`not_reachable_reason`](super::not_reachable_reason) says why.
    Undeliverable,
    /// The number is wrong: the lead's data.
    InvalidNumber,
    /// Meta refused before doing anything, so sending again cannot send twice. Not before so many seconds.
    RetryAfter {
        /// Seconds from now.
        seconds: u64,
    },
    /// The message may have gone out: wait for a status with its envelope id before sending anything again.
    Ambiguous,
    /// Only a template may be sent. Meta says so wrongly at times: when our own clock says the window is open, the same
    /// message may be tried once more after so many seconds.
    WindowClosed {
        /// Seconds before the one retry; nothing once it was made.
        retry_seconds: Option<u64>,
    },
    /// The person stopped marketing messages from this business: no more marketing, ever.
    OptOut,
    /// Not today: the lead stays pending, and the same template may be tried after so many days.
    LaterDays {
        /// Days from now.
        days: u32,
    },
    /// Nobody can get this template: stop it, put the leads back in the queue and tell the operator.
    StopTemplate,
    /// Nothing can leave from this number or account: stop it and tell the operator.
    StopSender,
    /// Nothing can go to this person's country.
    StopCountry,
    /// The access token is refused: get another one, then send again.
    RefreshToken,
    /// The request or the configuration is wrong: the lead is untouched, the operator must know.
    OurBug,
    /// Nothing is to be done about it: it is not about a message sent.
    Nothing,
    /// The code is unknown and Meta does not call it transient: do not send again, tell the operator.
    Alert,
}

impl ApiError {
    /// What to do about the answer to a request. `attempt` counts the tries before this one: 0 for the first.
    #[must_use]
    pub fn remedy(&self, attempt: u32) -> Remedy {
        match meaning(self) {
            Meaning::Unknown => self.unknown_remedy(attempt),
            known => known.remedy(attempt),
        }
    }

    /// Without a known code: 429 is a refusal by whoever stands before Meta, 5xx may have gone out.
    fn unknown_remedy(&self, attempt: u32) -> Remedy {
        match self.http_status {
            Some(429) if self.code.is_none() => Remedy::RetryAfter { seconds: backoff(1, 4, attempt) },
            Some(408 | 500..=599) => Remedy::Ambiguous,
            _ if self.is_transient => Remedy::RetryAfter { seconds: backoff(60, 2, attempt) },
            _ => Remedy::Alert,
        }
    }
}

impl Meaning {
    /// What to do about a refusal that means this. `attempt` counts the tries before this one: 0 for the first.
    #[must_use]
    pub fn remedy(self, attempt: u32) -> Remedy {
        match self {
            Meaning::NoWhatsapp | Meaning::DecryptionFailed | Meaning::Experiment => Remedy::Undeliverable,
            Meaning::InvalidNumber => Remedy::InvalidNumber,
            Meaning::WindowClosed => Remedy::WindowClosed { retry_seconds: (attempt == 0).then_some(60) },
            Meaning::ThrottledByMeta if attempt >= MARKETING_TRIES => Remedy::Undeliverable,
            Meaning::ThrottledByMeta => Remedy::LaterDays { days: 1 },
            Meaning::OptedOut => Remedy::OptOut,
            // Meta's own rule for one person: 4^X seconds, X from 0.
            Meaning::PairRate => Remedy::RetryAfter { seconds: backoff(1, 4, attempt) },
            Meaning::NumberRate => Remedy::RetryAfter { seconds: backoff(1, 2, attempt) },
            Meaning::CallLimit => Remedy::RetryAfter { seconds: backoff(60, 2, attempt) },
            Meaning::FormThrottled => Remedy::RetryAfter { seconds: backoff(60, 2, attempt) },
            Meaning::TemplateSyncing => Remedy::RetryAfter { seconds: 600 },
            Meaning::MetaFailed => Remedy::Ambiguous,
            Meaning::SpamLimit | Meaning::ClassificationLimit | Meaning::AccountLocked => Remedy::StopSender,
            Meaning::Payment | Meaning::SenderNotRegistered | Meaning::Permission => Remedy::StopSender,
            Meaning::CountryRestricted => Remedy::StopCountry,
            Meaning::Token => Remedy::RefreshToken,
            Meaning::TemplateParameters | Meaning::TemplateMissing | Meaning::TemplateRefused => Remedy::StopTemplate,
            Meaning::TemplatePaused | Meaning::TemplateDisabled | Meaning::FormBlocked => Remedy::StopTemplate,
            Meaning::MarketingUnavailable | Meaning::BlockedByUs | Meaning::NumberRequired => Remedy::OurBug,
            Meaning::NotOnTestList | Meaning::MediaFailed | Meaning::InvalidParameter => Remedy::OurBug,
            Meaning::UnsupportedType => Remedy::Nothing,
            Meaning::Unknown => Remedy::Alert,
        }
    }

    /// What to do about a `failed` status: as [`remedy`](Self::remedy), but nothing is ambiguous any more, for the status
    /// says that the message did not arrive.
    #[must_use]
    pub fn remedy_of_failed(&self, attempt: u32) -> Remedy {
        match self.remedy(attempt) {
            Remedy::Ambiguous => Remedy::RetryAfter { seconds: backoff(60, 4, attempt) },
            other => other,
        }
    }
}

/// `first · factor^attempt` seconds, at most two hours.
fn backoff(first: u64, factor: u64, attempt: u32) -> u64 {
    first.saturating_mul(factor.saturating_pow(attempt)).min(7200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i64) -> ApiError {
        ApiError { code: Some(code), http_status: Some(400), ..ApiError::default() }
    }

    #[test]
    fn every_kind_of_error_has_its_remedy() {
        let cases = [
            (131_026, 0, Remedy::Undeliverable),
            (131_021, 0, Remedy::InvalidNumber),
            (131_047, 0, Remedy::WindowClosed { retry_seconds: Some(60) }),
            (131_047, 1, Remedy::WindowClosed { retry_seconds: None }),
            (131_049, 0, Remedy::LaterDays { days: 1 }),
            (131_049, 2, Remedy::LaterDays { days: 1 }),
            (131_049, 3, Remedy::Undeliverable),
            (131_050, 0, Remedy::OptOut),
            (131_056, 0, Remedy::RetryAfter { seconds: 1 }),
            (131_056, 3, Remedy::RetryAfter { seconds: 64 }),
            (131_056, u32::MAX, Remedy::RetryAfter { seconds: 7200 }),
            (130_429, 2, Remedy::RetryAfter { seconds: 4 }),
            (80_007, 1, Remedy::RetryAfter { seconds: 120 }),
            (134_101, 0, Remedy::RetryAfter { seconds: 600 }),
            (131_000, 0, Remedy::Ambiguous),
            (131_057, 0, Remedy::Ambiguous),
            (131_048, 0, Remedy::StopSender),
            (131_042, 0, Remedy::StopSender),
            (133_010, 0, Remedy::StopSender),
            (130_497, 0, Remedy::StopCountry),
            (190, 0, Remedy::RefreshToken),
            (132_001, 0, Remedy::StopTemplate),
            (132_015, 0, Remedy::StopTemplate),
            (100, 0, Remedy::OurBug),
            (131_030, 0, Remedy::OurBug),
            (131_051, 0, Remedy::Nothing),
            (99_999, 0, Remedy::Alert),
        ];
        for (code, attempt, remedy) in cases {
            assert_eq!(error(code).remedy(attempt), remedy, "{code}");
        }
    }

    #[test]
    fn a_failed_status_settles_what_an_answer_leaves_open() {
        assert_eq!(Meaning::MetaFailed.remedy_of_failed(0), Remedy::RetryAfter { seconds: 60 });
        assert_eq!(Meaning::NoWhatsapp.remedy_of_failed(0), Remedy::Undeliverable);
    }

    #[test]
    fn unknown_codes_are_repeated_only_when_that_is_safe() {
        let unknown = |http_status, is_transient, code| {
            ApiError { code, http_status, is_transient, ..ApiError::default() }.remedy(0)
        };
        assert_eq!(unknown(Some(400), true, Some(99_999)), Remedy::RetryAfter { seconds: 60 });
        assert_eq!(unknown(Some(500), true, Some(99_999)), Remedy::Ambiguous);
        assert_eq!(unknown(Some(503), false, None), Remedy::Ambiguous);
        assert_eq!(unknown(Some(429), false, None), Remedy::RetryAfter { seconds: 1 });
        assert_eq!(unknown(Some(403), false, None), Remedy::Alert);
    }
}
