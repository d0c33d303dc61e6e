//! A contact is its vCard. This crate reads and writes the text; it is pure: no I/O, no clock.

mod card;
mod clean;
mod date;
mod details;
mod fold;
mod line;
mod value;

pub use card::Card;
pub use clean::{clean_email, clean_phone, is_valid_email, is_valid_phone};
pub use date::{DateText, read_date};
pub use details::{Address, DateEntry, Details, Entry, Labelled, Online, PartialDate, Picture};
pub use fold::{digits, fold};
pub use line::{Line, lines};
