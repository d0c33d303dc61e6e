//! A server with a small program behind it, running.

pub use crate::client::{Answer, Client, statuses};
pub use crate::programs::{Behind, Program, Recorder};
use http1::{Limits, LineLimits, Server, Service, Stopper};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the server logs.
pub struct Logged;

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Logged {
    fn install() {
        // Of all tests in this process the first one does it.
        let _ = log::set_logger(&Logged);
        log::set_max_level(log::LevelFilter::Info);
    }

    pub fn matching(part: &str) -> Vec<String> {
        LOGGED.lock().unwrap().iter().filter(|line| line.contains(part)).cloned().collect()
    }
}

impl log::Log for Logged {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("http1")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            LOGGED.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// A server on a port of its own, stopped when dropped.
pub struct Running {
    pub address: SocketAddr,
    pub stopper: Stopper,
    pub program: Arc<Program>,
    thread: Option<JoinHandle<bool>>,
}

impl Running {
    pub fn start(limits: Limits) -> Running {
        Running::behind(limits, Behind::new(false))
    }

    /// The same with this program.
    pub fn behind(limits: Limits, behind: Arc<Behind>) -> Running {
        let program = behind.program.clone();
        let mut running = Running::start_with(limits, behind);
        running.program = program;
        running
    }

    /// The same with any program.
    pub fn start_with(limits: Limits, service: Arc<impl Service>) -> Running {
        Logged::install();
        let server = Server::bind("127.0.0.1:0", limits, service).unwrap();
        let (address, stopper) = (server.local_addr(), server.stopper());
        let thread = Some(std::thread::spawn(move || server.run()));
        Running { address, stopper, program: Arc::default(), thread }
    }

    /// What `run` returned.
    pub fn stopped(&mut self) -> bool {
        self.thread.take().unwrap().join().unwrap()
    }

    pub fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).unwrap())
    }

    /// A client with another address of the loopback net, 127.0.0.`last`.
    pub fn connect_from(&self, last: u8) -> Client {
        self.connect_as(last, false)
    }

    /// A client whose kernel takes little that the client does not read.
    pub fn connect_slow(&self) -> Client {
        self.connect_as(2, true)
    }

    fn connect_as(&self, last: u8, slow: bool) -> Client {
        connect_to(self.address, last, slow)
    }

    /// Sends bytes and the end, and reads all that comes.
    pub fn exchange(&self, bytes: &[u8]) -> Vec<Answer> {
        let mut client = self.connect();
        client.send(bytes);
        client.socket.shutdown(Shutdown::Write).unwrap();
        client.answers(&[])
    }
}

/// A client of this server with the address 127.0.0.`last`.
pub fn connect_to(server: SocketAddr, last: u8, slow: bool) -> Client {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    let own = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0);
    bind(&socket, &own).unwrap();
    if slow {
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 4096).unwrap();
    }
    connect(&socket, &server).unwrap();
    Client::new(TcpStream::from(socket))
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A line that lets two run at once.
pub fn small() -> Limits {
    Limits { lines: vec![line(2, 1024)], ..Limits::default() }
}

/// A line in which nothing waits too long: tests say how things go on, not the clock.
pub fn line(at_once: usize, places: usize) -> LineLimits {
    LineLimits { at_once, places, wait: Duration::from_secs(60) }
}

/// The threads of a server's waiting room.
pub fn waiting_threads() -> usize {
    std::thread::available_parallelism().unwrap().get().max(2)
}

pub const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// Waits for something to become true.
pub fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let start = Instant::now();
    while !test() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
