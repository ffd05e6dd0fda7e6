//! Reading messages. A member sees the entries from his joining on; everybody else is told that there
//! is no such conversation.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Direction, Store};

use super::types::Message;
use crate::api::page::checked_limit;
use crate::api::{Answer, ApiError};
use crate::conversation::rows::{MESSAGE, ROSTER, conversation_home};
use crate::ctx::Ctx;
use crate::ids::ConversationId;
use crate::limits::PAGE_TEXT_BYTES;

// ---- types

/// Which messages: at most one of `before`, `after`, `around`; the newest when none is given.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Where.
    pub conversation_id: ConversationId,
    /// Those just before this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Those just after this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Those on both sides of this number, and itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<u64>,
    /// Messages at most (1 to 200, 50 when absent); fewer when their texts have more than 384 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Messages in order of their numbers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Messages {
    /// The messages.
    pub items: Vec<Message>,
    /// Number of the last entry there is.
    pub head_seq: u64,
    /// There are older ones that one may see.
    pub more_before: bool,
    /// There are newer ones.
    pub more_after: bool,
}

// ---- rules

/// The first and last number of a page, both included; `None` when it is empty.
fn window(p: &List, from_seq: u64, head: u64, limit: u64) -> Option<(u64, u64)> {
    let (first, last) = match (p.before, p.after, p.around) {
        (Some(before), ..) => {
            let last = before.saturating_sub(1).min(head);
            (last.saturating_sub(limit - 1), last)
        }
        (_, Some(after), _) => {
            let first = after.saturating_add(1).max(from_seq);
            (first, first.saturating_add(limit - 1).min(head))
        }
        (.., Some(around)) => {
            let first = around.saturating_sub(limit / 2).max(from_seq);
            (first, first.saturating_add(limit - 1).min(head))
        }
        _ => (head.saturating_sub(limit - 1), head),
    };
    let first = first.max(from_seq).max(1);
    (first <= last).then_some((first, last))
}

/// Which of a page's entries fit into `most` bytes: as many as do, around the one that was asked for.
fn fitting(sizes: &[usize], asked: usize, most: usize) -> Range<usize> {
    let (mut start, mut end, mut bytes) = (asked, asked, 0);
    loop {
        let fits = |at: usize| sizes.get(at).is_some_and(|size| bytes + size <= most);
        let (newer, older) = (fits(end), start > 0 && fits(start - 1));
        if newer && (!older || end - asked <= asked - start) {
            bytes += sizes[end];
            end += 1;
        } else if older {
            start -= 1;
            bytes += sizes[start];
        } else {
            return start..end;
        }
    }
}

// ---- methods

pub(super) async fn list(ctx: Ctx, p: List) -> Answer<Messages> {
    let caller = ctx.caller()?;
    let limit = checked_limit(p.limit)?;
    if [p.before, p.after, p.around].iter().flatten().count() > 1 {
        return Err(ApiError::invalid(
            "around",
            "one_of",
            "before、after、around 只能选一个",
            "Give one of before, after, around",
        ));
    }
    let (store, home) = (&ctx.node.store, conversation_home(p.conversation_id));
    let head = store.head(&home, &MESSAGE.partition(&())).await?.last;
    let member = store
        .read(&home, &ROSTER, &(), &caller.user_id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let Some((first, last)) = window(&p, member.from_seq, head, limit as u64) else {
        return Ok(Messages {
            items: vec![],
            head_seq: head,
            more_before: false,
            more_after: false,
        });
    };
    let mut items = entries(store, p.conversation_id, first, last).await?;
    // Rights are checked after the rows were read and before they leave: he may have been removed.
    store
        .read(&home, &ROSTER, &(), &caller.user_id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let sizes: Vec<usize> = items.iter().map(text_bytes).collect();
    let asked = match (p.after, p.around) {
        (Some(_), _) => 0,
        (_, Some(around)) => items.partition_point(|message| message.seq < around),
        _ => items.len(),
    };
    let kept = fitting(&sizes, asked, PAGE_TEXT_BYTES);
    items.truncate(kept.end);
    items.drain(..kept.start);
    let (first, last) = match (items.first(), items.last()) {
        (Some(oldest), Some(newest)) => (oldest.seq, newest.seq),
        _ => (first, last),
    };
    Ok(Messages {
        items,
        head_seq: head,
        more_before: first > member.from_seq.max(1),
        more_after: last < head,
    })
}

/// The entries `first` to `last` as clients see them. Checks no right.
///
/// # Errors
/// What the store answers.
pub async fn entries(
    store: &Store,
    id: ConversationId,
    first: u64,
    last: u64,
) -> Answer<Vec<Message>> {
    let limit = usize::try_from(last.saturating_sub(first) + 1).unwrap_or(usize::MAX);
    let rows = store
        .entries(
            &conversation_home(id),
            &MESSAGE.partition(&()),
            first,
            last,
            Direction::Forward,
            limit,
        )
        .await?;
    rows.iter()
        .map(|(seq, row)| Ok(MESSAGE.decode(row)?.view(id, *seq)))
        .collect()
}

fn text_bytes(message: &Message) -> usize {
    message.text.as_ref().map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    #[test]
    fn a_page_keeps_what_fits_around_the_one_that_was_asked_for() {
        let sizes = [10; 6];
        assert_eq!(fitting(&sizes, 6, 30), 3..6, "before, or the newest");
        assert_eq!(fitting(&sizes, 0, 30), 0..3, "after");
        assert_eq!(fitting(&sizes, 3, 30), 2..5, "around");
        assert_eq!(fitting(&sizes, 3, 60), 0..6);
        assert_eq!(fitting(&sizes, 5, 35), 3..6);
        assert_eq!(fitting(&sizes, 1, 60), 0..6);
        assert_eq!(fitting(&[], 0, 30), 0..0);
        assert_eq!(fitting(&[5, 100, 5], 3, 30), 2..3, "never with a hole");
    }

    fn page(
        before: Option<u64>,
        after: Option<u64>,
        around: Option<u64>,
        from: u64,
        head: u64,
    ) -> Option<(u64, u64)> {
        let p = List {
            conversation_id: Id([0; 16]),
            before,
            after,
            around,
            limit: None,
        };
        window(&p, from, head, 10)
    }

    #[test]
    fn pages_meet_without_gap_or_overlap() {
        assert_eq!(page(None, None, None, 1, 25), Some((16, 25)));
        assert_eq!(page(Some(16), None, None, 1, 25), Some((6, 15)));
        assert_eq!(page(Some(6), None, None, 1, 25), Some((1, 5)));
        assert_eq!(page(Some(1), None, None, 1, 25), None);
        assert_eq!(page(None, Some(15), None, 1, 25), Some((16, 25)));
        assert_eq!(page(None, Some(25), None, 1, 25), None);
        assert_eq!(page(None, Some(0), None, 1, 5), Some((1, 5)));
        assert_eq!(page(None, None, Some(12), 1, 25), Some((7, 16)));
        assert_eq!(page(None, None, None, 1, 0), None);
        assert_eq!(page(None, None, None, 1, 3), Some((1, 3)));
    }

    #[test]
    fn im_i13_nothing_before_the_joining_is_seen() {
        assert_eq!(page(None, None, None, 20, 25), Some((20, 25)));
        assert_eq!(page(Some(20), None, None, 20, 25), None);
        assert_eq!(page(None, Some(3), None, 20, 25), Some((20, 25)));
        assert_eq!(page(None, None, Some(2), 20, 25), Some((20, 25)));
    }
}
