//! A real NATS server as a process of its own, to be stopped and started.

use std::net::TcpListener;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use storage::suite::signal;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::within;

mod stream;

pub use stream::Stored;

/// A start takes some milliseconds, unless the server has to be fetched first.
const START: Duration = Duration::from_secs(120);

/// Ports below those that Linux gives to outgoing connections: a client that tries again and again to reach a
/// server that is away must not get its port, or meet itself there.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// A NATS server on 127.0.0.1; killed when it is dropped.
pub struct Nats {
    folder: tempfile::TempDir,
    port: u16,
    flags: Vec<String>,
    running: Option<Running>,
}

/// The server runs until the pipe to its script closes.
struct Running {
    script: Child,
    pid: u32,
}

impl Nats {
    /// Starts a server on a free port.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with more flags.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(flags: &[&str]) -> Self {
        let mut nats = Self::away();
        nats.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        nats.starts().await;
        nats
    }

    /// A port on which no server runs yet.
    ///
    /// # Panics
    /// When no port is free.
    pub fn away() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            port: free_port(),
            flags: Vec::new(),
            running: None,
        }
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What lies in a stream, oldest first; nothing if there is no such stream.
    pub async fn stream(&self, name: &str) -> Option<Vec<Stored>> {
        stream::read(&self.address(), name).await
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Starts it, always on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn starts(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/nats");
        let mut script = Command::new(script)
            .arg(self.folder.path())
            .arg(self.port.to_string())
            .args(&self.flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script starts");
        let said = script.stdout.take().expect("piped");
        let mut said = BufReader::new(said).lines();
        let line = tokio::time::timeout(START, said.next_line()).await;
        let line = line.expect("it says something in time").expect("a pipe");
        let pid = line.as_deref().and_then(|line| line.strip_prefix("pid "));
        let pid = pid.expect("NATS cannot be started; the reason stands above");
        self.running = Some(Running {
            script,
            pid: pid.parse().expect("a number"),
        });
        self.answers().await;
    }

    async fn answers(&self) {
        let address = self.address();
        within(START, "NATS answers", || async {
            let mut greeting = [0; 4];
            let mut stream = TcpStream::connect(&address).await.ok()?;
            stream.read_exact(&mut greeting).await.ok()?;
            (greeting == *b"INFO").then_some(())
        })
        .await;
    }

    /// SIGKILL: it is gone, and its connections are closed.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn dies(&mut self) {
        let mut running = self.running.take().expect("it runs");
        drop(running.script.stdin.take());
        let ended = tokio::time::timeout(START, running.script.wait()).await;
        ended.expect("it ends in time").expect("it has a status");
    }

    /// Stops it where it is (SIGSTOP): its connections stay and nobody answers.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pauses(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When it does not run.
    pub fn goes_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        signal::send(self.running.as_ref().expect("it runs").pid, name);
    }
}

fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let room = PORTS.len();
    // Another process of tests begins elsewhere.
    let first = std::process::id() as usize * 37;
    for _ in 0..room {
        let next = first + usize::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + u16::try_from(next % room).expect("below the end");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
