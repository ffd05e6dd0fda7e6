//! Several nodes that are one server. Each has connections; one of them owns the journal, and with it delivery,
//! effects and jobs. The others send it their commits over the link, and hear over the bus what to push. What
//! the bus loses is asked for over the link, so it only makes things fast.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dashmap::DashMap;
use storage::cluster::{Link, LinkError, ServerAt, Term};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout};

use crate::bus::{Bus, Inbox, Start};
use crate::delivery::Connections;
use crate::ids::UserId;
use crate::node::Node;

mod follow;
mod message;
mod routes;
mod spread;
mod streams;
mod terms;

use message::{Ask, Envelope, Frame, Mark, People, Reply, decode, encode};
use routes::{PeerId, Routes};
use streams::{Outgoing, Page};
use terms::Terms;

pub(crate) use spread::Spread;

/// How long an answer waits for the pushes that belong before it. They come anyway.
const PUSHES_WAIT: Duration = Duration::from_secs(1);
/// How long the bus may take before they are asked for.
const BUS_WAIT: Duration = Duration::from_millis(20);
/// A new connection waits so long until the owner knows of it. Later it is told to look for itself.
const OWNER_WAIT: Duration = Duration::from_secs(1);
/// A start waits so long until the owner knows the node: it looks who lives once a second.
const START_WAIT: Duration = Duration::from_secs(10);
/// A question about nothing durable is given up after this long.
const ASK_WAIT: Duration = Duration::from_secs(1);
/// Envelopes of one node between the bus and who handles them; more are asked for again.
const ENVELOPES_WAITING: usize = 1_024;

/// Carries a question to the node at an address, and its answer back. `gateway` implements it.
#[async_trait]
pub trait Wire: Send + Sync + 'static {
    /// Has the node at `address` [`Cluster::answer`] the question.
    async fn ask(&self, address: &str, question: Bytes) -> Result<Bytes, LinkError>;
}

/// What makes a node one of several.
pub struct InCluster {
    /// Its view of the others.
    pub cluster: Arc<Cluster>,
    /// The terms in which it owns the journal.
    pub terms: mpsc::Receiver<Term>,
    /// What comes in over the bus.
    pub inbox: Inbox,
}

/// One node's view of the others.
pub struct Cluster {
    me: ServerAt,
    start: Start,
    bus: Arc<dyn Bus>,
    wire: Arc<dyn Wire>,
    /// Known once the node runs.
    here: OnceLock<Here>,
    peers: DashMap<Start, Arc<Peer>>,
    by_id: DashMap<PeerId, Arc<Peer>>,
    next_id: AtomicU32,
    routes: Routes,
    /// What is said of who is online leaves in the order in which it was found.
    saying: Mutex<()>,
    /// People whose connections the owner may not know of.
    unheard: Mutex<std::collections::HashSet<UserId>>,
    unheard_changed: Notify,
    /// The term in which this node owns the journal; 0 while it does not.
    own_term: AtomicU64,
    /// Which term's pushes still go out.
    terms: Terms,
    /// Up to where nodes were heard that seemed gone: one that only stood still comes back.
    before: DashMap<Start, Mark>,
}

struct Here {
    node: Weak<Node>,
    local: Arc<dyn Connections>,
}

/// Another node.
struct Peer {
    id: PeerId,
    start: Start,
    address: String,
    out: Mutex<Outgoing>,
    frames: mpsc::Sender<(Mark, Vec<Bytes>)>,
    heard: watch::Sender<Mark>,
    pull: Notify,
}

impl Peer {
    /// The last frame that was sent to it.
    fn sent(&self) -> Mark {
        Mark {
            stream: self.id,
            number: self.out().last(),
        }
    }

    fn out(&self) -> std::sync::MutexGuard<'_, Outgoing> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `chaoke status` and the metrics tell of a node's neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its name.
    pub name: String,
    /// Where it is reached.
    pub address: String,
    /// Number of the last frame that was sent to it.
    pub sent: u64,
    /// Number up to which its frames were heard.
    pub heard: u64,
}

