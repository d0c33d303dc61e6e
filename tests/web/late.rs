//! A form that comes late, or twice: nothing that was written is lost, and nothing is done a second time.

use crate::browser::{Browser, ORIGIN, OURS, contact_id, value};
use serde_json::json;
use support::world::{Actor, World};

const WRITTEN: [(&str, &str); 4] = [
    ("first_name", "Ada"),
    ("phones.0.value", "+44 20 7946 0001"),
    ("labels", "maths"),
    ("additional_data", "Half an hour's work, \"<b>\" & all"),
];

fn total(actor: &Actor) -> String {
    actor.get("/api/contacts").header("X-Total-Count").to_owned()
}

/// The fields that a page's form would send, as far as they are hidden.
fn hidden(page: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    let main = page.split("<main").nth(1).expect("a page");
    let field = |it: &str| {
        let (name, rest) = it.split_once("\" value=\"")?;
        Some((name.to_owned(), plain(rest.split('"').next()?)))
    };
    main.split("<input type=\"hidden\" name=\"").skip(1).filter_map(field).collect()
}

fn as_fields(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn what_was_written_while_the_session_ended_is_there_after_signing_in_again() {
    let world = World::new();
    let mut ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let id =
        ann.post("/api/contacts", json!({"first_name": "Bob"})).expect(201).json()["id"].clone();
    for path in ["/contacts/new".to_owned(), format!("/contacts/{id}/edit")] {
        let page = browser.get(&path).expect(200).text();
        let (csrf, revision) =
            (value(&page, "csrf").to_owned(), value(&page, "revision").to_owned());
        let form: Vec<_> =
            [("csrf", csrf.as_str()), ("revision", &revision)].into_iter().chain(WRITTEN).collect();
        ann.post("/api/auth/logout-all", json!({})).expect(204);
        let page = browser.post_raw(&path, &form, &OURS).expect(403).text();
        for text in ["+44 20 7946 0001", "maths", "href=\"/login\"", "Go on"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(!page.contains("<b>"), "{page}");
        // Somebody signs in elsewhere in this browser, and goes on here.
        let again = Browser::signed_in(&world, "ann");
        let name = "__Host-contactd";
        browser.set_cookie(name, &again.cookie(name).unwrap());
        let kept = hidden(&page);
        let page = browser.post_raw(&path, &as_fields(&kept), &OURS).expect(403).text();
        assert!(page.contains("You signed in again"), "{page}");
        for text in
            ["value=\"Ada\"", "value=\"+44 20 7946 0001\"", "value=\"maths\"", "Half an hour's"]
        {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert_eq!(value(&page, "revision"), revision);
        ann = ann.signed_in();
        assert_eq!(ann.get("/api/contacts?first_name=Ada").header("X-Total-Count"), "0");
        // It is a form of this session now.
        let form = hidden(&page);
        let form: Vec<_> = as_fields(&form).into_iter().chain(WRITTEN).collect();
        let answer = browser.post_raw(&path, &form, &OURS).expect(303);
        let stored = ann.get(&format!("/api/contacts/{}", contact_id(&answer))).expect(200).json();
        assert_eq!(stored["additional_data"], json!(WRITTEN[3].1));
        ann.patch(&format!("/api/contacts/{}", stored["id"]), json!({"first_name": "Old"}))
            .expect(200);
    }
}

#[test]
fn what_another_site_sends_in_a_dead_session_is_shown_on_no_page() {
    let world = World::new();
    world.user("ann");
    for browser in [Browser::new(&world), Browser::signed_in(&world, "ann")] {
        for headers in [
            [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")],
            [("Origin", "null"), ("Sec-Fetch-Site", "same-origin")],
            [("Origin", ORIGIN), ("Sec-Fetch-Site", "cross-site")],
        ] {
            let page = browser.post_raw("/contacts/new", &WRITTEN, &headers).expect(403).text();
            assert!(!page.contains("maths") && !page.contains("Go on"), "{page}");
        }
    }
}

#[test]
fn a_form_for_a_new_contact_that_is_sent_twice_makes_one() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let page = browser.get("/contacts/new").expect(200).text();
    let number = value(&page, "form").to_owned();
    let form: Vec<_> = [("form", number.as_str())].into_iter().chain(WRITTEN).collect();
    let first = contact_id(&browser.post("/contacts/new", &form).expect(303));
    let answer = browser.post("/contacts/new", &form).expect(303);
    assert_eq!(contact_id(&answer), first);
    assert!(browser.follow(&answer).text().contains("Saved."));
    assert_eq!(total(&ann), "1");
    // Whoever goes back and writes somebody else into it means somebody else.
    let other: Vec<_> = form.iter().copied().filter(|(name, _)| *name != "first_name").collect();
    let other: Vec<_> = other.into_iter().chain([("first_name", "Grace")]).collect();
    assert_ne!(contact_id(&browser.post("/contacts/new", &other).expect(303)), first);
    // As does whoever asks for the page again.
    let number = value(&browser.get("/contacts/new").text(), "form").to_owned();
    let fresh: Vec<_> = [("form", number.as_str())].into_iter().chain(WRITTEN).collect();
    assert_ne!(contact_id(&browser.post("/contacts/new", &fresh).expect(303)), first);
    assert_eq!(total(&ann), "3");
    // A faulty form is the same form when it is sent again.
    let page = browser.get("/contacts/new").text();
    let number = value(&page, "form").to_owned();
    let page = browser.post("/contacts/new", &[("form", &number)]).expect(422).text();
    assert_eq!(value(&page, "form"), number);
    // What was deleted since is made anew.
    ann.delete(&format!("/api/contacts/{first}")).expect(204);
    assert_ne!(contact_id(&browser.post("/contacts/new", &form).expect(303)), first);
}

#[test]
fn a_second_click_finds_done_what_the_first_one_did_and_can_undo_it() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let make = |name: &str| {
        let body = json!({"first_name": name, "email": "same@example.com"});
        ann.post("/api/contacts", body).expect(201).json()["id"].to_string()
    };
    let (one, two, three) = (make("One"), make("Two"), make("Two"));
    let delete = format!("/contacts/{one}/delete");
    browser.post(&delete, &[]).expect(303);
    let page = browser.follow(&browser.post(&delete, &[]).expect(303)).text();
    assert!(page.contains("1 contact was deleted."), "{page}");
    let undo = [("to", value(&page, "to").to_owned()), ("undo", value(&page, "undo").to_owned())];
    let undo: Vec<_> = undo.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.post("/history/rewind", &undo).expect(303);
    assert_eq!(total(&ann), "3");
    let merge = [("ids", two.as_str()), ("ids", three.as_str()), ("keep", two.as_str())];
    browser.post("/duplicates/merge", &merge).expect(303);
    let page = browser.follow(&browser.post("/duplicates/merge", &merge).expect(303)).text();
    assert!(page.contains("Merged."), "{page}");
    let undo = [("to", value(&page, "to").to_owned()), ("undo", value(&page, "undo").to_owned())];
    let undo: Vec<_> = undo.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.post("/history/rewind", &undo).expect(303);
    assert_eq!(total(&ann), "3");
    // Where there is nothing to undo, no button says so.
    let many = [("action", "delete"), ("ids", one.as_str())];
    browser.post("/contacts/bulk", &many).expect(303);
    let page = browser.follow(&browser.post("/contacts/bulk", &many).expect(303)).text();
    assert!(!page.contains("action=\"/history/rewind\""), "{page}");
    let known = ann.get("/api/contacts/export").expect(200).body;
    browser.post_file("/import", &[], "file", &known).expect(303);
    let key = value(&browser.get("/import/found").text(), "key").to_owned();
    let form = [("step", "import"), ("key", key.as_str())];
    let page = browser.follow(&browser.post("/import/found", &form).expect(303)).text();
    assert!(page.contains("0 contacts were imported."), "{page}");
    assert!(!page.contains("action=\"/history/rewind\""), "{page}");
    // One of three lies in the trash: nothing was merged, and nothing says so.
    let three = [&merge[..], &[("ids", one.as_str())]].concat();
    browser.post("/duplicates/merge", &three).expect(404);
    // Others' contacts and those that never were are not there.
    let bob = world.user("bob");
    let his =
        bob.post("/api/contacts", json!({"first_name": "B"})).expect(201).json()["id"].to_string();
    bob.delete(&format!("/api/contacts/{his}")).expect(204);
    for id in [his.as_str(), "987654"] {
        browser.post(&format!("/contacts/{id}/delete"), &[]).expect(404);
        let merge = [("ids", two.as_str()), ("ids", id), ("keep", two.as_str())];
        browser.post("/duplicates/merge", &merge).expect(404);
    }
}

#[test]
fn a_contact_that_is_saved_twice_was_changed_by_nobody_else() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let body = json!({"first_name": "Ada", "urls": [{"value": "https://ada.example"}]});
    let id = ann.post("/api/contacts", body).expect(201).json()["id"].clone();
    let path = format!("/contacts/{id}/edit");
    let revision = value(&browser.get(&path).text(), "revision").to_owned();
    let form: Vec<_> = [("revision", revision.as_str())].into_iter().chain(WRITTEN).collect();
    browser.post(&path, &form).expect(303);
    let answer = browser.post(&path, &form).expect(303);
    assert!(browser.follow(&answer).text().contains("Saved."));
    // Changed by somebody else, it is another one.
    ann.patch(&format!("/api/contacts/{id}"), json!({"nickname": "A"})).expect(200);
    browser.post(&path, &form).expect(412);
}

#[test]
fn a_photo_that_is_too_large_leaves_what_was_written() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let body = json!({"first_name": "Bob"});
    let id = ann.post("/api/contacts", body).expect(201).json()["id"].clone();
    let photo = vec![0; 12 << 20];
    for path in ["/contacts/new".to_owned(), format!("/contacts/{id}/edit")] {
        let revision = value(&browser.get(&path).text(), "revision").to_owned();
        let form: Vec<_> = [("revision", revision.as_str())].into_iter().chain(WRITTEN).collect();
        let page = browser.post_file(&path, &form, "photo", &photo).expect(422).text();
        for text in ["id=\"photo-fault\"", "at most 5 MiB", "value=\"Ada\"", "Half an hour's"] {
            assert!(page.contains(text), "{text}: {page}");
        }
    }
    assert_eq!(ann.get("/api/contacts?first_name=Ada").header("X-Total-Count"), "0");
}

