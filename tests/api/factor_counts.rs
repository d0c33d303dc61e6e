//! What counts as a guess of a second factor, what counts as a second factor, and what counts once.

use crate::second_factor::{code, turn_on};
use crate::world::{PASSWORD, World};
use chrono::Duration;
use contactd::config::Rate;
use contactd::repository::outbox;
use contactd::service::operator;
use contactd::worker;
use serde_json::json;

fn failures(world: &World) -> i64 {
    world.sql("SELECT count(*) FROM audit_events WHERE action = 'login_failed'")
}

#[test]
fn a_wrong_code_inside_a_session_is_a_failed_login() {
    let world = World::with(|config| {
        config.rates.login_failures = Some(Rate { count: 4, seconds: 900 });
    });
    let ann = world.user("ann");
    let begun = ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201).json();
    let confirm = |code: &str| ann.post("/api/users/me/totp/confirm", json!({ "code": code }));
    confirm("000000").expect_faults(&["code"]);
    assert_eq!(failures(&world), 1);
    let secret = begun["secret"].as_str().unwrap();
    confirm(&code(secret, &world)).expect(200);
    world.pass(Duration::seconds(30));
    let off = |code: &str| {
        ann.delete_with("/api/users/me/totp", json!({"password": PASSWORD, "code": code}))
    };
    for number in 2..=4 {
        off("000000").expect_faults(&["code"]);
        assert_eq!(failures(&world), number);
    }
    // Logins with this name are shut now; who is signed in is not.
    ann.log_in(PASSWORD).expect(429);
    off(&code(secret, &world)).expect(204);
    assert_eq!(failures(&world), 4);
}

#[test]
fn one_that_was_not_confirmed_is_none() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let begin = || ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201);
    let off =
        || world.sql::<i64>("SELECT count(*) FROM audit_events WHERE action = 'totp_disabled'");
    begin();
    ann.delete_with("/api/users/me/totp", json!({"password": PASSWORD, "code": "x"})).expect(404);
    root.delete(&format!("/api/users/{}/totp", ann.id)).expect(204);
    begin();
    assert!(!operator::reset_totp(&world.app, "ann").unwrap());
    assert_eq!(off(), 0);
    turn_on(&world, &ann);
    assert!(operator::reset_totp(&world.app, "ann").unwrap());
    assert!(!operator::reset_totp(&world.app, "ann").unwrap());
    assert_eq!(off(), 1);
}

#[test]
fn an_admins_password_counts_once_on_pages_too() {
    let world =
        World::with(|config| config.rates.password = Some(Rate { count: 10, seconds: 600 }));
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let form = format!("username=root&password={}", PASSWORD.replace(' ', "+"));
    let answer = world.nobody().post_form("/login", &form).expect(303);
    let cookie = answer.header("Set-Cookie").split(';').next().unwrap().to_owned();
    let settings = world.nobody().send("GET", "/settings", &[("Cookie", &cookie)], b"").text();
    let csrf = settings.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let headers =
        [("Cookie", cookie.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    let change = |number: usize| {
        let action = ["disable", "enable"][number % 2];
        let password = PASSWORD.replace(' ', "+");
        let form = format!("csrf={csrf}&action={action}&password={password}");
        let path = format!("/admin/users/{}", ann.id);
        world.nobody().send("POST", &path, &headers, form.as_bytes())
    };
    for number in 0..10 {
        change(number).expect(303);
    }
    change(10).expect(429);
    // The API counts with it.
    let body = json!({"is_active": false, "password": PASSWORD});
    root.patch(&format!("/api/users/{}", ann.id), body).expect(429);
}

#[test]
fn a_link_of_the_operator_outlives_the_mail_that_waited() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/auth/request-password-reset", json!({"email": "ann@example.com"})).expect(202);
    let link = operator::password_link(&world.app, "ann").unwrap();
    // The mail would have brought a link of its own, in place of this one.
    worker::deliver_due(&world.app).unwrap();
    assert_eq!(world.app.db.read(outbox::queue).unwrap().0, 0);
    let token = link.rsplit('/').next().unwrap();
    let body = json!({"token": token, "new_password": "another good one"});
    world.nobody().post("/api/auth/reset-password", body).expect(200);
}
