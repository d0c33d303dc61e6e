//! The repository's functions and the pool under them, against a real Postgres.

#[path = "../support/world.rs"]
mod world;

mod pool;
mod users;
