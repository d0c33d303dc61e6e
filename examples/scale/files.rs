//! Import of 10,000 and 50,000 cards, export of 100,000 contacts, and what files of 10 MiB add to memory
//! and database: a release server of its own, over HTTP, and its memory as the kernel counts it.

use crate::{LARGE, SECRET_KEY, SMALL, config, database_url, seed, variable};
use contactd::context::App;
use contactd::db::Pool;
use contactd::repository::sessions;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The server, ended with this.
struct Server {
    child: Child,
    address: String,
    app: App,
    tokens: RefCell<HashMap<i64, String>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// A server on a schema, with a database of Redis of its own: another schema's users have the same
    /// numbers.
    fn start(schema: &str, redis: u8) -> Server {
        let program = std::env::current_exe().unwrap();
        let program = program.parent().unwrap().parent().unwrap().join("contactd");
        let url = format!("{}?options=-csearch_path%3D{schema}", database_url());
        let mut command = Command::new(program);
        if let Some(url) = variable("TEST_REDIS_URL") {
            let url = url.rsplit_once('/').unwrap().0.to_owned();
            command.env("REDIS_URL", format!("{url}/{redis}"));
        }
        let mut child = command
            .arg("serve")
            .current_dir(std::env::temp_dir()) // where there is no .env
            .env("DATABASE_URL", url)
            .env("SECRET_KEY", SECRET_KEY)
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("PUBLIC_URL", "http://127.0.0.1")
            .env("RATE_LIMIT_IMPORT", "1000000/60")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let listens = log.by_ref().find_map(|line| {
            let line = line.unwrap();
            let (_, address) = line.split_once(" on http://")?;
            Some(address.trim_matches('"').to_owned())
        });
        let address = listens.expect("a line that tells the address");
        std::thread::spawn(move || log.for_each(|_| {})); // or it would wait for a reader
        let app = seed::app(schema);
        Server { child, address, app, tokens: RefCell::default() }
    }

    /// One for each owner: a session that is only in Postgres is not seen while the user is cached.
    fn token(&self, owner: i64) -> String {
        let mut tokens = self.tokens.borrow_mut();
        tokens.entry(owner).or_insert_with(|| self.sign_in(owner)).clone()
    }

    fn sign_in(&self, owner: i64) -> String {
        let (now, client) = (self.app.now(), sessions::Client::default());
        let hash = contactd::crypto::token_hash(&contactd::crypto::random_token().unwrap());
        let end = now + chrono::Duration::hours(1);
        let secret = sessions::Secret::Refresh { family: &hash, token: &hash };
        let session =
            self.app.db.transaction(|tx| sessions::insert(tx, owner, secret, &client, now, end));
        self.app.access_tokens.sign(owner, session.unwrap(), now, end).unwrap()
    }

    /// Sends a request; counts the octets of the answer, and keeps both its ends.
    fn ask(&self, owner: i64, method: &str, path: &str, media_type: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let began = Instant::now();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
            self.token(owner),
            body.len()
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let (mut size, mut begin, mut end) = (0, Vec::new(), Vec::new());
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = stream.read(&mut buffer).unwrap();
            if count == 0 {
                break;
            }
            size += count;
            let room = 1_000_usize.saturating_sub(begin.len()).min(count);
            begin.extend_from_slice(&buffer[..room]);
            end.extend_from_slice(&buffer[..count]);
            let cut = end.len().saturating_sub(1_000);
            end.drain(..cut);
        }
        let [begin, end] = [begin, end].map(|it| String::from_utf8_lossy(&it).into_owned());
        Answer { size, took: began.elapsed(), begin, end }
    }

    /// Imports a file; how much more memory than before the server had at its worst, in KiB.
    fn import(&self, owner: i64, media_type: &str, file: &[u8], query: &str) -> (Answer, u64) {
        let path = format!("/api/contacts/import{query}");
        self.grown(|| self.ask(owner, "POST", &path, media_type, file))
    }

    /// A figure of `/proc/PID/status`, in KiB.
    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// How much more memory than before the server had at its worst (`VmHWM`) while that ran.
    fn grown<T>(&self, work: impl FnOnce() -> T) -> (T, u64) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
        let before = self.memory("VmRSS");
        let done = work();
        (done, self.memory("VmHWM").saturating_sub(before))
    }
}

