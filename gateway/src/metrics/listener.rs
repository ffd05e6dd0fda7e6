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
use storage::Store;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::waiting::Waiting;
use crate::http;
use crate::server::Server;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Begins to answer at an address. It goes on until it is aborted: also while the server sends its connections
/// away, so that whoever watches sees that. Gives where it is answered, too.
///
/// # Errors
/// A sentence: the address can't be listened on.
pub async fn listen(
    address: SocketAddr,
    server: &Arc<Server>,
) -> Result<(SocketAddr, JoinHandle<()>), String> {
    let cannot = |error| format!("can't listen on {address} for metrics: {error}");
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    let waiting = Waiting::default();
    let told = Arc::new(Told {
        registry: server.metrics.registry(server, &waiting),
        waiting,
        store: server.node.store.clone(),
    });
    let health = http::health().with_state(Arc::clone(server));
    let metrics = Router::new().route("/metrics", get(print)).with_state(told);
    tracing::info!("metrics are at http://{bound}/metrics");
    let answering = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, metrics.merge(health)).await {
            tracing::error!(%error, "the listener for metrics broke");
        }
    });
    Ok((bound, answering))
}

/// What is printed.
struct Told {
    registry: Registry,
    waiting: Waiting,
    store: Store,
}

async fn print(State(told): State<Arc<Told>>) -> Response {
    told.waiting.look(&told.store).await;
    let mut out = String::new();
    match text::encode(&mut out, &told.registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], out).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
