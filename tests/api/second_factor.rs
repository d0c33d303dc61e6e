//! The second factor: what a login needs, what works once, and what is left to whoever lost it.

use crate::world::{Actor, Answer, PASSWORD, World, served};
use chrono::Duration;
use serde_json::json;
use support::authenticator;

pub fn code(secret: &str, world: &World) -> String {
    authenticator::code(secret, world.now())
}

pub fn log_in(actor: &Actor, code: &str) -> Answer {
    let body = json!({"username": actor.name, "password": PASSWORD, "code": code});
    Actor { token: None, ..actor.clone() }.post("/api/auth/login", body)
}

/// Turns it on; the secret and the recovery codes.
pub fn turn_on(world: &World, ann: &Actor) -> (String, Vec<String>) {
    let begun = ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201).json();
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let body = json!({"code": code(&secret, world)});
    let codes = ann.post("/api/users/me/totp/confirm", body).expect(200).json();
    world.pass(Duration::seconds(30));
    let codes = codes["recovery_codes"].as_array().unwrap().iter();
    (secret, codes.map(|code| code.as_str().unwrap().to_owned()).collect())
}

#[test]
fn nothing_is_asked_for_until_it_is_confirmed() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/users/me/totp", json!({"password": "wrong password"})).expect(403);
    ann.post("/api/users/me/totp/confirm", json!({"code": "123456"})).expect(409);
    let begun = ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201).json();
    let secret = begun["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    let uri = begun["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/contacts%2Eexample:ann?secret="), "{uri}");
    assert!(uri.contains(secret));
    let qr = begun["qr"].as_str().unwrap();
    assert!(qr.starts_with("<svg ") && qr.ends_with("</svg>") && !qr.contains("script"));
    ann.log_in(PASSWORD).expect(200);
    // Begun anew: the older secret is none any more.
    let newer = ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201).json();
    assert_ne!(newer["secret"], begun["secret"]);
    let older = json!({"code": code(secret, &world)});
    ann.post("/api/users/me/totp/confirm", older).expect_faults(&["code"]);
    ann.log_in(PASSWORD).expect(200);
    let right = json!({"code": code(newer["secret"].as_str().unwrap(), &world)});
    let codes = ann.post("/api/users/me/totp/confirm", right.clone()).expect(200).json();
    assert_eq!(codes["recovery_codes"].as_array().unwrap().len(), 10);
    ann.post("/api/users/me/totp/confirm", right).expect(409);
    ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(409);
    assert_eq!(ann.get("/api/users/me/export").expect(200).json()["has_second_factor"], true);
    let mail = world.mails_to("ann@example.com").pop().unwrap();
    assert_eq!(mail.header("Subject"), "Your account has a second factor now");
    let events = "SELECT count(*) FROM audit_events WHERE action = 'totp_enabled'";
    assert_eq!(world.sql::<i64>(events), 1);
}

#[test]
fn a_login_needs_the_password_and_a_code() {
    let world = World::new();
    let ann = world.user("ann");
    let (secret, _) = turn_on(&world, &ann);
    let missing = ann.log_in(PASSWORD).expect(401);
    assert_eq!(missing.json()["type"], "/problems/second-factor-required");
    let wrong = log_in(&ann, "000000").expect(401);
    assert_eq!(wrong.json()["type"], "/problems/second-factor-wrong");
    // A wrong password does not show that there is one.
    assert_eq!(ann.log_in("wrong password").expect(401).json()["type"], "about:blank");
    log_in(&ann, &code(&secret, &world)).expect(200);
    world.pass(Duration::seconds(30));
    let form = format!(
        "username=ann&password={}&code={}",
        PASSWORD.replace(' ', "+"),
        code(&secret, &world)
    );
    world.nobody().post_form("/api/auth/login", &form).expect(200);
    // Sessions that were there go on.
    ann.get("/api/users/me").expect(200);
}

