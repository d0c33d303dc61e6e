//! Does a list cost the same in a table of ten million contacts, for an owner with a hundred of
//! them and for one with a hundred thousand?
//!
//! ```text
//! tools/bench-scale [CONTACTS]
//! ```
//!
//! Seeds `CONTACTS` (10,000,000) contacts over a hundredth as many owners, the first of whom has
//! 100,000, into a schema of that size's name, unless it is there already. Then it runs the very
//! functions that the handlers run, shows their times and plans, and fails when a plan reads a
//! table from end to end or a figure of issue 5 is missed. A superuser, because Postgres explains
//! the statements itself (`auto_explain`): what is shown is what ran.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for us: it may stop where it stands"
)]

use contactd::app;
use contactd::config::Config;
use contactd::context::App;
use contactd::db::{self, Conn, Pool, Tx};
use contactd::error::Result;
use contactd::model::birthday::Window;
use contactd::model::contact::ContactFields;
use contactd::repository::contacts::lists::{self, Filter, Key, Sort, Start};
use contactd::repository::contacts::{self, exports, imports};
use contactd::repository::sessions;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The owner of 100,000 contacts and one of a hundred.
const LARGE: i64 = 1;
const SMALL: i64 = 5_000;
/// How often each statement is timed.
const RUNS: usize = 40;
const BY_NAME: Sort = Sort { key: Key::Name, descending: false };

type Plans = Arc<Mutex<Vec<String>>>;

fn main() {
    let contacts = std::env::args().nth(1).map_or(10_000_000, |raw| raw.parse().unwrap());
    let schema = format!("scale_{contacts}");
    let pool = Pool::new(&config(&schema)).unwrap();
    pool.write(|db| seed(db, &schema, contacts)).unwrap();
    let (explaining, plans) = pool_that_explains(&schema);

    let mut table = Vec::new();
    let mut missed = Vec::new();
    for (owner, who) in [(SMALL, "100"), (LARGE, "100,000")] {
        for call in calls(&pool, owner) {
            plans.lock().unwrap().clear();
            explaining.write(|db| (call.run)(db, owner)).unwrap();
            let plans = plans.lock().unwrap().join("\n");
            println!("=== {} for the owner with {who}\n{plans}\n", call.name);
            if plans.is_empty() || plans.contains("Seq Scan") {
                missed.push(format!("{} ({who}): a sequential scan, or no plan", call.name));
            }
            let run = || pool.write(|db| (call.run)(db, owner)).unwrap();
            (0..10).for_each(|_| run()); // the statement gets prepared, and its pages into memory
            let used = postgres_time(&pool);
            let mut times: Vec<_> = (0..RUNS)
                .map(|_| {
                    let began = Instant::now();
                    run();
                    began.elapsed()
                })
                .collect();
            let used = postgres_time(&pool).saturating_sub(used) / RUNS as u32;
            times.sort_unstable();
            table.push((call.name, who, [times[0], times[RUNS / 2], times[RUNS * 95 / 100], used]));
        }
    }
    println!("{contacts} contacts in all; milliseconds, and those that Postgres had a core for");
    println!(
        "{:<34}{:>9}{:>10}{:>10}{:>10}{:>10}",
        "", "contacts", "least", "median", "95 %", "core"
    );
    for (name, who, times) in &table {
        let [least, median, p95, used] = times.map(|time| time.as_secs_f64() * 1_000.0);
        println!("{name:<34}{who:>9}{least:>10.2}{median:>10.2}{p95:>10.2}{used:>10.2}");
    }
    // On a machine with other work the least time is the one that tells.
    let least = |name: &str, who: &str| {
        table.iter().find(|row| row.0 == name && row.1 == who).map(|row| row.2[0]).unwrap()
    };
    for who in ["100", "100,000"] {
        let (first, later) = (least("first page", who), least("page 1,000 by cursor", who));
        let ratio = later.as_secs_f64() / first.as_secs_f64();
        println!("page 1,000 / first page, owner with {who}: {ratio:.2}");
        if ratio > 1.2 {
            missed.push(format!("page 1,000 takes {ratio:.2} times as long as the first ({who})"));
        }
    }
    for (name, who, [least, ..]) in &table {
        if name.starts_with("search") && *least > Duration::from_millis(50) {
            missed.push(format!("{name} takes more than 50 ms ({who})"));
        }
    }
    pool.write(|db| {
        db.execute(
            "DELETE FROM contacts WHERE owner IN ($1, $2) AND first_name = 'Inserted'",
            &[&LARGE, &SMALL],
        )
    })
    .unwrap();
    files(&schema, &mut missed);
    assert!(missed.is_empty(), "missed: {missed:#?}");
    println!("all figures are met");
}

