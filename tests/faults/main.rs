//! Faults, with real processes: what was acknowledged stays, and the server needs no restart.

#![cfg(test)]

use support::postgres_server;
use support::redis_server;
use support::server;
use support::smtp;
use support::world;

mod clock;
mod failover;
mod ledger;
mod mail;
mod memory;
mod overload;
#[cfg(target_os = "linux")]
mod phones;
mod postgres;
mod process;
mod redis;
#[cfg(target_os = "linux")]
mod soak;
