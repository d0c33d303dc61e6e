//! Pages: order, cursors, counts.

use crate::world::{Actor, Answer, World};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

fn add(who: &Actor, first: &str, last: Option<&str>) -> String {
    let contact = json!({"first_name": first, "last_name": last});
    who.post("/api/contacts", contact).expect(201).header("Location").to_owned()
}

fn names(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    let name = |contact: &serde_json::Value| {
        let (first, last) = (contact["first_name"].as_str(), contact["last_name"].as_str());
        [last, first].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    list.as_array().unwrap().iter().map(name).collect()
}

/// The address of the next page, if there is one.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("Link").strip_prefix('<')?;
    Some(link.strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

/// Every page from this address on.
fn pages(who: &Actor, path: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut path = Some(path.to_owned());
    while let Some(address) = path {
        let answer = who.get(&address).expect(200);
        all.push(names(&answer));
        path = next(&answer);
    }
    all
}

#[test]
fn names_stand_where_a_reader_looks_for_them() {
    let world = World::new();
    let ann = world.user("ann");
    let sorted = [
        "adam",
        "Ádám",
        "Adams",
        "Öberg",
        "Oslo",
        "Zoe",
        "zoë",
        "Ґава",
        "Єва",
        "Іван",
        "Їжак",
        "Яна",
        "Якименко Яків",
        "Яковенко",
    ];
    for name in ["Яна", "zoë", "Oslo", "Їжак", "adam", "Ґава", "Іван", "Öberg", "Adams", "Zoe"]
    {
        add(&ann, name, None);
    }
    for (first, last) in [("Ádám", None), ("Яків", Some("Якименко")), ("Єва", None)]
    {
        add(&ann, first, last);
    }
    add(&ann, "Яковенко", None);
    let mut listed = names(&ann.get("/api/contacts?limit=100").expect(200));
    let place = |name: &str| sorted.iter().position(|it| *it == name).unwrap();
    // The alphabet of Ukrainian is not that of the root collation in every place (Ґ after Г,
    // І after И); what must hold everywhere:
    assert!(place("Їжак") > place("Zoe"));
    assert_eq!(listed[..7], ["adam", "Ádám", "Adams", "Öberg", "Oslo", "Zoe", "zoë"]);
    assert_eq!(listed[7..], ["Ґава", "Єва", "Іван", "Їжак", "Якименко Яків", "Яковенко", "Яна"]);
    listed.reverse();
    assert_eq!(names(&ann.get("/api/contacts?limit=100&sort=-name").expect(200)), listed);
}

#[test]
fn every_sort_pages_through_everything_once_in_both_directions() {
    let world = World::new();
    let ann = world.user("ann");
    for number in 0..7 {
        let path = add(&ann, &format!("n{}", number * 3 % 7), (number % 2 == 0).then_some("Same"));
        world.pass(chrono::Duration::milliseconds(i64::from(number % 3)));
        if number % 4 == 0 {
            ann.patch(&path, json!({"phone": "12345"})).expect(200);
        }
    }
    for sort in ["name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"] {
        let whole = names(&ann.get(&format!("/api/contacts?sort={sort}")).expect(200));
        assert_eq!(whole.len(), 7);
        for limit in [1, 2, 3, 7] {
            let pages = pages(&ann, &format!("/api/contacts?sort={sort}&limit={limit}"));
            assert_eq!(pages.concat(), whole, "{sort} by {limit}");
            assert_eq!(pages.len(), 7_usize.div_ceil(limit), "no empty page at the end");
        }
        let skipped =
            names(&ann.get(&format!("/api/contacts?sort={sort}&skip=3&limit=2")).expect(200));
        assert_eq!(skipped, whole[3..5]);
    }
}

#[test]
fn a_cursor_stays_while_rows_come_and_go() {
    let world = World::new();
    let ann = world.user("ann");
    let paths: Vec<_> =
        ["b", "d", "f", "h", "j"].iter().map(|name| add(&ann, name, None)).collect();
    let first = ann.get("/api/contacts?limit=2").expect(200);
    assert_eq!(names(&first), ["b", "d"]);
    // Before the place, at the place, after it.
    add(&ann, "a", None);
    ann.delete(&paths[1]).expect(204);
    ann.delete(&paths[2]).expect(204);
    add(&ann, "e", None);
    let second = ann.get(&next(&first).unwrap()).expect(200);
    assert_eq!(names(&second), ["e", "h"]);
    assert_eq!(second.header("X-Total-Count"), "5");
    assert_eq!(names(&ann.get(&next(&second).unwrap()).expect(200)), ["j"]);
}

#[test]
fn the_next_page_keeps_filters_sort_and_limit() {
    let world = World::new();
    let ann = world.user("ann");
    for number in 0..5 {
        add(&ann, &format!("a>b&{number}"), None);
    }
    add(&ann, "other", None);
    let path = "/api/contacts?search=a%3Eb%26&sort=-created_at&limit=2&skip=1&%63ursor=&x=%0D%0Ay";
    let first = ann.get(path).expect(200);
    assert_eq!(first.header("X-Total-Count"), "5");
    let next = next(&first).unwrap();
    assert!(next.is_ascii() && !next.contains(['>', ' ']) && !next.contains("skip"), "{next}");
    let second = ann.get(&next).expect(200);
    assert_eq!(names(&second), ["a>b&1", "a>b&0"]);
    assert_eq!(second.header("X-Total-Count"), "5");
    assert_eq!(second.header("Link"), "");
}

#[test]
fn wrong_cursors_are_told_and_never_a_fault_of_ours() {
    let world = World::new();
    let ann = world.user("ann");
    for name in ["a", "b", "c"] {
        add(&ann, name, None);
    }
    let cursor = |sort: &str| {
        let answer = ann.get(&format!("/api/contacts?limit=1&sort={sort}")).expect(200);
        next(&answer).unwrap().split("cursor=").nth(1).unwrap().to_owned()
    };
    let sorts = ["name", "created_at", "updated_at"];
    for of in sorts {
        for sort in sorts {
            let path = format!("/api/contacts?sort={sort}&cursor={}", cursor(of));
            match sort == of {
                true => drop(ann.get(&path).expect(200)),
                false => drop(ann.get(&path).expect_faults(&["cursor"])),
            }
            ann.get(&format!("/api/contacts?sort={of}&skip=0&cursor={}", cursor(of)))
                .expect_faults(&["cursor"]);
        }
    }
    // It is sealed: no name can be read in it, and one that was changed or is another account's is none.
    let own = cursor("name");
    let changed = |at: usize| {
        let other = if own.as_bytes()[at] == b'A' { "B" } else { "A" };
        [&own[..at], other, &own[at + 1..]].concat()
    };
    let made = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let wrong = [
        "x".to_owned(),
        "%00".to_owned(),
        "=".repeat(10),
        made(json!([0, "a", "b", 1])),
        made(json!({})),
        changed(0),
        changed(own.len() / 2),
        own[..own.len() - 4].to_owned(),
    ];
    for wrong in wrong {
        ann.get(&format!("/api/contacts?cursor={wrong}")).expect_faults(&["cursor"]);
    }
    let eve = world.user("eve");
    eve.get(&format!("/api/contacts?cursor={own}")).expect_faults(&["cursor"]);
    let inside = URL_SAFE_NO_PAD.decode(&own).unwrap();
    assert!(!inside.windows(3).any(|window| window == b"\"a\""));
}

#[test]
fn limits_of_pages() {
    let world = World::new();
    let ann = world.user("ann");
    add(&ann, "a", None);
    for wrong in ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.0", "limit=%2B1x"] {
        ann.get(&format!("/api/contacts?{wrong}")).expect_faults(&["limit"]);
    }
    ann.get("/api/contacts?skip=1&skip=2").expect_faults(&["skip"]);
    for wrong in ["skip=-1", "skip=10001", "skip=9999999999999999999999"] {
        ann.get(&format!("/api/contacts?{wrong}")).expect_faults(&["skip"]);
    }
    // Other lists have no cursor, so that skip goes as far as they do.
    ann.get("/api/contacts/trash?skip=10001").expect(200);
    ann.get("/api/contacts/trash?skip=2147483648").expect_faults(&["skip"]);
    ann.get("/api/contacts?sort=email").expect_faults(&["sort"]);
    ann.get("/api/contacts?sort=--name&limit=0&skip=x&updated_since=x&cursor=x").expect_faults(&[
        "sort",
        "limit",
        "skip",
        "updated_since",
        "cursor",
    ]);
    ann.get("/api/contacts?unknown=%20&limit=&skip=&cursor=&sort=").expect(200);
    // Behind the end the total still is what it is.
    for path in ["/api/contacts?skip=10000", "/api/contacts?skip=10000&search=a"] {
        let answer = ann.get(path).expect(200);
        assert_eq!((answer.text().as_str(), answer.header("X-Total-Count")), ("[]", "1"));
    }
    let head = ann.send("HEAD", "/api/contacts?limit=1", &[], b"").expect(200);
    assert_eq!(head.header("X-Total-Count"), "1");
}
