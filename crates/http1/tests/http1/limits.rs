//! Times, overload, fairness between addresses, and what hostile clients do. Deadlines are
//! shortened; that the real ones are those of the design is the first test.

use crate::descriptors::child;
use crate::harness::{Client, HEALTH, Held, Quick, Running, eventually, lookers, small, statuses};
use contactd::front::Limits;
use std::io::Write;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;
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
    assert!((300..900).contains(&took), "{took} ms");
    let _ = client.socket.shutdown(Shutdown::Write);
    assert!(client.is_closed());
}

#[test]
fn the_time_of_a_head_counts_from_its_own_first_byte() {
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
}

#[test]
fn an_empty_line_between_requests_begins_no_head() {
    let server = Running::start(Limits { head_time: ms(100), idle_time: ms(900), ..small() });
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
    assert!((250..900).contains(&took), "{took} ms");

    // 5 seconds of grace, and a rate that no client here comes at.
    let server = Running::start(Limits { body_rate: 1_000_000, ..small() });
    let mut client = server.connect();
    client.send(post);
    client.send([b'x'; 50_000]);
    let (answer, took) = time(|| client.answer().unwrap());
    assert_eq!(answer.status, 408);
    assert!((4500..6500).contains(&took), "{took} ms");
}

#[test]
fn clients_that_do_not_read_hold_no_worker() {
    let server = Running::start(Limits { write_time: ms(1500), ..small() });
    let clients: Vec<_> = (0..12)
        .map(|n| {
            let mut client = server.connect_slow();
            let target = if n % 2 == 0 { "/stream?n=90000000" } else { "/sized-stream?n=90000000" };
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
    let server = Running::start(Limits { write_time: ms(700), ..small() });
    let mut client = server.connect();
    // As many answers as it takes to fill the buffers of both kernels.
    let request = "GET /json?n=1000000 HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(request.repeat(40));
    std::thread::sleep(ms(1500));
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
}

#[test]
fn a_full_queue_is_503_with_retry_after() {
    // Two workers are kept from what may take its time.
    let server = Running::start(Limits { workers: 3, queue: 2, ..Limits::default() });
    let mut busy = server.connect();
    busy.send("GET /sleep?ms=700 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(ms(150));
    let mut waiting: Vec<_> = (0..2).map(|_| server.connect()).collect();
    for client in &mut waiting {
        client.send(HEALTH);
    }
    std::thread::sleep(ms(150));
    let (answer, took) = time(|| server.connect().get("/healthz"));
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));
    assert_eq!(answer.header("Connection"), Some("close"));
    assert!(took < 300, "{took} ms");
    for client in waiting.iter_mut().chain([&mut busy]) {
        assert_eq!(client.answer().unwrap().status, 200);
    }
    assert_eq!(server.connect().get("/healthz").status, 200);
}

#[test]
fn past_the_queue_no_request_waits_to_be_looked_at() {
    let program = Arc::new(Held::default());
    let limits = Limits { workers: lookers() + 2, queue: 2, ..Limits::default() };
    let server = Running::start_with(limits, program.clone());
    let (mut parts, (begin, end)) = (server.connect(), HEALTH.split_at(20));
    parts.send(begin);
    let mut clients = Vec::new();
    let mut send = |bytes: &str| {
        let mut client = server.connect();
        client.send(bytes);
        clients.push(client);
        clients.len()
    };
    let held = program.looking.lock().unwrap();
    for _ in 0..lookers() {
        let count = send(HEALTH);
        eventually("it is looked at", || program.given.load(Ordering::Relaxed) == count);
    }
    for _ in 0..5 {
        send(HEALTH);
    }
    eventually("the queue is full", || clients[lookers()..].iter().any(Client::hears));
    let mut late = server.connect();
    late.send(begin);
    // A worker would have read what comes whole; this was read by the poll set.
    parts.send(end);
    let answer = parts.answer().unwrap();
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("7")));
    assert_eq!(answer.head.to_lowercase().matches("retry-after").count(), 1);
    drop(held);
    let answers: Vec<_> = clients.iter_mut().map(|it| it.answer().unwrap().status).collect();
    assert_eq!(answers.iter().filter(|&&status| status == 503).count(), 3, "{answers:?}");
    assert_eq!(answers.iter().filter(|&&status| status == 200).count(), lookers() + 2);
    late.send(end);
    assert_eq!(late.answer().unwrap().status, 200);
}

