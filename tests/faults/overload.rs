//! More than the server can do at once, and output that is not read.

use crate::ledger::{self, CALM};
use crate::redis_server::free_port;
use crate::server::{Server, database_url, exchange};
use crate::world::{self, unique_name};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server whose table of contacts can be locked, and so many writers.
fn stage(pool: &str, writers: usize) -> (Server, String, postgres::Client, Vec<String>) {
    let name = unique_name();
    let mut client =
        postgres::Client::connect(&world::variable("TEST_DATABASE_URL"), postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
    let mut settings = CALM.to_vec();
    settings.push(("DB_POOL_SIZE", pool));
    let server = Server::in_schema(&name, &settings);
    let auths = ledger::writers(&server, writers);
    (server, name, client, auths)
}

/// Sends a request and does not wait for its answer.
fn begin(server: &Server, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n").unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn as_many_work_on_postgres_as_the_pool_has_connections_above_32_too() {
    let (server, schema, mut client, auths) = stage("40", 3);
    let mut lock = client.transaction().unwrap();
    lock.batch_execute(&format!("LOCK TABLE {schema}.contacts IN ACCESS EXCLUSIVE MODE")).unwrap();
    let begin_60 = || -> Vec<TcpStream> {
        let number = 0..60;
        number.map(|it| begin(&server, "/api/contacts", &auths[it % auths.len()])).collect()
    };
    let count = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass";
    let table = format!("{schema}.contacts");
    // Each waits two seconds for the lock. In the first rounds connections have to be made too.
    let mut most = 0;
    for _ in 0..20 {
        let waiting = begin_60();
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1_500) {
            std::thread::sleep(Duration::from_millis(50));
            most = most.max(lock.query_one(count, &[&table]).unwrap().get::<_, i64>(0));
        }
        waiting.into_iter().for_each(|it| drop(answer(it)));
        if most >= 38 {
            break;
        }
    }
    // Two connections are left for what comes beside the line.
    assert_eq!(most, 38);
    lock.rollback().unwrap();
    let answers = begin_60().into_iter().map(answer);
    assert_eq!(answers.filter(|it| it.starts_with("HTTP/1.1 200 ")).count(), 60);
}

#[test]
fn what_waits_for_postgres_too_long_is_503_and_everything_else_does_not_wait() {
    let (server, schema, mut client, auths) = stage("4", 2);
    let (ann, bob) = (&auths[0], &auths[1]);
    assert_eq!(server.ask("GET", "/api/users/me", bob, "").unwrap().0, 200);
    let mut lock = client.transaction().unwrap();
    lock.batch_execute(&format!("LOCK TABLE {schema}.contacts IN ACCESS EXCLUSIVE MODE")).unwrap();
    let began = Instant::now();
    let waiting: Vec<_> = (0..30).map(|_| begin(&server, "/api/contacts", ann)).collect();
    std::thread::sleep(Duration::from_millis(300));
    for (path, headers, status) in [
        ("/healthz", "", 200),
        ("/readyz", "", 200),
        ("/api/healthchecker", "", 200),
        ("/api/contacts", "", 401),
        ("/api/users", bob.as_str(), 403),
        ("/nothing", "", 404),
        ("/api/users/me", bob.as_str(), 200),
    ] {
        let began = Instant::now();
        assert_eq!(server.ask("GET", path, headers, "").unwrap().0, status, "{path}");
        assert!(began.elapsed() < Duration::from_millis(1_900), "{path}: {:?}", began.elapsed());
    }
    for answer in waiting.into_iter().map(answer) {
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("\r\nRetry-After: "), "{answer}");
    }
    let took = began.elapsed();
    assert!((1_900..20_000).contains(&took.as_millis()), "{took:?}");
    lock.rollback().unwrap();
    assert_eq!(server.ask("GET", "/api/contacts", ann, "").unwrap().0, 200);
}

