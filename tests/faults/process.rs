//! The server itself dies, is stopped, or runs twice.

use crate::ledger::{self, CALM, Ledger};
use crate::redis::{JSON, json, sign_in};
use crate::redis_server::{RedisServer, free_port};
use crate::server::{Server, database_url, exchange};
use crate::smtp::Sink;
use crate::world::unique_name;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn schema() -> (String, postgres::Client) {
    let name = unique_name();
    let mut client = postgres::Client::connect(&database_url(&name), postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
    (name, client)
}

/// How often the server is killed: a few times in the suite, a hundred times in `./dev faults`.
fn kills() -> usize {
    crate::world::optional_variable("FAULTS_KILLS").map_or(15, |number| number.parse().unwrap())
}

pub fn register(address: &str, name: &str) -> bool {
    let email = format!("{name}@example.com");
    let body = json!({"username": name, "email": email, "password": "correct horse battery"});
    let answer = exchange(address, "POST", "/api/auth/register", JSON, &body.to_string());
    answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 201 "))
}

/// The minute until the next try, gone by.
fn next_try(client: &mut postgres::Client) {
    let sql = "UPDATE outbox SET next_attempt_at = now() WHERE done_at IS NULL";
    client.batch_execute(sql).unwrap();
}

#[test]
fn killed_under_load_again_and_again_loses_nothing() {
    let (sink, redis) = (Sink::start(), RedisServer::start());
    let (name, mut client) = schema();
    let address = format!("127.0.0.1:{}", free_port(500));
    let (mail, cache) = (sink.url(), redis.url());
    let mut settings = CALM.to_vec();
    settings.extend([("LISTEN_ADDR", address.as_str()), ("REDIS_URL", cache.as_str())]);
    let auths = ledger::writers(&Server::in_schema(&name, &settings), 3);
    settings.push(("SMTP_URL", &mail));
    let ledger = Ledger::open(&[&address], &auths);
    let mut registered = Vec::new();
    let mut slowest_start = Duration::ZERO;
    for round in 0..kills() {
        let began = Instant::now();
        let mut server = Server::in_schema(&name, &settings);
        slowest_start = slowest_start.max(began.elapsed());
        let before = ledger.acknowledged();
        let (waits, user) = (Instant::now(), format!("user{round}"));
        // In the middle of whatever the mail worker does with this registration.
        if register(&address, &user) {
            registered.push(user);
        }
        while ledger.acknowledged() < before + 10 {
            assert!(waits.elapsed() < Duration::from_secs(20), "no writes: {}", server.log());
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis((round * 7 % 30) as u64));
        server.kill();
    }
    let server = Server::in_schema(&name, &settings);
    let balance = ledger.close(&address);
    let users: i64 = client.query_one("SELECT count(*) FROM users", &[]).unwrap().get(0);
    let whole = "SELECT count(*) FROM users u JOIN address_books ON owner = u.id
        WHERE EXISTS (SELECT FROM outbox o WHERE o.user_id = u.id AND o.kind = 'confirm')
          AND EXISTS (SELECT FROM audit_events e WHERE e.user_id = u.id AND e.action = 'registered')";
    assert_eq!(client.query_one(whole, &[]).unwrap().get::<_, i64>(0), users, "half an account");
    next_try(&mut client);
    let (mails, twice) = arrived(&sink, &registered);
    assert!(registered.len() * 2 > kills(), "{registered:?}");
    let report = format!(
        "{} registrations: {mails} mails came, {twice} of them again under their Message-ID; start at most {:.2} s",
        registered.len(),
        slowest_start.as_secs_f64(),
    );
    balance.check(&format!("server killed -9, {} times", kills()), &report);
    drop(server);
}

/// Waits for a mail to each of them; how many came, and how many of those more than once. Every
/// mail to one address has one Message-ID and one link.
pub fn arrived(sink: &Sink, names: &[String]) -> (usize, usize) {
    let wanted: HashSet<String> = names.iter().map(|name| format!("{name}@example.com")).collect();
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let mut mails: HashMap<String, Vec<_>> = HashMap::new();
        for mail in sink.mails() {
            let what = (mail.header("Message-ID").unwrap(), mail.link().unwrap());
            mails.entry(mail.to[0].clone()).or_default().push(what);
        }
        let missing: Vec<_> = wanted.iter().filter(|name| !mails.contains_key(*name)).collect();
        if missing.is_empty() {
            for all in mails.values() {
                assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
            }
            return (mails.len(), mails.values().filter(|all| all.len() > 1).count());
        }
        assert!(Instant::now() < end, "no mail for {missing:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Every request that had an effect was answered: nothing is there without an answer.
#[test]
fn terminated_under_load_answers_everything_that_it_did_and_exits_0() {
    let (name, mut client) = schema();
    let mut settings = CALM.to_vec();
    settings.push(("REDIS_URL", ""));
    let auth = sign_in(&Server::in_schema(&name, &settings), "ann");
    let (mut answered, mut slowest) = (0, Duration::ZERO);
    for round in 0..5 {
        let mut server = Server::in_schema(&name, &settings);
        let address = server.address().to_owned();
        let clients: Vec<_> = (0..6)
            .map(|_| {
                let (address, headers) = (address.clone(), format!("{auth}{JSON}"));
                std::thread::spawn(move || {
                    let mut ids = Vec::new();
                    loop {
                        let body = r#"{"first_name": "Bob"}"#;
                        match exchange(&address, "POST", "/api/contacts", &headers, body) {
                            Ok(answer) if answer.is_empty() => return ids, // not accepted any more
                            Ok(answer) => {
                                let (head, body) = answer.split_once("\r\n\r\n").expect("whole");
                                assert!(head.starts_with("HTTP/1.1 201 "), "{head}");
                                ids.push(json(body)["id"].as_i64().unwrap());
                            }
                            Err(_) => return ids,
                        }
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(400 + 20 * round));
        let began = Instant::now();
        assert_eq!(server.stop(), Some(0), "{}", server.log());
        slowest = slowest.max(began.elapsed());
        let mut ids: Vec<i64> = clients.into_iter().flat_map(|it| it.join().unwrap()).collect();
        ids.sort_unstable();
        let rows = client.query("DELETE FROM contacts RETURNING id", &[]).unwrap();
        let mut done: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        done.sort_unstable();
        assert_eq!(ids, done, "answered, and done");
        answered += ids.len();
    }
    assert!(answered > 10, "{answered}");
    println!(
        "FAULT | server terminated (SIGTERM) under load, 5 times | {answered} done, {answered} answered; exit 0 within {:.2} s",
        slowest.as_secs_f64()
    );
}

#[test]
fn metrics_have_an_address_of_their_own() {
    let own = format!("127.0.0.1:{}", free_port(700));
    let mut server = Server::with(&[("METRICS_ADDR", &own), ("REDIS_URL", "")]);
    let get = |address: &str, path: &str| exchange(address, "GET", path, "", "").unwrap();
    let page = get(&own, "/metrics");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("\ncontactd_postgres_up 1\n"));
    assert!(get(&own, "/healthz").starts_with("HTTP/1.1 404 "));
    assert!(get(server.address(), "/metrics").starts_with("HTTP/1.1 404 "));
    // Of clients only, not of who reads this page.
    let open = [(); 2].map(|()| TcpStream::connect(server.address()).unwrap());
    let counts = |count| {
        let line = format!("\ncontactd_open_connections {count}\n");
        let mut looks = std::iter::repeat_with(|| get(&own, "/metrics")).take(100);
        assert!(looks.any(|page| {
            std::thread::sleep(Duration::from_millis(50));
            page.contains(&line)
        }));
    };
    counts(2);
    drop(open);
    counts(0);
    // Nothing is under way, so there is nothing to wait for at the end.
    let began = Instant::now();
    assert_eq!(server.stop(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn two_replicas_share_everything_and_one_survives_the_other() {
    let (sink, redis) = (Sink::start(), RedisServer::start());
    let (name, _) = schema();
    let (mail, cache) = (sink.url(), redis.url());
    let mut settings = CALM.to_vec();
    settings.push(("REDIS_URL", &cache));
    let auths = ledger::writers(&Server::in_schema(&name, &settings), 2);
    settings.push(("SMTP_URL", &mail));
    let second = unique_name(); // a folder of its own, the same schema
    let url = database_url(&name);
    let mut one = Server::in_schema(&name, &settings);
    settings.push(("DATABASE_URL", &url));
    let two = Server::in_schema(&second, &settings);
    let ledger = Ledger::open(&[one.address(), two.address()], &auths);
    let names: Vec<_> = (0..6).map(|n| format!("user{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        assert!(register([&one, &two][n % 2].address(), name));
    }
    let mut stale = 0;
    for round in 0..100 {
        let (writer, reader) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let body = json!({ "username": format!("name{round}") }).to_string();
        let headers = format!("{}{JSON}", auths[0]);
        assert_eq!(writer.ask("PATCH", "/api/users/me", &headers, &body).unwrap().0, 200);
        let (_, me) = reader.ask("GET", "/api/users/me", &auths[0], "").unwrap();
        stale += usize::from(json(&me)["username"] != format!("name{round}"));
    }
    assert_eq!(stale, 0);
    let (mails, twice) = arrived(&sink, &names);
    assert_eq!((mails, twice, sink.mails().len()), (6, 0, 6), "no mail twice without a fault");
    one.kill();
    std::thread::sleep(Duration::from_millis(500));
    let balance = ledger.close(two.address());
    balance.check(
        "two replicas, then one killed -9",
        "100 renames seen by the other: 0 stale; 6 mails, none twice",
    );
}
