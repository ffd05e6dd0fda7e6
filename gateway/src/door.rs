//! Where connections come in: the listener, plain or with TLS, and what is known of who comes.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use chat_core::clock::Clock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use crate::config::Serve;
use crate::tls::{Files, Tls};

/// Connections that may wait to be accepted. With the usual 1,024, a company that comes back at once after
/// a cut waits a second and more for its repeated SYNs; the kernel caps it by `somaxconn`, 4,096 as well.
const BACKLOG: u32 = 4_096;
/// A handshake takes two round trips; who needs longer than this is not there any more.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The listener.
pub struct Door {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its address, or that of a proxy.
    pub address: SocketAddr,
    /// Whether this server decrypts what it says.
    pub tls: bool,
}

impl Door {
    /// Opens the door that the settings ask for; its certificate is renewed as long as the runtime lives.
    ///
    /// # Errors
    /// A sentence: what is wrong with the address or the certificate.
    pub async fn open(serve: &Serve, clock: &Clock) -> Result<Self, String> {
        let tls = match serve.entrance.tls() {
            Some(files) => Some(acceptor(files, clock).await?),
            None => None,
        };
        let tcp = listen(serve.listen).map_err(|error| {
            let remedy = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "; another program uses that port: stop it, or give another address with --listen"
                }
                io::ErrorKind::AddrNotAvailable => {
                    "; this machine has no such address: give one of its own with --listen, or 0.0.0.0 for all"
                }
                io::ErrorKind::PermissionDenied => {
                    "; ports below 1024 are for root: give a higher one with --listen, behind a proxy"
                }
                _ => "",
            };
            format!("can't listen on {}: {error}{remedy}", serve.listen)
        })?;
        Ok(Self { tcp, tls })
    }

    /// Where it is.
    ///
    /// # Errors
    /// The machine does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// How addresses of it begin.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}

impl From<TcpListener> for Door {
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, tls: None }
    }
}

async fn acceptor(files: Files, clock: &Clock) -> Result<TlsAcceptor, String> {
    let tls = Tls::read(files, clock).await?;
    let acceptor = tls.acceptor()?;
    tokio::spawn(tls.renewing(clock.clone())?);
    Ok(acceptor)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // As `TcpListener::bind` does: a restart takes the same port at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Listener for Door {
    type Io = Stream;
    type Addr = Peer;

    async fn accept(&mut self) -> (Stream, Peer) {
        let (tcp, address) = Listener::accept(&mut self.tcp).await;
        // A message is small and should leave at once. A failure costs only delay.
        let _ = tcp.set_nodelay(true);
        let tls = self.tls.is_some();
        let stream = match &self.tls {
            None => Stream::Plain(tcp),
            Some(acceptor) => Stream::Secret(Box::new(Secret::new(acceptor.accept(tcp)))),
        };
        (stream, Peer { address, tls })
    }

    fn local_addr(&self) -> io::Result<Peer> {
        let tls = self.tls.is_some();
        let address = self.tcp.local_addr()?;
        Ok(Peer { address, tls })
    }
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        *stream.remote_addr()
    }
}

/// A connection.
pub enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Encrypted.
    Secret(Box<Secret>),
}

/// A connection that shakes hands when it is first read: in the task of the connection, so that a slow peer
/// keeps nobody else waiting.
pub struct Secret(State);

enum State {
    Shaking(Accept<TcpStream>, Pin<Box<Sleep>>),
    Shaken(TlsStream<TcpStream>),
    Failed,
}

impl Secret {
    fn new(accept: Accept<TcpStream>) -> Self {
        let until = Box::pin(tokio::time::sleep(HANDSHAKE));
        Self(State::Shaking(accept, until))
    }

    fn poll_shaken(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut TlsStream<TcpStream>>> {
        if let State::Shaking(accept, until) = &mut self.0 {
            let late = until.as_mut().poll(cx).is_ready();
            let shaken = match Pin::new(accept).poll(cx) {
                Poll::Pending if late => Err(io::ErrorKind::TimedOut.into()),
                shaken => ready!(shaken),
            };
            match shaken {
                Ok(stream) => self.0 = State::Shaken(stream),
                Err(error) => {
                    tracing::debug!(%error, "a TLS handshake failed");
                    self.0 = State::Failed;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(match &mut self.0 {
            State::Shaken(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Secret(secret) => Pin::new(ready!(secret.poll_shaken(cx))?).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Secret(secret) => Pin::new(ready!(secret.poll_shaken(cx))?).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Self::Secret(secret) => {
                Pin::new(ready!(secret.poll_shaken(cx))?).poll_write_vectored(cx, bufs)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        // Both kinds are.
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Secret(secret) => match &mut secret.0 {
                State::Shaken(stream) => Pin::new(stream).poll_flush(cx),
                // Nothing was written yet.
                State::Shaking(..) | State::Failed => Poll::Ready(Ok(())),
            },
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Secret(secret) => match &mut secret.0 {
                State::Shaken(stream) => Pin::new(stream).poll_shutdown(cx),
                // Dropping it closes it.
                State::Shaking(..) | State::Failed => Poll::Ready(Ok(())),
            },
        }
    }
}
