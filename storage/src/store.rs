//! The store: reads from the engine, commits through the writer.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use tracing::{Instrument as _, debug_span};

use crate::backup::{BackupError, Summary};
use crate::cluster::Cluster;
use crate::commit::{Commit, at_most, check_home, check_row};
use crate::contract::{
    AppliedCommit, AppliedRound, Committed, Direction, Head, Home, KeyRange, OpenError, Partition,
    Row, RowAt, StoreError,
};
use crate::engine::cql::Cql;
use crate::engine::cql::driver::{self, CqlOptions};
use crate::engine::embedded::Embedded;
use crate::engine::memory::Memory;
use crate::engine::{AttemptId, Engine, decode_row};
use crate::figures::Figures;
use crate::key::{self, KeyPart};
use crate::limits::{Limits, RETRIES_MAX};
use crate::prepared::Prepared;
use crate::reserved;
use crate::scan::{is_alive, scan};
use crate::table::Table;
use crate::transaction::Transaction;
use crate::writer::{Message, Request, Sending, Shared, Writer};

/// Milliseconds since 1970.
pub(crate) type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Bytes of one permit of the queue.
const PERMIT_BYTES: usize = 1_024;

/// A store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What a store is made of, whoever writes for it.
pub(crate) struct Parts {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) shared: Arc<Shared>,
    /// Differs between any two processes that write for one journal.
    pub(crate) process: u64,
    pub(crate) incarnation: u64,
}

/// Where commits go.
pub(crate) enum Way {
    /// To the writer of this process, as long as it lives.
    Here(mpsc::Sender<Message>),
    /// To the writer of now of a cluster, wherever it is.
    Cluster(Cluster),
}

