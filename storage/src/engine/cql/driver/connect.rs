//! A start: reach the database, see that it is the right one, bring the tables up to date. Whatever is wrong
//! is one sentence; what can be seen before the tables are touched is refused before.

use scylla::client::execution_profile::ExecutionProfileHandle;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::cluster::metadata::Strategy;
use scylla::errors::ExecutionError;
use std::sync::Arc;
use std::time::Duration;

use super::options::CqlOptions;
use super::schema::{Cluster, Dialect, SCHEMA, Tables};
use super::statements::{Profiles, Statements};
use super::{Connected, Driver, tls};
use crate::contract::OpenError;
use crate::engine::cql::owner::Draw;
use crate::engine::cql::stretch::Stretches;
use crate::limits::Limits;
use crate::store::Clock;

/// How often the lock for changing tables is looked at.
const LOCK_LOOKS: u32 = 120;

/// Pause between two looks.
const LOCK_PAUSE_MS: u64 = 500;

fn unfit(why: impl Into<String>) -> OpenError {
    OpenError::Unfit(why.into())
}

fn unreachable(error: &ExecutionError) -> OpenError {
    OpenError::Unreachable(error.to_string())
}

/// Connects, checks, brings the tables up to date; gives the driver and the incarnation.
pub(crate) async fn connect(
    options: &CqlOptions,
    limits: &Limits,
    clock: &Clock,
    draw: &Draw,
) -> Result<Connected, OpenError> {
    options.check().map_err(unfit)?;
    let profiles = Profiles::new(&options.datacentre, &limits.cql);
    let session = session(options, limits, profiles.plain.clone()).await?;
    check_datacentre(&session, options)?;
    check_clock(&session, limits, clock).await?;
    let dialect = dialect(&session).await?;
    let tables = Tables {
        session: &session,
        options,
        dialect,
    };
    check_keyspace(&tables).await?;
    warn_of_commit_log(&session, dialect).await;
    let cluster = up_to_date(&tables, limits, draw).await?;
    check_cluster(&cluster, options, limits)?;
    // Statements go to replicas, and which those are in a new keyspace is not known yet.
    let refreshed = session.refresh_metadata().await;
    refreshed.map_err(|error| OpenError::Unreachable(error.to_string()))?;
    let statements = Statements::prepare(&session, &options.keyspace, &profiles).await;
    let statements = statements.map_err(|error| OpenError::Unreachable(error.to_string()))?;
    let driver = Driver {
        session,
        statements,
        incarnation: cluster.incarnation,
        stretches: Stretches::new(&limits.cql),
    };
    probe(&driver, &options.keyspace).await?;
    Ok((Arc::new(driver), cluster.incarnation.cast_unsigned()))
}

async fn session(
    options: &CqlOptions,
    limits: &Limits,
    plain: ExecutionProfileHandle,
) -> Result<Session, OpenError> {
    let mut builder = SessionBuilder::new()
        .known_nodes(&options.addresses)
        .prefer_datacenter(options.datacentre.clone())
        .disallow_shard_aware_port(true)
        .keyspaces_to_fetch([&options.keyspace])
        .refresh_metadata_on_auto_schema_agreement(false)
        .connection_timeout(Duration::from_millis(limits.cql.connect_ms))
        .default_execution_profile_handle(plain);
    if let Some(login) = &options.login {
        builder = builder.user(&login.name, &login.secret);
    }
    if let Some(ca) = &options.tls_ca {
        builder = builder.tls_context(Some(tls::trusting(ca).map_err(unfit)?));
    }
    let addresses = options.addresses.join(", ");
    let wait = Duration::from_millis(limits.cql.connect_ms * 2);
    match tokio::time::timeout(wait, builder.build()).await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => {
            let why = chain(&error);
            if is_about_login(&why) {
                return Err(unfit(format!(
                    "the database at {addresses} refuses the name or its secret"
                )));
            }
            Err(OpenError::Unreachable(format!("{addresses}: {why}")))
        }
        Err(_) => Err(OpenError::Unreachable(format!(
            "{addresses}: no answer within {} s",
            wait.as_secs()
        ))),
    }
}

/// An error with its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

/// The driver wraps what the database says too deep to match it.
fn is_about_login(why: &str) -> bool {
    let why = why.to_lowercase();
    ["credentials", "authentication", "username"]
        .iter()
        .any(|word| why.contains(word))
}

