//! Ways through the pages that nobody plans: a contact or a session that is gone, another account, another
//! language, a page that is loaded again, a list that is come back to.

use crate::browser::{Browser, ORIGIN, value};
use contactd::config::Rate;
use serde_json::json;
use support::world::{Actor, Answer, PASSWORD, World};

const OURS: [(&str, &str); 2] = [("Origin", ORIGIN), ("Sec-Fetch-Site", "same-origin")];
const COOKIE: &str = "__Host-contactd";

fn make(actor: &Actor, contact: serde_json::Value) -> String {
    actor.post("/api/contacts", contact).expect(201).json()["id"].to_string()
}

fn says(answer: &Answer, texts: &[&str]) {
    let page = answer.text();
    for text in texts {
        assert!(page.contains(text), "{}: {text}: {page}", answer.asked);
    }
}

#[test]
fn a_page_that_is_come_back_to_has_what_was_typed_but_no_ticks_of_others() {
    let world = World::new();
    let ann = world.user("ann");
    make(&ann, json!({"first_name": "Bob"}));
    let browser = Browser::signed_in(&world, "ann");
    for (path, action, off) in [
        ("/contacts/new", "/contacts/new", false),
        ("/settings", "/settings/profile", false),
        ("/contacts", "/contacts/bulk", true),
    ] {
        let page = browser.get(path).expect(200).text();
        let form = page.split(&format!(" action=\"{action}\"")).nth(1).expect(action);
        let head = form.split('>').next().unwrap();
        assert_eq!(head.contains("autocomplete=\"off\""), off, "{path}: {head}");
    }
}

#[test]
fn another_language_is_offered_where_nothing_is_lost_by_it() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::new(&world);
    says(&browser.get("/login?next=%2Fbirthdays"), &["href=\"?next=%2Fbirthdays&amp;lang=uk\""]);
    says(&browser.get("/login?lang=en&next=%2Fa"), &["href=\"?next=%2Fa&amp;lang=uk\""]);
    says(&browser.get("/forgot"), &["href=\"?lang=uk\""]);
    let wrong = [("username", "ann"), ("password", "wrong")];
    let page = browser.post_raw("/login", &wrong, &OURS).expect(422).text();
    assert!(!page.contains("lang=uk"), "{page}");
    let late = [("csrf", "old"), ("first_name", "Ada")];
    let page = browser.post_raw("/contacts/new", &late, &OURS).expect(403).text();
    assert!(page.contains("Ada") && !page.contains("lang=uk"), "{page}");
    // Behind a mailed link: what its button says is in the language that was chosen there.
    let form = [("username", "eve"), ("email", "eve@example.com"), ("password", PASSWORD)];
    browser.post_raw("/register", &form, &OURS).expect(303);
    let token = world.link_token("eve@example.com");
    let page =
        browser.get(&format!("/api/auth/confirmed_email/{token}?lang=uk")).expect(200).text();
    let path = "/api/auth/confirm-email?lang=uk";
    assert!(page.contains(&format!("action=\"{path}\"")), "{page}");
    let answer = browser.post_raw(path, &[("token", &token)], &OURS);
    let page = answer.expect(200).text();
    assert!(page.contains("<html lang=\"uk\">") && !page.contains("lang=en"), "{page}");
}

