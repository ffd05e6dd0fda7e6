//! How a conversation is changed by somebody in it: once, however often he asks, with an entry of its log in the same
//! commit as the rows.

use storage::{Committed, Later, Transaction, Value};

use super::effects::{JOINED_EFFECT, Joined, LEFT_EFFECT, Left, PEOPLE_AN_EFFECT};
use super::rows::{MESSAGE, META, MetaRow, ROSTER, conversation_home, joining, roster_count};
use super::types::Settled;
use crate::api::{Answer, ApiError};
use crate::ctx::{Caller, Ctx, request_hash};
use crate::effect;
use crate::ids::{ConversationId, UserId};
use crate::limits::{CALL_ID_KEPT_MS, DISCUSSION_MEMBERS};
use crate::message::rows::{Body, Entry};
use crate::message::types::SystemLine;

/// A change that somebody asks for. Repeated with the same client id it does nothing again.
pub(crate) struct Asked {
    pub(super) caller: Caller,
    pub(crate) conversation_id: ConversationId,
    key: Option<String>,
    hash: [u8; 32],
}

/// How a change begins.
pub(crate) enum Entered {
    /// In a transaction on a conversation that the caller is a member of.
    Now(Transaction, MetaRow),
    /// It ran before.
    Before(Committed),
}

impl Asked {
    pub(crate) fn new(
        ctx: &Ctx,
        method: &str,
        conversation_id: ConversationId,
        parts: &[&[u8]],
    ) -> Answer<Self> {
        let hash = request_hash(method, parts);
        Ok(Self {
            caller: ctx.caller()?,
            conversation_id,
            key: ctx.key.clone(),
            hash,
        })
    }

    pub(crate) async fn enter(&self, ctx: &Ctx) -> Answer<Entered> {
        let mut t = ctx
            .node
            .store
            .transaction(&conversation_home(self.conversation_id));
        if let Some(key) = &self.key {
            t = t.client_id(
                "call",
                &self.caller.user_id.to_string(),
                key,
                self.hash,
                CALL_ID_KEPT_MS,
            );
            // First of all: who left may ask again whether he did.
            if let Some(done) = t.repeated().await? {
                return Ok(Entered::Before(done));
            }
        }
        let meta = t
            .read(&META, &(), &())
            .await?
            .ok_or_else(ApiError::not_found)?;
        let member = t.read(&ROSTER, &(), &self.caller.user_id).await?;
        let t = t.allowed(member.ok_or_else(ApiError::not_found)).await?;
        Ok(Entered::Now(t, meta))
    }
}

/// Appends a system line as the next numbered operation but one that seats people.
pub(crate) fn say(t: &mut Transaction, author: UserId, line: SystemLine) -> Answer<()> {
    let n = t.numbered();
    t.append(
        MESSAGE.partition(&()),
        Entry::value(author, None, Body::System(line), n)?,
        false,
    );
    Ok(())
}

/// Makes people members from the entry on that was appended just before.
pub(super) fn seat(t: &mut Transaction, id: ConversationId, users: &[UserId]) -> Answer<()> {
    let n = t.numbered() - 1;
    for user in users {
        t.put(ROSTER.at(&(), user), joining(n)?);
    }
    let count = i64::try_from(users.len()).unwrap_or(i64::MAX);
    t.add(
        roster_count(),
        count,
        None,
        i64::try_from(DISCUSSION_MEMBERS).ok(),
    );
    for users in users.chunks(PEOPLE_AN_EFFECT) {
        let joined = Joined {
            user_ids: users.to_vec(),
            conversation_id: id,
            from_seq: Later::SeqOf(n),
            from_count: Later::CountOf(n),
        };
        t.effect(JOINED_EFFECT, Value::fill(&joined)?);
    }
    Ok(())
}

pub(super) fn unseat(t: &mut Transaction, id: ConversationId, user: UserId) -> Answer<()> {
    t.delete(ROSTER.at(&(), &user));
    t.add(roster_count(), -1, Some(0), None);
    t.effect(
        LEFT_EFFECT,
        Value::encode(&Left {
            user_ids: vec![user],
            conversation_id: id,
        })?,
    );
    Ok(())
}

/// Waits until a change was delivered and, 2 s at most, until it is in the lists of those concerned; what was
/// refused there is still to come.
pub(crate) async fn settle(ctx: &Ctx, done: &Committed) -> Settled {
    ctx.node.delivery.passed(done.position).await;
    let listed = effect::settled(&ctx.node, done.position).await;
    Settled {
        pending: (!listed).then_some(true),
    }
}
