//! What the stores and the processor can do alone.

use crate::folder;
use crate::load::{self, Cost, Measured};
use crate::process::Process;
use crate::stores::{PASSWORD, Stores};
use contactd::crypto::Passwords;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What a new contact is held against.
pub const BARE: &str = "a bare table with two indexes";
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
        BARE => bare(stores),
        _ => {
            let path = folder().join(format!("{name}.pgbench"));
            let (script, variables) = pgbench_script(name, contactd, stores);
            std::fs::write(&path, script).unwrap();
            pgbench(&path, &variables, stores)
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
    let requests = 100_000 * load::seconds();
    let (password, rest) = stores.redis.trim_start_matches("redis://:").split_once('@').unwrap();
    let port = rest.rsplit(':').next().unwrap().trim_end_matches("/0");
    let cost = Cost::start(None, stores);
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
    let (cpu, switches) = cost.of_each(f64::from(requests));
    let (rate, p50, p99) = (numbers[0], numbers[3], numbers[5]);
    Measured { rate, p50, p99, cpu, switches, ..Measured::default() }
}

/// Statements as Postgres logged them, each with its parameters; none: NULL.
type Statements = Vec<(String, Vec<Option<String>>)>;

/// What contactd sends to Postgres for a request: what its connection sent that named `contacts`, from
/// BEGIN to COMMIT where it was a transaction.
fn statements(name: &str, contactd: &Process, stores: &mut Stores) -> Statements {
    let requests = load::write_requests(name, "contactd", contactd.address, stores);
    load::send_one(&requests, contactd.address); // from now on the cache has the user
    let mut set = |settings: &[&str]| {
        settings.iter().for_each(|it| stores.db.batch_execute(it).unwrap());
        stores.db.batch_execute("SELECT pg_reload_conf()").unwrap();
        std::thread::sleep(Duration::from_millis(500));
    };
    let path = std::env::var("TEST_STORES_DIR").unwrap() + "/postgres.log";
    set(&["ALTER SYSTEM SET log_statement = 'all'", "ALTER SYSTEM SET log_line_prefix = '%a %p|'"]);
    let before = std::fs::read(&path).unwrap().len();
    load::send_one(&requests, contactd.address);
    set(&["ALTER SYSTEM RESET log_statement", "ALTER SYSTEM RESET log_line_prefix"]);
    let log = std::fs::read(&path).unwrap();
    let mut sent: Vec<(&str, Statements)> = Vec::new();
    let log = String::from_utf8_lossy(&log[before..]).into_owned();
    // A line that goes on begins with a tab.
    let log = log.replace("\n\t", "\r\t");
    for line in log.lines() {
        let Some((connection, text)) = line.split_once('|') else { continue };
        if !connection.starts_with("contactd ") {
            continue;
        }
        let text = text.replace("\r\t", "\n");
        let place = sent.iter().position(|it| it.0 == connection).unwrap_or_else(|| {
            sent.push((connection, Vec::new()));
            sent.len() - 1
        });
        let list = &mut sent[place].1;
        if let Some(statement) = text.strip_prefix("LOG:  statement: ") {
            list.push((statement.to_owned(), Vec::new()));
        } else if let Some(statement) = text.strip_prefix("LOG:  execute ") {
            list.push((statement.split_once(": ").unwrap().1.to_owned(), Vec::new()));
        } else if let Some(values) = text.to_lowercase().strip_prefix("detail:  parameters: ") {
            list.last_mut().unwrap().1 = values_of(&text[text.len() - values.len()..]);
        }
    }
    let mine = sent.into_iter().map(|it| it.1);
    let mine = mine.filter(|list| list.iter().any(|it| it.0.contains("contacts")));
    mine.max_by_key(Vec::len).expect("what contactd sent, in the log")
}

/// `$1 = '2', $2 = NULL, …`
fn values_of(mut text: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    while let Some((_, rest)) = text.split_once(" = ") {
        let Some(quoted) = rest.strip_prefix('\'') else {
            values.push(None);
            text = rest;
            continue;
        };
        let mut value = String::new();
        let mut left = quoted;
        loop {
            let (part, rest) = left.split_once('\'').unwrap();
            value.push_str(part);
            left = rest;
            // Two quotes are one that belongs to the value.
            match left.strip_prefix('\'') {
                Some(rest) => left = rest,
                None => break,
            }
            value.push('\'');
        }
        values.push(Some(value));
        text = left;
    }
    values
}

