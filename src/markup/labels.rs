//! `/labels`, those that other pages show, and the labels of a contact in one field: separated by commas. A label
//! that has a comma itself, which cards and files may bring, stands in quotes, so that it comes back from the
//! form as the one that it is.

use super::page::{Page, fitting, next_page, shell};
use super::queries::link;
use maud::{Markup, html};
use std::cmp::Reverse;

/// Most labels beside something else, and bytes of them.
const BESIDE: (usize, usize) = (30, 800);
/// Bytes of labels on a page of their own, or in a choice.
const ROOM: usize = 16_000;
/// What separates labels: the commas that keyboards have (of Arabic, and of Chinese and Japanese).
const COMMAS: [char; 4] = [',', '\u{60c}', '\u{3001}', '\u{ff0c}'];

/// The labels that most contacts have, as many as there is room for beside something else, in the order given.
pub fn often(labels: &[(String, i64)]) -> Vec<&(String, i64)> {
    let (many, mut room) = BESIDE;
    let mut found: Vec<_> = labels.iter().enumerate().collect();
    found.sort_by_key(|(_, (_, count))| Reverse(*count));
    found.retain(|(_, (label, _))| {
        let left = room.checked_sub(label.len());
        room = left.unwrap_or(room);
        left.is_some()
    });
    found.truncate(many);
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, it)| it).collect()
}

/// The page of a book with many. `more`: there are some after these.
pub fn page(p: &Page, labels: &[(String, i64)], more: bool) -> Markup {
    let one = |(label, count): &(String, i64)| {
        html! {
            li { a href={ "/contacts?" (link(&[("label", label)])) } { bdi { (label) } } small class="soft" { (p.w.number(*count)) } }
        }
    };
    let shown = fitting(labels.iter().map(one), ROOM);
    let last = shown.len().checked_sub(1).and_then(|at| labels.get(at));
    let next = last.filter(|_| more || shown.len() < labels.len());
    let next = next.map(|(label, _)| link(&[("after", label)]));
    let body = html! {
        h1 { (p.w.labels) }
        @if labels.is_empty() { div class="empty" { h2 { (p.w.sentence("Nobody has a label yet")) } } } @else { ul class="panel things" { @for label in shown { (label) } } }
        (next_page(p, "/labels", next.as_deref()))
    };
    shell(p, p.w.labels, &html! {}, &body)
}

/// One of the labels, or all contacts: a list to choose from while there is room for it, else a field with the
/// most used ones as suggestions.
pub fn choice(p: &Page, labels: &[(String, i64)], total: i64) -> Markup {
    let all = format!("{} ({})", p.w.all, p.w.number(total));
    if labels.iter().map(|(label, _)| 2 * label.len() + 40).sum::<usize>() > ROOM {
        return html! {
            input id="label" name="label" list="known" placeholder=(all) autocomplete="off";
            datalist id="known" { @for (label, _) in often(labels) { option value=(label) {} } }
        };
    }
    html! {
        select id="label" name="label" {
            option value="" { (all) }
            @for (label, count) in labels { option value=(label) { (label) " (" (p.w.number(*count)) ")" } }
        }
    }
}

/// Labels as the field shows them.
pub fn joined<'a>(labels: impl Iterator<Item = &'a str>) -> String {
    let quoted = |label: &str| {
        let plain = !label.contains(COMMAS) && !label.starts_with('"') && label.trim() == label;
        if plain { label.to_owned() } else { format!("\"{}\"", label.replace('"', "\"\"")) }
    };
    labels.map(quoted).collect::<Vec<_>>().join(", ")
}

/// The labels of a field. A quote that is not closed before a comma or the end is part of the label.
pub fn split(field: &str) -> Vec<String> {
    let (mut labels, mut rest) = (Vec::new(), field.trim_start());
    while !rest.is_empty() {
        let (label, after) = quoted(rest).unwrap_or_else(|| {
            let (label, after) = rest.split_once(COMMAS).unwrap_or((rest, ""));
            (label.trim().to_owned(), after)
        });
        labels.extend(Some(label).filter(|label| !label.is_empty()));
        rest = after.trim_start();
    }
    labels
}

/// A label in quotes at the beginning, and what comes after its comma.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    // The end is the first quote that is not doubled.
    let mut from = 0;
    let end = loop {
        let at = from + inside.get(from..)?.find('"')?;
        match inside.get(at + 1..)?.starts_with('"') {
            true => from = at + 2,
            false => break at,
        }
    };
    let (label, after) = (inside.get(..end)?, inside.get(end + 1..)?.trim_start());
    let after = if after.is_empty() { after } else { after.strip_prefix(COMMAS)? };
    Some((label.replace("\"\"", "\""), after))
}

/// In place of a list of nothing.
pub fn nothing_found(p: &Page) -> Markup {
    html! {
        div class="empty" { h2 { (p.w.nothing_found) } p class="soft" { (p.w.nothing_found_text) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_comes_back_from_its_field() {
        let labels = [
            "family",
            "Smith, Oslo",
            "a,b",
            "\"best\" friends",
            "5\" disks",
            " odd ",
            "\"",
            "\",\"",
            "東京、大阪",
        ];
        assert_eq!(split(&joined(labels.into_iter())), labels);
        assert_eq!(joined(["family", "optics"].into_iter()), "family, optics");
    }

    #[test]
    fn what_somebody_types_is_split_at_its_commas() {
        for (field, labels) in [
            (" a, ,b ", &["a", "b"][..]),
            ("x , \"a, b\" ,y", &["x", "a, b", "y"]),
            ("\"best\" friends, y", &["\"best\" friends", "y"]),
            ("\"open, y", &["\"open", "y"]),
            ("家人，朋友、同事", &["家人", "朋友", "同事"]),
            ("عائلة، \"أ، ب\"", &["عائلة", "أ، ب"]),
            ("\"\"", &[]),
            (",,", &[]),
            ("", &[]),
        ] {
            assert_eq!(split(field), labels, "{field}");
        }
    }
}
