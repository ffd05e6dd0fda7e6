//! The engine of a single server: one fjall keyspace, one batch and one sync a round.
//!
//! One keyspace on purpose: a damaged journal then recovers to a prefix of the rounds, never to rows of one
//! kind without the others. Beside the database stands the commit-number file; a database that ends before
//! it is not opened.

use async_trait::async_trait;
use bytes::Bytes;
use fjall::compaction::filter::Factory;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::layout::{self, CREATED, LAST, Stretch};
use super::{Attempt, Engine, Opened, PersistError, Round};
use crate::backup::{BackupError, Summary};
use crate::contract::{
    AppliedCommit, Direction, Home, KeyRange, OpenError, Partition, RowAt, StoreError,
};
use crate::key;
use crate::limits::{FIRST_POSITION, Limits};
use crate::store::{Clock, drawn};

pub(crate) mod backup;
#[cfg(test)]
mod crash;
mod expire;
#[cfg(test)]
mod full;
#[cfg(test)]
mod hurt;
mod journal;
mod number;
#[cfg(test)]
mod restored;
pub(crate) mod upgrade;
#[cfg(test)]
mod upgraded;

use number::CommitNumber;
use upgrade::Ways;

/// See the module.
pub(crate) struct Embedded {
    folder: PathBuf,
    free_bytes_min: u64,
    free_bytes: FreeBytes,
    opened: Opened,
    /// Nothing once it is closed, so that the files are free even while somebody holds the store.
    open: RwLock<Option<Open>>,
    number: CommitNumber,
    clock: Clock,
}

struct Open {
    database: Database,
    keyspace: Keyspace,
}

const DATABASE_FOLDER: &str = "db";
const NUMBER_FILE: &str = "commit-number";
const KEYSPACE: &str = "store";

/// Rows deleted at once by `forget`, so that a batch stays small.
const FORGET_ROUNDS: usize = 1_000;

impl Embedded {
    /// Opens or creates the store in `folder`.
    pub(crate) fn open(folder: &Path, limits: &Limits, clock: Clock) -> Result<Self, OpenError> {
        Self::open_as(&upgrade::WAYS, folder, limits, clock)
    }

    /// The same in a format that is given.
    fn open_as(
        ways: &Ways,
        folder: &Path,
        limits: &Limits,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let now_ms = clock();
        std::fs::create_dir_all(folder)?;
        upgrade::finish(folder)?;
        check_owner(folder)?;
        journal::check(&folder.join(DATABASE_FOLDER))?;
        let open = open_database(folder, limits, &clock)?;
        let mut opened = match open.format()? {
            Some((found, _)) if found != ways.format => return Err(ways.refusal(found)),
            Some((_, incarnation)) => open.recovered(incarnation)?,
            None => {
                let incarnation = drawn(limits, now_ms, &folder.to_string_lossy());
                open.create(ways.format, incarnation)?
            }
        };
        upgrade::clear(folder);
        opened.attempts = open
            .young_attempts(now_ms - limits.attempts_ms, limits.attempts)
            .map_err(damaged)?;
        let number = CommitNumber::open(
            &folder.join(NUMBER_FILE),
            opened.last_position,
            opened.last_position >= FIRST_POSITION,
            limits.commit_number_ms,
        )?;
        Ok(Self {
            folder: folder.to_owned(),
            free_bytes_min: limits.free_bytes_min,
            free_bytes: Box::new(free_bytes),
            opened,
            open: RwLock::new(Some(open)),
            number,
            clock,
        })
    }

    fn with<T>(&self, act: impl FnOnce(&Open) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        act(open.as_ref().ok_or(StoreError::Closed)?)
    }

    /// A failed write poisons the database until the next start, so a full disk is found before.
    fn refuse_when_full(&self) -> Result<(), StoreError> {
        let free = (self.free_bytes)(&self.folder).map_err(|error| {
            StoreError::Unavailable(format!("the free space is not known: {error}"))
        })?;
        if free < self.free_bytes_min {
            return Err(StoreError::StorageFull);
        }
        Ok(())
    }
}

