//! HTTP: the same methods as over WebSocket (`POST /api/v1/{method}`), the WebSocket's handshake,
//! health, and the client.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, ORIGIN, RETRY_AFTER,
    SET_COOKIE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chat_core::api::codec::Params;
use chat_core::api::{Answer, ApiError, Class, Codec};
use chat_core::ctx::{Caller, CookieChange, Origin};
use chat_core::directory::session;
use serde_json::Value;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::assets;
use crate::door::Peer;
use crate::files;
use crate::hooks;
use crate::server::{Call, Server};
use crate::trace::Parent;
use crate::ws::socket;

/// Bytes of a call's parameters over HTTP; a pasted list of 500 people fits.
pub(crate) const BODY_BYTES: usize = 256 * 1024;
/// Bytes of a client's WebSocket message (wire contract).
const MESSAGE_BYTES: usize = 64 * 1024;
/// An idle connection keeps this much to read into; the default of 128 KiB would be 40 times all the
/// rest of it. Measured: 4.7 KB a connection with 512, 8.2 with 4,096.
const READ_BUFFER_BYTES: usize = 512;
/// A store that needs longer for one row is not one that people should be sent to.
const STORE_PATIENCE: Duration = Duration::from_secs(2);
/// The name of a call that its caller, or a proxy, may bring along.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of such a name: twice those of an UUID.
const REQUEST_ID_BYTES: usize = 64;
/// The refresh token's cookie. It is sent to the two methods that read it, and nowhere else.
const COOKIE_NAME: &str = "chaoke_refresh";
const COOKIE_PATH: &str = "/api/v1/";
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");

const CSP: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; \
object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// All routes.
pub fn router(server: Arc<Server>) -> Router {
    let header = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::overriding(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    Router::new()
        .route("/api/v1/{method}", post(call))
        .route("/ws", get(upgrade))
        .merge(files::routes())
        .merge(hooks::routes())
        .merge(health())
        .fallback(assets::serve)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        // A file says more of itself.
        .layer(SetResponseHeaderLayer::if_not_present(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CSP),
        ))
        .layer(header("x-content-type-options", "nosniff"))
        .layer(header("referrer-policy", "no-referrer"))
        .layer(header("x-frame-options", "DENY"))
        .with_state(server)
}

/// Whether the process lives, and whether people should be sent to it.
pub(crate) fn health() -> Router<Arc<Server>> {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
}

async fn ready(State(server): State<Arc<Server>>) -> Response {
    let not = |why: &'static str| (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    if server.hub.is_draining() {
        return not("draining");
    }
    let reading = chat_core::directory::setup::is_done(&server.node.store);
    match tokio::time::timeout(STORE_PATIENCE, reading).await {
        Ok(Ok(_)) => "ok".into_response(),
        Ok(Err(_)) | Err(_) => not("the store does not answer"),
    }
}

async fn call(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let request_id = request_id(&headers).unwrap_or_else(|| server.request_id());
    let named = HeaderValue::from_str(&request_id).ok();
    let mut response = answer(&server, peer, &request_id, (method, &headers, body)).await;
    if let Some(named) = named {
        response.headers_mut().insert(REQUEST_ID, named);
    }
    response
}

/// The name that a call brings along, if it can stand in a log.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fits = (1..=REQUEST_ID_BYTES).contains(&id.len());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (fits && id.bytes().all(plain)).then(|| id.to_owned())
}

async fn answer(
    server: &Server,
    peer: Peer,
    request_id: &str,
    (method, headers, body): (
        String,
        &HeaderMap,
        Result<Bytes, axum::extract::rejection::BytesRejection>,
    ),
) -> Response {
    let origin = Origin {
        address: caller_address(server, peer, headers),
        request_id: request_id.to_owned(),
        refresh_cookie: refresh_cookie(headers),
    };
    let read = match read_call(server, headers, body).await {
        Ok(read) => read,
        Err(mut error) => {
            request_id.clone_into(&mut error.request_id);
            return refusal(&error);
        }
    };
    let (outcome, cookie) = server
        .call(Call {
            method,
            caller: read.caller,
            params: read.params,
            key: read.key,
            origin,
            connection: None,
            codec: Codec::Json,
            trace: Parent::of(headers),
        })
        .await;
    let mut response = match outcome {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => refusal(&error),
    };
    let secure = is_secure(server, peer, headers);
    if let Some(value) = cookie.and_then(|change| set_cookie(&change, server.now_ms(), secure)) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
}

pub(crate) fn too_large(most: usize) -> ApiError {
    ApiError::new(
        Class::Invalid,
        "too_large",
        format!("请求过大，上限 {most} 字节"),
        format!("Larger than {most} bytes"),
    )
}

struct Read {
    caller: Option<Caller>,
    params: Params,
    key: Option<String>,
}

