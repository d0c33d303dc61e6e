//! Pages for people: what is shown is made by `markup`, what is done is done by the same functions as
//! for a REST client. A page's form is read by [`sent`], which refuses it without the session's token.

pub mod admin;
pub mod birthdays;
pub mod connect;
pub mod contacts;
pub mod doors;
pub mod duplicates;
pub mod edit;
pub mod files;
pub mod labels;
pub mod links;
pub mod past;
pub mod reader;
pub mod sent;
pub mod settings;
