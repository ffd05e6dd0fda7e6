//! A transaction: reads that are remembered and expected at commit, and the operations.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::commit::{Commit, Expect, ExpectRange, Once, Operation};
use crate::contract::{
    Committed, Head, Home, KeyRange, Numbered, Partition, Row, RowAt, StoreError,
};
use crate::key::KeyPart;
use crate::limits::RETRIES_MAX;
use crate::prepared::Prepared;
use crate::reserved::ClientId;
use crate::store::Store;
use crate::table::Table;
use crate::value::{Later, Value};

/// A commit in the making. Reads see the store, not what the transaction is going to write. Every row that
/// was read is expected unchanged at commit; on a lost race run the whole attempt again ([`retry`]).
///
/// At commit the numbers (`append`, `add`) are given first, in their order, then everything else happens in
/// order; of several writes of one row the last one counts.
#[must_use = "nothing happens before commit"]
pub struct Transaction {
    store: Store,
    commit: Commit,
    numbered: u16,
}

impl Transaction {
    pub(crate) const fn new(store: Store, home: Home) -> Self {
        Self {
            store,
            commit: Commit::new(home),
            numbered: 0,
        }
    }

    /// Makes the call safe to repeat. If (`scope`, `author`, `id`) ran before in this home, nothing of this
    /// commit runs and the stored answer is given; with another `request_hash` it is refused. The answer
    /// is kept for `keep_ms`; an id that is a UUID of version 7 and older than that is refused.
    pub fn client_id(
        mut self,
        scope: &str,
        author: &str,
        id: &str,
        request_hash: [u8; 32],
        keep_ms: i64,
    ) -> Self {
        let client = ClientId::new(scope, author, id, request_hash, keep_ms);
        self.commit.client = Some(client);
        self
    }

    /// The stored answer if the client id ran before. The commit looks again.
    ///
    /// # Errors
    /// [`StoreError::ClientIdReused`] if it ran with another request.
    pub async fn repeated(&mut self) -> Result<Option<Committed>, StoreError> {
        let Some(client) = &self.commit.client else {
            return Ok(None);
        };
        let row = self.store.get(&self.commit.home, &client.at).await?;
        row.map(|row| client.answer(&row)).transpose()
    }

    /// The row; it is expected in this version, or absent, at commit.
    ///
    /// # Errors
    /// When the engine cannot read it.
    pub async fn get(&mut self, at: &RowAt) -> Result<Option<Row>, StoreError> {
        let row = self.store.get(&self.commit.home, at).await?;
        let expect = row
            .as_ref()
            .map_or(Expect::Absent, |row| Expect::Version(row.version));
        self.expect(at.clone(), expect);
        Ok(row)
    }

    /// The value of a row of a typed table; expected like [`Transaction::get`].
    ///
    /// # Errors
    /// When the engine cannot read it, or when the bytes are no `V`.
    pub async fn read<P, K, V>(
        &mut self,
        table: &Table<P, K, V>,
        partition: &P,
        key: &K,
    ) -> Result<Option<V>, StoreError>
    where
        P: KeyPart + Sync,
        K: KeyPart + Sync,
        V: Serialize + DeserializeOwned,
    {
        let row = self.get(&table.at(partition, key)).await?;
        row.map(|row| table.decode(&row)).transpose()
    }

    /// The head of a log; informative, not expected.
    ///
    /// # Errors
    /// When the engine cannot read it.
    pub async fn head(&mut self, log: &Partition) -> Result<Head, StoreError> {
        self.store.head(&self.commit.home, log).await
    }

    /// The home of the commit.
    #[must_use]
    pub const fn home(&self) -> &Home {
        &self.commit.home
    }

    fn expect(&mut self, at: RowAt, expect: Expect) {
        let wanted = (at, expect);
        if !self.commit.expects.contains(&wanted) {
            self.commit.expects.push(wanted);
        }
    }

    /// Refuses the commit if the row is there.
    pub fn expect_absent(&mut self, at: RowAt) {
        self.expect(at, Expect::Absent);
    }

    /// Refuses the commit if the row is not there.
    pub fn expect_present(&mut self, at: RowAt) {
        self.expect(at, Expect::Present);
    }

    /// Refuses the commit if the row was not written by position `version`.
    pub fn expect_version(&mut self, at: RowAt, version: u64) {
        self.expect(at, Expect::Version(version));
    }

    /// Refuses the commit if the range holds more than `at_most` rows (0: it must be empty; at most
    /// `Limits::range_rows`). What the commit itself writes does not count.
    pub fn expect_range(&mut self, partition: Partition, range: KeyRange, at_most: usize) {
        self.commit.ranges.push(ExpectRange {
            partition,
            range,
            at_most,
        });
    }

    fn operation(&mut self, operation: Operation) {
        self.commit.operations.push(operation);
    }

    fn numbering(&mut self, operation: Operation) -> Numbered {
        self.operation(operation);
        let number = Numbered(self.numbered);
        // A commit has at most 1,000 operations, so a longer one is refused before this matters.
        self.numbered = self.numbered.saturating_add(1);
        number
    }

    /// Writes a row.
    pub fn put(&mut self, at: RowAt, value: Value) {
        self.operation(Operation::Put {
            at,
            later: None,
            value,
            expires_at: None,
        });
    }

    /// Writes a row that ends at `expires_at` (ms since 1970).
    pub fn put_until(&mut self, at: RowAt, value: Value, expires_at: i64) {
        self.operation(Operation::Put {
            at,
            later: None,
            value,
            expires_at: Some(expires_at),
        });
    }

    /// Writes a row whose key ends in a number known later: `at.key` and 8 bytes big-endian.
    pub fn put_at(&mut self, at: RowAt, later: Later, value: Value) {
        self.operation(Operation::Put {
            at,
            later: Some(later),
            value,
            expires_at: None,
        });
    }

