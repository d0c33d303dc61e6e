//! Filters of addressbook-query (RFC 6352, 10.5): read from XML once, then asked about each card.

use crate::error::{DavFault, Error, Result};
use crate::handlers::dav::xml::{CARDDAV, Element};
use std::cell::OnceCell;
use unicode_normalization::UnicodeNormalization;
use vcard::Line;

/// Conditions of one filter: each is asked about each line of each card.
const MAX_CONDITIONS: usize = 100;

/// Which cards a query wants.
#[derive(Debug, Default)]
pub struct Filter {
    all: bool,
    properties: Vec<PropertyFilter>,
}

/// What a property has to be.
#[derive(Debug)]
struct PropertyFilter {
    /// Of `item1.TEL`: `item1`; none: any group.
    group: Option<String>,
    name: String,
    test: Presence<Instance>,
}

/// Of a property or a parameter.
#[derive(Debug)]
enum Presence<T> {
    Absent,
    Present,
    Matching(T),
}

/// What one line has to fulfil.
#[derive(Debug)]
struct Instance {
    all: bool,
    texts: Vec<TextMatch>,
    parameters: Vec<(String, Presence<TextMatch>)>,
}

#[derive(Debug)]
struct TextMatch {
    collation: Collation,
    kind: Kind,
    negated: bool,
    /// Folded by the collation already.
    wanted: String,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Contains,
    Equals,
    StartsWith,
    EndsWith,
}

/// How text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collation {
    /// `i;octet`
    Octet,
    /// `i;ascii-casemap` (RFC 4790, 9.2)
    Ascii,
    /// `i;unicode-casemap` (RFC 5051)
    Unicode,
}

/// What [`Filter::read`] takes, for `C:supported-collation-set`.
pub const COLLATIONS: [&str; 3] = ["i;ascii-casemap", "i;unicode-casemap", "i;octet"];

impl Collation {
    fn read(name: &str) -> Result<Collation> {
        match name {
            "i;octet" => Ok(Collation::Octet),
            "i;ascii-casemap" => Ok(Collation::Ascii),
            "i;unicode-casemap" | "default" => Ok(Collation::Unicode),
            _ => Err(Error::Dav(DavFault::SupportedCollation)),
        }
    }

    /// Texts are the same for a collation if these are.
    fn fold(self, text: &str) -> String {
        match self {
            Collation::Octet => text.to_owned(),
            Collation::Unicode if !text.is_ascii() => {
                // RFC 5051, 2: characters to title case, and decomposed. A character whose upper case is several,
                // such as ß, has no simple one and stays; what it is composed of may have one, as in ΐ.
                let simple = |c: char| match (c.to_uppercase().next(), c.to_uppercase().count()) {
                    (Some(upper), 1) => upper,
                    _ => c,
                };
                text.nfkd().map(simple).nfkd().collect()
            }
            Collation::Ascii | Collation::Unicode => text.to_ascii_uppercase(),
        }
    }
}

impl Filter {
    /// Reads `C:filter`; without one every card is wanted. [`DavFault::SupportedCollation`] for an
    /// unknown collation, [`DavFault::SupportedFilter`] for more conditions than are tested.
    pub fn read(filter: Option<&Element>) -> Result<Filter> {
        let Some(filter) = filter else { return Ok(Filter::default()) };
        let properties: Vec<_> = filter.all(CARDDAV, "prop-filter").collect();
        let conditions: usize = properties.iter().map(|it| 1 + it.children.len()).sum();
        if conditions > MAX_CONDITIONS {
            return Err(Error::Dav(DavFault::SupportedFilter));
        }
        let properties = properties.into_iter().map(PropertyFilter::read).collect::<Result<_>>()?;
        Ok(Filter { all: wants_all(filter)?, properties })
    }

    /// True if this card is wanted.
    pub fn matches(&self, card: &str) -> bool {
        let asked = |line: &Line| self.properties.iter().any(|it| it.is_about(line));
        let lines = vcard::lines(card).filter(asked);
        let lines: Vec<_> =
            lines.map(|line| Candidate { line, folded: Default::default() }).collect();
        combine(self.all, self.properties.iter().map(|property| property.matches(&lines)))
    }
}

/// No condition at all is fulfilled.
fn combine(all: bool, results: impl ExactSizeIterator<Item = bool>) -> bool {
    let mut results = results;
    if all || results.len() == 0 { results.all(|it| it) } else { results.any(|it| it) }
}

fn wants_all(element: &Element) -> Result<bool> {
    match element.attribute("test") {
        None | Some("anyof") => Ok(false),
        Some("allof") => Ok(true),
        Some(_) => Err(Error::Malformed("test must be anyof or allof".to_owned())),
    }
}

fn name_of(element: &Element) -> Result<String> {
    let name = element.attribute("name").filter(|name| !name.is_empty());
    name.map(str::to_owned).ok_or_else(|| Error::Malformed("a filter has no name".to_owned()))
}

