//! A running server without its sockets: the store, the clock, what is kept in memory, and the tasks
//! that turn applied rounds into pushes and effects.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use storage::Store;
use tokio::sync::watch;

use crate::api::Answer;
use crate::clock::Clock;
use crate::conversation::cache::Conversations;
use crate::conversation::reading::Cursors;
use crate::delivery::{self, Connections, Delivery};
use crate::directory::guard::{Guard, PER_ADDRESS, PER_USER, Rate};
use crate::directory::setup::{self, SetupLink};
use crate::effect::{Effects, Kind, Runner};
use crate::job;
use crate::limits::{CONVERSATIONS_PER_USER, EFFECTS_WAIT_MS, ROUNDS_BEHIND};
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
    /// The open connections.
    pub connections: Arc<dyn Connections>,
    /// The newest state of conversations.
    pub conversations: Conversations,
    /// Conversations of one person at most.
    pub conversations_per_user: i64,
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
        // Before anything is written: each task must see every round.
        let to_deliver = parts.store.rounds(ROUNDS_BEHIND);
        let to_run = parts.store.rounds(ROUNDS_BEHIND);
        // What was applied before this start is delivered: clients that come back resume from the logs.
        let start = parts.store.last_position().await;
        let (delivered, delivery) = watch::channel(start);
        let (effects, told) = Effects::new(parts.effects_wait);
        let passwords = parts.passwords;
        let decoy: [u8; 16] = parts.random.bytes();
        let decoy_hash = passwords
            .hash(&crate::ids::Id(decoy).to_string(), parts.random.bytes())
            .await?;
        // This round waits in the two queues, which have room for it.
        let row = setup::system_row(&parts.store, parts.random.bytes()).await?;
        let node = Arc::new(Self {
            store: parts.store,
            clock: parts.clock,
            random: parts.random,
            secret: row.secret.0,
            decoy_hash,
            passwords,
            guard: Guard::new(parts.per_user, parts.per_address),
            connections: parts.connections,
            conversations: Conversations::default(),
            conversations_per_user: parts.conversations_per_user,
            cursors: Cursors::default(),
            delivery: Delivery::new(delivery),
            effects,
            watchers: Watchers::default(),
            typing: Typing::default(),
            setup: Mutex::default(),
        });
        tokio::spawn(delivery::run(Arc::clone(&node), to_deliver, delivered));
        tokio::spawn(Runner::new(Arc::clone(&node), parts.effects, told).run(start, to_run));
        tokio::spawn(job::Runner::new(Arc::clone(&node), parts.jobs).run());
        node.effects.passed(start).await;
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
