//! The link between the nodes of a cluster: questions and answers over WebSocket (`chaoke.node.v1`), one
//! connection for what a node asks another. Both ends prove that they know the cluster's key; nothing is
//! encrypted, so the link belongs into a network of its own.
//!
//! A message is 8 bytes, the number of the question (big-endian), and the question or its answer.

use bytes::{BufMut, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

mod dial;
mod handshake;
mod listen;

pub use dial::Links;
pub use handshake::LinkKey;
pub use listen::Listening;

/// The subprotocol.
pub const PROTOCOL: &str = "chaoke.node.v1";
/// Bytes of one message: a page of frames with one of the largest among them, and room.
const MESSAGE_BYTES: usize = 4 << 20;
/// Bytes that wait to be written on one connection before more of it is refused.
const WRITE_BYTES: usize = 16 << 20;

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
        .max_write_buffer_size(WRITE_BYTES)
}

fn numbered(number: u64, said: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(8 + said.len());
    message.put_u64(number);
    message.put_slice(said);
    message.freeze()
}

fn number_of(message: &Bytes) -> Option<(u64, Bytes)> {
    let number = message.first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), message.slice(8..)))
}
