//! Nothing is lost by a slip: the description says of each change how it is undone, and it is so.

use crate::world::description::{DOCUMENT, valid};
use crate::world::{Actor, Answer, World};
use chrono::Duration;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Changes of contacts that take nothing away.
const NOTHING_TO_UNDO: [&str; 2] =
    ["/api/contacts/duplicates/dismiss", "/api/contacts/calendar-url"];

#[test]
fn the_description_says_of_each_change_of_contacts_how_it_is_undone() {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let (mut changes, mut links) = (0, 0);
    for (path, verbs) in paths.iter().filter(|(path, _)| path.starts_with("/api/contacts")) {
        for (verb, call) in verbs.as_object().unwrap() {
            let success = call["responses"].as_object().unwrap();
            let success = success.iter().find(|(status, _)| status.starts_with('2')).unwrap().1;
            let undo = success.get("links").and_then(Value::as_object);
            let wanted = verb != "get" && !NOTHING_TO_UNDO.contains(&path.as_str());
            assert_eq!(undo.is_some_and(|it| it.contains_key("undo")), wanted, "{verb} {path}");
            changes += usize::from(wanted);
            for link in undo.into_iter().flatten().map(|(_, link)| link) {
                links += 1;
                let (verb, path) = operation(&link["operationId"]);
                assert_eq!(path.contains("{id}"), link["parameters"].get("id").is_some(), "{link}");
                if let Some(body) = link.get("requestBody") {
                    let path = path.replace('/', "~1");
                    let schema = format!(
                        "/paths/{path}/{verb}/requestBody/content/application~1json/schema"
                    );
                    valid(&schema, body).expect(&schema);
                }
            }
        }
    }
    assert!(changes > 12 && links > changes);
}

fn operation(id: &Value) -> (&'static str, &'static str) {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let mut calls = paths.iter().flat_map(|(path, verbs)| {
        verbs.as_object().unwrap().iter().map(move |(verb, call)| (verb, path, call))
    });
    let (verb, path, _) = calls.find(|(_, _, call)| call["operationId"] == *id).expect("a call");
    (verb, path)
}

/// The book without the instants of changes, which an undo is too.
fn book(ann: &Actor) -> BTreeMap<i64, Value> {
    let list = ann.get("/api/contacts?limit=100").expect(200).json();
    let contact = |it: &Value| {
        let mut contact = it.clone();
        contact.as_object_mut().unwrap().remove("updated_at");
        (it["id"].as_i64().unwrap(), contact)
    };
    list.as_array().unwrap().iter().map(contact).collect()
}

/// The number in an answer's ETag.
fn revision(answer: &Answer) -> i64 {
    answer.header("ETag").trim_matches('"').parse().unwrap()
}

#[test]
fn each_change_is_undone_as_it_is_described() {
    let world = World::new();
    let ann = world.user("ann");
    let add = |contact: Value| ann.post("/api/contacts", contact).expect(201);
    let id = |answer: &Answer| answer.json()["id"].as_i64().unwrap();
    let one = id(&add(json!({"first_name": "Ann", "labels": ["x"], "birthday": "1990-01-02"})));
    let two = id(&add(json!({"first_name": "Bob", "email": "b@x.org", "labels": ["X", "y"]})));
    let path = format!("/api/contacts/{one}");
    let photo = format!("{path}/photo");
    let picture = crate::avatars::picture(40, 30, image::ImageFormat::Png);
    let set_photo = || ann.send("PUT", &photo, &[("Content-Type", "image/png")], &picture);
    let post = |path: &str, body: Value| drop(ann.post(path, body).expect(200));
    let revert = |revision: i64| post(&format!("{path}/revert"), json!({"revision": revision}));
    let revert_last = |answer: &Answer| revert(revision(answer));
    let rewind = |to: Value| post("/api/contacts/rewind", json!({ "to": to }));
    let bulk = |action: &str| json!({"action": action, "ids": [one, two]});
    // Changes, sees that there is a change, undoes it, sees that there is none.
    let undone = |change: &dyn Fn() -> Answer, undo: &dyn Fn(&Answer)| {
        let before = book(&ann);
        world.pass(Duration::minutes(1));
        let answer = change();
        assert!(answer.status < 300 && book(&ann) != before, "{answer:?}");
        undo(&answer);
        assert_eq!(book(&ann), before, "{}", answer.asked);
    };
    let instant = || json!((world.now() - Duration::seconds(1)).to_rfc3339());

    undone(&|| add(json!({"nickname": "N"})), &|answer| {
        ann.delete(&format!("/api/contacts/{}", id(answer))).expect(204);
    });
    undone(&|| ann.put(&path, json!({"last_name": "New"})), &revert_last);
    undone(&|| ann.patch(&path, json!({"labels": null})), &revert_last);
    undone(&|| ann.delete(&path), &|_| post(&format!("{path}/restore"), json!({})));
    undone(&set_photo, &revert_last);
    set_photo().expect(200);
    undone(&|| ann.delete(&photo), &|_| {
        let history = ann.get(&format!("{path}/history")).expect(200).json();
        revert(history[0]["revision"].as_i64().unwrap());
    });
    let last = revision(&ann.get(&path).expect(200));
    undone(&|| ann.post(&format!("{path}/revert"), json!({"revision": last})), &revert_last);
    undone(&|| ann.post("/api/contacts/bulk", bulk("delete")), &|_| {
        post("/api/contacts/bulk", bulk("restore"));
    });
    let rename = json!({"from": "X", "to": "z"});
    undone(&|| ann.patch("/api/contacts/labels", rename.clone()), &|_| rewind(instant()));
    let file = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:New\r\nN:New;;;;\r\nEND:VCARD\r\n";
    let import =
        || ann.send("POST", "/api/contacts/import", &[("Content-Type", "text/vcard")], file);
    undone(&import, &|answer| rewind(answer.json()["undo"].clone()));
    let merge = json!({"keep": one, "merge": [two]});
    undone(&|| ann.post("/api/contacts/merge", merge.clone()), &|answer| {
        revert_last(answer);
        post("/api/contacts/bulk", json!({"action": "restore", "ids": [two]}));
    });
    undone(&|| ann.post("/api/contacts/rewind", json!({"to": 1})), &|_| rewind(instant()));
}
