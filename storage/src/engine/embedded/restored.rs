//! Backups of a store in use, what is made of them, and files that are no whole backup.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::claim_format;
use super::layout;
use crate::backup::{self, BackupError, Summary};
use crate::suite::kill::{self, Kills, append, home, log, open};
use crate::suite::{Hands, limits, put, raw, shown, text};
use crate::{Direction, Home, OpenError, Store, StoreError};

/// A day, for client ids.
const DAY_MS: i64 = 86_400_000;
/// 2026-01-01.
const NOW_MS: i64 = 1_767_225_600_000;

fn back_up(store: &Store, folder: &Path) -> (PathBuf, Summary) {
    let path = folder.join("backup");
    let mut file = std::fs::File::create(&path).unwrap();
    let summary = store.backup(&mut file).unwrap();
    (path, summary)
}

fn restore(file: &Path, folder: &Path) -> Result<Summary, BackupError> {
    backup::restore(file, folder, &limits(), Arc::new(|| NOW_MS))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_holds_what_was_answered_before_it_and_no_half() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("old")).unwrap();
    let answered = Arc::new(AtomicU64::new(0));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (store, answered) = (store.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                for n in 0..200 {
                    append(&store, writer, n).await;
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let mut held = 0;
    for round in 0..4 {
        while answered.load(Ordering::SeqCst) < 150 * round {
            tokio::task::yield_now().await;
        }
        let before = answered.load(Ordering::SeqCst);
        let (file, summary) = back_up(&store, folder.path());
        assert_eq!(backup::check(&file).unwrap(), summary);
        assert_eq!(std::fs::metadata(&file).unwrap().len(), summary.bytes);
        let new = folder.path().join(format!("new{round}"));
        assert_eq!(restore(&file, &new).unwrap(), summary);
        let restored = open(&new).unwrap();
        let mut kills = Kills::default();
        let appends = kill::audit(&restored, &mut kills).await[&u64::MAX].len() as u64;
        assert_eq!((kills.missing, kills.doubled, kills.gaps), (0, 0, 0));
        assert!(appends >= before, "{appends} of {before} are there");
        assert!(restored.last_position().await > store.last_position().await);
        held = appends;
        restored.close().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(held <= 800);
    store.close().await;
}

#[tokio::test]
async fn a_restored_store_repeats_answers_and_gives_no_number_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("old")).unwrap();
    let thing = Home::new("thing", 1);
    let call = |store: &Store, id: &str| {
        let mut t =
            store
                .transaction(&thing)
                .client_id("send", "author", id, [1; 32], 3_650 * DAY_MS);
        t.append(log(), text(id), true);
        t.effect("told", text("payload"));
        t
    };
    let first = call(&store, "one").commit().await.unwrap();
    let (file, summary) = back_up(&store, folder.path());
    assert_eq!((summary.position, summary.homes), (first.position, 1));
    let later = call(&store, "two").prepare().unwrap();
    let lost = store.submit(&later).await.unwrap();
    let new = folder.path().join("new");
    restore(&file, &new).unwrap();
    let restored = open(&new).unwrap();
    assert_ne!(restored.incarnation(), store.incarnation());
    // A clock of 2023 could not lift it, and this one did: beyond all the old one may have come to.
    assert!(restored.last_position().await > 1 << 40);
    let again = call(&restored, "one").commit().await.unwrap();
    assert!(again.repeated && again.outcomes == first.outcomes);
    assert_eq!(again.position, first.position);
    // Sent before the restore by somebody who waits: it is not known here whether it ran.
    assert_eq!(restored.submit(&later).await, Err(StoreError::Unknown));
    let anew = call(&restored, "two").commit().await.unwrap();
    assert_eq!(anew.outcomes, lost.outcomes, "the log goes on where it was");
    assert!(anew.position > lost.position && !anew.repeated);
    // What the old store had not done yet is still to do, once.
    let effects = restored.effects_after(0, 10).await.unwrap();
    let positions: Vec<u64> = effects.iter().map(|commit| commit.position).collect();
    assert_eq!(positions, [first.position, anew.position]);
    restored.close().await;
    let reopened = open(&new).unwrap();
    assert_eq!(reopened.last_position().await, anew.position);
    let names = log();
    let rows = reopened.entries(&thing, &names, 1, 9, Direction::Forward, 10);
    assert_eq!(rows.await.unwrap().len(), 2);
    reopened.close().await;
}

