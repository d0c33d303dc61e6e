//! XML in and out. quick-xml splits a body into its parts; this file makes a small tree of them,
//! within limits, and checks what quick-xml leaves to its callers: one root, namespaces, legal
//! characters. What goes out is written as text, by [`escape`](super::escape).

use crate::error::{DavFault, Error, Result};
use crate::handlers::dav::escape::is_legal;
use quick_xml::Reader;
use quick_xml::XmlVersion::Implicit1_0;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;
use std::rc::Rc;

/// The namespace of WebDAV.
pub const DAV: &str = "DAV:";
/// The namespace of CardDAV.
pub const CARDDAV: &str = "urn:ietf:params:xml:ns:carddav";
/// The namespace of Apple's calendar server, which defined `getctag`.
pub const CALSERVER: &str = "http://calendarserver.org/ns/";

/// The deepest filter has six levels; what a person wrote has no more than some tens.
const MAX_DEPTH: usize = 64;
/// Attributes of one element: duplicates are looked for one by one.
const MAX_ATTRIBUTES: usize = 32;
/// Namespace declarations in force at once: prefixes are looked up one by one.
const MAX_BINDINGS: usize = 100;
/// Octets of a name, or of a namespace. An answer repeats both for every property of every resource.
const MAX_NAME: usize = 256;
/// A multiget has one element a card and an address book at most 100,000 cards.
const MAX_ELEMENTS: usize = 150_000;
/// Elements of any body. Past these, one for each 16 octets of it: the tree stays within a small
/// multiple of the body.
const FREE_ELEMENTS: usize = 1_000;

/// An element with what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its namespace; empty: none.
    pub ns: Rc<str>,
    /// Its name without the prefix.
    pub name: Box<str>,
    /// The attributes that have no prefix.
    pub attributes: Vec<(Box<str>, Box<str>)>,
    /// The elements in it.
    pub children: Vec<Element>,
    /// All text that stands in it directly.
    pub text: String,
}

impl Element {
    /// True for an element of this namespace and name.
    pub fn is(&self, ns: &str, name: &str) -> bool {
        &*self.ns == ns && &*self.name == name
    }

    /// The first element in it of this namespace and name.
    pub fn child(&self, ns: &str, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(ns, name))
    }

    /// The elements in it of this namespace and name.
    pub fn all<'a>(&'a self, ns: &'a str, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.is(ns, name))
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| &**known == name).map(|(_, value)| &**value)
    }
}

fn ill_formed(why: impl std::fmt::Display) -> Error {
    Error::Malformed(format!("the body is not well-formed XML: {why}"))
}

