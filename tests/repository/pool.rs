//! The pool, transactions and migrations.

use crate::world::{PASSWORD, World, config, unique_name, variable};
use contactd::db::{self, Pool, Tx};
use contactd::error::{Error, Result};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, mpsc};
use std::time::{Duration, Instant};

/// A pool in a schema of its own, without tables.
fn pool() -> Pool {
    let name = unique_name();
    let mut client =
        postgres::Client::connect(&variable("TEST_DATABASE_URL"), postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
    Pool::new(&config(&name)).unwrap()
}

fn one(pool: &Pool) -> Result<i32> {
    pool.read(|db| Ok(db.query_one("SELECT 1", &[])?.get(0)))
}

#[test]
fn migrations_run_once_also_when_replicas_start_at_once() {
    let pool = pool();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sql")).unwrap().count();
    assert_eq!(pool.read(db::migrations::check).unwrap(), files);
    let applied: usize = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| pool.write(db::migrations::migrate).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(applied, files);
    assert_eq!(pool.read(db::migrations::check).unwrap(), 0);
    assert_eq!(pool.write(db::migrations::migrate).unwrap(), 0);
}

#[test]
fn an_edited_old_migration_and_a_newer_database_are_noticed() {
    let pool = pool();
    pool.write(db::migrations::migrate).unwrap();
    pool.write(|db| db.batch("INSERT INTO migrations VALUES ('999_later', '')")).unwrap();
    let report = pool.write(db::migrations::migrate).unwrap_err().to_string();
    assert!(report.contains("newer version"), "{report}");
    pool.write(|db| db.batch("DELETE FROM migrations WHERE name = '999_later'")).unwrap();
    pool.write(|db| db.batch("UPDATE migrations SET checksum = 'x'")).unwrap();
    let report = pool.write(db::migrations::migrate).unwrap_err().to_string();
    assert!(report.contains("001_schema was changed"), "{report}");
}

/// Else writers that meet would fail, each but one, where the operator set another one for the database.
#[test]
fn transactions_see_what_is_committed_whatever_the_database_says() {
    let mut config = config(&unique_name());
    config.postgres.options("-c default_transaction_isolation=serializable");
    let pool = Pool::new(&config).unwrap();
    let level = pool.transaction(|tx| tx.query_one("SHOW transaction_isolation", &[]));
    assert_eq!(level.unwrap().get::<_, String>(0), "read committed");
}

#[test]
fn a_statement_is_prepared_once_per_connection() {
    let world = World::with(|config| config.db_pool_size = 1);
    for _ in 0..3 {
        world.app.db.read(|db| db.query("SELECT 42", &[])).unwrap();
    }
    let prepared: i64 =
        world.sql("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT 42'");
    assert_eq!(prepared, 1);
}

#[test]
fn a_connection_keeps_a_bounded_number_of_statements() {
    let world = World::with(|config| config.db_pool_size = 1);
    for number in 0..250 {
        let sql = format!("SELECT {number}");
        let row = world.app.db.read(|db| db.query_one(&sql, &[])).unwrap();
        assert_eq!(row.get::<_, i32>(0), number);
    }
    let kept: i64 = world.sql("SELECT count(*) FROM pg_prepared_statements");
    assert!((1..=101).contains(&kept), "{kept}");
}

#[test]
fn connections_that_broke_are_replaced_and_a_read_is_tried_again() {
    // In the words of this test, since others have statements in the same Postgres.
    const SLEEP: &str = "SELECT pg_sleep(0.3) AS until_it_breaks";
    let world = World::new();
    let pool = &world.app.db;
    // Four connections, all of them used.
    let all = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let query = |db: &mut db::Conn| {
                all.wait();
                db.query(SLEEP, &[])
            };
            scope.spawn(move || pool.read(query).unwrap());
        }
    });
    let mut other =
        postgres::Client::connect(&variable("TEST_DATABASE_URL"), postgres::NoTls).unwrap();
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query = $1";
    let killed: i64 = other.query_one(sql, &[&SLEEP]).unwrap().get(0);
    assert_eq!(killed, 4);
    assert_eq!(one(pool).unwrap(), 1, "a read is tried again on a live connection");
    for _ in 0..8 {
        pool.transaction(|tx| tx.query("SELECT 1", &[]).map(|_| ())).unwrap();
    }
}

#[test]
fn a_check_out_waits_a_second_and_a_statement_five() {
    let world = World::with(|config| config.db_pool_size = 1);
    let pool = &world.app.db;
    let (begun, has_begun) = mpsc::channel();
    std::thread::scope(|scope| {
        let slow = scope.spawn(move || {
            let began = Instant::now();
            let result = pool.read(|db| {
                begun.send(()).unwrap();
                db.query("SELECT pg_sleep(8)", &[])
            });
            assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
            began.elapsed()
        });
        has_begun.recv().unwrap();
        let began = Instant::now();
        assert!(matches!(one(pool), Err(Error::Unavailable(_))));
        let waited = began.elapsed();
        assert!(
            (Duration::from_millis(900)..Duration::from_millis(4_500)).contains(&waited),
            "{waited:?}"
        );
        let ran = slow.join().unwrap();
        assert!((Duration::from_secs(4)..Duration::from_secs(8)).contains(&ran), "{ran:?}");
    });
    assert_eq!(one(pool).unwrap(), 1);
}

