//! Secrets that anybody may guess: app passwords and the cookies of pages. A guess counts for the address
//! that it comes from, costs no more than that, and nobody else.

use crate::world::{Actor, Answer, PASSWORD, World};
use contactd::config::Rate;
use contactd::context::App;
use contactd::crypto::{self, typed};
use contactd::serve;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

fn limited(count: u64) -> World {
    World::with(|config| config.rates.default = Some(Rate { count, seconds: 3_600 }))
}

fn bearer(actor: &Actor, secret: &str) -> Actor {
    Actor { token: Some(secret.to_owned()), ..actor.clone() }
}

/// Signs in on the page; the cookie.
fn cookie(actor: &Actor) -> String {
    let form = format!("username={}&password={}", actor.name, PASSWORD.replace(' ', "+"));
    let answer = Actor { token: None, ..actor.clone() }.post_form("/login", &form).expect(303);
    answer.header("Set-Cookie").split(';').next().unwrap().to_owned()
}

fn with_cookie(actor: &Actor, path: &str, cookie: &str) -> Answer {
    Actor { token: None, ..actor.clone() }.send("GET", path, &[("Cookie", cookie)], b"")
}

fn forged_password(user: i64) -> String {
    typed::app_password(user).unwrap().0
}

fn forged_cookie(user: i64) -> String {
    format!("__Host-contactd={}", crypto::token_for(user).unwrap())
}

/// The keys of this world in Redis that have this in their name.
fn keys(world: &World, part: &str) -> Vec<String> {
    let url = world.app.config.redis_url.as_ref().unwrap().reveal();
    let mut redis = redis::Client::open(url).unwrap().get_connection().unwrap();
    let pattern = format!("{}*{part}*", world.app.config.redis_prefix);
    redis::cmd("KEYS").arg(pattern).query(&mut redis).unwrap()
}

