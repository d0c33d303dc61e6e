//! `C:address-data`: how much of a card a report gives (RFC 6352, 10.4).

use crate::error::{DavFault, Error, Result};
use crate::handlers::dav::xml::{CARDDAV, Element};
use std::borrow::Cow;
use std::collections::HashMap;

/// What a report gives of each card.
#[derive(Debug, PartialEq, Eq)]
pub enum AddressData {
    /// All of it.
    Whole,
    /// The lines of these properties: by group (empty: any) and name, both in capitals, whether the value
    /// is wanted. A map, since each line of each card is looked up.
    Lines(HashMap<(String, String), bool>),
}

impl AddressData {
    /// Reads the element. [`DavFault::SupportedAddressData`] for any form but vCard 3.0: a card that
    /// claims to be 4.0 and is not spoils address books (macOS).
    pub fn read(element: &Element) -> Result<AddressData> {
        let media_type = element.attribute("content-type").unwrap_or("text/vcard");
        let version = element.attribute("version").unwrap_or("3.0");
        if !is_ours(media_type) || version != "3.0" {
            return Err(Error::Dav(DavFault::SupportedAddressData));
        }
        let mut wanted = HashMap::new();
        for property in element.all(CARDDAV, "prop") {
            let name = property.attribute("name").unwrap_or_default().to_ascii_uppercase();
            let (group, name) = name.rsplit_once('.').unwrap_or(("", &name));
            let with_value = property.attribute("novalue") != Some("yes");
            wanted.entry((group.to_owned(), name.to_owned())).or_insert(with_value);
        }
        if wanted.is_empty() || element.child(CARDDAV, "allprop").is_some() {
            return Ok(AddressData::Whole);
        }
        Ok(AddressData::Lines(wanted))
    }

    /// So much of this card.
    pub fn of<'a>(&self, card: &'a str) -> Cow<'a, str> {
        let AddressData::Lines(wanted) = self else { return Cow::Borrowed(card) };
        let mut out = String::new();
        for line in vcard::lines(card) {
            let name = line.name().to_ascii_uppercase();
            let group = line.group().to_ascii_uppercase();
            let key = (group, name);
            let found = wanted.get(&key).or_else(|| wanted.get(&(String::new(), key.1)));
            match found {
                _ if line.is_any(&["BEGIN", "VERSION", "END"]) => line.write(&mut out),
                Some(true) => line.write(&mut out),
                Some(false) => line.without_value().write(&mut out),
                None => {}
            }
        }
        Cow::Owned(out)
    }
}

/// True for the type of a vCard, whatever its parameters, but for another version.
fn is_ours(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let is_card = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/vcard"));
    let is_other = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) => {
            name.trim().eq_ignore_ascii_case("version") && value.trim().trim_matches('"') != "3.0"
        }
        None => false,
    };
    is_card && !parts.any(is_other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::dav::xml;

    const CARD: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nitem1.TEL;TYPE=home:1\r\n\
        item1.X-ABLabel:boat\r\nTEL:2\r\nEND:VCARD\r\n";

    fn read(inside: &str) -> Result<AddressData> {
        let body = format!("<address-data xmlns='{CARDDAV}'{inside}</address-data>");
        AddressData::read(&xml::read(body.as_bytes()).unwrap())
    }

    #[test]
    fn the_whole_card_is_given_unless_parts_are_named() {
        for inside in [
            ">",
            " content-type='text/vcard'>",
            " content-type='text/vcard' version='3.0'>",
            " content-type='Text/vCard; charset=utf-8; version=\"3.0\"'>",
            "><allprop/>",
            "><allprop/><prop name='TEL'/>",
        ] {
            assert_eq!(read(inside).unwrap().of(CARD), CARD, "{inside}");
        }
    }

    #[test]
    fn named_properties_come_with_their_groups_and_without_values_if_asked_so() {
        for (inside, lines) in [
            ("><prop name='tel'/>", "item1.TEL;TYPE=home:1\r\nTEL:2\r\n"),
            ("><prop name='item1.TEL'/>", "item1.TEL;TYPE=home:1\r\n"),
            (
                "><prop name='TEL' novalue='yes'/><prop name='FN' novalue='no'/>",
                "FN:A\r\nitem1.TEL;TYPE=home:\r\nTEL:\r\n",
            ),
            (
                "><prop name='Item1.tel' novalue='yes'/><prop name='tel'/>",
                "item1.TEL;TYPE=home:\r\nTEL:2\r\n",
            ),
            ("><prop name='BDAY'/>", ""),
        ] {
            let expected = format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{lines}END:VCARD\r\n");
            assert_eq!(read(inside).unwrap().of(CARD), expected, "{inside}");
        }
    }

    #[test]
    fn other_forms_are_not_given() {
        for inside in [
            " version='4.0'>",
            " content-type='application/vcard+json'>",
            " content-type='text/vcard; version=4.0'>",
        ] {
            let answer = read(inside);
            assert!(matches!(answer, Err(Error::Dav(DavFault::SupportedAddressData))), "{inside}");
        }
    }
}
