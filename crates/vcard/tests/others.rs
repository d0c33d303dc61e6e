//! What other people's parsers say: calcard of what is read, calcard and vobject of what is written.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy sees test functions, but not what they call"
)]

use calcard::vcard::{VCard, VCardProperty, VCardValue};
use calcard::{Entry, Parser};
use vcard::{Card, read_cards};

/// The samples, with their names.
fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/tests/samples", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let cards = files.filter(|path| path.extension().is_some_and(|it| it == "vcf"));
    cards.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

/// The cards of a file as they are stored.
fn cards(bytes: &[u8]) -> Vec<Card> {
    let cards = read_cards(bytes, None).filter_map(|read| read.card.ok());
    let with_uid = cards.map(|mut card| {
        if card.uid().is_none() {
            card.set_uid("u1");
        }
        card
    });
    with_uid.collect()
}

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

/// Damage that calcard ends at, and text that it does not decode.
const BEYOND_CALCARD: [&str; 5] =
    ["malformed", "one-bad", "base64-text", "blank-line", "padded-soft"];

#[test]
fn calcard_reads_the_same_in_a_sample_and_in_what_is_stored() {
    use VCardProperty::{Adr, Email, Fn, N, Nickname, Note, Org, Tel, Title, Url};
    let mut compared = 0;
    for (name, bytes) in samples() {
        let Ok(text) = String::from_utf8(bytes.clone()) else { continue };
        if BEYOND_CALCARD.iter().any(|it| name.contains(it)) {
            continue;
        }
        let ours = cards(&bytes);
        let theirs = calcard(&text);
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (source, card) in theirs.iter().zip(ours) {
            let stored = calcard(card.as_str());
            for property in [Fn, N, Nickname, Email, Tel, Adr, Note, Org, Title, Url] {
                let source = values(source, &property);
                let stored = values(&stored[0], &property);
                // FN and N that were missing, and Android's nickname, came in.
                if !(source.is_empty() && [Fn, N, Nickname].contains(&property)) {
                    assert_eq!(source, stored, "{name}");
                }
                compared += source.len();
            }
        }
    }
    assert!(compared > 120, "{compared}");
}

#[test]
fn calcard_agrees_on_what_the_json_shows() {
    let mut compared = 0;
    for (name, bytes) in samples() {
        for card in cards(&bytes) {
            let details = card.details();
            let theirs = &calcard(card.as_str())[0];
            let digits = |text: &str| vcard::digits(text);
            let mut phones: Vec<_> = details.phones.iter().map(|it| digits(&it.value)).collect();
            let mut emails: Vec<_> = details.emails.iter().map(|it| it.value.clone()).collect();
            phones.retain(|phone| !phone.is_empty());
            phones.sort();
            emails.sort();
            compared += phones.len() + emails.len();
            if card.as_str().contains("TEL") && !name.contains("phones") {
                assert_eq!(values(theirs, &VCardProperty::Tel), phones, "{name}");
            }
            assert_eq!(values(theirs, &VCardProperty::Email), emails, "{name}");
            assert_eq!(values(theirs, &VCardProperty::Fn), [details.display_name], "{name}");
        }
    }
    assert!(compared > 40, "{compared}");
}

/// vobject is strict: one wrong line and it refuses the card.
#[test]
fn vobject_reads_every_card() {
    for (name, bytes) in samples() {
        for card in cards(&bytes) {
            let theirs = vobject::parse_component(card.as_str())
                .unwrap_or_else(|why| panic!("{name} {why:?}\n{}", card.as_str()));
            let value = |name: &str| theirs.get_only(name).map(|found| found.value_as_string());
            assert_eq!(value("VERSION").as_deref(), Some("3.0"));
            assert_eq!(value("UID").as_deref(), card.uid(), "{name}");
            assert_eq!(value("FN"), Some(card.details().display_name), "{name}");
        }
    }
}
