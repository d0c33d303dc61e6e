//! Times, and what slow and hostile clients do. Deadlines are
//! shortened; that the real ones are those of the design is the first test.

use crate::descriptors::child;
use crate::harness::{Behind, Client, HEALTH, Running, eventually, small, statuses};
use http1::{Limits, LineLimits};
use std::io::Write;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// How long something takes, in milliseconds.
fn time<T>(f: impl FnOnce() -> T) -> (T, u128) {
    let start = Instant::now();
    let value = f();
    (value, start.elapsed().as_millis())
}

/// A server that ends answers which are not read for so long.
fn start(write_time: Duration) -> (Running, Arc<Behind>) {
    let behind = Behind::new(false);
    (Running::behind(Limits { write_time, ..small() }, behind.clone()), behind)
}

/// Waits until the server has given up all its connections.
fn are_closed(behind: &Behind) {
    let (ticks, open) = (&behind.holds.ticks, &behind.holds.connections);
    // The number that is there may be one of before they came.
    let now = ticks.load(Ordering::SeqCst);
    let is_new = || ticks.load(Ordering::SeqCst) > now + 1;
    eventually("all are closed", || is_new() && open.load(Ordering::SeqCst) == 0);
}

/// Descriptors of this process. Only for tests that look for many lost ones: others run beside.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn the_defaults_are_those_of_the_design() {
    let limits = Limits::default();
    let seconds = Duration::from_secs;
    assert_eq!((limits.threads, limits.max_connections), (512, 4096));
    assert_eq!((limits.head_time, limits.idle_time), (seconds(5), seconds(15)));
    assert_eq!((limits.body_time, limits.body_rate), (seconds(30), 1024));
    assert_eq!((limits.write_time, limits.stop_time), (seconds(15), seconds(25)));
    assert_eq!(limits.small_body_bytes, 16 << 10);
    assert_eq!(LineLimits::default().wait, seconds(2));
}

#[test]
fn a_slow_head_gets_408() {
    let server = Running::start(Limits { head_time: ms(300), ..small() });
    let mut client = server.connect();
    let (answer, took) = time(|| {
        // Every byte is a sign of life, and none of them helps.
        for byte in HEALTH.as_bytes().iter().take(20) {
            if client.socket.write_all(&[*byte]).is_err() {
                break;
            }
            std::thread::sleep(ms(25));
        }
        client.answer().unwrap()
    });
    assert_eq!(answer.status, 408);
    assert!((300..4_500).contains(&took), "{took} ms, and 5 s are the real time");
    let _ = client.socket.shutdown(Shutdown::Write);
    assert!(client.is_closed());
}

#[test]
fn the_time_of_a_head_counts_from_its_own_first_byte() {
    let server = Running::start(Limits { head_time: ms(1_000), idle_time: ms(5_000), ..small() });
    let mut client = server.connect();
    std::thread::sleep(ms(1_100));
    assert_eq!(client.get("/healthz").status, 200);
    std::thread::sleep(ms(1_100));
    client.send(&HEALTH.as_bytes()[..9]);
    std::thread::sleep(ms(20));
    client.send(&HEALTH.as_bytes()[9..]);
    assert_eq!(client.answer().unwrap().status, 200);
    let (closed, took) = time(|| client.is_closed());
    assert!(closed && (4_000..14_000).contains(&took), "{took} ms, and 15 s are the real time");
}

#[test]
fn an_empty_line_between_requests_begins_no_head() {
    let server = Running::start(Limits { head_time: ms(100), ..small() });
    let mut client = server.connect();
    client.send("\r\n");
    std::thread::sleep(ms(400));
    assert_eq!(client.get("/healthz").status, 200);
}

#[test]
fn a_slow_body_gets_408() {
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    let server = Running::start(Limits { body_time: ms(300), ..small() });
    let mut client = server.connect();
    client.send(post);
    let (answer, took) = time(|| client.answer().unwrap());
    assert_eq!(answer.status, 408);
    assert!((250..4_500).contains(&took), "{took} ms, and the rate has 5 s of grace");

    // 5 seconds of grace, and a rate that no client here comes at.
    let server = Running::start(Limits { body_rate: 1_000_000, ..small() });
    let mut client = server.connect();
    client.send(post);
    client.send([b'x'; 50_000]);
    let (answer, took) = time(|| client.answer().unwrap());
    assert_eq!(answer.status, 408);
    assert!((4_500..20_000).contains(&took), "{took} ms, and 30 s are the time of a body");
}

