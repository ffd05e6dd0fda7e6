//! From an older format to this one, forward only. A backup of the store is put beside it first; then every entry is
//! led through the steps into a new database, which takes the place of the old one once it is whole and on the disk.
//! Whatever is cut off on the way, the next start finds the old store or the new one, and goes on.
//!
//! ```text
//! db                                 the old one
//! db, db.upgrading                   cut off: what was begun is thrown away, and begun again
//! db.before, db.upgrading            cut off between two renamings: the new one is whole
//! db, db.before                      cut off before the old one was removed
//! ```

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use fjall::{PersistMode, Readable};

use super::backup::{Head, sync_folder, write};
use super::{DATABASE_FOLDER, FreeBytes, Open, damaged, journal, open_at};
use crate::backup::{self, BackupError, Entry};
use crate::contract::OpenError;
use crate::engine::layout::{CREATED, FORMAT, LAST};
use crate::key;
use crate::limits::Limits;
use crate::store::Clock;

/// The copy while it is made.
const NEW_FOLDER: &str = "db.upgrading";
/// The old database until the new one stands in its place.
const OLD_FOLDER: &str = "db.before";
/// Where snapshots lie, beside the folder of the store.
const SNAPSHOTS: &str = "snapshots";
/// Entries are written in batches of about so many bytes.
const BATCH_BYTES: usize = 1 << 20;

/// What becomes of an entry in the next format: the same, another one, several, or none.
pub(crate) type Lead = fn(Entry) -> Result<Vec<Entry>, String>;

/// From one format to the next one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The older of the two.
    pub(crate) from: u64,
    /// What becomes of each entry but those that name the format and the newest commit.
    pub(crate) lead: Lead,
}

/// Which format is spoken, and how one comes to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    /// Of this release.
    pub(crate) format: u64,
    /// One behind the other, the last one to `format`.
    pub(crate) steps: &'static [Step],
}

/// Of this release: there was one format until now. A step is added here with the next one.
pub(crate) const WAYS: Ways = Ways {
    format: FORMAT,
    steps: &[],
};

impl Ways {
    /// The steps from an older format; nothing if there is no way.
    pub(crate) fn from(&self, format: u64) -> Option<&'static [Step]> {
        let first = self.steps.iter().position(|step| step.from == format)?;
        Some(&self.steps[first..])
    }

    /// Whether a store or a backup of that format can be read, at once or after the steps.
    pub(crate) fn reads(&self, format: u64) -> bool {
        format == self.format || self.from(format).is_some()
    }

    /// Why a store of another format is not opened.
    pub(super) fn refusal(&self, found: u64) -> OpenError {
        let known = self.format;
        match self.from(found) {
            Some(_) => OpenError::Older { found, known },
            None => OpenError::Format { found, known },
        }
    }
}

/// Leads an entry through steps.
///
/// # Errors
/// A step can't make anything of it.
pub(crate) fn lead(steps: &[Step], entry: Entry) -> Result<Vec<Entry>, String> {
    let mut entries = vec![entry];
    for step in steps {
        let led: Result<Vec<_>, _> = entries.into_iter().map(step.lead).collect();
        entries = led?.into_iter().flatten().collect();
    }
    Ok(entries)
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// The format before.
    pub from: u64,
    /// The format now.
    pub to: u64,
    /// Everything as it was before; `restore` reads it, of this release too.
    pub snapshot: PathBuf,
    /// Entries that were led through the steps.
    pub entries: u64,
}

/// Brings the store in `folder` to the format of this release, after a snapshot into `snapshots` beside the folder.
/// Blocks. `clock` gives ms since 1970.
///
/// # Errors
/// There is no way from its format, another process has it, or there is too little room: then nothing was touched.
/// If reading or writing fails on the way, the old store is still there.
pub fn upgrade(
    folder: &Path,
    limits: &Limits,
    clock: std::sync::Arc<dyn Fn() -> i64 + Send + Sync>,
) -> Result<Upgraded, OpenError> {
    let free: FreeBytes = Box::new(super::free_bytes);
    by(&WAYS, folder, limits, &clock, &free)
}