#[test]
fn a_code_works_once_on_all_replicas_together() {
    let world = World::new();
    let there = world.replica();
    let ann = world.user("ann");
    let (secret, _) = turn_on(&world, &ann);
    for _ in 0..5 {
        let code = code(&secret, &world);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let one = |number: usize| {
                let app = [&world.app, &there.app][number % 2].clone();
                let there = Actor { app, ..ann.clone() };
                served(|| log_in(&there, &code)).status
            };
            let threads: Vec<_> = (0..4).map(|number| scope.spawn(move || one(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        world.pass(Duration::seconds(30));
    }
}

#[test]
fn a_recovery_code_works_once_for_a_login_or_to_turn_it_off() {
    let world = World::new();
    let ann = world.user("ann");
    let (_, codes) = turn_on(&world, &ann);
    log_in(&ann, &codes[0].to_uppercase()).expect(200);
    log_in(&ann, &codes[0]).expect(401);
    let used = "SELECT count(*) FROM audit_events WHERE action = 'recovery_code_used'";
    assert_eq!(world.sql::<i64>(used), 1);
    let stored = world.sql::<String>("SELECT t::text FROM totp t");
    for code in &codes {
        let hex: String = code.replace('-', "").bytes().map(|b| format!("{b:02x}")).collect();
        assert!(!stored.contains(code.as_str()) && !stored.contains(&hex));
    }
    let off = |code: &str| {
        ann.delete_with("/api/users/me/totp", json!({"password": PASSWORD, "code": code}))
    };
    off("123456").expect_faults(&["code"]);
    off(&codes[0]).expect_faults(&["code"]);
    ann.delete_with("/api/users/me/totp", json!({"password": "wrong password", "code": codes[1]}))
        .expect(403);
    off(&codes[1]).expect(204);
    off(&codes[1]).expect(404);
    ann.log_in(PASSWORD).expect(200);
}

#[test]
fn a_reset_of_the_password_does_not_go_round_it() {
    let world = World::new();
    let ann = world.user("ann");
    let (secret, _) = turn_on(&world, &ann);
    ann.post("/api/auth/request-password-reset", json!({"email": "ann@example.com"})).expect(202);
    let token = world.link_token("ann@example.com");
    let body = json!({"token": token, "new_password": PASSWORD});
    world.nobody().post("/api/auth/reset-password", body).expect(200);
    let answer = ann.log_in(PASSWORD).expect(401);
    assert_eq!(answer.json()["type"], "/problems/second-factor-required");
    log_in(&ann, &code(&secret, &world)).expect(200);
}

#[test]
fn an_admin_takes_it_off_for_who_lost_everything() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    turn_on(&world, &ann);
    let path = format!("/api/users/{}/totp", ann.id);
    ann.delete(&path).expect(403);
    root.delete(&path).expect(204);
    root.delete(&path).expect(204);
    let subjects = world.mails_to("ann@example.com");
    let subjects: Vec<_> = subjects.iter().map(|mail| mail.header("Subject")).collect();
    let [on, off] = ["a second factor now", "no second factor any more"];
    assert_eq!(subjects, [on, off].map(|it| format!("Your account has {it}")));
    root.delete("/api/users/999999/totp").expect(404);
    // The own one wants a code.
    root.delete(&format!("/api/users/{}/totp", root.id)).expect(409);
    ann.log_in(PASSWORD).expect(200);
    let off = "SELECT count(*) FROM audit_events WHERE action = 'totp_disabled'";
    assert_eq!(world.sql::<i64>(off), 1);
}

#[test]
fn wrong_codes_are_failed_logins() {
    let world = World::with(|config| {
        config.rates.login_failures = Some(contactd::config::Rate { count: 3, seconds: 900 });
    });
    let ann = world.user("ann");
    let (secret, _) = turn_on(&world, &ann);
    for _ in 0..5 {
        // Without a code nothing was guessed.
        ann.log_in(PASSWORD).expect(401);
    }
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guess = || served(|| log_in(&ann, "000000")).status;
        let threads: Vec<_> = (0..12).map(|_| scope.spawn(guess)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 3, "{statuses:?}");
    log_in(&ann, &code(&secret, &world)).expect(429);
}

#[test]
fn the_secret_is_encrypted_and_survives_a_change_of_the_key() {
    let world = World::new();
    let ann = world.user("ann");
    let (secret, codes) = turn_on(&world, &ann);
    let before = world.sql::<Vec<u8>>("SELECT secret FROM totp");
    assert!(before.len() == 12 + 20 + 16);
    let mut config = world.app.config.clone();
    config.secret_key_old = Some(config.secret_key.clone());
    config.secret_key =
        contactd::config::Secret::new("another key, of more than 32 bytes".to_owned());
    let after = world.replica_of(config.clone());
    let on = |world: &World| Actor { app: world.app.clone(), ..ann.clone() };
    log_in(&on(&after), &code(&secret, &world)).expect(200);
    // The worker writes it anew, and then the old key may go.
    contactd::worker::purge(&after.app).unwrap();
    assert_ne!(world.sql::<Vec<u8>>("SELECT secret FROM totp"), before);
    config.secret_key_old = None;
    let without = world.replica_of(config);
    world.pass(Duration::seconds(30));
    log_in(&on(&without), &code(&secret, &world)).expect(200);
    log_in(&on(&without), &codes[3]).expect(200);
}
