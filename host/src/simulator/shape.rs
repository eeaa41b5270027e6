//! Reading a request's JSON with errors that name the parameter.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// An object of a request with its path, such as `interactive.body`.
pub(super) struct Shape<'v> {
    fields: &'v Map<String, Value>,
    path: String,
}

impl<'v> Shape<'v> {
    /// `value` as an object.
    pub(super) fn of(value: &'v Value, path: &str) -> Result<Self, Refusal> {
        let fields =
            value.as_object().ok_or_else(|| Refusal::parameter(format!("Param {path} must be a JSON object.")))?;
        Ok(Self { fields, path: path.to_owned() })
    }

    /// Where `name` is.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Refuses fields other than `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Refusal::parameter(format!("Unexpected key \"{name}\" on param \"{}\".", self.path))),
            None => Ok(()),
        }
    }

    /// A field that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&'v Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A required object.
    pub(super) fn object(&self, name: &str) -> Result<Self, Refusal> {
        self.optional_object(name)?.ok_or_else(|| Refusal::missing(&self.at(name)))
    }

    /// An object that may be absent.
    pub(super) fn optional_object(&self, name: &str) -> Result<Option<Self>, Refusal> {
        self.get(name).map(|value| Self::of(value, &self.at(name))).transpose()
    }

    /// A required list of 1 to `most` items.
    pub(super) fn items(&self, name: &str, most: usize) -> Result<&'v [Value], Refusal> {
        let path = self.at(name);
        let value = self.get(name).ok_or_else(|| Refusal::missing(&path))?;
        let items = value.as_array().ok_or_else(|| Refusal::parameter(format!("Param {path} must be an array.")))?;
        if items.is_empty() || items.len() > most {
            return Err(Refusal::value(&path, &format!("must have between 1 and {most} items, not {}", items.len())));
        }
        Ok(items)
    }

    /// A required text that is not blank, of at most `most` characters.
    pub(super) fn text(&self, name: &str, most: usize) -> Result<&'v str, Refusal> {
        self.optional_text(name, most)?.ok_or_else(|| Refusal::missing(&self.at(name)))
    }

    /// A text that may be absent but not blank, of at most `most` characters.
    pub(super) fn optional_text(&self, name: &str, most: usize) -> Result<Option<&'v str>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let path = self.at(name);
        let text = value.as_str().ok_or_else(|| Refusal::parameter(format!("Param {path} must be a string.")))?;
        if text.trim().is_empty() {
            return Err(Refusal::missing(&path));
        }
        let length = text.chars().count();
        if length > most {
            return Err(Refusal::value(&path, &format!("must be at most {most} characters long, not {length}")));
        }
        Ok(Some(text))
    }

    /// A required number.
    pub(super) fn number(&self, name: &str) -> Result<f64, Refusal> {
        let path = self.at(name);
        let value = self.get(name).ok_or_else(|| Refusal::missing(&path))?;
        let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
        number.ok_or_else(|| Refusal::parameter(format!("Param {path} must be a number.")))
    }
}

/// A field that is a text.
pub(super) fn string<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// A field that is a list; empty when it is not.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Adds a field to an object.
pub(super) fn set(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}
