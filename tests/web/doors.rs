//! Signing in and out on pages, and what a page's session is good for.

use crate::browser::{Browser, ORIGIN, value};
use contactd::mail::parse_smtp_url;
use contactd::worker;
use serde_json::json;
use support::authenticator;
use support::smtp::Sink;
use support::world::{PASSWORD, World};

#[test]
fn who_signs_in_on_the_page_gets_a_cookie_that_counts_for_pages_only() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::new(&world);
    let form = [("username", "ann"), ("password", PASSWORD), ("csrf", "")];
    let answer = browser.post_raw("/login", &form, &[("Origin", ORIGIN)]).expect(303);
    assert_eq!(answer.header("Location"), "/contacts");
    let secret = browser.cookie("__Host-contactd").unwrap();
    let attributes = "Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax; Secure";
    assert_eq!(answer.header("Set-Cookie"), format!("__Host-contactd={secret}; {attributes}"));
    browser.get("/contacts").expect(200);
    browser.get("/api/contacts").expect(401);
    browser.get("/api/users/me").expect(401);
    // It is in the list of sessions, and its token is nowhere in the database.
    assert_eq!(ann.get("/api/users/me/sessions").expect(200).json().as_array().unwrap().len(), 2);
    let stored: String = world.sql("SELECT coalesce(json_agg(t)::text, '') FROM sessions t");
    assert!(!stored.contains(&secret));
}

#[test]
fn a_session_that_was_ended_is_over_at_once() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    ann.post("/api/auth/logout-all", json!({})).expect(204);
    let answer = browser.get("/contacts?label=a").expect(303);
    assert_eq!(answer.header("Location"), "/login?next=%2Fcontacts%3Flabel%3Da");
    // Whoever refuses the cookie comes back here for ever, and reads why.
    let hint = "your browser refuses the cookie";
    assert!(browser.get(answer.header("Location")).expect(200).text().contains(hint));
    assert!(!browser.get("/login").expect(200).text().contains(hint));
    let page = Browser::new(&world).reading("uk").get("/login?next=%2F").expect(200).text();
    assert!(page.contains("відхиляє файл cookie"));
    let other = Browser::signed_in(&world, "ann");
    other.post("/logout", &[]).expect(303);
    assert_eq!(other.cookie("__Host-contactd"), None);
}

#[test]
fn a_wrong_password_is_told_in_the_form_and_the_name_stays() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::new(&world);
    let form = [("username", "ann"), ("password", "wrong"), ("csrf", "")];
    let page = browser.post_raw("/login", &form, &[]).expect(422).text();
    assert!(page.contains("Invalid username or password") && page.contains("value=\"ann\""));
    assert!(!page.contains("wrong"));
}

#[test]
fn the_way_on_leads_to_our_own_pages_only() {
    let world = World::new();
    world.user("ann");
    for (next, location) in [
        ("/birthdays", "/birthdays"),
        ("//evil.example", "/contacts"),
        ("https://evil.example", "/contacts"),
        ("/\\evil.example", "/contacts"),
        ("", "/contacts"),
    ] {
        let browser = Browser::new(&world);
        let form = [("username", "ann"), ("password", PASSWORD), ("next", next), ("csrf", "")];
        assert_eq!(browser.post_raw("/login", &form, &[]).expect(303).header("Location"), location);
    }
}

