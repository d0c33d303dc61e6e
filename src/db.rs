//! Postgres: the pool, statements kept prepared on each connection, and what the database's errors
//! mean to us.

mod conn;
mod errors;
mod link;
pub mod migrations;
mod pool;

pub use conn::{Conn, Params, Tx};
pub use pool::Pool;