#[test]
fn what_was_written_about_a_contact_that_was_deleted_meanwhile_can_be_saved_anew() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let id =
        ann.post("/api/contacts", json!({"first_name": "Bob"})).expect(201).json()["id"].clone();
    let path = format!("/contacts/{id}/edit");
    let revision = value(&browser.get(&path).text(), "revision").to_owned();
    ann.delete(&format!("/api/contacts/{id}")).expect(204);
    let form: Vec<_> = [("revision", revision.as_str())].into_iter().chain(WRITTEN).collect();
    let page = browser.post(&path, &form).expect(412).text();
    for text in
        ["deleted in the meantime", "action=\"/contacts/new\"", "value=\"Ada\"", "Half an hour's"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    let number = value(&page, "form").to_owned();
    let form: Vec<_> = [("form", number.as_str())].into_iter().chain(WRITTEN).collect();
    browser.post("/contacts/new", &form).expect(303);
    assert_eq!(ann.get("/api/contacts?label=maths").header("X-Total-Count"), "1");
    browser.post("/contacts/987654/edit", &form).expect(404);
}

#[test]
fn a_contact_with_more_entries_than_anybody_writes_loses_none_on_the_page() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let numbers: String = (0..150).map(|n| format!("TEL:+49 30 1{n:03}\r\n")).collect();
    let card =
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bob\r\nN:Bob;;;;\r\n{numbers}END:VCARD\r\n");
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, card.as_bytes()).expect(200);
    let id = ann.get("/api/contacts").json()[0]["id"].clone();
    let path = format!("/contacts/{id}/edit");
    let page = browser.get(&path).expect(200).text();
    let revision = value(&page, "revision").to_owned();
    let rows: Vec<_> = (0..500).map(|n| format!("phones.{n}.value")).collect();
    let shown = rows.iter().filter(|row| page.contains(&format!("name=\"{row}\""))).count();
    let written: Vec<_> = (0..shown).map(|n| format!("+49 30 1{n:03}")).collect();
    let phones = rows.iter().zip(&written).map(|(row, number)| (row.as_str(), number.as_str()));
    let named = [
        ("revision", revision.as_str()),
        ("last_name", "Bob"),
        ("nickname", "Bobby"),
        ("phones.primary", "0"),
    ];
    browser.post(&path, &named.into_iter().chain(phones).collect::<Vec<_>>()).expect(303);
    let stored = ann.get(&format!("/api/contacts/{id}")).expect(200).json();
    assert_eq!(
        (stored["phones"].as_array().unwrap().len(), &stored["nickname"]),
        (150, &json!("Bobby"))
    );
}
