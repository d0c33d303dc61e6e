//! The server against raw sockets.

#![cfg(test)]

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
