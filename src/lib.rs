//! contactd: a small, fast, self-hosted contacts server.
//!
//! The modules stand in reading order, which is the order of the floors too: a file imports only
//! from modules above its own (`tests/house.rs` holds this). Whoever audits begins at [`routes`].

// Floor 0: words and data, no I/O.
pub mod error;
pub mod gate;
pub mod counters;
pub mod turns;
pub mod model;

// Floor 1: one outside thing each.
pub mod formats;
pub mod openapi;
pub mod mail;
pub mod markup;
pub mod picture;
pub mod config;
pub mod logger;
pub mod crypto;
pub mod cache;
pub mod db;

// Floor 2: every SQL statement.
pub mod repository;

// Floor 3: what a request is, who sent it, what it counts for, how it is answered.
pub mod context;
pub mod access;
pub mod limits;
pub mod http;

// Floor 4: what the routes run.
pub mod handlers;

// Floor 5: THE page.
pub mod routes;

// Floor 6: one request; and what happens without one.
pub mod app;
pub mod worker;
pub mod metrics;

// Floor 7: sockets. Knows nothing of contacts.
pub mod front;

// The top: all of it, running.
pub mod serve;
