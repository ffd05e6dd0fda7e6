//! The store: reads from the engine, commits through the writer.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::commit::{Commit, ExpectRange, at_most, check_home, check_row};
use crate::contract::{
    AppliedCommit, AppliedRound, Committed, Direction, Head, Home, KeyRange, OpenError, Partition,
    Row, RowAt, StoreError,
};
use crate::engine::cql::Cql;
use crate::engine::cql::driver::{self, CqlOptions};
use crate::engine::cql::rules::{Rule, holds};
use crate::engine::embedded::Embedded;
use crate::engine::memory::Memory;
use crate::engine::{AttemptId, Engine, decode_row};
use crate::key::{self, KeyPart};
use crate::limits::{Limits, RETRIES_MAX};
use crate::reserved;
use crate::table::Table;
use crate::transaction::Transaction;
use crate::writer::{Attempts, Message, Request, Sending, Shared, Writer};

/// Milliseconds since 1970.
pub(crate) type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Bytes of one permit of the queue.
const PERMIT_BYTES: usize = 1_024;

/// A store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<dyn Engine>,
    limits: Limits,
    clock: Clock,
    shared: Arc<Shared>,
    queue: mpsc::Sender<Message>,
    queue_bytes: Arc<Semaphore>,
    process: u64,
    attempts: AtomicU64,
    incarnation: u64,
}

impl Store {
    /// A store in memory; it ends with its last clone. `clock` gives ms since 1970.
    pub fn memory(limits: Limits, clock: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        let incarnation = drawn(&limits, clock(), "memory");
        Self::start(Arc::new(Memory::new(incarnation)), limits, clock)
    }

    /// Opens the store in a folder, or creates it. Blocks while the database recovers. `clock` gives ms
    /// since 1970.
    ///
    /// # Errors
    /// [`OpenError`] says in words why not: another process, another format, lost commits, damage.
    pub fn embedded(
        path: &Path,
        limits: Limits,
        clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    ) -> Result<Self, OpenError> {
        let engine = Embedded::open(path, &limits, Arc::clone(&clock))?;
        Ok(Self::start(Arc::new(engine), limits, clock))
    }

    /// Opens the store of a cluster, or creates it: takes the journal from who had it before. `clock` gives
    /// ms since 1970, `draw` random bits.
    ///
    /// # Errors
    /// [`OpenError`] says in words why not: no database, a wrong login, datacentre, schema or clock, another
    /// server that goes on writing, damage. Nothing is written then but missing tables.
    pub async fn cql(
        options: &CqlOptions,
        limits: Limits,
        clock: Arc<dyn Fn() -> i64 + Send + Sync>,
        draw: Arc<dyn Fn() -> u64 + Send + Sync>,
    ) -> Result<Self, OpenError> {
        let connected = driver::connect(options, &limits, &clock, &draw).await?;
        let (database, incarnation) = connected;
        let opened = Cql::open(
            database,
            incarnation,
            limits.clone(),
            Arc::clone(&clock),
            draw,
        );
        let engine = opened.await?;
        Ok(Self::start(Arc::new(engine), limits, clock))
    }

    /// A store on an engine of another kind.
    pub fn with_engine(
        engine: Arc<dyn Engine>,
        limits: Limits,
        clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    ) -> Self {
        Self::start(engine, limits, clock)
    }

    fn start(engine: Arc<dyn Engine>, limits: Limits, clock: Clock) -> Self {
        let (store, writer) = Self::make(engine, limits, clock);
        spawn(writer);
        store
    }

    /// The store and its writer, which somebody must run.
    pub(crate) fn make(engine: Arc<dyn Engine>, limits: Limits, clock: Clock) -> (Self, Writer) {
        let opened = engine.opened();
        let (queue, waiting) = mpsc::channel(limits.queue_commits);
        let (timers, timers_seen) = watch::channel(0);
        let shared = Arc::new(Shared {
            last_position: AtomicU64::new(opened.last_position),
            receivers: std::sync::Mutex::default(),
            timers: timers_seen,
        });
        // The engine gives all attempts behind a position, so only older ones may be forgotten.
        let oldest = opened.attempts.first().map(|oldest| oldest.position - 1);
        let mut attempts = Attempts::new(limits.attempts, oldest.unwrap_or(opened.last_position));
        attempts.add(opened.attempts);
        let writer = Writer {
            engine: Arc::clone(&engine),
            limits: limits.clone(),
            clock: Arc::clone(&clock),
            shared: Arc::clone(&shared),
            queue: waiting,
            attempts,
            timers,
            last_time_ms: opened.last_time_ms,
            stuck: false,
        };
        let process = drawn(&limits, clock(), "process") ^ opened.last_position;
        let queue_bytes = Arc::new(Semaphore::new(limits.queue_bytes / PERMIT_BYTES));
        let store = Self {
            inner: Arc::new(Inner {
                engine,
                limits,
                clock,
                shared,
                queue,
                queue_bytes,
                process,
                attempts: AtomicU64::new(0),
                incarnation: opened.incarnation,
            }),
        };
        (store, writer)
    }

