//! How many conversations one is in, and that they do not become more than a person may have. The number is a
//! row in the home `user:<id>`, moved by the commits that put a conversation into the list or take it out.
//!
//! It is looked at before people are seated. Two conversations begun at the same moment may both pass it: the
//! limit keeps lists short, and one more does no harm.

use storage::{Home, RowAt, TableId, Transaction, key};

use super::rows::JOINED;
use crate::api::{Answer, ApiError};
use crate::ctx::Ctx;
use crate::directory::person::user_home;
use crate::ids::{ConversationId, UserId};
use crate::tables;

/// `user:<id>`: how many conversations one is in.
pub(super) fn joined_count() -> RowAt {
    RowAt {
        table: TableId::new(tables::JOINED_COUNT),
        partition: key::encode(&()),
        key: key::encode(&()),
    }
}

/// Counts one more or one less, if the list changes by it.
///
/// # Errors
/// What the store answers.
pub(super) async fn count(t: &mut Transaction, id: ConversationId, joins: bool) -> Answer<()> {
    let is_in = t.read(&JOINED, &(), &id).await?.is_some();
    if is_in != joins {
        t.add(joined_count(), if joins { 1 } else { -1 }, Some(0), None);
    }
    Ok(())
}

/// Whether each of `users` may be in one more conversation.
///
/// # Errors
/// `invalid` (`too_many_conversations`) for the first who may not.
pub async fn room_for(ctx: &Ctx, users: &[UserId]) -> Answer<()> {
    let most = ctx.node.conversations_per_user;
    let wanted: Vec<(Home, RowAt)> = users
        .iter()
        .map(|user| (user_home(*user), joined_count()))
        .collect();
    let rows = ctx.node.store.get_many(&wanted).await?;
    let full = rows
        .iter()
        .flatten()
        .any(|row| storage::sum_value(row).is_ok_and(|sum| sum >= most));
    if full {
        return Err(ApiError::invalid(
            "user_ids",
            "too_many_conversations",
            format!("每人最多 {most} 个会话，其中有人已满"),
            format!("A person has at most {most} conversations, and somebody has as many"),
        ));
    }
    Ok(())
}