impl PropertyFilter {
    fn read(element: &Element) -> Result<PropertyFilter> {
        let full = name_of(element)?;
        let (group, name) = match full.rsplit_once('.') {
            Some((group, name)) => (Some(group.to_owned()), name.to_owned()),
            None => (None, full),
        };
        let texts = element.all(CARDDAV, "text-match").map(TextMatch::read);
        let texts: Vec<_> = texts.collect::<Result<_>>()?;
        let parameters = element.all(CARDDAV, "param-filter").map(parameter);
        let parameters: Vec<_> = parameters.collect::<Result<_>>()?;
        let test = if element.child(CARDDAV, "is-not-defined").is_some() {
            Presence::Absent
        } else if texts.is_empty() && parameters.is_empty() {
            Presence::Present
        } else {
            Presence::Matching(Instance { all: wants_all(element)?, texts, parameters })
        };
        Ok(PropertyFilter { group, name, test })
    }

    fn is_about(&self, line: &Line) -> bool {
        let in_group = self.group.as_ref().is_none_or(|it| line.group().eq_ignore_ascii_case(it));
        line.is(&self.name) && in_group
    }

    fn matches(&self, lines: &[Candidate]) -> bool {
        let mut instances = lines.iter().filter(|it| self.is_about(&it.line));
        match &self.test {
            Presence::Absent => instances.next().is_none(),
            Presence::Present => instances.next().is_some(),
            Presence::Matching(instance) => instances.any(|line| instance.matches(line)),
        }
    }
}

fn parameter(element: &Element) -> Result<(String, Presence<TextMatch>)> {
    let test = match element.child(CARDDAV, "text-match") {
        _ if element.child(CARDDAV, "is-not-defined").is_some() => Presence::Absent,
        Some(text) => Presence::Matching(TextMatch::read(text)?),
        None => Presence::Present,
    };
    Ok((name_of(element)?, test))
}

/// A line that some condition is about, folded once for all of them: a hundred conditions may be about a
/// picture of megabytes.
struct Candidate<'a> {
    line: Line<'a>,
    folded: [OnceCell<String>; 3],
}

impl Candidate<'_> {
    /// The text, as the collation folds it.
    fn folded(&self, collation: Collation) -> &str {
        let [octet, ascii, unicode] = &self.folded;
        let cell = match collation {
            Collation::Octet => octet,
            Collation::Ascii => ascii,
            Collation::Unicode => unicode,
        };
        cell.get_or_init(|| collation.fold(&self.line.text()))
    }
}

impl Instance {
    fn matches(&self, candidate: &Candidate) -> bool {
        let texts = self.texts.iter();
        let texts = texts.map(|wanted| wanted.matches(candidate.folded(wanted.collation)));
        let parameters = self.parameters.iter().map(|(name, test)| {
            let mut values = candidate.line.param_values(name);
            match test {
                Presence::Absent => values.next().is_none(),
                Presence::Present => values.next().is_some(),
                Presence::Matching(wanted) => {
                    values.any(|value| wanted.matches(&wanted.collation.fold(value)))
                }
            }
        });
        combine(self.all, texts.chain(parameters).collect::<Vec<_>>().into_iter())
    }
}

impl TextMatch {
    fn read(element: &Element) -> Result<TextMatch> {
        let collation = Collation::read(element.attribute("collation").unwrap_or("default"))?;
        let kind = match element.attribute("match-type").unwrap_or("contains") {
            "contains" => Kind::Contains,
            "equals" => Kind::Equals,
            "starts-with" => Kind::StartsWith,
            "ends-with" => Kind::EndsWith,
            _ => return Err(Error::Malformed("match-type is unknown".to_owned())),
        };
        let negated = match element.attribute("negate-condition").unwrap_or("no") {
            "no" => false,
            "yes" => true,
            _ => return Err(Error::Malformed("negate-condition must be yes or no".to_owned())),
        };
        Ok(TextMatch { collation, kind, negated, wanted: collation.fold(&element.text) })
    }

