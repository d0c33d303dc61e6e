//! CardDAV: RFC 6352 on WebDAV (4918), with sync-collection (6578) and discovery (6764).

pub mod address_data;
pub mod filter;
pub mod headers;
pub mod target;
pub mod xml;
