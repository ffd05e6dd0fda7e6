//! The bus between machines: NATS core.
//!
//! One connection, one subscription for this start and one for all. A frame that cannot leave now is refused, not
//! kept: what was missed is asked for by numbers, and an old push is worth nothing. NATS may be away when a node
//! starts and at any time after that.

mod connect;
mod export;
mod order;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Message, Statistics, Subject, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;

use super::subject::{self, Origin, Subjects};
use super::{Bus, BusError, FRAME_BYTES_MAX, Inbox, Start};
pub use export::JetStream;
use order::{Came, Look, Order};

/// Frames that wait to leave: what a busy node sends in a tenth of a second.
const OUTGOING_FRAMES: usize = 4096;

/// Bytes of frames that wait to leave: a server cuts off who lets it wait with more (`max_pending`).
const OUTGOING_BYTES: usize = 64 << 20;

/// Frames that wait to be handed on, for each subscription. They are taken as soon as they come, since what an
/// inbox does not take is dropped; so this is for the moments in which no thread is free. With 4,096 a machine
/// of two cores under full load lost one in a hundred.
const INCOMING_FRAMES: usize = 16_384;

/// How long the last frames of an end that is dropped may take to leave.
const LEAVE_MS: u64 = 5000;

/// What proves to a NATS server who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum NatsLogin {
    /// A user and a password.
    Password {
        /// The user.
        name: String,
        /// Never shown.
        secret: String,
    },
    /// A token, never shown.
    Token(String),
}

impl std::fmt::Debug for NatsLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Password { name, .. } => f
                .debug_struct("Password")
                .field("name", name)
                .finish_non_exhaustive(),
            Self::Token(_) => f.debug_struct("Token").finish_non_exhaustive(),
        }
    }
}

/// Where the NATS servers are.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// Some of them as `host:port`; they tell of the others.
    pub addresses: Vec<String>,
    /// The name of the cluster, `chaoke` if there is no other: 1 to 32 of a-z, 0-9 and `-`. Clusters of different
    /// names share a server without hearing each other.
    pub prefix: String,
    /// Nothing if the servers ask for none.
    pub login: Option<NatsLogin>,
    /// Certificates (PEM) of who may sign the servers' certificates; TLS is used if this is given.
    pub tls_ca: Option<PathBuf>,
}

/// One end of a bus over NATS.
pub struct Nats {
    client: Client,
    subjects: Subjects,
    me: Start,
    outgoing: mpsc::Sender<Outgoing>,
    tally: Arc<Tally>,
}

/// A frame that waits to leave.
struct Outgoing {
    to: String,
    frame: Bytes,
    /// The how many-th connection it is for.
    connection: u64,
}

/// What the tasks of one end count.
#[derive(Default)]
struct Tally {
    dropped: AtomicU64,
    /// Frames that found their subscription full, as the client tells. In a flood it does not tell of each.
    slow: AtomicU64,
    /// The same, by what came and what was taken: one less than there were, or none.
    missing: AtomicU64,
    outgoing_bytes: AtomicUsize,
    /// Something went wrong since the last connection, and it was told.
    told: AtomicBool,
}

impl Tally {
    fn drop_frames(&self, frames: u64) {
        self.dropped.fetch_add(frames, Ordering::Relaxed);
    }

    fn all(&self) -> u64 {
        let [dropped, slow, missing] =
            [&self.dropped, &self.slow, &self.missing].map(|count| count.load(Ordering::Relaxed));
        dropped + slow.max(missing)
    }
}

impl Nats {
    /// Opens the end of `me`, whose boot is used for the first time, with an inbox for `capacity` frames, 1 at
    /// least. Waits some seconds for a server; without one it goes on and connects later. It ends when both the
    /// bus and the inbox are dropped.
    ///
    /// # Errors
    /// [`BusError::Unfit`]: an address, a name or a file cannot be meant. [`BusError::Refused`]: a server is there
    /// and does not accept the login, or its certificate is not accepted.
    pub async fn open(
        options: NatsOptions,
        me: Start,
        capacity: usize,
    ) -> Result<(Arc<dyn Bus>, Inbox), BusError> {
        let me = Start::new(&me.node, me.boot)?;
        let subjects = Subjects::new(&options.prefix)?;
        let tally = Arc::new(Tally::default());
        let client = connect::connect(&options, &me, &tally).await?;
        let own = subjects.of(&me);
        // A frame for this node alone tells a sender that the node listens, so that one comes last.
        let all = subscribe(&client, subjects.all()).await?;
        let alone = subscribe(&client, own.clone()).await?;
        let (inbox, taken) = mpsc::channel(capacity.max(1));
        let incoming = Incoming {
            own: own.clone(),
            tally: Arc::clone(&tally),
            came: client.statistics(),
            taken: 0,
            inbox,
        };
        tokio::spawn(incoming.run(alone, all));
        let (outgoing, waiting) = mpsc::channel(OUTGOING_FRAMES);
        tokio::spawn(publish(client.clone(), own, waiting, Arc::clone(&tally)));
        let bus = Self {
            client,
            subjects,
            me,
            outgoing,
            tally,
        };
        Ok((Arc::new(bus), taken))
    }

