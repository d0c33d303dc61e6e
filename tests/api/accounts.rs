//! From registration to logout.

use crate::world::{Actor, PASSWORD, World, served};
use chrono::Duration;
use serde_json::json;

const REGISTER: &str = "/api/auth/register";

#[test]
fn from_registration_to_logout() {
    let world = World::new();
    let nobody = world.nobody();
    let ann = json!({"username": "Ann", "email": "Ann@Example.com", "password": PASSWORD});
    let user = nobody.post(REGISTER, ann).expect(201).json();
    assert_eq!(user["role"], "user");
    assert_eq!(user["is_verified"], false);
    assert_eq!(user.as_object().unwrap().len(), 8);
    let login = json!({"username": "ann@example.COM", "password": PASSWORD});
    let answer = nobody.post("/api/auth/login", login.clone()).expect(401).json();
    assert!(answer["type"].as_str().unwrap().ends_with("email-not-confirmed"));

    let token = world.link_token("Ann@Example.com");
    let page = nobody.get(&format!("/api/auth/confirmed_email/{token}")).expect(200);
    assert!(page.text().contains("<form"));
    nobody.post("/api/auth/login", login.clone()).expect(401);
    nobody.post("/api/auth/confirm-email", json!({ "token": token })).expect(200);
    nobody.post("/api/auth/confirm-email", json!({ "token": token })).expect(400);

    let tokens = nobody.post("/api/auth/login", login).expect(200).json();
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], 900);
    let mut ann = nobody.clone();
    ann.token = Some(tokens["access_token"].as_str().unwrap().to_owned());
    assert_eq!(ann.get("/api/users/me").expect(200).json()["username"], "Ann");
    ann.send("POST", "/api/auth/logout", &[], b"").expect(204);
    ann.get("/api/users/me").expect(401);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    nobody.post("/api/auth/refresh", refresh).expect(401);
}

#[test]
fn of_fifty_registrations_of_one_address_at_once_one_wins() {
    let world = World::new();
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..50)
            .map(|number| {
                let nobody = world.nobody();
                scope.spawn(move || {
                    let username = format!("ann{number}");
                    let email = if number % 2 == 0 { "ann@example.com" } else { "ANN@example.com" };
                    let body = json!({"username": username, "email": email, "password": PASSWORD});
                    served(|| nobody.post(REGISTER, body.clone())).status
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 49, "{statuses:?}");
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM users"), 1);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM outbox"), 1);
}

#[test]
fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let world = World::new();
    let ann = world.user("ann");
    let tokens = ann.log_in(PASSWORD).expect(200).json();
    let refresh = |token: &serde_json::Value| {
        world.nobody().post("/api/auth/refresh", json!({ "refresh_token": token }))
    };
    let newer = refresh(&tokens["refresh_token"]).expect(200).json();
    assert_ne!(newer["refresh_token"], tokens["refresh_token"]);
    world.pass(Duration::seconds(11));
    refresh(&tokens["refresh_token"]).expect(401);
    refresh(&newer["refresh_token"]).expect(401);
    let mut stolen = ann.clone();
    stolen.token = Some(newer["access_token"].as_str().unwrap().to_owned());
    stolen.get("/api/users/me").expect(401);
    // Other sessions go on.
    ann.get("/api/users/me").expect(200);
}

#[test]
fn wrong_registrations_hear_of_every_wrong_field_and_leave_nothing() {
    let world = World::new();
    let nobody = world.nobody();
    nobody.post(REGISTER, json!({})).expect_faults(&["username", "email", "password"]);
    let wrong = json!({"username": "a b", "email": "ann", "password": "short"});
    nobody.post(REGISTER, wrong).expect_faults(&["username", "email", "password"]);
    let odd = json!({"username": 7, "email": null, "password": ["x"]});
    nobody.post(REGISTER, odd).expect_faults(&["username", "email", "password"]);
    let nul = json!({"username": "ann\u{0}", "email": "a\u{0}@b.co", "password": PASSWORD});
    nobody.post(REGISTER, nul).expect_faults(&["username", "email"]);
    nobody.post(REGISTER, json!([])).expect_faults(&["body"]);
    let header = "From: x@y.z\r\nBcc: eve@example.com";
    let smuggled = json!({"username": "ann", "email": header, "password": PASSWORD});
    nobody.post(REGISTER, smuggled).expect_faults(&["email"]);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM users"), 0);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM outbox"), 0);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM audit_events"), 0);
}

