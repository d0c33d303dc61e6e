//! Settings, devices, administration.

use crate::browser::{Browser, value};
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
    let id = ann.get("/api/users/me").json()["id"].to_string();
    let book = format!("https://contacts.example/dav/addressbooks/{id}/contacts/");
    assert!(page.contains(&format!("id=\"book\">{book}<")), "{page}");
    // DAVx5 begins with the other method, by which a contact loses its labels when it is edited on the phone.
    assert!(page.contains("Groups are per-contact categories"), "{page}");
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
    // A password manager keeps the new one for this name.
    assert!(page.contains(
        "<input autocomplete=\"username\" value=\"anna\" aria-label=\"Username\" hidden>"
    ));
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
    let (ann, bob) = (world.admin("ann"), world.user("bob"));
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
    assert!(page.contains("<td>Role changed</td>") && !page.contains("<td>Login</td>"));
    for actor in [&ann, &bob] {
        let link = format!("<a href=\"/admin/events?user_id={}\">{}</a>", actor.id, actor.name);
        assert!(page.contains(&link), "{page}");
    }
    // Those that there are can be chosen, in the reader's language.
    let page = Browser::signed_in(&world, "ann").reading("uk");
    let page = page.get("/admin/events?action=totp_enabled").expect(200).text();
    for word in contactd::repository::audit::Action::WORDS {
        let option = page.split(&format!("<option value=\"{word}\"")).nth(1).expect(word);
        let text = option.split(['>', '<']).nth(1).unwrap();
        assert!(!text.is_empty() && !text.contains(|c: char| c.is_ascii_alphabetic()), "{text}");
    }
    assert!(
        page.contains("value=\"totp_enabled\" selected") && page.contains("Нічого не знайдено")
    );
    // Fifty are a page; the link to the next is there where there are more, and nowhere else.
    let more = |count: i64| {
        world.sql::<i64>(&format!(
            "WITH made AS (INSERT INTO audit_events (at, action, ip, request_id)
                SELECT now(), 'logout', '', '' FROM generate_series(1, {count}) RETURNING 1)
            SELECT count(*) FROM made"
        ));
        browser.get("/admin/events?action=logout").expect(200).text().contains("skip=50")
    };
    assert!(!more(50));
    assert!(more(1));
    assert!(!browser.get("/admin").text().contains("skip="), "of accounts fifteen");
    (2..16).for_each(|number| drop(world.user(&format!("user{number}"))));
    assert!(browser.get("/admin").text().contains("skip=15"));
    assert!(!browser.get("/admin?skip=15").text().contains("skip=30"));
    browser.post(&path, &[("action", "delete")]).expect(422);
    browser.post(&path, &[("action", "delete"), ("sure", "1")]).expect(303);
    assert!(!browser.get("/admin").text().contains("bob@example.com"));
    // Who is no admin any more has no page of accounts to come back to.
    let eve = world.admin("eve");
    let path = format!("/admin/users/{}", eve.id);
    let answer = Browser::signed_in(&world, "eve").post(&path, &[("action", "user")]).expect(303);
    assert_eq!(answer.header("Location"), "/contacts");
    // An hour later the password is asked for again.
    world.pass(chrono::Duration::minutes(61));
    let page = browser.post(&path, &[("action", "disable")]).expect(422).text();
    assert!(page.contains("type=\"password\"") && !page.contains("is wrong"));
    let wrong = [("action", "disable"), ("sure", "1"), ("password", "quite wrong")];
    assert!(browser.post(&path, &wrong).expect(422).text().contains("password is wrong"));
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

#[test]
fn sessions_are_listed_with_their_addresses_and_end_one_by_one_or_all() {
    let world = World::new();
    world.user("ann");
    let (here, there) = (Browser::signed_in(&world, "ann"), Browser::signed_in(&world, "ann"));
    let page = here.get("/settings").expect(200).text();
    let sessions = page.split("id=\"sessions\"").nth(1).unwrap();
    let sessions = sessions.split("</section>").next().unwrap();
    let other = sessions.split("<li>").skip(1).find(|it| !it.contains("this one")).unwrap();
    assert!(other.contains("127.0.0.1") && other.contains("last used"), "{other}");
    let id = value(other, "id");
    here.post("/settings/sessions/end", &[("id", id)]).expect(303);
    there.get("/contacts").expect(303);
    here.get("/contacts").expect(200);
    let there = Browser::signed_in(&world, "ann");
    here.post("/settings/sessions/end-all", &[]).expect(303);
    for browser in [here, there] {
        browser.get("/contacts").expect(303);
    }
}

