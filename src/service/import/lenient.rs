//! JSON that other programs wrote, in the form of the contract. What has no place there is kept beside it:
//! one odd value costs neither the person nor itself (`files.md`, 1).

mod shape;

use crate::model::contact::{ADDRESS_PARTS, MEMBERS, READ_ONLY};
use serde_json::{Map, Value, json};
use shape::{FLAT, LISTS, apart, member, part_of, plain, unpack};
use std::collections::HashMap;
use vcard::table::values;
use vcard::{DateText, read_date};

/// Most values that are kept in a line each; the others share one.
const KEPT_MAX: usize = 50;
/// Longest name of such a line.
const NAME_MAX: usize = 64;

/// What an entry of a list may say, beside the parts of an address.
const PARTS: [&str; 4] = ["value", "label", "primary", "service"];

/// Makes the members those of the contract where their sense is plain. Returns what no member takes: the
/// name of a content line, and its text.
pub fn tidy(members: &mut Map<String, Value>) -> Vec<(String, String)> {
    let mut kept = Kept(Vec::new());
    let mut foreign = Vec::new();
    unpack(members);
    let names: Vec<String> = members.keys().cloned().collect();
    for name in names {
        let Some(value) = members.get_mut(&name) else { continue };
        let whole = value.take();
        *value = match name.as_str() {
            list if LISTS.contains(&list) => kept.list(list, whole),
            "labels" => kept.labels(whole),
            "birthday" => kept.date(&name, whole),
            name if READ_ONLY.contains(&name) => Value::Null,
            name if name == "uid" || MEMBERS.iter().any(|(known, _)| *known == name) => {
                kept.text(name, whole)
            }
            name => match member(name).filter(|_| !whole.is_null()) {
                Some(member) => {
                    foreign.push((name.to_owned(), member, whole));
                    Value::Null
                }
                None => kept.keep(name, whole),
            },
        };
    }
    members.retain(|_, value| !value.is_null());
    foreign.into_iter().for_each(|it| kept.foreign(members, it));
    FLAT.into_iter().for_each(|(one, list)| kept.beside(members, one, list));
    kept.lines()
}

/// The values that no member takes, with the names of their members.
struct Kept(Vec<(String, Value)>);

