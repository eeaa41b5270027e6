//! `tenant.toml`: what is true of a company whatever flow it runs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{OptOut, Problem, SecretError, SecretSource, opt_out};
use crate::{
    calendar::{Calendar, ContactHours},
    model::{FlowId, Phone, TenantId},
};

/// The file's name.
pub const TENANT_FILE: &str = "tenant.toml";

/// A company.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The folder's name.
    pub id: TenantId,
    /// For people.
    pub name: String,
    /// The zone of everything it does.
    pub zone: TimeZone,
    /// The zone's IANA name.
    pub timezone: String,
    /// BCP 47.
    pub language: String,
    /// ISO 3166: the country of phone numbers without a code.
    pub region: Option<String>,
    /// The flow of a lead that names none.
    pub default_flow: Option<FlowId>,
    /// Its number and how to reach Meta with it.
    pub whatsapp: WhatsApp,
    /// Where callbacks and notifications go, by name.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// How its people appear in transcripts.
    pub transcript: TranscriptNames,
    /// The model that its flows may ask.
    pub model: Option<Model>,
    /// When meetings can be had.
    pub calendar: Calendar,
    /// When it may write first.
    pub contact_hours: ContactHours,
    /// How people opt out, and back in.
    pub opt_out: OptOut,
}

/// `[whatsapp]`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WhatsApp {
    /// The number that writes, E.164.
    pub number: String,
    /// Meta's identifier of it.
    pub phone_number_id: String,
    /// Meta's identifier of the WhatsApp Business Account; only `relais whatsapp check` needs it.
    pub business_account_id: Option<String>,
    /// The access token; without one only the simulator can be reached.
    pub token: Option<SecretSource>,
    /// The app's secrets, several during a rotation: any of them may sign webhooks.
    #[serde(default)]
    pub app_secrets: Vec<SecretSource>,
    /// What Meta repeats in the handshake.
    pub verify_token: Option<SecretSource>,
    /// Whether people see that their messages were read, once the flow has been asked about them.
    #[serde(default = "yes")]
    pub mark_read: bool,
    /// Whether they also see "typing…" while an answer is on its way.
    #[serde(default = "yes")]
    pub typing: bool,
}

/// `[endpoints.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Endpoint {
    /// HTTPS, except towards this machine when the operator allows it.
    pub url: String,
    /// The Standard Webhooks secret (`whsec_…`) that callbacks are signed with.
    pub secret: SecretSource,
    /// The one before it, while the receiver changes over: callbacks then carry both signatures.
    pub previous_secret: Option<SecretSource>,
}

/// `[model]`: a model behind an API like OpenAI's.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Model {
    /// What `/chat/completions` is appended to, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// The key, sent as a bearer token.
    pub key: Option<SecretSource>,
    /// How long an answer may take: a lead waits for it.
    #[serde(default = "ten")]
    pub timeout_seconds: u32,
    /// Whether personal data is masked before it leaves.
    #[serde(default = "yes")]
    pub mask: bool,
}

fn ten() -> u32 {
    10
}

/// `[transcript]`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TranscriptNames {
    /// What an alias begins with.
    pub alias: String,
    /// The number of the first alias: 1 is `A1`, 12 is `A12`. For companies that go on counting from elsewhere.
    pub alias_first: u32,
}

