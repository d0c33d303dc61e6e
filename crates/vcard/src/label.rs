//! The label of an entry: a TYPE where it is one of ours, else `X-ABLabel` in the entry's group.

use crate::clean::strip_scheme;
use crate::line::Line;
use crate::value::{escape, one_line, unescape};
use std::collections::HashMap;

/// Labels that are TYPEs in the card.
const FIXED: [(&str, &[&str]); 9] = [
    ("home", &["HOME"]),
    ("work", &["WORK"]),
    ("mobile", &["CELL"]),
    ("main", &["MAIN"]),
    ("fax", &["FAX"]),
    ("home fax", &["HOME", "FAX"]),
    ("work fax", &["WORK", "FAX"]),
    ("pager", &["PAGER"]),
    ("other", &["OTHER"]),
];

/// TYPEs that say what an entry is for or how good it is, and so are no labels.
const NO_LABEL: [&str; 13] = [
    "pref",
    "voice",
    "internet",
    "x-internet",
    "msg",
    "text",
    "textphone",
    "video",
    "intl",
    "dom",
    "postal",
    "parcel",
    "x400",
];
/// Names whose other TYPEs are services.
const SERVICE_TYPES: [&str; 2] = ["X-SOCIALPROFILE", "IMPP"];

/// Labels that Apple writes as `_$!<Sister>!$_`, so that each device shows them in its language.
const APPLE: [&str; 17] = [
    "Anniversary",
    "Assistant",
    "Brother",
    "Child",
    "Daughter",
    "Father",
    "Friend",
    "HomePage",
    "Manager",
    "Mother",
    "Parent",
    "Partner",
    "School",
    "Sister",
    "Son",
    "Spouse",
    "Birthday",
];

/// Names whose lines have a label without saying it.
const IMPLIED: [(&str, &str); 19] = [
    ("ANNIVERSARY", "anniversary"),
    ("X-ANNIVERSARY", "anniversary"),
    ("X-EVOLUTION-ANNIVERSARY", "anniversary"),
    ("X-KADDRESSBOOK-X-ANNIVERSARY", "anniversary"),
    ("X-SPOUSE", "spouse"),
    ("X-EVOLUTION-SPOUSE", "spouse"),
    ("X-KADDRESSBOOK-X-SPOUSESNAME", "spouse"),
    ("X-EVOLUTION-MANAGER", "manager"),
    ("X-EVOLUTION-ASSISTANT", "assistant"),
    ("X-MANAGER", "manager"),
    ("X-MANAGERSNAME", "manager"),
    ("X-KADDRESSBOOK-X-MANAGERSNAME", "manager"),
    ("X-ASSISTANT", "assistant"),
    ("X-KADDRESSBOOK-X-ASSISTANTSNAME", "assistant"),
    ("X-MS-ANNIVERSARY", "anniversary"),
    ("X-MS-SPOUSE", "spouse"),
    ("X-MS-CHILD", "child"),
    ("X-MS-MANAGER", "manager"),
    ("X-MS-ASSISTANT", "assistant"),
];

/// `X-ABLabel` of each group, by the group's name in lower case.
pub struct Labels(HashMap<String, String>);

impl Labels {
    /// The labels of these lines.
    pub fn of(lines: &[Line<'_>]) -> Labels {
        let mut labels = HashMap::new();
        for line in lines.iter().filter(|line| line.is("X-ABLabel") && !line.group().is_empty()) {
            if let Some(label) = normal(&line.text()) {
                labels.entry(line.group().to_ascii_lowercase()).or_insert(label);
            }
        }
        Labels(labels)
    }

    /// The label of the line's group.
    fn group(&self, line: &Line<'_>) -> Option<&String> {
        if line.group().is_empty() { None } else { self.0.get(&line.group().to_ascii_lowercase()) }
    }

    /// The label of a line.
    pub fn get(&self, line: &Line<'_>) -> Option<String> {
        self.group(line).cloned().or_else(|| by_type(line)).or_else(|| implied(line))
    }
}

/// A label in its one spelling: `_$!<Sister>!$_` is `sister`, ours are in lower case.
pub fn normal(text: &str) -> Option<String> {
    let text = one_line(text)?;
    let inner = text.strip_prefix("_$!<").and_then(|rest| rest.strip_suffix(">!$_"));
    if let Some(word) = inner {
        let word = word.to_lowercase();
        return normal(fax(&word).unwrap_or(&word));
    }
    let fixed = FIXED.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
    Some(fixed.map_or(text, |(word, _)| (*word).to_owned()))
}

/// Apple's and Roundcube's words for two labels of ours.
fn fax(word: &str) -> Option<&'static str> {
    match word {
        "homefax" => Some("home fax"),
        "workfax" => Some("work fax"),
        _ => None,
    }
}

