//! Contacts with several labelled values, and the card behind them.

use crate::world::{Actor, World};
use serde_json::{Value, json};

/// The contract's example, as a client sends it.
fn example() -> Value {
    json!({
        "prefix": "Dr.", "first_name": "Jürgen", "last_name": "Müller", "nickname": "Jojo",
        "organization": "Example GmbH", "department": "Research", "job_title": "Head of Optics",
        "emails": [{"value": "j.mueller@example.com", "label": "work", "primary": true},
            {"value": "jojo@example.net", "label": "home"}],
        "phones": [{"value": "+49 30 1234567", "label": "work"}, {"value": "+49 33 000", "label": "boat house"}],
        "addresses": [{"label": "home", "extended": "2nd floor", "street": "Lindenstr. 5", "city": "Berlin",
            "postal_code": "10969", "country": "Germany"}],
        "urls": [{"value": "https://mueller.example", "label": "blog"}],
        "birthday": "1984-02-29", "dates": [{"value": "2015-05-16", "label": "anniversary"}],
        "relations": [{"value": "Anna Müller", "label": "sister"}],
        "online": [{"service": "matrix", "value": "@jojo:example.net"}],
        "additional_data": "Met in Oslo; allergic to nuts.", "labels": ["family", "optics"],
    })
}

#[test]
fn accept_says_whether_json_or_a_card_is_wanted() {
    let world = World::new();
    let ann = world.user("ann");
    let made = ann.post("/api/contacts", example()).expect(201);
    for (accept, wanted) in [
        ("text/vcard;q=0.1, text/x-vcard;q=0.9, application/json;q=0.5", "text/vcard"),
        ("text/vcard;q=0.9, text/x-vcard;q=0.1, application/json;q=0.5", "text/vcard"),
        ("text/vcard, application/json", "text/vcard"),
        ("application/json, text/vcard", "application/json"),
        ("*/*, text/vcard", "text/vcard"),
        ("text/vcard;q=0, */*", "application/json"),
        ("text/vcard;q=0.4, */*;q=0.5", "application/json"),
        ("image/png", "application/json"),
    ] {
        let answer = ann.send("GET", made.header("Location"), &[("Accept", accept)], b"");
        let given = answer.expect(200).header("Content-Type").to_owned();
        assert!(given.starts_with(wanted), "{accept}: {given}");
    }
}

fn card(who: &Actor, path: &str) -> String {
    let answer = who.send("GET", path, &[("Accept", "text/vcard")], b"").expect(200);
    assert!(answer.header("Content-Type").starts_with("text/vcard"));
    answer.text()
}

#[test]
fn what_is_sent_is_read_and_can_be_sent_back_unchanged() {
    let world = World::new();
    let ann = world.user("ann");
    let made = ann.post("/api/contacts", example()).expect(201);
    let (path, contact) = (made.header("Location").to_owned(), made.json());
    assert_eq!(contact["display_name"], "Dr. Jürgen Müller");
    assert_eq!(
        (&contact["email"], &contact["phone"]),
        (&json!("j.mueller@example.com"), &json!("+49 30 1234567"))
    );
    assert_eq!(
        contact["phones"][1],
        json!({"value": "+49 33 000", "label": "boat house", "primary": false})
    );
    assert_eq!(contact["addresses"][0]["region"], json!(null));
    assert_eq!(contact["addresses"][0]["primary"], true);
    let before = card(&ann, &path);
    let back = ann.put(&path, contact.clone()).expect(200);
    assert_eq!(
        (back.json(), back.header("ETag")),
        (contact, made.header("ETag")),
        "nothing changed"
    );
    assert_eq!(card(&ann, &path), before);
}

