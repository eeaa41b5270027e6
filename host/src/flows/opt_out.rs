//! `[opt-out]` of `tenant.toml`: which words end a conversation for good, and what is answered to them.

use serde::Deserialize;

use crate::whatsapp::{Keywords, Outgoing};

/// How people opt out of a tenant's messages, and back in.
#[derive(Clone, Debug, Default)]
pub struct OptOut {
    /// What counts as STOP and as START.
    pub keywords: Keywords,
    /// Answered once to a STOP, the only thing that may leave after it; nothing without one.
    pub confirmation: Option<String>,
}

/// As written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Written {
    stop_words: Vec<String>,
    start_words: Vec<String>,
    except: Vec<String>,
    confirmation: Option<String>,
}

impl Written {
    /// What it means; problems are keys and what is wrong with them.
    pub(super) fn read(self) -> Result<OptOut, Vec<(String, String)>> {
        let mut problems = Vec::new();
        let lists = [("stop-words", &self.stop_words), ("start-words", &self.start_words), ("except", &self.except)];
        for (key, words) in lists {
            for (index, word) in words.iter().enumerate() {
                if !word.chars().any(char::is_alphanumeric) {
                    problems.push((format!("opt-out.{key}.{index}"), "has neither a letter nor a digit".to_owned()));
                }
            }
        }
        if self.except.iter().any(|word| word.trim().eq_ignore_ascii_case("stop")) {
            problems.push(("opt-out.except".to_owned(), "STOP itself always counts; leave it out".to_owned()));
        }
        if let Some(text) = &self.confirmation
            && let Err(found) = (Outgoing::Text { body: text.clone(), preview_url: false }).check()
        {
            problems.extend(found.iter().map(|problem| ("opt-out.confirmation".to_owned(), problem.to_string())));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let keywords = Keywords::default().except(&self.except).with(&self.stop_words, &self.start_words);
        Ok(OptOut { keywords, confirmation: self.confirmation })
    }
}
