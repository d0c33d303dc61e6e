//! What undo costs: `./dev bench undo` (`tools/bench-undo`) runs this beside a release server with stores
//! as in production. It finds duplicates in books of 10,000 and 100,000 contacts, and rewinds a book by
//! 50,000 changes of each kind while clients of another account work. Fails when a figure of issue 18 is
//! missed: 200 ms and 3 s; 10 s, 50 MiB, 100 ms.
//!
//! Takes from the environment what `tools/live-server` tells, and `CONTACTD`, the server's program, which
//! also makes the accounts. `SMALLER=10` makes the books ten times smaller, for a first look.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement may die of what surprises it"
)]

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often duplicates are looked for.
const RUNS: usize = 9;
/// Clients of another account that work during a rewind, and how long each of them rests.
const OTHERS: usize = 4;
/// Cards of a file.
const FILE: usize = 25_000;
const REST: Duration = Duration::from_millis(20);

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run ./dev bench undo"))
}

/// An account that is signed in.
struct Owner {
    address: String,
    token: String,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
    took: Duration,
}

impl Owner {
    fn new(name: &str) -> Owner {
        let (api, password) = (variable("API"), variable("PASSWORD"));
        let mut made = Command::new(variable("CONTACTD"))
            .args(["create-admin", "--username", name, "--email", &format!("{name}@example.org")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(made.stdin.take().unwrap(), "{password}").unwrap();
        assert!(made.wait().unwrap().success());
        let address = api.strip_prefix("http://").unwrap().to_owned();
        let nobody = Owner { address, token: String::new() };
        let wish = json!({"username": name, "password": password});
        let tokens = nobody.json("POST", "/api/auth/login", wish);
        Owner { token: tokens["access_token"].as_str().unwrap().to_owned(), ..nobody }
    }

    fn ask(&self, method: &str, path: &str, media_type: &str, body: &[u8]) -> Answer {
        let began = Instant::now();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
            self.token,
            body.len()
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let took = began.elapsed();
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: bytes[end..].to_vec(), took }
    }

    fn json(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(method, path, "application/json", body.to_string().as_bytes());
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status < 300, "{method} {path}: {} {text}", answer.status);
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Imports so many cards, some at a time; the revision to rewind to.
    fn fill(&self, count: usize) -> i64 {
        let mut undo = Vec::new();
        for from in (0..count).step_by(FILE) {
            let to = count.min(from + FILE);
            let file: String = (from..to).map(card).collect();
            let answer = self.ask("POST", "/api/contacts/import", "text/vcard", file.as_bytes());
            let outcome: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(outcome["created"], to - from, "{outcome}");
            undo.push(outcome["undo"].as_i64().unwrap());
        }
        undo[0]
    }

    /// The revision of the last change: that of the contact that changed last.
    fn revision(&self) -> i64 {
        let newest = self.ask("GET", "/api/contacts?sort=-updated_at&limit=1", "text/plain", b"");
        let id = String::from_utf8_lossy(&newest.body).into_owned();
        let id = id.split("\"id\":").nth(1).unwrap().split(',').next().unwrap().to_owned();
        let one = self.ask("GET", &format!("/api/contacts/{id}"), "text/plain", b"");
        let tag = one.head.split("ETag: \"").nth(1).unwrap().split('"').next().unwrap();
        tag.parse().unwrap()
    }
}

/// A card as a phone writes it. Of a hundred, two share an address, two a number and two their name.
fn card(number: usize) -> String {
    let one_of = |part: usize| if number % 100 == part { number - 1 } else { number };
    let (mail, phone, name) = (one_of(10), one_of(30), one_of(50));
    format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bench-{number}\r\nN:Шевченко{name};Zoë;Q;Dr.;\r\n\
         FN:Dr. Zoë Q Шевченко{name}\r\nTEL;TYPE=CELL:+380 44 {phone:07}\r\n\
         TEL;TYPE=HOME:+380 45 {number:07}\r\nEMAIL;TYPE=INTERNET:Person{mail}@example.com\r\n\
         EMAIL;TYPE=HOME:home{number}@example.net\r\nORG:Example GmbH\r\nBDAY:1990-04-12\r\n\
         ADR;TYPE=HOME:;;Main St {number};Kyiv;;01001;Ukraine\r\nNOTE:Met in Kyiv\r\n\
         CATEGORIES:all\r\nEND:VCARD\r\n"
    )
}

/// A figure of `/proc/PID/status`, in KiB.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", variable("PID"))).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// By how much more than before (MiB) the server had at its worst while that ran.
fn grown<T>(work: impl FnOnce() -> T) -> (T, f64) {
    std::fs::write(format!("/proc/{}/clear_refs", variable("PID")), "5").unwrap();
    let before = memory("VmRSS");
    let done = work();
    (done, memory("VmHWM").saturating_sub(before) as f64 / 1024.0)
}