#[test]
fn who_ends_in_the_middle_of_a_body_gets_no_answer() {
    let server = Running::start(small());
    let mut client = server.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    client.send([b'x'; 50_000]);
    client.socket.shutdown(Shutdown::Write).unwrap();
    assert!(client.answer().is_none());
}

#[test]
fn clients_that_do_not_read_hold_up_no_other() {
    let (server, behind) = start(ms(4_000));
    let mut clients: Vec<_> = (0..12)
        .map(|n| {
            let mut client = server.connect_slow();
            let target = if n % 2 == 0 { "/stream?n=90000000" } else { "/sized-stream?n=90000000" };
            client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
            client
        })
        .collect();
    eventually("their answers have begun", || clients.iter().all(Client::hears));
    let (status, took) = time(|| server.connect().get("/healthz").status);
    assert!(status == 200 && took < 3_000, "{took} ms");
    are_closed(&behind);
    for client in &mut clients {
        // What the kernel held is still there to be read, and then it ends before its time.
        let answer = client.answer();
        assert!(answer.is_none());
    }
}

/// On 1.0 the end of the connection is the end of the answer, so this must be no plain end.
#[test]
fn a_stream_that_is_cut_off_ends_with_a_reset() {
    use std::io::{ErrorKind, Read};
    let (server, behind) = start(ms(400));
    let mut client = server.connect_slow();
    client.send("GET /stream?n=90000000 HTTP/1.0\r\n\r\n");
    eventually("an answer", || client.hears());
    are_closed(&behind);
    let end = client.socket.read_to_end(&mut Vec::new()).map_err(|e| e.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}

#[test]
fn a_whole_answer_that_is_not_read_is_cut_off() {
    let (server, behind) = start(ms(700));
    let mut client = server.connect();
    // As many answers as it takes to fill the buffers of both kernels.
    let request = "GET /json?n=1000000 HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(request.repeat(40));
    eventually("an answer", || client.hears());
    are_closed(&behind);
    assert!(client.answers(&[]).len() < 40);
}

#[test]
fn answers_that_are_read_late_come_whole() {
    let server = Running::start(small());
    let mut client = server.connect();
    // All at once, and more than the buffers of both kernels take.
    client.send("GET /json?n=1000000 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20));
    std::thread::sleep(ms(400));
    for _ in 0..20 {
        assert_eq!(client.answer().unwrap().body.len(), 1_000_000);
    }
}

#[test]
fn a_slow_reader_gets_its_stream() {
    use std::io::Read;
    let server = Running::start(Limits { write_time: ms(2_000), ..small() });
    let mut client = server.connect();
    client.send("GET /stream?n=40000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (mut buffer, mut total) = (vec![0; 256 << 10], 0);
    loop {
        match client.socket.read(&mut buffer).unwrap() {
            0 => break,
            n => total += n,
        }
        std::thread::sleep(ms(20));
    }
    assert!(total > 40_000_000, "{total}");
}

#[test]
fn the_answer_to_an_upload_that_is_not_wanted_arrives() {
    let server = Running::start(Limits { linger_time: Duration::from_secs(20), ..small() });
    for round in 0..6 {
        let mut client = server.connect();
        client.send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 56000000\r\n");
        client.send(if round % 2 == 0 { "Connection: close\r\n\r\n" } else { "\r\n" });
        if round < 2 {
            // The answer may be long here when the body comes.
            eventually("an answer", || client.hears());
            std::thread::sleep(ms(300));
        }
        // More than the largest file that any route of contactd takes.
        for _ in 0..560 {
            client.send([b'x'; 100_000]);
        }
        client.socket.shutdown(Shutdown::Write).unwrap();
        assert_eq!(statuses(&client.answers(&[])), [413]);
    }
}

/// A close with bytes unread, or bytes that come after it, would be a reset.
#[test]
fn an_empty_line_behind_the_last_request_cuts_off_no_answer() {
    let server = Running::start(small());
    for late in [false, true] {
        let mut client = server.connect_slow();
        client.send("GET /json?n=400000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        if late {
            eventually("an answer", || client.hears());
            std::thread::sleep(ms(100)); // all of it lies in the server's kernel
        }
        client.send("\r\n");
        assert_eq!(client.answer().map(|it| it.body.len()), Some(400_000), "late: {late}");
    }
}

#[test]
fn a_reset_or_an_end_at_every_byte_costs_nothing() {
    let server = Running::start(small());
    let request =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
    let before = descriptors();
    for round in 0..4 {
        for at in 0..=request.len() {
            let mut client = server.connect();
            client.send(&request[..at]);
            if round % 2 == 0 {
                rustix::net::sockopt::set_socket_linger(&client.socket, Some(Duration::ZERO))
                    .unwrap();
            } else {
                client.socket.shutdown(Shutdown::Write).unwrap();
            }
        }
    }
    assert_eq!(server.connect().get("/healthz").status, 200);
    // 360 connections; other tests have some dozens meanwhile.
    eventually("descriptors are given back", || descriptors() < before + 120);
}

#[test]
fn a_flood_of_pipelined_requests_does_not_keep_others_from_a_thread() {
    let server = Running::start(Limits { write_time: ms(900), ..Limits::default() });
    let mut busy = server.connect();
    let mut writer = busy.socket.try_clone().unwrap();
    let flood = std::thread::spawn(move || {
        let many = HEALTH.repeat(1000);
        while writer.write_all(many.as_bytes()).is_ok() {}
    });
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut count = 0;
            while count < 100 || !done.load(Ordering::Relaxed) {
                count += usize::from(busy.answer().is_some());
            }
        });
        std::thread::sleep(ms(100));
        // As long as the other one asks, and for ever if need be: this has its turn.
        let (status, took) = time(|| server.connect().get("/healthz").status);
        done.store(true, Ordering::Relaxed);
        assert!(status == 200 && took < 5_000, "{took} ms");
        reader.join().unwrap();
    });
    flood.join().unwrap();
}

