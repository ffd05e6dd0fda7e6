//! The words of the contract: homes, rows, logs, ranges, applied commits and the errors.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::Bound;
use std::sync::Arc;

/// The unit of atomicity and order: everything inside one home changes in one commit or not at all.
///
/// Written `kind:id`, 1 to 200 bytes; a longer one is refused by every call that takes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Home(Arc<str>);

impl Home {
    /// The home `kind:id`.
    pub fn new(kind: &str, id: impl Display) -> Self {
        Self(format!("{kind}:{id}").into())
    }

    /// A home from its written form, as `as_str` gave it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.into())
    }

    /// The written form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first colon.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(kind, _)| kind)
    }

    /// What stands after the first colon.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, id)| id)
    }
}

impl Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a table, and whether its partitions are logs: an engine may keep the entries of a log in
/// stretches. 0 to 255 belong to the store itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableId {
    number: u16,
    log: bool,
}

impl TableId {
    /// The number of a table of rows.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self { number, log: false }
    }

    /// The number of a table of logs.
    #[must_use]
    pub const fn of_logs(number: u16) -> Self {
        Self { number, log: true }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.number
    }

    /// True if its partitions are logs.
    #[must_use]
    pub const fn is_log(self) -> bool {
        self.log
    }
}

/// Rows that are read together, in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Partition {
    /// The table.
    pub table: TableId,
    /// The name of the partition inside table and home.
    pub name: Bytes,
}

/// The place of a row inside its home.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowAt {
    /// The table.
    pub table: TableId,
    /// The name of the partition.
    pub partition: Bytes,
    /// The key inside the partition.
    pub key: Bytes,
}

impl RowAt {
    /// The partition it lies in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        Partition {
            table: self.table,
            name: self.partition.clone(),
        }
    }
}

/// A row as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Position of the commit that wrote it.
    pub version: u64,
    /// When it ends, in ms since 1970; an ended row is never read.
    pub expires_at: Option<i64>,
    /// The bytes.
    pub value: Bytes,
}

/// The head of a log. An empty log is `{first: 1, last: 0, count: 0}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the oldest entry that is kept.
    pub first: u64,
    /// Number of the newest entry.
    pub last: u64,
    /// How many entries were appended that count; never goes down.
    pub count: u64,
}

impl Head {
    /// The head of a log without entries.
    pub const EMPTY: Self = Self {
        first: 1,
        last: 0,
        count: 0,
    };
}

/// The direction of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest key first.
    Forward,
    /// Largest key first.
    Backward,
}

/// A range of keys inside a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRange {
    /// Lower end.
    pub from: Bound<Bytes>,
    /// Upper end.
    pub to: Bound<Bytes>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            from: Bound::Unbounded,
            to: Bound::Unbounded,
        }
    }

    /// The keys after `key`: the next page of a forward scan.
    pub fn after(key: impl Into<Bytes>) -> Self {
        Self {
            from: Bound::Excluded(key.into()),
            to: Bound::Unbounded,
        }
    }

    /// The keys before `key`: the next page of a backward scan.
    pub fn before(key: impl Into<Bytes>) -> Self {
        Self {
            from: Bound::Unbounded,
            to: Bound::Excluded(key.into()),
        }
    }

    /// The keys that begin with `prefix`.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix = prefix.into();
        let to = prefix_end(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Self {
            from: Bound::Included(prefix),
            to,
        }
    }

    /// True if the key lies inside.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        let above = match &self.from {
            Bound::Included(from) => key >= from.as_ref(),
            Bound::Excluded(from) => key > from.as_ref(),
            Bound::Unbounded => true,
        };
        let below = match &self.to {
            Bound::Included(to) => key <= to.as_ref(),
            Bound::Excluded(to) => key < to.as_ref(),
            Bound::Unbounded => true,
        };
        above && below
    }

    /// True if no key can lie inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
            | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
            _ => false,
        }
    }

    /// The same range with what follows `key` in this direction: the next page after it.
    #[must_use]
    pub fn resume(mut self, key: impl Into<Bytes>, direction: Direction) -> Self {
        match direction {
            Direction::Forward => self.from = Bound::Excluded(key.into()),
            Direction::Backward => self.to = Bound::Excluded(key.into()),
        }
        self
    }
}

/// The first key behind all that begin with `prefix`; nothing if there is none.
pub(crate) fn prefix_end(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(Bytes::from(end))
}

