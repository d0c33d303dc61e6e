//! The second factor once more: codes that work once, recovery codes, and what is written of them.

use crate::second_factor::{code, log_in, turn_on};
use crate::world::{Actor, Answer, PASSWORD, World, served};
use chrono::Duration;
use contactd::config::Rate;
use serde_json::{Value, json};
use std::collections::HashSet;

/// The actions written down of an account, oldest first.
fn actions(world: &World, user: i64) -> Vec<String> {
    let query = format!(
        "SELECT coalesce(string_agg(action, ' ' ORDER BY id), '') FROM audit_events WHERE user_id = {user}"
    );
    world.sql::<String>(&query).split(' ').map(str::to_owned).collect()
}

fn count(actions: &[String], action: &str) -> usize {
    actions.iter().filter(|known| *known == action).count()
}

fn off(ann: &Actor, code: &str) -> Answer {
    ann.delete_with("/api/users/me/totp", json!({"password": PASSWORD, "code": code}))
}

/// The outcome of so many logins at once with one code, on two replicas in turn.
fn at_once(world: &World, ann: &Actor, code: &str, number: usize) -> Vec<u16> {
    let there = world.replica();
    let one = |number: usize| {
        let app = [&world.app, &there.app][number % 2].clone();
        let there = Actor { app, ..ann.clone() };
        served(|| log_in(&there, code)).status
    };
    let one = &one;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..number).map(|number| scope.spawn(move || one(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn ten_recovery_codes_of_fifty_bits_no_two_alike() {
    let world = World::new();
    let mut all = HashSet::new();
    for name in ["ann", "bob", "eve"] {
        let (_, codes) = turn_on(&world, &world.user(name));
        assert_eq!(codes.len(), 10);
        for code in codes {
            // Ten letters of five bits, which have no i, l, o and u.
            let letters = code.replace('-', "");
            let is_letter =
                |c: char| c.is_ascii_digit() || c.is_ascii_lowercase() && !"ilou".contains(c);
            assert!(letters.len() == 10 && letters.chars().all(is_letter), "{code}");
            assert!(all.insert(code));
        }
    }
    assert_eq!(all.len(), 30);
    // None is the start of another's: fifty bits each, not fifty together.
    let starts: HashSet<_> = all.iter().map(|code| &code[..5]).collect();
    assert_eq!(starts.len(), 30);
}

#[test]
fn of_parallel_uses_of_a_recovery_code_one_wins_on_all_replicas_together() {
    let world = World::new();
    let ann = world.user("ann");
    let (_, codes) = turn_on(&world, &ann);
    for code in &codes[..4] {
        let statuses = at_once(&world, &ann, code, 6);
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    }
    assert_eq!(world.sql::<i32>("SELECT cardinality(recovery) FROM totp"), 6);
    let written = actions(&world, ann.id);
    assert_eq!(count(&written, "recovery_code_used"), 4, "{written:?}");
    assert_eq!(count(&written, "login_failed"), 20, "{written:?}");
}

#[test]
fn two_recovery_codes_at_once_are_both_used_up() {
    let world = World::new();
    let ann = world.user("ann");
    let (_, codes) = turn_on(&world, &ann);
    let one = |code: &str| served(|| log_in(&ann, code)).status;
    let one = &one;
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            codes[..4].iter().map(|code| scope.spawn(move || one(code))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 4]);
    for code in &codes[..4] {
        log_in(&ann, code).expect(401);
    }
    log_in(&ann, &codes[4]).expect(200);
}

#[test]
fn one_accounts_codes_are_nothing_to_another() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let (secret, codes) = turn_on(&world, &ann);
    turn_on(&world, &bob);
    log_in(&bob, &codes[0]).expect(401);
    log_in(&bob, &code(&secret, &world)).expect(401);
    off(&bob, &codes[0]).expect_faults(&["code"]);
    // Nor were they used up by that.
    log_in(&ann, &code(&secret, &world)).expect(200);
    log_in(&ann, &codes[0]).expect(200);
}

#[test]
fn a_code_that_confirmed_is_no_login_and_one_of_a_login_turns_nothing_off() {
    let world = World::new();
    let ann = world.user("ann");
    let begun = ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201).json();
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let first = code(&secret, &world);
    ann.post("/api/users/me/totp/confirm", json!({ "code": first })).expect(200);
    let refused = log_in(&ann, &first).expect(401);
    assert_eq!(refused.json()["type"], "/problems/second-factor-wrong");
    world.pass(Duration::seconds(30));
    log_in(&ann, &first).expect(401);
    let second = code(&secret, &world);
    log_in(&ann, &second).expect(200);
    off(&ann, &second).expect_faults(&["code"]);
    world.pass(Duration::seconds(30));
    // An authenticator's code is as good for that as a recovery code.
    off(&ann, &code(&secret, &world)).expect(204);
    ann.log_in(PASSWORD).expect(200);
}