impl Cluster {
    /// A node that does not run yet.
    pub fn new(me: ServerAt, start: Start, bus: Arc<dyn Bus>, wire: Arc<dyn Wire>) -> Arc<Self> {
        Arc::new(Self {
            me,
            start,
            bus,
            wire,
            here: OnceLock::new(),
            peers: DashMap::new(),
            by_id: DashMap::new(),
            // 0 is the stream of which nothing was heard yet.
            next_id: AtomicU32::new(1),
            routes: Routes::default(),
            saying: Mutex::default(),
            unheard: Mutex::default(),
            unheard_changed: Notify::new(),
            own_term: AtomicU64::new(0),
            terms: Terms::default(),
            before: DashMap::new(),
        })
    }

    /// The node is there: begins to hear the others.
    pub(crate) fn begin(
        self: &Arc<Self>,
        node: &Arc<Node>,
        local: Arc<dyn Connections>,
        inbox: Inbox,
    ) {
        let here = Here {
            node: Arc::downgrade(node),
            local,
        };
        if self.here.set(here).is_ok() {
            follow::begin(self, &node.store, inbox);
        }
    }

    /// Waits a bounded time until the owner knows this node: connections that open earlier would have to look
    /// for themselves soon after.
    pub(crate) async fn is_known(&self) {
        let until = Instant::now() + START_WAIT;
        while !self.owner_knows(OWNER_WAIT).await {
            if Instant::now() >= until {
                tracing::warn!("the node that writes does not know this one yet");
                return;
            }
            tokio::time::sleep(follow::AGAIN).await;
        }
    }

    fn node(&self) -> Option<Arc<Node>> {
        self.here.get()?.node.upgrade()
    }

    /// What this node is.
    pub const fn member(&self) -> &ServerAt {
        &self.me
    }

    /// Whether the bus carries frames now.
    pub fn bus_is_connected(&self) -> bool {
        self.bus.connected()
    }

