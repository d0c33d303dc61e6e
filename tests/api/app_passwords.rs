//! App passwords: what they reach, how they end, what is written of their use.

use crate::world::{Actor, PASSWORD, World, served};
use chrono::Duration;
use contactd::repository::contacts::books;
use serde_json::json;

fn bearer(ann: &Actor, secret: &str) -> Actor {
    Actor { token: Some(secret.to_owned()), ..ann.clone() }
}

#[test]
fn a_secret_is_shown_once_and_stored_as_a_digest() {
    let world = World::new();
    let ann = world.user("ann");
    let body = json!({"name": " Ann's phone ", "scope": "carddav", "password": PASSWORD});
    let made = ann.post("/api/users/me/app-passwords", body).expect(201);
    assert_eq!(made.header("Cache-Control"), "no-store");
    let made = made.json();
    let secret = made["secret"].as_str().unwrap();
    // 160 bits in letters that can be typed, the account's id before them.
    let letters: Vec<char> = secret.chars().filter(|c| *c != '-').collect();
    assert!(letters.len() >= 33 && letters.iter().all(|c| c.is_ascii_alphanumeric()), "{secret}");
    let listed = ann.get("/api/users/me/app-passwords").expect(200).json();
    assert_eq!(
        listed,
        json!([{
            "id": made["id"], "name": "Ann's phone", "scope": "carddav",
            "created_at": made["created_at"], "last_used_at": null, "last_used_ip": null
        }])
    );
    let stored = world.sql::<String>("SELECT string_agg(t::text, ' ') FROM app_passwords t");
    assert!(!stored.contains(secret) && !stored.contains(&secret.replace('-', "")));
    assert!(world.sql::<bool>("SELECT length(digest) = 32 FROM app_passwords"));
    let wrong = json!({"name": "x", "scope": "carddav", "password": "wrong password"});
    ann.post("/api/users/me/app-passwords", wrong).expect(403);
    for (name, scope) in [("", "read"), ("x", "admin"), (&"x".repeat(101), "read")] {
        let body = json!({"name": name, "scope": scope, "password": PASSWORD});
        ann.post("/api/users/me/app-passwords", body).expect(422);
    }
}

#[test]
fn write_may_everything_with_contacts_and_read_may_read() {
    let world = World::new();
    let ann = world.user("ann");
    let (read, write) = (ann.app_password("read"), ann.app_password("write"));
    for name in ["ann", "ANN", "Ann@Example.com"] {
        let script = world.nobody().with_basic(name, &write);
        script.post("/api/contacts", json!({"first_name": "Bob"})).expect(201);
        world.nobody().with_basic(name, &read).get("/api/contacts").expect(200);
    }
    let script = bearer(&ann, &write);
    let made = script.post("/api/contacts", json!({"first_name": "Carol"})).expect(201);
    let path = made.header("Location").to_owned();
    let reader = bearer(&ann, &read);
    reader.get(&path).expect(200);
    reader.send("HEAD", "/api/contacts", &[], b"").expect(200);
    reader.get("/api/contacts/export?format=csv").expect(200);
    for answer in [
        reader.post("/api/contacts", json!({"first_name": "Dave"})),
        reader.patch(&path, json!({"first_name": "Dave"})),
        reader.delete(&path),
    ] {
        assert_eq!(answer.expect(403).json()["type"], "/problems/read-only");
    }
    // However a phone spells it.
    for odd in [read.to_uppercase(), read.replace('-', ""), read.replace('-', " ")] {
        world.nobody().with_basic("ann", &odd).get("/api/contacts").expect(200);
    }
    // Another's name, a wrong secret, the account's own password, another scope.
    let bob = world.user("bob");
    let carddav = ann.app_password("carddav");
    for (name, secret) in [
        ("bob", read.as_str()),
        ("", &read),
        ("ann", &read[..read.len() - 1]),
        ("ann", &bob.app_password("read")),
        ("ann", PASSWORD),
        ("ann", ""),
        ("ann", &carddav),
    ] {
        world.nobody().with_basic(name, secret).get("/api/contacts").expect(401);
    }
    bearer(&ann, &carddav).get("/api/contacts").expect(401);
    bob.get(&path).expect(404);
}

