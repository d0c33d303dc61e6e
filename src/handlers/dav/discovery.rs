//! How a client finds its address book: RFC 6764, RFC 5397, OPTIONS, PROPFIND, and the report that
//! follows hrefs (RFC 3253, 3.8).

use crate::access::Device;
use crate::context::Call;
use crate::error::{DavFault, Error, Result};
use crate::handlers::dav::account::Account;
use crate::handlers::dav::headers::{self, Depth};
use crate::handlers::dav::properties::{self, Subject, Wanted};
use crate::handlers::dav::target::{Target, path_of};
use crate::handlers::dav::xml::{DAV, Element, check_name};
use crate::handlers::dav::{allow, body, cards, multistatus, path, short_multistatus};
use crate::http::Reply;
use crate::http::dav::OK;
use crate::repository::contacts::resources::{self, Resource};

/// `GET`, `PROPFIND /.well-known/carddav`
pub fn well_known(_: &Call) -> Result<Reply> {
    Ok(Reply::moved("/dav/"))
}

/// `OPTIONS /dav/…`
pub fn options(call: &Call, device: &Device) -> Result<Reply> {
    match Target::of(path(call), device.owner().id()) {
        Target::Nothing => Err(Error::NotFound),
        target => Ok(Reply::capabilities(allow(&target).to_owned())),
    }
}

/// `PROPFIND /`: where some clients begin.
pub fn propfind_root(call: &Call, device: &Device) -> Result<Reply> {
    propfind_at(call, device, Target::Root, Depth::Zero)
}

/// `PROPFIND /dav/…`
pub fn propfind(call: &Call, device: &Device) -> Result<Reply> {
    let target = Target::of(path(call), device.owner().id());
    let depth = headers::depth(call)?;
    propfind_at(call, device, target, depth)
}

fn propfind_at(call: &Call, device: &Device, target: Target, depth: Depth) -> Result<Reply> {
    if matches!(target, Target::OtherBook(_) | Target::Orphan(_) | Target::Nothing) {
        return Err(Error::NotFound);
    }
    let wanted = match body(call)? {
        None => Wanted::All(Vec::new()),
        Some(root) if root.is(DAV, "propfind") => Wanted::read(&root)?
            .ok_or_else(|| Error::Malformed("propfind asks for nothing".to_owned()))?,
        Some(_) => return Err(Error::Malformed("the body must be a propfind".to_owned())),
    };
    let account = Account::of(call, device)?;
    match &target {
        Target::OtherBook(_) | Target::Orphan(_) | Target::Nothing => return Err(Error::NotFound),
        Target::Card(_, name) => {
            return propfind_card(call, account, target.clone(), name, &wanted);
        }
        _ if depth == Depth::Infinity => return Err(Error::Dav(DavFault::FiniteDepth)),
        _ => {}
    }
    let minimal = headers::wants_minimal(call);
    let mut targets = vec![target.clone()];
    if depth == Depth::One {
        targets.extend(members(&target, account.id));
    }
    let with_cards = depth == Depth::One && matches!(target, Target::Book(_));
    let (db, mut after) = (call.app.db.clone(), 0);
    multistatus(call, account.id, move |out| {
        for target in targets.drain(..) {
            let subject = Subject { target: &target, account: &account, card: None, data: None };
            properties::write_response(out, &subject, &wanted, minimal);
        }
        // The state of the book was read before: whatever changes meanwhile is seen by the next sync.
        let page = match with_cards {
            true => db.read(|db| resources::page(db, account.id, after))?,
            false => Vec::new(),
        };
        for card in &page {
            after = card.id;
            let target = &Target::Card(account.id, card.name.clone());
            let subject = Subject { target, account: &account, card: Some(card), data: None };
            properties::write_response(out, &subject, &wanted, minimal);
        }
        Ok(!page.is_empty())
    })
}

/// Here the card itself may be asked for: Nextcloud's library reads a new one so.
fn propfind_card(
    call: &Call,
    account: Account,
    target: Target,
    name: &str,
    wanted: &Wanted,
) -> Result<Reply> {
    let (card, text) = cards::find(call, account.id, name)?;
    let subject =
        Subject { target: &target, account: &account, card: Some(&card), data: Some(&text) };
    let mut out = String::new();
    properties::write_response(&mut out, &subject, wanted, headers::wants_minimal(call));
    Ok(short_multistatus(call, &out))
}

/// The collections in a collection.
fn members(target: &Target, id: i64) -> Vec<Target> {
    match target {
        Target::Root => vec![Target::Principals, Target::Homes],
        Target::Principals => vec![Target::Principal(id)],
        Target::Homes => vec![Target::Home(id)],
        Target::Home(_) => vec![Target::Book(id)],
        _ => Vec::new(),
    }
}

/// `D:expand-property`: properties that hold hrefs come with the properties of what these name.
pub fn expand(
    call: &Call,
    account: &Account,
    target: &Target,
    card: Option<&Resource>,
    root: &Element,
) -> Result<Reply> {
    properties::check_count(properties_in(root))?;
    let mut out = String::new();
    let subject = Subject { target, account, card, data: None };
    write_expanded(&mut out, &subject, root, headers::wants_minimal(call))?;
    Ok(short_multistatus(call, &out))
}

/// How many there are, at any depth.
fn properties_in(element: &Element) -> usize {
    element.all(DAV, "property").map(|it| 1 + properties_in(it)).sum()
}

/// Goes no deeper than the request, whose depth is limited, and to one resource for each of its
/// elements. No property names a card.
fn write_expanded(
    out: &mut String,
    subject: &Subject,
    parent: &Element,
    minimal: bool,
) -> Result<()> {
    let (mut found, mut missing) = (String::new(), String::new());
    for property in parent.all(DAV, "property") {
        let name = property.attribute("name").unwrap_or_default();
        // It becomes the name of an element.
        check_name(name)?;
        let ns = property.attribute("namespace").unwrap_or(DAV);
        let Some(value) = properties::value(subject, ns, name) else {
            properties::write_property(&mut missing, ns, name, "");
            continue;
        };
        let inner = value.strip_prefix("<D:href>").and_then(|rest| rest.strip_suffix("</D:href>"));
        let inner = inner.filter(|_| property.child(DAV, "property").is_some());
        match inner.and_then(path_of).map(|path| Target::of(path, subject.account.id)) {
            Some(named) => {
                let mut response = String::new();
                let named = Subject { target: &named, card: None, ..*subject };
                write_expanded(&mut response, &named, property, minimal)?;
                properties::write_property(&mut found, ns, name, &response);
            }
            None => properties::write_property(&mut found, ns, name, &value),
        }
    }
    out.push_str("<D:response>");
    out.push_str(&super::escape::href(&subject.target.to_string()));
    if !found.is_empty() || missing.is_empty() || minimal {
        properties::write_propstat(out, &found, OK);
    }
    if !missing.is_empty() && !minimal {
        properties::write_propstat(out, &missing, crate::http::dav::NOT_FOUND);
    }
    out.push_str("</D:response>\n");
    Ok(())
}
