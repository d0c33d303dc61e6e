//! What a phone asks of a CardDAV server, measured at any of them: `tools/bench-dav` starts the
//! servers and runs this once for each.
//!
//! `bench_dav NAME` takes from the environment: `URL`, an address book with the cards of
//! `bench_dav cards FOLDER`, or an empty one, which gets them by PUT; `USER` and `PASSWORD`; `PID`,
//! the server's process, for its memory and processor time; `POSTGRES_PID`, where it has one; `CARDS`, how many (5,000), a tenth of them with a photo of
//! 50 KB. The figures go to `target/bench/dav-NAME.tsv`;
//! `bench_dav report` shows all of them as one table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement may die of what surprises it"
)]

mod http;

use base64::Engine;
use http::{Book, Client};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long each rate is measured.
const ROUND: Duration = Duration::from_secs(5);
/// Clients that ask at the same time.
const CLIENTS: usize = 16;
/// Cards of one multiget, as phones ask for them.
const BATCH: usize = 100;
/// First syncs, of which the median counts.
const SYNCS: usize = 3;

const CTAG: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<d:propfind xmlns:d="DAV:" xmlns:cs="http://calendarserver.org/ns/"><d:prop>
<cs:getctag/><d:sync-token/></d:prop></d:propfind>"#;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["report"] => report(),
        ["cards", folder] => {
            for number in 0..cards() {
                std::fs::write(format!("{folder}/{}", file_name(number)), card(number)).unwrap();
            }
        }
        [name] => measure(name),
        _ => panic!("bench_dav NAME, bench_dav cards FOLDER, or bench_dav report"),
    }
}

