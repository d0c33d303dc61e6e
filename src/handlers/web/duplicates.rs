//! Who is there twice: shown side by side, made one, or said to be different people.

use crate::access::Visitor;
use crate::context::Call;
use crate::error::{Error, Fault, Result};
use crate::handlers::web::contacts::{TWINS, members};
use crate::handlers::web::reader::{self, owner, revision, words};
use crate::handlers::web::sent;
use crate::http::Reply;
use crate::markup::duplicates::{self, Group, Twin};
use crate::markup::edit::{LISTS, SINGLE};
use crate::model::alike::Group as Found;
use crate::model::contact::{Contact, Input, Method};
use crate::repository::contacts::rows;
use crate::service::contacts::UNGUARDED;
use crate::service::duplicates as service;
use crate::service::merge::{self, Wish};
use serde_json::{Map, Value};

/// Most groups on a page.
const PAGE: usize = 5;
/// Most groups that are merged at once.
const MERGED_MAX: usize = 100;

/// `GET /duplicates`; with `?ids=` those that were selected in the list.
pub fn page(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    let mut query = call.query()?;
    let slice = query.slice();
    let ids = query.text("ids");
    query.finish()?;
    let skip = usize::try_from(slice.skip).unwrap_or(0);
    let chosen = ids.is_some();
    let (groups, total, likely) = match ids {
        Some(ids) => {
            let ids: Vec<i64> =
                ids.split(',').filter_map(|id| id.parse().ok()).take(TWINS).collect();
            (vec![(Vec::new(), false, ids)], 1, 0)
        }
        None => {
            let found = service::kept(&call.app, owner.id())?;
            // Those on this page were merged since.
            if skip > 0 && skip >= found.len() {
                return Ok(reader::go("/duplicates"));
            }
            let named = |it: &Found| (it.reasons.clone(), it.likely, it.contacts.clone());
            let shown = found.iter().skip(skip).take(PAGE).map(named).collect::<Vec<_>>();
            (shown, found.len(), found.iter().filter(|it| is_likely(it)).count())
        }
    };
    let first = |ids: &[i64]| ids.iter().copied().take(TWINS).collect::<Vec<_>>();
    let all: Vec<i64> = groups.iter().flat_map(|(_, _, ids)| first(ids)).collect();
    let contacts = call.app.db.read(|db| rows::shown(db, owner.id(), &all))?;
    let shown = groups.into_iter().map(|(reasons, likely, ids)| {
        let twins = ids.iter().filter_map(|id| contacts.iter().find(|it| it.id == *id));
        let twins = twins.map(|it| Ok(twin(it, &members(call, owner.id(), it)?)));
        Ok(Group { reasons, likely, chosen, twins: twins.collect::<Result<_>>()? })
    });
    let shown: Vec<_> = shown.collect::<Result<_>>()?;
    let shown: Vec<_> = shown.into_iter().filter(|group| group.twins.len() > 1).collect();
    let page = reader::page(call, visitor);
    if chosen && shown.is_empty() {
        // All but one were deleted since.
        return reader::go_saying(call, visitor, "/contacts", page.w.two_to_merge);
    }
    Ok(reader::show(call, duplicates::page(&page, &shown, skip, total, likely as i64)))
}

/// Nothing is lost or chosen when these become one, and all of them can be seen side by side.
fn is_likely(group: &Found) -> bool {
    group.likely && group.contacts.len() <= TWINS
}

fn twin(contact: &Contact, members: &Value) -> Twin {
    let text = |name: &str| reader::text(members, name).to_owned();
    let single =
        SINGLE.into_iter().map(|name| (name, text(name))).filter(|(_, value)| !value.is_empty());
    let lists = LISTS.iter().map(|(list, _)| *list).chain(["labels"]);
    let lists = lists
        .map(|list| (list, members.get(list).map(lines).unwrap_or_default()))
        .filter(|(_, value)| !value.is_empty());
    Twin {
        id: contact.id,
        name: text("display_name"),
        has_photo: contact.photo_type.is_some(),
        single: single.collect(),
        lists: lists.collect(),
    }
}

