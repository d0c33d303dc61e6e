//! One contact: made, read, changed, refused.

use crate::world::World;
use contactd::model::text::percent_encoded;
use contactd::repository::contacts::books;
use serde_json::{Value, json};
use std::sync::Barrier;
use std::time::{Duration, Instant};

#[test]
fn a_contact_from_creation_to_deletion() {
    let world = World::new();
    let ann = world.user("ann");
    let bob = json!({"first_name": "Bob", "birthday": "1990-04-12", "labels": ["friends"]});
    let created = ann.post("/api/contacts", bob).expect(201);
    let path = created.header("Location").to_owned();
    let tag = created.header("ETag").to_owned();
    let contact = ann.get(&path).expect(200).json();
    assert_eq!(contact, created.json());
    assert_eq!(contact["last_name"], json!(null));
    assert_eq!(contact.as_object().unwrap().len(), 27);
    ann.send("GET", &path, &[("If-None-Match", &tag)], b"").expect(304);

    let patched = ann.patch(&path, json!({"last_name": "Smith", "birthday": null})).expect(200);
    assert_eq!(patched.json()["birthday"], json!(null));
    assert_ne!(patched.header("ETag"), tag);
    let stale = [("If-Match", tag.as_str()), ("Content-Type", "application/json")];
    ann.send("PUT", &path, &stale, br#"{"first_name": "Rob"}"#).expect(412);
    let replaced = ann.put(&path, json!({"first_name": "Rob"})).expect(200).json();
    assert_eq!(replaced["last_name"], json!(null));

    let list = ann.get("/api/contacts").expect(200);
    assert_eq!(list.header("X-Total-Count"), "1");
    ann.delete(&path).expect(204);
    ann.get(&path).expect(404);
    assert_eq!(ann.get("/api/contacts").expect(200).json(), json!([]));
    assert_eq!(ann.get("/api/contacts/trash").expect(200).json()[0]["first_name"], "Rob");
    ann.send("POST", &format!("{path}/restore"), &[], b"").expect(200);
    ann.get(&path).expect(200);
}

#[test]
fn wrong_contacts_are_refused_with_every_wrong_field() {
    let world = World::new();
    let ann = world.user("ann");
    let wrong = json!({"first_name": "", "birthday": "2030-01-01", "nick": "x"});
    ann.post("/api/contacts", wrong).expect_faults(&["first_name", "birthday", "nick"]);
    let all_wrong = json!({
        "first_name": "a\u{0}b", "last_name": "x".repeat(101), "email": "nobody", "phone": "12",
        "birthday": "2023-02-29", "additional_data": "ї".repeat(20_001), "labels": ["x".repeat(51)],
    });
    let names: Vec<_> = all_wrong.as_object().unwrap().keys().map(String::as_str).collect();
    ann.post("/api/contacts", all_wrong.clone()).expect_faults(&names);
    for labels in [json!("x"), json!([1]), json!([""]), json!(vec!["x"; 51]), json!([["x"]])] {
        let answer = ann.post("/api/contacts", json!({"first_name": "a", "labels": labels}));
        match labels == json!(vec!["x"; 51]) {
            // A set: fifty-one times the same is one.
            true => assert_eq!(answer.expect(201).json()["labels"], json!(["x"])),
            false => drop(answer.expect_faults(&["labels"])),
        }
    }
    for body in [json!([]), json!("x"), json!(null), json!(7)] {
        ann.post("/api/contacts", body).expect(422);
    }
    ann.send("POST", "/api/contacts", &[("Content-Type", "application/json")], b"{").expect(400);
    ann.send("POST", "/api/contacts", &[("Content-Type", "text/plain")], b"{}").expect(415);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM contacts"), 1);
}

#[test]
fn the_longest_contact_fits() {
    let world = World::new();
    let ann = world.user("ann");
    let labels: Vec<_> = (10..60).map(|number| format!("{number}{}", "🎂".repeat(48))).collect();
    let longest = json!({
        "first_name": "Ї".repeat(100), "last_name": "𝒜".repeat(100), "phone": "1".repeat(32),
        "email": format!("{}@{}.example", "a".repeat(64), "b".repeat(60)),
        "birthday": "0001-01-02", "additional_data": "🎂".repeat(20_000), "labels": labels,
    });
    let escaped: String = longest
        .to_string()
        .encode_utf16()
        .map(
            |unit| {
                if unit < 128 { char::from(unit as u8).into() } else { format!("\\u{unit:04x}") }
            },
        )
        .collect();
    let headers = [("Content-Type", "application/json")];
    let made = ann.send("POST", "/api/contacts", &headers, escaped.as_bytes()).expect(201).json();
    for (name, value) in longest.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
}

#[test]
fn what_was_read_can_be_sent_back_and_blanks_are_nothing() {
    let world = World::new();
    let ann = world.user("ann");
    let bob = json!({"first_name": " Bob ", "last_name": " ", "email": "", "labels": ["A", "a "]});
    let made = ann.post("/api/contacts", bob).expect(201);
    let path = made.header("Location").to_owned();
    let contact = made.json();
    assert_eq!(contact["first_name"], "Bob");
    assert_eq!(contact["last_name"], json!(null));
    assert_eq!(contact["labels"], json!(["A"]));
    let mut back = contact.clone();
    back["id"] = json!(1_000_000);
    back["deleted_at"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(ann.put(&path, back.clone()).expect(200).json(), contact);
    assert_eq!(ann.patch(&path, back).expect(200).json(), contact);
}

#[test]
fn a_merge_patch_changes_what_it_names() {
    let world = World::new();
    let ann = world.user("ann");
    let bob = json!({"first_name": "Bob", "last_name": "B", "phone": "12345", "labels": ["x"]});
    let path = ann.post("/api/contacts", bob).expect(201).header("Location").to_owned();
    let merge = [("Content-Type", "application/merge-patch+json; charset=utf-8")];
    let patch = br#"{"last_name": null, "labels": ["y"], "phone": "54321"}"#;
    let contact = ann.send("PATCH", &path, &merge, patch).expect(200).json();
    assert_eq!(contact["first_name"], "Bob");
    assert_eq!(contact["last_name"], json!(null));
    assert_eq!(contact["labels"], json!(["y"]));
    assert_eq!(ann.patch(&path, json!({"labels": null})).expect(200).json()["labels"], json!([]));
    ann.patch(&path, json!({"first_name": null})).expect_faults(&["first_name"]);
    // A null would remove what is not there: it is still unknown.
    ann.patch(&path, json!({"nick": null, "phone": "x"})).expect_faults(&["nick", "phone"]);
    ann.patch(&path, json!(["first_name"])).expect(422);
    ann.send("PATCH", &path, &[("Content-Type", "application/json-patch+json")], b"[]").expect(415);
    assert_eq!(ann.get(&path).expect(200).json()["phone"], "54321");
}

#[test]
fn ids_that_cannot_be_are_unknown_ones() {
    let world = World::new();
    let ann = world.user("ann");
    let id = ann.post("/api/contacts", json!({"first_name": "Bob"})).expect(201).json();
    let id = id["id"].as_i64().unwrap();
    let odd = [
        "0".to_owned(),
        "00".to_owned(),
        "-1".to_owned(),
        format!("0{id}"),
        format!("+{id}"),
        format!("%2B{id}"),
        format!("{id}.0"),
        "9223372036854775807".to_owned(),
        "9223372036854775808".to_owned(),
        "9".repeat(400),
        "%D9%A1".to_owned(),
        "x".to_owned(),
    ];
    for odd in odd {
        let path = format!("/api/contacts/{odd}");
        ann.get(&path).expect(404);
        ann.delete(&path).expect(404);
        ann.send("POST", &format!("{path}/restore"), &[], b"").expect(404);
        ann.put(&path, json!({"first_name": "Bob"})).expect(404);
        ann.patch(&path, json!({})).expect(404);
        // What is wrong with the body comes first.
        ann.put(&path, json!({"first_name": ""})).expect(422);
        ann.patch(&path, json!({"first_name": ""})).expect(422);
    }
    ann.get(&format!("/api/contacts/{id}/")).expect(200);
    assert_eq!(
        ann.send("HEAD", &format!("/api/contacts/{id}"), &[], b"").expect(200).json()["id"],
        id
    );
}

#[test]
fn tags_guard_against_lost_updates() {
    let world = World::new();
    let ann = world.user("ann");
    let made = ann.post("/api/contacts", json!({"first_name": "Bob"})).expect(201);
    let (path, tag) = (made.header("Location").to_owned(), made.header("ETag").to_owned());
    assert!(tag.starts_with('"') && tag.ends_with('"'));
    let get = |value: &str| ann.send("GET", &path, &[("If-None-Match", value)], b"").status;
    for same in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        assert_eq!(get(&same), 304, "{same}");
    }
    for other in ["\"x\"", "", "x", tag.trim_matches('"')] {
        assert_eq!(get(other), 200, "{other}");
    }
    let with = |method: &str, value: &str| {
        let headers = [("If-Match", value), ("Content-Type", "application/json")];
        ann.send(method, &path, &headers, br#"{"first_name": "Rob"}"#).status
    };
    let weak = format!("W/{tag}");
    for method in ["PUT", "PATCH", "DELETE"] {
        assert_eq!(with(method, "\"0\""), 412);
        assert_eq!(with(method, &weak), 412, "a weak tag matches nothing");
    }
    assert_eq!(ann.get(&path).header("ETag"), tag, "what failed took no revision");
    assert_eq!(with("PATCH", &format!("\"0\", {tag}")), 200);
    assert_eq!(with("PATCH", &tag), 412);
    assert_eq!(with("PUT", "*"), 200);
    let tag = ann.get(&path).header("ETag").to_owned();
    assert_eq!(with("DELETE", &tag), 204);
    assert_eq!(with("DELETE", "*"), 404);
}

#[test]
fn of_parallel_changes_with_one_tag_one_wins_and_each_revision_is_another() {
    let world = World::new();
    let ann = world.user("ann");
    let made = ann.post("/api/contacts", json!({"first_name": "Bob"})).expect(201);
    let (path, tag) = (made.header("Location").to_owned(), made.header("ETag").to_owned());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let (ann, path, tag) = (&ann, &path, &tag);
                scope.spawn(move || {
                    let headers =
                        [("If-Match", tag.as_str()), ("Content-Type", "application/json")];
                    let body = json!({"first_name": format!("Bob{number}")}).to_string();
                    ann.post("/api/contacts", json!({"first_name": "X"})).expect(201);
                    ann.send("PATCH", path, &headers, body.as_bytes()).status
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 3, "{statuses:?}");
    assert_eq!(world.sql::<i64>("SELECT count(DISTINCT revision) FROM contacts"), 5);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "5");
}

#[test]
fn labels_are_counted_whatever_their_case() {
    let world = World::new();
    let ann = world.user("ann");
    for labels in [json!(["Друзі", "work"]), json!(["друзі"]), json!(["ДРУЗІ", "Work"])]
    {
        ann.post("/api/contacts", json!({"first_name": "x", "labels": labels})).expect(201);
    }
    let expected = json!([{"label": "work", "count": 2}, {"label": "Друзі", "count": 3}]);
    assert_eq!(ann.get("/api/contacts/labels").expect(200).json(), expected);
    ann.get("/api/contacts/labels/").expect(200);
    assert_eq!(
        world.user("bob").get("/api/contacts/labels").expect(200).json(),
        Value::Array(vec![])
    );
}

#[test]
fn a_label_is_found_whole_and_in_any_case() {
    let world = World::new();
    let ann = world.user("ann");
    for labels in [json!(["Родина", "work"]), json!(["workshop"]), json!([])] {
        ann.post("/api/contacts", json!({"first_name": "Bob", "labels": labels})).expect(201);
    }
    for (label, count) in [("WORK", 1), ("work", 1), ("родина", 1), ("wor", 0)] {
        let list = ann.get(&format!("/api/contacts?label={label}")).expect(200);
        assert_eq!(list.header("X-Total-Count"), count.to_string(), "{label}");
    }
}

#[test]
fn a_label_is_found_by_the_name_that_was_given() {
    let ann = World::new().user("ann");
    // A heart ends in a sign that makes it red, a word of Persian often in one that joins nothing.
    for label in ["\u{2764}\u{fe0f}", "\u{647}\u{627}\u{200c}", "\u{200f}\u{5e9}"] {
        let body = json!({"first_name": "x", "labels": [label]});
        let id = ann.post("/api/contacts", body).expect(201).json()["id"].clone();
        let path = format!("/api/contacts?label={}", percent_encoded(label.as_bytes()));
        let found = || ann.get(&path).expect(200).json().as_array().unwrap().len();
        assert_eq!(found(), 1, "{label:?}");
        let wish = |action| json!({"ids": [id], "action": action, "label": label});
        let bulk = |action| ann.post("/api/contacts/bulk", wish(action)).expect(200).json();
        assert_eq!(bulk("add_label")["changed"], 0);
        assert_eq!(bulk("remove_label")["changed"], 1);
        assert_eq!((bulk("add_label")["changed"].clone(), found()), (json!(1), 1));
        let wish = json!({"from": label, "to": "\u{200b}"});
        ann.patch("/api/contacts/labels", wish).expect_faults(&["to"]);
        let wish = json!({"from": label, "to": null});
        assert_eq!(ann.patch("/api/contacts/labels", wish).expect(200).json()["changed"], 1);
    }
}

#[test]
fn an_owner_whose_book_is_locked_leaves_connections_to_others() {
    let world = World::with(|config| config.db_pool_size = 16);
    let (ann, eve) = (world.user("ann"), world.user("eve"));
    let begun = Barrier::new(9);
    world
        .app
        .db
        .transaction(|tx| {
            books::lock(tx, ann.id)?; // as a long import does
            let holder: i32 = tx.query_one("SELECT pg_backend_pid()", &[])?.get(0);
            std::thread::scope(|scope| {
                let writers: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            begun.wait();
                            ann.post("/api/contacts", json!({"first_name": "Bob"}))
                        })
                    })
                    .collect();
                begun.wait();
                // For as long as they wait, twice over for those behind.
                let until = Instant::now() + Duration::from_secs(2);
                let waiting = "WITH RECURSIVE waiting AS (SELECT $pid AS pid UNION
                    SELECT it.pid FROM waiting, pg_stat_activity AS it
                    WHERE pg_blocking_pids(it.pid) @> ARRAY[waiting.pid])
                    SELECT count(*) - 1 FROM waiting";
                let waiting = waiting.replace("$pid", &holder.to_string());
                let mut most = 0;
                while most == 0 && Instant::now() < until {
                    std::thread::sleep(Duration::from_millis(100));
                    most = world.sql::<i64>(&waiting);
                }
                std::thread::sleep(Duration::from_millis(100));
                most = most.max(world.sql::<i64>(&waiting));
                assert_eq!(most, 1, "the others wait without a connection");
                while Instant::now() < until {
                    eve.get("/api/contacts").expect(200);
                    eve.post("/api/contacts", json!({"first_name": "Bob"})).expect(201);
                }
                for writer in writers {
                    let answer = writer.join().unwrap().expect(503);
                    assert!(!answer.header("Retry-After").is_empty());
                }
            });
            Ok(())
        })
        .unwrap();
    ann.post("/api/contacts", json!({"first_name": "Bob"})).expect(201);
}

