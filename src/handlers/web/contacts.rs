//! The list, one contact, and what is done to many.

use crate::access::Visitor;
use crate::context::Call;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::handlers::rest::{exports, lists as api, photos as pictures, show};
use crate::handlers::web::reader::{self, owner, revision, words};
use crate::handlers::web::sent;
use crate::http::{self, Reply};
use crate::markup::contact::{self, Birthday, Change, Shown};
use crate::markup::form::Form;
use crate::markup::list::{self, List, Row};
use crate::markup::page::Flash;
use crate::markup::words::Words;
use crate::model::contact::birthday::{self, Window};
use crate::model::contact::input::LABEL_MAX;
use crate::model::contact::{Contact, Stored};
use crate::model::text;
use crate::repository::contacts::filter::Filter;
use crate::repository::contacts::history;
use crate::repository::contacts::lists::{self, Key, Sort, Start};
use crate::service::contacts::{Action, UNGUARDED, Which, bulk, delete};
use crate::service::history::{reachable_since, revert};
use crate::service::labels::in_use;
use rouille::Request;
use serde_json::Value;
use vcard::Card;

/// Most contacts of a group that are shown side by side.
pub const TWINS: usize = 6;

/// Contacts on a page of the list.
const PAGE: i64 = 50;
/// As many as one call of `bulk` takes.
const BATCH: usize = 1_000;

/// The members of a contact's JSON. Long ones, which a list leaves out, are read by themselves.
pub fn members(call: &Call, owner: i64, contact: &Contact) -> Result<Value> {
    let mut json = String::new();
    show(&mut json, &call.app, owner, contact, "")?;
    serde_json::from_str(&json).map_err(Error::internal)
}

/// A contact as rows show it.
pub fn row(call: &Call, owner: i64, contact: &Contact) -> Result<Row> {
    let members = members(call, owner, contact)?;
    let text = |name: &str| reader::text(&members, name).to_owned();
    let (name, email) = (text("display_name"), text("email"));
    let about =
        Some(text("organization")).filter(|it| !it.is_empty() && *it != name).unwrap_or(email);
    let has_photo = contact.photo_type.is_some();
    Ok(Row { id: contact.id, name, has_photo, about, phone: text("phone") })
}

/// `GET /contacts`
pub fn page(call: &Call, visitor: &Visitor) -> Result<Reply> {
    listed(call, visitor, None)
}

/// The list that a form was sent from, with what is wrong with the form, and all that was ticked and typed.
pub fn again(call: &Call, visitor: &Visitor, query: &str, form: &Form, why: &str) -> Result<Reply> {
    let headers = call.request.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let url = format!("/contacts?{query}");
    let request = Request::fake_http("GET", url, headers.collect(), Vec::new());
    listed(&sent::another(call, request, Vec::new()), visitor, Some((form, why)))
}

fn listed(call: &Call, visitor: &Visitor, sent: Option<(&Form, &str)>) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    let mut query = call.query()?;
    // A tab comes with what is pasted from a table.
    let typed = query.parsed("search", |raw| Ok(raw.replace('\t', " ")));
    let (search, fault) = match typed.as_deref().map(api::search).transpose() {
        Ok(search) => (search, None),
        Err(why) => (None, Some(why)),
    };
    let label = query.text("label");
    let filter = Filter { search: search.clone(), label: label.clone(), ..Filter::default() };
    let sort =
        query.parsed("sort", api::sort).unwrap_or(Sort { key: Key::Name, descending: false });
    let sorted = query.text("sort").unwrap_or_else(|| "name".to_owned());
    let mut later = query.text("cursor").is_some();
    let start = api::start(call, owner.id(), &mut query, sort);
    query.finish()?;
    let look = |start: &Start| {
        // Everybody in place of those who were meant would be selected with them.
        if fault.is_some() {
            return Ok(lists::Page::default());
        }
        let look = |db: &mut Conn| lists::page(db, owner.id(), &filter, sort, start, PAGE);
        call.app.search_book(owner.id(), look)
    };
    let mut found = look(&start)?;
    // All on this page were deleted since, or lost the label that is shown.
    if later && found.contacts.is_empty() {
        (later, found) = (false, look(&Start::Skip(0))?);
    }
    let labels = in_use(&call.app, owner.id())?;
    let next = found
        .next
        .as_ref()
        .map(|next| api::next_query(call, owner.id(), sort, next))
        .transpose()?;
    let search = search.or(typed.filter(|_| fault.is_some())).unwrap_or_default();
    let label = label.unwrap_or_default();
    let mut page = reader::page(call, visitor);
    page.search = search.clone();
    page.search_fault = fault.map(|why| page.w.sentence(&why));
    if let Some((_, why)) = sent.filter(|(_, why)| !why.is_empty()) {
        page.flash = Some(Flash { text: why.to_owned(), ..Flash::default() });
    }
    let rows = found.contacts.iter().map(|it| row(call, owner.id(), it)).collect::<Result<_>>()?;
    let list = List {
        rows,
        total: found.total,
        search: &search,
        label: &label,
        sort: &sorted,
        next,
        later,
        labels: &labels,
        query: call.request.raw_query_string(),
        sent: sent.map(|(form, _)| form),
    };
    let shown = list::page(&page, &list);
    Ok(match sent.is_some() || page.search_fault.is_some() {
        true => reader::refuse(&Error::Invalid(Vec::new()), shown),
        false => reader::show(call, shown),
    })
}

