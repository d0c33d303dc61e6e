//! What REST, CardDAV and pages share: one function for one thing that somebody may do.

pub mod operator;
pub mod profiles;
pub mod second_factor;
pub mod sign_in;
