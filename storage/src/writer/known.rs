//! What the stages of the writer know together: the rows that stand behind the engine's, how far rounds are
//! visible, and how many commits are under way.

use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

use super::kept::Kept;
use crate::commit::Place;
use crate::contract::{Row, StoreError};
use crate::engine::cql::rules::{Rule, holds};
use crate::engine::{Round, decode_row};
use crate::limits::Limits;
use crate::reserved;

/// See the module.
pub(super) struct Known {
    rows: Mutex<Rows>,
    /// The newest position that every reader sees.
    applied: watch::Sender<u64>,
    /// Commits that were taken from the queue and not answered yet.
    under_way: AtomicUsize,
}

struct Rows {
    kept: Kept,
    /// Rows of durable rounds that a fetch may have missed, each with the last position of its round.
    unapplied: HashMap<Place, (u64, Option<Bytes>)>,
    /// Those rounds, oldest first: last position and places.
    rounds: VecDeque<(u64, Vec<Place>)>,
}

impl Known {
    /// `applied` is the position where the engine stands.
    pub(super) fn new(limits: &Limits, applied: u64) -> Self {
        Self {
            rows: Mutex::new(Rows {
                kept: Kept::new(limits.kept_rows, limits.kept_bytes),
                unapplied: HashMap::new(),
                rounds: VecDeque::new(),
            }),
            applied: watch::Sender::new(applied),
            under_way: AtomicUsize::new(0),
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest position that every reader sees.
    pub(super) fn applied(&self) -> u64 {
        *self.applied.borrow()
    }

    /// Every reader sees the commits up to `position` now.
    pub(super) fn shows(&self, position: u64) {
        self.applied.send_replace(position);
    }

    /// Waits until every reader sees the commits up to `position`.
    pub(super) async fn until_shown(&self, position: u64) {
        // The sender lives as long as this does.
        let mut applied = self.applied.subscribe();
        let _ = applied.wait_for(|applied| *applied >= position).await;
    }

    /// Commits were taken from the queue.
    pub(super) fn taken(&self, commits: usize) {
        self.under_way.fetch_add(commits, Ordering::AcqRel);
    }

    /// Commits were answered.
    pub(super) fn answered(&self, commits: usize) {
        self.under_way.fetch_sub(commits, Ordering::AcqRel);
    }

    /// True if no commit is under way.
    pub(super) fn rests(&self) -> bool {
        self.under_way.load(Ordering::Acquire) == 0
    }

    /// The row, if it need not be fetched.
    pub(super) fn get(&self, place: &Place) -> Result<Option<Option<Row>>, StoreError> {
        self.rows().get(place)
    }

    /// The row as the next commit must see it: a round may have written it since it was fetched.
    pub(super) fn newest(
        &self,
        place: &Place,
        fetched: Option<Row>,
    ) -> Result<Option<Row>, StoreError> {
        let mut rows = self.rows();
        let row = rows.get(place)?.unwrap_or(fetched);
        // Where a client id is kept is asked once, when it is new.
        if !reserved::is_client(place.1.table) && !rows.kept.has(place) {
            rows.kept.keep(place.clone(), row.clone());
        }
        Ok(row)
    }

    /// Takes what a durable round wrote.
    pub(super) fn written(&self, round: &Round) {
        let mut rows = self.rows();
        let mut places = Vec::with_capacity(round.rows.len());
        for write in &round.rows {
            let place = (write.home.clone(), write.at.clone());
            if rows.kept.has(&place) {
                // The writer encoded it itself.
                let row = write.stored.as_ref().and_then(|row| decode_row(row).ok());
                rows.kept.written(place.clone(), row);
            }
            let unapplied = (round.last, write.stored.clone());
            rows.unapplied.insert(place.clone(), unapplied);
            places.push(place);
        }
        rows.rounds.push_back((round.last, places));
    }

    /// Lets go of the rows that no fetch can have missed: every fetch whose commits are not evaluated yet was
    /// begun when everything up to `position` was visible.
    pub(super) fn retire(&self, position: u64) {
        let outstanding = holds(Rule::OutstandingFetches);
        let position = if outstanding {
            position
        } else {
            self.applied()
        };
        let mut rows = self.rows();
        while let Some((last, places)) = rows.rounds.pop_front_if(|(last, _)| *last <= position) {
            for place in places {
                if rows.unapplied.get(&place).is_some_and(|row| row.0 == last) {
                    rows.unapplied.remove(&place);
                }
            }
        }
    }

    /// Remembers no rows but those of durable rounds.
    pub(super) fn forget(&self) {
        self.rows().kept.clear();
    }
}

impl Rows {
    fn get(&mut self, place: &Place) -> Result<Option<Option<Row>>, StoreError> {
        let unapplied = self.unapplied.get(place);
        if let Some((_, stored)) = unapplied.filter(|_| holds(Rule::UnappliedRows)) {
            return Ok(Some(stored.as_ref().map(decode_row).transpose()?));
        }
        Ok(self.kept.get(place))
    }
}
