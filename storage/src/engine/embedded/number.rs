//! The commit-number file: which commit was acknowledged last, kept outside of the database.
//!
//! Some damage makes the database open as if its newest commits had never been. This file turns that from
//! silent to loud. It has two slots, so that one is whole when the power fails while the other is written.
//! It is written every round and synced about every second: after a crash of the process nothing
//! acknowledged is missing silently, after a power loss at most the last second.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::contract::OpenError;

/// Slots stand in different blocks of the disk.
const SLOT_GAP: u64 = 4_096;

/// Position (8 bytes big-endian) and its CRC-32.
const SLOT_BYTES: usize = 12;

/// See the module.
pub(crate) struct CommitNumber {
    file: File,
    sync_ms: i64,
    synced_ms: AtomicI64,
    unsynced: AtomicBool,
    second: AtomicBool,
}

impl CommitNumber {
    /// Opens the file of a database that ends at `found`; `must_exist` if the database holds commits.
    pub(crate) fn open(
        path: &Path,
        found: u64,
        must_exist: bool,
        sync_ms: i64,
    ) -> Result<Self, OpenError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(!must_exist)
            .truncate(false)
            .open(path)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    OpenError::Damaged("the commit-number file is missing".to_owned())
                }
                _ => OpenError::Io(error),
            })?;
        let known = [0, SLOT_GAP]
            .iter()
            .filter_map(|at| read_slot(&file, *at))
            .max();
        match known {
            Some(known) if found < known => return Err(OpenError::Behind { found, known }),
            None if must_exist => {
                let why = "the commit-number file cannot be read".to_owned();
                return Err(OpenError::Damaged(why));
            }
            _ => {}
        }
        let number = Self {
            file,
            sync_ms,
            synced_ms: AtomicI64::new(0),
            unsynced: AtomicBool::new(true),
            second: AtomicBool::new(false),
        };
        write_slot(&number.file, 0, found)?;
        write_slot(&number.file, SLOT_GAP, found)?;
        number.file.sync_all()?;
        Ok(number)
    }

    /// Notes an acknowledged position. It only guards against damage, so a failure is told, not fatal.
    pub(crate) fn write(&self, position: u64, now_ms: i64) {
        // The clock may be set back, so that the last sync lies ahead.
        let recently = |ms: i64| (0..self.sync_ms).contains(&ms);
        let second = self.second.fetch_xor(true, Ordering::Relaxed);
        let at = if second { SLOT_GAP } else { 0 };
        if let Err(error) = write_slot(&self.file, at, position) {
            tracing::error!(%error, "the commit-number file cannot be written");
            return;
        }
        self.unsynced.store(true, Ordering::Relaxed);
        if !recently(now_ms.saturating_sub(self.synced_ms.load(Ordering::Relaxed))) {
            self.synced_ms.store(now_ms, Ordering::Relaxed);
            self.sync();
        }
    }

    /// True if something was written since the last sync.
    pub(crate) fn unsynced(&self) -> bool {
        self.unsynced.load(Ordering::Relaxed)
    }

    /// Makes what was written survive a loss of power.
    pub(crate) fn sync(&self) {
        if self.unsynced.swap(false, Ordering::Relaxed)
            && let Err(error) = self.file.sync_data()
        {
            tracing::error!(%error, "the commit-number file cannot be synced");
        }
    }
}

fn write_slot(file: &File, at: u64, position: u64) -> std::io::Result<()> {
    let number = position.to_be_bytes();
    let mut slot = [0; SLOT_BYTES];
    slot[..8].copy_from_slice(&number);
    slot[8..].copy_from_slice(&crc32fast::hash(&number).to_be_bytes());
    file.write_all_at(&slot, at)
}

fn read_slot(file: &File, at: u64) -> Option<u64> {
    let mut slot = [0; SLOT_BYTES];
    file.read_exact_at(&mut slot, at).ok()?;
    let (number, crc) = slot.split_at(8);
    (crc32fast::hash(number).to_be_bytes() == crc).then_some(())?;
    number.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_behind_the_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n");
        let number = CommitNumber::open(&path, 1_023, false, 1_000).unwrap();
        number.write(1_030, 5);
        number.write(1_031, 6);
        drop(number);
        let behind = CommitNumber::open(&path, 1_030, true, 1_000).err().unwrap();
        assert!(matches!(
            behind,
            OpenError::Behind {
                found: 1_030,
                known: 1_031
            }
        ));
        assert!(CommitNumber::open(&path, 1_031, true, 1_000).is_ok());
        assert!(CommitNumber::open(&path, 1_040, true, 1_000).is_ok());
    }

    #[test]
    fn it_is_synced_after_its_time_and_after_a_clock_was_set_back() {
        let folder = tempfile::tempdir().unwrap();
        let number = CommitNumber::open(&folder.path().join("n"), 1_023, false, 1_000).unwrap();
        for (position, now_ms, synced) in [
            (1_024, 50_000, true),
            (1_025, 50_999, false),
            (1_026, 51_000, true),
            (1_027, 51_001, false),
            (1_028, 9_000, true),
            (1_029, 9_999, false),
            (1_030, 10_000, true),
        ] {
            number.write(position, now_ms);
            assert_eq!(number.unsynced(), !synced, "at {now_ms}");
        }
    }

    #[test]
    fn one_broken_slot_leaves_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n");
        let number = CommitNumber::open(&path, 1_023, false, 1_000).unwrap();
        number.write(1_030, 5);
        number.write(1_031, 6);
        number.file.write_all_at(b"x", SLOT_GAP + 3).unwrap();
        drop(number);
        assert!(CommitNumber::open(&path, 1_029, true, 1_000).is_err());
        assert!(CommitNumber::open(&path, 1_030, true, 1_000).is_ok());
    }

    #[test]
    fn a_missing_or_unreadable_file_is_refused_when_there_are_commits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n");
        assert!(matches!(
            CommitNumber::open(&path, 1_030, true, 1_000),
            Err(OpenError::Damaged(_))
        ));
        std::fs::write(&path, [0xAA; 5_000]).unwrap();
        assert!(matches!(
            CommitNumber::open(&path, 1_030, true, 1_000),
            Err(OpenError::Damaged(_))
        ));
    }
}