struct Answer {
    size: usize,
    took: Duration,
    /// The first and the last thousand octets.
    begin: String,
    end: String,
}

impl Answer {
    /// A number at the beginning of the JSON; 0 where there is none.
    fn number(&self, name: &str) -> i64 {
        let rest = self.begin.split(&format!("\"{name}\":")).nth(1).unwrap_or_default();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    }

    fn created(&self, count: usize) -> bool {
        usize::try_from(self.number("created")) == Ok(count)
    }
}

/// Measures in the large table, then what files of 10 MiB add to an empty one; adds what misses its
/// figure.
pub fn measure(schema: &str, contacts: i64, missed: &mut Vec<String>) {
    let server = Server::start(schema, 1);
    // The base line is a server that answered before.
    for format in ["vcard", "csv", "json"] {
        server.ask(SMALL, "GET", &format!("/api/contacts/export?format={format}"), "", b"");
    }
    let empty = contacts / 100 + 1;
    for (owner, cards, seconds) in [(empty, 10_000, 2), (empty + 1, 50_000, 8)] {
        let file = vcards(cards);
        // A second round, because the first one extends files, and this is about the work.
        for _ in 0..2 {
            let (answer, grown) = server.import(owner, "text/vcard", file.as_bytes(), "");
            let (took, size) = (answer.took, file.len());
            println!(
                "import of {cards} cards ({size} bytes): {took:?}, {grown} KiB over the base line"
            );
            if took > Duration::from_secs(seconds) || grown > 100 * 1024 || !answer.created(cards) {
                missed.push(format!("import of {cards}: {took:?}, {grown} KiB: {}", answer.begin));
            }
            server.app.db.write(|db| crate::empty(db, owner)).unwrap();
        }
    }
    // The first one reads what Postgres has not had in memory since it started.
    for format in ["vcard", "vcard", "csv", "json"] {
        let path = format!("/api/contacts/export?format={format}");
        let (answer, grown) = server.grown(|| server.ask(LARGE, "GET", &path, "", b""));
        let Answer { size, took, end, .. } = answer;
        println!("export of 100,000 as {format}: {size} bytes, {took:?}, {grown} KiB grown");
        if grown > 10 * 1024 || !end.ends_with("\r\n0\r\n\r\n") {
            missed.push(format!("the export as {format}: {grown} KiB, or cut off"));
        }
    }
    drop(server);
    growth(missed);
}

const MIB: usize = 1024 * 1024;

/// What files of 10 MiB add to memory and to the database, each in an account of its own, in a schema
/// that has nothing else.
fn growth(missed: &mut Vec<String>) {
    const SCHEMA: &str = "scale_files";
    let files = files();
    let mut db = config(SCHEMA).postgres.connect(postgres::NoTls).unwrap();
    db.batch_execute(&format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}"))
        .unwrap();
    Pool::new(&config(SCHEMA)).unwrap().write(contactd::db::migrations::migrate).unwrap();
    db.batch_execute(
        "INSERT INTO users (username, email, password_hash, is_verified, created_at)
        SELECT 'user' || n, 'user' || n || '@example.com', '-', true, '2026-01-01'
        FROM generate_series(1, 100) AS n;
        INSERT INTO address_books (owner) SELECT id FROM users",
    )
    .unwrap();
    let mut stored = || -> i64 {
        let size = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
            WHERE relnamespace = to_regnamespace($1) AND relkind = 'r'";
        db.query_one(size, &[&SCHEMA]).unwrap().get(0)
    };
    let server = Server::start(SCHEMA, 2);
    server.import(100, "text/vcard", vcards(100).as_bytes(), ""); // the base line
    for (owner, (name, media_type, file)) in (1..).zip(&files) {
        let before = stored();
        let (dry, dry_grown) = server.import(owner, media_type, file, "?dry_run=true");
        let (dry_stored, between) = (stored() - before, stored());
        let (answer, grown) = server.import(owner, media_type, file, "");
        let added = stored() - between;
        let created = answer.number("created");
        let room = 4 * file.len() as i64 + 100 * created;
        println!(
            "{name} ({} bytes): {created} created in {:?}, dry run {:?}; memory {grown} KiB, dry run \
             {dry_grown}; database {added} bytes, {:.2} of what it may, dry run {dry_stored}",
            file.len(),
            answer.took,
            dry.took,
            added as f64 / room as f64,
        );
        // What a dry run writes is that the session was used.
        let fits = grown.max(dry_grown) <= 100 * 1024 && added <= room && dry_stored <= 64 * 1024;
        if !fits || created == 0 {
            missed.push(format!("{name}: {grown} KiB, {added} bytes of {room}, {}", answer.begin));
        }
    }
}

