//! kill -9 under load: a child process appends from many writers, is killed after so many acknowledged
//! appends, and what the next start holds is compared with what was acknowledged. Round after round in one
//! folder.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Hands, LOG, NUMBERS, limits, model, raw};
use crate::{Direction, Home, OpenError, Part, Partition, Row, Store, Value};

/// Names the folder that a child process writes to.
pub const FOLDER: &str = "STORAGE_CRASH_FOLDER";
pub(crate) const WRITERS: u64 = 8;

/// The home that all writers append to, beside one of their own.
const ALL: u64 = u64::MAX;

/// What all rounds together came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Kills {
    /// Rounds that were run.
    pub rounds: u64,
    /// Appends that were acknowledged; each is two commits.
    pub acknowledged: u64,
    /// Entries that stand in the logs at the end.
    pub held: u64,
    /// Acknowledged appends that are not there, or not with all their rows.
    pub missing: u64,
    /// Appends that are there twice.
    pub doubled: u64,
    /// Numbers without an entry, and heads and sums that do not fit the entries.
    pub gaps: u64,
}

pub(crate) fn home(writer: u64) -> Home {
    Home::new("writer", writer)
}

pub(crate) fn log() -> Partition {
    LOG.partition(&b"l".to_vec())
}

pub(crate) fn open(folder: &Path) -> Result<Store, OpenError> {
    Store::embedded(folder, limits(), Hands::default().clock())
}

fn partition(writer: u64) -> &'static [u8] {
    if writer == ALL { b"all" } else { b"own" }
}

/// One append in two homes is two commits; each carries everything the audit needs.
pub(crate) async fn append(store: &Store, writer: u64, n: u64) {
    for of in [writer, ALL] {
        let id = format!("{writer}-{n}");
        let mut t =
            store
                .transaction(&home(of))
                .client_id("crash", "writer", &id, [1; 32], i64::MAX / 4);
        let entry = Value::parts(vec![
            Part::Bytes(writer.to_be_bytes().to_vec().into()),
            Part::Bytes(n.to_be_bytes().to_vec().into()),
        ]);
        t.append(log(), entry, true);
        t.put(
            raw(partition(of), id.as_bytes()),
            Value::parts(vec![Part::SeqOf(0)]),
        );
        t.add(NUMBERS.at(&(), &b"sum".to_vec()), 1, None, None);
        t.commit().await.expect("an append");
    }
    let line = format!("done {writer} {n}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).expect("the parent reads");
    out.flush().expect("the parent reads");
}

/// What the child does until it is killed.
///
/// # Panics
/// When the store can't be opened or refuses an append.
pub async fn child(folder: &Path) {
    let store = open(folder).expect("it opens");
    println!("\nopen");
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            // An append whose second half is missing is repeated under its ids.
            let head = store.head(&home(writer), &log()).await.expect("a head");
            for n in head.last.saturating_sub(1).. {
                append(&store, writer, n).await;
            }
        });
    }
    writers.join_all().await;
}

/// A child that runs.
pub(crate) struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    /// Starts the child and waits until it has opened the store.
    pub(crate) fn start(mut command: Command, folder: &Path) -> Self {
        let mut child = command
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let out = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(out).lines();
        let open = lines
            .by_ref()
            .any(|line| line.is_ok_and(|line| line == "open"));
        assert!(open, "the child could not open the store");
        Self { child, lines }
    }

    /// Kills it after so many acknowledged appends; gives all that were acknowledged.
    pub(crate) fn kill_after(mut self, appends: u64) -> HashSet<(u64, u64)> {
        let mut acknowledged = HashSet::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            let mut words = line.split(' ');
            if words.next() != Some("done") {
                continue;
            }
            let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
            if let (Some(writer), Some(n)) = (number(), number()) {
                acknowledged.insert((writer, n));
            }
            if acknowledged.len() as u64 == appends {
                self.child.kill().expect("SIGKILL");
            }
        }
        self.child.wait().expect("it is gone");
        acknowledged
    }
}

/// All entries of a log from number `from` on.
pub(crate) async fn entries(store: &Store, home: &Home, from: u64) -> Vec<(u64, Row)> {
    store
        .entries(home, &log(), from, u64::MAX, Direction::Forward, 10_000)
        .await
        .expect("entries")
}

/// Looks at everything that the store holds; gives the numbers of the appends by home.
///
/// # Panics
/// When the store can't be read.
pub(crate) async fn audit(store: &Store, kills: &mut Kills) -> HashMap<u64, HashSet<(u64, u64)>> {
    let mut held = HashMap::new();
    kills.held = 0;
    for writer in (0..WRITERS).chain([ALL]) {
        let home = home(writer);
        let head = store.head(&home, &log()).await.expect("a head");
        let mut seen = HashSet::new();
        let mut next = 1;
        while next <= head.last {
            let page = entries(store, &home, next).await;
            let Some((last, _)) = page.last() else { break };
            let (first, last) = (next, *last);
            kills.gaps += (last - first + 1).abs_diff(page.len() as u64);
            next = last + 1;
            for (seq, row) in page {
                let entry: (u64, u64) = crate::key::decode(&row.value).expect("an entry");
                kills.doubled += u64::from(!seen.insert(entry));
                let at = raw(
                    partition(writer),
                    format!("{}-{}", entry.0, entry.1).as_bytes(),
                );
                let row = store.get(&home, &at).await.expect("a row");
                let fits = row.is_some_and(|row| *row.value == seq.to_be_bytes());
                kills.missing += u64::from(!fits);
            }
        }
        let sum = store.get(&home, &NUMBERS.at(&(), &b"sum".to_vec())).await;
        let sum = sum
            .expect("a sum")
            .map_or(0, |row| crate::sum_value(&row).expect("a sum"));
        let fits = next == head.last + 1 && head.count == head.last;
        kills.gaps += u64::from(!fits || sum.cast_unsigned() != head.last);
        kills.held += head.last;
        held.insert(writer, seen);
    }
    held
}

/// Rounds of a child that is started by `command`, killed and audited.
///
/// # Panics
/// When a child can't be started or the store can't be opened again.
pub async fn rounds(command: impl Fn() -> Command, folder: &Path, rounds: u64, seed: u64) -> Kills {
    let mut kills = Kills::default();
    let mut bits = model::bits(seed);
    let mut acknowledged = HashSet::new();
    for _ in 0..rounds {
        let appends = 20 + bits() % 300;
        let new = Running::start(command(), folder).kill_after(appends);
        assert!(!new.is_empty(), "nothing was acknowledged");
        acknowledged.extend(new);
        let store = open(folder).expect("it opens again");
        let held = audit(&store, &mut kills).await;
        let lost = |append: &&(u64, u64)| {
            let of = |home: u64| held.get(&home).is_some_and(|held| held.contains(*append));
            !of(append.0) || !of(ALL)
        };
        kills.missing += acknowledged.iter().filter(lost).count() as u64;
        store.close().await;
        kills.rounds += 1;
    }
    kills.acknowledged = acknowledged.len() as u64;
    kills
}