    /// Writes a row of a typed table.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the type cannot be written.
    pub fn set<P, K, V>(
        &mut self,
        table: &Table<P, K, V>,
        partition: &P,
        key: &K,
        value: &V,
    ) -> Result<(), StoreError>
    where
        P: KeyPart,
        K: KeyPart,
        V: Serialize + DeserializeOwned,
    {
        self.put(table.at(partition, key), table.value(value)?);
        Ok(())
    }

    /// Deletes a row; deleting an absent one is no error.
    pub fn delete(&mut self, at: RowAt) {
        self.operation(Operation::Delete { at });
    }

    /// How many operations that give a number (append, add) there are so far: the index of the next one,
    /// for [`Later`].
    #[must_use]
    pub fn numbered(&self) -> u16 {
        self.numbered
    }

    /// Appends an entry. The count of the head grows if it `counts`.
    pub fn append(&mut self, log: Partition, value: Value, counts: bool) -> Numbered {
        self.numbering(Operation::Append {
            log,
            value,
            counts,
            at_most_last: None,
        })
    }

    /// Appends an entry unless its number would be above `at_most_last`: then the commit is refused with
    /// [`StoreError::Limit`].
    pub fn append_limited(
        &mut self,
        log: Partition,
        value: Value,
        counts: bool,
        at_most_last: u64,
    ) -> Numbered {
        self.numbering(Operation::Append {
            log,
            value,
            counts,
            at_most_last: Some(at_most_last),
        })
    }

    /// Deletes the entries of a log before `first`, at most 1,000 in one commit, and raises the head's
    /// `first`.
    pub fn trim(&mut self, log: Partition, first: u64) {
        self.operation(Operation::Trim { log, first });
    }

    /// Adds to the counter in a row (absent: 0). A sum outside the bounds refuses the commit with
    /// [`StoreError::Limit`]. Read it with [`crate::sum_value`].
    pub fn add(&mut self, at: RowAt, n: i64, min: Option<i64>, max: Option<i64>) -> Numbered {
        self.numbering(Operation::Add { at, n, min, max })
    }

    /// Writes `n` with its payload unless the row holds the same or a larger number. Read it with
    /// [`crate::max_value`].
    pub fn max(&mut self, at: RowAt, n: u64, with: Value) {
        self.operation(Operation::Max { at, n, with });
    }

    /// Runs the commit only if the consumer has not yet done effect (`position`, `ordinal`) of `source` or
    /// a later one; else the commit succeeds, says `skipped` and does nothing.
    pub fn once(&mut self, source: &str, consumer: &str, position: u64, ordinal: u32) {
        self.commit.once = Some(Once {
            source: source.to_owned(),
            consumer: consumer.to_owned(),
            position,
            ordinal,
        });
    }

    /// Something that must happen elsewhere; delivered at least once, in order.
    pub fn effect(&mut self, kind: &str, payload: Value) {
        self.commit.effects.push((kind.to_owned(), payload));
    }

    /// A timer of the home; one of the same name is replaced.
    pub fn at_time(&mut self, at_ms: i64, name: &str, payload: Value) {
        self.operation(Operation::Timer {
            at_ms,
            name: name.to_owned(),
            payload,
        });
    }

    /// Takes a timer away; cancelling an absent one is no error.
    pub fn cancel(&mut self, name: &str) {
        self.operation(Operation::Cancel {
            name: name.to_owned(),
        });
    }

    /// Goes on if a rule allows it. A refusal is given only if everything that was read still stands: a reader may
    /// see a commit half for some milliseconds, and a rule must not refuse by what was never so.
    ///
    /// # Errors
    /// The refusal, or the lost race with which the attempt runs again.
    pub async fn allowed<T, E: From<StoreError>>(self, rule: Result<T, E>) -> Result<Self, E> {
        let Err(refusal) = rule else {
            return Ok(self);
        };
        let mut seen = Self::new(self.store, self.commit.home.clone());
        seen.commit.expects = self.commit.expects;
        seen.commit().await?;
        Err(refusal)
    }

    /// Gives the commit the attempt id under which [`Store::submit`] may send it again.
    ///
    /// # Errors
    /// When something is larger than the store takes.
    pub fn prepare(self) -> Result<Prepared, StoreError> {
        let store = self.store.clone();
        store.prepare(self.into_commit())
    }

    pub(crate) fn into_commit(self) -> Commit {
        self.commit
    }

    /// Runs the commit; the answer comes when it is durable and visible.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when an expectation failed; otherwise what refused it. Only after
    /// [`StoreError::Unknown`] it may have been written.
    pub async fn commit(self) -> Result<Committed, StoreError> {
        let store = self.store.clone();
        store.submit(&self.prepare()?).await
    }
}

/// Bytes for a value: what `Transaction` takes where nothing has to be filled in.
impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}

/// An error that may be a lost race.
pub trait Race {
    /// True if running the attempt again may help.
    fn lost_race(&self) -> bool;

    /// What is answered when it did not help.
    fn contended() -> Self;
}

impl Race for StoreError {
    fn lost_race(&self) -> bool {
        self.lost_race()
    }

    fn contended() -> Self {
        Self::Contended
    }
}

/// Runs an attempt again when it lost a race, at most 5 times in all; then `contended`.
///
/// # Errors
/// What the attempt gives, or [`Race::contended`].
pub async fn retry<T, E, F, Fut>(mut attempt: F) -> Result<T, E>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>> + Send,
    E: Race,
{
    for _ in 0..RETRIES_MAX {
        match attempt().await {
            Err(error) if error.lost_race() => {}
            result => return result,
        }
    }
    Err(E::contended())
}
