//! A template as a flow declares it: what Meta approved, so that the host can fill it in, show it in the
//! transcript, and notice when the two differ.

use serde::{Deserialize, Serialize};

use super::blanks::{Piece, blanks, is_number, names, pieces};
use super::limits::is_template_name;
use super::message::{flat, page};
use super::{Header, ListedTemplate, Parameter, TemplateCall};
use crate::model::limits;

/// The categories of Meta. A first message to a sales lead is marketing; Meta may decide otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Offers, and first messages to leads.
    Marketing,
    /// About something the person already asked for.
    Utility,
    /// Codes.
    Authentication,
}

/// A template as `flow.toml` declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Template {
    /// Its name at Meta: `a`–`z`, `0`–`9` and `_`.
    pub name: String,
    /// Its language, as Meta writes it (`fr`, `en_US`).
    pub language: String,
    /// Its category.
    pub category: Category,
    /// A title above, with at most one blank.
    #[serde(default)]
    pub header: Option<String>,
    /// The text, with its blanks: `{{1}}`, `{{2}}`… or `{{name}}`.
    pub body: String,
    /// A line below, without blanks.
    #[serde(default)]
    pub footer: Option<String>,
    /// The texts of its quick-reply buttons.
    #[serde(default)]
    pub quick_replies: Vec<String>,
}

/// What is wrong with a template, with a call of it, or between it and Meta's listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// The declaration itself is wrong.
    #[error("template {name}: {part} {problem}")]
    Declaration {
        /// The template.
        name: String,
        /// Where.
        part: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A call fills other blanks than there are.
    #[error("template {name}: {part} takes {expected}, got {found}")]
    Parameters {
        /// The template.
        name: String,
        /// Where.
        part: &'static str,
        /// The blanks there are.
        expected: String,
        /// The blanks filled.
        found: String,
    },
    /// A blank is filled with nothing, which Meta refuses.
    #[error("template {name}: parameter {parameter} is empty")]
    Empty {
        /// The template.
        name: String,
        /// The blank.
        parameter: String,
    },
    /// The call is of another template.
    #[error("template {name}: the call is of another template or language")]
    Other {
        /// The template.
        name: String,
    },
    /// Meta has no such template in that language.
    #[error(
        "template {name}: not found at Meta in language {language} ({others}): create it, or correct the name or the language"
    )]
    Missing {
        /// The template.
        name: String,
        /// The language looked for.
        language: String,
        /// In which languages there is one of that name, in words.
        others: String,
    },
    /// Meta has it, and it asks for something that a flow cannot give.
    #[error("template {name}: {part} at Meta asks for {found}, which a flow cannot give")]
    Unfillable {
        /// The template.
        name: String,
        /// Where.
        part: &'static str,
        /// What it asks for.
        found: String,
    },
    /// Meta has it, but differently.
    #[error("template {name}: {part} at Meta is {found}, here it is {expected}")]
    Differs {
        /// The template.
        name: String,
        /// What differs.
        part: &'static str,
        /// As declared.
        expected: String,
        /// As listed.
        found: String,
    },
}

impl Template {
    /// What is wrong with the declaration itself; nothing when it could be approved.
    #[must_use]
    pub fn check(&self) -> Vec<TemplateProblem> {
        let mut problems = Vec::new();
        let mut wrong = |part, problem: String| {
            problems.push(TemplateProblem::Declaration { name: self.name.clone(), part, problem });
        };
        if self.name.is_empty() || self.name.len() > limits::TEMPLATE_NAME || !is_template_name(&self.name) {
            wrong("name", "must be 1 to 512 of a-z, 0-9 and _".to_owned());
        }
        if self.language.is_empty() {
            wrong("language", "is empty: write it as Meta does, such as fr or en_US".to_owned());
        }
        if self.body.trim().is_empty() {
            wrong("body", "is empty".to_owned());
        }
        if self.quick_replies.len() > limits::QUICK_REPLIES {
            let count = self.quick_replies.len();
            wrong("quick-replies", format!("are {count}, {} are allowed", limits::QUICK_REPLIES));
        }
        let texts = [
            ("header", self.header.as_deref(), limits::HEADER),
            ("body", Some(self.body.as_str()), limits::TEMPLATE_BODY),
            ("footer", self.footer.as_deref(), limits::FOOTER),
        ];
        let buttons =
            self.quick_replies.iter().map(|text| ("quick-replies", Some(text.as_str()), limits::QUICK_REPLY_TITLE));
        for (part, text, limit) in texts.into_iter().chain(buttons) {
            let actual = limits::length(text.unwrap_or_default());
            if actual > limit {
                wrong(part, format!("is {actual} characters long, {limit} are allowed"));
            }
        }
        let header = blanks(self.header.as_deref().unwrap_or_default());
        if header.len() > 1 {
            wrong("header", "has more than one blank".to_owned());
        }
        if !blanks(self.footer.as_deref().unwrap_or_default()).is_empty() {
            wrong("footer", "cannot have blanks".to_owned());
        }
        let body = blanks(&self.body);
        let numbers = body.iter().filter(|blank| is_number(blank)).count();
        let all_here = (1..=numbers).all(|number| body.contains(&number.to_string().as_str()));
        if numbers > 0 && numbers < body.len() {
            wrong("body", "mixes numbered and named blanks".to_owned());
        } else if !all_here {
            wrong("body", format!("must number its blanks from 1 without a gap, has {}", body.join(", ")));
        }
        problems
    }

