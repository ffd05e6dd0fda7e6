//! The listener for those who run the server: measurements and health, apart from where people come in, so that
//! it can stay inside the house.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::http;
use crate::server::Server;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Begins to answer at an address. It goes on until it is aborted: also while the server sends its connections
/// away, so that whoever watches sees that.
///
/// # Errors
/// A sentence: the address can't be listened on.
pub async fn listen(address: SocketAddr, server: &Arc<Server>) -> Result<JoinHandle<()>, String> {
    let cannot = |error| format!("can't listen on {address} for metrics: {error}");
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    let registry = Arc::new(server.metrics.registry(server));
    let health = http::health().with_state(Arc::clone(server));
    let metrics = Router::new()
        .route("/metrics", get(print))
        .with_state(registry);
    tracing::info!("metrics are at http://{bound}/metrics");
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, metrics.merge(health)).await {
            tracing::error!(%error, "the listener for metrics broke");
        }
    }))
}

async fn print(State(registry): State<Arc<Registry>>) -> Response {
    let mut out = String::new();
    match text::encode(&mut out, &registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], out).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
