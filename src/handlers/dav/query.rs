//! Reports about cards: addressbook-query and addressbook-multiget (RFC 6352, 8.6 and 8.7).

use crate::context::Call;
use crate::error::{Error, Result};
use crate::handlers::dav::account::{Account, Asked};
use crate::handlers::dav::filter::Filter;
use crate::handlers::dav::properties::{self, Shown};
use crate::handlers::dav::target::{Target, canonical_href, path_of};
use crate::handlers::dav::xml::{CARDDAV, DAV, Element};
use crate::handlers::dav::{multistatus, short_multistatus};
use crate::http::Reply;
use crate::http::dav::{INSUFFICIENT, NOT_FOUND};
use crate::repository::contacts::resources;
use std::collections::{BTreeSet, HashSet};

/// Names that are looked up at once, as many as phones ask for.
const CHUNK: usize = 100;
/// Octets of an answer about one card, if one in ten has a picture.
const USUAL: usize = 10_000;

/// The number in `C:limit` or `D:limit`, if there is one.
pub fn limit(root: &Element, ns: &str) -> Result<Option<u64>> {
    let wanted = root.child(ns, "limit").and_then(|limit| limit.child(ns, "nresults"));
    let number = |element: &Element| {
        let text = element.text.trim();
        match text.bytes().all(|octet| octet.is_ascii_digit()) && !text.is_empty() {
            // A number that is too large for us is no limit.
            true => Ok(text.parse().unwrap_or(u64::MAX)),
            false => Err(Error::Malformed("nresults must be a number".to_owned())),
        }
    };
    wanted.map(number).transpose()
}

/// `C:addressbook-query`. Any Depth means the cards of the book: Evolution lists one with Depth 0,
/// for which the RFC has the book itself, which is no card; its answer would empty the phone book.
/// With a card it is asked of that one alone.
pub fn query(call: &Call, asked: Asked, root: &Element) -> Result<Reply> {
    let filter = Filter::read(root.child(CARDDAV, "filter"))?;
    let shown = Shown::read(call, root)?;
    let limit = limit(root, CARDDAV)?.unwrap_or(u64::MAX);
    let account = asked.account;
    if let Some((card, text)) = asked.card {
        let mut out = String::new();
        match (filter.matches(&text), limit) {
            (true, 0) => write_truncated(&mut out, &account),
            (true, _) => shown.write_card(&mut out, &account, &card, Some(&text)),
            (false, _) => {}
        }
        return Ok(short_multistatus(call, &out));
    }
    let (db, mut after, mut given) = (call.app.db.clone(), 0, 0);
    multistatus(call, account.id, move |out| {
        let page = db.read(|db| resources::page_with_text(db, account.id, after))?;
        for (card, text) in &page {
            after = card.id;
            if !filter.matches(text) {
                continue;
            }
            if given == limit {
                write_truncated(out, &account);
                return Ok(false);
            }
            given += 1;
            shown.write_card(out, &account, card, Some(text));
        }
        Ok(!page.is_empty())
    })
}

/// There is more than the limit (RFC 6352, 8.6.2; RFC 6578, 3.6).
pub fn write_truncated(out: &mut String, account: &Account) {
    let book = Target::Book(account.id).to_string();
    properties::write_status(out, &book, INSUFFICIENT, "D:number-of-matches-within-limits");
}

/// `C:addressbook-multiget`: each card once, in whatever way it was asked for.
pub fn multiget(call: &Call, account: Account, root: &Element) -> Result<Reply> {
    let shown = Shown::read(call, root)?;
    let (mut names, mut others) = (BTreeSet::new(), BTreeSet::new());
    for href in root.all(DAV, "href").map(|href| href.text.trim()) {
        match path_of(href).map(|path| Target::of(path, account.id)) {
            Some(Target::Card(_, name)) => names.insert(name),
            _ => others.insert(canonical_href(href)),
        };
    }
    if names.is_empty() && others.is_empty() {
        return Err(Error::Malformed("multiget asks for no href".to_owned()));
    }
    let db = call.app.db.clone();
    multistatus(call, account.id, move |out| {
        for href in (0..CHUNK).map_while(|_| others.pop_first()) {
            properties::write_status(out, &href, NOT_FOUND, "");
        }
        let asked: Vec<String> = (0..CHUNK).map_while(|_| names.pop_first()).collect();
        out.reserve(asked.len() * USUAL);
        let begin = out.len();
        let (mut missing, mut later) = (HashSet::new(), Vec::new());
        db.read(|db| {
            out.truncate(begin);
            later.clear();
            missing = asked.iter().map(String::as_str).collect();
            resources::each_named(db, account.id, &asked, |card, text| {
                missing.remove(card.name.as_str());
                match text {
                    Some(_) => shown.write_card(out, &account, card, text),
                    None => later.push(card.name.clone()),
                }
            })
        })?;
        for name in missing {
            let href = Target::Card(account.id, name.to_owned()).to_string();
            properties::write_status(out, &href, NOT_FOUND, "");
        }
        names.extend(later);
        Ok(!(names.is_empty() && others.is_empty()))
    })
}
