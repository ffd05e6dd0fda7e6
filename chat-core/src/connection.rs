//! Opening a connection and resuming (`IM-i03`, `PLAT-i04`): per log exactly the missing entries, or
//! *reload*, never a part. What happened to oneself while away stands in the log `self`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::Direction;

use crate::api::registry::{Access, Registry};
use crate::api::{Answer, ApiError, Class, Codec};
use crate::conversation::rows::SELF_LOG;
use crate::conversation::types::SelfAppended;
use crate::ctx::{Caller, Ctx};
use crate::directory::person::{MEMBER, Person, space_home, user_home};
use crate::directory::space::{SPACE, Space};
use crate::ids::{ConversationId, UserId};
use crate::limits::{RESUMED_BYTES, RESUMED_ENTRIES, RESUMED_LOGS};
use crate::message::history;
use crate::message::types::Message;
use crate::node::Node;

/// The server sends a heartbeat this often (wire contract).
pub const HEARTBEAT_MS: u64 = 30_000;
/// Calls of one connection that may be under way at the same time (wire contract).
pub const MAX_IN_FLIGHT: usize = 64;
/// A client that lost its connection waits between these before it comes back.
pub const RECONNECT_MS: (u64, u64) = (200, 2_000);

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("connection")
        .read(
            "open",
            Access::Public,
            "The first frame of a WebSocket: who one is, and what one has seen",
            only_here::<Open, Opened>,
        )
        .read(
            "renew",
            Access::Public,
            "Go on with a newer access token",
            only_here::<Renew, Renewed>,
        )
        .event::<Expiring>(
            "connection.expiring",
            "The access token ends within a minute: renew",
        )
        .event::<Resync>(
            "connection.resync",
            "Pushes were left out: ask for what is missing",
        );
}

// ---- types

/// Who opens a connection, and what he has seen.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// An access token.
    pub token: String,
    /// Names this installation of a client.
    pub device_id: String,
    /// Name and version of the client.
    pub client: String,
    /// `zh-CN`, `en`, …
    pub locale: String,
    /// The last entry of the log `self` that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_seq: Option<u64>,
    /// Per conversation, the last entry that was seen (≤ 100).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursors: Option<BTreeMap<ConversationId, u64>>,
}

/// A connection that is open.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Opened {
    /// The person.
    pub user: Person,
    /// The company.
    pub space: Space,
    /// The server's clock.
    pub server_now_at: i64,
    /// When the access token ends.
    pub expires_at: i64,
    /// Another one than before: everything kept must be loaded anew.
    pub incarnation: String,
    /// The server sends a heartbeat this often; so should the client.
    pub heartbeat_ms: u64,
    /// Calls that may be under way at the same time.
    pub max_in_flight: usize,
    /// How long to wait before coming back after a cut.
    pub reconnect: Reconnect,
    /// What was missed.
    pub logs: Logs,
}

/// A span of time to choose from.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Reconnect {
    /// At least.
    pub min_ms: u64,
    /// At most.
    pub max_ms: u64,
}

/// What was missed, per log that was named.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Logs {
    /// The log `self`.
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub own: Option<Resumed<SelfAppended>>,
    /// Conversations.
    pub conversations: BTreeMap<ConversationId, Resumed<Message>>,
}

/// What was missed of one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schemars(rename = "Resumed{T}")]
pub enum Resumed<T> {
    /// Exactly the missing entries.
    Recovered {
        /// In order; empty when nothing was missed.
        entries: Vec<T>,
        /// The last entry there is.
        head_seq: u64,
    },
    /// Too much was missed: load it anew.
    Reload {
        /// The last entry there is.
        head_seq: u64,
    },
    /// One is not in this conversation (any more).
    NotFound {},
}

/// A newer access token.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// An access token of the same session.
    pub token: String,
}

/// The connection goes on.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Renewed {
    /// Until then.
    pub expires_at: i64,
}

/// Data of `connection.expiring`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Expiring {
    /// When the access token ends.
    pub expires_at: i64,
}

/// Data of `connection.resync`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Resync {}

// ---- rules

/// The entries to send for a reader who has seen `seen`; `None` when he must load anew.
fn missing(seen: u64, from_seq: u64, head: u64) -> Option<(u64, u64)> {
    // Ahead of the log: an older backup was restored. Before one's joining: one joined again.
    if seen > head || seen.saturating_add(1) < from_seq {
        return None;
    }
    (head - seen <= RESUMED_ENTRIES as u64).then_some((seen + 1, head))
}

// ---- opening

