//! Files that people bring, found by trying what programs write by the hundred (29 November 2026).

use crate::world::{Actor, Answer, World};
use serde_json::{Value, json};

fn import(who: &Actor, content_type: &str, file: impl AsRef<[u8]>) -> Answer {
    let headers = [("Content-Type", content_type)];
    who.send("POST", "/api/contacts/import", &headers, file.as_ref()).expect(200)
}

fn card(lines: &[&str]) -> String {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"))
}

fn contacts(who: &Actor) -> Vec<Value> {
    who.get("/api/contacts?sort=created_at").expect(200).json().as_array().unwrap().clone()
}

fn notes<'a>(of: &'a Value, kind: &str) -> Vec<&'a str> {
    of[kind].as_array().unwrap().iter().map(|it| it["detail"].as_str().unwrap()).collect()
}

#[test]
fn a_picture_that_leaves_the_card_no_room_costs_itself_only() {
    let ann = World::new().user("ann");
    // No picture at all: it cannot be made smaller.
    let odd =
        |name: &str, length: usize| format!("{name};ENCODING=b:{}", "AAAA".repeat(length / 4));
    let photo = odd("PHOTO", 3 << 20);
    let key = odd("KEY", 2 << 20);
    let file = card(&["FN:Ann Ash", &photo, &key, "TEL:+1 555 0100"]) + &card(&["FN:Bob"]);
    let answer = import(&ann, "text/vcard", file).json();
    assert_eq!((&answer["created"], &answer["errors"]), (&json!(2), &json!([])));
    let why = "PHOTO: the card would have more than 4 MiB with it; left out";
    assert_eq!(notes(&answer, "warnings"), [why]);
    assert_eq!(contacts(&ann)[0]["phone"], "+1 555 0100");
    let id = &contacts(&ann)[0]["id"];
    let accept = [("Accept", "text/vcard")];
    let kept = ann.send("GET", &format!("/api/contacts/{id}"), &accept, b"").expect(200).text();
    assert!(kept.contains("KEY") && !kept.contains("PHOTO"));
}

#[test]
fn cards_are_cards_under_any_media_type() {
    let ann = World::new().user("ann");
    for content_type in ["application/json", "text/csv", "text/plain", "application/vnd.ms-excel"] {
        let answer = import(&ann, content_type, card(&[&format!("FN:{content_type}")])).json();
        assert_eq!(answer["created"], 1, "{content_type}");
    }
}

#[test]
fn a_table_of_which_each_line_is_one_cell_is_a_table() {
    let ann = World::new().user("ann");
    let file = "\"Имя,Дом,Моб\"\n\"Ann,5550101,5550102\"\n";
    let answer = import(&ann, "text/csv", file).json();
    assert_eq!((&answer["created"], &answer["warnings"]), (&json!(1), &json!([])));
    let phones = &contacts(&ann)[0]["phones"];
    assert_eq!((&phones[0]["label"], &phones[1]["label"]), (&json!("home"), &json!("mobile")));
}

#[test]
fn the_character_set_of_a_forms_part_counts() {
    let ann = World::new().user("ann");
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv; charset=\"koi8-u\"";
    let mut body = format!("--XX\r\n{head}\r\n\r\nName,Phone\r\n").into_bytes();
    body.extend(b"\xb4\xd7\xc1,555 0101\r\n--XX--\r\n");
    let answer = import(&ann, "multipart/form-data; boundary=XX", body).json();
    assert_eq!((&answer["created"], &answer["warnings"]), (&json!(1), &json!([])));
    assert_eq!(contacts(&ann)[0]["display_name"], "Єва");
}

