//! A store whose writer may be on another server. Every server reads the database itself; commits go to the
//! server that owns the journal, over a [`Link`] that whoever opens the store brings along. When the owner
//! leaves or dies another one takes the journal; a commit that was under way is sent again and runs once.

use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::contract::{AppliedRound, Committed, OpenError, StoreError};
use crate::engine::cql::driver::{self, CqlOptions};
use crate::engine::cql::roll;
use crate::engine::cql::seat::{Seat, Who};
use crate::limits::Limits;
use crate::prepared::Prepared;
use crate::store::{Parts, Store, Way};
use crate::travel::{self, Asking, Question, Reply};
use crate::writer::Shared;

/// What a server is in its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAt {
    /// Its name; no two servers of a cluster have the same.
    pub name: String,
    /// Drawn at its start.
    pub boot: u64,
    /// Where the other servers reach it.
    pub address: String,
}

/// Why a question to another server has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkError {
    /// It certainly did not arrive.
    NotSent(String),
    /// It may have arrived.
    Lost(String),
}

/// Carries questions to other servers of the cluster.
#[async_trait]
pub trait Link: Send + Sync + 'static {
    /// Has the server at `address` [`Store::accept`] a commit; gives what that answered.
    async fn commit(&self, address: &str, question: Bytes) -> Result<Bytes, LinkError>;

    /// Whether the server at `address` answers at all.
    async fn answers(&self, address: &str) -> bool;
}

/// A time in which this server writes the journal: it delivers, runs effects and jobs.
pub struct Term {
    /// Position of the newest commit before it.
    pub start: u64,
    /// Every round of the term, in order of position, for two receivers; they end with the term. The writer
    /// waits while one is full.
    pub rounds: [mpsc::Receiver<Arc<AppliedRound>>; 2],
}

/// What a commit that came from another server came to.
pub struct Accepted {
    /// What the asking server is told; nothing if the writer ended before it answered, which leaves the
    /// question [`LinkError::Lost`].
    pub reply: Option<Bytes>,
    /// Position of the commit, if it ran.
    pub position: Option<u64>,
}

/// Pause between two looks for a writer, unless something is heard of one before.
const LOOK: Duration = Duration::from_millis(50);

/// The way to the writer of now.
pub(crate) struct Cluster {
    who: watch::Sender<Who>,
    link: Arc<dyn Link>,
    live: watch::Receiver<Vec<ServerAt>>,
    owners: watch::Receiver<Option<String>>,
    closing: watch::Sender<bool>,
    /// Closed when everything has ended.
    ended: mpsc::Sender<()>,
}

impl Cluster {
    pub(crate) async fn close(&self) {
        self.closing.send_replace(true);
        self.ended.closed().await;
    }

    /// Notes what the owner at `address` said its term is.
    fn heard(&self, address: &str, term: u128) {
        self.who.send_if_modified(|who| match who {
            Who::Other {
                address: known,
                term: before,
            } if known == address && *before != term && term != 0 => {
                *before = term;
                true
            }
            _ => false,
        });
    }
}

