//! Passwords: the one rule, the change, and the reset by mail.

use crate::world::{Actor, Answer, PASSWORD, World, served};
use chrono::Duration;
use serde_json::json;

const NEW: &str = "another good password";

fn ask_reset(world: &World, email: &str) {
    world.nobody().post("/api/auth/request-password-reset", json!({ "email": email })).expect(202);
}

fn reset(world: &World, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "new_password": password});
    world.nobody().post("/api/auth/reset-password", body)
}

/// Sets `password` in each of the three ways and passes the statuses back: at registration, by a
/// change, by a reset. A change back to [`PASSWORD`] follows where it worked.
fn set_everywhere(world: &World, ann: &Actor, password: &str) -> [u16; 3] {
    let count = world.sql::<i64>("SELECT count(*) FROM users");
    let name = format!("user{count}");
    let email = format!("{name}@example.com");
    let body = json!({"username": name, "email": email, "password": password});
    let registered = world.nobody().post("/api/auth/register", body);
    let body = json!({"current_password": PASSWORD, "new_password": password});
    let changed = ann.post("/api/users/me/password", body);
    if changed.status == 204 {
        ann.log_in(password).expect(200);
        let back = json!({"current_password": password, "new_password": PASSWORD});
        ann.post("/api/users/me/password", back).expect(204);
    }
    let bob = Actor { name: "bob".to_owned(), ..world.nobody() };
    ask_reset(world, "bob@example.com");
    let was_reset = reset(world, &world.link_token("bob@example.com"), password);
    if was_reset.status == 200 {
        bob.log_in(password).expect(200);
    }
    [registered.status, changed.status, was_reset.status]
}

#[test]
fn one_rule_holds_wherever_a_password_is_set() {
    let world = World::new();
    let ann = world.user("ann");
    world.user("bob");
    for weak in ["seven77", "password123", "PassWord123", &"x".repeat(129), "їїїїїїї", ""] {
        assert_eq!(set_everywhere(&world, &ann, weak), [422, 422, 422], "{weak}");
    }
    for good in
        ["eight 88", &"é".repeat(128), " spaces around ", "tab\there\n", "nul\u{0}nul\u{0}nul"]
    {
        assert_eq!(set_everywhere(&world, &ann, good), [201, 204, 200], "{good:?}");
    }
}

#[test]
fn a_password_is_not_the_username_or_the_address() {
    let world = World::new();
    let ann = world.user("ann.smith");
    let register = |password: &str| {
        let body = json!({"username": "Bob.Smith", "email": "b@example.com", "password": password});
        world.nobody().post("/api/auth/register", body)
    };
    register("bob.SMITH").expect_faults(&["password"]);
    register("B@example.com").expect_faults(&["password"]);
    for own in ["ann.smith", "ANN.SMITH@example.com"] {
        let body = json!({"current_password": PASSWORD, "new_password": own});
        ann.post("/api/users/me/password", body).expect_faults(&["new_password"]);
        ask_reset(&world, "ann.smith@example.com");
        let token = world.link_token("ann.smith@example.com");
        reset(&world, &token, own).expect_faults(&["new_password"]);
    }
}

#[test]
fn cyrillic_and_emoji_passwords_work_and_count_by_the_character() {
    let world = World::new();
    let ann = world.user("ann");
    world.user("bob");
    for good in ["Авторизація", "🔑🔑🔑🔑🔑🔑🔑🔑", "пароль🔑🔑", "👩‍👩‍👧‍👦 e\u{301}e\u{301}"]
    {
        assert_eq!(set_everywhere(&world, &ann, good), [201, 204, 200], "{good}");
    }
    assert_eq!(set_everywhere(&world, &ann, "🔑🔑🔑🔑🔑🔑🔑"), [422, 422, 422]);
    // Never normalised: another spelling is another password.
    let body = json!({"current_password": PASSWORD, "new_password": "caf\u{e9} caf\u{e9}"});
    ann.post("/api/users/me/password", body).expect(204);
    ann.log_in("cafe\u{301} cafe\u{301}").expect(401);
    ann.log_in("caf\u{e9} caf\u{e9}").expect(200);
    // And as a form, where every byte is escaped.
    let form = "username=ann&password=caf%C3%A9+caf%C3%A9";
    world.nobody().post_form("/api/auth/login", form).expect(200);
}

#[test]
fn a_password_counts_to_its_last_character() {
    let world = World::new();
    let ann = world.user("ann");
    // bcrypt would cut after 72 bytes, C after the first NUL, and many after trimming.
    for long in [
        "x1".repeat(64),
        "ї".repeat(128),
        format!("a\u{0}{}", "b".repeat(20)),
        "  padded  ".to_owned(),
    ] {
        let body = json!({"current_password": PASSWORD, "new_password": long});
        ann.post("/api/users/me/password", body).expect(204);
        let shorter: String = long.chars().take(long.chars().count() - 1).collect();
        for wrong in [shorter, long.trim().to_owned() + "!", format!("{long} "), format!("{long}x")]
        {
            ann.log_in(&wrong).expect(401);
        }
        ann.log_in(long.trim()).expect(if long.trim() == long { 200 } else { 401 });
        ann.log_in(&long).expect(200);
        let back = json!({"current_password": long, "new_password": PASSWORD});
        ann.post("/api/users/me/password", back).expect(204);
    }
}

