//! What somebody does in the first five minutes: brings a book in, finds the doubles in it, names labels.

use crate::browser::{Browser, value};
use serde_json::json;
use support::world::World;

/// A letter in the character set that old Windows programs write here.
fn windows_1251(letter: char) -> u8 {
    match letter {
        'А'..='я' => u8::try_from(u32::from(letter) - u32::from('А') + 0xC0).unwrap(),
        'І' => 0xB2,
        'і' => 0xB3,
        ascii => u8::try_from(ascii).unwrap(),
    }
}

#[test]
fn an_import_names_its_character_set_its_remarks_and_the_doubles_that_there_are_now() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post(
        "/api/contacts",
        json!({"first_name": "Ада", "last_name": "Лавлейс", "phone": "+380 44 555 01 23"}),
    )
    .expect(201);
    let browser = Browser::signed_in(&world, "ann");
    let file = "Ім'я,Прізвище,Телефон,Хобі\nАда,Лавлейс,+380 44 555 01 23,шахи\nГрейс,Гоппер,+1 202 555 0123,кораблі\n";
    let bytes: Vec<u8> = file.chars().map(windows_1251).collect();
    let answer = browser.post_file("/import", &[], "file", &bytes).expect(303);
    let page = browser.follow(&answer).expect(200).text();
    for text in ["windows-1251", "Грейс Гоппер", "CSV"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let key = value(&page, "key").to_owned();
    let form = [("step", "import"), ("key", key.as_str())];
    let answer = browser.post("/import/found", &form).expect(303);
    let page = browser.follow(&answer).text();
    assert!(page.contains("2 contacts were imported."), "{page}");
    assert!(page.contains("Look through 1 possible duplicate</a>"), "{page}");
}

#[test]
fn what_would_come_of_a_file_is_what_comes_of_it_in_the_book_of_now() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let file = "First Name,Email,Birthday,Phone\nAda,ada@example.com,31.31.1990,12\nGrace,grace@example.com,,\n";
    browser.post_file("/import", &[], "file", file.as_bytes()).expect(303);
    let page = browser.get("/import/found").expect(200).text();
    assert!(page.contains("Import 2 contacts"), "{page}");
    assert!(!page.contains("name=\"existing\""), "nobody is there already: {page}");
    // Two remarks about one line.
    assert!(
        page.contains("<strong>1</strong> with a remark") && page.contains("31.31.1990"),
        "{page}"
    );
    // The same once more, and then the book is another one.
    assert_eq!(browser.get("/import/found").expect(200).text(), page);
    ann.post("/api/contacts", json!({"first_name": "Grace", "email": "grace@example.com"}))
        .expect(201);
    let page = browser.get("/import/found").expect(200).text();
    assert!(page.contains("Import 1 contact<") && page.contains("there already"), "{page}");
    let key = value(&page, "key").to_owned();
    browser.post("/import/found", &[("step", "import"), ("key", &key)]).expect(303);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "2");
    browser.post_file("/import", &[], "file", file.as_bytes()).expect(303);
    let page = browser.get("/import/found").expect(200).text();
    assert!(
        page.contains("There is nothing new in this file.") && !page.contains("Import 0"),
        "{page}"
    );
}

#[test]
fn all_likely_doubles_become_one_each_at_once_and_are_two_again_by_undo() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    for (name, title) in [
        ("Ada", "Countess"),
        ("Ada", "Countess"),
        ("Grace", ""),
        ("Grace", "Admiral"),
        ("Alan", "Dr."),
        ("Alan", "Prof."),
    ] {
        let email = format!("{}@example.com", name.to_lowercase());
        ann.post("/api/contacts", json!({"first_name": name, "job_title": title, "email": email}))
            .expect(201);
    }
    let page = browser.get("/duplicates").expect(200).text();
    assert!(page.contains("Merge all 2 likely groups"), "{page}");
    let answer = browser.post("/duplicates/merge-likely", &[]).expect(303);
    let page = browser.follow(&answer).text();
    assert!(page.contains("2 groups were merged.") && page.contains("1 group."), "{page}");
    assert!(page.contains("Dr.") && page.contains("Prof."), "these contradict each other: {page}");
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "4");
    assert_eq!(ann.get("/api/contacts?first_name=Grace").json()[0]["job_title"], "Admiral");
    let [to, after] = ["to", "undo"].map(|name| value(&page, name).to_owned());
    browser.post("/history/rewind", &[("to", &to), ("undo", &after)]).expect(303);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "6");
}

