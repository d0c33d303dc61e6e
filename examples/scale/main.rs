//! Does a list cost the same in a table of ten million contacts, for an owner with a hundred of them and
//! for one with a hundred thousand? What does a search cost, a large file, a whole export?
//!
//! ```text
//! tools/bench-scale [CONTACTS [seed|lists]]
//! ```
//!
//! Seeds `CONTACTS` (10,000,000) contacts over a hundredth as many owners, the first of whom has
//! 100,000 and the second 10,000, into a schema of that size's name, unless it is there already; with
//! `seed`, that is all; with `lists` no files are measured. Then it runs the very functions that the handlers run, shows their times and
//! plans, and fails when a plan reads a table from end to end or a figure of issue 15 is missed. A
//! superuser, because Postgres explains the statements itself (`auto_explain`): what is shown is what
//! ran. At last a server of its own imports and exports files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for us: it may stop where it stands"
)]

mod calls;
mod files;
mod seed;

use calls::Measured;
use contactd::config::Config;
use contactd::db::{Conn, Pool};
use contactd::error::Result;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The owner of 100,000 contacts, that of 10,000, and one of a hundred.
const LARGE: i64 = 1;
const MIDDLE: i64 = 2;
const SMALL: i64 = 5_000;
const OWNERS: [(i64, &str); 3] = [(SMALL, "100"), (MIDDLE, "10,000"), (LARGE, "100,000")];
/// How often each statement is timed.
const RUNS: usize = 100;
const SECRET_KEY: &str = "not a secret, but of 32 bytes or more";

type Plans = Arc<Mutex<Vec<String>>>;

fn main() {
    let contacts = std::env::args().nth(1).map_or(10_000_000, |raw| raw.parse().unwrap());
    let schema = format!("scale_{contacts}");
    seed::seed(&schema, contacts).unwrap();
    let step = std::env::args().nth(2).unwrap_or_default();
    if step == "seed" {
        return;
    }
    let pool = Pool::new(&config(&schema)).unwrap();
    let mut missed = Vec::new();
    lists(&pool, &schema, contacts, &mut missed);
    for (owner, who) in OWNERS {
        let ratio = later_to_first(&pool, owner);
        println!("page 1,000 / first page, owner with {who}: {ratio:.2}");
        // The owner of 10,000 has no page 1,000.
        if ratio > 1.2 && owner != MIDDLE {
            missed.push(format!("page 1,000 takes {ratio:.2} times as long as the first ({who})"));
        }
    }
    if step != "lists" {
        files::measure(&schema, contacts, &mut missed);
    }
    assert!(missed.is_empty(), "missed: {missed:#?}");
    println!("all figures are met");
}

/// Runs each call for each owner, and shows plans and times.
fn lists(pool: &Pool, schema: &str, contacts: i64, missed: &mut Vec<String>) {
    let (explaining, plans) = pool_that_explains(schema);
    let mut table = Vec::new();
    for (owner, who) in OWNERS {
        for call in calls::all(pool, owner) {
            // As often as it takes until Postgres keeps a plan for whatever the values are; the last
            // one is shown.
            let (mut all, mut plan) = (String::new(), String::new());
            for _ in 0..7 {
                plans.lock().unwrap().clear();
                explaining.write(|db| (call.run)(db, owner)).unwrap();
                plan = plans.lock().unwrap().join("\n");
                all.push_str(&plan);
            }
            println!("=== {} for the owner with {who}\n{plan}\n", call.name);
            // `former_names` is empty here, and no plan for an empty table says anything.
            let read = all.replace("Seq Scan on former_names", "");
            if plan.is_empty() || read.contains("Seq Scan") {
                missed.push(format!("{} ({who}): a sequential scan, or no plan", call.name));
            }
            let times = timed(pool, owner, &call);
            let most = most(&call.name, owner);
            if most.is_some_and(|most| times[1] > most) {
                let (took, most) = (times[1], most.unwrap_or_default());
                missed.push(format!("{} takes {took:?}, more than {most:?} ({who})", call.name));
            }
            table.push((call.name, who, times));
        }
    }
    println!("{contacts} contacts in all; milliseconds, and those that Postgres had a core for");
    let head = ["contacts", "least", "median", "95 %", "core"];
    println!(
        "{:<46}{:>9}{:>10}{:>10}{:>10}{:>10}",
        "", head[0], head[1], head[2], head[3], head[4]
    );
    for (name, who, times) in &table {
        let [least, median, p95, used] = times.map(|time| time.as_secs_f64() * 1_000.0);
        println!("{name:<46}{who:>9}{least:>10.2}{median:>10.2}{p95:>10.2}{used:>10.2}");
    }
    for (owner, _) in OWNERS {
        pool.write(|db| calls::remove_inserted(db, owner)).unwrap();
    }
}

