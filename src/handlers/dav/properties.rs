//! The properties of resources: one table, and the requests that read it.

use crate::context::{Call, etag};
use crate::error::{Error, Result};
use crate::handlers::dav::account::Account;
use crate::handlers::dav::address_data::AddressData;
use crate::handlers::dav::escape::{escape, escaped, href};
use crate::handlers::dav::filter::COLLATIONS;
use crate::handlers::dav::headers::wants_minimal;
use crate::handlers::dav::target::Target;
use crate::handlers::dav::xml::{CALSERVER, CARDDAV, DAV, Element};
use crate::http::dav::{CONTACTD, NOT_FOUND, OK};
use crate::model::contact::{CARD_MAX, CARD_TEXT_MAX};
use crate::repository::contacts::resources::Resource;
use chrono::{DateTime, Utc};
use std::fmt::Write;

/// A resource whose properties are asked for.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Which one.
    pub target: &'a Target,
    /// Whose.
    pub account: &'a Account,
    /// The card, if it is one.
    pub card: Option<&'a Resource>,
    /// So much of the card as a report gives.
    pub data: Option<&'a str>,
}

/// Properties that one request may name: each is answered for every resource. Clients name some thirty.
const MAX_NAMES: usize = 256;

/// [`Error::Malformed`] for more properties than a request may name.
pub fn check_count(count: usize) -> Result<()> {
    match count > MAX_NAMES {
        true => Err(Error::Malformed(format!("more than {MAX_NAMES} properties are named"))),
        false => Ok(()),
    }
}

/// Namespace and name of a property.
pub type Name = (String, String);

/// Which properties a request wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The names of all that there are.
    Names,
    /// Those of RFC 4918, and these.
    All(Vec<Name>),
    /// These.
    These(Vec<Name>),
}

impl Wanted {
    /// What stands in `D:propfind` or in a report, if anything does. Fails like [`check_count`].
    pub fn read(parent: &Element) -> Result<Option<Wanted>> {
        let names = |element: Option<&Element>| {
            let children = element.map_or(&[][..], |element| &element.children);
            check_count(children.len())?;
            let mut names: Vec<Name> = Vec::new();
            for name in children.iter().map(|it| (it.ns.to_string(), it.name.to_string())) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            Ok(names)
        };
        if let Some(prop) = parent.child(DAV, "prop") {
            return names(Some(prop)).map(Wanted::These).map(Some);
        }
        if parent.child(DAV, "allprop").is_some() {
            return names(parent.child(DAV, "include")).map(Wanted::All).map(Some);
        }
        Ok(parent.child(DAV, "propname").map(|_| Wanted::Names))
    }
}

/// What a request wants of each resource.
#[derive(Debug)]
pub struct Shown {
    /// Which properties.
    pub wanted: Wanted,
    /// How much of a card.
    pub data: Option<AddressData>,
    /// Nothing is said of properties that are not there.
    pub minimal: bool,
}

impl Shown {
    /// What a report wants. Fails like [`check_count`] and [`AddressData::read`].
    pub fn read(call: &Call, root: &Element) -> Result<Shown> {
        let data = root.child(DAV, "prop").and_then(|prop| prop.child(CARDDAV, ADDRESS_DATA));
        let data = data.map(AddressData::read).transpose()?;
        let wanted = Wanted::read(root)?.unwrap_or(Wanted::These(Vec::new()));
        Ok(Shown { wanted, data, minimal: wants_minimal(call) })
    }

    /// Appends what is wanted of a collection.
    pub fn write(&self, out: &mut String, account: &Account, target: &Target) {
        self.write_response(out, &Subject { target, account, card: None, data: None });
    }

    /// Appends what is wanted of a card, whose text is there where it may be asked for.
    pub fn write_card(
        &self,
        out: &mut String,
        account: &Account,
        card: &Resource,
        text: Option<&str>,
    ) {
        let data = self.data.as_ref().zip(text).map(|(data, text)| data.of(text));
        let target = &Target::Card(account.id, card.name.clone());
        let subject = Subject { target, account, card: Some(card), data: data.as_deref() };
        self.write_response(out, &subject);
    }

    fn write_response(&self, out: &mut String, subject: &Subject) {
        write_response(out, &subject.target.to_string(), |out| {
            let start = out.len();
            out.push_str("<D:propstat><D:prop>");
            let (begin, missing) = (out.len(), write_found(out, subject, &self.wanted));
            let nothing_missing = missing.is_empty() || self.minimal;
            if out.len() == begin && !nothing_missing {
                out.truncate(start);
            } else {
                let _ = write!(out, "</D:prop><D:status>{OK}</D:status></D:propstat>");
            }
            if !nothing_missing {
                write_propstat(out, &missing, NOT_FOUND, "");
            }
        });
    }
}

