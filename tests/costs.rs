//! What hostile bodies cost: every route gets bodies of 1 and 10 MiB, made to be many times as large in
//! memory, in Postgres or in time. Memory, processor time, Postgres' time and database growth are measured in
//! a real process, printed, and held against the bounds of the design.
//!
//! COSTS=all prints every line (`./dev costs`); the beginning of a path: those of its routes (`./dev costs /dav`);
//! otherwise only the dearest.

#![cfg(test)]
#![cfg(target_os = "linux")]

use contactd::routes::{Gate, ROUTES, Route};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use support::server::Server;
use support::world;

const MIB: usize = 1024 * 1024;
const PASSWORD: &str = "correct horse battery staple";
/// Most bytes of memory per byte of a body.
const FACTOR: u64 = 20;
/// What a request may take whatever it sends: a picture's or a password's working memory, a thread, a
/// page of contacts from Postgres.
const FREE: u64 = 32 * 1024 * 1024;
/// Most memory that a file of 10 MiB may add to the process, which was at rest before the first one. What the
/// allocator keeps of earlier requests counts.
const PROCESS: u64 = 100 * 1024 * 1024;
/// Bytes of the database for each contact beside four times the file: its row, its uid and its places in
/// four indexes. The design wants 100; docs/performance.md has what small contacts take.
const STORED_A_CONTACT: i64 = 800;
/// Most of a processor that a request may take in Postgres, and for each contact that it stores or changes.
const POSTGRES: Duration = Duration::from_secs(1);
const POSTGRES_A_CONTACT: Duration = Duration::from_micros(500);
/// The same for the server itself, whatever the body is, and for each of its bytes. It is not optimised here,
/// so this finds only what takes the square of its length.
const PROCESSOR: Duration = Duration::from_secs(10);
const PROCESSOR_A_BYTE: Duration = Duration::from_micros(20);

/// Those of which a mebibyte makes ten thousands of contacts, errors or labels: a test that is not
/// optimised takes ten seconds for that, so they are short unless COSTS is set.
const MANY: [&str; 7] = [
    "JSON of empty lists",
    "JSON of different contacts",
    "JSON of contacts",
    "CSV of short lines",
    "CSV of empty cells",
    "vCards, short",
    "a file of short vCards",
];
/// Those that are 10 MiB long even so: what they are made of is large, or is refused.
const LONG: [&str; 4] =
    ["JSON of nested objects", "vCards with photos", "CSV of one open quote", "XML of attributes"];

/// Bodies that are larger than they look. `size` is about their length.
/// Makes a body of about so many bytes.
type Make = fn(usize) -> Vec<u8>;