#[test]
fn registering_confirming_and_choosing_another_password_work_by_forms() {
    let world = World::new();
    let browser = Browser::new(&world);
    let weak =
        [("username", "ann"), ("email", "ann@example.com"), ("password", "short"), ("csrf", "")];
    let page = browser.post_raw("/register", &weak, &[]).expect(422).text();
    assert!(page.contains("id=\"password-fault\"") && page.contains("value=\"ann@example.com\""));
    let good =
        [("username", "ann"), ("email", "ann@example.com"), ("password", PASSWORD), ("csrf", "")];
    browser.post_raw("/register", &good, &[]).expect(303);
    let token = world.link_token("ann@example.com");
    let page = browser.get(&format!("/api/auth/confirmed_email/{token}")).expect(200).text();
    assert!(
        page.contains("ann@example.com")
            && page.contains("action=\"/api/auth/confirm-email?lang=en\"")
    );
    browser.post_raw("/api/auth/confirm-email", &[("token", &token)], &[]).expect(200);
    browser.post_raw("/login", &[("username", "ann"), ("password", PASSWORD)], &[]).expect(303);
    browser
        .post_raw("/forgot", &[("email", "ann@example.com"), ("csrf", &browser.token())], &[])
        .expect(303);
    let token = world.link_token("ann@example.com");
    let path = "/api/auth/reset-password";
    browser.get(&format!("{path}/{token}")).expect(200);
    let page = browser
        .post_raw(path, &[("token", &token), ("new_password", "password123")], &[])
        .expect(422)
        .text();
    assert!(page.contains("id=\"new_password-fault\""));
    browser
        .post_raw(path, &[("token", &token), ("new_password", "quite another one")], &[])
        .expect(200);
    browser.get("/contacts").expect(303);
}

#[test]
fn the_code_of_the_second_factor_is_asked_for_on_a_page_of_its_own() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let answer = browser.post("/settings/totp", &[("password", PASSWORD)]).expect(303);
    let page = browser.follow(&answer).expect(200).text();
    let field = |name: &str| value(&page, name);
    let secret = field("secret");
    let code = authenticator::code(secret, world.now());
    let wrong = browser.post(
        "/settings/totp/confirm",
        &[("code", "000000"), ("secret", secret), ("uri", "otpauth://x")],
    );
    assert!(wrong.expect(422).text().contains("id=\"code-fault\""));
    let answer =
        browser.post("/settings/totp/confirm", &[("code", &code), ("secret", secret)]).expect(303);
    let page = browser.follow(&answer).expect(200).text();
    assert_eq!(page.matches("<code>").count(), 10, "ten recovery codes");
    assert_eq!(browser.get("/settings/recovery-codes").status, 303, "they are shown once");
    let code = |nth| page.split("<code>").nth(nth).unwrap().split('<').next().unwrap().to_owned();
    let (recovery, another) = (code(1), code(2));

    let browser = Browser::new(&world);
    let answer =
        browser.post_raw("/login", &[("username", "ann"), ("password", PASSWORD)], &[]).expect(303);
    assert_eq!(answer.header("Location"), "/login/code");
    assert_eq!(browser.get("/contacts").status, 303, "the password alone does not do");
    let page = browser.follow(&answer).expect(200).text();
    let ticket = value(&page, "ticket");
    browser.post_raw("/login/code", &[("ticket", ticket), ("code", "123456")], &[]).expect(422);
    browser.post_raw("/login/code", &[("ticket", "made-up"), ("code", &recovery)], &[]).expect(303);
    assert_eq!(browser.get("/contacts").status, 303, "a ticket is not made up");
    browser.post_raw("/login/code", &[("ticket", ticket), ("code", &recovery)], &[]).expect(303);
    browser.get("/contacts").expect(200);

    // It is switched off with the password and a code, and then the password does.
    let off = |password, code| {
        let form = [("password", password), ("code", code)];
        browser.post("/settings/totp/off", &form).status
    };
    assert_eq!(off("wrong", another.as_str()), 422);
    assert_eq!(off(PASSWORD, "123456"), 422);
    assert_eq!(off(PASSWORD, another.as_str()), 303);
    Browser::signed_in(&world, "ann");
}

