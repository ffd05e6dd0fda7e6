//! A server on the wire: the node, the table of methods, the open connections, and the one way by
//! which every call comes in.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chat_core::api::codec::Params;
use chat_core::api::{Access, Answer, ApiError, Class, Codec, Registry};
use chat_core::clock::Clock;
use chat_core::cluster::InCluster;
use chat_core::ctx::{Caller, CookieChange, Ctx, Origin};
use chat_core::delivery::{ConnectionId, Connections};
use chat_core::directory::guard::{PER_ADDRESS, PER_USER, Rate};
use chat_core::export::Export;
use chat_core::ids::Id;
use chat_core::limits::{CONVERSATIONS_PER_USER, EFFECTS_WAIT_MS};
use chat_core::node::{Node, Parts};
use chat_core::random::Random;
use chat_core::secret::Passwords;
use chat_core::{permission, presence};
use storage::Store;
use storage::blob::Blobs;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::door::{Door, Peer};
use crate::files;
use crate::http;
use crate::machine::Machine;
use crate::metrics::Metrics;
use crate::proxies::Proxies;
use crate::public_url::PublicUrl;
use crate::trace::{self, CALL, Parent};
use crate::ws::hub::Hub;
use crate::ws::wheel::{self, Wheel};

/// A call is given up after this long (wire contract).
pub const CALL_DEADLINE: Duration = Duration::from_secs(10);
/// Connections that are told to go come back within this time.
pub const DRAIN_SPREAD_MS: u64 = 2_000;
/// Methods whose success shows that the caller is no stranger. Signing out succeeds for anybody.
const KNOWN_BY: [&str; 2] = ["session.sign_in", "session.refresh"];
/// How long a stopping server waits for its connections to close.
const DRAIN_WAIT_MS: u64 = 3_000;
/// How long it waits for its store: a database that is away would keep it for ever. What was answered is safe.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// What a server is started with.
pub struct Options {
    /// The truth.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Where ids and secrets come from.
    pub random: Random,
    /// Origins that may open connections beside the server's own address.
    pub origins: Vec<String>,
    /// The address that people type.
    pub public_url: Option<PublicUrl>,
    /// Whose word about callers is believed.
    pub proxies: Proxies,
    /// Where the set-up link is written, if anywhere.
    pub setup_link: Option<PathBuf>,
    /// Calls per user.
    pub per_user: Rate,
    /// Calls per address before sign-in.
    pub per_address: Rate,
    /// Conversations of one person at most.
    pub conversations_per_user: i64,
    /// A call is given up after this long.
    pub call_deadline: Duration,
    /// An answer waits this long for the effects of its commit.
    pub effects_wait: Duration,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// What makes it one of several.
    pub cluster: Option<InCluster>,
    /// Who outside is told what happens.
    pub export: Option<Arc<dyn Export>>,
    /// The folder of a store on this machine.
    pub folder: Option<PathBuf>,
    /// Where the bytes of files are, if anywhere.
    pub blobs: Option<Arc<dyn Blobs>>,
}

impl Options {
    /// The usual limits.
    pub fn new(store: Store, clock: Clock, random: Random) -> Self {
        Self {
            store,
            clock,
            random,
            origins: vec![],
            public_url: None,
            proxies: Proxies::default(),
            setup_link: None,
            per_user: PER_USER,
            per_address: PER_ADDRESS,
            conversations_per_user: CONVERSATIONS_PER_USER,
            call_deadline: CALL_DEADLINE,
            effects_wait: Duration::from_millis(EFFECTS_WAIT_MS),
            passwords: Passwords::default(),
            cluster: None,
            export: None,
            folder: None,
            blobs: None,
        }
    }
}

/// A call as it came in, by either entrance.
pub struct Call {
    /// Its name.
    pub method: String,
    /// Who calls, if he said so.
    pub caller: Option<Caller>,
    /// As they were sent.
    pub params: Params,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// The connection that it came by.
    pub connection: Option<ConnectionId>,
    /// How the answer is written.
    pub codec: Codec,
    /// The trace that it continues.
    pub trace: Option<Parent>,
}

/// What is run for somebody outside, as it is counted, logged and traced.
pub(crate) struct Run<'a> {
    /// A name of the table, or of another entrance.
    pub(crate) method: &'a str,
    /// Names it in the log.
    pub(crate) request_id: &'a str,
    /// The trace that it continues.
    pub(crate) trace: Option<Parent>,
}

