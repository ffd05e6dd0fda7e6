//! The socket in the data folder by which commands reach the server that has the store open. It is its owner's only:
//! whoever may open it could read the store as well.
//!
//! One line of JSON is the question, one line the answer: `{"done": …}` or `{"refused": {"zh": …, "en": …}}`. Behind
//! the answer to `backup` come the bytes of the file.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_core::api::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::request::{self, Request};
use crate::server::Server;

/// The socket's name in the data folder.
pub const FILE: &str = "admin.sock";
/// Longest question in bytes: a login name has 180 at most.
const LINE_BYTES: u64 = 4_096;
/// Commands that are answered at the same time; a person at a keyboard needs one.
const AT_ONCE: usize = 4;
/// Connections that may wait to be accepted.
const WAITING: i32 = 16;
/// How long a question, or the next piece of an answer, may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a backup sent at once, and how many such pieces may wait.
const PIECE_BYTES: usize = 256 << 10;
const PIECES: usize = 4;

/// Where the socket of a data folder stands.
pub fn path(data: &Path) -> PathBuf {
    data.join(FILE)
}

/// What was answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Done(Value),
    Refused { zh: String, en: String },
}

// ---- asking

/// An answer, and what follows it.
pub struct Reply {
    /// What was done.
    pub done: Value,
    rest: BufReader<UnixStream>,
}

impl Reply {
    /// The next bytes behind the answer; none at their end.
    ///
    /// # Errors
    /// The server went away, or stands still.
    pub async fn more(&mut self, into: &mut [u8]) -> io::Result<usize> {
        tokio::time::timeout(PATIENCE, self.rest.read(into)).await?
    }
}

/// Asks the server that serves from a data folder; nothing if there is none.
///
/// # Errors
/// What the server refuses, or the file system.
pub async fn ask(data: &Path, request: &Request) -> Result<Option<Reply>, String> {
    let path = path(data);
    let stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(error) if nobody(&error) => return Ok(None),
        Err(error) => return Err(format!("{} can't be used: {error}", path.display())),
    };
    let asked = async {
        let mut stream = BufReader::new(stream);
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.get_mut().write_all(&line).await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        Ok::<_, io::Error>((serde_json::from_str(&answer)?, stream))
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok((Said::Done(done), rest))) => Ok(Some(Reply { done, rest })),
        Ok(Ok((Said::Refused { en, .. }, _))) => Err(en),
        Ok(Err(error)) => Err(format!("the server gave no answer: {error}")),
        Err(_) => Err(format!("the server gave no answer within {PATIENCE:?}")),
    }
}

/// A socket that a killed server left is nobody's; a name too long for one is none either.
fn nobody(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, InvalidInput, NotFound};
    matches!(error.kind(), ConnectionRefused | InvalidInput | NotFound)
}

// ---- answering

/// The socket of a running server; gone when it is dropped.
pub struct Listening {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        // Absent is as good.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Listens in `data` for as long as what it gives is kept.
///
/// # Errors
/// Another server has the socket, or the file system refuses.
pub async fn listen(data: &Path, server: &Arc<Server>, address: &str) -> io::Result<Listening> {
    let path = path(data);
    if UnixStream::connect(&path).await.is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    // Left by a server that was killed.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::from_std(bind(&path)?)?;
    let door = Arc::new(Door {
        server: Arc::clone(server),
        address: address.to_owned(),
        backups: Semaphore::new(1),
    });
    let task = tokio::spawn(accept(listener, door));
    Ok(Listening { path, task })
}

/// The rights are set before anybody can connect.
fn bind(path: &Path) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    socket.listen(WAITING)?;
    socket.set_nonblocking(true)?;
    Ok(StdListener::from(std::os::fd::OwnedFd::from(socket)))
}

struct Door {
    server: Arc<Server>,
    address: String,
    /// Each holds a snapshot and reads the whole store.
    backups: Semaphore,
}

async fn accept(listener: UnixListener, door: Arc<Door>) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // No file may be left to open: the next connection is tried in a moment.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let door = Arc::clone(&door);
        tokio::spawn(async move {
            if let Err(error) = converse(stream, &door).await {
                tracing::debug!(%error, "a command went away");
            }
            drop(permit);
        });
    }
}

async fn converse(stream: UnixStream, door: &Arc<Door>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(LINE_BYTES));
    tokio::time::timeout(PATIENCE, read.read_line(&mut line)).await??;
    let request = serde_json::from_str(&line).map_err(|_| ApiError::not_found());
    let outcome = match request {
        Ok(Request::Backup {}) => return back_up(&mut write, door).await,
        Ok(request) => request::answer(&door.server, request, &door.address).await,
        Err(error) => Err(error),
    };
    let said = match outcome {
        Ok(done) => Said::Done(done),
        Err(error) => Said::Refused {
            zh: error.message.zh.clone(),
            en: error.message.en.clone(),
        },
    };
    say(&mut write, &said).await
}

async fn say(write: &mut (impl AsyncWrite + Unpin), said: &Said) -> io::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    tokio::time::timeout(PATIENCE, write.write_all(&line)).await?
}

/// Sends a backup as it is made. A reader that is too slow, or gone, ends it.
async fn back_up(write: &mut (impl AsyncWrite + Unpin), door: &Arc<Door>) -> io::Result<()> {
    let Ok(_one) = door.backups.try_acquire() else {
        let said = Said::Refused {
            zh: "正在备份，请稍后再试".to_owned(),
            en: "a backup is being made already; try again later".to_owned(),
        };
        return say(write, &said).await;
    };
    let (pieces, mut made) = mpsc::channel(PIECES);
    let store = door.server.node.store.clone();
    let making = tokio::task::spawn_blocking(move || {
        let mut pipe = Pipe::new(pieces);
        store.backup(&mut pipe)
    });
    // What can't be backed up says so before its first byte.
    let first = made.recv().await;
    if first.is_none() {
        let why = match making.await? {
            Ok(_) => "there was nothing to back up".to_owned(),
            Err(error) => error.to_string(),
        };
        let said = Said::Refused {
            zh: format!("无法备份：{why}"),
            en: why,
        };
        return say(write, &said).await;
    }
    say(write, &Said::Done(Value::Null)).await?;
    let mut next = first;
    while let Some(piece) = next {
        tokio::time::timeout(PATIENCE, write.write_all(&piece)).await??;
        next = made.recv().await;
    }
    match making.await? {
        Ok(summary) => {
            tracing::info!(
                position = summary.position,
                bytes = summary.bytes,
                "a backup was made"
            );
            Ok(())
        }
        // The file has no end then, and is not taken for one.
        Err(error) => Err(io::Error::other(error)),
    }
}

/// What is written here is sent in pieces.
struct Pipe {
    pieces: mpsc::Sender<Bytes>,
    waiting: Vec<u8>,
}

impl Pipe {
    fn new(pieces: mpsc::Sender<Bytes>) -> Self {
        Self {
            pieces,
            waiting: Vec::with_capacity(PIECE_BYTES),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.waiting));
        let sent = self.pieces.blocking_send(piece);
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
