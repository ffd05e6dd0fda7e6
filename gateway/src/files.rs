//! Files over HTTP: parts of an upload come in by `PUT`, a link that names its reader gives the file out, whole or a
//! range of it. What a browser might run is saved, never shown.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use chat_core::api::registry::Access;
use chat_core::api::{Answer, ApiError, Class};
use chat_core::ctx::Caller;
use chat_core::file::link::{self, Opened, Pass};
use chat_core::file::upload::{self, Took};
use chat_core::ids::Id;
use chat_core::limits::PART_BYTES;
use chat_core::permission;
use futures_util::stream;
use serde::Deserialize;

use crate::http::{caller_of, check_origin, refusal};
use crate::server::Server;

/// Parts that come in at a time: each takes its bytes of memory.
pub(crate) const PARTS_AT_ONCE: usize = 16;
/// A part that takes longer is cut off; the next try goes on behind the part before it.
const PART_PATIENCE: Duration = Duration::from_secs(60);
/// Bytes read from the disk at a time.
const READ_BYTES: u64 = 256 * 1024;

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const OWN_SITE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(crate) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/files/{id}", put(take).head(head).get(give))
}

async fn take(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match took(&server, &id, &headers, body).await {
        Ok(Took::UpTo(offset)) => {
            axum::Json(serde_json::json!({ "offset": offset })).into_response()
        }
        Ok(Took::Expected(offset)) => expected(offset),
        Err(error) => refusal(&error),
    }
}

async fn took(server: &Server, id: &str, headers: &HeaderMap, body: Body) -> Answer<Took> {
    let (caller, id) = uploader(server, id, headers).await?;
    server
        .node
        .guard
        .call_by_user(caller.user_id, server.now_ms())?;
    let offset = headers.get(OFFSET).and_then(|offset| offset.to_str().ok());
    let offset = offset
        .and_then(|offset| offset.parse().ok())
        .ok_or_else(|| {
            ApiError::invalid(
                "upload-offset",
                "offset_missing",
                "缺少 Upload-Offset",
                "The header Upload-Offset says where the part begins",
            )
        })?;
    let busy = || {
        let (zh, en) = (
            "上传的人太多，请稍后再试",
            "Too many uploads; try again shortly",
        );
        ApiError::new(Class::Unavailable, "busy", zh, en).after_ms(1_000)
    };
    let _place = server.parts.try_acquire().map_err(|_| busy())?;
    let reading = axum::body::to_bytes(body, PART_BYTES as usize);
    let read = tokio::time::timeout(PART_PATIENCE, reading).await;
    let bytes = read.ok().and_then(Result::ok).ok_or_else(|| {
        ApiError::new(
            Class::Invalid,
            "part_unread",
            format!("这一段没有收全，或超过 {PART_BYTES} 字节"),
            format!("The part did not come whole, or has more than {PART_BYTES} bytes"),
        )
    })?;
    upload::put(&server.node, &caller, id, (offset, bytes)).await
}

/// The part begins elsewhere: the client goes on there.
fn expected(offset: u64) -> Response {
    let (zh, en) = (
        "请从服务器已有的位置继续上传",
        "The part begins elsewhere; go on at the offset",
    );
    let error = ApiError::new(Class::Conflict, "offset_wrong", zh, en);
    let mut body = serde_json::to_value(&error).unwrap_or_default();
    body["offset"] = offset.into();
    (StatusCode::CONFLICT, axum::Json(body)).into_response()
}

async fn uploader(server: &Server, id: &str, headers: &HeaderMap) -> Answer<(Caller, Id)> {
    check_origin(server, headers)?;
    let caller = caller_of(server, headers).await?;
    permission::admit(&server.node.store, Access::Member, caller.as_ref()).await?;
    let caller = caller.ok_or_else(ApiError::unauthenticated)?;
    let id = id.parse().map_err(|_| ApiError::not_found())?;
    Ok((caller, id))
}

/// Of an upload: how far it is. Of a link: what [`give`] would say.
async fn head(
    state: State<Arc<Server>>,
    Path(id): Path<String>,
    query: Result<Query<Link>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    if query.is_ok() {
        return give(state, Path(id), query, headers).await;
    }
    let server = &*state;
    let offset = async {
        let (caller, id) = uploader(server, &id, &headers).await?;
        upload::offset(&server.node, &caller, id).await
    };
    match offset.await {
        Ok(offset) => [(OFFSET, HeaderValue::from(offset))].into_response(),
        Err(error) => refusal(&error),
    }
}

