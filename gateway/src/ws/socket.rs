//! The I/O of one connection: one task that reads frames, runs calls and writes what waits. Writes of
//! one connection run one after the other, in the order they came, so that two messages sent in a row
//! keep their order; reads run beside them.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message};
use bytes::Bytes;
use chat_core::api::codec::Params;
use chat_core::api::{Answer, ApiError, Codec, Effectful, Push, strict};
use chat_core::connection::{self, Expiring, Open, Renew, Renewed, Resync};
use chat_core::ctx::{Caller, Origin};
use chat_core::directory::session;
use futures_util::stream::FuturesUnordered;
use futures_util::{Sink, SinkExt, Stream, StreamExt};

use super::connection::{Connection, Todo};
use super::frame::{self, Incoming};
use super::outbox::{Close, Handle, Next};
use crate::server::{Call, Server};

/// What messages come from and go to: axum's WebSocket, or a simulated one.
pub trait Socket:
    Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Unpin + Send
{
}

impl<T> Socket for T where
    T: Stream<Item = Result<Message, axum::Error>>
        + Sink<Message, Error = axum::Error>
        + Unpin
        + Send
{
}

type Running = Pin<Box<dyn Future<Output = Done> + Send>>;

/// A call that was answered.
struct Done {
    id: u32,
    /// It was a write: the next one may start.
    wrote: bool,
    /// It was a renewal: the connection is good until then.
    renewed_until: Option<i64>,
    reply: Bytes,
}

struct Waiting {
    id: u32,
    method: String,
    params: Params,
    key: Option<String>,
}

/// An open connection.
struct Session {
    server: Arc<Server>,
    handle: Arc<Handle>,
    machine: Connection,
    caller: Caller,
    address: String,
    running: FuturesUnordered<Running>,
    /// A write is under way; those behind it wait here, at most as many as may be in flight.
    writing: bool,
    writes: VecDeque<Waiting>,
}

/// Serves one socket until it closes.
pub async fn serve(mut socket: impl Socket, codec: Codec, address: String, server: Arc<Server>) {
    server.hub.accepted();
    let why = match open(&mut socket, codec, &address, &server).await {
        Ok(mut session) => {
            let why = session.run(&mut socket).await;
            session.end().await;
            why
        }
        Err(why) => why,
    };
    if why != Close::Gone {
        let frame = CloseFrame {
            code: why.code(),
            reason: why.reason().into(),
        };
        let close = socket.send(Message::Close(Some(frame)));
        // The peer may not be reading any more.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), close).await;
    }
    server.hub.gone();
}

/// The first frame: who it is. Pushes wait in the outbox until its answer was sent.
async fn open(
    socket: &mut impl Socket,
    codec: Codec,
    address: &str,
    server: &Arc<Server>,
) -> Result<Session, Close> {
    let mut machine = Connection::new(server.now_ms());
    let patience = std::time::Duration::from_millis(super::connection::OPENING_MS.unsigned_abs());
    let first = tokio::time::timeout(patience, receive(socket, codec))
        .await
        .map_err(|_| Close::SignIn)??;
    let (id, params) = match machine.frame(first, server.now_ms()) {
        Some(Todo::Open { id, params }) => (id, params),
        Some(Todo::Close(why)) => return Err(why),
        _ => return Err(Close::SignIn),
    };
    let Ok(p) = strict::read::<Open>(params) else {
        return refuse(
            socket,
            codec,
            id,
            &ApiError::invalid(
                "",
                "invalid_params",
                "参数格式不正确",
                "The parameters are not of this method's form",
            ),
            Close::BadFrame,
        )
        .await;
    };
    let node = &server.node;
    let caller = match session::authenticate(&node.store, &p.token, node.clock.now_ms()).await {
        Ok(caller) if !caller.must_change_password => caller,
        Ok(_) => {
            let error = ApiError::new(
                chat_core::api::Class::Forbidden,
                "password_change_required",
                "请先修改初始密码",
                "Change the first password before anything else",
            );
            return refuse(socket, codec, id, &error, Close::SignIn).await;
        }
        Err(error) => return refuse(socket, codec, id, &error, Close::SignIn).await,
    };
    let handle = Arc::new(Handle::new(
        server.hub.next_id(),
        caller.user_id,
        caller.session_id,
        codec,
    ));
    // First among those who are pushed to, then what was missed: nothing falls between.
    if server.hub.add(&handle) {
        node.watchers.changed(caller.user_id);
    }
    if let Some(cluster) = &node.cluster {
        cluster.announce(caller.user_id).await;
    }
    let session = Session {
        server: Arc::clone(server),
        handle,
        machine,
        caller,
        address: address.to_owned(),
        running: FuturesUnordered::new(),
        writing: false,
        writes: VecDeque::new(),
    };
    session.answer_open(socket, id, &p).await
}