impl Default for TranscriptNames {
    fn default() -> Self {
        Self { alias: "Prospect".to_owned(), alias_first: 1 }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    name: String,
    timezone: String,
    #[serde(default = "french")]
    language: String,
    region: Option<String>,
    default_flow: Option<String>,
    whatsapp: WhatsApp,
    #[serde(default)]
    endpoints: BTreeMap<String, Endpoint>,
    #[serde(default)]
    transcript: TranscriptNames,
    model: Option<Model>,
    #[serde(default)]
    calendar: Calendar,
    #[serde(default)]
    contact_hours: ContactHours,
    #[serde(default)]
    opt_out: opt_out::Written,
}

fn yes() -> bool {
    true
}

fn french() -> String {
    "fr".to_owned()
}

impl Tenant {
    /// Reads `tenant.toml`. `folder` is what relative `file:` secrets start from.
    pub fn read(id: TenantId, text: &str, folder: &Path) -> Result<Self, Vec<Problem>> {
        let mut file: File = toml::from_str(text).map_err(|error| Problem::all_of_toml(TENANT_FILE, text, &error))?;
        let problem = |key: &str, what: String| Problem::of_key(TENANT_FILE, text, key, what);
        let mut problems = Vec::new();

        let zone = TimeZone::get(&file.timezone).unwrap_or_else(|_| {
            problems.push(problem(
                "timezone",
                format!("{:?} is not an IANA time zone; write one such as \"Europe/Paris\"", file.timezone),
            ));
            TimeZone::UTC
        });
        match Phone::parse(&file.whatsapp.number, file.region.as_deref()) {
            Ok(phone) => file.whatsapp.number = phone.as_e164().to_owned(),
            Err(error) => problems.push(problem("whatsapp.number", error.to_string())),
        }
        for (name, endpoint) in &file.endpoints {
            if !endpoint.url.starts_with("https://") && !endpoint.url.starts_with("http://") {
                problems.push(problem(
                    &format!("endpoints.{name}.url"),
                    "is not a web address; write it with https://".to_owned(),
                ));
            }
        }
        if let Some(model) = &file.model {
            if !model.base_url.starts_with("https://") && !model.base_url.starts_with("http://") {
                problems.push(problem("model.base-url", "is not a web address; write it with https://".to_owned()));
            }
            if !(1..=60).contains(&model.timeout_seconds) {
                problems.push(problem("model.timeout-seconds", "give 1 to 60: a lead waits for the answer".to_owned()));
            }
        }
        problems.extend(file.calendar.problems().into_iter().map(|found| problem(&found.path, found.message)));
        problems.extend(file.contact_hours.problems().into_iter().map(|found| problem(&found.path, found.message)));
        let opt_out = std::mem::take(&mut file.opt_out).read().unwrap_or_else(|found| {
            problems.extend(found.into_iter().map(|(key, what)| problem(&key, what)));
            OptOut::default()
        });
        if !problems.is_empty() {
            return Err(problems);
        }

        rebase_secrets(&mut file, folder);
        Ok(Self {
            id,
            name: file.name,
            zone,
            timezone: file.timezone,
            language: file.language,
            region: file.region,
            default_flow: file.default_flow.map(FlowId::new),
            whatsapp: file.whatsapp,
            endpoints: file.endpoints,
            transcript: file.transcript,
            model: file.model,
            calendar: file.calendar,
            contact_hours: file.contact_hours,
            opt_out,
        })
    }

    /// The outside calendars that it names: whose (none: everybody's), and where, as it stands in the file.
    pub fn outside_calendars(&self) -> impl Iterator<Item = (Option<String>, &str)> {
        let people = self.calendar.people.iter();
        std::iter::once((None, self.calendar.busy_url.as_deref()))
            .chain(people.map(|person| (Some(person.id.clone()), person.busy_url.as_deref())))
            .filter_map(|(person, source)| Some((person, source?)))
    }

    /// The address of an outside calendar, read now if it is a secret; none when it names no such calendar.
    pub fn outside_calendar_address(&self, person: Option<&str>) -> Option<Result<String, SecretError>> {
        let source = self.calendar.busy_url_of(person)?;
        Some(match SecretSource::parse(source) {
            Some(secret) => secret.read().map(|address| address.trim().to_owned()),
            None => Ok(source.to_owned()),
        })
    }

    /// The number that writes to people.
    pub fn business_number(&self) -> Phone {
        Phone::from_whatsapp(&self.whatsapp.number)
    }
}

/// `file:crm.secret` means the file beside `tenant.toml`.
fn rebase_secrets(file: &mut File, folder: &Path) {
    let whatsapp = &mut file.whatsapp;
    let secrets = file
        .endpoints
        .values_mut()
        .flat_map(|endpoint| [Some(&mut endpoint.secret), endpoint.previous_secret.as_mut()])
        .flatten()
        .chain(whatsapp.token.as_mut())
        .chain(whatsapp.app_secrets.iter_mut())
        .chain(whatsapp.verify_token.as_mut())
        .chain(file.model.as_mut().and_then(|model| model.key.as_mut()));
    for secret in secrets {
        if let SecretSource::File(path) = secret {
            *path = folder.join(PathBuf::from(&*path));
        }
    }
    let calendar = &mut file.calendar;
    let people = calendar.people.iter_mut().filter_map(|person| person.busy_url.as_mut());
    for address in people.chain(calendar.busy_url.as_mut()) {
        if let Some(path) = address.strip_prefix("file:") {
            *address = format!("file:{}", folder.join(path).display());
        }
    }
}
