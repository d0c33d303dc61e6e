//! What the routes run: read, check, act, answer. No SQL, no status numbers, no environment.

pub mod app_passwords;
pub mod assets;
pub mod auth;
pub mod dav;
pub mod ops;
pub mod profile;
pub mod rest;
pub mod second_factor;
pub mod sessions;
pub mod users;
pub mod views;
pub mod web;
pub mod well_known;