    /// Of a text that the collation has folded.
    fn matches(&self, text: &str) -> bool {
        let matches = match self.kind {
            Kind::Contains => text.contains(&self.wanted),
            Kind::Equals => text == self.wanted,
            Kind::StartsWith => text.starts_with(&self.wanted),
            Kind::EndsWith => text.ends_with(&self.wanted),
        };
        matches != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::dav::xml;

    const CARD: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Jürgen Müller\r\nN:Müller;Jürgen;;;\r\n\
        item1.TEL;TYPE=home,VOICE:+49 1\r\nTEL;TYPE=work;TYPE=cell:+49 2\r\n\
        EMAIL:a@x.example\r\nNOTE:one\\, two\\nthree\r\nNICKNAME:Юра\r\nEND:VCARD\r\n";

    fn read(inside: &str) -> Result<Filter> {
        let body = format!("<filter xmlns='{CARDDAV}'{inside}</filter>");
        Filter::read(Some(&xml::read(body.as_bytes()).unwrap()))
    }

    fn matches(inside: &str) -> bool {
        read(inside).unwrap_or_else(|error| panic!("{inside}: {error}")).matches(CARD)
    }

    fn prop(name: &str, inside: &str) -> bool {
        matches(&format!("><prop-filter name='{name}'{inside}</prop-filter>"))
    }

    fn text(name: &str, attributes: &str, wanted: &str) -> bool {
        prop(name, &format!("><text-match {attributes}>{wanted}</text-match>"))
    }

    #[test]
    fn without_conditions_every_card_is_wanted() {
        assert!(Filter::read(None).unwrap().matches(""));
        assert!(matches(">") && matches(" test='allof'>"));
    }

    #[test]
    fn properties_are_there_or_not() {
        assert!(prop("tel", ">") && prop("item1.TEL", ">") && prop("ITEM1.tel", ">"));
        assert!(!prop("item2.TEL", ">") && !prop("BDAY", ">"));
        assert!(prop("BDAY", "><is-not-defined/>") && !prop("TEL", "><is-not-defined/>"));
    }

    #[test]
    fn one_filter_is_enough_unless_all_are_wanted() {
        let two = |test: &str| {
            let filters = "<prop-filter name='FN'/><prop-filter name='BDAY'/>";
            matches(&format!("{test}>{filters}"))
        };
        assert!(two("") && two(" test='anyof'") && !two(" test='allof'"));
    }

    #[test]
    fn all_of_a_property_has_to_hold_for_one_line() {
        let both = |number: &str, test: &str| {
            prop(
                "TEL",
                &format!(
                    " test='{test}'><text-match>{number}</text-match>\
                 <param-filter name='TYPE'><text-match>home</text-match></param-filter>"
                ),
            )
        };
        assert!(both("+49 1", "allof") && !both("+49 2", "allof"));
        assert!(both("+49 2", "anyof"));
    }

    #[test]
    fn text_is_compared_as_its_collation_says() {
        for (name, attributes, wanted, expected) in [
            ("FN", "", "MÜLLER", true),
            ("FN", "", "mu\u{308}ller", true),
            ("FN", "", "muller", false),
            ("FN", "collation='i;ascii-casemap'", "MÜLLER", false),
            ("FN", "collation='i;ascii-casemap'", "MüLLER", true),
            ("FN", "collation='i;octet'", "Müller", true),
            ("FN", "collation='i;octet'", "müller", false),
            ("NICKNAME", "match-type='equals'", "ЮРА", true),
            ("NICKNAME", "match-type='equals'", "Юр", false),
            ("FN", "match-type='starts-with'", "jür", true),
            ("FN", "match-type='starts-with'", "Müller", false),
            ("FN", "match-type='ends-with' collation='default'", "LLER", true),
            ("NOTE", "", "one, two\nTHREE", true),
            ("N", "match-type='starts-with'", "müller;jürgen", true),
            ("EMAIL", "negate-condition='yes'", "x.example", false),
            ("EMAIL", "negate-condition='yes'", "y.example", true),
            ("TEL", "negate-condition='yes'", "+49 1", true),
            ("BDAY", "negate-condition='yes'", "1", false),
            ("PHOTO", "", "1", false),
        ] {
            assert_eq!(text(name, attributes, wanted), expected, "{name} {attributes} {wanted}");
        }
    }

    #[test]
    fn parameters_are_tested_value_by_value() {
        let param = |inside: &str| prop("TEL", &format!("><param-filter {inside}</param-filter>"));
        let equals = "match-type='equals'";
        for (wanted, expected) in [("voice", true), ("CELL", true), ("home,voice", false)] {
            let inside = format!("name='type'><text-match {equals}>{wanted}</text-match>");
            assert_eq!(param(&inside), expected, "{wanted}");
        }
        assert!(param("name='TYPE'>") && !param("name='X-A'>"));
        assert!(param("name='X-A'><is-not-defined/>") && !param("name='TYPE'><is-not-defined/>"));
        assert!(!param("name='X-A'><text-match>a</text-match>"));
    }

    #[test]
    fn what_cannot_be_tested_is_refused() {
        let collation = |name: &str| {
            read(&format!("><prop-filter name='FN'><text-match collation='{name}'/></prop-filter>"))
        };
        for wrong in ["i;unknown", "*", "i;*", ""] {
            let answer = collation(wrong);
            assert!(matches!(answer, Err(Error::Dav(DavFault::SupportedCollation))), "{wrong}");
        }
        assert!(read("><prop-filter/>").is_err());
        assert!(read(" test='noneof'>").is_err());
        let many = "<prop-filter name='FN'/>".repeat(101);
        assert!(matches!(read(&format!(">{many}")), Err(Error::Dav(DavFault::SupportedFilter))));
    }
}