    /// The row, if it is there and has not ended.
    ///
    /// # Errors
    /// When the engine cannot read it.
    pub async fn get(&self, home: &Home, at: &RowAt) -> Result<Option<Row>, StoreError> {
        let rows = self.get_many(&[(home.clone(), at.clone())]).await?;
        Ok(rows.into_iter().next().flatten())
    }

    /// Rows of any homes as of one instant, in the order asked.
    ///
    /// # Errors
    /// When more are asked than `Limits::get_many_rows`, or when the engine cannot read them.
    pub async fn get_many(&self, wanted: &[(Home, RowAt)]) -> Result<Vec<Option<Row>>, StoreError> {
        let limits = &self.inner.limits;
        at_most("the rows read at once", wanted.len(), limits.get_many_rows)?;
        for (home, at) in wanted {
            check_home(home, limits)?;
            check_row(at, limits)?;
        }
        let now_ms = self.now_ms();
        let rows = self.inner.engine.get_many(wanted).await?;
        let alive = |stored: Option<Bytes>| -> Result<Option<Row>, StoreError> {
            let row = stored.as_ref().map(decode_row).transpose()?;
            Ok(row.filter(|row| is_alive(row, now_ms)))
        };
        rows.into_iter().map(alive).collect()
    }

    /// Up to `limit` rows of a partition with their keys. For the next page pass
    /// [`KeyRange::after`] (or [`KeyRange::before`], backward) with the last key.
    ///
    /// # Errors
    /// When `limit` is above `Limits::scan_rows`, or when the engine cannot read.
    pub async fn scan(
        &self,
        home: &Home,
        partition: &Partition,
        range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Row)>, StoreError> {
        let limits = &self.inner.limits;
        at_most("the page of a scan", limit, limits.scan_rows)?;
        at_most("a partition's name", partition.name.len(), limits.key_bytes)?;
        check_home(home, limits)?;
        let now_ms = self.now_ms();
        scan(
            &*self.inner.engine,
            home,
            partition,
            range,
            direction,
            limit,
            now_ms,
        )
        .await
    }

    /// The head of a log.
    ///
    /// # Errors
    /// When the engine cannot read it.
    pub async fn head(&self, home: &Home, log: &Partition) -> Result<Head, StoreError> {
        let row = self.get(home, &reserved::head_at(log)).await?;
        reserved::decode_head(row.as_ref())
    }