    /// The other nodes, by name.
    pub fn neighbours(&self) -> Vec<Neighbour> {
        let neighbour = |peer: &Arc<Peer>| Neighbour {
            name: peer.start.node.clone(),
            address: peer.address.clone(),
            sent: peer.out().last(),
            heard: peer.heard.borrow().number,
        };
        let mut all: Vec<_> = self.peers.iter().map(|entry| neighbour(&entry)).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn peer_at(&self, address: &str) -> Option<Arc<Peer>> {
        let found = self.peers.iter().find(|entry| entry.address == address);
        found.map(|entry| Arc::clone(&entry))
    }

    /// Gives the bus what is queued for another node.
    fn give(&self, peer: &Peer) {
        // Inside the lock, so that the bus carries the numbers in order.
        let mut out = peer.out();
        while let Some((number, frames)) = out.give() {
            let envelope = encode(&Envelope {
                from: self.start.clone(),
                mark: Mark {
                    stream: peer.id,
                    number,
                },
                frames,
            });
            // What the bus does not take is asked for.
            self.bus.send(&peer.start, envelope);
        }
    }

    /// Gives the bus what is queued for anybody.
    fn give_all(&self) {
        for peer in &self.peers {
            self.give(&peer);
        }
    }

    fn send_to_all(&self, frame: &Frame) {
        let frame = encode(frame);
        for peer in &self.peers {
            peer.out().push(frame.clone());
            self.give(&peer);
        }
    }

    async fn ask(&self, address: &str, ask: &Ask) -> Result<Reply, LinkError> {
        let question = encode(&(&self.start, ask));
        let said = self.wire.ask(address, question).await?;
        decode(&said).ok_or_else(|| LinkError::Lost("the answer cannot be read".to_owned()))
    }

    /// As [`Cluster::ask`], for what may be given up.
    async fn ask_soon(&self, address: &str, ask: &Ask) -> Option<Reply> {
        timeout(ASK_WAIT, self.ask(address, ask)).await.ok()?.ok()
    }

    /// Answers a question of another node.
    pub async fn answer(&self, question: &[u8]) -> Bytes {
        let reply = match decode::<(Start, Ask)>(question) {
            Some((from, ask)) => self.reply(&from, ask).await.unwrap_or(Reply::Not),
            None => Reply::Not,
        };
        encode(&reply)
    }

    async fn reply(&self, from: &Start, ask: Ask) -> Option<Reply> {
        let peer = self.peers.get(from).map(|entry| Arc::clone(&entry));
        Some(match ask {
            Ask::Alive => Reply::Alive,
            Ask::Commit(question) => {
                let node = self.node()?;
                let accepted = node.store.accept(&question).await;
                if let Some(position) = accepted.position {
                    node.delivery.passed(position).await;
                }
                Reply::Commit {
                    reply: accepted.reply,
                    sent: sent_to(peer.as_deref()),
                }
            }
            Ask::EffectsRan(position) => {
                let done = self.node()?.effects.passed_here(position).await;
                let sent = sent_to(peer.as_deref());
                Reply::Effects { done, sent }
            }
            Ask::EffectsKept(position) => {
                let done = self.node()?.effects.kept_here(position).await;
                let sent = Mark::default();
                Reply::Effects { done, sent }
            }
            Ask::TryParked => {
                self.node()?.effects.try_parked_here();
                Reply::Effects {
                    done: true,
                    sent: Mark::default(),
                }
            }
            Ask::Online => {
                let online = self.here.get()?.local.all_online();
                Reply::Online(online.into_iter().collect())
            }
            Ask::After(mark) => {
                let peer = peer?;
                if mark.stream != peer.id {
                    return Some(Reply::Other(peer.id));
                }
                let page = peer.out().after(mark.number);
                match page {
                    Page::Frames { frames, more } => Reply::After {
                        frames,
                        more,
                        bus: self.bus.connected(),
                    },
                    Page::Gone => Reply::Gone(peer.sent()),
                }
            }
            Ask::Heard(mark) => Reply::Heard(wait_heard(&*peer?, mark, OWNER_WAIT).await),
        })
    }

    /// The node that owns the journal, if it is another one.
    fn owner(&self) -> Option<Arc<Peer>> {
        let address = self.node()?.store.owner()?;
        self.peer_at(&address)
    }

    /// Whether this node owns the journal.
    fn owns(&self) -> bool {
        let node = self.node();
        node.is_some_and(|node| node.store.owner().as_deref() == Some(""))
    }

    /// A term of this node begins.
    pub(crate) fn begin_term(&self, start: u64) {
        self.own_term.store(start, Ordering::SeqCst);
        self.terms.begin(start);
    }

    /// It has ended.
    pub(crate) fn end_term(&self) {
        self.own_term.store(0, Ordering::SeqCst);
    }

    fn own_term(&self) -> u64 {
        self.own_term.load(Ordering::SeqCst)
    }

    /// Asks the owner about effects; nothing if this node is it.
    pub(crate) async fn of_owner(
        &self,
        about: Effects,
        position: u64,
        patience: Duration,
    ) -> Option<bool> {
        if self.owns() {
            return None;
        }
        let ask = match about {
            Effects::Ran => Ask::EffectsRan(position),
            Effects::Kept => Ask::EffectsKept(position),
            Effects::TryParked => Ask::TryParked,
        };
        let Some(owner) = self.owner() else {
            return Some(false);
        };
        let asked = timeout(patience + ASK_WAIT, self.ask(&owner.address, &ask)).await;
        match asked {
            Ok(Ok(Reply::Effects { done, sent })) => {
                wait_heard(&owner, sent, PUSHES_WAIT).await;
                Some(done)
            }
            _ => Some(false),
        }
    }

    /// Tells the others whether `user` has a connection here.
    pub fn say(&self, user: UserId) {
        let Some(here) = self.here.get() else { return };
        let _order = self.saying.lock().unwrap_or_else(PoisonError::into_inner);
        let (one, none) = (std::iter::once(user).collect(), People::default());
        let frame = if here.local.online(user) {
            Frame::Online {
                came: one,
                went: none,
            }
        } else {
            Frame::Online {
                came: none,
                went: one,
            }
        };
        self.send_to_all(&frame);
    }

    /// Tells the others that `user` has a connection here, and waits a bounded time until the owner knows: what
    /// is written afterwards is pushed to it. If it takes longer the connection is told to look for itself.
    pub async fn announce(&self, user: UserId) {
        self.say(user);
        if !self.owner_knows(OWNER_WAIT).await {
            let mut unheard = self.unheard.lock().unwrap_or_else(PoisonError::into_inner);
            unheard.insert(user);
            self.unheard_changed.notify_one();
        }
    }

    /// Whether the owner has heard everything that was said so far.
    async fn owner_knows(&self, patience: Duration) -> bool {
        if self.owns() {
            return true;
        }
        let Some(owner) = self.owner() else {
            return false;
        };
        let said = owner.sent();
        let asked = timeout(patience, self.ask(&owner.address, &Ask::Heard(said))).await;
        matches!(asked, Ok(Ok(Reply::Heard(true))))
    }
}

/// What is asked about effects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Effects {
    Ran,
    Kept,
    TryParked,
}