/// A pipe holds some 500 lines, and then a write to it waits.
#[test]
fn a_log_that_nothing_reads_costs_lines_and_no_request() {
    let schema = unique_name();
    let mut client =
        postgres::Client::connect(&world::variable("TEST_DATABASE_URL"), postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
    let [address, metrics] = [710, 720].map(|number| format!("127.0.0.1:{}", free_port(number)));
    let child = Command::new(env!("CARGO_BIN_EXE_contactd"))
        .current_dir(std::env::temp_dir())
        .env("DATABASE_URL", database_url(&schema))
        .env("SECRET_KEY", "a secret for tests, 32 bytes or more")
        .env("LISTEN_ADDR", &address)
        .env("METRICS_ADDR", &metrics)
        .env("PUBLIC_URL", "http://127.0.0.1")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _child = Killed(child);
    let began = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(&address) {
            Ok(stream) => break stream,
            Err(_) => assert!(began.elapsed() < Duration::from_secs(30)),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut buffer = [0; 4_096];
    for number in 0..5_000 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let read = stream.read(&mut buffer).unwrap_or(0);
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200 "), "request {number}");
    }
    let page = exchange(&metrics, "GET", "/metrics", "", "").unwrap();
    let lost = page.lines().find_map(|line| line.strip_prefix("contactd_log_lines_lost_total "));
    assert!(lost.unwrap().parse::<u64>().unwrap() > 1_000, "{lost:?}");
}

/// A process that ends with its test, however that ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_json_log_has_the_parts_of_a_request_as_fields_and_no_secret() {
    let mut settings = CALM.to_vec();
    settings.push(("LOG_FORMAT", "json"));
    let mut server = Server::with(&settings);
    let auth = ledger::writers(&server, 1).remove(0);
    let named = format!("{auth}X-Request-Id: look-for-me\r\n");
    server.ask("GET", "/api/users/me?secret=1", &named, "").unwrap();
    server.ask("GET", "/calendars/very-secret.ics", "X-Request-Id: and-me\r\n", "").unwrap();
    // Anybody can name an account in a cookie.
    let made_up = "Cookie: contactd=1-made-up\r\nX-Request-Id: not-me\r\n";
    server.ask("GET", "/login", made_up, "").unwrap();
    server.stop();
    let log = server.log_with("not-me");
    assert!(!log.contains("secret=1") && !log.contains("very-secret"), "{log}");
    let of = |id: &str| {
        let line = log.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{log}"));
        serde_json::from_str::<serde_json::Value>(line).unwrap()
    };
    let line = of("look-for-me");
    assert_eq!(line["method"], "GET");
    assert_eq!(line["path"], "/api/users/me");
    assert_eq!(line["status"], 200);
    assert_eq!(line["request_id"], "look-for-me");
    assert!(line["ms"].is_f64() && line["user"].is_i64(), "{line}");
    let line = of("and-me");
    assert_eq!((&line["path"], &line["status"]), (&"/calendars/{secret}.ics".into(), &404.into()));
    assert!(line["user"].is_null());
    let line = of("not-me");
    assert!(line["status"] == 200 && line["user"].is_null(), "{line}");
}

#[test]
fn refusals_of_the_server_carry_the_headers_that_a_browser_wants() {
    let mut settings = CALM.to_vec();
    settings.push(("CORS_ORIGINS", "https://app.example"));
    let server = Server::with(&settings);
    for (origin, allowed) in [("https://app.example", true), ("https://eve.example", false)] {
        for (head, status) in [
            (format!("BREW / HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\n\r\n"), 501),
            (format!("GET / HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\nX: {:20000}", 1), 431),
            (format!("GET / HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\nX: "), 408),
        ] {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            let answer = answer(stream);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            let header = format!("\r\nAccess-Control-Allow-Origin: {origin}\r\n");
            assert_eq!(answer.contains(&header), allowed, "{answer}");
            assert!(answer.contains("\r\nVary: Origin\r\n"), "{answer}");
        }
    }
}

/// All of them come from one address, as behind a proxy.
#[test]
fn uploads_of_one_account_that_hang_leave_room_for_those_of_another() {
    let server = Server::with(&CALM);
    let auths = ledger::writers(&server, 2);
    let head = |auth: &str, size: usize| {
        format!(
            "POST /api/contacts/import HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: text/vcard\r\nContent-Length: {size}\r\n{auth}\r\n"
        )
    };
    let part = vec![b' '; 9_000_000];
    let _hanging: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
            stream.write_all(head(&auths[0], 10_000_000).as_bytes()).unwrap();
            // It may be refused before its end.
            let _ = stream.write_all(&part);
            stream
        })
        .collect();
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bob\r\nN:;Bob;;;\r\nEND:VCARD\r\n";
    // Larger than what is left of the half that one client may have alone.
    let file = card.to_owned() + &"\r\n".repeat(4_000_000);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let began = Instant::now();
    stream.write_all(head(&auths[1], file.len()).as_bytes()).unwrap();
    stream.write_all(file.as_bytes()).unwrap();
    let answer = answer(stream);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(25), "and 30 s are the time of a body");
}

