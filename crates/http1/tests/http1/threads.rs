//! Who has a thread, when all are taken or no more can be had.

use crate::descriptors::{Server, child};
use crate::harness::{
    Behind, Client, HEALTH, Running, connect_to, eventually, line, small, waiting_threads,
};
use http1::Limits;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn start(threads: usize) -> (Running, Arc<Behind>) {
    let behind = Behind::new(false);
    (Running::behind(Limits { threads, ..small() }, behind.clone()), behind)
}

/// A client of this address with a body to send. 100: a thread waits for it.
fn half(server: SocketAddr, address: u8) -> (Client, u16) {
    let mut client = connect_to(server, address, false);
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
    client.send(format!("{head}Content-Length: 20000\r\n\r\n"));
    let status = client.answer().unwrap().status;
    (client, status)
}

/// So many for which threads wait.
fn halves(server: SocketAddr, address: u8, count: usize) -> Vec<Client> {
    let waited_for = |(client, status)| {
        assert_eq!(status, 100);
        client
    };
    (0..count).map(|_| waited_for(half(server, address))).collect()
}

fn go_on(clients: impl IntoIterator<Item = Client>) {
    for mut client in clients {
        client.send([b'x'; 20_000]);
        assert_eq!(client.answer().unwrap().body.len(), 20_000);
    }
}

#[test]
fn without_a_thread_the_newest_slow_client_of_the_greediest_address_goes() {
    let (server, _) = start(5);
    let mut greedy = halves(server.address, 2, 5);
    assert_eq!(half(server.address, 2).1, 503, "its own sixth");
    let other = halves(server.address, 3, 1);
    let refused = greedy.pop().unwrap().answer().unwrap();
    assert_eq!((refused.status, refused.header("Retry-After")), (503, Some("1")));
    go_on(greedy.into_iter().chain(other));
    assert_eq!(server.connect_from(4).get("/healthz").status, 200);
}

#[test]
fn who_has_one_thread_more_keeps_it_or_the_two_would_only_swap() {
    let (server, _) = start(3);
    let (two, one) = (halves(server.address, 2, 2), halves(server.address, 3, 1));
    assert_eq!(half(server.address, 3).1, 503);
    go_on(two.into_iter().chain(one));
}

/// The line lets two run at once, and both runners are called by the address that has all threads.
#[test]
fn without_a_thread_a_greedy_address_keeps_no_other_out_of_the_line() {
    let (server, behind) = start(5);
    let mut greedy = halves(server.address, 2, 5);
    let _in_the_line = [(); 2].map(|()| {
        let mut client = server.connect_from(2);
        client.send(HEALTH);
        client
    });
    eventually("all are in the line", || behind.holds.looked_at.load(Ordering::SeqCst) == 7);
    assert_eq!(server.connect_from(3).get("/healthz").status, 200);
    // Its newest body had to go for it: none was waited for until it was too slow (408).
    assert_eq!(greedy[4].answer().unwrap().status, 503);
}

#[test]
fn a_quick_answer_needs_no_thread() {
    let limits = Limits { threads: 2, ..small() };
    let server = Running::behind(limits, Behind::new(true));
    let slow = halves(server.address, 2, 2);
    let mut quick = server.connect_from(2);
    for _ in 0..2 {
        assert_eq!(quick.get("/healthz").status, 200);
    }
    go_on(slow);
}

#[test]
fn who_waits_in_the_line_needs_no_thread_and_costs_nobody_one() {
    let behind = Behind::new(false);
    let limits = Limits { threads: 5, lines: vec![line(1, 99)], ..Limits::default() };
    let server = Running::behind(limits, behind.clone());
    let held = behind.holds.work.lock().unwrap();
    let mut clients = vec![server.connect_from(3)];
    clients[0].send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    eventually("it is at work", || behind.holds.begun() == 1);
    let greedy = halves(server.address, 2, 4);
    // One after another, and one more than there are threads that look: a second look of a thread shows that it
    // has put what it looked at first into the line.
    for number in 1..=waiting_threads() + 1 {
        clients.push(server.connect_from(4));
        clients[number].send(HEALTH);
        let looked_at = || behind.holds.looked_at.load(Ordering::SeqCst);
        eventually("it is looked at", || looked_at() == 1 + greedy.len() + number);
    }
    drop(held);
    clients.iter_mut().for_each(|client| assert_eq!(client.answer().unwrap().status, 200));
    go_on(greedy);
}

/// Address space for one stack, of which the children below have no more than they are given.
const STACK: u64 = 64 << 20;

#[test]
#[ignore = "the child of the tests below"]
#[allow(clippy::disallowed_methods, reason = "how the parent passes it on")]
fn serve_with_few() {
    let few: u64 = std::env::var("HTTP1_TEST_THREADS").unwrap().parse().unwrap();
    let (send, stopper) = std::sync::mpsc::channel::<http1::Stopper>();
    std::thread::spawn(move || {
        let stopper = stopper.recv().unwrap();
        std::thread::sleep(Duration::from_secs(60)); // no parent needs it any more
        stopper.stop();
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|it| it.strip_prefix("VmSize:")?.strip_suffix("kB"));
    let size = size.unwrap().trim().parse::<u64>().unwrap() << 10;
    let most = Some(size + few * STACK + STACK / 2);
    setrlimit(Resource::As, Rlimit { current: most, maximum: most }).unwrap();
    match http1::Server::bind("127.0.0.1:0", small(), Behind::new(false)) {
        Ok(server) => {
            println!("serves {}", server.local_addr());
            send.send(server.stopper()).unwrap();
            server.run();
        }
        Err(e) => println!("no server: {e}"),
    }
}

fn with_few(threads: &str) -> std::process::Command {
    let mut child = child("threads::serve_with_few");
    child.env("RUST_MIN_STACK", STACK.to_string()).env("MALLOC_ARENA_MAX", "1");
    child.env("HTTP1_TEST_THREADS", threads);
    child
}

/// The same where a thread may still have the end of an answer to do: a client that is refused tries again.
fn half_in_time(server: SocketAddr, address: u8) -> Client {
    let mut got = half(server, address);
    eventually("a thread is free", || {
        got.1 == 100 || {
            got = half(server, address);
            false
        }
    });
    got.0
}

/// One of the waiting room, and two of the pool, which may have 512.
#[test]
fn with_three_threads_it_serves_and_shares_them() {
    let child = Server::start(with_few("3"));
    let server = child.address;
    for _ in 0..3 {
        let mut clients: Vec<_> = (0..9).map(|_| connect_to(server, 2, false)).collect();
        clients.iter_mut().for_each(|client| client.send(HEALTH));
        clients.iter_mut().for_each(|client| assert_eq!(client.answer().unwrap().status, 200));
    }
    let mut greedy = vec![half_in_time(server, 2), half_in_time(server, 2)];
    let other = halves(server, 3, 1);
    assert_eq!(greedy.pop().unwrap().answer().unwrap().status, 503, "not 408, late");
    go_on(greedy.into_iter().chain(other));
}

#[test]
fn without_a_thread_for_the_waiting_room_it_does_not_start() {
    for few in ["0", "1", "2"] {
        let output = with_few(few).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("no server: "), "{few}: {said}");
    }
}
