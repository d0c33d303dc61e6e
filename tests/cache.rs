//! The cache against real Redis: each step of the protocol, the limits, and what happens when
//! Redis forgets its scripts, hangs, dies, comes back, or comes back from an old dump.
//! `TEST_REDIS_URL` and `TEST_REDIS_SERVER` (the server's binary) come from `./dev test`.

#![cfg(test)]

use contactd::cache::{Asked, Cache, Counter, Load, Loaded, protocol};
use contactd::error::{Error, LimitState, Result};
use contactd::model::user::{CurrentUser, Role, User};
use redis_server::RedisServer;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::redis_server;

/// What the clock says in these tests.
fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// Authenticates what these tests keep in Redis.
fn secret() -> ring::hmac::Key {
    ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"a secret for tests")
}

fn user(id: i64, name: &str) -> CurrentUser {
    CurrentUser {
        user: User {
            id,
            username: name.to_owned(),
            email: format!("{name}@example.com"),
            role: Role::User,
            is_verified: true,
            is_active: true,
            avatar_key: None,
            created_at: chrono::DateTime::UNIX_EPOCH,
            language: None,
        },
        sessions: vec![1, 2],
        pages: Vec::new(),
        app_passwords: Vec::new(),
    }
}

/// The cache under test, a second replica of it, and a plain connection to look behind.
struct Stage {
    cache: Cache,
    other: Cache,
    redis: redis::Connection,
    prefix: String,
}