#[test]
fn guesses_leave_one_counter_and_are_not_looked_up_past_the_limit() {
    let world = limited(6);
    let eve = world.nobody().at([192, 0, 2, 66]);
    // Each with a secret, and an account, of its own.
    for user in 1_000..1_003 {
        bearer(&eve, &forged_password(user)).get("/api/contacts").expect(401);
        with_cookie(&eve, "/contacts", &forged_cookie(user)).expect(303);
    }
    assert_eq!(keys(&world, "").len(), 1, "{:?}", keys(&world, ""));
    world
        .app
        .db
        .transaction(|tx| {
            // Whoever looks into these now waits, for two seconds and in vain.
            tx.execute("LOCK TABLE users, sessions, app_passwords", &[])?;
            for user in 2_000..2_010 {
                bearer(&eve, &forged_password(user)).get("/api/contacts").expect(429);
                let basic = eve.with_basic("ann", &forged_password(user));
                basic.send("PROPFIND", "/dav/", &[], b"").expect(429);
                with_cookie(&eve, "/contacts", &forged_cookie(user)).expect(429);
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(keys(&world, "").len(), 1);
}

#[test]
fn phones_scripts_pages_and_sessions_of_an_account_have_one_limit_together() {
    let world = limited(9);
    let ann = world.user("ann");
    let [one, two] = ["read", "write"].map(|scope| bearer(&ann, &ann.app_password(scope)));
    let page = cookie(&ann);
    let calls: [&dyn Fn() -> Answer; 4] = [
        &|| one.get("/api/contacts"),
        &|| two.get("/api/contacts"),
        &|| with_cookie(&ann, "/contacts", &page),
        &|| ann.get("/api/contacts"),
    ];
    // Whichever it is, the account has one less each time.
    for left in (1..9).rev() {
        let answer = calls[left % 4]().expect(200);
        assert_eq!(answer.header("RateLimit-Remaining"), left.to_string());
    }
    calls[0]().expect(200);
    for call in calls {
        call().expect(429);
    }
    // None of that was counted for the address, where nobody has asked for anything.
    let nobody = world.nobody().get("/nothing").expect(404);
    assert_eq!(nobody.header("RateLimit-Remaining"), "8");
}

#[test]
fn what_ended_counts_for_the_address_and_not_for_its_owner() {
    let world = limited(20);
    let ann = world.user("ann");
    let secret = ann.app_password("read");
    let page = cookie(&ann);
    bearer(&ann, &secret).get("/api/contacts").expect(200);
    with_cookie(&ann, "/contacts", &page).expect(200);
    let id = ann.get("/api/users/me/app-passwords").json()[0]["id"].clone();
    ann.delete(&format!("/api/users/me/app-passwords/{id}")).expect(204);
    let sessions = ann.get("/api/users/me/sessions").json();
    let other = sessions.as_array().unwrap().iter().find(|it| it["current"] == false).unwrap();
    let path = format!("/api/users/me/sessions/{}", other["id"]);
    let left = ann.delete(&path).expect(204).header("RateLimit-Remaining").to_owned();
    let thief = ann.at([192, 0, 2, 66]);
    for _ in 0..10 {
        bearer(&thief, &secret).get("/api/contacts").expect(401);
        with_cookie(&thief, "/contacts", &page).expect(303);
    }
    bearer(&thief, &secret).get("/api/contacts").expect(429);
    with_cookie(&thief, "/contacts", &page).expect(429);
    let left: u64 = left.parse().unwrap();
    let answer = ann.get("/api/contacts").expect(200);
    assert_eq!(answer.header("RateLimit-Remaining"), (left - 1).to_string());
}

#[test]
fn a_cookie_is_no_way_round_the_limits_of_an_address() {
    let world = World::with(|config| config.rates.login = Some(Rate { count: 4, seconds: 60 }));
    let ann = world.user("ann");
    let login = |cookie: &str| {
        let headers = [("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")];
        let body = b"username=ann&password=wrong+password";
        world.nobody().send("POST", "/login", &headers, body).status
    };
    // The second login: the account came with one.
    let good = cookie(&ann);
    let statuses = [forged_cookie(1), forged_cookie(ann.id), good, forged_cookie(2)];
    let statuses = statuses.map(|cookie| login(&cookie));
    assert!(!statuses[..2].contains(&429), "{statuses:?}");
    assert_eq!(statuses[2..], [429, 429], "{statuses:?}");
}

/// The status of the first answer to a head that announces a large body and waits for a word.
fn first_status(address: std::net::SocketAddr, line: &str, headers: &[(&str, &str)]) -> u16 {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let fields: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n{fields}\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

#[test]
fn no_long_body_is_asked_for_before_its_sender_is_known() {
    let world = World::new();
    let ann = world.user("ann");
    let (secret, page) = (ann.app_password("write"), cookie(&ann));
    let gone = ann.signed_in();
    gone.post("/api/auth/logout", json!({})).expect(204);
    let basic = |secret: &str| ann.with_basic("ann", secret).token.unwrap();
    let [forged, dead] = [forged_password(ann.id), gone.token.unwrap()];
    let multipart = ("Content-Type", "multipart/form-data; boundary=x");
    let cases = |secret: &str, token: &str, cookie: &str| {
        let (basic, bearer) = (basic(secret), format!("Bearer {token}"));
        let asked = |line: &str, headers: &[(&str, &str)]| {
            // A replica that has met nobody, and a cache that does not know the account either.
            let fresh = world.replica();
            world.app.change_user(ann.id, |_, _| Ok(())).unwrap();
            served(&fresh.app, |address| first_status(address, line, headers))
        };
        [
            asked("POST /api/contacts/import", &[("Authorization", &basic)]),
            asked("PUT /dav/addressbooks/ann/contacts/x.vcf", &[("Authorization", &basic)]),
            asked("POST /api/contacts/import", &[("Authorization", &bearer)]),
            asked("POST /import", &[("Cookie", cookie), multipart]),
        ]
    };
    assert_eq!(cases(&forged, &dead, &forged_cookie(ann.id)), [401, 401, 401, 403]);
    assert_eq!(cases(&secret, ann.token.as_deref().unwrap(), &page), [100; 4]);
}

/// Serves while this runs.
fn served<T>(app: &Arc<App>, run: impl FnOnce(std::net::SocketAddr) -> T) -> T {
    let server = serve::listen(app, "127.0.0.1:0".parse().unwrap()).unwrap();
    let (address, stopper) = (server.local_addr(), server.stopper());
    let serving = std::thread::spawn(move || server.run());
    let result = run(address);
    stopper.stop();
    stopper.stop();
    serving.join().unwrap();
    result
}

#[test]
fn no_more_connections_are_taken_than_the_settings_say() {
    let world = World::with(|config| config.max_connections = 1);
    let statuses = served(&world.app, |address| {
        let ask = || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut head = [0; 12];
            stream.read_exact(&mut head).unwrap();
            (String::from_utf8(head.to_vec()).unwrap(), stream)
        };
        let (first, _kept) = ask();
        [first, ask().0]
    });
    assert_eq!(statuses, ["HTTP/1.1 200", "HTTP/1.1 503"]);
}

#[test]
fn a_calendar_made_with_an_app_password_ends_with_it() {
    let world = World::new();
    let ann = world.user("ann");
    let secret = ann.app_password("write");
    let script = bearer(&ann, &secret);
    let make = |by: &Actor| {
        let url = by.post("/api/contacts/calendar-url", json!({})).expect(201).json();
        url["url"].as_str().unwrap().trim_start_matches("https://contacts.example").to_owned()
    };
    let revoke = || {
        let id = ann.get("/api/users/me/app-passwords").json()[0]["id"].clone();
        ann.delete(&format!("/api/users/me/app-passwords/{id}")).expect(204);
    };
    let url = make(&script);
    world.nobody().get(&url).expect(200);
    revoke();
    world.nobody().get(&url).expect(404);
    script.post("/api/contacts/calendar-url", json!({})).expect(401);
    // One that the owner made goes on.
    ann.app_password("write");
    let url = make(&ann);
    revoke();
    world.nobody().get(&url).expect(200);
}

#[test]
fn a_guessed_refresh_token_leaves_no_counter_of_its_own() {
    let world = limited(600);
    world.user("ann");
    for user in 1..6 {
        let token = crypto::RefreshToken::new(user).unwrap().text();
        let body = json!({ "refresh_token": token });
        world.nobody().post("/api/auth/refresh", body).expect(401);
    }
    assert_eq!(keys(&world, "rl:").len(), 1, "{:?}", keys(&world, "rl:"));
}
