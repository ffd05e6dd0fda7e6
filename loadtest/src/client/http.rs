//! Calls over HTTP, from a chosen loopback address: the server limits strangers per address, and a
//! machine has sixteen million of them to be at home on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::frame::Refusal;
use crate::trouble::{Outcome, Trouble};

/// How often a call that the server wants later, or whose outcome it does not know, is made again.
const TRIES: u32 = 30;
/// The wait when the server names none.
const PAUSE_MS: u64 = 100;
/// The server gives a call up after 10 s; a busy machine gets some more.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client at home on one address.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    base: String,
    http: reqwest::Client,
}

/// A call to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// Its name.
    pub(crate) method: &'a str,
    /// Its parameters.
    pub(crate) params: &'a Value,
    /// Whose call it is.
    pub(crate) token: Option<&'a str>,
    /// Makes it safe to repeat.
    pub(crate) key: Option<&'a str>,
}

impl Api {
    /// A client of `server` that speaks from `from`.
    ///
    /// # Errors
    /// The HTTP client can't be made.
    pub(crate) fn new(server: SocketAddr, from: Ipv4Addr) -> Outcome<Self> {
        let http = reqwest::Client::builder()
            .local_address(IpAddr::V4(from))
            .no_proxy()
            .tcp_nodelay(true)
            .timeout(PATIENCE)
            .pool_max_idle_per_host(4)
            .build()
            .map_err(Trouble::at("the HTTP client"))?;
        Ok(Self {
            base: format!("http://{server}/api/v1/"),
            http,
        })
    }

    /// Makes a call; again when the server says later.
    ///
    /// # Errors
    /// A refusal that does not pass by itself, or no connection.
    pub(crate) async fn call<R: DeserializeOwned>(&self, call: Call<'_>) -> Outcome<R> {
        let mut last = Refusal::default();
        for _ in 0..TRIES {
            match self.once(call).await? {
                Ok(answer) => return Ok(answer),
                Err(refusal) => {
                    let later = matches!(refusal.class.as_str(), "limited" | "unavailable")
                        || (refusal.class == "unknown" && call.key.is_some());
                    if !later {
                        return Err(Trouble::new(format!("{}: {refusal}", call.method)));
                    }
                    let wait_ms = refusal.retry_after_ms.unwrap_or(PAUSE_MS);
                    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                    last = refusal;
                }
            }
        }
        Err(Trouble::new(format!(
            "{}, {TRIES} times: {last}",
            call.method
        )))
    }

    async fn once<R: DeserializeOwned>(&self, call: Call<'_>) -> Outcome<Result<R, Refusal>> {
        let failed = |error: reqwest::Error| Trouble::new(format!("{}: {error}", call.method));
        let mut request = self
            .http
            .post(format!("{}{}", self.base, call.method))
            .json(call.params);
        if let Some(token) = call.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.map_err(failed)?;
        if response.status().is_success() {
            return response.json().await.map(Ok).map_err(failed);
        }
        response.json().await.map(Err).map_err(failed)
    }
}
