//! A cell that is a list: a text for each entry, empty or not, so that the cells beside it have theirs in the same
//! places.

use super::text::{SEVERAL, escaped, unescaped};

/// Texts as one cell, each with its place.
pub(super) fn joined(texts: &[impl AsRef<str>]) -> String {
    texts.iter().map(|text| escaped(text.as_ref())).collect::<Vec<_>>().join(" ::: ")
}

/// The opposite of [`joined`].
pub(super) fn apart(cell: &str) -> Vec<String> {
    let is_escaped = |at: usize| cell.get(..at).is_some_and(|before| before.ends_with('\\'));
    let ends = cell.match_indices(SEVERAL).map(|(at, _)| at).filter(|at| !is_escaped(*at));
    let mut start = 0;
    let mut texts = Vec::new();
    for end in ends.chain([cell.len()]) {
        texts.push(unescaped(cell.get(start..end).unwrap_or_default().trim()).into_owned());
        start = end + SEVERAL.len();
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_keeps_its_place() {
        for texts in [
            vec!["a"],
            vec!["", "b", ""],
            vec!["a ::: b", ":::", "\\:::", "::::", "x\\", ":", "::"],
            vec!["one\ntwo", "=1", ",;"],
        ] {
            assert_eq!(apart(joined(&texts).trim()), texts);
        }
    }
}
