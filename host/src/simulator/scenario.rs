//! How the simulated WhatsApp behaves: how quick it is, what it enforces, and what goes wrong.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{ApprovedTemplate, Error, When};

/// How the simulated WhatsApp behaves. Written as TOML with kebab-case keys; a key that is not known is an error.
///
/// ```toml
/// name = "a bad day"
/// [latency]
/// delivered-ms = 60000
/// [policy]
/// window = "sync"
/// [people]
/// habit = "tap"
/// [account]
/// quality = "RED"
/// subscribed = false
/// [faults]
/// duplicates = { every = 3 }
/// failed-131049 = { chance = 0.1 }
/// lost-response = { first = 1, to = ["+33612345604"] }
/// [[templates]]
/// name = "intro"
/// language = "fr"
/// body = "Bonjour {{1}}"
/// buttons = [{ quick-reply = { text = "Oui" } }]
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Scenario {
    /// What to call it.
    pub name: String,
    /// How long things take.
    pub latency: Latency,
    /// What is enforced.
    pub policy: Policy,
    /// How webhooks are made and posted.
    pub webhooks: Webhooks,
    /// What people do when nobody plays them.
    pub people: People,
    /// What Meta tells of the token, the number and the subscription.
    pub account: Account,
    /// Templates beside those that the simulator is started with.
    pub templates: Vec<ApprovedTemplate>,
    /// What goes wrong, and when.
    pub faults: BTreeMap<Fault, When>,
}

/// What Meta tells whoever looks at an account before going live.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Account {
    /// What the token may do.
    pub scopes: Vec<String>,
    /// When it expires, in Unix seconds; 0 for never.
    pub token_expires_at: i64,
    /// `CONNECTED` when the number can send; `FLAGGED`, `RESTRICTED`, `DISCONNECTED`…
    pub status: String,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality: String,
    /// `APPROVED` when the number's name is shown.
    pub name_status: String,
    /// Whether an app receives the account's webhooks.
    pub subscribed: bool,
    /// The fields of which the app receives webhooks.
    pub fields: Vec<String>,
}

impl Default for Account {
    fn default() -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            scopes: owned(&["whatsapp_business_management", "whatsapp_business_messaging"]),
            token_expires_at: 0,
            status: "CONNECTED".to_owned(),
            quality: "GREEN".to_owned(),
            name_status: "APPROVED".to_owned(),
            subscribed: true,
            fields: owned(&[
                "messages",
                "message_template_status_update",
                "user_preferences",
                "user_id_update",
                "account_update",
                "phone_number_quality_update",
                "smb_message_echoes",
            ]),
        }
    }
}

/// How long things take, by the simulator's clock, counted from the moment a message is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Latency {
    /// Until `sent`.
    pub sent_ms: u64,
    /// Until `delivered`, or until `failed`.
    pub delivered_ms: u64,
    /// Until `read`.
    pub read_ms: u64,
    /// Up to so much more for a message, by chance.
    pub jitter_ms: u64,
    /// How long a message is held for the assessment of its template.
    pub held_ms: u64,
    /// From the moment a person writes to the webhook.
    pub inbound_ms: u64,
    /// How long a `hang` keeps the connection open without answering; by the machine's clock, as the client's own limit.
    pub hang_ms: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            sent_ms: 300,
            delivered_ms: 1_000,
            read_ms: 3_000,
            jitter_ms: 0,
            held_ms: 30 * 60 * 1_000,
            inbound_ms: 0,
            hang_ms: 120_000,
        }
    }
}

/// What is enforced.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Policy {
    /// The 24-hour window (131047).
    pub window: Enforcement,
    /// People who are not on WhatsApp or have blocked the business (131026).
    pub undeliverable: Enforcement,
    /// How quickly one person may be written to (131056).
    pub pair_rate: PairRate,
    /// Messages a second of one business number (130429); 0 for no limit. Meta's default is 80.
    pub throughput: u32,
    /// Different people to whom a conversation is opened outside the window in 24 hours, over all numbers (131048);
    /// 0 for no limit. Meta's tiers are 250, 2 000, 10 000 and 100 000.
    pub portfolio_limit: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            window: Enforcement::Async,
            undeliverable: Enforcement::Async,
            pair_rate: PairRate::Bucket,
            throughput: 80,
            portfolio_limit: 0,
        }
    }
}

/// Where a refusal is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// 200 first, then a `failed` status: the usual way.
    Async,
    /// In the answer to the request.
    Sync,
    /// Nowhere: the message goes through.
    Off,
}

/// How quickly one person may be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairRate {
    /// A bucket of 45 messages that gains one every 6 seconds: what is seen in practice.
    Bucket,
    /// To the letter of the documentation: after a burst of n messages within 6 seconds, nothing for n times 6 seconds.
    Documented,
    /// No limit.
    Off,
}

