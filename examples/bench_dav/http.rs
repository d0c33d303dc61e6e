//! A small HTTP/1.1 client: one connection that is kept where the server keeps it, Basic
//! authentication, answers by length, in chunks or to the end.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Where an address book is, and who asks.
#[derive(Clone)]
pub struct Book {
    /// `127.0.0.1:8000`
    host: String,
    /// With a slash at the end.
    pub path: String,
    authorization: String,
}

impl Book {
    /// From `http://HOST:PORT/PATH/`.
    pub fn new(url: &str, user: &str, password: &str) -> Book {
        let rest = url.strip_prefix("http://").expect("an http:// URL");
        let (host, path) = rest.split_once('/').expect("a path");
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        Book {
            host: host.to_owned(),
            path: format!("/{}/", path.trim_end_matches('/')),
            authorization: format!("Basic {credentials}"),
        }
    }
}

/// One client of the book.
pub struct Client {
    book: Book,
    socket: Option<BufReader<TcpStream>>,
}

/// An answer that has come whole.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body of an answer that must have this status.
    pub fn expect(self, statuses: &[u16]) -> String {
        let text = String::from_utf8(self.body).unwrap();
        assert!(statuses.contains(&self.status), "{} {text:.500}", self.status);
        text
    }
}

impl Client {
    pub fn new(book: &Book) -> Client {
        Client { book: book.clone(), socket: None }
    }

    pub fn propfind(&mut self, body: &str) -> Answer {
        self.send("PROPFIND", "", "Depth: 0\r\nContent-Type: application/xml\r\n", body.as_bytes())
    }

    pub fn report(&mut self, body: &str) -> Answer {
        self.send("REPORT", "", "Depth: 1\r\nContent-Type: application/xml\r\n", body.as_bytes())
    }

    pub fn put(&mut self, name: &str, card: &str) -> Answer {
        let headers = "If-None-Match: *\r\nContent-Type: text/vcard; charset=utf-8\r\n";
        self.send("PUT", name, headers, card.as_bytes())
    }

    /// Once more on a new connection when the kept one turns out to be closed, and a few times more where
    /// a server under load resets connections.
    fn send(&mut self, verb: &str, name: &str, headers: &str, body: &[u8]) -> Answer {
        let Book { host, path, authorization } = &self.book.clone();
        let mut request = format!(
            "{verb} {path}{name} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n\
             User-Agent: bench\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        if let Some(socket) = self.socket.take()
            && let Ok(answer) = self.exchange(socket, &request)
        {
            return answer;
        }
        let mut tries = (0..10).map(|_| {
            let socket = TcpStream::connect(host)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(Duration::from_secs(120)))?;
            self.exchange(BufReader::new(socket), &request)
        });
        tries.find_map(Result::ok).expect("an answer to one of ten tries")
    }

    fn exchange(
        &mut self,
        mut socket: BufReader<TcpStream>,
        request: &[u8],
    ) -> std::io::Result<Answer> {
        socket.get_mut().write_all(request)?;
        let mut line = String::new();
        if socket.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap();
        let (mut length, mut chunked, mut keep) = (None, false, line.starts_with("HTTP/1.1"));
        loop {
            line.clear();
            socket.read_line(&mut line)?;
            let lower = line.trim_end().to_ascii_lowercase();
            match lower.split_once(':').map(|(name, value)| (name, value.trim())) {
                Some(("content-length", value)) => length = value.parse().ok(),
                Some(("transfer-encoding", "chunked")) => chunked = true,
                Some(("connection", value)) => keep = value.contains("keep-alive"),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = Vec::new();
        match length {
            _ if chunked => read_chunks(&mut socket, &mut body)?,
            Some(length) => {
                body.resize(length, 0);
                socket.read_exact(&mut body)?;
            }
            None if status == 204 || status == 304 => {}
            None => {
                keep = false;
                socket.read_to_end(&mut body)?;
            }
        }
        self.socket = keep.then_some(socket);
        Ok(Answer { status, body })
    }
}

fn read_chunks(socket: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        socket.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let start = body.len();
        body.resize(start + size, 0);
        socket.read_exact(&mut body[start..])?;
        socket.read_line(&mut line)?; // the empty line after a chunk, or the end of the trailers
        if size == 0 {
            return Ok(());
        }
    }
}
