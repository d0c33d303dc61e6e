//! History, back to it, and the change feed.

use crate::world::{Actor, World};
use chrono::Duration;
use contactd::worker;
use serde_json::{Value, json};

fn add(who: &Actor, name: &str) -> String {
    let made = who.post("/api/contacts", json!({ "first_name": name })).expect(201);
    made.header("Location").to_owned()
}

fn names(who: &Actor) -> Vec<String> {
    let list = who.get("/api/contacts?limit=100").expect(200).json();
    list.as_array()
        .unwrap()
        .iter()
        .map(|it| it["first_name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn each_change_is_in_the_history_and_can_be_taken_back() {
    let world = World::new();
    let (ann, eve) = (world.user("ann"), world.user("eve"));
    let path = add(&ann, "A");
    world.pass(Duration::minutes(1));
    ann.patch(&path, json!({"first_name": "B"})).expect(200);
    ann.delete(&path).expect(204);
    ann.send("POST", &format!("{path}/restore"), &[], b"").expect(200);
    let history = ann.get(&format!("{path}/history")).expect(200).json();
    let report: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["revision"].as_i64().unwrap(), it["contact"]["first_name"].clone()))
        .collect();
    assert_eq!(report, [(4, json!("B")), (3, json!("B")), (2, json!("A")), (1, json!(null))]);
    assert_eq!((&history[2]["by"], &history[2]["client"]), (&json!("rest"), &json!("test")));
    assert_eq!(history[2]["at"], "2026-11-22T12:01:00Z");
    assert_eq!(history[2]["contact"]["updated_at"], "2026-11-22T12:00:00Z");
    assert!(history[0]["contact"]["deleted_at"].is_string(), "it lay in the trash");
    eve.get(&format!("{path}/history")).expect(404);
    eve.post(&format!("{path}/revert"), json!({"revision": 2})).expect(404);
    ann.post(&format!("{path}/revert"), json!({"revision": 1})).expect_faults(&["revision"]);
    ann.post(&format!("{path}/revert"), json!({"revision": "2"})).expect_faults(&["revision"]);
    ann.post(&format!("{path}/revert"), json!({})).expect_faults(&["revision"]);
    let back = ann.post(&format!("{path}/revert"), json!({"revision": 2})).expect(200);
    assert_eq!((&back.json()["first_name"], back.header("ETag")), (&json!("A"), "\"5\""));
    world.pass(Duration::days(31));
    let ann = ann.signed_in();
    assert_eq!(ann.get(&format!("{path}/history")).expect(200).json(), json!([]));
}

#[test]
fn an_import_is_taken_back_and_that_too() {
    let world = World::new();
    let (ann, eve) = (world.user("ann"), world.user("eve"));
    add(&ann, "Here");
    add(&eve, "Eve's");
    let file = b"First Name\nOne\nTwo\n";
    let headers = [("Content-Type", "text/csv")];
    let outcome = ann.send("POST", "/api/contacts/import", &headers, file).expect(200).json();
    let rewind = |body: Value| ann.post("/api/contacts/rewind", body);
    let dry = rewind(json!({"to": outcome["undo"], "dry_run": true})).expect(200).json();
    assert_eq!(dry, json!({"restored": 0, "reverted": 0, "deleted": 2}));
    assert_eq!(names(&ann).len(), 3);
    assert_eq!(rewind(json!({"to": outcome["undo"]})).expect(200).json(), dry);
    assert_eq!(names(&ann), ["Here"]);
    let back = rewind(json!({"to": 3})).expect(200).json();
    assert_eq!(back, json!({"restored": 2, "reverted": 0, "deleted": 0}));
    assert_eq!((names(&ann).len(), names(&eve).len()), (3, 1));
    for wrong in [
        json!({}),
        json!({"to": null}),
        json!({"to": "yesterday"}),
        json!({"to": 99}),
        json!({"to": 1.5}),
        json!({"to": "2026-01-01T00:00:00Z"}),
        json!({"to": "2027-01-01T00:00:00Z"}),
    ] {
        rewind(wrong).expect_faults(&["to"]);
    }
    rewind(json!({"to": 1, "dry_run": "x"})).expect_faults(&["dry_run"]);
}

