//! The one writer: gather waiting commits, fetch the rows they name, evaluate them in order, persist the
//! round at once, apply, hand it to the receivers, answer in order. The same code for every engine.
//!
//! Commits that arrive while a round is persisted make the next round: that is the whole group commit,
//! there is no artificial delay.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::commit::{Commit, Done, Moment, Overlay, Place, Verdict, evaluate};
use crate::contract::{AppliedCommit, AppliedRound, Committed, StoreError};
use crate::engine::cql::rules::{Rule, holds};
use crate::engine::{
    Attempt, AttemptId, Engine, PersistError, Round, RowWrite, decode_row, encode_row,
};
use crate::figures::Figures;
use crate::limits::Limits;
use crate::reserved;
use crate::store::Clock;

mod attempts;
mod kept;

pub(crate) use attempts::Attempts;
use kept::Kept;

/// A commit on its way to the writer.
pub(crate) struct Request {
    pub(crate) commit: Arc<Commit>,
    pub(crate) attempt: AttemptId,
    pub(crate) sending: Sending,
    /// The newest position when the attempt was made.
    pub(crate) seen: u64,
    pub(crate) answer: oneshot::Sender<Result<Committed, StoreError>>,
    /// Its share of the queue's bytes.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// One sending of a commit. Several of one attempt may be under way, to several writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sending {
    /// From 1.
    pub(crate) number: u32,
    /// The term of the writer it was sent to; it runs under no other.
    #[serde(with = "crate::travel::term")]
    pub(crate) term: u128,
}

/// What the writer is told.
pub(crate) enum Message {
    Commit(Request),
    Close(oneshot::Sender<()>),
}

/// Receivers of applied rounds.
pub(crate) type Receivers = Mutex<Vec<mpsc::Sender<Arc<AppliedRound>>>>;

/// What the writer and the readers share.
pub(crate) struct Shared {
    pub(crate) last_position: AtomicU64,
    pub(crate) receivers: Receivers,
    pub(crate) figures: Figures,
    /// See [`Writer::timers`]; of the writer of now.
    pub(crate) timers: Mutex<watch::Receiver<u64>>,
}

/// The writer of a store.
pub(crate) struct Writer {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: mpsc::Receiver<Message>,
    pub(crate) attempts: Attempts,
    kept: Kept,
    /// Counts rounds that set or took away a timer.
    pub(crate) timers: watch::Sender<u64>,
    pub(crate) last_time_ms: i64,
    /// True once the outcome of a round stays unknown: a position could be given twice, so nothing is
    /// written any more.
    pub(crate) stuck: bool,
}

/// Longest pause between two tries to apply a durable round.
const APPLY_PAUSE_MAX_MS: u64 = 1_000;

/// Without a commit for this long the engine may tidy up.
const IDLE: std::time::Duration = std::time::Duration::from_secs(1);

/// A commit of a round with what became of it.
type Decided = (Request, Result<Committed, StoreError>);

impl Writer {
    /// A writer that goes on where its engine stands, and the queue to it.
    pub(crate) fn new(
        engine: Arc<dyn Engine>,
        limits: Limits,
        clock: Clock,
        shared: Arc<Shared>,
    ) -> (Self, mpsc::Sender<Message>) {
        let opened = engine.opened();
        let (queue, waiting) = mpsc::channel(limits.queue_commits);
        let timers = watch::Sender::new(0);
        shared
            .last_position
            .store(opened.last_position, Ordering::Release);
        *shared.timers.lock().unwrap_or_else(PoisonError::into_inner) = timers.subscribe();
        // The engine gives all attempts behind a position, so only older ones may be forgotten.
        let oldest = opened.attempts.first().map(|oldest| oldest.position - 1);
        let mut attempts = Attempts::new(limits.attempts, oldest.unwrap_or(opened.last_position));
        attempts.add(opened.attempts);
        let writer = Self {
            engine,
            kept: Kept::new(limits.kept_rows, limits.kept_bytes),
            limits,
            clock,
            shared,
            queue: waiting,
            attempts,
            timers,
            last_time_ms: opened.last_time_ms,
            stuck: false,
        };
        (writer, queue)
    }

    /// Runs until the store is closed or nobody holds it any more.
    pub(crate) async fn run(mut self) {
        let mut carried = None;
        let mut closing = None;
        while closing.is_none() {
            let Some(requests) = self.gather(&mut carried, &mut closing).await else {
                break;
            };
            if !requests.is_empty() {
                self.round(requests).await;
            }
        }
        if let Some(request) = carried {
            self.round(vec![request]).await;
        }
        self.queue.close();
        while let Ok(message) = self.queue.try_recv() {
            if let Message::Commit(request) = message {
                let _ = request.answer.send(Err(StoreError::Closed));
            }
        }
        self.shared.receivers().clear();
        self.engine.close().await;
        if let Some(closed) = closing {
            let _ = closed.send(());
        }
    }