fn cards() -> usize {
    std::env::var("CARDS").map_or(5_000, |cards| cards.parse().unwrap())
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn measure(name: &str) {
    let cards = cards();
    let pid: u32 = variable("PID").parse().unwrap();
    let book = Book::new(&variable("URL"), &variable("USER"), &variable("PASSWORD"));
    let mut rows = String::new();
    let mut row = |what: &str, rate: f64, p50: f64, p99: f64, note: String| {
        println!(
            "{name:<12} {what:<28} {rate:>10.1}/s  p50 {p50:>8.2} ms  p99 {p99:>8.2} ms  {note}"
        );
        writeln!(rows, "{what}\t{rate}\t{p50}\t{p99}\t{note}").unwrap();
    };

    let next = AtomicUsize::new(0);
    if members(&book, &mut Client::new(&book)).1.is_empty() {
        repeat(&book, CLIENTS, Some(cards), |client| put_next(client, &next));
    }
    next.store(cards, Ordering::Relaxed);

    let before = memory(pid);
    let spent = spent(pid);
    let mut syncs: Vec<_> = (0..SYNCS).map(|_| first_sync(&book, cards)).collect();
    let took: Vec<String> = (self::spent(pid).iter().zip(spent))
        .map(|((who, after), (_, before))| format!("{who} {:.2}", (after - before) / SYNCS as f64))
        .collect();
    syncs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (seconds, bytes) = syncs[SYNCS / 2];
    let (peak, megabytes) = (peak(pid), bytes / 1_000_000);
    let note = format!(
        "{seconds:.2} s, {megabytes} MB, memory {before:.0} to {peak:.0} MiB, processor s: {}",
        took.join(", ")
    );
    row("first sync, cards", cards as f64 / seconds, seconds * 1_000.0, 0.0, note);

    for clients in [1, CLIENTS] {
        let asked = repeat(&book, clients, None, |client| {
            client.propfind(CTAG).expect(&[207]);
        });
        let what = format!("PROPFIND ctag, c={clients}");
        row(&what, asked.rate, asked.p50, asked.p99, String::new());
    }
    let listed = Client::new(&book).report(&sync("")).expect(&[207]);
    let nothing = sync(texts(&listed, "sync-token")[0]);
    let polled = repeat(&book, CLIENTS, None, |client| {
        client.report(&nothing).expect(&[207]);
    });
    row("sync, nothing changed, c=16", polled.rate, polled.p50, polled.p99, String::new());
    let put = repeat(&book, CLIENTS, None, |client| put_next(client, &next));
    row("PUT of a new card, c=16", put.rate, put.p50, put.p99, String::new());

    std::fs::create_dir_all("target/bench").unwrap();
    std::fs::write(format!("target/bench/dav-{name}.tsv"), rows).unwrap();
}

/// What came of many requests: a second, and milliseconds.
struct Measured {
    rate: f64,
    p50: f64,
    p99: f64,
}

/// Has so many clients do the same again and again: so many times in all, or for a round.
fn repeat(
    book: &Book,
    clients: usize,
    times: Option<usize>,
    work: impl Fn(&mut Client) + Sync,
) -> Measured {
    let began = Instant::now();
    let done = AtomicUsize::new(0);
    let one = || {
        let (mut client, mut took) = (Client::new(book), Vec::new());
        loop {
            match times {
                Some(times) if done.fetch_add(1, Ordering::Relaxed) >= times => break,
                None if began.elapsed() >= ROUND => break,
                _ => {}
            }
            let start = Instant::now();
            work(&mut client);
            took.push(start.elapsed().as_secs_f64() * 1_000.0);
        }
        took
    };
    let mut took: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let seconds = began.elapsed().as_secs_f64();
    took.sort_by(f64::total_cmp);
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
    Measured { rate: took.len() as f64 / seconds, p50: at(0.5), p99: at(0.99) }
}

/// The whole book as a new phone reads it, by one connection. Seconds, and bytes of the answers.
fn first_sync(book: &Book, cards: usize) -> (f64, usize) {
    let began = Instant::now();
    let mut client = Client::new(book);
    let (mut bytes, hrefs) = members(book, &mut client);
    assert_eq!(hrefs.len(), cards, "cards that are listed");
    let mut read = 0;
    for batch in hrefs.chunks(BATCH) {
        let answer = client.report(&multiget(batch)).expect(&[207]);
        let found = texts(&answer, "address-data");
        assert!(found.iter().all(|card| card.starts_with("BEGIN:VCARD") && card.contains("FN:")));
        bytes += answer.len();
        read += found.len();
    }
    assert_eq!(read, cards, "cards that were read");
    (began.elapsed().as_secs_f64(), bytes)
}

/// How long the list of all cards is, and their hrefs.
fn members(book: &Book, client: &mut Client) -> (usize, Vec<String>) {
    let listed = client.report(&sync("")).expect(&[207]);
    let hrefs = texts(&listed, "href").into_iter().filter(|href| *href != book.path);
    let hrefs = hrefs.map(str::to_owned).collect();
    (listed.len(), hrefs)
}

fn sync(token: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><d:sync-collection xmlns:d="DAV:"><d:sync-token>{token}</d:sync-token><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>"#
    )
}

fn multiget(hrefs: &[String]) -> String {
    let hrefs: String = hrefs.iter().map(|href| format!("<d:href>{href}</d:href>")).collect();
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><c:addressbook-multiget xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:prop><d:getetag/><c:address-data/></d:prop>{hrefs}</c:addressbook-multiget>"#
    )
}

/// What stands in the elements of this name, whatever their prefix.
fn texts<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        rest = &rest[at + 1..];
        let Some(end) = memchr::memchr(b'>', rest.as_bytes()) else { break };
        let tag = rest[..end].split([' ', '\n']).next().unwrap();
        rest = &rest[end + 1..];
        if tag.rsplit(':').next() == Some(name) && !tag.starts_with('/') && !tag.ends_with('/') {
            found.push(&rest[..memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len())]);
        }
    }
    found
}

fn put_next(client: &mut Client, next: &AtomicUsize) {
    let number = next.fetch_add(1, Ordering::Relaxed);
    client.put(&file_name(number), &card(number)).expect(&[201, 204]);
}

fn file_name(number: usize) -> String {
    format!("{number:06}.vcf")
}

