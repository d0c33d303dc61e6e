//! The end: graceful, or at once.

use crate::harness::{Behind, Client, HEALTH, Running, eventually, small, waiting_threads};
use http1::{Limits, Server};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn start(limits: Limits) -> (Running, Arc<Behind>) {
    let behind = Behind::new(false);
    (Running::behind(limits, behind.clone()), behind)
}

/// A client whose request is at work, while the test holds that.
fn busy(server: &Running, behind: &Behind) -> Client {
    let mut client = server.connect();
    client.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    eventually("it is at work", || behind.holds.begun() == 1);
    client
}

#[test]
fn idle_connections_close_and_requests_in_flight_are_answered() {
    let (mut server, behind) = start(Limits { idle_time: Duration::from_secs(60), ..small() });
    let (mut half, mut half_a_body) = (server.connect(), server.connect());
    half.send("GET /healthz HTTP/1.1\r\n");
    half_a_body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nh");
    let (mut idle, mut half_a_line) = (server.connect(), server.connect());
    for client in [&mut idle, &mut half_a_line] {
        assert_eq!(client.get("/healthz").status, 200);
    }
    half_a_line.send("\r");
    let held = behind.holds.work.lock().unwrap();
    let mut busy = busy(&server, &behind);
    server.stopper.stop();
    // That shows that the server has seen the stop, and has looked at all that came before them.
    assert!(idle.is_closed() && half_a_line.is_closed());
    drop(held);
    half.send("Host: a\r\n\r\n");
    half_a_body.send("i");
    for client in [&mut busy, &mut half, &mut half_a_body] {
        let answer = client.answer().unwrap();
        assert_eq!((answer.status, answer.header("Connection")), (200, Some("close")));
        let _ = client.socket.shutdown(Shutdown::Write);
    }
    // Perhaps not at once: the port may be another test's for a moment.
    eventually("nobody is let in", || TcpStream::connect(server.address).is_err());
    let start = Instant::now();
    assert!(server.stopped());
    assert!(start.elapsed() < Duration::from_secs(10), "and 25 s are the real time");
}

#[test]
fn a_server_without_clients_stops_at_once() {
    let mut server = Running::start(small());
    let start = Instant::now();
    server.stopper.stop();
    assert!(server.stopped() && start.elapsed() < Duration::from_secs(10));
}

#[test]
fn who_waits_to_be_accepted_is_answered_before_the_end() {
    let server = Server::bind("127.0.0.1:0", small(), Behind::new(false)).unwrap();
    // More than are accepted at a time, and no more than the least backlog that kernels have.
    let mut clients: Vec<_> =
        (0..120).map(|_| Client::new(TcpStream::connect(server.local_addr()).unwrap())).collect();
    for client in &mut clients {
        client.send(HEALTH);
    }
    server.stopper().stop();
    let run = std::thread::spawn(move || server.run());
    for client in &mut clients {
        assert_eq!(client.answer().unwrap().status, 200);
        let _ = client.socket.shutdown(Shutdown::Write);
    }
    assert!(run.join().unwrap());
}

#[test]
fn a_request_that_comes_with_the_stop_is_answered() {
    let (mut server, behind) = start(small());
    let (mut asks, mut idle) = (server.connect(), server.connect());
    for client in [&mut asks, &mut idle] {
        assert_eq!(client.get("/healthz").status, 200);
    }
    // All threads of the waiting room are held up: none sees what comes now.
    let looks = || behind.holds.looks.load(Ordering::SeqCst);
    let (held, before) = (behind.holds.decisions.lock().unwrap(), looks());
    let mut busy: Vec<_> = (1..=waiting_threads())
        .map(|number| {
            let mut client = server.connect();
            client.send(HEALTH);
            eventually("a thread is held up", || looks() == before + number);
            client
        })
        .collect();
    asks.send(HEALTH);
    server.stopper.stop();
    assert!(idle.is_closed(), "the stop is seen");
    drop(held);
    for client in busy.iter_mut().chain([&mut asks]) {
        assert_eq!(client.answer().unwrap().status, 200);
        let _ = client.socket.shutdown(Shutdown::Write);
    }
    assert!(server.stopped());
}

/// A proxy connects and sends the request a moment later: in between the server may begin to stop.
#[test]
fn a_connection_that_just_came_has_a_moment_for_its_request() {
    let mut server = Running::start(small());
    let (mut asks, mut waits) = (server.connect(), server.connect());
    server.stopper.stop();
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(30)); // some rounds of its sweep
    asks.send(HEALTH);
    assert_eq!(asks.answer().unwrap().status, 200);
    let _ = asks.socket.shutdown(Shutdown::Write);
    assert!(waits.is_closed());
    assert!(server.stopped());
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_server_that_never_runs_leaves_no_workers() {
    let behind = Behind::new(false);
    drop(Server::bind("127.0.0.1:0", small(), behind.clone()).unwrap());
    eventually("no thread has the program", || Arc::strong_count(&behind) == 1);
}

#[test]
fn a_second_stop_does_not_wait() {
    let (mut server, behind) = start(small());
    let _held = behind.holds.work.lock().unwrap();
    let _busy = busy(&server, &behind);
    server.stopper.stop();
    server.stopper.stop();
    assert!(!server.stopped());
}

#[test]
fn a_graceful_stop_has_an_end() {
    let stop_time = Duration::from_millis(300);
    let (mut server, behind) = start(Limits { stop_time, ..small() });
    let _held = behind.holds.work.lock().unwrap();
    let _busy = busy(&server, &behind);
    let start = Instant::now();
    server.stopper.stop();
    assert!(!server.stopped() && start.elapsed() >= stop_time);
}

/// Twenty times, with clients that never pause: each request that reached the handler is answered
/// in full.
#[test]
fn no_request_that_was_read_is_lost() {
    for round in 0..20 {
        let mut server = Running::start(small());
        let address = server.address;
        let clients: Vec<_> = (0..8)
            .map(|_| {
                std::thread::spawn(move || {
                    let mut got = 0;
                    while let Ok(mut socket) = TcpStream::connect(address) {
                        let mut buffer = [0; 4096];
                        while socket.write_all(HEALTH.as_bytes()).is_ok() {
                            match socket.read(&mut buffer) {
                                Ok(n) if n > 0 => {
                                    assert!(buffer[..n].ends_with(b"ok"), "half an answer");
                                    got += 1;
                                }
                                _ => break,
                            }
                        }
                    }
                    got
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(20 + round));
        server.stopper.stop();
        assert!(server.stopped());
        let got: usize = clients.into_iter().map(|c| c.join().unwrap()).sum();
        assert_eq!(got, server.program.answered.load(Ordering::Relaxed));
    }
}
