//! One connection as a state machine without I/O: frames and time in, things to do out. It knows when
//! the peer counts as dead, when the token ends, how many calls are under way.

use std::collections::BTreeSet;

use chat_core::api::codec::Params;
use chat_core::api::{ApiError, Class};
use chat_core::connection::{HEARTBEAT_MS, MAX_IN_FLIGHT};

use super::frame::{Call, Incoming};
use super::outbox::{Close, LAG_MS};

/// The first frame must come within this.
pub const OPENING_MS: i64 = 5_000;
/// A peer that said nothing for this long is dead.
pub const DEAD_MS: i64 = 75_000;
/// The client is told this long before its token ends.
pub const WARNING_MS: i64 = 60_000;
#[expect(clippy::cast_possible_wrap, reason = "30,000")]
const BEAT_MS: i64 = HEARTBEAT_MS as i64;

/// What to do.
#[derive(Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "the fields are the parts of a frame, named as in `frame.rs`"
)]
pub enum Todo {
    /// Check the token and answer `connection.open`.
    Open { id: u32, params: Params },
    /// Check the token and answer `connection.renew`.
    Renew { id: u32, params: Params },
    /// Run a method.
    Run {
        id: u32,
        method: String,
        params: Params,
        key: Option<String>,
    },
    /// Refuse a call.
    Refuse { id: u32, error: ApiError },
    /// Send a heartbeat.
    Beat,
    /// Tell that the token ends then.
    Warn { expires_at: i64 },
    /// Close.
    Close(Close),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody yet.
    New,
    /// The first frame is being looked at.
    Opening,
    /// Somebody.
    Open { expires_at: i64, warned: bool },
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    state: State,
    since_ms: i64,
    heard_ms: i64,
    beaten_ms: i64,
    lagging_since_ms: Option<i64>,
    in_flight: BTreeSet<u32>,
}

impl Connection {
    /// A connection that begins now.
    pub fn new(now_ms: i64) -> Self {
        Self {
            state: State::New,
            since_ms: now_ms,
            heard_ms: now_ms,
            beaten_ms: now_ms,
            lagging_since_ms: None,
            in_flight: BTreeSet::new(),
        }
    }

    /// A frame came.
    pub fn frame(&mut self, frame: Incoming, now_ms: i64) -> Option<Todo> {
        self.heard_ms = now_ms;
        match (self.state, frame) {
            (State::New, Incoming::Call(call)) => Some(self.first(call)),
            // Before it is open there is one frame and no other.
            (State::New | State::Opening, _) => Some(Todo::Close(Close::SignIn)),
            (State::Open { .. }, Incoming::Heartbeat) => None,
            (State::Open { .. }, Incoming::Call(call)) => Some(self.call(call)),
        }
    }

    fn first(&mut self, call: Call) -> Todo {
        if call.method != "connection.open" {
            return Todo::Close(Close::SignIn);
        }
        let Some(params) = call.params else {
            return Todo::Close(Close::BadFrame);
        };
        self.state = State::Opening;
        self.in_flight.insert(call.id);
        Todo::Open {
            id: call.id,
            params,
        }
    }

    fn call(&mut self, call: Call) -> Todo {
        if self.in_flight.contains(&call.id) {
            return Todo::Close(Close::BadFrame);
        }
        let Some(params) = call.params else {
            let error = ApiError::new(
                Class::Invalid,
                "invalid_params",
                "参数格式不正确",
                "Parameters are a map",
            );
            return Todo::Refuse { id: call.id, error };
        };
        if self.in_flight.len() >= MAX_IN_FLIGHT {
            let error = ApiError::new(
                Class::Limited,
                "too_many_in_flight",
                "同时进行的请求过多",
                "Too many calls under way at once",
            );
            return Todo::Refuse {
                id: call.id,
                error: error.after_ms(100),
            };
        }
        if call.method == "connection.open" {
            return Todo::Close(Close::BadFrame);
        }
        self.in_flight.insert(call.id);
        if call.method == "connection.renew" {
            return Todo::Renew {
                id: call.id,
                params,
            };
        }
        Todo::Run {
            id: call.id,
            method: call.method,
            params,
            key: call.key,
        }
    }

    /// A call was answered.
    pub fn answered(&mut self, id: u32) {
        self.in_flight.remove(&id);
    }

    /// The token is good until then: after opening and after each renewal.
    pub fn good_until(&mut self, expires_at: i64) {
        self.state = State::Open {
            expires_at,
            warned: false,
        };
    }

    /// Time went by; `lags` says that pushes wait to be told as left out.
    pub fn time(&mut self, now_ms: i64, lags: bool) -> Option<Todo> {
        self.lagging_since_ms = if lags {
            self.lagging_since_ms.or(Some(now_ms))
        } else {
            None
        };
        if self
            .lagging_since_ms
            .is_some_and(|since| now_ms - since >= LAG_MS)
        {
            return Some(Todo::Close(Close::Slow));
        }
        if now_ms - self.heard_ms >= DEAD_MS {
            return Some(Todo::Close(Close::Gone));
        }
        let State::Open { expires_at, warned } = self.state else {
            return (now_ms - self.since_ms >= OPENING_MS).then_some(Todo::Close(Close::SignIn));
        };
        if now_ms >= expires_at {
            return Some(Todo::Close(Close::SignIn));
        }
        if !warned && expires_at - now_ms <= WARNING_MS {
            self.state = State::Open {
                expires_at,
                warned: true,
            };
            return Some(Todo::Warn { expires_at });
        }
        if now_ms - self.beaten_ms >= BEAT_MS {
            self.beaten_ms = now_ms;
            return Some(Todo::Beat);
        }
        None
    }

