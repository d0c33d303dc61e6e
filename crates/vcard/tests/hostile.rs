//! Files that are made to take time or memory: 10 MiB of them take less than 100 MiB beside the file
//! itself, and time that grows with the file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy sees test functions, but not what they call"
)]

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use vcard::*;

/// Without optimisation a tenth of it, since each byte takes twenty times as long:
/// `cargo test -p vcard --release --test hostile` tries the whole.
const SIZE: usize = if cfg!(debug_assertions) { 1 << 20 } else { 10 << 20 };

/// `piece` so often that it is as large as a hostile file.
fn many(piece: &str) -> String {
    piece.repeat(SIZE / piece.len())
}

fn card(inside: &str) -> Vec<u8> {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\n{inside}\r\nEND:VCARD\r\n").into_bytes()
}

/// What the system says of the process's memory, in KiB: `VmRSS` now, `VmHWM` at most.
fn memory(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_ascii_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
}

type File = (&'static str, fn() -> Vec<u8>);

fn lines(count: usize, line: &str) -> Vec<u8> {
    card(&line.repeat(count))
}

const FILES: [File; 21] = [
    ("short lines", || card(&many("A:\r\n"))),
    ("short lines that fit", || lines(170_000, "TEL:1\n")),
    ("short lines that fit, by the book", || lines(120_000, "TEL:1\r\n")),
    ("labels that fit", || lines(40_000, "a.TEL:1\r\na.X-ABLabel:x\r\n")),
    ("a long line", || card(&format!("NOTE:{}", many("x")))),
    ("a long line that fits", || card(&format!("PHOTO;ENCODING=b:{}", "A".repeat(8 << 20)))),
    ("long base64 of text", || card(&format!("NOTE;ENCODING=BASE64:{}", "QUFB".repeat(2 << 20)))),
    ("parameters", || card(&format!("TEL{}:1", many(";A")))),
    ("parameters that fit", || lines(12, &format!("TEL{}:1\r\n", ";A=".repeat(21_000)))),
    ("quotes", || card(&format!("TEL;A={}:1", many("\"")))),
    ("small cards", || many("BEGIN:VCARD\nFN:A\nEND:VCARD\n").into_bytes()),
    ("beginnings", || many("BEGIN:VCARD\n").into_bytes()),
    ("agents", || many("AGENT:\nBEGIN:VCARD\n").into_bytes()),
    ("folds", || card(&format!("NOTE:x\r\n{}", many(" \r\n")))),
    ("blanks after a soft break", || card(&format!("A;QUOTED-PRINTABLE:=\n{}", many("  \n")))),
    ("soft breaks", || card(&format!("A;QUOTED-PRINTABLE:x=\n{}", many(" x=\n")))),
    ("blank lines", || card(&many("\n"))),
    ("labels", || card(&format!("CATEGORIES:{}", "a,".repeat(500_000)))),
    ("other bytes", || {
        many("BEGIN:VCARD\nFN:?\nEND:VCARD\n")
            .bytes()
            .map(|b| if b == b'?' { 0xE4 } else { b })
            .collect()
    }),
    ("escapes", || card(&format!("NOTE:{}", many("\\")))),
    ("UTF-16", || {
        card(&many("NOTE:山\r\n"))
            .utf8_chunks()
            .flat_map(|chunk| chunk.valid().encode_utf16().collect::<Vec<_>>())
            .flat_map(u16::to_le_bytes)
            .take(SIZE)
            .collect()
    }),
];

/// Memory and time are measured of the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn ten_mebibytes_of_anything_take_little_time_and_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let start = memory("VmRSS:");
    for (what, file) in FILES {
        let file = file();
        // Forgets the peak, so that it is that of this file.
        let forgotten = std::fs::write("/proc/self/clear_refs", "5").is_ok();
        let began = Instant::now();
        for (count, read) in read_cards(&file, None).enumerate() {
            if let (Ok(mut card), ..100) = (read.card, count) {
                let mut wanted = card.details();
                wanted.nickname = Some("Jo".to_owned());
                wanted.phones.reverse();
                card.set(&wanted);
            }
        }
        let _ = put_card(file.get(..4 << 20).unwrap_or(&file));
        let took = began.elapsed();
        let grew = (memory("VmHWM:").saturating_sub(start) / 1024).saturating_sub(file.len() >> 20);
        println!("{what}: {took:?}, {grew} MiB");
        // On a busy machine.
        assert!(took < Duration::from_secs(60), "{what}: {took:?}");
        assert!(grew < 100 || !forgotten, "{what}: {grew} MiB");
    }
}