#[test]
fn an_edit_leaves_every_other_line_of_the_card_alone() {
    let world = World::new();
    let ann = world.user("ann");
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u\r\nFN:The Boss\r\nN:Smith;Bob;;;\r\n\
        item1.TEL;TYPE=pref;X-P=\"a,b\":+1 555 0100\r\nitem1.X-ABLabel:boat\r\nTEL:4.9E+11\r\n\
        X-FOO;X-BAR=1:keep me\r\nitem2.X-ANY:too\r\nEND:VCARD\r\n";
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, card.as_bytes()).expect(200);
    let contact = ann.get("/api/contacts").expect(200).json()[0].clone();
    let path = format!("/api/contacts/{}", contact["id"]);
    assert_eq!(contact["display_name"], "The Boss");
    assert_eq!(
        contact["phones"][0],
        json!({"value": "+1 555 0100", "label": "boat", "primary": true})
    );
    let patched =
        ann.patch(&path, json!({"last_name": "Jones", "phone": "+1 555 0199"})).expect(200).json();
    assert_eq!(patched["display_name"], "The Boss");
    let text = self::card(&ann, &path);
    for kept in ["X-FOO;X-BAR=1:keep me", "item2.X-ANY:too", "X-ABLabel:boat", "TEL:4.9E+11"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert!(
        text.contains("N:Jones;Bob") && text.contains("+1 555 0199") && !text.contains("0100"),
        "{text}"
    );
}

#[test]
fn a_display_name_of_its_own_stays_until_it_is_taken_off() {
    let ann = World::new().user("ann");
    let body = json!({"first_name": "Bob", "last_name": "Smith", "display_name": "The Boss"});
    let path = ann.post("/api/contacts", body).expect(201).header("Location").to_owned();
    let name = |body: Value| ann.patch(&path, body).expect(200).json()["display_name"].clone();
    for off in [json!(null), json!(" ")] {
        assert_eq!(name(json!({"display_name": "The Boss"})), "The Boss");
        assert_eq!(name(json!({"first_name": "Rob"})), "The Boss");
        assert_eq!(name(json!({"display_name": off, "first_name": "Bob"})), "Bob Smith");
        assert_eq!(name(json!({"last_name": "Jones"})), "Bob Jones");
        assert_eq!(name(json!({"last_name": "Smith"})), "Bob Smith");
    }
    ann.put(&path, json!({"organization": "Acme", "display_name": null})).expect(200);
    assert_eq!(name(json!({})), "Acme");
    // Somebody else by the same address: a PUT says all that the contact is.
    assert_eq!(name(json!({"display_name": "The Boss"})), "The Boss");
    let put = |body: Value| ann.put(&path, body).expect(200).json()["display_name"].clone();
    assert_eq!(put(json!({"first_name": "Ann", "last_name": "Baker"})), "Ann Baker");
    let boss = json!({"first_name": "Bob", "display_name": "The Boss"});
    assert_eq!((put(boss.clone()), put(boss)), (json!("The Boss"), json!("The Boss")));
    // It is all that says who this is: nobody loses the name by a PUT that has none.
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Captain\r\nTEL:+1 555 0100\r\nEND:VCARD\r\n";
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, card.as_bytes()).expect(200);
    let captain = ann.get("/api/contacts?search=captain").expect(200).json()[0]["id"].clone();
    let path = format!("/api/contacts/{captain}");
    let kept = ann.put(&path, json!({"phone": "+1 555 0199"})).expect(200).json();
    assert_eq!(kept["display_name"], "Captain");
}

#[test]
fn what_ends_in_a_semicolon_keeps_it() {
    let ann = World::new().user("ann");
    for (organization, department) in [
        (json!("Acme"), json!("R&D;")),
        (Value::Null, json!(";")),
        (json!("A;"), Value::Null),
        (json!(";"), json!("a;b\\")),
    ] {
        let body =
            json!({"first_name": "x", "organization": organization, "department": department});
        let contact = ann.post("/api/contacts", body).expect(201).json();
        assert_eq!(
            (&contact["organization"], &contact["department"]),
            (&organization, &department)
        );
    }
}