/// Appends one `D:response`.
pub fn write_response(out: &mut String, path: &str, inside: impl FnOnce(&mut String)) {
    out.push_str("<D:response>");
    out.push_str(&href(path));
    inside(out);
    out.push_str("</D:response>\n");
}

/// The value of a property as XML; none where the resource does not have it.
type Value = fn(&Subject) -> Option<String>;

/// All properties: namespace, name, whether `D:allprop` gives it (those of RFC 4918 only: the
/// others say themselves that it should not), value.
const TABLE: &[(&str, &str, bool, Value)] = &[
    (DAV, "resourcetype", true, |it| Some(resource_type(it.target).to_owned())),
    (DAV, "displayname", true, display_name),
    (DAV, "creationdate", true, |it| Some(it.card?.created_at.format("%FT%TZ").to_string())),
    (DAV, "getetag", true, |it| Some(escaped(&etag(it.card?.revision)))),
    (DAV, "getcontenttype", true, |it| it.card.map(|_| VCARD_TYPE.to_owned())),
    (DAV, "getcontentlength", true, |it| Some(it.card?.octets.to_string())),
    (DAV, "getlastmodified", true, |it| Some(http_date(it.card?.updated_at))),
    (DAV, "current-user-principal", false, |it| Some(href(&principal(it)))),
    (DAV, "principal-collection-set", false, |_| Some(href(&Target::Principals.to_string()))),
    (DAV, "principal-URL", false, |it| is_principal(it).then(|| href(&principal(it)))),
    (DAV, "alternate-URI-set", false, |it| is_principal(it).then(String::new)),
    (DAV, "group-membership", false, |it| is_principal(it).then(String::new)),
    (DAV, "owner", false, |it| is_below_home(it).then(|| href(&principal(it)))),
    (DAV, "current-user-privilege-set", false, |it| Some(privileges(it))),
    (DAV, "supported-report-set", false, |it| Some(reports(it.target))),
    (DAV, "sync-token", false, |it| is_book(it).then(|| escaped(&it.account.sync_token()))),
    (CALSERVER, "getctag", false, |it| {
        let has = matches!(it.target, Target::Book(_) | Target::Home(_));
        has.then(|| escaped(&it.account.ctag()))
    }),
    (CARDDAV, "addressbook-home-set", false, |it| {
        is_principal(it).then(|| href(&Target::Home(it.account.id).to_string()))
    }),
    (CARDDAV, "addressbook-description", false, |it| {
        let description = it.account.book_description.as_deref().filter(|_| is_book(it));
        description.map(escaped)
    }),
    (CARDDAV, "supported-address-data", false, |it| {
        let kind = "<C:address-data-type content-type=\"text/vcard\" version=\"3.0\"/>";
        is_book(it).then(|| kind.to_owned())
    }),
    (CARDDAV, "max-resource-size", false, |it| is_book(it).then(|| CARD_MAX.to_string())),
    (CONTACTD, "max-text-size", false, |it| is_book(it).then(|| CARD_TEXT_MAX.to_string())),
    (CARDDAV, "supported-collation-set", false, |it| {
        let one = |name| format!("<C:supported-collation>{name}</C:supported-collation>");
        is_book(it).then(|| COLLATIONS.map(one).concat())
    }),
];

/// No property (RFC 6352, 10.4), but named like one.
const ADDRESS_DATA: &str = "address-data";

/// The type under which a card is served.
pub const VCARD_TYPE: &str = "text/vcard; charset=utf-8";

/// True for a property whose value is the server's: no client makes one in these namespaces.
pub fn is_protected(ns: &str) -> bool {
    [DAV, CARDDAV, CALSERVER, CONTACTD].contains(&ns)
}

/// The value of a property as XML.
pub fn value(subject: &Subject, ns: &str, name: &str) -> Option<String> {
    let found = TABLE.iter().find(|(known_ns, known, ..)| *known_ns == ns && *known == name);
    found.and_then(|(.., value)| value(subject))
}

/// Appends the wanted properties that are there; gives the others.
fn write_found(out: &mut String, subject: &Subject, wanted: &Wanted) -> String {
    let mut missing = String::new();
    for (ns, name, of_rfc_4918, value) in TABLE {
        let value = match wanted {
            Wanted::Names => value(subject).map(|_| String::new()),
            Wanted::All(_) if *of_rfc_4918 => value(subject),
            _ => None,
        };
        if let Some(value) = value {
            write_property(out, ns, name, &value);
        }
    }
    if let Wanted::All(names) | Wanted::These(names) = wanted {
        for (ns, name) in names {
            match (value(subject, ns, name), subject.data) {
                // Straight into the answer: it may have megabytes.
                (_, Some(card)) if ns == CARDDAV && name == ADDRESS_DATA => write_card(out, card),
                (Some(value), _) => write_property(out, ns, name, &value),
                (None, _) => write_property(&mut missing, ns, name, ""),
            }
        }
    }
    missing
}

