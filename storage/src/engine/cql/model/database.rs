//! The simulated database. Reads answer at once; everything that writes waits until the schedule lets it
//! run, and may run after its sender has given up.

use async_trait::async_trait;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

use super::truth::{Kind, Truth};
use crate::contract::{Direction, Home, KeyRange, Partition};
use crate::engine::AttemptId;
use crate::engine::cql::database::{
    Answer, Batch, Beat, Bucket, Database, Failure, Guard, Mark, MarkKind, Server, TimedRow, Token,
};
use crate::engine::cql::entry::{self, ENTRY_FORMAT};
use crate::engine::cql::rules::{Rule, holds};
use crate::engine::cql::stretch::Stretches;

/// A statement that writes.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    Create(u64, Guard),
    Raise(u64, Guard, Token),
    Append(u64, Guard, u64, Bytes),
    Drop(u64, Guard),
    Write(Home, Partition, Vec<TimedRow>),
    Pause,
}

/// A statement on its way.
pub(super) struct Pending {
    pub(super) node: usize,
    pub(super) statement: Statement,
    /// Nobody waits for it any more.
    pub(super) reply: Option<oneshot::Sender<Answer<bool>>>,
    /// It ran; its answer is on its way.
    pub(super) ran: Option<bool>,
    /// The schedule lets others run first.
    pub(super) slow: bool,
}

impl Pending {
    /// True if it makes rows visible.
    pub(super) const fn is_write(&self) -> bool {
        matches!(self.statement, Statement::Write(..))
    }
}

/// Everything outside of the nodes.
#[derive(Default)]
pub(super) struct World {
    buckets: BTreeMap<u64, (Bucket, BTreeMap<u64, Bytes>)>,
    rows: BTreeMap<(Home, Partition, Bytes), TimedRow>,
    marks: HashMap<MarkKind, Mark>,
    pub(super) pending: Vec<Pending>,
    pub(super) truth: Truth,
    /// The rows as the journal alone says.
    replay: BTreeMap<(Home, Partition, Bytes), TimedRow>,
    pub(super) kinds: HashMap<AttemptId, Kind>,
    /// Attempts whose caller was told that they were refused.
    pub(super) refused: Vec<AttemptId>,
    pub(super) violation: Option<String>,
    pub(super) dropped: u64,
    bits: u64,
}

/// The world as all share it.
pub(super) type Shared = Arc<Mutex<World>>;

