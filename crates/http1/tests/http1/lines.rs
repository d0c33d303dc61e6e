//! What waits for its turn, and what does not.

use crate::harness::{Behind, Client, HEALTH, Running, eventually, line, small, waiting_threads};
use http1::{Client as Payer, Limits, LineLimits};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const HELD: &str = "GET /held HTTP/1.1\r\nHost: a\r\n\r\n";

fn start(lines: Vec<LineLimits>, quick: bool) -> (Running, Arc<Behind>) {
    let behind = Behind::new(quick);
    (Running::behind(Limits { lines, ..Limits::default() }, behind.clone()), behind)
}

/// A client that has sent this.
fn sent(server: &Running, request: &str) -> Client {
    let mut client = server.connect();
    client.send(request);
    client
}

#[test]
fn a_full_line_is_503_with_retry_after() {
    let (server, behind) = start(vec![line(1, 2)], false);
    let held = behind.holds.work.lock().unwrap();
    let mut busy = sent(&server, HELD);
    eventually("it is at work", || behind.holds.begun() == 1);
    // Which of them is the third to arrive is open.
    let mut three: Vec<_> = (0..3).map(|_| sent(&server, HEALTH)).collect();
    eventually("one is refused", || three.iter().any(Client::hears));
    let at = three.iter().position(Client::hears).unwrap();
    let answer = three.remove(at).answer().unwrap();
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));
    assert_eq!(answer.header("Connection"), Some("close"));
    drop(held);
    for client in three.iter_mut().chain([&mut busy]) {
        assert_eq!(client.answer().unwrap().status, 200);
    }
    assert_eq!(server.connect().get("/healthz").status, 200);
}

#[test]
fn what_waits_too_long_is_503() {
    let wait = Duration::from_millis(300);
    let (server, behind) = start(vec![LineLimits { wait, ..line(1, 9) }], false);
    let held = behind.holds.work.lock().unwrap();
    let mut busy = sent(&server, HELD);
    eventually("it is at work", || behind.holds.begun() == 1);
    let begin = Instant::now();
    let answer = server.connect().get("/healthz");
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));
    assert!(begin.elapsed() >= wait, "{:?}", begin.elapsed());
    drop(held);
    assert_eq!(busy.answer().unwrap().status, 200);
}

#[test]
fn no_more_runs_at_once_than_the_line_lets_and_none_is_forgotten() {
    let (server, behind) = start(vec![line(4, 99)], false);
    let held = behind.holds.work.lock().unwrap();
    let mut clients: Vec<_> = (0..12).map(|_| sent(&server, HELD)).collect();
    eventually("four are at work", || behind.holds.begun() == 4);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(behind.holds.begun(), 4);
    drop(held);
    for client in &mut clients {
        assert_eq!(client.answer().unwrap().status, 200);
    }
}

#[test]
fn a_line_holds_up_no_other_line() {
    let (server, behind) = start(vec![line(1, 9), line(1, 9)], false);
    let held = behind.holds.work.lock().unwrap();
    let _long: Vec<_> = (0..3).map(|_| sent(&server, HELD)).collect();
    eventually("one is at work", || behind.holds.begun() == 1);
    assert_eq!(server.connect().get("/sleep?ms=0&line=1").status, 200);
    drop(held);
}

#[test]
fn one_account_with_much_does_not_keep_another_waiting() {
    let (server, behind) = start(vec![line(1, 99)], false);
    let held = behind.holds.work.lock().unwrap();
    let of = |account| {
        sent(&server, &format!("GET /held HTTP/1.1\r\nHost: a\r\nX-Account: {account}\r\n\r\n"))
    };
    let looked_at = || behind.holds.looked_at.load(Ordering::SeqCst);
    let mut clients: Vec<_> = (0..15).map(|_| of(1)).collect();
    eventually("the line is long", || looked_at() == 15);
    clients.push(of(2));
    eventually("so is the other one's", || looked_at() == 16);
    std::thread::sleep(Duration::from_millis(50)); // from the look into the line
    drop(held);
    clients.iter_mut().for_each(|client| assert_eq!(client.answer().unwrap().status, 200));
    let begun = behind.holds.begun.lock().unwrap();
    let place = begun.iter().position(|it| *it == Payer::Account(2)).unwrap();
    assert!(place <= 3, "{begun:?}");
}

/// Neither more work than may run, nor more than may wait, takes the place of what needs none.
#[test]
fn work_leaves_room_for_quick_requests() {
    let (server, behind) = start(vec![line(4, 20)], true);
    let held = behind.holds.work.lock().unwrap();
    let mut work: Vec<_> = (0..40).map(|_| sent(&server, HELD)).collect();
    let refused = || behind.holds.refused.load(Ordering::SeqCst);
    eventually("what has no place is refused", || refused() == 16 && behind.holds.begun() == 4);
    assert_eq!(server.connect().get("/healthz").status, 200);
    drop(held);
    let answers: Vec<_> = work.iter_mut().map(|it| it.answer().unwrap().status).collect();
    assert!(answers.iter().all(|status| [200, 503].contains(status)), "{answers:?}");
    assert_eq!(answers.iter().filter(|&&status| status == 503).count(), 16, "{answers:?}");
}

