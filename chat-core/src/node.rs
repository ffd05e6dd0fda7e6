//! A running server without its sockets: the store, the clock, what is kept in memory, and the tasks
//! that turn applied rounds into pushes and effects.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use storage::Store;
use storage::blob::Blobs;
use storage::cluster::Term;

use crate::api::Answer;
use crate::clock::Clock;
use crate::cluster::{Cluster, InCluster, Spread};
use crate::conversation::cache::Conversations;
use crate::conversation::reading::Cursors;
use crate::delivery::{self, Connections, Delivery};
use crate::directory::guard::{Guard, PER_ADDRESS, PER_USER, Rate};
use crate::directory::setup::{self, SetupLink};
use crate::effect::{Effects, Kind, Runner};
use crate::export::{Export, Exporter, Held};
use crate::host::{Host, NoHost};
use crate::job;
use crate::limits::{CONVERSATIONS_PER_USER, EFFECTS_WAIT_MS, ROUNDS_BEHIND};
use crate::message::hours::{self, Hours};
use crate::message::senders::Senders;
use crate::presence::{Typing, Watchers};
use crate::random::Random;
use crate::secret::{Key, Passwords};

/// What a node is started with.
pub struct Parts {
    /// The truth.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Where ids and secrets come from.
    pub random: Random,
    /// The open connections.
    pub connections: Arc<dyn Connections>,
    /// Calls per user.
    pub per_user: Rate,
    /// Calls per address before sign-in.
    pub per_address: Rate,
    /// Conversations of one person at most.
    pub conversations_per_user: i64,
    /// An answer waits this long for the effects of its commit.
    pub effects_wait: Duration,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// The kinds of effects that the features bring.
    pub effects: Vec<Kind>,
    /// The kinds of jobs that the features bring.
    pub jobs: Vec<job::Kind>,
    /// What makes it one of several.
    pub cluster: Option<InCluster>,
    /// Who outside is told what happens.
    pub export: Option<Arc<dyn Export>>,
    /// Where the bytes of files are, if anywhere.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// The process.
    pub host: Arc<dyn Host>,
}

impl Parts {
    /// The usual rates and cost of passwords.
    pub fn new(
        store: Store,
        clock: Clock,
        random: Random,
        connections: Arc<dyn Connections>,
        effects: Vec<Kind>,
    ) -> Self {
        Self {
            store,
            clock,
            random,
            connections,
            per_user: PER_USER,
            per_address: PER_ADDRESS,
            conversations_per_user: CONVERSATIONS_PER_USER,
            effects_wait: Duration::from_millis(EFFECTS_WAIT_MS),
            passwords: Passwords::default(),
            effects,
            jobs: Vec::new(),
            cluster: None,
            export: None,
            blobs: None,
            host: Arc::new(NoHost),
        }
    }
}

/// A running server without its sockets.
pub struct Node {
    /// The truth.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Where ids and secrets come from.
    pub random: Random,
    /// The server's own key, made at its first start.
    pub secret: Key,
    /// What a password is compared with when there is no account: both take as long.
    pub decoy_hash: String,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Against guessing and flooding.
    pub guard: Guard,
    /// The open connections, of all nodes.
    pub connections: Arc<dyn Connections>,
    /// The other nodes, if it is one of several.
    pub cluster: Option<Arc<Cluster>>,
    /// The newest state of conversations.
    pub conversations: Conversations,
    /// Conversations of one person at most.
    pub conversations_per_user: i64,
    /// Who sent lately.
    pub senders: Senders,
    /// Read positions on their way to the store.
    pub cursors: Cursors,
    /// How far pushes have come.
    pub delivery: Delivery,
    /// How far effects have come.
    pub effects: Effects,
    /// Who watches whom.
    pub watchers: Watchers,
    /// Who told that he is typing.
    pub typing: Typing,
    /// Messages of the hour.
    pub hours: Hours,
    /// The process.
    pub host: Arc<dyn Host>,
    /// Where the bytes of files are, if anywhere.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// Since when it runs, in ms since the epoch.
    pub started_at: i64,
    pub(crate) export: Option<Arc<dyn Export>>,
    pub(crate) exported: Held,
    setup: Mutex<Offer>,
}

/// The set-up link of this start.
#[derive(Default)]
enum Offer {
    /// There is none.
    #[default]
    None,
    /// It waits to be used.
    Waiting(SetupLink),
    /// It was used.
    Used,
}

