//! A tree of rows in the order of their keys: sled's, or one in memory for a store that need not survive its process.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, PoisonError, RwLock},
};

use sled::IVec;

use super::{flush::Changes, rows::storage};
use crate::store::Result;

/// A row: its key and its value.
pub(super) type Row = (IVec, IVec);

/// Rows in the order of their keys.
pub(super) type Range = Box<dyn DoubleEndedIterator<Item = Result<Row>> + Send>;

/// A tree. Clones are the same tree.
#[derive(Clone)]
pub(super) enum Tree {
    /// In the files of a database.
    Disk(sled::Tree),
    /// In memory only: sled wakes threads for every write even of a database that nobody keeps.
    Memory(Arc<RwLock<BTreeMap<IVec, IVec>>>),
}

impl Tree {
    pub(super) fn in_memory() -> Self {
        Self::Memory(Arc::default())
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<IVec>> {
        match self {
            Self::Disk(tree) => tree.get(key).map_err(storage),
            Self::Memory(rows) => Ok(rows.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()),
        }
    }

    /// Makes all the changes or, when it fails or the process ends meanwhile, none.
    pub(super) fn apply(&self, changes: &Changes) -> Result<()> {
        match self {
            Self::Disk(tree) => tree.apply_batch(batch_of(changes)).map_err(storage),
            Self::Memory(rows) => {
                let mut rows = rows.write().unwrap_or_else(PoisonError::into_inner);
                for (key, value) in changes {
                    match value {
                        Some(value) => rows.insert(key.as_slice().into(), value.clone()),
                        None => rows.remove(key.as_slice()),
                    };
                }
                Ok(())
            }
        }
    }

    /// The rows from `start` to before `end`, from both sides. Those of a database may come or go meanwhile.
    pub(super) fn range(&self, start: Vec<u8>, end: Vec<u8>) -> Range {
        self.between((Bound::Included(start.into()), Bound::Excluded(end.into())))
    }

    /// All rows.
    pub(super) fn iter(&self) -> Range {
        self.between((Bound::Unbounded, Bound::Unbounded))
    }

    fn between(&self, bounds: (Bound<IVec>, Bound<IVec>)) -> Range {
        match self {
            Self::Disk(tree) => Box::new(tree.range(bounds).map(|row| row.map_err(storage))),
            Self::Memory(rows) => {
                let rows = rows.read().unwrap_or_else(PoisonError::into_inner);
                let found: Vec<Row> = rows.range(bounds).map(|(key, value)| (key.clone(), value.clone())).collect();
                Box::new(found.into_iter().map(Ok))
            }
        }
    }
}

fn batch_of(changes: &Changes) -> sled::Batch {
    let mut batch = sled::Batch::default();
    for (key, value) in changes {
        match value {
            Some(value) => batch.insert(key.as_slice(), value),
            None => batch.remove(key.as_slice()),
        }
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a tree in memory gives is what sled gives.
    #[test]
    fn both_kinds_give_the_same_rows() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let trees = [Tree::Disk(db.open_tree("rows").unwrap()), Tree::in_memory()];
        let change = |key: &[u8], value: Option<&[u8]>| (key.to_vec(), value.map(IVec::from));
        let rounds = [
            Changes::from([change(b"a", Some(b"1")), change(b"b", Some(b"2")), change(b"ba", Some(b"3"))]),
            Changes::from([change(b"b", None), change(b"c", Some(b"4")), change(b"never", None)]),
            Changes::from([change(b"c", Some(b"5")), change(b"d", Some(b"6"))]),
        ];
        for changes in &rounds {
            for tree in &trees {
                tree.apply(changes).unwrap();
            }
            let rows = |tree: &Tree, start: &[u8], end: &[u8]| {
                let forth: Vec<Row> = tree.range(start.to_vec(), end.to_vec()).map(Result::unwrap).collect();
                let back: Vec<Row> = tree.range(start.to_vec(), end.to_vec()).rev().map(Result::unwrap).collect();
                let mut meeting = tree.iter();
                let ends = (meeting.next(), meeting.next_back(), meeting.next());
                (forth, back, format!("{ends:?}"), tree.get(start).unwrap())
            };
            for (start, end) in [(&b"a"[..], &b"c"[..]), (b"b", b"e"), (b"", b"b"), (b"b", b"b"), (b"x", b"z")] {
                let [disk, memory] = trees.each_ref().map(|tree| rows(tree, start, end));
                assert_eq!(disk, memory, "from {start:?} to {end:?}");
            }
        }
        let all: Vec<Row> = trees[1].iter().map(Result::unwrap).collect();
        assert_eq!(all.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>(), [&b"a"[..], b"ba", b"c", b"d"]);
    }
}