#[test]
fn a_uid_of_255_letters_stands_as_it_is() {
    let ann = World::new().user("ann");
    let uid = "ö".repeat(254) + "x";
    let contact = ann.post("/api/contacts", json!({"first_name": "x", "uid": uid})).expect(201);
    assert_eq!(contact.json()["uid"], uid);
    assert!(card(&ann, contact.header("Location")).replace("\r\n ", "").contains(&uid));
    let wrong = json!({"uid": 5, "birthday": "x", "emails": [{"value": "\u{200b}"}], "nickname": "a\u{ffff}"});
    let wrong = ann.post("/api/contacts", wrong);
    wrong.expect_faults(&["birthday", "emails.0.value", "nickname", "uid"]);
}

#[test]
fn a_uid_may_be_given_once() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let body = json!({"first_name": "A", "uid": "my-uid"});
    assert_eq!(ann.post("/api/contacts", body.clone()).expect(201).json()["uid"], "my-uid");
    let again = ann.post("/api/contacts", body.clone()).expect(409).json();
    assert_eq!(again["type"], "/problems/uid-taken");
    bob.post("/api/contacts", body).expect(201);
    ann.post("/api/contacts", json!({"first_name": "A", "uid": "x".repeat(256)}))
        .expect_faults(&["uid"]);
}

#[test]
fn a_book_has_an_end() {
    let world = World::with(|config| config.max_contacts = 1);
    let ann = world.user("ann");
    ann.post("/api/contacts", json!({"first_name": "A"})).expect(201);
    let full = ann.post("/api/contacts", json!({"first_name": "B"})).expect(409).json();
    assert_eq!(full["type"], "/problems/quota-exceeded");
    let why = "The address book may have at most 1 contacts. Those in the trash count until they are \
               deleted for good, 30 days after their deletion.";
    assert_eq!(full["detail"], why);
    let file = b"First Name\nB\n";
    ann.send("POST", "/api/contacts/import", &[("Content-Type", "text/csv")], file).expect(409);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1");
}

#[test]
fn many_contacts_change_at_once_or_none_does() {
    let world = World::new();
    let (ann, eve) = (world.user("ann"), world.user("eve"));
    let add = |who: &Actor, labels: Value| {
        who.post("/api/contacts", json!({"first_name": "A", "labels": labels})).expect(201).json()["id"].clone()
    };
    let ids = [add(&ann, json!([])), add(&ann, json!(["x"])), add(&ann, json!([]))];
    let eves = add(&eve, json!([]));
    let bulk = |body: Value| ann.post("/api/contacts/bulk", body);
    let all = json!([ids[0], ids[1], ids[2], eves, 4711]);
    let answer = bulk(json!({"action": "add_label", "label": "X", "ids": all})).expect(200).json();
    assert_eq!(answer, json!({"changed": 2, "missing": [eves, 4711]}));
    let answer =
        bulk(json!({"action": "remove_label", "label": "x", "ids": [ids[0]]})).expect(200).json();
    assert_eq!(answer, json!({"changed": 1, "missing": []}));
    assert_eq!(bulk(json!({"action": "delete", "ids": all})).expect(200).json()["changed"], 3);
    assert_eq!(bulk(json!({"action": "delete", "ids": all})).expect(200).json()["changed"], 0);
    assert_eq!(ann.get("/api/contacts/trash").header("X-Total-Count"), "3");
    assert_eq!(bulk(json!({"action": "restore", "ids": all})).expect(200).json()["changed"], 3);
    let full: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    let zoe = json!({ "first_name": "Zoe", "labels": full });
    ann.patch(&format!("/api/contacts/{}", ids[2]), zoe).expect(200);
    let refused = bulk(json!({"action": "add_label", "label": "one more", "ids": all}));
    let why = refused.expect_faults(&["label"]).json()["errors"][0]["detail"].clone();
    assert_eq!(why, "a contact has at most 50 labels, and so many has Zoe");
    assert_eq!(
        ann.get("/api/contacts?label=one%20more").header("X-Total-Count"),
        "0",
        "none of them"
    );
    for (body, faults) in [
        (json!({}), &["action", "ids"][..]),
        (json!({"action": "add_label", "ids": []}), &["label"]),
        (json!({"action": "delete", "label": "x", "ids": []}), &["label"]),
        (json!({"action": "no", "ids": vec![1; 1_001]}), &["action", "ids"]),
        (json!({"action": "delete", "ids": ["1"]}), &["ids"]),
        (json!({"action": "delete", "ids": [0]}), &["ids"]),
    ] {
        bulk(body).expect_faults(faults);
    }
    assert_eq!(eve.get("/api/contacts").expect(200).json()[0]["labels"], json!([]));
}

