//! Ten minutes of phones: two replicas with a phone each, a REST client and a page beside them, all
//! of them editing one book, while Redis, Postgres and one of the replicas die. At the end everybody
//! holds the same cards, and nothing that was acknowledged is lost.

mod bounds;
mod chronicle;
mod desk;
mod phone;
mod watched;
mod wire;

use crate::ledger::CALM;
use crate::postgres_server::PostgresServer;
use crate::redis::{JSON, json, sign_in};
use crate::redis_server::{RedisServer, free_port};
use crate::server::Server;
use crate::smtp::Sink;
use crate::soak::{Holds, fail, holds, kind_of};
use crate::world::unique_name;
use chronicle::{Chronicle, Editor, work};
use desk::{Page, Rest};
use phone::{Phone, Seen};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use wire::Line;

/// An app password as a header, and the path of the book.
fn app_password(server: &Server, auth: &str) -> (String, String) {
    let wish = r#"{"name": "phone", "scope": "carddav", "password": "correct horse battery"}"#;
    let path = "/api/users/me/app-passwords";
    let (status, body) = server.ask("POST", path, &format!("{auth}{JSON}"), wish).unwrap();
    assert_eq!(status, 201, "{body}");
    let secret = json(&body)["secret"].as_str().unwrap().to_owned();
    let me = json(&server.ask("GET", "/api/users/me", auth, "").unwrap().1);
    let both =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("ann:{secret}"));
    let book = format!("/dav/addressbooks/{}/contacts/", me["id"]);
    (format!("Authorization: Basic {both}\r\n"), book)
}

/// Waits until each editor has had a change acknowledged that was sent after now.
fn until_all_write(begin: Instant, sent: &[AtomicU64]) -> Duration {
    let now = Instant::now();
    let at = u64::try_from(begin.elapsed().as_micros()).unwrap();
    while sent.iter().any(|last| last.load(SeqCst) < at) {
        assert!(now.elapsed() < Duration::from_secs(60), "no changes any more: {sent:?}, {at}");
        std::thread::sleep(Duration::from_millis(1));
    }
    now.elapsed()
}

/// The book as a phone holds it: hrefs, ETags and cards.
fn held(phone: &Phone) -> BTreeMap<String, (String, String)> {
    // XML has one kind of line end, so that a card that was read has lost what it was sent with.
    let plain = |card: &str| card.replace('\r', "");
    let held = phone.held.iter();
    held.map(|(href, it)| (href.clone(), (it.etag.clone(), plain(&it.card)))).collect()
}

fn sync_until_done(it: &mut dyn Editor, chronicle: &Chronicle) {
    let end = Instant::now() + Duration::from_secs(60);
    while !it.look(chronicle) {
        assert!(Instant::now() < end, "it cannot sync");
    }
}

/// Every page of a list.
fn all(line: &Line, path: &str) -> Vec<Value> {
    let mut whole = Vec::new();
    loop {
        let page = desk::list(line, &format!("{path}?limit=100&skip={}", whole.len())).unwrap();
        let last = page.len() < 100;
        whole.extend(page);
        if last {
            return whole;
        }
    }
}

