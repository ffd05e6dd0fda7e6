//! What an engine must do: about ten methods over rows of bytes and whole rounds. Everything else (numbers,
//! expectations, expiry, client ids) is the same code for all engines.

use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::backup::{BackupError, Summary};
use crate::contract::{
    AppliedCommit, Direction, Home, KeyRange, Outcome, Partition, Row, RowAt, StoreError,
};

pub(crate) mod cql;
pub(crate) mod embedded;
#[cfg(any(test, feature = "suite"))]
pub mod faulty;
pub(crate) mod layout;
pub(crate) mod memory;
#[cfg(test)]
mod tests;

/// Commits that are persisted together.
#[derive(Debug, Clone)]
pub struct Round {
    /// Position of the first commit.
    pub first: u64,
    /// Position of the last commit.
    pub last: u64,
    /// Time of the round in ms.
    pub time_ms: i64,
    /// The last state of every written row, one entry a row.
    pub rows: Vec<RowWrite>,
    /// The commits with their attempt ids and results.
    pub attempts: Vec<Attempt>,
    /// The commits that have effects, without their writes.
    pub effects: Vec<AppliedCommit>,
}

/// A row of a round.
#[derive(Debug, Clone)]
pub struct RowWrite {
    /// Its home.
    pub home: Home,
    /// Its place.
    pub at: RowAt,
    /// Its bytes as [`encode_row`] makes them; nothing deletes it.
    pub stored: Option<Bytes>,
}

/// The id of an attempt to commit: identical bytes sent again carry the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// Drawn anew when a store is opened.
    pub process: u64,
    /// Counts inside the process.
    pub number: u64,
}

/// A commit that ran, to answer when it is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Who sent it.
    pub id: AttemptId,
    /// Its position.
    pub position: u64,
    /// Its time in ms.
    pub time_ms: i64,
    /// Its numbers.
    pub outcomes: Vec<Outcome>,
}

/// What an engine knows of itself when it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Position of the newest commit; the one before the first in an empty store.
    pub last_position: u64,
    /// Time of the newest commit in ms.
    pub last_time_ms: i64,
    /// Drawn when the store was created.
    pub incarnation: u64,
    /// Young attempts in order of position.
    pub attempts: Vec<Attempt>,
}

/// Why a round was not persisted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersistError {
    /// Certainly nothing was written.
    Refused(StoreError),
    /// It may have been written.
    Unknown(String),
}

/// A place that keeps rows and rounds.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// What it knows of itself.
    fn opened(&self) -> Opened;

    /// True if its calls block, so that the writer needs a thread of its own.
    fn blocks(&self) -> bool;

    /// Changes whenever the writer may not be the same any more; always 0 where there is only one.
    fn term(&self) -> u128 {
        0
    }

    /// Most commits that the next round may have.
    fn room(&self) -> usize {
        usize::MAX
    }

    /// Asked before a round without writes is answered: an error if another writer may have written since.
    async fn confirm(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The bytes of rows of one instant, in the order asked.
    async fn get_many(&self, wanted: &[(Home, RowAt)]) -> Result<Vec<Option<Bytes>>, StoreError>;

    /// Up to `limit` rows of a partition, each with its key, as of one instant.
    async fn scan(
        &self,
        home: &Home,
        partition: &Partition,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError>;

    /// Makes a round durable. An engine with one batch for everything applies it here too.
    async fn persist(&self, round: &Round) -> Result<(), PersistError>;

    /// After an unknown outcome: true if the round is durable. Afterwards the late statement is dead. An
    /// error says that it cannot be known before the next start: nothing is written until then.
    async fn settle(&self, round: &Round) -> Result<bool, StoreError>;

    /// Makes durable rounds that follow each other visible, after those before them; later ones may be persisted
    /// meanwhile. It is repeated until it succeeds.
    async fn apply(&self, rounds: &[Round]) -> Result<(), StoreError>;

    /// Called when applied rounds are answered: what need not be waited for.
    async fn shown(&self, _rounds: &[Round]) {}

    /// Up to `limit` commits with effects after `position`, oldest first.
    async fn effects_after(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<AppliedCommit>, StoreError>;

    /// Forgets effects of rounds wholly before `position`, and attempts of those older than `young_ms`.
    /// The newest round that begins before `position` may reach over it, so it stays.
    async fn forget(&self, position: u64, young_ms: i64) -> Result<(), StoreError>;

    /// Up to `limit` homes after `after`, in the order of their names.
    async fn homes(&self, after: Option<&Home>, limit: usize) -> Result<Vec<Home>, StoreError>;

    /// Writes everything that it holds as of one instant. Blocks.
    fn backup(
        &self,
        _out: &mut (dyn std::io::Write + Send),
        _made_ms: i64,
    ) -> Result<Summary, BackupError> {
        Err(BackupError::Unsupported)
    }

    /// True if [`Engine::idle`] has work.
    fn wants_idle(&self) -> bool {
        false
    }

    /// Called when no commit came for a second.
    async fn idle(&self) {}

    /// Done as soon as another process writes instead of this one, which will write nothing any more.
    async fn lost(&self) {
        std::future::pending().await
    }

    /// Makes everything durable and lets go of the files. Later calls answer `Closed`.
    async fn close(&self);
}

/// The engine that keeps everything in memory; stores can be opened on it one after the other.
#[must_use]
pub fn in_memory(incarnation: u64) -> std::sync::Arc<dyn Engine> {
    std::sync::Arc::new(memory::Memory::new(incarnation))
}

/// A row's bytes: version, end (0 = none; both 8 bytes big-endian), value. The same in all engines.
#[must_use]
pub fn encode_row(row: &Row) -> Bytes {
    let mut out = BytesMut::with_capacity(16 + row.value.len());
    out.put_u64(row.version);
    out.put_i64(row.expires_at.unwrap_or(0));
    out.put_slice(&row.value);
    out.freeze()
}

/// Reads what [`encode_row`] wrote.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is too short.
pub fn decode_row(stored: &Bytes) -> Result<Row, StoreError> {
    let corrupt = || StoreError::Corrupt("a row is shorter than its version and end".to_owned());
    let (version, rest) = stored.split_first_chunk::<8>().ok_or_else(corrupt)?;
    let (end, _) = rest.split_first_chunk::<8>().ok_or_else(corrupt)?;
    let end = i64::from_be_bytes(*end);
    Ok(Row {
        version: u64::from_be_bytes(*version),
        expires_at: (end != 0).then_some(end),
        value: stored.slice(16..),
    })
}
