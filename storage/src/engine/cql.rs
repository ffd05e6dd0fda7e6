//! The engine of a cluster: rounds in a journal by conditional statements, rows by plain writes whose
//! timestamp is the position of their commit.
//!
//! `owner.rs` decides who may write and what an unknown outcome was; this file makes rows visible, keeps the
//! marks and drops what nobody needs. Both speak to a [`Database`] only, so the model drives the same code
//! as a real cluster.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

use super::{Attempt, Engine, Opened, PersistError, Round, layout};
use crate::contract::{
    AppliedCommit, Direction, Home, KeyRange, OpenError, Partition, RowAt, StoreError,
};
use crate::limits::{FIRST_POSITION, Limits};
use crate::store::Clock;

mod apply;
pub(crate) mod database;
pub(crate) mod driver;
mod entry;
#[cfg(test)]
mod model;
mod owner;
mod reads;
pub(crate) mod roll;
pub(crate) mod rules;
pub(crate) mod seat;
mod stretch;
mod wait;

use apply::Batches;
use database::{Beat, Database, Failure, Mark, MarkKind};
use owner::{Appended, ClaimError, Draw, Journal};
use reads::Reads;
use stretch::Stretches;

/// Batches and reads under way at once.
const PARALLEL: usize = 32;

/// Rounds read from the journal at once.
const PAGE_ROUNDS: usize = 64;

/// How often a journal that others claim too is claimed.
const CLAIMS_MAX: u32 = 20;

/// See the module.
pub(crate) struct Cql<D> {
    database: Arc<D>,
    journal: Journal<D>,
    limits: Limits,
    clock: Clock,
    opened: Opened,
    reads: Reads<D>,
    /// Where the other servers reach this one; empty where there are none.
    address: String,
    beats: AtomicU64,
    marks: Mutex<Marks>,
}

/// What was acknowledged when, and how far the marks are.
#[derive(Debug, Default)]
struct Marks {
    /// Applied rounds that are not old enough for the mark, oldest first; bounded by `mark_rounds`.
    acknowledged: VecDeque<(Instant, Mark)>,
    applied: Mark,
    /// The newest position that every reader sees.
    shown: u64,
    effects: u64,
    dropped: u64,
    written: Option<Instant>,
    rounds: u64,
}

impl<D: Database> Cql<D> {
    /// Takes the journal once its owner before left or stands still, and begins.
    pub(crate) async fn open(
        database: Arc<D>,
        incarnation: u64,
        limits: Limits,
        clock: Clock,
        draw: Draw,
    ) -> Result<Self, OpenError> {
        let hint = read_mark(&*database, MarkKind::Applied).await?;
        let size = limits.cql.bucket_positions;
        let journal = Journal::new(Arc::clone(&database), size, draw);
        if limits.cql.beats {
            wait::until_still(&journal, hint.position, &limits.cql).await?;
        }
        Self::take(
            journal,
            incarnation,
            limits,
            clock,
            hint.position,
            String::new(),
        )
        .await
    }

    /// Takes the journal at once, makes visible what its owner before left durable, and begins. `address` is
    /// where the other servers reach this one.
    async fn take(
        journal: Journal<D>,
        incarnation: u64,
        limits: Limits,
        clock: Clock,
        hint: u64,
        address: String,
    ) -> Result<Self, OpenError> {
        let database = Arc::clone(journal.database());
        let claimed = journal.claim(hint, CLAIMS_MAX).await;
        claimed.map_err(claim_failed)?;
        // Only now: whoever owned the journal before may have gone on until the raise.
        let applied = read_mark(&*database, MarkKind::Applied).await?;
        let effects = read_mark(&*database, MarkKind::Effects).await?.position;
        let dropped = read_mark(&*database, MarkKind::Dropped).await?.position;
        let mut engine = Self {
            reads: Reads::new(Arc::clone(&database)),
            database,
            journal,
            limits,
            clock,
            opened: Opened {
                last_position: FIRST_POSITION - 1,
                last_time_ms: applied.time_ms,
                incarnation,
                attempts: Vec::new(),
            },
            address,
            beats: AtomicU64::new(0),
            marks: Mutex::new(Marks {
                applied,
                effects,
                dropped,
                ..Marks::default()
            }),
        };
        match engine.recover(applied).await {
            Ok(opened) => {
                engine.marks().shown = opened.last_position;
                engine.opened = opened;
            }
            Err(error) => return Err(engine.not_recovered(error).await),
        }
        Ok(engine)
    }

