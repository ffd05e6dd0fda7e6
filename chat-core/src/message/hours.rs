//! How many messages were sent in each hour of the last week, for the overview of an administrator. The owner of the
//! journal counts what it delivers and writes the counts every few seconds, so what a crash loses is a few
//! seconds of a figure, and sending costs nothing more.
//!
//! Home `figures:main`: hour → messages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use storage::{Direction, Home, KeyRange, Store, StoreError, Table, key, sum_value};

use crate::api::Answer;
use crate::clock::HOUR_MS;
use crate::limits::{HOURS_COUNTED, HOURS_FORGOTTEN, HOURS_KEPT, HOURS_PAUSE_MS};
use crate::node::Node;
use crate::tables;

/// `figures:main`: hours since the epoch → a counter.
const SENT: Table<(), i64, i64> = Table::new(tables::SENT_HOUR, "sent_hour");

fn figures_home() -> Home {
    Home::new("figures", "main")
}

/// The hour of a time, counted from the epoch.
pub fn hour_of(ms: i64) -> i64 {
    ms.div_euclid(HOUR_MS)
}

/// What was counted and is not written.
#[derive(Default)]
pub struct Hours(Mutex<BTreeMap<i64, u64>>);

impl Hours {
    /// Counts a message of that time.
    pub fn sent(&self, at_ms: i64) {
        let mut waiting = self.waiting();
        *waiting.entry(hour_of(at_ms)).or_default() += 1;
        // While nothing can be written the oldest hours go: it is only a figure.
        while waiting.len() > HOURS_KEPT {
            waiting.pop_first();
        }
    }

    /// Writes what was counted. What certainly was not written is kept for the next time.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn flush(&self, store: &Store) -> Answer<()> {
        let counted = std::mem::take(&mut *self.waiting());
        let Some(newest) = counted.keys().next_back().copied() else {
            return Ok(());
        };
        let written = write(store, &counted, newest).await;
        if let Err(error) = &written
            && !matches!(error, StoreError::Unknown)
        {
            let mut waiting = self.waiting();
            for (hour, count) in counted {
                *waiting.entry(hour).or_default() += count;
            }
        }
        Ok(written?)
    }

    /// The last [`HOURS_COUNTED`] hours up to `now_ms`, oldest first.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn last(&self, store: &Store, now_ms: i64) -> Answer<Vec<(i64, u64)>> {
        let now = hour_of(now_ms);
        let hours = i64::try_from(HOURS_COUNTED).unwrap_or(i64::MAX);
        let first = now - hours + 1;
        let mut range = KeyRange::all();
        range.from = std::ops::Bound::Included(key::encode(&first));
        let (home, all) = (figures_home(), SENT.partition(&()));
        let rows = store.scan(&home, &all, range, Direction::Forward, HOURS_COUNTED);
        let mut counts: BTreeMap<i64, u64> = (first..=now).map(|hour| (hour, 0)).collect();
        for (raw, row) in rows.await? {
            if let Some(count) = counts.get_mut(&SENT.key(&raw)?) {
                *count += u64::try_from(sum_value(&row)?).unwrap_or(0);
            }
        }
        for (hour, more) in self.waiting().iter() {
            if let Some(count) = counts.get_mut(hour) {
                *count += more;
            }
        }
        Ok(counts.into_iter().collect())
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<i64, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds to the hours, and takes those away that nobody asks for any more.
async fn write(store: &Store, counted: &BTreeMap<i64, u64>, newest: i64) -> Result<(), StoreError> {
    let (home, all) = (figures_home(), SENT.partition(&()));
    let kept = i64::try_from(HOURS_KEPT).unwrap_or(i64::MAX);
    let old = KeyRange::before(key::encode(&(newest - kept)));
    let old = store
        .scan(&home, &all, old, Direction::Forward, HOURS_FORGOTTEN)
        .await?;
    let mut t = store.transaction(&home);
    for (raw, _) in old {
        t.delete(SENT.at(&(), &SENT.key(&raw)?));
    }
    for (hour, count) in counted {
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        t.add(SENT.at(&(), hour), count, None, None);
    }
    t.commit().await?;
    Ok(())
}

/// Writes what was counted, every few seconds, until the store closes.
pub(crate) async fn run(node: Arc<Node>) {
    loop {
        tokio::time::sleep(Duration::from_millis(HOURS_PAUSE_MS)).await;
        match node.hours.flush(&node.store).await {
            Ok(()) => {}
            Err(error) if error.code == "store_closed" => return,
            Err(error) => {
                tracing::debug!(code = %error.code, "messages of the hour are not written")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Machine, NOON_MS};
    use storage::engine::faulty::Faults;

    #[tokio::test]
    async fn hours_are_counted_whether_written_or_not_and_old_ones_go() {
        let machine = Machine::new();
        let (store, _) = machine.store(Faults::default()).await;
        let hours = Hours::default();
        let kept = i64::try_from(HOURS_KEPT).unwrap();
        hours.sent(NOON_MS - (kept + 2) * HOUR_MS);
        hours.flush(&store).await.unwrap();
        for _ in 0..3 {
            hours.sent(NOON_MS);
        }
        hours.sent(NOON_MS - HOUR_MS);
        hours.flush(&store).await.unwrap();
        hours.sent(NOON_MS);
        let last = hours.last(&store, NOON_MS).await.unwrap();
        assert_eq!(last.len(), HOURS_COUNTED);
        let now = hour_of(NOON_MS);
        assert_eq!(last[HOURS_COUNTED - 1], (now, 4));
        assert_eq!(last[HOURS_COUNTED - 2], (now - 1, 1));
        assert_eq!(last.iter().map(|(_, count)| count).sum::<u64>(), 5);
        let (home, all) = (figures_home(), SENT.partition(&()));
        let rows = store.scan(&home, &all, KeyRange::all(), Direction::Forward, 10);
        assert_eq!(rows.await.unwrap().len(), 2, "what is old is gone");
    }

    #[tokio::test]
    async fn what_could_not_be_written_is_kept() {
        let machine = Machine::new();
        let (store, _) = machine.store(Faults::default()).await;
        store.close().await;
        let hours = Hours::default();
        hours.sent(NOON_MS);
        assert!(hours.flush(&store).await.is_err());
        assert_eq!(hours.waiting().len(), 1);
    }
}
