//! Connections to Redis: a stack of idle ones, what their failures mean, and the breaker that
//! keeps requests from waiting for a Redis that does not answer.

use crate::cache::protocol::{FILL, LOOK, LOWER, RAISE, Reach};
use crate::error::{Error, Result};
use crate::lock::lock;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use redis::{Connection, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, Pipeline};
use redis::{RedisError, RedisResult, Script, TlsCertificates, ToRedisArgs, Value};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// How long a reader waits for each step (name, connection, command) before it goes on without Redis.
pub(super) const READ_TIMEOUT: Duration = Duration::from_millis(100);
/// How long to wait at least for each step of a connection over TLS, which takes several round trips.
const TLS_CONNECT: Duration = Duration::from_millis(500);
/// How long readers leave Redis alone after a failure, in milliseconds.
const BREAK_MS: u64 = 1_000;
/// At most this many threads ask for Redis' address at once: the name server may hang.
const ASKING: usize = 16;
/// At most this many idle connections are kept.
const IDLE: usize = 64;

/// All scripts; a new connection loads them, so that a call sends the hash only.
pub(super) struct Scripts {
    pub(super) look: Script,
    pub(super) fill: Script,
    pub(super) raise: Script,
    pub(super) lower: Script,
}

pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| {
    let [look, fill, raise, lower] = [LOOK, FILL, RAISE, LOWER].map(Script::new);
    Scripts { look, fill, raise, lower }
});

/// One connection, and which Redis process is at its other end.
pub(super) struct Link {
    connection: Connection,
    timeout: Duration,
    /// From `INFO server`: new with every start of Redis.
    pub(super) run_id: String,
}

impl Link {
    /// Runs a script with `keys` and `arguments`, in one round trip when Redis has it already. After SCRIPT FLUSH
    /// it is loaded again.
    pub(super) fn run(
        &mut self,
        script: &Script,
        keys: &[impl ToRedisArgs],
        arguments: &[&[u8]],
    ) -> RedisResult<Value> {
        script.key(keys).arg(arguments).invoke(&mut self.connection)
    }

    /// Runs plain commands in one round trip; their answers up to the first error, after which the connection is of
    /// no use. `Pipeline::query` would go on, and wait for a Redis that hangs once for each command.
    pub(super) fn run_plain(&mut self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let connection = &mut self.connection;
        connection.send_packed_command(&commands.get_packed_pipeline())?;
        commands.cmd_iter().map(|_| connection.recv_response()?.extract_error()).collect()
    }

    /// Bounds every wait for this connection. Each change costs two system calls.
    fn set_timeout(&mut self, timeout: Duration) -> RedisResult<()> {
        if self.timeout != timeout {
            self.connection.set_read_timeout(Some(timeout))?;
            self.connection.set_write_timeout(Some(timeout))?;
            self.timeout = timeout;
        }
        Ok(())
    }

    /// Writes a key that goes at once: who may only read, or is full, answers a PING all the same.
    pub(super) fn write_once(&mut self, key: &str) -> RedisResult<()> {
        redis::cmd("SET").arg(key).arg("").arg("PX").arg(1).exec(&mut self.connection)
    }
}

/// Why Redis gave no answer.
#[derive(Debug)]
pub(super) struct Failure {
    /// What that means for a writer.
    reach: Reach,
    /// For the operator.
    pub(super) text: String,
}

impl Failure {
    /// As in a Compose stack whose Redis was stopped. The system's call does not distinguish a name server
    /// that fails for a moment, see the exceptions in `mod.rs`.
    fn no_name() -> Failure {
        Failure { reach: Reach::Gone, text: "its name is unknown".to_owned() }
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Failure {
        let gone = error.is_connection_refusal() || no_host(&error);
        let reach = if gone { Reach::Gone } else { Reach::Silent };
        let text = match error.is_timeout() {
            true => "no answer in time".to_owned(),
            // What a server says that is no Redis has several lines.
            false => error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
        };
        Failure { reach, text }
    }
}

/// The server is a Redis replica, or a primary with fewer replicas than `min-replicas-to-write`, or still loads
/// its data. Others may use the primary meanwhile.
fn may_not_write(error: &RedisError) -> bool {
    let errors = error.clone().into_server_errors();
    let codes = ["READONLY", "NOREPLICAS", "LOADING"];
    errors.is_some_and(|all| all.iter().any(|it| codes.contains(&it.1.code())))
}

/// The host is gone from its network: its address does not answer there (`EHOSTUNREACH`).
fn no_host(error: &RedisError) -> bool {
    // redis keeps the system's error in an Arc.
    type Inner = Arc<dyn std::error::Error + Send + Sync>;
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<Inner>()?.downcast_ref::<std::io::Error>())
        .is_some_and(|io| io.kind() == std::io::ErrorKind::HostUnreachable)
}