/// Answers `connection.open` for `caller`.
///
/// # Errors
/// `invalid` for more than 100 cursors; what the store answers.
pub async fn open(node: &Node, caller: &Caller, p: &Open) -> Answer<Opened> {
    let cursors = p.cursors.clone().unwrap_or_default();
    if cursors.len() > RESUMED_LOGS {
        return Err(ApiError::too_many("cursors", RESUMED_LOGS));
    }
    let space = space_home(caller.space_id);
    let member = node
        .store
        .read(&space, &MEMBER, &(), &caller.user_id)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    let row = node
        .store
        .read(&space, &SPACE, &(), &())
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    let mut left = RESUMED_BYTES;
    let own = match p.self_seq {
        Some(seen) => Some(resume_self(node, caller.user_id, seen, &mut left).await?),
        None => None,
    };
    let mut conversations = BTreeMap::new();
    for (id, seen) in cursors {
        conversations.insert(
            id,
            resume_conversation(node, caller.user_id, id, seen, &mut left).await?,
        );
    }
    Ok(Opened {
        user: member.person(caller.user_id, true),
        space: row.view(caller.space_id),
        server_now_at: node.clock.now_ms(),
        expires_at: caller.expires_at,
        incarnation: node.store.incarnation().to_string(),
        heartbeat_ms: HEARTBEAT_MS,
        max_in_flight: MAX_IN_FLIGHT,
        reconnect: Reconnect {
            min_ms: RECONNECT_MS.0,
            max_ms: RECONNECT_MS.1,
        },
        logs: Logs { own, conversations },
    })
}

async fn resume_self(
    node: &Node,
    user: UserId,
    seen: u64,
    left: &mut usize,
) -> Answer<Resumed<SelfAppended>> {
    let (home, log) = (user_home(user), SELF_LOG.partition(&()));
    let head_seq = node.store.head(&home, &log).await?.last;
    let Some((first, last)) = missing(seen, 1, head_seq) else {
        return Ok(Resumed::Reload { head_seq });
    };
    let rows = node
        .store
        .entries(
            &home,
            &log,
            first,
            last,
            Direction::Forward,
            RESUMED_ENTRIES,
        )
        .await?;
    let entries = rows
        .iter()
        .map(|(seq, row)| Ok(SELF_LOG.decode(row)?.view(*seq)))
        .collect::<Answer<Vec<_>>>()?;
    Ok(recovered(entries, head_seq, left))
}

async fn resume_conversation(
    node: &Node,
    user: UserId,
    id: ConversationId,
    seen: u64,
    left: &mut usize,
) -> Answer<Resumed<Message>> {
    let Some(snapshot) = node.conversations.get(&node.store, id).await? else {
        return Ok(Resumed::NotFound {});
    };
    let Some(member) = snapshot.roster.get(&user) else {
        return Ok(Resumed::NotFound {});
    };
    let head_seq = snapshot.head_seq;
    let Some((first, last)) = missing(seen, member.from_seq, head_seq) else {
        return Ok(Resumed::Reload { head_seq });
    };
    let entries = history::entries(&node.store, id, first, last).await?;
    Ok(recovered(entries, head_seq, left))
}

/// All of `entries`, if they fit in what is left of the budget.
fn recovered<T: Serialize>(entries: Vec<T>, head_seq: u64, left: &mut usize) -> Resumed<T> {
    let bytes = Codec::Json
        .encode(&entries)
        .map_or(usize::MAX, |bytes| bytes.len());
    if bytes > *left {
        return Resumed::Reload { head_seq };
    }
    *left -= bytes;
    Resumed::Recovered { entries, head_seq }
}

async fn only_here<P, R>(_: Ctx, _: P) -> Answer<R> {
    Err(ApiError::new(
        Class::Invalid,
        "needs_connection",
        "此方法只能通过 WebSocket 调用",
        "This is for a WebSocket connection",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plat_i04_resuming_gives_exactly_the_missing_entries_or_none() {
        assert_eq!(missing(3, 1, 5), Some((4, 5)));
        assert_eq!(missing(5, 1, 5), Some((6, 5)));
        assert_eq!(missing(0, 1, 200), Some((1, 200)));
        assert_eq!(missing(0, 1, 201), None);
        assert_eq!(missing(6, 1, 5), None, "an older backup was restored");
        assert_eq!(missing(3, 9, 12), None, "joined again");
        assert_eq!(missing(8, 9, 12), Some((9, 12)));
    }

    #[test]
    fn what_does_not_fit_is_never_given_in_part() {
        let mut left = 10;
        assert_eq!(
            recovered(vec!["0123456789"], 1, &mut left),
            Resumed::Reload { head_seq: 1 }
        );
        assert_eq!(
            recovered(vec!["0"], 1, &mut left),
            Resumed::Recovered {
                entries: vec!["0"],
                head_seq: 1
            }
        );
        assert_eq!(left, 5);
    }
}
