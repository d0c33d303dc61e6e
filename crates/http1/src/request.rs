//! From bytes to the head of a request: every rule of RFC 9112 that a proxy in front of us could
//! read in another way. Pure: no sockets, no clock.
//!
//! `httparse` splits the head into its parts; it is no filter (a bare LF, two Hosts or
//! Content-Length beside Transfer-Encoding pass it), so the rules stand here.

use crate::limits::{HEAD_BYTES, HEADER_FIELDS, REQUEST_LINE_BYTES};

/// Why a request is refused before the program sees it. The connection closes afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status: 400, 408, 414, 417, 431, 501, 503 or 505.
    pub status: u16,
    /// One sentence for the client, without anything of the request in it.
    pub detail: &'static str,
}

/// A refusal for bytes that are not what RFC 9112 calls a request.
pub const fn bad(detail: &'static str) -> Refusal {
    Refusal { status: 400, detail }
}

const fn refusal(status: u16, detail: &'static str) -> Refusal {
    Refusal { status, detail }
}

/// How the body of a request is delimited (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes follow; 0 also when nothing was said.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// The head of a request, checked.
#[derive(Debug)]
pub struct Head {
    /// One of [`METHODS`].
    pub method: String,
    /// In origin form (`/path?query`), or `*` for OPTIONS.
    pub target: String,
    /// Names as they came; bytes that are no UTF-8 became U+FFFD.
    pub headers: Vec<(String, String)>,
    /// HTTP/1.1; otherwise it is HTTP/1.0.
    pub http_1_1: bool,
    /// How the body is delimited.
    pub framing: Framing,
    /// The client is ready for another request on this connection.
    pub keep_alive: bool,
    /// The client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// The bytes that the head took.
    pub length: usize,
}

/// The methods that RFC 9110 and 5789 define, the HTTP group's QUERY, and those of WebDAV (RFC 4918,
/// 3253, 3744, 4791, 5323); but not CONNECT, which only proxies have a use for. All others are 501;
/// one of these that a route does not have is its 405.
#[rustfmt::skip]
pub const METHODS: [&str; 20] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY",
    "PROPFIND", "PROPPATCH", "REPORT", "MKCOL", "MOVE", "COPY", "LOCK", "UNLOCK", "ACL", "SEARCH",
    "MKCALENDAR",
];

/// How far a head has been looked at, so that a head arriving byte by byte costs each byte once.
#[derive(Debug, Default, Clone, Copy)]
pub struct Scan {
    next: usize,
    line_start: usize,
    lines: usize,
    after_cr: bool,
}

/// Looks for the empty line that ends the head, and returns the length of the head with it. What
/// is wrong is refused at once, not when the head ends: a bare LF may mean that it never does.
fn find_end(bytes: &[u8], scan: &mut Scan) -> Result<Option<usize>, Refusal> {
    while let Some(&byte) = bytes.get(scan.next) {
        let at_line_start = scan.next == scan.line_start;
        scan.next += 1;
        match byte {
            b'\n' if scan.after_cr => {
                if scan.next == scan.line_start + 2 && scan.lines > 0 {
                    return Ok(Some(scan.next));
                }
                scan.lines += 1;
                scan.line_start = scan.next;
                scan.after_cr = false;
                if scan.lines > HEADER_FIELDS + 1 {
                    return Err(refusal(431, "The request has too many header fields."));
                }
                continue;
            }
            b'\n' => return Err(bad("A line ends with a bare LF.")),
            _ if scan.after_cr => return Err(bad("The head has a bare CR.")),
            b'\r' => scan.after_cr = true,
            b' ' | b'\t' if at_line_start => {
                return Err(bad("A header is folded over two lines, or a line starts with space."));
            }
            b'\t' => {}
            0..=31 | 127 => return Err(bad("The head has a control character.")),
            // What follows and is plain too is only counted.
            _ => scan.next += plain(bytes.get(scan.next..).unwrap_or_default()),
        }
        if scan.lines == 0 && scan.next > REQUEST_LINE_BYTES + 1 {
            return Err(refusal(414, "The request line is too long."));
        }
        if scan.next >= HEAD_BYTES {
            return Err(refusal(431, "The head of the request is too long."));
        }
    }
    Ok(None)
}

/// How many bytes at the start are neither control characters nor the end of a line.
fn plain(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, 32..=126 | 128..)).count()
}

/// The value of the Origin field among the whole lines of half a head: a refusal of a request that
/// never became whole carries cross-origin headers too.
pub fn origin(bytes: &[u8]) -> Option<String> {
    let whole = bytes.get(..bytes.iter().rposition(|&b| b == b'\n')?)?;
    let is_origin = |line: &&[u8]| {
        line.split_at_checked(7).is_some_and(|(name, _)| name.eq_ignore_ascii_case(b"origin:"))
    };
    let line = whole.split(|&b| b == b'\n').find(is_origin)?.get(7..)?.trim_ascii();
    let printable = line.iter().all(|b| matches!(b, 0x21..=0x7e));
    str::from_utf8(line).ok().filter(|_| printable).map(str::to_owned)
}