/// Asks for addresses in threads of its own: the system's call waits for a name server that is
/// down for as long as it likes, and must not hold up a request or `readyz`.
#[derive(Default)]
struct Resolver {
    /// How many such threads there are.
    asking: Arc<AtomicUsize>,
}

impl Resolver {
    /// Where Redis is: a TCP address for each that the name has. For TLS the name itself, once it is known
    /// that the name server answers: the client looks it up again.
    fn addresses(
        &self,
        address: &ConnectionAddr,
        time: Duration,
    ) -> Result<Vec<ConnectionAddr>, Failure> {
        let (host, port) = match address {
            ConnectionAddr::Tcp(host, port) if host.parse::<IpAddr>().is_err() => (host, *port),
            ConnectionAddr::TcpTls { host, port, .. } if host.parse::<IpAddr>().is_err() => {
                (host, *port)
            }
            plain => return Ok(vec![plain.clone()]),
        };
        let silent = || Failure { reach: Reach::Silent, text: "no answer for its name".to_owned() };
        if self.asking.fetch_add(1, Ordering::Relaxed) >= ASKING {
            self.asking.fetch_sub(1, Ordering::Relaxed);
            return Err(silent());
        }
        let (sender, receiver) = std::sync::mpsc::channel();
        let (host, asking) = (host.clone(), self.asking.clone());
        let ask = move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Vec::from_iter);
            asking.fetch_sub(1, Ordering::Relaxed);
            let _ = sender.send(found); // the caller may have given up
        };
        if std::thread::Builder::new().spawn(ask).is_err() {
            self.asking.fetch_sub(1, Ordering::Relaxed);
        }
        match receiver.recv_timeout(time) {
            Ok(Ok(found)) if matches!(address, ConnectionAddr::Tcp(..)) => {
                let tcp = |found: SocketAddr| ConnectionAddr::Tcp(found.ip().to_string(), port);
                Ok(found.into_iter().map(tcp).collect())
            }
            Ok(Ok(_)) => Ok(vec![address.clone()]),
            Ok(Err(_)) => Err(Failure::no_name()),
            Err(_) => Err(silent()),
        }
    }
}

/// Redis as the cache sees it.
pub(super) struct Store {
    info: ConnectionInfo,
    /// PEM; none: the system's.
    authorities: Option<Vec<u8>>,
    resolver: Resolver,
    idle: Mutex<Vec<Link>>,
    start: Instant,
    /// Milliseconds after `start` until which readers leave Redis alone; 0: they need not.
    broken_until: AtomicU64,
}

impl Store {
    /// Reads the address; does not connect. `extra_ca` (PEM) is trusted beside the system's
    /// certificates.
    pub(super) fn new(url: &str, extra_ca: Option<&[u8]>) -> Result<Store> {
        let wrong = |error: RedisError| Error::invalid("REDIS_URL", error.to_string());
        let info = url.into_connection_info().map_err(wrong)?;
        // One round trip less at the start of each connection: our library's name is never read.
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        Ok(Store {
            authorities: extra_ca.map(with_those_of_the_system),
            info: info.set_redis_settings(settings).set_tcp_settings(tcp),
            resolver: Resolver::default(),
            idle: Mutex::new(Vec::new()),
            start: Instant::now(),
            broken_until: AtomicU64::new(0),
        })
    }

    /// For readers, their fills and the counters: `None` when Redis fails or has failed within the last second. After that
    /// second one reader tries, and the others come back when it has succeeded.
    pub(super) fn read<T>(&self, ask: impl FnMut(&mut Link) -> RedisResult<T>) -> Option<T> {
        let until = self.broken_until.load(Ordering::Relaxed);
        if until != 0 {
            let (now, order) = (self.now_ms(), Ordering::Relaxed);
            let next = now + BREAK_MS;
            if now < until || self.broken_until.compare_exchange(until, next, order, order).is_err()
            {
                return None;
            }
        }
        match self.attempt(READ_TIMEOUT, ask) {
            Ok(answer) => {
                if until != 0 {
                    self.broken_until.store(0, Ordering::Relaxed);
                    log::info!("Redis answers again");
                }
                Some(answer)
            }
            Err(failure) => {
                let was = self.broken_until.swap(self.now_ms() + BREAK_MS, Ordering::Relaxed);
                if was == 0 {
                    log::warn!("Redis does not answer, going on without: {}", failure.text);
                }
                None
            }
        }
    }