    /// When [`Self::time`] should be asked next.
    pub fn next_at(&self) -> i64 {
        let dead = self.heard_ms + DEAD_MS;
        let own = match self.state {
            State::New | State::Opening => self.since_ms + OPENING_MS,
            State::Open {
                expires_at,
                warned: true,
            } => expires_at.min(self.beaten_ms + BEAT_MS),
            State::Open {
                expires_at,
                warned: false,
            } => (expires_at - WARNING_MS).min(self.beaten_ms + BEAT_MS),
        };
        let lag = self
            .lagging_since_ms
            .map_or(i64::MAX, |since| since + LAG_MS);
        own.min(dead).min(lag)
    }

    /// Calls under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: u32, method: &str) -> Incoming {
        Incoming::Call(Call {
            id,
            method: method.into(),
            params: Some(Params::new()),
            key: None,
        })
    }

    fn open(now_ms: i64) -> Connection {
        let mut connection = Connection::new(now_ms);
        assert!(matches!(
            connection.frame(call(1, "connection.open"), now_ms),
            Some(Todo::Open { .. })
        ));
        connection.good_until(now_ms + 900_000);
        connection.answered(1);
        connection
    }

    #[test]
    fn plat_i02_the_first_frame_must_open_within_five_seconds() {
        let mut connection = Connection::new(0);
        assert_eq!(connection.next_at(), OPENING_MS);
        assert_eq!(connection.time(OPENING_MS - 1, false), None);
        assert_eq!(
            connection.time(OPENING_MS, false),
            Some(Todo::Close(Close::SignIn))
        );
        assert_eq!(
            Connection::new(0).frame(call(1, "message.send"), 0),
            Some(Todo::Close(Close::SignIn))
        );
        assert_eq!(
            Connection::new(0).frame(Incoming::Heartbeat, 0),
            Some(Todo::Close(Close::SignIn))
        );
    }

    #[test]
    fn plat_i02_a_heartbeat_every_30_seconds_and_dead_after_75() {
        let mut connection = open(0);
        assert_eq!(connection.next_at(), 30_000);
        assert_eq!(connection.time(29_999, false), None);
        assert_eq!(connection.time(30_000, false), Some(Todo::Beat));
        assert_eq!(connection.time(60_000, false), Some(Todo::Beat));
        assert_eq!(connection.next_at(), 75_000);
        assert_eq!(connection.time(74_999, false), None);
        assert_eq!(
            connection.time(75_000, false),
            Some(Todo::Close(Close::Gone))
        );
        let mut alive = open(0);
        alive.frame(Incoming::Heartbeat, 74_000);
        assert_eq!(alive.time(80_000, false), Some(Todo::Beat));
    }

    #[test]
    fn plat_i02_the_client_is_warned_a_minute_before_its_token_ends_and_closed_only_after() {
        let mut connection = Connection::new(0);
        connection.frame(call(1, "connection.open"), 0);
        connection.good_until(70_000);
        assert_eq!(connection.next_at(), 10_000);
        assert_eq!(
            connection.time(10_000, false),
            Some(Todo::Warn { expires_at: 70_000 })
        );
        assert_eq!(connection.time(10_001, false), None);
        connection.frame(Incoming::Heartbeat, 60_000);
        connection.time(60_000, false);
        assert_eq!(connection.time(69_999, false), None);
        assert_eq!(
            connection.time(70_000, false),
            Some(Todo::Close(Close::SignIn))
        );
        connection.good_until(1_000_000);
        assert_eq!(connection.time(70_000, false), None);
    }

    #[test]
    fn plat_i07_a_client_that_lags_for_30_seconds_is_cut_off() {
        let mut connection = open(0);
        assert_eq!(connection.time(1_000, true), None);
        connection.frame(Incoming::Heartbeat, 30_000);
        assert_eq!(connection.time(30_999, true), Some(Todo::Beat));
        assert_eq!(
            connection.time(31_000, true),
            Some(Todo::Close(Close::Slow))
        );
        let mut caught_up = open(0);
        caught_up.time(1_000, true);
        caught_up.time(2_000, false);
        assert_eq!(caught_up.time(31_000, true), Some(Todo::Beat));
    }

    #[test]
    fn sixty_four_calls_may_be_under_way() {
        let mut connection = open(0);
        for id in 2..66 {
            assert!(matches!(
                connection.frame(call(id, "x.y"), 0),
                Some(Todo::Run { .. })
            ));
        }
        assert!(matches!(
            connection.frame(call(66, "x.y"), 0),
            Some(Todo::Refuse { id: 66, .. })
        ));
        connection.answered(2);
        assert!(matches!(
            connection.frame(call(66, "x.y"), 0),
            Some(Todo::Run { .. })
        ));
        assert_eq!(
            connection.frame(call(66, "x.y"), 0),
            Some(Todo::Close(Close::BadFrame))
        );
    }

    #[test]
    fn a_connection_is_opened_once() {
        let mut connection = open(0);
        assert_eq!(
            connection.frame(call(5, "connection.open"), 0),
            Some(Todo::Close(Close::BadFrame))
        );
    }
}
