//! Chaoke on the wire: HTTP, WebSocket, the browser client inside the binary. What the methods do is
//! `chat-core`'s and the applications' business; here they are reached.
//!
//! Start reading at [`server::Server`] (how a call comes in) and [`ws::connection`] (what a connection
//! is, without I/O).

pub mod assets;
pub mod command;
pub mod config;
pub mod generate;
pub mod http;
pub mod link;
pub mod opening;
pub mod server;
pub mod setup_link;
pub mod ws;