/// The database as one node sees it.
pub(super) struct Simulated {
    pub(super) world: Shared,
    pub(super) node: usize,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let effects = Mark {
            position: u64::MAX >> 1,
            time_ms: 0,
        };
        Self {
            marks: HashMap::from([(MarkKind::Effects, effects)]),
            bits: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            ..Self::default()
        }
    }

    /// Bits of the schedule; the same for the same seed.
    pub(super) fn draw(&mut self) -> u64 {
        self.bits ^= self.bits << 13;
        self.bits ^= self.bits >> 7;
        self.bits ^= self.bits << 17;
        self.bits.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub(super) fn violated(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    /// Runs a statement; true if it was applied.
    pub(super) fn run(&mut self, statement: &Statement) -> bool {
        match statement {
            Statement::Create(number, guard) => self.create(*number, *guard),
            Statement::Raise(number, from, to) => {
                let Some((bucket, _)) = self.buckets.get_mut(number) else {
                    return false;
                };
                let next = bucket.guard.next == from.next || !holds(Rule::RaiseComparesNext);
                let equal = next && bucket.guard.token == from.token;
                if equal {
                    bucket.guard.token = *to;
                }
                equal
            }
            Statement::Append(number, from, next, bytes) => {
                self.append(*number, *from, *next, bytes)
            }
            Statement::Drop(number, guard) => self.drop_entries(*number, *guard),
            Statement::Write(home, partition, rows) => {
                for row in rows {
                    self.write(home, partition, row);
                }
                self.logs_are_dense();
                true
            }
            Statement::Pause => true,
        }
    }

    fn create(&mut self, number: u64, guard: Guard) -> bool {
        let absent = !self.buckets.contains_key(&number);
        if absent {
            let bucket = Bucket {
                guard,
                dropped: false,
                format: ENTRY_FORMAT,
            };
            self.buckets.insert(number, (bucket, BTreeMap::new()));
        }
        absent
    }

    fn append(&mut self, number: u64, from: Guard, next: u64, bytes: &Bytes) -> bool {
        let Some((bucket, entries)) = self.buckets.get_mut(&number) else {
            return false;
        };
        if bucket.guard != from {
            return false;
        }
        bucket.guard.next = next;
        entries.insert(from.next, bytes.clone());
        let entry = entry::decode(bytes).expect("an entry of this version");
        for attempt in &entry.round.attempts {
            if self.refused.contains(&attempt.id) {
                self.violated(format!("{:?} runs after it was refused", attempt.id));
            }
            let kind = self.kinds[&attempt.id];
            if let Err(what) = self.truth.append(kind, attempt) {
                self.violated(what);
            }
        }
        let mut group = crate::engine::cql::apply::Batches::default();
        group.add(&entry.round, 0);
        for write in group
            .into_writes(usize::MAX, Stretches { entries: 4 })
            .into_iter()
            .flatten()
        {
            for row in write.rows {
                let place = (write.home.clone(), write.partition.clone(), row.key.clone());
                self.replay.insert(place, row);
            }
        }
        true
    }

    fn drop_entries(&mut self, number: u64, guard: Guard) -> bool {
        let Some((bucket, entries)) = self.buckets.get_mut(&number) else {
            return false;
        };
        if bucket.guard != guard {
            return false;
        }
        entries.clear();
        bucket.dropped = holds(Rule::MarkDropped);
        self.dropped += 1;
        if !holds(Rule::KeepGuard) {
            self.buckets.remove(&number);
        }
        true
    }

    fn write(&mut self, home: &Home, partition: &Partition, row: &TimedRow) {
        let place = (home.clone(), partition.clone(), row.key.clone());
        let old = self.rows.get(&place);
        if old.is_some_and(|old| old.position == row.position && old.stored != row.stored) {
            let position = row.position;
            self.violated(format!("position {position} wrote two values to one row"));
        }
        let old = self.rows.get(&place);
        if old.is_none_or(|old| old.position <= row.position) {
            self.rows.insert(place, row.clone());
        }
    }

    /// A reader never meets a log with a hole.
    fn logs_are_dense(&mut self) {
        let mut expected: HashMap<&Partition, u64> = HashMap::new();
        let mut hole = None;
        for (_, partition, key) in self.rows.keys() {
            if partition.table == crate::suite::LOG.partition(&vec![]).table {
                let expected = expected.entry(partition).or_insert(1);
                if crate::key::encode(&*expected) != *key {
                    hole = Some(*expected);
                }
                *expected += 1;
            }
        }
        if let Some(hole) = hole {
            self.violated(format!("a reader misses entry {hole} of a log"));
        }
    }

    /// What was answered is there for every reader.
    pub(super) fn shows(&mut self, position: u64) {
        let hidden = self.replay.iter().find(|(place, row)| {
            row.position <= position
                && self
                    .rows
                    .get(*place)
                    .is_none_or(|seen| seen.position < row.position)
        });
        if hidden.is_some() {
            self.violated(format!("commit {position} was answered and does not show"));
        }
    }

    /// At the end the rows are what the journal says.
    pub(super) fn rows_equal_the_journal(&mut self) {
        if self.rows != self.replay {
            self.violated("the rows are not what the journal says".to_owned());
        }
    }
}

impl Simulated {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, statement: Statement) -> Answer<bool> {
        let (reply, answer) = oneshot::channel();
        {
            let mut world = self.world();
            let slow = world.draw() % 10 < 3;
            world.pending.push(Pending {
                node: self.node,
                statement,
                reply: Some(reply),
                ran: None,
                slow,
            });
        }
        answer.await.unwrap_or_else(|_| Err(unknown()))
    }
}

