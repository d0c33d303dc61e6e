//! What slow and hostile clients do to others.

use super::{HEALTH, connect_from, health, healthy};
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub fn run() {
    println!(
        "{:<34} {:>8} {:>8} {:>8}  memory MiB",
        "attack from 127.0.0.2", "p50 ms", "p99 ms", "failed"
    );
    println!("{:<34} {:>8} {:>8} {:>8}  before, during, after", "", "", "", "");
    let head = b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ";
    let body = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let large = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20);
    slow("none", &[]);
    slow("2,000 slow heads", &[(2000, head)]);
    slow("2,000 slow bodies", &[(2000, body)]);
    slow("200 that do not read", &[(200, &large)]);
    slow("all of these", &[(2000, head), (2000, body), (200, &large)]);
    flood("32 floods of empty lines", &b"\r\n".repeat(32 << 10));
    flood("32 floods of half heads", b"GET / HTTP/1.1\r\nHost: a\r\nX: ");
    flood("32 floods of pipelined requests", &HEALTH.repeat(1_000));
    idle();
    few_descriptors("front", "nofile 64, 200 clients");
    few_descriptors("hog", "the program took all descriptors");
    few_threads();
    cut_at_every_byte();
}

/// Attackers that send a byte a second, and open again what is closed, while one client asks for
/// `/healthz`, each tenth time on a new connection.
fn slow(name: &str, attackers: &[(usize, &[u8])]) {
    let attackers = attackers.iter().map(|(count, first)| {
        let (count, first) = (*count, first.to_vec());
        Box::new(move |address, stop: &AtomicBool| attack(address, count, &first, stop)) as Attack
    });
    under(name, attackers.collect());
}

/// Attackers that send these bytes as fast as they are taken, read nothing, and open again what is
/// closed.
fn flood(name: &str, bytes: &[u8]) {
    let attackers = (0..32).map(|_| {
        let bytes = bytes.to_vec();
        Box::new(move |address, stop: &AtomicBool| {
            while !stop.load(Ordering::Relaxed) {
                let Ok(mut socket) = connect_from(2, address) else { continue };
                let _ = socket.set_write_timeout(Some(Duration::from_millis(200)));
                while !stop.load(Ordering::Relaxed) && socket.write_all(&bytes).is_ok() {}
            }
        }) as Attack
    });
    under(name, attackers.collect());
}

type Attack = Box<dyn Fn(SocketAddr, &AtomicBool) + Send>;

/// What a client elsewhere gets of a server under these attacks.
fn under(name: &str, attackers: Vec<Attack>) {
    let server = super::start("front", &[]);
    let address = server.address;
    assert!(healthy(address));
    let before = server.memory();
    let stop = Arc::new(AtomicBool::new(false));
    let is_attacked = !attackers.is_empty();
    let threads: Vec<_> = attackers
        .into_iter()
        .map(|attack| {
            let stop = stop.clone();
            std::thread::spawn(move || attack(address, &stop))
        })
        .collect();
    std::thread::sleep(Duration::from_secs(if is_attacked { 3 } else { 0 }));
    let (times, failed) = measure(address, Duration::from_secs(8));
    let during = server.memory();
    stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // A thread of the pool that has nothing to do ends after five seconds, and its memory with it. The
    // allocator gives memory back when it is next asked for some, not by itself.
    measure(address, Duration::from_secs(8));
    let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize];
    println!(
        "{name:<34} {:>8.2} {:>8.2} {failed:>8}  {before:.1}, {during:.1}, {:.1}",
        at(0.5),
        at(0.99),
        server.memory(),
    );
}

fn attack(address: SocketAddr, count: usize, first: &[u8], stop: &AtomicBool) {
    let open = || {
        let mut socket = connect_from(2, address).ok()?;
        socket.set_nonblocking(true).ok()?;
        let _ = socket.write(first);
        Some(socket)
    };
    let mut sockets: Vec<Option<TcpStream>> = (0..count).map(|_| open()).collect();
    while !stop.load(Ordering::Relaxed) {
        let second = Instant::now();
        for socket in &mut sockets {
            // An error other than a full buffer is a closed connection.
            let closed = socket.as_mut().is_none_or(|s| {
                s.write(b"x").is_err_and(|e| e.kind() != std::io::ErrorKind::WouldBlock)
            });
            if closed {
                *socket = open();
            }
        }
        std::thread::sleep(Duration::from_secs(1).saturating_sub(second.elapsed()));
    }
}

