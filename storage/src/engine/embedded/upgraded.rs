//! Upgrades with steps of a release that never was: format 2 spells a key anew, format 3 has no use for another one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::upgrade::{self, Step, Upgraded, WAYS, Ways};
use super::{DATABASE_FOLDER, Embedded, FreeBytes, backup};
use crate::backup::Entry;
use crate::engine::layout;
use crate::suite::kill::{self, Kills, append, home};
use crate::suite::{Hands, limits, put, raw, shown};
use crate::{Limits, OpenError, Store};

const NEWER: Ways = Ways {
    format: 3,
    steps: &[
        Step {
            from: 1,
            lead: spelled_anew,
        },
        Step {
            from: 2,
            lead: without,
        },
    ],
};
const ROWS: u64 = 300;

fn spelled_anew((mut key, value): Entry) -> Result<Vec<Entry>, String> {
    if layout::is_row(&key) && key.ends_with(b"colour") {
        key.truncate(key.len() - 6);
        key.extend_from_slice(b"color");
    }
    Ok(vec![(key, value)])
}

fn without((key, value): Entry) -> Result<Vec<Entry>, String> {
    if key.ends_with(b"unreadable") {
        return Err("a row can't be read".to_owned());
    }
    let none = layout::is_row(&key) && key.ends_with(b"useless");
    Ok(if none { vec![] } else { vec![(key, value)] })
}

fn room() -> FreeBytes {
    Box::new(|_| Ok(u64::MAX))
}

fn upgrades(folder: &Path, free: &FreeBytes) -> Result<Upgraded, OpenError> {
    upgrade::by(&NEWER, folder, &limits(), &Hands::default().clock(), free)
}

fn opens(ways: &Ways, folder: &Path) -> Result<Store, OpenError> {
    let hands = Hands::default();
    let engine = Embedded::open_as(ways, folder, &limits(), hands.clock())?;
    Ok(Store::with_engine(
        Arc::new(engine),
        limits(),
        hands.clock(),
    ))
}

/// A store of format 1 with more rows than one batch of a copy.
async fn old(folder: &Path) -> u64 {
    let store = opens(&WAYS, folder).unwrap();
    for n in 0..20 {
        append(&store, 1, n).await;
    }
    put(&store, &home(1), &raw(b"p", b"colour"), "red").await;
    put(&store, &home(1), &raw(b"p", b"useless"), "x").await;
    let long = "o".repeat(4_000);
    for n in 0..ROWS {
        put(&store, &home(1), &raw(b"many", &n.to_be_bytes()), &long).await;
    }
    let last = store.last_position().await;
    store.close().await;
    last
}

/// Holds what is there against what was written, as this release must see it.
async fn holds(store: &Store, ways: &Ways) {
    let spelled = if ways.format == 1 { "colour" } else { "color" };
    let other = if ways.format == 1 { "color" } else { "colour" };
    let at = |key: &str| raw(b"p", key.as_bytes());
    let value = async |key: &str| shown(store, &home(1), &at(key)).await;
    assert_eq!(value(spelled).await.as_deref(), Some("red"));
    assert_eq!(value(other).await, None);
    assert_eq!(value("useless").await.is_some(), ways.format == 1);
    let mut kills = Kills::default();
    let appends = kill::audit(store, &mut kills).await[&u64::MAX].len();
    assert_eq!(
        (appends, kills.missing, kills.doubled, kills.gaps),
        (20, 0, 0, 0)
    );
    for n in [0, ROWS / 2, ROWS - 1] {
        let kept = shown(store, &home(1), &raw(b"many", &n.to_be_bytes())).await;
        assert_eq!(kept.unwrap().len(), 4_000);
    }
}

fn is_there(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn plat_i15_plat_i19_an_older_store_is_led_to_the_new_format_after_a_snapshot() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("store");
    let last = old(&folder).await;
    let before = opens(&WAYS, &folder).unwrap();
    let incarnation = before.incarnation();
    before.close().await;
    // A start that does not upgrade says what to do and changes nothing.
    let refused = opens(&NEWER, &folder).err().expect("a refusal");
    assert!(matches!(refused, OpenError::Older { found: 1, known: 3 }));
    assert!(
        refused.to_string().contains("start the server once"),
        "{refused}"
    );

    let done = upgrades(&folder, &room()).unwrap();
    assert_eq!((done.from, done.to), (1, 3));
    assert!(done.entries > ROWS);
    assert_eq!(is_there(&folder), ["commit-number", "db"]);
    let store = opens(&NEWER, &folder).unwrap();
    holds(&store, &NEWER).await;
    // For clients it is the store that it was, and it goes on.
    assert_eq!(
        (store.incarnation(), store.last_position().await),
        (incarnation, last)
    );
    append(&store, 1, 20).await;
    // An append is two commits.
    assert_eq!(store.last_position().await, last + 2);
    let entries = kill::entries(&store, &home(1), 1).await;
    assert_eq!(entries.len(), 21);
    store.close().await;
    // The release before refuses it, and so does another upgrade.
    let refused = opens(&WAYS, &folder).err().expect("a refusal").to_string();
    assert!(
        refused.contains("newer release (format 3; this one reads format 1)"),
        "{refused}"
    );
    assert!(matches!(
        upgrades(&folder, &room()),
        Err(OpenError::Format { found: 3, .. })
    ));
}

#[tokio::test]
async fn plat_i19_the_snapshot_is_restored_by_the_old_release_and_by_the_new_one() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("store");
    old(&folder).await;
    let snapshot = upgrades(&folder, &room()).unwrap().snapshot;
    assert_eq!(snapshot.parent().unwrap(), data.path().join("snapshots"));
    let rights =
        std::os::unix::fs::PermissionsExt::mode(&snapshot.metadata().unwrap().permissions());
    assert_eq!(rights & 0o777, 0o600);
    for ways in [WAYS, NEWER] {
        let new = data.path().join(format!("restored-{}", ways.format));
        let clock = Hands::default().clock();
        backup::restore(&ways, &snapshot, &new, &limits(), &clock).unwrap();
        let store = opens(&ways, &new).unwrap();
        holds(&store, &ways).await;
        store.close().await;
    }
}

