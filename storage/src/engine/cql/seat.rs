//! The seat of the one who writes: a server of a cluster follows the journal's owner, and takes the journal
//! when that one leaves, or stands still and cannot be reached. The protocol is safe whoever claims when; what
//! stands here only keeps living owners in their seat and makes the next one sit down soon.

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::database::{Database, MarkKind};
use super::owner::{Draw, Journal};
use super::reads::Reads;
use super::roll::Roll;
use super::wait::{self, Pulse};
use super::{Cql, read_mark};
use crate::cluster::{Link, ServerAt, Term};
use crate::contract::{
    AppliedCommit, Direction, Home, KeyRange, OpenError, Partition, RowAt, StoreError,
};
use crate::engine::{Engine, Opened, PersistError, Round};
use crate::limits::{FIRST_POSITION, Limits};
use crate::store::{self, Clock};
use crate::writer::{Message, Shared, Writer};

/// How often a server says that it lives.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// Longest pause after a failed try to take the journal.
const PAUSE_MAX_MS: u64 = 1_000;

/// Whose turn it is to write.
#[derive(Clone)]
pub(crate) enum Who {
    /// Nobody's, as far as is known.
    Nobody,
    /// This server's.
    Me {
        queue: mpsc::Sender<Message>,
        engine: Arc<dyn Engine>,
    },
    /// That of the server at this address.
    Other { address: String, term: u128 },
    /// The store is closed.
    Closed,
}

/// What a seat is begun with.
pub(crate) struct Seat<D> {
    pub(crate) database: Arc<D>,
    pub(crate) incarnation: u64,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) draw: Draw,
    pub(crate) me: ServerAt,
    pub(crate) link: Arc<dyn Link>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) who: watch::Sender<Who>,
    /// See [`crate::Store::owners`].
    pub(crate) owners: watch::Sender<Option<String>>,
    pub(crate) terms: mpsc::Sender<Term>,
    pub(crate) behind: usize,
    pub(crate) closed: watch::Receiver<bool>,
}

/// What a server does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Follow,
    Take,
    End,
}

type Seated<D> = Arc<Mutex<Option<Arc<Cql<D>>>>>;

impl<D: Database> Seat<D> {
    /// Notes the newest position: commits that are made from now on stand behind it.
    pub(crate) async fn look(&self) -> Result<(), OpenError> {
        let hint = read_mark(&*self.database, MarkKind::Applied).await?;
        let guard = self.journal().look(hint.position).await;
        let guard = guard.map_err(|failure| OpenError::Unreachable(failure.why))?;
        self.heard(guard.map_or(FIRST_POSITION, |guard| guard.next));
        Ok(())
    }

    /// Notes the position that the next commit takes.
    fn heard(&self, next: u64) {
        self.shared
            .last_position
            .fetch_max(next - 1, Ordering::AcqRel);
    }

    /// Starts following, and noting that this server lives. `ends` is dropped when all has ended.
    pub(crate) fn begin(
        self,
        live: watch::Sender<Vec<ServerAt>>,
        ends: mpsc::Receiver<()>,
    ) -> Arc<dyn Engine> {
        let seated: Seated<D> = Arc::default();
        let engine = FromAnySeat {
            reads: Reads::new(Arc::clone(&self.database)),
            seated: Arc::clone(&seated),
            incarnation: self.incarnation,
        };
        let servers = live.subscribe();
        let gone = Duration::from_millis(self.limits.cql.gone_ms);
        let roll = Roll::new(Arc::clone(&self.database), gone);
        let (me, closed) = (self.me.clone(), self.closed.clone());
        tokio::spawn(async move {
            let noting = tokio::spawn(roll.run(me, live, closed));
            self.run(&seated, servers).await;
            let _ = noting.await;
            drop(ends);
        });
        Arc::new(engine)
    }

    async fn run(mut self, seated: &Seated<D>, servers: watch::Receiver<Vec<ServerAt>>) {
        let (mut next, mut failed) = (Next::Follow, 0);
        while next != Next::End {
            next = match next {
                Next::Follow => self.follow(&servers).await,
                _ => match self.take().await {
                    Ok(engine) => {
                        failed = 0;
                        self.serve(engine, seated).await
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the journal cannot be taken yet");
                        failed += 1;
                        let pause_ms = (50 << failed.min(6)).min(PAUSE_MAX_MS);
                        self.pause(pause_ms).await
                    }
                },
            };
        }
        self.say(Who::Closed);
    }

