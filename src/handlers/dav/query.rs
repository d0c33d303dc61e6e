//! Reports about cards: addressbook-query and addressbook-multiget (RFC 6352, 8.6 and 8.7).

use crate::context::Call;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::handlers::dav::account::Account;
use crate::handlers::dav::address_data::AddressData;
use crate::handlers::dav::filter::Filter;
use crate::handlers::dav::properties::{self, Subject, Wanted};
use crate::handlers::dav::target::{Target, canonical_href, path_of};
use crate::handlers::dav::xml::{CARDDAV, DAV, Element};
use crate::handlers::dav::{headers, multistatus};
use crate::http::Reply;
use crate::http::dav::{INSUFFICIENT, NOT_FOUND};
use crate::repository::contacts::resources::{self, Resource};
use std::collections::{HashMap, HashSet};

/// Octets of cards that are read at once.
const BUDGET: i64 = 1_000_000;
/// Names that are looked up at once.
const CHUNK: usize = 500;

/// What a report gives of each card.
struct Shown {
    wanted: Wanted,
    data: Option<AddressData>,
    minimal: bool,
}

impl Shown {
    fn read(call: &Call, root: &Element) -> Result<Shown> {
        let data = root.child(DAV, "prop").and_then(|prop| prop.child(CARDDAV, "address-data"));
        let data = data.map(AddressData::read).transpose()?;
        let wanted = Wanted::read(root)?.unwrap_or(Wanted::These(Vec::new()));
        Ok(Shown { wanted, data, minimal: headers::wants_minimal(call) })
    }

    fn write(&self, out: &mut String, account: &Account, card: &Resource) {
        let data = self.data.as_ref().map(|data| data.of(&card.card));
        let target = &Target::Card(account.id, card.name.clone());
        let subject = Subject { target, account, card: Some(card), data: data.as_deref() };
        properties::write_response(out, &subject, &self.wanted, self.minimal);
    }
}

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
pub fn query(call: &Call, account: Account, target: &Target, root: &Element) -> Result<Reply> {
    let filter = Filter::read(root.child(CARDDAV, "filter"))?;
    let shown = Shown::read(call, root)?;
    let limit = limit(root, CARDDAV)?.unwrap_or(u64::MAX);
    let only = match target {
        Target::Card(_, name) => Some(find(call, &account, name)?),
        _ => None,
    };
    let (db, mut after, mut given) = (call.app.db.clone(), 0, 0);
    multistatus(call, account.id, move |out| {
        let page = match &only {
            Some(card) if after == 0 => vec![card.clone()],
            Some(_) => Vec::new(),
            None => db.read(|db| resources::page_with_cards(db, account.id, after))?,
        };
        for card in &page {
            after = card.id;
            if !filter.matches(&card.card) {
                continue;
            }
            if given == limit {
                write_truncated(out, &account);
                return Ok(false);
            }
            given += 1;
            shown.write(out, &account, card);
        }
        Ok(!page.is_empty())
    })
}

fn find(call: &Call, account: &Account, name: &str) -> Result<Resource> {
    call.app.db.read(|db| resources::find(db, account.id, name))?.ok_or(Error::NotFound)
}

/// There is more than the limit (RFC 6352, 8.6.2; RFC 6578, 3.6).
pub fn write_truncated(out: &mut String, account: &Account) {
    let book = Target::Book(account.id).to_string();
    properties::write_status(out, &book, INSUFFICIENT, "D:number-of-matches-within-limits");
}

/// `C:addressbook-multiget`
pub fn multiget(call: &Call, account: Account, root: &Element) -> Result<Reply> {
    let shown = Shown::read(call, root)?;
    let mut seen = HashSet::new();
    let hrefs = root.all(DAV, "href").map(|href| canonical_href(href.text.trim()));
    let hrefs: Vec<String> = hrefs.filter(|href| seen.insert(href.clone())).collect();
    drop(seen);
    if hrefs.is_empty() {
        return Err(Error::Malformed("multiget asks for no href".to_owned()));
    }
    let (db, mut at) = (call.app.db.clone(), 0);
    let mut waiting: Vec<Batch> = Vec::new();
    multistatus(call, account.id, move |out| {
        if waiting.is_empty() {
            let chunk: Vec<_> = hrefs.iter().skip(at).take(CHUNK).cloned().collect();
            at += chunk.len();
            waiting = db.read(|db| batches(db, account.id, &chunk))?;
        }
        let Some(batch) = waiting.pop() else { return Ok(false) };
        let ids: Vec<i64> = batch.iter().filter_map(|(_, id)| *id).collect();
        let cards = db.read(|db| resources::find_ids(db, account.id, &ids))?;
        let cards: HashMap<i64, Resource> = cards.into_iter().map(|card| (card.id, card)).collect();
        for (href, id) in &batch {
            match id.and_then(|id| cards.get(&id)) {
                Some(card) => shown.write(out, &account, card),
                None => properties::write_status(out, href, NOT_FOUND, ""),
            }
        }
        Ok(at < hrefs.len() || !waiting.is_empty())
    })
}

/// Hrefs with the ids of their cards; none: there is no such card.
type Batch = Vec<(String, Option<i64>)>;

/// The hrefs with the ids of their cards, in batches of cards that may be in memory together; the
/// first batch last.
fn batches(db: &mut Conn, owner: i64, hrefs: &[String]) -> Result<Vec<Batch>> {
    let name = |href: &str| match Target::of(path_of(href)?, owner) {
        Target::Card(_, name) => Some(name),
        _ => None,
    };
    let names: Vec<String> = hrefs.iter().filter_map(|href| name(href)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = resources::find_names(db, owner, &names)?;
    let found: HashMap<&str, &Resource> =
        found.iter().map(|card| (card.name.as_str(), card)).collect();
    let (mut batches, mut batch, mut octets) = (Vec::new(), Vec::new(), 0);
    for href in hrefs {
        let card = name(href).and_then(|name| found.get(name.as_str()).copied());
        octets += card.map_or(0, |card| card.octets);
        if octets > BUDGET && !batch.is_empty() {
            batches.push(std::mem::take(&mut batch));
            octets = card.map_or(0, |card| card.octets);
        }
        batch.push((href.clone(), card.map(|card| card.id)));
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches.reverse();
    Ok(batches)
}
