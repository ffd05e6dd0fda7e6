//! The bus: frames from one node of a cluster to another, or to all.
//!
//! A frame is opaque bytes. It arrives once or never: who takes it counts what is missing by numbers inside
//! the frames, and asks. Nothing waits for the bus and nothing durable depends on it. [`Street`] carries
//! frames inside one process, [`Nats`] between machines; one suite runs over both (`suite.rs`).

mod local;
mod nats;
mod subject;
#[cfg(any(test, feature = "suite"))]
pub mod suite;

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub use local::{Loses, Street};
pub use nats::{JetStream, Nats, NatsLogin, NatsOptions};

/// Bytes of a frame: what a NATS server takes unless it is told otherwise.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// Letters of a node's name, and of the name of a cluster: it is part of every subject, and is read in logs.
pub const NAME_LETTERS_MAX: usize = 32;

/// One start of a node: frames go to starts, so nothing reaches a node that began anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Start {
    /// The name of the node: 1 to 32 of a-z, 0-9 and `-`.
    pub node: String,
    /// Which of its starts. No number is used twice by a node.
    pub boot: u64,
}

impl Start {
    /// A start of the node of this name.
    ///
    /// # Errors
    /// [`BusError::Unfit`]: it is no name.
    pub fn new(node: &str, boot: u64) -> Result<Self, BusError> {
        let node = node.to_owned();
        let start = Self { node, boot };
        if start.is_sound() {
            return Ok(start);
        }
        Err(BusError::Unfit(format!(
            "\"{}\" is no name of a node: lower-case letters, digits and -, at most {NAME_LETTERS_MAX}",
            start.node.escape_default()
        )))
    }

    /// Whether the name of the node is one. Nothing is sent to a start whose name is none.
    pub fn is_sound(&self) -> bool {
        is_name(&self.node)
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:x}", self.node, self.boot)
    }
}

/// 1 to 32 of a-z, 0-9 and `-`: what can stand in a subject without changing its meaning.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=NAME_LETTERS_MAX).contains(&text.len()) && text.chars().all(plain)
}

/// Carries frames between nodes: at most once, in order per sender, never waits.
///
/// Of what one sender sends to one start or to all, each frame that arrives was sent after those that
/// arrived before it.
pub trait Bus: Send + Sync + 'static {
    /// Queues a frame for one start of a node. False when it certainly will not arrive: the queue is full,
    /// the frame is larger than [`FRAME_BYTES_MAX`], the bus is not connected, the start is this one.
    fn send(&self, to: &Start, frame: Bytes) -> bool;

    /// Queues a frame for every node that listens but this one. False as for [`Bus::send`].
    fn send_all(&self, frame: Bytes) -> bool;

    /// Whether frames can leave now.
    fn connected(&self) -> bool;

    /// How many frames this end did not take or dropped so far, whether they came in or went out. A frame
    /// that is lost on the way is counted by nobody.
    fn dropped(&self) -> u64;
}

/// What came in, bounded. A frame that finds it full is dropped and counted.
pub type Inbox = mpsc::Receiver<Bytes>;

/// Why an end of the bus could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// What was given cannot be meant.
    #[error("{0}")]
    Unfit(String),
    /// The server is there and does not want us, or is not the one we want.
    #[error("{0}")]
    Refused(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_node_is_short_and_plain() {
        for good in ["a", "node-1", "0", &"n".repeat(32)] {
            let start = Start::new(good, 7).unwrap();
            assert!(start.is_sound());
            assert_eq!(start.node, good);
        }
        for wrong in [
            "",
            "Node",
            "a.b",
            "a b",
            "a*",
            ">",
            "ä",
            "a\r\nPUB x 0",
            &"n".repeat(33),
        ] {
            let why = Start::new(wrong, 7).unwrap_err().to_string();
            assert!(why.contains("is no name of a node"), "{why}");
            assert!(why.chars().all(|c| !c.is_control()), "{why}");
        }
    }

    #[test]
    fn a_start_is_shown_short() {
        assert_eq!(Start::new("node-1", 255).unwrap().to_string(), "node-1/ff");
    }
}
