//! One request on a connection of its own, and what is to be thought of its answer.

use crate::server::exchange;
use roxmltree::{Document, Node};
use serde_json::Value;
use std::io::ErrorKind;

/// An answer, its body without chunks.
pub struct Answer {
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

    pub fn json(&self) -> Value {
        crate::redis::json(&self.body)
    }
}

/// How a request ended.
pub enum Outcome {
    /// 2xx, or 303 after a form.
    Done(Answer),
    /// 404, 409 or 412: somebody else was first, and nothing was done.
    TooLate(Answer),
    /// 503 with Retry-After, or the connection ended: done or not.
    Perhaps,
    /// Nobody listened: not done.
    NotSent,
    /// What no client should ever see.
    Wrong(String),
}

impl Outcome {
    /// The answer, if there is one that says "done".
    pub fn done(self) -> Option<Answer> {
        match self {
            Outcome::Done(answer) => Some(answer),
            _ => None,
        }
    }
}

/// Where to, and who asks: header lines that end in CRLF.
#[derive(Clone)]
pub struct Line {
    pub address: String,
    pub headers: String,
}

impl Line {
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Outcome {
        let headers = format!("{}{headers}", self.headers);
        let answer = match exchange(&self.address, method, path, &headers, body) {
            Ok(answer) => answer,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Outcome::NotSent,
            Err(_) => return Outcome::Perhaps,
        };
        let Some((head, body)) = answer.split_once("\r\n\r\n") else { return Outcome::Perhaps };
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut answer = Answer { head: head.to_owned(), body: body.to_owned() };
        if answer.header("Transfer-Encoding") == Some("chunked") {
            // Without its last chunk it was cut off.
            let Some(whole) = dechunk(body.as_bytes()) else { return Outcome::Perhaps };
            answer.body = whole;
        }
        let retry = answer.header("Retry-After").is_some();
        match status {
            200..=299 | 303 => Outcome::Done(answer),
            404 | 409 | 412 => Outcome::TooLate(answer),
            503 if retry => Outcome::Perhaps,
            _ => Outcome::Wrong(format!("{method} {path}: {}\n{}", answer.head, answer.body)),
        }
    }
}

fn dechunk(mut rest: &[u8]) -> Option<String> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        if size == 0 {
            return String::from_utf8(whole).ok();
        }
        whole.extend(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 4 + size..)?;
    }
}

/// What a multistatus says of one card.
pub struct Said {
    pub href: String,
    /// False: it is gone.
    pub there: bool,
    pub etag: String,
    pub card: Option<String>,
}

/// A multistatus: the cards, the token, and whether there is more to ask for.
pub struct Multi {
    pub said: Vec<Said>,
    pub token: Option<String>,
    pub more: bool,
}

pub fn multi(body: &str, book: &str) -> Result<Multi, String> {
    let document = Document::parse(body).map_err(|error| format!("{error}: {body}"))?;
    let text = |node: Node, name: &str| {
        let found = node.descendants().find(|it| it.tag_name().name() == name)?;
        Some(found.descendants().filter_map(|it| it.text().filter(|_| it.is_text())).collect())
    };
    let mut multi = Multi { said: Vec::new(), token: None, more: false };
    for node in document.root_element().children().filter(Node::is_element) {
        if node.tag_name().name() == "sync-token" {
            multi.token = node.text().map(str::to_owned);
            continue;
        }
        let href: String = text(node, "href").ok_or("a response without href")?;
        let status = node.children().find(|it| it.tag_name().name() == "status");
        let status = status.and_then(|it| it.text()).unwrap_or("HTTP/1.1 200 OK");
        let there = match status.split(' ').nth(1) {
            Some("200") => true,
            Some("404") => false,
            Some("507") if href == book => {
                multi.more = true;
                continue;
            }
            _ => return Err(format!("{href}: {status}")),
        };
        if href != book {
            let (etag, card) =
                (text(node, "getetag").unwrap_or_default(), text(node, "address-data"));
            multi.said.push(Said { href, there, etag, card });
        }
    }
    Ok(multi)
}
