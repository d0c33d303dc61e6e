//! A ledger: clients that write down every acknowledged write before they send the next one, and
//! compare at the end. What was answered 2xx must be there; what was not may be there or not, but
//! wholly or not at all.

use crate::redis::json;
use crate::server::exchange;
use serde_json::{Value, json as object};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Contacts in one import, which is one transaction.
const BATCH: usize = 5;

/// How a write ended.
enum Outcome {
    /// 2xx, with the whole answer.
    Acknowledged(String),
    /// 503 with Retry-After: done or not.
    Refused,
    /// The connection ended without an answer: done or not.
    Cut,
    /// Nobody listened: not done.
    NotSent,
}

/// One contact as its writer sees it.
#[derive(Debug)]
struct Entry {
    name: String,
    /// Known once its creation was acknowledged.
    id: Option<i64>,
    /// The last acknowledged note, and those after it of unknown fate.
    notes: Vec<String>,
    deleted: Deleted,
}

#[derive(Debug, PartialEq)]
enum Deleted {
    No,
    Perhaps,
    Yes,
}

/// What one writer wrote down.
#[derive(Default)]
struct Page {
    auth: String,
    name: String,
    entries: Vec<Entry>,
    /// Label of an import, and whether it was acknowledged.
    batches: Vec<(String, bool)>,
    refused: usize,
    cut: usize,
    slowest: Duration,
    /// Answers that no client should ever see.
    wrong: Vec<String>,
}

struct Shared {
    begin: Instant,
    stop: AtomicBool,
    /// Where the writers send to; several replicas are taken in turn.
    addresses: Mutex<Vec<String>>,
    /// When each writer's last acknowledged write was **sent**, in microseconds after `begin`.
    sent: Vec<AtomicU64>,
    acknowledged: AtomicU64,
}

/// Writers at work.
pub struct Ledger {
    shared: Arc<Shared>,
    writers: Vec<JoinHandle<Page>>,
}

impl Ledger {
    /// One writer for each header with an access token; each writes into its own account.
    pub fn open(addresses: &[&str], auths: &[String]) -> Ledger {
        let shared = Arc::new(Shared {
            begin: Instant::now(),
            stop: AtomicBool::new(false),
            addresses: Mutex::new(addresses.iter().map(|&address| address.to_owned()).collect()),
            sent: auths.iter().map(|_| AtomicU64::new(0)).collect(),
            acknowledged: AtomicU64::new(0),
        });
        let writers = auths.iter().enumerate().map(|(number, auth)| {
            let (shared, auth) = (shared.clone(), auth.clone());
            std::thread::spawn(move || write(&shared, number, auth))
        });
        Ledger { writers: writers.collect(), shared }
    }