/// Files of 10 MiB of several kinds, some of which are made to be costly.
fn files() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let repeated = |head: &str, line: &dyn Fn(usize) -> String, end: &str| {
        let mut text = head.to_owned();
        for number in 0..100_000 {
            let line = line(number);
            if text.len() + line.len() + end.len() > 10 * MIB {
                break;
            }
            text.push_str(&line);
        }
        text.push_str(end);
        text.into_bytes()
    };
    let card = |inside: String| format!("BEGIN:VCARD\nVERSION:3.0\n{inside}\nEND:VCARD\n");
    let columns: String = (0..500).map(|n| format!(",A column of an old program {n}")).collect();
    let cells = ",x".repeat(500);
    vec![
        ("vCards of a phone", "text/vcard", vcards(32_000).into_bytes()),
        (
            "100,000 small vCards",
            "text/vcard",
            repeated(
                "",
                &|n| {
                    card(format!("UID:small-{n}\nN:Shevchenko{n};Ivan;;;\nFN:Ivan {n}\nTEL:{n:07}"))
                },
                "",
            ),
        ),
        (
            "100,000 vCards with a name alone",
            "text/vcard",
            repeated("", &|n| card(format!("FN:Ann {n}")), ""),
        ),
        (
            "vCards with long notes",
            "text/vcard",
            repeated(
                "",
                &|n| card(format!("FN:Ann {n}\nNOTE:{}", format!("слово{n} ").repeat(700))),
                "",
            ),
        ),
        (
            "a vCard with 5,000 numbers, again and again",
            "text/vcard",
            repeated(
                "",
                &|n| {
                    let lines: String = (0..5_000).map(|m| format!("\nTEL:{m:07}")).collect();
                    card(format!("FN:Ann {n}{lines}"))
                },
                "",
            ),
        ),
        (
            "CSV",
            "text/csv",
            repeated(
                "First Name,Last Name,E-mail,Phone,Birthday,Notes\n",
                &|n| {
                    format!(
                        "Іван,Shevchenko{n},p{n}@example.com,+38044{n:07},1990-04-12,Met in Kyiv at the {n}th conference of all\n"
                    )
                },
                "",
            ),
        ),
        (
            "CSV with 500 columns that nobody knows",
            "text/csv",
            repeated(&format!("First Name{columns}\n"), &|n| format!("Ann {n}{cells}\n"), ""),
        ),
        (
            "JSON",
            "application/json",
            repeated(
                "[{}",
                &|n| {
                    format!(
                        ",\n{{\"first_name\":\"Ivan\",\"last_name\":\"Shevchenko{n}\",\"emails\":[{{\"value\":\"p{n}@example.com\",\"label\":\"home\"}}],\"phone\":\"+38044{n:07}\"}}"
                    )
                },
                "]",
            ),
        ),
    ]
}

/// Cards as a phone writes them, with more than lists show.
fn vcards(count: usize) -> String {
    let cards = (0..count).map(|number| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bench-{number}\r\nN:Шевченко{number};Іван;Q;Dr.;\r\n\
             TEL;TYPE=CELL:+380 44 {number:07}\r\nTEL;TYPE=HOME:+380 45 {number:07}\r\n\
             EMAIL;TYPE=INTERNET:person{number}@example.com\r\nBDAY:1990-04-12\r\n\
             ADR;TYPE=HOME:;;Main St {number};Kyiv;;01001;Ukraine\r\nNOTE:Met in Kyiv\r\nEND:VCARD\r\n"
        )
    });
    cards.collect()
}