#[test]
fn json_of_other_programs_names_and_reaches_people_too() {
    let ann = World::new().user("ann");
    let file = json!([
        {"firstName": "Ann", "lastName": "Ash", "phoneNumber": "+1 555 0102", "birthDate": "1990-04-05"},
        {"name": "Bob Bay", "emailAddresses": ["b@x.example", {"value": "c@x.example", "label": "work"}],
         "mobile": 15550103, "company": "Acme", "homeAddress": "1 Main St", "notes": "n"},
        {"name": "Cid", "first_name": "Sid", "city": "Town", "country": "US", "shoe": 42, "groups": ["choir"], "nick": 7},
    ]);
    let answer = import(&ann, "application/json", file.to_string()).json();
    assert_eq!((&answer["created"], &answer["errors"]), (&json!(3), &json!([])));
    let kept = |name| format!("no member takes a value; it is kept as X-JSON-{name}");
    assert_eq!(notes(&answer, "warnings"), [kept("SHOE"), kept("NICK")]);
    let [a, b, c] = contacts(&ann).try_into().unwrap();
    let told = |it: &Value, names: [&str; 3]| json!(names.map(|name| it[name].clone()));
    let ash = json!(["Ann Ash", "+1 555 0102", "1990-04-05"]);
    assert_eq!(told(&a, ["display_name", "phone", "birthday"]), ash);
    let bay = json!(["Bob Bay", "b@x.example", "Acme"]);
    assert_eq!(told(&b, ["display_name", "email", "organization"]), bay);
    assert_eq!(b["emails"][1]["label"], "work");
    assert_eq!(
        (&b["phones"][0]["value"], &b["phones"][0]["label"]),
        (&json!("15550103"), &json!("mobile"))
    );
    assert_eq!(
        (&b["addresses"][0]["street"], &b["addresses"][0]["label"]),
        (&json!("1 Main St"), &json!("home"))
    );
    assert_eq!((&c["display_name"], &c["first_name"]), (&json!("Cid"), &json!("Sid")));
    assert_eq!(
        (&c["addresses"][0]["city"], &c["addresses"][0]["country"]),
        (&json!("Town"), &json!("US"))
    );
    assert_eq!(c["labels"], json!(["choir"]));
}

#[test]
fn the_export_of_an_account_brings_its_contacts() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    ann.post("/api/contacts", json!({"first_name": "Zoë", "phone": "+1 555 0104"})).expect(201);
    let gone = ann.post("/api/contacts", json!({"first_name": "Gone"})).expect(201).json();
    ann.delete(&format!("/api/contacts/{}", gone["id"])).expect(204);
    let file = ann.get("/api/users/me/export").expect(200);
    assert_eq!(import(&bob, "application/json", &file.body).json()["created"], 1);
    assert_eq!(contacts(&bob)[0]["display_name"], "Zoë");
}

