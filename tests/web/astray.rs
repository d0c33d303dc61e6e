//! Ways through the pages that nobody plans: a contact or a session that is gone, another account, another
//! language, a page that is loaded again, a list that is come back to.

use crate::browser::{Browser, OURS, value};
use contactd::config::Rate;
use serde_json::json;
use support::world::{Actor, Answer, PASSWORD, World};

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
fn a_browser_stops_nobody_from_saving_what_a_phone_or_a_file_brought() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bob\r\nEMAIL:not an address\r\nURL:www.example.com\r\nEND:VCARD\r\n";
    let kind = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &kind, card.as_bytes()).expect(200);
    let id = ann.get("/api/contacts").json()[0]["id"].to_string();
    let page = browser.get(&format!("/contacts/{id}/edit")).expect(200).text();
    for text in ["value=\"not an address\"", "value=\"www.example.com\"", "inputmode=\"email\""] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("type=\"email\"") && !page.contains("type=\"url\""), "{page}");
}

/// A browser writes `münchen` in such a field as `xn--mnchen-3ya`, which is no address here, and takes no `müller@` at all.
#[test]
fn a_browser_leaves_an_address_as_it_was_typed() {
    let world = World::new();
    world.user("ann");
    let pages = [
        Browser::new(&world).get("/register"),
        Browser::new(&world).get("/forgot"),
        Browser::signed_in(&world, "ann").get("/settings"),
    ];
    for page in pages {
        let page = page.expect(200).text();
        let field = page.split('<').find(|it| it.contains("name=\"email\"")).expect("a field");
        assert!(
            field.contains("inputmode=\"email\" autocapitalize=\"none\"")
                && !field.contains("type="),
            "{field}"
        );
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
fn what_was_written_about_a_contact_that_is_gone_is_never_lost() {
    let world = World::new();
    let (mut ann, _) = (world.user("ann"), world.user("bob"));
    for case in ["a fault", "another row", "another session", "another account"] {
        let browser = Browser::signed_in(&world, "ann");
        let id = make(&ann, json!({"first_name": "Grace"}));
        let path = format!("/contacts/{id}/edit");
        let page = browser.get(&path).expect(200).text();
        let mut form = vec![
            ("csrf", value(&page, "csrf")),
            ("revision", value(&page, "revision")),
            ("first_name", "Ada"),
            ("additional_data", "Half an hour's work"),
        ];
        if case != "another account" {
            ann.delete(&format!("/api/contacts/{id}")).expect(204);
        }
        let mut expected = vec!["action=\"/contacts/new\"", "value=\"Ada\"", "Half an hour"];
        let status = match case {
            "a fault" => {
                form.push(("phones.0.value", "12"));
                412
            }
            "another row" => {
                form.push(("row", "phones.1"));
                412
            }
            _ => {
                let who = if case == "another account" { "bob" } else { "ann" };
                let cookie = Browser::signed_in(&world, who).cookie(COOKIE).unwrap();
                browser.set_cookie(COOKIE, &cookie);
                expected.push(if who == "bob" { "again, as bob," } else { "again, as ann," });
                403
            }
        };
        says(&browser.post_raw(&path, &form, &OURS).expect(status), &expected);
        ann = ann.signed_in();
    }
    // A new contact, too, would come into the other account's book.
    let browser = Browser::signed_in(&world, "ann");
    let page = browser.get("/contacts/new").text();
    let form = [("csrf", value(&page, "csrf")), ("first_name", "Ada")];
    browser.set_cookie(COOKIE, &Browser::signed_in(&world, "bob").cookie(COOKIE).unwrap());
    says(&browser.post_raw("/contacts/new", &form, &OURS).expect(403), &["again, as bob,"]);
}

#[test]
fn a_row_that_is_added_without_the_script_hides_no_change_of_another() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let id = make(&ann, json!({"first_name": "Ada"}));
    let path = format!("/contacts/{id}/edit");
    let began = value(&browser.get(&path).text(), "revision").to_owned();
    ann.patch(&format!("/api/contacts/{id}"), json!({"nickname": "A"})).expect(200);
    let form = [("revision", began.as_str()), ("first_name", "Ada"), ("row", "phones.1")];
    let page = browser.post(&path, &form).expect(200).text();
    assert_eq!(value(&page, "revision"), began);
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
    let field = page.split("<input ").find(|it| it.contains("name=\"code\"")).unwrap();
    assert!(field.split('>').next().unwrap().contains(" required"), "{field:.200}");
    let wrong = [("ticket", ticket.as_str()), ("next", "/birthdays"), ("code", "123456")];
    let many = (0..4).map(|_| browser.post_raw("/login/code", &wrong, &OURS));
    let refused = many.into_iter().find(|it| it.status == 429).expect("a limit");
    says(&refused, &["Too many requests. Try again later.", "name=\"code\""]);
    let late = [("ticket", "old"), ("next", "/birthdays")];
    let answer = browser.post_raw("/login/code", &late, &OURS).expect(303);
    assert_eq!(answer.header("Location"), "/login?next=%2Fbirthdays");
}

#[test]
fn a_number_is_dialled_as_it_is_meant() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let numbers = [
        ("+44 (0)20 7946 0958", "tel:+442079460958"),
        ("(020) 7946 0958", "tel:02079460958"),
        ("(0)20 7946 0958", "tel:02079460958"),
        ("+1 202 555 0123 x12", "tel:+12025550123;ext=12"),
        ("202-555-0123 ext. 12", "tel:2025550123;ext=12"),
        ("fax 555 0123", "tel:5550123"),
        ("*100#", "tel:*100%23"),
        ("+38 044 555-01-00 доб. 5", "tel:+380445550100;ext=5"),
        ("+49 30 555-0100, DW 12", "tel:+49305550100;ext=12"),
        ("+1 555 555 0100,,123#", "tel:+15555550100,,123%23"),
        ("555-0100p12w3", "tel:5550100,12,3"),
        ("+1 555 555 0100,,*01*123#", "tel:+15555550100,,*01*123%23"),
    ];
    let lines: String = numbers.iter().map(|(number, _)| format!("TEL:{number}\r\n")).collect();
    let card = format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bob\r\n{lines}END:VCARD\r\n");
    let kind = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &kind, card.as_bytes()).expect(200);
    let id = &ann.get("/api/contacts").json()[0]["id"];
    let page = browser.get(&format!("/contacts/{id}")).expect(200);
    says(&page, &numbers.map(|(_, tel)| format!("href=\"{tel}\"")).each_ref().map(|it| &**it));
}

