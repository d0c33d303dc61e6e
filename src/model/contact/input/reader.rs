//! Reads values of a body one by one, each beside the one that is stored.

use super::values::{LABEL_MAX, LIST_MAX};
use crate::error::{Faults, Result};
use crate::model::text;
use chrono::NaiveDate;
use serde_json::{Map, Value};

/// How a body counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A new contact.
    Post,
    /// The whole contact: what is absent becomes null.
    Put,
    /// A merge patch: what is absent stays.
    Patch,
}

/// A body beside what is stored, and the faults found so far.
pub(super) struct Reader<'a> {
    pub(super) method: Method,
    pub(super) members: &'a Map<String, Value>,
    /// The last date that a birthday may have.
    pub(super) latest: NaiveDate,
    pub(super) faults: Faults,
}

impl Reader<'_> {
    /// What is there when the body does not say anything of a member.
    pub(super) fn absent<T: Clone + Default>(&self, stored: &T) -> T {
        if self.method == Method::Patch { stored.clone() } else { T::default() }
    }

    /// A text that passes `check`, unless it is what is stored.
    pub(super) fn text(
        &mut self,
        name: &str,
        stored: &Option<String>,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        match self.members.get(name) {
            None => self.absent(stored),
            Some(value) => self.string(name, value, |raw| stored.as_deref() == Some(raw), check),
        }
    }

    /// A string or null at `path`; blank is null. What is `known` is fine as it is.
    pub(super) fn string(
        &mut self,
        path: &str,
        value: &Value,
        known: impl FnOnce(&str) -> bool,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        match value {
            Value::Null => None,
            Value::String(raw) if known(raw) => Some(raw.clone()),
            Value::String(raw) if text::is_blank(raw) => None,
            Value::String(raw) => match check(raw) {
                Ok(text) => Some(text).filter(|text| !text.is_empty()),
                Err(why) => {
                    self.faults.add(path, why);
                    Some(raw.trim().to_owned())
                }
            },
            _ => {
                self.faults.add(path, "must be a string or null");
                None
            }
        }
    }

    /// The entries of a list, each an object read by `each`. None: the body does not have the list.
    pub(super) fn list<T: Clone + PartialEq>(
        &mut self,
        name: &str,
        stored: &[T],
        mut each: impl FnMut(&mut Self, &str, EntryMembers) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = match self.members.get(name)? {
            Value::Null => return Some(Vec::new()),
            Value::Array(items) => items,
            _ => {
                self.faults.add(name, "must be a list");
                return Some(stored.to_vec());
            }
        };
        let mut list = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let path = format!("{name}.{at}");
            match item {
                Value::Object(members) => list.extend(each(self, &path, EntryMembers(members))),
                _ => self.faults.add(&path, "must be an object"),
            }
        }
        if list.len() > LIST_MAX && list != stored {
            self.faults.add(name, format!("must have at most {LIST_MAX} entries"));
        }
        Some(list)
    }

    /// Exactly one entry is primary: none marked means the first.
    pub(super) fn one_primary<T>(
        &mut self,
        name: &str,
        list: &mut [T],
        primary: fn(&mut T) -> &mut bool,
    ) {
        let marked = list.iter_mut().filter_map(|it| primary(it).then_some(())).count();
        match (marked, list.first_mut()) {
            (0, Some(first)) => *primary(first) = true,
            (2.., _) => self.faults.add(name, "must have one primary entry"),
            _ => {}
        }
    }

    /// An optional text of an entry.
    pub(super) fn part(
        &mut self,
        path: &str,
        name: &str,
        members: EntryMembers,
        known: impl FnOnce(&str) -> bool,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        let value = members.0.get(name)?;
        self.string(&format!("{path}.{name}"), value, known, check)
    }

    /// A text that an entry must have.
    pub(super) fn required(
        &mut self,
        path: &str,
        name: &str,
        members: EntryMembers,
        known: impl FnOnce(&str) -> bool,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        let value = self.part(path, name, members, known, check);
        if value.is_none() {
            self.faults.add_once(&format!("{path}.{name}"), "is required");
        }
        value
    }

    pub(super) fn label<'a>(
        &mut self,
        path: &str,
        members: EntryMembers,
        mut stored: impl Iterator<Item = &'a Option<String>>,
    ) -> Option<String> {
        let known = |raw: &str| stored.any(|it| it.as_deref() == Some(raw));
        self.part(path, "label", members, known, |raw| text::line(raw, 1, LABEL_MAX))
    }

    pub(super) fn flag(&mut self, path: &str, members: EntryMembers) -> bool {
        match members.0.get("primary") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.faults.add(&format!("{path}.primary"), "must be true or false");
                false
            }
        }
    }
}

/// The members of an entry of a list.
#[derive(Clone, Copy)]
pub(super) struct EntryMembers<'a>(&'a Map<String, Value>);

impl EntryMembers<'_> {
    pub(super) fn only(self, names: &[&str], path: &str, faults: &mut Faults) {
        for name in self.0.keys().filter(|name| !names.contains(&name.as_str())) {
            faults.add_unknown(&format!("{path}."), name);
        }
    }
}