/// How long the connection's process of Postgres, on this machine, had a core so far.
fn postgres_time(pool: &Pool) -> Duration {
    let pid = pool.read(|db| Ok(db.query_one("SELECT pg_backend_pid()", &[])?.get::<_, i32>(0)));
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.unwrap())).unwrap_or_default();
    let ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    // A tick is ten milliseconds.
    Duration::from_millis(ticks.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
}

/// A statement as a handler runs it.
struct Measured {
    name: &'static str,
    run: Run,
}

type Run = Box<dyn Fn(&mut Conn, i64) -> Result<()>>;

fn calls(pool: &Pool, owner: i64) -> Vec<Measured> {
    // The row before page 1,000 of 20 each; for the small owner the row before its last page.
    let before = if owner == LARGE { 19_979 } else { 75 };
    let start = Start::Skip(before);
    let all = Filter::default();
    let (rows, _) = pool.read(|db| lists::page(db, owner, &all, BY_NAME, &start, 1)).unwrap();
    let fields = &rows[0].fields;
    let later = Start::AfterName {
        sort_name: fields.last_name.clone().unwrap_or(fields.first_name.clone()),
        first_name: fields.first_name.clone(),
        id: rows[0].id,
    };
    let list = |search: Option<&str>, start: Start| -> Run {
        let filter = Filter { search: search.map(str::to_owned), ..Filter::default() };
        Box::new(move |db, owner| lists::page(db, owner, &filter, BY_NAME, &start, 21).map(|_| ()))
    };
    let birthdays = |days| -> Run {
        let window = Window::new("2026-12-28".parse().unwrap(), days);
        Box::new(move |db, owner| {
            lists::with_birthday(db, owner, window.keys(), window.last()).map(|_| ())
        })
    };
    let insert: Run = Box::new(|db, owner| {
        let fields = ContactFields { first_name: "Inserted".to_owned(), ..Default::default() };
        let uid = contactd::crypto::random_uuid()?;
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        contacts::insert(db, owner, &uid, &fields, now).map(|_| ())
    });
    let export: Run =
        Box::new(|db, owner| exports::page(db, owner, exports::Part::Live, 0).map(|_| ()));
    let look_up: Run = Box::new(|db, owner| {
        let mut fields = ContactFields { first_name: "Іван".to_owned(), ..Default::default() };
        let names = (0..1_000).map(|number| {
            fields.last_name = Some(format!("Шевченко{number}"));
            fields.clone()
        });
        let names: Vec<_> = names.collect();
        let mut tx = Tx::begin(db)?;
        imports::find_digests(&mut tx, owner, &names.iter().collect::<Vec<_>>()).map(|_| ())
    });
    [
        ("first page", list(None, Start::Skip(0))),
        ("page 1,000 by cursor", list(None, later.clone())),
        ("search, many hits", list(Some("ковален"), Start::Skip(0))),
        ("search, many hits, by cursor", list(Some("ковален"), later)),
        ("search, few hits", list(Some("n77@"), Start::Skip(0))),
        ("search, by digits", list(Some("(044) 00"), Start::Skip(0))),
        ("birthdays of a week", birthdays(7)),
        ("insert", insert),
        ("a page of an export", export),
        ("1,000 rows of an import looked up", look_up),
    ]
    .into_iter()
    .map(|(name, run)| Measured { name, run })
    .collect()
}

