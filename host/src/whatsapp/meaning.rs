//! What Meta's error codes mean. Meta's own advice: branch on the code and on `error_data.details`, never on
//! titles, sub-codes or HTTP statuses, which differ between copies of its table.

use serde::{Deserialize, de::IntoDeserializer as _};

use super::ApiError;

/// What an error means for the lead, the sender or the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// 131026: not on WhatsApp, or terms not accepted, or a very old client, or blocked us. Meta hides which.
    NoWhatsapp,
    /// 131021, or a bad-parameter error whose details name the recipient.
    InvalidNumber,
    /// 131036: could not be decrypted until it expired.
    DecryptionFailed,
    /// 131047: more than 24 hours since the person's last message; only a template may be sent.
    WindowClosed,
    /// 131049: this person gets enough marketing, says Meta. Trying again within 24 hours extends the block.
    ThrottledByMeta,
    /// 131050: the person stopped marketing messages from this business.
    OptedOut,
    /// 130472: the number is in an experiment's control group.
    Experiment,
    /// 130403: the business blocked the person.
    BlockedByUs,
    /// 131062: this message cannot go to a user id; a number is needed.
    NumberRequired,
    /// 131030: the number is not on a test number's allow-list.
    NotOnTestList,
    /// 131056: too many messages to one person.
    PairRate,
    /// 130429: too many messages from one number.
    NumberRate,
    /// 4, 80007: too many calls of the app or the account.
    CallLimit,
    /// 131048: too many people reported or blocked this number.
    SpamLimit,
    /// 131064: templates were filed under the wrong category too often.
    ClassificationLimit,
    /// 1, 2, 131000, 131016, 131057, 133004: Meta failed. The message may have gone out all the same.
    MetaFailed,
    /// 131031, 368: the account is locked.
    AccountLocked,
    /// 130497: the account may not write to people of that country.
    CountryRestricted,
    /// 131042, 134011: payment.
    Payment,
    /// 131045, 133010, 133000…133016, 131037, 33: the *sender* is not registered, has no approved name or is gone.
    SenderNotRegistered,
    /// 0, 190: the access token is expired, revoked or wrong.
    Token,
    /// 3, 10, 200…299, 131005: the token lacks a permission.
    Permission,
    /// 131051: a type that cannot be sent, or that a person sent and Meta does not pass on.
    UnsupportedType,
    /// 131052, 131053: a media file could not be fetched or uploaded.
    MediaFailed,
    /// 132000, 132008, 132012, 132018: the template's parameters do not fit it.
    TemplateParameters,
    /// 132001: no such template in that language, or not approved.
    TemplateMissing,
    /// 132005, 132007: the filled-in template is too long or against policy.
    TemplateRefused,
    /// 132015: paused for low quality; also arrives later, for a message held for assessment.
    TemplatePaused,
    /// 132016: disabled for good.
    TemplateDisabled,
    /// 132068: the form is blocked.
    FormBlocked,
    /// 132069: the form is throttled.
    FormThrottled,
    /// 134101: the template is not yet known to the marketing interface; about ten minutes.
    TemplateSyncing,
    /// 134100, 134102, 131055, 131063: the marketing interface is not available for this message.
    MarketingUnavailable,
    /// 100, 131008, 131009, 135000: the request is wrong, which is a fault of this program or its configuration.
    InvalidParameter,
    /// Any other code, or none.
    Unknown,
}