/// A server on the wire.
pub struct Server {
    /// What runs without sockets.
    pub node: Arc<Node>,
    /// The table of methods.
    pub registry: Registry,
    /// The open connections.
    pub hub: Arc<Hub>,
    /// The one timer of all connections.
    pub wheel: Arc<Wheel>,
    /// Origins that may open connections beside the server's own address.
    pub origins: Vec<String>,
    /// The address that people type.
    pub public_url: Option<PublicUrl>,
    /// Whose word about callers is believed.
    pub proxies: Proxies,
    /// What is counted.
    pub metrics: Metrics,
    /// Room for parts of files that come in.
    pub parts: Semaphore,
    setup_link: Option<PathBuf>,
    link_removed: AtomicBool,
    call_deadline: Duration,
}

/// The table of methods of the whole product.
pub fn registry() -> Registry {
    let mut api = Registry::default();
    chat_core::register(&mut api);
    feeds::register(&mut api);
    conference::register(&mut api);
    crm_bridge::register(&mut api);
    api.seal()
}

impl Server {
    /// Starts everything but the listener.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn start(options: Options) -> Answer<Arc<Self>> {
        let hub = Arc::new(Hub::default());
        let connections: Arc<dyn Connections> = Arc::clone(&hub) as _;
        let mut parts = Parts::new(
            options.store,
            options.clock,
            options.random,
            connections,
            chat_core::effects(),
        );
        (parts.per_user, parts.per_address) = (options.per_user, options.per_address);
        parts.conversations_per_user = options.conversations_per_user;
        parts.effects_wait = options.effects_wait;
        parts.passwords = options.passwords;
        parts.jobs = chat_core::jobs();
        parts.cluster = options.cluster;
        parts.export = options.export;
        parts.blobs = options.blobs;
        parts.host = Arc::new(Machine {
            hub: Arc::clone(&hub),
            folder: options.folder,
        });
        let node = Node::start(parts).await?;
        chat_core::file::expire::begin_counting(&node).await?;
        chat_core::directory::editing::list_admins(&node).await?;
        let mut origins = options.origins;
        origins.extend(options.public_url.iter().map(ToString::to_string));
        let server = Arc::new(Self {
            node,
            registry: registry(),
            hub,
            wheel: Arc::default(),
            origins,
            public_url: options.public_url,
            proxies: options.proxies,
            metrics: Metrics::default(),
            parts: Semaphore::new(files::PARTS_AT_ONCE),
            setup_link: options.setup_link,
            link_removed: AtomicBool::new(false),
            call_deadline: options.call_deadline,
        });
        let each = Arc::downgrade(&server);
        let clock = server.node.clock.clone();
        tokio::spawn(wheel::run(
            Arc::clone(&server.wheel),
            move || clock.now_ms(),
            move || {
                let server = each.upgrade();
                async move {
                    if let Some(server) = server {
                        server.each_second().await;
                    }
                }
            },
        ));
        Ok(server)
    }

    /// Serves until `stop` is done, then lets the connections go and closes the store.
    ///
    /// # Errors
    /// The listener broke.
    pub async fn serve(
        self: &Arc<Self>,
        door: impl Into<Door>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let server = Arc::clone(self);
        let draining = Arc::new(Notify::new());
        let begins = Arc::clone(&draining);
        let stopping = async move {
            stop.await;
            server.hub.drain(DRAIN_SPREAD_MS);
            begins.notify_one();
        };
        let app = http::router(Arc::clone(self)).into_make_service_with_connect_info::<Peer>();
        let serving = axum::serve(door.into(), app).with_graceful_shutdown(stopping);
        let serving = tokio::spawn(serving.into_future());
        let outcome = until_drained(serving, &draining).await;
        if let Err(error) = self.node.hours.flush(&self.node.store).await {
            tracing::debug!(code = %error.code, "messages of the hour are not written");
        }
        let closed = tokio::time::timeout(CLOSE_WAIT, self.node.store.close()).await;
        if closed.is_err() {
            tracing::warn!("the store does not close; the server ends all the same");
        }
        outcome
    }

    /// Now, in milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        self.node.clock.now_ms()
    }

    /// A name for a call in the log.
    pub fn request_id(&self) -> String {
        Id::v7(self.now_ms(), self.node.random.bytes()).to_string()
    }

    /// Runs a call. Beside its answer, in its codec, it may tell what becomes of the browser's refresh cookie.
    pub async fn call(&self, call: Call) -> (Answer<Vec<u8>>, Option<CookieChange>) {
        let request_id = call.origin.request_id.clone();
        let ctx = Ctx::new(Arc::clone(&self.node), call.caller, call.key, call.origin);
        let mut ctx = match ctx {
            Ok(ctx) => ctx,
            Err(mut error) => {
                error.request_id = request_id;
                return (Err(error), None);
            }
        };
        ctx.connection = call.connection;
        // What was asked for may be anything; in logs and counts stand names of the table only.
        let method = self.registry.method(&call.method);
        let run = Run {
            method: method.map_or("unknown", |row| row.name.as_str()),
            request_id: &request_id,
            trace: call.trace,
        };
        let running = self.run(&call.method, ctx.clone(), call.params, call.codec);
        let outcome = self.watch(run, running).await;
        (outcome, ctx.cookie_change())
    }

    /// Has `running` end in time, and counts, logs and traces it under its names.
    ///
    /// # Errors
    /// Its own; `unknown` (`deadline`).
    pub(crate) async fn watch<T>(
        &self,
        run: Run<'_>,
        running: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        let began = Instant::now();
        let (method, request_id) = (run.method, run.request_id);
        let span =
            tracing::info_span!(CALL, method, %request_id, otel.name = Empty, otel.kind = Empty);
        trace::begins(&span, method, run.trace);
        let running = async {
            let outcome = running.await;
            let refused = outcome.as_ref().err().map(|error| error.code.as_str());
            tracing::debug!(refused, "answered");
            trace::ended(refused);
            outcome
        };
        let running = running.instrument(span);
        let outcome = tokio::time::timeout(self.call_deadline, running).await;
        let outcome = outcome.unwrap_or_else(|_| {
            Err(ApiError::new(
                Class::Unknown,
                "deadline",
                "服务器响应超时，请用同一编号重试",
                "The call took too long; send again with the same id",
            ))
        });
        self.metrics.called(method, &outcome, began.elapsed());
        outcome.map_err(|mut error| {
            if error.class == Class::Internal {
                tracing::error!(method, request_id, code = %error.code, "a call failed");
            }
            request_id.clone_into(&mut error.request_id);
            error
        })
    }

    async fn run(&self, method: &str, ctx: Ctx, params: Params, codec: Codec) -> Answer<Vec<u8>> {
        let row = self.registry.method(method).ok_or_else(unknown_method)?;
        let now_ms = self.now_ms();
        match ctx.caller {
            // Access before rates: a stranger learns nothing of a signed-in person's rate.
            Some(caller) => self.node.guard.call_by_user(caller.user_id, now_ms)?,
            None => self
                .node
                .guard
                .call_from_address(&ctx.origin.address, now_ms)?,
        }
        if row.access == Access::Public && ctx.connection.is_some() {
            return Err(ApiError::new(
                Class::Invalid,
                "http_only",
                "此方法只能通过 HTTP 调用",
                "This is for HTTP only",
            ));
        }
        permission::admit(&self.node.store, row.access, ctx.caller.as_ref()).await?;
        let stranger = ctx.caller.is_none().then(|| ctx.origin.address.clone());
        let outcome = row.call(ctx, params, codec).await;
        if let Some(address) = stranger.filter(|_| outcome.is_ok() && KNOWN_BY.contains(&method)) {
            self.node.guard.known_after_all(&address);
        }
        outcome
    }

    async fn each_second(&self) {
        if let Err(error) = presence::tell_watchers(&self.node).await {
            tracing::debug!(code = %error.code, "presence was not told");
        }
        self.remove_used_link().await;
    }

    /// The set-up link must not lie around once it was used.
    async fn remove_used_link(&self) {
        let Some(path) = &self.setup_link else { return };
        if self.node.setup_link_is_used() && !self.link_removed.swap(true, Ordering::Relaxed) {
            // Absent is as good.
            let _ = tokio::fs::remove_file(path).await;
        }
    }
}

/// Waits for the listener to end; a connection that does not close within [`DRAIN_WAIT_MS`] of the order to go is left
/// behind.
async fn until_drained(
    mut serving: JoinHandle<std::io::Result<()>>,
    draining: &Notify,
) -> std::io::Result<()> {
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = draining.notified() => {
            let wait = Duration::from_millis(DRAIN_WAIT_MS);
            match tokio::time::timeout(wait, &mut serving).await {
                Ok(ended) => ended,
                Err(_) => return Ok(()),
            }
        }
    };
    ended.unwrap_or(Ok(()))
}

fn unknown_method() -> ApiError {
    ApiError::new(
        Class::NotFound,
        "unknown_method",
        "没有这个方法",
        "There is no such method",
    )
}