#[test]
fn past_the_queue_no_job_waits_however_many_are_looked_at_together() {
    let program = Arc::new(Held::default());
    let limits = Limits { workers: lookers() + 2, jobs: 1, queue: 4, ..Limits::default() };
    let server = Running::start_with(limits, program.clone());
    let send = |target| {
        let mut client = server.connect();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        client
    };
    let looked_at = |target| {
        let given = || program.given.load(Ordering::Relaxed);
        let (before, client) = (given(), send(target));
        eventually("it is looked at", || given() > before);
        client
    };
    // One is under way, and three wait: there is room for one more.
    let working = program.working.lock().unwrap();
    let first: Vec<_> = (0..4).map(|_| looked_at("/sleep?ms=0")).collect();
    eventually("all were", || program.looked.load(Ordering::Relaxed) == 4);
    let looking = program.looking.lock().unwrap();
    let others: Vec<_> = (0..lookers()).map(|_| looked_at("/healthz")).collect();
    let mut together: Vec<_> = (0..4).map(|_| send("/sleep?ms=0")).collect();
    std::thread::sleep(ms(100));
    drop(looking);
    eventually("all but one are refused", || together.iter().filter(|it| it.hears()).count() >= 3);
    drop(working);
    let statuses = together.iter_mut().map(|it| it.answer().unwrap().status);
    assert!(statuses.filter(|&status| status == 503).count() >= 3);
    for mut client in first.into_iter().chain(others) {
        assert_eq!(client.answer().unwrap().status, 200);
    }
}

