//! The API, asked without a socket: one file a subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows test functions, but not what they call"
)]

#[path = "../support/world.rs"]
mod world;
#[path = "../support/redis_server.rs"]
mod redis_server;
#[path = "../support/smtp.rs"]
mod smtp;

mod accounts;
mod addresses;
mod admins;
mod app_passwords;
mod audit;
mod avatars;
mod birthdays;
mod calendars;
mod contacts;
mod description;
mod endings;
mod every_route;
mod exports;
mod imports;
mod limits;
mod lists;
mod metrics;
mod order;
mod others;
mod outbox;
mod pages;
mod passwords;
mod search;
mod second_factor;
mod sessions;
mod strangers;
mod tokens;
mod trash;