fn duplicates(name: &str, count: usize, most: Duration, missed: &mut Vec<String>) {
    let owner = Owner::new(name);
    owner.fill(count);
    let look = || owner.ask("GET", "/api/contacts/duplicates?limit=20", "text/plain", b"");
    let answer = look();
    assert_eq!(answer.status, 200);
    let wanted = format!("X-Total-Count: {}", 3 * count / 100);
    assert!(answer.head.contains(&wanted), "{wanted}: {}", answer.head);
    let (mut times, grown) = grown(|| (0..RUNS).map(|_| look().took).collect::<Vec<_>>());
    times.sort_unstable();
    let (median, worst) = (times[RUNS / 2], times[RUNS - 1]);
    println!(
        "duplicates in {count:>7}: median {median:>9.1?}, worst {worst:>9.1?}, {grown:.1} MiB over the base line"
    );
    if median > most {
        missed.push(format!("duplicates in {count}: {median:?}, more than {most:?}"));
    }
}

/// Rewinds while another account works.
fn rewind(
    what: &str,
    owner: &Owner,
    other: &Owner,
    to: i64,
    count: usize,
    missed: &mut Vec<String>,
) {
    let (times, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let ((answer, took), grown) = std::thread::scope(|scope| {
        for at in 0..OTHERS {
            let (times, stop) = (&times, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let answer = match at % 2 {
                        0 => other.ask("GET", "/api/contacts?search=shev", "text/plain", b""),
                        _ => {
                            let new = br#"{"first_name": "Beside"}"#;
                            other.ask("POST", "/api/contacts", "application/json", new)
                        }
                    };
                    assert!(answer.status < 300, "{}", answer.head);
                    times.lock().unwrap().push((answer.took, at % 2 == 0));
                    std::thread::sleep(REST);
                }
            });
        }
        std::thread::sleep(Duration::from_secs(2)); // the base line has them
        let done = grown(|| {
            times.lock().unwrap().clear();
            let began = Instant::now();
            let wish = json!({ "to": to }).to_string();
            let answer =
                owner.ask("POST", "/api/contacts/rewind", "application/json", wish.as_bytes());
            (answer, began.elapsed())
        });
        stop.store(true, Ordering::Relaxed);
        done
    });
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    let mut times = times.into_inner().unwrap();
    times.sort_unstable();
    let part =
        |times: &[(Duration, bool)], hundredths: usize| times[times.len() * hundredths / 100].0;
    let (median, p99) = (part(&times, 50), part(&times, 99));
    let (searches, creates): (Vec<_>, Vec<_>) = times.iter().partition(|it| it.1);
    let (searches, creates) = (part(&searches, 99), part(&creates, 99));
    println!(
        "rewind of {count} {what}: {took:.1?}, {grown:.1} MiB over the base line; {} requests of others \
         meanwhile: median {median:.1?}, p99 {p99:.1?} (searches {searches:.1?}, creates {creates:.1?}); {answer}",
        times.len()
    );
    if took > Duration::from_secs(10) || grown > 50.0 || p99 > Duration::from_millis(100) {
        missed.push(format!("rewind of {count} {what}: {took:?}, {grown:.1} MiB, others {p99:?}"));
    }
    let sum: u64 =
        ["restored", "reverted", "deleted"].iter().filter_map(|it| answer[it].as_u64()).sum();
    assert_eq!(sum, count as u64, "{answer}");
}

/// `duplicates`, `rewind` or both.
fn main() {
    let part = std::env::args().nth(1).unwrap_or_default();
    let smaller = std::env::var("SMALLER").map_or(1, |raw| raw.parse().unwrap());
    let mut missed = Vec::new();
    if part != "rewind" {
        duplicates("small", 10_000 / smaller, Duration::from_millis(200), &mut missed);
        duplicates("large", 100_000 / smaller, Duration::from_secs(3), &mut missed);
    }
    if part != "duplicates" {
        rewinds(50_000 / smaller, &mut missed);
    }
    assert!(missed.is_empty(), "missed: {missed:#?}");
    println!("all figures are met");
}

/// Postgres gathers its statistics now, so that the book which is filled next is one that it does not know: what
/// it may do by itself at any time, and the worst moment.
fn analyze() {
    let psql = format!("{}/psql", variable("TEST_POSTGRES_BIN"));
    let done = Command::new(psql).args([&variable("DATABASE_URL"), "-qc", "ANALYZE"]).status();
    assert!(done.unwrap().success());
}

fn rewinds(count: usize, missed: &mut Vec<String>) {
    let (owner, other) = (Owner::new("rewinder"), Owner::new("other"));
    other.fill(1_000);
    analyze();
    let empty = owner.fill(count);
    let full = owner.revision();
    let changed =
        owner.json("PATCH", "/api/contacts/labels", json!({"from": "all", "to": "every"}));
    assert_eq!(changed["changed"], count, "{changed}");
    rewind("edits", &owner, &other, full, count, missed);
    rewind("new contacts (an import)", &owner, &other, empty, count, missed);
    rewind("deletions", &owner, &other, full, count, missed);
}