/// Commits that were persisted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedRound {
    /// Position of the first of them.
    pub first: u64,
    /// The commits in order of position.
    pub commits: Vec<AppliedCommit>,
}

/// One applied commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedCommit {
    /// Its number.
    pub position: u64,
    /// Its time in ms since 1970; never smaller than that of an earlier position.
    pub time_ms: i64,
    /// Its home.
    pub home: Home,
    /// What it wrote, one change a row. Empty when it was read back from the persisted rounds.
    pub writes: Vec<Write>,
    /// What must happen elsewhere.
    pub effects: Vec<Effect>,
}

/// One written row of an applied commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The place of the row.
    pub at: RowAt,
    /// What happened to it.
    pub change: Change,
}

/// What happened to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has this value now. A rewritten entry of a log is a `Put` too.
    Put(Bytes),
    /// It is gone.
    Delete,
    /// A new entry of a log.
    Append {
        /// Its number.
        seq: u64,
        /// The count of the log's head with it.
        count: u64,
        /// Its value.
        value: Bytes,
    },
    /// A larger number won.
    Max {
        /// The number.
        n: u64,
        /// Its payload.
        with: Bytes,
    },
    /// A counter has this sum now.
    Sum(i64),
}

/// Something that must happen elsewhere because of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Its number inside the commit, from 0. Position and ordinal name it for ever.
    pub ordinal: u32,
    /// Which consumer it is for.
    pub kind: String,
    /// What the consumer needs.
    pub payload: Bytes,
}

/// A numbering operation of a commit, to look up its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered(pub u16);

/// What a numbering operation gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The number of the entry, or the sum.
    pub number: i64,
    /// After an `append`: the count of the log's head.
    pub count: u64,
}

/// The answer to a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Its position. A commit that wrote nothing names the newest position it saw.
    pub position: u64,
    /// Its time in ms since 1970.
    pub time_ms: i64,
    /// What the numbering operations gave, in their order.
    pub outcomes: Vec<Outcome>,
    /// True if the client id had run before: nothing ran now, this is the stored answer.
    pub repeated: bool,
    /// True if `once` said that it is done already: nothing ran.
    pub skipped: bool,
}

impl Committed {
    /// The number of an appended entry; 0 for a skipped commit.
    #[must_use]
    pub fn seq(&self, n: Numbered) -> u64 {
        self.outcome(n).map_or(0, |o| o.number.cast_unsigned())
    }

    /// The count of the log's head after an append; 0 for a skipped commit.
    #[must_use]
    pub fn count(&self, n: Numbered) -> u64 {
        self.outcome(n).map_or(0, |o| o.count)
    }

    /// The sum after an `add`; 0 for a skipped commit.
    #[must_use]
    pub fn sum(&self, n: Numbered) -> i64 {
        self.outcome(n).map_or(0, |o| o.number)
    }