fn check_datacentre(session: &Session, options: &CqlOptions) -> Result<(), OpenError> {
    let state = session.get_cluster_state();
    let nodes = state.get_nodes_info();
    let mut known: Vec<&str> = nodes
        .iter()
        .filter_map(|node| node.datacenter.as_deref())
        .collect();
    known.sort_unstable();
    known.dedup();
    if known.contains(&options.datacentre.as_str()) {
        return Ok(());
    }
    Err(unfit(format!(
        "the database has no datacentre \"{}\"; it has: {}",
        options.datacentre,
        known.join(", ")
    )))
}

/// How far a time is outside of the stretch in which it was asked for: a slow answer is no wrong clock.
fn apart_ms(before_ms: i64, there_ms: i64, after_ms: i64) -> i64 {
    (before_ms - there_ms).max(there_ms - after_ms).max(0)
}

async fn check_clock(session: &Session, limits: &Limits, clock: &Clock) -> Result<(), OpenError> {
    let text = "SELECT toUnixTimestamp(now()) FROM system.local";
    let before_ms = clock();
    let result = session.query_unpaged(text, ()).await;
    let after_ms = clock();
    let rows = result
        .map_err(|error| unreachable(&error))?
        .into_rows_result();
    let there = rows.ok().and_then(|rows| rows.first_row::<(i64,)>().ok());
    let Some((there,)) = there else {
        return Err(OpenError::Unreachable(
            "the database does not tell its time".to_owned(),
        ));
    };
    let apart_ms = apart_ms(before_ms, there, after_ms);
    if apart_ms <= limits.cql.clock_ms {
        return Ok(());
    }
    Err(unfit(format!(
        "the clock of this machine is {} s away from the database's; at most {} s are allowed: set the \
         clocks",
        apart_ms / 1_000,
        limits.cql.clock_ms / 1_000
    )))
}

async fn dialect(session: &Session) -> Result<Dialect, OpenError> {
    let text = "SELECT table_name FROM system_schema.tables \
                WHERE keyspace_name = 'system' AND table_name = 'scylla_local'";
    let result = session.query_unpaged(text, ()).await;
    let rows = result
        .map_err(|error| unreachable(&error))?
        .into_rows_result();
    let scylla = rows.is_ok_and(|rows| rows.rows_num() > 0);
    Ok(if scylla {
        Dialect::Scylla
    } else {
        Dialect::Cassandra
    })
}

/// Creates the keyspace, or looks at the one that is there.
async fn check_keyspace(tables: &Tables<'_>) -> Result<(), OpenError> {
    let options = tables.options;
    let state = tables.session.get_cluster_state();
    let Some(keyspace) = state.get_keyspace(&options.keyspace) else {
        return tables
            .create_keyspace()
            .await
            .map_err(|error| unreachable(&error));
    };
    let replicas = match &keyspace.strategy {
        Strategy::NetworkTopologyStrategy {
            datacenter_repfactors,
        } => datacenter_repfactors
            .get(&options.datacentre)
            .copied()
            .unwrap_or(0),
        Strategy::SimpleStrategy { replication_factor } => *replication_factor,
        _ => 0,
    };
    options.check_replicas(replicas).map_err(unfit)
}

/// With a periodic commit log a row may be acknowledged before it is on disk. The mark of applied rounds is
/// late enough for that, the entry of the journal is not if all copies lose power at once.
async fn warn_of_commit_log(session: &Session, dialect: Dialect) {
    if dialect == Dialect::Scylla {
        return;
    }
    let text = "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'";
    let rows = session.query_unpaged(text, ()).await.ok();
    let rows = rows.and_then(|result| result.into_rows_result().ok());
    let mode = rows.and_then(|rows| rows.first_row::<(Option<String>,)>().ok()?.0);
    match mode.as_deref() {
        Some("group" | "batch") => {}
        Some(mode) => tracing::warn!(
            mode,
            "the database syncs its commit log only now and then; set commitlog_sync to group or batch"
        ),
        None => tracing::warn!("whether the database syncs its commit log is not known"),
    }
}

