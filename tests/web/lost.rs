//! The answer was lost, and the same form is sent again: the second answer says what is true, and does nothing twice.

use crate::browser::{Browser, OURS, contact_id, value};
use crate::contacts::png;
use serde_json::json;
use support::authenticator;
use support::world::{Answer, PASSWORD, World};

const FLASH: &str = "__Host-flash";

/// Sends a form, loses the answer with its cookie, and sends it again: the second answer.
fn again(browser: &Browser, path: &str, form: &[(&str, &str)]) -> Answer {
    let token = browser.token();
    let form = [&[("csrf", token.as_str())], form].concat();
    browser.post_raw(path, &form, &OURS);
    browser.set_cookie(FLASH, "");
    browser.post_raw(path, &form, &OURS)
}

fn says(answer: &Answer, text: &str) {
    let page = answer.text();
    assert!(page.contains(text), "{}: {text}: {page}", answer.asked);
}

#[test]
fn a_contact_that_was_saved_is_saved_however_its_fields_were_typed() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    for (field, typed) in [
        ("phones.0.label", "Mobile"),
        ("labels", "family, choir, Family"),
        ("nickname", "Mu\u{308}ller"),
        ("birthday", "17.05.1990"),
        ("additional_data", "  one\r\n\r\ntwo "),
    ] {
        let id = contact_id(&browser.post("/contacts/new", &[("first_name", "Ada")]).expect(303));
        let path = format!("/contacts/{id}/edit");
        let revision = value(&browser.get(&path).expect(200).text(), "revision").to_owned();
        let form = [
            ("revision", revision.as_str()),
            ("first_name", "Ada"),
            ("phones.0.value", "+44 20 7946 0001"),
            (field, typed),
        ];
        let answer = again(&browser, &path, &form);
        assert_eq!(answer.status, 303, "{field}: {}", answer.text());
        says(&browser.follow(&answer), "Saved.");
        let history = ann.get(&format!("/api/contacts/{id}/history")).expect(200).json();
        assert_eq!(history.as_array().unwrap().len(), 2, "{field}: made, and changed once");
        // What somebody else changed since is not overwritten unseen.
        ann.patch(&format!("/api/contacts/{id}"), json!({"job_title": "Admiral"})).expect(200);
        browser.post(&path, &form).expect(412);
    }
}

#[test]
fn a_photo_that_was_saved_is_not_asked_for_again() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let id = contact_id(&browser.post("/contacts/new", &[("first_name", "Ada")]).expect(303));
    let path = format!("/contacts/{id}/edit");
    let revision = || value(&browser.get(&path).expect(200).text(), "revision").to_owned();
    let seen = revision();
    let form = [("revision", seen.as_str()), ("first_name", "Ada"), ("nickname", "A")];
    for _ in 0..2 {
        let answer = browser.post_file(&path, &form, "photo", &png(9, 9)).expect(303);
        says(&browser.follow(&answer), "Saved.");
    }
    // Another picture is another wish.
    says(
        &browser.post_file(&path, &form, "photo", &png(10, 10)).expect(412),
        "Choose the photo again",
    );
    let seen = revision();
    let form = [("revision", seen.as_str()), ("first_name", "Ada"), ("photo.remove", "1")];
    says(&browser.follow(&again(&browser, &path, &form)), "Saved.");
    ann.get(&format!("/api/contacts/{id}/photo")).expect(404);
}

#[test]
fn whoever_registered_a_moment_ago_is_sent_to_the_mailbox() {
    let world = World::new();
    let nobody = Browser::new(&world);
    let form = [("username", "ann"), ("email", "ann@example.com"), ("password", PASSWORD)];
    nobody.post_raw("/register", &form, &OURS).expect(303);
    let answer = nobody.post_raw("/register", &form, &OURS).expect(422);
    says(&answer, "This username is taken. If you have just registered, look into your mailbox.");
    assert_eq!(world.mails_to("ann@example.com").len(), 1);
}