    /// What looks damaged may be what the next owner has done meanwhile.
    async fn not_recovered(&self, error: StoreError) -> OpenError {
        match error {
            StoreError::Corrupt(why) => match self.journal.confirm().await {
                Ok(()) => OpenError::Damaged(why),
                Err(_) => OpenError::InUse("this cluster".to_owned()),
            },
            other => OpenError::Unreachable(other.to_string()),
        }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, failure: Failure) -> StoreError {
        self.reads.failed(failure)
    }

    fn shake(&self, failure: &Failure) {
        self.reads.shake(failure);
    }

    /// Applies again what lies behind the mark, and reads the young attempts.
    async fn recover(&self, applied: Mark) -> Result<Opened, StoreError> {
        let next = self.journal.standing().guard.next;
        if applied.position >= next {
            return Err(StoreError::Corrupt(format!(
                "rows were applied up to commit {}, but the journal ends before {next}; restore a backup",
                applied.position
            )));
        }
        let time_ms = self.apply_from(applied, next).await?;
        Ok(Opened {
            last_position: next - 1,
            last_time_ms: time_ms,
            incarnation: self.opened.incarnation,
            attempts: self.young_attempts(next).await?,
        })
    }

    /// Applies every round from a mark on, groups of rounds at once with the last value of every row.
    async fn apply_from(&self, mark: Mark, until: u64) -> Result<i64, StoreError> {
        let (mut at, mut time_ms) = (mark.position + 1, mark.time_ms);
        while at.max(FIRST_POSITION) < until {
            let (entries, next) = self.journal.read(at, until, PAGE_ROUNDS).await?;
            at = next;
            let mut group = Batches::default();
            for entry in &entries {
                time_ms = time_ms.max(entry.round.time_ms);
                group.add(&entry.round, (self.clock)());
                if group.bytes() >= self.limits.round_bytes {
                    self.send(std::mem::take(&mut group)).await;
                }
            }
            self.send(group).await;
        }
        Ok(time_ms)
    }

    /// Attempts of the last `attempts_ms`, the newest `attempts` of them, from whole buckets backward.
    async fn young_attempts(&self, next: u64) -> Result<Vec<Attempt>, StoreError> {
        let since_ms = (self.clock)() - self.limits.attempts_ms;
        let dropped = self.marks().dropped;
        let (mut rounds, mut found, mut until) = (VecDeque::new(), 0, next);
        while until > FIRST_POSITION.max(dropped) && found < self.limits.attempts {
            let begin = self.journal.begin(self.journal.bucket_of(until - 1));
            let (mut entries, mut at) = (Vec::new(), begin);
            while at < until {
                let (page, next) = self.journal.read(at, until, PAGE_ROUNDS).await?;
                entries.extend(page);
                at = next;
            }
            let old = entries
                .iter()
                .take_while(|entry| entry.round.time_ms < since_ms);
            let old = old.count();
            let more = old == 0 && !entries.is_empty();
            for entry in entries.into_iter().skip(old).rev() {
                found += entry.round.attempts.len();
                rounds.push_front(entry.round.attempts);
            }
            if !more {
                break;
            }
            until = begin;
        }
        Ok(rounds.into_iter().flatten().collect())
    }

    /// Writes batches until all are acknowledged: what is durable can't be given up.
    async fn send(&self, batches: Batches) {
        let writes = batches.into_writes(self.limits.round_bytes, Stretches::new(&self.limits.cql));
        for wave in writes {
            let sent = apply::groups(wave).into_iter().map(|group| async move {
                let mut pause_ms = 1;
                while let Err(failure) = self.database.write(&group).await {
                    self.shake(&failure);
                    tracing::warn!(why = failure.why, "a durable row cannot be written yet");
                    self.database.pause(pause_ms).await;
                    pause_ms = (pause_ms * 2).min(1_000);
                }
            });
            stream::iter(sent)
                .buffer_unordered(PARALLEL)
                .collect::<()>()
                .await;
        }
    }

