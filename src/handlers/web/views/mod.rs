//! What the pages look like: functions from small structs to HTML, which maud checks when the
//! program is built and escapes when a page is made. Pages work without the script, and under the
//! policy of `http.rs` that allows nothing inline.

pub mod admin;
pub mod birthdays;
pub mod connect;
pub mod contact;
pub mod doors;
pub mod duplicates;
pub mod edit;
pub mod files;
pub mod form;
pub mod list;
pub mod page;
pub mod past;
pub mod settings;
#[cfg(test)]
mod tests;
