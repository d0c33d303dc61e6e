//! A contact is its vCard. This crate reads and writes the text; it is pure: no I/O, no clock. Its rules
//! are on a page, README.md.

pub mod calendar;
mod card;
mod charset;
mod clean;
mod content;
mod convert;
mod date;
mod details;
mod dos;
mod edit;
mod fold;
mod folding;
mod group;
mod label;
mod line;
mod lists;
mod mac;
mod merge;
mod modern;
mod names;
mod odd;
mod online;
mod picture;
mod quoted;
mod read;
mod shown;
pub mod table;
mod unfold;
mod valid;
mod value;
mod warning;

pub use card::Card;
pub use charset::{charset_of, decode};
pub use clean::{clean_email, clean_phone, is_valid_email, is_valid_phone};
pub use date::{DateText, read_date};
pub use details::{Address, DateEntry, Details, Entry, Labelled, Online, PartialDate, Picture};
pub use fold::{digits, fold};
pub use group::{Group, bare_uid};
pub use line::{Line, lines};
pub use read::{CARD_MAX, Cards, Put, Read, Refusal, has_cards, put_card, read_cards};
pub use value::{is_forbidden, trim};
pub use warning::Warning;
