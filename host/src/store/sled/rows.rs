//! The rows as they are, under the changes that one call is about to make.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sled::IVec;

use super::{
    flush::{Changes, Layers},
    key::Key,
    tree::{Row, Tree},
};
use crate::{
    model::{ConversationId, Quiet, TenantId},
    store::{Error, Result},
};

/// The first byte of every value: how the rest is written.
const FORMAT: u8 = 1;

/// What a call reads and changes. It reads what was changed before it, in the tree yet or not, and its own changes.
pub(super) struct Rows<'a> {
    tree: &'a Tree,
    /// Changes that are not in the tree yet, the later over the earlier.
    layers: [&'a Changes; 2],
    changes: Changes,
    effects: Vec<Effect>,
    /// The number that the next event to arrive gets.
    pub(super) next_arrival: u64,
}

static NOTHING: Changes = Changes::new();

/// What a change means for the queue, which is in memory, once it is written.
#[derive(Debug)]
pub(super) enum Effect {
    /// An event was filed.
    Filed { owner: Owner, at: Timestamp, is_message: bool },
    /// A conversation is no more.
    Erased { conversation: ConversationId },
    /// A lease ends; the conversation is not to be taken before `not_before`.
    Returned { owner: Owner, not_before: Option<Timestamp> },
}

/// What the queue needs to know of a conversation.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) id: ConversationId,
    pub(super) tenant: TenantId,
    pub(super) quiet: Quiet,
}

impl<'a> Rows<'a> {
    /// What is in the tree: all that has been acknowledged.
    pub(super) fn of_tree(tree: &'a Tree) -> Self {
        Self { tree, layers: [&NOTHING; 2], changes: Changes::new(), effects: Vec::new(), next_arrival: 0 }
    }

    /// What is in the tree or will be.
    pub(super) fn over(tree: &'a Tree, layers: &'a Layers) -> Self {
        Self { layers: [&layers.batch, &layers.gathered], ..Self::of_tree(tree) }
    }

    /// The changes, and what they mean for the queue.
    pub(super) fn into_parts(self) -> (Changes, Vec<Effect>) {
        (self.changes, self.effects)
    }

    pub(super) fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    pub(super) fn then(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        let value = self.value(key)?;
        value.map(|value| decode(key.what(), &value)).transpose()
    }

    pub(super) fn has(&self, key: &Key) -> Result<bool> {
        Ok(self.value(key)?.is_some())
    }

    fn value(&self, key: &Key) -> Result<Option<IVec>> {
        let [under, over] = self.layers;
        for layer in [&self.changes, over, under] {
            if let Some(value) = layer.get(key.bytes()) {
                return Ok(value.clone());
            }
        }
        self.tree.get(key.bytes())
    }

    pub(super) fn put<T: Serialize + ?Sized>(&mut self, key: Key, value: &T) -> Result<()> {
        let value = encode(key.what(), value)?;
        self.changes.insert(key.into_bytes(), Some(value.into()));
        Ok(())
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.changes.insert(key.into_bytes(), None);
    }

    /// Removes a row that was found by its bytes.
    pub(super) fn remove_bytes(&mut self, key: &[u8]) {
        self.changes.insert(key.to_vec(), None);
    }

    /// The rows whose keys begin like `prefix`, in their order.
    pub(super) fn scan<'r, T: DeserializeOwned>(
        &'r self,
        prefix: &Key,
    ) -> impl Iterator<Item = Result<T>> + use<'r, 'a, T> {
        self.between(prefix, prefix)
    }

    /// The rows from the first that begins like `from` to the last that begins like `to`.
    pub(super) fn between<'r, T: DeserializeOwned>(
        &'r self,
        from: &Key,
        to: &Key,
    ) -> impl Iterator<Item = Result<T>> + use<'r, 'a, T> {
        let (start, end, what) = (from.bytes().to_vec(), to.end(), from.what());
        let start = start.min(end.clone());
        let range = start.clone()..end.clone();
        let [under, over] = self.layers;
        let rows = self.tree.range(start, end);
        let rows = merge(rows, under.range(range.clone()), Ord::cmp);
        let rows = merge(rows, over.range(range.clone()), Ord::cmp);
        let rows = merge(rows, self.changes.range(range), Ord::cmp);
        rows.map(move |row| decode(what, &row?.1))
    }

    /// The rows whose keys begin like `prefix`, the last first.
    pub(super) fn scan_back<'r, T: DeserializeOwned>(
        &'r self,
        prefix: &Key,
    ) -> impl Iterator<Item = Result<T>> + use<'r, 'a, T> {
        let what = prefix.what();
        self.rows_back(prefix).map(move |row| decode(what, &row?.1))
    }

    fn rows_back<'r>(&'r self, prefix: &Key) -> impl Iterator<Item = Result<Row>> + use<'r, 'a> {
        let (start, end) = (prefix.bytes().to_vec(), prefix.end());
        let range = start.clone()..end.clone();
        let [under, over] = self.layers;
        let backwards = |a: &[u8], b: &[u8]| b.cmp(a);
        let rows = self.tree.range(start, end).rev();
        let rows = merge(rows, under.range(range.clone()).rev(), backwards);
        let rows = merge(rows, over.range(range.clone()).rev(), backwards);
        merge(rows, self.changes.range(range).rev(), backwards)
    }

    pub(super) fn first<T: DeserializeOwned>(&self, prefix: &Key) -> Result<Option<T>> {
        self.scan(prefix).next().transpose()
    }

    /// The number that ends the last key that begins like `prefix`.
    pub(super) fn last_number(&self, prefix: &Key) -> Result<Option<u64>> {
        let last = self.rows_back(prefix).next().transpose()?;
        Ok(last.and_then(|(key, _)| number_at_end(&key)))
    }
}