async fn refuse(
    socket: &mut impl Socket,
    codec: Codec,
    id: u32,
    error: &ApiError,
    why: Close,
) -> Result<Session, Close> {
    let _ = socket
        .send(message(codec, frame::refusal(codec, id, error)))
        .await;
    Err(why)
}

impl Session {
    async fn answer_open(
        mut self,
        socket: &mut impl Socket,
        id: u32,
        p: &Open,
    ) -> Result<Self, Close> {
        let codec = self.handle.codec;
        // A session that ended between the check and the adding is not closed by anybody else.
        let still =
            session::authenticate(&self.server.node.store, &p.token, self.server.now_ms()).await;
        let opened = match still {
            Ok(_) => connection::open(&self.server.node, &self.caller, p).await,
            Err(error) => Err(error),
        };
        let frame = match &opened {
            Ok(opened) => codec
                .encode(opened)
                .map(|body| frame::reply(codec, id, &body))
                .unwrap_or_default(),
            Err(error) => frame::refusal(codec, id, error),
        };
        let sent = socket.send(message(codec, frame)).await;
        if opened.is_err() || sent.is_err() {
            self.end().await;
            return Err(if sent.is_err() {
                Close::Gone
            } else {
                Close::SignIn
            });
        }
        self.machine.good_until(self.caller.expires_at);
        self.machine.answered(id);
        self.ask_to_be_woken();
        Ok(self)
    }

    async fn run(&mut self, socket: &mut impl Socket) -> Close {
        loop {
            if let Err(why) = self.write_waiting(socket).await {
                return why;
            }
            // A client that does not read its replies is not read from either.
            let may_read = !self.handle.is_full();
            tokio::select! {
                biased;
                () = self.handle.woken() => {}
                Some(done) = self.running.next(), if !self.running.is_empty() => self.finished(done),
                came = receive(socket, self.handle.codec), if may_read => match came {
                    Ok(frame) => if let Err(why) = self.take(frame) { return why },
                    Err(why) => return why,
                },
            }
        }
    }

    /// Sends all that waits, and looks at the clock when it is time.
    async fn write_waiting(&mut self, socket: &mut impl Socket) -> Result<(), Close> {
        loop {
            match self.handle.next() {
                Next::Idle => return Ok(()),
                Next::Close(why) => return Err(why),
                Next::Tick => self.look_at_clock()?,
                Next::Resync => {
                    self.send(
                        socket,
                        Push::new("connection.resync", Resync {}).frame(self.handle.codec),
                    )
                    .await?
                }
                Next::Frame(frame) => self.send(socket, frame).await?,
            }
        }
    }