    /// The commits of the next round, in their order. `carried` begins the round after it.
    async fn gather(
        &mut self,
        carried: &mut Option<Request>,
        closing: &mut Option<oneshot::Sender<()>>,
    ) -> Option<Vec<Request>> {
        let mut requests = Vec::new();
        let mut bytes = 0;
        let first = match carried.take() {
            Some(request) => Message::Commit(request),
            None => self.wait().await?,
        };
        let most = self.limits.round_commits.min(self.engine.room());
        let mut next = Some(first);
        while let Some(message) = next.take() {
            match message {
                Message::Close(closed) => *closing = Some(closed),
                Message::Commit(request) => {
                    bytes += request.commit.bytes();
                    if !requests.is_empty() && !self.fits(&requests, &request, bytes) {
                        *carried = Some(request);
                        break;
                    }
                    requests.push(request);
                    if requests.len() < most {
                        next = self.queue.try_recv().ok();
                    }
                }
            }
        }
        Some(requests)
    }

    async fn wait(&mut self) -> Option<Message> {
        while self.engine.wants_idle() {
            match tokio::time::timeout(IDLE, self.queue.recv()).await {
                Ok(message) => return message,
                Err(_) => self.engine.idle().await,
            }
        }
        self.queue.recv().await
    }

    /// A range is counted in the engine, so nothing of its home may be written before it in the round.
    fn fits(&self, requests: &[Request], request: &Request, bytes: usize) -> bool {
        let home = &request.commit.home;
        let alone = !request.commit.ranges.is_empty();
        bytes <= self.limits.round_bytes
            && !(alone && requests.iter().any(|other| other.commit.home == *home))
    }

    async fn round(&mut self, requests: Vec<Request>) {
        if self.stuck {
            let why =
                "the outcome of an earlier commit is unknown; start the server again".to_owned();
            return answer_all(requests, &StoreError::Unavailable(why));
        }
        let first = self.shared.last_position.load(Ordering::Acquire) + 1;
        let time_ms = (self.clock)().max(self.last_time_ms);
        let (mut overlay, counts) = match self.fetch(&requests, time_ms).await {
            Ok(fetched) => fetched,
            Err(error) => return answer_all(requests, &error),
        };
        let term = self.engine.term();
        let mut done = Vec::new();
        let mut decided: Vec<Decided> = Vec::with_capacity(requests.len());
        for (request, counts) in requests.into_iter().zip(counts) {
            let now = Moment {
                position: first + done.len() as u64,
                time_ms,
            };
            let result = match self.admit(&request, term) {
                Ok(()) => self.decide(&request, &mut overlay, &counts, now, &mut done),
                Err(error) => Err(error),
            };
            if result.is_err() && !holds(Rule::RefuseInTurn) {
                let _ = request.answer.send(result);
                continue;
            }
            decided.push((request, result));
        }
        if done.is_empty()
            && let Err(error) = self.engine.confirm().await
        {
            let requests = decided.into_iter().map(|(request, _)| request);
            return answer_all(requests.collect(), &error);
        }
        if !done.is_empty() {
            let round = make_round(first, time_ms, overlay, &mut done);
            if let Err(error) = self.write(&round).await {
                let requests = decided.into_iter().map(|(request, _)| request);
                return answer_all(requests.collect(), &error);
            }
            self.last_time_ms = time_ms;
            let timers = reserved::timers_home();
            if round.rows.iter().any(|row| row.home == timers) {
                self.timers.send_modify(|rounds| *rounds += 1);
            }
            self.attempts.add(round.attempts);
            self.shared
                .last_position
                .store(round.last, Ordering::Release);
            self.hand_out(first, done).await;
        }
        for (request, result) in decided {
            drop(request.permit);
            let _ = request.answer.send(result);
        }
    }

    /// The named rows, and for each commit the number of rows in its expected ranges.
    async fn fetch(
        &mut self,
        requests: &[Request],
        time_ms: i64,
    ) -> Result<(Overlay, Vec<Vec<usize>>), StoreError> {
        let mut overlay = Overlay::default();
        let mut wanted: Vec<Place> = Vec::with_capacity(requests.len() * 4);
        for request in requests {
            for at in request.commit.named() {
                let place = (request.commit.home.clone(), at);
                match self.kept.get(&place) {
                    Some(row) => overlay.fetched(place, row),
                    None => wanted.push(place),
                }
            }
        }
        let rows = self.engine.get_many(&wanted).await?;
        for (place, stored) in wanted.into_iter().zip(rows) {
            let row = stored.as_ref().map(decode_row).transpose()?;
            // Where a client id is kept is asked once, when it is new.
            if !reserved::is_client(place.1.table) {
                self.kept.keep(place.clone(), row.clone());
            }
            overlay.fetched(place, row);
        }
        let mut counts = Vec::with_capacity(requests.len());
        for request in requests {
            let mut found = Vec::new();
            for range in &request.commit.ranges {
                let home = &request.commit.home;
                found.push(crate::scan::count(&*self.engine, home, range, time_ms).await?);
            }
            counts.push(found);
        }
        Ok((overlay, counts))
    }

