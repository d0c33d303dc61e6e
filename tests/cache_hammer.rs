//! The cache under fire: two replicas on one Redis, 64 readers, 8 writers, 10,000 changes, while
//! Redis is flushed, paused, stopped, killed and restored from an old dump. Counts stale reads.
//! The database is a stand-in with what the protocol needs of one: rows with a version each, row
//! locks, and commits that others see at once. Those with Postgres
//! are `tests/hammer.rs` and `tests/doors_hammer.rs`.

#![cfg(test)]

use contactd::cache::{Asked, Cache, Load, Loaded};
use contactd::error::{Error, Result};
use contactd::model::user::{AppPassword, CurrentUser, Role, Scope, User};
use redis_server::RedisServer;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};
use support::redis_server;

const USERS: usize = 20;
const READERS: usize = 64;
const WRITERS: usize = 8;

#[derive(Default)]
struct Row {
    lock: Mutex<()>,
    version: AtomicI64,
    /// The newest version whose change was answered.
    answered: AtomicI64,
}

/// Whether a change goes by the protocol, or (to see that the hammer notices) as is usual.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Protocol,
    DeleteAfterCommit,
}

struct Hammer {
    rows: [Row; USERS],
    replicas: [Cache; 2],
    changes: AtomicU64,
    refused: AtomicU64,
    reads: AtomicU64,
    loads: AtomicU64,
    /// Reads older than an answered change: promise (A) broken.
    stale_a: AtomicU64,
    /// Reads older than a commit: (B) broken. Not promised while Redis hangs.
    stale_b: AtomicU64,
    stop: AtomicBool,
}

/// A source of numbers for one thread.
struct Dice(Cell<u64>);

impl Dice {
    fn below(&self, end: u64) -> u64 {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        x.wrapping_mul(0x9E37_79B9_7F4A_7C15) % end
    }

    /// Mostly no pause, sometimes one of up to `most`.
    fn pause(&self, most: Duration) {
        match self.below(8) {
            0 => std::thread::sleep(most.mul_f64(self.below(1_000) as f64 / 1_000.0)),
            1 => std::thread::yield_now(),
            _ => {}
        }
    }
}

/// Authenticates what these tests keep in Redis.
fn secret() -> ring::hmac::Key {
    ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"a secret for tests")
}

fn user(id: usize, version: i64) -> CurrentUser {
    let user = User {
        id: id as i64,
        username: format!("user-{id}"),
        email: format!("user-{id}@example.com"),
        role: Role::User,
        is_verified: true,
        is_active: true,
        avatar_key: None,
        created_at: chrono::DateTime::UNIX_EPOCH,
        language: None,
    };
    let (name, digest) = ("phone".to_owned(), format!("digest {version}"));
    let app_passwords = vec![AppPassword { id: version, name, scope: Scope::Read, digest }];
    CurrentUser { user, sessions: vec![version], pages: Vec::new(), app_passwords }
}

impl Hammer {
    fn new(url: &str) -> Hammer {
        let cache = || Cache::new(Some(url), "hammer:".to_owned(), secret(), None).unwrap();
        Hammer {
            rows: Default::default(),
            replicas: [cache(), cache()],
            changes: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            stale_a: AtomicU64::new(0),
            stale_b: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        }
    }

    fn load(&self, id: usize, purpose: Load, dice: &Dice) -> Loaded {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let row = &self.rows[id];
        let settled = purpose == Load::ToFill
            && !matches!(row.lock.try_lock(), Err(TryLockError::WouldBlock));
        dice.pause(Duration::from_millis(2));
        let version = row.version.load(Ordering::SeqCst);
        dice.pause(Duration::from_millis(2));
        if dice.below(5_000) == 0 {
            std::thread::sleep(Duration::from_millis(2_500)); // longer than the lease
        }
        Loaded { user: Some(user(id, version)), settled }
    }

    fn read(&self, dice: &Dice) {
        let id = dice.below(USERS as u64) as usize;
        let row = &self.rows[id];
        let answered = row.answered.load(Ordering::SeqCst);
        let committed = row.version.load(Ordering::SeqCst);
        let cache = &self.replicas[dice.below(2) as usize];
        let load = |purpose| Ok(self.load(id, purpose, dice));
        let asked = Asked { user: Some(id as i64), counters: &[] };
        let looked_up = cache.look_up(&[asked], chrono::DateTime::UNIX_EPOCH).remove(0).0;
        let seen = cache.finish(looked_up, load).unwrap().unwrap();
        let (seen, password) = (seen.sessions[0], seen.app_passwords[0].id);
        assert_eq!(seen, password, "sessions and app passwords of two versions");
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.stale_a.fetch_add(u64::from(seen < answered), Ordering::Relaxed);
        self.stale_b.fetch_add(u64::from(seen < committed), Ordering::Relaxed);
    }

