//! A primary with a synchronous standby: the primary dies, the standby takes over.

use crate::ledger::{self, CALM, Ledger};
use crate::postgres_server::PostgresServer;
use crate::server::Server;
use crate::world::unique_name;
use std::time::{Duration, Instant};

/// A primary, its standby, and a server with the addresses of both.
fn stage() -> (PostgresServer, PostgresServer, Server, Vec<String>) {
    let primary = PostgresServer::start();
    let standby = primary.standby("b");
    primary.set("synchronous_standby_names = 'b'\n");
    primary.reload();
    let mut client = primary.client();
    let end = Instant::now() + Duration::from_secs(20);
    let sql = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    while client.query_one(sql, &[]).unwrap().get::<_, i64>(0) == 0 {
        assert!(Instant::now() < end, "the standby does not follow");
        std::thread::sleep(Duration::from_millis(20));
    }
    let url = PostgresServer::url_of(&[&primary, &standby]) + "?target_session_attrs=read-write";
    let mut settings = CALM.to_vec();
    settings.extend([("DATABASE_URL", url.as_str()), ("REDIS_URL", "")]);
    let server = Server::in_schema(&unique_name(), &settings);
    let auths = ledger::writers(&server, 3);
    (primary, standby, server, auths)
}

#[test]
fn failover_to_a_synchronous_standby_loses_nothing() {
    let (mut primary, standby, server, auths) = stage();
    let ledger = Ledger::open(&[server.address()], &auths);
    ledger.write_more(20);
    let killed = Instant::now();
    primary.kill();
    standby.promote();
    let promoted = killed.elapsed();
    ledger.until_all_write();
    let writes = killed.elapsed();
    let balance = ledger.close(server.address());
    let report = format!(
        "standby promoted {:.2} s after the kill, writes again {:.2} s after the kill",
        promoted.as_secs_f64(),
        writes.as_secs_f64()
    );
    balance.check("primary killed -9, synchronous standby promoted", &report);
    assert!(writes < Duration::from_secs(15), "{writes:?}");
}

/// Postgres itself would wait for ever for a standby that is gone, with the row's lock held.
#[test]
fn a_dead_standby_holds_writes_up_but_not_the_server() {
    let (primary, mut standby, server, auths) = stage();
    let ledger = Ledger::open(&[server.address()], &auths);
    ledger.write_more(20);
    standby.kill();
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(server.ask("GET", "/api/healthchecker", "", "").unwrap().0, 200);
    assert_eq!(server.ask("GET", "/api/contacts", &auths[0], "").unwrap().0, 200);
    let before = ledger.acknowledged();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(ledger.acknowledged(), before, "acknowledged without the standby");
    primary.set("synchronous_standby_names = ''\n");
    primary.reload();
    let back = ledger.until_all_write();
    let balance = ledger.close(server.address());
    let report =
        format!("reads went on; writes again {:.2} s after it was struck off", back.as_secs_f64());
    balance.check("synchronous standby killed -9", &report);
    assert!(balance.slowest < Duration::from_secs(10), "{:?}", balance.slowest);
}
