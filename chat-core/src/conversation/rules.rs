//! What may be done in a conversation, without looking anything up.

use super::rows::MetaRow;
use super::types::{Kind, State};
use crate::api::{Answer, ApiError, Class};
use crate::ids::UserId;
use crate::limits::DISCUSSION_NAME_CHARS;

/// A discussion that goes on.
///
/// # Errors
/// `conflict` (`not_a_discussion`, `dissolved`).
pub fn open_discussion(meta: &MetaRow) -> Answer<()> {
    if meta.kind != Kind::Discussion {
        return Err(ApiError::new(
            Class::Conflict,
            "not_a_discussion",
            "私聊不支持此操作",
            "This is a direct chat, not a discussion",
        ));
    }
    still_open(meta)
}

/// A conversation that goes on.
///
/// # Errors
/// `conflict` (`dissolved`).
pub fn still_open(meta: &MetaRow) -> Answer<()> {
    match meta.state {
        State::Open => Ok(()),
        State::Dissolved => Err(ApiError::new(
            Class::Conflict,
            "dissolved",
            "该讨论组已解散",
            "This discussion was dissolved",
        )),
    }
}

/// What only the owner may do (`IM-i12`).
///
/// # Errors
/// `forbidden` (`not_owner`).
pub fn owned_by(meta: &MetaRow, user: UserId) -> Answer<()> {
    if meta.owner_id == Some(user) {
        Ok(())
    } else {
        Err(ApiError::new(
            Class::Forbidden,
            "not_owner",
            "只有群主可以进行此操作",
            "Only the owner may do this",
        ))
    }
}

/// A discussion that goes on, and what only its owner may do in it.
///
/// # Errors
/// Those of [`open_discussion`] and [`owned_by`].
pub fn own_discussion(meta: &MetaRow, user: UserId) -> Answer<()> {
    open_discussion(meta)?;
    owned_by(meta, user)
}

/// The name of a discussion that was given none: its first members' names.
pub fn default_name<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut name = String::new();
    for next in names {
        let longer = if name.is_empty() {
            next.to_owned()
        } else {
            format!("{name}、{next}")
        };
        if longer.chars().count() > DISCUSSION_NAME_CHARS {
            break;
        }
        name = longer;
    }
    name
}

/// Messages not read: never below nothing.
pub fn unread(head_count: u64, read_count: u64) -> u64 {
    head_count.saturating_sub(read_count)
}

/// Who owns a discussion after its owner left: the earliest of the others (`IM-i12`).
pub fn heir(owner: UserId, members: impl Iterator<Item = (UserId, u64, i64)>) -> Option<UserId> {
    members
        .filter(|(user, ..)| *user != owner)
        .min_by_key(|(user, from_seq, joined_at)| (*joined_at, *from_seq, *user))
        .map(|(user, ..)| user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    #[test]
    fn im_i12_the_default_name_is_the_first_members_names() {
        assert_eq!(
            default_name(["张三", "李四", "王五"].into_iter()),
            "张三、李四、王五"
        );
        let many = vec!["欧阳上官"; 40];
        assert!(default_name(many.into_iter()).chars().count() <= DISCUSSION_NAME_CHARS);
    }

    #[test]
    fn im_i12_ownership_passes_to_the_earliest_member() {
        let (a, b, c) = (Id([1; 16]), Id([2; 16]), Id([3; 16]));
        assert_eq!(
            heir(a, [(a, 1, 0), (c, 5, 20), (b, 9, 10)].into_iter()),
            Some(b)
        );
        assert_eq!(heir(a, [(a, 1, 0)].into_iter()), None);
    }

    #[test]
    fn im_i05_unread_is_never_below_nothing() {
        assert_eq!(unread(3, 1), 2);
        assert_eq!(unread(1, 3), 0);
    }
}
