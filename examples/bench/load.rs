//! The load: `wrk` with one thread, and the requests that it sends.

use crate::folder;
use crate::process::{self, Process};
use crate::stores::{Caller, PASSWORD, Stores};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// How long a round takes, in seconds: 4, or `SECONDS`.
pub fn seconds() -> u32 {
    std::env::var("SECONDS").map_or(4, |seconds| seconds.parse().unwrap())
}

/// What came of a round.
#[derive(Clone, Copy, Default)]
pub struct Measured {
    /// Requests a second.
    pub rate: f64,
    /// Milliseconds.
    pub p50: f64,
    pub p99: f64,
    pub errors: f64,
    /// Resident memory of the server when the load has ended, in MiB.
    pub memory: f64,
    /// Microseconds of processor time for one request: server, Postgres, Redis.
    pub cpu: [f64; 3],
    /// How often a processor went from one thread to another, for one request: of server, Postgres, Redis.
    pub switches: [f64; 3],
}

impl Measured {
    pub const FIELDS: usize = 11;

    pub fn numbers(&self) -> [f64; Measured::FIELDS] {
        let ([a, b, c], [d, e, f]) = (self.cpu, self.switches);
        [self.rate, self.p50, self.p99, self.errors, self.memory, a, b, c, d, e, f]
    }

    pub fn from_numbers(numbers: [f64; Measured::FIELDS]) -> Measured {
        let [rate, p50, p99, errors, memory, a, b, c, d, e, f] = numbers;
        Measured { rate, p50, p99, errors, memory, cpu: [a, b, c], switches: [d, e, f] }
    }
}

/// The median of each number.
pub fn median(rounds: Vec<Measured>) -> Measured {
    let all: Vec<_> = rounds.iter().map(Measured::numbers).collect();
    Measured::from_numbers(std::array::from_fn(|index| {
        let mut values: Vec<f64> = all.iter().map(|round| round[index]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }))
}

/// What a piece of work cost server, Postgres and Redis.
pub struct Cost<'a> {
    server: Option<&'a Process>,
    stores: &'a Stores,
    /// Processor time in hundredths of a second, changes of context.
    before: [[u64; 3]; 2],
}

impl Cost<'_> {
    pub fn start<'a>(server: Option<&'a Process>, stores: &'a Stores) -> Cost<'a> {
        let mut cost = Cost { server, stores, before: [[0; 3]; 2] };
        cost.before = cost.now();
        cost
    }

    fn now(&self) -> [[u64; 3]; 2] {
        let ([pg, redis], server) = (self.stores.of_both(process::ticks), self.server);
        let ticks = [server.map_or(0, Process::ticks), pg, redis];
        let [pg, redis] = self.stores.of_both(process::switches);
        [ticks, [server.map_or(0, Process::switches), pg, redis]]
    }

    /// For one of so many requests: microseconds, changes of context.
    pub fn of_each(&self, requests: f64) -> ([f64; 3], [f64; 3]) {
        let (now, units) = (self.now(), [10_000.0, 1.0]);
        let of = |kind: usize, i: usize| {
            let spent = now[kind][i].saturating_sub(self.before[kind][i]) as f64;
            spent * units[kind] / requests.max(1.0)
        };
        (std::array::from_fn(|i| of(0, i)), std::array::from_fn(|i| of(1, i)))
    }
}

/// The requests of a scenario, one for each caller: a file with the length of each and itself.
pub fn write_requests(name: &str, server: &str, to: SocketAddr, stores: &Stores) -> PathBuf {
    let path = folder().join(format!("{name}-{server}.requests"));
    let mut file = std::fs::File::create(&path).unwrap();
    for caller in &stores.callers {
        let request = request(name, server == "reference" || server == "fastapi", to, caller);
        write!(file, "{}\n{request}", request.len()).unwrap();
    }
    path
}

fn request(name: &str, peer: bool, to: SocketAddr, caller: &Caller) -> String {
    let id = if peer { caller.peer_contact } else { caller.contact };
    let (line, body) = match name {
        "me" => ("GET /api/users/me".to_owned(), String::new()),
        "page" => ("GET /api/contacts".to_owned(), String::new()),
        "by-id" => (format!("GET /api/contacts/{id}"), String::new()),
        "search" => ("GET /api/contacts?search=shev".to_owned(), String::new()),
        "create" => {
            let body = r#"{"first_name":"Ann","last_name":"Smith","email":"ann@example.com","phone":"+380441234567","birthday":"1990-05-17"}"#;
            ("POST /api/contacts".to_owned(), body.to_owned())
        }
        "login" => {
            let body = format!(r#"{{"username":"{}","password":"{PASSWORD}"}}"#, caller.name);
            ("POST /api/auth/login".to_owned(), body)
        }
        other => panic!("{other}"),
    };
    let mut head = format!("{line} HTTP/1.1\r\nHost: {to}\r\n");
    if name != "login" {
        head += &format!("Authorization: Bearer {}\r\n", caller.token);
    }
    if !body.is_empty() {
        head += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    format!("{head}\r\n{body}")
}

/// Reads the requests of the file and sends them in turn.
const SCRIPT: &str = r#"
local requests, next = {}, 0
function init(args)
  local file = io.open(args[1], "rb")
  while true do
    local length = file:read("*l")
    if not length then break end
    requests[#requests + 1] = file:read(tonumber(length))
  end
end
function request()
  next = next % #requests + 1
  return requests[next]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("\nRESULT %d %d %f %f %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
"#;

pub fn wrk(requests: &PathBuf, server: &Process, connections: u32, stores: &Stores) -> Measured {
    let script = folder().join("requests.lua");
    std::fs::write(&script, SCRIPT).unwrap();
    let cost = Cost::start(Some(server), stores);
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{connections}"), &format!("-d{}s", seconds()), "-s"])
        .arg(&script)
        .arg(format!("http://{}/", server.address))
        .arg("--")
        .arg(requests)
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let line = output.lines().find_map(|line| line.strip_prefix("RESULT ")).expect(&output);
    let numbers: Vec<f64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
    let (cpu, switches) = cost.of_each(numbers[0]);
    Measured {
        rate: numbers[0] / (numbers[1] / 1e6),
        p50: numbers[2] / 1e3,
        p99: numbers[3] / 1e3,
        errors: numbers[4],
        memory: server.memory(),
        cpu,
        switches,
    }
}

/// Sends the first request of a file, which has to succeed.
pub fn send_one(requests: &PathBuf, to: SocketAddr) {
    let bytes = std::fs::read(requests).unwrap();
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap();
    let length: usize = str::from_utf8(&bytes[..end]).unwrap().parse().unwrap();
    let mut socket = TcpStream::connect(to).unwrap();
    socket.write_all(&bytes[end + 1..end + 1 + length]).unwrap();
    let mut answer = [0; 16];
    socket.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&answer));
}

/// One `/healthz` on a new connection.
pub fn is_healthy(address: SocketAddr) -> bool {
    let Ok(mut socket) = TcpStream::connect(address) else { return false };
    let mut answer = [0; 12];
    socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").is_ok()
        && socket.read_exact(&mut answer).is_ok()
        && answer == *b"HTTP/1.1 200"
}

/// Runs `work` again and again in so many threads, for the length of a round.
pub fn repeat(threads: usize, work: impl Fn() + Sync) -> f64 {
    let began = Instant::now();
    let count = || {
        let mut times = 0;
        while began.elapsed().as_secs() < u64::from(seconds()) {
            work();
            times += 1;
        }
        times
    };
    let times: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(count)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    f64::from(times) / began.elapsed().as_secs_f64()
}