fn sent_to(peer: Option<&Peer>) -> Mark {
    peer.map_or_else(Mark::default, Peer::sent)
}

/// Waits until everything up to `mark` was heard of a node; asks for it if the bus takes long.
async fn wait_heard(peer: &Peer, mark: Mark, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    let mut heard = peer.heard.subscribe();
    let reached =
        |at: &Mark| mark.number == 0 || (at.stream == mark.stream && at.number >= mark.number);
    if reached(&heard.borrow_and_update()) {
        return true;
    }
    if let Ok(waited) = timeout(BUS_WAIT, heard.wait_for(reached)).await {
        return waited.is_ok();
    }
    peer.pull.notify_one();
    matches!(
        tokio::time::timeout_at(until, heard.wait_for(reached)).await,
        Ok(Ok(_))
    )
}

#[async_trait]
impl Link for Cluster {
    async fn commit(&self, address: &str, question: Bytes) -> Result<Bytes, LinkError> {
        match self.ask(address, &Ask::Commit(question)).await? {
            Reply::Commit {
                reply: Some(reply),
                sent,
            } => {
                if let Some(owner) = self.peer_at(address) {
                    wait_heard(&owner, sent, PUSHES_WAIT).await;
                }
                Ok(reply)
            }
            _ => Err(LinkError::Lost("its writer ended".to_owned())),
        }
    }

    async fn answers(&self, address: &str) -> bool {
        matches!(
            self.ask_soon(address, &Ask::Alive).await,
            Some(Reply::Alive)
        )
    }
}

/// The link as the store takes it: the cluster knows the store, not the other way round.
pub struct LinkOf(pub Arc<Cluster>);

#[async_trait]
impl Link for LinkOf {
    async fn commit(&self, address: &str, question: Bytes) -> Result<Bytes, LinkError> {
        self.0.commit(address, question).await
    }

    async fn answers(&self, address: &str) -> bool {
        self.0.answers(address).await
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        tracing::debug!(node = %self.start, "a node is forgotten");
    }
}

fn next_peer(
    cluster: &Cluster,
    start: Start,
    address: String,
) -> (Arc<Peer>, mpsc::Receiver<(Mark, Vec<Bytes>)>) {
    let (frames, came) = mpsc::channel(ENVELOPES_WAITING);
    let before = cluster.before.remove(&start);
    let heard = before.map_or_else(Mark::default, |(_, mark)| mark);
    let peer = Peer {
        id: cluster.next_id.fetch_add(1, Ordering::Relaxed),
        start,
        address,
        out: Mutex::default(),
        frames,
        heard: watch::Sender::new(heard),
        pull: Notify::new(),
    };
    (Arc::new(peer), came)
}
