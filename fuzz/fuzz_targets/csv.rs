//! Any text as a table: every row has its line, what it keeps can be a content line, and what it
//! says is the same once it was written as a table of ours.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vcard::table::{self, Options, Widths};

fuzz_target!(|text: &str| {
    let _ = table::columns(text);
    let Ok(table) = table::read(text, &Options::default()) else { return };
    let lines = 1 + text.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
    for row in table.rows() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                assert!((1..=lines).contains(&error.line), "{} of {lines}", error.line);
                continue;
            }
        };
        assert!((1..=lines).contains(&row.line), "{} of {lines}", row.line);
        assert!(!row.details.display_name.is_empty());
        for (name, _) in &row.kept {
            assert!(
                name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            );
        }
        let mut widths = Widths::default();
        widths.add(&row.details);
        let mut out = String::new();
        table::header(&mut out, &widths);
        table::row(&mut out, &widths, &row.details);
        let again = table::read(&out, &Options::default()).expect("a table");
        let rows: Vec<_> = again.rows().collect();
        assert_eq!(rows.len(), 1, "{out}");
        assert_eq!(rows[0].as_ref().expect("a row").details, row.details, "{out}");
    }
});