fn number_at_end(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Rows with changes over them, in the order of their keys.
fn merge<'a>(
    rows: impl Iterator<Item = Result<Row>>,
    changes: impl Iterator<Item = (&'a Vec<u8>, &'a Option<IVec>)>,
    order: fn(&[u8], &[u8]) -> Ordering,
) -> impl Iterator<Item = Result<Row>> {
    let mut rows = rows.peekable();
    let mut changes = changes.peekable();
    std::iter::from_fn(move || {
        loop {
            let next = match (rows.peek(), changes.peek()) {
                (None, None) => return None,
                (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(Ok((key, _))), Some((change, _))) => order(key, change),
            };
            if next == Ordering::Less {
                return rows.next();
            }
            if next == Ordering::Equal {
                rows.next();
            }
            if let Some((key, Some(value))) = changes.next() {
                return Some(Ok((IVec::from(key.as_slice()), value.clone())));
            }
        }
    })
}

pub(super) fn encode<T: Serialize + ?Sized>(what: &str, value: &T) -> Result<Vec<u8>> {
    let mut bytes = vec![FORMAT];
    serde_json::to_writer(&mut bytes, value).map_err(|error| Error::Storage(format!("write {what}: {error}")))?;
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T> {
    let damaged = |why: String| Error::Damaged { what: what.to_owned(), why };
    match bytes.split_first() {
        Some((&FORMAT, json)) => {
            // The message could quote what it did not understand, which may be someone's words.
            serde_json::from_slice(json).map_err(|error| {
                damaged(format!("it is not as expected ({:?}, column {})", error.classify(), error.column()))
            })
        }
        Some((format, _)) => Err(damaged(format!("it is written in format {format}, this version knows {FORMAT}"))),
        None => Err(damaged("it is empty".to_owned())),
    }
}

/// What went wrong with the files, and what to do about it.
pub(super) fn storage(error: sled::Error) -> Error {
    match error {
        sled::Error::Corruption { .. } => {
            Error::Damaged { what: "the files".to_owned(), why: "a checksum does not match".to_owned() }
        }
        other => Error::Storage(format!("{other}; check the disk, then start again")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sled::key;

    #[test]
    fn a_call_reads_what_lies_over_the_tree() {
        let conversation = ConversationId::from("cv_1");
        let key = |number| key::line(&conversation, number);
        let some = |number: u64| Some(IVec::from(encode("", &number).unwrap()));
        let tree = Tree::in_memory();
        tree.apply(&[1, 2, 4, 6].into_iter().map(|number| (key(number).into_bytes(), some(number))).collect()).unwrap();
        let under = Changes::from([
            (key(1).into_bytes(), some(10)),
            (key(2).into_bytes(), None),
            (key(5).into_bytes(), some(5)),
        ]);
        let over = Changes::from([
            (key(1).into_bytes(), some(11)),
            (key(2).into_bytes(), some(20)),
            (key(7).into_bytes(), some(7)),
        ]);
        let mut rows = Rows { layers: [&under, &over], ..Rows::of_tree(&tree) };
        rows.put(key(0), &0).unwrap();
        rows.put(key(3), &3).unwrap();
        rows.remove(key(4));
        rows.remove(key(7));
        let prefix = key::lines(&conversation);
        let forth: Vec<u64> = rows.scan(&prefix).map(Result::unwrap).collect();
        let back: Vec<u64> = rows.scan_back(&prefix).map(Result::unwrap).collect();
        assert_eq!(forth, [0, 11, 20, 3, 5, 6]);
        assert_eq!(back, [6, 5, 3, 20, 11, 0]);
        assert_eq!(rows.between::<u64>(&key(1), &key(2)).map(Result::unwrap).collect::<Vec<_>>(), [11, 20]);
        assert_eq!(rows.first::<u64>(&prefix).unwrap(), Some(0));
        assert_eq!(
            [1, 2, 4, 6].map(|number| rows.get::<u64>(&key(number)).unwrap()),
            [Some(11), Some(20), None, Some(6)]
        );
        assert_eq!(rows.last_number(&prefix).unwrap(), Some(6));
    }

    #[test]
    fn what_another_version_wrote_is_named() {
        let damage = |bytes: &[u8]| decode::<u64>("a line", bytes).unwrap_err().to_string();
        assert!(damage(&[2, b'1']).contains("read a line from the store: it is written in format 2"));
        assert!(damage(&[]).contains("it is empty"));
        let quoted = damage(b"\x01\"+33612345604\"");
        assert!(quoted.contains("not as expected") && !quoted.contains("+33"), "{quoted}");
        assert_eq!(decode::<u64>("a line", b"\x017").unwrap(), 7);
    }
}