#[test]
fn a_transaction_is_all_or_nothing() {
    let pool = pool();
    pool.write(|db| db.batch("CREATE TABLE t (n integer CONSTRAINT t_n_key UNIQUE)")).unwrap();
    let count =
        || pool.read(|db| Ok(db.query_one("SELECT count(*) FROM t", &[])?.get::<_, i64>(0)));
    let failed = pool.transaction(|tx| {
        tx.execute("INSERT INTO t VALUES (1)", &[])?;
        Err::<(), _>(Error::NotFound)
    });
    assert!(matches!(failed, Err(Error::NotFound)));
    assert_eq!(count().unwrap(), 0);
    // Postgres would answer this COMMIT with a rollback and call it success.
    let swallowed = pool.transaction(|tx: &mut Tx| {
        tx.execute("INSERT INTO t VALUES (1)", &[])?;
        let _ = tx.execute("INSERT INTO t VALUES (1)", &[]);
        Ok(())
    });
    assert!(swallowed.is_err());
    assert_eq!(count().unwrap(), 0);
    pool.transaction(|tx| tx.execute("INSERT INTO t VALUES (2)", &[]).map(|_| ())).unwrap();
    assert_eq!(count().unwrap(), 1);
}

#[test]
fn a_transaction_that_cannot_begin_here_begins_on_another_connection() {
    let mut config = config(&unique_name());
    config.db_pool_size = 1;
    let pool = Pool::new(&config).unwrap();
    let id = |db: &mut db::Conn| -> Result<i32> {
        Ok(db.query_one("SELECT pg_backend_pid()", &[])?.get(0))
    };
    let spoilt = pool.write(|db| {
        let own = id(db)?;
        db.batch("BEGIN")?;
        assert!(db.batch("SELECT 1 / 0").is_err()); // from now on it takes no BEGIN
        Ok(own)
    });
    let began = pool.transaction(|tx| id(tx));
    assert_ne!(began.unwrap(), spoilt.unwrap());
}

#[test]
fn a_connection_to_a_server_that_became_read_only_is_given_up() {
    let world = World::with(|config| config.db_pool_size = 1);
    let pool = &world.app.db;
    // As after a failover, when the old primary follows the new one.
    pool.write(|db| db.batch("SET default_transaction_read_only = on")).unwrap();
    let write = || pool.write(|db| db.execute("DELETE FROM sessions", &[]));
    assert!(matches!(write(), Err(Error::Unavailable(_))));
    write().unwrap();
}

#[test]
fn an_error_tells_the_log_its_cause_but_no_data() {
    let pool = pool();
    pool.write(|db| db.batch("CREATE TABLE t (n text CONSTRAINT t_n_key UNIQUE)")).unwrap();
    let insert = || pool.write(|db| db.execute("INSERT INTO t VALUES ('personal data')", &[]));
    insert().unwrap();
    let report = insert().unwrap_err().to_string();
    assert!(report.contains("t_n_key") && !report.contains("personal data"), "{report}");
}

