//! A mail that came into the test server, and what is in it.

use base64::Engine;

/// A mail that came in.
#[derive(Debug, Clone)]
pub struct Mail {
    /// MAIL FROM.
    pub from: String,
    /// Each RCPT TO.
    pub to: Vec<String>,
    /// What came after DATA, dots unstuffed, CRLF kept.
    pub data: String,
    /// It came over TLS.
    pub tls: bool,
    /// User and password of AUTH.
    pub auth: Option<(String, String)>,
    /// The name in EHLO.
    pub hello: String,
}

impl Mail {
    /// A header's value, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        header(head_and_body(&self.data).0, name)
    }

    /// The subject, decoded (RFC 2047, in UTF-8 and base64).
    pub fn subject(&self) -> String {
        let raw = self.header("Subject").unwrap();
        let word =
            |word: &str| match word.strip_prefix("=?utf-8?b?").and_then(|it| it.strip_suffix("?="))
            {
                Some(packed) => base64::engine::general_purpose::STANDARD.decode(packed).unwrap(),
                None => word.as_bytes().to_vec(),
            };
        // Between two encoded words a space means nothing.
        let raw = raw.replace("?= =?", "?=\u{0}=?");
        let words = raw.split_inclusive(['\u{0}', ' ']);
        let bytes = words.flat_map(|it| match it.strip_suffix('\u{0}') {
            Some(encoded) => word(encoded),
            None if it.ends_with(' ') => [word(it.trim_end()), vec![b' ']].concat(),
            None => word(it),
        });
        String::from_utf8(bytes.collect()).unwrap()
    }

    /// The decoded plain text.
    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    /// The decoded HTML.
    pub fn html(&self) -> String {
        self.part("text/html")
    }

    /// The link with a token: a line of its own in the plain text.
    pub fn link(&self) -> Option<String> {
        let text = self.text();
        let line = text.lines().find(|line| line.starts_with("http") && line.contains("/api/"));
        line.map(str::to_owned)
    }

    /// The last segment of the link.
    pub fn token(&self) -> Option<String> {
        self.link()?.rsplit('/').next().map(str::to_owned)
    }

    fn part(&self, kind: &str) -> String {
        let content_type = self.header("Content-Type").unwrap();
        let boundary = content_type.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
        let boundary = format!("--{boundary}");
        let parts = self.data.split(&boundary).skip(1);
        let part = parts.map(str::trim_start).find(|part| {
            header(head_and_body(part).0, "Content-Type").is_some_and(|t| t.starts_with(kind))
        });
        let (head, body) = head_and_body(part.unwrap());
        match header(head, "Content-Transfer-Encoding").as_deref() {
            Some("quoted-printable") => unquote(body),
            Some("base64") => {
                let packed: String = body.split_whitespace().collect();
                let bytes = base64::engine::general_purpose::STANDARD.decode(packed).unwrap();
                String::from_utf8(bytes).unwrap()
            }
            _ => body.to_owned(),
        }
    }
}

fn head_and_body(text: &str) -> (&str, &str) {
    text.split_once("\r\n\r\n").unwrap_or((text, ""))
}

fn header(head: &str, name: &str) -> Option<String> {
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    unfolded.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

fn unquote(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let bytes = joined.as_bytes();
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] == b'=' {
            decoded.push(u8::from_str_radix(&joined[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(decoded).unwrap()
}
