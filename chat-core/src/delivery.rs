//! Delivery: applied rounds, in order of position, become pushes to the connections of those who may
//! see them. At most once on purpose: what a connection misses it finds out by the numbers of a log.
//! A reply to a send waits until delivery has passed its position, so that pushes of lower numbers
//! leave first.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use storage::{AppliedCommit, AppliedRound, Change};
use tokio::sync::{mpsc, watch};

use crate::api::{Answer, Push};
use crate::conversation::delivered;
use crate::directory::editing;
use crate::directory::session::SESSION;
use crate::ids::{ConversationId, Id, SessionId, UserId};
use crate::node::Node;

/// Conversations that are read side by side.
const READ_AT_ONCE: usize = 16;

/// Names an open connection of this node.
pub type ConnectionId = u64;

/// The open connections of this node. `gateway` implements it; nothing here knows sockets.
pub trait Connections: Send + Sync + 'static {
    /// Queues `push` on every connection of each of `users`. Never waits: a connection that is too
    /// slow catches up later.
    fn push(&self, users: &mut dyn Iterator<Item = UserId>, push: &Push);
    /// As [`Connections::push`], for many in a row: what goes to other nodes leaves with [`Connections::flush`] at
    /// the latest.
    fn queue(&self, users: &mut dyn Iterator<Item = UserId>, push: &Push) {
        self.push(users, push);
    }
    /// Has everything leave that was queued for other nodes.
    fn flush(&self) {}
    /// Queues `push` on these connections.
    fn push_to(&self, connections: &[ConnectionId], push: &Push);
    /// Whether `user` has an open connection.
    fn online(&self, user: UserId) -> bool;
    /// Everybody who has one here, in any order.
    fn all_online(&self) -> Vec<UserId>;
    /// Everybody who has one, anywhere.
    fn everybody(&self) -> Vec<UserId> {
        self.all_online()
    }
    /// How many people have one, anywhere.
    fn count_online(&self) -> usize {
        self.all_online().len()
    }
    /// Has the connections of `user` here, or all, look for what they missed (`connection.resync`).
    fn resync(&self, user: Option<UserId>);
    /// Closes every connection of a session that has ended.
    fn end_session(&self, session: SessionId);
}

/// How far delivery has come on this node.
#[derive(Clone, Copy, Debug)]
struct Progress {
    at: u64,
    /// False where another node delivers.
    here: bool,
}

/// How far delivery has come.
pub struct Delivery(watch::Sender<Progress>);

impl Delivery {
    /// What was applied up to `start` is not delivered again. `here` says that this node delivers.
    pub(crate) fn new(start: u64, here: bool) -> Self {
        Self(watch::Sender::new(Progress { at: start, here }))
    }

    /// Waits until the round of `position` was delivered. Where another node delivers, its answer to the
    /// commit came after that, so there is nothing to wait for.
    pub async fn passed(&self, position: u64) {
        let mut done = self.0.subscribe();
        // It can only end with the node itself, which is borrowed here.
        let _ = done
            .wait_for(|progress| progress.at >= position || !progress.here)
            .await;
    }
}

/// Delivers the rounds of a term behind `start`.
pub(crate) async fn run(
    node: Arc<Node>,
    start: u64,
    mut rounds: mpsc::Receiver<Arc<AppliedRound>>,
) {
    let tell = &node.delivery.0;
    tell.send_replace(Progress {
        at: start,
        here: true,
    });
    while let Some(round) = rounds.recv().await {
        prepare(&node, &round).await;
        for commit in &round.commits {
            if let Err(error) = deliver(&node, commit).await {
                // Clients find what they miss by the numbers of the log.
                tracing::error!(code = %error.code, position = commit.position, "a commit was not delivered");
            }
        }
        // Once for all of them: another node, and whoever waits for an answer, is woken once a round.
        node.connections.flush();
        if let Some(last) = round.commits.last() {
            tell.send_replace(Progress {
                at: last.position,
                here: true,
            });
        }
    }
    tell.send_modify(|progress| progress.here = false);
}

/// Reads the conversations of a round that are not known, side by side. One after the other, each would make every
/// answer behind it wait for the database: 200 people who begin to write after a start waited for seconds.
async fn prepare(node: &Node, round: &AppliedRound) {
    let ids: BTreeSet<ConversationId> = round.commits.iter().flat_map(delivered::about).collect();
    let reads = stream::iter(ids).map(|id| node.conversations.get(&node.store, id));
    // What can't be read is told where it is delivered.
    reads
        .buffer_unordered(READ_AT_ONCE)
        .for_each(async |_| ())
        .await;
}

async fn deliver(node: &Node, commit: &AppliedCommit) -> Answer<()> {
    let Ok(id) = commit.home.id().parse::<Id>() else {
        return Ok(());
    };
    match commit.home.kind() {
        "conv" => delivered::in_conversation(node, id, commit).await,
        "user" => delivered::to_user(node, id, commit).await,
        "space" => editing::tell_everybody(node, commit),
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
