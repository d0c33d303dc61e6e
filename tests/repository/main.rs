//! The repository's functions and the pool under them, against a real Postgres.

#![cfg(test)]

use support::postgres_server;
use support::world;

mod contacts;
mod links;
mod pool;
mod users;
