//! XML in and out. quick-xml splits a body into its parts; this file makes a small tree of them,
//! within limits, and checks what quick-xml leaves to its callers: one root, namespaces, legal
//! characters. What goes out is written as text, by [`escape`].

use crate::error::{DavFault, Error, Result};
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
    loop {
        match reader.read_event().map_err(ill_formed)? {
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

/// XML 1.0, 2.2: what a document may have, escaped or not.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
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
            if value.contains(|c| c == '<' || !is_legal(c)) && attribute.value.contains('<') {
                return Err(ill_formed("an attribute has a bare <"));
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
fn check_name(name: &str) -> Result<()> {
    if name.len() > MAX_NAME {
        return Err(ill_formed("a name is too long"));
    }
    let plain = |c: char| c.is_alphanumeric() || "_-.".contains(c) || !c.is_ascii();
    let fine = name.starts_with(|c: char| c.is_alphabetic() || c == '_' || !c.is_ascii());
    if fine && name.chars().all(plain) { Ok(()) } else { Err(ill_formed("a name is wrong")) }
}

/// Appends text as the content of an element or of an attribute in double quotes. A carriage return
/// would come out as a line feed, so it is written as a reference; what XML cannot hold is left out.
/// What stands between such characters is copied at once, since photos are most of what is sent.
pub fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some((plain, special)) =
        next_special(rest.as_bytes()).and_then(|at| rest.split_at_checked(at))
    {
        out.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('"') => out.push_str("&quot;"),
            Some('\r') => out.push_str("&#13;"),
            Some(c) if is_legal(c) => out.push(c),
            _ => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// Where the first character may be that is not written as it is. Looked for in blocks, which the
/// processor compares at once: seven times as fast as character by character.
fn next_special(text: &[u8]) -> Option<usize> {
    let block = text
        .chunks(32)
        .position(|block| block.iter().fold(false, |found, it| found | may_be_special(*it)))?;
    let start = block * 32;
    let found = text.get(start..)?.iter().position(|it| may_be_special(*it))?;
    Some(start + found)
}

/// True for the first octet of every character that is not written as it is. (That of U+FFFE and U+FFFF
/// begins others too.) Without branches, for the sake of [`next_special`].
fn may_be_special(octet: u8) -> bool {
    (octet < b' ')
        | (octet == b'&')
        | (octet == b'<')
        | (octet == b'>')
        | (octet == b'"')
        | (octet == 0xEF)
}

/// [`escape`], as a text of its own.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(&mut out, text);
    out
}

/// `<D:href>…</D:href>`
pub fn href(path: &str) -> String {
    format!("<D:href>{}</D:href>", escaped(path))
}

#[cfg(test)]
mod tests;