/// How webhooks are made and posted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Webhooks {
    /// Whether people carry a business-scoped user id, as since April 2026.
    pub user_ids: bool,
    /// How many updates the `batches` fault puts into a POST at most.
    pub batch_size: usize,
    /// How long it waits for them.
    pub batch_wait_ms: u64,
    /// How many POSTs are under way at once when nobody drives the clock by hand; those about one person stay in order.
    pub lanes: usize,
    /// How long the host may take to answer one, by the machine's clock.
    pub timeout_ms: u64,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self { user_ids: true, batch_size: 100, batch_wait_ms: 2_000, lanes: 16, timeout_ms: 10_000 }
    }
}

/// What people do when nobody plays them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct People {
    /// What they do when a message arrives.
    pub habit: Habit,
    /// How long after its arrival.
    pub after_ms: u64,
}

impl Default for People {
    fn default() -> Self {
        Self { habit: Habit::Silent, after_ms: 5_000 }
    }
}

/// What people do when a message arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Habit {
    /// Nothing.
    Silent,
    /// They write the same back.
    Echo,
    /// They tap the first thing that can be tapped; when there is none, they write the same back.
    Tap,
}

impl Scenario {
    /// Nothing goes wrong: sent after 0.3 s, delivered after 1 s, read after 3 s. Meta's rules are enforced.
    #[must_use]
    pub fn friendly() -> Self {
        Self { name: "friendly".to_owned(), ..Self::default() }
    }

    /// Reads a scenario.
    ///
    /// # Errors
    /// Those of TOML, with the line; unknown keys, faults and words; a selector that cannot be meant.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let scenario: Self = toml::from_str(text).map_err(|error| Error::Scenario(Box::new(error)))?;
        for (fault, when) in &scenario.faults {
            when.check(*fault)?;
        }
        Ok(scenario)
    }

    /// The same with one more fault.
    #[must_use]
    pub fn with(mut self, fault: Fault, when: When) -> Self {
        self.faults.insert(fault, when);
        self
    }
}

/// Declares the faults with the name that a scenario gives them.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Something that goes wrong, or is merely unusual. All of them have been seen in production or are documented by Meta.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[doc = $doc])+ $variant,)+
            /// Refused in the answer with any other code of Meta's, `refused-131031`: nothing is sent.
            RefusedWith(i64),
            /// Accepted, then `failed` with any other code of Meta's, `failed-131042`.
            FailedWith(i64),
        }

        impl Fault {
            /// Every fault with a name of its own.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in a scenario.
            #[must_use]
            pub fn name(self) -> Cow<'static, str> {
                match self {
                    $(Self::$variant => Cow::Borrowed($name),)+
                    Self::RefusedWith(code) => Cow::Owned(format!("refused-{code}")),
                    Self::FailedWith(code) => Cow::Owned(format!("failed-{code}")),
                }
            }

            /// What it does, in a sentence or two.
            #[must_use]
            pub fn explained(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)+
                    Self::RefusedWith(_) => "Refused in the answer with that code. Nothing is sent.",
                    Self::FailedWith(_) => "Accepted, then `failed` with that code.",
                }
            }
        }
    };
}

impl Fault {
    /// The fault of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let code = |prefix: &str| name.strip_prefix(prefix)?.parse::<i64>().ok();
        let named = Self::ALL.iter().copied().find(|fault| fault.name() == name);
        named.or_else(|| code("refused-").map(Self::RefusedWith)).or_else(|| code("failed-").map(Self::FailedWith))
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| {
            D::Error::custom(format!("there is no fault `{name}`; `relais simulator --faults` lists them"))
        })
    }
}

