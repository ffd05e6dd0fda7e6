//! Looking at conversations: the list, one of them, its members.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use storage::{Direction, Home, KeyRange, Partition, Row, Store, max_value};

use super::cache::Snapshot;
use super::reading;
use super::rows::{JOINED, JoinedRow, MetaRow, RosterRow, cursors, read_cursor};
use super::rules::unread;
use super::types::{
    Conversation, ConversationRef, ConversationRow, History, Kind, Member, MemberRole, State,
};
use crate::api::page::{Page, PageParams, checked_limit, cursor};
use crate::api::{Answer, ApiError};
use crate::ctx::{Caller, Ctx};
use crate::directory::person::{self, user_home};
use crate::ids::{ConversationId, Id, UserId};
use crate::limits::{LIVE_MEMBERS, ROW_MEMBERS};

// ---- types

/// Names a colleague.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenDirect {
    /// The colleague.
    pub user_id: UserId,
}

/// Which members.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Members at most (1 to 200, 50 when absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Rows of one's own list read by one scan.
const SCANNED_AT_ONCE: usize = 1_000;

// ---- methods

pub(super) async fn open_direct(ctx: Ctx, p: OpenDirect) -> Answer<Conversation> {
    let caller = ctx.caller()?;
    if p.user_id == caller.user_id {
        return Err(ApiError::invalid(
            "user_id",
            "own_user",
            "不能和自己聊天",
            "This is yourself",
        ));
    }
    person::member(&ctx.node.store, caller.space_id, p.user_id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let id = Id::direct(caller.space_id, caller.user_id, p.user_id);
    match ctx.node.conversations.get(&ctx.node.store, id).await? {
        Some(snapshot) => whole(&ctx, &caller, id, &snapshot).await,
        None => Ok(not_begun(&caller, id, p.user_id)),
    }
}

/// A direct chat before its first message.
fn not_begun(caller: &Caller, id: ConversationId, peer: UserId) -> Conversation {
    Conversation {
        row: ConversationRow {
            conversation_id: id,
            kind: Kind::Direct,
            name: None,
            peer_id: Some(peer),
            owner_id: None,
            state: State::Open,
            last: None,
            head_seq: 0,
            count: 0,
            from_seq: 1,
            read_seq: 0,
            read_count: 0,
            unread: 0,
            member_count: 2,
            member_ids: vec![caller.user_id, peer],
        },
        created_at: None,
        history: History::Full,
        members: None,
        pending: None,
    }
}

pub(super) async fn list(ctx: Ctx, p: PageParams) -> Answer<Page<ConversationRow>> {
    let (caller, limit, now_ms) = (ctx.caller()?, p.limit()?, ctx.now_ms());
    let after = p.after_key::<Place>(now_ms)?;
    let mut rows = rows_of(&ctx, &caller).await?;
    rows.sort_by_cached_key(|row| std::cmp::Reverse(place(row)));
    let start = match after {
        // Newest first: the page goes on below the place where the last one ended.
        Some(place_before) => rows.partition_point(|row| place(row) >= place_before),
        None => 0,
    };
    let more = rows.len() > start + limit;
    let items: Vec<_> = rows.into_iter().skip(start).take(limit).collect();
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| cursor(&place(last), now_ms));
    Ok(Page { items, next })
}

/// Where something stands in a list by time, then by id.
type Place = [u8; 24];

fn placed(at: i64, id: Id) -> Place {
    let mut place = [0; 24];
    place[..8].copy_from_slice(&at.to_be_bytes());
    place[8..].copy_from_slice(&id.0);
    place
}

/// A conversation by its last activity.
fn place(row: &ConversationRow) -> Place {
    let at = row.last.as_ref().map_or(0, |last| last.sent_at);
    placed(at, row.conversation_id)
}

/// All conversations of the caller.
async fn rows_of(ctx: &Ctx, caller: &Caller) -> Answer<Vec<ConversationRow>> {
    let (store, home) = (&ctx.node.store, user_home(caller.user_id));
    let joined = scan_all(store, &home, &JOINED.partition(&())).await?;
    let read = scan_all(store, &home, &cursors()).await?;
    let mut cursors = HashMap::with_capacity(read.len());
    for (key, row) in &read {
        let (seq, payload) = max_value(row)?;
        cursors.insert(JOINED.key(key)?, read_cursor(seq, &payload));
    }
    let mut rows = Vec::with_capacity(joined.len());
    for (key, row) in &joined {
        let (id, joined) = (JOINED.key(key)?, JOINED.decode(row)?);
        let Some(snapshot) = ctx.node.conversations.get(store, id).await? else {
            continue;
        };
        // The roster is the authority; one's own list may lag behind it.
        let Some(member) = snapshot.roster.get(&caller.user_id) else {
            continue;
        };
        let written = cursors.get(&id).copied().unwrap_or((0, 0));
        let read = reading::position(
            &joined,
            written,
            ctx.node.cursors.waiting(caller.user_id, id),
        );
        rows.push(view(id, caller.user_id, &snapshot, member, read));
    }
    Ok(rows)
}

/// The rows of a partition, read in pages: as many as a person may have conversations, and those he left.
async fn scan_all(store: &Store, home: &Home, partition: &Partition) -> Answer<Vec<(Bytes, Row)>> {
    let (mut rows, mut range) = (Vec::new(), KeyRange::all());
    loop {
        let page = store
            .scan(home, partition, range, Direction::Forward, SCANNED_AT_ONCE)
            .await?;
        let whole = page.len() == SCANNED_AT_ONCE;
        rows.extend(page);
        let Some((last, _)) = rows.last().filter(|_| whole) else {
            break;
        };
        range = KeyRange::after(last.clone());
    }
    Ok(rows)
}

