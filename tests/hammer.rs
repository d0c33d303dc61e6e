//! The current user under fire, with everything real: two replicas on one Postgres and one Redis,
//! 64 readers who ask `GET /api/users/me`, what only admins may, and contacts with an app password,
//! writers who change role, name, active, sessions and app passwords through the API 10,000 times, while Redis is flushed, paused, stopped,
//! killed and restored from an old dump. Counts stale reads.

#![cfg(test)]

use contactd::config::Secret;
use redis_server::RedisServer;
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::dice::Dice;
use support::redis_server;
use support::world;
use world::{Actor, World};

const USERS: usize = 40;
const READERS: usize = 64;
const WRITERS: usize = 16;

/// What a user is, as far as it changes here. `number` counts the answered changes.
#[derive(Clone, Debug)]
struct State {
    number: u64,
    name: String,
    admin: bool,
    active: bool,
    /// The token of a session that lives, if any.
    token: Option<String>,
    /// The token of one that was ended.
    dead: Option<String>,
    /// An app password that counts, with its id, if any; and one that was revoked.
    app_password: Option<(i64, String)>,
    revoked: Option<String>,
}

struct Target {
    id: i64,
    /// Held by the one writer who changes this user.
    turn: Mutex<()>,
    /// What was answered last; readers compare before and after.
    answered: Mutex<State>,
    /// A change is under way: what is read meanwhile may be either.
    changing: AtomicU64,
}

struct Hammer {
    /// One actor of each replica, without a token.
    replicas: [Actor; 2],
    roots: [Actor; 2],
    targets: Vec<Target>,
    changes: [AtomicU64; 5],
    refused: AtomicU64,
    reads: AtomicU64,
    compared: AtomicU64,
    stale: AtomicU64,
    stop: AtomicBool,
}

impl Hammer {
    /// One read, and whether it says what the last answered change says. Compared only if no change
    /// was under way at any moment of it.
    fn read(&self, dice: &mut Dice) {
        let target = &self.targets[dice.below(USERS)];
        let changing = target.changing.load(SeqCst);
        let state = target.answered.lock().unwrap().clone();
        if dice.below(3) == 0 {
            return self.read_contacts(dice, target, &state, changing);
        }
        let admin_route = dice.below(4) == 0;
        let one = format!("/api/users/{}", target.id);
        let path = if admin_route { one.as_str() } else { "/api/users/me" };
        let token = if dice.below(4) == 0 { &state.dead } else { &state.token };
        let Some(token) = token else { return };
        let is_dead = Some(token) == state.dead.as_ref();
        let actor = Actor { token: Some(token.clone()), ..self.replicas[dice.below(2)].clone() };
        let answer = actor.get(path);
        self.reads.fetch_add(1, SeqCst);
        // What was ended stays so, whatever goes on meanwhile. So too for what is stable.
        let settled = changing.is_multiple_of(2) && target.changing.load(SeqCst) == changing;
        if !settled && !is_dead || answer.status == 503 {
            return;
        }
        self.compared.fetch_add(1, SeqCst);
        let expected = match (is_dead || !state.active, admin_route, state.admin) {
            (true, _, _) => 401,
            (_, true, false) => 403,
            _ => 200,
        };
        let mut right = answer.status == expected;
        if right && expected == 200 && !admin_route {
            let user = answer.json();
            right = user["username"] == state.name && (user["role"] == "admin") == state.admin;
        }
        if !right {
            self.stale.fetch_add(1, SeqCst);
            println!("stale: {path} {} {}, but {state:?}", answer.status, answer.text());
        }
    }

    /// The same with an app password.
    fn read_contacts(&self, dice: &mut Dice, target: &Target, state: &State, changing: u64) {
        let live = state.app_password.as_ref().map(|(_, secret)| secret);
        let Some(secret) = (if dice.below(3) == 0 { state.revoked.as_ref() } else { live }) else {
            return;
        };
        let is_revoked = Some(secret) == state.revoked.as_ref();
        let actor = Actor { token: Some(secret.clone()), ..self.replicas[dice.below(2)].clone() };
        let answer = actor.get("/api/contacts?limit=1");
        self.reads.fetch_add(1, SeqCst);
        let settled = changing.is_multiple_of(2) && target.changing.load(SeqCst) == changing;
        if !settled && !is_revoked || answer.status == 503 {
            return;
        }
        self.compared.fetch_add(1, SeqCst);
        let expected = if is_revoked || !state.active { 401 } else { 200 };
        if answer.status != expected {
            self.stale.fetch_add(1, SeqCst);
            println!("stale: app password {} {}, but {state:?}", answer.status, answer.text());
        }
    }

