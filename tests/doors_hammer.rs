//! Whatever opens an account, under fire, over sockets: two replicas on one Postgres and one Redis. Writers
//! sign in, refresh, refresh once more, show stolen tokens, make app passwords, change the password, sign out
//! here and everywhere, revoke, disable and enable; readers try all that ever opened something, on `/api`,
//! `/dav` and a page; Redis is flushed, paused, stopped, killed and restored from an old dump meanwhile.
//!
//! After the answer to what ended it, nothing is accepted again by any replica; and what was not ended always
//! is. The writer looks first: its next requests, to both replicas, show what it has just ended.

#![cfg(test)]

use contactd::config::Secret;
use redis_server::RedisServer;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::dice::Dice;
use support::{redis_server, server, world};
use world::{Actor, PASSWORD, World};

const USERS: usize = 8;
const WRITERS: usize = 8;
const READERS: usize = 16;
/// Most sessions of one user here; contactd itself ends those past the twentieth.
const SESSIONS: usize = 5;
/// How many ended credentials of a user the readers go on trying.
const ENDED: usize = 40;

/// What opens something.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// Of a session of a program.
    AccessToken,
    /// Only ended ones are tried: a live one would be exchanged.
    RefreshToken,
    /// With its scope.
    AppPassword(&'static str),
    /// Of a session of a browser.
    Cookie,
}

/// What stands in [`Credential::stamp`] beside the number of its changes.
const COUNTS: u64 = 0;
const CHANGING: u64 = 1;
const OVER: u64 = 2;

#[derive(Debug)]
struct Credential {
    kind: Kind,
    secret: String,
    /// Grows with each change, so that one meanwhile is noticed; its rest by 4 says what it is.
    stamp: AtomicU64,
}

impl Credential {
    fn new(kind: Kind, secret: &str) -> Arc<Credential> {
        Arc::new(Credential { kind, secret: secret.to_owned(), stamp: AtomicU64::new(COUNTS) })
    }

    fn set(&self, state: u64) {
        self.stamp.store((self.stamp.load(SeqCst) / 4 + 1) * 4 + state, SeqCst);
    }

    fn is(&self, state: u64) -> bool {
        self.stamp.load(SeqCst) % 4 == state
    }
}

/// A session as its holder sees it.
struct Session {
    id: i64,
    /// Access tokens, or the one cookie; the refresh tokens that were exchanged, and the live one.
    credentials: Vec<Arc<Credential>>,
    spent: Vec<String>,
    refresh: Option<String>,
}

impl Session {
    /// The newest access token.
    fn token(&self) -> Option<&str> {
        let newest = self.credentials.iter().rfind(|it| it.kind == Kind::AccessToken);
        newest.map(|it| it.secret.as_str())
    }
}

#[derive(Default)]
struct Account {
    sessions: Vec<Session>,
    app_passwords: Vec<(i64, Arc<Credential>)>,
}

struct User {
    id: i64,
    name: String,
    /// Held by the one writer who changes this user.
    account: Mutex<Account>,
    /// What readers try.
    shown: Mutex<Vec<Arc<Credential>>>,
}

/// What is counted, by name.
const COUNTED: [&str; 20] = [
    "logins",
    "logins on the page",
    "refreshes",
    "repeated refreshes",
    "stolen tokens shown",
    "app passwords made",
    "app passwords revoked",
    "passwords changed",
    "logouts",
    "sessions ended",
    "logouts everywhere",
    "disabled",
    "enabled",
    "tried at once after the answer",
    "tried on /api",
    "tried on /dav",
    "tried on a page",
    "compared",
    "accepted after their end",
    "refused before it",
];

struct Hammer {
    addresses: [String; 2],
    root: String,
    users: Vec<User>,
    counts: [AtomicU64; COUNTED.len()],
    stop: AtomicBool,
}

struct Got {
    status: u16,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        let body = self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{}", self.text))
    }
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

fn basic(name: &str, secret: &str) -> String {
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{secret}"));
    format!("Authorization: Basic {pair}\r\n")
}

fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> Option<Got> {
    let text = server::exchange(address, method, path, headers, body).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    Some(Got { status, text }).filter(|got| got.status != 503)
}

impl Hammer {
    fn count(&self, name: &str) -> u64 {
        let at = COUNTED.iter().position(|known| *known == name).unwrap();
        self.counts[at].fetch_add(1, SeqCst) + 1
    }

    fn counted(&self, name: &str) -> u64 {
        let at = COUNTED.iter().position(|known| *known == name).unwrap();
        self.counts[at].load(SeqCst)
    }