/// The figures of issue 15, for medians.
fn most(name: &str, owner: i64) -> Option<Duration> {
    if name.starts_with("first page") || name.starts_with("page 1,000") {
        Some(Duration::from_micros(200))
    } else if name.starts_with("search") || name.starts_with("filter") {
        Some(Duration::from_millis(if owner == LARGE { 60 } else { 10 }))
    } else {
        None
    }
}

/// Least, median, 95 % of [`RUNS`] runs, and how long Postgres had a core for one.
fn timed(pool: &Pool, owner: i64, call: &Measured) -> [Duration; 4] {
    let run = || pool.write(|db| (call.run)(db, owner)).unwrap();
    (0..10).for_each(|_| run()); // the statement gets prepared, and its pages into memory
    let used = postgres_time(pool);
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed()
        })
        .collect();
    let used = postgres_time(pool).saturating_sub(used) / RUNS as u32;
    times.sort_unstable();
    [times[0], times[RUNS / 2], times[RUNS * 95 / 100], used]
}

/// How many times as long page 1,000 takes as the first one: medians of runs in turn, since these are
/// tenths of a millisecond, and the machine is not the same from one moment to the next.
fn later_to_first(pool: &Pool, owner: i64) -> f64 {
    let calls = calls::all(pool, owner);
    let [first, later] = ["first page", "page 1,000 by cursor"]
        .map(|name| calls.iter().find(|it| it.name == name).unwrap());
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    };
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..1_000 {
        for (call, times) in [first, later].into_iter().zip(&mut times) {
            let began = Instant::now();
            pool.write(|db| (call.run)(db, owner)).unwrap();
            times.push(began.elapsed());
        }
    }
    let [first, later] = &mut times;
    median(later) / median(first)
}

/// How long the connection's process of Postgres, on this machine, had a core so far.
fn postgres_time(pool: &Pool) -> Duration {
    let pid = pool.read(|db| Ok(db.query_one("SELECT pg_backend_pid()", &[])?.get::<_, i32>(0)));
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.unwrap())).unwrap_or_default();
    let ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    // A tick is ten milliseconds.
    Duration::from_millis(ticks.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
}

/// Takes away what the bench added to an owner's empty book.
fn empty(db: &mut Conn, owner: i64) -> Result<u64> {
    const CONTACTS: &str = "DELETE FROM contacts WHERE owner = $1";
    const BOOK: &str =
        "UPDATE address_books SET contacts = 0, groups = 0, stored = 0, card_bytes = 0
        WHERE owner = $1";
    db.execute(CONTACTS, &[&owner])?;
    db.execute(BOOK, &[&owner])
}

/// What `tools/bench-scale` sets: a superuser of a Postgres.
fn database_url() -> String {
    variable("DATABASE_URL").expect("DATABASE_URL: run tools/bench-scale")
}

fn variable(name: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "the settings of a tool")]
    std::env::var(name).ok()
}

fn config(schema: &str) -> Config {
    let mut config = Config::read(|name| match name {
        "DATABASE_URL" => Some(database_url()),
        "SECRET_KEY" => Some(SECRET_KEY.to_owned()),
        _ => None,
    })
    .unwrap();
    let options = format!("-c search_path={schema}");
    config.postgres.options(&options);
    config.db_pool_size = 1;
    config
}

/// A pool whose connections tell the plan of each statement that they run.
fn pool_that_explains(schema: &str) -> (Pool, Plans) {
    let mut config = config(schema);
    config.postgres.options(&format!(
        "-c search_path={schema} -c session_preload_libraries=auto_explain \
         -c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on \
         -c auto_explain.log_timing=off -c auto_explain.log_nested_statements=off \
         -c client_min_messages=log"
    ));
    let plans = Plans::default();
    let told = plans.clone();
    config.postgres.notice_callback(move |notice| {
        // `Query Text: …`, then the plan from its cost on.
        let plan = notice.message().lines().skip_while(|line| !line.contains("(cost="));
        told.lock().unwrap().extend(plan.map(str::to_owned));
    });
    (Pool::new(&config).unwrap(), plans)
}
