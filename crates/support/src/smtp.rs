//! A tiny SMTP server on loopback, for tests: it keeps what it gets and misbehaves on demand.
//!
//! ```ignore
//! let sink = Sink::start();                      // SMTP_URL = sink.url()
//! sink.behave(Behaviour::RefuseRecipient(451));  // from the next command on
//! let mails = sink.wait_for(1);                  // up to ten seconds
//! assert_eq!(mails[0].to, ["ann@example.com"]);
//! let link = mails[0].link().unwrap();
//! ```
pub use crate::mail::Mail;
use base64::Engine;
use rcgen::{CertifiedKey, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The server's certificate, made for this run, and its own authority.
static CERTIFICATE: LazyLock<CertifiedKey<KeyPair>> = LazyLock::new(|| {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    rcgen::generate_simple_self_signed(names).unwrap()
});

/// What a client has to trust.
pub fn ca_pem() -> String {
    CERTIFICATE.cert.pem()
}

/// What the server does, beginning with the next command of each connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// Takes every mail.
    Accept,
    /// Answers RCPT with this code (451: try again, 550: never).
    RefuseRecipient(u16),
    /// Takes the whole mail, then answers with this code.
    RefuseMail(u16),
    /// Takes the whole mail and keeps it, then hangs up without an answer.
    DropAfterData,
    /// Hangs up when it reads DATA.
    DropAtData,
    /// Hangs up as soon as a client connects.
    HangUp,
    /// Waits so long before each answer, the greeting included.
    Slow(Duration),
    /// Waits so long before the greeting only.
    SlowGreeting(Duration),
    /// Never answers.
    Silent,
    /// Answers AUTH with this code (535: never, 454: try again) and repeats the line that it got,
    /// as some servers do.
    RefuseAuthEchoing(u16),
    /// Refuses the mail and quotes what is in it, as some spam filters do.
    RefuseMailQuoting,
}

/// How the server is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Offer {
    /// No encryption.
    Plain,
    /// STARTTLS, and nothing but STARTTLS before it.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

struct Shared {
    offer: Offer,
    tls: Arc<ServerConfig>,
    behaviour: Mutex<Behaviour>,
    mails: Mutex<Vec<Mail>>,
    came: Condvar,
    connections: AtomicUsize,
    farewells: AtomicUsize,
    stop: AtomicBool,
}

/// The server. It stops when this value goes.
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl Sink {
    /// A well-behaved server without TLS.
    pub fn start() -> Sink {
        Sink::offering(Offer::Plain)
    }

    /// A well-behaved server, reached like this.
    pub fn offering(offer: Offer) -> Sink {
        Sink::at("127.0.0.1:0".parse().unwrap(), offer)
    }

    /// A server at a fixed address, for coming back where an earlier one was.
    pub fn at(address: SocketAddr, offer: Offer) -> Sink {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = CERTIFICATE.signing_key.serialize_der().try_into().unwrap();
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![CERTIFICATE.cert.der().clone()], key)
            .unwrap();
        let shared = Arc::new(Shared {
            offer,
            tls: Arc::new(tls),
            behaviour: Mutex::new(Behaviour::Accept),
            mails: Mutex::default(),
            came: Condvar::new(),
            connections: AtomicUsize::new(0),
            farewells: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let theirs = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if theirs.stop.load(SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                theirs.connections.fetch_add(1, SeqCst);
                let shared = Arc::clone(&theirs);
                // An error here is a client that went away.
                thread::spawn(move || drop(Session::run(&shared, stream)));
            }
        });
        Sink { address, shared, listener: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An `SMTP_URL` for it, without user and password.
    pub fn url(&self) -> String {
        match self.shared.offer {
            Offer::Plain => format!("smtp://{}?tls=off", self.address),
            Offer::StartTls => format!("smtp://{}", self.address),
            Offer::Tls => format!("smtps://{}", self.address),
        }
    }

    /// Behaves like this from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    /// What came in so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().unwrap().clone()
    }

    /// What came in, once that is at least `count` mails. Panics after ten seconds.
    pub fn wait_for(&self, count: usize) -> Vec<Mail> {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut mails = self.shared.mails.lock().unwrap();
        while mails.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{count} mails awaited, {} came", mails.len());
            mails = self.shared.came.wait_timeout(mails, left).unwrap().0;
        }
        mails.clone()
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(SeqCst)
    }

    /// How many clients took leave (QUIT) so far.
    pub fn farewells(&self) -> usize {
        self.shared.farewells.load(SeqCst)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.listener.take() {
            let _ = thread.join();
        }
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Stream::Plain(stream) => stream.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}

struct Session<'a> {
    shared: &'a Shared,
    reader: BufReader<Stream>,
    tls: bool,
    auth: Option<(String, String)>,
    hello: String,
}

