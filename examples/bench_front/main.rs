//! Figures of the front: `tools/bench-front` builds and runs this. It starts servers of its own as
//! children on loopback, attacks them from 127.0.0.2 and measures from 127.0.0.1.
//!
//! `bench_front serve front|hog|rouille ADDRESS WORKERS` is such a child;
//! `bench_front attacks|stop|throughput [AXUM]` are the measurements, all of them without one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement may die of what surprises it"
)]

mod attacks;
mod serve;
mod throughput;

use std::io::Read;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["serve", kind, address, workers] => serve::run(kind, address, workers.parse().unwrap()),
        ["attacks"] => attacks::run(),
        ["stop"] => throughput::stop(),
        ["throughput", rest @ ..] => throughput::run(rest.first().copied()),
        rest => {
            attacks::run();
            throughput::stop();
            throughput::run(rest.first().copied());
        }
    }
}

/// A child, killed when dropped.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts a server of this program, behind `prefix` (`prlimit …`) if there is one.
    fn start(kind: &str, prefix: &[&str]) -> Process {
        let own = std::env::current_exe().unwrap();
        let address = free_address();
        let mut words: Vec<&str> = prefix.to_vec();
        let (own, text) = (own.to_str().unwrap(), address.to_string());
        words.extend([own, "serve", kind, &text, "32"]);
        Process::spawn(&words, address)
    }

    fn spawn(words: &[&str], address: SocketAddr) -> Process {
        let child = Command::new(words[0]).args(&words[1..]).stdout(Stdio::null()).spawn().unwrap();
        let process = Process { child, address };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "the server did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        process
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }

    /// Resident memory in MiB.
    fn memory(&self) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Processor time in hundredths of a second.
    fn ticks(&self) -> u64 {
        let stat = self.proc("stat");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A socket from 127.0.0.`last`.
fn connect_from(last: u8, to: SocketAddr) -> std::io::Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::from(([127, 0, 0, last], 0)))?;
    connect(&socket, &to)?;
    Ok(TcpStream::from(socket))
}

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// One `/healthz` on this socket.
fn health(socket: &mut TcpStream) -> bool {
    let mut buffer = [0; 1024];
    socket.write_all(HEALTH).is_ok()
        && socket.read(&mut buffer).is_ok_and(|n| buffer[..n].starts_with(b"HTTP/1.1 200"))
}

/// One `/healthz` on a new connection.
fn healthy(address: SocketAddr) -> bool {
    let Ok(mut socket) = TcpStream::connect(address) else { return false };
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    health(&mut socket)
}