#[test]
fn a_label_is_renamed_merged_and_taken_off_everywhere() {
    let world = World::new();
    let ann = world.user("ann");
    for labels in [json!(["Friends", "b"]), json!(["friends", "Family"]), json!(["other"])] {
        ann.post("/api/contacts", json!({"first_name": "A", "labels": labels})).expect(201);
    }
    let rename = |body: Value| ann.patch("/api/contacts/labels", body);
    assert_eq!(
        rename(json!({"from": "nobody", "to": "x"})).expect(200).json(),
        json!({"changed": 0})
    );
    assert_eq!(
        rename(json!({"from": "FRIENDS", "to": "family"})).expect(200).json(),
        json!({"changed": 2})
    );
    let labels = ann.get("/api/contacts/labels").expect(200).json();
    assert_eq!(labels[1]["count"], 2, "{labels}");
    assert_eq!(rename(json!({"from": "family", "to": "Family"})).expect(200).json()["changed"], 1);
    assert_eq!(
        rename(json!({"from": "family", "to": null})).expect(200).json(),
        json!({"changed": 2})
    );
    rename(json!({"from": "b"})).expect_faults(&["to"]);
    rename(json!({"to": "b"})).expect_faults(&["from"]);
}

/// A PNG of one pixel.
fn pixel() -> Vec<u8> {
    let text = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap()
}

#[test]
fn a_picture_is_set_read_and_taken_away() {
    let world = World::new();
    let (ann, eve) = (world.user("ann"), world.user("eve"));
    let path = ann
        .post("/api/contacts", json!({"first_name": "A"}))
        .expect(201)
        .header("Location")
        .to_owned();
    let photo = format!("{path}/photo");
    ann.get(&photo).expect(404);
    let png = [("Content-Type", "image/png")];
    let contact = ann.send("PUT", &photo, &png, &pixel()).expect(200).json();
    assert_eq!(contact["photo"]["type"], "image/jpeg");
    assert_eq!(contact["photo"]["url"], format!("https://contacts.example{photo}"));
    let picture = ann.get(&photo).expect(200);
    assert!(
        picture.body.starts_with(&[0xff, 0xd8]) && picture.header("Content-Type") == "image/jpeg"
    );
    assert!(picture.header("Cache-Control").starts_with("private"));
    assert!(picture.header("Content-Security-Policy").contains("sandbox"));
    let tag = picture.header("ETag").to_owned();
    ann.send("GET", &photo, &[("If-None-Match", &tag)], b"").expect(304);
    eve.get(&photo).expect(404);
    eve.send("PUT", &photo, &png, &pixel()).expect(404);
    eve.delete(&photo).expect(404);
    let pixel = pixel();
    let form = [
        &b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n"[..],
        &pixel,
        b"\r\n--b--\r\n",
    ];
    let multipart = [("Content-Type", "multipart/form-data; boundary=b")];
    ann.send("PUT", &photo, &multipart, &form.concat()).expect(200);
    ann.send("PUT", &photo, &png, b"<svg/>").expect(415);
    ann.send("PUT", &photo, &[("If-Match", "\"0\"")], &pixel).expect(412);
    // A PUT of the contact leaves it alone, and so does everything else.
    assert_eq!(
        ann.put(&path, json!({"first_name": "B"})).expect(200).json()["photo"]["type"],
        "image/jpeg"
    );
    ann.delete(&photo).expect(204);
    ann.delete(&photo).expect(204);
    ann.get(&photo).expect(404);
    assert_eq!(ann.get(&path).expect(200).json()["photo"], json!(null));
}