/// The cluster's row, after the tables are those of this version.
async fn up_to_date(
    tables: &Tables<'_>,
    limits: &Limits,
    draw: &Draw,
) -> Result<Cluster, OpenError> {
    let failed = |error: ExecutionError| unreachable(&error);
    let holder: Vec<u8> = [draw().to_be_bytes(), draw().to_be_bytes()].concat();
    tables.begin().await.map_err(failed)?;
    for _ in 0..LOCK_LOOKS {
        let known = tables.cluster().await.map_err(failed)?;
        match known {
            Some(cluster) if cluster.schema == SCHEMA => return Ok(cluster),
            Some(cluster) if cluster.schema > SCHEMA => {
                return Err(unfit(format!(
                    "the tables in {} are those of a newer version ({}, this one knows {SCHEMA}): install \
                     that version",
                    tables.options.keyspace, cluster.schema
                )));
            }
            _ => {}
        }
        if !tables.lock(&holder).await.map_err(failed)? {
            tokio::time::sleep(Duration::from_millis(LOCK_PAUSE_MS)).await;
            continue;
        }
        let changed = change(tables, limits, draw, known).await;
        let _ = tables.unlock(&holder).await;
        changed.map_err(failed)?;
    }
    Err(unfit(format!(
        "another server changes the tables in {} for too long",
        tables.options.keyspace
    )))
}

async fn change(
    tables: &Tables<'_>,
    limits: &Limits,
    draw: &Draw,
    known: Option<Cluster>,
) -> Result<(), ExecutionError> {
    let from = known.as_ref().map_or(0, |cluster| cluster.schema);
    tables.migrate(from).await?;
    if known.is_some() {
        return tables.migrated(from).await.map(|_| ());
    }
    let cluster = Cluster {
        schema: SCHEMA,
        incarnation: draw().cast_signed(),
        journals: 1,
        bucket_positions: limits.cql.bucket_positions.cast_signed(),
        log_entries: limits.cql.log_entries.cast_signed(),
        datacentre: tables.options.datacentre.clone(),
    };
    tables.found(&cluster).await.map(|_| ())
}

fn check_cluster(
    cluster: &Cluster,
    options: &CqlOptions,
    limits: &Limits,
) -> Result<(), OpenError> {
    if cluster.datacentre != options.datacentre {
        return Err(unfit(format!(
            "the cluster in {} writes in the datacentre {}, not in {}",
            options.keyspace, cluster.datacentre, options.datacentre
        )));
    }
    if cluster.journals != 1 {
        return Err(unfit(format!(
            "the cluster in {} has {} journals, this version knows clusters of one",
            options.keyspace, cluster.journals
        )));
    }
    if cluster.bucket_positions != limits.cql.bucket_positions.cast_signed() {
        return Err(unfit(format!(
            "the cluster in {} was made with buckets of {} commits, not of {}",
            options.keyspace, cluster.bucket_positions, limits.cql.bucket_positions
        )));
    }
    if cluster.log_entries != limits.cql.log_entries.cast_signed() {
        return Err(unfit(format!(
            "the cluster in {} was made with logs cut every {} entries, not every {}",
            options.keyspace, cluster.log_entries, limits.cql.log_entries
        )));
    }
    Ok(())
}

/// A timestamp of 1 must be kept as it is: the versions of rows are timestamps.
async fn probe(driver: &Driver, keyspace: &str) -> Result<(), OpenError> {
    let write = format!(
        "UPDATE {keyspace}.marks USING TIMESTAMP 1 SET position = 1 \
         WHERE incarnation = ? AND journal = 0 AND kind = 'probe'"
    );
    let read = format!(
        "SELECT writetime(position) FROM {keyspace}.marks \
         WHERE incarnation = ? AND journal = 0 AND kind = 'probe'"
    );
    let place = (driver.incarnation,);
    let written = driver.session.query_unpaged(write, place).await;
    written.map_err(|error| unreachable(&error))?;
    let found = driver.session.query_unpaged(read, place).await;
    let found = found.map_err(|error| unreachable(&error))?;
    let found = found.into_rows_result().ok();
    match found.and_then(|rows| rows.first_row::<(Option<i64>,)>().ok()) {
        Some((Some(1),)) => Ok(()),
        _ => Err(unfit(
            "the database does not keep the timestamps it is given",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_wrong_clock() {
        assert_eq!(apart_ms(1_000, 1_000, 9_000), 0);
        assert_eq!(apart_ms(1_000, 9_000, 9_000), 0);
        assert_eq!(apart_ms(1_000, 9_007, 9_000), 7);
        assert_eq!(apart_ms(1_000, 993, 9_000), 7);
    }

    #[test]
    fn a_refused_login_is_told_from_a_missing_server() {
        assert!(is_about_login("Bad credentials"));
        assert!(!is_about_login("Connection refused (os error 111)"));
    }
}