#[test]
fn what_was_undone_is_undone_and_nothing_is_asked() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let id = contact_id(&browser.post("/contacts/new", &[("first_name", "Ada")]).expect(303));
    let answer = browser.post(&format!("/contacts/{id}/delete"), &[]).expect(303);
    let page = browser.follow(&answer).text();
    let (to, undo) = (value(&page, "to").to_owned(), value(&page, "undo").to_owned());
    let form = [("to", to.as_str()), ("undo", undo.as_str())];
    let answer = again(&browser, "/history/rewind", &form);
    says(&browser.follow(&answer).expect(200), "The change was undone.");
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1");
    // Once something else has happened, it is asked.
    ann.patch(&format!("/api/contacts/{id}"), json!({"nickname": "A"})).expect(200);
    let answer = browser.post("/history/rewind", &form).expect(303);
    assert_eq!(answer.header("Location"), format!("/history/rewind?to={to}"));
}

#[test]
fn what_came_after_an_older_change_is_not_undone_with_it_unasked() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let make = |name: &str| {
        contact_id(&browser.post("/contacts/new", &[("first_name", name)]).expect(303)).to_string()
    };
    let (one, two, three, four) = (make("One"), make("Two"), make("Two"), make("Four"));
    let merge = [("ids", two.as_str()), ("ids", three.as_str()), ("keep", two.as_str())];
    for (path, form) in [
        (format!("/contacts/{one}/delete"), vec![]),
        ("/duplicates/merge".to_owned(), merge.into()),
        (format!("/contacts/{four}/delete"), vec![]),
    ] {
        if path.contains(&four) {
            // Also in a book that was changed while the clock was some days ahead.
            world.pass(chrono::Duration::days(3));
            make("Ahead");
            world.pass(-chrono::Duration::days(3));
        }
        browser.post(&path, &form).expect(303);
        // An hour of work in another tab, then the page that was left open.
        world.pass(chrono::Duration::hours(1));
        let late = make("Late");
        world.pass(chrono::Duration::minutes(1));
        browser.post(&path, &form).expect(303);
        let page = browser.get("/contacts").expect(200).text();
        let (to, undo) = (value(&page, "to"), value(&page, "undo"));
        let answer = browser.post("/history/rewind", &[("to", to), ("undo", undo)]).expect(303);
        assert_eq!(answer.header("Location"), format!("/history/rewind?to={to}"), "it is asked");
        ann.signed_in().get(&format!("/api/contacts/{late}")).expect(200);
    }
}

#[test]
fn what_was_done_to_many_is_counted_as_done() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let body = json!({"first_name": "Ada", "email": "ada@example.com"});
    let [one, two] = [0, 1]
        .map(|_| ann.post("/api/contacts", body.clone()).expect(201).json()["id"].to_string());
    let many = |action| [("action", action), ("label", "navy"), ("ids", &one), ("ids", &two)];
    for (action, text) in
        [("add_label", "2 contacts got the label"), ("remove_label", "was removed from 2 contacts")]
    {
        says(&browser.follow(&again(&browser, "/contacts/bulk", &many(action))), text);
    }
    let answer = again(&browser, "/duplicates/merge-likely", &[]);
    says(&browser.follow(&answer), "Merged. The others are in the trash.");
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1");
}

#[test]
fn whoever_lost_the_recovery_codes_hears_how_to_get_others() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let answer = browser.get("/settings/recovery-codes").expect(303);
    assert!(!browser.follow(&answer).expect(200).text().contains("Recovery codes are shown once."));
    browser.post("/settings/totp", &[("password", PASSWORD)]).expect(303);
    let page = browser.get("/settings/totp").expect(200).text();
    let (secret, uri) = (value(&page, "secret").to_owned(), value(&page, "uri").to_owned());
    let code = authenticator::code(&secret, world.now());
    let form = [("code", code.as_str()), ("secret", &secret), ("uri", &uri)];
    let answer = browser.follow(&again(&browser, "/settings/totp/confirm", &form));
    says(&browser.follow(&answer).expect(200), "Recovery codes are shown once.");
}

