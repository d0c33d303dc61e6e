//! The front against raw sockets.

#![cfg(test)]

mod descriptors;
mod framing;
mod fuzz;
mod harness;
mod limits;
mod serving;
mod stopping;