/// Import of 10,000 cards and export of 100,000 contacts, through the whole program but sockets.
fn files(schema: &str, missed: &mut Vec<String>) {
    let mut config = config(schema);
    config.rates.default = None;
    #[allow(clippy::disallowed_methods, reason = "a tool has the real clock")]
    let app = App::new(config, Box::new(chrono::Utc::now)).unwrap();
    let importer = SMALL + 1;
    let token = |owner: i64| {
        let (now, client) = (app.now(), sessions::Client { ip: "", user_agent: "" });
        let hash = contactd::crypto::token_hash(&contactd::crypto::random_token().unwrap());
        let end = now + chrono::Duration::hours(1);
        let session = app.db.transaction(|tx| sessions::insert(tx, owner, &hash, client, now, end));
        format!("Bearer {}", app.access_tokens.sign(owner, session.unwrap(), now).unwrap())
    };
    let ask = |owner: i64, method: &str, path: &str, body: Vec<u8>| {
        let headers = vec![
            ("Authorization".to_owned(), token(owner)),
            ("Content-Type".to_owned(), "text/vcard".to_owned()),
        ];
        app::respond(&app, &rouille::Request::fake_http(method, path, headers, body))
    };
    let mut began = Instant::now();
    let mut cards = String::new();
    for number in 0..10_000 {
        cards.push_str(&format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bench-{number}-{began:?}\r\nN:Шевченко{number};Іван;Q;Dr.;\r\n\
             TEL;TYPE=CELL:+380 44 {number:07}\r\nTEL;TYPE=HOME:+380 45 {number:07}\r\n\
             EMAIL;TYPE=INTERNET:person{number}@example.com\r\nBDAY:1990-04-12\r\n\
             ADR;TYPE=HOME:;;Main St {number};Kyiv;;01001;Ukraine\r\nNOTE:Met in Kyiv\r\nEND:VCARD\r\n",
        ));
    }
    let cards = cards.into_bytes();
    let (size, before) = (cards.len(), memory("VmRSS"));
    began = Instant::now();
    let response = ask(importer, "POST", "/api/contacts/import", cards);
    let took = began.elapsed();
    let grown = memory("VmHWM").saturating_sub(before);
    let mut text = String::new();
    response.data.into_reader_and_size().0.read_to_string(&mut text).unwrap();
    println!(
        "import of 10,000 cards ({size} bytes): {took:?}, {grown} KiB over the base line: {text}"
    );
    if took > Duration::from_secs(5) || grown > 100 * 1024 || !text.contains("\"created\":10000") {
        missed.push("the import".to_owned());
    }
    for format in ["vcard", "csv", "json"] {
        began = Instant::now();
        let path = format!("/api/contacts/export?format={format}");
        let mut reader = ask(LARGE, "GET", &path, Vec::new()).data.into_reader_and_size().0;
        let (before, mut most, mut size) = (memory("VmRSS"), 0, 0);
        let mut buffer = vec![0; 64 * 1024];
        while let count @ 1.. = reader.read(&mut buffer).unwrap() {
            size += count;
            most = most.max(memory("VmRSS"));
        }
        let grown = most.saturating_sub(before);
        println!(
            "export of 100,000 as {format}: {size} bytes, {:?}, {grown} KiB grown",
            began.elapsed()
        );
        if grown > 10 * 1024 {
            missed.push(format!("the export as {format}"));
        }
    }
    let clean = "DELETE FROM contacts WHERE owner = $1 AND uid LIKE 'bench-%'";
    app.db.write(|db| db.execute(clean, &[&importer])).unwrap();
}

/// A figure of `/proc/self/status`, in KiB.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn config(schema: &str) -> Config {
    #[allow(clippy::disallowed_methods, reason = "the settings of a tool")]
    let mut config = Config::read(|name| match name {
        "DATABASE_URL" => std::env::var(name).ok(),
        "SECRET_KEY" => Some("not a secret, but of 32 bytes or more".to_owned()),
        _ => None,
    })
    .unwrap();
    let options = format!("-c search_path={schema} -c max_parallel_workers_per_gather=0");
    config.postgres.options(&options);
    config.db_pool_size = 1;
    config
}

