//! `relais flow new`: a flow to begin with.

use std::{
    io::{BufRead as _, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail, ensure};
use clap::{Parser, ValueEnum};
use sha2::{Digest as _, Sha256};

use crate::{flows::TENANT_FILE, model::TenantId};

/// Arguments of `relais flow new`.
#[derive(Debug, Parser)]
pub(in crate::commands) struct Args {
    /// The folder of the tenants.
    #[arg(default_value = "flows")]
    folder: PathBuf,
    /// The company's name, such as "Acme Solaire"; asked for when left out.
    #[arg(long)]
    company: Option<String>,
    /// What the leads have asked about, such as "panneaux solaires"; asked for when left out.
    #[arg(long)]
    sells: Option<String>,
    /// The language that is spoken; asked for when left out.
    #[arg(long)]
    language: Option<Language>,
}

/// A language that there is a flow to begin with in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    /// French.
    Fr,
    /// English.
    En,
}

/// Files of a flow, by path.
type Files = &'static [(&'static str, &'static str)];

const FRENCH: Files = &[
    ("flow.toml", include_str!("fr/flow.toml")),
    ("script.toml", include_str!("fr/script.toml")),
    ("crm.toml", include_str!("crm.toml")),
    ("actions.toml", include_str!("actions.toml")),
    ("conversations/rendez-vous.toml", include_str!("fr/rendez-vous.toml")),
    ("conversations/silence.toml", include_str!("fr/silence.toml")),
    ("conversations/stop.toml", include_str!("fr/stop.toml")),
];
const ENGLISH: Files = &[
    ("flow.toml", include_str!("en/flow.toml")),
    ("script.toml", include_str!("en/script.toml")),
    ("crm.toml", include_str!("crm.toml")),
    ("actions.toml", include_str!("actions.toml")),
    ("conversations/appointment.toml", include_str!("en/appointment.toml")),
    ("conversations/silence.toml", include_str!("en/silence.toml")),
    ("conversations/stop.toml", include_str!("en/stop.toml")),
];

pub(in crate::commands) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let company = match args.company {
        Some(company) => company,
        None => ask("What is the company called?", "Acme Solaire", "--company")?,
    };
    let sells = match args.sells {
        Some(sells) => sells,
        None => ask("What have its leads asked about?", "panneaux solaires", "--sells")?,
    };
    let language = match args.language {
        Some(language) => language,
        None => {
            let answer = ask("Which language does it speak, fr or en?", "fr", "--language")?;
            Language::from_str(&answer, true).map_err(|_| anyhow::anyhow!("speak {answer:?}: write fr or en"))?
        }
    };
    let (tenant, flow) = (slug(&company)?, slug(&sells)?);
    let files = match language {
        Language::Fr => FRENCH,
        Language::En => ENGLISH,
    };
    let tenant_text = match language {
        Language::Fr => include_str!("fr/tenant.toml"),
        Language::En => include_str!("en/tenant.toml"),
    };
    let fill = |text: &str| {
        text.replace("@COMPANY@", &escaped(&company))
            .replace("@SELLS@", &escaped(&sells))
            .replace("@FLOW@", &flow)
            .replace("@TENANT_ENV@", &tenant.to_uppercase().replace('-', "_"))
            .replace("@DIGITS@", &digits_of(&tenant))
    };
    let tenant_folder = args.folder.join(&tenant);
    let flow_folder = tenant_folder.join(&flow);
    ensure!(!flow_folder.exists(), "write {}: it is there already; nothing was changed", flow_folder.display());
    let tenant_file = tenant_folder.join(TENANT_FILE);
    if !tenant_file.exists() {
        write(&tenant_file, &fill(tenant_text))?;
    }
    for (path, text) in files {
        write(&flow_folder.join(path), &fill(text))?;
    }
    let (tenant, flow) = (tenant_folder.display(), flow_folder.display());
    println!(
        "{flow} is ready. What now:\n  \
         relais chat {flow}         be the lead\n  \
         relais flow test {flow}    play its golden conversations\n  \
         relais flow check {tenant}\n\
         Then make {flow}/script.toml your own; plugins/qualify/README.md explains every key."
    );
    Ok(ExitCode::SUCCESS)
}

/// Asks on the terminal.
fn ask(question: &str, example: &str, flag: &str) -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        bail!("ask {question:?}: there is no terminal here; write {flag} {example:?}");
    }
    print!("{question} (such as {example}) ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    let answer = answer.trim();
    ensure!(!answer.is_empty(), "go on without an answer");
    Ok(answer.to_owned())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

/// The name of a folder: "Société Générale d'Énergie" is `societe-generale-d-energie`.
fn slug(text: &str) -> anyhow::Result<String> {
    let plain = |letter: char| match letter {
        'à' | 'â' | 'ä' | 'á' | 'ã' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' | 'í' => 'i',
        'ô' | 'ö' | 'ó' | 'õ' => 'o',
        'ù' | 'û' | 'ü' | 'ú' => 'u',
        'ñ' => 'n',
        other => other,
    };
    let letters: String = text
        .to_lowercase()
        .chars()
        .map(plain)
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    let words: Vec<&str> = letters.split('-').filter(|word| !word.is_empty()).collect();
    let slug = words.join("-");
    ensure!(TenantId::is_valid(&slug), "make a folder's name of {text:?}: use letters, at most 64");
    Ok(slug)
}

/// As it stands between quotation marks in TOML.
fn escaped(text: &str) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Nine digits of its own for a tenant, to stand for Meta's identifiers until there are real ones.
fn digits_of(tenant: &str) -> String {
    let number = Sha256::digest(tenant).iter().take(4).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{:09}", number % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_after_what_people_write() {
        assert_eq!(slug("Société Générale d'Énergie").unwrap(), "societe-generale-d-energie");
        assert_eq!(slug("  Panneaux   solaires ").unwrap(), "panneaux-solaires");
        assert!(slug("…").is_err());
        assert_eq!(escaped("L'\"as\"\n"), "L'\\\"as\\\"");
    }
}
