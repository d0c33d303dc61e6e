//! Pictures.

use crate::error::Result;

/// Type of uploaded pictures as stored.
pub const CONTENT_TYPE: &str = "image/png";

/// To come.
pub fn avatar(_bytes: &[u8]) -> Result<Vec<u8>> {
    Err(crate::error::Error::UnsupportedMediaType("to come".to_owned()))
}

/// Key of the default picture.
pub fn default_key(username: &str, id: i64) -> String {
    format!("i-{}-{}", username.chars().take(2).collect::<String>(), id % 360)
}

/// Draws the picture of a key.
pub fn draw_default(_key: &str) -> Option<String> {
    None
}
