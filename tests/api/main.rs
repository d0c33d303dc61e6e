//! The API, asked without a socket: one file a subject.

#[path = "../support/world.rs"]
mod world;

mod accounts;
mod contacts;
mod every_route;
mod imports;
