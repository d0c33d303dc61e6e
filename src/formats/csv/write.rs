//! Contacts → rows with Google's current headers. The columns are fixed beforehand, since rows
//! are streamed; what has no column is in the vCard export.

use super::lines::{SEVERAL, label_cell};
use crate::formats::fields;
use crate::formats::line::Line;
use crate::formats::names::one_line;
use crate::formats::value::{split_value, unescape};
use crate::model::contact::{Contact, phone};

/// The columns, in Google's order.
const HEADER: [&str; 31] = [
    "First Name",
    "Middle Name",
    "Last Name",
    "Name Prefix",
    "Name Suffix",
    "Nickname",
    "Organization Name",
    "Organization Title",
    "Organization Department",
    "Birthday",
    "Notes",
    "Labels",
    "E-mail 1 - Label",
    "E-mail 1 - Value",
    "E-mail 2 - Label",
    "E-mail 2 - Value",
    "Phone 1 - Label",
    "Phone 1 - Value",
    "Phone 2 - Label",
    "Phone 2 - Value",
    "Phone 3 - Label",
    "Phone 3 - Value",
    "Address 1 - Label",
    "Address 1 - Street",
    "Address 1 - City",
    "Address 1 - PO Box",
    "Address 1 - Region",
    "Address 1 - Postal Code",
    "Address 1 - Country",
    "Address 1 - Extended Address",
    "Website 1 - Value",
];

/// Appends the header line.
pub fn header(out: &mut String) {
    out.push_str(&HEADER.join(","));
    out.push_str("\r\n");
}

/// Appends the contact as one row.
pub fn row(out: &mut String, contact: &Contact) {
    let fields = &contact.fields;
    let lines = fields::export(fields, &contact.properties);
    let all = |name: &'static str| lines.iter().filter(move |line| line.is(name));
    let part = |name, at| all(name).next().and_then(|line| split_value(&line.value, ';').nth(at));
    let text = |name, at| part(name, at).map(one_line).unwrap_or_default();
    let labels: Vec<String> = fields.labels.iter().map(|it| label_cell(it)).collect();
    let date = all("BDAY").next().map(|line| one_line(&line.value)).unwrap_or_default();
    let mut cells = vec![
        fields.first_name.clone(),
        text("N", 2),
        fields.last_name.clone().unwrap_or_default(),
        text("N", 3),
        text("N", 4),
        text("NICKNAME", 0),
        text("ORG", 0),
        text("TITLE", 0),
        text("ORG", 1),
        fields.birthday.map_or(date, |date| date.to_string()),
        fields.additional_data.clone().unwrap_or_default(),
        labels.join(&format!(" {SEVERAL} ")),
    ];
    // Without the field no others: read back, one of them would fill it.
    cells.extend(several(all("EMAIL").filter(|_| fields.email.is_some()), &lines, 2));
    cells.extend(several(all("TEL").filter(|_| fields.phone.is_some()), &lines, 3));
    let address = all("ADR").next();
    cells.push(address.map(|line| label(line, &lines)).unwrap_or_default());
    cells.extend([2, 3, 0, 4, 5, 6, 1].map(|at| part("ADR", at).map(unescape).unwrap_or_default()));
    cells.push(text("URL", 0));
    for (at, text) in cells.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        cell(out, text);
    }
    out.push_str("\r\n");
}

/// Label and value of the first `count` lines; all that follow are values of the last one.
fn several<'a>(found: impl Iterator<Item = &'a Line>, lines: &[Line], count: usize) -> Vec<String> {
    let mut cells = Vec::new();
    for line in found {
        let value = one_line(&line.value);
        if cells.len() < count * 2 {
            cells.extend([label(line, lines), value]);
        } else if let Some(last) = cells.last_mut() {
            last.push_str(&format!(" {SEVERAL} {value}"));
        }
    }
    cells.resize(count * 2, String::new());
    cells
}

/// What Google calls the type of this line, with a star if it is preferred.
fn label(line: &Line, lines: &[Line]) -> String {
    let beside = |other: &&Line| other.is("X-ABLabel") && other.group == line.group;
    let own = lines.iter().filter(|_| !line.group.is_empty()).find(beside);
    let types: Vec<String> = line
        .params
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("TYPE"))
        .flat_map(|(_, value)| value.trim_matches('"').split(','))
        .map(str::to_lowercase)
        .collect();
    let has = |word: &str| types.iter().any(|own| own == word);
    let label = match own {
        // Apple's names for its own labels: _$!<HomePage>!$_
        Some(label) => {
            let text = one_line(&label.value);
            text.trim_start_matches("_$!<").trim_end_matches(">!$_").to_owned()
        }
        None if has("home") && has("fax") => "Home Fax".to_owned(),
        None if has("work") && has("fax") => "Work Fax".to_owned(),
        None if has("cell") => "Mobile".to_owned(),
        None => {
            let unsaid = ["pref", "internet", "voice"];
            types.into_iter().find(|word| !unsaid.contains(&word.as_str())).unwrap_or_default()
        }
    };
    let star = if line.rank() <= 100 { "* " } else { "" };
    format!("{star}{label}").trim_end().to_owned()
}

/// Appends one cell, quoted where RFC 4180 asks for it. A text that a spreadsheet would take for
/// a formula gets an apostrophe in front, which our importer takes away; telephone numbers and
/// dates without a year begin with a sign, too, but say nothing to a spreadsheet.
fn cell(out: &mut String, text: &str) {
    let bare = text.trim_start_matches('\'');
    let sign = bare.starts_with(['+', '-', '＋', '－']);
    let harmless = sign && bare.len() == text.len() && phone(text).is_ok();
    let guard = (sign && !harmless) || bare.starts_with(['=', '@', '\t', '\r', '＝', '＠']);
    let quoted = text.contains([',', '"', '\n', '\r', ';', '\t']) || text.trim().len() < text.len();
    if quoted {
        out.push('"');
    }
    if guard {
        out.push('\'');
    }
    if text.contains('"') {
        out.push_str(&text.replace('"', "\"\""));
    } else {
        out.push_str(text);
    }
    if quoted {
        out.push('"');
    }
}