/// Each thousand of them counts the whole book anew.
#[test]
fn of_very_many_labels_the_first_ten_thousand_are_listed() {
    let world = World::new();
    let ann = world.user("ann");
    let cards: String = (0..105)
        .map(|card| {
            let labels: Vec<_> = (0..100).map(|at| format!("l{:05}", card * 100 + at)).collect();
            let labels = labels.join(",");
            format!(
                "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{card}\r\nCATEGORIES:{labels}\r\nEND:VCARD\r\n"
            )
        })
        .collect();
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, cards.as_bytes()).expect(200);
    let listed = ann.get("/api/contacts/labels").expect(200).json();
    let listed = listed.as_array().unwrap();
    let name = |at: usize| listed[at]["label"].as_str().unwrap();
    assert_eq!(
        (listed.len(), name(0), name(999), name(9_999)),
        (10_000, "l00000", "l00999", "l09999")
    );
}

/// A card may bring a label of half a megabyte, and a thousand of them would be one answer.
#[test]
fn a_label_that_is_longer_than_a_page_is_not_listed() {
    let world = World::new();
    let ann = world.user("ann");
    let (long, longer) = ("ж".repeat(10_000), "ж".repeat(10_001));
    let card = format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nCATEGORIES:{long},{longer},work\r\nEND:VCARD\r\n"
    );
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, card.as_bytes()).expect(200);
    let expected = json!([{"label": "work", "count": 1}, {"label": long, "count": 1}]);
    assert_eq!(ann.get("/api/contacts/labels").expect(200).json(), expected);
}