fn prefix() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("test:{}:{}:", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn stage_on(url: &str) -> Stage {
    let prefix = prefix();
    let cache = || Cache::new(Some(url), prefix.clone(), secret(), None).unwrap();
    let redis = redis::Client::open(url).unwrap().get_connection().unwrap();
    Stage { cache: cache(), other: cache(), redis, prefix }
}

fn stage() -> Stage {
    stage_on(&support::world::variable("TEST_REDIS_URL"))
}

impl Stage {
    fn key(&mut self) -> String {
        let info: String = redis::cmd("INFO").arg("server").query(&mut self.redis).unwrap();
        let run_id = info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap();
        format!("{}cu:{}:7", self.prefix, run_id.trim())
    }

    fn value(&mut self) -> Option<String> {
        let key = self.key();
        redis::cmd("GET").arg(key).query(&mut self.redis).unwrap()
    }

    fn life_ms(&mut self) -> i64 {
        let key = self.key();
        redis::cmd("PTTL").arg(key).query(&mut self.redis).unwrap()
    }

    fn command(&mut self, words: &[&str]) {
        redis::cmd(words[0]).arg(&words[1..]).exec(&mut self.redis).unwrap();
    }
}

/// A settled load of ann under this name.
fn found(name: &str) -> impl FnOnce(Load) -> Result<Loaded> + use<> {
    let user = user(7, name);
    move |_| Ok(Loaded { user: Some(user), settled: true })
}

fn never(_: Load) -> Result<Loaded> {
    panic!("the database was asked")
}

/// The user with the id 7, for a request that counts against these.
fn current(
    cache: &Cache,
    counters: &[Counter],
    load: impl FnOnce(Load) -> Result<Loaded>,
) -> (Result<Option<CurrentUser>>, Vec<LimitState>) {
    let asked = Asked { user: Some(7), counters };
    let (looked_up, limits) = cache.look_up(&[asked], now()).remove(0);
    (cache.finish(looked_up, load), limits)
}

fn name(cache: &Cache, load: impl FnOnce(Load) -> Result<Loaded>) -> String {
    current(cache, &[], load).0.unwrap().unwrap().user.username
}

#[test]
fn a_user_is_loaded_once_and_then_served_to_all_replicas_for_ten_seconds() {
    let mut stage = stage();
    assert_eq!(name(&stage.cache, found("ann")), "ann");
    assert_eq!(name(&stage.cache, never), "ann");
    assert_eq!(name(&stage.other, never), "ann");
    assert_eq!(current(&stage.other, &[], never).0.unwrap(), Some(user(7, "ann")));
    assert!((9_000..=10_000).contains(&stage.life_ms()));
}

#[test]
fn several_requests_are_looked_up_together_and_finished_one_by_one() {
    let stage = stage();
    name(&stage.cache, found("ann"));
    let (me, all) = ([counter("me:7", 5, 60)], [counter("me:7", 5, 60), counter("all", 9, 60)]);
    let asked = [
        Asked { user: Some(7), counters: &me },
        Asked { user: None, counters: &all },
        Asked { user: None, counters: &[] },
        Asked { user: Some(8), counters: &all },
        Asked { user: Some(8), counters: &[] },
    ];
    let (looked_up, limits): (Vec<_>, Vec<_>) =
        stage.cache.look_up(&asked, now()).into_iter().unzip();
    let remaining = |one: &Vec<LimitState>| one.iter().map(|limit| limit.remaining).collect();
    let remaining: Vec<Vec<u64>> = limits.iter().map(remaining).collect();
    assert_eq!(remaining, [vec![4], vec![3, 8], vec![], vec![2, 7], vec![]]);
    let load = |purpose| {
        let version = if purpose == Load::ToFill { "first" } else { "second" };
        Ok(Loaded { user: Some(user(8, version)), settled: true })
    };
    let users = looked_up.into_iter().map(|one| stage.cache.finish(one, load).unwrap());
    let names: Vec<_> = users.map(|user| user.map(|user| user.user.username)).collect();
    let expected = [Some("ann"), None, None, Some("first"), Some("second")];
    assert_eq!(names, expected.map(|name| name.map(str::to_owned)));
    assert!(stage.cache.look_up(&[], now()).is_empty());
}

#[test]
fn while_one_reader_loads_others_load_for_themselves_and_fill_nothing() {
    let mut stage = stage();
    name(&stage.cache, |purpose| {
        assert_eq!(purpose, Load::ToFill);
        let second = name(&stage.other, |purpose| {
            assert_eq!(purpose, Load::ToAnswer);
            found("second")(purpose)
        });
        assert_eq!(second, "second");
        found("first")(purpose)
    });
    assert!((9_000..=10_000).contains(&stage.life_ms()));
    assert_eq!(name(&stage.other, never), "first");
}

#[test]
fn a_lease_lives_two_seconds_and_without_it_nothing_is_filled() {
    let mut stage = stage();
    let key = stage.key();
    let Stage { cache, other, redis, .. } = &mut stage;
    name(cache, |purpose| {
        let life: i64 = redis::cmd("PTTL").arg(&key).query(redis).unwrap();
        assert!((1_500..=2_000).contains(&life), "{life}");
        redis::cmd("DEL").arg(&key).exec(redis).unwrap();
        assert_eq!(name(other, found("new")), "new");
        found("old")(purpose)
    });
    assert_eq!(name(&stage.cache, never), "new");
}

#[test]
fn what_was_loaded_beside_a_writer_or_not_found_is_not_filled() {
    let mut stage = stage();
    name(&stage.cache, |_| Ok(Loaded { user: Some(user(7, "ann")), settled: false }));
    assert!(stage.value().unwrap().starts_with('L'));
    let key = stage.key();
    stage.command(&["DEL", &key]);
    let nobody = |_| Ok(Loaded { user: None, settled: true });
    assert_eq!(current(&stage.cache, &[], nobody).0.unwrap(), None);
    assert!(stage.value().unwrap().starts_with('L'));
}

#[test]
fn a_failed_load_is_an_error_and_its_requests_are_counted() {
    let stage = stage();
    let counter = counter("a", 9, 60);
    let fail = |_| Err(Error::Unavailable("no database".to_owned()));
    let (answer, _) = current(&stage.cache, std::slice::from_ref(&counter), fail);
    assert!(matches!(answer, Err(Error::Unavailable(_))));
    assert_eq!(stage.cache.peek(&[counter])[0].remaining, 8);
}

#[test]
fn a_writer_raises_a_tombstone_before_its_commit_and_takes_it_away_after() {
    let mut stage = stage();
    name(&stage.cache, found("old"));
    let key = stage.key();
    let Stage { cache, other, redis, .. } = &mut stage;
    let answer = cache.write(&[7, 8], |fence| {
        let (value, life): (String, i64) =
            redis::pipe().cmd("GET").arg(&key).cmd("PTTL").arg(&key).query(redis).unwrap();
        assert!(value.starts_with('T') && (29_000..=30_000).contains(&life));
        assert_eq!(name(other, found("during")), "during");
        fence.raise(&[7])?;
        let again: String = redis::cmd("GET").arg(&key).query(redis).unwrap();
        assert_eq!(again, value);
        Ok(5)
    });
    assert_eq!(answer.unwrap(), 5);
    assert_eq!(stage.value(), None);
    assert_eq!(name(&stage.other, found("new")), "new");
    assert_eq!(name(&stage.cache, never), "new");
}

#[test]
fn ids_found_in_the_transaction_are_fenced_from_then_on() {
    let mut stage = stage();
    name(&stage.cache, found("old"));
    let answer = stage.cache.write(&[], |fence| {
        assert_eq!(name(&stage.other, never), "old");
        fence.raise(&[7])?;
        assert_eq!(name(&stage.other, found("now")), "now");
        Ok(())
    });
    answer.unwrap();
    assert_eq!(stage.value(), None);
}

#[test]
fn a_reader_that_selected_before_the_commit_cannot_fill_after_it() {
    let mut stage = stage();
    name(&stage.cache, |purpose| {
        stage.other.write(&[7], |_| Ok(())).unwrap();
        found("old")(purpose)
    });
    assert_eq!(stage.value(), None);
}

#[test]
fn a_tombstone_stands_until_the_last_of_its_writers_is_done() {
    let mut stage = stage();
    let key = stage.key();
    let Stage { cache, other, redis, .. } = &mut stage;
    let inside = cache.write(&[7], |_| {
        other.write(&[7], |_| Ok(()))?;
        let value: String = redis::cmd("GET").arg(&key).query(redis).unwrap();
        assert!(value.starts_with('T'));
        let life: i64 = redis::cmd("PTTL").arg(&key).query(redis).unwrap();
        assert!(life > 29_000);
        name(other, |purpose| {
            assert_eq!(purpose, Load::ToAnswer);
            found("ann")(purpose)
        });
        Ok(())
    });
    inside.unwrap();
    assert_eq!(stage.value(), None);
}

#[test]
fn a_transaction_that_fails_takes_its_tombstone_away_and_one_that_panics_leaves_it() {
    let mut stage = stage();
    let failed: Result<()> = stage.cache.write(&[7], |_| Err(Error::NotFound));
    assert!(matches!(failed, Err(Error::NotFound)));
    assert_eq!(stage.value(), None);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _: Result<()> = stage.cache.write(&[7], |_| panic!("as a crash would"));
    }));
    assert!(panicked.is_err());
    assert!(stage.value().unwrap().starts_with('T'));
}

