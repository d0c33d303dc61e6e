//! Times, and what slow and hostile clients do. Deadlines are
//! shortened; that the real ones are those of the design is the first test.

use crate::descriptors::child;
use crate::harness::{HEALTH, Running, eventually, patiently, small, statuses};
use http1::{Limits, LineLimits};
use std::io::Write;
use std::net::Shutdown;
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

/// Descriptors of this process. Only for tests that look for many lost ones: others run beside.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn the_defaults_are_those_of_the_design() {
    let limits = Limits::default();
    let seconds = Duration::from_secs;
    assert_eq!((limits.head_bytes, limits.request_line_bytes), (16 << 10, 8 << 10));
    assert_eq!((limits.header_fields, limits.max_connections), (64, 4096));
    assert_eq!((limits.head_time, limits.idle_time), (seconds(5), seconds(15)));
    assert_eq!((limits.body_time, limits.body_rate), (seconds(30), 1024));
    assert_eq!((limits.write_time, limits.stop_time), (seconds(15), seconds(25)));
    assert_eq!((limits.threads, limits.small_body_bytes), (512, 16 << 10));
    assert_eq!(LineLimits::default().wait, seconds(2));
}

#[test]
fn a_slow_head_gets_408() {
    patiently(|| {
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
        assert!((300..900).contains(&took), "{took} ms");
        let _ = client.socket.shutdown(Shutdown::Write);
        assert!(client.is_closed());
    });
}

#[test]
fn the_time_of_a_head_counts_from_its_own_first_byte() {
    patiently(|| {
        let server = Running::start(Limits { head_time: ms(200), idle_time: ms(600), ..small() });
        let mut client = server.connect();
        std::thread::sleep(ms(400));
        assert_eq!(client.get("/healthz").status, 200);
        std::thread::sleep(ms(400));
        client.send(&HEALTH.as_bytes()[..9]);
        std::thread::sleep(ms(100));
        client.send(&HEALTH.as_bytes()[9..]);
        assert_eq!(client.answer().unwrap().status, 200);
        let (closed, took) = time(|| client.is_closed());
        assert!(closed && (500..1200).contains(&took), "{took} ms");
    });
}

#[test]
fn an_empty_line_between_requests_begins_no_head() {
    patiently(|| {
        let server = Running::start(Limits { head_time: ms(100), idle_time: ms(900), ..small() });
        let mut client = server.connect();
        client.send("\r\n");
        std::thread::sleep(ms(400));
        assert_eq!(client.get("/healthz").status, 200);
    });
}

#[test]
fn a_slow_body_gets_408() {
    patiently(|| {
        let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
        let server = Running::start(Limits { body_time: ms(300), ..small() });
        let mut client = server.connect();
        client.send(post);
        let (answer, took) = time(|| client.answer().unwrap());
        assert_eq!(answer.status, 408);
        assert!((250..900).contains(&took), "{took} ms");

        // 5 seconds of grace, and a rate that no client here comes at.
        let server = Running::start(Limits { body_rate: 1_000_000, ..small() });
        let mut client = server.connect();
        client.send(post);
        client.send([b'x'; 50_000]);
        let (answer, took) = time(|| client.answer().unwrap());
        assert_eq!(answer.status, 408);
        assert!((4500..6500).contains(&took), "{took} ms");
    });
}

#[test]
fn clients_that_do_not_read_hold_up_no_other() {
    patiently(|| {
        let server = Running::start(Limits { write_time: ms(1500), ..small() });
        let clients: Vec<_> = (0..12)
            .map(|n| {
                let mut client = server.connect_slow();
                let target =
                    if n % 2 == 0 { "/stream?n=90000000" } else { "/sized-stream?n=90000000" };
                client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
                client
            })
            .collect();
        std::thread::sleep(ms(300));
        let (status, took) = time(|| server.connect().get("/healthz").status);
        assert!(status == 200 && took < 1000, "{took} ms");
        std::thread::sleep(ms(2500));
        for mut client in clients {
            // What the kernel held is still there to be read, and then it ends before its time.
            let answer = client.answer();
            assert!(answer.is_none());
        }
    });
}

