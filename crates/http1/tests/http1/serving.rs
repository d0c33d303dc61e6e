//! Requests that are fine, and their answers.

use crate::harness::{HEALTH, Running, small, statuses};
use http1::{Limits, Look, Refusal, Service};
use rouille::{Request, Response, ResponseBody};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn answers_have_date_length_and_no_more_than_asked() {
    let server = Running::start(small());
    let answer = server.connect().get("/healthz");
    assert_eq!((answer.status, answer.text()), (200, "ok"));
    assert_eq!(answer.header("Content-Length"), Some("2"));
    assert_eq!(answer.header("Connection"), None);
    let date = answer.header("Date").unwrap();
    assert!(httpdate::parse_http_date(date).is_ok() && date.ends_with(" GMT"), "{date}");

    let head = "HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut client = server.connect();
    client.send(head);
    let answer = client.answer_to(true).unwrap();
    assert_eq!((answer.status, answer.header("Content-Length")), (200, Some("2")));
    client.send("HEAD /stream?n=5 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer_to(true).unwrap().header("Content-Length"), None);
    for (target, status) in [("/no-content", 204), ("/not-modified", 304)] {
        let answer = client.get(target);
        assert_eq!((answer.status, answer.header("Content-Length")), (status, None));
    }
    assert_eq!(client.get("/healthz").text(), "ok");
}

#[test]
fn the_handler_gets_what_was_sent() {
    let server = Running::start(small());
    let mut client = server.connect();
    client.send("GET /seen?a=%20b HTTP/1.1\r\nHost: h\r\nX-One: 1 \r\nx-two:2\r\n\r\n");
    let answer = client.answer().unwrap();
    assert!(answer.text().starts_with("/seen?a=%20b "), "{}", answer.text());
    for part in ["(\"X-One\", \"1\")", "(\"x-two\", \"2\")", "127.0.0.1"] {
        assert!(answer.text().contains(part), "{part} in {}", answer.text());
    }
    client.send("GET http://other:81/seen HTTP/1.1\r\nHost: h\r\n\r\n");
    let answer = client.answer().unwrap();
    assert!(answer.text().starts_with("/seen ") && answer.text().contains("other:81"));
    client.send(
        "POST /seen HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Late: 1\r\n\r\n",
    );
    let answer = client.answer().unwrap();
    assert!(answer.text().contains("(\"Content-Length\", \"0\")"));
    assert!(!answer.text().contains("Transfer-Encoding") && !answer.text().contains("X-Late"));
    client.send("POST /seen HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    assert_eq!(client.answer().unwrap().text().matches("Content-Length").count(), 1);
    // Of one that is still to come nobody knows the length.
    client.send(
        "POST /seen HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    assert_eq!(client.answer().unwrap().status, 100);
    client.send("1\r\nx\r\n0\r\n\r\n");
    let answer = client.answer().unwrap();
    assert!(answer.text().contains("(\"Transfer-Encoding\", \"chunked\")"));
    assert!(!answer.text().contains("Content-Length"), "{}", answer.text());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Running::start(small());
    let mut bytes = String::new();
    for n in 0..100 {
        let body = format!("{n}");
        bytes +=
            &format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
        bytes += &body;
    }
    let answers = server.exchange(bytes.as_bytes());
    let texts: Vec<_> = answers.iter().map(|a| a.text().to_owned()).collect();
    assert_eq!(texts, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn large_bodies_come_back_whole() {
    let server = Running::start(small());
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut client = server.connect();
    client
        .send(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()));
    // What comes with the end of a body is the next request.
    client.send([&body, HEALTH.as_bytes()].concat());
    assert!(client.answer().unwrap().body == body);
    assert_eq!(client.answer().unwrap().text(), "ok");

    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in body.chunks(70_000) {
        client.send(format!("{:x}\r\n", chunk.len()));
        client.send(chunk);
        client.send("\r\n");
    }
    client.send("0\r\n\r\n");
    assert!(client.answer().unwrap().body == body);
    assert_eq!(client.get("/healthz").status, 200);
}

#[test]
fn a_body_is_asked_for_only_when_it_will_be_read() {
    let server = Running::start(small());
    let mut client = server.connect();
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    assert_eq!(client.answer().unwrap().status, 100);
    client.send("hi");
    assert_eq!(client.answer().unwrap().text(), "hi");
    // It is here already, or there is none.
    for body in ["hi", ""] {
        let length = body.len();
        client.send(format!(
            "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        assert_eq!(client.answer().unwrap().text(), body);
    }
    client.send(
        "POST /small HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n",
    );
    assert_eq!(client.answer().unwrap().status, 413);
    assert!(client.is_closed());

    // 1.0 has no such thing (RFC 9110, section 10.1.1).
    let mut client = server.connect();
    client.send("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(statuses(&client.answers(&[])), [200]);
}

#[test]
fn streams_are_chunked_or_end_with_the_connection() {
    let server = Running::start(small());
    let mut client = server.connect();
    for size in [0, 1, 32767, 32768, 32769, 3_000_000] {
        let answer = client.get(&format!("/stream?n={size}"));
        assert_eq!(answer.header("Transfer-Encoding"), Some("chunked"));
        assert_eq!((answer.body.len(), answer.header("Content-Length")), (size, None));
        let answer = client.get(&format!("/sized-stream?n={size}"));
        assert_eq!(answer.header("Transfer-Encoding"), None);
        assert_eq!(answer.body.len(), size);
    }
    client.send("GET /stream?n=100000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let answer = client.answer().unwrap();
    assert_eq!((answer.body.len(), answer.header("Transfer-Encoding")), (100_000, None));
    assert_eq!(answer.header("Connection"), Some("close"));
}

#[test]
fn a_stream_that_breaks_is_not_taken_for_whole() {
    use std::io::{ErrorKind, Read, Write};
    let server = Running::start(small());
    for (target, version) in
        [("/broken-stream", "1.0"), ("/broken-stream", "1.1"), ("/short-stream", "1.1")]
    {
        let mut client = server.connect();
        let request = format!("GET {target} HTTP/{version}\r\nHost: a\r\n\r\n");
        client.socket.write_all(request.as_bytes()).unwrap();
        let mut all = Vec::new();
        let end = client.socket.read_to_end(&mut all).map_err(|e| e.kind());
        assert!(end == Err(ErrorKind::ConnectionReset) && !all.ends_with(b"0\r\n\r\n"), "{end:?}");
    }
}

#[test]
fn what_the_program_gets_wrong_is_a_500() {
    let server = Running::start(small());
    for target in ["/panic", "/crlf", "/cr", "/lf", "/nul", "/odd-name", "/short"] {
        let answers =
            server.exchange(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        assert_eq!(statuses(&answers), [500], "{target}");
        assert!(!answers[0].head.contains("Set-Cookie"));
    }
    let request = b"POST /panicking-limit HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(statuses(&server.exchange(request)), [500]);
    let many = Running::start(Limits { threads: 2, ..Limits::default() });
    for _ in 0..20 {
        many.exchange(b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    assert_eq!(many.connect().get("/healthz").status, 200, "the workers are still there");
}

/// A program that has no answer to what is no request.
struct Speechless;

impl Service for Speechless {
    type InFlight = ();

    fn body_limit(&self, _method: &str, _target: &str) -> u64 {
        0
    }

    fn begin(&self, _request: Request) {}

    fn decide(&self, (): ()) -> Look {
        Look::Answer(Response::text("ok"))
    }

    fn refuse(&self, refusal: Refusal, _origin: Option<&str>) -> Response {
        assert_ne!(refusal.status, 400, "on purpose");
        Response { data: ResponseBody::from_reader(std::io::empty()), ..Response::text("") }
    }
}

#[test]
fn a_program_that_cannot_refuse_costs_a_500_too() {
    let server = Running::start_with(small(), Arc::new(Speechless));
    for request in ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n"] {
        let answers = server.exchange(request.as_bytes());
        assert_eq!(statuses(&answers), [500], "{request}");
        assert_eq!(answers[0].header("Connection"), Some("close"));
    }
    assert_eq!(server.connect().get("/").status, 200);
}

#[test]
fn the_end_of_the_clients_side_is_no_end_of_the_answer() {
    let server = Running::start(small());
    assert_eq!(statuses(&server.exchange(HEALTH.as_bytes())), [200]);
    assert_eq!(statuses(&server.exchange(HEALTH.repeat(3).as_bytes())), [200; 3]);
    for half in 0..HEALTH.len() {
        assert_eq!(
            statuses(&server.exchange(&HEALTH.as_bytes()[..half])),
            [] as [u16; 0],
            "{half}"
        );
    }
}

/// Data and the end that come together are one event, but two reads.
#[test]
fn an_end_behind_data_is_not_overlooked() {
    let server = Running::start(small());
    let start = Instant::now();
    for _ in 0..5 {
        let mut client = server.connect();
        client.send("GET /sleep?ms=60 HTTP/1.1\r\nHost: a\r\n\r\n");
        std::thread::sleep(Duration::from_millis(20));
        client.send_then_end(HEALTH.as_bytes());
        assert_eq!(statuses(&client.answers(&[])), [200, 200]);
    }
    // An overlooked one would be an idle connection, for 15 seconds.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn the_handler_may_close() {
    let server = Running::start(small());
    let mut client = server.connect();
    client.send("GET /close HTTP/1.1\r\nHost: a\r\n\r\n");
    client.send(HEALTH);
    let answers = client.answers(&[]);
    assert_eq!(statuses(&answers), [200]);
    assert_eq!(answers[0].header("Connection"), Some("close"));
}

#[test]
fn text_is_compressed_when_asked_for() {
    let server = Running::start(small());
    let ask = |target: &str, accept: &str| {
        let mut client = server.connect();
        client
            .send(format!("GET {target} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accept}\r\n\r\n"));
        client.answer().unwrap()
    };
    let packed = ask("/json?n=5000", "br, gzip");
    assert_eq!(packed.header("Content-Encoding"), Some("gzip"));
    assert_eq!(packed.header("Vary"), Some("Accept-Encoding"));
    assert!(packed.body.len() < 500);
    let mut plain = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(packed.body.as_slice());
    std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
    assert_eq!(plain, vec![b'1'; 5000]);

    let plain = ask("/json?n=5000", "gzip;q=0");
    assert_eq!((plain.header("Content-Encoding"), plain.body.len()), (None, 5000));
    assert_eq!(plain.header("Vary"), Some("Accept-Encoding"));
    let short = ask("/json?n=1024", "gzip");
    assert_eq!((short.header("Content-Encoding"), short.header("Vary")), (None, None));
    assert_eq!(ask("/etag", "gzip").header("Content-Encoding"), None);
    for (on, fields) in [("Cookie", 2), ("X, ACCEPT-ENCODING", 1)] {
        let head = ask(&format!("/vary?on={}", on.replace(' ', "%20")), "").head.to_lowercase();
        assert_eq!(head.matches("\r\nvary: ").count(), fields, "{head}");
    }

    let mut client = server.connect();
    client.send("HEAD /json?n=5000 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    let length = client.answer_to(true).unwrap().header("Content-Length").unwrap().to_owned();
    assert_eq!(length, packed.body.len().to_string());
}

/// Without them a browser hides the answer from the page that asked.
#[test]
fn refusals_know_the_origin_as_far_as_it_has_come() {
    let server = Running::start(Limits { head_time: Duration::from_millis(200), ..small() });
    let long = "x".repeat(20_000);
    for (status, rest) in [
        (400, "Host: b\r\n\r\n".to_owned()),
        (408, "X: ".to_owned()),
        (431, format!("X: {long}")),
        (417, "Expect: tea\r\n\r\n".to_owned()),
    ] {
        let mut client = server.connect();
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\norigin: http://b.example\r\n{rest}"));
        let answer = client.answer().unwrap();
        let origin = answer.header("Access-Control-Allow-Origin");
        assert_eq!((answer.status, origin), (status, Some("http://b.example")));
    }
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://b.exa");
    assert_eq!(client.answer().unwrap().header("Access-Control-Allow-Origin"), None, "half a line");
}