impl Session<'_> {
    fn run(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let implicit = shared.offer == Offer::Tls;
        let stream = match implicit {
            true => encrypt(shared, stream),
            false => Stream::Plain(stream),
        };
        let reader = BufReader::new(stream);
        Session { shared, reader, tls: implicit, auth: None, hello: String::new() }.serve()
    }

    fn behaviour(&self) -> Behaviour {
        self.shared.behaviour.lock().unwrap().clone()
    }

    fn say(&mut self, line: &str) -> std::io::Result<()> {
        match self.behaviour() {
            Behaviour::Slow(wait) => self.nap(wait),
            Behaviour::Silent => return Ok(()),
            _ => {}
        }
        self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        self.reader.get_mut().flush()
    }

    fn nap(&self, wait: Duration) {
        let end = Instant::now() + wait;
        while Instant::now() < end && !self.shared.stop.load(SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = Vec::new();
        let length = self.reader.read_until(b'\n', &mut line)?;
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
        Ok((length > 0).then_some(text))
    }

    fn serve(mut self) -> std::io::Result<()> {
        match self.behaviour() {
            Behaviour::HangUp => return Ok(()),
            Behaviour::SlowGreeting(wait) => self.nap(wait),
            _ => {}
        }
        self.say("220 sink.test ESMTP")?;
        let (mut from, mut to) = (String::new(), Vec::new());
        while let Some(line) = self.line()? {
            let verb = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            let naked = self.shared.offer == Offer::StartTls && !self.tls;
            match verb.as_str() {
                "EHLO" | "HELO" => {
                    self.hello = line.get(5..).unwrap_or_default().to_owned();
                    self.say("250-sink.test")?;
                    self.say("250-8BITMIME")?;
                    if naked {
                        self.say("250 STARTTLS")?;
                    } else {
                        self.say("250 AUTH PLAIN LOGIN")?;
                    }
                }
                "STARTTLS" if naked => {
                    self.say("220 go ahead")?;
                    let Stream::Plain(stream) = self.reader.into_inner() else { unreachable!() };
                    self.reader = BufReader::new(encrypt(self.shared, stream));
                    self.tls = true;
                }
                "QUIT" => {
                    self.shared.farewells.fetch_add(1, SeqCst);
                    return self.say("221 bye");
                }
                "NOOP" => self.say("250 ok")?,
                _ if naked => self.say("530 5.7.0 Must issue a STARTTLS command first")?,
                "AUTH" => match self.behaviour() {
                    Behaviour::RefuseAuthEchoing(code) => {
                        self.say(&format!("{code} do not understand: {line}"))?;
                    }
                    _ => {
                        self.auth = plain_credentials(&line);
                        self.say("235 welcome")?;
                    }
                },
                "MAIL" => {
                    (from, to) = (path(&line), Vec::new());
                    self.say("250 ok")?;
                }
                "RCPT" => match self.behaviour() {
                    Behaviour::RefuseRecipient(code) => self.say(&format!("{code} no such box"))?,
                    _ => {
                        to.push(path(&line));
                        self.say("250 ok")?;
                    }
                },
                "DATA" => {
                    if self.behaviour() == Behaviour::DropAtData {
                        return Ok(());
                    }
                    self.say("354 go ahead")?;
                    let Some(data) = self.data()? else { return Ok(()) };
                    let (from, to) = (std::mem::take(&mut from), std::mem::take(&mut to));
                    let (tls, auth, hello) = (self.tls, self.auth.clone(), self.hello.clone());
                    let mail = Mail { from, to, data, tls, auth, hello };
                    match self.behaviour() {
                        Behaviour::RefuseMail(code) => self.say(&format!("{code} not today"))?,
                        Behaviour::RefuseMailQuoting => {
                            let link = mail.link().unwrap();
                            let path = link.split_once("//").unwrap().1;
                            self.say(&format!("554 5.7.1 bad link {link} or {path} in it"))?;
                        }
                        behaviour => {
                            self.shared.mails.lock().unwrap().push(mail);
                            self.shared.came.notify_all();
                            if behaviour == Behaviour::DropAfterData {
                                return Ok(());
                            }
                            self.say("250 kept")?;
                        }
                    }
                }
                _ => self.say("500 what?")?,
            }
        }
        Ok(())
    }

    fn data(&mut self) -> std::io::Result<Option<String>> {
        let mut data = String::new();
        while let Some(line) = self.line()? {
            if line == "." {
                return Ok(Some(data));
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push_str("\r\n");
        }
        Ok(None)
    }
}

fn encrypt(shared: &Shared, stream: TcpStream) -> Stream {
    let connection = ServerConnection::new(Arc::clone(&shared.tls)).unwrap();
    Stream::Tls(Box::new(StreamOwned::new(connection, stream)))
}

/// What is between the angle brackets.
fn path(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>'));
    inner.map_or_else(String::new, |(path, _)| path.to_owned())
}

/// Reads `AUTH PLAIN <base64 of NUL user NUL password>`.
fn plain_credentials(line: &str) -> Option<(String, String)> {
    let packed = line.strip_prefix("AUTH PLAIN ")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let mut fields = text.split('\0').skip(1).map(str::to_owned);
    Some((fields.next()?, fields.next()?))
}
