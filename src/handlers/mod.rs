//! What the routes run: read, check, act, answer. No SQL, no status numbers, no environment.

pub mod assets;
pub mod auth;
pub mod birthdays;
pub mod calendars;
pub mod contacts;
pub mod exports;
pub mod imports;
pub mod ops;
pub mod pages;
pub mod profile;
pub mod sessions;
pub mod streams;
pub mod users;
pub mod views;
