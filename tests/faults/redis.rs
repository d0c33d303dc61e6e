//! Redis goes away and comes back.

use crate::ledger::{self, CALM, Ledger};
use crate::redis_server::RedisServer;
use crate::server::Server;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub const JSON: &str = "Content-Type: application/json\r\n";

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// Registers, confirms and signs in over HTTP; the header with the access token.
pub fn sign_in(server: &Server, name: &str) -> String {
    let (email, password) = (format!("{name}@example.com"), "correct horse battery");
    let body = json!({"username": name, "email": email, "password": password}).to_string();
    assert_eq!(server.ask("POST", "/api/auth/register", JSON, &body).unwrap().0, 201);
    let deadline = Instant::now() + Duration::from_secs(20);
    let token = loop {
        let mails = std::fs::read_dir(&server.mail_dir).unwrap().map(|file| file.unwrap().path());
        let mails = mails.filter(|path| path.extension().is_some_and(|ending| ending == "eml"));
        let mut mails =
            mails.map(|path| crate::world::Mail(std::fs::read_to_string(path).unwrap()));
        match mails.find(|mail| mail.header("To") == email).and_then(|mail| mail.token()) {
            Some(token) => break token,
            None => assert!(Instant::now() < deadline, "no mail: {}", server.log()),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let body = json!({ "token": token }).to_string();
    assert_eq!(server.ask("POST", "/api/auth/confirm-email", JSON, &body).unwrap().0, 200);
    let body = json!({"username": name, "password": password}).to_string();
    let (status, tokens) = server.ask("POST", "/api/auth/login", JSON, &body).unwrap();
    assert_eq!(status, 200, "{tokens}");
    format!("Authorization: Bearer {}\r\n", json(&tokens)["access_token"].as_str().unwrap())
}

fn redis_state(server: &Server) -> String {
    let (status, body) = server.ask("GET", "/readyz", "", "").unwrap();
    assert_eq!(status, 200, "{body}");
    json(&body)["redis"].as_str().unwrap().to_owned()
}

/// A server with such a Redis, two people who are signed in, and writers at work.
fn stage(redis: &RedisServer) -> (Server, Vec<String>, Ledger) {
    let url = redis.url();
    let mut settings = CALM.to_vec();
    settings.push(("REDIS_URL", &url));
    let server = Server::with(&settings);
    let mut auths = ledger::writers(&server, 4);
    let ledger = Ledger::open(&[server.address()], &auths.split_off(2));
    (server, auths, ledger)
}

/// Works for a while as a client does; every answer must be a good one. How many there were.
fn work(server: &Server, auth: &str, time: Duration) -> usize {
    let end = Instant::now() + time;
    let mut answers = 0;
    while Instant::now() < end {
        let (status, body) = server.ask("GET", "/api/users/me", auth, "").unwrap();
        assert_eq!(status, 200, "{body}");
        let headers = format!("{auth}{JSON}");
        let contact = json!({ "first_name": format!("Number {answers}") }).to_string();
        let (status, body) = server.ask("POST", "/api/contacts", &headers, &contact).unwrap();
        assert_eq!(status, 201, "{body}");
        answers += 2;
    }
    answers
}

/// Changes the name, and sees at once that it is changed; how long the change took.
fn rename(server: &Server, auth: &str, name: &str) -> Duration {
    let began = Instant::now();
    let body = json!({ "username": name }).to_string();
    let (status, report) =
        server.ask("PATCH", "/api/users/me", &format!("{auth}{JSON}"), &body).unwrap();
    assert_eq!(status, 200, "{report}");
    let took = began.elapsed();
    let (_, me) = server.ask("GET", "/api/users/me", auth, "").unwrap();
    assert_eq!(json(&me)["username"], name, "stale");
    took
}

fn cached(redis: &RedisServer) -> Vec<String> {
    let mut connection = redis.connection();
    ::redis::cmd("KEYS").arg("*cu:*").query(&mut connection).unwrap()
}

#[test]
fn redis_killed_and_started_again_gives_no_error_and_the_cache_comes_back() {
    let mut redis = RedisServer::start();
    let (server, auths, ledger) = stage(&redis);
    let auth = &auths[0];
    assert_eq!(redis_state(&server), "ok");
    assert!(work(&server, auth, Duration::from_secs(1)) > 0);

    redis.kill();
    assert!(work(&server, auth, Duration::from_secs(3)) > 2, "slow without Redis");
    assert_eq!(redis_state(&server), "down");
    // Writes that the cache has to hear of work as well.
    rename(&server, auth, "anna");

    redis.restart();
    let deadline = Instant::now() + Duration::from_secs(10);
    while cached(&redis).is_empty() {
        assert!(Instant::now() < deadline, "the cache did not come back: {}", server.log());
        work(&server, auth, Duration::from_millis(100));
    }
    assert_eq!(redis_state(&server), "ok");
    let balance = ledger.close(server.address());
    balance.check("Redis killed, started again", "no error in between");
    assert_eq!((balance.refused, balance.cut), (0, 0));
}

#[test]
fn a_hanging_redis_gives_no_error() {
    let redis = RedisServer::start();
    let (server, auths, ledger) = stage(&redis);
    redis.hang();
    assert!(work(&server, &auths[0], Duration::from_secs(4)) > 4, "slow while Redis hangs");
    // Until no look-up can find the old name in Redis any more.
    let took = rename(&server, &auths[0], "anna");
    redis.go_on();
    work(&server, &auths[0], Duration::from_secs(1));
    let balance = ledger.close(server.address());
    let report = format!("no error in between; a rename took {:.1} s", took.as_secs_f64());
    balance.check("Redis hung", &report);
    assert_eq!((balance.refused, balance.cut), (0, 0));
}

#[test]
fn a_flushed_redis_is_filled_again_and_nothing_is_stale() {
    let redis = RedisServer::start();
    let (server, auths, ledger) = stage(&redis);
    let mut connection = redis.connection();
    for round in 0..20 {
        rename(&server, &auths[0], &format!("anna{round}"));
        ::redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
        ::redis::cmd("SCRIPT").arg("FLUSH").exec(&mut connection).unwrap();
        rename(&server, &auths[0], &format!("annb{round}"));
    }
    let balance = ledger.close(server.address());
    balance.check("Redis flushed 20 times, its scripts too", "40 renames, each seen at once");
    assert_eq!((balance.refused, balance.cut), (0, 0));
}

#[test]
fn an_old_dump_revives_nothing() {
    let mut redis = RedisServer::start();
    let (server, auths, ledger) = stage(&redis);
    work(&server, &auths[0], Duration::from_millis(300));
    assert!(!cached(&redis).is_empty());
    ::redis::cmd("SAVE").exec(&mut redis.connection()).unwrap();
    redis.kill();
    rename(&server, &auths[0], "anna");
    let logout = server.ask("POST", "/api/auth/logout", &auths[1], "").unwrap();
    assert_eq!(logout.0, 204);
    redis.restart();
    assert!(!cached(&redis).is_empty(), "the dump was not read");
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        let (status, me) = server.ask("GET", "/api/users/me", &auths[0], "").unwrap();
        assert_eq!((status, &json(&me)["username"]), (200, &json!("anna")));
        assert_eq!(server.ask("GET", "/api/users/me", &auths[1], "").unwrap().0, 401);
    }
    assert_eq!(redis_state(&server), "ok");
    let balance = ledger.close(server.address());
    balance.check("Redis restored from an old dump", "old name, ended session: seen 0 times");
    assert_eq!((balance.refused, balance.cut), (0, 0));
}

#[test]
fn a_full_redis_gives_no_error_and_nothing_stale() {
    let redis = RedisServer::start();
    let (server, auths, ledger) = stage(&redis);
    work(&server, &auths[0], Duration::from_millis(300));
    let mut connection = redis.connection();
    let mut set = |name: &str, value: &str| {
        ::redis::cmd("CONFIG").arg("SET").arg(name).arg(value).exec(&mut connection).unwrap();
    };
    set("maxmemory-policy", "noeviction");
    set("maxmemory", "1");
    let mut slowest = Duration::ZERO;
    for round in 0..5 {
        slowest = slowest.max(rename(&server, &auths[0], &format!("anna{round}")));
        work(&server, &auths[0], Duration::from_millis(300));
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    set("maxmemory", "0");
    rename(&server, &auths[0], "anna");
    let balance = ledger.close(server.address());
    let report = format!("no error; slowest rename {:.2} s", slowest.as_secs_f64());
    balance.check("Redis out of memory (noeviction)", &report);
    assert_eq!((balance.refused, balance.cut), (0, 0));
}
