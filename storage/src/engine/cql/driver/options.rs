//! What an operator says about the cluster.

use std::fmt;
use std::path::PathBuf;

/// A name of the database with its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct CqlLogin {
    /// The name.
    pub name: String,
    /// What proves it; never shown.
    pub secret: String,
}

impl fmt::Debug for CqlLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CqlLogin")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Where the database of a cluster is and how it keeps its data.
#[derive(Debug, Clone)]
pub struct CqlOptions {
    /// Some of its nodes as `host:port`; the others are found.
    pub addresses: Vec<String>,
    /// The keyspace; it is created if it does not exist. Lower-case letters, digits and `_`, 1 to 48.
    pub keyspace: String,
    /// The one datacentre that writes, as the database names it.
    pub datacentre: String,
    /// Copies of every row in that datacentre, for a keyspace that is created.
    pub replicas: usize,
    /// Allows fewer than three copies: for tests and trials, a lost disk is lost data.
    pub few_replicas: bool,
    /// Nothing if the database asks for none.
    pub login: Option<CqlLogin>,
    /// Certificates (PEM) of who may sign the database's certificate; TLS is used if this is given.
    pub tls_ca: Option<PathBuf>,
}

/// Fewest copies with which one may be lost and everything goes on.
const REPLICAS_MIN: usize = 3;

/// Longest name of a keyspace that the databases take.
const KEYSPACE_MAX: usize = 48;

impl CqlOptions {
    /// Says in a sentence what cannot be meant.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.addresses.is_empty() {
            return Err(
                "no address of the database is given; give at least one host:port".to_owned(),
            );
        }
        for address in &self.addresses {
            let port = address
                .rsplit_once(':')
                .map(|(host, port)| (host, port.parse::<u16>()));
            if !matches!(port, Some((host, Ok(1..))) if !host.is_empty()) {
                return Err(format!(
                    "\"{address}\" is no address of a database; write host:port"
                ));
            }
        }
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let first = self.keyspace.starts_with(|c: char| c.is_ascii_lowercase());
        if !first || self.keyspace.len() > KEYSPACE_MAX || !self.keyspace.chars().all(named) {
            return Err(format!(
                "\"{}\" is no name for a keyspace: lower-case letters, digits and _, at most \
                 {KEYSPACE_MAX}, a letter first",
                self.keyspace
            ));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if self.datacentre.is_empty() || !self.datacentre.chars().all(plain) {
            return Err(format!(
                "\"{}\" is no name of a datacentre",
                self.datacentre
            ));
        }
        self.check_replicas(self.replicas)
    }

    pub(super) fn check_replicas(&self, replicas: usize) -> Result<(), String> {
        if replicas >= REPLICAS_MIN || (self.few_replicas && replicas >= 1) {
            return Ok(());
        }
        Err(format!(
            "the keyspace {} keeps {replicas} copies in {}, a cluster needs {REPLICAS_MIN}; fewer must be \
             allowed explicitly, for trials",
            self.keyspace, self.datacentre
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> CqlOptions {
        CqlOptions {
            addresses: vec!["127.0.0.1:9042".to_owned()],
            keyspace: "store".to_owned(),
            datacentre: "dc-1".to_owned(),
            replicas: 3,
            few_replicas: false,
            login: Some(CqlLogin {
                name: "name".to_owned(),
                secret: "hidden".to_owned(),
            }),
            tls_ca: None,
        }
    }

    fn refused(change: impl FnOnce(&mut CqlOptions), says: &str) {
        let mut options = options();
        change(&mut options);
        let why = options.check().unwrap_err();
        assert!(why.contains(says), "{why}");
    }

    #[test]
    fn what_cannot_be_meant_is_told_in_a_sentence() {
        options().check().unwrap();
        refused(|o| o.addresses.clear(), "no address");
        for wrong in [
            "host",
            ":9042",
            "host:",
            "host:0",
            "host:port",
            "host:99999",
        ] {
            refused(|o| o.addresses = vec![wrong.to_owned()], "write host:port");
        }
        for wrong in ["", "Store", "1store", "a-b", "a; DROP", &"a".repeat(49)] {
            refused(|o| o.keyspace = wrong.to_owned(), "no name for a keyspace");
        }
        for wrong in ["", "dc'1", "dc 1"] {
            refused(
                |o| o.datacentre = wrong.to_owned(),
                "no name of a datacentre",
            );
        }
        refused(|o| o.replicas = 2, "keeps 2 copies");
        refused(
            |o| (o.replicas, o.few_replicas) = (0, true),
            "keeps 0 copies",
        );
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert!(!format!("{:?}", options()).contains("hidden"));
    }
}