/// Who did something, and with what: an app password by its name, else the owner, in words.
pub fn who(w: &Words, protocol: &str, client: &str) -> String {
    let with = match protocol {
        "import" => w.import.to_owned(),
        // What was done, and not what a button says.
        "merge" | "rewind" => w.sentence(protocol).trim_end_matches('.').to_owned(),
        "web" => program(client),
        _ => return program(client),
    };
    format!("{} · {with}", w.you).trim_end_matches(" · ").to_owned()
}

/// What a browser is called; other programs say it themselves.
pub fn program(client: &str) -> String {
    let browser =
        ["Firefox", "Edg", "Chrome", "Safari"].into_iter().find(|name| client.contains(name));
    let system = ["iPhone", "iPad", "Android", "Windows", "Mac OS", "Linux"]
        .into_iter()
        .find(|name| client.contains(name));
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{}, {system}", browser.replace("Edg", "Edge")),
        _ => client.chars().take(60).collect(),
    }
}

fn change(w: &Words, it: &history::Change) -> Change {
    let name = it.before.as_ref().map(|before| Card::stored(&before.card).details().display_name);
    Change { revision: it.revision, at: it.at, by: who(w, &it.protocol, &it.client), name }
}

/// `GET /contacts/{id}`, and with `?then=` as it was before a change.
pub fn one(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    let id = call.id()?;
    let mut query = call.query()?;
    let then = query.number("then", 0, 0..=i64::MAX);
    let before = query.number("before", i64::MAX, 0..=i64::MAX);
    query.finish()?;
    // What it was then begins the list, else the newest change that an older page did not show.
    let until = if then > 0 { then.saturating_add(1) } else { before };
    let (stored, past, all) = call.app.db.read(|db| {
        let since = reachable_since(db, owner.id(), call.now)?;
        let stored = reader::contact(db, owner.id(), id)?;
        let mut past = history::of_contact(db, owner.id(), id, since, until)?;
        let oldest = past.last().and_then(|it| it.before.as_ref());
        let all = oldest.is_none_or(|it| it.since <= since.max(stored.contact.created_at));
        past.extend(history::birth(db, owner.id(), id)?.filter(|_| all));
        Ok((stored, past, all))
    })?;
    let before = past.iter().find(|it| it.revision == then);
    if then > 0 && before.is_none() {
        return Err(Error::NotFound);
    }
    let w = words(call, visitor);
    let changes: Vec<_> = past.iter().map(|it| change(w, it)).collect();
    let old = before.and_then(|it| it.before.as_ref()).map(|it| Card::stored(&it.card));
    let card = old.unwrap_or_else(|| stored.card());
    let page = reader::page(call, visitor);
    let next = card
        .details()
        .birthday
        .and_then(|born| birthday::next_in(born, Window::new(page.today, 366)));
    let Stored { contact, .. } = &stored;
    let shown = Shown {
        id,
        details: &card.details(),
        has_photo: contact.photo_type.is_some() && then == 0,
        next_birthday: next.map(|it| Birthday {
            date: it.date,
            days: it.days_until,
            turns: it.turns,
        }),
        created_at: contact.created_at,
        updated_at: contact.updated_at,
        // The history may have forgotten the last change.
        changed_by: changes
            .first()
            .filter(|it| it.revision == contact.revision)
            .map_or("", |it| &it.by),
        then: changes.iter().find(|it| it.revision == then),
        history: &changes,
        all,
        later: until < i64::MAX,
    };
    Ok(reader::show(call, contact::page(&page, &shown)))
}

/// `GET /contacts/{id}/photo`
pub fn photo(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    pictures::get(call, &owner)
}

/// `GET /contacts/{id}.vcf`
pub fn card(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    let id = call.id()?;
    let stored = call.app.db.read(|db| reader::contact(db, owner.id(), id))?;
    Ok(Reply::bytes("text/vcard; charset=utf-8", stored.text)
        .with("Content-Disposition", "attachment; filename=\"contact.vcf\""))
}

