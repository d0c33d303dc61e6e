//! CardDAV over HTTP, against a real server with real stores: a test for each rule of the standard
//! page, named by its number.

#![cfg(test)]

mod bodies;
mod cards;
mod discovery;
mod groups;
mod long_lists;
mod multiget;
mod neighbours;
mod phone;
mod properties;
mod propfind;
mod query;
mod refused;
mod shares;
mod sync;
mod undo;
mod whole;
mod writes;
