//! An engine that fails on purpose: seeded errors, delays, unknown outcomes, and a crash between any two
//! steps, around any other engine.
//!
//! Like a distributed engine it makes a round durable first ([`Disk`] holds it) and visible afterwards. A
//! crash stops everything that is under way for ever, as a killed process would; what is durable stays on
//! the disk for the next [`Faulty`].

use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

use super::{Engine, Opened, PersistError, Round, RowWrite};
use crate::contract::{AppliedCommit, Direction, Home, KeyRange, Partition, RowAt, StoreError};
use crate::reserved;

/// How often what goes wrong, in per cent of the calls it concerns.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// The same seed gives the same faults for the same calls.
    pub seed: u64,
    /// A call lets others run first.
    pub delay: u8,
    /// A read fails.
    pub read: u8,
    /// A round is refused and certainly not written.
    pub refused: u8,
    /// The outcome of a round that was written is unknown.
    pub unknown_written: u8,
    /// The outcome of a round that was not written is unknown.
    pub unknown_absent: u8,
    /// An unknown outcome cannot be settled before the next start.
    pub unsettled: u8,
    /// Making a durable round visible fails and must be repeated.
    pub apply: u8,
    /// A durable round becomes visible partition by partition, the heads of logs last, and readers see it half.
    pub torn: u8,
    /// Everything stops at this step (a step is one moment before or after a call).
    pub crash_at: Option<u64>,
}

impl Faults {
    /// Faults that no caller may notice.
    #[must_use]
    pub fn hidden(seed: u64) -> Self {
        Self {
            seed,
            delay: 30,
            unknown_written: 20,
            apply: 20,
            torn: 80,
            ..Self::default()
        }
    }

    /// Everything that a caller may notice too, but no crash.
    #[must_use]
    pub fn rough(seed: u64) -> Self {
        Self {
            read: 3,
            refused: 5,
            unknown_absent: 5,
            unsettled: 0,
            ..Self::hidden(seed)
        }
    }
}

/// How often it failed on purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Injected {
    /// Times that others were let run first.
    pub delays: u64,
    /// Reads that failed.
    pub reads: u64,
    /// Rounds that were refused.
    pub refused: u64,
    /// Rounds of unknown outcome, also those that stayed unknown.
    pub unknown: u64,
    /// Durable rounds that had to be shown again.
    pub applies: u64,
    /// Rounds that were visible half for a while.
    pub torn: u64,
}

/// What survives a crash: the engine, and the durable rounds it does not show yet.
pub struct Disk {
    engine: Arc<dyn Engine>,
    rounds: Mutex<Vec<Round>>,
}

impl Disk {
    /// A disk around an engine.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>) -> Arc<Self> {
        Arc::new(Self {
            engine,
            rounds: Mutex::default(),
        })
    }

    fn rounds(&self) -> MutexGuard<'_, Vec<Round>> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the round is durable and not shown yet.
    fn holds(&self, round: &Round) -> bool {
        self.rounds().iter().any(|known| known.first == round.first)
    }

    /// What a start does first: durable rounds become visible.
    async fn recover(&self) {
        let rounds = std::mem::take(&mut *self.rounds());
        for round in rounds {
            self.show(&round).await;
        }
    }

    async fn show(&self, round: &Round) {
        self.engine
            .persist(round)
            .await
            .expect("the engine inside works");
        self.engine
            .apply(std::slice::from_ref(round))
            .await
            .expect("the engine inside works");
    }
}

/// See the module.
pub struct Faulty {
    disk: Arc<Disk>,
    faults: Faults,
    chance: Mutex<Chance>,
    crashed: watch::Sender<bool>,
}

struct Chance {
    state: u64,
    steps: u64,
    injected: Injected,
}

impl Faulty {
    /// Starts on a disk: recovers it first.
    pub async fn start(disk: &Arc<Disk>, faults: Faults) -> Arc<Self> {
        disk.recover().await;
        Arc::new(Self {
            disk: Arc::clone(disk),
            faults,
            chance: Mutex::new(Chance {
                state: faults.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
                steps: 0,
                injected: Injected::default(),
            }),
            crashed: watch::Sender::new(false),
        })
    }

