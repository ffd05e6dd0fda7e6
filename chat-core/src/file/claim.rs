//! Ties a file to the one message that it is sent with. The file has its own home, so that is a commit before the one of
//! the message; whichever of the two comes last, a repeat of the call completes it.

use storage::{Later, Transaction, Value, retry};

use super::rows::{ATTACHED, FILE, SentWith, file_home};
use super::types::{FileId, FileInfo};
use super::upload::look_no_more;
use crate::api::{Answer, ApiError, Class};
use crate::ctx::Caller;
use crate::ids::ConversationId;
use crate::limits::FILE_SENT_MS;
use crate::node::Node;

/// The file is this message's from now on.
///
/// # Errors
/// `not_found` for a file of somebody else or one that is gone; `upload_unfinished`; `file_sent_already`.
pub async fn claim(
    node: &Node,
    caller: &Caller,
    file_id: FileId,
    (conversation_id, client_msg_id): (ConversationId, &str),
) -> Answer<FileInfo> {
    let with = SentWith {
        conversation_id,
        client_msg_id: client_msg_id.to_owned(),
    };
    retry(|| async {
        let mut t = node.store.transaction(&file_home(file_id));
        let row = t.read(&FILE, &(), &()).await?;
        let mut row = row
            .filter(|row| row.owner_id == caller.user_id)
            .ok_or_else(ApiError::not_found)?;
        let info = row.info.clone().ok_or_else(unfinished)?;
        match &row.sent_with {
            // What takes away files without a message must not meet one that is just being written.
            Some(_) if node.clock.now_ms() - row.created_at > FILE_SENT_MS => {
                return Err(ApiError::not_found());
            }
            Some(before) if *before == with => return Ok(info),
            Some(_) => return Err(sent_already()),
            None => row.sent_with = Some(with.clone()),
        }
        t.set(&FILE, &(), &(), &row)?;
        t.commit().await?;
        Ok(info)
    })
    .await
}

/// Writes beside the `n`-th numbered operation, the message, that it holds the file.
///
/// # Errors
/// `internal` when it can't be written.
pub fn attach(t: &mut Transaction, file_id: FileId, n: u16) -> Answer<()> {
    t.put(ATTACHED.at(&(), &file_id), Value::fill(&Later::SeqOf(n))?);
    Ok(())
}

/// The message is there: nobody needs to look after the file any more. If this fails the job finds out by itself.
pub async fn settled(node: &Node, file_id: FileId) {
    let mut t = node.store.transaction(&file_home(file_id));
    look_no_more(&mut t);
    if let Err(error) = t.commit().await {
        tracing::debug!(%error, "the job of a file that was sent runs on");
    }
}

fn unfinished() -> ApiError {
    ApiError::new(
        Class::Conflict,
        "upload_unfinished",
        "文件还没有传完",
        "The upload is not finished",
    )
}

fn sent_already() -> ApiError {
    ApiError::new(
        Class::Conflict,
        "file_sent_already",
        "这个文件已经发送过，请重新上传",
        "The file was sent with another message; upload it anew",
    )
}
