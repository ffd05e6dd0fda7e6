//! Timers: rows of a home that fire as a commit of that home, so a cancelled timer never fires.

use std::ops::Bound;

use bytes::Bytes;

use crate::commit::at_most;
use tokio::sync::watch;

use crate::contract::{Committed, Direction, Home, KeyRange, Row, StoreError};
use crate::key::{self, KeyPart};
use crate::reserved;
use crate::store::Store;
use crate::transaction::Transaction;
use crate::value::Value;

/// A fired timer emits an effect whose kind is this and the timer's name.
pub const TIMER_EFFECT: &str = "timer:";

/// A timer that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Its home.
    pub home: Home,
    /// Its name inside the home.
    pub name: String,
    /// When it is due, in ms since 1970.
    pub at_ms: i64,
    /// Position of the commit that set it.
    pub version: u64,
    /// What was given with it.
    pub payload: Bytes,
}

impl Store {
    /// Up to `limit` timers of any home that are due at `now_ms`, the oldest first.
    ///
    /// # Errors
    /// When `limit` is above `Limits::get_many_rows`, or when the engine cannot read.
    pub async fn due_timers(&self, now_ms: i64, limit: usize) -> Result<Vec<Timer>, StoreError> {
        self.due_timers_after(now_ms, None, limit).await
    }

    /// The same, the page after `after`.
    ///
    /// # Errors
    /// As [`Store::due_timers`].
    pub async fn due_timers_after(
        &self,
        now_ms: i64,
        after: Option<&Timer>,
        limit: usize,
    ) -> Result<Vec<Timer>, StoreError> {
        at_most(
            "the timers read at once",
            limit,
            self.limits().get_many_rows,
        )?;
        let mut range = KeyRange::before(key::encode(&now_ms.saturating_add(1)));
        if let Some(Timer {
            at_ms, home, name, ..
        }) = after
        {
            range.from = Bound::Excluded(reserved::due_at(*at_ms, home, name).key);
        }
        let own = reserved::timers_home();
        let rows = self
            .scan(&own, &reserved::due(), range, Direction::Forward, limit)
            .await?;
        let mut places = Vec::with_capacity(rows.len());
        for (raw, _) in rows {
            let (at_ms, home, name): (i64, String, String) =
                key::decode(&raw).map_err(|_| reserved::corrupt("key of a due timer"))?;
            places.push((Home::parse(&home), name, at_ms));
        }
        let wanted = places
            .iter()
            .map(|(home, name, _)| (home.clone(), reserved::timer_at(name)));
        let rows = self.get_many(&wanted.collect::<Vec<_>>()).await?;
        let mut due = Vec::with_capacity(places.len());
        for ((home, name, at_ms), row) in places.into_iter().zip(rows) {
            // Between the two reads it may have been cancelled or replaced.
            let Some(row) = row else { continue };
            let (set_ms, payload) = reserved::decode_timer(&row)?;
            if set_ms == at_ms {
                let version = row.version;
                due.push(Timer {
                    home,
                    name,
                    at_ms,
                    version,
                    payload,
                });
            }
        }
        Ok(due)
    }

    /// When the next timer of any home is due, in ms since 1970; nothing while none waits.
    ///
    /// # Errors
    /// When the engine cannot read.
    pub async fn next_timer(&self) -> Result<Option<i64>, StoreError> {
        let (own, all) = (reserved::timers_home(), KeyRange::all());
        let rows = self
            .scan(&own, &reserved::due(), all, Direction::Forward, 1)
            .await?;
        let time = |(raw, _): &(Bytes, Row)| {
            i64::decode(&mut raw.as_ref()).map_err(|_| reserved::corrupt("key of a due timer"))
        };
        rows.first().map(time).transpose()
    }

    /// Changes whenever a timer was set or taken away; look at [`Store::next_timer`] again then. Ends with
    /// the store.
    #[must_use]
    pub fn timer_changes(&self) -> watch::Receiver<u64> {
        self.timers()
    }

    /// The timer of this name, if it waits.
    ///
    /// # Errors
    /// When the engine cannot read.
    pub async fn timer(&self, home: &Home, name: &str) -> Result<Option<Timer>, StoreError> {
        let Some(row) = self.get(home, &reserved::timer_at(name)).await? else {
            return Ok(None);
        };
        let (at_ms, payload) = reserved::decode_timer(&row)?;
        Ok(Some(Timer {
            home: home.clone(),
            name: name.to_owned(),
            at_ms,
            version: row.version,
            payload,
        }))
    }

    /// Fires a timer: one commit of its home takes it away and emits the effect [`TIMER_EFFECT`] with its
    /// name and payload. Nothing if it was cancelled, replaced or fired meanwhile.
    ///
    /// # Errors
    /// What refuses the commit.
    pub async fn fire(&self, timer: &Timer) -> Result<Option<Committed>, StoreError> {
        let mut t = self.transaction(&timer.home);
        t.take_timer(timer);
        t.effect(
            &format!("{TIMER_EFFECT}{}", timer.name),
            Value::bytes(timer.payload.clone()),
        );
        match t.commit().await {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.lost_race() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Transaction {
    /// Takes a waiting timer away, for a commit that does its work at once. The commit loses its race if
    /// the timer was cancelled, replaced or fired meanwhile.
    pub fn take_timer(&mut self, timer: &Timer) {
        self.expect_version(reserved::timer_at(&timer.name), timer.version);
        self.cancel(&timer.name);
    }
}