#[test]
fn a_lock_is_waited_for_two_seconds() {
    let world = World::new();
    let ann = world.user("ann");
    world
        .app
        .db
        .transaction(|tx| {
            contactd::repository::users::lock(tx, ann.id)?;
            let began = Instant::now();
            let rename =
                |db: &mut db::Conn| contactd::repository::users::set_username(db, ann.id, "x");
            assert!(matches!(world.app.db.write(rename), Err(Error::Unavailable(_))));
            assert!((1..5).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_transaction_that_idled_too_long_may_be_tried_again() {
    let pool = pool();
    let slow = pool.transaction(|tx| {
        tx.batch("SET LOCAL idle_in_transaction_session_timeout = '50ms'")?;
        std::thread::sleep(Duration::from_millis(500));
        tx.batch("SELECT 1")
    });
    assert!(matches!(slow, Err(Error::Unavailable(_))), "{slow:?}");
    assert_eq!(one(&pool).unwrap(), 1);
}

#[test]
fn who_searches_slowly_has_one_connection_and_others_have_theirs() {
    let world = World::new();
    let search = |owner: i64, seconds: &str| {
        let sql = format!("SELECT pg_sleep({seconds})");
        world.app.search_book(owner, |db| db.query(&sql, &[]).map(|_| ())).unwrap();
    };
    // How many of two searches are at work at once: each waits a second for the other.
    let at_once = |owner: i64| {
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let meet = |db: &mut db::Conn| {
            let began = Instant::now();
            most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
            while most.load(SeqCst) < 2 && began.elapsed() < Duration::from_secs(1) {
                std::thread::sleep(Duration::from_millis(5));
            }
            db.query("SELECT pg_sleep(0.3)", &[])?;
            inside.fetch_sub(1, SeqCst);
            Ok(())
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| world.app.search_book(owner, meet).unwrap());
            }
        });
        most.into_inner()
    };
    assert_eq!(at_once(1), 2, "the first ones are not held up");
    assert_eq!(at_once(1), 1, "after that one at a time");
    assert_eq!(at_once(2), 2, "each owner by itself");
    search(1, "0");
    assert_eq!(at_once(1), 1, "a quick one in between is no sign");
    // One waits for its turn, and more of them for a moment: each of them holds a thread.
    let ((begun, has_begun), (go, may_go)) = (mpsc::channel(), mpsc::channel::<()>());
    std::thread::scope(|scope| {
        let app = &world.app;
        scope.spawn(move || {
            app.search_book(1, |_| {
                begun.send(()).unwrap();
                may_go.recv().unwrap();
                Ok(())
            })
        });
        has_begun.recv().unwrap();
        let waits = [(); 2].map(|()| {
            scope.spawn(move || {
                let began = Instant::now();
                let refused = app.search_book(1, |_| Ok(()));
                assert!(matches!(refused, Err(Error::Unavailable(_))));
                began.elapsed()
            })
        });
        let mut waits = waits.map(|it| it.join().unwrap());
        waits.sort();
        let second = Duration::from_secs(1);
        assert!(waits[0] < second && waits[1] > second, "{waits:?}");
        go.send(()).unwrap();
    });
}

/// Each of its statements is quick, so Postgres would let it go on for ever.
#[test]
fn a_transaction_of_many_statements_ends_in_time_and_leaves_nothing() {
    let pool = pool();
    pool.write(|db| db.batch("CREATE TABLE t (n int)")).unwrap();
    let began = Instant::now();
    let endless = pool.transaction_within(Duration::from_millis(200), |tx| {
        while began.elapsed() < Duration::from_secs(20) {
            tx.execute("INSERT INTO t VALUES (1)", &[])?;
        }
        Ok(())
    });
    assert!(matches!(endless, Err(Error::Unavailable(_))), "{endless:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // Neither the rows nor the end stay with the connection.
    let count = || -> Result<i64> {
        pool.read(|db| Ok(db.query_one("SELECT count(*) FROM t", &[])?.get(0)))
    };
    assert_eq!(count().unwrap(), 0);
    let insert = |tx: &mut Tx| tx.execute("INSERT INTO t VALUES (2)", &[]);
    // Who asked all in time may commit, however late.
    let late = pool.transaction_within(Duration::from_millis(200), |tx| {
        insert(tx)?;
        std::thread::sleep(Duration::from_millis(300));
        Ok(())
    });
    assert!(late.is_ok(), "{late:?}");
    assert_eq!(pool.transaction(insert).unwrap(), 1);
    assert_eq!(count().unwrap(), 2);
}

#[test]
fn a_role_that_may_not_change_the_schema_can_serve() {
    let world = World::new();
    let schema = world.sql::<String>("SELECT current_schema()::text");
    let role = format!("r_{schema}");
    let grant = format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {schema} TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};"
    );
    world.app.db.write(|db| db.batch(&grant)).unwrap();
    let mut config = world.app.config.clone();
    config.postgres.options(&format!("-c search_path={schema} -c role={role}"));
    let served = world.replica_of(config);
    assert!(served.app.db.write(|db| db.batch("CREATE TABLE x (y int)")).is_err());
    assert_eq!(served.app.db.write(contactd::db::migrations::migrate).unwrap(), 0);
    let ann = served.user("ann");
    ann.post("/api/contacts", serde_json::json!({"first_name": "Bob"})).expect(201);
    ann.delete_with("/api/users/me", serde_json::json!({"password": PASSWORD})).expect(204);
    contactd::worker::purge(&served.app).unwrap();
    let end = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    world.app.db.write(|db| db.batch(&end)).unwrap();
}

/// Each answer has six seconds, and not the connection.
#[test]
fn a_connection_outlives_the_time_for_an_answer() {
    let mut config = config("public");
    config.db_pool_size = 1;
    let pool = Pool::new(&config).unwrap();
    // Postgres thinks for a moment, so that its answer is waited for.
    let sql = "SELECT pg_backend_pid() FROM pg_sleep(0.2)";
    let pid = || pool.read(|db| Ok(db.query_one(sql, &[])?.get::<_, i32>(0))).unwrap();
    let first = pid();
    std::thread::sleep(Duration::from_millis(6_200));
    assert_eq!(pid(), first);
}
