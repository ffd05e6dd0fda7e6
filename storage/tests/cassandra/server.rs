//! One node of Apache Cassandra for all tests of this file.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use storage::{CqlLimits, CqlLogin, CqlOptions};

/// The node; it ends when the pipe to its script closes, that is with this process.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) folder: PathBuf,
    pub(crate) pid: u32,
    _script: Child,
}

/// Fetching it and starting it, on a slow and busy machine.
const START_S: u64 = 300;

static SERVER: OnceLock<Server> = OnceLock::new();

/// The node, started by who asks first.
pub(crate) fn server() -> &'static Server {
    SERVER.get_or_init(start)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn start() -> Server {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let (port, internal) = (free_port(), free_port());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/cassandra");
    let mut script = Command::new(script)
        .arg(&folder)
        .args([port.to_string(), internal.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the script starts");
    let said = BufReader::new(script.stdout.take().expect("its output")).lines();
    let pid = said
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("pid ")?.parse().ok());
    let pid = pid.expect("Apache Cassandra cannot be started; the reason stands above");
    let server = Server {
        address: format!("127.0.0.1:{port}"),
        folder,
        pid,
        _script: script,
    };
    // On a thread of its own: whoever asks for the server may be inside a runtime.
    let address = server.address.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| wait_until_it_answers(&address, &server.folder));
    });
    server
}

fn wait_until_it_answers(address: &str, folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let last = runtime.block_on(async {
        let began = tokio::time::Instant::now();
        loop {
            let answer = session(address).await;
            match answer {
                Ok(_) => return None,
                Err(why) if began.elapsed() > Duration::from_secs(START_S) => return Some(why),
                Err(_) => tokio::time::sleep(Duration::from_millis(300)).await,
            }
        }
    });
    if let Some(why) = last {
        let log = std::fs::read_to_string(folder.join("log/out")).unwrap_or_default();
        panic!("Apache Cassandra does not answer within {START_S} s: {why}\n{log}");
    }
}

async fn session(address: &str) -> Result<scylla::client::session::Session, String> {
    let session = scylla::client::session_builder::SessionBuilder::new()
        .known_node(address)
        .user("cassandra", "cassandra")
        .disallow_shard_aware_port(true)
        .fetch_schema_metadata(false)
        .build()
        .await;
    session.map_err(|error| error.to_string())
}

/// Runs CQL as an operator would.
pub(crate) async fn cql(text: &str) {
    let session = session(&server().address).await.expect("the node answers");
    session.query_unpaged(text, ()).await.expect("it is done");
}

/// Waits for something inside of a test.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
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
