//! A JSON object that keeps its keys in the order of writing.
//!
//! `serde_json`'s own ordered map needs a hash map, and with it randomness that a component should not import.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// An object under construction.
#[derive(Debug, Default)]
pub(crate) struct Ordered(Vec<(String, Node)>);

#[derive(Debug)]
enum Node {
    Value(Value),
    Object(Ordered),
}

impl Ordered {
    /// Puts a value at a dotted path, making the objects on the way. What is already at that path is replaced.
    pub(crate) fn put(&mut self, path: &str, value: Value) {
        match path.split_once('.') {
            None => *self.entry(path) = Node::Value(value),
            Some((head, tail)) => {
                let node = self.entry(head);
                if let Node::Object(inner) = node {
                    inner.put(tail, value);
                } else {
                    let mut inner = Self::default();
                    inner.put(tail, value);
                    *node = Node::Object(inner);
                }
            }
        }
    }

    fn entry(&mut self, key: &str) -> &mut Node {
        let at = self.0.iter().position(|(known, _)| known == key).unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push((key.to_owned(), Node::Value(Value::Null)));
        }
        #[expect(clippy::indexing_slicing, reason = "`at` was found or pushed just above")]
        &mut self.0[at].1
    }
}

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, node) in &self.0 {
            match node {
                Node::Value(value) => map.serialize_entry(key, value)?,
                Node::Object(inner) => map.serialize_entry(key, inner)?,
            }
        }
        map.end()
    }
}