    fn change(&self, dice: &mut Dice) {
        let target = &self.targets[dice.below(USERS)];
        let Ok(_turn) = target.turn.try_lock() else { return };
        let mut state = target.answered.lock().unwrap().clone();
        let (here, root) = (&self.replicas[dice.below(2)], &self.roots[dice.below(2)]);
        let user = |token: &Option<String>| Actor { token: token.clone(), ..here.clone() };
        let path = format!("/api/users/{}", target.id);
        target.changing.fetch_add(1, SeqCst);
        let what = dice.below(5);
        state.number += 1;
        // Retried until it is answered with something else than "busy": what a 503 left undone or
        // done is unknown, but repeating it makes it so.
        let insist = |call: &dyn Fn() -> world::Answer| {
            loop {
                let answer = call();
                if answer.status != 503 {
                    return answer;
                }
                self.refused.fetch_add(1, SeqCst);
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        match what {
            0 => {
                state.admin = !state.admin;
                let body = json!({"role": if state.admin { "admin" } else { "user" }});
                insist(&|| root.patch(&format!("{path}/role"), body.clone())).expect(200);
            }
            1 if state.active && state.token.is_some() => {
                state.name = format!("user{}-{}", target.id, state.number);
                let body = json!({"username": state.name});
                insist(&|| user(&state.token).patch("/api/users/me", body.clone())).expect(200);
            }
            2 => {
                state.active = !state.active;
                if !state.active {
                    state.dead = state.token.take().or(state.dead.take());
                }
                let body = json!({"is_active": state.active});
                insist(&|| root.patch(&path, body.clone())).expect(200);
                if state.active {
                    state.token = Some(self.session(here, target.id));
                }
            }
            3 if state.active && state.token.is_some() => {
                if let Some((id, secret)) = state.app_password.take() {
                    let path = format!("/api/users/me/app-passwords/{id}");
                    let answer = insist(&|| user(&state.token).delete(&path));
                    // 404: done by a try before, whose answer was lost.
                    assert!([204, 404].contains(&answer.status), "{}", answer.text());
                    state.revoked = Some(secret);
                }
                state.app_password = Some(self.app_password(here, target.id));
            }
            _ if state.active => {
                if let Some(token) = state.token.take() {
                    let call =
                        || user(&Some(token.clone())).send("POST", "/api/auth/logout", &[], b"");
                    // 401: done by a try before, whose answer was lost.
                    assert!([204, 401].contains(&insist(&call).status));
                    state.dead = Some(token);
                }
                state.token = Some(self.session(here, target.id));
            }
            _ => {}
        }
        self.changes[what].fetch_add(1, SeqCst);
        *target.answered.lock().unwrap() = state;
        target.changing.fetch_add(1, SeqCst);
    }

    /// A new session: what a login does, without its hashing, of which a machine does a few a
    /// second.
    fn session(&self, here: &Actor, id: i64) -> String {
        use contactd::repository::sessions::{self, Client};
        let (app, now) = (&here.app, here.app.now());
        loop {
            let hash = contactd::crypto::random_token().unwrap().into_bytes();
            let secret = sessions::Secret::Refresh { family: &hash, token: &hash };
            let client = Client::default();
            let added = app.change_user(id, |tx, _| {
                let added = sessions::insert(
                    tx,
                    id,
                    secret,
                    &client,
                    now,
                    now + chrono::Duration::days(1),
                )?;
                sessions::trim(tx, id)?;
                Ok(added)
            });
            match added {
                Ok(session) => {
                    return app
                        .access_tokens
                        .sign(id, session, now, now + chrono::Duration::days(1))
                        .unwrap();
                }
                Err(contactd::error::Error::Unavailable(_)) => {
                    self.refused.fetch_add(1, SeqCst);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// A new app password: what making one does, without its hashing.
    fn app_password(&self, here: &Actor, id: i64) -> (i64, String) {
        use contactd::crypto::typed;
        use contactd::model::user::Scope;
        use contactd::repository::app_passwords;
        let (app, now) = (&here.app, here.app.now());
        loop {
            let (secret, digest) = typed::app_password(id).unwrap();
            let added = app.change_user(id, |tx, _| {
                // What a lost answer left behind must not fill the list.
                app_passwords::delete_all(tx, id)?;
                app_passwords::insert(tx, id, "phone", Scope::Read, &digest, now)
            });
            match added {
                Ok(added) => return (added.unwrap(), secret),
                Err(contactd::error::Error::Unavailable(_)) => {
                    self.refused.fetch_add(1, SeqCst);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn done(&self) -> u64 {
        self.changes.iter().map(|count| count.load(SeqCst)).sum()
    }
}

fn command(url: &str, words: &[&str]) {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    redis::cmd(words[0]).arg(&words[1..]).exec(&mut connection).unwrap();
}

fn number(name: &str, default: u64) -> u64 {
    world::optional_variable(name).map_or(default, |raw| raw.parse().unwrap())
}

/// 10,000 changes (`HAMMER_CHANGES`), or as many as a busy machine does in 50 s (`HAMMER_SECONDS`).
#[test]
fn nothing_is_stale_on_any_replica_whatever_happens_to_redis() {
    let end = number("HAMMER_CHANGES", 10_000);
    let time = Duration::from_secs(number("HAMMER_SECONDS", 50));
    let mut server = RedisServer::start();
    let world = World::with(|config| {
        config.redis_url = Some(Secret::new(server.url()));
        config.db_pool_size = 24;
    });
    let there = world.replica();
    let root = world.admin("root");
    let on = |actor: &Actor| [actor.clone(), Actor { app: there.app.clone(), ..actor.clone() }];
    let targets = (0..USERS).map(|number| {
        let user = world.user(&format!("user{number}"));
        let state = State {
            number: 0,
            name: user.name.clone(),
            admin: false,
            active: true,
            token: user.token.clone(),
            dead: None,
            app_password: None,
            revoked: None,
        };
        Target {
            id: user.id,
            turn: Mutex::default(),
            answered: Mutex::new(state),
            changing: AtomicU64::new(0),
        }
    });
    let hammer = Hammer {
        replicas: on(&world.nobody()),
        roots: on(&root),
        targets: targets.collect(),
        changes: Default::default(),
        refused: AtomicU64::new(0),
        reads: AtomicU64::new(0),
        compared: AtomicU64::new(0),
        stale: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    };
    let url = server.url();
    let start = Instant::now();
    let seed = u64::from(std::process::id()) * 1_000;
    let mut troubles = [0; 5];
    std::thread::scope(|scope| {
        for number in 0..READERS + WRITERS {
            let hammer = &hammer;
            scope.spawn(move || {
                let mut dice = Dice::new(seed + number as u64);
                while !hammer.stop.load(SeqCst) {
                    match number < READERS {
                        true => {
                            hammer.read(&mut dice);
                            // Or two cores would do nothing but read.
                            std::thread::sleep(Duration::from_millis(dice.below(50) as u64));
                        }
                        false => hammer.change(&mut dice),
                    }
                }
            });
        }
        let mut dice = Dice::new(seed);
        let mut round = 0;
        while hammer.done() < end && start.elapsed() < time {
            round += 1;
            // A storm of flushes between two real troubles.
            for _ in 0..40 {
                std::thread::sleep(Duration::from_millis(dice.below(60) as u64));
                command(&url, &["FLUSHALL"]);
                troubles[0] += 1;
            }
            match round % 4 {
                0 => command(&url, &["CLIENT", "PAUSE", "150"]),
                1 => command(&url, &["CLIENT", "PAUSE", "600"]),
                2 => {
                    server.hang();
                    std::thread::sleep(Duration::from_millis(50 + dice.below(700) as u64));
                    server.go_on();
                }
                _ => {
                    command(&url, &["SAVE"]);
                    std::thread::sleep(Duration::from_millis(100 + dice.below(300) as u64));
                    server.kill();
                    std::thread::sleep(Duration::from_millis(dice.below(200) as u64));
                    server.restart();
                }
            }
            troubles[1 + round % 4] += 1;
        }
        hammer.stop.store(true, SeqCst);
    });
    println!(
        "{:.1?}: {} changes (role, name, active, sessions: {:?}), {:?} refused, {:?} reads, {:?} compared, {:?} stale; \
         {} flushes, {} short pauses, {} long, {} stops, {} kills",
        start.elapsed(),
        hammer.done(),
        hammer.changes,
        hammer.refused,
        hammer.reads,
        hammer.compared,
        hammer.stale,
        troubles[0],
        troubles[1],
        troubles[2],
        troubles[3],
        troubles[4],
    );
    assert_eq!(hammer.stale.load(SeqCst), 0, "stale reads");
    assert!(hammer.done() >= end.min(500), "too few changes");
    assert!(hammer.compared.load(SeqCst) > hammer.done(), "too few reads say anything");
}
