//! `relais erase`: a person is forgotten.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};

use reqwest::Method;
use serde_json::json;

use super::{
    backup,
    source::{Source, Where},
};
use crate::{
    model::{Phone, TenantId},
    store::{Erased, Person, SledStore, Store as _},
};

const HELP: &str = "\
What is erased at a running host is gone at once for everyone who asks, and for backups; its bytes stay in old segments of
the store's files until these are written again. To be rid of them at once, stop the host and use --store: the files are
written anew, without the person.";

/// Arguments of `relais erase`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Of which tenant.
    #[arg(long)]
    tenant: String,
    /// The person's number, with its country code.
    #[arg(long, required_unless_present = "contact")]
    phone: Option<String>,
    /// The CRM's identifier of the person.
    #[arg(long, conflicts_with = "phone")]
    contact: Option<String>,
    #[command(flatten)]
    at: Where,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { tenant, phone, contact, at, json } = args;
    let folder = at.store.clone().unwrap_or_default();
    let erased: Erased = match at.open()? {
        Source::Host(host) => {
            let body = json!({ "tenant": tenant, "phone_number": phone, "crm_contact_id": contact });
            let answer = host.ask(Method::POST, "/v1/operator/erase", Some(&body)).await?;
            serde_json::from_value(answer).context("read the host's answer; is it of another version?")?
        }
        Source::Store(store) => {
            let person = match (phone, contact) {
                (Some(phone), _) => {
                    let phone = Phone::parse(&phone, None).map_err(|error| anyhow::anyhow!("--phone {error}"))?;
                    Person::Phone(phone)
                }
                (None, contact) => Person::Contact(contact.unwrap_or_default()),
            };
            let erased = store.erase(&TenantId::new(&tenant), &person).await?;
            write_anew(*store, &folder).await?;
            erased
        }
    };
    if json {
        println!("{}", serde_json::to_string(&erased)?);
    } else if erased.rows == 0 {
        println!("nothing is known of that person");
    } else {
        println!("erased {} conversations, {} records in all", erased.conversations, erased.rows);
        if erased.opt_out {
            println!("they had opted out: a digest of the number stays on the register, so that nobody writes to them");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies the store into new files, and puts these in its place.
async fn write_anew(store: SledStore, folder: &Path) -> anyhow::Result<()> {
    let beside = |ending: &str| {
        let mut path = folder.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    let (copy, new, old) = (beside(".copy"), beside(".new"), beside(".old"));
    for path in [&new, &old] {
        ensure!(!path.exists(), "write the store anew: {} is in the way; move it", path.display());
    }
    backup::into_file(backup::of_store(std::sync::Arc::new(store)), &copy).await?;
    let result = SledStore::restore(std::io::BufReader::new(std::fs::File::open(&copy)?), &new);
    std::fs::remove_file(&copy)?;
    result?;
    // Compiled components lie beside the store's own files.
    if folder.join("components").is_dir() {
        std::fs::rename(folder.join("components"), new.join("components"))?;
    }
    std::fs::rename(folder, &old)?;
    std::fs::rename(&new, folder)?;
    std::fs::remove_dir_all(&old).with_context(|| format!("remove {}; it still holds the person", old.display()))
}
