//! Random connections. Three things are looked for: that the server never panics; that nothing is
//! answered after a refusal, nor more than was asked; and that it reads no request in another way
//! than hyper does, which is how requests are smuggled past a proxy: the requests that our handler
//! saw are always the first ones, or all, of those that hyper's saw.
//!
//! The cases come from a fixed seed. `HTTP1_FUZZ_CASES` and `HTTP1_FUZZ_SEED` set others; a failure
//! names the seed that brings its case back as the first one.

use crate::harness::{Logged, Recorder, Running, small};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

/// xorshift64*: as random as fuzzing needs, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Mostly sound requests with something odd here and there, then some bytes changed.
fn connection(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=random.below(3) {
        bytes.extend(request(random).into_bytes());
    }
    while random.one_in(4) && !bytes.is_empty() {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes.insert(at, b"\r\n \t:;,0\0\x80"[random.below(10)]),
            2 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

fn request(random: &mut Random) -> String {
    // Odd ones are rare, so that most requests get as far as the next odd thing.
    let odd = |random: &mut Random, good: &[&'static str], bad: &[&'static str]| {
        if random.one_in(40) { random.pick(bad) } else { random.pick(good) }
    };
    let end = |random: &mut Random| odd(random, &["\r\n"], &["\n", "\r", "\r\r\n", "\n\r\n", ""]);
    let mut out = String::new();
    out += odd(random, &[""], &["\r\n", "\n", "\r\n\r\n", " "]);
    out += odd(
        random,
        &["GET", "POST", "PUT", "HEAD", "DELETE"],
        &["OPTIONS", "get", "X", "", "G@T", "TRACE"],
    );
    out += odd(random, &[" "], &["  ", "\t", ""]);
    out += odd(
        random,
        &["/", "/a?b=c", "/x%20y", "/healthz"],
        &[
            "*",
            "a",
            "http://a/b",
            "http://a",
            "/a b",
            "/a#b",
            "/\\",
            "/\u{e9}",
            "//a",
            "/\x7f",
            "/{}",
        ],
    );
    out += odd(random, &[" "], &["  ", "\t", ""]);
    out += odd(
        random,
        &["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"],
        &["HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 "],
    );
    out += end(random);
    let mut fields: Vec<String> = Vec::new();
    fields.push(
        odd(
            random,
            &["Host: a"],
            &["Host: a/b", "Host : a", "Host:", "Host: a\r\nHost: b", "X: y"],
        )
        .into(),
    );
    let data = random.pick(&["", "x", "hello", "0\r\n\r\nGET / HTTP/1.1\r\n"]);
    let mut body = String::new();
    match random.below(4) {
        0 => {}
        1 => {
            fields.push(match random.below(8) {
                0 => random
                    .pick(&[
                        "Content-Length: +1",
                        "Content-Length: 1, 1",
                        "Content-Length: ",
                        "Content-Length: 0x1",
                        "Content-Length : 1",
                        "Content-Length: 99999999999999999999",
                        "Content-Length: 1\r\nContent-Length: 2",
                        "Content-Length:\t5",
                    ])
                    .into(),
                _ => format!("Content-Length: {}", data.len()),
            });
            body += data;
        }
        _ => {
            fields.push(
                odd(
                    random,
                    &["Transfer-Encoding: chunked", "transfer-encoding: Chunked"],
                    &[
                        "Transfer-Encoding: gzip, chunked",
                        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                        "Transfer-Encoding: chunked, identity",
                        "Transfer-Encoding: xchunked",
                        "Transfer-Encoding:\x0bchunked",
                        "Transfer-Encoding: chunked\r\nContent-Length: 3",
                        "Transfer-Encoding: \"chunked\"",
                    ],
                )
                .into(),
            );
            for _ in 0..random.below(3) {
                let size = format!("{:x}", data.len());
                body += odd(random, &["", "", "0", "000"], &[" ", "+", "0x", "-", "00000000"]);
                body += &size;
                body += odd(
                    random,
                    &["", "", ";a", ";a=b", ";a=\"b\""],
                    &[" ", "\t", ";a\n", " ;a", ";\0"],
                );
                body += end(random);
                body += data;
                body += end(random);
            }
            body += odd(
                random,
                &["0\r\n\r\n", "0\r\n\r\n", "0\r\nX: y\r\n\r\n"],
                &[
                    "0\r\n",
                    "\r\n\r\n",
                    "0\n\n",
                    "0\r\nX\r\n\r\n",
                    "0\r\n X: y\r\n\r\n",
                    "0\r\nContent-Length: 4\r\n\r\n",
                ],
            );
        }
    }
    if random.one_in(4) {
        fields.push(
            random
                .pick(&[
                    "Connection: close",
                    "Connection: keep-alive",
                    "Connection: a, close",
                    "X: \u{e9}",
                    "X : y",
                    "X: a\r\n b",
                    "X",
                    ": y",
                    "X: \x01",
                    "Expect: 100-continue",
                    "Expect: x",
                    "Upgrade: h2c",
                ])
                .into(),
        );
    }
    if random.one_in(2) {
        fields.rotate_left(1);
    }
    for field in fields {
        out += &field;
        out += end(random);
    }
    out += end(random);
    out + &body
}

/// A request as a handler saw it.
pub type Seen = (String, String, Vec<u8>);

/// What hyper's handler sees of the same bytes, with bodies that came whole.
fn by_hyper(bytes: &[u8]) -> Vec<Seen> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = seen.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let record = record.clone();
        async move {
            let (head, body) = request.into_parts();
            if let Ok(body) = body.collect().await {
                let target = head.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
                record.lock().unwrap().push((
                    head.method.to_string(),
                    target,
                    body.to_bytes().to_vec(),
                ));
            }
            Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from_static(b"ok"))))
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        let mut http = hyper::server::conn::http1::Builder::new();
        http.half_close(true);
        let _ = http.serve_connection(hyper_util::rt::TokioIo::new(server), service).await;
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest).await;
    });
    Arc::try_unwrap(seen).unwrap().into_inner().unwrap()
}

