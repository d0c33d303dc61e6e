//! contactd: a small, fast, self-hosted contacts server.
//!
//! One process, threads that block, plain SQL. Postgres keeps everything; Redis holds the current
//! users and the counters of the rate limits, and may be lost at any time.
//!
//! # The path of one request
//!
//! 1. [`http1`], a crate of this repository, reads sockets. Connections that wait for their client
//!    cost no thread. What has come whole is looked at together: [`batch`] takes all of it through
//!    the next two steps.
//! 2. [`app`] gives each request an id and finds its row in [`routes::ROUTES`], the page that lists
//!    every call, who may make it, what counts it, what it waits for and how large its body may be:
//!    404, 405 or a row.
//! 3. The row's [`Gate`](routes::Gate) is the type of its handler, and only [`access`] makes the
//!    [`Caller`](access::Caller) or [`Admin`](access::Admin) that a handler wants: 401, 403.
//!    [`cache`] finds the users and [`limits`] of all these requests are counted in one round trip to
//!    Redis: 429. Refusals, and what uses neither store, are answered now; everything else waits in a line
//!    of [`http1`] for Postgres or a core, and gets a thread when its turn comes.
//! 4. The handler in [`handlers`] reads its input from the [`Call`](context::Call) and has
//!    [`model`] check it: 400, 415, 422. It takes a connection of [`db`] for the statement in
//!    [`repository`] that it needs, where the owner stands in every WHERE: 404, 409, 412.
//! 5. It returns a [`Reply`](http::Reply) or an [`Error`](error::Error), and [`http`] makes status,
//!    headers and JSON of it: the one place that has status codes.
//! 6. A change that needs a mail has put it into the outbox, in its own transaction; [`worker`]
//!    sends it later.
//!
//! # The floors
//!
//! The modules below stand in reading order, which is the order of the floors too: a file imports
//! only from modules above its own (`tests/house` holds this). So there are no circles, and
//! whoever reads from the top meets nothing unknown. Whoever audits begins at [`routes`].
//! `docs/architecture.md` has the picture and the reasons.

// Floor 0: words and data, no I/O.
pub mod error;
pub mod lock;
pub mod semaphore;
pub mod counters;
pub mod notifier;
pub mod owner_slots;
pub mod under_way;
pub mod lately;
pub mod remembered;
pub mod model;
pub mod multipart;

// Floor 1: one outside thing each.
pub mod openapi;
pub(crate) mod markup;
pub mod mail;
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
pub mod limits;
pub mod access;
pub mod http;

// Floor 4: what REST, CardDAV and pages share.
pub mod service;

// Floor 5: what the routes run.
pub mod handlers;

// Floor 6: THE page.
pub mod routes;

// Floor 7: one request; several at once; and what happens without one.
pub mod app;
pub mod batch;
pub mod worker;
pub mod metrics;

// The top: all of it, running.
pub mod serve;
