//! Who is online, who is typing (`IM-i14`, `DIR-i03`). Presence is the memory of the node; only "last
//! seen" is stored, when the last connection of a person closes.

use std::collections::HashSet;
use std::sync::Mutex;

use dashmap::DashMap;
use moka::sync::Cache;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Table, retry};

use crate::api::registry::{Access, Nothing, Registry, nothing};
use crate::api::{Answer, ApiError, Class, Push};
use crate::conversation::types::ConversationRef;
use crate::ctx::Ctx;
use crate::delivery::ConnectionId;
use crate::directory::person::user_home;
use crate::directory::space::people;
use crate::ids::{ConversationId, UserId};
use crate::limits::{LIVE_MEMBERS, REMEMBERED_GUESSERS, TYPING_PAUSE_MS, WATCH_MS, WATCHED_PEOPLE};
use crate::node::Node;
use crate::tables;

/// Adds the rows of these sections to the table.
pub fn register(api: &mut Registry) {
    api.section("presence")
        .read("watch", Access::Member, "Whether these people are online, and each change for 5 minutes; replaces the earlier set", watch)
        .event::<Changes>("presence.changed", "People came online or went offline");
    api.section("conversation")
        .read(
            "typing",
            Access::Member,
            "Tell the others that one is typing",
            typing,
        )
        .event::<Typed>("conversation.typed", "A member is typing");
}

// ---- types

/// Whom to watch.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// Up to 200 people; none ends the watch.
    pub user_ids: Vec<UserId>,
}

/// Whether a person is online.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Presence {
    /// Who.
    pub user_id: UserId,
    /// Has an open connection.
    pub online: bool,
    /// When the last connection closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<i64>,
}

/// Data of `presence.changed`, and what `presence.watch` answers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Changes {
    /// The people.
    pub items: Vec<Presence>,
}

/// Data of `conversation.typed`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Typed {
    /// Where.
    pub conversation_id: ConversationId,
    /// Who.
    pub user_id: UserId,
}

// ---- rows

/// `user:<id>`: when the last connection closed.
const LAST_SEEN: Table<(), (), i64> = Table::new(tables::LAST_SEEN, "last_seen");

// ---- methods

async fn watch(ctx: Ctx, p: Watch) -> Answer<Changes> {
    let caller = ctx.caller()?;
    let connection = ctx.connection.ok_or_else(|| {
        ApiError::new(
            Class::Invalid,
            "needs_connection",
            "此方法只能通过 WebSocket 调用",
            "This is for a WebSocket connection",
        )
    })?;
    if p.user_ids.len() > WATCHED_PEOPLE {
        return Err(ApiError::too_many("user_ids", WATCHED_PEOPLE));
    }
    let known: Vec<UserId> = if p.user_ids.is_empty() {
        vec![]
    } else {
        people(&ctx, caller.space_id, &p.user_ids)
            .await?
            .iter()
            .map(|person| person.user_id)
            .collect()
    };
    ctx.node.watchers.watch(connection, &known, ctx.now_ms());
    let items = known.iter().map(|user| state(&ctx.node, *user));
    Ok(Changes {
        items: futures_util::future::try_join_all(items).await?,
    })
}

async fn state(node: &Node, user_id: UserId) -> Answer<Presence> {
    let online = node.connections.online(user_id);
    let last_seen_at = if online {
        None
    } else {
        node.store
            .read(&user_home(user_id), &LAST_SEEN, &(), &())
            .await?
    };
    Ok(Presence {
        user_id,
        online,
        last_seen_at,
    })
}

