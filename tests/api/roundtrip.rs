//! What goes out comes in again: the contacts of an account, exported and imported into another one,
//! are the same cards (vCard) and the same JSON (table, JSON). With random contacts.

use crate::world::{Actor, World};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A small generator (xorshift): the same contacts in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn maybe(&mut self) -> bool {
        self.below(2) == 0
    }

    fn text(&mut self) -> String {
        const WORDS: [&str; 14] = [
            "Ann", "Müller", "Їжак", "O'Neil", "a;b", "c,d", "\"q\"", "\\n", "=1+1", "-x", "山田",
            "🎂", "x:y", "* z",
        ];
        let words: Vec<_> = (0..=self.below(2)).map(|_| self.one(&WORDS)).collect();
        words.join(" ")
    }

    fn label(&mut self) -> Value {
        match self.below(4) {
            0 => Value::Null,
            1 => json!(self.one(&["home", "work", "mobile", "fax", "other"])),
            _ => json!(self.text()),
        }
    }

    fn date(&mut self) -> String {
        let year =
            if self.maybe() { format!("{}", 1900 + self.below(120)) } else { "-".to_owned() };
        format!("{year}-{:02}-{:02}", 1 + self.below(12), 1 + self.below(28))
    }

    fn contact(&mut self, number: u64) -> Value {
        let mut body = Map::new();
        body.insert("first_name".into(), json!(format!("N{number} {}", self.text())));
        for name in [
            "prefix",
            "middle_name",
            "last_name",
            "suffix",
            "nickname",
            "organization",
            "department",
            "job_title",
            "additional_data",
        ] {
            if self.maybe() {
                body.insert(name.into(), json!(self.text()));
            }
        }
        if body.contains_key("department") {
            body.insert("organization".into(), json!(self.text()));
        }
        if self.below(4) == 0 {
            body.insert("display_name".into(), json!(format!("Boss {number}")));
        }
        if self.maybe() {
            body.insert("birthday".into(), json!(self.date()));
        }
        let mut list = |name: &str, each: &mut dyn FnMut(&mut Random, u64) -> Value| {
            let items: Vec<_> = (0..self.below(3)).map(|at| each(self, at)).collect();
            body.insert(name.to_owned(), json!(items));
        };
        list(
            "emails",
            &mut |r, at| json!({"value": format!("m{number}.{at}@example.com"), "label": r.label()}),
        );
        list(
            "phones",
            &mut |r, at| json!({"value": format!("+49 30 {number}{at}555"), "label": r.label()}),
        );
        list(
            "addresses",
            &mut |r, _| json!({"label": r.label(), "street": r.text(), "city": r.text(), "postal_code": "10969"}),
        );
        list(
            "urls",
            &mut |r, at| json!({"value": format!("https://x{at}.example/{number}"), "label": r.label()}),
        );
        list(
            "dates",
            &mut |r, _| json!({"value": r.date(), "label": r.one(&["anniversary", "first met"])}),
        );
        list(
            "relations",
            &mut |r, _| json!({"value": r.text(), "label": r.one(&["sister", "friend"])}),
        );
        list(
            "online",
            &mut |r, at| json!({"service": r.one(&["matrix", "xmpp"]), "value": format!("@u{at}:example.net")}),
        );
        list("labels", &mut |r, at| json!(format!("{} {at}", r.text())));
        Value::Object(body)
    }
}

/// The contacts by their first name, without what the server gives them.
fn contacts(who: &Actor, ours: &[&str]) -> BTreeMap<String, Value> {
    let list = who.get("/api/contacts/export?format=json").expect(200).json();
    let mut all = BTreeMap::new();
    for mut contact in list.as_array().unwrap().clone() {
        for name in ["id", "created_at", "updated_at"].iter().chain(ours) {
            contact.as_object_mut().unwrap().remove(*name);
        }
        all.insert(contact["first_name"].as_str().unwrap().to_owned(), contact);
    }
    all
}

fn cards(who: &Actor) -> Vec<String> {
    let file = who.get("/api/contacts/export").expect(200).text();
    let mut cards: Vec<_> = file.split_inclusive("END:VCARD\r\n").map(str::to_owned).collect();
    cards.sort_unstable();
    cards
}

#[test]
fn what_was_exported_comes_in_as_it_was() {
    let world = World::new();
    let ann = world.user("ann");
    let mut random = Random(0x5eed_1234_5678_9abc);
    for number in 0..60 {
        let body = random.contact(number);
        ann.post("/api/contacts", body).expect(201);
    }
    for (format, media_type) in
        [("vcard", "text/vcard"), ("json", "application/json"), ("csv", "text/csv")]
    {
        let file = ann.get(&format!("/api/contacts/export?format={format}")).expect(200);
        let other = world.user(&format!("other-{format}"));
        let headers = [("Content-Type", media_type)];
        let outcome =
            other.send("POST", "/api/contacts/import", &headers, &file.body).expect(200).json();
        assert_eq!(
            (&outcome["created"], &outcome["errors"]),
            (&json!(60), &json!([])),
            "{format}: {outcome}"
        );
        let ours: &[&str] = if format == "csv" { &["uid"] } else { &[] };
        let (before, after) = (contacts(&ann, ours), contacts(&other, ours));
        for (name, contact) in &before {
            assert_eq!(after.get(name), Some(contact), "{format}");
        }
        if format == "vcard" {
            assert_eq!(cards(&other), cards(&ann));
        }
        // And a second time nothing.
        let again =
            other.send("POST", "/api/contacts/import", &headers, &file.body).expect(200).json();
        assert_eq!(
            (&again["created"], &again["skipped_duplicates"]),
            (&json!(0), &json!(60)),
            "{format}: {again}"
        );
    }
}
