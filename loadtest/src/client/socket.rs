//! An open WebSocket of one person, as small as a client can make it: thousands of them must not cost
//! the machine more than the server's side does.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::frame::{Codec, Frame, Heard};
use crate::trouble::{Outcome, Trouble};

/// Room to read into. Larger frames grow it; the default of 128 KiB would be a gigabyte for 10,000.
const READ_BUFFER_BYTES: usize = 1_024;
/// A handshake and an opening take a millisecond; 5,000 at once on a busy machine take longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The number of the call that opens.
const OPENING: u32 = 1;

/// Where and as whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The server.
    pub(crate) server: SocketAddr,
    /// The loopback address to come from.
    pub(crate) from: Ipv4Addr,
    /// How to write.
    pub(crate) codec: Codec,
    /// Who.
    pub(crate) token: &'a str,
}

/// What was seen before, per log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The last entry of the log `self`, if it is to be resumed.
    pub(crate) own: Option<u64>,
    /// Per conversation the last entry.
    pub(crate) conversations: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct Opening<'a> {
    token: &'a str,
    device_id: &'a str,
    client: &'a str,
    locale: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_seq: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    cursors: &'a BTreeMap<String, u64>,
}

/// The answer to an opening, as far as it is looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Opened {
    /// The server's clock, ms since 1970.
    pub(crate) server_now_at: i64,
    /// What was missed.
    pub(crate) logs: Logs,
}

/// What was missed.
#[derive(Debug, Deserialize)]
pub(crate) struct Logs {
    /// Of the log `self`, when it was named.
    #[serde(rename = "self", default)]
    pub(crate) own: Option<Resumed>,
    /// Of conversations.
    pub(crate) conversations: BTreeMap<String, Resumed>,
}

/// What was missed of one log.
#[derive(Debug, Deserialize)]
pub(crate) struct Resumed {
    /// `recovered`, `reload` or `not_found`.
    pub(crate) state: String,
    /// Exactly the missing entries.
    #[serde(default)]
    pub(crate) entries: Vec<Heard>,
}

/// An open connection.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    codec: Codec,
}

impl Socket {
    /// Connects, shakes hands and opens.
    ///
    /// # Errors
    /// Whatever of it fails, or takes longer than half a minute.
    pub(crate) async fn open(place: Place<'_>, seen: &Seen) -> Outcome<(Self, Opened)> {
        tokio::time::timeout(PATIENCE, Self::open_now(place, seen))
            .await
            .unwrap_or_else(|_| Err(Trouble::new("a connection was not open within 30 s")))
    }

    async fn open_now(place: Place<'_>, seen: &Seen) -> Outcome<(Self, Opened)> {
        let mut socket = Self::connect(place).await?;
        let opening = Opening {
            token: place.token,
            device_id: "load",
            client: concat!("chaoke-load ", env!("CARGO_PKG_VERSION")),
            locale: "zh-CN",
            self_seq: seen.own,
            cursors: &seen.conversations,
        };
        let call = place.codec.call(OPENING, "connection.open", &opening)?;
        socket.send(call).await?;
        loop {
            match socket.next::<Opened>().await? {
                Frame::Answer(OPENING, Ok(opened)) => return Ok((socket, opened)),
                Frame::Answer(_, Err(refusal)) => {
                    return Err(Trouble::new(format!("connection.open: {refusal}")));
                }
                _ => {}
            }
        }
    }

    async fn connect(place: Place<'_>) -> Outcome<Self> {
        let tcp = TcpSocket::new_v4().map_err(Trouble::at("a socket"))?;
        tcp.bind(SocketAddr::from((place.from, 0)))
            .map_err(Trouble::at("a loopback address to come from"))?;
        let stream = tcp
            .connect(place.server)
            .await
            .map_err(Trouble::at("connecting"))?;
        stream
            .set_nodelay(true)
            .map_err(Trouble::at("a socket's option"))?;
        let mut request = format!("ws://{}/ws", place.server)
            .into_client_request()
            .map_err(Trouble::at("the handshake"))?;
        request.headers_mut().insert(
            "sec-websocket-protocol",
            HeaderValue::from_static(place.codec.subprotocol()),
        );
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0);
        let (stream, _) =
            tokio_tungstenite::client_async_with_config(request, stream, Some(config))
                .await
                .map_err(Trouble::at("the handshake"))?;
        Ok(Self {
            stream,
            codec: place.codec,
        })
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// The connection is gone.
    pub(crate) async fn send(&mut self, frame: Message) -> Outcome<()> {
        self.stream
            .send(frame)
            .await
            .map_err(Trouble::at("sending"))
    }

    /// The next frame. Heartbeats are answered and told. Nothing is lost when this is dropped early.
    ///
    /// # Errors
    /// The connection is gone; says with which code.
    pub(crate) async fn next<A: DeserializeOwned>(&mut self) -> Outcome<Frame<A>> {
        loop {
            let message = match self.stream.next().await {
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map_or(0, |frame| u16::from(frame.code));
                    return Err(Trouble::new(format!("the server closed with {code}")));
                }
                Some(Ok(message)) => message,
                Some(Err(error)) => return Err(Trouble::new(format!("reading: {error}"))),
                None => return Err(Trouble::new("the server closed")),
            };
            if let Some(frame) = self.codec.read(&message)? {
                if matches!(frame, Frame::Heartbeat) {
                    self.send(self.codec.heartbeat()).await?;
                }
                return Ok(frame);
            }
        }
    }

    /// Ends the connection as a cut does: the peer learns nothing of a goodbye.
    pub(crate) fn cut(self) {
        // A reset leaves no port waiting on this side. A failure leaves an ordinary end.
        let _ = self.stream.get_ref().set_zero_linger();
    }
}