/// A script of pgbench and the variables that it wants: what contactd sends, with a caller taken at
/// random, and a uid that is new.
fn pgbench_script(
    name: &str,
    contactd: &Process,
    stores: &mut Stores,
) -> (String, Vec<(String, String)>) {
    let statements = statements(name, contactd, stores);
    let callers = &stores.callers;
    let (first, last) = (callers[0].id, callers[callers.len() - 1].id);
    let contacts: Vec<_> = callers.iter().map(|it| it.contact).collect();
    // The contact of each is a hundred further on.
    assert!(contacts.windows(2).all(|pair| pair[1] - pair[0] == 100));
    let mut script = format!("\\set owner random({first}, {last})\n");
    script += &format!("\\set contact {} + 100 * (:owner - {first})\n", contacts[0]);
    let mut variables = Vec::new();
    for (at, (sql, values)) in statements.into_iter().enumerate() {
        let mut filled = sql;
        for (index, value) in values.iter().enumerate().rev() {
            let is_uid = |value: &str| value.len() == 36 && value.matches('-').count() == 4;
            let with = match value {
                None => "NULL".to_owned(),
                Some(_) if index == 0 => ":owner".to_owned(),
                Some(value) if *value == contacts[0].to_string() => ":contact".to_owned(),
                // pgbench takes no variable that is empty.
                Some(value) if value.is_empty() => "''".to_owned(),
                Some(value) if is_uid(value) => "gen_random_uuid()::text".to_owned(),
                Some(value) => {
                    variables.push((format!("v{at}_{index}"), value.clone()));
                    format!(":v{at}_{index}")
                }
            };
            filled = filled.replace(&format!("${}", index + 1), &with);
        }
        assert!(!filled.contains('$'), "parameters of {name}: {filled}");
        script += &format!("{};\n", filled.replace('\n', " "));
    }
    (script, variables)
}

fn pgbench(script: &Path, variables: &[(String, String)], stores: &Stores) -> Measured {
    let cost = Cost::start(None, stores);
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-j", "1"])
        .args(["-c", &PGBENCH_CLIENTS.to_string(), "-T", &load::seconds().to_string(), "-f"])
        .arg(script)
        .args(variables.iter().map(|(name, value)| format!("-D{name}={value}")))
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
    let (cpu, switches) = cost.of_each(number("number of transactions actually processed: "));
    let p50 = number("latency average = ");
    Measured { rate, p50, errors, cpu, switches, ..Measured::default() }
}

/// A new row in a table that has as many rows, two indexes and nothing else.
fn bare(stores: &mut Stores) -> Measured {
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY,
            owner bigint NOT NULL, first_name text NOT NULL, last_name text NOT NULL,
            email text NOT NULL, phone text NOT NULL, birthday date NOT NULL, extra text,
            created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
        CREATE INDEX IF NOT EXISTS bare_list ON bare (owner, last_name, first_name, id)";
    const ROWS: &str = "INSERT INTO bare (owner, first_name, last_name, email, phone, birthday,
            created_at, updated_at)
        SELECT owner, 'Ann ' || id % 100, sort_name, 'contact' || id || '@example.com',
            '+380441234567', '1990-05-17', created_at, updated_at
        FROM contacts WHERE NOT EXISTS (SELECT 1 FROM bare)";
    stores.db.batch_execute(TABLE).unwrap();
    stores.db.batch_execute(ROWS).unwrap();
    let callers = &stores.callers;
    let script = format!(
        "\\set owner random({}, {})\nINSERT INTO bare (owner, first_name, last_name, email, phone, \
         birthday, extra, created_at, updated_at) VALUES (:owner, :first, :last, :email, :phone, \
         :birthday, NULL, now(), now()) RETURNING id;\n",
        callers[0].id,
        callers[callers.len() - 1].id
    );
    let path = folder().join("bare.pgbench");
    std::fs::write(&path, script).unwrap();
    let values = [
        ("first", "Ann"),
        ("last", "Smith"),
        ("email", "ann@example.com"),
        ("phone", "+380441234567"),
        ("birthday", "1990-05-17"),
    ];
    pgbench(&path, &values.map(|(name, value)| (name.to_owned(), value.to_owned())), stores)
}