#[test]
fn a_changed_password_ends_every_other_session_and_voids_every_link() {
    let world = World::new();
    let ann = world.user("ann");
    let other = ann.signed_in();
    let tokens = ann.log_in(PASSWORD).json();
    ask_reset(&world, "ann@example.com");
    let mailed = world.link_token("ann@example.com");
    let thief = json!({"email": "eve@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", thief.clone()).expect(202);
    let change = world.link_token("eve@example.com");
    // Asked for, and not yet mailed.
    ask_reset(&world, "ann@example.com");
    ann.post("/api/users/me/email", thief).expect(202);

    let body = json!({"current_password": PASSWORD, "new_password": NEW});
    ann.post("/api/users/me/password", body).expect(204);
    ann.get("/api/users/me").expect(200);
    other.get("/api/users/me").expect(401);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    world.nobody().post("/api/auth/refresh", refresh).expect(401);
    reset(&world, &mailed, "a third password").expect(400);
    let confirm =
        |token: &str| world.nobody().post("/api/auth/confirm-email", json!({ "token": token }));
    confirm(&change).expect(400);
    let mails = world.mails_to("ann@example.com");
    let subjects: Vec<_> = mails.iter().map(|mail| mail.header("Subject")).collect();
    assert!(subjects.contains(&"Your password was changed"), "{subjects:?}");
    for mail in mails.iter().chain(&world.mails_to("eve@example.com")) {
        if let Some(token) = mail.token() {
            reset(&world, &token, "a third password").expect(400);
            confirm(&token).expect(400);
        }
    }
    ann.log_in(PASSWORD).expect(401);
    ann.log_in(NEW).expect(200);
    assert_eq!(
        world.sql::<i64>("SELECT count(*) FROM audit_events WHERE action = 'password_changed'"),
        1
    );
}

#[test]
fn a_wrong_current_password_is_told_apart_and_counts_as_a_failed_login() {
    let world = World::with(|config| {
        config.rates.login_failures = Some(contactd::config::Rate { count: 5, seconds: 900 });
    });
    let ann = world.user("ann");
    let calls = |password: &str| {
        vec![
            ann.post(
                "/api/users/me/password",
                json!({"current_password": password, "new_password": NEW}),
            ),
            ann.post(
                "/api/users/me/email",
                json!({"email": "a@example.com", "password": password}),
            ),
            ann.delete_with("/api/users/me", json!({ "password": password })),
        ]
    };
    for answer in calls("wrong password") {
        let problem = answer.expect(403).json();
        assert!(problem["type"].as_str().unwrap().ends_with("wrong-password"), "{problem}");
    }
    ann.log_in("wrong password").expect(401);
    ann.log_in("wrong password").expect(401);
    let failed =
        "SELECT count(*) FROM audit_events WHERE action = 'login_failed' AND user_id IS NOT NULL";
    assert_eq!(world.sql::<i64>(failed), 5);
    ann.log_in(PASSWORD).expect(429);
    // A lockout does not touch who is signed in.
    let body = json!({"email": "a@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", body).expect(202);
    ann.get("/api/users/me").expect(200);
    ann.post("/api/users/me/password", json!({}))
        .expect_faults(&["current_password", "new_password"]);
    ann.post("/api/users/me/email", json!({"email": "x"})).expect_faults(&["email", "password"]);
    ann.delete_with("/api/users/me", json!({})).expect_faults(&["password"]);
}

#[test]
fn a_reset_ends_every_session_confirms_the_address_and_is_told() {
    let world = World::new();
    let ann = world.user("ann");
    let tokens = ann.log_in(PASSWORD).json();
    let change = json!({"email": "new@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", change).expect(202);
    let change = world.link_token("new@example.com");
    ask_reset(&world, "ANN@example.com");
    let token = world.link_token("ann@example.com");
    ann.get("/api/users/me").expect(200);
    reset(&world, &token, NEW).expect(200);
    ann.get("/api/users/me").expect(401);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    world.nobody().post("/api/auth/refresh", refresh).expect(401);
    world.nobody().post("/api/auth/confirm-email", json!({ "token": change })).expect(400);
    ann.log_in(PASSWORD).expect(401);
    ann.log_in(NEW).expect(200);
    let last = world.mails_to("ann@example.com").pop().unwrap();
    assert_eq!(last.header("Subject"), "Your password was changed");
    for action in ["password_reset_requested", "password_reset"] {
        let query = "SELECT string_agg(action, ' ') FROM audit_events";
        assert!(world.sql::<String>(query).contains(action), "{action}");
    }
    // An account that was never confirmed is by this.
    let bob = json!({"username": "bob", "email": "bob@example.com", "password": PASSWORD});
    world.nobody().post("/api/auth/register", bob).expect(201);
    let confirmation = world.link_token("bob@example.com");
    ask_reset(&world, "bob@example.com");
    reset(&world, &world.link_token("bob@example.com"), NEW).expect(200);
    Actor { name: "bob".to_owned(), ..world.nobody() }.log_in(NEW).expect(200);
    world.nobody().post("/api/auth/confirm-email", json!({ "token": confirmation })).expect(400);
}

#[test]
fn a_reset_token_works_once_only_the_newest_and_for_half_an_hour() {
    let world = World::new();
    world.user("ann");
    ask_reset(&world, "ann@example.com");
    let older = world.link_token("ann@example.com");
    ask_reset(&world, "ann@example.com");
    let newer = world.link_token("ann@example.com");
    reset(&world, &older, NEW).expect(400);
    reset(&world, &newer, "weak").expect_faults(&["new_password"]);
    reset(&world, &newer, NEW).expect(200);
    reset(&world, &newer, "a third password").expect(400);
    ask_reset(&world, "ann@example.com");
    let token = world.link_token("ann@example.com");
    world.pass(Duration::minutes(30) - Duration::seconds(1));
    reset(&world, &token, "weak").expect(422);
    world.pass(Duration::seconds(1));
    reset(&world, &token, "a third password").expect(400);
    assert_eq!(
        world.sql::<i64>("SELECT count(*) FROM audit_events WHERE action = 'password_reset'"),
        1
    );
}

#[test]
fn a_reset_link_is_for_the_address_that_it_was_mailed_to() {
    let world = World::new();
    world.user("ann");
    ask_reset(&world, "ann@example.com");
    let token = world.link_token("ann@example.com");
    // By hand: a change through the API revokes the link at once.
    world.app.db.write(|db| db.batch("UPDATE users SET email = 'new@example.com'")).unwrap();
    reset(&world, &token, "a new password").expect(400);
}

#[test]
fn of_parallel_uses_of_a_reset_token_one_wins() {
    let world = World::new();
    let ann = world.user("ann");
    ask_reset(&world, "ann@example.com");
    let token = world.link_token("ann@example.com");
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let one = |number: i32| {
            served(|| reset(&world, &token, &format!("new password {number}"))).status
        };
        let threads: Vec<_> = (0..4).map(|number| scope.spawn(move || one(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 3, "{statuses:?}");
    let worked =
        (0..4).filter(|number| ann.log_in(&format!("new password {number}")).status == 200);
    assert_eq!(worked.count(), 1);
}

#[test]
fn wrong_resets_are_told_before_the_token_is_looked_at() {
    let world = World::new();
    let post = |body| world.nobody().post("/api/auth/reset-password", body);
    post(json!({})).expect_faults(&["token", "new_password"]);
    post(json!({"token": 7, "new_password": NEW})).expect_faults(&["token"]);
    post(json!({"token": "x", "new_password": NEW, "role": "admin"})).expect_faults(&["role"]);
    let dead = post(json!({"token": "x", "new_password": NEW})).expect(400).json();
    assert!(dead["type"].as_str().unwrap().ends_with("dead-link"));
    let post = |body| world.nobody().post("/api/auth/confirm-email", body);
    post(json!({})).expect_faults(&["token"]);
    post(json!({"token": ""})).expect(400);
    post(json!({"token": "x".repeat(5_000)})).expect(400);
}

#[test]
fn a_disabled_account_gets_no_reset_and_its_links_are_dead() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    ask_reset(&world, "ann@example.com");
    let token = world.link_token("ann@example.com");
    let change = json!({"email": "new@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", change).expect(202);
    let change = world.link_token("new@example.com");
    let path = format!("/api/users/{}", ann.id);
    root.patch(&path, json!({"is_active": false})).expect(200);
    reset(&world, &token, NEW).expect(400);
    world.nobody().post("/api/auth/confirm-email", json!({ "token": change })).expect(400);
    let before = world.mails_to("ann@example.com").len();
    ask_reset(&world, "ann@example.com");
    assert_eq!(world.mails_to("ann@example.com").len(), before);
    assert_eq!(root.get(&path).json()["email"], "ann@example.com");
}

#[test]
fn a_hash_with_older_parameters_is_renewed_at_login() {
    let world = World::new();
    let ann = world.user("ann");
    let config = argon2::Config { mem_cost: 1_024, time_cost: 1, ..argon2::Config::default() };
    let old = argon2::hash_encoded(PASSWORD.as_bytes(), b"0123456789abcdef", &config).unwrap();
    world.app.db.write(|db| db.execute("UPDATE users SET password_hash = $1", &[&old])).unwrap();
    ann.log_in("wrong password").expect(401);
    assert_eq!(world.sql::<String>("SELECT password_hash FROM users"), old);
    ann.log_in(PASSWORD).expect(200);
    let new = world.sql::<String>("SELECT password_hash FROM users");
    assert!(new.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{new}");
    ann.log_in(PASSWORD).expect(200);
    assert_eq!(world.sql::<String>("SELECT password_hash FROM users"), new);

    // Logins at once find the old hash, and all but one find it renewed when they are through.
    world.app.db.write(|db| db.execute("UPDATE users SET password_hash = $1", &[&old])).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| served(|| ann.log_in(PASSWORD)).expect(200));
        }
    });
}
