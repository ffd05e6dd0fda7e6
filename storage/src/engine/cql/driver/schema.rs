//! Tables of a keyspace, made and changed by one server at a time.

use scylla::client::session::Session;
use scylla::errors::ExecutionError;
use scylla::value::{CqlValue, Row};

use super::options::CqlOptions;

/// The tables as this version wants them.
pub(super) const SCHEMA: i32 = 2;

/// A server that dies while it changes tables holds the lock for so long, in s.
const LOCK_S: u32 = 60;

/// What stands beside every other table: which server may change tables, and what the cluster is.
const FIRST: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS {ks}.lock (name text PRIMARY KEY, holder blob)",
    "CREATE TABLE IF NOT EXISTS {ks}.cluster (id int PRIMARY KEY, version int, incarnation bigint, \
     journals int, bucket_positions bigint, log_entries bigint, datacentre text)",
];

/// The changes that lead from one version of the tables to the next. Conditional statements touch only
/// `lock`, `cluster` and `journal`, plain ones only the rest.
const CHANGES: [&[&str]; SCHEMA as usize] = [
    &[
        "CREATE TABLE IF NOT EXISTS {ks}.journal (incarnation bigint, journal int, bucket bigint, \
     position bigint, next bigint static, epoch bigint static, bits blob static, \
     dropped boolean static, format int static, entry blob, \
     PRIMARY KEY ((incarnation, journal, bucket), position))",
        "CREATE TABLE IF NOT EXISTS {ks}.rows (home text, tbl int, part blob, stretch bigint, \
     key blob, value blob, PRIMARY KEY ((home, tbl, part, stretch), key))",
        "CREATE TABLE IF NOT EXISTS {ks}.marks (incarnation bigint, journal int, kind text, \
     position bigint, time_ms bigint, PRIMARY KEY ((incarnation, journal), kind))",
        "CREATE TABLE IF NOT EXISTS {ks}.owners (incarnation bigint, journal int, epoch bigint, \
     bits blob, beat bigint, free boolean, PRIMARY KEY ((incarnation, journal)))",
    ],
    &[
        "ALTER TABLE {ks}.owners ADD IF NOT EXISTS address text",
        "CREATE TABLE IF NOT EXISTS {ks}.servers (incarnation bigint, name text, boot bigint, \
         address text, beat bigint, PRIMARY KEY (incarnation, name))",
    ],
];

/// Which database it is; everything that differs between them hangs on this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Cassandra,
    Scylla,
}

impl Dialect {
    /// What a new keyspace says beside its replication. ScyllaDB keeps the ballots of conditional
    /// statements with a tablet when it moves; with vnodes they could be left behind.
    const fn keyspace_options(self) -> &'static str {
        match self {
            Self::Cassandra => "",
            Self::Scylla => " AND tablets = {'enabled': true}",
        }
    }
}

/// What the cluster's row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cluster {
    pub(super) schema: i32,
    pub(super) incarnation: i64,
    pub(super) journals: i32,
    pub(super) bucket_positions: i64,
    pub(super) log_entries: i64,
    pub(super) datacentre: String,
}

/// Changes and reads the tables of one keyspace.
pub(super) struct Tables<'a> {
    pub(super) session: &'a Session,
    pub(super) options: &'a CqlOptions,
    pub(super) dialect: Dialect,
}