#[test]
fn the_cached_value_has_no_secret_and_nothing_unknown() {
    let mut stage = stage();
    name(&stage.cache, found("ann"));
    let value = stage.value().unwrap();
    // Behind the tag, its HMAC and the instant.
    let json = value.strip_prefix("U3").unwrap()[43..].split_once(' ').unwrap().1;
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let members = |value: &serde_json::Value| {
        value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(members(&json), "app_passwords pages sessions user");
    assert_eq!(
        members(&json["user"]),
        "avatar_key created_at email id is_active is_verified language role username"
    );
}

#[test]
fn a_redis_that_is_full_still_ends_old_values() {
    let server = RedisServer::start();
    let mut stage = stage_on(&server.url());
    name(&stage.cache, found("old"));
    stage.command(&["CONFIG", "SET", "maxmemory", "1"]);
    stage.cache.write(&[7], |_| Ok(())).unwrap();
    assert_eq!(stage.value(), None);
    assert_eq!(name(&stage.cache, found("new")), "new");
    assert_eq!(stage.cache.status(), "down");
}

#[test]
fn redis_forgetting_its_scripts_is_not_noticed() {
    let server = RedisServer::start();
    let mut stage = stage_on(&server.url());
    name(&stage.cache, |purpose| {
        redis::cmd("SCRIPT").arg("FLUSH").exec(&mut stage.redis).unwrap();
        found("ann")(purpose)
    });
    stage.command(&["SCRIPT", "FLUSH"]);
    assert_eq!(name(&stage.cache, never), "ann");
    stage.command(&["SCRIPT", "FLUSH"]);
    stage.cache.write(&[7], |_| Ok(())).unwrap();
    assert_eq!(stage.value(), None);
}

#[test]
fn a_dead_redis_costs_nothing_and_one_that_comes_back_is_used_again() {
    let mut server = RedisServer::start();
    let stage = stage_on(&server.url());
    let counter = counter("a", 2, 60);
    let count = || stage.cache.count(std::slice::from_ref(&counter))[0];
    name(&stage.cache, found("ann"));
    assert_eq!(stage.cache.status(), "ok");
    server.kill();
    assert_eq!(stage.cache.status(), "down");
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(name(&stage.cache, found("database")), "database");
        stage.cache.write(&[7], |fence| fence.raise(&[7])).unwrap();
    }
    assert_eq!((count().remaining, count().exceeded, count().exceeded), (1, false, true));
    // A try a call, of a tenth of a second each, would take twenty seconds.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    server.restart();
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(name(&stage.cache, found("back")), "back");
    assert_eq!(name(&stage.cache, never), "back");
    assert_eq!(stage.cache.status(), "ok");
}

