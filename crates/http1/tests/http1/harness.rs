//! A server with a small program behind it, and a client that speaks bytes.

use crate::fuzz::Seen;
use http1::{Ask, Client as Payer, Limits, LineLimits, Look, Refusal, Server, Service};
use http1::{Stopper, Work};
use rouille::{Request, Response, ResponseBody};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The program behind the front: `/healthz`, and a route for each kind of answer.
#[derive(Default)]
pub struct Program {
    /// Requests that reached a handler.
    pub answered: AtomicUsize,
}

impl Program {
    fn body_limit(&self, _method: &str, target: &str) -> u64 {
        match target {
            "/echo" => 1 << 20,
            "/small" => 10,
            "/upload" => 64 << 20,
            "/panicking-limit" => panic!("on purpose"),
            _ => 0,
        }
    }

    fn respond(&self, request: &Request, body: Vec<u8>) -> Response {
        self.answered.fetch_add(1, Ordering::Relaxed);
        let url = request.url();
        let number = |name: &str| request.get_param(name).map_or(0, |v| v.parse().unwrap());
        let length = request.header("Content-Length").map_or(0, |v| v.parse().unwrap());
        if url == "/missing" {
            return Response::text("missing").with_status_code(404);
        }
        if length.max(body.len() as u64) > self.body_limit(request.method(), &url) {
            return Response::text("too large").with_status_code(413);
        }
        match url.as_str() {
            "/healthz" | "/" => Response::text("ok"),
            "/echo" | "/small" | "/upload" => Response::from_data("application/octet-stream", body),
            "/seen" => Response::text(format!("{} {:?}", request.raw_url(), request)),
            "/sleep" => {
                std::thread::sleep(Duration::from_millis(number("ms")));
                Response::text("slept")
            }
            "/json" => Response::from_data("application/json", vec![b'1'; number("n") as usize]),
            "/vary" => Response::text("x".repeat(4000))
                .with_additional_header("vary", request.get_param("on").unwrap()),
            "/etag" => Response::text("x".repeat(4000)).with_additional_header("ETag", "\"1\""),
            "/stream" => {
                let bytes = std::io::repeat(b'x').take(number("n"));
                Response { data: ResponseBody::from_reader(bytes), ..Response::text("") }
            }
            "/sized-stream" => {
                let size = number("n");
                let bytes = std::io::repeat(b'x').take(size);
                let data = ResponseBody::from_reader_and_size(bytes, size as usize);
                Response { data, ..Response::text("") }
            }
            "/broken-stream" => {
                Response { data: ResponseBody::from_reader(Broken(3)), ..Response::text("") }
            }
            "/short-stream" => {
                let bytes = std::io::repeat(b'x').take(2_000_000);
                let data = ResponseBody::from_reader_and_size(bytes, 2_000_001);
                Response { data, ..Response::text("") }
            }
            "/short" => Response {
                data: ResponseBody::from_reader_and_size(&b"abc"[..], 4),
                ..Response::text("")
            },
            "/panic" => panic!("on purpose"),
            "/crlf" => Response::text("").with_additional_header("X-A", "b\r\nSet-Cookie: c"),
            "/cr" => Response::text("").with_additional_header("X-A", "b\rSet-Cookie: c"),
            "/lf" => Response::text("").with_additional_header("X-A", "b\nSet-Cookie: c"),
            "/odd-name" => Response::text("").with_additional_header("X A", "b"),
            "/nul" => Response::text("").with_additional_header("X-A", "b\0"),
            "/no-content" => Response::text("x").with_status_code(204),
            "/not-modified" => Response::text("x").with_status_code(304),
            "/close" => Response::text("x").with_additional_header("Connection", "close"),
            _ => Response::text("missing").with_status_code(404),
        }
    }
}

/// Gives some parts and then fails.
struct Broken(usize);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(std::io::Error::other("the database went away"));
        }
        self.0 -= 1;
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}

/// The program behind a server: all its requests are work, but those to `/healthz` where `quick` says
/// so.
pub struct Behind {
    pub program: Arc<Program>,
    pub quick: bool,
    /// What a test may hold, and what happened.
    pub holds: Holds,
}

/// Locks where the program stops while a test holds them, and counts of what it was asked.
#[derive(Default)]
pub struct Holds {
    /// How often requests were looked at together.
    pub looks: AtomicUsize,
    /// How many requests were in these.
    pub looked_at: AtomicUsize,
    pub limit: Mutex<()>,
    pub looking: Mutex<()>,
    pub working: Arc<Mutex<()>>,
}

impl Behind {
    pub fn new(quick: bool) -> Arc<Behind> {
        Arc::new(Behind { program: Arc::default(), quick, holds: Holds::default() })
    }
}

impl Service for Behind {
    type InFlight = Request;

    fn body_limit(&self, method: &str, target: &str) -> u64 {
        drop(self.holds.limit.lock());
        self.program.body_limit(method, target)
    }

    fn begin(&self, request: Request) -> Request {
        assert_ne!(request.raw_url(), "/panic-at-the-begin", "on purpose");
        request
    }