#[test]
#[ignore = "takes its time: ./dev soak dav [SECONDS]"]
fn phones_soak() {
    let seconds = crate::world::optional_variable("SOAK_SECONDS")
        .map_or(600, |number| number.parse().unwrap());
    let (mut postgres, mut redis, sink) =
        (PostgresServer::start(), RedisServer::start(), Sink::start());
    let (database, cache, mail) = (postgres.url(), redis.url(), sink.url());
    let addresses = [0, 1].map(|n| format!("127.0.0.1:{}", free_port(900 + 50 * n)));
    let mut settings = CALM.to_vec();
    settings.extend([("DATABASE_URL", database.as_str()), ("REDIS_URL", &cache)]);
    let (auth, basic, book) = {
        let server = Server::in_schema(&unique_name(), &settings);
        let auth = sign_in(&server, "ann");
        let (basic, book) = app_password(&server, &auth);
        (auth, basic, book)
    };
    settings.push(("SMTP_URL", &mail));
    let start = |number: usize| {
        let mut settings = settings.clone();
        settings.push(("LISTEN_ADDR", &addresses[number]));
        Server::in_schema(&unique_name(), &settings)
    };
    let (one, mut two) = (start(0), Some(start(1)));
    let line = |number: usize, headers: &str| Line {
        address: addresses[number].clone(),
        headers: headers.to_owned(),
    };
    let (chronicle, seen) = (Chronicle::default(), Seen::default());
    let mut phones = [
        Phone::new("p1", line(0, &basic), &book, 0, &seen),
        Phone::new("p2", line(1, &basic), &book, 20, &seen),
    ];
    let mut rest = Rest::new(vec![line(0, &auth), line(1, &auth)]);
    let mut page = Page::signed_in(&addresses, "ann", "correct horse battery");
    let sent: [AtomicU64; 4] = Default::default();
    let (begin, end) = (Instant::now(), Duration::from_secs(seconds));
    let (mut faults, mut slowest): (Vec<&str>, Duration) = Default::default();
    let mut lines: Vec<(Duration, Holds)> = Vec::new();
    std::thread::scope(|scope| {
        let [first, second] = &mut phones;
        let editors: [&mut (dyn Editor + Send); 4] = [first, second, &mut rest, &mut page];
        for (editor, sent) in editors.into_iter().zip(&sent) {
            let chronicle = &chronicle;
            scope.spawn(move || work(editor, chronicle, begin, sent));
        }
        std::thread::sleep(Duration::from_secs(seconds.min(50) / 5));
        lines.push((begin.elapsed(), holds(&one)));
        while begin.elapsed() < end {
            let told = match kind_of(faults.len()) {
                6 => {
                    if let Some(mut two) = two.take() {
                        two.kill();
                    }
                    std::thread::sleep(Duration::from_millis(700));
                    two = Some(start(1));
                    "a replica killed"
                }
                kind => fail(kind, faults.len(), &mut postgres, &mut redis, &sink),
            };
            faults.push(told);
            let back = until_all_write(begin, &sent);
            slowest = slowest.max(back);
            println!(
                "{:>5} s: {told}; all write again after {:.2} s",
                begin.elapsed().as_secs(),
                back.as_secs_f64()
            );
            std::thread::sleep(Duration::from_secs(2));
            lines.push((begin.elapsed(), holds(&one)));
        }
        chronicle.stop.store(true, SeqCst);
    });
    let syncs = chronicle.syncs.load(SeqCst);
    // A phone that begins anew, at the other replica than the one that it compares with.
    let mut anew = Phone::new("p3", line(1, &basic), &book, 0, &seen);
    let [first, second] = &mut phones;
    for it in [first as &mut dyn Editor, second, &mut rest, &mut anew] {
        sync_until_done(it, &chronicle);
    }
    let truth = held(&anew);
    let differs = |what: &BTreeMap<String, (String, String)>| {
        let both = truth.iter().filter(|(href, it)| what.get(*href) != Some(it));
        let mut found: Vec<_> = both.map(|(href, it)| (href.clone(), it.clone())).collect();
        found.extend(
            what.iter()
                .filter(|(href, _)| !truth.contains_key(*href))
                .map(|(h, it)| (h.clone(), it.clone())),
        );
        found
    };
    let contacts = all(&line(0, &auth), "/api/contacts");
    let balance = chronicle.compare(&contacts, &all(&line(1, &auth), "/api/contacts/trash"));
    let followed: BTreeMap<_, _> =
        contacts.iter().map(|it| (it["uid"].as_str().unwrap().to_owned(), it.clone())).collect();
    let (done, late, perhaps) = (&chronicle.acknowledged, &chronicle.late, &chronicle.perhaps);
    println!(
        "FAULT | phones, soak of {seconds} s | {} faults, all write again within {:.2} s; {} changes acknowledged by two phones, REST and a page, {} too late (404, 409, 412), {} done or not (503, cut off); {syncs} syncs; {} cards at the end; {} stamps looked for, {} lost, {} half done",
        faults.len(),
        slowest.as_secs_f64(),
        done.load(SeqCst),
        late.load(SeqCst),
        perhaps.load(SeqCst),
        truth.len(),
        balance.stamps,
        balance.lost.len(),
        balance.half.len(),
    );
    for (at, held) in [lines[0], lines[lines.len() / 2], lines[lines.len() - 1]] {
        println!("{:>5} s: {held:?}", at.as_secs());
    }
    assert!(balance.wrong.is_empty(), "{:?}", balance.wrong);
    assert!(balance.lost.is_empty(), "{:?}", balance.lost);
    assert!(balance.half.is_empty(), "{:?}", balance.half);
    for phone in &phones {
        let found = differs(&held(phone));
        assert!(found.is_empty(), "{} holds other cards: {found:?}", phone.name);
    }
    assert_eq!(truth.len(), contacts.len(), "cards and contacts");
    assert_eq!(rest.followed, followed, "the change feed");
    let (middle, last) = (lines[lines.len() / 2].1, lines[lines.len() - 1].1);
    assert!(last.threads <= middle.threads + 4, "threads: {middle:?}, {last:?}");
    // The pool's 16 connections have four each, and may be opened late.
    assert!(last.descriptors <= 128, "descriptors: {middle:?}, {last:?}");
    assert!(last.resident <= middle.resident + 24 * 1024, "memory: {middle:?}, {last:?}");
}
