//! A WebSocket client that keeps everything it was sent, in order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::{Codec, Refusal, SOON};

/// Frames on their way out at most; a test that sends more waits.
const OUTGOING: usize = 64;

/// An event that was pushed.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// Its name.
    pub event: String,
    /// Its data.
    pub data: Value,
}

/// How the server closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The close code; 1006 when the connection was simply gone.
    pub code: u16,
    /// What stands beside it.
    pub reason: String,
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Connecting {
    /// Where to.
    pub address: String,
    /// Subprotocols offered, in this order.
    pub protocols: Vec<String>,
    /// The page that connects.
    pub origin: Option<String>,
    /// Bytes that the machine takes for a client that does not read; small makes a slow reader.
    pub receive_buffer: Option<u32>,
    /// How frames are written.
    pub codec: Codec,
}

impl Connecting {
    /// As an ordinary client does.
    pub fn new(address: &str, codec: Codec) -> Self {
        Self {
            address: address.to_owned(),
            protocols: vec![codec.protocol().to_owned()],
            origin: None,
            receive_buffer: None,
            codec,
        }
    }

    /// Connects.
    ///
    /// # Errors
    /// The HTTP status of a refused handshake.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn connect(self) -> Result<Socket, u16> {
        let mut request = format!("ws://{}/ws", self.address)
            .into_client_request()
            .expect("an address");
        let headers = request.headers_mut();
        if !self.protocols.is_empty() {
            let offered = self.protocols.join(", ");
            headers.insert("sec-websocket-protocol", offered.parse().expect("a header"));
        }
        if let Some(origin) = &self.origin {
            headers.insert("origin", origin.parse().expect("a header"));
        }
        let address = self.address.parse().expect("an IP address with a port");
        let tcp = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = self.receive_buffer {
            tcp.set_recv_buffer_size(bytes).expect("a buffer");
        }
        let stream = tcp.connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket");
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((stream, _)) => Ok(Socket::new(stream, self.codec)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no handshake: {error}"),
        }
    }
}

#[derive(Default)]
struct State {
    frames: Vec<Value>,
    pushes: Vec<Push>,
    replies: HashMap<u32, Result<Value, Refusal>>,
    closed: Option<Close>,
}

struct Shared {
    codec: Codec,
    state: Mutex<State>,
    changed: watch::Sender<()>,
    outgoing: mpsc::Sender<Message>,
    reading: watch::Sender<bool>,
    next_id: AtomicU32,
    task: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

/// A connection; cheap to clone. It is cut when the last clone is dropped.
#[derive(Clone)]
pub struct Socket {
    shared: Arc<Shared>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Ok(Some(task)) = self.task.get_mut().map(Option::take) {
            task.abort();
        }
    }
}

impl Socket {
    fn new(stream: WebSocketStream<TcpStream>, codec: Codec) -> Self {
        let (outgoing, to_send) = mpsc::channel(OUTGOING);
        let (reading, may_read) = watch::channel(true);
        let shared = Arc::new(Shared {
            codec,
            state: Mutex::default(),
            changed: watch::channel(()).0,
            outgoing,
            reading,
            next_id: AtomicU32::new(1),
            task: Mutex::default(),
        });
        let task = tokio::spawn(run(stream, Arc::downgrade(&shared), to_send, may_read));
        *shared.task.lock().expect("no test panicked here") = Some(task);
        Self { shared }
    }

    /// How this connection writes.
    pub fn codec(&self) -> Codec {
        self.shared.codec
    }

