//! contactd beside a reference server (`PEER`), beside a FastAPI application (`FASTAPI`, its
//! Python) and beside what the stores alone can do, over the same data: `tools/bench` builds and runs this.
//! Results are kept in `target/bench`, a file for each part, so that parts can be measured one by one;
//! `bench report` puts them together, beside the goals of `goals.rs`.
//!
//! `bench [me|page|by-id|search|create|login|start]… [report]`; all of them without a word. `bench profile
//! [PART]…`: where the time goes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement may die of what surprises it"
)]

mod goals;
mod limits;
mod load;
#[allow(dead_code, reason = "shared with bench_front, which asks for more")]
mod process;
mod profile;
mod report;
mod stores;

use load::{Measured, median};
use process::Process;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use stores::{SECRET, Stores};

/// Rounds of each measurement, taken in turn by all servers: 3, or `ROUNDS` for a first look.
fn turns() -> usize {
    std::env::var("ROUNDS").map_or(3, |turns| turns.parse().unwrap())
}

/// Numbers of connections: `C`, separated by commas, or those of the goals. A scenario with one number of
/// its own has that.
fn connections(scenario: &Scenario) -> Vec<u32> {
    let wanted = std::env::var("C").unwrap_or_else(|_| "64,256".to_owned());
    match scenario.connections {
        Some(own) => vec![own],
        None => wanted.split(',').map(|number| number.parse().unwrap()).collect(),
    }
}

/// What is measured.
struct Scenario {
    name: &'static str,
    /// The reference server has it too.
    peer: bool,
    /// None: those of [`connections`].
    connections: Option<u32>,
    /// What the limit is called.
    limit: &'static str,
}

const ALL: Option<u32> = None;
const PGBENCH: &str = "pgbench -M prepared";
const SCENARIOS: &[Scenario] = &[
    Scenario { name: "me", peer: true, connections: ALL, limit: "redis-benchmark GET -c 64" },
    Scenario { name: "page", peer: true, connections: ALL, limit: PGBENCH },
    Scenario { name: "by-id", peer: true, connections: ALL, limit: PGBENCH },
    Scenario { name: "search", peer: false, connections: ALL, limit: PGBENCH },
    Scenario { name: "create", peer: true, connections: ALL, limit: PGBENCH },
    Scenario { name: "login", peer: true, connections: Some(4), limit: "argon2 alone" },
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    let mut stores = Stores::seed();
    if words.first().is_some_and(|word| word == "profile") {
        return SCENARIOS
            .iter()
            .filter(|it| words.len() == 1 || wanted(it.name))
            .for_each(|it| profile::print(it.name, &stores));
    }
    for scenario in SCENARIOS.iter().filter(|scenario| wanted(scenario.name)) {
        report::save(scenario.name, &measure(scenario, &mut stores));
    }
    if wanted("start") {
        report::save("start", &[start(&stores)]);
    }
    report::write();
}