#[test]
fn what_ended_the_session_is_not_said_to_have_changed_nothing() {
    let world = World::new();
    world.user("ann");
    let changed = "If you have just changed it, the new one counts already.";
    let browser = Browser::signed_in(&world, "ann");
    let form = [("current_password", PASSWORD), ("new_password", "another good battery")];
    says(&again(&browser, "/settings/password", &form).expect(422), changed);
    for (path, form) in
        [("/settings/sessions/end-all", vec![]), ("/settings/delete", vec![("password", PASSWORD)])]
    {
        world.user(&format!("bob{}", form.len()));
        let browser = Browser::signed_in(&world, &format!("bob{}", form.len()));
        let answer = again(&browser, path, &form).expect(403);
        says(&answer, "You are signed out already.");
        assert!(!answer.text().contains("Nothing was changed"), "{}", answer.text());
    }
    // A link for a new password, used twice.
    let nobody = Browser::new(&world);
    nobody.post_raw("/forgot", &[("email", "ann@example.com")], &OURS).expect(303);
    let token = world.link_token("ann@example.com");
    let form = [("token", token.as_str()), ("new_password", "a third good battery")];
    nobody.post_raw("/api/auth/reset-password", &form, &OURS).expect(200);
    let answer = nobody.post_raw("/api/auth/reset-password", &form, &OURS).expect(400);
    says(&answer, "Perhaps your new password counts already");
}

#[test]
fn a_page_that_was_left_open_takes_no_new_name_back() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let page = browser.get("/settings").expect(200).text();
    let was = page.split("name=\"was\" value=\"").nth(1).and_then(|it| it.split('"').next());
    ann.patch("/api/users/me", json!({"username": "anna"})).expect(200);
    let form = [("username", "ann"), ("was", was.unwrap_or_default()), ("language", "uk")];
    browser.post("/settings/profile", &form).expect(303);
    assert_eq!(ann.get("/api/users/me").json()["username"], "anna");
    assert!(browser.get("/settings").text().contains("<html lang=\"uk\""));
    // A name that was typed is another wish, also when a fault was in it first.
    let form = [("username", "x"), ("was", "anna"), ("language", "uk")];
    let page = browser.post("/settings/profile", &form).expect(422).text();
    let form = [("username", "annie"), ("was", value(&page, "was")), ("language", "uk")];
    browser.post("/settings/profile", &form).expect(303);
    assert_eq!(ann.get("/api/users/me").json()["username"], "annie");
}

#[test]
fn an_import_that_is_stored_says_so_though_its_doubles_cannot_be_counted_now() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    browser.post_file("/import", &[], "file", b"First Name\nAda\nGrace\n").expect(303);
    let key = value(&browser.get("/import/found").expect(200).text(), "key").to_owned();
    let token = browser.token();
    let form = [("csrf", token.as_str()), ("step", "import"), ("key", &key)];
    let busy = world.app.look_through_book(ann.id, |_| {
        let answer = browser.post_raw("/import/found", &form, &OURS).expect(303);
        says(&browser.follow(&answer), "2 contacts were imported.");
        Ok(())
    });
    busy.unwrap();
    // Of two files the newer one lies there; the page of the other one says so.
    browser.post_file("/import", &[], "file", b"First Name\nLinus\n").expect(303);
    let key = value(&browser.get("/import/found").expect(200).text(), "key").to_owned();
    world.pass(chrono::Duration::minutes(1));
    browser.post_file("/import", &[], "file", b"First Name\nKen\n").expect(303);
    let answer = browser.post("/import/found", &[("step", "import"), ("key", &key)]).expect(303);
    says(&browser.follow(&answer), "or you chose another one since");
}
