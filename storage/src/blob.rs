//! Bytes that are too large for a row ([`crate::Limits`]): a blob is a few parts, each written once and never changed.
//! Which parts make a blob stands in a row; a part that no row names is rubbish of a writer that lost.
//!
//! A part that was answered for is on the disk: written beside its place, synced, renamed, and its folder synced
//! (`fsync` of the folder keeps the name; without it a power cut leaves a row that names nothing).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::free_bytes;

/// Names a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartName {
    /// The blob.
    pub blob: [u8; 16],
    /// Drawn by whoever writes it, so that two who write the same stretch at once do not meet.
    pub part: u64,
}

/// Why something about a blob failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There is no such part, or it is shorter than what was asked for.
    #[error("a part of a blob is missing")]
    Absent,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// Where blobs are kept.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Writes a part; durable when it answers, and then whole.
    async fn put(&self, name: PartName, bytes: Bytes) -> Result<(), BlobError>;
    /// Bytes of a part: exactly this range.
    async fn get(&self, name: PartName, range: Range<u64>) -> Result<Bytes, BlobError>;
    /// Takes a part away; an absent one is no error.
    async fn drop_part(&self, name: PartName) -> Result<(), BlobError>;
    /// Takes all parts of a blob away; an absent one is no error.
    async fn drop_blob(&self, blob: [u8; 16]) -> Result<(), BlobError>;
}

/// Blobs in a folder: `ab/ab…/part`, where `ab` are the first two letters of the blob's name, so that no folder
/// has more than a few thousand entries.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// So many bytes of the disk stay free.
    reserve: u64,
    /// Makes names of unfinished files this process's own.
    unfinished: AtomicU64,
}

impl Folder {
    /// Blobs under `root`, which is made with the first of them. A part is refused that would leave less than
    /// `reserve` bytes of its disk free: a store on the same disk needs them more.
    #[must_use]
    pub fn new(root: PathBuf, reserve: u64) -> Self {
        Self {
            root,
            reserve,
            unfinished: AtomicU64::new(0),
        }
    }

    fn of_blob(&self, blob: [u8; 16]) -> PathBuf {
        let name = format!("{:032x}", u128::from_be_bytes(blob));
        self.root.join(&name[..2]).join(name)
    }

    fn of_part(&self, name: PartName) -> PathBuf {
        self.of_blob(name.blob).join(format!("{:016x}", name.part))
    }
}

#[async_trait]
impl Blobs for Folder {
    async fn put(&self, name: PartName, bytes: Bytes) -> Result<(), BlobError> {
        let place = self.of_part(name);
        let unfinished = self.unfinished.fetch_add(1, Ordering::Relaxed);
        let beside = format!(".{}.{unfinished}", std::process::id());
        let (root, reserve) = (self.root.clone(), self.reserve);
        off_the_runtime(move || {
            fs::create_dir_all(&root)?;
            if free_bytes(&root)? < reserve.saturating_add(bytes.len() as u64) {
                return Err(ErrorKind::StorageFull.into());
            }
            write(&place, &beside, &bytes)?;
            sync_names(&place, &root)
        })
        .await
    }

    async fn get(&self, name: PartName, range: Range<u64>) -> Result<Bytes, BlobError> {
        let place = self.of_part(name);
        off_the_runtime(move || {
            let mut file = File::open(place)?;
            file.seek(SeekFrom::Start(range.start))?;
            let wanted = range.end.saturating_sub(range.start);
            let mut bytes = vec![0; usize::try_from(wanted).unwrap_or(usize::MAX)];
            file.read_exact(&mut bytes)?;
            Ok(bytes.into())
        })
        .await
    }

    async fn drop_part(&self, name: PartName) -> Result<(), BlobError> {
        let place = self.of_part(name);
        off_the_runtime(move || unless_absent(fs::remove_file(place))).await
    }

    async fn drop_blob(&self, blob: [u8; 16]) -> Result<(), BlobError> {
        let folder = self.of_blob(blob);
        off_the_runtime(move || unless_absent(fs::remove_dir_all(folder))).await
    }
}

fn write(place: &Path, beside: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(place);
    fs::create_dir_all(folder)?;
    let unfinished = folder.join(beside);
    let written = File::create(&unfinished).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    fs::rename(&unfinished, place)
}

