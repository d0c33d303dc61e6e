//! What a phone may cost: 10,000 hrefs, cards of 4 MiB, a flood of PROPFIND.

use super::app_password;
use super::wire::{Answer, Line, Outcome};
use crate::ledger::CALM;
use crate::redis::sign_in;
use crate::redis_server::RedisServer;
use crate::server::Server;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// The most memory that the process ever held, in KiB.
fn peak(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn server(redis: &RedisServer) -> Server {
    let url = redis.url();
    Server::with(&[CALM.as_slice(), &[("REDIS_URL", &url)]].concat())
}

fn what(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done(answer) | Outcome::TooLate(answer) => answer.head,
        Outcome::Wrong(what) => what,
        Outcome::Perhaps | Outcome::NotSent => "no answer".to_owned(),
    }
}

#[track_caller]
fn done(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Done(answer) => answer,
        other => panic!("{}", what(other)),
    }
}

const XML: &str = "Content-Type: application/xml\r\nDepth: 1\r\n";

#[test]
fn hrefs_by_the_thousand_and_cards_of_4_mib_are_answered_in_bounded_memory() {
    let redis = RedisServer::start(); // two schemas must not share one
    let server = server(&redis);
    let (basic, book) = app_password(&server, &sign_in(&server, "ann"));
    let line = Line { address: server.address().to_owned(), headers: basic };
    let photo = "A".repeat(4 * 1024 * 1024 - 300);
    for number in 0..12 {
        let card = format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{number}\r\nFN:{number}\r\nN:{number};;;;\r\nPHOTO;ENCODING=b:{photo}\r\nEND:VCARD\r\n"
        );
        let kind = "Content-Type: text/vcard\r\n";
        done(line.send("PUT", &format!("{book}{number}.vcf"), kind, &card));
    }
    let before = peak(&server);
    let mut body =
        "<C:addressbook-multiget xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:carddav\">\
        <D:prop><D:getetag/><C:address-data/></D:prop>"
            .to_owned();
    for number in 0..10_000 {
        write!(body, "<D:href>{book}{number}.vcf</D:href>").unwrap();
    }
    body += "</C:addressbook-multiget>";
    let answer = done(line.send("REPORT", &book, XML, &body)).body;
    assert!(answer.len() > 12 * photo.len(), "every card, whole");
    assert_eq!(answer.matches("HTTP/1.1 404 Not Found").count(), 10_000 - 12);
    let grown = peak(&server).saturating_sub(before) / 1024;
    println!(
        "BOUND | 10,000 hrefs, 12 of them cards of 4 MiB | {} MiB answered, {grown} MiB more memory",
        answer.len() >> 20
    );
    assert!(grown < 48, "{grown} MiB");
}

#[test]
fn a_flood_of_propfind_leaves_others_their_turn() {
    let redis = RedisServer::start(); // two schemas must not share one
    let server = server(&redis);
    let (basic, book) = app_password(&server, &sign_in(&server, "ann"));
    let phone = Line { address: server.address().to_owned(), headers: basic };
    let bob = Line { address: server.address().to_owned(), headers: sign_in(&server, "bob") };
    for number in 0..100 {
        let card = super::phone::new_card(&format!("c{number}"), "new");
        let kind = "Content-Type: text/vcard\r\n";
        done(phone.send("PUT", &format!("{book}{number}.vcf"), kind, &card));
    }
    let before = peak(&server);
    let (stop, answered, refused) =
        (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let (mut slowest, mut asked) = (Duration::ZERO, 0);
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                while !stop.load(SeqCst) {
                    match phone.send("PROPFIND", &book, XML, "") {
                        Outcome::Done(_) => answered.fetch_add(1, SeqCst),
                        Outcome::Perhaps => refused.fetch_add(1, SeqCst),
                        other => panic!("{}", what(other)),
                    };
                }
            });
        }
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(6) {
            let now = Instant::now();
            done(bob.send("GET", "/api/contacts", "", ""));
            slowest = slowest.max(now.elapsed());
            asked += 1;
        }
        stop.store(true, SeqCst);
    });
    let grown = peak(&server).saturating_sub(before) / 1024;
    println!(
        "BOUND | 100 clients of one phone that list 100 cards without a pause, 6 s | {} answered, {} refused with 503; another account: {asked} lists, the slowest {:.2} s; {grown} MiB more memory",
        answered.into_inner(),
        refused.into_inner(),
        slowest.as_secs_f64(),
    );
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    assert!(grown < 64, "{grown} MiB");
}
