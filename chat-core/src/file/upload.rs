//! Bringing a file in: begin, parts, finish. What is not sent within a day is taken away again.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use storage::blob::{BlobError, Blobs, PartName};
use storage::{StoreError, Transaction, retry};

use super::rows::{ATTACHED, FILE, FileRow, Stretch, file_home};
use super::rules;
use super::types::{Begin, Begun, FileId, FileInfo, Finish};
use super::usage;
use crate::api::{Answer, ApiError, Class};
use crate::conversation::rows::conversation_home;
use crate::ctx::{Caller, Ctx, request_hash};
use crate::ids::Id;
use crate::job::{self, Job, NewJob, Next, Progress, Step};
use crate::limits::{
    CALL_ID_KEPT_MS, FILE_HEAD_BYTES, FILE_PARTS, FILE_SENT_MS, FILE_UNSENT_MS, PART_BYTES,
};
use crate::node::Node;

/// Kind and id of the job in a file's home that takes away what nobody sees.
pub(super) const UNSENT: &str = "file.unsent";

pub(super) async fn begin(ctx: Ctx, p: Begin) -> Answer<Begun> {
    let caller = ctx.caller()?;
    let name = rules::name(&p.name)?;
    rules::size(p.size)?;
    blobs(&ctx.node)?;
    let (author, key) = (caller.user_id.to_string(), ctx.key_or_new());
    // A repeat finds the same file.
    let id = Id::derived(
        "file",
        &[&ctx.node.secret, &caller.user_id.0, key.as_bytes()],
    );
    let hash = request_hash("file.begin", &[name.as_bytes(), &p.size.to_be_bytes()]);
    let row = FileRow {
        owner_id: caller.user_id,
        space_id: caller.space_id,
        name,
        size: p.size,
        created_at: ctx.now_ms(),
        stretches: vec![],
        info: None,
        sent_with: None,
    };
    let begun = retry(|| async {
        let t = ctx.node.store.transaction(&file_home(id));
        let mut t = t.client_id("call", &author, &key, hash, CALL_ID_KEPT_MS);
        if let Some(done) = t.repeated().await? {
            return Ok::<_, ApiError>(done);
        }
        // The key was kept for a day only, the file for good.
        if t.read(&FILE, &(), &()).await?.is_some() {
            return Err(StoreError::ClientIdReused.into());
        }
        usage::room_for(&ctx.node, &caller, row.size).await?;
        t.set(&FILE, &(), &(), &row)?;
        let new = NewJob {
            id: UNSENT,
            kind: UNSENT,
            payload: &id,
            at_ms: row.created_at + FILE_UNSENT_MS,
            ordinal: 0,
        };
        job::begin(&mut t, &new)?;
        usage::tell(&mut t, id, &row)?;
        Ok(t.commit().await?)
    })
    .await?;
    // The next upload is measured against what this one takes.
    ctx.node.effects.passed(begun.position).await;
    Ok(Begun {
        upload_id: id,
        chunk_bytes: PART_BYTES,
    })
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// It is kept; the next one begins here.
    UpTo(u64),
    /// It does not begin where the part before ended, which is here.
    Expected(u64),
}

/// How many bytes of an upload are there.
///
/// # Errors
/// `not_found` for the upload of somebody else.
pub async fn offset(node: &Node, caller: &Caller, id: FileId) -> Answer<u64> {
    Ok(own(node, caller, id).await?.received())
}

/// Takes a part, which begins at `offset`. It is on the disk when this answers.
///
/// # Errors
/// `not_found` for the upload of somebody else; `part_too_large`, `too_many_parts`; `storage_full`.
pub async fn put(
    node: &Node,
    caller: &Caller,
    id: FileId,
    (offset, bytes): (u64, Bytes),
) -> Answer<Took> {
    let row = own(node, caller, id).await?;
    let received = row.received();
    if offset != received || row.info.is_some() {
        return Ok(Took::Expected(received));
    }
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if length == 0 || length > PART_BYTES || received + u64::from(length) > row.size {
        let zh = format!("每段应为 1 到 {PART_BYTES} 字节，且不超过文件大小");
        let en = format!("A part has 1 to {PART_BYTES} bytes and ends with the file");
        return Err(ApiError::new(Class::Invalid, "part_too_large", zh, en));
    }
    if row.stretches.len() >= FILE_PARTS {
        let (zh, en) = ("分段过多，请重新上传", "Too many parts; upload it anew");
        return Err(ApiError::new(Class::Invalid, "too_many_parts", zh, en));
    }
    let blobs = blobs(node)?;
    let name = PartName {
        blob: id.0,
        part: u64::from_be_bytes(node.random.bytes()),
    };
    blobs
        .put(name, bytes)
        .await
        .map_err(|error| failed(&error))?;
    let stretch = Stretch {
        part: name.part,
        bytes: length,
    };
    let added = add(node, id, offset, stretch).await;
    if !matches!(added, Ok(Took::UpTo(_)) | Err(_)) {
        // Somebody sent the same stretch at the same time. After an error nothing is known, and rubbish is cheap.
        let _ = blobs.drop_part(name).await;
    }
    added
}