#[test]
fn an_admin_has_a_picture_of_their_own_and_gives_it_back() {
    let world = World::new();
    world.admin("ann");
    let browser = Browser::signed_in(&world, "ann");
    let drawn = |page: &str| !page.contains("action=\"/settings/avatar/delete\"");
    assert!(drawn(&browser.get("/settings").text()));
    let wrong = browser.post_file("/settings/avatar", &[], "file", b"no picture").expect(422);
    assert!(wrong.text().contains("id=\"file-fault\""));
    let large = browser.post_file("/settings/avatar", &[], "file", &vec![0; 6 << 20]).expect(413);
    assert!(large.text().contains("Must have at most 5 MiB."), "{}", large.text());
    let mut png = std::io::Cursor::new(Vec::new());
    let picture = image::DynamicImage::new_rgb8(40, 30);
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    browser.post_file("/settings/avatar", &[], "file", png.get_ref()).expect(303);
    assert!(!drawn(&browser.get("/settings").text()));
    browser.post("/settings/avatar/delete", &[]).expect(303);
    assert!(drawn(&browser.get("/settings").text()));
}

#[test]
fn contacts_go_out_as_a_file_all_of_a_label_or_those_selected() {
    let world = World::new();
    let ann = world.user("ann");
    let add = |name: &str, labels| {
        let body = json!({"first_name": name, "labels": labels});
        ann.post("/api/contacts", body).expect(201).json()["id"].to_string()
    };
    let (ada, _) = (add("Ada", json!(["work"])), add("Grace", json!([])));
    let browser = Browser::signed_in(&world, "ann");
    assert!(browser.get("/export").text().contains("work (1)"));
    let csv = browser.get("/export/file?format=csv&label=").expect(200);
    assert!(csv.header("Content-Disposition").starts_with("attachment"));
    assert!(csv.text().contains("Ada") && csv.text().contains("Grace"));
    let cards = [
        browser.get("/export/file?format=vcard&label=work").expect(200),
        browser.post("/contacts/bulk", &[("action", "export"), ("ids", &ada)]).expect(200),
        browser.get(&format!("/contacts/{ada}.vcf")).expect(200),
    ];
    for card in cards {
        assert!(card.text().contains("FN:Ada") && !card.text().contains("Grace"), "{}", card.asked);
    }
}

/// The day a year from now is today's once more.
#[test]
fn on_pages_of_birthdays_each_person_stands_once() {
    let world = World::new();
    // The year that begins on 29 February 2028 ends on a 28th, on which the same people celebrate.
    world.pass(chrono::Duration::days(464));
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let mut file = String::new();
    for n in 0..130 {
        let birthday = match n {
            0..5 => "1992-02-29".to_owned(),
            5..10 => "--02-29".to_owned(),
            10..15 => "1990-02-28".to_owned(),
            n => format!("1990-{:02}-{:02}", n % 12 + 1, n % 27 + 1),
        };
        file += &format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:P{n}\r\nN:P{n};;;;\r\nBDAY:{birthday}\r\nEND:VCARD\r\n"
        );
    }
    let type_ = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &type_, file.as_bytes()).expect(200);
    let (mut path, mut seen) = ("/birthdays".to_owned(), Vec::new());
    loop {
        let page = browser.get(&path).expect(200).text();
        let names = page.split("<bdi>P").skip(1).map(|it| it.split('<').next().unwrap().to_owned());
        seen.extend(names);
        let Some(next) = page.split("href=\"/birthdays?from=").nth(1) else { break };
        let query = next.split('"').next().unwrap().replace("&amp;", "&");
        path = format!("/birthdays?from={query}");
    }
    assert_eq!(seen.len(), 130, "{seen:?}");
    assert_eq!(seen.iter().collect::<std::collections::HashSet<_>>().len(), 130);
}