/// A conversation as it is now, for a member of it.
///
/// # Errors
/// `not_found` for everybody else.
pub(crate) async fn seen_by(
    ctx: &Ctx,
    caller: &Caller,
    id: ConversationId,
) -> Answer<Arc<Snapshot>> {
    let snapshot = ctx.node.conversations.get(&ctx.node.store, id).await?;
    snapshot
        .filter(|snapshot| snapshot.roster.contains_key(&caller.user_id))
        .ok_or_else(ApiError::not_found)
}

pub(super) async fn get(ctx: Ctx, p: ConversationRef) -> Answer<Conversation> {
    let caller = ctx.caller()?;
    let snapshot = ctx
        .node
        .conversations
        .get(&ctx.node.store, p.conversation_id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    whole(&ctx, &caller, p.conversation_id, &snapshot).await
}

/// A conversation by itself, for a member of it.
///
/// # Errors
/// `not_found` for everybody else.
pub(super) async fn whole(
    ctx: &Ctx,
    caller: &Caller,
    id: ConversationId,
    snapshot: &Arc<Snapshot>,
) -> Answer<Conversation> {
    let member = snapshot
        .roster
        .get(&caller.user_id)
        .ok_or_else(ApiError::not_found)?;
    let read = reading::read_position(ctx, caller.user_id, id).await?;
    let members = if snapshot.roster.len() <= LIVE_MEMBERS {
        Some(
            with_read_positions(
                ctx,
                id,
                snapshot,
                snapshot
                    .roster
                    .iter()
                    .map(|(user, row)| (*user, *row))
                    .collect(),
            )
            .await?,
        )
    } else {
        None
    };
    Ok(Conversation {
        row: view(id, caller.user_id, snapshot, member, read),
        created_at: Some(snapshot.meta.created_at),
        history: snapshot.meta.history,
        members,
        pending: None,
    })
}

pub(super) async fn members(ctx: Ctx, p: Members) -> Answer<Page<Member>> {
    let (caller, limit, now_ms) = (ctx.caller()?, checked_limit(p.limit)?, ctx.now_ms());
    let after = PageParams {
        limit: p.limit,
        cursor: p.cursor.clone(),
    }
    .after_key::<Place>(now_ms)?;
    let snapshot = seen_by(&ctx, &caller, p.conversation_id).await?;
    let mut all: Vec<(UserId, RosterRow)> = snapshot
        .roster
        .iter()
        .map(|(user, row)| (*user, *row))
        .collect();
    all.sort_by_key(|(user, row)| (row.joined_at, *user));
    let place = |(user, row): &(UserId, RosterRow)| placed(row.joined_at, *user);
    let start = after.map_or(0, |key| all.partition_point(|member| place(member) <= key));
    let more = all.len() > start + limit;
    let page: Vec<_> = all.into_iter().skip(start).take(limit).collect();
    let next = page
        .last()
        .filter(|_| more)
        .map(|last| cursor(&place(last), now_ms));
    let items = if snapshot.roster.len() <= LIVE_MEMBERS {
        with_read_positions(&ctx, p.conversation_id, &snapshot, page).await?
    } else {
        page.into_iter()
            .map(|(user, row)| member(&snapshot.meta, user, row, None))
            .collect()
    };
    Ok(Page { items, next })
}

async fn with_read_positions(
    ctx: &Ctx,
    id: ConversationId,
    snapshot: &Snapshot,
    members: Vec<(UserId, RosterRow)>,
) -> Answer<Vec<Member>> {
    let users: Vec<UserId> = members.iter().map(|(user, _)| *user).collect();
    let read = reading::read_by(ctx, id, &users).await?;
    let rows = members.into_iter().zip(read);
    Ok(rows
        .map(|((user, row), seq)| member(&snapshot.meta, user, row, Some(seq)))
        .collect())
}

fn member(meta: &MetaRow, user_id: UserId, row: RosterRow, read_seq: Option<u64>) -> Member {
    let role = if meta.owner_id == Some(user_id) {
        MemberRole::Owner
    } else {
        MemberRole::Member
    };
    Member {
        user_id,
        joined_at: row.joined_at,
        role,
        read_seq,
    }
}

/// A conversation as `user` sees it in his list.
fn view(
    id: ConversationId,
    user: UserId,
    snapshot: &Snapshot,
    member: &RosterRow,
    read: (u64, u64),
) -> ConversationRow {
    let meta = &snapshot.meta;
    let mut earliest: Vec<_> = snapshot
        .roster
        .iter()
        .map(|(user, row)| (row.joined_at, *user))
        .collect();
    earliest.sort_unstable();
    ConversationRow {
        conversation_id: id,
        kind: meta.kind,
        name: meta.name.clone(),
        peer_id: meta.peer_of(user),
        owner_id: meta.owner_id,
        state: meta.state,
        last: snapshot
            .last
            .as_deref()
            .filter(|last| last.seq >= member.from_seq)
            .cloned(),
        head_seq: snapshot.head_seq,
        count: snapshot.count,
        from_seq: member.from_seq,
        read_seq: read.0,
        read_count: read.1,
        unread: unread(snapshot.count, read.1),
        member_count: snapshot.roster.len(),
        member_ids: earliest
            .into_iter()
            .take(ROW_MEMBERS)
            .map(|(_, user)| user)
            .collect(),
    }
}

/// What a joining gives to read: nothing before it.
pub(super) fn begins(joined: &JoinedRow) -> (u64, u64) {
    (joined.from_seq.saturating_sub(1), joined.from_count)
}
