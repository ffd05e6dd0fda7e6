//! What files take of the disk, by kind and by person, and what of that an administrator allows (`PLAT-i20`): a quota
//! for each person, and for how long files are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{key, retry};

use crate::api::page::{Page, PageParams, cursor};
use crate::api::registry::{Access, Nothing, Registry};
use crate::api::{Answer, ApiError};
use crate::audit::{self, Note, TargetKind};
use crate::ctx::{Ctx, request_hash};
use crate::file::expire;
use crate::file::usage::{self, ALLOWED, Allowed, ByKind, Place, Use, storage_home};
use crate::host::{self, Disk};
use crate::ids::UserId;
use crate::limits::{CALL_ID_KEPT_MS, FILE_DAYS, QUOTA_BYTES};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("admin.storage")
        .read(
            "get",
            Access::Admin,
            "What files take of the disk, and what is allowed",
            get,
        )
        .read(
            "people",
            Access::Admin,
            "What the files of each person take, most first",
            people,
        )
        .read(
            "preview",
            Access::Admin,
            "What would be taken away if files were kept for so many days",
            preview,
        )
        .write(
            "set",
            Access::Admin,
            "Decide how much a person's files may take, and for how long files are kept",
            set,
        )
        .audited();
}

// ---- types

/// What files take, and what is allowed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Storage {
    /// Pictures.
    pub images: Use,
    /// Other files.
    pub files: Use,
    /// Uploads under way: they are counted whole from the beginning.
    pub uploading: Use,
    /// Room on the disk of the store; absent where the store is a database elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
    /// Files from before an upgrade are still being counted: these figures grow.
    pub counting: bool,
    /// Bytes that one person's files may take; no limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
    /// Days that a file is kept; for ever when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_days: Option<u32>,
    /// Old files that are taken away within the hour; absent where they are kept for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired: Option<Use>,
}

/// What the files of a person take.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PersonUse {
    /// The person.
    pub user_id: UserId,
    /// Pictures.
    pub images: Use,
    /// Other files.
    pub files: Use,
    /// Uploads under way.
    pub uploading: Use,
    /// All bytes.
    pub bytes: u64,
}

/// A number of days to look at.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// Days that files would be kept: 7 to 3,650.
    pub file_days: u32,
}

// ---- rules

fn check(p: Allowed) -> Answer<()> {
    if p.quota_bytes
        .is_some_and(|bytes| !QUOTA_BYTES.contains(&bytes))
    {
        let (least, most) = (QUOTA_BYTES.start() >> 20, QUOTA_BYTES.end() >> 40);
        return Err(ApiError::invalid(
            "quota_bytes",
            "quota_out_of_range",
            format!("每人的文件空间应为 {least} MB 至 {most} TB"),
            format!("A person's files may take {least} MB to {most} TB"),
        ));
    }
    match p.file_days {
        Some(days) => check_days(days),
        None => Ok(()),
    }
}

fn check_days(days: u32) -> Answer<()> {
    if FILE_DAYS.contains(&days) {
        return Ok(());
    }
    let (least, most) = (FILE_DAYS.start(), FILE_DAYS.end());
    Err(ApiError::invalid(
        "file_days",
        "days_out_of_range",
        format!("文件应保留 {least} 至 {most} 天"),
        format!("Files are kept for {least} to {most} days"),
    ))
}

/// How a decision is told in the audit.
fn told(p: Allowed) -> String {
    let quota = p
        .quota_bytes
        .map_or("∞".to_owned(), |bytes| bytes.to_string());
    let days = p.file_days.map_or("∞".to_owned(), |days| days.to_string());
    format!("quota_bytes = {quota}, file_days = {days}")
}

// ---- methods

async fn get(ctx: Ctx, _: Nothing) -> Answer<Storage> {
    let (node, space) = (&ctx.node, ctx.caller()?.space_id);
    let all = usage::of_all(&node.store, space).await?;
    let allowed = usage::allowed(&node.store, space).await?;
    let expired = match allowed.file_days {
        Some(days) => Some(old(&ctx, days).await?),
        None => None,
    };
    Ok(Storage {
        images: all.images,
        files: all.files,
        uploading: all.uploading,
        disk: host::figures(node).await?.disk,
        counting: expire::is_counting(node).await?,
        quota_bytes: allowed.quota_bytes,
        file_days: allowed.file_days,
        expired,
    })
}

async fn old(ctx: &Ctx, days: u32) -> Answer<Use> {
    let day = usage::old_before(ctx.now_ms(), days);
    usage::before(&ctx.node.store, ctx.caller()?.space_id, day).await
}

async fn people(ctx: Ctx, p: PageParams) -> Answer<Page<PersonUse>> {
    let (limit, now_ms) = (p.limit()?, ctx.now_ms());
    let after = p.after_key::<Place>(now_ms)?;
    let (store, space) = (&ctx.node.store, ctx.caller()?.space_id);
    let mut rows = usage::people(store, space, after.as_ref(), limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more);
    let next = next.map(|(place, _)| cursor(&key::encode(place), now_ms));
    let item = |(place, by_kind): (Place, ByKind)| PersonUse {
        user_id: place.1,
        images: by_kind.images,
        files: by_kind.files,
        uploading: by_kind.uploading,
        bytes: by_kind.bytes(),
    };
    Ok(Page {
        items: rows.into_iter().map(item).collect(),
        next,
    })
}

async fn preview(ctx: Ctx, p: Days) -> Answer<Use> {
    check_days(p.file_days)?;
    old(&ctx, p.file_days).await
}

async fn set(ctx: Ctx, p: Allowed) -> Answer<Allowed> {
    check(p)?;
    let note = audit::note(&ctx).await?;
    let note = note.to(TargetKind::Server, "storage").with(told(p));
    let (author, id) = (ctx.caller()?.user_id.to_string(), ctx.key_or_new());
    retry(|| decide(&ctx, p, (&author, &id), &note)).await?;
    Ok(p)
}

async fn decide(ctx: &Ctx, p: Allowed, (author, id): (&str, &str), note: &Note) -> Answer<()> {
    let home = storage_home(ctx.caller()?.space_id);
    let hash = request_hash("admin.storage.set", &[told(p).as_bytes()]);
    let t = ctx.node.store.transaction(&home);
    let mut t = t.client_id("call", author, id, hash, CALL_ID_KEPT_MS);
    if t.repeated().await?.is_some() {
        return Ok(());
    }
    let before = t.read(&ALLOWED, &(), &()).await?.unwrap_or_default();
    if before == p {
        return Ok(());
    }
    t.set(&ALLOWED, &(), &(), &p)?;
    note.put(&mut t)?;
    expire::begin_expiring(&ctx.node, &mut t, &home).await?;
    t.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plat_i20_a_quota_holds_one_file_at_least_and_files_stay_a_week() {
        let quota = |bytes: u64| {
            check(Allowed {
                quota_bytes: Some(bytes),
                ..Allowed::default()
            })
        };
        assert!(check(Allowed::default()).is_ok());
        assert!(quota(100 << 20).is_ok() && quota(100 << 40).is_ok());
        assert_eq!(
            quota((100 << 20) - 1).unwrap_err().code,
            "quota_out_of_range"
        );
        assert!(quota((100 << 40) + 1).is_err() && quota(0).is_err());
        assert!(check_days(7).is_ok() && check_days(3_650).is_ok());
        assert_eq!(check_days(6).unwrap_err().code, "days_out_of_range");
        assert!(check_days(3_651).is_err() && check_days(0).is_err());
    }
}
