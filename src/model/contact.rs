//! What a contact is, and which contacts are valid.

use crate::error::Result;
use crate::model::{input::Members, text};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Most octets of a card with its pictures.
pub const CARD_MAX: usize = 4 * 1024 * 1024;

/// Longest first or last name, in characters.
pub const NAME_MAX: usize = 100;
/// Longest `additional_data`, in characters.
pub const ADDITIONAL_DATA_MAX: usize = 5_000;
/// Most labels of one contact.
pub const LABELS_MAX: usize = 20;
/// Longest label, in characters.
pub const LABEL_MAX: usize = 50;

/// The members of a contact that a user writes, valid and normalised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactFields {
    /// 1 to 100 characters.
    pub first_name: String,
    /// 1 to 100 characters.
    pub last_name: Option<String>,
    /// A valid address, kept as typed.
    pub email: Option<String>,
    /// 3 to 32 characters with at least three digits, kept as typed.
    pub phone: Option<String>,
    /// A real date, not in the future when it was written.
    pub birthday: Option<NaiveDate>,
    /// 1 to 5,000 characters; line breaks are fine.
    pub additional_data: Option<String>,
    /// At most 20, each 1 to 50 characters, no two alike but for letter case; in the order given.
    pub labels: Vec<String>,
}

/// A contact as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Unique over all owners.
    pub id: i64,
    /// Unique among the owner's contacts that are not in the trash; kept over export and import.
    pub uid: String,
    /// The owner's count of changes when this contact last changed; its ETag.
    pub revision: i64,
    /// What the user wrote.
    pub fields: ContactFields,
    /// vCard content lines that have no field of ours, verbatim, unfolded, joined by `\n`.
    pub properties: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it went into the trash.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// The latest date that it is anywhere on Earth at `now` (UTC+14, Kiritimati): a birthday after
/// it lies in the future for everybody.
pub fn latest_date(now: DateTime<Utc>) -> NaiveDate {
    (now + Duration::hours(14)).date_naive()
}

impl ContactFields {
    /// Reads and checks a contact; every wrong member is reported at once. `latest` is the last
    /// date that a birthday may have, see [`latest_date`]. The members that the server sets are
    /// ignored, so that what was read can be sent back.
    pub fn from_json(value: Value, latest: NaiveDate) -> Result<ContactFields> {
        let mut members = Members::from_json(value)?;
        members.ignore(&["id", "created_at", "updated_at", "deleted_at"]);
        let labels = members.strings("labels");
        let fields = ContactFields {
            first_name: members.required("first_name", |raw| text::line(raw, 1, NAME_MAX)),
            last_name: members.optional("last_name", |raw| text::line(raw, 1, NAME_MAX)),
            email: members.optional("email", text::email),
            phone: members.optional("phone", phone),
            birthday: members.optional("birthday", |raw| birthday(raw, latest)),
            additional_data: members
                .optional("additional_data", |raw| text::paragraph(raw, ADDITIONAL_DATA_MAX))
                .filter(|data| !data.is_empty()),
            labels: members.checked("labels", check_labels(labels)),
        };
        members.finish()?;
        Ok(fields)
    }