/// The value of the `X-ABLabel` of a label, not escaped.
pub fn write_apple(label: &str) -> String {
    match APPLE.iter().find(|word| word.to_ascii_lowercase() == label) {
        Some(word) => format!("_$!<{word}>!$_"),
        None => label.to_owned(),
    }
}

/// The greatest number of a group `itemN`; 0 where there is none.
pub fn last_item(lines: &[Line<'_>]) -> u64 {
    let number = |line: &Line<'_>| {
        let (word, number) = line.group().split_at_checked(4)?;
        word.eq_ignore_ascii_case("item").then(|| number.parse().ok())?
    };
    let taken = lines.iter().filter_map(number).filter(|number| *number < u64::MAX / 2);
    taken.max().unwrap_or(0)
}

/// The line that gives the lines of a group a label.
pub fn line(group: &str, label: &str) -> Line<'static> {
    let value = escape(&write_apple(label));
    Line::of(group.to_owned(), "X-ABLabel".to_owned(), Vec::new(), value)
}

/// The label that a line has by its name alone.
pub fn implied(line: &Line<'_>) -> Option<String> {
    IMPLIED.iter().find(|(name, _)| line.is(name)).map(|(_, label)| (*label).to_owned())
}

/// The TYPEs of a label of ours.
pub fn types(label: &str) -> Option<&'static [&'static str]> {
    FIXED.iter().find(|(word, _)| *word == label).map(|(_, types)| *types)
}

/// True for a TYPE that says the label of a line of that kind.
fn is_label(word: &str, service: bool) -> bool {
    let among = |words: &[&str]| words.iter().any(|it| it.eq_ignore_ascii_case(word));
    match service {
        true => FIXED.iter().any(|(_, types)| among(types)),
        false => !word.is_empty() && !among(&NO_LABEL),
    }
}

/// Takes the TYPEs away that say the line's label.
pub fn take(line: &mut Line<'_>) {
    let service = line.is_any(&SERVICE_TYPES);
    line.drop_types(|word| is_label(word, service));
}

fn by_type(line: &Line<'_>) -> Option<String> {
    let words: Vec<String> = line.param_values("TYPE").map(str::to_ascii_lowercase).collect();
    let has = |word: &str| words.iter().any(|it| it == word);
    let fixed = if has("fax") {
        match (has("home"), has("work")) {
            (true, _) => "home fax",
            (_, true) => "work fax",
            _ => "fax",
        }
    } else if has("cell") || has("mobile") || has("iphone") {
        "mobile"
    } else {
        let single = ["pager", "main", "home", "work", "other"];
        single.into_iter().find(|word| has(word)).unwrap_or_default()
    };
    if !fixed.is_empty() {
        return Some(fixed.to_owned());
    }
    if line.is_any(&SERVICE_TYPES) {
        return None;
    }
    let own = unescape(line.param_values("TYPE").find(|word| is_label(word, false))?);
    // `X-EVOLUTION-ASSISTANT`.
    match strip_scheme(&own, "X-EVOLUTION-") {
        Some(word) => normal(&word.to_lowercase()),
        None => normal(fax(&own.to_lowercase()).unwrap_or(&own)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::lines;

    #[test]
    fn labels_of_lines() {
        for (text, label) in [
            ("TEL;TYPE=CELL:1", Some("mobile")),
            ("TEL;TYPE=cell,work:1", Some("mobile")),
            ("TEL;TYPE=\"voice,home\":1", Some("home")),
            ("TEL;TYPE=work;TYPE=fax:1", Some("work fax")),
            ("TEL;TYPE=FAX,HOME:1", Some("home fax")),
            ("TEL;TYPE=pref;TYPE=voice:1", None),
            ("TEL;type=IPHONE:1", Some("mobile")),
            ("TEL;TYPE=дача:1", Some("дача")),
            ("TEL;HOME:1", Some("home")),
            ("EMAIL;TYPE=INTERNET:a", None),
            ("a.TEL;TYPE=home:1\na.X-ABLABEL:boat", Some("boat")),
            ("a.TEL;TYPE=home:1\nA.X-ABLabel:", Some("home")),
            ("a.TEL:1\na.X-ABLabel:_$!<HomePage>!$_", Some("homepage")),
            ("X-SPOUSE:Ann", Some("spouse")),
            ("X-MANAGERSNAME:Ann", Some("manager")),
            ("EMAIL;TYPE=X-INTERNET:a", None),
            ("TEL;TYPE=X-EVOLUTION-ASSISTANT:1", Some("assistant")),
        ] {
            let all: Vec<_> = lines(text).collect();
            assert_eq!(Labels::of(&all).get(&all[0]).as_deref(), label, "{text}");
        }
        assert_eq!(write_apple("sister"), "_$!<Sister>!$_");
        assert_eq!(write_apple("Sister"), "Sister");
        assert_eq!(normal("Home FAX").as_deref(), Some("home fax"));
        assert_eq!(normal("_$!<_$!<Home>!$_>!$_").as_deref(), Some("home"));
    }
}
