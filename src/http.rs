//! [`Reply`] and [`Error`](crate::error::Error) → status, headers, bytes: the only place that has
//! status codes.

pub mod dav;
mod headers;
mod problem;
mod reply;
mod status;

pub use headers::{common_headers, cors_headers, limit_headers};
pub use problem::{detail, problem, refusal};
pub use reply::Reply;
pub use status::{status, title};
