//! [`Reply`] and [`Error`](crate::error::Error) → status, headers, bytes: the only place that has
//! status codes.

pub mod dav;
mod problem;
mod reply;

pub use problem::{detail, problem, refusal, title};
pub use reply::{Reply, common_headers, limit_headers};
