//! A list that goes on, on three pages: who follows the link to the next page until there is none sees each entry once.

use crate::browser::Browser;
use crate::weight::next_of;
use serde_json::json;
use std::collections::HashSet;
use support::world::{Actor, World};

/// How many pages there are from this one on, and how many entries. What differs between two entries stands behind
/// `mark`.
fn walked(browser: &Browser, path: &str, mark: &str) -> (usize, usize) {
    let (mut next, mut pages, mut seen) = (Some(path.to_owned()), 0, HashSet::new());
    while let Some(path) = next.take() {
        let page = browser.get(&path).expect(200).text();
        let found = page.split(mark).skip(1).map(|it| it.split(['"', '<']).next().unwrap());
        let found: Vec<_> = found.map(str::to_owned).collect();
        assert!(!found.is_empty(), "{path} has nothing");
        for entry in found {
            assert!(seen.insert(entry.clone()), "{path} has {entry} again");
        }
        pages += 1;
        next = next_of(&page);
    }
    (pages, seen.len())
}

/// Cards of so many, two of each address, born on as many days.
fn import(ann: &Actor, count: usize) {
    let card = |n: usize| {
        let (month, day, address) = (n / 28 + 1, n % 28 + 1, n / 2);
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Name {n}\r\nBDAY:1990-{month:02}-{day:02}\r\nEMAIL:{address}@example.com\r\nEND:VCARD\r\n"
        )
    };
    let file: String = (0..count).map(card).collect();
    let kind = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &kind, file.as_bytes()).expect(200);
}

#[test]
fn who_follows_the_next_page_sees_each_entry_once() {
    let world = World::new();
    let ann = world.admin("ann");
    let browser = Browser::signed_in(&world, "ann");
    // Full pages, and no empty one behind them.
    import(&ann, 180);
    assert_eq!(walked(&browser, "/birthdays", "class=\"name\" href=\""), (3, 180));
    assert_eq!(walked(&browser, "/duplicates", "name=\"ids\" value=\""), (18, 180));
    assert_eq!(walked(&browser, "/contacts", "name=\"ids\" value=\""), (4, 180));
    for count in [100, 50] {
        let all = ann.get(&format!("/api/contacts?limit={count}")).json();
        let ids: Vec<_> = all.as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
        ann.post("/api/contacts/bulk", json!({"action": "delete", "ids": ids})).expect(200);
    }
    assert_eq!(walked(&browser, "/trash", "type=\"checkbox\" name=\"ids\" value=\""), (3, 150));
    let make = |count: i64, insert: &str| {
        let from = format!("generate_series(1, {count}) AS n");
        let sql = format!("WITH made AS ({insert} {from} RETURNING 1) SELECT count(*) FROM made");
        assert_eq!(world.sql::<i64>(&sql), count);
    };
    make(
        60,
        "INSERT INTO app_passwords (user_id, name, scope, digest, created_at)
            SELECT users.id, n::text, 'read', '', now() FROM users,",
    );
    assert_eq!(walked(&browser, "/settings/connect", "name=\"id\" value=\""), (3, 60));
    make(
        44,
        "INSERT INTO users (username, email, password_hash, is_verified, created_at)
            SELECT 'name' || n, 'name' || n || '@example.com', '', true, now() FROM",
    );
    assert_eq!(walked(&browser, "/admin", "action=\"/admin/users/"), (3, 45));
    make(
        150,
        "INSERT INTO audit_events (at, action, ip, request_id)
            SELECT now(), 'logout', 'from' || n, '' FROM",
    );
    let path = "/admin/events?action=logout";
    assert_eq!(walked(&browser, path, "</td><td><bdi>"), (3, 150));
}

#[test]
fn who_follows_the_history_sees_each_change_once() {
    let world = World::new();
    let ann = world.user("ann");
    let phone = world.nobody().with_basic("ann", &ann.app_password("write"));
    let id = ann.post("/api/contacts", json!({"first_name": "A"})).expect(201).json()["id"].clone();
    let path = format!("/contacts/{id}");
    // Each of another program than the one before, so none belongs to it.
    for n in 1..90 {
        let who = if n % 2 == 0 { &ann } else { &phone };
        who.patch(&format!("/api{path}"), json!({"first_name": format!("A{n}")})).expect(200);
    }
    let browser = Browser::signed_in(&world, "ann");
    assert_eq!(walked(&browser, "/history", "/history/rewind?to="), (3, 90));
    let (_, changes) = walked(&browser, &path, "?then=");
    assert_eq!(changes, 89, "all but that it was made");
    // Who made the last change is known where the list has that one.
    let page = browser.get(&path).text();
    assert!(page.contains("</time> · my write<br>"), "{page}");
    let older = browser.get(&next_of(&page).unwrap()).text();
    assert!(older.contains("</time><br>"), "{older}");
}