impl Store {
    /// Opens the store of a cluster as one of its servers, or creates it. `clock` gives ms since 1970, `draw`
    /// random bits. The receiver tells the terms in which this server writes; each of its receivers of rounds
    /// holds `behind` rounds.
    ///
    /// # Errors
    /// As [`Store::cql`], and [`OpenError::InUse`] when a server of this name lives.
    pub async fn in_cluster(
        options: &CqlOptions,
        limits: Limits,
        clock: Arc<dyn Fn() -> i64 + Send + Sync>,
        draw: Arc<dyn Fn() -> u64 + Send + Sync>,
        (me, link): (ServerAt, Arc<dyn Link>),
        behind: usize,
    ) -> Result<(Self, mpsc::Receiver<Term>), OpenError> {
        let connected = driver::connect(options, &limits, &clock, &draw).await?;
        let (database, incarnation) = connected;
        roll::until_alone(&*database, &me, &limits.cql).await?;
        let shared = Arc::new(Shared::new());
        let (terms, told) = mpsc::channel(1);
        let (live, servers) = watch::channel(vec![me.clone()]);
        let (closing, closed) = watch::channel(false);
        let (ended, ends) = mpsc::channel(1);
        let who = watch::Sender::new(Who::Nobody);
        let (owners, owned) = watch::channel(None);
        let seat = Seat {
            database,
            incarnation,
            limits: limits.clone(),
            clock: Arc::clone(&clock),
            draw: Arc::clone(&draw),
            me,
            link: Arc::clone(&link),
            shared: Arc::clone(&shared),
            who: who.clone(),
            owners,
            terms,
            behind,
            closed,
        };
        seat.look().await?;
        let engine = seat.begin(live, ends);
        let parts = Parts {
            engine,
            limits,
            clock,
            shared,
            process: draw(),
            incarnation,
        };
        let cluster = Cluster {
            who,
            link,
            live: servers,
            owners: owned,
            closing,
            ended,
        };
        Ok((Self::of(parts, Way::Cluster(cluster)), told))
    }

    /// The servers of the cluster that live, this one included, whenever that changes. Nothing where there is
    /// no cluster.
    #[must_use]
    pub fn servers(&self) -> Option<watch::Receiver<Vec<ServerAt>>> {
        self.cluster().map(|cluster| cluster.live.clone())
    }

    /// Where the server is reached that writes the journal now, if it is another one; an empty one is this
    /// server itself. `None` while nobody writes.
    #[must_use]
    pub fn owner(&self) -> Option<String> {
        self.cluster()?.owners.borrow().clone()
    }

    /// The same whenever it changes. Nothing where there is no cluster.
    #[must_use]
    pub fn owners(&self) -> Option<watch::Receiver<Option<String>>> {
        self.cluster().map(|cluster| cluster.owners.clone())
    }

    /// Runs a commit that another server sent over its [`Link`].
    pub async fn accept(&self, question: &[u8]) -> Accepted {
        let (term, answer) = match travel::decode::<Question>(question) {
            Ok(asked) => self.run_here(asked).await,
            Err(error) => (0, Some(Err(error))),
        };
        let Some(answer) = answer else {
            return Accepted {
                reply: None,
                position: None,
            };
        };
        let position = answer.as_ref().ok().map(|done| done.position);
        let last = self.shared().last_position.load(Ordering::Acquire);
        let reply = Reply { term, last, answer };
        Accepted {
            reply: travel::encode(&reply).ok(),
            position,
        }
    }

    /// The term of the writer here, and what it answers; nothing if it ended instead.
    async fn run_here(&self, asked: Question) -> (u128, Option<Result<Committed, StoreError>>) {
        let who = self.cluster().map(|cluster| cluster.who.borrow().clone());
        let Some(Who::Me { queue, engine }) = who else {
            return (0, Some(Err(StoreError::Moved)));
        };
        if let Err(error) = asked.commit.check(self.limits()) {
            return (engine.term(), Some(Err(error)));
        }
        let Question {
            commit,
            attempt,
            sending,
            seen,
        } = asked;
        let arrived = Prepared::arrived(commit, attempt, seen, sending);
        let answer = self.deliver(&queue, &arrived, sending).await;
        // This writer ends; the next one knows what it did.
        let answer = match answer {
            Some(Err(StoreError::Closed)) => Some(Err(StoreError::Moved)),
            answer => answer,
        };
        (engine.term(), answer)
    }