/// Reads a body. [`Error::Malformed`] where it is not well-formed or past the limits;
/// [`DavFault::NoExternalEntities`] where it has a DTD: nothing in one is of use here, and entities
/// that are not defined cannot be fetched or grow.
pub fn read(body: &[u8]) -> Result<Element> {
    let text = decode(body)?;
    if let Some(wrong) = text.chars().find(|&c| !is_legal(c)) {
        return Err(ill_formed(format!("it has the character U+{:04X}", u32::from(wrong))));
    }
    let mut tree = Tree::new(body.len());
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_comments = true;
    let mut begun = false;
    loop {
        let event = reader.read_event().map_err(ill_formed)?;
        check_place(&event, begun)?;
        begun = true;
        match event {
            Event::Start(start) => tree.open(&start)?,
            Event::Empty(start) => {
                tree.open(&start)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(part) => tree.text(&part.xml10_content())?,
            Event::CData(part) => tree.text(&part.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(ill_formed)?;
                match (character.filter(|&c| is_legal(c)), resolve_predefined_entity(&reference)) {
                    (Some(character), _) => tree.text(character.encode_utf8(&mut [0; 4]))?,
                    (None, Some(text)) => tree.text(text)?,
                    (None, None) => return Err(ill_formed("it has an unknown reference")),
                }
            }
            Event::DocType(_) => return Err(Error::Dav(DavFault::NoExternalEntities)),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

/// What quick-xml takes wherever it stands, and however it is written: the declaration and instructions
/// (XML 1.0, 2.6 and 2.8), and the end of a CDATA section in text (2.4).
fn check_place(event: &Event, begun: bool) -> Result<()> {
    match event {
        Event::Decl(_) if begun => Err(ill_formed("its declaration is not its beginning")),
        Event::Decl(declaration) => {
            let parts = BytesStart::from_content(&**declaration, "xml".len());
            let names = parts.attributes().map(|it| it.map(|it| it.key.into_inner().to_owned()));
            let names: Vec<_> = names.collect::<Result<_, _>>().map_err(ill_formed)?;
            let names = names.join(" ");
            let rest = ["", " encoding", " standalone", " encoding standalone"];
            let fine = names.strip_prefix("version").is_some_and(|it| rest.contains(&it));
            if fine { Ok(()) } else { Err(ill_formed("its declaration is wrong")) }
        }
        Event::PI(it) if it.target().eq_ignore_ascii_case("xml") => {
            Err(ill_formed("its declaration is wrong"))
        }
        Event::PI(it) => check_name(it.target()),
        Event::Text(text) if text.contains("]]>") => Err(ill_formed("a text has a bare ]]>")),
        _ => Ok(()),
    }
}

/// UTF-8, or UTF-16 with its mark (XML 1.0, 4.3.3 has every reader take both).
fn decode(body: &[u8]) -> Result<Cow<'_, str>> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks(2).map(|pair| pair.try_into().map(unit));
        let units: Vec<u16> = units.collect::<Result<_, _>>().map_err(ill_formed)?;
        String::from_utf16(&units).map(Cow::Owned).map_err(ill_formed)
    };
    match body {
        [0xEF, 0xBB, 0xBF, rest @ ..] => decode(rest),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        plain => std::str::from_utf8(plain).map(Cow::Borrowed).map_err(ill_formed),
    }
}

/// The elements that are open, and the namespaces in force.
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    /// Prefix, namespace, and how many elements were open where it was declared.
    bindings: Vec<(Box<str>, Rc<str>, usize)>,
    left: usize,
}

impl Tree {
    fn new(octets: usize) -> Tree {
        let left = MAX_ELEMENTS.min(FREE_ELEMENTS + octets / 16);
        Tree { open: Vec::new(), root: None, bindings: Vec::new(), left }
    }

    fn open(&mut self, start: &BytesStart) -> Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(|| ill_formed("too many elements"))?;
        if self.open.len() == MAX_DEPTH {
            return Err(ill_formed("elements lie too deep in each other"));
        }
        if self.root.is_some() {
            return Err(ill_formed("it has two roots"));
        }
        let mut attributes = Vec::new();
        for (count, attribute) in start.attributes().enumerate() {
            if count == MAX_ATTRIBUTES {
                return Err(ill_formed("an element has too many attributes"));
            }
            let attribute = attribute.map_err(ill_formed)?;
            let value = attribute.normalized_value(Implicit1_0).map_err(ill_formed)?;
            if attribute.value.contains('<') {
                return Err(ill_formed("an attribute has a bare <"));
            }
            if !value.chars().all(is_legal) {
                return Err(ill_formed("an attribute has an illegal character"));
            }
            match attribute.key.into_inner().split_once(':') {
                Some(("xmlns", prefix)) => self.bind(prefix, &value)?,
                None if attribute.key.into_inner() == "xmlns" => self.bind("", &value)?,
                Some((prefix, local)) => {
                    check_name(local)?;
                    self.namespace(prefix)?;
                }
                None => {
                    check_name(attribute.key.into_inner())?;
                    attributes.push((attribute.key.into_inner().into(), value.into()));
                }
            }
        }
        let name = start.name().into_inner();
        let (prefix, name) = name.split_once(':').unwrap_or(("", name));
        check_name(name)?;
        let ns = self.namespace(prefix)?;
        let (children, text) = (Vec::new(), String::new());
        self.open.push(Element { ns, name: name.into(), attributes, children, text });
        Ok(())
    }

    fn bind(&mut self, prefix: &str, ns: &str) -> Result<()> {
        if self.bindings.len() == MAX_BINDINGS {
            return Err(ill_formed("too many namespaces"));
        }
        if ns.is_empty() && !prefix.is_empty() {
            return Err(ill_formed("a prefix stands for no namespace"));
        }
        if ns.len() > MAX_NAME {
            return Err(ill_formed("a namespace is too long"));
        }
        self.bindings.push((prefix.into(), ns.into(), self.open.len()));
        Ok(())
    }

    fn namespace(&self, prefix: &str) -> Result<Rc<str>> {
        let bound = self.bindings.iter().rev().find(|(known, ..)| &**known == prefix);
        match (bound, prefix) {
            (Some((_, ns, _)), _) => Ok(ns.clone()),
            (None, "") => Ok("".into()),
            (None, "xml") => Ok("http://www.w3.org/XML/1998/namespace".into()),
            (None, _) => Err(ill_formed("a prefix is not declared")),
        }
    }

    fn close(&mut self) -> Result<()> {
        let done = self.open.pop().ok_or_else(|| ill_formed("an element ends twice"))?;
        let depth = self.open.len();
        self.bindings.retain(|(_, _, declared_at)| *declared_at < depth);
        match self.open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => self.root = Some(done),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<()> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(ill_formed("it has text outside its root")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(ill_formed("it ends too early")),
        }
    }
}

