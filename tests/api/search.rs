//! Search and filters, as a person would call them right.

use crate::world::{Actor, World};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

/// The first names of what a filter finds, in order; the total must agree.
#[track_caller]
fn found(who: &Actor, filter: &str, text: &str) -> Vec<String> {
    let text = utf8_percent_encode(text, NON_ALPHANUMERIC);
    let answer = who.get(&format!("/api/contacts?limit=100&{filter}={text}")).expect(200);
    let list = answer.json();
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| contact["first_name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(answer.header("X-Total-Count"), names.len().to_string());
    names
}

fn book(world: &World) -> Actor {
    let ann = world.user("ann");
    for contact in [
        json!({"first_name": "Іван", "last_name": "Іваненко", "phone": "+380 44 123-45-67"}),
        json!({"first_name": "Hans", "last_name": "Müller", "email": "Hans.M@Example.COM"}),
        json!({"first_name": "Ivan", "last_name": "O’Brien", "additional_data": "Pays 100% on time_"}),
        json!({"first_name": "Zoë", "additional_data": r"C:\home, 10 years"}),
        json!({"first_name": "Ґедзь", "last_name": "Їжаченко", "labels": ["Сім'я", "work"]}),
        json!({"first_name": "Straße", "last_name": "Æøå", "labels": ["WORK"]}),
    ] {
        ann.post("/api/contacts", contact).expect(201);
    }
    ann
}

#[test]
fn it_finds_what_the_eye_finds() {
    let world = World::new();
    let ann = book(&world);
    for (text, names) in [
        ("іванен", &["Іван"][..]),
        ("ІВАНЕНКО", &["Іван"]),
        ("ivan", &["Ivan"]),
        ("іван", &["Іван"]),
        ("muller", &["Hans"]),
        ("MÜLL", &["Hans"]),
        ("mu\u{308}ller", &["Hans"]),
        ("zoe", &["Zoë"]),
        ("гедз", &["Ґедзь"]),
        ("іжаченко", &["Ґедзь"]),
        ("strasse", &["Straße"]),
        ("aeoa", &["Straße"]),
        ("obrien", &["Ivan"]),
        ("o'brien", &["Ivan"]),
        ("іван іваненко", &["Іван"]),
        ("іваненко іван", &["Іван"]),
        ("іваненко, іван", &["Іван"]),
        ("hans.m@example", &["Hans"]),
        ("Müller, Hans <hans.m@example.com>;", &["Hans"]),
        ("Müller , Hans < hans.m@example.com > ;", &["Hans"]),
        ("\"Müller, Hans\" <hans.m@example.com>", &["Hans"]),
        ("„Müller“, hans", &["Hans"]),
        ("іваненко، іван、", &["Іван"]),
        ("(044) 123", &["Іван"]),
        ("+380441234567", &["Іван"]),
        ("10 years", &["Zoë"]),
        ("nobody at all", &[]),
    ] {
        assert_eq!(found(&ann, "search", text), names, "{text}");
    }
}

#[test]
fn marks_are_no_letters_in_any_script() {
    let world = World::new();
    let ann = world.user("ann");
    for name in ["Sean O´Neil", "ΚΩΣΤΑΣ", "مُحَمَّد", "דָּוִד"] {
        ann.post("/api/contacts", json!({"first_name": name, "last_name": "x"})).expect(201);
    }
    for (text, names) in [
        ("oneil", &["Sean O´Neil"][..]),
        ("o'neil x", &["Sean O´Neil"]),
        ("O´NEIL", &["Sean O´Neil"]),
        ("ΚΩΣ", &["ΚΩΣΤΑΣ"]),
        ("κωστας", &["ΚΩΣΤΑΣ"]),
        ("محمد", &["مُحَمَّد"]),
        ("דוד", &["דָּוִד"]),
        ("´", &[]),
        ("¨", &[]),
    ] {
        assert_eq!(found(&ann, "search", text), names, "{text}");
    }
}

#[test]
fn wildcards_are_plain_characters() {
    let world = World::new();
    let ann = book(&world);
    assert_eq!(found(&ann, "search", "%"), ["Ivan"]);
    assert_eq!(found(&ann, "search", "_"), ["Ivan"]);
    assert_eq!(found(&ann, "search", r"\"), ["Zoë"]);
    assert_eq!(found(&ann, "search", "100%"), ["Ivan"]);
    assert_eq!(found(&ann, "search", "i%n"), Vec::<String>::new());
    assert_eq!(found(&ann, "first_name", "%"), Vec::<String>::new());
    assert_eq!(found(&ann, "email", "_"), Vec::<String>::new());
    assert_eq!(found(&ann, "label", "%"), Vec::<String>::new());
    // Marks that are folded away say nothing, so they find nothing.
    assert_eq!(found(&ann, "search", "'"), Vec::<String>::new());
    assert_eq!(found(&ann, "last_name", "\u{301}"), Vec::<String>::new());
}

#[test]
fn filters_look_in_their_own_field_and_hold_together() {
    let world = World::new();
    let ann = book(&world);
    assert_eq!(found(&ann, "first_name", "IVAN"), ["Ivan"]);
    assert_eq!(found(&ann, "last_name", "ivan"), Vec::<String>::new());
    assert_eq!(found(&ann, "last_name", "ivan&first_name="), Vec::<String>::new());
    assert_eq!(found(&ann, "email", "EXAMPLE.com"), ["Hans"]);
    assert_eq!(found(&ann, "phone", "(44) 123-4"), ["Іван"]);
    assert_eq!(found(&ann, "phone", "abc"), Vec::<String>::new());
    assert_eq!(found(&ann, "label", "work"), ["Straße", "Ґедзь"]);
    assert_eq!(found(&ann, "label", "сім'Я"), ["Ґедзь"]);
    assert_eq!(found(&ann, "label", "wor"), Vec::<String>::new());
    assert_eq!(found(&ann, "label=work&search", "strasse"), ["Straße"]);
    assert_eq!(found(&ann, "label=work&first_name=zoe&search", "s"), Vec::<String>::new());
    // An empty filter is none. Of two it is unknown which was meant, also when one is empty.
    assert_eq!(found(&ann, "label=work&search", "").len(), 2);
    ann.get("/api/contacts?search=nobody&search=zoe&limit=5&limit=")
        .expect_faults(&["search", "limit"]);
}

#[test]
fn odd_filters_are_refused_and_never_a_fault_of_ours() {
    let world = World::new();
    let ann = book(&world);
    let names = ["first_name", "last_name", "email", "phone", "label", "search"];
    for name in names {
        ann.get(&format!("/api/contacts?{name}=a%00b")).expect_faults(&[name]);
        ann.get(&format!("/api/contacts?{name}=%0A")).expect_faults(&[name]);
        ann.get(&format!("/api/contacts?{name}=%20")).expect(200);
        ann.get(&format!("/api/contacts?{name}=a%0Ab")).expect_faults(&[name]);
        ann.get(&format!("/api/contacts?{name}={}", "x".repeat(1_001))).expect_faults(&[name]);
        ann.get(&format!("/api/contacts?{name}=%ff")).expect(400);
        ann.get(&format!("/api/contacts?{name}=%2")).expect(400);
        ann.get(&format!("/api/contacts?{name}=%F0%9F%8E%82")).expect(200);
    }
}

#[test]
fn updated_since_is_inclusive_and_takes_any_offset() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/contacts", json!({"first_name": "Old"})).expect(201);
    world.pass(chrono::Duration::hours(1));
    let ann = ann.signed_in();
    let new = ann.post("/api/contacts", json!({"first_name": "New"})).expect(201).json();
    assert_eq!(found(&ann, "updated_since", new["updated_at"].as_str().unwrap()), ["New"]);
    assert_eq!(found(&ann, "updated_since", "2026-11-22T15:00:00+02:00"), ["New"]);
    assert_eq!(found(&ann, "updated_since", "2026-11-22T12:00:00Z").len(), 2);
    assert_eq!(found(&ann, "updated_since", "2026-11-22T13:00:00.000001Z"), Vec::<String>::new());
    // A plus that was not escaped, and the ends of time.
    assert_eq!(
        ann.get("/api/contacts?updated_since=2026-11-22T15:00:00+02:00").json()[0]["first_name"],
        "New"
    );
    assert_eq!(found(&ann, "updated_since", "9999-12-31T23:59:59-23:59"), Vec::<String>::new());
    assert_eq!(found(&ann, "updated_since", "0001-01-01T00:00:00Z").len(), 2);
    for wrong in ["yesterday", "2026-11-22", "2026-13-01T00:00:00Z"] {
        ann.get(&format!("/api/contacts?updated_since={wrong}")).expect_faults(&["updated_since"]);
    }
}

#[test]
fn a_search_has_at_most_twenty_words_and_each_is_looked_for_once() {
    let world = World::new();
    let ann = book(&world);
    let words = |count: usize| vec!["o"; count].join("+");
    ann.get(&format!("/api/contacts?search={}", words(20))).expect(200);
    let path = format!("/api/contacts?search={}", words(21));
    ann.get(&path).expect_faults(&["search"]);
}

#[test]
fn the_zero_that_is_dialled_within_the_country_only_is_no_digit() {
    let ann = World::new().user("ann");
    for (name, phone) in
        [("A", "+49 (0)172 5550101"), ("B", "+49 172 5550101"), ("C", "0172 5550101")]
    {
        ann.post("/api/contacts", json!({"first_name": name, "phone": phone})).expect(201);
    }
    for typed in ["0172 555", "(0)172 5550101", "172-5550101"] {
        assert_eq!(found(&ann, "search", typed), ["A", "B", "C"], "{typed}");
    }
    for typed in ["+49 172 555", "+49 (0)172 5550101", "0049 172"] {
        assert_eq!(found(&ann, "search", typed), ["A", "B"], "{typed}");
    }
}

#[test]
fn a_number_is_found_whatever_stands_between_its_digits() {
    let ann = World::new().user("ann");
    for (name, phone) in [("A", "+49 30 1234567"), ("B", "0901-5555")] {
        ann.post("/api/contacts", json!({"first_name": name, "phone": phone})).expect(201);
    }
    for typed in [
        "030 / 1234567",
        "030 - 123 45 67",
        "(030) – 1234567",
        "030–1234567",
        "030\u{2011}1234567",
        "030\u{2212}1234567",
        "A - 1234567",
    ] {
        assert_eq!(found(&ann, "search", typed), ["A"], "{typed}");
    }
    assert_eq!(found(&ann, "search", "０９０１ー５５５５"), ["B"]);
    // Without a number a sign is a word as any other.
    for typed in ["-", "A /", "A -"] {
        assert_eq!(found(&ann, "search", typed), Vec::<String>::new(), "{typed}");
    }
}

#[test]
fn numbers_are_words_too_which_are_found_in_any_order() {
    let ann = World::new().user("ann");
    let home = json!({"street": "Lindenstr. 5", "city": "Berlin", "postal_code": "10969"});
    let contact = json!({"first_name": "Jo", "phone": "+49 30 1234567", "addresses": [home], "labels": ["Team 7"]});
    ann.post("/api/contacts", contact).expect(201);
    for typed in [
        "Lindenstr. 5, 10969 Berlin",
        "10969 Berlin, Lindenstr. 5",
        "5 10969",
        "jo 10969 1234567",
        "jo 10969 030/1234567",
        "10969 Berlin, +49-30-1234567",
        "team 7 10969",
    ] {
        assert_eq!(found(&ann, "search", typed), ["Jo"], "{typed}");
    }
    for typed in ["Lindenstr. 5, 10967 Berlin", "10969 7654321", "10969 8", "12 67", "10969 67"] {
        assert_eq!(found(&ann, "search", typed), Vec::<String>::new(), "{typed}");
    }
}

#[test]
fn a_name_without_a_space_is_found_as_it_is_written() {
    let ann = World::new().user("ann");
    for (last, first) in
        [("山田", "太郎"), ("王", "小明"), ("김", "민수"), ("ﾔﾏﾀﾞ", "ﾀﾛｳ"), ("Lee", "Ann")]
    {
        ann.post("/api/contacts", json!({"first_name": first, "last_name": last})).expect(201);
    }
    for (typed, name) in [
        ("山田太郎", "太郎"),
        ("王小明", "小明"),
        ("김민수", "민수"),
        ("ヤマダタロウ", "ﾀﾛｳ"),
        ("太郎 山田", "太郎"),
    ] {
        assert_eq!(found(&ann, "search", typed), [name], "{typed}");
    }
    assert_eq!(found(&ann, "search", "leeann"), Vec::<String>::new());
}
