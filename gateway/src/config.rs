//! What the command line and the environment say.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve (the default).
    Serve(Serve),
    /// Print the version.
    Version,
}

/// How to serve.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// The folder that holds everything the server keeps.
    #[arg(
        long,
        env = "CHAOKE_DATA",
        default_value = "./data",
        value_name = "DIR"
    )]
    pub data: PathBuf,
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
}