/// Makes the names on the way to a part durable, up to the root's own. Each time: whether a folder is new does not say
/// whether somebody else, who made it a moment ago, has synced its name already.
fn sync_names(place: &Path, root: &Path) -> std::io::Result<()> {
    let mut named = place;
    while named != root
        && let Some(folder) = named.parent()
    {
        File::open(folder)?.sync_all()?;
        named = folder;
    }
    let beside = root
        .parent()
        .filter(|beside| !beside.as_os_str().is_empty());
    File::open(beside.unwrap_or(Path::new(".")))?.sync_all()
}

fn unless_absent(done: std::io::Result<()>) -> std::io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::UnexpectedEof => BlobError::Absent,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => BlobError::Full,
            _ => BlobError::Failed(error.to_string()),
        }),
        Err(error) => Err(BlobError::Failed(error.to_string())),
    }
}

/// Blobs in memory, for tests.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<BTreeMap<PartName, Bytes>>);

impl InMemory {
    fn parts(&self) -> std::sync::MutexGuard<'_, BTreeMap<PartName, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Blobs for InMemory {
    async fn put(&self, name: PartName, bytes: Bytes) -> Result<(), BlobError> {
        self.parts().insert(name, bytes);
        Ok(())
    }

    async fn get(&self, name: PartName, range: Range<u64>) -> Result<Bytes, BlobError> {
        let parts = self.parts();
        let part = parts.get(&name).ok_or(BlobError::Absent)?;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let (start, end) = (place(range.start), place(range.end));
        if start > end || end > part.len() {
            return Err(BlobError::Absent);
        }
        Ok(part.slice(start..end))
    }

    async fn drop_part(&self, name: PartName) -> Result<(), BlobError> {
        self.parts().remove(&name);
        Ok(())
    }

    async fn drop_blob(&self, blob: [u8; 16]) -> Result<(), BlobError> {
        self.parts().retain(|name, _| name.blob != blob);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn part(blob: u8, part: u64) -> PartName {
        PartName {
            blob: [blob; 16],
            part,
        }
    }

    async fn keeps(blobs: &dyn Blobs) {
        let (one, two, other) = (part(1, 1), part(1, u64::MAX), part(2, 1));
        for (name, bytes) in [(one, "first"), (two, "second"), (other, "other")] {
            blobs.put(name, Bytes::from(bytes)).await.unwrap();
        }
        assert_eq!(blobs.get(one, 0..5).await.unwrap(), "first");
        assert_eq!(blobs.get(two, 2..4).await.unwrap(), "co");
        assert_eq!(blobs.get(two, 3..3).await.unwrap(), "");
        assert_eq!(blobs.get(one, 0..6).await, Err(BlobError::Absent));
        assert_eq!(blobs.get(part(3, 1), 0..1).await, Err(BlobError::Absent));
        blobs.drop_part(one).await.unwrap();
        assert_eq!(blobs.get(one, 0..5).await, Err(BlobError::Absent));
        assert_eq!(blobs.get(two, 0..6).await.unwrap(), "second");
        for _ in 0..2 {
            blobs.drop_part(one).await.unwrap();
            blobs.drop_blob([1; 16]).await.unwrap();
        }
        assert_eq!(blobs.get(two, 0..6).await, Err(BlobError::Absent));
        assert_eq!(blobs.get(other, 0..5).await.unwrap(), "other");
    }

    #[tokio::test]
    async fn parts_are_kept_until_they_are_dropped() {
        keeps(&InMemory::default()).await;
        let folder = tempfile::tempdir().unwrap();
        keeps(&Folder::new(folder.path().join("blobs"), 0)).await;
        // And by the next process.
        let next = Folder::new(folder.path().join("blobs"), 0);
        assert_eq!(next.get(part(2, 1), 0..5).await.unwrap(), "other");
    }

    #[tokio::test]
    async fn what_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("blobs"), "a file in the way").unwrap();
        let blobs = Folder::new(folder.path().join("blobs"), 0);
        let refused = blobs.put(part(1, 1), Bytes::from_static(b"x")).await;
        assert!(matches!(refused, Err(BlobError::Failed(_))), "{refused:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn what_would_take_the_last_of_the_disk_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        // No disk has so much free.
        let blobs = Folder::new(folder.path().join("blobs"), 1 << 60);
        let refused = blobs.put(part(1, 1), Bytes::from_static(b"x")).await;
        assert_eq!(refused, Err(BlobError::Full));
        assert_eq!(blobs.get(part(1, 1), 0..1).await, Err(BlobError::Absent));
    }
}
