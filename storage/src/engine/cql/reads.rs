//! Reads of rows, which need no journal: any server of a cluster reads, and sees every answered commit.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::database::{Database, Failure};
use super::{PARALLEL, layout};
use crate::contract::{Direction, Home, KeyRange, Partition, RowAt, StoreError};

/// See the module.
pub(crate) struct Reads<D> {
    database: Arc<D>,
    /// A database node was lost: acknowledged rows since the mark may be gone with it.
    shaken: AtomicBool,
}

impl<D: Database> Reads<D> {
    pub(crate) const fn new(database: Arc<D>) -> Self {
        Self {
            database,
            shaken: AtomicBool::new(false),
        }
    }

    pub(super) fn failed(&self, failure: Failure) -> StoreError {
        self.shake(&failure);
        StoreError::Unavailable(format!("the database does not answer: {}", failure.why))
    }

    pub(super) fn shake(&self, failure: &Failure) {
        if failure.lost_node {
            self.shaken.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a database node was lost since this was asked before.
    pub(super) fn was_shaken(&self) -> bool {
        self.shaken.swap(false, Ordering::Relaxed)
    }

    /// See [`crate::engine::Engine::get_many`]; rows of different partitions may be of different instants.
    pub(super) async fn get_many(
        &self,
        wanted: &[(Home, RowAt)],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        let mut partitions: BTreeMap<(Home, Partition), BTreeMap<Bytes, Vec<usize>>> =
            BTreeMap::new();
        for (n, (home, at)) in wanted.iter().enumerate() {
            let keys = partitions
                .entry((home.clone(), at.partition()))
                .or_default();
            keys.entry(at.key.clone()).or_default().push(n);
        }
        let read = partitions
            .into_iter()
            .map(|((home, partition), keys)| async move {
                let names = keys.keys().cloned().collect();
                let rows = self.database.get(&home, &partition, names).await;
                let rows = rows.map_err(|failure| self.failed(failure))?;
                Ok::<_, StoreError>((keys, rows))
            });
        let mut read = stream::iter(read).buffer_unordered(PARALLEL);
        let mut found = vec![None; wanted.len()];
        while let Some((keys, rows)) = read.try_next().await? {
            for (key, stored) in rows {
                for n in keys.get(&key).into_iter().flatten() {
                    found[*n] = Some(stored.clone());
                }
            }
        }
        Ok(found)
    }

    /// See [`crate::engine::Engine::scan`].
    pub(super) async fn scan(
        &self,
        home: &Home,
        partition: &Partition,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        if range.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let rows = self.database.scan(home, partition, range, direction, limit);
        rows.await.map_err(|failure| self.failed(failure))
    }

    /// See [`crate::engine::Engine::homes`].
    pub(super) async fn homes(
        &self,
        after: Option<&Home>,
        limit: usize,
    ) -> Result<Vec<Home>, StoreError> {
        let (mut found, mut after) = (Vec::new(), after.map(|home| home.as_str().to_owned()));
        while found.len() < limit {
            let wanted = limit - found.len();
            let names = self.database.homes(after.as_deref(), wanted).await;
            let names = names.map_err(|failure| self.failed(failure))?;
            after = names.last().cloned();
            let short = names.len() < wanted;
            let own = |name: &String| !layout::is_own(name);
            found.extend(names.into_iter().filter(own).map(|name| Home::parse(&name)));
            if short {
                break;
            }
        }
        Ok(found)
    }
}