const BODIES: &[(&str, &str, Make)] = &[
    ("JSON of nested objects", "application/json", |size| list(size, r#"{"":0}"#, "[[", ",", "]]")),
    ("JSON of empty lists", "application/json", |size| list(size, "[]", "[", ",", "]")),
    ("JSON that is deep", "application/json", |size| b"[".repeat(size)),
    ("JSON of many members", "application/json", |size| {
        let members = (0..size / 14).map(|at| format!("\"{at:x}\":0")).collect::<Vec<_>>();
        format!("{{\"first_name\":\"a\",{}}}", members.join(",")).into_bytes()
    }),
    ("JSON of entries", "application/json", |size| {
        list(size, r#"{"value":""}"#, r#"{"first_name":"a","emails":["#, ",", "]}")
    }),
    ("JSON of contacts", "application/json", |size| {
        list(size, r#"{"first_name":"a"}"#, "[", ",", "]")
    }),
    ("JSON of different contacts", "application/json", |size| {
        let contacts = (0..size / 26).map(|at| format!("{{\"first_name\":\"{at:x}\"}}"));
        format!("[{}]", contacts.collect::<Vec<_>>().join(",")).into_bytes()
    }),
    ("JSON of escapes", "application/json", |size| {
        list(size, r"\u0041", r#"[{"first_name":"a","additional_data":""#, "", r#""}]"#)
    }),
    ("JSON of long strings", "application/json", |size| {
        let names = [
            "username", "email", "password", "name", "scope", "from", "to", "label", "token",
            "code",
        ];
        let text = "a ".repeat(size / 2 / names.len());
        let members = names.map(|name| format!("\"{name}\":\"{text}\"")).join(",");
        format!("{{\"action\":\"add_label\",{members}}}").into_bytes()
    }),
    ("JSON of ids", "application/json", |size| {
        let begin = "{\"action\":\"add_label\",\"label\":\"a\",\"keep\":1,\"ids\":[";
        list(size / 2, "1", begin, ",", &format!("],\"merge\":[{}1]}}", "2,".repeat(size / 4)))
    }),
    ("CSV of one long header", "text/csv", |size| list(size, "a", "", ",", "\n1\n")),
    ("CSV of short lines", "text/csv", |size| list(size, "a", "First Name\n", "\n", "\n")),
    ("CSV of empty cells", "text/csv", |size| {
        let line = ",".repeat(900);
        list(size, &line, &format!("First Name{line}\n"), "\n", "\n")
    }),
    ("CSV of one open quote", "text/csv", |size| list(size, "a,", "First Name\n\"", "\n", "")),
    ("vCards, short", "text/vcard", |size| {
        list(size, "BEGIN:VCARD\nFN:a\nEND:VCARD\n", "", "", "")
    }),
    ("vCards that only begin", "text/vcard", |size| list(size, "BEGIN:VCARD\n", "", "", "")),
    ("vCards of short lines", "text/vcard", |size| {
        let card = format!("BEGIN:VCARD\nFN:a\n{}END:VCARD\n", "TEL:1\n".repeat(150_000));
        list(size, &card, "", "", "")
    }),
    ("a vCard of folds", "text/vcard", |size| {
        list(size, " a", "BEGIN:VCARD\nFN:a\nNOTE:b\n", "\n", "\nEND:VCARD\n")
    }),
    ("a vCard of parameters", "text/vcard", |size| {
        list(size, ";a=b", "BEGIN:VCARD\nFN:a\nTEL", "", ":1\nEND:VCARD\n")
    }),
    ("vCards of quoted-printable", "text/vcard", |size| {
        let note = "=41".repeat(200_000);
        let card = format!(
            "BEGIN:VCARD\nVERSION:2.1\nN:a\nNOTE;ENCODING=QUOTED-PRINTABLE:{note}\nEND:VCARD\n"
        );
        list(size, &card, "", "", "")
    }),
    ("vCards with photos", "text/vcard", |size| {
        let photo = "A".repeat(900_000);
        let card = format!("BEGIN:VCARD\nFN:a\nPHOTO;ENCODING=b:{photo}\nEND:VCARD\n");
        list(size, &card, "", "", "")
    }),
    // Short enough to be taken: what they cost then is the question.
    ("a vCard of one word again and again", "text/vcard", |size| {
        let half = size.min(MIB) * 2 / 5;
        card(&format!("N:;{}zz;;;\r\nNOTE:{}", "a".repeat(half), "zz ".repeat(half / 3)))
    }),
    ("a vCard of different labels", "text/vcard", |size| {
        let labels: String = (0..size.min(MIB) / 10).map(|at| format!("{at:x},")).collect();
        card(&format!("N:;a;;;\r\nCATEGORIES:{labels}"))
    }),
    ("a vCard of different links", "text/vcard", |size| {
        let links: String = (0..size.min(MIB) / 16).map(|at| format!("\r\nURL:{at:x}")).collect();
        card(&format!("N:;a;;;{links}"))
    }),
    ("a group of many people", "text/vcard", |size| {
        let member = |at| format!("\r\nX-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{at:x}");
        let people: String = (0..size.min(MIB) / 60).map(member).collect();
        card(&format!("N:a;;;;\r\nX-ADDRESSBOOKSERVER-KIND:group{people}"))
    }),
    ("a list of people with a long name", "text/vcard", |size| {
        let name = "n".repeat(size.min(MIB) / 2);
        let (mut card, members) = (String::new(), size.min(MIB) / 60);
        card += "BEGIN:VCARD\nVERSION:4.0\nKIND:group\n";
        let _ = writeln!(card, "FN:{name}");
        for at in 0..members {
            writeln!(card, "MEMBER:urn:uuid:{at:x}").unwrap();
        }
        card += "END:VCARD\n";
        card.into_bytes()
    }),
    ("many lists of the same people", "text/vcard", |size| {
        let mut card = "BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:a\n".to_owned();
        for at in 0..30_000 {
            writeln!(card, "MEMBER:{at:x}").unwrap();
        }
        card += "END:VCARD\n";
        list(size, &card, "", "", "")
    }),
    ("XML of short elements", "application/xml", |size| xml(size, "<D:a/>")),
    ("XML of attributes", "application/xml", |size| {
        let attributes: String = (0..30).map(|at| format!(" a{at}=''")).collect();
        xml(size, &format!("<D:a{attributes}/>"))
    }),
    ("XML of hrefs", "application/xml", |size| {
        let mut hrefs = String::with_capacity(size);
        let mut at = 0;
        while hrefs.len() < size - 200 {
            at += 1;
            let _ = write!(hrefs, "<D:href>/dav/addressbooks/1/contacts/{at:x}</D:href>");
        }
        xml(hrefs.len(), &hrefs)
    }),
    ("XML of references", "application/xml", |size| xml(size, "&#65;")),
    ("XML of conditions", "application/xml", |size| {
        let begin = "<C:addressbook-query xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:carddav\">\
            <D:prop><C:address-data/></D:prop><C:filter>";
        let one = "<C:prop-filter name=\"FN\"><C:text-match>a</C:text-match></C:prop-filter>";
        list(size, one, begin, "", "</C:filter></C:addressbook-query>")
    }),
    ("XML of properties to set", "application/xml", |size| {
        let begin =
            "<D:propertyupdate xmlns:D=\"DAV:\"><D:set><D:prop><D:displayname>a</D:displayname>";
        list(size, "<D:a>b</D:a>", begin, "", "</D:prop></D:set></D:propertyupdate>")
    }),
    ("a form of many fields", "application/x-www-form-urlencoded", |size| {
        list(size, "a=", "csrf=CSRF&first_name=a&", "&", "")
    }),
    ("a form of ids", "application/x-www-form-urlencoded", |size| {
        list(size.min(90_000), "ids=1", "csrf=CSRF&action=delete&keep=1&ids=ID&", "&", "")
    }),
    ("a form of escapes", "application/x-www-form-urlencoded", |size| {
        list(size, "%41", "csrf=CSRF&first_name=", "", "")
    }),
    ("many parts", "multipart/form-data; boundary=X", |size| {
        let part = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n";
        list(size, part, "", "", "--X--\r\n")
    }),
    ("a file of short vCards", "multipart/form-data; boundary=X", |size| {
        file(&list(size, "BEGIN:VCARD\nFN:a\nEND:VCARD\n", "", "", ""))
    }),
    ("a file of unknown columns", "multipart/form-data; boundary=X", |size| {
        file(&list(size, "a", "", ",", "\n1\n"))
    }),
    ("a picture that is large inside", "multipart/form-data; boundary=X", |size| {
        file(&picture(size))
    }),
];

/// A card with these lines.
fn card(lines: &str) -> Vec<u8> {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:a\r\n{lines}\r\nEND:VCARD\r\n").into_bytes()
}

/// `item` again and again.
fn list(size: usize, item: &str, begin: &str, between: &str, end: &str) -> Vec<u8> {
    let length = item.len() + between.len();
    let times = (size.saturating_sub(begin.len() + end.len()) / length).max(1);
    let items = format!("{item}{between}").repeat(times);
    format!("{begin}{}{end}", &items[..items.len() - between.len()]).into_bytes()
}

fn xml(size: usize, item: &str) -> Vec<u8> {
    // PROPFIND and the others have another root, see `send`.
    let begin = "<C:addressbook-multiget xmlns:D=\"DAV:\" \
        xmlns:C=\"urn:ietf:params:xml:ns:carddav\"><D:prop><D:getetag/></D:prop>";
    let end = "</C:addressbook-multiget>";
    list(size.max(begin.len() + end.len() + item.len()), item, begin, "", end)
}

fn file(content: &[u8]) -> Vec<u8> {
    let head = |name: &str| format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"");
    let begin = format!("{}\r\n\r\nCSRF\r\n{}; filename=a\r\n\r\n", head("csrf"), head("file"));
    [begin.as_bytes(), content, b"\r\n--X--\r\n"].concat()
}

/// The head of a PNG of 4,900 × 4,890 pixels, and data that is none.
fn picture(size: usize) -> Vec<u8> {
    let mut head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    head.extend([0, 0, 0x13, 0x24, 0, 0, 0x13, 0x1a, 8, 6, 0, 0, 0]);
    head.extend([0; 4]);
    head.resize(size, 0);
    head
}

/// The server, and an account that may call everything.
struct Target {
    server: Server,
    database: String,
    token: String,
    cookie: String,
    csrf: String,
    basic: String,
    id: i64,
    /// A contact, and an account that is not the own one.
    contact: i64,
    other: i64,
}

/// What a request took.
#[derive(Debug)]
struct Cost {
    status: u16,
    /// Bytes above what the process held before, and the most that it held.
    memory: u64,
    process: u64,
    processor: Duration,
    /// Of all connections to Postgres together.
    postgres: Duration,
    took: Duration,
    stored: i64,
    /// Contacts stored, and changes of contacts.
    contacts: i64,
}

impl Target {
    fn new() -> Target {
        // A database of its own, so that its connections are known.
        let schema = world::unique_name();
        let url = world::variable("TEST_DATABASE_URL");
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE DATABASE {schema} TEMPLATE template0")).unwrap();
        let mut url = url::Url::parse(&url).unwrap();
        url.set_path(&schema);
        // Long enough for a slow machine: all bodies take more than a quarter of an hour there.
        // A database of Redis of its own: two schemas have accounts of the same numbers.
        static DATABASES: AtomicU32 = AtomicU32::new(1);
        let redis = world::variable("TEST_REDIS_URL");
        let server = redis.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let redis = format!("{server}/{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let exempt = [
            ("RATE_LIMIT_EXEMPT", "127.0.0.1/32"),
            ("DB_POOL_SIZE", "8"),
            ("ACCESS_TOKEN_MINUTES", "1440"),
            ("REDIS_URL", redis.as_str()),
            ("DATABASE_URL", url.as_str()),
        ];
        let server = Server::in_schema(&schema, &exempt);
        let mut target = Target {
            server,
            database: url.to_string(),
            token: String::new(),
            cookie: String::new(),
            csrf: String::new(),
            basic: String::new(),
            id: 0,
            contact: 0,
            other: 0,
        };
        target.register();
        target.sign_in();
        target.empty();
        target
    }

    fn register(&mut self) {
        let json = "Content-Type: application/json\r\n";
        let account = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD});
        let (status, text) =
            self.server.ask("POST", "/api/auth/register", json, &account.to_string()).unwrap();
        assert_eq!(status, 201, "{text}");
        self.id = serde_json::from_str::<Value>(&text).unwrap()["id"].as_i64().unwrap();
        self.client().batch_execute("UPDATE users SET is_verified = true, role = 'admin'").unwrap();
    }

    fn sign_in(&mut self) {
        let json = "Content-Type: application/json\r\n";
        self.client().batch_execute("DELETE FROM app_passwords").unwrap();
        let ask = |headers: &str, path: &str, body: Value| {
            let (status, text) = self.server.ask("POST", path, headers, &body.to_string()).unwrap();
            assert!(status < 300, "{path}: {status} {text}");
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let login = json!({"username": "ann", "password": PASSWORD});
        let tokens = ask(json, "/api/auth/login", login);
        let token = tokens["access_token"].as_str().unwrap().to_owned();
        let signed = format!("{json}Authorization: Bearer {token}\r\n");
        let wish = json!({"name": "phone", "scope": "carddav", "password": PASSWORD});
        let made = ask(&signed, "/api/users/me/app-passwords", wish);
        let form = format!("username=ann&password={}", PASSWORD.replace(' ', "+"));
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let answer =
            support::server::exchange(self.server.address(), "POST", "/login", kind, &form)
                .unwrap();
        let cookie = answer.split("contactd=").nth(1).and_then(|it| it.split(';').next());
        let cookie = format!("Cookie: contactd={}\r\n", cookie.expect("a cookie"));
        let (_, page) = self.server.ask("GET", "/import", &cookie, "").unwrap();
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|it| it.split('"').next());
        self.csrf = csrf.expect("a form").to_owned();
        let secret = made["secret"].as_str().unwrap();
        let basic = base64(&format!("ann:{secret}"));
        (self.token, self.cookie, self.basic) =
            (format!("Authorization: Bearer {token}\r\n"), cookie, basic);
    }

    fn client(&self) -> postgres::Client {
        postgres::Client::connect(&self.database, postgres::NoTls).unwrap()
    }

    /// Bytes of all tables with their indexes.
    fn stored(&self) -> i64 {
        let sql = "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind = 'r'";
        self.client().query_one(sql, &[]).unwrap().get(0)
    }

    /// A book of one contact, so that quotas are no help, and another account.
    fn empty(&mut self) {
        let sql = "TRUNCATE contacts, history, uploads CASCADE;
            UPDATE address_books SET contacts = 0, groups = 0, stored = 0, card_bytes = 0, history_bytes = 0;
            DELETE FROM users WHERE username = 'bob'";
        let mut client = self.client();
        client.batch_execute(sql).unwrap();
        let bob = "INSERT INTO users (username, email, password_hash, created_at)
            VALUES ('bob', 'bob@example.com', '', now()) RETURNING id";
        self.other = client.query_one(bob, &[]).unwrap().get(0);
        let headers = format!("Content-Type: application/json\r\n{}", self.token);
        let (status, text) =
            self.server.ask("POST", "/api/contacts", &headers, "{\"first_name\":\"a\"}").unwrap();
        assert_eq!(status, 201, "{text}");
        self.contact = serde_json::from_str::<Value>(&text).unwrap()["id"].as_i64().unwrap();
    }

    /// Contacts and changes of contacts that there are.
    fn contacts(&self) -> i64 {
        let sql = "SELECT (SELECT count(*) FROM contacts) + (SELECT count(*) FROM history)";
        self.client().query_one(sql, &[]).unwrap().get(0)
    }

    /// What each connection of the server has had of a processor in Postgres; nothing where Postgres runs
    /// elsewhere.
    fn connections(&self) -> HashMap<i32, Duration> {
        let sql = "SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'contactd'";
        let pids = self.client().query(sql, &[]).unwrap();
        pids.iter().filter_map(|row| Some((row.get(0), processor(row.get(0))?))).collect()
    }

    fn status(&self, name: &str) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.server.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    fn headers(&self, route: &Route) -> String {
        match route.gate {
            Gate::Anyone(_) => String::new(),
            Gate::User(_) | Gate::Contacts(_) | Gate::Admin(_) => self.token.clone(),
            Gate::Device(_) => format!("Authorization: Basic {}\r\nDepth: 0\r\n", self.basic),
            Gate::Visitor(_) => self.cookie.clone(),
        }
    }

    fn send(&self, route: &Route, path: &str, content_type: &str, body: &[u8]) -> Cost {
        // Resets the peak (proc(5), clear_refs).
        std::fs::write(format!("/proc/{}/clear_refs", self.server.pid()), "5").unwrap();
        let (held, before) = (self.status("VmRSS:"), processor(self.server.pid()).unwrap());
        let (connections, stored, contacts) = (self.connections(), self.stored(), self.contacts());
        let began = Instant::now();
        let status = self.exchange(route, path, content_type, body);
        let took = began.elapsed();
        let process = self.status("VmHWM:");
        let spent = self.connections().into_iter().map(|(pid, time)| {
            time.saturating_sub(connections.get(&pid).copied().unwrap_or_default())
        });
        Cost {
            status,
            memory: process.saturating_sub(held),
            process,
            processor: processor(self.server.pid()).unwrap().saturating_sub(before),
            postgres: spent.sum(),
            took,
            stored: self.stored() - stored,
            contacts: (self.contacts() - contacts).max(0),
        }
    }

    /// The status, once the whole answer is here. A server that refuses need not read the body.
    fn exchange(&self, route: &Route, path: &str, content_type: &str, body: &[u8]) -> u16 {
        let mut stream = TcpStream::connect(self.server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        let head = format!(
            "{} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: {content_type}\r\n{}\r\n",
            route.verb,
            body.len(),
            self.headers(route)
        );
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        let (mut answer, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            if answer.len() < 12 {
                answer.extend_from_slice(&buffer[..read]);
            }
        }
        let status = answer.get(9..12).and_then(|it| std::str::from_utf8(it).ok());
        status.and_then(|it| it.parse().ok()).unwrap_or(0)
    }

    fn path(&self, route: &Route) -> String {
        let card = format!("addressbooks/{}/contacts/a.vcf", self.id);
        let book = format!("addressbooks/{}/contacts/", self.id);
        let below =
            if ["PUT", "GET", "DELETE", "MOVE"].contains(&route.verb) { card } else { book };
        let id = match route.path {
            path if path.contains("/contacts/") => self.contact,
            path if path.contains("users/{id}") => self.other,
            _ => 999_999,
        };
        route
            .path
            .replace("{id}", &id.to_string())
            .replace("{token}", "x")
            .replace("{secret}", "x")
            .replace("{key}", "x")
            .replace("{path*}", &below)
    }
}

/// User and system time of a process.
fn processor(pid: i32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest = stat.rsplit_once(')')?.1;
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok());
    Some(Duration::from_millis(10 * ticks.sum::<u64>()))
}

/// Base64 of a text, as HTTP Basic wants it.
fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The bodies of a route: every one where long bodies are taken, else its own kind.
fn fits(route: &Route, content_type: &str) -> bool {
    if matches!(route.gate, Gate::Device(_)) {
        return content_type.ends_with(if route.verb == "PUT" { "vcard" } else { "xml" });
    }
    let is_import = route.path.ends_with("/import");
    match &route.gate {
        Gate::Visitor(_) if route.body > 64 * 1024 => {
            content_type.contains("form") || content_type.starts_with("multipart")
        }
        Gate::Visitor(_) => content_type.contains("urlencoded"),
        _ if is_import => !content_type.ends_with("xml"),
        _ if route.path.ends_with("photo") || route.path.ends_with("avatar") => {
            content_type.starts_with("multipart")
        }
        _ => content_type.ends_with("json"),
    }
}

/// Routes that end the session of who asks.
fn ends_the_session(route: &Route) -> bool {
    ["/logout", "/logout-all", "/end-all"].iter().any(|end| route.path.ends_with(end))
}

/// How many kinds of bodies a route gets: those that read none get two.
fn kinds(route: &Route) -> usize {
    if matches!(route.verb, "GET" | "OPTIONS") || ends_the_session(route) { 2 } else { usize::MAX }
}

/// The element that a method of CardDAV has as its root, in the place of that of most bodies.
fn root(verb: &str) -> Option<&'static str> {
    match verb {
        "PROPFIND" => Some("D:propfind"),
        "PROPPATCH" => Some("D:propertyupdate"),
        "MKCOL" => Some("D:mkcol"),
        _ => None,
    }
}

/// The body for a route: with the form's token, and the root that its method wants.
fn fitted(target: &Target, route: &Route, mut body: Vec<u8>) -> Vec<u8> {
    for (mark, text) in [("CSRF", target.csrf.clone()), ("ID", target.contact.to_string())] {
        if let Some(at) = body.windows(mark.len()).take(400).position(|it| it == mark.as_bytes()) {
            body.splice(at..at + mark.len(), text.bytes());
        }
    }
    match (root(route.verb), std::str::from_utf8(&body)) {
        (Some(root), Ok(text)) if text.contains("addressbook-multiget") => {
            text.replace("C:addressbook-multiget", root).into_bytes()
        }
        _ => body,
    }
}

/// The lengths of the bodies of this name, on a route that takes so much.
fn sizes(name: &str, all: bool, most: usize) -> Vec<usize> {
    let mut sizes = match all {
        true => vec![MIB, 10 * MIB],
        false if MANY.contains(&name) => vec![MIB / 32],
        false if LONG.contains(&name) && most > 10 * MIB => vec![10 * MIB],
        false => vec![MIB / 2],
    };
    sizes.iter_mut().for_each(|size| *size = most.min(*size));
    sizes.dedup();
    sizes
}

#[test]
fn no_body_costs_more_than_twenty_times_its_length() {
    let (mut target, wish) = (Target::new(), world::optional_variable("COSTS"));
    let (all, only) = (wish.is_some(), wish.filter(|it| it != "all").unwrap_or_default());
    let at_rest = target.status("VmRSS:");
    let (mut wrong, mut dearest) = (Vec::new(), Vec::new());
    for route in ROUTES.iter().filter(|it| it.path.starts_with(&only)) {
        let own = usize::try_from(route.body).unwrap();
        // What is longer than the route takes is refused, whatever it is, or not looked at.
        let beyond = target.send(route, &target.path(route), "text/plain", &vec![b'x'; own + 2]);
        if beyond.memory > FREE || beyond.postgres > POSTGRES || beyond.status >= 500 {
            wrong.push(format!("{} {}: {beyond:?} for a body too long", route.verb, route.path));
        }
        if ends_the_session(route) {
            target.sign_in();
        }
        let mut sent = 0;
        for (name, content_type, make) in
            BODIES.iter().filter(|it| fits(route, it.1)).take(kinds(route))
        {
            for size in sizes(name, all, own) {
                // Room for what a file's parts stand in.
                let body = fitted(&target, route, make(size.saturating_sub(1024)));
                let modes: &[&str] = if route.path == "/api/contacts/import" {
                    &["?dry_run=true", ""]
                } else {
                    &[""]
                };
                for mode in modes {
                    let path = format!("{}{mode}", target.path(route));
                    let cost = target.send(route, &path, content_type, &body);
                    sent += 1;
                    let length = body.len() as u64;
                    let line = format!(
                        "{:>5.1} memory/byte {:>4} MiB process {:>7.1} ns/byte {:>5} ms Postgres {:>6.2} stored/byte {:>5} ms {} {} {path} {} KiB {name}",
                        cost.memory as f64 / length as f64,
                        cost.process / MIB as u64,
                        cost.processor.as_nanos() as f64 / length as f64,
                        cost.postgres.as_millis(),
                        cost.stored as f64 / length as f64,
                        cost.took.as_millis(),
                        cost.status,
                        route.verb,
                        length / 1024,
                    );
                    if all {
                        println!("{line}");
                    }
                    let is_file = path.contains("/import");
                    let bytes = u32::try_from(length).unwrap();
                    let contacts = u32::try_from(cost.contacts).unwrap();
                    let too_much = cost.memory
                        > FREE
                            + FACTOR.min(if is_file && size >= 10 * MIB { 8 } else { FACTOR })
                                * length
                        || (is_file && cost.process.saturating_sub(at_rest) > PROCESS)
                        || cost.stored
                            > 512 * 1024
                                + 4 * i64::try_from(length).unwrap()
                                + STORED_A_CONTACT * i64::from(contacts)
                        || (mode.contains("dry_run") && cost.stored > 64 * 1024)
                        || cost.postgres > POSTGRES + POSTGRES_A_CONTACT * contacts
                        || cost.processor > PROCESSOR + PROCESSOR_A_BYTE * bytes
                        || matches!(cost.status, 0 | 401)
                        || cost.status >= 500 && cost.status != 507;
                    if too_much {
                        wrong.push(line.clone());
                    }
                    dearest.push((cost.memory / length.max(MIB as u64 / 8), line));
                    if ends_the_session(route) {
                        target.sign_in();
                    }
                    target.empty();
                }
            }
        }
        assert!(sent > 0, "no body fits {} {}", route.verb, route.path);
    }
    dearest.sort_by_key(|(factor, _)| std::cmp::Reverse(*factor));
    dearest.iter().take(if all { 0 } else { 12 }).for_each(|(_, line)| println!("{line}"));
    assert!(wrong.is_empty(), "past the bounds:\n{}", wrong.join("\n"));
}

/// A list of contacts of half a megabyte each is sent one after the other: what stands in memory is one
/// of them, however slowly the client reads.
#[test]
fn no_list_of_long_contacts_stands_in_memory_at_once() {
    let target = Target::new();
    let find = |verb: &str, path: &str| {
        ROUTES.iter().find(|route| route.verb == verb && route.path == path).unwrap()
    };
    let put = find("PUT", "/dav/{path*}");
    let note = "x".repeat(MIB / 4);
    let card = |number: usize, more: &str| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{number}\r\nFN:Ann {number}\r\nEMAIL:a@example.com\r\n\
             BDAY:19840229\r\n{more}END:VCARD\r\n"
        )
    };
    for number in 0..60 {
        let path = format!("/dav/addressbooks/{}/contacts/{number}.vcf", target.id);
        let card = card(number, &format!("NOTE:{note}\r\nEMAIL:{note}@example.com\r\n"));
        assert_eq!(target.exchange(put, &path, "text/vcard", card.as_bytes()), 201);
    }
    let file: String = (0..60).map(|number| card(number, "")).collect();
    for (path, query) in [
        ("/api/contacts/changes", "?limit=1000"),
        ("/api/contacts/duplicates", ""),
        ("/api/contacts/birthdays", "?days=366"),
        ("/api/contacts", "?limit=100"),
        ("/api/contacts/export", "?format=json"),
        ("/api/users/me/export", ""),
        ("/api/contacts/import", "?existing=update"),
    ] {
        let (verb, body) = if path.ends_with("import") { ("POST", &*file) } else { ("GET", "") };
        let path_of = format!("{path}{query}");
        let cost = target.send(find(verb, path), &path_of, "text/vcard", body.as_bytes());
        println!("{} MiB for {path}", cost.memory / MIB as u64);
        assert_eq!(cost.status, 200, "{path}");
        assert!(cost.memory < 12 * MIB as u64, "{path}: {} MiB", cost.memory / MIB as u64);
    }
}
