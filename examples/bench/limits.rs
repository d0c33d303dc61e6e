//! What the stores and the processor can do alone.

use crate::folder;
use crate::load::{self, Cpu, Measured, SECONDS};
use crate::process::Process;
use crate::stores::{PASSWORD, Stores};
use contactd::crypto::Passwords;
use std::process::Command;

/// As many as contactd's pool has.
const PGBENCH_CLIENTS: u32 = 16;

pub fn connections(name: &str) -> u32 {
    match name {
        "me" => 64,
        "login" => cores() as u32,
        _ => PGBENCH_CLIENTS,
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().unwrap().get()
}

/// One round of the limit of a scenario.
pub fn measure(name: &str, contactd: &Process, stores: &mut Stores) -> Measured {
    match name {
        "me" => redis(stores),
        "login" => argon2(),
        _ => {
            let script = folder().join(format!("{name}.pgbench"));
            std::fs::write(&script, pgbench_script(name, contactd, stores)).unwrap();
            pgbench(&script, stores)
        }
    }
}

fn argon2() -> Measured {
    let passwords = Passwords::new().unwrap();
    let hash = passwords.enter().unwrap().hash(PASSWORD).unwrap();
    let verify = || assert!(passwords.enter().unwrap().verify(PASSWORD, Some(&hash)).unwrap());
    Measured { rate: load::repeat(cores(), verify), ..Measured::default() }
}

/// GET of a value as long as a cached user.
fn redis(stores: &Stores) -> Measured {
    let mut connection =
        redis::Client::open(stores.redis.as_str()).unwrap().get_connection().unwrap();
    let value = "x".repeat(230);
    let () = redis::cmd("SET").arg("bench").arg(value).query(&mut connection).unwrap();
    let requests = 100_000 * SECONDS;
    let (password, rest) = stores.redis.trim_start_matches("redis://:").split_once('@').unwrap();
    let port = rest.rsplit(':').next().unwrap().trim_end_matches("/0");
    let cpu = Cpu::start(None, stores);
    let output = Command::new("redis-benchmark")
        // Its -u takes no URL without a user name.
        .args(["-h", "127.0.0.1", "-p", port, "-a", password])
        .args(["-c", "64", "-n", &requests.to_string(), "--csv"])
        .args(["GET", "bench"])
        .output()
        .unwrap();
    // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95…","p99…","max…"
    let output = String::from_utf8(output.stdout).unwrap();
    let line = output.lines().last().unwrap();
    let numbers: Vec<f64> =
        line.split("\",\"").skip(1).map(|it| it.trim_matches('"').parse().unwrap()).collect();
    let cpu = cpu.of_each(f64::from(requests));
    Measured { rate: numbers[0], p50: numbers[3], p99: numbers[5], cpu, ..Measured::default() }
}

/// The statement that contactd sends for this request, as Postgres saw it, with the parameters of
/// a caller taken at random.
fn pgbench_script(name: &str, contactd: &Process, stores: &mut Stores) -> String {
    let requests = load::write_requests(name, "contactd", contactd.address, stores);
    load::send_one(&requests, contactd.address);
    let last = "SELECT query FROM pg_stat_activity WHERE application_name = 'contactd'
        ORDER BY query_start DESC LIMIT 1";
    let sql: String = stores.db.query_one(last, &[]).unwrap().get(0);
    let callers = &stores.callers;
    let (first, last) = (callers[0].id, callers[callers.len() - 1].id);
    let contacts: Vec<_> = callers.iter().map(|it| it.contact).collect();
    // The second contact of each, but for the first of them, is a hundred further on.
    assert!(contacts.windows(2).skip(1).all(|pair| pair[1] - pair[0] == 100));
    let owner = format!("\\set owner random({}, {last})\n", first + 1);
    let contact = format!("\\set contact {} + 100 * (:owner - {})\n", contacts[1], first + 1);
    let parameters: &[&str] = match name {
        "page" => &[":owner"],
        "by-id" => &[":owner", ":contact"],
        "search" => &[":owner", ":word", "0", "21"],
        "create" => &[
            ":owner",
            "gen_random_uuid()::text",
            ":first",
            ":last",
            ":email",
            ":phone",
            ":birthday",
            "null::text",
            "'{}'::text[]",
            "now()",
        ],
        other => panic!("{other}"),
    };
    let mut filled = sql.clone();
    for (index, value) in parameters.iter().enumerate().rev() {
        filled = filled.replace(&format!("${}", index + 1), value);
    }
    assert!(!filled.contains('$'), "parameters of {name}: {sql}");
    format!("{owner}{contact}{};\n", filled.replace('\n', " "))
}

/// pgbench computes numbers only.
const TEXTS: &[&str] = &[
    "word=shev",
    "first=Ann",
    "last=Smith",
    "email=ann@example.com",
    "phone=+380441234567",
    "birthday=1990-05-17",
];

fn pgbench(script: &std::path::Path, stores: &Stores) -> Measured {
    let cpu = Cpu::start(None, stores);
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-j", "1"])
        .args(["-c", &PGBENCH_CLIENTS.to_string(), "-T", &SECONDS.to_string(), "-f"])
        .arg(script)
        .args(TEXTS.iter().flat_map(|text| ["-D", text]))
        .arg(&stores.database)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let number = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let line =
            line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    let rate = number("tps = ");
    let errors = number("number of failed transactions: ");
    let cpu = cpu.of_each(number("number of transactions actually processed: "));
    Measured { rate, p50: number("latency average = "), errors, cpu, ..Measured::default() }
}
