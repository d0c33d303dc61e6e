//! Contacts of one owner.

use crate::world::World;
use serde_json::json;

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
    ann.send("POST", "/api/contacts", &[("Content-Type", "application/json")], b"{").expect(400);
    ann.send("POST", "/api/contacts", &[("Content-Type", "text/plain")], b"{}").expect(415);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM contacts"), 0);
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