impl Node {
    /// Starts the node and its tasks, which end when the store closes; waits 2 s at most for effects
    /// that the last run left, so that the first lists are right.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn start(parts: Parts) -> Answer<Arc<Self>> {
        let start = parts.store.last_position().await;
        let term = parts
            .cluster
            .is_none()
            .then(|| only_term(&parts.store, start));
        let (cluster, terms) = match parts.cluster {
            Some(InCluster {
                cluster,
                terms,
                inbox,
            }) => (Some(cluster), Some((terms, inbox))),
            None => (None, None),
        };
        let passwords = parts.passwords;
        let started_at = parts.clock.now_ms();
        let decoy: [u8; 16] = parts.random.bytes();
        let decoy_hash = passwords
            .hash(&crate::ids::Id(decoy).to_string(), parts.random.bytes())
            .await?;
        // This round waits in the two queues, which have room for it.
        let row = setup::system_row(&parts.store, parts.random.bytes()).await?;
        let local = Arc::clone(&parts.connections);
        let connections = everywhere(parts.connections, cluster.as_ref());
        let node = Arc::new(Self {
            store: parts.store,
            clock: parts.clock,
            random: parts.random,
            secret: row.secret.0,
            decoy_hash,
            passwords,
            guard: Guard::new(parts.per_user, parts.per_address),
            connections,
            conversations: Conversations::new(term.is_some()),
            conversations_per_user: parts.conversations_per_user,
            senders: Senders::default(),
            cursors: Cursors::default(),
            delivery: Delivery::new(start, term.is_some()),
            effects: Effects::new(parts.effects_wait, cluster.clone()),
            cluster,
            watchers: Watchers::default(),
            typing: Typing::default(),
            hours: Hours::default(),
            host: parts.host,
            started_at,
            export: parts.export,
            blobs: parts.blobs,
            exported: Held::default(),
            setup: Mutex::default(),
        });
        let work = Work {
            effects: parts.effects,
            jobs: parts.jobs,
        };
        if let (Some(cluster), Some((mut terms, inbox))) = (&node.cluster, terms) {
            cluster.begin(&node, local, inbox);
            let node = Arc::clone(&node);
            tokio::spawn(async move {
                while let Some(term) = terms.recv().await {
                    work.of_term(&node, term).await;
                }
            });
            cluster.is_known().await;
        } else if let Some(term) = term {
            let running = Arc::clone(&node);
            tokio::spawn(async move { work.of_term(&running, term).await });
            node.effects.passed(start).await;
        }
        Ok(node)
    }

    /// Makes `token` the one that sets the company up; an earlier one ends.
    pub fn begin_setup(&self, token: &str) {
        if let Ok(mut setup) = self.setup.lock() {
            *setup = Offer::Waiting(SetupLink::new(token, self.clock.now_ms()));
        }
    }

    pub(crate) fn is_setup_token(
        &self,
        token: &str,
        now_ms: i64,
        is: fn(&SetupLink, &str, i64) -> bool,
    ) -> bool {
        self.setup
            .lock()
            .is_ok_and(|setup| matches!(&*setup, Offer::Waiting(link) if is(link, token, now_ms)))
    }

    pub(crate) fn end_setup(&self) {
        if let Ok(mut setup) = self.setup.lock() {
            *setup = Offer::Used;
        }
    }

    /// Whether the set-up link of this start was used.
    pub fn setup_link_is_used(&self) -> bool {
        self.setup
            .lock()
            .is_ok_and(|setup| matches!(*setup, Offer::Used))
    }
}

/// The connections of all nodes.
fn everywhere(local: Arc<dyn Connections>, cluster: Option<&Arc<Cluster>>) -> Arc<dyn Connections> {
    match cluster {
        Some(cluster) => Arc::new(Spread {
            local,
            cluster: Arc::clone(cluster),
        }),
        None => local,
    }
}

/// Of a node that shares its store with nobody. Taken before anything is written: each task must see every
/// round. What was applied before is delivered: clients that come back resume from the logs.
fn only_term(store: &Store, start: u64) -> Term {
    let rounds = [store.rounds(ROUNDS_BEHIND), store.rounds(ROUNDS_BEHIND)];
    Term { start, rounds }
}

/// What the owner of the journal does beside answering.
struct Work {
    effects: Vec<Kind>,
    jobs: Vec<job::Kind>,
}

impl Work {
    /// Delivers and runs effects and jobs until the term ends.
    async fn of_term(&self, node: &Arc<Node>, term: Term) {
        let Term { start, rounds } = term;
        let [to_deliver, to_run] = rounds;
        node.conversations.begin();
        if let Some(cluster) = &node.cluster {
            cluster.begin_term(start);
        }
        let (effects, jobs) = (self.effects.clone(), self.jobs.clone());
        let exporter = Exporter::of_term(node, start).await;
        let exporting = exporter.map(|exporter| tokio::spawn(exporter.run()));
        let counting = tokio::spawn(hours::run(Arc::clone(node)));
        let runner = Runner::new(Arc::clone(node), effects);
        let jobs = job::Runner::new(Arc::clone(node), jobs);
        let tasks = [
            tokio::spawn(delivery::run(Arc::clone(node), start, to_deliver)),
            tokio::spawn(runner.run(start, to_run)),
            tokio::spawn(jobs.run()),
        ];
        for task in tasks {
            let _ = task.await;
        }
        counting.abort();
        if let Some(exporting) = exporting {
            exporting.abort();
        }
        if let Some(cluster) = &node.cluster {
            cluster.end_term();
        }
        node.conversations.end();
    }
}