async fn read_call(
    server: &Server,
    headers: &HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Answer<Read> {
    check_origin(server, headers)?;
    let body = body.map_err(|_| too_large(BODY_BYTES))?;
    let params = match serde_json::from_slice(&body) {
        Ok(Value::Object(params)) => params,
        _ if body.is_empty() => Params::new(),
        _ => {
            return Err(ApiError::new(
                Class::Invalid,
                "invalid_params",
                "参数格式不正确",
                "The body is a JSON object",
            ));
        }
    };
    let caller = caller_of(server, headers).await?;
    let key = headers
        .get(KEY)
        .map(|key| key.to_str().map(str::to_owned))
        .transpose();
    let key = key.map_err(|_| {
        ApiError::invalid(
            "idempotency_key",
            "client_id_length",
            "编号应为 1 到 64 字节",
            "A client id has 1 to 64 bytes",
        )
    })?;
    Ok(Read {
        caller,
        params,
        key,
    })
}

/// Who calls, if he said so.
pub(crate) async fn caller_of(server: &Server, headers: &HeaderMap) -> Answer<Option<Caller>> {
    Ok(match bearer(headers)? {
        Some(token) => {
            Some(session::authenticate(&server.node.store, token, server.now_ms()).await?)
        }
        None => None,
    })
}

fn bearer(headers: &HeaderMap) -> Answer<Option<&str>> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.strip_prefix("Bearer"))
        .filter(|rest| rest.is_empty() || rest.starts_with(' '));
    match token.map(str::trim) {
        // What a client without a token writes when it does not leave the header out.
        Some("") => Ok(None),
        Some(token) => Ok(Some(token)),
        None => Err(ApiError::unauthenticated()),
    }
}

/// A page of another site must not speak for the person who reads it.
pub(crate) fn check_origin(server: &Server, headers: &HeaderMap) -> Answer<()> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let own = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let named = origin.split_once("://").map(|(_, host)| host);
    if named == Some(own) || server.origins.iter().any(|allowed| allowed == origin) {
        return Ok(());
    }
    Err(ApiError::new(
        Class::Forbidden,
        "origin",
        "不允许从该网站访问",
        "This site may not call the server",
    ))
}

async fn upgrade(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let address = caller_address(&server, peer, &headers);
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(MESSAGE_BYTES)
        .max_frame_size(MESSAGE_BYTES)
        .protocols(["chaoke.v1.msgpack", "chaoke.v1.json"]);
    let codec = match upgrade.selected_protocol().map(HeaderValue::as_bytes) {
        Some(b"chaoke.v1.msgpack") => Codec::Msgpack,
        Some(b"chaoke.v1.json") => Codec::Json,
        _ => {
            let error = ApiError::new(
                Class::Invalid,
                "subprotocol",
                "不支持的子协议",
                "Offer chaoke.v1.msgpack or chaoke.v1.json",
            );
            return refusal(&error);
        }
    };
    if check_origin(&server, &headers).is_err() {
        // The handshake succeeds so that the page is told the code of the contract.
        return upgrade.on_upgrade(|mut socket| async move {
            let frame = axum::extract::ws::CloseFrame {
                code: 4403,
                reason: "origin".into(),
            };
            let _ = socket
                .send(axum::extract::ws::Message::Close(Some(frame)))
                .await;
        });
    }
    upgrade.on_upgrade(move |socket| socket::serve(socket, codec, address, server))
}

pub(crate) fn refusal(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = Codec::Json.encode(error).unwrap_or_default();
    let mut response = (
        status,
        [(CONTENT_TYPE, "application/json")],
        Body::from(body),
    )
        .into_response();
    if let Some(ms) = error.retry_after_ms {
        // Whole seconds (RFC 9110 section 10.2.3): what tools that read no JSON wait.
        let seconds = HeaderValue::from((ms.max(0) + 999) / 1_000);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

fn refresh_cookie(headers: &HeaderMap) -> Option<String> {
    let pairs = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let found = pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)?;
    Some(found.1.to_owned())
}

/// Who calls, behind the proxies of the house.
pub(crate) fn caller_address(server: &Server, peer: Peer, headers: &HeaderMap) -> String {
    let caller = server.proxies.caller(peer.address.ip(), headers);
    caller.to_string()
}

/// Whether the page came over HTTPS. A caller who claims it of himself harms nobody else, so any proxy is
/// believed.
fn is_secure(server: &Server, peer: Peer, headers: &HeaderMap) -> bool {
    let forwarded = headers
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto == "https");
    let public = server.public_url.as_ref().is_some_and(|url| {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        url.is_https() && host.is_some_and(|host| host.eq_ignore_ascii_case(url.host()))
    });
    peer.tls || forwarded || public
}

fn set_cookie(change: &CookieChange, now_ms: i64, secure: bool) -> Option<HeaderValue> {
    // `Secure` on plain HTTP would make a browser drop it on any address but localhost.
    let secure = if secure { "; Secure" } else { "" };
    let (value, age_s) = match change {
        CookieChange::Keep { token, expires_at } => {
            (token.as_str(), (expires_at - now_ms).max(0) / 1_000)
        }
        CookieChange::Drop => ("", 0),
    };
    let cookie = format!(
        "{COOKIE_NAME}={value}; Path={COOKIE_PATH}; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}"
    );
    HeaderValue::from_str(&cookie).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            COOKIE,
            HeaderValue::from_static("a=1; chaoke_refresh=tok; b=2"),
        );
        assert_eq!(refresh_cookie(&headers).as_deref(), Some("tok"));
        assert_eq!(refresh_cookie(&HeaderMap::new()), None);
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_and_other_sites() {
        let keep = CookieChange::Keep {
            token: "t".into(),
            expires_at: 61_000,
        };
        let value = set_cookie(&keep, 1_000, false).unwrap();
        assert_eq!(
            value,
            "chaoke_refresh=t; Path=/api/v1/; Max-Age=60; HttpOnly; SameSite=Strict"
        );
        assert!(
            set_cookie(&CookieChange::Drop, 0, true)
                .unwrap()
                .to_str()
                .unwrap()
                .ends_with("; Secure")
        );
    }
}