#[test]
fn a_redis_restored_from_an_old_dump_revives_nothing() {
    let mut server = RedisServer::start();
    let mut stage = stage_on(&server.url());
    name(&stage.cache, found("old"));
    let old_key = stage.key();
    stage.command(&["SAVE"]);
    stage.cache.write(&[7], |_| Ok(())).unwrap();
    server.kill();
    server.restart();
    stage.redis = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let old: Option<String> = redis::cmd("GET").arg(&old_key).query(&mut stage.redis).unwrap();
    assert!(old.unwrap().contains("old"), "the dump did bring the old value back");
    assert_eq!(name(&stage.other, found("new")), "new");
    assert_eq!(name(&stage.cache, found("new")), "new");
}

#[test]
fn connections_that_redis_closed_are_replaced_without_a_failure() {
    let server = RedisServer::start();
    let mut stage = stage_on(&server.url());
    name(&stage.cache, found("ann"));
    stage.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    assert_eq!(name(&stage.cache, never), "ann");
}

/// A wire to a Redis that is cut before the next script, if `cuts`.
fn cutter(to: String, cuts: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, server) = (client.unwrap(), TcpStream::connect(&to).unwrap());
            let (mut from, mut into) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut into));
            let (cuts, mut server) = (Arc::clone(&cuts), server);
            std::thread::spawn(move || {
                let mut part = [0; 65536];
                while let Ok(got @ 1..) = client.read(&mut part) {
                    let is_script = part[..got].windows(7).any(|it| it == b"EVALSHA");
                    if is_script && cuts.swap(false, Ordering::Relaxed) {
                        let _ = client.shutdown(Shutdown::Both);
                        return;
                    }
                    server.write_all(&part[..got]).unwrap();
                }
            });
        }
    });
    port
}

/// The first may come late, when the lease of the second is there under the same name.
#[test]
fn a_lease_that_had_to_be_asked_for_twice_fills_nothing() {
    let server = RedisServer::start();
    let url = url::Url::parse(&server.url()).unwrap();
    let (password, to) = (url.password().unwrap(), format!("127.0.0.1:{}", url.port().unwrap()));
    let cuts = Arc::new(AtomicBool::new(false));
    let port = cutter(to, Arc::clone(&cuts));
    let mut stage = stage_on(&format!("redis://:{password}@127.0.0.1:{port}/"));
    name(&stage.cache, found("ann"));
    let key = stage.key();
    stage.command(&["DEL", &key]);
    cuts.store(true, Ordering::Relaxed);
    name(&stage.cache, |purpose| {
        assert_eq!(purpose, Load::ToAnswer);
        found("ann")(purpose)
    });
    assert!(!cuts.load(Ordering::Relaxed), "it was cut");
}

