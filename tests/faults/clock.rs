//! Clocks that are an hour off. The clock is the server's own, in this process: to shift that of a
//! real one takes programs that a fresh machine does not have.

use crate::world::{PASSWORD, World};
use chrono::Duration;
use serde_json::json;

/// What a client does all day; the id of its new contact.
fn write(actor: &crate::world::Actor, name: &str) -> String {
    let answer = actor.post("/api/contacts", json!({ "first_name": name })).expect(201).json();
    let path = format!("/api/contacts/{}", answer["id"]);
    actor.patch(&path, json!({"additional_data": name})).expect(200);
    path
}

#[test]
fn a_clock_that_jumps_loses_nothing_and_logs_nobody_out_for_good() {
    let world = World::new();
    let ann = world.user("ann");
    let tokens = ann.log_in(PASSWORD).expect(200).json();
    let mut written = vec![write(&ann, "before")];
    // An hour ahead: access tokens are over, as after an hour; the refresh token is not.
    world.pass(Duration::hours(1));
    ann.get("/api/users/me").expect(401);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let tokens = world.nobody().post("/api/auth/refresh", refresh).expect(200).json();
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    let ahead = crate::world::Actor { token: Some(token), ..ann.clone() };
    written.push(write(&ahead, "an hour ahead"));
    let reset = json!({"email": "ann@example.com"});
    world.nobody().post("/api/auth/request-password-reset", reset.clone()).expect(202);
    // Back again, with a mail in the outbox that is due in an hour.
    world.pass(-Duration::hours(1));
    written.push(write(&ann, "back"));
    written.push(write(&ahead, "a token from the future"));
    for path in &written {
        ann.get(path).expect(200);
    }
    assert_eq!(ann.get("/api/contacts").expect(200).header("X-Total-Count"), "4");
    assert_eq!(world.mails_to("ann@example.com").len(), 0, "late, by the hour");
    world.nobody().post("/api/auth/request-password-reset", reset).expect(202);
    assert_eq!(world.mails_to("ann@example.com").len(), 1, "new mail is not held up by it");
    let token = world.link_token("ann@example.com");
    let body = json!({"token": token, "new_password": "another good one"});
    world.nobody().post("/api/auth/reset-password", body).expect(200);
}

#[test]
fn replicas_an_hour_apart_lose_nothing() {
    let world = World::new();
    let ahead = world.replica_with_clock(Duration::hours(1));
    let ann = world.user("ann");
    let there = crate::world::Actor { app: ahead.app.clone(), ..ann.clone() };
    // A token of 15 minutes is no more worth anything where it is an hour later: a client asks for
    // a new one, and is served. Clocks further apart than that are for the operator to mend.
    there.get("/api/users/me").expect(401);
    let there = there.signed_in();
    let here = crate::world::Actor { app: world.app.clone(), ..there.clone() };
    for round in 0..10 {
        let path = write(&there, &format!("ahead {round}"));
        here.get(&path).expect(200);
        let path = write(&here, &format!("behind {round}"));
        there.get(&path).expect(200);
        here.patch("/api/users/me", json!({"username": format!("anna{round}")})).expect(200);
        let me = there.get("/api/users/me").expect(200).json();
        assert_eq!(me["username"], format!("anna{round}"));
    }
    assert_eq!(here.get("/api/contacts").expect(200).header("X-Total-Count"), "20");
    // The one ahead takes up every mail; the one behind waits for what the other wrote down.
    let body = json!({"username": "bob", "email": "bob@example.com", "password": PASSWORD});
    ahead.nobody().post("/api/auth/register", body).expect(201);
    assert_eq!(world.mails_to("bob@example.com").len(), 0);
    assert_eq!(ahead.mails_to("bob@example.com").len(), 1);
    let confirm = json!({"token": ahead.link_token("bob@example.com")});
    world.nobody().post("/api/auth/confirm-email", confirm).expect(200);
    println!(
        "FAULT | clock an hour off, jumping or between replicas (in process) | 24 writes, 0 lost; access tokens end early, mail waits for the clock that wrote it"
    );
}