/// What an error means.
#[must_use]
pub fn meaning(error: &ApiError) -> Meaning {
    use Meaning as M;
    let Some(code) = error.code else {
        return M::Unknown;
    };
    match code {
        131_026 => M::NoWhatsapp,
        100 | 131_008 | 131_009 if names_recipient(error) => M::InvalidNumber,
        100 | 131_008 | 131_009 | 135_000 => M::InvalidParameter,
        131_021 => M::InvalidNumber,
        131_036 => M::DecryptionFailed,
        131_047 => M::WindowClosed,
        131_049 => M::ThrottledByMeta,
        131_050 => M::OptedOut,
        130_472 => M::Experiment,
        130_403 => M::BlockedByUs,
        131_062 => M::NumberRequired,
        131_030 => M::NotOnTestList,
        131_056 => M::PairRate,
        130_429 => M::NumberRate,
        4 | 80_007 => M::CallLimit,
        131_048 => M::SpamLimit,
        131_064 => M::ClassificationLimit,
        1 | 2 | 131_000 | 131_016 | 131_057 | 133_004 => M::MetaFailed,
        131_031 | 368 => M::AccountLocked,
        130_497 => M::CountryRestricted,
        131_042 | 134_011 => M::Payment,
        33 | 131_037 | 131_045 | 133_000..=133_016 => M::SenderNotRegistered,
        0 | 190 => M::Token,
        3 | 10 | 200..=299 | 131_005 => M::Permission,
        131_051 => M::UnsupportedType,
        131_052 | 131_053 => M::MediaFailed,
        132_000 | 132_008 | 132_012 | 132_018 => M::TemplateParameters,
        132_001 => M::TemplateMissing,
        132_005 | 132_007 => M::TemplateRefused,
        132_015 => M::TemplatePaused,
        132_016 => M::TemplateDisabled,
        132_068 => M::FormBlocked,
        132_069 => M::FormThrottled,
        134_101 => M::TemplateSyncing,
        134_100 | 134_102 | 131_055 | 131_063 => M::MarketingUnavailable,
        _ => M::Unknown,
    }
}

/// Whether the details blame the recipient: the word itself, or the parameter `to` (not `recipient_type`).
fn names_recipient(error: &ApiError) -> bool {
    let Some(details) = error.details.as_ref().or(error.message.as_ref()) else {
        return false;
    };
    let details = details.to_lowercase();
    let mut before = "";
    for word in details.split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ':' | ';' | '(' | ')')) {
        let name = word.trim_matches(['\'', '"', '`', '[', ']']);
        let is_quoted = name.len() < word.len();
        let is_parameter = is_quoted || matches!(before, "parameter" | "param" | "field");
        if matches!(name, "recipient" | "recipient's") || (name == "to" && is_parameter) {
            return true;
        }
        before = word;
    }
    false
}

impl Meaning {
    /// The meaning of that name, as [`Meaning::name`] gives it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
        Self::deserialize(name).ok()
    }

    /// Its name in logs, problems and `relais whatsapp decode`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoWhatsapp => "no-whatsapp",
            Self::InvalidNumber => "invalid-number",
            Self::DecryptionFailed => "decryption-failed",
            Self::WindowClosed => "window-closed",
            Self::ThrottledByMeta => "throttled-by-meta",
            Self::OptedOut => "opted-out",
            Self::Experiment => "experiment",
            Self::BlockedByUs => "blocked-by-us",
            Self::NumberRequired => "number-required",
            Self::NotOnTestList => "not-on-test-list",
            Self::PairRate => "pair-rate",
            Self::NumberRate => "number-rate",
            Self::CallLimit => "call-limit",
            Self::SpamLimit => "spam-limit",
            Self::ClassificationLimit => "classification-limit",
            Self::MetaFailed => "meta-failed",
            Self::AccountLocked => "account-locked",
            Self::CountryRestricted => "country-restricted",
            Self::Payment => "payment",
            Self::SenderNotRegistered => "sender-not-registered",
            Self::Token => "token",
            Self::Permission => "permission",
            Self::UnsupportedType => "unsupported-type",
            Self::MediaFailed => "media-failed",
            Self::TemplateParameters => "template-parameters",
            Self::TemplateMissing => "template-missing",
            Self::TemplateRefused => "template-refused",
            Self::TemplatePaused => "template-paused",
            Self::TemplateDisabled => "template-disabled",
            Self::FormBlocked => "form-blocked",
            Self::FormThrottled => "form-throttled",
            Self::TemplateSyncing => "template-syncing",
            Self::MarketingUnavailable => "marketing-unavailable",
            Self::InvalidParameter => "invalid-parameter",
            Self::Unknown => "unknown",
        }
    }
}

