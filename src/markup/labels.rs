//! The labels of a contact in one field: separated by commas. A label that has a comma itself, which cards
//! and files may bring, stands in quotes, so that it comes back from the form as the one that it is.

/// Labels as the field shows them.
pub fn joined<'a>(labels: impl Iterator<Item = &'a str>) -> String {
    let quoted = |label: &str| {
        let plain = !label.contains(',') && !label.starts_with('"') && label.trim() == label;
        if plain { label.to_owned() } else { format!("\"{}\"", label.replace('"', "\"\"")) }
    };
    labels.map(quoted).collect::<Vec<_>>().join(", ")
}

/// The labels of a field. A quote that is not closed before a comma or the end is part of the label.
pub fn split(field: &str) -> Vec<String> {
    let (mut labels, mut rest) = (Vec::new(), field.trim_start());
    while !rest.is_empty() {
        let (label, after) = quoted(rest).unwrap_or_else(|| {
            let (label, after) = rest.split_once(',').unwrap_or((rest, ""));
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
    let after = if after.is_empty() { after } else { after.strip_prefix(',')? };
    Some((label.replace("\"\"", "\""), after))
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
            ("\"\"", &[]),
            (",,", &[]),
            ("", &[]),
        ] {
            assert_eq!(split(field), labels, "{field}");
        }
    }
}