/// See [`upgrade`].
pub(super) fn by(
    ways: &Ways,
    folder: &Path,
    limits: &Limits,
    clock: &Clock,
    free: &FreeBytes,
) -> Result<Upgraded, OpenError> {
    let database = folder.join(DATABASE_FOLDER);
    journal::check(&database)?;
    let old = open_at(&database, folder, limits, clock)?;
    let (from, incarnation) = old
        .format()?
        .ok_or_else(|| damaged("the row that names its format is missing"))?;
    let steps = match ways.from(from) {
        Some(steps) => steps,
        None => return Err(ways.refusal(from)),
    };
    // The snapshot and the copy; that the disk packs them closer is not counted on.
    let needed = 2 * old.bytes()? + limits.free_bytes_min;
    let there = free(folder)?;
    if there < needed {
        return Err(OpenError::NoRoom { needed, there });
    }
    let head = Head {
        format: from,
        incarnation,
        made_ms: clock(),
    };
    let snapshot = snapshot(&old, folder, head)?;
    let new_folder = folder.join(NEW_FOLDER);
    if new_folder.exists() {
        // Whoever made it is gone: the old database is locked by this process.
        std::fs::remove_dir_all(&new_folder)?;
    }
    let copied = open_at(&new_folder, folder, limits, clock)
        .and_then(|new| copy(&old, &new, steps, (ways.format, incarnation)))
        .and_then(|entries| Ok(sync_folder(Some(&new_folder)).map(|()| entries)?));
    let entries = copied.inspect_err(|_| {
        // Half a copy would only take room.
        let _ = std::fs::remove_dir_all(&new_folder);
    })?;
    std::fs::rename(&database, folder.join(OLD_FOLDER))?;
    // The lock of the old one is held until the new one stands there.
    finish(folder)?;
    drop(old);
    clear(folder);
    Ok(Upgraded {
        from,
        to: ways.format,
        snapshot,
        entries,
    })
}

/// Completes an upgrade that was cut off between its two renamings; before anything is opened.
pub(super) fn finish(folder: &Path) -> Result<(), OpenError> {
    let (database, new) = (folder.join(DATABASE_FOLDER), folder.join(NEW_FOLDER));
    if !database.exists() && folder.join(OLD_FOLDER).exists() && new.exists() {
        std::fs::rename(new, database)?;
        sync_folder(Some(folder))?;
    }
    Ok(())
}

/// Takes away what an upgrade left behind; by whoever has the store open in its new format.
pub(super) fn clear(folder: &Path) {
    let old = folder.join(OLD_FOLDER);
    if old.exists()
        && let Err(error) = std::fs::remove_dir_all(&old)
    {
        tracing::warn!(%error, "the store of the format before can't be removed: {}", old.display());
    }
}

/// Writes a backup under a name that says what it is; one that is there and whole is taken as it is.
fn snapshot(old: &Open, folder: &Path, head: Head) -> Result<PathBuf, OpenError> {
    let told = |error: BackupError| damaged(format!("no snapshot can be made: {error}"));
    let place = folder.with_file_name(SNAPSHOTS);
    std::fs::create_dir_all(&place)?;
    let (format, made, incarnation) = (head.format, old.last()?, head.incarnation);
    let (position, _) = made.unwrap_or_default();
    let name = format!("format-{format}-{incarnation:x}-{position}.backup");
    let (file, part) = (place.join(&name), place.join(format!("{name}.part")));
    if file.exists() && backup::sum_fits(&file) {
        return Ok(file);
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut out = options.open(&part)?;
    let made = write(&old.snapshot(), &old.keyspace, &mut out, head).map_err(told);
    let kept = made.and_then(|_| {
        out.sync_all()?;
        // What the disk gives back is what a restore will get.
        if !backup::sum_fits(&part) {
            return Err(damaged("the snapshot can't be read back"));
        }
        std::fs::rename(&part, &file)?;
        Ok(File::open(&place)?.sync_all()?)
    });
    if kept.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    kept.map(|()| file)
}

/// Leads everything into the new database, and then says there that it is whole.
fn copy(old: &Open, new: &Open, steps: &[Step], created: (u64, u64)) -> Result<u64, OpenError> {
    let (snapshot, mut entries) = (old.snapshot(), 0);
    let (mut batch, mut bytes) = (new.database.batch(), 0);
    for guard in snapshot.iter(&old.keyspace) {
        let (key, value) = guard.into_inner().map_err(damaged)?;
        if *key == CREATED || *key == LAST {
            continue;
        }
        entries += 1;
        let led = lead(steps, (key.to_vec(), value.to_vec())).map_err(damaged)?;
        for (key, value) in led {
            bytes += key.len() + value.len();
            batch.insert(&new.keyspace, key, value);
        }
        if bytes >= BATCH_BYTES {
            batch.commit().map_err(damaged)?;
            (batch, bytes) = (new.database.batch(), 0);
        }
    }
    if let Some(last) = snapshot.get(&old.keyspace, LAST).map_err(damaged)? {
        batch.insert(&new.keyspace, LAST, &*last);
    }
    batch.insert(&new.keyspace, CREATED, &*key::encode(&created));
    let batch = batch.durability(Some(PersistMode::SyncAll));
    batch.commit().map_err(damaged)?;
    new.database
        .persist(PersistMode::SyncAll)
        .map_err(damaged)?;
    Ok(entries)
}

impl Open {
    /// Bytes of all keys and values.
    fn bytes(&self) -> Result<u64, OpenError> {
        let snapshot = self.snapshot();
        let mut bytes = 0;
        for guard in snapshot.iter(&self.keyspace) {
            let (key, value) = guard.into_inner().map_err(damaged)?;
            // A backup writes two lengths with them.
            bytes += (key.len() + value.len() + 8) as u64;
        }
        Ok(bytes)
    }
}
