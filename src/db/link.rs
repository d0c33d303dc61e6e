//! The socket to Postgres: TLS, and an end to waiting.
//!
//! The driver waits for an answer for ever. Postgres ends a statement that takes too long by
//! itself, but not when all of it hangs (a stuck disk, a stopped process whose kernel goes on
//! acknowledging), nor when a commit waits for a standby that is gone. So each read from the socket has a
//! deadline, except over Unix sockets (and beside one without TLS, see below) and while the schema is changed.
//! TCP's connecting and sending have limits of their own (`config::values::database_url`). The connector for TLS is the only code of ours that
//! the driver lets touch its socket, so it is used for connections without TLS, too.

use crate::config::{Config, trust};
use crate::error::{Error, Result};
use crate::lock::lock;
use postgres::Socket;
use postgres::config::{Host, SslMode, SslNegotiation};
use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use rustls::pki_types::ServerName;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Sleep;
use tokio_rustls::TlsConnector;

/// How long Postgres may take for an answer, to its last row: a second more than its own limit for a statement.
/// A statement that is prepared first is two questions.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(6);

/// Until when a connection waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Deadline(Mutex<Option<Instant>>);

impl Deadline {
    /// Sets the deadline of the next answer; none: wait for ever. To be called before each question, since the
    /// deadline of the last one still stands. Dropping a connection also waits for an answer that is still to
    /// come, until this deadline.
    pub(super) fn set(&self, limit: Option<Duration>) {
        let deadline = limit.map(|limit| Instant::now() + limit);
        *lock(&self.0) = deadline;
    }
}

/// Makes connections as the configuration asks for.
pub(super) struct Dialer {
    config: postgres::Config,
    tls: TlsConnector,
}

impl Dialer {
    /// Fails when `TLS_CA_FILE` holds a certificate that cannot be read.
    pub(super) fn new(config: &Config) -> Result<Dialer> {
        Ok(Dialer { config: config.postgres.clone(), tls: tls(config)? })
    }

    /// The driver's configuration and connector for one connection.
    pub(super) fn parts(&self, deadline: &Arc<Deadline>) -> (postgres::Config, Connector) {
        let mut config = self.config.clone();
        let all_tcp = config.get_hosts().iter().all(|host| matches!(host, Host::Tcp(_)));
        let connector = Connector {
            tls: self.tls.clone(),
            mode: config.get_ssl_mode(),
            asks_first: all_tcp && config.get_ssl_negotiation() == SslNegotiation::Postgres,
            deadline: Arc::clone(deadline),
        };
        // The driver refuses connectors on Unix sockets. Where one of the hosts is such a socket, it asks for
        // TLS itself, calls the connector only for that, and waiting without TLS has no end.
        if all_tcp {
            // To the driver this means: give the bare socket to the connector at once. What was configured
            // stands in the connector.
            config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        }
        (config, connector)
    }
}

/// For TLS the public roots, and what `TLS_CA_FILE` adds.
fn tls(config: &Config) -> Result<TlsConnector> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let own = config.tls_ca.as_deref().unwrap_or_default();
    trust(&mut roots, own).map_err(|why| Error::internal(format!("TLS_CA_FILE {why}")))?;
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(tls)))
}

/// Turns a socket into a stream: with TLS or without, with a deadline in any case.
#[derive(Clone)]
pub(super) struct Connector {
    tls: TlsConnector,
    mode: SslMode,
    /// Postgres' own way, left to us: the server is asked in the clear whether it speaks TLS.
    asks_first: bool,
    deadline: Arc<Deadline>,
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Box<dyn ReadWrite>;
    type TlsConnect = Dial;
    type Error = Infallible;

    /// Called for each of several hosts anew.
    fn make_tls_connect(&mut self, host: &str) -> Result<Dial, Infallible> {
        self.deadline.set(Some(ANSWER_LIMIT));
        Ok(Dial { host: host.to_owned(), how: self.clone() })
    }
}

/// One connection about to be made.
pub(super) struct Dial {
    host: String,
    how: Connector,
}

impl TlsConnect<Socket> for Dial {
    type Stream = Box<dyn ReadWrite>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Box<dyn ReadWrite>>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let Dial { host, how } = self;
            let mut socket = TimedSocket { socket, deadline: how.deadline, timer: None };
            let secure = match how.mode {
                SslMode::Disable => false,
                _ if !how.asks_first => true,
                _ => offers_tls(&mut socket).await?,
            };
            match how.mode {
                _ if secure => {
                    let name = ServerName::try_from(host).map_err(io::Error::other)?;
                    Ok(Box::new(how.tls.connect(name, socket).await?) as Box<dyn ReadWrite>)
                }
                SslMode::Disable | SslMode::Prefer => Ok(Box::new(socket) as Box<dyn ReadWrite>),
                _ => Err(io::Error::other("server does not support TLS")),
            }
        })
    }
}

/// `SSLRequest` (Postgres' manual, "Message Flow", "SSL Session Encryption").
async fn offers_tls(socket: &mut TimedSocket) -> io::Result<bool> {
    socket.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await?;
    Ok(socket.read_u8().await? == b'S')
}

/// A socket whose reads have a deadline.
pub(super) struct TimedSocket {
    socket: Socket,
    deadline: Arc<Deadline>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for TimedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.socket).poll_read(cx, buffer) {
            return Poll::Ready(read);
        }
        let Some(deadline) = lock(&self.deadline.0).map(tokio::time::Instant::from) else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
        let text = "Postgres does not answer";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
    }
}

impl AsyncWrite for TimedSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// What the driver talks through: a [`TimedSocket`], with TLS or without.
pub(super) trait ReadWrite: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> ReadWrite for T {}

impl TlsStream for Box<dyn ReadWrite> {
    /// Not offered: the digest of the server's certificate would take ten more packages, and the
    /// certificate was verified. A URL with `channel_binding=require` gets no connection.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
