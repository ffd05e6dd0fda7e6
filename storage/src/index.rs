//! Rows that are also found by other keys: index entries and unique keys, written in the commit that
//! writes the row, so that a list, a count or a look-up never lags behind it.
//!
//! An index entry is the row (index table, (), key ‖ primary key), a unique key the row (unique table, (),
//! key); the value of both is the primary key.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contract::{Direction, Home, KeyRange, Partition, RowAt, StoreError, TableId};
use crate::key::{self, KeyPart};
use crate::store::Store;
use crate::table::Table;
use crate::transaction::{Race, Transaction};
use crate::value::Value;

/// Another order in which the rows of a table are read.
pub struct Index<V> {
    /// The table of its entries.
    pub id: u16,
    /// Its name, for errors and logs.
    pub name: &'static str,
    /// The encoded keys ([`key::encode`]) under which a row stands; none leaves it out.
    pub keys: fn(&V) -> Vec<Bytes>,
}

/// A key that one row of a table has at most.
pub struct Unique<V> {
    /// The table of the keys.
    pub id: u16,
    /// Its name, which [`IndexError::Taken`] tells.
    pub name: &'static str,
    /// The encoded key of a row; none claims nothing.
    pub key: fn(&V) -> Option<Bytes>,
}

/// A table with its indexes and unique keys. All rows of one home are one partition.
pub struct Indexed<K: 'static, V: 'static> {
    /// The rows themselves.
    pub rows: Table<(), K, V>,
    /// The other orders.
    pub indexes: &'static [Index<V>],
    /// The keys that are unique.
    pub uniques: &'static [Unique<V>],
}

/// Why a row was not written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IndexError {
    /// Another row has this unique key.
    #[error("another row has the same {0}")]
    Taken(&'static str),
    /// What the store answers.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Race for IndexError {
    fn lost_race(&self) -> bool {
        matches!(self, Self::Store(error) if error.lost_race())
    }

    fn contended() -> Self {
        Self::Store(StoreError::Contended)
    }
}

impl<K: KeyPart + Sync, V: Serialize + DeserializeOwned + Sync> Indexed<K, V> {
    /// Writes (`Some`) or deletes (`None`) the row of `key` with all its entries, and tells what was there.
    /// What is read is expected by the commit, so that two writers can't both win.
    ///
    /// # Errors
    /// [`IndexError::Taken`] when another row has one of its unique keys.
    pub async fn replace(
        &self,
        t: &mut Transaction,
        key: &K,
        new: Option<&V>,
    ) -> Result<Option<V>, IndexError> {
        let old = t.read(&self.rows, &(), key).await?;
        for unique in self.uniques {
            self.claim(t, unique, key, old.as_ref(), new).await?;
        }
        for index in self.indexes {
            let keys = |row: Option<&V>| row.map_or_else(Vec::new, |row| (index.keys)(row));
            let (before, after) = (keys(old.as_ref()), keys(new));
            for gone in before.iter().filter(|one| !after.contains(one)) {
                t.delete(entry_at(index.id, gone, key));
            }
            for come in after.iter().filter(|one| !before.contains(one)) {
                t.put(
                    entry_at(index.id, come, key),
                    Value::bytes(key::encode(key)),
                );
            }
        }
        match new {
            Some(row) => t.set(&self.rows, &(), key, row)?,
            None => t.delete(self.rows.at(&(), key)),
        }
        Ok(old)
    }

    async fn claim(
        &self,
        t: &mut Transaction,
        unique: &Unique<V>,
        key: &K,
        old: Option<&V>,
        new: Option<&V>,
    ) -> Result<(), IndexError> {
        let of = |row: Option<&V>| row.and_then(|row| (unique.key)(row));
        let (before, after) = (of(old), of(new));
        if before == after {
            return Ok(());
        }
        if let Some(after) = after {
            let at = unique_at(unique.id, after);
            if t.get(&at).await?.is_some() {
                return Err(IndexError::Taken(unique.name));
            }
            t.put(at, Value::bytes(key::encode(key)));
        }
        if let Some(before) = before {
            t.delete(unique_at(unique.id, before));
        }
        Ok(())
    }

    /// The primary keys under `range` of the index `id`, in its order, each with the entry's own key, which
    /// the next page goes on after ([`KeyRange::after`]).
    ///
    /// # Errors
    /// What the store answers.
    pub async fn find(
        &self,
        store: &Store,
        home: &Home,
        id: u16,
        range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, K)>, StoreError> {
        let index = self.indexes.iter().find(|index| index.id == id);
        let index = index
            .ok_or_else(|| StoreError::Corrupt(format!("no index {id} of {}", self.rows.name())))?;
        let partition = Partition {
            table: TableId::new(id),
            name: key::encode(&()),
        };
        let entries = store
            .scan(home, &partition, range, direction, limit)
            .await?;
        entries
            .into_iter()
            .map(|(entry, row)| Ok((entry, primary(&row.value, index.name)?)))
            .collect()
    }

