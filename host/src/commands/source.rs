//! Where the operator looks: a running host, or the store of one that is stopped.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{
    open_store,
    remote::{OperatorKey, Remote, encoded},
};
use crate::{
    model::{Clock, Conversation, ConversationId, Envelope, EnvelopeId, Event, Payload, TenantId},
    store::{Append, Dossier, SledStore, Store as _, summary},
};

/// `--to URL` or `--store DIR`.
#[derive(Debug, Args)]
pub(super) struct Where {
    /// A running host.
    #[arg(long = "to", alias = "url", default_value = "http://127.0.0.1:8080")]
    url: String,
    #[command(flatten)]
    key: OperatorKey,
    /// The store of a host that is stopped, instead of a running host.
    #[arg(long, conflicts_with = "url")]
    pub(super) store: Option<PathBuf>,
}

/// An open [`Where`].
pub(super) enum Source {
    Host(Remote),
    Store(Box<SledStore>),
}

impl Where {
    /// Reaches the host, or opens the store.
    pub(super) fn open(self) -> anyhow::Result<Source> {
        Ok(match self.store {
            None => Source::Host(Remote::new(&self.url, self.key)?),
            Some(folder) => Source::Store(Box::new(open_store(&folder)?)),
        })
    }
}

impl Source {
    /// The latest conversations, as the host lists them.
    pub(super) async fn conversations(
        &self,
        tenant: Option<&str>,
        limit: usize,
        parked: bool,
    ) -> anyhow::Result<Vec<Value>> {
        match self {
            Self::Host(host) => {
                let tenant = tenant.map(|tenant| format!("&tenant={}", encoded(tenant))).unwrap_or_default();
                let found =
                    host.get(&format!("/v1/operator/conversations?limit={limit}&parked={parked}{tenant}")).await?;
                Ok(found.get("conversations").and_then(Value::as_array).cloned().unwrap_or_default())
            }
            Self::Store(store) => {
                let most = if parked { usize::MAX } else { limit };
                let mut found = store.conversations(tenant.map(TenantId::new).as_ref(), most).await?;
                found.retain(|conversation| !parked || conversation.parked.is_some());
                found.truncate(limit);
                Ok(found.iter().map(summary).collect())
            }
        }
    }

    /// Everything about a conversation.
    pub(super) async fn dossier(&self, id: &str) -> anyhow::Result<Dossier> {
        match self {
            Self::Host(host) => {
                let found = host.get(&format!("/v1/operator/conversations/{}", encoded(id))).await?;
                serde_json::from_value(found).context("read the host's answer; is it of another version?")
            }
            Self::Store(store) => Dossier::read(&**store, &ConversationId::new(id))
                .await?
                .with_context(|| format!("find the conversation {id} in the store")),
        }
    }

    /// Continues a parked conversation.
    pub(super) async fn retry(&self, id: &str) -> anyhow::Result<()> {
        match self {
            Self::Host(host) => post(host, id, "retry").await,
            Self::Store(store) => {
                let known = known(store, id).await?;
                if known.parked.is_none() {
                    bail!("continue {id}: it is not parked");
                }
                append(store, known, Event::Retried).await
            }
        }
    }

    /// Gives a conversation that a human leads back to its flow.
    pub(super) async fn resume(&self, id: &str) -> anyhow::Result<()> {
        match self {
            Self::Host(host) => post(host, id, "resume").await,
            Self::Store(store) => {
                let known = known(store, id).await?;
                if known.handed_over.is_none() {
                    bail!("give {id} back to its flow: no human leads it");
                }
                append(store, known, Event::Resumed).await
            }
        }
    }

    /// The callbacks that no CRM took.
    pub(super) async fn callbacks(&self, tenant: Option<&str>, limit: usize) -> anyhow::Result<Vec<Envelope>> {
        let mut found: Vec<Envelope> = match self {
            Self::Host(host) => {
                let tenant = tenant.map(|tenant| format!("&tenant={}", encoded(tenant))).unwrap_or_default();
                let mut found = host.get(&format!("/v1/operator/callbacks?limit={limit}{tenant}")).await?;
                let parked = found.get_mut("parked").map(Value::take).unwrap_or_default();
                serde_json::from_value(parked).context("read the host's answer; is it of another version?")?
            }
            Self::Store(store) => store.parked_envelopes(tenant.map(TenantId::new).as_ref(), limit).await?,
        };
        found.retain(|envelope| matches!(envelope.payload, Payload::Callback(_)));
        Ok(found)
    }

    /// Queues a parked callback again.
    pub(super) async fn replay(&self, id: &str) -> anyhow::Result<()> {
        match self {
            Self::Host(host) => {
                let path = format!("/v1/operator/callbacks/{}/replay", encoded(id));
                host.ask(Method::POST, &path, None).await.map(drop)
            }
            Self::Store(store) => {
                let known = store.replay(&EnvelopeId::new(id), Clock::system().now()).await?;
                if known { Ok(()) } else { bail!("replay {id}: there is no such parked callback") }
            }
        }
    }
}

async fn post(host: &Remote, id: &str, what: &str) -> anyhow::Result<()> {
    let path = format!("/v1/operator/conversations/{}/{what}", encoded(id));
    host.ask(Method::POST, &path, None).await.map(drop)
}

async fn known(store: &SledStore, id: &str) -> anyhow::Result<Conversation> {
    store.conversation(&ConversationId::new(id)).await?.context("find the conversation in the store")
}

async fn append(store: &SledStore, known: Conversation, event: Event) -> anyhow::Result<()> {
    store.append(vec![Append::to_conversation(known.tenant, known.id, event, Clock::system().now())]).await?;
    Ok(())
}
