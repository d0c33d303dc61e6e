//! Any bytes as a vCard file, and as a card of CardDAV: each card that is read can be stored as sent,
//! is read again as it is, stays as it is when nothing is edited, and shows what an edit wants.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vcard::{Card, Details, put_card, read_cards};

fuzz_target!(|bytes: &[u8]| {
    let lines = 1 + bytes.iter().filter(|byte| [b'\n', b'\r'].contains(byte)).count() as u64;
    for (count, read) in read_cards(bytes, None).enumerate() {
        assert!(count < bytes.len());
        // A file in UTF-16 has line ends in between.
        assert!((1..=lines.max(bytes.len() as u64)).contains(&read.line), "{} of {lines}", read.line);
        match read.card {
            Ok(card) => stays(card),
            Err(why) => assert!(!why.is_empty() && why.len() < 10_000),
        }
    }
    if let Ok(put) = put_card(bytes) {
        assert!(!put.as_sent || put.card.as_str().as_bytes() == bytes);
        stays(put.card);
    }
});

fn stays(mut card: Card) {
    let again: Vec<_> = read_cards(card.as_str().as_bytes(), None).map(|read| read.card).collect();
    if card.details().display_name != "?" {
        assert_eq!(again, [Ok(card.clone())]);
    }
    if card.uid().is_none() {
        card.set_uid("u1");
    }
    let put = put_card(card.as_str().as_bytes()).expect("a card");
    assert!(put.as_sent, "{}", card.as_str());
    let details = card.details();
    let mut same = card.clone();
    same.set(&details);
    assert_eq!(same, card);
    let mut wanted = Details { nickname: Some("Jo".to_owned()), ..details };
    wanted.phones.reverse();
    wanted.urls.truncate(1);
    let wanted = wanted.normal();
    card.set(&wanted);
    let now = card.details();
    assert_eq!(now, Details { display_name: now.display_name.clone(), ..wanted });
}
