//! Sessions of browsers: how long they live, what their cookie opens, and the second step of signing in.

use crate::browser::{Browser, value};
use chrono::Duration;
use contactd::config::Rate;
use contactd::routes::{Gate, ROUTES};
use serde_json::json;
use support::authenticator;
use support::world::{Actor, PASSWORD, World};

const COOKIE: &str = "__Host-contactd";

#[test]
fn a_page_session_ends_thirty_days_after_its_last_use() {
    let world = World::new();
    let ann = world.user("ann");
    let (used, left) = (Browser::signed_in(&world, "ann"), Browser::signed_in(&world, "ann"));
    world.pass(Duration::days(30) - Duration::seconds(1));
    used.get("/contacts").expect(200);
    world.pass(Duration::seconds(1));
    left.get("/contacts").expect(303);
    used.get("/contacts").expect(200);
    world.pass(Duration::days(29));
    used.get("/contacts").expect(200);
    let ann = ann.signed_in();
    // The use is seen in the list, to the day.
    let listed = ann.get("/api/users/me/sessions").expect(200).json();
    let uses: Vec<_> = listed.as_array().unwrap().iter().map(|it| &it["last_used_at"]).collect();
    assert_eq!(uses, ["2027-01-20T12:00:00Z", "2027-01-20T12:00:00Z"], "{listed}");
}

#[test]
fn a_page_session_of_a_day_lives_on_from_its_use_too() {
    let world = World::with(|config| config.refresh_token = Duration::days(1));
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    for _ in 0..4 {
        world.pass(Duration::hours(13));
        browser.get("/contacts").expect(200);
    }
    world.pass(Duration::days(1));
    browser.get("/contacts").expect(303);
}

#[test]
fn a_page_session_ends_180_days_after_its_login_whatever_happens() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::new(&world);
    let form = [("username", "ann"), ("password", PASSWORD)];
    let answer = browser.post_raw("/login", &form, &[]).expect(303);
    let life = format!("Max-Age={};", 180 * 24 * 60 * 60);
    assert!(answer.header("Set-Cookie").contains(&life), "{}", answer.header("Set-Cookie"));
    for _ in 0..8 {
        world.pass(Duration::days(20));
        browser.get("/contacts").expect(200);
    }
    world.pass(Duration::days(20) - Duration::seconds(1));
    browser.get("/contacts").expect(200);
    let token = browser.token();
    world.pass(Duration::seconds(1));
    browser.get("/contacts").expect(303);
    let form = [("csrf", token.as_str()), ("first_name", "Bob")];
    browser.post_raw("/contacts/new", &form, &[]).expect(403);
    contactd::worker::purge(&world.app).unwrap();
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM sessions"), 0);
}

#[test]
fn a_lowered_session_days_ends_what_is_older() {
    let world = World::new();
    let ann = world.user("ann");
    let mut tokens = ann.log_in(PASSWORD).expect(200).json();
    let browser = Browser::signed_in(&world, "ann");
    for _ in 0..5 {
        world.pass(Duration::days(20));
        let body = json!({"refresh_token": tokens["refresh_token"]});
        tokens = ann.post("/api/auth/refresh", body).expect(200).json();
        browser.get("/contacts").expect(200);
    }
    let young = Browser::signed_in(&world, "ann");
    let phone = ann.signed_in();
    let lowered = |days: i64| {
        let mut config = world.app.config.clone();
        config.session = Duration::days(days);
        // What the replica of before put into the cache is gone after ten seconds.
        world.app.cache.write(&[ann.id], |_| Ok(())).unwrap();
        world.replica_of(config)
    };
    let on = |world: &World, token: &serde_json::Value| Actor {
        app: world.app.clone(),
        ..ann.with_token(token)
    };
    let cookie = |world: &World, browser: &Browser| {
        let cookie = format!("{COOKIE}={}", browser.cookie(COOKIE).unwrap());
        world.nobody().send("GET", "/contacts", &[("Cookie", &cookie)], b"").status
    };
    let same = lowered(101);
    on(&same, &tokens["access_token"]).get("/api/users/me").expect(200);
    assert_eq!(cookie(&same, &browser), 200);
    let after = lowered(99);
    assert_eq!(cookie(&after, &browser), 303);
    on(&after, &tokens["access_token"]).get("/api/users/me").expect(401);
    let body = json!({"refresh_token": tokens["refresh_token"]});
    after.nobody().post("/api/auth/refresh", body).expect(401);
    // Nobody stole anything, and younger ones go on.
    let reused = "SELECT count(*) FROM audit_events WHERE action = 'refresh_reused'";
    assert_eq!(world.sql::<i64>(reused), 0);
    assert_eq!(cookie(&after, &young), 200);
    let list = on(&after, &json!(phone.token)).get("/api/users/me/sessions").expect(200).json();
    assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
}

