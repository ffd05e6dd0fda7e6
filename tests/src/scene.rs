//! The server of a test, in this process: on a port of its own, with a store of its own.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_core::clock::Clock;
use chat_core::directory::guard::{PER_ADDRESS, PER_USER, Rate};
use chat_core::random::Random;
use gateway::server::{Options, Server};
use storage::{Limits, Store};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Company, Wire};

/// The token of the set-up link in every world.
const SETUP_TOKEN: &str = "the-set-up-token-of-this-world";
/// Where a clock that is moved by hand begins: 2026-01-05 08:00 in Shanghai.
const BEGINNING_MS: i64 = 1_767_571_200_000;
/// A test talks faster than a person; a test of the limits asks for the real ones.
const NO_LIMIT: Rate = Rate {
    burst: 1e9,
    per_second: 1e9,
};

/// What a world is like.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    embedded: bool,
    by_hand: bool,
    limits: bool,
    conversations: Option<i64>,
    deadline: Option<Duration>,
    impatient: bool,
    seed: u64,
}

impl Setup {
    /// A store in memory, the machine's clock, no limits of rates.
    pub fn memory() -> Self {
        Self {
            embedded: false,
            by_hand: false,
            limits: false,
            conversations: None,
            deadline: None,
            impatient: false,
            seed: 7,
        }
    }

    /// A store on disk, the machine's clock, no limits of rates.
    pub fn embedded() -> Self {
        Self {
            embedded: true,
            ..Self::memory()
        }
    }

    /// The clock stands until [`World::passes`] moves it.
    #[must_use]
    pub fn clock_by_hand(mut self) -> Self {
        self.by_hand = true;
        self
    }

    /// The limits of rates that a server in service has.
    #[must_use]
    pub fn with_limits(mut self) -> Self {
        self.limits = true;
        self
    }

    /// Another limit of conversations than a server in service has.
    #[must_use]
    pub fn conversations_per_user(mut self, most: i64) -> Self {
        self.conversations = Some(most);
        self
    }

    /// No answer waits for the effects of its commit.
    #[must_use]
    pub fn impatient(mut self) -> Self {
        self.impatient = true;
        self
    }

    /// Another deadline of calls than a server in service has.
    #[must_use]
    pub fn call_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Another seed of ids and secrets.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts the world.
    ///
    /// # Panics
    /// When the machine has no port or no folder for it.
    pub async fn start(self) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let hand = Arc::new(AtomicI64::new(BEGINNING_MS));
        let running = Running::start(self, &hand, folder.path(), "127.0.0.1:0", 0).await;
        World {
            wire: Arc::new(Wire::new(&running.address)),
            setup: self,
            hand,
            running: Mutex::new(Some(running)),
            starts: AtomicI64::new(1),
            folder,
        }
    }
}

/// A server and everybody who talks to it.
pub struct World {
    wire: Arc<Wire>,
    setup: Setup,
    hand: Arc<AtomicI64>,
    running: Mutex<Option<Running>>,
    starts: AtomicI64,
    folder: tempfile::TempDir,
}

struct Running {
    address: String,
    server: Arc<Server>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl World {
    /// The usual world: a store on disk.
    pub async fn start() -> Self {
        Setup::embedded().start().await
    }

    /// A world that forgets: a store in memory.
    pub async fn memory() -> Self {
        Setup::memory().start().await
    }

    /// A company to set up.
    pub fn company(&self, name: &str) -> Company {
        Company::new(Arc::clone(&self.wire), SETUP_TOKEN.to_owned(), name)
    }

    /// The server as it is reached from outside.
    pub fn wire(&self) -> &Arc<Wire> {
        &self.wire
    }

    /// The token of the set-up link.
    pub fn setup_token(&self) -> &'static str {
        SETUP_TOKEN
    }

    /// Moves a clock that stands.
    pub fn passes(&self, time: Duration) {
        assert!(self.setup.by_hand, "this world has the machine's clock");
        let ms = i64::try_from(time.as_millis()).expect("a span of time");
        self.hand.fetch_add(ms, Ordering::SeqCst);
    }

    /// The server itself, for what is not to be seen from outside.
    ///
    /// # Panics
    /// When it is stopped.
    pub fn server(&self) -> Arc<Server> {
        let running = self.running.lock().expect("no test panicked here");
        Arc::clone(&running.as_ref().expect("the server runs").server)
    }

    /// Stops the server as SIGTERM does; connections are told to come back.
    ///
    /// # Panics
    /// When it is stopped already, or ends badly.
    pub async fn stop(&self) {
        let running = self.running.lock().expect("no test panicked here").take();
        let running = running.expect("the server runs");
        running.stop.send(()).expect("the server waits for it");
        let ended = running.task.await.expect("the server does not panic");
        ended.expect("the server ends well");
    }

    /// Starts the server again, on the same port and the same store.
    ///
    /// # Panics
    /// When it runs already.
    pub async fn starts_again(&self) {
        self.starts_again_as(self.setup).await;
    }

    /// The same, as another set-up says.
    ///
    /// # Panics
    /// When it runs already.
    pub async fn starts_again_as(&self, setup: Setup) {
        assert!(setup.embedded, "a store in memory is gone");
        let turn = self.starts.fetch_add(1, Ordering::SeqCst);
        let (folder, address) = (self.folder.path(), self.wire.address());
        let running = Running::start(setup, &self.hand, folder, &address, turn).await;
        let before = self
            .running
            .lock()
            .expect("no test panicked here")
            .replace(running);
        assert!(before.is_none(), "the server runs already");
    }
}

impl Running {
    async fn start(
        setup: Setup,
        hand: &Arc<AtomicI64>,
        folder: &Path,
        address: &str,
        turn: i64,
    ) -> Self {
        let clock = if setup.by_hand {
            Clock::by_hand(Arc::clone(hand))
        } else {
            Clock::system()
        };
        // Another seed at each start: a restart must not draw the ids of the last run again.
        let seed = setup
            .seed
            .wrapping_mul(1_000)
            .wrapping_add(turn.unsigned_abs());
        let store = if setup.embedded {
            Store::embedded(folder, Limits::default(), clock.as_fn()).expect("a store")
        } else {
            Store::memory(Limits::default(), clock.as_fn())
        };
        let mut options = Options::new(store, clock, Random::seeded(seed));
        options.blobs = Some(Arc::new(storage::blob::Folder::new(
            folder.join("files"),
            0,
        )));
        options.folder = setup.embedded.then(|| folder.to_owned());
        (options.per_user, options.per_address) = if setup.limits {
            (PER_USER, PER_ADDRESS)
        } else {
            (NO_LIMIT, NO_LIMIT)
        };
        if let Some(most) = setup.conversations {
            options.conversations_per_user = most;
        }
        if setup.impatient {
            options.effects_wait = Duration::ZERO;
        }
        if let Some(deadline) = setup.deadline {
            options.call_deadline = deadline;
        }
        let server = Server::start(options).await.expect("a server");
        server.node.begin_setup(SETUP_TOKEN);
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&server);
        let task = tokio::spawn(async move {
            let stopped = async {
                // A world that is dropped without a word stops its server too.
                let _ = stopped.await;
            };
            serving.serve(listener, stopped).await
        });
        Self {
            address,
            server,
            stop,
            task,
        }
    }
}
