//! The asking end: one task and at most one connection for each address.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::cluster::Wire;
use chat_core::random::Random;
use dashmap::DashMap;
use futures_util::{SinkExt as _, StreamExt as _};
use storage::cluster::LinkError;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::handshake::NONCE_BYTES;
use super::{LinkKey, PROTOCOL, config, number_of, numbered};

/// Questions that wait for one connection: as many commits as a writer lets wait.
const WAITING: usize = 8_192;
/// Time to reach a node and to prove the key.
const CONNECT: Duration = Duration::from_secs(1);
/// After a failed try nothing is tried for so long; what is asked meanwhile was certainly not sent.
const PAUSE: Duration = Duration::from_millis(100);
/// A connection on which an answer is due and nothing comes for so long is given up.
const SILENCE: Duration = Duration::from_secs(5);

type Socket = WebSocketStream<TcpStream>;

/// A question on its way.
struct Asked {
    question: Bytes,
    answer: oneshot::Sender<Result<Bytes, LinkError>>,
}

/// The asking end of all links of a node.
pub struct Links {
    key: LinkKey,
    random: Random,
    lines: DashMap<String, mpsc::Sender<Asked>>,
}

impl Links {
    /// No connection yet.
    pub fn new(key: LinkKey, random: Random) -> Arc<Self> {
        Arc::new(Self {
            key,
            random,
            lines: DashMap::new(),
        })
    }

    fn line(&self, address: &str) -> mpsc::Sender<Asked> {
        if let Some(line) = self.lines.get(address) {
            return line.clone();
        }
        let line = self.lines.entry(address.to_owned()).or_insert_with(|| {
            let (line, asked) = mpsc::channel(WAITING);
            let dialling = Dialling {
                address: address.to_owned(),
                key: self.key.clone(),
                random: self.random.clone(),
            };
            tokio::spawn(dialling.run(asked));
            line
        });
        line.clone()
    }
}

#[async_trait]
impl Wire for Links {
    async fn ask(&self, address: &str, question: Bytes) -> Result<Bytes, LinkError> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked { question, answer };
        self.line(address)
            .try_send(asked)
            .map_err(|_| LinkError::NotSent("too much waits for this node".to_owned()))?;
        let gone = || LinkError::Lost("the link ended".to_owned());
        answered.await.map_err(|_| gone())?
    }
}

struct Dialling {
    address: String,
    key: LinkKey,
    random: Random,
}

impl Dialling {
    /// Connects whenever something is asked, until nobody can ask any more.
    async fn run(self, mut asked: mpsc::Receiver<Asked>) {
        let mut failed: Option<(Instant, String)> = None;
        while let Some(first) = asked.recv().await {
            if let Some((at, why)) = &failed
                && at.elapsed() < PAUSE
            {
                let _ = first.answer.send(Err(LinkError::NotSent(why.clone())));
                continue;
            }
            match timeout(CONNECT, self.connect()).await {
                Ok(Ok(socket)) => {
                    failed = None;
                    converse(socket, first, &mut asked).await;
                }
                Ok(Err(why)) => failed = Some(self.fails(first, why)),
                Err(_) => failed = Some(self.fails(first, "no answer".to_owned())),
            }
        }
    }

    fn fails(&self, asked: Asked, why: String) -> (Instant, String) {
        tracing::debug!(address = self.address, why, "a node cannot be reached");
        let _ = asked.answer.send(Err(LinkError::NotSent(why.clone())));
        (Instant::now(), why)
    }

    async fn connect(&self) -> Result<Socket, String> {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let stream = TcpStream::connect(&self.address);
        let stream = stream.await.map_err(|error| said(&error))?;
        // A question is small and should leave at once. A failure costs only delay.
        let _ = stream.set_nodelay(true);
        let request = format!("ws://{}/node", self.address).into_client_request();
        let mut request = request.map_err(|error| said(&error))?;
        let protocol = HeaderValue::from_static(PROTOCOL);
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", protocol);
        let connected =
            tokio_tungstenite::client_async_with_config(request, stream, Some(config())).await;
        let (mut socket, _) = connected.map_err(|error| said(&error))?;
        let theirs = binary(&mut socket).await?;
        let own: [u8; NONCE_BYTES] = self.random.bytes();
        let introduction = Message::binary(self.key.introduce(&theirs, &own));
        let sent = socket.send(introduction).await;
        sent.map_err(|error| said(&error))?;
        let proof = binary(&mut socket).await;
        match proof {
            Ok(proof) if self.key.knows(&theirs, &own, &proof) => Ok(socket),
            _ => {
                tracing::warn!(
                    address = self.address,
                    "a node has another key of the cluster"
                );
                Err("it has another key of the cluster".to_owned())
            }
        }
    }
}

/// The next message, which must be a binary one.
async fn binary(socket: &mut Socket) -> Result<Bytes, String> {
    match socket.next().await {
        Some(Ok(Message::Binary(said))) => Ok(said),
        Some(Ok(_)) => Err("it speaks another language".to_owned()),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("it hung up".to_owned()),
    }
}

/// Asks and hears until the connection ends. Whatever was asked on it and not answered is lost.
async fn converse(socket: Socket, first: Asked, asked: &mut mpsc::Receiver<Asked>) {
    let (mut speak, mut hear) = socket.split();
    let mut open: HashMap<u64, oneshot::Sender<Result<Bytes, LinkError>>> = HashMap::new();
    let mut next = 0_u64;
    let mut look = interval(SILENCE / 5);
    let mut heard = Instant::now();
    let mut waiting = Some(first);
    let why = loop {
        if let Some(Asked { question, answer }) = waiting.take() {
            if open.is_empty() {
                heard = Instant::now();
            }
            next += 1;
            open.insert(next, answer);
            let message = Message::Binary(numbered(next, &question));
            // What is asked at the same time leaves together.
            let sent = match asked.try_recv() {
                Ok(more) => {
                    waiting = Some(more);
                    speak.feed(message).await
                }
                Err(_) => timeout(SILENCE, speak.send(message))
                    .await
                    .unwrap_or(Ok(())),
            };
            if let Err(error) = sent {
                break error.to_string();
            }
            continue;
        }
        tokio::select! {
            more = asked.recv() => match more {
                Some(more) => waiting = Some(more),
                None => break "this node stops".to_owned(),
            },
            said = hear.next() => {
                heard = Instant::now();
                match said {
                    Some(Ok(Message::Binary(said))) => {
                        if let Some((number, answer)) = number_of(&said)
                            && let Some(asker) = open.remove(&number)
                        {
                            // Whoever asked may have given up.
                            let _ = asker.send(Ok(answer));
                        }
                    }
                    Some(Ok(Message::Close(_))) | None => break "it hung up".to_owned(),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break error.to_string(),
                }
            },
            _ = look.tick() => {
                open.retain(|_, asker| !asker.is_closed());
                if !open.is_empty() && heard.elapsed() > SILENCE {
                    break "nothing comes any more".to_owned();
                }
            }
        }
    };
    for asker in open.into_values() {
        let _ = asker.send(Err(LinkError::Lost(why.clone())));
    }
    if let Some(Asked { answer, .. }) = waiting {
        let _ = answer.send(Err(LinkError::NotSent(why)));
    }
}