#[test]
fn a_list_of_people_brought_twice_adds_nothing_and_says_whom_it_misses() {
    let ann = World::new().user("ann");
    let list = |name: &str, members: &[&str]| {
        let members =
            members.iter().map(|uid| format!("X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{uid}"));
        let mut lines = vec!["X-ADDRESSBOOKSERVER-KIND:group".to_owned(), format!("FN:{name}")];
        lines.extend(members);
        card(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let people = card(&["UID:m1", "FN:Ann"]) + &card(&["UID:m2", "FN:Bob"]);
    let file = list("Choir", &["m1", "m2"]) + &people;
    for created in [2, 0] {
        let answer = import(&ann, "text/vcard", &file).json();
        assert_eq!((&answer["created"], &answer["warnings"]), (&json!(created), &json!([])));
    }
    assert_eq!(contacts(&ann)[1]["labels"], json!(["Choir"]));
    let file = people + &list("Choir", &["m1", "m2", "m3", "m4"]) + &list("Empty", &[]);
    let answer = import(&ann, "text/vcard", &file).json();
    let missed = "labels: of the list \"Choir\" 2 members are not in this file";
    assert_eq!(
        notes(&answer, "warnings"),
        ["a list of people: it has no members; left out", missed]
    );
    assert_eq!(answer["warnings"][1]["line"], 11);
}

#[test]
fn two_cards_that_differ_in_their_picture_alone_are_two_people() {
    let ann = World::new().user("ann");
    let photo = |digit: &str| {
        let photo = format!("PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAB{digit}");
        card(&["FN:Kim Lee", "N:Lee;Kim;;;", "TEL:+1 555 0100", &photo])
    };
    let file = [photo("AAAA"), photo("BBBB"), photo("BBBB")].concat();
    for created in [2, 0] {
        let answer = import(&ann, "text/vcard", &file).json();
        let skipped = &answer["skipped_duplicates"];
        assert_eq!((&answer["created"], skipped), (&json!(created), &json!(3 - created)));
    }
    // Whoever has another picture by now is the same person.
    let answer = import(&ann, "text/vcard", photo("CCCC")).json();
    assert_eq!((&answer["created"], contacts(&ann).len()), (&json!(0), 2));
}

#[test]
fn an_odd_uid_is_the_same_in_every_format() {
    let ann = World::new().user("ann");
    let odd = [" a ", "a", "\ta", "x, y; z\\n", "ü/☃", &"x".repeat(300)];
    let people = odd.iter().enumerate();
    let file: Vec<Value> =
        people.map(|(at, uid)| json!({"uid": uid, "first_name": format!("P{at}")})).collect();
    let answer = import(&ann, "application/json", json!(file).to_string()).json();
    assert_eq!((&answer["created"], &answer["warnings"]), (&json!(odd.len()), &json!([])));
    let uids = |list: Vec<Value>| -> Vec<_> {
        list.iter().map(|it| it["uid"].as_str().unwrap().to_owned()).collect()
    };
    // A longer one than a column has is shown with a digest for its end.
    assert_eq!(uids(contacts(&ann))[..5], odd[..5]);
    for (format, content_type) in [("json", "application/json"), ("vcard", "text/vcard")] {
        let file = ann.get(&format!("/api/contacts/export?format={format}")).expect(200);
        let answer = import(&ann, content_type, &file.body).json();
        let told = (&answer["skipped_duplicates"], &answer["warnings"]);
        assert_eq!(told, (&json!(odd.len()), &json!([])), "{format}");
    }
}

#[test]
fn json_of_address_books_in_the_web_names_people_in_objects() {
    let ann = World::new().user("ann");
    let file = json!([
        {"resourceName": "people/1", "names": [{"displayName": "Ann Ash", "givenName": "Ann", "familyName": "Ash"}],
         "phoneNumbers": [{"value": "5550101", "type": "mobile"}], "organizations": [{"name": "Acme"}],
         "birthdays": [{"date": {"year": 1990, "month": 4, "day": 5}}]},
        {"displayName": "Bob Bay", "emailAddresses": [{"address": "b@x.example"}], "homePhones": ["5550102"],
         "homeAddress": {"street": "1 St", "countryOrRegion": "US"}, "spouseName": "Sam", "mobilePhone": ""},
    ]);
    let answer = import(&ann, "application/json", file.to_string()).json();
    assert_eq!(
        notes(&answer, "warnings"),
        ["no member takes a value; it is kept as X-JSON-RESOURCENAME"]
    );
    let [a, b] = contacts(&ann).try_into().unwrap();
    let said =
        json!([a["display_name"], a["last_name"], a["phone"], a["organization"], a["birthday"]]);
    assert_eq!(said, json!(["Ann Ash", "Ash", "5550101", "Acme", "1990-04-05"]));
    let said =
        json!([b["phones"][0]["label"], b["addresses"][0]["country"], b["relations"][0]["label"]]);
    assert_eq!(said, json!(["home", "US", "spouse"]));
}

#[test]
fn several_values_in_a_text_of_json_are_several() {
    let ann = World::new().user("ann");
    let file = json!([
        {"name": "Ann", "email": "a@x.example, b@x.example", "phone": "+1 555 010 0101; +1 555 010 0102"},
        {"name": "Bob", "emails": ["c@x.example; d@x.example"], "mobile": "5550103 / 5550104"},
        {"name": "Cid", "emails": [{"address": "e@x.example,f@x.example", "type": "work"}]},
        {"name": "Dan", "emails": [{"value": "g@x.example, h@x.example", "label": null, "primary": true}]},
    ]);
    let told = import(&ann, "application/json", file.to_string()).json();
    assert_eq!((&told["created"], told["warnings"].as_array().unwrap().len()), (&json!(4), 1));
    let values = |it: &Value, list: &str| -> Vec<String> {
        let list = it[list].as_array().unwrap().iter();
        list.map(|it| it["value"].as_str().unwrap().to_owned()).collect()
    };
    let [a, b, c, d] = contacts(&ann).try_into().unwrap();
    assert_eq!(values(&a, "emails"), ["a@x.example", "b@x.example"]);
    assert_eq!(values(&a, "phones"), ["+1 555 010 0101", "+1 555 010 0102"]);
    assert_eq!(values(&b, "emails"), ["c@x.example", "d@x.example"]);
    assert_eq!((values(&b, "phones").len(), &b["phones"][1]["label"]), (2, &json!("mobile")));
    assert_eq!((values(&c, "emails").len(), &c["emails"][1]["label"]), (2, &json!("work")));
    // What says something of another value is no value.
    let file = json!([
        {"name": "Eve", "ims": [{"service": "skype", "username": "eve.s"}], "IM 1 - Service": "x", "Phone 1 - Label": "y"},
    ]);
    import(&ann, "application/json", file.to_string());
    let eve = &contacts(&ann)[4];
    let im = json!([{"service": "skype", "value": "eve.s", "label": null}]);
    assert_eq!((&eve["online"], &eve["phones"]), (&im, &json!([])));
    // Our own entries say which is the primary one, and come back as they are.
    assert_eq!(values(&d, "emails"), ["g@x.example, h@x.example"]);
}

#[test]
fn a_flat_value_beside_a_list_of_other_programs_is_one_of_it() {
    let ann = World::new().user("ann");
    let file = json!([
        {"name": "Ann", "phone": "5550101", "mobile": "5550102", "email": "a@x.example", "workEmail": "b@x.example"},
        {"name": "Bob", "phone": 5550101, "phones": ["5550102"]},
        {"name": "Cid", "phone": "5550101", "phones": []},
        {"name": "Dan", "phone": "5550101, 5550102", "mobile": "5550103"},
        {"name": "Eve", "phone": [{"value": "5550101", "label": "work"}, "5550102"], "email": ["e@x.example"]},
        {"name": {"formatted": "Fay Fox"}, "phone": {"number": "5550101", "type": "work"}},
        // These stay as they are.
        {"name": "Gus", "phone": "5550101", "mobile": "5550101"},
        {"name": "Hal", "phone": "5550102", "phones": [{"value": "5550101"}, {"value": "5550102", "primary": true}]},
        {"name": "Ivy", "phone": "5550101"},
        {"name": "Jim", "phone": " ", "mobile": "5550101"},
    ]);
    let told = import(&ann, "application/json", file.to_string()).json();
    assert_eq!((&told["created"], &told["warnings"]), (&json!(10), &json!([])));
    let phones = |it: &Value| -> String {
        let shown = it["phones"].as_array().unwrap().iter().map(|it| {
            let mark = if it["primary"] == true { "*" } else { "" };
            format!(
                "{mark}{} {}",
                it["value"].as_str().unwrap(),
                it["label"].as_str().unwrap_or("-")
            )
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    let all = contacts(&ann);
    let shown: Vec<_> = all.iter().map(phones).collect();
    let want = [
        "*5550101 -, 5550102 mobile",
        "*5550101 -, 5550102 -",
        "*5550101 -",
        "*5550101 -, 5550102 -, 5550103 mobile",
        "*5550101 work, 5550102 -",
        "*5550101 work",
        "*5550101 mobile",
        "5550101 -, *5550102 -",
        "*5550101 -",
        "*5550101 mobile",
    ];
    assert_eq!(shown, want);
    assert_eq!(
        (&all[0]["emails"][1]["label"], &all[4]["email"]),
        (&json!("work"), &json!("e@x.example"))
    );
    // The whole name is one, and no address.
    assert_eq!((&all[5]["display_name"], &all[5]["addresses"]), (&json!("Fay Fox"), &json!([])));
    let file = json!([{"name": "Jo", "address": {"addressLocality": "Town", "suite": "5", "zipcode": "123", "geo": "x"},
        "homeAddressFormatted": "1 St, Town"}]);
    let told = import(&ann, "application/json", file.to_string()).json();
    assert_eq!(
        notes(&told, "warnings"),
        ["no member takes a value; it is kept as X-JSON-ADDRESSES-GEO"]
    );
    let jo = &contacts(&ann)[10]["addresses"];
    let said = json!([
        jo[0]["city"],
        jo[0]["extended"],
        jo[0]["postal_code"],
        jo[1]["street"],
        jo[1]["label"]
    ]);
    assert_eq!(said, json!(["Town", "5", "123", "1 St, Town", "home"]));
}

#[test]
fn a_file_that_ends_within_a_card_says_so() {
    let world = World::new();
    let ann = world.user("ann");
    let warnings = |file: &str| import(&ann, "text/vcard", file).json()["warnings"].clone();
    let whole = card(&["FN:Ada"]) + &card(&["FN:Grace"]).to_lowercase();
    let cut = "the file ends within this card: it may have been cut off";
    assert_eq!(warnings(&whole), json!([]));
    assert_eq!(warnings(&(whole.clone() + "\r\n\u{1a}")), json!([]));
    for left in [4, 11, 15, 22] {
        let found = warnings(&whole[..whole.len() - left]);
        assert_eq!(found[0], json!({"line": 5, "detail": cut}), "{left}: {found}");
    }
    // However its lines are written; and text after the cards cuts none of them.
    for end in
        ["END: VCARD\r\n", "end :\tvcard\r", "END:VCARD\n\nwrite BEGIN:VCARD before a card\n"]
    {
        assert_eq!(warnings(&whole.replace("end:vcard\r\n", end)), json!([]), "{end}");
    }
    let wide = whole[..whole.len() - 11].encode_utf16().flat_map(u16::to_le_bytes);
    let wide: Vec<u8> = [0xFF, 0xFE].into_iter().chain(wide).collect();
    let path = "/api/contacts/import";
    let said = ann.send("POST", path, &[("Content-Type", "text/vcard")], &wide).expect(200).json();
    assert_eq!(said["warnings"], json!([{"line": 5, "detail": cut}]));
}

#[test]
fn a_file_ends_within_a_card_however_its_marks_are_written() {
    let world = World::new();
    let ann = world.user("ann");
    let cut = "the file ends within this card: it may have been cut off";
    let says =
        |file: &[u8]| import(&ann, "text/vcard", file).json()["warnings"].to_string().contains(cut);
    let whole = card(&["FN:Ada"]) + &card(&["FN:Grace"]);
    let cut_off = whole.trim_end().trim_end_matches("END:VCARD");
    let wide = |text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    for (file, ends) in [
        (wide(&whole), false),
        (wide(cut_off), true),
        (wide(&cut_off.replace("END:VCARD", "END:VCARD\u{a0a}")), true),
        (whole.replace(":VCARD", " : VCARD ").into(), false),
        (cut_off.replace(":VCARD", " : VCARD ").into(), true),
        (whole.replace("BEGIN", "> BEGIN").replace("END", "> END").into(), false),
        (format!("{whole}Each card begins with BEGIN:VCARD\r\n").into(), false),
        (format!("{cut_off}NOTE:as in END:VCARD\r\nTEL:1").into(), true),
        (card(&["FN:Bob", "NOTE:BEGIN:VCARD"]).into(), false),
        (card(&["FN:Bob", "AGENT:", card(&["FN:Al"]).trim_end()]).into(), false),
    ] {
        assert_eq!(says(&file), ends, "{}", String::from_utf8_lossy(&file));
    }
}
