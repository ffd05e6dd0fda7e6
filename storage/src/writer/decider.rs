//! The second stage: evaluates commits in order and makes them durable, a round after the other, while the
//! rounds before become visible.
//!
//! Commits that arrive while a round is made durable make the next one: that is the whole group commit, there
//! is no artificial delay.

use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::applier::{Durable, Turn};
use super::intake::Fetched;
use super::known::Known;
use super::{Attempts, Request};
use crate::commit::{Done, Moment, Overlay, Verdict, evaluate};
use crate::contract::{AppliedCommit, Committed, StoreError};
use crate::engine::cql::rules::{Rule, holds};
use crate::engine::{Attempt, Engine, PersistError, Round, RowWrite, encode_row};
use crate::figures::Figures;
use crate::limits::Limits;
use crate::store::Clock;

/// See the module.
pub(super) struct Decider {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) known: Arc<Known>,
    pub(super) figures: Figures,
    pub(super) fetched: mpsc::Receiver<Fetched>,
    pub(super) turns: mpsc::Sender<Turn>,
    pub(super) attempts: Attempts,
    /// Position of the newest durable commit.
    pub(super) last: u64,
    pub(super) last_time_ms: i64,
    /// True once the outcome of a round stays unknown: a position could be given twice, so nothing is
    /// written any more.
    pub(super) stuck: bool,
    /// What did not fit into the round before.
    pub(super) carried: Option<Fetched>,
}

/// A commit of a round with what became of it.
pub(super) type Decided = (Request, Result<Committed, StoreError>);

/// A commit, and why its rows are missing if they are.
type LaidOver = (Request, Result<(), StoreError>);

/// The commits of a round that are done, each with its attempt.
type Commits = Vec<(AppliedCommit, Attempt)>;

impl Decider {
    /// Runs until the first stage has ended and nothing of it is left.
    pub(super) async fn run(mut self) {
        while let Some(commits) = self.gather().await {
            let turn = self.round(commits).await;
            if self.turns.send(turn).await.is_err() {
                return;
            }
        }
    }

    /// The commits of the next round, in their order.
    async fn gather(&mut self) -> Option<Vec<Fetched>> {
        let first = match self.carried.take() {
            Some(carried) => carried,
            None => self.fetched.recv().await?,
        };
        let most = self.limits.round_commits.min(self.engine.room());
        let mut bytes = first.request.commit.bytes();
        let mut commits = vec![first];
        while commits.len() < most
            && let Ok(next) = self.fetched.try_recv()
        {
            bytes += next.request.commit.bytes();
            // A range is counted in the engine, so nothing may be written before it.
            if bytes > self.limits.round_bytes || !next.request.commit.ranges.is_empty() {
                self.carried = Some(next);
                break;
            }
            commits.push(next);
        }
        Some(commits)
    }

    async fn round(&mut self, commits: Vec<Fetched>) -> Turn {
        if self.stuck {
            let why =
                "the outcome of an earlier commit is unknown; start the server again".to_owned();
            return refused(
                commits.into_iter().map(|c| c.request),
                &StoreError::Unavailable(why),
            );
        }
        let time_ms = (self.clock)().max(self.last_time_ms);
        let counts = self.count(&commits[0].request, time_ms).await;
        let (mut overlay, requests) = self.lay_over(commits);
        let (term, mut counts) = (self.engine.term(), Some(counts));
        let (mut done, mut decided) = (Vec::new(), Vec::with_capacity(requests.len()));
        for (request, fetched) in requests {
            let counts = counts.take().unwrap_or_else(|| Ok(Vec::new()));
            let now = Moment {
                position: self.last + 1 + done.len() as u64,
                time_ms,
            };
            let result = match fetched.and_then(|()| self.admit(&request, term)) {
                Ok(()) => self.decide(&request, &mut overlay, counts, now, &mut done),
                Err(error) => Err(error),
            };
            if result.is_err() && !holds(Rule::RefuseInTurn) {
                let _ = request.answer.send(result);
                self.known.answered(1);
                continue;
            }
            decided.push((request, result));
        }
        if done.is_empty() {
            return match self.engine.confirm().await {
                Ok(()) => Turn {
                    decided,
                    durable: None,
                },
                Err(error) => refused(decided.into_iter().map(|(request, _)| request), &error),
            };
        }
        self.write(overlay, done, decided, time_ms).await
    }

    /// How many rows the ranges have that the first commit of a round expects; everything before is visible
    /// then. See [`Decider::gather`].
    async fn count(&self, request: &Request, time_ms: i64) -> Result<Vec<usize>, StoreError> {
        let mut found = Vec::new();
        for range in &request.commit.ranges {
            self.known.until_shown(self.last).await;
            let home = &request.commit.home;
            found.push(crate::scan::count(&*self.engine, home, range, time_ms).await?);
        }
        Ok(found)
    }

    /// The rows that the commits of a round name, each as the newest round left it; and the commits, each with
    /// why its rows are missing.
    fn lay_over(&self, commits: Vec<Fetched>) -> (Overlay, Vec<LaidOver>) {
        let mut overlay = Overlay::default();
        let mut requests = Vec::with_capacity(commits.len());
        for commit in commits {
            let rows = commit.rows.and_then(|rows| {
                for (place, row) in rows {
                    let row = self.known.newest(&place, row)?;
                    overlay.fetched(place, row);
                }
                Ok(())
            });
            // The commits behind it were fetched later.
            self.known.retire(commit.applied);
            requests.push((commit.request, rows));
        }
        (overlay, requests)
    }

