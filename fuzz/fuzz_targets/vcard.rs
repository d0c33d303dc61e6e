//! Any bytes as a vCard file.
#![no_main]

mod common;

use common::{good, latest, same_as_card};
use contactd::formats::vcard;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    good(bytes, vcard::read(bytes, latest())).iter().for_each(same_as_card);
});