    fn ask(&self, together: &mut [Request]) {
        self.holds.looks.fetch_add(1, Ordering::SeqCst);
        self.holds.looked_at.fetch_add(together.len(), Ordering::SeqCst);
        drop(self.holds.looking.lock());
    }

    fn decide(&self, request: Request) -> Look {
        let url = request.url();
        assert_ne!(url, "/panic-at-the-look", "on purpose");
        match url.as_str() {
            "/refused" => return Look::Answer(Response::text("no").with_status_code(401)),
            "/healthz" if self.quick => {
                return Look::Answer(self.program.respond(&request, Vec::new()));
            }
            "/panic-at-the-drop" => {
                let data = ResponseBody::from_reader(PanicsAtTheDrop);
                let response = Response { data, ..Response::text("") };
                return Look::Answer(response.with_status_code(304));
            }
            _ => {}
        }
        let (program, working) = (self.program.clone(), self.holds.working.clone());
        // Behind a proxy the program says who it is.
        let account = request.header("X-Account").map(|it| Payer::Account(it.parse().unwrap()));
        let client = account.unwrap_or(Payer::at(request.remote_addr().ip()));
        let line = request.get_param("line").map_or(0, |it| it.parse().unwrap());
        let asks = request.header("X-Ask").map(str::to_owned);
        let run = Box::new(move |body| {
            drop(working.lock());
            program.respond(&request, body)
        });
        let work = Work { line, client, most: usize::MAX, run };
        let Some(asks) = asks else { return Look::Work(work) };
        // Whether it is wanted is found out in the line.
        let run = Box::new(move |body| match (asks.as_str(), body) {
            ("no", _) => Look::Answer(Response::text("no").with_status_code(401)),
            ("panic", _) => panic!("on purpose"),
            (_, Some(body)) => Look::Answer((work.run)(body)),
            (_, None) => Look::Work(work),
        });
        Look::Ask(Ask { line, client, most: usize::MAX, run })
    }

    fn refuse(&self, refusal: Refusal, origin: Option<&str>) -> Response {
        let mut response = Response::text(refusal.detail).with_status_code(refusal.status);
        if refusal.status == 503 {
            response = response.with_additional_header("Retry-After", "1");
        }
        match origin {
            Some(origin) => {
                response.with_additional_header("Access-Control-Allow-Origin", origin.to_owned())
            }
            None => response,
        }
    }
}

struct PanicsAtTheDrop;

impl Read for PanicsAtTheDrop {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Ok(0)
    }
}

impl Drop for PanicsAtTheDrop {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

/// A program that remembers what it was asked, and takes any body to a megabyte.
#[derive(Default)]
pub struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Recorder {
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Service for Recorder {
    type InFlight = Request;

    fn body_limit(&self, _method: &str, _target: &str) -> u64 {
        1 << 20
    }

    fn begin(&self, request: Request) -> Request {
        request
    }

    fn decide(&self, request: Request) -> Look {
        let record = self.0.clone();
        let run = Box::new(move |body: Vec<u8>| {
            let length = request.header("Content-Length").map(|v| v.parse::<u64>().unwrap());
            if length.is_some_and(|length| length != body.len() as u64) {
                return Response::text("").with_status_code(413);
            }
            let seen = (request.method().to_owned(), request.raw_url().to_owned(), body);
            record.lock().unwrap().push(seen);
            // Without a body, the answer to a HEAD looks like any other.
            Response::text("")
        });
        let client = Payer::Account(1);
        Look::Work(Work { line: 0, client, most: usize::MAX, run })
    }

    fn refuse(&self, refusal: Refusal, _origin: Option<&str>) -> Response {
        Response::text("").with_status_code(refusal.status)
    }
}

/// What the server logs.
pub struct Logged;

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Logged {
    fn install() {
        // Of all tests in this process the first one does it.
        let _ = log::set_logger(&Logged);
        log::set_max_level(log::LevelFilter::Info);
    }

    pub fn matching(part: &str) -> Vec<String> {
        LOGGED.lock().unwrap().iter().filter(|line| line.contains(part)).cloned().collect()
    }
}

impl log::Log for Logged {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("http1")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            LOGGED.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// A server on a port of its own, stopped when dropped.
pub struct Running {
    pub address: SocketAddr,
    pub stopper: Stopper,
    pub program: Arc<Program>,
    thread: Option<JoinHandle<bool>>,
}

impl Running {
    pub fn start(limits: Limits) -> Running {
        Running::behind(limits, Behind::new(false))
    }

    /// The same with this program.
    pub fn behind(limits: Limits, behind: Arc<Behind>) -> Running {
        let program = behind.program.clone();
        let mut running = Running::start_with(limits, behind);
        running.program = program;
        running
    }

    /// The same with any program.
    pub fn start_with(limits: Limits, service: Arc<impl Service>) -> Running {
        Logged::install();
        let server = Server::bind("127.0.0.1:0", limits, service).unwrap();
        let (address, stopper) = (server.local_addr(), server.stopper());
        let thread = Some(std::thread::spawn(move || server.run()));
        Running { address, stopper, program: Arc::default(), thread }
    }

    /// What `run` returned.
    pub fn stopped(&mut self) -> bool {
        self.thread.take().unwrap().join().unwrap()
    }

    pub fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).unwrap())
    }

