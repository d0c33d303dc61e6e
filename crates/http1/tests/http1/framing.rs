//! Every rule of the framing on one page: bytes in → status, and whether the connection closes.
//! Behind each row another request is sent at once: a connection that stays open answers it, one
//! that closes must not.

use crate::harness::{Client, HEALTH, Running, small};

const CLOSES: bool = true;
const STAYS: bool = false;

/// The rules. `…` stands for a character or field repeated; see `expand`.
#[rustfmt::skip]
const RULES: &[(&str, &str, u16, bool)] = &[
    // What is a request.
    ("a plain request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, STAYS),
    ("empty lines before a request are skipped", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, STAYS),
    ("a target in absolute form", "GET http://a.example:80/healthz?x HTTP/1.1\r\nHost: b\r\n\r\n", 200, STAYS),
    ("an absolute target without a path", "GET http://a.example HTTP/1.1\r\nHost: b\r\n\r\n", 200, STAYS),
    ("a body of known length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200, STAYS),
    ("a chunked body", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, STAYS),
    ("chunk extensions are dropped", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b c\"\r\nabc\r\n0\r\n\r\n", 200, STAYS),
    ("trailers are dropped", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\nX: 1\r\n\r\n", 200, STAYS),
    ("a Host with a port", "GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", 200, STAYS),
    ("bytes above ASCII in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \u{e9}\r\n\r\n", 200, STAYS),
    ("a tab within a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\tb\r\n\r\n", 200, STAYS),
    ("19 digits of Content-Length are a number", "POST /missing HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", 404, CLOSES),

    // Connection and version.
    ("Connection: close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, CLOSES),
    ("Connection is a list of tokens", "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close ,y\r\n\r\n", 200, CLOSES),
    ("Connection in two fields", "GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", 200, CLOSES),
    ("a token is not a part of a token", "GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", 200, STAYS),
    ("1.0 closes", "GET / HTTP/1.0\r\n\r\n", 200, CLOSES),
    ("1.0 stays when asked to", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200, STAYS),
    ("close beats keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 200, CLOSES),
    ("version 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, CLOSES),
    ("version 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, CLOSES),
    ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, CLOSES),
    ("no version", "GET /\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a version in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("an odd version", "GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a version that begins with a letter", "GET / HTTP/x.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a version that ends with a letter", "GET / HTTP/1.x\r\nHost: a\r\n\r\n", 400, CLOSES),

    // Methods.
    ("an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, CLOSES),
    ("TRACE is known: the routes refuse it", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 200, STAYS),
    ("QUERY is too", "QUERY / HTTP/1.1\r\nHost: a\r\n\r\n", 200, STAYS),
    ("the methods of WebDAV are known", "PROPFIND / HTTP/1.1\r\nHost: a\r\nDepth: 0\r\n\r\nREPORT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, STAYS),
    ("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501, CLOSES),
    ("methods have capital letters", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501, CLOSES),
    ("no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a method that is no token", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),

    // Content-Length and Transfer-Encoding.
    ("Content-Length with Transfer-Encoding", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, CLOSES),
    ("Transfer-Encoding with Content-Length", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, CLOSES),
    ("Transfer-Encoding other than chunked", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400, CLOSES),
    ("Transfer-Encoding of two codings", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, CLOSES),
    ("Transfer-Encoding chunked, chunked", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, CLOSES),
    ("two Transfer-Encodings", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, CLOSES),
    ("Transfer-Encoding identity", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400, CLOSES),
    ("an empty Transfer-Encoding", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 400, CLOSES),
    ("Transfer-Encoding with a vertical tab", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, CLOSES),
    ("Transfer-Encoding on 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, CLOSES),
    ("two Content-Lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, CLOSES),
    ("two equal Content-Lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, CLOSES),
    ("a list of Content-Lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400, CLOSES),
    ("a Content-Length with a sign", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400, CLOSES),
    ("a negative Content-Length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", 400, CLOSES),
    ("a Content-Length in hex", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", 400, CLOSES),
    ("an empty Content-Length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400, CLOSES),
    ("a Content-Length with a space", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n", 400, CLOSES),
    ("a Content-Length over 19 digits", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 00000000000000000003\r\n\r\nabc", 400, CLOSES),

    // Lines and fields.
    ("bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, CLOSES),
    ("bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, CLOSES),
    ("bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, CLOSES),
    ("bare LF before the request", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("bare CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, CLOSES),
    ("bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400, CLOSES),
    ("obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400, CLOSES),
    ("obs-fold with a tab", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n", 400, CLOSES),
    ("a first field behind a space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, CLOSES),
    ("a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, CLOSES),
    ("a tab before the colon", "GET / HTTP/1.1\r\nHost: a\r\nX\t: a\r\n\r\n", 400, CLOSES),
    ("a field without a colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400, CLOSES),
    ("a field without a name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400, CLOSES),
    ("a name that is no token", "GET / HTTP/1.1\r\nHost: a\r\nX[]: x\r\n\r\n", 400, CLOSES),
    ("NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400, CLOSES),
    ("NUL in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\0: a\r\n\r\n", 400, CLOSES),
    ("DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n", 400, CLOSES),
    ("ESC in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[2J\r\n\r\n", 400, CLOSES),
    ("TLS", "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03", 400, CLOSES),

    // Host.
    ("no Host", "GET / HTTP/1.1\r\n\r\n", 400, CLOSES),
    ("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("two Hosts on 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, CLOSES),
    ("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, CLOSES),
    ("a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, CLOSES),
    ("a Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, CLOSES),
    ("a Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, CLOSES),
    ("a Host that is a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, CLOSES),
    ("a Host with an odd port", "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", 400, CLOSES),
    ("a Host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, CLOSES),
    ("an absolute target with a user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),

    // Targets.
    ("a target with a space", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a target with a tab", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a target with #", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a target with a backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a target with <", "GET /?a<b HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a target with a quotation mark", "GET /\" HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a path with a backtick", "GET /` HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a query with what browsers do not encode", "GET /?{|}^`[]' HTTP/1.1\r\nHost: a\r\n\r\n", 200, STAYS),
    ("a target with a control character", "GET /a\x01b HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a target with NUL", "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a target with bytes above ASCII", "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a target that is no path", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("a target of another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("* is read, and the program has no such path", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404, STAYS),
    ("OPTIONS of what is no path", "OPTIONS a HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),
    ("* is for OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, CLOSES),

    // Chunks.
    ("a chunk size with a prefix", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400, CLOSES),
    ("a chunk size with a sign", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n", 400, CLOSES),
    ("a chunk size behind a space", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n", 400, CLOSES),
    ("a chunk size before a space", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", 400, CLOSES),
    ("a chunk size of more than 8 digits", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n000000003\r\nabc\r\n0\r\n\r\n", 400, CLOSES),
    ("no chunk size", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n", 400, CLOSES),
    ("a chunk size that ends with a bare LF", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400, CLOSES),
    ("chunk data without its CRLF", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400, CLOSES),
    ("chunk data with a bare LF", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n", 400, CLOSES),
    ("a chunk extension with a bare LF", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a\nabc\r\n0\r\n\r\n", 400, CLOSES),
    ("a malformed trailer", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nGET / HTTP/1.1\r\n\r\n", 400, CLOSES),
    ("chunk extensions of 5,000 bytes", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a…5000\r\nabc\r\n0\r\n\r\n", 400, CLOSES),

    // Sizes.
    ("a request line of 8 KiB", "GET /?a…8177 HTTP/1.1\r\nHost: a\r\n\r\n", 200, STAYS),
    ("a request line over 8 KiB", "GET /?a…8178 HTTP/1.1\r\nHost: a\r\n\r\n", 414, CLOSES),
    ("a request line without an end", "GET /?a…9000", 414, CLOSES),
    ("a head of 16 KiB", "GET / HTTP/1.1\r\nHost: a\r\nX: a…16352\r\n\r\n", 200, STAYS),
    ("a head over 16 KiB", "GET / HTTP/1.1\r\nHost: a\r\nX: a…16353\r\n\r\n", 431, CLOSES),
    ("64 fields", "GET / HTTP/1.1\r\nHost: a\r\nF…63\r\n", 200, STAYS),
    ("65 fields", "GET / HTTP/1.1\r\nHost: a\r\nF…64\r\n", 431, CLOSES),
    ("a body larger than its route takes", "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413, CLOSES),
    ("a body as large as its route takes", "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", 200, STAYS),
    ("chunks larger than their route takes", "POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n", 413, CLOSES),
    ("a body for a route that has none", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 413, CLOSES),
    ("404 comes before 413", "POST /missing HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 404, CLOSES),

    // Expect.
    ("another expectation", "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx", 417, CLOSES),
    ("no expectation at all", "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: \r\nContent-Length: 1\r\n\r\nx", 200, STAYS),
    ("a list of expectations", "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, tea\r\nContent-Length: 1\r\n\r\nx", 417, CLOSES),
    ("a list with empty members", "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: , 100-continue\r\nContent-Length: 1\r\n\r\nx", 200, STAYS),
    ("100-continue with the body behind it", "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", 200, STAYS),
    ("100-continue for too large a body", "POST /small HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n", 413, CLOSES),
];

/// `a…8` is eight times `a`, `F…8` eight header fields.
fn expand(bytes: &str) -> Vec<u8> {
    let Some((before, after)) = bytes.split_once('…') else { return bytes.into() };
    let digits = after.chars().take_while(char::is_ascii_digit).count();
    let (count, after) = after.split_at(digits);
    let (before, what) = before.split_at(before.len() - 1);
    let what = if what == "F" { "X-Field: 1\r\n" } else { what };
    format!("{before}{}{after}", what.repeat(count.parse().unwrap())).into_bytes()
}

fn check(cut: impl Fn(&[u8], &mut Client)) {
    let server = Running::start(small());
    let mut wrong = Vec::new();
    for (rule, bytes, status, closes) in RULES {
        let mut bytes = expand(bytes);
        bytes.extend_from_slice(HEALTH.as_bytes());
        let mut client = server.connect();
        cut(&bytes, &mut client);
        let _ = client.socket.shutdown(std::net::Shutdown::Write);
        let got = client.final_statuses();
        let expected = if *closes { vec![*status] } else { vec![*status, 200] };
        if got != expected {
            wrong.push(format!("{rule}: {got:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_rules_hold() {
    check(|bytes, client| client.send(bytes));
}

#[test]
fn the_rules_hold_for_requests_that_come_in_pieces() {
    use std::io::Write;
    check(|bytes, client| {
        // Small pieces, but few of them for the rows about sizes. After a refusal, writing may
        // fail.
        for piece in bytes.chunks((bytes.len() / 64).max(1)) {
            if client.socket.write_all(piece).is_err() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_micros(20));
        }
    });
}
