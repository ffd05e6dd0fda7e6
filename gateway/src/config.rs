//! What the command line and the environment say.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use storage::{CqlLogin, CqlOptions};

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
    /// Where everything is kept instead of the data folder.
    #[command(flatten)]
    pub cql: Cql,
}

/// The database of a cluster: Apache Cassandra or ScyllaDB.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "A database instead of the data folder")]
pub struct Cql {
    /// Some of its nodes; the others are found. With this the data folder keeps nothing but the set-up link.
    #[arg(
        long = "cql",
        env = "CHAOKE_CQL",
        value_delimiter = ',',
        value_name = "HOST:PORT"
    )]
    pub addresses: Vec<String>,
    /// The keyspace; it is created if it is not there.
    #[arg(
        long = "cql-keyspace",
        env = "CHAOKE_CQL_KEYSPACE",
        default_value = "chaoke",
        requires = "addresses",
        value_name = "NAME"
    )]
    pub keyspace: String,
    /// The one datacentre that writes, as the database names it.
    #[arg(
        long = "cql-datacentre",
        env = "CHAOKE_CQL_DATACENTRE",
        default_value = "datacenter1",
        requires = "addresses",
        value_name = "NAME"
    )]
    pub datacentre: String,
    /// Copies of everything in that datacentre, for a keyspace that is created.
    #[arg(
        long = "cql-replicas",
        env = "CHAOKE_CQL_REPLICAS",
        default_value_t = 3,
        requires = "addresses",
        value_name = "N"
    )]
    pub replicas: usize,
    /// Allows fewer than three copies, for trials: a lost disk is lost data.
    #[arg(
        long = "cql-few-replicas",
        env = "CHAOKE_CQL_FEW_REPLICAS",
        requires = "addresses"
    )]
    pub few_replicas: bool,
    /// Who signs in to the database, if it asks for that.
    #[arg(
        long = "cql-user",
        env = "CHAOKE_CQL_USER",
        value_name = "NAME",
        requires_all = ["addresses", "password_file"]
    )]
    pub user: Option<String>,
    /// A file with the password of that user.
    #[arg(
        long = "cql-password-file",
        env = "CHAOKE_CQL_PASSWORD_FILE",
        value_name = "FILE",
        requires_all = ["addresses", "user"]
    )]
    pub password_file: Option<PathBuf>,
    /// A file with the certificates (PEM) that may vouch for the database; TLS is used if it is given.
    #[arg(
        long = "cql-ca",
        env = "CHAOKE_CQL_CA",
        value_name = "FILE",
        requires = "addresses"
    )]
    pub ca: Option<PathBuf>,
}

impl Cql {
    /// As the store takes it.
    ///
    /// # Errors
    /// The file with the password can't be read.
    pub fn options(&self) -> Result<CqlOptions, String> {
        let login = match (&self.user, &self.password_file) {
            (Some(name), Some(file)) => Some(CqlLogin {
                name: name.clone(),
                secret: password(file)?,
            }),
            _ => None,
        };
        Ok(CqlOptions {
            addresses: self.addresses.clone(),
            keyspace: self.keyspace.clone(),
            datacentre: self.datacentre.clone(),
            replicas: self.replicas,
            few_replicas: self.few_replicas,
            login,
            tls_ca: self.ca.clone(),
        })
    }
}

/// The first line of a file.
fn password(file: &Path) -> Result<String, String> {
    let read = std::fs::read_to_string(file).map_err(|error| {
        format!(
            "the password of the database can't be read from {}: {error}",
            file.display()
        )
    })?;
    match read.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!(
            "the file {} holds no password of the database",
            file.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(flags: &[&str]) -> String {
        let given = ["chaoke", "serve"].iter().chain(flags);
        Cli::try_parse_from(given)
            .expect_err("it is refused")
            .to_string()
    }

    #[test]
    fn flags_of_a_database_need_its_address() {
        for flags in [
            &["--cql-keyspace", "chaoke"][..],
            &["--cql-datacentre", "dc1"],
            &["--cql-replicas", "3"],
            &["--cql-few-replicas"],
            &["--cql-user", "u", "--cql-password-file", "f"],
            &["--cql-ca", "f"],
        ] {
            let said = refused(flags);
            assert!(said.contains("--cql <HOST:PORT>"), "{flags:?}: {said}");
        }
    }

    #[test]
    fn who_signs_in_to_a_database_needs_a_password_and_a_password_somebody() {
        let address = ["--cql", "h:1"];
        let said = refused(&[&address[..], &["--cql-user", "u"]].concat());
        assert!(said.contains("--cql-password-file"), "{said}");
        let said = refused(&[&address[..], &["--cql-password-file", "f"]].concat());
        assert!(said.contains("--cql-user"), "{said}");
    }

    #[test]
    fn without_flags_it_serves_from_the_data_folder() {
        let cli = Cli::try_parse_from(["chaoke"]).expect("it is right");
        assert!(cli.serve.cql.addresses.is_empty());
        assert_eq!(cli.serve.cql.replicas, 3);
    }
}
