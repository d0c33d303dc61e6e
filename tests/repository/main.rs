//! The repository's functions and the pool under them, against a real Postgres.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows test functions, but not what they call"
)]

#[path = "../support/world.rs"]
mod world;

mod pool;
mod users;
