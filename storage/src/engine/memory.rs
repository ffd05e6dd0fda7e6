//! The reference engine: one ordered map. It ends with its last holder; a store opened on it again finds
//! what the one before left.

use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::layout;
use super::{Engine, Opened, PersistError, Round};
use crate::contract::{AppliedCommit, Direction, Home, KeyRange, Partition, RowAt, StoreError};
use crate::key;
use crate::limits::FIRST_POSITION;

/// See the module.
pub(crate) struct Memory {
    incarnation: u64,
    map: RwLock<BTreeMap<Vec<u8>, Bytes>>,
}

impl Memory {
    pub(crate) const fn new(incarnation: u64) -> Self {
        Self {
            incarnation,
            map: RwLock::new(BTreeMap::new()),
        }
    }

    /// A panic while writing cannot leave half a round: the entries are built before the lock is taken.
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Vec<u8>, Bytes>> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Vec<u8>, Bytes>> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Engine for Memory {
    fn opened(&self) -> Opened {
        let map = self.read();
        let last = map.get(layout::LAST.as_slice());
        let last = last.and_then(|stored| key::decode::<(u64, i64)>(stored).ok());
        let (last_position, last_time_ms) = last.unwrap_or((FIRST_POSITION - 1, 0));
        let rounds = map.range(layout::attempts_before(u64::MAX));
        let attempts = rounds.filter_map(|(_, stored)| layout::decode_attempts(stored).ok());
        Opened {
            last_position,
            last_time_ms,
            incarnation: self.incarnation,
            attempts: attempts.flatten().collect(),
        }
    }

    fn blocks(&self) -> bool {
        false
    }

    async fn get_many(&self, wanted: &[(Home, RowAt)]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let map = self.read();
        let get = |(home, at): &(Home, RowAt)| map.get(&layout::row_key(home, at)).cloned();
        Ok(wanted.iter().map(get).collect())
    }

    async fn scan(
        &self,
        home: &Home,
        partition: &Partition,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let (stretch, prefix) = layout::range_keys(home, partition, range);
        let row = |(key, stored): (&Vec<u8>, &Bytes)| {
            (Bytes::copy_from_slice(&key[prefix..]), stored.clone())
        };
        let map = self.read();
        let rows = map.range(stretch);
        Ok(match direction {
            Direction::Forward => rows.take(limit).map(row).collect(),
            Direction::Backward => rows.rev().take(limit).map(row).collect(),
        })
    }

    async fn persist(&self, round: &Round) -> Result<(), PersistError> {
        let entries = layout::round_entries(round).map_err(PersistError::Refused)?;
        let mut map = self.write();
        for (key, stored) in entries {
            match stored {
                Some(stored) => map.insert(key, stored),
                None => map.remove(&key),
            };
        }
        Ok(())
    }

    async fn settle(&self, round: &Round) -> Result<bool, StoreError> {
        Ok(self.read().contains_key(&layout::attempts_key(round.first)))
    }

    async fn apply(&self, _rounds: &[Round]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn effects_after(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<AppliedCommit>, StoreError> {
        let map = self.read();
        let begins = map
            .range(layout::effects_before(position.saturating_add(1)))
            .next_back();
        let mut found = Vec::new();
        for (_, stored) in begins
            .into_iter()
            .chain(map.range(layout::effects_from(position.saturating_add(1))))
        {
            let commits = layout::decode_effects(stored)?;
            found.extend(commits.into_iter().filter(|c| c.position > position));
            if found.len() >= limit {
                found.truncate(limit);
                break;
            }
        }
        Ok(found)
    }

    async fn forget(&self, position: u64, young_ms: i64) -> Result<(), StoreError> {
        let mut map = self.write();
        let effects: Vec<_> = map.range(layout::effects_before(position)).collect();
        let mut keys: Vec<Vec<u8>> = effects
            .iter()
            .rev()
            .skip(1)
            .map(|(key, _)| (*key).clone())
            .collect();
        let attempts: Vec<_> = map.range(layout::attempts_before(position)).collect();
        for (key, stored) in attempts.iter().rev().skip(1) {
            if layout::newest_ms(stored)? < young_ms {
                keys.push((*key).clone());
            }
        }
        for key in keys {
            map.remove(&key);
        }
        Ok(())
    }

    async fn homes(&self, after: Option<&Home>, limit: usize) -> Result<Vec<Home>, StoreError> {
        let map = self.read();
        let mut found = Vec::new();
        let mut after = after.map(|home| home.as_str().to_owned());
        while found.len() < limit {
            let Some((key, _)) = map.range(layout::homes_from(after.as_deref())).next() else {
                break;
            };
            let home = layout::home_of(key)?;
            if !layout::is_own(&home) {
                found.push(Home::parse(&home));
            }
            after = Some(home);
        }
        Ok(found)
    }

    async fn close(&self) {}
}
