//! Small things that no other test would miss if they went wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy sees test functions, but not what they call"
)]

use vcard::table::{self, Options};
use vcard::*;

/// The largest card by CardDAV, in octets.
const PUT_MAX: usize = 4 << 20;

fn card(version: &str, lines: &[&str]) -> String {
    format!("BEGIN:VCARD\r\nVERSION:{version}\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"))
}

fn read(version: &str, lines: &[&str]) -> (Card, Vec<String>) {
    let read = read_cards(card(version, lines).as_bytes(), None).next().unwrap();
    (read.card.unwrap(), read.warnings.into_iter().map(|it| it.detail).collect())
}

/// What each row says, what is kept beside it, and all warnings.
type Rows = (Vec<Details>, Vec<(String, String)>, Vec<String>);

fn rows(text: &str) -> Rows {
    let table = table::read(text, &Options { map: &[] }).unwrap();
    let mut warnings: Vec<String> = table.warnings().iter().map(|it| it.detail.clone()).collect();
    let (mut all, mut kept) = (Vec::new(), Vec::new());
    for row in table.rows().map(Result::unwrap) {
        warnings.extend(row.warnings.into_iter().map(|it| it.detail));
        kept.extend(row.kept.into_iter().map(|(name, text)| (name.into_owned(), text)));
        all.push(row.details);
    }
    (all, kept, warnings)
}

#[test]
fn a_number_that_is_no_day_shows_no_order_of_dates() {
    let (all, _, _) = rows("Prénom;Date de naissance\nAnn;5/6/1990\nBob;32/13/1990\n");
    assert_eq!(all[0].birthday.unwrap().to_string(), "1990-06-05");
}

#[test]
fn a_line_without_a_colon_has_its_text_as_value() {
    let line = lines("no colon here\r\n").next().unwrap();
    assert_eq!((line.name(), line.value().as_ref()), ("", "no colon here"));
}

#[test]
fn a_card_is_refused_that_becomes_too_large_where_it_is_stored() {
    let with = |octets: usize| {
        let frame = card("3.0", &["UID:u", "N:A;;;;", "FN:A", "PHOTO;ENCODING=b:"]).len();
        let digits = "A".repeat(octets - frame);
        card("3.0", &["UID:u", "N:A;;;;", "FN:A", &format!("PHOTO;ENCODING=b:{digits}")])
    };
    // Stored as it is.
    let largest = with(PUT_MAX - PUT_MAX % 4);
    assert!(put_card(largest.as_bytes()).unwrap().as_sent);
    assert_eq!(put_card(with(PUT_MAX + 4).as_bytes()), Err(Refusal::TooLarge));
    // Folded anew it is larger.
    let other = largest.replace("\r\n", "\n");
    assert_eq!(put_card(other.as_bytes()), Err(Refusal::TooLarge));
}

#[test]
fn of_several_names_the_first_counts_that_says_something() {
    for (lines, name) in [
        (["FN:", "FN:Ann Lee"], "Ann Lee"),
        (["FN:Ann", "FN:Bob Lee"], "Ann"),
        (["FN: ", "FN:Ann"], "Ann"),
    ] {
        let (card, _) = read("4.0", &[lines[0], lines[1], "N:Other;;;;"]);
        assert_eq!(card.details().display_name, name, "{lines:?}");
    }
    assert_eq!(read("4.0", &["UID:", "UID:u1", "FN:A"]).0.uid(), Some("u1"));
    let (card, _) = read("4.0", &["FN:A", "BDAY:soon", "BDAY:19900412"]);
    assert_eq!(card.details().birthday.unwrap().to_string(), "1990-04-12");
}

#[test]
fn a_birthday_in_two_columns_is_one() {
    let (all, kept, warnings) = rows("Name,Birthday,Date of birth\nAnn,1990-04-12,12.04.1990\n");
    assert_eq!(all[0].birthday.unwrap().to_string(), "1990-04-12");
    assert_eq!((kept, warnings), (Vec::new(), Vec::new()));
}

#[test]
fn a_column_is_shown_with_three_samples() {
    let columns = table::columns("Name\nA\nB\nB\nC\nD\nE\n").unwrap();
    assert_eq!(columns[0].samples, ["A", "B", "C"]);
}

#[test]
fn an_event_of_android_is_called_by_its_kind_or_its_label() {
    for (rest, label) in [("2;;;", "other"), ("0;Jubilee;;", "Jubilee"), ("1;;;", "anniversary")] {
        let line =
            format!("X-ANDROID-CUSTOM:vnd.android.cursor.item/contact_event;2010-05-06;{rest}");
        let date = read("2.1", &["N:A", &line]).0.details().dates.remove(0);
        assert_eq!(
            (date.value.to_string().as_str(), date.label.as_deref()),
            ("2010-05-06", Some(label))
        );
    }
}

#[test]
fn what_looks_like_a_date_in_other_columns_is_no_question() {
    let (_, _, warnings) = rows("Name,Notes,Event 1 - Label\nAnn,5/6/1990,7/8/1990\n");
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn an_apostrophe_before_a_digit_is_a_spreadsheets_in_numbers_only() {
    let (all, ..) = rows("Name,Phone,Notes,E-mail\nAnn,'0301234567,'90s,'4@x.example\n");
    assert_eq!(all[0].phones[0].value, "0301234567");
    assert_eq!(all[0].additional_data.as_deref(), Some("'90s"));
    assert_eq!(all[0].emails[0].value, "'4@x.example");
}