async fn add(node: &Node, id: FileId, offset: u64, stretch: Stretch) -> Answer<Took> {
    retry(|| async {
        let mut t = node.store.transaction(&file_home(id));
        let row = t.read(&FILE, &(), &()).await?;
        let mut row = row.ok_or_else(ApiError::not_found)?;
        if row.stretches.last() == Some(&stretch) {
            return Ok(Took::UpTo(row.received()));
        }
        if row.received() != offset || row.info.is_some() {
            return Ok(Took::Expected(row.received()));
        }
        row.stretches.push(stretch);
        t.set(&FILE, &(), &(), &row)?;
        t.commit().await?;
        Ok(Took::UpTo(row.received()))
    })
    .await
}

pub(super) async fn finish(ctx: Ctx, p: Finish) -> Answer<FileInfo> {
    let (node, caller, id) = (&ctx.node, ctx.caller()?, p.upload_id);
    let row = own(node, &caller, id).await?;
    if let Some(info) = row.info {
        return Ok(info);
    }
    let received = row.received();
    if received < row.size {
        let zh = format!("文件还没有传完：{received} / {} 字节", row.size);
        let en = format!("{received} of {} bytes are there", row.size);
        return Err(ApiError::new(Class::Conflict, "upload_unfinished", zh, en));
    }
    let head = head(&*blobs(node)?, id, &row).await?;
    let info = rules::info(id, &row.name, row.size, &head)?;
    retry(|| async {
        let mut t = node.store.transaction(&file_home(id));
        let row = t.read(&FILE, &(), &()).await?;
        let mut row = row.ok_or_else(ApiError::not_found)?;
        if row.info.is_none() {
            row.info = Some(info.clone());
            t.set(&FILE, &(), &(), &row)?;
            usage::tell(&mut t, id, &row)?;
            t.commit().await?;
        }
        Ok::<_, ApiError>(())
    })
    .await?;
    Ok(info)
}

/// The first bytes of a file: a picture tells its size in them, behind what a camera writes in front.
async fn head(blobs: &dyn Blobs, id: FileId, row: &FileRow) -> Answer<Bytes> {
    let mut head = BytesMut::new();
    for stretch in &row.stretches {
        let left = FILE_HEAD_BYTES.saturating_sub(head.len()) as u64;
        if left == 0 {
            break;
        }
        let name = PartName {
            blob: id.0,
            part: stretch.part,
        };
        let bytes = blobs.get(name, 0..left.min(u64::from(stretch.bytes)));
        head.extend_from_slice(&bytes.await.map_err(|error| failed(&error))?);
    }
    Ok(head.freeze())
}

async fn own(node: &Node, caller: &Caller, id: FileId) -> Answer<FileRow> {
    let row = node.store.read(&file_home(id), &FILE, &(), &()).await?;
    row.filter(|row| row.owner_id == caller.user_id)
        .ok_or_else(ApiError::not_found)
}

pub(super) fn blobs(node: &Node) -> Answer<Arc<dyn Blobs>> {
    node.blobs.clone().ok_or_else(|| {
        ApiError::new(
            Class::Unavailable,
            "files_not_configured",
            "服务器没有配置存放文件的地方，请联系管理员",
            "The server has no place for files; ask its administrator (--files)",
        )
    })
}

pub(super) fn failed(error: &BlobError) -> ApiError {
    match error {
        BlobError::Full => ApiError::new(
            Class::Unavailable,
            "storage_full",
            "服务器磁盘已满，文件没有保存",
            "The server's disk is full; the file was not kept",
        ),
        BlobError::Absent => StoreError::Corrupt("a part of a file is missing".into()).into(),
        BlobError::Failed(why) => {
            tracing::error!(why, "a file cannot be kept or read");
            ApiError::new(
                Class::Unavailable,
                "file_store_failed",
                "文件暂时无法存取，请稍后再试",
                "Files can't be kept or read now; try again later",
            )
        }
    }
}

// ---- the job

/// The job that takes away what was never sent.
pub fn kind() -> job::Kind {
    job::Kind {
        name: UNSENT,
        run: |node, job| Box::pin(async move { look(&node, &job).await }),
    }
}

/// Nobody needs to look after the file any more.
pub(super) fn look_no_more(t: &mut Transaction) {
    job::cancel(t, UNSENT);
}

/// A day after the beginning a file that no message claims is taken away; one that a message claimed and whose message
/// is not there stays until no client may send it any more.
async fn look(node: &Arc<Node>, job: &Job) -> Answer<Step> {
    let id: FileId = job.payload()?;
    let end = |next| Step {
        progress: Progress::default(),
        effects: vec![],
        next,
    };
    let mut t = node.store.transaction(&job.home);
    if let Some(row) = t.read(&FILE, &(), &()).await? {
        if let Some(with) = &row.sent_with {
            let conversation = conversation_home(with.conversation_id);
            let seen = node.store.read(&conversation, &ATTACHED, &(), &id).await?;
            let left = row.created_at + FILE_SENT_MS + FILE_UNSENT_MS - node.clock.now_ms();
            if seen.is_some() {
                return Ok(end(Next::Done));
            }
            if left > 0 {
                return Ok(end(Next::In(left)));
            }
        }
        t.delete(FILE.at(&(), &()));
        usage::tell(&mut t, id, &row)?;
        t.commit().await?;
    }
    // Behind the row: what no row names is seen by nobody, and a repeat of this step ends it.
    let dropped = blobs(node)?.drop_blob(id.0).await;
    dropped.map_err(|error| failed(&error))?;
    Ok(end(Next::Done))
}
