//! Small programs behind the server.

use crate::fuzz::Seen;
use http1::{Admission, Client as Payer, Look, Refusal, Service};
use rouille::{Request, Response, ResponseBody};
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The program behind the front: `/healthz`, and a route for each kind of answer.
#[derive(Default)]
pub struct Program {
    /// Requests that reached a handler.
    pub answered: AtomicUsize,
}

impl Program {
    fn body_limit(&self, _method: &str, target: &str) -> u64 {
        match target {
            "/echo" | "/seen" => 1 << 20,
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
            "/healthz" | "/" | "/held" => Response::text("ok"),
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
    /// How often the server was asked for the answer of a refusal of its own.
    pub refused: AtomicUsize,
    /// Open connections, as the server gave their number last.
    pub connections: AtomicUsize,
    /// How often it gave it.
    pub ticks: AtomicUsize,
    pub limit: Mutex<()>,
    pub decisions: Mutex<()>,
    /// Held: requests to `/held` stay at work.
    pub work: Arc<Mutex<()>>,
    /// The accounts of the requests to `/held` whose work has begun, in this order.
    pub begun: Arc<Mutex<Vec<Payer>>>,
}

impl Holds {
    pub fn begun(&self) -> usize {
        self.begun.lock().unwrap().len()
    }
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

    fn look_up(&self, together: &mut [Request]) {
        self.holds.looks.fetch_add(1, Ordering::SeqCst);
        self.holds.looked_at.fetch_add(together.len(), Ordering::SeqCst);
        drop(self.holds.decisions.lock());
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
        let (work, begun) = (self.holds.work.clone(), self.holds.begun.clone());
        let program = self.program.clone();
        // Behind a proxy the program says who it is.
        let account = request.header("X-Account").map(|it| Payer::Account(it.parse().unwrap()));
        let client = account.unwrap_or(Payer::at(request.remote_addr().ip()));
        let line = request.get_param("line").map_or(0, |it| it.parse().unwrap());
        let asks = request.header("X-Ask").map(str::to_owned);
        let run = move |body| {
            if request.url() == "/held" {
                begun.lock().unwrap().push(client);
                drop(work.lock());
            }
            Look::Answer(program.respond(&request, body))
        };
        // Whether a body is wanted is found out in the line, where this says so.
        let admission = Admission { line, client, most: usize::MAX, is_accepted: asks.is_none() };
        let work = Box::new(move |body: Option<Vec<u8>>| match (asks.as_deref(), body) {
            (Some("no"), _) => Look::Answer(Response::text("no").with_status_code(401)),
            (Some("panic"), _) => panic!("on purpose"),
            (_, Some(body)) => run(body),
            (_, None) => {
                let work = Box::new(move |body: Option<Vec<u8>>| run(body.unwrap()));
                Look::Work(Admission { is_accepted: true, ..admission }, work)
            }
        });
        Look::Work(admission, work)
    }

    fn set_connections(&self, open: usize) {
        self.holds.connections.store(open, Ordering::SeqCst);
        self.holds.ticks.fetch_add(1, Ordering::SeqCst);
    }

    fn refuse(&self, refusal: Refusal, origin: Option<&str>) -> Response {
        self.holds.refused.fetch_add(1, Ordering::SeqCst);
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
        let work = Box::new(move |body: Option<Vec<u8>>| {
            let body = body.unwrap();
            let length = request.header("Content-Length").map(|v| v.parse::<u64>().unwrap());
            if length.is_some_and(|length| length != body.len() as u64) {
                return Look::Answer(Response::text("").with_status_code(413));
            }
            let seen = (request.method().to_owned(), request.raw_url().to_owned(), body);
            record.lock().unwrap().push(seen);
            // Without a body, the answer to a HEAD looks like any other.
            Look::Answer(Response::text(""))
        });
        let client = Payer::Account(1);
        Look::Work(Admission { line: 0, client, most: usize::MAX, is_accepted: true }, work)
    }

    fn refuse(&self, refusal: Refusal, _origin: Option<&str>) -> Response {
        Response::text("").with_status_code(refusal.status)
    }
}
