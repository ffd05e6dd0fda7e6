//! What the server could not do: effects and jobs that were refused again and again. An administrator
//! looks at them and has them tried again, once what stood in their way is gone. Of an effect only its
//! kind is told: what it would have done may be a secret of others.
//!
//! The rows are those of [`crate::effect::letter`], in home `effects:main`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::page::{Page, PageParams, cursor};
use crate::api::registry::{Access, Nothing, Registry, nothing};
use crate::api::{Answer, ApiError};
use crate::audit::{self, TargetKind};
use crate::ctx::{Ctx, request_hash};
use crate::effect::letter::{self, Asked, Key, Letter, What};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("admin.dead_letter")
        .read(
            "list",
            Access::Admin,
            "What the server could not do, oldest cause first",
            list,
        )
        .write(
            "retry",
            Access::Admin,
            "Try again what the server could not do",
            retry,
        )
        .audited();
}

// ---- types

/// Something that the server could not do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeadLetter {
    /// Names it.
    pub letter_id: String,
    /// `effect`: not tried any more; `parked`: it takes a right away, is tried for ever, and all else for
    /// its home waits behind it; `job`: it gave up.
    pub what: What,
    /// What was to be done.
    pub kind: String,
    /// The home where it was refused; empty when it named none.
    pub home: String,
    /// Why, as a code.
    pub code: String,
    /// When its cause happened, in ms since the epoch.
    pub caused_at: i64,
    /// When it was set aside, in ms since the epoch.
    pub at: i64,
}

/// Which one to try again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// As `admin.dead_letter.list` named it.
    pub letter_id: String,
}

// ---- rules

/// `<position>.<ordinal>.<home>`.
fn written((position, ordinal, home): &Key) -> String {
    format!("{position}.{ordinal}.{home}")
}

fn parsed(id: &str) -> Option<Key> {
    let mut parts = id.splitn(3, '.');
    let position = parts.next()?.parse().ok()?;
    let ordinal = parts.next()?.parse().ok()?;
    Some((position, ordinal, parts.next()?.to_owned()))
}

fn view(key: &Key, letter: Letter) -> DeadLetter {
    DeadLetter {
        letter_id: written(key),
        what: letter.what,
        kind: letter.kind,
        home: key.2.clone(),
        code: letter.code,
        caused_at: letter.time_ms,
        at: letter.at,
    }
}

// ---- methods

async fn list(ctx: Ctx, p: PageParams) -> Answer<Page<DeadLetter>> {
    let (limit, now_ms) = (p.limit()?, ctx.now_ms());
    let after = p.after_key::<Key>(now_ms)?;
    let mut letters = letter::page(&ctx.node.store, after.as_ref(), limit + 1).await?;
    let more = letters.len() > limit;
    letters.truncate(limit);
    let last = letters.last().filter(|_| more);
    let next = last.map(|(key, _)| cursor(&storage::key::encode(key), now_ms));
    let items = letters.into_iter().map(|(key, letter)| view(&key, letter));
    Ok(Page {
        items: items.collect(),
        next,
    })
}

async fn retry(ctx: Ctx, p: Retry) -> Answer<Nothing> {
    let key = parsed(&p.letter_id).ok_or_else(ApiError::not_found)?;
    let id = ctx.key_or_new();
    let asked = Asked {
        author: ctx.caller()?.user_id.to_string(),
        id: &id,
        hash: request_hash("admin.dead_letter.retry", &[p.letter_id.as_bytes()]),
        note: audit::note(&ctx)
            .await?
            .to(TargetKind::Letter, &p.letter_id),
    };
    letter::run_again(&ctx.node, &key, &asked).await?;
    nothing()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_a_letter_whatever_its_home_is_called() {
        for home in ["", "user:01h", "login:a.b.c"] {
            let key: Key = (1_042, 3, home.to_owned());
            assert_eq!(parsed(&written(&key)), Some(key));
        }
        for id in ["", "7", "7.x.y", "7.1", "-1.0.a"] {
            assert_eq!(parsed(id), None, "{id}");
        }
    }
}