    /// Notes an acknowledged round, and now and then moves the marks and drops a bucket.
    async fn acknowledged(&self, mark: Mark) {
        let now = Instant::now();
        let due = {
            let mut marks = self.marks();
            marks.rounds += 1;
            if marks.acknowledged.len() >= self.limits.cql.mark_rounds_kept {
                // Only then is the mark less fine.
                marks.acknowledged.pop_back();
            }
            marks.acknowledged.push_back((now, mark));
            let old = marks.written.is_none_or(|written| {
                now.duration_since(written).as_millis() >= u128::from(self.limits.cql.mark_ms)
            });
            old || marks.rounds.is_multiple_of(self.limits.cql.mark_rounds)
        };
        if due {
            self.tidy().await;
        }
    }

    /// Moves the mark of applied rounds to the newest that was acknowledged long enough ago, and drops one
    /// bucket that nobody needs. What fails is tried again the next time.
    pub(crate) async fn tidy(&self) {
        let now = Instant::now();
        let age = std::time::Duration::from_millis(self.limits.cql.mark_age_ms);
        let mark = {
            let mut marks = self.marks();
            marks.written = Some(now);
            let mut newest = None;
            while let Some((at, mark)) = marks.acknowledged.front().copied()
                && now.duration_since(at) >= age
            {
                newest = Some(mark);
                marks.acknowledged.pop_front();
            }
            newest
        };
        if let Some(mark) = mark {
            match self.database.set_mark(MarkKind::Applied, mark).await {
                Ok(()) => self.marks().applied = mark,
                Err(failure) => self.shake(&failure),
            }
        }
        for _ in 0..self.limits.cql.drop_buckets {
            match self.drop_one().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "an old part of the journal is not dropped yet");
                    break;
                }
            }
        }
    }

    /// Drops the oldest bucket, if its commits are applied, their effects are needed no more and the last
    /// of them is old enough.
    async fn drop_one(&self) -> Result<bool, StoreError> {
        let (from, until) = {
            let marks = self.marks();
            (marks.dropped, marks.effects.min(marks.applied.position + 1))
        };
        let number = self.journal.bucket_of(from.max(FIRST_POSITION));
        let end = self.journal.end(number);
        if until < end || number >= self.journal.standing().bucket {
            return Ok(false);
        }
        let (last, _) = self.journal.read(end - 1, end, 1).await?;
        let now_ms = (self.clock)();
        let young = |time_ms: i64| time_ms + self.limits.cql.drop_age_ms > now_ms;
        if last.iter().any(|entry| young(entry.round.time_ms)) {
            return Ok(false);
        }
        if !self.journal.drop_entries(number).await? {
            return Ok(false);
        }
        let mark = Mark {
            position: end,
            time_ms: now_ms,
        };
        let noted = self.database.set_mark(MarkKind::Dropped, mark).await;
        noted.map_err(|failure| self.failed(failure))?;
        self.marks().dropped = end;
        Ok(true)
    }

    async fn beat(&self, free: bool) {
        let standing = self.journal.standing();
        if !standing.deposed {
            let beat = Beat {
                token: standing.guard.token,
                count: self.beats.fetch_add(1, Ordering::Relaxed),
                address: self.address.clone(),
                free,
            };
            if let Err(failure) = self.database.beat(beat).await {
                self.shake(&failure);
            }
        }
    }
}

async fn read_mark<D: Database>(database: &D, kind: MarkKind) -> Result<Mark, OpenError> {
    let read = database.mark(kind).await;
    let read = read.map_err(|failure| OpenError::Unreachable(failure.why))?;
    Ok(read.unwrap_or(Mark {
        position: FIRST_POSITION - 1,
        time_ms: 0,
    }))
}

fn claim_failed(error: ClaimError) -> OpenError {
    match error {
        ClaimError::Format(found) => OpenError::Format {
            found,
            known: entry::ENTRY_FORMAT,
        },
        ClaimError::Failed(why) => OpenError::Unreachable(why),
        ClaimError::Deposed => OpenError::InUse("the cluster".to_owned()),
    }
}

