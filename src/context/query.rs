//! The query of a request, and `a=1&b=2` wherever it comes from.

use super::call::Call;
use crate::error::{Error, Faults, Result};
use crate::model;
use crate::repository::Slice;
use percent_encoding::percent_decode;
use std::ops::RangeInclusive;

/// Most fields of a form. A field of three bytes takes a hundred; what is chosen on a page is a thousand.
const FIELDS_MAX: usize = 10_000;

/// Decodes `a=1&b=2` (application/x-www-form-urlencoded), strictly: a broken `%` or broken UTF-8
/// is the client's mistake and not replaced by something else.
fn pairs(raw: &[u8], what: &str) -> Result<Vec<(String, String)>> {
    if raw.split(|&byte| byte == b'&').nth(FIELDS_MAX).is_some() {
        return Err(Error::Malformed(format!("the {what} has too many fields")));
    }
    let wrong = || Error::Malformed(format!("the {what} is not valid percent-encoded UTF-8"));
    let decode = |text: &[u8]| -> Result<String> {
        let text: Vec<u8> =
            text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        if !model::text::is_percent_encoded(&text) {
            return Err(wrong());
        }
        Ok(percent_decode(&text).decode_utf8().map_err(|_| wrong())?.into_owned())
    };
    raw.split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            Ok((name, decode(halves.next().unwrap_or_default())?))
        })
        .collect()
}

/// The parameters of a query. Unknown ones are ignored, an empty one counts as absent (but see
/// [`Query::flag`]), and a repeated one is a fault: it is unknown which was meant. Call
/// [`Query::finish`] when everything was asked for.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    faults: Faults,
}

impl Call {
    /// The query's parameters. [`Error::Malformed`] when it cannot be decoded.
    pub fn query(&self) -> Result<Query> {
        let pairs = pairs(self.request.raw_query_string().as_bytes(), "query")?;
        Ok(Query { pairs, faults: Faults::default() })
    }

    /// The fields of a form, in order.
    pub fn form(&self) -> Result<Vec<(String, String)>> {
        pairs(self.body()?, "form")
    }
}

impl Query {
    /// A text; NFC and trimmed like every string.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.parsed(name, |raw| model::text::line(raw, 0, 1_000))
    }

    /// A parameter that passes `check`.
    pub fn parsed<T>(
        &mut self,
        name: &str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let mut values = self.pairs.iter().filter(|(known, _)| known == name);
        let (_, raw) = values.next()?;
        if values.next().is_some() {
            self.faults.add(name, "must be there once only");
            return None;
        }
        if model::text::is_blank(raw) {
            return None;
        }
        match check(raw) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.faults.add(name, detail);
                None
            }
        }
    }

    /// A whole number within a range.
    pub fn number(&mut self, name: &str, default: i64, range: RangeInclusive<i64>) -> i64 {
        self.optional_number(name, range).unwrap_or(default)
    }

    /// The same, if it is there.
    pub fn optional_number(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        self.parsed(name, |raw| {
            let number = raw.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| {
                format!("must be a number from {} to {}", range.start(), range.end())
            })
        })
    }

    /// True or false. Nothing at all is a fault, or `?dry_run` would do what its writer wanted to look at only.
    pub fn flag(&mut self, name: &str) -> bool {
        if self.pairs.iter().any(|(known, raw)| known == name && model::text::is_blank(raw)) {
            self.faults.add(name, "must be true or false");
            return false;
        }
        let flag = self.parsed(name, |raw| match raw {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        });
        flag.unwrap_or(false)
    }

    /// `limit` 1 to 100 (20) and `skip`, as far as a list goes.
    pub fn slice(&mut self) -> Slice {
        Slice {
            limit: self.number("limit", 20, 1..=100),
            skip: self.number("skip", 0, 0..=i64::from(i32::MAX)),
        }
    }

    /// Notes a fault that only several parameters together show.
    pub fn fault(&mut self, name: &str, detail: &str) {
        self.faults.add(name, detail);
    }

    /// The query as it was sent, but without some parameters and with another one. Encoded anew,
    /// so that it can stand in a header.
    pub fn with(&self, without: &[&str], name: &str, value: &str) -> String {
        let kept = self.pairs.iter().filter(|(name, _)| !without.contains(&name.as_str()));
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let encode = |text: &str| model::text::percent_encoded(text.as_bytes());
        let pairs = kept
            .chain([(name, value)])
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// Fails with every fault.
    pub fn finish(self) -> Result<()> {
        self.faults.into_result(())
    }
}
