//! Plain throughput beside others, and the stop under load; with `wrk`.

use super::Process;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// SIGTERM under 64 connections, twenty times. That no request is lost is a test of the suite
/// (`no_request_that_was_read_is_lost`), which counts them on both sides.
pub fn stop() {
    let (mut clean, mut longest) = (0, Duration::ZERO);
    for _ in 0..20 {
        let mut server = super::start("front", &[]);
        let url = format!("http://{}/healthz", server.address);
        let mut wrk = Command::new("wrk")
            .args(["-t1", "-c64", "-d2s", &url])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(600));
        let start = Instant::now();
        server.signal("-TERM");
        clean += usize::from(server.child.wait().unwrap().code() == Some(0));
        longest = longest.max(start.elapsed());
        let _ = wrk.kill();
        let _ = wrk.wait();
    }
    println!("SIGTERM under wrk -c64: exit 0 in {clean} of 20, at most {} ms", longest.as_millis());
}

/// Alternating rounds, so that what else the machine does falls on all of them.
pub fn run(axum: Option<&str>) {
    let axum = axum.map(|path| {
        let address = super::free_address();
        ("axum", super::spawn(&[path, &address.to_string()], address))
    });
    let servers: Vec<_> =
        [("front", super::start("front", &[])), ("rouille's own", super::start("rouille", &[]))]
            .into_iter()
            .chain(axum)
            .collect();
    let mut rounds = vec![Vec::new(); servers.len()];
    for _ in 0..7 {
        for (index, (_, server)) in servers.iter().enumerate() {
            rounds[index].push(round(server));
        }
    }
    println!(
        "{:<16} {:>10} {:>9} {:>14}   wrk -t1 -c64, median of 7",
        "/healthz", "req/s", "p99 ms", "CPU us/req"
    );
    for ((name, _), mut rounds) in servers.iter().zip(rounds) {
        let mut median = |key: fn(&Round) -> f64| {
            rounds.sort_by(|a, b| key(a).total_cmp(&key(b)));
            key(&rounds[rounds.len() / 2])
        };
        println!(
            "{name:<16} {:>10.0} {:>9.2} {:>14.1}",
            median(|r| r.rate),
            median(|r| r.p99),
            median(|r| r.cpu),
        );
    }
}

#[derive(Clone)]
struct Round {
    rate: f64,
    /// Milliseconds.
    p99: f64,
    /// Microseconds of processor time of the server for one request.
    cpu: f64,
}

fn round(server: &Process) -> Round {
    let before = server.ticks();
    let url = format!("http://{}/healthz", server.address);
    let output = Command::new("wrk").args(["-t1", "-c64", "-d3s", "--latency", &url]).output();
    let output = String::from_utf8(output.unwrap().stdout).unwrap();
    let cpu = (server.ticks() - before) as f64 * 10_000.0;
    let word = |line: &str, n: usize| {
        let line = output.lines().find(|l| l.contains(line)).unwrap();
        line.split_whitespace().nth(n).unwrap().to_owned()
    };
    let p99 = word("99%", 1);
    let unit = if p99.ends_with("us") {
        0.001
    } else if p99.ends_with("ms") {
        1.0
    } else {
        1000.0
    };
    let p99 = p99.trim_end_matches(char::is_alphabetic).parse::<f64>().unwrap() * unit;
    let requests: f64 = word("requests in", 0).parse().unwrap();
    Round { rate: word("Requests/sec:", 1).parse().unwrap(), p99, cpu: cpu / requests }
}
