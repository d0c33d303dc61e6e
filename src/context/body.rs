//! The body of a request: bytes, JSON, a form, each only in the type and character set it comes in.

use super::call::Call;
use super::query::pairs;
use crate::error::{Error, Result};
use crate::model::input::Members;
use crate::model::json;
use serde_json::Value;

impl Call {
    /// The type of the body in lower case without parameters, for example `application/json`.
    pub fn content_type(&self) -> String {
        let raw = self.header("Content-Type").unwrap_or_default();
        raw.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// A parameter of the body's type, without its quotes: `charset`, `boundary`.
    pub fn content_type_parameter(&self, name: &str) -> Option<&str> {
        let params = self.header("Content-Type")?.split(';').skip(1);
        params
            .filter_map(|param| param.split_once('='))
            .map(|(known, value)| (known.trim(), value.trim().trim_matches('"')))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// True when the body is an HTML form. Such a caller is a browser and gets HTML back.
    pub fn is_form(&self) -> bool {
        self.content_type() == "application/x-www-form-urlencoded"
    }

    /// The body's bytes. [`Error::BodyTooLarge`] past the route's limit,
    /// [`Error::UnsupportedMediaType`] when it is compressed.
    pub fn body(&self) -> Result<&[u8]> {
        self.check_charset()?;
        self.file()
    }

    /// Like [`Call::body`], in whatever character set: files of old address books have their own.
    pub fn file(&self) -> Result<&[u8]> {
        let encoding = self.header("Content-Encoding").unwrap_or("identity");
        if !encoding.eq_ignore_ascii_case("identity") {
            return Err(Error::UnsupportedMediaType("send the body uncompressed".to_owned()));
        }
        if self.received.len() as u64 > self.body_max {
            return Err(Error::BodyTooLarge(self.body_max));
        }
        Ok(&self.received)
    }

    fn check_charset(&self) -> Result<()> {
        let charset = self.content_type_parameter("charset").unwrap_or("utf-8");
        if !["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known)) {
            return Err(Error::UnsupportedMediaType("send the body in UTF-8".to_owned()));
        }
        Ok(())
    }

    /// The JSON body, if it has one of these types.
    pub fn json(&self, types: &[&str]) -> Result<Value> {
        if !types.contains(&self.content_type().as_str()) {
            self.some_body()?;
            return Err(Error::UnsupportedMediaType(format!("send {}", types.join(" or "))));
        }
        let body = self.body()?;
        if !json::is_light(body) {
            return Err(Error::invalid("body", "has more values than any request needs"));
        }
        serde_json::from_slice(body)
            .map_err(|error| Error::Malformed(format!("the body is not valid JSON: {error}")))
    }

    /// The members of a JSON body.
    pub fn members(&self) -> Result<Members> {
        Members::from_json(self.json(&["application/json"])?)
    }

    /// The members of a JSON body, or none where there is no body.
    pub fn members_if_any(&self) -> Result<Members> {
        if self.content_type().is_empty() && self.body()?.is_empty() {
            return Ok(Members::from_form(Vec::new()));
        }
        self.members()
    }

    /// The members of a JSON body or the fields of a form.
    pub fn form_or_members(&self) -> Result<Members> {
        if self.is_form() {
            Ok(Members::from_form(self.form()?))
        } else if self.content_type() == "application/json" {
            self.members()
        } else {
            self.some_body()?;
            let types = "send application/json or application/x-www-form-urlencoded";
            Err(Error::UnsupportedMediaType(types.to_owned()))
        }
    }

    /// Whoever sends nothing at all has no wrong type: [`Error::Malformed`] then.
    fn some_body(&self) -> Result<()> {
        let nothing = self.content_type().is_empty() && self.body()?.is_empty();
        if nothing { Err(Error::Malformed("the body is missing".to_owned())) } else { Ok(()) }
    }

    /// The boundary of a `multipart/form-data` body, for [`crate::multipart`], which checks it.
    pub fn multipart_boundary(&self) -> Result<&str> {
        if self.content_type() != "multipart/form-data" {
            self.some_body()?;
            return Err(Error::UnsupportedMediaType("send multipart/form-data".to_owned()));
        }
        self.content_type_parameter("boundary")
            .ok_or_else(|| Error::Malformed("the boundary is missing".to_owned()))
    }

    /// The fields of a form, in order.
    pub fn form(&self) -> Result<Vec<(String, String)>> {
        pairs(self.body()?, "form")
    }
}
