//! What clients see of files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ConversationId, Id};

/// A file that was uploaded.
pub type FileId = Id;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To be sent in a conversation.
    Message,
}

/// A file to upload.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// Its name with the ending, 1 to 255 characters, no folders.
    pub name: String,
    /// Its bytes: 1 to 104,857,600.
    pub size: u64,
    /// What it is for.
    pub purpose: Purpose,
}

/// An upload that has begun.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Begun {
    /// Names it; the file's id later.
    pub upload_id: FileId,
    /// Bytes of a part at most.
    pub chunk_bytes: u32,
}

/// An upload all of whose parts are there.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// The upload.
    pub upload_id: FileId,
}

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// As a picture: JPG, PNG, GIF or WebP of 20 MB at most.
    Image,
    /// By its name.
    File,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileInfo {
    /// Names it.
    pub file_id: FileId,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// What it is, by its content.
    pub mime: String,
    /// How it is shown.
    pub kind: FileKind,
    /// Pixels from left to right, of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels from top to bottom, of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// Files to see.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Where they were sent.
    pub conversation_id: ConversationId,
    /// 1 to 50 files.
    pub file_ids: Vec<FileId>,
}

/// A link to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Link {
    /// The file.
    pub file_id: FileId,
    /// Its address on this server. With `&d=1` behind it a browser saves the file and does not show it.
    pub url: String,
}

/// Links to files. A file that one may not see is left out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Linked {
    /// The links.
    pub links: Vec<Link>,
    /// Until when they are good: one hour at least, and the same link within an hour, so that browsers keep what
    /// they loaded.
    pub expires_at: i64,
}