pub(super) fn unknown() -> Failure {
    Failure {
        not_done: false,
        lost_node: false,
        why: "no answer in time".to_owned(),
    }
}

#[async_trait]
impl Database for Simulated {
    async fn bucket(&self, number: u64, _serial: bool) -> Answer<Option<Bucket>> {
        Ok(self.world().buckets.get(&number).map(|(bucket, _)| *bucket))
    }

    async fn create(&self, number: u64, guard: Guard) -> Answer<bool> {
        self.send(Statement::Create(number, guard)).await
    }

    async fn raise(&self, number: u64, from: Guard, to: Token) -> Answer<bool> {
        self.send(Statement::Raise(number, from, to)).await
    }

    async fn append(&self, number: u64, from: Guard, next: u64, entry: Bytes) -> Answer<bool> {
        self.send(Statement::Append(number, from, next, entry))
            .await
    }

    async fn drop_entries(&self, number: u64, guard: Guard) -> Answer<bool> {
        self.send(Statement::Drop(number, guard)).await
    }

    async fn entries(&self, number: u64, from: u64, limit: usize) -> Answer<Vec<(u64, Bytes)>> {
        let world = self.world();
        let Some((_, entries)) = world.buckets.get(&number) else {
            return Ok(Vec::new());
        };
        let found = entries.range(from..).take(limit);
        Ok(found
            .map(|(first, bytes)| (*first, bytes.clone()))
            .collect())
    }

    async fn write(&self, batches: &[Batch]) -> Answer<()> {
        let sent = batches.iter().map(|batch| {
            let (home, partition) = (batch.home.clone(), batch.partition.clone());
            self.send(Statement::Write(home, partition, batch.rows.clone()))
        });
        let answers = futures_util::future::join_all(sent).await;
        answers
            .into_iter()
            .try_for_each(|answer| answer.map(|_| ()))
    }

    async fn get(
        &self,
        home: &Home,
        partition: &Partition,
        keys: Vec<Bytes>,
    ) -> Answer<Vec<(Bytes, Bytes)>> {
        let world = self.world();
        let get = |key: Bytes| {
            let row = world
                .rows
                .get(&(home.clone(), partition.clone(), key.clone()));
            row.and_then(|row| Some((key, row.stored.clone()?)))
        };
        Ok(keys.into_iter().filter_map(get).collect())
    }

    async fn scan(
        &self,
        _: &Home,
        _: &Partition,
        _: &KeyRange,
        _: Direction,
        _: usize,
    ) -> Answer<Vec<(Bytes, Bytes)>> {
        Ok(Vec::new())
    }

    async fn homes(&self, _: Option<&str>, _: usize) -> Answer<Vec<String>> {
        Ok(Vec::new())
    }

    async fn mark(&self, kind: MarkKind) -> Answer<Option<Mark>> {
        Ok(self.world().marks.get(&kind).copied())
    }

    async fn set_mark(&self, kind: MarkKind, mark: Mark) -> Answer<()> {
        let mut world = self.world();
        let known = world.marks.entry(kind).or_default();
        if mark.position >= known.position {
            *known = mark;
        }
        Ok(())
    }

    async fn beat(&self, _: Beat) -> Answer<()> {
        Ok(())
    }

    async fn last_beat(&self) -> Answer<Option<Beat>> {
        Ok(None)
    }

    async fn servers(&self) -> Answer<Vec<Server>> {
        Ok(Vec::new())
    }

    async fn note_server(&self, _: &Server) -> Answer<()> {
        Ok(())
    }

    async fn forget_server(&self, _: &str) -> Answer<()> {
        Ok(())
    }

    async fn pause(&self, _: u64) {
        // A pause ends when the schedule says so.
        let _ = self.send(Statement::Pause).await;
    }
}
