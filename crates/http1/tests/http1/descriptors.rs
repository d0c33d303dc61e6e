//! No descriptors left. A process has one limit of them, so the server is a child here: this very
//! program, run with only the ignored test below.

use crate::harness::{HEALTH, Logged, Running, eventually, small};
use http1::Limits;
use rustix::net::{AddressFamily, SocketType, connect, socket};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that is another process.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program with only one of its tests.
pub fn child(test: &str) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--ignored", "--nocapture"]);
    child
}

/// Every descriptor that is left.
fn hog() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

impl Server {
    /// Starts it, and waits until it says where it serves.
    pub fn start(mut child: Command) -> Server {
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.find_map(|line| Some(line.split_once("serves ")?.1.parse().unwrap()));
        // Its standard output stays open to its end, or its test harness would fail.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, address: address.unwrap() }
    }

    /// With 64 descriptors. The program behind it hogs all but this many, or none of them for 0.
    fn with_64(left: &str) -> Server {
        let mut child = child("descriptors::serve");
        child.env("HTTP1_TEST_DESCRIPTORS_LEFT", left);
        Server::start(child)
    }

    fn serves(&self) -> bool {
        let Ok(mut socket) = TcpStream::connect(self.address) else { return false };
        socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut buffer = [0; 1024];
        socket.write_all(HEALTH.as_bytes()).is_ok()
            && socket.read(&mut buffer).is_ok_and(|n| buffer[..n].starts_with(b"HTTP/1.1 200"))
    }

    fn survives_200_clients(mut self) {
        assert!(self.serves());
        let mut clients: Vec<_> =
            (0..200).filter_map(|_| TcpStream::connect(self.address).ok()).collect();
        for client in &mut clients {
            let _ = client.write_all(HEALTH.as_bytes());
        }
        std::thread::sleep(Duration::from_millis(1500));
        assert!(self.child.try_wait().unwrap().is_none(), "it lives");
        drop(clients);
        let start = Instant::now();
        while !self.serves() {
            assert!(start.elapsed() < Duration::from_secs(5), "it serves again");
        }
    }
}

#[test]
#[ignore = "the child of the tests below"]
#[allow(clippy::disallowed_methods, reason = "how the parent passes it on")]
fn serve() {
    let left: usize = std::env::var("HTTP1_TEST_DESCRIPTORS_LEFT").unwrap().parse().unwrap();
    setrlimit(Resource::Nofile, Rlimit { current: Some(32), maximum: Some(64) }).unwrap();
    let server = Running::start(small());
    assert_eq!(rustix::process::getrlimit(Resource::Nofile).current, Some(64), "it was raised");
    assert_eq!(Logged::matching("64 descriptors are enough for 28 connections only").len(), 1);
    let mut hogged = hog();
    hogged.truncate(if left == 0 { 0 } else { hogged.len() - left });
    println!("serves {}", server.address);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_secs(1));
        let lines = Logged::matching("no connection can be accepted").len() as u64;
        assert!(lines <= 2 + begin.elapsed().as_secs(), "once a second: {lines}");
    }
}

#[test]
#[ignore = "the child of the test below"]
fn stop() {
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: Some(64) }).unwrap();
    let mut server = Running::start(Limits { max_connections: 28, ..small() });
    let mut client = server.connect();
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(Logged::matching(""), [""; 0], "nothing is wrong yet");
    let late = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    let _hogged = hog();
    connect(&late, &server.address).unwrap();
    eventually("it is told", || !Logged::matching("no connection can be accepted").is_empty());
    server.stopper.stop();
    assert!(server.stopped(), "gracefully");
    std::process::exit(0); // the harness would want descriptors
}

#[test]
fn without_descriptors_it_can_still_be_stopped() {
    let mut child = child("descriptors::stop").stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if start.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(ended.expect("it ended").success());
}

#[test]
fn with_64_descriptors_200_clients_do_no_harm() {
    Server::with_64("0").survives_200_clients();
}

#[test]
fn a_program_without_descriptors_is_survived() {
    Server::with_64("6").survives_200_clients();
}
