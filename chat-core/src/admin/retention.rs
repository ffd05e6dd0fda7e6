//! For how long what is not a message is kept: entries of the audit, as an administrator decides. Messages
//! are kept for ever so far, and a session ends by itself 30 days after its last use.
//!
//! Home `audit:main` has the row [`KEEPING`] and the job that takes away what is older, begun by the first decision
//! and never ended: without a limit it finds nothing to do.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Table, retry};

use crate::api::registry::{Access, Nothing, Registry};
use crate::api::{Answer, ApiError};
use crate::audit::{self, Note, TargetKind, audit_home};
use crate::clock::DAY_MS;
use crate::ctx::{Ctx, request_hash};
use crate::job::{self, Job, NewJob, Next, Progress, Step};
use crate::limits::{AUDIT_DAYS, AUDIT_FORGOTTEN, AUDIT_LOOK_MS, CALL_ID_KEPT_MS};
use crate::node::Node;
use crate::tables;

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("admin.retention")
        .read("get", Access::Admin, "For how long what is kept", get)
        .write(
            "set",
            Access::Admin,
            "Decide for how long what is kept",
            set,
        )
        .audited();
}

// ---- types

/// For how long what is kept. Row of `audit:main` too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Entries of the audit: 180 to 3,650 days; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_days: Option<u32>,
}

// ---- rules

fn check(p: Retention) -> Answer<()> {
    let (least, most) = (AUDIT_DAYS.start(), AUDIT_DAYS.end());
    if p.audit_days.is_none_or(|days| AUDIT_DAYS.contains(&days)) {
        return Ok(());
    }
    Err(ApiError::invalid(
        "audit_days",
        "days_out_of_range",
        format!("审计日志应保留 {least} 至 {most} 天"),
        format!("The audit is kept for {least} to {most} days"),
    ))
}

/// How a decision is told in the audit.
fn told(kept: Retention) -> String {
    match kept.audit_days {
        Some(days) => format!("audit_days = {days}"),
        None => "audit_days = ∞".to_owned(),
    }
}

// ---- rows

/// `audit:main`.
const KEEPING: Table<(), (), Retention> = Table::new(tables::KEEPING, "keeping");

// ---- methods

async fn get(ctx: Ctx, _: Nothing) -> Answer<Retention> {
    let home = audit_home();
    let row = ctx.node.store.read(&home, &KEEPING, &(), &()).await?;
    Ok(row.unwrap_or_default())
}

async fn set(ctx: Ctx, p: Retention) -> Answer<Retention> {
    check(p)?;
    let note = audit::note(&ctx).await?;
    let note = note.to(TargetKind::Server, "retention").with(told(p));
    let (author, id) = (ctx.caller()?.user_id.to_string(), ctx.key_or_new());
    retry(|| decide(&ctx, p, (&author, &id), &note)).await?;
    Ok(p)
}

async fn decide(ctx: &Ctx, p: Retention, (author, id): (&str, &str), note: &Note) -> Answer<()> {
    let (store, home) = (&ctx.node.store, audit_home());
    let hash = request_hash("admin.retention.set", &[told(p).as_bytes()]);
    let t = store.transaction(&home);
    let mut t = t.client_id("call", author, id, hash, CALL_ID_KEPT_MS);
    if t.repeated().await?.is_some() {
        return Ok(());
    }
    let before = t.read(&KEEPING, &(), &()).await?.unwrap_or_default();
    if before == p {
        return Ok(());
    }
    t.set(&KEEPING, &(), &(), &p)?;
    note.put(&mut t)?;
    if job::look(store, &home, FORGET).await?.is_none() {
        let new = NewJob {
            id: FORGET,
            kind: FORGET,
            payload: &(),
            at_ms: ctx.now_ms(),
            ordinal: 0,
        };
        job::begin(&mut t, &new)?;
    }
    t.commit().await?;
    Ok(())
}

// ---- the job

/// Kind and id of the job.
const FORGET: &str = "audit.forget";

/// The job that takes away what is older.
pub fn kind() -> job::Kind {
    job::Kind {
        name: FORGET,
        run: |node, job| Box::pin(async move { step(&node, &job).await }),
    }
}

async fn step(node: &Arc<Node>, job: &Job) -> Answer<Step> {
    let store = &node.store;
    let kept = store.read(&job.home, &KEEPING, &(), &()).await?;
    let days = kept.unwrap_or_default().audit_days;
    let forgotten = match days {
        Some(days) => {
            let until_ms = node.clock.now_ms() - i64::from(days) * DAY_MS;
            audit::forget(store, until_ms, AUDIT_FORGOTTEN).await?
        }
        None => 0,
    };
    let more = forgotten == AUDIT_FORGOTTEN;
    Ok(Step {
        progress: Progress {
            done: job.progress.done + forgotten as u64,
            ..job.progress.clone()
        },
        effects: vec![],
        next: Next::In(if more { 0 } else { AUDIT_LOOK_MS }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_is_kept_for_half_a_year_at_least() {
        let days = |days: u32| {
            check(Retention {
                audit_days: Some(days),
            })
        };
        assert!(check(Retention::default()).is_ok());
        assert!(days(180).is_ok() && days(3_650).is_ok());
        assert_eq!(days(179).unwrap_err().code, "days_out_of_range");
        assert!(days(3_651).is_err() && days(0).is_err());
    }
}