#[allow(clippy::disallowed_methods, reason = "a switch of this test, not of the program")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |v| v.parse().unwrap())
}

#[test]
fn random_connections_are_read_as_hyper_reads_them_or_refused() {
    let recorder = Arc::new(Recorder::default());
    let server = Running::start_with(small(), recorder.clone());
    let (cases, seed) = (setting("HTTP1_FUZZ_CASES", 1500), setting("HTTP1_FUZZ_SEED", 0x5EED));
    let (mut answered, mut refused) = (0, 0);
    for case in 0..cases {
        let seed = seed.wrapping_add(case);
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let bytes = connection(&mut random);
        let input = || format!("HTTP1_FUZZ_SEED={seed}: {:?}", String::from_utf8_lossy(&bytes));

        let mut client = server.connect();
        client.send_then_end(&bytes);
        let statuses = client.final_statuses();
        let ours = recorder.take();
        let hyper = by_hyper(&bytes);
        assert!(hyper.starts_with(&ours), "{}\nours {ours:?}\nhyper {hyper:?}", input());
        let (last, before) = match statuses.split_last() {
            Some((last, before)) => (*last, before),
            None => (200, &[] as &[u16]),
        };
        assert!(before.iter().all(|s| *s == 200), "{}\n{statuses:?}", input());
        let refusals = usize::from(last != 200);
        assert_eq!(statuses.len(), ours.len() + refusals, "{}\n{statuses:?}", input());
        answered += ours.len();
        refused += refusals;
    }
    assert_eq!(Logged::matching("panicked"), Vec::<String>::new());
    // If one of them were rare, this test would look at nothing.
    assert!(answered as u64 > cases / 4 && refused as u64 > cases / 4, "{answered}, {refused}");
}