/// Reads the head at the start of `bytes`; `None` when it has not come whole yet. `scan` starts
/// as the default, and is handed in again with the same bytes and those that came since.
pub fn head(bytes: &[u8], scan: &mut Scan) -> Result<Option<Head>, Refusal> {
    let Some(length) = find_end(bytes, scan)? else { return Ok(None) };
    let bytes = bytes.get(..length).unwrap_or_default();
    let line_end = bytes.iter().position(|&b| b == b'\r').unwrap_or_default();
    let (line, fields) = bytes.split_at(line_end);
    let (method, target, http_1_1) = request_line(line)?;

    let mut room = [httparse::EMPTY_HEADER; HEADER_FIELDS];
    let fields = fields.get(2..).unwrap_or_default();
    let Ok(httparse::Status::Complete((_, fields))) = httparse::parse_headers(fields, &mut room)
    else {
        return Err(bad("A header field is malformed."));
    };
    let (target, authority) = origin_form(method, target)?;
    let seen = Seen::collect(fields)?;
    match seen.host {
        None if http_1_1 => return Err(bad("The request has no Host field.")),
        Some(host) if !is_host(host) => return Err(bad("The Host field is malformed.")),
        _ => {}
    }
    let framing = match (seen.chunked, seen.length) {
        (true, Some(_)) => {
            return Err(bad("Content-Length and Transfer-Encoding exclude each other."));
        }
        (true, None) if !http_1_1 => return Err(bad("HTTP/1.0 has no Transfer-Encoding.")),
        (true, None) => Framing::Chunked,
        (false, length) => Framing::Length(length.unwrap_or(0)),
    };
    // A list, perhaps an empty one (RFC 9110, sections 5.6.1 and 10.1.1).
    let expected = seen.expect.unwrap_or_default().split(|&b| b == b',').map(<[u8]>::trim_ascii);
    let mut expected = expected.filter(|it| http_1_1 && !it.is_empty()).peekable();
    let expects_continue = expected.peek().is_some();
    if expected.any(|it| !it.eq_ignore_ascii_case(b"100-continue")) {
        return Err(refusal(417, "The only expectation met is 100-continue."));
    }
    if !METHODS.contains(&method) {
        return Err(refusal(501, "The method is unknown to this server."));
    }
    // The authority of a target in absolute form replaces the Host field (RFC 9112, section 3.2.2).
    let owned = |field: &httparse::Header<'_>| {
        let own = || String::from_utf8_lossy(field.value).into_owned();
        let authority = authority.filter(|_| field.name.eq_ignore_ascii_case("host"));
        (field.name.to_owned(), authority.map_or_else(own, str::to_owned))
    };
    let headers = fields.iter().map(owned).collect();
    let keep_alive = if http_1_1 { !seen.close } else { seen.keep_alive && !seen.close };
    Ok(Some(Head {
        method: method.to_owned(),
        target,
        headers,
        http_1_1,
        framing,
        keep_alive,
        expects_continue,
        length,
    }))
}

/// `method SP target SP version`, exactly one space each (RFC 9112, section 3).
fn request_line(line: &[u8]) -> Result<(&str, &str, bool), Refusal> {
    let malformed = bad("The request line is malformed.");
    let line = str::from_utf8(line).map_err(|_| malformed)?;
    let mut parts = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed);
    };
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(malformed);
    }
    let http_1_1 = match version.as_bytes() {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(refusal(505, "This server speaks HTTP/1.1 and HTTP/1.0."));
        }
        _ => return Err(malformed),
    };
    let path = target.split('?').next().unwrap_or_default();
    if target.is_empty() || !target.bytes().all(is_of_uri) || path.contains('`') {
        return Err(bad("The target has a character that no URI has."));
    }
    Ok((method, target, http_1_1))
}

/// Stricter than visible ASCII, laxer than RFC 3986: what browsers leave as it is in a query
/// (`{`, `|`, `}`, `^`) passes.
fn is_of_uri(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !b"#\\\"<>".contains(&byte)
}

/// The target as path and query; the authority too if it was an absolute URI, which every server
/// has to take (RFC 9112, section 3.2.2).
fn origin_form<'a>(method: &str, target: &'a str) -> Result<(String, Option<&'a str>), Refusal> {
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Ok((target.to_owned(), None));
    }
    let scheme = target.split_once("://").map_or("", |(scheme, _)| scheme);
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        // CONNECT has an authority here; its refusal is the one for unknown methods.
        return match METHODS.contains(&method) {
            true => Err(bad("The target is neither a path nor an http URI.")),
            false => Ok((target.to_owned(), None)),
        };
    }
    let rest = target.get(scheme.len() + 3..).unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if !is_host(authority.as_bytes()) {
        return Err(bad("The authority of the target is malformed."));
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok((format!("{slash}{path}"), Some(authority)))
}