    /// Refuses what was sent to another writer, and what was sent again meanwhile.
    fn admit(&mut self, request: &Request, term: u128) -> Result<(), StoreError> {
        if request.sending.term != term && holds(Rule::RunUnderNamedToken) {
            return Err(StoreError::Moved);
        }
        let position = self.shared.last_position.load(Ordering::Acquire);
        self.attempts.admit(request, position)
    }

    fn decide(
        &self,
        request: &Request,
        overlay: &mut Overlay,
        counts: &[usize],
        now: Moment,
        done: &mut Vec<(AppliedCommit, Attempt)>,
    ) -> Result<Committed, StoreError> {
        let in_round = done.iter().map(|(_, attempt)| attempt);
        if let Some(answer) = self.attempts.answer(request, in_round)? {
            return Ok(answer);
        }
        let verdict = evaluate(&request.commit, overlay, counts, now, &self.limits)?;
        let Done {
            rows,
            writes,
            effects,
            answer,
        } = match verdict {
            Verdict::Done(done) => done,
            Verdict::Nothing(answer) => return Ok(answer),
        };
        overlay.write(rows);
        let commit = AppliedCommit {
            position: answer.position,
            time_ms: answer.time_ms,
            home: request.commit.home.clone(),
            writes,
            effects,
        };
        let attempt = Attempt {
            id: request.attempt,
            position: answer.position,
            time_ms: answer.time_ms,
            outcomes: answer.outcomes.clone(),
        };
        done.push((commit, attempt));
        Ok(answer)
    }

    /// Makes the round durable and visible. An error says whether anything was written.
    async fn write(&mut self, round: &Round) -> Result<(), StoreError> {
        let began = Instant::now();
        match self.engine.persist(round).await {
            Ok(()) => {}
            Err(PersistError::Refused(error)) => return Err(error),
            Err(PersistError::Unknown(why)) => {
                tracing::warn!(
                    first = round.first,
                    why,
                    "the outcome of a round is unknown"
                );
                // Whether the rows of this round stand there was not known for a while.
                self.kept.clear();
                if !self.settle(round).await? {
                    return Err(StoreError::Moved);
                }
            }
        }
        for write in &round.rows {
            let row = write.stored.as_ref().map(decode_row).transpose()?;
            self.kept
                .written((write.home.clone(), write.at.clone()), row);
        }
        if !holds(Rule::ApplyBeforeAnswer) {
            return Ok(());
        }
        let mut pause_ms = 1;
        while let Err(error) = self.engine.apply(round).await {
            // It is durable: it cannot be given up, and nothing may be answered before it is visible.
            tracing::error!(first = round.first, %error, "a durable round cannot be applied yet");
            tokio::time::sleep(std::time::Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms * 2).min(APPLY_PAUSE_MAX_MS);
        }
        let commits = round.last + 1 - round.first;
        self.shared.figures.round(began.elapsed(), commits);
        Ok(())
    }

    async fn settle(&mut self, round: &Round) -> Result<bool, StoreError> {
        self.engine.settle(round).await.map_err(|error| {
            tracing::error!(first = round.first, %error, "the outcome of a round stays unknown");
            self.stuck = true;
            StoreError::Unknown
        })
    }

    /// Waits until every receiver has room; a receiver that is gone is forgotten.
    async fn hand_out(&self, first: u64, done: Vec<(AppliedCommit, Attempt)>) {
        let senders = self.shared.receivers().clone();
        if senders.is_empty() {
            return;
        }
        let commits = done.into_iter().map(|(commit, _)| commit).collect();
        let round = Arc::new(AppliedRound { first, commits });
        for sender in senders {
            if sender.send(Arc::clone(&round)).await.is_err() {
                self.shared.receivers().retain(|known| !known.is_closed());
            }
        }
    }
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            last_position: AtomicU64::new(0),
            receivers: Mutex::default(),
            figures: Figures::default(),
            timers: Mutex::new(watch::channel(0).1),
        }
    }

    /// Every round applied after this call.
    pub(crate) fn subscribe(&self, capacity: usize) -> mpsc::Receiver<Arc<AppliedRound>> {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        self.receivers().push(sender);
        receiver
    }

    pub(crate) fn receivers(
        &self,
    ) -> std::sync::MutexGuard<'_, Vec<mpsc::Sender<Arc<AppliedRound>>>> {
        self.receivers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_round(
    first: u64,
    time_ms: i64,
    overlay: Overlay,
    done: &mut [(AppliedCommit, Attempt)],
) -> Round {
    let rows = overlay.into_written().map(|((home, at), row)| RowWrite {
        home,
        at,
        stored: row.as_ref().map(encode_row),
    });
    let effects = done.iter().filter(|(commit, _)| !commit.effects.is_empty());
    let effects = effects.map(|(commit, _)| AppliedCommit {
        writes: Vec::new(),
        ..commit.clone()
    });
    Round {
        first,
        last: first + done.len() as u64 - 1,
        time_ms,
        rows: rows.collect(),
        attempts: done.iter().map(|(_, attempt)| attempt.clone()).collect(),
        effects: effects.collect(),
    }
}

fn answer_all(requests: Vec<Request>, error: &StoreError) {
    for request in requests {
        drop(request.permit);
        let _ = request.answer.send(Err(error.clone()));
    }
}