    /// Entries `from..=to` of a log with their numbers, up to `limit`.
    ///
    /// # Errors
    /// As [`Store::scan`].
    pub async fn entries(
        &self,
        home: &Home,
        log: &Partition,
        from: u64,
        to: u64,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(u64, Row)>, StoreError> {
        if direction == Direction::Forward {
            return self.forward(home, log, from, to, limit).await;
        }
        // Numbers are dense, so the newest entries are a forward scan of a known stretch; the engines
        // read forward several times faster.
        let most = self.inner.limits.scan_rows;
        at_most("the page of a scan", limit, most)?;
        let head = self.head(home, log).await?;
        let from = from.max(head.first);
        let (mut to, mut width) = (to.min(head.last), limit);
        let mut found = Vec::new();
        while found.len() < limit && from <= to {
            let begin = from.max((to + 1).saturating_sub(width as u64));
            let rows = self.forward(home, log, begin, to, width).await?;
            // Only entries that were deleted one by one leave holes; step over them ever wider.
            width = width.saturating_mul(2).min(most);
            found.extend(rows.into_iter().rev());
            let Some(next) = begin.checked_sub(1) else {
                break;
            };
            to = next;
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn forward(
        &self,
        home: &Home,
        log: &Partition,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Row)>, StoreError> {
        let range = KeyRange {
            from: Bound::Included(key::encode(&from)),
            to: Bound::Included(key::encode(&to)),
        };
        let rows = self
            .scan(home, log, range, Direction::Forward, limit)
            .await?;
        let entry = |(raw, row): (Bytes, Row)| {
            let seq = key::decode(&raw).map_err(|_| reserved::corrupt("number of an entry"))?;
            Ok((seq, row))
        };
        rows.into_iter().map(entry).collect()
    }

    /// The value of a row of a typed table.
    ///
    /// # Errors
    /// When the engine cannot read it, or when the bytes are no `V`.
    pub async fn read<P, K, V>(
        &self,
        home: &Home,
        table: &Table<P, K, V>,
        partition: &P,
        key: &K,
    ) -> Result<Option<V>, StoreError>
    where
        P: KeyPart + Sync,
        K: KeyPart + Sync,
        V: Serialize + DeserializeOwned,
    {
        let row = self.get(home, &table.at(partition, key)).await?;
        row.map(|row| table.decode(&row)).transpose()
    }

    /// A new commit of this home.
    pub fn transaction(&self, home: &Home) -> Transaction {
        Transaction::new(self.clone(), home.clone())
    }

    /// Every round applied after this call, in order of position. The writer waits while the channel is
    /// full, and answers a commit only after its round was put here: take rounds without waiting for a
    /// commit of your own, or both stand still.
    #[must_use]
    pub fn rounds(&self, capacity: usize) -> mpsc::Receiver<Arc<AppliedRound>> {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        self.inner.shared.receivers().push(sender);
        receiver
    }

    /// Up to `limit` commits after `position` that have effects, from the persisted rounds; their `writes`
    /// are empty.
    ///
    /// # Errors
    /// When the engine cannot read them.
    pub async fn effects_after(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<AppliedCommit>, StoreError> {
        self.inner.engine.effects_after(position, limit).await
    }

    /// Forgets the effects of commits before `position`: no consumer needs them any more. Attempt ids
    /// younger than `Limits::attempts_ms` stay. The newest round before it stays too.
    ///
    /// # Errors
    /// When the engine cannot write.
    pub async fn forget_rounds_before(&self, position: u64) -> Result<(), StoreError> {
        let position = position.min(self.last_position().await + 1);
        let young_ms = self.now_ms() - self.inner.limits.attempts_ms;
        self.inner.engine.forget(position, young_ms).await
    }

    /// Position of the newest applied commit.
    pub async fn last_position(&self) -> u64 {
        self.inner.shared.last_position.load(Ordering::Acquire)
    }

    /// Up to `limit` homes after `after`, in the order of their names; homes without rows are left out.
    ///
    /// # Errors
    /// When the engine cannot read them.
    pub async fn homes(&self, after: Option<Home>, limit: usize) -> Result<Vec<Home>, StoreError> {
        at_most("the page of homes", limit, self.inner.limits.scan_rows)?;
        self.inner.engine.homes(after.as_ref(), limit).await
    }

    /// Drawn when the store was created. After a restore it is another one.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.inner.incarnation
    }

    /// The limits it was opened with.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Answers what is waiting, makes everything durable and lets go of the files. Later commits answer
    /// `Closed`.
    pub async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.inner.queue.send(Message::Close(closed)).await.is_ok() {
            let _ = done.await;
        }
        self.inner.queue.closed().await;
    }

    /// Done as soon as another server has taken over: this store answers nothing any more, and a process that
    /// serves from it should end. A store that nobody can take is never lost.
    pub async fn lost(&self) {
        self.inner.engine.lost().await;
    }

    pub(crate) fn timers(&self) -> watch::Receiver<u64> {
        self.inner.shared.timers.clone()
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.inner.clock)()
    }

    /// Gives a commit the attempt id under which it may be sent again.
    pub(crate) fn prepare(&self, commit: Commit) -> Result<Prepared, StoreError> {
        commit.check(&self.inner.limits)?;
        Ok(Prepared {
            commit: Arc::new(commit),
            attempt: AttemptId {
                process: self.inner.process,
                number: self.inner.attempts.fetch_add(1, Ordering::Relaxed),
            },
            seen: self.inner.shared.last_position.load(Ordering::Acquire),
            sendings: Arc::default(),
        })
    }

    /// Sends a commit to the writer and waits for its answer. Sent again it gives the same answer. A writer
    /// that began anew meanwhile gets it once more, a few times.
    ///
    /// # Errors
    /// What the writer answers; `Busy` when too much is waiting.
    pub async fn submit(&self, prepared: &Prepared) -> Result<Committed, StoreError> {
        for _ in 0..RETRIES_MAX {
            let sending = self.sending(prepared);
            let answer = self.deliver(prepared, sending).await;
            if answer != Err(StoreError::Moved) {
                return answer;
            }
            if self.inner.engine.term() == sending.term {
                break;
            }
        }
        Err(StoreError::Unavailable(
            "the round was not written".to_owned(),
        ))
    }

    /// The next sending of a commit, to the writer of now.
    pub(crate) fn sending(&self, prepared: &Prepared) -> Sending {
        Sending {
            number: prepared.sendings.fetch_add(1, Ordering::Relaxed) + 1,
            term: self.inner.engine.term(),
        }
    }

    pub(crate) async fn deliver(
        &self,
        prepared: &Prepared,
        sending: Sending,
    ) -> Result<Committed, StoreError> {
        let permits = prepared.commit.bytes().div_ceil(PERMIT_BYTES);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.inner.queue_bytes).try_acquire_many_owned(permits);
        let (answer, answered) = oneshot::channel();
        let request = Request {
            commit: Arc::clone(&prepared.commit),
            attempt: prepared.attempt,
            sending,
            seen: prepared.seen,
            answer,
            permit: permit.map_err(|_| StoreError::Busy)?,
        };
        match self.inner.queue.try_send(Message::Commit(request)) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(StoreError::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(StoreError::Closed),
        }
        let answer = answered.await.unwrap_or(Err(StoreError::Unknown));
        prepared.believe(sending, answer)
    }
}