impl Kept {
    fn keep(&mut self, name: &str, value: Value) -> Value {
        let says = match &value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            _ => true,
        };
        if says {
            self.0.push((name.to_owned(), value));
        }
        Value::Null
    }

    fn text(&mut self, name: &str, value: Value) -> Value {
        match value {
            Value::Number(_) | Value::Bool(_) => Value::String(value.to_string()),
            Value::Array(_) | Value::Object(_) => self.keep(name, value),
            text => text,
        }
    }

    /// A member as another program calls it, where ours says nothing: what a table's header of that name
    /// would mean, `list.label` or `list.part`.
    fn foreign(
        &mut self,
        members: &mut Map<String, Value>,
        (name, member, value): (String, String, Value),
    ) {
        let (list, word) = member.split_once('.').unwrap_or((&member, ""));
        let (label, part) = match word.rsplit_once('.') {
            _ if list != "addresses" => (word, "value"),
            Some((label, "formatted")) => (label, "street"),
            Some(both) => both,
            None if word == "formatted" => ("", "street"),
            None if PARTS.contains(&word) || ADDRESS_PARTS.contains(&word) => ("", word),
            None => (word, "street"),
        };
        match list {
            // A date of which nothing says what it is of.
            "dates" if label.is_empty() => drop(self.keep(&name, value)),
            "uid" => drop(self.keep(&name, value)),
            "labels" => {
                let mut new = self.labels(value);
                let new = new.as_array_mut().map(std::mem::take).unwrap_or_default();
                new.into_iter().for_each(|label| add_to(members, list, label));
            }
            "addresses" if value.is_string() || value.is_number() => {
                let value = self.text(&name, value);
                // Street, city and country of one address are members of their own.
                let all = members.get_mut(list).and_then(Value::as_array_mut);
                let said = Some(label).filter(|label| !label.is_empty());
                let open = |it: &&mut Map<String, Value>| {
                    !it.contains_key(part) && it.get("label").and_then(Value::as_str) == said
                };
                let address =
                    all.and_then(|all| all.iter_mut().filter_map(Value::as_object_mut).find(open));
                match (address, said) {
                    (Some(address), _) => drop(address.insert(part.to_owned(), value)),
                    (None, Some(label)) => {
                        add_to(members, list, json!({part: value, "label": label}))
                    }
                    (None, None) => add_to(members, list, json!({ part: value })),
                }
            }
            list if LISTS.contains(&list) => {
                let mut new = self.list(list, value);
                let new = new.as_array_mut().map(std::mem::take).unwrap_or_default();
                let said = if list == "online" { "service" } else { "label" };
                for mut entry in new {
                    if let Some(entry) = entry.as_object_mut().filter(|_| !label.is_empty()) {
                        entry.entry(said).or_insert_with(|| json!(label));
                    }
                    add_to(members, list, entry);
                }
            }
            single if members.contains_key(single) || !value.is_string() => {
                drop(self.keep(&name, value));
            }
            "birthday" => drop(members.insert(list.to_owned(), self.date(&name, value))),
            single => drop(members.insert(single.to_owned(), value)),
        }
    }

    /// The flat value goes first in its list where that does not have it, or where it is several. An entry that says
    /// the same in another way is the one that it means.
    fn beside(&mut self, members: &mut Map<String, Value>, one: &str, list: &str) {
        let Some(text) = members.get(one).and_then(Value::as_str).map(str::to_owned) else {
            return;
        };
        if text.trim().is_empty() {
            members.remove(one);
            return;
        }
        let value = |entry: &Value| entry.get("value").and_then(Value::as_str).map(str::to_owned);
        let there = members.get(list).and_then(Value::as_array);
        let there = there.map(|all| all.iter().filter_map(value).collect::<Vec<_>>());
        let several = values(list, &text).len() > 1;
        let Some(there) = there.or_else(|| several.then(Vec::new)) else { return };
        if there.contains(&text) {
            return;
        }
        // Of several that say the same the first one.
        let said: HashMap<String, &String> =
            there.iter().rev().map(|it| (plain(list, it), it)).collect();
        if let Some(same) = said.get(&plain(list, &text)).filter(|_| !several) {
            members.insert(one.to_owned(), json!(same));
            return;
        }
        let flat = members.remove(one).unwrap_or_default();
        let more = members.remove(list).unwrap_or_default();
        let mut both = self.list(list, flat).as_array().cloned().unwrap_or_default();
        both.retain(|entry| value(entry).is_none_or(|it| !said.contains_key(&plain(list, &it))));
        both.extend(more.as_array().cloned().unwrap_or_default());
        members.insert(list.to_owned(), Value::Array(both));
    }

    /// A date in any form that shows its order.
    fn date(&mut self, name: &str, value: Value) -> Value {
        let part = |name: &str| value.get(name).and_then(Value::as_u64);
        let parts = value.as_object().map_or(0, Map::len);
        let text = match (part("year"), part("month"), part("day")) {
            (year, Some(month), Some(day)) if parts == 2 + usize::from(year.is_some()) => {
                Some(format!("{:04}-{month:02}-{day:02}", year.unwrap_or_default()))
            }
            _ => value.as_str().map(str::to_owned),
        };
        match text.as_deref().map(read_date) {
            Some(DateText::Date(date)) => Value::String(date.to_string()),
            Some(DateText::Nothing) => Value::Null,
            _ => self.keep(name, value),
        }
    }

    fn labels(&mut self, value: Value) -> Value {
        let labels = match value {
            Value::Array(labels) => labels,
            one => vec![one],
        };
        let labels = labels.into_iter().map(|label| self.text("labels", label));
        Value::Array(labels.filter(|label| !label.is_null()).collect())
    }

    /// A list, of which one entry may stand alone, and an entry may be its value alone.
    fn list(&mut self, list: &str, value: Value) -> Value {
        let items = match value {
            Value::Null => return Value::Null,
            Value::Array(items) => items,
            one => vec![one],
        };
        let entries = items.into_iter().filter_map(|item| self.entry(list, item));
        Value::Array(entries.flat_map(|entry| apart(list, entry)).collect())
    }

    fn entry(&mut self, list: &str, item: Value) -> Option<Value> {
        let own = if list == "addresses" { "street" } else { "value" };
        let mut entry = match item {
            Value::Object(entry) => entry,
            Value::Array(_) | Value::Null => {
                self.keep(list, item);
                return None;
            }
            Value::String(text) if text.trim().is_empty() => return None,
            plain => Map::from_iter([(own.to_owned(), plain)]),
        };
        let parts: Vec<String> = entry.keys().cloned().collect();
        for part in &parts {
            let ours = part_of(list, part).filter(|ours| !entry.contains_key(*ours));
            if let Some((ours, value)) = ours.and_then(|ours| Some((ours, entry.remove(part)?))) {
                entry.insert(ours.to_owned(), value);
            }
        }
        let parts: Vec<String> = entry.keys().cloned().collect();
        for part in parts {
            let Some(value) = entry.get_mut(&part) else { continue };
            let whole = value.take();
            let name = || format!("{list}-{part}");
            let says = |part: &str| {
                PARTS.contains(&part) || list == "addresses" && ADDRESS_PARTS.contains(&part)
            };
            *value = match part.as_str() {
                "primary" => json!(whole == json!(true)),
                "value" if list == "dates" => self.date(list, whole),
                part if says(part) => self.text(&name(), whole),
                _ => self.keep(&name(), whole),
            };
        }
        entry.retain(|_, value| !value.is_null());
        let says = entry.keys().any(|part| list == "addresses" || part == own);
        says.then_some(Value::Object(entry))
    }

    fn lines(self) -> Vec<(String, String)> {
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let mut all = self.0.into_iter();
        let first: Vec<_> = all.by_ref().take(KEPT_MAX).collect();
        let mut lines: Vec<_> =
            first.into_iter().map(|(name, value)| (line_name(&name), text(value))).collect();
        let rest: Vec<Value> = all.map(|(name, value)| json!([name, value])).collect();
        if !rest.is_empty() {
            lines.push((line_name("more"), Value::Array(rest).to_string()));
        }
        lines
    }
}

