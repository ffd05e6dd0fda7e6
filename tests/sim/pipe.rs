//! A WebSocket without a network: two bounded queues. What the server does with it is its own code for real
//! sockets; a client that does not read fills the queue, and the server's own queue behind it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use axum::extract::ws::Message;
use futures_util::{Sink, Stream};
use tokio::sync::{Notify, mpsc};

/// Messages that the network holds for a client that does not read.
const HELD: usize = 8;
/// Messages on their way to the server; a client has no more calls under way.
const ASKED: usize = 256;

#[derive(Default)]
struct State {
    frames: VecDeque<Message>,
    waiting: Option<Waker>,
    client_is_gone: bool,
    server_is_gone: bool,
    pushed: u64,
}

struct Shared {
    state: Mutex<State>,
    heard: Arc<Notify>,
    /// Every so many message pushes one is lost: what a broken server does.
    loses_one_in: Option<u64>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics with it")
    }
}

/// The server's end.
pub(crate) struct Pipe {
    asked: mpsc::Receiver<Message>,
    shared: Arc<Shared>,
}

/// The client's end; dropped, the connection is cut.
pub(crate) struct Line {
    asks: mpsc::Sender<Message>,
    shared: Arc<Shared>,
}

/// A connection; `heard` is told when the client may look.
pub(crate) fn pipe(heard: &Arc<Notify>, loses_one_in: Option<u64>) -> (Line, Pipe) {
    let (asks, asked) = mpsc::channel(ASKED);
    let shared = Arc::new(Shared {
        state: Mutex::default(),
        heard: Arc::clone(heard),
        loses_one_in,
    });
    let line = Line {
        asks,
        shared: Arc::clone(&shared),
    };
    (line, Pipe { asked, shared })
}

impl Line {
    /// Sends; what does not fit is lost, as on a dead connection.
    pub(crate) fn send(&self, message: Message) {
        let _ = self.asks.try_send(message);
    }

    /// The next message of the server.
    pub(crate) fn take(&self) -> Option<Message> {
        let mut state = self.shared.state();
        let taken = state.frames.pop_front();
        if let Some(waker) = state.waiting.take() {
            waker.wake();
        }
        taken
    }

    /// Whether nothing will come any more.
    pub(crate) fn ended(&self) -> bool {
        let state = self.shared.state();
        state.server_is_gone && state.frames.is_empty()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.client_is_gone = true;
        if let Some(waker) = state.waiting.take() {
            waker.wake();
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.shared.state().server_is_gone = true;
        self.shared.heard.notify_one();
    }
}

impl Stream for Pipe {
    type Item = Result<Message, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.asked.poll_recv(cx).map(|message| message.map(Ok))
    }
}

impl Sink<Message> for Pipe {
    type Error = axum::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        let mut state = self.shared.state();
        if state.client_is_gone {
            return Poll::Ready(Err(axum::Error::new("the connection was cut")));
        }
        if state.frames.len() < HELD {
            return Poll::Ready(Ok(()));
        }
        state.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), axum::Error> {
        let mut state = self.shared.state();
        if let Some(every) = self.shared.loses_one_in
            && is_message_push(&message)
        {
            state.pushed += 1;
            if state.pushed.is_multiple_of(every) {
                return Ok(());
            }
        }
        state.frames.push_back(message);
        self.shared.heard.notify_one();
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Poll::Ready(Ok(()))
    }
}

fn is_message_push(message: &Message) -> bool {
    const NAME: &[u8] = b"message.created";
    let bytes = match message {
        Message::Text(text) => text.as_bytes(),
        Message::Binary(bytes) => bytes,
        _ => return false,
    };
    // An event's name stands at the beginning of its frame.
    let head = &bytes[..bytes.len().min(24)];
    head.windows(NAME.len()).any(|part| part == NAME)
}
