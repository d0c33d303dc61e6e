//! Import of 10,000 cards and export of 100,000 contacts: a release server of its own, over HTTP,
//! and its memory as the kernel counts it.

use crate::{LARGE, SECRET_KEY, SMALL, config, database_url, remove};
use contactd::context::App;
use contactd::db::Conn;
use contactd::repository::sessions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The server, ended with this.
struct Server {
    child: Child,
    address: String,
    app: App,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(schema: &str) -> Server {
        let program = std::env::current_exe().unwrap();
        let program = program.parent().unwrap().parent().unwrap().join("contactd");
        let url = format!("{}?options=-csearch_path%3D{schema}", database_url());
        let mut child = Command::new(program)
            .current_dir(std::env::temp_dir()) // where there is no .env
            .env("DATABASE_URL", url)
            .env("SECRET_KEY", SECRET_KEY)
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("PUBLIC_URL", "http://127.0.0.1")
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
        #[allow(clippy::disallowed_methods, reason = "a tool has the real clock")]
        let app = App::new(config(schema), Box::new(chrono::Utc::now)).unwrap();
        Server { child, address, app }
    }

    fn token(&self, owner: i64) -> String {
        let (now, client) = (self.app.now(), sessions::Client { ip: "", user_agent: "" });
        let hash = contactd::crypto::token_hash(&contactd::crypto::random_token().unwrap());
        let end = now + chrono::Duration::hours(1);
        let secret = sessions::Secret::Refresh { family: &hash, token: &hash };
        let session =
            self.app.db.transaction(|tx| sessions::insert(tx, owner, secret, client, now, end));
        self.app.access_tokens.sign(owner, session.unwrap(), now, end).unwrap()
    }

    /// Sends a request, gives the answer's size to nobody but counts it, and keeps its end.
    fn ask(&self, owner: i64, method: &str, path: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let began = Instant::now();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/vcard\r\n\
             Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
            self.token(owner),
            body.len()
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let (mut size, mut end, mut buffer) = (0, Vec::new(), vec![0; 64 * 1024]);
        loop {
            let count = stream.read(&mut buffer).unwrap();
            if count == 0 {
                break;
            }
            size += count;
            end.extend_from_slice(&buffer[..count]);
            let cut = end.len().saturating_sub(1_000);
            end.drain(..cut);
        }
        Answer { size, took: began.elapsed(), end: String::from_utf8_lossy(&end).into_owned() }
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
    end: String,
}

/// Measures, and adds what misses its figure.
pub fn measure(schema: &str, missed: &mut Vec<String>) {
    let server = Server::start(schema);
    let importer = SMALL + 1;
    // The base line is a server that answered before.
    for format in ["vcard", "csv", "json"] {
        let path = format!("/api/contacts/export?format={format}");
        server.ask(SMALL, "GET", &path, b"");
    }
    let cards = cards();
    let (answer, grown) =
        server.grown(|| server.ask(importer, "POST", "/api/contacts/import", cards.as_bytes()));
    let Answer { took, end, .. } = answer;
    let told = end.rsplit("\r\n\r\n").next().unwrap_or_default();
    println!(
        "import of 10,000 cards ({} bytes): {took:?}, {grown} KiB over the base line: {told}",
        cards.len()
    );
    let whole = told.contains("\"created\":10000");
    if took > Duration::from_secs(5) || grown > 100 * 1024 || !whole {
        missed.push(format!("the import: {took:?}, {grown} KiB"));
    }
    // The first one reads what Postgres has not had in memory since it started.
    for format in ["vcard", "vcard", "csv", "json"] {
        let path = format!("/api/contacts/export?format={format}");
        let (answer, grown) = server.grown(|| server.ask(LARGE, "GET", &path, b""));
        let Answer { size, took, end } = answer;
        println!("export of 100,000 as {format}: {size} bytes, {took:?}, {grown} KiB grown");
        if grown > 10 * 1024 || !end.ends_with("\r\n0\r\n\r\n") {
            missed.push(format!("the export as {format}: {grown} KiB, or cut off"));
        }
    }
    let gone = |db: &mut Conn| remove(db, importer, "uid LIKE 'bench-%'");
    server.app.db.write(gone).unwrap();
}

/// Ten thousand cards as a phone writes them, with more than we have fields for.
fn cards() -> String {
    let cards = (0..10_000).map(|number| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bench-{number}\r\nN:Шевченко{number};Іван;Q;Dr.;\r\n\
             TEL;TYPE=CELL:+380 44 {number:07}\r\nTEL;TYPE=HOME:+380 45 {number:07}\r\n\
             EMAIL;TYPE=INTERNET:person{number}@example.com\r\nBDAY:1990-04-12\r\n\
             ADR;TYPE=HOME:;;Main St {number};Kyiv;;01001;Ukraine\r\nNOTE:Met in Kyiv\r\nEND:VCARD\r\n"
        )
    });
    cards.collect()
}
