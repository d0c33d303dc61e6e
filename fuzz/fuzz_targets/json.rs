//! Any bytes as a JSON file: what is read is the same as JSON and as a card.
#![no_main]

mod common;

use common::{good, latest, same_as_card};
use contactd::formats::json;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    for mut row in good(bytes, json::read(bytes, latest())) {
        // A card has one kind of line end.
        let note = row.fields.additional_data.as_mut();
        note.map(|note| *note = note.replace("\r\n", "\n").replace('\r', "\n"));
        same_as_card(&row);
        let array = Value::Array(vec![Value::Object(row.fields.to_json())]).to_string();
        let again = good(array.as_bytes(), json::read(array.as_bytes(), latest()));
        assert_eq!(again.len(), 1, "{array}");
        assert_eq!(again[0].fields, row.fields, "{array}");
    }
});
