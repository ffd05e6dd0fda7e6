//! Sending a text or a file. The first message of a direct chat makes the chat, in the same commit; of two
//! first messages at once, the loser runs again as a plain one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Committed, Later, StoreError, Transaction, Value, retry};

use super::rows::{Body, Entry};
use super::types::Message;
use crate::api::{Answer, ApiError, Class};
use crate::conversation::capacity::room_for;
use crate::conversation::effects::{self, JOINED_EFFECT, Joined, SENT_EFFECT};
use crate::conversation::rows::{MESSAGE, META, MetaRow, ROSTER, conversation_home};
use crate::conversation::rules::still_open;
use crate::conversation::types::{History, Kind, State};
use crate::ctx::{Caller, Ctx, check_client_id, request_hash};
use crate::directory::person;
use crate::effect;
use crate::file::claim;
use crate::file::types::FileId;
use crate::ids::{ConversationId, Id, UserId};
use crate::limits::{MESSAGE_ID_KEPT_MS, TEXT_CHARS};
use crate::text;

// ---- types

/// A text or a file to send.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// Where to.
    pub conversation_id: ConversationId,
    /// 1 to 64 bytes; the same id with the same text or file gets the first answer.
    pub client_msg_id: String,
    /// 1 to 5,000 characters. Either this or a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A file whose upload is finished; it can be sent once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<FileId>,
    /// The other one of a direct chat; needed for its first message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<UserId>,
}

/// What was sent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Sent {
    /// Where.
    pub conversation_id: ConversationId,
    /// Its number.
    pub seq: u64,
    /// When it was written to the log.
    pub sent_at: i64,
    /// The message as everybody sees it.
    pub message: Message,
    /// True when it began the chat, and the lists of the two follow in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<bool>,
}

// ---- rules

/// What is to be sent.
enum What {
    Text(String),
    File(FileId),
}

fn what(p: &Send) -> Answer<What> {
    match (&p.text, p.file_id) {
        (Some(text), None) => Ok(What::Text(text::lines("text", text, TEXT_CHARS)?)),
        (None, Some(file_id)) => Ok(What::File(file_id)),
        (None, None) => text::lines("text", "", TEXT_CHARS).map(What::Text),
        (Some(_), Some(_)) => Err(ApiError::invalid(
            "file_id",
            "text_or_file",
            "一条消息只能是文字或文件",
            "A message is either a text or a file",
        )),
    }
}

/// A client id that is a `UUIDv7` older than ids are kept can't be told from a new one any more.
fn check_age(client_msg_id: &str, now_ms: i64) -> Answer<()> {
    let made_ms = made_at(client_msg_id);
    if made_ms.is_some_and(|made| now_ms - made > MESSAGE_ID_KEPT_MS) {
        return Err(ApiError::new(
            Class::Conflict,
            "expired",
            "这条消息写得太久了，请重新发送",
            "This message was written too long ago; send it again as a new one",
        ));
    }
    Ok(())
}

/// When a `UUIDv7` was made, by its own time.
fn made_at(client_msg_id: &str) -> Option<i64> {
    let bytes = match client_msg_id.parse::<Id>() {
        Ok(id) => id.0,
        Err(_) => u128::from_str_radix(&client_msg_id.replace('-', ""), 16)
            .ok()
            .filter(|_| client_msg_id.len() == 36)?
            .to_be_bytes(),
    };
    (bytes[6] >> 4 == 7).then(|| {
        bytes[..6]
            .iter()
            .fold(0, |ms, byte| (ms << 8) | i64::from(*byte))
    })
}

// ---- methods

pub(super) async fn send(ctx: Ctx, p: Send) -> Answer<Sent> {
    let caller = ctx.caller()?;
    check_client_id("client_msg_id", &p.client_msg_id)?;
    check_age(&p.client_msg_id, ctx.now_ms())?;
    let node = &ctx.node;
    let body = match what(&p)? {
        What::Text(text) => Body::Text(text),
        What::File(file_id) => {
            let with = (p.conversation_id, p.client_msg_id.as_str());
            Body::File(claim::claim(node, &caller, file_id, with).await?)
        }
    };
    let (done, begun) = retry(|| send_once(&ctx, &caller, &p, &body)).await?;
    if let Some(file_id) = p.file_id.filter(|_| !done.repeated) {
        claim::settled(node, file_id).await;
    }
    node.delivery.passed(done.position).await;
    let listed = !begun || effect::settled(node, done.position).await;
    let message = told(&caller, &p, body, &done)?;
    if !done.repeated {
        // At once, so that the very next list is right; the effect does the same for certain.
        let reader = (caller.user_id, p.conversation_id);
        let to = (message.seq, message.count);
        node.cursors.sent(&node.store, reader, to, done.position);
    }
    Ok(Sent {
        conversation_id: p.conversation_id,
        seq: message.seq,
        sent_at: message.sent_at,
        message,
        pending: (!listed).then_some(true),
    })
}

