//! Where tools post to: `POST /hooks/{token}`, as Slack's and Mattermost's incoming webhooks take it, so that tools that
//! can post there need only another address (`PLAT-i10`). A line of `curl` will do. The answer is `ok`.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chat_core::api::Answer;
use chat_core::bot::payload::invalid_payload;
use chat_core::bot::post::{self, Posted};
use chat_core::bot::signature::Signed;

use crate::door::Peer;
use crate::http::{BODY_BYTES, KEY, REQUEST_ID, caller_address, refusal, request_id, too_large};
use crate::server::{Run, Server};
use crate::trace::Parent;

/// What is counted and traced.
const METHOD: &str = "bot.post";
const FORM: &str = "application/x-www-form-urlencoded";
/// The field of a form that carries the JSON.
const FIELD: &str = "payload";

pub(crate) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/hooks/{token}", post(take))
}

async fn take(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let request_id = request_id(&headers).unwrap_or_else(|| server.request_id());
    let address = caller_address(&server, peer, &headers);
    let run = Run {
        method: METHOD,
        request_id: &request_id,
        trace: Parent::of(&headers),
    };
    let posting = async {
        let body = body.map_err(|_| too_large(BODY_BYTES))?;
        let json = json(&headers, &body)?;
        let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let posted = Posted {
            token: &token,
            address: &address,
            body: &json,
            raw: &body,
            signed: Signed {
                id: word("webhook-id"),
                timestamp: word("webhook-timestamp"),
                signature: word("webhook-signature"),
            },
            client_msg_id: word("webhook-id").or_else(|| word(KEY.as_str())),
        };
        post::post(&server.node, posted).await
    };
    let mut response = match server.watch(run, posting).await {
        Ok(_) => "ok".into_response(),
        Err(error) => refusal(&error),
    };
    if let Ok(named) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, named);
    }
    response
}

/// The JSON of a request: its body, or what a form has in its field. Some tools send the form without saying so.
fn json<'a>(headers: &HeaderMap, body: &'a [u8]) -> Answer<Cow<'a, [u8]>> {
    let is_form = is(headers, CONTENT_TYPE, FORM) || body.starts_with(b"payload=");
    if !is_form || body.trim_ascii_start().starts_with(b"{") {
        return Ok(Cow::Borrowed(body));
    }
    let field = form_urlencoded::parse(body).find(|(name, _)| name == FIELD);
    let (_, value) = field.ok_or_else(invalid_payload)?;
    Ok(Cow::Owned(value.into_owned().into_bytes()))
}

fn is(headers: &HeaderMap, name: HeaderName, kind: &str) -> bool {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    let value = value.map(|value| value.split(';').next().unwrap_or_default().trim());
    value.is_some_and(|value| value.eq_ignore_ascii_case(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Option<&str>, body: &str) -> String {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        }
        let read = json(&headers, body.as_bytes());
        read.map_or_else(
            |error| error.code.clone(),
            |json| String::from_utf8(json.into_owned()).unwrap(),
        )
    }

    #[test]
    fn plat_i10_json_comes_by_itself_or_in_a_form() {
        let form = "payload=%7B%22text%22%3A+%22%E5%A5%BD%22%7D&x=1";
        for (kind, body, json) in [
            (
                Some("application/json"),
                r#"{"text":"a"}"#,
                r#"{"text":"a"}"#,
            ),
            (None, r#"{"text":"a"}"#, r#"{"text":"a"}"#),
            (Some(FORM), form, r#"{"text": "好"}"#),
            (
                Some("application/x-www-form-urlencoded; charset=UTF-8"),
                form,
                r#"{"text": "好"}"#,
            ),
            (None, form, r#"{"text": "好"}"#),
            // What `curl -d` says of JSON.
            (Some(FORM), r#" {"text":"a=b&c"}"#, r#" {"text":"a=b&c"}"#),
            (Some(FORM), "text=a", "invalid_payload"),
        ] {
            assert_eq!(read(kind, body), json, "{kind:?} {body}");
        }
    }
}
