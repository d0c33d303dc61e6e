//! Any bytes as a vCard file; what is read must come back unchanged.
//! `cargo fuzz run --sanitizer none vcard tests/samples -- -max_total_time=30`
#![no_main]

use chrono::{DateTime, NaiveDate};
use contactd::formats::vcard;
use contactd::model::contact::Contact;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let latest = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a date");
    for row in vcard::read(bytes, latest).into_iter().flatten().flatten() {
        let contact = Contact {
            id: 1,
            uid: row.uid.clone().unwrap_or_else(|| "uid".to_owned()),
            revision: 1,
            fields: row.fields,
            properties: row.properties,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: None,
        };
        let mut out = String::new();
        vcard::write(&mut out, &contact);
        let mut again = vcard::read(out.as_bytes(), latest).expect("a card");
        let again = again.next().expect("one card").expect("a good card");
        assert_eq!((again.fields, again.properties), (contact.fields, contact.properties));
    }
});