    /// For writers, whose change must reach the other replicas: always tries, whatever the breaker says.
    pub(super) fn write<T>(
        &self,
        timeout: Duration,
        ask: impl FnMut(&mut Link) -> RedisResult<T>,
    ) -> Reach {
        match self.attempt(timeout, ask) {
            Ok(_) => Reach::Done,
            Err(failure) => failure.reach,
        }
    }

    /// Asks on an idle connection, or on a new one where none is alive. A connection that
    /// failed is dropped: a late answer to an old question must never meet a new one.
    pub(super) fn attempt<T>(
        &self,
        timeout: Duration,
        mut ask: impl FnMut(&mut Link) -> RedisResult<T>,
    ) -> Result<T, Failure> {
        loop {
            let Some(link) = lock(&self.idle).pop() else { break };
            match self.ask_on(link, timeout, &mut ask) {
                // Closed while it was idle, by a restart or by Redis' own `timeout`. All of them
                // are tried before a new one: while one lives, Redis is there, even if it (or a
                // proxy before it) takes no new connections. Every script may run twice: at worst a request is
                // counted or taken back twice; a lease that was taken twice is not used (`not_leased`).
                // Where one leads to a Redis that may not write, another one may lead to the primary.
                Err(error) if error.is_connection_dropped() || may_not_write(&error) => {}
                answer => return Ok(answer?),
            }
        }
        let link = self.connect(timeout)?;
        Ok(self.ask_on(link, timeout, &mut ask)?)
    }

    fn ask_on<T>(
        &self,
        mut link: Link,
        timeout: Duration,
        ask: &mut impl FnMut(&mut Link) -> RedisResult<T>,
    ) -> RedisResult<T> {
        link.set_timeout(timeout)?;
        let answer = ask(&mut link)?;
        let mut idle = lock(&self.idle);
        if idle.len() < IDLE {
            idle.push(link);
        }
        Ok(answer)
    }

    /// A new connection; learns the run id and loads the scripts in one round trip.
    fn connect(&self, timeout: Duration) -> Result<Link, Failure> {
        let tls = matches!(self.info.addr(), ConnectionAddr::TcpTls { .. });
        let step = if tls { timeout.max(TLS_CONNECT) } else { timeout };
        let mut failure = None;
        for address in self.resolver.addresses(self.info.addr(), timeout)? {
            match self.connect_to(self.info.clone().set_addr(address), step) {
                Ok(link) => return Ok(link),
                // Of several addresses, one that may be alive matters more than one that is not.
                Err(error) => match failure {
                    Some(Failure { reach: Reach::Silent, .. }) => {}
                    _ => failure = Some(Failure::from(error)),
                },
            }
        }
        Err(failure.unwrap_or_else(Failure::no_name))
    }

    fn connect_to(&self, info: ConnectionInfo, step: Duration) -> RedisResult<Link> {
        let tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        let client = match &self.authorities {
            Some(root_cert) if tls => {
                let root_cert = Some(root_cert.clone());
                redis::Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
            }
            _ => redis::Client::open(info),
        };
        let connection = client?.get_connection_with_timeout(step)?;
        connection.set_read_timeout(Some(step))?;
        connection.set_write_timeout(Some(step))?;
        let mut link = Link { connection, timeout: step, run_id: String::new() };
        let mut setup = redis::pipe();
        setup.cmd("INFO").arg("server");
        for text in [LOOK, FILL, RAISE, LOWER] {
            setup.cmd("SCRIPT").arg("LOAD").arg(text);
        }
        let info = link.run_plain(&setup)?.into_iter().next().unwrap_or(Value::Nil);
        let info: String = redis::from_redis_value(info)?;
        let run_id = info.lines().find_map(|line| line.strip_prefix("run_id:")).map(str::trim);
        let run_id = run_id.filter(|run_id| !run_id.is_empty());
        let none = || RedisError::from((ErrorKind::Client, "INFO server has no run_id"));
        run_id.ok_or_else(none)?.clone_into(&mut link.run_id);
        Ok(link)
    }

    /// Milliseconds since the start; at least 1, since 0 says that nothing is broken.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX / 2).max(1)
    }
}

/// The system's certificates behind ours, as PEM: the client takes one list, in place of the system's.
fn with_those_of_the_system(own: &[u8]) -> Vec<u8> {
    let mut pem = own.to_vec();
    for certificate in rustls_native_certs::load_native_certs().certs {
        let text = STANDARD.encode(&certificate);
        pem.extend_from_slice(b"\n-----BEGIN CERTIFICATE-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.extend_from_slice(line);
            pem.push(b'\n');
        }
        pem.extend_from_slice(b"-----END CERTIFICATE-----\n");
    }
    pem
}

#[cfg(test)]
mod tests;