#[test]
fn the_feed_has_each_change_once_in_order_and_old_tokens_are_refused() {
    let world = World::new();
    let (ann, eve) = (world.user("ann"), world.user("eve"));
    let paths = ["A", "B", "C"].map(|name| add(&ann, name));
    let all = ann.get("/api/contacts/changes").expect(200).json();
    assert_eq!((all["changes"].as_array().unwrap().len(), &all["more"]), (3, &json!(false)));
    assert_eq!(all["changes"][0]["contact"], ann.get(&paths[0]).expect(200).json());
    let token = all["next"].as_str().unwrap().to_owned();
    ann.delete(&paths[1]).expect(204);
    ann.patch(&paths[0], json!({"first_name": "A2"})).expect(200);
    let page = ann.get(&format!("/api/contacts/changes?since={token}&limit=1")).expect(200).json();
    assert_eq!(
        (&page["changes"][0]["deleted"], &page["changes"][0]["contact"]),
        (&json!(true), &json!(null))
    );
    assert_eq!(page["more"], true);
    let next = page["next"].as_str().unwrap();
    let rest = ann.get(&format!("/api/contacts/changes?since={next}")).expect(200).json();
    assert_eq!(rest["changes"][0]["contact"]["first_name"], "A2");
    for who in [&eve, &ann] {
        let token = if who.name == "eve" { token.as_str() } else { "urn:contactd:x:1" };
        let refused = who.get(&format!("/api/contacts/changes?since={token}")).expect(410).json();
        assert_eq!(refused["type"], "/problems/resync");
    }
    for no_token in [&*"x".repeat(1_001), "%00", "%0A", "%C2%85", "a%09b"] {
        let refused =
            ann.get(&format!("/api/contacts/changes?since={no_token}")).expect(410).json();
        assert_eq!(refused["type"], "/problems/resync", "{no_token}");
    }
    ann.get(&format!("/api/contacts/changes?since={token}&since={token}"))
        .expect_faults(&["since"]);
    ann.get("/api/contacts/changes?limit=1001").expect_faults(&["limit"]);
    // Thirty days later it is forgotten what was deleted, so an older token is not believed.
    world.pass(Duration::days(30) + Duration::seconds(1));
    contactd::worker::purge(&world.app).unwrap();
    let ann = ann.signed_in();
    ann.get(&format!("/api/contacts/changes?since={token}")).expect(410);
    ann.get(&format!("/api/contacts/changes?since={next}")).expect(200);
}

#[test]
fn a_listing_in_pages_goes_on_after_a_purge() {
    let world = World::new();
    let ann = world.user("ann");
    let gone = add(&ann, "Gone");
    for name in ["A", "B", "C"] {
        add(&ann, name);
    }
    ann.delete(&gone).expect(204);
    world.pass(Duration::days(31));
    contactd::worker::purge(&world.app).unwrap();
    let ann = ann.signed_in();
    let (mut since, mut seen) = (String::new(), Vec::new());
    loop {
        let page = ann.get(&format!("/api/contacts/changes?limit=1{since}")).expect(200).json();
        seen.push(page["changes"][0]["contact"]["first_name"].clone());
        let token = page["next"].as_str().unwrap();
        assert!(token.len() < 80, "{token}");
        since = format!("&since={token}");
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seen, ["A", "B", "C"]);
    let end = ann.get("/api/contacts/changes").expect(200).json();
    assert_eq!(since, format!("&since={}", end["next"].as_str().unwrap()));
}

