//! Hours in minutes: mixed load on one server while its stores and its mail server fail at random.

use crate::ledger::{self, CALM, Ledger};
use crate::postgres_server::PostgresServer;
use crate::process::{arrived, register};
use crate::redis_server::RedisServer;
use crate::server::{Server, exchange};
use crate::smtp::{Behaviour, Sink};
use crate::world::unique_name;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// What the process holds: KiB of memory, descriptors, threads.
#[derive(Debug, Clone, Copy)]
pub struct Holds {
    pub resident: u64,
    pub descriptors: usize,
    pub threads: u64,
}

pub fn holds(server: &Server) -> Holds {
    let process = format!("/proc/{}", server.pid());
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    let descriptors = fs::read_dir(format!("{process}/fd")).unwrap().count();
    Holds { resident: number("VmRSS:"), descriptors, threads: number("Threads:") }
}

/// Reads of all kinds, until `stop`; how many were answered 200, and how many otherwise.
fn read(address: &str, auth: &str, stop: &AtomicBool, good: &AtomicUsize, other: &AtomicUsize) {
    let paths = [
        "/api/contacts?search=w1&limit=50",
        "/api/users/me",
        "/api/contacts/birthdays?days=366",
        "/api/contacts/labels",
        "/readyz",
        "/api/contacts/trash",
        "/api/contacts?sort=-updated_at",
    ];
    for path in paths.iter().cycle() {
        if stop.load(SeqCst) {
            return;
        }
        match exchange(address, "GET", path, auth, "") {
            Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => good.fetch_add(1, SeqCst),
            Ok(answer) if answer.starts_with("HTTP/1.1 503 ") => other.fetch_add(1, SeqCst),
            wrong => panic!("{path}: {wrong:?}"),
        };
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The kind of the fault of this number: the same order in every run, since a multiplication by an
/// odd number spreads the counter.
pub fn kind_of(number: usize) -> usize {
    number.wrapping_mul(2_654_435_761) >> 7 & 7
}

/// Makes a fault of this kind, and lasts as long as its number says; what it was.
pub fn fail(
    kind: usize,
    number: usize,
    postgres: &mut PostgresServer,
    redis: &mut RedisServer,
    sink: &Sink,
) -> &'static str {
    let a_while = || std::thread::sleep(Duration::from_millis(500 + 700 * (number as u64 % 4)));
    match kind {
        0 => {
            redis.kill();
            a_while();
            redis.restart();
            "Redis killed"
        }
        1 => {
            redis.hang();
            a_while();
            redis.go_on();
            "Redis hung"
        }
        2 => {
            postgres.stop_at_once();
            a_while();
            postgres.restart();
            "Postgres stopped"
        }
        3 => {
            postgres.kill();
            a_while();
            postgres.restart();
            "Postgres killed"
        }
        4 => {
            postgres.hang();
            a_while();
            postgres.go_on();
            "Postgres hung"
        }
        5 => {
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE application_name = 'contactd'";
            postgres.client().query(sql, &[]).unwrap();
            "connections terminated"
        }
        6 => {
            sink.behave(Behaviour::HangUp);
            a_while();
            sink.behave(Behaviour::DropAfterData);
            a_while();
            sink.behave(Behaviour::Accept);
            "SMTP hung up, dropped after DATA"
        }
        _ => {
            ::redis::cmd("FLUSHALL").exec(&mut redis.connection()).unwrap();
            "Redis flushed"
        }
    }
}

#[test]
#[ignore = "takes its time: ./dev soak [SECONDS]"]
fn soak() {
    let seconds = crate::world::optional_variable("SOAK_SECONDS")
        .map_or(600, |number| number.parse().unwrap());
    let (mut postgres, mut redis, sink) =
        (PostgresServer::start(), RedisServer::start(), Sink::start());
    let (database, cache, mail) = (postgres.url(), redis.url(), sink.url());
    let mut settings = CALM.to_vec();
    settings.extend([("DATABASE_URL", database.as_str()), ("REDIS_URL", &cache)]);
    let name = unique_name();
    let auths = ledger::writers(&Server::in_schema(&name, &settings), 5);
    settings.push(("SMTP_URL", &mail));
    let server = Server::in_schema(&name, &settings);
    let ledger = Ledger::open(&[server.address()], &auths[..4]);
    let (stop, good, other) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let (begin, end) = (Instant::now(), Duration::from_secs(seconds));
    let (mut faults, mut registered, mut lines) = (0, Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        for auth in &auths[3..] {
            scope.spawn(|| read(server.address(), auth, &stop, &good, &other));
        }
        // Every part has run once before anything is measured.
        std::thread::sleep(Duration::from_secs(seconds.min(50) / 5));
        lines.push((begin.elapsed(), holds(&server)));
        while begin.elapsed() < end {
            // Its mail is on its way when the fault comes.
            let user = format!("user{faults}");
            if register(server.address(), &user) {
                registered.push(user);
            }
            let told = fail(kind_of(faults), faults, &mut postgres, &mut redis, &sink);
            faults += 1;
            let back = ledger.until_all_write();
            println!(
                "{:>5} s: {told}; writes again after {:.2} s",
                begin.elapsed().as_secs(),
                back.as_secs_f64()
            );
            std::thread::sleep(Duration::from_secs(2));
            lines.push((begin.elapsed(), holds(&server)));
        }
        stop.store(true, SeqCst);
    });
    postgres
        .client()
        .batch_execute("UPDATE outbox SET next_attempt_at = now() WHERE done_at IS NULL")
        .unwrap();
    let (mails, twice) = arrived(&sink, &registered);
    let balance = ledger.close(server.address());
    std::thread::sleep(Duration::from_secs(20)); // connections that idle are closed
    lines.push((begin.elapsed(), holds(&server)));
    let (first, last) = (lines[0].1, lines[lines.len() - 1].1);
    for (at, held) in
        [lines[0], lines[lines.len() / 2], lines[lines.len() - 2], lines[lines.len() - 1]]
    {
        println!(
            "{:>5} s: {} KiB resident, {} descriptors, {} threads",
            at.as_secs(),
            held.resident,
            held.descriptors,
            held.threads
        );
    }
    let told = format!(
        "{faults} faults; {} reads answered, {} times 503; {mails} mails for {} registrations, {twice} twice; resident {} to {} KiB, descriptors {} to {}, threads {} to {}",
        good.into_inner(),
        other.into_inner(),
        registered.len(),
        first.resident,
        last.resident,
        first.descriptors,
        last.descriptors,
        first.threads,
        last.threads,
    );
    balance.check(&format!("soak of {seconds} s"), &told);
    // In the first half the pool opens its 16 connections (four descriptors each) and the
    // allocator takes what it needs. After that nothing may grow.
    let middle = lines[lines.len() / 2].1;
    assert!(last.threads <= first.threads, "threads: {first:?}, {last:?}");
    assert!(last.descriptors <= middle.descriptors + 8, "descriptors: {middle:?}, {last:?}");
    assert!(last.resident <= middle.resident + 16 * 1024, "memory: {middle:?}, {last:?}");
}
