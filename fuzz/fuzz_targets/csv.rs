//! Any bytes as a table: what is read is the same as a card and, in its fields, as a table.
#![no_main]

mod common;

use common::{good, latest, same_as_card, stored};
use contactd::formats::csv;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for row in good(bytes, csv::read(bytes, latest())) {
        same_as_card(&row);
        let mut table = String::new();
        csv::header(&mut table);
        csv::row(&mut table, &stored(&row));
        let again = good(table.as_bytes(), csv::read(table.as_bytes(), latest()));
        assert_eq!(again.len(), 1, "{table}");
        assert_eq!(again[0].fields, row.fields, "{table}");
    }
});
