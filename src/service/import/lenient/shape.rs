//! The names that other programs give to parts of a contact, and the objects that they put them in.

use crate::model::contact::ADDRESS_PARTS;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use vcard::table::{self, values};
use vcard::{clean_email, clean_phone};

/// The lists of the contract.
pub(super) const LISTS: [&str; 7] =
    ["emails", "phones", "addresses", "urls", "dates", "relations", "online"];

/// The one value of a list, beside it.
pub(super) const FLAT: [(&str, &str); 2] = [("email", "emails"), ("phone", "phones")];

/// Takes objects apart where the names say what their parts are: `{"company": {"name": "Acme"}}` is `company name`,
/// `{"names": [{"familyName": "Ash"}]}` is `familyName`. Entries of lists are none of these, nor are two objects.
pub(super) fn unpack(members: &mut Map<String, Value>) {
    let mut taken: HashSet<String> = members.keys().cloned().collect();
    let mut found = Vec::new();
    for (name, value) in members.iter_mut() {
        let one = match value {
            Value::Array(all) if all.len() == 1 => all.first_mut().and_then(Value::as_object_mut),
            Value::Object(one) => Some(one),
            _ => None,
        };
        let Some(one) = one else { continue };
        let list = member(name).unwrap_or_default();
        let list = list.split('.').next().unwrap_or_default();
        let is_value = |part: &String| part == "value" || part_of(list, part) == Some("value");
        if list == "addresses" || LISTS.contains(&list) && one.keys().any(is_value) {
            continue;
        }
        let singular = name.strip_suffix('s').unwrap_or(name);
        let parts: Vec<String> = one.keys().cloned().collect();
        for part in parts {
            let mut ways = [format!("{singular} {part}"), part.clone()].into_iter();
            let known = |way: &String| member(way).is_some_and(|it| !it.starts_with("dates"));
            let of_name = |way: &String| member(way).is_some_and(|it| !it.contains('.'));
            let way = match one.get(&part) {
                Some(Value::String(_) | Value::Number(_)) if singular == "name" => {
                    // `{"account": …}` in a name is none of the person.
                    let full = Some(format!("{part} name"));
                    let is_own = |way: &String| {
                        member(way).is_some_and(|it| it == "nickname" || it.ends_with("_name"))
                    };
                    ways.find(of_name).or(full.filter(is_own))
                }
                Some(Value::String(_) | Value::Number(_)) => ways.next().filter(known),
                Some(Value::Object(_)) if (singular, part.as_str()) == ("birthday", "date") => {
                    Some(singular.to_owned())
                }
                _ => None,
            };
            if let Some(way) = way.filter(|way| taken.insert(way.clone())) {
                found.extend(one.remove(&part).map(|value| (way, value)));
            }
        }
        if one.is_empty() {
            value.take();
        }
    }
    members.extend(found);
    for (one, list) in FLAT {
        let several = members.get(one).is_some_and(|it| it.is_array() || it.is_object());
        if several && !members.contains_key(list) {
            let value = members.remove(one).unwrap_or_default();
            members.insert(list.to_owned(), value);
        }
    }
}

/// The member that a name means; what says something of another value (`im service`, `Phone 1 - Label`) is none.
pub(super) fn member(name: &str) -> Option<String> {
    table::member(name).filter(|it| !it.ends_with(".service") && !it.ends_with(".label"))
}

/// The part of an entry that other programs call so.
pub(super) fn part_of(list: &str, name: &str) -> Option<&'static str> {
    let is_own = match list {
        "emails" => ["email", "address", "emailAddress"].contains(&name),
        "phones" => ["number", "phone", "phoneNumber"].contains(&name),
        "urls" => ["url", "link", "href"].contains(&name),
        "dates" => ["date"].contains(&name),
        "relations" | "online" => ["name", "username", "person"].contains(&name),
        _ => false,
    };
    match name {
        _ if is_own => Some("value"),
        "type" | "kind" => Some("label"),
        "streetAddress" | "street_address" => Some("street"),
        _ if list == "addresses" => {
            let part = member(name)?;
            let part = part.strip_prefix("addresses.")?;
            ADDRESS_PARTS.into_iter().find(|it| *it == part)
        }
        _ => None,
    }
}

/// An address or a number for comparing: the same one may be written in another way.
pub(super) fn plain(list: &str, text: &str) -> String {
    match list {
        "emails" => clean_email(text).to_lowercase(),
        _ => clean_phone(text)
            .chars()
            .filter(|c| !c.is_whitespace() && !"-.()/".contains(*c))
            .collect(),
    }
}

/// An entry for each value of a text that has several. What is marked as the primary one or not is ours, and one.
pub(super) fn apart(list: &str, entry: Value) -> Vec<Value> {
    let members = entry.as_object().filter(|it| !it.contains_key("primary"));
    let text = members.and_then(|it| it.get("value")).and_then(Value::as_str);
    let (Some(members), Some(text)) = (members, text) else { return vec![entry] };
    let one = |value| {
        let mut members = members.clone();
        members.insert("value".to_owned(), json!(value));
        Value::Object(members)
    };
    values(list, text).into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(value: Value) -> (Value, Vec<(String, String)>) {
        let Value::Object(mut members) = value else { panic!("an object") };
        let kept = super::super::tidy(&mut members);
        (Value::Object(members), kept)
    }

    #[test]
    fn a_flat_value_that_is_written_otherwise_in_the_list_is_there_already() {
        for (one, list, flat, there) in [
            ("email", "emails", "A@X.example", &["b@x.example", "a@x.example"][..]),
            ("email", "emails", "mailto:a@x.example", &["a@x.example"]),
            ("phone", "phones", "+1 555 010 0101", &["5550102", "+15550100101"]),
            ("phone", "phones", "5550101 ", &["5550101"]),
            ("phone", "phones", "5550101, 5550102", &["5550101", "555 0102"]),
        ] {
            let (members, kept) = tidied(json!({one: flat, list: there}));
            assert_eq!(
                (members[list].as_array().map(Vec::len), kept.len()),
                (Some(there.len()), 0)
            );
            let points = members.get(one).map(|it| it.as_str() == there.last().copied());
            assert_ne!(points, Some(false), "{members}");
        }
        let start = std::time::Instant::now();
        tidied(json!({"phone": "x".repeat(500_000), "phones": vec!["5550102"; 30_000]}));
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
        let (members, kept) = tidied(json!({"phone": {"country": "1", "number": "5550101"}}));
        assert_eq!(members, json!({"phones": [{"value": "5550101"}]}));
        assert_eq!(kept, [("X-JSON-PHONES-COUNTRY".to_owned(), "1".to_owned())]);
        let (members, _) =
            tidied(json!({"name": {"company": "Acme", "account": "x", "family": "Ash"}}));
        assert_eq!(
            (&members["organization"], &members["last_name"]),
            (&json!("Acme"), &json!("Ash"))
        );
    }
}