    fn queue(&self, to: String, frame: Bytes) -> bool {
        // A server may take less than others do.
        let largest = FRAME_BYTES_MAX.min(self.client.max_payload());
        let bytes = frame.len();
        if bytes > largest || !self.connected() {
            return self.refuse();
        }
        let waiting = &self.tally.outgoing_bytes;
        if waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > OUTGOING_BYTES {
            waiting.fetch_sub(bytes, Ordering::Relaxed);
            return self.refuse();
        }
        let outgoing = Outgoing {
            to,
            frame,
            connection: connection(&self.client),
        };
        if self.outgoing.try_send(outgoing).is_err() {
            waiting.fetch_sub(bytes, Ordering::Relaxed);
            return self.refuse();
        }
        true
    }

    fn refuse(&self) -> bool {
        self.tally.drop_frames(1);
        false
    }
}

impl Bus for Nats {
    fn send(&self, to: &Start, frame: Bytes) -> bool {
        if *to == self.me || !to.is_sound() {
            return self.refuse();
        }
        self.queue(self.subjects.of(to), frame)
    }

    fn send_all(&self, frame: Bytes) -> bool {
        self.queue(self.subjects.all(), frame)
    }

    fn connected(&self) -> bool {
        is_connected(&self.client)
    }

    fn dropped(&self) -> u64 {
        self.tally.all()
    }
}

fn is_connected(client: &Client) -> bool {
    client.connection_state() == State::Connected
}

/// The how many-th connection this is.
fn connection(client: &Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}

async fn subscribe(client: &Client, subject: String) -> Result<Subscriber, BusError> {
    let subscribed = client.subscribe(subject).await;
    // The subject is sound and the client was just made, so this does not happen.
    subscribed.map_err(|error| BusError::Unfit(format!("NATS takes no subscription: {error}")))
}

/// Hands frames to the client as fast as it takes them, numbered in the order in which they leave.
async fn publish(
    client: Client,
    own: String,
    mut waiting: mpsc::Receiver<Outgoing>,
    tally: Arc<Tally>,
) {
    let mut number = 0;
    while let Some(outgoing) = waiting.recv().await {
        let bytes = outgoing.frame.len();
        // What waited while the connection broke is old.
        let current = outgoing.connection == connection(&client) && is_connected(&client);
        let left = current && {
            number += 1;
            let origin = subject::origin(&own, number);
            let (to, frame) = (outgoing.to, outgoing.frame);
            client.publish_with_reply(to, origin, frame).await.is_ok()
        };
        tally.outgoing_bytes.fetch_sub(bytes, Ordering::Relaxed);
        if !left {
            tally.drop_frames(1);
        }
    }
    // What was taken still leaves, so that a node that goes can say so. That nobody answers there is an answer,
    // and proves that the server has read all before; a flush of the client proves nothing while the socket is full.
    if is_connected(&client) {
        let asked = client.request(subject::origin(&own, number + 1), Bytes::new());
        let _ = tokio::time::timeout(Duration::from_millis(LEAVE_MS), asked).await;
    }
}

/// Hands on what comes in.
struct Incoming {
    /// The own subject: frames from it are echoes.
    own: String,
    tally: Arc<Tally>,
    came: Arc<Statistics>,
    /// Messages taken from the subscriptions, of whatever kind.
    taken: u64,
    inbox: mpsc::Sender<Bytes>,
}

impl Incoming {
    async fn run(mut self, mut alone: Subscriber, mut all: Subscriber) {
        let mut order = Order::default();
        loop {
            let mut look = Look::default();
            if !order.carries() {
                let went_on = tokio::select! {
                    first = alone.next() => self.take(first, &mut look.own),
                    first = all.next() => self.take(first, &mut look.all),
                    () = self.inbox.closed() => false,
                };
                if !went_on {
                    return;
                }
            }
            let came = self.came.in_messages.load(Ordering::Relaxed);
            self.take_all(&mut alone, &mut look.own);
            self.take_all(&mut all, &mut look.all);
            self.take_all(&mut alone, &mut look.late);
            // The client counts a message first and queues it then: one may be on the way between the two.
            let missing = came.saturating_sub(self.taken + 1);
            self.tally.missing.fetch_max(missing, Ordering::Relaxed);
            let (ready, late) = order.settle(look);
            self.tally.drop_frames(late);
            for frame in ready {
                if !self.hand_on(frame) {
                    return;
                }
            }
            // The looks do not let others have their turn.
            tokio::task::consume_budget().await;
        }
    }

    /// Takes what lies there now.
    fn take_all(&mut self, subscriber: &mut Subscriber, into: &mut Vec<Came>) {
        // More than its size cannot have lain there when this began.
        for _ in 0..INCOMING_FRAMES {
            // Unconstrained: a queue that pretends to be empty would be a lie about the order.
            let next = tokio::task::unconstrained(subscriber.next()).now_or_never();
            match next {
                Some(Some(message)) => self.take(Some(message), into),
                _ => return,
            };
        }
    }

