//! What a cluster needs: its database, the other servers, NATS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chat_core::bus::{NatsLogin, NatsOptions};
use clap::Args;
use storage::{CqlLogin, CqlOptions, Limits};

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
    /// Other sizes and periods, for trials: `bucket_positions=64,mark_age_ms=0,mark_ms=0,drop_age_ms=2000`.
    #[arg(
        long = "cql-limits",
        env = "CHAOKE_CQL_LIMITS",
        value_delimiter = ',',
        value_name = "NAME=NUMBER",
        requires = "addresses",
        hide = true
    )]
    pub limits: Vec<String>,
}

impl Cql {
    /// The sizes and periods of the store.
    ///
    /// # Errors
    /// A name or number that can't be meant.
    pub fn limits(&self) -> Result<Limits, String> {
        let mut limits = Limits::default();
        for given in &self.limits {
            let (name, number) = given.split_once('=').unwrap_or((given, ""));
            let number: u32 = number
                .parse()
                .map_err(|_| format!("{given}: write it as NAME=NUMBER"))?;
            let cql = &mut limits.cql;
            match name {
                "bucket_positions" => cql.bucket_positions = u64::from(number.max(1)),
                "mark_age_ms" => cql.mark_age_ms = u64::from(number),
                "mark_ms" => cql.mark_ms = u64::from(number),
                "drop_age_ms" => cql.drop_age_ms = i64::from(number),
                _ => return Err(format!("there is no limit {name}")),
            }
        }
        Ok(limits)
    }

    /// As the store takes it.
    ///
    /// # Errors
    /// The file with the password can't be read.
    pub fn options(&self) -> Result<CqlOptions, String> {
        let login = login(&self.user, &self.password_file, "the database")?;
        Ok(CqlOptions {
            addresses: self.addresses.clone(),
            keyspace: self.keyspace.clone(),
            datacentre: self.datacentre.clone(),
            replicas: self.replicas,
            few_replicas: self.few_replicas,
            login: login.map(|(name, secret)| CqlLogin { name, secret }),
            tls_ca: self.ca.clone(),
        })
    }
}

/// Several servers that are one: they share a database, and speak with each other.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Several servers that are one")]
pub struct Together {
    /// Where the other servers reach this one. Keep it in a network of its own: it is not encrypted.
    #[arg(
        long = "cluster-listen",
        env = "CHAOKE_CLUSTER_LISTEN",
        requires_all = ["addresses", "cluster_key_file"],
        value_name = "ADDR"
    )]
    pub cluster_listen: Option<SocketAddr>,
    /// The same as the others must write it, if that is another address.
    #[arg(
        long = "cluster-address",
        env = "CHAOKE_CLUSTER_ADDRESS",
        requires = "cluster_listen",
        value_name = "HOST:PORT"
    )]
    pub cluster_address: Option<String>,
    /// A file with the key that all servers of the cluster share: one line, 16 characters at least.
    #[arg(
        long = "cluster-key-file",
        env = "CHAOKE_CLUSTER_KEY_FILE",
        requires = "cluster_listen",
        value_name = "FILE"
    )]
    pub cluster_key_file: Option<PathBuf>,
    /// The name of this server in the cluster: a-z, 0-9 and -, at most 32.
    #[arg(
        long = "node",
        env = "CHAOKE_NODE",
        requires = "cluster_listen",
        default_value = "node-1",
        value_name = "NAME"
    )]
    pub node: String,
    /// NATS servers that carry pushes between the servers. Without them pushes come a tenth of a second later.
    #[arg(
        long = "nats",
        env = "CHAOKE_NATS",
        requires = "cluster_listen",
        value_delimiter = ',',
        value_name = "HOST:PORT"
    )]
    pub nats: Vec<String>,
    /// The name of the cluster in NATS; clusters of different names share NATS servers.
    #[arg(
        long = "nats-prefix",
        env = "CHAOKE_NATS_PREFIX",
        requires = "nats",
        default_value = "chaoke",
        value_name = "NAME"
    )]
    pub nats_prefix: String,
    /// Who signs in to NATS, if it asks for that.
    #[arg(
        long = "nats-user",
        env = "CHAOKE_NATS_USER",
        requires_all = ["nats", "nats_password_file"],
        value_name = "NAME"
    )]
    pub nats_user: Option<String>,
    /// A file with the password of that user.
    #[arg(
        long = "nats-password-file",
        env = "CHAOKE_NATS_PASSWORD_FILE",
        requires_all = ["nats", "nats_user"],
        value_name = "FILE"
    )]
    pub nats_password_file: Option<PathBuf>,
    /// A file with the certificates (PEM) that may vouch for NATS; TLS is used if it is given.
    #[arg(
        long = "nats-ca",
        env = "CHAOKE_NATS_CA",
        requires = "nats",
        value_name = "FILE"
    )]
    pub nats_ca: Option<PathBuf>,
    /// A stream of NATS JetStream that is told what happens in conversations, for programs outside.
    #[arg(
        long = "export-stream",
        env = "CHAOKE_EXPORT_STREAM",
        requires = "nats",
        value_name = "NAME"
    )]
    pub export_stream: Option<String>,
}

impl Together {
    /// Where NATS is, if it is used.
    ///
    /// # Errors
    /// The file with the password can't be read.
    pub fn nats(&self) -> Result<Option<NatsOptions>, String> {
        if self.nats.is_empty() {
            return Ok(None);
        }
        let login = login(&self.nats_user, &self.nats_password_file, "NATS")?;
        Ok(Some(NatsOptions {
            addresses: self.nats.clone(),
            prefix: self.nats_prefix.clone(),
            login: login.map(|(name, secret)| NatsLogin::Password { name, secret }),
            tls_ca: self.nats_ca.clone(),
        }))
    }

    /// Where the others reach this server, which listens at `listening`.
    ///
    /// # Errors
    /// It listens at all addresses and none of them was named.
    pub fn address(&self, listening: SocketAddr) -> Result<String, String> {
        match &self.cluster_address {
            Some(address) => Ok(address.clone()),
            None if listening.ip().is_unspecified() => Err(format!(
                "the other servers can't reach this one at {listening}: say with --cluster-address where they can"
            )),
            None => Ok(listening.to_string()),
        }
    }
}

/// The name and the password for something that may ask for both; the flags come together or not at all.
fn login(
    name: &Option<String>,
    file: &Option<PathBuf>,
    of: &str,
) -> Result<Option<(String, String)>, String> {
    match (name, file) {
        (Some(name), Some(file)) => Ok(Some((name.clone(), password(file, of)?))),
        _ => Ok(None),
    }
}

/// The first line of a file.
fn password(file: &Path, of: &str) -> Result<String, String> {
    let read = std::fs::read_to_string(file).map_err(|error| {
        format!(
            "the password of {of} can't be read from {}: {error}",
            file.display()
        )
    })?;
    match read.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!(
            "the file {} holds no password of {of}",
            file.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::config::Cli;

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
