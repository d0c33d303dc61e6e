//! Sessions: seen, ended, and ended by whatever must end them.

use crate::world::{PASSWORD, World};
use chrono::Duration;
use serde_json::json;

const SESSIONS: &str = "/api/users/me/sessions";

#[test]
fn a_user_sees_and_ends_the_own_sessions() {
    let world = World::new();
    let ann = world.user("ann").at([203, 0, 113, 9]);
    let phone = ann.signed_in();
    let eve = world.user("eve");
    let list = ann.get(SESSIONS).expect(200).json();
    assert_eq!(list.as_array().unwrap().len(), 2);
    let mut names: Vec<_> = list[0].as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["created_at", "current", "id", "ip", "last_used_at", "user_agent"]);
    let newest = &list[0];
    assert_eq!((&newest["ip"], &newest["user_agent"]), (&json!("203.0.113.9"), &json!("test")));
    assert_eq!((&newest["current"], &list[1]["current"]), (&json!(false), &json!(true)));
    assert_eq!(phone.get(SESSIONS).json()[0]["current"], true);
    assert_eq!(newest["created_at"], "2026-11-22T12:00:00Z");

    let path = format!("{SESSIONS}/{}", newest["id"]);
    eve.delete(&path).expect(404);
    phone.get("/api/users/me").expect(200);
    ann.delete(&path).expect(204);
    phone.get("/api/users/me").expect(401);
    ann.delete(&path).expect(404);
    for id in ["0", "-1", "x", "9223372036854775808", "01"] {
        ann.delete(&format!("{SESSIONS}/{id}")).expect(404);
    }
    // Deleting the current one is a logout.
    ann.delete(&format!("{SESSIONS}/{}", list[1]["id"])).expect(204);
    ann.get("/api/users/me").expect(401);
    let actions = "SELECT string_agg(action, ' ' ORDER BY id) FROM audit_events
        WHERE action IN ('logout', 'session_revoked')";
    assert_eq!(world.sql::<String>(actions), "session_revoked logout");
}

#[test]
fn a_refresh_is_seen_in_the_list() {
    let world = World::new();
    let ann = world.user("ann");
    let tokens = ann.log_in(PASSWORD).json();
    world.pass(Duration::minutes(5));
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let phone = world.nobody().at([198, 51, 100, 7]);
    phone.post("/api/auth/refresh", refresh).expect(200);
    let list = ann.get(SESSIONS).json();
    assert_eq!(list[0]["last_used_at"], "2026-11-22T12:05:00Z");
    assert_eq!(list[0]["created_at"], "2026-11-22T12:00:00Z");
    assert_eq!(list[0]["ip"], "198.51.100.7");
}

#[test]
fn of_more_than_twenty_sessions_the_oldest_goes() {
    let world = World::new();
    let ann = world.user("ann");
    let second = ann.signed_in();
    for _ in 0..18 {
        ann.log_in(PASSWORD).expect(200);
    }
    ann.get("/api/users/me").expect(200);
    ann.log_in(PASSWORD).expect(200);
    ann.get("/api/users/me").expect(401);
    assert_eq!(second.get(SESSIONS).expect(200).json().as_array().unwrap().len(), 20);
}

#[test]
fn logout_ends_one_session_and_logout_all_every_one() {
    let world = World::new();
    let ann = world.user("ann");
    let (phone, tablet, eve) = (ann.signed_in(), ann.signed_in(), world.user("eve"));
    let tokens = ann.log_in(PASSWORD).json();
    phone.send("POST", "/api/auth/logout", &[], b"").expect(204);
    phone.get("/api/users/me").expect(401);
    phone.send("POST", "/api/auth/logout", &[], b"").expect(401);
    tablet.get("/api/users/me").expect(200);
    ann.send("POST", "/api/auth/logout-all", &[], b"").expect(204);
    tablet.get("/api/users/me").expect(401);
    ann.get("/api/users/me").expect(401);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    world.nobody().post("/api/auth/refresh", refresh).expect(401);
    eve.get("/api/users/me").expect(200);
}

#[test]
fn a_session_is_dead_at_once_on_every_replica() {
    let world = World::new();
    let there = world.replica();
    let ann = world.user("ann");
    let elsewhere = crate::world::Actor { app: there.app.clone(), ..ann.clone() };
    for _ in 0..20 {
        let phone = ann.signed_in();
        let seen = crate::world::Actor { app: there.app.clone(), ..phone.clone() };
        seen.get("/api/users/me").expect(200);
        seen.get("/api/users/me").expect(200);
        phone.send("POST", "/api/auth/logout", &[], b"").expect(204);
        seen.get("/api/users/me").expect(401);
    }
    elsewhere.get("/api/users/me").expect(200);
}

#[test]
fn a_disabled_account_loses_its_sessions_for_good() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let tokens = ann.log_in(PASSWORD).json();
    ann.get("/api/users/me").expect(200);
    let path = format!("/api/users/{}", ann.id);
    root.patch(&path, json!({"is_active": false})).expect(200);
    ann.get("/api/users/me").expect(401);
    let refresh = || {
        let body = json!({"refresh_token": tokens["refresh_token"]});
        world.nobody().post("/api/auth/refresh", body)
    };
    refresh().expect(401);
    root.patch(&path, json!({"is_active": true})).expect(200);
    ann.get("/api/users/me").expect(401);
    refresh().expect(401);
    ann.log_in(PASSWORD).expect(200);
}
