//! Files out.

use crate::world::{Actor, World};
use chrono::Duration;
use contactd::repository::{contacts::books, users};
use serde_json::json;
use std::io::Read;

fn import(who: &Actor, file: &str) {
    let headers = [("Content-Type", "text/vcard")];
    who.send("POST", "/api/contacts/import", &headers, file.as_bytes()).expect(200);
}

#[test]
fn a_download_has_a_type_and_a_name() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/contacts", json!({"first_name": "Їжак"})).expect(201);
    for (query, name, content_type) in [
        ("", "contacts.vcf", "text/vcard; charset=utf-8"),
        ("?format=vcard", "contacts.vcf", "text/vcard; charset=utf-8"),
        ("?format=csv", "contacts.csv", "text/csv; charset=utf-8; header=present"),
        ("?format=json", "contacts.json", "application/json"),
    ] {
        let file = ann.get(&format!("/api/contacts/export{query}")).expect(200);
        assert_eq!(file.header("Content-Disposition"), format!("attachment; filename=\"{name}\""));
        assert_eq!(file.header("Content-Type"), content_type);
        assert_eq!(file.header("Cache-Control"), "no-store");
        assert!(file.text().contains("Їжак"));
        ann.send("HEAD", &format!("/api/contacts/export{query}"), &[], b"").expect(200);
    }
    ann.get("/api/contacts/export?format=xml").expect_faults(&["format"]);
}

#[test]
fn an_empty_book_is_an_empty_file_of_its_kind() {
    let world = World::new();
    let ann = world.user("ann");
    assert_eq!(ann.get("/api/contacts/export").expect(200).text(), "");
    assert_eq!(ann.get("/api/contacts/export?format=json").expect(200).json(), json!([]));
    let csv = ann.get("/api/contacts/export?format=csv").expect(200).text();
    assert!(csv.starts_with("First Name,") && csv.lines().count() == 1);
}

#[test]
fn nothing_is_dropped_and_edits_are_in_it() {
    let world = World::new();
    let ann = world.user("ann");
    import(
        &ann,
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:urn:uuid:1\r\nN:Smith;John;Quincy;Dr.;\r\n\
         TEL;TYPE=CELL:+380 44 1234567\r\nTEL;TYPE=HOME:+380 44 7654321\r\n\
         ADR;TYPE=HOME:;;Main St 1;Kyiv;;01001;Ukraine\r\nX-SPOUSE:Ann\r\nEND:VCARD\r\n",
    );
    let id = ann.get("/api/contacts").json()[0]["id"].to_string();
    let change = json!({"last_name": "Smythe", "phone": "112233"});
    ann.patch(&format!("/api/contacts/{id}"), change).expect(200);
    let file = ann.get("/api/contacts/export").expect(200).text();
    for line in [
        "UID:urn:uuid:1",
        "N:Smythe;John;Quincy;Dr.;",
        "TEL;TYPE=CELL:112233",
        "TEL;TYPE=HOME:+380 44 7654321",
        "ADR;TYPE=HOME:;;Main St 1;Kyiv;;01001;Ukraine",
        "X-SPOUSE:Ann",
    ] {
        assert!(file.lines().any(|it| it == line), "{line} is not in\n{file}");
    }
    assert!(!file.contains("1234567\r"));
}

