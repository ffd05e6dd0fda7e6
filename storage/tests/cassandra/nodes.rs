//! Several servers of one cluster, on a real database: any of them reads and commits, one writes, and the others
//! take over when it leaves, dies, or stands still out of reach. The link between them is a street in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use storage::cluster::{Link, LinkError, ServerAt, Term};
use storage::suite::limits;
use storage::{CqlLimits, Direction, Home, Limits, Log, OpenError, Store, StoreError, Value};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::server::{Keyspace, draw, once_it_answers, patient, wall_clock};

const EVENTS: Log<(), u64> = Log::new(301, "events");

fn home() -> Home {
    Home::new("thing", 1)
}

/// Who lives where; a server that is cut off is not reached.
#[derive(Clone, Default)]
struct Street(Arc<Mutex<HashMap<String, Store>>>);

impl Street {
    fn at(&self, address: &str) -> Option<Store> {
        let houses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        houses.get(address).cloned()
    }

    fn move_in(&self, address: &str, store: &Store) {
        let mut houses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        houses.insert(address.to_owned(), store.clone());
    }

    fn cut_off(&self, address: &str) {
        let mut houses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        houses.remove(address);
    }
}

#[async_trait]
impl Link for Street {
    async fn commit(&self, address: &str, question: Bytes) -> Result<Bytes, LinkError> {
        match self.at(address) {
            Some(store) => {
                let reply = store.accept(&question).await.reply;
                reply.ok_or_else(|| LinkError::Lost("the line is dead".to_owned()))
            }
            None => Err(LinkError::NotSent("nobody lives there".to_owned())),
        }
    }

    async fn answers(&self, address: &str) -> bool {
        self.at(address).is_some()
    }
}

/// A server with a runtime of its own, which can be killed, and what it has written in its terms.
struct Node {
    store: Store,
    address: String,
    written: Arc<Mutex<Vec<u64>>>,
    runtime: Option<Runtime>,
}