/// `POST /contacts/{id}/delete`
pub fn remove(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (_, owner, by) = sent::by_owner(call, visitor)?;
    let (before, id) = (revision(call, owner.id())?, call.id()?);
    let before = match delete(&call.app, owner.id(), &by, Which::Id(id), UNGUARDED) {
        Err(Error::NotFound) => reader::before_the_trash(call, owner.id(), &[id])?,
        deleted => deleted.map(|_| before)?,
    };
    let w = words(call, visitor);
    reader::go_undoable(call, visitor, "/contacts", w.n(w.deleted, 1), before)
}

/// `POST /contacts/{id}/revert`
pub fn back(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (form, owner, by) = sent::by_owner(call, visitor)?;
    let id = call.id()?;
    let to =
        form.get("revision").parse().map_err(|_| Error::invalid("revision", "must be a number"))?;
    let before = revision(call, owner.id())?;
    revert(&call.app, owner.id(), &by, id, to, UNGUARDED)?;
    let w = words(call, visitor);
    reader::go_undoable(call, visitor, format!("/contacts/{id}"), w.reverted, before)
}

/// `POST /contacts/bulk`: something with what is selected, or with all that was found.
pub fn many(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (form, owner, by) = sent::by_owner(call, visitor)?;
    let w = words(call, visitor);
    let search = api::search(form.get("search")).map_err(|why| Error::invalid("search", why))?;
    let shown = text::line(form.get("label_shown"), 0, 1_000);
    let shown = shown.map_err(|why| Error::invalid("label_shown", why))?;
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let filter = Filter { search: given(search), label: given(shown), ..Filter::default() };
    let mut ids: Vec<i64> = form.all("ids").filter_map(|id| id.parse().ok()).collect();
    if !form.get("all").is_empty() {
        // Beside all that was found, what was ticked before: the script keeps it on the page.
        ids.extend(call.app.search_book(owner.id(), |db| lists::ids(db, owner.id(), &filter))?);
        ids.sort_unstable();
        ids.dedup();
    }
    let again = |why: &str| again(call, visitor, form.get("query"), &form, why);
    if ids.is_empty() {
        return again(w.none_selected);
    }
    let listed: Vec<_> = ids.iter().map(i64::to_string).collect();
    let changes_label = ["add_label", "remove_label"].contains(&form.get("action"));
    let label = text::line(form.get("label"), 1, LABEL_MAX).ok();
    let Some(label) = label.or((!changes_label).then(String::new)) else {
        return again(w.label_wrong);
    };
    let (action, words) = match form.get("action") {
        "export" => return exports::selected(call, &owner, ids),
        "merge" if !(2..=TWINS).contains(&ids.len()) => {
            return again(w.two_to_merge);
        }
        "merge" => return Ok(reader::go(format!("/duplicates?ids={}", listed.join(",")))),
        "delete" => (Action::Delete, w.deleted),
        "add_label" => (Action::AddLabel(label.clone()), w.label_added),
        "remove_label" => (Action::RemoveLabel(label.clone()), w.label_taken),
        _ => return Err(Error::invalid("action", "is none that there is")),
    };
    // After contacts were deleted the list begins anew: its page may have been the last.
    let cursor = if action == Action::Delete { "" } else { "cursor" };
    let back = reader::place(form.get("query"), &["search", "label", "sort", cursor]);
    let back = format!("/contacts?{back}");
    let before = revision(call, owner.id())?;
    let (mut changed, mut found, mut stopped) = (0, 0, String::new());
    for ids in ids.chunks(BATCH) {
        match bulk(&call.app, owner.id(), &by, &action, ids) {
            Ok((now, missing)) => {
                changed += now;
                found += ids.len() - missing.len();
            }
            Err(error @ Error::Invalid(_)) if changed == 0 => {
                return again(&w.sentence(&why(&error)));
            }
            Err(error) if changed == 0 => return Err(error),
            // What was changed can be undone.
            Err(error) => {
                stopped = format!(" {} {}", w.stopped, w.sentence(&why(&error)));
                break;
            }
        }
    }
    // What a second click finds done was done by the first one.
    let done = if changed == 0 { found } else { changed };
    let text = w.n(words, done as i64).replace("{label}", &label) + &stopped;
    reader::go_undoable(call, visitor, back, text, before)
}

/// What an error says, without the name of a field that the list does not show.
pub fn why(error: &Error) -> String {
    let first = if let Error::Invalid(faults) = error { faults.first() } else { None };
    first.map_or_else(|| http::detail(error), |fault| fault.detail.clone())
}
