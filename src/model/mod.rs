//! Data that checks itself, without I/O: what a valid account and a valid contact are.

pub mod alike;
pub mod contact;
pub mod input;
pub mod json;
pub mod resource_name;
pub mod text;
pub mod user;