#[test]
fn none_reaches_anything_of_the_account_itself() {
    let world = World::new();
    let root = world.admin("root");
    let secret = root.app_password("write");
    for actor in [bearer(&root, &secret), world.nobody().with_basic("root", &secret)] {
        for path in ["/api/users/me", "/api/users/me/sessions", "/api/users", "/api/audit-events"] {
            actor.get(path).expect(401);
        }
        actor.post("/api/auth/logout-all", json!({})).expect(401);
        let body = json!({"name": "x", "scope": "write", "password": PASSWORD});
        actor.post("/api/users/me/app-passwords", body).expect(401);
    }
    let body = json!({"refresh_token": secret});
    world.nobody().post("/api/auth/refresh", body).expect(401);
}

#[test]
fn a_revoked_one_fails_on_the_next_request_on_every_replica() {
    let world = World::new();
    let there = world.replica();
    let ann = world.user("ann");
    for _ in 0..10 {
        let secret = ann.app_password("read");
        let here = bearer(&ann, &secret);
        let elsewhere = Actor { app: there.app.clone(), ..here.clone() };
        here.get("/api/contacts").expect(200);
        elsewhere.get("/api/contacts").expect(200);
        let id = ann.get("/api/users/me/app-passwords").json()[0]["id"].clone();
        ann.delete(&format!("/api/users/me/app-passwords/{id}")).expect(204);
        elsewhere.get("/api/contacts").expect(401);
        here.get("/api/contacts").expect(401);
        ann.delete(&format!("/api/users/me/app-passwords/{id}")).expect(404);
    }
    let bob = world.user("bob");
    let kept = bob.app_password("read");
    let id = bob.get("/api/users/me/app-passwords").json()[0]["id"].clone();
    ann.delete(&format!("/api/users/me/app-passwords/{id}")).expect(404);
    bearer(&bob, &kept).get("/api/contacts").expect(200);
}

#[test]
fn at_most_fifty() {
    let world = World::new();
    let ann = world.user("ann");
    let fill = "INSERT INTO app_passwords (user_id, name, scope, digest, created_at)
        SELECT id, 'x', 'read', n::text::bytea, now() FROM users, generate_series(1, 49) n";
    world.app.db.write(|db| db.execute(fill, &[])).unwrap();
    let body = json!({"name": "x", "scope": "read", "password": PASSWORD});
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let make = || served(|| ann.post("/api/users/me/app-passwords", body.clone())).status;
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 2, "{statuses:?}");
    assert_eq!(ann.get("/api/users/me/app-passwords").json().as_array().unwrap().len(), 50);
}

#[test]
fn they_end_with_the_password_unless_they_are_kept() {
    let world = World::new();
    let ann = world.user("ann");
    let works = |secret: &str| bearer(&ann, secret).get("/api/contacts").status == 200;
    let change = |keep: serde_json::Value| {
        let body = json!({
            "current_password": PASSWORD, "new_password": PASSWORD, "keep_app_passwords": keep
        });
        ann.post("/api/users/me/password", body)
    };
    let first = ann.app_password("read");
    change(json!(true)).expect(204);
    assert!(works(&first));
    change(json!("yes")).expect_faults(&["keep_app_passwords"]);
    change(json!(false)).expect(204);
    assert!(!works(&first));
    let second = ann.app_password("read");
    let body = json!({"current_password": PASSWORD, "new_password": PASSWORD});
    ann.post("/api/users/me/password", body).expect(204);
    assert!(!works(&second));
    let third = ann.app_password("read");
    ann.post("/api/auth/request-password-reset", json!({"email": "ann@example.com"})).expect(202);
    let token = world.link_token("ann@example.com");
    let body =
        json!({"token": token, "new_password": "another good one", "keep_app_passwords": true});
    world.nobody().post("/api/auth/reset-password", body).expect(422);
    assert!(works(&third));
    let body = json!({"token": token, "new_password": "another good one"});
    world.nobody().post("/api/auth/reset-password", body).expect(200);
    assert!(!works(&third));
}

#[test]
fn disabling_stops_them_and_enabling_brings_them_back() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let secret = ann.app_password("write");
    let path = format!("/api/users/{}", ann.id);
    bearer(&ann, &secret).get("/api/contacts").expect(200);
    root.patch(&path, json!({"is_active": false})).expect(200);
    bearer(&ann, &secret).get("/api/contacts").expect(401);
    root.patch(&path, json!({"is_active": true})).expect(200);
    bearer(&ann, &secret).get("/api/contacts").expect(200);
    // Signing out everywhere is about sessions.
    let ann = ann.signed_in();
    ann.post("/api/auth/logout-all", json!({})).expect(204);
    bearer(&ann, &secret).get("/api/contacts").expect(200);
    root.delete(&path).expect(204);
    bearer(&ann, &secret).get("/api/contacts").expect(401);
}