#[test]
fn what_is_ticked_beside_all_that_was_found_is_not_left_out() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let ada = make(&ann, json!({"first_name": "Ada"}));
    for name in ["Grace", "Grace"] {
        make(&ann, json!({"first_name": name, "last_name": "H"}));
    }
    let query = "search=Grace&sort=-name&evil=1";
    let form = [
        ("action", "add_label"),
        ("label", "navy"),
        ("search", "Grace"),
        ("all", "1"),
        ("ids", ada.as_str()),
        ("query", query),
    ];
    let answer = browser.post("/contacts/bulk", &form).expect(303);
    assert_eq!(ann.get("/api/contacts?label=navy").header("X-Total-Count"), "3");
    // The list is where it was.
    assert_eq!(answer.header("Location"), "/contacts?search=Grace&sort=%2Dname");
    // What was deleted since is in no file.
    ann.delete(&format!("/api/contacts/{ada}")).expect(204);
    let found = ann.get("/api/contacts").json()[0]["id"].to_string();
    let form = [("action", "export"), ("ids", ada.as_str()), ("ids", &found)];
    let file = browser.post("/contacts/bulk", &form).expect(200).text();
    assert!(file.contains("Grace") && !file.contains("Ada"), "{file}");
    // Nothing is left to be merged, and the page of a deleted contact says where it is.
    let answer = browser.get(&format!("/duplicates?ids={ada},{found}")).expect(303);
    says(&browser.follow(&answer), &["Select at least two"]);
    says(&browser.get(&format!("/contacts/{ada}")).expect(404), &["in the trash"]);
}

