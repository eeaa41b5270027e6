//! What was found of a tenant's account, and what to do about it.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// In order.
    Ok,
    /// Works, but look at it.
    Warning,
    /// Will fail.
    Wrong,
    /// Could not be looked at, because of something else that is wrong.
    Skipped,
}

impl Verdict {
    /// Whether the command is to fail.
    pub(super) fn is_wrong(self) -> bool {
        matches!(self, Self::Wrong | Self::Skipped)
    }
}

/// One thing looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// Whose.
    pub(super) tenant: String,
    /// What was looked at: one word.
    pub(super) check: &'static str,
    /// How bad it is.
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

impl Finding {
    /// Without a remedy.
    pub(super) fn new(tenant: &str, check: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self { tenant: tenant.to_owned(), check, verdict, found: found.into(), remedy: None }
    }

    /// With what to do about it.
    pub(super) fn advise(mut self, remedy: &str) -> Self {
        self.remedy = Some(remedy.to_owned()).filter(|remedy| !remedy.is_empty());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "look at",
            Verdict::Wrong => "WRONG",
            Verdict::Skipped => "skipped",
        };
        write!(f, "  {mark:<8} {:<13} {}", self.check, self.found)?;
        match &self.remedy {
            Some(remedy) => write!(f, " → {remedy}"),
            None => Ok(()),
        }
    }
}