    /// Sends a commit to whoever writes until somebody answers it. Sent twice it runs once: every sending
    /// carries the same attempt id.
    pub(crate) async fn submit_to_any(
        &self,
        cluster: &Cluster,
        prepared: &Prepared,
    ) -> Result<Committed, StoreError> {
        let until = Instant::now() + Duration::from_millis(self.limits().cql.commit_ms);
        let mut who = cluster.who.subscribe();
        let mut lost = false;
        loop {
            let now = who.borrow_and_update().clone();
            let outcome = match now {
                Who::Closed => return Err(StoreError::Closed),
                Who::Nobody => Sent::Not,
                Who::Me { queue, engine } => {
                    let sending = prepared.sending(engine.term());
                    match self.deliver(&queue, prepared, sending).await {
                        Some(Err(StoreError::Moved | StoreError::Closed)) => Sent::Not,
                        Some(answer) => return answer,
                        None => Sent::Lost,
                    }
                }
                Who::Other { address, term } => {
                    let asked = self.ask_while_it_owns(cluster, prepared, &address, term, until);
                    match asked.await {
                        Ok(Err(StoreError::Moved)) | Err(LinkError::NotSent(_)) => Sent::Not,
                        Ok(answer) => return answer,
                        Err(LinkError::Lost(_)) => Sent::Lost,
                    }
                }
            };
            lost |= outcome == Sent::Lost;
            let next = until.min(Instant::now() + LOOK);
            let changed = tokio::time::timeout_at(next, who.changed()).await;
            if Instant::now() >= until || matches!(changed, Ok(Err(_))) {
                return Err(if lost {
                    StoreError::Unknown
                } else {
                    StoreError::Unavailable("no server of the cluster writes now".to_owned())
                });
            }
        }
    }

    /// As [`Self::ask`], but not longer than that server owns the journal: it may stand still for good.
    async fn ask_while_it_owns(
        &self,
        cluster: &Cluster,
        prepared: &Prepared,
        address: &str,
        term: u128,
        until: Instant,
    ) -> Result<Result<Committed, StoreError>, LinkError> {
        let mut owners = cluster.owners.clone();
        let other = owners.wait_for(|owner| owner.as_deref() != Some(address));
        tokio::select! {
            asked = self.ask(cluster, prepared, address, term) => asked,
            _ = other => Err(LinkError::Lost("another server owns the journal".to_owned())),
            () = tokio::time::sleep_until(until) => Err(LinkError::Lost("no answer".to_owned())),
        }
    }

    async fn ask(
        &self,
        cluster: &Cluster,
        prepared: &Prepared,
        address: &str,
        term: u128,
    ) -> Result<Result<Committed, StoreError>, LinkError> {
        let sending = prepared.sending(term);
        let asked = Asking {
            commit: &prepared.commit,
            attempt: prepared.attempt,
            sending,
            seen: prepared.seen,
        };
        let question = match travel::encode(&asked) {
            Ok(question) => question,
            Err(error) => return Ok(Err(error)),
        };
        let reply = cluster.link.commit(address, question).await?;
        let reply: Reply = match travel::decode(&reply) {
            Ok(reply) => reply,
            Err(error) => return Err(LinkError::Lost(error.to_string())),
        };
        cluster.heard(address, reply.term);
        self.shared()
            .last_position
            .fetch_max(reply.last, Ordering::AcqRel);
        Ok(prepared.believe(sending, reply.answer))
    }
}

/// What [`status`] tells of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// Its name.
    pub name: String,
    /// Where the other servers reach it.
    pub address: String,
    /// It said so while it was looked at.
    pub lives: bool,
    /// It owns the journal, as far as the journal knows.
    pub writes: bool,
}

/// What [`status`] tells of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its servers by name, those of the last hour.
    pub servers: Vec<ServerStatus>,
    /// Position of the newest commit.
    pub last: u64,
}

/// Looks at a cluster from outside, for three of its heartbeats.
///
/// # Errors
/// As [`Store::cql`].
pub async fn status(
    options: &CqlOptions,
    limits: &Limits,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    draw: Arc<dyn Fn() -> u64 + Send + Sync>,
) -> Result<Status, OpenError> {
    let (database, _) = driver::connect(options, limits, &clock, &draw).await?;
    roll::status(&database, limits, draw).await
}

/// A sending without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// Nothing ran.
    Not,
    /// It may have run.
    Lost,
}