/// Adds an entry to a list, which may not be there yet.
fn add_to(members: &mut Map<String, Value>, list: &str, entry: Value) {
    if let Some(all) = members.entry(list).or_insert_with(|| json!([])).as_array_mut() {
        all.push(entry);
    }
}

/// The name of the content line that keeps a member.
fn line_name(member: &str) -> String {
    let words = member.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-").to_ascii_uppercase();
    let name = if name.is_empty() { "MEMBER".to_owned() } else { name };
    format!("X-JSON-{name}").chars().take(NAME_MAX - 4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(value: Value) -> (Value, Vec<(String, String)>) {
        let Value::Object(mut members) = value else { panic!("an object") };
        let kept = tidy(&mut members);
        (Value::Object(members), kept)
    }

    #[test]
    fn what_is_plain_gets_our_form() {
        let (members, kept) = tidied(json!({
            "first_name": 123, "birthday": "31.12.1990", "emails": "a@x.example", "labels": "friends",
            "phones": ["555 0100", {"value": 5550101, "label": "boat", "primary": true}], "addresses": ["Main 1"],
            "dates": [{"value": "2010/5/6"}], "id": 5, "photo": {"url": "x"},
        }));
        let ours = json!({
            "first_name": "123", "birthday": "1990-12-31", "emails": [{"value": "a@x.example"}],
            "labels": ["friends"], "addresses": [{"street": "Main 1"}], "dates": [{"value": "2010-05-06"}],
            "phones": [{"value": "555 0100"}, {"value": "5550101", "label": "boat", "primary": true}],
        });
        assert_eq!((members, kept), (ours, Vec::new()));
        let (members, kept) = tidied(json!({
            "Home Address": {"street": "Way 1", "city": "Oslo"}, "Home City": "Bergen", "Home Street": "Way 2",
        }));
        let [one, other] = [("Way 1", "Oslo"), ("Way 2", "Bergen")]
            .map(|(street, city)| json!({"street": street, "city": city, "label": "home"}));
        assert_eq!((members, kept), (json!({"addresses": [one, other]}), Vec::new()));
    }

    #[test]
    fn what_no_member_takes_is_kept() {
        let (members, kept) = tidied(json!({
            "first_name": "Ann", "last_name": {"x": 1}, "shoe size": 42, "birthday": "circa 1800",
            "phones": [{"value": "555 0100", "carrier": "x"}, [1]], "dates": [{"value": "soon", "label": "y"}],
            "date": "2010-05-06", "nothing": null, "blank": " ",
        }));
        assert_eq!(
            members,
            json!({"first_name": "Ann", "phones": [{"value": "555 0100"}], "dates": []})
        );
        let mut lines: Vec<String> =
            kept.iter().map(|(name, text)| format!("{name}:{text}")).collect();
        lines.sort();
        let all = [
            "X-JSON-BIRTHDAY:circa 1800",
            "X-JSON-DATE:2010-05-06",
            "X-JSON-DATES:soon",
            "X-JSON-LAST-NAME:{\"x\":1}",
            "X-JSON-PHONES-CARRIER:x",
            "X-JSON-PHONES:[1]",
            "X-JSON-SHOE-SIZE:42",
        ];
        assert_eq!(lines, all);
    }

    #[test]
    fn parts_that_other_programs_call_otherwise() {
        let (members, kept) = tidied(json!({
            "name": "Ann", "phones": [{"number": "5550100", "type": "boat"}, {"value": "1", "number": "2"}],
            "emails": [{"email": "a@x.example"}], "addresses": [{"streetAddress": "1 St", "zip": "123", "state": "V"}],
        }));
        let ours = json!({
            "display_name": "Ann", "phones": [{"value": "5550100", "label": "boat"}, {"value": "1"}],
            "emails": [{"value": "a@x.example"}],
            "addresses": [{"street": "1 St", "postal_code": "123", "region": "V"}],
        });
        assert_eq!(
            (members, kept),
            (ours, vec![("X-JSON-PHONES-NUMBER".to_owned(), "2".to_owned())])
        );
    }

    #[test]
    fn objects_of_other_programs_are_taken_apart() {
        let (members, kept) = tidied(json!({
            "names": [{"givenName": "Ann", "familyName": "Ash"}], "birthdays": [{"date": {"month": 2, "day": 29}}],
            "organizations": [{"name": "Acme", "title": "Boss"}], "phone": {"mobile": "5550101"}, "zip": 123,
            "anniversary": "2010-05-06", "spouseName": "Sam", "skype": "ann.s", "Email Address": "", "city": "Town",
        }));
        let ours = json!({
            "first_name": "Ann", "last_name": "Ash", "birthday": "--02-29", "organization": "Acme", "job_title": "Boss",
            "phones": [{"value": "5550101", "label": "mobile"}], "addresses": [{"city": "Town", "postal_code": "123"}],
            "dates": [{"value": "2010-05-06", "label": "anniversary"}],
            "relations": [{"value": "Sam", "label": "spouse"}], "online": [{"value": "ann.s", "service": "skype"}],
        });
        assert_eq!((members, kept), (ours, Vec::new()));
        // Two names, a name that is there already, and what no member takes.
        let (members, kept) = tidied(json!({
            "names": [{"givenName": "Ann"}, {"givenName": "Eve"}], "name": {"first": "Bob", "x": 1},
            "name first": "Cid", "labels": [{"name": "red"}],
            "birthday": {"year": 1990, "month": 4, "day": 5, "calendar": "y"},
        }));
        assert_eq!((&members["first_name"], kept.len()), (&json!("Cid"), 4), "{members} {kept:?}");
    }

    #[test]
    fn many_unknown_members_share_a_line() {
        let members: Map<String, Value> = (0..200).map(|at| (format!("m{at}"), json!(1))).collect();
        let (_, kept) = tidied(Value::Object(members));
        assert_eq!(kept.len(), KEPT_MAX + 1);
        assert!(
            kept.last().is_some_and(|(name, text)| name == "X-JSON-MORE" && text.starts_with("[["))
        );
    }
}
