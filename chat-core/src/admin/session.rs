//! The devices of a colleague, as an administrator sees and ends them: a lost phone, somebody who left at noon
//!. Whoever is signed out sees the door within 2 s.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::registry::{Access, Nothing, Registry, nothing};
use crate::api::{Answer, ApiError};
use crate::audit;
use crate::ctx::Ctx;
use crate::directory::person::{self, MemberRow};
use crate::directory::session::{self, SESSION, Sessions, session_home};
use crate::directory::space::MemberRef;
use crate::ids::{SessionId, UserId};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("admin.session")
        .read(
            "list",
            Access::Admin,
            "The devices a colleague is signed in on",
            list,
        )
        .write(
            "revoke",
            Access::Admin,
            "End the session of one device of a colleague",
            revoke,
        )
        .audited()
        .write(
            "revoke_all",
            Access::Admin,
            "End all sessions of a colleague; one's own, but for this device",
            revoke_all,
        )
        .audited();
}

// ---- types

/// Names a device of a colleague.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionOf {
    /// The colleague.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
}

// ---- methods

async fn list(ctx: Ctx, p: MemberRef) -> Answer<Sessions> {
    let (member, own) = (member(&ctx, p.user_id).await?, ctx.caller()?.session_id);
    session::devices(&ctx.node.store, member.account_id, Some(own)).await
}

async fn revoke(ctx: Ctx, p: SessionOf) -> Answer<Nothing> {
    let (member, store) = (member(&ctx, p.user_id).await?, &ctx.node.store);
    let home = session_home(p.session_id);
    let row = store.read(&home, &SESSION, &(), &()).await?;
    let row = row
        .filter(|row| row.account_id == member.account_id)
        .ok_or_else(ApiError::not_found)?;
    let note = audit::note(&ctx).await?.about(p.user_id);
    let note = session::of_session(note, p.session_id, &row.device_name);
    session::end_told(store, member.account_id, p.session_id, &note).await?;
    nothing()
}

async fn revoke_all(ctx: Ctx, p: MemberRef) -> Answer<Nothing> {
    let (member, caller) = (member(&ctx, p.user_id).await?, ctx.caller()?);
    // Whoever clears up after himself stays signed in where he does it.
    let keep = (p.user_id == caller.user_id).then_some(caller.session_id);
    let note = audit::note(&ctx).await?.about(p.user_id);
    session::end_all_told(&ctx.node.store, member.account_id, keep, &note).await?;
    nothing()
}

async fn member(ctx: &Ctx, user: UserId) -> Answer<MemberRow> {
    let space = ctx.caller()?.space_id;
    let member = person::member(&ctx.node.store, space, user).await?;
    member.ok_or_else(ApiError::not_found)
}
