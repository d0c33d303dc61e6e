//! The server against raw sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod descriptors;
mod framing;
mod fuzz;
mod harness;
mod limits;
mod lines;
mod memory;
mod places;
mod serving;
mod stopping;