#[test]
fn a_second_click_says_what_the_first_one_said() {
    let world = World::new();
    let admin = world.admin("root");
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let twice = |browser: &Browser, path: &str, form: &[(&str, &str)], text: &str| {
        for _ in 0..2 {
            let answer = browser.post_raw(
                path,
                &[&[("csrf", browser.token().as_str())], form].concat(),
                &OURS,
            );
            says(&browser.follow(&answer.expect(303)), &[text]);
        }
    };
    ann.post(
        "/api/users/me/app-passwords",
        json!({"name": "n", "scope": "read", "password": PASSWORD}),
    )
    .expect(201);
    let device = ann.get("/api/users/me/app-passwords").json()[0]["id"].to_string();
    twice(&browser, "/settings/connect/revoke", &[("id", &device)], "can no longer connect");
    let other = ann.get("/api/users/me/sessions").json();
    let other = other.as_array().unwrap().iter().find(|it| it["current"] == true);
    let other = other.expect("the session of the API")["id"].to_string();
    twice(&browser, "/settings/sessions/end", &[("id", &other)], "The session is ended.");
    let off = [("password", PASSWORD), ("code", "123456")];
    twice(&browser, "/settings/totp/off", &off, "The second factor is off.");
    let ann = ann.signed_in();
    let id = make(&ann, json!({"first_name": "Ada", "labels": ["due"]}));
    let many = [("action", "delete"), ("ids", id.as_str())];
    twice(&browser, "/contacts/bulk", &many, "1 contact was deleted.");
    twice(&browser, "/trash/restore", &[("one", &id)], "1 contact is back.");
    // Whether a file came in, nobody knows once it is gone.
    let gone = [("step", "import"), ("key", "1")];
    twice(&browser, "/import/found", &gone, "it was imported already, or");
    let rename = |to| [("action", "rename"), ("from", "due"), ("to", to)];
    twice(&browser, "/labels", &rename("done"), "is called “done” now");
    twice(&browser, "/labels", &rename("later"), "The label “due” is gone.");
    make(&ann, json!({"first_name": "Bob", "labels": ["Family"]}));
    make(&ann, json!({"first_name": "Cleo", "labels": ["due"]}));
    twice(&browser, "/labels", &rename("family"), "is called “family” now");
    let root = Browser::signed_in(&world, "root");
    let eve = world.user("eve");
    let gone = [("action", "delete"), ("sure", "1"), ("query", "search=e&role=user")];
    twice(&root, &format!("/admin/users/{}", eve.id), &gone, "The account is deleted.");
    let disable = [("action", "disable"), ("query", "search=a&role=user")];
    let answer = root.post(&format!("/admin/users/{}", ann.id), &disable).expect(303);
    assert_eq!(answer.header("Location"), "/admin?search=a&role=user");
    world.admin("other");
    let user = [("action", "user")];
    let answer = root.post(&format!("/admin/users/{}", admin.id), &user).expect(303);
    says(&root.follow(&answer).expect(200), &["Saved."]);
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
    let answer = reader.send("PUT", "/contacts/bulk", &[], b"").expect(405);
    says(&answer, &["вона лише приймає форми"]);
    // An admin's own second factor belongs to the settings.
    let path = format!("/admin/users/{}", admin.id);
    let answer = browser.post(&path, &[("action", "reset-totp")]).expect(303);
    says(&browser.follow(&answer), &["у налаштуваннях"]);
}

#[test]
fn a_fault_stands_in_its_own_form_beside_its_field() {
    let world = World::new();
    world.user("ann");
    let stranger = Browser::new(&world);
    let page = stranger.post_raw("/confirmation", &[("email", "x")], &OURS).expect(422).text();
    assert!(page.contains("action=\"/confirmation\"") && page.contains("id=\"email-fault\""));
    assert!(!page.contains("action=\"/forgot\""), "{page}");
    let browser = Browser::signed_in(&world, "ann");
    // The columns of a table that nobody knows.
    let file = "Aaa;Bbb;Ccc\nAda;1;2\n";
    let answer = browser.post_file("/import", &[], "file", file.as_bytes()).expect(303);
    let key = value(&browser.follow(&answer).text(), "key").to_owned();
    let form = [("key", key.as_str()), ("step", "look"), ("map.0", "nonsense"), ("map.1", "")];
    let page = browser.post("/import/found", &form).text();
    for text in ["nonsense", "aria-describedby=\"map.0-fault\"", "id=\"map.0-fault\""] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("role=\"alert\""), "{page}");
    let long = "x".repeat(20_001);
    let form = [("first_name", "Ada"), ("additional_data", long.as_str())];
    let page = browser.post("/contacts/new", &form).expect(422).text();
    let field = page.split("<textarea ").nth(1).unwrap().split('>').next().unwrap();
    assert!(field.contains(" autofocus"), "{field}");
    // The new address of the calendar is where the browser looks.
    let answer = browser.post("/birthdays/calendar", &[]).expect(303);
    assert_eq!(answer.header("Location"), "/birthdays#calendar");
    let page = browser.get("/birthdays").text();
    assert!(page.contains("id=\"calendar\"") && page.contains("id=\"calendar-url\""), "{page}");
}
