//! What a server measures, as Prometheus reads it. No label names a person, an address or a conversation: a label
//! is a method of the table, the kind of an answer, or a server of the cluster.

mod listener;
mod live;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use chat_core::api::{Answer, ApiError};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use storage::Store;

use crate::server::Server;

pub use listener::listen;

/// What is counted where calls are answered.
#[derive(Clone, Debug)]
pub struct Metrics {
    calls: Family<Called, Counter>,
    call_seconds: Histogram,
    messages: Counter,
    limited: Counter,
}

/// The labels of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    /// As the table names it; whatever else was asked for is `unknown`.
    method: String,
    /// `ok`, or the class of the error.
    outcome: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            calls: Family::default(),
            // From half a millisecond to 16 s, longer than any call is waited for.
            call_seconds: Histogram::new(exponential_buckets(0.000_5, 2.0, 16)),
            messages: Counter::default(),
            limited: Counter::default(),
        }
    }
}

impl Metrics {
    /// Counts a call that was answered.
    pub(crate) fn called<T>(&self, method: &str, outcome: &Answer<T>, took: Duration) {
        let label = match outcome {
            Ok(_) => "ok".to_owned(),
            Err(error) => class(error),
        };
        if label == "limited" {
            self.limited.inc();
        }
        if outcome.is_ok() && matches!(method, "message.send" | "bot.post") {
            self.messages.inc();
        }
        let labels = Called {
            method: method.to_owned(),
            outcome: label,
        };
        self.calls.get_or_create(&labels).inc();
        self.call_seconds.observe(took.as_secs_f64());
    }

    /// All there is to read.
    fn registry(&self, server: &Arc<Server>, waiting: &waiting::Waiting) -> Registry {
        let mut all = Registry::with_prefix("chaoke");
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let build = Family::<[(&'static str, &'static str); 1], Gauge>::default();
        build.get_or_create(&version).set(1);
        all.register("build_info", "The version that runs", build);
        all.register("calls", "Calls by method and outcome", self.calls.clone());
        all.register(
            "call_seconds",
            "From a call to its answer",
            self.call_seconds.clone(),
        );
        all.register(
            "messages_sent",
            "Messages that were taken; one that was sent again counts again",
            self.messages.clone(),
        );
        all.register(
            "limited_calls",
            "Calls that were refused because there were too many",
            self.limited.clone(),
        );
        of_store(&mut all, &server.node.store);
        waiting.register(&mut all);
        all.register_collector(Box::new(live::Live(Arc::downgrade(server))));
        all
    }
}

fn of_store(all: &mut Registry, store: &Store) {
    let figures = store.figures();
    all.register(
        "commit_seconds",
        "From sending a commit to its answer, wherever the journal is",
        figures.commit_seconds.clone(),
    );
    all.register(
        "durable_seconds",
        "How long a round of commits took to be durable, where this server owns the journal",
        figures.durable_seconds.clone(),
    );
    all.register(
        "round_seconds",
        "How long a round of commits took to be durable and visible, where this server owns the journal",
        figures.round_seconds.clone(),
    );
    all.register(
        "round_commits",
        "How many commits were written as one round, where this server owns the journal",
        figures.round_commits.clone(),
    );
}

/// The class as the contract names it.
fn class(error: &ApiError) -> String {
    let class = serde_json::to_value(error.class).unwrap_or_default();
    class.as_str().unwrap_or_default().to_owned()
}
