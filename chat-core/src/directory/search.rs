//! Finding colleagues (`DIR-01`, `DIR-03`, `DIR-i01`): by any part of the name, by its sound with
//! every reading, by initials, by login. A search is one scan by prefix over index rows that are
//! written with the member, so it finds a person as soon as he was added.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Direction, KeyRange, key};

use super::person::{MEMBER_TERM, Person, space_home};
use super::pinyin::folded;
use super::space::people;
use crate::api::registry::{Access, Registry};
use crate::api::{Answer, ApiError};
use crate::ctx::Ctx;
use crate::ids::UserId;
use crate::limits::{PEOPLE_AT_ONCE, SEARCH_CHARS, SEARCH_HITS};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("directory")
        .read("get", Access::Member, "The members with these ids", get)
        .read(
            "search",
            Access::Member,
            "Members by name, sound, initials or login",
            search,
        );
}

// ---- types

/// Names people.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Get {
    /// 1 to 200 ids; ids of nobody in the space are left out of the answer.
    pub user_ids: Vec<UserId>,
}

/// What to look for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// 1 to 64 characters.
    pub query: String,
    /// Hits at most (1 to 50, 50 when absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// People.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct People {
    /// The people.
    pub items: Vec<Person>,
}

/// Rows read for one search at most: several terms of one person may begin alike.
const ROWS_READ: usize = 4 * SEARCH_HITS;

// ---- methods

async fn get(ctx: Ctx, p: Get) -> Answer<People> {
    if p.user_ids.is_empty() || p.user_ids.len() > PEOPLE_AT_ONCE {
        return Err(ApiError::too_many("user_ids", PEOPLE_AT_ONCE));
    }
    Ok(People {
        items: people(&ctx, ctx.caller()?.space_id, &p.user_ids).await?,
    })
}

async fn search(ctx: Ctx, p: Search) -> Answer<People> {
    let caller = ctx.caller()?;
    let limit = p.limit.unwrap_or(SEARCH_HITS);
    if limit == 0 || limit > SEARCH_HITS {
        return Err(ApiError::too_many("limit", SEARCH_HITS));
    }
    if p.query.chars().count() > SEARCH_CHARS {
        return Err(ApiError::invalid(
            "query",
            "too_long",
            format!("最多 {SEARCH_CHARS} 个字"),
            format!("At most {SEARCH_CHARS} characters"),
        ));
    }
    let term = folded(&p.query);
    if term.is_empty() {
        return Ok(People { items: vec![] });
    }
    let range = KeyRange::prefix(key::text_prefix(&term));
    let partition = MEMBER_TERM.partition(&());
    let rows = ctx
        .node
        .store
        .scan(
            &space_home(caller.space_id),
            &partition,
            range,
            Direction::Forward,
            ROWS_READ,
        )
        .await?;
    let mut seen = HashSet::new();
    let mut ids = Vec::new();
    for (raw, _) in rows {
        let user = MEMBER_TERM.key(&raw)?.1;
        if seen.insert(user) && ids.len() < limit {
            ids.push(user);
        }
    }
    Ok(People {
        items: people(&ctx, caller.space_id, &ids).await?,
    })
}
