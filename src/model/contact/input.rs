//! What a REST client writes of a contact: a body over what is stored, by the rules of the contract.
//!
//! What is stored may break these rules, because a card from a phone or a file is taken as it is. So a
//! value that is sent back as it was is always fine, and only what changes is checked.

mod fields;
mod reader;
#[cfg(test)]
mod tests;
mod values;

pub use reader::Method;
pub use values::*;

use crate::error::{Error, Faults, Result};
use crate::model::text;
use chrono::NaiveDate;
use reader::Reader;
use serde_json::{Map, Value};
use vcard::Details;

/// The body of a request, not yet held against what is stored.
#[derive(Debug)]
pub struct Input {
    method: Method,
    members: Map<String, Value>,
}

impl Input {
    /// A body that is a JSON object.
    pub fn read(body: Value, method: Method) -> Result<Input> {
        match body {
            Value::Object(members) => Ok(Input { method, members }),
            _ => Err(Error::invalid("body", "must be a JSON object")),
        }
    }

    /// The uid of a new contact, if the client gives one: 1 to 255 characters. Or what is wrong with it, which is
    /// among the faults of [`Input::apply`] too.
    pub fn uid(&self) -> Result<Option<String>, String> {
        match self.members.get("uid") {
            Some(Value::String(uid)) if !text::is_blank(uid) => {
                text::line(uid, 1, super::UID_MAX).map(Some)
            }
            None | Some(Value::Null | Value::String(_)) => Ok(None),
            Some(_) => Err("must be a string or null".to_owned()),
        }
    }

    /// The contact that this body makes of `stored`; of a new contact that is the default. `latest` is
    /// the last date that a birthday may have, see [`super::latest_date`]. Every wrong member is
    /// reported at once.
    pub fn apply(&self, stored: &Details, latest: NaiveDate) -> Result<Details> {
        let (wanted, mut faults) = self.apply_leniently(stored, latest);
        let names = |it: &Details| {
            [&it.first_name, &it.last_name, &it.nickname, &it.organization].map(Clone::clone)
        };
        let (before, after) = (names(stored), names(&wanted));
        let new = self.method == Method::Post;
        if let (true, Err(why)) = (new, self.uid()) {
            faults.add("uid", why);
        }
        if (new || before != after) && after.iter().all(Option::is_none) {
            faults.add_once("first_name", "is required, or last_name, nickname or organization");
        }
        faults.into_result(wanted)
    }

    /// What is wrong with this body whatever is stored: for a contact that is not there, because 422
    /// comes before 404.
    pub fn check(&self, latest: NaiveDate) -> Result<()> {
        if self.members.get("first_name").is_some_and(Value::is_null) {
            return self.apply_leniently(&Details::default(), latest).1.into_result(());
        }
        let named = Details { first_name: Some("x".to_owned()), ..Details::default() };
        self.apply(&named, latest).map(|_| ())
    }

    /// Like [`Input::apply`] for a file, in which one odd value never costs the person: what breaks a
    /// rule is taken as it is where that is possible, and is among the faults.
    pub fn apply_leniently(&self, stored: &Details, latest: NaiveDate) -> (Details, Faults) {
        let mut read = Reader {
            method: self.method,
            members: &self.members,
            latest,
            faults: Faults::default(),
        };
        let wanted = read.details(stored);
        (wanted, read.faults)
    }
}