#[test]
fn nobody_gets_a_role_or_anything_else_from_a_public_body() {
    let world = World::new();
    let powers = [
        ("role", json!("admin")),
        ("id", json!(1)),
        ("is_verified", json!(true)),
        ("is_active", json!(true)),
        ("avatar", json!("x")),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("password_hash", json!("x")),
    ];
    for (name, value) in powers {
        let mut body = json!({"username": "eve", "email": "eve@example.com", "password": PASSWORD});
        body[name] = value.clone();
        world.nobody().post(REGISTER, body).expect_faults(&[name]);
        let ann = match world.sql::<i64>("SELECT count(*) FROM users") {
            0 => world.user("ann"),
            _ => Actor { name: "ann".to_owned(), ..world.nobody() }.signed_in(),
        };
        let mut body = json!({"username": "ann"});
        body[name] = value;
        ann.patch("/api/users/me", body).expect_faults(&[name]);
    }
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM users WHERE role = 'admin'"), 0);
}

#[test]
fn the_first_account_is_nobody_special() {
    let world = World::new();
    let ann = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD});
    let user = world.nobody().post(REGISTER, ann).expect(201);
    assert_eq!(user.json()["role"], "user");
    assert_eq!(user.header("Cache-Control"), "no-store");
    let token = world.link_token("ann@example.com");
    world.nobody().post("/api/auth/confirm-email", json!({ "token": token })).expect(200);
    let ann = Actor { name: "ann".to_owned(), ..world.nobody() }.signed_in();
    ann.get("/api/users").expect(403);
}

#[test]
fn letter_case_makes_no_second_account() {
    let world = World::new();
    let nobody = world.nobody();
    let register = |username: &str, email: &str| {
        nobody.post(REGISTER, json!({"username": username, "email": email, "password": PASSWORD}))
    };
    register("Ann", "Ann@Example.com").expect(201);
    let taken = register("ANN", "other@example.com").expect(409).json();
    assert!(taken["type"].as_str().unwrap().ends_with("username-taken"), "{taken}");
    let taken = register("other", "aNN@eXAMPLE.COM").expect(409).json();
    assert!(taken["type"].as_str().unwrap().ends_with("email-taken"), "{taken}");
    register("kyiv", "ЇЖАК@example.com").expect(201);
    register("kyiv2", "їжак@example.com").expect(409);
    // Kept as typed; composed and decomposed letters are one.
    register("rene", "ren\u{e9}@example.com").expect(201);
    register("rene2", "rene\u{301}@example.com").expect(409);
    let bob = world.user("bob");
    bob.patch("/api/users/me", json!({"username": "aNn"})).expect(409);
    assert_eq!(
        bob.patch("/api/users/me", json!({"username": "BOB"})).expect(200).json()["username"],
        "BOB"
    );
    assert_eq!(bob.get("/api/users/me").expect(200).json()["username"], "BOB");
}

#[test]
fn a_username_is_never_an_address() {
    let world = World::new();
    let ann = world.user("ann");
    // Else a login with the address of another user would be ambiguous.
    for name in ["ann@example.com", "ann@", "@nn", "a@b"] {
        let body = json!({"username": name, "email": "eve@example.com", "password": PASSWORD});
        world.nobody().post(REGISTER, body).expect_faults(&["username"]);
        ann.patch("/api/users/me", json!({"username": name})).expect_faults(&["username"]);
    }
}

#[test]
fn login_takes_name_or_address_as_json_or_as_an_oauth_form() {
    let world = World::new();
    let ann = world.user("ann");
    let login = |form: &str| world.nobody().post_form("/api/auth/login", form);
    for name in ["ann", "ANN", "ann@example.com", "Ann@Example.Com", " ann "] {
        let body = json!({"username": name, "password": PASSWORD});
        world.nobody().post("/api/auth/login", body).expect(200);
    }
    let password = "correct+horse%20battery+staple";
    let tokens = login(&format!("username=ann%40example.com&password={password}")).expect(200);
    assert_eq!(tokens.header("Content-Type"), "application/json");
    assert_eq!(tokens.header("Cache-Control"), "no-store");
    let mut names: Vec<_> = tokens.json().as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["access_token", "expires_in", "refresh_token", "token_type"]);
    let more = "grant_type=password&scope=a+b&client_id=x&client_secret=y&state=z";
    login(&format!("{more}&username=ann&password={password}")).expect(200);
    login(&format!("grant_type=&username=ann&password={password}")).expect(200);
    login(&format!("grant_type=refresh_token&username=ann&password={password}")).expect(400);
    login("username=ann&password=%zz").expect(400);
    login("username=ann&password=%ff").expect(400);
    login("username=ann").expect_faults(&["password"]);
    let json = json!({"username": "ann", "password": PASSWORD, "scope": "x"});
    ann.post("/api/auth/login", json).expect_faults(&["scope"]);
    ann.post("/api/auth/login", json!({"username": "ann"})).expect_faults(&["password"]);
}