struct Inner {
    engine: Arc<dyn Engine>,
    limits: Limits,
    clock: Clock,
    shared: Arc<Shared>,
    way: Way,
    queue_commits: Arc<Semaphore>,
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
        let shared = Arc::new(Shared::new());
        let (writer, queue) = Writer::new(
            Arc::clone(&engine),
            limits.clone(),
            Arc::clone(&clock),
            Arc::clone(&shared),
        );
        let process = drawn(&limits, clock(), "process") ^ opened.last_position;
        let parts = Parts {
            engine,
            limits,
            clock,
            shared,
            process,
            incarnation: opened.incarnation,
        };
        (Self::of(parts, Way::Here(queue)), writer)
    }

    pub(crate) fn of(parts: Parts, way: Way) -> Self {
        let Parts {
            engine,
            limits,
            clock,
            shared,
            process,
            incarnation,
        } = parts;
        let queue_commits = Arc::new(Semaphore::new(limits.queue_commits));
        let queue_bytes = Arc::new(Semaphore::new(limits.queue_bytes / PERMIT_BYTES));
        Self {
            inner: Arc::new(Inner {
                engine,
                limits,
                clock,
                shared,
                way,
                queue_commits,
                queue_bytes,
                process,
                attempts: AtomicU64::new(0),
                incarnation,
            }),
        }
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
        self.inner.shared.subscribe(capacity)
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

    /// Writes a backup: everything that was answered before this call, and of each later commit all or
    /// nothing. Blocks for as long as `out` takes it; commits go on meanwhile.
    ///
    /// # Errors
    /// [`BackupError::Unsupported`] for an engine that has another way; what `out` says.
    pub fn backup(&self, out: &mut (dyn std::io::Write + Send)) -> Result<Summary, BackupError> {
        self.inner.engine.backup(out, self.now_ms())
    }

    /// Drawn when the store was created. After a restore it is another one.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.inner.incarnation
    }

    /// What it measured since it was opened.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.inner.shared.figures
    }

    /// The limits it was opened with.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Answers what is waiting, makes everything durable and lets go of the files. Later commits answer
    /// `Closed`.
    pub async fn close(&self) {
        match &self.inner.way {
            Way::Here(queue) => close(queue).await,
            Way::Cluster(cluster) => cluster.close().await,
        }
    }

    /// Done as soon as another server has taken over: this store answers nothing any more, and a process that
    /// serves from it should end. A store that nobody can take is never lost.
    pub async fn lost(&self) {
        self.inner.engine.lost().await;
    }

    pub(crate) fn timers(&self) -> watch::Receiver<u64> {
        let timers = self.inner.shared.timers.lock();
        timers.unwrap_or_else(PoisonError::into_inner).clone()
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
    /// that began anew meanwhile gets it once more, a few times; the writers of a cluster get it for
    /// `CqlLimits::commit_ms`.
    ///
    /// # Errors
    /// What the writer answers; `Busy` when too much is waiting.
    pub async fn submit(&self, prepared: &Prepared) -> Result<Committed, StoreError> {
        let began = Instant::now();
        let writing = self.submit_to_writer(prepared);
        let answer = writing.instrument(debug_span!("commit")).await;
        let took = began.elapsed().as_secs_f64();
        self.figures().commit_seconds.observe(took);
        answer
    }

    async fn submit_to_writer(&self, prepared: &Prepared) -> Result<Committed, StoreError> {
        let queue = match &self.inner.way {
            Way::Here(queue) => queue,
            Way::Cluster(cluster) => return self.submit_to_any(cluster, prepared).await,
        };
        for _ in 0..RETRIES_MAX {
            let sending = prepared.sending(self.inner.engine.term());
            let answer = self.deliver(queue, prepared, sending).await;
            let answer = answer.unwrap_or(Err(StoreError::Unknown));
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

    /// Gives one sending to a writer of this process. Nothing if the writer ended before it answered.
    pub(crate) async fn deliver(
        &self,
        queue: &mpsc::Sender<Message>,
        prepared: &Prepared,
        sending: Sending,
    ) -> Option<Result<Committed, StoreError>> {
        let permits = prepared.commit.bytes().div_ceil(PERMIT_BYTES);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let bytes = Arc::clone(&self.inner.queue_bytes).try_acquire_many_owned(permits);
        let place = Arc::clone(&self.inner.queue_commits).try_acquire_owned();
        let (Ok(bytes), Ok(place)) = (bytes, place) else {
            return Some(Err(StoreError::Busy));
        };
        let (answer, answered) = oneshot::channel();
        let request = Request {
            commit: Arc::clone(&prepared.commit),
            attempt: prepared.attempt,
            sending,
            seen: prepared.seen,
            answer,
            permits: [bytes, place],
        };
        match queue.try_send(Message::Commit(request)) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Some(Err(StoreError::Busy)),
            Err(mpsc::error::TrySendError::Closed(_)) => return Some(Err(StoreError::Closed)),
        }
        let answer = answered.await.ok()?;
        Some(prepared.believe(sending, answer))
    }

    /// A sending to the writer of this process, as the model makes them.
    #[cfg(test)]
    pub(crate) fn sending(&self, prepared: &Prepared) -> Sending {
        prepared.sending(self.inner.engine.term())
    }

    #[cfg(test)]
    pub(crate) async fn deliver_here(
        &self,
        prepared: &Prepared,
        sending: Sending,
    ) -> Result<Committed, StoreError> {
        let Way::Here(queue) = &self.inner.way else {
            return Err(StoreError::Closed);
        };
        let answer = self.deliver(queue, prepared, sending).await;
        answer.unwrap_or(Err(StoreError::Unknown))
    }

    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        match &self.inner.way {
            Way::Here(_) => None,
            Way::Cluster(cluster) => Some(cluster),
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }
}

/// Has a writer answer what waits and end.
pub(crate) async fn close(queue: &mpsc::Sender<Message>) {
    let (closed, done) = oneshot::channel();
    if queue.send(Message::Close(closed)).await.is_ok() {
        let _ = done.await;
    }
    queue.closed().await;
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