/// What stands behind the `?` of a link.
#[derive(Deserialize)]
struct Link {
    c: Id,
    u: Id,
    e: i64,
    s: String,
    /// `1`: to be saved.
    d: Option<String>,
}

async fn give(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    query: Result<Query<Link>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let opened = async {
        let file_id = id.parse().map_err(|_| ApiError::not_found())?;
        let Query(link) = query.map_err(|_| ApiError::not_found())?;
        let pass = Pass {
            file_id,
            conversation_id: link.c,
            user_id: link.u,
            expires_at: link.e,
        };
        let opened = link::open(&server.node, pass, &link.s).await?;
        Ok::<_, ApiError>((opened, link.d.is_some()))
    };
    match opened.await {
        Ok((opened, saved)) => given(opened, saved, &id, &headers),
        Err(error) => refusal(&error),
    }
}

fn given(opened: Opened, saved: bool, id: &str, headers: &HeaderMap) -> Response {
    let shown = opened.shown && !saved;
    let kind = if opened.shown {
        opened.mime.as_str()
    } else {
        "application/octet-stream"
    };
    let way = if shown { "inline" } else { "attachment" };
    let disposition = format!("{way}; filename*=UTF-8''{}", escaped(&opened.name));
    let tag = format!("\"{id}\"");
    let mut answer = Response::new(Body::empty());
    let said = [
        (CONTENT_TYPE, kind),
        (CONTENT_DISPOSITION, &disposition),
        // It never changes, and the link is the same for an hour.
        (CACHE_CONTROL, "private, max-age=3600, immutable"),
        (ETAG, &tag),
        (ACCEPT_RANGES, "bytes"),
        (
            CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; style-src 'unsafe-inline'",
        ),
        (OWN_SITE, "same-origin"),
    ];
    for (name, value) in said {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(name, value);
        }
    }
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known == tag.as_str())
    {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return answer;
    }
    let size = opened.size;
    let wanted = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let range = match wanted.map_or(Wanted::All, |wanted| wanted_of(wanted, size)) {
        Wanted::All => 0..size,
        Wanted::Part(range) => {
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            let told = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            if let Ok(told) = HeaderValue::from_str(&told) {
                answer.headers_mut().insert(CONTENT_RANGE, told);
            }
            range
        }
        Wanted::Nothing => {
            *answer.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            if let Ok(told) = HeaderValue::from_str(&format!("bytes */{size}")) {
                answer.headers_mut().insert(CONTENT_RANGE, told);
            }
            return answer;
        }
    };
    let length = HeaderValue::from(range.end - range.start);
    answer.headers_mut().insert(CONTENT_LENGTH, length);
    *answer.body_mut() = body(opened, range);
    answer
}

/// Reads as the client takes it: what waits for a slow one is a single piece.
fn body(opened: Opened, range: Range<u64>) -> Body {
    let pieces = stream::try_unfold((opened, range), |(opened, range)| async move {
        let piece = opened.some(range.clone(), READ_BYTES).await?;
        let next = range.start + piece.len() as u64..range.end;
        Ok::<_, ApiError>((!piece.is_empty()).then_some((piece, (opened, next))))
    });
    Body::from_stream(pieces)
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    Nothing,
}

/// A range as RFC 9110 section 14.1.2 writes it. Several at once, and other units, are answered with all, which it
/// allows.
fn wanted_of(header: &str, size: u64) -> Wanted {
    let Some((first, last)) = header
        .strip_prefix("bytes=")
        .filter(|ranges| !ranges.contains(','))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Wanted::All;
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(last)) if first.is_empty() => size.saturating_sub(last)..size,
        _ => return Wanted::All,
    };
    if range.start < range.end {
        Wanted::Part(range)
    } else {
        Wanted::Nothing
    }
}

/// A name as RFC 8187 writes it in a header.
fn escaped(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_rfc_9110_says() {
        for (header, wanted) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-", Wanted::Part(2..10)),
            ("bytes=2-99", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=10-12", Wanted::Nothing),
            ("bytes=3-2", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=0-18446744073709551615", Wanted::Part(0..10)),
        ] {
            assert_eq!(wanted_of(header, 10), wanted, "{header}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(escaped("报价 1.pdf"), "%E6%8A%A5%E4%BB%B7%201.pdf");
        assert_eq!(escaped("a\"\r\nX: y"), "a%22%0D%0AX%3A%20y");
    }
}