#[test]
fn the_cookie_opens_nothing_but_pages_and_no_token_opens_a_page() {
    let world = World::new();
    let ann = world.admin("ann");
    let tokens = ann.log_in(PASSWORD).expect(200).json();
    let browser = Browser::signed_in(&world, "ann");
    let secret = browser.cookie(COOKIE).unwrap();
    let cookie = format!("{COOKIE}={secret}");
    let mut tried = 0;
    for route in ROUTES {
        let wants_none = matches!(route.gate, Gate::Anyone(_) | Gate::Visitor(_));
        if wants_none {
            continue;
        }
        let path = route.path.replace("{id}", "1").replace("{path*}", "");
        let nobody = world.nobody();
        let answer = nobody.send(route.verb, &path, &[("Cookie", &cookie)], b"");
        answer.expect(401);
        let as_token = nobody.with_token(&json!(secret)).send(route.verb, &path, &[], b"");
        as_token.expect(401);
        nobody.with_basic("ann", &secret).send(route.verb, &path, &[], b"").expect(401);
        tried += 1;
    }
    assert!(tried > 60, "only {tried} routes");
    // Beside a token it makes no difference.
    let bob = world.user("bob");
    let me = bob.send("GET", "/api/users/me", &[("Cookie", &cookie)], b"").expect(200).json();
    assert_eq!(me["username"], "bob");
    let refresh = json!({ "refresh_token": secret });
    world.nobody().post("/api/auth/refresh", refresh).expect(401);
    let app_password = ann.app_password("write");
    let others = [&tokens["access_token"], &tokens["refresh_token"], &json!(app_password)];
    for other in others.map(|other| other.as_str().unwrap()) {
        let stranger = Browser::new(&world);
        stranger.set_cookie(COOKIE, other);
        stranger.get("/contacts").expect(303);
        for token in [other.to_owned(), ann.with_basic("ann", other).token.unwrap()] {
            let sender = Actor { token: Some(token), ..world.nobody() };
            sender.get("/contacts").expect(303);
            sender.get("/settings").expect(303);
        }
    }
    browser.get("/contacts").expect(200);
}

#[test]
fn on_the_page_app_passwords_end_with_the_password_unless_they_are_kept() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let mut before = PASSWORD.to_owned();
    for (number, keep) in [(1, true), (2, false)] {
        let phone = match number {
            1 => ann.app_password("read"),
            _ => {
                let body = json!({"name": "x", "scope": "read", "password": before});
                let again = ann.log_in(&before).expect(200).json();
                let ann = ann.with_token(&again["access_token"]);
                let made = ann.post("/api/users/me/app-passwords", body).expect(201).json();
                made["secret"].as_str().unwrap().to_owned()
            }
        };
        let new = format!("quite another one {number}");
        let mut form = vec![("current_password", before.as_str()), ("new_password", new.as_str())];
        form.extend(keep.then_some(("keep_app_passwords", "true")));
        browser.post("/settings/password", &form).expect(303);
        let status = ann.with_token(&json!(phone)).get("/api/contacts").status;
        assert_eq!(status, if keep { 200 } else { 401 });
        browser.get("/contacts").expect(200);
        before = new;
    }
}

