//! Faults, with real processes: what was acknowledged stays, and the server needs no restart.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows test functions, but not what they call"
)]

#[path = "../support/postgres_server.rs"]
mod postgres_server;
#[path = "../support/redis_server.rs"]
mod redis_server;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/smtp.rs"]
mod smtp;
#[path = "../support/world.rs"]
mod world;

mod clock;
mod failover;
mod ledger;
mod mail;
mod memory;
mod overload;
mod postgres;
mod process;
mod redis;
#[cfg(target_os = "linux")]
mod soak;
