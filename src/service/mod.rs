//! What REST, CardDAV and pages share. A contact changes through [`contacts`] only.

pub mod bodies;
pub mod changes;
pub mod contacts;
pub mod duplicates;
pub mod groups;
pub mod history;
pub mod import;
pub mod labels;
pub mod merge;
pub mod photos;
pub mod upkeep;
pub mod writer;
