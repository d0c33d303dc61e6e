//! Files in.

use crate::world::{Actor, Answer, World};
use serde_json::{Value, json};

const IMPORT: &str = "/api/contacts/import";

fn import(who: &Actor, content_type: &str, file: impl AsRef<[u8]>) -> Answer {
    who.send("POST", IMPORT, &[("Content-Type", content_type)], file.as_ref())
}

fn card(uid: &str, first: &str) -> String {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nN:;{first};;;\r\nEND:VCARD\r\n")
}

fn counts(answer: &Answer) -> (Value, Value, usize) {
    let json = answer.json();
    let errors = json["errors"].as_array().unwrap().len();
    (json["created"].clone(), json["skipped_duplicates"].clone(), errors)
}

#[test]
fn what_was_exported_in_any_format_adds_nothing_and_brings_everything_to_somebody_else() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let full = json!({
        "first_name": "=Zoë", "last_name": "O'Brien, Jr; \\ \"x\"", "email": "zoe@example.com",
        "phone": "+380 44 123-45-67", "birthday": "1990-02-28",
        "additional_data": "one\r\ntwo\tthree\n\n-four, \"five\"; six\\n",
        "labels": ["Сім'я", "a;b", "c,d", ":::", "x:::y"],
    });
    ann.post("/api/contacts", full.clone()).expect(201);
    ann.post("/api/contacts", json!({"first_name": "Їжак"})).expect(201);
    ann.post("/api/contacts", json!({"first_name": "-1+1", "phone": "+1 555"})).expect(201);
    for (format, content_type) in
        [("vcard", "text/vcard"), ("csv", "text/csv"), ("json", "application/json")]
    {
        let file = ann.get(&format!("/api/contacts/export?format={format}")).expect(200);
        assert!(file.header("Content-Type").starts_with(content_type));
        let again = import(&ann, content_type, &file.body).expect(200);
        assert_eq!(counts(&again), (json!(0), json!(3), 0), "{format}: {}", again.text());
        let carl = world.user(&format!("carl-{format}"));
        let there = import(&carl, content_type, &file.body).expect(200);
        assert_eq!(counts(&there), (json!(3), json!(0), 0), "{format}: {}", there.text());
        let there = carl.get("/api/contacts?search=zoe").expect(200).json();
        for (name, value) in full.as_object().unwrap() {
            let normal = |value: &Value| value.to_string().replace("\\r\\n", "\\n");
            assert_eq!(normal(&there[0][name]), normal(value), "{format}: {name}");
        }
    }
    assert_eq!(bob.get("/api/contacts").expect(200).json(), json!([]));
}

#[test]
fn a_card_is_known_by_its_uid_or_by_all_its_fields() {
    let world = World::new();
    let ann = world.user("ann");
    let file = [card("1", "Ann"), card("2", "Bob"), card("1", "Rob"), card("3", "Bob")].concat();
    let answer = import(&ann, "text/vcard", &file).expect(200);
    assert_eq!(counts(&answer), (json!(2), json!(2), 0));
    assert_eq!(counts(&import(&ann, "text/vcard", &file).expect(200)), (json!(0), json!(4), 0));
}
