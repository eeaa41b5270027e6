//! Texts as script authors write them: one, several variants, one per language, with a pause of its own.

use std::collections::BTreeMap;
use std::fmt;

use relais_sdk::Seconds;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What WhatsApp takes, in UTF-16 units: a text, a text with buttons or a list, a button's title, a row's title.
pub(crate) const MOST_TEXT: usize = 4_096;
pub(crate) const MOST_WITH_BUTTONS: usize = 1_024;
pub(crate) const MOST_BUTTON: usize = 20;
pub(crate) const MOST_ROW: usize = 24;

/// The length of a text as the stricter of the ways in which WhatsApp may count.
pub(crate) fn width(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A text of `script.toml`.
///
/// * `"Hello"`: one text for every language;
/// * `["Hello", "Good morning"]`: variants, taken in turn;
/// * `{ fr = "Bonjour", en = ["Hello", "Hi"] }`: by language;
/// * `{ text = …, after = "90s" }`: any of these, sent after another pause than the script's pace.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Text {
    /// Variants by language; the key is empty for "every language".
    pub(crate) variants: BTreeMap<String, Vec<String>>,
    /// The human pause before this text.
    pub(crate) after: Option<Seconds>,
}

impl Text {
    /// The variants for a language; else those for every language; else those of the first language there is.
    pub(crate) fn variants_for(&self, language: &str) -> &[String] {
        let found = self.variants.get(language).or_else(|| self.variants.get(""));
        found.or_else(|| self.variants.values().next()).map_or(&[], Vec::as_slice)
    }

    /// Every variant of every language, with its path below the text's own (`""`, `".1"`, `".fr"`, `".fr.0"`).
    pub(crate) fn sources(&self) -> impl Iterator<Item = (String, &str)> {
        self.variants.iter().flat_map(|(language, list)| {
            list.iter().enumerate().map(move |(index, source)| {
                let mut path = String::new();
                if !language.is_empty() {
                    path = format!(".{language}");
                }
                if list.len() > 1 {
                    path = format!("{path}.{index}");
                }
                (path, source.as_str())
            })
        })
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { variants: BTreeMap::from([(String::new(), vec![text.to_owned()])]), after: None }
    }
}

/// The name of a template: one for every language, or one by language.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Name(Text);

impl Name {
    /// The template for a language.
    pub(crate) fn in_language(&self, language: &str) -> &str {
        self.0.variants_for(language).first().map_or("", String::as_str)
    }

    /// The same as a text, to be checked as one.
    pub(crate) fn as_text(&self) -> &Text {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        if text.after.is_some() || text.variants.values().any(|list| list.len() != 1) {
            return Err(Error::custom("a template's name is one text, or one by language"));
        }
        Ok(Self(text))
    }
}

/// One text or a list of variants.
struct Variants(Vec<String>);

impl<'de> Deserialize<'de> for Variants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Variants;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Variants, E> {
                Ok(Variants(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Variants, A::Error> {
                let mut out = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    out.push(text);
                }
                Ok(Variants(out))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a list of texts, texts by language, or { text = …, after = \"30s\" }")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text::from(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Text, A::Error> {
                let mut out = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    out.push(text);
                }
                Ok(Text { variants: BTreeMap::from([(String::new(), out)]), after: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                let mut out = Text::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "after" => out.after = Some(map.next_value()?),
                        "text" => out.variants.extend(map.next_value::<Text>()?.variants),
                        language => {
                            if !is_language(language) {
                                return Err(Error::custom(format!(
                                    "unknown key `{language}`: write `text`, `after` or a language such as `fr`"
                                )));
                            }
                            out.variants.insert(key, map.next_value::<Variants>()?.0);
                        }
                    }
                }
                Ok(out)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// True for `fr`, `pt-BR`: two letters, perhaps a region.
pub(crate) fn is_language(tag: &str) -> bool {
    let (head, tail) = tag.split_once('-').unwrap_or((tag, ""));
    let letters = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric());
    head.len() == 2 && head.chars().all(|c| c.is_ascii_lowercase()) && letters(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_writing_a_text_is_read() {
        let read = |json: &str| serde_json::from_str::<Text>(json);
        assert_eq!(read(r#""a""#).unwrap(), Text::from("a"));
        assert_eq!(read(r#"["a","b"]"#).unwrap().variants_for("fr"), ["a", "b"]);
        let both = read(r#"{"text":{"fr":"a","en":["b","c"]},"after":"2m30s"}"#).unwrap();
        assert_eq!(
            (both.variants_for("en"), both.variants_for("de"), both.after),
            (&["b".to_owned(), "c".to_owned()][..], &["b".to_owned(), "c".to_owned()][..], Some(Seconds(150)))
        );
        let paths: Vec<_> = both.sources().map(|(path, _)| path).collect();
        assert_eq!(paths, [".en.0", ".en.1", ".fr"]);
        for wrong in ["3", r#"{"txt":"a"}"#, r#"{"Francais":"a"}"#, r#"{"after":"soon","text":"a"}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
