//! What waits in the store or was given up there, and what files take: read when it is asked for.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chat_core::api::Answer;
use chat_core::directory::setup::{SYSTEM, system_home};
use chat_core::effect::checkpoint;
use chat_core::effect::letter::{self, Letter, What};
use chat_core::file::usage::{self, ByKind};
use chat_core::job;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use storage::{FIRST_POSITION, Store};
use tokio::time::timeout;

/// Letters and jobs that are counted; who has more has to look at them anyway.
const COUNTED: usize = 1_000;
/// Whoever asks for metrics does not wait longer for a store that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    letters: Family<[(&'static str, &'static str); 1], Gauge>,
    files: Family<[(&'static str, &'static str); 1], Gauge>,
    /// Not a number as long as it can't be read.
    jobs: Gauge<f64, AtomicU64>,
    /// Not a number as long as it can't be read.
    behind: Gauge<f64, AtomicU64>,
}

impl Waiting {
    /// Adds them to what can be read.
    pub(super) fn register(&self, all: &mut Registry) {
        all.register(
            "letters",
            "What the server could not do, at most 1000: effects that were given up, effects that are parked and \
             what waits behind them, jobs that gave up",
            self.letters.clone(),
        );
        all.register(
            "jobs",
            "Jobs that run or wait for their time, at most 1000",
            self.jobs.clone(),
        );
        all.register(
            "file_bytes",
            "What files take: pictures, other files, uploads under way",
            self.files.clone(),
        );
        all.register(
            "effects_behind_commits",
            "Commits since the one up to which all effects were run",
            self.behind.clone(),
        );
    }

    /// Looks. What can't be read in time is left out, so that no old figure is taken for a new one.
    pub(super) async fn look(&self, store: &Store) {
        self.letters.clear();
        self.files.clear();
        self.behind.set(f64::NAN);
        self.jobs.set(f64::NAN);
        let Ok(Ok(seen)) = timeout(PATIENCE, read(store)).await else {
            return;
        };
        for (what, name) in [
            (What::Effect, "effect"),
            (What::Parked, "parked"),
            (What::Job, "job"),
        ] {
            let count = seen.letters.iter().filter(|one| one.what == what).count();
            let gauge = self.letters.get_or_create(&[("what", name)]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        for (name, one) in [
            ("image", seen.files.images),
            ("file", seen.files.files),
            ("uploading", seen.files.uploading),
        ] {
            let gauge = self.files.get_or_create(&[("kind", name)]);
            gauge.set(i64::try_from(one.bytes).unwrap_or(i64::MAX));
        }
        self.behind.set(f64::from(seen.behind));
        self.jobs.set(f64::from(seen.jobs));
    }
}

struct Seen {
    letters: Vec<Letter>,
    behind: u32,
    jobs: u32,
    files: ByKind,
}

async fn read(store: &Store) -> Answer<Seen> {
    let letters = letter::page(store, None, COUNTED).await?;
    let last = store.last_position().await;
    // A new store has none yet, and no commit before its first position.
    let ran = checkpoint(store).await?.max(FIRST_POSITION - 1);
    let jobs = job::waiting(store, COUNTED).await?;
    let system = store.read(&system_home(), &SYSTEM, &(), &()).await?;
    let files = match system.and_then(|row| row.space_id) {
        Some(space) => usage::of_all(store, space).await?,
        None => ByKind::default(),
    };
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Seen {
        letters: letters.into_iter().map(|(_, letter)| letter).collect(),
        behind: small(last.saturating_sub(ran)),
        jobs: small(jobs),
        files,
    })
}
