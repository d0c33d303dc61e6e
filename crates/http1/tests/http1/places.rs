//! Who has a place: the limit of connections, and how it is shared between addresses.

use crate::harness::{Behind, HEALTH, Running, eventually, small, statuses, waiting_threads};
use http1::Limits;
use std::io::Write;
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn one_connection_too_many_is_503() {
    let server = Running::start(Limits { max_connections: 8, ..small() });
    let mut clients: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/healthz").status, 200);
    }
    let mut ninth = server.connect();
    let answer = ninth.answer().unwrap();
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));
    let _ = ninth.socket.shutdown(Shutdown::Write);
    assert!(ninth.is_closed());
    // Who has a place keeps it, and whose place becomes free is replaced.
    clients.pop();
    eventually("a place is free", || {
        let mut client = server.connect();
        client.socket.write_all(HEALTH.as_bytes()).is_ok()
            && client.answer().is_some_and(|a| a.status == 200)
    });
    for client in &mut clients {
        assert_eq!(client.get("/healthz").status, 200);
    }
}

#[test]
fn the_newest_idle_connection_of_the_greediest_address_goes_first() {
    let (behind, threads) = (Behind::new(true), waiting_threads());
    let limits = Limits { max_connections: threads + 8, ..small() };
    let server = Running::behind(limits, behind.clone());
    let mut greedy: Vec<_> = (0..threads + 8).map(|_| server.connect_from(2)).collect();
    for client in &mut greedy {
        assert_eq!(client.get("/healthz").status, 200);
    }
    // A thread that takes something new has put back what it answered before: now all of them do.
    let looks = || behind.holds.looks.load(Ordering::SeqCst);
    let (held, before) = (behind.holds.decisions.lock().unwrap(), looks());
    for (number, client) in greedy.iter_mut().take(threads).enumerate() {
        client.send(HEALTH);
        eventually("a thread is held up", || looks() == before + number + 1);
    }
    drop(held);
    for client in &mut greedy[..threads] {
        assert_eq!(client.answer().unwrap().status, 200);
    }
    // Half a request is no idle connection. It goes when the idle ones are gone.
    let (mut half, mut idle) = (greedy.pop().unwrap(), greedy);
    half.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    assert_eq!(half.answer().unwrap().status, 100);
    let mut others: Vec<_> = (3..6).map(|n| server.connect_from(n)).collect();
    for client in &mut others {
        assert_eq!(client.get("/healthz").status, 200);
    }
    for client in idle.iter_mut().rev().take(3) {
        assert!(client.is_closed());
    }
    half.send("hi");
    assert_eq!(half.answer().unwrap().status, 200);
    for client in &mut idle[..threads + 4] {
        assert_eq!(client.get("/healthz").status, 200);
    }
    // The greedy one itself gets no more.
    assert_eq!(server.connect_from(2).answer().unwrap().status, 503);
}

#[test]
fn half_a_request_gives_way_where_an_address_has_more_than_a_quarter() {
    // Who is asked for a body has been read, and waits.
    let half = |server: &Running, address| {
        let mut client = server.connect_from(address);
        client.send(
            "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        );
        assert_eq!(client.answer().unwrap().status, 100);
        client
    };
    let server = Running::start(Limits { max_connections: 8, ..small() });
    let mut greedy: Vec<_> = (0..8).map(|_| half(&server, 2)).collect();
    assert_eq!(server.connect_from(3).get("/healthz").status, 200);
    let answer = greedy.pop().unwrap().answer().unwrap();
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));
    for mut client in greedy {
        client.send("hi");
        assert_eq!(client.answer().unwrap().text(), "hi");
    }

    let server = Running::start(Limits { max_connections: 8, ..small() });
    let fair: Vec<_> = (0..8).map(|n| half(&server, 2 + n % 4)).collect();
    assert_eq!(server.connect_from(6).answer().unwrap().status, 503);
    for mut client in fair {
        client.send("hi");
        assert_eq!(client.answer().unwrap().text(), "hi");
    }
}

#[test]
fn who_has_nothing_more_to_get_has_no_place_any_more() {
    let (minute, moment) = (ms(60_000), ms(50));
    let limits = Limits { max_connections: 1, write_time: minute, linger_time: moment, ..small() };
    let is_free = |server: &Running| {
        let mut other = server.connect();
        other.socket.write_all(HEALTH.as_bytes()).is_ok()
            && other.answer().is_some_and(|it| it.status == 200)
    };
    // It asked for the end, and has not closed its side.
    let server = Running::start(limits.clone());
    let mut client = server.connect();
    client.send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(statuses(&client.answers(&[])), [200]);
    eventually("a place is free", || is_free(&server));
    // It is gone in the middle of its answer.
    let server = Running::start(limits);
    let mut client = server.connect();
    client.send("GET /stream?n=90000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    eventually("an answer", || client.hears());
    rustix::net::sockopt::set_socket_linger(&client.socket, Some(Duration::ZERO)).unwrap();
    drop(client);
    eventually("a place is free", || is_free(&server));
}
