//! A contact is its vCard. This crate reads and writes the text; it is pure: no I/O, no clock.

mod card;
mod details;
pub mod table;

pub use card::Card;
pub use details::{Address, DateEntry, Details, Entry, Labelled, Online, PartialDate, Picture};