#[test]
fn a_contact_is_reverted_only_if_it_is_as_it_was_seen() {
    let world = World::new();
    let ann = world.user("ann");
    let path = add(&ann, "A");
    ann.patch(&path, json!({"first_name": "B"})).expect(200);
    let body = json!({"revision": 2}).to_string();
    let revert = |tag: &str| {
        let headers = [("Content-Type", "application/json"), ("If-Match", tag)];
        ann.send("POST", &format!("{path}/revert"), &headers, body.as_bytes())
    };
    revert("\"1\"").expect(412);
    assert_eq!(names(&ann), ["B"]);
    revert("\"2\"").expect(200);
    assert_eq!(names(&ann), ["A"]);
}

#[test]
fn an_import_that_leaves_history_no_room_offers_no_undo_and_says_so() {
    let world = World::with(|config| config.max_storage = 40_000);
    let ann = world.user("ann");
    let file = |letter: &str, cards: usize| -> String {
        let note = letter.repeat(3_000);
        let head = "BEGIN:VCARD\r\nVERSION:3.0";
        let card = |n| format!("{head}\r\nUID:u{n}\r\nFN:P{n}\r\nNOTE:{note}\r\nEND:VCARD\r\n");
        (0..cards).map(card).collect()
    };
    let import = |file: String| {
        let headers = [("Content-Type", "text/vcard")];
        let path = "/api/contacts/import?existing=update";
        ann.send("POST", path, &headers, file.as_bytes()).expect(200).json()
    };
    let first = import(file("a", 8));
    assert_eq!((&first["undo"], &first["warnings"]), (&json!(0), &json!([])));
    let second = import(file("b", 8));
    assert_eq!((&second["updated"], &second["undo"]), (&json!(8), &json!(null)));
    let warnings = second["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let detail = warnings[0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("undo: "), "{detail}");
    ann.post("/api/contacts/rewind", json!({"to": 8})).expect_faults(&["to"]);
    // What fits beside the cards can be undone.
    let third = import(file("c", 1));
    assert_eq!(third["warnings"], json!([]), "{third}");
    ann.post("/api/contacts/rewind", json!({"to": third["undo"]})).expect(200);
    ann.post("/api/contacts/rewind", json!({"to": 8})).expect_faults(&["to"]);
}

#[test]
fn the_picture_of_a_state_of_then_has_no_address() {
    let world = World::new();
    let ann = world.user("ann");
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bob\r\nPHOTO;ENCODING=b;TYPE=JPEG:/9j/4AA=\r\nEND:VCARD\r\n";
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, card.as_bytes()).expect(200);
    let id = ann.get("/api/contacts").expect(200).json()[0]["id"].clone();
    ann.delete(&format!("/api/contacts/{id}/photo")).expect(204);
    let history = ann.get(&format!("/api/contacts/{id}/history")).expect(200).json();
    let then = json!({"url": null, "type": "image/jpeg"});
    assert_eq!(history[0]["contact"]["photo"], then, "there is none at the address today");
}

#[test]
fn a_rewind_is_a_dry_run_too_when_the_query_says_so() {
    let world = World::new();
    let ann = world.user("ann");
    add(&ann, "A");
    for query in ["true", "1"] {
        let path = format!("/api/contacts/rewind?dry_run={query}");
        let counted = ann.post(&path, json!({"to": 0})).expect(200).json();
        assert_eq!((counted["deleted"].as_i64(), names(&ann).len()), (Some(1), 1));
    }
    for flag in ["dry_run=maybe", "dry_run"] {
        let path = format!("/api/contacts/rewind?{flag}");
        ann.post(&path, json!({"to": 0})).expect_faults(&["dry_run"]);
    }
    ann.post("/api/contacts/rewind?dry_run=false", json!({"to": 0, "dry_run": true})).expect(200);
    assert_eq!(names(&ann), ["A"], "one of the two is enough");
    ann.post("/api/contacts/rewind?dry_run=false", json!({"to": 0})).expect(200);
    assert_eq!(names(&ann).len(), 0);
}