/// A card as phones write them; each tenth (`PHOTO_EVERY`; 0: the first alone) has a photo of 50 KB.
fn card(number: usize) -> String {
    let family = ["Smith", "Shevchenko", "Nováková", "Müller", "Коваль", "Dupont"][number % 6];
    let mut card = format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//contactd//bench//EN\r\nUID:bench-{number:06}\r\n\
         FN:Ann {number} {family}\r\nN:{family};Ann {number};;;\r\nORG:Example Ltd;Sales\r\n\
         EMAIL;TYPE=INTERNET,HOME:ann{number}@example.com\r\n\
         EMAIL;TYPE=INTERNET,WORK:ann.{number}@work.example\r\n\
         TEL;TYPE=CELL:+38044{:07}\r\nTEL;TYPE=WORK,VOICE:+38050{:07}\r\n\
         ADR;TYPE=HOME:;;{number} High Street;Kyiv;;01001;Ukraine\r\nBDAY:1990-05-17\r\n\
         NOTE:Met at the conference\\, likes tea.\r\nREV:2026-11-28T12:00:00Z\r\n",
        number * 7_919 % 9_999_999,
        number * 104_729 % 9_999_999,
    );
    let photo_every = std::env::var("PHOTO_EVERY").map_or(10, |it| it.parse().unwrap());
    if number.is_multiple_of(photo_every) {
        let mut state = number as u64 + 1;
        let mut photo = vec![0xff, 0xd8, 0xff, 0xe0];
        while photo.len() < 50 * 1_024 {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            photo.extend_from_slice(&state.to_be_bytes());
        }
        let text = base64::engine::general_purpose::STANDARD.encode(photo);
        card.push_str("PHOTO;ENCODING=b;TYPE=JPEG:");
        for line in text.as_bytes().chunks(74) {
            card.push_str("\r\n ");
            card.push_str(str::from_utf8(line).unwrap());
        }
        card.push_str("\r\n");
    }
    card + "END:VCARD\r\n"
}

/// Seconds of a processor: the server, its Postgres where it has one, and this program.
fn spent(server: u32) -> Vec<(&'static str, f64)> {
    let mut all = vec![("server", seconds(server)), ("this client", seconds(std::process::id()))];
    if let Ok(pid) = std::env::var("POSTGRES_PID") {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let children = children.split_whitespace().map(|pid| seconds(pid.parse().unwrap()));
        all.insert(1, ("Postgres", children.sum()));
    }
    all
}

/// What a process has had of a processor; nothing for one that is gone.
fn seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

/// A line of `/proc/PID/status`, in MiB.
fn status(pid: u32, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}

/// Resident memory now, from where [`peak`] begins anew.
fn memory(pid: u32) -> f64 {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    status(pid, "VmRSS")
}

fn peak(pid: u32) -> f64 {
    status(pid, "VmHWM")
}

/// All that was measured, as a table; contactd's column comes first.
fn report() {
    let files = std::fs::read_dir("target/bench").unwrap().filter_map(Result::ok);
    let names = files.filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        Some(name.strip_prefix("dav-")?.strip_suffix(".tsv")?.to_owned())
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    let read = |name: &String| -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(format!("target/bench/dav-{name}.tsv")).unwrap();
        text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    };
    let tables: Vec<_> = names.iter().map(read).collect();
    let number = |word: &str| word.parse::<f64>().unwrap();
    let mut out = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for (index, first) in tables[0].iter().enumerate() {
        write!(out, "| {} |", first[0]).unwrap();
        for table in &tables {
            let [_, rate, p50, p99, note] = &table[index][..] else { panic!("{:?}", table[index]) };
            let (rate, p50, p99) = (number(rate), number(p50), number(p99));
            let rate = format!("{rate:.0$}", if rate < 10.0 { 1 } else { 0 });
            match note.as_str() {
                "" => write!(out, " {rate}/s, p50 {p50:.1}, p99 {p99:.1} ms |"),
                note => write!(out, " {rate}/s ({note}) |"),
            }
            .unwrap();
        }
        out.push('\n');
    }
    std::fs::write("target/bench/dav.md", &out).unwrap();
    println!("\n{out}");
}