#[test]
fn unknown_names_and_wrong_passwords_look_alike() {
    let world = World::new();
    world.user("ann");
    let admin = world.admin("root");
    let off = world.user("off");
    admin.patch(&format!("/api/users/{}", off.id), json!({"is_active": false})).expect(200);
    let new = json!({"username": "new", "email": "new@example.com", "password": PASSWORD});
    world.nobody().post(REGISTER, new).expect(201);
    let answer = |name: &str| {
        let body = json!({"username": name, "password": "wrong password"});
        let answer = world.nobody().post("/api/auth/login", body).expect(401);
        let mut json = answer.json();
        assert_eq!(json["detail"], "Invalid username or password");
        assert_eq!(
            json.as_object_mut().unwrap().remove("request_id").unwrap(),
            answer.header("X-Request-Id")
        );
        let headers = answer.headers.into_iter().filter(|(name, _)| name != "X-Request-Id");
        (json, headers.collect::<Vec<_>>())
    };
    let unknown = answer("nobody");
    for name in ["ann", "ann@example.com", "off", "new", "new@example.com", "x@example.com"] {
        assert_eq!(answer(name), unknown, "{name}");
    }
    // Only the right password gets more.
    let right = |name: &str| {
        let body = json!({"username": name, "password": PASSWORD});
        let answer = world.nobody().post("/api/auth/login", body).expect(401);
        assert_eq!(answer.header("WWW-Authenticate"), "Bearer");
        answer.json()["type"].as_str().unwrap().to_owned()
    };
    assert!(right("off").ends_with("account-disabled"));
    assert!(right("new").ends_with("email-not-confirmed"));
    let ask = |path: &str, email: &str| {
        let answer = world.nobody().post(path, json!({ "email": email })).expect(202);
        let headers = answer.headers.into_iter().filter(|(name, _)| name != "X-Request-Id");
        (answer.body, headers.collect::<Vec<_>>())
    };
    for path in ["/api/auth/request_email", "/api/auth/request-password-reset"] {
        for name in ["ann", "off", "new"] {
            assert_eq!(ask(path, &format!("{name}@example.com")), ask(path, "x@example.com"));
        }
        world.nobody().post(path, json!({"email": "no address"})).expect_faults(&["email"]);
        world.nobody().post(path, json!({})).expect_faults(&["email"]);
    }
}

#[test]
fn two_logins_in_one_second_are_two_sessions_with_tokens_of_their_own() {
    let world = World::new();
    let ann = world.user("ann");
    let (one, two) = (ann.log_in(PASSWORD).json(), ann.log_in(PASSWORD).json());
    assert_ne!(one["access_token"], two["access_token"]);
    assert_ne!(one["refresh_token"], two["refresh_token"]);
    // Of one session too: each token is another one, so that none is taken for a copy of one before.
    let body = json!({"refresh_token": two["refresh_token"]});
    let next = world.nobody().post("/api/auth/refresh", body).expect(200).json();
    assert_ne!(next["access_token"], two["access_token"]);
    let as_one = ann.with_token(&one["access_token"]);
    as_one.send("POST", "/api/auth/logout", &[], b"").expect(204);
    as_one.get("/api/users/me").expect(401);
    ann.with_token(&two["access_token"]).get("/api/users/me").expect(200);
}

#[test]
fn a_new_confirmation_goes_only_to_who_needs_one_and_voids_the_older() {
    let world = World::new();
    let nobody = world.nobody();
    let ask =
        |email: &str| nobody.post("/api/auth/request_email", json!({ "email": email })).expect(202);
    world.user("ann");
    ask("ann@example.com");
    assert_eq!(world.mails_to("ann@example.com").len(), 0, "confirmed already");
    let bob = json!({"username": "bob", "email": "Bob@example.com", "password": PASSWORD});
    nobody.post(REGISTER, bob).expect(201);
    let older = world.link_token("Bob@example.com");
    ask("bob@EXAMPLE.com");
    let newer = world.link_token("Bob@example.com");
    assert_ne!(older, newer);
    let confirm = |token: &str| nobody.post("/api/auth/confirm-email", json!({ "token": token }));
    confirm(&older).expect(400);
    confirm(&newer).expect(200);
    assert_eq!(world.mails_to("Bob@example.com").len(), 2);
    assert_eq!(
        world.sql::<i64>("SELECT count(*) FROM audit_events WHERE action = 'email_confirmed'"),
        1
    );
}

#[test]
fn a_confirmation_lives_a_day() {
    let world = World::new();
    let nobody = world.nobody();
    let bob = json!({"username": "bob", "email": "bob@example.com", "password": PASSWORD});
    nobody.post(REGISTER, bob).expect(201);
    let token = world.link_token("bob@example.com");
    world.pass(Duration::hours(24) - Duration::seconds(1));
    nobody.get(&format!("/api/auth/confirmed_email/{token}")).expect(200);
    world.pass(Duration::seconds(1));
    nobody.get(&format!("/api/auth/confirmed_email/{token}")).expect(400);
    nobody.post("/api/auth/confirm-email", json!({ "token": token })).expect(400);
    assert!(!world.sql::<bool>("SELECT is_verified FROM users"));
}