/// A commit with its attempt id.
#[derive(Debug, Clone)]
pub struct Prepared {
    commit: Arc<Commit>,
    attempt: AttemptId,
    seen: u64,
    /// How often it was sent.
    sendings: Arc<AtomicU32>,
}

impl Prepared {
    /// Of several sendings any success counts, but only the newest one's refusal: another may still run.
    pub(crate) fn believe(
        &self,
        sending: Sending,
        answer: Result<Committed, StoreError>,
    ) -> Result<Committed, StoreError> {
        let newest = sending.number == self.sendings.load(Ordering::Relaxed);
        match answer {
            Err(error) if error.refuses() && !newest && holds(Rule::NewestRefusal) => {
                Err(StoreError::Unknown)
            }
            answer => answer,
        }
    }

    #[cfg(test)]
    pub(crate) const fn attempt(&self) -> AttemptId {
        self.attempt
    }
}

pub(crate) fn is_alive(row: &Row, now_ms: i64) -> bool {
    row.expires_at.is_none_or(|end| end > now_ms)
}

/// Rows that have not ended; reads on behind those that have.
pub(crate) async fn scan(
    engine: &dyn Engine,
    home: &Home,
    partition: &Partition,
    mut range: KeyRange,
    direction: Direction,
    limit: usize,
    now_ms: i64,
) -> Result<Vec<(Bytes, Row)>, StoreError> {
    let mut found = Vec::new();
    while found.len() < limit && !range.is_empty() {
        let wanted = limit - found.len();
        let rows = engine
            .scan(home, partition, &range, direction, wanted)
            .await?;
        let short = rows.len() < wanted;
        if let Some((last, _)) = rows.last() {
            range = range.resume(last.clone(), direction);
        }
        for (key, stored) in rows {
            let row = decode_row(&stored)?;
            if is_alive(&row, now_ms) {
                found.push((key, row));
            }
        }
        if short {
            break;
        }
    }
    Ok(found)
}

/// The rows of an expected range, counted up to one more than expected.
pub(crate) async fn count(
    engine: &dyn Engine,
    home: &Home,
    range: &ExpectRange,
    now_ms: i64,
) -> Result<usize, StoreError> {
    let limit = range.at_most + 1;
    let keys = range.range.clone();
    let rows = scan(
        engine,
        home,
        &range.partition,
        keys,
        Direction::Forward,
        limit,
        now_ms,
    );
    Ok(rows.await?.len())
}

/// A number that differs between two creations, as far as seed and clock do.
pub(crate) fn drawn(limits: &Limits, now_ms: i64, salt: &str) -> u64 {
    use sha2::{Digest, Sha256};
    let hash = Sha256::new()
        .chain_update(limits.incarnation_seed.to_be_bytes())
        .chain_update(now_ms.to_be_bytes())
        .chain_update(std::process::id().to_be_bytes())
        .chain_update(salt)
        .finalize();
    hash.iter()
        .take(8)
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The writer runs on the caller's runtime, or on a thread of its own when its engine blocks or when there
/// is no runtime.
fn spawn(writer: Writer) {
    if !writer.engine.blocks()
        && let Ok(runtime) = tokio::runtime::Handle::try_current()
    {
        runtime.spawn(writer.run());
        return;
    }
    let run = move || match tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
    {
        Ok(runtime) => runtime.block_on(writer.run()),
        Err(error) => tracing::error!(%error, "the writer of the store cannot start"),
    };
    if let Err(error) = std::thread::Builder::new()
        .name("storage-writer".to_owned())
        .spawn(run)
    {
        tracing::error!(%error, "the writer of the store cannot start");
    }
}
