//! The API, asked without a socket: one file a subject.

#![cfg(test)]

use support::redis_server;
use support::smtp;
use support::world;

mod accounts;
mod addresses;
mod admins;
mod app_passwords;
mod audit;
mod avatars;
mod birthdays;
mod brought;
mod calendars;
mod contacts;
mod description;
mod devices;
mod duplicates;
mod endings;
mod entries;
mod every_route;
mod exports;
mod factor_counts;
mod files;
mod guesses;
mod imports;
mod key_change;
mod limits;
mod lists;
mod metrics;
mod order;
mod others;
mod outbox;
mod pages;
mod passwords;
mod recovery;
mod roundtrip;
mod search;
mod second_factor;
mod sessions;
mod strangers;
mod tokens;
mod trash;
mod undo;
mod undo_described;
