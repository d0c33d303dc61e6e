//! Audit events: one for whatever happened, none for what did not.

use crate::world::{Actor, PASSWORD, World};
use serde_json::{Value, json};

fn events(admin: &Actor, query: &str) -> Vec<Value> {
    admin.get(&format!("/api/audit-events{query}")).expect(200).json().as_array().unwrap().clone()
}

fn actions(admin: &Actor, user: i64) -> String {
    let events = events(admin, &format!("?user_id={user}&limit=100"));
    let words: Vec<_> =
        events.iter().rev().map(|event| event["action"].as_str().unwrap()).collect();
    words.join(" ")
}

#[test]
fn everything_that_happens_to_an_account_is_written_down_once() {
    let world = World::new();
    let root = world.admin("root");
    let nobody = world.nobody();
    let ann = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD});
    let id = nobody.post("/api/auth/register", ann).expect(201).json()["id"].as_i64().unwrap();
    let ann = Actor { id, name: "ann".to_owned(), ..nobody.clone() };
    let token = world.link_token("ann@example.com");
    nobody.post("/api/auth/confirm-email", json!({ "token": token })).expect(200);
    ann.log_in("wrong password").expect(401);
    let tokens = ann.log_in(PASSWORD).expect(200).json();
    let ann = ann.with_token(&tokens["access_token"]);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    nobody.post("/api/auth/refresh", refresh.clone()).expect(200);
    world.pass(chrono::Duration::seconds(11));
    nobody.post("/api/auth/refresh", refresh).expect(401);
    let ann = ann.signed_in();
    nobody
        .post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
        .expect(202);
    let token = world.link_token("ann@example.com");
    let body = json!({"token": token, "new_password": "another good one"});
    nobody.post("/api/auth/reset-password", body).expect(200);
    let tokens = ann.log_in("another good one").json();
    let ann = ann.with_token(&tokens["access_token"]);
    let body = json!({"current_password": "another good one", "new_password": PASSWORD});
    ann.post("/api/users/me/password", body).expect(204);
    let body = json!({"email": "new@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", body).expect(202);
    let token = world.link_token("new@example.com");
    nobody.post("/api/auth/confirm-email", json!({ "token": token })).expect(200);
    let role = |role: &str| {
        root.patch(&format!("/api/users/{id}/role"), json!({ "role": role })).expect(200);
    };
    role("admin");
    role("admin"); // no change, no event
    ann.delete("/api/users/avatar").expect(200);
    role("user");
    for active in [true, false, false, true] {
        root.patch(&format!("/api/users/{id}"), json!({"is_active": active})).expect(200);
    }
    let ann = ann.signed_in();
    ann.send("POST", "/api/auth/logout", &[], b"").expect(204);
    ann.signed_in().send("POST", "/api/auth/logout-all", &[], b"").expect(204);
    root.delete(&format!("/api/users/{id}")).expect(204);
    let expected = "registered email_confirmed login_failed login refresh_reused login \
        password_reset_requested password_reset login password_changed email_change_requested \
        email_changed role_changed \
        avatar_changed role_changed disabled enabled login logout login logout deleted";
    assert_eq!(actions(&root, id), expected);
    let by = |action: &str| {
        events(&root, &format!("?user_id={id}&action={action}"))[0]["actor_id"].clone()
    };
    assert_eq!(by("deleted"), root.id);
    assert_eq!(by("role_changed"), root.id);
    assert_eq!(by("password_changed"), id);
    assert_eq!(by("registered"), Value::Null);
}

#[test]
fn what_happens_to_a_whole_book_and_to_a_name_is_an_event() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    for _ in 0..2 {
        ann.patch("/api/users/me", json!({"username": "anna"})).expect(200);
    }
    let file = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bob\r\nEND:VCARD\r\n";
    let vcard = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import?dry_run=true", &vcard, file).expect(200);
    ann.send("POST", "/api/contacts/import", &vcard, file).expect(200);
    ann.get("/api/contacts/export").expect(200);
    ann.get("/api/users/me/export").expect(200);
    ann.send("POST", "/api/contacts/calendar-url", &[], b"").expect(201);
    ann.delete("/api/contacts/calendar-url").expect(204);
    ann.delete("/api/contacts/calendar-url").expect(204);
    let expected = "login renamed imported exported exported calendar_created calendar_revoked";
    assert_eq!(actions(&root, ann.id), expected);
}

#[test]
fn an_event_names_time_place_and_request_and_no_secret() {
    let world = World::new();
    let root = world.admin("root");
    let body = json!({"username": "nobody@example.com", "password": "hunter2 hunter2"});
    let headers = [("Content-Type", "application/json"), ("X-Request-Id", "my-request.1")];
    let eve = world.nobody().at([192, 0, 2, 66]);
    eve.send("POST", "/api/auth/login", &headers, body.to_string().as_bytes()).expect(401);
    let event = &events(&root, "?action=login_failed")[0];
    let expected = json!({"id": event["id"], "at": "2026-11-22T12:00:00Z", "actor_id": null, "user_id": null,
        "action": "login_failed", "ip": "192.0.2.66", "request_id": event["request_id"]});
    assert_eq!(event, &expected);
    // The client's own name for its request is in the log only.
    assert!(!event.to_string().contains("my-request.1"));
    let all = root.get("/api/audit-events?limit=100").text();
    assert!(!all.contains("hunter2") && !all.contains("nobody@example.com"));
}

#[test]
fn events_are_paged_newest_first() {
    let world = World::new();
    let root = world.admin("root");
    for _ in 0..4 {
        root.log_in(PASSWORD).expect(200);
    }
    let answer = root.get("/api/audit-events?action=login&limit=2&skip=1").expect(200);
    assert_eq!(answer.header("X-Total-Count"), "5");
    let ids: Vec<_> =
        answer.json().as_array().unwrap().iter().map(|e| e["id"].as_i64().unwrap()).collect();
    assert!(ids.len() == 2 && ids[0] > ids[1]);
    root.get("/api/audit-events?user_id=x&limit=0").expect_faults(&["user_id", "limit"]);
    root.get("/api/audit-events?user_id=0").expect_faults(&["user_id"]);
    assert!(events(&root, "?action=nothing").is_empty());
}

#[test]
fn what_was_rolled_back_leaves_no_event() {
    let world = World::new();
    let root = world.admin("root");
    let before = world.sql::<i64>("SELECT count(*) FROM audit_events");
    root.patch(&format!("/api/users/{}/role", root.id), json!({"role": "user"})).expect(409);
    root.delete(&format!("/api/users/{}", root.id)).expect(409);
    let taken = json!({"username": "ROOT", "email": "x@example.com", "password": PASSWORD});
    world.nobody().post("/api/auth/register", taken).expect(409);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM audit_events"), before);
}

#[test]
fn old_events_end_in_as_many_batches_as_it_takes() {
    let world = World::new();
    let many = "INSERT INTO audit_events (at, action, ip, request_id)
        SELECT $1, 'login', 'local', 'x' FROM generate_series(1, 2500)";
    world.app.db.write(|db| db.execute(many, &[&world.now()])).unwrap();
    world.pass(world.app.config.audit.unwrap());
    contactd::worker::purge(&world.app).unwrap();
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM audit_events"), 0);
}