    /// Waits; tells whether to end.
    async fn pause(&mut self, ms: u64) -> Next {
        tokio::select! {
            _ = self.closed.wait_for(|closed| *closed) => Next::End,
            () = tokio::time::sleep(Duration::from_millis(ms)) => Next::Follow,
        }
    }

    fn journal(&self) -> Journal<D> {
        let size = self.limits.cql.bucket_positions;
        Journal::new(Arc::clone(&self.database), size, Arc::clone(&self.draw))
    }

    /// Watches the owner until it is gone.
    async fn follow(&mut self, servers: &watch::Receiver<Vec<ServerAt>>) -> Next {
        let journal = self.journal();
        let mut hint = 0;
        let mut known: Option<Pulse> = None;
        let mut moved = Instant::now();
        // Since when the journal may be taken.
        let mut since: Option<Instant> = None;
        loop {
            let pulse = async {
                if hint == 0 {
                    let mark = self.database.mark(MarkKind::Applied).await?;
                    hint = mark.map_or(0, |mark| mark.position);
                }
                wait::pulse(&journal, hint).await
            };
            match pulse.await {
                Ok(pulse) => {
                    if known.as_ref() != Some(&pulse) {
                        moved = Instant::now();
                        self.believe(&pulse);
                        if let Some(guard) = pulse.0 {
                            self.heard(guard.next);
                            hint = guard.next - 1;
                        }
                    }
                    let free = wait::is_free(&pulse);
                    if free || self.is_dead(&pulse, moved).await {
                        let since = *since.get_or_insert_with(Instant::now);
                        let turn = turn(&servers.borrow(), &self.me.name);
                        let look = Duration::from_millis(self.limits.cql.look_ms);
                        if since.elapsed() >= look * 2 * turn {
                            return Next::Take;
                        }
                    } else {
                        since = None;
                    }
                    known = Some(pulse);
                }
                Err(failure) => {
                    tracing::debug!(why = failure.why, "the journal cannot be looked at");
                    // Nothing is known of the owner meanwhile.
                    (moved, since) = (Instant::now(), None);
                }
            }
            if self.pause(self.limits.cql.look_ms).await == Next::End {
                return Next::End;
            }
        }
    }

    /// Whether the owner stands still and cannot be reached: slow is not dead.
    async fn is_dead(&self, (_, beat): &Pulse, moved: Instant) -> bool {
        if moved.elapsed() < Duration::from_millis(self.limits.cql.still_ms) {
            return false;
        }
        match beat.as_ref().map(|beat| beat.address.as_str()) {
            // What this server itself wrote, in this life or before it.
            Some(address) if address == self.me.address => true,
            None | Some("") => true,
            Some(address) => !self.link.answers(address).await,
        }
    }

    /// Takes for the owner whom guard and beat name together.
    fn believe(&self, pulse: &Pulse) {
        let who = match pulse {
            (Some(guard), Some(beat)) if !beat.free && beat.address != self.me.address => {
                Who::Other {
                    address: beat.address.clone(),
                    term: guard.token.bits,
                }
            }
            _ => Who::Nobody,
        };
        self.say(who);
    }

    fn say(&self, who: Who) {
        let owner = match &who {
            Who::Me { .. } => Some(String::new()),
            Who::Other { address, .. } => Some(address.clone()),
            Who::Nobody | Who::Closed => None,
        };
        self.who.send_replace(who);
        self.owners.send_if_modified(|before| {
            let changed = *before != owner;
            *before = owner;
            changed
        });
    }

    async fn take(&self) -> Result<Arc<Cql<D>>, OpenError> {
        let hint = read_mark(&*self.database, MarkKind::Applied).await?;
        let taken = Cql::take(
            self.journal(),
            self.incarnation,
            self.limits.clone(),
            Arc::clone(&self.clock),
            hint.position,
            self.me.address.clone(),
        );
        taken.await.map(Arc::new)
    }