    /// How many writes were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(SeqCst)
    }

    /// How long it takes until a write of each writer that was sent after now is acknowledged.
    pub fn until_all_write(&self) -> Duration {
        let now = Instant::now();
        let sent = u64::try_from(self.shared.begin.elapsed().as_micros()).unwrap();
        while self.shared.sent.iter().any(|last| last.load(SeqCst) < sent) {
            assert!(now.elapsed() < Duration::from_secs(60), "no writes any more");
            std::thread::sleep(Duration::from_millis(1));
        }
        now.elapsed()
    }

    /// Waits until so many more writes are acknowledged: on a busy machine that takes its time.
    pub fn write_more(&self, number: u64) {
        let (begin, enough) = (Instant::now(), self.acknowledged() + number);
        while self.acknowledged() < enough {
            assert!(begin.elapsed() < Duration::from_secs(60), "no writes any more");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the writers, and compares what they wrote down with what the server has.
    pub fn close(self, address: &str) -> Balance {
        self.write_more(10);
        self.shared.stop.store(true, SeqCst);
        let pages: Vec<Page> = self.writers.into_iter().map(|it| it.join().unwrap()).collect();
        let mut balance =
            Balance { acknowledged: self.shared.acknowledged.load(SeqCst), ..Balance::default() };
        for page in pages {
            compare(&page, address, &mut balance);
        }
        balance
    }
}

/// What the comparison found.
#[derive(Debug, Default)]
pub struct Balance {
    pub acknowledged: u64,
    pub refused: usize,
    pub cut: usize,
    /// The slowest answer, of whatever status.
    pub slowest: Duration,
    lost: Vec<String>,
    half: Vec<String>,
    wrong: Vec<String>,
}

impl Balance {
    /// Prints the line for docs/testing.md, and fails unless nothing was lost.
    #[track_caller]
    pub fn check(&self, fault: &str, report: &str) {
        println!(
            "FAULT | {fault} | {} acknowledged, {} lost, {} half done; {} answered 503, {} cut off, slowest {:.2} s | {report}",
            self.acknowledged,
            self.lost.len(),
            self.half.len(),
            self.refused,
            self.cut,
            self.slowest.as_secs_f64(),
        );
        assert!(self.lost.is_empty(), "{fault}: lost {:?}", self.lost);
        assert!(self.half.is_empty(), "{fault}: half done {:?}", self.half);
        assert!(self.wrong.is_empty(), "{fault}: {:?}", self.wrong);
    }
}

impl Shared {
    fn address(&self, number: usize) -> String {
        let addresses = self.addresses.lock().unwrap();
        addresses[number % addresses.len()].clone()
    }
}

/// The writer: mostly new contacts, with changes, deletions and imports between them.
fn write(shared: &Shared, writer: usize, auth: String) -> Page {
    let mut page = Page { auth, name: format!("w{writer}"), ..Page::default() };
    let mut number = 0;
    while !shared.stop.load(SeqCst) {
        number += 1;
        let sent = Instant::now();
        let address = shared.address(number);
        let done = match number % 8 {
            5 => page.patch(&address, number),
            6 => page.delete(&address),
            7 => page.import(&address, number),
            _ => page.create(&address, number),
        };
        page.slowest = page.slowest.max(sent.elapsed());
        if done {
            shared.acknowledged.fetch_add(1, SeqCst);
            let at = (sent - shared.begin).as_micros();
            shared.sent[writer].store(u64::try_from(at).unwrap(), SeqCst);
        } else {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    page
}

impl Page {
    fn send(&mut self, address: &str, method: &str, path: &str, kind: &str, body: &str) -> Outcome {
        let headers = format!("{}Content-Type: {kind}\r\n", self.auth);
        let answer = match exchange(address, method, path, &headers, body) {
            Ok(answer) => answer,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Outcome::NotSent,
            Err(_) => String::new(),
        };
        match answer.split(' ').nth(1) {
            Some(status) if status.starts_with('2') => Outcome::Acknowledged(answer),
            Some("503") if answer.contains("\r\nRetry-After: ") => {
                self.refused += 1;
                Outcome::Refused
            }
            Some(_) => {
                self.wrong.push(format!("{method} {path}: {answer}"));
                Outcome::Refused
            }
            None => {
                self.cut += 1;
                Outcome::Cut
            }
        }
    }

    fn create(&mut self, address: &str, number: usize) -> bool {
        let name = format!("{}-{number}", self.name);
        let body = object!({"first_name": name, "additional_data": "new"}).to_string();
        let outcome = self.send(address, "POST", "/api/contacts", "application/json", &body);
        let id = match &outcome {
            Outcome::NotSent => return false,
            Outcome::Acknowledged(answer) => body_of(answer)["id"].as_i64(),
            Outcome::Refused | Outcome::Cut => None,
        };
        let notes = vec!["new".to_owned()];
        self.entries.push(Entry { name, id, notes, deleted: Deleted::No });
        matches!(outcome, Outcome::Acknowledged(_))
    }

    /// The newest contact without an attempt to delete it.
    fn some_entry(&self) -> Option<(usize, String)> {
        let known = |entry: &Entry| entry.deleted == Deleted::No && entry.id.is_some();
        let at = self.entries.iter().rposition(known)?;
        Some((at, format!("/api/contacts/{}", self.entries[at].id?)))
    }

    fn patch(&mut self, address: &str, number: usize) -> bool {
        let Some((at, path)) = self.some_entry() else { return false };
        let note = format!("note {number}");
        let body = object!({"additional_data": note}).to_string();
        let outcome = self.send(address, "PATCH", &path, "application/json", &body);
        let notes = &mut self.entries[at].notes;
        match outcome {
            Outcome::NotSent => return false,
            Outcome::Acknowledged(_) => *notes = vec![note],
            Outcome::Refused | Outcome::Cut => notes.push(note),
        }
        notes.len() == 1
    }

    fn delete(&mut self, address: &str) -> bool {
        let Some((at, path)) = self.some_entry() else { return false };
        let outcome = self.send(address, "DELETE", &path, "text/plain", "");
        self.entries[at].deleted = match outcome {
            Outcome::NotSent => return false,
            Outcome::Acknowledged(_) => Deleted::Yes,
            Outcome::Refused | Outcome::Cut => Deleted::Perhaps,
        };
        self.entries[at].deleted == Deleted::Yes
    }

    fn import(&mut self, address: &str, number: usize) -> bool {
        let label = format!("{}-batch-{number}", self.name);
        let card = |n| {
            format!(
                "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:{label}-{n}\r\nCATEGORIES:{label}\r\nEND:VCARD\r\n"
            )
        };
        let cards: String = (0..BATCH).map(card).collect();
        let outcome = self.send(address, "POST", "/api/contacts/import", "text/vcard", &cards);
        if matches!(outcome, Outcome::NotSent) {
            return false;
        }
        let acknowledged = matches!(outcome, Outcome::Acknowledged(_));
        self.batches.push((label, acknowledged));
        acknowledged
    }
}

fn body_of(answer: &str) -> Value {
    json(answer.split_once("\r\n\r\n").map_or("", |(_, body)| body))
}

/// Asks until it is answered 200: the server may be on its way back.
fn ask(address: &str, auth: &str, path: &str) -> String {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = exchange(address, "GET", path, auth, "");
        match answer {
            Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => return answer,
            other => assert!(Instant::now() < end, "{path}: {other:?}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn compare(page: &Page, address: &str, balance: &mut Balance) {
    balance.refused += page.refused;
    balance.cut += page.cut;
    balance.slowest = balance.slowest.max(page.slowest);
    balance.wrong.extend(page.wrong.iter().cloned());
    let answer = ask(address, &page.auth, "/api/contacts/export?format=json");
    let list = json(&dechunk(answer.split_once("\r\n\r\n").unwrap().1));
    let list = list.as_array().unwrap();
    let mut found: HashMap<&str, Vec<&Value>> = HashMap::new();
    let mut batches: HashMap<&str, usize> = HashMap::new();
    for contact in list {
        match contact["labels"][0].as_str() {
            Some(label) => *batches.entry(label).or_default() += 1,
            None => found.entry(contact["first_name"].as_str().unwrap()).or_default().push(contact),
        }
    }
    for entry in &page.entries {
        let there = found.remove(entry.name.as_str()).unwrap_or_default();
        let notes: Vec<_> = there.iter().filter_map(|it| it["additional_data"].as_str()).collect();
        let ok = match (there.len(), &entry.deleted) {
            (0, Deleted::No) => entry.id.is_none(),
            (0, _) => true,
            (1, Deleted::No | Deleted::Perhaps) => entry.notes.iter().any(|it| it == notes[0]),
            _ => false,
        };
        if !ok {
            balance.lost.push(format!("{entry:?}, but there is {there:?}"));
        }
    }
    for (label, acknowledged) in &page.batches {
        match (batches.remove(label.as_str()).unwrap_or(0), acknowledged) {
            (BATCH, _) | (0, false) => {}
            (0, true) => balance.lost.push(label.clone()),
            (some, _) => balance.half.push(format!("{some} of {label}")),
        }
    }
    balance.half.extend(found.keys().chain(batches.keys()).map(|name| format!("unasked: {name}")));
    // The number that the address book keeps, in the transactions that change it.
    let answer = ask(address, &page.auth, "/api/contacts?limit=1");
    let counted = format!("X-Total-Count: {}\r\n", list.len());
    if !answer.contains(&counted) {
        balance.half.push(format!("not {counted:?}: {answer}"));
    }
}

/// Undoes chunked encoding.
fn dechunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        whole.push_str(&rest[..length]);
        body = &rest[length + 2..];
        if length == 0 {
            break;
        }
    }
    whole
}

/// Registers, confirms and signs in so many writers; their headers.
pub fn writers(server: &crate::server::Server, number: usize) -> Vec<String> {
    (0..number).map(|n| crate::redis::sign_in(server, &format!("writer{n}"))).collect()
}

/// Settings without rate limits, and with tokens that outlive every test.
pub const CALM: [(&str, &str); 11] = [
    ("RATE_LIMIT_LOGIN", "off"),
    ("RATE_LIMIT_LOGIN_FAILURES", "off"),
    ("RATE_LIMIT_REGISTER", "off"),
    ("RATE_LIMIT_MAIL", "off"),
    ("RATE_LIMIT_MAILBOX", "off"),
    ("RATE_LIMIT_ME", "off"),
    ("RATE_LIMIT_PASSWORD", "off"),
    ("RATE_LIMIT_IMPORT", "off"),
    ("RATE_LIMIT_DAV", "off"),
    ("RATE_LIMIT_DEFAULT", "off"),
    ("ACCESS_TOKEN_MINUTES", "1440"),
];
