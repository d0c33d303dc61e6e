//! Lists of a phone with hundreds or thousands of members: what it costs that they follow their label, and that the
//! way back is there nevertheless.

use crate::groups::{family, group, id, labels, members};
use crate::phone::{Phone, ann, card};
use serde_json::json;
use support::world::{Actor, World};

/// Contacts `u0`, `u1`, …, and a list of them all.
fn crowd(ann: &Actor, phone: &Phone, size: usize) -> Vec<String> {
    let people: Vec<String> = (0..size).map(|at| format!("u{at:035}")).collect();
    let file: String = people.iter().map(|uid| card(uid, uid, &[])).collect();
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, file.as_bytes()).expect(200);
    let named: Vec<&str> = people.iter().map(String::as_str).collect();
    phone.put("g.vcf", &group("g", "All", &named)).expect(201);
    people
}

fn revision(world: &World) -> i64 {
    world.sql("SELECT max(revision) FROM address_books")
}

#[test]
fn a_list_that_follows_its_label_fills_no_history() {
    let (ground, ann, phone) = ann();
    let people = crowd(&ann, &phone, 400);
    let history = || ground.world.sql::<i64>("SELECT max(history_bytes) FROM address_books");
    let (then, before, token) = (revision(&ground.world), history(), phone.token());
    for uid in &people[..40] {
        phone.delete(&format!("{uid}.vcf")).expect(204);
    }
    // The card of the list has 30 kB.
    let grown = history() - before;
    assert!(grown < 40 * 1_000, "{grown} bytes of history");
    assert_eq!(members(&phone, "g.vcf"), people[40..]);
    assert!(phone.sync(&token).changes().0.contains(&phone.path("g.vcf").as_str()));
    let path = format!(
        "/api/contacts/{}",
        ground
            .world
            .sql::<i64>("SELECT max(id) FROM contacts WHERE deleted_at IS NULL AND NOT is_group")
    );
    ann.patch(&path, json!({"labels": []})).expect(200);
    let halfway = revision(&ground.world);
    ann.patch("/api/contacts/labels", json!({"from": "All", "to": "Few"})).expect(200);
    phone.delete(&format!("{}.vcf", people[40])).expect(204);
    let token = phone.token();
    ann.post("/api/contacts/rewind", json!({"to": halfway})).expect(200);
    assert_eq!(members(&phone, "g.vcf"), people[40..399]);
    assert!(phone.get("g.vcf").text().contains("FN:All\r\n"));
    ann.post("/api/contacts/rewind", json!({"to": then})).expect(200);
    assert_eq!(members(&phone, "g.vcf"), people);
    assert!(phone.sync(&token).changes().0.contains(&phone.path("g.vcf").as_str()));
    assert_eq!(ann.get("/api/contacts?label=All&limit=1").header("X-Total-Count"), "400");
}

#[test]
fn a_rewound_list_waits_for_who_came_and_went_meanwhile() {
    let (ground, ann, phone) = family();
    phone.put("g.vcf", &group("g", "Family", &["a", "c"])).expect(204);
    let then = revision(&ground.world);
    phone.put("c.vcf", &card("c", "C", &[])).expect(201);
    phone.delete("c.vcf").expect(204);
    phone.delete("a.vcf").expect(204);
    assert!(members(&phone, "g.vcf").is_empty());
    let rewind = json!({"to": then, "dry_run": true});
    let counted = ann.post("/api/contacts/rewind", rewind).expect(200).json();
    assert_eq!(counted, json!({"restored": 1, "reverted": 0, "deleted": 0}));
    ann.post("/api/contacts/rewind", json!({"to": then})).expect(200);
    assert_eq!(members(&phone, "g.vcf"), ["a", "c"]);
    assert_eq!(labels(&ann, "a"), json!(["Family"]));
}

