//! The company microblog and what hangs off it: posts, comments, reactions, topics, votes, announcements.
//!
//! Nothing of it is built yet: it adds no method to the table.

/// Adds the methods and events of this crate to the table.
pub fn register(_: &mut chat_core::api::Registry) {}