    fn outcome(&self, n: Numbered) -> Option<&Outcome> {
        self.outcomes.get(usize::from(n.0))
    }
}

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum StoreError {
    /// An expectation failed; nothing was written.
    #[error("the commit lost a race: {what}")]
    Conflict {
        /// Which expectation, without the names of keys.
        what: String,
    },
    /// A bound of the operation itself would be passed; nothing was written.
    #[error("{what} stops at {limit}")]
    Limit {
        /// Which bound.
        what: Cow<'static, str>,
        /// The bound; for a negative one its distance from 0.
        limit: u64,
    },
    /// Something is larger than the store takes; nothing was written.
    #[error("{what} is too large: {got} of at most {limit}")]
    TooLarge {
        /// What.
        what: Cow<'static, str>,
        /// How much is allowed.
        limit: usize,
        /// How much it is.
        got: usize,
    },
    /// The commit contradicts itself: a mistake in the calling code.
    #[error("the commit is not valid: {what}")]
    Invalid {
        /// How.
        what: String,
    },
    /// The client id ran before with another request.
    #[error("the client id was used for another request")]
    ClientIdReused,
    /// The client id is older than the answers that are kept.
    #[error("the client id is too old")]
    ClientIdExpired,
    /// Too many commits are waiting. Try again later.
    #[error("too many commits are waiting")]
    Busy,
    /// Too little space is left on the file system; reading goes on.
    #[error("the file system of the store is almost full")]
    StorageFull,
    /// The engine does not work; certainly nothing was written.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The writer it was sent to is not the writer any more; certainly nothing was written. The store
    /// sends it again by itself.
    #[error("the commit was sent to a writer that is none any more")]
    Moved,
    /// Whether the commit was written is not known; a client id makes it safe to ask again.
    #[error("the outcome of the commit is not known")]
    Unknown,
    /// Stored bytes are not what they should be.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The same attempt lost its race too often.
    #[error("the commit lost too many races")]
    Contended,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// True if an expectation failed, so that reading again may help.
    #[must_use]
    pub const fn lost_race(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// True if a writer looked at the commit and refused it for what stands in the store.
    pub(crate) const fn refuses(&self) -> bool {
        matches!(
            self,
            Self::Conflict { .. }
                | Self::Limit { .. }
                | Self::TooLarge { .. }
                | Self::Invalid { .. }
                | Self::ClientIdReused
                | Self::ClientIdExpired
                | Self::Corrupt(_)
        )
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the folder.
    #[error("another process has opened the store in {0}")]
    InUse(String),
    /// The folder was written by a version with another format.
    #[error("{}", other_format(*found, *known))]
    Format {
        /// The format of the folder.
        found: u64,
        /// The format of this version.
        known: u64,
    },
    /// The folder was written by an older version, and there is a way from there: [`crate::upgrade`].
    #[error(
        "the store was written by an older release (format {found}; this one reads format {known}): start the \
         server once, which makes a snapshot and brings it to the new format"
    )]
    Older {
        /// The format of the folder.
        found: u64,
        /// The format of this version.
        known: u64,
    },
    /// The disk can't hold what an upgrade writes.
    #[error(
        "the store is of an older format, and bringing it to the new one needs {} MiB of free space for a snapshot \
         and a copy; there are {} MiB. Nothing was changed", needed.div_ceil(1 << 20), there >> 20
    )]
    NoRoom {
        /// Bytes.
        needed: u64,
        /// Free bytes.
        there: u64,
    },
    /// What is in the folder is no store.
    #[error(
        "{folder} holds no store but other things, such as {name}; give an empty folder or one of a store"
    )]
    Foreign {
        /// The folder.
        folder: String,
        /// Something in it.
        name: String,
    },
    /// The database lost commits that were acknowledged.
    #[error(
        "the journal of the store is damaged: it ends at commit {found}, but commit {known} was \
         acknowledged; restore a backup"
    )]
    Behind {
        /// Where the database ends.
        found: u64,
        /// What the commit-number file says.
        known: u64,
    },
    /// The database engine refuses the folder.
    #[error("the store is damaged or cannot be read: {0}")]
    Damaged(String),
    /// The database of a cluster does not answer.
    #[error("no database answers: {0}")]
    Unreachable(String),
    /// The database of a cluster answers, but must not be used like this.
    #[error("{0}")]
    Unfit(String),
    /// The file system refuses.
    #[error("the folder of the store cannot be used: {0}")]
    Io(#[from] std::io::Error),
}

fn other_format(found: u64, known: u64) -> String {
    if found > known {
        format!(
            "the store was written by a newer release (format {found}; this one reads format {known}): \
             start that release again, or restore a backup that this one made"
        )
    } else {
        format!(
            "the store was written by an older release (format {found}; this one reads format {known}), \
             and there is no way from there: back it up with that release"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_has_a_kind_and_an_id() {
        let home = Home::new("thing", 17);
        assert_eq!(
            (home.as_str(), home.kind(), home.id()),
            ("thing:17", "thing", "17")
        );
        assert_eq!(Home::new("a", "b:c").id(), "b:c");
        assert_eq!(Home::parse("thing:17"), home);
    }

    #[test]
    fn a_prefix_range_ends_behind_its_last_key() {
        let range = KeyRange::prefix(&b"a\xFF"[..]);
        assert!(range.contains(b"a\xFF") && range.contains(b"a\xFF\xFF\xFF"));
        assert!(!range.contains(b"b") && !range.contains(b"a\xFE"));
        assert_eq!(KeyRange::prefix(&b"\xFF\xFF"[..]).to, Bound::Unbounded);
        assert_eq!(KeyRange::prefix(&b""[..]).to, Bound::Unbounded);
    }

    #[test]
    fn an_upside_down_range_is_empty() {
        let range = KeyRange {
            from: Bound::Excluded(Bytes::from_static(b"a")),
            to: Bound::Included(Bytes::from_static(b"a")),
        };
        assert!(range.is_empty() && !KeyRange::all().is_empty());
    }
}
