//! Giving files out. A link names who may use it and where the file was sent; that he is still in that conversation,
//! and was when the file was sent, is looked up at each reading.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::try_join_all;
use storage::blob::{Blobs, PartName};

use super::rows::{ATTACHED, FILE, Stretch, file_home};
use super::rules;
use super::types::{FileId, Link, Linked, Links};
use super::upload::{blobs, failed};
use crate::api::{Answer, ApiError};
use crate::conversation::rows::{conversation_home, known};
use crate::ctx::Ctx;
use crate::directory::person;
use crate::ids::{ConversationId, UserId};
use crate::limits::FILE_LINKS;
use crate::node::Node;

pub use super::rules::Pass;

pub(super) async fn links(ctx: Ctx, p: Links) -> Answer<Linked> {
    let (node, user) = (&ctx.node, ctx.caller()?.user_id);
    if !(1..=FILE_LINKS).contains(&p.file_ids.len()) {
        return Err(ApiError::invalid(
            "file_ids",
            "too_many",
            format!("一次应为 1 到 {FILE_LINKS} 个文件"),
            format!("1 to {FILE_LINKS} files at a time"),
        ));
    }
    if from_seq(node, user, p.conversation_id).await?.is_none() {
        return Err(ApiError::not_found());
    }
    let expires_at = rules::link_ends(ctx.now_ms());
    let of = |file_id: FileId| async move {
        let seen = sees(node, user, p.conversation_id, file_id).await?;
        let pass = Pass {
            file_id,
            conversation_id: p.conversation_id,
            user_id: user,
            expires_at,
        };
        let url = pass.url(&node.secret);
        Ok::<_, ApiError>(seen.then_some(Link { file_id, url }))
    };
    let links = try_join_all(p.file_ids.iter().copied().map(of)).await?;
    Ok(Linked {
        links: links.into_iter().flatten().collect(),
        expires_at,
    })
}

/// The entry from which on `user` may read a conversation; nothing if he is not in it.
async fn from_seq(node: &Node, user: UserId, conversation: ConversationId) -> Answer<Option<u64>> {
    let snapshot = node.conversations.get(&node.store, conversation).await?;
    let member = snapshot.and_then(|snapshot| snapshot.roster.get(&user).cloned());
    Ok(member.map(|member| member.from_seq))
}

/// Whether `user` is in the conversation now, and the file was sent there where he may read, and is still kept.
async fn sees(
    node: &Node,
    user: UserId,
    conversation: ConversationId,
    file: FileId,
) -> Answer<bool> {
    let Some(from_seq) = from_seq(node, user, conversation).await? else {
        return Ok(false);
    };
    let home = conversation_home(conversation);
    let wanted = [
        (home, ATTACHED.at(&(), &file)),
        (file_home(file), FILE.at(&(), &())),
    ];
    let rows = node.store.get_many(&wanted).await?;
    let [Some(attached), Some(_)] = rows.as_slice() else {
        return Ok(false);
    };
    let seq = ATTACHED.decode(attached)?;
    Ok(u64::try_from(known(seq)).is_ok_and(|seq| from_seq <= seq))
}

/// A file that may be read.
pub struct Opened {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// What it is.
    pub mime: String,
    /// Whether a browser may show it in its place.
    pub shown: bool,
    file_id: FileId,
    stretches: Vec<Stretch>,
    blobs: Arc<dyn Blobs>,
}

/// Opens the file that a link names.
///
/// # Errors
/// `not_found` for a link that this server did not make or that has ended, and for whoever may not see the file now.
pub async fn open(node: &Node, pass: Pass, signature: &str) -> Answer<Opened> {
    if !pass.holds(&node.secret, signature, node.clock.now_ms()) {
        return Err(ApiError::not_found());
    }
    let row = node
        .store
        .read(&file_home(pass.file_id), &FILE, &(), &())
        .await?
        .ok_or_else(ApiError::not_found)?;
    let info = row.info.ok_or_else(ApiError::not_found)?;
    let member = person::member(&node.store, row.space_id, pass.user_id).await?;
    let active = member.is_some_and(|member| member.disabled.is_none());
    let may = active && sees(node, pass.user_id, pass.conversation_id, pass.file_id).await?;
    if !may {
        return Err(ApiError::not_found());
    }
    Ok(Opened {
        shown: rules::shown(&info.mime),
        name: info.name,
        size: row.size,
        mime: info.mime,
        file_id: pass.file_id,
        stretches: row.stretches,
        blobs: blobs(node)?,
    })
}

impl Opened {
    /// The bytes from `range.start` on: as many of the range as one part holds, and `most` at the most. Empty only at
    /// the end of the range.
    ///
    /// # Errors
    /// The bytes can't be read.
    pub async fn some(&self, range: Range<u64>, most: u64) -> Answer<Bytes> {
        let mut begin = 0;
        for stretch in &self.stretches {
            let end = begin + u64::from(stretch.bytes);
            if range.start < end && range.start < range.end {
                let name = PartName {
                    blob: self.file_id.0,
                    part: stretch.part,
                };
                let from = range.start - begin;
                let to = (range.end.min(end) - begin).min(from + most);
                let bytes = self.blobs.get(name, from..to).await;
                return bytes.map_err(|error| failed(&error));
            }
            begin = end;
        }
        Ok(Bytes::new())
    }
}
