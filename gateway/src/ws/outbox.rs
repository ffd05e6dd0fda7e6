//! What waits to be sent on one connection: bounded, with the little that a connection must always be
//! told beside it. A client that is too slow loses pushes, is told so once it has caught up
//! (`connection.resync`), and is cut off (4408) when it does not within 30 s (`PLAT-i07`).

use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;
use chat_core::api::Codec;
use chat_core::delivery::ConnectionId;
use chat_core::ids::{SessionId, UserId};
use tokio::sync::Notify;

/// Frames that wait on one connection (wire contract) …
pub const QUEUED_FRAMES: usize = 256;
/// … and their bytes.
pub const QUEUED_BYTES: usize = 1024 * 1024;
/// A client that lags is cut off after this long.
pub const LAG_MS: i64 = 30_000;

/// Why a connection closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// 4400: not this contract.
    BadFrame,
    /// 4401: sign in again.
    SignIn,
    /// 4408: too slow.
    Slow,
    /// 4409: too many devices.
    TooManyDevices,
    /// 4429: too many calls.
    Limit,
    /// 1012: the server restarts; come back after so many ms.
    Restart(u64),
    /// The peer is gone: nothing is sent.
    Gone,
}

impl Close {
    /// The close code.
    pub fn code(self) -> u16 {
        match self {
            Self::BadFrame => 4400,
            Self::SignIn => 4401,
            Self::Slow => 4408,
            Self::TooManyDevices => 4409,
            Self::Limit => 4429,
            Self::Restart(_) => 1012,
            Self::Gone => 1006,
        }
    }

    /// What stands beside the code: for a restart, the delay in ms.
    pub fn reason(self) -> String {
        match self {
            Self::BadFrame => "bad frame".to_owned(),
            Self::SignIn => "sign in again".to_owned(),
            Self::Slow => "too slow".to_owned(),
            Self::TooManyDevices => "too many devices".to_owned(),
            Self::Limit => "too many calls".to_owned(),
            Self::Restart(delay_ms) => delay_ms.to_string(),
            Self::Gone => String::new(),
        }
    }
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    lagging: bool,
    ticked: bool,
    close: Option<Close>,
}

/// What a connection finds when it looks.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this.
    Frame(Bytes),
    /// It caught up after pushes were left out: say so.
    Resync,
    /// Look at the clock.
    Tick,
    /// Close.
    Close(Close),
    /// Nothing.
    Idle,
}

/// One connection as the rest of the server sees it.
pub struct Handle {
    /// Names it on this node.
    pub id: ConnectionId,
    /// Whose it is.
    pub user_id: UserId,
    /// Of which device.
    pub session_id: SessionId,
    /// How it writes.
    pub codec: Codec,
    queue: Mutex<Queue>,
    wake: Notify,
}

