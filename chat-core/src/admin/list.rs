//! The lists of conversations that people have are made by effects. When something went wrong with one, an
//! administrator has all of them made again from the rosters, while everybody goes on
//! ([`crate::conversation::rebuild`]).
//!
//! The job lives in home `jobs:main`.

use schemars::JsonSchema;
use serde::Serialize;
use storage::retry;

use crate::api::registry::{Access, Nothing, Registry, nothing};
use crate::api::{Answer, ApiError};
use crate::audit::{self, Note, TargetKind};
use crate::conversation::rebuild::{self, Outcome, REBUILD};
use crate::ctx::{Ctx, request_hash};
use crate::job::{self, NewJob, jobs_home};
use crate::limits::CALL_ID_KEPT_MS;

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("admin.list")
        .write(
            "rebuild",
            Access::Admin,
            "Begin to make the lists of all people again from the rosters",
            rebuild,
        )
        .audited()
        .read(
            "progress",
            Access::Admin,
            "How far the rebuilding of lists is",
            progress,
        )
        .write(
            "cancel",
            Access::Admin,
            "Stop the rebuilding of lists; what is mended stays",
            cancel,
        )
        .audited();
}

// ---- types

/// What a run came to.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Run {
    /// Homes of conversations and people that were looked at.
    pub homes: u64,
    /// Rows of lists that were wrong and are right now.
    pub mended: u64,
    /// Homes that could not be looked at; the server's log names them.
    pub failed: u64,
    /// When it was done, in ms since the epoch; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_at: Option<i64>,
}

/// How far the rebuilding is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Rebuilding {
    /// The run that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Run>,
    /// Why it gave up, as a code; `admin.dead_letter.retry` has it go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gave_up: Option<String>,
    /// The last run that was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Run>,
}

// ---- rules

fn view(outcome: Outcome, done: bool) -> Run {
    Run {
        homes: outcome.homes,
        mended: outcome.mended,
        failed: outcome.failed,
        done_at: done.then_some(outcome.at),
    }
}

// ---- methods

async fn rebuild(ctx: Ctx, _: Nothing) -> Answer<Nothing> {
    let (caller, id) = (ctx.caller()?.user_id.to_string(), ctx.key_or_new());
    let note = audit::note(&ctx).await?.to(TargetKind::Server, "lists");
    retry(|| begin(&ctx, &caller, &id, &note)).await?;
    nothing()
}

/// Begins the job, unless it is there or this call began it before.
async fn begin(ctx: &Ctx, caller: &str, id: &str, note: &Note) -> Answer<()> {
    let store = &ctx.node.store;
    let hash = request_hash("admin.list.rebuild", &[]);
    let t = store.transaction(&jobs_home());
    let mut t = t.client_id("call", caller, id, hash, CALL_ID_KEPT_MS);
    if t.repeated().await?.is_some() || job::look(store, &jobs_home(), REBUILD).await?.is_some() {
        return Ok(());
    }
    let new = NewJob {
        id: REBUILD,
        kind: REBUILD,
        payload: &(),
        at_ms: ctx.now_ms(),
        ordinal: 0,
    };
    job::begin(&mut t, &new)?;
    note.put(&mut t)?;
    t.commit().await?;
    Ok(())
}

async fn progress(ctx: Ctx, _: Nothing) -> Answer<Rebuilding> {
    let store = &ctx.node.store;
    let look = job::look(store, &jobs_home(), REBUILD).await?;
    let last = rebuild::last(store).await?;
    let so_far = look.as_ref().map(|look| rebuild::so_far(&look.progress));
    Ok(Rebuilding {
        running: so_far.map(|outcome| view(outcome, false)),
        gave_up: look.and_then(|look| look.gave_up),
        last: last.map(|outcome| view(outcome, true)),
    })
}

async fn cancel(ctx: Ctx, _: Nothing) -> Answer<Nothing> {
    let (caller, id) = (ctx.caller()?.user_id.to_string(), ctx.key_or_new());
    let hash = request_hash("admin.list.cancel", &[]);
    let note = audit::note(&ctx).await?.to(TargetKind::Server, "lists");
    retry(|| async {
        let t = ctx.node.store.transaction(&jobs_home());
        let mut t = t.client_id("call", &caller, &id, hash, CALL_ID_KEPT_MS);
        if t.repeated().await?.is_none() {
            job::cancel(&mut t, REBUILD);
            note.put(&mut t)?;
            t.commit().await?;
        }
        Ok::<(), ApiError>(())
    })
    .await?;
    nothing()
}