/// All threads of the waiting room are held up, and what comes meanwhile is looked at together.
fn together(requests: &[&str]) -> Vec<u16> {
    let behind = Behind::new(true);
    let server = Running::behind(small(), behind.clone());
    let threads = waiting_threads();
    let (looks, looked_at) = (&behind.holds.looks, &behind.holds.looked_at);
    let held = behind.holds.decisions.lock().unwrap();
    let mut first: Vec<_> = (1..=threads)
        .map(|number| {
            let mut client = server.connect();
            client.send(HEALTH);
            eventually("a thread is held up", || looks.load(Ordering::SeqCst) == number);
            client
        })
        .collect();
    let mut clients: Vec<_> = requests
        .iter()
        .map(|target| {
            let mut client = server.connect();
            client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
            client
        })
        .collect();
    let open = threads + requests.len();
    let connections = || behind.holds.connections.load(Ordering::SeqCst);
    eventually("all are in the waiting room", || connections() == open);
    drop(held);
    let statuses = clients.iter_mut().map(|client| client.answer().unwrap().status).collect();
    first.iter_mut().for_each(|client| assert_eq!(client.answer().unwrap().status, 200));
    let (looks, looked_at) = (looks.load(Ordering::SeqCst), looked_at.load(Ordering::SeqCst));
    assert!(looked_at > looks, "some were looked at together: {looked_at} in {looks}");
    // Every thread is still there.
    for _ in 0..3 * threads {
        assert_eq!(server.connect().get("/healthz").status, 200);
    }
    statuses
}

#[test]
fn a_panic_at_one_of_several_requests_is_a_500_for_that_one() {
    for panics in ["/panic-at-the-begin", "/panic-at-the-look"] {
        let requests = ["/healthz", "/healthz", panics, "/healthz", "/healthz", "/healthz"];
        assert_eq!(together(&requests), [200, 200, 500, 200, 200, 200], "{panics}");
    }
}

#[test]
fn a_refusal_of_a_head_request_has_no_body() {
    let server = Running::start(small());
    let mut client = server.connect();
    client.send("HEAD /panic HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer_to(true).unwrap().status, 500);
    assert!(client.answer().is_none(), "nothing comes behind it");
}

#[test]
fn a_panic_of_the_waiting_room_ends_a_connection_and_no_thread() {
    let server = Running::behind(small(), Behind::new(true));
    for _ in 0..20 {
        let mut client = server.connect();
        client.send("GET /panic-at-the-drop HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(client.is_closed());
        assert_eq!(server.connect().get("/healthz").status, 200);
    }
}

fn upload(asks: &str, size: usize, more: &str) -> String {
    format!(
        "POST /upload HTTP/1.1\r\nHost: a\r\nX-Ask: {asks}\r\nContent-Length: {size}\r\n{more}\r\n"
    )
}

#[test]
fn a_body_is_received_after_the_question_whether_it_is_wanted() {
    let server = Running::start(small());
    // Not wanted: the answer comes before the body, and there is no 100 Continue.
    for (asks, status) in [("no", 401), ("panic", 500)] {
        for more in ["", "Expect: 100-continue\r\n"] {
            let mut client = server.connect();
            client.send(upload(asks, 100_000, more));
            assert_eq!(client.answer().unwrap().status, status, "{asks} {more}");
        }
    }
    assert_eq!(server.program.answered.load(Ordering::SeqCst), 0);
    // Wanted: it is asked for, and comes whole.
    for more in ["", "Expect: 100-continue\r\n"] {
        let mut client = server.connect();
        client.send(upload("yes", 100_000, more));
        if !more.is_empty() {
            assert_eq!(client.answer().unwrap().status, 100);
        }
        assert!(!client.hears(), "the body has to come");
        client.send("x".repeat(100_000));
        assert_eq!(client.answer().unwrap().body.len(), 100_000);
    }
    // What is just small is received before.
    let mut client = server.connect();
    client.send(upload("no", 16 << 10, ""));
    assert!(!client.hears(), "the body has to come");
    client.send("x".repeat(16 << 10));
    let answer = client.answer().unwrap();
    assert_eq!((answer.status, answer.header("Connection")), (401, None));
    // What is here already is answered in one turn, on a connection that goes on.
    let mut client = server.connect();
    client.send(upload("no", 5, "") + "12345" + &upload("yes", 5, "") + "67890");
    assert_eq!(client.answer().unwrap().status, 401);
    assert_eq!(client.answer().unwrap().text(), "67890");
}

#[test]
fn a_question_waits_in_its_line_like_work() {
    let (server, behind) = start(vec![line(1, 0)], false);
    let held = behind.holds.work.lock().unwrap();
    let mut busy = sent(&server, HELD);
    eventually("it is at work", || behind.holds.begun() == 1);
    assert_eq!(sent(&server, &upload("yes", 100_000, "")).answer().unwrap().status, 503);
    drop(held);
    assert_eq!(busy.answer().unwrap().status, 200);
    let mut client = sent(&server, &(upload("yes", 100_000, "") + &"x".repeat(100_000)));
    assert_eq!(client.answer().unwrap().status, 200);
}
