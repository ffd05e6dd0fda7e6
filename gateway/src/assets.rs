//! The browser client, inside the binary. Hashed files may be kept for ever; the page itself may not.
//! A checkout that was built without the client says so in a sentence.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Client;

/// Serves a file of the client; an address that is no file is one of the client's own screens.
pub async fn serve(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    if let Some(file) = Client::get(path) {
        let kept = if path.starts_with("assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        return answer(path, file.data.into_owned(), kept);
    }
    // A missing file must not look like a page.
    if path.starts_with("assets/") || path.starts_with("api/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    match Client::get("index.html") {
        Some(page) => answer("index.html", page.data.into_owned(), "no-cache"),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            [(CONTENT_TYPE, "text/plain; charset=utf-8")],
            "This server was built without its browser client. Run `make run`, which builds both.\n本服务器未包含网页客户端，请用 make run 构建。\n",
        )
            .into_response(),
    }
}

fn answer(path: &str, data: Vec<u8>, kept: &'static str) -> Response {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let kind = if kind.type_() == "text" {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_string()
    };
    (
        [(CONTENT_TYPE, kind), (CACHE_CONTROL, kept.to_owned())],
        data,
    )
        .into_response()
}
