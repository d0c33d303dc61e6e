//! What one account may take of the server: slow searches, long answers, names that it had.

use crate::phone::{NAMESPACES, Phone, ann, card};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use support::world::Actor;

/// Half of a pool of four connections, as tests have it.
const STREAMS: usize = 2;

/// A program of the account that uses REST.
fn program(phone: &Phone, owner: &Actor) -> Phone {
    phone.with_authorization(&format!("Bearer {}", owner.app_password("read")))
}

/// A download of the whole book that is begun and not read on.
fn begin_report(phone: &Phone) -> TcpStream {
    let body = format!(
        "<C:addressbook-query {NAMESPACES}><D:prop><C:address-data/></D:prop><C:filter/></C:addressbook-query>"
    );
    let mut socket = TcpStream::connect(phone.address).unwrap();
    let head = format!(
        "REPORT {} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nDepth: 1\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        phone.book(),
        phone.authorization,
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(body.as_bytes()).unwrap();
    let mut start = [0; 12];
    socket.read_exact(&mut start).unwrap();
    assert_eq!(std::str::from_utf8(&start).unwrap(), "HTTP/1.1 207");
    socket
}

#[test]
fn of_one_account_some_long_answers_are_sent_at_once() {
    let (ground, ann, phone) = ann();
    let note = format!("NOTE:{}", "x".repeat(900_000));
    for at in 0..30 {
        let uid = format!("u{at}");
        phone.put(&format!("{uid}.vcf"), &card(&uid, &uid, &[&note])).expect(201);
    }
    let (_, other) = ground.owner("bob");
    other.put("b.vcf", &card("b", "B", &[])).expect(201);
    let rest = program(&phone, &ann);
    let open: Vec<_> = (0..STREAMS).map(|_| begin_report(&phone)).collect();
    for (method, path) in
        [("GET", "/api/contacts/export"), ("GET", "/api/contacts/export?format=json")]
    {
        let began = Instant::now();
        let refused = rest.send(method, path, &[], b"");
        refused.expect(503);
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    }
    // What is short, and what others ask for, goes on.
    phone.get("u1.vcf").expect(200);
    assert_eq!(phone.propfind(&phone.book(), "1", "<D:getetag/>").responses.len(), 31);
    assert_eq!(other.query("<C:filter/>"), ["b.vcf"]);
    // One that ends, or whose client goes, makes room for the next.
    drop(open);
    let whole = rest.send("GET", "/api/contacts/export", &[], b"").expect(200).text();
    assert_eq!(whole.matches("BEGIN:VCARD").count(), 30);
}

#[test]
fn one_account_with_a_slow_book_leaves_the_threads_to_others() {
    let (ground, ann, phone) = ann();
    let (bob, other) = ground.owner("bob");
    let (phone, other) = (program(&phone, &ann), program(&other, &bob));
    // Until they were used once they are guesses, which wait by their address.
    for it in [&phone, &other] {
        it.send("GET", "/api/contacts", &[], b"").expect(200);
    }
    let app = &ground.world.app;
    let sleep = |seconds: f32| {
        let sql = format!("SELECT pg_sleep({seconds})");
        app.search_book(ann.id, |db| db.query(&sql, &[]).map(|_| ()))
    };
    sleep(0.4).unwrap();
    let ((begun, began), (go, wait)) = (mpsc::channel(), mpsc::channel::<()>());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let search = app.search_book(ann.id, move |_| {
                begun.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            });
            search.unwrap();
        });
        began.recv().unwrap();
        for _ in 0..6 {
            scope.spawn(|| phone.send("GET", "/api/contacts?search=x", &[], b""));
        }
        std::thread::sleep(Duration::from_millis(200));
        other.send("GET", "/api/contacts?search=x", &[], b"").expect(200);
        go.send(()).unwrap();
    });
    // They wait in the line, and are answered one after the other, or have waited too long.
    phone.send("GET", "/api/contacts?search=x", &[], b"").expect(200);
}

#[test]
fn names_that_cards_had_are_kept_up_to_a_number() {
    let (ground, ann, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let old = phone.token();
    // As ten thousand and some MOVEs would leave them.
    let id = ann.id;
    let made: i64 = ground.world.sql(&format!(
        "WITH book AS (UPDATE address_books SET revision = revision + 10005 WHERE owner = {id}),
            names AS (INSERT INTO former_names SELECT {id}, 1 + at, now(), 'x' FROM generate_series(1, 10005) AS at
                RETURNING 1)
        SELECT count(*) FROM names"
    ));
    assert_eq!(made, 10_005);
    let recent = phone.token();
    phone
        .send("MOVE", &phone.path("a.vcf"), &[("Destination", &phone.path("b.vcf"))], b"")
        .expect(201);
    let kept: i64 =
        ground.world.sql(&format!("SELECT count(*) FROM former_names WHERE owner = {id}"));
    assert_eq!(kept, 10_000);
    // Who has not seen those that went begins anew; who has goes on.
    phone.sync_with(&[("Depth", "0")], &old, "").expect(403);
    let (there, gone) = (phone.path("b.vcf"), phone.path("a.vcf"));
    assert_eq!(phone.sync(&recent).changes(), (vec![there.as_str()], vec![gone.as_str()]));
}

#[test]
fn a_list_of_labels_that_has_begun_is_not_broken_off_by_another_search() {
    let (ground, ann, _) = ann();
    let labels = |card: i32| (0..100).map(move |at| format!("l{:05}", card * 100 + at));
    let lines = |card| format!("CATEGORIES:{}", labels(card).collect::<Vec<_>>().join(","));
    let cards: String =
        (0..45).map(|at| card(&format!("u{at}"), "A", &[lines(at).as_str()])).collect();
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, cards.as_bytes()).expect(200);
    let app = &ground.world.app;
    let slow = |db: &mut contactd::db::Conn| db.query("SELECT pg_sleep(0.4)", &[]).map(|_| ());
    app.search_book(ann.id, slow).unwrap();
    let waits =
        "SELECT count(*) FROM pg_locks WHERE relation = 'contacts'::regclass AND NOT granted";
    let listed = std::thread::scope(|scope| {
        let list = app.db.transaction(|tx| {
            tx.batch("LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE")?;
            let list = scope.spawn(|| ann.get("/api/contacts/labels").expect(200).json());
            while ground.world.sql::<i64>(waits) == 0 {
                std::thread::sleep(Duration::from_millis(10));
            }
            // The list has the slot. Another search waits for it, and would keep it for long.
            scope.spawn(|| {
                if let Ok(_slot) = app.search_slot(ann.id) {
                    std::thread::sleep(Duration::from_millis(2_600));
                }
            });
            std::thread::sleep(Duration::from_millis(200));
            Ok(list)
        });
        list.unwrap().join().unwrap()
    });
    assert_eq!(listed.as_array().unwrap().len(), 4_500);
}
