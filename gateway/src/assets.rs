//! The browser client, inside the binary. Hashed files may be kept for ever; the page itself is asked for
//! again, and answered with "not modified" where it is the same. What is worth it lies there in brotli and
//! gzip as well, made once when the client was built (`web/build/compress.ts`): nothing is compressed here.
//! A checkout that was built without the client says so in a sentence.
//!
//! Answers of methods are not compressed. Behind TLS, the length of a compressed answer tells an onlooker
//! about its secrets when he can write a part of it, and a colleague's message beside the reader's own is
//! exactly that (BREACH). Little would be won: the client calls by WebSocket once it is in.

use axum::http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Client;

/// How a file may be written on the wire, and the ending it then has in the folder; the smallest first.
const CODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];
/// Bytes of the hash that make a tag: no two of some hundred files will ever share it.
const TAG_BYTES: usize = 16;

/// Serves a file of the client; an address that is no file is one of the client's own screens.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let kept = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    if let Some(form) = form(path, &headers) {
        return answer(path, form, kept, &headers);
    }
    // A missing file must not look like a page.
    if path.starts_with("assets/") || path.starts_with("api/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    match form("index.html", &headers) {
        Some(page) => answer("index.html", page, "no-cache", &headers),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            [(CONTENT_TYPE, "text/plain; charset=utf-8")],
            "This server was built without its browser client. Run `make run`, which builds both.\n本服务器未包含网页客户端，请用 make run 构建。\n",
        )
            .into_response(),
    }
}

/// A file as it will be sent.
struct Form {
    file: EmbeddedFile,
    coding: Option<&'static str>,
}

/// The form of a file that its reader likes best. A compressed form is no file of its own.
fn form(path: &str, headers: &HeaderMap) -> Option<Form> {
    if CODINGS.iter().any(|(_, ending)| path.ends_with(ending)) {
        return None;
    }
    let accepted = joined(headers, &ACCEPT_ENCODING);
    wanted(&accepted)
        .find_map(|(coding, ending)| {
            let file = Client::get(&format!("{path}{ending}"))?;
            let coding = Some(coding);
            Some(Form { file, coding })
        })
        .or_else(|| {
            let file = Client::get(path)?;
            Some(Form { file, coding: None })
        })
}

fn answer(path: &str, form: Form, kept: &'static str, headers: &HeaderMap) -> Response {
    let tag = tag(&form.file.metadata.sha256_hash());
    let same = is_tag_among(&joined(headers, &IF_NONE_MATCH), &tag);
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match form.file.data {
            std::borrow::Cow::Borrowed(data) => Bytes::from_static(data),
            std::borrow::Cow::Owned(data) => data.into(),
        };
        ([(CONTENT_TYPE, content_type(path))], body).into_response()
    };
    let head = response.headers_mut();
    if let Some(coding) = form.coding.filter(|_| !same) {
        head.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    head.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    head.insert(VARY, HeaderValue::from_static("accept-encoding"));
    // A part of a file is never asked for by a browser; the whole is a right answer to it.
    head.insert(ACCEPT_RANGES, HeaderValue::from_static("none"));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        head.insert(ETAG, value);
    }
    response
}

fn content_type(path: &str) -> String {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    if kind.type_() == "text" {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_string()
    }
}

/// Lines of one header are one list.
fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    texts.join(",")
}

/// What `Accept-Encoding` allows of ours, best first.
fn wanted(accepted: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut weighed: Vec<(u16, (&'static str, &'static str))> = CODINGS
        .into_iter()
        .map(|one| (weight(accepted, one.0), one))
        .filter(|(weight, _)| *weight > 0)
        .collect();
    // Stable: of two that are liked equally the smaller one is sent.
    weighed.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    weighed.into_iter().map(|(_, one)| one)
}

/// How much a reader likes a coding, in thousandths; 0 is "not at all", and so is what is not named.
fn weight(accepted: &str, coding: &str) -> u16 {
    let named = |name: &str| {
        accepted.split(',').find_map(|part| {
            let (found, parameters) = part.split_once(';').unwrap_or((part, ""));
            found
                .trim()
                .eq_ignore_ascii_case(name)
                .then_some(parameters)
        })
    };
    let Some(parameters) = named(coding).or_else(|| named("*")) else {
        return 0;
    };
    let weight = parameters
        .split(';')
        .filter_map(|one| one.trim().strip_prefix("q="))
        .next();
    weight.map_or(1_000, thousandths)
}

/// `0.5` is 500. A weight has at most three decimals; one that cannot be read is none.
fn thousandths(text: &str) -> u16 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    match (whole, format!("{part:0<3}").parse()) {
        ("1", Ok(0)) => 1_000,
        ("0", Ok(part)) if digits => part,
        _ => 0,
    }
}

/// Each form has a tag of its own: a cache that mixed them up would hand out what cannot be read.
fn tag(hash: &[u8; 32]) -> String {
    let hex: String = hash[..TAG_BYTES]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{hex}\"")
}

fn is_tag_among(known: &str, tag: &str) -> bool {
    known
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(accepted: &str) -> Vec<&'static str> {
        wanted(accepted).map(|(coding, _)| coding).collect()
    }

    #[test]
    fn the_smaller_form_is_sent_unless_the_reader_likes_the_other_better() {
        assert_eq!(names("gzip, deflate, br"), ["br", "gzip"]);
        assert_eq!(names("br;q=0.5, gzip;q=0.8"), ["gzip", "br"]);
        assert_eq!(names("GZIP"), ["gzip"]);
        assert_eq!(names("*"), ["br", "gzip"]);
    }

    #[test]
    fn what_is_refused_unnamed_or_unreadable_is_not_sent() {
        assert!(names("").is_empty());
        assert!(names("identity, deflate, xbr").is_empty());
        assert_eq!(names("br;q=0, gzip;q=0.001"), ["gzip"]);
        assert_eq!(names("*;q=0, br;q=1.0"), ["br"]);
        assert!(names("br;q=2, gzip;q=0.1234").is_empty());
        assert!(names("br;q=x, gzip;q=").is_empty());
    }

    #[test]
    fn a_known_tag_is_found_in_any_list() {
        let tag = tag(&[0xab; 32]);
        assert_eq!(tag, format!("\"{}\"", "ab".repeat(TAG_BYTES)));
        assert!(is_tag_among(&format!("\"x\", W/{tag}"), &tag));
        assert!(is_tag_among("*", &tag));
        assert!(!is_tag_among("", &tag));
        assert!(!is_tag_among("\"abab\"", &tag));
    }
}
