//! N and FN: what they say, and how FN follows a change of the names (`files.md`, 5).

use crate::Details;
use crate::fold::fold;
use crate::line::Line;
use crate::value::{one_line, split_value, unescape};

/// Last, first and middle name, prefix and suffix: the parts of the first N that says something.
pub fn parts(lines: &[Line<'_>]) -> [Option<String>; 5] {
    let read = |line: &Line<'_>| {
        let value = line.value();
        let mut parts = split_value(&value, ';').map(|part| one_line(&unescape(part)));
        std::array::from_fn(|_| parts.next().flatten())
    };
    let mut found = lines.iter().filter(|line| line.is("N")).map(read);
    found.find(|parts: &[Option<String>; 5]| parts.iter().any(Option::is_some)).unwrap_or_default()
}

/// The FN that the card prefers and that says something.
pub fn full(lines: &[Line<'_>]) -> Option<(usize, String)> {
    let all = lines.iter().enumerate().filter(|(_, line)| line.is("FN"));
    let visible = all.filter_map(|(at, line)| Some((line.rank(), at, one_line(&line.text())?)));
    visible.min_by_key(|(rank, at, _)| (*rank, *at)).map(|(_, at, text)| (at, text))
}

/// What to call a contact whose card does not say it: N, ORG, NICKNAME, EMAIL, TEL in this order
/// (`carddav.md`, rule 34), then whatever else there is.
pub fn derive(details: &Details, lines: &[Line<'_>]) -> String {
    says_who(details)
        .or_else(|| aside(lines))
        .or_else(|| {
            details
                .additional_data
                .as_deref()
                .and_then(|text| text.lines().next())
                .and_then(one_line)
        })
        .or_else(|| {
            let uids = lines.iter().filter(|line| line.is("UID"));
            uids.map(|line| line.text()).find_map(|uid| one_line(&uid))
        })
        .unwrap_or_else(|| "?".to_owned())
}

/// What names or reaches the contact in lines that no member shows.
pub fn aside(lines: &[Line<'_>]) -> Option<String> {
    const NAMES: [&str; 6] = [
        "X-EVOLUTION-FILE-AS",
        "X-FILE-AS",
        "X-PHONETIC-FIRST-NAME",
        "X-PHONETIC-LAST-NAME",
        "LABEL",
        "ROLE",
    ];
    NAMES.iter().find_map(|name| {
        lines.iter().filter(|line| line.is(name)).find_map(|line| one_line(&line.text()))
    })
}

impl Details {
    /// What to call the contact by what else is said of it; none: nothing names or reaches it.
    pub fn derived_name(&self) -> Option<String> {
        says_who(self)
    }
}

/// What names or reaches the contact; none if nothing does.
pub fn says_who(details: &Details) -> Option<String> {
    let names = joined(&[
        &details.prefix,
        &details.first_name,
        &details.middle_name,
        &details.last_name,
        &details.suffix,
    ]);
    let primary = |list: &[crate::Entry]| {
        list.iter().find(|entry| entry.primary).or(list.first()).map(|entry| entry.value.clone())
    };
    let address = || {
        let address = details.addresses.first()?;
        let parts = [
            &address.street,
            &address.extended,
            &address.po_box,
            &address.postal_code,
            &address.city,
            &address.region,
            &address.country,
        ];
        one_line(&joined(&parts)?)
    };
    names
        .or_else(|| details.organization.clone())
        .or_else(|| details.nickname.clone())
        .or_else(|| details.department.clone())
        .or_else(|| primary(&details.emails))
        .or_else(|| primary(&details.phones))
        .or_else(address)
        .or_else(|| details.online.first().map(|it| it.value.clone()))
        .or_else(|| details.urls.first().map(|it| it.value.clone()))
        .or_else(|| details.job_title.clone())
        .or_else(|| details.relations.first().map(|it| it.value.clone()))
}

fn joined(parts: &[&Option<String>]) -> Option<String> {
    let parts: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
    Some(parts.join(" ")).filter(|text| !text.is_empty())
}

/// The five names in the order in which people say them.
fn said(details: &Details) -> [&str; 5] {
    [
        details.prefix.as_deref().unwrap_or_default(),
        details.first_name.as_deref().unwrap_or_default(),
        details.middle_name.as_deref().unwrap_or_default(),
        details.last_name.as_deref().unwrap_or_default(),
        details.suffix.as_deref().unwrap_or_default(),
    ]
}

/// Place of the last name in [`said`].
const LAST: usize = 3;

/// FN after the names changed from `old` to `new`: if it consisted of the old ones it consists of
/// the new ones, in the same order; otherwise it stays, and the answer is none.
pub fn follow(full: &str, old: &Details, new: &Details) -> Option<String> {
    let (before, after) = (said(old), said(new));
    if before == after || before.iter().all(|part| part.is_empty()) {
        // What was derived from the organisation or an address follows these.
        let (was, is) = (says_who(old)?, says_who(new)?);
        return (was != is && letters(&was) == letters(full)).then_some(is);
    }
    let order = arrangement(full, &before)?;
    let in_order = order.is_sorted();
    let mut order: Vec<usize> = order;
    for (at, (before, after)) in before.iter().zip(&after).enumerate() {
        if before.is_empty() && !after.is_empty() {
            match at {
                0 => order.insert(0, at),
                _ => order.push(at),
            }
        }
    }
    if in_order {
        order.sort_unstable();
    }
    let parts: Vec<&str> = order.iter().filter_map(|at| after.get(*at).copied()).collect();
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let several = before.iter().filter(|part| !part.is_empty()).count() > 1;
    let glued =
        several && !full.contains(char::is_whitespace) && parts.iter().all(|it| is_spaceless(it));
    let text = match parts.split_first() {
        None => return says_who(new),
        Some((last, rest))
            if full.contains(',') && order.first() == Some(&LAST) && !rest.is_empty() =>
        {
            format!("{last}, {}", rest.join(" "))
        }
        _ if glued => parts.concat(),
        _ => parts.join(" "),
    };
    Some(text)
}

/// Letters and digits, folded.
fn letters(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The order in which `full` consists of some of these parts and of nothing else.
fn arrangement(full: &str, parts: &[&str; 5]) -> Option<Vec<usize>> {
    let whole = letters(full);
    let folded = parts.map(letters);
    let mut order = Vec::new();
    if !whole.is_empty() && arrange(&whole, &folded, &mut order) {
        return Some(order);
    }
    // The same words, some of them of one part but not together.
    let words = |text: &str| {
        let folded = fold(text);
        let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let (mut has, mut all) = (words(full), words(&parts.join(" ")));
    has.sort_unstable();
    all.sort_unstable();
    (has == all && !has.is_empty()).then(|| {
        let filled = folded.iter().enumerate().filter(|(_, part)| !part.is_empty());
        filled.map(|(at, _)| at).collect()
    })
}

/// At most five parts, so at most 326 ways.
fn arrange(rest: &str, parts: &[String; 5], order: &mut Vec<usize>) -> bool {
    if rest.is_empty() {
        return true;
    }
    for (at, part) in parts.iter().enumerate() {
        if part.is_empty() || order.contains(&at) {
            continue;
        }
        if let Some(rest) = rest.strip_prefix(part.as_str()) {
            order.push(at);
            if arrange(rest, parts, order) {
                return true;
            }
            order.pop();
        }
    }
    false
}

/// True for text of scripts that put no space between the names: Chinese, Japanese, Korean, Thai
/// and its neighbours.
fn is_spaceless(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(u32::from(c), 0xe00..=0xeff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3005
            | 0x3040..=0x30ff | 0x31f0..=0x31ff | 0x3400..=0x9fff | 0xac00..=0xd7af
            | 0xf900..=0xfaff | 0x20000..=0x3ffff)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names as `prefix/first/middle/last/suffix`.
    fn named(text: &str) -> Details {
        let mut parts =
            text.split('/').map(|part| Some(part.to_owned()).filter(|it| !it.is_empty()));
        let mut part = || parts.next().flatten();
        Details {
            prefix: part(),
            first_name: part(),
            middle_name: part(),
            last_name: part(),
            suffix: part(),
            ..Details::default()
        }
    }

    #[test]
    fn fn_follows_where_it_consisted_of_the_names() {
        for (full, old, new, follows) in [
            ("John Smith", "/John//Smith", "/Jo//Smith", "Jo Smith"),
            ("john SMITH", "/John//Smith", "/Jo//Smith", "Jo Smith"),
            ("Smith, John", "/John//Smith", "/Jo//Doe", "Doe, Jo"),
            ("Smith John", "/John//Smith", "/Jo//Doe", "Doe Jo"),
            (
                "Mr. John Q. Smith Jr.",
                "Mr./John/Q./Smith/Jr.",
                "Mr./Jo/Q./Doe/Jr.",
                "Mr. Jo Q. Doe Jr.",
            ),
            ("John Smith", "Mr./John/Q./Smith/", "Mr./Jo/R./Smith/", "Jo Smith"),
            ("John Smith", "/John//Smith/", "Dr./John/Q./Smith/MD", "Dr. John Q. Smith MD"),
            ("Pat O’Neil", "/Pat//O'Neil", "/Pam//O'Neil", "Pam O'Neil"),
            ("Zoe Muller", "/Zoë//Müller", "/Zoë//Meier", "Zoë Meier"),
            ("山田太郎", "/太郎//山田", "/花子//山田", "山田花子"),
            ("山田太郎", "/太郎//山田", "/Hana//山田", "山田 Hana"),
            ("김민수", "/민수//김", "/민수//이", "이민수"),
            ("สมชายใจดี", "/สมชาย//ใจดี", "/สมชาย//ดีใจ", "สมชายดีใจ"),
            ("Ann Mary Lee", "/Mary Ann//Lee", "/Mary//Lee", "Mary Lee"),
            ("Ann", "/Ann//", "/Ann//Lee", "Ann Lee"),
            ("Ann Lee", "/Ann//Lee", "/Ann//", "Ann"),
            ("The Boss", "/John//Smith", "/Jo//Doe", ""),
            ("Johnny Smith", "/John//Smith", "/Jo//Doe", ""),
            ("!", "/John//Smith", "/Jo//Doe", ""),
            ("Ann Lee", "/Ann//Lee", "/Ann//Lee", ""),
        ] {
            let text = follow(full, &named(old), &named(new));
            assert_eq!(text.as_deref().unwrap_or_default(), follows, "{full} {new}");
        }
    }

    #[test]
    fn who_has_a_nickname_is_not_called_as_the_department() {
        let text = |text: &str| Some(text.to_owned());
        let jo = Details { nickname: text("Jo"), department: text("Optics"), ..Details::default() };
        assert_eq!(says_who(&jo), text("Jo"));
        let optics = Details { nickname: None, ..jo.clone() };
        assert_eq!(says_who(&optics), text("Optics"));
        assert_eq!(says_who(&Details { organization: text("Acme"), ..jo }), text("Acme"));
    }

    #[test]
    fn fn_of_a_firm_follows_the_firm() {
        let acme = Details { organization: Some("Acme".to_owned()), ..Details::default() };
        let apex = Details { organization: Some("Apex".to_owned()), ..Details::default() };
        assert_eq!(follow("ACME", &acme, &apex).as_deref(), Some("Apex"));
        assert_eq!(follow("ACME", &acme, &named("/Ann")).as_deref(), Some("Ann"));
        assert_eq!(follow("Acme Ltd", &acme, &apex), None);
    }
}