#[async_trait]
impl<D: Database> Engine for Cql<D> {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    fn blocks(&self) -> bool {
        false
    }

    fn term(&self) -> u128 {
        self.journal.standing().guard.token.bits
    }

    fn room(&self) -> usize {
        usize::try_from(self.journal.room()).unwrap_or(usize::MAX)
    }

    async fn get_many(&self, wanted: &[(Home, RowAt)]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.reads.get_many(wanted).await
    }

    async fn scan(
        &self,
        home: &Home,
        partition: &Partition,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        self.reads
            .scan(home, partition, range, direction, limit)
            .await
    }

    async fn persist(&self, round: &Round) -> Result<(), PersistError> {
        let token = self.journal.standing().guard.token;
        let bytes = entry::encode(token, round).map_err(PersistError::Refused)?;
        match self
            .journal
            .append(round.first, round.last + 1, bytes)
            .await
        {
            Appended::Done => Ok(()),
            Appended::Not(error) => Err(PersistError::Refused(error)),
            Appended::Unknown(why) => Err(PersistError::Unknown(why)),
        }
    }

    async fn settle(&self, round: &Round) -> Result<bool, StoreError> {
        let written = self.journal.settle(round.first).await;
        if self.reads.was_shaken() {
            let (mark, mut pause_ms) = (self.marks().applied, 1);
            while let Err(error) = self.apply_from(mark, round.first).await {
                tracing::warn!(%error, "the journal cannot be applied again yet");
                self.database.pause(pause_ms).await;
                pause_ms = (pause_ms * 2).min(1_000);
            }
        }
        Ok(written)
    }

    async fn confirm(&self) -> Result<(), StoreError> {
        if !rules::holds(rules::Rule::ConfirmRefusals) {
            return Ok(());
        }
        self.journal.confirm().await
    }

    async fn apply(&self, rounds: &[Round]) -> Result<(), StoreError> {
        let mut batches = Batches::default();
        for round in rounds {
            batches.add(round, (self.clock)());
        }
        if rules::holds(rules::Rule::ApplyInOrder) {
            self.send(batches).await;
        } else {
            // Sent, and nobody waits for it.
            let _ = self.send(batches).now_or_never();
        }
        if let Some(round) = rounds.last() {
            self.marks().shown = round.last;
        }
        Ok(())
    }

    async fn shown(&self, rounds: &[Round]) {
        for round in rounds {
            self.acknowledged(Mark {
                position: round.last,
                time_ms: round.time_ms,
            })
            .await;
        }
    }

    async fn effects_after(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<AppliedCommit>, StoreError> {
        let (begin, until) = {
            let marks = self.marks();
            (marks.effects.max(marks.dropped), marks.shown + 1)
        };
        let mut at = position.saturating_add(1).max(begin);
        let mut found = Vec::new();
        while at < until && found.len() < limit {
            let (entries, next) = self.journal.read(at, until, PAGE_ROUNDS).await?;
            let commits = entries.into_iter().flat_map(|entry| entry.round.effects);
            found.extend(commits.filter(|commit| commit.position >= at));
            at = next;
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The attempts stay as long as their bucket does, so `young_ms` says nothing here.
    async fn forget(&self, position: u64, _young_ms: i64) -> Result<(), StoreError> {
        let position = position.min(self.journal.standing().guard.next);
        if position <= self.marks().effects {
            return Ok(());
        }
        let mark = Mark {
            position,
            time_ms: (self.clock)(),
        };
        let noted = self.database.set_mark(MarkKind::Effects, mark).await;
        noted.map_err(|failure| self.failed(failure))?;
        let mut marks = self.marks();
        marks.effects = marks.effects.max(position);
        Ok(())
    }

    async fn homes(&self, after: Option<&Home>, limit: usize) -> Result<Vec<Home>, StoreError> {
        self.reads.homes(after, limit).await
    }

    fn wants_idle(&self) -> bool {
        self.limits.cql.beats
    }

    async fn idle(&self) {
        self.journal.look_after().await;
        self.beat(false).await;
        self.tidy().await;
    }

    async fn lost(&self) {
        self.journal.lost().await;
    }

    async fn close(&self) {
        self.tidy().await;
        self.beat(true).await;
    }
}
