//! Every statement that is sent while the store runs, and how it is sent. Rows are written by one statement
//! that can't leave its timestamp out: a single write without it would hide all later ones.

use scylla::client::execution_profile::{ExecutionProfile, ExecutionProfileHandle};
use scylla::client::session::Session;
use scylla::errors::PrepareError;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::policies::retry::{DefaultRetryPolicy, FallthroughRetryPolicy};
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, SerialConsistency};
use std::sync::Arc;
use std::time::Duration;

use crate::contract::Direction;
use crate::limits::CqlLimits;

/// All statements, prepared once.
pub(super) struct Statements {
    pub(super) bucket: PreparedStatement,
    pub(super) bucket_serial: PreparedStatement,
    pub(super) create: PreparedStatement,
    pub(super) raise: PreparedStatement,
    pub(super) append: Batch,
    pub(super) drop_entries: Batch,
    pub(super) entries: PreparedStatement,
    pub(super) write: PreparedStatement,
    plain: ExecutionProfileHandle,
    pub(super) get: PreparedStatement,
    forward: PreparedStatement,
    forward_to: PreparedStatement,
    backward: PreparedStatement,
    backward_to: PreparedStatement,
    pub(super) homes: PreparedStatement,
    pub(super) mark: PreparedStatement,
    pub(super) set_mark: PreparedStatement,
    pub(super) beat: PreparedStatement,
    pub(super) last_beat: PreparedStatement,
    pub(super) servers: PreparedStatement,
    pub(super) note_server: PreparedStatement,
    pub(super) forget_server: PreparedStatement,
}

/// How statements are sent: the plain ones and the conditional ones.
pub(super) struct Profiles {
    pub(super) plain: ExecutionProfileHandle,
    pub(super) conditional: ExecutionProfileHandle,
}

impl Profiles {
    /// Both stay inside one datacentre. A conditional statement is never sent again by the driver, and goes
    /// to replicas in a fixed order, so that its ballots don't compete.
    pub(super) fn new(datacentre: &str, limits: &CqlLimits) -> Self {
        let near = || DefaultPolicy::builder().prefer_datacenter(datacentre.to_owned());
        let base = || {
            ExecutionProfile::builder()
                .consistency(Consistency::LocalQuorum)
                .serial_consistency(Some(SerialConsistency::LocalSerial))
                .speculative_execution_policy(None)
        };
        let plain = base()
            .load_balancing_policy(near().build())
            .retry_policy(Arc::new(DefaultRetryPolicy::new()))
            .request_timeout(Some(Duration::from_millis(limits.plain_ms)));
        let conditional = base()
            .load_balancing_policy(near().enable_shuffling_replicas(false).build())
            .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
            .request_timeout(Some(Duration::from_millis(limits.conditional_ms)));
        Self {
            plain: plain.build().into_handle(),
            conditional: conditional.build().into_handle(),
        }
    }
}

/// Prepares statements of one keyspace.
struct Prepare<'a> {
    session: &'a Session,
    keyspace: &'a str,
    profiles: &'a Profiles,
}

const PLACE: &str = "incarnation = ? AND journal = ? AND bucket = ?";
const JOURNAL: &str = "incarnation = ? AND journal = ?";
const ROW: &str = "home = ? AND tbl = ? AND part = ? AND stretch = ?";

impl Prepare<'_> {
    async fn text(&self, text: &str) -> Result<PreparedStatement, PrepareError> {
        let text = text.replace("{ks}", self.keyspace);
        let text = text.replace("{place}", PLACE).replace("{row}", ROW);
        let text = text.replace("{journal}", JOURNAL);
        self.session.prepare(text).await
    }

    /// Plain: its effect is the same however often it runs.
    async fn plain(&self, text: &str) -> Result<PreparedStatement, PrepareError> {
        let mut statement = self.text(text).await?;
        statement.set_is_idempotent(true);
        statement.set_execution_profile_handle(Some(self.profiles.plain.clone()));
        Ok(statement)
    }

    async fn conditional(&self, text: &str) -> Result<PreparedStatement, PrepareError> {
        let mut statement = self.text(text).await?;
        statement.set_is_idempotent(false);
        statement.set_execution_profile_handle(Some(self.profiles.conditional.clone()));
        Ok(statement)
    }

    /// A read that is linearizable with the conditional statements.
    async fn serial(&self, text: &str) -> Result<PreparedStatement, PrepareError> {
        let mut statement = self.conditional(text).await?;
        statement.set_is_idempotent(true);
        statement.set_consistency(Consistency::LocalSerial);
        Ok(statement)
    }

    async fn conditional_batch(&self, texts: [&str; 2]) -> Result<Batch, PrepareError> {
        let mut batch = Batch::new(BatchType::Unlogged);
        for text in texts {
            batch.append_statement(self.conditional(text).await?);
        }
        batch.set_is_idempotent(false);
        batch.set_execution_profile_handle(Some(self.profiles.conditional.clone()));
        Ok(batch)
    }
}

const BUCKET: &str =
    "SELECT next, epoch, bits, dropped, format FROM {ks}.journal WHERE {place} LIMIT 1";
const CREATE: &str = "INSERT INTO {ks}.journal \
    (incarnation, journal, bucket, next, epoch, bits, format) VALUES (?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS";
const RAISE: &str =
    "UPDATE {ks}.journal SET epoch = ?, bits = ? WHERE {place} IF next = ? AND bits = ?";
