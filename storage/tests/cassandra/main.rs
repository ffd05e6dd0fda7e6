//! The store on a real Apache Cassandra: the whole suite, and what only a real database can show. The tests
//! start one node for all (`scripts/cassandra`), which ends with them.

mod nodes;
mod owners;
mod server;
mod start;

use std::sync::Mutex;
use storage::suite::{Bench, Hands};
use storage::{CqlLimits, Limits, Store, engine_suite};

use server::{Keyspace, now};

/// A keyspace for one case.
struct OnCassandra {
    keyspace: Keyspace,
    open: Mutex<Option<Store>>,
}

impl OnCassandra {
    fn new() -> Self {
        Self {
            keyspace: Keyspace::new(),
            open: Mutex::default(),
        }
    }

    fn close(&self) {
        if let Some(before) = self.open.lock().expect("no test panics here").take() {
            now(before.close());
        }
    }
}

impl Bench for OnCassandra {
    fn open(&self, limits: Limits, clock: &Hands) -> Store {
        self.close();
        let limits = Limits {
            cql: CqlLimits {
                bucket_positions: 64,
                log_entries: 8,
                mark_age_ms: 2_000,
                // The clock of a case stands still in another year.
                clock_ms: i64::MAX,
                ..server::patient()
            },
            ..limits
        };
        let opened = server::once_it_answers(|| {
            Store::cql(
                self.keyspace.options(),
                limits.clone(),
                clock.clock(),
                server::draw(),
            )
        });
        let store = now(opened).expect("it opens");
        *self.open.lock().expect("no test panics here") = Some(store.clone());
        store
    }

    fn keeps(&self) -> bool {
        true
    }
}

impl Drop for OnCassandra {
    fn drop(&mut self) {
        self.close();
    }
}

engine_suite!(OnCassandra::new());
