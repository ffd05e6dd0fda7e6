//! What is stored of files: home `file:<id>` has the row [`FILE`] and the job that takes away what was never sent; in
//! the home of a conversation stands [`ATTACHED`] beside the message.

use serde::{Deserialize, Serialize};
use storage::{Home, Later, Table};

use super::types::{FileId, FileInfo};
use crate::ids::{ConversationId, SpaceId, UserId};
use crate::tables;

/// A stretch of a file, as a part of its blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stretch {
    /// Name of the part.
    pub(super) part: u64,
    /// Its bytes.
    pub(super) bytes: u32,
}

/// The one message that a file was sent with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SentWith {
    pub(super) conversation_id: ConversationId,
    pub(super) client_msg_id: String,
}

/// A file, from the beginning of its upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FileRow {
    pub(super) owner_id: UserId,
    pub(super) space_id: SpaceId,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) created_at: i64,
    pub(super) stretches: Vec<Stretch>,
    /// What it is, once it is whole.
    pub(super) info: Option<FileInfo>,
    pub(super) sent_with: Option<SentWith>,
}

impl FileRow {
    /// Bytes that are there.
    pub(super) fn received(&self) -> u64 {
        let bytes = self.stretches.iter().map(|one| u64::from(one.bytes));
        bytes.sum()
    }
}

/// `file:<id>`.
pub(super) const FILE: Table<(), (), FileRow> = Table::new(tables::FILE, "file");
/// Home of a conversation: file → number of its message.
pub(super) const ATTACHED: Table<(), FileId, Later> = Table::new(tables::ATTACHED, "attached");

pub(super) fn file_home(id: FileId) -> Home {
    Home::new("file", id)
}
