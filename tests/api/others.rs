//! What the routes send out, read by parsers of other people. (`./dev clients` asks Python's vobject,
//! icalendar and csv over a socket.)

use crate::world::{Actor, World};
use calcard::vcard::{VCard, VCardProperty};
use calcard::{Entry, Parser};
use serde_json::{Value, json};

/// Everything that a format has to escape or fold.
fn book(world: &World) -> (Actor, Vec<Value>) {
    let ann = world.user("ann");
    let people = vec![
        json!({"first_name": "A; b, c\\d:e", "last_name": "Ї".repeat(100), "email": "a+b@example.com",
            "phone": "+380 (44) 123-45-67", "birthday": "2000-02-29",
            "additional_data": "one\ntwo; three, four\\n five 🎂", "labels": ["x, y", "z; \"w\""]}),
        json!({"first_name": "=1+1", "last_name": "-2", "phone": "+1 555 0100",
            "birthday": "1950-12-31", "additional_data": "@SUM(A1)", "labels": ["=cmd"]}),
        json!({"first_name": "日本語", "additional_data": "x".repeat(5_000)}),
    ];
    for person in &people {
        ann.post("/api/contacts", person.clone()).expect(201);
    }
    (ann, people)
}

/// A member of a contact; nothing where there is none.
fn text(person: &Value, member: &str) -> String {
    person[member].as_str().unwrap_or_default().to_owned()
}

#[test]
fn calcard_and_vobject_read_the_vcard_export() {
    let world = World::new();
    let (ann, people) = book(&world);
    let file = ann.get("/api/contacts/export").expect(200).text();
    let mut parser = Parser::new(&file);
    for person in &people {
        let Entry::VCard(card) = parser.entry() else { panic!("{file}") };
        let value = |name: VCardProperty| values(&card, &name);
        assert_eq!(
            value(VCardProperty::N)[..2],
            [text(person, "last_name"), text(person, "first_name")]
        );
        assert_eq!(value(VCardProperty::Email).concat(), text(person, "email"));
        assert_eq!(value(VCardProperty::Tel).concat(), text(person, "phone"));
        assert_eq!(value(VCardProperty::Note).concat(), text(person, "additional_data"));
        assert_eq!(
            json!(value(VCardProperty::Categories)),
            *person.get("labels").unwrap_or(&json!([]))
        );
    }
    assert!(matches!(parser.entry(), Entry::Eof));
    let cards: Vec<_> = file.split_inclusive("END:VCARD\r\n").collect();
    assert_eq!(cards.len(), people.len());
    for (card, person) in cards.into_iter().zip(&people) {
        let card = vobject::parse_component(card).unwrap();
        let value =
            |name: &str| card.get_only(name).map_or(String::new(), |it| it.value_as_string());
        assert_eq!(value("VERSION"), "3.0");
        assert_eq!(value("EMAIL"), text(person, "email"));
        assert_eq!(value("TEL"), text(person, "phone"));
        // It takes a backslash and an n for a line end; calcard does not, and neither does Python.
        assert_eq!(value("NOTE").is_empty(), text(person, "additional_data").is_empty());
        assert_eq!(value("BDAY"), text(person, "birthday"));
    }
}

/// The texts of all lines of that name.
fn values(card: &VCard, name: &VCardProperty) -> Vec<String> {
    let lines = card.entries.iter().filter(|entry| entry.name == *name);
    let values = lines.flat_map(|entry| &entry.values);
    values
        .flat_map(|value| match value {
            calcard::vcard::VCardValue::Component(parts) => parts.clone(),
            other => vec![other.as_text().unwrap_or_default().to_owned()],
        })
        .collect()
}

#[test]
fn calcard_and_vobject_read_the_calendar() {
    let world = World::new();
    let (ann, people) = book(&world);
    let url = ann.send("POST", "/api/contacts/calendar-url", &[], b"").expect(201).json();
    let path =
        url["url"].as_str().unwrap().strip_prefix("https://contacts.example").unwrap().to_owned();
    let file = world.nobody().get(&path).expect(200).text();
    let calendar = vobject::parse_component(&file).unwrap();
    assert_eq!((calendar.name.as_str(), calendar.subcomponents.len()), ("VCALENDAR", 3));
    for (event, person) in calendar.subcomponents.iter().skip(1).zip(&people) {
        let value = |name: &str| event.get_only(name).unwrap().value_as_string();
        let year = &text(person, "birthday")[..4];
        let name = format!("{} {}", text(person, "first_name"), text(person, "last_name"));
        assert_eq!(value("SUMMARY"), format!("🎂 {name} ({year})"));
        assert_eq!(value("TRANSP"), "TRANSPARENT");
        assert!(value("RRULE").starts_with("FREQ=YEARLY"));
    }
    let mut parser = Parser::new(&file);
    let Entry::ICalendar(calendar) = parser.entry() else { panic!("{file}") };
    assert!(calendar.components.len() >= 3, "the calendar and two events");
    assert!(matches!(parser.entry(), Entry::Eof));
}