impl Handle {
    /// A connection with nothing to send.
    pub fn new(id: ConnectionId, user_id: UserId, session_id: SessionId, codec: Codec) -> Self {
        Self {
            id,
            user_id,
            session_id,
            codec,
            queue: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Queues a push, or notes that one was left out.
    pub fn push(&self, frame: Bytes) {
        self.change(|queue| {
            let full =
                queue.frames.len() >= QUEUED_FRAMES || queue.bytes + frame.len() > QUEUED_BYTES;
            if full || queue.lagging {
                // The connection must look at the clock: it has 30 s from now.
                queue.ticked |= !queue.lagging;
                queue.lagging = true;
            } else {
                queue.bytes += frame.len();
                queue.frames.push_back(frame);
            }
        });
    }

    /// Notes that pushes were left out.
    pub fn lag(&self) {
        self.change(|queue| {
            queue.ticked |= !queue.lagging;
            queue.lagging = true;
        });
    }

    /// Queues a reply. Replies are bounded by the calls under way.
    pub fn reply(&self, frame: Bytes) {
        self.change(|queue| {
            queue.bytes += frame.len();
            queue.frames.push_back(frame);
        });
    }

    /// Makes the connection look at the clock.
    pub fn tick(&self) {
        self.change(|queue| queue.ticked = true);
    }

    /// Closes the connection; the first reason stays.
    pub fn close(&self, why: Close) {
        self.change(|queue| {
            queue.close.get_or_insert(why);
        });
    }

    /// Whether it was told to look at the clock; forgets it.
    pub fn take_tick(&self) -> bool {
        self.queue
            .lock()
            .is_ok_and(|mut queue| std::mem::take(&mut queue.ticked))
    }

    /// Waits until there may be something to do.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// What to do now.
    pub fn next(&self) -> Next {
        let Ok(mut queue) = self.queue.lock() else {
            return Next::Close(Close::Gone);
        };
        if let Some(why) = queue.close {
            return Next::Close(why);
        }
        if std::mem::take(&mut queue.ticked) {
            return Next::Tick;
        }
        if let Some(frame) = queue.frames.pop_front() {
            queue.bytes -= frame.len();
            return Next::Frame(frame);
        }
        if queue.frames.capacity() > 32 {
            queue.frames = VecDeque::new();
        }
        if std::mem::take(&mut queue.lagging) {
            Next::Resync
        } else {
            Next::Idle
        }
    }

    /// Whether pushes were left out and the client was not told yet.
    pub fn lags(&self) -> bool {
        self.queue.lock().is_ok_and(|queue| queue.lagging)
    }

    /// Whether so much waits that no further call should be read.
    pub fn is_full(&self) -> bool {
        self.queue
            .lock()
            .is_ok_and(|queue| queue.frames.len() >= QUEUED_FRAMES || queue.bytes > QUEUED_BYTES)
    }

    /// Whether the connection was told to close.
    pub fn closing(&self) -> Option<Close> {
        self.queue
            .lock()
            .map_or(Some(Close::Gone), |queue| queue.close)
    }

    fn change(&self, change: impl FnOnce(&mut Queue)) {
        if let Ok(mut queue) = self.queue.lock() {
            change(&mut queue);
        }
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::ids::Id;

    fn handle() -> Handle {
        Handle::new(1, Id([1; 16]), Id([2; 16]), Codec::Json)
    }

    #[test]
    fn plat_i07_the_257th_push_is_left_out_and_told_once_after_the_rest() {
        let handle = handle();
        for _ in 0..QUEUED_FRAMES {
            handle.push(Bytes::from_static(b"x"));
        }
        assert!(!handle.lags());
        handle.push(Bytes::from_static(b"x"));
        assert!(handle.lags());
        assert_eq!(handle.next(), Next::Tick, "its 30 seconds begin");
        for _ in 0..QUEUED_FRAMES {
            assert!(matches!(handle.next(), Next::Frame(_)));
        }
        assert_eq!(handle.next(), Next::Resync);
        assert_eq!(handle.next(), Next::Idle);
    }

    #[test]
    fn a_megabyte_waits_and_no_more() {
        let handle = handle();
        handle.push(Bytes::from(vec![0; QUEUED_BYTES]));
        assert!(!handle.lags());
        handle.push(Bytes::from_static(b"x"));
        assert!(handle.lags());
    }

    #[test]
    fn once_behind_nothing_is_pushed_until_the_client_was_told() {
        let handle = handle();
        for _ in 0..=QUEUED_FRAMES {
            handle.push(Bytes::from_static(b"x"));
        }
        assert_eq!(handle.next(), Next::Tick);
        handle.next();
        handle.push(Bytes::from_static(b"late"));
        let frames = std::iter::from_fn(|| match handle.next() {
            Next::Frame(frame) => Some(frame),
            _ => None,
        });
        assert!(frames.into_iter().all(|frame| frame == "x"));
    }

    #[test]
    fn a_reply_is_never_left_out_and_closing_comes_first() {
        let handle = handle();
        for _ in 0..=QUEUED_FRAMES {
            handle.push(Bytes::from_static(b"x"));
        }
        handle.reply(Bytes::from_static(b"reply"));
        assert!(handle.is_full());
        handle.close(Close::SignIn);
        handle.close(Close::Slow);
        assert_eq!(handle.next(), Next::Close(Close::SignIn));
    }
}
