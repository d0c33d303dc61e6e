//! Any bytes as a JSON file of contacts: it is read, or refused as what it is, and never a fault of ours.
#![no_main]

use chrono::NaiveDate;
use contactd::error::Error;
use contactd::service::import;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = import::read(bytes, "application/json", None, &[], NaiveDate::MAX);
    assert!(matches!(read, Ok(_) | Err(Error::Malformed(_) | Error::Invalid(_))), "{read:?}");
});
