//! Single values of a contact: how long they may be, and which form they have.

use crate::error::Result;
use crate::model::text;
use chrono::NaiveDate;
use vcard::PartialDate;

/// Most entries of each list.
pub const LIST_MAX: usize = 50;
/// Longest label, in characters.
pub const LABEL_MAX: usize = 50;
/// Longest first or last name, nickname and the like, in characters.
pub const NAME_MAX: usize = 100;
/// Longest organisation, department, title, display name.
pub const LONG_NAME_MAX: usize = 200;
/// Longest part of a postal address, relation, service.
pub const PART_MAX: usize = 500;
/// Longest web address.
pub const URL_MAX: usize = 2_000;
/// Longest `additional_data`.
pub const ADDITIONAL_DATA_MAX: usize = 20_000;

pub(super) fn email(raw: &str) -> Result<String, String> {
    text::line(raw, 1, 1_000)?;
    let address = vcard::clean_email(raw);
    match vcard::is_valid_email(&address) {
        true => Ok(address),
        false => Err("must be a valid e-mail address".to_owned()),
    }
}

pub(super) fn phone(raw: &str) -> Result<String, String> {
    text::line(raw, 1, 1_000)?;
    let number = vcard::clean_phone(raw);
    match vcard::is_valid_phone(&number) {
        true => Ok(number),
        false => {
            Err("must be a phone number: 3 to 32 digits, spaces and + - ( ) . / # * x, with at \
            least three digits"
                .to_owned())
        }
    }
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

/// A date, not after `latest`, or `--MM-DD` when the year is unknown. In cards 1604 stands for that, so
/// it is no year here.
pub(super) fn partial_date(raw: &str, latest: NaiveDate) -> Result<PartialDate, String> {
    let wrong = || "must be a real date, YYYY-MM-DD, or --MM-DD without a year".to_owned();
    // 2000 was a leap year.
    let (full, yearless) = match raw.trim().strip_prefix("--") {
        Some(rest) => (format!("2000-{rest}"), true),
        None => (raw.to_owned(), false),
    };
    let day = date(&full).map_err(|_| wrong())?;
    if !yearless && day > latest {
        return Err("must not be in the future".to_owned());
    }
    let means_something_else = full.trim().starts_with("1604-") || full.trim() == "0001-01-01";
    if !yearless && means_something_else {
        return Err(
            "must not be in 1604 or on 0001-01-01, which cards have for what is unknown".to_owned()
        );
    }
    PartialDate::parse(raw.trim()).ok_or_else(wrong)
}
