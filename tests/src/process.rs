//! The real binary as a process of its own, to be killed.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use storage::suite::signal;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::{Company, Wire, within};

/// A start takes well under a second; a busy machine gets the rest.
const START: Duration = Duration::from_secs(20);

/// A server in a process of its own; killed when it is dropped.
pub struct Process {
    flags: Vec<String>,
    folder: tempfile::TempDir,
    child: Child,
    wire: Arc<Wire>,
}

impl Process {
    /// Starts the binary on a free port with an empty folder.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts the binary with more flags.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(flags: &[String]) -> Self {
        Self::start_on(tempfile::tempdir().expect("a folder"), flags).await
    }

    /// Starts the binary on a data folder that is there.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_on(folder: tempfile::TempDir, flags: &[String]) -> Self {
        let (child, address) = spawn(&folder, "127.0.0.1:0", flags).await;
        Self {
            flags: flags.to_vec(),
            folder,
            child,
            wire: Arc::new(Wire::new(&address)),
        }
    }

    /// The server as it is reached from outside.
    pub fn wire(&self) -> &Arc<Wire> {
        &self.wire
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process.
    ///
    /// # Panics
    /// When it runs no more.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Its metrics, from the address that it logged.
    ///
    /// # Panics
    /// When it tells none.
    pub async fn metrics(&self) -> String {
        let log = self.log();
        let mut lines = log.lines().rev();
        let address = lines.find_map(|line| line.split_once("metrics are at "));
        let (_, address) = address.expect("an address of metrics");
        let (status, metrics) = self.wire.get_at(address.trim_end()).await;
        assert_eq!(status, 200, "{metrics}");
        metrics
    }

    /// The set-up link, read from the file in the data folder.
    ///
    /// # Panics
    /// When none appears.
    pub async fn setup_link(&self) -> String {
        let file = self.folder.path().join("setup-link");
        within(START, "the set-up link is written", || async {
            let link = std::fs::read_to_string(&file).ok()?;
            // Whole only with the end of its line.
            link.ends_with('\n').then(|| link.trim_end().to_owned())
        })
        .await
    }

    /// The token of the set-up link, read from the file in the data folder.
    ///
    /// # Panics
    /// When none appears.
    pub async fn setup_token(&self) -> String {
        let link = self.setup_link().await;
        let (_, token) = link.split_once("/setup#").expect("a link to set up");
        token.to_owned()
    }

    /// Whether the file with the set-up link is there.
    pub fn has_setup_link(&self) -> bool {
        self.folder.path().join("setup-link").exists()
    }

    /// A company to set up.
    pub async fn company(&self, name: &str) -> Company {
        Company::new(Arc::clone(&self.wire), self.setup_token().await, name)
    }

    /// SIGKILL: the process is gone in the middle of whatever it did.
    ///
    /// # Panics
    /// When it can't be killed.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// SIGTERM; gives how it ended.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.ends().await.0
    }

    /// Stops it where it is (SIGSTOP) or lets it go on (SIGCONT).
    ///
    /// # Panics
    /// When it runs no more.
    pub fn signal(&self, name: &str) {
        signal::send(self.child.id().expect("it runs"), name);
    }

    /// Waits until it ends by itself; gives how, and the last line that it logged.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ends(&mut self) -> (ExitStatus, String) {
        let ended = tokio::time::timeout(START, self.child.wait()).await;
        let ended = ended.expect("it ends in time").expect("it has a status");
        (ended, last_line(self.folder.path()))
    }

    /// Starts the binary with flags that it can't serve with; gives its last line.
    ///
    /// # Panics
    /// When it serves all the same.
    pub async fn is_refused(flags: &[String]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        Self::is_refused_in(folder.path(), flags).await
    }

    /// As [`Process::is_refused`], with this data folder.
    ///
    /// # Panics
    /// When it serves all the same.
    pub async fn is_refused_in(folder: &Path, flags: &[String]) -> String {
        let mut child = command(folder, "127.0.0.1:0", flags)
            .spawn()
            .expect("it starts");
        let ended = tokio::time::timeout(START, child.wait()).await;
        let ended = ended.expect("it ends in time").expect("it has a status");
        assert!(!ended.success(), "it served");
        last_line(folder)
    }

    /// Starts it again on the same port and the same folder.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&mut self) {
        let (child, _) = spawn(&self.folder, &self.wire.address(), &self.flags).await;
        self.child = child;
    }
}

/// Runs the binary to its end; gives what it printed.
///
/// # Panics
/// When it fails.
pub async fn runs(arguments: &[String]) -> String {
    let ran = Command::new(binary()).args(arguments).output();
    let ran = ran.await.expect("it starts");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// How a command of the binary ended.
#[derive(Debug)]
pub struct Said {
    /// It ended well.
    pub ok: bool,
    /// What it printed.
    pub out: String,
    /// What it complained of.
    pub err: String,
}

/// Runs the binary to its end, whether it ends well or not.
///
/// # Panics
/// When it does not start.
pub async fn says(arguments: &[&str]) -> Said {
    says_in("C.UTF-8", arguments).await
}

/// As [`says`], for a person whose machine speaks this language.
///
/// # Panics
/// When it does not start.
pub async fn says_in(language: &str, arguments: &[&str]) -> Said {
    let mut command = Command::new(binary());
    command.args(arguments).env("LANG", language);
    let ran = command.output().await.expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        ok: ran.status.success(),
        out: text(&ran.stdout),
        err: text(&ran.stderr),
    }
}

fn command(folder: &Path, address: &str, flags: &[String]) -> Command {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .expect("a log file");
    let mut command = Command::new(binary());
    command
        .arg("--data")
        .arg(folder)
        .args(["--listen", address])
        .args(flags)
        // As a service is started, also where a person runs the tests in a terminal.
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    command
}

fn last_line(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    log.lines().last().unwrap_or_default().to_owned()
}

async fn spawn(folder: &tempfile::TempDir, address: &str, flags: &[String]) -> (Child, String) {
    let mut child = command(folder.path(), address, flags)
        .spawn()
        .expect("the server starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let listening = async {
        while let Ok(Some(line)) = lines.next_line().await {
            let address = line.strip_prefix("listening on ");
            if let Some((_, address)) = address.and_then(|url| url.split_once("://")) {
                return Some(address.to_owned());
            }
        }
        None
    };
    let found = tokio::time::timeout(START, listening).await.ok().flatten();
    let found = found.unwrap_or_else(|| {
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        panic!("the server did not start: {log}")
    });
    // Somebody must go on reading, or the server would wait for it one day.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, found)
}

/// Cargo puts it beside the folder of the tests.
pub fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("a test has a file");
    let folder = own.parent().and_then(|deps| deps.parent());
    let binary = folder.expect("target/<profile>/deps").join("chaoke");
    assert!(
        binary.exists(),
        "{} is not there: cargo build --profile ci -p gateway",
        binary.display()
    );
    binary
}