/// Sorted times in milliseconds, and failures.
fn measure(address: SocketAddr, length: Duration) -> (Vec<f64>, usize) {
    let (mut times, mut failed, mut socket) = (Vec::new(), 0, None);
    let start = Instant::now();
    while start.elapsed() < length {
        let one = Instant::now();
        if times.len() % 10 == 0 {
            socket = None;
        }
        let mut connection = socket.take().unwrap_or_else(|| TcpStream::connect(address).unwrap());
        connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        if health(&mut connection) {
            socket = Some(connection);
        } else {
            failed += 1;
        }
        times.push(one.elapsed().as_secs_f64() * 1000.0);
        std::thread::sleep(Duration::from_millis(4));
    }
    times.sort_by(f64::total_cmp);
    (times, failed)
}

fn idle() {
    let server = super::start("front", &[]);
    assert!(healthy(server.address));
    std::thread::sleep(Duration::from_millis(300));
    let (memory, descriptors) = (server.memory(), server.descriptors());
    let sockets: Vec<_> = (0..10_000).map(|_| connect_from(2, server.address)).collect();
    let served = healthy(server.address);
    let (most, during) = (server.memory(), server.descriptors());
    drop(sockets);
    std::thread::sleep(Duration::from_secs(1));
    println!(
        "10,000 idle connections: a new client is served: {served}; descriptors {descriptors}, \
         {during}, {}; memory {memory:.1}, {most:.1}, {:.1} MiB",
        server.descriptors(),
        server.memory(),
    );
}

fn few_descriptors(kind: &str, name: &str) {
    let mut server = super::start(kind, &["prlimit", "--nofile=64:64"]);
    let mut sockets: Vec<_> = (0..200).map(|_| connect_from(2, server.address)).collect();
    for socket in sockets.iter_mut().flatten() {
        let _ = socket.write(HEALTH);
    }
    std::thread::sleep(Duration::from_secs(2));
    drop(sockets);
    let start = Instant::now();
    while !healthy(server.address) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let alive = server.is_alive();
    println!("{name}: alive: {alive}; serves {} ms after they left", start.elapsed().as_millis());
}

/// As an ordinary user: root has no such limit.
fn few_threads() {
    let copy = std::path::Path::new("/tmp").join(format!("bench-front-{}", std::process::id()));
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let (address, user) = (super::free_address(), ["--reuid=64999", "--regid=64999"]);
    let text = address.to_string();
    let words = ["setpriv", user[0], user[1], "--clear-groups", "prlimit", "--nproc=8"];
    let words = [&words[..], &[copy.to_str().unwrap(), "serve", "front", &text, "32"]].concat();
    let mut server = super::spawn(&words, address);
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.child.id())).unwrap().count();
    let served = (0..100).all(|_| healthy(server.address));
    println!("nproc 8: {threads} threads, alive: {}, serves: {served}", server.is_alive());
    std::fs::remove_file(copy).unwrap();
}

fn cut_at_every_byte() {
    let mut server = super::start("front", &[]);
    assert!(healthy(server.address));
    std::thread::sleep(Duration::from_millis(300));
    let before = server.descriptors();
    let request = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    for round in 0..1000 {
        for at in 0..=request.len() {
            let mut socket = TcpStream::connect(server.address).unwrap();
            let _ = socket.write_all(&request[..at]);
            if round % 2 == 0 {
                let zero = Some(Duration::ZERO);
                let _ = rustix::net::sockopt::set_socket_linger(&socket, zero);
            } else {
                let _ = socket.shutdown(Shutdown::Write);
            }
        }
    }
    let served = healthy(server.address);
    std::thread::sleep(Duration::from_secs(3));
    println!(
        "reset or half-close at each of {} bytes, 1,000 times: alive: {}, serves: {served}, \
         descriptors {before}, {}",
        request.len(),
        server.is_alive(),
        server.descriptors(),
    );
}