    /// Whether its blanks have names rather than numbers.
    #[must_use]
    pub fn is_named(&self) -> bool {
        blanks(&self.body).iter().any(|blank| !is_number(blank))
    }

    /// The names of the body's blanks in the order in which a call fills them: numbers by value, names as they appear.
    #[must_use]
    pub fn parameters(&self) -> Vec<&str> {
        let mut body = blanks(&self.body);
        if !self.is_named() {
            body.sort_by_key(|number| number.parse::<usize>().unwrap_or(usize::MAX));
        }
        body
    }

    /// The name of the header's blank; none when it has none.
    #[must_use]
    pub fn header_parameter(&self) -> Option<&str> {
        blanks(self.header.as_deref()?).first().copied()
    }

    /// The call that fills the template with `values`: first the header's, if it has a blank, then the body's in order.
    #[must_use]
    pub fn call(&self, values: &[String]) -> TemplateCall {
        let named = |blank: &str| Some(blank.to_owned()).filter(|name| !is_number(name));
        let (header, body) = match (self.header_parameter(), values.split_first()) {
            (Some(blank), Some((text, body))) => {
                (Some(Header::Text(Parameter { name: named(blank), text: text.clone() })), body)
            }
            _ => (None, values),
        };
        let blanks = self.parameters();
        let body = body.iter().enumerate().map(|(place, text)| Parameter {
            name: blanks.get(place).and_then(|blank| named(blank)),
            text: text.clone(),
        });
        let body = body.collect();
        TemplateCall { name: self.name.clone(), language: self.language.clone(), header, body, buttons: Vec::new() }
    }

    /// How many values a call of it takes, the header's included.
    #[must_use]
    pub fn values(&self) -> usize {
        self.parameters().len() + usize::from(self.header_parameter().is_some())
    }

    /// The text as the person sees it: header, body, footer, and the quick replies in brackets.
    ///
    /// # Errors
    /// The first thing that keeps the call from filling the template: another name, missing, surplus or empty parameters.
    pub fn render(&self, call: &TemplateCall) -> Result<String, TemplateProblem> {
        if call.name != self.name || call.language != self.language {
            return Err(TemplateProblem::Other { name: self.name.clone() });
        }
        let header = match (&self.header, &call.header) {
            (Some(text), Some(Header::Text(parameter))) => {
                Some(self.fill("header", text, &blanks(text), std::slice::from_ref(parameter))?)
            }
            (Some(text), _) => Some(self.fill("header", text, &blanks(text), &[])?),
            (None, Some(Header::Text(parameter))) => {
                Some(self.fill("header", "", &[], std::slice::from_ref(parameter))?)
            }
            (None, _) => None,
        };
        let body = self.fill("body", &self.body, &self.parameters(), &call.body)?;
        let buttons: Vec<&str> = self.quick_replies.iter().map(String::as_str).collect();
        Ok(page(header.as_deref(), &body, self.footer.as_deref(), &buttons))
    }

