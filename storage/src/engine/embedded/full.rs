//! A full file system, and a failed write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{DATABASE_FOLDER, Embedded, JOURNAL_BYTES_MIN, journal};
use crate::suite::{Hands, limits, put, raw, shown, text};
use crate::{Home, Limits, Store, StoreError};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_commits_and_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        free_bytes_min: 1_000,
        ..limits()
    };
    let hands = Hands::default();
    let free = Arc::new(AtomicU64::new(1_000));
    let mut engine = Embedded::open(folder.path(), &limits, hands.clock()).unwrap();
    let seen = Arc::clone(&free);
    engine.free_bytes = Box::new(move |_| Ok(seen.load(Ordering::Relaxed)));
    let store = Store::with_engine(Arc::new(engine), limits, hands.clock());
    let (home, at) = (Home::new("thing", 1), raw(b"p", b"k"));
    let before = put(&store, &home, &at, "before").await;
    free.store(999, Ordering::Relaxed);
    let refused = || {
        let mut t = store.transaction(&home);
        t.put(at.clone(), text("refused"));
        t.commit()
    };
    assert_eq!(refused().await, Err(StoreError::StorageFull));
    assert_eq!(refused().await, Err(StoreError::StorageFull));
    assert_eq!(shown(&store, &home, &at).await.as_deref(), Some("before"));
    free.store(1_000, Ordering::Relaxed);
    assert_eq!(put(&store, &home, &at, "after").await, before + 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_free_space_of_the_real_file_system_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        free_bytes_min: u64::MAX,
        ..limits()
    };
    let store = Store::embedded(folder.path(), limits, Hands::default().clock()).unwrap();
    let mut t = store.transaction(&Home::new("thing", 1));
    t.put(raw(b"p", b"k"), text("x"));
    assert_eq!(t.commit().await, Err(StoreError::StorageFull));
    assert!(super::free_bytes(folder.path()).unwrap() > 0);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journals_take_no_more_room_than_their_limit_however_much_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        journal_bytes: JOURNAL_BYTES_MIN,
        ..limits()
    };
    let store = Store::embedded(folder.path(), limits.clone(), Hands::default().clock()).unwrap();
    let home = Home::new("thing", 1);
    let value = vec![7_u8; limits.value_bytes - 1_024];
    let (mut written, mut most) = (0, 0);
    while written < 2 * JOURNAL_BYTES_MIN {
        let mut t = store.transaction(&home);
        for part in 0..3_u8 {
            let at = raw(b"p", &[&written.to_be_bytes()[..], &[part]].concat());
            t.put(at, crate::Value::bytes(value.clone()));
            written += value.len() as u64;
        }
        t.commit().await.unwrap();
        let files = journal::journals(&folder.path().join(DATABASE_FOLDER)).unwrap();
        let sizes = files
            .iter()
            .map(|file| std::fs::metadata(file).map_or(0, |file| file.len()));
        most = sizes.sum::<u64>().max(most);
    }
    assert!(most <= JOURNAL_BYTES_MIN, "{most} of {JOURNAL_BYTES_MIN}");
    store.close().await;
}
