//! Delivery: applied rounds, in order of position, become pushes to the connections of those who may
//! see them. At most once on purpose: what a connection misses it finds out by the numbers of a log.
//! A reply to a send waits until delivery has passed its position, so that pushes of lower numbers
//! leave first.

use std::sync::Arc;

use storage::{AppliedCommit, AppliedRound, Change};
use tokio::sync::{mpsc, watch};

use crate::api::{Answer, Push};
use crate::conversation::delivered;
use crate::directory::session::SESSION;
use crate::ids::{Id, SessionId, UserId};
use crate::node::Node;

/// Names an open connection of this node.
pub type ConnectionId = u64;

/// The open connections of this node. `gateway` implements it; nothing here knows sockets.
pub trait Connections: Send + Sync + 'static {
    /// Queues `push` on every connection of each of `users`. Never waits: a connection that is too
    /// slow catches up later.
    fn push(&self, users: &mut dyn Iterator<Item = UserId>, push: &Push);
    /// Queues `push` on these connections.
    fn push_to(&self, connections: &[ConnectionId], push: &Push);
    /// Whether `user` has an open connection.
    fn online(&self, user: UserId) -> bool;
    /// Closes every connection of a session that has ended.
    fn end_session(&self, session: SessionId);
}

/// How far delivery has come.
pub struct Delivery {
    done: watch::Receiver<u64>,
}

impl Delivery {
    pub(crate) fn new(done: watch::Receiver<u64>) -> Self {
        Self { done }
    }

    /// Waits until the round of `position` was delivered.
    pub async fn passed(&self, position: u64) {
        let mut done = self.done.clone();
        // An error means that the server is stopping: the write is durable all the same.
        let _ = done.wait_for(|at| *at >= position).await;
    }
}

pub(crate) async fn run(
    node: Arc<Node>,
    mut rounds: mpsc::Receiver<Arc<AppliedRound>>,
    tell: watch::Sender<u64>,
) {
    while let Some(round) = rounds.recv().await {
        for commit in &round.commits {
            if let Err(error) = deliver(&node, commit).await {
                // Clients find what they miss by the numbers of the log.
                tracing::error!(code = %error.code, position = commit.position, "a commit was not delivered");
            }
            tell.send_replace(commit.position);
        }
    }
}

async fn deliver(node: &Node, commit: &AppliedCommit) -> Answer<()> {
    let Ok(id) = commit.home.id().parse::<Id>() else {
        return Ok(());
    };
    match commit.home.kind() {
        "conv" => delivered::in_conversation(node, id, commit).await,
        "user" => delivered::to_user(node, id, commit).await,
        "session" => {
            let ended = commit.writes.iter().any(|write| {
                write.at.table == SESSION.id() && matches!(write.change, Change::Delete)
            });
            if ended {
                node.connections.end_session(id);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
