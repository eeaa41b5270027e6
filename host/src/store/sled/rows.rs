//! The rows as they are, under the changes that one call is about to make.

use std::{cmp::Ordering, collections::BTreeMap};

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sled::{IVec, Tree};

use super::key::Key;
use crate::{
    model::{ConversationId, Quiet, TenantId},
    store::{Error, Result},
};

/// The first byte of every value: how the rest is written.
const FORMAT: u8 = 1;

/// What a call reads and changes. It reads its own changes; nothing is written before [`Rows::into_parts`].
pub(super) struct Rows<'a> {
    tree: &'a Tree,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    effects: Vec<Effect>,
    /// The number that the next event to arrive gets.
    pub(super) next_arrival: u64,
}

/// What a change means for the queue, which is in memory, once it is written.
#[derive(Debug)]
pub(super) enum Effect {
    /// An event was filed.
    Filed { owner: Owner, at: Timestamp, is_message: bool },
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
    pub(super) fn new(tree: &'a Tree) -> Self {
        Self { tree, changes: BTreeMap::new(), effects: Vec::new(), next_arrival: 0 }
    }

    /// What is to be written, and what it then means for the queue; nothing when there is nothing to write.
    pub(super) fn into_parts(self) -> (Option<sled::Batch>, Vec<Effect>) {
        if self.changes.is_empty() {
            return (None, self.effects);
        }
        let mut batch = sled::Batch::default();
        for (key, value) in self.changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        (Some(batch), self.effects)
    }

    pub(super) fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    pub(super) fn then(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        match self.changes.get(key.bytes()) {
            Some(Some(value)) => decode(key.what(), value).map(Some),
            Some(None) => Ok(None),
            None => match self.tree.get(key.bytes()).map_err(storage)? {
                Some(value) => decode(key.what(), &value).map(Some),
                None => Ok(None),
            },
        }
    }

    pub(super) fn has(&self, key: &Key) -> Result<bool> {
        match self.changes.get(key.bytes()) {
            Some(value) => Ok(value.is_some()),
            None => self.tree.contains_key(key.bytes()).map_err(storage),
        }
    }

    pub(super) fn put<T: Serialize + ?Sized>(&mut self, key: Key, value: &T) -> Result<()> {
        let value = encode(key.what(), value)?;
        self.changes.insert(key.into_bytes(), Some(value));
        Ok(())
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.changes.insert(key.into_bytes(), None);
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
        let (start, end) = if start < end { (start, end) } else { (end.clone(), end) };
        let stored = self.tree.range(start.clone()..end.clone());
        let changed = self.changes.range(start..end);
        merge(stored, changed, Ord::cmp).map(move |value| decode(what, &value?))
    }

    /// The rows whose keys begin like `prefix`, the last first.
    pub(super) fn scan_back<'r, T: DeserializeOwned>(
        &'r self,
        prefix: &Key,
    ) -> impl Iterator<Item = Result<T>> + use<'r, 'a, T> {
        let (start, end, what) = (prefix.bytes().to_vec(), prefix.end(), prefix.what());
        let stored = self.tree.range(start.clone()..end.clone()).rev();
        let changed = self.changes.range(start..end).rev();
        merge(stored, changed, |a, b| b.cmp(a)).map(move |value| decode(what, &value?))
    }

    pub(super) fn first<T: DeserializeOwned>(&self, prefix: &Key) -> Result<Option<T>> {
        self.scan(prefix).next().transpose()
    }

    pub(super) fn last<T: DeserializeOwned>(&self, prefix: &Key) -> Result<Option<T>> {
        self.scan_back(prefix).next().transpose()
    }

    /// The number that ends the last key that begins like `prefix`.
    pub(super) fn last_number(&self, prefix: &Key) -> Result<Option<u64>> {
        let (start, end) = (prefix.bytes().to_vec(), prefix.end());
        let stored = match self.tree.range(start.clone()..end.clone()).next_back() {
            Some(row) => number_at_end(&row.map_err(storage)?.0),
            None => None,
        };
        // A call that removes rows of a numbered kind never adds to it, so a removed one may count here.
        let changed = self.changes.range(start..end).next_back().and_then(|(key, _)| number_at_end(key));
        Ok(stored.max(changed))
    }
}

