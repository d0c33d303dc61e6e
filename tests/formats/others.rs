//! What other people's parsers say: calcard of what we read, calcard and vobject of what we write.

use crate::*;
use calcard::vcard::{VCard, VCardProperty, VCardValue};
use calcard::{Entry, Parser};

/// The cards of a file as calcard reads them.
fn calcard(text: &str) -> Vec<VCard> {
    let mut parser = Parser::new(text);
    let mut cards = Vec::new();
    loop {
        match parser.entry() {
            Entry::VCard(card) => cards.push(card),
            Entry::Eof => return cards,
            other => panic!("{other:?}"),
        }
    }
}

/// The values of every line of that name, sorted.
fn values(card: &VCard, name: &VCardProperty) -> Vec<String> {
    let text = |value: &VCardValue| match value {
        VCardValue::Component(parts) => parts.join(","),
        other => other.as_text().unwrap_or_default().to_owned(),
    };
    let entries = card.entries.iter().filter(|entry| entry.name == *name);
    let mut values: Vec<String> = entries
        .map(|entry| entry.values.iter().map(text).collect::<Vec<_>>().join("|"))
        .map(|value| value.trim_end_matches('|').trim().to_owned())
        .map(|value| match name {
            // A tel: URI comes back as a number that one can type.
            VCardProperty::Tel => value.chars().filter(char::is_ascii_digit).collect(),
            _ => value,
        })
        .filter(|value| !value.is_empty())
        .collect();
    values.sort();
    values
}

#[test]
fn calcard_reads_the_same_in_a_sample_and_in_its_export() {
    use VCardProperty::{Adr, Email, Fn, N, Note, Org, Tel, Title, Url};
    let mut compared = 0;
    for (name, bytes) in sample_cards() {
        // calcard reads UTF-8 only, and ends at damage that we survive.
        let Ok(text) = String::from_utf8(bytes.clone()) else { continue };
        if name.contains("malformed") {
            continue;
        }
        for (source, imported) in calcard(&text).iter().zip(cards(&bytes)) {
            let contact = stored(&imported.unwrap());
            let out = calcard(&export(&contact));
            for property in [Fn, Email, Tel, Adr, Note, Org, Title, Url] {
                assert_eq!(values(source, &property), values(&out[0], &property), "{name}");
                compared += values(source, &property).len();
            }
            // A first name that N lacks was taken from FN, and is in N now.
            let (mut theirs, ours) = (values(source, &N), values(&out[0], &N));
            if theirs[0].trim_end_matches('|') != ours[0].trim_end_matches('|') {
                theirs[0] = format!("{}|{}", theirs[0], contact.fields.first_name);
            }
            assert_eq!(theirs, ours, "{name}");
        }
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn calcard_agrees_on_the_fields() {
    for (name, bytes) in sample_cards().into_iter().filter(|(name, _)| !name.contains("malformed"))
    {
        let text = String::from_utf8(bytes.clone()).unwrap();
        for (theirs, ours) in calcard(&text).iter().zip(cards(&bytes)) {
            let fields = ours.unwrap().fields;
            let has = |property: &VCardProperty, value: Option<&String>| {
                let theirs = values(theirs, property);
                value.is_none_or(|value| theirs.iter().any(|their| their.contains(value.as_str())))
            };
            assert!(has(&VCardProperty::Email, fields.email.as_ref()), "{name}");
            let digits =
                fields.phone.map(|phone| phone.chars().filter(char::is_ascii_digit).collect());
            assert!(has(&VCardProperty::Tel, digits.as_ref()), "{name}");
            assert!(has(&VCardProperty::N, fields.last_name.as_ref()), "{name}");
            assert!(has(&VCardProperty::Fn, Some(&fields.first_name)), "{name}");
        }
    }
}

/// vobject is strict: one wrong line and it refuses the card.
#[test]
fn vobject_reads_every_export() {
    for (name, bytes) in sample_cards() {
        for imported in cards(&bytes).into_iter().flatten() {
            let contact = stored(&imported);
            let text = export(&contact);
            let theirs =
                vobject::parse_component(&text).unwrap_or_else(|why| panic!("{name} {why:?}"));
            let value = |name: &str| theirs.get_only(name).map(|found| found.value_as_string());
            assert_eq!(value("VERSION").as_deref(), Some("3.0"));
            assert_eq!(value("UID"), Some(contact.uid));
            assert_eq!(value("NOTE"), contact.fields.additional_data, "{name}");
            let emails = theirs.get_all("EMAIL");
            assert_eq!(emails.first().map(|email| email.value_as_string()), contact.fields.email);
        }
    }
}
