//! Deleted contacts.

use crate::world::{Actor, World};
use chrono::Duration;
use contactd::worker;
use serde_json::json;

fn add(who: &Actor, name: &str) -> String {
    let made = who.post("/api/contacts", json!({"first_name": name})).expect(201);
    made.header("Location").to_owned()
}

#[test]
fn the_trash_is_seen_by_its_own_calls_only() {
    let world = World::new();
    let ann = world.user("ann");
    let contact = json!({"first_name": "Bob", "birthday": "1990-11-23", "labels": ["x"]});
    let path = ann.post("/api/contacts", contact).expect(201).header("Location").to_owned();
    ann.delete(&path).expect(204);
    ann.delete(&path).expect(404);
    ann.get(&path).expect(404);
    ann.put(&path, json!({"first_name": "Rob"})).expect(404);
    ann.patch(&path, json!({"first_name": "Rob"})).expect(404);
    for list in ["", "?search=bob", "?label=x", "/birthdays", "/labels", "/export?format=json"] {
        let answer = ann.get(&format!("/api/contacts{list}")).expect(200);
        assert_eq!(answer.json(), json!([]), "{list}");
    }
    for file in ["vcard", "csv"] {
        let answer = ann.get(&format!("/api/contacts/export?format={file}")).expect(200);
        assert!(!answer.text().contains("Bob"), "{file}");
    }
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "0");
    let trash = ann.get("/api/contacts/trash").expect(200);
    assert_eq!(trash.header("X-Total-Count"), "1");
    // A microsecond after it was made: the clock stands, and each change has an instant of its own.
    assert_eq!(trash.json()[0]["deleted_at"], "2026-11-22T12:00:00.000001Z");
}

#[test]
fn restoring_is_a_change() {
    let world = World::new();
    let ann = world.user("ann");
    let path = add(&ann, "Bob");
    let before = ann.get(&path).expect(200);
    ann.send("POST", &format!("{path}/restore"), &[], b"").expect(404);
    ann.delete(&path).expect(204);
    world.pass(Duration::hours(1));
    let ann = ann.signed_in();
    let restored = ann.send("POST", &format!("{path}/restore"), &[], b"").expect(200);
    assert_ne!(restored.header("ETag"), before.header("ETag"));
    assert_eq!(restored.json()["updated_at"], "2026-11-22T13:00:00Z");
    assert_eq!(restored.json()["created_at"], before.json()["created_at"]);
    assert!(restored.json().get("deleted_at").is_none());
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1");
    assert_eq!(ann.get("/api/contacts/trash").expect(200).json(), json!([]));
}

#[test]
fn a_uid_that_came_back_meanwhile_does_not_hinder_the_restoring() {
    let world = World::new();
    let ann = world.user("ann");
    let headers = [("Content-Type", "text/vcard")];
    let card = b"BEGIN:VCARD\nVERSION:3.0\nUID:u-1\nN:;Bob\nEND:VCARD\n";
    ann.send("POST", "/api/contacts/import", &headers, card).expect(200);
    let id = ann.get("/api/contacts").json()[0]["id"].to_string();
    ann.delete(&format!("/api/contacts/{id}")).expect(204);
    // A uid in the trash does not count as there.
    let again = ann.send("POST", "/api/contacts/import", &headers, card).expect(200).json();
    assert_eq!(again["created"], 1);
    ann.send("POST", &format!("/api/contacts/{id}/restore"), &[], b"").expect(200);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "2");
    assert_eq!(world.sql::<i64>("SELECT count(DISTINCT uid) FROM contacts"), 2);
}

#[test]
fn newest_first_in_pages_and_purged_after_thirty_days() {
    let world = World::new();
    let ann = world.user("ann");
    let paths: Vec<_> = ["a", "b", "c"].iter().map(|name| add(&ann, name)).collect();
    world.pass(Duration::seconds(1));
    for path in &paths {
        ann.signed_in().delete(path).expect(204);
        world.pass(Duration::days(1));
    }
    let ann = ann.signed_in();
    let page = ann.get("/api/contacts/trash?skip=1&limit=1").expect(200);
    assert_eq!(page.json()[0]["first_name"], "b");
    assert_eq!(page.header("X-Total-Count"), "3");
    ann.get("/api/contacts/trash?limit=101&skip=-1").expect_faults(&["limit", "skip"]);
    world.pass(Duration::days(27) - Duration::seconds(1));
    worker::purge(&world.app).unwrap();
    let ann = ann.signed_in();
    assert_eq!(ann.get("/api/contacts/trash").header("X-Total-Count"), "3");
    world.pass(Duration::seconds(1));
    worker::purge(&world.app).unwrap();
    assert_eq!(ann.get("/api/contacts/trash").header("X-Total-Count"), "2");
    ann.send("POST", &format!("{}/restore", paths[0]), &[], b"").expect(404);
    ann.send("POST", &format!("{}/restore", paths[2]), &[], b"").expect(200);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1");
}

#[test]
fn who_restores_what_was_seen_in_the_history_restores_nothing_else() {
    let world = World::new();
    let ann = world.user("ann");
    let path = add(&ann, "Bob");
    ann.delete(&path).expect(204);
    let history = ann.get(&format!("{path}/history")).expect(200).json();
    let tag = format!("\"{}\"", history[0]["revision"]);
    let restore = format!("{path}/restore");
    ann.send("POST", &restore, &[("If-Match", "\"1\"")], b"").expect(412);
    ann.send("POST", &restore, &[("If-Match", &tag)], b"").expect(200);
    ann.send("POST", &restore, &[("If-Match", &tag)], b"").expect(404);
}
