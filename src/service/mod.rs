//! What REST, CardDAV and pages share: one function for one thing that a user may do. A contact
//! changes through [`contacts`] only.

pub mod bodies;
mod by;
pub mod changes;
pub mod confirmation;
pub mod contacts;
pub mod duplicates;
pub mod groups;
pub mod history;
pub mod import;
pub mod labels;
pub mod merge;
pub mod operator;
pub mod photos;
pub mod profiles;
pub mod second_factor;
pub mod sign_in;
pub mod upkeep;
pub mod writer;