    /// Calls a method.
    ///
    /// # Errors
    /// What the server said.
    ///
    /// # Panics
    /// Without an answer in time.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, Refusal> {
        let id = self.ask(method, params).await;
        self.answer(id).await
    }

    /// Calls a method under a client id.
    ///
    /// # Errors
    /// What the server said.
    ///
    /// # Panics
    /// Without an answer in time.
    pub async fn call_as(&self, key: &str, method: &str, params: Value) -> Result<Value, Refusal> {
        let id = self.next_id();
        self.send(self.shared.codec.frame(&json!([id, method, params, key])))
            .await;
        self.answer(id).await
    }

    /// Sends a call and does not wait; gives its id.
    pub async fn ask(&self, method: &str, params: Value) -> u32 {
        let id = self.next_id();
        self.send(self.shared.codec.frame(&json!([id, method, params])))
            .await;
        id
    }

    /// The answer to call `id`.
    ///
    /// # Errors
    /// What the server said; the code `closed` when the connection ended first.
    ///
    /// # Panics
    /// Without an answer in time.
    pub async fn answer(&self, id: u32) -> Result<Value, Refusal> {
        // A call has 10 s by the contract.
        let limit = Duration::from_secs(12);
        let found = self.until(limit, |state| match state.replies.get(&id) {
            Some(reply) => Some(reply.clone()),
            None => state.closed.as_ref().map(|close| Err(cut(close))),
        });
        found
            .await
            .unwrap_or_else(|| panic!("no answer to call {id}"))
    }

    /// Sends a message as it is. A connection that is gone takes nothing.
    pub async fn send(&self, message: Message) {
        let _ = self.shared.outgoing.send(message).await;
    }

    /// Sends bytes as a frame of this connection's codec.
    pub async fn send_bytes(&self, bytes: Vec<u8>) {
        self.send(self.shared.codec.message(bytes)).await;
    }

    /// Waits for a push that `fits`.
    ///
    /// # Panics
    /// When none comes within 5 s.
    pub async fn sees_push(&self, what: &str, fits: impl Fn(&Push) -> bool) -> Push {
        let found = self
            .until(SOON, |state| {
                state.pushes.iter().find(|push| fits(push)).cloned()
            })
            .await;
        found.unwrap_or_else(|| panic!("{what} was not pushed; these were: {:#?}", self.pushes()))
    }

    /// Waits for an event of that name.
    ///
    /// # Panics
    /// When none comes within 5 s.
    pub async fn sees_event(&self, event: &str) -> Push {
        self.sees_push(event, |push| push.event == event).await
    }

    /// Waits until the connection is closed.
    ///
    /// # Panics
    /// When it is still open after 5 s.
    pub async fn closes(&self) -> Close {
        let found = self.until(SOON, |state| state.closed.clone()).await;
        found.expect("the connection closes")
    }

    /// Whether it is closed, and how.
    pub fn closed(&self) -> Option<Close> {
        self.state().closed.clone()
    }

    /// Everything that was pushed so far.
    pub fn pushes(&self) -> Vec<Push> {
        self.state().pushes.clone()
    }

    /// Everything that was pushed under that name so far.
    pub fn events(&self, event: &str) -> Vec<Value> {
        let state = self.state();
        let those = state.pushes.iter().filter(|push| push.event == event);
        those.map(|push| push.data.clone()).collect()
    }

    /// Everything that came, as it came.
    pub fn frames(&self) -> Vec<Value> {
        self.state().frames.clone()
    }

    /// Forgets the pushes so far.
    pub fn forget(&self) {
        self.state().pushes.clear();
    }

    /// Stops or goes on taking what the server sends.
    pub fn reads(&self, reads: bool) {
        self.shared.reading.send_replace(reads);
    }

    /// Cuts the connection without a word, as a lost network does.
    pub fn cut(&self) {
        if let Some(task) = self
            .shared
            .task
            .lock()
            .expect("no test panicked here")
            .take()
        {
            task.abort();
        }
        self.state().closed.get_or_insert(Close {
            code: 1006,
            reason: "cut by the test".to_owned(),
        });
        self.shared.changed.send_replace(());
    }

    fn next_id(&self) -> u32 {
        self.shared.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("no test panicked here")
    }

    async fn until<T>(
        &self,
        limit: Duration,
        mut look: impl FnMut(&State) -> Option<T>,
    ) -> Option<T> {
        let mut changed = self.shared.changed.subscribe();
        let looking = async {
            loop {
                if let Some(found) = look(&self.state()) {
                    return found;
                }
                changed.changed().await.expect("the socket is held here");
            }
        };
        tokio::time::timeout(limit, looking).await.ok()
    }
}

fn cut(close: &Close) -> Refusal {
    Refusal {
        class: "unknown".to_owned(),
        code: "closed".to_owned(),
        field: None,
        retry_after_ms: None,
        whole: json!({"closed": close.code, "reason": close.reason}),
    }
}

async fn run(
    mut stream: WebSocketStream<TcpStream>,
    shared: std::sync::Weak<Shared>,
    mut to_send: mpsc::Receiver<Message>,
    mut may_read: watch::Receiver<bool>,
) {
    let mut writes = true;
    let closed = loop {
        let reads = *may_read.borrow_and_update();
        tokio::select! {
            changed = may_read.changed() => if changed.is_err() { return },
            message = to_send.recv(), if writes => {
                let Some(message) = message else { return };
                // After a failure the server's close frame may still wait to be read.
                writes = stream.send(message).await.is_ok();
            }
            came = stream.next(), if reads => match came {
                Some(Ok(Message::Close(frame))) => break frame.map_or_else(gone, |frame| Close {
                    code: frame.code.into(),
                    reason: frame.reason.to_string(),
                }),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => {
                    let Some(shared) = shared.upgrade() else { return };
                    shared.take(&message);
                }
                Some(Err(_)) | None => break gone(),
            },
        }
    };
    if let Some(shared) = shared.upgrade() {
        if let Ok(mut state) = shared.state.lock() {
            state.closed.get_or_insert(closed);
        }
        shared.changed.send_replace(());
    }
}

fn gone() -> Close {
    Close {
        code: 1006,
        reason: String::new(),
    }
}

impl Shared {
    fn take(&self, message: &Message) {
        let frame = self.codec.read(message);
        if let Ok(mut state) = self.state.lock() {
            state.frames.push(frame.clone());
            if let Some(event) = frame[0].as_str() {
                let (event, data) = (event.to_owned(), frame[1].clone());
                state.pushes.push(Push { event, data });
            } else if let Some(id) = frame[0].as_u64().filter(|id| *id > 0) {
                let reply = match frame[1].as_bool() {
                    Some(true) => Ok(frame[2].clone()),
                    _ => Err(Refusal::read(frame[2].clone())),
                };
                let id = u32::try_from(id).expect("an id of ours");
                let twice = state.replies.insert(id, reply);
                assert!(twice.is_none(), "call {id} was answered twice");
            }
        }
        self.changed.send_replace(());
    }
}
