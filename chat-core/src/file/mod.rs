//! Files and pictures that people send each other (`PLAT-i12`, `IM-03`, `IM-i08`). A file is uploaded in parts, each
//! answered for when it is on the disk, so a cut costs one part; then it is sent like a text, once. Whoever sees the
//! message sees the file, by a link that names him, and the right is checked again at each reading.
//!
//! What lies where: [`upload`] brings the bytes in, [`claim`] ties a file to its message, [`link`] gives it out,
//! [`usage`] counts what all of them take, [`expire`] takes old ones away.

pub mod claim;
pub mod expire;
pub mod link;
mod rows;
mod rules;
#[cfg(test)]
mod tests;
mod turned;
pub mod types;
pub mod upload;
pub mod usage;

use crate::api::registry::{Access, Registry};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("file")
        .write(
            "begin",
            Access::Member,
            "Begin to upload a file, whose parts follow by PUT /files/{upload_id}",
            upload::begin,
        )
        .write(
            "finish",
            Access::Member,
            "End an upload, and learn what the file is",
            upload::finish,
        )
        .read(
            "links",
            Access::Member,
            "Links to the files of messages one may see",
            link::links,
        );
}
