//! Changing a discussion: who is in it, what it is called, whom it belongs to (`IM-02`, `IM-i12`).
//! Every change is an entry of its log, in the same commit as the rows it changes.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Committed, retry};

use super::cache;
use super::capacity::room_for;
use super::change::{Asked, Entered, say, seat, settle, unseat};
use super::listing;
use super::rows::{META, MetaRow, ROSTER, conversation_home};
use super::rules::{default_name, heir, open_discussion, own_discussion, owned_by};
use super::types::{Conversation, ConversationRef, History, Kind, Settled, State};
use crate::api::registry::{Nothing, nothing};
use crate::api::{Answer, ApiError};
use crate::audit::{self, TargetKind};
use crate::ctx::{Caller, Ctx, request_hash};
use crate::directory::disabling::account_disabled;
use crate::directory::space::people;
use crate::ids::{ConversationId, Id, UserId};
use crate::limits::{ADDED_AT_ONCE, CALL_ID_KEPT_MS, DISCUSSION_MEMBERS, DISCUSSION_NAME_CHARS};
use crate::message::history;
use crate::message::types::SystemLine;
use crate::text;

// ---- types

/// A discussion to begin.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateDiscussion {
    /// 1 to 499 colleagues beside oneself.
    pub user_ids: Vec<UserId>,
    /// Its name; the first members' names when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Colleagues to add.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddMembers {
    /// The discussion.
    pub conversation_id: ConversationId,
    /// 1 to 200 colleagues.
    pub user_ids: Vec<UserId>,
}

/// Who was added.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AddedMembers {
    /// Members from now on.
    pub added: Vec<UserId>,
    /// Members already.
    pub already: Vec<UserId>,
    /// True when the lists of some of those added follow in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<bool>,
}

/// Names a member of a conversation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberOf {
    /// The discussion.
    pub conversation_id: ConversationId,
    /// The member.
    pub user_id: UserId,
}

/// A new name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// The discussion.
    pub conversation_id: ConversationId,
    /// 1 to 50 characters.
    pub name: String,
}

// ---- methods