/// A card with so many octets of different lines.
fn distinct(size: usize, line: fn(usize) -> String) -> Card {
    let (mut inside, mut at) = (String::new(), 0);
    while inside.len() < size {
        at += 1;
        inside += &line(at);
    }
    put_card(&card(inside.trim_end())).expect("a card").card
}

/// What this thread has had of a processor, whatever else runs.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks =
        rest.split_ascii_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

type Kind = (&'static str, fn(usize) -> String);

/// Where all values differ, what looks for each of them among all the others shows.
const DISTINCT: [Kind; 14] = [
    ("phones", |at| format!("TEL:{at:07}\r\n")),
    ("phones with labels", |at| format!("i{at}.TEL:{at:07}\r\ni{at}.X-ABLabel:l{at}\r\n")),
    ("addresses of mail", |at| format!("EMAIL:{at}@a.cd\r\n")),
    ("addresses", |at| format!("ADR:;;{at};;;;\r\n")),
    ("links", |at| format!("URL:{at}\r\n")),
    ("dates", |at| format!("X-ABDATE:{:04}-{:02}-{:02}\r\n", at / 300, at % 12 + 1, at % 25 + 1)),
    ("relations", |at| format!("X-ABRELATEDNAMES:{at}\r\n")),
    ("accounts", |at| format!("IMPP:xmpp:{at}@a\r\n")),
    ("profiles", |at| format!("X-SOCIALPROFILE;TYPE=t{at}:http://a/{at}\r\n")),
    ("labels in a line", |at| if at == 1 { "CATEGORIES:a".to_owned() } else { format!(",{at:x}") }),
    ("labels in lines", |at| format!("CATEGORIES:{at:x}\r\n")),
    ("unknown lines", |at| format!("X-A{at:x}:1\r\n")),
    ("nicknames", |at| format!("NICKNAME:{at}\r\n")),
    ("members", |at| format!("X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{at}\r\n")),
];

type Step = (&'static str, fn(Card, Card));

const STEPS: [Step; 4] = [
    ("set", |mut card, _| {
        let mut wanted = card.details();
        wanted.phones.reverse();
        wanted.phones.pop();
        wanted.emails.reverse();
        wanted.emails.pop();
        wanted.addresses.pop();
        wanted.urls.reverse();
        wanted.urls.pop();
        wanted.dates.pop();
        wanted.relations.reverse();
        wanted.relations.pop();
        wanted.online.reverse();
        wanted.online.pop();
        wanted.labels.reverse();
        wanted.labels.pop();
        card.set(&wanted);
    }),
    ("merge", |mut card, mut other| {
        let before = card.clone();
        card.merge(std::slice::from_ref(&other));
        other.merge(&[before]);
    }),
    ("compare", |card, _| assert!(card.says_all_of(&card.clone()))),
    ("members", |card, _| {
        let group = "FN:A\r\nX-ADDRESSBOOKSERVER-KIND:group\r\n";
        let mut card = Card::stored(&card.as_str().replacen("FN:A\r\n", group, 1));
        let members = (0..card.as_str().len() / 40).map(|at| format!("{at:x}")).collect();
        card.toggle_members(&members);
        card.toggle_members(&members);
        card.set_group_name("B");
    }),
];

#[test]
fn no_number_of_different_values_takes_the_square_of_its_time() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut slow = Vec::new();
    for (what, line) in DISTINCT {
        for (step, run) in STEPS {
            // Four times as much takes four times as long, where the square would be sixteen times.
            let [few, many] = [100_000, 400_000].map(|size| {
                let (card, other) =
                    (distinct(size, line), distinct(size, |at| format!("X-B{at:x}:1\r\n")));
                let began = processor();
                run(card, other);
                processor() - began
            });
            println!("{what}, {step}: {few:?}, {many:?}");
            if many > 8 * few + Duration::from_millis(300) {
                slow.push(format!("{what}, {step}: {few:?}, then {many:?}"));
            }
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}