faults! {
    /// Refused: the application calls too often (code 4). Nothing is sent.
    AppRate = "app-rate",
    /// Refused: the number sends too quickly (130429). Nothing is sent.
    Throughput = "throughput",
    /// Refused: the person is written to too quickly (131056). Nothing is sent.
    PairRate = "pair-rate",
    /// Refused: too many people (131048). Nothing is sent.
    Portfolio = "portfolio",
    /// Refused in the answer: cannot be delivered.
    Refused131026 = "refused-131026",
    /// Refused in the answer: more than 24 hours since the person wrote.
    Refused131047 = "refused-131047",
    /// Refused in the answer: too much marketing for that person.
    Refused131049 = "refused-131049",
    /// Refused in the answer: the person stopped marketing.
    Refused131050 = "refused-131050",
    /// 503 as JSON (131016); nothing is sent.
    ServerError = "server-error",
    /// 502 as an HTML page; nothing is sent.
    NonJsonError = "non-json-error",
    /// 500 as JSON (131000) though the message goes out.
    ServerErrorAfterSend = "server-error-after-send",
    /// The message goes out and the connection is closed without an answer.
    LostResponse = "lost-response",
    /// The message goes out and the answer does not come for longer than anybody waits.
    Hang = "hang",
    /// Accepted, then `failed`: cannot be delivered.
    Failed131026 = "failed-131026",
    /// Accepted, then `failed`: more than 24 hours since the person wrote (also seen inside the window).
    Failed131047 = "failed-131047",
    /// Accepted, then `failed`: too much marketing for that person.
    Failed131049 = "failed-131049",
    /// Accepted, then `failed`: the person stopped marketing.
    Failed131050 = "failed-131050",
    /// A template is held for assessment, then sent.
    HeldThenReleased = "held-then-released",
    /// A template is held for assessment, then dropped: `failed` with 132015.
    HeldThenPaused = "held-then-paused",
    /// `failed`, then `delivered` of the same message.
    DeliveredAfterFailed = "delivered-after-failed",
    /// `delivered`, then `failed` of the same message.
    FailedAfterDelivered = "failed-after-delivered",
    /// The message arrives and no status ever says so.
    NoStatus = "no-status",
    /// `delivered` is left out because `read` implies it.
    ReadWithoutDelivered = "read-without-delivered",
    /// The statuses come in the order read, delivered, sent.
    Reorder = "reorder",
    /// The `sent` status comes before the answer to the request.
    StatusBeforeResponse = "status-before-response",
    /// A `failed` status carries the full contact.
    FailedWithContacts = "failed-with-contacts",
    /// A `failed` status carries no contact: what the documentation says, and what happens without this fault.
    FailedWithoutContacts = "failed-without-contacts",
    /// A `failed` status carries a contact with nothing but a `wa_id`.
    FailedWaIdOnly = "failed-wa-id-only",
    /// An update is posted twice.
    Duplicates = "duplicates",
    /// An update waits for others and is posted with them, over several entries, contacts shuffled.
    Batches = "batches",
    /// A POST is made once more though it was answered with 200.
    ResendWholeBatch = "resend-whole-batch",
    /// The person is known by a business-scoped user id only: webhooks carry no number.
    BsuidOnly = "bsuid-only",
    /// The person changes number after a message is delivered.
    NumberChange = "number-change",
    /// The person's business-scoped user id changes after a message is delivered.
    BsuidChange = "bsuid-change",
    /// WhatsApp writes Brazilian, Mexican and Argentinian numbers its own way.
    WaIdRewriting = "wa-id-rewriting",
    /// A message of a type that nobody knows comes along with the person's.
    UnknownType = "unknown-type",
    /// A webhook of a field that nobody knows comes along with the person's message.
    UnknownField = "unknown-field",
    /// A webhook with errors at the level of `value` comes along with the person's message.
    ValueLevelErrors = "value-level-errors",
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_read_and_every_fault_has_its_name() {
        let mut text = "name = 'all'\n[[templates]]\nname = 'intro'\nlanguage = 'fr'\nbody = '{{1}}'\nheader = { text = 'H' }\nbuttons = [{ quick-reply = { text = 'Oui' } }]\n[latency]\nsent-ms = 5\n[policy]\nwindow = 'sync'\npair-rate = 'documented'\n[faults]\n".to_owned();
        for fault in Fault::ALL {
            text.push_str(&format!("{fault} = {{ every = 2 }}\n"));
        }
        let scenario = Scenario::from_toml(&text).unwrap();
        assert_eq!(scenario.faults.len(), Fault::ALL.len());
        assert_eq!(scenario.templates.first().map(|template| template.status.as_str()), Some("APPROVED"));
        assert_eq!((scenario.latency.sent_ms, scenario.latency.read_ms), (5, 3_000));
        assert_eq!((scenario.policy.window, scenario.policy.pair_rate), (Enforcement::Sync, PairRate::Documented));
        assert_eq!(Scenario::from_toml("").unwrap().latency, Latency::default());
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let scenario = Scenario::from_toml("[faults]\nrefused-131031 = {}\nfailed-131042 = { first = 1 }").unwrap();
        let codes: Vec<Fault> = scenario.faults.into_keys().collect();
        assert_eq!(codes, [Fault::RefusedWith(131_031), Fault::FailedWith(131_042)]);
        let cases = [
            ("[faults]\nduplicate = {}", "duplicate"),
            ("[faults]\nrefused-x = {}", "refused-x"),
            ("[latency]\nsent = 5", "sent"),
            ("[faults]\nreorder = { often = 1 }", "often"),
            ("[faults]\nreorder = { first = 1, every = 2 }", "reorder"),
            ("[faults]\nreorder = { every = 0 }", "every must be 1"),
            ("[faults]\nreorder = { chance = 1.5 }", "between 0 and 1"),
        ];
        for (text, named) in cases {
            let error = Scenario::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