#[tokio::test]
async fn a_backup_that_is_cut_or_changed_anywhere_is_refused_and_nothing_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("old")).unwrap();
    append(&store, 1, 1).await;
    let (file, _) = back_up(&store, folder.path());
    store.close().await;
    let whole = std::fs::read(&file).unwrap();
    let new = folder.path().join("new");
    let refused = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let refused = restore(&file, &new).expect_err("it is refused").to_string();
        assert!(!new.exists());
        refused
    };
    for length in 0..whole.len() {
        let said = refused(&whole[..length]);
        let fits = said.contains("cut short") || (length < 12 && said.contains("no backup"));
        assert!(fits, "{length} of {}: {said}", whole.len());
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let said = refused(&bytes);
        let fits = match at {
            0..8 => said.contains("this is no backup"),
            8..12 => said.contains("has format") || said.contains("was changed"),
            _ if at >= whole.len() - 8 => said.contains("cut short"),
            _ => said.contains("was changed"),
        };
        assert!(fits, "at {at} of {}: {said}", whole.len());
    }
    let more = [whole.as_slice(), b"x"].concat();
    assert!(refused(&more).contains("cut short"));
    let mut newer = whole.clone();
    newer[11] = 2;
    assert!(refused(&newer).starts_with("the backup has format 2, this version reads up to 1"));
    let leftovers: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(
        leftovers.len(),
        2,
        "the old store and the file: {leftovers:?}"
    );
    std::fs::write(&file, &whole).unwrap();
    restore(&file, &new).unwrap();
    let refused = restore(&file, &new).expect_err("it is refused");
    assert!(refused.to_string().ends_with("into a new folder only"));
}

#[tokio::test]
async fn an_empty_store_is_backed_up_too_and_one_in_memory_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("old")).unwrap();
    let (file, summary) = back_up(&store, folder.path());
    assert_eq!((summary.entries, summary.homes), (0, 0));
    store.close().await;
    let closed = store.backup(&mut Vec::new()).expect_err("it is closed");
    assert!(closed.to_string().contains("closed"), "{closed}");
    restore(&file, &folder.path().join("new")).unwrap();
    let restored = open(&folder.path().join("new")).unwrap();
    let at = raw(b"p", b"k");
    put(&restored, &home(1), &at, "v").await;
    assert_eq!(shown(&restored, &home(1), &at).await.unwrap(), "v");
    restored.close().await;
    let memory = Store::memory(limits(), Hands::default().clock());
    let refused = memory.backup(&mut Vec::new()).expect_err("another way");
    assert!(matches!(refused, BackupError::Unsupported));
}

#[tokio::test]
async fn a_store_of_another_format_or_of_somebody_else_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap().close().await;
    for (format, says) in [
        (
            layout::FORMAT + 1,
            "written by a newer release (format 2; this one reads format 1)",
        ),
        (
            layout::FORMAT - 1,
            "written by an older release (format 0; this one reads format 1)",
        ),
    ] {
        claim_format(folder.path(), format);
        let refused = open(folder.path()).err().expect("a refusal");
        assert!(matches!(refused, OpenError::Format { .. }));
        assert!(refused.to_string().contains(says), "{refused}");
    }
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("PG_VERSION"), "17").unwrap();
    let refused = open(other.path()).err().expect("a refusal").to_string();
    assert!(
        refused.contains("holds no store but other things, such as PG_VERSION"),
        "{refused}"
    );
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 1);
}