/// A client that sends a body without a token is answered before it has sent it.
#[test]
fn no_body_is_received_before_the_token_is_verified() {
    let server = Server::with(&CALM);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let head = "POST /api/contacts/import HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
                Content-Type: text/vcard\r\nContent-Length: 9000000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
}

/// A form of megabytes needs a session, whatever the way in which its length is told.
#[test]
fn no_long_form_is_received_without_a_session() {
    let server = Server::with(&CALM);
    for framing in ["Content-Length: 9000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5000\r\n"]
    {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let head = "POST /import HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=XX\r\n";
        stream.write_all(format!("{head}{framing}").as_bytes()).unwrap();
        // More than is received before the program has looked, and not the end.
        stream.write_all(&[b'x'; 20_000]).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 403", "{framing}");
    }
}

/// As many logins as a botnet sends, for names that nobody has: each is hashed, or refused.
#[test]
fn passwords_that_are_hashed_keep_no_one_else_waiting() {
    let server = Server::with(&CALM);
    let auths = ledger::writers(&server, 1);
    let logins: Vec<_> = (0..200)
        .map(|number| {
            let body =
                format!("{{\"username\": \"guess{number}\", \"password\": \"no such one\"}}");
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            write!(
                stream,
                "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
            stream
        })
        .collect();
    let slowest = (0..20).map(|_| {
        let began = Instant::now();
        let read = answer(begin(&server, "/api/contacts", &auths[0]));
        assert!(read.starts_with("HTTP/1.1 200 "), "{read}");
        began.elapsed()
    });
    let slowest = slowest.max().unwrap();
    let status = |it: TcpStream| answer(it).split(' ').nth(1).unwrap_or_default().to_owned();
    let statuses: Vec<_> = logins.into_iter().map(status).collect();
    let count = |status: &str| statuses.iter().filter(|it| *it == status).count();
    println!(
        "200 logins at once: {} hashed, {} refused; the slowest read meanwhile {slowest:?}",
        count("401"),
        count("503")
    );
    assert_eq!(count("401") + count("503"), 200, "{statuses:?}");
    assert!(count("401") > 0 && slowest < Duration::from_secs(5), "{slowest:?}");
}

/// What waits for the lock of a book holds no place of the line for processor cores.
#[test]
fn photos_that_wait_for_their_book_keep_no_one_from_signing_in() {
    const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    let (server, schema, mut client, auths) = stage("16", 1);
    let ann = &auths[0];
    let json = "Content-Type: application/json\r\n";
    let made =
        server.ask("POST", "/api/contacts", &format!("{ann}{json}"), r#"{"first_name":"A"}"#);
    assert_eq!(made.unwrap().0, 201);
    let found = format!("SELECT max(id) FROM {schema}.contacts");
    let id: i64 = client.query_one(&found, &[]).unwrap().get(0);
    let png = BASE64.decode(PNG).unwrap();
    let mut lock = client.transaction().unwrap();
    lock.execute(&format!("SELECT FROM {schema}.address_books FOR UPDATE"), &[]).unwrap();
    let photos: Vec<_> = (0..6)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            write!(
                stream,
                "PUT /api/contacts/{id}/photo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{ann}\
                 Content-Type: image/png\r\nContent-Length: {}\r\n\r\n",
                png.len()
            )
            .unwrap();
            stream.write_all(&png).unwrap();
            stream
        })
        .collect();
    // Within a transaction the view stays as it was when it was first asked.
    let waiting = "SELECT count(*), pg_stat_clear_snapshot()::text FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%address_books%'";
    let began = Instant::now();
    while lock.query_one(waiting, &[]).unwrap().get::<_, i64>(0) == 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "one of them waits for the lock");
    }
    let guess = r#"{"username":"nobody","password":"no such one"}"#;
    assert_eq!(server.ask("POST", "/api/auth/login", json, guess).unwrap().0, 401);
    let is_answered = |it: &TcpStream| {
        it.set_nonblocking(true).unwrap();
        let peeked = it.peek(&mut [0]);
        it.set_nonblocking(false).unwrap();
        peeked.is_ok()
    };
    assert!(!photos.iter().any(is_answered), "whoever signs in waited for the lock, too");
    lock.rollback().unwrap();
    let stored = photos.into_iter().map(answer).filter(|it| it.starts_with("HTTP/1.1 200 "));
    assert!(stored.count() > 0);
}
