//! The books of files, on a machine that crashes, and on one whose files are older than its books.

use storage::engine::faulty::Faults;
use storage::{Store, retry};

use super::expire::{self, begin_counting};
use super::rows::{FILE, FileRow, file_home};
use super::types::{FileInfo, FileKind};
use super::usage::{self, ByKind, Use};
use crate::api::Answer;
use crate::bytes32::Bytes32;
use crate::directory::setup::{SYSTEM, SystemRow, system_home};
use crate::ids::Id;
use crate::testing::{Machine, NOON_MS, eventually};

const SPACE: Id = Id([9; 16]);

fn row(owner: u8, size: u64, kind: Option<FileKind>) -> FileRow {
    let info = |kind| FileInfo {
        file_id: Id([0; 16]),
        name: "a".to_owned(),
        size,
        mime: "text/plain".to_owned(),
        kind,
        width: None,
        height: None,
    };
    FileRow {
        owner_id: Id([owner; 16]),
        space_id: SPACE,
        name: "a".to_owned(),
        size,
        created_at: NOON_MS,
        stretches: vec![],
        info: kind.map(info),
        sent_with: None,
    }
}

/// Makes file `n` this, or nothing, and says so.
async fn becomes(store: &Store, n: u8, row: &FileRow, is_there: bool) -> Answer<()> {
    retry(|| async {
        let id = Id([n; 16]);
        let mut t = store.transaction(&file_home(id));
        match is_there {
            true => t.set(&FILE, &(), &(), row)?,
            false => t.delete(FILE.at(&(), &())),
        }
        usage::tell(&mut t, id, row)?;
        t.commit().await?;
        Ok(())
    })
    .await
}

/// Three files: one whole, one under way, one gone.
async fn three(store: &Store) -> Answer<()> {
    becomes(store, 1, &row(1, 70, None), true).await?;
    becomes(store, 3, &row(2, 5, Some(FileKind::File)), true).await?;
    becomes(store, 1, &row(1, 70, Some(FileKind::Image)), true).await?;
    becomes(store, 2, &row(1, 30, None), true).await?;
    becomes(store, 3, &row(2, 5, None), false).await
}

fn so_many(files: u64, bytes: u64) -> Use {
    Use { files, bytes }
}

async fn is_booked(store: &Store) -> bool {
    let wanted = ByKind {
        images: so_many(1, 70),
        uploading: so_many(1, 30),
        ..ByKind::default()
    };
    let all = usage::of_all(store, SPACE).await.expect("a read");
    let people = usage::people(store, SPACE, None, 10).await.expect("a read");
    let people: Vec<_> = people
        .iter()
        .map(|(place, use_)| (place.1, *use_))
        .collect();
    let days = usage::before(store, SPACE, i64::MAX).await.expect("a read");
    all == wanted && people == [(Id([1; 16]), wanted)] && days == so_many(2, 100)
}

#[tokio::test]
async fn plat_i20_wherever_it_crashes_the_books_become_what_the_files_are() {
    for crash_at in 0.. {
        let machine = Machine::new();
        let whole = machine
            .two_lives(crash_at, crate::effects, crate::jobs, async |running| {
                let store = &running.node.store;
                if three(store).await.is_ok() {
                    eventually("it is booked", async || is_booked(store).await).await;
                }
            })
            .await;
        let (store, _) = machine.store(Faults::default()).await;
        assert!(is_booked(&store).await, "crashed at {crash_at}");
        if whole {
            assert!(crash_at > 10, "it crashed nowhere");
            return;
        }
    }
}

#[tokio::test]
async fn plat_i20_files_from_before_there_were_books_are_counted_once() {
    let machine = Machine::new();
    let (store, _) = machine.store(Faults::default()).await;
    let mut t = store.transaction(&system_home());
    let company = SystemRow {
        secret: Bytes32([1; 32]),
        space_id: Some(SPACE),
    };
    t.set(&SYSTEM, &(), &(), &company).expect("a row");
    t.commit().await.expect("a commit");
    let before = [
        (1, row(1, 70, Some(FileKind::Image))),
        (2, row(1, 30, None)),
    ];
    for (n, row) in before {
        let mut t = store.transaction(&file_home(Id([n; 16])));
        t.set(&FILE, &(), &(), &row).expect("a row");
        t.commit().await.expect("a commit");
    }
    store.close().await;
    for _ in 0..2 {
        let running = machine.start(crate::effects(), crate::jobs()).await;
        let node = &running.node;
        begin_counting(node).await.expect("it begins");
        eventually("all are counted", async || is_booked(&node.store).await).await;
        eventually("it is told", async || {
            !expire::is_counting(node).await.expect("a read")
        })
        .await;
        node.store.close().await;
    }
}
