//! contactd: a small, fast, self-hosted contacts server.

// Floor 0: words and data, no I/O.
pub mod error;
pub mod gate;
pub mod model;

// Floor 1: one outside thing each.
pub mod cache;
pub mod formats;
pub mod mail;
pub mod picture;

// Floor 7: sockets.
pub mod front;
