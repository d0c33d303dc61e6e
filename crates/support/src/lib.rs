//! What the tests share: a world with actors, servers of a test's own (Postgres, Redis, SMTP, the
//! program itself), and the description of the API that every answer is held against.
//!
//! Its own lints: a test fails by panicking, in its helpers too, and has no `Config` to ask for the
//! environment.

pub mod authenticator;
pub mod answer;
pub mod description;
pub mod dice;
pub mod postgres_server;
pub mod redis_server;
pub mod server;
pub mod mail;
pub mod smtp;
pub mod wire;
pub mod world;