#[test]
fn a_label_gets_another_name_on_its_page_or_none_and_both_are_undone() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    for name in ["Ada", "Grace"] {
        ann.post("/api/contacts", json!({"first_name": name, "labels": ["myContacts"]}))
            .expect(201);
    }
    let page = browser.get("/contacts?label=myContacts").expect(200).text();
    assert!(page.contains("action=\"/labels\"") && page.contains("Change label"), "{page}");
    assert!(!browser.get("/contacts").text().contains("action=\"/labels\""), "of which label?");
    let long = "x".repeat(51);
    let form = |to, action| [("from", "myContacts"), ("to", to), ("action", action)];
    let answer = browser.post("/labels", &form("friends of ours", "rename")).expect(303);
    assert_eq!(answer.header("Location"), "/contacts?label=friends%20of%20ours");
    let page = browser.follow(&answer).text();
    assert!(page.contains("The label is called “friends of ours” now."), "{page}");
    let to = value(&page, "to").to_owned();
    let undo = page.split("action=\"/history/rewind\"").nth(1).expect("Undo");
    assert!(undo.contains("name=\"to\""), "{to}");
    let [undo, after] = ["to", "undo"].map(|name| value(undo, name).to_owned());
    browser.post("/history/rewind", &[("to", &undo), ("undo", &after)]).expect(303);
    let total = |label: &str| {
        ann.get(&format!("/api/contacts?label={label}")).header("X-Total-Count").to_owned()
    };
    assert_eq!(total("myContacts"), "2");
    for wrong in ["", "   ", long.as_str()] {
        let page = browser.post("/labels", &form(wrong, "rename")).expect(422).text();
        assert!(page.contains("a label of 1 to 50 characters"), "{wrong}");
        assert_eq!(value(&page, "to"), wrong, "what was typed stays in the open form");
        assert!(page.contains("<details class=\"pop\" open>") && page.contains("to-fault"));
    }
    let answer = browser.post("/labels", &form("", "remove")).expect(303);
    assert!(browser.follow(&answer).text().contains("The label “myContacts” is gone."));
    assert_eq!(total("myContacts"), "0");
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "2", "the contacts stay");
}

#[test]
fn more_than_can_be_seen_side_by_side_are_not_merged() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let ids: Vec<String> = (0..7)
        .map(|n| {
            ann.post("/api/contacts", json!({"first_name": format!("Name{n}")})).json()["id"]
                .to_string()
        })
        .collect();
    let form: Vec<_> =
        ids.iter().map(|id| ("ids", id.as_str())).chain([("action", "merge")]).collect();
    let page = browser.post("/contacts/bulk", &form).expect(422).text();
    assert!(page.contains("at most six"));
    let answer = browser.post("/contacts/bulk", &form[1..]).expect(303);
    assert_eq!(browser.follow(&answer).expect(200).text().matches("the same person").count(), 6);
}

#[test]
fn the_history_names_who_changed_whom_and_with_what() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let script = world.nobody().with_basic("ann", &ann.app_password("write"));
    script.post("/api/contacts", json!({"first_name": "Linus"})).expect(201);
    for name in ["Ada", "Grace"] {
        browser.post("/contacts/new", &[("first_name", name)]).expect(303);
    }
    let id = ann.get("/api/contacts?search=Ada").json()[0]["id"].to_string();
    browser.post(&format!("/contacts/{id}/delete"), &[]).expect(303);
    let kind = [("Content-Type", "text/csv")];
    ann.send("POST", "/api/contacts/import", &kind, b"First Name\nAlan\nJoan\n").expect(200);
    let page = browser.get("/history").expect(200).text();
    for text in
        ["my write", "you · Import", "<bdi>Alan</bdi></a> and others", "<bdi>Linus</bdi></a>"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    let page = browser.reading("uk").get("/history").expect(200).text();
    assert!(page.contains("ви · Імпорт") && page.contains("та інші"), "{page}");
}

#[test]
fn many_birthdays_on_one_day_hide_no_later_ones() {
    let world = World::new();
    let ann = world.user("ann");
    let card = |n: usize| {
        let day = if n < 75 { "01-01" } else { "02-01" };
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Name {n}\r\nBDAY:1990-{day}\r\nEND:VCARD\r\n")
    };
    let file: String = (0..77).map(card).collect();
    let kind = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &kind, file.as_bytes()).expect(200);
    let browser = Browser::signed_in(&world, "ann");
    let (mut path, mut seen) = ("/birthdays".to_owned(), 0);
    for _ in 0..3 {
        let page = browser.get(&path).expect(200).text();
        seen += page.matches("<a class=\"name\"").count();
        let Some(next) = page.split("rel=\"next\" href=\"").nth(1) else { break };
        path = next.split('"').next().unwrap().replace("&amp;", "&");
    }
    assert_eq!(seen, 77);
}