#[tokio::test]
async fn plat_i19_too_little_room_is_told_before_anything_is_touched() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("store");
    old(&folder).await;
    let little: FreeBytes = Box::new(|_| Ok(1 << 20));
    let refused = upgrades(&folder, &little);
    let refused = refused.expect_err("a refusal");
    assert!(matches!(refused, OpenError::NoRoom { .. }), "{refused}");
    assert!(
        refused
            .to_string()
            .contains("there are 1 MiB. Nothing was changed"),
        "{refused}"
    );
    assert_eq!(is_there(data.path()), ["store"]);
    // What the server insists on keeping free is not used up either.
    let limits = Limits {
        free_bytes_min: u64::MAX / 2,
        ..limits()
    };
    let clock = Hands::default().clock();
    let room: FreeBytes = Box::new(|_| Ok(u64::MAX / 2));
    let refused = upgrade::by(&NEWER, &folder, &limits, &clock, &room);
    assert!(matches!(refused, Err(OpenError::NoRoom { .. })));
    let store = opens(&WAYS, &folder).unwrap();
    holds(&store, &WAYS).await;
    store.close().await;
}

#[tokio::test]
async fn plat_i15_a_step_that_fails_leaves_the_old_store_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("store");
    old(&folder).await;
    let store = opens(&WAYS, &folder).unwrap();
    put(&store, &home(1), &raw(b"p", b"unreadable"), "x").await;
    store.close().await;
    let refused = upgrades(&folder, &room())
        .expect_err("a refusal")
        .to_string();
    assert!(refused.contains("a row can't be read"), "{refused}");
    assert_eq!(is_there(&folder), ["commit-number", "db"]);
    let store = opens(&WAYS, &folder).unwrap();
    holds(&store, &WAYS).await;
    let mut t = store.transaction(&home(1));
    t.delete(raw(b"p", b"unreadable"));
    t.commit().await.unwrap();
    store.close().await;
    // Another snapshot is made, because there are newer commits.
    upgrades(&folder, &room()).unwrap();
    assert_eq!(is_there(&folder), ["commit-number", "db"]);
    assert_eq!(is_there(&data.path().join("snapshots")).len(), 2);
    let store = opens(&NEWER, &folder).unwrap();
    holds(&store, &NEWER).await;
    store.close().await;
}

/// A copy of the old database and the upgraded one beside it, to put every state together that a crash leaves.
async fn states(data: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let folder = data.join("store");
    old(&folder).await;
    let (before, after) = (data.join("before"), data.join("after"));
    copy(&folder.join(DATABASE_FOLDER), &before);
    upgrades(&folder, &room()).unwrap();
    copy(&folder.join(DATABASE_FOLDER), &after);
    std::fs::remove_dir_all(folder.join(DATABASE_FOLDER)).unwrap();
    (folder, before, after)
}

fn copy(from: &Path, to: &Path) {
    let mut copy = std::process::Command::new("cp");
    assert!(copy.arg("-r").arg(from).arg(to).status().unwrap().success());
}

#[tokio::test]
async fn plat_i15_an_upgrade_that_was_cut_off_anywhere_is_completed_by_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let (folder, before, after) = states(data.path()).await;
    let [db, new, gone] = ["db", "db.upgrading", "db.before"].map(|name| folder.join(name));

    // While the copy was made: half of it is there.
    copy(&before, &db);
    std::fs::create_dir(&new).unwrap();
    std::fs::write(new.join("0.jnl"), "half a journal").unwrap();
    let done = upgrades(&folder, &room()).unwrap();
    // The snapshot that is there is taken.
    assert_eq!(is_there(&data.path().join("snapshots")).len(), 1);
    assert!(done.snapshot.exists());
    let store = opens(&NEWER, &folder).unwrap();
    holds(&store, &NEWER).await;
    store.close().await;

    // Between the two renamings.
    std::fs::remove_dir_all(&db).unwrap();
    copy(&before, &gone);
    copy(&after, &new);
    let store = opens(&NEWER, &folder).unwrap();
    holds(&store, &NEWER).await;
    store.close().await;
    assert_eq!(is_there(&folder), ["commit-number", "db"]);

    // Before the old one was removed.
    copy(&before, &gone);
    let store = opens(&NEWER, &folder).unwrap();
    holds(&store, &NEWER).await;
    store.close().await;
    assert_eq!(is_there(&folder), ["commit-number", "db"]);
}

#[tokio::test]
async fn a_store_in_use_is_not_upgraded() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("store");
    old(&folder).await;
    let store = opens(&WAYS, &folder).unwrap();
    let refused = upgrades(&folder, &room());
    assert!(matches!(refused, Err(OpenError::InUse(_))));
    holds(&store, &WAYS).await;
    store.close().await;
}

#[tokio::test]
async fn a_snapshot_that_was_damaged_is_made_again() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("store");
    old(&folder).await;
    let aside = data.path().join("aside");
    copy(&folder, &aside);
    let snapshot = upgrades(&folder, &room()).unwrap().snapshot;
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    let whole = std::fs::metadata(&snapshot).unwrap().len();
    std::fs::write(&snapshot, "cut").unwrap();
    let again = upgrades(&folder, &room()).unwrap();
    assert_eq!(again.snapshot, snapshot);
    assert_eq!(std::fs::metadata(&snapshot).unwrap().len(), whole);
}