/// Only a few jobs are begun at once, but those that wait for something do not count for long.
#[test]
fn jobs_that_wait_leave_their_places_to_others() {
    let server = Running::start(Limits::default());
    let mut clients: Vec<_> = (0..30).map(|_| server.connect()).collect();
    let ((), took) = time(|| {
        for client in &mut clients {
            client.send("GET /sleep?ms=800 HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        for client in &mut clients {
            assert_eq!(client.answer().unwrap().status, 200);
        }
    });
    // A few at a time on two cores would take five times 800 ms.
    assert!((800..1_200).contains(&took), "{took} ms");
}

#[test]
fn a_short_job_does_not_wait_for_long_ones() {
    let server = Running::start(Limits::default());
    let mut short = server.connect();
    assert_eq!(short.get("/healthz").status, 200);
    // As many as may be begun at once; the last ones of them are young when the short one comes.
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut long: Vec<_> = (0..cores * 3).map(|_| server.connect()).collect();
    for client in &mut long {
        client.send("GET /sleep?ms=600 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    std::thread::sleep(ms(3));
    let (answer, took) = time(|| short.get("/sleep?ms=0"));
    assert_eq!(answer.status, 200);
    assert!(took < 80, "{took} ms");
}

/// Neither more jobs than there are workers for them, nor more than may wait, take the place of what
/// needs none.
#[test]
fn jobs_leave_room_for_quick_requests() {
    let limits = Limits { workers: 6, queue: 20, ..Limits::default() };
    let server = Running::start_with(limits, Arc::new(Quick::default()));
    let mut jobs: Vec<_> = (0..40).map(|_| server.connect()).collect();
    for client in &mut jobs {
        client.send("GET /sleep?ms=500 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    std::thread::sleep(ms(100));
    let (answer, took) = time(|| server.connect().get("/healthz"));
    assert_eq!(answer.status, 200);
    assert!(took < 150, "{took} ms");
    let answers: Vec<_> = jobs.iter_mut().map(|it| it.answer().unwrap().status).collect();
    // Four under way and twenty that wait; fewer if these have not begun, more since two workers may
    // look at the room at once.
    assert!(answers.iter().all(|status| [200, 503].contains(status)), "{answers:?}");
    let refused = answers.iter().filter(|&&status| status == 503).count();
    assert!((1..=20).contains(&refused), "{answers:?}");
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
    let server = Running::start(Limits { max_connections: 8, ..small() });
    let mut greedy: Vec<_> = (0..8).map(|_| server.connect_from(2)).collect();
    for client in &mut greedy {
        assert_eq!(client.get("/healthz").status, 200);
    }
    // Half a request is no idle connection. It goes when the idle ones are gone.
    greedy[7].send("GET /");
    std::thread::sleep(ms(100));
    let mut others: Vec<_> = (3..6).map(|n| server.connect_from(n)).collect();
    for client in &mut others {
        assert_eq!(client.get("/healthz").status, 200);
    }
    for n in [6, 5, 4] {
        assert!(greedy[n].is_closed(), "{n}");
    }
    greedy[7].send("healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    for n in [0, 1, 2, 3, 7] {
        if n != 7 {
            greedy[n].send(HEALTH);
        }
        assert_eq!(greedy[n].answer().unwrap().status, 200, "{n}");
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
    std::thread::sleep(ms(200));
    assert_eq!(server.connect_from(3).get("/healthz").status, 200);
    let answer = greedy.pop().unwrap().answer().unwrap();
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));
    for mut client in greedy {
        client.send("hi");
        assert_eq!(client.answer().unwrap().text(), "hi");
    }

    let server = Running::start(Limits { max_connections: 8, ..small() });
    let fair: Vec<_> = (0..8).map(|n| half(&server, 2 + n % 4)).collect();
    std::thread::sleep(ms(200));
    assert_eq!(server.connect_from(6).answer().unwrap().status, 503);
    for mut client in fair {
        client.send("hi");
        assert_eq!(client.answer().unwrap().text(), "hi");
    }
}

#[test]
fn who_has_nothing_more_to_get_has_no_place_any_more() {
    let minute = ms(60_000);
    let limits = Limits { max_connections: 1, write_time: minute, linger_time: minute, ..small() };
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

#[test]
fn unfinished_uploads_have_a_share_of_memory() {
    let server = Running::start(Limits { buffered_bytes: 4 << 20, ..small() });
    let start = |address, size| {
        let mut client: Client = server.connect_from(address);
        let head = format!("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n");
        client.send(head);
        let mut sent = 0;
        // 900 KB each. A refusal may come before all is sent.
        while sent < 9 && client.socket.write_all(&[0; 100_000]).is_ok() {
            sent += 1;
        }
        client
    };
    let mut first: Vec<_> = (0..2).map(|_| start(2, 4_000_000)).collect();
    std::thread::sleep(ms(100));
    // Now a third one would have more than a quarter while half is taken.
    let mut third = start(2, 4_000_000);
    assert_eq!(third.answer().unwrap().status, 503);
    // Another address has its own share.
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

#[test]
fn the_answer_to_an_upload_that_is_not_wanted_arrives() {
    let server = Running::start(small());
    for round in 0..6 {
        let mut client = server.connect();
        client.send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n");
        client.send(if round % 2 == 0 { "Connection: close\r\n\r\n" } else { "\r\n" });
        if round < 2 {
            // The answer may be long here when the body comes.
            eventually("an answer", || client.hears());
            std::thread::sleep(ms(300));
        }
        for _ in 0..80 {
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
fn a_busy_client_does_not_keep_others_from_a_worker() {
    let server = Running::start(Limits { workers: 1, write_time: ms(900), ..Limits::default() });
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
    let output = child("limits::wait").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}