/// `target/bench`: what is built, measured and written.
fn folder() -> PathBuf {
    let folder = PathBuf::from("target/bench");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn contactd(database: &str, redis: &str) -> Process {
    run_contactd(&[&std::env::var("CONTACTD").unwrap()], database, redis)
}

/// `program`: its path, perhaps after another program that runs it.
fn run_contactd(program: &[&str], database: &str, redis: &str) -> Process {
    let address = process::free_address();
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg("serve").env_clear().current_dir(folder());
    // High limits, not none: each request is counted in Redis as in production.
    for limit in ["ME", "DEFAULT", "LOGIN"] {
        command.env(format!("RATE_LIMIT_{limit}"), "1000000000/60");
    }
    command
        .env("LISTEN_ADDR", address.to_string())
        .env("DATABASE_URL", database)
        .env("REDIS_URL", redis)
        .env("SECRET_KEY", SECRET);
    // To a file, as a service manager does.
    command.stderr(File::create(folder().join("contactd.log")).unwrap());
    Process::spawn(&mut command, address)
}

fn peer(stores: &Stores) -> Option<Process> {
    let address = process::free_address();
    let mut command = Command::new(std::env::var("PEER_SERVER").ok()?);
    command
        .env_clear()
        .env("LISTEN", address.to_string())
        .env("DATABASE_URL", &stores.peer_database)
        .env("REDIS_URL", &stores.redis)
        .env("JWT_SECRET", SECRET)
        .stdout(Stdio::null())
        .stderr(File::create(folder().join("peer.log")).unwrap());
    Some(Process::spawn(&mut command, address))
}

/// `tools/fastapi-peer`, with a process for each core; over the reference server's tables.
fn fastapi(stores: &Stores) -> Option<Process> {
    let address = process::free_address();
    let mut command = Command::new(std::env::var("FASTAPI").ok()?);
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    command
        .args(["-m", "uvicorn", "app:app", "--loop", "uvloop", "--http", "httptools"])
        .args(["--no-access-log", "--log-level", "error", "--app-dir", "tools/fastapi-peer"])
        .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
        .args(["--workers", &cores.to_string()])
        .env_clear()
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("DATABASE_URL", &stores.peer_database)
        .env("REDIS_URL", &stores.redis)
        .env("JWT_SECRET", SECRET)
        .stderr(File::create(folder().join("fastapi.log")).unwrap());
    let server = Process::spawn(&mut command, address);
    let began = Instant::now();
    while !load::is_healthy(address) {
        assert!(began.elapsed() < Duration::from_secs(30), "see target/bench/fastapi.log");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(server)
}

/// One line of the table.
struct Line {
    server: String,
    connections: u32,
    measured: Measured,
}

fn measure(scenario: &Scenario, stores: &mut Stores) -> Vec<Line> {
    let mut servers = vec![("contactd", contactd(&stores.database, &stores.redis))];
    let before = std::env::var("BEFORE").ok();
    let before = before.map(|program| run_contactd(&[&program], &stores.database, &stores.redis));
    servers.extend(before.map(|server| ("before", server)));
    if scenario.peer {
        servers.extend(peer(stores).map(|peer| ("reference", peer)));
    }
    servers.extend(fastapi(stores).map(|fastapi| ("fastapi", fastapi)));
    let requests: Vec<_> = servers
        .iter()
        .map(|(name, server)| load::write_requests(scenario.name, name, server.address, stores))
        .collect();
    let mut lines = Vec::new();
    for (turn, connections) in connections(scenario).into_iter().enumerate() {
        let mut rounds = vec![Vec::new(); servers.len()];
        for round in 0..turns() {
            for (index, (name, server)) in servers.iter().enumerate() {
                // One look at what is many times slower will do.
                if *name == "fastapi" && (turn, round) != (0, 0) {
                    continue;
                }
                let measured = load::wrk(&requests[index], server, connections, stores);
                rounds[index].push(measured);
            }
        }
        for ((name, _), rounds) in servers.iter().zip(rounds).filter(|it| !it.1.is_empty()) {
            let server = (*name).to_owned();
            lines.push(Line { server, connections, measured: median(rounds) });
            report::print(scenario.name, lines.last().unwrap());
        }
    }
    // In turn, for the sake of their ratio.
    let mut limits = vec![(scenario.name, scenario.limit)];
    if scenario.name == "create" {
        limits.insert(0, (limits::BARE, limits::BARE));
    }
    let mut rounds = vec![Vec::new(); limits.len()];
    for _ in 0..turns() {
        for ((name, _), rounds) in limits.iter().zip(&mut rounds) {
            rounds.push(limits::measure(name, &servers[0].1, stores));
        }
    }
    for ((_, limit), rounds) in limits.into_iter().zip(rounds) {
        let (connections, server) = (limits::connections(scenario.name), limit.to_owned());
        lines.push(Line { server, connections, measured: median(rounds) });
        report::print(scenario.name, lines.last().unwrap());
    }
    if scenario.name == "create" {
        let [bare, all] = &lines[lines.len() - 2..] else { panic!("two limits") };
        let of = |line: &Line| line.measured.cpu[1];
        println!("create: Postgres takes {:.2} times what a bare table takes", of(all) / of(bare));
    }
    lines
}

/// From the start of the process to its first answer, with the schema in place, in milliseconds.
fn start(stores: &Stores) -> Line {
    let mut times: Vec<f64> = (0..7)
        .map(|_| {
            let began = Instant::now();
            let server = contactd(&stores.database, &stores.redis);
            while !load::is_healthy(server.address) {
                std::thread::sleep(Duration::from_millis(1));
            }
            began.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let measured = Measured { p50: times[3], p99: times[6], ..Measured::default() };
    let line = Line { server: "contactd".to_owned(), connections: 1, measured };
    report::print("start", &line);
    line
}