#[test]
fn the_last_use_is_written_once_a_minute_and_a_new_address_is_an_event() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let phone = bearer(&ann, &ann.app_password("read"));
    let last = || {
        let listed = ann.get("/api/users/me/app-passwords").json();
        (listed[0]["last_used_at"].clone(), listed[0]["last_used_ip"].clone())
    };
    let events = || {
        let path = format!("/api/audit-events?user_id={}&action=app_password_new_address", ann.id);
        root.get(&path).json().as_array().unwrap().len()
    };
    phone.get("/api/contacts").expect(200);
    let first = last();
    assert_eq!((first.1.as_str(), events()), (Some("127.0.0.1"), 1));
    world.pass(Duration::seconds(59));
    phone.get("/api/contacts").expect(200);
    assert_eq!(last(), first, "not yet");
    world.pass(Duration::seconds(1));
    phone.get("/api/contacts").expect(200);
    assert_ne!(last().0, first.0);
    assert_eq!(events(), 1);
    phone.at([192, 0, 2, 9]).get("/api/contacts").expect(200);
    assert_eq!((last().1.as_str(), events()), (Some("192.0.2.9"), 2));
    for _ in 0..3 {
        world.pass(Duration::minutes(2));
        phone.get("/api/contacts").expect(200);
        phone.at([192, 0, 2, 9]).get("/api/contacts").expect(200);
    }
    assert_eq!(events(), 2);
    // Nor is it new on another replica.
    let there = world.replica();
    Actor { app: there.app.clone(), ..phone.clone() }.get("/api/contacts").expect(200);
    assert_eq!(events(), 2);
    let made = root.get(&format!("/api/audit-events?user_id={}", ann.id)).json();
    let made: Vec<_> = made.as_array().unwrap().iter().map(|event| &event["action"]).collect();
    assert!(made.iter().any(|action| **action == "app_password_created"), "{made:?}");
}

#[test]
fn one_costs_no_statement_when_the_cache_is_warm() {
    let world = World::new();
    let ann = world.user("ann");
    let phone = bearer(&ann, &ann.app_password("read"));
    // The first shows that it is no guess, the second fills the cache.
    phone.get("/api/contacts").expect(200);
    phone.get("/api/contacts").expect(200);
    // Whoever looks into these now waits, for two seconds and in vain.
    world
        .app
        .db
        .transaction(|tx| {
            tx.execute("LOCK TABLE users, sessions, app_passwords", &[])?;
            phone.get("/api/contacts").expect(200);
            Ok(())
        })
        .unwrap();
    assert!(world.app.db.read(|db| books::count(db, ann.id)).is_ok());
}

#[test]
fn a_guessed_secret_counts_against_nobody_but_the_guesser() {
    let world = World::with(|config| {
        config.rates.default = Some(contactd::config::Rate { count: 5, seconds: 60 });
    });
    let ann = world.user("ann");
    let secret = ann.app_password("read");
    let guess = |number: usize| {
        let last = if secret.ends_with('0') { 'z' } else { '0' };
        let mut wrong = secret.clone();
        wrong.truncate(wrong.len() - 1);
        let _ = number;
        bearer(&ann, &format!("{wrong}{last}")).at([192, 0, 2, 66]).get("/api/contacts")
    };
    for number in 0..5 {
        guess(number).expect(401);
    }
    guess(6).expect(429);
    for _ in 0..5 {
        bearer(&ann, &secret).get("/api/contacts").expect(200);
    }
    bearer(&ann, &secret).get("/api/contacts").expect(429);
}

#[test]
fn a_profile_for_apples_devices_has_the_server_and_the_name_and_no_secret() {
    let world = World::new();
    let ann = world.user("ann");
    let profile = ann.get("/api/users/me/carddav.mobileconfig").expect(200);
    assert_eq!(profile.header("Content-Type"), "application/x-apple-aspen-config");
    let text = profile.text();
    for part in [
        "<key>CardDAVHostName</key><string>contacts.example</string>",
        "<key>CardDAVUsername</key><string>ann</string>",
        "<key>CardDAVPort</key><integer>443</integer>",
        "<key>CardDAVUseSSL</key><true/>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("CardDAVPassword"));
    world.nobody().get("/api/users/me/carddav.mobileconfig").expect(401);
}