/// An account with a second factor; its secret and recovery codes.
fn with_second_factor(world: &World, ann: &Actor) -> (String, Vec<String>) {
    let begun = ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201).json();
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let body = json!({"code": authenticator::code(&secret, world.now())});
    let codes = ann.post("/api/users/me/totp/confirm", body).expect(200).json();
    world.pass(Duration::seconds(30));
    let codes = codes["recovery_codes"].as_array().unwrap().iter();
    (secret, codes.map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// Sends name and password, and takes the ticket from the page that asks for the code.
fn ticket(browser: &Browser) -> String {
    let form = [("username", "ann"), ("password", PASSWORD)];
    let answer = browser.post_raw("/login", &form, &[]).expect(303);
    assert_eq!(answer.header("Location"), "/login/code");
    let page = browser.follow(&answer).expect(200).text();
    assert!(page.contains("<form method=\"post\" action=\"/login/code\""), "{page}");
    value(&page, "ticket").to_owned()
}

#[test]
fn a_ticket_for_the_second_step_lives_five_minutes_and_dies_with_the_password() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let (_, codes) = with_second_factor(&world, &ann);
    let send = |ticket: &str, code: &str| {
        let form = [("ticket", ticket), ("code", code)];
        let answer = Browser::new(&world).post_raw("/login/code", &form, &[]);
        (answer.status, answer.header("Location").to_owned())
    };
    let (login, inside) = ((303, "/login".to_owned()), (303, "/contacts".to_owned()));
    let fresh = ticket(&Browser::new(&world));
    world.pass(Duration::minutes(5));
    assert_eq!(send(&fresh, &codes[0]), inside);
    let old = ticket(&Browser::new(&world));
    world.pass(Duration::minutes(5) + Duration::seconds(1));
    assert_eq!(send(&old, &codes[1]), login);
    for odd in ["", "x", &old[1..], &format!("{old}A")] {
        assert_eq!(send(odd, &codes[1]), login, "{odd}");
    }
    // It opens nothing by itself, wherever it is shown.
    let fresh = ticket(&Browser::new(&world));
    world.nobody().with_token(&json!(fresh)).get("/api/users/me").expect(401);
    let stranger = Browser::new(&world);
    stranger.set_cookie(COOKIE, &fresh);
    stranger.get("/contacts").expect(303);
    let body = json!({"current_password": PASSWORD, "new_password": PASSWORD});
    ann.post("/api/users/me/password", body).expect(204);
    assert_eq!(send(&fresh, &codes[1]), login, "of a password that was changed");
    let fresh = ticket(&Browser::new(&world));
    root.patch(&format!("/api/users/{}", ann.id), json!({"is_active": false})).expect(200);
    assert_eq!(send(&fresh, &codes[1]), login, "of an account that was disabled");
    root.patch(&format!("/api/users/{}", ann.id), json!({"is_active": true})).expect(200);
    // None of that used the code up.
    assert_eq!(send(&ticket(&Browser::new(&world)), &codes[1]), inside);
}

#[test]
fn wrong_codes_in_the_second_step_are_failed_logins() {
    let world = World::with(|config| {
        config.rates.login_failures = Some(Rate { count: 3, seconds: 900 });
    });
    let ann = world.user("ann");
    let (secret, codes) = with_second_factor(&world, &ann);
    let browser = Browser::new(&world);
    let ticket = ticket(&browser);
    let send = |code: &str| {
        browser.post_raw("/login/code", &[("ticket", &ticket), ("code", code)], &[]).status
    };
    assert_eq!([send("000000"), send("aaaaa-aaaaa"), send("")], [422; 3]);
    let failed = "SELECT count(*) FROM audit_events WHERE action = 'login_failed'";
    assert_eq!(world.sql::<i64>(failed), 3);
    assert_eq!(send(&codes[0]), 429);
    assert_eq!(send(&authenticator::code(&secret, world.now())), 429);
    browser.get("/contacts").expect(303);
    // The name is shut at the first step, too.
    let form = [("username", "ann"), ("password", PASSWORD)];
    browser.post_raw("/login", &form, &[]).expect(429);
    ann.get("/api/users/me").expect(200);
}

#[test]
fn a_code_works_once_in_the_second_step_and_elsewhere_together() {
    let world = World::new();
    let ann = world.user("ann");
    let (secret, codes) = with_second_factor(&world, &ann);
    let code = authenticator::code(&secret, world.now());
    let browser = Browser::new(&world);
    let first = ticket(&browser);
    browser.post_raw("/login/code", &[("ticket", &first), ("code", &code)], &[]).expect(303);
    browser.get("/contacts").expect(200);
    let login = |code: &str| {
        let body = json!({"username": "ann", "password": PASSWORD, "code": code});
        world.nobody().post("/api/auth/login", body)
    };
    login(&code).expect(401);
    login(&codes[0]).expect(200);
    let other = Browser::new(&world);
    let second = ticket(&other);
    let form = [("ticket", second.as_str()), ("code", codes[0].as_str())];
    other.post_raw("/login/code", &form, &[]).expect(422);
    other.get("/contacts").expect(303);
    // The login form takes the code at once, for programs that fill it in.
    let form = [("username", "ann"), ("password", PASSWORD), ("code", codes[1].as_str())];
    let answer = other.post_raw("/login", &form, &[]).expect(303);
    assert_eq!(answer.header("Location"), "/contacts");
}