    fn change(&self, way: Way, dice: &Dice) {
        let id = dice.below(USERS as u64) as usize;
        let row = &self.rows[id];
        let cache = &self.replicas[dice.below(2) as usize];
        let commit = || {
            dice.pause(Duration::from_millis(2));
            row.version.fetch_add(1, Ordering::SeqCst) + 1
        };
        let written: Result<i64> = if way == Way::Protocol {
            let known = [id as i64];
            // Half of the changes do not know their user before the transaction.
            let before: &[i64] = if dice.below(2) == 0 { &known } else { &[] };
            cache.write(before, |fence| {
                let locked = row.lock.lock().unwrap();
                fence.raise(&known)?;
                let version = commit();
                drop(locked);
                dice.pause(Duration::from_millis(2));
                Ok(version)
            })
        } else {
            let version = commit();
            dice.pause(Duration::from_millis(2));
            cache.write(&[id as i64], |_| Ok(version))
        };
        match written {
            Ok(version) => {
                row.answered.fetch_max(version, Ordering::SeqCst);
                self.changes.fetch_add(1, Ordering::Relaxed);
            }
            Err(Error::Unavailable(_)) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Readers and writers at work until so many changes were made in all, and for `at_least`
    /// so long, `trouble` beside them.
    fn run(&self, way: Way, end: u64, at_least: Duration, mut trouble: impl FnMut(&Dice)) {
        let start = Instant::now();
        self.stop.store(false, Ordering::Relaxed);
        let seed = std::process::id() as u64 * 1_000 + end;
        let dice =
            |number: usize| Dice(Cell::new((seed + number as u64).wrapping_mul(0x9E37_79B9) + 1));
        std::thread::scope(|scope| {
            for number in 0..READERS {
                scope.spawn(move || {
                    let dice = dice(number);
                    while !self.stop.load(Ordering::Relaxed) {
                        self.read(&dice);
                    }
                });
            }
            for number in 0..WRITERS {
                scope.spawn(move || {
                    let dice = dice(READERS + number);
                    while !self.stop.load(Ordering::Relaxed) {
                        self.change(way, &dice);
                    }
                });
            }
            let dice = dice(READERS + WRITERS);
            while self.changes.load(Ordering::Relaxed) < end || start.elapsed() < at_least {
                trouble(&dice);
            }
            self.stop.store(true, Ordering::Relaxed);
        });
        println!(
            "{:?}: {:?} changes, {:?} refused, {:?} reads, {:?} of them loads, stale: (A) {:?}, (B) {:?}",
            start.elapsed(),
            self.changes,
            self.refused,
            self.reads,
            self.loads,
            self.stale_a,
            self.stale_b
        );
    }
}

fn command(url: &str, words: &[&str]) {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    redis::cmd(words[0]).arg(&words[1..]).exec(&mut connection).unwrap();
}

#[test]
fn nothing_is_stale_while_redis_is_flushed_paused_killed_and_restored() {
    let mut server = RedisServer::start();
    let url = server.url();
    let hammer = Hammer::new(&url);
    hammer.run(Way::Protocol, 4_000, Duration::ZERO, |dice| {
        std::thread::sleep(Duration::from_millis(dice.below(20)));
        command(&url, &[["FLUSHALL"], ["FLUSHALL"], ["FLUSHDB"]][dice.below(3) as usize]);
        if dice.below(20) == 0 {
            command(&url, &["SCRIPT", "FLUSH"]);
        }
    });
    assert_eq!(hammer.stale_b.load(Ordering::Relaxed), 0, "reads older than a commit");
    let (reads, loads) = (&hammer.reads, &hammer.loads);
    let served = reads.load(Ordering::Relaxed) - loads.load(Ordering::Relaxed);
    assert!(served > 1_000, "the cache was hardly used");

    let mut round = 0;
    hammer.run(Way::Protocol, 10_000, Duration::from_secs(9), |dice| {
        round += 1;
        std::thread::sleep(Duration::from_millis(1_200 + dice.below(300)));
        match round % 4 {
            0 => command(&url, &["CLIENT", "PAUSE", "150"]),
            1 => command(&url, &["CLIENT", "PAUSE", "700"]),
            2 => {
                server.hang();
                std::thread::sleep(Duration::from_millis(50 + dice.below(800)));
                server.go_on();
            }
            _ => {
                command(&url, &["SAVE"]);
                std::thread::sleep(Duration::from_millis(dice.below(300)));
                server.kill();
                server.restart();
            }
        }
    });
    assert_eq!(hammer.stale_a.load(Ordering::Relaxed), 0, "reads older than an answered change");
}

#[test]
fn the_hammer_notices_a_cache_that_is_only_deleted_after_the_commit() {
    let server = RedisServer::start();
    let hammer = Hammer::new(&server.url());
    for round in 1..=20 {
        let wait = |_: &Dice| std::thread::sleep(Duration::from_millis(20));
        hammer.run(Way::DeleteAfterCommit, round * 500, Duration::ZERO, wait);
        if hammer.stale_b.load(Ordering::Relaxed) > 0 {
            return;
        }
    }
    panic!("nothing noticed");
}
