//! Settings, devices, administration.

use crate::browser::Browser;
use serde_json::json;
use support::world::{PASSWORD, World};

#[test]
fn a_phone_is_connected_by_a_password_that_is_shown_once() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let wrong = [("name", "my phone"), ("scope", "carddav"), ("password", "wrong")];
    assert!(
        browser
            .post("/settings/connect", &wrong)
            .expect(422)
            .text()
            .contains("id=\"password-fault\"")
    );
    let form = [("name", "my phone"), ("scope", "carddav"), ("password", PASSWORD)];
    let answer = browser.post("/settings/connect", &form).expect(303);
    let page = browser.follow(&answer).expect(200).text();
    let secret = page.split("id=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(
        secret.len() > 20 && page.contains("<svg") && page.contains("https://contacts.example")
    );
    assert!(!browser.get("/settings/connect").text().contains(&secret), "it was shown twice");
    let known = ann.get("/api/users/me/app-passwords").expect(200).json();
    assert_eq!(known[0]["name"], "my phone");
    let id = known[0]["id"].to_string();
    browser.post("/settings/connect/revoke", &[("id", &id)]).expect(303);
    assert_eq!(ann.get("/api/users/me/app-passwords").json(), json!([]));
    let profile = browser.get("/settings/carddav.mobileconfig").expect(200);
    assert!(profile.text().contains("carddav") && !profile.text().contains(PASSWORD));
}

#[test]
fn the_settings_change_name_password_and_sessions() {
    let world = World::new();
    let ann = world.user("ann");
    world.user("bob");
    let browser = Browser::signed_in(&world, "ann");
    let page = browser.post("/settings/profile", &[("username", "bob")]).expect(422).text();
    assert!(page.contains("id=\"profile-username-fault\""), "{page}");
    browser.post("/settings/profile", &[("username", "anna")]).expect(303);
    assert_eq!(ann.get("/api/users/me").json()["username"], "anna");
    let form = [("current_password", "wrong"), ("new_password", "quite another one")];
    let page = browser.post("/settings/password", &form).expect(422).text();
    assert!(page.contains("id=\"current_password-fault\""));
    let form = [("current_password", PASSWORD), ("new_password", "quite another one")];
    browser.post("/settings/password", &form).expect(303);
    browser.get("/settings").expect(200);
    ann.get("/api/users/me").expect(401);
    browser
        .post("/settings/email", &[("email", "new@example.com"), ("password", "quite another one")])
        .expect(303);
    assert!(!world.mails_to("new@example.com").is_empty());
    let export = browser.get("/settings/export").expect(200).json();
    assert_eq!(export["user"]["username"].as_str().or(export["username"].as_str()), Some("anna"));
    browser.post("/settings/delete", &[("password", "wrong")]).expect(422);
    browser.post("/settings/delete", &[("password", "quite another one")]).expect(303);
    browser.get("/contacts").expect(303);
}

#[test]
fn an_admin_finds_accounts_and_changes_them() {
    let world = World::new();
    world.admin("ann");
    let bob = world.user("bob");
    let browser = Browser::signed_in(&world, "ann");
    let page = browser.get("/admin?search=bob").expect(200).text();
    assert!(page.contains("bob@example.com") && !page.contains("ann@example.com"));
    let path = format!("/admin/users/{}", bob.id);
    browser.post(&path, &[("action", "disable")]).expect(303);
    bob.get("/api/users/me").expect(401);
    browser.post(&path, &[("action", "enable")]).expect(303);
    browser.post(&path, &[("action", "admin")]).expect(303);
    assert!(browser.get("/admin?role=admin").text().contains("bob@example.com"));
    let page = browser.get("/admin/events?action=role_changed").expect(200).text();
    assert!(page.contains("<td>role_changed</td>") && !page.contains("<td>login</td>"));
    browser.post(&path, &[("action", "delete")]).expect(422);
    browser.post(&path, &[("action", "delete"), ("sure", "1")]).expect(303);
    assert!(!browser.get("/admin").text().contains("bob@example.com"));
    // An hour later the password is asked for again.
    let eve = world.user("eve");
    world.pass(chrono::Duration::minutes(61));
    let path = format!("/admin/users/{}", eve.id);
    let page = browser.post(&path, &[("action", "disable")]).expect(422).text();
    assert!(page.contains("type=\"password\""));
    browser
        .post(&path, &[("action", "disable"), ("sure", "1"), ("password", PASSWORD)])
        .expect(303);
    assert!(browser.get("/admin?search=eve").text().contains("disabled"));
}

#[test]
fn the_calendars_address_is_shown_once_renewed_and_revoked() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/contacts", json!({"first_name": "Ada", "birthday": "1990-12-10"})).expect(201);
    let browser = Browser::signed_in(&world, "ann");
    assert!(browser.get("/birthdays").expect(200).text().contains("turns 36"));
    let answer = browser.post("/birthdays/calendar", &[]).expect(303);
    let page = browser.follow(&answer).expect(200).text();
    let url =
        page.split("id=\"calendar-url\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(browser.get(&url).expect(200).text().contains("Ada"));
    assert!(!browser.get("/birthdays").text().contains(&url), "it was shown twice");
    browser.post("/birthdays/calendar", &[]).expect(303);
    browser.get(&url).expect(404);
    browser.post("/birthdays/calendar/revoke", &[]).expect(303);
    assert!(browser.get("/birthdays").text().contains("Make an address"));
}
