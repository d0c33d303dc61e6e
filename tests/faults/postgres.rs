//! Postgres goes away and comes back.

use crate::ledger::{self, CALM, Ledger};
use crate::postgres_server::PostgresServer;
use crate::redis_server::RedisServer;
use crate::server::{Server, exchange};
use crate::world::unique_name;
use std::time::{Duration, Instant};

/// How soon a request is answered that finds no Postgres: a second for the connection, and the
/// slowness of a test.
const AWAY: Duration = Duration::from_secs(4);

struct Stage {
    postgres: PostgresServer,
    _redis: RedisServer,
    server: Server,
    ledger: Ledger,
    auth: String,
}

/// A server with stores of its own, and writers at work.
fn stage() -> Stage {
    let (postgres, redis) = (PostgresServer::start(), RedisServer::start());
    let (database, cache) = (postgres.url(), redis.url());
    let mut settings = CALM.to_vec();
    settings.extend([("DATABASE_URL", database.as_str()), ("REDIS_URL", cache.as_str())]);
    let server = Server::in_schema(&unique_name(), &settings);
    let auths = ledger::writers(&server, 3);
    let ledger = Ledger::open(&[server.address()], &auths);
    ledger.write_more(20);
    Stage { postgres, _redis: redis, server, ledger, auth: auths[0].clone() }
}

/// The answer to every client while Postgres is away: quick, and with the time to come again.
fn expect_unavailable(server: &Server, auth: &str, within: Duration) {
    let paths = ["/api/healthchecker", "/readyz", "/api/contacts", "/api/contacts/1"];
    for path in paths {
        let began = Instant::now();
        let answer = exchange(server.address(), "GET", path, auth, "").unwrap();
        let took = began.elapsed();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{path}: {answer}");
        assert!(answer.contains("\r\nRetry-After: "), "{path}: {answer}");
        assert!(took < within, "{path}: {took:?}");
    }
    assert_eq!(server.ask("GET", "/healthz", "", "").unwrap().0, 200);
}

/// It serves again by itself; how long that took.
fn expect_service(stage: &Stage) -> Duration {
    let took = stage.ledger.until_all_write();
    for path in ["/api/healthchecker", "/readyz"] {
        let (status, body) = stage.server.ask("GET", path, "", "").unwrap();
        assert_eq!(status, 200, "{path}: {body}");
    }
    took
}

fn close(stage: Stage, fault: &str, back: Duration) {
    let balance = stage.ledger.close(stage.server.address());
    balance.check(fault, &format!("writes again {:.2} s after it", back.as_secs_f64()));
}

#[test]
fn postgres_stopped_at_once_loses_nothing() {
    let mut stage = stage();
    stage.postgres.stop_at_once();
    expect_unavailable(&stage.server, &stage.auth, AWAY);
    let named = format!("{}X-Request-Id: look-for-me\r\n", stage.auth);
    stage.server.ask("GET", "/api/contacts", &named, "").unwrap();
    stage.postgres.restart();
    let back = expect_service(&stage);
    // The client hears a fixed sentence; the whole story is in the log.
    let log = stage.server.log_with("request_id=look-for-me");
    let report = |line: &str| line.contains(" WARN ") && line.ends_with("request_id=look-for-me");
    assert!(log.lines().any(report), "{log}");
    close(stage, "Postgres stopped at once, started again", back);
}

#[test]
fn postgres_killed_loses_nothing() {
    let mut stage = stage();
    stage.postgres.kill();
    expect_unavailable(&stage.server, &stage.auth, AWAY);
    stage.postgres.restart();
    let back = expect_service(&stage);
    close(stage, "Postgres killed -9, started again", back);
}

#[test]
fn a_hanging_postgres_loses_nothing_and_is_told_of() {
    let stage = stage();
    stage.postgres.hang();
    // A statement that was sent is waited for (6 s), until it would have been over long ago.
    expect_unavailable(&stage.server, &stage.auth, Duration::from_secs(10));
    expect_unavailable(&stage.server, &stage.auth, AWAY);
    stage.postgres.go_on();
    let back = expect_service(&stage);
    close(stage, "Postgres hung (SIGSTOP), went on", back);
}

#[test]
fn connections_that_are_terminated_all_the_time_lose_nothing() {
    let stage = stage();
    let mut client = stage.postgres.client();
    let mut terminated = 0;
    let (end, last) = (Duration::from_secs(3), Duration::from_secs(60));
    let began = Instant::now();
    while began.elapsed() < end || (terminated <= 10 && began.elapsed() < last) {
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
            WHERE application_name = 'contactd'";
        terminated += client.query_one(sql, &[]).unwrap().get::<_, i64>(0);
        std::thread::sleep(Duration::from_millis(100));
    }
    let back = expect_service(&stage);
    assert!(terminated > 10, "{terminated}");
    close(stage, &format!("connections terminated every 100 ms ({terminated})"), back);
}
