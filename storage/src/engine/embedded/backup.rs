//! A backup of an embedded store while it is written to, and a new store of one.

use std::path::{Path, PathBuf};

use fjall::{Keyspace, PersistMode, Readable, Snapshot};

use super::upgrade::{Step, Ways, lead};
use super::{CommitNumber, Embedded, NUMBER_FILE, Open, damaged, open_database};
use crate::backup::{BackupError, Source, Summary, Writer};
use crate::engine::Engine as _;
use crate::engine::layout::{self, CREATED, LAST};
use crate::key;
use crate::limits::{FIRST_POSITION, Limits};
use crate::store::{Clock, drawn};

/// Entries are written in batches of about so many bytes.
const BATCH_BYTES: usize = 1 << 20;
/// 2025-01-01 in ms since 1970.
const EPOCH_MS: i64 = 1_735_689_600_000;
/// More commits than a store makes in a minute (35,000 a second).
const COMMITS_A_MINUTE: u64 = 1 << 21;
/// First positions are rounded up to this, as the buckets of a cluster begin.
const ROUNDED: u64 = 1_024;

impl Embedded {
    /// Writes everything as of one instant. Writing goes on meanwhile, and so may closing.
    pub(super) fn back_up(
        &self,
        out: &mut (dyn std::io::Write + Send),
        made_ms: i64,
    ) -> Result<Summary, BackupError> {
        let taken = self.with(|open| Ok((open.snapshot(), open.keyspace.clone())));
        let (snapshot, keyspace) = taken.map_err(told)?;
        let head = Head {
            format: layout::FORMAT,
            incarnation: self.opened().incarnation,
            made_ms,
        };
        write(&snapshot, &keyspace, out, head)
    }
}

/// What a backup says of the store that it was made of.
pub(super) struct Head {
    pub(super) format: u64,
    pub(super) incarnation: u64,
    pub(super) made_ms: i64,
}

/// Writes everything as of a snapshot.
pub(super) fn write(
    snapshot: &Snapshot,
    keyspace: &Keyspace,
    out: &mut (dyn std::io::Write + Send),
    head: Head,
) -> Result<Summary, BackupError> {
    let last = snapshot.get(keyspace, LAST).map_err(told)?;
    let last: Option<(u64, i64)> = last.map(|l| key::decode(&l)).transpose().map_err(told)?;
    let (position, time_ms) = last.unwrap_or((FIRST_POSITION - 1, 0));
    let summary = Summary {
        position,
        time_ms,
        made_ms: head.made_ms,
        incarnation: head.incarnation,
        entries: 0,
        rows: 0,
        homes: 0,
        bytes: 0,
    };
    let mut writer = Writer::begin(out, head.format, summary)?;
    for guard in snapshot.iter(keyspace) {
        let (key, value) = guard.into_inner().map_err(told)?;
        // Attempts answer a process that is sending again, and its life ends before a restore.
        if layout::is_kept(&key) {
            writer.entry(&key, &value)?;
        }
    }
    writer.end()
}

fn told(error: impl std::fmt::Display) -> BackupError {
    BackupError::Store(format!("the store can't be read: {error}"))
}

/// The position before the first one of a restored store. The store that the backup was made of went on:
/// its numbers must not be given twice, to other commits.
fn last_before(summary: &Summary, now_ms: i64) -> u64 {
    let minutes = u64::try_from((now_ms - EPOCH_MS) / 60_000).unwrap_or(0);
    let first = (summary.position + 1).max(minutes.saturating_mul(COMMITS_A_MINUTE));
    first.next_multiple_of(ROUNDED) - 1
}

/// See [`crate::backup::restore`]; the backup was checked.
pub(crate) fn restore(
    ways: &Ways,
    file: &Path,
    folder: &Path,
    limits: &Limits,
    clock: &Clock,
) -> Result<Summary, BackupError> {
    if folder.exists() {
        return Err(BackupError::NotEmpty(folder.display().to_string()));
    }
    // Under its own name only once it is whole: a server must never find a part of a store.
    let mut beside = folder.as_os_str().to_owned();
    beside.push(".restoring");
    let beside = PathBuf::from(beside);
    let made = fill(ways, file, &beside, limits, clock);
    let placed = made.and_then(|summary| {
        std::fs::rename(&beside, folder)?;
        sync_folder(folder.parent())?;
        Ok(summary)
    });
    if placed.is_err() {
        // What is left of it would only be in the way.
        let _ = std::fs::remove_dir_all(&beside);
    }
    placed
}

fn fill(
    ways: &Ways,
    file: &Path,
    folder: &Path,
    limits: &Limits,
    clock: &Clock,
) -> Result<Summary, BackupError> {
    let mut source = Source::open(file, ways)?;
    let steps = ways.from(source.format).unwrap_or_default();
    std::fs::create_dir(folder)?;
    let open = open_database(folder, limits, clock)?;
    let now_ms = clock();
    while write_some(&open, &mut source, steps)? {}
    let summary = source.summary;
    let last = last_before(&summary, now_ms);
    let salt = format!("{}{}", folder.display(), summary.incarnation);
    let incarnation = drawn(limits, now_ms, &salt);
    let mut batch = open.database.batch().durability(Some(PersistMode::SyncAll));
    let created = key::encode(&(ways.format, incarnation));
    batch.insert(&open.keyspace, CREATED, &*created);
    batch.insert(
        &open.keyspace,
        LAST,
        &*key::encode(&(last, summary.time_ms)),
    );
    batch.commit().map_err(damaged)?;
    open.database
        .persist(PersistMode::SyncAll)
        .map_err(damaged)?;
    CommitNumber::open(&folder.join(NUMBER_FILE), last, false, 0)?;
    sync_folder(Some(folder))?;
    Ok(summary)
}

/// Writes one batch of entries; false behind the last one.
fn write_some(open: &Open, source: &mut Source, steps: &[Step]) -> Result<bool, BackupError> {
    let mut batch = open.database.batch();
    let mut bytes = 0;
    while bytes < BATCH_BYTES {
        let Some((key, value)) = source.next()? else {
            batch.commit().map_err(damaged)?;
            return Ok(false);
        };
        bytes += key.len() + value.len();
        if !layout::is_kept(&key) {
            continue;
        }
        for (key, value) in lead(steps, (key, value)).map_err(BackupError::Wrong)? {
            batch.insert(&open.keyspace, key, value);
        }
    }
    batch.commit().map_err(damaged)?;
    Ok(true)
}

pub(super) fn sync_folder(folder: Option<&Path>) -> std::io::Result<()> {
    match folder {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_store_goes_on_above_all_positions_of_the_one_before() {
        let summary = |position| Summary {
            position,
            time_ms: 0,
            made_ms: 0,
            incarnation: 1,
            entries: 0,
            rows: 0,
            homes: 0,
            bytes: 0,
        };
        let minute = EPOCH_MS + 60_000;
        assert_eq!(last_before(&summary(5_000), minute), COMMITS_A_MINUTE - 1);
        let far = 3 * COMMITS_A_MINUTE;
        assert_eq!(last_before(&summary(far), minute), far + ROUNDED - 1);
        // A clock that stands before the beginning takes nothing back.
        assert_eq!(last_before(&summary(5_000), 0), 5_119);
        let year_2100 = 4_102_444_800_000;
        assert!(last_before(&summary(1), year_2100) < 1 << 53);
    }
}
