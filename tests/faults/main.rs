//! Faults, with real processes: what was acknowledged stays, and the server needs no restart.

#[path = "../support/redis_server.rs"]
#[allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "test support")]
mod redis_server;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/world.rs"]
mod world;

mod redis;
