//! The server against raw sockets.

#![cfg(test)]

mod client;
mod descriptors;
mod framing;
mod fuzz;
mod harness;
mod limits;
mod lines;
mod memory;
mod places;
mod programs;
mod serving;
mod stopping;
mod threads;