async fn typing(ctx: Ctx, p: ConversationRef) -> Answer<Nothing> {
    let caller = ctx.caller()?;
    let id = p.conversation_id;
    let snapshot = ctx
        .node
        .conversations
        .get(&ctx.node.store, id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    if !snapshot.roster.contains_key(&caller.user_id) {
        return Err(ApiError::not_found());
    }
    if snapshot.roster.len() <= LIVE_MEMBERS
        && ctx.node.typing.may_tell(caller.user_id, id, ctx.now_ms())
    {
        let mut others = snapshot
            .roster
            .keys()
            .copied()
            .filter(|user| *user != caller.user_id);
        let typed = Typed {
            conversation_id: id,
            user_id: caller.user_id,
        };
        ctx.node
            .connections
            .push(&mut others, &Push::new("conversation.typed", typed));
    }
    nothing()
}

/// Notes when `user` went offline.
///
/// # Errors
/// What the store answers.
pub async fn note_last_seen(node: &Node, user: UserId) -> Answer<()> {
    let now_ms = node.clock.now_ms();
    retry(|| async {
        let mut t = node.store.transaction(&user_home(user));
        t.set(&LAST_SEEN, &(), &(), &now_ms)?;
        t.commit().await?;
        Answer::Ok(())
    })
    .await
}

/// Tells the watchers of those who came or went since the last turn. Called once a second.
///
/// # Errors
/// What the store answers.
pub async fn tell_watchers(node: &Node) -> Answer<()> {
    let now_ms = node.clock.now_ms();
    for user in node.watchers.take_changed() {
        let connections = node.watchers.of(user, now_ms);
        if !connections.is_empty() {
            let change = Changes {
                items: vec![state(node, user).await?],
            };
            node.connections
                .push_to(&connections, &Push::new("presence.changed", change));
        }
    }
    Ok(())
}

// ---- memory of the node

/// Which connections watch whom. Bounded by connections × 200.
#[derive(Default)]
pub struct Watchers {
    by_connection: DashMap<ConnectionId, (Vec<UserId>, i64)>,
    by_user: DashMap<UserId, HashSet<ConnectionId>>,
    changed: Mutex<HashSet<UserId>>,
}

impl Watchers {
    /// Replaces what `connection` watches.
    pub fn watch(&self, connection: ConnectionId, users: &[UserId], now_ms: i64) {
        self.forget(connection);
        if users.is_empty() {
            return;
        }
        for user in users {
            self.by_user.entry(*user).or_default().insert(connection);
        }
        self.by_connection
            .insert(connection, (users.to_vec(), now_ms + WATCH_MS));
    }

    /// A connection closed.
    pub fn forget(&self, connection: ConnectionId) {
        let Some((_, (users, _))) = self.by_connection.remove(&connection) else {
            return;
        };
        for user in users {
            if let dashmap::Entry::Occupied(mut entry) = self.by_user.entry(user) {
                entry.get_mut().remove(&connection);
                if entry.get().is_empty() {
                    entry.remove();
                }
            }
        }
    }

    /// `user` came or went.
    pub fn changed(&self, user: UserId) {
        if self.by_user.contains_key(&user)
            && let Ok(mut changed) = self.changed.lock()
        {
            changed.insert(user);
        }
    }

    fn take_changed(&self) -> HashSet<UserId> {
        self.changed
            .lock()
            .map(|mut changed| std::mem::take(&mut *changed))
            .unwrap_or_default()
    }

    /// The connections that watch `user` now; a watch that ran out is dropped.
    fn of(&self, user: UserId, now_ms: i64) -> Vec<ConnectionId> {
        let all: Vec<ConnectionId> = self
            .by_user
            .get(&user)
            .map(|all| all.iter().copied().collect())
            .unwrap_or_default();
        let good = |connection: &ConnectionId| {
            self.by_connection
                .get(connection)
                .is_some_and(|entry| entry.1 >= now_ms)
        };
        let (good, over): (Vec<_>, Vec<_>) = all.into_iter().partition(good);
        over.into_iter()
            .for_each(|connection| self.forget(connection));
        good
    }
}

/// When a person last told a conversation that he is typing.
pub struct Typing(Cache<(UserId, ConversationId), i64>);

impl Default for Typing {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(REMEMBERED_GUESSERS)
                .time_to_live(std::time::Duration::from_secs(60))
                .build(),
        )
    }
}

impl Typing {
    fn may_tell(&self, user: UserId, id: ConversationId, now_ms: i64) -> bool {
        let told_ms = self.0.get(&(user, id));
        let may = told_ms.is_none_or(|told| now_ms - told >= TYPING_PAUSE_MS);
        if may {
            self.0.insert((user, id), now_ms);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    #[test]
    fn a_new_watch_replaces_the_earlier_one_and_runs_out_after_five_minutes() {
        let watchers = Watchers::default();
        let (a, b) = (Id([1; 16]), Id([2; 16]));
        watchers.watch(7, &[a, b], 0);
        watchers.watch(7, &[b], 0);
        assert_eq!(watchers.of(a, 0), [] as [u64; 0]);
        assert_eq!(watchers.of(b, WATCH_MS), [7]);
        assert_eq!(watchers.of(b, WATCH_MS + 1), [] as [u64; 0]);
        assert!(watchers.by_connection.is_empty() && watchers.by_user.is_empty());
    }

    #[test]
    fn only_changes_of_watched_people_are_kept() {
        let watchers = Watchers::default();
        let (a, b) = (Id([1; 16]), Id([2; 16]));
        watchers.watch(7, &[a], 0);
        watchers.changed(a);
        watchers.changed(b);
        assert_eq!(watchers.take_changed(), HashSet::from([a]));
    }

    #[test]
    fn im_i14_typing_is_told_once_in_two_seconds() {
        let typing = Typing::default();
        let (user, conversation) = (Id([1; 16]), Id([2; 16]));
        assert!(typing.may_tell(user, conversation, 0));
        assert!(!typing.may_tell(user, conversation, 1_999));
        assert!(typing.may_tell(user, conversation, 2_000));
    }
}
