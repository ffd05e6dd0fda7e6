//! One node of Apache Cassandra for all tests of a process, started by `scripts/cassandra`; it ends with the process.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;

use super::signal;

/// The node; it ends when the pipe to its script closes, that is with this process.
pub struct Cassandra {
    /// `host:port`.
    pub address: String,
    /// Its data, its log, and `ca.pem`.
    pub folder: PathBuf,
    /// The process of the node itself.
    pub pid: u32,
    script: Child,
    said: Said,
}

type Said = Lines<BufReader<ChildStdout>>;

/// Fetching it and starting it, on a slow and busy machine.
const START_S: u64 = 300;

static NODE: OnceLock<Cassandra> = OnceLock::new();

/// The node, started by who asks first.
///
/// # Panics
/// When it can't be started.
#[must_use]
pub fn node() -> &'static Cassandra {
    NODE.get_or_init(|| start("small"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A node for one test alone, which may do to it what it likes. `kind` is for the script; one that is `kept` can
/// be killed.
///
/// # Panics
/// When it can't be started.
#[must_use]
pub fn start(kind: &str) -> Cassandra {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let (port, internal) = (free_port(), free_port());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/cassandra");
    let mut script = Command::new(script)
        .arg(&folder)
        .args([port.to_string(), internal.to_string()])
        .env("CHAOKE_CASSANDRA", kind)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the script starts");
    let mut said = BufReader::new(script.stdout.take().expect("its output")).lines();
    let server = Cassandra {
        address: format!("127.0.0.1:{port}"),
        folder,
        pid: pid(&mut said),
        script,
        said,
    };
    server.wait();
    server
}

/// The process that the script has started.
fn pid(said: &mut Said) -> u32 {
    let mut said = said.map_while(Result::ok);
    let pid = said.find_map(|line| line.strip_prefix("pid ")?.parse().ok());
    pid.expect("Apache Cassandra cannot be started; the reason stands above")
}

impl Cassandra {
    /// Kills the node and starts it again.
    ///
    /// # Panics
    /// When it does not come back.
    #[must_use]
    pub fn dies_and_starts(mut self) -> Self {
        signal::send(self.pid, "-KILL");
        let script = self.script.stdin.as_mut().expect("its input");
        script.write_all(b"again\n").expect("the script reads");
        self.pid = pid(&mut self.said);
        self.wait();
        self
    }

    /// On a thread of its own: whoever asks for the server may be inside a runtime.
    fn wait(&self) {
        std::thread::scope(|scope| {
            scope.spawn(|| wait_until_it_answers(&self.address, &self.folder));
        });
    }
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

/// A session of an operator.
///
/// # Errors
/// The node does not answer.
pub async fn session(address: &str) -> Result<Session, String> {
    let session = SessionBuilder::new()
        .known_node(address)
        .user("cassandra", "cassandra")
        .disallow_shard_aware_port(true)
        .fetch_schema_metadata(false)
        .build()
        .await;
    session.map_err(|error| error.to_string())
}

/// Runs CQL as an operator would.
///
/// # Panics
/// When it is not done.
pub async fn cql(text: &str) {
    let session = session(&node().address).await.expect("the node answers");
    session.query_unpaged(text, ()).await.expect("it is done");
}
