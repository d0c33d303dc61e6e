//! Access, refresh and mailed tokens: each good for one thing, and for its time.

use crate::world::{Actor, PASSWORD, World, served};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;
use serde_json::{Value, json};

const KEY: &[u8] = b"a secret for tests, 32 bytes or more";

fn refresh(world: &World, token: &Value) -> crate::world::Answer {
    world.nobody().post("/api/auth/refresh", json!({ "refresh_token": token }))
}

/// The claims of an access token.
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A token with these claims, signed with a key as HMAC-SHA256.
fn signed(header: &Value, claims: &Value, key: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
    let mac = ring::hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()))
}

#[test]
fn an_access_token_says_who_and_which_session_and_no_more() {
    let world = World::new();
    let ann = world.user("ann");
    let claims = claims(ann.token.as_ref().unwrap());
    let mut names: Vec<_> = claims.as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["exp", "iat", "jti", "sid", "sub", "typ"]);
    assert_eq!(claims["typ"], "access");
    assert_eq!(claims["sub"], ann.id.to_string());
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
}

#[test]
fn an_access_token_ends_after_its_time() {
    let world = World::new();
    let ann = world.user("ann");
    world.pass(Duration::minutes(15) - Duration::seconds(1));
    ann.get("/api/users/me").expect(200);
    world.pass(Duration::seconds(1));
    let answer = ann.get("/api/users/me").expect(401);
    assert_eq!(answer.header("WWW-Authenticate"), "Bearer");
}

#[test]
fn only_our_signature_with_our_algorithm_counts() {
    let world = World::new();
    let ann = world.user("ann");
    let good = ann.token.clone().unwrap();
    let claims = claims(&good);
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    let with = |token: &str| Actor { token: Some(token.to_owned()), ..ann.clone() };
    with(&signed(&hs256, &claims, KEY)).get("/api/users/me").expect(200);
    with(&signed(&hs256, &claims, b"another key of 32 bytes or more....."))
        .get("/api/users/me")
        .expect(401);
    for alg in ["none", "None", "HS384", "HS512", "RS256", "hs256", ""] {
        let header = json!({"alg": alg, "typ": "JWT"});
        with(&signed(&header, &claims, KEY)).get("/api/users/me").expect(401);
        let bare = signed(&header, &claims, KEY);
        let (unsigned, _) = bare.rsplit_once('.').unwrap();
        with(&format!("{unsigned}.")).get("/api/users/me").expect(401);
    }
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        with(&signed(&hs256, &claims, KEY)).get("/api/users/me")
    };
    for typ in [json!("refresh"), json!("reset"), json!(""), json!(null)] {
        changed("typ", typ).expect(401);
    }
    let bob = world.user("bob");
    changed("sub", json!(bob.id.to_string())).expect(401);
    changed("sid", json!(claims["sid"].as_i64().unwrap() + 1_000)).expect(401);
    changed("sub", json!("1 OR 1=1")).expect(401);
    changed("exp", json!(0)).expect(401);
    for junk in ["", " ", "a.b.c", "....", &good[1..], &good[..good.len() - 1]] {
        with(junk).get("/api/users/me").expect(401);
    }
    let header =
        |value: &str| world.nobody().send("GET", "/api/users/me", &[("Authorization", value)], b"");
    header(&format!("bearer {good}")).expect(200);
    header(&good).expect(401);
    header(&format!("Basic {good}")).expect(401);
    // Never from a query string.
    world.nobody().get(&format!("/api/users/me?access_token={good}&token={good}")).expect(401);
}

