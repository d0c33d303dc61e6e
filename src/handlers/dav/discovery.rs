//! How a client finds its address book: RFC 6764, RFC 5397, OPTIONS, PROPFIND, and the report that
//! follows hrefs (RFC 3253, 3.8).

use crate::access::Device;
use crate::context::Call;
use crate::error::{DavFault, Error, Result};
use crate::handlers::dav::account::{Account, Asked};
use crate::handlers::dav::address_data::AddressData;
use crate::handlers::dav::headers::{self, Depth};
use crate::handlers::dav::properties::{self, Shown, Subject, Wanted};
use crate::handlers::dav::target::{Target, path_of};
use crate::handlers::dav::xml::{DAV, Element, check_name};
use crate::handlers::dav::{allow, body_of, multistatus, short_multistatus, target_of};
use crate::http::Reply;
use crate::http::dav::{NOT_FOUND, OK};
use crate::repository::contacts::resources;

/// `GET`, `PROPFIND /.well-known/carddav`
pub fn well_known(_: &Call) -> Result<Reply> {
    Ok(Reply::moved("/dav/"))
}

/// `OPTIONS /dav/…`
pub fn options(call: &Call, device: &Device) -> Result<Reply> {
    match target_of(call, device) {
        Target::Nothing => Err(Error::NotFound),
        target => Ok(Reply::capabilities(allow(&target).to_owned())),
    }
}

/// `PROPFIND /`: where some clients begin.
pub fn propfind_root(call: &Call, device: &Device) -> Result<Reply> {
    let account = Account::of(call, device)?;
    propfind_at(call, Asked { target: Target::Root, account, card: None }, Depth::Zero)
}

/// `PROPFIND /dav/…`
pub fn propfind(call: &Call, device: &Device) -> Result<Reply> {
    propfind_at(call, Asked::of(call, device)?, headers::depth(call)?)
}

fn propfind_at(call: &Call, asked: Asked, depth: Depth) -> Result<Reply> {
    let wanted = match body_of(call, DAV, "propfind")? {
        None => Wanted::All(Vec::new()),
        Some(root) => Wanted::read(&root)?
            .ok_or_else(|| Error::Malformed("propfind asks for nothing".to_owned()))?,
    };
    // Of one card its text may be asked for: Nextcloud's library reads a new one so.
    let data = Some(AddressData::Whole);
    let shown = Shown { wanted, data, minimal: headers::wants_minimal(call) };
    let Asked { target, account, card } = asked;
    if let Some((card, text)) = card {
        let mut out = String::new();
        shown.write_card(&mut out, &account, &card, Some(&text));
        return Ok(short_multistatus(call, &out));
    }
    let with_cards = depth == Depth::One && matches!(target, Target::Book(_));
    let mut targets = match depth {
        Depth::Zero => vec![target],
        Depth::One => [vec![target.clone()], members(&target, account.id)].concat(),
        Depth::Infinity => return Err(Error::Dav(DavFault::FiniteDepth)),
    };
    let (db, mut after) = (call.app.db.clone(), 0);
    multistatus(call, account.id, move |out| {
        targets.drain(..).for_each(|target| shown.write(out, &account, &target));
        // The state of the book was read before: whatever changes meanwhile is seen by the next sync.
        let page = match with_cards {
            true => db.read(|db| resources::page(db, account.id, after))?,
            false => Vec::new(),
        };
        for card in &page {
            after = card.id;
            shown.write_card(out, &account, card, None);
        }
        Ok(!page.is_empty())
    })
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
pub fn expand(call: &Call, asked: &Asked, root: &Element) -> Result<Reply> {
    properties::check_count(properties_in(root))?;
    let Asked { target, account, card } = asked;
    let card = card.as_ref().map(|(card, _)| card);
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
    properties::write_response(out, &subject.target.to_string(), |out| {
        if !found.is_empty() || missing.is_empty() || minimal {
            properties::write_propstat(out, &found, OK, "");
        }
        if !missing.is_empty() && !minimal {
            properties::write_propstat(out, &missing, NOT_FOUND, "");
        }
    });
    Ok(())
}