    /// A client with another address of the loopback net, 127.0.0.`last`.
    pub fn connect_from(&self, last: u8) -> Client {
        self.connect_as(last, false)
    }

    /// A client whose kernel takes little that the client does not read.
    pub fn connect_slow(&self) -> Client {
        self.connect_as(2, true)
    }

    fn connect_as(&self, last: u8, slow: bool) -> Client {
        use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        let own = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0);
        bind(&socket, &own).unwrap();
        if slow {
            rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 4096).unwrap();
        }
        connect(&socket, &self.address).unwrap();
        Client::new(TcpStream::from(socket))
    }

    /// Sends bytes and the end, and reads all that comes.
    pub fn exchange(&self, bytes: &[u8]) -> Vec<Answer> {
        let mut client = self.connect();
        client.send(bytes);
        client.socket.shutdown(Shutdown::Write).unwrap();
        client.answers(&[])
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A line that lets two run at once.
pub fn small() -> Limits {
    Limits { lines: vec![line(2, 1024)], ..Limits::default() }
}

pub fn line(at_once: usize, places: usize) -> LineLimits {
    LineLimits { at_once, places, ..LineLimits::default() }
}

pub const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// Waits for something to become true.
pub fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let start = Instant::now();
    while !test() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A client's socket.
pub struct Client {
    pub socket: TcpStream,
    received: Vec<u8>,
}

/// One answer, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (n, value) = line.split_once(':').unwrap();
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    fn new(socket: TcpStream) -> Client {
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.set_nodelay(true).unwrap();
        Client { socket, received: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends bytes and the end, whether they are wanted or not.
    pub fn send_then_end(&mut self, bytes: &[u8]) {
        let _ = self.socket.write_all(bytes);
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// The statuses of all answers, those of `100 Continue` left out.
    pub fn final_statuses(&mut self) -> Vec<u16> {
        let mut statuses = statuses(&self.answers(&[]));
        statuses.retain(|status| *status != 100);
        statuses
    }

    /// Reads more; false at the end or after a reset.
    fn more(&mut self) -> bool {
        let mut buffer = [0; 64 << 10];
        match self.socket.read(&mut buffer) {
            Ok(0) => false,
            Ok(n) => {
                self.received.extend_from_slice(&buffer[..n]);
                true
            }
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(e) => panic!("{e}"),
        }
    }

    /// The next answer; `None` when the connection ends before one.
    pub fn answer(&mut self) -> Option<Answer> {
        self.answer_to(false)
    }

    /// The next answer, to a HEAD or not.
    pub fn answer_to(&mut self, head_request: bool) -> Option<Answer> {
        let end = loop {
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                break end + 4;
            }
            if !self.more() {
                assert!(self.received.is_empty(), "cut off: {:?}", self.received);
                return None;
            }
        };
        let head = String::from_utf8(self.received.drain(..end).collect()).unwrap();
        let head = head.trim_end().to_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        if head_request || matches!(status, 100 | 204 | 304) {
        } else if let Some(length) = answer.header("Content-Length") {
            answer.body = self.take(length.parse().unwrap())?;
        } else if answer.header("Transfer-Encoding").is_some() {
            loop {
                let line = self.line()?;
                let size = usize::from_str_radix(&line, 16).unwrap();
                answer.body.extend(self.take(size)?);
                assert_eq!(self.line()?, "");
                if size == 0 {
                    break;
                }
            }
        } else {
            while self.more() {}
            answer.body = std::mem::take(&mut self.received);
        }
        Some(answer)
    }

    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.received.len() < count {
            if !self.more() {
                self.received.clear();
                return None;
            }
        }
        Some(self.received.drain(..count).collect())
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = find(&self.received, b"\r\n") {
                let line = self.take(end + 2)?;
                return Some(String::from_utf8(line[..end].to_vec()).unwrap());
            }
            if !self.more() {
                self.received.clear();
                return None;
            }
        }
    }

    /// All answers until the connection ends. `heads` says which of them are to a HEAD.
    pub fn answers(&mut self, heads: &[usize]) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Some(answer) = self.answer_to(heads.contains(&answers.len())) {
            answers.push(answer);
        }
        answers
    }

    /// One request and its answer.
    pub fn get(&mut self, target: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.answer().expect("an answer")
    }

    /// Something has come, or comes within a moment.
    pub fn hears(&self) -> bool {
        self.socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let heard = self.socket.peek(&mut [0]).is_ok();
        self.socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        heard
    }

    /// The server has closed without another byte.
    pub fn is_closed(&mut self) -> bool {
        self.received.is_empty() && !self.more()
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|w| w == what)
}

pub fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|a| a.status).collect()
}
