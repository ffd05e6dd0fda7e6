//! The server under test: the real binary in a process and a folder of its own, on a loopback port of
//! its own; or one that runs already (`--attach`), which is measured and left running.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::proc::{self, Sample};
use crate::trouble::{Outcome, Trouble};
use crate::world::moment;

/// A start recovers the store; a busy machine gets the rest.
const START: Duration = Duration::from_secs(60);
/// A stop lets the connections go (3 s) and closes the store.
const STOP: Duration = Duration::from_secs(20);

/// A server under test; or several that are one.
pub(crate) struct Server {
    /// The first is where calls go that are nobody's.
    addresses: Vec<SocketAddr>,
    pids: Vec<u32>,
    /// What was started here, and must be stopped here.
    own: Option<Own>,
}

struct Own {
    binary: PathBuf,
    data: PathBuf,
    child: Child,
}

impl Server {
    /// Starts `binary` on the folder `data`.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn start(binary: &Path, data: &Path) -> Outcome<Self> {
        let (child, address) = spawn(binary, data).await?;
        Ok(Self {
            addresses: vec![address],
            pids: vec![child.id().unwrap_or(0)],
            own: Some(Own {
                binary: binary.to_owned(),
                data: data.to_owned(),
                child,
            }),
        })
    }

    /// One that runs already, or several that are one.
    ///
    /// # Errors
    /// It is not on this machine: a load test is no weapon.
    pub(crate) fn attach(addresses: &[SocketAddr], pids: &[u32]) -> Outcome<Self> {
        for address in addresses {
            if !address.ip().is_loopback() || !address.is_ipv4() {
                return Err(Trouble::new(format!(
                    "{address} is no loopback address: only a server on this machine is tested"
                )));
            }
        }
        let server = Self {
            addresses: addresses.to_vec(),
            pids: pids.to_vec(),
            own: None,
        };
        server.sample()?;
        Ok(server)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Where somebody connects: of several servers each has its share of the people.
    pub(crate) fn address_for(&self, person: usize) -> SocketAddr {
        self.addresses[person % self.addresses.len()]
    }

    /// What the kernel knows of it now.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn sample(&self) -> Outcome<Sample> {
        let samples = self.pids.iter().map(|pid| proc::sample(*pid));
        samples.sum()
    }

    /// Whether it can be started again.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// The token of the set-up link.
    ///
    /// # Errors
    /// None is written: the server has a company already.
    pub(crate) async fn setup_token(&self) -> Outcome<String> {
        let own = self.own.as_ref();
        let own =
            own.ok_or_else(|| Trouble::new("a server that runs already is set up already"))?;
        let file = own.data.join("setup-link");
        let until = Instant::now() + START;
        while Instant::now() < until {
            // It is written just after the address was printed, and whole only with the end of its line.
            let link = tokio::fs::read_to_string(&file).await.unwrap_or_default();
            match link.split_once("/setup#") {
                Some((_, token)) if token.ends_with('\n') => return Ok(token.trim().to_owned()),
                _ => moment().await,
            }
        }
        Err(Trouble::new(
            "no set-up link: the folder has a company already, with other people",
        ))
    }

    /// Stops it and starts it again on the same folder, so that what happened before (hashed
    /// passwords, pasted lists) is not in its memory. One that was not started here stays as it is.
    ///
    /// # Errors
    /// It does not stop or start.
    pub(crate) async fn restart(&mut self) -> Outcome<()> {
        self.stop().await?;
        if let Some(own) = &mut self.own {
            let (child, address) = spawn(&own.binary, &own.data).await?;
            self.pids = vec![child.id().unwrap_or(0)];
            self.addresses = vec![address];
            own.child = child;
        }
        Ok(())
    }

    /// Stops what was started here: asks, and kills what does not listen.
    ///
    /// # Errors
    /// It can't be stopped.
    pub(crate) async fn stop(&mut self) -> Outcome<()> {
        let Some(own) = &mut self.own else {
            return Ok(());
        };
        if let Some(pid) = own.child.id() {
            Command::new("kill")
                .args(["-TERM", &pid.to_string()])
                .status()
                .await
                .map_err(Trouble::at("stopping the server"))?;
        }
        if tokio::time::timeout(STOP, own.child.wait()).await.is_err() {
            own.child
                .kill()
                .await
                .map_err(Trouble::at("killing the server"))?;
        }
        Ok(())
    }
}

async fn spawn(binary: &Path, data: &Path) -> Outcome<(Child, SocketAddr)> {
    std::fs::create_dir_all(data).map_err(Trouble::at("the data folder"))?;
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(data.join("server-log"))
        .map_err(Trouble::at("the server's log"))?;
    let mut child = Command::new(binary)
        .arg("serve")
        .arg("--data")
        .arg(data)
        .args(["--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .map_err(Trouble::at(&format!("starting {}", binary.display())))?;
    let stdout = child.stdout.take();
    let mut lines = BufReader::new(stdout.ok_or_else(|| Trouble::new("no output"))?).lines();
    let listening = async {
        let mut address = None;
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(found) = line.strip_prefix("listening on http://") {
                address = found.parse().ok();
                break;
            }
        }
        address
    };
    let address = tokio::time::timeout(START, listening).await.ok().flatten();
    let address = address.ok_or_else(|| {
        let log = std::fs::read_to_string(data.join("server-log")).unwrap_or_default();
        Trouble::new(format!("the server did not start: {log}"))
    })?;
    // Somebody must go on reading, or the server would wait for it one day.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((child, address))
}
