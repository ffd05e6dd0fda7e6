//! The answering end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_core::cluster::Cluster;
use chat_core::random::Random;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};

use super::handshake::NONCE_BYTES;
use super::{LinkKey, PROTOCOL, config, number_of, numbered};

/// Time for the other end to prove that it knows the key.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Questions of one node that are answered at once; beyond them it waits.
const AT_ONCE: usize = 8_192;
/// Connections at once: some for each node of a large cluster, and strangers who try.
const CONNECTIONS: usize = 256;

/// A listener for the other nodes.
pub struct Listening {
    listener: TcpListener,
    key: LinkKey,
    random: Random,
}

impl Listening {
    /// Nothing is accepted yet.
    pub const fn new(listener: TcpListener, key: LinkKey, random: Random) -> Self {
        Self {
            listener,
            key,
            random,
        }
    }

    /// Answers for `cluster` until the task is dropped.
    pub async fn serve(self, cluster: Arc<Cluster>) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let mut talking = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = talking.join_next() => continue,
            };
            let Ok((stream, from)) = accepted else {
                // Too many open files, most likely: it gets better.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                continue;
            };
            let _ = stream.set_nodelay(true);
            let (key, own) = (self.key.clone(), self.random.bytes());
            let cluster = Arc::clone(&cluster);
            talking.spawn(async move {
                match timeout(HANDSHAKE, admit(stream, &key, own)).await {
                    Ok(Some(socket)) => answer(socket, cluster).await,
                    _ => tracing::warn!(%from, "a stranger at the door of the cluster"),
                }
                drop(permit);
            });
        }
    }
}

#[expect(
    clippy::result_large_err,
    reason = "the form that the library asks for"
)]
fn speaks(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let asked = request.headers().get("Sec-WebSocket-Protocol");
    if asked.is_some_and(|asked| asked.as_bytes() == PROTOCOL.as_bytes()) {
        let protocol = HeaderValue::from_static(PROTOCOL);
        response
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", protocol);
        return Ok(response);
    }
    let mut refusal = ErrorResponse::new(Some(format!("this door speaks {PROTOCOL}")));
    *refusal.status_mut() = StatusCode::BAD_REQUEST;
    Err(refusal)
}

async fn admit(
    stream: TcpStream,
    key: &LinkKey,
    own: [u8; NONCE_BYTES],
) -> Option<WebSocketStream<TcpStream>> {
    let accepted = tokio_tungstenite::accept_hdr_async_with_config(stream, speaks, Some(config()));
    let mut socket = accepted.await.ok()?;
    socket.send(Message::binary(own.to_vec())).await.ok()?;
    let Some(Ok(Message::Binary(said))) = socket.next().await else {
        return None;
    };
    let proof = key.admit(&own, &said)?;
    socket.send(Message::binary(proof.to_vec())).await.ok()?;
    Some(socket)
}

/// Answers questions, many at a time, in the order in which their answers are there.
async fn answer(socket: WebSocketStream<TcpStream>, cluster: Arc<Cluster>) {
    let (mut speak, mut hear) = socket.split();
    let (answered, mut answers) = mpsc::channel::<Bytes>(AT_ONCE);
    let writing = async move {
        while let Some(answer) = answers.recv().await {
            speak.feed(Message::Binary(answer)).await.ok()?;
            // What is there at the same time leaves together.
            while let Ok(more) = answers.try_recv() {
                speak.feed(Message::Binary(more)).await.ok()?;
            }
            speak.flush().await.ok()?;
        }
        Some(())
    };
    let reading = async {
        let mut working = JoinSet::new();
        loop {
            tokio::select! {
                said = hear.next(), if working.len() < AT_ONCE => match said {
                    Some(Ok(Message::Binary(said))) => {
                        let Some((number, question)) = number_of(&said) else { break };
                        let (cluster, answered) = (Arc::clone(&cluster), answered.clone());
                        working.spawn(async move {
                            let answer = cluster.answer(&question).await;
                            // The asking node may be gone.
                            let _ = answered.send(numbered(number, &answer)).await;
                        });
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => break,
                },
                Some(_) = working.join_next() => {}
            }
        }
    };
    tokio::select! {
        _ = writing => {}
        () = reading => {}
    }
}
