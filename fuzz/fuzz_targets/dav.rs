//! Any body as XML of WebDAV, see `checks/dav.rs`.
#![no_main]

#[path = "../checks/dav.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