#[test]
fn a_redis_that_hangs_costs_readers_a_tenth_of_a_second_once_a_second() {
    let server = RedisServer::start();
    let mut stage = stage_on(&server.url());
    name(&stage.cache, found("ann"));
    server.hang();
    let start = Instant::now();
    assert_eq!(name(&stage.cache, found("database")), "database");
    assert!((90..3_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    let start = Instant::now();
    for _ in 0..1_000 {
        name(&stage.cache, found("database"));
        stage.cache.count(&[counter("a", 2, 60)]);
    }
    // 200 s if each of them waited.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(stage.cache.status(), "down");
    server.go_on();
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(name(&stage.cache, never), "ann");
    // Nobody who had waited in vain asked in another way and waited again.
    let info: String = redis::cmd("INFO").arg("commandstats").query(&mut stage.redis).unwrap();
    assert!(info.contains("cmdstat_evalsha:") && !info.contains("cmdstat_eval:"), "{info}");
}

#[test]
fn a_redis_that_hangs_costs_many_questions_no_more_than_one() {
    let server = RedisServer::start();
    let stage = stage_on(&server.url());
    let counters: Vec<_> = (0..50).map(|it| counter(&it.to_string(), 2, 60)).collect();
    let asked = || stage.cache.look_up(&[Asked { user: None, counters: &counters }], now());
    assert_eq!(asked().len(), 1);
    server.hang();
    let start = Instant::now();
    assert_eq!(asked().len(), 1);
    // 10 s if each of their hundred commands waited.
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    // A new connection begins with five commands; 20 s if each of them waited.
    let start = Instant::now();
    stage.cache.write(&[7], |fence| fence.raise(&[7])).unwrap();
    assert!(start.elapsed() < Duration::from_secs(18), "{:?}", start.elapsed());
    server.go_on();
}

#[test]
fn writers_wait_for_a_redis_that_hangs_and_answer_when_it_goes_on() {
    let server = RedisServer::start();
    let mut stage = stage_on(&server.url());
    name(&stage.cache, found("old"));
    server.hang();
    // No replica learns that anything changed, so there is nothing to wait for.
    let start = Instant::now();
    assert!(stage.cache.write(&[7], |_| Err::<(), _>(Error::NotFound)).is_err());
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    let start = Instant::now();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| stage.cache.write(&[7], |fence| fence.raise(&[7])));
        std::thread::sleep(Duration::from_millis(1_500));
        assert!(!writer.is_finished());
        server.go_on();
        writer.join().unwrap().unwrap();
    });
    assert!((1_500..10_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    // The commands that hung were carried out late, after the writer's last one or before it.
    assert!(!stage.value().is_some_and(|value| value.contains("old")));
}

#[test]
fn eight_writers_wait_thirteen_seconds_and_more_are_refused_before_their_commit() {
    let server = RedisServer::start();
    let stage = stage_on(&server.url());
    name(&stage.cache, found("old"));
    server.hang();
    let (commits, start) = (AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        let write = || {
            stage.cache.write(&[7], |fence| {
                fence.raise(&[7])?; // takes no second place, and waits no second time
                commits.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
        };
        let writers: Vec<_> = (0..20).map(|_| scope.spawn(write)).collect();
        // Long before the first of the eight gives up.
        let finished = || writers.iter().filter(|writer| writer.is_finished()).count();
        while start.elapsed() < Duration::from_secs(10) && finished() < 12 {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!((finished(), commits.load(Ordering::Relaxed)), (12, 8));
        let answers: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        let refused = |answer: &&Result<()>| matches!(answer, Err(Error::Unavailable(_)));
        assert_eq!(answers.iter().filter(refused).count(), 12);
    });
    assert!((13_000..25_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    // Their places are free again.
    let next = stage.cache.write(&[7], |_| Err::<(), _>(Error::NotFound));
    assert!(matches!(next, Err(Error::NotFound)), "{next:?}");
    server.go_on();
    stage.cache.write(&[7], |_| Ok(())).unwrap();
}

#[test]
fn a_writer_stops_waiting_when_the_hanging_redis_dies() {
    let mut server = RedisServer::start();
    let stage = stage_on(&server.url());
    name(&stage.cache, found("old"));
    server.hang();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| stage.cache.write(&[7], |_| Ok(())));
        std::thread::sleep(Duration::from_millis(700));
        server.kill();
        writer.join().unwrap().unwrap();
    });
    // Where it hangs on, it is thirteen seconds.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_name_that_nobody_knows_is_a_redis_that_is_not_there() {
    let cache = Cache::new(Some("redis://contactd.invalid:1/"), prefix(), secret(), None).unwrap();
    let start = Instant::now();
    cache.write(&[7], |_| Ok(())).unwrap();
    assert_eq!((name(&cache, found("ann")).as_str(), cache.status()), ("ann", "down"));
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// The password goes over TLS or not at all, also where the name has to be looked up first.
#[test]
fn a_redis_over_tls_hears_nothing_in_the_clear() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rediss://:secret@localhost:{}/", server.local_addr().unwrap().port());
    let cache = Cache::new(Some(&url), prefix(), secret(), None).unwrap();
    let heard = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !heard.load(Ordering::Relaxed) {
                assert_eq!(cache.status(), "down");
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        // On a busy machine the time for a connection may be over before its first byte.
        let first = (0..20).find_map(|_| {
            let mut first = [0];
            server.accept().unwrap().0.read_exact(&mut first).ok().map(|()| first[0])
        });
        heard.store(true, Ordering::Relaxed);
        assert_eq!(first, Some(0x16), "a handshake");
        drop(server);
    });
}

#[test]
fn without_redis_every_look_up_loads_and_limits_are_counted_here() {
    let cache = Cache::new(None, String::new(), secret(), None).unwrap();
    for expected in ["one", "two"] {
        assert_eq!(name(&cache, found(expected)), expected);
    }
    cache.write(&[7], |fence| fence.raise(&[8])).unwrap();
    let counter = counter("a", 1, 60);
    let load = |_| Ok(Loaded { user: None, settled: true });
    let (_, states) = current(&cache, std::slice::from_ref(&counter), load);
    assert_eq!(states, [LimitState { limit: 1, remaining: 0, reset_seconds: 60, exceeded: false }]);
    assert!(cache.count(&[counter])[0].exceeded);
    assert_eq!(cache.status(), "off");
}

#[test]
fn an_address_that_cannot_be_read_is_an_error_at_the_start() {
    for wrong in ["", "localhost", "http://localhost", "redis://:x"] {
        assert!(Cache::new(Some(wrong), String::new(), secret(), None).is_err(), "{wrong}");
    }
}

fn counter(key: &str, limit: u64, window_seconds: u64) -> Counter {
    Counter { key: key.to_owned(), limit, window_seconds }
}

#[test]
fn fifty_threads_on_two_replicas_get_exactly_what_the_limit_allows() {
    let stage = stage();
    let passed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..50 {
            let cache = if thread % 2 == 0 { &stage.cache } else { &stage.other };
            let passed = &passed;
            scope.spawn(move || {
                for _ in 0..20 {
                    if !cache.count(&[counter("a", 100, 60)])[0].exceeded {
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(passed.load(Ordering::Relaxed), 100);
}

#[test]
fn a_window_ends_when_redis_says_so_and_counting_does_not_prolong_it() {
    let stage = stage();
    let counters = [counter("a", 1, 4), counter("b", 5, 60)];
    let first = stage.cache.count(&counters);
    assert_eq!(first[0], LimitState { limit: 1, remaining: 0, reset_seconds: 4, exceeded: false });
    assert_eq!(first[1], LimitState { limit: 5, remaining: 4, reset_seconds: 60, exceeded: false });
    std::thread::sleep(Duration::from_millis(1_000));
    assert!(stage.cache.count(&counters)[0].exceeded);
    std::thread::sleep(Duration::from_millis(3_100));
    let third = stage.cache.count(&counters);
    assert_eq!((third[0].exceeded, third[1].remaining), (false, 2));
}

#[test]
fn a_counter_can_be_looked_at_and_given_back() {
    let stage = stage();
    let counters = [counter("login-failures:7", 2, 900)];
    let peek = || stage.other.peek(&counters)[0];
    stage.cache.give_back(&counters);
    assert_eq!((peek().remaining, peek().exceeded, peek().reset_seconds), (2, false, 900));
    stage.cache.count(&counters);
    stage.cache.count(&counters);
    assert_eq!((peek().remaining, peek().exceeded), (0, true));
    assert!(stage.cache.count(&counters)[0].exceeded);
    stage.cache.give_back(&counters);
    stage.cache.give_back(&counters);
    assert_eq!((peek().remaining, peek().exceeded), (1, false));
}

#[test]
fn a_counter_without_an_end_gets_one() {
    let mut stage = stage();
    let key = format!("{}rl:a", stage.prefix);
    stage.command(&["SET", &key, "5"]);
    assert_eq!(stage.cache.count(&[counter("a", 9, 60)])[0].reset_seconds, 60);
    let life: i64 = redis::cmd("PTTL").arg(&key).query(&mut stage.redis).unwrap();
    assert!(life > 0);
}

#[test]
fn what_somebody_else_wrote_into_redis_counts_as_absent() {
    let mut stage = stage();
    name(&stage.cache, found("ann"));
    let ours = stage.value().unwrap();
    let key = stage.key();
    let admin = ours.replace("\"role\":\"user\"", "\"role\":\"admin\"");
    assert_ne!(admin, ours);
    let bob = user(7, "bob");
    let forged = format!(
        "U3{}{} {}",
        "A".repeat(43),
        now().timestamp(),
        serde_json::to_string(&bob).unwrap()
    );
    for value in [admin.as_str(), &forged, &ours[..ours.len() - 1], "U3", "U1{}"] {
        stage.command(&["SET", &key, value, "PX", "10000"]);
        assert_eq!(name(&stage.cache, found("from the database")), "from the database");
    }
    // Another account's value, which we wrote ourselves, is no better here.
    stage.command(&["SET", &key, &ours, "PX", "10000"]);
    assert_eq!(name(&stage.cache, never), "ann");
    let other = key.replace(":7", ":8");
    stage.command(&["SET", &other, &ours, "PX", "10000"]);
    let looked_up =
        stage.cache.look_up(&[Asked { user: Some(8), counters: &[] }], now()).remove(0).0;
    let load = |_| Ok(Loaded { user: Some(user(8, "carol")), settled: true });
    assert_eq!(stage.cache.finish(looked_up, load).unwrap().unwrap().user.username, "carol");
    // Nor is one that we wrote, and that somebody kept until a right had ended.
    for (age, seen) in [(30, "ann"), (protocol::FRESH_SECONDS + 5, "from the database")] {
        let kept =
            protocol::encode(&secret(), &key, &user(7, "ann"), now().timestamp() - age as i64)
                .unwrap();
        stage.command(&["SET", &key, std::str::from_utf8(&kept).unwrap()]);
        assert_eq!(name(&stage.cache, found("from the database")), seen);
    }
    // Nor is what a process with another key wrote.
    let stranger = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"another key");
    let url = support::world::variable("TEST_REDIS_URL");
    let stranger = Cache::new(Some(&url), stage.prefix.clone(), stranger, None).unwrap();
    assert_eq!(name(&stranger, found("theirs")), "theirs");
}

#[test]
fn a_redis_with_its_own_authority_is_used_with_it_and_refused_without() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let pem = made.cert.pem();
    let server = RedisServer::start_with_tls(&pem, &made.signing_key.serialize_pem());
    let url = server.tls_url();
    let cache = |ca| Cache::new(Some(&url), prefix(), secret(), ca).unwrap();
    let trusting = cache(Some(pem.as_bytes()));
    assert_eq!(trusting.status(), "ok");
    assert_eq!(name(&trusting, found("ann")), "ann");
    assert_eq!(name(&trusting, never), "ann");
    assert_eq!(cache(None).status(), "down");
}

/// During a failover there are two that call themselves primary. The one that lost its replicas must
/// not answer with what it has: the change was announced to the other one.
#[test]
fn a_redis_that_may_not_write_serves_no_user() {
    let refusals: [&[&str]; 2] =
        [&["CONFIG", "SET", "min-replicas-to-write", "1"], &["REPLICAOF", "127.0.0.1", "1"]];
    for refusal in refusals {
        let redis = RedisServer::start();
        let mut stage = stage_on(&redis.url());
        name(&stage.cache, found("old"));
        assert_eq!(name(&stage.cache, never), "old");
        stage.command(refusal);
        assert_eq!(name(&stage.cache, found("new")), "new", "{refusal:?}");
        assert!(stage.value().unwrap().starts_with('U'), "it is still there");
        // A PING is answered there too.
        assert_eq!(stage.cache.status(), "down", "{refusal:?}");
    }
}

/// Another writer's tombstone stays when ours goes, which takes a SET. A server that refuses it has ended nothing.
#[test]
fn a_redis_that_may_not_write_has_lowered_no_tombstone() {
    let redis = RedisServer::start();
    let mut stage = stage_on(&redis.url());
    let key = "two-writers";
    stage.command(&["SET", key, "Tours;theirs;"]);
    stage.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let lower = || {
        let mut connection = redis.connection();
        let mut command = redis::cmd("EVAL");
        command.arg(protocol::LOWER).arg(1).arg(key).arg("ours").query::<i64>(&mut connection)
    };
    assert_eq!(lower().unwrap_err().code(), Some("READONLY"));
    stage.command(&["REPLICAOF", "NO", "ONE"]);
    // One that is full keeps it until it expires.
    stage.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(lower().unwrap(), 1);
    stage.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(lower().unwrap(), 1);
    let left: String = redis::cmd("GET").arg(key).query(&mut redis.connection()).unwrap();
    assert_eq!(left, "Ttheirs;");
}

/// Leads each new connection to the Redis that is `where_to` then, as a balancer does; open ones stay.
fn balancer(where_to: Arc<Mutex<String>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(where_to.lock().unwrap().as_str()).unwrap();
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server.try_clone().unwrap(), client.try_clone().unwrap()),
            ] {
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
    port
}

/// Connections to a primary that was demoted are left for a new one, which leads to its successor.
#[test]
fn a_demoted_redis_is_left_for_its_successor_at_once() {
    let (first, second) = (RedisServer::start(), RedisServer::start());
    let parts = |redis: &RedisServer| {
        let url = url::Url::parse(&redis.url()).unwrap();
        (url.password().unwrap().to_owned(), format!("127.0.0.1:{}", url.port().unwrap()))
    };
    let ((password, address), (_, next)) = (parts(&first), parts(&second));
    let mut behind = second.connection();
    redis::cmd("CONFIG").arg(&["SET", "requirepass", &password]).exec(&mut behind).unwrap();
    let where_to = Arc::new(Mutex::new(address));
    let port = balancer(Arc::clone(&where_to));
    let mut stage = stage_on(&format!("redis://:{password}@127.0.0.1:{port}/"));
    let counter = counter("a", 9, 60);
    stage.cache.count(std::slice::from_ref(&counter));
    *where_to.lock().unwrap() = next;
    stage.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    assert_eq!(stage.cache.count(&[counter])[0].remaining, 8);
    let key = format!("{}rl:a", stage.prefix);
    let counted: Option<String> = redis::cmd("GET").arg(key).query(&mut behind).unwrap();
    assert_eq!(counted.as_deref(), Some("1"), "counted in the process, not in the successor");
}