    /// Writes until another server has taken over, or the store closes.
    async fn serve(&mut self, engine: Arc<Cql<D>>, seated: &Seated<D>) -> Next {
        let (writer, queue) = Writer::new(
            Arc::clone(&engine) as _,
            self.limits.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.shared),
        );
        let term = Term {
            start: engine.opened().last_position,
            rounds: [
                self.shared.subscribe(self.behind),
                self.shared.subscribe(self.behind),
            ],
        };
        tracing::info!(
            server = self.me.name,
            start = term.start,
            "writes the journal"
        );
        let writing = tokio::spawn(writer.run());
        sit(seated, Some(Arc::clone(&engine)));
        self.say(Who::Me {
            queue: queue.clone(),
            engine: Arc::clone(&engine) as _,
        });
        let serving = async {
            // Nobody may be interested in terms any more.
            let _ = self.terms.send(term).await;
            let mut beat = tokio::time::interval(BEAT);
            loop {
                beat.tick().await;
                engine.beat(false).await;
            }
        };
        let next = tokio::select! {
            () = engine.lost() => Next::Follow,
            _ = self.closed.wait_for(|closed| *closed) => Next::End,
            () = serving => Next::Follow,
        };
        if next == Next::End {
            store::close(&queue).await;
        }
        self.say(Who::Nobody);
        sit(seated, None);
        drop(queue);
        // What waits is refused in turn and goes to the next owner.
        let _ = writing.await;
        tracing::info!(server = self.me.name, "writes the journal no more");
        next
    }
}

fn sit<D>(seated: &Seated<D>, engine: Option<Arc<Cql<D>>>) {
    *seated.lock().unwrap_or_else(PoisonError::into_inner) = engine;
}

/// Where a server stands among those that live, from 0: the first one takes the journal first. By rendezvous
/// hash, so the order changes only where servers come and go.
fn turn(live: &[ServerAt], name: &str) -> u32 {
    let weight = |name: &str| -> [u8; 32] {
        Sha256::new()
            .chain_update("journal 0 ")
            .chain_update(name)
            .finalize()
            .into()
    };
    let own = weight(name);
    let before = live.iter().filter(|other| weight(&other.name) > own);
    u32::try_from(before.count()).unwrap_or(u32::MAX)
}

/// Reads for any server; what only an owner has, while this one is it.
struct FromAnySeat<D> {
    reads: Reads<D>,
    seated: Seated<D>,
    incarnation: u64,
}

impl<D: Database> FromAnySeat<D> {
    fn owner(&self) -> Option<Arc<Cql<D>>> {
        let seated = self.seated.lock();
        seated.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl<D: Database> Engine for FromAnySeat<D> {
    fn opened(&self) -> Opened {
        Opened {
            last_position: 0,
            last_time_ms: 0,
            incarnation: self.incarnation,
            attempts: Vec::new(),
        }
    }

    fn blocks(&self) -> bool {
        false
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

    async fn persist(&self, _: &Round) -> Result<(), PersistError> {
        Err(PersistError::Refused(StoreError::Moved))
    }

    async fn settle(&self, _: &Round) -> Result<bool, StoreError> {
        Err(StoreError::Moved)
    }

    async fn apply(&self, _: &[Round]) -> Result<(), StoreError> {
        Err(StoreError::Moved)
    }

    /// Who is not the owner runs no effects: for its runner the store is closed.
    async fn effects_after(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<AppliedCommit>, StoreError> {
        let owner = self.owner().ok_or(StoreError::Closed)?;
        owner.effects_after(position, limit).await
    }

    async fn forget(&self, position: u64, young_ms: i64) -> Result<(), StoreError> {
        let owner = self.owner().ok_or(StoreError::Closed)?;
        owner.forget(position, young_ms).await
    }

    async fn homes(&self, after: Option<&Home>, limit: usize) -> Result<Vec<Home>, StoreError> {
        self.reads.homes(after, limit).await
    }

    async fn close(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me(name: &str) -> ServerAt {
        ServerAt {
            name: name.to_owned(),
            boot: 1,
            address: format!("{name}:1"),
        }
    }

    #[test]
    fn every_live_server_has_a_turn_of_its_own_and_keeps_its_order_when_others_leave() {
        let names = ["a", "b", "c", "d", "e"];
        let live: Vec<_> = names.iter().map(|name| me(name)).collect();
        let mut turns: Vec<_> = names
            .iter()
            .map(|name| (turn(&live, name), *name))
            .collect();
        turns.sort_unstable();
        assert_eq!(
            turns.iter().map(|(n, _)| *n).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4]
        );
        let without: Vec<_> = live
            .iter()
            .filter(|other| other.name != turns[0].1)
            .cloned()
            .collect();
        for (n, (_, name)) in turns[1..].iter().enumerate() {
            assert_eq!(turn(&without, name) as usize, n);
        }
    }
}