    /// Comes back when it has crashed; never if it does not.
    pub async fn crashed(&self) {
        let mut crashed = self.crashed.subscribe();
        if crashed.wait_for(|crashed| *crashed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Steps so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.chance().steps
    }

    /// What it did on purpose so far.
    #[must_use]
    pub fn injected(&self) -> Injected {
        self.chance().injected
    }

    fn chance(&self) -> MutexGuard<'_, Chance> {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a fault of this frequency happens now; then it is counted.
    fn happens(&self, percent: u8, counted: fn(&mut Injected) -> &mut u64) -> bool {
        let mut chance = self.chance();
        chance.state ^= chance.state << 13;
        chance.state ^= chance.state >> 7;
        chance.state ^= chance.state << 17;
        let happens = (chance.state >> 24) % 100 < u64::from(percent);
        *counted(&mut chance.injected) += u64::from(happens);
        happens
    }

    /// A moment between two steps: here it is slow, or stops for ever.
    async fn step(&self) {
        let now = {
            let mut chance = self.chance();
            chance.steps += 1;
            chance.steps
        };
        if self.faults.crash_at.is_some_and(|crash| now >= crash) {
            self.crashed.send_replace(true);
            std::future::pending::<()>().await;
        }
        self.linger(self.faults.delay).await;
    }

    /// Lets others run for a while. Whoever lingers when it crashes never comes back: a killed process writes
    /// nothing behind what its successor has read.
    async fn linger(&self, percent: u8) {
        while self.happens(percent, |n| &mut n.delays) {
            tokio::task::yield_now().await;
            if *self.crashed.borrow() {
                std::future::pending::<()>().await;
            }
        }
    }

    async fn read(&self) -> Result<(), StoreError> {
        self.step().await;
        if self.happens(self.faults.read, |n| &mut n.reads) {
            return Err(failed("a read failed"));
        }
        Ok(())
    }
}

/// The rows of a round by their partitions, without what only the whole round says: the heads of logs behind
/// the rest, the entries that are taken away behind the heads.
fn parts(round: &Round) -> Vec<Round> {
    let mut parts: BTreeMap<_, Vec<RowWrite>> = BTreeMap::new();
    for row in &round.rows {
        let wave = if row.stored.is_none() && row.at.table.is_log() {
            2
        } else {
            u8::from(reserved::is_heads(row.at.table))
        };
        let place = (wave, row.home.clone(), row.at.partition());
        parts.entry(place).or_default().push(row.clone());
    }
    let rows = parts.into_values();
    rows.map(|rows| Round {
        rows,
        attempts: Vec::new(),
        effects: Vec::new(),
        ..*round
    })
    .collect()
}

fn failed(why: &str) -> StoreError {
    StoreError::Unavailable(format!("{why} on purpose"))
}

#[async_trait]
impl Engine for Faulty {
    fn opened(&self) -> Opened {
        self.disk.engine.opened()
    }

    fn blocks(&self) -> bool {
        false
    }

    async fn get_many(&self, wanted: &[(Home, RowAt)]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.read().await?;
        self.disk.engine.get_many(wanted).await
    }

    async fn scan(
        &self,
        home: &Home,
        partition: &Partition,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        self.read().await?;
        let rows = self
            .disk
            .engine
            .scan(home, partition, range, direction, limit);
        rows.await
    }

    async fn persist(&self, round: &Round) -> Result<(), PersistError> {
        self.step().await;
        if self.happens(self.faults.refused, |n| &mut n.refused) {
            return Err(PersistError::Refused(failed("a round was refused")));
        }
        if self.happens(self.faults.unknown_absent, |n| &mut n.unknown) {
            return Err(PersistError::Unknown("on purpose".to_owned()));
        }
        self.disk.rounds().push(round.clone());
        self.step().await;
        if self.happens(self.faults.unknown_written, |n| &mut n.unknown) {
            return Err(PersistError::Unknown("on purpose".to_owned()));
        }
        Ok(())
    }

    async fn settle(&self, round: &Round) -> Result<bool, StoreError> {
        self.step().await;
        if self.happens(self.faults.unsettled, |n| &mut n.unknown) {
            return Err(failed("an outcome was not settled"));
        }
        Ok(self.disk.holds(round))
    }

    async fn apply(&self, rounds: &[Round]) -> Result<(), StoreError> {
        for round in rounds {
            // What an earlier try has shown stays shown: with every round anew, a try of many would end
            // whole too seldom to end at all, and would show what is older than what stands already.
            if !self.disk.holds(round) {
                continue;
            }
            self.step().await;
            if self.happens(self.faults.apply, |n| &mut n.applies) {
                return Err(failed("a durable round was not shown"));
            }
            if self.happens(self.faults.torn, |n| &mut n.torn) {
                for part in parts(round) {
                    self.disk.show(&part).await;
                    self.step().await;
                    // Half is seen for longer than a read takes.
                    self.linger(self.faults.torn).await;
                }
            }
            self.disk.show(round).await;
            self.disk
                .rounds()
                .retain(|known| known.first != round.first);
            self.step().await;
        }
        Ok(())
    }

    async fn effects_after(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<AppliedCommit>, StoreError> {
        self.read().await?;
        self.disk.engine.effects_after(position, limit).await
    }

    async fn forget(&self, position: u64, young_ms: i64) -> Result<(), StoreError> {
        self.read().await?;
        self.disk.engine.forget(position, young_ms).await
    }

    async fn homes(&self, after: Option<&Home>, limit: usize) -> Result<Vec<Home>, StoreError> {
        self.read().await?;
        self.disk.engine.homes(after, limit).await
    }

    async fn close(&self) {}
}

#[cfg(test)]
mod tests;
