//! The log: what is told, and how it is written.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{Directive, LevelFilter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::config::{LogFormat, Telling};
use crate::trace::Traces;

/// Parts that print whole frames and heads when they are asked for everything: messages, passwords and tokens
/// would be among them.
const NEVER_ALL: [&str; 4] = [
    "tungstenite=info",
    "tokio_tungstenite=info",
    "hyper=info",
    "hyper_util=info",
];

/// Begins to log, to the standard error, and to trace.
pub fn begin(telling: &Telling, traces: Option<&Traces>) {
    let lines = fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines = match telling.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().with_span_list(false).boxed(),
    };
    tracing_subscriber::registry()
        .with(traces.map(Traces::layer))
        .with(lines.with_filter(filter(&telling.log)))
        .init();
}

fn filter(levels: &str) -> EnvFilter {
    let asked = EnvFilter::new(levels);
    // Nobody hears more of a part than was asked for.
    if asked
        .max_level_hint()
        .is_some_and(|most| most <= LevelFilter::INFO)
    {
        return asked;
    }
    let quiet = NEVER_ALL
        .iter()
        .filter_map(|part| part.parse::<Directive>().ok());
    quiet.fold(asked, EnvFilter::add_directive)
}
