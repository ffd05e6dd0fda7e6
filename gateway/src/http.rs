//! HTTP: the same methods as over WebSocket (`POST /api/v1/{method}`), the WebSocket's handshake,
//! health, and the client.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
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
use crate::server::{Call, Server};
use crate::ws::socket;

/// Bytes of a call's parameters over HTTP; a pasted list of 500 people fits.
const BODY_BYTES: usize = 256 * 1024;
/// Bytes of a client's WebSocket message (wire contract).
const MESSAGE_BYTES: usize = 64 * 1024;
/// An idle connection keeps this much to read into; the default of 128 KiB would be 40 times all the
/// rest of it. Measured: 4.7 KB a connection with 512, 8.2 with 4,096.
const READ_BUFFER_BYTES: usize = 512;
/// The refresh token's cookie. It is sent to the two methods that read it, and nowhere else.
const COOKIE_NAME: &str = "chaoke_refresh";
const COOKIE_PATH: &str = "/api/v1/";
const KEY: HeaderName = HeaderName::from_static("idempotency-key");

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
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .fallback(assets::serve)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(header("content-security-policy", CSP))
        .layer(header("x-content-type-options", "nosniff"))
        .layer(header("referrer-policy", "no-referrer"))
        .layer(header("x-frame-options", "DENY"))
        .with_state(server)
}

async fn ready(State(server): State<Arc<Server>>) -> Response {
    if server.hub.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining").into_response();
    }
    match chat_core::directory::setup::is_done(&server.node.store).await {
        Ok(_) => "ok".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer").into_response(),
    }
}

async fn call(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let request_id = server.request_id();
    let origin = Origin {
        address: peer.ip().to_canonical().to_string(),
        request_id: request_id.clone(),
        refresh_cookie: refresh_cookie(&headers),
    };
    let read = match read_call(&server, &headers, body).await {
        Ok(read) => read,
        Err(mut error) => {
            error.request_id = request_id;
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
        })
        .await;
    let mut response = match outcome {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => refusal(&error),
    };
    if let Some(value) = cookie.and_then(|change| set_cookie(&change, server.now_ms(), &headers)) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
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
    let body = body.map_err(|_| {
        ApiError::new(
            Class::Invalid,
            "too_large",
            format!("请求过大，上限 {BODY_BYTES} 字节"),
            format!("Larger than {BODY_BYTES} bytes"),
        )
    })?;
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
    let caller = match bearer(headers)? {
        Some(token) => {
            Some(session::authenticate(&server.node.store, token, server.now_ms()).await?)
        }
        None => None,
    };
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
fn check_origin(server: &Server, headers: &HeaderMap) -> Answer<()> {
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
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let address = peer.ip().to_canonical().to_string();
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

fn refusal(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = Codec::Json.encode(error).unwrap_or_default();
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        Body::from(body),
    )
        .into_response()
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

fn set_cookie(change: &CookieChange, now_ms: i64, headers: &HeaderMap) -> Option<HeaderValue> {
    // `Secure` on plain HTTP would make a browser drop it on any address but localhost.
    let secure = headers
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto == "https");
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
        let value = set_cookie(&keep, 1_000, &HeaderMap::new()).unwrap();
        assert_eq!(
            value,
            "chaoke_refresh=t; Path=/api/v1/; Max-Age=60; HttpOnly; SameSite=Strict"
        );
        let mut https = HeaderMap::new();
        https.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert!(
            set_cookie(&CookieChange::Drop, 0, &https)
                .unwrap()
                .to_str()
                .unwrap()
                .ends_with("; Secure")
        );
    }
}
