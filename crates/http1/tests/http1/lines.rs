//! What waits for its turn, and what does not.

use crate::harness::{Behind, HEALTH, Running, eventually, line, patiently, small};
use http1::{Limits, LineLimits};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn sleep(milliseconds: u64, more: &str) -> String {
    format!("GET /sleep?ms={milliseconds}{more} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn a_full_line_is_503_with_retry_after() {
    patiently(|| {
        let server = Running::start(Limits { lines: vec![line(1, 2)], ..Limits::default() });
        let mut busy = server.connect();
        busy.send(sleep(700, ""));
        std::thread::sleep(Duration::from_millis(150));
        let mut waiting: Vec<_> = (0..2).map(|_| server.connect()).collect();
        for client in &mut waiting {
            client.send(HEALTH);
        }
        std::thread::sleep(Duration::from_millis(150));
        let begin = Instant::now();
        let answer = server.connect().get("/healthz");
        assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));
        assert_eq!(answer.header("Connection"), Some("close"));
        assert!(begin.elapsed() < Duration::from_millis(300), "{:?}", begin.elapsed());
        for client in waiting.iter_mut().chain([&mut busy]) {
            assert_eq!(client.answer().unwrap().status, 200);
        }
        assert_eq!(server.connect().get("/healthz").status, 200);
    });
}

#[test]
fn what_waits_too_long_is_503() {
    patiently(|| {
        let lines = vec![LineLimits { wait: Duration::from_millis(300), ..line(1, 9) }];
        let server = Running::start(Limits { lines, ..Limits::default() });
        let mut busy = server.connect();
        busy.send(sleep(1500, ""));
        std::thread::sleep(Duration::from_millis(100));
        let begin = Instant::now();
        let answer = server.connect().get("/healthz");
        assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));
        assert!((300..900).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
        assert_eq!(busy.answer().unwrap().status, 200);
    });
}

#[test]
fn no_more_runs_at_once_than_the_line_lets_and_none_is_forgotten() {
    patiently(|| {
        let server = Running::start(Limits { lines: vec![line(4, 99)], ..Limits::default() });
        let mut clients: Vec<_> = (0..12).map(|_| server.connect()).collect();
        let begin = Instant::now();
        for client in &mut clients {
            client.send(sleep(200, ""));
        }
        for client in &mut clients {
            assert_eq!(client.answer().unwrap().status, 200);
        }
        // Twelve at four at a time.
        assert!((600..1_200).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    });
}

#[test]
fn a_line_holds_up_no_other_line() {
    patiently(|| {
        let limits = Limits { lines: vec![line(1, 9), line(1, 9)], ..Limits::default() };
        let server = Running::start(limits);
        let mut long: Vec<_> = (0..3).map(|_| server.connect()).collect();
        for client in &mut long {
            client.send(sleep(900, ""));
        }
        std::thread::sleep(Duration::from_millis(50));
        let begin = Instant::now();
        assert_eq!(server.connect().get("/sleep?ms=0&line=1").status, 200);
        assert!(begin.elapsed() < Duration::from_millis(600), "{:?}", begin.elapsed());
    });
}

#[test]
fn one_account_with_much_does_not_keep_another_waiting() {
    patiently(|| {
        let server = Running::start(Limits { lines: vec![line(1, 99)], ..Limits::default() });
        let send = |account| {
            let mut client = server.connect();
            client.send(format!(
                "GET /sleep?ms=100 HTTP/1.1\r\nHost: a\r\nX-Account: {account}\r\n\r\n"
            ));
            client
        };
        let _greedy: Vec<_> = (0..15).map(|_| send(1)).collect();
        std::thread::sleep(Duration::from_millis(50));
        let begin = Instant::now();
        assert_eq!(send(2).answer().unwrap().status, 200);
        assert!(begin.elapsed() < Duration::from_millis(600), "{:?}", begin.elapsed());
    });
}

/// Neither more work than may run, nor more than may wait, takes the place of what needs none.
#[test]
fn work_leaves_room_for_quick_requests() {
    patiently(|| {
        let lines = vec![LineLimits { wait: Duration::from_secs(20), ..line(4, 20) }];
        let limits = Limits { lines, ..Limits::default() };
        let server = Running::behind(limits, Behind::new(true));
        let mut work: Vec<_> = (0..40).map(|_| server.connect()).collect();
        for client in &mut work {
            client.send(sleep(700, ""));
        }
        std::thread::sleep(Duration::from_millis(100));
        let begin = Instant::now();
        assert_eq!(server.connect().get("/healthz").status, 200);
        assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
        let answers: Vec<_> = work.iter_mut().map(|it| it.answer().unwrap().status).collect();
        assert!(answers.iter().all(|status| [200, 503].contains(status)), "{answers:?}");
        assert_eq!(answers.iter().filter(|&&status| status == 503).count(), 16, "{answers:?}");
    });
}

/// All threads of the waiting room are held up, and what comes meanwhile is looked at together.
fn together(requests: &[&str]) -> Vec<u16> {
    let behind = Behind::new(true);
    let server = Running::behind(small(), behind.clone());
    let cores = std::thread::available_parallelism().unwrap().get().max(2);
    let (looks, looked_at) = (&behind.holds.looks, &behind.holds.looked_at);
    let held = behind.holds.decisions.lock().unwrap();
    let mut first: Vec<_> = (1..=cores)
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
    std::thread::sleep(Duration::from_millis(100));
    drop(held);
    let statuses = clients.iter_mut().map(|client| client.answer().unwrap().status).collect();
    first.iter_mut().for_each(|client| assert_eq!(client.answer().unwrap().status, 200));
    let (looks, looked_at) = (looks.load(Ordering::SeqCst), looked_at.load(Ordering::SeqCst));
    assert!(looked_at > looks, "some were looked at together: {looked_at} in {looks}");
    // Every thread is still there.
    for _ in 0..3 * cores {
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
    // What is here already is answered in one turn, on a connection that goes on.
    let mut client = server.connect();
    client.send(upload("no", 5, "") + "12345" + &upload("yes", 5, "") + "67890");
    assert_eq!(client.answer().unwrap().status, 401);
    assert_eq!(client.answer().unwrap().text(), "67890");
}

#[test]
fn a_question_waits_in_its_line_like_work() {
    patiently(|| {
        let server = Running::start(Limits { lines: vec![line(1, 0)], ..Limits::default() });
        let mut busy = server.connect();
        busy.send(sleep(700, ""));
        std::thread::sleep(Duration::from_millis(150));
        let mut client = server.connect();
        client.send(upload("yes", 100_000, ""));
        assert_eq!(client.answer().unwrap().status, 503);
        assert_eq!(busy.answer().unwrap().status, 200);
        let mut client = server.connect();
        client.send(upload("yes", 100_000, "") + &"x".repeat(100_000));
        assert_eq!(client.answer().unwrap().status, 200);
    });
}