    /// One text with its blanks filled.
    fn fill(
        &self,
        part: &'static str,
        text: &str,
        blanks: &[&str],
        given: &[Parameter],
    ) -> Result<String, TemplateProblem> {
        let is_named = blanks.iter().any(|blank| !is_number(blank));
        let filling = |(place, blank): (usize, &&str)| {
            if is_named {
                given.iter().find(|parameter| parameter.name.as_deref() == Some(blank))
            } else {
                given.get(place).filter(|parameter| parameter.name.is_none())
            }
        };
        let filled: Option<Vec<&Parameter>> = blanks.iter().enumerate().map(filling).collect();
        let Some(filled) = filled.filter(|_| given.len() == blanks.len()) else {
            let found: Vec<String> = (1..)
                .zip(given)
                .map(|(place, parameter): (usize, _)| parameter.name.clone().unwrap_or_else(|| place.to_string()))
                .collect();
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            return Err(TemplateProblem::Parameters {
                name: self.name.clone(),
                part,
                expected: names(blanks),
                found: names(&found),
            });
        };
        if let Some((blank, _)) = blanks.iter().zip(&filled).find(|(_, p)| p.text.trim().is_empty()) {
            return Err(TemplateProblem::Empty { name: self.name.clone(), parameter: (*blank).to_owned() });
        }
        let filled_blank = |name: &str| {
            let place = blanks.iter().position(|blank| *blank == name)?;
            filled.get(place).map(|parameter| flat(&parameter.text))
        };
        let piece = |piece: Piece<'_>| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Blank(name) => filled_blank(name).unwrap_or_default(),
        };
        Ok(pieces(text).into_iter().map(piece).collect())
    }

    /// Compares the declaration with Meta's listing; nothing when it is approved and the same.
    #[must_use]
    pub fn compare(&self, listed: &[ListedTemplate]) -> Vec<TemplateProblem> {
        let name = || self.name.clone();
        let same_name = || listed.iter().filter(|found| found.name == self.name);
        let Some(found) = same_name().find(|found| found.language == self.language) else {
            let languages: Vec<&str> = same_name().map(|found| found.language.as_str()).collect();
            let others = if languages.is_empty() {
                "nor in any other".to_owned()
            } else {
                format!("only in {}", languages.join(", "))
            };
            return vec![TemplateProblem::Missing { name: name(), language: self.language.clone(), others }];
        };
        let category = format!("{:?}", self.category).to_uppercase();
        let replies = |texts: &[String]| {
            if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
        };
        let text = |text: Option<&str>| text.filter(|t| !t.is_empty()).unwrap_or("none").to_owned();
        let sorted = |text: &str| {
            let mut found = blanks(text);
            found.sort_by_key(|blank| (blank.parse::<usize>().ok(), *blank));
            names(&found)
        };
        let own_header = self.header.as_deref().unwrap_or_default();
        let (header, body) = (found.header().unwrap_or_default(), found.body().unwrap_or_default());
        let pairs = [
            ("status", "APPROVED".to_owned(), found.status.clone()),
            ("category", category, found.category.clone()),
            ("header parameters", sorted(own_header), sorted(&header)),
            ("parameters", sorted(&self.body), sorted(&body)),
            ("header", text(self.header.as_deref()), text(found.header().as_deref())),
            ("body", text(Some(&self.body)), text(found.body().as_deref())),
            ("footer", text(self.footer.as_deref()), text(found.footer().as_deref())),
            ("quick-replies", replies(&self.quick_replies), replies(&found.quick_replies())),
        ];
        let differs = pairs.into_iter().filter(|(_, expected, found)| expected.trim() != found.trim());
        let mut problems: Vec<_> = differs
            .map(|(part, expected, found)| TemplateProblem::Differs { name: name(), part, expected, found })
            .collect();
        if let Some(media) = found.header_media() {
            problems.push(TemplateProblem::Unfillable { name: name(), part: "header", found: media });
        }
        let links = found.open_links();
        if !links.is_empty() {
            problems.push(TemplateProblem::Unfillable { name: name(), part: "buttons", found: links.join(", ") });
        }
        problems
    }
}

impl TemplateProblem {
    /// Whether Meta refuses the template because of it. What does not keep it from being sent only makes the transcript
    /// show something else than what the person reads, or the invoice.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Differs { part, .. } => matches!(*part, "status" | "parameters" | "header parameters"),
            _ => true,
        }
    }
}