/// The entries of a list, a line each.
fn lines(list: &Value) -> String {
    let entry = |entry: &Value| match entry {
        Value::String(label) => label.clone(),
        Value::Object(parts) => {
            let parts = ["service", "value", "street", "postal_code", "city", "country"]
                .into_iter()
                .filter_map(|part| parts.get(part)?.as_str());
            parts.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    };
    let entries = list.as_array().into_iter().flatten().map(entry);
    entries.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// `POST /duplicates/merge`: of each single value the one that was chosen. Then to the next ones, or to the
/// contact when these were selected in the list.
pub fn merge(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (form, owner, by) = sent::by_owner(call, visitor)?;
    let number = |text: &str| text.parse::<i64>().ok();
    let ids: Vec<i64> = form.all("ids").filter_map(number).collect();
    // Who is to be kept may have been left out afterwards.
    let keep = number(form.get("keep")).filter(|keep| ids.contains(keep)).or(ids.first().copied());
    let Some(keep) = keep.filter(|_| ids.len() > 1) else {
        return reader::go_saying(call, visitor, "/duplicates", words(call, visitor).two_to_merge);
    };
    let contacts = call.app.db.read(|db| rows::shown(db, owner.id(), &ids))?;
    let mut set = Map::new();
    for name in SINGLE {
        let chosen = number(form.get(&format!("set.{name}")))
            .and_then(|id| contacts.iter().find(|it| it.id == id));
        if let Some(chosen) = chosen {
            let members = members(call, owner.id(), chosen)?;
            set.extend(members.get(name).map(|value| (name.to_owned(), value.clone())));
        }
    }
    let before = revision(call, owner.id())?;
    let chosen = !form.get("chosen").is_empty();
    let others: Vec<_> = ids.into_iter().filter(|id| *id != keep).collect();
    let set = Some(Input::read(Value::Object(set), Method::Patch)?);
    let wish = Wish { keep, others, set, is_stored: true };
    let before = match merge::merge(&call.app, owner.id(), &by, &wish, UNGUARDED, call.now) {
        Err(Error::NotFound) if contacts.iter().any(|it| it.id == keep) => {
            reader::before_the_trash(call, owner.id(), &wish.others)?
        }
        Err(Error::Invalid(faults)) if faults.iter().all(|it| it.field != "ids") => {
            // Too many numbers in all, or too long a card.
            let w = words(call, visitor);
            let what = |field: &str| match field.strip_prefix("set.") {
                Some(list) => w.member(list).to_owned(),
                None => w.sentence("merge").trim_end_matches('.').to_owned(),
            };
            let why = |it: &Fault| format!("{}: {}", what(&it.field), w.sentence(&it.detail));
            let why = faults.iter().map(why);
            let ids = std::iter::once(keep).chain(wish.others).map(|id| id.to_string());
            let next = match chosen {
                true => format!("/duplicates?ids={}", ids.collect::<Vec<_>>().join(",")),
                false => "/duplicates".to_owned(),
            };
            let why = why.collect::<Vec<_>>().join(" ");
            return reader::go_saying(call, visitor, next, why);
        }
        merged => merged.map(|_| before)?,
    };
    let next = if chosen { format!("/contacts/{keep}") } else { "/duplicates".to_owned() };
    reader::go_undoable(call, visitor, next, words(call, visitor).merged, before)
}

/// `POST /duplicates/merge-likely`: every group that is likely one person, or the first hundred.
pub fn merge_likely(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (_, owner, by) = sent::by_owner(call, visitor)?;
    let before = revision(call, owner.id())?;
    let groups = service::kept(&call.app, owner.id())?;
    let likely: Vec<_> = groups.iter().filter(|it| is_likely(it)).take(MERGED_MAX).collect();
    let mut merged = 0;
    for group in &likely {
        let Some((keep, others)) = group.contacts.split_first() else { continue };
        let others = others.to_vec();
        let wish = Wish { keep: *keep, others, set: None, is_stored: true };
        match merge::merge(&call.app, owner.id(), &by, &wish, UNGUARDED, call.now) {
            Ok(_) => merged += 1,
            // Changed in the meantime, or a list would become too long: it stays on the page.
            Err(Error::NotFound | Error::Invalid(_)) => {}
            Err(error) if merged == 0 => return Err(error),
            // What was merged can be undone, and the rest stays on the page.
            Err(_) => break,
        }
    }
    let w = words(call, visitor);
    // Where none is left, a first click merged them.
    let text = if likely.is_empty() { w.merged.to_owned() } else { w.n(w.n_merged, merged) };
    reader::go_undoable(call, visitor, "/duplicates", text, before)
}

/// `POST /duplicates/dismiss`: these are different people.
pub fn dismiss(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (form, owner, _) = sent::by_owner(call, visitor)?;
    let ids: Vec<i64> = form.all("ids").filter_map(|id| id.parse().ok()).collect();
    if ids.len() < 2 {
        return reader::go_saying(call, visitor, "/duplicates", words(call, visitor).two_to_merge);
    }
    service::dismiss(&call.app, owner.id(), ids)?;
    reader::go_saying(call, visitor, "/duplicates", words(call, visitor).dismissed)
}
