//! What can be read of an account before going live: the token, the number, the webhook subscription, the templates.

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{cause, read_body};
use super::{ApiError, Client, Credentials};

/// How many pages of templates are followed, a hundred each; an account may have 6000.
const PAGES: usize = 100;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Meta refused.
    #[error("refused by Meta: {0}")]
    Refused(ApiError),
    /// No answer came.
    #[error("no answer from Meta: {0}")]
    NoAnswer(String),
    /// The answer is not what was asked for.
    #[error("answer of Meta not understood: {0}")]
    NotUnderstood(#[source] serde_json::Error),
    /// An id in the configuration is not an id.
    #[error("{0} is empty or not an id")]
    NotAnId(&'static str),
}

/// What a token may do, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct TokenInfo {
    /// Whether it is in force.
    pub is_valid: bool,
    /// The app it belongs to.
    pub app_id: Option<String>,
    /// Unix seconds; 0 for a token that does not expire.
    pub expires_at: i64,
    /// Its permissions; sending needs `whatsapp_business_messaging`.
    pub scopes: Vec<String>,
    /// `SYSTEM_USER`, `USER`, …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// For which accounts it has each permission; empty where Meta does not say.
    pub granular_scopes: Vec<GranularScope>,
}

/// A permission and what it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GranularScope {
    /// The permission.
    pub scope: String,
    /// The ids of WhatsApp Business Accounts; empty for all of the app's.
    pub target_ids: Vec<String>,
}

impl TokenInfo {
    /// Whether it has the permission `scope` for the account `waba`.
    #[must_use]
    pub fn may(&self, scope: &str, waba: &str) -> bool {
        let granular = self.granular_scopes.iter().find(|granular| granular.scope == scope);
        let for_account = granular
            .is_none_or(|granular| granular.target_ids.is_empty() || granular.target_ids.iter().any(|id| id == waba));
        for_account && (granular.is_some() || self.scopes.iter().any(|held| held == scope))
    }
}

/// A business number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct PhoneNumber {
    /// Its id at Meta.
    pub id: String,
    /// The number as shown.
    pub display_phone_number: Option<String>,
    /// The name shown to people.
    pub verified_name: Option<String>,
    /// `APPROVED` when that name is shown.
    pub name_status: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality_rating: Option<String>,
    /// `CONNECTED` when it can send.
    pub status: Option<String>,
    /// `CLOUD_API` when it is registered there.
    pub platform_type: Option<String>,
    /// How many people may be written to outside a window in 24 hours, over all numbers of the portfolio: `TIER_250`, …
    pub whatsapp_business_manager_messaging_limit: Option<String>,
    /// Where Meta posts what concerns this number.
    pub webhook_configuration: Option<WebhookConfiguration>,
}

/// Addresses that Meta posts webhooks to, the more particular one first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct WebhookConfiguration {
    /// The number's own.
    pub phone_number: Option<String>,
    /// The account's own.
    pub whatsapp_business_account: Option<String>,
    /// The app's.
    pub application: Option<String>,
}

impl WebhookConfiguration {
    /// The address that messages to the number are posted to.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        [&self.phone_number, &self.whatsapp_business_account, &self.application]
            .into_iter()
            .find_map(|address| address.as_deref().filter(|address| !address.is_empty()))
    }
}

impl PhoneNumber {
    /// To how many people of the portfolio a conversation may be opened within 24 hours: `TIER_2K` is 2,000. None when
    /// there is no limit, or Meta does not say.
    #[must_use]
    pub fn people_per_day(&self) -> Option<u32> {
        let tier = self.whatsapp_business_manager_messaging_limit.as_deref()?.strip_prefix("TIER_")?;
        match tier.strip_suffix('K') {
            Some(thousands) => thousands.parse::<u32>().ok()?.checked_mul(1_000),
            None => tier.parse().ok(),
        }
    }
}

