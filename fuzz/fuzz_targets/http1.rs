//! Any bytes as a connection: the server never panics, answers nothing after a refusal, and no more
//! than was asked. (crates/http1/tests/http1/fuzz.rs also compares what it reads with hyper.)
#![no_main]

use http1::{Admission, Client, Limits, Look, Refusal, Server, Service};
use libfuzzer_sys::fuzz_target;
use rouille::{Request, Response};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

/// Requests that the handler saw.
static ASKED: AtomicUsize = AtomicUsize::new(0);

struct Program;

impl Service for Program {
    type InFlight = Request;

    fn body_limit(&self, _method: &str, _target: &str) -> u64 {
        1_000
    }

    fn begin(&self, request: Request) -> Request {
        request
    }

    fn decide(&self, _request: Request) -> Look {
        let work = Box::new(|body: Option<Vec<u8>>| {
            let body = body.expect("an accepted request has its body");
            assert!(body.len() <= 1_001, "{} bytes", body.len());
            ASKED.fetch_add(1, Ordering::SeqCst);
            Look::Answer(Response::text("").with_additional_header("X-Handled", "1"))
        });
        let client = Client::Account(1);
        Look::Work(Admission { line: 0, client, most: usize::MAX, is_accepted: true }, work)
    }

    fn refuse(&self, Refusal { status, .. }: Refusal, _origin: Option<&str>) -> Response {
        assert!([400, 408, 414, 417, 431, 501, 505].contains(&status), "{status}");
        Response::text("").with_status_code(status).with_additional_header("X-Refused", "1")
    }
}

static ADDRESS: LazyLock<SocketAddr> = LazyLock::new(|| {
    let server = Server::bind("127.0.0.1:0", Limits::default(), Arc::new(Program)).expect("a port");
    let address = server.local_addr();
    std::thread::spawn(move || server.run());
    address
});

fuzz_target!(|bytes: &[u8]| {
    ASKED.store(0, Ordering::SeqCst);
    let mut stream = TcpStream::connect(*ADDRESS).expect("a connection");
    // It may have been refused before its end.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    let answers = String::from_utf8_lossy(&answers);
    let handled = answers.matches("\r\nX-Handled: 1\r\n").count();
    let refused = answers.matches("\r\nX-Refused: 1\r\n").count();
    assert_eq!(handled, ASKED.load(Ordering::SeqCst), "{answers}");
    assert!(refused <= 1, "{answers}");
    let after = answers.split("\r\nX-Refused: 1\r\n").nth(1).unwrap_or_default();
    assert!(!after.contains("HTTP/1.1 "), "{answers}");
    // The shortest request is `GET / HTTP/1.0`, and two ends of lines.
    assert!(handled * 16 <= bytes.len(), "{handled} answers to {} bytes", bytes.len());
});