/// The header fields that decide about framing and connection.
#[derive(Default)]
struct Seen<'a> {
    host: Option<&'a [u8]>,
    length: Option<u64>,
    chunked: bool,
    expect: Option<&'a [u8]>,
    close: bool,
    keep_alive: bool,
}

impl<'a> Seen<'a> {
    fn collect(fields: &[httparse::Header<'a>]) -> Result<Seen<'a>, Refusal> {
        let mut seen = Seen::default();
        for field in fields {
            let (name, value) = (field.name, field.value);
            if name.eq_ignore_ascii_case("host") {
                if seen.host.replace(value).is_some() {
                    return Err(bad("The request has two Host fields."));
                }
            } else if name.eq_ignore_ascii_case("content-length") {
                if seen.length.replace(content_length(value)?).is_some() {
                    return Err(bad("The request has two Content-Length fields."));
                }
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                if seen.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(bad("The only Transfer-Encoding is one chunked."));
                }
                seen.chunked = true;
            } else if name.eq_ignore_ascii_case("expect") {
                if seen.expect.replace(value).is_some() {
                    return Err(bad("The request has two Expect fields."));
                }
            } else if name.eq_ignore_ascii_case("connection") {
                for token in value.split(|&b| b == b',') {
                    let token = token.trim_ascii();
                    seen.close |= token.eq_ignore_ascii_case(b"close");
                    seen.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                }
            }
        }
        Ok(seen)
    }
}

/// `host [":" port]` of RFC 3986, without the user information that http does not have.
fn is_host(host: &[u8]) -> bool {
    let end = match host.starts_with(b"[") {
        true => host.iter().position(|&b| b == b']').map(|at| at + 1),
        false => host.iter().position(|&b| b == b':'),
    };
    let (name, port) = host.split_at(end.unwrap_or(host.len()));
    let port_fits = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let name_fits = match name {
        [] => false,
        [b'[', address @ .., b']'] => {
            let fits = |&b: &u8| b.is_ascii_hexdigit() || b == b':' || b == b'.';
            !address.is_empty() && address.iter().all(fits)
        }
        // A name or an IPv4 address: unreserved characters, sub-delimiters, percent-encoded bytes.
        name => {
            let fits = |b: &u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(b);
            let is_code =
                |after: &[u8]| after.iter().take(2).filter(|b| b.is_ascii_hexdigit()).count() == 2;
            name.iter().all(fits) && name.split(|&b| b == b'%').skip(1).all(is_code)
        }
    };
    port_fits && name_fits
}

/// 1 to 19 digits, nothing else: no sign, no list, and always less than 2^64.
fn content_length(value: &[u8]) -> Result<u64, Refusal> {
    let odd = bad("The Content-Length is malformed.");
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return Err(odd);
    }
    str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()).ok_or(odd)
}

/// A character of a method or a field name (RFC 9110, section 5.6.2).
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for yes in [
            "a",
            "a.example:80",
            "a:",
            "127.0.0.1:65535",
            "xn--bcher-kva.example",
            "a_b~c!",
            "b%C3%BCcher",
            "[::1]",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(is_host(yes.as_bytes()), "{yes}");
        }
        for no in [
            "", ":80", "a b", "a/b", "u@a", "a:x", "a:123456", "a:80:80", "a%", "a%4", "a%4g",
            "a%g4", "[]", "[]:80", "[g::1]", "[::1", "[::1]80", "[::1]:x", "::1",
        ] {
            assert!(!is_host(no.as_bytes()), "{no}");
        }
    }

    /// Who speaks something else may never send the end of a head.
    #[test]
    fn what_begins_no_request_is_refused_before_its_end() {
        for start in [
            "\x16\x03\x01",
            "GET /\x7f",
            "GET / HTTP/1.1\r\nHost: a\0",
            "GET / HTTP/1.1\n",
            "GET / HTTP/1.1\rH",
            "GET / HTTP/1.1\r\n H",
        ] {
            let refused = head(start.as_bytes(), &mut Scan::default());
            assert_eq!(refused.map(drop).map_err(|it| it.status), Err(400), "{start:?}");
        }
    }

    #[test]
    fn a_target_in_absolute_form_says_which_host_and_nothing_else() {
        let text = "GET http://a.example/x HTTP/1.1\r\nHost: b\r\nX-Y: z\r\n\r\n";
        let head = head(text.as_bytes(), &mut Scan::default());
        let Ok(Some(head)) = head else { panic!("it is a whole head") };
        let fields = [("Host", "a.example"), ("X-Y", "z")];
        assert_eq!(head.headers, fields.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(head.target, "/x");
    }
}
