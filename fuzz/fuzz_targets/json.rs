//! Any bytes as a file of this format: no panic, no hang.
#![no_main]

use chrono::NaiveDate;
use contactd::formats::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let latest = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a date");
    let _ = json::read(bytes, latest).into_iter().flatten().count();
});
