//! What a handler works with: [`App`], one per process, and [`Call`], one per request.

mod accounts;
mod app;
mod call;
mod conditions;
mod query;
mod records;

pub use app::{App, Clock};
pub use call::{Call, SMALL_BODY, new_request_id};
pub use conditions::{Conditions, etag};
pub use query::Query;