    /// Whether there may be more.
    fn take(&mut self, message: Option<Message>, into: &mut Vec<Came>) -> bool {
        let Some(message) = message else {
            return false;
        };
        self.taken += 1;
        match self.read(message) {
            Ok(came) => into.extend(came),
            Err(subject) => {
                tracing::debug!(%subject, "somebody else publishes here");
                self.tally.drop_frames(1);
            }
        }
        true
    }

    /// The frame of a message, none if it is an echo of one's own; an error if no node has sent it.
    fn read(&self, message: Message) -> Result<Option<Came>, Subject> {
        let told = message.reply.filter(|_| message.status.is_none());
        let Some(told) = told else {
            return Err(message.subject);
        };
        let Some(Origin { sender, number }) = subject::read_origin(&told) else {
            return Err(message.subject);
        };
        if sender == self.own {
            return Ok(None);
        }
        Ok(Some(Came {
            number,
            told,
            frame: message.payload,
        }))
    }

    /// Whether somebody still reads the inbox.
    fn hand_on(&self, frame: Bytes) -> bool {
        match self.inbox.try_send(frame) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.tally.drop_frames(1);
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> NatsOptions {
        NatsOptions {
            addresses: vec!["127.0.0.1:4222".to_owned()],
            prefix: "chaoke".to_owned(),
            login: None,
            tls_ca: None,
        }
    }

    async fn refused(change: impl FnOnce(&mut NatsOptions), says: &str) {
        let mut options = options();
        change(&mut options);
        let me = Start::new("node", 1).unwrap();
        let Err(BusError::Unfit(why)) = Nats::open(options, me, 1).await else {
            panic!("it was opened, or refused by somebody else: {says}");
        };
        assert!(why.contains(says), "{why}");
    }

    #[tokio::test]
    async fn what_cannot_be_meant_is_told_in_a_sentence() {
        refused(|o| o.addresses.clear(), "no address").await;
        for wrong in [
            "host",
            ":4222",
            "host:",
            "host:0",
            "host:port",
            "host:99999",
            "nats://host:1",
            "name:secret@host:1",
            "ho st:1",
        ] {
            let given = vec!["127.0.0.1:4222".to_owned(), wrong.to_owned()];
            refused(|o| o.addresses = given, "write host:port").await;
        }
        refused(|o| o.prefix = "a.b".to_owned(), "no name of a cluster").await;
        let absent = Some(PathBuf::from("/nowhere/ca.pem"));
        refused(|o| o.tls_ca = absent, "/nowhere/ca.pem").await;
        let me = Start {
            node: "A".to_owned(),
            boot: 1,
        };
        let why = Nats::open(options(), me, 1).await.err().unwrap();
        assert!(why.to_string().contains("no name of a node"), "{why}");
    }

    #[test]
    fn only_what_other_nodes_send_is_taken() {
        let subjects = Subjects::new("chaoke").unwrap();
        let [own, other] = ["own", "other"].map(|node| subjects.of(&Start::new(node, 1).unwrap()));
        let (inbox, _taken) = mpsc::channel(1);
        let mut incoming = Incoming {
            own: own.clone(),
            tally: Arc::default(),
            came: Arc::default(),
            taken: 0,
            inbox,
        };
        let message = |reply: Option<String>, status| Message {
            subject: Subject::from(own.as_str()),
            reply: reply.map(Subject::from),
            payload: Bytes::from_static(b"hello"),
            headers: None,
            status,
            description: None,
            length: 5,
        };
        let mut taken = Vec::new();
        let told = subject::origin(&other, 7);
        let status = Some(async_nats::StatusCode::NO_RESPONDERS);
        let strange = [
            message(None, None),
            message(Some("elsewhere".to_owned()), None),
            message(Some(told.clone()), status),
        ];
        for message in strange {
            assert!(incoming.take(Some(message), &mut taken));
        }
        assert_eq!(incoming.tally.dropped.load(Ordering::Relaxed), 3);
        let echo = message(Some(subject::origin(&own, 7)), None);
        assert!(incoming.take(Some(echo), &mut taken));
        assert!(taken.is_empty());
        assert!(incoming.take(Some(message(Some(told), None)), &mut taken));
        assert_eq!((taken[0].number, &taken[0].frame[..]), (7, &b"hello"[..]));
        assert!(!incoming.take(None, &mut taken));
        assert_eq!(incoming.taken, 5);
        assert_eq!(incoming.tally.dropped.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let password = NatsLogin::Password {
            name: "name".to_owned(),
            secret: "hidden".to_owned(),
        };
        for login in [password, NatsLogin::Token("hidden".to_owned())] {
            let options = NatsOptions {
                login: Some(login),
                ..options()
            };
            assert!(!format!("{options:?}").contains("hidden"));
        }
    }
}