#[test]
fn the_reader_chooses_the_language() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::new(&world).reading("uk-UA,uk;q=0.9,en;q=0.8");
    let page = browser.get("/").expect(200).text();
    assert!(page.contains("<html lang=\"uk\">") && page.contains("Увійти"));
    let page = browser.get("/?lang=en").expect(200).text();
    assert!(page.contains("<html lang=\"en\">"));
    assert!(browser.get("/login").text().contains("Sign in"), "it is remembered");
    let browser = Browser::signed_in(&world, "ann");
    browser.post("/settings/profile", &[("username", "ann"), ("language", "uk")]).expect(303);
    assert!(browser.get("/contacts").text().contains("<html lang=\"uk\">"));
}

#[test]
fn signing_in_again_ends_the_session_before_and_no_cookie_but_ours_is_taken_over() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let sessions = || ann.get("/api/users/me/sessions").json().as_array().unwrap().len();
    let (before, cookie) = (sessions(), browser.cookie("__Host-contactd").unwrap());
    let form = [("username", "ann"), ("password", PASSWORD)];
    browser.post("/login", &form).expect(303);
    assert_eq!(sessions(), before);
    assert_ne!(browser.cookie("__Host-contactd").unwrap(), cookie);
    // What somebody planted before the sign-in is nobody's afterwards (session fixation).
    let planted = Browser::new(&world);
    planted.set_cookie("__Host-contactd", &cookie);
    assert_eq!(planted.get("/contacts").header("Location"), "/login?next=%2Fcontacts");
    let answer = planted.post_raw("/login", &form, &[("Origin", ORIGIN)]).expect(303);
    assert!(!answer.header("Set-Cookie").contains(&cookie));
    // Every cookie has the prefix with which browsers take it from this host only.
    let answer = Browser::new(&world).get("/?lang=uk");
    for set in answer.headers.iter().filter(|(name, _)| name == "Set-Cookie") {
        assert!(set.1.starts_with("__Host-") && set.1.contains("; Secure"), "{}", set.1);
    }
}

#[test]
fn a_form_of_another_site_signs_nobody_in_and_sends_nothing() {
    let world = World::new();
    world.user("ann");
    let mails = || world.sql::<i64>("SELECT count(*) FROM outbox");
    let before = mails();
    let fields = [
        ("username", "ann"),
        ("password", PASSWORD),
        ("email", "ann@example.com"),
        ("ticket", ""),
        ("code", "123456"),
    ];
    for path in ["/login", "/login/code", "/register", "/forgot", "/confirmation"] {
        for other in [
            ("Origin", "https://evil.example"),
            ("Origin", "null"),
            ("Origin", "https://contacts.example.evil.example"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
        ] {
            let browser = Browser::new(&world);
            let answer = browser.post_raw(path, &fields, &[other]).expect(403);
            assert!(
                !answer.headers.iter().any(|(name, _)| name == "Set-Cookie"),
                "{path} {other:?}"
            );
        }
    }
    assert_eq!(mails(), before);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM sessions WHERE cookie_hash IS NOT NULL"), 0);
}

#[test]
fn a_page_that_was_opened_by_another_name_of_the_server_says_where_it_belongs() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::new(&world);
    let fields = [("username", "ann"), ("password", PASSWORD)];
    let other = "http://192.168.0.7:8000";
    let opened = format!("{other}/login?next=%2Fbirthdays");
    for (headers, link) in [
        (vec![("Origin", other), ("Referer", opened.as_str())], "/login?next=%2Fbirthdays"),
        (vec![("Origin", other)], "/login"),
        (vec![("Origin", other), ("Referer", "https://evil.example/x")], "/login"),
        (vec![("Origin", other), ("Referer", "http://192.168.0.7:8000.evil.example/")], "/login"),
        (vec![("Sec-Fetch-Site", "same-site"), ("Referer", opened.as_str())], "/login"),
    ] {
        let page = browser.post_raw("/login", &fields, &headers).expect(403).text();
        let link = format!("href=\"{ORIGIN}{link}\"");
        for text in [&*link, "which is another address", "set PUBLIC_URL to that one"] {
            let named = headers.iter().any(|(name, _)| *name == "Origin");
            assert!(page.contains(text) || (text.starts_with("which") && !named), "{text}: {page}");
        }
        assert_eq!(page.contains(other), headers[0].0 == "Origin", "{page}");
    }
    // Signed in, in Ukrainian, and a contact as long as it may be; a form that is only late says so still.
    let browser = Browser::signed_in(&world, "ann").reading("uk");
    let long = "x".repeat(40_000);
    let form =
        [("csrf", browser.token()), ("first_name", "Ada".to_owned()), ("additional_data", long)];
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for browser in [&browser, &Browser::new(&world).reading("uk")] {
        let page =
            browser.post_raw("/contacts/new", &form, &[("Origin", other)]).expect(403).text();
        assert!(page.contains(&format!("прийшла з {other}")), "{page}");
        assert!(page.contains(&format!("href=\"{ORIGIN}/contacts/new\"")), "{page}");
    }
    let late = [("csrf", "old"), ("id", "1")];
    let page =
        browser.post_raw("/settings/sessions/end", &late, &[("Origin", ORIGIN)]).expect(403).text();
    assert!(page.contains("надто довго") && !page.contains("PUBLIC_URL"), "{page}");
}