/// The `details.reason` of NOT_REACHABLE, when this meaning makes a lead unreachable.
///
/// `ever_reached`: anything was ever delivered to the person, read or answered by them, on any conversation. Then they
/// are on WhatsApp, whatever 131026 suggests (they may have blocked us), and the reason is UNDELIVERABLE.
/// THROTTLED_BY_META is to be used once the tries of [`Remedy::LaterDays`](super::Remedy::LaterDays) are spent.
#[must_use]
pub const fn not_reachable_reason(meaning: Meaning, ever_reached: bool) -> Option<&'static str> {
    match meaning {
        Meaning::NoWhatsapp if ever_reached => Some("UNDELIVERABLE"),
        Meaning::NoWhatsapp => Some("NO_WHATSAPP"),
        Meaning::InvalidNumber => Some("INVALID_NUMBER"),
        Meaning::DecryptionFailed => Some("UNDELIVERABLE"),
        Meaning::ThrottledByMeta => Some("THROTTLED_BY_META"),
        Meaning::Experiment => Some("EXPERIMENT"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i64, details: Option<&str>) -> Meaning {
        meaning(&ApiError { code: Some(code), details: details.map(str::to_owned), ..ApiError::default() })
    }

    #[test]
    fn codes_mean_what_the_table_says() {
        let table: &[(&[i64], &str)] = &[
            (&[131_026], "no-whatsapp"),
            (&[131_021], "invalid-number"),
            (&[131_036], "decryption-failed"),
            (&[131_047], "window-closed"),
            (&[131_049], "throttled-by-meta"),
            (&[131_050], "opted-out"),
            (&[130_472], "experiment"),
            (&[130_403], "blocked-by-us"),
            (&[131_062], "number-required"),
            (&[131_030], "not-on-test-list"),
            (&[131_056], "pair-rate"),
            (&[130_429], "number-rate"),
            (&[4, 80_007], "call-limit"),
            (&[131_048], "spam-limit"),
            (&[131_064], "classification-limit"),
            (&[1, 2, 131_000, 131_016, 131_057, 133_004], "meta-failed"),
            (&[131_031, 368], "account-locked"),
            (&[130_497], "country-restricted"),
            (&[131_042, 134_011], "payment"),
            (&[33, 131_037, 131_045, 133_000, 133_005, 133_010, 133_016], "sender-not-registered"),
            (&[0, 190], "token"),
            (&[3, 10, 200, 299, 131_005], "permission"),
            (&[131_051], "unsupported-type"),
            (&[131_052, 131_053], "media-failed"),
            (&[132_000, 132_008, 132_012, 132_018], "template-parameters"),
            (&[132_001], "template-missing"),
            (&[132_005, 132_007], "template-refused"),
            (&[132_015], "template-paused"),
            (&[132_016], "template-disabled"),
            (&[132_068], "form-blocked"),
            (&[132_069], "form-throttled"),
            (&[134_101], "template-syncing"),
            (&[134_100, 134_102, 131_055, 131_063], "marketing-unavailable"),
            (&[100, 131_008, 131_009, 135_000], "invalid-parameter"),
            (&[-1, 5, 300, 99_999, 133_017, i64::MAX], "unknown"),
        ];
        for (codes, name) in table {
            for code in *codes {
                assert_eq!(of(*code, None).name(), *name, "{code}");
            }
        }
        assert_eq!(meaning(&ApiError::default()), Meaning::Unknown);
    }

    #[test]
    fn a_bad_parameter_is_the_leads_only_when_it_names_the_recipient() {
        let lead =
            ["Recipient phone number is not valid", "Parameter 'to' is invalid", "The parameter to is not a number"];
        for details in lead {
            assert_eq!(of(100, Some(details)), Meaning::InvalidNumber, "{details}");
        }
        let ours = [
            "Param recipient_type must be individual",
            "text.body is too long, try to shorten it",
            "Failed to parse",
            "",
        ];
        for details in ours {
            assert_eq!(of(131_009, Some(details)), Meaning::InvalidParameter, "{details}");
        }
    }

    #[test]
    fn no_whatsapp_only_when_nothing_was_ever_exchanged() {
        let cases = [
            (131_026, false, Some("NO_WHATSAPP")),
            (131_026, true, Some("UNDELIVERABLE")),
            (131_021, true, Some("INVALID_NUMBER")),
            (131_049, false, Some("THROTTLED_BY_META")),
            (130_472, false, Some("EXPERIMENT")),
            (131_036, false, Some("UNDELIVERABLE")),
            (131_047, false, None),
            (131_050, false, None),
            (132_015, false, None),
            (133_010, false, None),
            (131_000, false, None),
        ];
        for (code, ever_reached, reason) in cases {
            assert_eq!(not_reachable_reason(of(code, None), ever_reached), reason, "{code}");
        }
    }
}