/// The group waits for who lies in the trash, since it was not there then.
#[test]
fn who_is_restored_is_a_member_of_a_list_that_waits() {
    let (ground, ann, phone) = family();
    phone.put("g.vcf", &group("g", "Family", &["a", "c", "d"])).expect(204);
    let then = revision(&ground.world);
    let ids = ["c", "d"].map(|uid| {
        phone.put(&format!("{uid}.vcf"), &card(uid, uid, &[])).expect(201);
        let path = format!("/api/contacts/{}", id(&ann, uid));
        ann.patch(&path, json!({"labels": []})).expect(200);
        id(&ann, uid)
    });
    assert_eq!(members(&phone, "g.vcf"), ["a"]);
    ann.post("/api/contacts/rewind", json!({"to": then})).expect(200);
    let restored = ann.post(&format!("/api/contacts/{}/restore", ids[0]), json!({})).expect(200);
    assert_eq!(restored.json()["labels"], json!(["Family"]));
    let now = ann.get(&format!("/api/contacts/{}", ids[0])).expect(200);
    assert_eq!(now.header("ETag"), restored.header("ETag"));
    let wish = json!({"action": "restore", "ids": [ids[1]]});
    assert_eq!(ann.post("/api/contacts/bulk", wish).expect(200).json()["changed"], 1);
    assert_eq!(labels(&ann, "d"), json!(["Family"]));
    assert_eq!(members(&phone, "g.vcf"), ["a", "c", "d"]);
}

#[test]
fn the_accounts_export_says_who_left_a_list() {
    let (_ground, ann, phone) = family();
    phone.delete("a.vcf").expect(204);
    let all = ann.get("/api/users/me/export").expect(200).json();
    let history = all["history"].as_array().unwrap();
    let last = history.last().unwrap();
    assert_eq!((&last["members"], &last["vcard"]), (&json!(["a"]), &json!(null)), "{last}");
    assert!(history.iter().rev().nth(1).unwrap()["vcard"].as_str().unwrap().contains("UID:a"));
}

/// A card has at most a megabyte without its pictures, and so has that of a list.
#[test]
fn a_label_whose_list_is_full_is_a_quota() {
    let (_ground, ann, phone) = ann();
    let members: Vec<String> = (0..14_168).map(|at| format!("{at:036}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let full = group("g", "All", &members);
    assert!((1_048_503..=1_048_576).contains(&full.len()), "{}", full.len());
    phone.put("g.vcf", &full).expect(201);
    let body = json!({"first_name": "A", "labels": ["All"]});
    let refused = ann.post("/api/contacts", body).expect(409).json();
    assert!(refused["type"].as_str().unwrap().ends_with("quota-exceeded"), "{refused}");
    phone.put("a.vcf", &card("a", "A", &["CATEGORIES:All"])).expect(507);
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
}

#[test]
fn who_has_all_labels_that_one_may_have_is_no_member_when_it_comes() {
    let (_ground, _ann, phone) = family();
    phone.put("g.vcf", &group("g", "Family", &["a", "full"])).expect(204);
    let fifty: Vec<_> = (0..50).map(|it| it.to_string()).collect();
    let full = card("full", "F", &[&format!("CATEGORIES:{}", fifty.join(","))]);
    phone.put("full.vcf", &full).expect(201);
    assert_eq!(members(&phone, "g.vcf"), ["a"]);
}

/// A list that was made again under its old uid, which lies in the trash too.
#[test]
fn a_list_within_a_list_stays_when_it_was_made_anew() {
    let (_ground, ann, phone) = family();
    let outer = group("h", "Outer", &["a", "g"]);
    phone.put("h.vcf", &outer).expect(201);
    phone.delete("g.vcf").expect(204);
    phone.put("g.vcf", &group("g", "Family", &["a"])).expect(201);
    phone.put("h.vcf", &outer).expect(204);
    assert_eq!(members(&phone, "h.vcf"), ["a", "g"]);
    ann.get(&format!("/api/contacts/{}", id(&ann, "a"))).expect(200);
}
