//! What the tests of this file share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::suite::cassandra::session;
pub(crate) use storage::suite::cassandra::{cql, node as server};
use storage::{CqlLimits, CqlLogin, CqlOptions, OpenError};

/// Waits for something inside of a test.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}

/// Opens a store, again while the database does not answer: another test of this binary has it stand still for some
/// seconds, and who starts meanwhile is refused, as he should be.
pub(crate) async fn once_it_answers<T, F>(open: impl Fn() -> F) -> Result<T, OpenError>
where
    F: Future<Output = Result<T, OpenError>>,
{
    for _ in 0..5 {
        match open().await {
            Err(OpenError::Unreachable(_)) => {}
            opened => return opened,
        }
    }
    open().await
}

/// Random bits, as far as tests need them.
pub(crate) fn draw() -> Arc<dyn Fn() -> u64 + Send + Sync> {
    use std::hash::{BuildHasher, RandomState};
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    Arc::new(|| RandomState::new().hash_one(DRAWN.fetch_add(1, Ordering::Relaxed)))
}

/// Periods for a slow and busy machine.
pub(crate) fn patient() -> CqlLimits {
    CqlLimits {
        conditional_ms: 30_000,
        plain_ms: 30_000,
        connect_ms: 30_000,
        ..CqlLimits::default()
    }
}

/// Milliseconds since 1970, as the database counts them too.
pub(crate) fn wall_clock() -> Arc<dyn Fn() -> i64 + Send + Sync> {
    Arc::new(|| {
        let since = std::time::UNIX_EPOCH
            .elapsed()
            .expect("it is later than 1970");
        i64::try_from(since.as_millis()).expect("it is not that late")
    })
}

/// A keyspace that goes with its test.
pub(crate) struct Keyspace(CqlOptions);

impl Keyspace {
    pub(crate) fn new() -> Self {
        static KEYSPACES: AtomicU64 = AtomicU64::new(0);
        let n = KEYSPACES.fetch_add(1, Ordering::Relaxed);
        Self(CqlOptions {
            addresses: vec![server().address.clone()],
            keyspace: format!("test{n}"),
            datacentre: "datacenter1".to_owned(),
            replicas: 1,
            few_replicas: true,
            login: Some(CqlLogin {
                name: "cassandra".to_owned(),
                secret: "cassandra".to_owned(),
            }),
            tls_ca: None,
        })
    }

    pub(crate) fn options(&self) -> &CqlOptions {
        &self.0
    }
}

/// The number that stands in the keys of a keyspace's journal.
pub(crate) async fn incarnation(keyspace: &str) -> i64 {
    let session = session(&server().address).await.expect("the node answers");
    let text = format!("SELECT incarnation FROM {keyspace}.cluster WHERE id = 0");
    let rows = session.query_unpaged(text, ()).await.expect("an answer");
    let rows = rows.into_rows_result().expect("rows");
    rows.first_row::<(i64,)>().expect("a cluster").0
}