/// A pool whose connections tell the plan of each statement that they run.
fn pool_that_explains(schema: &str) -> (Pool, Plans) {
    let mut config = config(schema);
    config.postgres.options(&format!(
        "-c search_path={schema} -c max_parallel_workers_per_gather=0 \
         -c session_preload_libraries=auto_explain \
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

/// Fills the schema, unless that was done before. Indexes are dropped meanwhile.
fn seed(db: &mut Conn, schema: &str, contacts: i64) -> Result<()> {
    if db.query_one("SELECT to_regclass('seeded') IS NOT NULL", &[])?.get(0) {
        return Ok(());
    }
    let began = Instant::now();
    db.batch(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}"))?;
    db::migrations::migrate(db)?;
    db.batch("SET statement_timeout = 0; SET synchronous_commit = off")?;
    let owners = contacts / 100;
    let indexes = db.query(
        "SELECT indexname, indexdef FROM pg_indexes
        WHERE schemaname = $1 AND tablename = 'contacts' AND indexname <> 'contacts_pkey'",
        &[&schema],
    )?;
    for index in &indexes {
        db.batch(&format!("DROP INDEX {}", index.get::<_, String>(0)))?;
    }
    db.execute(
        "INSERT INTO users (username, email, password_hash, is_verified, created_at)
        SELECT 'user' || n, 'user' || n || '@example.com', '-', true, '2026-01-01'
        FROM generate_series(1, $1::bigint) AS n",
        &[&owners],
    )?;
    db.batch("INSERT INTO address_books (owner) SELECT id FROM users")?;
    // Owners take turns, so that the contacts of one lie far from each other, as in real life.
    const STEP: i64 = 500_000;
    for from in (0..contacts).step_by(STEP as usize) {
        db.execute(
            "INSERT INTO contacts (owner, uid, revision, first_name, last_name, email, phone,
                birthday, additional_data, labels, created_at, updated_at)
            SELECT CASE WHEN n % ($3::bigint / 100000) = 0 THEN 1 ELSE 2 + (n * 7919) % ($4::bigint - 1) END,
                gen_random_uuid(), n,
                (ARRAY['Іван', 'Олена', 'Zoë', 'John', 'Mary', 'Андрій', 'José', 'Anna', 'Тарас',
                    'Peter', 'Ґудзь', 'Ольга'])[1 + hash % 12],
                CASE WHEN hash % 20 > 0 THEN (ARRAY['Шевченко', 'Коваленко', 'Müller', 'Smith',
                    'Іваненко', 'O''Brien', 'García', 'Бондар', 'Ткачук', 'Novák'])[1 + hash / 12 % 10]
                    || n % 997 END,
                'person' || n || '@example.com', '+380 44 ' || lpad((n % 10000000)::text, 7, '0'),
                CASE WHEN hash % 3 > 0 THEN date '1950-01-01' + (hash % 25000)::int END,
                CASE WHEN hash % 4 = 0 THEN 'Met at the conference in Kyiv, ' || n END,
                CASE WHEN hash % 5 = 0 THEN ARRAY['friends', 'work'] ELSE '{}' END,
                timestamptz '2026-01-01' + n * interval '1 second',
                timestamptz '2026-01-01' + n * interval '1 second'
            FROM (SELECT n, abs(hashint8(n)::bigint) AS hash
                FROM generate_series($1::bigint, $2::bigint - 1) AS n) AS numbers",
            &[&from, &contacts.min(from + STEP), &contacts, &owners],
        )?;
        eprintln!("{} of {contacts} after {:?}", contacts.min(from + STEP), began.elapsed());
    }
    for index in &indexes {
        db.batch(&index.get::<_, String>(1))?;
        eprintln!("{} after {:?}", index.get::<_, String>(0), began.elapsed());
    }
    db.batch(
        "UPDATE address_books SET revision = $n, contacts =
            (SELECT count(*) FROM contacts WHERE owner = address_books.owner)"
            .replace("$n", &contacts.to_string())
            .as_str(),
    )?;
    db.batch("VACUUM ANALYZE contacts")?;
    db.batch("ANALYZE; CREATE TABLE seeded ()")?;
    db.batch("SET statement_timeout = '5s'; RESET synchronous_commit")
}