#[test]
fn who_signs_in_before_the_address_is_confirmed_finds_where_to_ask_for_the_mail() {
    let world = World::new();
    let browser = Browser::new(&world);
    let form = [("username", "eve"), ("email", "eve@example.com"), ("password", PASSWORD)];
    let ours = [("Origin", ORIGIN)];
    browser.post_raw("/register", &form, &ours).expect(303);
    let there = "href=\"/forgot#confirm-email\"";
    let page = browser.post_raw("/login", &form, &ours).expect(422).text();
    assert!(page.contains("Confirm your e-mail address first.") && page.contains(there), "{page}");
    assert!(browser.get("/forgot").text().contains("id=\"confirm-email\""));
    let wrong = [("username", "eve"), ("password", "another")];
    let page = browser.post_raw("/login", &wrong, &ours).expect(422).text();
    assert!(!page.contains(there) && !browser.get("/login").text().contains(there), "{page}");
}

#[test]
fn where_nobody_can_register_a_form_that_is_still_open_is_not_drawn_again() {
    let world = World::with(|config| config.registration_open = false);
    let form =
        [("username", "ann"), ("email", "ann@example.com"), ("password", PASSWORD), ("csrf", "")];
    let browser = Browser::new(&world);
    let page = browser.post_raw("/register", &form, &[("Origin", ORIGIN)]).expect(403).text();
    assert!(
        page.contains("Nobody can register here") && !page.contains("<form method=\"post\""),
        "{page}"
    );
}

#[test]
fn who_registers_on_a_page_gets_mails_in_the_language_of_that_page() {
    let sink = Sink::start();
    let smtp = parse_smtp_url(&sink.url()).unwrap();
    let world = World::with(|config| config.smtp = Some(smtp));
    for (name, language, subject, stored) in [
        ("ann", "en-GB", "Confirm your e-mail address", "browser"),
        ("olena", "uk", "Підтвердьте свою адресу електронної пошти", "uk"),
    ] {
        let browser = Browser::new(&world).reading(language);
        let email = format!("{name}@example.com");
        let form = [("username", name), ("email", &email), ("password", PASSWORD), ("csrf", "")];
        browser.post_raw("/register", &form, &[("Origin", ORIGIN)]).expect(303);
        worker::deliver_due(&world.app).unwrap();
        assert_eq!(sink.mails().pop().unwrap().subject(), subject);
        let sql =
            format!("SELECT coalesce(language, 'browser') FROM users WHERE username = '{name}'");
        let kept: String = world.app.db.read(|db| Ok(db.query_one(&sql, &[])?.get(0))).unwrap();
        assert_eq!(kept, stored);
    }
}
