//! A client that speaks bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

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
    pub fn new(socket: TcpStream) -> Client {
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