#[test]
fn no_token_of_one_kind_works_as_another() {
    let world = World::new();
    let nobody = world.nobody();
    let ann = world.user("ann");
    let tokens = ann.log_in(PASSWORD).expect(200).json();
    nobody
        .post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
        .expect(202);
    let reset = json!(world.link_token("ann@example.com"));
    let change = json!({"email": "ann2@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", change).expect(202);
    let change = json!(world.link_token("ann2@example.com"));
    let bob = json!({"username": "bob", "email": "bob@example.com", "password": PASSWORD});
    nobody.post("/api/auth/register", bob).expect(201);
    let confirm = json!(world.link_token("bob@example.com"));
    let (access, refresh_token) = (&tokens["access_token"], &tokens["refresh_token"]);

    for other in [refresh_token, &reset, &change, &confirm] {
        ann.with_token(other).get("/api/users/me").expect(401);
    }
    for other in [access, &reset, &change, &confirm] {
        let answer = refresh(&world, other);
        assert!([401, 422].contains(&answer.status), "{}", answer.status);
    }
    for other in [access, refresh_token, &reset] {
        nobody.post("/api/auth/confirm-email", json!({ "token": other })).expect(400);
        let path = format!("/api/auth/confirmed_email/{}", other.as_str().unwrap());
        nobody.get(&path).expect(400);
    }
    for other in [access, refresh_token, &change, &confirm] {
        let body = json!({"token": other, "new_password": "another good one"});
        nobody.post("/api/auth/reset-password", body).expect(400);
        let path = format!("/api/auth/reset-password/{}", other.as_str().unwrap());
        nobody.get(&path).expect(400);
    }
    // None of this used one up.
    refresh(&world, refresh_token).expect(200);
    nobody.post("/api/auth/confirm-email", json!({ "token": change })).expect(200);
    nobody.post("/api/auth/confirm-email", json!({ "token": confirm })).expect(200);
    ann.get("/api/users/me").expect(200);
}

#[test]
fn a_refresh_gives_new_tokens_and_lives_thirty_days() {
    let world = World::new();
    let ann = world.user("ann");
    let first = ann.log_in(PASSWORD).expect(200).json();
    world.pass(Duration::days(30) - Duration::seconds(1));
    let second = refresh(&world, &first["refresh_token"]).expect(200).json();
    assert_ne!(second["refresh_token"], first["refresh_token"], "the old token came back");
    assert_ne!(second["access_token"], first["access_token"]);
    ann.with_token(&second["access_token"]).get("/api/users/me").expect(200);
    world.pass(Duration::days(30));
    refresh(&world, &second["refresh_token"]).expect(401);
}

#[test]
fn wrong_refreshes_are_refused() {
    let world = World::new();
    refresh(&world, &json!("unknown")).expect(401);
    refresh(&world, &json!(7)).expect_faults(&["refresh_token"]);
    let ann = world.user("ann");
    let real = ann.log_in(PASSWORD).json()["refresh_token"].as_str().unwrap().to_owned();
    let (id, rest) = real.split_once('-').unwrap();
    // Whatever its length: what cannot be a refresh token is none.
    for other in [
        "".to_owned(),
        "x".repeat(201),
        "17".to_owned(),
        rest.to_owned(),
        format!("0{real}"),
        format!("{id}-"),
        format!("{real}x"),
        format!("{id}-\0{rest}"),
        format!("{}-{rest}", ann.id + 1),
    ] {
        refresh(&world, &json!(other)).expect(401);
    }
    refresh(&world, &json!(real)).expect(200);
    world.nobody().post("/api/auth/refresh", json!({})).expect_faults(&["refresh_token"]);
    world.nobody().post_form("/api/auth/refresh", "refresh_token=x").expect(415);
}

/// A phone that lost the answer asks again; so does one with two programs.
#[test]
fn of_many_refreshes_at_once_all_get_the_same_and_one_session_goes_on() {
    let world = World::new();
    let there = world.replica();
    let ann = world.user("ann");
    for _ in 0..5 {
        let tokens = ann.log_in(PASSWORD).expect(200).json();
        let answers: Vec<_> = std::thread::scope(|scope| {
            let one = |number: usize| {
                let world = [&world, &there][number % 2];
                served(|| refresh(world, &tokens["refresh_token"])).expect(200).json()
            };
            let threads: Vec<_> = (0..8).map(|number| scope.spawn(move || one(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for answer in &answers {
            assert_eq!(answer["refresh_token"], answers[0]["refresh_token"]);
            ann.with_token(&answer["access_token"]).get("/api/users/me").expect(200);
        }
        world.pass(Duration::seconds(1));
        refresh(&world, &answers[0]["refresh_token"]).expect(200);
    }
    assert_eq!(
        world.sql::<i64>("SELECT count(*) FROM audit_events WHERE action = 'refresh_reused'"),
        0
    );
}

#[test]
fn a_lost_answer_can_be_asked_for_again_for_ten_seconds() {
    let world = World::new();
    let ann = world.user("ann");
    let first = ann.log_in(PASSWORD).expect(200).json();
    let second = refresh(&world, &first["refresh_token"]).expect(200).json();
    world.pass(Duration::seconds(10) - Duration::milliseconds(1));
    let again = refresh(&world, &first["refresh_token"]).expect(200).json();
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    let third = refresh(&world, &second["refresh_token"]).expect(200).json();
    assert_ne!(third["refresh_token"], second["refresh_token"]);
    // Too late: that was spent long ago, and its successor was used.
    world.pass(Duration::milliseconds(2));
    refresh(&world, &first["refresh_token"]).expect(401);
    refresh(&world, &third["refresh_token"]).expect(401);
    ann.with_token(&third["access_token"]).get("/api/users/me").expect(401);
    // Nor after ten seconds, even if its successor was never used.
    let other = ann.log_in(PASSWORD).expect(200).json();
    let unused = refresh(&world, &other["refresh_token"]).expect(200).json();
    world.pass(Duration::seconds(10));
    refresh(&world, &other["refresh_token"]).expect(401);
    refresh(&world, &unused["refresh_token"]).expect(401);
    let notice = world.mails_to("ann@example.com").pop().unwrap();
    assert_eq!(notice.header("Subject"), "One of your sessions was ended");
}

#[test]
fn a_spent_token_ends_its_session_however_often_that_was_refreshed() {
    let world = World::new();
    let ann = world.user("ann");
    let other = ann.signed_in();
    let first = ann.log_in(PASSWORD).expect(200).json();
    let mut last = first.clone();
    for _ in 0..50 {
        last = refresh(&world, &last["refresh_token"]).expect(200).json();
    }
    // What is kept of fifty old tokens is one row, as before the first refresh.
    let kept = "SELECT count(*) FROM sessions WHERE previous_hash IS NOT NULL";
    assert_eq!(world.sql::<i64>(kept), 1);
    world.pass(Duration::seconds(11));
    // A stranger's token of another family is nothing to it.
    let text = first["refresh_token"].as_str().unwrap();
    let (id, rest) = text.split_once('-').unwrap();
    let forged = format!("{id}-{}{}", &"A".repeat(22), &rest[22..]);
    refresh(&world, &json!(forged)).expect(401);
    ann.with_token(&last["access_token"]).get("/api/users/me").expect(200);
    refresh(&world, &first["refresh_token"]).expect(401);
    ann.with_token(&last["access_token"]).get("/api/users/me").expect(401);
    refresh(&world, &last["refresh_token"]).expect(401);
    other.get("/api/users/me").expect(200);
    assert!(
        world.sql::<bool>("SELECT count(*) = 1 FROM audit_events WHERE action = 'refresh_reused'")
    );
    let mails = world.mails_to("ann@example.com");
    let last = mails.last().map(|mail| mail.header("Subject"));
    assert_eq!(last, Some("One of your sessions was ended"));
}

#[test]
fn a_session_ends_180_days_after_its_login_and_its_access_tokens_with_it() {
    let world = World::new();
    let ann = world.user("ann");
    let mut tokens = ann.log_in(PASSWORD).expect(200).json();
    for _ in 0..8 {
        world.pass(Duration::days(20));
        tokens = refresh(&world, &tokens["refresh_token"]).expect(200).json();
    }
    world.pass(Duration::days(20) - Duration::seconds(100));
    tokens = refresh(&world, &tokens["refresh_token"]).expect(200).json();
    assert_eq!(tokens["expires_in"], 100);
    let phone = ann.with_token(&tokens["access_token"]);
    world.pass(Duration::seconds(99));
    phone.get("/api/users/me").expect(200);
    world.pass(Duration::seconds(1));
    phone.get("/api/users/me").expect(401);
    refresh(&world, &tokens["refresh_token"]).expect(401);
    // A refresh may not push the end of a session beyond its 180 days.
    contactd::worker::purge(&world.app).unwrap();
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM sessions"), 0);
}

#[test]
fn a_change_of_the_key_signs_nobody_out() {
    let world = World::new();
    let ann = world.user("ann");
    let tokens = ann.log_in(PASSWORD).expect(200).json();
    let phone = ann.with_token(&tokens["access_token"]);
    let changed = |old: bool| {
        let mut config = world.app.config.clone();
        if old {
            config.secret_key_old = Some(config.secret_key.clone());
        }
        config.secret_key =
            contactd::config::Secret::new("another key, of more than 32 bytes".to_owned());
        world.replica_of(config)
    };
    let (after, without) = (changed(true), changed(false));
    let on = |world: &World, actor: &Actor| Actor { app: world.app.clone(), ..actor.clone() };
    on(&after, &phone).get("/api/users/me").expect(200);
    on(&without, &phone).get("/api/users/me").expect(401);
    // An answer that was lost over the change.
    let before = refresh(&world, &tokens["refresh_token"]).expect(200).json();
    let again = refresh(&after, &tokens["refresh_token"]).expect(200).json();
    assert_eq!(before["refresh_token"], again["refresh_token"]);
    let new = on(&after, &ann).with_token(&again["access_token"]);
    new.get("/api/users/me").expect(200);
    let header = again["access_token"].as_str().unwrap().split('.').next().unwrap().to_owned();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header["kid"].as_str().unwrap().len(), 8);
    on(&without, &new).get("/api/users/me").expect(200);
}

#[test]
fn tokens_are_stored_hashed() {
    let world = World::new();
    let ann = world.user("ann");
    let tokens = ann.log_in(PASSWORD).expect(200).json();
    world
        .nobody()
        .post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
        .expect(202);
    let reset = world.link_token("ann@example.com");
    for secret in [tokens["refresh_token"].as_str().unwrap(), &reset, PASSWORD] {
        for table in
            ["users", "sessions", "app_passwords", "totp", "mail_tokens", "outbox", "audit_events"]
        {
            let query = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t");
            let all: String =
                world.app.db.read(|db| Ok(db.query_one(&query, &[])?.get(0))).unwrap();
            assert!(!all.contains(secret), "{table}");
            // bytea prints in hexadecimal.
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!all.contains(&hex), "{table}");
        }
    }
    assert!(
        world
            .sql::<bool>("SELECT password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%' FROM users")
    );
}