    /// The members as JSON, in the order of the contract.
    pub fn to_json(&self) -> Map<String, Value> {
        let members = [
            ("first_name", json!(self.first_name)),
            ("last_name", json!(self.last_name)),
            ("email", json!(self.email)),
            ("phone", json!(self.phone)),
            ("birthday", json!(self.birthday)),
            ("additional_data", json!(self.additional_data)),
            ("labels", json!(self.labels)),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A phone number as typed: 3 to 32 of digits, space and `+-()./#*x`, at least three digits.
pub fn phone(raw: &str) -> Result<String, String> {
    let number = text::line(raw, 3, 32)?;
    if !number.chars().all(|c| c.is_ascii_digit() || " +-()./#*x".contains(c)) {
        return Err("may only contain digits, spaces and + - ( ) . / # * x".to_owned());
    }
    if number.chars().filter(char::is_ascii_digit).count() < 3 {
        return Err("must contain at least three digits".to_owned());
    }
    Ok(number)
}

/// A real date `YYYY-MM-DD`, from year 1 on, not after `latest`.
pub fn birthday(raw: &str, latest: NaiveDate) -> Result<NaiveDate, String> {
    let date = date(raw)?;
    if date > latest {
        return Err("must not be in the future".to_owned());
    }
    Ok(date)
}

/// A real date `YYYY-MM-DD`, from year 1 on. chrono alone would take `1990-4-1` and signs.
pub fn date(raw: &str) -> Result<NaiveDate, String> {
    let raw = text::line(raw, 0, 100)?;
    let shape = raw.len() == 10
        && raw.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    match raw.parse::<NaiveDate>() {
        Ok(date) if shape && !raw.starts_with("0000") => Ok(date),
        _ => Err("must be a real date, YYYY-MM-DD".to_owned()),
    }
}

/// Labels as a set ignoring case, in which the first spelling stays.
pub fn check_labels(raw: Vec<String>) -> Result<Vec<String>, String> {
    let mut seen = HashSet::new();
    let mut labels = Vec::new();
    for label in raw {
        let label = text::line(&label, 1, LABEL_MAX).map_err(|why| format!("each label {why}"))?;
        if seen.insert(label.to_lowercase()) {
            labels.push(label);
        }
    }
    if labels.len() > LABELS_MAX {
        return Err(format!("must have at most {LABELS_MAX} labels"));
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn read(value: Value) -> Result<ContactFields> {
        ContactFields::from_json(value, NaiveDate::from_ymd_opt(2026, 11, 22).unwrap())
    }

    #[test]
    fn what_was_read_can_be_sent_back() {
        let sent = json!({"first_name": " Ann ", "last_name": "", "labels": ["Work", "work", "x"],
            "birthday": "2024-02-29", "phone": "+380 44 123", "id": 7, "created_at": "whenever"});
        let fields = read(sent).unwrap();
        assert_eq!(fields.first_name, "Ann");
        assert_eq!(fields.last_name, None);
        assert_eq!(fields.labels, ["Work", "x"]);
        assert_eq!(read(Value::Object(fields.to_json())).unwrap(), fields);
    }

    #[test]
    fn a_birthday_may_be_today_and_labels_as_many_as_allowed() {
        let latest = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        assert_eq!(birthday("2026-11-22", latest), Ok(latest));
        assert!(birthday("2026-11-23", latest).is_err());
        let labels = |count: usize| check_labels((0..count).map(|it| it.to_string()).collect());
        assert_eq!(labels(LABELS_MAX).map(|it| it.len()), Ok(LABELS_MAX));
        assert!(labels(LABELS_MAX + 1).is_err());
    }

    #[test]
    fn every_wrong_member_is_named() {
        let wrong = json!({"first_name": "", "last_name": "x".repeat(101), "email": "no",
            "phone": "12", "birthday": "2026-11-23", "additional_data": "\u{0}",
            "labels": [""], "nick": "x"});
        let Err(Error::Invalid(faults)) = read(wrong) else { panic!("must fail") };
        let mut fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        fields.sort_unstable();
        let all = ["additional_data", "birthday", "email", "first_name", "labels", "last_name"];
        assert_eq!(fields, [&all[..], &["nick", "phone"]].concat());
    }

    #[test]
    fn dates_are_real_and_in_one_form() {
        assert!(date("2024-02-29").is_ok());
        let wrong = ["2023-02-29", "1990-4-1", "+1990-04-1", "19900412", "0000-01-01", "990-04-12"];
        for raw in wrong {
            assert!(date(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn the_latest_date_on_earth_is_that_of_utc_plus_14() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(latest_date(now).to_string(), "2026-11-23");
        let now = "2026-11-22T09:59:59Z".parse().unwrap();
        assert_eq!(latest_date(now).to_string(), "2026-11-22");
    }

    #[test]
    fn phones() {
        for good in ["112", "+38 (044) 123-45-67", "555.0100 x12", "*#06#1"] {
            assert!(phone(good).is_ok(), "{good}");
        }
        for bad in ["12", "++--", "+38ext4", "1".repeat(33).as_str()] {
            assert!(phone(bad).is_err(), "{bad}");
        }
    }
}