pub(super) async fn create_discussion(ctx: Ctx, p: CreateDiscussion) -> Answer<Conversation> {
    let caller = ctx.caller()?;
    let others = colleagues(&ctx, &caller, &p.user_ids, DISCUSSION_MEMBERS - 1).await?;
    let name = match &p.name {
        Some(name) => text::line("name", name, DISCUSSION_NAME_CHARS)?,
        None => named_after(&ctx, &caller, &others).await?,
    };
    let key = ctx.key_or_new();
    // Derived from the client id, so that a repeat finds the same home.
    let id = Id::derived(
        "discussion",
        &[&caller.space_id.0, &caller.user_id.0, key.as_bytes()],
    );
    let done = retry(|| create_once(&ctx, &caller, id, &key, &others, &name, &p)).await?;
    let pending = settle(&ctx, &done).await.pending;
    let snapshot = ctx
        .node
        .conversations
        .get(&ctx.node.store, id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let begun = listing::whole(&ctx, &caller, id, &snapshot).await?;
    Ok(Conversation { pending, ..begun })
}

async fn create_once(
    ctx: &Ctx,
    caller: &Caller,
    id: ConversationId,
    key: &str,
    others: &[UserId],
    name: &str,
    p: &CreateDiscussion,
) -> Answer<Committed> {
    let asked: Vec<&[u8]> = p
        .user_ids
        .iter()
        .map(|user| &user.0[..])
        .chain(p.name.as_deref().map(str::as_bytes))
        .collect();
    let hash = request_hash("conversation.create_discussion", &asked);
    let mut t = ctx
        .node
        .store
        .transaction(&conversation_home(id))
        .client_id(
            "call",
            &caller.user_id.to_string(),
            key,
            hash,
            CALL_ID_KEPT_MS,
        );
    if let Some(done) = t.repeated().await? {
        return Ok(done);
    }
    t.read(&META, &(), &()).await?;
    let all: Vec<UserId> = std::iter::once(caller.user_id)
        .chain(others.iter().copied())
        .collect();
    room_for(ctx, &all).await?;
    let meta = MetaRow {
        kind: Kind::Discussion,
        space_id: caller.space_id,
        name: Some(name.to_owned()),
        owner_id: Some(caller.user_id),
        pair: None,
        created_at: ctx.now_ms(),
        history: History::FromJoin,
        state: State::Open,
        bots: 0,
    };
    t.set(&META, &(), &(), &meta)?;
    say(
        &mut t,
        caller.user_id,
        SystemLine::Created {
            user_ids: others.to_vec(),
        },
    )?;
    seat(&mut t, id, &all)?;
    Ok(t.commit().await?)
}

pub(super) async fn add_members(ctx: Ctx, p: AddMembers) -> Answer<AddedMembers> {
    let caller = ctx.caller()?;
    let wanted = colleagues(&ctx, &caller, &p.user_ids, ADDED_AT_ONCE).await?;
    let parts: Vec<&[u8]> = wanted.iter().map(|user| &user.0[..]).collect();
    let asked = Asked::new(&ctx, "conversation.add_members", p.conversation_id, &parts)?;
    retry(|| add_once(&ctx, &asked, &wanted)).await
}

async fn add_once(ctx: &Ctx, asked: &Asked, wanted: &[UserId]) -> Answer<AddedMembers> {
    let (t, meta) = match asked.enter(ctx).await? {
        Entered::Now(t, meta) => (t, meta),
        Entered::Before(done) => return added_before(ctx, asked, wanted, &done).await,
    };
    let (id, caller) = (asked.conversation_id, &asked.caller);
    let mut t = t.allowed(open_discussion(&meta)).await?;
    let (mut added, mut already) = (Vec::new(), Vec::new());
    for user in wanted {
        match t.read(&ROSTER, &(), user).await? {
            Some(_) => already.push(*user),
            None => added.push(*user),
        }
    }
    let mut pending = None;
    if !added.is_empty() {
        room_for(ctx, &added).await?;
        say(
            &mut t,
            caller.user_id,
            SystemLine::Joined {
                user_ids: added.clone(),
            },
        )?;
        seat(&mut t, id, &added)?;
        let done = t.commit().await?;
        pending = settle(ctx, &done).await.pending;
    }
    Ok(AddedMembers {
        added,
        already,
        pending,
    })
}

/// The first answer of a call that is repeated, told from the entry that it wrote.
async fn added_before(
    ctx: &Ctx,
    asked: &Asked,
    wanted: &[UserId],
    done: &Committed,
) -> Answer<AddedMembers> {
    let seq = done
        .outcomes
        .first()
        .map_or(0, |outcome| outcome.number.unsigned_abs());
    let entries = history::entries(&ctx.node.store, asked.conversation_id, seq, seq).await?;
    let added = match entries.into_iter().next().and_then(|entry| entry.system) {
        Some(SystemLine::Joined { user_ids }) => user_ids,
        _ => vec![],
    };
    let already = wanted
        .iter()
        .copied()
        .filter(|user| !added.contains(user))
        .collect();
    Ok(AddedMembers {
        added,
        already,
        pending: settle(ctx, done).await.pending,
    })
}

pub(super) async fn remove_member(ctx: Ctx, p: MemberOf) -> Answer<Settled> {
    let caller = ctx.caller()?;
    if p.user_id == caller.user_id {
        return Err(ApiError::invalid(
            "user_id",
            "own_user",
            "退出请使用“退出讨论组”",
            "To go yourself, leave the discussion",
        ));
    }
    let asked = Asked::new(
        &ctx,
        "conversation.remove_member",
        p.conversation_id,
        &[&p.user_id.0],
    )?;
    retry(|| remove_once(&ctx, &asked, p)).await
}

async fn remove_once(ctx: &Ctx, asked: &Asked, p: MemberOf) -> Answer<Settled> {
    let (t, meta) = match asked.enter(ctx).await? {
        Entered::Now(t, meta) => (t, meta),
        Entered::Before(done) => return Ok(settle(ctx, &done).await),
    };
    let caller = &asked.caller;
    let rule = own_discussion(&meta, caller.user_id);
    let mut t = t.allowed(rule).await?;
    if t.read(&ROSTER, &(), &p.user_id).await?.is_none() {
        // Gone already: what was asked for is true.
        return Ok(Settled::default());
    }
    say(
        &mut t,
        caller.user_id,
        SystemLine::Removed {
            user_ids: vec![p.user_id],
        },
    )?;
    unseat(&mut t, p.conversation_id, p.user_id)?;
    let done = t.commit().await?;
    Ok(settle(ctx, &done).await)
}

pub(super) async fn leave(ctx: Ctx, p: ConversationRef) -> Answer<Settled> {
    let asked = Asked::new(&ctx, "conversation.leave", p.conversation_id, &[])?;
    retry(|| leave_once(&ctx, &asked)).await
}

async fn leave_once(ctx: &Ctx, asked: &Asked) -> Answer<Settled> {
    let (mut t, mut meta) = match asked.enter(ctx).await? {
        Entered::Now(t, meta) => (t, meta),
        Entered::Before(done) => return Ok(settle(ctx, &done).await),
    };
    let (id, caller) = (asked.conversation_id, &asked.caller);
    if meta.kind != Kind::Discussion {
        t = t.allowed(open_discussion(&meta)).await?;
    }
    say(&mut t, caller.user_id, SystemLine::Left {})?;
    unseat(&mut t, id, caller.user_id)?;
    if meta.owner_id == Some(caller.user_id) {
        // Not from the cache, which follows the store: an heir who left a moment ago would be named five times.
        let snapshot = cache::load(&ctx.node.store, id)
            .await?
            .ok_or_else(ApiError::not_found)?;
        let members = snapshot
            .roster
            .iter()
            .map(|(user, row)| (*user, row.from_seq, row.joined_at));
        meta.owner_id = heir(caller.user_id, members);
        if let Some(heir) = meta.owner_id {
            // He may be leaving at this very moment.
            t.expect_present(ROSTER.at(&(), &heir));
            say(
                &mut t,
                caller.user_id,
                SystemLine::Transferred {
                    user_ids: vec![heir],
                },
            )?;
        } else {
            meta.state = State::Dissolved;
        }
        t.set(&META, &(), &(), &meta)?;
        // Only this is more than one's own going.
        let note = audit::note(ctx).await?.to(TargetKind::Conversation, id);
        let note = match meta.owner_id {
            Some(heir) => note.about(heir),
            None => note,
        };
        note.put(&mut t)?;
    }
    let done = t.commit().await?;
    Ok(settle(ctx, &done).await)
}

pub(super) async fn rename(ctx: Ctx, p: Rename) -> Answer<Nothing> {
    let caller = ctx.caller()?;
    let name = text::line("name", &p.name, DISCUSSION_NAME_CHARS)?;
    let asked = Asked::new(
        &ctx,
        "conversation.rename",
        p.conversation_id,
        &[name.as_bytes()],
    )?;
    retry(|| async {
        let Entered::Now(t, mut meta) = asked.enter(&ctx).await? else {
            return Ok(());
        };
        let rule = own_discussion(&meta, caller.user_id);
        let mut t = t.allowed(rule).await?;
        if meta.name.as_deref() == Some(&name) {
            return Answer::Ok(());
        }
        meta.name = Some(name.clone());
        t.set(&META, &(), &(), &meta)?;
        say(
            &mut t,
            caller.user_id,
            SystemLine::Renamed { name: name.clone() },
        )?;
        let done = t.commit().await?;
        settle(&ctx, &done).await;
        Ok(())
    })
    .await?;
    nothing()
}

pub(super) async fn transfer(ctx: Ctx, p: MemberOf) -> Answer<Nothing> {
    let caller = ctx.caller()?;
    let asked = Asked::new(
        &ctx,
        "conversation.transfer",
        p.conversation_id,
        &[&p.user_id.0],
    )?;
    let note = audit::note(&ctx).await?.about(p.user_id);
    let note = note.to(TargetKind::Conversation, p.conversation_id);
    retry(|| async {
        let Entered::Now(t, mut meta) = asked.enter(&ctx).await? else {
            return Ok(());
        };
        let t = t.allowed(open_discussion(&meta)).await?;
        if meta.owner_id == Some(p.user_id) && p.user_id == caller.user_id {
            return Answer::Ok(());
        }
        let mut t = t.allowed(owned_by(&meta, caller.user_id)).await?;
        t.read(&ROSTER, &(), &p.user_id)
            .await?
            .ok_or_else(ApiError::not_found)?;
        meta.owner_id = Some(p.user_id);
        t.set(&META, &(), &(), &meta)?;
        say(
            &mut t,
            caller.user_id,
            SystemLine::Transferred {
                user_ids: vec![p.user_id],
            },
        )?;
        note.put(&mut t)?;
        let done = t.commit().await?;
        settle(&ctx, &done).await;
        Ok(())
    })
    .await?;
    nothing()
}

pub(super) async fn dissolve(ctx: Ctx, p: ConversationRef) -> Answer<Nothing> {
    let caller = ctx.caller()?;
    let asked = Asked::new(&ctx, "conversation.dissolve", p.conversation_id, &[])?;
    let note = audit::note(&ctx).await?;
    let note = note.to(TargetKind::Conversation, p.conversation_id);
    retry(|| async {
        let Entered::Now(t, mut meta) = asked.enter(&ctx).await? else {
            return Ok(());
        };
        let t = t.allowed(owned_by(&meta, caller.user_id)).await?;
        if meta.state == State::Dissolved {
            return Answer::Ok(());
        }
        let mut t = t.allowed(open_discussion(&meta)).await?;
        meta.state = State::Dissolved;
        t.set(&META, &(), &(), &meta)?;
        say(&mut t, caller.user_id, SystemLine::Dissolved {})?;
        note.put(&mut t)?;
        let done = t.commit().await?;
        settle(&ctx, &done).await;
        Ok(())
    })
    .await?;
    nothing()
}

// ---- parts

/// The people asked for, each once, without the caller, all of them members of the space.
async fn colleagues(
    ctx: &Ctx,
    caller: &Caller,
    asked: &[UserId],
    most: usize,
) -> Answer<Vec<UserId>> {
    let once: BTreeSet<UserId> = asked
        .iter()
        .copied()
        .filter(|user| *user != caller.user_id)
        .collect();
    if once.is_empty() {
        return Err(ApiError::invalid(
            "user_ids",
            "required",
            "请选择同事",
            "Choose colleagues",
        ));
    }
    if asked.len() > most + 1 || once.len() > most {
        return Err(ApiError::too_many("user_ids", most));
    }
    let once: Vec<UserId> = once.into_iter().collect();
    let known = people(ctx, caller.space_id, &once).await?;
    if known.len() < once.len() {
        return Err(ApiError::not_found().at("user_ids"));
    }
    if known.iter().any(|person| person.disabled.is_some()) {
        return Err(account_disabled().at("user_ids"));
    }
    Ok(once)
}

async fn named_after(ctx: &Ctx, caller: &Caller, others: &[UserId]) -> Answer<String> {
    let first: Vec<UserId> = std::iter::once(caller.user_id)
        .chain(others.iter().copied())
        .take(10)
        .collect();
    let people = people(ctx, caller.space_id, &first).await?;
    Ok(default_name(
        people.iter().map(|person| person.name.as_str()),
    ))
}
