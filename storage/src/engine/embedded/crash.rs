//! The embedded engine against kill -9, a second process, and damaged files. Processes are real: the test
//! starts its own executable again.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::suite::kill::{self, FOLDER, Kills, Running, append, entries, home, log, open};
use crate::suite::{raw, text};
use crate::{Direction, OpenError, Part, Store, Value};

/// Of the short form; the long one is the example `crash`.
const ROUNDS: u64 = 5;

/// Not a test of its own: what the parent starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the only way to tell a test executable that it is the child"
    )]
    if let Ok(folder) = std::env::var(FOLDER) {
        kill::child(Path::new(&folder)).await;
    }
}

fn command() -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this executable"));
    command.args(["engine::embedded::crash::child", "--exact", "--nocapture"]);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_under_load_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let kills = kill::rounds(command, folder.path(), ROUNDS, 1).await;
    assert!(kills.acknowledged > 100 && kills.held >= 2 * kills.acknowledged);
    assert_eq!((kills.rounds, faults(&kills)), (ROUNDS, (0, 0, 0)));
}

fn faults(kills: &Kills) -> (u64, u64, u64) {
    (kills.missing, kills.doubled, kills.gaps)
}

/// Everything is whole; gives the appends held by all writers.
async fn audit(store: &Store) -> usize {
    let mut kills = Kills::default();
    let held = kill::audit(store, &mut kills).await;
    assert_eq!(faults(&kills), (0, 0, 0));
    held[&u64::MAX].len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(command(), folder.path());
    let refused = open(folder.path()).err().expect("a refusal");
    assert!(matches!(refused, OpenError::InUse(_)), "{refused}");
    assert!(
        refused
            .to_string()
            .starts_with("another process has opened the store in /")
    );
    running.kill_after(1);
    let store = open(folder.path()).unwrap();
    let refused = open(folder.path()).err().expect("a refusal");
    assert!(matches!(refused, OpenError::InUse(_)), "{refused}");
    store.close().await;
    open(folder.path()).unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_taken_while_running_is_a_whole_prefix_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..150 {
                    append(&store, writer, n).await;
                }
            })
        })
        .collect();
    let (mut opened, mut refused) = (0, 0);
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let copied = tempfile::tempdir().unwrap();
        copy(folder.path(), copied.path());
        match open(copied.path()) {
            Ok(copy) => {
                audit(&copy).await;
                copy.close().await;
                opened += 1;
            }
            Err(error) => {
                assert!(error.to_string().contains("damaged"), "{error}");
                refused += 1;
            }
        }
    }
    assert!(opened + refused > 0);
    store.close().await;
    let copied = tempfile::tempdir().unwrap();
    copy(folder.path(), copied.path());
    let held = audit(&open(copied.path()).unwrap()).await;
    assert_eq!(held, 600);
}

/// A store with a known number of appends, closed, and its commit-number file as of half of them.
async fn written(folder: &Path, appends: u64) -> Vec<u8> {
    let mut older = Vec::new();
    for half in 0..2 {
        let store = open(folder).unwrap();
        for n in 0..appends / 2 {
            let n = half * (appends / 2) + n;
            let mut t = store.transaction(&home(0));
            t.append(log(), text(&n.to_string()), true);
            t.put(
                raw(b"own", &n.to_be_bytes()),
                Value::parts(vec![Part::SeqOf(0)]),
            );
            t.commit().await.unwrap();
        }
        store.close().await;
        if half == 0 {
            older = std::fs::read(folder.join(super::NUMBER_FILE)).unwrap();
        }
    }
    older
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                // Journals are pre-allocated: only what is in use is copied, the rest is a hole.
                let bytes = std::fs::read(entry.path()).unwrap();
                let used = bytes
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |at| at + 1);
                std::fs::write(&target, &bytes[..used]).unwrap();
                let file = std::fs::File::options().write(true).open(&target).unwrap();
                file.set_len(bytes.len() as u64).unwrap();
            }
        }
    }
}

/// The journal of the database and how many of its bytes are in use.
fn journal(folder: &Path) -> (PathBuf, usize) {
    let files = std::fs::read_dir(folder.join(super::DATABASE_FOLDER)).unwrap();
    let path = files
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "jnl"))
        .expect("a journal");
    let bytes = std::fs::read(&path).unwrap();
    let used = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    (path, used)
}

