//! Conversations: a direct chat of two, or a discussion of up to 500 (`IM-01` to `IM-06`, `IM-i12`).
//! What they share is a log of entries and a roster, which is the authority on who reads and writes.
//!
//! Home `conv:<id>`: [`rows::META`], the log [`rows::MESSAGE`], [`rows::ROSTER`] and its count. Home
//! `user:<id>`: which conversations one is in ([`rows::JOINED`]), how far one has read
//! ([`rows::CURSOR`]) and the log `self` of what happened to one.

pub mod cache;
pub mod capacity;
pub mod change;
pub mod delivered;
pub mod effects;
pub mod listing;
pub mod membership;
pub mod reading;
pub mod rebuild;
pub mod rows;
pub mod rules;
pub mod types;

use crate::api::Registry;
use crate::api::registry::{Access, Section};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    looking(api.section("conversation"));
    changing(api.section("conversation"))
        .event::<types::Changed>(
            "conversation.changed",
            "Name, members or state of a conversation changed",
        )
        .event::<types::Read>("conversation.read", "A member has read up to an entry")
        .event::<types::SelfAppended>(
            "self.appended",
            "Something happened to oneself, on whatever device",
        );
}

fn looking(section: Section<'_>) -> Section<'_> {
    use listing::{get, list, members, open_direct};
    section
        .read(
            "open_direct",
            Access::Member,
            "The direct chat with a colleague; writes nothing",
            open_direct,
        )
        .read(
            "list",
            Access::Member,
            "One's conversations, the latest first",
            list,
        )
        .read("get", Access::Member, "One conversation", get)
        .read(
            "members",
            Access::Member,
            "The members of a conversation",
            members,
        )
}

fn changing(section: Section<'_>) -> Section<'_> {
    use membership::{
        add_members, create_discussion, dissolve, leave, remove_member, rename, transfer,
    };
    section
        .write(
            "create_discussion",
            Access::Member,
            "Begin a discussion",
            create_discussion,
        )
        .write(
            "add_members",
            Access::Member,
            "Add colleagues to a discussion",
            add_members,
        )
        .write(
            "remove_member",
            Access::Member,
            "Remove a member (owner)",
            remove_member,
        )
        .write("leave", Access::Member, "Leave a discussion", leave)
        .audited()
        .write(
            "rename",
            Access::Member,
            "Rename a discussion (owner)",
            rename,
        )
        .write(
            "transfer",
            Access::Member,
            "Give a discussion to another member (owner)",
            transfer,
        )
        .audited()
        .write(
            "dissolve",
            Access::Member,
            "End a discussion for all (owner)",
            dissolve,
        )
        .audited()
        .write(
            "mark_read",
            Access::Member,
            "Move one's read position forward",
            reading::mark_read,
        )
}