fn number_at_end(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Both sequences as one, in the order of their keys; a change stands for the stored row of its key.
fn merge<'a>(
    stored: impl Iterator<Item = sled::Result<(IVec, IVec)>>,
    changed: impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)>,
    order: fn(&[u8], &[u8]) -> Ordering,
) -> impl Iterator<Item = Result<IVec>> {
    let mut stored = stored.peekable();
    let mut changed = changed.peekable();
    std::iter::from_fn(move || {
        loop {
            let next = match (stored.peek(), changed.peek()) {
                (None, None) => return None,
                (Some(Err(_)) | Some(Ok(_)), None) | (Some(Err(_)), _) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(Ok((key, _))), Some((change, _))) => order(key, change),
            };
            if next == Ordering::Less {
                let row = stored.next()?;
                return Some(row.map(|(_, value)| value).map_err(storage));
            }
            if next == Ordering::Equal {
                stored.next();
            }
            if let Some((_, Some(value))) = changed.next() {
                return Some(Ok(IVec::from(value.as_slice())));
            }
        }
    })
}

pub(super) fn encode<T: Serialize + ?Sized>(what: &str, value: &T) -> Result<Vec<u8>> {
    let mut bytes = vec![FORMAT];
    serde_json::to_writer(&mut bytes, value)
        .map_err(|error| Error::Storage(format!("write {what}: {error}")))?;
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T> {
    let damaged = |why: String| Error::Damaged { what: what.to_owned(), why };
    match bytes.split_first() {
        Some((&FORMAT, json)) => {
            // The message could quote what it did not understand, which may be someone's words.
            serde_json::from_slice(json)
                .map_err(|error| damaged(format!("it is not as expected ({:?}, column {})", error.classify(), error.column())))
        }
        Some((format, _)) => Err(damaged(format!("it is written in format {format}, this version knows {FORMAT}"))),
        None => Err(damaged("it is empty".to_owned())),
    }
}

/// What went wrong with the files, and what to do about it.
pub(super) fn storage(error: sled::Error) -> Error {
    match error {
        sled::Error::Corruption { .. } => Error::Damaged {
            what: "the files".to_owned(),
            why: "a checksum does not match".to_owned(),
        },
        other => Error::Storage(format!("{other}; check the disk, then start again")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sled::key;

    #[test]
    fn a_call_reads_its_own_changes() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let conversation = ConversationId::from("cv_1");
        let key = |number| key::line(&conversation, number);
        for number in [1, 2, 4] {
            db.insert(key(number).bytes(), encode("", &number).unwrap()).unwrap();
        }
        let mut rows = Rows::new(&db);
        rows.put(key(0), &0).unwrap();
        rows.put(key(2), &20).unwrap();
        rows.put(key(3), &3).unwrap();
        rows.remove(key(4));
        let prefix = key::lines(&conversation);
        let forth: Vec<u64> = rows.scan(&prefix).map(Result::unwrap).collect();
        let back: Vec<u64> = rows.scan_back(&prefix).map(Result::unwrap).collect();
        assert_eq!(forth, [0, 1, 20, 3]);
        assert_eq!(back, [3, 20, 1, 0]);
        assert_eq!(rows.between::<u64>(&key(1), &key(2)).map(Result::unwrap).collect::<Vec<_>>(), [1, 20]);
        assert_eq!(rows.first::<u64>(&prefix).unwrap(), Some(0));
        assert_eq!(rows.get::<u64>(&key(4)).unwrap(), None);
        assert_eq!(rows.last_number(&prefix).unwrap(), Some(4));
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