/// What an app asked Meta to post.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Subscription {
    /// `whatsapp_business_account`, for what concerns WhatsApp.
    pub object: String,
    /// Where it is posted.
    pub callback_url: Option<String>,
    /// Whether it is in force.
    pub active: bool,
    /// Of what.
    pub fields: Vec<SubscribedField>,
}

/// A field of webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct SubscribedField {
    /// `messages`, `message_template_status_update`, …
    pub name: String,
}

/// An app that receives an account's webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SubscribedApp {
    /// Its id at Meta.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
}

/// A template as Meta lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ListedTemplate {
    /// Its id at Meta.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its language (`fr`, `en_US`).
    pub language: String,
    /// `APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, …
    pub status: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub category: String,
    /// `POSITIONAL` or `NAMED`.
    pub parameter_format: Option<String>,
    /// Its parts, as Meta writes them.
    pub components: Vec<Value>,
}

impl ListedTemplate {
    /// The text of its header, or the kind of media it has.
    #[must_use]
    pub fn header(&self) -> Option<String> {
        let header = self.component("HEADER")?;
        text(header, "text").or_else(|| text(header, "format"))
    }

    /// The text of its body, with its blanks.
    #[must_use]
    pub fn body(&self) -> Option<String> {
        text(self.component("BODY")?, "text")
    }

    /// The text of its footer.
    #[must_use]
    pub fn footer(&self) -> Option<String> {
        text(self.component("FOOTER")?, "text")
    }

    /// The texts of its quick replies.
    #[must_use]
    pub fn quick_replies(&self) -> Vec<String> {
        let buttons = self.component("BUTTONS").and_then(|c| c.get("buttons")).and_then(Value::as_array);
        let replies = buttons.into_iter().flatten().filter(|button| is_type(button, "QUICK_REPLY"));
        replies.filter_map(|button| text(button, "text")).collect()
    }

    /// The kind of media in its header, which must be given with each message; none for a text or no header.
    #[must_use]
    pub fn header_media(&self) -> Option<String> {
        let format = text(self.component("HEADER")?, "format")?;
        (!format.eq_ignore_ascii_case("TEXT")).then_some(format)
    }

    /// The labels of link buttons whose address has a blank, which must be given with each message.
    #[must_use]
    pub fn open_links(&self) -> Vec<String> {
        let buttons = self.component("BUTTONS").and_then(|c| c.get("buttons")).and_then(Value::as_array);
        let open =
            buttons.into_iter().flatten().filter(|button| text(button, "url").is_some_and(|url| url.contains("{{")));
        open.filter_map(|button| text(button, "text")).collect()
    }

    /// The component of this type.
    fn component(&self, kind: &str) -> Option<&Value> {
        self.components.iter().find(|component| is_type(component, kind))
    }
}

/// Whether a component or button is of a type, in whatever case.
fn is_type(component: &Value, kind: &str) -> bool {
    text(component, "type").is_some_and(|found| found.eq_ignore_ascii_case(kind))
}

/// A text of a component.
fn text(component: &Value, name: &str) -> Option<String> {
    component.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// The envelope of lists and of `debug_token`.
#[derive(Deserialize)]
struct Data<T> {
    data: T,
    #[serde(default)]
    paging: Option<Paging>,
}

/// Where the next page begins.
#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    cursors: Option<Cursors>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Cursors {
    #[serde(default)]
    after: Option<String>,
}

impl Client {
    /// What the token may do, asked with the token itself.
    ///
    /// # Errors
    /// When Meta refuses or does not answer.
    pub async fn token_info(&self, token: &str) -> Result<TokenInfo, ReadError> {
        let answer: Data<TokenInfo> =
            self.get(&["debug_token"], "debug_token", token, &[("input_token", token)]).await?;
        Ok(answer.data)
    }

