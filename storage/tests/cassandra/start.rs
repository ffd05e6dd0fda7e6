//! What is wrong at a start is told in one sentence, and nothing is harmed.

use storage::suite::limits;
use storage::{CqlLimits, CqlLogin, CqlOptions, Home, Limits, OpenError, Store, Table};

use super::server::{Keyspace, cql, draw, patient, server, wall_clock};

const ROWS: Table<(), u64, u64> = Table::new(300, "rows");

async fn open(options: &CqlOptions, cql: CqlLimits) -> Result<Store, OpenError> {
    let limits = Limits { cql, ..limits() };
    Store::cql(options, limits, wall_clock(), draw()).await
}

async fn refused(options: &CqlOptions, cql: CqlLimits, says: &[&str]) {
    let error = open(options, cql).await.err().expect("it is refused");
    let said = error.to_string();
    assert!(says.iter().all(|part| said.contains(part)), "{said}");
    assert!(
        !said.contains('\n') && !said.contains("wrong-secret"),
        "{said}"
    );
}

/// Writes and reads one row.
async fn works(options: &CqlOptions) {
    let store = open(options, patient()).await.expect("it opens");
    let home = Home::new("thing", 1);
    let mut t = store.transaction(&home);
    t.set(&ROWS, &(), &1, &2).expect("a small row");
    t.commit().await.expect("it is written");
    let read = store.read(&home, &ROWS, &(), &1).await;
    assert_eq!(read, Ok(Some(2)));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_is_told_by_its_address() {
    let keyspace = Keyspace::new();
    let quick = || CqlLimits {
        connect_ms: 2_000,
        ..patient()
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap().to_string();
    for address in [silent.as_str(), "127.0.0.1:1", "no-such-host.invalid:9042"] {
        let options = CqlOptions {
            addresses: vec![address.to_owned()],
            ..keyspace.options().clone()
        };
        refused(&options, quick(), &["no database answers", address]).await;
    }
    let options = CqlOptions {
        addresses: vec!["localhost".to_owned()],
        ..keyspace.options().clone()
    };
    refused(&options, quick(), &["localhost", "host:port"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_login_is_told_without_the_secret() {
    let keyspace = Keyspace::new();
    let login = |name: &str| CqlLogin {
        name: name.to_owned(),
        secret: "wrong-secret".to_owned(),
    };
    for login in [Some(login("cassandra")), Some(login("nobody")), None] {
        let options = CqlOptions {
            login,
            ..keyspace.options().clone()
        };
        refused(&options, patient(), &["name or its secret"]).await;
    }
    works(keyspace.options()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_datacentre_or_too_few_copies_create_nothing() {
    let keyspace = Keyspace::new();
    let elsewhere = CqlOptions {
        datacentre: "moon".to_owned(),
        ..keyspace.options().clone()
    };
    refused(&elsewhere, patient(), &["\"moon\"", "datacenter1"]).await;
    let few = CqlOptions {
        few_replicas: false,
        ..keyspace.options().clone()
    };
    refused(&few, patient(), &["1 copies", "3"]).await;
    works(keyspace.options()).await;
    refused(&few, patient(), &["1 copies", "3"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_far_off_is_told() {
    let keyspace = Keyspace::new();
    for off_ms in [60_000, -60_000] {
        let clock = wall_clock();
        let clock = std::sync::Arc::new(move || clock() + off_ms);
        let limits = Limits {
            cql: patient(),
            ..limits()
        };
        let opened = Store::cql(keyspace.options(), limits, clock, draw()).await;
        let said = opened.err().expect("it is refused").to_string();
        assert!(said.contains("clock") && said.contains("s away"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_schema_or_cluster_is_told_and_left_alone() {
    let keyspace = Keyspace::new();
    let options = keyspace.options();
    works(options).await;
    let other_buckets = CqlLimits {
        bucket_positions: 512,
        ..patient()
    };
    refused(options, other_buckets, &["buckets of 1024"]).await;
    let other_stretches = CqlLimits {
        log_entries: 512,
        ..patient()
    };
    refused(options, other_stretches, &["every 4096 entries"]).await;
    let row = |change: &str| {
        format!(
            "UPDATE {}.cluster SET {change} WHERE id = 0 IF EXISTS",
            options.keyspace
        )
    };
    cql(&row("version = 3")).await;
    refused(options, patient(), &["newer version", "(3,"]).await;
    cql(&row("version = 2")).await;
    cql(&row("datacentre = 'moon'")).await;
    refused(options, patient(), &["writes in the datacentre moon"]).await;
    cql(&row("datacentre = 'datacenter1'")).await;
    // Of the version before: without the list of servers.
    cql(&format!("DROP TABLE {}.servers", options.keyspace)).await;
    cql(&format!(
        "ALTER TABLE {}.owners DROP address",
        options.keyspace
    ))
    .await;
    cql(&row("version = 1")).await;
    works(options).await;
    // A server that died while it changed the tables.
    cql(&row("version = 0")).await;
    works(options).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_in_a_newer_format_is_not_taken() {
    let keyspace = Keyspace::new();
    let options = keyspace.options();
    works(options).await;
    let session = format!("{}.journal", options.keyspace);
    let of = super::server::incarnation(&options.keyspace).await;
    cql(&format!(
        "UPDATE {session} SET format = 2 WHERE incarnation = {of} AND journal = 0 AND bucket = 1 IF format = 1"
    ))
    .await;
    refused(options, patient(), &["format 2", "format 1"]).await;
    cql(&format!(
        "UPDATE {session} SET format = 1 WHERE incarnation = {of} AND journal = 0 AND bucket = 1 IF format = 2"
    ))
    .await;
    works(options).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_at_once_make_one_cluster() {
    let keyspace = Keyspace::new();
    // The keyspace stands; its tables are made by whoever comes first.
    cql(&format!(
        "CREATE KEYSPACE {} WITH replication = {{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}}",
        keyspace.options().keyspace
    ))
    .await;
    works(keyspace.options()).await;
    let blunt = CqlLimits {
        beats: false,
        ..patient()
    };
    let (one, two) = tokio::join!(
        open(keyspace.options(), blunt.clone()),
        open(keyspace.options(), blunt)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.incarnation(), two.incarnation());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_trusts_only_the_certificates_it_is_given() {
    let keyspace = Keyspace::new();
    let options = CqlOptions {
        tls_ca: Some(server().folder.join("ca.pem")),
        ..keyspace.options().clone()
    };
    works(&options).await;
    let folder = tempfile::tempdir().unwrap();
    let missing = CqlOptions {
        tls_ca: Some(folder.path().join("other.pem")),
        ..options.clone()
    };
    refused(&missing, patient(), &["other.pem"]).await;
    // Another authority than the one that signed.
    std::fs::write(folder.path().join("other.pem"), include_str!("other.pem")).unwrap();
    let quick = CqlLimits {
        connect_ms: 5_000,
        ..patient()
    };
    refused(&missing, quick, &["no database answers"]).await;
}
