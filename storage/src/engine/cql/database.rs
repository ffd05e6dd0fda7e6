//! Every statement that the protocol sends to the database, as a trait: the driver answers it for a real
//! cluster, the model for a simulated one, and nothing else speaks to a database.

use async_trait::async_trait;
use bytes::Bytes;

use crate::contract::{Direction, Home, KeyRange, Partition};

/// What every attempt to own a journal draws anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Token {
    /// One more than that of the token before it; for people who read the table.
    pub(crate) epoch: u64,
    /// Random bits: no two attempts have the same.
    pub(crate) bits: u128,
}

/// The guard of a bucket: every conditional statement compares both for equality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Guard {
    /// The position that the next commit takes.
    pub(crate) next: u64,
    /// Whose bucket it is.
    pub(crate) token: Token,
}

/// A bucket as it was read, without its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) guard: Guard,
    /// Its entries are gone; its guard stays for ever.
    pub(crate) dropped: bool,
    /// Format of its entries: who cannot read them must not own them.
    pub(crate) format: u64,
}

/// A row to write, with the position that is its timestamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimedRow {
    pub(crate) key: Bytes,
    /// Nothing deletes.
    pub(crate) stored: Option<Bytes>,
    pub(crate) position: u64,
    /// How long the database keeps it, in s; 0 is for ever. Readers go by the end inside the row.
    pub(crate) keep_s: i32,
}

/// How far something has come; written as a plain row whose timestamp is the position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    pub(crate) position: u64,
    /// Time of the commit at that position in ms.
    pub(crate) time_ms: i64,
}

/// What a mark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum MarkKind {
    /// Every commit up to it is in the rows, on disk.
    Applied,
    /// No consumer needs the effects of commits before it.
    Effects,
    /// Buckets wholly before it are dropped.
    Dropped,
}

/// What an owner says of itself now and then. Only a hint for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beat {
    /// Under which it owns the journal.
    pub(crate) token: Token,
    /// Moves while it lives.
    pub(crate) count: u64,
    /// Where the other servers reach it; empty if it takes no commits from others.
    pub(crate) address: String,
    /// It left; whoever comes may take the journal at once.
    pub(crate) free: bool,
}

/// A server in the list of servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// Its name.
    pub(crate) name: String,
    /// Drawn at its start.
    pub(crate) boot: u64,
    /// Where the other servers reach it.
    pub(crate) address: String,
    /// Moves while it lives.
    pub(crate) beat: u64,
}

/// Rows of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) home: Home,
    pub(crate) partition: Partition,
    pub(crate) rows: Vec<TimedRow>,
}

/// Why a statement gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// True if it certainly did not run and never will.
    pub(crate) not_done: bool,
    /// True if a connection broke: acknowledged plain writes may be gone with a database node.
    pub(crate) lost_node: bool,
    pub(crate) why: String,
}

/// A result of a statement.
pub(crate) type Answer<T> = Result<T, Failure>;

/// See the module. Conditional statements are those that say whether they were applied; a [`Failure`] of
/// one that is not `not_done` may still run at any later time.
#[async_trait]
pub(crate) trait Database: Send + Sync + 'static {
    /// The guard of a bucket. `serial` is linearizable with the conditional statements.
    async fn bucket(&self, number: u64, serial: bool) -> Answer<Option<Bucket>>;

    /// Conditional: makes a bucket that does not exist.
    async fn create(&self, number: u64, guard: Guard) -> Answer<bool>;

    /// Conditional: another token, if the guard is still this one.
    async fn raise(&self, number: u64, from: Guard, to: Token) -> Answer<bool>;

    /// Conditional: writes an entry at `from.next` and moves the guard to `next`, if it is still `from`.
    async fn append(&self, number: u64, from: Guard, next: u64, entry: Bytes) -> Answer<bool>;

    /// Conditional: takes all entries of a full bucket away and marks it, if its guard is still this one.
    async fn drop_entries(&self, number: u64, guard: Guard) -> Answer<bool>;

    /// Up to `limit` entries of a bucket from a position on, in order. Serial.
    async fn entries(&self, number: u64, from: u64, limit: usize) -> Answer<Vec<(u64, Bytes)>>;

    /// Writes batches, each at once. After a failure some of them may be written.
    async fn write(&self, batches: &[Batch]) -> Answer<()>;

    /// The rows with these keys of one partition, those that are there, in any order.
    async fn get(
        &self,
        home: &Home,
        partition: &Partition,
        keys: Vec<Bytes>,
    ) -> Answer<Vec<(Bytes, Bytes)>>;

    /// Up to `limit` rows of a range with their keys.
    async fn scan(
        &self,
        home: &Home,
        partition: &Partition,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Answer<Vec<(Bytes, Bytes)>>;

    /// Up to `limit` names of homes after `after`, in order. Reads every partition's key.
    async fn homes(&self, after: Option<&str>, limit: usize) -> Answer<Vec<String>>;

    /// How far something has come.
    async fn mark(&self, kind: MarkKind) -> Answer<Option<Mark>>;

    /// Notes how far something has come.
    async fn set_mark(&self, kind: MarkKind, mark: Mark) -> Answer<()>;

    /// Says that the owner lives, or that the journal is free.
    async fn beat(&self, beat: Beat) -> Answer<()>;

    /// The last beat.
    async fn last_beat(&self) -> Answer<Option<Beat>>;

    /// All servers that noted themselves within the last hour, in any order.
    async fn servers(&self) -> Answer<Vec<Server>>;

    /// Notes a server.
    async fn note_server(&self, server: &Server) -> Answer<()>;

    /// Takes a server off the list.
    async fn forget_server(&self, name: &str) -> Answer<()>;

    /// Waits before something is tried again.
    async fn pause(&self, ms: u64);
}