impl Tables<'_> {
    pub(super) async fn create_keyspace(&self) -> Result<(), ExecutionError> {
        let CqlOptions {
            keyspace,
            datacentre,
            replicas,
            ..
        } = self.options;
        let more = self.dialect.keyspace_options();
        let text = format!(
            "CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {{'class': \
             'NetworkTopologyStrategy', '{datacentre}': {replicas}}}{more}"
        );
        self.session.query_unpaged(text, ()).await.map(|_| ())
    }

    async fn change(&self, texts: &[&str]) -> Result<(), ExecutionError> {
        for text in texts {
            let text = text.replace("{ks}", &self.options.keyspace);
            self.session.query_unpaged(text, ()).await?;
        }
        Ok(())
    }

    pub(super) async fn begin(&self) -> Result<(), ExecutionError> {
        self.change(&FIRST).await
    }

    /// Takes the lock for changing tables; false if another server has it.
    pub(super) async fn lock(&self, holder: &[u8]) -> Result<bool, ExecutionError> {
        let text = format!(
            "INSERT INTO {}.lock (name, holder) VALUES ('schema', ?) IF NOT EXISTS USING TTL {LOCK_S}",
            self.options.keyspace
        );
        self.conditional(&text, (holder.to_vec(),)).await
    }

    pub(super) async fn unlock(&self, holder: &[u8]) -> Result<bool, ExecutionError> {
        let text = format!(
            "DELETE FROM {}.lock WHERE name = 'schema' IF holder = ?",
            self.options.keyspace
        );
        self.conditional(&text, (holder.to_vec(),)).await
    }

    /// Leads the tables from `from` to the version of this server.
    pub(super) async fn migrate(&self, from: i32) -> Result<(), ExecutionError> {
        let done = usize::try_from(from).unwrap_or(0);
        for change in CHANGES.iter().skip(done) {
            self.change(change).await?;
        }
        Ok(())
    }

    pub(super) async fn cluster(&self) -> Result<Option<Cluster>, ExecutionError> {
        let text = format!(
            "SELECT version, incarnation, journals, bucket_positions, log_entries, datacentre \
             FROM {}.cluster WHERE id = 0",
            self.options.keyspace
        );
        let mut statement = scylla::statement::Statement::new(text);
        statement.set_consistency(scylla::statement::Consistency::LocalSerial);
        let result = self.session.query_unpaged(statement, ()).await?;
        type Found = (
            Option<i32>,
            Option<i64>,
            Option<i32>,
            Option<i64>,
            Option<i64>,
            Option<String>,
        );
        let found = result
            .into_rows_result()
            .ok()
            .and_then(|rows| rows.maybe_first_row::<Found>().ok().flatten());
        Ok(found.map(
            |(schema, incarnation, journals, bucket_positions, log_entries, datacentre)| Cluster {
                schema: schema.unwrap_or(0),
                incarnation: incarnation.unwrap_or(0),
                journals: journals.unwrap_or(0),
                bucket_positions: bucket_positions.unwrap_or(0),
                log_entries: log_entries.unwrap_or(0),
                datacentre: datacentre.unwrap_or_default(),
            },
        ))
    }

    /// Writes the cluster's row if there is none.
    pub(super) async fn found(&self, cluster: &Cluster) -> Result<bool, ExecutionError> {
        let text = format!(
            "INSERT INTO {}.cluster (id, version, incarnation, journals, bucket_positions, log_entries, \
             datacentre) VALUES (0, ?, ?, ?, ?, ?, ?) IF NOT EXISTS",
            self.options.keyspace
        );
        let values = (
            cluster.schema,
            cluster.incarnation,
            cluster.journals,
            cluster.bucket_positions,
            cluster.log_entries,
            cluster.datacentre.as_str(),
        );
        self.conditional(&text, values).await
    }

    /// Notes that the tables are those of this version.
    pub(super) async fn migrated(&self, from: i32) -> Result<bool, ExecutionError> {
        let text = format!(
            "UPDATE {}.cluster SET version = ? WHERE id = 0 IF version = ?",
            self.options.keyspace
        );
        self.conditional(&text, (SCHEMA, from)).await
    }

    async fn conditional(
        &self,
        text: &str,
        values: impl scylla::serialize::row::SerializeRow,
    ) -> Result<bool, ExecutionError> {
        let result = self.session.query_unpaged(text, values).await?;
        let row = result
            .into_rows_result()
            .ok()
            .and_then(|rows| rows.maybe_first_row::<Row>().ok().flatten());
        let first = row.and_then(|row| row.columns.into_iter().next().flatten());
        Ok(first == Some(CqlValue::Boolean(true)))
    }
}
