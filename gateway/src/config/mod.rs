//! What the command line, the environment and the configuration file say. The definitions of the flags here
//! are the one list of settings: the names in the environment, the keys of the file, `docs/config.md` and
//! `docs/chaoke.example.toml` are derived from them (`setting.rs`, `generate/settings.rs`).

mod check;
mod cluster;
mod file;
mod layers;
mod setting;

use std::net::SocketAddr;
use std::path::PathBuf;

use chat_core::clock::Clock;
use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;

pub use check::print as print_settings;
pub use cluster::{Cql, Together};
pub use layers::{Configured, Effective, Refused, Source, read, unread};
pub use setting::{Kind, Setting, table};

use crate::command::{self, Data};
use crate::proxies;
use crate::public_url::PublicUrl;
use crate::tls::{Files, Tls};
use crate::trace;

/// What is logged unless something else is asked for: the parts that say much and mean little are quiet. What
/// NATS does to a server is said by the server.
const LOG: &str = "info,fjall=warn,lsm_tree=warn,async_nats=off";

/// Chaoke (超客): messages, groups and calls for a company and its customers, in one binary.
#[derive(Debug, Parser)]
#[command(name = "chaoke", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; `serve` when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: Serve,
    /// A file of settings (TOML): each is named as its flag. Flags and the environment come before it.
    #[arg(
        long,
        env = "CHAOKE_CONFIG",
        global = true,
        value_name = "FILE",
        help_heading = "Configuration"
    )]
    pub config: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve (the default).
    Serve(Serve),
    /// Tell how the server is; with --cql, which servers a cluster has and which of them writes.
    Status(command::status::Status),
    /// Write everything of this moment to one file; the server goes on serving.
    Backup(command::backup::Backup),
    /// Make a new data folder of a backup.
    Restore(command::restore::Restore),
    /// Look for what is wrong with the machine, the data folder and what the server needs.
    Doctor(command::doctor::Doctor),
    /// Fill a new data folder with a company to look at.
    Demo(command::demo::Demo),
    /// What whoever runs the server may do without an account.
    Admin(command::reset::Admin),
    /// Ask the server of this machine, found by the same settings, whether it is ready; for containers.
    Healthcheck(Serve),
    /// Look at the configuration.
    Config {
        /// What to look at.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the version.
    Version,
}

/// What to look at.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print what `serve` with the same flags would run with, and where each value comes from.
    Check(Serve),
}

/// How to serve.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Which data folder.
    #[command(flatten)]
    pub data: Data,
    /// The folder of the files that people send: `files` in the data folder if absent. Several servers need one that
    /// all of them see.
    #[arg(long, env = "CHAOKE_FILES", value_name = "FOLDER")]
    pub files: Option<PathBuf>,
    /// Where to listen. 0.0.0.0 opens the server to the network.
    #[arg(
        long,
        env = "CHAOKE_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDR"
    )]
    pub listen: SocketAddr,
    /// Another origin (`https://chat.example.com`) that may call the server beside its own address.
    #[arg(
        long = "origin",
        env = "CHAOKE_ORIGIN",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub origins: Vec<String>,
    /// How people reach it.
    #[command(flatten)]
    pub entrance: Entrance,
    /// What it tells.
    #[command(flatten)]
    pub telling: Telling,
    /// Where everything is kept instead of the data folder.
    #[command(flatten)]
    pub cql: Cql,
    /// What makes it one of several servers.
    #[command(flatten)]
    pub cluster: Together,
}

impl Serve {
    /// Where the bytes of files are. Of several servers each would otherwise have only what came in by itself.
    #[must_use]
    pub fn files(&self) -> Option<PathBuf> {
        let alone = self.cluster.cluster_listen.is_none();
        let own = || command::folder::files(&self.data.folder);
        self.files.clone().or_else(|| alone.then(own))
    }

    /// Looks at what needs no start to be found wrong.
    ///
    /// # Errors
    /// A sentence: what can't be meant.
    pub async fn check(&self, clock: &Clock) -> Result<(), String> {
        self.cql.limits()?;
        self.cql.options()?;
        self.cluster.nats()?;
        trace::header(&self.telling)?;
        if let Some(files) = self.entrance.tls() {
            Tls::read(files, clock).await?;
        }
        Ok(())
    }
}

/// How people reach the server.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How people reach it")]
pub struct Entrance {
    /// The address that people type. The set-up link shows it, and its pages may call the server.
    #[arg(long = "public-url", env = "CHAOKE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,
    /// Proxies whose `X-Forwarded-For` is believed: addresses or networks. Of all others it is ignored.
    #[arg(
        long = "trusted-proxies",
        env = "CHAOKE_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_parser = proxies::network,
        value_name = "ADDRESS"
    )]
    pub trusted_proxies: Vec<IpNet>,
    /// A file with the certificate and those that vouch for it (PEM); then the server speaks HTTPS. It is read again when it changes.
    #[arg(
        long = "tls-cert",
        env = "CHAOKE_TLS_CERT",
        requires = "tls_key",
        value_name = "FILE"
    )]
    pub tls_cert: Option<PathBuf>,
    /// A file with the key of that certificate (PEM).
    #[arg(
        long = "tls-key",
        env = "CHAOKE_TLS_KEY",
        requires = "tls_cert",
        value_name = "FILE"
    )]
    pub tls_key: Option<PathBuf>,
}

impl Entrance {
    /// The files for HTTPS, if it is wanted.
    #[must_use]
    pub fn tls(&self) -> Option<Files> {
        Some(Files {
            certificate: self.tls_cert.clone()?,
            key: self.tls_key.clone()?,
        })
    }
}

/// What the server tells those who run it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What it tells")]
pub struct Telling {
    /// What is logged: a level, or levels by part (`info,storage=debug`). Never a password, a token or a message.
    #[arg(
        long = "log",
        env = "CHAOKE_LOG",
        default_value = LOG,
        value_parser = filter,
        value_name = "LEVELS"
    )]
    pub log: String,
    /// How it is logged: lines for people, or one JSON object a line.
    #[arg(
        long = "log-format",
        env = "CHAOKE_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub format: LogFormat,
    /// Where `/metrics` (Prometheus), `/healthz` and `/readyz` are answered apart from people. Without it nothing is measured for others.
    #[arg(
        long = "metrics-listen",
        env = "CHAOKE_METRICS_LISTEN",
        value_name = "ADDR"
    )]
    pub metrics: Option<SocketAddr>,
    /// A collector that takes traces by OTLP over HTTP, as `http://127.0.0.1:4318`: how long calls take, and what they wait for.
    #[arg(
        long = "otlp",
        env = "CHAOKE_OTLP",
        value_parser = trace::collector,
        value_name = "URL"
    )]
    pub otlp: Option<String>,
    /// How many of a hundred calls are traced. Of a call that comes with a `traceparent`, whoever sent it decides.
    #[arg(
        long = "otlp-percent",
        env = "CHAOKE_OTLP_PERCENT",
        default_value_t = 100,
        requires = "otlp",
        value_parser = clap::value_parser!(u32).range(0..=100),
        value_name = "N"
    )]
    pub otlp_percent: u32,
    /// A file with a header that the collector wants, `Name: value`; it may hold a secret.
    #[arg(
        long = "otlp-header-file",
        env = "CHAOKE_OTLP_HEADER_FILE",
        requires = "otlp",
        value_name = "FILE"
    )]
    pub otlp_header: Option<PathBuf>,
}

/// How it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One object a line.
    Json,
}

fn filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error}; write a level, or levels by part")),
    }
}