/// A folder with other things in it belongs to somebody else: a store is not begun among them.
fn check_owner(folder: &Path) -> Result<(), OpenError> {
    if folder.join(DATABASE_FOLDER).exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name != NUMBER_FILE {
            let (folder, name) = (folder.display().to_string(), name.display().to_string());
            return Err(OpenError::Foreign { folder, name });
        }
    }
    Ok(())
}

/// Free bytes of the file system of a folder.
type FreeBytes = Box<dyn Fn(&Path) -> std::io::Result<u64> + Send + Sync>;

/// Free bytes of the file system of a folder, for an ordinary user.
///
/// # Errors
/// The folder is not there.
pub fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let space = rustix::fs::statvfs(folder)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

fn open_database(folder: &Path, limits: &Limits, clock: &Clock) -> Result<Open, OpenError> {
    open_at(&folder.join(DATABASE_FOLDER), folder, limits, clock)
}

/// Opens or creates the database in `place`; `folder` is what people know the store by.
fn open_at(place: &Path, folder: &Path, limits: &Limits, clock: &Clock) -> Result<Open, OpenError> {
    let begin = || begin(place, folder, limits, clock);
    // A damaged journal can make the database panic while it recovers; that is a refusal too.
    std::panic::catch_unwind(AssertUnwindSafe(begin))
        .unwrap_or_else(|_| Err(damaged("the database gave up while it recovered")))
}

fn begin(place: &Path, folder: &Path, limits: &Limits, clock: &Clock) -> Result<Open, OpenError> {
    let expire: Arc<dyn Factory> = Arc::new(expire::Expire::new(Arc::clone(clock)));
    let failed = |error: fjall::Error| match error {
        fjall::Error::Locked => OpenError::InUse(folder.display().to_string()),
        fjall::Error::Io(error) => OpenError::Io(error),
        other => OpenError::Damaged(other.to_string()),
    };
    let database = Database::builder(place)
        .cache_size(limits.cache_bytes)
        .max_journaling_size(limits.journal_bytes.max(JOURNAL_BYTES_MIN))
        .manual_journal_persist(true)
        .with_compaction_filter_factories(Arc::new(move |_| Some(Arc::clone(&expire))))
        .open()
        .map_err(failed)?;
    let keyspace = database
        .keyspace(KEYSPACE, KeyspaceCreateOptions::default)
        .map_err(failed)?;
    Ok(Open { database, keyspace })
}

/// The database engine takes no smaller journal.
const JOURNAL_BYTES_MIN: u64 = 64 << 20;

/// Has the store in a folder say that it is of another format, for tests of what a start says of it.
///
/// # Panics
/// When it is in use, or no store.
#[cfg(any(test, feature = "suite"))]
pub fn claim_format(folder: &Path, format: u64) {
    let clock: Clock = Arc::new(|| 0);
    let opened = open_database(folder, &Limits::default(), &clock).expect("a store");
    let stored = opened.keyspace.get(CREATED).expect("a row");
    let (_, incarnation): (u64, u64) =
        key::decode(&stored.expect("a store")).expect("format and incarnation");
    let mut batch = opened
        .database
        .batch()
        .durability(Some(PersistMode::SyncAll));
    batch.insert(
        &opened.keyspace,
        CREATED,
        &*key::encode(&(format, incarnation)),
    );
    batch.commit().expect("it is written");
}

fn damaged(error: impl std::fmt::Display) -> OpenError {
    OpenError::Damaged(error.to_string())
}

fn failed(error: fjall::Error) -> StoreError {
    match error {
        fjall::Error::Io(error) => StoreError::Unavailable(error.to_string()),
        fjall::Error::Poisoned => StoreError::Unavailable(
            "an earlier write failed; start the server again to recover".to_owned(),
        ),
        other => StoreError::Corrupt(other.to_string()),
    }
}

impl Open {
    fn snapshot(&self) -> Snapshot {
        self.database.snapshot()
    }

