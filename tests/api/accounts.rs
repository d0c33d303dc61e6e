//! From registration to logout.

use crate::world::{PASSWORD, World};
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
                    // Hashing has a queue of two seconds, which a busy machine fills: a client
                    // that is told 503 tries again.
                    let answers = std::iter::repeat_with(|| nobody.post(REGISTER, body.clone()));
                    answers.take(20).map(|answer| answer.status).find(|status| *status != 503)
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
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
    refresh(&tokens["refresh_token"]).expect(401);
    refresh(&newer["refresh_token"]).expect(401);
    let mut stolen = ann.clone();
    stolen.token = Some(newer["access_token"].as_str().unwrap().to_owned());
    stolen.get("/api/users/me").expect(401);
    // Other sessions go on.
    ann.get("/api/users/me").expect(200);
}