/// Commits the message; tells whether it began the conversation.
async fn send_once(ctx: &Ctx, caller: &Caller, p: &Send, body: &Body) -> Answer<(Committed, bool)> {
    let (senders, id, user) = (&ctx.node.senders, p.conversation_id, caller.user_id);
    let hash = match body {
        Body::Text(text) => request_hash("message.send", &[&id.0, text.as_bytes()]),
        _ => request_hash("message.send", &[&id.0, b"", &p.file_id.unwrap_or(id).0]),
    };
    let mut t = ctx
        .node
        .store
        .transaction(&conversation_home(p.conversation_id))
        .client_id(
            "message",
            &caller.user_id.to_string(),
            &p.client_msg_id,
            hash,
            MESSAGE_ID_KEPT_MS,
        );
    let known = senders.expect(&mut t, id, user);
    let begins = if known {
        false
    } else {
        if let Some(done) = t.repeated().await? {
            return Ok((done, false));
        }
        if let Some(row) = t.get(&META.at(&(), &())).await? {
            let meta = META.decode(&row)?;
            if meta.is_of(user) {
                // The rows of its first message come one after the other, perhaps just now: the writer decides.
                t.expect_present(ROSTER.at(&(), &user));
            } else {
                let member = t.read(&ROSTER, &(), &user).await?;
                t = t.allowed(member.ok_or_else(ApiError::not_found)).await?;
            }
            t = t.allowed(still_open(&meta)).await?;
            senders.may(id, user, row.version);
            false
        } else {
            let peer = p.peer_id.ok_or_else(ApiError::not_found)?;
            begin_direct(ctx, caller, id, peer, &mut t).await?;
            true
        }
    };
    let n = t.numbered();
    let entry = Entry::value(
        caller.user_id,
        Some(p.client_msg_id.clone()),
        body.clone(),
        n,
    )?;
    if let Some(file_id) = p.file_id {
        claim::attach(&mut t, file_id, n)?;
    }
    t.append(MESSAGE.partition(&()), entry, true);
    let read = effects::Sent {
        user_id: caller.user_id,
        conversation_id: p.conversation_id,
        seq: Later::SeqOf(n),
        count: Later::CountOf(n),
    };
    t.effect(SENT_EFFECT, Value::fill(&read)?);
    let done = t.commit().await;
    if known && done.as_ref().is_err_and(StoreError::lost_race) {
        senders.forget(id, user);
    }
    Ok((done?, begins))
}

/// Makes the direct chat of the caller and `peer`, if that is what `id` names.
async fn begin_direct(
    ctx: &Ctx,
    caller: &Caller,
    id: ConversationId,
    peer: UserId,
    t: &mut Transaction,
) -> Answer<()> {
    if peer == caller.user_id || Id::direct(caller.space_id, caller.user_id, peer) != id {
        return Err(ApiError::not_found());
    }
    person::member(&ctx.node.store, caller.space_id, peer)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let pair = (caller.user_id.min(peer), caller.user_id.max(peer));
    room_for(ctx, &[pair.0, pair.1]).await?;
    let meta = MetaRow {
        kind: Kind::Direct,
        space_id: caller.space_id,
        name: None,
        owner_id: None,
        pair: Some(pair),
        created_at: ctx.now_ms(),
        history: History::Full,
        state: State::Open,
        bots: 0,
    };
    t.set(&META, &(), &(), &meta)?;
    for user in [pair.0, pair.1] {
        t.set(&ROSTER, &(), &user, &meta.begins_with())?;
    }
    let joined = Joined {
        user_ids: vec![pair.0, pair.1],
        conversation_id: id,
        from_seq: Later::Known(1),
        from_count: Later::Known(0),
    };
    t.effect(JOINED_EFFECT, Value::fill(&joined)?);
    Ok(())
}

/// The message that was written, told from what the store answered: a repeat answers the same.
fn told(caller: &Caller, p: &Send, body: Body, done: &Committed) -> Answer<Message> {
    let outcome = done
        .outcomes
        .first()
        .ok_or_else(|| StoreError::Corrupt("a send without a number".into()))?;
    let seq = u64::try_from(outcome.number).unwrap_or(0);
    let entry = Entry {
        author_id: caller.user_id,
        at: Later::Known(u64::try_from(done.time_ms).unwrap_or(0)),
        count: Later::Known(outcome.count),
        client_msg_id: Some(p.client_msg_id.clone()),
        body,
        bot: None,
    };
    Ok(entry.view(p.conversation_id, seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_older_than_ids_are_kept_is_refused() {
        let id = Id::v7(1_000, [1; 10]).to_string();
        assert!(check_age(&id, 1_000 + MESSAGE_ID_KEPT_MS).is_ok());
        assert_eq!(
            check_age(&id, 1_001 + MESSAGE_ID_KEPT_MS).unwrap_err().code,
            "expired"
        );
        assert!(check_age("any other text", i64::MAX).is_ok());
        assert_eq!(
            made_at("019ad6b2-5c00-7000-8000-000000000000"),
            Some(0x019a_d6b2_5c00)
        );
        assert_eq!(made_at("019ad6b2-5c00-4000-8000-000000000000"), None);
    }
}
