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
pub mod words;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use doors::DeadLink;

/// The picture beside the title of every page, served at `/icon.svg`.
pub const ICON: &str = include_str!("../../assets/icon.svg");

/// The style sheet of every page, served at `/style.css`.
pub const STYLE: &str = include_str!("../../assets/style.css");

/// The script of every page, served at `/app.js`.
pub const SCRIPT: &str = include_str!("../../assets/app.js");
