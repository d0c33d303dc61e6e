//! Another e-mail address for an account.

use crate::world::{PASSWORD, World};
use serde_json::json;

fn confirm(world: &World, token: &str) -> crate::world::Answer {
    world.nobody().post("/api/auth/confirm-email", json!({ "token": token }))
}

#[test]
fn a_new_address_counts_once_its_link_is_confirmed() {
    let world = World::new();
    let ann = world.user("ann");
    let other = ann.signed_in();
    world
        .nobody()
        .post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
        .expect(202);
    let reset = world.link_token("ann@example.com");
    let change = json!({"email": "New@Example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", change.clone()).expect(202);
    let notice = world.mails_to("ann@example.com").pop().unwrap();
    assert_eq!(notice.header("Subject"), "Your e-mail address is being changed");
    assert!(notice.token().is_none() && !notice.text().contains("New@Example.com"));
    let older = world.link_token("New@Example.com");
    assert_eq!(ann.get("/api/users/me").json()["email"], "ann@example.com");
    ann.post("/api/users/me/email", change).expect(202);
    let newer = world.link_token("New@Example.com");
    confirm(&world, &older).expect(400);
    world.nobody().get(&format!("/api/auth/confirmed_email/{newer}")).expect(200);
    assert_eq!(ann.get("/api/users/me").json()["email"], "ann@example.com");
    confirm(&world, &newer).expect(200);
    confirm(&world, &newer).expect(400);
    // The sessions go on, a link in the old mailbox is worth nothing.
    assert_eq!(ann.get("/api/users/me").expect(200).json()["email"], "New@Example.com");
    other.get("/api/users/me").expect(200);
    let body = json!({"token": reset, "new_password": "another good one"});
    world.nobody().post("/api/auth/reset-password", body).expect(400);
    let login = |name: &str| {
        world.nobody().post("/api/auth/login", json!({"username": name, "password": PASSWORD}))
    };
    login("ann@example.com").expect(401);
    login("new@example.com").expect(200);
    assert_eq!(
        world.sql::<i64>("SELECT count(*) FROM audit_events WHERE action = 'email_changed'"),
        1
    );
}

#[test]
fn a_taken_address_gets_the_same_answer_and_no_link() {
    let world = World::new();
    let (ann, _bob) = (world.user("ann"), world.user("bob"));
    let ask = |email: &str| {
        let body = json!({"email": email, "password": PASSWORD});
        ann.post("/api/users/me/email", body).expect(202).body
    };
    assert_eq!(ask("BOB@example.com"), ask("free@example.com"));
    assert_eq!(world.mails_to("BOB@example.com").len(), 0);
    assert_eq!(world.mails_to("bob@example.com").len(), 0);
    assert_eq!(world.mails_to("free@example.com").len(), 1);
    assert_eq!(world.mails_to("ann@example.com").len(), 2, "a notice each time");
    // One's own in another spelling is not taken.
    ask("Ann@Example.com");
    confirm(&world, &world.link_token("Ann@Example.com")).expect(200);
    assert_eq!(ann.get("/api/users/me").json()["email"], "Ann@Example.com");
}

#[test]
fn an_address_that_was_taken_in_the_meantime_is_a_conflict() {
    let world = World::new();
    let ann = world.user("ann");
    let change = json!({"email": "new@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", change).expect(202);
    let token = world.link_token("new@example.com");
    let bob = json!({"username": "bob", "email": "NEW@example.com", "password": PASSWORD});
    world.nobody().post("/api/auth/register", bob).expect(201);
    let problem = confirm(&world, &token).expect(409).json();
    assert!(problem["type"].as_str().unwrap().ends_with("email-taken"));
    let page = world.nobody().post_form("/api/auth/confirm-email", &format!("token={token}"));
    assert!(page.expect(409).text().contains("<html"));
    assert_eq!(ann.get("/api/users/me").json()["email"], "ann@example.com");
}

#[test]
fn wrong_addresses_are_told() {
    let world = World::new();
    let ann = world.user("ann");
    for email in ["", "x", "a@b@c", "a\r\nBcc: b@c.d", &format!("{}@example.com", "a".repeat(250))]
    {
        let body = json!({"email": email, "password": PASSWORD});
        ann.post("/api/users/me/email", body).expect_faults(&["email"]);
    }
}