#[test]
fn large_books_and_large_cards_come_whole_each_contact_once() {
    let world = World::new();
    let ann = world.user("ann");
    let photo = "A".repeat(700_000);
    let mut file: String = (0..1_203)
        .map(|number| format!("BEGIN:VCARD\nVERSION:3.0\nN:;n{number:04}\nEND:VCARD\n"))
        .collect();
    for number in 0..5 {
        let card = format!("BEGIN:VCARD\nVERSION:3.0\nN:;p{number}\nPHOTO:{photo}\nEND:VCARD\n");
        file.push_str(&card);
    }
    import(&ann, &file);
    let list = ann.get("/api/contacts/export?format=json").expect(200).json();
    let names: Vec<_> =
        list.as_array().unwrap().iter().map(|it| it["first_name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 1_208);
    assert!(names.is_sorted(), "in the order in which they came");
    let cards = ann.get("/api/contacts/export").expect(200).text();
    assert_eq!(cards.matches("BEGIN:VCARD").count(), 1_208);
    assert_eq!(cards.replace("\r\n ", "").matches(&photo).count(), 5);
}

#[test]
fn a_failure_in_the_middle_breaks_the_transfer() {
    let world = World::new();
    let ann = world.user("ann");
    let file: String = (0..501)
        .map(|number| format!("BEGIN:VCARD\nVERSION:3.0\nN:;n{number}\nEND:VCARD\n"))
        .collect();
    import(&ann, &file);
    let request = rouille::Request::fake_http(
        "GET",
        "/api/contacts/export?format=json",
        vec![("Authorization".to_owned(), format!("Bearer {}", ann.token.as_ref().unwrap()))],
        Vec::new(),
    );
    let response = crate::world::respond_while(&ann.app, request, || ());
    let (mut reader, size) = response.data.into_reader_and_size();
    assert_eq!(size, None);
    world.app.db.write(|db| db.batch("ALTER TABLE contacts RENAME TO gone")).unwrap();
    let mut text = String::new();
    assert!(
        reader.read_to_string(&mut text).is_err(),
        "half a file must not look like a whole one"
    );
    assert!(text.is_empty() || !text.ends_with(']'));
    assert!(reader.read(&mut [0; 10]).is_err(), "and stays broken");
    ann.get("/api/contacts/export").expect(500);
}

#[test]
fn an_account_s_export_has_everything_and_no_secret() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let named = world.app.db.read(|db| {
        users::set_language(db, ann.id, Some("en"))?;
        books::set_display_name(db, ann.id, Some("Ours"))
    });
    named.unwrap();
    let root = world.admin("root").at([203, 0, 113, 9]);
    let path = format!("/api/users/{}/role", ann.id);
    root.patch(&path, json!({"role": "admin"})).expect(200);
    import(&ann, "BEGIN:VCARD\nVERSION:3.0\nUID:u1\nN:;Live\nX-A:1\nX-B:2\nEND:VCARD\n");
    let gone = ann.post("/api/contacts", json!({"first_name": "Gone"})).expect(201);
    ann.delete(gone.header("Location")).expect(204);
    bob.post("/api/contacts", json!({"first_name": "Secret"})).expect(201);
    let reset = json!({"email": "ann@example.com"});
    world.nobody().post("/api/auth/request-password-reset", reset).expect(202);
    let secret = world.link_token("ann@example.com");
    let url = ann.send("POST", "/api/contacts/calendar-url", &[], b"").expect(201).json();
    let file = ann.get("/api/users/me/export").expect(200);
    assert_eq!(file.header("Content-Disposition"), "attachment; filename=\"account.json\"");
    let all = file.json();
    assert_eq!(all["user"], ann.get("/api/users/me").expect(200).json());
    assert_eq!(all["contacts"][0]["first_name"], "Live");
    assert_eq!(all["contacts"][0]["uid"], "u1");
    assert_eq!(all["contacts"][0]["resource_name"], "u1.vcf");
    assert_eq!(all["address_book"], json!({"display_name": "Ours", "description": null}));
    assert_eq!(all["language"], "en");
    let card = all["contacts"][0]["vcard"].as_str().unwrap();
    assert!(card.contains("\r\nX-A:1\r\nX-B:2\r\n"), "{card}");
    // What it was before it went into the trash.
    assert!(all["history"][0]["vcard"].as_str().unwrap().contains("Gone"), "{}", all["history"]);
    assert_eq!(all["history"][0]["by"], "rest");
    assert_eq!(all["trash"][0]["first_name"], "Gone");
    assert_eq!(all["trash"][0]["deleted_at"], "2026-11-22T12:00:00.000002Z");
    assert_eq!(all["sessions"].as_array().unwrap().len(), 1);
    assert_eq!([&all["has_calendar_url"], &all["has_second_factor"]], [true, false]);
    assert_eq!(all["pending_links"][0]["purpose"], "reset");
    assert_eq!(all["mails"][0]["recipient"], "ann@example.com");
    let actions: Vec<_> =
        all["audit_events"].as_array().unwrap().iter().map(|it| it["action"].clone()).collect();
    assert!(actions.contains(&json!("login")), "{actions:?}");
    assert!(actions.contains(&json!("role_changed")), "{actions:?}");
    let text = file.text();
    let url = url["url"].as_str().unwrap().rsplit('/').next().unwrap().trim_end_matches(".ics");
    for secret in
        ["argon2", "hash", "Secret", "203.0.113.9", &secret, url, ann.token.as_ref().unwrap()]
    {
        assert!(!text.contains(secret), "{secret}");
    }
    world.pass(Duration::days(1));
    ann.get("/api/users/me/export").expect(401);
}

#[test]
fn an_account_s_export_has_who_made_each_contact_and_where_app_passwords_were_used() {
    let world = World::new();
    let ann = world.user("ann");
    let made = ann.post("/api/contacts", json!({"first_name": "Bob", "uid": "bob"}));
    let id = made.expect(201).json()["id"].clone();
    let phone = ann.with_basic("ann", &ann.app_password("write"));
    let book = format!("/dav/addressbooks/{}/contacts", ann.id);
    let to = format!("{book}/robert.vcf");
    let renamed = phone.at([198, 51, 100, 7]);
    renamed.send("MOVE", &format!("{book}/bob.vcf"), &[("Destination", &to)], b"").expect(201);
    phone.at([198, 51, 100, 8]).get("/api/contacts").expect(200);
    let all = ann.get("/api/users/me/export").expect(200).json();
    assert_eq!(all["made"].as_array().map(Vec::len), Some(1), "{}", all["made"]);
    for (member, value) in [("contact_id", id), ("client", json!("test")), ("by", json!("rest"))] {
        assert_eq!(all["made"][0][member], value, "{member}");
    }
    assert_eq!(all["former_resource_names"][0]["resource_name"], "bob.vcf");
    assert_eq!(all["app_passwords"][0]["networks"], json!(["198.51.100.8", "198.51.100.7"]));
    let listed = ann.get("/api/users/me/app-passwords").expect(200).json();
    assert_eq!(listed[0].get("networks"), None);
}
