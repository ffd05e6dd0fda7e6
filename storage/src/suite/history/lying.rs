//! An engine that lies, to see that the check of histories finds it out.

use async_trait::async_trait;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{is_linearizable, of_five};
use crate::engine::{Engine, Opened, PersistError, Round, in_memory};
use crate::suite::{Hands, limits};
use crate::{AppliedCommit, Direction, Home, KeyRange, Partition, RowAt, Store, StoreError};

/// Every how many reads or rounds it lies.
const EVERY: u64 = 9;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// It tells the truth.
    No,
    /// A read answers what was there before the newest round.
    StaleRead,
    /// A round leaves a row out and is acknowledged all the same.
    LostWrite,
    /// A round is acknowledged but becomes visible with the next one only.
    LateWrite,
}

struct Lying {
    inside: Arc<dyn Engine>,
    lie: Lie,
    turn: AtomicU64,
    /// Rows as they were before the newest round.
    before: Mutex<HashMap<(Home, RowAt), Option<Bytes>>>,
    late: Mutex<Option<Round>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lying {
    fn new(lie: Lie) -> Self {
        Self {
            inside: in_memory(7),
            lie,
            turn: AtomicU64::new(0),
            before: Mutex::default(),
            late: Mutex::default(),
        }
    }

    fn lies(&self, lie: Lie) -> bool {
        self.lie == lie && self.turn.fetch_add(1, Ordering::Relaxed) % EVERY == EVERY - 1
    }

    async fn remember(&self, round: &Round) {
        let rows = round.rows.iter();
        let places: Vec<_> = rows.map(|row| (row.home.clone(), row.at.clone())).collect();
        let old = self.inside.get_many(&places).await.expect("a read");
        *locked(&self.before) = places.into_iter().zip(old).collect();
    }
}

#[async_trait]
impl Engine for Lying {
    fn opened(&self) -> Opened {
        self.inside.opened()
    }

    fn blocks(&self) -> bool {
        false
    }

    async fn get_many(&self, wanted: &[(Home, RowAt)]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let mut rows = self.inside.get_many(wanted).await?;
        if self.lies(Lie::StaleRead) {
            let before = locked(&self.before);
            for (place, row) in wanted.iter().zip(&mut rows) {
                if let Some(old) = before.get(place) {
                    row.clone_from(old);
                }
            }
        }
        Ok(rows)
    }

    async fn scan(
        &self,
        home: &Home,
        partition: &Partition,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        let rows = self.inside.scan(home, partition, range, direction, limit);
        rows.await
    }

    async fn persist(&self, round: &Round) -> Result<(), PersistError> {
        self.remember(round).await;
        let late = locked(&self.late).take();
        if let Some(late) = late {
            self.inside.persist(&late).await?;
        }
        let mut round = round.clone();
        if self.lies(Lie::LostWrite) {
            round.rows.pop();
        }
        if self.lies(Lie::LateWrite) {
            *locked(&self.late) = Some(round);
            return Ok(());
        }
        self.inside.persist(&round).await
    }

    async fn settle(&self, round: &Round) -> Result<bool, StoreError> {
        self.inside.settle(round).await
    }

    async fn apply(&self, rounds: &[Round]) -> Result<(), StoreError> {
        self.inside.apply(rounds).await
    }

    async fn effects_after(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<AppliedCommit>, StoreError> {
        self.inside.effects_after(position, limit).await
    }

    async fn forget(&self, position: u64, young_ms: i64) -> Result<(), StoreError> {
        self.inside.forget(position, young_ms).await
    }

    async fn homes(&self, after: Option<&Home>, limit: usize) -> Result<Vec<Home>, StoreError> {
        self.inside.homes(after, limit).await
    }

    async fn close(&self) {}
}

/// How many histories on a lying engine cannot be explained, of so many or until it is enough: on a busy machine
/// fewer calls overlap.
async fn found_out(lie: Lie, histories: u64, enough: u64) -> u64 {
    let mut found = 0;
    for seed in 1..=histories {
        if found == enough {
            break;
        }
        let engine = Arc::new(Lying::new(lie));
        let store = Store::with_engine(engine, limits(), Hands::default().clock());
        found += u64::from(!is_linearizable(&of_five(&store, seed).await));
    }
    found
}

const HISTORIES: u64 = 20;

/// So many must be found among ten times as many.
const FOUND: u64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_read_a_lost_write_and_a_late_one_are_found_out_and_the_truth_is_not() {
    assert_eq!(found_out(Lie::No, HISTORIES, HISTORIES).await, 0);
    for lie in [Lie::StaleRead, Lie::LostWrite, Lie::LateWrite] {
        let found = found_out(lie, 10 * HISTORIES, FOUND).await;
        assert_eq!(found, FOUND, "{lie:?} was found in so many histories");
    }
}