    /// Format and incarnation, if the store was created before.
    fn format(&self) -> Result<Option<(u64, u64)>, OpenError> {
        let stored = self.keyspace.get(CREATED).map_err(damaged)?;
        let decode = |stored: fjall::UserValue| key::decode(&stored).map_err(damaged);
        stored.map(decode).transpose()
    }

    /// Position and time of the newest commit.
    fn last(&self) -> Result<Option<(u64, i64)>, OpenError> {
        let stored = self.keyspace.get(LAST).map_err(damaged)?;
        let decode = |stored: fjall::UserValue| key::decode(&stored).map_err(damaged);
        stored.map(decode).transpose()
    }

    fn create(&self, format: u64, incarnation: u64) -> Result<Opened, OpenError> {
        if self.keyspace.get(LAST).map_err(damaged)?.is_some() {
            return Err(damaged("the row that names its format is missing"));
        }
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(
            &self.keyspace,
            CREATED,
            &*key::encode(&(format, incarnation)),
        );
        batch.commit().map_err(damaged)?;
        Ok(Opened {
            last_position: FIRST_POSITION - 1,
            last_time_ms: 0,
            incarnation,
            attempts: Vec::new(),
        })
    }

    fn recovered(&self, incarnation: u64) -> Result<Opened, OpenError> {
        let (last_position, last_time_ms) = self.last()?.unwrap_or((FIRST_POSITION - 1, 0));
        let newest = self.young_attempts(i64::MIN, 1).map_err(damaged)?;
        if newest
            .last()
            .is_some_and(|newest| newest.position != last_position)
        {
            return Err(damaged("its newest round is not the one it says"));
        }
        Ok(Opened {
            last_position,
            last_time_ms,
            incarnation,
            attempts: Vec::new(),
        })
    }

    /// Attempts not older than `since_ms`, the newest `limit` of them, in order of position.
    fn young_attempts(&self, since_ms: i64, limit: usize) -> Result<Vec<Attempt>, StoreError> {
        let mut rounds = Vec::new();
        let mut found = 0;
        for guard in self.keyspace.range(layout::attempts_before(u64::MAX)).rev() {
            let stored = guard.value().map_err(failed)?;
            let attempts = layout::decode_attempts(&stored)?;
            found += attempts.len();
            let old = attempts.last().is_none_or(|a| a.time_ms < since_ms);
            if old || (found > limit && !rounds.is_empty()) {
                break;
            }
            rounds.push(attempts);
        }
        Ok(rounds.into_iter().rev().flatten().collect())
    }

    /// The keys of rounds to forget: all but the newest of the stretch, as long as `old` says so.
    fn forgettable(
        &self,
        stretch: Stretch,
        old: impl Fn(&[u8]) -> Result<bool, StoreError>,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut keys = Vec::new();
        for guard in self.snapshot().range(&self.keyspace, stretch) {
            let (key, stored) = guard.into_inner().map_err(failed)?;
            if keys.len() > FORGET_ROUNDS || !old(&stored)? {
                break;
            }
            keys.push(key.to_vec());
        }
        keys.pop();
        Ok(keys)
    }
}

#[async_trait]
impl Engine for Embedded {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    fn blocks(&self) -> bool {
        true
    }

    async fn get_many(&self, wanted: &[(Home, RowAt)]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.with(|open| {
            let snapshot = open.snapshot();
            let get = |(home, at): &(Home, RowAt)| {
                let stored = snapshot.get(&open.keyspace, layout::row_key(home, at));
                Ok(stored
                    .map_err(failed)?
                    .map(|stored| Bytes::copy_from_slice(&stored)))
            };
            wanted.iter().map(get).collect()
        })
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
        let row = |guard: fjall::Guard| {
            let (key, stored) = guard.into_inner().map_err(failed)?;
            Ok((
                Bytes::copy_from_slice(&key[prefix..]),
                Bytes::copy_from_slice(&stored),
            ))
        };
        self.with(|open| {
            let rows = open.snapshot().range(&open.keyspace, stretch);
            match direction {
                Direction::Forward => rows.take(limit).map(row).collect(),
                Direction::Backward => rows.rev().take(limit).map(row).collect(),
            }
        })
    }

