//! Chaoke on the wire: HTTP, WebSocket, the browser client inside the binary. What the methods do is
//! `chat-core`'s and the applications' business; here they are reached.
//!
//! Start reading at [`server::Server`] (how a call comes in) and [`ws::connection`] (what a connection
//! is, without I/O).

pub mod assets;
pub mod command;
pub mod config;
pub mod door;
mod files;
pub mod generate;
pub mod healthcheck;
mod hooks;
pub mod http;
pub mod link;
pub mod logging;
mod machine;
pub mod metrics;
pub mod opening;
pub mod proxies;
pub mod public_url;
pub mod server;
pub mod setup_link;
pub mod tls;
pub mod trace;
pub mod ws;