const APPEND: [&str; 2] = [
    "UPDATE {ks}.journal SET next = ? WHERE {place} IF next = ? AND bits = ?",
    "INSERT INTO {ks}.journal (incarnation, journal, bucket, position, entry) VALUES (?, ?, ?, ?, ?)",
];
const DROP: [&str; 2] = [
    "UPDATE {ks}.journal SET dropped = true WHERE {place} IF next = ? AND bits = ?",
    "DELETE FROM {ks}.journal WHERE {place} AND position >= ?",
];
const ENTRIES: &str =
    "SELECT position, entry FROM {ks}.journal WHERE {place} AND position >= ? LIMIT ?";
const WRITE: &str =
    "UPDATE {ks}.rows USING TIMESTAMP ? AND TTL ? SET value = ? WHERE {row} AND key = ?";
const GET: &str = "SELECT key, value FROM {ks}.rows WHERE {row} AND key IN ?";
const FORWARD: &str = "SELECT key, value FROM {ks}.rows WHERE {row} AND key >= ? LIMIT ?";
const FORWARD_TO: &str =
    "SELECT key, value FROM {ks}.rows WHERE {row} AND key >= ? AND key < ? LIMIT ?";
const BACKWARD: &str =
    "SELECT key, value FROM {ks}.rows WHERE {row} AND key >= ? ORDER BY key DESC LIMIT ?";
const BACKWARD_TO: &str = "SELECT key, value FROM {ks}.rows WHERE {row} AND key >= ? AND key < ? ORDER BY key DESC LIMIT ?";
const HOMES: &str = "SELECT DISTINCT home, tbl, part, stretch FROM {ks}.rows";
const MARK: &str = "SELECT position, time_ms FROM {ks}.marks WHERE {journal} AND kind = ?";
const SET_MARK: &str = "UPDATE {ks}.marks USING TIMESTAMP ? SET position = ?, time_ms = ? \
    WHERE {journal} AND kind = ?";
const BEAT: &str =
    "UPDATE {ks}.owners SET epoch = ?, bits = ?, beat = ?, address = ?, free = ? WHERE {journal}";
const LAST_BEAT: &str = "SELECT epoch, bits, beat, address, free FROM {ks}.owners WHERE {journal}";
const SERVERS: &str = "SELECT name, boot, address, beat FROM {ks}.servers WHERE incarnation = ?";
/// A server that ends without a word is forgotten after an hour.
const NOTE_SERVER: &str = "UPDATE {ks}.servers USING TTL 3600 SET boot = ?, address = ?, beat = ? \
    WHERE incarnation = ? AND name = ?";
const FORGET_SERVER: &str = "DELETE FROM {ks}.servers WHERE incarnation = ? AND name = ?";

impl Statements {
    pub(super) async fn prepare(
        session: &Session,
        keyspace: &str,
        profiles: &Profiles,
    ) -> Result<Self, PrepareError> {
        let prepare = Prepare {
            session,
            keyspace,
            profiles,
        };
        Ok(Self {
            bucket: prepare.plain(BUCKET).await?,
            bucket_serial: prepare.serial(BUCKET).await?,
            create: prepare.conditional(CREATE).await?,
            raise: prepare.conditional(RAISE).await?,
            append: prepare.conditional_batch(APPEND).await?,
            drop_entries: prepare.conditional_batch(DROP).await?,
            entries: prepare.serial(ENTRIES).await?,
            write: prepare.plain(WRITE).await?,
            plain: profiles.plain.clone(),
            get: prepare.plain(GET).await?,
            forward: prepare.plain(FORWARD).await?,
            forward_to: prepare.plain(FORWARD_TO).await?,
            backward: prepare.plain(BACKWARD).await?,
            backward_to: prepare.plain(BACKWARD_TO).await?,
            homes: prepare.plain(HOMES).await?,
            mark: prepare.plain(MARK).await?,
            set_mark: prepare.plain(SET_MARK).await?,
            beat: prepare.plain(BEAT).await?,
            last_beat: prepare.plain(LAST_BEAT).await?,
            servers: prepare.plain(SERVERS).await?,
            note_server: prepare.plain(NOTE_SERVER).await?,
            forget_server: prepare.plain(FORGET_SERVER).await?,
        })
    }

    /// The statement of a scan.
    pub(super) const fn scan(&self, direction: Direction, bounded: bool) -> &PreparedStatement {
        match (direction, bounded) {
            (Direction::Forward, false) => &self.forward,
            (Direction::Forward, true) => &self.forward_to,
            (Direction::Backward, false) => &self.backward,
            (Direction::Backward, true) => &self.backward_to,
        }
    }

    /// So many rows of one partition at once.
    pub(super) fn write_all(&self, rows: usize) -> Batch {
        let mut batch = Batch::new(BatchType::Unlogged);
        for _ in 0..rows {
            batch.append_statement(self.write.clone());
        }
        batch.set_is_idempotent(true);
        batch.set_execution_profile_handle(Some(self.plain.clone()));
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }

    #[test]
    fn no_cql_stands_in_other_files() {
        let begins = [
            "SELECT ",
            "INSERT INTO ",
            "UPDATE {",
            "DELETE FROM ",
            "CREATE TABLE ",
        ];
        let allowed = ["statements.rs", "schema.rs", "connect.rs"];
        let mut found = Vec::new();
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut found,
        );
        for path in found {
            let text = std::fs::read_to_string(&path).expect("a source");
            let named = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            let has = begins.iter().any(|begin| text.contains(begin));
            assert!(!has || allowed.contains(&named), "{}", path.display());
        }
    }

    #[test]
    fn rows_and_marks_are_written_with_their_position_as_timestamp() {
        for text in [WRITE, SET_MARK] {
            assert!(text.contains("USING TIMESTAMP ?"), "{text}");
        }
    }
}