    /// The primary key that has the unique key `value` of `id`.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn holder(
        &self,
        store: &Store,
        home: &Home,
        id: u16,
        value: Bytes,
    ) -> Result<Option<K>, StoreError> {
        let row = store.get(home, &unique_at(id, value)).await?;
        row.map(|row| primary(&row.value, self.rows.name()))
            .transpose()
    }
}

fn primary<K: KeyPart>(value: &[u8], name: &str) -> Result<K, StoreError> {
    key::decode(value).map_err(|error| StoreError::Corrupt(format!("an entry of {name}: {error}")))
}

fn entry_at<K: KeyPart>(id: u16, index_key: &[u8], key: &K) -> RowAt {
    let mut whole = index_key.to_vec();
    key.encode(&mut whole);
    RowAt {
        table: TableId::new(id),
        partition: key::encode(&()),
        key: whole.into(),
    }
}

fn unique_at(id: u16, key: Bytes) -> RowAt {
    RowAt {
        table: TableId::new(id),
        partition: key::encode(&()),
        key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::transaction::retry;
    use serde::Deserialize;
    use std::sync::Arc;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        name: String,
        tags: Vec<String>,
        code: Option<String>,
    }

    const BY_TAG: u16 = 901;
    const BY_CODE: u16 = 902;
    const THINGS: Indexed<u64, Thing> = Indexed {
        rows: Table::new(900, "thing"),
        indexes: &[Index {
            id: BY_TAG,
            name: "thing_by_tag",
            keys: |thing| thing.tags.iter().map(key::encode).collect(),
        }],
        uniques: &[Unique {
            id: BY_CODE,
            name: "code",
            key: |thing| thing.code.as_ref().map(key::encode),
        }],
    };

    fn thing(name: &str, tags: &[&str], code: Option<&str>) -> Thing {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Thing {
            name: name.to_owned(),
            tags,
            code: code.map(str::to_owned),
        }
    }

    async fn write(
        store: &Store,
        key: u64,
        new: Option<Thing>,
    ) -> Result<Option<Thing>, IndexError> {
        retry(|| async {
            let mut t = store.transaction(&home());
            let old = THINGS.replace(&mut t, &key, new.as_ref()).await?;
            t.commit().await?;
            Ok(old)
        })
        .await
    }

    fn home() -> Home {
        Home::new("shelf", 1)
    }

    fn store() -> Store {
        Store::memory(Limits::default(), Arc::new(|| 1))
    }

    async fn tagged(store: &Store, tag: &str) -> Vec<u64> {
        let range = KeyRange::prefix(key::encode(&tag.to_owned()));
        let found = THINGS
            .find(store, &home(), BY_TAG, range, Direction::Forward, 100)
            .await
            .unwrap();
        found.into_iter().map(|(_, key)| key).collect()
    }

    #[tokio::test]
    async fn entries_follow_their_row() {
        let store = store();
        write(&store, 1, Some(thing("a", &["red", "big"], None)))
            .await
            .unwrap();
        write(&store, 2, Some(thing("b", &["red"], None)))
            .await
            .unwrap();
        assert_eq!(tagged(&store, "red").await, [1, 2]);
        let old = write(&store, 1, Some(thing("a", &["big", "old"], None)))
            .await
            .unwrap();
        assert_eq!(old, Some(thing("a", &["red", "big"], None)));
        assert_eq!(tagged(&store, "red").await, [2]);
        assert_eq!(tagged(&store, "old").await, [1]);
        write(&store, 1, None).await.unwrap();
        assert!(tagged(&store, "big").await.is_empty());
    }

    #[tokio::test]
    async fn a_unique_key_is_held_by_one_row_and_free_after_it() {
        let store = store();
        let code = |code: &str| key::encode(&code.to_owned());
        write(&store, 1, Some(thing("a", &[], Some("x"))))
            .await
            .unwrap();
        let taken = write(&store, 2, Some(thing("b", &[], Some("x")))).await;
        assert_eq!(taken, Err(IndexError::Taken("code")));
        assert_eq!(
            THINGS.holder(&store, &home(), BY_CODE, code("x")).await,
            Ok(Some(1))
        );
        write(&store, 1, Some(thing("a", &[], Some("y"))))
            .await
            .unwrap();
        write(&store, 2, Some(thing("b", &[], Some("x"))))
            .await
            .unwrap();
        assert_eq!(
            THINGS.holder(&store, &home(), BY_CODE, code("x")).await,
            Ok(Some(2))
        );
        write(&store, 2, None).await.unwrap();
        assert_eq!(
            THINGS.holder(&store, &home(), BY_CODE, code("x")).await,
            Ok(None)
        );
    }

    #[tokio::test]
    async fn of_many_who_want_a_unique_key_at_once_one_gets_it() {
        let store = store();
        let wanting = (0..16).map(|key| {
            let store = store.clone();
            tokio::spawn(async move {
                write(&store, key, Some(thing("a", &[], Some("x"))))
                    .await
                    .is_ok()
            })
        });
        let mut won = 0;
        for one in wanting.collect::<Vec<_>>() {
            won += usize::from(one.await.unwrap());
        }
        assert_eq!(won, 1);
    }
}
