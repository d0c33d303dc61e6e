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
#[allow(dead_code, reason = "shared with bench, which asks for more")]
#[path = "../bench/process.rs"]
mod process;
mod serve;
mod throughput;

use process::{Process, free_address};
use std::io::Read;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

/// As in contactd itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

/// Starts a server of this program, behind `prefix` (`prlimit …`) if there is one.
fn start(kind: &str, prefix: &[&str]) -> Process {
    let own = std::env::current_exe().unwrap();
    let address = free_address();
    let mut words: Vec<&str> = prefix.to_vec();
    let (own, text) = (own.to_str().unwrap(), address.to_string());
    words.extend([own, "serve", kind, &text, "32"]);
    spawn(&words, address)
}

fn spawn(words: &[&str], address: SocketAddr) -> Process {
    Process::spawn(Command::new(words[0]).args(&words[1..]).stdout(Stdio::null()), address)
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