#[test]
fn one_step_of_tolerance_and_no_way_back() {
    let world = World::new();
    let ann = world.user("ann");
    let (secret, _) = turn_on(&world, &ann);
    // In the middle of nowhere, far from the step that confirmed it.
    world.pass(Duration::minutes(10));
    let at = |steps: i64| {
        support::authenticator::code(&secret, world.now() + Duration::seconds(30 * steps))
    };
    for steps in [-2, 2, -10, 10] {
        log_in(&ann, &at(steps)).expect(401);
    }
    log_in(&ann, &at(-1)).expect(200);
    log_in(&ann, &at(-1)).expect(401);
    log_in(&ann, &at(0)).expect(200);
    log_in(&ann, &at(1)).expect(200);
    // A newer code was taken: the older ones are over, used or not.
    for steps in [-1, 0, 1] {
        log_in(&ann, &at(steps)).expect(401);
    }
    world.pass(Duration::minutes(1));
    log_in(&ann, &at(0)).expect(200);
}

#[test]
fn what_happens_to_it_is_written_down_with_who_did_it() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let (_, codes) = turn_on(&world, &ann);
    ann.log_in(PASSWORD).expect(401);
    assert_eq!(count(&actions(&world, ann.id), "login_failed"), 0, "nothing was guessed");
    log_in(&ann, "000000").expect(401);
    log_in(&ann, &codes[0]).expect(200);
    off(&ann, &codes[1]).expect(204);
    let event = |action: &str| {
        let path = format!("/api/audit-events?user_id={}&action={action}", ann.id);
        let found = root.get(&path).expect(200).json();
        let found: Vec<_> =
            found.as_array().unwrap().iter().map(|it| it["actor_id"].clone()).collect();
        found
    };
    let own = json!(ann.id);
    assert_eq!(event("login_failed"), [Value::Null], "nobody is known to have done it");
    assert_eq!(event("recovery_code_used"), [own.clone(), own.clone()]);
    assert_eq!(event("totp_enabled"), std::slice::from_ref(&own));
    assert_eq!(event("totp_disabled"), std::slice::from_ref(&own));
    turn_on(&world, &ann);
    root.delete(&format!("/api/users/{}/totp", ann.id)).expect(204);
    root.delete(&format!("/api/users/{}/totp", ann.id)).expect(204);
    assert_eq!(event("totp_disabled"), [json!(root.id), own], "once, and by whom");
    let all = root.get("/api/audit-events?limit=100").text();
    assert!(codes.iter().all(|code| !all.contains(code.as_str())));
}

#[test]
fn nothing_but_a_login_asks_for_it() {
    let world = World::new();
    let ann = world.user("ann");
    let phone = Actor { token: Some(ann.app_password("read")), ..ann.clone() };
    let tokens = ann.log_in(PASSWORD).expect(200).json();
    let (secret, _) = turn_on(&world, &ann);
    phone.get("/api/contacts").expect(200);
    ann.get("/api/users/me").expect(200);
    let body = json!({"refresh_token": tokens["refresh_token"]});
    ann.post("/api/auth/refresh", body).expect(200);
    ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(409);
    // A right code does not make up for the password, and is not used up by a wrong one.
    let guess =
        json!({"username": "ann", "password": "wrong password", "code": code(&secret, &world)});
    let refused = world.nobody().post("/api/auth/login", guess).expect(401);
    assert_eq!(refused.json()["type"], "about:blank");
    log_in(&ann, &code(&secret, &world)).expect(200);
    let empty = json!({"username": "ann", "password": PASSWORD, "code": ""});
    assert!([401, 422].contains(&world.nobody().post("/api/auth/login", empty).status));
}

#[test]
fn wrong_codes_count_as_wrong_passwords_do_and_right_ones_never() {
    let world = World::with(|config| {
        config.rates.login_failures = Some(Rate { count: 4, seconds: 900 });
    });
    let ann = world.user("ann");
    let (secret, codes) = turn_on(&world, &ann);
    for code in &codes[..6] {
        log_in(&ann, code).expect(200);
    }
    log_in(&ann, "000000").expect(401);
    log_in(&ann, "aaaaa-aaaaa").expect(401);
    ann.log_in("wrong password").expect(401);
    log_in(&ann, "no code at all").expect(401);
    log_in(&ann, &code(&secret, &world)).expect(429);
    // Who is signed in goes on.
    ann.get("/api/users/me").expect(200);
}

#[test]
fn the_secret_is_opened_with_the_key_only() {
    let world = World::new();
    let ann = world.user("ann");
    let (secret, _) = turn_on(&world, &ann);
    let stored = world.sql::<Vec<u8>>("SELECT secret FROM totp");
    let plain = support::authenticator::base32(&secret);
    let has = |part: &[u8]| stored.windows(part.len()).any(|it| it == part);
    assert_eq!(plain.len(), 20, "160 bits");
    assert!(!has(&plain[..8]) && !has(&secret.as_bytes()[..8]));
    // Another key reads nothing of it, and opens no account either.
    let mut config = world.app.config.clone();
    config.secret_key =
        contactd::config::Secret::new("another key, of more than 32 bytes".to_owned());
    let stranger = Actor { app: world.replica_of(config).app.clone(), ..ann.clone() };
    assert_eq!(log_in(&stranger, &code(&secret, &world)).status, 500);
    log_in(&ann, &code(&secret, &world)).expect(200);
}