/// On 1.0 the end of the connection is the end of the answer, so this must be no plain end.
#[test]
fn a_stream_that_is_cut_off_ends_with_a_reset() {
    use std::io::{ErrorKind, Read};
    let server = Running::start(Limits { write_time: ms(400), ..small() });
    let mut client = server.connect_slow();
    client.send("GET /stream?n=90000000 HTTP/1.0\r\n\r\n");
    std::thread::sleep(ms(2000));
    let end = client.socket.read_to_end(&mut Vec::new()).map_err(|e| e.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}

#[test]
fn a_whole_answer_that_is_not_read_is_cut_off() {
    patiently(|| {
        let server = Running::start(Limits { write_time: ms(700), ..small() });
        let mut client = server.connect();
        // As many answers as it takes to fill the buffers of both kernels.
        let request = "GET /json?n=1000000 HTTP/1.1\r\nHost: a\r\n\r\n";
        client.send(request.repeat(40));
        std::thread::sleep(ms(1500));
        assert!(client.answers(&[]).len() < 40);
    });
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
    patiently(|| {
        use std::io::Read;
        let server = Running::start(Limits { write_time: ms(600), ..small() });
        let mut client = server.connect();
        client.send("GET /stream?n=20000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let (mut buffer, mut total) = (vec![0; 256 << 10], 0);
        loop {
            match client.socket.read(&mut buffer).unwrap() {
                0 => break,
                n => total += n,
            }
            std::thread::sleep(ms(20));
        }
        assert!(total > 20_000_000, "{total}");
    });
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
    patiently(|| {
        let server = Running::start(Limits { write_time: ms(900), ..Limits::default() });
        let mut busy = server.connect();
        let mut writer = busy.socket.try_clone().unwrap();
        let flood = std::thread::spawn(move || {
            let many = HEALTH.repeat(1000);
            while writer.write_all(many.as_bytes()).is_ok() {}
        });
        let reader = std::thread::spawn(move || {
            let start = Instant::now();
            let mut count = 0;
            while start.elapsed() < ms(700) {
                count += usize::from(busy.answer().is_some());
            }
            count
        });
        std::thread::sleep(ms(100));
        let (status, took) = time(|| server.connect().get("/healthz").status);
        assert!(status == 200 && took < 300, "{took} ms");
        assert!(reader.join().unwrap() > 100);
        flood.join().unwrap();
    });
}

/// Each of them costs its bytes once, so that a flood of them is like any other.
#[test]
fn a_flood_of_empty_lines_keeps_nobody_waiting() {
    patiently(|| {
        let server = Running::start(small());
        let flood = b"\r\n".repeat(32 << 10);
        let done = std::sync::atomic::AtomicBool::new(false);
        let address = server.address;
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut socket = std::net::TcpStream::connect(address).unwrap();
                    socket.set_write_timeout(Some(ms(100))).unwrap();
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
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
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(took < 2_000, "{took} ms for 20 requests");
        });
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

#[test]
fn without_a_thread_the_newest_slow_client_of_the_greediest_address_goes() {
    let server = Running::start(Limits { threads: 5, ..small() });
    let half = |address| {
        let mut client = server.connect_from(address);
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\nx");
        std::thread::sleep(ms(50));
        client
    };
    let mut greedy: Vec<_> = (0..5).map(|_| half(2)).collect();
    assert_eq!(half(2).answer().unwrap().status, 503, "its own sixth");
    let mut other = half(3);
    let refused = greedy.pop().unwrap().answer().unwrap();
    assert_eq!((refused.status, refused.header("Retry-After")), (503, Some("1")));
    for client in greedy.iter_mut().chain([&mut other]) {
        client.send([b'x'; 19_999]);
        assert_eq!(client.answer().unwrap().body.len(), 20_000);
    }
    assert_eq!(server.connect_from(4).get("/healthz").status, 200);
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
    assert!(used <= 3, "{used}0 ms of a second");
}

#[test]
fn waiting_takes_no_processor_time() {
    patiently(|| {
        let output = child("limits::wait").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    });
}