#[test]
fn a_revert_that_cannot_be_says_why() {
    let world = World::new();
    let ann = world.user("ann");
    let path = add(&ann, "A");
    ann.patch(&path, json!({"first_name": "B"})).expect(200);
    let revert = |revision: i64| ann.post(&format!("{path}/revert"), json!({"revision": revision}));
    let faults = revert(1).expect_faults(&["revision"]).json();
    let why = faults["errors"][0]["detail"].as_str().unwrap();
    assert!(why.contains("made the contact; there is nothing before it"), "{why}");
    let faults = revert(99).expect_faults(&["revision"]).json();
    let why = faults["errors"][0]["detail"].as_str().unwrap();
    assert!(why.contains("none of this contact's changes"), "{why}");
    ann.delete(&path).expect(204);
    let gone = revert(2).expect(404).json();
    assert!(gone["detail"].as_str().unwrap().contains("restore"), "{gone}");
    let unknown = ann.post("/api/contacts/99/revert", json!({"revision": 2})).expect(404).json();
    assert!(!unknown["detail"].as_str().unwrap().contains("restore"), "{unknown}");
}

/// The clock is a year ahead for some minutes, in which the worker purges. Nothing that is changed afterwards is
/// beyond undoing for it.
#[test]
fn a_purge_under_a_wrong_clock_keeps_no_later_change_from_being_undone() {
    let world = World::new();
    let ann = world.user("ann");
    let path = add(&ann, "A");
    ann.delete(&add(&ann, "gone")).expect(204);
    world.pass(Duration::days(365));
    worker::purge(&world.app).unwrap();
    world.pass(-Duration::days(365) + Duration::hours(1));
    let ann = ann.signed_in();
    ann.patch(&path, json!({"first_name": "B"})).expect(200);
    let history = ann.get(&format!("{path}/history")).expect(200).json();
    assert_eq!(history[0]["contact"]["first_name"], "A");
    let then = history[0]["revision"].as_i64().unwrap() - 1;
    let rewound = ann.post("/api/contacts/rewind", json!({"to": then})).expect(200).json();
    assert_eq!(rewound, json!({"restored": 0, "reverted": 1, "deleted": 0}));
    let to = world.now() - Duration::minutes(1);
    ann.post("/api/contacts/rewind", json!({"to": to})).expect(200);
    assert_eq!(names(&ann), ["A"]);
    // What the purge took is out of reach.
    let to = world.now() - Duration::hours(2);
    ann.post("/api/contacts/rewind", json!({"to": to})).expect_faults(&["to"]);
}

/// What is shown of the past can be undone, also in a book that was changed under a clock a year ahead.
#[test]
fn a_change_under_a_wrong_clock_keeps_none_from_being_undone() {
    let world = World::new();
    let ann = world.user("ann");
    let path = add(&ann, "A");
    world.pass(Duration::hours(1));
    let ann = ann.signed_in();
    ann.patch(&path, json!({"first_name": "B"})).expect(200);
    world.pass(Duration::days(365));
    ann.signed_in().patch(&path, json!({"first_name": "C"})).expect(200);
    world.pass(-Duration::days(365) + Duration::hours(1));
    let ann = ann.signed_in();
    let history = ann.get(&format!("{path}/history")).expect(200).json();
    assert_eq!(history[1]["contact"]["first_name"], "A");
    let revert = json!({"revision": history[1]["revision"]});
    let reverted = ann.post(&format!("{path}/revert"), revert).expect(200).json();
    assert_eq!(reverted["first_name"], "A");
    let to = world.now() - Duration::minutes(90);
    ann.post("/api/contacts/rewind", json!({"to": to, "dry_run": true})).expect(200);
    let to = json!({"to": history[1]["revision"]});
    ann.post("/api/contacts/rewind", to).expect(200);
    assert_eq!(names(&ann), ["B"]);
}