    /// The business number's state.
    ///
    /// # Errors
    /// When Meta refuses or does not answer.
    pub async fn phone_number(&self, credentials: &Credentials) -> Result<PhoneNumber, ReadError> {
        const FIELDS: &str = "id,display_phone_number,verified_name,name_status,quality_rating,status,platform_type,\
                              whatsapp_business_manager_messaging_limit,webhook_configuration";
        let id = credentials.phone_number_id.as_str();
        self.get(&[id], "the phone number id", &credentials.token, &[("fields", FIELDS)]).await
    }

    /// The apps that receive the account's webhooks; none means that no message will ever come in.
    ///
    /// # Errors
    /// When Meta refuses or does not answer.
    pub async fn subscribed_apps(&self, waba: &str, token: &str) -> Result<Vec<SubscribedApp>, ReadError> {
        #[derive(Deserialize)]
        struct Subscription {
            whatsapp_business_api_data: SubscribedApp,
        }
        let answer: Data<Vec<Subscription>> =
            self.get(&[waba, "subscribed_apps"], "the WhatsApp Business Account id", token, &[]).await?;
        Ok(answer.data.into_iter().map(|subscription| subscription.whatsapp_business_api_data).collect())
    }

    /// What the app has subscribed to, asked with the app's own secret: a wrong one is refused as a wrong token.
    ///
    /// # Errors
    /// When Meta refuses or does not answer.
    pub async fn subscriptions(&self, app: &str, app_secret: &str) -> Result<Vec<Subscription>, ReadError> {
        let token = format!("{app}|{app_secret}");
        let answer: Data<Vec<Subscription>> = self.get(&[app, "subscriptions"], "the app's id", &token, &[]).await?;
        Ok(answer.data)
    }

    /// The business numbers of the account, page after page.
    ///
    /// # Errors
    /// When Meta refuses or does not answer.
    pub async fn phone_numbers(&self, waba: &str, token: &str) -> Result<Vec<PhoneNumber>, ReadError> {
        self.pages(waba, "phone_numbers", "id,display_phone_number", token).await
    }

    /// All templates of the account, page after page.
    ///
    /// # Errors
    /// When Meta refuses or does not answer.
    pub async fn templates(&self, waba: &str, token: &str) -> Result<Vec<ListedTemplate>, ReadError> {
        self.pages(waba, "message_templates", "id,name,language,status,category,parameter_format,components", token)
            .await
    }

    /// What belongs to an account, page after page.
    async fn pages<T: DeserializeOwned>(
        &self,
        waba: &str,
        edge: &str,
        fields: &str,
        token: &str,
    ) -> Result<Vec<T>, ReadError> {
        let mut found = Vec::new();
        let mut after = None::<String>;
        for _ in 0..PAGES {
            let mut query = vec![("fields", fields), ("limit", "100")];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let page: Data<Vec<T>> = self.get(&[waba, edge], "the WhatsApp Business Account id", token, &query).await?;
            found.extend(page.data);
            // The address of the next page carries the token: only its cursor is used.
            let next = page.paging.filter(|paging| paging.next.is_some()).and_then(|paging| paging.cursors);
            match next.and_then(|cursors| cursors.after) {
                Some(cursor) if after.as_ref() != Some(&cursor) => after = Some(cursor),
                _ => break,
            }
        }
        Ok(found)
    }

    /// Reads one node. `what` names the id in an error.
    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        what: &'static str,
        token: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ReadError> {
        let mut url = self.url(path).ok_or(ReadError::NotAnId(what))?;
        url.query_pairs_mut().extend_pairs(query);
        let sent = self.request(Method::GET, url, token).send().await;
        let response = sent.map_err(|error| ReadError::NoAnswer(cause(error)))?;
        let status = response.status();
        let body = read_body(response).await;
        if !status.is_success() {
            return Err(ReadError::Refused(ApiError::from_answer(status.as_u16(), &body.unwrap_or_default())));
        }
        let body = body.ok_or_else(|| ReadError::NoAnswer("the answer broke off".to_owned()))?;
        serde_json::from_slice(&body).map_err(ReadError::NotUnderstood)
    }
}
