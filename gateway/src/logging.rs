//! The log: what is told, and how it is written.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, LevelFilter};

use crate::config::{LogFormat, Telling};

/// Parts that print whole frames and heads when they are asked for everything: messages, passwords and tokens
/// would be among them.
const NEVER_ALL: [&str; 4] = [
    "tungstenite=info",
    "tokio_tungstenite=info",
    "hyper=info",
    "hyper_util=info",
];

/// Begins to log, to the standard error.
pub fn begin(telling: &Telling) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(&telling.log))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match telling.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().with_span_list(false).init(),
    }
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
