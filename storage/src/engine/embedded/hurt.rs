//! The embedded engine on a file system that is really full, and in a process where syncing really fails.
//! Both happen in a process of their own: the test starts its own executable again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::suite::kill::{FOLDER, entries, home, log};
use crate::suite::{Hands, limits, model};
use crate::{Limits, OpenError, Store, StoreError, Value};

// ---- the parents

/// Says on the real standard error, which the test runner does not hold back, that a test did not run;
/// `scripts/tally.mjs` counts such lines.
fn skipped(test: &str, why: &str) {
    let line = format!("skipped engine::embedded::hurt::{test}: {}\n", why.trim());
    let _ = std::io::stderr().write_all(line.as_bytes());
}

fn this() -> PathBuf {
    std::env::current_exe().expect("this executable")
}

fn child(test: &str) -> [String; 3] {
    let test = format!("engine::embedded::hurt::{test}");
    [test, "--exact".to_owned(), "--nocapture".to_owned()]
}

fn told(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

/// Runs a command where `folder` is a file system of its own, in memory and small. Nothing is left of it
/// afterwards. An error says why that is not permitted here.
fn on_a_small_disk(folder: &Path, command: &[String]) -> Result<Output, String> {
    const MOUNT: &str = r#"mount -t tmpfs -o size=48m none "$0" && exec "$@""#;
    let mut why = String::new();
    // As root, and as somebody who may become it in a namespace of his own.
    for private in ["-m", "-Urm"] {
        let within = |command: &[String]| {
            let mut unshare = Command::new("unshare");
            unshare.args([private, "sh", "-c", MOUNT]).arg(folder);
            unshare.args(command).env(FOLDER, folder).output()
        };
        match within(&["true".to_owned()]) {
            Ok(output) if output.status.success() => {
                return within(command).map_err(|error| error.to_string());
            }
            Ok(output) => why = told(&output),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

fn a_disk_gets_full(test: &str, its_child: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = vec![this().display().to_string()];
    command.extend(child(its_child));
    match on_a_small_disk(folder.path(), &command) {
        Ok(output) => {
            let told = told(&output);
            assert!(output.status.success() && told.contains(DONE), "{told}");
        }
        Err(why) => skipped(test, &why),
    }
}

#[test]
fn a_full_disk_is_refused_before_the_database_sees_it_and_recovers_by_itself() {
    a_disk_gets_full(
        "a_full_disk_is_refused_before_the_database_sees_it_and_recovers_by_itself",
        "child_with_a_reserve",
    );
}

#[test]
fn a_disk_that_others_filled_up_loses_nothing_that_was_acknowledged() {
    a_disk_gets_full(
        "a_disk_that_others_filled_up_loses_nothing_that_was_acknowledged",
        "child_without_a_reserve",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_sync_nothing_is_acknowledged_and_the_next_start_has_all_that_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(this());
    command.args(child("child_that_cannot_sync"));
    let output = command.env(FOLDER, folder.path()).output().unwrap();
    let told = told(&output);
    if told.contains(NOT_PERMITTED) {
        let test =
            "after_a_failed_sync_nothing_is_acknowledged_and_the_next_start_has_all_that_was";
        return skipped(test, &told[told.find(NOT_PERMITTED).unwrap_or(0)..]);
    }
    assert!(output.status.success() && told.contains(DONE), "{told}");
    let store = opens(folder.path(), 0).unwrap();
    let held = held(&store).await;
    assert!((SYNCED..=SYNCED + 1).contains(&held), "{held}");
    assert_eq!(appends(&store, held).await, Ok(held + 1));
    store.close().await;
}

// ---- the children

const DONE: &str = "all of it was so";
const NOT_PERMITTED: &str = "not permitted:";
/// Acknowledged before syncing begins to fail.
const SYNCED: u64 = 20;
/// Of each entry.
const ENTRY_BYTES: usize = 60 << 10;
/// Kept free by the child with a reserve.
const RESERVE_BYTES: u64 = 8 << 20;

/// The folder, if this process is a child.
fn told_folder() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the only way to tell a test executable that it is the child"
    )]
    std::env::var(FOLDER).ok().map(PathBuf::from)
}

fn opens(folder: &Path, free_bytes_min: u64) -> Result<Store, OpenError> {
    let limits = Limits {
        free_bytes_min,
        ..limits()
    };
    Store::embedded(&folder.join("store"), limits, Hands::default().clock())
}

/// What stands in entry `n`: nothing that gets smaller when it is compressed.
fn text(n: u64) -> Vec<u8> {
    let mut bits = model::bits(n + 1);
    let numbers = std::iter::repeat_with(|| bits().to_be_bytes());
    numbers.take(ENTRY_BYTES / 8).flatten().collect()
}

/// Appends the entry after the `held` first; gives its number.
async fn appends(store: &Store, held: u64) -> Result<u64, StoreError> {
    let mut t = store.transaction(&home(0));
    let entry = t.append(log(), Value::bytes(text(held + 1)), true);
    t.commit().await.map(|done| done.seq(entry))
}

/// Entries that are there, each with its own text.
async fn held(store: &Store) -> u64 {
    let entries = entries(store, &home(0), 1).await;
    for ((seq, row), n) in entries.iter().zip(1..) {
        assert!(*seq == n && row.value == text(n), "entry {n}");
    }
    entries.len() as u64
}

/// Appends until it is refused; gives how many entries are acknowledged then, and the refusal.
async fn fills(store: &Store, mut acknowledged: u64) -> (u64, StoreError) {
    loop {
        match appends(store, acknowledged).await {
            Ok(seq) => acknowledged = seq,
            Err(error) => return (acknowledged, error),
        }
    }
}

/// A file that takes space, as another program's would.
fn ballast(folder: &Path, bytes: usize) -> PathBuf {
    let path = folder.join("ballast");
    std::fs::write(&path, vec![1; bytes]).unwrap();
    path
}

fn free(folder: &Path) -> u64 {
    super::free_bytes(folder).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_with_a_reserve() {
    let Some(folder) = told_folder() else { return };
    let ballast = ballast(&folder, 20 << 20);
    let store = opens(&folder, RESERVE_BYTES).unwrap();
    let (acknowledged, refusal) = fills(&store, 0).await;
    assert!(acknowledged > 50, "{acknowledged}");
    assert_eq!(refusal, StoreError::StorageFull);
    let left = free(&folder);
    assert!((RESERVE_BYTES / 2..RESERVE_BYTES).contains(&left), "{left}");
    for _ in 0..3 {
        assert_eq!(held(&store).await, acknowledged, "reading goes on");
        assert_eq!(fills(&store, acknowledged).await.0, acknowledged);
    }
    std::fs::remove_file(ballast).unwrap();
    let (more, refusal) = fills(&store, acknowledged).await;
    assert!(more > acknowledged + 50, "it went on by itself: {more}");
    assert_eq!(refusal, StoreError::StorageFull);
    store.close().await;
    let store = opens(&folder, RESERVE_BYTES).unwrap();
    assert_eq!(held(&store).await, more);
    store.close().await;
    println!("{DONE}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_without_a_reserve() {
    let Some(folder) = told_folder() else { return };
    let ballast = ballast(&folder, 20 << 20);
    let store = opens(&folder, 0).unwrap();
    let (acknowledged, refusal) = fills(&store, 0).await;
    assert!(acknowledged > 50, "{acknowledged}");
    // The write itself failed, or one that the database made in the background.
    let unknown = refusal == StoreError::Unknown;
    assert!(unknown || refuses_for_good(&refusal), "{refusal}");
    refuses_until_the_next_start(&store, acknowledged).await;
    store.close().await;
    std::fs::remove_file(ballast).unwrap();
    let store = opens(&folder, 0).unwrap();
    let there = held(&store).await;
    assert!(
        (acknowledged..=acknowledged + 1).contains(&there),
        "{there}"
    );
    assert_eq!(appends(&store, there).await, Ok(there + 1));
    store.close().await;
    println!("{DONE}");
}

fn refuses_for_good(refusal: &StoreError) -> bool {
    matches!(refusal, StoreError::Unavailable(why) if why.contains("start the server again"))
}

async fn refuses_until_the_next_start(store: &Store, acknowledged: u64) {
    for _ in 0..3 {
        let refusal = appends(store, acknowledged).await.expect_err("a refusal");
        assert!(refuses_for_good(&refusal), "{refusal}");
    }
    assert_eq!(held(store).await, acknowledged, "reading goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_cannot_sync() {
    let Some(folder) = told_folder() else { return };
    let store = opens(&folder, 0).unwrap();
    for n in 0..SYNCED {
        assert_eq!(appends(&store, n).await, Ok(n + 1));
    }
    if let Err(why) = syncing_fails_from_now_on() {
        println!("{NOT_PERMITTED} {why}");
        return;
    }
    assert_eq!(appends(&store, SYNCED).await, Err(StoreError::Unknown));
    refuses_until_the_next_start(&store, SYNCED).await;
    store.close().await;
    println!("{DONE}");
}

/// From now on the kernel answers each `fsync` and `fdatasync` of this process with an input/output error.
fn syncing_fails_from_now_on() -> Result<(), String> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};
    let calls = [libc::SYS_fsync, libc::SYS_fdatasync].map(|call| (call, Vec::new()));
    let fails = SeccompAction::Errno(libc::EIO.unsigned_abs());
    let here = std::env::consts::ARCH.try_into();
    let here = here.map_err(|_| "an unknown processor".to_owned())?;
    let filter = SeccompFilter::new(calls.into(), SeccompAction::Allow, fails, here);
    let program: BpfProgram = filter
        .and_then(TryInto::try_into)
        .map_err(|error| error.to_string())?;
    apply_filter_all_threads(&program).map_err(|error| error.to_string())
}
