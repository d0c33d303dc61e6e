//! What bodies and answers may take, and when a body is taken at all.

use crate::harness::{Behind, Client, Running, eventually, small};
use http1::Limits;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn a_large_body_is_received_only_after_the_program_has_accepted_its_head() {
    let behind = Behind::new(false);
    let server = Running::behind(small(), behind.clone());
    let head = |target, more| {
        format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n{more}\r\n")
    };
    let held = behind.holds.decisions.lock().unwrap();
    let mut client = server.connect();
    client.send(head("/echo", "Expect: 100-continue\r\n"));
    eventually("it is looked at", || behind.holds.looks.load(Ordering::SeqCst) == 1);
    assert!(!client.hears(), "not even asked for");
    drop(held);
    assert_eq!(client.answer().unwrap().status, 100);
    client.send([b'x'; 100_000]);
    assert_eq!(client.answer().unwrap().body.len(), 100_000);

    // What is refused is answered before a byte of the body has come, and closes.
    for more in ["", "Expect: 100-continue\r\n"] {
        let mut client = server.connect();
        client.send(head("/refused", more));
        let answer = client.answer().unwrap();
        assert_eq!((answer.status, answer.header("Connection")), (401, Some("close")));
    }
}

#[test]
fn unfinished_uploads_have_a_share_of_memory() {
    let server = Running::start(Limits { buffered_bytes: 4 << 20, ..small() });
    let start = |account, size| {
        let mut client: Client = server.connect_from(2);
        let head = format!(
            "POST /upload HTTP/1.1\r\nHost: a\r\nX-Account: {account}\r\nContent-Length: {size}\r\n\r\n"
        );
        client.send(head);
        let mut sent = 0;
        // 900 KB each. A refusal may come before all is sent.
        while sent < 9 && client.socket.write_all(&[0; 100_000]).is_ok() {
            sent += 1;
        }
        client
    };
    let mut first: Vec<_> = (0..3).map(|_| start(2, 4_000_000)).collect();
    // Whichever of them comes last has more than a quarter while half is taken.
    eventually("one is refused", || first.iter().any(Client::hears));
    let at = first.iter().position(Client::hears).unwrap();
    assert_eq!(first.remove(at).answer().unwrap().status, 503);
    // Another account behind the same proxy has its own share.
    let other = start(3, 4_000_000);
    other.socket.set_read_timeout(Some(ms(200))).unwrap();
    let mut byte = [0];
    assert!(other.socket.peek(&mut byte).is_err(), "no answer yet");
    // Now the first one has no share left, but what is small needs none.
    let mut small = server.connect_from(2);
    small.send(format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n{}",
        "x".repeat(4000)
    ));
    assert_eq!(small.answer().unwrap().status, 200);
    // What was given up is there again.
    drop(first.pop());
    drop(first.pop());
    drop(other);
    eventually("memory is free", || {
        let mut client = start(2, 1_600_000);
        client.socket.write_all(&[0; 700_000]).is_ok()
            && client.answer().is_some_and(|a| a.status == 200 && a.body.len() == 1_600_000)
    });
}

#[test]
fn streams_that_are_not_read_have_a_share_of_memory() {
    let server = Running::start(Limits { buffered_bytes: 64 << 20, ..small() });
    let mut clients: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send("GET /sized-stream?n=20000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    // A third one would have more than a quarter while half is taken.
    let is_cut_off = |client: &Client| client.socket.take_error().unwrap().is_some();
    eventually("one is cut off", || clients.iter().any(is_cut_off));
    let whole = clients.iter_mut().filter_map(Client::answer).count();
    assert!((1..3).contains(&whole), "{whole}");
}

#[test]
fn a_body_that_was_answered_takes_no_memory_while_its_connection_lingers() {
    let server = Running::start(Limits { buffered_bytes: 4 << 20, ..small() });
    let upload = |close: &str, behind: &str| {
        let mut client = server.connect();
        let head =
            format!("POST /upload HTTP/1.1\r\nHost: a\r\n{close}Content-Length: 2000000\r\n\r\n");
        client.send(head + &"x".repeat(2_000_000) + behind);
        (client.answer().unwrap().status, client)
    };
    let (first, _lingers) = upload("Connection: close\r\n", "more");
    let (second, _) = upload("", "");
    assert_eq!((first, second), (200, 200));
}