    /// Sends one frame. While the peer does not take it, the clock goes on.
    async fn send(&mut self, socket: &mut impl Socket, frame: Bytes) -> Result<(), Close> {
        let handle = Arc::clone(&self.handle);
        let sending = socket.send(message(handle.codec, frame));
        tokio::pin!(sending);
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return sent.map_err(|_| Close::Gone),
                () = handle.woken() => {
                    if let Some(why) = handle.closing() {
                        return Err(why);
                    }
                    if handle.take_tick() {
                        self.look_at_clock()?;
                    }
                }
            }
        }
    }

    fn look_at_clock(&mut self) -> Result<(), Close> {
        let codec = self.handle.codec;
        while let Some(todo) = self.machine.time(self.server.now_ms(), self.handle.lags()) {
            match todo {
                Todo::Beat => self.handle.push(frame::heartbeat(codec)),
                Todo::Warn { expires_at } => {
                    self.handle.reply(
                        Push::new("connection.expiring", Expiring { expires_at }).frame(codec),
                    );
                }
                Todo::Close(why) => return Err(why),
                _ => {}
            }
        }
        self.ask_to_be_woken();
        Ok(())
    }

    fn ask_to_be_woken(&self) {
        self.server
            .wheel
            .wake_at(&self.handle, self.machine.next_at(), self.server.now_ms());
    }

    /// Does what a frame asks for.
    fn take(&mut self, frame: Incoming) -> Result<(), Close> {
        match self.machine.frame(frame, self.server.now_ms()) {
            None => {}
            Some(Todo::Close(why)) => return Err(why),
            Some(Todo::Refuse { id, error }) => {
                self.handle
                    .reply(frame::refusal(self.handle.codec, id, &error))
            }
            Some(Todo::Renew { id, params }) => {
                let (server, caller, codec) =
                    (Arc::clone(&self.server), self.caller, self.handle.codec);
                self.running.push(Box::pin(async move {
                    let outcome = renew(&server, &caller, params).await;
                    let renewed_until = outcome.as_ref().ok().map(|renewed| renewed.expires_at);
                    let reply = written(
                        codec,
                        id,
                        outcome.and_then(|renewed| codec.encode(&renewed)),
                    );
                    Done {
                        id,
                        wrote: false,
                        renewed_until,
                        reply,
                    }
                }));
            }
            Some(Todo::Run {
                id,
                method,
                params,
                key,
            }) => {
                let write = self
                    .server
                    .registry
                    .method(&method)
                    .is_some_and(|row| row.effectful == Effectful::Write);
                let call = Waiting {
                    id,
                    method,
                    params,
                    key,
                };
                if write && self.writing {
                    self.writes.push_back(call);
                } else {
                    self.start(call, write);
                }
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn start(&mut self, call: Waiting, write: bool) {
        self.writing |= write;
        let (server, caller, codec) = (Arc::clone(&self.server), self.caller, self.handle.codec);
        let (connection, address) = (self.handle.id, self.address.clone());
        self.running.push(Box::pin(async move {
            let origin = Origin {
                address,
                request_id: server.request_id(),
                refresh_cookie: None,
            };
            let (outcome, _) = server
                .call(Call {
                    method: call.method,
                    caller: Some(caller),
                    params: call.params,
                    key: call.key,
                    origin,
                    connection: Some(connection),
                    codec,
                    trace: None,
                })
                .await;
            Done {
                id: call.id,
                wrote: write,
                renewed_until: None,
                reply: written(codec, call.id, outcome),
            }
        }));
    }

    fn finished(&mut self, done: Done) {
        if let Some(expires_at) = done.renewed_until {
            self.caller.expires_at = expires_at;
            self.machine.good_until(expires_at);
            self.ask_to_be_woken();
        }
        self.machine.answered(done.id);
        self.handle.reply(done.reply);
        if done.wrote {
            self.writing = false;
            if let Some(next) = self.writes.pop_front() {
                self.start(next, true);
            }
        }
    }

    async fn end(&mut self) {
        let node = &self.server.node;
        node.watchers.forget(self.handle.id);
        if self.server.hub.remove(&self.handle) {
            node.watchers.changed(self.caller.user_id);
            if let Some(cluster) = &node.cluster {
                cluster.say(self.caller.user_id);
            }
            if node.connections.online(self.caller.user_id) {
                return;
            }
            if let Err(error) = chat_core::presence::note_last_seen(node, self.caller.user_id).await
            {
                tracing::debug!(code = %error.code, "last seen was not noted");
            }
        }
    }
}

async fn renew(server: &Server, caller: &Caller, params: Params) -> Answer<Renewed> {
    let p: Renew = strict::read(params)?;
    let renewed = session::authenticate(&server.node.store, &p.token, server.now_ms()).await?;
    if renewed.session_id != caller.session_id {
        return Err(ApiError::unauthenticated());
    }
    Ok(Renewed {
        expires_at: renewed.expires_at,
    })
}

fn written(codec: Codec, id: u32, outcome: Answer<Vec<u8>>) -> Bytes {
    match outcome {
        Ok(body) => frame::reply(codec, id, &body),
        Err(error) => frame::refusal(codec, id, &error),
    }
}

/// The next frame of the contract. Pings and pongs are answered by the library.
async fn receive(socket: &mut impl Socket, codec: Codec) -> Result<Incoming, Close> {
    loop {
        let read = match (socket.next().await, codec) {
            (Some(Ok(Message::Text(text))), Codec::Json) => frame::read(codec, text.as_bytes()),
            (Some(Ok(Message::Binary(bytes))), Codec::Msgpack) => frame::read(codec, &bytes),
            (Some(Ok(Message::Ping(_) | Message::Pong(_))), _) => continue,
            (Some(Ok(Message::Text(_) | Message::Binary(_))), _) => return Err(Close::BadFrame),
            (Some(Ok(Message::Close(_))) | None, _) => return Err(Close::Gone),
            // Too long a message is a frame of the contract broken; anything else is a dead socket.
            (Some(Err(error)), _)
                if error.to_string().contains("too long")
                    || error.to_string().contains("UTF-8") =>
            {
                return Err(Close::BadFrame);
            }
            (Some(Err(_)), _) => return Err(Close::Gone),
        };
        return read.map_err(|_| Close::BadFrame);
    }
}

fn message(codec: Codec, frame: Bytes) -> Message {
    match codec {
        // Our own encoder wrote it: it is UTF-8.
        Codec::Json => Message::Text(frame.try_into().unwrap_or_default()),
        Codec::Msgpack => Message::Binary(frame),
    }
}