/// Each of them costs its bytes once, so that a flood of them is like any other.
#[test]
fn a_flood_of_empty_lines_keeps_nobody_waiting() {
    let server = Running::start(small());
    let flood = b"\r\n".repeat(32 << 10);
    let done = AtomicBool::new(false);
    let address = server.address;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut socket = std::net::TcpStream::connect(address).unwrap();
                socket.set_write_timeout(Some(ms(100))).unwrap();
                while !done.load(Ordering::Relaxed) {
                    let _ = socket.write(&flood);
                }
            });
        }
        std::thread::sleep(ms(200));
        let (_, took) = time(|| {
            for _ in 0..20 {
                assert_eq!(server.connect().get("/healthz").status, 200);
            }
        });
        done.store(true, Ordering::Relaxed);
        assert!(took < 10_000, "{took} ms for 20 requests");
    });
}

#[test]
fn small_bodies_that_come_slowly_take_no_thread() {
    let server = Running::start(Limits { threads: 3, ..small() });
    let mut slow: Vec<_> = (0..100).map(|_| server.connect()).collect();
    for client in &mut slow {
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nh");
    }
    std::thread::sleep(ms(100));
    assert_eq!(server.connect().get("/healthz").status, 200);
    for client in &mut slow {
        client.send("i");
        assert_eq!(client.answer().unwrap().text(), "hi");
    }
}

/// Of this process, in hundredths of a second.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    stat.split(' ').skip(13).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[test]
#[ignore = "the child of the test below"]
fn wait() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    assert_eq!(client.get("/healthz").status, 200);
    let before = processor_time();
    std::thread::sleep(ms(1000));
    let used = processor_time() - before;
    assert!(used <= 10, "{used}0 ms of a second");
}

#[test]
fn waiting_takes_no_processor_time() {
    let output = child("limits::wait").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
