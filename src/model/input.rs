//! Reads the members of a JSON object (or the fields of a form) one by one and remembers every
//! fault, so that a client hears of all of them in one answer.

use crate::error::{Error, Faults, Result};
use crate::model::text::is_blank;
use serde_json::{Map, Value};

/// The members of one input. Ask for each member of the call, then call
/// [`Members::finish`]: whatever was not asked for is an unknown member and a fault.
#[derive(Debug)]
pub struct Members {
    map: Map<String, Value>,
    faults: Faults,
}

impl Members {
    /// The members of a JSON value, which must be an object.
    pub fn from_json(value: Value) -> Result<Members> {
        match value {
            Value::Object(map) => Ok(Members { map, faults: Faults::default() }),
            _ => Err(Error::invalid("body", "must be a JSON object")),
        }
    }

    /// The fields of a form; of a repeated field the last one counts.
    pub fn from_form(fields: Vec<(String, String)>) -> Members {
        let map = fields.into_iter().map(|(name, text)| (name, Value::String(text))).collect();
        Members { map, faults: Faults::default() }
    }

    /// A required string that passes `check`. After a fault this is a default value that is
    /// never used, because [`Members::finish`] then fails.
    pub fn required<T: Default>(
        &mut self,
        name: &str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        match self.map.remove(name) {
            Some(Value::String(text)) => check(&text).unwrap_or_else(|why| self.fault(name, why)),
            Some(Value::Null) | None => self.fault(name, "is required"),
            Some(_) => self.fault(name, "must be a string"),
        }
    }

    /// A required boolean.
    pub fn required_bool(&mut self, name: &str) -> bool {
        match self.map.remove(name) {
            Some(Value::Bool(flag)) => flag,
            Some(Value::Null) | None => self.fault(name, "is required"),
            Some(_) => self.fault(name, "must be true or false"),
        }
    }

    /// An optional boolean: absent and null are false.
    pub fn optional_bool(&mut self, name: &str) -> bool {
        match self.map.remove(name) {
            Some(Value::Bool(flag)) => flag,
            Some(Value::Null) | None => false,
            Some(_) => self.fault(name, "must be true or false"),
        }
    }

    /// An optional string: absent, null and empty (or blank) are all `None`.
    pub fn optional<T>(
        &mut self,
        name: &str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match self.map.remove(name) {
            Some(Value::String(text)) if is_blank(&text) => None,
            Some(Value::String(text)) => match check(&text) {
                Ok(value) => Some(value),
                Err(detail) => self.fault(name, detail),
            },
            Some(Value::Null) | None => None,
            Some(_) => self.fault(name, "must be a string or null"),
        }
    }

    /// A required whole number.
    pub fn required_number(&mut self, name: &str) -> i64 {
        match self.map.remove(name).map(|value| value.as_i64()) {
            Some(Some(number)) => number,
            Some(None) => self.fault(name, "must be a whole number"),
            None => self.fault(name, "is required"),
        }
    }

    /// A required list of ids, at most `max`.
    pub fn ids(&mut self, name: &str, max: usize) -> Vec<i64> {
        let ids = match self.map.remove(name) {
            Some(Value::Array(items)) if items.len() <= max => {
                let id = |item: &Value| item.as_i64().filter(|id| *id > 0);
                items.iter().map(id).collect::<Option<Vec<_>>>()
            }
            None => return self.fault(name, "is required"),
            Some(_) => None,
        };
        ids.unwrap_or_else(|| self.fault(name, format!("must be a list of at most {max} ids")))
    }

    /// True if the member is there, null or not.
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Any value, to be looked at by the caller.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name)
    }

    /// Notes a fault, unless something of the member was noted already.
    pub fn fault_once(&mut self, name: &str, detail: &str) {
        self.faults.add_once(name, detail);
    }

    /// Takes every member away unread but these.
    pub fn ignore_all_but(&mut self, names: &[&str]) {
        self.map.retain(|name, _| names.contains(&name.as_str()));
    }

    /// Notes a fault that only several members together show.
    pub fn fault<T: Default>(&mut self, name: &str, detail: impl Into<String>) -> T {
        self.faults.add(name, detail);
        T::default()
    }

    /// Fails with every fault, unknown members included.
    pub fn finish(self) -> Result<()> {
        let Members { map, mut faults } = self;
        map.keys().for_each(|name| faults.add_unknown("", name));
        faults.into_result(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text;
    use serde_json::json;

    #[test]
    fn every_fault_is_reported_at_once() {
        let value = json!({"name": 7, "flag": "yes", "ids": ["1"], "more": true, "extra": null});
        let mut members = Members::from_json(value).unwrap();
        members.required("name", |raw| text::line(raw, 1, 9));
        members.required("missing", |raw| text::line(raw, 1, 9));
        members.required_bool("flag");
        members.ids("ids", 9);
        let Err(Error::Invalid(faults)) = members.finish() else { panic!("must fail") };
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["name", "missing", "flag", "ids", "extra", "more"]);
    }

    #[test]
    fn an_empty_optional_string_is_null() {
        let mut members = Members::from_json(json!({"a": " ", "b": null, "c": "x"})).unwrap();
        let mut take = |name| members.optional(name, |raw| text::line(raw, 1, 9));
        assert_eq!((take("a"), take("b"), take("c")), (None, None, Some("x".to_owned())));
        assert!(members.finish().is_ok());
    }
}