    /// Asks one of the replicas until it answers with something else than "busy".
    fn insist(
        &self,
        dice: &mut Dice,
        method: &str,
        path: &str,
        headers: &str,
        body: &Value,
    ) -> Got {
        let json = format!("{headers}Content-Type: application/json\r\n");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            assert!(Instant::now() < end, "{method} {path}: no answer for two minutes");
            if let Some(got) = ask(&self.addresses[dice.below(2)], method, path, &json, &body) {
                return got;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether a replica takes this credential; nothing where it is too busy to say.
    fn accepts(
        &self,
        dice: &mut Dice,
        replica: usize,
        user: &User,
        it: &Credential,
    ) -> Option<bool> {
        let address = &self.addresses[replica];
        let (secret, by_dav) = (it.secret.as_str(), dice.below(2) == 0);
        let got = match &it.kind {
            Kind::AccessToken => {
                self.count("tried on /api");
                let path = ["/api/users/me", "/api/contacts?limit=1"][dice.below(2)];
                ask(address, "GET", path, &bearer(secret), "")?
            }
            Kind::RefreshToken => {
                self.count("tried on /api");
                let body = json!({ "refresh_token": secret }).to_string();
                let json = "Content-Type: application/json\r\n";
                ask(address, "POST", "/api/auth/refresh", json, &body)?
            }
            Kind::AppPassword(scope) if *scope == "carddav" || by_dav => {
                self.count("tried on /dav");
                let method = ["OPTIONS", "PROPFIND"][dice.below(2)];
                let headers = format!("{}Depth: 0\r\n", basic(&user.name, secret));
                ask(address, method, "/dav/", &headers, "")?
            }
            Kind::AppPassword(_) => {
                self.count("tried on /api");
                let headers = [bearer(secret), basic(&user.name, secret)];
                ask(address, "GET", "/api/contacts?limit=1", &headers[dice.below(2)], "")?
            }
            Kind::Cookie => {
                self.count("tried on a page");
                // Whoever is signed in is sent on to the contacts.
                let headers = format!("Cookie: __Host-contactd={secret}\r\n");
                let got = ask(address, "GET", "/", &headers, "")?;
                return Some(got.status == 303);
            }
        };
        assert!([200, 204, 207, 401].contains(&got.status), "{it:?}: {}", got.text);
        Some(got.status != 401)
    }

    /// Tries a credential and holds the answer against what was so all the time.
    fn compare(&self, dice: &mut Dice, replica: usize, user: &User, it: &Credential) {
        let before = it.stamp.load(SeqCst);
        let Some(accepted) = self.accepts(dice, replica, user, it) else { return };
        if before % 4 == CHANGING || it.stamp.load(SeqCst) != before {
            return;
        }
        self.count("compared");
        let wrong = match (before % 4 == OVER, accepted) {
            (true, true) => self.count("accepted after their end"),
            (false, false) => self.count("refused before it"),
            _ => return,
        };
        if wrong < 10 {
            println!("{} {it:?} on replica {replica}", user.name);
        }
    }

    fn read(&self, dice: &mut Dice) {
        let user = &self.users[dice.below(USERS)];
        let shown = {
            let shown = user.shown.lock().unwrap();
            // Half of the time one that counts, or did a moment ago.
            let all: Vec<_> = match dice.below(2) {
                0 => shown.iter().collect(),
                _ => shown.iter().filter(|it| !it.is(OVER)).collect(),
            };
            all.get(dice.below(all.len().max(1))).map(|it| Arc::clone(it))
        };
        let Some(it) = shown else { return };
        if it.kind != Kind::RefreshToken || it.is(OVER) {
            let replica = dice.below(2);
            self.compare(dice, replica, user, &it);
        }
    }

    fn show(&self, user: &User, it: &Arc<Credential>) {
        let mut shown = user.shown.lock().unwrap();
        shown.push(it.clone());
        let over = shown.iter().filter(|it| it.is(OVER)).count();
        if over > ENDED {
            let oldest = shown.iter().position(|it| it.is(OVER)).unwrap();
            shown.remove(oldest);
        }
    }

    /// What `call` ends: nothing is expected of it meanwhile, and after the answer it is tried.
    fn end(
        &self,
        dice: &mut Dice,
        user: &User,
        ended: &[Arc<Credential>],
        call: impl FnOnce(&mut Dice),
    ) {
        ended.iter().for_each(|it| it.set(CHANGING));
        call(dice);
        ended.iter().for_each(|it| it.set(OVER));
        for _ in 0..ended.len().min(8) {
            let it = &ended[dice.below(ended.len())];
            for replica in [0, 1] {
                self.count("tried at once after the answer");
                self.compare(dice, replica, user, it);
            }
        }
    }

    /// The same for sessions, whose refresh tokens end too.
    fn end_sessions(
        &self,
        dice: &mut Dice,
        user: &User,
        sessions: Vec<Session>,
        more: Vec<Arc<Credential>>,
        call: impl FnOnce(&mut Dice),
    ) {
        let refresh = |it: &Session| {
            let token = it.refresh.as_ref()?;
            Some(Credential::new(Kind::RefreshToken, token))
        };
        let refresh: Vec<_> = sessions.iter().filter_map(refresh).collect();
        let of_sessions = sessions.into_iter().flat_map(|it| it.credentials);
        let ended: Vec<_> = more.into_iter().chain(of_sessions).chain(refresh.clone()).collect();
        self.end(dice, user, &ended, call);
        refresh.iter().for_each(|it| self.show(user, it));
    }

    fn log_in(&self, dice: &mut Dice, user: &User, account: &mut Account) {
        if dice.below(4) == 0 {
            return self.log_in_on_the_page(dice, user, account);
        }
        let body = json!({"username": user.name, "password": PASSWORD});
        let got = self.insist(dice, "POST", "/api/auth/login", "", &body);
        assert_eq!(got.status, 200, "{}", got.text);
        self.count("logins");
        let tokens = got.json();
        let access = tokens["access_token"].as_str().unwrap();
        let refresh = tokens["refresh_token"].as_str().map(str::to_owned);
        let it = Credential::new(Kind::AccessToken, access);
        self.show(user, &it);
        let id = session_of(access);
        account.sessions.push(Session { id, credentials: vec![it], spent: Vec::new(), refresh });
    }

    fn log_in_on_the_page(&self, dice: &mut Dice, user: &User, account: &mut Account) {
        let Some(token) = account.sessions.iter().find_map(Session::token).map(str::to_owned)
        else {
            return;
        };
        let number = self.count("logins on the page");
        let form = format!("username={}&password={}", user.name, PASSWORD.replace(' ', "+"));
        let headers = format!(
            "Content-Type: application/x-www-form-urlencoded\r\nUser-Agent: browser {number}\r\n"
        );
        let got = loop {
            match ask(&self.addresses[dice.below(2)], "POST", "/login", &headers, &form) {
                Some(got) => break got,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        assert_eq!(got.status, 303, "{}", got.text);
        let cookie = got.text.split("__Host-contactd=").nth(1).unwrap().split(';').next().unwrap();
        let it = Credential::new(Kind::Cookie, cookie);
        let path = "/api/users/me/sessions";
        let listed = self.insist(dice, "GET", path, &bearer(&token), &Value::Null).json();
        let mut listed = listed.as_array().unwrap().iter();
        let own = listed.find(|one| one["user_agent"] == format!("browser {number}")).unwrap();
        let id = own["id"].as_i64().unwrap();
        self.show(user, &it);
        account.sessions.push(Session {
            id,
            credentials: vec![it],
            spent: Vec::new(),
            refresh: None,
        });
    }

    /// Two ask at once, one on each replica, and one once more: all get the same.
    fn refresh(&self, dice: &mut Dice, user: &User, session: &mut Session) {
        let Some(old) = session.refresh.clone() else { return };
        let body = json!({ "refresh_token": old });
        let seeds = [dice.below(1 << 30) as u64 | 1, dice.below(1 << 30) as u64 | 1];
        let call = |seed: u64| {
            let got = self.insist(&mut Dice::new(seed), "POST", "/api/auth/refresh", "", &body);
            assert_eq!(got.status, 200, "{}", got.text);
            got.json()
        };
        let call = &call;
        let mut answers = std::thread::scope(|scope| {
            let threads = seeds.map(|seed| scope.spawn(move || call(seed)));
            threads.map(|thread| thread.join().unwrap()).to_vec()
        });
        let again = self.insist(dice, "POST", "/api/auth/refresh", "", &body);
        assert_eq!(again.status, 200, "{}", again.text);
        answers.push(again.json());
        self.count("refreshes");
        for answer in &answers {
            self.count("repeated refreshes");
            assert_eq!(answer["refresh_token"], answers[0]["refresh_token"]);
            let it = Credential::new(Kind::AccessToken, answer["access_token"].as_str().unwrap());
            session.credentials.push(it);
        }
        self.show(user, session.credentials.last().unwrap());
        session.refresh = answers[0]["refresh_token"].as_str().map(str::to_owned);
        session.spent.push(old);
    }

    /// A token that was spent before the last refresh ends its session.
    fn show_stolen(&self, dice: &mut Dice, user: &User, account: &mut Account) {
        let Some(at) = account.sessions.iter().position(|it| it.refresh.is_some()) else { return };
        let mut session = account.sessions.remove(at);
        while session.spent.len() < 2 {
            self.refresh(dice, user, &mut session);
        }
        let body = json!({ "refresh_token": session.spent[0] });
        self.end_sessions(dice, user, vec![session], Vec::new(), |dice| {
            let got = self.insist(dice, "POST", "/api/auth/refresh", "", &body);
            assert_eq!(got.status, 401, "{}", got.text);
        });
        self.count("stolen tokens shown");
    }

    fn make_app_password(&self, dice: &mut Dice, user: &User, account: &mut Account, token: &str) {
        let scope = ["carddav", "read", "write"][dice.below(3)];
        let body = json!({"name": "phone", "scope": scope, "password": PASSWORD});
        let path = "/api/users/me/app-passwords";
        let got = self.insist(dice, "POST", path, &bearer(token), &body);
        assert_eq!(got.status, 201, "{}", got.text);
        self.count("app passwords made");
        let made = got.json();
        let it = Credential::new(Kind::AppPassword(scope), made["secret"].as_str().unwrap());
        self.show(user, &it);
        account.app_passwords.push((made["id"].as_i64().unwrap(), it));
    }

    fn change(&self, dice: &mut Dice) {
        let user = &self.users[dice.below(USERS)];
        let Ok(mut account) = user.account.try_lock() else { return };
        let account = &mut *account;
        let at = account.sessions.iter().position(|session| session.token().is_some());
        let Some(at) = at.filter(|_| account.sessions.len() > 1) else {
            return self.log_in(dice, user, account);
        };
        let token = account.sessions[at].token().unwrap().to_owned();
        let with = bearer(&token);
        let none = Value::Null;
        match dice.below(24) {
            0..4 if account.sessions.len() < SESSIONS => self.log_in(dice, user, account),
            4..9 => {
                let number = dice.below(account.sessions.len());
                self.refresh(dice, user, &mut account.sessions[number]);
            }
            9 => self.show_stolen(dice, user, account),
            10..14 if account.app_passwords.len() < 6 => {
                self.make_app_password(dice, user, account, &token);
            }
            14..17 if !account.app_passwords.is_empty() => {
                let (id, it) =
                    account.app_passwords.remove(dice.below(account.app_passwords.len()));
                let path = format!("/api/users/me/app-passwords/{id}");
                self.end(dice, user, &[it], |dice| {
                    assert_eq!(self.insist(dice, "DELETE", &path, &with, &none).status, 204);
                });
                self.count("app passwords revoked");
            }
            17..19 => {
                let session = account.sessions.remove(at);
                self.end_sessions(dice, user, vec![session], Vec::new(), |dice| {
                    assert_eq!(
                        self.insist(dice, "POST", "/api/auth/logout", &with, &none).status,
                        204
                    );
                });
                self.count("logouts");
            }
            19..21 => {
                let other =
                    (at + 1 + dice.below(account.sessions.len() - 1)) % account.sessions.len();
                let session = account.sessions.remove(other);
                let path = format!("/api/users/me/sessions/{}", session.id);
                self.end_sessions(dice, user, vec![session], Vec::new(), |dice| {
                    assert_eq!(self.insist(dice, "DELETE", &path, &with, &none).status, 204);
                });
                self.count("sessions ended");
            }
            21 => {
                let sessions = std::mem::take(&mut account.sessions);
                self.end_sessions(dice, user, sessions, Vec::new(), |dice| {
                    let got = self.insist(dice, "POST", "/api/auth/logout-all", &with, &none);
                    assert_eq!(got.status, 204);
                });
                self.count("logouts everywhere");
            }
            22 => {
                let keep = dice.below(2) == 0;
                let own = account.sessions.remove(at);
                let sessions = std::mem::replace(&mut account.sessions, vec![own]);
                let passwords =
                    if keep { Vec::new() } else { std::mem::take(&mut account.app_passwords) };
                let passwords = passwords.into_iter().map(|(_, it)| it).collect();
                let body = json!({
                    "current_password": PASSWORD, "new_password": PASSWORD, "keep_app_passwords": keep
                });
                self.end_sessions(dice, user, sessions, passwords, |dice| {
                    let got = self.insist(dice, "POST", "/api/users/me/password", &with, &body);
                    assert_eq!(got.status, 204, "{}", got.text);
                });
                self.count("passwords changed");
            }
            23 => self.disable_and_enable(dice, user, account),
            _ => {}
        }
    }

    fn disable_and_enable(&self, dice: &mut Dice, user: &User, account: &mut Account) {
        let path = format!("/api/users/{}", user.id);
        let set = |dice: &mut Dice, active: bool| {
            let body = json!({ "is_active": active });
            let got = self.insist(dice, "PATCH", &path, &bearer(&self.root), &body);
            assert_eq!(got.status, 200, "{}", got.text);
        };
        let sessions = std::mem::take(&mut account.sessions);
        let passwords: Vec<_> = account.app_passwords.iter().map(|(_, it)| it.clone()).collect();
        self.end_sessions(dice, user, sessions, passwords.clone(), |dice| set(dice, false));
        self.count("disabled");
        // App passwords come back, sessions do not.
        passwords.iter().for_each(|it| it.set(CHANGING));
        set(dice, true);
        passwords.iter().for_each(|it| it.set(COUNTS));
        for it in &passwords {
            let replica = dice.below(2);
            self.compare(dice, replica, user, it);
        }
        self.count("enabled");
    }
}

/// The session that an access token names.
fn session_of(token: &str) -> i64 {
    use base64::Engine;
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["sid"].as_i64().unwrap()
}

fn command(url: &str, words: &[&str]) {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    redis::cmd(words[0]).arg(&words[1..]).exec(&mut connection).unwrap();
}

/// A storm of flushes, and one real trouble.
fn trouble(server: &mut RedisServer, dice: &mut Dice, round: usize) {
    let url = server.url();
    for _ in 0..30 {
        std::thread::sleep(Duration::from_millis(dice.below(60) as u64));
        command(&url, &["FLUSHALL"]);
    }
    // Between the troubles the cache has time to be warm.
    std::thread::sleep(Duration::from_millis(1_500));
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
}

/// For 40 s, or `HAMMER_SECONDS`.
#[test]
fn nothing_opens_an_account_after_the_answer_to_what_ended_it() {
    let seconds = world::optional_variable("HAMMER_SECONDS").map_or(40, |raw| raw.parse().unwrap());
    let mut redis = RedisServer::start();
    let world = World::with(|config| {
        config.redis_url = Some(Secret::new(redis.url()));
        config.db_pool_size = 16;
    });
    let there = world.replica();
    let address = |world: &World| {
        let server = contactd::serve::listen(&world.app, ([127, 0, 0, 1], 0).into()).unwrap();
        let address = server.local_addr().to_string();
        std::thread::spawn(move || server.run());
        address
    };
    let user = |number: usize| {
        let Actor { id, name, .. } = world.user(&format!("user{number}"));
        User { id, name, account: Mutex::default(), shown: Mutex::default() }
    };
    let hammer = Hammer {
        addresses: [address(&world), address(&there)],
        root: world.admin("root").token.unwrap(),
        users: (0..USERS).map(user).collect(),
        counts: Default::default(),
        stop: AtomicBool::new(false),
    };
    let seed = u64::from(std::process::id()) * 1_000;
    let start = Instant::now();
    let mut rounds = 0;
    std::thread::scope(|scope| {
        for number in 0..READERS + WRITERS {
            let hammer = &hammer;
            scope.spawn(move || {
                let mut dice = Dice::new(seed + number as u64);
                while !hammer.stop.load(SeqCst) {
                    if number < READERS {
                        hammer.read(&mut dice)
                    } else {
                        hammer.change(&mut dice)
                    }
                    // Or two cores would do nothing but read.
                    std::thread::sleep(Duration::from_millis(dice.below(10) as u64));
                }
            });
        }
        let mut dice = Dice::new(seed);
        let time = Duration::from_secs(seconds);
        // Longer on a machine that is so busy that something did not happen yet.
        let goes_on = |past: Duration| past < time || past < time * 6 && !hammer.did_all();
        while goes_on(start.elapsed()) && !hammer.failed() {
            rounds += 1;
            trouble(&mut redis, &mut dice, rounds);
        }
        hammer.stop.store(true, SeqCst);
    });
    let report: Vec<_> =
        COUNTED.iter().map(|name| format!("{name}: {}", hammer.counted(name))).collect();
    println!("{:.1?}, {rounds} rounds of trouble; {}", start.elapsed(), report.join(", "));
    assert_eq!(hammer.counted("accepted after their end"), 0);
    assert_eq!(hammer.counted("refused before it"), 0);
    assert!(hammer.did_all(), "something was never done");
}

impl Hammer {
    fn did_all(&self) -> bool {
        COUNTED[..COUNTED.len() - 2].iter().all(|name| self.counted(name) > 0)
    }

    fn failed(&self) -> bool {
        self.counted("accepted after their end") + self.counted("refused before it") > 20
    }
}