/// As far as it matters here: a name has nothing that would end it or make it another one.
pub fn check_name(name: &str) -> Result<()> {
    if name.len() > MAX_NAME {
        return Err(ill_formed("a name is too long"));
    }
    let plain = |c: char| c.is_alphanumeric() || "_-.".contains(c) || !c.is_ascii();
    let fine = name.starts_with(|c: char| c.is_alphabetic() || c == '_' || !c.is_ascii());
    if fine && name.chars().all(plain) { Ok(()) } else { Err(ill_formed("a name is wrong")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::dav::escape::escaped;

    fn wrong(body: &str) -> bool {
        matches!(read(body.as_bytes()), Err(Error::Malformed(_)))
    }

    const PLAIN: &str =
        r#"<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><x a="1"/></D:prop></D:propfind>"#;

    #[test]
    fn however_it_is_written_it_is_the_same_tree() {
        let plain = read(PLAIN.as_bytes()).unwrap();
        for other in [
            "\u{FEFF}<?xml version='1.0' encoding='utf-8'?><a:propfind xmlns:a='DAV:'><a:prop>\
             <a:getetag></a:getetag><x a='1'/></a:prop></a:propfind>\n<!-- end -->",
            "<propfind xmlns='DAV:'><prop><getetag/><x xmlns='' a = '&#49;'></x></prop></propfind>",
            "<propfind xmlns='D&#65;V:'><prop><getetag xmlns:q='r' q:s='t'/><?pi?>\
             <x xmlns='' a='1'><!-- c --></x></prop></propfind>",
        ] {
            assert_eq!(read(other.as_bytes()).unwrap(), plain, "{other}");
        }
        let utf16: Vec<u8> =
            [0xFEFF].into_iter().chain(PLAIN.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&utf16).unwrap(), plain);
        assert!(read(utf16.split_last().unwrap().1).is_err());
    }

    #[test]
    fn text_comes_from_all_its_parts() {
        let root = read("<_a>x &lt;<![CDATA[&y]]> z&#x1F600;\r\n</_a>".as_bytes()).unwrap();
        assert_eq!(root.text, "x <&y z😀\n");
    }

    #[test]
    fn a_prefix_counts_where_it_was_declared_and_nowhere_else() {
        let root = read(b"<a xmlns:p='1'><p:b xmlns:p='2'><p:c/></p:b><p:d/></a>").unwrap();
        assert!(root.child("2", "b").unwrap().child("2", "c").is_some());
        assert!(root.child("1", "d").is_some());
        assert!(wrong("<a><b xmlns:p='1'/><p:c/></a>"));
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for body in [
            "",
            " ",
            "x",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>x",
            "<p:a/>",
            "<a b='1' b='2'/>",
            "<a b=1/>",
            "<a b/>",
            "<a>&nbsp;</a>",
            "<a>&#0;</a>",
            "<a>&#1;</a>",
            "<a b='&#6;'/>",
            "<a xmlns='&#6;b'/>",
            "<a>\u{1}</a>",
            "<a>\u{FFFF}</a>",
            "<1/>",
            "<a xmlns:p=''/>",
            "<a b='<'/>",
            "<a>&</a>",
            "<a:b:c xmlns:a='1'/>",
            "<!-- -- --><a/>",
            "<a>]]></a>",
            "<a><?xml version='1.0'?></a>",
            " <?xml version='1.0'?><a/>",
            "<?XML version='1.0'?><a/>",
            "<?xml?><a/>",
            "<?xml encoding='utf-8'?><a/>",
            "<?xml encoding='utf-8' version='1.0'?><a/>",
            "<?xml version='1.0' other='1'?><a/>",
            "<?xml version='1.0?><a/>",
            "<a><?1?></a>",
            "<a><? pi?></a>",
        ] {
            assert!(wrong(body), "{body}");
        }
        assert!(read(b"<a>\xFF</a>").is_err());
    }

    #[test]
    fn a_dtd_is_refused_whatever_is_in_it() {
        for dtd in ["", "[<!ENTITY x SYSTEM 'file:///etc/passwd'>]", "SYSTEM 'http://x/'"] {
            let answer = read(format!("<!DOCTYPE a {dtd}><a>&x;</a>").as_bytes());
            assert!(matches!(answer, Err(Error::Dav(DavFault::NoExternalEntities))), "{dtd}");
        }
    }

    #[test]
    fn size_and_depth_are_limited() {
        let nested = |depth| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(read(nested(64).as_bytes()).is_ok());
        assert!(wrong(&nested(65)));
        assert!(wrong(&nested(1_000_000)));
        assert!(wrong(&format!("<a>{}</a>", "<b/>".repeat(2_000))));
        let hrefs = "<D:href>/dav/addressbooks/1/contacts/1.vcf</D:href>".repeat(100_000);
        let body = format!(
            "<C:addressbook-multiget xmlns:C='{CARDDAV}' xmlns:D='DAV:'>{hrefs}</C:addressbook-multiget>"
        );
        assert_eq!(read(body.as_bytes()).unwrap().children.len(), 100_000);
        let attributes: String = (0..100_000).map(|i| format!(" a{i}='1'")).collect();
        assert!(wrong(&format!("<a{attributes}/>")));
        let namespaces: String = (0..30).map(|i| format!(" xmlns:a{i}='1'")).collect();
        assert!(wrong(&format!("<a{namespaces}>").repeat(5)));
        let named =
            |ns: usize, name: usize| format!("<{} xmlns='{}'/>", "a".repeat(name), "n".repeat(ns));
        assert!(read(named(256, 256).as_bytes()).is_ok());
        assert!(wrong(&named(257, 1)) && wrong(&named(1, 257)));
    }

    #[test]
    fn what_is_escaped_comes_back() {
        let text = "a & b < c > d \" e ' f\r\n\tü 😀";
        let body = format!("<a b=\"{}\">{}</a>", escaped("& \" <"), escaped(text));
        let root = read(body.as_bytes()).unwrap();
        assert_eq!((root.text.as_str(), root.attribute("b")), (text, Some("& \" <")));
    }
}
