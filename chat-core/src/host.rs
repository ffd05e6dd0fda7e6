//! What the process and its machine tell of themselves, for the overview of an administrator; and which servers live,
//! for the metrics too.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::api::{Answer, ApiError};
use crate::node::Node;

/// Room on the disk of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Disk {
    /// Bytes of the store's files.
    pub store_bytes: u64,
    /// Bytes that are free on their file system.
    pub free_bytes: u64,
    /// With less than this the server only reads.
    pub least_bytes: u64,
}

/// What the process tells.
#[derive(Clone, Copy, Debug)]
pub struct HostFigures {
    /// Which version it is.
    pub version: &'static str,
    /// Its open connections.
    pub sockets: u64,
    /// Room on the disk; nothing where the store is elsewhere.
    pub disk: Option<Disk>,
}

/// The process. `gateway` implements it.
pub trait Host: Send + Sync + 'static {
    /// How it is. Looks at files, so it may take a while.
    fn figures(&self) -> HostFigures;
}

/// A process without sockets or files.
pub struct NoHost;

impl Host for NoHost {
    fn figures(&self) -> HostFigures {
        HostFigures {
            version: env!("CARGO_PKG_VERSION"),
            sockets: 0,
            disk: None,
        }
    }
}

/// How the process is now.
///
/// # Errors
/// `internal` when it can't be looked at.
pub async fn figures(node: &Node) -> Answer<HostFigures> {
    let host = Arc::clone(&node.host);
    let looked = tokio::task::spawn_blocking(move || host.figures());
    looked.await.map_err(|_| ApiError::internal())
}

/// A server of a cluster that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveServer {
    /// Its name.
    pub name: String,
    /// It writes the journal.
    pub owner: bool,
    /// It is this one.
    pub here: bool,
}

/// The servers that live, and which of them writes; none without a cluster.
pub fn servers(node: &Node) -> Vec<LiveServer> {
    let store = &node.store;
    let Some(servers) = store.servers().map(|live| live.borrow().clone()) else {
        return Vec::new();
    };
    // An empty address is this server itself.
    let owner = store.owner();
    let me = node.cluster.as_ref().map(|cluster| cluster.member());
    let live = servers.into_iter().map(|one| {
        let here = me.is_some_and(|me| me.name == one.name);
        let owner = match owner.as_deref() {
            Some("") => here,
            Some(address) => address == one.address,
            None => false,
        };
        LiveServer {
            name: one.name,
            owner,
            here,
        }
    });
    live.collect()
}
