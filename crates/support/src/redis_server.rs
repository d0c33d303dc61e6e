//! A Redis of a test's own, which it may stop, kill and start again.

use rustix::process::{Pid, Signal, kill_process};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub struct RedisServer {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl RedisServer {
    /// Starts one with an empty folder on a free port. The port is free a moment before; should
    /// another process take it, the test fails instead of talking to a stranger: the password is
    /// our own.
    pub fn start() -> RedisServer {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir();
        let folder = folder.join(format!("contactd-redis-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = free_port(number);
        let server = RedisServer { child: run(port, &folder), port, folder };
        server.wait();
        server
    }

    /// One that speaks TLS only, with this certificate and its key, both PEM.
    pub fn start_with_tls(certificate: &str, key: &str) -> RedisServer {
        let folder = std::env::temp_dir();
        let folder = folder.join(format!("contactd-redis-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("cert.pem"), certificate).unwrap();
        std::fs::write(folder.join("key.pem"), key).unwrap();
        let port = free_port(77);
        let number = port.to_string();
        let tls = ["--port", "0", "--tls-port", &number, "--tls-auth-clients", "no"];
        let files = ["--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem"];
        let child = run_with(port, &folder, &[tls.as_slice(), &files].concat());
        let end = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "Redis did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        RedisServer { child, port, folder }
    }

    /// Its address for TLS.
    pub fn tls_url(&self) -> String {
        format!("rediss://:{}@localhost:{}/", password(self.port), self.port)
    }

    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/", password(self.port), self.port)
    }

    pub fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// As after a crash: nothing is saved.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on its port, with the dump that is in its folder.
    pub fn restart(&mut self) {
        self.child = run(self.port, &self.folder);
        self.wait();
    }

    /// It keeps its connections and answers nothing.
    pub fn hang(&self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn wait(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        let client = redis::Client::open(self.url()).unwrap();
        let ping = || redis::cmd("PING").exec(&mut client.get_connection()?);
        while let Err(error) = ping() {
            assert!(Instant::now() < end, "Redis did not start: {error}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Below the range from which the system takes ports for outgoing connections, so that it is
/// still free when a server starts again. No port is given twice, to two tests of one program.
pub fn free_port(number: usize) -> u16 {
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let first = std::process::id() as usize * 31 + number * 7;
    let ports = (0..10_000).map(|step| 20_000 + ((first + step) % 10_000) as u16);
    let free =
        |port: &u16| !given.contains(port) && TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let port = ports.into_iter().find(free).unwrap();
    given.push(port);
    port
}

fn password(port: u16) -> String {
    format!("{}-{port}", std::process::id())
}

fn run(port: u16, folder: &std::path::Path) -> Child {
    run_with(port, folder, &["--port", &port.to_string()])
}

fn run_with(port: u16, folder: &std::path::Path, arguments: &[&str]) -> Child {
    let binary = std::env::var("TEST_REDIS_SERVER").expect("TEST_REDIS_SERVER: run ./dev test");
    // Started in its folder: Redis' own `dir` setting breaks on spaces.
    Command::new(binary)
        .current_dir(folder)
        .args(["--bind", "127.0.0.1", "--save", ""])
        .args(arguments)
        .args(["--requirepass", &password(port)])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}
