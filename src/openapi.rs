//! The description of the API for programs (OpenAPI 3.1), served at `/openapi.json`.

/// `assets/openapi.json` as it stands, so that editors and generators open what is served.
/// `tests/api/description.rs` compares it with `ROUTES` and with the program's version, and
/// `crates/support/src/description.rs` with every answer that the tests get.
pub const DOCUMENT: &str = include_str!("../assets/openapi.json");