fn write_card(out: &mut String, card: &str) {
    out.push_str("<C:address-data>");
    escape(out, card);
    out.push_str("</C:address-data>");
}

/// Appends properties that have one status, and the element of the rule that they break, if any.
pub fn write_propstat(out: &mut String, properties: &str, status: &str, error: &str) {
    let _ = write!(out, "<D:propstat><D:prop>{properties}</D:prop><D:status>{status}</D:status>");
    write_error(out, error);
    out.push_str("</D:propstat>");
}

/// Appends the element of a broken rule, if there is one.
fn write_error(out: &mut String, error: &str) {
    if !error.is_empty() {
        let _ = write!(out, "<D:error><{error}/></D:error>");
    }
}

/// Appends one property. One of a namespace of its own declares it.
pub fn write_property(out: &mut String, ns: &str, name: &str, value: &str) {
    let prefix = match ns {
        DAV => "D:",
        CARDDAV => "C:",
        CALSERVER => "CS:",
        "" => "",
        _ => "x:",
    };
    let declaration = match prefix {
        "x:" => format!(" xmlns:x=\"{}\"", escaped(ns)),
        _ => String::new(),
    };
    let _ = match value {
        "" => write!(out, "<{prefix}{name}{declaration}/>"),
        value => write!(out, "<{prefix}{name}{declaration}>{value}</{prefix}{name}>"),
    };
}

/// Appends the answer about a href that is not there, or not in the form that was asked for.
pub fn write_status(out: &mut String, path: &str, status: &str, error: &str) {
    write_response(out, path, |out| {
        let _ = write!(out, "<D:status>{status}</D:status>");
        write_error(out, error);
    });
}

fn resource_type(target: &Target) -> &'static str {
    match target {
        Target::Principal(_) => "<D:collection/><D:principal/>",
        Target::Book(_) => "<D:collection/><C:addressbook/>",
        target if target.is_collection() => "<D:collection/>",
        _ => "",
    }
}

fn display_name(it: &Subject) -> Option<String> {
    match it.target {
        Target::Principal(_) | Target::Home(_) => Some(escaped(&it.account.username)),
        Target::Book(_) => Some(escaped(it.account.book_name.as_deref().unwrap_or("Contacts"))),
        _ => None,
    }
}

fn principal(it: &Subject) -> String {
    Target::Principal(it.account.id).to_string()
}

fn is_principal(it: &Subject) -> bool {
    matches!(it.target, Target::Principal(_))
}

fn is_book(it: &Subject) -> bool {
    matches!(it.target, Target::Book(_))
}

fn is_below_home(it: &Subject) -> bool {
    matches!(it.target, Target::Home(_) | Target::Book(_) | Target::Card(..))
}

/// RFC 3744, 5.4. Nothing can be made but cards.
fn privileges(it: &Subject) -> String {
    let may: &[&str] = match it.target {
        Target::Book(_) if it.account.may_write => {
            &["read", "write", "write-content", "write-properties", "bind", "unbind"]
        }
        Target::Card(..) if it.account.may_write => &["read", "write", "write-content"],
        _ => &["read"],
    };
    may.iter().map(|one| format!("<D:privilege><D:{one}/></D:privilege>")).collect()
}

/// The reports that a resource takes.
pub fn reports_of(target: &Target) -> &'static [(&'static str, &'static str)] {
    match target {
        Target::Book(_) => &[
            (CARDDAV, "addressbook-query"),
            (CARDDAV, "addressbook-multiget"),
            (DAV, "sync-collection"),
            (DAV, "expand-property"),
        ],
        Target::Card(..) => &[
            (CARDDAV, "addressbook-query"),
            (CARDDAV, "addressbook-multiget"),
            (DAV, "expand-property"),
        ],
        _ => &[(DAV, "expand-property")],
    }
}

fn reports(target: &Target) -> String {
    let mut out = String::new();
    for (ns, name) in reports_of(target) {
        out.push_str("<D:supported-report><D:report>");
        write_property(&mut out, ns, name, "");
        out.push_str("</D:report></D:supported-report>");
    }
    out
}

/// RFC 9110, 5.6.7.
pub fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %T GMT").to_string()
}