    /// Refuses what was sent to another writer, and what was sent again meanwhile.
    fn admit(&mut self, request: &Request, term: u128) -> Result<(), StoreError> {
        if request.sending.term != term && holds(Rule::RunUnderNamedToken) {
            return Err(StoreError::Moved);
        }
        self.attempts.admit(request, self.last)
    }

    fn decide(
        &self,
        request: &Request,
        overlay: &mut Overlay,
        counts: Result<Vec<usize>, StoreError>,
        now: Moment,
        done: &mut Commits,
    ) -> Result<Committed, StoreError> {
        let in_round = done.iter().map(|(_, attempt)| attempt);
        if let Some(answer) = self.attempts.answer(request, in_round)? {
            return Ok(answer);
        }
        let verdict = evaluate(&request.commit, overlay, &counts?, now, &self.limits)?;
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

    /// Makes a round durable.
    async fn write(
        &mut self,
        overlay: Overlay,
        done: Commits,
        decided: Vec<Decided>,
        time_ms: i64,
    ) -> Turn {
        let began = Instant::now();
        let round = make_round(self.last + 1, time_ms, overlay, &done);
        if let Err(error) = self.persist(&round).await {
            return refused(decided.into_iter().map(|(request, _)| request), &error);
        }
        self.figures.durable(began.elapsed());
        self.last = round.last;
        self.last_time_ms = time_ms;
        self.attempts.add(round.attempts.clone());
        self.known.written(&round);
        let commits = done.into_iter().map(|(commit, _)| commit).collect();
        let durable = Durable {
            round,
            commits,
            began,
        };
        Turn {
            decided,
            durable: Some(durable),
        }
    }

    /// An error says that nothing was written, or that it stays unknown.
    async fn persist(&mut self, round: &Round) -> Result<(), StoreError> {
        let why = match self.engine.persist(round).await {
            Ok(()) => return Ok(()),
            Err(PersistError::Refused(error)) => return Err(error),
            Err(PersistError::Unknown(why)) => why,
        };
        tracing::warn!(
            first = round.first,
            why,
            "the outcome of a round is unknown"
        );
        // Whether the rows of this round stand there was not known for a while.
        self.known.forget();
        // What is taken over begins behind what this process has made visible.
        self.known.until_shown(self.last).await;
        match self.engine.settle(round).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::Moved),
            Err(error) => {
                tracing::error!(first = round.first, %error, "the outcome of a round stays unknown");
                self.stuck = true;
                Err(StoreError::Unknown)
            }
        }
    }
}

fn make_round(first: u64, time_ms: i64, overlay: Overlay, done: &Commits) -> Round {
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

/// All of a round get the same error, in their turn.
fn refused(requests: impl Iterator<Item = Request>, error: &StoreError) -> Turn {
    Turn {
        decided: requests
            .map(|request| (request, Err(error.clone())))
            .collect(),
        durable: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Home;
    use crate::engine::{AttemptId, in_memory};
    use crate::limits::FIRST_POSITION;
    use crate::store::Store;
    use crate::suite::{raw, text};
    use crate::writer::{Sending, Shared, Writer};
    use tokio::sync::{Semaphore, oneshot};

    fn request(number: u64) -> Request {
        let store = Store::memory(Limits::default(), Arc::new(|| 1));
        let mut t = store.transaction(&Home::new("thing", 1));
        t.put(raw(b"p", &number.to_be_bytes()), text("x"));
        let permit = || {
            let one = Arc::new(Semaphore::new(1));
            one.try_acquire_owned().expect("nobody else has it")
        };
        Request {
            commit: Arc::new(t.into_commit()),
            attempt: AttemptId { process: 1, number },
            sending: Sending { number: 1, term: 0 },
            seen: FIRST_POSITION,
            answer: oneshot::channel().0,
            permits: [permit(), permit()],
        }
    }

    /// The sizes of the rounds that waiting commits make.
    async fn rounds(commits: u64, limits: Limits) -> Vec<usize> {
        let shared = Arc::new(Shared::new());
        let (writer, _queue) = Writer::new(in_memory(7), limits, Arc::new(|| 1), shared);
        let (mut decider, mut applier) = (writer.decider, writer.applier);
        let (waiting, fetched) = mpsc::channel(16);
        decider.fetched = fetched;
        for number in 0..commits {
            let commit = Fetched {
                request: request(number),
                rows: Ok(Vec::new()),
                applied: 0,
            };
            assert!(waiting.try_send(commit).is_ok(), "room for all");
        }
        drop(waiting);
        let mut sizes = Vec::new();
        let turns = async {
            while let Some(turn) = applier.turns.recv().await {
                assert!(turn.decided.iter().all(|(_, result)| result.is_ok()));
                sizes.push(turn.decided.len());
            }
        };
        tokio::join!(decider.run(), turns);
        sizes
    }

    #[tokio::test]
    async fn a_round_takes_exactly_what_it_may() {
        let two = 2 * request(0).commit.bytes();
        for (round_commits, round_bytes, wanted) in [
            (3, 1 << 20, vec![3, 3, 1]),
            (128, two, vec![2, 2, 2, 1]),
            (128, two - 1, vec![1; 7]),
        ] {
            let limits = Limits {
                round_commits,
                round_bytes,
                ..Limits::default()
            };
            assert_eq!(rounds(7, limits).await, wanted);
        }
    }
}