fn damage(path: &Path, act: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    act(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// Entries and rows are the first so many appends, complete; gives how many.
async fn prefix(store: &Store) -> u64 {
    let head = store.head(&home(0), &log()).await.unwrap();
    let entries = entries(store, &home(0), 1).await;
    assert_eq!(entries.len() as u64, head.last);
    for (n, (seq, row)) in entries.iter().enumerate() {
        assert_eq!(
            (*seq, row.value.as_ref()),
            (n as u64 + 1, n.to_string().as_bytes())
        );
    }
    let partition = crate::Partition {
        table: raw(b"own", b"").table,
        name: raw(b"own", b"").partition,
    };
    let rows = store
        .scan(
            &home(0),
            &partition,
            crate::KeyRange::all(),
            Direction::Forward,
            10_000,
        )
        .await
        .unwrap();
    assert_eq!(
        rows.len() as u64,
        head.last,
        "rows of one kind without the others"
    );
    assert_eq!(
        store.last_position().await,
        crate::FIRST_POSITION - 1 + head.last
    );
    head.last
}

const APPENDS: u64 = 60;
const FLIPS: usize = 60;

/// Damages a copy: with the newest commit-number file nothing acknowledged may be missing, with an older
/// one the store is an exact prefix not shorter than that file; or it is refused in words. Gives how often
/// each happened: whole, shorter, refused.
async fn survive(damages: impl Iterator<Item = (usize, u8, Damage)>) -> (usize, usize, usize) {
    let whole = tempfile::tempdir().unwrap();
    let older = written(whole.path(), APPENDS).await;
    let (path, used) = journal(whole.path());
    // The journal is read as this version of the database writes it.
    let batches = super::journal::check(&whole.path().join(super::DATABASE_FOLDER)).unwrap();
    assert!(batches as u64 > APPENDS);
    let path = path.strip_prefix(whole.path()).unwrap().to_owned();
    let mut seen = (0, 0, 0);
    for (at, bit, how) in damages {
        for known in [None, Some(&older)] {
            let copied = tempfile::tempdir().unwrap();
            copy(whole.path(), copied.path());
            damage(&copied.path().join(&path), |bytes| {
                how(bytes, used, at, bit)
            });
            if let Some(older) = known {
                std::fs::write(copied.path().join(super::NUMBER_FILE), older).unwrap();
            }
            let least = if known.is_some() {
                APPENDS / 2
            } else {
                APPENDS
            };
            match open(copied.path()) {
                Ok(store) => {
                    let held = prefix(&store).await;
                    assert!(
                        held >= least,
                        "{held} of {least} with damage at {at} of {used}"
                    );
                    seen.0 += usize::from(held == APPENDS);
                    seen.1 += usize::from(held < APPENDS);
                    // It goes on from there.
                    let mut t = store.transaction(&home(0));
                    let entry = t.append(log(), text("after"), true);
                    assert_eq!(t.commit().await.unwrap().seq(entry), held + 1);
                    store.close().await;
                }
                Err(error) => {
                    assert!(error.to_string().contains("damaged"), "{error}");
                    seen.2 += 1;
                }
            }
        }
    }
    seen
}

type Damage = fn(&mut Vec<u8>, usize, usize, u8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_or_zeroed_journal_tail_gives_a_prefix_or_a_refusal() {
    let torn: Damage = |bytes, used, tail, _| bytes.truncate(used.saturating_sub(tail));
    let zeroed: Damage = |bytes, used, tail, _| bytes[used.saturating_sub(tail)..].fill(0);
    let tails = [1, 7, 40, 200, 1_000, 3_000];
    let damages = tails
        .into_iter()
        .flat_map(|tail| [(tail, 0, torn), (tail, 0, zeroed)]);
    let (_, shorter, refused) = survive(damages).await;
    assert!(
        shorter > 0 && refused > 0,
        "{shorter} shorter, {refused} refused"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_the_journal_gives_a_prefix_or_a_refusal() {
    let flip: Damage = |bytes, used, at, bit| bytes[at % used] ^= 1 << bit;
    let mut bits = crate::suite::model::bits(7);
    let flips = std::iter::repeat_with(|| (bits() as usize, (bits() % 8) as u8, flip));
    let (whole, shorter, refused) = survive(flips.take(FLIPS)).await;
    assert_eq!(whole + shorter + refused, 2 * FLIPS);
}
