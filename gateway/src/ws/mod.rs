//! The WebSocket: one connection a device, two codecs, one state machine without I/O.

pub mod connection;
pub mod frame;
pub mod hub;
pub mod outbox;
pub mod socket;
pub mod wheel;