impl Node {
    async fn open(keyspace: &Keyspace, street: &Street, name: &str) -> Result<Self, OpenError> {
        let cql = CqlLimits {
            bucket_positions: 64,
            commit_ms: 60_000,
            ..patient()
        };
        let limits = Limits { cql, ..limits() };
        let draw = draw();
        let me = ServerAt {
            name: name.to_owned(),
            boot: draw(),
            address: format!("{name}:1"),
        };
        let link: Arc<dyn Link> = Arc::new(street.clone());
        let (cluster, options) = ((me.clone(), link), keyspace.options().clone());
        let once = move || {
            let (options, limits, draw) = (options.clone(), limits.clone(), Arc::clone(&draw));
            let cluster = cluster.clone();
            async move { Store::in_cluster(&options, limits, wall_clock(), draw, cluster, 64).await }
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let opened = runtime.spawn(async move { once_it_answers(once).await });
        let (store, terms) = match opened.await.expect("no panic") {
            Ok(opened) => opened,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        street.move_in(&me.address, &store);
        let written = Arc::default();
        runtime.spawn(note(terms, Arc::clone(&written)));
        Ok(Self {
            store,
            address: me.address,
            written,
            runtime: Some(runtime),
        })
    }

    async fn close(&self) {
        self.store.close().await;
    }

    /// Ends it like `kill -9`.
    fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Waits until this server knows who writes.
    async fn knows_the_owner(&self, owner: &str) {
        within("an owner", || async {
            (self.store.owner().as_deref() == Some(owner)).then_some(())
        })
        .await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn note(mut terms: mpsc::Receiver<Term>, written: Arc<Mutex<Vec<u64>>>) {
    while let Some(Term { rounds, .. }) = terms.recv().await {
        let [mut one, mut other] = rounds;
        while let (Some(round), Some(_)) = tokio::join!(one.recv(), other.recv()) {
            let positions = round.commits.iter().map(|commit| commit.position);
            let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
            written.extend(positions);
        }
    }
}

async fn within<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{what} within 60 s"
        );
        tokio::task::yield_now().await;
    }
}

async fn append(store: &Store, n: u64) -> Result<u64, StoreError> {
    let mut t = store.transaction(&home());
    let entry = t.append(EVENTS.partition(&()), Value::encode(&n)?, true);
    t.commit().await.map(|done| done.seq(entry))
}

async fn events(store: &Store) -> Vec<u64> {
    let (home, log) = (home(), EVENTS.partition(&()));
    let rows = store.entries(&home, &log, 0, u64::MAX, Direction::Forward, 10_000);
    let rows = rows.await.expect("a read");
    rows.iter()
        .map(|(_, row)| EVENTS.decode(row).expect("a number"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_commits_and_reads_what_any_of_them_committed() {
    let (keyspace, street) = (Keyspace::new(), Street::default());
    let a = Node::open(&keyspace, &street, "a").await.unwrap();
    assert_eq!(append(&a.store, 1).await, Ok(1));
    let b = Node::open(&keyspace, &street, "b").await.unwrap();
    assert_eq!(append(&b.store, 2).await, Ok(2));
    b.knows_the_owner("a:1").await;
    assert_eq!(a.store.owner().as_deref(), Some(""));
    assert_eq!(append(&a.store, 3).await, Ok(3));
    for node in [&a, &b] {
        assert_eq!(events(&node.store).await, [1, 2, 3]);
    }
    // A refusal comes back as it was given.
    let mut t = b.store.transaction(&home());
    t.append_limited(
        EVENTS.partition(&()),
        Value::encode(&9_u64).unwrap(),
        true,
        3,
    );
    let refused = t.commit().await.map(|done| done.position);
    let wanted = StoreError::Limit {
        what: "the log".into(),
        limit: 3,
    };
    assert_eq!(refused, Err(wanted));
    let names =
        |servers: &[ServerAt]| -> Vec<_> { servers.iter().map(|one| one.name.clone()).collect() };
    let mut servers = b.store.servers().unwrap();
    let both = servers.wait_for(|live| names(live) == ["a", "b"]);
    timeout(Duration::from_secs(60), both)
        .await
        .unwrap()
        .unwrap();
    // A second one of the same name is refused, in words.
    let again = Node::open(&keyspace, &street, "b").await.err();
    let said = again.map(|error| error.to_string()).unwrap_or_default();
    assert!(
        said.contains("\"b\" runs in this cluster already"),
        "{said}"
    );
    // The one that writes leaves; the other goes on at once.
    let began = Instant::now();
    a.close().await;
    assert_eq!(append(&b.store, 4).await, Ok(4));
    println!("followed after {} ms", began.elapsed().as_millis());
    b.knows_the_owner("").await;
    assert_eq!(append(&a.store, 5).await, Err(StoreError::Closed));
    let written = |node: &Node| node.written.lock().map(|w| w.len()).unwrap_or(0);
    within("both heard what they wrote", || async {
        ((written(&a), written(&b)) == (3, 1)).then_some(())
    })
    .await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_out_of_reach_that_stands_still_is_followed_and_nothing_is_lost_or_doubled() {
    let (keyspace, street) = (Keyspace::new(), Street::default());
    let mut nodes = Vec::new();
    for name in ["a", "b", "c"] {
        let node = Node::open(&keyspace, &street, name).await.unwrap();
        append(&node.store, 0).await.unwrap();
        nodes.push(node);
    }
    let (mut answered, mut next) = (vec![0, 0, 0], 1);
    for _ in 0..2 {
        let of_owner = |node: &Node| node.store.owner().as_deref() == Some("");
        let owner = nodes.iter().position(of_owner).expect("an owner");
        let others: Vec<_> = (0..nodes.len()).filter(|n| *n != owner).collect();
        let writers: Vec<_> = others
            .iter()
            .map(|n| {
                let (store, begin) = (nodes[*n].store.clone(), next);
                next += 1_000;
                tokio::spawn(async move {
                    let mut told = Vec::new();
                    for number in begin..begin + 30 {
                        append(&store, number).await.expect("it is written");
                        told.push(number);
                    }
                    told
                })
            })
            .collect();
        // In the midst of that the owner is cut off, and takes the journal's last word with it.
        within("some commits", || async {
            (events(&nodes[owner].store).await.len() > answered.len() + 10).then_some(())
        })
        .await;
        let gone = nodes.remove(owner);
        street.cut_off(&gone.address);
        gone.kill();
        for writer in writers {
            answered.extend(writer.await.expect("it ends"));
        }
        let mut found = events(&nodes[0].store).await;
        found.sort_unstable();
        answered.sort_unstable();
        assert_eq!(found, answered);
        if nodes.len() == 1 {
            break;
        }
    }
    for node in nodes {
        node.close().await;
    }
}
