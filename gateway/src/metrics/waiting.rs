//! What waits in the store or was given up there: read when it is asked for, because nothing counts it.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chat_core::effect::checkpoint;
use chat_core::effect::letter::{self, What};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use storage::{FIRST_POSITION, Store};
use tokio::time::timeout;

/// Letters that are counted; who has more has to look at them anyway.
const COUNTED: usize = 1_000;
/// Whoever asks for metrics does not wait longer for a store that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    letters: Family<[(&'static str, &'static str); 1], Gauge>,
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
            "effects_behind_commits",
            "Commits since the one up to which all effects were run",
            self.behind.clone(),
        );
    }

    /// Looks. What can't be read in time is left out, so that no old figure is taken for a new one.
    pub(super) async fn look(&self, store: &Store) {
        self.letters.clear();
        self.behind.set(f64::NAN);
        let reading = async {
            let letters = letter::page(store, None, COUNTED).await.ok()?;
            let last = store.last_position().await;
            // A new store has none yet, and no commit before its first position.
            let ran = checkpoint(store).await.ok()?.max(FIRST_POSITION - 1);
            let behind = last.saturating_sub(ran);
            Some((letters, u32::try_from(behind).unwrap_or(u32::MAX)))
        };
        let Ok(Some((letters, behind))) = timeout(PATIENCE, reading).await else {
            return;
        };
        for (what, name) in [
            (What::Effect, "effect"),
            (What::Parked, "parked"),
            (What::Job, "job"),
        ] {
            let count = letters.iter().filter(|(_, one)| one.what == what).count();
            let gauge = self.letters.get_or_create(&[("what", name)]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.behind.set(f64::from(behind));
    }
}
