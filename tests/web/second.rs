//! The second step: what a page says when the first one changed what it shows, or went wrong.

use crate::browser::{Browser, value};
use serde_json::{Value, json};
use support::world::{Actor, World};

/// What is found in a file on the page, by a browser of Ann.
fn found(browser: &Browser, file: &str) -> String {
    let answer = browser.post_file("/import", &[], "file", file.as_bytes()).expect(303);
    browser.follow(&answer).expect(200).text()
}

fn import(browser: &Browser, page: &str, fields: &[(&str, &str)]) {
    let form = [("step", "import"), ("key", value(page, "key"))];
    let form: Vec<_> = form.into_iter().chain(fields.iter().copied()).collect();
    browser.post("/import/found", &form).expect(303);
}

fn first(ann: &Actor, search: &str) -> Value {
    let search = percent_encoding::utf8_percent_encode(search, percent_encoding::NON_ALPHANUMERIC);
    ann.get(&format!("/api/contacts?search={search}")).expect(200).json()[0].clone()
}

/// Of a file everything that is odd is told, and in another language that is told too.
#[test]
fn what_is_odd_in_a_file_is_told_in_the_language_of_the_reader() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann").reading("uk");
    let card = |lines: &str| {
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nN:Ада;;;;\r\nFN:Ада\r\n{lines}\r\nEND:VCARD\r\n")
    };
    let twice = card("UID:u\r\nNOTE:a").replace("Ада", "Ева") + &card("UID:u\r\nNOTE:b");
    let same = card("UID:u\r\nNOTE:a") + &card("UID:u\r\nNOTE:b");
    for file in [
        "First Name;Last Name;Дата народж.;a;b;c\nОля;Коваль;5/6/1990;7;;\n".to_owned(),
        "First Name,Last Name\nОля,Коваль\nУсього,2\n".to_owned(),
        card("=?!"),
        card("PHOTO;ENCODING=b:!!!"),
        card("NOTE:=D0=9E=D0=BB=D1=8F"),
        card("AGENT:BEGIN:VCARD\\nFN:x\\nEND:VCARD"),
        card(&format!("ADR:;;{};;;;", "ю".repeat(300))),
        card(&format!("TEL:{}", "1".repeat(40))),
        twice,
        same,
        card("X-ADDRESSBOOKSERVER-KIND:group"),
        r#"[{"first_name": "Оля", "favourite": "x"}]"#.to_owned(),
        r#"[{"first_name": "Оля \ud800"}]"#.to_owned(),
        r#"[{"first_name": "Оля", "birthday": "31.31.1990", "emails": [{"value": "x"}]}]"#
            .to_owned(),
    ] {
        let answer = browser.post_file("/import", &[], "file", file.as_bytes());
        let page = browser.follow(&answer.expect(303)).expect(200).text();
        let rows = page.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
        println!("{rows}\n");
        for english in ["kept", " is ", " it ", "left out", "skipped", " the "] {
            assert!(!rows.contains(english), "{english}: {rows}");
        }
    }
}

#[test]
fn the_history_says_what_was_done_in_the_language_of_the_reader() {
    let world = World::new();
    let ann = world.user("ann");
    let ada = json!({"first_name": "Ada", "email": "a@example.com"});
    let ids = [(); 2].map(|()| ann.post("/api/contacts", ada.clone()).json()["id"].to_string());
    ann.post(
        "/api/contacts/merge",
        json!({"keep": ids[0].parse::<i64>().unwrap(), "merge": [ids[1].parse::<i64>().unwrap()]}),
    )
    .expect(200);
    ann.post("/api/contacts/rewind", json!({"to": 2})).expect(200);
    let browser = Browser::signed_in(&world, "ann");
    let page = browser.get("/history").expect(200).text();
    assert!(page.contains("you · Merge") && page.contains("you · Rewind"), "{page}");
    let page = browser.reading("uk").get("/history").expect(200).text();
    assert!(page.contains("ви · Об’єднання") && page.contains("ви · Повернення назад"), "{page}");
}