    async fn persist(&self, round: &Round) -> Result<(), PersistError> {
        let refused = PersistError::Refused;
        self.refuse_when_full().map_err(refused)?;
        let entries = layout::round_entries(round).map_err(refused)?;
        let committed = self.with(|open| {
            let mut batch = open
                .database
                .batch()
                .durability(Some(PersistMode::SyncData));
            for (key, stored) in entries {
                match stored {
                    Some(stored) => batch.insert(&open.keyspace, key, &*stored),
                    None => batch.remove(&open.keyspace, key),
                }
            }
            Ok(batch.commit())
        });
        match committed.map_err(refused)? {
            Ok(()) => {}
            // It is asked before anything is written.
            Err(error @ fjall::Error::Poisoned) => return Err(refused(failed(error))),
            Err(error) => return Err(PersistError::Unknown(error.to_string())),
        }
        // Not the round's time: that stands still after the clock was set back.
        self.number.write(round.last, (self.clock)());
        Ok(())
    }

    /// The database is poisoned now, and whether the round is in its journal shows at the next start.
    async fn settle(&self, _round: &Round) -> Result<bool, StoreError> {
        Err(StoreError::Unavailable(
            "the database must be recovered".to_owned(),
        ))
    }

    async fn apply(&self, _rounds: &[Round]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn effects_after(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<AppliedCommit>, StoreError> {
        self.with(|open| {
            let snapshot = open.snapshot();
            let before = layout::effects_before(position.saturating_add(1));
            let begins = snapshot.range(&open.keyspace, before).next_back();
            let rest = layout::effects_from(position.saturating_add(1));
            let rest = snapshot.range(&open.keyspace, rest);
            let mut found = Vec::new();
            for guard in begins.into_iter().chain(rest) {
                let commits = layout::decode_effects(&guard.value().map_err(failed)?)?;
                found.extend(commits.into_iter().filter(|c| c.position > position));
                if found.len() >= limit {
                    found.truncate(limit);
                    break;
                }
            }
            Ok(found)
        })
    }

    async fn forget(&self, position: u64, young_ms: i64) -> Result<(), StoreError> {
        loop {
            let more = self.with(|open| {
                let effects = layout::effects_before(position);
                let mut keys = open.forgettable(effects, |_| Ok(true))?;
                let attempts = layout::attempts_before(position);
                keys.extend(
                    open.forgettable(attempts, |stored| Ok(layout::newest_ms(stored)? < young_ms))?,
                );
                let more = keys.len() >= FORGET_ROUNDS;
                // Not synced: what a crash brings back is forgotten again.
                let mut batch = open.database.batch();
                for key in keys {
                    batch.remove(&open.keyspace, key);
                }
                batch.commit().map_err(failed)?;
                Ok(more)
            })?;
            if !more {
                return Ok(());
            }
        }
    }

    async fn homes(&self, after: Option<&Home>, limit: usize) -> Result<Vec<Home>, StoreError> {
        self.with(|open| {
            let snapshot = open.snapshot();
            let mut found = Vec::new();
            let mut after = after.map(|home| home.as_str().to_owned());
            while found.len() < limit {
                let stretch = layout::homes_from(after.as_deref());
                let Some(guard) = snapshot.range(&open.keyspace, stretch).next() else {
                    break;
                };
                let home = layout::home_of(&guard.key().map_err(failed)?)?;
                if !layout::is_own(&home) {
                    found.push(Home::parse(&home));
                }
                after = Some(home);
            }
            Ok(found)
        })
    }

    fn backup(
        &self,
        out: &mut (dyn std::io::Write + Send),
        made_ms: i64,
    ) -> Result<Summary, BackupError> {
        self.back_up(out, made_ms)
    }

    fn wants_idle(&self) -> bool {
        self.number.unsynced()
    }

    async fn idle(&self) {
        self.number.sync();
    }

    async fn close(&self) {
        let open = self
            .open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(open) = open
            && let Err(error) = open.database.persist(PersistMode::SyncAll)
        {
            tracing::error!(%error, "the journal cannot be synced at the end");
        }
        self.number.sync();
    }
}
