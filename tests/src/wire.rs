//! A server as it is reached from outside: an address, and HTTP to it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::{Codec, Connecting, HttpAnswer, Socket};

/// A server's address with an HTTP client that keeps no cookies of its own.
#[derive(Debug)]
pub struct Wire {
    address: Mutex<String>,
    http: reqwest::Client,
    next: AtomicU64,
}

/// What stands beside the body of a call over HTTP.
#[derive(Clone, Copy, Debug, Default)]
struct Beside<'a> {
    token: Option<&'a str>,
    key: Option<&'a str>,
    headers: &'a [(&'static str, &'a str)],
}

impl Wire {
    /// A server at `address` (host and port).
    pub fn new(address: &str) -> Self {
        Self {
            address: Mutex::new(address.to_owned()),
            http: reqwest::Client::new(),
            next: AtomicU64::new(1),
        }
    }

    /// A name that was not used with this server: the same in each run of a story.
    pub fn fresh(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Host and port.
    ///
    /// # Panics
    /// Never: nobody panics while holding it.
    pub fn address(&self) -> String {
        self.address.lock().expect("no test panicked here").clone()
    }

    /// Calls a method without signing in.
    pub async fn http(&self, method: &str, params: Value) -> HttpAnswer {
        self.post(method, &params, Beside::default()).await
    }

    /// Calls a method with an access token.
    pub async fn http_as(&self, token: &str, method: &str, params: Value) -> HttpAnswer {
        let token = Some(token);
        self.post(
            method,
            &params,
            Beside {
                token,
                ..Beside::default()
            },
        )
        .await
    }

    /// Calls a method under an idempotency key.
    pub async fn http_keyed(
        &self,
        token: Option<&str>,
        key: &str,
        method: &str,
        params: Value,
    ) -> HttpAnswer {
        let key = Some(key);
        self.post(
            method,
            &params,
            Beside {
                token,
                key,
                headers: &[],
            },
        )
        .await
    }

    /// Calls a method with headers of one's own.
    pub async fn http_with(
        &self,
        headers: &[(&'static str, &str)],
        method: &str,
        params: Value,
    ) -> HttpAnswer {
        self.post(
            method,
            &params,
            Beside {
                headers,
                ..Beside::default()
            },
        )
        .await
    }

    /// As [`Self::http_keyed`], for a server that may die meanwhile: `None` when it did not answer.
    pub async fn http_if_alive(
        &self,
        token: Option<&str>,
        key: &str,
        method: &str,
        params: Value,
    ) -> Option<HttpAnswer> {
        let beside = Beside {
            token,
            key: Some(key),
            headers: &[],
        };
        self.request(method, serde_json::to_vec(&params).ok()?, beside)
            .await
    }

    /// Posts a body as it is.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn http_raw(&self, token: Option<&str>, method: &str, body: Vec<u8>) -> HttpAnswer {
        let beside = Beside {
            token,
            ..Beside::default()
        };
        let answer = self.request(method, body, beside).await;
        answer.expect("the server answers")
    }

    /// What a tool is answered that posts `body` to `path` with these headers.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn tool_posts(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> HttpAnswer {
        let url = format!("http://{}{path}", self.address());
        let mut request = self.http.post(url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        sent(request).await.expect("the server answers")
    }

    /// The status and the text at a path.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn get(&self, path: &str) -> (u16, String) {
        self.get_at(&format!("http://{}{path}", self.address()))
            .await
    }

    /// The status and the text at an address of any server.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn get_at(&self, url: &str) -> (u16, String) {
        let response = self.http.get(url).send().await.expect("the server answers");
        let status = response.status().as_u16();
        (status, response.text().await.unwrap_or_default())
    }

    /// A connection that nobody has opened yet.
    ///
    /// # Panics
    /// When the handshake is refused.
    pub async fn socket(&self, codec: Codec) -> Socket {
        let connecting = Connecting::new(&self.address(), codec).connect();
        connecting.await.expect("a handshake")
    }

    async fn post(&self, method: &str, params: &Value, beside: Beside<'_>) -> HttpAnswer {
        let body = serde_json::to_vec(params).expect("a value is JSON");
        let answer = self.request(method, body, beside).await;
        answer.expect("the server answers")
    }

    async fn request(&self, method: &str, body: Vec<u8>, beside: Beside<'_>) -> Option<HttpAnswer> {
        let url = format!("http://{}/api/v1/{method}", self.address());
        let mut request = self.http.post(url).body(body);
        if let Some(token) = beside.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = beside.key {
            request = request.header("idempotency-key", key);
        }
        for (name, value) in beside.headers {
            request = request.header(*name, *value);
        }
        sent(request).await
    }
}

/// What is answered; nothing by a server that died.
pub(crate) async fn sent(request: reqwest::RequestBuilder) -> Option<HttpAnswer> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let request_id = response.headers().get("x-request-id");
    let request_id = request_id.and_then(|id| id.to_str().ok().map(str::to_owned));
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.and_then(|after| after.to_str().ok()?.parse().ok());
    let cookies = response.headers().get_all("set-cookie");
    let cookies = cookies
        .iter()
        .filter_map(|value| value.to_str().ok().map(str::to_owned))
        .collect();
    let bytes = response.bytes().await.ok()?;
    Some(HttpAnswer {
        status,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
        text: String::from_utf8_lossy(&bytes).into_owned(),
        request_id,
        retry_after,
        cookies,
    })
}