#[test]
fn the_page_for_the_code_can_be_loaded_again_and_says_when_it_is_too_much() {
    let world = World::with(|config| {
        config.rates.login_failures = Some(Rate { count: 3, seconds: 900 });
    });
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let begun = browser.post("/settings/totp", &[("password", PASSWORD)]).expect(303);
    let secret = value(&browser.follow(&begun).expect(200).text(), "secret").to_owned();
    let page = browser.follow(&begun).expect(200).text();
    assert_eq!(value(&page, "secret"), secret, "it is there when the page is loaded again");
    let code = support::authenticator::code(&secret, world.now());
    let confirm = [("code", code.as_str()), ("secret", &secret)];
    browser.post_raw(
        "/settings/totp/confirm",
        &[&[("csrf", value(&page, "csrf"))], &confirm[..]].concat(),
        &OURS,
    );
    // Sent twice, the form leads to the codes that the first one brought.
    let again = browser.post_raw(
        "/settings/totp/confirm",
        &[&[("csrf", value(&page, "csrf"))], &confirm[..]].concat(),
        &OURS,
    );
    assert_eq!(browser.follow(&again).expect(200).text().matches("<code>").count(), 10);

    let browser = Browser::new(&world);
    let form = [("username", "ann"), ("password", PASSWORD), ("next", "/birthdays")];
    let answer = browser.post_raw("/login", &form, &OURS).expect(303);
    let ticket = value(&browser.follow(&answer).text(), "ticket").to_owned();
    let page = browser.follow(&answer).expect(200).text();
    assert_eq!((value(&page, "ticket"), value(&page, "next")), (ticket.as_str(), "/birthdays"));
    let wrong = [("ticket", ticket.as_str()), ("next", "/birthdays"), ("code", "123456")];
    let many = (0..4).map(|_| browser.post_raw("/login/code", &wrong, &OURS));
    let refused = many.into_iter().find(|it| it.status == 429).expect("a limit");
    says(&refused, &["Too many requests. Try again later.", "name=\"code\""]);
    let late = [("ticket", "old"), ("next", "/birthdays")];
    let answer = browser.post_raw("/login/code", &late, &OURS).expect(303);
    assert_eq!(answer.header("Location"), "/login?next=%2Fbirthdays");
}

#[test]
fn of_two_pages_that_were_open_the_second_one_says_what_the_first_one_did() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let form = [("username", "ann"), ("password", PASSWORD), ("next", "/birthdays")];
    says(&browser.post_raw("/login", &form, &OURS).expect(403), &["You are signed in already."]);
    assert_eq!(browser.get("/login?next=%2Fbirthdays").header("Location"), "/birthdays");
    assert_eq!(browser.get("/login?next=%2F%2Fevil.example").header("Location"), "/contacts");
    let token = browser.token();
    browser.post("/logout", &[]).expect(303);
    let answer = browser.post_raw("/logout", &[("csrf", &token)], &OURS).expect(403);
    says(&answer, &["You are signed out already."]);
}

#[test]
fn errors_speak_the_language_of_the_account_and_keep_its_navigation() {
    let world = World::new();
    let admin = world.admin("ann");
    let browser = Browser::signed_in(&world, "ann");
    let form = [("username", "ann"), ("language", "uk")];
    says(&browser.follow(&browser.post("/settings/profile", &form).expect(303)), &["Збережено."]);
    let nothing = ["<html lang=\"uk\">", "<nav class=\"main\"", "Тут нічого немає."];
    says(&browser.get("/contacts/987654").expect(404), &nothing);
    for path in [
        "/history/rewind?to=99999999",
        "/history/rewind?to=x",
        "/history?before=x",
        "/contacts?cursor=x",
        "/contacts?sort=zz",
        "/contacts?skip=x",
        "/birthdays?from=x",
        "/birthdays?skip=x",
        "/trash?skip=x",
        "/admin?role=x",
        "/admin/events?user_id=x",
    ] {
        let page = browser.get(path).expect(422).text();
        let main = page.split("<main").nth(1).unwrap().split("</main").next().unwrap();
        let detail = main.split("<p>").nth(1).unwrap().split('<').next().unwrap();
        assert!(!detail.contains(|c: char| c.is_ascii_lowercase()), "{path}: {detail}");
    }
    // Without the account, as the browser asks.
    let reader = Browser::new(&world).reading("uk");
    says(&reader.get("/contacts/bulk").expect(405), &["вона лише приймає форми"]);
    // An admin's own second factor belongs to the settings.
    let path = format!("/admin/users/{}", admin.id);
    let answer = browser.post(&path, &[("action", "reset-totp")]).expect(303);
    says(&browser.follow(&answer), &["у налаштуваннях"]);
}
